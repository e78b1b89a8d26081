"Attention, its layers and its writer against PyTorch's: values, gradients, masks, types, transforms, errors."
import copy, itertools, json, math, statistics
import pytest, torch
import torch.nn.functional as F
import transforms
from conftest import ROOT
from torch import nn
from torch.func import functional_call, grad, jvp, vmap
from nnbolts.attention import (
    Block, KVCache, MultiHeadAttention, RoPE, Transformer, attention, causal_mask, draw_attention, generate, positions)
from nnbolts.check import same
from nnbolts.norms import RMSNorm

sdpa = F.scaled_dot_product_attention
WIDE = dict(dtype=torch.float64)

@pytest.fixture(autouse=True)
def seeded(): torch.manual_seed(0)

def three(n=5, m=7, d=8, c=6, lead=(2, 3), **to):
    to = WIDE | to
    return torch.randn(*lead, n, d, **to), torch.randn(*lead, m, d, **to), torch.randn(*lead, m, c, **to)

def may(*shape, p=.6): return torch.rand(shape) < p

def close(a, b, **how): torch.testing.assert_close(a, b, **(dict(rtol=1e-7, atol=1e-9) | how))

# --- attention against scaled_dot_product_attention

MASKS = {
    'none': lambda: None,
    'boolean': lambda: may(2, 3, 5, 7),
    'one for all': lambda: may(5, 7),
    'one for each case': lambda: may(2, 1, 5, 7),
    'one for each head': lambda: may(3, 5, 7),
    'padding': lambda: may(2, 1, 1, 7),
    'queries': lambda: may(2, 1, 5, 1),
    'nobody': lambda: torch.zeros(5, 7, dtype=torch.bool),
    'added': lambda: torch.randn(2, 3, 5, 7, **WIDE),
    'added to all': lambda: torch.randn(5, 7, **WIDE),
    'infinite': lambda: torch.zeros(5, 7, **WIDE).masked_fill(~may(5, 7), -math.inf),
    'infinite row': lambda: torch.randn(5, 7, **WIDE).index_fill(0, torch.tensor([1, 3]), -math.inf),
    'one number': lambda: torch.randn(1, 1, **WIDE),
    'strided': lambda: may(7, 5).T,
}

@pytest.mark.parametrize('mask', MASKS)
def test_every_mask_equals_torch_in_value_and_gradient(mask):
    same(attention, sdpa, (*three(), MASKS[mask]()), (*three(), MASKS[mask]()))

@pytest.mark.parametrize('lead', [(), (4,), (2, 3), (2, 1, 3), (0,), (2, 0)])
@pytest.mark.parametrize('n, m', [(1, 1), (1, 6), (6, 1), (0, 3), (4, 4)])
def test_every_shape_equals_torch(lead, n, m): same(attention, sdpa, three(n, m, lead=lead))

def test_axes_before_the_last_two_broadcast():
    q, k, v = three()
    same(attention, lambda q, k, v: sdpa(q, k.expand(2, 3, 7, 8), v.expand(2, 3, 7, 6)), (q, k[:1, :1], v[:, :1]))

def test_no_keys_at_all_give_zeros():
    q, k, v = three(m=0)
    assert torch.equal(attention(q, k, v), torch.zeros(2, 3, 5, 6, **WIDE))

@pytest.mark.parametrize('n', [1, 5])
def test_causal_equals_torch_where_there_are_as_many_keys(n):
    same(lambda *t: attention(*t, causal=True), lambda *t: sdpa(*t, is_causal=True), three(n, n))

def test_causal_and_a_mask_together():
    q, k, v = three(7, 7)
    for mask in (may(7, 7), torch.randn(7, 7, **WIDE)):
        hidden = ~causal_mask(7)
        both = mask & ~hidden if mask.dtype == torch.bool else mask.masked_fill(hidden, -math.inf)
        same(lambda *t: attention(*t, mask, causal=True), lambda *t: sdpa(*t, both), (q, k, v))

def test_the_last_query_sees_all_keys_torch_counts_from_the_first():
    q, k, v = three(2, 7)
    close(attention(q, k, v, causal=True), attention(q, k, v, causal_mask(7)[5:]))
    close(sdpa(q, k, v, is_causal=True)[..., 0, :], v[..., 0, :])

