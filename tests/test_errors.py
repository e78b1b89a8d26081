"Errors explained: every message of the page, what misbehaves, other processes, traceback and shell as they were."
from contextlib import contextmanager
import gc, json, linecache, os, random, re, subprocess, sys, traceback, weakref
import pytest, torch
from torch import nn
import notebooks as N
from conftest import ROOT
from nnbolts import errors as E
from nnbolts.errors import Explanation, explain_error

def raised(f, *args):
    try: f(*args)
    except BaseException as e: return e
    raise AssertionError(f'no error: {f} {args[:1]}')

def run(path, *flags, **kwargs):
    env = dict(os.environ, PYTHONPATH=str(ROOT), TERM='dumb', NO_COLOR='1')
    return subprocess.run([sys.executable, *flags, *([str(path)] if path else [])], text=True, env=env, timeout=120,
                          stdout=subprocess.PIPE, stderr=kwargs.pop('stderr', subprocess.STDOUT), **kwargs).stdout

# --- what the page shows: each message, what is said of it

def load(path): return json.loads(path.read_text(encoding='utf-8'))

CELLS = load(ROOT/'nbs/tools/errors.ipynb')['cells']
CODE = [N.joined(c['source']) for c in CELLS if c['cell_type'] == 'code']
LINES = [' '.join(line.strip() for line in entry.split('\n')) for source in CODE
         for block in re.findall(r"^mistakes\(r'''\n(.*?)\n'''\)", source, re.S | re.M)
         for entry in re.split(r'\n(?=\S)', block)]
TRACED = ('torch.compile', 'torch.jit', 'torch.vmap', 'torch.func', 'torch.export')  # slow to load; the page runs them

class Stream(torch.utils.data.IterableDataset):
    def __iter__(self): return iter(range(6))

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 2)
    def forward(self, x): return self.a(x)

@contextmanager
def alone():
    torch.distributed.init_process_group('gloo', store=torch.distributed.HashStore(), rank=0, world_size=1)
    try: yield
    finally: torch.distributed.destroy_process_group()

@pytest.fixture(scope='module')
def found():
    "Each mistake of the page, its error, and what is known of it."
    import copy, io, numpy as np
    from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split
    names = dict(copy=copy, io=io, np=np, os=os, torch=torch, nn=nn, F=nn.functional, DataLoader=DataLoader,
                 Dataset=Dataset, TensorDataset=TensorDataset, random_split=random_split, Stream=Stream, Two=Two,
                 alone=alone, DDP=nn.parallel.DistributedDataParallel)
    out, dtype = [], torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    torch.distributions.Distribution.set_default_validate_args(True)  # a `torch.compile` in another file turns it off
    for line in LINES:
        torch.manual_seed(0)
        linecache.cache[f'<{line}>'] = len(line), None, [line], f'<{line}>'
        code = compile(line, f'<{line}>', 'exec')
        if any(t in line for t in TRACED): continue
        error = raised(exec, code, dict(names))
        out.append((line, error, explain_error(error)))
    torch.set_default_dtype(dtype)
    return out

def test_there_are_enough_messages(): assert len(LINES) >= 270 and len(E.MESSAGES) >= 260

def test_each_mistake_of_the_page_is_known(found):
    unknown = [line for line, error, known in found if not known.means or not known.mend]
    assert not unknown, unknown

def test_each_message_of_the_catalog_is_produced(found):
    "By the installed PyTorch, or raised with `raise` on the page where it needs a GPU or a second process."
    texts = [E._text(error) for _, error, _ in found]
    seen = {id(m) for text in texts for m in E.MESSAGES if m.pattern.search(text)}
    missing = {m.pattern.pattern for m in E.MESSAGES if id(m) not in seen}
    traced = ('Data-dependent', 'Dynamo', 'vmap', 'scalar Tensor', 'Compiled functions', 'Unsupported:', 'Invalid backend',
              'Expecting `args`', 'data pointer', 'batched tensor')
    missing = [p for p in missing if not any(words in p for words in traced)]
    assert not missing, missing

