"""Blocks and networks against the same written out with torch.nn.functional, in odd shapes, types and transforms; the
augmentation against what can be said of it exactly; and what the page quotes of the benchmark."""
import copy, json, math, pickle, re, sys
from functools import partial
import pytest, torch, torch.nn.functional as F
from conftest import ROOT
from torch import nn
from nnbolts.learner import DataLoaders, Learner, Progress
from nnbolts.resnet import Augment, ConvBlock, Pad, ResBlock, ResNet, random_affine

KINDS = 'conv', 'pool', 'pad'

def wake(model, seed=0):
    "Weights, biases and statistics that are not those of the start"
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for t in [*model.parameters(), *model.buffers()]:
            if t.is_floating_point(): t.copy_(torch.rand(t.shape, generator=g) + .1 - .5*(t.dim() > 1))
    return model

def images(*shape, seed=1, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)

def conv_norm(x, conv, norm):
    x = F.conv2d(x, conv.weight, conv.bias, conv.stride, conv.padding)
    return F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, norm.training)

def by_hand(block, x, stride, kind):
    "A residual block as one would write it without classes"
    (c1, n1, _), (c2, n2) = block.body
    body = conv_norm(conv_norm(x, c1, n1).relu(), c2, n2)
    if isinstance(block.shortcut, nn.Identity): return (body + x).relu()
    if kind == 'pad':
        small = x[:, :, ::stride, ::stride]
        zeros = x.new_zeros(len(x), body.shape[1] - x.shape[1], *small.shape[2:])
        return (body + torch.cat([small, zeros], 1)).relu()
    if kind == 'pool' and stride > 1:
        x = F.avg_pool2d(x, stride, ceil_mode=True)
        return (body + conv_norm(x, *block.shortcut[1])).relu()
    return (body + conv_norm(x, *block.shortcut)).relu()

@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('n_out, stride', [(4, 1), (4, 2), (7, 1), (7, 2), (8, 3)])
@pytest.mark.parametrize('size', [(6, 6), (7, 5), (1, 1), (2, 9)])
def test_a_block_is_what_one_writes_by_hand(kind, n_out, stride, size):
    block = wake(ResBlock(4, n_out, stride, kind)).double()
    for mode in (True, False):
        block.train(mode)
        x = images(3, 4, *size).requires_grad_()
        y = copy.deepcopy(block)(x)
        expected = by_hand(copy.deepcopy(block), x, stride, kind)
        assert y.shape == (3, n_out, *(math.ceil(n/stride) for n in size))
        torch.testing.assert_close(y, expected)
        g = images(*y.shape, seed=2)
        torch.testing.assert_close(*(torch.autograd.grad(t, x, g)[0] for t in (y, expected)))

@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('n_out, stride', [(4, 1), (6, 2), (6, 1)])
def test_a_block_starts_as_its_shortcut_to_the_bit_and_still_learns(kind, n_out, stride):
    block, x = ResBlock(4, n_out, stride, kind).double(), images(5, 4, 6, 6)
    assert torch.equal(block(x), block.shortcut(x).relu())
    block(x).square().sum().backward()
    assert block.body[1][1].weight.grad.abs().max() > 0
    assert block.body[0][0].weight.grad.abs().max() == 0
    free = ResBlock(4, n_out, stride, kind, zero=False)
    assert (free.body[1][1].weight == 1).all()

def test_without_a_norm_the_last_convolution_starts_at_zero():
    block, x = ResBlock(4, 4, norm=None), images(2, 4, 5, 5, dtype=torch.float32)
    assert torch.equal(block(x), x.relu())
    assert block.body[0][0].bias is not None and len(block.body[0]) == 2
    block(x).square().sum().backward()
    assert block.body[1][0].weight.grad.abs().max() > 0

def test_nothing_stands_on_the_shortcut_where_shapes_agree():
    for kind in KINDS: assert isinstance(ResBlock(4, 4, shortcut=kind).shortcut, nn.Identity)
    assert isinstance(ResBlock(4, 4, 2).shortcut, ConvBlock)
    assert not list(ResBlock(4, 8, 2, 'pad').shortcut.parameters())

@pytest.mark.parametrize('kernel, stride', [(1, 1), (3, 2), (5, 2), (7, 1), (7, 4)])
def test_a_layer_keeps_or_divides_the_picture(kernel, stride):
    block = ConvBlock(2, 3, kernel, stride)
    for size in (1, 2, 9, 12): assert block(torch.rand(4, 2, size, size + 1)).shape[2:] == (
        math.ceil(size/stride), math.ceil((size + 1)/stride))
    assert [type(m) for m in ConvBlock(2, 3, act=None, norm=None)] == [nn.Conv2d]
    assert block[0].bias is None and ConvBlock(2, 3, norm=None)[0].bias is not None
    assert isinstance(ConvBlock(2, 3, act=nn.GELU)[2], nn.GELU)

