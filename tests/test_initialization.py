"""Each draw against its namesake in torch.nn.init; fans against counting; models of every kind; and what is said to bad
input."""
import copy, math, warnings
import pytest, torch, torch.nn.functional as F
from hypothesis import given, settings, strategies as st
from torch import nn
from torch.nn.utils import parametrizations
from nnbolts import convolutions, norms, training
from nnbolts.initialization import fan, gain, init_model, init_table, kaiming_, lsuv, orthogonal_, output_bias, xavier_
from nnbolts.weightnorm import add_weight_norm

quick = settings(max_examples=100, deadline=None, derandomize=True)
shapes = st.lists(st.integers(1, 6), min_size=2, max_size=5)
dtypes = st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.float16])
names = st.sampled_from(['linear', 'sigmoid', 'tanh', 'relu', 'leaky_relu', 'selu'])

def seeded(seed=0): return torch.Generator().manual_seed(seed)

def laid(shape, dtype, layout):
    "An empty tensor whose numbers lie in another order, or with gaps."
    if layout == 'plain': return torch.empty(shape, dtype=dtype)
    if layout == 'gaps': return torch.empty(*shape, 2, dtype=dtype)[..., 0]
    return torch.empty(shape[::-1], dtype=dtype).permute(*reversed(range(len(shape))))

# the draws

@quick
@given(shapes, dtypes, st.sampled_from(['plain', 'turned', 'gaps']), st.floats(0, 3), st.booleans())
def test_xavier_is_torchs(shape, dtype, layout, by, uniform):
    theirs = nn.init.xavier_uniform_ if uniform else nn.init.xavier_normal_
    a, b = laid(shape, dtype, layout), laid(shape, dtype, layout)
    assert xavier_(a, by, uniform, seeded()) is a
    assert torch.equal(a, theirs(b, by, generator=seeded()))

@quick
@given(shapes, dtypes, st.sampled_from(['plain', 'turned', 'gaps']), names, st.sampled_from(['fan_in', 'fan_out']),
       st.booleans())
def test_kaiming_is_torchs(shape, dtype, layout, name, mode, uniform):
    theirs = nn.init.kaiming_uniform_ if uniform else nn.init.kaiming_normal_
    a, b = laid(shape, dtype, layout), laid(shape, dtype, layout)
    assert kaiming_(a, gain(name, 0.) if name == 'leaky_relu' else name, mode, uniform, seeded()) is a
    assert torch.equal(a, theirs(b, mode=mode, nonlinearity=name, generator=seeded()))

@quick
@given(shapes, st.sampled_from([torch.float32, torch.float64]), st.floats(0, 3))
def test_orthogonal_is_torchs(shape, dtype, by):
    a, b = torch.empty(shape, dtype=dtype), torch.empty(shape, dtype=dtype)
    assert torch.equal(orthogonal_(a, by, seeded()), nn.init.orthogonal_(b, by, generator=seeded()))

@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16, torch.float16, torch.complex64, torch.complex128])
@pytest.mark.parametrize('shape', [(4, 4), (3, 7), (7, 3), (4, 2, 3, 3)])
def test_orthogonal_where_torch_has_none(dtype, shape):
    w = orthogonal_(torch.empty(shape, dtype=dtype), generator=seeded()).flatten(1)
    w = w.to(torch.promote_types(dtype, torch.float32))
    w = w if w.shape[0] <= w.shape[1] else w.mT.conj()
    off = (w @ w.mH - torch.eye(len(w))).abs().max()
    assert off < (3e-2 if dtype in (torch.bfloat16, torch.float16) else 1e-5)

def test_orthogonal_takes_any_layout():
    w = torch.empty(8, 4, 3, 3).to(memory_format=torch.channels_last)
    assert torch.equal(orthogonal_(w, generator=seeded()),
                       nn.init.orthogonal_(torch.empty(8, 4, 3, 3), generator=seeded()))
    assert torch.equal(orthogonal_(torch.empty(3, 4).T, generator=seeded()),
                       nn.init.orthogonal_(torch.empty(4, 3), generator=seeded()))

