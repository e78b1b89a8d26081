"What `watch` says of loops, broken and mended; that it changes nothing, leaves nothing behind and costs no memory."
import copy, functools, gc, math, random, warnings
from array import array
from collections import Counter
import pytest, torch, torch.nn.functional as F
from torch import nn
from torch.optim import lr_scheduler as S
import nnbolts.training as T
from nnbolts import watch as W
from nnbolts.watch import watch

def data(n=64, seed=0, size=6, classes=3):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, size, generator=g)
    return x, (x @ torch.randn(size, classes, generator=torch.Generator().manual_seed(9))).argmax(1)

def batches(n=64, of=16, **kwargs):
    x, y = data(n, **kwargs)
    return list(zip(x.split(of), y.split(of)))

def net(*middle, size=6, width=16, classes=3):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(size, width), nn.ReLU(), *middle, nn.Linear(width, classes))

def adam(model, lr=1e-2): return torch.optim.Adam(model.parameters(), lr)
def step(model, opt, x, y, loss_func=F.cross_entropy):
    opt.zero_grad()
    loss = loss_func(model(x), y)
    loss.backward()
    opt.step()
    return loss

# --- every id: a loop with the fault, and the same loop without it. Each gives (model, opt, train).

PAIRS = {}

def pair(*ids):
    def add(f):
        PAIRS[f.__name__] = f, ids
        return f
    return add

@pair('grad-not-cleared')
def zero_grad_is_missing(broken):
    model = net()
    opt = torch.optim.SGD(model.parameters(), 0.05)
    def train():
        for epoch in range(8):
            for x, y in batches():
                if not broken: opt.zero_grad()
                F.cross_entropy(model(x), y).backward()
                opt.step()
    return model, opt, train

@pair('grad-not-cleared')
def zero_grad_once_an_epoch(broken):
    model = net()
    opt = adam(model)
    def train():
        for epoch in range(8):
            opt.zero_grad()
            for x, y in batches():
                F.cross_entropy(model(x), y).backward()
                opt.step()
                if not broken: opt.zero_grad(set_to_none=False)
    return model, opt, train

@pair('grad-not-cleared')
def no_clearing_by_hand(broken):
    x, y = data()
    w = nn.Linear(6, 3)
    def train():
        for i in range(30):
            F.cross_entropy(w(x), y).backward()
            for p in w.parameters():
                p.data -= 0.05 * p.grad
                if not broken: p.grad.data.zero_()
    return w, None, train

@pair('no-step')
def step_is_not_called(broken):
    model = net()
    opt = adam(model)
    def train():
        for epoch in range(4):
            for x, y in batches():
                opt.zero_grad()
                F.cross_entropy(model(x), y).backward()
                opt.step if broken else opt.step()
    return model, opt, train

@pair('no-step')
def accumulates_more_than_there_is(broken):
    model = net()
    opt = adam(model)
    def train():
        for epoch in range(4):
            for i, (x, y) in enumerate(batches()):
                (F.cross_entropy(model(x), y) / 4).backward()
                if (i + 1) % (8 if broken else 4) == 0:
                    opt.step()
                    opt.zero_grad()
            opt.zero_grad()
    return model, opt, train

@pair('no-backward')
def backward_is_not_called(broken):
    model = net()
    opt = adam(model)
    def train():
        for epoch in range(4):
            for x, y in batches():
                opt.zero_grad()
                loss = F.cross_entropy(model(x), y)
                if not broken: loss.backward()
                opt.step()
    return model, opt, train

@pair('no-backward')
def cleared_between_backward_and_step(broken):
    model = net()
    opt = adam(model)
    def train():
        for epoch in range(4):
            for x, y in batches():
                if not broken: opt.zero_grad()
                F.cross_entropy(model(x), y).backward()
                if broken: opt.zero_grad()
                opt.step()
    return model, opt, train

@pair('no-backward')
def neither_backward_nor_step(broken):
    model = net()
    opt = adam(model)
    def train():
        losses = []
        for epoch in range(4):
            for x, y in batches():
                losses.append(F.cross_entropy(model(x), y).item() if broken else step(model, opt, x, y).item())
    return model, opt, train

@pair('loss-detached')
def backward_of_a_new_tensor(broken):
    model = net()
    opt = adam(model)
    def train():
        for x, y in batches() * 4:
            opt.zero_grad()
            loss = F.cross_entropy(model(x), y)
            if broken: loss = torch.tensor(loss.item(), requires_grad=True)
            loss.backward()
            opt.step()
    return model, opt, train

@pair('opt-foreign')
def optimizer_of_an_older_model(broken):
    model, old = net(), net()
    opt = adam(old if broken else model)
    def train():
        for x, y in batches() * 4: step(model, opt, x, y)
    return model, opt, train

@pair('opt-missing')
def optimizer_of_the_last_layer(broken):
    model = net()
    opt = adam(model[-1] if broken else model)
    def train():
        for x, y in batches() * 4:
            model.zero_grad()
            F.cross_entropy(model(x), y).backward()
            opt.step()
    return model, opt, train

class Cut(nn.Module):
    def __init__(self, cut):
        super().__init__()
        torch.manual_seed(0)
        self.body, self.head, self.cut = nn.Linear(6, 16), nn.Linear(16, 3), cut
    def forward(self, x):
        h = self.body(x).relu()
        return self.head(h.detach() if self.cut else h)

@pair('unused')
def graph_is_cut_in_forward(broken):
    model = Cut(broken)
    opt = adam(model)
    def train():
        for x, y in batches() * 4: step(model, opt, x, y)
    return model, opt, train

@pair('eval-in-training')
def train_mode_is_not_put_back(broken):
    model = net(nn.Dropout(0.3))
    opt = adam(model)
    def train():
        model.train()
        for epoch in range(4):
            if not broken: model.train()
            for x, y in batches(): step(model, opt, x, y)
            model.eval()
            with torch.no_grad(): F.cross_entropy(model(data(32, 1)[0]), data(32, 1)[1])
    return model, opt, train

@pair('train-in-validation')
def validates_in_training_mode(broken):
    model = net(nn.BatchNorm1d(16))
    opt = adam(model)
    def train():
        for epoch in range(4):
            model.train()
            for x, y in batches(): step(model, opt, x, y)
            if not broken: model.eval()
            with torch.no_grad():
                for x, y in batches(32, 16, seed=1): F.cross_entropy(model(x), y)
    return model, opt, train

@pair('train-in-validation')
def validates_a_full_batch_in_training_mode(broken):
    model = net(nn.Dropout(0.5))
    opt, (x, y), (vx, vy) = adam(model), data(), data(32, 1)
    def train():
        for epoch in range(20):
            model.train()
            step(model, opt, x, y)
            if not broken: model.eval()
            with torch.inference_mode(): F.cross_entropy(model(vx), vy)
    return model, opt, train

@pair('train-in-validation')
def functional_dropout_in_validation(broken):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(6, 16), nn.Linear(16, 3)
        def forward(self, x): return self.b(F.dropout(self.a(x).relu(), 0.5, self.training))
    model = Net()
    opt = adam(model)
    def train():
        for epoch in range(4):
            model.train()
            for x, y in batches(): step(model, opt, x, y)
            if not broken: model.eval()
            with torch.no_grad(): [model(x) for x, y in batches(seed=1)]
    return model, opt, train

@pair('train-in-validation')
def validates_in_training_mode_with_gradients(broken):
    model = net(nn.Dropout(0.3))
    opt = adam(model)
    def train():
        for epoch in range(5):
            model.train()
            for x, y in batches(): step(model, opt, x, y)
            if not broken: model.eval()
            right = sum((model(x).argmax(1) == y).sum().item() for x, y in batches(seed=1))
    return model, opt, train

@pair('eval-in-training')
def never_in_training_mode(broken):
    model = net(nn.BatchNorm1d(16))
    opt = adam(model)
    if broken: model.eval()
    def train():
        for x, y in batches() * 4: step(model, opt, x, y)
    return model, opt, train

@pair('grad-not-cleared')
def closure_without_zero_grad(broken):
    model, (x, y) = net(), data()
    opt = torch.optim.LBFGS(model.parameters(), 0.1, max_iter=4)
    def closure():
        if not broken: opt.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        return loss
    def train():
        for i in range(6): opt.step(closure)
    return model, opt, train

