"The statistics against torch, numpy and exact fractions, on whatever hypothesis thinks of."
import functools, itertools, math, pickle, random, statistics, warnings
from fractions import Fraction
import numpy as np, pytest, torch
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp
from nnbolts.check import same
from nnbolts.statistics import RunningStats, correlation, covariance, mean_abs_dev, std, variance

quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)
t, u = torch.tensor([1., 2., 4., 18.]), torch.tensor([2., 1., 6., 7.])
shapes = hnp.array_shapes(min_dims=0, max_dims=4, max_side=6)
ordinary = st.floats(-1e4, 1e4, width=32)

def tensors(shape=shapes, dtype=np.float64): return hnp.arrays(dtype, shape, elements=ordinary).map(torch.from_numpy)
def corrcoef(x, y): return torch.corrcoef(torch.stack([x.reshape(-1), y.reshape(-1)]))[0, 1]
def cov(x, y, c=0): return torch.cov(torch.stack([x.reshape(-1), y.reshape(-1)]), correction=c)[0, 1]
def draw(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)

# --- the functions

AWKWARD = [
    t, t + 1e6, -t, torch.tensor(3.), torch.full((7,), 2.5), draw(50), draw(50, dtype=torch.float64), draw(3, 4, 5),
    draw(6, 8).T, draw(12, 9)[::3, ::2], t * 1e12, t * 1e-12]

@pytest.mark.parametrize('x', AWKWARD, ids=range(len(AWKWARD)))
def test_like_torch_in_value_and_gradient(x):
    for c in (0, 1) if x.numel() > 1 else (0,):
        same(lambda x: variance(x, c), lambda x: x.var(correction=c), x)
        same(lambda x: std(x, c), lambda x: x.std(correction=c), x)
    same(mean_abs_dev, lambda x: (x - x.mean()).abs().mean(), x)

@pytest.mark.parametrize('x', [x for x in AWKWARD if x.numel() > 1 and x.std() > 0], ids=lambda x: str(tuple(x.shape)))
def test_pairs_like_torch_in_value_and_gradient(x):
    for y in (x, -x, x.flip(0), x.cos(), draw(*x.shape, seed=1)):
        for c in (0, 1): same(lambda x, y: covariance(x, y, c), lambda x, y: cov(x, y, c), (x, y))
        # beyond, torch's float32 is the one that rounds
        if min(x.abs().max(), 1/x.abs().max()) > 1e-8 and x.mean().abs() < 1e4: same(correlation, corrcoef, (x, y))

@quick
@given(tensors())
def test_like_numpy(x):
    ours, size = x.numpy(), 1 + x.abs().max().item()
    assert variance(x).item() == pytest.approx(ours.var(), abs=1e-12 * size**2)
    assert std(x).item() == pytest.approx(ours.std(), abs=1e-12 * size)
    assert mean_abs_dev(x).item() == pytest.approx(np.abs(ours - ours.mean()).mean(), abs=1e-12 * size)
    if x.numel() > 1: assert variance(x, 1).item() == pytest.approx(ours.var(ddof=1), abs=1e-12 * size**2)
    assert 0 <= mean_abs_dev(x) <= std(x) * (1 + 1e-9) + 1e-12 * size

@quick
@given(tensors(dtype=np.float32))
def test_float32_is_float64_rounded(x):
    assert variance(x).dtype == std(x).dtype == torch.float32
    assert variance(x).item() == pytest.approx(x.double().numpy().var(), rel=1e-6, abs=1e-9)
    assert std(x).item() == pytest.approx(x.double().numpy().std(), rel=1e-6, abs=1e-6)

@quick
@given(
    st.integers(2, 30).flatmap(lambda n: st.tuples(tensors(n), tensors(n))),
    st.floats(.1, 1e3), st.floats(-1e3, 1e3))
