"The training module against PyTorch, and what its data loader and its errors promise."
import copy, pickle, re, sys, types, unittest, warnings
from collections import namedtuple

import numpy as np, pytest, torch, torch.nn.functional as F
from hypothesis import given, settings, strategies as st
from torch import nn

from nnbolts.training import *

quick = settings(max_examples=60, deadline=None)

# --- optimizers

def trained(make_opt, dtype=torch.float64, steps=100, frozen=False):
    "Parameters of a small model after `steps` steps, one after the other."
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 8), nn.Tanh(), nn.Linear(8, 3)).to(dtype)
    if frozen: model[0].bias.requires_grad_(False)
    x, y = torch.randn(steps, 6, 12, dtype=dtype), torch.randint(3, (steps, 6))
    opt = make_opt(model.parameters())
    for xb, yb in zip(x, y):
        F.cross_entropy(model(xb), yb).backward()
        opt.step()
        opt.zero_grad()
    return torch.cat([p.detach().flatten() for p in model.parameters()])

def both(name, frozen=False, **kw):
    mine, theirs = {'SGD': (SGD, torch.optim.SGD), 'Adam': (Adam, torch.optim.Adam)}[name]
    return trained(lambda ps: mine(ps, **kw), frozen=frozen), trained(lambda ps: theirs(ps, **kw), frozen=frozen)

@pytest.mark.parametrize('momentum', [0, 0.5, 0.9])
@pytest.mark.parametrize('weight_decay', [0, 0.01])
def test_sgd_is_torchs(momentum, weight_decay):
    torch.testing.assert_close(*both('SGD', lr=0.1, momentum=momentum, weight_decay=weight_decay), rtol=1e-10,
                               atol=1e-12)

@pytest.mark.parametrize('betas', [(0.9, 0.999), (0.5, 0.9), (0., 0.)])
@pytest.mark.parametrize('weight_decay', [0, 0.1])
@pytest.mark.parametrize('eps', [1e-8, 1e-2])
def test_adam_is_torchs(betas, weight_decay, eps):
    torch.testing.assert_close(*both('Adam', lr=0.01, betas=betas, weight_decay=weight_decay, eps=eps), rtol=1e-9,
                               atol=1e-11)

@pytest.mark.parametrize('name, kw', [('SGD', dict(lr=0.1, momentum=0.9)), ('Adam', dict(lr=0.01))])
def test_parameters_without_gradient_stay(name, kw):
    torch.testing.assert_close(*both(name, frozen=True, **kw), rtol=1e-9, atol=1e-11)

def test_float32_stays_within_rounding():
    for mine, theirs, kw in [(SGD, torch.optim.SGD, dict(lr=0.1, momentum=0.9, weight_decay=0.01)),
                             (Adam, torch.optim.Adam, dict(lr=0.01))]:
        a, b = trained(lambda ps: mine(ps, **kw), torch.float32), trained(lambda ps: theirs(ps, **kw), torch.float32)
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)

def test_groups_have_settings_of_their_own():
    p, q = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    groups = lambda: [dict(params=[p], lr=0.5), dict(params=[q])]
    for opt in (SGD(groups(), lr=0.1), torch.optim.SGD(groups(), lr=0.1)):
        with torch.no_grad(): p.fill_(1), q.fill_(1)
        p.grad, q.grad = torch.ones(2), torch.ones(2)
        opt.step()
        assert p.tolist() == [0.5, 0.5] and torch.allclose(q, torch.tensor(0.9))
    opt.param_groups[0]['lr'] = 0.
    p.grad = torch.ones(2)
    opt.step()
    assert p.tolist() == [0.5, 0.5]

def test_settings_changed_between_steps_count():
    p = torch.zeros(1, requires_grad=True)
    opt = SGD([p], lr=1.)
    for lr in (1., 0.5, 0.):
        opt.param_groups[0]['lr'] = lr
        p.grad = torch.ones(1)
        opt.step()
    assert p.item() == -1.5

@pytest.mark.parametrize('make', [lambda ps: SGD(ps, 0.1, momentum=0.9), lambda ps: Adam(ps, 0.1, weight_decay=0.1)])
def test_a_checkpoint_goes_on_where_it_was(make):
    def steps(p, opt, n):
        for _ in range(n):
            (p**4).sum().backward()
            opt.step()
            opt.zero_grad()
    p, q = torch.randn(5, requires_grad=True), torch.zeros(5, requires_grad=True)
    one, two = make([p]), make([q])
    steps(p, one, 4)
    saved = pickle.loads(pickle.dumps(one.state_dict()))
    with torch.no_grad(): q.copy_(p)
    two.load_state_dict(saved)
    steps(p, one, 4)
    steps(q, two, 4)
    assert p.equal(q)

def test_a_loaded_state_is_a_copy():
    p = torch.ones(3, requires_grad=True)
    opt = SGD([p], 0.1, momentum=0.9)
    p.grad = torch.ones(3)
    opt.step()
    saved = opt.state_dict()
    other = SGD([p], 0.1, momentum=0.9)
    other.load_state_dict(saved)
    other.step()
    assert saved['state'][0]['momentum_buffer'].tolist() == [1., 1., 1.]

def test_zero_grad_sets_none():
    p = torch.ones(3, requires_grad=True)
    p.sum().backward()
    SGD([p], 0.1).zero_grad()
    assert p.grad is None

# --- the optimizers of torch.optim, option by option

def options(name):
    "What PyTorch's own database of optimizers tries on the CPU; a tensor as rate, which some of its ways refuse, not."
    sys.modules.setdefault('expecttest',
                           types.SimpleNamespace(TestCase=unittest.TestCase))  # the database needs its name only
    from torch.testing._internal.common_optimizers import optim_db
    info = next(o for o in optim_db if o.optim_cls is getattr(torch.optim, name))
    return [i.kwargs for i in info.optim_inputs_func(device='cpu') if not isinstance(i.kwargs.get('lr'), torch.Tensor)]