@pytest.mark.parametrize('size', [(28, 28), (1, 1), (33, 20), (3, 64)])
@pytest.mark.parametrize('kind', KINDS)
def test_a_network_takes_pictures_of_any_size(size, kind):
    net = ResNet((4, 6, 9), 5, n_in=3, blocks=(1, 2, 1), shortcut=kind)
    assert net(torch.rand(2, 3, *size)).shape == (2, 5)
    assert net.eval()(torch.rand(1, 3, *size)).shape == (1, 5)

def test_stages_halve_the_picture_but_the_first():
    net = ResNet((4, 6, 9), 5, blocks=2)
    x, seen = torch.rand(2, 1, 28, 28), []
    x = net.stem(x)
    for block in net.blocks:
        x = block(x)
        seen.append(tuple(x.shape[1:]))
    assert seen == [(4, 28, 28)]*2 + [(6, 14, 14)]*2 + [(9, 7, 7)]*2

def test_resnet_18_and_34_have_the_published_number_of_parameters():
    for blocks, published in ((2, 11_689_512), ((3, 4, 6, 3), 21_797_672)):
        with torch.device('meta'): net = ResNet((64, 128, 256, 512), 1000, n_in=3, blocks=blocks, stem=(7, 2))
        assert sum(p.numel() for p in net.parameters()) == published

@pytest.mark.parametrize('dtype', [torch.float64, torch.bfloat16])
def test_other_types(dtype):
    net = ResNet((4, 8), 3).to(dtype)
    y = net(images(4, 1, 9, 9, dtype=dtype))
    assert y.dtype == dtype and y.isfinite().all()
    y.float().square().sum().backward()
    assert all(p.grad is not None and p.grad.dtype == dtype for p in net.parameters())

def test_autocast_and_channels_last():
    net, x = wake(ResNet((4, 8), 3)).eval(), images(4, 1, 9, 9, dtype=torch.float32)
    plain = net(x)
    with torch.autocast('cpu', torch.bfloat16): torch.testing.assert_close(net(x).float(), plain, atol=.2, rtol=.1)
    last = copy.deepcopy(net).to(memory_format=torch.channels_last)
    torch.testing.assert_close(last(x.to(memory_format=torch.channels_last)), plain, atol=1e-4, rtol=1e-4)

def test_transforms():
    net = wake(ResNet((4, 8), 3, shortcut='pool')).double().eval()
    x, params = images(4, 1, 9, 9), dict(net.named_parameters())
    call = lambda p, x: torch.func.functional_call(net, p, (x[None],))[0].square().sum()
    each = torch.func.vmap(torch.func.grad(call), (None, 0))(params, x)
    net(x).square().sum().backward()
    for name, p in params.items(): torch.testing.assert_close(each[name].sum(0), p.grad)
    slopes = torch.func.jacfwd(lambda x: net(x))(x[:1])
    torch.testing.assert_close(slopes, torch.func.jacrev(lambda x: net(x))(x[:1]))

def test_compiled_whole_and_exported():
    net, x = wake(ResNet((4, 8), 3, shortcut='pad')).eval(), torch.rand(4, 1, 9, 9)
    compiled = torch.compile(net, backend='eager', fullgraph=True)
    torch.testing.assert_close(compiled(x), net(x))
    torch.testing.assert_close(torch.export.export(net, (x,)).module()(x), net(x))
    moved = torch.compile(partial(random_affine, shift=1), backend='eager', fullgraph=True)
    assert moved(x).shape == x.shape

def test_copies_and_state():
    net = wake(ResNet((4, 8), 3))
    other = ResNet((4, 8), 3)
    other.load_state_dict(net.state_dict())
    x = torch.rand(4, 1, 9, 9)
    for twin in (other, copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert torch.equal(twin.eval()(x), net.eval()(x))

def test_tiny_batches_with_another_norm():
    net, x = ResNet((4, 8), 3, norm=partial(nn.GroupNorm, 2)), torch.rand(5, 1, 9, 9)
    torch.testing.assert_close(torch.cat([net(p) for p in x.split(1)]), net(x), atol=1e-5, rtol=1e-5)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in net.modules())