def test_only_what_needs_other_machines_is_quoted(found):
    quoted = [line for line, *_ in found if line.startswith('raise ')]
    elsewhere = 'CUDA|cuda|NVIDIA|worker|new process|autocast|No module named'
    assert len(quoted) <= 18 and all(re.search(elsewhere, line) for line in quoted), quoted

def test_a_text_has_no_place_left_open(found):
    for line, error, known in found:
        assert not re.search(r'\{\d?\}|  ', known.means + ' ' + known.mend), line
        assert max(len(s) for s in str(known).split('\n') if 'https://' not in s) <= 80, line
        assert f'<a href="{known.link}">' in known._repr_html_() and known.link.count('https:') == 1, line
        assert known.text == str(known)

@pytest.mark.parametrize(('f', 'means', 'mend'), [
    (lambda: torch.zeros(7, 5) @ torch.zeros(4, 3), '7 rows on the left has 5 numbers', 'transposed'),
    (lambda: nn.Linear(6, 2)(torch.zeros(9, 5)), '9 rows on the left has 5', 'nn.Linear(5, 2)'),
    (lambda: nn.Linear(20, 2)(torch.zeros(3, 4, 5)), 'takes rows of 20', '3 rows of 20'),
    (lambda: torch.zeros(5, 3) + torch.zeros(5), 'axis 1 the first has 3, the second 5', 'unsqueeze'),
    (lambda: torch.zeros(2, 3).view(4, 2), 'holds 6 numbers, and the shape [4, 2]', '-1'),
    (lambda: torch.zeros(3, 8)[:, 9], 'Axis 1 has 8 entries, so its indices are 0 to 7; 9', ''),
    (lambda: nn.functional.cross_entropy(torch.zeros(2, 3), torch.tensor([0, 5])), 'class 5', 'one output'),
    (lambda: nn.Conv2d(3, 8, 3)(torch.zeros(1, 1, 9, 9)), 'made for 3 channels', '`in_channels=1`'),
    (lambda: nn.Conv2d(3, 8, 3)(torch.zeros(1, 9, 9, 3)), 'has 9', 'permute(0, 3, 1, 2)'),
    (lambda: nn.BatchNorm1d(4)(torch.zeros(2, 6)), 'made for 4 channels; the second axis of the input has 6', '6'),
    (lambda: nn.Linear(3, 2).load_state_dict(nn.Linear(4, 2).state_dict()), 'weight is [2, 4] in the file and [2, 3]',
     'sizes of the file'),
    (lambda: nn.Linear(2, 2).wieght, 'This Linear has no `wieght`', '`weight`'),
    (lambda: nn.TransformerEncoderLayer(8, 2, batch_first=True)(torch.zeros(2, 5, 8), torch.zeros(2, 5).bool()),
     'has the shape (2, 5)', '`src_key_padding_mask=`'),
    (lambda: nn.MultiheadAttention(8, 2)(*[torch.zeros(3, 1, 8)]*3, attn_mask=torch.zeros(4, 4)), '(4, 4)', 'triu(1)'),
    (lambda: torch.cat([torch.zeros(1, 8, 14, 14), torch.zeros(1, 8, 15, 15)], 1), 'has 15', 'F.interpolate'),
    (lambda: torch.distributions.Categorical(logits=torch.tensor([torch.nan]), validate_args=True), 'hold nan', 'first nan'),
    (lambda: torch.distributions.Categorical(torch.tensor([-1., 2.]), validate_args=True), 'add up to 1', '`logits=`'),
    (lambda: torch.distributions.Normal(0., -1., validate_args=True), 'be above 0', 'softplus'),
    (lambda: nn.CrossEntropyLoss().backward(), 'no `backward`', 'call it first'),
    (lambda: nn.DataParallel(Two()).a, 'no `a`', '`.module.a`'), (lambda: torch.optim.Adamw, '`Adamw`', '`AdamW`'),
    (lambda: exec('from torch.nn import Relu'), '`Relu`', '`ReLU`'), (lambda: nn.Linear(2, 3, Bias=True), '`Bias`', '`bias`'),
])
def test_numbers_of_the_message_are_put_in(f, means, mend):
    known = explain_error(raised(f))
    assert means in known.means and mend in known.mend, known

