"The optimizers against PyTorch's, option by option; the average of the weights; what walks and pictures promise."
import copy, io, math, pickle, sys, types, unittest
from functools import partial

import matplotlib
import numpy as np, pytest, torch, torch.nn.functional as F
from torch import nn

from nnbolts import training
from nnbolts.guards import GradientAccumulation, MixedPrecision, SaveBest
from nnbolts.optimizers import *
from nnbolts.schedules import SchedulerCB
from small import *

matplotlib.use('agg')
T, S = torch.optim, torch.optim.lr_scheduler

def test_the_names_of_training_are_its_classes():
    assert Optimizer is training.Optimizer and SGD is training.SGD and Adam is training.Adam
    for rule in (SGD, RMSprop, Adam, AdamW, Lion, Muon): assert issubclass(rule, (Optimizer, T.Optimizer))

# --- the steps of torch.optim

def options(name):
    "What PyTorch's own database of optimizers tries on the CPU."
    sys.modules.setdefault('expecttest', types.SimpleNamespace(TestCase=unittest.TestCase))  # it needs the name only
    from torch.testing._internal.common_optimizers import optim_db
    info = next(o for o in optim_db if o.optim_cls is getattr(T, name))
    return [i.kwargs for i in info.optim_inputs_func(device='cpu')]

MIXED = {
    'SGD': [dict(lr=0.05, momentum=0.8, dampening=0.3, weight_decay=0.1, maximize=True),
            dict(lr=0.05, momentum=0.8, nesterov=True)],
    'RMSprop': [dict(lr=0.02, momentum=0.9, centered=True, weight_decay=0.1, maximize=True, alpha=0.9, eps=1e-3),
                dict(lr=0.02, momentum=0.5), dict(centered=True, alpha=0.5)],
    'Adam': [dict(lr=0.05, amsgrad=True, maximize=True, betas=(0.5, 0.7), eps=1e-3, weight_decay=0.1)],
    'AdamW': [dict(lr=0.05, amsgrad=True, maximize=True, betas=(0.5, 0.7), eps=1e-3, weight_decay=0.1)],
    'Muon': [dict(lr=0.02, momentum=0.5, nesterov=False, weight_decay=0., adjust_lr_fn='match_rms_adamw'),
             dict(lr=0.02, adjust_lr_fn='original', eps=1e-3, ns_steps=2)]}
OURS = dict(SGD=lambda ps, lr=1e-3, **kw: SGD(ps, lr, **kw), RMSprop=RMSprop, Adam=Adam, AdamW=AdamW, Muon=Muon)
CASES = [(name, kw) for name in MIXED for kw in options(name) + MIXED[name]]

def walk(make, dtype=torch.float64, steps=200, shape=(4, 3), between=None):
    "Two parameters after `steps` steps on gradients of any sign and size; the second has settings of its own."
    g = torch.Generator().manual_seed(0)
    real = torch.float64 if dtype.is_complex else dtype
    p, q = [torch.randn(shape, generator=g, dtype=dtype).requires_grad_() for _ in range(2)]
    opt = make([dict(params=[p]), dict(params=[q], lr=0.02, weight_decay=0.3)])
    for i in range(steps):
        sizes = 10**torch.randn(shape, generator=g, dtype=real)
        p.grad = torch.randn(shape, generator=g, dtype=dtype) * sizes + p.detach()
        q.grad = None if i % 7 == 3 else torch.randn(shape, generator=g, dtype=dtype) + q.detach()
        opt.step()
        if between: opt = between(opt, i)
    return torch.stack([p.detach(), q.detach()])

def tolerance(dtype, kw):
    if isinstance(kw.get('lr'), torch.Tensor) and dtype != torch.bfloat16: return dict(rtol=1e-5, atol=1e-6)
    return {torch.float32: dict(rtol=1e-4, atol=1e-5), torch.bfloat16: dict(rtol=0., atol=0.)}.get(
        dtype, dict(rtol=1e-9, atol=1e-11))

@pytest.mark.parametrize('dtype', [torch.float64, torch.float32, torch.bfloat16, torch.complex128])
@pytest.mark.parametrize('name, kw', CASES)
def test_every_option_is_torchs(name, kw, dtype):
    fresh = lambda: {k: v.clone() if isinstance(v, torch.Tensor) else v for k, v in kw.items()}
    if name == 'Muon' and dtype.is_complex:
        with pytest.raises(ValueError, match='expected a matrix of real numbers'): walk(lambda ps: Muon(ps), dtype)
        return
    if name == 'Muon' and dtype == torch.bfloat16 and not kw.get('nesterov', True): return  # the next test
    steps = 200 if dtype == torch.float64 else 60
    ours, theirs = (walk(lambda ps: rule(ps, **fresh()), dtype, steps) for rule in (OURS[name], getattr(T, name)))
    assert theirs.isfinite().any()
    torch.testing.assert_close(ours, theirs, equal_nan=True, **tolerance(dtype, kw))

