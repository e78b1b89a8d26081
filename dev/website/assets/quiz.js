// A page that asks: whether you knew an answer, kept in this browser, and a tally of it. Without this script the page is the same, without tally.
(() => {
  const answers = [...document.querySelectorAll('details.nb-answer')];
  if (!answers.length) return;
  const key = 'nnbolts:quiz:' + document.documentElement.dataset.page;
  const make = (tag, props = {}, ...inside) => { const e = Object.assign(document.createElement(tag), props); e.append(...inside); return e; };
  const read = () => { try { return JSON.parse(localStorage.getItem(key)) || {}; } catch { return {}; } };
  let said = read();
  const keep = () => { try { localStorage.setItem(key, JSON.stringify(said)); } catch { /* private mode: kept until the page is left */ } };

  const heads = answers.map(d => {
    let e = d;
    while ((e = e.previousElementSibling) && e.tagName !== 'H3');
    return e || d.closest('section').querySelector('h3');
  });
  const ids = heads.map(h => h.id), words = { yes: 'knew it', no: 'did not', '': 'open' };

  // under each answer: did you know it?
  const rows = answers.map((d, i) => {
    const buttons = ['yes', 'no'].map(v => make('button', { type: 'button', value: v, textContent: v === 'yes' ? 'I knew it' : 'I did not' }));
    const on = i + 1 < answers.length ? make('a', { href: '#' + ids[i + 1], textContent: `On to question ${i + 2}` }) : make('a', { href: '#nb-tally', textContent: 'To the tally' });
    const row = make('p', { className: 'nb-knew' }, ...buttons, on);
    for (const b of buttons) b.addEventListener('click', () => {
      if (said[ids[i]] === b.value) delete said[ids[i]]; else said[ids[i]] = b.value;
      keep();
      show();
    });
    d.append(row);
    return buttons;
  });

  // above the first question: all of them at a glance
  const places = answers.map((_, i) => make('a', { href: '#' + ids[i], textContent: i + 1 }));
  const status = make('p', { role: 'status' });
  const forget = make('button', { type: 'button', textContent: 'Forget all' }), next = make('a', { textContent: 'Next open question' });
  forget.addEventListener('click', () => { said = {}; keep(); for (const d of answers) d.open = false; show(); next.focus(); });
  const tally = make('div', { id: 'nb-tally', role: 'group' }, make('ol', {}, ...places.map(a => make('li', {}, a))), status, make('p', {}, next, forget));
  tally.setAttribute('aria-label', 'What you knew');
  const first = [...document.querySelectorAll('main h2')].filter(h => h.compareDocumentPosition(heads[0]) & Node.DOCUMENT_POSITION_FOLLOWING).at(-1);
  const section = first.closest('section');
  section && section.querySelector('h2') === first ? section.before(tally) : first.before(tally);

  const show = () => {
    const values = ids.map(id => said[id] || '');
    values.forEach((v, i) => {
      places[i].dataset.said = v;
      places[i].setAttribute('aria-label', `Question ${i + 1}: ${words[v]}`);
      for (const b of rows[i]) b.setAttribute('aria-pressed', b.value === v);
    });
    const count = v => values.filter(w => w === v).length, open = values.indexOf('');
    status.textContent = count('') === ids.length ? `${ids.length} questions. Say under each answer whether you knew it; it is kept in this browser, and nowhere else.`
      : `You knew ${count('yes')} and did not know ${count('no')}; ${count('')} are open.`;
    const to = open >= 0 ? open : values.indexOf('no');
    next.textContent = open >= 0 ? 'Next open question' : 'The first that you did not know';
    next.hidden = to < 0;
    if (to >= 0) next.href = '#' + ids[to];
    forget.hidden = count('') === ids.length;
  };
  addEventListener('storage', e => { if (e.key === key) { said = read(); show(); } });
  show();
})();
