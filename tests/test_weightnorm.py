"""Weight norm against torch's: value, gradient, checkpoints, training; what torch's does silently and ours does not;
and what it says to bad input."""
import copy, math, warnings
import pytest, torch, torch.nn.functional as F, transforms
from hypothesis import given, settings, strategies as st
from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import weight_norm as torch_weight_norm
from nnbolts.weightnorm import WeightNorm, add_weight_norm, norm_except_dim, remove_weight_norm
from nnbolts.weightnorm import weight_norm_, weight_norm_grads

quick = settings(max_examples=150, deadline=None, derandomize=True)
few = settings(max_examples=40, deadline=None, derandomize=True)
dtypes = st.sampled_from([torch.float32, torch.float64])

@st.composite
def arrows(draw, dtype=None, empty=True, zeros=True):
    """A tensor of a drawn shape, one to four dimensions, at times with strides of its own or with a slice of zeros,
    and one of its dimensions or -1."""
    shape = draw(st.lists(st.integers(0 if empty else 1, 5), min_size=1, max_size=4))
    g = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    x = torch.randn(shape, generator=g,
                    dtype=torch.float64).to(dtype or draw(dtypes)) * draw(st.sampled_from([1., 1e-3, 1e4]))
    layout = draw(st.sampled_from(['plain', 'transposed', 'gaps', 'zeros' if zeros else 'plain']))
    if layout == 'transposed': x = x.transpose(0, -1).contiguous().transpose(0, -1)
    if layout == 'gaps': x = torch.stack([x, x], -1)[..., 0]
    if layout == 'zeros' and len(x): x[0] = 0
    dim = draw(st.sampled_from([-1, *range(len(shape)), *range(-len(shape), -1)]))
    return x, dim

def torch_can(x, dim): return dim == -1 or x.shape[dim] > 0 # torch's view fails where the kept dimension is empty
def leaf(a): return torch.empty_strided(a.shape, a.stride(), dtype=a.dtype).copy_(a).requires_grad_()

