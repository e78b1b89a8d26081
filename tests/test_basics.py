"Gradient descent, the linear layer and the accuracy: against PyTorch's own, and what they say to bad input."
import math
import pytest, torch, torch.nn.functional as F
from hypothesis import given, settings, strategies as st
from nnbolts.basics import accuracy, descend, init_linear, linear
from nnbolts.check import same

quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)

@quick
@given(st.floats(-4, 4), st.floats(1e-4, .02), st.integers(0, 20))
def test_descend_is_sgd(start, lr, steps):
    ours, theirs = (torch.tensor(start, dtype=torch.float64, requires_grad=True) for _ in range(2))
    opt, want = torch.optim.SGD([theirs], lr=lr), []
    for _ in range(steps):
        want.append(theirs.item())
        opt.zero_grad()
        ((5 - theirs**2)**2).backward()
        opt.step()
    assert descend(lambda: (5 - ours**2) ** 2, ours, lr, steps, record=lambda: ours) == pytest.approx(
        want
    ) and ours.item() == pytest.approx(theirs.item())
    assert ours.grad is None

def test_descend_trains_a_module():
    torch.manual_seed(0)
    net, x, y = torch.nn.Linear(3, 2), torch.randn(20, 3), torch.randint(0, 2, (20,))
    losses = descend(lambda: F.cross_entropy(net(x), y), net.parameters(), .5, 50)
    assert losses[-1] < losses[0] and losses == sorted(losses, reverse=True)

def test_old_gradients_do_not_enter():
    g = torch.tensor(4., requires_grad=True)
    (1000*g).backward()
    descend(lambda: (5 - g**2)**2, [g], .01, 1)
    assert g.item() == pytest.approx(2.24)

@pytest.mark.parametrize('shape', [(5,), (4, 5), (2, 3, 5), (0, 5)])
def test_linear_like_torch(shape):
    torch.manual_seed(0)
    same(linear, lambda x, w, b: F.linear(x, w.t(), b), (torch.randn(shape), torch.randn(5, 3), torch.randn(3)))

def test_init_linear():
    w, b = init_linear(400, 7)
    assert (
        w.is_leaf
        and b.is_leaf
        and w.requires_grad
        and b.requires_grad
        and w.shape == (400, 7)
        and b.tolist() == [0.0] * 7
    )
    assert 0 <= w.min() and w.max() <= 1/20 and abs(w.mean() - 1/40) < 1e-3

@quick
@given(st.integers(1, 30), st.integers(2, 6), st.integers(0, 5))
def test_accuracy(n, c, seed):
    g = torch.Generator().manual_seed(seed)
    out, y = torch.randn(n, c, generator=g), torch.randint(0, c, (n,), generator=g)
    assert accuracy(out, y).item() == pytest.approx(
        sum(max(range(c), key=lambda j: row[j]) == k for row, k in zip(out.tolist(), y.tolist())) / n
    )

def test_they_trace():
    x, y = torch.randn(6, 4), torch.tensor([0, 3, 1, 1, 2, 0])
    w, b = torch.randn(4, 4), torch.randn(4)
    assert torch.func.vmap(accuracy)(x, y).shape == (6,)
    assert accuracy(x.to('meta'), y.to('meta')).shape == () and linear(
        x.to('meta'), w.to('meta'), b.to('meta')
    ).shape == (6, 4)
    for f, args in ((accuracy, (x, y)), (linear, (x, w, b))):
        same(torch.compile(f, fullgraph=True, backend='aot_eager'), f, args)
    same(
        lambda w: torch.func.hessian(lambda w: F.cross_entropy(linear(x, w, b), y))(w),
        lambda w: torch.func.hessian(lambda w: F.cross_entropy(x @ w + b, y))(w),
        w,
        grads=False,
    )

