"The site, in a real browser, from a plain file server."
import re, urllib.parse
from html.parser import HTMLParser
import pytest
import notebooks as N
from conftest import ROOT
from test_house import NO_MODULE

PAGES = [
    ('tools/' if p.parent.name == 'tools' else '') + re.sub(r'^\d+[a-z]?_', '', p.stem) + '.html' for p in N.notebooks()
]
LOOKED_UP = ['glossary.html', 'notation.html']  # lists, not chapters: no explorer, no exercises
CHAPTERS = [p for p in PAGES if '/' not in p and p not in ('index.html', *LOOKED_UP)]
MADE = ['stuck.html', 'reference.html', 'benchmarks.html', '404.html']
ALL = PAGES + MADE
MODULES = sorted(p.stem for p in (ROOT/'nnbolts').glob('[a-z]*.py'))

# all of a page is laid out, not what is near the screen alone
WHOLE = "document.documentElement.classList.add('nb-whole')"

class Doc(HTMLParser):
    "The links, ids, pictures and outside addresses of a page."
    def __init__(self, text):
        super().__init__()
        self.links, self.ids, self.images, self.loads, self.text = [], set(), [], [], text
        self.feed(text)
    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if a.get('id'): self.ids.add(a['id'])
        if tag == 'a' and a.get('href'): self.links.append(a['href'])
        if tag == 'a' and a.get('xlink:href'): self.links.append(a['xlink:href'])
        if tag == 'img': self.images.append(a.get('alt'))
        if tag == 'svg':
            self.images.append(
                a.get('aria-label') or ('hidden' if a.get('aria-hidden') or a.get('role') == 'presentation' else None)
            )
        if tag in ('script', 'img', 'iframe', 'source') and a.get('src'): self.loads.append(a['src'])
        if tag == 'link' and a.get('href') and a.get('rel') != 'canonical': self.loads.append(a['href'])

@pytest.fixture(scope='module')
def docs(site): return {p: Doc((site/p).read_text(encoding='utf-8')) for p in ALL}

# --- what the files say

def test_every_notebook_has_its_page(site):
    assert sorted(p.relative_to(site).as_posix() for p in site.rglob('*.html')) == sorted(ALL)

def test_every_page_is_in_the_sidebar(docs):
    sidebar = docs['index.html'].text.split('<nav id="nb-nav"')[1].split('</nav>')[0]
    for p in ALL[:-1]: assert f'href="{p}"' in sidebar, p

def test_internal_links_and_anchors_lead_somewhere(site, docs):
    bad = []
    for page, doc in docs.items():
        for href in doc.links:
            url = urllib.parse.urlparse(href)
            if url.scheme or href in ('', '#'): continue
            target = (site/page).parent/urllib.parse.unquote(url.path) if url.path else site/page
            target = target.resolve()
            if target.is_dir(): target = target/'index.html'
            if not target.exists(): bad.append((page, href)); continue
            rel = target.relative_to(site.resolve()).as_posix()
            if url.fragment and rel in docs and urllib.parse.unquote(url.fragment) not in docs[rel].ids:
                bad.append((page, href))
    assert not bad, bad

def test_nothing_is_loaded_from_another_host(docs):
    bad = [(p, u) for p, d in docs.items() for u in d.loads if re.match(r'(https?:)?//', u)]
    assert not bad, bad

def test_own_names_are_linked_within_the_site(docs):
    assert not any('nnbolts.github.io' in h for d in docs.values() for h in d.links)


@pytest.mark.parametrize('page', PAGES)
def test_pictures_have_alternative_text(docs, page):
    assert None not in docs[page].images and '' not in docs[page].images


@pytest.mark.parametrize('page', PAGES)
def test_no_raw_markup_is_shown(docs, page):
    text = re.sub(r'<(script|style|pre|code)\b.*?</\1>', ' ', docs[page].text, flags=re.S)
    text = re.sub(r'<[^>]+>', ' ', text)
    assert not (m := re.search(r'\$[^$\n]{1,60}\$', text)), f'math that was not rendered: {m[0]}'
    for raw in (':::', '#|', r'\(', r'\[', '$$', '{.callout', '```'):
        assert raw not in text, f'{raw} in the text: {text[max(0, text.index(raw) - 80):][:160]!r}'

@pytest.mark.parametrize('page', PAGES)
def test_no_link_markup_in_code(docs, page):
    code = ' '.join(re.findall(r'<pre\b.*?</pre>', docs[page].text, flags=re.S))
    assert not re.search(r'\]\([\w./:-]+\.html', re.sub(r'<[^>]+>', '', code))


@pytest.mark.parametrize('page', PAGES)
def test_says_what_it_was_verified_with(docs, page):
    assert re.search(r'Verified with torch [\d.]+ on \d{4}-\d\d-\d\d, \d+ s on \d+ cores', docs[page].text)