def slopes(f, args):
    "The value, and the gradient of every argument through one random upstream gradient."
    leaves = [leaf(a) for a in args]
    out = f(*leaves)
    up = torch.randn(out.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(out.dtype)
    return [out.detach(), *torch.autograd.grad(out, leaves, up, allow_unused=True)]

def agree(ours, theirs, *args, **close):
    for a, b in zip(slopes(ours, args), slopes(theirs, args)):
        if b is None: assert a is None or not a.any()
        else: torch.testing.assert_close(a, b, equal_nan=True, **close)

# --- the functions

@quick
@given(arrows(), st.sampled_from([-3, -2, -1, 0, 1, 2, 3, 4, 7]))
def test_norm_except_dim(case, p):
    x, dim = case
    if not torch_can(x, dim): return
    if p < 0 and x.numel() == 0: return
    agree(lambda v: norm_except_dim(v, p, dim), lambda v: torch.norm_except_dim(v, p, dim), x)

@few
@given(arrows(zeros=False, empty=False), st.sampled_from([0.5, 2.5, math.inf, -math.inf]))
def test_norms_that_torch_does_not_take(case, p):
    x, dim = case
    n = norm_except_dim(x, p, dim)
    slices = [x] if dim == -1 else x.movedim(dim, 0)
    torch.testing.assert_close(n.flatten(), torch.stack([torch.linalg.vector_norm(s, p) for s in slices]))

@quick
@given(arrows(), st.integers(0, 10**6))
def test_weight_norm_(case, seed):
    v, dim = case
    if not torch_can(v, dim): return
    g = torch.randn(norm_except_dim(v, 2, dim).shape, generator=torch.Generator().manual_seed(seed),
                    dtype=torch.float64).to(v.dtype)
    n = norm_except_dim(v, 2, dim)
    # the gradient by v is of this size before what lies along v is taken off
    size = max([1., *(g.abs() / n)[n > 0].tolist()])
    close = dict(rtol=1e-4, atol=1e-5*size) if v.dtype == torch.float32 else dict(rtol=1e-9, atol=1e-12*size)
    agree(lambda v, g: weight_norm_(v, g, dim), lambda v, g: torch._weight_norm(v, g, dim), v, g, **close)
    torch.testing.assert_close(weight_norm_(v, g, dim), torch._weight_norm(v, g, dim), equal_nan=True)

@quick
@given(arrows(zeros=False, empty=False), st.integers(0, 10**6))
def test_closed_form(case, seed):
    v, dim = case
    make = torch.Generator().manual_seed(seed)
    g, up = torch.randn(norm_except_dim(v, 2, dim).shape,
                        generator=make).to(v.dtype), torch.randn(v.shape, generator=make).to(v.dtype)
    a, b = leaf(v), leaf(g)
    theirs = torch.autograd.grad(torch._weight_norm(a, b, dim), [a, b], up)
    ours = weight_norm_grads(up, v, g, dim)
    scale = max(1, (1 / norm_except_dim(v, 2, dim)).max().item())
    tol = 1e-5 if v.dtype == torch.float32 else 1e-12
    for x, y in zip(ours, theirs):
        assert x.dtype == y.dtype and x.shape == y.shape
        torch.testing.assert_close(x, y, rtol=10*tol, atol=100*tol*scale)
    others = tuple(d for d in range(v.dim()) if dim == -1 or d != dim % v.dim())
    product = ours[0].double() * v.double()
    inner = product.sum(others, keepdim=True) if others else product
    assert (inner.abs() <= 100*tol * (g.abs() * up.abs().sum()).max()).all(), 'the gradient is at a right angle to v'

@pytest.mark.parametrize('dtype, close',
                         [(torch.bfloat16, dict(rtol=1.6e-2, atol=2e-2)), (torch.float16, dict(rtol=2e-3, atol=4e-3))])
@pytest.mark.parametrize('dim', [0, 1, 2, -1, -2])
def test_half_precision(dtype, close, dim):
    torch.manual_seed(0)
    v = torch.randn(4, 6, 5).to(dtype)
    g = torch.randn(norm_except_dim(v, 2, dim).shape).to(dtype)
    agree(lambda v: norm_except_dim(v, 2, dim), lambda v: torch.norm_except_dim(v, 2, dim), v, **close)
    agree(lambda v, g: weight_norm_(v, g, dim), lambda v, g: torch._weight_norm(v, g, dim), v, g, **close)
    exact = weight_norm_(v.double(), g.double(), dim)
    torch.testing.assert_close(weight_norm_(v, g, dim), exact.to(dtype),
                               **dict(rtol=torch.finfo(dtype).eps, atol=1e-6))  # one rounding, no more

@pytest.mark.parametrize('dim', [0, 1, 2, -1])
def test_closed_form_in_half_precision(dim):
    torch.manual_seed(0)
    v, up = torch.randn(4, 6, 5).bfloat16(), torch.randn(4, 6, 5).bfloat16()
    g = torch.randn(norm_except_dim(v, 2, dim).shape).bfloat16()
    ours, exact = weight_norm_grads(up, v, g, dim), weight_norm_grads(up.double(), v.double(), g.double(), dim)
    for a, b in zip(ours, exact):
        assert a.dtype == torch.bfloat16
        torch.testing.assert_close(a, b.bfloat16(), rtol=1.6e-2, atol=1e-3)

def test_facts():
    ones = torch.ones(5, 5, 5)
    assert norm_except_dim(ones, 2, 0).tolist() == [[[5.]]]*5
    torch.testing.assert_close(norm_except_dim(ones, 3, 0), torch.full((5, 1, 1), 2.9240), atol=5e-5, rtol=0)
    assert norm_except_dim(ones, 2, 2).shape == (1, 1, 5)
    torch.testing.assert_close(norm_except_dim(ones, 2, -1), torch.tensor(11.1803), atol=5e-5, rtol=0)
    assert torch.equal(norm_except_dim(ones, 2, None), norm_except_dim(ones, 2, -1))
    count = lambda m: sum(p.numel() for p in m.parameters())
    assert count(nn.Linear(5, 3)) == 18 and count(add_weight_norm(nn.Linear(5, 3))) == 21

def test_awkward_input():
    for shape, dim, want in [((0, 3), 0, (0, 1)), ((3, 0), 1, (1, 0)), ((0,), 0, (0,)), ((3, 0), 0, (3, 1)),
                             ((0, 3), -1, ()), ((), None, ()), ((), -1, ())]:
        assert norm_except_dim(torch.zeros(shape), 2, dim).shape == want
    assert weight_norm_(torch.ones(0, 3), torch.ones(0, 1)).shape == (0, 3)
    assert weight_norm_(torch.tensor([-3., 2.]), torch.tensor([5., 7.])).tolist() == [-5., 7.]
    for v in (torch.full((2, 3), 1e30), torch.full((2, 3), 1e-30), torch.tensor([[math.inf, 1.], [math.nan, 1.]]),
              torch.zeros(2, 3)):
        for dim in (0, 1, -1):
            g = torch.ones(torch.norm_except_dim(v, 2, dim).shape)
            torch.testing.assert_close(weight_norm_(v, g, dim), torch._weight_norm(v, g, dim), equal_nan=True)
    n = torch.norm_except_dim(torch.ones(2, 2, dtype=torch.complex64), 2, 0)
    torch.testing.assert_close(norm_except_dim(torch.ones(2, 2, dtype=torch.complex64)), n)

def test_second_derivatives():
    torch.manual_seed(0)
    v, g = torch.randn(3, 4, dtype=torch.float64, requires_grad=True), torch.randn(3, 1, dtype=torch.float64,
                                                                                   requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda v, g: weight_norm_(v, g, 0), (v, g))
    assert torch.autograd.gradcheck(lambda v, g: weight_norm_(v, g.sum(), -1), (v, g))

# --- the layers

class Scale(nn.Module):
    "A layer whose parameter is a vector"
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6))
    def forward(self, x): return x * self.weight

