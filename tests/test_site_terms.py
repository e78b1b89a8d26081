"The glossary: its terms, where the pages mark them, and what a reader sees of them in a browser."
import json, re

import lxml.html
import pytest
from conftest import ROOT
from test_site import ALL, LOOKED_UP, PAGES, WHOLE
from test_site_access import axe, faults  # noqa: F401
from website.project import Page
from website.terms import FAR, TOGETHER, Finder, Term, choose, mark, pattern

NOT_IN = 'ancestor::*[self::pre or self::code or self::h1 or self::h2 or self::h3 or self::h4 or self::a or self::summary or self::table or self::details or self::svg]'
MOST = 80  # marks on a page; a chapter has some 4,000 words of prose


# --- how words are found

FOUND = [
    ('logit', 'A logit, two logits. Logits: three.', ['logit', 'logits', 'Logits']),
    ('batch', 'Batches of a batch', ['Batches', 'batch']),
    ('nonlinearity', 'nonlinearities', ['nonlinearities']),
    ('learning rate', 'the learning-rate, learning rates', ['learning-rate', 'learning rates']),
    ('in place', 'an in-place ReLU', ['in-place']),
    ('loss', 'losses, and a lossless code', ['losses']),
    ('ReLU', 'relu, ReLUs', ['ReLUs']),
    ('key', 'monkey, keys, keyboard', ['keys']),
    ('batch', 'a mini-batch, batch-wise, x.batch, batch_size, batch(2)', []),
]


def term(name, forms=None, where='', pages=(), home='other.html#there'):
    return Term(name, name.replace(' ', '-'), forms or [name], where, list(pages), 'It is.', home, 'There')


@pytest.mark.parametrize(('form', 'text', 'words'), FOUND)
def test_a_word_is_found_in_its_forms(form, text, words):
    assert [text[a:b] for a, b, _ in Finder([term(form)]).find(text)] == words, pattern(form)


def test_of_two_words_at_one_place_the_longer_is_found():
    found = Finder([term('batch'), term('batch norm'), term('norm')]).find('A batch norm.')
    assert [t.name for *_, t in found] == ['batch norm']


def small(html, name='small.html'):
    return Page(name, 'Small', '', lxml.html.fragment_fromstring(f'<main>{html}</main>'), ROOT/'nbs'/'01_basics.ipynb')


def chosen(html, *terms, name='small.html'):
    return [getattr(e, part)[a:b] for e, part, a, b, _ in choose(small(html, name), list(terms))]


def test_only_prose_is_marked():
    html = ('<h2 id="a">A hook</h2><p>In <code>hook</code> and <a href="x">hook</a>.</p><pre>hook</pre><table><tr><td>hook</td></tr></table>'
            '<details><summary>hook</summary><p>hook</p></details><div class="cell"><p>hook</p></div><figure><p>hook</p></figure><ul><li>Hooks <b>so</b> hook</li></ul>')
    assert chosen(html, term('hook')) == ['Hooks']


def test_a_word_is_marked_once_and_again_far_away():
    far = '<p>' + 'word '*FAR + '</p>'
    assert chosen('<p>hook</p><h3>A</h3><p>hook</p>' + far + '<p>hook</p>', term('hook')) == ['hook', 'hook']
    assert chosen('<p>hook</p>' + far + '<p>hook</p>', term('hook', where='early'), name='basics.html') == ['hook']


def test_few_stand_together_and_everyday_words_give_way():
    rare = term('leaf'), term('hook'), term('head')
    assert len(chosen('<p>leaf hook head</p>', *rare)) == TOGETHER
    assert chosen('<p>step leaf hook</p><p>step</p>', *rare, term('step', where='early'), name='basics.html') == ['leaf', 'hook', 'step']


def test_not_where_it_is_explained():
    own = term('hook', home='small.html#hooks')
    assert chosen('<p>hook</p><h2 id="hooks">Hooks</h2><p>hook</p>', own) == ['hook']
    assert chosen('<h2 id="hooks">Hooks</h2><p>hook</p><h2 id="b">B</h2><p>hook</p>', own) == []
    assert chosen('<p>A <em>hook</em> is. A hook</p>', term('hook')) == []


def test_a_term_is_marked_on_its_pages_alone():
    assert chosen('<p>head</p>', term('head', pages=['attention'])) == []
    assert chosen('<p>head</p>', term('head', pages=['attention']), name='attention.html') == ['head']
    assert chosen('<p>head</p>', term('head', where='never')) == chosen('<p>head</p>', term('head', where='early')) == []


def test_marking_keeps_the_text():
    page = small('<p>A hook, <b>a</b> leaf and <i>x</i> a head on heads.</p><p>Leaf</p>', 'tools/small.html')
    before = page.main.text_content()
    mark({page.name: page}, [term('hook'), term('leaf'), term('head')])
    assert page.main.text_content() == before
    assert [(a.text, a.get('href')) for a in page.main.xpath('.//a')] == [('hook', '../glossary.html#hook'), ('leaf', '../glossary.html#leaf')]


