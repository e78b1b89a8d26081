// The search box: Pagefind finds the sections for each word, this file puts them in order and shows them.
(() => {
  const root = new URL('../', document.currentScript.src);
  const idle = new Set('a an and are as at be but by can could did do does for from has have how i if in into is it its my me not of on or so than that the then there this to was we what when where which who why will with you your get got gives give using use'.split(' '));
  const shown = 8, asked = 24;
  let engine;

  // What a query is made of: words that tell sections apart. Numbers and shapes of a pasted error do not.
  const words = query => {
    const all = query.toLowerCase().replace(/0x[0-9a-f]+/g, ' ').match(/[\p{L}_][\p{L}\p{N}_]*|\d+[\p{L}_][\p{L}\p{N}_]*/gu) || [];
    const unique = [...new Set(all)].filter(w => !/^\d+x\d+$/.test(w));
    const telling = unique.filter(w => w.length > 1 && !idle.has(w));
    if (telling.length < 4) telling.push(...(query.match(/(?<![\w.])\d+(?:\.\d+)?(?![\w.])/g) || []));  // "stuck at 2.303": a number tells where words are few
    return (telling.length ? telling : unique).slice(0, 14);
  };
  const load = () => engine ??= (async () => {
    const [pagefind, names] = await Promise.all([import(new URL('pagefind/pagefind.js', root)), fetch(new URL('assets/names.json', root)).then(r => r.json())]);
    await pagefind.options({ excerptLength: 24, ranking: { termSaturation: 1.2, pageLength: 0.6, termFrequency: 1.0, termSimilarity: 3.0 } });
    await pagefind.init();
    return { pagefind, names, exact: Object.keys(names) };
  })();

  const stem = w => w.replace(/(?:ing|ed|es|s)$/, '');
  const terms = text => new Set((text.toLowerCase().match(/[\p{L}_][\p{L}\p{N}_]*|\d+(?:\.\d+)?/gu) || []).flatMap(w => [w, ...w.split('_')]).map(stem));

  // The sections for a query, best first: {url, title, page, kind, excerpt}.
  async function find(query) {
    const { pagefind, names, exact } = await load();
    const parts = words(query);
    if (!parts.length) return [];
    const found = new Map();
    const sets = await Promise.all(parts.map(w => pagefind.search(w)));
    const whole = parts.length > 1 ? await pagefind.search(parts.join(' ')) : null;
    sets.forEach(({ results }, i) => {
      const most = Math.max(...results.map(r => r.score), 1e-9), rare = Math.log(1 + 700 / (1 + results.length));
      for (const r of results) {
        const e = found.get(r.id) || { r, score: 0, hits: 0 };
        e.score += rare * (0.35 + 0.65 * r.score / most) / (parts[i].length > 2 ? 1 : 2);
        e.hits += 1;
        found.set(r.id, e);
      }
    });
    if (whole) { const most = Math.max(...whole.results.map(r => r.score), 1e-9); for (const r of whole.results) { const e = found.get(r.id); if (e) e.score += 1.5 * r.score / most; } }
    const top = [...found.values()].map(e => ({ ...e, score: e.score * (0.4 + e.hits / parts.length) })).sort((a, b) => b.score - a.score).slice(0, asked);
    const data = await Promise.all(top.map(e => e.r.data()));
    const most = Math.max(...top.map(e => e.score), 1e-9), stems = parts.map(stem);
    const list = data.map((d, i) => {
      const { title, page, kind, url } = d.meta, own = terms(title), also = terms(d.meta.also || '');
      const inTitle = stems.filter(w => own.has(w)).length / stems.length, inAlso = stems.filter(w => own.has(w) || also.has(w)).length / stems.length;
      const score = top[i].score / most + 0.8 * inTitle + 0.7 * inAlso + (kind === 'stuck' ? 0.35 : kind === 'name' ? -0.35 : 0);
      return { url, title, page, kind, cause: d.meta.cause, excerpt: d.excerpt, score };
    }).sort((a, b) => b.score - a.score);
    // A query that is a name of ours, or of PyTorch's that we build, finds its entry first.
    const last = query.trim().replace(/\(.*$/, '').split(/\s+/);
    if (last.length === 1) {
      const plain = last[0].replace(/^(?:torch\.|nnbolts\.|nn\.|functional\.|F\.|optim\.|utils\.|\w+\.(?=\w+\.\w))+/, '');
      const hits = exact.filter(n => n === plain || n.split('.').pop() === plain);
      const loose = hits.length ? hits : exact.filter(n => n.toLowerCase() === plain.toLowerCase() || n.toLowerCase().split('.').pop() === plain.toLowerCase());
      const first = loose.sort((a, b) => a.split('.').length - b.split('.').length).slice(0, 3).map(n => names[n]);
      const own = r => r.kind !== 'name' && terms(r.title).has(stem(plain.toLowerCase()));  // a section about it comes before its entry
      const entries = first.map(url => list.find(r => r.url === url) || { url, title: exact.find(n => names[n] === url), page: 'Reference', kind: 'name', excerpt: '' });
      const about = list.slice(0, 3).filter(own).slice(0, 2);
      const rest = list.filter(r => !about.includes(r) && !first.includes(r.url));
      list.splice(0, list.length, ...about, ...entries, ...rest);
    }
    return list;
  }
  window.nbFind = find;

  let count = 0;
  const kinds = { stuck: 'Mistake', name: 'Reference', text: '' };
  function box(place) {
    const id = `nb-search-${++count}`, main = place.id === 'nb-search';
    place.innerHTML = `<form role="search" class="nb-search-form" action="${new URL('stuck.html', root).pathname}">
      <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true"><circle cx="10.5" cy="10.5" r="6.5" fill="none" stroke="currentColor" stroke-width="2"/><path d="m15.5 15.5 5 5" stroke="currentColor" stroke-width="2"/></svg>
      <input type="search" role="combobox" aria-label="Search the pages" aria-autocomplete="list" aria-expanded="false" aria-controls="${id}" autocomplete="off" spellcheck="false" placeholder="${main ? 'Search' : 'Paste an error, or say what you see'}">
      ${main ? '<kbd aria-hidden="true">/</kbd>' : ''}</form>
      <div class="nb-results" hidden><div id="${id}" role="listbox" aria-label="Sections found"></div><p class="nb-results-said" role="status"></p></div>`;
    const input = place.querySelector('input'), panel = place.querySelector('.nb-results'), list = panel.firstElementChild, said = panel.lastElementChild;
    let at = -1, asking = 0, timer;
    const close = () => { panel.hidden = true; input.setAttribute('aria-expanded', 'false'); input.removeAttribute('aria-activedescendant'); at = -1; };
    const open = () => { panel.hidden = false; input.setAttribute('aria-expanded', 'true'); };
    const pick = n => {
      const options = [...list.children];
      if (!options.length) return;
      at = (n + options.length) % options.length;
      options.forEach((o, i) => o.setAttribute('aria-selected', i === at));
      input.setAttribute('aria-activedescendant', options[at].id);
      options[at].scrollIntoView({ block: 'nearest' });
    };
    const show = results => {
      list.replaceChildren(...results.slice(0, shown).map((r, i) => {
        const a = document.createElement('a');
        a.href = new URL(r.url, root);
        a.id = `${id}-${i}`;
        a.role = 'option';
        a.tabIndex = -1;
        a.className = `nb-result nb-is-${r.kind}`;
        a.setAttribute('aria-selected', 'false');
        const where = document.createElement('span'), title = document.createElement('strong'), words = document.createElement('span');
        title.textContent = r.title;
        where.className = 'nb-result-where';
        where.textContent = [r.page, kinds[r.kind]].filter(Boolean).join(' · ');
        words.className = 'nb-result-words';
        if (r.cause) words.textContent = r.cause;  // of a mistake, what one came for
        else words.innerHTML = r.excerpt;  // Pagefind's, escaped but for <mark>
        a.append(title, where, words);
        return a;
      }));
      said.textContent = results.length ? '' : 'Nothing found. Try the words of the error, or fewer words.';
      open();
      if (results.length) pick(0);
    };
    const ask = async () => {
      const turn = ++asking, query = input.value.trim();
      if (!query) return close();
      try {
        const results = await find(query);
        if (turn === asking) show(results);
      } catch (e) { if (turn === asking) { list.replaceChildren(); said.textContent = 'The search needs the site on a server, not opened as a file.'; open(); } }
    };
    input.addEventListener('focus', () => load().catch(() => 0), { once: true });
    input.addEventListener('focus', () => { if (input.value.trim()) ask(); });
    input.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(ask, 80); });
    input.addEventListener('keydown', e => {
      if (e.key === 'ArrowDown' || e.key === 'ArrowUp') { e.preventDefault(); panel.hidden ? ask() : pick(at + (e.key === 'ArrowDown' ? 1 : -1)); }
      else if (e.key === 'Escape') { if (panel.hidden) input.blur(); else { e.preventDefault(); close(); } }
    });
    place.querySelector('form').addEventListener('submit', async e => {
      e.preventDefault();
      clearTimeout(timer);
      if (panel.hidden || !list.children.length) await ask();
      const option = list.children[Math.max(at, 0)];
      if (option) { close(); location.href = option.href; }
    });
    list.addEventListener('click', () => setTimeout(close));
    list.addEventListener('pointermove', e => { const o = e.target.closest('[role=option]'); if (o) { const n = [...list.children].indexOf(o); if (n !== at) pick(n); } });
    place.addEventListener('focusout', e => { if (!place.contains(e.relatedTarget)) setTimeout(() => { if (!place.contains(document.activeElement)) close(); }, 150); });
    return input;
  }
  const inputs = [...document.querySelectorAll('#nb-search, .nb-search-place')].map(box);
  document.addEventListener('keydown', e => {
    if (e.key !== '/' || e.ctrlKey || e.metaKey || e.altKey || e.target.closest('input, textarea, select, [contenteditable]')) return;
    e.preventDefault();
    const first = inputs.find(i => i.checkVisibility());
    if (first) { first.focus(); first.select(); }
  });
})();
