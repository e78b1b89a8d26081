"The package as a stranger meets it: help, commands, light imports. Runs without a checkout, too (test_wheel.py)."
import ast, importlib, importlib.metadata, inspect, io, json, pkgutil, pydoc, re, subprocess, sys, textwrap, tokenize
from pathlib import Path
import pytest
import nnbolts
from nnbolts import __main__ as commands

MODULES = sorted(m.name for m in pkgutil.iter_modules(nnbolts.__path__) if not m.name.startswith('_'))
ENV = dict(PATH='', PYTHONPATH=str(Path(nnbolts.__file__).parent.parent))

def python(*args): return subprocess.run([sys.executable, *map(str, args)], capture_output=True, text=True, env=ENV)

def test_help_names_every_module_and_the_documentation():
    text = pydoc.plain(pydoc.render_doc(nnbolts))
    for name in MODULES:
        assert re.search(rf'^    {name}  ', text, re.M), f'nnbolts/__init__.py does not say what {name} is'
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
    assert nnbolts.__version__ in out and f'torch {importlib.metadata.version("torch")}' in out
    assert 'threads' in out and 'GPU' in out
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
    # pictures and explorers are there before the first run
    assert '"image/svg+xml"' in text and 'nb-explore-data' in text

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

installed = pytest.mark.skipif(not (Path(nnbolts.__file__).parent/'notebooks').exists(),
                               reason='the docstrings are completed when a wheel is built')

def commented(f):
    "The parameters of a function that have a comment in its source: {name: comment}."
    try: source = textwrap.dedent(inspect.getsource(f))
    except OSError: return {}  # made by a decorator
    tree = ast.parse(source).body[0]
    if not isinstance(tree, ast.FunctionDef): return {}
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    notes = {t.start[0]: t.string.strip('# ') for t in tokens if t.type == tokenize.COMMENT}
    args = [*tree.args.posonlyargs, *tree.args.args, *tree.args.kwonlyargs]
    first = tree.body[0].lineno - 1
    return {a.arg: notes[a.end_lineno] for a in args if a.end_lineno in notes and a.end_lineno < first}

def documented():
    "Every exported function and class and its public methods, with the text that documents its parameters."
    for name in MODULES:
        module = importlib.import_module('nnbolts.' + name)
        for x in (getattr(module, k) for k in module.__all__):
            doc = inspect.getdoc(x) or ''
            if inspect.isfunction(x): yield x, doc
            elif inspect.isclass(x):
                for k, f in vars(x).items():
                    f = getattr(f, '__func__', f)
                    if inspect.isfunction(f) and (k == '__init__' or not k.startswith('_')):
                        yield f, doc if k == '__init__' else f.__doc__ or ''

@installed
def test_help_shows_the_comments_of_the_parameters():
    "What stands behind a parameter in the source stands in its help."
    found = [(f.__qualname__, arg, note in doc) for f, doc in documented() for arg, note in commented(f).items()]
    assert len(found) > 200 and not [x for x in found if not x[2]]

@installed
def test_help_of_a_function():
    text = pydoc.plain(pydoc.render_doc(importlib.import_module('nnbolts.data').mnist))
    assert 'Parameters' in text and "'train': the first 50,000" in text
    assert 'Returns' in text and 'float32 (N, 784)' in text
