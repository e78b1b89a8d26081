"The engine against PyTorch on random expressions; clipping against PyTorch's; graphs of varied computations."
import math
import pytest, torch
from hypothesis import given, settings, strategies as st
from torch import nn
from nnbolts.backprop import Var, clip_grad_norm_, draw_graph, grad_table

quick = settings(max_examples=80, deadline=None, derandomize=True)
UNARY = [
    lambda v: v.relu(), lambda v: (v*0.1).exp(), lambda v: (v*v + 1).log(), lambda v: v**2, lambda v: -v,
    lambda v: v.mean(), lambda v: (v*v + 1)**-0.5, lambda v: v.sum(-1, keepdim=True), lambda v: 3 - v, lambda v: v/2]
BINARY = [lambda a, b: a + b, lambda a, b: a*b, lambda a, b: a - b, lambda a, b: a/(b*b + 1)]
SHAPES = [(3, 4), (1, 4), (3, 1), (4,), (1,), ()]

@quick
@given(
    st.lists(st.sampled_from(SHAPES), min_size=2, max_size=3),
    st.lists(st.tuples(st.integers(0, 13), st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=7),
    st.integers(0, 99))
def test_random_expressions(shapes, steps, seed):
    g = torch.Generator().manual_seed(seed)
    data = [torch.randn(s, generator=g, dtype=torch.float64) for s in shapes]
    found = []
    for make in (lambda t: Var(t), lambda t: t.clone().requires_grad_()):
        leaves = [make(t) for t in data]
        values = list(leaves)
        for op, i, j in steps:
            a, b = values[i % len(values)], values[j % len(values)]
            dims = a.data.dim() if isinstance(a, Var) else a.dim()
            if op == 7 and dims == 0: op = 5
            values.append(UNARY[op](a) if op < len(UNARY) else BINARY[op - len(UNARY)](a, b))
        total = values[-1].sum()
        for v in values[len(leaves):-1]: total = total + v.sum()*0.3
        total.backward()
        found.append([l.grad for l in leaves])
    for ours, theirs in zip(*found):
        if theirs is None: assert ours is None
        else: torch.testing.assert_close(ours, theirs)

@quick
@given(st.integers(1, 4), st.integers(0, 4), st.integers(1, 4), st.integers(0, 2))
def test_matmul(n, k, m, batch):
    shape = (batch,)*(batch > 0)
    a, b = torch.randn(*shape, n, k, dtype=torch.float64), torch.randn(k, m, dtype=torch.float64)
    u, v = Var(a), Var(b)
    (u @ v).sum().backward()
    s, t = a.clone().requires_grad_(), b.clone().requires_grad_()
    (s @ t).sum().backward()
    torch.testing.assert_close(u.grad, s.grad)
    torch.testing.assert_close(v.grad, t.grad)

@quick
@given(
    st.lists(st.sampled_from(SHAPES), max_size=4), st.floats(0, 50),
    st.sampled_from([0.5, 1., 2., 3., math.inf]), st.integers(0, 9))
def test_clipping(shapes, max_norm, norm_type, seed):
    torch.manual_seed(seed)
    a, b = ([torch.zeros(s, requires_grad=True) for s in shapes] for _ in range(2))
    for p, q in zip(a, b): p.grad = torch.randn(p.shape)*10; q.grad = p.grad.clone()
    ours, theirs = clip_grad_norm_(a, max_norm, norm_type), nn.utils.clip_grad_norm_(b, max_norm, norm_type)
    torch.testing.assert_close(ours, theirs)
    for p, q in zip(a, b): torch.testing.assert_close(p.grad, q.grad)

CONV = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(18, 3))
MODELS = {
    'linear': (nn.Linear(4, 2), (3, 4)), 'conv': (CONV, (2, 1, 5, 5)),
    'attention': (nn.TransformerEncoderLayer(8, 2, 16, dropout=0., batch_first=True), (2, 3, 8)),
    'gelu': (nn.Sequential(nn.Linear(4, 4), nn.GELU(), nn.LayerNorm(4)), (3, 4))}

