"What the package exports, read from its source: signatures, comments of parameters, errors, lines."
import ast
import io
import re
import tokenize
from dataclasses import dataclass, field
from functools import cache

from .project import PACKAGE

Def = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Param:
    "A parameter as its function declares it."
    name: str
    type: str
    default: str
    says: str


@dataclass
class Symbol:
    "An exported function, class, method or constant."
    name: str            # 'fit' or 'Learner.fit'
    module: str          # 'learner'
    kind: str            # function, class, method, constant
    signature: str
    says: str            # its docstring
    params: list[Param]
    returns: tuple[str, str]  # type and comment
    raises: list[tuple[str, str]]
    source: str
    line: int
    members: list['Symbol'] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        "Its place on its page."
        return self.name

    @property
    def bare(self) -> str:
        "The last part of its name."
        return self.name.rpartition('.')[2]


@cache
def modules() -> dict[str, list[Symbol]]:
    "The exported names of each module, in the order of `__all__`."
    return {p.stem: found for p in sorted(PACKAGE.glob('[a-z]*.py')) if (found := read_module(p.stem, p.read_text(encoding='utf-8')))}


def read_module(name: str, text: str) -> list[Symbol]:
    "The exported names of a module's source."
    m = Module(name, text)
    return [s for n in m.exported() if (s := m.symbol(n))]


