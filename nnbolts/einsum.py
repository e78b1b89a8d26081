import math, re
from collections import Counter
from functools import cached_property, lru_cache
from html import escape
from itertools import combinations, islice, product
from keyword import iskeyword
from numbers import Integral
from string import ascii_lowercase, ascii_uppercase
from typing import NamedTuple
import torch
from torch import Tensor
from nnbolts.check import add_exercise
from nnbolts.convolutions import product_dtype
from nnbolts.figures import INK, BLUE, ORANGE, GREEN, RED, PURPLE
# ==== CELL picture
PALETTE = [BLUE, ORANGE, GREEN, PURPLE, RED, '#0e9aa7', '#c8559b', '#8a8f2a', '#a5683a', '#6f7fd6']

def _lay(shape, most, turned=False):
    "Where the cells of a tensor stand: the last axis runs across, the one before it down, and so on by turns."
    if not shape: return [((), 0, 0)], [], 1, 1
    inner, bars, wide, high = _lay(shape[1:], most, turned)
    across, n = len(shape) % 2 != turned, shape[0]
    gap = .45*((len(shape) - 1)//2)  # between blocks
    step = gap + (wide if across else high)
    slots = range(n) if n <= most else [*range(most - 2), None, n - 1]  # None stands for what is left out
    cells = [((k, *index), x + i*step*across, y + i*step*(not across)) for i, k in enumerate(slots) for index, x, y in inner]
    span = max(len(slots)*step - gap, 1)
    return cells, [(across, span), *bars], *((span, high) if across else (wide, span))

def _sizes_of(terms, shapes):
    "The size of each index; 1 is stretched to any other size."
    sizes = {}
    for l, n in [pair for t, s in zip(terms, shapes) for pair in zip(t, s)]:
        if n != 1 or l not in sizes: sizes[l] = n
    return sizes

def _meets(term, shape, index, sizes, fixed):
    "Do the loops visit this element while these indices are fixed?"
    seen = dict(fixed)
    return all(n == 1 != sizes[l] or seen.setdefault(l, i) == i for l, n, i in zip(term, shape, index))

# ==== CELL draw
def _text(x, y, s, color=INK, size=12, bold=False):
    weight = ' font-weight="bold"'*bold
    return f'<text x="{x:.4g}" y="{y + .36*size:.4g}" font-size="{size}" fill="{color}"{weight}>{escape(s)}</text>'

def _number(v):
    "A number in few characters."
    if isinstance(v, bool) or v != v or abs(v) == math.inf: return str(v)
    return str(int(v)) if v == int(v) and abs(v) < 1e5 else f'{v:.3g}'

def draw_einsum(terms, out, shapes, names, cell=None, values=None):
    "Operands and output as cells with colored axes, as SVG; dark: the element `cell` of the output, and what it is made of."
    sizes = _sizes_of(terms, shapes)
    fixed, empty = dict(zip(out, cell or ())), cell is None or any(sizes[l] == 0 for l in sizes)
    tensors = [*zip(terms, shapes, names), (out, tuple(sizes[l] for l in out), 'out')]
    down = {t[-2] for t, *_ in tensors if len(t) > 1} - {t[-1] for t, *_ in tensors if len(t) > 1}
    laid = [_lay(s, {1: 6, 2: 6, 3: 4}.get(len(s), 3), len(s) == 1 and t[0] in down) for t, s, _ in tensors]
    sides = [[sum(across == a for across, _ in bars) for a in (False, True)] for _, bars, *_ in laid]
    c = max(20, min(34, 640/(sum(w for *_, w, _ in laid) + 1.2*len(laid)))) # side of a cell in pixels
    top, tall = 8 + 21*max(k for _, k in sides), max(h for *_, h in laid)*c
    parts, x0 = [], 6
    for n, ((term, shape, name), (cells, bars, w, h), (left, above)) in enumerate(zip(tensors, laid, sides)):
        if n: parts.append(_text(x0 + 8, top + tall/2, '→' if term is out and n == len(terms) else '×', size=18))
        x0, y0 = x0 + 22*(n > 0) + 30*left, top + (tall - h*c)/2
        for index, x, y in cells:
            x, y = x0 + x*c, y0 + y*c
            if None in index:
                parts.append(_text(x + c/2, y + c/2, '·'))
                continue
            dark = not empty and _meets(term, shape, index, sizes, fixed)
            seen = _meets(term, shape, index, sizes, {})
            parts.append(f'<rect x="{x:.4g}" y="{y:.4g}" width="{c:.4g}" height="{c:.4g}" stroke="{INK}" fill="{INK}" '
                         f'fill-opacity="{.26 if dark else .04*seen}" stroke-opacity="{1 if dark else .45 if seen else .15}"/>')
            shown = '' if values is None else _number(values[n][index].item())
            if len(shown) <= c/6: parts.append(_text(x + c/2, y + c/2, shown, size=12 if len(shown) < 4 else 10, bold=dark))
        levels = {True: above, False: left}
        for (across, span), l, size in zip(bars, term, shape):
            color, level = PALETTE[list(sizes).index(l) % len(PALETTE)], 21 if across else 30
            levels[across] -= 1
            off = 5 + level*(levels[across])
            ends = (x0 + 1, y0 - off, span*c - 2, 0) if across else (x0 - off, y0 + 1, 0, span*c - 2)
            dashes = ' stroke-dasharray="5 3"'*(l not in out)
            parts.append(f'<path d="M{ends[0]:.4g} {ends[1]:.4g}l{ends[2]:.4g} {ends[3]:.4g}" stroke="{color}" stroke-width="2.5"{dashes}/>')
            label = 'Σ'*(l not in out) + l, f'{size}' if size == sizes[l] else f'{size}→{sizes[l]}'
            if across: parts.append(_text(x0 + span*c/2, y0 - off - 9, ' '.join(label), color, 12, True))
            else: parts += [_text(x0 - off - 13, y0 + span*c/2 + d, s, color, 12, True) for d, s in zip((-7, 7), label)]
        x0 += max(w*c, 30)
        parts.append(_text(x0 - max(w*c, 30)/2, y0 + h*c + 15, name, size=13, bold=True))
    wide, high = x0 + 12, top + tall + 30
    return (f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(" and ".join(names))}, and the output" '
            f'width="{wide:.0f}" height="{high:.0f}" viewBox="0 0 {wide:.0f} {high:.0f}" text-anchor="middle" '
            f'font-family="DejaVu Sans, Verdana, Arial, sans-serif">{"".join(parts)}</svg>')