@pair('grad-not-cleared')
def cleared_every_fourth_step(broken):
    model = net()
    opt = adam(model)
    def train():
        for i, (x, y) in enumerate(batches() * 5):
            if i % 4 == 0: opt.zero_grad()
            (F.cross_entropy(model(x), y) / 4).backward()
            if broken or i % 4 == 3: opt.step()
    return model, opt, train

@pair('nan-loss', 'lr-high')
def diverges(broken):
    model, x = nn.Linear(6, 1), data()[0]
    opt = torch.optim.SGD(model.parameters(), 5. if broken else 0.05)
    def train():
        for i in range(120):
            opt.zero_grad()
            ((model(x) - x.sum(1, keepdim=True))**2).mean().backward()
            opt.step()
    return model, opt, train

@pair('graph-kept')
def a_list_for_each_epoch(broken):
    model = net()
    opt = adam(model)
    def train():
        for epoch in range(4):
            losses = []
            for x, y in batches(96): losses.append(step(model, opt, x, y) if broken else step(model, opt, x, y).item())
            print(sum(losses) / len(losses))
    return model, opt, train

@pair('graph-kept')
def losses_in_a_list(broken):
    model = net()
    opt = adam(model)
    def train():
        losses = []
        for x, y in batches() * 5:
            loss = step(model, opt, x, y)
            losses.append(loss if broken else loss.item())
    return model, opt, train

@pair('graph-kept')
def losses_in_a_sum(broken):
    model = net()
    opt = adam(model)
    def train():
        for epoch in range(2):
            total = 0
            for x, y in batches(128):
                loss = step(model, opt, x, y)
                total += loss if broken else loss.detach()
    return model, opt, train

@pair('graph-kept')
def outputs_in_a_dict(broken):
    model = net()
    opt, kept = adam(model), {'out': []}
    def train():
        for x, y in batches() * 5:
            out = model(x)
            opt.zero_grad()
            F.cross_entropy(out, y).backward()
            opt.step()
            kept['out'].append(out if broken else out.detach())
    return model, opt, train

@pair('nan-loss')
def a_batch_with_nan(broken):
    model = net()
    opt, bs = adam(model), batches() * 4
    bs[6] = bs[6][0].clone(), bs[6][1]
    if broken: bs[6][0][3, 2] = math.nan
    def train():
        for x, y in bs: step(model, opt, x, y)
    return model, opt, train

@pair('nan-loss')
def logarithm_in_a_layer(broken):
    class Log(nn.Module):
        def forward(self, x): return x.log() if broken else x.clamp(min=1e-6).log()
    model = net(nn.Sigmoid(), Log())
    torch.nn.init.constant_(model[0].bias, 0.1)
    if broken: model[2] = nn.ReLU()
    opt = adam(model, 1e-3)
    def train():
        for x, y in batches() * 4: step(model, opt, x, y)
    return model, opt, train

@pair('nan-loss')
def logarithm_in_the_loss(broken):
    model = nn.Sequential(nn.Linear(6, 1), nn.ReLU())
    opt, x = adam(model), data()[0]
    def train():
        for i in range(12):
            opt.zero_grad()
            (model(x) + (0 if broken else 1e-3)).log().pow(2).mean().backward()
            opt.step()
    return model, opt, train

@pair('nan-loss')
def root_of_zero_in_the_gradient(broken):
    model = nn.Linear(6, 3)
    opt, x = adam(model), data()[0].clone()
    x[0] = 0
    model.bias.requires_grad_(False).zero_()
    def train():
        for i in range(12):
            opt.zero_grad()
            (model(x).square().sum(1) + (0 if broken else 1e-6)).sqrt().mean().backward()
            opt.step()
    return model, opt, train

@pair('scheduler-first')
def scheduler_before_the_optimizer(broken):
    model = net()
    opt = adam(model)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 20)
    def train():
        for x, y in batches() * 4:
            opt.zero_grad()
            F.cross_entropy(model(x), y).backward()
            if broken: sched.step()
            opt.step()
            if not broken: sched.step()
    return model, opt, train

@pair('scheduler-first')
def scheduler_at_the_start_of_an_epoch(broken):
    model = net()
    opt = adam(model)
    sched = torch.optim.lr_scheduler.StepLR(opt, 2)
    def train():
        for epoch in range(4):
            if broken: sched.step()
            for x, y in batches(): step(model, opt, x, y)
            if not broken: sched.step()
    return model, opt, train

@pair('clip-always')
def clips_to_nearly_nothing(broken):
    model = net()
    opt = torch.optim.SGD(model.parameters(), 0.1)
    def train():
        for x, y in batches() * 5:
            opt.zero_grad()
            F.cross_entropy(model(x), y).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1e-3 if broken else 5.)
            opt.step()
    return model, opt, train

@pair('clip-always')
def clips_each_value_to_nearly_nothing(broken):
    model = net()
    opt = torch.optim.SGD(model.parameters(), 0.1)
    def train():
        for x, y in batches() * 5:
            opt.zero_grad()
            F.cross_entropy(model(x), y).backward()
            torch.nn.utils.clip_grad_value_(model.parameters(), 1e-5 if broken else 1.)
            opt.step()
    return model, opt, train

@pair('data-order')
def sorted_by_class(broken):
    model = net()
    opt, (x, y) = adam(model), data(96)
    order = y.argsort() if broken else torch.randperm(96, generator=torch.Generator().manual_seed(0))
    def train():
        for epoch in range(5):
            for i in order.split(12): step(model, opt, x[i], y[i])
    return model, opt, train

@pair('data-order')
def sorted_by_target(broken):
    model = net(classes=1)
    opt, x = adam(model), data(128)[0]
    y = x.sum(1, keepdim=True)
    order = y[:, 0].argsort() if broken else torch.arange(128)
    def train():
        for epoch in range(5):
            for i in order.split(16): step(model, opt, x[i], y[i], nn.MSELoss())
    return model, opt, train

@pair('overfitting')
def learns_noise_by_heart(broken):
    model = net(width=128 if broken else 16)
    opt = adam(model, 1e-2)
    (x, y), (vx, vy) = data(32), data(64, 1)
    if broken: y = y[torch.randperm(32, generator=torch.Generator().manual_seed(1))]
    def train():
        for epoch in range(60 if broken else 30):
            model.train()
            step(model, opt, x, y)
            model.eval()
            with torch.no_grad(): F.cross_entropy(model(vx), vy)
    return model, opt, train

@pair('lr-high')
def rate_far_too_high(broken):
    model = deep(nn.ReLU, 2)
    opt = torch.optim.Adam(model.parameters(), 1. if broken else 3e-3)
    def train():
        for x, y in batches() * 10: step(model, opt, x, y)
    return model, opt, train

@pair('lr-low')
def rate_far_too_low(broken):
    model = net()
    opt = torch.optim.SGD(model.parameters(), 1e-7 if broken else 0.1)
    def train():
        for x, y in batches() * 10: step(model, opt, x, y)
    return model, opt, train

@pair('lr-low')
def epochs_of_the_schedule_are_batches(broken):
    model = net()
    opt = adam(model)
    sched = torch.optim.lr_scheduler.StepLR(opt, 1, 0.1)
    def train():
        for epoch in range(4):
            for x, y in batches(128):
                step(model, opt, x, y)
                if broken: sched.step()
            if not broken: sched.step()
    return model, opt, train

def steps_with(sched, model, opt, n, each=1, loss_func=F.cross_entropy):
    "A training of `n` steps, with the scheduler after every `each` of them."
    x, y = data()
    for i in range(n):
        loss = step(model, opt, x[i % 4::4], y[i % 4::4], loss_func)
        if i % each == each - 1: sched.step(*[loss.item()] if isinstance(sched, S.ReduceLROnPlateau) else [])

def scheduled(make, n, broken_each=1, mended_each=20):
    def program(broken):
        model = net()
        opt = torch.optim.SGD(model.parameters(), 0.05)
        sched = make(opt)
        return model, opt, lambda: steps_with(sched, model, opt, n, broken_each if broken else mended_each)
    return program

RATES = []  # they differ in the scheduler alone