@pytest.mark.parametrize('scale', [None, 1., .1, 0., -2.])
def test_the_scale_is_torchs(scale):
    same(lambda *t: attention(*t, scale=scale), lambda *t: sdpa(*t, scale=scale), three())

def test_what_lies_with_gaps_is_taken():
    q, k, v = (t.transpose(1, 2).contiguous().transpose(1, 2) for t in three())
    gaps, turned = tuple(t[..., ::2] for t in (q, k, v)), tuple(t.flip(-2) for t in (q, k, v))
    same(attention, sdpa, (q, k, v, may(5, 7)), gaps, turned)

@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize('mask', ['none', 'boolean', 'nobody', 'padding'])
def test_short_types_round_no_worse_than_torch(dtype, mask):
    m, exact = MASKS[mask](), three(d=64)
    short = [t.to(dtype) for t in exact]
    right = sdpa(*[t.double() for t in short], m)
    ours, theirs = attention(*short, m), sdpa(*short, m)
    assert ours.dtype == theirs.dtype == dtype
    error, theirs = ((t.double() - right).abs().max() for t in (ours, theirs))
    assert error <= max(4*theirs, 4*torch.finfo(dtype).eps)

def test_a_float_mask_of_another_type_is_taken_as_that_of_the_scores():
    q, k, v = (t.bfloat16() for t in three())
    assert attention(q, k, v, torch.zeros(5, 7)).dtype == torch.bfloat16
    q, k, v = three()
    close(attention(q, k, v, torch.full((5, 7), .5)), attention(q, k, v))

def test_huge_scores_stay_finite():
    q, k, v = three()
    out = attention(1e4*q, 1e4*k, v)
    assert out.isfinite().all()
    close(out, sdpa(1e4*q, 1e4*k, v))

def test_weights_add_up_to_one_or_are_zero():
    q, k, v = three()
    mask = may(2, 3, 5, 7) & (torch.arange(5) != 2)[:, None]
    out, w = attention(q, k, v, mask, weights=True)
    close(w.sum(-1), mask.any(-1).double())
    close(w @ v, out)
    assert (w[~mask.expand_as(w)] == 0).all()

def test_dropout_keeps_the_mean():
    q, k, v = three(d=4)
    torch.manual_seed(1)
    drawn = attention(*(t.expand(500, *t.shape) for t in (q, k, v)), dropout=.3)
    assert (drawn.mean(0) - attention(q, k, v)).abs().max() < 6*drawn.std(0).max()/500**.5
    assert torch.equal(attention(q, k, v, dropout=1.), torch.zeros(2, 3, 5, 6, **WIDE))
    _, w = attention(q, k, v, dropout=.9, weights=True)
    close(w.sum(-1), torch.ones(2, 3, 5, **WIDE))

def test_gradients_against_differences():
    q, k, v = (t.requires_grad_() for t in three(3, 4, 2, 1, ()))
    bias = torch.randn(3, 4, **WIDE, requires_grad=True)
    for mask in (bias, torch.tensor([[True, False, True, True], [False]*4, [True]*4])):
        inputs = (q, k, v, mask) if mask is bias else (q, k, v)
        f = attention if mask is bias else lambda *t: attention(*t, mask)
        assert torch.autograd.gradcheck(f, inputs, check_forward_ad=True)
        assert torch.autograd.gradgradcheck(f, inputs, fast_mode=True)

class Whole(nn.Module):
    "A function of one tensor for the transforms, ours or torch's."
    def __init__(self, f, mask=None, **options):
        super().__init__()
        self.f, self.mask, self.options = f, mask, options
        self.weight = nn.Parameter(torch.randn(8, 24, **WIDE))

    def forward(self, x):
        q, k, v = (x @ self.weight).chunk(3, -1)
        return self.f(q, k, v, self.mask, **self.options)

def pair_of_functions(which):
    mask = dict(none=None, boolean=may(5, 5) | torch.eye(5).bool(), empty=torch.zeros(5, 5).bool(),
                added=torch.randn(5, 5, **WIDE), causal=None)[which]
    more = ({}, {}) if which != 'causal' else (dict(causal=True), dict(is_causal=True))
    ours, theirs = Whole(attention, mask, **more[0]), Whole(sdpa, mask, **more[1])
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs

