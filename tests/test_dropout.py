"Dropout against torch's, mask for mask; its closed forms against all masks; mc_dropout leaves a model as it found it."
import copy, io, math
from fractions import Fraction
import numpy as np, pytest, torch, torch.nn.functional as F, transforms
from hypothesis import given, settings, strategies as st
from torch import nn
from nnbolts import training
from nnbolts.dropout import Dropout, all_masks, dropout, mask_entropy, mc_dropout

quick = settings(max_examples=100, deadline=None, derandomize=True)
chances = st.sampled_from([0., 1., .5, .1, .6, .9, 1e-9, 1 - 1e-9]) | st.floats(0, 1)
INF, NAN = math.inf, math.nan

@st.composite
def tensors(draw, dtypes=(torch.float32, torch.float64, torch.bfloat16, torch.float16)):
    "Any shape from no dimension to four, empty ones too; at times transposed, with gaps, expanded or channels last."
    shape = tuple(draw(st.lists(st.integers(0, 5), max_size=4)))
    x = torch.randn(shape, generator=torch.Generator().manual_seed(draw(st.integers(0, 99)))).to(
        draw(st.sampled_from(dtypes))
    )
    layout = draw(st.sampled_from(['plain', 'transposed', 'gaps', 'expanded', 'channels_last']))
    if layout == 'transposed' and x.dim() > 1: x = x.transpose(0, -1)
    if layout == 'gaps' and x.dim(): x = torch.stack([x, -x], -1)[..., 1]
    if layout == 'expanded' and x.dim() and len(x): x = x[:1].expand(3, *x.shape[1:])
    if layout == 'channels_last' and x.dim() == 4: x = x.to(memory_format=torch.channels_last)
    return x

def run(f, x, seed):
    "Value, gradient, strides and type of f(x), with a fixed seed and a fixed gradient from above."
    x = x.detach().requires_grad_()
    torch.manual_seed(seed)
    y = f(x)
    up = torch.linspace(-1, 2, y.numel()).view(y.shape).to(y.dtype)
    return y.detach(), torch.autograd.grad(y, x, up)[0], y.stride(), y.dtype


def equal(a, b):
    return (
        torch.equal(a[0].nan_to_num(7), b[0].nan_to_num(7))
        and torch.equal(a[0].isnan(), b[0].isnan())
        and torch.equal(a[1], b[1])
        and a[2:] == b[2:]
    )


@quick
@given(x=tensors(), p=chances, training=st.booleans(), seed=st.integers(0, 2**31))
def test_equal_to_torch_mask_for_mask(x, p, training, seed):
    assert equal(run(lambda x: dropout(x, p, training), x, seed), run(lambda x: F.dropout(x, p, training), x, seed))
    ours, theirs = Dropout(p).train(training), nn.Dropout(p).train(training)
    assert equal(run(ours, x, seed), run(theirs, x, seed))

@quick
@given(x=tensors(), p=chances, training=st.booleans(), seed=st.integers(0, 2**31))
def test_inplace_equal_to_torch(x, p, training, seed):
    if x.numel() and 0 in x.stride(): x = x.clone()
    a, b = x.clone(), x.clone()
    for t, f in ((a, Dropout(p, inplace=True)), (b, nn.Dropout(p, inplace=True))):
        torch.manual_seed(seed)
        assert f.train(training)(t).data_ptr() == t.data_ptr()
    assert torch.equal(a, b)
    assert equal(
        run(lambda x: dropout(x * 1, p, training, inplace=True), x, seed),
        run(lambda x: F.dropout(x * 1, p, training, inplace=True), x, seed),
    )


@pytest.mark.parametrize('p', [0, 0.3, 1])
@pytest.mark.parametrize(
    'x',
    [
        torch.randn(6, 4).T,
        torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        torch.randn(4, 6)[:, ::2],
        torch.randn(1, 3).expand(2, 3),
    ],
)
def test_strides_are_torchs(x, p):
    assert equal(run(lambda x: dropout(x, p), x, 1), run(lambda x: F.dropout(x, p), x, 1))


def test_large_tensors_and_threads_give_the_same_mask():
    x = torch.randn(256, 1024)
    assert equal(run(dropout, x, 1), run(F.dropout, x, 1))