def test_all_rotations_are_equally_likely():
    "Without the signs the diagonal of a 2 by 2 matrix would lean to one side."
    g = seeded()
    corners = torch.stack([orthogonal_(torch.empty(2, 2), generator=g) for _ in range(600)])
    assert corners.mean(0).abs().max() < .12

def test_complex_numbers_as_in_torch():
    a, b = (torch.empty(5, 4, dtype=torch.complex64) for _ in range(2))
    assert torch.equal(kaiming_(a, generator=seeded()),
                       nn.init.kaiming_normal_(b, nonlinearity='relu', generator=seeded()))
    with pytest.raises(TypeError, match='w: expected real numbers for a uniform distribution, got torch.complex64'):
        xavier_(a, uniform=True)

@pytest.mark.parametrize('draw', [xavier_, kaiming_, orthogonal_, lambda w: kaiming_(w, uniform=True)])
def test_nothing_to_draw(draw):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        for shape in ((0, 3), (3, 0), (0, 0), (2, 0, 3)): assert draw(torch.empty(shape)).shape == shape
        meta = torch.empty(3, 4, device='meta')
        assert draw(meta) is meta

@pytest.mark.parametrize('draw', [xavier_, kaiming_, orthogonal_])
def test_parameters_are_changed_in_place(draw):
    p = nn.Parameter(torch.zeros(4, 3))
    assert draw(p) is p and p.requires_grad and p.grad_fn is None and p.abs().max() > 0
    whole = nn.Parameter(torch.zeros(6, 3))
    draw(whole[:3])
    with torch.no_grad(): draw(whole[3:])
    assert whole.is_leaf and (whole != 0).all()

@pytest.mark.parametrize('draw', [xavier_, kaiming_, orthogonal_])
def test_a_draw_that_would_be_lost_is_refused(draw):
    layer = parametrizations.weight_norm(nn.Linear(3, 2))
    with pytest.raises(ValueError, match='w: expected a parameter, got the result of a computation'): draw(layer.weight)
    with pytest.raises(ValueError, match='lost'): draw(nn.Parameter(torch.ones(2, 2)) * 2)
    with pytest.raises(ValueError, match='a lazy layer'): draw(nn.LazyLinear(3).weight)
    with pytest.raises(TypeError, match='w: expected a tensor of floating-point numbers, got torch.int32'):
        draw(torch.zeros(2, 2, dtype=torch.int32))
    with pytest.raises(TypeError, match='w: expected a tensor, got list'): draw([[1., 2.]])
    with pytest.raises(ValueError, match=r'w: expected a tensor with 2 axes or more, got shape \(3,\)'):
        draw(torch.ones(3))

def test_wrong_settings():
    w = torch.empty(2, 3)
    with pytest.raises(ValueError, match="mode: expected 'fan_in' or 'fan_out', got 'fanin'; did you mean 'fan_in'"):
        kaiming_(w, mode='fanin')
    with pytest.raises(ValueError, match="did you mean 'relu'"): kaiming_(w, 'rleu')
    with pytest.raises(ValueError, match='gain: expected a number of at least 0, got -1'): xavier_(w, -1)
    with pytest.raises(TypeError, match="gain: expected a number of at least 0, got 'relu'"): orthogonal_(w, 'relu')

# the fans

