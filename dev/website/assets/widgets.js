// The switch that opens every folded check, boxes that scroll and can be reached by keyboard, the filter of stuck.html.
(() => {
  const stored = { get: k => { try { return localStorage.getItem(k); } catch { return null; } }, set: (k, v) => { try { localStorage.setItem(k, v); } catch { /* private mode */ } } };

  const button = document.getElementById('nb-checks'), checks = document.querySelectorAll('details.nb-checked');
  const open = on => { for (const d of checks) d.open = on; button?.setAttribute('aria-pressed', on); };
  if (button) {
    if (!checks.length) button.hidden = true;
    if (stored.get('nnbolts:checks') === 'open') open(true);
    button.addEventListener('click', () => {
      const on = button.getAttribute('aria-pressed') !== 'true';
      open(on);
      stored.set('nnbolts:checks', on ? 'open' : 'folded');
    });
  }

  // Only a box that does scroll is a stop for the keyboard.
  const boxes = document.querySelectorAll('main pre, main .nb-scroll, main .nb-figure, main .cell-output, main math[display=block], .nb-explore-result, main [style*=overflow]');
  const look = entries => {
    const reach = entries.map(({ target: e }) => {  // all is read before anything is written: one layout
      const larger = e.clientWidth > 0 && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1), style = larger && getComputedStyle(e);
      return [e, style && /auto|scroll/.test(style.overflowX + style.overflowY)];
    });
    for (const [e, scrolls] of reach) {
      if (scrolls) {
        e.tabIndex = 0;
        if (e.localName !== 'math' && !e.hasAttribute('role')) { e.setAttribute('role', 'region'); e.setAttribute('aria-label', e.localName === 'pre' ? 'Code or output, scrolls' : 'Wide content, scrolls'); }
      } else if (e.tabIndex === 0 && e.localName !== 'summary') e.removeAttribute('tabindex');
    }
  };
  const sizes = new ResizeObserver(look);
  for (const e of boxes) sizes.observe(e);

  const filter = document.getElementById('nb-filter');
  if (filter) {
    const rows = [...document.querySelectorAll('.nb-stuck-list > li')].map(e => [e, (e.textContent + ' ' + e.dataset.also).toLowerCase()]);
    const count = document.getElementById('nb-filter-count');
    const apply = () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      let left = 0;
      for (const [e, text] of rows) left += !(e.hidden = !words.every(w => text.includes(w)));
      for (const g of document.querySelectorAll('.nb-stuck-group')) g.hidden = !g.querySelector('li:not([hidden])');
      count.textContent = words.length ? `${left} of ${rows.length}` : '';
    };
    filter.addEventListener('input', apply);
    if (filter.value) apply();
  }
})();