@pytest.mark.parametrize('page', [p for p in CHAPTERS if p.removesuffix('.html') not in NO_MODULE])
def test_a_chapter_has_its_parts(docs, page):
    text = docs[page].text
    answers = text.split('id="check-yourself"')[1].split('id="where-to-go-next"')[0]
    assert len(re.findall(r'<details><summary>', answers)) >= 6, 'folded answers'
    assert 'nb-explore' in text and 'When it goes wrong' in text and 'Check yourself' in text
    assert 'docs.pytorch.org/docs/stable' in text

@pytest.mark.parametrize('module', MODULES)
def test_every_public_name_is_documented(docs, module):
    "Each name of `__all__` has a place on the page of the module that makes it, which links to its source."
    import importlib
    mod = importlib.import_module(f'nnbolts.{module}')
    page = next(p for p in PAGES if p.split('/')[-1] == f'{module}.html')
    for name in mod.__all__:
        if not callable(getattr(mod, name)) or getattr(mod, name).__module__ != mod.__name__: continue  # handed on
        assert name in docs[page].ids or name.lower() in docs[page].ids, f'{module}.{name} has no place on {page}'
    assert re.search(rf'href="https://github.com/nnbolts/nnbolts/blob/main/nnbolts/{module}\.py#L\d+"', docs[page].text)

@pytest.mark.parametrize('page', PAGES)
def test_no_link_is_left_as_markdown(docs, page):
    "A name in back quotes inside a link becomes a link itself, and breaks the outer one."
    prose = re.sub(r'<[^>]+>', '', re.sub(r'<(script|style|pre)\b.*?</\1>', '', docs[page].text, flags=re.S))
    assert not (left := re.findall(r'.{0,40}\]\s*\((?:https?:|\w+\.).{0,40}', prose)), left

# --- what the browser does

@pytest.fixture
def tab(browser):
    "A fresh tab that records console errors, failed requests and requests to other hosts."
    context = browser.new_context(viewport=dict(width=1400, height=900))
    page = context.new_page()
    page.faults = []
    page.on('console', lambda m: page.faults.append(m.text) if m.type == 'error' else None)
    page.on('pageerror', lambda e: page.faults.append(str(e)))
    page.on('requestfailed', lambda r: page.faults.append(f'failed: {r.url}'))
    page.on(
        'request',
        lambda r: (
            None
            if r.url.startswith(('http://127.0.0.1', 'data:', 'blob:'))
            else page.faults.append(f'other host: {r.url}')
        ),
    )
    page.on('response', lambda r: page.faults.append(f'{r.status}: {r.url}') if r.status >= 400 else None)
    yield page
    context.close()

@pytest.mark.parametrize('name', ALL)
def test_opens_cleanly_wide_and_narrow(tab, served, name):
    tab.goto(f'{served}/{name}')
    assert tab.title()
    assert not tab.faults, tab.faults
    tab.evaluate(WHOLE)
    for width in (1400, 390):
        tab.set_viewport_size(dict(width=width, height=844))
        over = tab.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
        assert over <= 0, f'{name} scrolls {over} px sideways at {width} px'

def test_search_finds_logsumexp(tab, served):
    tab.goto(f'{served}/index.html')
    box = tab.locator('#nb-search input')
    box.fill('logsumexp')
    hit = tab.locator('#nb-search [role=option]').first
    hit.wait_for()
    assert 'losses.html' in hit.get_attribute('href')
    hit.click()
    tab.wait_for_url('**/losses.html*')
    assert not tab.faults, tab.faults

@pytest.mark.parametrize('name', [p for p in CHAPTERS if p.removesuffix('.html') not in NO_MODULE])
def test_an_explorer_follows_its_controls(tab, served, name):
    tab.goto(f'{served}/{name}')
    boxes = tab.locator('.nb-explore')
    assert boxes.count() >= 1
    for i in range(boxes.count()):
        box = boxes.nth(i)
        seen = box.inner_html()
        control = box.locator('input[type=range], select, input[type=checkbox]').first
        control.scroll_into_view_if_needed()
        control.focus()
        kind = control.evaluate('e => e.tagName === "SELECT" ? "select" : e.type')
        result = box.locator('.nb-explore-result')
        before = result.inner_html()
        if kind == 'range': control.press('End' if control.evaluate('e => e.value !== e.max') else 'Home')
        elif kind == 'select': control.select_option(index=1 if control.evaluate('e => e.selectedIndex') == 0 else 0)
        else: control.press(' ')
        tab.wait_for_function('([r, b]) => r.innerHTML !== b', arg=[result.element_handle(), before], timeout=5000)
    assert not tab.faults, tab.faults

