"The table of parity, against faults that are put into the package, and against what is forgotten."
import json
import pytest, torch
import notebooks as N
from conftest import ROOT
import nnbolts.attention, nnbolts.convolutions, nnbolts.initialization, nnbolts.losses, nnbolts.norms
import nnbolts.optimizers, nnbolts.training

PAGE = ROOT/'nbs'/'23_parity.ipynb'

@pytest.fixture(scope='module')
def page():
    "The names of the page, as they are before the table is filled."
    names = {'__name__': 'parity'}
    for c in json.loads(PAGE.read_text(encoding='utf-8'))['cells']:
        source = N.joined(c['source'])
        if c['cell_type'] != 'code' or source.startswith('#| hide'): continue
        exec(compile(source, c['id'], 'exec'), names)
        if 'def filled(' in source: break
    torch._logging.set_logs()
    return names

@pytest.fixture
def verdict(page):
    "The verdict on the first row of ours, or that of this namesake, in one column."
    def found(ours, column, theirs=''):
        row = next(r for r in page['ROWS'] if r.ours == ours and r.theirs.endswith(theirs))
        return page['cell'](row, column).verdict
    return found

def changed(module, name, **options):
    "A subclass or a function with other options."
    old = getattr(module, name)
    if not isinstance(old, type): return lambda *args, **given: old(*args, **{**options, **given})
    def start(self, *args, **given): old.__init__(self, *args, **{**options, **given})
    return type(name, (old,), {'__init__': start})

class Twice(torch.autograd.Function):
    "Its gradient is twice as large as it should be."
    @staticmethod
    def forward(ctx, x): return x.clone()
    @staticmethod
    def backward(ctx, g): return 2*g

def doubled(f): return lambda *args, **options: Twice.apply(f(*args, **options))
def in_float32(f): return lambda *args, **options: f(*args, **options).float()
def looks(f):
    def run(x, *args, **options):
        if x.max().item() > 1e9: raise ValueError
        return f(x, *args, **options)
    return run

class Renamed(nnbolts.norms.RMSNorm):
    def __init__(self, n):
        super().__init__(n)
        self.gamma = self.weight
        del self.weight
    def forward(self, x): return x * (x.square().mean(-1, keepdim=True) + 1e-7).rsqrt() * self.gamma

class NeverEvaluates(nnbolts.norms.BatchNorm):
    def train(self, mode=True): return super().train(True)

class Remembers(nnbolts.norms.BatchNorm):
    def forward(self, x):
        y = super().forward(x)
        if self.training: self.running_var *= 0.99
        return y

class OwnState(nnbolts.optimizers.RMSprop):
    "Its running values have another name."
    def update(self, p, group, state):
        state['square_avg'] = state.pop('mine', torch.zeros_like(p))
        super().update(p, group, state)
        state['mine'] = state.pop('square_avg')

def into_its_input(old):
    def run(x, *args, **options):
        y = old(x, *args, **options)
        with torch.no_grad(): x.mul_(1)[..., 0] = 0
        return y
    return run

L, M, O = nnbolts.losses, nnbolts.norms, nnbolts.optimizers
FAULTS = {
    'wrong eps': (M, 'LayerNorm', lambda: changed(M, 'LayerNorm', eps=1e-3), 'value'),
    'wrong reduction': (L, 'mse', lambda: changed(L, 'mse', reduction='sum'), 'value'),
    'gradient scaled': (L, 'huber', lambda: doubled(L.huber), 'gradient'),
    'type': (L, 'sigmoid', lambda: in_float32(L.sigmoid), 'float64'),
    'half type': (L, 'l1', lambda: in_float32(L.l1), 'bfloat16'),
    'looks at a number': (L, 'logsumexp', lambda: looks(L.logsumexp), 'vmap'),
    'looks while compiled': (L, 'softmax', lambda: looks(L.softmax), 'compile'),
    'name of a weight': (M, 'RMSNorm', lambda: Renamed, 'value'),
    'no evaluation': (M, 'BatchNorm', lambda: NeverEvaluates, 'eval'),
    'running statistics': (M, 'BatchNorm', lambda: Remembers, 'value'),
    'eps of an optimizer': (nnbolts.training, 'Adam', lambda: changed(nnbolts.training, 'Adam', eps=1e-4), 'value'),
    'state of an optimizer': (O, 'RMSprop', lambda: OwnState, 'state'),
    'input': (L, 'log_softmax', lambda: into_its_input(L.log_softmax), 'value'),
    'scale': (nnbolts.attention, 'attention', lambda: changed(nnbolts.attention, 'attention', scale=.3), 'value'),
    'padding': (nnbolts.convolutions, 'conv1d', lambda: changed(nnbolts.convolutions, 'conv1d', padding=1), 'value'),
    'gain': (nnbolts.initialization, 'orthogonal_',
             lambda: changed(nnbolts.initialization, 'orthogonal_', gain=1.001), 'value'),
}