@pytest.mark.parametrize('text', [
    'size mismatch, m1: [64 x 784], m2: [100 x 10]',
    'expected scalar type Long but found Float',
    'Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!',
    'Expected 4-dimensional input for 4-dimensional weight [8, 3, 3, 3], but got 3-dimensional input',
    'Trying to create tensor with negative dimension -2: [-2, 3]',
    'num_channels must be divisible by num_groups',
    'Expected all tensors to be on the same device, but got mat1 is on cpu, different from other tensors on cuda:0',
    'Dynamo failed to run FX node: got RuntimeError(a and b must have same reduction dim, but got [s5, 4] X [3, 2].)',
    'The size of tensor a (3) must match the size of tensor b (s52: hint = 4) at non-singleton dimension 1',
    'Sizes of tensors must match except in dimension 0. Expected 3 in dimension 1 but got s20 for tensor number 1 in',
    'Expected object of scalar type Long but got scalar type Float for argument #2 target in call to _thnn_nll_loss',
    'CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 7.79 GiB total capacity; ...)',
])
def test_the_wording_of_other_versions_is_known(text): assert explain_error(RuntimeError(text)).means

def anchors():
    "The sections of all pages, as the site names them."
    from smalldocs.markdown import pandoc_id
    for path in (ROOT/'nbs').rglob('*.ipynb'):
        page = re.sub(r'^\d+_', '', path.stem) + '.html'
        page = f'tools/{page}' if path.parent.name == 'tools' else page
        said = '\n'.join(N.joined(c['source']) for c in load(path)['cells'] if c['cell_type'] == 'markdown')
        for head in re.findall(r'^#{2,4} (.*)$', said, re.M):
            yield page + '#' + pandoc_id(re.sub(r'[\\`*]|\.\.\.', '', head))

def test_the_sections_that_are_linked_are_there():
    missing = {m.link for m in E.MESSAGES} - set(anchors())
    assert not missing, missing

# --- what it says of the line

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.ModuleDict(dict(first=nn.Linear(4, 3)))
        self.scales, self.table = [torch.ones(2), torch.ones(5)], {'a': torch.ones(7)}

    def forward(self, x, mask=None):
        h = self.body['first'](x)
        return (h * self.scales[1] + self.table['a'][0]).sum(
            1)

def test_the_line_and_the_layer():
    known = explain_error(raised(Net(), torch.ones(6, 5)))
    own, inner = known.places
    assert own.code[0] == "h = self.body['first'](x)" and own.function == 'forward' and own.path.endswith('.py')
    assert own.tensors == {"self.body['first']": 'Linear: weight (3, 4)  float32  cpu; bias (3,)  float32  cpu',
                           'x': '(6, 5)  float32  cpu'}
    assert inner.path == 'torch/nn/modules/linear.py' and inner.tensors['input'] == '(6, 5)  float32  cpu'
    assert known.layer == 'body.first (Linear) of Net' and '`nn.Linear(5, 3)` for `body.first`' in known.mend

def test_a_statement_of_several_lines():
    own, = explain_error(raised(Net(), torch.ones(6, 4))).places
    assert own.tensors == {'h': '(6, 3)  float32  cpu', 'self.scales[1]': '(5,)  float32  cpu',
                           "self.table['a']": '(7,)  float32  cpu'}
    assert own.code == ["return (h * self.scales[1] + self.table['a'][0]).sum(", ' '*8 + '^'*18, '    1)']