SOME = [f for f in transforms.ALL if f not in (transforms.differences, transforms.second_derivatives_of_parameters,
                                               transforms.exported_dynamic, transforms.compiled_dynamic)]

@pytest.mark.parametrize('which', ['boolean', 'empty', 'added', 'causal'])
@pytest.mark.parametrize('transform', SOME, ids=lambda f: f.__name__)
def test_transforms_give_what_they_give_for_torch(transform, which):
    if transform is transforms.compiled and which != 'causal': pytest.skip('compiled below')
    ours, theirs = pair_of_functions(which)
    transforms.agree(transform, ours, theirs, torch.randn(3, 5, 8, **WIDE))

@pytest.mark.parametrize('backend', ['eager', 'aot_eager'])
def test_everything_compiles_in_one_graph(backend):
    torch._dynamo.reset()
    if backend == 'eager':
        m, tokens = Transformer(10, 8, 12, 3, 1, places='rope'), torch.randint(10, (2, 8))
        close(torch.compile(m, backend=backend, fullgraph=True)(tokens), m(tokens), rtol=1e-5, atol=1e-6)
    f = torch.compile(attention, backend=backend, fullgraph=True, dynamic=True)
    for n in (4, 6):
        q, k, v, mask = *three(n, n), may(n, n)
        close(f(q, k, v, mask), attention(q, k, v, mask))

def test_functional_transforms_of_a_block():
    block, x = Block(8, 2, **WIDE), torch.randn(4, 5, 8, **WIDE)
    params = dict(block.named_parameters())
    each = vmap(grad(lambda p, x: functional_call(block, p, x[None]).square().sum()), (None, 0))(params, x)
    whole = grad(lambda p: functional_call(block, p, x).square().sum())(params)
    for name in params: close(each[name].sum(0), whole[name])
    close(vmap(block)(x[:, None])[:, 0], block(x))
    out, slope = jvp(block, (x,), (x.sin(),))
    step = 1e-6
    close(slope, (block(x + step*x.sin()) - block(x - step*x.sin()))/(2*step), rtol=1e-5, atol=1e-7)

@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_autocast_gives_torchs_types(dtype):
    q, k, v = (t.float() for t in three())
    with torch.autocast('cpu', dtype):
        ours, theirs = attention(q, k, v, may(5, 7)), sdpa(q, k, v, may(5, 7))
        assert attention(q, k.to(dtype), v).dtype == dtype
        assert ours.dtype == theirs.dtype == dtype
    ours, theirs = layers()
    ours, theirs, x = ours.float(), theirs.float(), torch.randn(2, 5, 12)
    with torch.autocast('cpu', dtype):
        a, b = ours(x), theirs(x, x, x, need_weights=False)[0]
        close(a, b, rtol=3e-2, atol=3e-2)

def test_on_meta_and_fake_tensors():
    m = Transformer(10, 8, 12, 3, 1, device='meta')
    assert m(torch.zeros(2, 8, dtype=torch.long, device='meta')).shape == (2, 8, 10)

# --- causal masks

def test_causal_mask():
    for n in range(5): assert torch.equal(causal_mask(n), torch.ones(n, n, dtype=torch.bool).tril())
    for n, m in itertools.product(range(1, 5), range(1, 7)):
        assert torch.equal(causal_mask(n, m), torch.ones(n, m, dtype=torch.bool).tril(m - n))
        for w in (1, 2, 9):
            assert torch.equal(causal_mask(n, m, w), causal_mask(n, m) & ~causal_mask(n, m).roll(0).new_tensor(
                [[j <= i + m - n - w for j in range(m)] for i in range(n)]))

# --- MultiHeadAttention against torch's

def layers(**options):
    theirs = nn.MultiheadAttention(12, 3, **options, **WIDE)
    ours = MultiHeadAttention(12, 3, **dict(batch_first=False) | options, **WIDE)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs

OPTIONS = [dict(zip(('bias', 'batch_first'), o)) | size for o in itertools.product((True, False), repeat=2)
           for size in ({}, dict(kdim=8), dict(vdim=6), dict(kdim=8, vdim=6))]