mixed = {'SGD': [dict(lr=0.05, momentum=0.8, dampening=0.3, weight_decay=0.1, maximize=True),
                 dict(lr=0.05, momentum=0.8, nesterov=True, maximize=True),
                 dict(lr=0.05, dampening=0.3)],
         'Adam': [dict(lr=0.05, amsgrad=True, maximize=True, betas=(0.5, 0.7), eps=1e-3, weight_decay=0.1)],
         'AdamW': [dict(lr=0.05, amsgrad=True, maximize=True, betas=(0.5, 0.7), eps=1e-3, weight_decay=0.1)]}
cases = [(name, kw) for name in mixed for kw in options(name) + mixed[name]]
make_ours = {'SGD': lambda ps, **kw: SGD(ps, **{'lr': 1e-3, **kw}), 'Adam': Adam,
             'AdamW': lambda ps, **kw: Adam(ps, **{'weight_decay': 1e-2, **kw}, decoupled_weight_decay=True)}

def walk(make, dtype, steps=200, groups=True, between=None):
    "Two parameters after `steps` steps on gradients of any sign and size; the second has settings of its own."
    g = torch.Generator().manual_seed(0)
    p, q = [torch.randn(n, generator=g, dtype=dtype).requires_grad_() for n in (4, 3)]
    opt = make([dict(params=[p]), dict(params=[q], lr=0.02, weight_decay=0.3)] if groups else [p, q])
    for i in range(steps):
        p.grad = torch.randn(4, generator=g, dtype=dtype) * 10**torch.randn(4, generator=g) + p.detach()
        q.grad = None if i % 7 == 3 else torch.randn(3, generator=g, dtype=dtype) + q.detach()
        opt.step()
        if between: opt = between(opt, i)
    return torch.cat([p.detach(), q.detach()])