@quick
@given(p=chances, seed=st.integers(0, 999))
def test_generator(p, seed):
    x, g = torch.ones(50), torch.Generator().manual_seed(seed)
    torch.manual_seed(seed + 1)
    before = torch.get_rng_state()
    a = dropout(x, p, generator=g)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(a, dropout(x, p, generator=torch.Generator().manual_seed(seed)))
    torch.manual_seed(seed)
    assert torch.equal(a, F.dropout(x, p))

@quick
@given(x=tensors())
def test_identity_gives_back_the_input(x):
    assert dropout(x, .5, False) is x and dropout(x, 0) is x and Dropout(.5).eval()(x) is x

@quick
@given(x=tensors(), p=st.floats(0, .99))
def test_every_entry_is_zero_or_scaled(x, p):
    y = dropout(x, p)
    kept = y != 0
    assert (
        torch.equal(y[kept], x[kept] * torch.ones((), dtype=x.dtype).div(1 - p))
        and y.shape == x.shape
        and y.dtype == x.dtype
    )


@pytest.mark.parametrize(
    'x', [torch.tensor([1.0, INF, -INF, NAN, 0.0]), torch.tensor(INF), torch.full((2, 3), NAN, dtype=torch.float64)]
)
def test_p_1_gives_zeros_whatever_x_holds(x):
    for inplace in (False, True):
        leaf = x.clone().requires_grad_()
        y = dropout(leaf * 1, 1., inplace=inplace)
        assert (y == 0).all() and y.dtype == x.dtype
        y.sum().backward()
        assert leaf.grad is not None and (leaf.grad.isnan() | (leaf.grad == 0)).all()
    assert (dropout(x, 1) == 0).all() and (Dropout(1)(x) == 0).all()

def test_infinity_and_nan_as_torch():
    x = torch.tensor([INF, -INF, NAN, 1.]).repeat(20)
    assert equal(run(dropout, x, 3), run(F.dropout, x, 3))

@pytest.mark.parametrize('p', [-.1, 1.1, NAN, INF, -INF, 2, -1])
def test_p_out_of_range(p):
    for f in (
        lambda: dropout(torch.ones(2), p),
        lambda: Dropout(p),
        lambda: dropout(torch.ones(2), p, False),
        lambda: all_masks(2, p),
    ):
        with pytest.raises(ValueError, match='p: expected a number from 0 to 1, got'): f()
    with pytest.raises(ValueError, match='p: expected numbers from 0 to 1, got'): mask_entropy(p)
    with pytest.raises(ValueError, match='p: expected numbers from 0 to 1, got'):
        mask_entropy(torch.tensor([0.5, p], dtype=torch.float64))

@pytest.mark.parametrize('p', ['0.5', None, [.5], 1j, True, torch.tensor([.5, .5])])
def test_p_of_a_wrong_type(p):
    for f in (lambda: dropout(torch.ones(2), p), lambda: Dropout(p)):
        with pytest.raises(TypeError, match='p: expected a number from 0 to 1, got'): f()

@pytest.mark.parametrize('p', [1, 0, np.float32(.5), np.float64(.5), Fraction(1, 2), torch.tensor(.5)])
def test_numbers_of_all_kinds(p):
    assert dropout(torch.ones(5), p).shape == (5,) and Dropout(p)(torch.ones(5)).shape == (5,)


@pytest.mark.parametrize(
    'x, text',
    [
        (torch.arange(3), 'int64'),
        (torch.tensor([True]), 'bool'),
        (torch.ones(2, dtype=torch.complex64), 'complex64'),
        ([1.0], 'list'),
        (1.0, '1.0'),
    ],
)
def test_x_of_a_wrong_type(x, text):
    with pytest.raises(TypeError, match=f'x: expected .* got .*{text}'): dropout(x)

def test_a_leaf_in_place_is_refused():
    with pytest.raises(RuntimeError, match='in-place'): dropout(torch.ones(3, requires_grad=True), inplace=True)