# ==== CELL read
class _Spec(NamedTuple):
    "What an equation says about operands of certain shapes."
    terms: tuple # for each operand, the indices of its axes
    out: tuple # the same for the output
    sizes: dict # size of each index, in order of first appearance
    shapes: tuple # of the operands

    def stretched(self, n):
        "The indices of operand n that have size 1 there and more elsewhere."
        return [l for l, size in zip(self.terms[n], self.shapes[n]) if size == 1 != self.sizes[l]]

    @property
    def dots(self): return [l for l in self.sizes if len(l) > 1]

def _term(text, where):
    "The indices of one term; '...' is one of them."
    found = re.findall(r'\.\.\.|[^ ]', text)
    for c in found:
        if c == '...' or c.isascii() and c.isalpha(): continue
        hint = {'.': "; an ellipsis is three dots, '...'", '-': "; an arrow is '->'", '>': "; an arrow is '->'"}.get(c, '')
        raise ValueError(f'eq: {c!r} in {where} is not an index. An index is a letter from a to z or A to Z{hint}')
    if found.count('...') > 1: raise ValueError(f"eq: {where} has more than one '...'")
    return found

def _spread(term, dots): return tuple(x for l in term for x in (dots if l == '...' else (l,)))
def _count(n, word, words): return f'{n} {word if n == 1 else words}'

def _read(eq, shapes):
    "What an equation says about operands of these shapes, or a `ValueError` that says what is wrong with it."
    left, arrow, right = eq.partition('->')
    if '->' in right: raise ValueError(f"eq: {eq!r} has more than one arrow '->'")
    wheres = [f'operand {n} ({t.replace(" ", "")!r})' for n, t in enumerate(left.split(','))]
    terms = [_term(t, w) for t, w in zip(left.split(','), wheres)]
    if len(terms) != len(shapes):
        have = _count(len(terms), 'term', 'terms')
        raise ValueError(f'ops: eq {eq!r} has {have} and needs as many operands, got {len(shapes)}')
    extra = []
    for term, shape, w in zip(terms, shapes, wheres):
        named, dots = len(term) - ('...' in term), '...' in term
        if named > len(shape) or (named < len(shape) and not dots):
            have = _count(named, 'index', 'indices') + ' besides the ...'*dots
            hint = "; '...' would stand for the rest"*(named < len(shape))
            raise ValueError(f'ops: {w} has {have}, but its shape {shape} has {len(shape)}{hint}')
        extra.append(len(shape) - named)
    dots = tuple(f'e{k}' for k in range(max(extra)))
    terms = [_spread(t, dots[len(dots) - k:]) for t, k in zip(terms, extra)]
    sizes = _checked_sizes(terms, shapes, wheres)
    if arrow: out = _spread(_output(right, sizes), dots)
    else:
        counts = Counter(l for t in terms for l in t)
        out = (*dots, *sorted(l for l in sizes if counts[l] == 1 and l not in dots))
    return _Spec(tuple(terms), out, sizes, shapes)

# ==== CELL sizes
def _checked_sizes(terms, shapes, wheres):
    "The size of each index. 1 agrees with any size, except within one operand."
    sizes, seen = {}, {}
    for term, shape, w in zip(terms, shapes, wheres):
        own = {}
        for l, n in zip(term, shape):
            if own.setdefault(l, n) != n:
                raise ValueError(f'ops: index {l!r} appears twice in {w}, with sizes {own[l]} and {n}; '
                                 f'its shape is {shape}, and a diagonal needs equal sizes')
            old, (other, its) = sizes.setdefault(l, n), seen.setdefault(l, (w, shape))
            if 1 not in (n, old) and n != old:
                if len(l) > 1: raise ValueError(f"ops: the axes of '...' in {other} of shape {its} and in {w} of shape {shape} "
                                                f'do not broadcast: sizes {old} and {n}')
                raise ValueError(f'ops: index {l!r} has size {old} in {other} of shape {its}, '
                                 f'but size {n} in {w} of shape {shape}')
            if n != 1: sizes[l], seen[l] = n, (w, shape)
    return sizes

