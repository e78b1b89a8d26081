"What `watch` says of loops, broken and mended; that it changes nothing, leaves nothing behind and costs no memory."
import copy, gc, math, random
from array import array
import pytest, torch, torch.nn.functional as F
from torch import nn
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
    model = net()
    opt = torch.optim.Adam(model.parameters(), 3. if broken else 1e-2)
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
    model = deep(nn.Identity, 3)
    if broken:
        for m in model[:-1]:
            if isinstance(m, nn.Linear): nn.init.normal_(m.weight, std=1.)
        nn.init.normal_(model[0].weight, std=1e-3)
        nn.init.normal_(model[-1].weight, std=30.)
    opt = torch.optim.SGD(model.parameters(), 1e-9 if broken else 1e-3)
    def train():
        for x, y in batches() * 8: step(model, opt, x, y)
    return model, opt, train

@pair('input-scale')
def raw_pixels(broken):
    model = net()
    opt = adam(model, 1e-3)
    def train():
        for x, y in batches() * 5: step(model, opt, x.abs() * 100 if broken else x.abs(), y)
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