def test_the_memory_of_muon_is_left_alone():
    "PyTorch's divides the average of bfloat16 gradients by its length, in place, without nesterov."
    w = torch.randn(3, 4, generator=torch.Generator().manual_seed(0)).bfloat16().requires_grad_()
    opt, want = Muon([w], 0.1, nesterov=False), torch.zeros(3, 4).bfloat16()
    for i in range(3):
        w.grad = torch.full((3, 4), i + 1.).bfloat16()
        want.lerp_(w.grad, 1 - 0.95)
        opt.step()
        assert opt.state[w]['momentum_buffer'].equal(want)

@pytest.mark.parametrize('name, kw', CASES)
def test_the_state_goes_to_torchs_optimizer_and_back(name, kw):
    "Ten steps by each in turn, handing on the state_dict, are the steps of one of them."
    if isinstance(kw.get('lr'), torch.Tensor): return
    ours, theirs = (lambda ps: OURS[name](ps, **kw)), (lambda ps: getattr(T, name)(ps, **kw))
    def swap(opt, i):
        if i % 10 != 9: return opt
        other = (theirs if i // 10 % 2 == 0 else ours)([dict(params=g['params']) for g in opt.param_groups])
        file = io.BytesIO()
        torch.save(opt.state_dict(), file)
        other.load_state_dict(torch.load(io.BytesIO(file.getvalue()), weights_only=True))
        return other
    torch.testing.assert_close(walk(ours, steps=60, between=swap), walk(theirs, steps=60), rtol=1e-9, atol=1e-11)

class LionOfThePaper:
    "Algorithm 2 of arXiv 2302.06675 in numpy."
    def __init__(self, groups, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.):
        self.groups, self.betas, self.memory = groups, betas, {}
        for g in groups:
            g.setdefault('lr', lr)
            g.setdefault('weight_decay', weight_decay)
    def step(self):
        (b1, b2) = self.betas
        for group in self.groups:
            for p in group['params']:
                if p.grad is None: continue
                theta, g = p.detach().numpy(), p.grad.numpy()
                m = self.memory.get(id(p), np.zeros_like(theta))
                theta[...] = theta - group['lr'] * (np.sign(b1 * m + (1 - b1) * g) + group['weight_decay'] * theta)
                self.memory[id(p)] = b2 * m + (1 - b2) * g

@pytest.mark.parametrize('kw', [{}, dict(lr=0.03), dict(betas=(0.5, 0.5)), dict(weight_decay=0.5, lr=0.01),
                                dict(betas=(0., 0.))])
def test_lion_is_the_papers(kw):
    torch.testing.assert_close(walk(partial(Lion, **kw)), walk(partial(LionOfThePaper, **kw)), rtol=1e-9, atol=1e-11)

def test_lion_climbs_and_takes_complex_numbers_as_two():
    p, q = torch.zeros(2, requires_grad=True), torch.zeros(2, requires_grad=True)
    for opt, w, sign in (Lion([p], 0.1), p, 1), (Lion([q], 0.1, maximize=True), q, -1):
        w.grad = torch.tensor([3., -2.])
        opt.step()
        assert torch.equal(w, sign * torch.tensor([-0.1, 0.1]))
    z, xy = torch.zeros(3, dtype=torch.complex128, requires_grad=True), torch.zeros(3, 2).double().requires_grad_()
    a, b = Lion([z], 0.1, weight_decay=0.1), Lion([xy], 0.1, weight_decay=0.1)
    for _ in range(20):
        z.grad = torch.randn(3, dtype=torch.complex128)
        xy.grad = torch.view_as_real(z.grad).clone()
        a.step(), b.step()
    assert torch.equal(torch.view_as_real(z.detach()), xy.detach())

def test_adamw_stays_adamw():
    "Also with the state of an Adam, ours or PyTorch's."
    w = torch.ones(2, requires_grad=True)
    for other in (T.Adam([w]), Adam([w]), T.AdamW([w])):
        opt = AdamW([w], weight_decay=0.5)
        opt.load_state_dict(other.state_dict())
        assert opt.param_groups[0]['decoupled_weight_decay'] is True
    old = T.AdamW([w]).state_dict()
    del old['param_groups'][0]['decoupled_weight_decay']
    AdamW([w]).load_state_dict(old)

@pytest.mark.parametrize('name', ['RMSprop', 'AdamW', 'Lion', 'Muon'])
@pytest.mark.parametrize('what', ['gradient', 'rate'])
def test_awkward_layouts(name, what):
    "A parameter that is a view with gaps, a rate that is a tensor with one axis, are as good as plain ones."
    rule = {**OURS, 'Lion': Lion}[name]
    start = torch.randn(6, 8, generator=torch.Generator().manual_seed(0)).double()
    def run(p, lr):
        opt = rule([p], lr=lr)
        for i in range(5):
            p.grad = (p.detach() * (i - 2)).T.contiguous().T if what == 'gradient' else p.detach() * (i - 2)
            opt.step()
        return p.detach()
    plain = run(start[:, ::2].clone().requires_grad_(), 0.1)
    if what == 'gradient': other = run(start.clone()[:, ::2].requires_grad_(), 0.1)
    else: other = run(start[:, ::2].clone().requires_grad_(), torch.tensor(0.1, dtype=torch.float64))
    torch.testing.assert_close(other, plain)

@pytest.mark.parametrize('rule', [SGD, Adam, partial(AdamW, weight_decay=.1), RMSprop, Lion, Muon])
def test_a_rate_that_is_a_tensor_of_one_axis(rule):
    ends = []
    for lr in (0.1, torch.tensor([0.1], dtype=torch.float64)):
        p = torch.ones(2, 3).double().requires_grad_()
        p.grad = torch.linspace(-1, 1, 6).double().view(2, 3)
        rule([p], lr=lr).step()
        ends.append(p.detach())
    assert torch.equal(*ends)

@pytest.mark.parametrize('rule', [RMSprop, Adam, AdamW, Lion])
def test_empty_and_single_parameters(rule):
    a, b = torch.zeros(0, 3, requires_grad=True), torch.tensor(2., requires_grad=True)
    opt = rule([a, b], lr=0.1)
    for _ in range(3):
        (b**2 + a.sum()).backward()
        opt.step(), opt.zero_grad()
    assert b < 2 and a.shape == (0, 3)

# --- what is built for PyTorch's optimizers

NEW = dict(RMSprop=partial(RMSprop, momentum=0.5), AdamW=AdamW, Lion=Lion, Muon=Muon, SGD=partial(SGD, momentum=0.5))
SCHEDULES = {
    'lambda': lambda o: S.LambdaLR(o, lambda i: 0.8**i), 'one cycle': lambda o: S.OneCycleLR(o, 0.1, total_steps=40),
    'cyclic': lambda o: S.CyclicLR(o, 0.01, 0.1), 'cosine': lambda o: S.CosineAnnealingLR(o, 10),
    'sequence': lambda o: S.SequentialLR(o, [S.ConstantLR(o, 0.1, 3), S.ExponentialLR(o, 0.9)], [3])}

@pytest.mark.parametrize('schedule', SCHEDULES)
@pytest.mark.parametrize('name', ['RMSprop', 'AdamW', 'Muon'])
def test_torchs_schedulers(name, schedule):
    def run(rule, kw):
        p = torch.ones(3, 2, dtype=torch.float64, requires_grad=True)
        opt = rule([p], lr=0.05, **kw)
        plan, rates = SCHEDULES[schedule](opt), []
        for _ in range(20):
            (p**2).sum().backward()
            opt.step(), opt.zero_grad(), plan.step()
            rates.append(opt.param_groups[0]['lr'])
        return torch.cat([p.detach().flatten(), torch.tensor(rates, dtype=torch.float64)])
    kw = dict(momentum=0.9) if name == 'RMSprop' else {}
    torch.testing.assert_close(run(OURS[name], kw), run(getattr(T, name), kw), rtol=1e-10, atol=1e-12)

def test_a_momentum_that_a_scheduler_turns_on():
    "OneCycleLR gives RMSprop a momentum that it did not have; PyTorch makes its memory at the first step only."
    p = torch.ones(2, requires_grad=True)
    opt = RMSprop([p], 0.1)
    p.grad = torch.ones(2)
    opt.step()
    S.OneCycleLR(opt, 0.1, total_steps=5)
    opt.step()
    assert 'momentum_buffer' in opt.state[p] and p.isfinite().all()

@pytest.mark.parametrize('name', NEW)
def test_plateau_closure_groups_copies_hooks(name):
    p, q = (torch.full((2, 2), v, requires_grad=True) for v in (2., 3.))
    opt, seen = NEW[name]([p], lr=0.1), []
    opt.register_step_post_hook(lambda *a: seen.append(1))
    def closure():
        opt.zero_grad()
        loss = (p**2).sum() + (q**2).sum()
        loss.backward()
        return loss
    assert opt.step(closure).item() == pytest.approx(52) and seen == [1]
    opt.add_param_group(dict(params=[q], lr=1.))
    plateau = S.ReduceLROnPlateau(opt, patience=0)
    for loss in (1., 2.): plateau.step(loss)
    assert [g['lr'] for g in opt.param_groups] == pytest.approx([0.01, 0.1])
    opt.step(closure)
    twin = copy.deepcopy(opt)
    again = pickle.loads(pickle.dumps(opt))
    for other in (twin, again):
        other.load_state_dict(opt.state_dict())
        a, b = other.param_groups[0]['params'][0], p.detach().clone()
        a.grad = torch.ones(2, 2)
        other.step()
        assert not a.equal(b) and p.equal(b), 'a copy has parameters of its own'
    opt.zero_grad(set_to_none=False)
    assert (p.grad == 0).all()
    if name != 'SGD': assert repr(opt).startswith(name)

@pytest.mark.parametrize('name', NEW)
def test_a_grad_scaler_skips_and_steps(name):
    p = torch.ones(2, 2, requires_grad=True)
    opt, scaler = NEW[name]([p], lr=0.1), torch.amp.GradScaler('cpu', init_scale=1024.)
    scaler.scale((p * torch.inf).sum()).backward()
    scaler.step(opt), scaler.update()
    assert (p == 1).all() and not opt.state.get(p), 'a step with inf in it is left out'
    opt.zero_grad()
    q = torch.ones(2, 2, requires_grad=True)
    plain = NEW[name]([q], lr=0.1)
    scaler.scale((p**2).sum()).backward()
    (q**2).sum().backward()
    scaler.step(opt), scaler.update(), plain.step()
    torch.testing.assert_close(p, q)

@pytest.mark.parametrize('name', ['RMSprop', 'Adam', 'AdamW', 'Lion', 'Muon'])
def test_sparse_gradients_are_refused(name):
    table = nn.Embedding(9, 3, sparse=True)
    table(torch.tensor([1, 3])).sum().backward()
    with pytest.raises(TypeError, match='expected a dense gradient, got a sparse one'):
        {**OURS, 'Lion': Lion}[name](table.parameters()).step()

@pytest.mark.parametrize('name', NEW)
def test_a_learner_trains_with_it(name, capsys):
    torch.manual_seed(0)
    m = nn.Sequential(nn.Linear(6, 5, bias=False), nn.Tanh(), nn.Linear(5, 1, bias=False))
    lr = dict(Lion=0.01, Muon=0.05, SGD=0.05).get(name, 0.02)
    learn = make(m, opt_func=NEW[name], lr=lr, cbs=[GradientAccumulation(2), MixedPrecision()])
    learn.fit(6, cbs=SchedulerCB(partial(S.ExponentialLR, gamma=0.95)))
    rows = learn.recorder.rows
    assert rows[-1]['train_loss'] < rows[0]['train_loss']

def test_accelerate_takes_it():
    accelerate = pytest.importorskip('accelerate')
    accelerator = accelerate.Accelerator(cpu=True)
    m = nn.Linear(2, 2)
    m, opt = accelerator.prepare(m, AdamW(m.parameters(), 0.1))
    before = m.weight.detach().clone()
    accelerator.backward(m(torch.ones(1, 2)).sum())
    opt.step(), opt.zero_grad()
    assert not m.weight.equal(before)

# --- orthogonalize

def test_orthogonalize():
    for shape in [(3, 7), (7, 3), (4, 4), (1, 5), (5, 1), (1, 1)]:
        m = torch.randn(shape, generator=torch.Generator().manual_seed(1)).double()
        values = torch.linalg.svdvals(orthogonalize(m, 9, dtype=torch.float64))
        assert values.min() > 0.6 and values.max() < 1.3, shape
        same_scale = orthogonalize(1000 * m, dtype=torch.float64)
        torch.testing.assert_close(same_scale, orthogonalize(m, dtype=torch.float64))
    m = torch.randn(3, 5)
    before = m.clone()
    assert orthogonalize(m).dtype == torch.bfloat16 and m.equal(before), 'its argument stays as it is'
    half = m.bfloat16()
    before = half.clone()
    orthogonalize(half)
    assert half.equal(before)
    for bad in (torch.ones(3), torch.ones(2, 2, 2)):
        with pytest.raises(ValueError, match='matrix: expected a tensor with 2 axes'): orthogonalize(bad)

# --- the average of the weights

def moving(m, opt=None):
    "One step of a model on random numbers."
    m(torch.randn(8, 6)).square().mean().backward()
    with torch.no_grad():
        for p in m.parameters(): p -= 0.3 * p.grad
    m.zero_grad()

def norms():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Linear(5, 1))