def test_correlation_is_free_of_units_and_bounded(pair, scale, shift):
    x, y = pair
    r = correlation(x, y)
    constant = (x == x[0]).all() or (y == y[0]).all()
    if std(x) < 1e-3 or std(y) < 1e-3: return  # rounding of x decides there
    assert not constant and -1 <= r <= 1
    others = (correlation(y, x), correlation(scale * x + shift, y),
              -correlation(-scale * x, y), correlation(x, y * 1e-20))
    for other in others: assert other.item() == pytest.approx(r.item(), abs=1e-5)
    assert r.item() == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-6)
    assert covariance(x, y).item() == pytest.approx(np.cov(x, y, ddof=0)[0, 1], rel=1e-9, abs=1e-6)

def test_rounding_does_not_go_beyond_one():
    for seed in range(100):
        x = draw(20, seed=seed, dtype=torch.float64)
        r = correlation(x, 3*x + 1)
        assert 1 - 1e-9 < r <= 1 and -r == correlation(x, -3*x - 1)

def test_figures_of_the_chapter():
    assert (t.mean(), variance(t), mean_abs_dev(t)) == (6.25, 47.1875, 5.875)
    for ours, said in [(std(t), 6.8693), (variance(t, 1), 62.9167), (std(t, 1), 7.9320)]:
        assert round(ours.item(), 4) == said
    assert variance(t + 1e4) == variance(t + 1e6) == 47.1875

def test_far_or_wild_numbers():
    assert std(torch.tensor([1e30, 2e30, 5e30])).item() == pytest.approx(1.6997e30, rel=1e-4)
    assert variance(torch.tensor([1e30, 2e30])).isinf()
    assert correlation(t * 1e30, u * 1e-30).item() == pytest.approx(correlation(t, u).item(), abs=1e-6)
    for f in (variance, std, mean_abs_dev):
        for bad in (math.nan, math.inf, -math.inf): assert f(torch.tensor([1., bad, 2.])).isnan()
    many = draw(300_000) + 1000
    assert std(many).item() == pytest.approx(many.double().numpy().std(), rel=1e-6)
    for dtype in (torch.float16, torch.bfloat16):
        h = (draw(1000) * 300).to(dtype)
        assert std(h) == h.double().std(correction=0).to(dtype) and mean_abs_dev(h).dtype == dtype

def test_constant_input():
    for value in (0., 1., .1, 1e8, 1/3):
        x = torch.full((11,), value, requires_grad=True)
        assert variance(x) == std(x) == mean_abs_dev(x) == 0
        std(x).backward()
        assert (x.grad == 0).all()
        assert correlation(x, draw(11)).isnan() and covariance(x, draw(11)) == 0

def test_second_derivative():
    x, y = draw(6, dtype=torch.float64).requires_grad_(), draw(6, seed=1, dtype=torch.float64).requires_grad_()
    for f in (variance, std): assert torch.autograd.gradgradcheck(f, x)
    for f in (covariance, correlation): assert torch.autograd.gradgradcheck(f, (x, y))