@pytest.mark.parametrize('name', MODELS)
def test_graphs_show_every_leaf(name):
    import matplotlib
    matplotlib.use('agg')
    model, shape = MODELS[name]
    fig = draw_graph(model(torch.randn(shape)).sum(), model)
    text = [t.get_text() for t in fig.axes[0].texts]
    for n, _ in model.named_parameters(): assert n in text, n
    matplotlib.pyplot.close(fig)

def test_frozen_and_detached_parameters_are_not_drawn_as_leaves():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    first = model[0](torch.randn(3, 4)).detach()
    text = [t.get_text() for t in draw_graph(model[1](first).sum(), model).axes[0].texts]
    assert '1.weight' in text and '0.weight' not in text and any('no gradient' in t for t in text)

def places(fig):
    "Where the words of a graph stand on the page: {text: (x, y)}, the highest y at the top."
    on_page = fig.axes[0].transData.transform
    return {t.get_text().split('\n')[0]: on_page(t.get_position()) for t in fig.axes[0].texts if t.get_text()}

def test_what_a_result_is_made_of_stands_above_it_and_arrows_point_down():
    model, x = nn.Linear(4, 2), torch.ones(3, 4)
    fig = draw_graph(model(x).exp().sum(), model)
    at = places(fig)
    assert at['weight'][1] > at['T'][1] > at['Addmm'][1] > at['Exp'][1] > at['Sum'][1]
    assert at['bias'][1] > at['Addmm'][1] and at['constant'][1] > at['Addmm'][1]
    arrows = [t for t in fig.axes[0].texts if getattr(t, 'arrow_patch', None) is not None]
    assert len(arrows) == 6
    on_page = fig.axes[0].transData.transform
    for arrow in arrows:
        assert on_page(arrow.xyann)[1] > on_page(arrow.xy)[1]  # from xyann down to xy, where the head is
    cut = [a for a in arrows if a.arrow_patch.get_linestyle() in ('--', 'dashed')]
    assert len(cut) == 1 and abs(on_page(cut[0].xyann)[0] - at['constant'][0]) < 1e-6

def test_grad_table_has_a_row_for_each_parameter():
    model = nn.Linear(4, 2)
    assert grad_table(model).grad_norm.isna().all()
    model(torch.ones(3, 4)).sum().backward()
    assert grad_table(model).grad_max.tolist() == [3., 3.]

# --- what readers try first

MIXED = [
    lambda v, t: 1/v, lambda v, t: t/v, lambda v, t: t + v, lambda v, t: t*v, lambda v, t: t - v,
    lambda v, t: v/torch.tensor([2, 4]), lambda v, t: v**0, lambda v, t: t @ v, lambda v, t: t.T @ v @ t]

@pytest.mark.parametrize('f', MIXED)
def test_numbers_and_tensors_on_the_left(f):
    data = torch.tensor([[1., 2.], [0.5, -3.]], dtype=torch.float64)
    t = torch.tensor([[1., -1.], [2., 0.3]], dtype=torch.float64)
    v, theirs = Var(data), data.clone().requires_grad_()
    f(v, t).sum().backward()
    f(theirs, t).sum().backward()
    assert isinstance(f(v, t), Var)
    torch.testing.assert_close(v.grad, theirs.grad)

@pytest.mark.parametrize('call, error, message', [
    (lambda: Var(torch.ones(2)).backward(), ValueError, r'grad: expected a tensor of shape \(2,\), got None; only'),
    (lambda: Var(torch.ones(2)).backward(torch.ones(2, 1)), ValueError, r'grad: expected the shape of the value'),
    (lambda: Var(1., requires_grad=False).backward(), ValueError, 'self: expected a value that requires a gradient'),
    (lambda: draw_graph(torch.ones(2)), ValueError, 't: expected a result with a history, got a tensor of shape'),
    (lambda: draw_graph([1.]), TypeError, 't: expected a tensor, got list'),
    (lambda: clip_grad_norm_([], -1.), ValueError, 'max_norm: expected a number of at least 0, got -1.0'),
    (lambda: clip_grad_norm_([], 1., 0), ValueError, 'norm_type: expected a number above 0, got 0'),
    (lambda: clip_grad_norm_([], True), TypeError, 'max_norm: expected a number of at least 0, got True')])
def test_messages_name_the_argument(call, error, message):
    with pytest.raises(error, match=message): call()

