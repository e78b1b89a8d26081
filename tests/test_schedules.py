"What the page of the schedules cannot show: groups of parameters, PyTorch's schedulers, all that lr_find puts back."
from functools import partial
import pytest, torch, torch.nn.functional as F
from torch import nn
from nnbolts.learner import *
from nnbolts.schedules import *
from nnbolts.training import SGD
from small import *

# --- learning rates and optimizers


def grouped(m, *rates, cls=torch.optim.SGD):
    return cls([dict(params=list(layer.parameters()), lr=lr) for layer, lr in zip((m[0], m[2]), rates)], lr=1.0)


@pytest.mark.parametrize('cls', [torch.optim.SGD, SGD])
def test_each_group_keeps_its_share_of_the_rate(cls, capsys):
    m = model(cls is not SGD)
    opt, see = grouped(m, 1e-4, 1e-1, cls=cls), Rates()
    learn = make(m, opt_func=opt, cbs=see)
    learn.fit_one_cycle(2)
    shape = [one_cycle(1.)(i, 8) for i in range(8)]
    assert [r[1] for r in see.rates] == pytest.approx([0.1 * s for s in shape]) and [
        r[0] for r in see.rates
    ] == pytest.approx([1e-4 * s for s in shape])
    assert [g['lr'] for g in opt.param_groups] == [1e-4, 1e-1], 'the rates are back after the schedule'
    learn.fit(1, cbs=SchedulerCB(lambda i, n: 0.5 - 0.1 * i))
    assert see.rates[0] == pytest.approx([5e-4, 0.5]) and see.rates[3] == pytest.approx([2e-4, 0.2])
    learn.fit(1, lr=0.05)
    assert see.rates[0] == pytest.approx([5e-5, 0.05])
    learn.remove(Progress).lr_find(plot=False)
    assert [g['lr'] for g in opt.param_groups] == pytest.approx([5e-5, 0.05])