@pytest.mark.parametrize('call,message', [
    (lambda: variance(torch.zeros(0, 3)), r'x: expected 1 or more numbers, got 0 .*\(0, 3\)'),
    (lambda: std(torch.tensor([])), 'x: .* got 0'),
    (lambda: mean_abs_dev(torch.tensor([])), 'x: .* got 0'),
    (lambda: variance(torch.ones(1), 1), 'x: expected 2 or more numbers, got 1'),
    (lambda: std(torch.ones(2), 2), 'x: expected 3 or more numbers, got 2'),
    (lambda: covariance(t, t[:3]), r'y: expected the shape of x, \(4,\), got \(3,\)'),
    (lambda: correlation(t, t[:, None]), r'y: expected the shape of x, \(4,\), got \(4, 1\)'),
    (lambda: covariance(t, torch.tensor([])), 'y: .* got 0'),
    (lambda: correlation(t[:1], t[:1]), 'x: expected 2 or more'),
    (lambda: covariance(t[:1], t[:1], 1), 'x: expected 2 or more'),
    (lambda: RunningStats().mean, 'self: expected 1 or more numbers, got 0'),
    (lambda: RunningStats().var(), 'self: expected 1 or more numbers, got 0'),
    (lambda: RunningStats().update(torch.zeros(0)).std(), 'self: expected 1 or more numbers, got 0'),
    (lambda: RunningStats().update(1.).var(1), 'self: expected 2 or more numbers, got 1'),
    (lambda: RunningStats().update(1.).std(1.5), 'self: expected 2 or more numbers, got 1'),
    (lambda: RunningStats(0).update(torch.ones(2, 3)).update(torch.ones(2, 4)), r'batch: .*\(3,\).*\(4,\)'),
    (lambda: RunningStats(0).update(torch.ones(2, 3)) + RunningStats(0).update(torch.ones(2, 4)), r'\(3,\).*\(4,\)'),
    (lambda: RunningStats(0) + RunningStats(1), r'other: .*\(0,\).*\(1,\)'),
    (lambda: RunningStats(1).update(t), r'batch: expected a tensor that has a dimension 1, got shape \(4,\)'),
    (lambda: RunningStats(()), r'dim: expected at least one dimension, got \(\)'),
])
def test_value_errors(call, message):
    with pytest.raises(ValueError, match=message): call()

@pytest.mark.parametrize('call,message', [
    (lambda: variance(torch.tensor([1, 2])), 'x: .*int64; use x.float'),
    (lambda: std(torch.tensor([True])), 'x: .*bool'),
    (lambda: mean_abs_dev([1., 2.]), 'x: .*list'),
    (lambda: variance(torch.tensor([1j])), 'x: .*complex64'),
    (lambda: covariance(t, [1., 2., 3., 4.]), 'y: .*list'),
    (lambda: correlation(t, torch.arange(4)), 'y: .*int64'),
    (lambda: variance(t, '1'), "correction: expected a number, got '1'"),
    (lambda: RunningStats().update(t).var(None), 'correction: expected a number, got None'),
    (lambda: RunningStats('a'), "dim: expected an int, a tuple of ints or None, got 'a'"),
    (lambda: RunningStats(True), 'dim: expected an int, .*True'),
    (lambda: RunningStats().merge(1), 'other: expected a RunningStats, got 1'),
    (lambda: RunningStats() + 1, 'unsupported operand'),
    (lambda: RunningStats().update(torch.tensor([1j])), 'batch: .*complex64'),
])
def test_type_errors(call, message):
    with pytest.raises(TypeError, match=message): call()

# --- RunningStats

def exact(values):
    "Mean and variance in fractions, rounded once."
    values = [Fraction(v) for v in values]
    mean = sum(values) / len(values)
    return float(mean), float(sum((v - mean)**2 for v in values) / len(values))

def agrees(s, values):
    "Whether the figures are right up to what float64 rounding of numbers of this size can do."
    mean, var = exact(values)
    slip = 1e-14 * max(map(abs, values)) * (1 + math.log2(len(values)))  # how far a mean may be off
    assert s.count == len(values)
    assert s.mean.item() == pytest.approx(mean, rel=0, abs=4 * slip)
    assert s.var().item() == pytest.approx(var, rel=1e-12, abs=8 * slip * math.sqrt(var) + 16 * slip**2)
    if len(values) == 1: return
    unbiased = var * len(values) / (len(values) - 1)
    assert s.var(1).item() == pytest.approx(unbiased, rel=1e-12, abs=16 * slip * math.sqrt(var) + 32 * slip**2)

def cut(values, cuts): return [values[a:b] for a, b in itertools.pairwise([0, *sorted(cuts), len(values)])]

numbers = st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=60)
far = st.sampled_from([0., 1e2, 1e4, 1e6, -1e6])

