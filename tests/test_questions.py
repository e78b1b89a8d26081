"The page of questions: each has its number, a folded answer with a link, a program that waits folded, and its place in the picture."
import json, re
import pytest
import notebooks as N
from conftest import ROOT

NB = json.loads((ROOT/'nbs'/'22_questions.ipynb').read_text(encoding='utf-8'))
MANY = 33

def questions():
    "The cells of each question: `{number: cells}`."
    found, number = {}, None
    for c in NB['cells']:
        text = N.joined(c['source'])
        if c['cell_type'] == 'markdown' and (m := re.match(r'##+ (?:(\d+)\. )?', text)): number = m[1] and int(m[1])
        if number: found.setdefault(number, []).append(c)
    return found

ASKED = questions()

def test_they_are_numbered_in_order(): assert list(ASKED) == list(range(1, MANY + 1))

@pytest.mark.parametrize('number', range(1, MANY + 1))
def test_each_is_asked_answered_and_run(number):
    asked, *code = ASKED[number]
    text = N.joined(asked['source'])
    question, answer = text.split(f'<details><summary>Answer {number}</summary>')
    assert '?' in question and answer.rstrip().endswith('</details>')
    assert re.search(r'\]\((?!22_)[\w/]+\.ipynb', answer), 'a link to the section where the matter lives'
    assert code and all(c['cell_type'] == 'code' for c in code)
    assert any(c['outputs'] for c in code), 'a run that prints'
    assert any('assert ' in N.joined(c['source']) or 'test_' in N.joined(c['source']) for c in code), 'a test'
    assert all(c['metadata'] == {'jupyter': {'outputs_hidden': True, 'source_hidden': True}} for c in code)

def test_each_has_its_place_in_the_picture():
    source = next(N.joined(c['source']) for c in NB['cells'] if 'stations = ' in N.joined(c['source']))
    said = set()
    for text in re.findall(r"'([^']*\d[^']*)'", source.split('fig, ax')[0]) + re.findall(r"next batch: ([\d, ]+)", source):
        for a, b in re.findall(r'(\d+)(?: to (\d+))?', text): said |= set(range(int(a), int(b or a) + 1))
    assert said == set(range(1, MANY + 1))

# --- on the site

@pytest.fixture
def tab(browser, served):
    context = browser.new_context(viewport=dict(width=1400, height=900))
    tab = context.new_page()
    tab.goto(f'{served}/questions.html')
    yield tab
    context.close()

def test_an_answer_folds_its_program_and_opens_by_keyboard(tab):
    folds = tab.locator('details.nb-answer')
    assert folds.count() == MANY
    assert all(n >= 1 for n in folds.evaluate_all('all => all.map(d => d.querySelectorAll(".cell-output").length)'))
    program = folds.first.locator('.sourceCode').first
    assert not program.is_visible()
    folds.first.locator('summary').first.focus()
    tab.keyboard.press('Enter')
    program.wait_for(state='visible')

def test_the_tally_counts_and_is_kept(tab):
    status, answers = tab.locator('#nb-tally [role=status]'), tab.locator('details.nb-answer')
    assert f'{MANY} questions' in status.inner_text()
    for n, knew in ((0, 'yes'), (1, 'no'), (4, 'yes')):
        answers.nth(n).locator('summary').first.click()
        button = answers.nth(n).locator(f'.nb-knew button[value={knew}]')
        button.focus()
        tab.keyboard.press('Enter')
        assert button.get_attribute('aria-pressed') == 'true'
    expected = f'You knew 2 and did not know 1; {MANY - 3} are open.'
    assert status.inner_text() == expected
    tab.reload()
    assert status.inner_text() == expected
    place = tab.locator('#nb-tally ol a')
    assert [place.nth(n).get_attribute('aria-label') for n in range(3)] == [
        'Question 1: knew it', 'Question 2: did not', 'Question 3: open']
    tab.locator('#nb-tally a', has_text='Next open question').click()
    assert tab.evaluate('location.hash') == place.nth(2).get_attribute('href')
    tab.locator('#nb-tally button', has_text='Forget all').click()
    assert f'{MANY} questions' in status.inner_text() and tab.evaluate('localStorage["nnbolts:quiz:questions.html"]') == '{}'

def test_it_asks_without_a_script(browser, served):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f'{served}/questions.html')
    fold = page.locator('details.nb-answer').first
    assert page.locator('#nb-tally, .nb-knew').count() == 0 and not fold.locator('.sourceCode').first.is_visible()
    fold.locator('summary').first.click()
    assert fold.locator('.sourceCode').first.is_visible()
    context.close()