def counted(layer, n_in, size=60):
    "Inputs of one output and outputs of one input, as means over a patch of positions in the middle."
    nd = layer.weight.dim() - 2
    nn.init.ones_(layer.weight)
    x = torch.zeros(1, n_in, *[size] * nd, dtype=layer.weight.dtype, requires_grad=True)
    y = layer(x)
    def patch(t): return (0, 0, *[slice(n // 2 - 3, n // 2 + 3) for n in t.shape[2:]])
    inputs, = torch.autograd.grad(y[patch(y)].sum(), x)
    spot = torch.zeros_like(x)
    spot[patch(x)] = 1
    with torch.no_grad(): return inputs.sum().item() / 6**nd, layer(spot).sum().item() / 6**nd

@quick
@given(st.sampled_from([1, 2]), st.sampled_from([1, 2, 4]), st.integers(1, 3), st.integers(1, 3), st.integers(1, 4),
       st.sampled_from([1, 2, 3]), st.sampled_from([1, 2]), st.booleans())
def test_fans_are_what_counting_gives(nd, groups, a, b, kernel, stride, dilation, transposed):
    kinds = {(1, False): nn.Conv1d, (2, False): nn.Conv2d, (1, True): nn.ConvTranspose1d, (2, True): nn.ConvTranspose2d}
    options = dict(groups=groups, dilation=dilation, bias=False, dtype=torch.float64)
    layer = kinds[nd, transposed](a * groups, b * groups, kernel, stride, **options)
    found = fan(layer)
    assert found == pytest.approx(counted(layer, a * groups), rel=1e-9)
    assert found == fan(layer.weight, groups=groups, transposed=transposed, stride=stride)
    assert found == fan(layer.weight, groups, transposed, (stride,) * nd)

@quick
@given(shapes)
def test_fan_of_a_plain_weight_is_torchs(shape):
    w = torch.empty(shape)
    found = fan(w)
    assert found == nn.init._calculate_fan_in_and_fan_out(w) and all(type(n) is int for n in found)

def test_fan_of_layers():
    assert fan(nn.Linear(3, 5)) == fan(training.Linear(3, 5)) == (3, 5)
    assert fan(convolutions.Conv2d(8, 16, 3, stride=2, groups=4)) == (18, 9)
    assert fan(nn.Bilinear(3, 4, 5))[0] == 12
    assert fan(torch.empty(4, 3, device='meta')) == (3, 4)
    assert fan(nn.Conv2d(1, 1, 3, stride=2)) == (9, 2.25)
    with pytest.raises(ValueError, match='groups: expected a divisor of 5, the first size of the weight, got 2'):
        fan(torch.empty(5, 3), groups=2)
    with pytest.raises(ValueError, match='stride: expected 2 numbers, got tuple'):
        fan(torch.empty(5, 3, 2, 2), stride=(1,))
    with pytest.raises(TypeError, match='weight: expected a tensor, got None'): fan(nn.ReLU())

# the gain

def test_gain_is_torchs():
    for name in ('linear', 'sigmoid', 'tanh', 'relu', 'leaky_relu', 'selu'):
        assert gain(name) == nn.init.calculate_gain(name)
    for slope in (0, .2, 1., 5**.5): assert gain('leaky_relu', slope) == nn.init.calculate_gain('leaky_relu', slope)

@pytest.mark.parametrize(
    'f', [torch.relu, torch.tanh, F.gelu, F.silu, F.elu, nn.Mish(), lambda z: z * 3, torch.sign, F.selu])
def test_gain_of_a_function_keeps_the_mean_square(f):
    z = torch.randn(2_000_000, dtype=torch.float64, generator=seeded())
    assert (f(z) * gain(f)).square().mean().item() == pytest.approx(1, abs=5e-3)

def test_gain_by_name_and_by_number():
    for name in ('gelu', 'silu', 'elu', 'mish', 'softplus', 'hardswish'): assert gain(name) == gain(getattr(F, name))
    assert (gain(.5), gain(2), gain(torch.relu)) == pytest.approx((.5, 2, 2**.5), abs=1e-9)
    for wrong, said in ((True, 'nonlinearity: expected'), (-1, 'nonlinearity: expected a number of at least 0, got -1'),
                        (torch.zeros_like, 'a mean square above 0'), ('rleu', "did you mean 'relu'"),
                        (lambda z: z.sum(), r'nonlinearity\(z\): expected the shape of z')):
        with pytest.raises(ValueError, match=said): gain(wrong)
    with pytest.raises(ValueError, match="param: expected None unless nonlinearity is 'leaky_relu', got 0.1"):
        gain('relu', .1)

# a whole model

class Everything(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(7, 8, padding_idx=2)
        self.bag = nn.EmbeddingBag(7, 8)
        self.lstm = nn.LSTM(8, 6, 2, bidirectional=True, proj_size=3)
        self.gru, self.cell = nn.GRU(8, 6), nn.LSTMCell(8, 6)
        self.attention = nn.MultiheadAttention(8, 2, add_bias_kv=True)
        self.across = nn.MultiheadAttention(8, 2, kdim=5, vdim=3)
        self.conv, self.up = nn.Conv2d(4, 8, 3, groups=2), nn.ConvTranspose2d(8, 4, 4, 2)
        self.norm, self.prelu, self.two = nn.BatchNorm2d(8), nn.PReLU(), nn.Bilinear(3, 4, 5)
        self.normed, self.old = parametrizations.weight_norm(nn.Linear(8, 4)), nn.utils.weight_norm(nn.Linear(8, 4))
        self.ours, self.spectral = add_weight_norm(nn.Linear(8, 4)), parametrizations.spectral_norm(nn.Linear(8, 4))
        self.mine, self.kernel = training.Linear(8, 4), convolutions.Conv2d(4, 8, 3)
        self.my_norm = norms.LayerNorm(4)
        self.head = nn.Linear(8, 7)
        self.head.weight = self.words.weight

def marked(model):
    "The model with all parameters at 77."
    with torch.no_grad():
        for p in model.parameters(): p.fill_(77.)
    return model

@pytest.fixture(scope='module')
def everything():
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', FutureWarning)
        return Everything()

@pytest.mark.parametrize('method', ['kaiming', 'xavier', 'orthogonal', .05])
def test_every_parameter_of_every_layer_is_reached(everything, method):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        model = init_model(marked(everything), method=method, generator=seeded())
    assert not [n for n, p in model.named_parameters() if (p == 77).any() or not p.isfinite().all()]
    assert (model.norm.weight == 1).all() and (model.my_norm.weight == 1).all() and model.prelu.weight.item() == .25
    for name, p in model.named_parameters():
        if 'bias' in name and not name.endswith(('bias_k', 'bias_v')) and 'bias_ih' not in name:
            assert (p == 0).all(), name

def test_the_draw_is_that_of_the_functions(everything):
    model = init_model(everything, generator=seeded())
    assert (model.words.weight[2] == 0).all() and model.words.weight.std() > .5
    for b in (model.lstm.bias_ih_l1_reverse, model.cell.bias_ih):
        assert b.chunk(4)[1].eq(1).all() and b.sum() == 6
    for w in model.gru.weight_hh_l0.chunk(3): torch.testing.assert_close(w @ w.T, torch.eye(6))
    old = model.old
    assert torch.allclose(old.weight, old.weight_v)
    assert torch.allclose(old.weight_g, old.weight_v.norm(dim=1, keepdim=True))
    old(torch.ones(1, 8))
    assert torch.allclose(old.weight, old.weight_v)
    layers = nn.Conv2d(16, 64, 3), nn.ConvTranspose2d(64, 64, 4, 2), add_weight_norm(nn.Linear(256, 128))
    wide = init_model(nn.Sequential(*layers), generator=seeded())
    for layer in wide: assert layer.weight.std().item() * math.sqrt(fan(layer)[0]) == pytest.approx(2**.5, rel=.05)
    heads = init_model(nn.MultiheadAttention(64, 4), method='xavier', generator=seeded())
    for w in (*heads.in_proj_weight.chunk(3), heads.out_proj.weight):
        assert w.std().item() * 8 == pytest.approx(1, abs=.05)

def test_weights_are_drawn_once_and_in_place():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
    model[2].weight = model[0].weight
    before = [*model.parameters()]
    init_model(model, generator=seeded())
    assert all(a is b for a, b in zip(before, model.parameters()))
    assert torch.equal(model[0].weight, kaiming_(torch.empty(4, 4), generator=seeded()))
    again = init_model(copy.deepcopy(model), generator=seeded())
    assert all(map(torch.equal, model.parameters(), again.parameters()))

def test_frozen_parameters_stay():
    model = marked(nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.LSTM(3, 3), add_weight_norm(nn.Linear(3, 3))))
    for part in (model[0], model[2], model[3]): part.requires_grad_(False)
    model[1].bias.requires_grad_(False)
    init_model(model)
    assert [n for n, p in model.named_parameters() if not (p == 77).all()] == ['1.weight']

def test_what_is_not_known_is_named():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.start, self.linear = nn.Parameter(torch.full((1, 3), 5.)), nn.Linear(3, 2)
    with pytest.warns(UserWarning, match='left as they were, because their layers are not known: start; give other='):
        model = init_model(Odd())
    assert (model.start == 5).all()
    seen = {}
    init_model(model, other=seen.__setitem__)
    assert list(seen) == ['start']
    init_model(model, other=lambda name, p: p.zero_())
    assert (model.start == 0).all()

def test_zero_layers():
    block = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    init_model(block, zero='1')
    assert (block[1].weight == 0).all() and (block[1].bias == 0).all() and (block[0].weight != 0).any()
    assert (init_model(nn.Linear(3, 2), zero='').weight == 0).all()
    with pytest.raises(ValueError, match="zero: expected '0' or '1', got '2'"): init_model(block, zero=['2'])
    with pytest.raises(ValueError, match='zero: expected layers with a plain weight, got 0'):
        init_model(nn.Sequential(add_weight_norm(nn.Linear(3, 2))), zero='0')

@pytest.mark.parametrize('wrong, error, said', [
    (lambda: init_model('relu'), TypeError, "model: expected a module, got 'relu'"),
    (lambda: init_model(nn.Linear(2, 2), 'rleu'), ValueError, "did you mean 'relu'"),
    (lambda: init_model(nn.Linear(2, 2), method='he'), ValueError,
     "method: expected 'kaiming', 'xavier' or 'orthogonal'"),
    (lambda: init_model(nn.Linear(2, 2), method=-1), ValueError, 'method: expected a number of at least 0, got -1'),
    (lambda: init_model(nn.Linear(2, 2), mode='out'), ValueError, "mode: expected 'fan_in' or 'fan_out'"),
    (lambda: init_model(nn.Sequential(nn.LazyLinear(2))), ValueError, 'got 0.weight of a lazy layer'),
    (lambda: lsuv(nn.LazyLinear(2), torch.ones(3, 2)), ValueError, 'of a lazy layer'),
    (lambda: output_bias(nn.LazyLinear(2), torch.ones(3)), ValueError, 'of a lazy layer'),
    (lambda: init_table(3), TypeError, 'model: expected a module, got 3')])
def test_wrong_models(wrong, error, said):
    with pytest.raises(error, match=said): wrong()

def test_no_weights_and_meta():
    init_model(nn.ReLU())
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # torch's own start warns
        empty = nn.Linear(3, 0), nn.Linear(0, 3)
    for layer in empty: assert init_model(layer) is layer
    with torch.device('meta'): model = nn.Sequential(nn.Linear(3, 2), nn.LSTM(3, 3), nn.Embedding(3, 2, padding_idx=1))
    init_model(model), init_model(model, method='orthogonal')
    half = init_model(nn.Sequential(nn.Linear(64, 64), nn.LSTM(8, 8)).bfloat16(), method='orthogonal')
    assert all(p.dtype == torch.bfloat16 and p.isfinite().all() for p in half.parameters())
    assert init_model(nn.Linear(8, 8, dtype=torch.complex64)).weight.dtype == torch.complex64

# from data

def nets():
    return [nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, 3)),
            training.Sequential(training.Linear(6, 20), training.ReLU(), training.Linear(20, 3)),
            nn.Sequential(add_weight_norm(nn.Linear(6, 9)), nn.ReLU(), parametrizations.weight_norm(nn.Linear(9, 4)))]

@pytest.mark.parametrize('center', [False, True])
@pytest.mark.parametrize('which', range(3))
def test_lsuv_settles_each_layer(which, center):
    torch.manual_seed(which)
    model, x = nets()[which].double(), torch.randn(50, 6, dtype=torch.float64) * 3 + 1
    assert lsuv(model, x, std=2., center=center) is model
    for layer in model:
        x = layer(x)
        if not hasattr(layer, 'weight'): continue
        assert x.std(correction=0).item() == pytest.approx(2, rel=1e-6)
        if center: assert x.mean(0).abs().max() < 1e-9

def test_lsuv_of_convolutions_and_odd_models():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(.5),
                          nn.ConvTranspose2d(4, 3, 4, 2), convolutions.Conv2d(3, 2, 3))
    x, state = torch.randn(5, 1, 8, 8), torch.random.get_rng_state()
    model[1].eval()
    lsuv(model, x, center=True)
    assert torch.equal(state, torch.random.get_rng_state()) and model[1].num_batches_tracked == 0
    assert model.training and model[3].training and not model[1].training
    assert not any(m._forward_hooks for m in model.modules())
    model[1].train(), model[3].eval()
    for layer in model:
        x = layer(x)
        if 'Conv' in type(layer).__name__:
            assert x.std(correction=0).item() == pytest.approx(1, rel=1e-4)
            assert x.mean((0, 2, 3)).abs().max() < 1e-4
    one = lsuv(nn.Conv1d(2, 3, 3), torch.randn(2, 9), center=True)
    assert one(torch.zeros(2, 9)).shape == (3, 7)