@settings(quick, max_examples=150)
@given(numbers, far, st.data(), st.randoms(use_true_random=False))
def test_batches_of_any_size_merged_in_any_order(values, offset, data, rand):
    x = torch.tensor(values) + offset   # float32, as a network has them; empty batches are among the cuts
    cuts = data.draw(st.lists(st.integers(0, len(values)), max_size=12))
    parts = [RunningStats().update(torch.tensor(p)) for p in cut(x.tolist(), cuts)]
    while len(parts) > 1:
        rand.shuffle(parts)
        a, b = parts.pop(), parts.pop()
        parts.append(a + b if rand.random() < .5 else a.merge(b))
    agrees(parts[0], x.tolist())

@quick
@given(numbers, far, st.integers(1, 20))
def test_stream_of_batches(values, offset, size):
    x, s = torch.tensor(values) + offset, RunningStats()
    for batch in x.split(size): s.update(batch)
    agrees(s, x.tolist())

@quick
@given(
    hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=4, max_side=5),
               elements=st.floats(-50, 50, width=32)), st.data())
def test_dimensions_like_torch(a, data):
    x = torch.from_numpy(a) + 1e4
    dims = data.draw(st.sets(st.integers(0, x.dim() - 1), min_size=1).map(sorted))
    along = data.draw(st.sampled_from(dims))    # batches are cut along a pooled dimension
    s = RunningStats(tuple(d - data.draw(st.sampled_from([0, x.dim()])) for d in dims))
    for batch in x.split(2, along): s.update(batch)
    wide = x.double()
    torch.testing.assert_close(s.mean, wide.mean(dims), rtol=1e-12, atol=0)
    torch.testing.assert_close(s.var(), wide.var(dims, correction=0), rtol=1e-9, atol=1e-9)
    assert s.count == math.prod(x.shape[d] for d in dims)

@pytest.mark.parametrize('offset', [1e4, 1e6, 1e7])
def test_right_where_the_easy_formula_fails(offset):
    x = draw(2000) * 3 + offset
    easy, (_, var) = x.square().mean() - x.mean()**2, exact(x.tolist())
    assert abs(easy.item() - var) > .1 * var
    orders = [torch.randperm(2000, generator=torch.Generator().manual_seed(k)) for k in range(3)]
    for order, size in zip(orders, (1, 7, 900)):
        s = sum((RunningStats().update(b) for b in x[order].split(size)), RunningStats())
        assert s.var().item() == pytest.approx(var, rel=1e-8)
        assert s.var().item() == pytest.approx(x.double().numpy().var(), rel=1e-8)

def test_adding_leaves_both_alone():
    a, b = RunningStats().update(t[:1]), RunningStats().update(t[1:])
    before = [(s.count, s.mean.item(), s.var().item()) for s in (a, b)]
    c = a + b
    c.update(torch.ones(100)).merge(c)
    assert before == [(s.count, s.mean.item(), s.var().item()) for s in (a, b)]
    empty = RunningStats() + RunningStats()
    empty.merge(a).update(t)
    assert before[0] == (a.count, a.mean.item(), a.var().item())
    assert functools.reduce(RunningStats.__add__, [a, b]).var() == 47.1875

def test_with_itself_and_after_a_round_trip():
    s = RunningStats().update(t)
    s.merge(s)
    assert (s.count, s.mean, s.var()) == (8, 6.25, 47.1875)
    again = pickle.loads(pickle.dumps(s)).update(t)
    assert (again.count, again.var(), s.count) == (12, 47.1875, 8)

def test_keeps_no_graph_and_does_not_follow_its_input():
    x = t.clone().requires_grad_()
    s = RunningStats(0).update((x * 2)[:, None])
    assert not any(f.requires_grad for f in (s.mean, s.var(), s.std()))
    row = torch.ones(1, 3)
    s = RunningStats(0).update(row)
    row += 5
    s.mean.zero_()
    assert (s.mean == 1).all()

KINDS = [
    [1, 2, 4, 18], (1., 2., 4., 18.), np.array([1, 2, 4, 18]), t, t.double(), t.int(), t.byte(), t.half(), t.bfloat16(),
    t.view(2, 2).T, t.clone().requires_grad_()]

