"What `compare`, `same` and `check` promise. Runs without a checkout (test_wheel.py)."
import pytest
import torch
from nnbolts.check import (awkward_inputs, check, compare, exercise, same, show_error, solution, verdict,
                           _exercises)

EPS = {torch.float64: 1e-7, torch.float32: 1.3e-5, torch.float16: 1e-3, torch.bfloat16: 1.6e-2}

@pytest.fixture
def twice():
    "An exercise for the time of a test: doubling."
    def add(inputs, **kw):
        @solution(inputs, hint='Try 2*x.', **kw)
        def twice(x):
            "Write twice(x)."
            return 2*x
    yield add
    _exercises.pop('twice', None)

@pytest.mark.parametrize('dtype', list(EPS))
def test_the_tolerance_is_that_of_the_type(dtype, capsys):
    "One part in a hundred thousand is rounding in float32; ten times the tolerance is a difference, in every type."
    x = torch.tensor([1., 2.], dtype=dtype)
    compare('half of it', x, x.double()*(1 + EPS[dtype]/2))
    assert 'equal to rounding' in capsys.readouterr().out
    for worse in (4, 10):
        with pytest.raises(AssertionError, match='largest difference'):
            compare('more', x, x.double()*(1 + worse*EPS[dtype]))

@pytest.mark.parametrize('dtype', [torch.float64, torch.float32])
def test_a_value_that_is_a_little_off_is_found(dtype):
    x = torch.tensor([1., 2.], dtype=dtype)
    with pytest.raises(AssertionError, match='the value, by up to'):
        same(lambda x: x*(1 + 10*EPS[dtype]), lambda x: x*1., x)

@pytest.mark.parametrize('scale', [1, 1e-3, 1e3])
def test_a_gradient_that_is_a_thousandth_off_is_found(scale):
    class Off(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x): ctx.save_for_backward(x); return x*x
        @staticmethod
        def backward(ctx, g): return g*2*ctx.saved_tensors[0]*1.001
    with pytest.raises(AssertionError, match='the gradient of argument 0'):
        same(Off.apply, torch.square, scale*torch.tensor([1., 2., 3.]))

def test_small_numbers_are_not_all_alike():
    "What is absolute in the tolerance is a millionth at most."
    with pytest.raises(AssertionError): compare('x', torch.tensor([1e-5]), torch.tensor([2e-5]))
    with pytest.raises(AssertionError):
        compare('x', torch.tensor([1e-8], dtype=torch.float64), torch.tensor([2e-8], dtype=torch.float64))

def test_a_function_gets_its_own_tensors():
    "Neither function may touch the caller's tensors, nor what the other one is given."
    x, whole, names = torch.ones(3, requires_grad=True), torch.arange(3), ['a']
    given = []
    def note(x, n, s):
        given.append((x.data_ptr(), n.data_ptr(), id(s)))
        with torch.no_grad(): x.mul_(7)
        n.add_(1); s.append('b')
        return n.float().sum()
    same(note, note, (x, whole, names), grads=False)
    assert x.tolist() == [1, 1, 1] and x.grad is None and whole.tolist() == [0, 1, 2] and names == ['a']
    mine = {x.data_ptr(), whole.data_ptr(), id(names)}
    assert not mine & {p for call in given for p in call} and not set(given[0]) & set(given[1])

def test_check_hands_out_copies(twice):
    "An answer that edits its input spoils neither the exercise nor the next answer."
    inputs = [torch.ones(2), (torch.ones(3),)]
    twice(inputs)
    seen = []
    def spoils(x):
        seen.append(x.data_ptr())
        return x.detach().mul_(2)
    for _ in range(2): assert 'is wrong in the gradient' in verdict('twice', spoils)
    assert 'right, on all 2 inputs' in verdict('twice', lambda x: x + x)
    assert [t.sum().item() for t in (inputs[0], inputs[1][0])] == [2, 3]
    assert inputs[0].data_ptr() not in seen

def test_strides_and_types_arrive(twice):
    seen = []
    def note(x): seen.append((x.stride(), x.dtype, x.is_leaf)); return 2*x
    inputs = [torch.randn(3, 2).T, torch.randn(4, 6)[:, ::2], torch.arange(3), torch.ones(2, dtype=torch.float64)]
    twice(inputs)
    assert 'right' in verdict('twice', note)
    assert seen[0][0] == inputs[0].stride() and seen[1][0][1] != 1
    assert [s[1] for s in seen[2:]] == [torch.int64, torch.float64] and all(s[2] for s in seen)