def test_lsuv_leaves_frozen_zero_and_shared_alone():
    torch.manual_seed(0)
    model, x = nn.Sequential(*[nn.Linear(5, 5) for _ in range(4)]), torch.randn(40, 5)
    model[0].requires_grad_(False)
    nn.init.zeros_(model[2].weight)
    model[3].weight = model[1].weight
    before = copy.deepcopy(model)
    lsuv(model, x)
    assert torch.equal(model[0].weight, before[0].weight) and torch.equal(model[2].bias, before[2].bias)
    assert model[:2](x).std(correction=0).item() == pytest.approx(1, rel=1e-5)
    lsuv(model, x, layers=['1'], std=3.)
    assert model[:2](x).std(correction=0).item() == pytest.approx(3, rel=1e-5)

def test_lsuv_with_several_inputs_and_half_precision():
    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.two = nn.Bilinear(3, 4, 5)
        def forward(self, a, b): return self.two(a, b)
    torch.manual_seed(0)
    a, b = torch.randn(30, 3), torch.randn(30, 4)
    assert lsuv(Pair(), (a, b))(a, b).std(correction=0).item() == pytest.approx(1, rel=1e-5)
    model = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 3)).bfloat16()
    x = torch.randn(50, 6).bfloat16()
    assert lsuv(model, x)(x).float().std().item() == pytest.approx(1, rel=.05)
    assert all(p.dtype == torch.bfloat16 for p in model.parameters())