@pytest.mark.parametrize('options', OPTIONS, ids=str)
@pytest.mark.parametrize('mask', ['none', 'may', 'added'])
@pytest.mark.parametrize('padded', [False, True])
def test_the_layer_equals_torchs(options, mask, padded):
    ours, theirs = layers(**options)
    x, k, v = (torch.randn(2, n, d, **WIDE) for n, d in ((5, 12), (7, ours.kdim), (7, ours.vdim)))
    if not ours.batch_first: x, k, v = (t.transpose(0, 1) for t in (x, k, v))
    mask = dict(none=None, may=may(5, 7) | (torch.arange(7) == 0), added=torch.randn(5, 7, **WIDE))[mask]
    real = torch.tensor([[True]*7, [True]*4 + [False]*3]) if padded else None
    other = ~mask if mask is not None and mask.dtype == torch.bool else mask
    hidden = None if real is None else torch.zeros(2, 7, **WIDE).masked_fill(~real, -math.inf)
    same(lambda *t: ours(*t, mask, real=real, weights=True),
         lambda *t: theirs(*t, key_padding_mask=hidden, attn_mask=None if other is None else torch.zeros(
             5, 7, **WIDE).masked_fill(other, -math.inf) if other.dtype == torch.bool else other,
             average_attn_weights=False), (x, k, v))

@pytest.mark.parametrize('options', OPTIONS, ids=str)
def test_states_load_both_ways_and_the_start_is_the_same(options):
    torch.manual_seed(3)
    theirs = nn.MultiheadAttention(12, 3, **options)
    torch.manual_seed(3)
    ours = MultiHeadAttention(12, 3, **options)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for k, t in theirs.state_dict().items(): assert torch.equal(ours.state_dict()[k], t), k
    with torch.no_grad():
        for p in ours.parameters(): p.add_(1)
    theirs.load_state_dict(ours.state_dict())
    ours.load_state_dict(theirs.state_dict())

def test_gradients_of_parameters():
    for options in OPTIONS:
        ours, theirs = layers(**options)
        x, k, v = (torch.randn(4, 4, d, **WIDE) for d in (12, ours.kdim, ours.vdim))
        results = ours(x, k, v), theirs(x, k, v)[0]
        slopes = [torch.autograd.grad(r.pow(3).sum(), list(m.parameters())) for m, r in zip((ours, theirs), results)]
        for a, b in zip(*slopes): close(a, b)

def test_a_single_sequence_and_a_mask_for_each_head():
    ours, theirs = layers()
    x = torch.randn(5, 12, **WIDE)
    close(ours(x), theirs(x, x, x)[0])
    ours, theirs = layers(batch_first=True)
    x, mask = torch.randn(2, 5, 12, **WIDE), may(2, 3, 5, 5) | torch.eye(5).bool()
    close(ours(x, mask=mask), theirs(x, x, x, attn_mask=~mask.flatten(0, 1))[0])

def test_a_query_without_keys_gives_the_bias_where_torch_gives_nan():
    ours, theirs = layers(batch_first=True)
    x, nobody = torch.randn(1, 4, 12, **WIDE), torch.zeros(4, 4, dtype=torch.bool)
    close(ours(x, mask=nobody), ours.out_proj.bias.expand(1, 4, 12))
    assert theirs(x, x, x, attn_mask=~nobody)[0].isnan().all()

def test_dropout_of_the_layer_only_in_training():
    m, x = MultiHeadAttention(12, 3, dropout=.5), torch.randn(2, 5, 12)
    assert not torch.equal(m(x), m(x))
    assert torch.equal(m.eval()(x), m(x))

def test_a_copy_and_a_pickle_of_a_layer(tmp_path):
    m, x = MultiHeadAttention(12, 3, rope=RoPE(4)), torch.randn(2, 5, 12)
    torch.save(m, tmp_path/'m.pt')
    for other in (copy.deepcopy(m), torch.load(tmp_path/'m.pt', weights_only=False)): assert torch.equal(other(x), m(x))

# --- positions