@pytest.mark.parametrize('use_buffers', [True, False])
@pytest.mark.parametrize('decay', [0., 0.5, 0.99])
def test_the_average_is_torchs(decay, use_buffers):
    m = norms()
    swa = T.swa_utils.AveragedModel(m, multi_avg_fn=T.swa_utils.get_ema_multi_avg_fn(decay), use_buffers=use_buffers)
    moving(m)
    swa.update_parameters(m)
    ema = EMA(m, decay, corrected=False, buffers='average' if use_buffers else 'copy')
    for _ in range(20):
        moving(m)
        swa.update_parameters(m), ema.update()
    for name, value in swa.module.state_dict().items():
        if value.is_floating_point(): torch.testing.assert_close(ema.average[name], value)
    assert ema.average['1.num_batches_tracked'] == 21, 'counts are not averaged'

def test_the_corrected_average_leaves_the_start_out():
    m, decay, seen = norms(), 0.9, []
    ema = EMA(m, decay)
    for n in range(1, 8):
        moving(m)
        ema.update()
        seen.append(m[0].weight.detach().clone())
        weights = torch.tensor([(1 - decay) * decay**(n - i) for i in range(1, n + 1)]) / (1 - decay**n)
        torch.testing.assert_close(ema.average['0.weight'], sum(w * s for w, s in zip(weights, seen)))