@pytest.mark.parametrize('wrong, said', [
    (lambda: lsuv(nn.ReLU(), torch.ones(3)), 'model: expected linear layers or convolutions, got a model without'),
    (lambda: lsuv(nn.Linear(3, 2), torch.full((4, 3), math.nan)), 'x: expected finite outputs everywhere, got nan'),
    (lambda: lsuv(nn.Linear(3, 1), torch.ones(4, 3)), 'x: expected outputs that differ, got all alike from'),
    (lambda: lsuv(nn.Linear(3, 2, device='meta'), torch.ones(4, 3)), 'on the meta device'),
    (lambda: lsuv(nn.Linear(3, 2, bias=False), torch.randn(4, 3), center=True), 'center: expected layers with a bias'),
    (lambda: lsuv(nn.Sequential(nn.Linear(3, 2), nn.ReLU()), torch.randn(4, 3), layers=['1']), 'got 1, ReLU'),
    (lambda: lsuv(parametrizations.spectral_norm(nn.Linear(3, 2)), torch.randn(4, 3) * 9), 'weight cannot be scaled'),
    (lambda: lsuv(nn.Linear(3, 2), torch.randn(4, 3), std=0), 'std: expected a number above 0, got 0')])
def test_what_lsuv_says(wrong, said):
    with pytest.raises(ValueError, match=said): wrong()

