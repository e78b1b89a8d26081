"The wheel and the sdist in a clean environment with only what they require, and the package's own tests there."

import ast, importlib.metadata, os, re, shutil, subprocess, sys, tarfile, venv, zipfile
from pathlib import Path
import pytest
from conftest import ROOT

OWN = ['test_package.py', 'test_check.py', 'test_data.py', 'test_figures.py']  # those that need no checkout

def run(*args, **kw):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, **kw)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

@pytest.fixture(scope='module')
def dist(tmp_path_factory):
    "Both files, the wheel built from the sdist, as a release has them."
    out = tmp_path_factory.mktemp('dist')
    run(sys.executable, '-m', 'build', '--outdir', out, ROOT)
    return {'wheel': next(out.glob('*.whl')), 'sdist': next(out.glob('*.tar.gz'))}

def torch_alone(folder, packages):
    """Let another environment see this one's torch, half a gigabyte, and nothing else of it.
    Pip takes it for installed and installs what it requires."""
    folder.mkdir()
    dist = importlib.metadata.distribution('torch')
    tops = {p.parts[0] for p in dist.files if not p.parts[0].startswith(('..', '__pycache__'))}
    for name in tops: (folder/name).symlink_to(Path(dist.locate_file(name)).resolve())
    (packages/'torch_alone.pth').write_text(f'{folder}\n')

@pytest.fixture(scope='module')
def clean(dist, tmp_path_factory):
    "The python of a fresh environment: the wheel, the very torch of this one, and the newest of everything else."

    tmp = tmp_path_factory.mktemp('clean')
    venv.create(tmp/'env', with_pip=True)
    py = tmp/'env'/('Scripts' if os.name == 'nt' else 'bin')/'python'
    torch_alone(tmp/'torch', Path(run(py, '-c', 'import sysconfig; print(sysconfig.get_path("purelib"))').strip()))
    for name in OWN: shutil.copy(ROOT/'tests'/name, tmp)
    env = {k: v for k, v in os.environ.items() if k not in ('PYTHONPATH', 'MYPYPATH')}
    class Clean:
        def python(self, *args): return run(py, *args, cwd=tmp, env=env).strip()
        def __call__(self, code): return self.python('-c', code)
        def pip(self, *args):
            return self.python('-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-compile', *args)

    clean = Clean()
    clean.pip(dist['wheel'])
    return clean

def test_it_is_not_the_checkout(clean): assert str(ROOT) not in clean('import nnbolts; print(nnbolts.__file__)')

def test_nothing_is_required_that_no_module_imports(clean):
    "And nothing is missing that one does: every module imports, and fastcore, which the notebooks use, is not there."
    code = '''
import importlib, importlib.util, pkgutil, nnbolts
for m in pkgutil.iter_modules(nnbolts.__path__):
    if m.name != '__main__': importlib.import_module('nnbolts.' + m.name)
print(importlib.util.find_spec('fastcore'))'''
    assert clean(code) == 'None'
    required = clean(
        'import importlib.metadata as m; print(*[r for r in m.requires("nnbolts") if "extra" not in r], sep=chr(10))'
    )
    required = set(re.findall(r'^[\w-]+', required, re.M))
    imported = {
        n.split('.')[0]
        for p in (ROOT / 'nnbolts').glob('*.py')
        for s in ast.walk(ast.parse(p.read_text(encoding='utf-8')))
        for n in (
            [a.name for a in s.names]
            if isinstance(s, ast.Import)
            else [s.module or ''] if isinstance(s, ast.ImportFrom) else []
        )
    }
    assert required <= imported, f'no module imports {required - imported}'

def test_cross_entropy_is_right(clean):
    code = '''
import torch, torch.nn.functional as F
from nnbolts.losses import cross_entropy
x, y = torch.randn(64, 10, generator=torch.Generator().manual_seed(0)), torch.arange(64) % 10
print(torch.allclose(cross_entropy(x, y), F.cross_entropy(x, y)))'''
    assert clean(code) == 'True'

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

def test_its_own_tests_pass_where_it_is_installed(clean):
    clean.pip('pytest')
    out = clean.python('-m', 'pytest', '-q', '-p', 'no:cacheprovider', *OWN)
    assert re.search(r'\d+ passed', out) and 'failed' not in out and 'skipped' not in out, out

def test_the_sdist_installs_what_the_wheel_does(clean, dist):
    "The same files, byte for byte, so that what holds for one holds for the other."
    code = '''
import hashlib, importlib.metadata
for p in sorted(importlib.metadata.files('nnbolts')):
    if '.dist-info' in str(p) or p.suffix == '.pyc': continue
    print(p, hashlib.sha256(p.locate().read_bytes()).hexdigest())'''
    of_wheel = clean(code)
    assert of_wheel.count('nnbolts/') > 30
    clean.python('-m', 'pip', 'uninstall', '--quiet', '--yes', 'nnbolts')
    clean.pip('--no-deps', dist['sdist'])
    assert clean(code) == of_wheel

def test_what_a_release_holds(dist):
    wheel = set(zipfile.ZipFile(dist['wheel']).namelist())
    assert {
        'nnbolts/py.typed',
        'nnbolts/assets/explore.css',
        'nnbolts/assets/explore.js',
        'nnbolts/__main__.py',
    } <= wheel
    notebooks = {
        p.relative_to(ROOT / 'nbs').as_posix()
        for p in (ROOT / 'nbs').rglob('*.ipynb')
        if '.ipynb_checkpoints' not in p.parts
    }
    assert {n.removeprefix('nnbolts/notebooks/') for n in wheel if n.endswith('.ipynb')} == notebooks
    with tarfile.open(dist['sdist']) as tar: source = {n.partition('/')[2] for n in tar.getnames()}
    assert {'settings.ini', 'setup.py', 'dev/docstrings.py', 'LICENSE', 'NOTICE', 'CITATION.cff', 'nbs/index.ipynb'} <= source
    assert not any(re.search(r'__pycache__|\.ipynb_checkpoints|\.venv', n) for n in wheel | source)
    assert dist['wheel'].stat().st_size < 20e6

def test_the_index_would_take_it(dist):
    "Twine finds no fault in the metadata, and no link of the description is relative."
    run(sys.executable, '-m', 'twine', 'check', '--strict', *dist.values())
    metadata = (
        zipfile.ZipFile(dist['wheel'])
        .read('nnbolts-' + dist['wheel'].name.split('-')[1] + '.dist-info/METADATA')
        .decode()
    )
    links = re.findall(r'\]\(([^)\s]+)\)', metadata)
    assert links and all(link.startswith('https://') for link in links)
    assert (
        'Classifier: Development Status :: 3 - Alpha' in metadata
        and 'Project-URL: Issues, ' in metadata
        and 'Typing :: Typed' in metadata
    )