def test_16_bits_are_averaged_in_32():
    m = nn.Linear(3, 3).bfloat16()
    start = m.weight.detach().clone()
    ema = EMA(m, 0.999, corrected=False)
    with torch.no_grad(): m.weight.copy_(start + 1)
    for _ in range(100): ema.update()
    moved = (ema.average['weight'] - start.float()).mean().item()
    assert ema.average['weight'].dtype == torch.float32 and moved == pytest.approx(1 - 0.999**100, rel=0.05)
    with ema.applied(): assert m.weight.dtype == torch.bfloat16 and not m.weight.equal(start + 1)
    assert m.weight.equal(start + 1)

def test_applied_puts_back_whatever_happens():
    m = norms()
    ema = EMA(m, 0.5)
    moving(m)
    ema.update(), moving(m), ema.update()
    before, places = copy.deepcopy(m.state_dict()), [p.data_ptr() for p in m.parameters()]
    with pytest.raises(KeyError):
        with ema.applied() as inside:
            assert inside is m and m[0].weight.equal(ema.average['0.weight'])
            assert m[1].running_mean.equal(ema.average['1.running_mean'])
            with ema.applied(): pass
            raise KeyError
    assert all(v.equal(before[k]) for k, v in m.state_dict().items())
    assert [p.data_ptr() for p in m.parameters()] == places, 'the optimizer holds these'

