"The search finds the section that mends it: what people type, and where they must land."
import re
import tomllib

import pytest
from conftest import ROOT

SEARCHES = tomllib.loads((ROOT/'tests'/'searches.toml').read_text(encoding='utf-8'))['search']
FIRST, SEEN = 0.75, 3  # the share that must come first, and how many results one looks at


def wanted(s): return [(s['page'], s['heading']), *map(tuple, s.get('or', []))]


@pytest.fixture(scope='module')
def ranks(find):
    "For each search the place of the wanted section, from 1 (None: not found), and the first results."
    found = []
    for s, shown in zip(SEARCHES, find([s['query'] for s in SEARCHES])):
        place = next((n for n, r in enumerate(shown, 1) if r in wanted(s)), None)
        found.append((s['query'], place, shown[:SEEN]))
    return found


def test_there_are_enough_searches():
    assert len(SEARCHES) >= 60 and len({s['query'] for s in SEARCHES}) == len(SEARCHES)


def test_every_section_that_is_wanted_is_there(site):
    import lxml.html
    places = [(s['query'], page, heading) for s in SEARCHES for page, heading in wanted(s)]
    heads = {
        page: {
            ' '.join(h.text_content().split()).removesuffix('#')
            for h in lxml.html.parse(site / page).xpath('//main//h1|//main//h2|//main//h3|//main//h4')
        }
        for page in {page for _, page, _ in places}
    }
    missing = [place for place in places if place[2] not in heads[place[1]]]
    assert not missing, missing


def test_the_wanted_section_is_among_the_first(ranks):
    missed = [
        f'{query!r}: {place or "not found"}; first: {shown}'
        for query, place, shown in ranks
        if place is None or place > SEEN
    ]
    assert not missed, '\n'.join(missed)


def test_most_wanted_sections_come_first(ranks, report):
    first = [query for query, place, _ in ranks if place == 1]
    rest = [f'{query!r} is {place}, after {shown[0]}' for query, place, shown in ranks if place != 1]
    report(
        f'search: {len(first)} of {len(ranks)} sections first,'
        f' {sum(place is not None and place <= SEEN for _, place, _ in ranks)} among the first {SEEN}'
    )
    assert len(first) >= 45 and len(first) >= FIRST * len(
        ranks
    ), f'{len(first)} of {len(ranks)} come first\n' + '\n'.join(rest)


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


@pytest.fixture
def tab(browser, served):
    "A page of the site with a way to ask its search box."
    context = browser.new_context(viewport=dict(width=1400, height=900))
    tab = context.new_page()
    tab.faults = []
    tab.on('pageerror', lambda e: tab.faults.append(str(e)))
    tab.goto(f'{served}/basics.html')
    yield tab
    assert not tab.faults, tab.faults
    context.close()


def ask(tab, query):
    "Type a query, and wait for what the panel says."
    tab.locator('#nb-search input').fill(query)
    tab.wait_for_function(
        '() => { const p = document.querySelector("#nb-search .nb-results"); return !p.hidden && p.innerText.trim(); }'
    )
    tab.wait_for_timeout(400)
    return ' '.join(tab.locator('#nb-search .nb-results-said').inner_text().split())


def shown(tab, cls): return [' '.join(t.split()) for t in tab.locator(f'#nb-search .{cls}').all_inner_texts()]


PASTED = """Traceback (most recent call last):
  File "/home/me/train.py", line 42, in <module>
    loss = loss_func(model(x), y)
  File "/usr/lib/python3.11/site-packages/torch/nn/functional.py", line 3053, in cross_entropy
    return torch._C._nn.cross_entropy_loss(input, target, weight, _Reduction.get_enum(reduction), ignore_index)
IndexError: Target 10 is out of bounds."""


@pytest.mark.parametrize(
    ('query', 'words'),
    [
        (PASTED, ['indexerror', 'target', 'out', 'bounds']),
        (' '.join(PASTED.split()), ['indexerror', 'target', 'out', 'bounds']),
        (
            'RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x784 and 512x10)',
            ['runtimeerror', 'mat1', 'mat2', 'shapes', 'multiplied'],
        ),
        (
            'train.py:12: UserWarning: Using a target size (torch.Size([4])) at 0x7f3a that is different',
            ['userwarning', 'target', 'size', 'different'],
        ),
        ('how does momentum work', ['momentum']),
        ('torch.Size([1, 64])', ['torch', 'size']),
    ],
)
def test_what_a_query_is_made_of(tab, query, words):
    assert tab.evaluate('q => nbWords.words(q, false)', query) == words


def test_a_result_shows_a_sentence(tab):
    "Not the names that are in the index for queries; powers are raised."
    for query in (
        'how does momentum work',
        'learning rate batch size',
        'softmax',
        'kernel size padding output size formula',
    ):
        ask(tab, query)
        for words in shown(tab, 'nb-result-words'):
            assert not words or words[-1] in '.?!:)…' and ' ' in words, words
            assert 'append arange' not in words and not re.search(r'\w\^\w', words), words