@pytest.mark.parametrize('batch', KINDS, ids=lambda b: str(getattr(b, 'dtype', type(b).__name__)))
def test_any_kind_of_batch(batch):
    s = RunningStats().update(batch)
    assert (s.count, s.mean, s.var(), s.mean.dtype) == (4, 6.25, 47.1875, torch.float64)

def test_one_number_at_a_time():
    s = RunningStats()
    for v in (1, 2., torch.tensor(4.), np.float32(18)): s.update(v)
    agrees(s, [1., 2., 4., 18.])

def test_nan_stays_visible():
    s = RunningStats().update(t).update(torch.tensor([math.nan])).update(t)
    assert s.mean.isnan() and s.var().isnan() and s.count == 9

def test_a_long_stream_does_not_drift():
    rand, s, values = random.Random(0), RunningStats(), []
    for _ in range(1000):
        batch = [1e5 + rand.gauss(0, 1) for _ in range(rand.randint(0, 5))]
        values += batch
        s.update(batch)
    assert s.var().item() == pytest.approx(statistics.pvariance(map(Fraction, values)).__float__(), rel=1e-8)

# --- dim, keepdim

@quick
@given(tensors(hnp.array_shapes(min_dims=1, max_dims=4, min_side=2, max_side=5)), st.data(), st.booleans())
def test_along_dimensions_like_torch(x, data, keepdim):
    several = st.lists(st.integers(0, x.dim() - 1), min_size=1, unique=True).map(tuple)
    dim = data.draw(st.none() | st.integers(-x.dim(), x.dim() - 1) | several)
    for c in (0, 1):
        def theirs(x): return torch.var(x, dim, correction=c, keepdim=keepdim)
        same(lambda x: variance(x, c, dim, keepdim), theirs, x)
    assert std(x, 1, dim, keepdim).shape == torch.std(x, dim, keepdim=keepdim).shape
    torch.testing.assert_close(std(x, 1, dim, keepdim), torch.std(x, dim, keepdim=keepdim), rtol=1e-7, atol=1e-7)

def test_dim_of_awkward_tensors():
    same(lambda x: std(x, 1, 0), lambda x: x.std(0), draw(6, 4), draw(12, 9)[::3, ::2], draw(4, 6).T)
    assert variance(torch.zeros(0, 3), dim=1).shape == (0,) and std(torch.zeros(0, 3), dim=1).shape == (0,)
    assert variance(torch.tensor(3.), dim=0) == std(torch.tensor(3.), dim=-1) == 0
    def refused(message, x, error=ValueError, **args):
        with pytest.raises(error, match=message): variance(x, **args)
    refused(r'x: expected 2 or more numbers along dim=1, got 1 in a tensor of shape \(4, 1\)',
            torch.zeros(4, 1), correction=1, dim=1)
    refused('x: expected 1 or more numbers along dim=0, got 0', torch.zeros(0, 3), dim=0)
    for dim, bad in ((2, 2), (-3, -3), ((0, 2), 2)):
        refused(rf'x: expected a tensor that has a dimension {bad}, got shape \(4, 3\)', torch.zeros(4, 3), dim=dim)
    for dim in (1., '0', (0, None)):
        refused('dim: expected an int, a tuple of ints or None, got', torch.zeros(4, 3), TypeError, dim=dim)
    refused(r'dim: expected each dimension once, got \(1, -1\)', torch.zeros(4, 3), dim=(1, -1))

