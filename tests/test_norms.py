"""Each norm against its namesake in torch.nn: value, gradients, running statistics, state_dict, types, layouts, ranks;
and what it says to bad input."""
import copy, math
import pytest, torch, transforms
from hypothesis import given, settings, strategies as st
from torch import nn
from nnbolts import norms
from nnbolts.norms import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RMSNorm, RunningAverage, draw_axes, normalize

pytestmark = pytest.mark.filterwarnings('ignore:Mismatch dtype between input and weight')
quick = settings(max_examples=150, deadline=None, derandomize=True)
TOLERANCE = {torch.float64: 1e-9, torch.float32: 2e-5, torch.bfloat16: 3e-2, torch.float16: 4e-3}
THEIR_BATCH = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}
THEIR_INSTANCE = {2: nn.InstanceNorm1d, 3: nn.InstanceNorm1d, 4: nn.InstanceNorm2d, 5: nn.InstanceNorm3d}
sizes, dtypes, flags = st.integers(1, 5), st.sampled_from([torch.float32, torch.float64]), st.booleans()
layouts = st.sampled_from(['plain', 'transposed', 'gaps', 'channels last', 'expanded'])
eps_values = st.sampled_from([1e-5, 1e-3, 0.5])

def tensor(shape, dtype, layout='plain', seed=0, scale=2., shift=1.):
    x = (torch.randn(shape, generator=torch.Generator().manual_seed(seed),
                     dtype=torch.float64) * scale + shift).to(dtype)
    if layout == 'transposed' and x.dim() > 1: x = x.transpose(0, -1).contiguous().transpose(0, -1)
    if layout == 'gaps': x = torch.stack([x, -x], -1)[..., 0]
    if layout == 'channels last' and x.dim() == 4: x = x.to(memory_format=torch.channels_last)
    if layout == 'expanded' and x.dim(): x = x[:1].expand(x.shape)
    return x

def wake(layer, seed=1):
    "Weight and bias that are not ones and zeros, and running statistics that are not new"
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in layer.parameters(): p.copy_(torch.randn(p.shape, generator=g) + .5)
        for name, b in layer.named_buffers():
            if name != 'num_batches_tracked': b.copy_(torch.rand(b.shape, generator=g) + .5)
    return layer

def near(a, b, tol, what):
    assert (a is None) == (b is None), what
    if a is None: return
    assert a.shape == b.shape and a.dtype == b.dtype, (what, a.shape, b.shape, a.dtype, b.dtype)
    a, b = a.detach().double(), b.detach().double()
    if not b.numel(): return
    fault = torch.where(a.isnan() == b.isnan(), (a - b).abs().masked_fill(b.isnan() | (a == b), 0),
                        math.inf).max().item()
    assert fault <= tol * (1 + b.nan_to_num(0, 0, 0).abs().max().item()), (what, fault)