def test_sines_are_those_of_the_paper():
    table = positions(50, 6, base=100.)
    for place, i in itertools.product((0, 1, 49), range(3)):
        angle = place/100**(2*i/6)
        close(table[place, 2*i:2*i + 2], torch.tensor([math.sin(angle), math.cos(angle)]), rtol=1e-5, atol=1e-6)
    close(positions(5, 6, start=45, base=100.), table[45:])
    assert positions(0, 4).shape == (0, 4) and positions(2, 4, dtype=torch.bfloat16).dtype == torch.bfloat16

@pytest.mark.parametrize('neighbors', [True, False])
def test_rope_is_a_turn_in_the_complex_plane(neighbors):
    rope, x = RoPE(8, 100., neighbors), torch.randn(2, 7, 8, **WIDE)
    a, b = (x[..., ::2], x[..., 1::2]) if neighbors else x.chunk(2, -1)
    angle = torch.arange(3, 10)[:, None]*100**-(torch.arange(4, **WIDE)/4)
    turned = torch.complex(a, b)*torch.polar(torch.ones_like(angle), angle)
    right = torch.view_as_real(turned).flatten(-2) if neighbors else torch.cat([turned.real, turned.imag], -1)
    close(rope(x, 3), right)

def test_rope_scores_depend_on_distances_alone():
    for neighbors in (True, False):
        rope, q, k = RoPE(16, neighbors=neighbors), torch.randn(9, 16, **WIDE), torch.randn(9, 16, **WIDE)
        close(rope(q, 5000) @ rope(k, 5000).mT, rope(q) @ rope(k).mT)

def test_rope_in_short_types_knows_far_places():
    x = torch.ones(1, 8, dtype=torch.bfloat16)
    assert not torch.equal(RoPE(8)(x, 256), RoPE(8)(x, 257))
    assert not torch.equal(RoPE(8)(x, 100_000), RoPE(8)(x, 100_001))

# --- block and transformer

@pytest.mark.parametrize('causal', [False, True])
def test_a_block_is_torchs_encoder_layer(causal):
    theirs = nn.TransformerEncoderLayer(12, 3, 20, dropout=0., batch_first=True, norm_first=True, activation='gelu',
                                        **WIDE)
    ours = Block(12, 3, 20, causal=causal, **WIDE)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    ours.load_state_dict(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())
    x, hidden = torch.randn(2, 5, 12, **WIDE), torch.zeros(5, 5, **WIDE).masked_fill(~causal_mask(5), -math.inf)
    same(ours, lambda x: theirs(x, hidden if causal else None), x)
    real = torch.tensor([[True]*5, [True]*3 + [False]*2])
    a, b = ours(x, real=real), theirs(x, hidden if causal else None, src_key_padding_mask=torch.zeros(
        2, 5, **WIDE).masked_fill(~real, -math.inf))
    close(a[real], b[real])

def test_a_block_with_another_norm():
    assert isinstance(Block(12, 3, norm=RMSNorm).norm1, RMSNorm)

@pytest.mark.parametrize('places', ['learned', 'sines', 'rope', None])
def test_no_token_sees_a_later_one(places):
    m = Transformer(10, 8, 12, 3, 2, places=places, **WIDE).eval()
    tokens = torch.randint(10, (1, 8))
    whole = m(tokens)
    for n in range(1, 8): close(m(tokens[:, :n]), whole[:, :n])

@pytest.mark.parametrize('places', ['learned', 'sines', 'rope'])
def test_order_counts_with_positions_only(places):
    tokens, order = torch.randint(10, (1, 8)), torch.randperm(8)
    m = Transformer(10, 8, 12, 3, 2, places=None, causal=False, **WIDE)
    close(m(tokens[:, order]), m(tokens)[:, order])
    m = Transformer(10, 8, 12, 3, 2, places=places, causal=False, **WIDE)
    if places == 'learned': nn.init.normal_(m.places)
    assert (m(tokens[:, order]) - m(tokens)[:, order]).abs().max() > 1e-3

def test_weights_of_all_layers():
    m = Transformer(10, 8, 12, 3, 2, **WIDE)
    scores, w = m(torch.randint(10, (2, 8)), weights=True)
    assert scores.shape == (2, 8, 10) and w.shape == (2, 2, 3, 8, 8)
    close(w.sum(-1), torch.ones(2, 2, 3, 8, **WIDE))
    assert (w[..., ~causal_mask(8)] == 0).all()

