"Every expression against torch.einsum and numpy.einsum: ours, the loops as text, and the plain PyTorch expression that is printed; pictures, names, errors."
import itertools, math, re, xml.dom.minidom
import numpy as np
import pytest, torch
from hypothesis import assume, given, settings, strategies as st
from nnbolts.einsum import einsum, einsum_loops, explain_einsum

quick = settings(max_examples=300, deadline=None, derandomize=True)

FIFTY = '''i->i i-> i,i->i i,i,i->i i,i,i-> i,i-> i,j->ij i,j->ji i,j-> ij->ij ij ij->ji ji ii->i ii-> ii ij-> ij->j ij->i ij,ij->ij ij,ji->ij ij,ji-> ij,ij-> ,-> , ,ij->ij
ij,j->ij ij,i->ij ij,j->i ij,j ij,i->j i,ij->j j,ij->i ij,jk->ik ij,jk ij,kj->ik ij,ik->jk ij,jk->ki ij,kj->ki ij,ki->kj ij,kj->ikj ij,ik->ijk ij,kl->ijkl bij,bjk->bik bij,bjk bij,jk->bik
bhqd,bhkd->bhqk bqhd,bkhd->bhqk bhqk,bhkd->bhqd bhqk,bkhd->bqhd nc,nc->n nc,ck->nk bi,bj->bij i,ij,j-> bi,ij,bj->b bi,kij,bj->bk ij,jk,kl->il ij,jk,k->i i,j,k->ijk ij,jk,ki->
ijk->kij ijk->ikj ijk->jik bij->bji bii->b bii->bi iij->j iii->i iji->ij ijk,ikl->jl ijkl,jl->ik bijk,bjkl->bil nchw->nc nhwc->nchw
...ij,...jk->...ik ...ij->...ji ...i->... i...->...i ...ij->ij ...,... ...i,...i BA,AC->BC aB Ba bA,AC'''.split()
SIZES = dict(zip('bhijkldcnqwABCab', [2, 3, 3, 3, 3, 2, 4, 3, 2, 2, 2, 2, 3, 4, 2, 3]))
SIZES.update(k=4, j=3, i=2)

def shapes_of(eq, sizes=SIZES, dots=(2, 3)):
    "Shapes that fit an expression; 'ii' and chains that come back get one size."
    return [tuple(n for l in re.findall(r'\.\.\.|\w', t) for n in (dots if l == '...' else (sizes[l],))) for t in eq.split('->')[0].split(',')]

def with_loops(eq, *ops, **kw):
    code = {}
    exec(einsum_loops(eq, *ops, **kw), code)
    return code['loops'](*ops)

def leaves(ops): return [torch.empty_strided(t.shape, t.stride(), dtype=t.dtype).copy_(t).requires_grad_() for t in ops]