def test_a_saved_average_goes_on():
    m = norms()
    ema = EMA(m, 0.9)
    for _ in range(3): moving(m), ema.update()
    file = io.BytesIO()
    torch.save(ema.state_dict(), file)
    twin = copy.deepcopy(m)
    again = EMA(twin, 0.9)
    again.load_state_dict(torch.load(io.BytesIO(file.getvalue()), weights_only=True))
    before, kept = copy.deepcopy(again.state_dict()), again.state_dict()
    moving(m), moving(twin)
    twin.load_state_dict(m.state_dict())
    for average in (ema, again): average.update()
    assert all(kept['average'][k].equal(v) for k, v in before['average'].items()), 'a state is a copy'
    assert all(ema.average[k].equal(v) for k, v in again.average.items()) and again.n == 4
    again.load_state_dict(kept)
    again.update()
    assert all(kept['average'][k].equal(v) for k, v in before['average'].items()), 'and so is what is loaded'
    assert all(ema.average[k].equal(v) for k, v in again.average.items()) and kept['n'] == 3
    with pytest.raises(ValueError, match="expected the weights of this model, got others: "):
        EMA(nn.Linear(6, 5)).load_state_dict(ema.state_dict())
    with pytest.raises(ValueError, match='expected weight of shape \\(5, 6\\), got \\(4, 6\\)'):
        EMA(nn.Linear(6, 5)).load_state_dict(EMA(nn.Linear(6, 4)).state_dict())