def equal(ours, theirs, x, tol=None, seed=3):
    "One step of both: outputs, gradients and buffers agree"
    tol = tol or TOLERANCE[x.dtype]
    results = []
    for layer, x in ((ours, x), (theirs, x.contiguous())):  # torch's own batch norm mistakes some strides of sizes of 1
        z = x.detach().requires_grad_()
        y = layer(z)
        g = torch.randn(y.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(y.dtype)
        found = torch.autograd.grad(y, [z, *layer.parameters()], g)
        results.append([y, *found, *layer.buffers()])
    assert len(results[0]) == len(results[1])
    for i, (a, b) in enumerate(zip(*results)):
        near(a, b, tol * (1 if i == 0 else 20), f'result {i} of {ours} on {tuple(x.shape)}')

def pair(ours, theirs, dtype=torch.float32):
    "Both with the same state, loaded from ours into theirs and back"
    wake(ours)
    theirs.load_state_dict(ours.state_dict())
    ours.load_state_dict(theirs.state_dict())
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert {k: (v.shape, v.dtype) for k, v in ours.state_dict().items()} == {k: (v.shape, v.dtype)
                                                                             for k, v in theirs.state_dict().items()}
    return ours.to(dtype), theirs.to(dtype)

# equality with torch

@quick
@given(st.lists(sizes, min_size=1, max_size=4), sizes, eps_values, st.sampled_from([0.1, 0.9, 1., 0., None]), flags,
       flags, flags, dtypes, layouts)
def test_batch_norm(rest, c, eps, momentum, affine, track, train, dtype, layout):
    n, *positions = rest
    if n * math.prod(positions) == 1: n = 2
    if layout == 'expanded': dtype = torch.float64  # a constant channel: torch's rounding error, times 316, is not ours
    x = tensor((n, c, *positions), dtype, layout)
    ours, theirs = pair(BatchNorm(c, eps, momentum, affine, track),
                        THEIR_BATCH[x.dim()](c, eps, momentum, affine, track), dtype)
    for layer in (ours, theirs): layer.train(train)
    for step in range(3): equal(ours, theirs, x + step)
    for layer in (ours, theirs): layer.eval()
    equal(ours, theirs, x)

@quick
@given(st.lists(sizes, max_size=3), st.lists(sizes, min_size=1, max_size=3), eps_values, flags, flags, dtypes, layouts)
def test_layer_norm(batch, shape, eps, affine, bias, dtype, layout):
    x = tensor((*batch, *shape), dtype, layout)
    equal(*pair(LayerNorm(shape if len(shape) > 1 else shape[0], eps, affine, bias),
                nn.LayerNorm(shape, eps, affine, bias), dtype), x)

@quick
@given(st.lists(sizes, max_size=3), st.lists(sizes, min_size=1, max_size=3), st.sampled_from([None, 1e-5, .5]), flags,
       dtypes, layouts)
def test_rms_norm(batch, shape, eps, affine, dtype, layout):
    x = tensor((*batch, *shape), dtype, layout)
    equal(*pair(RMSNorm(tuple(shape), eps, affine), nn.RMSNorm(shape, eps, affine), dtype), x)

@quick
@given(sizes, sizes, sizes, st.lists(sizes, max_size=3), eps_values, flags, dtypes, layouts)
def test_group_norm(n, groups, each, positions, eps, affine, dtype, layout):
    if n == 1 and each * math.prod(positions) == 1: n = 2
    if each * math.prod(positions) == 1: dtype = torch.float64  # a pot of one number, as above
    x = tensor((n, groups * each, *positions), dtype, layout)
    equal(*pair(GroupNorm(groups, groups * each, eps, affine), nn.GroupNorm(groups, groups * each, eps, affine),
                dtype), x)

@quick
@given(st.integers(0, 5), sizes, st.lists(sizes, min_size=1, max_size=3), eps_values,
       st.sampled_from([0.1, 1., 0., None]), flags, flags, flags, dtypes, layouts)
def test_instance_norm(n, c, positions, eps, momentum, affine, track, train, dtype, layout):
    if math.prod(positions) == 1: positions[0] = 2
    shape = (c, math.prod(positions)) if n == 0 else (n, c, *positions)
    x = tensor(shape, dtype, layout)
    ours, theirs = pair(InstanceNorm(c, eps, momentum, affine, track),
                        THEIR_INSTANCE[x.dim()](c, eps, momentum, affine, track), dtype)
    for layer in (ours, theirs): layer.train(train)
    for step in range(2): equal(ours, theirs, x * (step + 1))
    for layer in (ours, theirs): layer.eval()
    equal(ours, theirs, x)

LAYERS = [
    lambda m: (BatchNorm(6), nn.BatchNorm1d(6)),
    lambda m: (BatchNorm(6, momentum=None), nn.BatchNorm1d(6, momentum=None)),
    lambda m: (LayerNorm((6, 5)), nn.LayerNorm((6, 5))),
    lambda m: (LayerNorm(5, bias=False), nn.LayerNorm(5, bias=False)),
    lambda m: (InstanceNorm(6, affine=True, track=True), nn.InstanceNorm1d(6, affine=True, track_running_stats=True)),
    lambda m: (InstanceNorm(6), nn.InstanceNorm1d(6)),
    lambda m: (GroupNorm(2, 6), nn.GroupNorm(2, 6)),
    lambda m: (RMSNorm(5), nn.RMSNorm(5)),
    lambda m: (BatchNorm(6, affine=False), nn.BatchNorm1d(6, affine=False))]
layers = pytest.mark.parametrize('make', LAYERS, ids=lambda m: str(m(0)[0]))

@layers
@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
@pytest.mark.parametrize('params', ['same', 'float32'])
@pytest.mark.parametrize('train', [True, False])
def test_half_precision(make, dtype, params, train):
    ours, theirs = pair(*make(0), dtype if params == 'same' else torch.float32)
    for layer in (ours, theirs): layer.train(train)
    x = tensor((4, 6, 5), dtype)
    for _ in range(2): equal(ours, theirs, x)

@layers
@pytest.mark.parametrize('train', [True, False])
def test_half_precision_is_computed_in_float32(make, train):
    ours = wake(make(0)[0]).train(train)
    x = tensor((4, 6, 5), torch.bfloat16)
    assert torch.equal(copy.deepcopy(ours)(x), copy.deepcopy(ours)(x.float()).bfloat16())

@layers
@pytest.mark.parametrize('part', [1, 40, 2**17])
def test_large_and_in_parts(make, part, monkeypatch):
    monkeypatch.setattr(norms, '_PART', part)
    for layout in ('plain', 'transposed', 'gaps'): equal(*pair(*make(0)), tensor((9, 6, 5), torch.float32, layout))

@layers
def test_values_far_from_zero_and_constant(make):
    for shift in (1e3, -1e4): equal(*pair(*make(0), torch.float64), tensor((4, 6, 5), torch.float64, shift=shift), 1e-6)
    equal(*pair(*make(0)), torch.full((4, 6, 5), 3.), 1e-4)
    assert copy.deepcopy(make(0)[0])(torch.full((4, 6, 5), 1e4)).isfinite().all()

@layers
def test_nan_and_infinity_go_where_torch_sends_them(make):
    for bad in (math.nan, math.inf):
        x = tensor((4, 6, 5), torch.float32)
        x[1, 2, 3] = bad
        ours, theirs = (layer(x) for layer in pair(*make(0)))
        near(ours, theirs, 1e-4, 'value')

@layers
def test_gradients_of_gradients(make):
    layer = wake(make(0)[0]).double()
    layer.eps = .1
    x = tensor((2, 6, 5), torch.float64).requires_grad_()
    params = dict(layer.named_parameters())
    f = lambda x, *ps: torch.func.functional_call(copy.deepcopy(layer), dict(zip(params, ps)), x)
    inputs = (x, *(p.detach().requires_grad_() for p in params.values()))
    assert torch.autograd.gradcheck(f, inputs, check_batched_grad=True)
    assert torch.autograd.gradgradcheck(f, inputs)

def test_gradients_of_gradients_equal_torch():
    x = tensor((5, 3, 4), torch.float64)
    ours, theirs = pair(BatchNorm(3), nn.BatchNorm1d(3), torch.float64)
    found = []
    for layer in (ours, theirs):
        z = x.clone().requires_grad_()
        g, = torch.autograd.grad(layer(z).pow(3).sum(), z, create_graph=True)
        found.append(torch.autograd.grad(g.square().sum(), [z, *layer.parameters()]))
    for a, b in zip(*found): near(a, b, 1e-8, 'second derivative')

@layers
def test_compile(make):
    plain, compiled = pair(*make(0))[0], pair(*make(0))[0]
    torch._dynamo.reset()
    run = torch.compile(compiled, backend='aot_eager', fullgraph=True)
    for mode in (True, False):
        plain.train(mode), compiled.train(mode)
        x = tensor((4, 6, 5), torch.float32)
        results = []
        for layer, call in ((plain, plain), (compiled, run)):
            z = x.clone().requires_grad_()
            y = call(z)
            y.pow(2).sum().backward()
            results.append([y, z.grad, *layer.buffers()])
        for a, b in zip(*results): near(a, b, 1e-4, 'compiled')

@layers
def test_functional_transforms(make):
    layer = make(0)[0].eval()
    if not getattr(layer, 'track', False):
        x = tensor((3, 2, 6, 5), torch.float64)
        layer = layer.double()
        each = torch.func.vmap(torch.func.grad(lambda x: layer(x).pow(3).sum()))(x)
        z = x.clone().requires_grad_()
        sum(layer(v).pow(3).sum() for v in z).backward()
        near(each, z.grad, 1e-9, 'vmap of grad')

@layers
def test_copy_move_and_save_after_training(make, tmp_path):
    ours = wake(make(0)[0])
    x = tensor((4, 6, 5), torch.float32)
    ours(x.clone().requires_grad_()).sum().backward()
    twin = copy.deepcopy(ours)
    assert torch.equal(twin.eval()(x), ours.eval()(x)) and all(b.grad_fn is None for b in ours.buffers())
    wide = copy.deepcopy(ours).to(torch.float64)
    near(wide(x.double()), ours(x).double(), 1e-5, 'float64')
    assert all(b.dtype == (torch.int64 if name == 'num_batches_tracked' else torch.float64)
               for name, b in wide.named_buffers())
    torch.save(ours.state_dict(), tmp_path/'s.pt')
    new = make(0)[0].eval()
    new.load_state_dict(torch.load(tmp_path/'s.pt', weights_only=True))
    assert torch.equal(new(x), ours(x))
    assert make(0)[0].to('meta')(x.to('meta')).shape == x.shape

@layers
def test_frozen_parameters_and_no_grad(make):
    ours, theirs = pair(*make(0))
    x = tensor((4, 6, 5), torch.float32)
    for layer in (ours, theirs): layer.requires_grad_(False)
    found = []
    for layer in (ours, theirs):
        z = x.clone().requires_grad_()
        layer(z).pow(2).sum().backward()
        found.append(z.grad)
    near(*found, 1e-4, 'gradient')
    with torch.no_grad(): assert not ours(x).requires_grad
    with torch.inference_mode(): near(ours(x), theirs(x), 1e-5, 'value')

@layers
def test_input_is_left_alone(make):
    layer, x = make(0)[0], tensor((4, 6, 5), torch.float32)
    before, z = x.clone(), x.clone().requires_grad_()
    g = torch.ones_like(x)
    layer(z).backward(g)
    layer(x)
    assert torch.equal(x, before) and torch.equal(z.detach(), before) and torch.equal(g, torch.ones_like(g))

def test_a_batch_norm_inside_a_network_learns_as_torchs_does():
    torch.manual_seed(0)
    x, y = torch.randn(40, 8), torch.randint(0, 3, (40,))
    first = nn.Sequential(nn.Linear(8, 16), BatchNorm(16), nn.ReLU(), nn.Linear(16, 3))
    second = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3))
    second.load_state_dict(first.state_dict())
    for model in (first, second):
        opt = torch.optim.SGD(model.parameters(), lr=.1, momentum=.9)
        for _ in range(20):
            opt.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            opt.step()
    near(first.eval()(x), second.eval()(x), 1e-3, 'after twenty steps')