def agree(eq, ops, gradients=True):
    "Ours equals torch's and numpy's, in value, dtype and gradient."
    a, b = leaves(ops), leaves(ops)
    ours, theirs = einsum(eq, *a), torch.einsum(eq, *b)
    torch.testing.assert_close(ours, theirs)
    if gradients:
        g = torch.randn(theirs.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(theirs.dtype)
        for x, y in zip(torch.autograd.grad(ours, a, g), torch.autograd.grad(theirs, b, g)): torch.testing.assert_close(x, y)
    return theirs.detach()

def explained(eq, ops, want):
    "The printed expression, the loops, and the facts of an explanation are true; it can be shown."
    e = explain_einsum(eq, *ops)
    torch.testing.assert_close(eval(e.torch, dict(zip(e.names, ops), torch=torch)), want)
    assert e.shape == tuple(want.shape)
    loops = math.prod(e.table['size'])
    assert e.multiplications == (len(ops) - 1)*loops
    if loops <= 400:
        torch.testing.assert_close(with_loops(eq, *ops), want)
        array = with_loops(eq, *[t.numpy() for t in ops])
        assert isinstance(array, np.ndarray)
        np.testing.assert_allclose(array, want.numpy(), rtol=1e-9, atol=1e-9)
    return e

def normal(shapes, seed=0, dtype=torch.float64):
    g = torch.Generator().manual_seed(seed)
    return [torch.randn(s, generator=g, dtype=torch.float64).to(dtype) for s in shapes]

@st.composite
def expressions(draw, letters='abcdAB', most=4):
    "Any valid expression with shapes for it: repeated letters, ellipsis, sizes of 0 and 1, a size of 1 against a larger one, implicit and explicit output, spaces."
    size = {l: draw(st.sampled_from([1, 2, 2, 3, 3, 0])) for l in letters}
    covered, has_dots = draw(st.lists(st.integers(1, 3), max_size=2)), draw(st.integers(0, 3)) == 0
    terms, shapes = [], []
    for _ in range(draw(st.integers(1, most))):
        ls = draw(st.lists(st.sampled_from(letters), max_size=3 if most > 2 else 4))
        ones = {l for l in ls if draw(st.integers(0, 9)) == 0}
        term, shape = list(ls), [1 if l in ones else size[l] for l in ls]
        if has_dots and draw(st.booleans()):
            at, k = draw(st.integers(0, len(ls))), draw(st.integers(0, len(covered)))
            term.insert(at, '...')
            shape[at:at] = [1 if draw(st.integers(0, 4)) == 0 else n for n in covered[len(covered) - k:]]
        terms.append(draw(st.sampled_from(['', '', ' '])).join(term))
        shapes.append(tuple(shape))
    eq = draw(st.sampled_from([',', ', '])).join(terms)
    if draw(st.integers(0, 3)):
        known = sorted({l for t in terms for l in t if l.isalpha()})
        out = draw(st.permutations(known))[:draw(st.integers(0, 4))] if known else []
        if any('...' in t for t in terms): out.insert(draw(st.integers(0, len(out))), '...')
        eq += draw(st.sampled_from(['->', ' -> '])) + ''.join(out)
    return eq, shapes

# --- the expressions of the page, and more

@pytest.mark.parametrize('eq', FIFTY)
def test_known_expressions(eq):
    sizes = dict(SIZES, i=3) if eq in ('ij,ji->ij', 'ij,ji->', 'ij,jk,ki->') else SIZES
    shapes = shapes_of(eq, sizes)
    ops = normal(shapes)
    want = agree(eq, ops)
    e = explained(eq, ops, want)
    if 'e0' not in e._spec.out and e._spec.dots: return  # numpy refuses to sum what the ellipsis covers
    np.testing.assert_allclose(want.numpy(), np.einsum(eq, *[t.numpy() for t in ops]), rtol=1e-9, atol=1e-9)

@quick
@given(expressions(), st.integers(0, 9))
def test_random_expressions(drawn, seed):
    eq, shapes = drawn
    ops = normal(shapes, seed)
    want = agree(eq, ops)
    np.testing.assert_allclose(einsum(eq, *ops).numpy(), np.einsum(eq, *[t.numpy() for t in ops]), rtol=1e-9, atol=1e-9)
    explained(eq, ops, want)

@settings(quick, max_examples=60)
@given(expressions(most=2), st.sampled_from([torch.float32, torch.bfloat16, torch.int64, torch.complex64]), st.booleans())
def test_dtypes_and_strides(drawn, dtype, flipped):
    eq, shapes = drawn
    ops = normal(shapes, dtype=torch.float64)
    ops = [(5*t).to(dtype) if dtype == torch.int64 else t.to(dtype) for t in ops]
    if dtype.is_complex: ops = [t + 1j*t.flip(0) if t.dim() else t*1j for t in ops]
    if flipped: ops = [t.T.contiguous().T if t.dim() == 2 else torch.stack([t, -t], -1)[..., 0] for t in ops]
    if dtype == torch.int64: assert torch.equal(einsum(eq, *ops), torch.einsum(eq, *ops))
    elif dtype == torch.bfloat16: torch.testing.assert_close(einsum(eq, *ops), torch.einsum(eq, *ops), rtol=.04, atol=.2)
    else: agree(eq, ops)
    assert einsum(eq, *ops).dtype == dtype

@settings(quick, max_examples=60)
@given(expressions(), st.permutations('bcdefxyzUVWQ'))
def test_letters_do_not_matter(drawn, others):
    eq, shapes = drawn
    assume('->' in eq)  # without an arrow the order of letters is that of the alphabet
    renamed = ''.join(dict(zip('abcdAB', others)).get(c, c) for c in eq)
    a, b = explain_einsum(eq, *shapes), explain_einsum(renamed, *shapes)
    assert a.torch == b.torch and (a.multiplications, a.shape) == (b.multiplications, b.shape)
    if ' over ' not in a.name and 'diagonal of' not in a.name: assert a.name == b.name

@pytest.mark.parametrize('eq, name, code', [
    ('ij->ji', 'transpose', 'A.T'), ('ijk->kij', 'permutation of the axes', 'A.permute(2, 0, 1)'), ('bij->bji', 'transpose of the last two axes', 'A.mT'), ('ii->i', 'diagonal', 'A.diagonal()'),
    ('ii->', 'trace', 'A.trace()'), ('ij->', 'sum of all elements', 'A.sum()'), ('ij->i', 'sum of each row', 'A.sum(1)'), ('ij->j', 'sum of each column', 'A.sum(0)'),
    ('ij,ij->ij', 'elementwise product', 'A * B'), ('i,i->', 'dot product', 'A @ B'), ('i,j->ij', 'outer product', 'torch.outer(A, B)'), ('ij,j->i', 'matrix-vector product', 'A @ B'),
    ('i,ij->j', 'vector-matrix product', 'A @ B'), ('ij,jk->ik', 'matrix product', 'A @ B'), ('ij,kj->ik', 'matrix product with a transpose', 'A @ B.T'), ('ij,ik->jk', 'matrix product with a transpose', 'A.T @ B'),
    ('bij,bjk->bik', 'batched matrix product', 'A @ B'), ('i,ij,j->', 'bilinear form', 'A @ (B @ C)'), ('bhqd,bhkd->bhqk', 'attention scores', 'A @ B.mT'),
    ('bqhd,bkhd->bhqk', 'attention scores', 'A.transpose(1, 2) @ B.permute(0, 2, 3, 1)'), ('ij,kj->ikj', 'Khatri-Rao product', 'A[:, None] * B'), ('nc,nc->n', 'batched dot product', '(A * B).sum(1)'),
    ('nc,ck->nk', 'matrix product', 'A @ B'), ('bi,bj->bij', 'batched outer product', 'A[:, :, None] * B[:, None]'), ('ij->ij', 'the same tensor', 'A'), (',ij->ij', 'scaling by a number', 'A * B'),
    ('ij,j->ij', 'each column scaled', 'A * B'), ('ij,i->ij', 'each row scaled', 'A * B[:, None]'), ('ij,jk,kl->il', 'chain of matrix products', None), ('BA,AC->BC', 'matrix product', 'A @ B')])
def test_names_and_code(eq, name, code):
    e = explain_einsum(eq, *shapes_of(eq))
    assert e.name == name
    if code: assert e.torch == code

# --- the loops

def test_loops_text():
    text = einsum_loops('ij,jk->ik', (2, 3), (3, 2))
    assert 'out[i, k] += A[i, j] * B[j, k]' in text
    assert [m for m in re.findall(r'for (\w) in range\((\d)\)', text)] == [('i', '2'), ('k', '2'), ('j', '3')]
    assert text == einsum_loops('ij,jk->ik', torch.ones(2, 3), np.ones((3, 2)))
    assert 'for A_ in' in einsum_loops('BA,AC->BC', (2, 3), (3, 4)) and 'for e0 in' in einsum_loops('...i->...', (2, 3))
    assert 'A[i, 0]' in einsum_loops('ij,jk->ik', (2, 1), (3, 4))
    assert 'loops(q, k)' in einsum_loops('qd,kd->qk', (2, 3), (4, 3), names='q k')

def test_loops_have_gradients():
    a, b = torch.randn(2, 3, dtype=torch.float64, requires_grad=True), torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a, b: with_loops('ij,jk->ik', a, b), (a, b))