for name, make, n in [
    ('step_lr_by_batch', lambda opt: S.StepLR(opt, 10), 150), ('step_lr_late', lambda opt: S.StepLR(opt, 30), 260),
    ('milestones_by_batch', lambda opt: S.MultiStepLR(opt, [30, 60]), 200),
    ('exponential_by_batch', lambda opt: S.ExponentialLR(opt, 0.9), 150),
    ('rate_by_hand', lambda opt: S.LambdaLR(opt, lambda n: 0.5**n), 130),
]:
    PAIRS[name] = scheduled(make, n), ('lr-low',)
    RATES.append(name)

@pair('opt-renewed')
def an_optimizer_for_each_epoch(broken):
    model = net()
    opt = adam(model)
    def train():
        nonlocal opt
        for epoch in range(20):
            if broken: opt = adam(model)
            for x, y in batches(): step(model, opt, x, y)
    return model, opt, train

@pair('opt-renewed')
def an_optimizer_for_each_step(broken):
    model = net()
    opt = torch.optim.SGD(model.parameters(), 0.02, momentum=0.9)
    def train():
        for x, y in batches() * 20:
            step(model, torch.optim.SGD(model.parameters(), 0.02, momentum=0.9 if broken else 0.), x, y)
    return model, None if broken else opt, train

@pair('clip-first')
def clips_before_backward(broken):
    model = net()
    opt = adam(model)
    def train():
        for x, y in batches() * 5:
            opt.zero_grad()
            loss = F.cross_entropy(model(x), y)
            if broken: nn.utils.clip_grad_norm_(model.parameters(), 5.)
            loss.backward()
            if not broken: nn.utils.clip_grad_norm_(model.parameters(), 5.)
            opt.step()
    return model, opt, train

@pair('clip-first')
def clips_after_the_step(broken):
    model = net()
    opt = adam(model)
    def train():
        for x, y in batches() * 5:
            step(model, opt, x, y)
            nn.utils.clip_grad_norm_(model.parameters(), max_norm=5. if broken else math.inf)
    return model, opt, train

@pair('dead-units')
def units_are_dead(broken):
    model = net()
    if broken: nn.init.constant_(model[0].bias, -20.)
    opt = torch.optim.SGD(model.parameters(), 0.05)
    def train():
        for x, y in batches() * 5: step(model, opt, x, y)
    return model, opt, train

@pair('saturated')
def sigmoids_are_at_their_ends(broken):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 3))
    if broken: nn.init.normal_(model[0].weight, std=20.)
    opt = torch.optim.SGD(model.parameters(), 0.05)
    def train():
        for x, y in batches() * 5: step(model, opt, x, y)
    return model, opt, train

def deep(act, n=8):
    torch.manual_seed(0)
    layers = [layer for _ in range(n) for layer in (nn.Linear(16, 16), act())]
    return nn.Sequential(nn.Linear(6, 16), act(), *layers, nn.Linear(16, 3))

@pair('vanishing-gradient')
def ten_sigmoids(broken):
    model = deep(nn.Sigmoid if broken else nn.ReLU)
    for m in model:
        if isinstance(m, nn.Linear): nn.init.kaiming_normal_(m.weight, nonlinearity='sigmoid' if broken else 'relu')
    opt = torch.optim.SGD(model.parameters(), 0.01)
    def train():
        for x, y in batches() * 5: step(model, opt, x, y)
    return model, opt, train

@pair('exploding-gradient')
def weights_too_large(broken):
    model = deep(nn.Identity, 6)
    if broken:
        for m in model[2:]:
            if isinstance(m, nn.Linear): nn.init.normal_(m.weight, std=2.)
        nn.init.normal_(model[0].weight, std=1e-3)
    opt = torch.optim.SGD(model.parameters(), 1e-9 if broken else 1e-3)
    def train():
        for x, y in batches() * 8: step(model, opt, x, y)
    return model, opt, train

@pair('exploding-gradient')
def depth_of_large_weights_for_a_number(broken):
    model = deep(nn.ReLU)
    for m in model:
        if isinstance(m, nn.Linear): nn.init.normal_(m.weight, std=1.5 if broken else 0.3)
    opt = adam(model, 1e-3)
    def train():
        for x, y in batches() * 5: step(model, opt, x, x[:, 0], lambda out, y: F.mse_loss(out[:, 0], y))
    return model, opt, train

@pair('input-scale')
def raw_pixels(broken):
    model = net()
    opt = adam(model, 1e-3)
    def train():
        for x, y in batches() * 5: step(model, opt, x.abs() * 100 if broken else x.abs(), y)
    return model, opt, train

@pair('input-scale')
def data_divided_in_place(broken):
    model = net()
    opt, (x, y) = adam(model), data()
    x = x * 8
    def train():
        for epoch in range(8):
            for xb, yb in zip(x.split(16), y.split(16)):
                if broken: xb /= 8
                else: xb = xb / 8
                step(model, opt, xb, yb)
    return model, opt, train

@pair('no-step')
def accumulates_but_clears_each_batch(broken):
    model = net()
    opt = adam(model)
    def train():
        for i, (x, y) in enumerate(batches(of=8) * 6, 1):
            if broken: opt.zero_grad(set_to_none=i % 8 < 4)
            (F.cross_entropy(model(x), y) / 4).backward()
            if i % 4: continue
            nn.utils.clip_grad_norm_(model.parameters(), 1.)
            opt.step()
            if not broken: opt.zero_grad()
    return model, opt, train

@pair('unregistered')
def layers_in_a_dict(broken):
    torch.manual_seed(0)
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            parts = dict(a=nn.Linear(6, 16), b=nn.Linear(16, 16))
            self.parts, self.head = parts if broken else nn.ModuleDict(parts), nn.Linear(16, 3)
        def forward(self, x): return self.head(F.relu(self.parts['b'](F.relu(self.parts['a'](x)))))
    model = Net()
    opt = adam(model)
    def train():
        for x, y in batches() * 5: step(model, opt, x, y)
    return model, opt, train

@pair('norm-tiny-batch')
def norm_of_two_items(broken):
    model = net(nn.BatchNorm1d(16))
    opt = adam(model)
    def train():
        for x, y in batches(of=2 if broken else 16) * (1 if broken else 4): step(model, opt, x, y)
    return model, opt, train

@pair('decay-high')
def decay_beats_the_gradient(broken):
    model = net()
    opt = torch.optim.SGD(model.parameters(), 0.1, weight_decay=1. if broken else 1e-3)
    def train():
        for x, y in batches() * 20: step(model, opt, x, y)
    return model, opt, train

@pair('frozen')
def everything_is_frozen(broken):
    model, extra = net(), nn.Parameter(torch.zeros(3))
    if broken: model.requires_grad_(False)
    opt = torch.optim.Adam([*model.parameters(), extra], 1e-2)
    def train():
        for x, y in batches() * 5: step(model, opt, x, y, lambda out, y: F.cross_entropy(out + extra, y))
    return model, opt, train

def serious(seen): return [f.id for f in seen if f.severity != 'note']

@pytest.mark.parametrize('name', PAIRS)
def test_a_fault_is_found_and_its_mended_twin_is_silent(name):
    make, ids = PAIRS[name]
    model, opt, train = make(True)
    with watch(model, opt) as seen: train()
    assert not seen.notes, seen.notes
    assert set(ids) <= set(serious(seen)), f'{serious(seen)}\n{seen}'
    model, opt, train = make(False)
    with watch(model, opt) as seen: train()
    assert not seen.notes, seen.notes
    assert not serious(seen), seen

# --- sound loops of many kinds. Each gives (models, optimizers, train)

SOUND = {}

def sound(f):
    SOUND[f.__name__] = f
    return f

def shuffled(n=64, of=16, seed=0, classes=3):
    x, y = data(n, seed, classes=classes)
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), of, shuffle=True)

@torch.no_grad()
def validate(model, loader):
    model.eval()
    return sum(F.cross_entropy(model(x), y).item() for x, y in loader) / len(loader)

@sound
def plain():
    model = net(nn.Dropout(0.2), nn.BatchNorm1d(16))
    opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    loader = shuffled()
    def train():
        for epoch in range(5):
            model.train()
            for x, y in loader: step(model, opt, x, y)
            validate(model, loader)
    return model, opt, train