@pytest.mark.parametrize('make, error, text', [
    (lambda: ConvBlock(0, 4), ValueError, 'n_in: expected a whole number of at least 1, got 0'),
    (lambda: ConvBlock(1, 4.), TypeError, 'n_out: expected a whole number of at least 1, got 4.0'),
    (lambda: ConvBlock(1, 4, 2), ValueError, 'kernel: expected an odd number, got 2'),
    (lambda: ConvBlock(1, 4, 3, 0), ValueError, 'stride: expected a whole number of at least 1, got 0'),
    (lambda: ResBlock(4, 8, 2, 'cnv'), ValueError, "shortcut: expected 'conv', 'pool' or 'pad', got 'cnv'; did you mean"),
    (lambda: ResBlock(8, 4, 2, 'pad'), ValueError, 'n_out: expected a whole number of at least 8, got 4'),
    (lambda: Pad(4, 8, 0), ValueError, 'stride: expected a whole number of at least 1, got 0'),
    (lambda: ResNet((), 10), ValueError, 'widths: expected the channels of one stage or more, got none'),
    (lambda: ResNet((8, 0), 10), ValueError, 'widths: expected a whole number of at least 1, got 0'),
    (lambda: ResNet(8, 10), TypeError, 'widths: expected the channels of each stage, got 8'),
    (lambda: ResNet((8,), 0), ValueError, 'n_out: expected a whole number of at least 1, got 0'),
    (lambda: ResNet((8, 8), 3, blocks=(1,)), ValueError, 'blocks: expected one number for each of the 2 stages, got 1'),
    (lambda: ResNet((8, 8), 3, blocks=0), ValueError, 'blocks: expected a whole number of at least 1, got 0'),
    (lambda: random_affine([1.]), TypeError, 'x: expected a tensor of floating-point numbers, got list'),
    (lambda: random_affine(torch.rand(2, 28, 28)), ValueError, 'x: expected a tensor with 4 axes, got shape (2, 28, 28)'),
    (lambda: random_affine(torch.zeros(1, 1, 2, 2, dtype=torch.uint8)), TypeError, 'x: expected a tensor of floating'),
    (lambda: random_affine(torch.rand(1, 1, 2, 2), turn=-1), ValueError, 'turn: expected a number of at least 0'),
    (lambda: random_affine(torch.rand(1, 1, 2, 2), zoom=math.nan), ValueError, 'zoom: expected a number of at least 0'),
    (lambda: Augment(3), TypeError, 'change: expected a function of a batch of pictures, got 3')])
def test_errors_say_what_was_expected(make, error, text):
    with pytest.raises(error, match=re.escape(text)): make()

# --- augmentation

def where(x):
    "The center of the ink, (down, right), from the middle of the picture"
    down, right = (torch.arange(n, dtype=x.dtype) - (n - 1)/2 for n in x.shape[2:])
    ink = x.sum((1, 2, 3))
    return torch.stack([x.sum((1, 3)) @ down, x.sum((1, 2)) @ right], 1)/ink[:, None]

def dots(n, high, wide, row, column):
    x = torch.zeros(n, 1, high, wide, dtype=torch.float64)
    x[:, :, row, column] = 1
    return x

@pytest.mark.parametrize('shape', [(3, 2, 6, 9), (1, 1, 1, 1), (0, 1, 5, 5), (2, 3, 1, 8)])
def test_nothing_asked_for_is_nothing_changed(shape):
    x = images(*shape)
    torch.testing.assert_close(random_affine(x), x)

def test_a_shift_is_in_pixels_and_in_both_directions():
    moved = where(random_affine(dots(500, 15, 21, 7, 10), shift=3, generator=torch.Generator().manual_seed(0)))
    assert 2.8 < moved.abs().max() <= 3 + 1e-9
    assert (moved.amax(0) > 2.8).all() and (moved.amin(0) < -2.8).all()
    assert torch.corrcoef(moved.T)[0, 1].abs() < .15

