"What type checkers say of scripts that use the package: nothing. And of wrong calls: that they are wrong."
import json, os, subprocess, sys
import pytest
from conftest import ROOT

SCRIPTS = [ROOT/'tests'/name for name in ('typed_script.py', 'typed_learner.py')]
WRONG = 'from nnbolts.data import mnist\nfrom nnbolts.learner import Learner\nmnist(3)\nLearner.fit_all\n'

# mypy takes a minute for the types of these; basedpyright reads all of them.
MYPY = """[mypy]
follow_imports = silent
ignore_missing_imports = True
[mypy-torch.*,numpy.*,pandas.*,matplotlib.*]
follow_imports = skip
"""

def run(*args, **env):
    "What a command says, about the scripts and about the wrong one."
    said = subprocess.run(
        [sys.executable, '-m', *map(str, args)], capture_output=True, text=True, cwd=ROOT, env={**os.environ, **env}
    ).stdout
    errors = [line for line in said.splitlines() if ' error: ' in line or ' - error' in line]
    assert errors, said  # those of the wrong script at least
    return [e for e in errors if 'typed_' in e], [e for e in errors if 'wrong' in e]

@pytest.mark.parametrize('checker', ['mypy', 'basedpyright'])
def test_a_users_scripts_have_the_right_types(checker, tmp_path):
    pytest.importorskip(checker)
    wrong = tmp_path/'wrong.py'
    wrong.write_text(WRONG)
    if checker == 'mypy':
        (tmp_path/'mypy.ini').write_text(MYPY)
        options = ['--config-file', tmp_path/'mypy.ini', '--cache-dir', tmp_path/'cache']
        right, wrong = run('mypy', *options, *SCRIPTS, wrong, MYPYPATH=str(ROOT))
    else:
        config = dict(include=[*map(str, SCRIPTS), str(wrong)], extraPaths=[str(ROOT)], typeCheckingMode='standard')
        (tmp_path/'pyrightconfig.json').write_text(json.dumps(config))
        right, wrong = run('basedpyright', '--pythonpath', sys.executable, '-p', tmp_path/'pyrightconfig.json')
    assert right == []
    assert len(wrong) == 2 and ':3:' in wrong[0] and 'fit_all' in wrong[1], wrong

@pytest.mark.parametrize('script', SCRIPTS, ids=lambda p: p.stem)
def test_a_script_runs(script, tmp_path):
    "Types alone prove little: the same script, run."
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, cwd=tmp_path,
                          env={**os.environ, 'PYTHONPATH': str(ROOT), 'MPLBACKEND': 'agg'})
    assert done.returncode == 0, done.stderr
    if script.stem == 'typed_script':
        assert (tmp_path / 'page.html').read_text(encoding='utf-8').startswith('<!doctype html>')