# edges: one value, no values

@pytest.mark.parametrize('shape', [(0, 3), (0, 3, 4), (0, 3, 2, 2), (2, 3, 0), (0, 3, 0)])
@pytest.mark.parametrize('train', [True, False])
@pytest.mark.parametrize('momentum', [.1, None])
def test_empty_batch_norm(shape, train, momentum):
    ours, theirs = pair(BatchNorm(3, momentum=momentum), THEIR_BATCH[len(shape)](3, momentum=momentum))
    for layer in (ours, theirs): layer.train(train)
    equal(ours, theirs, torch.zeros(shape))
    assert ours.num_batches_tracked == int(train)

def test_empty_input():
    equal(*pair(LayerNorm(4), nn.LayerNorm(4)), torch.zeros(0, 4))
    equal(*pair(LayerNorm((3, 4)), nn.LayerNorm((3, 4))), torch.zeros(0, 3, 4))
    equal(*pair(RMSNorm(4), nn.RMSNorm(4)), torch.zeros(0, 4))
    equal(*pair(GroupNorm(2, 4), nn.GroupNorm(2, 4)), torch.zeros(0, 4, 3))
    x = torch.zeros(2, 4, 0, requires_grad=True)
    layer = GroupNorm(2, 4)
    layer(x).sum().backward()
    assert torch.equal(layer.weight.grad, torch.zeros(4))  # torch's own gives nan
    equal(*pair(InstanceNorm(4), nn.InstanceNorm1d(4)), torch.zeros(2, 4, 0))
    for track in (True, False):  # torch's own fails here, on a batch of none
        layer = InstanceNorm(4, affine=True, track=track)
        assert layer(torch.zeros(0, 4, 3)).shape == (0, 4, 3)
        assert not track or (torch.equal(layer.running_mean, torch.zeros(4))
                             and torch.equal(layer.running_var, torch.ones(4)))