def test_names_are_those_of_the_frame():
    x = torch.ones(9)
    def inner(rows): return [x @ w for w in rows]
    known = explain_error(raised(inner, [torch.ones(3)]))
    assert known.places[0].tensors['x'] == '(9,)  float32  cpu'
    def stale(y):
        z = torch.ones(1)
        z = y @ x
        return z
    assert set(explain_error(raised(stale, torch.ones(3))).places[0].tensors) == {'y', 'x'}
    def grown(y):
        y += x
    assert set(explain_error(raised(grown, torch.ones(3))).places[0].tensors) == {'y', 'x'}
    def looped(y):
        for row in y.view(4): print(row)
    assert set(explain_error(raised(looped, torch.ones(3))).places[0].tensors) == {'y'}

def test_a_message_that_is_not_known_has_its_line():
    x, n = torch.ones(3), 'a'
    known = explain_error(raised(lambda: x.unfold(0, 9, 1)))
    assert known and not known.means and known.places[0].tensors == {'x': '(3,)  float32  cpu'}
    assert not explain_error(raised(lambda: x * int(n))), 'what failed has no tensor in it'

# --- what nothing is known of

def own():
    x = torch.ones(3)
    raise ValueError(f'my own {x}')

@pytest.mark.parametrize('f', [
    own, lambda: 1 / 0, lambda: {}['a'], lambda: [][3], lambda: None.x, lambda: None.data, lambda: int('a'),
    lambda: undefined, lambda: open('no such file'), lambda: exec('a b'), lambda: 'a'.foo, lambda: (1, 2).foo,
    lambda: [].split('a'), lambda: len(3), lambda: next(iter([])), lambda: sys.exit(1), lambda: iter(3),
    lambda: raised(lambda: (_ for _ in ()).throw(EOFError()))and exec('raise EOFError("EOF when reading a line")'),
    lambda: KeyError('exp_avg').x,
], ids=range(19))
def test_ordinary_errors_get_no_word(f):
    known = explain_error(raised(f))
    assert not known and str(known) == repr(known) == known.text == known._repr_html_() == ''

def test_bad_input_is_refused():
    class Rude:
        def __repr__(self): raise RuntimeError
    for value, came in ((3, '3'), ('text', "'text'"), (ValueError, 'the class ValueError'), (Rude(), 'Rude')):
        with pytest.raises(TypeError, match=f'^error: expected an exception, got {came}$'): explain_error(value)

# --- what misbehaves

TOUCHED = []

class Meta(type):
    def __instancecheck__(cls, other): TOUCHED.append('instancecheck')
    def __getattribute__(cls, name): TOUCHED.append(name); raise RuntimeError(name)

class Trap(metaclass=Meta):
    def __getattribute__(self, name): TOUCHED.append(name); raise RuntimeError(name)
    def __getattr__(self, name): TOUCHED.append(name); raise RuntimeError(name)
    def __getitem__(self, i): TOUCHED.append(i); raise RuntimeError(i)
    def __eq__(self, other): TOUCHED.append('eq'); raise RuntimeError
    def __hash__(self): TOUCHED.append('hash'); return 1
    def __bool__(self): TOUCHED.append('bool'); raise RuntimeError
    def __len__(self): TOUCHED.append('len'); raise RuntimeError
    def __repr__(self): TOUCHED.append('repr'); raise RuntimeError

class Properties:
    w = torch.ones(2)
    def __init__(self): self.__dict__['hidden'] = torch.ones(4)
    @property
    def cost(self): TOUCHED.append('cost'); return torch.ones(3)
    @property
    def __class__(self): TOUCHED.append('class'); return torch.Tensor
    def __missing__(self, key): TOUCHED.append(key)

class Missing(dict):
    def __missing__(self, key): TOUCHED.append(key); return torch.ones(3)
    def __getitem__(self, key): TOUCHED.append(key); return torch.ones(3)

class Shapeless(torch.Tensor):
    @property
    def shape(self): TOUCHED.append('shape'); raise RuntimeError('no shape')
    @classmethod
    def __torch_function__(cls, f, types, args=(), kwargs=None): TOUCHED.append(f); raise RuntimeError('no')

