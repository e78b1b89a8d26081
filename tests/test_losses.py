"""Each loss against its namesake in torch.nn.functional: value and gradient, every reduction, ordinary and awkward
input; and what it says to bad input."""
import math
import pytest, torch, torch.nn.functional as F
from hypothesis import given, settings, strategies as st
from nnbolts.losses import bce, bce_with_logits, cross_entropy, huber, kl_div, l1, log_softmax, logsumexp
from nnbolts.losses import loss_table, mnist_loss, mse, nll, sigmoid, softmax

pytestmark = pytest.mark.filterwarnings("ignore:reduction. 'mean'")
quick = settings(max_examples=120, deadline=None, derandomize=True)
INF, NAN = math.inf, math.nan
REDUCTIONS = ('mean', 'sum', 'none')
reductions, dtypes = st.sampled_from(REDUCTIONS), st.sampled_from([torch.float32, torch.float64])
special = st.sampled_from([0., -0., 1e4, -1e4, -INF, 88., -88., 104., 1e-30])
finite = st.sampled_from([0., 1e4, -1e4, 88., -104.])
ordinary, shares = st.floats(-30, 30, width=32), st.floats(0, 1, width=32)

@st.composite
def tensors(draw, shape=None, values=ordinary, odd=special, dtype=None):
    "A tensor of a drawn shape (to four dimensions, empty ones too), with awkward values and at times odd strides."
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=4))) if shape is None else shape
    n = math.prod(shape)
    data = draw(st.lists(values if odd is None else values | odd, min_size=n, max_size=n))
    x = torch.tensor(data, dtype=dtype or draw(dtypes)).view(shape)
    layout = draw(st.sampled_from(['plain', 'transposed', 'gaps']))
    if layout == 'transposed' and x.dim() > 1: x = x.transpose(0, -1).contiguous().transpose(0, -1)
    if layout == 'gaps': x = torch.stack([x, x.flip(0) if x.dim() else -x], -1)[..., 0]
    return x

@st.composite
def pairs(draw, values=ordinary, odd=special, target=shares):
    "A tensor and a target of its shape and type."
    x = draw(tensors(values=values, odd=odd))
    return x, draw(tensors(tuple(x.shape), target, st.sampled_from([0., 1.]), x.dtype))

@st.composite
def classified(draw, odd=special):
    "Logits (C,), (N, C) or (N, C, d1, ...) with class indices, and the other arguments."
    c, batch = draw(st.integers(1, 5)), draw(st.lists(st.integers(0, 4), max_size=1))
    rest = draw(st.lists(st.integers(0, 3), max_size=3)) if batch else []
    x = draw(tensors((*batch, c, *rest), odd=odd))
    n = math.prod((*batch, *rest))
    ignored = draw(st.sampled_from([-100, -1, 0, c - 1]))
    labels = draw(st.lists(st.integers(0, c - 1) | st.just(ignored), min_size=n, max_size=n))
    y = torch.tensor(labels, dtype=torch.long).view((*batch, *rest))
    weight = draw(st.none() | st.lists(st.floats(0.125, 4, width=32) | st.just(0.), min_size=c, max_size=c))
    weight = None if weight is None else torch.tensor(weight, dtype=x.dtype)
    return x, y, dict(weight=weight, ignore_index=ignored, reduction=draw(reductions))

def leaf(a):
    "A copy that gradients arrive at, with the strides of a."
    return torch.empty_strided(a.shape, a.stride(), dtype=a.dtype).copy_(a).requires_grad_()