def test_tied_and_frozen_weights_and_complex_ones():
    m = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    m[1].weight = m[0].weight
    m[1].bias.requires_grad_(False)
    m.register_buffer('phase', torch.ones(2, dtype=torch.complex64))
    ema = EMA(m, 0.5, corrected=False)
    assert '1.weight' not in ema.average
    own = m[0].weight.detach().clone()
    with torch.no_grad():
        m[0].weight += 2
        m.phase *= 3
    ema.update()
    assert torch.allclose(ema.average['0.weight'], own + 1)
    assert torch.allclose(ema.average['phase'], torch.tensor(2. + 0j))
    with ema.applied(): assert m[1].weight is m[0].weight and torch.allclose(m[0].weight, own + 1)

def test_a_buffer_that_grows_and_one_that_comes_late():
    m = nn.Linear(2, 2)
    m.register_buffer('seen', torch.zeros(1))
    ema = EMA(m)
    m.seen = torch.zeros(3)
    m.register_buffer('late', torch.ones(2))
    ema.update()
    assert ema.average['seen'].shape == (3,) and ema.average['late'].equal(torch.ones(2))
    with ema.applied(): pass

class Look(Callback):
    "The first weight at some events."
    def before_fit(self, learn): self.seen = []
    def after_step(self, learn): self.note(learn, 'step')
    def after_validate(self, learn): self.note(learn, 'judged')
    def note(self, learn, when): self.seen.append((when, learn.model[0].weight.detach().clone()))

def test_a_learner_validates_the_average_and_trains_on(capsys):
    plain, look = make(lr=0.1), Look()
    plain.fit(3)
    m = model()
    ema = EMA(m, 0.9)
    learn = make(m, lr=0.1, cbs=[ema, look])
    learn.fit(3)
    assert torch.equal(weights(m), weights(plain.model)), 'the training is not touched'
    assert ema.n == 12
    judged = [w for when, w in look.seen if when == 'judged']
    assert judged[-1].equal(ema.average['0.weight'])
    with ema.applied(): assert learn.validate()['valid_loss'] == pytest.approx(learn.recorder.rows[-1]['valid_loss'])
    assert learn.validate()['valid_loss'] != pytest.approx(learn.recorder.rows[-1]['valid_loss'])

def test_save_best_keeps_what_was_judged(capsys):
    m = model()
    best = SaveBest()
    learn = make(m, lr=0.3, cbs=[EMA(m, 0.8), best])
    learn.fit(4)
    assert learn.validate()['valid_loss'] == pytest.approx(best.best)

class AtTheEnd(Callback):
    "The first weight when an epoch ends."
    def __init__(self, order): self.order = order
    def after_epoch(self, learn): self.seen = learn.model[0].weight.detach().clone()

def test_what_keeps_the_best_sees_the_average_and_what_saves_to_go_on_the_own_weights(capsys):
    m = model()
    ema, early, late, look = EMA(m, 0.9), AtTheEnd(50), AtTheEnd(70), Look()
    make(m, lr=0.1, cbs=[ema, early, late, look]).fit(1)
    own = [w for when, w in look.seen if when == 'step'][-1]
    assert early.seen.equal(ema.average['0.weight']) and late.seen.equal(own)

@pytest.mark.parametrize('event', ['after_validate', 'before_batch', 'after_epoch'])
@pytest.mark.parametrize('error', [KeyboardInterrupt, RuntimeError])
def test_own_weights_are_back_however_a_fit_ends(event, error, capsys):
    m = model()
    ema, look = EMA(m, 0.9), Look()
    learn = make(m, lr=0.1, cbs=[ema, look, Raise(event, error('x'), 6 if event == 'before_batch' else 1)])
    try: learn.fit(3)
    except (KeyboardInterrupt, RuntimeError): pass
    last = [w for when, w in look.seen if when == 'step'][-1]
    assert m[0].weight.equal(last) and ema._own is None

# --- trajectory and draw_paths

def bowl(p): return (p.flatten() * torch.tensor([1., 10.]).to(p) * p.flatten()).sum()

def test_a_trajectory_is_the_loop():
    for start in ([1., 2.], torch.tensor([1., 2.]), torch.tensor([[1., 2.]]).double()):
        path = trajectory(lambda ps: Adam(ps, 0.1), bowl, start, 7)
        p = torch.as_tensor(start, dtype=path.dtype).clone().requires_grad_()
        opt, want = T.Adam([p], 0.1), [p.detach().clone()]
        for _ in range(7):
            opt.zero_grad()
            bowl(p).backward()
            opt.step()
            want.append(p.detach().clone())
        assert path.shape == (8, *p.shape) and not path.requires_grad
        assert path.dtype == (torch.float64 if isinstance(start, list) else start.dtype)
        torch.testing.assert_close(path, torch.stack(want))
        if isinstance(start, torch.Tensor): assert not start.requires_grad and start.flatten().tolist() == [1., 2.]