class Module:
    "A module's source as a tree, with its comments."

    def __init__(self, name: str, text: str):
        self.name, self.lines, self.tree = name, text.split('\n'), ast.parse(text)
        self.tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
        self.starts = {t.start[0]: n for n, t in reversed(list(enumerate(self.tokens)))}  # the first token of each line
        self.comments = {t.start[0]: t.string.lstrip('# ').strip() for t in self.tokens if t.type == tokenize.COMMENT}
        self.top: dict[str, ast.stmt] = {}
        self.patched: dict[str, list[Def]] = {}
        for node in self.tree.body:
            if isinstance(node, Def) and (owner := patch_target(node)): self.patched.setdefault(owner, []).append(node)
            elif isinstance(node, (Def, ast.ClassDef)): self.top[node.name] = node
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                for t in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    for n in t.elts if isinstance(t, ast.Tuple) else [t]:
                        if isinstance(n, ast.Name): self.top[n.id] = node

    def exported(self) -> list[str]:
        "The names in `__all__`."
        node = self.top.get('__all__')
        return ast.literal_eval(node.value) if node else []

    def symbol(self, name: str) -> Symbol | None:
        "What an exported name is."
        node = self.top.get(name)
        if isinstance(node, Def): return self.function(name, node, 'function')
        if isinstance(node, ast.ClassDef): return self.klass(node)
        if node is None: return None
        return Symbol(name, self.name, 'constant', ast.unparse(node), self.comments.get(node.lineno, ''), [], ('', ''), [], self.source(node), node.lineno)

    def source(self, node: ast.stmt) -> str:
        "The lines of a definition, with its decorators."
        first = min([node.lineno, *(d.lineno for d in getattr(node, 'decorator_list', []))])
        lines = self.lines[first - 1:node.end_lineno]
        indent = len(lines[0]) - len(lines[0].lstrip())
        return '\n'.join(s[indent:] for s in lines)

    def klass(self, node: ast.ClassDef) -> Symbol:
        "A class with its public methods, those that later cells patch in too."
        defs = [n for n in node.body if isinstance(n, Def)] + self.patched.get(node.name, [])
        init = next((n for n in defs if n.name == '__init__'), None)
        made = self.function(node.name, init, 'class', drop_self=True) if init else Symbol(node.name, self.name, 'class', f'{node.name}()', '', [], ('', ''), [], '', 0)
        bases = [b for b in map(ast.unparse, node.bases) if b != 'object']
        said = ast.get_docstring(node) or made.says
        if bases: said = f'{said} A kind of `{bases[0]}`.'.strip()
        members = [self.function(f'{node.name}.{n.name}', n, 'method', drop_self=not is_static(n)) for n in defs if not n.name.startswith('_')]
        return Symbol(node.name, self.name, 'class', made.signature, said, made.params, ('', ''), made.raises, self.source(node), node.lineno, members)

    def function(self, name: str, node: Def, kind: str, drop_self: bool = False) -> Symbol:
        "A function or method."
        args, end = node.args, self.signature_end(node)
        first = [*args.posonlyargs, *args.args]
        defaults = [None]*(len(first) - len(args.defaults)) + list(args.defaults)
        rows = list(zip(first, defaults, ['']*len(first), strict=True))[1 if drop_self else 0:]
        if args.vararg: rows.append((args.vararg, None, '*'))
        rows += list(zip(args.kwonlyargs, args.kw_defaults, ['']*len(args.kwonlyargs), strict=True))
        if args.kwarg: rows.append((args.kwarg, None, '**'))
        ends = [a.end_lineno for a, *_ in rows]
        params = [Param(star + a.arg, ast.unparse(a.annotation) if a.annotation else '', ast.unparse(d) if d is not None else '', self.comment(a, d, ends, end))
                  for a, d, star in rows]
        returns = (ast.unparse(node.returns) if node.returns else '', self.comments.get(end, '') if node.body[0].lineno > end else '')
        bare = name.rpartition('.')[2] if kind == 'method' else name
        shown = [p.name + (f': {p.type}' if p.type else '') + (f' = {p.default}' if p.default and p.type else f'={p.default}' if p.default else '') for p in params]
        if args.kwonlyargs and not args.vararg: shown.insert(len(rows) - len(args.kwonlyargs) - bool(args.kwarg), '*')
        line = f'{bare}({", ".join(shown)})' + (f' -> {returns[0]}' if returns[0] else '')
        if len(line) > 88: line = f'{bare}(\n    ' + ',\n    '.join(shown) + '\n)' + (f' -> {returns[0]}' if returns[0] else '')
        says = ' '.join((ast.get_docstring(node) or '').split())
        return Symbol(name, self.name, kind, line, says, params, returns, self.raises(node), self.source(node), node.lineno)

    def comment(self, a: ast.arg, default: ast.expr | None, ends: list[int], end: int) -> str:
        "The comment on a parameter's line, if it is the only one there; what stands at the signature's end is of what it returns."
        line = max(a.end_lineno, default.end_lineno if default is not None else 0)
        return self.comments.get(line, '') if ends.count(a.end_lineno) == 1 and line < end else ''

    def signature_end(self, node: Def) -> int:
        "The line of the colon that ends a signature."
        depth = 0
        for t in self.tokens[self.starts[node.lineno]:]:
            depth += (t.string in '([{') - (t.string in ')]}') if t.type == tokenize.OP else 0
            if t.string == ':' and not depth: return t.start[0]
        raise ValueError(f'{self.name}, line {node.lineno}: a signature without an end')

    def raises(self, node: ast.AST, seen: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
        "The errors that a function raises, in itself and in the module's private helpers that it calls: type and message."
        out = []
        for n in ast.walk(node):
            if isinstance(n, ast.Raise) and isinstance(n.exc, ast.Call) and isinstance(n.exc.func, ast.Name) and n.exc.func.id.endswith('Error'):
                out.append((n.exc.func.id, message(n.exc.args[0]) if n.exc.args else ''))
            elif isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id.startswith('_') and n.func.id not in seen:
                helper = self.top.get(n.func.id)
                if isinstance(helper, Def): out += self.raises(helper, seen | {n.func.id})
        return list(dict.fromkeys(out))


def patch_target(node: Def) -> str | None:
    "The class that a function decorated with `patch` becomes a method of."
    if not any(isinstance(d, ast.Name) and d.id == 'patch' for d in node.decorator_list): return None
    return ast.unparse(node.args.args[0].annotation)


def is_static(node: Def) -> bool: return any(isinstance(d, ast.Name) and d.id == 'staticmethod' for d in node.decorator_list)


def message(node: ast.expr) -> str:
    "The text of an error, its places named by what fills them."
    if isinstance(node, ast.Constant): return str(node.value)
    if isinstance(node, ast.JoinedStr):
        text = ''.join(str(v.value) if isinstance(v, ast.Constant) else '{' + ast.unparse(v.value) + '}' for v in node.values)
        return re.sub(r'\{[^}]{25,}\}', '{…}', text)
    return '…'