@sound
def accumulates():
    model = net(nn.Dropout(0.1))
    opt, loader = adam(model), shuffled(of=8)
    def train():
        opt.zero_grad()
        for epoch in range(5):
            for i, (x, y) in enumerate(loader):
                (F.cross_entropy(model(x), y) / 4).backward()
                if i % 4 == 3:
                    opt.step()
                    opt.zero_grad(set_to_none=epoch % 2 == 0)
    return model, opt, train

def gan(clears=True):
    torch.manual_seed(0)
    G = nn.Sequential(nn.Linear(2, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
    D = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.Dropout(0.3), nn.Linear(16, 1))
    optG, optD = (torch.optim.Adam(m.parameters(), 1e-3, betas=(0.5, 0.999)) for m in (G, D))
    lossf, one, zero = nn.BCEWithLogitsLoss(), torch.ones(16, 1), torch.zeros(16, 1)
    def judge(x, label):
        loss = lossf(D(x), label)
        loss.backward()
        return loss.item()
    def train():
        fixed = torch.randn(16, 2)
        for i in range(30):
            D.zero_grad()
            judge(torch.randn(16, 2) + 2, one)
            fake = G(torch.randn(16, 2))
            judge(fake.detach(), zero)
            optD.step()
            G.zero_grad()
            judge(fake, one)
            optG.step()
            if i % 10 == 9:
                with torch.no_grad(): G(fixed)
    return [G, D], [optG, optD], train

sound(gan)

@sound
def generator_without_gradients():
    [G, D], [optG, optD], _ = gan()
    def train():
        for i in range(25):
            with torch.no_grad(): fake = G(torch.randn(16, 2))
            loss = F.softplus(D(fake)).mean() + F.softplus(-D(torch.randn(16, 2) + 2)).mean()
            optD.zero_grad()
            loss.backward()
            optD.step()
            optG.zero_grad()
            F.softplus(-D(G(torch.randn(16, 2)))).mean().backward()
            optG.step()
    return [G, D], [optG, optD], train

@sound
def critic_with_gradient_penalty():
    [G, D], [optG, optD], _ = gan()
    def train():
        for i in range(24):
            real, fake = torch.randn(16, 2) + 2, G(torch.randn(16, 2)).detach()
            mid = (real + torch.rand(16, 1) * (fake - real)).requires_grad_()
            slope, = torch.autograd.grad(D(mid).sum(), mid, create_graph=True)
            optD.zero_grad()
            (D(fake).mean() - D(real).mean() + 10 * (slope.norm(dim=1) - 1).square().mean()).backward()
            optD.step()
            if i % 3 == 2:
                optG.zero_grad()
                (-D(G(torch.randn(16, 2))).mean()).backward()
                optG.step()
    return [G, D], [optG, optD], train

@sound
def one_cycle_and_clipping():
    model, loader = net(), shuffled()
    opt = torch.optim.AdamW(model.parameters(), 1e-3)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, 1e-2, total_steps=40)
    def train():
        for epoch in range(10):
            for x, y in loader:
                opt.zero_grad()
                F.cross_entropy(model(x), y, label_smoothing=0.1).backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.)
                opt.step()
                sched.step()
    return model, opt, train

@sound
def warmup_then_cosine():
    model, loader = net(), shuffled()
    opt = torch.optim.SGD(model.parameters(), 0.1)
    warm = torch.optim.lr_scheduler.LinearLR(opt, 1e-8, total_iters=8)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 24)
    sched = torch.optim.lr_scheduler.SequentialLR(opt, [warm, cosine], [8])
    def train():
        for epoch in range(8):
            for x, y in loader:
                step(model, opt, x, y)
                sched.step()
    return model, opt, train

@sound
def autocast():
    model, loader = net(nn.LayerNorm(16)), shuffled()
    opt = adam(model)
    def train():
        for epoch in range(6):
            for x, y in loader:
                opt.zero_grad()
                with torch.autocast('cpu', torch.bfloat16): loss = F.cross_entropy(model(x), y)
                loss.backward()
                opt.step()
    return model, opt, train

@sound
def grad_scaler():
    model, loader = net(), shuffled()
    opt, scaler = adam(model), torch.amp.GradScaler('cpu', init_scale=2.**16, growth_interval=5)
    sched = torch.optim.lr_scheduler.StepLR(opt, 30)
    def train():
        for i in range(6):
            for x, y in loader:
                opt.zero_grad()
                loss = F.cross_entropy(model(x), y)
                if i == 0: loss = loss * (x[0, 0] * 1e38).exp() ** 0 * (1 if i else 1e38)
                scaler.scale(loss).backward()
                if i % 2:
                    scaler.unscale_(opt)
                    nn.utils.clip_grad_norm_(model.parameters(), 5.)
                scaler.step(opt)
                scaler.update()
                sched.step()
    return model, opt, train

@sound
def lbfgs():
    model, (x, y) = net(), data()
    opt = torch.optim.LBFGS(model.parameters(), 0.5, max_iter=5)
    def closure():
        opt.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        return loss
    def train():
        for i in range(8): opt.step(closure)
    return model, opt, train

@sound
def checkpointed():
    from torch.utils.checkpoint import checkpoint
    body, head = net(nn.Dropout(0.2), classes=16), nn.Linear(16, 3)
    model, loader = nn.ModuleDict(dict(body=body, head=head)), shuffled()
    opt = adam(model)
    def train():
        for epoch in range(6):
            for x, y in loader:
                opt.zero_grad()
                h = checkpoint(body, x.requires_grad_(), use_reentrant=epoch % 2 == 0)
                F.cross_entropy(head(h.relu()), y).backward()
                opt.step()
    return model, opt, train

@sound
def frozen_body_in_evaluation_mode():
    torch.manual_seed(0)
    body = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2))
    model = nn.Sequential(body, nn.Linear(16, 3))
    body.requires_grad_(False)
    opt, loader = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], 1e-2), shuffled()
    def train():
        for epoch in range(5):
            model.train()
            body.eval()
            for x, y in loader: step(model, opt, x, y)
    return model, opt, train

@sound
def ema_and_teacher():
    model, loader = net(nn.Dropout(0.3)), shuffled()
    teacher, opt = copy.deepcopy(model).requires_grad_(False), adam(model)
    average = torch.optim.swa_utils.AveragedModel(model)
    def train():
        for epoch in range(6):
            for x, y in loader:
                with torch.no_grad(): wanted = teacher(x).softmax(1)
                opt.zero_grad()
                out = model(x)
                (F.cross_entropy(out, y) + 0.1 * F.mse_loss(out.softmax(1), wanted)).backward()
                opt.step()
                with torch.no_grad():
                    for p, q in zip(teacher.parameters(), model.parameters()): p.lerp_(q, 0.1)
                average.update_parameters(model)
        torch.optim.swa_utils.update_bn(loader, average)
    return [model, teacher], opt, train

@sound
def pseudo_labels():
    model, loader = net(nn.Dropout(0.3)), shuffled()
    opt = adam(model)
    def train():
        for epoch in range(6):
            for x, y in loader:
                with torch.no_grad(): guess = model(x + 0.1).argmax(1)
                opt.zero_grad()
                (F.cross_entropy(model(x), y) + 0.1 * F.cross_entropy(model(x), guess)).backward()
                opt.step()
    return model, opt, train

@sound
def dropout_as_a_sample():
    model, loader = net(nn.Dropout(0.3)), shuffled()
    opt = adam(model)
    def train():
        for epoch in range(5):
            for x, y in loader: step(model, opt, x, y)
        with torch.no_grad(): torch.stack([model(x) for _ in range(20)]).var(0)
    return model, opt, train

@sound
def early_stopping_with_the_best_weights():
    model, loader, valid = net(nn.Dropout(0.2), width=64), shuffled(32), shuffled(32, seed=1)
    opt, best = adam(model, 2e-2), [math.inf, None, 0]
    def train():
        for epoch in range(60):
            model.train()
            for x, y in loader: step(model, opt, x, y)
            loss = validate(model, valid)
            if loss < best[0]: best[:] = loss, copy.deepcopy(model.state_dict()), epoch
            elif epoch - best[2] >= 6: break
        model.load_state_dict(best[1])
    return model, opt, train