def test_padding_is_not_seen():
    m = Transformer(10, 8, 12, 3, 2, causal=False, **WIDE)
    tokens, real = torch.randint(10, (2, 8)), torch.arange(8) < torch.tensor([[8], [5]])
    close(m(tokens, real=real)[1, :5], m(tokens[1:, :5])[0])

def test_it_learns_to_count():
    m = Transformer(10, 9, 32, 4, 2)
    opt = torch.optim.Adam(m.parameters(), 3e-3)
    def rows(n): return (torch.randint(10, (n, 1)) + torch.arange(10)*torch.randint(1, 4, (n, 1))) % 10
    for _ in range(120):
        t = rows(32)
        F.cross_entropy(m(t[:, :-1]).flatten(0, 1), t[:, 1:].flatten()).backward()
        opt.step(), opt.zero_grad()
    assert generate(m, torch.tensor([[2, 5]]), 6, 0).tolist() == [[2, 5, 8, 1, 4, 7, 0, 3]]

# --- cache and generate

@pytest.mark.parametrize('places', ['learned', 'sines', 'rope', None])
@pytest.mark.parametrize('parts', [[8], [1]*8, [3, 1, 4], [5, 3]])
def test_with_the_cache_the_answers_are_those_without(places, parts):
    m, tokens, cache = Transformer(10, 8, 12, 3, 2, places=places, **WIDE), torch.randint(10, (2, 8)), KVCache()
    out = torch.cat([m(t, cache=cache) for t in tokens.split(parts, 1)], 1)
    close(out, m(tokens))
    assert len(cache) == 8 and cache.length(m.blocks[1].self_attn) == 8

def test_a_cache_serves_one_batch():
    m, cache = Transformer(10, 8, 12, 3, 2), KVCache()
    m(torch.zeros(2, 3, dtype=torch.long), cache=cache)
    with pytest.raises(ValueError, match='k: expected .* KVCache of its own'):
        m(torch.zeros(3, 1, dtype=torch.long), cache=cache)

def test_generate_the_best_with_and_without_cache():
    m, start = Transformer(10, 12, 12, 3, 2, **WIDE), torch.randint(10, (3, 2))
    out = generate(m, start, 10, 0)
    assert torch.equal(out, generate(m, start, 10, 0, cache=False)) and torch.equal(out[:, :2], start)
    for n in range(2, 11): assert torch.equal(m(out[:, :n])[:, -1].argmax(-1), out[:, n])
    assert torch.equal(generate(m, start, 10, top_k=1), out)
    assert torch.equal(generate(m, start, 0), start)
    assert generate(m, start, 11, 0).shape == (3, 13)  # the last token is never asked about

def test_generate_draws_by_the_scores():
    class Fixed(nn.Module):
        def forward(self, tokens): return torch.tensor([0., 1., 2., -math.inf]).expand(*tokens.shape, 4)
    start = torch.zeros(20_000, 1, dtype=torch.long)
    for temperature, top_k in ((1., None), (.5, None), (2., 2), (1e-3, None)):
        drawn = generate(Fixed(), start, 1, temperature, top_k, torch.Generator().manual_seed(0), cache=False)[:, 1]
        scores = torch.tensor([0., 1., 2., -math.inf])/temperature
        if top_k: scores[0] = -math.inf
        share = drawn.bincount(minlength=4)/20_000
        assert (share - scores.softmax(0)).abs().max() < .02
        assert share[3] == 0

def test_generate_repeats_with_a_generator_and_leaves_the_modes():
    m, start = Transformer(10, 8, 12, 3, 2, dropout=.5), torch.randint(10, (3, 2))
    m.blocks[0].eval()
    draws = [generate(m, start, 5, generator=torch.Generator().manual_seed(1)) for _ in range(2)]
    assert torch.equal(*draws) and m.training and not m.blocks[0].training and m.blocks[1].training
    assert not any(p.requires_grad and p.grad is not None for p in m.parameters())

def test_generate_leaves_the_modes_after_an_error():
    class Broken(nn.Module):
        def forward(self, tokens): raise KeyError('broken')
    m = Broken()
    with pytest.raises(KeyError): generate(m, torch.zeros(1, 1, dtype=torch.long), 2, cache=False)
    assert m.training

