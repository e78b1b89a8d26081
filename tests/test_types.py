"What type checkers say of a script that uses the package: nothing. And of wrong calls: that they are wrong."
import json, os, subprocess, sys
import pytest
from conftest import ROOT

SCRIPT = ROOT/'tests'/'typed_script.py'
WRONG = 'from nnbolts.data import mnist\nfrom nnbolts.learner import Learner\nmnist(3)\nLearner.fit_all\n'

def run(*args, **env):
    "What a command says, about each of the two scripts."
    said = subprocess.run([sys.executable, '-m', *map(str, args)], capture_output=True, text=True, cwd=ROOT, env={**os.environ, **env}).stdout
    errors = [line for line in said.splitlines() if ' error: ' in line or ' - error' in line]
    assert errors, said  # those of the wrong script at least
    return [e for e in errors if 'typed_script' in e], [e for e in errors if 'wrong' in e]

@pytest.mark.parametrize('checker', ['mypy', 'basedpyright'])
def test_a_users_script_has_the_right_types(checker, tmp_path):
    pytest.importorskip(checker)
    wrong = tmp_path/'wrong.py'
    wrong.write_text(WRONG)
    if checker == 'mypy':
        options = ['--follow-imports=silent', '--ignore-missing-imports', '--cache-dir', tmp_path/'cache']
        right, wrong = run('mypy', *options, SCRIPT, wrong, MYPYPATH=str(ROOT))
    else:
        config = dict(include=[str(SCRIPT), str(wrong)], extraPaths=[str(ROOT)], typeCheckingMode='standard')
        (tmp_path/'pyrightconfig.json').write_text(json.dumps(config))
        right, wrong = run('basedpyright', '--pythonpath', sys.executable, '-p', tmp_path/'pyrightconfig.json')
    assert right == []
    assert len(wrong) == 2 and ':3:' in wrong[0] and 'fit_all' in wrong[1], wrong

def test_the_script_runs(tmp_path):
    "Types alone prove little: the same script, run."
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, cwd=tmp_path,
                          env={**os.environ, 'PYTHONPATH': str(ROOT), 'MPLBACKEND': 'agg'})
    assert done.returncode == 0, done.stderr
    assert (tmp_path/'page.html').read_text(encoding='utf-8').startswith('<!doctype html>')
