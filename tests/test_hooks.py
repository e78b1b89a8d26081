"Hooks come off however a fit ends, and the statistics are those taken by hand."
import os, subprocess, sys
import pytest, torch
from conftest import ROOT
from torch import nn
from nnbolts.callbacks import Callback, CancelBatch, CancelEpoch, CancelFit, Events
from nnbolts.hooks import ActivationStats, GradientStats, Hooks, UpdateRatio, gradient_flow, layer_table
from nnbolts.learner import DataLoaders, Learner
from nnbolts.training import SGD, Dataset

def model(): return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
def count(m):
    kinds = ('_forward_hooks', '_forward_pre_hooks', '_backward_hooks', '_backward_pre_hooks')
    return sum(len(getattr(x, kind)) for x in m.modules() for kind in kinds)
def learner(m, *cbs):
    torch.manual_seed(0)
    ds = Dataset(torch.randn(40, 4), torch.randint(0, 3, (40,)))
    return Learner(m, DataLoaders.of(ds, ds, batch_size=10), nn.functional.cross_entropy, lr=0.1, cbs=cbs)

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
        self.a, self.act, self.unused = nn.Linear(4, 4), nn.ReLU(), nn.Linear(2, 2)
        self.scale = nn.Parameter(torch.ones(3))
    def forward(self, x, y, times=1):
        x = self.act(self.a(self.act(self.a(x + y))))
        return x @ torch.ones(4, 5) * times * self.scale[0]

def r(*shape): return lambda: (torch.randn(*shape),)
norms, old_norms, tall = torch.nn.utils.parametrizations, torch.nn.utils, 5*(7*8*24 + 2*7*7*8 + 7*8*8)
MODELS = {  # a model, its inputs, its multiply-adds
    'attention': (lambda: nn.MultiheadAttention(8, 2, batch_first=True), lambda: (torch.randn(5, 7, 8),)*3, tall),
    'transformer': (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), r(5, 7, 8),
                    tall + 5*(2*7*8*16 + 2*2*7*8)),
    'weight_norm': (lambda: nn.Sequential(norms.weight_norm(nn.Linear(8, 3)), nn.ReLU()), r(5, 8), 5*24),
    'old weight_norm': (lambda: nn.Sequential(old(old_norms.weight_norm, nn.Linear(8, 3))), r(5, 8), 5*24),
    'spectral_norm': (lambda: nn.Sequential(norms.spectral_norm(nn.Linear(8, 3))), r(5, 8), 5*24),
    'old spectral_norm': (lambda: nn.Sequential(old_norms.spectral_norm(nn.Conv2d(2, 4, 3))), r(1, 2, 5, 5), 9*4*18),
    'lstm': (lambda: nn.LSTM(8, 3, 2, bidirectional=True, batch_first=True), r(5, 7, 8),
             35*2*(8*12 + 3*12 + 6*12 + 3*12)),
    'lstm with projection': (lambda: nn.LSTM(8, 3, proj_size=2), r(5, 7, 8), 35*(8*12 + 2*12 + 3*2)),
    'gru': (lambda: nn.GRU(8, 3), r(5, 7, 8), 35*(8*9 + 3*9)),
    'rnn': (lambda: nn.RNN(8, 3), r(5, 7, 8), 35*(8*3 + 3*3)),
    'lstm cell': (lambda: nn.LSTMCell(8, 3), r(5, 8), 5*(8*12 + 3*12)),
    'bilinear': (lambda: nn.Bilinear(8, 6, 3), lambda: (torch.randn(5, 2, 8), torch.randn(5, 2, 6)), 10*8*6*3),
    'transposed': (lambda: nn.ConvTranspose2d(4, 6, 3, groups=2), r(1, 4, 5, 5), 25*4*27),
    'embedding': (lambda: nn.Sequential(nn.Embedding(9, 8), nn.LayerNorm(8)),
                  lambda: (torch.zeros(2, 5, dtype=torch.long),), 2*80),
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
        def forward(self, x):
            q, k = self.q(x)[:, None], self.k(x)[:, None]
            return nn.functional.scaled_dot_product_attention(q, k, x[:, None])
    t = layer_table(nn.Sequential(Attention()), torch.randn(2, 7, 8))
    assert t.multiply_adds.tolist() == [2*7*64, 2*7*64, 2*2*49*8, 2*2*7*64 + 2*2*49*8]
    assert list(t.index) == ['0.q', '0.k', '0', 'total']

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
    "Has a buffer that is replaced, one that is None until it is called, and one that is not there until then."
    def __init__(self):
        super().__init__()
        self.register_buffer('calls', torch.zeros(()))
        self.register_buffer('cache', None)
        self.bn, self.drop = nn.BatchNorm1d(4), nn.Dropout()
    def forward(self, x):
        self.calls, self.cache = self.calls + 1, x
        if not hasattr(self, 'late'): self.register_buffer('late', x)
        return self.bn(self.drop(x)) + torch.rand(4)

