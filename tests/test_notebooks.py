"The notebooks: one run of each serves as its test and as the check of its committed outputs; package, README and cleanliness follow from them."
import copy, filecmp, json, re, shutil, subprocess, sys
import pytest
import notebooks as N
from conftest import ROOT

NAMES = [str(p.relative_to(ROOT)) for p in N.notebooks()]

@pytest.fixture(scope='session')
def runs():
    "Every notebook, run once, side by side, each cell a second time in a copy: {name: (passed, fresh outputs, what fails the second time)}."
    return {str(p.relative_to(ROOT)): (passed, fresh, fails) for p, passed, _, fresh, fails in N.run_all(N.notebooks(), N.execute_twice)}

@pytest.fixture(scope='session')
def visible_runs():
    "Every notebook, of which only the cells that its page shows were run: {name: passed}."
    return {str(p.relative_to(ROOT)): passed for p, passed, _, _ in N.run_all(N.notebooks(), N.execute_visible)}

def load(name): return json.loads((ROOT/name).read_text(encoding='utf-8'))

@pytest.mark.parametrize('name', NAMES)
def test_passes(runs, name): assert runs[name][0], f'nbdev_test fails on {name}: its message stands above'

@pytest.mark.parametrize('name', NAMES)
def test_what_the_page_shows_runs_by_itself(visible_runs, name):
    "Who types a page along needs nothing that the page does not show."
    assert visible_runs[name], f'a visible cell of {name} needs a cell that is not: its message stands above (dev/notebooks.py visible {name})'

@pytest.mark.parametrize('name', NAMES)
def test_outputs_are_fresh(runs, name):
    passed, fresh, _ = runs[name]
    if not passed: pytest.skip('the notebook fails')
    stale = N.stale_cells(load(name), fresh)
    assert not stale, '\n'.join([f'{name} is not what a fresh run gives (renew it with `make outputs`):', *stale])

@pytest.mark.parametrize('name', NAMES)
def test_every_cell_can_be_run_twice(runs, name):
    "Who presses Shift-Enter again gets no error."
    assert not runs[name][2], '\n'.join([f'{name} (dev/notebooks.py twice {name}):', *(f'cell {id}: {fault}' for id, fault in runs[name][2].items())])

def test_a_cell_that_fails_the_second_time_is_found(tmp_path):
    import nbformat
    cells = ['x = [1, 2]', 'x.pop()', 'assert len(x) == 1', 'y = x.pop()', 'def f(): raise ValueError(y)']
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c, id=f'cell{n}') for n, c in enumerate(cells)])
    nbformat.write(nb, tmp_path/'a.ipynb')
    (_, passed, _, _, fails), = N.run_all([tmp_path/'a.ipynb'], N.execute_twice)
    assert passed and fails == {'cell3': 'IndexError: pop from empty list'}

def first_number(nb):
    "The first output text with a number of three or more digits in it, and that number."
    for c in nb['cells']:
        if c['cell_type'] != 'code' or N.is_timing(c): continue
        for o in c['outputs']:
            if 'text' not in o: continue
            for i, line in enumerate(o['text']):
                if m := re.search(r'\d+\.\d{3,}', line): return o, i, m

@pytest.mark.parametrize('name', [n for n in NAMES if '_basics' in n or '_losses' in n])
def test_a_broken_number_is_caught(runs, name):
    nb = load(name)
    o, i, m = first_number(nb)
    line = o['text'][i]
    o['text'][i] = line[:m.start()] + str(float(m[0])*1.01 + 0.001) + line[m.end():]
    stale = N.stale_cells(nb, runs[name][1])
    assert len(stale) == 1 and m[0] in stale[0]

def test_a_lost_picture_is_caught(runs):
    name = next(n for n in NAMES if '02_losses' in n)
    nb = load(name)
    cell = next(c for c in nb['cells'] if any('image/svg+xml' in o.get('data', {}) for o in c.get('outputs', [])))
    cell['outputs'] = []
    assert any(cell['id'] in s for s in N.stale_cells(nb, runs[name][1]))