def test_generate_refuses_scores_that_are_nan():
    class Blank(nn.Module):
        value = math.nan
        def forward(self, tokens): return torch.full((*tokens.shape, 4), self.value)
    m = Blank()
    for m.value, temperature in itertools.product((math.nan, -math.inf), (0, 1.)):
        with pytest.raises(ValueError, match='model: expected scores to choose from'):
            generate(m, torch.zeros(1, 1, dtype=torch.long), 1, temperature, cache=False)

def test_a_model_that_sees_the_future_takes_no_cache():
    m, start = Transformer(10, 8, 12, 3, 2, causal=False), torch.zeros(1, 2, dtype=torch.long)
    with pytest.raises(ValueError, match='cache: expected None for a model with causal=False'): generate(m, start, 2)
    assert generate(m, start, 2, cache=False).shape == (1, 4)

def test_generate_takes_a_function():
    start = torch.zeros(2, 1, dtype=torch.long)
    assert generate(lambda t: F.one_hot((t + 1) % 4, 4).double(), start, 3, 0, cache=False).tolist() == [[0, 1, 2, 3]]*2

# --- the picture

def test_draw_attention():
    import matplotlib.pyplot as plt
    for shape, axes in (((3, 4), 1), ((2, 3, 4), 2), ((6, 3, 3), 8)):
        fig = draw_attention(torch.rand(shape))
        assert len(fig.axes) == axes
        plt.close(fig)
    fig = draw_attention(torch.rand(2, 2), ['a', 'b'])
    assert [t.get_text() for t in fig.axes[0].get_xticklabels()] == ['a', 'b']
    plt.close(fig)
    with pytest.raises(ValueError, match='queries: expected 2 texts'): draw_attention(torch.rand(2, 3), 'abc')

# --- errors

Q, K, V = torch.ones(2, 3, 5, 8), torch.ones(2, 3, 7, 8), torch.ones(2, 3, 7, 6)
WRONG = [
    (TypeError, 'q: expected a tensor', lambda: attention([1.], K, V)),
    (TypeError, 'q: expected a tensor of floating-point numbers', lambda: attention(Q.long(), K, V)),
    (TypeError, 'v: expected torch.float32, the type of q, got torch.float64', lambda: attention(Q, K, V.double())),
    (ValueError, 'k: expected vectors of 8 numbers', lambda: attention(Q, K[..., :5], V)),
    (ValueError, 'v: expected 7 values', lambda: attention(Q, K, V[..., :5, :])),
    (ValueError, 'k: expected axes before the last two that broadcast', lambda: attention(Q, K[:, :2], V[:, :2])),
    (ValueError, 'q: expected 2 axes or more', lambda: attention(Q[0, 0, 0], K, V)),
    (TypeError, 'mask: expected a boolean tensor, .* got torch.int64; use mask.bool', lambda: attention(
        Q, K, V, torch.ones(5, 7, dtype=torch.int64))),
    (TypeError, 'mask: expected a boolean tensor', lambda: attention(Q, K, V, 'causal')),
    (ValueError, r'mask: expected a shape .*\(2, 3, 5, 7\), got \(7, 5\)', lambda: attention(Q, K, V, may(7, 5))),
    (ValueError, 'goes in as mask', lambda: attention(Q, K, V, may(2, 7))),
    (ValueError, 'mask: expected a shape', lambda: attention(Q[:, :1], K[:, :1], V[:, :1], may(4, 5, 7))),
    (ValueError, 'p: expected a number from 0 to 1', lambda: attention(Q, K, V, dropout=1.5)),
    (ValueError, 'heads: expected a divisor of dim = 10, got 3', lambda: MultiHeadAttention(10, 3)),
    (ValueError, 'heads: expected a divisor', lambda: Transformer(10, 8, 12, 5)),
    (ValueError, 'dropout: expected', lambda: MultiHeadAttention(12, 3, -1)),
    (ValueError, 'x: expected a last axis of 12 numbers', lambda: MultiHeadAttention(12, 3)(torch.ones(2, 5, 8))),
    (ValueError, 'k: expected 3 axes', lambda: MultiHeadAttention(12, 3)(torch.ones(2, 5, 12), torch.ones(5, 12))),
    (ValueError, 'mask: expected 2 axes or 4', lambda: MultiHeadAttention(12, 3)(
        torch.ones(3, 5, 12), mask=may(3, 5, 5))),
    (ValueError, r'real: expected shape \(2, 5\)', lambda: MultiHeadAttention(12, 3)(
        torch.ones(2, 5, 12), real=may(5, 2))),
    (TypeError, 'real: expected a boolean tensor', lambda: MultiHeadAttention(12, 3)(
        torch.ones(2, 5, 12), real=torch.ones(2, 5))),
    (ValueError, 'dim: expected an even number', lambda: RoPE(7)),
    (ValueError, r'x: expected shape \(..., n, 8\)', lambda: RoPE(8)(torch.ones(2, 6))),
    (ValueError, 'dim: expected an even number', lambda: positions(5, 3)),
    (ValueError, 'tokens: expected at most 8, the length of this model, got 9', lambda: Transformer(10, 8)(
        torch.zeros(1, 9, dtype=torch.long))),
    (ValueError, 'tokens: expected numbers from 0 to 9, got 0 to 10', lambda: Transformer(10, 8)(
        torch.tensor([[0, 10]]))),
    (TypeError, 'tokens: expected a tensor of whole numbers', lambda: Transformer(10, 8)(torch.ones(1, 8))),
    (ValueError, 'tokens: expected a tensor with 2 axes', lambda: Transformer(10, 8)(torch.ones(8, dtype=torch.long))),
    (ValueError, "places: expected .* did you mean 'sines'", lambda: Transformer(10, 8, places='sine')),
    (ValueError, 'n: expected at most 7', lambda: generate(Transformer(10, 8), torch.zeros(1, 2).long(), 8)),
    (ValueError, 'temperature: expected', lambda: generate(Transformer(10, 8), torch.zeros(1, 2).long(), 1, -1.)),
    (ValueError, 'top_k: expected', lambda: generate(Transformer(10, 8), torch.zeros(1, 2).long(), 1, 1., 0)),
    (ValueError, 'start: expected one token at least', lambda: generate(
        Transformer(10, 8), torch.zeros(1, 0).long(), 1)),
    (ValueError, 'n: expected a whole number of at least 0', lambda: causal_mask(-1)),
    (ValueError, 'window: expected', lambda: causal_mask(3, window=0)),
]