def test_layer():
    layer = Dropout(.3)
    assert (
        repr(layer) == repr(nn.Dropout(0.3))
        and repr(Dropout(1, True)) == repr(nn.Dropout(1, True))
        and repr(Dropout()) == 'Dropout(p=0.5, inplace=False)'
    )
    assert len(layer.state_dict()) == 0 and list(layer.parameters()) == [] and list(layer.buffers()) == []
    a, b = nn.Sequential(nn.Linear(4, 3), Dropout(.3)), nn.Sequential(nn.Linear(4, 3), nn.Dropout(.3))
    a.load_state_dict(b.state_dict()); b.load_state_dict(a.state_dict())
    assert equal(run(a, torch.ones(2, 4), 0), run(b, torch.ones(2, 4), 0))
    layer.p = 7
    with pytest.raises(ValueError, match='p: expected a number from 0 to 1, got 7'): layer(torch.ones(2))

def test_deepcopy_save_and_types():
    layer = Dropout(.3, generator=torch.Generator().manual_seed(5))
    layer(torch.ones(3))
    twin = copy.deepcopy(layer)
    assert twin.generator is not layer.generator
    assert torch.equal(twin(torch.ones(50)), layer(torch.ones(50)))
    buf = io.BytesIO()
    torch.save(Dropout(.2).eval(), buf); buf.seek(0)
    back = torch.load(buf, weights_only=False)
    assert back.p == .2 and not back.training
    model = nn.Sequential(nn.Linear(4, 3), Dropout(.3))
    model(torch.ones(2, 4)).sum().backward()
    twin = copy.deepcopy(model).double()
    assert (
        twin(torch.ones(2, 4).double()).dtype == torch.float64
        and twin.bfloat16()(torch.ones(2, 4).bfloat16()).dtype == torch.bfloat16
    )

def test_in_a_model_of_our_own():
    model = training.Sequential(training.Linear(4, 8), training.ReLU(), Dropout(.5), training.Linear(8, 2))
    x = torch.randn(3, 4)
    model.eval()
    assert torch.equal(model(x), model(x))
    model.train()
    mean, spread = mc_dropout(model, x, 20)
    assert model.training and mean.shape == spread.shape == (3, 2) and (spread > 0).all() and not mean.requires_grad

@pytest.mark.parametrize('training', [True, False])
def test_compiles(training):
    torch._dynamo.reset()
    layer = Dropout(.4).train(training)
    compiled = torch.compile(layer, backend='aot_eager', fullgraph=True)
    x = torch.randn(6, 5)
    a, b = run(compiled, x, 2), run(layer, x, 2)
    assert equal(a, b)

def test_transforms():
    x = torch.randn(4, 3)
    for mode in ('different', 'same'):
        a, b = (torch.func.vmap(f, randomness=mode)(x) for f in (dropout, F.dropout))
        assert a.shape == b.shape
    same = torch.func.vmap(dropout, randomness='same')(torch.ones(4, 30))
    assert (same == same[0]).all()
    assert torch.autograd.gradcheck(
        lambda x: dropout(x, 0.4, generator=torch.Generator().manual_seed(0)),
        torch.randn(3, 4, dtype=torch.float64, requires_grad=True),
    )
    assert dropout(torch.empty(2, 3, device='meta')).shape == (2, 3)

# all masks, and what they add up to

@quick
@given(n=st.integers(0, 8), p=chances)
def test_all_masks(n, p):
    masks, chance = all_masks(n, p)
    assert masks.shape == (2**n, n) and chance.shape == (2**n,) and masks.dtype == chance.dtype == torch.float64
    assert len({tuple(m) for m in masks.tolist()}) == 2**n and math.isclose(chance.sum(), 1, rel_tol=1e-12)
    assert torch.allclose(
        chance, torch.tensor([p ** (n - sum(m)) * (1 - p) ** sum(m) for m in masks.tolist()], dtype=torch.float64)
    )


@pytest.mark.parametrize(
    'n, kind', [(-1, ValueError), (21, ValueError), (2.5, TypeError), ('3', TypeError), (None, TypeError)]
)
def test_all_masks_refuses(n, kind):
    with pytest.raises(kind, match='n: expected a whole number from 0 to 20, got'): all_masks(n)

