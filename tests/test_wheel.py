"The wheel, in a clean environment with only what it requires, away from the checkout."
import os, re, subprocess, sys, venv
import pytest
from conftest import ROOT

@pytest.fixture(scope='module')
def clean(tmp_path_factory):
    "The python of a fresh environment that holds the wheel, torch of constraints.txt, and the newest of everything else."
    tmp = tmp_path_factory.mktemp('wheel')
    run = lambda *a, **kw: subprocess.run([str(x) for x in a], check=True, capture_output=True, text=True, cwd=tmp, **kw)
    run(sys.executable, '-m', 'build', '--wheel', '--outdir', tmp/'dist', ROOT)
    wheel = next((tmp/'dist').glob('*.whl'))
    venv.create(tmp/'env', with_pip=True)
    py = tmp/'env'/('Scripts' if os.name == 'nt' else 'bin')/'python'
    torch = re.search(r'^torch==\S+', (ROOT/'constraints.txt').read_text(), re.M)[0]
    run(py, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', torch, wheel)
    return lambda code: run(py, '-c', code, env={k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}).stdout.strip()

def test_it_is_not_the_checkout(clean): assert str(ROOT) not in clean('import nnbolts; print(nnbolts.__file__)')

def test_fastcore_is_the_newest(clean):
    assert int(clean('import fastcore; print(fastcore.__version__)').split('.')[0]) >= 2

def test_data_loads(clean):
    assert clean('from nnbolts.data import mnist; x, y = mnist("train"); print(tuple(x.shape), y[:10].tolist())') == '(50000, 784) [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]'

def test_cross_entropy_is_right(clean):
    code = '''
import torch, torch.nn.functional as F
from nnbolts.losses import cross_entropy
x, y = torch.randn(64, 10, generator=torch.Generator().manual_seed(0)), torch.arange(64) % 10
print(torch.allclose(cross_entropy(x, y), F.cross_entropy(x, y)))'''
    assert clean(code) == 'True'

MODULES = sorted(p.stem for p in (ROOT/'nnbolts').glob('[a-z]*.py'))

@pytest.mark.parametrize('module', MODULES)
def test_import_is_light(clean, module):
    "Nothing heavy is imported until it is needed."
    code = f'import sys, nnbolts.{module}; print([m for m in ("pandas", "matplotlib", "ipywidgets", "IPython") if m in sys.modules])'
    assert clean(code) == '[]'

def test_every_module_imports(clean):
    code = 'import importlib, pkgutil, nnbolts; print([m.name for m in pkgutil.iter_modules(nnbolts.__path__) if importlib.import_module("nnbolts." + m.name) is None])'
    assert clean(code) == '[]'

def test_heavy_parts_work_when_needed(clean):
    code = '''
import torch, matplotlib
matplotlib.use("agg")
from nnbolts.losses import loss_table
from nnbolts.data import mnist, show_images
from nnbolts.explore import explore
print(list(loss_table(torch.randn(3), target=1).columns))
show_images(mnist("test")[0][:4], 2)
print("nb-explore" in explore(lambda a=1: a*2, a=range(3))._repr_html_())'''
    assert clean(code) == "['label', 'logit', 'exp', 'softmax', 'nll']\nTrue"