def test_a_trajectory_takes_any_optimizer_and_a_schedule():
    assert trajectory(lambda ps: T.LBFGS(ps), bowl, [1., 2.], 3)[-1].norm() < 1e-3
    seen = []
    path = trajectory(lambda ps: SGD(ps, 9.), lambda p: p.sum(), 0., 4, lambda i, n: seen.append((i, n)) or i + 1.)
    assert path.tolist() == [0, -1, -3, -6, -10] and seen == [(i, 4) for i in range(4)]

def test_draw_paths():
    import matplotlib.pyplot as plt
    a, b = (trajectory(lambda ps: SGD(ps, lr), bowl, [1., 1.], 10) for lr in (0.04, 0.09))
    ax = draw_paths(bowl, dict(slow=a, fast=b))
    lines = ax.get_lines()
    assert [l.get_label() for l in lines] == ['slow', 'fast'] and ax.get_legend() is not None
    np.testing.assert_allclose(np.stack(lines[1].get_data(), 1), b)
    assert lines[0].get_color() != lines[1].get_color()
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    every = torch.cat([a, b])
    (west, south), (east, north) = every.amin(0), every.amax(0)
    assert left < west and right > east and bottom < south and top > north
    _, own = plt.subplots()
    assert draw_paths(bowl, a, box=(-1, 2, -3, 4), ax=own) is own
    assert own.get_xlim() == (-1, 2) and own.get_ylim() == (-3, 4)
    assert own.get_legend() is None
    away = trajectory(lambda ps: SGD(ps, 5.), bowl, [[1., 1.]], 400)
    assert not away.isfinite().all()
    ax = draw_paths(bowl, away, box=(-2, 2, -2, 2))
    assert np.nanmax(np.abs(np.stack(ax.get_lines()[0].get_data()).astype(float))) < 100, 'what leaves is cut off'
    draw_paths(lambda p: 0 * p.sum() + 1, torch.zeros(3, 2))
    plt.close('all')

# --- clear errors