# --- the glossary itself

@pytest.fixture(scope='module')
def trees(site): return {name: lxml.html.parse(site/name).getroot() for name in PAGES}


@pytest.fixture(scope='module')
def terms(site):
    "What the pages read at the first use: the anchor of each term with name, meaning, address and its words."
    text = (site/'assets'/'terms.js').read_text(encoding='utf-8')
    return json.loads(text.removeprefix('window.nbTerms=').removesuffix(';\n'))


def test_the_terms_stand_in_order_and_once(trees, terms):
    heads = [h for h in trees['glossary.html'].xpath('//main//h3[@id]')]
    names = [terms[h.get('id')][0] for h in heads]
    assert 120 <= len(names) == len(terms) <= 260
    letters = [re.sub('[^a-z0-9]', '', n.lower()) for n in names]
    assert letters == sorted(set(letters))
    for h, name in zip(heads, names, strict=True):
        assert h.xpath('preceding::h2[1]')[0].text == name[0].upper(), name
    also = [w for h in heads for w in (h.get('data-also') or '').split(', ') if w]
    assert sorted(also) == sorted({*also}), 'a word under two terms'


def test_a_meaning_is_a_sentence_or_three(terms):
    for name, html, *_ in terms.values():
        said = lxml.html.fromstring(f'<p>{html}</p>').text_content()
        assert 20 < len(said) < 330 and said[-1] in '.)' and '<a' not in html, name
        assert len(re.findall(r'[.?!](?= [A-Z])', said)) < 3, name


def test_each_term_leads_to_where_it_is_explained(trees, terms):
    for name, _, home, said in terms.values():
        page, _, anchor = home.partition('#')
        assert page in trees and said, (name, home)
        assert not anchor or trees[page].xpath('//main//*[@id=$id]', id=anchor), (name, home)


def test_no_term_is_dead(trees, terms):
    "Each is a word of some page, wherever it stands there."
    text = ' '.join(t.xpath('//main')[0].text_content() for p, t in trees.items() if p not in LOOKED_UP)
    text = re.sub(r'\W+', ' ', text.lower())
    glossary = trees['glossary.html']
    def words(anchor):
        also = glossary.xpath('//h3[@id=$id]', id=anchor)[0].get('data-also') or ''
        return [w for w in [re.sub(r' \(.*', '', terms[anchor][0]), *also.split(', ')] if w]
    missing = [a for a in terms if not any(' ' + re.sub(r'\W+', ' ', w.lower()) in text for w in words(a))]
    assert not missing, missing


def test_the_marks_of_the_pages(trees, terms, report):
    count = {}
    for page, tree in trees.items():
        marks = tree.xpath('//a[@class="nb-term"]')
        count[page] = len(marks)
        for a in marks:
            assert a.get('href').rpartition('glossary.html#')[2] in terms and not a.xpath(NOT_IN), (page, a.text)
        for p in tree.xpath('//main//p'): assert len(p.xpath('./a[@class="nb-term"]')) <= TOGETHER, (page, p.text_content())
    assert max(count.values()) <= MOST and not count['glossary.html'], count
    report(f'{sum(count.values())} words are marked on {sum(map(bool, count.values()))} pages, {max(count.values())} at most')


def test_the_markdown_twins_know_nothing_of_it(site):
    for p in site.rglob('*.md'): assert not re.search('nb-term|<!-- term', p.read_text(encoding='utf-8')), p


def test_names_in_code_stand_where_the_notation_says(trees):
    table = trees['notation.html'].xpath('//h2[@id="names-in-code"]/following::table[1]')[0]
    rows = table.xpath('.//tbody/tr')
    assert len(rows) >= 20
    for row in rows:
        names = [c.text_content() for c in row.xpath('./td[1]//code')]
        page, _, anchor = row.xpath('.//a[last()]/@href')[-1].partition('#')
        head = trees[page].xpath('//main//*[@id=$id]', id=anchor)[0]
        section = head if head.tag == 'section' else head.getparent()
        code = '\n'.join(p.text_content() for p in section.xpath('.//pre'))
        assert any(re.search(rf'(?<!\w){re.escape(n)}(?!\w)', code) for n in names), (names, page, anchor)


# --- in a browser

@pytest.fixture
def open_page(browser, served):
    "Open a page in a window of its own: its first marked word."
    made = []
    def go(name='losses.html', address=None, **how):
        made.append(browser.new_context(**dict(viewport=dict(width=1400, height=900)) | how))
        tab = made[-1].new_page()
        tab.faults = []
        tab.on('pageerror', lambda e: tab.faults.append(str(e)))
        tab.goto(f'{address or served}/{name}')
        if how.get('java_script_enabled', True): tab.evaluate(WHOLE)
        word = tab.locator('a.nb-term').first
        word.scroll_into_view_if_needed()
        return tab, word
    yield go
    for context in made: context.close()


