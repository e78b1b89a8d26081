"conv2d against PyTorch's: values, gradients, every option, awkward layouts; sizes, costs, pictures, messages."

import copy, itertools, math
import numpy as np, pytest, torch, torch.nn.functional as F
from hypothesis import given, settings, strategies as st
from torch import nn
from nnbolts.convolutions import Conv2d, ConvCost, conv1d, conv2d, conv_cost, conv_shape, conv_transpose2d, draw_groups
from nnbolts.hooks import layer_table


pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")
quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)
def draw(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def leaf(t): return torch.empty_strided(t.shape, t.stride(), dtype=t.dtype).copy_(t).requires_grad_()

def value_and_slopes(f, args, kw):
    leaves = [leaf(a) for a in args]
    y = f(*leaves, **kw)
    return [y.detach(), *torch.autograd.grad(y, leaves, draw(*y.shape, seed=1, dtype=y.dtype))]

def agree(*args, close=None, **kw):
    for a, b in zip(value_and_slopes(conv2d, args, kw), value_and_slopes(F.conv2d, args, kw), strict=True):
        torch.testing.assert_close(a, b, **(close or {}))

@st.composite
def cases(draw_, dtype=torch.float64):
    "Tensors and options that fit together: from one pixel and one channel up, empty batches, single images."
    groups = draw_(st.sampled_from([1, 1, 2, 3]))
    c, o = groups*draw_(st.integers(1, 3)), groups*draw_(st.integers(1, 3))
    kernel, stride, dilation = ([draw_(st.integers(1, n)) for _ in 'hw'] for n in (4, 4, 3))
    padding = [draw_(st.integers(0, 4)) for _ in 'hw']
    size = [max(1, d*(k - 1) + 1 - 2*p) + draw_(st.integers(0, 6)) for k, d, p in zip(kernel, dilation, padding)]
    lead = draw_(st.sampled_from([(), (0,), (1,), (2,), (3,)]))
    x, w, b = (
        draw(*lead, c, *size, dtype=dtype),
        draw(o, c // groups, *kernel, seed=2, dtype=dtype),
        draw(o, seed=3, dtype=dtype),
    )
    layout = draw_(st.sampled_from(['plain', 'last', 'turned', 'gaps']))
    if layout == 'last' and x.dim() == 4:
        x, w = x.to(memory_format=torch.channels_last), w.to(memory_format=torch.channels_last)
    if layout == 'turned': x, w = x.mT.contiguous().mT, w.mT.contiguous().mT
    if layout == 'gaps': x, w = torch.stack([x, -x], -1)[..., 0], torch.stack([w, -w], -1)[..., 0]
    if draw_(st.booleans()):
        padding = (
            draw_(st.sampled_from(['valid', 'same'] if all(k == 1 for k in stride) else ['valid']))
            if all(n >= d * (k - 1) + 1 for n, k, d in zip(size, kernel, dilation))
            else padding
        )
    kw = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
    for name in kw:      # one number where both are equal
        if name != 'groups' and not isinstance(kw[name], str):
            kw[name] = kw[name][0] if kw[name][0] == kw[name][1] else tuple(kw[name])
    return x, w, b, kw

@settings(quick, max_examples=250)
@given(cases(), st.booleans())
def test_like_torch(case, bias):
    x, w, b, kw = case
    agree(*((x, w, b) if bias else (x, w)), **kw)

@quick
@given(cases(torch.float32))
def test_float32_is_near_the_exact_answer(case):
    x, w, b, kw = case
    exact = value_and_slopes(F.conv2d, (x.double(), w.double(), b.double()), kw)
    for ours, right in zip(value_and_slopes(conv2d, (x, w, b), kw), exact):
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours.double(), right, rtol=1e-5, atol=3e-5)

@quick
@given(cases(torch.bfloat16), st.sampled_from([torch.bfloat16, torch.float16]))
def test_half_precision(case, dtype):
    x, w, b, kw = case
    x, w, b = (t.to(dtype) for t in (x, w, b))
    exact, eps = value_and_slopes(F.conv2d, (x.double(), w.double(), b.double()), kw), torch.finfo(dtype).eps
    up = exact[0].abs().max().item() if exact[0].numel() else 0
    for i, (ours, right) in enumerate(zip(value_and_slopes(conv2d, (x, w, b), kw), exact)):
        assert ours.dtype == dtype
        torch.testing.assert_close(
            ours.double(), right, rtol=eps, atol=1e-3 if i == 0 else 64 * eps
        )  # the upstream gradient is rounded too

@settings(quick, max_examples=20)
@given(cases())
def test_second_derivatives(case):
    x, w, b, kw = case
    def twice(f):
        leaves = [leaf(t) for t in (x, w, b)]
        y = f(*leaves, **kw)
        first = torch.autograd.grad(y.pow(3).sum(), leaves, create_graph=True)
        total = sum((g * draw(*g.shape, seed=5 + i, dtype=g.dtype)).sum() for i, g in enumerate(first))
        return torch.autograd.grad(total, leaves)
    for a, c in zip(twice(conv2d), twice(F.conv2d)): torch.testing.assert_close(a, c)

@pytest.mark.parametrize('kw', [dict(), dict(stride=2, padding=1), dict(dilation=2, padding=2, groups=2)])
@pytest.mark.parametrize('which', [(0,), (1,), (2,), (0, 1), (0, 1, 2)])
def test_gradcheck_of_some_arguments(which, kw):
    args = [
        draw(1, 2, 3, 4, dtype=torch.float64),
        draw(2, 2 // kw.get('groups', 1), 3, 2, seed=1, dtype=torch.float64),
        draw(2, seed=2, dtype=torch.float64),
    ]
    for i in which: args[i].requires_grad_()
    assert torch.autograd.gradcheck(lambda *a: conv2d(*a, **kw), args)
    assert torch.autograd.gradgradcheck(lambda *a: conv2d(*a, **kw), args, fast_mode=True)

def test_third_derivative():
    x, w = (
        draw(1, 1, 3, 3, dtype=torch.float64).requires_grad_(),
        draw(1, 1, 2, 2, seed=1, dtype=torch.float64).requires_grad_(),
    )
    def third(f):
        g = f(x, w).pow(4).sum()
        for _ in range(3): g = torch.autograd.grad(g, (x, w), create_graph=True)[0].pow(2).sum()
        return g
    torch.testing.assert_close(third(conv2d), third(F.conv2d))


@pytest.mark.parametrize(
    'shape, weight, kw',
    [
        ((180, 1, 28, 28), (8, 1, 3, 3), {}),
        ((12, 16, 28, 28), (32, 16, 3, 3), {}),
        ((210, 16, 14, 14), (32, 16, 3, 3), dict(stride=2)),
        ((6, 32, 28, 28), (32, 1, 3, 3), dict(groups=32, padding=1)),
        ((6, 32, 28, 28), (32, 8, 3, 3), dict(groups=4, padding=1)),
        ((90, 16, 28, 28), (32, 16, 1, 1), {}),
        ((2, 16, 60, 60), (16, 16, 7, 7), dict(stride=2, padding=3)),
    ],
)
def test_more_images_than_are_unfolded_at_once(shape, weight, kw):
    agree(
        draw(*shape, dtype=torch.float64),
        draw(*weight, seed=1, dtype=torch.float64),
        draw(weight[0], seed=2, dtype=torch.float64),
        **kw
    )
    x, w = draw(*shape), draw(*weight, seed=1)
    torch.testing.assert_close(
        value_and_slopes(lambda w, **k: conv2d(x, w, **k), (w,), kw)[1].double(),
        value_and_slopes(lambda w, **k: F.conv2d(x.double(), w, **k), (w.double(),), kw)[1],
        rtol=1e-4,
        atol=2e-3,
    )

@pytest.mark.parametrize('dtype', [torch.int64, torch.int32, torch.int16])
def test_whole_numbers(dtype):
    x, w, b = (draw(2, 4, 7, 8)*9).to(dtype), (draw(6, 2, 3, 2, seed=1)*9).to(dtype), (draw(6)*9).to(dtype)
    for kw in (dict(), dict(stride=2, padding=1), dict(dilation=2)):
        assert torch.equal(
            conv2d(x, w, b, groups=2, **kw), F.conv2d(x.long(), w.long(), b.long(), groups=2, **kw).to(dtype)
        )

def test_nothing_is_changed_and_nothing_large_is_kept():
    x, w, b = draw(4, 2, 6, 6), draw(4, 1, 3, 3), draw(4)
    before, sizes = copy.deepcopy((x, w, b)), []
    leaves = [leaf(t) for t in (x, w, b)]
    with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t):
        conv2d(*leaves, padding=1, groups=2)
    conv2d(x, w, b, padding=1, groups=2)
    assert all(map(torch.equal, before, (x, w, b))) and sum(sizes) == x.numel() + w.numel()
    assert not conv2d(x, w, b, groups=2).requires_grad


@pytest.mark.parametrize(
    'kw',
    [
        dict(),
        dict(stride=2, padding=1),
        dict(groups=2, dilation=2),
        dict(padding='same'),
        dict(stride=(2, 3), dilation=(1, 2), padding=(0, 2)),
    ],
)
def test_compiled(kw):
    torch._dynamo.reset()
    f = torch.compile(lambda x, w, b: conv2d(x, w, b, **kw), backend='aot_eager', fullgraph=True)
    args = draw(3, 4, 9, 8), draw(4, 4//kw.get('groups', 1), 3, 2, seed=1), draw(4, seed=2)
    for a, c in zip(value_and_slopes(f, args, {}), value_and_slopes(F.conv2d, args, kw), strict=True):
        torch.testing.assert_close(a, c, rtol=1e-4, atol=1e-4)

@pytest.mark.parametrize('stride', [1, 2])
def test_autocast(stride):
    x, w, b = leaf(draw(2, 4, 7, 7)), leaf(draw(4, 4, 3, 3)), leaf(draw(4))
    with torch.autocast('cpu', torch.bfloat16): y, right = conv2d(x, w, b, stride), F.conv2d(x, w, b, stride)
    assert y.dtype == right.dtype == torch.bfloat16
    torch.testing.assert_close(y, right, rtol=2e-2, atol=5e-2)
    ours, theirs = (torch.autograd.grad(t.float().square().sum(), (x, w, b)) for t in (y, right))
    for a, c in zip(ours, theirs): torch.testing.assert_close(a, c, rtol=5e-2, atol=.05*c.abs().max().item())

@pytest.mark.parametrize('kw', [dict(), dict(stride=2, padding=1)])
def test_inside_torch_func(kw):
    from torch.func import grad, jacrev, vmap
    x, w, b = (
        draw(3, 4, 7, 6, dtype=torch.float64),
        draw(6, 2, 3, 2, seed=1, dtype=torch.float64),
        draw(6, seed=2, dtype=torch.float64),
    )
    def loss(f): return lambda w, x: f(x, w, b, groups=2, **kw).pow(3).sum()
    for t in (
        lambda f: vmap(grad(loss(f)), (None, 0))(w, x),
        lambda f: grad(lambda w: grad(loss(f))(w, x).sum())(w),
        lambda f: jacrev(lambda w: f(x[:1], w, b, groups=2, **kw))(w),
        lambda f: vmap(lambda w: f(x, w, b, groups=2, **kw))(torch.stack([w, -w])),
        lambda f: vmap(lambda b: f(x, w, b, groups=2, **kw))(torch.stack([b, -b])),
    ):
        torch.testing.assert_close(t(conv2d), t(F.conv2d))

def test_shapes_without_data():
    x, w = torch.empty(2, 4, 9, 8, device='meta'), torch.empty(6, 2, 3, 2, device='meta')
    assert conv2d(x, w, stride=2, padding=1, groups=2).shape == F.conv2d(x, w, stride=2, padding=1, groups=2).shape

@pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU')
@pytest.mark.parametrize('kw', [dict(), dict(stride=2, padding=1), dict(dilation=2), dict(padding='same')])
def test_on_a_gpu(kw):
    args = [
        t.cuda()
        for t in (
            draw(5, 4, 9, 8, dtype=torch.float64),
            draw(6, 2, 3, 2, seed=1, dtype=torch.float64),
            draw(6, seed=2, dtype=torch.float64),
        )
    ]
    y, right = conv2d(*args, groups=2, **kw), F.conv2d(*args, groups=2, **kw)
    assert y.is_cuda
    torch.testing.assert_close(y, right)

def test_in_a_network_that_learns():
    "The same steps as nn.Conv2d."
    conv, x, y = (
        nn.Conv2d(1, 2, 3, stride=2, padding=1).double(),
        draw(8, 1, 8, 8, dtype=torch.float64),
        draw(8, 2, 4, 4, seed=1, dtype=torch.float64),
    )
    w, b = (p.detach().clone().requires_grad_() for p in (conv.weight, conv.bias))
    ours, theirs = torch.optim.SGD([w, b], lr=.1), torch.optim.SGD(conv.parameters(), lr=.1)
    for _ in range(5):
        for opt, out in ((ours, conv2d(x, w, b, 2, 1)), (theirs, conv(x))):
            opt.zero_grad()
            F.mse_loss(out.relu(), y).backward()
            opt.step()
    torch.testing.assert_close((w.detach(), b.detach()), (conv.weight.detach(), conv.bias.detach()))

def test_inf_and_nan_go_where_torch_sends_them():
    x, w = draw(1, 2, 6, 6), draw(2, 1, 3, 3)
    x[0, 0, 2, 2], x[0, 1, 5, 5] = math.nan, math.inf
    for kw in (dict(), dict(padding=1), dict(stride=2)):
        ours, theirs = conv2d(x, w, groups=2, **kw), F.conv2d(x, w, groups=2, **kw)
        assert torch.equal(ours.isfinite(), theirs.isfinite())

# --- the other convolutions, the layer, and what traces

OURS = {
    'nn.functional.conv1d': conv1d,
    'nn.functional.conv2d': conv2d,
    'nn.functional.conv_transpose2d': conv_transpose2d,
}
THEIRS = {name: getattr(F, name.split('.')[-1]) for name in OURS}

def operators():
    "PyTorch's own descriptions of the three functions."
    pytest.importorskip('expecttest')
    from torch.testing._internal.common_methods_invocations import op_db
    return {op.name: op for op in op_db if op.name in OURS and not op.variant_test_name}

@pytest.mark.parametrize('name', OURS)
def test_on_torchs_own_samples(name):
    "Value, gradient, second gradient and forward derivative of every sample that PyTorch tests itself with."
    n = 0
    for sample in operators()[name].sample_inputs('cpu', torch.float64, requires_grad=True):
        w, b, *_ = *sample.args, None
        kw = sample.kwargs
        inputs = [t for t in (sample.input, w, b) if t is not None]
        def ours(*a): return OURS[name](*a, **kw)
        def theirs(*a): return THEIRS[name](*a, **kw)
        leaves = [t.detach().requires_grad_() for t in inputs]
        y, right = ours(*leaves), theirs(*leaves)
        torch.testing.assert_close(y, right)
        g = draw(*right.shape, seed=1, dtype=right.dtype)
        for a, c in zip(torch.autograd.grad(y, leaves, g), torch.autograd.grad(right, leaves, g), strict=True):
            torch.testing.assert_close(a, c)
        assert torch.autograd.gradcheck(ours, leaves, check_forward_ad=True, fast_mode=True)
        assert torch.autograd.gradgradcheck(ours, leaves, fast_mode=True)
        n += 1
    assert n >= 10

@pytest.mark.parametrize('name', ['nn.functional.conv1d', 'nn.functional.conv2d'])
def test_what_torch_refuses(name):
    n = 0
    for bad in operators()[name].error_inputs('cpu'):
        s = bad.sample_input
        if s.input.is_complex() or any(isinstance(a, torch.Tensor) and a.is_complex() for a in s.args): continue
        with pytest.raises((ValueError, TypeError)): OURS[name](s.input, *s.args, **s.kwargs)
        n += 1
    assert n >= 5

@st.composite
def transposed(draw_):
    groups = draw_(st.sampled_from([1, 1, 2, 3]))
    c, o = groups*draw_(st.integers(1, 3)), draw_(st.integers(1, 3))
    kernel, stride, dilation = ([draw_(st.integers(1, n)) for _ in 'hw'] for n in (4, 3, 3))
    more = [draw_(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation)]
    size = [draw_(st.integers(1, 4)) for _ in 'hw']
    most = [((n - 1)*s + d*(k - 1) + m)//2 for n, s, d, k, m in zip(size, stride, dilation, kernel, more)]
    padding = [draw_(st.integers(0, min(3, m))) for m in most]
    lead = draw_(st.sampled_from([(), (1,), (2,)]))
    x, w, b = (
        draw(*lead, c, *size, dtype=torch.float64),
        draw(c, o, *kernel, seed=2, dtype=torch.float64),
        draw(o * groups, seed=3, dtype=torch.float64),
    )
    return (
        x,
        w,
        b,
        dict(
            stride=tuple(stride),
            padding=tuple(padding),
            output_padding=tuple(more),
            groups=groups,
            dilation=tuple(dilation),
        ),
    )

@settings(quick, max_examples=150)
@given(transposed(), st.booleans())
def test_transposed_like_torch(case, bias):
    x, w, b, kw = case
    args = (x, w, b) if bias else (x, w)
    for a, c in zip(
        value_and_slopes(conv_transpose2d, args, kw), value_and_slopes(F.conv_transpose2d, args, kw), strict=True
    ):
        torch.testing.assert_close(a, c)

@settings(quick, max_examples=80)
@given(cases())
def test_conv1d_like_torch(case):
    x, w, b, kw = case
    x, w = x[..., 0, :], w[..., 0, :]
    kw = {k: v[1] if isinstance(v, (tuple, list)) else v for k, v in kw.items()}
    for args in ((x, w, b), (x, w)):
        for a, c in zip(value_and_slopes(conv1d, args, kw), value_and_slopes(F.conv1d, args, kw), strict=True):
            torch.testing.assert_close(a, c)

@pytest.mark.parametrize('dtype', [torch.int64, torch.int8])
def test_transposed_whole_numbers(dtype):
    x, w = (draw(2, 4, 5, 6)*3).to(dtype), (draw(4, 2, 3, 2, seed=1)*3).to(dtype)
    assert torch.equal(
        conv_transpose2d(x, w, stride=2, groups=2), F.conv_transpose2d(x.long(), w.long(), stride=2, groups=2).to(dtype)
    )

@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_transposed_in_half_precision(dtype):
    x, w, b = draw(2, 4, 5, 6).to(dtype), draw(4, 2, 3, 2, seed=1).to(dtype), draw(4).to(dtype)
    exact = F.conv_transpose2d(x.double(), w.double(), b.double(), stride=2, groups=2)
    y = conv_transpose2d(x, w, b, stride=2, groups=2)
    assert y.dtype == dtype
    torch.testing.assert_close(y.double(), exact, rtol=torch.finfo(dtype).eps, atol=1e-3)

@pytest.mark.parametrize('kw', [dict(), dict(stride=2, padding=1), dict(dilation=2, padding='same')])
def test_forward_mode(kw):
    from torch.func import hessian, jacfwd, jacrev, jvp
    x, w, b = (
        draw(2, 4, 6, 5, dtype=torch.float64),
        draw(2, 2, 3, 2, seed=1, dtype=torch.float64),
        draw(2, seed=2, dtype=torch.float64),
    )
    for i in range(3):
        def at(f): return lambda t: f(*(t if j == i else a for j, a in enumerate((x, w, b))), groups=2, **kw)
        t = (x, w, b)[i]
        for ours, theirs in zip(jvp(at(conv2d), (t,), (t.cos(),)), jvp(at(F.conv2d), (t,), (t.cos(),))):
            torch.testing.assert_close(ours, theirs)
        torch.testing.assert_close(jacfwd(at(conv2d))(t), jacrev(at(F.conv2d))(t))
    small = draw(1, 2, 3, 3, dtype=torch.float64), draw(2, 1, 2, 2, seed=1, dtype=torch.float64)
    def twice(f): return hessian(lambda x, w: f(x, w, groups=2, **kw).pow(3).sum(), (0, 1))(*small)
    if conv_fits(3, 2, kw):
        for ours, theirs in zip(twice(conv2d), twice(F.conv2d)): torch.testing.assert_close(ours, theirs)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, x.sin())
        _, ours = torch.autograd.forward_ad.unpack_dual(conv2d(dual, w, b, groups=2, **kw))
    torch.testing.assert_close(ours, F.conv2d(x.sin(), w, groups=2, **kw))


def conv_fits(n, k, kw):
    return n + 2 * (kw.get('padding', 0) if kw.get('padding') != 'same' else 2) >= kw.get('dilation', 1) * (k - 1) + 1


def test_forward_mode_of_the_transposed():
    x, w = draw(1, 4, 3, 3, dtype=torch.float64), draw(4, 1, 3, 2, seed=1, dtype=torch.float64)
    for f in (
        lambda g: torch.func.jacfwd(lambda x: g(x, w, stride=2, output_padding=1, groups=2))(x),
        lambda g: torch.func.hessian(lambda w: g(x, w, stride=2, groups=2).pow(3).sum())(w),
    ):
        torch.testing.assert_close(f(conv_transpose2d), f(F.conv_transpose2d))

TRACED = [
    (conv2d, F.conv2d, ((3, 4, 9, 8), (4, 2, 3, 2), (4,)), dict(stride=2, padding=1, groups=2)),
    (conv2d, F.conv2d, ((3, 4, 9, 8), (4, 4, 3, 2), (4,)), dict(padding='same')),
    (conv1d, F.conv1d, ((3, 4, 9), (4, 2, 3), (4,)), dict(stride=2, padding=1, groups=2)),
    (
        conv_transpose2d,
        F.conv_transpose2d,
        ((3, 4, 5, 4), (4, 2, 3, 2), (4,)),
        dict(stride=2, padding=1, output_padding=1, groups=2),
    ),
]

@pytest.mark.parametrize('ours, theirs, shapes, kw', TRACED)
def test_whatever_traces(ours, theirs, shapes, kw):
    "compile with fixed and free sizes, export, a graph of symbols, fake and meta tensors."
    args = [draw(*s, seed=i) for i, s in enumerate(shapes)]
    right = value_and_slopes(theirs, args, kw)
    torch._dynamo.reset()
    f = torch.compile(lambda *a: ours(*a, **kw), backend='aot_eager', fullgraph=True)
    for a, c in zip(value_and_slopes(f, args, {}), right, strict=True):
        torch.testing.assert_close(a, c, rtol=1e-4, atol=1e-4)
    f = torch.compile(lambda *a: ours(*a, **kw), backend='eager', fullgraph=True, dynamic=True)
    torch.testing.assert_close(f(*args), right[0], rtol=1e-4, atol=1e-4)
    class Net(nn.Module):
        def forward(self, *a): return ours(*a, **kw)
    for strict in (False, True):
        torch.testing.assert_close(
            torch.export.export(Net(), tuple(args), strict=strict).module()(*args), right[0], rtol=1e-4, atol=1e-4
        )
    from torch.fx.experimental.proxy_tensor import make_fx
    torch.testing.assert_close(
        make_fx(lambda *a: ours(*a, **kw), tracing_mode='symbolic')(*args)(*args), right[0], rtol=1e-4, atol=1e-4
    )
    from torch._subclasses import FakeTensorMode
    with FakeTensorMode() as mode: assert ours(*[mode.from_tensor(t) for t in args], **kw).shape == right[0].shape
    assert ours(*[t.to('meta') for t in args], **kw).shape == right[0].shape

def test_autocast_leaves_what_torch_leaves():
    "float64 stays float64 under autocast, as in PyTorch; mixed half and single become half."
    x, w, b = draw(2, 4, 6, 6), draw(4, 4, 3, 3), draw(4)
    with torch.autocast('cpu', torch.bfloat16):
        for args in (
            (x.double(), w.double(), b.double()),
            (x.bfloat16(), w, b),
            (x, w.bfloat16(), None),
            (x.half(), w, b),
            ((x * 9).long(), (w * 9).long(), None),
        ):
            y, right = conv2d(*args), F.conv2d(*args)
            assert y.dtype == right.dtype
            torch.testing.assert_close(y, right, rtol=2e-2, atol=5e-2)
        with pytest.raises(ValueError, match='w: expected the dtype of x, torch.float64, got torch.bfloat16'):
            conv2d(x.double(), w)
        with pytest.raises(RuntimeError): F.conv2d(x.double(), w)
        t, right = conv_transpose2d(x.bfloat16(), w, b, 2), F.conv_transpose2d(x.bfloat16(), w, b, 2)
    assert t.dtype == right.dtype
    torch.testing.assert_close(t, right, rtol=2e-2, atol=5e-2)
    with pytest.raises(ValueError, match='w: expected the dtype of x'): conv2d(x.bfloat16(), w)

LAYERS = [
    dict(),
    dict(stride=2, padding=1),
    dict(kernel_size=(3, 2), padding='same'),
    dict(groups=2, bias=False),
    dict(dilation=2, padding=(2, 0)),
    dict(padding='valid'),
    *[dict(padding=(1, 2), padding_mode=m, stride=2) for m in ('reflect', 'replicate', 'circular')],
    dict(kernel_size=4, padding='same', padding_mode='reflect'),
]

@pytest.mark.parametrize('kw', LAYERS)
def test_layer_like_torchs(kw):
    kw = {'kernel_size': 3, **kw}
    torch.manual_seed(0); ours = Conv2d(4, 6, **kw)
    torch.manual_seed(0); theirs = nn.Conv2d(4, 6, **kw)
    assert {k: v.shape for k, v in ours.state_dict().items()} == {k: v.shape for k, v in theirs.state_dict().items()}
    for a, c in zip(ours.parameters(), theirs.parameters(), strict=True): torch.testing.assert_close(a, c)
    for p in ours.parameters(): nn.init.normal_(p)
    theirs.load_state_dict(ours.state_dict())
    again = Conv2d(4, 6, **kw)
    again.load_state_dict(theirs.state_dict())
    for x in (draw(2, 4, 9, 8), draw(4, 9, 8)):
        x = x.requires_grad_()
        y, right = again(x), theirs(x)
        torch.testing.assert_close(y, right, rtol=1e-4, atol=1e-4)
        g = draw(*y.shape, seed=1)
        for a, c in zip(
            torch.autograd.grad(y, [x, *again.parameters()], g),
            torch.autograd.grad(right, [x, *theirs.parameters()], g),
            strict=True,
        ):
            torch.testing.assert_close(a, c, rtol=1e-4, atol=1e-3)
    for name in (
        'in_channels',
        'out_channels',
        'kernel_size',
        'stride',
        'padding',
        'dilation',
        'groups',
        'padding_mode',
    ):
        assert getattr(ours, name) == getattr(theirs, name)

def test_layer_options():
    assert Conv2d(2, 3, 3, dtype=torch.float64, device='meta').weight.device.type == 'meta'
    assert Conv2d(2, 3, 3, bias=False).bias is None and 'bias=False' in repr(Conv2d(2, 3, 3, bias=False))
    for bad, words in (
        (lambda: Conv2d(16, 4, 3, groups=3), 'groups: expected a divisor of the 16 input channels, got 3'),
        (lambda: Conv2d(16, 4, 0), 'kernel_size: '),
        (lambda: Conv2d(0, 4, 3), 'in_channels: '),
        (lambda: Conv2d(2, 4, 3, stride=2, padding='same'), "padding: 'same' needs stride 1"),
        (
            lambda: Conv2d(2, 4, 3, padding_mode='black'),
            "padding_mode: expected 'zeros', 'reflect', 'replicate' or 'circular', got 'black'",
        ),
    ):
        with pytest.raises(ValueError) as e: bad()
        assert words in str(e.value)

# --- facts of the chapter

def test_groups_of_the_chapter():
    x = torch.arange(1., 17).view(1, 16, 1, 1).expand(2, 16, 10, 10)
    for groups, value, mean in ((1, 1., 136), (2, 2., 136), (4, 3., 102)):
        y = conv2d(x, torch.full((4, 16//groups, 1, 1), value), groups=groups)
        assert y.mean() == mean and y.shape == (2, 4, 10, 10)
    assert y[0, :, 0, 0].tolist() == [30, 78, 126, 174]

@quick
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3))
def test_groups_are_convolutions_side_by_side(g, c, o):
    x, w, b = (
        draw(2, g * c, 5, 6, dtype=torch.float64),
        draw(g * o, c, 3, 2, seed=1, dtype=torch.float64),
        draw(g * o, seed=2, dtype=torch.float64),
    )
    torch.testing.assert_close(
        conv2d(x, w, b, groups=g), torch.cat([conv2d(*p) for p in zip(x.chunk(g, 1), w.chunk(g), b.chunk(g))], 1)
    )

def test_the_kernel_is_not_flipped():
    a, c = draw(6, dtype=torch.float64), draw(3, dtype=torch.float64, seed=1)
    def slide(w): return conv2d(a.view(1, 1, 1, 6), w.view(1, 1, 1, 3), padding=(0, 2)).flatten().tolist()
    np.testing.assert_allclose(slide(c.flip(0)), np.convolve(a.tolist(), c.tolist()))
    np.testing.assert_allclose(slide(c), np.correlate(a.tolist(), c.tolist(), 'full'))
    assert np.abs(np.array(slide(c)) - np.convolve(a.tolist(), c.tolist())).max() > .1

# --- sizes and costs

@settings(quick, max_examples=300)
@given(*[st.tuples(*[st.integers(lo, hi)]*2) for lo, hi in ((1, 30), (1, 5), (1, 5), (0, 4), (1, 4))])
def test_conv_shape(size, kernel, stride, padding, dilation):
    if any(n + 2*p < d*(k - 1) + 1 for n, k, p, d in zip(size, kernel, padding, dilation)):
        with pytest.raises(ValueError, match='kernel: .* fits'): conv_shape(size, kernel, stride, padding, dilation)
        return
    right = tuple(
        F.conv2d(torch.zeros(1, 1, *size), torch.zeros(1, 1, *kernel), None, stride, padding, dilation).shape[2:]
    )
    assert (
        conv_shape(size, kernel, stride, padding, dilation)
        == right
        == conv_shape(list(size), list(kernel), stride, list(padding), dilation)
    )
    singles = [v[0] for v in (size, kernel, stride, padding, dilation)]
    assert conv_shape(*singles) == right[0]

def test_conv_shape_words():
    assert (
        conv_shape(28, 3) == 26
        and conv_shape(28, (3, 3)) == (26, 26)
        and conv_shape((28, 20), 4, padding='same') == (28, 20)
        and conv_shape(28, 5, padding='valid') == 24
    )


@quick
@given(
    st.sampled_from([1, 2, 4]),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 2),
    st.integers(1, 2),
    st.booleans(),
)
def test_conv_cost_is_that_of_layer_table(groups, c, o, kernel, stride, padding, dilation, bias):
    conv = nn.Conv2d(c*groups, o*groups, (kernel, 2), stride, padding, dilation, groups, bias)
    row = layer_table(nn.Sequential(conv), torch.zeros(1, c*groups, 9, 11)).iloc[0]
    cost = conv_cost(c*groups, o*groups, (kernel, 2), (9, 11), stride, padding, dilation, groups, bias)
    assert cost == (row.parameters, row.multiply_adds) == (cost.parameters, cost.multiply_adds) and isinstance(
        cost, ConvCost
    )

def test_depthwise_and_pointwise():
    for c, o, k in itertools.product((8, 32), (8, 64), (3, 5)):
        full, deep, point = (
            conv_cost(c, n, s, 14, padding='same', groups=g, bias=False)
            for n, s, g in ((o, k, 1), (c, k, c), (o, 1, 1))
        )
        assert (deep.multiply_adds + point.multiply_adds) / full.multiply_adds == pytest.approx(1/o + 1/k**2)


@pytest.mark.parametrize(
    'c_in, c_out, groups', [(16, 4, 1), (16, 4, 2), (16, 4, 4), (16, 16, 16), (1, 1, 1), (64, 64, 8), (6, 9, 3)]
)
def test_draw_groups(c_in, c_out, groups):
    import matplotlib; matplotlib.use('Agg')
    import matplotlib.pyplot as plt
    fig = draw_groups(c_in, c_out, groups)
    ax = fig.axes[0]
    lines = [s for c in ax.collections for s in c.get_segments()]
    weight = nn.Conv2d(c_in, c_out, 1, groups=groups).weight
    assert len(lines) == weight.numel() and str(tuple(weight.shape)) in ax.get_title()
    assert len({tuple(map(tuple, s)) for s in lines}) == len(lines)
    assert len({tuple(c.get_edgecolor()[0]) for c in ax.collections}) == min(groups, 6), 'a color for each group'
    plt.close(fig)
    fig, ax = plt.subplots()
    assert draw_groups(c_in, c_out, groups, (3, 5), ax) is fig and '3, 5)' in ax.get_title()
    plt.close(fig)

# --- messages


x, w, b = torch.zeros(1, 16, 5, 5), torch.zeros(4, 16, 3, 3), torch.zeros(4)
@pytest.mark.parametrize(
    'args, kw, words',
    [
        ((x, w), dict(groups=3), 'groups: expected a divisor of the 16 input channels, got 3'),
        ((x, w[:, :2]), dict(groups=8), 'groups: expected a divisor of the 4 output channels, got 8'),
        ((x, w), dict(groups=0), 'groups: expected a whole number of at least 1, got 0'),
        ((x, w), dict(groups=True), 'groups: '),
        ((x, w), dict(groups=2.0), 'groups: '),
        (
            (x, w),
            dict(groups=4),
            'w: expected shape (out, 4, kh, kw) for 16 input channels in 4 groups, got (4, 16, 3, 3)',
        ),
        ((x[:, :3], w), {}, 'w: expected shape (out, 3, kh, kw) for 3 input channels in 1 group, got'),
        ((x[0, 0], w), {}, 'x: expected shape (N, C, H, W) or (C, H, W), got (5, 5)'),
        ((x[None], w), {}, 'x: expected shape'),
        ((x, w[0]), {}, 'w: expected shape (out, in/groups, kh, kw), got (16, 3, 3)'),
        ((x, w[:0]), {}, 'w: expected at least one kernel'),
        ((x, w[..., :0]), {}, 'w: expected at least one kernel'),
        ((x, w, b[:3]), {}, 'b: expected shape (4,), one for each output channel, got (3,)'),
        ((x, w, b[None]), {}, 'b: expected shape (4,), got (1, 4)'),
        ((x, w.double()), {}, 'w: expected the dtype of x, torch.float32, got torch.float64'),
        ((x, w, b.half()), {}, 'b: expected the dtype of x, torch.float32, got torch.float16'),
        (
            (x, torch.zeros(4, 16, 7, 3)),
            {},
            'kernel: expected one that fits into the padded input of 5 by 5, got one that reaches over 7 by 3',
        ),
        ((x, w), dict(dilation=3), 'reaches over 7 by 7'),
        ((x, torch.zeros(4, 16, 8, 8)), dict(padding=1), 'padded input of 7 by 7'),
        ((x, w), dict(stride=0), 'stride: expected a whole number of at least 1, got 0'),
        ((x, w), dict(stride=(1, -1)), 'stride: '),
        ((x, w), dict(stride=(1, 1, 1)), 'stride: '),
        ((x, w), dict(stride=1.0), 'stride: '),
        ((x, w), dict(stride=None), 'stride: '),
        ((x, w), dict(dilation=0), 'dilation: '),
        ((x, w), dict(padding=-1), 'padding: expected a whole number of at least 0, got -1'),
        ((x, w), dict(padding='full'), "padding: expected 'valid' or 'same', got 'full'"),
        ((x, w), dict(padding='same', stride=2), "padding: 'same' needs stride 1, got stride (2, 2)"),
    ],
)
def test_bad_input(args, kw, words):
    with pytest.raises((ValueError, TypeError)) as e: conv2d(*args, **kw)
    assert words in str(e.value)
    with pytest.raises((RuntimeError, TypeError)): F.conv2d(*args, **kw)  # PyTorch refuses it too


@pytest.mark.parametrize(
    'f, kind, words',
    [
        (lambda: conv2d([[1.0]], w), TypeError, 'x: expected a tensor of real numbers, got list [[1.0]]'),
        (lambda: conv2d(x, None), TypeError, 'w: expected a tensor of real numbers, got None'),
        (lambda: conv2d(x, w, 1), TypeError, 'b: expected a tensor of real numbers, got 1'),
        (lambda: conv2d(x.bool(), w.bool()), TypeError, 'x: expected a tensor of real numbers, got torch.bool'),
        (lambda: conv2d(x + 0j, w + 0j), TypeError, 'x: expected a tensor of real numbers, got torch.complex64'),
        (lambda: conv_shape(0, 1), ValueError, 'size: '),
        (lambda: conv_shape(5, 0), ValueError, 'kernel: '),
        (lambda: conv_shape('5', 3), TypeError, 'size: '),
        (lambda: conv_shape(4, 5), ValueError, 'padded input of 4 by 4, got one that reaches over 5 by 5'),
        (
            lambda: conv_cost(16, 4, 3, 28, groups=3),
            ValueError,
            'groups: expected a divisor of the 16 input channels, got 3',
        ),
        (lambda: conv_cost(0, 4, 3, 28), ValueError, 'c_in: '),
        (lambda: conv_cost(4, '4', 3, 28), TypeError, 'c_out: '),
        (lambda: draw_groups(16, 4, 3), ValueError, 'groups: expected a divisor of the 16 input'),
        (lambda: draw_groups(65, 4, 1), ValueError, 'c_in: expected a whole number from 1 to 64, got 65'),
    ],
)
def test_other_messages(f, kind, words):
    with pytest.raises(kind) as e: f()
    assert words in str(e.value)


@pytest.mark.parametrize(
    'f, kind, words',
    [
        (
            lambda: conv_transpose2d(x, w),
            ValueError,
            'w: expected shape (16, out/groups, kh, kw) for 16 input channels, got (4, 16, 3, 3)',
        ),
        (lambda: conv_transpose2d(x[0, 0], w), ValueError, 'x: expected shape (N, C, H, W) or (C, H, W), got (5, 5)'),
        (
            lambda: conv_transpose2d(x, w.transpose(0, 1), stride=2, output_padding=2),
            ValueError,
            'output_padding: expected less than the stride or the dilation, (2, 2) and (1, 1), got (2, 2)',
        ),
        (
            lambda: conv_transpose2d(x, w.transpose(0, 1), groups=3),
            ValueError,
            'groups: expected a divisor of the 16 input channels, got 3',
        ),
        (lambda: conv_transpose2d(x, w.transpose(0, 1), b[:2]), ValueError, 'b: expected shape (4,)'),
        (
            lambda: conv_transpose2d(x, w.transpose(0, 1), padding=4),
            ValueError,
            'padding: expected less, for an output of at least 1 by 1, got one of -1 by -1',
        ),
        (lambda: conv_transpose2d(x, w.transpose(0, 1), padding='same'), TypeError, 'padding: '),
        (
            lambda: conv_transpose2d(x, w.transpose(0, 1).double()),
            ValueError,
            'w: expected the dtype of x, torch.float32, got torch.float64',
        ),
        (lambda: conv1d(x, w), ValueError, 'x: expected shape (N, C, L) or (C, L), got (1, 16, 5, 5)'),
        (lambda: conv1d(x[0], w), ValueError, 'w: expected shape (out, in/groups, k), got (4, 16, 3, 3)'),
        (
            lambda: conv1d(x[0], w[0], stride=(1, 1)),
            ValueError,
            'stride: expected one whole number, got (1, 1)',
        ),
        (lambda: conv1d(x[:, :, 0], w[:, :, 0], b[:1]), ValueError, 'b: expected shape (4,)'),
        (
            lambda: conv1d(x[:, :, 0], w[:, :3, 0]),
            ValueError,
            'w: expected shape (out, 16, k) for 16 input channels in 1 group, got (4, 3, 3)',
        ),
        (
            lambda: conv1d(x[:, :, 0, :2], w[:, :, 0]),
            ValueError,
            'kernel: expected one that fits into the padded input of 2, got one that reaches over 3',
        ),
    ],
)
def test_messages_of_the_others(f, kind, words):
    with pytest.raises(kind) as e: f()
    assert words in str(e.value)