@pytest.mark.parametrize('name, kw', cases)
@pytest.mark.parametrize('dtype', [torch.float64, torch.float32, torch.complex128])
def test_every_option_is_torchs(name, kw, dtype):
    ours = walk(lambda ps: make_ours[name](ps, **kw), dtype)
    theirs = walk(lambda ps: getattr(torch.optim, name)(ps, **kw), dtype)
    tolerance = dict(rtol=1e-4, atol=1e-5) if dtype == torch.float32 else dict(rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(ours, theirs, **tolerance)

@pytest.mark.parametrize('name, kw', cases)
def test_the_state_goes_to_torchs_optimizer_and_back(name, kw):
    "Ten steps by each in turn, handing on the state_dict, are the steps of one of them."
    ours, theirs = (lambda ps: make_ours[name](ps, **kw)), (lambda ps: getattr(torch.optim, name)(ps, **kw))
    def swap(opt, i):
        if i % 10 != 9: return opt
        other = (theirs if i // 10 % 2 == 0 else ours)([dict(params=g['params']) for g in opt.param_groups])
        other.load_state_dict(pickle.loads(pickle.dumps(opt.state_dict())))
        return other
    torch.testing.assert_close(walk(ours, torch.float64, 60, between=swap), walk(theirs, torch.float64, 60),
                               rtol=1e-9, atol=1e-11)

def test_a_state_of_another_rule_is_refused():
    w = torch.ones(2, requires_grad=True)
    ours, theirs = SGD([w], 0.1).state_dict(), torch.optim.Adam([w]).state_dict()
    with pytest.raises(ValueError, match=r"Adam, got one without \['betas', 'eps'\]"): Adam([w]).load_state_dict(ours)
    with pytest.raises(ValueError, match=r"SGD, got one without \['momentum', 'dampening'\]"):
        SGD([w], 0.1).load_state_dict(theirs)

def test_a_state_of_a_torch_that_lacks_an_option_takes_ours():
    w = torch.ones(2, requires_grad=True)
    old = torch.optim.AdamW([w]).state_dict()
    del old['param_groups'][0]['decoupled_weight_decay']       # as before PyTorch 2.6
    opt = Adam([w], decoupled_weight_decay=True)
    opt.load_state_dict(old)
    assert opt.param_groups[0]['decoupled_weight_decay'] is True

S = torch.optim.lr_scheduler
schedules = {
    'step': lambda o: S.StepLR(o, 3, 0.5), 'multistep': lambda o: S.MultiStepLR(o, [2, 5]),
    'exponential': lambda o: S.ExponentialLR(o, 0.9), 'cosine': lambda o: S.CosineAnnealingLR(o, 10),
    'restarts': lambda o: S.CosineAnnealingWarmRestarts(o, 4), 'linear': lambda o: S.LinearLR(o),
    'lambda': lambda o: S.LambdaLR(o, lambda i: 0.8**i), 'polynomial': lambda o: S.PolynomialLR(o, 12),
    'cyclic': lambda o: S.CyclicLR(o, 0.01, 0.1, cycle_momentum='momentum' in o.defaults),
    'one cycle': lambda o: S.OneCycleLR(o, 0.1, total_steps=40),
    'sequence': lambda o: S.SequentialLR(o, [S.ConstantLR(o, 0.1, 3), S.ExponentialLR(o, 0.9)], [3])}

@pytest.mark.parametrize('schedule', schedules)
@pytest.mark.parametrize('name', ['SGD', 'Adam'])
def test_torchs_schedulers_take_our_optimizers(name, schedule):
    def run(make):
        p = torch.ones(3, dtype=torch.float64, requires_grad=True)
        opt = make([p], lr=0.05, **(dict(momentum=0.9) if name == 'SGD' else {}))
        plan, rates = schedules[schedule](opt), []
        for _ in range(20):
            (p**2).sum().backward()
            opt.step(), opt.zero_grad(), plan.step()
            rates.append(opt.param_groups[0]['lr'])
        return torch.cat([p.detach(), torch.tensor(rates, dtype=torch.float64)])
    torch.testing.assert_close(run(make_ours[name]), run(getattr(torch.optim, name)), rtol=1e-10, atol=1e-12)

def test_what_else_is_built_for_torchs_optimizers():
    w = torch.ones(2, requires_grad=True)
    opt = SGD([w], 0.1)
    def closure():
        opt.zero_grad()
        loss = (w**2).sum()
        loss.backward()
        return loss
    assert opt.step(closure).item() == 2 and torch.allclose(w, torch.tensor(0.8))
    plateau = S.ReduceLROnPlateau(opt, patience=0)
    for loss in (1., 2.): plateau.step(loss)
    assert opt.param_groups[0]['lr'] == pytest.approx(0.01)
    opt.add_param_group(dict(params=[torch.ones(1, requires_grad=True)], lr=1.))
    assert [g['lr'] for g in opt.param_groups] == [pytest.approx(0.01), 1.]
    twin = copy.deepcopy(opt)
    assert twin.param_groups[0]['params'][0] is not w
    scaler = torch.amp.GradScaler('cpu')
    scaler.scale((w**2).sum()).backward()
    scaler.step(opt)
    with pytest.raises(ValueError, match='expected each parameter once'): SGD([('a', w), ('b', w)], 0.1)
    named = SGD(nn.Linear(2, 2).named_parameters(), 0.1)
    assert [tuple(p.shape) for p in named.param_groups[0]['params']] == [(2, 2), (2,)]

def test_sparse_gradients():
    def run(make, **kw):
        torch.manual_seed(0)
        table = nn.Embedding(9, 3, sparse=True)
        opt = make(table.parameters(), lr=0.1, **kw)
        for i in range(20):
            table(torch.tensor([i % 9, 3])).pow(2).sum().backward()
            opt.step(), opt.zero_grad()
        return table.weight.detach()
    torch.testing.assert_close(run(SGD), run(torch.optim.SGD))
    torch.testing.assert_close(run(SGD, momentum=0.9, maximize=True), run(torch.optim.SGD, momentum=0.9, maximize=True))
    with pytest.raises(TypeError, match='expected a dense gradient.*SparseAdam'): run(Adam)

# --- modules

def pair():
    ours = Sequential(Linear(20, 16), ReLU(), Sequential(Linear(16, 8, bias=False), ReLU()), Linear(8, 4))
    theirs = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Sequential(nn.Linear(16, 8, bias=False), nn.ReLU()),
                           nn.Linear(8, 4))
    return ours, theirs

def test_same_seed_same_start():
    for n_in, n_out, bias in [(784, 50, True), (50, 10, True), (3, 7, False), (1, 1, True), (999, 2, True)]:
        torch.manual_seed(7)
        ours = Linear(n_in, n_out, bias)
        torch.manual_seed(7)
        theirs = nn.Linear(n_in, n_out, bias)
        for p, q in zip(ours.parameters(), theirs.parameters(), strict=True): assert p.equal(q)

@pytest.mark.parametrize('mine, theirs, kw',
                         [(SGD, torch.optim.SGD, dict(lr=0.1, momentum=0.9, weight_decay=1e-3)),
                          (Adam, torch.optim.Adam, dict(lr=0.01))])
def test_our_parts_train_to_the_weights_of_torchs(mine, theirs, kw):
    torch.manual_seed(0)
    a, b = pair()
    a.to(torch.float64), b.to(torch.float64)
    b.load_state_dict(a.state_dict())
    x, y = torch.randn(200, 20, dtype=torch.float64), torch.randint(4, (200,))
    ours = fit(3, a, F.cross_entropy, mine(a.parameters(), **kw), DataLoader(Dataset(x, y), 16),
               DataLoader(Dataset(x, y), 64))
    torch_dl = lambda n: torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), n)
    other = fit(3, b, F.cross_entropy, theirs(b.parameters(), **kw), torch_dl(16), torch_dl(64))
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-9, atol=1e-11)
    assert list(ours.columns) == ['epoch', 'train_loss', 'valid_loss', 'accuracy']
    torch.testing.assert_close(torch.tensor(ours.values), torch.tensor(other.values))

def test_state_goes_over_to_torch_and_back():
    ours, theirs = pair()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(5, 20)
    torch.testing.assert_close(ours(x), theirs(x))
    theirs.load_state_dict(pickle.loads(pickle.dumps(ours.state_dict())))

def test_names_are_torchs():
    ours, theirs = pair()
    for what in ('named_parameters', 'named_modules', 'named_children'):
        assert [n for n, _ in getattr(ours, what)()] == [n for n, _ in getattr(theirs, what)()], what
    assert len(list(ours.modules())) == len(list(theirs.modules())) and len(list(ours.children())) == 4

def test_torch_modules_inside_ours():
    torch.manual_seed(0)
    ours = Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Dropout(0.5), Linear(5, 2))
    theirs = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Dropout(0.5), nn.Linear(5, 2))
    ours(torch.randn(8, 6))                             # moves the running statistics
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(3, 6)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))
    assert not ours[1].training and ours.train()[2].training
    assert ours.to(torch.float64)[1].running_mean.dtype == torch.float64
    fresh = Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Dropout(0.5), Linear(5, 2)).to(torch.float64)
    fresh.load_state_dict(ours.state_dict())
    assert fresh[1].running_mean.equal(ours[1].running_mean)

class Net(Module):
    def __init__(self):
        self.a = Linear(3, 3)
        self.scale = torch.ones(3).requires_grad_()
        self.b = self.a
    def forward(self, x): return self.b(self.a(x)) * self.scale

