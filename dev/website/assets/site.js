// What the page does besides being read: light or dark, lists on narrow screens, the section one is in, the place one was at, copying, printing.
(() => {
  const root = document.documentElement, body = document.body, page = root.dataset.page;
  const store = { get: k => { try { return localStorage.getItem(k); } catch { return null; } }, set: (k, v) => { try { localStorage.setItem(k, v); } catch { /* private mode */ } } };
  root.classList.add('js');

  // light or dark: the system's choice until the reader makes one
  const dark = () => root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  document.getElementById('nb-theme').addEventListener('click', () => { root.dataset.theme = dark() ? 'light' : 'dark'; store.set('nnbolts:theme', root.dataset.theme); });

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
  let current = -1, due = false;
  const follow = () => {
    due = false;
    const limit = innerHeight * .3;
    let n = -1;
    for (let i = 0; i < heads.length; i++) if (heads[i] && heads[i].getBoundingClientRect().top < limit) n = i;
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

  // on a phone a picture shrinks; its letters stay 9 pixels tall, or grow by three fifths at the most
  const legible = svg => {
    const scale = svg.viewBox.baseVal?.width ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    for (const t of scale && scale < .95 ? svg.querySelectorAll('text, tspan') : []) {
      const size = +(t.dataset.size ||= parseFloat(getComputedStyle(t).fontSize));
      if (size * scale < 9) t.style.fontSize = Math.min(9 / scale, size * 1.6) + 'px';
    }
  };
  if (innerWidth < 768) {
    for (const svg of document.querySelectorAll('.nb-figure svg')) legible(svg);
    for (const area of document.querySelectorAll('.nb-explore-result')) {
      const all = () => { for (const svg of area.querySelectorAll('svg')) legible(svg); };
      new MutationObserver(all).observe(area, { childList: true });
      all();
    }
  }

  // paper has nothing to click: all is open on it
  let opened = [];
  addEventListener('beforeprint', () => { opened = [...document.querySelectorAll('details:not([open])')]; for (const d of opened) d.open = true; });
  addEventListener('afterprint', () => { for (const d of opened) d.open = false; });
})();