w, W = torch.ones(2, requires_grad=True), torch.ones(2, 2, requires_grad=True)
ERRORS = [
    (lambda: RMSprop([]), ValueError, 'params: expected at least one parameter, got none'),
    (lambda: Muon([]), ValueError, 'params: expected at least one parameter, got none'),
    (lambda: Lion(w), TypeError, 'params: expected a sequence, such as model.parameters(), got one Tensor'),
    (lambda: Lion([w], -1), ValueError, 'lr: expected a number of at least 0, got -1'),
    (lambda: Lion([w], betas=(0.9, 1)), ValueError, 'betas[1]: expected a number of at least 0 and below 1, got 1'),
    (lambda: Lion([w], betas=(0.9,)), ValueError, 'betas: expected two numbers, got (0.9,)'),
    (lambda: Lion([w], weight_decay=-1), ValueError, 'weight_decay: expected a number of at least 0, got -1'),
    (lambda: RMSprop([w], alpha=1), ValueError, 'alpha: expected a number of at least 0 and below 1, got 1'),
    (lambda: RMSprop([w], eps=-1), ValueError, 'eps: expected a number of at least 0, got -1'),
    (lambda: RMSprop([w], momentum=-1), ValueError, 'momentum: expected a number of at least 0, got -1'),
    (lambda: RMSprop([w], weight_decay='x'), TypeError, "weight_decay: expected a number of at least 0, got 'x'"),
    (lambda: AdamW([w], lr=math.nan), ValueError, 'lr: expected a number of at least 0, got nan'),
    (lambda: RMSprop([dict(params=[w], lr=-3)]), ValueError, 'lr: expected a number of at least 0, got -3'),
    (lambda: Muon([w]), ValueError,
     'params[0]: expected a matrix of real numbers, got a tensor of shape (2,), float32'),
    (lambda: Muon([W, w]), ValueError, 'params[1]: expected a matrix of real numbers'),
    (lambda: Muon([('a', W), ('b', w)]), ValueError, 'params[1]: expected a matrix of real numbers'),
    (lambda: Muon([W]).add_param_group(dict(params=w)), ValueError, 'params[0]: expected a matrix of real numbers'),
    (lambda: Muon([W]).add_param_group(dict(lr=1)), ValueError, "param_group: expected the key 'params', got ['lr']"),
    (lambda: Muon([3]), TypeError, 'params[0]: expected a tensor, got 3'),
    (lambda: Muon([W], momentum=1), ValueError, 'momentum: expected a number of at least 0 and below 1, got 1'),
    (lambda: Muon([W], weight_decay=-1), ValueError, 'weight_decay: expected a number of at least 0, got -1'),
    (lambda: Muon([W], eps=-1), ValueError, 'eps: expected a number of at least 0, got -1'),
    (lambda: Muon([W], ns_steps=0), ValueError, 'ns_steps: expected a whole number from 1 to 99, got 0'),
    (lambda: Muon([W], ns_coefficients=(1, 2)), ValueError, 'ns_coefficients: expected three numbers, got (1, 2)'),
    (lambda: Muon([W], adjust_lr_fn='match_rms_adam'), ValueError, "did you mean 'match_rms_adamw'?"),
    (lambda: RMSprop([w]).load_state_dict(Lion([w]).state_dict()), ValueError,
     "state_dict: expected that of RMSprop, got one without ['alpha', 'eps', 'momentum']"),
    (lambda: Muon([W]).load_state_dict(T.SGD([W], 0.1).state_dict()), ValueError,
     'expected that of Muon, got one without'),
    (lambda: EMA(3), TypeError, 'model: expected a module, got 3'),
    (lambda: EMA(nn.LazyLinear(2)), ValueError, 'model: expected weights that have a shape, got lazy ones'),
    (lambda: EMA(nn.Linear(1, 1), 1), ValueError, 'decay: expected a number of at least 0 and below 1, got 1'),
    (lambda: EMA(nn.Linear(1, 1), buffers='avg'), ValueError, "buffers: expected 'average' or 'copy', got 'avg'"),
    (lambda: trajectory(lambda ps: SGD(ps, 0.1), bowl, [1., 1.], 0), ValueError,
     'steps: expected a whole number of at least 1'),
    (lambda: trajectory(lambda ps: SGD(ps, 0.1), bowl, [1., 1.], 2.5), TypeError, 'steps: expected a whole number'),
    (lambda: trajectory(SGD([w], 0.1), bowl, [1., 1.], 2), TypeError,
     'opt: expected a function that makes an optimizer'),
    (lambda: trajectory(lambda ps: 3, bowl, [1., 1.], 2), TypeError, 'opt: expected it to make an optimizer, got 3'),
    (lambda: trajectory(lambda ps: SGD(ps, 0.1), lambda p: p, [1., 1.], 2), ValueError,
     'f: expected one number that depends on its argument, got a tensor of shape (2,)'),
    (lambda: trajectory(lambda ps: SGD(ps, 0.1), lambda p: 3., [1., 1.], 2), ValueError, 'f: expected one number'),
    (lambda: trajectory(lambda ps: SGD(ps, 0.1), lambda p: p.detach().sum(), [1., 1.], 2), ValueError,
     'f: expected one'),
    (lambda: trajectory(lambda ps: SGD(ps, 0.1), bowl, torch.tensor([1, 2]), 2), TypeError,
     'start: expected a tensor of floating'),
    (lambda: draw_paths(bowl, dict(a=torch.zeros(4, 3))), ValueError,
     "paths['a']: expected places of two numbers, got shape (4, 3)"),
    (lambda: draw_paths(bowl, torch.zeros(4)), ValueError, "paths['']: expected places of two numbers, got shape (4,)"),
    (lambda: draw_paths(bowl, [[1., 2.]]), TypeError, "paths['']: expected a tensor"),
    (lambda: draw_paths(bowl, {}), ValueError, 'paths: expected at least one, got none'),
    (lambda: draw_paths(bowl, torch.full((3, 2), math.nan)), ValueError, 'paths: expected a finite place, got none')]

@pytest.mark.parametrize('call, kind, text', ERRORS)
def test_clear_errors(call, kind, text):
    with pytest.raises(kind) as e: call()
    assert text in str(e.value), e.value

def test_the_average_of_another_model_is_refused(capsys):
    with pytest.raises(ValueError, match='model: expected the model of the learner, got another'):
        make(cbs=EMA(model())).fit(1)

def test_a_negative_rate_of_the_third_group():
    opt = Lion([w])
    with pytest.raises(ValueError, match='lr: expected'): opt.add_param_group(dict(params=[W], lr=-1.))
    assert len(opt.param_groups) == 1