def test_shared_parameters_come_once():
    assert [n for n, _ in Net().named_parameters()] == ['scale', 'a.weight', 'a.bias']

def test_copies_own_their_parameters():
    net = Net()
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        SGD(twin.parameters(), 0.1)
        assert dict(twin.named_parameters())['a.weight'] is twin.a.weight is twin.b.weight
        with torch.no_grad(): twin.a.weight.zero_()
        assert not net.a.weight.equal(twin.a.weight) and twin(torch.ones(1, 3)).shape == (1, 3)

def test_only_leaves_and_modules_register():
    net = Net()
    net.kept = net(torch.ones(1, 3))                    # requires grad, but computed
    net.steps, net.name = torch.zeros(3), 'x'
    assert len(list(net.parameters())) == 3
    net.scale = None
    assert len(list(net.parameters())) == 2
    del net.b
    assert len(list(net.parameters())) == 2
    del net.a
    assert list(net.parameters()) == []

def test_a_frozen_parameter_stays_registered():
    net = Net()
    net.scale.requires_grad_(False)
    assert len(list(net.parameters())) == 3

def test_moving_keeps_the_optimizers_parameters():
    net = Net()
    opt = SGD(net.parameters(), 0.1)
    net(torch.ones(1, 3)).sum().backward()
    net.to(torch.float64)
    assert all(p.dtype == p.grad.dtype == torch.float64 for p in net.parameters())
    before = net.scale.clone()
    opt.step()
    assert not net.scale.equal(before)

@pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU')
def test_training_on_a_gpu():
    torch.manual_seed(0)
    net = Sequential(Linear(4, 8), ReLU(), Linear(8, 3)).to('cuda')
    x, y = torch.randn(50, 4).cuda(), torch.randint(3, (50,)).cuda()
    dl = DataLoader(Dataset(x, y), 16, shuffle=True)
    for opt in (SGD(net.parameters(), 0.1, momentum=0.9), Adam(net.parameters(), 0.01)):
        figures = fit(3, net, F.cross_entropy, opt, dl, dl)
        opt.load_state_dict(pickle.loads(pickle.dumps(opt.state_dict())))
        assert figures.train_loss.iloc[-1] < figures.train_loss.iloc[0] and next(net.parameters()).is_cuda
    assert all(p.device.type == 'cpu' for p in net.to('cpu').parameters())

def test_hooks_see_and_change():
    net, seen = Net(), []
    handles = [net.a.register_forward_pre_hook(lambda m, args: seen.append(m) or args[0] * 0),
               net.register_forward_hook(lambda m, args, out: out + 5)]
    with torch.no_grad(): net.a.bias.zero_()
    assert net(torch.ones(1, 3)).tolist() == [[5., 5., 5.]] and seen == [net.a, net.a]
    for h in handles: h.remove()
    net(torch.ones(1, 3))
    assert len(seen) == 2

def test_layers_take_inputs_of_any_leading_shape():
    for shape in [(5, 4, 3), (0, 3), (3,)]: assert Linear(3, 2)(torch.zeros(shape)).shape == (*shape[:-1], 2)
    bare = Linear(3, 2, bias=False)
    assert len(list(bare.parameters())) == 1 and repr(bare) == 'Linear(3, 2, bias=False)'
    model = Sequential(bare, ReLU())
    assert len(model) == 2 and model[0] is list(model)[0] and isinstance(model[1:], Sequential)
    assert len(Sequential()) == 0 and Sequential()(3) == 3

def test_repr_reads_like_torchs():
    assert repr(Sequential(Linear(2, 3), ReLU())) == 'Sequential(\n  (0): Linear(2, 3)\n  (1): ReLU()\n)'

class Listed(Module):
    def __init__(self): self.layers = [Linear(2, 2), nn.Linear(2, 2)]

def test_a_plain_list_registers_nothing_and_warns():
    with pytest.warns(UserWarning, match='Listed.layers is a list that holds 2 modules'): net = Listed()
    assert list(net.parameters()) == []
    with pytest.raises(ValueError, match='params: expected at least one.*Sequential'): SGD(net.parameters(), lr=0.1)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        net.layers = Sequential(*net.layers)
        net.sizes, net.names = [1, 2], {'a': 1}
    assert len(list(net.parameters())) == 4