def boxed(tab): return tab.locator('.nb-meaning')


PLACES = "() => [...document.querySelectorAll('main p')].slice(0, 40).map(p => p.getBoundingClientRect().top + scrollY)"


def test_pointing_shows_the_meaning_and_moves_nothing(open_page, terms):
    tab, word = open_page()
    before = tab.evaluate(PLACES)
    word.hover()
    boxed(tab).wait_for()
    name, html, *_ = terms[word.get_attribute('href').partition('#')[2]]
    assert boxed(tab).locator('strong').inner_text() == name
    assert tab.evaluate(PLACES) == before
    link = boxed(tab).locator('a').first
    link.hover()  # one can go into it
    tab.wait_for_timeout(500)
    assert boxed(tab).is_visible()
    tab.mouse.move(5, 5)
    boxed(tab).wait_for(state='detached')
    assert not tab.faults, tab.faults


def test_passing_over_shows_nothing(open_page):
    tab, word = open_page()
    word.hover()
    tab.mouse.move(5, 5)
    tab.wait_for_timeout(400)
    assert not boxed(tab).count()


def test_a_click_keeps_it_and_another_takes_it_away(open_page):
    tab, word = open_page()
    word.click()
    boxed(tab).wait_for()
    tab.mouse.move(5, 5)
    tab.wait_for_timeout(500)
    assert boxed(tab).is_visible() and tab.url.endswith('losses.html')
    word.click()
    boxed(tab).wait_for(state='detached')


def test_by_keyboard(open_page):
    tab, word = open_page()
    describes = 'a => document.getElementById(a.getAttribute("aria-describedby"))?.textContent.length > 20'
    tab.keyboard.press('Tab')
    word.focus()
    boxed(tab).wait_for()
    assert word.get_attribute('aria-expanded') == 'true' and word.evaluate(describes)
    tab.keyboard.press('Escape')
    assert not boxed(tab).count() and word.evaluate('a => a === document.activeElement')
    tab.keyboard.press('Enter')
    boxed(tab).wait_for()
    tab.keyboard.press('Tab')
    assert boxed(tab).locator('a').first.evaluate('a => a === document.activeElement')
    tab.keyboard.press('Escape')
    assert not boxed(tab).count() and word.evaluate('a => a === document.activeElement')
    tab.keyboard.press('Space')
    boxed(tab).wait_for()
    tab.keyboard.press('Tab')
    tab.keyboard.press('Tab')
    with tab.expect_navigation(): tab.keyboard.press('Enter')
    assert 'glossary.html#' in tab.url and not tab.faults


@pytest.mark.parametrize('name', ['losses.html', 'tools/watch.html'])
def test_a_tap_on_a_phone(open_page, name):
    tab, _ = open_page(name, viewport=dict(width=390, height=844), has_touch=True, is_mobile=True)
    words = tab.locator('a.nb-term')
    for n in range(min(words.count(), 6)):
        words.nth(n).tap()
        boxed(tab).wait_for()
        place = boxed(tab).bounding_box()
        assert place['x'] >= 0 and place['x'] + place['width'] <= 390, (n, place)
        assert tab.evaluate('document.documentElement.scrollWidth') <= 390
        tab.touchscreen.tap(380, 100)  # beside the text
        boxed(tab).wait_for(state='detached')
    assert not tab.faults, tab.faults


def test_without_a_script_it_is_a_link(open_page):
    tab, word = open_page(java_script_enabled=False)
    word.click()
    assert re.search(r'glossary\.html#[\w-]+$', tab.url)


def test_from_a_disk(open_page, site):
    tab, word = open_page('tools/watch.html', address=site.as_uri())
    word.click()
    boxed(tab).wait_for()
    assert len(boxed(tab).inner_text()) > 30
    with tab.expect_navigation(): boxed(tab).locator('a').last.click()
    assert '/glossary.html#' in tab.url


def test_on_paper_it_is_text(open_page):
    tab, word = open_page()
    tab.emulate_media(media='print')
    assert word.evaluate('a => getComputedStyle(a).textDecorationLine') == 'none'


def test_a_meaning_is_accessible(open_page, axe):  # noqa: F811
    tab, word = open_page('tools/figures.html')
    word.click()
    boxed(tab).wait_for()
    found = list(faults(tab, axe))
    assert boxed(tab).is_visible() and not found, found[:8]


def test_the_pages_to_look_things_up_are_pages_of_the_site():
    assert set(LOOKED_UP) < set(ALL)