def _output(text, known):
    "The indices of the output as written, or a `ValueError`."
    where = f'the output ({text.strip()!r})'
    out = _term(text, where)
    for l in out:
        if out.count(l) > 1:
            raise ValueError(f'eq: index {l!r} appears twice in {where}; each axis of the output needs an index of its own')
        if l not in known and l != '...':
            have = ', '.join(sorted(x for x in known if len(x) == 1)) or 'no index'
            raise ValueError(f'eq: index {l!r} of {where} is in no operand. They have {have}')
    return out

def _text_of(eq):
    if not isinstance(eq, str): raise TypeError(f"eq: expected a text such as 'ij,jk->ik', got {type(eq).__name__}")
    return eq

# ==== CELL path
def _merge(terms, i, j, out, sizes):
    "What contracting terms i and j costs in multiplications, the size of the result, and the terms after that."
    rest = set(out).union(*[t for n, t in enumerate(terms) if n not in (i, j)])
    union = (terms[i] & terms[j]) | (terms[i] & rest) | (terms[j] & rest)  # what is in one alone is summed before
    price, size = (math.prod([sizes[l] for l in ls]) for ls in (union, union & rest))
    return price, size, [union & rest if n == i else t for n, t in enumerate(terms) if n != j]

def _search(terms, out, sizes, most=4):
    "The order that costs least, as a list of (i, j, multiplications); with more than `most` terms the cheapest pair first."
    if len(terms) < 2: return []
    best = None
    for i, j in combinations(range(len(terms)), 2):
        price, size, after = _merge(terms, i, j, out, sizes)
        steps = _search(after, out, sizes) if len(terms) <= most else None
        total = price + sum([s[2] for s in steps or []])
        if best is None or (total, size) < best[:2]: best = total, size, (i, j, price), after, steps
    _, _, step, after, steps = best
    return [step] + (_search(after, out, sizes) if steps is None else steps)

def _left_to_right(spec):
    "The order that torch.einsum takes."
    left, steps = [set(t) - set(spec.stretched(n)) for n, t in enumerate(spec.terms)], []
    while len(left) > 1:
        price, _, left = _merge(left, 0, 1, spec.out, spec.sizes)
        steps.append((0, 1, price))
    return steps

def _path(spec):
    "The order in which `einsum` contracts: the cheaper of what the search finds and left to right."
    found = _search([set(t) - set(spec.stretched(n)) for n, t in enumerate(spec.terms)], spec.out, spec.sizes)
    straight = _left_to_right(spec)
    return straight if sum([s[2] for s in straight]) < sum([s[2] for s in found]) else found

# ==== CELL simplify
def _simplify(t, term, dropped):
    "Drop axes of size 1 that broadcast, and take the diagonal of an index that appears twice."
    ix = [l for l in term if l not in dropped]
    t = t.squeeze([k for k, l in enumerate(term) if l in dropped])
    while twice := [l for l in ix if ix.count(l) > 1]:
        i = ix.index(twice[0])
        j = ix.index(twice[0], i + 1)
        t = t.diagonal(dim1=i, dim2=j)  # the diagonal becomes the last axis
        ix = [l for k, l in enumerate(ix) if k not in (i, j)] + [twice[0]]
    return t, ix

def _sum(t, ix, keep):
    "Sum the axes whose index is not to be kept."
    gone = [k for k, l in enumerate(ix) if l not in keep]
    return (t.sum(gone), [l for l in ix if l in keep]) if gone else (t, ix)

# ==== CELL pair
def _pair(a, ia, b, ib, keep, ops=()):
    "The product of two tensors, summed over every index that is not to be kept."
    a, ia = _sum(a, ia, keep.union(ib))
    b, ib = _sum(b, ib, keep.union(ia))
    size = dict(zip(ia + ib, a.shape + b.shape))
    both = [l for l in ia if l in ib]
    batch, summed = [l for l in both if l in keep], [l for l in both if l not in keep]
    rows, cols = [l for l in ia if l not in both], [l for l in ib if l not in both]
    def shape(*groups): return [math.prod([size[l] for l in g]) for g in groups]
    a = a.permute([ia.index(l) for l in batch + rows + summed])
    b = b.permute([ib.index(l) for l in batch + summed + cols])
    if not summed:
        if a.dtype != b.dtype: a, b = (t.to(torch.promote_types(a.dtype, b.dtype)) for t in (a, b))
        out = a[(..., *[None]*len(cols))] * b[(*[slice(None)]*len(batch), *[None]*len(rows))]
    else:
        _one_type(a, b, ops)
        lead = [batch] if batch else []
        out = a.reshape(shape(*lead, rows, summed)) @ b.reshape(shape(*lead, summed, cols))
        out = out.reshape([size[l] for l in batch + rows + cols])
    return out, batch + rows + cols

def _one_type(a, b, ops):
    "A product that is summed takes operands of one type, after autocast. `ValueError` for others."
    if product_dtype(a) != product_dtype(b):
        got = ', '.join(f'{str(t.dtype).removeprefix("torch.")} for operand {n}' for n, t in enumerate(ops or (a, b)))
        raise ValueError(f'ops: a product that is summed needs operands of one dtype, got {got}')
    if a.dtype == torch.bool: raise ValueError('ops: a product that is summed needs numbers, got bool; use .long() or .float()')