@pytest.mark.parametrize('name, ours', [('var', variance), ('std', std)])
def test_samples_of_pytorch(name, ours):
    pytest.importorskip('expecttest')  # which PyTorch's generators import
    from torch.testing._internal.common_methods_invocations import op_db
    op = next(op for op in op_db if op.name == name and not op.variant_test_name)
    def call(x, dim=None, unbiased=None, correction=None, keepdim=False):
        c = int(unbiased) if unbiased is not None else 1 if correction is None else correction
        return ours(x, c, dim, keepdim)
    ran = 0
    for dtype in (torch.float64, torch.float32):
        torch.manual_seed(0)
        for s in op.sample_inputs('cpu', dtype, requires_grad=True):
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                want = op.op(s.input, *s.args, **s.kwargs)
            if not want.isfinite().all():  # too few numbers for the correction: torch says nan and warns
                with pytest.raises(ValueError, match='or more numbers'): call(s.input, *s.args, **s.kwargs)
                continue
            out = call(s.input, *s.args, **s.kwargs)
            torch.testing.assert_close(out, want)
            up = torch.randn(want.shape, generator=torch.Generator().manual_seed(1), dtype=dtype)
            torch.testing.assert_close(torch.autograd.grad(out, s.input, up), torch.autograd.grad(want, s.input, up))
            ran += 1
    assert ran >= 12

# --- where torch's works: torch.func, torch.compile, export, tensors without content, forward mode

PAIR = (draw(4, 6, seed=2), draw(4, 6, seed=3))
TRACED = {
    'variance': (variance, lambda x: x.var(correction=0), PAIR[:1]),
    'std': (std, lambda x: x.std(correction=0), PAIR[:1]),
    'std, dim': (lambda x: std(x, 1, -1, True), lambda x: x.std(-1, keepdim=True), PAIR[:1]),
    'mean_abs_dev': (mean_abs_dev, lambda x: (x - x.mean()).abs().mean(), PAIR[:1]),
    'covariance': (covariance, cov, PAIR), 'correlation': (correlation, corrcoef, PAIR)}
traced = pytest.mark.parametrize('ours, theirs, args', TRACED.values(), ids=TRACED)
close = torch.testing.assert_close
def total(f): return lambda *args: f(*args).sum()

class Wrapped(torch.nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f
    def forward(self, *args): return self.f(*args)

@traced
def test_gradients_of_single_items(ours, theirs, args):
    want = torch.stack([torch.func.grad(total(theirs))(*row) for row in zip(*args)])
    close(torch.func.vmap(torch.func.grad(total(ours)))(*args), want)

@traced
def test_compiled_and_exported(ours, theirs, args):
    for dynamic in (False, True):
        same(torch.compile(ours, fullgraph=True, backend='aot_eager', dynamic=dynamic), theirs, args)
    for strict in (False, True):
        close(torch.export.export(Wrapped(ours), args, strict=strict).module()(*args), theirs(*args))

@traced
def test_tensors_without_content(ours, theirs, args):
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.fx.experimental.proxy_tensor import make_fx
    want = theirs(*args)
    out = ours(*[a.to('meta') for a in args])
    assert (out.shape, out.dtype, out.device.type) == (want.shape, want.dtype, 'meta')
    with FakeTensorMode() as mode: out = ours(*[mode.from_tensor(a) for a in args])
    assert (out.shape, out.dtype) == (want.shape, want.dtype)
    close(make_fx(lambda *a: ours(*a))(*args)(*args), want)

@traced
def test_forward_mode(ours, theirs, args):
    from torch.func import hessian, jacfwd, jacrev, jvp
    x, *rest = [a.double() for a in args]
    f, g, v = lambda x: ours(x, *rest), lambda x: theirs(x, *rest), draw(4, 6, seed=7, dtype=torch.float64)
    close(jvp(f, (x,), (v,)), jvp(g, (x,), (v,)))
    close(jacfwd(f)(x), jacrev(g)(x))
    close(hessian(total(f))(x), jacrev(jacrev(total(g)))(x))

@traced
def test_nothing_waits_for_the_device(ours, theirs, args):
    from torch.utils._python_dispatch import TorchDispatchMode
    asked = []
    class Count(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            aten = torch.ops.aten
            if func.overloadpacket in (aten._local_scalar_dense, aten.nonzero, aten.equal): asked.append(func)
            return func(*args, **(kwargs or {}))
    with Count():
        ours(*args)
        RunningStats(dim=0).update(args[0]).update(args[0])
    assert not asked