@quick
@given(n=st.integers(1, 8), p=st.floats(0, .95), seed=st.integers(0, 99))
def test_mean_variance_and_penalty(n, p, seed):
    g = torch.Generator().manual_seed(seed)
    x, w, y = torch.randn(n, generator=g).double(), torch.randn(n, generator=g).double(), 1.5
    masks, chance = all_masks(n, p)
    out = masks * x / (1 - p)
    torch.testing.assert_close(chance @ out, x)
    torch.testing.assert_close(chance @ out.square(), x.square() / (1 - p))
    torch.testing.assert_close(chance @ (out - x).square(), x.square() * p / (1 - p))
    torch.testing.assert_close(chance @ (out @ w - y).square(), (x @ w - y)**2 + p / (1 - p) * (x * w).square().sum())

@pytest.mark.parametrize('p', [.1, .5, .6, .9])
def test_drawn_masks_have_the_right_mean_and_variance(p):
    torch.manual_seed(0)
    n = 400_000
    y = dropout(torch.ones(n, dtype=torch.float64), p)
    sd = math.sqrt(p / (1 - p))
    assert abs(y.mean() - 1) < 5 * sd / math.sqrt(n)
    fourth = p + (1 - p) * (p / (1 - p))**4
    assert abs((y - 1).square().mean() - sd**2) < 5 * math.sqrt((fourth - sd**4) / n) + 1e-12
    kept = (y != 0).double()
    assert abs((kept[1:] * kept[:-1]).mean() - (1 - p)**2) < 5 * math.sqrt(2 / n) # neighbors know nothing of each other

# entropy

@quick
@given(p=st.floats(0, 1, width=32), base=st.sampled_from([math.e, 2., 10.]))
def test_entropy(p, base):
    got = mask_entropy(torch.tensor(p, dtype=torch.float64), base)
    plain = sum(-q * math.log(q) for q in (p, 1 - p) if q > 0) / math.log(base)
    assert math.isclose(got, plain, rel_tol=1e-9, abs_tol=1e-12) and got >= 0
    assert got <= math.log(2) / math.log(base) + 1e-12
    torch.testing.assert_close(mask_entropy(torch.tensor(1 - p, dtype=torch.float64), base), got)
    if base == math.e:
        torch.testing.assert_close(
            mask_entropy(torch.tensor(p)),
            torch.distributions.Bernoulli(torch.tensor(p)).entropy(),
            atol=1e-6,
            rtol=1e-4,
        )

def test_entropy_of_scalars_tensors_and_ends():
    assert mask_entropy(0) == mask_entropy(1) == mask_entropy(0.) == mask_entropy(1.) == 0
    assert (
        mask_entropy(0.5).shape == ()
        and math.isclose(mask_entropy(0.5), math.log(2), rel_tol=1e-6)
        and mask_entropy(0.5, 2) == 1
    )
    grid = torch.linspace(0, 1, 101, dtype=torch.float64).view(1, 101)
    h = mask_entropy(grid)
    assert h.shape == grid.shape and h.dtype == torch.float64 and h.argmax() == 50
    assert (
        mask_entropy(torch.zeros(0, 3)).shape == (0, 3)
        and mask_entropy(torch.zeros(2, 3).T).shape == (3, 2)
        and mask_entropy([0.5, 1]).shape == (2,)
    )
    p = torch.tensor([.2, .5, .9], dtype=torch.float64, requires_grad=True)
    mask_entropy(p).sum().backward()
    torch.testing.assert_close(p.grad, ((1 - p) / p).log().detach())
    for base in (0, 1, -2, NAN):
        with pytest.raises(ValueError, match='base: expected'): mask_entropy(.5, base)

# mc_dropout

LAYERS = [
    Dropout(0.5),
    nn.Dropout(0.5),
    nn.Dropout1d(0.5),
    nn.Dropout2d(0.5),
    nn.Dropout3d(0.5),
    nn.AlphaDropout(0.5),
    nn.FeatureAlphaDropout(0.5),
]