def test_check_never_raises(twice, capsys):
    twice([torch.ones(2)])
    for answer in (lambda x: 1/0, lambda: 0, lambda x: None, 3, lambda x: x[9], lambda x: (x, x), lambda x: 'a'):
        check('twice', answer)
        out = capsys.readouterr().out
        assert out.startswith('twice: ') and 'right, on all' not in out and 'Traceback' not in out
    check('twice', lambda x: x*2)
    assert capsys.readouterr().out == 'twice: right, on all 1 inputs, gradients too.\n'

def test_an_exercise_without_gradients(twice):
    twice([torch.ones(2)], grads=False)
    assert 'right' in verdict('twice', lambda x: 2*x.detach())

def test_the_first_input_that_breaks_is_shown(twice):
    twice(awkward_inputs(3))
    text = verdict('twice', lambda x: 2*x if x.dim() == 1 else x + 1)
    assert text.startswith('twice: input 2 of 10 breaks it.') and 'wanted' in text and 'Hint: Try 2*x.' in text

def test_nan_and_infinity():
    odd = torch.tensor([torch.nan, torch.inf, -torch.inf])
    compare('odd', odd, odd.clone())
    for other in ([0., torch.inf, -torch.inf], [torch.nan, -torch.inf, -torch.inf], [torch.nan, 3e38, -torch.inf]):
        with pytest.raises(AssertionError): compare('odd', odd, torch.tensor(other))

def test_show_error_wants_an_error(capsys):
    assert isinstance(show_error(int, 'x'), ValueError) and capsys.readouterr().out.startswith('ValueError: ')
    with pytest.raises(AssertionError, match='expected an error'): show_error(len, [])

def test_an_unknown_exercise_names_the_nearest(twice):
    twice([torch.ones(1)])
    with pytest.raises(ValueError, match="did you mean 'twice'"): exercise('twise')

@pytest.fixture
def clean():
    "What a test registers is gone afterwards."
    before = dict(_exercises)
    yield
    _exercises.clear()
    _exercises.update(before)

def test_a_solution_gives_name_task_and_signature(clean, capsys):
    @solution([torch.ones(2), (torch.ones(2), 3)], hint='Multiply.')
    def _scaled(x: torch.Tensor, by: int=2):
        """Return x,
        scaled."""
        return x*by
    assert _scaled(torch.ones(1), 4).item() == 4
    exercise('scaled')
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ['Return x, scaled.', 'Signature: scaled(x, by=2)']
    assert "check('scaled', your_function)" in lines[2]
    assert 'right, on all 2 inputs, gradients too' in verdict('scaled', lambda x, by=2: x*by)
    assert 'Hint: Multiply.' in verdict('scaled', lambda x, by=2: x + by)

def test_a_solution_may_be_a_class_that_is_driven(clean, capsys):
    def drive(answer, *steps): return [answer().step(s) for s in steps]
    @solution([(1, 2), ()], hint='Twice.', use=drive)
    class Doubler:
        "Write a class with a method step(x), which returns 2*x."
        def step(self, x): return 2*x
    class Wrong(Doubler):
        def step(self, x): return x
    exercise('Doubler')
    assert "Your class is tried on 2 inputs" in capsys.readouterr().out
    assert verdict('Doubler', Doubler).startswith('Doubler: right, on all 2 inputs')
    assert 'input 1 of 2 breaks it. Wrong is wrong in the value' in verdict('Doubler', Wrong)
    assert 'Doubler: input 1 of 2 breaks it. int raises AttributeError' in verdict('Doubler', int)

@pytest.mark.parametrize('inputs, f, error, text', [
    ([], lambda x: x, ValueError, 'docstring'), ([1], 3, TypeError, 'solution: expected a function, got int')])
def test_a_solution_that_is_none(clean, inputs, f, error, text):
    with pytest.raises(error, match=text): solution(inputs, hint='')(f)

def test_a_solution_without_inputs(clean):
    def f(x): "Do nothing."
    with pytest.raises(ValueError, match='inputs: expected at least one, got none'): solution([], hint='')(f)
