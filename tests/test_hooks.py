"Hooks come off however a fit ends, and the statistics are those taken by hand."
import pytest, torch
from torch import nn
from nnbolts.callbacks import Callback, CancelBatch, CancelEpoch, CancelFit
from nnbolts.hooks import ActivationStats, GradientStats, Hooks, UpdateRatio, layer_table
from nnbolts.learner import DataLoaders, Learner, Progress
from nnbolts.training import Dataset

def model(): return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
def count(m): return sum(len(getattr(x, a)) for x in m.modules() for a in ('_forward_hooks', '_forward_pre_hooks', '_backward_hooks', '_backward_pre_hooks'))
def learner(m, *cbs):
    torch.manual_seed(0)
    ds = Dataset(torch.randn(40, 4), torch.randint(0, 3, (40,)))
    return Learner(m, DataLoaders.of(ds, ds, batch_size=10), nn.functional.cross_entropy, lr=0.1, cbs=cbs).remove(Progress)

EVENTS = [e for e in Learner.events]

@pytest.mark.parametrize('event', EVENTS)
@pytest.mark.parametrize('error', [RuntimeError, CancelBatch, CancelEpoch, CancelFit, KeyboardInterrupt])
def test_hooks_are_off_however_a_fit_ends(event, error):
    m = model()
    cb = type('Raises', (Callback,), {event: lambda self, learn: (_ for _ in ()).throw(error('now'))})()
    learn = learner(m, ActivationStats(m), GradientStats(m), UpdateRatio(m), cb)
    try: learn.fit(1)
    except (RuntimeError, KeyboardInterrupt, CancelBatch, CancelEpoch, CancelFit): pass
    assert count(m) == 0
    learn.remove(cb).fit(1)
    assert count(m) == 0

@pytest.mark.parametrize('kind', ['forward', 'pre', 'backward'])
@pytest.mark.parametrize('error', [ValueError, CancelFit, KeyboardInterrupt])
def test_nested_hooks_come_off(kind, error):
    m = model()
    with pytest.raises(error):
        with Hooks(m.modules(), lambda *a: None, kind):
            with Hooks(m.modules(), lambda *a: None, kind):
                assert count(m) == 8
                raise error
    assert count(m) == 0

def test_every_kth_batch_is_seen_and_validation_is_not():
    m = model()
    stats = ActivationStats(m, every=3)
    learner(m, stats).fit(2)
    assert stats.steps == [0, 3, 6]

def test_training_is_the_same_with_and_without():
    a, b = model(), model()
    b.load_state_dict(a.state_dict())
    learner(a).fit(2)
    learner(b, ActivationStats(b), GradientStats(b), UpdateRatio(b)).fit(2)
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters()))