LAYERS = {
    'linear': (lambda: nn.Linear(6, 4), (3, 6)),
    'linear without bias': (lambda: nn.Linear(6, 4, bias=False), (2, 5, 6)),
    'conv1d': (lambda: nn.Conv1d(4, 6, 3), (2, 4, 8)),
    'conv2d': (lambda: nn.Conv2d(4, 6, 3, groups=2), (2, 4, 7, 6)),
    'convtranspose1d': (lambda: nn.ConvTranspose1d(4, 6, 3), (2, 4, 5)),
    'convtranspose2d': (lambda: nn.ConvTranspose2d(4, 6, 3, stride=2), (2, 4, 5, 4)),
    'conv3d': (lambda: nn.Conv3d(2, 3, 2), (1, 2, 4, 4, 4)),
    'bilinear': (lambda: nn.Bilinear(4, 4, 3), None),
    'embedding': (lambda: nn.Embedding(9, 5), None),
    'vector': (Scale, (3, 6))}

def pair(kind, dim, dtype=torch.float32, wrap=lambda m: m):
    "Two layers from the same start: ours, and torch's; and an input."
    make, shape = LAYERS[kind]
    torch.manual_seed(0)
    a = make().to(dtype)
    b = copy.deepcopy(a)
    if kind == 'embedding': x = (torch.randint(0, 9, (4, 3)),)
    elif kind == 'bilinear': x = (torch.randn(5, 4, dtype=dtype), torch.randn(5, 4, dtype=dtype))
    else: x = (torch.randn(shape, dtype=dtype),)
    return add_weight_norm(a, dim=dim), torch_weight_norm(b, dim=dim), x

def parts(m): return dict(m.named_parameters())

def loss_of(m, x): return m(*x).square().mean() - m(*x).sin().mean()

def layers_agree(a, b, x, **close):
    assert list(a.state_dict()) == list(b.state_dict()) and list(parts(a)) == list(parts(b))
    for m in (a, b):
        m.zero_grad()
        loss_of(m, x).backward()
    torch.testing.assert_close(a.weight, b.weight, **close)
    torch.testing.assert_close(a(*x), b(*x), **close)
    for p, q in zip(a.parameters(), b.parameters()): torch.testing.assert_close(p.grad, q.grad, **close)

ALL = [(k, d) for k, (make, _) in LAYERS.items() for d in ((0, None, -1) if k == 'vector' else (0, 1, None, -1, -2))]