@pytest.mark.parametrize('shape', [(1, 3), (1, 3, 1), (1, 3, 1, 1), (1, 3, 1, 1, 1)])
def test_batch_of_one(shape):
    ours, theirs = pair(BatchNorm(3), THEIR_BATCH[len(shape)](3))
    x = torch.ones(shape)
    for layer in (ours, theirs):
        with pytest.raises(ValueError, match='ore than (1|one) value per channel'): layer(x)
    assert ours.num_batches_tracked == 0  # torch's own has counted the batch that it refused
    theirs.num_batches_tracked.zero_()
    equal(ours.eval(), theirs.eval(), x)
    with pytest.raises(ValueError, match='more than one value per channel'): BatchNorm(3, track=False).eval()(x)
    equal(*pair(BatchNorm(3), nn.BatchNorm1d(3)), torch.randn(1, 3, 2))

def test_one_value_elsewhere():
    with pytest.raises(ValueError, match=r'more than one position, got shape \(2, 4, 1\)'):
        InstanceNorm(4)(torch.ones(2, 4, 1))
    assert InstanceNorm(4, track=True).eval()(torch.ones(2, 4, 1)).shape == (2, 4, 1)
    with pytest.raises(ValueError, match=r'more than one value per group, got shape \(1, 4\)'):
        GroupNorm(4, 4)(torch.ones(1, 4))
    equal(*pair(GroupNorm(4, 4), nn.GroupNorm(4, 4)), torch.randn(2, 4))
    equal(*pair(LayerNorm(1), nn.LayerNorm(1)), torch.randn(2, 1))

# normalize

@quick
@given(st.lists(sizes, min_size=1, max_size=4), st.data(), eps_values, flags, dtypes, layouts)
def test_normalize_is_its_formula(shape, data, eps, center, dtype, layout):
    dims = data.draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, unique=True))
    w_shape = [1 if data.draw(flags) else k
               for k in shape][data.draw(st.integers(0, len(shape))):] if data.draw(flags) else None
    x = tensor(shape, dtype, layout)
    weight, bias = (None, None) if w_shape is None else (tensor(w_shape, dtype, seed=s) for s in (5, 6))
    if data.draw(flags): bias = None
    def naive(x, *wb):
        mean = x.mean(dims, keepdim=True) if center else torch.zeros_like(x.mean(dims, keepdim=True))
        var = (x - mean).square().mean(dims, keepdim=True)
        y = (x - mean) / (var + eps).sqrt()
        for f, t in zip((torch.mul, torch.add), wb): y = f(y, t)
        return y, mean, var
    ours = lambda x, *wb: normalize(x, [k - len(shape) if data_sign else k for k in dims], eps, center, *wb, stats=True)
    data_sign = data.draw(flags)
    results = []
    for f in (ours, naive):
        args = [t.detach().clone().requires_grad_() for t in (x, weight, bias) if t is not None]
        y, mean, var = f(*args)
        results.append([y, var, *([mean] if center else []),
                        *torch.autograd.grad(y, args, tensor(y.shape, dtype, seed=7))])
    for a, b in zip(*results): near(a, b, TOLERANCE[dtype] * 20, 'normalize')