def value_and_slopes(f, args):
    leaves = [leaf(a) for a in args]
    out = f(*leaves)
    up = torch.randn(out.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(out.dtype)
    return [out.detach(), *torch.autograd.grad(out, leaves, up)]

def agree(ours, theirs, *args, **close):
    """Equal in value, dtype and shape, and, through one random upstream gradient, in the gradient of each argument;
    nan only where PyTorch has it."""
    for a, b in zip(value_and_slopes(ours, args), value_and_slopes(theirs, args)):
        assert not (a.isnan() & ~b.isnan()).any(), 'nan where PyTorch has none'
        torch.testing.assert_close(a, b, equal_nan=True, **close)

# --- equal to PyTorch

@quick
@given(tensors(odd=special | st.sampled_from([INF, NAN])), st.data())
def test_softmax_family(x, data):
    n = max(1, x.dim())
    dim = data.draw(st.integers(-n, n - 1))
    agree(lambda x: softmax(x, dim), lambda x: F.softmax(x, dim), x)
    agree(lambda x: log_softmax(x, dim), lambda x: F.log_softmax(x, dim), x)
    agree(sigmoid, torch.sigmoid, x)

@quick
@given(tensors(odd=special | st.sampled_from([INF, NAN])), st.data(), st.booleans())
def test_logsumexp(x, data, keepdim):
    n = max(1, x.dim())
    dim = data.draw(st.integers(-n, n - 1))
    agree(lambda x: logsumexp(x, dim, keepdim), lambda x: torch.logsumexp(x, dim, keepdim), x.double())
    # PyTorch's float32 gradient is taken from the rounded result; ours is held against its float64 gradient
    ours, slope = value_and_slopes(lambda x: logsumexp(x, dim), [x])
    _, exact = value_and_slopes(lambda x: torch.logsumexp(x, dim), [x.double()])
    torch.testing.assert_close(ours, torch.logsumexp(x, dim), equal_nan=True)
    torch.testing.assert_close(slope, exact.to(x.dtype), equal_nan=True)

@pytest.mark.parametrize('f, g', [(softmax, F.softmax), (log_softmax, F.log_softmax), (logsumexp, torch.logsumexp)])
@pytest.mark.parametrize('row', [
    [-INF, -INF], [INF, 0.], [INF, INF, 0.], [-INF, 1e4, -1e4, 0.], [NAN, 1.], [3.], [],
    [1e4, 1e4 + 1], [-1e4, -1e4 - 1], [-INF]])
def test_extreme_rows(f, g, row): agree(f, lambda x: g(x, -1), torch.tensor([row, row], dtype=torch.float64))

@pytest.mark.parametrize('i', [-1e6, -1e4, -104, 0, 88, 1000, 1e4, 1e6])
def test_only_differences_count(i):
    torch.testing.assert_close(
        log_softmax(torch.tensor([i, i + 1.0])), torch.tensor([-1.3133, -0.3133]), rtol=0, atol=6e-5
    )

@quick
@given(classified(), st.booleans())
def test_nll(case, probabilities):
    x, y, kw = case
    if probabilities: x = F.log_softmax(x, min(1, x.dim() - 1))
    # terms of both signs cancel, their rounding does not
    atol = 1e-6 + 4*torch.finfo(x.dtype).eps*x.where(x.isfinite(), 0).abs().sum().item()
    def theirs(x): return F.nll_loss(x.contiguous(), y, **kw)   # PyTorch refuses some inputs that are not contiguous
    agree(lambda x: nll(x, y, **kw), theirs, x, rtol=1e-5, atol=atol)

@quick
@given(classified(), st.sampled_from([0., 0., 0.1, 1.]))
def test_cross_entropy_of_indices(case, smoothing):
    x, y, kw = case
    agree(
        lambda x: cross_entropy(x, y, label_smoothing=smoothing, **kw),
        lambda x: F.cross_entropy(x, y, label_smoothing=smoothing, **kw),
        x,
    )

@quick
@given(classified(), st.data(), st.sampled_from([0., 0.2, 1.]))
def test_cross_entropy_of_probabilities(case, data, smoothing):
    x, _, kw = case
    kw, dim = dict(kw, ignore_index=-100, label_smoothing=smoothing), min(1, x.dim() - 1)
    # hard ones among them, from the huge values
    p = torch.softmax(data.draw(tensors(tuple(x.shape), dtype=x.dtype, odd=finite)), dim)
    if x.isfinite().all(): agree(lambda x, p: cross_entropy(x, p, **kw), lambda x, p: F.cross_entropy(x, p, **kw), x, p)
    else: agree(lambda x: cross_entropy(x, p, **kw), lambda x: F.cross_entropy(x, p, **kw), x)

@quick
@given(classified(odd=finite))
def test_cross_entropy_of_indices_is_that_of_one_hot(case):
    x, y, kw = case
    n, dim = x.shape[min(1, x.dim() - 1)], min(1, x.dim() - 1)
    y, kw = y.clamp(0, n - 1), dict(reduction=kw['reduction'])
    agree(
        lambda x: cross_entropy(x, y, **kw),
        lambda x: cross_entropy(x, F.one_hot(y, n).movedim(-1, dim).to(x.dtype), **kw),
        x,
    )

@quick
@given(st.integers(1, 300), st.sampled_from([torch.uint8, torch.int8, torch.int16, torch.int32]), st.data())
def test_small_integer_targets(c, dtype, data):
    y = torch.tensor(data.draw(st.lists(st.integers(0, min(c - 1, torch.iinfo(dtype).max)), max_size=4)), dtype=dtype)
    x = torch.randn(len(y), c, generator=torch.Generator().manual_seed(0))
    agree(lambda x: cross_entropy(x, y), lambda x: F.cross_entropy(x, y.long()), x)

@quick
@given(pairs(shares, st.sampled_from([0., 1., 1e-30, 1 - 2**-24])), reductions)
def test_bce(pair, reduction):
    p, t = pair
    agree(lambda p, t: bce(p, t, reduction), lambda p, t: F.binary_cross_entropy(p, t, reduction=reduction), p, t)
    agree(
        lambda p: bce(p, t.round(), reduction), lambda p: F.binary_cross_entropy(p, t.round(), reduction=reduction), p
    )

def test_bce_has_second_slopes():
    p = torch.tensor([.1, .5, .9], dtype=torch.float64, requires_grad=True)
    t = torch.tensor([0., 1., .3], dtype=torch.float64)
    def second(f): return torch.autograd.grad(torch.autograd.grad(f(p, t), p, create_graph=True)[0].sum(), p)[0]
    torch.testing.assert_close(second(bce), second(F.binary_cross_entropy))

@quick
@given(pairs(odd=special | st.just(INF)), reductions, st.none() | st.sampled_from([0., 0.5, 1., 3.]), st.booleans())
def test_bce_with_logits(pair, reduction, weight, each):
    x, t = pair
    w = None if weight is None else torch.tensor(weight, dtype=x.dtype)
    if w is not None and each and x.dim(): w = (w + torch.arange(x.shape[-1])).to(x.dtype)
    def ours(x, t): return bce_with_logits(x, t, w, reduction)
    def theirs(x, t): return F.binary_cross_entropy_with_logits(x, t, pos_weight=w, reduction=reduction)
    agree(lambda x: ours(x, t), lambda x: theirs(x, t), x)
    agree(lambda x: ours(x, t.round()), lambda x: theirs(x, t.round()), x)
    if x.isfinite().all(): agree(ours, theirs, x, t)

@pytest.mark.parametrize('t', [0., .3, 1.])
def test_the_gradient_at_logit_zero(t):
    "Where a model that starts at zero has all its logits."
    agree(bce_with_logits, F.binary_cross_entropy_with_logits, torch.zeros(3), torch.full((3,), t))

@quick
@given(tensors(odd=finite), st.data(), st.sampled_from([*REDUCTIONS, 'batchmean']))
def test_kl_div(x, data, reduction):
    dim = min(1, x.dim() - 1)
    log_q = F.log_softmax(x, dim)
    p = F.softmax(data.draw(tensors(tuple(x.shape), dtype=x.dtype, odd=finite)), dim)
    ours, theirs = lambda q, p: kl_div(q, p, reduction), lambda q, p: F.kl_div(q, p, reduction=reduction)
    agree(ours, theirs, log_q, p)
    agree(lambda q: ours(q, p), lambda q: theirs(q, p), log_q)
    if reduction == 'none' and x.numel() and x.dim(): assert (ours(log_q, p).sum(dim) > -1e-4).all()

def test_kl_div_of_what_never_happens():
    for log_q in (torch.tensor([[-INF, 0.]]), torch.tensor([[0., -INF]]), torch.tensor([[-1., -2.]])):
        for p in (torch.tensor([[0., 1.]]), torch.tensor([[1., 0.]])):
            for r in (*REDUCTIONS, 'batchmean'):
                agree(lambda q: kl_div(q, p, r), lambda q: F.kl_div(q, p, reduction=r), log_q)

@quick
@given(pairs(odd=special, target=ordinary), reductions)
def test_mse(pair, reduction):
    agree(lambda a, b: mse(a, b, reduction), lambda a, b: F.mse_loss(a, b, reduction=reduction), *pair)

@quick
@given(pairs(odd=special | st.just(INF)))
def test_mnist_loss(pair):
    x, t = pair[0], pair[1].round()
    agree(lambda x: mnist_loss(x, t), lambda x: torch.where(t == 1, 1 - x.sigmoid(), x.sigmoid()).mean(), x)

@quick
@given(tensors((5,), odd=finite), st.none() | st.integers(0, 4))
def test_loss_table(x, target):
    t = loss_table(x, target)
    assert list(t.columns) == ['label', 'logit', 'exp', 'softmax', 'nll']
    torch.testing.assert_close(torch.tensor(t.softmax.tolist()), F.softmax(x.double(), 0).float())
    right = -F.log_softmax(x.double(), 0)
    if target is not None: right = right.where(torch.arange(5) == target, NAN)
    torch.testing.assert_close(torch.tensor(t.nll.tolist(), dtype=torch.float64), right, equal_nan=True)

# --- corners, each reduction

EMPTY, NONE = torch.zeros(0, 3), torch.zeros(0, dtype=torch.long)
def same_as(ours, theirs, reduction, *args):
    agree(lambda x: ours(x, *args, reduction=reduction), lambda x: theirs(x, *args, reduction=reduction), EMPTY)

@pytest.mark.parametrize('reduction', REDUCTIONS)
def test_empty_batch(reduction):
    same_as(cross_entropy, F.cross_entropy, reduction, NONE)
    same_as(cross_entropy, F.cross_entropy, reduction, EMPTY)
    same_as(nll, F.nll_loss, reduction, NONE)
    same_as(bce, F.binary_cross_entropy, reduction, EMPTY)
    same_as(bce_with_logits, F.binary_cross_entropy_with_logits, reduction, EMPTY)
    same_as(kl_div, F.kl_div, reduction, EMPTY)
    same_as(mse, F.mse_loss, reduction, EMPTY)

def test_the_mean_of_an_empty_batch_is_nan():
    assert all(
        v.isnan()
        for v in (
            cross_entropy(EMPTY, NONE),
            nll(EMPTY, NONE),
            bce(EMPTY, EMPTY),
            bce_with_logits(EMPTY, EMPTY),
            kl_div(EMPTY, EMPTY),
            mse(EMPTY, EMPTY),
            mnist_loss(EMPTY, EMPTY),
        )
    )

@pytest.mark.parametrize('reduction', REDUCTIONS)
@pytest.mark.parametrize('smoothing', [0., .1])
@pytest.mark.parametrize('weight', [None, torch.tensor([1., 2, 3])])
def test_all_ignored(reduction, smoothing, weight):
    x, y = torch.tensor([[1., 2, -INF], [0, 0, 0]]), torch.tensor([-100, -100])
    kw = dict(reduction=reduction, label_smoothing=smoothing, weight=weight)
    agree(lambda x: cross_entropy(x, y, **kw), lambda x: F.cross_entropy(x, y, **kw), x)
    if reduction == 'mean': assert cross_entropy(x, y, **kw).isnan()

@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_keeps_its_type(dtype):
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).to(dtype)
    for ours, theirs in ((softmax, F.softmax), (log_softmax, F.log_softmax)):
        torch.testing.assert_close(ours(x), theirs(x, -1), rtol=2e-2, atol=2e-2)
    y = torch.tensor([0, 1, 2, 0])
    torch.testing.assert_close(cross_entropy(x, y), F.cross_entropy(x, y), rtol=2e-2, atol=2e-2)
    torch.testing.assert_close(cross_entropy(x, x.softmax(1)), F.cross_entropy(x, x.softmax(1)), rtol=2e-2, atol=2e-2)