@pytest.mark.parametrize('dtype', [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize('kind, dim', ALL)
def test_layers(kind, dim, dtype):
    close = dict(rtol=3e-2,
                 atol=3e-2) if dtype == torch.bfloat16 else dict(rtol=1e-4, atol=1e-5) if dtype == torch.float32 else {}
    a, b, x = pair(kind, dim, dtype)
    layers_agree(a, b, x, **close)

@pytest.mark.parametrize('kind, dim', ALL)
def test_the_layer_computes_what_it_did(kind, dim):
    a, _, x = pair(kind, dim, torch.float64)
    make, _ = LAYERS[kind]
    torch.manual_seed(0)
    plain = make().double()
    torch.testing.assert_close(a(*x), plain(*x))
    before = a(*x).detach()
    with torch.no_grad(): a.parametrizations.weight.original0.mul_(1.5)
    changed, weight = a(*x).detach(), a.weight.detach().clone()
    assert not torch.allclose(before, changed)
    assert remove_weight_norm(a) is a and type(a) is type(plain)
    assert isinstance(a.weight, nn.Parameter) and a.weight.requires_grad and a.weight.is_leaf
    assert not parametrize.is_parametrized(a)
    assert torch.equal(a.weight, weight) and torch.equal(a(*x), changed)
    assert list(a.state_dict()) == list(plain.state_dict()) and not a._load_state_dict_pre_hooks

@pytest.mark.parametrize('optimizer', ['sgd', 'momentum', 'adam'])
@pytest.mark.parametrize('kind, dim',
                         [('linear', 0), ('linear', None), ('linear', 1), ('conv1d', 0), ('conv2d', 0), ('conv2d', 1),
                          ('convtranspose2d', 1), ('embedding', 0), ('embedding', 1)])
def test_training(kind, dim, optimizer):
    "Twenty steps from the same start end at the same weights."
    a, b, x = pair(kind, dim, torch.float64)
    for m in (a, b):
        opt = dict(sgd=lambda p: torch.optim.SGD(p, .1),
                   momentum=lambda p: torch.optim.SGD(p, .05, .9, weight_decay=.01),
                   adam=lambda p: torch.optim.Adam(p, .02))[optimizer](m.parameters())
        for _ in range(20):
            opt.zero_grad()
            loss_of(m, x).backward()
            opt.step()
    for p, q in zip(a.parameters(), b.parameters()): torch.testing.assert_close(p, q, rtol=1e-8, atol=1e-9)
    torch.testing.assert_close(a.weight, b.weight, rtol=1e-8, atol=1e-9)

def test_training_in_float32():
    a, b, x = pair('linear', 0)
    for m in (a, b):
        opt = torch.optim.SGD(m.parameters(), .1)
        for _ in range(20):
            opt.zero_grad()
            loss_of(m, x).backward()
            opt.step()
    for p, q in zip(a.parameters(), b.parameters()): torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-5)

@pytest.mark.parametrize('kind, dim', [('linear', 0), ('linear', None), ('conv2d', 1), ('embedding', 0)])
def test_checkpoints_load_both_ways(kind, dim):
    a, b, x = pair(kind, dim)
    make, _ = LAYERS[kind]
    torch.manual_seed(1)
    ours, theirs = add_weight_norm(make(), dim=dim), torch_weight_norm(make(), dim=dim)
    assert {f'parametrizations.weight.original{i}'
            for i in (0, 1)} <= set(ours.state_dict()) and list(ours.state_dict()) == list(theirs.state_dict())
    a.load_state_dict(theirs.state_dict())
    b.load_state_dict(ours.state_dict())
    torch.testing.assert_close(a.weight, theirs.weight)
    torch.testing.assert_close(b.weight, ours.weight)

@pytest.mark.parametrize('dim', [0, 1, None])
@pytest.mark.parametrize('copied', [False, True])
def test_old_checkpoints(dim, copied):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        old = nn.Sequential(nn.Flatten(), torch.nn.utils.weight_norm(nn.Linear(5, 3), dim=dim))
    new = nn.Sequential(nn.Flatten(), add_weight_norm(nn.Linear(5, 3), dim=dim))
    if copied: new = copy.deepcopy(new)
    saved = old.state_dict()
    assert {'1.weight_g', '1.weight_v'} <= set(saved)
    new.load_state_dict(saved)
    x = torch.randn(4, 5)
    torch.testing.assert_close(new(x), old(x))
    with pytest.raises(RuntimeError, match='Unexpected key'):
        new.load_state_dict({k: v for k, v in saved.items() if k != '1.weight_v'})
    remove_weight_norm(new[1])
    with pytest.raises(RuntimeError, match='weight_g'): new.load_state_dict(old.state_dict())

def test_deepcopy_to_and_assignment():
    a, b, x = pair('linear', 0)
    loss_of(a, x).backward()
    c = copy.deepcopy(a)
    torch.testing.assert_close(c(*x), a(*x))
    with torch.no_grad(): c.parametrizations.weight.original0.mul_(3.)
    torch.testing.assert_close(c.weight, 3*a.weight)
    layers_agree(a, b, x, rtol=1e-4, atol=1e-6)
    layers_agree(a.double(), b.double(), [t.double() for t in x])
    layers_agree(a.bfloat16(), b.bfloat16(), [t.bfloat16() for t in x], rtol=3e-2, atol=3e-2)
    assert a.to('meta').weight.device.type == 'meta'
    m, w = add_weight_norm(nn.Linear(6, 4)), torch.randn(4, 6)
    m.weight = w
    torch.testing.assert_close(m.weight, w)
    torch.testing.assert_close(m.parametrizations.weight.original0, w.norm(dim=1, keepdim=True))

@pytest.mark.parametrize('kind, dim', [('linear', 0), ('linear', None), ('conv2d', 0), ('conv2d', 1), ('embedding', 0)])
def test_compile(kind, dim):
    a, b, x = pair(kind, dim)
    torch._dynamo.reset()
    compiled = torch.compile(a, backend='aot_eager', fullgraph=True)
    loss_of(compiled, x).backward()
    loss_of(b, x).backward()
    torch.testing.assert_close(compiled(*x), b(*x))
    for p, q in zip(a.parameters(), b.parameters()): torch.testing.assert_close(p.grad, q.grad, rtol=1e-4, atol=1e-6)

def test_recurrent_layer_and_several_names():
    torch.manual_seed(0)
    a = nn.LSTM(3, 4)
    b, x = copy.deepcopy(a), torch.randn(5, 2, 3)
    for name in ('weight_hh_l0', 'weight_ih_l0'):
        add_weight_norm(a, name)
        torch_weight_norm(b, name)
    with torch.no_grad():
        for m in (a, b): m.parametrizations.weight_hh_l0.original0.mul_(2.)
    torch.testing.assert_close(a(x)[0], b(x)[0])
    assert list(a.state_dict()) == list(b.state_dict())
    y = a(x)[0].detach()
    remove_weight_norm(a, 'weight_hh_l0')
    torch.testing.assert_close(a(x)[0], y)
    assert parametrize.is_parametrized(a, 'weight_ih_l0') and not parametrize.is_parametrized(a, 'weight_hh_l0')
    remove_weight_norm(a, 'weight_ih_l0')
    assert type(a) is nn.LSTM
    torch.testing.assert_close(a(x)[0], y)

def test_functional_call_and_cached():
    a, b, x = pair('linear', 0)
    state = {k: 2*v for k, v in a.state_dict().items()}
    torch.testing.assert_close(torch.func.functional_call(a, state, x), torch.func.functional_call(b, state, x))
    with parametrize.cached(): assert a.weight is a.weight
    assert a.weight is not a.weight

# --- where torch's is silent

def test_a_copy_lives_on_its_own():
    """torch's removal from a copy takes the weight of the original away, and a second name on a copy breaks the
    original."""
    for add, remove, fine in [(add_weight_norm, remove_weight_norm, True),
                              (torch_weight_norm, parametrize.remove_parametrizations, False)]:
        a = add(nn.Linear(5, 3))
        remove(copy.deepcopy(a), 'weight')
        assert hasattr(a, 'weight') is fine
    a = add_weight_norm(nn.Linear(5, 3))
    b = add_weight_norm(copy.deepcopy(a), 'bias', None)
    assert isinstance(a.bias, nn.Parameter) and b.bias.shape == (3,)
    a(torch.ones(1, 5)), b(torch.ones(1, 5))
    assert type(remove_weight_norm(remove_weight_norm(b), 'bias')) is nn.Linear
    assert a.weight.shape == (3, 5)

@pytest.mark.parametrize('name', ['weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0'])
def test_removal_puts_a_parameter_back_in_its_place(name):
    "The checkpoint of an optimizer knows parameters by their place only."
    layer = nn.LSTM(3, 4)
    before = [k for k, _ in layer.named_parameters()]
    remove_weight_norm(add_weight_norm(layer, name), name)
    assert [k for k, _ in layer.named_parameters()] == before

def test_frozen_and_no_grad_leave_a_parameter():
    a = remove_weight_norm(add_weight_norm(nn.Linear(5, 3)).requires_grad_(False))
    assert 'weight' in a._parameters and not a.weight.requires_grad
    b = torch_weight_norm(nn.Linear(5, 3)).requires_grad_(False)
    parametrize.remove_parametrizations(b, 'weight')
    assert 'weight' in b._buffers
    with torch.no_grad(): a = remove_weight_norm(add_weight_norm(nn.Linear(5, 3)))
    assert 'weight' in a._parameters and a.weight.requires_grad
    m = add_weight_norm(nn.Linear(5, 3))
    m.parametrizations.weight.original0.requires_grad_(False)
    assert remove_weight_norm(m).weight.requires_grad
    m = nn.Linear(5, 3).requires_grad_(False)
    assert not any(p.requires_grad for p in add_weight_norm(m).parameters())

def test_memory_is_not_shared():
    w = torch.randn(3, 5)
    for add, shared in [(add_weight_norm, False), (torch_weight_norm, True)]:
        m = add(nn.Linear(5, 3))
        m.weight = w
        assert (m.parametrizations.weight.original1.data_ptr() == w.data_ptr()) is shared
        tied, head = nn.Embedding(3, 5), nn.Linear(5, 3, bias=False)
        head.weight = tied.weight
        assert (add(head).parametrizations.weight.original1.data_ptr() == tied.weight.data_ptr()) is shared

def test_optimizer_made_before_trains_nothing():
    torch.manual_seed(0)
    m, x = nn.Linear(5, 3), torch.randn(8, 5)
    early = torch.optim.SGD(m.parameters(), .1)
    add_weight_norm(m)
    before = m.weight.detach().clone()
    m(x).square().mean().backward()
    early.step()
    assert torch.equal(m.weight, before)
    torch.optim.SGD(m.parameters(), .1).step()
    assert not torch.equal(m.weight, before)

# --- a property of plain gradient descent

@few
@given(st.integers(0, 10**6), st.sampled_from([.01, .1, 1.]), st.sampled_from([0, 1, None]))
def test_arrows_only_grow(seed, lr, dim):
    torch.manual_seed(seed)
    m, x, y = nn.Linear(6, 4).double(), torch.randn(10, 6).double(), torch.randn(10, 4).double()
    add_weight_norm(m, dim=dim)
    opt, v = torch.optim.SGD(m.parameters(), lr), m.parametrizations.weight.original1
    for _ in range(10):
        opt.zero_grad()
        F.mse_loss(m(x), y).backward()
        before, slope = norm_except_dim(v, 2, dim).detach(), norm_except_dim(v.grad, 2, dim)
        opt.step()
        after = norm_except_dim(v, 2, dim).detach()
        torch.testing.assert_close(after.square(), before.square() + (lr*slope).square())
        assert (after >= before * (1 - 1e-12)).all()

@few
@given(st.integers(0, 10**6), st.sampled_from([.02, .2]), st.sampled_from([.5, .9, .99]), st.sampled_from([0, .5]))
def test_arrows_only_grow_with_momentum(seed, lr, momentum, dampening):
    torch.manual_seed(seed)
    m, x, y = add_weight_norm(nn.Linear(6, 4)).double(), torch.randn(10, 6).double(), torch.randn(10, 4).double()
    opt, v = torch.optim.SGD(m.parameters(), lr, momentum, dampening), m.parametrizations.weight.original1
    for _ in range(25):
        opt.zero_grad()
        F.mse_loss(m(x), y).backward()
        before = norm_except_dim(v).detach()
        opt.step()
        assert (norm_except_dim(v) >= before * (1 - 1e-9)).all()

# --- errors

class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale, self.mask, self.none = nn.Parameter(torch.tensor(2.)), nn.Parameter(torch.ones(2, 2,
                                                                                                   dtype=torch.int64),
                                                                                        requires_grad=False), None
        self.register_parameter('empty', None)
        self.register_buffer('mean', torch.zeros(3))
        self.table = nn.Parameter(torch.ones(2, 2))

def says(kind, text, f, *args, **kwargs):
    with pytest.raises(kind) as e: f(*args, **kwargs)
    assert type(e.value) is kind and text in str(e.value), str(e.value)

def test_errors_of_the_functions():
    v = torch.ones(4, 5, 3)
    says(TypeError, 'v: expected a tensor of floating-point numbers, got list [1.0]', norm_except_dim, [1.])
    says(TypeError, 'v: expected a tensor of floating-point numbers, got torch.int64', norm_except_dim,
         torch.ones(2, 2, dtype=torch.int64))
    says(ValueError, 'dim: expected a whole number from -3 to 2, got 3', norm_except_dim, v,
         2, 3)
    says(ValueError, 'got -4', norm_except_dim, v, 2, -4)
    says(ValueError, 'dim: expected None for a single number', norm_except_dim, torch.tensor(1.), 2, 0)
    for bad in (1., '0', (0, 1), True):
        says(TypeError, 'dim: expected a whole number from -3 to 2, got', norm_except_dim, v, 2, bad)
    for bad in ('2', None, True): says(TypeError, f'p: expected a number, got {bad!r}', norm_except_dim, v, bad)
    says(ValueError, 'p: expected a number, got nan', norm_except_dim, v, math.nan)
    says(ValueError, 'g: expected shape (4, 1, 1), one length for each slice of v, (4, 5, 3), along dim 0, got (4,)',
         weight_norm_, v, torch.ones(4))
    says(ValueError, 'got (5, 1, 1)', weight_norm_, v, torch.ones(5, 1, 1))
    says(ValueError, 'g: expected shape (), one length for v, got (4, 1, 1)', weight_norm_, v,
         torch.ones(4, 1, 1), None)
    says(TypeError, 'g: expected the type of v, torch.float32, got torch.float64', weight_norm_, v,
         torch.ones(4, 1, 1).double())
    says(TypeError, 'g: expected a tensor, got 1.0', weight_norm_, v, 1.)
    says(TypeError, 'v: expected a tensor of floating-point numbers, got 1.0', weight_norm_, 1., torch.ones(1))
    says(TypeError, 'v: expected a tensor of floating-point numbers, got torch.complex64', weight_norm_,
         torch.ones(2, 2, dtype=torch.complex64), torch.ones(2, 1))
    says(ValueError, 'dim: ', weight_norm_, v, torch.ones(4, 1, 1), 7)

def test_errors_of_add_and_remove():
    L = nn.Linear
    says(TypeError, 'module: expected a torch.nn.Module, got a tensor of shape (2,), float32', add_weight_norm,
         torch.ones(2))
    says(TypeError, 'name: expected text', add_weight_norm, L(5, 3), 0)
    says(ValueError, "name: expected a parameter of Linear, got 'wieght'; did you mean 'weight'?", add_weight_norm,
         L(5, 3), 'wieght')
    says(ValueError, "got 'kernel'; it has 'weight', 'bias'", add_weight_norm, L(5, 3), 'kernel')
    says(ValueError, "got 'bias' of Linear, which is None", add_weight_norm, L(5, 3, bias=False), 'bias')
    says(ValueError, "its parameters belong to its submodules: '0.weight', '0.bias'", add_weight_norm,
         nn.Sequential(L(5, 3)))
    says(ValueError, "it belongs to the submodule '0': pass that one", add_weight_norm, nn.Sequential(L(5, 3)),
         '0.weight')
    says(ValueError, 'it has none', add_weight_norm, nn.ReLU())
    says(ValueError, "'running_mean' is a buffer", add_weight_norm, nn.BatchNorm1d(3), 'running_mean')
    says(ValueError, "got 'weight' of LazyLinear, which has none yet", add_weight_norm, nn.LazyLinear(3))
    says(ValueError, "got 'scale' of Odd, a single number", add_weight_norm, Odd(), 'scale')
    says(ValueError, 'torch.int64', add_weight_norm, Odd(), 'mask')
    says(ValueError, "'empty' of Odd, which is None", add_weight_norm, Odd(), 'empty')
    says(ValueError, "'mean' is a buffer", add_weight_norm, Odd(), 'mean')
    says(ValueError, 'dim: expected a whole number from -2 to 1, got 2', add_weight_norm,
         L(5, 3), dim=2)
    says(TypeError, "dim: expected a whole number from -2 to 1, got '0'", add_weight_norm, L(5, 3), dim='0')
    m = add_weight_norm(L(5, 3))
    says(ValueError, "got 'weight' of Linear, which has it already", add_weight_norm, m)
    says(ValueError, "name: expected a parameter of Linear with weight norm, got 'bias'; it has it on 'weight'",
         remove_weight_norm, m, 'bias')
    m(torch.ones(1, 5))
    says(ValueError, 'which has _Orthogonal; take that off first', add_weight_norm,
         nn.utils.parametrizations.orthogonal(L(5, 3)))
    says(ValueError, "expected a parameter of Linear with weight norm, got 'weight'; it has none", remove_weight_norm,
         nn.utils.parametrizations.orthogonal(L(5, 3)))
    says(ValueError, "expected a parameter of Linear with weight norm, got 'weight'; it has none", remove_weight_norm,
         L(5, 3))
    says(TypeError, 'module: expected', remove_weight_norm, 3)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        old = torch.nn.utils.weight_norm(L(5, 3))
    says(ValueError, 'which has the old kind; take it off with torch.nn.utils.remove_weight_norm', add_weight_norm,
         old)
    class Double(nn.Module):
        def forward(self, w): return 2*w
    parametrize.register_parametrization(m, 'weight', Double())
    says(ValueError, 'which has Double on top of it', remove_weight_norm, m)

def test_a_failed_add_changes_nothing():
    m = nn.Linear(5, 3)
    before = m.state_dict()
    with pytest.raises(ValueError): add_weight_norm(m, dim=3)
    assert type(m) is nn.Linear and not m._load_state_dict_pre_hooks and list(m.state_dict()) == list(before)
    assert type(add_weight_norm(m)).__name__ == 'ParametrizedLinear'

# where torch's works, ours works

TRACED = {'linear': (lambda: nn.Linear(5, 4), {}), 'linear, dim 1': (lambda: nn.Linear(5, 4), dict(dim=1)),
          'linear, all': (lambda: nn.Linear(5, 4), dict(dim=None)), 'convolution': (lambda: nn.Conv1d(6, 4, 3), {})}

def of_both(name, dtype):
    "The same layer with our weight norm and with torch's"
    make, options = TRACED[name]
    torch.manual_seed(0)
    plain = make().to(dtype)
    return add_weight_norm(copy.deepcopy(plain), **options), torch_weight_norm(copy.deepcopy(plain), **options)

@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('name', ['linear, all', 'convolution'])
@pytest.mark.parametrize('f', transforms.ALL, ids=lambda f: f.__name__)
def test_goes_through_what_torch_goes_through(f, name):
    # torch's second derivative of _weight_norm is wrong in three dimensions
    if f is transforms.of_gradients and name == 'convolution':
        args = torch.randn(4, 6, 3, dtype=torch.float64, requires_grad=True), torch.randn(4, 1, 1, dtype=torch.float64,
                                                                                          requires_grad=True)
        assert torch.autograd.gradgradcheck(weight_norm_, args)
        return
    transforms.agree(f, *of_both(name, torch.float64),
                     torch.randn(4, 6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))

@pytest.mark.parametrize('name', TRACED)
@pytest.mark.parametrize('params', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('x', [torch.float32, torch.bfloat16])
def test_autocast(name, params, x):
    "Types of output, gradients and of the weight itself"
    ours, theirs = of_both(name, params)
    z = torch.randn(4, 6, 5).to(x)
    right = transforms.autocast_types(theirs, z, torch.bfloat16)
    assert transforms.autocast_types(ours, z, torch.bfloat16) == right
    with torch.autocast('cpu', torch.bfloat16): assert ours.weight.dtype == theirs.weight.dtype == params

@pytest.mark.parametrize('dim', [0, 1, None])
def test_functions_compile_with_sizes_that_change(dim):
    def f(v, g, grad): return weight_norm_(v, g, dim), *weight_norm_grads(grad, v, g, dim), norm_except_dim(v, 3, dim)
    torch._dynamo.reset()
    run = torch.compile(f, backend='aot_eager', fullgraph=True, dynamic=True)
    for n in (3, 4, 7):
        v = torch.randn(n, 5, generator=torch.Generator().manual_seed(n))
        args = v, torch.ones_like(norm_except_dim(v, 2, dim)), v.sin()
        for a, b in zip(run(*args), f(*args)): torch.testing.assert_close(a, b)
