"The notebooks: one run of each is its test, the check of its outputs, a reader's run. Package and README follow."

import json, re, shutil, subprocess, sys
from types import SimpleNamespace
import pytest
import notebooks as N
from apart import Apart, Inputs
from conftest import ROOT

NAMES = [str(p.relative_to(ROOT)) for p in N.notebooks()]

class Runs(dict):
    "Every notebook, run once when it is first asked for, each cell a second time in a copy: {name: Run}."
    def __missing__(self, name):
        (_, self[name]), = N.run_all([ROOT/name], N.execute_twice)
        return self[name]

RUNS = Runs()

@pytest.fixture(scope='session')
def runs(): return RUNS

def load(name): return json.loads((ROOT/name).read_text(encoding='utf-8'))

each_notebook = pytest.mark.parametrize('name', NAMES)

@each_notebook
def test_passes(runs, name):
    "With hidden cells kept apart; where a visible cell reads what a hidden one binds anew, as Jupyter runs it, too."
    run = runs[name]
    if run.passed and run.anew: (_, run), = N.run_all([ROOT/name], N.execute_together)
    assert run.passed, f'nbdev_test fails on {name}: its message stands above'

@each_notebook
def test_what_the_page_shows_runs_by_itself(runs, name):
    """Who types a page along needs nothing that the page does not show: as the one run says, and where it is in doubt,
    a run of the visible cells alone."""
    run = runs[name]
    if run.passed and run.doubts: (_, run), = N.run_all([ROOT/name], N.execute_visible)
    assert (
        run.passed
    ), f'a visible cell of {name} needs a cell that is not: its message stands above (dev/notebooks.py visible {name})'

@each_notebook
def test_outputs_are_fresh(runs, name):
    if sys.version_info[:2] != (3, 11): pytest.skip('the outputs are those of Python 3.11: others word some messages differently')
    if not runs[name].passed: pytest.skip('the notebook fails')
    stale = N.stale_cells(load(name), runs[name].outputs)
    assert not stale, '\n'.join([f'{name} is not what a fresh run gives (renew it with `make outputs`):', *stale])

@each_notebook
def test_every_cell_can_be_run_twice(runs, name):
    "Who presses Shift-Enter again gets no error."
    fails = runs[name].fails
    assert not fails, '\n'.join(
        [f'{name} (dev/notebooks.py twice {name}):', *(f'cell {id}: {fault}' for id, fault in fails.items())]
    )

def run_cells(folder, *cells, how=N.execute):
    "Run a notebook of these cells."
    import nbformat
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c, id=f'cell{n}') for n, c in enumerate(cells)])
    nbformat.write(nb, folder/'a.ipynb')
    (_, run), = N.run_all([folder/'a.ipynb'], how)
    return run

def test_a_cell_that_fails_the_second_time_is_found(tmp_path):
    cells = ['x = [1, 2]', 'x.pop()', 'assert len(x) == 1', 'y = x.pop()', 'def f(): raise ValueError(y)']
    run = run_cells(tmp_path, *cells, how=N.execute_twice)
    assert run.passed and run.fails == {'cell3': 'IndexError: pop from empty list'}