# --- bad input: what is wrong with which argument, what was expected, what came

x32, idx = torch.zeros(4, 3), torch.tensor([0, 1, 2, 0])
rows = torch.full((4, 3), 1/3)
UNIT = 'expected values from 0 to 1, got values from'
BAD = [
    (log_softmax, (x32, 2), {}, 'dim: expected a whole number from -2 to 1, got 2'),
    (logsumexp, (x32, -3), {}, 'dim: expected a whole number from -2 to 1, got -3'),
    (softmax, (torch.tensor(1.), -2), {}, 'dim: expected a whole number from -1 to 0, got -2'),
    (bce, (rows, rows[:2]), {}, 'target: expected the shape of probs, (4, 3), got (2, 3)'),
    (bce, (x32 + 1.5, rows), {}, f'probs: {UNIT} 1.5 to 1.5; for logits use bce_with_logits'),
    (bce, (x32 - .5, rows), {}, f'probs: {UNIT} -0.5 to -0.5'),
    (bce, (x32 + NAN, rows), {}, f'probs: {UNIT} nan to nan'),
    (bce, (rows, x32 + 2), {}, f'target: {UNIT} 2 to 2'),
    (bce, (rows, rows), dict(weight=torch.ones(4)),
     'weight: expected a shape that broadcasts to that of probs, (4, 3), got (4,)'),
    (bce_with_logits, (x32, torch.zeros(4, 1)), {}, 'target: expected the shape of logits, (4, 3), got (4, 1)'),
    (bce_with_logits, (x32, x32 - 1), {}, f'target: {UNIT} -1 to -1'),
    (bce_with_logits, (x32, rows, torch.ones(4)), {},
     'pos_weight: expected a shape that broadcasts to that of logits, (4, 3), got (4,)'),
    (bce_with_logits, (x32, rows), dict(weight=torch.ones(2, 4, 3)), 'weight: expected a shape that broadcasts'),
    (kl_div, (x32, rows[:, :2]), {}, 'p: expected the shape of log_q, (4, 3), got (4, 2)'),
    (kl_div, (x32, rows - 1), {},
     'p: expected probabilities from 0 to 1, got values from -0.6667 to -0.6667; the order is kl_div(log_q, p)'),
    (kl_div, (x32, x32 + 1), dict(log_target=True), 'p: expected log-probabilities, none above 0, got values up to 1'),
    (kl_div, (x32, rows), dict(reduction='avg'), "reduction: expected 'none', 'mean', 'sum' or 'batchmean', got 'avg'"),
    (mse, (x32, torch.zeros(3)), {},
     'target: expected the shape of pred, (4, 3), got (3,) (broadcasting would make (4, 3) of them)'),
    (l1, (x32, torch.zeros(3)), {}, 'target: expected the shape of pred, (4, 3), got (3,)'),
    (huber, (x32, x32, 0.), {}, 'delta: expected a number above 0, got 0'),
    (huber, (x32, x32, NAN), {}, 'delta: expected a number above 0, got nan'),
    (mnist_loss, (torch.zeros(4, 1), torch.zeros(4)), {}, 'target: expected the shape of logits, (4, 1), got (4,)'),
    (mnist_loss, (torch.zeros(2), torch.tensor([0., 7.])), {}, 'target: expected 0 and 1 only, got 7'),
    (loss_table, (x32,), {}, 'logits: expected shape (C,), got (4, 3)'),
    (loss_table, (x32[0], 3), {}, 'target: expected a whole number from 0 to 2, got 3'),
    (loss_table, (x32[0], -1), {}, 'target: expected a whole number from 0 to 2, got -1'),
    (loss_table, (x32[0], 'dgo', ['dog', 'cat', 'fish']), {},
     "target: expected 'dog', 'cat' or 'fish', got 'dgo'; did you mean 'dog'?"),
    (loss_table, (x32[0], 0, ['a']), {}, 'labels: expected 3 names, one for each logit, got 1'),
    (cross_entropy, (x32, rows*2), {},
     'target: expected probabilities that sum to 1 along dimension 1, got sums from 2 to 2'),
    (cross_entropy, (x32, rows - 1), {},
     'target: expected probabilities from 0 to 1, got values from -0.6667 to -0.6667'),
    (cross_entropy, (x32, rows + NAN), {}, 'target: expected probabilities from 0 to 1, got values from nan to nan'),
    (cross_entropy, (x32, rows), dict(ignore_index=1),
     'ignore_index: expected a number below 0 where target holds probabilities, got 1'),
    (cross_entropy, (x32, idx), dict(label_smoothing=1.1), 'label_smoothing: expected a number from 0 to 1, got 1.1'),
    (cross_entropy, (x32, idx), dict(label_smoothing=NAN), 'label_smoothing: expected a number from 0 to 1, got nan'),
]
for f, name in ((nll, 'log_probs'), (cross_entropy, 'logits')): BAD += [
    (f, (x32, torch.tensor([0, 1, 3, 0])), {},
     'target: expected indices from 0 to 2, or -100 to ignore an item, got 3 at (2,)'),
    (f, (x32, torch.tensor([0, -1, 0, 0])), {},
     'target: expected indices from 0 to 2, or -100 to ignore an item, got -1 at (1,)'),
    (f, (x32, idx[:, None]), {}, f'target: expected shape (4,), one index for each item of {name}, got (4, 1)'),
    (f, (x32, F.one_hot(idx)), {},
     'got (4, 3); for one-hot or probability targets use target.float() in cross_entropy'),
    (f, (torch.zeros(2, 5, 3), torch.zeros(2, 5).long()), {},
     f'the classes stand in dimension 1: if they are last in {name}, use {name}.movedim(-1, 1)'),
    (f, (x32, idx), dict(weight=torch.ones(4)), 'weight: expected shape (3,), one for each class, got (4,)'),
    (f, (torch.tensor(1.), torch.tensor(0)), {}, f'{name}: expected shape (C,), (N, C) or (N, C, d1, ...), got ()'),
    (f, (torch.zeros(2, 0), torch.zeros(2).long()), {},
     f'{name}: expected at least one class in dimension 1, got shape (2, 0)')]