@sound
def early_stopping_alone():
    model, loader, valid = net(width=64), shuffled(32), shuffled(32, seed=1)
    opt, best = adam(model, 2e-2), [math.inf, 0]
    def train():
        for epoch in range(60):
            model.train()
            for x, y in loader: step(model, opt, x, y)
            loss = validate(model, valid)
            if loss < best[0]: best[:] = loss, epoch
            elif epoch - best[1] >= 3: break
    return model, opt, train

@sound
def only_evaluates():
    model, loader = net(nn.Dropout(0.3)), shuffled()
    return model, None, lambda: [validate(model, loader) for _ in range(4)]

@sound
def saliency():
    model, (x, y) = net(nn.Dropout(0.3)).eval(), data()
    def train():
        for i in range(12):
            xi = x[i:i + 1].clone().requires_grad_()
            model(xi)[0, y[i]].backward()
    return model, None, train

@sound
def attacks_while_training():
    model, loader = net(nn.BatchNorm1d(16)), shuffled()
    opt = adam(model)
    def train():
        for epoch in range(5):
            for x, y in loader:
                model.eval()
                adv = x.clone().requires_grad_()
                F.cross_entropy(model(adv), y).backward()
                model.train()
                step(model, opt, x + 0.05 * adv.grad.sign(), y)
    return model, opt, train

@sound
def recurrent_in_pieces():
    torch.manual_seed(0)
    rnn, head = nn.LSTM(4, 16, batch_first=True), nn.Linear(16, 4)
    model = nn.ModuleList([rnn, head])
    opt, text = adam(model), torch.eye(4)[torch.arange(400).view(4, 100) * 3 % 4]
    def train():
        for epoch in range(3):
            state = None
            for i in range(0, 90, 10):
                out, state = rnn(text[:, i:i + 10], state)
                state = tuple(s.detach() for s in state)
                opt.zero_grad()
                F.cross_entropy(head(out).flatten(0, 1), text[:, i + 1:i + 11].argmax(2).flatten()).backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.)
                opt.step()
    return model, opt, train

@sound
def policy_gradient():
    model = net(size=4, classes=2)
    opt = adam(model)
    def train():
        for episode in range(12):
            logs, rewards = [], []
            for t in range(10):
                p = torch.distributions.Categorical(logits=model(torch.randn(1, 4)))
                a = p.sample()
                logs.append(p.log_prob(a))
                rewards.append(float(a))
            opt.zero_grad()
            (-torch.cat(logs) * (torch.tensor(rewards) - 0.5)).sum().backward()
            opt.step()
    return model, opt, train

@sound
def q_learning():
    policy, target = net(size=4, classes=2), net(size=4, classes=2)
    opt = adam(policy, 1e-3)
    def train():
        for i in range(40):
            s, s2, r = torch.randn(16, 4), torch.randn(16, 4), torch.rand(16)
            with torch.no_grad(): wanted = r + 0.9 * target(s2).max(1)[0]
            opt.zero_grad()
            F.smooth_l1_loss(policy(s)[:, 0], wanted).backward()
            nn.utils.clip_grad_value_(policy.parameters(), 100)
            opt.step()
            if i % 10 == 0: target.load_state_dict(policy.state_dict())
    return [policy, target], opt, train

@sound
def inner_loop_of_meta_learning():
    model, (x, y) = net(), data()
    opt = adam(model)
    def train():
        for i in range(12):
            fast = dict(model.named_parameters())
            for _ in range(2):
                loss = F.cross_entropy(torch.func.functional_call(model, fast, (x,)), y)
                grads = torch.autograd.grad(loss, list(fast.values()), create_graph=True)
                fast = {n: p - 0.1 * g for (n, p), g in zip(fast.items(), grads)}
            opt.zero_grad()
            F.cross_entropy(torch.func.functional_call(model, fast, (x,)), y).backward()
            opt.step()
    return model, opt, train

@sound
def gradients_of_torch_func():
    model, (x, y) = net(), data()
    params = {n: p.detach() for n, p in model.named_parameters()}
    def loss(params): return F.cross_entropy(torch.func.functional_call(model, params, (x,)), y)
    def train():
        for i in range(12):
            grads = torch.func.grad(loss)(params)
            for n, g in grads.items(): params[n] -= 0.1 * g
    return model, None, train

@sound
def steps_by_hand():
    x, y = data()
    model = nn.Linear(6, 3)
    def train():
        for i in range(30):
            F.cross_entropy(model(x), y).backward()
            with torch.no_grad():
                for p in model.parameters():
                    p -= 0.1 * p.grad
                    p.grad.zero_()
    return model, None, train

@sound
def ours():
    torch.manual_seed(0)
    model = T.Sequential(T.Linear(6, 16), T.ReLU(), T.Linear(16, 3))
    opt, ds = T.Adam(model.parameters(), 1e-2), T.Dataset(*data())
    loader, valid = T.DataLoader(ds, 16, shuffle=True), T.DataLoader(T.Dataset(*data(32, 1)), 16)
    return model, opt, lambda: T.fit(5, model, F.cross_entropy, opt, loader, valid)

@sound
def our_learner():
    from nnbolts.learner import DataLoaders, Learner
    ds = T.Dataset(*data())
    learn = Learner(net(nn.Dropout(0.1)), DataLoaders.of(ds, ds, batch_size=16), F.cross_entropy, lr=0.05)
    return learn.model, None, lambda: learn.fit(4)

@sound
def wrapped():
    class Wrapper(nn.Module):
        def __init__(self, module):
            super().__init__()
            self.module = module
        def forward(self, *args): return self.module(*args)
    model, loader = net(nn.Dropout(0.1)), shuffled()
    outer, opt = Wrapper(model), adam(model)
    def train():
        for epoch in range(5):
            outer.train()
            for x, y in loader: step(outer, opt, x, y)
            validate(outer, loader)
    return model, opt, train

@sound
def sharpness_aware():
    model, loader = net(), shuffled()
    opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    def train():
        for epoch in range(6):
            for x, y in loader:
                opt.zero_grad()
                F.cross_entropy(model(x), y).backward()
                shift = [0.05 * p.grad / (p.grad.norm() + 1e-12) for p in model.parameters()]
                with torch.no_grad(): [p.add_(e) for p, e in zip(model.parameters(), shift)]
                opt.zero_grad()
                F.cross_entropy(model(x), y).backward()
                with torch.no_grad(): [p.sub_(e) for p, e in zip(model.parameters(), shift)]
                opt.step()
    return model, opt, train

@sound
def steps_inside_backward():
    model, loader = net(), shuffled()
    opts = {p: torch.optim.SGD([p], 0.05) for p in model.parameters()}
    def take(p):
        opts[p].step()
        opts[p].zero_grad()
    for p in model.parameters(): p.register_post_accumulate_grad_hook(take)
    def train():
        for epoch in range(6):
            for x, y in loader: F.cross_entropy(model(x), y).backward()
    return model, None, train

@sound
def two_losses_two_backwards():
    torch.manual_seed(0)
    body, a, b = nn.Linear(6, 16), nn.Linear(16, 3), nn.Linear(16, 6)
    model, loader = nn.ModuleList([body, a, b]), shuffled()
    opt = adam(model)
    def train():
        for epoch in range(6):
            for x, y in loader:
                opt.zero_grad()
                h = body(x).relu()
                F.cross_entropy(a(h), y).backward(retain_graph=True)
                F.mse_loss(b(h), x).backward()
                opt.step()
    return model, opt, train

@sound
def pairs_of_pictures():
    model = net(classes=8)
    opt, x = adam(model, 1e-3), data()[0]
    def train():
        for i in range(30):
            a, p, n = (model(x[torch.randperm(64)[:16]]) for _ in range(3))
            opt.zero_grad()
            F.triplet_margin_loss(a, p, n).backward()
            opt.step()
    return model, opt, train

@sound
def low_rank_adapter():
    class Adapted(nn.Module):
        def __init__(self, base):
            super().__init__()
            self.base, self.down, self.up = base.requires_grad_(False), nn.Linear(6, 2, False), nn.Linear(2, 3, False)
            nn.init.zeros_(self.up.weight)
        def forward(self, x): return self.base(x) + self.up(self.down(x))
    model, loader = Adapted(net()), shuffled()
    opt = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 1e-2)
    def train():
        for epoch in range(6):
            for x, y in loader: step(model, opt, x, y)
    return model, opt, train