def test_normalize_says_what_is_wrong():
    x, one = torch.randn(2, 3), torch.ones(3)
    with pytest.raises(TypeError, match='x: expected a tensor of floating-point numbers, got list'):
        normalize([1., 2.], 0)
    with pytest.raises(TypeError,
                       match=r'x: expected a tensor of floating-point numbers, got torch.int64; use x.float\(\)'):
        normalize(torch.ones(2, dtype=torch.int64), 0)
    with pytest.raises(ValueError, match=r'dims: expected dimensions of x, which has shape \(2, 3\), got 2'):
        normalize(x, (0, 2))
    with pytest.raises(ValueError, match='dims: expected each dimension once'): normalize(x, (1, -1))
    with pytest.raises(ValueError, match='dims: expected one dimension or more'): normalize(x, ())
    for eps in (0, -1e-5, math.nan, math.inf):
        with pytest.raises(ValueError, match='eps: expected a number above 0( and finite)?, got'): normalize(x, 0, eps)
    for eps in ('a', True, None):
        with pytest.raises(TypeError, match='eps: expected a number above 0( and finite)?, got'): normalize(x, 0, eps)
    with pytest.raises(ValueError,
                       match=r'weight: expected a shape that broadcasts to \(2, 3\), the shape of x, got \(2,\)'):
        normalize(x, 0, weight=torch.ones(2))
    with pytest.raises(ValueError, match='bias: expected the shape of weight'):
        normalize(x, 0, weight=one, bias=torch.ones(1))
    with pytest.raises(ValueError, match='weight: expected a tensor, because there is a bias'):
        normalize(x, 0, bias=one)
    with pytest.raises(TypeError, match='weight: expected a tensor, got 2.0'): normalize(x, 0, weight=2.)

# messages of the layers

@pytest.mark.parametrize('make',
                         [lambda **k: BatchNorm(3, **k), lambda **k: LayerNorm(3, **k),
                          lambda **k: InstanceNorm(3, **k), lambda **k: GroupNorm(1, 3, **k),
                          lambda **k: RMSNorm(3, **k)])
def test_bad_eps_and_bad_types(make):
    for eps in (0, 0., -1e-5, math.nan, math.inf):
        with pytest.raises(ValueError, match='eps: expected a number above 0( and finite)?, got'): make(eps=eps)
    for eps in ('a', True):
        with pytest.raises(TypeError, match='eps: expected a number above 0( and finite)?, got'): make(eps=eps)
    whole = torch.ones(2, 3, 3, dtype=torch.int64)
    for x, got in ((whole, 'torch.int64'), ([[1., 2., 3.]], 'list')):
        with pytest.raises(TypeError, match=f'x: expected a tensor of floating-point numbers, got {got}'): make()(x)

@pytest.mark.parametrize('make', [BatchNorm, InstanceNorm])
def test_bad_numbers(make):
    for n in (0, -1):
        with pytest.raises(ValueError, match='n: expected a whole number of at least 1, got'): make(n)
    for n in (2.5, '3', True, None):
        with pytest.raises(TypeError, match='n: expected a whole number of at least 1, got'): make(n)
    for momentum in (-.1, 1.1, math.nan):
        with pytest.raises(ValueError, match='momentum: expected a number from 0 to 1, got'): make(3, momentum=momentum)
    for momentum in ('a', True):
        with pytest.raises(TypeError, match='momentum: expected a number from 0 to 1, got'): make(3, momentum=momentum)

def test_wrong_shapes():
    for shape in [(3,), (), (2, 3, 2, 2, 2, 2)]:
        with pytest.raises(ValueError, match=r'x: expected 2 to 5 dimensions'): BatchNorm(3)(torch.zeros(shape))
    with pytest.raises(ValueError, match=r'x: expected 3 channels in dimension 1, got 4 in shape \(2, 4, 5\)'):
        BatchNorm(3)(torch.zeros(2, 4, 5))
    alone = r'x: expected 3 channels in dimension 1, got 4 in shape \(3, 4, 5\); one case alone is x\[None\]'
    with pytest.raises(ValueError, match=alone):
        InstanceNorm(3)(torch.zeros(3, 4, 5))
    with pytest.raises(ValueError, match=r'x: expected 2 dimensions or more'): GroupNorm(1, 3)(torch.zeros(3))
    with pytest.raises(ValueError, match=r'x: expected 3 channels in dimension 1, got 6'):
        GroupNorm(3, 3)(torch.zeros(2, 6))
    with pytest.raises(ValueError, match=r'x: expected 3 to 5 dimensions'): InstanceNorm(3)(torch.zeros(3))
    with pytest.raises(ValueError, match=r'x: expected 3 channels in dimension 1, got 4'):
        InstanceNorm(3)(torch.zeros(4, 5))
    for layer in (LayerNorm((3, 4)), RMSNorm((3, 4))):
        for shape in [(3, 5), (2, 4, 3), (4,), ()]:
            with pytest.raises(ValueError, match=r'x: expected a shape that ends in 3, 4, as shape says, got'):
                layer(torch.zeros(shape))
    for shape in ((), (2.,), 'ab', (-1,)):
        with pytest.raises(ValueError, match='shape: expected the sizes of one or more dimensions'): LayerNorm(shape)
    with pytest.raises(ValueError, match='groups: expected a divisor of n = 6, got 4, which leaves 2 over'):
        GroupNorm(4, 6)
    with pytest.raises(ValueError, match='groups: expected a whole number of at least 1, got 0'): GroupNorm(0, 6)