@pytest.mark.parametrize('kind, text, call', WRONG, ids=[f'{n}: {w[1][:40]}' for n, w in enumerate(WRONG)])
def test_errors_name_the_argument_and_say_what_came(kind, text, call):
    with pytest.raises(kind, match=text): call()

def test_the_cache_counts_toward_the_length():
    m, cache = Transformer(10, 8, 12, 3, 1), KVCache()
    m(torch.zeros(1, 6, dtype=torch.long), cache=cache)
    with pytest.raises(ValueError, match='at most 8, the length of this model, got 9, 6 of them in the cache'):
        m(torch.zeros(1, 3, dtype=torch.long), cache=cache)

# --- what the page quotes

def test_the_page_quotes_the_benchmark():
    "The figures in the text of the page are those that the benchmark has written."
    found = json.loads((ROOT/'benchmarks'/'digits_on_order.json').read_text(encoding='utf-8'))
    page = json.loads((ROOT/'nbs'/'19_attention.ipynb').read_text(encoding='utf-8'))
    text = '\n'.join(''.join(c['source']) for c in page['cells'] if c['cell_type'] == 'markdown')
    mean = lambda values: statistics.mean(values)
    at_1, at_08 = (mean([mean(w[name]) for w in found['writers']]) for name in ('at_1', 'at_08'))
    seconds, reading = mean([w['seconds'] for w in found['writers']]), found['reading']
    for said in (f'{at_1:.0f} of 100 at temperature 1', f'{at_08:.0f} of 100 at 0.8', f'{seconds:.0f} seconds',
                 f'{found["patched"]:.1f}% of real digits made of 64 patches', f'{found["judge"]:.1f}% of real digits',
                 f"the transformer reads {mean(reading['transformer']):.1f}% rightly",
                 f"the residual network {mean(reading['resnet']):.1f}%"):
        assert said in text, said
    assert at_08 >= 90 and seconds/2 < 90