# the last bias

def least(loss, n):
    "The least loss of a constant answer, by descent."
    b = torch.zeros(n, dtype=torch.float64, requires_grad=True)
    opt = torch.optim.LBFGS([b], max_iter=200, tolerance_grad=1e-12)
    def closure():
        opt.zero_grad()
        value = loss(b)
        value.backward()
        return value
    opt.step(closure)
    return b.detach(), loss(b).item()

@pytest.mark.parametrize('kind, targets, loss', [
    ('classes', torch.tensor([0, 1, 1, 2, 2, 2, -100, 0]), lambda out, t: F.cross_entropy(out, t)),
    ('classes', torch.tensor([[.5, .5, 0], [.2, .2, .6]]).double(), lambda out, t: F.cross_entropy(out, t)),
    ('binary', torch.tensor([[0, 1, 1], [1, 1, 0], [0, 0, 0.]]).double(), F.binary_cross_entropy_with_logits),
    ('binary', torch.tensor([[True, False, True], [True, True, False], [False, True, True]]),
     lambda out, t: F.binary_cross_entropy_with_logits(out, t.double())),
    ('regression', torch.tensor([[1., 2, 3], [-4, 5, 6.5]]).double(), F.mse_loss)])
def test_the_first_loss_is_that_of_the_best_constant(kind, targets, loss):
    model, x = nn.Linear(4, 3).double(), torch.randn(len(targets), 4, dtype=torch.float64, generator=seeded())
    best, value = least(lambda b: loss(b.expand(len(targets), 3), targets), 3)
    told = None if targets.dtype != torch.float64 or kind == 'regression' else kind
    output_bias(model, targets, told, zero=True)
    assert loss(model(x), targets).item() == pytest.approx(value, abs=1e-6)

