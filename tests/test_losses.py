"Each loss against its namesake in torch.nn.functional: value and gradient, every reduction, ordinary and awkward input; and what it says to bad input."
import math
import pytest, torch, torch.nn.functional as F
from hypothesis import given, settings, strategies as st
from nnbolts.losses import (bce, bce_with_logits, cross_entropy, kl_div, log_softmax, logsumexp, loss_table, mnist_loss, mse, nll, sigmoid, softmax)

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
    "A tensor of a drawn shape (from no dimension to four, empty ones too), here and there an awkward value, at times with strides of its own."
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
    y = torch.tensor(draw(st.lists(st.integers(0, c - 1) | st.just(ignored), min_size=n, max_size=n)), dtype=torch.long).view((*batch, *rest))
    weight = draw(st.none() | st.lists(st.floats(0.125, 4, width=32) | st.just(0.), min_size=c, max_size=c))
    return x, y, dict(weight=None if weight is None else torch.tensor(weight, dtype=x.dtype), ignore_index=ignored, reduction=draw(reductions))

def leaf(a):
    "A copy that gradients arrive at, with the strides of a."
    return torch.empty_strided(a.shape, a.stride(), dtype=a.dtype).copy_(a).requires_grad_()

def value_and_slopes(f, args):
    leaves = [leaf(a) for a in args]
    out = f(*leaves)
    up = torch.randn(out.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(out.dtype)
    return [out.detach(), *torch.autograd.grad(out, leaves, up)]

def agree(ours, theirs, *args, **close):
    "Equal in value, dtype and shape, and, through one random upstream gradient, in the gradient of each argument; nan only where PyTorch has it."
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
    (ours, slope), (_, exact) = value_and_slopes(lambda x: logsumexp(x, dim), [x]), value_and_slopes(lambda x: torch.logsumexp(x, dim), [x.double()])
    torch.testing.assert_close(ours, torch.logsumexp(x, dim), equal_nan=True)
    torch.testing.assert_close(slope, exact.to(x.dtype), equal_nan=True)

@pytest.mark.parametrize('f, g', [(softmax, F.softmax), (log_softmax, F.log_softmax), (logsumexp, torch.logsumexp)])
@pytest.mark.parametrize('row', [[-INF, -INF], [INF, 0.], [INF, INF, 0.], [-INF, 1e4, -1e4, 0.], [NAN, 1.], [3.], [], [1e4, 1e4 + 1], [-1e4, -1e4 - 1], [-INF]])
def test_extreme_rows(f, g, row): agree(f, lambda x: g(x, -1), torch.tensor([row, row], dtype=torch.float64))

@pytest.mark.parametrize('i', [-1e6, -1e4, -104, 0, 88, 1000, 1e4, 1e6])
def test_only_differences_count(i):
    torch.testing.assert_close(log_softmax(torch.tensor([i, i + 1.])), torch.tensor([-1.3133, -0.3133]), rtol=0, atol=6e-5)

@quick
@given(classified(), st.booleans())
def test_nll(case, probabilities):
    x, y, kw = case
    if probabilities: x = F.log_softmax(x, min(1, x.dim() - 1))
    eps, size = torch.finfo(x.dtype).eps, x.where(x.isfinite(), 0).abs().sum().item()          # terms of both signs cancel, their rounding does not
    agree(lambda x: nll(x, y, **kw), lambda x: F.nll_loss(x.contiguous(), y, **kw), x, rtol=1e-5, atol=1e-6 + 4*eps*size)  # PyTorch refuses some inputs that are not contiguous

@quick
@given(classified(), st.sampled_from([0., 0., 0.1, 1.]))
def test_cross_entropy_of_indices(case, smoothing):
    x, y, kw = case
    agree(lambda x: cross_entropy(x, y, label_smoothing=smoothing, **kw), lambda x: F.cross_entropy(x, y, label_smoothing=smoothing, **kw), x)

@quick
@given(classified(), st.data(), st.sampled_from([0., 0.2, 1.]))
def test_cross_entropy_of_probabilities(case, data, smoothing):
    x, _, kw = case
    kw, dim = dict(kw, ignore_index=-100, label_smoothing=smoothing), min(1, x.dim() - 1)
    p = torch.softmax(data.draw(tensors(tuple(x.shape), dtype=x.dtype, odd=finite)), dim)       # hard ones among them, from the huge values
    if x.isfinite().all(): agree(lambda x, p: cross_entropy(x, p, **kw), lambda x, p: F.cross_entropy(x, p, **kw), x, p)
    else: agree(lambda x: cross_entropy(x, p, **kw), lambda x: F.cross_entropy(x, p, **kw), x)

@quick
@given(classified(odd=finite))
def test_cross_entropy_of_indices_is_that_of_one_hot(case):
    x, y, kw = case
    n, dim = x.shape[min(1, x.dim() - 1)], min(1, x.dim() - 1)
    y, kw = y.clamp(0, n - 1), dict(reduction=kw['reduction'])
    agree(lambda x: cross_entropy(x, y, **kw), lambda x: cross_entropy(x, F.one_hot(y, n).movedim(-1, dim).to(x.dtype), **kw), x)

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
    agree(lambda p: bce(p, t.round(), reduction), lambda p: F.binary_cross_entropy(p, t.round(), reduction=reduction), p)

def test_bce_has_second_slopes():
    p, t = torch.tensor([.1, .5, .9], dtype=torch.float64, requires_grad=True), torch.tensor([0., 1., .3], dtype=torch.float64)
    def second(f): return torch.autograd.grad(torch.autograd.grad(f(p, t), p, create_graph=True)[0].sum(), p)[0]
    torch.testing.assert_close(second(bce), second(F.binary_cross_entropy))

@quick
@given(pairs(odd=special | st.just(INF)), reductions, st.none() | st.sampled_from([0., 0.5, 1., 3.]), st.booleans())
def test_bce_with_logits(pair, reduction, weight, each):
    x, t = pair
    w = None if weight is None else torch.tensor(weight, dtype=x.dtype)
    if w is not None and each and x.dim(): w = (w + torch.arange(x.shape[-1])).to(x.dtype)
    ours, theirs = lambda x, t: bce_with_logits(x, t, w, reduction), lambda x, t: F.binary_cross_entropy_with_logits(x, t, pos_weight=w, reduction=reduction)
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
            for r in (*REDUCTIONS, 'batchmean'): agree(lambda q: kl_div(q, p, r), lambda q: F.kl_div(q, p, reduction=r), log_q)

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
def same_as(ours, theirs, reduction, *args): agree(lambda x: ours(x, *args, reduction=reduction), lambda x: theirs(x, *args, reduction=reduction), EMPTY)

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
    assert all(v.isnan() for v in (cross_entropy(EMPTY, NONE), nll(EMPTY, NONE), bce(EMPTY, EMPTY), bce_with_logits(EMPTY, EMPTY), kl_div(EMPTY, EMPTY), mse(EMPTY, EMPTY), mnist_loss(EMPTY, EMPTY)))

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
    for ours, theirs in ((softmax, F.softmax), (log_softmax, F.log_softmax)): torch.testing.assert_close(ours(x), theirs(x, -1), rtol=2e-2, atol=2e-2)
    y = torch.tensor([0, 1, 2, 0])
    torch.testing.assert_close(cross_entropy(x, y), F.cross_entropy(x, y), rtol=2e-2, atol=2e-2)
    torch.testing.assert_close(cross_entropy(x, x.softmax(1)), F.cross_entropy(x, x.softmax(1)), rtol=2e-2, atol=2e-2)

# --- bad input: what is wrong with which argument, what was expected, what came

x32, idx = torch.zeros(4, 3), torch.tensor([0, 1, 2, 0])
rows = torch.full((4, 3), 1/3)
BAD = [
    (softmax, (torch.tensor([1, 2]),), {}, 'x must be a floating tensor, got torch.int64'),
    (log_softmax, (x32, 2), {}, 'dim must be from -2 to 1 for x of shape (4, 3), got 2'),
    (logsumexp, (x32, -3), {}, 'dim must be from -2 to 1 for x of shape (4, 3), got -3'),
    (sigmoid, (torch.tensor([1]),), {}, 'x must be a floating tensor, got torch.int64'),
    (bce, (rows, rows[:2]), {}, 'target must have the shape of probs, (4, 3), got (2, 3)'),
    (bce, (rows, rows.long()), {}, 'target must be floating, 0. for no and 1. for yes, got torch.int64: use target.float()'),
    (bce, (x32 + 1.5, rows), {}, 'probs must be in [0, 1], got values from 1.5 to 1.5; for logits use bce_with_logits'),
    (bce, (x32 - .5, rows), {}, 'probs must be in [0, 1], got values from -0.5 to -0.5'),
    (bce, (x32 + NAN, rows), {}, 'probs must be in [0, 1], got values from nan to nan'),
    (bce, (rows, x32 + 2), {}, 'target must be in [0, 1], got values from 2 to 2'),
    (bce_with_logits, (x32, torch.zeros(4, 1)), {}, 'target must have the shape of logits, (4, 3), got (4, 1)'),
    (bce_with_logits, (x32, x32 - 1), {}, 'target must be in [0, 1], got values from -1 to -1'),
    (bce_with_logits, (x32, rows, torch.ones(4)), {}, 'pos_weight must have a shape that broadcasts to that of logits, (4, 3), got (4,)'),
    (bce_with_logits, (x32, rows, torch.ones(2, 4, 3)), {}, 'pos_weight must have a shape that broadcasts to that of logits, (4, 3), got (2, 4, 3)'),
    (kl_div, (x32, rows[:, :2]), {}, 'p must have the shape of log_q, (4, 3), got (4, 2)'),
    (kl_div, (x32, rows - 1), {}, 'p must hold probabilities in [0, 1], got values from -0.6667 to -0.6667'),
    (kl_div, (x32, idx), {}, 'p must be a floating tensor, got torch.int64'),
    (mse, (x32, torch.zeros(3)), {}, 'target must have the shape of pred, (4, 3), got (3,)'),
    (mse, (idx, idx), {}, 'pred must be a floating tensor, got torch.int64'),
    (mnist_loss, (torch.zeros(4, 1), torch.zeros(4)), {}, 'target must have the shape of logits, (4, 1), got (4,)'),
    (mnist_loss, (torch.zeros(2), torch.tensor([0., 7.])), {}, 'target must hold 0 and 1 only, got 7'),
    (loss_table, (x32,), {}, 'logits must have shape (C,), got (4, 3)'),
    (loss_table, (x32[0], 3), {}, 'target must be in the range 0 to 2, got 3'),
    (loss_table, (x32[0], 'c', ['a', 'b', 'd']), {}, "target must be one of the labels ['a', 'b', 'd'], got 'c'"),
    (loss_table, (x32[0], 0, ['a']), {}, 'labels must hold 3 names, one for each logit, got 1'),
    (cross_entropy, (x32, rows*2), {}, 'target must hold probabilities that sum to 1 along dimension 1, got sums from 2 to 2'),
    (cross_entropy, (x32, rows - 1), {}, 'target must hold probabilities in [0, 1], got values from -0.6667 to -0.6667'),
    (cross_entropy, (x32, rows), dict(ignore_index=1), 'ignore_index needs class indices for target, got 1 with probabilities'),
    (cross_entropy, (x32, idx), dict(label_smoothing=1.1), 'label_smoothing must be from 0 to 1, got 1.1'),
]
for f, name in ((nll, 'log_probs'), (cross_entropy, 'logits')): BAD += [
    (f, (x32, torch.tensor([0, 1, 3, 0])), {}, 'target must be in the range 0 to 2, or -100 to ignore an item, got 3 at (2,)'),
    (f, (x32, torch.tensor([0, -1, 0, 0])), {}, 'target must be in the range 0 to 2, or -100 to ignore an item, got -1 at (1,)'),
    (f, (x32, idx.float()), {}, 'target must hold class indices of an integer dtype, shape (4,), got torch.float32 of shape (4,)'),
    (f, (x32, idx == 0), {}, 'target must hold class indices of an integer dtype, shape (4,), got torch.bool of shape (4,)'),
    (f, (x32, idx[:, None]), {}, f'target must have shape (4,), one index for each item of {name} of shape (4, 3), got (4, 1)'),
    (f, (x32, F.one_hot(idx)), {}, 'for one-hot or probability targets use target.float() in cross_entropy'),
    (f, (torch.zeros(2, 5, 3), torch.zeros(2, 5).long()), {}, f'the classes stand in dimension 1; if they are last in {name}, use {name}.movedim(-1, 1)'),
    (f, (x32, idx), dict(weight=torch.ones(4)), 'weight must have shape (3,), one for each class, got (4,)'),
    (f, (x32.long(), idx), {}, f'{name} must be a floating tensor, got torch.int64'),
    (f, (torch.tensor(1.), torch.tensor(0)), {}, f'{name} must have shape (C,), (N, C) or (N, C, d1, ...), got ()'),
    (f, (torch.zeros(2, 0), torch.zeros(2).long()), {}, f'{name} must have at least one class in dimension 1, got shape (2, 0)')]
for f, args in ((nll, (x32, idx)), (cross_entropy, (x32, idx)), (cross_entropy, (x32, rows)), (bce, (rows, rows)), (bce_with_logits, (x32, rows)), (mse, (x32, x32))):
    BAD.append((f, args, dict(reduction='avg'), "reduction must be 'none', 'mean' or 'sum', got 'avg'"))
BAD.append((kl_div, (x32, rows), dict(reduction='avg'), "reduction must be 'none', 'mean', 'sum' or 'batchmean', got 'avg'"))

@pytest.mark.parametrize('f, args, kw, words', BAD)
def test_bad_input(f, args, kw, words):
    with pytest.raises(ValueError) as e: f(*args, **kw)
    assert words in str(e.value)

@pytest.mark.parametrize('f, args, words', [(softmax, ([1.],), 'x must be a tensor, got list'), (sigmoid, (1.,), 'x must be a tensor, got float'), (nll, (x32, [0]), 'target must be a tensor, got list'),
    (cross_entropy, (x32, [0]), 'target must be a tensor, got list'), (cross_entropy, (x32, idx, [1, 1, 1]), 'weight must be a tensor, got list'), (bce, (rows, 1.), 'target must be a tensor, got float'),
    (bce_with_logits, (x32, rows, 2.), 'pos_weight must be a tensor, got float'), (kl_div, (x32, None), 'p must be a tensor, got NoneType'), (mse, (x32, 0.), 'target must be a tensor, got float'),
    (mnist_loss, (x32, 1), 'target must be a tensor, got int'), (loss_table, (x32[0], 1.5), '')])
def test_wrong_type(f, args, words):
    with pytest.raises(TypeError) as e: f(*args)
    assert words in str(e.value)
