"The package as a stranger meets it, in a clone and installed: help, commands, light imports. Runs without a checkout (test_wheel.py)."
import importlib, importlib.metadata, json, pkgutil, pydoc, re, subprocess, sys
from pathlib import Path
import pytest
import nnbolts
from nnbolts import __main__ as commands

MODULES = sorted(m.name for m in pkgutil.iter_modules(nnbolts.__path__) if not m.name.startswith('_'))
ENV = dict(PATH='', PYTHONPATH=str(Path(nnbolts.__file__).parent.parent))

def python(*args): return subprocess.run([sys.executable, *map(str, args)], capture_output=True, text=True, env=ENV)

def test_help_names_every_module_and_the_documentation():
    text = pydoc.plain(pydoc.render_doc(nnbolts))
    for name in MODULES: assert re.search(rf'^    {name}  ', text, re.M), f'nnbolts/__init__.py does not say what {name} is'
    assert 'https://nnbolts.github.io/nnbolts' in text

def test_the_documentation_of_the_package_is_the_one_of_its_metadata():
    urls = importlib.metadata.metadata('nnbolts').get_all('Project-URL')
    address = next(u.split(', ')[1] for u in urls if u.startswith('Documentation'))
    assert address in nnbolts.__doc__
    assert importlib.metadata.version('nnbolts') == nnbolts.__version__

def test_every_module_imports_lightly():
    "Nothing heavy is imported until it is needed, and nothing that is not required."
    heavy = ('pandas', 'matplotlib', 'ipywidgets', 'IPython', 'fastcore', 'PIL', 'torchmetrics')
    code = f'''
import importlib, sys
for name in {MODULES}:
    importlib.import_module('nnbolts.' + name)
    print(name, [m for m in {heavy} if m in sys.modules])'''
    out = python('-c', code)
    assert out.stdout.splitlines() == [f'{name} []' for name in MODULES], out.stdout + out.stderr

def test_without_a_command_it_says_what_there_is():
    out = python('-m', 'nnbolts').stdout
    assert 'notebooks' in out and 'info' in out and nnbolts.__version__ in out

def test_info_says_versions_and_no_paths(capsys):
    commands.main(['info'])
    out = capsys.readouterr().out
    assert nnbolts.__version__ in out and f'torch {importlib.metadata.version("torch")}' in out and 'threads' in out and 'GPU' in out
    assert str(Path.home()) not in out and sys.prefix not in out

def test_the_notebooks_come_with_the_package(tmp_path, capsys):
    folder = tmp_path/'my course'
    commands.main(['notebooks', str(folder)])
    out = capsys.readouterr().out
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob('*.ipynb'))
    assert f'{len(names)} notebooks' in out and 'jupyter lab' in out
    exported = {f'default_exp {m}"' for m in MODULES}
    text = ''.join(json.dumps(json.loads((folder/n).read_text(encoding='utf-8'))['cells']) for n in names)
    assert 'index.ipynb' in names and 'tools/check.ipynb' in names and all(e in text for e in exported)
    assert '"image/svg+xml"' in text and 'nb-explore-data' in text  # pictures and explorers are there before the first run

def test_a_learners_notebooks_are_left_alone(tmp_path, capsys):
    (tmp_path/'tools').mkdir()
    mine = tmp_path/'tools'/'check.ipynb'
    mine.write_text('mine')
    commands.main(['notebooks', str(tmp_path)])
    assert mine.read_text() == 'mine' and '1 were there already' in capsys.readouterr().out
    commands.main(['notebooks', str(tmp_path)])
    assert capsys.readouterr().out.startswith('0 notebooks')

def test_a_file_is_no_folder(tmp_path):
    (tmp_path/'x').write_text('')
    with pytest.raises(SystemExit, match='is a file'): commands.main(['notebooks', str(tmp_path/'x')])
