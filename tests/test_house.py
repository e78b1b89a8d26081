"The house: how the sources are written, so that a page can show every line of them."
import ast, json, re
import pytest
import notebooks as N
from conftest import ROOT

COLUMNS, LINES = 120, 15
NAMES = [str(p.relative_to(ROOT)) for p in N.notebooks()]
CHAPTERS = {re.sub(r'^\d+_', '', p.stem): int(p.name[:2]) for p in N.notebooks() if p.name[:2].isdigit()}
SOURCES = sorted(p.relative_to(ROOT).as_posix() for p in (ROOT/'nnbolts').rglob('*.py'))
NO_MODULE = ('questions', 'parity', 'sources')  # pages that export nothing

def cells(name):
    "The number and the source of each code cell."
    nb = json.loads((ROOT/name).read_text(encoding='utf-8'))
    return [(n, N.joined(c['source'])) for n, c in enumerate(nb['cells']) if c['cell_type'] == 'code']

def too_wide(text): return [(n, len(line)) for n, line in enumerate(text.split('\n'), 1) if len(line) > COLUMNS]

@pytest.mark.parametrize('name', NAMES)
def test_no_line_of_a_notebook_is_too_wide(name):
    wide = [f'cell {n}, line {line}: {columns}' for n, source in cells(name) for line, columns in too_wide(source)
            if not source.split('\n')[line - 1].startswith(('#| fig-cap:', '#| fig-alt:'))]
    assert not wide, f'{name}: lines of more than {COLUMNS} columns\n' + '\n'.join(wide)

@pytest.mark.parametrize('name', SOURCES)
def test_no_line_of_a_module_is_too_wide(name):
    if name == 'nnbolts/_modidx.py': pytest.skip('written by nbdev as it likes')
    text = re.sub(r'^__all__ = \[.*?\]', '', (ROOT/name).read_text(encoding='utf-8'), flags=re.M | re.S)  # nbdev's too
    wide = [f'line {n}: {columns}' for n, columns in too_wide(text)]
    assert not wide, f'{name}: lines of more than {COLUMNS} columns\n' + '\n'.join(wide)

@pytest.mark.parametrize('name', NAMES)
def test_no_line_of_a_story_wraps_on_a_desktop(name):
    "Open cells that are neither exported nor only checks have 90 columns."
    nb = json.loads((ROOT/name).read_text(encoding='utf-8'))
    seen = [(c['id'], N.joined(c['source'])) for c in nb['cells'] if N.is_visible(c)]
    wide = [f'cell {id}: {line}' for id, source in seen for line in source.split('\n')
            if len(line) > 90 and not line.startswith('#|')
            and not is_folded(source) and not re.search(r'^#\| exports', source, re.M) and not only_checks(source)]
    assert not wide, f'{name}\n' + '\n'.join(wide)

def is_folded(source): return re.search(r'^#\|\s*code-fold:\s*true\s*$', source, re.M)

@pytest.mark.parametrize('name', NAMES)
def test_a_cell_that_is_shown_is_short(name):
    "What stands open on the page has fifteen lines at most; longer ones are grown in steps, or folded."
    count = lambda source: sum(not line.startswith('#|') and bool(line.strip()) for line in source.split('\n'))
    nb = json.loads((ROOT/name).read_text(encoding='utf-8'))
    seen = [(n, N.joined(c['source'])) for n, c in enumerate(nb['cells']) if N.is_visible(c)]
    long = [
        f'cell {n}: {count(s)} lines' for n, s in seen if not is_folded(s) and not only_checks(s) and count(s) > LINES
    ]
    assert not long, f'{name}\n' + '\n'.join(long)

def only_checks(source):
    from website.passes.cells import only_checks
    return only_checks(source)

@pytest.mark.parametrize('name', NAMES)
def test_every_exported_line_is_shown(name):
    hidden = [n for n, source in cells(name) if re.search(r'^#\|\s*export(?:i|\s*$)', source, re.M)]
    assert not hidden, f'{name}: cells {hidden} are exported and not shown: write #| exports'

def imported(tree):
    "The modules of the package that a module imports, and whether it does so inside of a function."
    for top in tree.body:
        for node in ast.walk(top):
            inside = isinstance(top, (ast.FunctionDef, ast.ClassDef))
            if isinstance(node, ast.ImportFrom) and (node.level == 1 or (node.module or '').startswith('nnbolts')):
                module = (node.module or '').removeprefix('nnbolts').lstrip('.')
                yield from ((m, inside) for m in ([module] if module else [a.name for a in node.names]))
            elif isinstance(node, ast.Import):
                yield from ((a.name[8:], inside) for a in node.names if a.name.startswith('nnbolts.'))


@pytest.mark.parametrize(
    'name', [n for n in SOURCES if n.startswith('nnbolts/') and not n.split('/')[-1].startswith('_')]
)
def test_a_module_imports_from_tools_and_earlier_chapters_alone(name):
    "A tool imports tools; the learner may import later ones where a method needs them."
    own = name.split('/')[-1].removesuffix('.py')
    later = [m for m, inside in imported(ast.parse((ROOT/name).read_text(encoding='utf-8')))
             if CHAPTERS.get(m, 0) >= CHAPTERS.get(own, 1) and not (own == 'learner' and inside)]
    assert not later, f'nnbolts/{own}.py imports {later}'

@pytest.mark.parametrize('name', [n for n in NAMES if n.split('/')[-1][:2].isdigit()])
def test_a_page_uses_tools_and_earlier_chapters_alone(name):
    own = re.sub(r'^\d+_', '', name.split('/')[-1].removesuffix('.ipynb'))
    trees = []
    for n, source in cells(name):
        try: trees.append((n, ast.parse(source)))
        except SyntaxError: pass  # a cell with a magic
    later = [f'cell {n}: {m}' for n, tree in trees for m, inside in imported(tree)
             if CHAPTERS.get(m, 0) > CHAPTERS[own] and not inside]
    assert not later, later


@pytest.mark.parametrize('name', NAMES)
def test_a_link_of_our_own_has_no_back_quotes(name):
    "nbdev links a name in back quotes; a link round it is text with brackets on the page."
    nb = json.loads((ROOT/name).read_text(encoding='utf-8'))
    said = '\n'.join(N.joined(c['source']) for c in nb['cells'] if c['cell_type'] == 'markdown')
    assert not re.findall(r'\[`[^\]]*`\]\([^)]*\)', said), name
