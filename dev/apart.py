"""What hidden cells do is kept from the cells that the page shows: one run is a notebook's test and a reader's run.

A name that a hidden cell binds is taken away before the next visible cell and put back for the next hidden one; one
that it binds anew or deletes is as it was; random numbers go on as if it had not drawn any. What cannot be undone is found
where it can be seen, and a run of its own decides: of the visible cells by themselves after a change in place of what a
visible cell then reads, or a part of a package that only a hidden cell loads; of all cells in the same names where a
visible cell reads a name that a hidden one bound anew, which Jupyter shows anew.

Not seen: what hides in C (a library's own caches), and on disk.

The same fingerprints tell which cells can be run twice: one that leaves all that it reads as it was does the same again.
"""
import ast
import collections
import contextlib
import dis
import functools
import itertools
import marshal
import random
import sys
import types

SHELL = {'In', 'Out', 'exit', 'quit', 'get_ipython', 'sys'}  # what the shell itself binds or changes
FUNCTIONS = types.FunctionType, types.BuiltinFunctionType, type
NONE = object()  # no value, where None is one
COUNT = itertools.count()


class Apart:
    "The names of a shell in two: those of visible cells stay, those of hidden ones are there while one of these runs."

    def __init__(self, ns):
        self.ns = ns            # the shell's names
        self.kept = {}          # name: the hidden value, the visible value that it stood in for
        self.marks = None       # what the visible names reach, since the last visible cell
        self.changed = {}       # name: the visible value that a hidden cell changed in place, that cell
        self.loaded = set()     # submodules that hidden cells loaded
        self.doubts = []        # what a hidden cell may have done to visible ones
        self.anew = []          # what visible cells read and a hidden one bound anew

    def run(self, cell, visible, run):
        "Run a cell with the names that are its to see; `run` gives the error that it raises, if any."
        if visible: return self.visible(cell, run)
        before, drawn = dict(self.ns), dice()
        marks, modules = self.marks or marked(before), set(sys.modules)
        there = lambda n, value: before.get(n, NONE) is value  # else a visible cell has bound it since
        self.ns.update((n, v) for n, (v, was) in self.kept.items() if there(n, was))
        error = run()
        after = dict(self.ns)
        self.ns.clear()
        self.ns.update(before)
        dice(drawn)
        self.kept = {n: (v, before.get(n, NONE)) for n, v in after.items() if v is not before.get(n, NONE)}
        self.loaded |= {m for m in sys.modules.keys() - modules if '.' in m}
        self.marks = marked(before)
        for n in marks.keys() | self.marks.keys():
            fresh = n.startswith('nnbolts.') and n.rpartition('.')[0] not in modules  # a module that was not there
            if fresh or marks.get(n) == self.marks.get(n): continue
            if n in before or n.startswith('nnbolts.'): self.changed[n] = before.get(n), cell.id
            else: self.doubts.append(f'the hidden cell {cell.id} changes {n}')
        return error

    def visible(self, cell, run):
        "Run a visible cell; say of a name that it misses where it is."
        self.marks = None
        there = lambda n, value: value is not NONE and self.ns.get(n, NONE) is value  # not bound by a visible cell since
        anew = {n for n, (_, was) in self.kept.items() if there(n, was)}
        changed = {n: by for n, (was, by) in self.changed.items() if n.startswith('nnbolts.') or there(n, was)}
        read = reads(cell.source, self.ns) if anew or changed else set()
        self.anew += [f'cell {cell.id} reads {n}, which a hidden cell binds anew' for n in anew & read]
        for n in changed.keys() & read:
            self.doubts.append(f'cell {cell.id} reads {n}, which the hidden cell {changed[n]} changes in place')
        error = run()
        if isinstance(error, NameError) and error.name in self.kept:
            error.add_note(f'Only a hidden cell binds {error.name}; the page does not show it.')
        for name in sorted(chains(cell.source, self.ns) & self.loaded):
            self.doubts.append(f'cell {cell.id} uses {name}, which a hidden cell loads')
        return error


def chains(source, ns):
    "The modules whose dotted names a cell uses."
    try: tree = ast.parse(source)
    except SyntaxError: return set()
    out = set()
    for node in ast.walk(tree):
        path = []
        while isinstance(node, ast.Attribute):
            path.insert(0, node.attr)
            node = node.value
        if path and isinstance(node, ast.Name) and isinstance(module := ns.get(node.id), types.ModuleType):
            out |= {'.'.join([module.__name__, *path[:n]]) for n in range(1, len(path) + 1)}
    return out


