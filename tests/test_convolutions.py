"conv2d against PyTorch's: value, gradient, gradient of the gradient, every option, awkward layouts; sizes, costs, pictures and messages."
import copy, itertools, math
import numpy as np, pytest, torch, torch.nn.functional as F
from hypothesis import given, settings, strategies as st
from torch import nn
from nnbolts.convolutions import ConvCost, conv2d, conv_cost, conv_shape, draw_groups
from nnbolts.hooks import layer_table

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")
quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)
def draw(*shape, seed=0, dtype=torch.float32): return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)

def leaf(t): return torch.empty_strided(t.shape, t.stride(), dtype=t.dtype).copy_(t).requires_grad_()

def value_and_slopes(f, args, kw):
    leaves = [leaf(a) for a in args]
    y = f(*leaves, **kw)
    return [y.detach(), *torch.autograd.grad(y, leaves, draw(*y.shape, seed=1, dtype=y.dtype))]

def agree(*args, close=None, **kw):
    for a, b in zip(value_and_slopes(conv2d, args, kw), value_and_slopes(F.conv2d, args, kw), strict=True): torch.testing.assert_close(a, b, **(close or {}))

@st.composite
def cases(draw_, dtype=torch.float64):
    "Tensors and options that fit together: from one pixel and one channel up, empty batches, single images, strides of their own."
    groups = draw_(st.sampled_from([1, 1, 2, 3]))
    c, o = groups*draw_(st.integers(1, 3)), groups*draw_(st.integers(1, 3))
    kernel, stride, dilation = ([draw_(st.integers(1, n)) for _ in 'hw'] for n in (4, 4, 3))
    padding = [draw_(st.integers(0, 4)) for _ in 'hw']
    size = [max(1, d*(k - 1) + 1 - 2*p) + draw_(st.integers(0, 6)) for k, d, p in zip(kernel, dilation, padding)]
    lead = draw_(st.sampled_from([(), (0,), (1,), (2,), (3,)]))
    x, w, b = draw(*lead, c, *size, dtype=dtype), draw(o, c//groups, *kernel, seed=2, dtype=dtype), draw(o, seed=3, dtype=dtype)
    layout = draw_(st.sampled_from(['plain', 'last', 'turned', 'gaps']))
    if layout == 'last' and x.dim() == 4: x, w = x.to(memory_format=torch.channels_last), w.to(memory_format=torch.channels_last)
    if layout == 'turned': x, w = x.mT.contiguous().mT, w.mT.contiguous().mT
    if layout == 'gaps': x, w = torch.stack([x, -x], -1)[..., 0], torch.stack([w, -w], -1)[..., 0]
    if draw_(st.booleans()): padding = draw_(st.sampled_from(['valid', 'same'] if all(k == 1 for k in stride) else ['valid'])) if all(n >= d*(k - 1) + 1 for n, k, d in zip(size, kernel, dilation)) else padding
    kw = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
    for name in kw:      # one number where both are equal
        if name != 'groups' and not isinstance(kw[name], str): kw[name] = kw[name][0] if kw[name][0] == kw[name][1] else tuple(kw[name])
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
        torch.testing.assert_close(ours.double(), right, rtol=eps, atol=1e-3 if i == 0 else 64*eps)      # the upstream gradient is rounded too

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
    args = [draw(1, 2, 3, 4, dtype=torch.float64), draw(2, 2//kw.get('groups', 1), 3, 2, seed=1, dtype=torch.float64), draw(2, seed=2, dtype=torch.float64)]
    for i in which: args[i].requires_grad_()
    assert torch.autograd.gradcheck(lambda *a: conv2d(*a, **kw), args)
    assert torch.autograd.gradgradcheck(lambda *a: conv2d(*a, **kw), args, fast_mode=True)

def test_third_derivative():
    x, w = draw(1, 1, 3, 3, dtype=torch.float64).requires_grad_(), draw(1, 1, 2, 2, seed=1, dtype=torch.float64).requires_grad_()
    def third(f):
        g = f(x, w).pow(4).sum()
        for _ in range(3): g = torch.autograd.grad(g, (x, w), create_graph=True)[0].pow(2).sum()
        return g
    torch.testing.assert_close(third(conv2d), third(F.conv2d))

@pytest.mark.parametrize('shape, weight, kw', [((180, 1, 28, 28), (8, 1, 3, 3), {}), ((12, 16, 28, 28), (32, 16, 3, 3), {}), ((210, 16, 14, 14), (32, 16, 3, 3), dict(stride=2)), ((6, 32, 28, 28), (32, 1, 3, 3), dict(groups=32, padding=1)),
    ((6, 32, 28, 28), (32, 8, 3, 3), dict(groups=4, padding=1)), ((90, 16, 28, 28), (32, 16, 1, 1), {}), ((2, 16, 60, 60), (16, 16, 7, 7), dict(stride=2, padding=3))])
def test_more_images_than_are_unfolded_at_once(shape, weight, kw):
    agree(draw(*shape, dtype=torch.float64), draw(*weight, seed=1, dtype=torch.float64), draw(weight[0], seed=2, dtype=torch.float64), **kw)
    x, w = draw(*shape), draw(*weight, seed=1)
    torch.testing.assert_close(value_and_slopes(lambda w, **k: conv2d(x, w, **k), (w,), kw)[1].double(), value_and_slopes(lambda w, **k: F.conv2d(x.double(), w, **k), (w.double(),), kw)[1], rtol=1e-4, atol=2e-3)

@pytest.mark.parametrize('dtype', [torch.int64, torch.int32, torch.int16])
def test_whole_numbers(dtype):
    x, w, b = (draw(2, 4, 7, 8)*9).to(dtype), (draw(6, 2, 3, 2, seed=1)*9).to(dtype), (draw(6)*9).to(dtype)
    for kw in (dict(), dict(stride=2, padding=1), dict(dilation=2)): assert torch.equal(conv2d(x, w, b, groups=2, **kw), F.conv2d(x.long(), w.long(), b.long(), groups=2, **kw).to(dtype))

def test_nothing_is_changed_and_nothing_large_is_kept():
    x, w, b = draw(4, 2, 6, 6), draw(4, 1, 3, 3), draw(4)
    before, sizes = copy.deepcopy((x, w, b)), []
    leaves = [leaf(t) for t in (x, w, b)]
    with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t): conv2d(*leaves, padding=1, groups=2)
    conv2d(x, w, b, padding=1, groups=2)
    assert all(map(torch.equal, before, (x, w, b))) and sum(sizes) == x.numel() + w.numel()
    assert not conv2d(x, w, b, groups=2).requires_grad

@pytest.mark.parametrize('kw', [dict(), dict(stride=2, padding=1), dict(groups=2, dilation=2), dict(padding='same'), dict(stride=(2, 3), dilation=(1, 2), padding=(0, 2))])
def test_compiled(kw):
    torch._dynamo.reset()
    f = torch.compile(lambda x, w, b: conv2d(x, w, b, **kw), backend='aot_eager', fullgraph=True)
    args = draw(3, 4, 9, 8), draw(4, 4//kw.get('groups', 1), 3, 2, seed=1), draw(4, seed=2)
    for a, c in zip(value_and_slopes(f, args, {}), value_and_slopes(F.conv2d, args, kw), strict=True): torch.testing.assert_close(a, c, rtol=1e-4, atol=1e-4)

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
    x, w, b = draw(3, 4, 7, 6, dtype=torch.float64), draw(6, 2, 3, 2, seed=1, dtype=torch.float64), draw(6, seed=2, dtype=torch.float64)
    def loss(f): return lambda w, x: f(x, w, b, groups=2, **kw).pow(3).sum()
    for t in (lambda f: vmap(grad(loss(f)), (None, 0))(w, x), lambda f: grad(lambda w: grad(loss(f))(w, x).sum())(w), lambda f: jacrev(lambda w: f(x[:1], w, b, groups=2, **kw))(w),
              lambda f: vmap(lambda w: f(x, w, b, groups=2, **kw))(torch.stack([w, -w])), lambda f: vmap(lambda b: f(x, w, b, groups=2, **kw))(torch.stack([b, -b]))):
        torch.testing.assert_close(t(conv2d), t(F.conv2d))

def test_shapes_without_data():
    x, w = torch.empty(2, 4, 9, 8, device='meta'), torch.empty(6, 2, 3, 2, device='meta')
    assert conv2d(x, w, stride=2, padding=1, groups=2).shape == F.conv2d(x, w, stride=2, padding=1, groups=2).shape

@pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU')
@pytest.mark.parametrize('kw', [dict(), dict(stride=2, padding=1), dict(dilation=2), dict(padding='same')])
def test_on_a_gpu(kw):
    args = [t.cuda() for t in (draw(5, 4, 9, 8, dtype=torch.float64), draw(6, 2, 3, 2, seed=1, dtype=torch.float64), draw(6, seed=2, dtype=torch.float64))]
    y, right = conv2d(*args, groups=2, **kw), F.conv2d(*args, groups=2, **kw)
    assert y.is_cuda
    torch.testing.assert_close(y, right)

def test_in_a_network_that_learns():
    "The same steps as nn.Conv2d."
    conv, x, y = nn.Conv2d(1, 2, 3, stride=2, padding=1).double(), draw(8, 1, 8, 8, dtype=torch.float64), draw(8, 2, 4, 4, seed=1, dtype=torch.float64)
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
    x, w, b = draw(2, g*c, 5, 6, dtype=torch.float64), draw(g*o, c, 3, 2, seed=1, dtype=torch.float64), draw(g*o, seed=2, dtype=torch.float64)
    torch.testing.assert_close(conv2d(x, w, b, groups=g), torch.cat([conv2d(*p) for p in zip(x.chunk(g, 1), w.chunk(g), b.chunk(g))], 1))

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
    right = tuple(F.conv2d(torch.zeros(1, 1, *size), torch.zeros(1, 1, *kernel), None, stride, padding, dilation).shape[2:])
    assert conv_shape(size, kernel, stride, padding, dilation) == right == conv_shape(list(size), list(kernel), stride, list(padding), dilation)
    singles = [v[0] for v in (size, kernel, stride, padding, dilation)]
    assert conv_shape(*singles) == right[0]

def test_conv_shape_words():
    assert conv_shape(28, 3) == 26 and conv_shape(28, (3, 3)) == (26, 26) and conv_shape((28, 20), 4, padding='same') == (28, 20) and conv_shape(28, 5, padding='valid') == 24

@quick
@given(st.sampled_from([1, 2, 4]), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2), st.booleans())
def test_conv_cost_is_that_of_layer_table(groups, c, o, kernel, stride, padding, dilation, bias):
    conv = nn.Conv2d(c*groups, o*groups, (kernel, 2), stride, padding, dilation, groups, bias)
    row = layer_table(nn.Sequential(conv), torch.zeros(1, c*groups, 9, 11)).iloc[0]
    cost = conv_cost(c*groups, o*groups, (kernel, 2), (9, 11), stride, padding, dilation, groups, bias)
    assert cost == (row.parameters, row.multiply_adds) == (cost.parameters, cost.multiply_adds) and isinstance(cost, ConvCost)

def test_depthwise_and_pointwise():
    for c, o, k in itertools.product((8, 32), (8, 64), (3, 5)):
        full, deep, point = (conv_cost(c, n, s, 14, padding='same', groups=g, bias=False) for n, s, g in ((o, k, 1), (c, k, c), (o, 1, 1)))
        assert (deep.multiply_adds + point.multiply_adds) / full.multiply_adds == pytest.approx(1/o + 1/k**2)

@pytest.mark.parametrize('c_in, c_out, groups', [(16, 4, 1), (16, 4, 2), (16, 4, 4), (16, 16, 16), (1, 1, 1), (64, 64, 8), (6, 9, 3)])
def test_draw_groups(c_in, c_out, groups):
    import matplotlib; matplotlib.use('Agg')
    import matplotlib.pyplot as plt
    fig = draw_groups(c_in, c_out, groups)
    ax = fig.axes[0]
    lines = [s for c in ax.collections for s in c.get_segments()]
    weight = nn.Conv2d(c_in, c_out, 1, groups=groups).weight
    assert len(lines) == weight.numel() and str(tuple(weight.shape)) in ax.get_title()
    assert len({tuple(map(tuple, s)) for s in lines}) == len(lines)
    plt.close(fig)
    fig, ax = plt.subplots()
    assert draw_groups(c_in, c_out, groups, (3, 5), ax) is fig and '3, 5)' in ax.get_title()
    plt.close(fig)

# --- messages

x, w, b = torch.zeros(1, 16, 5, 5), torch.zeros(4, 16, 3, 3), torch.zeros(4)
@pytest.mark.parametrize('args, kw, words', [
    ((x, w), dict(groups=3), 'groups: expected a divisor of the 16 input channels, got 3'), ((x, w[:, :2]), dict(groups=8), 'groups: expected a divisor of the 4 output channels, got 8'),
    ((x, w), dict(groups=0), 'groups: expected a whole number of at least 1, got 0'), ((x, w), dict(groups=True), 'groups: '), ((x, w), dict(groups=2.), 'groups: '),
    ((x, w), dict(groups=4), 'w: expected shape (out, 4, kh, kw) for 16 input channels in 4 groups, got (4, 16, 3, 3)'), ((x[:, :3], w), {}, 'w: expected shape (out, 3, kh, kw) for 3 input channels in 1 group, got'),
    ((x[0, 0], w), {}, 'x: expected shape (N, C, H, W) or (C, H, W), got (5, 5)'), ((x[None], w), {}, 'x: expected shape'), ((x, w[0]), {}, 'w: expected shape (out, in/groups, kh, kw), got (16, 3, 3)'),
    ((x, w[:0]), {}, 'w: expected at least one kernel'), ((x, w[..., :0]), {}, 'w: expected at least one kernel'),
    ((x, w, b[:3]), {}, 'b: expected shape (4,), one for each output channel, got (3,)'), ((x, w, b[None]), {}, 'b: expected shape (4,), got (1, 4)'),
    ((x, w.double()), {}, 'w: expected the dtype of x, float32, got float64'), ((x, w, b.half()), {}, 'b: expected the dtype of x, float32, got float16'),
    ((x, torch.zeros(4, 16, 7, 3)), {}, 'kernel: expected one that fits into the padded input of 5 by 5, got one that reaches over 7 by 3'), ((x, w), dict(dilation=3), 'reaches over 7 by 7'), ((x, torch.zeros(4, 16, 8, 8)), dict(padding=1), 'padded input of 7 by 7'),
    ((x, w), dict(stride=0), 'stride: expected a whole number of at least 1, or two of them, got 0'), ((x, w), dict(stride=(1, -1)), 'stride: '), ((x, w), dict(stride=(1, 1, 1)), 'stride: '), ((x, w), dict(stride=1.), 'stride: '), ((x, w), dict(stride=None), 'stride: '),
    ((x, w), dict(dilation=0), 'dilation: '), ((x, w), dict(padding=-1), 'padding: expected a whole number of at least 0, or two of them, got -1'), ((x, w), dict(padding='full'), "padding: expected whole numbers, 'same' or 'valid', got 'full'"),
    ((x, w), dict(padding='same', stride=2), "padding: 'same' needs stride 1, got stride (2, 2)")])
def test_bad_input(args, kw, words):
    with pytest.raises(ValueError) as e: conv2d(*args, **kw)
    assert words in str(e.value)
    with pytest.raises((RuntimeError, TypeError)): F.conv2d(*args, **kw)  # PyTorch refuses it too

@pytest.mark.parametrize('f, kind, words', [
    (lambda: conv2d([[1.]], w), TypeError, 'x: expected a tensor, got list'), (lambda: conv2d(x, None), TypeError, 'w: expected a tensor, got NoneType'), (lambda: conv2d(x, w, 1), TypeError, 'b: expected a tensor, got int'),
    (lambda: conv2d(x.bool(), w.bool()), TypeError, 'x: expected real numbers, got bool'), (lambda: conv2d(x + 0j, w + 0j), TypeError, 'x: expected real numbers, got complex64'),
    (lambda: conv_shape(0, 1), ValueError, 'size: '), (lambda: conv_shape(5, 0), ValueError, 'kernel: '), (lambda: conv_shape('5', 3), ValueError, 'size: '), (lambda: conv_shape(4, 5), ValueError, 'padded input of 4 by 4, got one that reaches over 5 by 5'),
    (lambda: conv_cost(16, 4, 3, 28, groups=3), ValueError, 'groups: expected a divisor of the 16 input channels, got 3'), (lambda: conv_cost(0, 4, 3, 28), ValueError, 'c_in: '), (lambda: conv_cost(4, '4', 3, 28), ValueError, 'c_out: '),
    (lambda: draw_groups(16, 4, 3), ValueError, 'groups: expected a divisor of the 16 input'), (lambda: draw_groups(65, 4, 1), ValueError, 'c_in: expected a whole number from 1 to 64, got 65')])
def test_other_messages(f, kind, words):
    with pytest.raises(kind) as e: f()
    assert words in str(e.value)
