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
        if (e.localName !== 'math' && !e.hasAttribute('role')) { e.setAttribute('role', 'group'); e.setAttribute('aria-label', e.localName === 'pre' ? 'Code or output, scrolls' : 'Wide content, scrolls'); }
      } else if (e.tabIndex === 0 && e.localName !== 'summary') e.removeAttribute('tabindex');
    }
  };
  const sizes = new ResizeObserver(look);
  for (const e of boxes) sizes.observe(e);

  // A filter over the rows of a page's tables: those that have all words of what was typed.
  const over = document.querySelector('[data-rows]');
  if (over) {
    const input = Object.assign(document.createElement('input'), { type: 'search', id: 'nb-rows', autocomplete: 'off', placeholder: 'words of an idea, or mended, answered, more' });
    const label = Object.assign(document.createElement('label'), { htmlFor: 'nb-rows', textContent: over.dataset.rows });
    const count = document.createElement('span');
    count.setAttribute('role', 'status');
    over.append(label, input, count);
    const rows = [...document.querySelectorAll('main tbody tr')].map(e => ({ e, text: e.textContent.toLowerCase() }));
    const parts = [...document.querySelectorAll('main section')].filter(s => s.querySelector('tbody tr'));
    input.addEventListener('input', () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const r of rows) r.e.hidden = !words.every(w => r.text.includes(w));
      for (const s of parts) s.hidden = !s.querySelector('tbody tr:not([hidden])');
      count.textContent = words.length ? `${rows.filter(r => !r.e.hidden).length} of ${rows.length}` : '';
    });
  }

  // The list for the stuck: the lines that have all words of what was typed or pasted, else those that have most; best first.
  const filter = document.getElementById('nb-filter');
  if (filter) {
    const { words, terms, stem } = window.nbWords;
    const groups = [...document.querySelectorAll('.nb-stuck-group')], count = document.getElementById('nb-filter-count'), place = groups[0]?.parentElement, end = groups.at(-1)?.nextSibling;
    const rows = groups.flatMap(g => [...g.querySelectorAll('li')].map(e => ({ e, g, list: e.parentElement, said: [...terms(e.querySelector('a').textContent + ' ' + e.dataset.also)], rest: [...terms(e.textContent)] })));
    const best = (found, of) => Math.max(0, ...found.map(r => r[of]));
    const apply = () => {
      const asked = words(filter.value, false).map(stem), has = (list, w) => list.some(t => t === w || w.length > 2 && t.startsWith(w));
      const rare = asked.map(w => Math.log(1 + rows.length / (1 + rows.filter(r => has(r.said, w) || has(r.rest, w)).length)));
      const whole = rare.reduce((a, b) => a + b, 0) || 1;
      for (const r of rows) {
        r.cover = asked.reduce((sum, w, i) => sum + rare[i] * (has(r.said, w) || has(r.rest, w)), 0) / whole;
        r.score = r.cover + asked.reduce((sum, w, i) => sum + rare[i] * has(r.said, w), 0) / whole;
      }
      const least = best(rows, 'cover') > 0.999 ? 0.999 : Math.max(0.5, 0.75 * best(rows, 'cover'));
      for (const r of rows) r.e.hidden = asked.length > 0 && r.cover < least;
      const left = rows.filter(r => !r.e.hidden);
      for (const r of [...rows].sort((a, b) => b.score - a.score)) r.list.append(r.e);
      for (const g of groups) g.hidden = !left.some(r => r.g === g);
      const top = g => best(left.filter(r => r.g === g), 'score');
      for (const g of [...groups].sort((a, b) => top(b) - top(a))) place.insertBefore(g, end);
      count.textContent = asked.length ? `${left.length} of ${rows.length} ` : '';
      if (asked.length) {
        const all = Object.assign(document.createElement('a'), { href: '#nb-search', textContent: left.length ? 'Search all pages' : 'Nothing in this list: search all pages' });
        all.addEventListener('click', e => { e.preventDefault(); window.nbAsk(filter.value.trim()); });
        count.append(all);
      }
    };
    filter.addEventListener('input', apply);
    filter.value ||= new URLSearchParams(location.search).get('q') || '';
    if (filter.value) apply();
  }
})();