@settings(quick, max_examples=50)
@given(expressions())
def test_einsum_has_second_gradients(drawn):
    eq, shapes = drawn
    sizes = explain_einsum(eq, *shapes).table['size']
    assume(0 < math.prod(sizes) <= 40)
    assert torch.autograd.gradgradcheck(lambda *ops: einsum(eq, *ops), [t.requires_grad_() for t in normal(shapes)], atol=1e-4)

# --- explanations

@settings(quick, max_examples=60)
@given(expressions(), st.sampled_from(['shapes', 'tensors', 'arrays']))
def test_an_explanation_can_be_shown(drawn, kind):
    eq, shapes = drawn
    ops = dict(shapes=shapes, tensors=normal(shapes), arrays=[t.numpy() for t in normal(shapes)])[kind]
    e = explain_einsum(eq, *ops)
    html = e._repr_html_()
    assert '\n' not in html and 'nan' not in html and '<script' not in html
    picture = xml.dom.minidom.parseString(e.svg()).documentElement
    width, height = (float(picture.getAttribute(k)) for k in ('width', 'height'))
    assert 0 < width <= 720 or len(shapes) > 1
    for text in picture.getElementsByTagName('text'): assert 0 <= float(text.getAttribute('x')) <= width and 0 <= float(text.getAttribute('y')) <= height
    assert e.name in repr(e) and e.torch in repr(e)
    assert list(e.table.columns) == ['index', 'size', 'role', 'where']

def test_one_element_is_explained_right():
    A, B = torch.arange(6).view(2, 3), torch.arange(6, 12).view(3, 2)
    e = explain_einsum('ij,jk->ik', A, B)
    assert e.words == 'for each i and k, sum A[i, j]·B[j, k] over j'
    assert e.facts['one element'] == 'out[1, 0] = A[1, 0]·B[0, 0] + A[1, 1]·B[1, 0] + A[1, 2]·B[2, 0] = 3·6 + 4·8 + 5·10 = 100'
    assert e.at(0, 1).facts['one element'].endswith('= 31')
    assert e.table.values.tolist() == [['i', 2, 'kept', 'A axis 0, out axis 0'], ['j', 3, 'summed', 'A axis 1, B axis 0'], ['k', 2, 'kept', 'B axis 1, out axis 1']]