@sound
def sparse_embedding():
    torch.manual_seed(0)
    model = nn.Sequential(nn.EmbeddingBag(20, 8, sparse=True), nn.Linear(8, 2))
    opts = [torch.optim.SparseAdam(list(model[0].parameters()), 1e-2), torch.optim.Adam(model[1].parameters(), 1e-2)]
    x = torch.randint(0, 20, (64, 3))
    def train():
        for i in range(24):
            for o in opts: o.zero_grad()
            F.cross_entropy(model(x), (x.sum(1) > 28).long()).backward()
            for o in opts: o.step()
    return model, opts, train

@sound
def float_64_and_convolutions():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2)).double()
    opt, g = adam(model), torch.Generator().manual_seed(1)
    def train():
        for i in range(24):
            x = torch.rand(16, 1, 8, 8, generator=g, dtype=torch.float64)
            step(model, opt, x, (x[:, 0, 0].sum(1) > 4).long())
    return model, opt, train

@sound
def several_inputs_and_a_lazy_layer():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.LazyLinear(8), nn.Linear(16, 3)
        def forward(self, pair, scale=1.): return self.b(torch.cat([self.a(x) for x in pair], 1).relu() * scale)
    torch.manual_seed(0)
    model, (x, y) = Two(), data()
    model((x, x))
    opt = adam(model)
    def train():
        for i in range(24):
            opt.zero_grad()
            F.cross_entropy(model((x, -x), scale=1.), y).backward()
            opt.step()
    return model, opt, train

def by_rates(make, n=120, each=1, momentum=0.):
    def program():
        model = net()
        opt = torch.optim.SGD(model.parameters(), 0.05, momentum=momentum)
        sched = make(opt)
        return model, opt, lambda: steps_with(sched, model, opt, n, each)
    return program

def backward_by_a_helper(opt, loss):
    opt.zero_grad()
    loss.backward()

@sound
def hidden_teacher_that_stays_as_it_is():
    torch.manual_seed(1)
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.teacher = nn.Linear(6, 3), [nn.Linear(6, 3).requires_grad_(False), nn.Linear(6, 3)]
        def forward(self, x):
            with torch.no_grad(): also = self.teacher[1](x)
            return self.body(x) + self.teacher[0](x) + also
    model = Net()
    opt = adam(model)
    def train():
        for x, y in batches() * 5: step(model, opt, x, y)
    return model, opt, train

@sound
def norm_of_two_large_pictures():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 6 * 6, 2))
    opt = adam(model)
    y = torch.arange(32) % 2
    x = torch.randn(32, 1, 8, 8) + y[:, None, None, None]
    def train():
        for i in torch.arange(32).split(2): step(model, opt, x[i], y[i])
    return model, opt, train

@sound
def attacks_by_the_same_helper():
    model = net()
    opt = adam(model)
    def train():
        for x, y in batches() * 6:
            for turn in range(3):
                x = x.detach().requires_grad_()
                backward_by_a_helper(opt, F.cross_entropy(model(x), y))
                x = x + 0.05 * x.grad.sign()
            backward_by_a_helper(opt, F.cross_entropy(model(x.detach()), y))
            opt.step()
    return model, opt, train

@sound
def sharpness_by_the_same_helper():
    model = net()
    opt = adam(model)
    def train():
        for x, y in batches() * 6:
            backward_by_a_helper(opt, F.cross_entropy(model(x), y))
            with torch.no_grad():
                moves = [0.05 * p.grad / p.grad.norm() for p in model.parameters()]
                for p, move in zip(model.parameters(), moves): p += move
            backward_by_a_helper(opt, F.cross_entropy(model(x), y))
            with torch.no_grad():
                for p, move in zip(model.parameters(), moves): p -= move
            opt.step()
    return model, opt, train

@sound
def gan_whose_fakes_keep_their_graph():
    [G, D], [optG, optD], _ = gan()
    def train():
        for i in range(25):
            fake = G(torch.randn(16, 2))
            backward_by_a_helper(optD, (F.softplus(D(fake)) + F.softplus(-D(torch.randn(16, 2) + 2))).mean())
            optD.step()
            backward_by_a_helper(optG, F.softplus(-D(G(torch.randn(16, 2)))).mean())
            optG.step()
    return [G, D], [optG, optD], train

@sound
def private_gradients_item_by_item():
    model = net()
    opt = adam(model)
    def train():
        for x, y in batches(of=4) * 2:
            total = [torch.zeros_like(p) for p in model.parameters()]
            for xi, yi in zip(x.split(1), y.split(1)):
                backward_by_a_helper(opt, F.cross_entropy(model(xi), yi))
                nn.utils.clip_grad_norm_(model.parameters(), 1.)
                for t, p in zip(total, model.parameters()): t += p.grad
            for t, p in zip(total, model.parameters()): p.grad.copy_(t / len(x))
            opt.step()
    return model, opt, train

SOUND.update(
    cosine_by_batch=by_rates(lambda opt: S.CosineAnnealingLR(opt, 120)),
    one_cycle_by_batch=by_rates(lambda opt: S.OneCycleLR(opt, 0.1, total_steps=121), momentum=0.9),
    warm_restarts=by_rates(lambda opt: S.CosineAnnealingWarmRestarts(opt, 15)),
    slow_exponential=by_rates(lambda opt: S.ExponentialLR(opt, 0.98), 200),
    inverse_root=by_rates(lambda opt: S.LambdaLR(opt, lambda n: min((n + 1) / 10, (10 / (n + 1))**0.5)), 120),
    plateau_by_epoch=by_rates(lambda opt: S.ReduceLROnPlateau(opt, patience=1), 120, 4),
    polynomial=by_rates(lambda opt: S.PolynomialLR(opt, 120, 2)),
    step_lr_of_iterations=by_rates(lambda opt: S.StepLR(opt, 40), 120),
    milestones_by_epoch=by_rates(lambda opt: S.MultiStepLR(opt, [6, 9]), 120, 10),
    triangles=by_rates(lambda opt: S.CyclicLR(opt, 1e-4, 0.05, 20)))

@sound
def two_optimizers_take_turns():
    model, loader = net(), shuffled()
    opts = [adam(model), adam(model, 1e-3)]
    def train():
        for epoch in range(8):
            for x, y in loader: step(model, opts[epoch % 2], x, y)
    return model, opts[0], train

@sound
def optimizers_that_hand_their_state_on():
    model, loader = net(), shuffled()
    opt = adam(model)
    def train():
        last = opt
        for epoch in range(8):
            new = adam(model)
            new.load_state_dict(last.state_dict())
            for x, y in loader: step(model, new, x, y)
            last = new
    return model, opt, train

@sound
def clients_that_begin_at_the_common_weights():
    model, loader = net(), shuffled()
    def train():
        common = copy.deepcopy(model.state_dict())
        for client in range(6):
            model.load_state_dict(common)
            opt = adam(model)
            for x, y in loader: step(model, opt, x, y)
    return model, None, train

@sound
def a_fresh_optimizer_after_thawing():
    model, loader = net(), shuffled()
    def train():
        for thawed in (2, 0):
            model.requires_grad_(False)
            opt = adam(model[thawed:].requires_grad_(True))
            for epoch in range(4):
                for x, y in loader: step(model, opt, x, y)
    return model, None, train

@sound
def compiled():
    model, loader = net(), shuffled()
    fast, opt = torch.compile(model, backend='eager'), adam(model)
    def train():
        for epoch in range(6):
            for x, y in loader: step(fast, opt, x, y)
    return fast, opt, train

def state(models, opts):
    models, opts = (v if isinstance(v, list) else [v] if v is not None else [] for v in (models, opts))
    tensors = [t for m in models for t in [*m.state_dict().values(), *(p.grad for p in m.parameters())]]
    tensors += [t for o in opts for s in o.state_dict()['state'].values() for t in s.values()]
    return tensors, [m.training for model in models for m in model.modules()]

