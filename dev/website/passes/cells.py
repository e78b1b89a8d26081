"Cells that only check are folded behind a tick."
import ast
from functools import cache
from html import escape

from lxml.html import HtmlElement

from ..html import fragment, has_class, serialize

CHECKS = {'same', 'all_equal', 'nequals'}
RAISING = {'ExceptionExpected', 'raises'}


def called(call: ast.AST) -> str:
    "The name of what is called: `a.b(...)` gives b."
    f = call.func if isinstance(call, ast.Call) else None
    return f.attr if isinstance(f, ast.Attribute) else f.id if isinstance(f, ast.Name) else ''


def is_test(call: ast.AST) -> bool:
    "Is it a call of something that only raises when a claim is wrong?"
    return called(call).startswith('test_') or called(call) in CHECKS


def stored(node: ast.AST) -> set[str]:
    "The names that a piece of code binds."
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    for n in ast.walk(node):
        if isinstance(n, (ast.FunctionDef, ast.ClassDef)): names.add(n.name)
        elif isinstance(n, (ast.Import, ast.ImportFrom)): names |= {(a.asname or a.name).split('.')[0] for a in n.names}
    return names


def root(target: ast.AST) -> str:
    "The name at the root of `a.b[c].d`."
    while isinstance(target, (ast.Attribute, ast.Subscript, ast.Call, ast.Starred)): target = target.func if isinstance(target, ast.Call) else target.value
    return target.id if isinstance(target, ast.Name) else ''


class Judge:
    "Reads the statements of a cell: does each check something, or serve only those that do?"

    def __init__(self) -> None:
        self.own: set[str] = set()
        self.checks = 0

    def passes(self, s: ast.stmt) -> bool:
        "Is there a place for this statement in a cell that only checks?"
        if isinstance(s, ast.Assert) or isinstance(s, ast.Expr) and is_test(s.value):
            self.checks += 1
            return True
        if isinstance(s, ast.With):
            if any(called(i.context_expr) in RAISING for i in s.items):
                self.checks += 1
                return True
            return self.all(s.body)
        if isinstance(s, (ast.For, ast.While)):
            self.own |= stored(s.target) if isinstance(s, ast.For) else set()
            return self.all(s.body)
        if isinstance(s, ast.If): return self.all(s.body) and self.all(s.orelse)
        if isinstance(s, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            targets = s.targets if isinstance(s, ast.Assign) else [s.target]
            parts = [e for t in targets for e in (t.elts if isinstance(t, (ast.Tuple, ast.List)) else [t])]
            fine = all(isinstance(t, (ast.Name, ast.Starred)) or root(t) in self.own for t in parts)
            self.own |= stored(s)
            return fine
        if isinstance(s, (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)):
            self.own |= stored(s)
            return True
        if isinstance(s, ast.Expr) and isinstance(s.value, ast.Call): return root(s.value) in self.own and called(s.value) != 'print'
        return isinstance(s, (ast.Pass, ast.Delete))

    def all(self, body: list[ast.stmt]) -> bool:
        "Do all statements pass?"
        return all([self.passes(s) for s in body])


def parsed(code: str) -> ast.Module | None:
    "The code as a tree, or None for what is no Python."
    try: return ast.parse(code)
    except SyntaxError: return None


def read(node: ast.AST) -> set[str]:
    "The names that a piece of code reads, without those of its own loops, comprehensions and functions."
    own = set()
    for n in ast.walk(node):
        if isinstance(n, (ast.For, ast.comprehension)): own |= stored(n.target)
        elif isinstance(n, ast.arg): own.add(n.arg)
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)} - own


@cache
def uses(code: str) -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    "For each statement the names that it reads and those that it binds."
    tree = parsed(code)
    return tuple((frozenset(read(s)), frozenset(stored(s))) for s in (tree.body if tree else []))


def wanted(code: str, names: set[str]) -> tuple[set[str], set[str]]:
    "Of some names: those that the code reads before it binds them, and those that are still unbound after it."
    found, left = set(), set(names)
    for reads, binds in uses(code):
        found |= reads & left
        left -= binds
    return found, left


def only_checks(code: str, later: tuple[str, ...] | list[str] = ()) -> bool:
    "Does a cell do nothing but check? What it binds must not be read by later cells that do more."
    tree, judge = parsed(code), Judge()
    if tree is None or not judge.all(tree.body) or not judge.checks: return False
    names = set().union(*map(stored, tree.body))
    for cell in later:
        needed, names = wanted(cell, names)
        if needed: return False
    return True


def first_words(code: str, most: int = 64) -> str:
    "What a folded cell says of itself: its first comment, else its first check."
    line = code.strip().split('\n')[0]
    if line.startswith('#'): return line.lstrip('# ').strip()
    checks = [n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Assert) or isinstance(n, ast.Expr) and is_test(n.value)]
    words = ast.unparse(min(checks, key=lambda n: n.lineno)) if checks else line
    words = ' '.join(words.split())
    return words if len(words) <= most else words[:most].rsplit(' ', 1)[0].rstrip(',(') + ' …'


def code_of(cell: HtmlElement) -> str | None:
    "The code that a cell shows, or None."
    code = cell.xpath(f'.//pre[{has_class("sourceCode")} and not(ancestor::*[{has_class("cell-output")}])]/code[@class="python"]')
    return code[0].text_content() if code else None


def outputs_of(cell: HtmlElement) -> list[HtmlElement]:
    "The outputs of a cell."
    return cell.xpath(f'./*[{has_class("cell-output")}]')


def fold_checks(page, site) -> None:
    "Fold each cell that only checks, by its content."
    later: list[str] = []
    for cell in reversed(page.main.xpath(f'.//div[{has_class("cell")}]')):
        code = code_of(cell)
        if code is None: continue
        if not outputs_of(cell) and only_checks(code, later): fold(cell, code)
        else: later.insert(0, code)


def fold(cell: HtmlElement, code: str) -> None:
    "Put the code of a cell behind a tick."
    inner = ''.join(serialize(e) for e in cell.xpath(f'.//div[{has_class("sourceCode")}]'))
    for e in list(cell): cell.remove(e)
    cell.set('class', 'cell nb-check')
    cell.append(fragment(f'<details class="nb-checked"><summary><span class="nb-tick" aria-hidden="true">✓</span> checked: <code>{escape(first_words(code))}</code></summary>{inner}</details>'))


def only_imports(code: str) -> bool:
    "Does a cell do nothing but import?"
    tree = parsed(code)
    return bool(tree and tree.body) and all(isinstance(s, (ast.Import, ast.ImportFrom)) for s in tree.body)


def fold_imports(page, site) -> None:
    "Fold the cells that only import, those that follow each other together: the first thing on a page is what it is about."
    before = None
    for cell in page.main.xpath(f'.//div[{has_class("cell")}]'):
        code = code_of(cell)
        if code is None or outputs_of(cell) or not only_imports(code): continue
        inner = cell.xpath(f'.//div[{has_class("sourceCode")}]')
        if before is not None and cell.getprevious() is before.getparent() and not (before.getparent().tail or '').strip():
            for e in inner: before.append(e)
            cell.drop_tree()
            continue
        before = fragment('<details class="code-fold nb-imports"><summary>Imports</summary></details>')
        for e in list(cell): cell.remove(e)
        cell.append(before)
        for e in inner: before.append(e)