def test_layer_table_changes_nothing():
    torch.manual_seed(0)
    m = nn.Sequential(Noisy(), nn.Linear(4, 2)).train()
    m[0].bn.eval()
    m(torch.randn(3, 4)).sum().backward()
    m[0].cache = None
    del m[0].late
    calls, modes = m[0].calls, [x.training for x in m.modules()]
    state = {k: v.clone() for k, v in m.state_dict().items()}
    grads, rng = [p.grad.clone() for p in m.parameters() if p.grad is not None], torch.get_rng_state()
    for good in (True, False):
        if good: layer_table(m, torch.randn(3, 4, generator=torch.Generator().manual_seed(1)))
        else:
            with pytest.raises(RuntimeError): layer_table(m, torch.zeros(3, 5))
        assert all(torch.equal(state[k], v) for k, v in m.state_dict().items()) and m[0].calls is calls
        assert m[0].cache is None and not hasattr(m[0], 'late')
        assert all(map(torch.equal, grads, [p.grad for p in m.parameters() if p.grad is not None]))
        assert torch.equal(rng, torch.get_rng_state()) and modes == [x.training for x in m.modules()]
        assert count(m) == 0
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
    assert list(s.layers) == ['MultiheadAttention']
    assert s.stat('std').item() == pytest.approx(out.std(correction=0).item(), rel=1e-5)

@pytest.mark.parametrize('compile', ['function', 'method'])
def test_a_compiled_model_is_refused(compile):
    m = model()
    if compile == 'method': m.compile(backend='eager')
    c = m if compile == 'method' else torch.compile(m, backend='eager')
    x = torch.ones(2, 4)
    c(x)
    for make in (lambda: Hooks(c, print), lambda: Hooks(c.modules(), print), lambda: ActivationStats(c),
                 lambda: GradientStats(nn.Sequential(c)), lambda: ActivationStats(c, ['0'])):
        with pytest.raises(ValueError, match='expected a module that is not compiled'): make()

@pytest.mark.parametrize('where', ['function', 'method', 'inside'])
def test_the_table_of_a_compiled_model_is_that_of_the_model(where):
    m, x = nn.Sequential(nn.Linear(4, 4), model()), torch.ones(2, 4)
    want, c = layer_table(m, x), m
    if where == 'method': m.compile(backend='eager')
    elif where == 'function': c = torch.compile(m, backend='eager')
    else: m[1] = torch.compile(m[1], backend='eager')
    inner, seen = c[1] if where == 'inside' else None, []
    c(x)
    assert layer_table(c, x).equals(want) and count(m) == 0
    with pytest.raises(RuntimeError): layer_table(c, torch.ones(2, 3))
    assert inner is None or c[1] is inner  # what was compiled is in its place again
    with torch.no_grad(): assert torch.equal(c(x), torch.compile(nn.Sequential(*m), backend='eager')(x))
    if where == 'method': assert m._compiled_call_impl is not None

def test_a_compiled_model_in_a_learner_is_refused():
    m = model()
    learn = learner(m, ActivationStats(m))
    learn.model = torch.compile(m, backend='eager')
    with pytest.raises(ValueError, match='learn.model: expected a module that is not compiled'): learn.fit(1)

def test_watching_one_model_and_calling_its_compiled_one_warns():
    m = model()
    c, x = torch.compile(m, backend='eager'), torch.ones(2, 4)
    c(x)
    for call in (c, m.forward, m[0]):
        with pytest.warns(UserWarning, match='this Sequential was not called in the block'):
            with ActivationStats(m): call(x)