@settings(quick, max_examples=40)
@given(expressions())
def test_shown_cells_make_the_element(drawn):
    "Perturb an operand where the picture is not dark: the element that is shown stays; and each dark cell is in some product."
    eq, shapes = drawn
    e = explain_einsum(eq, *shapes)
    assume(e.cell is not None)
    ops = [torch.rand(s, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) + 1 for s in shapes]
    for n, t in enumerate(ops):
        leaf = t.clone().requires_grad_()
        slope, = torch.autograd.grad(torch.einsum(eq, *ops[:n], leaf, *ops[n + 1:])[e.cell], leaf)
        assert {tuple(i) for i in slope.nonzero().tolist()} == {i for i in itertools.product(*map(range, t.shape)) if e._used(n, i)}

@pytest.mark.parametrize('eq, shapes', [('ij,jk->ik', [(2, 3), (3, 200)]), ('abcde->edcba', [(2, 2, 3, 4, 5)]), ('->', [()]), ('i,i->', [(0,), (0,)])])
def test_picture_of_any_shape(eq, shapes):
    e = explain_einsum(eq, *shapes)
    picture = xml.dom.minidom.parseString(e.svg()).documentElement
    boxes = picture.getElementsByTagName('rect')
    width, height = (float(picture.getAttribute(k)) for k in ('width', 'height'))
    for r in boxes: assert 0 <= float(r.getAttribute('x')) and float(r.getAttribute('x')) + float(r.getAttribute('width')) <= width and float(r.getAttribute('y')) + float(r.getAttribute('height')) <= height
    assert len(boxes) >= 1