SCHEDULERS = dict(
    cls=(partial(torch.optim.lr_scheduler.StepLR, step_size=2, gamma=0.5), 'batch', lambda i: 0.1 * 0.5 ** (i // 2)),
    function=(
        lambda opt: torch.optim.lr_scheduler.LambdaLR(opt, lambda i: 1 / (i + 1)),
        'batch',
        lambda i: 0.1 / (i + 1),
    ),
    several=(
        lambda opt: torch.optim.lr_scheduler.SequentialLR(
            opt,
            [torch.optim.lr_scheduler.ConstantLR(opt, 0.5, 2), torch.optim.lr_scheduler.ExponentialLR(opt, 0.9)],
            [4],
        ),
        'batch',
        lambda i: 0.05 if i < 2 else 0.1 if i < 4 else 0.1 * 0.9 ** (i - 4),
    ),
    epochs=(partial(torch.optim.lr_scheduler.ExponentialLR, gamma=0.1), 'epoch', lambda i: 0.1 * 0.1 ** (i // 4)),
)

@pytest.mark.parametrize('ours', [True, False])
@pytest.mark.parametrize('name', SCHEDULERS)
def test_torch_schedulers(name, ours, capsys):
    make_it, by, want = SCHEDULERS[name]
    see, opt_func = Rates(), SGD if ours else torch.optim.SGD
    learn = make(model(not ours), opt_func=opt_func, lr=0.1, cbs=[SchedulerCB(make_it, by=by), see])
    for _ in range(2):
        learn.fit(2)
        assert [r[0] for r in see.rates] == pytest.approx([want(i) for i in range(8)])
    m = model()
    opt = torch.optim.SGD(m.parameters(), lr=0.1)
    learn = make(m, opt_func=opt, cbs=[SchedulerCB(make_it, by=by), see])
    for _ in range(2):
        learn.fit(2)
        assert [r[0] for r in see.rates] == pytest.approx([want(i) for i in range(8)]) and opt.param_groups[0][
            'lr'
        ] == 0.1

def test_plateau_gets_its_figure(capsys):
    see, plateau = Rates(), lambda opt: torch.optim.lr_scheduler.ReduceLROnPlateau(opt, patience=0, factor=0.1)
    class Worse(Callback):
        order = -5
        def after_validate(self, learn): learn.figures['valid_loss'] = float(learn.epoch)
    learn = make(lr=0.1, cbs=[Worse(), SchedulerCB(plateau), see])
    learn.fit(3)
    assert [r[0] for r in see.rates[::4]] == pytest.approx([0.1, 0.1, 0.01])
    with pytest.raises(ValueError, match="no figure 'accuracy'; there are train_loss, valid_loss"):
        learn.fit(1, cbs=SchedulerCB(plateau, monitor='accuracy'))
    with pytest.raises(ValueError, match="by: expected 'epoch'"): make(cbs=SchedulerCB(plateau, by='batch')).fit(1)
    with pytest.raises(TypeError, match='schedule: expected a torch scheduler for an optimizer, got 0.1'):
        make(cbs=SchedulerCB(lambda i: 0.1)).fit(1)

# --- lr_find puts back

class Drawing(nn.Module):
    "Draws from a generator of its own, has a buffer that begins as None and one that grows."
    def __init__(self):
        super().__init__()
        self.lin, self.generator = nn.Linear(6, 1), torch.Generator().manual_seed(3)
        self.register_buffer('seen', None)
        self.register_buffer('kept', torch.zeros(1))
    def forward(self, x):
        self.seen = x.mean()
        self.kept = torch.cat([self.kept, x.mean()[None]])
        return self.lin(x + torch.randn(x.shape, generator=self.generator))

class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.register_buffer('calls', torch.zeros(()))
    def forward(self, pred, y):
        self.calls += 1
        return F.mse_loss(pred * self.scale, y)

def test_lr_find_puts_back_all_that_is_in_modules(capsys):
    torch.manual_seed(0)
    m, loss = Drawing(), Scaled()
    opt = torch.optim.Adam([*m.parameters(), *loss.parameters()], lr=0.01)
    learn = make(m, loss_func=loss, opt_func=opt)
    weight, grown = m.lin.weight.clone(), m.kept
    state = m.generator.get_state()
    learn.lr_find(plot=False)
    assert torch.equal(m.lin.weight, weight) and m.seen is None and m.kept is grown and grown.shape == (1,)
    assert torch.equal(m.generator.get_state(), state)
    assert loss.scale.item() == 1 and loss.calls == 0 and loss.scale.grad is None
    assert opt.param_groups[0]['lr'] == 0.01 and not opt.state
    learn.fit(1)

def test_lr_find_puts_back_what_it_can(capsys):
    "One thing that cannot be put back keeps no other from it."
    class Stubborn(torch.Generator):
        def set_state(self, state): raise OSError('no')
    m = model()
    m[2].generator = Stubborn()
    weight, opt = m[0].weight.clone(), torch.optim.Adam(m.parameters(), lr=0.01)
    with pytest.raises(OSError): make(m, opt_func=opt).lr_find(plot=False)
    assert torch.equal(m[0].weight, weight) and opt.param_groups[0]['lr'] == 0.01 and not opt.state

def test_lr_find_with_lazy_layers(capsys):
    torch.manual_seed(0)
    learn = make(nn.Sequential(nn.LazyLinear(5), nn.ReLU(), nn.LazyLinear(1)))
    assert 1e-4 <= learn.lr_find(plot=False) <= 10

def test_lr_find_sees_an_exploded_loss_before_others_complain(capsys):
    class Complains(Callback):
        def after_loss(self, learn):
            if not learn.loss.item() < 1e3: raise ValueError('the loss has exploded')
    assert make(cbs=Complains()).lr_find(end=1e6, plot=False) < 10

def test_lr_find_with_losses_below_zero(capsys):
    "Such as a log likelihood: what has exploded is seen by the range of the losses."
    below, above = make(loss_func=lambda p, y: F.mse_loss(p, y) - 100), make()
    assert above.lr_find(plot=False) == below.lr_find(plot=False)

def test_a_jump_after_the_lowest_loss_is_no_suggestion():
    "The loss falls, rises and falls steeply once more, as with momentum; and where it only rises there is no answer."
    finder = LRFinder()
    finder.lrs = [10 ** (i / 10 - 4) for i in range(50)]
    finder.losses = [2.3] * 15 + [2.3 - 0.1 * i for i in range(15)] + [1.] * 8 + [6.] * 6 + [2.] * 6
    assert finder.lrs[15] < finder.suggestion < finder.lrs[33]
    finder.losses = [0.1 + 0.01 * i for i in range(50)]
    with pytest.raises(ValueError, match='the loss never fell'): finder.suggestion
    finder.losses = [0.05] + [0.1] * 10 + [0.07] * 10 + [0.5] * 29  # lowest at once, as of a model that is trained
    assert finder.suggestion < finder.lrs[24]

def test_rates_that_are_tensors(capsys):
    m = model()
    rate = torch.tensor(0.1)
    opt = torch.optim.Adam(m.parameters(), lr=rate)
    learn = make(m, opt_func=opt, cbs=SchedulerCB(partial(torch.optim.lr_scheduler.ExponentialLR, gamma=0.5)))
    learn.fit(1)
    torch.testing.assert_close(learn.recorder.lrs, [0.1, 0.05, 0.025, 0.0125])
    assert opt.param_groups[0]['lr'] is rate and abs(rate.item() - 0.1) < 1e-6
    learn = make(m, opt_func=opt)
    learn.fit_one_cycle(1)
    assert all(type(lr) is float for lr in learn.recorder.lrs) and abs(float(opt.param_groups[0]['lr']) - 0.1) < 1e-6

def test_a_scheduler_without_its_arguments():
    with pytest.raises(
        TypeError, match=r'StepLR wants step_size besides the optimizer; give partial\(StepLR, step_size='
    ):
        SchedulerCB(torch.optim.lr_scheduler.StepLR)
    with pytest.raises(TypeError, match='wants step_size'):
        SchedulerCB(partial(torch.optim.lr_scheduler.StepLR, gamma=0.1))

# --- what was silent

@pytest.mark.parametrize('n', [1, 2, 3])
def test_one_cycle_of_a_few_batches_learns(n):
    "With too few batches to rise, the first has the full rate; the schedule of one batch is not almost nothing."
    rates = [one_cycle(0.5)(i, n) for i in range(n)]
    assert rates[0] == 0.5 and rates == sorted(rates, reverse=True)
    a, b = make(dls=DataLoaders([data()])), make(dls=DataLoaders([data()]))
    a.fit_one_cycle(1, 0.5), b.fit(1, 0.5)
    assert torch.equal(weights(a.model), weights(b.model))

@pytest.mark.parametrize('make_it', [
    partial(torch.optim.lr_scheduler.OneCycleLR, max_lr=0.5, total_steps=4),
    partial(torch.optim.lr_scheduler.CyclicLR, base_lr=0.1, max_lr=0.5)])
def test_a_scheduler_leaves_nothing_in_the_groups(make_it):
    m = model()
    opt = torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9)
    before = [{k: v for k, v in group.items() if k != 'params'} for group in opt.param_groups]
    make(m, opt_func=opt, cbs=SchedulerCB(make_it)).fit(1)
    assert [{k: v for k, v in group.items() if k != 'params'} for group in opt.param_groups] == before

def test_two_schedules_are_refused_where_one_would_undo_the_other():
    falling = SchedulerCB(lambda i, n: 0.1)
    halving = SchedulerCB(partial(torch.optim.lr_scheduler.ExponentialLR, gamma=0.5))
    for cbs in (falling, halving):
        with pytest.raises(ValueError, match='cbs: expected one SchedulerCB for a formula, got 2'):
            make().fit_one_cycle(1, 0.1, cbs=cbs)
    learn = make(lr=0.4, cbs=halving)
    learn.fit(1, cbs=SchedulerCB(partial(torch.optim.lr_scheduler.ExponentialLR, gamma=0.5)))
    assert learn.recorder.lrs == pytest.approx([0.4, 0.1, 0.025, 0.00625]), "two of PyTorch's multiply"

def test_a_plateau_without_validation_data():
    plateau = SchedulerCB(torch.optim.lr_scheduler.ReduceLROnPlateau)
    learn = make(dls=DataLoaders(loaders().train), cbs=plateau)
    with pytest.raises(ValueError, match="monitor: expected a figure of the training, got 'valid_loss'"): learn.fit(1)
    assert learn.recorder.losses == []
