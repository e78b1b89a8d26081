"Each loss against its namesake in torch.nn.functional: value and gradient, every reduction, ordinary and awkward input."
import math
import pytest, torch, torch.nn.functional as F
from hypothesis import given, settings, strategies as st
from nnbolts.losses import (bce, bce_with_logits, cross_entropy, kl_div, log_softmax, logsumexp, mse, nll, sigmoid, softmax)

quick = settings(max_examples=60, deadline=None, derandomize=True)
REDUCTIONS = ('mean', 'sum', 'none')
special = st.sampled_from([0., -0., 1e4, -1e4, -math.inf, 88., -88., 104., 1e-30])
dtypes = st.sampled_from([torch.float32, torch.float64])

@st.composite
def tensors(draw, shape=None, values=st.floats(-30, 30, width=32), odd=special):
    "A tensor of a drawn shape, here and there an awkward value, at times not contiguous."
    shape = tuple(draw(st.lists(st.integers(0, 4), min_size=1, max_size=4))) if shape is None else shape
    n = math.prod(shape)
    elements = values if odd is None else values | odd
    x = torch.tensor(draw(st.lists(elements, min_size=n, max_size=n)), dtype=draw(dtypes)).view(shape)
    if x.dim() > 1 and draw(st.booleans()): x = x.transpose(0, -1).contiguous().transpose(0, -1)
    return x

@st.composite
def classified(draw, odd=special):
    "Logits (C,), (N, C) or (N, C, d1, ...) with class indices."
    c, batch, rest = draw(st.integers(1, 5)), draw(st.lists(st.integers(0, 4), max_size=1)), draw(st.lists(st.integers(1, 3), max_size=2))
    if not batch: rest = []
    x = draw(tensors((*batch, c, *rest), odd=odd))
    n = math.prod((*batch, *rest))
    ignored = draw(st.sampled_from([-100, 0, c - 1]))
    y = torch.tensor(draw(st.lists(st.integers(0, c - 1) | st.just(ignored), min_size=n, max_size=n)), dtype=torch.long).view((*batch, *rest))
    w = draw(st.none() | st.just(torch.linspace(.5, 2, c, dtype=x.dtype)))
    return x, y, dict(weight=w, ignore_index=ignored, reduction=draw(st.sampled_from(REDUCTIONS)))

def agree(ours, theirs, *args):
    "Equal in value, dtype and shape, and, through one random upstream gradient, in the gradient of each argument. nan only where PyTorch has it."
    found = []
    for f in (ours, theirs):
        leaves = [a.detach().clone().requires_grad_() for a in args]
        out = f(*leaves)
        up = torch.randn(out.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(out.dtype)
        found.append([out.detach(), *torch.autograd.grad(out, leaves, up)])
    for a, b in zip(*found):
        assert not (a.isnan() & ~b.isnan()).any(), 'nan where PyTorch is finite'
        torch.testing.assert_close(a, b, equal_nan=True)

@quick
@given(tensors(), st.data())
def test_softmax_family(x, data):
    dim = data.draw(st.integers(-x.dim(), x.dim() - 1))
    agree(lambda x: softmax(x, dim), lambda x: F.softmax(x, dim), x)
    agree(lambda x: log_softmax(x, dim), lambda x: F.log_softmax(x, dim), x)
    agree(sigmoid, torch.sigmoid, x)

@quick
@given(tensors(odd=st.sampled_from([0., -1e4, -math.inf, 88.])), st.data())
def test_logsumexp(x, data):
    dim = data.draw(st.integers(-x.dim(), x.dim() - 1))
    x = x.double()  # PyTorch's float32 gradient is taken from the rounded result; the chapter shows by how much it is off
    agree(lambda x: logsumexp(x, dim), lambda x: torch.logsumexp(x, dim), x)
    torch.testing.assert_close(logsumexp(x.float(), dim), torch.logsumexp(x.float(), dim), equal_nan=True)

@quick
@given(classified())
def test_nll(case):
    x, y, kw = case
    x = x.where(x.isfinite(), -5)
    agree(lambda x: nll(x, y, **kw), lambda x: F.nll_loss(x.contiguous(), y, **kw), x)  # PyTorch refuses some inputs that are not contiguous

@quick
@given(classified(), st.sampled_from([0., 0.1, 1.]))
def test_cross_entropy_of_indices(case, smoothing):
    x, y, kw = case
    agree(lambda x: cross_entropy(x, y, label_smoothing=smoothing, **kw), lambda x: F.cross_entropy(x, y, label_smoothing=smoothing, **kw), x)

@quick
@given(classified(odd=st.sampled_from([1e4, -1e4, 0.])), st.sampled_from([0., 0.2]))
def test_cross_entropy_of_probabilities(case, smoothing):
    x, _, kw = case
    kw = dict(kw, ignore_index=-100, label_smoothing=smoothing)
    p = torch.softmax(torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=x.dtype), min(1, x.dim() - 1))
    agree(lambda x, p: cross_entropy(x, p, **kw), lambda x, p: F.cross_entropy(x, p, **kw), x, p)

@quick
@given(tensors(values=st.floats(0, 1, width=32), odd=st.sampled_from([0., 1., 0.5])), st.sampled_from(REDUCTIONS))
def test_bce(p, reduction):
    t = torch.rand(p.shape, generator=torch.Generator().manual_seed(0), dtype=p.dtype)
    for t in (t, t.round()): agree(lambda p: bce(p, t, reduction), lambda p: F.binary_cross_entropy(p, t, reduction=reduction), p)
    inside = p.clamp(0.01, 0.99)  # at 0 and 1 PyTorch's gradient of the target is infinite, ours stops at 100
    agree(lambda p, t: bce(p, t, reduction), lambda p, t: F.binary_cross_entropy(p, t, reduction=reduction), inside, t)

@quick
@given(tensors(odd=st.sampled_from([0., 1e4, -1e4, 88.])), st.sampled_from(REDUCTIONS), st.sampled_from([None, 0.5, 3.]))
def test_bce_with_logits(x, reduction, weight):
    w = None if weight is None else torch.tensor(weight, dtype=x.dtype)
    t = torch.rand(x.shape, generator=torch.Generator().manual_seed(0), dtype=x.dtype)
    for t in (t, t.round()):
        agree(lambda x, t: bce_with_logits(x, t, w, reduction), lambda x, t: F.binary_cross_entropy_with_logits(x, t, pos_weight=w, reduction=reduction), x, t)

@quick
@given(tensors(odd=None), st.sampled_from(['mean', 'sum', 'none', 'batchmean']))
@pytest.mark.filterwarnings("ignore:reduction. 'mean'")
def test_kl_div(x, reduction):
    p = torch.softmax(torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=x.dtype), -1) if x.numel() else x.clone()
    agree(lambda q, p: kl_div(q, p, reduction), lambda q, p: F.kl_div(q, p, reduction=reduction), F.log_softmax(x, -1), p)

@quick
@given(tensors(odd=None), st.sampled_from(REDUCTIONS))
def test_mse(x, reduction):
    agree(lambda a, b: mse(a, b, reduction), lambda a, b: F.mse_loss(a, b, reduction=reduction), x, x.flip(0) + 1)
