"What `make lab`, `make restore` and `make hooks` do to a clone: nothing that its owner did not do."
import json, os, shutil, subprocess
import nbformat
import pytest
import notebooks as N
from conftest import ROOT

WIDGET = {
    'application/vnd.jupyter.widget-view+json': {'model_id': 'a', 'version_major': 2, 'version_minor': 0},
    'text/plain': 'VBox()',
}

def saved(path, to, edit=lambda nb: None):
    "A notebook as JupyterLab writes it after all its cells were run."
    nb = nbformat.read(path, as_version=4)
    nb.metadata = nbformat.from_dict(
        dict(
            kernelspec=dict(name='python3', display_name='Python 3', language='python'),
            language_info=dict(name='python'),
        )
    )
    for n, c in enumerate(nb.cells):
        c.metadata['execution'] = {'iopub.status.busy': 'now'}
        if c.cell_type == 'code': c.execution_count, c.outputs = n, [nbformat.v4.new_output('display_data', WIDGET)]
    edit(nb)
    nbformat.write(nb, to)

@pytest.mark.parametrize('path', N.notebooks(), ids=lambda p: p.name)
def test_running_and_saving_changes_nothing(path, tmp_path):
    "Git sees no difference; it was one of 6,400 lines."
    to = tmp_path/path.name
    saved(path, to)
    assert to.read_bytes() != path.read_bytes()
    N.save_clean(to, json.loads(path.read_text(encoding='utf-8')))
    assert to.read_bytes() == path.read_bytes()

def test_what_was_edited_stays(tmp_path):
    path = ROOT/'nbs'/'tools'/'figures.ipynb'
    to, shown = tmp_path/path.name, nbformat.v4.new_output('stream', text='3\n')
    def edit(nb):
        code = [c for c in nb.cells if c.cell_type == 'code']
        code[-1].source, code[-1].outputs = '1 + 2', [shown, nbformat.v4.new_output('display_data', WIDGET)]
        nb.cells.append(nbformat.v4.new_markdown_cell('A note of mine'))
    saved(path, to, edit)
    old = json.loads(path.read_text(encoding='utf-8'))
    N.save_clean(to, old)
    new = json.loads(to.read_text(encoding='utf-8'))
    assert ''.join(new['cells'][-1]['source']) == 'A note of mine'
    changed = [(a, b) for a, b in zip(old['cells'], new['cells']) if a != b]
    assert len(changed) == 1 and ''.join(changed[0][1]['source']) == '1 + 2'
    assert [o['output_type'] for o in changed[0][1]['outputs']] == ['stream']  # what a widget shows is dead in a file

def test_a_notebook_that_is_not_committed_is_saved_as_it_is_shown(tmp_path):
    to = tmp_path/'new.ipynb'
    nb = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell('1', outputs=[nbformat.v4.new_output('stream', text='1\n')])]
    )
    nbformat.write(nb, to)
    N.save_clean(to)
    assert json.loads(to.read_text(encoding='utf-8'))['cells'][0]['outputs'][0]['text'] == ['1\n']

@pytest.fixture
def clone(tmp_path):
    "A small clone with the Makefile, a home folder of its own, and no environment to set up."
    clone, home = tmp_path/'clone', tmp_path/'home'
    (clone/'nbs').mkdir(parents=True), home.mkdir(), (clone/'.venv').mkdir()
    for name in ('Makefile', '.gitattributes', '.gitignore', 'settings.ini', 'setup.py', 'constraints.txt'):
        shutil.copy(ROOT / name, clone)
    (clone/'nbs'/'a.ipynb').write_text('committed')
    env = {k: v for k, v in os.environ.items() if not k.startswith(('MAKE', 'GIT_'))} | dict(
        HOME=str(home), GIT_CONFIG_NOSYSTEM='1'
    )
    def run(*args): return subprocess.run(args, cwd=clone, env=env, capture_output=True, text=True)
    run('git', 'init', '-q'), run('git', 'add', '-A')
    assert run('git', '-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-qm', 'x').returncode == 0
    (clone/'.venv'/'ready').touch()
    run.path, run.home = clone, home
    yield run
    assert list(home.rglob('*')) == [], 'the home folder was touched'

@pytest.mark.skipif(not shutil.which('make') or not shutil.which('git'), reason='needs make and git')
class TestMake:
    def test_hooks_change_no_tracked_file_and_nothing_at_home(self, clone):
        out = clone('make', 'hooks')
        assert out.returncode == 0, out.stderr
        assert clone('git', 'status', '--porcelain').stdout == '' and not (clone.path/'.gitconfig').exists()
        assert 'nbdev_merge' in clone('git', 'config', '--local', 'merge.nbdev-merge.driver').stdout
        assert 'notebooks.py' in clone('git', 'config', '--local', 'diff.ipynb.textconv').stdout

    def test_restore_gives_the_committed_notebook_and_keeps_yours(self, clone):
        (clone.path/'nbs'/'a.ipynb').write_text('mine')
        out = clone('make', 'restore', 'NB=nbs/a.ipynb')
        assert out.returncode == 0, out.stderr
        assert (clone.path/'nbs'/'a.ipynb').read_text() == 'committed'
        assert [p.read_text() for p in (clone.path / 'kept').iterdir()] == ['mine'] and clone(
            'git', 'status', '--porcelain'
        ).stdout == ''

    def test_restore_without_a_name_says_how(self, clone):
        out = clone('make', 'restore')
        assert out.returncode != 0 and 'make restore NB=' in out.stdout

    def test_lab_starts_inside_the_project(self, clone):
        "As root, too; JupyterLab itself is a stand-in that writes down how it was started."
        (clone.path/'.venv'/'bin').mkdir()
        lab = clone.path/'.venv'/'bin'/'jupyter'
        lab.write_text(
            '#!/bin/sh\necho "$@"; echo "$JUPYTER_CONFIG_DIR $JUPYTER_DATA_DIR $JUPYTER_RUNTIME_DIR $IPYTHONDIR"\n'
        )
        lab.chmod(0o755)
        out = clone('make', 'lab').stdout
        assert 'make restore NB=' in out and f'--config={clone.path}/dev/jupyter_server_config.py' in out
        assert ('--allow-root' in out) == (os.getuid() == 0) and out.count(f'{clone.path}/.venv/jupyter') == 4
