"What learners asked in public: each question has its section, with heading and address, and the search finds it."

import tomllib

import lxml.html
import pytest
from conftest import ROOT
from test_house import NO_MODULE

FILES = sorted((ROOT/'tests'/'questions').glob('*.toml'))
ASKED = {p.stem: tomllib.loads(p.read_text(encoding='utf-8'))['question'] for p in FILES}
LEAST, SEEN = 30, 3  # questions for each chapter, and how many results one looks at


CHAPTERS = [p.stem.split('_', 1)[1] for p in sorted((ROOT/'nbs').glob('[0-9]*.ipynb'))]
CHAPTERS = [name for name in CHAPTERS if name not in NO_MODULE]

@pytest.mark.parametrize('chapter', CHAPTERS)
def test_each_chapter_has_its_questions(chapter):
    asked = ASKED.get(chapter, [])
    assert len(asked) >= LEAST, f'{len(asked)} questions'
    assert 2*sum(q['open'] for q in asked) >= len(asked), 'half of them are of the kind that most tutorials leave open'


def test_each_question_is_asked_once_and_says_where_it_was_asked():
    asked = [q for questions in ASKED.values() for q in questions]
    assert len({q['asks'] for q in asked}) == len(asked)
    for q in asked:
        assert set(q) == {'asks', 'source', 'open', 'at', 'heading', 'search'}, q
        assert q['source'].startswith('https://') and q['asks'].endswith('?'), q


@pytest.mark.parametrize('chapter', ASKED)
def test_each_answer_stands_under_its_heading(site, chapter):
    pages, missing = {}, []
    for q in ASKED[chapter]:
        page, _, anchor = q['at'].partition('#')
        if page not in pages: pages[page] = lxml.html.parse(site/page) if (site/page).exists() else None
        found = [] if pages[page] is None else pages[page].xpath('//main//*[@id=$id]', id=anchor)
        words = (
            ' '.join(
                found[0]
                .xpath('string((.|.//h1|.//h2|.//h3|.//h4)[self::h1 or self::h2 or self::h3 or self::h4][1])')
                .split()
            )
            .removesuffix('#')
            .strip()
            if found
            else None
        )
        if words != q['heading']: missing.append(f'{q["at"]}: {q["heading"]!r} asked, {words!r} found')
    assert not missing, '\n'.join(missing)


@pytest.mark.parametrize('chapter', ASKED)
def test_the_search_finds_each_answer(find, report, chapter):
    places, missed = [], []
    for q, shown in zip(ASKED[chapter], find([q['search'] for q in ASKED[chapter]])):
        page = q['at'].partition('#')[0]
        place = next((n for n, r in enumerate(shown, 1) if r == (page, q['heading'])), None)
        places.append(place)
        if place is None or place > SEEN:
            missed.append(f'{q["search"]!r} -> {q["at"]}: {place or "not found"}; first: {shown[:SEEN]}')
    report(
        f'questions of {chapter}: {places.count(1)} of {len(places)} first,'
        f' {sum(p is not None and p <= SEEN for p in places)} among the first {SEEN}'
    )
    assert not missed, '\n'.join(missed)
