"The search finds the section that mends it: what people type, and where they must land."
import tomllib

import pytest
from conftest import ROOT

SEARCHES = tomllib.loads((ROOT/'tests'/'searches.toml').read_text(encoding='utf-8'))['search']
FIRST, SEEN = 0.75, 3  # the share that must come first, and how many results one looks at


def wanted(s): return [(s['page'], s['heading']), *map(tuple, s.get('or', []))]


@pytest.fixture(scope='module')
def ranks(browser, served):
    "For each search the place of the wanted section, from 1 (None: not found), and the first results."
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(f'{served}/404.html')
    found = []
    for s in SEARCHES:
        results = tab.evaluate('query => nbFind(query)', s['query'])
        shown = [(r['url'].split('#')[0], ' '.join(r['title'].split())) for r in results]
        place = next((n for n, r in enumerate(shown, 1) if r in wanted(s)), None)
        found.append((s['query'], place, shown[:SEEN]))
    context.close()
    return found


def test_there_are_enough_searches(): assert len(SEARCHES) >= 60 and len({s['query'] for s in SEARCHES}) == len(SEARCHES)


def test_every_section_that_is_wanted_is_there(site):
    import lxml.html
    places = [(s['query'], page, heading) for s in SEARCHES for page, heading in wanted(s)]
    heads = {page: {' '.join(h.text_content().split()).removesuffix('#') for h in lxml.html.parse(site/page).xpath('//main//h1|//main//h2|//main//h3|//main//h4')}
             for page in {page for _, page, _ in places}}
    missing = [place for place in places if place[2] not in heads[place[1]]]
    assert not missing, missing


def test_the_wanted_section_is_among_the_first(ranks):
    missed = [f'{query!r}: {place or "not found"}; first: {shown}' for query, place, shown in ranks if place is None or place > SEEN]
    assert not missed, '\n'.join(missed)


def test_most_wanted_sections_come_first(ranks, report):
    first = [query for query, place, _ in ranks if place == 1]
    rest = [f'{query!r} is {place}, after {shown[0]}' for query, place, shown in ranks if place != 1]
    report(f'search: {len(first)} of {len(ranks)} sections first, {sum(place is not None and place <= SEEN for _, place, _ in ranks)} among the first {SEEN}')
    assert len(first) >= 45 and len(first) >= FIRST*len(ranks), f'{len(first)} of {len(ranks)} come first\n' + '\n'.join(rest)


def test_by_keyboard_alone(browser, served):
    context = browser.new_context(viewport=dict(width=1400, height=900))
    tab = context.new_page()
    tab.goto(f'{served}/basics.html')
    tab.keyboard.press('/')
    assert tab.evaluate('document.activeElement.closest("#nb-search") !== null')
    tab.keyboard.type('cross_entropy')
    tab.locator('#nb-search [role=option]').nth(1).wait_for()
    chosen = lambda: tab.locator('#nb-search [role=option][aria-selected=true]').get_attribute('id')
    before = chosen()
    tab.keyboard.press('ArrowDown')
    assert chosen() != before and tab.locator('#nb-search input').get_attribute('aria-activedescendant') == chosen()
    tab.keyboard.press('Escape')
    assert not tab.locator('#nb-search .nb-results').is_visible()
    tab.keyboard.press('ArrowDown')
    tab.locator('#nb-search [role=option]').first.wait_for()
    tab.keyboard.press('Enter')
    tab.wait_for_url('**/losses.html*')
    context.close()


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_on_a_phone_without_a_menu(browser, served, scheme):
    context = browser.new_context(viewport=dict(width=390, height=844), color_scheme=scheme)
    tab = context.new_page()
    tab.goto(f'{served}/losses.html')
    box = tab.locator('#nb-search input')
    assert box.is_visible(), 'the box stands in the bar'
    box.fill('loss nan')
    hit = tab.locator('#nb-search [role=option]').first
    hit.wait_for()
    place = hit.bounding_box()
    assert place['x'] >= 0 and place['x'] + place['width'] <= 390
    assert tab.evaluate('document.documentElement.scrollWidth') <= 390
    hit.click()
    context.close()