@pytest.mark.parametrize('width, same', [('100.000004', True), ('100.5', True), ('102', False)])
def test_the_size_of_a_picture_is_compared_up_to_a_hundredth(width, same):
    svg = '<svg width="{}pt" height="50pt"></svg>'
    assert (N.item_differs('image/svg+xml', svg.format(100), svg.format(width)) is None) == same

@pytest.mark.parametrize('old, new, same', [
    ('loss 2.3026', 'loss 2.3026', True), ('loss 2.3026', 'loss 2.3031', True), ('loss 2.3026', 'loss 2.4026', False), ('a 1', 'b 1', False),
    ('nan', 'nan', True), ('1 2', '1 2 3', False), ('largest difference 1.2e-07', 'largest difference 0.0', True), ('-1.5', '1.5', False), ('x-1', 'x-2', False),
    ('| a |  1 |', '| a | 1 |', True)])
def test_text_is_compared_with_a_tolerance(old, new, same): assert (N.text_differs(old, new) is None) == same

@pytest.mark.parametrize('name', NAMES)
def test_is_clean(name, tmp_path):
    "nbdev_clean changes nothing."
    from nbdev.clean import nbdev_clean
    copy_ = tmp_path/'nb.ipynb'
    shutil.copy(ROOT/name, copy_)
    before = copy_.read_bytes()
    nbdev_clean.__wrapped__(fname=str(copy_))
    assert copy_.read_bytes() == before, f'run nbdev_clean on {name}'

def test_package_equals_notebooks(tmp_path):
    "Exporting the notebooks anew gives the committed package."
    work = tmp_path/'work'
    work.mkdir()
    shutil.copytree(ROOT/'nbs', work/'nbs', symlinks=True, ignore=shutil.ignore_patterns('.ipynb_checkpoints'))
    shutil.copy(ROOT/'settings.ini', work)
    (work/'nnbolts').mkdir()
    for by_hand in ('__init__.py', '__main__.py'): shutil.copy(ROOT/'nnbolts'/by_hand, work/'nnbolts')
    subprocess.run([sys.executable, '-c', 'from nbdev.export import nb_export; from nbdev.doclinks import nbdev_export; nbdev_export()'], cwd=work, check=True)
    modules = sorted(p.name for p in (ROOT/'nnbolts').glob('*.py'))
    assert sorted(p.name for p in (work/'nnbolts').glob('*.py')) == modules
    for m in modules: assert (work/'nnbolts'/m).read_text() == (ROOT/'nnbolts'/m).read_text(), f'nnbolts/{m} is not what its notebook exports: run `make outputs`'

def test_readme_is_the_landing_page(): assert (ROOT/'README.md').read_text(encoding='utf-8') == N.readme(), 'run `make outputs`'

@pytest.mark.parametrize('name', NAMES)
def test_the_title_cell_holds_title_and_question_alone(name):
    "nbdev makes front matter of the first cell and drops what else stands in it."
    title, blank, *question = ''.join(load(name)['cells'][0]['source']).split('\n')
    assert title.startswith('# ') and not blank and question and all(q.startswith('> ') for q in question)

@pytest.mark.parametrize('name', NAMES)
def test_speaks_of_the_project_alone(name):
    text = (ROOT/name).read_text(encoding='utf-8')
    assert not re.search(r'/work/|/root/|/home/\w|\.pyenv|site-packages|/tmp/', text), 'a path of one machine'
    assert not any(o['output_type'] == 'error' for c in load(name)['cells'] for o in c.get('outputs', []))
    assert 'application/vnd.jupyter.widget-view' not in text, 'a widget that is dead without a kernel'
    assert not any(o.get('name') == 'stderr' for c in load(name)['cells'] for o in c.get('outputs', [])), 'a warning in the outputs'