for f, args in (
    (nll, (x32, idx)),
    (cross_entropy, (x32, idx)),
    (cross_entropy, (x32, rows)),
    (bce, (rows, rows)),
    (bce_with_logits, (x32, rows)),
    (mse, (x32, x32)),
    (huber, (x32, x32)),
    (l1, (x32, x32)),
):
    BAD.append((f, args, dict(reduction='avg'), "reduction: expected 'none', 'mean' or 'sum', got 'avg'"))

@pytest.mark.parametrize('f, args, kw, words', BAD)
def test_bad_input(f, args, kw, words):
    with pytest.raises(ValueError) as e: f(*args, **kw)
    assert words in str(e.value)

FLOATING = 'expected a tensor of floating-point numbers, got'
WRONG = [
    (softmax, ([1.],), f'x: {FLOATING} list [1.0]'), (sigmoid, (1.,), f'x: {FLOATING} 1.0'),
    (softmax, (idx,), f'x: {FLOATING} torch.int64; use x.float()'),
    (sigmoid, (idx,), f'x: {FLOATING} torch.int64; use x.float()'),
    (logsumexp, (x32, (0, 1)), 'dim: expected a whole number from -2 to 1, got tuple (0, 1)'),
    (softmax, (x32, 1.), 'dim: expected a whole number from -2 to 1, got 1.0'),
    (nll, (x32, [0]), 'target: expected a tensor, got list [0]'),
    (cross_entropy, (x32, [0]), 'target: expected a tensor, got list [0]'),
    (cross_entropy, (x32, idx, [1, 1, 1]), f'weight: {FLOATING} list [1, 1, 1]'),
    (cross_entropy, (x32, idx, idx), f'weight: {FLOATING} torch.int64'),
    (bce, (rows, 1.), f'target: {FLOATING} 1.0'),
    (bce, (rows, rows.long()), f'target: {FLOATING} torch.int64; use target.float()'),
    (bce, (rows, rows, 'mean', [1]), 'weight: expected a tensor, got list [1]'),
    (bce_with_logits, (x32, rows, 2.), 'pos_weight: expected a tensor, got 2.0'),
    (bce_with_logits, (idx, rows), f'logits: {FLOATING} torch.int64'),
    (kl_div, (x32, None), f'p: {FLOATING} None'),
    (kl_div, (x32, idx), f'p: {FLOATING} torch.int64'),
    (mse, (x32, 0.), 'target: expected a tensor, got 0.0'),
    (mse, (idx, idx), f'pred: {FLOATING} torch.int64'),
    (mnist_loss, (x32, 1), 'target: expected a tensor, got 1'),
    (mnist_loss, (idx, idx), f'logits: {FLOATING} torch.int64'),
    (loss_table, (x32[0], 1.5), 'target: expected a whole number from 0 to 2, got 1.5'),
    (huber, (x32, x32, '1'), "delta: expected a number above 0, got '1'")]