class Slots:
    __slots__ = ('w', 'unset')
    def __init__(self): self.w = torch.ones(6)

def test_nothing_of_the_user_runs():
    "Not even where the line that fails names it: what the line itself touched is set off against it."
    shapeless = torch.ones(5).as_subclass(Shapeless)
    def line(a, b, c, d, e, x, i):
        raise_ = torch.zeros(2, 3) @ torch.zeros(4, 5), a.w, a[0], b.cost, b.w, b.hidden, c['k'], d, e.w, e.unset, x[i]
        return raise_
    error = raised(line, Trap(), Properties(), Missing(k=torch.ones(1)), shapeless, Slots(), [torch.ones(8)], 0)
    TOUCHED.clear()
    known = explain_error(error)
    assert not TOUCHED and known.means, TOUCHED
    assert known.places[0].tensors == {
        'b.w': '(2,)  float32  cpu', 'b.hidden': '(4,)  float32  cpu', 'd': '(5,)  float32  cpu',
        'e.w': '(6,)  float32  cpu', 'x[i]': '(8,)  float32  cpu'}

class Mute(Exception):
    def __str__(self): raise RuntimeError('mute')

class Odd(RuntimeError):
    def __str__(self): return 7

def test_it_never_fails():
    "Random errors of random texts, chained, grouped, without traceback, from frames with odd variables."
    r = random.Random(0)
    words = [m.pattern.pattern for m in E.MESSAGES] + ['{0}', '{x}', '%s', '\x1b[1m', '\x00', 'é', '(', '[2, 3]', '', '9' * 50]
    kinds = [RuntimeError, ValueError, IndexError, KeyError, TypeError, AttributeError, Mute, Odd, SyntaxError, OSError,
             AssertionError, NotImplementedError, KeyboardInterrupt, SystemExit, EOFError, StopIteration]
    odd = [Trap(), Properties(), Slots(), Missing(), torch.ones(3).as_subclass(Shapeless), nn.UninitializedParameter(),
           object(), float('nan'), torch.ones(2, device='meta'), nn.Module.__new__(nn.Module)]
    def throw(error, value, other): raise error
    def make(depth=0):
        text = ''.join(re.sub(r'\\d\+|\\w\+', '3', r.choice(words)).replace('\\', '') for _ in range(r.randint(0, 3)))
        if depth < 3 and r.random() < .2: return BaseExceptionGroup(text, [make(depth + 1) for _ in range(r.randint(1, 3))])
        error = r.choice(kinds)(*[text]*r.randint(0, 1))
        if r.random() < .7: error = raised(throw, error, r.choice(odd), r.choice(odd))
        if depth < 3 and r.random() < .3: error.__cause__ = make(depth + 1)
        if depth < 3 and r.random() < .3: error.__context__ = make(depth + 1)
        return error
    for _ in range(600):
        error = make()
        before = error.__traceback__, error.__cause__, error.__context__, error.__suppress_context__, error.args
        known = explain_error(error)
        assert isinstance(known, Explanation) and isinstance(str(known), str) and isinstance(known._repr_html_(), str)
        after = error.__traceback__, error.__cause__, error.__context__, error.__suppress_context__, error.args
        assert all(x is y for x, y in zip(before, after)) and not getattr(error, '__notes__', None)

def test_a_text_that_cannot_be_made_does_not_hide_its_cause():
    mute = Mute()
    mute.__cause__ = raised(lambda: torch.ones(2, 3) @ torch.ones(4, 5))
    assert '2 rows' in explain_error(mute).means

def test_circles_and_depth():
    a, b = RuntimeError('a'), RuntimeError('mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)')
    a.__cause__, b.__cause__ = b, a
    assert '2 rows' in explain_error(a).means
    def deep(n): return deep(n + 1)
    assert not explain_error(raised(deep, 0))