ok = torch.tensor(4., requires_grad=True)
def square(): return (5 - ok**2)**2
@pytest.mark.parametrize('call, error, words', [
    (lambda: descend(square, torch.tensor(4.), .1, 1), ValueError,
     'params[0]: expected a tensor that requires grad, got one that does not'),
    (lambda: descend(square, [ok, ok*1], .1, 1), ValueError,
     'params[1]: expected a leaf, got the result of a computation'),
    (lambda: descend(square, [ok, ok], .1, 1), ValueError,
     'params[1]: expected each tensor once, got one a second time'),
    (lambda: descend(square, [], .1, 1), ValueError, 'params: expected at least one tensor, got none'),
    (lambda: descend(square, 4., .1, 1), TypeError, 'params: expected tensors, got 4.0'),
    (lambda: descend(square, [4.], .1, 1), TypeError, 'params[0]: expected a tensor, got 4.0'),
    (lambda: descend(square, torch.nn.Linear(1, 1), .1, 1), TypeError, 'module.parameters()'),
    (lambda: descend(square, ok, 0, 1), ValueError, 'lr: expected a number above 0, got 0'),
    (lambda: descend(square, ok, -1, 1), ValueError, 'lr: expected a number above 0, got -1'),
    (lambda: descend(square, ok, math.nan, 1), ValueError, 'got nan'),
    (lambda: descend(square, ok, math.inf, 1), ValueError, 'got inf'),
    (lambda: descend(square, ok, '0.1', 1), TypeError, "lr: expected a number above 0, got '0.1'"),
    (lambda: descend(square, ok, .1, 2.5), TypeError, 'steps: expected a whole number of at least 0, got 2.5'),
    (lambda: descend(square, ok, .1, -1), ValueError, 'steps: expected a whole number of at least 0, got -1'),
    (lambda: descend(square(), ok, .1, 1), TypeError,
     'loss: expected a function of no arguments, got a tensor of shape ()'),
    (lambda: descend(lambda: 1., ok, .1, 1), TypeError, 'loss(): expected a tensor, got 1.0'),
    (lambda: descend(lambda: ok*torch.ones(2), ok, .1, 1), ValueError, 'loss(): expected one number, got shape (2,)'),
    (lambda: descend(lambda: torch.tensor(1.), ok, .1, 1), ValueError,
     'loss(): expected a tensor that depends on params'),
    (lambda: descend(square, [ok, torch.tensor(1., requires_grad=True)], .1, 1), ValueError,
     'params[1]: expected a gradient, got none'),
    (lambda: linear(torch.zeros(2, 28, 28), *init_linear(784, 10)), ValueError,
     'x: expected shape (..., 784) to go with w of shape (784, 10), got (2, 28, 28)'),
    (lambda: linear(torch.tensor(1.), *init_linear(1, 1)), ValueError, 'got ()'),
    (lambda: linear([1.], *init_linear(1, 1)), TypeError, 'x: expected a tensor, got list'),
    (lambda: linear(torch.zeros(2, 5), torch.zeros(5), torch.zeros(1)), ValueError,
     'w: expected a tensor with 2 axes, got shape (5,)'),
    (lambda: linear(torch.zeros(2, 5), torch.zeros(5, 2), torch.zeros(2, 1)), ValueError,
     'b: expected shape (2,), one number for each column of w, got (2, 1)'),
    (lambda: linear(torch.zeros(2, 5), torch.zeros(5, 2), torch.zeros(1)), ValueError, 'b: expected shape (2,)'),
    (lambda: init_linear(0, 3), ValueError, 'n_in: expected a whole number of at least 1, got 0'),
    (lambda: init_linear(3, -1), ValueError, 'n_out: expected a whole number of at least 1, got -1'),
    (lambda: init_linear(3., 1), TypeError, 'n_in: expected a whole number of at least 1, got 3.0'),
    (lambda: accuracy(torch.zeros(3, 4), torch.zeros(3, 1).long()), ValueError,
     'y: expected shape (3,), one index for each row of out, got (3, 1)'),
    (lambda: accuracy(torch.zeros(3, 4), F.one_hot(torch.arange(3), 4)), ValueError, 'y: expected shape (3,)'),
    (lambda: accuracy(torch.tensor(1.), torch.tensor(1)), ValueError, 'out: expected shape (..., C), got ()'),
    (lambda: accuracy(torch.zeros(3, 1), torch.zeros(3).long()), ValueError, 'out: expected at least 2 columns'),
    (lambda: accuracy(torch.zeros(3, 4), torch.zeros(3)), TypeError,
     'y: expected a tensor of whole numbers, got torch.float32'),
    (lambda: accuracy(torch.zeros(0, 4), torch.zeros(0).long()), ValueError,
     'out: expected at least one row, got shape (0, 4)'),
])
def test_errors(call, error, words):
    with pytest.raises(error) as e: call()
    assert words in str(e.value) and ok.item() == 4

def test_what_is_recorded_is_a_copy_in_lists_too():
    v = torch.tensor([1., 2.], requires_grad=True)
    first, second = descend(lambda: v.sum(), v, 1, 2, record=lambda: (v, [v[0]], 'x'))
    assert first[0].tolist() == [1., 2.] and second[0].tolist() == [0., 1.]
    assert first[1:] == ([1.], 'x') and second[1:] == ([0.], 'x')

def test_parameters_of_equal_value_are_two():
    a, b = (torch.tensor(1., requires_grad=True) for _ in range(2))
    assert descend(lambda: a * b, [a, b], .1, 1) == [1.] and a.item() == b.item() == pytest.approx(.9)

def test_a_parameter_that_drops_out_of_the_loss_is_named_when_it_does():
    a, b = (torch.tensor(1., requires_grad=True) for _ in range(2))
    uses = iter([True, False])
    with pytest.raises(ValueError, match=r'params\[1\]: expected a gradient, got none'):
        descend(lambda: a + b if next(uses) else a * 2, [a, b], .1, 2)

def test_accuracy_is_float32_whatever_comes():
    assert accuracy(torch.eye(3, dtype=torch.float64), torch.arange(3)).dtype == torch.float32
