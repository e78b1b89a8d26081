"Accessibility, by axe-core: every page, light and dark, wide and narrow."
import pytest
from test_site import ALL, WHOLE

SCREENS = {'desktop': dict(width=1400, height=900), 'phone': dict(width=390, height=844)}
COLOR = ['color-contrast', 'link-in-text-block']  # the rules whose answer depends on colors
SIZE = ['scrollable-region-focusable', 'target-size', 'aria-hidden-focus']  # those whose answer depends on the screen
KNOWN = {  # rule: where it may stand, and why
    'empty-table-header': (
        '.nb-explore',
        'the corner above the row names of a table that pandas wrote into the stored results of an explorer',
    )
}
# Of the texts that look alike (their color, whether they are large, all that lies under them), and of the links that look
# alike in texts that look alike, one is asked for its colors, on the screen where it is seen first: a page has twenty
# thousand words of code in ten colors.
SAMPLE = """([name, scheme]) => {
    const under = new Map([[null, '']]), alike = new Map(), seen = (window.looks ??= {})[scheme] ??= new Set();
    const large = s => { const px = parseFloat(s.fontSize); return px >= 24 || px >= 18.66 && s.fontWeight >= 700; };
    const look = e => {
        if (!under.has(e)) {
            const s = getComputedStyle(e), below = look(e.parentElement);
            const plain = s.backgroundColor === 'rgba(0, 0, 0, 0)' && s.backgroundImage === 'none' && s.opacity === '1';
            const own = [s.backgroundColor, s.backgroundImage, s.opacity, s.filter, s.mixBlendMode, s.position];
            under.set(e, plain && s.position === 'static' ? below : below + own);
        }
        return under.get(e);
    };
    const block = e => {
        for (e = e.parentElement; getComputedStyle(e).display.startsWith('inline'); e = e.parentElement);
        return e;
    };
    const signs = texts => texts.reduce((n, e) => n + e.textContent.trim().length, 0);
    for (const e of document.querySelectorAll('body *')) {
        if (e.closest('svg, math, script, style, noscript, template') || !e.checkVisibility()) continue;
        const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
        if (!own && !e.matches('input, select, textarea')) continue;
        const s = getComputedStyle(e), words = e.textContent.trim().length > 1;  // axe leaves single signs to people
        const key = [words, s.color, large(s), s.textShadow, look(e)];
        const link = e.closest('a, [role=link]');
        if (link) {
            const around = block(link), b = getComputedStyle(around), l = getComputedStyle(link);
            const links = signs([...around.querySelectorAll('a, [role=link]')]), beside = signs([around]) - links;
            const face = s => [s.color, s.fontStyle, s.fontFamily, s.fontWeight, s.fontSize];
            key.push(e === link, ...face(l), l.textDecoration, l.border, ...face(b), look(around));
            key.push(beside > 0, beside > links);
        }
        const other = alike.get(key.join());
        if (seen.has(key.join())) continue;
        if (!other || other.childElementCount > e.childElementCount) alike.set(key.join(), link || e);
    }
    for (const key of alike.keys()) seen.add(key);
    (window.asked ??= {})[name] = [...new Set(alike.values())];
}"""
RUN = """async ([name, rules, but, known]) => {
    if (name in asked && !asked[name].length) return [];
    const context = name in asked ? {include: asked[name]} : {};
    const which = rules ? {runOnly: rules} : {rules: Object.fromEntries(but.map(rule => [rule, {enabled: false}]))};
    const found = await axe.run({exclude: [['svg > *'], ['math > *']], ...context},
                                {resultTypes: ['violations'], iframes: false, ...which});
    const fits = (v, n) => !known[v.id] || !document.querySelector(n.target[0])?.closest(known[v.id]);
    const said = n => n.any.concat(n.all, n.none).map(c => c.message).join('; ');
    return found.violations.flatMap(v => v.nodes.filter(n => fits(v, n)).map(
        n => [v.id, v.impact, n.target.join(' '), n.html.slice(0, 160), said(n)]));
}"""
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
# Axe walks through all of a page for each question. What no rule is asked about is taken out before: drawings; the words of
# code; and before the rules on colors all that is neither asked, nor around what is asked, nor lies over or under other things.
NO_DRAWINGS = "() => document.querySelectorAll('svg > :not(title, desc)').forEach(e => e.remove())"
NO_CODE = """() => document.querySelectorAll('pre code :not(a)').forEach(e => {
    if (!e.querySelector('a') && !Object.values(asked).some(es => es.some(a => e.contains(a)))) e.replaceWith(e.textContent);
})"""
ASKED_ALONE = """() => {
    const kept = new Set();
    for (let e of Object.values(asked).flat()) for (; e && !kept.has(e); e = e.parentElement) kept.add(e);
    const rest = [...document.querySelectorAll('body :not(style)')].filter(e => !kept.has(e) && kept.has(e.parentElement));
    const inside = new Set(Object.values(asked).flat());
    for (const e of rest) if (!inside.has(e.parentElement) && getComputedStyle(e).position === 'static') e.remove();
}"""