def test_nothing_is_kept():
    x = torch.ones(3)
    gone = weakref.ref(x)
    def f(x): return x @ torch.ones(4)
    error = raised(f, x)
    known = explain_error(error)
    del error, x
    gc.collect()
    assert known and gone() is None

# --- chains, groups, workers

def test_chains_and_groups():
    first = raised(lambda: torch.ones(2, 3) @ torch.ones(4, 5))
    def again():
        try: raise first
        except RuntimeError as e: raise ValueError('while loading') from e
    assert '2 rows' in explain_error(raised(again)).means
    def handler():
        try: raise first
        except RuntimeError: undefined
    assert '2 rows' in explain_error(raised(handler)).means
    def hidden():
        try: raise first
        except RuntimeError: raise ValueError('mine') from None
    assert not explain_error(raised(hidden))
    group = ExceptionGroup('two', [first, ValueError('mine'), raised(lambda: torch.ones(3).view(2, 2))])
    known = explain_error(group)
    assert '2 rows' in str(known) and 'holds 3 numbers' in str(known) and known._repr_html_().count('<div') == 3
    assert not explain_error(ExceptionGroup('none', [ValueError('mine')]))

def test_an_error_without_traceback():
    known = explain_error(RuntimeError('mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)'))
    assert known.means and not known.places and not known.layer

class Items(torch.utils.data.Dataset):
    def __len__(self): return 2
    def __getitem__(self, i):
        return torch.ones(2, 3) @ torch.ones(4, 5)

def test_an_error_in_a_worker():
    error = raised(list, torch.utils.data.DataLoader(Items(), num_workers=1))
    known = explain_error(error)
    assert 'DataLoader worker' in str(error) and '2 rows' in known.means
    assert known.places[0].function == '__getitem__' and 'torch.ones(4, 5)' in known.places[0].code[0]

def test_the_last_error(monkeypatch):
    error = raised(lambda: torch.ones(2, 3) @ torch.ones(4, 5))
    for name in ('last_exc', 'last_value'): monkeypatch.delattr(sys, name, raising=False)
    assert not explain_error()
    monkeypatch.setattr(sys, 'last_value', error, raising=False)
    assert '2 rows' in explain_error().means
    try: torch.ones(3).view(2, 2)
    except RuntimeError: assert 'holds 3 numbers' in explain_error().means

# --- scripts, consoles, IPython, Jupyter

SCRIPT = """import torch
{}
x = torch.ones(2, 3)
w = torch.ones(4, 5)
{}
"""
SAID = '\nRuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)\n  Line   5 of a.py'

def test_a_script_its_console_and_pdb(tmp_path):
    "Where it is caught, after the traceback (which is what it was), in the console that stays, in pdb."
    body = 'try: x @ w\nexcept Exception as e:\n    print(explain_error(e), flush=True)\n    raise'
    start = 'from nnbolts.errors import explain_error, install; install(); install()'
    (tmp_path/'a.py').write_text(SCRIPT.format(start, body))
    error = raised(exec, compile(SCRIPT.format('from nnbolts.errors import explain_error', body), tmp_path/'a.py', 'exec'), {})
    plain = ''.join(traceback.format_exception(type(error), error, error.__traceback__.tb_next))
    ask = 'from nnbolts.errors import explain_error; print(explain_error())\n'
    said = run(tmp_path/'a.py', '-i', input=ask + 'import pdb; pdb.pm()\n' + ask + 'q\n')
    known = said[:said.index('Traceback')]
    assert known.startswith(SAID[1:]) and said.startswith(known + plain + known) and said.count(SAID[1:]) == 4

def test_pdb_from_the_start(tmp_path):
    (tmp_path/'a.py').write_text(SCRIPT.format('', 'x @ w'))
    ask = 'from nnbolts.errors import explain_error; print(explain_error())\n'
    assert SAID[1:] in run(tmp_path/'a.py', '-m', 'pdb', '-c', 'c', input=ask + 'q\n')

