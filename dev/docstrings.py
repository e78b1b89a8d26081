"""The comments of parameters as part of the docstrings, for the wheel: `help(f)` and an editor's hover show them.

In the notebooks and in a clone a parameter's comment stands behind it, once. When a wheel is built, `with_parameters` writes it into the
docstring as well (setup.py), so that nothing has to be read or parsed while the package is imported.
"""
import ast, io, tokenize

def comments(source):
    "The comment on each line of a source: {line number: text}."
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip('# ').strip() for t in tokens if t.type == tokenize.COMMENT}

def fields(node, notes):
    "What the comments say of the fields in a class body: `[(field, comment)]`."
    found = [s for s in node.body if isinstance(s, ast.AnnAssign) and s.end_lineno in notes]
    return [(name(s.target.id, s.annotation, s.value), notes[s.end_lineno]) for s in found]

def described(node, notes):
    "What the comments say of a function's parameters, `[(parameter, comment)]`, and of its result."
    end, a = node.body[0].lineno - 1, node.args  # the docstring stands below `def f(...) -> x:`
    if end < node.lineno: return [], ''
    plain = [*a.posonlyargs, *a.args]
    values = {x.arg: v for x, v in [*zip(plain[::-1], a.defaults[::-1]), *zip(a.kwonlyargs, a.kw_defaults)] if v}
    star = lambda stars, x: [(stars, x)] if x else []
    every = [*(('', x) for x in plain), *star('*', a.vararg), *(('', x) for x in a.kwonlyargs), *star('**', a.kwarg)]
    out, at_end = [], False
    for stars, x in every:
        line = max(x.end_lineno, getattr(values.get(x.arg), 'end_lineno', 0))
        mine = line < end or (node.lineno < end and node.returns is None)  # else the comment is the result's
        if line in notes and mine: out.append((stars + name(x.arg, x.annotation, values.get(x.arg)), notes[line]))
        at_end |= line == end and mine
    return out, '' if at_end else notes.get(end, '')

def name(arg, annotation, value):
    "A parameter as a docstring names it."
    kind = '' if annotation is None else f' : {ast.unparse(annotation)}'
    return arg + kind + ('' if value is None else f'{", " if kind else " : "}default {ast.unparse(value)}')

def section(title, items):
    "One section of a docstring, in the form that numpy uses."
    out = [title, '-'*len(title)]
    for what, text in items: out += [what, '    ' + text] if what else [text]
    return '\n'.join(out)

def written(doc, text, lines):
    "Put the text of a docstring in the place of the old one."
    first, last = (lines[n - 1].encode() for n in (doc.lineno, doc.end_lineno))
    text = text.replace('\\', '\\\\').replace('"""', '\\"\\"\\"')
    body = '\n'.join(' '*doc.col_offset*bool(n and line) + line for n, line in enumerate([*text.split('\n'), '']))
    new = '"""' + body + ' '*doc.col_offset + '"""'
    lines[doc.lineno - 1:doc.end_lineno] = [first[:doc.col_offset].decode() + new + last[doc.end_col_offset:].decode()]

def with_parameters(source):
    "A module's source whose docstrings end with what the comments say of parameters and result."
    notes, lines, edits = comments(source), source.splitlines(keepends=True), []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)) or ast.get_docstring(node) is None: continue
        result = ''
        if isinstance(node, ast.FunctionDef): params, result = described(node, notes)
        else:
            init = [s for s in node.body if isinstance(s, ast.FunctionDef) and s.name == '__init__']
            params = described(init[0], notes)[0] if init else fields(node, notes)
        parts = [ast.get_docstring(node)]
        if params: parts.append(section('Parameters', params))
        if result: parts.append(section('Returns', [('', result)]))
        if len(parts) > 1: edits.append((node.body[0].value, '\n\n'.join(parts)))
    for doc, text in sorted(edits, key=lambda e: -e[0].lineno): written(doc, text, lines)
    return ''.join(line for line in lines if not line.startswith('#|'))  # what only the page's build reads
