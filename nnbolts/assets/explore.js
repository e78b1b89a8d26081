(() => {
  const unpack = async text => {
    const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).json();
  };
  const at = e => e.type === 'checkbox' ? +e.checked : e.type === 'range' ? +e.value : e.selectedIndex;
  const size = e => e.type === 'checkbox' ? 2 : e.type === 'range' ? +e.max + 1 : e.length;
  const begin = async (root, id) => {
    const controls = root.querySelector('.nb-explore-controls'), inputs = [...controls.querySelectorAll('input, select')];
    const area = root.querySelector('.nb-explore-result');
    // The same explorer a second time on a page: its labels and pictures need ids of their own.
    for (let n = 2; document.querySelectorAll(`[id="${root.id}"]`).length > 1; n++) root.id = id + '-' + n;
    const own = html => root.id === id ? html : html.replaceAll(id, root.id);
    if (root.id !== id) for (const e of controls.querySelectorAll('[id], [for]')) for (const a of e.attributes) a.value = own(a.value);
    if (!window.DecompressionStream) return area.append('The controls need a newer browser: this one cannot unpack what they would show.');
    const { results, index, start, tallest } = await unpack(root.querySelector('.nb-explore-data').textContent);
    let shown = root.id === id ? start : -1, waiting = false, width = 0;
    const show = () => {
      waiting = false;
      for (const e of inputs) if (e.type === 'range') {
        const text = JSON.parse(e.dataset.values)[at(e)];
        e.setAttribute('aria-valuetext', text);
        e.nextElementSibling.textContent = text;
      }
      const n = index[inputs.reduce((n, e) => n * size(e) + at(e), 0)];
      if (n !== shown) area.innerHTML = own(results[shown = n]);
    };
    const reserve = () => {
      if (area.clientWidth === width || !area.clientWidth) return;
      width = area.clientWidth;
      const probe = area.cloneNode();
      probe.removeAttribute('aria-live');
      probe.style.cssText = `position: absolute; visibility: hidden; width: ${width}px`;
      probe.innerHTML = results[tallest];
      area.after(probe);
      area.style.minHeight = Math.ceil(probe.getBoundingClientRect().height) + 'px';
      probe.remove();
    };
    controls.addEventListener('input', () => { if (!waiting) { waiting = true; requestAnimationFrame(show); } });
    for (const e of inputs) e.disabled = false;
    show();
    reserve();
    new ResizeObserver(reserve).observe(area);
  };
  for (const root of document.querySelectorAll('.nb-explore'))
    if (!root.nbReady && root.querySelector('.nb-explore-data')) { root.nbReady = true; begin(root, root.id); }
})();