def test_the_package_stays_quick_to_import():
    said = run(None, '-c', 'import sys, nnbolts; nnbolts.load_ipython_extension; print("torch" in sys.modules)')
    assert said == 'False\n'

SHELL = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors='NoColor')
for line in {!r}: print('>>>', line); shell.run_cell(line)
"""

def shell(*lines):
    "What IPython prints, cell by cell."
    said = run(None, '-c', SHELL.format(['import torch; x = torch.ones(2, 3)', *lines]))
    return re.split(r'^>>> .*\n', re.sub(r'ipython-input-\S+|Cell In\[\d+\]', 'cell', said), flags=re.M)[2:]

def test_ipython():
    "The traceback is what it was; after unloading there is nothing more; an own error gets no word."
    fails, ask = 'x @ torch.ones(4, 5)', 'from nnbolts import errors; errors.explain_error()'
    plain, _, said, own, _, again, _, off, asked = shell(
        fails, '%load_ext nnbolts', fails, '1/0', '%reload_ext nnbolts', fails, '%unload_ext nnbolts', fails, ask)
    assert said.startswith(plain) and said.count('Means') == 1 and again == said and off == plain
    assert 'Line   1 of a cell' in said and 'x  (2, 3)' in said
    assert 'Means' not in own and 'rows of 4' in asked

@pytest.mark.parametrize('broken', [None, lambda e: 1 / 0])
def test_an_explanation_that_fails_leaves_the_traceback(broken, monkeypatch, capsys):
    printed = []
    monkeypatch.setattr(E, 'explain_error', broken)
    monkeypatch.setattr(sys, 'excepthook', lambda *args: printed.append(args))
    E.install()
    error = ValueError('mine')
    sys.excepthook(ValueError, error, None)
    E._show(error)
    assert printed == [(ValueError, error, None)] and capsys.readouterr() == ('', '')

def test_a_script_is_told_of_what_is_known_alone(monkeypatch, capsys):
    printed = []
    monkeypatch.setattr(sys, 'excepthook', lambda *args: printed.append(args))
    E.install()
    E.install()
    for error in (ZeroDivisionError('division by zero'), KeyboardInterrupt(), RuntimeError(SAID.split('\n')[1][14:])):
        sys.excepthook(type(error), error, None)
    assert len(printed) == 3 and capsys.readouterr().err.count('RuntimeError: mat1') == 1

def test_another_extension_on_top_stays():
    class Shell:
        seen = []
        def showtraceback(self, exc_tuple=None): self.seen.append('plain')
    ip = Shell()
    E.load_ipython_extension(ip)
    ours = ip.showtraceback
    E.load_ipython_extension(ip)
    assert ip.showtraceback is ours
    ip.showtraceback = lambda *args: (ours(*args), ip.seen.append('on top'))
    E.unload_ipython_extension(ip)
    ip.showtraceback()
    assert ip.seen == ['plain', 'on top']
    E.unload_ipython_extension(ip)

def test_jupyter(tmp_path):
    "In a kernel: the error as it was, then the explanation as text and HTML."
    import nbformat
    from nbclient import NotebookClient
    cells = ['import torch; x = torch.ones(2, 3)', 'x @ torch.ones(4, 5)', '%load_ext nnbolts', 'x @ torch.ones(4, 5)']
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    NotebookClient(nb, timeout=100, allow_errors=True, kernel_name='python3').execute(
        env=dict(os.environ, PYTHONPATH=str(ROOT)))
    plain, said = nb.cells[1].outputs, nb.cells[3].outputs
    text = lambda error: re.sub(r'Cell In\[\d+\]', '', re.sub(r'\x1b\[[\d;]*m', '', '\n'.join(error.traceback)))
    assert [o.output_type for o in plain] == ['error'] and [o.output_type for o in said] == ['error', 'display_data']
    assert text(plain[0]) == text(said[0])
    assert '<strong>Means</strong>' in said[1].data['text/html'] and 'Means' in said[1].data['text/plain']
