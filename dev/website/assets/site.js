// What the page does besides being read: light or dark, lists on narrow screens, the section one is in, the place one was at, copying, printing.
(() => {
  const root = document.documentElement, body = document.body, page = root.dataset.page;
  const store = { get: k => { try { return localStorage.getItem(k); } catch { return null; } }, set: (k, v) => { try { localStorage.setItem(k, v); } catch { /* private mode */ } } };
  root.classList.add('js');
  if (performance.getEntriesByType('navigation')[0]?.type !== 'navigate') root.classList.add('nb-whole');  // who comes back to a place needs the heights of all above it

  // light, dark, or as the system has it
  const themes = { '': 'Light or dark: as the system', light: 'Light', dark: 'Dark' };
  const setTheme = t => {
    if (t) root.dataset.theme = t; else delete root.dataset.theme;
    store.set('nnbolts:theme', t);
    for (const b of document.querySelectorAll('.nb-theme')) { b.querySelector('.nb-theme-says').textContent = themes[t]; b.title = themes[t] + '. Press to change'; }
  };
  setTheme(root.dataset.theme || '');
  for (const b of document.querySelectorAll('.nb-theme')) b.addEventListener('click', () => {
    const now = root.dataset.theme || '', dark = matchMedia('(prefers-color-scheme: dark)').matches;
    setTheme(now === '' ? (dark ? 'light' : 'dark') : now === (dark ? 'light' : 'dark') ? (dark ? 'dark' : 'light') : '');
  });

  // the lists of pages and sections, where there is no room for them
  for (const [cls, id] of [['nb-narrow-toc', 'nb-toc'], ['nb-narrow-nav', 'nb-nav']]) {
    const button = document.querySelector('.' + cls), list = document.getElementById(id);
    if (!button || !list) continue;
    const show = on => { list.classList.toggle('shown', on); button.setAttribute('aria-expanded', on); };
    button.addEventListener('click', () => { show(!list.classList.contains('shown')); if (list.classList.contains('shown')) (list.querySelector('[aria-current]') || list.querySelector('a')).focus(); });
    list.addEventListener('click', e => { if (e.target.closest('a')) show(false); });
    body.addEventListener('keydown', e => { if (e.key === 'Escape' && list.classList.contains('shown')) { show(false); button.focus(); } });
    body.addEventListener('click', e => { if (!list.contains(e.target) && !button.contains(e.target)) show(false); });
  }

  // the section that is being read: marked in the list, which follows
  const toc = document.getElementById('nb-toc');
  const links = toc ? [...toc.querySelectorAll('a')] : [], heads = links.map(a => document.getElementById(decodeURIComponent(a.hash.slice(1)))).map(e => e && (e.matches('section') ? e.querySelector('h2, h3') : e));
  const boxes = heads.map(e => e && (e.closest('section, .nb-entry') || e)), parts = boxes.map(e => e && e.closest('main > section, main > .nb-reference'));
  let current = -1, due = false;
  const follow = () => {
    due = false;
    const limit = innerHeight * .3;
    let n = -1;
    for (let i = 0; i < boxes.length; i++) {
      const part = boxes[i] && parts[i];
      if (part && part !== boxes[i]) {  // what is in a part far from the screen is not laid out (site.css): do not ask for its place
        const { top, bottom } = part.getBoundingClientRect();
        if (top >= limit) break;
        if (bottom < 0) { n = i; continue; }
      }
      if (boxes[i] && boxes[i].getBoundingClientRect().top < limit) n = i;
    }
    if (n === current) return;
    links[current]?.removeAttribute('aria-current');
    for (const li of toc.querySelectorAll('li.open')) li.classList.remove('open');
    current = n;
    if (n < 0) return;
    links[n].setAttribute('aria-current', 'true');
    for (let li = links[n].closest('li'); li; li = li.parentElement.closest('#nb-toc li')) li.classList.add('open');
    const box = toc.getBoundingClientRect(), me = links[n].getBoundingClientRect();
    if (me.top < box.top + 40 || me.bottom > box.bottom - 40) toc.scrollTop += me.top - box.top - box.height / 3;
    if (scrollY > innerHeight) store.set('nnbolts:place:' + page, links[n].hash);
  };
  if (toc) {
    addEventListener('scroll', () => { if (!due) { due = true; requestAnimationFrame(follow); } }, { passive: true });
    const place = store.get('nnbolts:place:' + page), at = place && links.find(a => a.hash === place), line = document.querySelector('.nb-place');
    if (at && line && !location.hash) {
      line.append('You were at ', Object.assign(document.createElement('a'), { href: place, textContent: at.textContent }));
      line.hidden = false;
    }
    follow();
  }

  // What is far from the screen is not laid out at first (site.css); it is in moments when nothing else is to be done, a part at a time.
  const rest = [...document.querySelectorAll('main section, main .nb-reference > *')], moment = window.requestIdleCallback || (f => setTimeout(f, 50));
  const anchored = CSS.supports('overflow-anchor', 'auto');  // the text does not jump when something above it gets its height
  const layOut = () => {
    const part = rest.shift();
    if (!part) { if (anchored) root.classList.add('nb-whole'); return; }
    if (anchored || part.getBoundingClientRect().top > 0) part.style.contentVisibility = 'visible';
    requestAnimationFrame(() => moment(layOut));
  };
  if (!root.classList.contains('nb-whole')) addEventListener('load', () => moment(layOut));

  // a link to something inside a folded part opens it
  const unfold = () => {
    let e; try { e = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { return; }
    for (let d = e && (e.matches('details') ? e : e.closest('details')); d; d = d.parentElement.closest('details')) d.open = true;
    e && e.scrollIntoView();
  };
  addEventListener('hashchange', unfold);
  if (location.hash) unfold();

  // copy the code
  for (const box of document.querySelectorAll('div.sourceCode')) {
    const b = Object.assign(document.createElement('button'), { type: 'button', className: 'nb-copy', textContent: 'Copy' });
    b.addEventListener('click', async () => { await navigator.clipboard.writeText(box.querySelector('code').innerText.trimEnd()); b.textContent = 'Copied'; setTimeout(() => { b.textContent = 'Copy'; }, 1500); });
    box.append(b);
  }

  // On a phone a picture shrinks. Its letters grow towards 9 pixels as far as none runs into another or out of the picture; a button shows it large.
  const crowded = (svg, texts) => {
    const all = svg.getBoundingClientRect(), boxes = texts.map(t => {  // where the ink is: a line of text has room above and below its letters
      const { left, right, top, bottom } = t.getBoundingClientRect(), room = Math.min(right - left, bottom - top) * .07;
      return { left, right, top: top + room, bottom: bottom - room };
    });
    let n = 0;
    boxes.forEach((a, i) => {
      if (a.left < all.left - 1 || a.right > all.right + 1 || a.top < all.top - 1 || a.bottom > all.bottom + 1) n++;
      for (let j = 0; j < i; j++) { const b = boxes[j]; if (a.left < b.right + 1 && b.left < a.right + 1 && a.top < b.bottom && b.top < a.bottom) n++; }
    });
    return n;
  };
  const legible = svg => {
    const scale = svg.viewBox.baseVal?.width ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    const texts = scale && scale < .95 ? [...svg.querySelectorAll('text')] : [];
    const sizes = texts.map(t => parseFloat(getComputedStyle(t).fontSize)), before = texts.length && crowded(svg, texts);
    for (const most of texts.length ? [1.6, 1.35, 1.2, 1.1, 1] : []) {
      texts.forEach((t, i) => { t.style.fontSize = Math.max(sizes[i], Math.min(9 / scale, sizes[i] * most)) + 'px'; });
      if (most === 1 || crowded(svg, texts) <= before) return;
    }
  };
  if (innerWidth < 768) {
    for (const pre of document.querySelectorAll('pre.nb-columns')) pre.tabIndex = 0;  // it scrolls sideways there
    const near = new IntersectionObserver(seen => { for (const e of seen) if (e.isIntersecting) { near.unobserve(e.target); legible(e.target); } }, { rootMargin: '300px' });
    for (const svg of document.querySelectorAll('.nb-figure > svg')) {
      near.observe(svg);
      const box = svg.parentElement, b = Object.assign(document.createElement('button'), { type: 'button', className: 'nb-larger', textContent: 'Larger' });
      b.addEventListener('click', () => { b.textContent = box.classList.toggle('large') ? 'Smaller' : 'Larger'; });
      svg.after(b);
    }
    for (const area of document.querySelectorAll('.nb-explore-result')) {
      const all = () => { for (const svg of area.querySelectorAll('svg')) near.observe(svg); };
      new MutationObserver(all).observe(area, { childList: true });
      all();
    }
  }

  // The words of the glossary: point at one, tap it or press Enter, and its meaning stands beside it. Without a script they are links.
  const glossary = () => {
    let box, meanings, at = null, held = false, timer, quiet = false;
    const load = () => meanings ??= new Promise((done, fail) => {
      document.head.append(Object.assign(document.createElement('script'), { src: root.dataset.root + 'assets/terms.js', onload: () => done(window.nbTerms), onerror: fail }));
    });
    const make = (tag, props, ...inside) => { const e = Object.assign(document.createElement(tag), props); e.append(...inside); return e; };
    const hide = (back = false) => {
      clearTimeout(timer);
      if (!at) return;
      const a = at;
      if (back && box?.contains(document.activeElement)) { quiet = true; a.focus(); quiet = false; }
      at = null;
      a.setAttribute('aria-expanded', 'false');
      a.removeAttribute('aria-describedby');
      box?.remove();
    };
    const show = async (a, hold = false) => {
      clearTimeout(timer);
      if (at === a) { held ||= hold; return; }
      hide();
      at = a;
      held = hold;
      let said;
      try { said = (await load())[decodeURIComponent(a.hash.slice(1))]; } catch { /* it stays a link */ }
      if (at !== a) return;
      if (!said) { at = null; if (hold) location.href = a.href; return; }
      const [name, html, home, homeSaid] = said, meaning = make('span', { id: 'nb-meaning', innerHTML: html });
      box = make('span', { className: 'nb-meaning', popover: 'manual' }, make('strong', { textContent: name }), meaning, make('span', { className: 'nb-meaning-more' },
        make('a', { href: root.dataset.root + home, textContent: homeSaid }), make('a', { href: a.href, textContent: 'Glossary' })));
      a.after(box);
      box.showPopover();
      const place = [...a.getClientRects()].at(-1), size = box.getBoundingClientRect(), bar = document.querySelector('.nb-bar').getBoundingClientRect().bottom;
      const above = place.bottom + size.height + 8 > innerHeight && place.top - size.height - 8 > bar;
      box.style.left = scrollX + Math.max(8, Math.min(place.left, root.clientWidth - size.width - 8)) + 'px';
      box.style.top = scrollY + (above ? place.top - size.height - 5 : place.bottom + 5) + 'px';
      a.setAttribute('aria-expanded', 'true');
      a.setAttribute('aria-describedby', 'nb-meaning');
    };
    const word = e => e.target.closest?.('a.nb-term'), later = (f, ms) => { clearTimeout(timer); timer = setTimeout(f, ms); };
    for (const a of document.querySelectorAll('a.nb-term')) { a.role = 'button'; a.setAttribute('aria-expanded', 'false'); }
    body.addEventListener('pointerover', e => {
      if (e.pointerType !== 'mouse') return;
      const a = word(e);
      if (a) later(() => show(a), 200);
      else if (box?.contains(e.target)) clearTimeout(timer);
      else if (at && !held) later(() => { if (!at?.matches(':focus-visible')) hide(); }, 250);
      else if (!at) clearTimeout(timer);
    });
    body.addEventListener('pointerdown', e => { if (at && !word(e) && !box?.contains(e.target)) hide(); });
    body.addEventListener('focusin', e => { const a = word(e); if (a && !quiet && a.matches(':focus-visible')) show(a); });
    body.addEventListener('focusout', e => { if (at && !held && e.relatedTarget && e.relatedTarget !== at && !box?.contains(e.relatedTarget)) hide(); });
    body.addEventListener('click', e => {
      const a = word(e);
      if (!a || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
      e.preventDefault();
      if (at === a && held) hide(); else show(a, true);
    });
    body.addEventListener('keydown', e => {
      if (e.key === 'Escape' && at) { e.preventDefault(); hide(true); }
      else if (e.key === ' ' && word(e)) { e.preventDefault(); word(e).click(); }
    });
    addEventListener('beforeprint', () => hide());
  };
  if (document.querySelector('a.nb-term') && HTMLElement.prototype.showPopover) glossary();

  // paper has nothing to click: all is open on it
  let opened = [];
  addEventListener('beforeprint', () => { opened = [...document.querySelectorAll('details:not([open])')]; for (const d of opened) d.open = true; });
  addEventListener('afterprint', () => { for (const d of opened) d.open = false; });
})();