@layers
def test_mixed_types(make):
    layer = make(0)[0]
    if list(layer.parameters()) and not isinstance(layer, RMSNorm):
        with pytest.raises(TypeError, match='x: expected torch.float32, the type of weight, got torch.float64'):
            layer(torch.zeros(2, 6, 5, dtype=torch.float64))
        with pytest.raises(TypeError, match='x: expected torch.bfloat16, the type of weight, got torch.float32'):
            layer.to(torch.bfloat16)(torch.zeros(2, 6, 5))

def test_rms_norm_takes_mixed_types_as_torchs_does():
    for x in (torch.float64, torch.bfloat16, torch.float32):
        for p in (torch.float64, torch.bfloat16, torch.float32):
            z = tensor((3, 5), x)
            near(RMSNorm(5).to(p)(z), nn.RMSNorm(5).to(p)(z), 2e-2 if torch.bfloat16 in (x, p) else 1e-5, (x, p))

def test_state_dict_of_another_size():
    mismatch = (r'size mismatch for weight: copying a param with shape torch.Size\(\[5\]\) from checkpoint, '
                r'the shape in current model is torch.Size\(\[4\]\)')
    for ours, other in [(BatchNorm(4), nn.BatchNorm1d(5)), (LayerNorm(4), nn.LayerNorm(5)),
                        (GroupNorm(1, 4), nn.GroupNorm(1, 5))]:
        with pytest.raises(RuntimeError, match=mismatch):
            ours.load_state_dict(other.state_dict())

# running statistics

def test_running_statistics_by_hand():
    layer, x = BatchNorm(2, momentum=.25), tensor((5, 2, 3), torch.float64)
    layer.double()(x)
    flat = x.transpose(0, 1).reshape(2, -1)
    near(layer.running_mean, .25 * flat.mean(1), 1e-12, 'mean')
    near(layer.running_var, .75 + .25 * flat.var(1, correction=1), 1e-12, 'var')

def test_momentum_none_is_the_average_of_all_batches():
    layer = BatchNorm(2, momentum=None).double()
    batches = [tensor((5, 2), torch.float64, seed=s) for s in range(4)]
    for b in batches: layer(b)
    near(layer.running_mean, torch.stack([b.mean(0) for b in batches]).mean(0), 1e-12, 'mean')
    near(layer.running_var, torch.stack([b.var(0) for b in batches]).mean(0), 1e-12, 'var')

def test_the_past_is_let_go():
    "No graph grows behind the running statistics, and mean and var of normalize can be differentiated all the same"
    layer = BatchNorm(2)
    for _ in range(5): y = layer(torch.randn(4, 2, requires_grad=True))
    assert not layer.running_mean.requires_grad and not layer.running_var.requires_grad
    x = tensor((4, 2), torch.float64).requires_grad_()
    _, mean, var = normalize(x, 0, stats=True)
    g, = torch.autograd.grad(mean.sum() + var.sum(), x)
    near(g, 1/4 + 2 * (x - x.mean(0)) / 4, 1e-12, 'gradient')

def test_running_average():
    avg = RunningAverage()
    for x, wanted in zip([10, 10, 5, 15, 1], [10, 10, 8.3333, 10, 8.2]): assert abs(avg(x).item() - wanted) < 5e-5
    assert list(avg.state_dict()) == ['total', 'count'] and not list(avg.parameters())
    twin = RunningAverage()
    twin.load_state_dict(avg.state_dict())
    assert twin(8.2) == avg(8.2) and twin.count == 6
    passing = RunningAverage(persistent=False)
    assert passing.state_dict() == {} and len(list(passing.buffers())) == 2
    assert avg.double().total.dtype == torch.float64 and avg.count.dtype == torch.int64
    x = torch.tensor([2., 4.], requires_grad=True)
    assert RunningAverage()(x) == 3 and not RunningAverage()(x).requires_grad
    before = avg(torch.ones(2))
    assert torch.equal(avg(torch.zeros(0)), before)

def test_a_weight_of_its_own_for_each_case_when_the_cases_are_split(monkeypatch):
    monkeypatch.setattr(norms, '_PART', 8)
    x, w, g = (tensor((4, 6), torch.float64, seed=seed).requires_grad_() for seed in range(3))
    for a, b in zip(torch.autograd.grad(normalize(x, 1, weight=w), (x, w), g),
                    torch.autograd.grad(normalize(x, 1) * w, (x, w), g)): near(a, b, 1e-9, 'gradient')