UNLIKE = {  # cells before, and one that fails the second time
    'binds anew': ('x = 1', 'x += 1\nassert x == 2'),
    'numbers of one hash': ('x = [-1.]', 'x[0] -= 1\nassert x == [-2]'),
    'a word for a number': ('x = [1, 2.]', 'assert x[0] is not True\nx[0] = True'),
    'a float': ('class A: x = -1.', 'A.x -= 1\nassert A.x == -2'),
    'deletes': ('x = 1', 'del x'),
    'a list': ('x = [1]', 'x.pop()'),
    'deep': ('class A: pass\na = A()\na.b = {1: [A()]}', 'assert not hasattr(a.b[1][0], "c")\na.b[1][0].c = 1'),
    'through a function': ('x = [1]\ndef f(): return x.pop()', 'f()'),
    'through a method': (
        'class A:\n    seen = []\n    def f(self): self.seen.append(1)\na = A()',
        'a.f()\nassert len(A.seen) < 2',
    ),
    'a closure': ('def make():\n    left = [1]\n    return lambda: left.pop()\nf = make()', 'f()'),
    'an iterator': ('i = iter([1])', 'next(i)'),
    'a generator': ('g = (i for i in [1])', 'next(g)'),
    'pairs': ('z = zip([1], [2])', 'next(z)'),
    'a tensor': ('import torch\nx = torch.zeros(2)', 'x.add_(1)\nassert x.sum() == 2'),
    'a large tensor': ('import torch\nx = torch.zeros(1_000_000)', 'x[5] += 1\nassert x[5] == 1'),
    'a gradient': (
        'import torch\nx = torch.ones(1, requires_grad=True)',
        '(2*x).sum().backward()\nassert x.grad == 2',
    ),
    'a graph': ('import torch\nx = torch.ones(1, requires_grad=True)\ny = (x*x).sum()', 'y.backward()'),
    'a step': (
        'import torch\nx = torch.ones(1, requires_grad=True)\nopt = torch.optim.SGD([x], 1)\nx.grad = torch.ones(1)',
        'opt.step()\nassert x.item() == 0',
    ),
    'a norm': ('import torch\nm = torch.nn.BatchNorm1d(2)', 'm(torch.ones(4, 2))\nassert m.num_batches_tracked == 1'),
    'a draw': ('import torch\nt = torch.manual_seed(0)', 'assert torch.rand(1) < .497'),
    'a draw of Python': ('import random\nrandom.seed(1)', 'assert random.random() < .2'),
    'a draw of numpy': ('import numpy as np\nnp.random.seed(0)', 'assert np.random.rand() < .55'),
    'a setting': ('import torch', 'assert torch.is_grad_enabled()\ntorch.set_grad_enabled(False)'),
    'a file': ('import pathlib, tempfile\np = pathlib.Path(tempfile.mkdtemp())', '(p/"a").mkdir()'),
    'a text': ('import pathlib, tempfile\np = pathlib.Path(tempfile.mkdtemp())', 'open(p/"a", "x").close()'),
    'a magic': ('x = 1', '%precision 3\nx += 1\nassert x == 2'),
    'the package': ('from nnbolts import check', 'assert not hasattr(check, "put")\ncheck.put = 1'),
}

def test_a_cell_that_is_not_the_same_again_is_run_again(tmp_path):
    "What a cell reads is compared before and after it: one that leaves all as it was is not run a second time."
    back = 'import torch\nt = torch.set_grad_enabled(True)'
    cells = [source for pair in UNLIKE.values() for source in (*pair, back)]
    run = run_cells(tmp_path, *cells, how=N.execute_twice)
    assert {name for n, name in enumerate(UNLIKE) if f'cell{3*n + 1}' not in run.fails} == set()
    assert run.passed and len(run.fails) == len(UNLIKE)

def test_a_cell_that_leaves_all_as_it_was_is_not_run_again():
    "Nor does it matter what it makes of its own."
    cells = ['import torch', 'x = torch.ones(3)', 'y = [x]\ny.append(x.sum())', 'torch.zeros(2).add_(1)']
    cells += ['lazy = torch.nn.LazyLinear(3)', 'lazy.weight', 'def f(): return x\nf()']
    cells += ['z = (torch.ones(2, requires_grad=True)**2).sum()\nz.backward()', 'z.grad_fn']
    ns = {}
    for source in cells:
        inputs = Inputs(source, ns)
        exec(source, ns)
        assert inputs.kept(), source

# --- what hidden cells do is kept from the page

HIDE = '#| hide\n'

def run_apart(*cells):
    "Run cells one after another in names of their own; return the error that ends it, if any, and the doubts."
    ns = {'__name__': '__main__'}
    apart = Apart(ns)
    def run(source):
        try:exec(compile(source, 'cell', 'exec'), ns)
        except Exception as e: return e
    for n, source in enumerate(cells):
        cell = SimpleNamespace(id=n, source=source)
        if error := apart.run(cell, N.is_visible(dict(cell_type='code', source=source)), lambda: run(source)):
            return error, apart.doubts
    return None, apart.doubts + apart.anew