@pytest.mark.parametrize('layer', LAYERS, ids=lambda l: type(l).__module__ + '.' + type(l).__name__)
def test_mc_dropout_switches_every_kind_on(layer):
    shape = (2, 3, 4, 4, 4)[:5 if isinstance(layer, nn.Dropout3d) else 4 if isinstance(layer, nn.Dropout2d) else 3]
    model = nn.Sequential(nn.Sequential(copy.deepcopy(layer))).eval()
    x = torch.ones(shape)
    torch.manual_seed(0)
    mean, spread = mc_dropout(model, x, 30)
    assert mean.shape == spread.shape == x.shape and (spread > 0).all() and not any(m.training for m in model.modules())
    torch.manual_seed(0)
    passes = torch.stack([copy.deepcopy(layer).train()(x) for _ in range(30)])
    torch.testing.assert_close(mean, passes.mean(0)); torch.testing.assert_close(spread, passes.std(0, correction=1))

def mixed():
    m = nn.Sequential(
        nn.Linear(4, 6),
        nn.BatchNorm1d(6),
        nn.Dropout(0.5),
        nn.Sequential(nn.Linear(6, 6), Dropout(0.2)),
        nn.Linear(6, 2),
    )
    m.train(); m[1].eval(); m[3][1].eval()
    return m

def modes(model): return [m.training for m in model.modules()]

def test_mc_dropout_leaves_modes_and_statistics_alone():
    m, x = mixed(), torch.randn(8, 4)
    before, state = modes(m), copy.deepcopy(m.state_dict())
    torch.manual_seed(1)
    mean, spread = mc_dropout(m, x, 200)
    assert modes(m) == before and all(torch.equal(v, state[k]) for k, v in m.state_dict().items())
    assert not mean.requires_grad and not spread.requires_grad and torch.is_grad_enabled() and (spread > 0).all()
    m.train()
    mc_dropout(m, x, 3)
    assert m.training and all(
        torch.equal(v, state[k]) for k, v in m.state_dict().items()
    )  # batch norm did not count these passes

@pytest.mark.parametrize('error', [RuntimeError, KeyboardInterrupt, ValueError])
def test_mc_dropout_restores_after_an_error(error):
    class Raises(nn.Module):
        calls = 0
        def forward(self, x):
            self.calls += 1
            if self.calls == 3: raise error('now')
            return x
    m = nn.Sequential(mixed(), Raises())
    m[1].eval()
    before, fast = modes(m), torch.backends.mha.get_fastpath_enabled()
    with pytest.raises(error): mc_dropout(m, torch.randn(8, 4), 5)
    assert modes(m) == before and torch.is_grad_enabled() and torch.backends.mha.get_fastpath_enabled() == fast

def test_mc_dropout_of_a_linear_layer_has_the_spread_of_the_formula():
    torch.manual_seed(0)
    lin, x, p, n = nn.Linear(20, 1), torch.randn(1, 20), .4, 20_000
    mean, spread = mc_dropout(nn.Sequential(Dropout(p), lin), x, n)
    want = math.sqrt(p / (1 - p)) * (lin.weight * x).square().sum().sqrt().item()
    assert abs(mean.item() - lin(x).item()) < 5 * want / math.sqrt(n) and abs(spread.item() / want - 1) < .03

def test_mc_dropout_reaches_attention_and_recurrent_layers():
    torch.manual_seed(0)
    x = torch.randn(2, 5, 8)
    encoder = nn.TransformerEncoderLayer(8, 2, 16, dropout=.3, batch_first=True).eval()
    assert (
        (mc_dropout(encoder, x, 10)[1] > 0).all()
        and torch.backends.mha.get_fastpath_enabled()
        and not any(modes(encoder))
    )
    class First(nn.Module):
        def __init__(self, m): super().__init__(); self.m = m
        def forward(self, x): return (self.m(x, x, x) if isinstance(self.m, nn.MultiheadAttention) else self.m(x))[0]
    for m in (
        nn.MultiheadAttention(8, 2, dropout=0.3, batch_first=True),
        nn.LSTM(8, 8, 2, dropout=0.3, batch_first=True),
    ):
        assert (mc_dropout(First(m), x, 20)[1] > 0).any()
    with pytest.raises(ValueError, match='found none'): mc_dropout(First(nn.LSTM(8, 8, 2)), x, 5)