def test_which_cells_share_a_mean():
    "The pots of the picture are those of the layers: change one cell, and what moves is its pot."
    makers = dict(batch=BatchNorm(4), layer=LayerNorm((4, 2)), instance=InstanceNorm(4), group=GroupNorm(2, 4),
                  rms=RMSNorm((4, 2)))
    x = tensor((3, 4, 2), torch.float64)
    for kind, layer in makers.items():
        pots = norms._pots(kind)
        for n, c in ((0, 0), (1, 1), (2, 2), (1, 3)):
            other = x.clone()
            other[n, c, 0] += 3
            moved = (layer.double()(other) != layer(x)).any(2)
            assert torch.equal(moved, pots == pots[n, c]), kind

def test_draw_axes():
    import matplotlib
    matplotlib.use('agg')
    import matplotlib.pyplot as plt
    for kind in ('batch', 'layer', 'instance', 'group', 'rms'):
        fig = draw_axes(kind)
        fig.savefig('/dev/null', format='svg')
        plt.close(fig)
    allowed = r"kind: expected 'batch', 'layer', 'instance', 'group' or 'rms', got 'bath'; did you mean 'batch'\?"
    with pytest.raises(ValueError, match=allowed):
        draw_axes('bath')

# where torch's works, ours works

TRACED = {
    'batch': (BatchNorm(6), nn.BatchNorm1d(6)),
    'batch, average': (BatchNorm(6, momentum=None), nn.BatchNorm1d(6, momentum=None)),
    'batch, plain': (BatchNorm(6, affine=False), nn.BatchNorm1d(6, affine=False)),
    'batch, untracked': (BatchNorm(6, track=False), nn.BatchNorm1d(6, track_running_stats=False)),
    'layer': (LayerNorm(5), nn.LayerNorm(5)),
    'layer, two': (LayerNorm((6, 5), bias=False), nn.LayerNorm((6, 5), bias=False)),
    'layer, plain': (LayerNorm(5, affine=False), nn.LayerNorm(5, elementwise_affine=False)),
    'instance': (InstanceNorm(6), nn.InstanceNorm1d(6)),
    'group': (GroupNorm(2, 6), nn.GroupNorm(2, 6)),
    'instance, tracked': (InstanceNorm(6, affine=True, track=True),
                          nn.InstanceNorm1d(6, affine=True, track_running_stats=True)),
    'rms': (RMSNorm(5), nn.RMSNorm(5))}
# torch.func.grad refuses what changes a captured buffer: batch norm of both in training, and our instance norm,
# whose running statistics torch's slips past it
SLIPS = {transforms.functional_gradient, transforms.forward_mode, transforms.jacobian_forward,
         transforms.jacobian_reverse, transforms.second_derivatives, transforms.second_derivatives_of_parameters}

TRAINED = [*((name, True) for name in ('batch', 'layer', 'layer, two', 'instance, tracked', 'group', 'rms')),
           ('batch', False), ('batch, untracked', False)]

@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('name, train', TRAINED)
@pytest.mark.parametrize('f', transforms.ALL, ids=lambda f: f.__name__)
def test_goes_through_what_torch_goes_through(f, name, train):
    ours, theirs = pair(*copy.deepcopy(TRACED[name]), torch.float64)
    x = tensor((4, 6, 5), torch.float64)
    if name == 'instance, tracked' and train and f in SLIPS:
        with pytest.raises(RuntimeError, match='mutate a captured Tensor'): f(ours, x)
    else: transforms.agree(f, ours.train(train), theirs.train(train), x)

@pytest.mark.parametrize('f',
                         [normalize, lambda x, d: normalize(x, d, stats=True),
                          lambda x, d: normalize(x, d, weight=torch.ones(5)),
                          lambda x, d: normalize(x, d, center=False)])
def test_normalize_compiles_with_sizes_that_change(f):
    torch._dynamo.reset()
    run = torch.compile(f, backend='aot_eager', fullgraph=True, dynamic=True)
    for n in (3, 4, 7):
        torch.testing.assert_close(run(tensor((n, 5), torch.float32), 1), f(tensor((n, 5), torch.float32), 1))