def same(a, b):
    if isinstance(a, torch.Tensor) and a.is_sparse: a, b = a.to_dense(), b.to_dense()
    if isinstance(a, torch.Tensor): return a.detach().numpy().tobytes() == b.detach().numpy().tobytes()
    return type(a) is type(b)

@pytest.mark.parametrize('name', [*SOUND, *(n for n in PAIRS if n not in RATES)])
def test_training_is_the_same_bit_for_bit(name):
    "Weights, gradients, modes, state of the optimizer, random numbers; sound loops get no error and no warning."
    ends = []
    for watched in (False, True):
        torch.manual_seed(3)
        random.seed(3)
        models, opts, train = SOUND[name]() if name in SOUND else PAIRS[name][0](True)
        torch.manual_seed(4)
        if watched:
            with watch(models, opts) as seen: train()
            assert not seen.notes, seen.notes
            if name in SOUND: assert not serious(seen), seen
        else: train()
        ends.append((*state(models, opts), torch.get_rng_state(), random.getstate()))
    (a, modes, rng, python), (b, modes2, rng2, python2) = ends
    assert len(a) == len(b) and all(map(same, a, b))
    assert modes == modes2 and torch.equal(rng, rng2) and python == python2

# --- what it says

def seen_of(name, broken=True):
    model, opt, train = PAIRS[name][0](broken)
    with watch(model, opt) as seen: train()
    return seen

@pytest.mark.parametrize('name, where, words', [
    ('zero_grad_is_missing', 'opt', 'steps looked at'), ('step_is_not_called', 'opt', '16 backward passes'),
    ('backward_is_not_called', 'opt', '16 times, backward never'), ('neither_backward_nor_step', 'opt', '16 passes'),
    ('cleared_between_backward_and_step', 'opt', 'zero_grad stands between'),
    ('optimizer_of_an_older_model', 'opt', 'none of the 4 tensors'),
    ('optimizer_of_the_last_layer', '0.weight, 0.bias', '2 of 4 parameters'),
    ('graph_is_cut_in_forward', 'body.weight, body.bias', 'the graph is cut'),
    ('train_mode_is_not_put_back', 'Sequential', '12 of 16 steps were taken in evaluation mode, the first after 4'),
    ('validates_in_training_mode', 'Sequential', '8 of 8 passes'), ('losses_in_a_list', 'losses', 'in losses'),
    ('outputs_in_a_dict', "kept['out']", "in kept['out']"), ('losses_in_a_sum', 'losses', 'earlier steps'),
    ('a_batch_with_nan', 'input', '1.04% of the numbers'), ('logarithm_in_a_layer', '3', 'is 3 (Log)'),
    ('logarithm_in_the_loss', 'loss', 'the loss function'), ('root_of_zero_in_the_gradient', 'weight', 'at step 1'),
    ('scheduler_before_the_optimizer', 'opt', 'between backward and the step'),
    ('scheduler_at_the_start_of_an_epoch', 'opt', 'before the first step of the optimizer'),
    ('clips_to_nearly_nothing', 'opt', 'cut to 0.001'), ('sorted_by_class', 'training data', 'of one class in 93%'),
    ('learns_noise_by_heart', 'model', 'the training loss to'),
    ('step_lr_late', 'opt', 'at 80 of 260 steps'), ('milestones_by_batch', 'opt', '140 of 200'),
    ('an_optimizer_for_each_epoch', 'opt', '19 times another Adam'), ('clips_before_backward', 'opt', '20 of 20 calls'),
    ('units_are_dead', '0', '100% of the 16 units before 2'),
    ('data_divided_in_place', 'input', 'gets went from'),
    ('accumulates_but_clears_each_batch', 'opt', 'gradients of 3 of 4 backward passes'),
])
def test_the_evidence_names_place_and_figures(name, where, words):
    seen = seen_of(name)
    finding = next(f for f in seen if f.id in PAIRS[name][1])
    assert finding.where == where and words in finding.evidence and finding.mend, finding

def test_what_follows_from_a_fault_is_a_note():
    model = net(width=64)
    opt = torch.optim.SGD(model.parameters(), 2.)
    with watch(model, opt) as seen:
        for x, y in batches() * 10:
            F.cross_entropy(model(x), y).backward()
            opt.step()
    assert seen[0].id == 'grad-not-cleared' and serious(seen) == ['grad-not-cleared'], seen

def test_without_an_optimizer_it_is_noticed():
    model, opt, train = PAIRS['zero_grad_is_missing'][0](True)
    with watch(model) as seen: train()
    assert seen.ids == ['grad-not-cleared']

def test_of_two_optimizers_the_faulty_one_is_named():
    [G, D], [optG, optD], train = gan()
    optD.zero_grad = D.zero_grad = lambda *args: None
    with watch([G, D], [optG, optD]) as seen: train()
    assert [(f.id, f.where) for f in seen] == [('grad-not-cleared', 'opt[1]')], seen

def test_figures_of_the_run():
    model, opt, train = SOUND['plain']()
    with watch(model, opt) as seen:
        train()
        assert len(seen) == 0
    assert seen.figures['steps'] == 20 and ' to ' in seen.figures['loss']

# --- nothing is left behind

def places():
    "Everything that could be left behind."
    from torch.nn.modules import module as M
    from torch.optim import optimizer as O, lr_scheduler as S
    hooks = [dict(h) for h in (M._global_forward_hooks, M._global_forward_pre_hooks, M._global_backward_hooks,
                               O._global_optimizer_pre_hooks, O._global_optimizer_post_hooks)]
    calls = [c.__call__ for c in (nn.Module, nn.Sequential, nn.Linear)]
    functions = [torch.Tensor.backward, torch.autograd.backward, torch.amp.GradScaler.unscale_, *calls,
                 '__call__' in vars(nn.Sequential), 'dropout' in vars(torch._VF),
                 *(getattr(owner, name) for owner, name in W._LOSSES),
                 *(vars(c)['step'] for c in W._family(S.LRScheduler) if 'step' in vars(c))]
    return hooks, functions

ERRORS = [None, RuntimeError, KeyboardInterrupt, SystemExit, GeneratorExit]

@pytest.mark.parametrize('error', ERRORS)
@pytest.mark.parametrize('where', ['forward', 'backward', 'step', 'between'])
def test_nothing_is_left_behind(error, where):
    before, model = places(), net()
    opt, count = adam(model), [0]
    def fail(*args):
        count[0] += 1
        if error and count[0] == 3: raise error
    if where == 'forward': model[1].register_forward_hook(fail)
    if where == 'backward': model[0].weight.register_hook(fail)
    if where == 'step': opt.register_step_post_hook(fail)
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()]
    try:
        with watch(model, opt):
            for x, y in batches() * 2:
                step(model, opt, x, y)
                if where == 'between': fail()
    except BaseException as e: assert type(e) is error
    assert places() == before and not W._board.watchers and not W._board.undo and not W._board.muted
    assert hooks == [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()]
    with watch(model, opt) as seen: seen_again = step(model, opt, *batches()[0])
    assert seen.figures['steps'] == 1 and seen_again.isfinite()