@pytest.mark.parametrize(
    'n, kind', [(1, ValueError), (0, ValueError), (-3, ValueError), (2.5, TypeError), (None, TypeError)]
)
def test_mc_dropout_refuses_n(n, kind):
    with pytest.raises(kind, match='n: expected a whole number of at least 2, got'):
        mc_dropout(mixed(), torch.ones(2, 4), n)

def test_mc_dropout_refuses_models():
    with pytest.raises(ValueError, match='model: expected at least one dropout layer, found none'):
        mc_dropout(nn.Linear(4, 2), torch.ones(2, 4), 5)
    with pytest.raises(TypeError, match='model: expected a module, got function'):
        mc_dropout(lambda x: x, torch.ones(2, 4), 5)
    assert (mc_dropout(nn.Sequential(nn.Linear(4, 2), Dropout(0)), torch.ones(2, 4), 5)[1] == 0).all()
    assert mc_dropout(Dropout(.5), torch.zeros(0, 4), 5)[0].shape == (0, 4)

# gradients

@pytest.mark.parametrize('cases, outputs', [(5, 5), (7, 5), (5, 7), (1, 3), (16, 2)])
def test_mean_of_the_per_case_gradients(cases, outputs):
    torch.manual_seed(cases)
    x, y, lin = (
        dropout(torch.randn(cases, 10, dtype=torch.float64)),
        torch.randint(outputs, (cases,)),
        nn.Linear(10, outputs).double(),
    )
    slope = lambda x, y: torch.autograd.grad(F.cross_entropy(lin(x), y), lin.weight)[0]
    each, batch = torch.stack([slope(x[i:i + 1], y[i:i + 1]) for i in range(cases)]), slope(x, y)
    torch.testing.assert_close(each.mean(0), batch)
    assert torch.allclose(each.sum(0) / outputs, batch) == (cases == outputs)
    for g, case in zip(each, x): assert (g[:, case == 0] == 0).all() and (g[:, case != 0] != 0).all()

# where torch's works, ours works

@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('train', [True, False])
@pytest.mark.parametrize('f', transforms.ALL, ids=lambda f: f.__name__)
def test_goes_through_what_torch_goes_through(f, train):
    x = torch.randn(4, 6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    transforms.agree(f, Dropout(.4).train(train), nn.Dropout(.4).train(train), x)

@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
@pytest.mark.parametrize('x', [torch.float32, torch.bfloat16, torch.float16])
def test_autocast(x, dtype):
    z = torch.randn(4, 5).to(x)
    assert transforms.autocast_types(Dropout(), z, dtype) == transforms.autocast_types(nn.Dropout(), z, dtype)
    assert transforms.gpu_autocast_type(Dropout(), z) == transforms.gpu_autocast_type(nn.Dropout(), z) == x

def test_entropy_where_there_is_nothing_to_look_at():
    p = torch.tensor([.1, .5, 1.], dtype=torch.float64)
    torch.testing.assert_close(torch.func.vmap(mask_entropy)(p), mask_entropy(p))
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(mask_entropy))(p[:2]), ((1 - p) / p).log()[:2])
    torch._dynamo.reset()
    run = torch.compile(mask_entropy, backend='aot_eager', fullgraph=True, dynamic=True)
    for n in (2, 3): torch.testing.assert_close(run(p[:n]), mask_entropy(p[:n]))
    assert mask_entropy(p.to('meta')).shape == (3,)
    with pytest.raises(ValueError, match='p: expected numbers'): mask_entropy(p + 1)

def test_the_samples_of_op_info():
    pytest.importorskip('expecttest')
    from torch.testing._internal.common_methods_invocations import op_db
    info, n = next(o for o in op_db if o.name == 'nn.functional.dropout'), 0
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        for sample in info.sample_inputs('cpu', dtype, requires_grad=True):
            inplace = sample.kwargs.get('inplace', False)
            a, b = (
                run(lambda x: f(x * 1 if inplace else x, **sample.kwargs), sample.input, 5)
                for f in (dropout, F.dropout)
            )
            assert equal(a, b), sample.kwargs
            n += 1
    assert n > 30