@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('name', TRACED)
@pytest.mark.parametrize('x', [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize('params', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('train', [True, False])
def test_autocast(name, x, params, train):
    ours, theirs = (layer.train(train) for layer in pair(*copy.deepcopy(TRACED[name]), params))
    z = tensor((4, 6, 5), x)
    right = transforms.autocast_types(theirs, z, torch.bfloat16)
    if right != 'refused': assert transforms.autocast_types(ours, z, torch.bfloat16) == right
    if name.startswith(('layer', 'group', 'rms')):
        assert transforms.gpu_autocast_type(ours, z) == transforms.gpu_autocast_type(theirs, z) == torch.float32
    elif params == torch.float32 or x == params:
        assert transforms.gpu_autocast_type(ours, z) == x  # torch's autocast has no rule for these:
    for op in ('batch_norm', 'instance_norm'):
        assert not torch._C._dispatch_has_kernel_for_dispatch_key(f'aten::{op}', 'AutocastCUDA')

# torch's own samples

def modules():
    "Each sample of ModuleInfo for the norms: ours, theirs, input, training."
    pytest.importorskip('expecttest')
    from torch.testing._internal.common_modules import module_db
    names = dict(track_running_stats='track', elementwise_affine='affine')
    kinds = {cls.__name__: cls for cls in (BatchNorm, InstanceNorm, LayerNorm, GroupNorm, RMSNorm)}
    for info in module_db:
        ours = kinds.get(info.module_cls.__name__.rstrip('123d'))
        if ours is None: continue
        for train in (True, False):
            for sample in info.module_inputs_func(info, device='cpu', dtype=torch.float64, requires_grad=False,
                                                  training=train):
                args, kwargs = sample.constructor_input.args, sample.constructor_input.kwargs
                theirs = info.module_cls(*args, **kwargs)
                made = ours(*args, **{names.get(k, k): v for k, v in kwargs.items()})
                yield made, theirs, sample.forward_input.args[0], train

def test_the_samples_of_module_info():
    n = 0
    for ours, theirs, x, train in modules():
        alone = {nn.InstanceNorm2d: 3, nn.InstanceNorm3d: 4}.get(type(theirs)) == x.dim() and x.shape[0] == ours.n
        ours, theirs = pair(ours, theirs, torch.float64)
        if alone:  # one case alone: ours has no rank of its own and wants x[None]
            near(ours.train(train)(x[None])[0], theirs.train(train)(x), 1e-9, 'one case')
            with pytest.raises(ValueError, match=r'expected 3 channels in dimension 1'): ours(x)
        else: equal(ours.train(train), theirs.train(train), x)
        n += 1
    assert n > 80

def op_samples(name):
    pytest.importorskip('expecttest')
    from torch.testing._internal.common_methods_invocations import op_db
    info = next(o for o in op_db if o.name == f'nn.functional.{name}' and not o.variant_test_name)
    return [(info.op, s.input, s.args, s.kwargs) for s in info.sample_inputs('cpu', torch.float64, requires_grad=True)]

def as_ours(name, x, args, kwargs):
    "The layer of ours that does what a call of torch's function does, and its tensors."
    eps = kwargs.get('eps', 1e-5)
    if name in ('layer_norm', 'rms_norm'):
        (shape, weight, bias), cls = (*args, None, None)[:3], LayerNorm if name == 'layer_norm' else RMSNorm
        layer = cls(shape, eps=eps if 'eps' in kwargs or name == 'layer_norm' else None, affine=weight is not None,
                    **(dict(bias=bias is not None) if cls is LayerNorm else {}))
        tensors = dict(weight=weight, bias=bias)
    elif name == 'group_norm':
        tensors = {k: kwargs.get(k) for k in ('weight', 'bias')}
        layer = GroupNorm(args[0], x.shape[1], eps, tensors['weight'] is not None, tensors['bias'] is not None)
    else:
        mean, var, weight, bias = (*args, *[None]*4)[:4]
        tensors = dict(running_mean=kwargs.get('running_mean', mean), running_var=kwargs.get('running_var', var),
                       weight=kwargs.get('weight', weight), bias=kwargs.get('bias', bias))
        track = tensors['running_mean'] is not None
        layer = (BatchNorm if name == 'batch_norm' else InstanceNorm)(x.shape[1], eps, kwargs.get('momentum', .1),
                                                                      tensors['weight'] is not None, track,
                                                                      tensors['bias'] is not None)
        layer.train(kwargs.get('training', False) if name == 'batch_norm' else kwargs.get('use_input_stats', True))
    return layer, {k: v for k, v in tensors.items() if v is not None}

@pytest.mark.parametrize('name, most',
                         [('batch_norm', 7), ('layer_norm', 4), ('group_norm', 15), ('instance_norm', 6),
                          ('rms_norm', 4)])
def test_the_samples_of_op_info(name, most):
    """Value and gradient of every sample that has a meaning: torch takes a negative eps, a momentum of -1.2 and a bias
    without weight, ours says no."""
    n = 0
    for op, x, args, kwargs in op_samples(name):
        right = op(x, *(a.clone() if isinstance(a, torch.Tensor) else a for a in args),
                   **{k: v.clone() if isinstance(v, torch.Tensor) and k.startswith('running') else v
                      for k, v in kwargs.items()})
        if x.dim() < 2 and name == 'batch_norm': continue
        try: layer, tensors = as_ours(name, x, args, kwargs)
        except ValueError as e:
            assert str(e).startswith(('eps: ', 'momentum: '))
            continue
        if 'bias' in tensors and 'weight' not in tensors: continue
        if right.isnan().any(): continue
        got = torch.func.functional_call(layer.double(), tensors, (x,))
        near(got, right, 1e-8, (name, kwargs))
        leaves = [t for t in (x, *tensors.values()) if t.requires_grad]
        up = tensor(right.shape, torch.float64, seed=4)
        for a, b in zip(*(torch.autograd.grad(t, leaves, up, allow_unused=True) for t in (got, right))):
            near(a, b, 1e-7, (name, kwargs))
        n += 1
    assert n >= most