def test_a_gradient_given_to_backward_is_a_weight_for_each_number():
    v, w = Var(torch.tensor([1., 2., 3.])), torch.tensor([1., 0., 2.])
    (v * v).backward(w)
    assert v.grad.tolist() == [2., 0., 12.]

def test_gradients_add_up_until_they_are_taken_away():
    v = Var(torch.tensor([1., 2.]))
    for n in (1, 2, 3):
        (v * v).sum().backward()
        assert v.grad.tolist() == [2.*n, 4.*n]

def test_a_number_that_is_picked_twice_gets_both_gradients():
    v, t = Var(torch.tensor([1., 2., 3.])), torch.tensor([1., 2., 3.], requires_grad=True)
    for x in (v, t): (x[[0, 2, 2]] * torch.tensor([1., 10., 100.])).sum().backward()
    assert v.grad.tolist() == t.grad.tolist() == [1., 0., 110.]

def test_relu_at_0_is_that_of_pytorch():
    v, t = Var(torch.tensor([-1., 0., 1.])), torch.tensor([-1., 0., 1.], requires_grad=True)
    for x in (v, t): x.relu().sum().backward()
    assert v.grad.tolist() == t.grad.tolist() == [0., 0., 1.]

def test_grad_table_has_the_largest_size_not_the_largest_number():
    model = nn.Linear(1, 2, bias=False)
    model.weight.grad = torch.tensor([[-3.], [1.]])
    row = grad_table(model).loc['weight']
    assert (row.grad_max, row.grad_mean) == (3., -1.) and row.grad_norm == pytest.approx(10**.5)

def test_the_power_0_at_0():
    v = Var(torch.zeros(3))
    (v**0).sum().backward()
    assert v.grad.tolist() == [0., 0., 0.]

@pytest.mark.parametrize('wild', [math.nan, math.inf])
@pytest.mark.parametrize('norm_type', [2., math.inf])
def test_clipping_refuses_what_is_not_finite_if_asked(wild, norm_type):
    def fresh():
        p = torch.zeros(3, requires_grad=True)
        p.grad = torch.tensor([1., wild, 2.])
        return p
    for clip in (clip_grad_norm_, nn.utils.clip_grad_norm_):
        p = fresh()
        with pytest.raises(RuntimeError, match='finite'): clip([p], 1., norm_type, error_if_nonfinite=True)
        torch.testing.assert_close(p.grad, fresh().grad, equal_nan=True)
    p, q = fresh(), fresh()
    clip_grad_norm_([p], 1., norm_type), nn.utils.clip_grad_norm_([q], 1., norm_type)
    torch.testing.assert_close(p.grad, q.grad, equal_nan=True)
    p.grad = torch.ones(3)
    assert clip_grad_norm_([p], 1., norm_type, error_if_nonfinite=True) > 0.9

def test_a_constant_that_an_operation_keeps_is_drawn_under_its_name():
    w, c = torch.ones(3, requires_grad=True), torch.ones(3)
    for product in (w * c, c * w):
        text = [t.get_text() for t in draw_graph(product.sum(), dict(w=w, c=c)).axes[0].texts]
        assert 'w' in text and 'c' in text and sum('no gradient' in t for t in text) == 1

def test_a_graph_is_drawn_where_it_is_asked_for():
    import matplotlib.pyplot as plt
    fig, axes = plt.subplots(1, 2)
    assert draw_graph(torch.ones(2, requires_grad=True).sum(), ax=axes[1]) is fig
    assert axes[1].texts and not axes[0].texts
    plt.close('all')

def test_clipping_changes_the_gradients_in_place():
    p = torch.zeros(2, requires_grad=True)
    p.grad = kept = torch.tensor([3., 4.])
    clip_grad_norm_([p], 1.)
    assert p.grad is kept and kept.norm().item() == pytest.approx(1., abs=1e-5)

def test_a_whole_number_becomes_a_float():
    v = Var(2)
    (v * v).backward()
    assert v.data.is_floating_point() and v.grad.item() == 4.

def test_grad_table_says_what_is_trained_before_any_backward_too():
    model = nn.Linear(4, 2)
    model.bias.requires_grad_(False)
    assert grad_table(model).trained.to_dict() == dict(weight=True, bias=False)