@pytest.fixture(scope='module')
def axe():
    from axe_playwright_python.base import AXE_FILE_PATH
    return AXE_FILE_PATH.read_text(encoding='utf-8')


def faults(tab, axe):
    "What axe says of the page of a tab: the rules on colors for each screen and scheme, the others once, some on a phone too."
    tab.evaluate(axe)
    tab.evaluate(WHOLE)
    tab.evaluate(NO_DRAWINGS)
    known = {rule: where for rule, (where, _) in KNOWN.items()}

    def shown(screen, scheme):
        tab.set_viewport_size(SCREENS[screen])
        tab.emulate_media(color_scheme=scheme)
        tab.evaluate(DRAWN)
        return f'{screen}, {scheme}'

    def ask(screen, scheme, name='', rules=None):
        place = shown(screen, scheme)
        for rule, impact, target, html, said in tab.evaluate(RUN, [name, rules, COLOR, known]):
            yield f'{place}: {rule} ({impact}) at {target}: {html} {said}'

    both = [(screen, scheme) for screen in SCREENS for scheme in ('light', 'dark')]
    for where in both: tab.evaluate(SAMPLE, [shown(*where), where[1]])
    tab.evaluate(NO_CODE)
    yield from ask('phone', 'light', rules=SIZE)
    yield from ask('desktop', 'light')
    tab.evaluate(ASKED_ALONE)
    for where in both: yield from ask(*where, ', '.join(where), COLOR)


@pytest.fixture
def tab(browser):
    context = browser.new_context(viewport=SCREENS['desktop'], color_scheme='light')
    yield context.new_page()
    context.close()


@pytest.mark.parametrize('name', ALL)
def test_axe_finds_no_fault(tab, served, axe, name):
    tab.goto(f'{served}/{name}')
    found = list(faults(tab, axe))
    assert not found, f'{len(found)} faults\n' + '\n'.join(found[:12])


PUT_IN = """([html, style]) => {
    const main = document.querySelector('main');
    main.insertAdjacentHTML('beforeend', `<div id=put><style>${style}</style>${html}</div>`);
}"""
DARK, PHONE = '@media (prefers-color-scheme: dark)', '@media (max-width: 500px)'
FAULTS = {  # what is put in, its style, what must be found and where: on the phone only what does not look so on the desktop
    'faint': ('<p>Words</p>', '#put p { color: #bbb; background: #fff }', 'color-contrast', 'desktop light dark'),
    'faint in dark': (
        '<p>Words</p>',
        DARK + ' { #put p { color: #333; background: #111 } }',
        'color-contrast',
        'desktop dark',
    ),
    'faint on a phone': (
        '<p>Words</p>',
        PHONE + ' { #put p { color: #bbb; background: #fff } }',
        'color-contrast',
        'phone light dark',
    ),
    'faint on a dark phone': (
        '<p>Words</p>',
        DARK + PHONE.replace('@media', 'and') + ' { #put p { color: #333; background: #111 } }',
        'color-contrast',
        'phone dark',
    ),
    'faint in code': (
        '<pre><code>x = <span>one</span></code></pre>',
        '#put span { color: #bbb; background: #fff }',
        'color-contrast',
        'desktop light dark',
    ),
    'faint by opacity': (
        '<div><p>Words</p></div>',
        '#put div { opacity: 0.3 }',
        'color-contrast',
        'desktop light dark',
    ),
    'link in dark': (
        '<p>Words and <a href="index.html">a link</a> among them, and more words.</p>',
        DARK + ' { #put a { color: #9ab; text-decoration: none } }',
        'link-in-text-block',
        'desktop phone dark',
    ),
    'small on a phone': (
        '<button>one</button><button>two</button>',
        PHONE + ' { #put button { all: unset; width: 12px; height: 12px; overflow: hidden; display: block } }',
        'target-size',
        'phone light',
    ),
    'scrolls on a phone': (
        '<div><p>Words</p></div>',
        PHONE + ' { #put div { height: 20px; overflow: auto } #put p { height: 200px } }',
        'scrollable-region-focusable',
        'phone light',
    ),
    'picture': ('<img src="favicon.svg" width="20" height="20">', '', 'image-alt', 'desktop light'),
}


@pytest.mark.parametrize('fault', FAULTS)
def test_axe_finds_a_fault_that_is_put_in(tab, served, axe, fault):
    html, style, rule, where = FAULTS[fault]
    tab.goto(f'{served}/404.html')
    tab.evaluate(
        PUT_IN,
        [html, style],
    )
    found = list(faults(tab, axe))
    assert found and all(rule in f for f in found), found
    seen = {tuple(f.split(':')[0].split(', ')) for f in found}
    assert seen == {
        (screen, scheme) for screen in SCREENS for scheme in ('light', 'dark') if screen in where and scheme in where
    }