for f, name in ((nll, 'log_probs'), (cross_entropy, 'logits')): WRONG += [
    (f, (x32, idx.float()),
     'target: expected class indices, whole numbers of shape (4,), got a tensor of shape (4,), float32'),
    (f, (x32, idx == 0),
     'target: expected class indices, whole numbers of shape (4,), got a tensor of shape (4,), bool'),
    (f, (x32.long(), idx), f'{name}: {FLOATING} torch.int64'),
    (f, ([[1., 2.]], idx), f'{name}: {FLOATING} list')]

@pytest.mark.parametrize('f, args, words', WRONG)
def test_wrong_type(f, args, words):
    with pytest.raises(TypeError) as e: f(*args)
    assert words in str(e.value)

# --- where PyTorch's works: torch.func, torch.compile, export, tensors without content, autocast, forward mode

G = torch.Generator().manual_seed(3)
X, Y = torch.randn(4, 3, generator=G), torch.tensor([0, 2, 1, 2])
P, T = torch.rand(4, 3, generator=G)*.8 + .1, torch.rand(4, 3, generator=G)
Q, LOG_Q = torch.randn(4, 3, generator=G).softmax(1), X.log_softmax(1)
W3 = torch.tensor([1., .5, 2.])
TRACED = {  # ours, PyTorch's, arguments: the first is what is differentiated, all have the batch in front
    'softmax': (softmax, lambda x: F.softmax(x, -1), X),
    'log_softmax': (log_softmax, lambda x: F.log_softmax(x, -1), X),
    'logsumexp': (logsumexp, lambda x: torch.logsumexp(x, -1), X),
    'sigmoid': (sigmoid, torch.sigmoid, X),
    'nll': (nll, F.nll_loss, LOG_Q, Y),
    'nll, weight': (
        lambda x, y, w=W3: nll(x, y, w.to(x), ignore_index=1),
        lambda x, y, w=W3: F.nll_loss(x, y, w.to(x), ignore_index=1),
        LOG_Q,
        torch.tensor([0, 2, 2, 0]),
    ),
    'cross_entropy': (cross_entropy, F.cross_entropy, X, Y),
    'cross_entropy, smoothing': (
        lambda x, y, w=W3: cross_entropy(x, y, w.to(x), label_smoothing=0.1),
        lambda x, y, w=W3: F.cross_entropy(x, y, w.to(x), label_smoothing=0.1),
        X,
        Y,
    ),
    'cross_entropy, probabilities': (cross_entropy, F.cross_entropy, X, Q),
    'bce': (bce, F.binary_cross_entropy, P, T),
    'bce, weight': (
        lambda p, t, w=W3: bce(p, t, weight=w.to(p)),
        lambda p, t, w=W3: F.binary_cross_entropy(p, t, weight=w.to(p)),
        P,
        T,
    ),
    'bce_with_logits': (bce_with_logits, F.binary_cross_entropy_with_logits, X, T),
    'bce_with_logits, weights': (
        lambda x, t, w=W3: bce_with_logits(x, t, w, weight=w),
        lambda x, t, w=W3: F.binary_cross_entropy_with_logits(x, t, pos_weight=w, weight=w),
        X,
        T,
    ),
    'kl_div': (kl_div, lambda q, p: F.kl_div(q, p, reduction='batchmean'), LOG_Q, Q),
    'kl_div, log_target': (
        lambda q, p: kl_div(q, p, log_target=True),
        lambda q, p: F.kl_div(q, p, reduction='batchmean', log_target=True),
        LOG_Q,
        Q.log(),
    ),
    'mse': (mse, F.mse_loss, X, T),
    'l1': (l1, F.l1_loss, X, T),
    'huber': (huber, F.huber_loss, X, T),
    'mnist_loss': (mnist_loss, lambda x, t: F.l1_loss(x.sigmoid(), t), X, T.round()),
}
traced = pytest.mark.parametrize('ours, theirs, args', [(f, g, a) for f, g, *a in TRACED.values()], ids=TRACED)
close = torch.testing.assert_close