@pytest.mark.parametrize(
    'cells',
    [
        [HIDE + 'x = 1', 'x'],
        [HIDE + 'import math', 'math.pi'],
        [HIDE + 'def f(): return 1', 'f()'],
        ['#| export\ndef f(): return 1', 'f()'],
        ['def f(): return x', HIDE + 'x = 1', 'f()'],
        [HIDE + 'x = 1', HIDE + 'y = x', 'x = 2', 'y'],
        ['#| echo: false\nx = 1', 'x'],
    ],
    ids=['definition', 'import', 'function', 'export', 'through a function', 'two', 'output alone'],
)
def test_a_name_that_only_a_hidden_cell_binds_is_missed(cells):
    error, _ = run_apart(*cells)
    assert isinstance(error, NameError) and 'Only a hidden cell binds' in error.__notes__[0]

def test_hidden_cells_leave_the_names_of_the_page_alone():
    "Bound anew, deleted, drawn from: the page goes on as if they were not there, and they see what they bound."
    assert run_apart('import random\nx, y = 1, 2\nrandom.seed(0)\nr = random.random()\nrandom.seed(0)',
                     HIDE + 'x = 5\ndel y\nz = random.random()', 'assert y == 2 and random.random() == r',
                     HIDE + 'assert x == 5 and z', 'x = 3', HIDE + 'assert x == 3') == (None, [])

IN_PLACE = 'cell 2 reads {}, which the hidden cell 1 changes in place'
IN_PLACE_CASES = {
    'list': ('x', 'x = [1]', 'x.append(2)', 'assert len(x) == 2'),
    'deep': ('x', 'class A: pass\nx = A()\nx.a = {1: [A()]}', 'x.a[1][0].b = 2', 'assert x.a[1][0].b'),
    'tensor': ('x', 'import torch\nx = torch.zeros(2)', 'x.add_(1)', 'def f(): return x.sum()\nassert f() == 2'),
    'numbers': ('x', 'import torch\nx = torch.zeros(2)', 'x.numpy()[:] = 1', 'assert x.sum() == 2'),
    'gradient': (
        'x',
        'import torch\nx = torch.zeros(2, requires_grad=True)',
        'x.sum().backward()',
        'assert x.grad is not None',
    ),
    'module': (
        'm',
        'import torch\nm = torch.nn.BatchNorm1d(2)',
        'm(torch.rand(4, 2))',
        'assert m.num_batches_tracked == 1',
    ),
    'array': ('x', 'import numpy as np\nx = np.zeros(2)', 'x[0] = 1', 'assert x.sum() == 1'),
    'iterator': ('it', 'it = iter([0, 1])', 'next(it)', 'assert next(it) == 1'),
    'generator': ('g', 'g = (i for i in range(3))', 'next(g)', 'assert next(g) == 1'),
    'closure': (
        'f',
        'def make():\n    seen = []\n    return lambda: seen.append(1) or len(seen)\nf = make()',
        'f()',
        'assert f() == 2',
    ),
    'class': ('x', 'class A: n = 0\nx = A()', 'A.n = 1', 'assert x.n'),
    'patch': ('json', 'import json', 'json.loud = lambda: 1', 'assert json.loud()'),
    'bound anew': ('x', 'x = 1', 'x = 2', 'x'),
}

@pytest.mark.parametrize('name', IN_PLACE_CASES)
def test_what_a_hidden_cell_changes_raises_a_doubt_where_it_is_read(name):
    variable, page, hidden, then = IN_PLACE_CASES[name]
    said = IN_PLACE if name != 'bound anew' else 'cell 2 reads {}, which a hidden cell binds anew'
    assert run_apart(page, HIDE + hidden, then) == (None, [said.format(variable)])
    assert run_apart(page, HIDE + hidden, 'y = 0', f'{page}\nprint({variable})') == (None, []), 'nobody reads it'
    assert run_apart(page, then, HIDE + page) [1] == [], 'not changed'
    json.__dict__.pop('loud', None)