def test_an_entry_of_the_reference_says_what_it_does(tab):
    ask(tab, 'mc_dropout')
    said = dict(zip(shown(tab, 'nb-result strong'), shown(tab, 'nb-result-words'), strict=True))
    assert said['mc_dropout'].endswith('.') and len(said['mc_dropout']) > 20 and 'import' not in said['mc_dropout']


def test_no_result_has_a_raw_power(site):
    text = (site/'stuck.html').read_text(encoding='utf-8')
    causes = re.findall(r'class="nb-cause">(.*?)</span>', text)
    assert len(causes) > 100 and not [c for c in causes if re.search(r'\^[\w-]', c)]


def test_what_fits_badly_is_said(tab):
    assert ask(tab, 'softmax applied twice') == ''
    ask(tab, 'GAN mode collapse')
    tab.wait_for_function('() => document.querySelector("#nb-search .nb-results-said").innerText.includes("Nothing here fits exactly")')


def test_a_word_that_every_object_of_javascript_has(tab):
    for query in ('constructor', 'toString of a tensor', 'valueOf'):
        assert isinstance(tab.evaluate('q => nbFind(q)', query), list)


@pytest.mark.parametrize(
    ('slip', 'meant'),
    [
        ('droput', 'dropout'),
        ('momentm', 'momentum'),
        ('convlution size', 'convolution size'),
        ('gradeint clipping', 'gradient clipping'),
    ],
)
def test_a_slip_of_the_finger(tab, slip, meant):
    assert f'Did you mean {meant}?' in ask(tab, slip)
    tab.locator('#nb-search .nb-meant').click()
    tab.wait_for_function('() => !document.querySelector("#nb-search .nb-meant")')
    assert (
        tab.locator('#nb-search input').input_value() == meant
        and meant.split()[0][:6] in ' '.join(shown(tab, 'nb-result')).lower()
    )


def test_what_a_result_is(tab):
    ask(tab, 'freeze layers')
    kinds = dict(zip(shown(tab, 'nb-result strong'), shown(tab, 'nb-result-where'), strict=True))
    assert (
        kinds['How do I freeze layers?'] == 'Schedules'
        and kinds['A frozen batch norm still changes'] == 'Norms · When it goes wrong'
    )


def test_the_last_query_of_a_tab(tab, served):
    ask(tab, 'softmax applied twice')
    tab.keyboard.press('Enter')
    tab.wait_for_url('**/losses.html*')
    tab.goto(f'{served}/norms.html')
    tab.locator('#nb-search input').focus()
    tab.locator('#nb-search [role=option]').first.wait_for()
    said = tab.locator('#nb-search .nb-results-said').inner_text()
    assert 'You last searched for “softmax applied twice”' in said
    assert shown(tab, 'nb-result strong')[0] == 'Softmax applied twice'


FILTERED = [
    (PASTED, 'IndexError: Target 3 is out of bounds'),
    ('Target 10 is out of bounds', 'IndexError: Target 3 is out of bounds'),
    ('loss goes to nan', 'Loss is nan or inf'),
    (
        'mat1 and mat2 shapes cannot be multiplied (32x784 and 512x10)',
        'RuntimeError: mat1 and mat2 shapes cannot be multiplied',
    ),
    ('freeze layers', 'How do I freeze layers?'),
]


@pytest.mark.parametrize(('query', 'symptom'), FILTERED)
def test_the_list_for_the_stuck_takes_what_is_pasted(tab, served, query, symptom):
    tab.goto(f'{served}/stuck.html')
    tab.locator('#nb-filter').fill(' '.join(query.split()))
    left = [' '.join(t.split()) for t in tab.locator('.nb-stuck-list > li:visible > a').all_inner_texts()]
    assert symptom in left and len(left) <= 25, left
    assert tab.locator('#nb-filter-count').inner_text().startswith(f'{len(left)} of ')


def test_the_list_for_the_stuck_is_asked_by_address(tab, served):
    tab.goto(f'{served}/stuck.html?q=softmax+applied+twice')
    assert tab.locator('#nb-filter').input_value() == 'softmax applied twice'
    assert tab.locator('.nb-stuck-list > li:visible > a').first.inner_text() == 'Softmax applied twice'
    tab.locator('#nb-filter').fill('qqqq zzzz')
    assert not tab.locator('.nb-stuck-list > li:visible').count()
    tab.locator('#nb-filter').fill('how does momentum work')
    tab.locator('#nb-filter-count a').click()
    tab.locator('#nb-search [role=option]').first.wait_for()
    assert tab.locator('#nb-search input').input_value() == 'how does momentum work'