def test_kinds_are_told_from_the_targets():
    one, three = lambda: nn.Linear(2, 1), lambda: nn.Linear(2, 3)
    def bias(model, t, **how): return output_bias(model, t, **how).bias.detach()
    assert bias(one(), torch.tensor([0, 1, 1, 1])).item() == pytest.approx(math.log(3))
    assert bias(one(), torch.tensor([[0.], [1], [1], [1]])).item() == pytest.approx(math.log(3))
    assert bias(one(), torch.tensor([True, False, True, True])).item() == pytest.approx(math.log(3))
    assert bias(one(), torch.tensor([30, 50, 70])).item() == 50
    assert bias(one(), torch.tensor([.5, 2.])).item() == 1.25
    assert bias(three(), torch.tensor([0, 2, 2])).exp().tolist() == pytest.approx([1/3.5, .5/3.5, 2/3.5])
    sure = math.log(3)
    assert bias(three(), torch.tensor([[0., 1, 1], [0, 1, 0]])).tolist() == pytest.approx([-sure, sure, 0])
    assert bias(three(), torch.tensor([[0., 2, 1], [0, 1, 0]])).tolist() == [0, 1.5, .5]
    assert bias(one(), torch.tensor([1, 1, 1])).item() == pytest.approx(math.log(5))
    for hot in (torch.eye(3), torch.tensor([[.2, .3, .5]])):
        with pytest.raises(ValueError, match="kind: expected 'classes', 'binary' or 'regression', got None"):
            output_bias(three(), hot)
    assert bias(three(), torch.eye(3), kind='classes').exp().tolist() == pytest.approx([1/3] * 3)
    assert bias(three(), torch.eye(3), kind='binary').tolist() == pytest.approx([-math.log(2)] * 3)