@functools.cache
def loads(code):
    "The names that a piece of code reads before it binds them."
    bound, out = set(), set()
    for i in dis.get_instructions(code):
        if i.opname.startswith('STORE_'): bound.add(i.argval)
        elif i.opname in ('LOAD_NAME', 'LOAD_GLOBAL', 'DELETE_NAME'): out |= {i.argval} - bound
        elif isinstance(i.argval, types.CodeType): out |= loads(i.argval) - bound
    return out


def reads(source, ns):
    """The names that a cell reads before it binds them, and those that the functions which it calls read:
    those of the notebook as they are, those of the package with their module's name before them."""
    found = set()
    try: todo = [(compile(source, 'cell', 'exec'), ns)]
    except SyntaxError: return found  # a cell with a magic
    while todo:
        code, names = todo.pop()
        module = '' if names is ns else names['__name__'] + '.'
        for name in loads(code):
            if module + name in found: continue
            found.add(module + name)
            value = names.get(name)
            cls = value if isinstance(value, type) else type(value)
            for f in [value, *(vars(cls).values() if ours(cls) else [])]:
                if isinstance(f, types.FunctionType) and (f.__globals__ is ns or ours(f)):
                    todo.append((f.__code__, f.__globals__))
    return found


class Inputs:
    "What a cell reads, as it is before the cell runs: does the cell leave it so?"
    outside = None  # what a cell did to files, processes, connections: listed from the first use on

    def __init__(self, source, ns):
        if Inputs.outside is None:
            Inputs.outside = []
            sys.addaudithook(heard)
        self.ns, self.names, self.magic = ns, reads(source, ns), False
        try: compile(source, 'cell', 'exec')
        except SyntaxError: self.magic = True
        self.before = self.now()
        Inputs.outside.clear()

    def now(self):
        "A fingerprint of each name, of the settings of torch and of the random number generators."
        memo = {}
        with deep(): found = [mark(self.value(n), memo) for n in sorted(self.names)]
        python, numpy, torch = dice()
        return *found, settings(), hash(python), hash((numpy[1].tobytes(), *numpy[2:])), hash(torch.numpy().tobytes())

    def value(self, name):
        "What a name stands for, the notebook's or a module's."
        module, _, own = name.rpartition('.')
        return getattr(sys.modules.get(module), own, NONE) if module else self.ns.get(own, NONE)

    def kept(self):
        "Are they as they were, and did the cell do nothing outside of its process?"
        return not (self.magic or Inputs.outside) and self.now() == self.before


OUTSIDE = {'os.mkdir', 'os.rename', 'os.remove', 'os.rmdir', 'os.putenv', 'os.unsetenv', 'os.chdir', 'os.fork',
           'os.posix_spawn', 'os.system', 'subprocess.Popen', 'socket.bind', 'socket.connect'}


def heard(event, args):
    "An audit hook: keep what changes files, starts a process or connects."
    writes = event == 'open' and isinstance(args[1], str) and set(args[1]) & set('wxa+')
    if writes or event in OUTSIDE: Inputs.outside.append(event)


@contextlib.contextmanager
def deep():
    "A graph of a thousand steps is a chain of a thousand objects."
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try: yield
    finally: sys.setrecursionlimit(limit)


def settings():
    "A number for the settings of torch."
    import torch
    return hash((torch.get_default_dtype(), torch.is_grad_enabled()))


def dice(states=None):
    "The states of the global random number generators, or set them."
    import numpy as np
    import torch
    if states is None: return random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.setstate(states[0]), np.random.set_state(states[1]), torch.set_rng_state(states[2])


def marked(ns):
    "A fingerprint of what each name reaches, and of the settings of torch."
    memo = {}
    package = [(n, m) for n, m in sys.modules.items() if n.startswith('nnbolts.')]
    with deep():
        out = {n: mark(v, memo) for n, v in ns.items() if not n.startswith('_') and n not in SHELL}
        out |= {f'{n}.{k}': mark(v, memo) for n, m in package for k, v in list(vars(m).items()) if k[:2] != '__'}
    out['the settings of torch'] = settings()
    return out


PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes})
CONTAINERS = frozenset({list, tuple, dict, set, collections.OrderedDict})

def mark(x, memo):
    "A number that changes when something changes in place that `x` reaches."
    kind = type(x)
    if kind in PLAIN: return hash(marshal.dumps(x, 2))  # -1 and -2 have one hash, and so have 1, 1.0 and True
    if kind in CONTAINERS and not x: return id(x)
    if id(x) in memo: return memo[id(x)][0]
    memo[id(x)] = id(x), x  # while it is walked; and the object itself, so that no other gets its id
    memo[id(x)] = (found := hash((id(x), *way_into(kind)(x, memo)))), x
    return found