def test_answers_unfold_by_keyboard(tab, served):
    tab.goto(f'{served}/losses.html')
    answer = tab.locator('details:not([class])').first
    body = answer.locator(':scope > :not(summary)').first
    assert not body.is_visible()
    answer.locator('summary').focus()
    tab.keyboard.press('Enter')
    body.wait_for(state='visible')

def test_one_switch_opens_the_folded_checks(tab, served):
    tab.goto(f'{served}/losses.html')
    folded = tab.locator('details.nb-checked')
    code = folded.first.locator('pre')
    assert folded.count() > 10 and not code.is_visible()
    tab.locator('#nb-checks').click()
    code.wait_for(state='visible')
    assert folded.evaluate_all('all => all.every(d => d.open)')
    tab.goto(f'{served}/basics.html')
    assert tab.locator('details.nb-checked').first.evaluate('d => d.open'), 'kept from page to page'
    tab.locator('#nb-checks').click()
    assert not tab.locator('details.nb-checked').first.evaluate('d => d.open')

def test_the_list_for_the_stuck_is_filtered(tab, served):
    tab.goto(f'{served}/stuck.html')
    rows = tab.locator('.nb-stuck-list > li')
    if not rows.count(): pytest.skip('no chapter has marked its mistakes yet')
    name = rows.nth(rows.count() - 1).locator('a').text_content()
    tab.locator('#nb-filter').fill(name)
    assert 1 <= tab.locator('.nb-stuck-list > li:visible').count() < max(rows.count(), 2)
    assert not tab.faults, tab.faults

FAINT = """() => {
    const rgb = c => (c.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
    const linear = v => (v /= 255) <= 0.04045 ? v/12.92 : ((v + 0.055)/1.055)**2.4;
    const light = c => c.slice(0, 3).map(linear).reduce((s, v, i) => s + v*[0.2126, 0.7152, 0.0722][i], 0);
    const ground = e => {
        for (; e; e = e.parentElement) {
            const c = rgb(getComputedStyle(e).backgroundColor);
            if (c.length < 4 || c[3] > 0.5) return c;
        }
        return [255, 255, 255];
    };
    const words = e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    const out = new Set();
    for (const e of document.querySelectorAll('body *')) {
        if (e.closest('svg, script, style') || !e.checkVisibility() || !words(e)) continue;
        const [a, b] = [rgb(getComputedStyle(e).color), ground(e)].map(light);
        if ((Math.max(a, b) + 0.05)/(Math.min(a, b) + 0.05) < (e.tagName === 'B' ? 3 : 4.5))
            out.add(`${e.className} ${getComputedStyle(e).color} on ${ground(e)}: ${e.textContent.slice(0, 40)}`);
    }
    return [...out];
}"""


@pytest.mark.parametrize('scheme', ['light', 'dark'])
@pytest.mark.parametrize(
    'name', ['index.html', 'losses.html', 'einsum.html', 'tools/explore.html', 'stuck.html', 'reference.html']
)
def test_text_stands_out_from_its_background(tab, served, name, scheme):
    tab.emulate_media(color_scheme=scheme)
    tab.goto(f'{served}/{name}')
    tab.evaluate(WHOLE)
    for width in (1400, 390):
        tab.set_viewport_size(dict(width=width, height=844))
        assert not (faint := tab.evaluate(FAINT)), (width, faint)

def test_dark_mode_toggles_and_figures_follow(tab, served):
    tab.goto(f'{served}/losses.html')
    look = '''() => { const c = s => getComputedStyle(document.querySelector(s));
                const v = s => s.match(/[\\d.]+/g).slice(0, 3).map(Number).reduce((a, b) => a + b);
                return [v(c('body').backgroundColor), v(c('.nb-figure svg').color)]; }'''
    light = tab.evaluate(look)
    tab.locator('#nb-theme').click()
    tab.wait_for_function(f'([bg]) => ({look})()[0] < bg', arg=[light[0]])
    dark = tab.evaluate(look)
    assert light[0] > 600 and light[1] < 384 and dark[0] < 200 and dark[1] > 384, (light, dark)

def test_code_can_be_copied(tab, served):
    tab.goto(f'{served}/losses.html')
    assert tab.locator('button.nb-copy').count() > 10

def test_previous_and_next(tab, served):
    tab.goto(f'{served}/losses.html')
    links = [a.get_attribute('href') for a in tab.locator('.nb-turn a').all()]
    assert any('basics.html' in h for h in links) and len(links) == 2

def test_math_is_mathml(tab, served):
    tab.goto(f'{served}/losses.html')
    assert tab.locator('math').count() > 5 and tab.locator('math').first.bounding_box()['width'] > 0

def test_notebook_can_be_downloaded(site):
    for p in N.notebooks():
        if p.name != 'index.ipynb': assert (site/'notebooks'/p.name).read_bytes() == p.read_bytes()
