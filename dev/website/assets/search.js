// The search box: Pagefind finds the sections for each word, this file puts them in order and shows them.
(() => {
  const root = new URL('../', document.currentScript.src);
  const idle = new Set(`a about after all always an and any are as at be been before best but by can cannot could did do does doing don every explain find fix for from get gets getting give gives go goes going good got had
    has have help how i if in into is isn it its just keep keeps know like make makes many me much must my need no not of on only or over per please problem properly should so some such than that the their them then there these they this to too try
    up use used using very want was way we what when where which while who why will with work working works would wrong you your mib gib gb mb`.split(/\s+/));
  const shown = 8, asked = 40;
  let engine;

  // Of a traceback what stands from its last error on; without places in files, addresses and the shapes of one's own tensors.
  const clean = query => {
    let text = query.replace(/\s+/g, ' ').replace(/\bwhat (?:do|does) (.{2,40}?) mean\b\??/i, 'what is $1').replace(/\b(test|inference|training)[ -]time\b/gi, '$1').trim();
    const trace = /Traceback|File "|line \d+, in /.test(text);
    const errors = [...text.matchAll(/\b[A-Z]\w*(?:Error|Warning|Exception|Interrupt|Iteration)(?=:|\s*$)/g)].filter(m => trace || text[m.index + m[0].length] === ':');
    const pasted = errors.length > 0;
    if (pasted) text = text.slice(errors.at(-1).index);
    const less = text.replace(/File "[^"]*"(?:, line \d+(?:, in \S+)?)?|\S+\.(?:py|ipynb)\b(?::\d+)*|\bline \d+\b|0x[0-9a-f]+|\^{2,}|~{2,}|torch\.Size\(\[[^\]]*\]\)|\((?:\d[\dx, .]*(?:and [\dx, .]*)?)\)|\[[\d, .]*\]/gi, ' ');
    return { text: /[a-z]{2}/i.test(less) ? less : text, pasted };
  };

  // What a query is made of: words that tell sections apart. Numbers and shapes of a pasted error do not.
  const words = (query, numbers = true) => {
    const { text } = clean(query);
    const all = text.toLowerCase().match(/[\p{L}_][\p{L}\p{N}_]*|\d+[\p{L}_][\p{L}\p{N}_]*/gu) || [];
    const unique = [...new Set(all)].filter(w => !/^\d+(?:x\d+)+$/.test(w));
    const telling = unique.filter(w => w.length > 1 && !idle.has(w));
    if (numbers && telling.length < 4) telling.push(...(text.match(/(?<![\w.])\d+(?:\.\d+)?(?![\w.])/g) || []));  // "stuck at 2.303": a number tells where words are few
    return (telling.length ? telling : unique).slice(0, 14);
  };
  // Words of a question that the pages say in another way.
  const alike = { __proto__: null, test: ['eval', 'use'], inference: ['eval', 'use'], prediction: ['eval', 'use'], choose: ['finding', 'which'], pick: ['finding', 'which'], clip: ['clipping'], choosing: ['finding', 'which'], lr: ['rate'],
    formula: ['large'], faster: ['slow'], speed: ['slow', 'faster'], frozen: ['freeze'], nans: ['nan'], oom: ['memory'], momentum: ['sgd'], size: ['large'] };
  const question = /\b(?:how|what|which|explain|choose|choosing|formula|difference|vs|(?:test|inference)[ -]time)\b/i;  // asks for the story, not for a mistake
  const load = () => engine ??= (async () => {
    const [pagefind, known] = await Promise.all([import(new URL('pagefind/pagefind.js', root)), fetch(new URL('assets/names.json', root)).then(r => r.json())]);
    await pagefind.options({ excerptLength: 24, ranking: { termSaturation: 1.2, pageLength: 0.6, termFrequency: 1.0, termSimilarity: 3.0 } });
    await pagefind.init();
    const { names } = known, list = known.words.split(' ');
    return { pagefind, names, exact: Object.keys(names), list, spelled: new Set(list.map(stem)) };
  })();

  const stem = w => w.replace(/(?:ing|ed|es|s|e)$/, '');
  const terms = text => new Set(((text + ' ' + (text.match(/\b(?:[A-Z][a-z]+){2,}\b/g) || []).join(' ').replace(/([a-z])([A-Z])/g, '$1 $2')).toLowerCase().match(/[\p{L}_][\p{L}\p{N}_]*|\d+(?:\.\d+)?/gu) || []).flatMap(w => [w, ...w.split('_')]).map(stem));

  // How many slips of the finger apart two words are: a letter more, less, other, or two that changed places.
  const apart = (a, b) => {
    let before = [], last = [...Array(b.length + 1).keys()];
    for (let i = 1; i <= a.length; i++) {
      const row = [i];
      for (let j = 1; j <= b.length; j++) {
        row[j] = Math.min(row[j - 1] + 1, last[j] + 1, last[j - 1] + (a[i - 1] !== b[j - 1]));
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j], before[j - 2] + 1);
      }
      [before, last] = [last, row];
    }
    return last[b.length];
  };
  const nearest = (word, list) => {
    const most = word.length < 8 ? 1 : 2;
    let best = null, least = most + 1;
    for (const w of list) {
      if (Math.abs(w.length - word.length) > most) continue;
      const n = apart(word, w);
      if (n < least) { best = w; least = n; }
    }
    return best;
  };

  // A section and the words of its heading, of what else it is called, of all of it, of its page: found once.
  const sections = new Map();
  const section = result => {
    if (sections.has(result.id)) return sections.get(result.id);
    const read = result.data().then(({ meta, content = '' }) => {
      const own = terms(meta.title.replace(/^\d+\.\s/, '')), also = terms(`${meta.also || ''} ${meta.under || ''}`);
      return { meta, content, own, also, all: terms(content), pages: terms(meta.page), telling: [...own].filter(w => !idle.has(w)) };
    });
    sections.set(result.id, read);
    read.catch(() => sections.delete(result.id));  // without a network: to be asked again
    return read;
  };

  // The sections for a query, best first: {url, title, page, kind, cause, said}. Of the list: `weak`, nothing fits well; `meant`, the query without its slips; `parts`, its words.
  async function find(query) {
    const { pagefind, names, exact, list: spelling, spelled } = await load();
    const parts = words(query), { pasted } = clean(query), asks = !pasted && question.test(query), numbers = query.match(/\d{2,}/g) || [];
    if (!parts.length) return [];
    const strange = w => /^[a-z]{5,}$/.test(w) && !spelled.has(stem(w));
    const slips = new Map(pasted ? [] : parts.filter(strange).map(w => [w, nearest(w, spelling)]).filter(([, w]) => w));
    const found = new Map(), other = new Set(parts.flatMap(w => alike[w] || []));
    await Promise.all([...parts, ...other].map(w => pagefind.preload(w)));  // a search also counts longer words of whatever is loaded by then
    const sets = await Promise.all(parts.map(w => pagefind.search(w)));
    const whole = parts.length > 1 ? await pagefind.search(parts.join(' ')) : null;
    const rare = sets.map(({ results }, i) => (strange(parts[i]) && pasted ? 0.3 : Math.log(1 + 700 / (1 + results.length))) / (parts[i].length > 2 ? 1 : 2));
    const share = test => parts.reduce((sum, w, i) => sum + rare[i] * test(w), 0) / rare.reduce((a, b) => a + b, 0);
    sets.forEach(({ results }, i) => {
      const most = Math.max(...results.map(r => r.score), 1e-9);
      for (const r of results) {
        const e = found.get(r.id) || { r, score: 0, hits: 0 };
        e.score += rare[i] * (0.35 + 0.65 * r.score / most);
        e.hits += 1;
        found.set(r.id, e);
      }
    });
    if (whole) { const most = Math.max(...whole.results.map(r => r.score), 1e-9); for (const r of whole.results) { const e = found.get(r.id); if (e) e.score += 1.5 * r.score / most; } }
    for (const { results } of await Promise.all([...other].map(w => pagefind.search(w)))) {
      const most = Math.max(...results.map(r => r.score), 1e-9);
      for (const r of results) { const e = found.get(r.id); if (e) { e.score += 0.7 + 0.8 * r.score / most; e.hits += 0.5; } }
    }
    const top = [...found.values()].map(e => ({ ...e, score: e.score * (0.4 + e.hits / parts.length) })).sort((a, b) => b.score - a.score).slice(0, parts.length > 1 ? asked : 2 * asked);  // one word stands in many sections: look at more headings
    const read = await Promise.all(top.map(e => section(e.r)));
    const most = Math.max(...top.map(e => e.score), 1e-9);
    const list = read.map(({ meta, content, own, also, all, pages, telling }, i) => {
      const { title, page, kind, url } = meta;
      const has = (set, w) => set.has(stem(w)) ? 1 : (alike[w] || []).some(o => set.has(stem(o))) ? 0.7 : 0;
      const inTitle = share(w => has(own, w)), inAlso = share(w => Math.max(has(own, w), has(also, w)));
      const close = telling.filter(w => parts.some(p => stem(p) === w)).length / (telling.length || 1);
      const theme = kind === 'text' ? share(w => pages.has(stem(w))) : 0;  // a story section of the page on it
      const digits = numbers.length ? numbers.filter(n => content.includes(n)).length / numbers.length : 0;
      const story = kind === 'text' && asks, heads = parts.some(w => !pages.has(stem(w)) && (has(own, w) || has(also, w)));  // its heading says more than its page's does
      const score = top[i].score / most + 0.8 * inTitle + (asks && kind === 'stuck' ? 0.3 : 0.7) * inAlso + (story ? 1.1 * close * close : 0.3 * close) * (inTitle > 0) + (story ? 0.4 : 0) * heads + 0.8 * theme * heads + 0.2 * digits
        + (kind === 'stuck' ? (asks ? 0 : 0.45) * Math.min(1, Math.max(0, inAlso - 0.15) / 0.5) : kind === 'name' ? (title.includes('.') && !query.includes('.') ? -1 : -0.35) : kind === 'term' ? -0.7 : 0);  // methods are asked for by their dot; a chapter explains more than the glossary
      return { url, title, page, kind, home: meta.home, cause: meta.cause, said: meta.said || '', score, cover: share(w => Math.max(has(all, w), has(own, w), has(also, w))), inAlso };
    }).sort((a, b) => b.score - a.score);
    // Who asks what a word is finds first the section that the glossary's entry leads to, then the entry.
    if (/^what(?:'s| is| are| do| does)\b/i.test(query)) {
      const said = set => [...set].sort().join(), asked = said(new Set(parts.map(stem)));
      const entry = list.find(r => r.kind === 'term' && said(terms(r.title)) === asked), home = entry && list.find(r => r.url === entry.home);
      const first = [home, entry].filter(Boolean), rest = list.filter(r => !first.includes(r));
      list.splice(0, list.length, ...first, ...rest);
    }
    if (slips.size) list.meant = query.replace(/\p{L}+/gu, w => slips.get(w.toLowerCase()) || w);
    list.weak = list.length > 0 && Math.max(...list.slice(0, 3).map(r => r.cover)) < 0.6;
    list.parts = parts;
    // A query that is a name of ours, or of PyTorch's that we build, finds its entry first.
    const last = query.trim().replace(/\(.*$/, '').split(/\s+/);
    if (last.length === 1) {
      const plain = last[0].replace(/^(?:torch\.|nnbolts\.|nn\.|functional\.|F\.|optim\.|utils\.|\w+\.(?=\w+\.\w))+/, '');
      const hits = exact.filter(n => n === plain || n.split('.').pop() === plain);
      const loose = hits.length ? hits : exact.filter(n => n.toLowerCase() === plain.toLowerCase() || n.toLowerCase().split('.').pop() === plain.toLowerCase());
      const first = loose.sort((a, b) => a.split('.').length - b.split('.').length).slice(0, 3).map(n => names[n]);
      const own = r => r.kind !== 'name' && r.kind !== 'term' && terms(r.title).has(stem(plain.toLowerCase()));  // a section about it comes before its entry
      const entries = first.map(url => list.find(r => r.url === url) || { url, title: exact.find(n => names[n] === url), page: 'Reference', kind: 'name', said: '' });
      const about = list.slice(0, 3).filter(own).slice(0, 2);
      const rest = list.filter(r => !about.includes(r) && !first.includes(r.url));
      list.splice(0, list.length, ...about, ...entries, ...rest);
      if (first.length) { list.weak = false; delete list.meant; }
    }
    return list;
  }
  window.nbFind = find;
  window.nbWords = { words, terms, stem };

  // The sentence of a section that has most of the words, with these marked.
  const sentence = (said, parts) => {
    const stems = new Set(parts.map(stem)), hits = s => [...terms(s)].filter(w => stems.has(w)).length;
    const all = said.split(/(?<=[.?!:])\s+(?=[\p{Lu}`"'(])/u), best = all.reduce((a, b) => hits(b) > hits(a) ? b : a, all[0] || '');
    return best.split(/([\p{L}_][\p{L}\p{N}_]*)/u).map((w, i) => i % 2 && stems.has(stem(w.toLowerCase())) ? Object.assign(document.createElement('mark'), { textContent: w }) : w);
  };
  // The last query of this tab: one comes back from a page that it led to.
  const last = { get: () => { try { return sessionStorage.getItem('nnbolts:query') || ''; } catch { return ''; } }, set: q => { try { sessionStorage.setItem('nnbolts:query', q); } catch { /* private mode */ } } };

  let count = 0;
  const label = r => r.kind === 'name' ? 'Reference' : r.kind === 'stuck' && !r.title.trim().endsWith('?') ? 'When it goes wrong' : '';
  function box(place) {
    const id = `nb-search-${++count}`, main = place.id === 'nb-search';
    place.innerHTML = `<form role="search" class="nb-search-form" action="${new URL('stuck.html', root).pathname}">
      <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true"><circle cx="10.5" cy="10.5" r="6.5" fill="none" stroke="currentColor" stroke-width="2"/><path d="m15.5 15.5 5 5" stroke="currentColor" stroke-width="2"/></svg>
      <input type="search" name="q" role="combobox" aria-label="Search the pages" aria-autocomplete="list" aria-expanded="false" aria-controls="${id}" autocomplete="off" spellcheck="false" placeholder="${main ? 'Search' : 'Paste an error, or say what you see'}">
      ${main ? '<kbd aria-hidden="true">/</kbd>' : ''}</form>
      <div class="nb-results" hidden><p class="nb-results-said" role="status"></p><div id="${id}" role="listbox" aria-label="Sections found"></div></div>`;
    const input = place.querySelector('input'), panel = place.querySelector('.nb-results'), said = panel.firstElementChild, list = panel.lastElementChild;
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
    const show = (results, again = '') => {
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
        where.textContent = [r.page, label(r)].filter(Boolean).join(' · ');
        words.className = 'nb-result-words';
        words.append(...(r.cause ? [r.cause] : sentence(r.said, results.parts)));  // of a mistake, what one came for
        a.append(title, where, words);
        return a;
      }));
      said.textContent = again ? `You last searched for “${again}”:` : !results.length ? 'Nothing found. Try the words of the error, or fewer words.' : results.weak ? 'Nothing here fits exactly; nearest:' : '';
      if (results.meant) {
        const other = Object.assign(document.createElement('button'), { type: 'button', className: 'nb-meant', textContent: results.meant });
        other.addEventListener('click', () => ask(results.meant));
        const mean = document.createElement('span');
        mean.append('Did you mean ', other, '? ');
        said.prepend(mean);
      }
      open();
      if (results.length) pick(0);
    };
    const ask = async given => {
      if (given) { input.value = given; input.focus(); }
      const turn = ++asking, typed = input.value.trim(), again = typed ? '' : last.get(), query = typed || again;
      if (!query) return close();
      try {
        const results = await find(query);
        if (turn !== asking) return;
        show(results, again);
        last.set(query);
      } catch (e) { if (turn === asking) { list.replaceChildren(); said.textContent = 'The search needs the site on a server, not opened as a file.'; open(); } }
    };
    input.addEventListener('focus', () => load().catch(() => 0), { once: true });
    input.addEventListener('focus', () => { if (panel.hidden) ask(); });
    input.addEventListener('input', () => { clearTimeout(timer); if (!input.value.trim()) last.set(''); timer = setTimeout(ask, 80); });
    input.addEventListener('keydown', e => {
      if (e.key === 'ArrowDown' || e.key === 'ArrowUp') { e.preventDefault(); panel.hidden ? ask() : pick(at + (e.key === 'ArrowDown' ? 1 : -1)); }
      else if (e.key === 'Escape') { if (panel.hidden) input.blur(); else { e.preventDefault(); close(); } }
    });
    place.querySelector('form').addEventListener('submit', async e => {
      e.preventDefault();
      clearTimeout(timer);
      if (panel.hidden && !input.value.trim()) return ask();
      if (panel.hidden || !list.children.length) await ask();
      const option = list.children[Math.max(at, 0)];
      if (option) { close(); location.href = option.href; }
      else if (input.value.trim()) location.href = new URL(`stuck.html?q=${encodeURIComponent(input.value.trim())}`, root);
    });
    list.addEventListener('click', () => setTimeout(close));
    list.addEventListener('pointermove', e => { const o = e.target.closest('[role=option]'); if (o) { const n = [...list.children].indexOf(o); if (n !== at) pick(n); } });
    place.addEventListener('focusout', e => { if (!place.contains(e.relatedTarget)) setTimeout(() => { if (!place.contains(document.activeElement)) close(); }, 150); });
    return { input, ask };
  }
  const boxes = [...document.querySelectorAll('#nb-search, .nb-search-place')].map(box), inputs = boxes.map(b => b.input);
  window.nbAsk = query => (boxes.find(b => b.input.checkVisibility()) || boxes[0])?.ask(query);
  document.addEventListener('keydown', e => {
    if (e.key !== '/' || e.ctrlKey || e.metaKey || e.altKey || e.target.closest('input, textarea, select, [contenteditable]')) return;
    e.preventDefault();
    const first = inputs.find(i => i.checkVisibility());
    if (first) { first.focus(); first.select(); }
  });
})();
