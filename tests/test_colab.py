"In Colab each notebook installs the package first, from the repository, so that it works before there is a release."

import ast
import json
import re

import notebooks as N
import pytest
import release
from conftest import ROOT

NAMES = [str(p.relative_to(ROOT)) for p in N.notebooks()]


def sources(name): return [N.joined(c['source']) for c in json.loads((ROOT/name).read_text(encoding='utf-8'))['cells'] if c['cell_type'] == 'code']


@pytest.mark.parametrize('name', NAMES)
def test_the_package_is_installed_before_it_is_imported(name):
    found = sources(name)
    at = [n for n, s in enumerate(found) if 'google.colab' in s]
    if not at and not any(re.search(r'^(from|import) ', s, re.M) for s in found): pytest.skip('imports nothing')
    assert len(at) == 1 and found[at[0]] == N.colab_cell(), 'run python dev/notebooks.py colab'
    imports = [n for n, s in enumerate(found) if 'nnbolts' in s and ('import nnbolts' in s or 'from nnbolts' in s)]
    assert not imports or at[0] < imports[0]


class Shell:
    "An IPython that notes what it is asked for."
    def __init__(self, name): self.name, self.asked = name, []
    def __str__(self): return f'<{self.name} object>'
    def run_line_magic(self, magic, line): self.asked.append((magic, line))


@pytest.mark.parametrize('name, works', [('google.colab._shell.Shell', True), ('ipykernel.zmqshell.ZMQInteractiveShell', False)])
def test_it_installs_in_colab_and_nowhere_else(name, works):
    shell = Shell(name)
    exec(compile(ast.parse(N.colab_cell()), 'cell', 'exec'), dict(get_ipython=lambda: shell))
    address = release.settings(ROOT)['git_url']
    assert shell.asked == ([('pip', f'install -q torchmetrics fastcore git+{address}')] if works else [])


def test_a_notebook_without_the_cell_gets_it_where_it_belongs(tmp_path):
    path = tmp_path/'new.ipynb'
    cell = lambda s: dict(cell_type='code', id=s[:4].strip('#| ') + 'abcd', metadata={}, source=s, outputs=[], execution_count=None)
    cells = [cell('#| default_exp new'), cell('from nnbolts.data import *'), cell('1')]
    path.write_text(json.dumps(dict(cells=cells, metadata={}, nbformat=4, nbformat_minor=5)))
    for _ in range(2): N.put_colab_cell(path)
    assert [N.joined(c['source']).split('\n')[0] for c in json.loads(path.read_text())['cells']] == [
        '#| default_exp new', '#| hide', 'from nnbolts.data import *', '1']