@functools.cache
def way_into(kind):
    "The function that gives the numbers which stand for what is in an object of a class."
    import numpy as np
    import torch
    ways = {
        torch.Tensor: tensor,
        np.ndarray: lambda x, memo: [hash((x if x.nbytes < 1e6 and x.dtype != object else x.ravel()[::997]).tobytes())],
        torch.Generator: lambda x, memo: [hash(x.get_state().numpy().tobytes())],
        random.Random: lambda x, memo: [hash(x.getstate())],
        np.random.Generator: lambda x, memo: [hash(repr(x.bit_generator.state))],
        types.GeneratorType: lambda x, memo: [x.gi_frame.f_lasti if x.gi_frame else -1],
        types.ModuleType: module,
        types.FunctionType: function,
        type: lambda x, memo: pairs({k: v for k, v in vars(x).items() if k[:2] != '__' and ours(x)}, memo),
        types.MethodType: lambda x, memo: items([x.__self__], memo),
    }
    return next((way for cls, way in ways.items() if issubclass(kind, cls)), parts)

def ours(x):
    "Is a class or function the notebook's or the package's?"
    return str(x.__module__).startswith(('__main__', 'nnbolts'))

@functools.cache
def slots(kind):
    "The names of what an object of a class keeps outside of its dict."
    found = [cls.__dict__.get('__slots__', ()) for cls in kind.__mro__]
    return [s for names in found for s in ([names] if isinstance(names, str) else names) if not s.startswith('__')]

def items(xs, memo):
    "Numbers for the items of a list; at once where they are numbers and words."
    if PLAIN.issuperset(map(type, xs)): return [hash(marshal.dumps(list(xs), 2))]
    return [mark(v, memo) for v in xs] if len(xs) < 1e4 else [len(xs), *map(id, list(xs)[::97])]

def pairs(d, memo): return items(list(d), memo) + items(list(d.values()), memo) if len(d) < 1e4 else [len(d)]

def module(x, memo):
    if x.__name__.startswith('nnbolts.'): return pairs({k: v for k, v in vars(x).items() if k[:2] != '__'}, memo)
    return [id(v) for v in vars(x).values() if isinstance(v, FUNCTIONS)]

def function(x, memo):
    cells = [c.cell_contents for c in x.__closure__ or () if c != types.CellType()]
    return [id(x.__code__), *items(x.__defaults__ or (), memo), *items(cells, memo), *pairs(vars(x), memo)]

def parts(x, memo):
    "Numbers for any other object: its items, how far it is, its class, its fields."
    out, kind = [], type(x)
    if isinstance(x, dict): out += pairs(x, memo)
    elif isinstance(x, (list, tuple, collections.deque)): out += items(x, memo)
    elif isinstance(x, (set, frozenset)): out += sorted(items(list(x), memo))
    elif hasattr(x, '__length_hint__'): out.append(x.__length_hint__())
    elif hasattr(x, '__next__') and not ours(kind): out.append(next(COUNT))  # how far it is cannot be seen
    if ours(kind): out.append(mark(kind, memo))
    if isinstance(fields := getattr(x, '__dict__', None), dict): out += pairs(fields, memo)
    return out + [mark(getattr(x, s), memo) for s in slots(kind) if hasattr(x, s)]


def tensor(x, memo):
    "What stands for a tensor: how often it was written to, its numbers, its gradient."
    import torch
    if torch.nn.parameter.is_lazy(x): return [x.requires_grad]  # it has no shape yet
    out = [x.requires_grad, hash(x.shape)]
    if x.is_leaf: out.append(mark(x.grad, memo))
    else: out += graph(x.grad_fn, memo)
    if not x.is_inference(): out.append(x._version)
    try:
        flat = x.detach().reshape(-1) if x.numel() < 1e5 else x.detach().view(-1)[::997]
        out.append(hash(flat.contiguous().view(torch.uint8).numpy().tobytes()))
    except (RuntimeError, TypeError): pass  # a kind of tensor without numbers to read
    return out + ([mark(v, memo) for v in vars(x).values()] if type(x) is not torch.Tensor else [])


@functools.cache
def saved(node):
    "The name of something that a kind of node keeps, if it keeps anything."
    return next((k for k in dir(node) if k.startswith('_saved_') and k != '_saved_tensors'), None)

def graph(last, memo, most=300):
    "What stands for the graph behind a tensor: the gradients of its leaves, and which nodes have given back what they kept."
    out, seen, todo = [], set(), [last]
    while todo and len(seen) < most:
        node = todo.pop()
        if node is None or node in seen: continue
        seen.add(node)
        todo += [n for n, _ in node.next_functions]
        if hasattr(node, 'variable'): out.append(mark(node.variable, memo))
        kept = saved(type(node))
        try: kept and getattr(node, kept)
        except RuntimeError: out.append(len(seen))
    return out