def test_an_error_after_entering_in_part_leaves_nothing(monkeypatch):
    before = places()
    monkeypatch.setattr(W._Board, 'look', lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        with watch(net()): pass
    monkeypatch.undo()
    W._board.drop(None)
    assert places() == before

def test_copies_and_files_of_the_model_know_nothing_of_it(tmp_path):
    model = net()
    opt, plain = adam(model), copy.deepcopy(model)
    with watch(model, opt):
        for x, y in batches(): step(model, opt, x, y)
        copied = copy.deepcopy(model)
        torch.save(model, tmp_path/'model.pt')
    assert b'nnbolts' not in (tmp_path/'model.pt').read_bytes()
    for a, b in zip(copied.modules(), plain.modules()): assert vars(a).keys() == vars(b).keys() and not a._forward_hooks

def test_it_can_be_nested_and_used_again():
    model, opt, train = PAIRS['zero_grad_is_missing'][0](True)
    other, opt2, train2 = PAIRS['losses_in_a_list'][0](True)
    before, again = places(), watch(model, opt)
    with again as first:
        train()
        with watch(other, opt2) as second: train2()
        with again as third: train()
    with again as fourth: pass
    assert first.ids == third.ids == ['grad-not-cleared'] and second.ids == ['graph-kept'] and fourth.ids == []
    assert places() == before

def test_a_watcher_that_fails_says_so_and_the_loop_goes_on(monkeypatch):
    monkeypatch.setattr(W._Watcher, 'judged', lambda *args: 1 / 0)
    monkeypatch.setitem(W._checks, 'own', lambda w: 1 / 0)
    model, opt, train = PAIRS['zero_grad_is_missing'][0](True)
    with watch(model, opt) as seen: train()
    assert seen.ids == ['grad-not-cleared'] and len(seen.notes) == 2 and 'judged (ZeroDivisionError' in seen.notes[0]

@pytest.mark.parametrize('args, error, words', [
    ((3,), TypeError, 'model: expected a module or a list of modules, got 3'),
    ((nn.Linear,), TypeError, 'model: expected a module or a list of modules, got the class Linear'),
    (([],), ValueError, 'model: expected at least one module, got an empty list'),
    (([nn.Linear(1, 1), 'a'],), TypeError, "model[1]: expected a module or a list of modules, got 'a'"),
    ((nn.Linear(1, 1), 0.1), TypeError, 'opt: expected an optimizer or a list of them; leave it out'),
    ((nn.Linear(1, 1), [None]), TypeError, 'opt[0]: expected an optimizer'),
])
def test_other_arguments_are_refused(args, error, words):
    with pytest.raises(error) as e: watch(*args)
    assert words in str(e.value)

# --- memory

def resident():
    return int(next(line for line in open('/proc/self/status') if line.startswith('VmRSS')).split()[1]) / 1024

@pytest.mark.skipif(not __import__('os').path.exists('/proc/self/status'), reason='memory is read from /proc')
def test_memory_is_flat_over_two_thousand_steps():
    "A small tensor kept from each step would pin a heap of tens of megabytes."
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 256), nn.ReLU(), nn.Dropout(0.1), nn.Linear(256, 10))
    opt, x, y = torch.optim.SGD(model.parameters(), 1e-3), torch.randn(16, 16), torch.arange(16) % 10
    with watch(model, opt):
        watcher = W._board.watchers[-1]
        for i in range(2000):
            step(model, opt, x, y)
            if i == 200: start = resident()
        grown = resident() - start
        assert len(watcher.graphs.marks) < 40 and len(watcher.order.groups) <= 64
    assert grown < 4, f'{grown:.1f} MB'

def test_nothing_is_held_after_the_block():
    import weakref
    model = net()
    opt, ref = adam(model), weakref.ref(model)
    with watch(model, opt) as seen:
        for x, y in batches(): step(model, opt, x, y)
    del model, opt
    gc.collect()
    assert ref() is None and seen.ids == []

def test_complex_numbers_are_measured_whole():
    "Not their real parts alone, with a warning of PyTorch's."
    class Filter(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(4, 4, dtype=torch.cfloat))
        def forward(self, x): return (x @ self.weight).abs()
    torch.manual_seed(0)
    x, y, model = 1e-6j * torch.randn(32, 4), torch.rand(32, 4), Filter()
    opt = torch.optim.Adam(model.parameters(), 0.01)
    with warnings.catch_warnings(action='error'), watch(model, opt):
        for _ in range(12):
            opt.zero_grad()
            F.mse_loss(model(x), y).backward()
            opt.step()
    assert W._rms(3 * torch.ones(8) + 4j) == pytest.approx(math.sqrt(12.5))


# --- what is counted in short is what is told one by one

OTHER = ('called', 'called and looked', 'called and stepped', 'two passes', 'elsewhere', 'no step', 'step alone', 'eval', 'eval mode', 'a look', 'part',
         'second', 'spoiled', 'rate', 'stopped', 'renewed', 'another', 'kept', 'cut')

def wander(seed, often):
    "A loop of 260 steps, most of them alike; now and then something else happens, by the seed. Returns the watcher and what is said."
    dice, (x, y), kept = random.Random(seed), data(), []
    model, second = net(nn.Dropout(0.1)), net()
    opt, another = adam(model), torch.optim.SGD(model.parameters(), 1e-3)
    schedule = S.ExponentialLR(opt, 0.99)
    def usual(x=x, *steps, cut=False):
        opt.zero_grad()
        loss = F.cross_entropy(model(x), y)
        if cut: loss = loss.detach().requires_grad_()
        loss.backward()
        for o in steps: o.step()
        return loss
    def other(kind):
        nonlocal opt
        if kind.startswith('called'): model(x)
        if kind in ('called and looked', 'a look'):
            with torch.no_grad(): model(x[:1])
        if kind == 'two passes':
            for part in x.split(32): model(part).sum().backward()
        if kind == 'elsewhere': F.cross_entropy(model(x), y).backward()
        if kind == 'no step': usual()
        if kind in ('step alone', 'called and stepped'): opt.step()
        if kind == 'eval':
            model.train(dice.random() < 0.5)
            with torch.no_grad(): F.cross_entropy(model(x), y)
        if kind == 'eval mode':
            model.eval()
            usual(x, opt)
        if kind == 'part': model[0](x).square().mean().backward()
        if kind == 'second':
            with torch.set_grad_enabled(dice.random() < 0.5): second(x)
        if kind == 'spoiled': usual(x * math.nan)
        if kind == 'rate': schedule.step()
        if kind == 'stopped':
            try: model(x[:, :2])
            except RuntimeError: pass
        if kind == 'renewed': opt = adam(model)
        if kind == 'cut': usual(x, opt, cut=True)
        if kind == 'another': usual(x, another, opt)
        if kind == 'kept': kept.append(usual(x, opt))
        model.train()
    with watch([second, model], opt) as seen:
        w = W._board.watchers[-1]
        for n in range(260):
            usual(x, opt)
            if n > 50 and dice.random() < often: other(dice.choice(OTHER))
    return w, str(seen)

def counted(w):
    "All that a watcher counted, in plain numbers."
    plain = lambda o: {k: repr(v) for k, v in vars(o).items() if isinstance(v, (int, float, array, Counter))}
    return [plain(o) for o in (w, w.graphs, *w.entries.values(), *w.opts.values())], [repr(s) for s in w.streams.values()], w.nan

def by_hand():
    "The optimizer is given and clears the gradients; the steps are taken by hand."
    (x, y), model = data(), net()
    opt = adam(model)
    with watch(model, opt) as seen:
        w = W._board.watchers[-1]
        for n in range(120):
            opt.zero_grad()
            F.cross_entropy(model(x), y).backward()
            for p in model.parameters(): p.data -= 0.05 * p.grad
    return w, str(seen)

@pytest.mark.parametrize('loop', [by_hand, *(functools.partial(wander, seed, often) for seed in range(4) for often in (0, 0.03, 0.15, 0.4))])
def test_what_is_counted_in_short_is_what_is_told_one_by_one(monkeypatch, loop):
    "Between two looks steps that are alike are counted in short: with that and without it a watcher ends with the same numbers."
    w, said = loop()
    monkeypatch.setattr(W._Watcher, 'usual', lambda self: None)
    other, said_other = loop()
    assert repr(counted(w)) == repr(counted(other)) and said == said_other
    assert w.steps >= 118 and w.entries[w.models[-1]].trains >= 118

def test_most_steps_of_an_ordinary_loop_are_counted_in_short(monkeypatch):
    seen, stepped = [], W._Cycle.stepped
    monkeypatch.setattr(W._Cycle, 'stepped', lambda self, opt: seen.append(1) is None and stepped(self, opt) and seen.append(2) is None)
    wander(0, 0)
    assert seen.count(2) == seen.count(1) > 200

def test_an_error_in_the_short_way_is_noted_and_the_loop_goes_on(monkeypatch):
    def rated(self, dense):
        if not dense: raise OSError('rate')
    monkeypatch.setattr(W._Opt, 'rated', rated)
    w, said = wander(0, 0)
    assert w.failed == {'after_step': 'OSError: rate'} and w.steps < 260
    monkeypatch.undo()
    def look(self, step):
        if step > 60: raise OSError('graphs')
    monkeypatch.setattr(W._Graphs, 'look', look)
    w, said = wander(0, 0)
    assert set(w.failed.values()) == {'OSError: graphs'} and '_next' in w.failed and w.steps == 260