def test_what_a_hidden_cell_sets_raises_a_doubt():
    import torch
    assert run_apart('import torch', HIDE + 'torch.set_grad_enabled(False)', '1') == (
        None,
        ['the hidden cell 1 changes the settings of torch'],
    )
    torch.set_grad_enabled(True)
    hidden = HIDE + 'import nnbolts.check as c\nc._exercises["a"] = 1'
    cells = ['from nnbolts.check import exercise', hidden, 'exercise']
    said = IN_PLACE.format('nnbolts.check._exercises')
    assert run_apart(*cells) == (None, [said])
    assert run_apart(*cells[:2], '1') == (None, []), 'nobody reads it'
    import nnbolts.check
    nnbolts.check._exercises.pop('a')

def test_where_the_run_is_in_doubt_the_visible_cells_run_by_themselves(tmp_path):
    "A part of a package that a hidden cell loads is there for the page as well; its own run fails."
    cells = ['import xml', HIDE + 'import xml.etree.ElementTree', 'xml.etree.ElementTree']
    run = run_cells(tmp_path, *cells)
    assert run.passed and 'cell cell2 uses xml.etree, which a hidden cell loads' in run.doubts
    assert not run_cells(tmp_path, *cells, how=N.execute_visible).passed

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
    stale = N.stale_cells(nb, runs[name].outputs)
    assert len(stale) == 1 and m[0] in stale[0]

@pytest.mark.parametrize('name', [n for n in NAMES if '_losses' in n])
def test_a_lost_picture_is_caught(runs, name):
    nb = load(name)
    cell = next(c for c in nb['cells'] if any('image/svg+xml' in o.get('data', {}) for o in c.get('outputs', [])))
    cell['outputs'] = []
    assert any(cell['id'] in s for s in N.stale_cells(nb, runs[name].outputs))

@pytest.mark.parametrize('width, same', [('100.000004', True), ('100.5', True), ('102', False)])
def test_the_size_of_a_picture_is_compared_up_to_a_hundredth(width, same):
    svg = '<svg width="{}pt" height="50pt"></svg>'
    assert (N.item_differs('image/svg+xml', svg.format(100), svg.format(width)) is None) == same


@pytest.mark.parametrize(
    'old, new, same',
    [
        ('loss 2.3026', 'loss 2.3026', True),
        ('loss 2.3026', 'loss 2.3031', True),
        ('loss 2.3026', 'loss 2.4026', False),
        ('a 1', 'b 1', False),
        ('nan', 'nan', True),
        ('1 2', '1 2 3', False),
        ('largest difference 1.2e-07', 'largest difference 0.0', True),
        ('-1.5', '1.5', False),
        ('x-1', 'x-2', False),
        ('| a |  1 |', '| a | 1 |', True),
    ],
)
def test_text_is_compared_with_a_tolerance(old, new, same):
    assert (N.text_differs(old, new) is None) == same


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
    subprocess.run(
        [
            sys.executable,
            '-c',
            'from nbdev.export import nb_export; from nbdev.doclinks import nbdev_export; nbdev_export()',
        ],
        cwd=work,
        check=True,
    )
    modules = sorted(p.name for p in (ROOT/'nnbolts').glob('*.py'))
    assert sorted(p.name for p in (work/'nnbolts').glob('*.py')) == modules
    for m in modules:
        assert (work / 'nnbolts' / m).read_text() == (
            ROOT / 'nnbolts' / m
        ).read_text(), f'nnbolts/{m} is not what its notebook exports: run `make outputs`'


def test_readme_is_the_landing_page():
    assert (ROOT / 'README.md').read_text(encoding='utf-8') == N.readme(), 'run `make outputs`'


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
    assert not any(
        o.get('name') == 'stderr' for c in load(name)['cells'] for o in c.get('outputs', [])
    ), 'a warning in the outputs'