def test_a_block_looks_at_each_so_many_th_call_and_has_hooks_on_for_that_alone():
    m, x = model(), torch.ones(2, 4)
    with ActivationStats(m, every=3) as s:
        on = []
        for _ in range(5):
            m(x)
            on.append(count(m))
    assert s.steps == [0, 3] and on == [4, 1, 1, 4, 1] and count(m) == 0
    with ActivationStats(m[0]) as one: m[0](x)  # a layer on its own
    assert one.steps == [0] and list(one.layers) == ['Linear']

# --- memory

@pytest.mark.parametrize('what', ['ActivationStats', 'GradientStats', 'UpdateRatio'])
def test_statistics_keep_the_memory_flat(what):
    "No small tensor is kept from each step: on the CPU it would pin all that was allocated round it."
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
        else:
            m(x).square().mean().backward()
            s.after_backward()
        opt.step()
        if not isinstance(s, ActivationStats): s.after_step()
        opt.zero_grad()
steps(50); before = resident(); steps(450)
print(resident() - before)
'''
    out = subprocess.run([sys.executable, '-c', script], cwd=ROOT, capture_output=True, text=True, check=True,
                         env={**os.environ, 'OMP_NUM_THREADS': '1'})
    assert int(out.stdout) < 40, f'{out.stdout} MB grown in 450 steps'

# --- beside the other callbacks of a learner

class EverySecond(Callback):
    "Gathers the gradients of two batches for each step, by leaving out the first step of the two."
    order = -10
    def before_fit(self, learn): self.n = 0
    def after_backward(self, learn):
        self.n += 1
        if self.n % 2: raise CancelBatch('no step yet')

def test_update_ratio_counts_steps_of_the_optimizer():
    m = model()
    ratio = UpdateRatio(m, every=2)
    learner(m, ratio, EverySecond()).fit(2)  # 8 batches, 4 steps
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

# --- any loop

def batches(n=3):
    torch.manual_seed(0)
    return [(torch.randn(10, 4), torch.randint(0, 3, (10,))) for _ in range(n)]

def plain(m, opt, n=3, around=lambda step: step()):
    for x, y in batches(n):
        nn.functional.cross_entropy(m(x), y).backward()
        around(opt.step)
        opt.zero_grad()

def start(zero=False):
    torch.manual_seed(1)
    m = model()
    if zero: nn.init.zeros_(m[2].weight)
    return m

class Loop(Events):
    "A loop of somebody else's, with the events that the statistics need and nothing more."
    events = 'before_fit', 'before_batch', 'after_backward', 'after_step', 'after_batch', 'cleanup_batch'
    def __init__(self, m, opt): self.m, self.opt = m, opt
    def one(self):
        nn.functional.cross_entropy(self.m(self.x), self.y).backward()
        self.emit('after_backward')
        self.opt.step()
        self.emit('after_step')
        self.opt.zero_grad()
    def run(self, n=3):
        self.emit('before_fit')
        for self.x, self.y in batches(n): self.stage('batch', CancelBatch, self.one)

@pytest.mark.parametrize('opt_func', [torch.optim.SGD, torch.optim.Adam, SGD])
def test_the_statistics_are_the_same_in_any_loop(opt_func):
    "A `with` block round a plain loop, and a loop with events: three steps, the same numbers."
    a, b, c = start(), start(), start()
    opts = [opt_func(m.parameters(), lr=0.1) for m in (a, b, c)]
    acts, grads, ratio = ActivationStats(a), GradientStats(a), UpdateRatio(a, opt=opts[0])
    with acts, grads, ratio: plain(a, opts[0])
    plain(b, opts[1])
    watchers = ActivationStats(c), GradientStats(c), UpdateRatio(c)
    Loop(c, opts[2]).add(watchers).run()
    for m in (b, c): assert all(map(torch.equal, a.parameters(), m.parameters()))
    assert [w.steps for w in (acts, grads, ratio, *watchers)] == [[0, 1, 2]]*6 and count(a) == count(c) == 0
    assert torch.equal(ratio.ratios(), watchers[2].ratios())
    for one, other in ((acts, watchers[0]), (grads, watchers[1])):
        for which in ('mean', 'std', 'dead', 'hist'): assert torch.equal(one.stat(which), other.stat(which))

def test_an_optimizer_without_hooks_is_watched_by_hand():
    m = start()
    class Own:
        def step(self):
            with torch.no_grad(): m[0].weight.mul_(1.5)
        def zero_grad(self): pass
    ratio = UpdateRatio(m, opt=Own())
    with pytest.raises(TypeError, match='opt: expected an optimizer of torch.optim, got Own; or call after_backward'):
        ratio.__enter__()
    def around(step):
        ratio.after_backward()
        step()
        ratio.after_step()
    plain(m, Own(), 2, around)
    assert ratio.ratios()[0].tolist() == pytest.approx([0.5, 0.5])

def test_update_ratio_takes_its_hooks_off_the_optimizer():
    m = start()
    opt = torch.optim.SGD(m.parameters(), lr=0.1)
    ratio = UpdateRatio(m, opt=opt)
    with pytest.raises(KeyboardInterrupt):
        with ratio: raise KeyboardInterrupt
    plain(m, opt)
    assert not ratio.steps and not opt._optimizer_step_pre_hooks and not opt._optimizer_step_post_hooks
    with ratio: plain(m, opt, 2)
    assert ratio.steps == [0, 1]

def test_a_weight_that_starts_at_zero_has_no_ratio():
    "From nothing to something is no share of it: nan, and a number from the second step on."
    m = start(zero=True)
    ratio = UpdateRatio(m, opt=torch.optim.SGD(m.parameters(), lr=0.1))
    with ratio: plain(m, ratio.opt)
    first, last = ratio.ratios()
    assert last[0].isnan() and last[1:].isfinite().all() and first.isfinite().all() and not ratio.ratios().isinf().any()

def test_update_ratio_is_the_norm_of_the_step_over_that_of_the_weight():
    m = start()
    before = m[0].weight.detach().clone()
    ratio = UpdateRatio(m, opt=torch.optim.SGD(m.parameters(), lr=0.1))
    with ratio: plain(m, ratio.opt, 1)
    assert ratio.ratios()[0, 0].item() == pytest.approx(((m[0].weight - before).norm()/before.norm()).item(), rel=1e-6)

# --- the pictures show what they say

def test_gradient_flow_draws_each_parameter_at_its_place():
    import matplotlib
    matplotlib.use('agg')
    m = start()
    nn.functional.cross_entropy(m(torch.ones(2, 4)), torch.tensor([0, 1])).backward()
    ax = gradient_flow(m)
    largest, weights, biases = ax.containers
    grads = [p.grad.abs() for p in m.parameters()]
    assert [bar.get_height() for bar in largest] == pytest.approx([g.max().item() for g in grads])
    centers = lambda bars: [round(bar.get_x() + bar.get_width()/2) for bar in bars]
    assert centers(weights) == [0, 2] and centers(biases) == [1, 3]
    assert [bar.get_height() for bar in biases] == pytest.approx([grads[i].mean().item() for i in (1, 3)])
    assert [t.get_text() for t in ax.get_xticklabels()] == ['0.weight', '0.bias', '2.weight', '2.bias']

def test_the_heat_map_has_low_values_below_and_steps_from_left_to_right():
    import matplotlib
    matplotlib.use('agg')
    m = nn.Identity()
    with ActivationStats(m, limits=(0., 4.), bins=4) as s:
        for value in (0.5, 3.5): m(torch.full((5, 1), value))
    ax = s.plot_hist().axes[0]
    image, (left, right, low, high) = ax.images[0], ax.images[0].get_extent()
    assert (left, right, low, high) == (0, 2, 0, 4) and image.origin == 'lower'
    bright = (torch.as_tensor(image.get_array().filled(0)) > 0).nonzero().tolist()
    assert bright == [[0, 0], [3, 1]]  # rows are values from below, columns are steps

def test_the_lines_of_the_dead_are_in_the_order_of_the_layers():
    import matplotlib
    matplotlib.use('agg')
    m = nn.Sequential(nn.ReLU(), nn.Threshold(9., 0.))
    with ActivationStats(m) as s: m(torch.tensor([[1., -1.], [2., -1.]]))
    lines = s.plot_dead().lines
    assert [(line.get_label(), line.get_ydata()[0]) for line in lines] == [('0 ReLU', 0.5), ('1 Threshold', 1.)]