def test_ours_inside_torchs_and_torchs_inside_ours():
    class Theirs(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.layers = Linear(3, 4), nn.ModuleList([Linear(4, 4), Linear(4, 2)])
        def forward(self, x):
            x = self.body(x)
            for layer in self.layers: x = layer(x)
            return x
    net = Theirs()
    names = [f'{n}.{k}' for n in ('body', 'layers.0', 'layers.1') for k in ('weight', 'bias')]
    assert [n for n, _ in net.named_parameters()] == names
    assert len(list(nn.Sequential(Linear(2, 2), nn.ReLU()).parameters())) == 2
    class Ours(Module):
        def __init__(self): self.net = net
        def forward(self, x): return self.net(x)
    assert [n for n, _ in Ours().named_parameters()] == ['net.' + n for n, _ in net.named_parameters()]
    before = net(torch.ones(2, 3))
    opt = SGD(Ours().parameters(), 0.1)
    before.sum().backward()
    opt.step()
    assert not net(torch.ones(2, 3)).equal(before) and net.eval().body.training is False

def test_nested_lists_warn():
    class Deep(Module):
        def __init__(self): self.blocks = [[Linear(2, 2)], {'a': (nn.Linear(2, 2), 3)}]
    with pytest.warns(UserWarning, match='Deep.blocks is a list that holds 2 modules'): Deep()
    class Loop(Module):
        def __init__(self):
            ring = [1]
            ring.append(ring)
            self.ring = ring                            # holds itself: nothing to warn of, and no end to look for
    Loop()

def test_buffers_strict_and_requires_grad():
    class Counted(Module):
        def __init__(self):
            self.w = nn.Parameter(torch.zeros(2))
            self.register_buffer('seen', torch.tensor(0))
        def forward(self, x):
            self.seen += 1
            return x * self.w
    net = Counted()
    net(torch.ones(2))
    assert list(net.state_dict()) == ['w', 'seen'] and net.state_dict()['seen'] == 1
    assert [n for n, _ in net.named_parameters()] == ['w']
    assert net.requires_grad_(False) is net and not net.w.requires_grad
    other = Counted()
    assert other.load_state_dict(dict(w=torch.ones(2), more=1), strict=False) == (['seen'], ['more'])
    assert other.w.tolist() == [1., 1.]
    with pytest.raises(RuntimeError, match='Missing key'): other.load_state_dict(dict(w=torch.ones(2)))

def test_a_subclass_may_call_init_or_not():
    class Late(Module):
        def __init__(self):
            self.a = Linear(2, 2)
            super().__init__()                          # forgets nothing
    assert len(list(Late().parameters())) == 2

def test_tools_made_for_torchs_modules():
    net = Sequential(Linear(3, 4), ReLU(), Linear(4, 2))
    x = torch.randn(5, 3)
    params = dict(net.named_parameters())
    def loss(params, x): return torch.func.functional_call(net, params, (x,)).pow(2).sum()
    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(params, x)
    loss(params, x).backward()
    for name, p in params.items(): torch.testing.assert_close(each[name].sum(0), p.grad)
    _, out = torch.func.jvp(net, (x,), (torch.ones(5, 3),))
    assert out.shape == (5, 2)
    assert net.to('meta')(torch.empty(7, 3, device='meta')).shape == (7, 2)

def test_compile_and_export():
    net, plain = Net(), nn.Sequential(nn.Linear(3, 3))
    x = torch.randn(4, 3)
    compiled = torch.compile(net, fullgraph=True, backend='eager')
    torch.testing.assert_close(compiled(x), net(x))
    small = Sequential(Linear(3, 4), ReLU(), Linear(4, 2))
    torch.testing.assert_close(torch.export.export(small, (x,)).module()(x), small(x))

@pytest.mark.parametrize('bias', [True, False])
def test_under_autocast_linear_gives_the_type_that_torchs_gives(bias):
    ours, theirs = Linear(4, 3, bias), nn.Linear(4, 3, bias)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(5, 4)
    with torch.autocast('cpu', torch.bfloat16):
        a, b = ours(x), theirs(x)
        assert a.dtype == b.dtype == torch.bfloat16 and a.equal(b)
        f, g = Sequential(ours, ReLU()), nn.Sequential(theirs, nn.ReLU())
        assert f(x).dtype == g(x).dtype and f(x).equal(g(x))
        y = torch.randint(3, (5,))
        fit(1, ours, F.cross_entropy, SGD(ours.parameters(), 0.1), DataLoader(Dataset(x, y), 2),
            DataLoader(Dataset(x, y), 2))
    assert all(p.dtype == torch.float32 for p in ours.parameters())

# --- data

@quick
@given(n=st.integers(1, 60), size=st.integers(1, 70), drop_last=st.booleans(), seed=st.integers(0, 2**32))
def test_every_item_once(n, size, drop_last, seed):
    for shuffle in (False, True):
        make = lambda: torch.Generator().manual_seed(seed)
        sampler = BatchSampler(n, size, shuffle, drop_last, make())
        batches = list(sampler)
        flat = [i for b in batches for i in b]
        assert len(batches) == len(sampler) == (n // size if drop_last else -(-n // size))
        assert all(len(b) == size for b in batches[:-1]) and (not drop_last or all(len(b) == size for b in batches))
        assert len(set(flat)) == len(flat) == (n // size * size if drop_last else n)
        assert set(flat) <= set(range(n)) and (shuffle or flat == list(range(len(flat))))
        # the same seed gives the same order, for every kind of data
        x = torch.arange(n)
        for ds in (Dataset(x), torch.utils.data.TensorDataset(x), [(i,) for i in range(n)]):
            dl = DataLoader(ds, size, shuffle, drop_last, make())
            assert len(dl) == len(batches)
            assert [b[0].tolist() for b in dl] == batches

@quick
@given(n=st.integers(1, 40), size=st.integers(1, 12), shuffle=st.booleans(), drop_last=st.booleans(),
       seed=st.integers(0, 1000))
def test_whole_batches_are_what_item_by_item_gives(n, size, shuffle, drop_last, seed):
    x, y = torch.randn(n, 2, 3).transpose(1, 2), torch.arange(n)
    args = lambda: (size, shuffle, drop_last, torch.Generator().manual_seed(seed))
    whole = list(DataLoader(Dataset(x, y), *args()))
    items = list(DataLoader(list(zip(x, y)), *args()))
    assert len(whole) == len(items)
    for a, b in zip(whole, items):
        assert type(a) is type(b) is tuple and all(s.equal(t) for s, t in zip(a, b, strict=True))

@quick
@given(st.lists(st.tuples(st.integers(-9, 9), st.text(max_size=3)), min_size=1, max_size=30), st.integers(1, 9))
def test_plain_sequences(items, size):
    out = []
    for numbers, texts in DataLoader(items, size):
        assert isinstance(numbers, torch.Tensor) and isinstance(texts, tuple)
        out += zip(numbers.tolist(), texts)
    assert out == items

def test_epochs_differ_and_repeat_with_the_seed():
    def epochs(seed):
        dl = DataLoader(list(range(50)), 50, shuffle=True, generator=torch.Generator().manual_seed(seed))
        return [next(iter(dl)).tolist() for _ in range(3)]
    one = epochs(3)
    assert one == epochs(3) and one[0] != one[1] != one[2] and one != epochs(4)
    torch.manual_seed(5)
    first = [b.tolist() for b in DataLoader(torch.arange(9), 4, shuffle=True)]
    torch.manual_seed(5)
    assert first == [b.tolist() for b in DataLoader(torch.arange(9), 4, shuffle=True)]

class Squares:
    "Items that are computed, as from a file; the number of the worker comes along."
    def __len__(self): return 20
    def __getitem__(self, i):
        worker = torch.utils.data.get_worker_info()
        return i * i, -1 if worker is None else worker.id

def test_workers_change_the_speed_and_nothing_else():
    for kw in (dict(), dict(shuffle=True), dict(shuffle=True, drop_last=True)):
        def epochs(**more):
            torch.manual_seed(0)
            dl = DataLoader(Squares(), 6, **kw, **more)
            return [[b[0].tolist() for b in dl] for _ in range(3)], torch.rand(1).item()
        assert epochs(num_workers=2) == epochs() == epochs(num_workers=2, persistent_workers=True)
    assert {w for b in DataLoader(Squares(), 6, num_workers=2) for w in b[1].tolist()} == {0, 1}
    x = torch.arange(20.)
    one, none = (list(DataLoader(Dataset(x), 6, **kw)) for kw in (dict(num_workers=1), {}))
    assert [b[0].tolist() for b in one] == [b[0].tolist() for b in none]

def test_collate_fn_and_sampler():
    words = [([1, 2], 0), ([3], 1), ([4, 5, 6], 0)]
    def pad(items):
        texts = [torch.tensor(t) for t, _ in items]
        return nn.utils.rnn.pad_sequence(texts, batch_first=True), torch.tensor([y for _, y in items])
    (texts, labels), = DataLoader(words, 3, collate_fn=pad)
    assert texts.tolist() == [[1, 2, 0], [3, 0, 0], [4, 5, 6]] and labels.tolist() == [0, 1, 0]
    (doubled,), *_ = DataLoader(Dataset(torch.arange(4)), 2,
                                collate_fn=lambda items: (torch.stack([t for t, in items]) * 2,))
    assert doubled.tolist() == [0, 2]
    for ds in (Dataset(torch.arange(6)), [(i,) for i in range(6)]):
        dl = DataLoader(ds, 2, sampler=[5, 0, 5])
        assert len(dl) == 2 and [b.tolist() for b, in dl] == [[5, 0], [5]]
        assert [b.tolist() for b, in DataLoader(ds, 2, sampler=[5, 0, 5], drop_last=True)] == [[5, 0]]
    torch.manual_seed(0)
    rare = torch.utils.data.WeightedRandomSampler([0., 0., 1., 0., 0., 0.], 4)
    assert [b.tolist() for b, in DataLoader(Dataset(torch.arange(6)), 3, sampler=rare)] == [[2, 2, 2], [2]]

def test_letters():
    numbers, names = next(iter(DataLoader([(0, 'a'), (1, 'b'), (2, 'c')], 2)))
    assert numbers.equal(torch.tensor([0, 1])) and names == ('a', 'b')

def test_structured_items():
    Point = namedtuple('Point', 'at label')
    batch = collate([Point(torch.zeros(2), dict(x=1, y=('u', 2.))), Point(torch.ones(2), dict(x=3, y=('v', 4.)))])
    assert isinstance(batch, Point) and batch.at.tolist() == [[0., 0.], [1., 1.]]
    assert collate([[1, 'a'], [2, 'b']])[1] == ('a', 'b') and collate([(), ()]) == ()
    assert collate([None] * 2) == (None, None)
    assert collate([True, False]).dtype == torch.bool and collate([b'a', b'b']) == (b'a', b'b')
    assert collate([np.str_('a')]) == ('a',) and collate([np.float32(1), np.float32(2)]).tolist() == [1., 2.]
    assert collate([np.zeros(3), np.ones(3)]).shape == (2, 3)
    assert batch.label['x'].tolist() == [1, 3] and batch.label['y'][0] == ('u', 'v')
    assert batch.label['y'][1].dtype == torch.float32

def test_views_and_copies():
    x = torch.arange(10.)
    (first,), *_ = DataLoader(Dataset(x), 4)
    assert first.data_ptr() == x.data_ptr()
    (first,), *_ = DataLoader(Dataset(x), 4, shuffle=True)
    first.fill_(-1)
    assert x.tolist() == list(range(10))

@quick
@given(n=st.integers(1, 20), data=st.data())
def test_dataset_index(n, data):
    x, y = torch.randn(n, 3), torch.arange(n)
    ds = Dataset(x, y)
    i, many = data.draw(st.integers(-n, n - 1)), data.draw(st.lists(st.integers(0, n - 1), max_size=5))
    for index in (i, slice(i, None), slice(None, i, 2), many, torch.tensor(many, dtype=torch.int64)):
        assert ds[index][0].equal(x[index]) and ds[index][1].equal(y[index])
    assert len(ds) == len(list(ds)) == n

# --- counting

@quick
@given(n=st.integers(1, 50), size=st.integers(1, 60))
def test_figures_do_not_depend_on_the_batch_size(n, size):
    torch.manual_seed(n)
    x, y, model = torch.randn(n, 4, dtype=torch.float64), torch.randint(3, (n,)), Linear(4, 3).to(torch.float64)
    loss, accuracy = evaluate(model, F.cross_entropy, DataLoader(Dataset(x, y), size))
    assert loss == pytest.approx(F.cross_entropy(model(x), y).item())
    assert accuracy == pytest.approx((model(x).argmax(-1) == y).double().mean().item())

def test_what_has_no_accuracy_has_no_column_for_it():
    x = torch.randn(20, 1)
    dl, model = DataLoader(Dataset(x, 3 * x), 5), Linear(1, 1)
    loss = lambda p, t: ((p - t)**2).mean()
    table = fit(2, model, loss, SGD(model.parameters(), 0.1), dl, dl)
    assert list(table.columns) == ['epoch', 'train_loss', 'valid_loss'] and list(table.epoch) == [1, 2]
    assert list(fit(1, model, loss, SGD(model.parameters(), 0.1), dl).columns) == ['epoch', 'train_loss']
    assert report(0.5, torch.tensor([[1., 2.]]), torch.tensor([1])) == 'loss 0.5000, accuracy 1.0000 (1 of 1)'
    assert report(torch.tensor(0.5), torch.tensor([1.5]), torch.tensor([1.2])) == 'loss 0.5000'

def test_report():
    assert report(torch.tensor(0.25, requires_grad=True), torch.tensor([[1.], [-1.], [2.]]),
                  torch.tensor([[1.], [1.], [1.]])) == 'loss 0.2500, accuracy 0.6667 (2 of 3)'
    assert report(1., torch.tensor([[1., -1.], [2., 3.]]), torch.tensor([[1., 0.], [1., 0.]])) == (
        'loss 1.0000, accuracy 0.7500 (3 of 4)')

def test_evaluate_leaves_no_gradients_and_fit_trains_in_training_mode():
    seen = []
    class Spy(Module):
        def __init__(self): self.w = nn.Parameter(torch.zeros(1))
        def forward(self, x):
            seen.append((self.training, torch.is_grad_enabled()))
            return x * self.w
    model, dl = Spy(), DataLoader(Dataset(torch.ones(4, 1), torch.ones(4, 1)), 2)
    mse = lambda p, t: ((p - t)**2).mean()
    fit(2, model, mse, SGD(model.parameters(), 0.1), dl, dl)
    assert seen == ([(True, True)] * 2 + [(False, False)] * 2) * 2 and model.w.grad is None and model.w.item() > 0

# --- errors

w = torch.ones(2, requires_grad=True)
mse = lambda p, t: ((p - t)**2).mean()
line = Linear(1, 1)
opt = SGD(line.parameters(), 0.1)
column, flat = torch.ones(6, 1), torch.ones(6)
good = DataLoader(Dataset(column, column), 3)

MESSAGES = [
    (lambda: SGD([], 0.1), ValueError,
     'params: expected at least one parameter, got none; layers in a plain Python list'),
    (lambda: SGD(w, 0.1), TypeError, 'params: expected a sequence, such as model.parameters(), got one Tensor'),
    (lambda: SGD([w, 'w'], 0.1), TypeError, "params[1]: expected a tensor, got 'w'"),
    (lambda: SGD([w * 2], 0.1), ValueError, 'params[0]: expected a leaf, got the result of a computation'),
    (lambda: SGD([w, w], 0.1), ValueError, 'params: expected each parameter once, got one of them twice'),
    (lambda: SGD([dict(params=[w]), dict(params=[w], lr=1.)], 0.1), ValueError,
     'some parameters appear in more than one parameter group'),
    (lambda: SGD([dict(lr=1.)], 0.1), ValueError, "param_group: expected the key 'params', got ['lr']"),
    (lambda: SGD([w], 0.1, nesterov=True), ValueError,
     'nesterov: expected a momentum above 0 and a dampening of 0 with it, got 0 and 0'),
    (lambda: SGD([w], 0.1, momentum=0.9, dampening=0.1, nesterov=True), ValueError, 'got 0.9 and 0.1'),
    (lambda: SGD([w], 0.1, dampening=float('inf')), ValueError, 'dampening: expected a number that is finite, got inf'),
    (lambda: SGD([w], -1), ValueError, 'lr: expected a number of at least 0, got -1'),
    (lambda: SGD([w], float('inf')), ValueError, 'lr: expected a number of at least 0 and below inf, got inf'),
    (lambda: SGD([w], float('nan')), ValueError, 'lr: expected a number of at least 0, got nan'),
    (lambda: SGD([w], None), TypeError, 'lr: expected a number of at least 0, got None'),
    (lambda: SGD([w], '1'), TypeError, "lr: expected a number of at least 0, got '1'"),
    (lambda: SGD([w], 0.1, momentum=1), ValueError, 'momentum: expected a number of at least 0 and below 1, got 1'),
    (lambda: SGD([w], 0.1, weight_decay=-0.1), ValueError, 'weight_decay: expected a number of at least 0, got -0.1'),
    (lambda: SGD([dict(params=[w], lr=-3)], 0.1), ValueError, 'lr: expected a number of at least 0, got -3'),
    (lambda: Adam([w], betas=(0.9, 1.)), ValueError, 'betas[1]: expected a number of at least 0 and below 1, got 1.0'),
    (lambda: Adam([w], betas=(0.9,)), ValueError, 'betas: expected two numbers, got (0.9,)'),
    (lambda: Adam([w], eps=-1), ValueError, 'eps: expected a number of at least 0, got -1'),
    (lambda: Adam([w]).load_state_dict(Adam([w, torch.ones(1)]).state_dict()), ValueError,
     "doesn't match the size of optimizer's group"),
    (lambda: Dataset(), ValueError, 'tensors: expected at least one, got none'),
    (lambda: Dataset(torch.ones(3), torch.ones(4)), ValueError, 'tensors: expected one length, got [3, 4]'),
    (lambda: Dataset([1]), TypeError, 'tensors[0]: expected a tensor, got list [1]'),
    (lambda: Dataset(torch.tensor(1.)), ValueError, 'tensors[0]: expected at least one axis, got a single number'),
    (lambda: DataLoader([], 2), ValueError, 'ds: expected at least one item, got none'),
    (lambda: DataLoader(Dataset(torch.ones(0, 2)), 2), ValueError, 'ds: expected at least one item, got none'),
    (lambda: DataLoader(iter([1]), 2), TypeError,
     'ds: expected something with a length and an index, got list_iterator'),
    (lambda: DataLoader([1], 0), ValueError, 'batch_size: expected a whole number of at least 1, got 0'),
    (lambda: DataLoader([1], True), TypeError, 'batch_size: expected a whole number of at least 1, got True'),
    (lambda: DataLoader([1], 1, shuffle=True, sampler=[0]), ValueError, 'sampler: expected None with shuffle=True'),
    (lambda: DataLoader([1], 1, sampler=iter([0])), TypeError,
     'sampler: expected indices with a length, got list_iterator'),
    (lambda: DataLoader([1], 1, workers=2), TypeError, 'workers'),
    (lambda: DataLoader([1], 1, batch_sampler=[[0]]), TypeError,
     'batch_sampler: expected batch_size, shuffle or sampler'),
    (lambda: BatchSampler(-1, 2), ValueError, 'n: expected a whole number of at least 0, got -1'),
    (lambda: collate([]), ValueError, 'items: expected at least one, got none'),
    (lambda: collate([torch.ones(2), torch.ones(3)]), ValueError,
     'items: expected tensors of one shape, got [(2,), (3,)]'),
    (lambda: collate([(1, 2), (1,)]), ValueError, 'items: expected the same length, got [1, 2]'),
    (lambda: collate([dict(a=1), dict(b=1)]), ValueError, 'items: expected dicts with the same keys'),
    (lambda: Linear(0, 1), ValueError, 'n_in: expected a whole number of at least 1, got 0'),
    (lambda: Linear(1, 1.5), TypeError, 'n_out: expected a whole number of at least 1, got 1.5'),
    (lambda: Linear(784, 50)(torch.ones(64, 1, 28, 28)), ValueError,
     'x: expected a shape (..., 784) for Linear(784, 50), got (64, 1, 28, 28)'),
    (lambda: Linear(3, 2)(torch.tensor(1.)), ValueError, 'x: expected a shape (..., 3) for Linear(3, 2), got ()'),
    (lambda: Linear(3, 2)([1., 2., 3.]), TypeError, 'x: expected a tensor, got list [1.0, 2.0, 3.0]'),
    (lambda: Sequential([Linear(1, 1)]), TypeError, 'layers[0]: expected a module, got list'),
    (lambda: Sequential(Linear(2, 2), torch.relu), TypeError, 'layers[1]: expected a module, got builtin_function'),
    (lambda: Module()(1), NotImplementedError, 'Module [Module] is missing the required "forward" function'),
    (lambda: Linear(2, 2).load_state_dict(Linear(2, 2, bias=False).state_dict()), RuntimeError,
     'Missing key(s) in state_dict: "bias"'),
    (lambda: Linear(2, 2).load_state_dict(Linear(2, 3).state_dict()), RuntimeError, 'size mismatch for weight'),
    (lambda: fit(0, line, mse, opt, good), ValueError, 'epochs: expected a whole number of at least 1, got 0'),
    (lambda: fit(1.5, line, mse, opt, good), TypeError, 'epochs: expected a whole number of at least 1, got 1.5'),
    (lambda: fit(1, line, mse, opt, []), ValueError, 'train_dl: expected at least one batch, got none'),
    (lambda: fit(1, line, mse, opt, good, []), ValueError, 'dl: expected at least one batch, got none'),
    (lambda: fit(1, line, lambda p, t: p - t, opt, good), ValueError,
     'loss_func: expected one number from it, got shape (3, 1)'),
    (lambda: fit(1, line, mse, opt, DataLoader(Dataset(column, flat), 3)), ValueError,
     'y: expected the shape of preds, (3, 1), got (3,) (broadcasting would make (3, 3) of them)'),
    (lambda: report(0., flat, column), ValueError, 'y: expected the shape of preds, (6,), got (6, 1)'),
]

@pytest.mark.parametrize('call, kind, message', MESSAGES)
def test_messages(call, kind, message):
    with pytest.raises(kind, match=re.escape(message)): call()

def test_shapes_that_a_loss_may_want():
    for preds, y in [((5, 3), (5,)), ((5, 3), (5, 3)), ((1, 1), (1,)), ((0, 1), (0,)), ((4, 2), (4, 1)),
                     ((2, 10, 4), (2, 4)), ((3, 1, 2, 2), (3, 4))]:
        check_shapes(torch.zeros(preds), torch.zeros(y))

class Louder(torch.utils.data.TensorDataset):
    def __getitem__(self, i):
        assert isinstance(i, int)
        x, y = super().__getitem__(i)
        return x * 0 + 100, y

class Half(Dataset):
    def __len__(self): return 5
    def __getitem__(self, i):
        assert isinstance(i, int)
        x, y = super().__getitem__(i)
        return x * 0 + 100, y

@pytest.mark.parametrize('cls', [Louder, Half])
@pytest.mark.parametrize('how', [dict(), dict(shuffle=True), dict(sampler=[0, 3, 1])])
def test_items_of_a_subclass_are_its_own(cls, how):
    "A dataset that changes its items, as augmentation does, is asked for each of them, in whatever order they come."
    ds = cls(torch.randn(10, 2), torch.arange(10))
    batches = list(DataLoader(ds, 4, **how))
    assert all((x == 100).all() for x, _ in batches)
    assert sorted(torch.cat([y for _, y in batches]).tolist()) == sorted(how.get('sampler', range(len(ds))))

def test_reading_batches_draws_no_random_number():
    for more in ({}, dict(num_workers=1)):
        torch.manual_seed(0)
        list(DataLoader(Squares(), 6, **more))
        drawn = torch.rand(1)
        torch.manual_seed(0)
        assert drawn.equal(torch.rand(1)), more