# ==== CELL plan
def _plan(eq, shapes, mixed):
    "The reading of an equation, and the order of its products: torch's own where types are mixed or whole."
    spec = _read(eq, shapes)
    return spec, _left_to_right(spec) if mixed else _path(spec)

_kept_plan = lru_cache(maxsize=1000)(_plan)  # the same equation and shapes come again and again

def _from_lists(*args):
    "torch.einsum(A, [0, 1], B, [1, 2], [0, 2]) as an equation and its operands."
    lists, ops = [*args[1::2], *([args[-1]] if len(args) % 2 else [])], args[:len(args)//2*2:2]
    def term(numbers):
        if not isinstance(numbers, (list, tuple)) or any(n is not ... and n not in range(52) for n in numbers):
            raise ValueError(f'ops: expected lists of whole numbers from 0 to 51, or ..., behind the operands, got {numbers!r}')
        return ''.join('...' if n is ... else (ascii_uppercase + ascii_lowercase)[n] for n in numbers)
    eq = ','.join(map(term, lists[:len(ops)]))
    return eq + (f'->{term(lists[-1])}' if len(args) % 2 else ''), ops

# ==== CELL einsum
def einsum(
    eq:str, # such as 'ij,jk->ik'
    *ops # a tensor for each term; or one list of them
) -> Tensor: # one axis for each index of the output
    "Sum of products over every index that the output does not have. Takes what `torch.einsum` takes, and equals it."
    if isinstance(eq, Tensor) and len(ops) > 0: eq, ops = _from_lists(eq, *ops)
    if len(ops) == 1 and isinstance(ops[0], (list, tuple)): ops = ops[0]
    _text_of(eq)
    for n, t in enumerate(ops):
        if not isinstance(t, Tensor): raise TypeError(f'ops: operand {n} should be a tensor, got {type(t).__name__}')
    shapes = tuple(tuple(t.shape) for t in ops)
    traced = torch.compiler.is_compiling() or any(type(n) is not int for s in shapes for n in s)
    mixed = len({t.dtype for t in ops}) > 1 or not all(t.is_floating_point() or t.is_complex() for t in ops)
    spec, path = (_plan if traced else _kept_plan)(eq, shapes, mixed)
    small = [l for l in spec.sizes if spec.sizes[l] == 1 and l not in spec.out and len(ops) > 1]
    parts = [_simplify(t, spec.terms[n], spec.stretched(n) + small) for n, t in enumerate(ops)]
    for i, j, _ in path:
        b = parts.pop(j)
        keep = set(spec.out).union(*(ix for n, (_, ix) in enumerate(parts) if n != i))
        parts[i] = _pair(*parts[i], *b, keep, ops)
    t, ix = _sum(*parts[0], spec.out)
    return t.permute([ix.index(l) for l in spec.out])

# ==== CELL shapes
def _shape(op, n):
    "The shape of an operand, which may be a shape itself."
    if isinstance(op, (tuple, list)):
        if all(isinstance(k, Integral) and not isinstance(k, bool) and k >= 0 for k in op): return tuple(map(int, op))
        raise ValueError(f'ops: operand {n} should be a tensor, an array or a shape of whole numbers from 0, got {op!r}')
    if not hasattr(op, 'shape'):
        raise TypeError(f'ops: operand {n} should be a tensor, an array or a shape, got {type(op).__name__}')
    return tuple(op.shape)

def _spec(eq, ops): return _read(_text_of(eq), tuple(_shape(op, n) for n, op in enumerate(ops)))

def _names(spec, names=None):
    "What the operands are called: A, B, C, ... or as asked."
    count = len(spec.terms)
    if names is None: return [chr(65 + n) if count <= 26 else f'A{n}' for n in range(count)]
    names = names.split() if isinstance(names, str) else list(names)
    if len(names) != count: raise ValueError(f'names: expected {count}, one for each operand, got {len(names)}: {names}')
    for n in names:
        taken = n in ('out', 'torch', 'numpy', 'range', '__debug__') or names.count(n) > 1
        if not isinstance(n, str) or not n.isidentifier() or not n.isascii() or iskeyword(n) or taken:
            raise ValueError(f'names: {n!r} cannot be the name of an operand: each needs a name of its own that Python accepts, '
                             'not a keyword, not out, torch, numpy or range')
    return names

# ==== CELL loops
def _cell(name, spec, n, index):
    "An element as source text, such as 'A[i, j]'; an axis of size 1 that is stretched is read at 0."
    if not spec.terms[n]: return name
    stretched = spec.stretched(n)
    return f"{name}[{', '.join('0' if l in stretched else str(index[l]) for l in spec.terms[n])}]"

def _start(spec, ops, names, shape):
    "The lines that make the result, of the type in which torch.einsum adds."
    def others(n): return set(spec.out).union(*(t for m, t in enumerate(spec.terms) if m != n))
    alone = [name for n, name in enumerate(names) if set(spec.terms[n]) - others(n)]  # with an index that only they have, summed
    mixed = len({(type(op), op.dtype) for op in ops if hasattr(op, 'dtype')}) > 1 == len({type(op) for op in ops})
    first, dtype = (alone or names)[0], f'{names[0]}.dtype'
    for name in names[1:]: dtype = f'torch.promote_types({dtype}, {name}.dtype)'
    lines = [f'{name} = {name}.to({name}.sum().dtype)  # small integers are summed in int64' for name in alone]
    lines.append(f'out = {first}.new_zeros({shape}' + f', dtype={dtype}'*mixed + ')')
    arrays = f"numpy.result_type({', '.join(names)})" if mixed else f'{names[0]}.dtype'
    inside = ' ' + lines[0] if len(lines) == 1 else ''.join('\n        ' + line for line in lines)
    return [f'    if torch.is_tensor({names[0]}):{inside}', f'    else: out = numpy.zeros({shape}, {arrays})']

def einsum_loops(
    eq:str, # such as 'ij,jk->ik'
    *shapes, # shape of each operand, or the operands themselves
    names:str|list|None=None # what to call the operands, such as 'q k'; else A, B, C, ...
) -> str: # source text of a function `loops` that takes the operands, as tensors or numpy arrays
    "The nested Python loops that an einsum stands for. `ValueError` for an equation or shapes that make no sense."
    spec = _spec(eq, shapes)
    names = _names(spec, names)
    index = {}
    for l in spec.sizes:  # a loop variable must not hide an operand
        index[l] = l
        while index[l] in names: index[l] += '_'
    order = [*spec.out, *(l for l in spec.sizes if l not in spec.out)]
    out = f"out[{', '.join(index[l] for l in spec.out)}]" if spec.out else 'out'
    fors = ['    '*(d + 1) + f'for {index[l]} in range({spec.sizes[l]}):' for d, l in enumerate(order)]
    width = max(map(len, fors), default=0)
    fors = [f"{line:{width}}  # {'kept' if l in spec.out else 'summed'}" for line, l in zip(fors, order)]
    cells = ' * '.join(_cell(name, spec, n, index) for n, name in enumerate(names))
    adds = '=' if spec.out and len(order) == len(spec.out) else '+='
    return '\n'.join([f"def loops({', '.join(names)}):", f'    # {eq.strip()}', '    import numpy, torch',
                      *_start(spec, shapes, names, tuple(spec.sizes[l] for l in spec.out)), *fors,
                      '    '*(len(order) + 1) + f'{out} {adds} {cells}', '    return out', ''])

# ==== CELL code
class _Code(NamedTuple):
    "A PyTorch expression, and what its axes are."
    text: str # the expression
    axes: tuple # the index of each axis of its value
    op: str = '' # its outermost operator, '@' or '*'; '' if there is none

    def after(self, suffix, axes):
        "With a method or an index behind it."
        return _Code((f'({self.text})' if self.op else self.text) + suffix, tuple(axes))

    def order(self, axes):
        "With its axes in this order."
        p = [self.axes.index(l) for l in axes]
        moved = [k for k in range(len(p)) if p[k] != k]
        if not moved: return self
        if len(moved) > 2: return self.after(f".permute({', '.join(map(str, p))})", axes)
        last = '.T' if len(p) == 2 else '.mT'
        return self.after(last if moved == [len(p) - 2, len(p) - 1] else f'.transpose({moved[0]}, {moved[1]})', axes)

    def sum(self, gone):
        "Summed over these indices."
        k = [i for i, l in enumerate(self.axes) if l in gone]
        if not k: return self
        dims = '' if len(k) == len(self.axes) else k[0] if len(k) == 1 else tuple(k)
        return self.after(f'.sum({dims})', [l for l in self.axes if l not in gone])

    def spread(self, axes):
        "With its axes in this order, and a new axis of size 1 for each index that it does not have."
        e = self.order([l for l in axes if l in self.axes])
        marks = ' '.join(':' if l in self.axes else 'None' for l in axes)
        marks = re.sub(r'^(None ?)+|( ?:)+$', '', marks)  # broadcasting adds the first ones by itself
        return e.after(f"[{marks.replace(' ', ', ')}]", axes) if 'None' in marks else e

    def join(self, op, other, axes):
        left = f'({self.text})' if self.op not in ('', op) else self.text
        return _Code(f"{left} {op} {f'({other.text})' if other.op else other.text}", tuple(axes), op)

# ==== CELL emit
def _operand(name, spec, n):
    "An operand without stretched axes, and with diagonals taken."
    stretched, e = spec.stretched(n), _Code(name, spec.terms[n])
    if gone := tuple(k for k, l in enumerate(e.axes) if l in stretched):
        e = e.after(f'.squeeze({gone[0] if len(gone) == 1 else gone})', [l for l in e.axes if l not in stretched])
    if len(spec.terms) == 1 and len(e.axes) == 2 and e.axes[0] == e.axes[1] and not spec.out: return e.after('.trace()', ())
    while twice := [l for l in e.axes if e.axes.count(l) > 1]:
        i = e.axes.index(twice[0])
        j = e.axes.index(twice[0], i + 1)
        dims = '' if (i, j) == (0, 1) else f'dim1={i}, dim2={j}'
        e = e.after(f'.diagonal({dims})', [l for k, l in enumerate(e.axes) if k not in (i, j)] + [twice[0]])
    return e

def _product(p, q, keep, want):
    "The product of p and q, summed over what is not in keep: permute, multiply, permute, with axes in the order wanted."
    p, q = (e.sum(set(e.axes) - keep - set(f.axes)) for e, f in ((p, q), (q, p)))
    both = [l for l in p.axes if l in q.axes]
    batch, summed = [l for l in both if l in keep], [l for l in both if l not in keep]
    rows, cols = ([l for l in e.axes if l not in both] for e in (p, q))
    def sort(indices): return sorted(indices, key=want.index)
    if len(p.axes) == len(q.axes) == 1 and not both:
        first, second = (p, q) if sort(rows + cols) == rows + cols else (q, p)
        return _Code(f'torch.outer({first.text}, {second.text})', first.axes + second.axes)
    if len(summed) == 1 and not (batch or rows or cols): return p.join('@', q, ())
    if not summed or not (rows or cols) or batch and not (rows and cols):  # all axes side by side
        axes = sort(batch + rows + cols) if not summed else q.axes if cols else p.axes
        return p.spread(axes).join('*', q.spread(axes), axes).sum(summed)
    if len(summed) > 1:  # several become one
        k, n, one = len(batch), len(summed), '+'.join(summed)
        p = p.order(batch + rows + summed).after(f'.flatten({k + len(rows)})', batch + rows + [one])
        q = q.order(batch + summed + cols).after(f'.flatten({k}, {k + n - 1})', batch + [one] + cols)
        summed = [one]
    if not rows or not cols:
        m, v = (p, q) if rows else (q, p)
        rest = [l for l in m.axes if l not in summed]
        if [*m.axes[-2:-1]] == summed: return v.join('@', m, rest)
        return m.order(rest + summed).join('@', v, rest)
    def matmul(a, b, rows, cols):
        i, j = sort(rows)[-1:], sort(cols)[-1:]
        lead = [l for l in sort(batch + rows + cols) if l not in i + j]
        return a.spread(lead + i + summed).join('@', b.spread(lead + summed + j), lead + i + j).order(sort(lead + i + j))
    return min(matmul(p, q, rows, cols), matmul(q, p, cols, rows), key=lambda e: len(e.text))

def _torch_code(spec, names):
    "The einsum in plain PyTorch."
    parts = [_operand(name, spec, n) for n, name in enumerate(names)]
    want = [*spec.out, *(l for l in spec.sizes if l not in spec.out)]
    for i, j, _ in _path(spec):
        q = parts.pop(j)
        keep = set(spec.out).union(*(e.axes for n, e in enumerate(parts) if n != i))
        parts[i] = _product(parts[i], q, keep, want)
    return parts[0].sum(set(want) - set(spec.out)).order(spec.out).text

# ==== CELL names
_known = {name: forms.split() for name, forms in {
    'number': '->', 'sum': 'a->', 'sum of all elements': 'ab->', 'sum of each column': 'ab->b', 'sum of each row': 'ab->a',
    'trace': 'aa->', 'diagonal': 'aa->a', 'transpose': 'ab->ba', 'transpose of the last two axes': 'abc->acb abcd->abdc',
    'product of two numbers': ',->', 'dot product': 'a,a->', 'inner product of two matrices': 'ab,ab->',
    'trace of a matrix product': 'ab,ba->', 'elementwise product of 3': 'a,a,a->a', 'sum of an elementwise product of 3': 'a,a,a->',
    'elementwise product with a transpose': 'ab,ba->ab ab,ba->ba', 'outer product': 'a,b->ab', 'outer product, transposed': 'a,b->ba',
    'scaling by a number': ',a->a ,ab->ab ,abc->abc', 'each column scaled': 'ab,b->ab', 'each row scaled': 'ab,a->ab',
    'matrix-vector product': 'ab,b->a a,ba->b', 'vector-matrix product': 'a,ab->b ab,a->b',
    'matrix product': 'ab,bc->ac', 'matrix product with a transpose': 'ab,cb->ac ab,ac->bc ab,bc->ca',
    'matrix product along the last axis': 'abc,cd->abd abcd,de->abce', 'Khatri-Rao product': 'ab,cb->acb',
    'attention scores': 'abcd,abed->abce abcd,aecd->acbe', 'bilinear form': 'a,ab,b->', 'batched bilinear form': 'ab,bc,ac->a',
    'bilinear layer': 'ab,cbd,ad->ac', 'chain of matrix products': 'ab,bc,cd->ad', 'matrix-matrix-vector product': 'ab,bc,c->a'}.items()}

def _form(terms, out):
    "The equation with its indices renamed a, b, c, ... by first appearance."
    seen = {}
    def rename(t): return ''.join(chr(97 + seen.setdefault(l, len(seen))) for l in t)
    return ','.join([rename(t) for t in terms]) + '->' + rename(out)

def _title(terms, out):
    "What an einsum is called, whatever its letters and in whichever order its two operands come."
    for form in (_form(terms, out), _form(terms[::-1], out))[:len(terms)]:
        for name, forms in _known.items():
            if form in forms: return name
    if all(t == out for t in terms): return 'the same tensor' if len(terms) == 1 else 'elementwise product'
    batch = [l for l in out if all(t.count(l) == 1 for t in terms)]
    rest = [tuple(l for l in t if l not in batch) for t in (*terms, out)]
    inner = _title(rest[:-1], rest[-1]) if batch and any(rest[:-1]) else ' over '
    if ' over ' not in inner and 'with' not in inner: return f'batched {inner}'
    return _description(terms, out)

def _description(terms, out):
    "For an einsum without a name: what is summed, and how."
    summed = list(dict.fromkeys(l for t in terms for l in t if l not in out))
    shared = [l for l in summed if sum(l in t for t in terms) > 1]
    alone = [l for l in summed if l not in shared]
    twice = list(dict.fromkeys(l for t in terms for l in t if t.count(l) > 1))
    if len(terms) == 1 and not summed + twice: return 'permutation of the axes'
    words = [f"diagonal of {', '.join(twice)}"]*bool(twice)
    if shared: words += [f"contraction over {', '.join(shared)}"]
    elif len(terms) > 1: words += ['outer product' if len(set(sum(terms, ()))) == len(sum(terms, ())) else 'product with broadcasting']
    return ', then '.join(words + [f"sum over {', '.join(alone)}"]*bool(alone))

# ==== CELL explanation
class Explanation:
    "What `explain_einsum` returns: a picture in a notebook, text in a terminal, and attributes for programs."
    def __init__(self, eq, ops, names=None, at=None):
        spec = self._spec = _spec(eq, ops)
        self.eq, self._ops, self.names = eq.strip(), ops, _names(spec, names)
        self.shape = tuple(spec.sizes[l] for l in spec.out) # of the output
        self.multiplications = (len(ops) - 1)*math.prod(spec.sizes.values()) # that the loops need
        self.name = _title(spec.terms, spec.out) # such as 'matrix product'
        self.torch = _torch_code(spec, self.names) # plain PyTorch, in terms of `names`
        self.loops = einsum_loops(eq, *ops, names=self.names) # source text
        self._summed = [l for l in spec.sizes if l not in spec.out]
        if at is None: at = [min(1 - k % 2, n - 1) for k, n in enumerate(self.shape)]
        if len(at) != len(self.shape) or any(not 0 <= i < max(n, 1) for i, n in zip(at, self.shape) if n):
            raise ValueError(f'at: expected the index of an element of an output of shape {self.shape}, got {tuple(at)}')
        self.cell = tuple(at) if 0 not in self.shape else None # element of the output whose making is shown

    def at(self, *cell):
        "The same, showing how another element of the output is made."
        return Explanation(self.eq, self._ops, self.names, cell)

    @property
    def steps(self):
        "List of `(equation, multiplications)`: how `einsum` contracts three or more operands, two at a time."
        spec, found = self._spec, []
        terms = [list(dict.fromkeys(l for l in t if l not in spec.stretched(n))) for n, t in enumerate(spec.terms)]
        for i, j, price in _path(spec):
            b, a = terms.pop(j), terms[i]
            keep = set(spec.out).union(*(t for n, t in enumerate(terms) if n != i))
            terms[i] = [l for l in dict.fromkeys(a + b) if l in keep] if terms[1:] else list(spec.out)
            found.append((f"{''.join(a)},{''.join(b)}->{''.join(terms[i])}", price))
        return found

    @property
    def table(self):
        "DataFrame, a row for each index: size, kept or summed, and where it appears."
        import pandas as pd
        return pd.DataFrame(self._rows(), columns=['index', 'size', 'role', 'where'])

    def _rows(self):
        spec = self._spec
        places = [(l, f'{name} axis {k}') for name, t in zip([*self.names, 'out'], [*spec.terms, spec.out]) for k, l in enumerate(t)]
        return [(l, n, 'kept' if l in spec.out else 'summed', ', '.join(p for m, p in places if m == l)) for l, n in spec.sizes.items()]

    def _used(self, n, index):
        "Is the shown element of the output made of this element of operand n?"
        spec = self._spec
        return (self.cell is not None and 0 not in spec.sizes.values()
                and _meets(spec.terms[n], spec.shapes[n], index, spec.sizes, dict(zip(spec.out, self.cell))))

    @cached_property
    def _values(self):
        "The numbers of operands and output; None where there are shapes only, or too many or complex numbers."
        work = sum(price for *_, price in _path(self._spec)) + sum(math.prod(s) for s in self._spec.shapes)
        if work > 1e6 or any(isinstance(op, (tuple, list)) for op in self._ops): return None
        ops = [torch.as_tensor(op).detach().cpu() for op in self._ops]
        if any(t.is_complex() for t in ops): return None
        whole = not any(t.is_floating_point() for t in ops)
        return [*ops, torch.einsum(self.eq, *[t.long() if whole else t.double() for t in ops])]

    def svg(self):
        "The picture as an `<svg>` element, in the text color of the page."
        spec = self._spec
        return draw_einsum(spec.terms, spec.out, spec.shapes, self.names, self.cell, self._values).replace(INK, 'currentColor')

    @property
    def words(self):
        "The rule in words."
        spec = self._spec
        cells = [_cell(name, spec, n, {l: l for l in spec.sizes}) for n, name in enumerate(self.names)]
        made = '·'.join(cells) if self._summed or len(cells) < 2 else _listed(cells)
        verb = 'sum' if self._summed else 'multiply' if len(cells) > 1 else 'take'
        head = f'for each {_listed(spec.out)}, ' if spec.out else ''
        return f'{head}{verb} {made}' + (f' over {_listed(self._summed)}' if self._summed else '')

    def _element(self, most=4):
        "How the shown element is made, and the same in numbers where there are numbers."
        if self.cell is None: return 'out is empty'
        spec, values = self._spec, self._values
        name = f"out[{', '.join(map(str, self.cell))}]" if self.cell else 'out'
        sizes = [spec.sizes[l] for l in self._summed]
        count = math.prod(sizes)
        if not count: return f'{name} = 0, a sum of nothing'
        settings = islice(product(*map(range, sizes)), count if count <= most else most - 1)
        index = [dict(zip([*spec.out, *self._summed], [*self.cell, *v])) for v in settings]
        terms = ['·'.join(_cell(a, spec, n, v) for n, a in enumerate(self.names)) for v in index]
        text = f"{name} = {' + '.join(terms + [f'… ({count:,} in all)']*(count > most) if count > most else terms)}"
        if values is None: return text
        def number(n, v):
            s = _number(values[n][tuple(0 if l in spec.stretched(n) else v[l] for l in spec.terms[n])].item())
            return f'({s})' if s.startswith('-') and len(self.names) > 1 else s
        terms = ['·'.join(number(n, v) for n in range(len(self.names))) for v in index] + ['…']*(count > most)
        total = _number(values[-1][self.cell].item())
        return f'{text} = {total}' if terms == [total] else f"{text} = {' + '.join(terms)} = {total}"

    @property
    def facts(self):
        "What there is to say, as label: text."
        spec, n = self._spec, len(self.names)
        dots = spec.dots
        stretched = [f'{l} in {self.names[k]}' for k in range(n) for l in dict.fromkeys(spec.stretched(k))]
        shapes = ', '.join(f'{name} {s}' for name, s in zip(self.names, spec.shapes))
        facts = {'in words': self.words, 'shapes': f'{shapes} → out {self.shape}', 'in PyTorch': self.torch, 'one element': self._element()}
        if n > 1: facts['multiplications'] = f'{self.multiplications:,}'
        if n > 2:
            steps = ', then '.join(f'{eq}: {price:,}' for eq, price in self.steps)
            facts['two at a time'] = f'{steps}, in all {sum(price for _, price in self.steps):,}'
        if dots: facts['ellipsis'] = f"... stands for {', '.join(dots)}" + ', which are summed: the output has no ...'*(not set(dots) <= set(spec.out))
        if stretched: facts['stretched'] = f"{', '.join(stretched)}: size 1 is used again and again, as in broadcasting"
        if '->' not in self.eq:
            letters = ''.join(l for l in spec.out if l not in dots)
            facts['implicit'] = (f"no arrow, so the output is '{'...'*bool(dots)}{letters}': {'the axes of ..., then '*bool(dots)}"
                                 'the letters that appear once, in alphabetical order')
        return facts

    def __repr__(self):
        rows = [tuple(map(str, r)) for r in [('index', 'size', 'role', 'where'), *self._rows()]]
        widths, label = [max(len(r[k]) for r in rows) for k in range(4)], max(map(len, self.facts))
        table = ['  '.join(s.ljust(w) for s, w in zip(r, widths)).rstrip() for r in rows]
        facts = [f'{k:{label}}  {v}' for k, v in self.facts.items()]
        return '\n'.join([f'{self.eq}   {self.name}', '', *facts, '', *table, '', self.loops.rstrip()])

    def _repr_html_(self):
        colors = {l: PALETTE[k % len(PALETTE)] for k, l in enumerate(self._spec.sizes)}
        def letter(l): return f'<b style="color:{colors[l]}">{l}</b>' if l in colors else escape(l)
        def rows(tag, lines): return ''.join('<tr style="background:none">' + ''.join(f'<{tag} style="{look}">{s}</{tag}>' for s in line) + '</tr>' for line in lines)
        look = 'text-align:left;vertical-align:top;border:0;background:none;padding:.15em .8em .15em 0;white-space:normal'
        start = '<table style="border-collapse:collapse;margin:.5em 0;width:auto;font-size:.92em;color:inherit">'
        equation = ''.join(map(letter, self.eq)).replace('-&gt;', ' → ').replace(',', ', ')
        label = {'one element': 'one element (dark)'}
        facts = rows('td', [(label.get(k, k), escape(v, quote=False)) for k, v in self.facts.items()])
        table = rows('th', [('index', 'size', 'role', 'where')]) + rows('td', [
            (letter(l), n, role + ' (dashed)'*(role == 'summed'), escape(where)) for l, n, role, where in self._rows()])
        loops = escape(self.loops.rstrip(), quote=False).replace('\n', '&#10;')
        return (f'<div class="nb-einsum"><div><code style="font-size:1.25em;background:none;color:inherit;padding:0">{equation}</code>'
                f'&emsp;{escape(self.name)}</div><div style="overflow-x:auto">{self.svg()}</div>{start}{facts}</table>{start}{table}</table>'
                f'<pre style="white-space:pre;overflow-x:auto;background:none;border:0;color:inherit;padding:0">{loops}</pre></div>')

def _listed(items): return ' and '.join(filter(None, [', '.join(items[:-1]), *items[-1:]]))

# ==== CELL explain
def explain_einsum(
    eq:str, # such as 'ij,jk->ik'
    *ops, # tensors, arrays or shapes, one for each term
    names:str|list|None=None # what to call the operands, such as 'q k'; else A, B, C, ...
) -> Explanation: # shows itself; see below for its attributes
    "Explain an einsum: indices, picture, loops, cost, and how to write it in plain PyTorch. `ValueError` if it makes no sense."
    if len(ops) == 1 and isinstance(ops[0], list) and not all(isinstance(op, Integral) for op in ops[0]): ops = ops[0]
    return Explanation(eq, ops, names)