def test_a_turn_keeps_the_distance_from_the_middle_in_pictures_that_are_not_square():
    g = torch.Generator().manual_seed(0)
    for high, wide in ((21, 21), (21, 31), (31, 21)):
        at = where(random_affine(dots(300, high, wide, high//2, wide//2 + 6), turn=45, generator=g))
        torch.testing.assert_close(at.norm(dim=1), torch.full((300,), 6., dtype=at.dtype), atol=.35, rtol=0)
        angle = torch.atan2(at[:, 0], at[:, 1])*180/math.pi
        assert 43 < angle.max() < 46.5 and -46.5 < angle.min() < -43

def test_zoom_and_shear():
    g = torch.Generator().manual_seed(0)
    far = where(random_affine(dots(300, 31, 31, 15, 23), zoom=.5, generator=g))[:, 1]
    assert far.max() < 8*1.5 + .3 and far.min() > 8/1.5 - .3 and far.max() > 11.5 and far.min() < 5.6
    slanted = where(random_affine(dots(300, 31, 31, 5, 15), shear=.3, generator=g))
    torch.testing.assert_close(slanted[:, 0], torch.full((300,), -10., dtype=torch.float64), atol=.1, rtol=0)
    assert 2.7 < slanted[:, 1].abs().max() < 3.2

def test_turn_and_shear_together_keep_the_area():
    "Both keep areas, so that the sum of a smooth spot stays, however they are combined."
    at = torch.arange(41.).double() - 20
    spot = torch.exp(-(at[:, None]**2 + at**2)/18).expand(100, 1, 41, 41)
    out = random_affine(spot, turn=60, shear=.8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(out.sum((1, 2, 3)), spot.sum((1, 2, 3)), rtol=5e-3, atol=0)
    assert (out - spot).abs().amax((1, 2, 3)).max() > .2

def test_random_numbers_are_the_generator_s_and_types_stay():
    x, g = torch.rand(4, 1, 9, 9), torch.Generator()
    one, other = (random_affine(x, 1, 10, .1, .1, g.manual_seed(5)) for _ in range(2))
    assert torch.equal(one, other) and not torch.equal(one, random_affine(x, 1, 10, .1, .1, g))
    before = torch.get_rng_state()
    random_affine(x, 1, generator=g)
    assert torch.equal(torch.get_rng_state(), before)
    for dtype in (torch.float64, torch.bfloat16): assert random_affine(x.to(dtype), 1).dtype == dtype
    leaf = x.double().requires_grad_()
    random_affine(leaf, 1, generator=g).sum().backward()
    assert leaf.grad is not None

def test_augment_changes_training_batches_and_nothing_else():
    seen, changed = [], []
    class Look(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.ones(1))
        def forward(self, x, scale):
            seen.append((self.training, x.mean().item(), scale.mean().item()))
            return x.mean((1, 2, 3), keepdim=False)[:, None]*self.w*scale[:, None]
    def change(x):
        changed.append(len(x))
        return x + 100
    batch = torch.zeros(4, 1, 3, 3), torch.ones(4), torch.zeros(4, 1)
    loss = lambda pred, y: (pred - y).square().mean()
    learn = Learner(Look(), DataLoaders([batch], [batch]), loss, 1e-9, cbs=Augment(change)).remove(Progress)
    learn.fit(2)
    assert changed == [4, 4] and batch[0].eq(0).all()
    assert sorted(set(seen)) == [(False, 0., 1.), (True, 100., 1.)]

# --- the page

def cells(): return json.loads((ROOT/'nbs/18_resnet.ipynb').read_text(encoding='utf-8'))['cells']

def test_the_page_quotes_the_benchmark_as_it_is_written():
    sys.path.insert(0, str(ROOT/'benchmarks'))
    try: import accuracy
    finally: sys.path.pop(0)
    text = '\n'.join(''.join(c['source']) for c in cells() if c['cell_type'] == 'markdown')
    for quoted in accuracy.quoted().values(): assert quoted in text, quoted


def test_zeros_from_the_first_convolution_on_stay():
    "Then no weight of the body has a gradient, only the bias of its last norm; a last norm of zeros moves at once."
    for first, moves in ((True, {'bias'}), (False, {'weight', 'bias'})):
        torch.manual_seed(0)
        block = ResBlock(4, 4, zero=not first)
        convs = [m for m in block.modules() if isinstance(m, nn.Conv2d)]
        if first: nn.init.zeros_(convs[0].weight)
        block(torch.randn(8, 4, 5, 5)).square().sum().backward()
        norm = [m for m in block.modules() if isinstance(m, nn.BatchNorm2d)][-1]
        grown = {n for n, p in norm.named_parameters() if p.grad.abs().max() > 1e-6}
        assert grown == moves and (convs[0].weight.grad.abs().max() < 1e-6)


def test_a_norm_without_weights_cannot_start_at_zero():
    "It would start as something else than its shortcut, without a word."
    with pytest.raises(ValueError, match='zero: expected False, as InstanceNorm2d has no weight .* got True'):
        ResBlock(4, 4, norm=nn.InstanceNorm2d)
    ResBlock(4, 4, norm=nn.InstanceNorm2d, zero=False)
    x = torch.randn(2, 4, 5, 5).relu()
    for norm in (partial(nn.InstanceNorm2d, affine=True), nn.BatchNorm2d, None):
        torch.testing.assert_close(ResBlock(4, 4, norm=norm)(x), x)