@pytest.mark.parametrize('fault', FAULTS)
def test_a_fault_turns_its_row_red(fault, verdict, monkeypatch):
    module, name, broken, column = FAULTS[fault]
    ours = f'{module.__name__.removeprefix("nnbolts.")}.{name}'
    assert verdict(ours, column) == 'same', 'before'
    monkeypatch.setattr(module, name, broken())
    assert verdict(ours, column) == 'differs'

def test_a_fault_of_both_is_no_grey_cell(page):
    "An error of ours alone is red, whatever it is; one that the two cannot be made for, too."
    row, case, cell = page['Row'], page['case'], page['cell']
    def fails(*args, **options): raise NotImplementedError('not yet')
    made = lambda us, them: row('losses.softmax', 'torch.softmax', [case(torch.ones(3), -1)], us, them, None, {})
    assert cell(made(lambda f: fails, lambda f: f), 'value').verdict == 'differs'
    assert cell(made(lambda f: fails, lambda f: fails), 'value').verdict == 'none'
    assert cell(made(fails, fails), 'value').verdict == 'differs'

def test_a_difference_that_is_announced_must_be_there(page):
    row, case, cell = page['Row'], page['case'], page['cell']
    made = lambda us: row('losses.softmax', 'torch.softmax', [case(torch.ones(3), -1)], us, lambda f: f, None,
                          dict(value='on purpose'))
    assert cell(made(lambda f: lambda x, dim: 2*f(x, dim)), 'value').verdict == 'meant'
    assert cell(made(lambda f: f), 'value').verdict == 'differs'

def test_every_export_is_settled(page):
    "Each is in the table or has a reason not to be; no entry is stale."
    assert page['settled'](page['ROWS'], page['NO_NAMESAKE'], page['exports']()) == ([], [])

def test_what_is_forgotten_or_stale_is_found(page, monkeypatch):
    settled, rows, without, exports = (page[n] for n in ('settled', 'ROWS', 'NO_NAMESAKE', 'exports'))
    monkeypatch.setattr(L, '__all__', [*L.__all__, 'brand_new'])
    monkeypatch.setattr(L, 'brand_new', lambda: None, raising=False)
    monkeypatch.setattr(L.brand_new, '__module__', 'nnbolts.losses')
    assert settled(rows, without, exports()) == (['losses.brand_new'], [])
    monkeypatch.undo()
    assert settled(rows, {**without, 'losses.gone': 'x'}, exports())[1] == ['losses.gone']
    assert settled(rows, {**without, 'losses.mse': 'x'}, exports())[1] == ['losses.mse'], 'in both'
    assert settled([r for r in rows if r.ours != 'norms.LayerNorm'], without, exports())[0] == ['norms.LayerNorm']

def test_each_namesake_is_there(page):
    for r in page['ROWS']: assert page['thing'](r.theirs) is not None and page['thing'](f'nnbolts.{r.ours}') is not None

def test_the_stored_table_has_no_red_cell_and_all_rows(page):
    html = ''.join(N.joined(o['data']['text/html']) for c in json.loads(PAGE.read_text(encoding='utf-8'))['cells']
                   for o in c.get('outputs', []) if 'class="parity"' in N.joined(o.get('data', {}).get('text/html', '')))
    assert html.count('scope="row"') == len(page['ROWS'])
    assert '<td class="differs"' not in html and html.count('<td class="same"') > 600
    for sign in ('✓ same', '≠ meant', '– none'): assert sign in html, 'a word beside each color'