@pytest.mark.parametrize('groups, stride, dilation, padding', [(1, 1, 1, 0), (2, 2, 1, 1), (4, 1, 2, 2), (4, 3, 2, 0)])
def test_layer_table_counts_convolutions(groups, stride, dilation, padding):
    conv = nn.Conv2d(4, 8, 3, stride=stride, dilation=dilation, padding=padding, groups=groups)
    x = torch.zeros(2, 4, 17, 15)
    size = [(n + 2*padding - dilation*2 - 1)//stride + 1 for n in (17, 15)]
    t = layer_table(nn.Sequential(conv), x)
    assert t.multiply_adds.iloc[0] == 2 * 8 * size[0] * size[1] * (4//groups) * 9
    assert t.parameters.iloc[0] == 8 * (4//groups) * 9 + 8
    assert t.output.iloc[0] == (2, 8, *size)

# --- layer_table: totals are complete, or say that they are not

class Twice(nn.Module):
    "A shared layer, a parameter of its own, two inputs and a keyword."
    def __init__(self):
        super().__init__()
        self.a, self.act, self.scale, self.unused = nn.Linear(4, 4), nn.ReLU(), nn.Parameter(torch.ones(3)), nn.Linear(2, 2)
    def forward(self, x, y, times=1): return self.act(self.a(self.act(self.a(x + y)))) @ torch.ones(4, 5) * times * self.scale[0]

MODELS = {
    'attention': (lambda: nn.MultiheadAttention(8, 2, batch_first=True), lambda: (torch.randn(5, 7, 8),)*3, 5*(7*8*24 + 2*7*7*8 + 7*8*8)),
    'transformer': (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), lambda: (torch.randn(5, 7, 8),),
                    5*(7*8*24 + 2*7*7*8 + 7*8*8 + 2*7*8*16 + 2*2*7*8)),
    'weight_norm': (lambda: nn.Sequential(torch.nn.utils.parametrizations.weight_norm(nn.Linear(8, 3)), nn.ReLU()), lambda: (torch.randn(5, 8),), 5*24),
    'old weight_norm': (lambda: nn.Sequential(old(torch.nn.utils.weight_norm, nn.Linear(8, 3))), lambda: (torch.randn(5, 8),), 5*24),
    'spectral_norm': (lambda: nn.Sequential(torch.nn.utils.parametrizations.spectral_norm(nn.Linear(8, 3))), lambda: (torch.randn(5, 8),), 5*24),
    'old spectral_norm': (lambda: nn.Sequential(torch.nn.utils.spectral_norm(nn.Conv2d(2, 4, 3))), lambda: (torch.randn(1, 2, 5, 5),), 9*4*18),
    'lstm': (lambda: nn.LSTM(8, 3, 2, bidirectional=True, batch_first=True), lambda: (torch.randn(5, 7, 8),), 35*2*(8*12 + 3*12 + 6*12 + 3*12)),
    'lstm with projection': (lambda: nn.LSTM(8, 3, proj_size=2), lambda: (torch.randn(5, 7, 8),), 35*(8*12 + 2*12 + 3*2)),
    'gru': (lambda: nn.GRU(8, 3), lambda: (torch.randn(5, 7, 8),), 35*(8*9 + 3*9)),
    'rnn': (lambda: nn.RNN(8, 3), lambda: (torch.randn(5, 7, 8),), 35*(8*3 + 3*3)),
    'lstm cell': (lambda: nn.LSTMCell(8, 3), lambda: (torch.randn(5, 8),), 5*(8*12 + 3*12)),
    'bilinear': (lambda: nn.Bilinear(8, 6, 3), lambda: (torch.randn(5, 2, 8), torch.randn(5, 2, 6)), 10*8*6*3),
    'transposed': (lambda: nn.ConvTranspose2d(4, 6, 3, groups=2), lambda: (torch.randn(1, 4, 5, 5),), 25*4*27),
    'embedding': (lambda: nn.Sequential(nn.Embedding(9, 8), nn.LayerNorm(8)), lambda: (torch.zeros(2, 5, dtype=torch.long),), 2*80),
}
def old(f, m):
    with pytest.warns(FutureWarning): return f(m)

@pytest.mark.parametrize('kind', MODELS)
def test_layer_table_counts(kind):
    make, inputs, work = MODELS[kind]
    m = make()
    t = layer_table(m, *inputs())
    assert t.parameters['total'] == sum(p.numel() for p in m.parameters()) == t.parameters[:-1].sum()
    assert t.multiply_adds['total'] == work

def test_layer_table_of_parameters_on_the_model_of_several_inputs_and_of_a_shared_layer():
    m, x = Twice(), torch.randn(2, 4)
    t = layer_table(m, x, y=x, times=3)
    assert list(t.index) == ['a', 'act', 'a', 'act', 'Twice', 'unused', 'total']
    assert t.parameters.tolist() == [20, 0, 0, 0, 3, 6, 29]
    assert t.output['unused'] == 'not called'
    assert t.multiply_adds.tolist() == [32, 0, 32, 0, 2*4*5, 0, 104]
    assert layer_table(m, (x, x)).equals(layer_table(m, x, x))

def test_layer_table_says_what_it_cannot_count():
    class Scale(nn.Module):
        def __init__(self): super().__init__(); self.by = nn.Parameter(torch.ones(4))
        def forward(self, x): return x * self.by
    t = layer_table(nn.Sequential(nn.Linear(4, 4), Scale()), torch.ones(1, 4))
    assert t.multiply_adds.isna().tolist() == [False, True, True] and t.type['total'] == '1 not counted'

def test_layer_table_counts_products_outside_of_layers():
    class Attention(nn.Module):
        def __init__(self): super().__init__(); self.q, self.k = nn.Linear(8, 8), nn.Linear(8, 8)
        def forward(self, x): return nn.functional.scaled_dot_product_attention(self.q(x)[:, None], self.k(x)[:, None], x[:, None])
    t = layer_table(nn.Sequential(Attention()), torch.randn(2, 7, 8))
    assert t.multiply_adds.tolist() == [2*7*64, 2*7*64, 2*2*49*8, 2*2*7*64 + 2*2*49*8] and list(t.index) == ['0.q', '0.k', '0', 'total']

def test_layer_table_counts_our_own_layers():
    from nnbolts.norms import BatchNorm
    from nnbolts.training import Linear, Sequential
    from nnbolts.weightnorm import add_weight_norm
    t = layer_table(Sequential(Linear(3, 2)), torch.ones(5, 3))
    assert t.parameters.tolist() == [8, 8] and t.multiply_adds.tolist() == [30, 30]
    m = nn.Sequential(add_weight_norm(nn.Linear(3, 4)), BatchNorm(4))
    t = layer_table(m, torch.randn(5, 3))
    assert t.parameters['total'] == sum(p.numel() for p in m.parameters()) and t.multiply_adds.tolist() == [60, 40, 100]

class Noisy(nn.Module):
    def __init__(self): super().__init__(); self.register_buffer('calls', torch.zeros(())); self.bn, self.drop = nn.BatchNorm1d(4), nn.Dropout()
    def forward(self, x):
        self.calls = self.calls + 1
        return self.bn(self.drop(x)) + torch.rand(4)

def test_layer_table_changes_nothing():
    torch.manual_seed(0)
    m = nn.Sequential(Noisy(), nn.Linear(4, 2)).train()
    m[0].bn.eval()
    m(torch.randn(3, 4)).sum().backward()
    calls, modes = m[0].calls, [x.training for x in m.modules()]
    state, grads, rng = {k: v.clone() for k, v in m.state_dict().items()}, [p.grad.clone() for p in m.parameters() if p.grad is not None], torch.get_rng_state()
    for good in (True, False):
        if good: layer_table(m, torch.randn(3, 4, generator=torch.Generator().manual_seed(1)))
        else:
            with pytest.raises(RuntimeError): layer_table(m, torch.zeros(3, 5))
        assert all(torch.equal(state[k], v) for k, v in m.state_dict().items()) and m[0].calls is calls
        assert all(map(torch.equal, grads, [p.grad for p in m.parameters() if p.grad is not None]))
        assert torch.equal(rng, torch.get_rng_state()) and modes == [x.training for x in m.modules()] and count(m) == 0
        assert torch.backends.mha.get_fastpath_enabled()

# --- what a unit is; two calls in a step; compiled models

def dead_after(*layers, x):
    with ActivationStats(nn.Sequential(*layers), nn.ReLU) as s: s.model(x)
    return s.stat('dead')[:, 0].tolist()

def test_units_are_on_the_last_axis_after_a_linear_layer_and_on_axis_1_after_a_convolution():
    linear, conv = nn.Linear(3, 4), nn.Conv1d(5, 4, 1)
    for layer in (linear, conv):
        nn.init.ones_(layer.weight); nn.init.constant_(layer.bias, 0)
        with torch.no_grad(): layer.bias[:3] = -100
    x = torch.ones(2, 5, 3)
    assert dead_after(linear, nn.ReLU(), x=x) == [0.75] == dead_after(conv, nn.ReLU(), x=x)
    assert dead_after(linear, nn.LayerNorm(4), nn.ReLU(), x=x) == [0.75]
    assert dead_after(conv, nn.MaxPool1d(1), nn.ReLU(), nn.Flatten(), nn.ReLU(), x=x) == [0.75, 0.75]
    m = nn.Sequential(linear, nn.ReLU())
    with ActivationStats(m, nn.ReLU, axis=1) as s: m(x)
    assert s.stat('dead').item() == 0

def test_a_layer_called_twice_has_two_rows():
    class Shared(nn.Module):
        def __init__(self): super().__init__(); self.relu = nn.ReLU()
        def forward(self, x): return self.relu(self.relu(x) - 5)
    m = Shared()
    with ActivationStats(m) as s:
        m(torch.full((2, 3), 7.)); m(torch.full((2, 3), 8.))
    assert list(s.layers) == ['relu', 'relu (call 2)'] and s.stat('mean').tolist() == [[7, 8], [2, 3]]
    x = torch.full((2, 3), 7., requires_grad=True)
    with GradientStats(m) as g: m(x).sum().backward()
    assert list(g.layers) == ['relu', 'relu (call 2)'] and g.stat('mean').tolist() == [[1], [1]]

def test_a_gradient_belongs_to_the_step_of_its_forward_pass():
    m = nn.Linear(2, 2)
    with GradientStats(m) as s:
        a, b = m(torch.ones(1, 2)), m(torch.ones(1, 2))
        (a.sum() + 2*b.sum()).backward()
    assert s.stat('mean').tolist() == [[1, 2]]

def test_a_recurrent_layer_and_attention_are_seen():
    m = nn.LSTM(3, 4)
    with ActivationStats(m) as s: out, _ = m(torch.randn(5, 2, 3))
    assert s.stat('mean').item() == pytest.approx(out.mean().item())
    m = nn.MultiheadAttention(4, 2)
    with ActivationStats(m) as s: out, _ = m(*[torch.randn(5, 2, 4)]*3)
    assert list(s.layers) == ['MultiheadAttention'] and s.stat('std').item() == pytest.approx(out.std(correction=0).item(), rel=1e-5)

@pytest.mark.parametrize('compile', ['function', 'method'])
def test_a_compiled_model_is_refused(compile):
    m = model()
    if compile == 'method': m.compile(backend='eager')
    c = m if compile == 'method' else torch.compile(m, backend='eager')
    x = torch.ones(2, 4)
    c(x)
    calls = []
    for make in (lambda: Hooks(c, print), lambda: Hooks(c.modules(), print), lambda: ActivationStats(c), lambda: layer_table(c, x),
                 lambda: GradientStats(nn.Sequential(c)), lambda: ActivationStats(c, ['0'])):
        with pytest.raises(ValueError, match='torch.compile has compiled'): make()

def test_a_compiled_model_in_a_learner_is_refused():
    m = model()
    learn = learner(m, ActivationStats(m))
    learn.model = torch.compile(m, backend='eager')
    with pytest.raises(ValueError, match='learn.model: torch.compile has compiled'): learn.fit(1)

def test_watching_one_model_and_calling_its_compiled_one_warns():
    m = model()
    c, x = torch.compile(m, backend='eager'), torch.ones(2, 4)
    c(x)
    with pytest.warns(UserWarning, match='no layer of this Sequential was called'):
        with ActivationStats(m): c(x)

# --- memory

@pytest.mark.parametrize('what', ['ActivationStats', 'GradientStats', 'UpdateRatio'])
def test_statistics_keep_the_memory_flat(what):
    "No small tensor is kept from each step: on the CPU it would pin all that was allocated round it."
    import subprocess, sys
    from conftest import ROOT
    script = f'''
import torch
from torch import nn
from nnbolts.hooks import ActivationStats, GradientStats, UpdateRatio
def resident():
    return int(next(l for l in open('/proc/self/status') if l.startswith('VmRSS')).split()[1]) // 1024
m = nn.Sequential(nn.Linear(64, 4096), nn.ReLU(), nn.Linear(4096, 10))
opt, s, x = torch.optim.SGD(m.parameters(), 1e-3), {what}(m), torch.randn(32, 64)
def steps(n):
    for _ in range(n):
        if isinstance(s, ActivationStats):
            with s: m(x).square().mean().backward()
        else: m(x).square().mean().backward(); s.after_backward(None)
        opt.step()
        if not isinstance(s, ActivationStats): s.after_step(None)
        opt.zero_grad()
steps(50); before = resident(); steps(450)
print(resident() - before)
'''
    out = subprocess.run([sys.executable, '-c', script], cwd=ROOT, capture_output=True, text=True, check=True, env={**__import__('os').environ, 'OMP_NUM_THREADS': '1'})
    assert int(out.stdout) < 40, f'{out.stdout} MB grown in 450 steps'

# --- beside the other callbacks of a learner

def test_update_ratio_counts_steps_of_the_optimizer():
    from nnbolts.guards import GradientAccumulation
    m = model()
    ratio = UpdateRatio(m, every=2)
    learner(m, ratio, GradientAccumulation(2)).fit(2)  # 8 batches, 4 steps
    assert ratio.steps == [0, 2]

def test_statistics_sleep_while_a_learner_validates_or_looks_for_a_rate():
    m = model()
    watchers = ActivationStats(m), GradientStats(m), UpdateRatio(m)
    learn = learner(m, *watchers)
    learn.fit(1)
    seen = [list(w.steps) for w in watchers]
    learn.validate()
    learn.lr_find()
    assert [list(w.steps) for w in watchers] == seen == [[0, 1, 2, 3]]*3 and count(m) == 0