def test_positions_in_the_picture():
    "The last axis runs across, the one before it down; each element stands where its index says, and just the cells of the element that is shown are dark."
    A, B = torch.arange(6).view(2, 3), torch.arange(6, 12).view(3, 2)
    picture = xml.dom.minidom.parseString(explain_einsum('ij,jk->ik', A, B).svg()).documentElement
    cells = [(float(r.getAttribute('x')), float(r.getAttribute('y')), r.getAttribute('fill-opacity') == '0.26') for r in picture.getElementsByTagName('rect')]
    a, b, out = cells[:6], cells[6:12], cells[12:]
    for part, cols in ((a, 3), (b, 2), (out, 2)):
        xs, ys = sorted({x for x, *_ in part}), sorted({y for _, y, _ in part})
        assert len(xs) == cols and [(xs.index(x), ys.index(y)) for x, y, _ in part] == [(k % cols, k//cols) for k in range(len(part))]
    assert [d for *_, d in a] == [False]*3 + [True]*3 and [d for *_, d in b] == [True, False]*3 and [d for *_, d in out] == [False, False, True, False]
    assert max(x for x, *_ in a) < min(x for x, *_ in b) and max(x for x, *_ in b) < min(x for x, *_ in out)

def test_colors_and_dashes_in_the_picture():
    "An index has one color wherever it stands, and its line is dashed where it is summed."
    picture = xml.dom.minidom.parseString(explain_einsum('ij,jk->ik', (2, 3), (3, 2)).svg()).documentElement
    lines = picture.getElementsByTagName('path')
    i, j, b_j, k, out_i, out_k = [p.getAttribute('stroke') for p in lines]
    assert (j, i, k) == (b_j, out_i, out_k) and len({i, j, k}) == 3
    assert [p.hasAttribute('stroke-dasharray') for p in lines] == [False, True, True, False, False, False]

@pytest.mark.parametrize('eq, turned, name', [
    ('ij,jk->ik', 'jk,ij->ik', 'matrix product'), ('ij,j->i', 'j,ij->i', 'matrix-vector product'),
    ('bij,bj->bi', 'bj,bij->bi', 'batched matrix-vector product')])
def test_the_name_does_not_depend_on_which_operand_comes_first(eq, turned, name):
    assert [explain_einsum(e, *shapes_of(e)).name for e in (eq, turned)] == [name]*2

def test_mixed_types_are_multiplied_from_left_to_right():
    "100 times 2 wraps in int8, whatever comes after; the cheaper order would not."
    ops = torch.full((2, 3), 100, dtype=torch.int8), torch.full((3,), 2, dtype=torch.int8), torch.ones(3).long()
    assert einsum('ij,j,j->ij', *ops).unique().tolist() == [-56]
    if not torch.backends.opt_einsum.is_available(): assert torch.einsum('ij,j,j->ij', *ops).unique().tolist() == [-56]

def test_what_is_stretched_is_said():
    assert 'k in A' in explain_einsum('bk,kd->bd', (1, 1), (3, 3)).facts['stretched']
    assert 'stretched' not in explain_einsum('bk,kd->bd', (1, 3), (3, 3)).facts

def test_order_of_three():
    e = explain_einsum('ij,jk,k->i', (1000, 1000), (1000, 1000), (1000,))
    assert e.torch == 'A @ (B @ C)' and e.multiplications == 2*10**9
    assert e.steps == [('jk,k->j', 10**6), ('ij,j->i', 10**6)]

@quick
@given(st.lists(st.integers(1, 30), min_size=4, max_size=7))
def test_order_is_never_worse_than_left_to_right(n):
    letters = 'abcdefg'[:len(n)]
    eq = ','.join(letters[i:i + 2] for i in range(len(n) - 1)) + f'->{letters[0]}{letters[-1]}'
    steps = explain_einsum(eq, *zip(n, n[1:])).steps
    assert sum(m for _, m in steps) <= sum(n[0]*n[i]*n[i + 1] for i in range(1, len(n) - 1))
    cheapest = lambda i, j: 0 if j - i < 2 else min(cheapest(i, k) + cheapest(k, j) + n[i]*n[k]*n[j] for k in range(i + 1, j))
    if len(n) <= 5: assert sum(m for _, m in steps) == cheapest(0, len(n) - 1)

# --- as a drop-in

def test_views_and_lists():
    v, C = torch.arange(3.), torch.arange(9.).view(3, 3)
    assert einsum('i->i', v).data_ptr() == v.data_ptr() and einsum('ij->ji', C).data_ptr() == C.data_ptr() and einsum('ii->i', C).data_ptr() == C.data_ptr()
    assert torch.equal(einsum('ij,jk->ik', [C, C]), C @ C)

@pytest.mark.parametrize('eq, shapes', [('ij,jk->ik', [(3, 4), (4, 5)]), ('bqhd,bkhd->bhqk', [(2, 3, 2, 4)]*2), ('...i,ij,...j->...', [(2, 3), (3, 3), (2, 3)])])
def test_compiles(eq, shapes):
    f = torch.compile(lambda *ops: einsum(eq, *ops), backend='aot_eager', fullgraph=True)
    ops = normal(shapes)
    torch.testing.assert_close(f(*ops), torch.einsum(eq, *ops))

def test_vmap():
    a, b = normal([(5, 2, 3), (5, 3, 4)])
    torch.testing.assert_close(torch.func.vmap(lambda a, b: einsum('ij,jk->ik', a, b))(a, b), a @ b)

def test_integers_wrap_as_in_torch():
    for dtype in (torch.uint8, torch.int8, torch.int32):
        x = torch.full((300,), 7).to(dtype)
        for eq, ops in [('i->', [x]), ('i,i->', [x, x]), ('i,i->i', [x, x]), ('i,j->', [x, x[:3]]), ('ij,jk->ik', [x.view(3, 100), x.view(100, 3)])]:
            a, b = einsum(eq, *ops), torch.einsum(eq, *ops)
            assert a.dtype == b.dtype and torch.equal(a, b)

# --- types, traces, cases of others

REAL = [torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int64, torch.int8, torch.bool]

@settings(quick, max_examples=300)
@given(expressions(most=3), st.lists(st.sampled_from(REAL), min_size=3, max_size=3), st.sampled_from([None, torch.bfloat16, torch.float16]))
def test_types_as_in_torch(drawn, dtypes, autocast):
    "Mixed types, under autocast and without: we take what torch.einsum takes, with its type and value, and refuse what it refuses."
    eq, shapes = drawn
    assume(all(map(all, shapes)))  # with a size of 0 torch.einsum returns before it looks at types
    ops = [(2*t).round().to(d) for t, d in zip(normal(shapes), dtypes)]
    import contextlib
    with torch.autocast('cpu', autocast) if autocast else contextlib.nullcontext():
        try: want = torch.einsum(eq, *ops)
        except (RuntimeError, NotImplementedError): want = None
        if want is None:
            with pytest.raises(ValueError, match='ops: a product that is summed needs'): einsum(eq, *ops)
        else:
            ours = einsum(eq, *ops)
            assert ours.dtype == want.dtype
            torch.testing.assert_close(ours, want, rtol=2e-2, atol=2e-2)

def test_activation_and_weight_under_autocast():
    x, w = torch.randn(4, 3), torch.randn(3, 5, requires_grad=True)
    with torch.autocast('cpu', torch.bfloat16):
        h = torch.nn.functional.linear(x, torch.eye(3))
        assert h.dtype == torch.bfloat16
        ours, theirs = einsum('bi,ij->bj', h, w), torch.einsum('bi,ij->bj', h, w)
    assert ours.dtype == theirs.dtype == torch.bfloat16
    torch.testing.assert_close(ours, theirs)
    for a, b in zip(torch.autograd.grad(ours.float().sum(), w), torch.autograd.grad(theirs.float().sum(), w)): torch.testing.assert_close(a, b)

def test_whatever_traces():
    from torch.fx.experimental.proxy_tensor import make_fx
    from torch._subclasses import FakeTensorMode
    from torch.func import functionalize, grad, hessian, jacfwd, jvp, vmap
    for eq, shapes in [('bqhd,bkhd->bhqk', [(2, 3, 2, 4)]*2), ('ij,jk,k->i', [(2, 3), (3, 4), (4,)]), ('bii->bi', [(2, 3, 3)])]:
        ops = normal(shapes)
        want = torch.einsum(eq, *ops)
        def f(*ops): return einsum(eq, *ops)
        def their(*ops): return torch.einsum(eq, *ops)
        class Net(torch.nn.Module):
            def forward(self, *ops): return f(*ops)
        torch._dynamo.reset()
        for g in (torch.compile(f, backend='eager', fullgraph=True), torch.compile(f, backend='eager', fullgraph=True, dynamic=True), torch.export.export(Net(), tuple(ops)).module(),
                  make_fx(f, tracing_mode='symbolic')(*ops), functionalize(f)): torch.testing.assert_close(g(*ops), want)
        with FakeTensorMode() as mode: assert f(*[mode.from_tensor(t) for t in ops]).shape == want.shape
        assert f(*[t.to('meta') for t in ops]).shape == want.shape
        for transform in (lambda f: jvp(f, tuple(ops), tuple(ops))[1], lambda f: jacfwd(f)(*ops), lambda f: hessian(lambda *o: f(*o).pow(2).sum())(*ops), lambda f: vmap(f)(*[torch.stack([t, 2*t]) for t in ops]),
                          lambda f: grad(lambda *o: f(*o).sum())(*ops)): torch.testing.assert_close(transform(f), transform(their))

def test_on_torchs_own_samples():
    pytest.importorskip('expecttest')
    from torch.testing._internal.common_methods_invocations import op_db
    op, = [op for op in op_db if op.name == 'einsum']
    for sample in op.sample_inputs('cpu', torch.float64): agree(sample.args[0], sample.input)

@pytest.mark.parametrize('eq', """a,ab,abc->abc a,b,ab->ab ea,fb,gc,hd,abcd->efgh ea,fb,abcd,gc,hd->efgh abcd,ea,fb,gc,hd->efgh
acdf,jbje,gihb,hfac,gfac,gifabc,hfac cd,bdhe,aidb,hgca,gc,hgibcd,hgac abhe,hidj,jgba,hiab,gab bde,cdh,agdb,hica,ibd,hgicd,hiac chd,bde,agbc,hiad,hgc,hgi,hiad chd,bde,agbc,hiad,bdi,cgh,agdb bdhe,acad,hiab,agac,hibd
ab,ab,c-> ab,ab,c->c ab,ab,cd,cd-> ab,ab,cd,cd->ac ab,ab,cd,cd->cd ab,ab,cd,cd,ef,ef-> ab,cd,ef->abcdef ab,cd,ef->acdf ab,cd,de->abcde ab,cd,de->be ab,bcd,cd->abcd ab,bcd,cd->abd
eb,cb,fb->cef dd,fb,be,cdb->cef bca,cdb,dbf,afc-> dcc,fce,ea,dbf->ab fdf,cdd,ccd,afe->ae abcd,ad ed,fcd,ff,bcf->be baa,dcf,af,cde->be bd,db,eac->ace fff,fae,bef,def->abd efc,dbc,acf,fd->abe
ab,ab ab,ba abc,abc abc,bac abc,cba ab,bc ab,cb ba,bc ba,cb abcd,cd abcd,ab abcd,cdef abcd,cdef->feba abcd,efdc aab,bc->ac ab,bcc->ac aab,bcc->ac baa,bcc->ac aab,ccb->ac a,a, ,ab,ab abcdef,bcdfg->abcdeg""".split())
def test_contractions_of_many(eq):
    "Contractions of the kinds that opt_einsum's and numpy's tests try: chains, traces inside, hadamard products, outer products, sums of several operands."
    sizes = dict(zip('abcdefghij', [2, 3, 4, 5, 4, 3, 2, 6, 5, 4]))
    ops = normal(shapes_of(eq, sizes))
    ops = [t/t.numel()**.25 for t in ops]
    want = torch.einsum(eq, *ops)
    torch.testing.assert_close(einsum(eq, *ops), want)
    np.testing.assert_allclose(einsum(eq, *ops).numpy(), np.einsum(eq, *[t.numpy() for t in ops], optimize=True), rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(eval(explain_einsum(eq, *ops).torch, dict(zip('ABCDEFG', ops), torch=torch)), want)

def test_lists_of_numbers():
    A, B = normal([(2, 3), (3, 4)])
    for args in ((A, [0, 1], B, [1, 2], [0, 2]), (A, [0, 1], B, [1, 2]), (A, [30, 1], B, [1, 2]), (A, [..., 1], [1, ...]), (A, [0, 1], [])): torch.testing.assert_close(einsum(*args), torch.einsum(*args))
    for args in ((A, [0, 52], [0]), (A, 'ij', [0])):
        with pytest.raises(ValueError, match='ops: expected lists of whole numbers from 0 to 51'): einsum(*args)

@pytest.mark.parametrize('names', ['for B', 'None A', 'class B', '__debug__ B', 'B out', 'range B', 'é B'])
def test_names_that_cannot_be_names(names):
    with pytest.raises(ValueError, match='names: '): explain_einsum('ij,jk->ik', (2, 3), (3, 2), names=names)

@pytest.mark.parametrize('eq, names', [('ij,jk->ik', 'i i_'), ('ij,jk->ik', 'i_ i__'), ('iI,Ij->ij', 'I i'), ('aA,Ab->ab', None), ('BA,AC->BC', 'A_ A'), ('...i,i->...', 'e0 e0_'), ('ij,jk->ik', 'loops sum'), ('ij,jk->ik', 'match type')])
def test_loops_with_any_names(eq, names):
    ops = normal([(2, 3), (3, 2)] if '...' not in eq else [(2, 3), (3,)])
    e = explain_einsum(eq, *ops, names=names)
    code = {}
    exec(e.loops, code)
    torch.testing.assert_close(code['loops'](*ops), torch.einsum(eq, *ops))
    torch.testing.assert_close(eval(e.torch, dict(zip(e.names, ops), torch=torch)), torch.einsum(eq, *ops))

@pytest.mark.parametrize('dtype', [torch.int8, torch.uint8, torch.int32, torch.bool])
@pytest.mark.parametrize('eq, n', [('i->', 1), ('ij->j', 1), ('i,i->', 2), ('i,i->i', 2), ('i,j->', 2), ('ij,ik->i', 2), ('ij,j->j', 2)])
def test_loops_add_in_torchs_type(eq, n, dtype):
    "300 ones in int8 are 300, not 44: torch sums small integers in int64; a product that is summed stays in its own type."
    ops = [(torch.arange(math.prod(s)).view(s) % 3 + 100).to(dtype) for s in shapes_of(eq, dict(i=30, j=30, k=2))]
    if dtype == torch.bool and eq == 'i,i->': return
    for given in (ops, [tuple(t.shape) for t in ops]):
        code = {}
        exec(explain_einsum(eq, *given).loops, code)
        ours, want = code['loops'](*ops), torch.einsum(eq, *ops)
        assert ours.dtype == want.dtype and torch.equal(ours, want)
    x = torch.ones(300, dtype=torch.int8)
    assert with_loops('i->', x) == 300 == einsum('i->', x)

@pytest.mark.parametrize('dtypes', [(torch.int8, torch.float32), (torch.bfloat16, torch.float32), (torch.int8, torch.int64)])
def test_loops_of_mixed_types(dtypes):
    ops = [torch.arange(1, 4).to(d) for d in dtypes]
    ours, want = with_loops('i,i->i', *ops), torch.einsum('i,i->i', *ops)
    assert ours.dtype == want.dtype and torch.equal(ours, want)
    assert with_loops('i,i->i', *[np.arange(1, 4).astype(k) for k in ('int8', 'float32')]).dtype == np.float32

# --- errors

o = torch.ones
@pytest.mark.parametrize('eq, ops, message', [
    ('ij,jk->ik', [o(2, 3)], "eq 'ij,jk->ik' has 2 terms and needs as many operands, got 1"),
    ('ij', [o(2, 3), o(2)], "eq 'ij' has 1 term and needs as many operands, got 2"),
    ('ij,ijk->k', [o(2, 3), o(2, 3)], "operand 1 ('ijk') has 3 indices, but its shape (2, 3) has 2"),
    ('i', [o(2, 3)], "operand 0 ('i') has 1 index, but its shape (2, 3) has 2; '...' would stand for the rest"),
    ('i...j', [o(3)], "operand 0 ('i...j') has 2 indices besides the ..., but its shape (3,) has 1"),
    ('ij,jk->ik', [o(2, 3), o(4, 2)], "index 'j' has size 3 in operand 0 ('ij') of shape (2, 3), but size 4 in operand 1 ('jk') of shape (4, 2)"),
    ('i,i,i->', [o(1), o(4), o(3)], "index 'i' has size 4 in operand 1 ('i') of shape (4,), but size 3 in operand 2 ('i') of shape (3,)"),
    ('i,i->', [o(0), o(3)], "index 'i' has size 0 in operand 0 ('i') of shape (0,), but size 3 in operand 1 ('i') of shape (3,)"),
    ('ii->', [o(2, 3)], "index 'i' appears twice in operand 0 ('ii'), with sizes 2 and 3; its shape is (2, 3)"),
    ('ii->', [o(1, 3)], "index 'i' appears twice in operand 0 ('ii'), with sizes 1 and 3"),
    ('ij->ik', [o(2, 3)], "index 'k' of the output ('ik') is in no operand. They have i, j"),
    ('ij->ii', [o(2, 3)], "index 'i' appears twice in the output ('ii')"),
    ('...i->......', [o(2, 3)], "the output ('......') has more than one '...'"),
    ('i1->i', [o(2, 3)], "'1' in operand 0 ('i1') is not an index"), ('ij->i,j', [o(2, 3)], "',' in the output ('i,j') is not an index"),
    ('ij>i', [o(2, 3)], "an arrow is '->'"), ('ij-i', [o(2, 3)], "an arrow is '->'"), ('ij - > i', [o(2, 3)], "an arrow is '->'"), ('ij->i->j', [o(2, 3)], "more than one arrow '->'"),
    ('...i...->i', [o(2, 3)], "operand 0 ('...i...') has more than one '...'"), ('..i->i', [o(2, 3)], "an ellipsis is three dots"), ('é->', [o(3)], "'é' in operand 0 ('é') is not an index"),
    ('...i,...i->...', [o(2, 3), o(4, 3)], "the axes of '...' in operand 0 ('...i') of shape (2, 3) and in operand 1 ('...i') of shape (4, 3) do not broadcast: sizes 2 and 4")])
def test_errors(eq, ops, message):
    for f in (einsum, explain_einsum, einsum_loops):
        with pytest.raises(ValueError, match=re.escape(message)): f(eq, *ops)
    with pytest.raises(ValueError, match=re.escape(message)): explain_einsum(eq, *[tuple(t.shape) for t in ops])
    with pytest.raises((RuntimeError, ValueError)): torch.einsum(eq, *ops)

def test_more_errors():
    with pytest.raises(ValueError, match='one dtype, got float32 for operand 0, float64 for operand 1'): einsum('i,i->', o(3), o(3).double())
    with pytest.raises(TypeError, match='operand 1 should be a tensor, got list'): einsum('i,i->', o(3), [1, 2, 3])
    for f in (einsum, explain_einsum, einsum_loops):
        with pytest.raises(TypeError, match='eq: expected a text'): f(3, o(3))
    with pytest.raises(ValueError, match='whole numbers from 0'): explain_einsum('ij', (2, -1))
    with pytest.raises(TypeError, match='operand 0 should be a tensor, an array or a shape, got str'): einsum_loops('ij', '23')
    for names in ('a', '1 2', 'a a', 'out b', 'torch b'):
        with pytest.raises(ValueError, match='names: '): explain_einsum('i,i->', o(3), o(3), names=names)
    for at in [(2, 0), (0,), (0, -1)]:
        with pytest.raises(ValueError, match=re.escape('at: expected the index of an element of an output of shape (2, 3)')): explain_einsum('ij->ij', o(2, 3)).at(*at)

@pytest.mark.parametrize('eq, shapes, words', [
    ('ij->ji', [(2, 3)], 'for each j and i, take A[i, j]'), ('ii->', [(3, 3)], 'sum A[i, i] over i'), ('i,j->ij', [(2,), (3,)], 'for each i and j, multiply A[i] and B[j]'),
    ('bhqd,bhkd->bhqk', [(1, 2, 3, 4)]*2, 'for each b, h, q and k, sum A[b, h, q, d]·B[b, h, k, d] over d'), ('ij,jk->ik', [(2, 1), (3, 4)], 'for each i and k, sum A[i, 0]·B[j, k] over j'), ('->', [()], 'take A')])
def test_words(eq, shapes, words): assert explain_einsum(eq, *shapes).words == words

def test_shapes_of_any_size():
    e = explain_einsum('ij,jk->ik', (10**9, 10**8), (10**8, 10**9))
    assert e.multiplications == 10**26 and '100,000,000 in all' in e.facts['one element'] and len(e._repr_html_()) < 40_000
    assert explain_einsum('i->', np.array([2]).shape).torch == explain_einsum('i->', [np.int64(2)]).torch == 'A.sum()'