def test_which_layer_gets_the_bias():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2), nn.LogSoftmax(1))
    before = copy.deepcopy(model)
    assert output_bias(model, torch.tensor([0, 1, 1, 1])) is model
    assert torch.equal(model[0].bias, before[0].bias) and torch.equal(model[2].weight, before[2].weight)
    assert model[2].bias.exp().tolist() == pytest.approx([.25, .75])
    output_bias(model, torch.arange(4), layer='0')
    assert model[0].bias.exp().tolist() == pytest.approx([.25] * 4)
    maps = output_bias(nn.Conv2d(1, 2, 3), torch.tensor([[[0, 1], [1, 1]]]), zero=True)
    assert maps.bias.exp().tolist() == pytest.approx([.25, .75]) and (maps.weight == 0).all()
    labels = output_bias(nn.Conv2d(1, 2, 3), torch.tensor([[[[0, 1.], [1, 1]], [[0, 0], [0, 1]]]]))
    assert labels.bias.tolist() == pytest.approx([math.log(3), -math.log(3)])
    ours = output_bias(training.Sequential(training.Linear(3, 2)), torch.tensor([0, 1, 1, 1]))
    assert ours[0].bias.exp().tolist() == pytest.approx([.25, .75])

@pytest.mark.parametrize('wrong, error, said', [
    (lambda: output_bias(nn.ReLU(), torch.ones(3)), ValueError, 'expected a linear layer or a convolution, got none'),
    (lambda: output_bias(nn.Linear(3, 2, bias=False), torch.ones(3)), ValueError,
     'expected one with a bias, got Linear'),
    (lambda: output_bias(nn.Sequential(nn.Linear(3, 2)), torch.ones(3), layer='1'), ValueError,
     "expected '0', got '1'"),
    (lambda: output_bias(nn.Linear(3, 2), torch.tensor([0, 2])), ValueError, 'classes from 0 to 1, got 0 to 2'),
    (lambda: output_bias(nn.Linear(3, 2), torch.tensor([], dtype=torch.int64)), ValueError, 'at least one, got none'),
    (lambda: output_bias(nn.Linear(3, 2), torch.tensor([-100, -100])), ValueError, 'at least one, got none'),
    (lambda: output_bias(nn.Linear(3, 2), torch.ones(3, 4) * 2), ValueError, r'targets: expected 2 for each item'),
    (lambda: output_bias(nn.Linear(3, 1), torch.tensor([1., math.nan])), ValueError, 'finite numbers, got nan or inf'),
    (lambda: output_bias(nn.Linear(3, 1), torch.tensor([2., 3.]), 'binary'), ValueError, 'from 0 to 1, got others'),
    (lambda: output_bias(nn.Linear(3, 1), torch.tensor([0, 1]), 'classes'), ValueError, "1 output, got 'classes'"),
    (lambda: output_bias(nn.Linear(3, 2), torch.tensor([0, 1]), 'class'), ValueError, "did you mean 'classes'"),
    (lambda: output_bias(nn.Linear(3, 2), [0, 1]), TypeError, 'targets: expected a tensor of real numbers, got list'),
    (lambda: output_bias(nn.Linear(3, 2, device='meta'), torch.tensor([0, 1])), ValueError, 'got meta or traced ones'),
    (lambda: output_bias(add_weight_norm(nn.Linear(3, 2)), torch.tensor([0, 1]), zero=True), ValueError, 'zero: exp')])
def test_what_output_bias_says(wrong, error, said):
    with pytest.raises(error, match=said): wrong()

# the table

def test_table(everything):
    table = init_table(everything)
    assert table.index.is_unique
    assert {'normed.weight', 'old.weight_v', 'lstm.weight_hh_l0', 'up.weight'} <= {*table.index}
    assert not any('parametrizations' in name for name in table.index)
    w = everything.up.weight
    assert table.fan_in['up.weight'] == 32
    assert table.gain['up.weight'] == pytest.approx(w.std(correction=0).item() * 32**.5)
    assert math.isnan(table.gain['norm.weight']) and table['shape']['head.weight'] == (7, 8)
    fresh = init_table(nn.Linear(400, 300))
    assert fresh.gain['weight'] == pytest.approx(3**-.5, rel=.02)
    assert init_table(nn.ReLU()).empty
    assert math.isnan(init_table(nn.Linear(3, 2, device='meta')).gain['weight'])
    assert init_table(nn.Linear(3, 2, dtype=torch.complex64)).gain['weight'] > 0