def total(f): return lambda *args: f(*args).sum()

@traced
def test_gradients_of_single_items(ours, theirs, args):
    each = torch.func.vmap(torch.func.grad(total(ours)))(*args)
    close(each, torch.stack([torch.func.grad(total(theirs))(*row) for row in zip(*args)]))

@traced
def test_compiled_in_one_piece(ours, theirs, args):
    compiled = torch.compile(ours, fullgraph=True, backend='aot_eager')
    agree(lambda x: compiled(x, *args[1:]), lambda x: theirs(x, *args[1:]), args[0])

def test_compiled_for_any_batch_size():
    for name in ('cross_entropy', 'cross_entropy, probabilities', 'bce', 'kl_div', 'huber'):
        ours, theirs, *args = TRACED[name]
        compiled = torch.compile(ours, fullgraph=True, backend='aot_eager', dynamic=True)
        for n in (4, 3):
            agree(
                lambda x: compiled(x, *[a[:n] for a in args[1:]]),
                lambda x: theirs(x, *[a[:n] for a in args[1:]]),
                args[0][:n],
            )

class Wrapped(torch.nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f
    def forward(self, *args): return self.f(*args)

@traced
@pytest.mark.parametrize('strict', [False, True])
def test_exported(ours, theirs, args, strict):
    close(torch.export.export(Wrapped(ours), tuple(args), strict=strict).module()(*args), theirs(*args))

@traced
def test_tensors_without_content(ours, theirs, args):
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.fx.experimental.proxy_tensor import make_fx
    want = theirs(*args)
    weighted = ('nll, weight', 'cross_entropy, smoothing', 'bce, weight', 'bce_with_logits, weights')
    if ours not in [TRACED[k][0] for k in weighted]:  # their weights have content
        out = ours(*[a.to('meta') for a in args])
        assert (out.shape, out.dtype, out.device.type) == (want.shape, want.dtype, 'meta')
    with FakeTensorMode(allow_non_fake_inputs=True) as mode: out = ours(*[mode.from_tensor(a) for a in args])
    assert (out.shape, out.dtype) == (want.shape, want.dtype)
    close(make_fx(lambda *a: ours(*a))(*args)(*args), want)

def directions(args): return torch.randn(args[0].shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
def doubled(args): return [a.double() if a.is_floating_point() else a for a in args]

@traced
def test_forward_mode(ours, theirs, args):
    from torch.func import hessian, jacfwd, jacrev, jvp
    x, *rest = doubled(args)
    f, g = lambda x: ours(x, *rest).double(), lambda x: theirs(x, *rest).double()
    v = directions(args)
    close(jvp(f, (x,), (v,)), jvp(g, (x,), (v,)))
    close(jacfwd(f)(x), jacrev(g)(x))
    close(hessian(total(f))(x), jacrev(jacrev(total(g)))(x))

@pytest.mark.parametrize('p, t', [(0., 0.), (0., 1.), (1., 0.), (1., .3), (.5, 1.)])
def test_forward_mode_at_the_walls(p, t):
    "At probabilities of 0 and 1 both modes give PyTorch's slope, which is finite."
    p, t = torch.tensor(p, dtype=torch.float64), torch.tensor(t, dtype=torch.float64)
    slope = torch.func.grad(F.binary_cross_entropy)(p, t)
    close(torch.func.grad(bce)(p, t), slope)
    close(torch.func.jvp(lambda p: bce(p, t), (p,), (torch.ones_like(p),))[1], slope)

def test_checks_look_only_where_there_is_something_to_see():
    bad = torch.tensor([0, 2, 1, 3])
    with pytest.raises(ValueError, match='indices from 0 to 2'): cross_entropy(X, bad)
    with torch.no_grad(), pytest.raises(ValueError, match='indices from 0 to 2'): cross_entropy(X, bad)
    with torch.inference_mode(), pytest.raises(ValueError, match='values from 0 to 1'): bce_with_logits(X, T + 1)
    torch.func.vmap(bce_with_logits)(X, T + 1)      # no value is looked at, so none is complained of

@traced
def test_one_wait_for_the_device(ours, theirs, args):
    "A check asks the device for one number a call at most: on a GPU each such question waits for all before it."
    from torch.utils._python_dispatch import TorchDispatchMode
    asked = []
    class Count(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            aten = torch.ops.aten
            if func.overloadpacket in (aten._local_scalar_dense, aten.nonzero, aten.is_nonzero, aten.equal):
                asked.append(func)
            return func(*args, **(kwargs or {}))
    with Count(): ours(*args)
    assert len(asked) <= 1, asked

@traced
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize('enabled', [False, True])
def test_type_under_autocast(ours, theirs, args, dtype, enabled):
    args = [a.to(dtype) if a.is_floating_point() else a for a in args]
    def run(f):
        with torch.autocast('cpu', torch.bfloat16, enabled=enabled): return f(*args)
    if ours is mnist_loss: theirs = lambda x, t: F.l1_loss(x.float().sigmoid(), t.float()).to(dtype)
    try: want = run(theirs)
    except RuntimeError: return  # a weight of another type: PyTorch refuses
    out = run(ours)
    if ours is mnist_loss and enabled: assert out.dtype == torch.float32
    else: assert out.dtype == want.dtype
    close(out.float(), want.float(), rtol=3e-2, atol=2e-2)

def test_type_of_mixed_precision():
    for d in (torch.float16, torch.bfloat16):
        for f, g, x, t in (
            (cross_entropy, F.cross_entropy, X, Q),
            (bce_with_logits, F.binary_cross_entropy_with_logits, X, T),
            (mse, F.mse_loss, X, T),
        ):
            assert f(x.to(d), t).dtype == g(x.to(d), t).dtype == torch.float32

@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_many_classes_in_half_precision(dtype):
    "float16 ends at 65504: a sum of 100,000 ones does not fit into it."
    x = torch.zeros(100_000, dtype=dtype)
    for ours, theirs in ((softmax, F.softmax), (log_softmax, F.log_softmax), (logsumexp, torch.logsumexp)):
        assert ours(x).dtype == dtype and (ours(x) != 0).all() and ours(x).isfinite().all()
        close(ours(x), theirs(x.double(), -1).to(dtype))
        close(
            torch.func.grad(lambda x: ours(x)[..., 0] if ours is not logsumexp else ours(x))(x),
            torch.func.grad(lambda x: theirs(x, -1)[..., 0] if ours is not logsumexp else theirs(x, -1))(
                x.double()
            ).to(dtype),
        )
    close(cross_entropy(x, torch.tensor(5)), torch.tensor(math.log(1e5)).to(dtype))

@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_means_of_many_in_half_precision(dtype):
    n = 100_000
    x, y, t = torch.zeros(n, 2, dtype=dtype), torch.zeros(n, dtype=torch.long), torch.full((n, 2), .5, dtype=dtype)
    ln2 = torch.tensor(math.log(2)).to(dtype)
    for got in (
        cross_entropy(x, y),
        nll(x + ln2 * -1, y),
        cross_entropy(x, t),
        cross_entropy(x, y, label_smoothing=0.1),
        bce(t, t),
        bce_with_logits(x, t),
        cross_entropy(x, y, torch.ones(2, dtype=dtype)),
    ):
        close(got, ln2)
    close(kl_div(x - ln2, t).float(), torch.tensor(0.), rtol=0, atol=2e-3)
    big = torch.full((n,), 300., dtype=dtype)       # 300 squared does not fit, the mean of errors of 200 does
    close(mse(big, big - 200), torch.tensor(40000., dtype=dtype))
    for f in (l1, huber): assert f(big, big - 200).isfinite() and f(big, big - 200).dtype == dtype

# --- weights of single elements, l1, huber, log_target

@quick
@given(pairs(shares, st.sampled_from([0., 1., 1e-30])), reductions, st.data())
def test_weight_of_single_answers(pair, reduction, data):
    p, t = pair
    shape = tuple(n if data.draw(st.booleans()) else 1 for n in p.shape)[data.draw(st.integers(0, p.dim())):]
    w = data.draw(tensors(shape, st.floats(0, 4, width=32), None, p.dtype))
    agree(
        lambda p: bce(p, t, reduction, w),
        lambda p: F.binary_cross_entropy(p, t, w.expand(p.shape), reduction=reduction),
        p,
    )
    x = (p - .5)*20
    agree(
        lambda x: bce_with_logits(x, t, None, reduction, w),
        lambda x: F.binary_cross_entropy_with_logits(x, t, w, reduction=reduction),
        x,
    )
    agree(
        lambda x: bce_with_logits(x, t, torch.tensor(3.0, dtype=x.dtype), reduction, w),
        lambda x: F.binary_cross_entropy_with_logits(
            x, t, w, reduction=reduction, pos_weight=torch.tensor(3.0, dtype=x.dtype)
        ),
        x,
    )

@quick
@given(pairs(odd=special, target=ordinary), reductions, st.sampled_from([.5, 1., 3.]))
def test_l1_and_huber(pair, reduction, delta):
    agree(lambda a, b: l1(a, b, reduction), lambda a, b: F.l1_loss(a, b, reduction=reduction), *pair)
    agree(
        lambda a, b: huber(a, b, delta, reduction),
        lambda a, b: F.huber_loss(a, b, reduction=reduction, delta=delta),
        *pair
    )
    agree(
        lambda a, b: huber(a, b, delta, reduction) / delta,
        lambda a, b: F.smooth_l1_loss(a, b, reduction=reduction, beta=delta),
        *pair
    )

@quick
@given(tensors(odd=finite), st.data(), st.sampled_from([*REDUCTIONS, 'batchmean']))
def test_kl_div_of_log_targets(x, data, reduction):
    dim = min(1, x.dim() - 1)
    log_q, log_p = F.log_softmax(x, dim), F.log_softmax(
        data.draw(tensors(tuple(x.shape), dtype=x.dtype, odd=finite)), dim
    )
    agree(
        lambda q, p: kl_div(q, p, reduction, log_target=True),
        lambda q, p: F.kl_div(q, p, reduction=reduction, log_target=True),
        log_q,
        log_p,
    )

def test_log_target_of_what_never_happens():
    "exp(-inf) is 0: the class costs nothing, as with a probability of 0. PyTorch says nan."
    log_q, log_p = torch.tensor([[-1., -2.]]), torch.tensor([[-INF, 0.]])
    assert F.kl_div(log_q, log_p, reduction='batchmean', log_target=True).isnan()
    agree(lambda q: kl_div(q, log_p, log_target=True), lambda q: F.kl_div(q, log_p.exp(), reduction='batchmean'), log_q)
    assert kl_div(torch.tensor([[-INF, -1.]]), log_p, log_target=True) == 1
    assert kl_div(log_q, torch.tensor([[NAN, 0.]]), log_target=True).isnan()

# --- PyTorch's own samples

def sample_maker(name):
    "PyTorch's own generator of test cases for one of its functions."
    pytest.importorskip('expecttest')  # which PyTorch's generators import
    from torch.testing._internal.common_methods_invocations import op_db
    return next(op for op in op_db if op.name == name and not op.variant_test_name)

def in_their_order(f):
    def g(x, y, weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.0):
        return f(x, y, weight, ignore_index, label_smoothing, reduction)
    return g

OPS = {
    'softmax': lambda x, dim, dtype=None: softmax(x if dtype is None else x.to(dtype), dim),
    'log_softmax': lambda x, dim, dtype=None: log_softmax(x if dtype is None else x.to(dtype), dim),
    'logsumexp': lambda x, dim, keepdim=False: logsumexp(x, dim, keepdim),
    'sigmoid': sigmoid,
    'nn.functional.nll_loss': lambda x, y, weight=None, ignore_index=-100, reduction='mean': nll(
        x, y, weight, ignore_index, reduction
    ),
    'nn.functional.cross_entropy': in_their_order(cross_entropy),
    'nn.functional.binary_cross_entropy': lambda p, t, weight=None, reduction='mean': bce(p, t, reduction, weight),
    'nn.functional.binary_cross_entropy_with_logits':
        lambda x, t, weight=None, pos_weight=None, reduction='mean': (
            bce_with_logits(x, t, pos_weight, reduction, weight)),
    'nn.functional.kl_div': lambda q, p, reduction='mean', log_target=False: kl_div(q, p, reduction, log_target),
    'nn.functional.mse_loss': lambda a, b, reduction='mean': mse(a, b, reduction),
    'nn.functional.l1_loss': lambda a, b, reduction='mean': l1(a, b, reduction),
    'nn.functional.huber_loss': lambda a, b, reduction='mean', delta=1.0: huber(a, b, delta, reduction),
}

def refused(name, s):
    "Samples that are no targets: ours says so."
    t = s.args[0] if s.args and isinstance(s.args[0], torch.Tensor) else None
    if name == 'nn.functional.cross_entropy':
        return t.is_floating_point() and not (
            (t >= 0).all() and torch.allclose(t.sum(min(1, t.dim() - 1)), torch.ones((), dtype=t.dtype))
        )
    if name == 'nn.functional.kl_div':
        return bool((t > 0).any()) if s.kwargs.get('log_target') else not ((t >= 0).all() and (t <= 1).all())
    if name.startswith('nn.functional.binary_cross_entropy'): return not ((t >= 0).all() and (t <= 1).all())
    if name in ('nn.functional.mse_loss', 'nn.functional.l1_loss', 'nn.functional.huber_loss'):
        return t.shape != s.input.shape
    return name == 'logsumexp' and not isinstance(s.args[0], int) and len(s.args[0]) != 1

@pytest.mark.parametrize('name', OPS)
def test_samples_of_pytorch(name):
    op = sample_maker(name)
    ran = said_no = 0
    for dtype in (torch.float64, torch.float32):
        torch.manual_seed(0)
        for s in op.sample_inputs('cpu', dtype, requires_grad=True):
            if refused(name, s):
                with pytest.raises((ValueError, TypeError)): OPS[name](s.input, *s.args, **s.kwargs)
                said_no += 1
                continue
            args = [a[0] if name == 'logsumexp' and isinstance(a, tuple) else a for a in s.args]
            leaves = [a for a in (s.input, *s.args) if isinstance(a, torch.Tensor) and a.requires_grad]
            out, want = OPS[name](s.input, *args, **s.kwargs), op.op(s.input, *s.args, **s.kwargs)
            close(out, want, equal_nan=True)
            up = torch.randn(want.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)
            close(torch.autograd.grad(out, leaves, up), torch.autograd.grad(want, leaves, up), equal_nan=True)
            ran += 1
    assert ran >= 6, (ran, said_no)

@pytest.mark.parametrize('total, fits', [(1.0005, True), (1.005, False)])
def test_how_far_probabilities_may_be_off(total, fits):
    p = torch.tensor([[.5, .5]]) * total
    if fits: assert cross_entropy(torch.zeros(1, 2), p) > 0
    else:
        with pytest.raises(ValueError, match='target: expected probabilities that sum to 1'):
            cross_entropy(torch.zeros(1, 2), p)

def test_a_probability_above_one_is_refused():
    with pytest.raises(ValueError, match='p: expected probabilities from 0 to 1'):
        kl_div(torch.zeros(1, 2), torch.tensor([[1.005, 0.]]))
    with pytest.raises(ValueError, match='target: expected probabilities from 0 to 1'):
        cross_entropy(torch.zeros(1, 2), torch.tensor([[1.0005, 0.]]))

def test_classes_in_the_last_dimension_get_a_hint():
    with pytest.raises(ValueError, match=r'use logits.movedim\(-1, 1\)'):
        cross_entropy(torch.zeros(2, 5, 3), torch.zeros(2, 5, dtype=torch.long))
