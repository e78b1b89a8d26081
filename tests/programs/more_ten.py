"Loops once more, asked once after the checks of a watcher had grown by five: sound ones, and broken ones."
import copy, math
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset
from . import program

@program(kind='watch', source='LoRA: small matrices beside frozen weights')
def letters_sorted_by_low_rank():
    torch.manual_seed(80)
    y = torch.randint(0, 4, (200,))
    x = torch.randn(200, 16) * .6 + torch.randn(4, 16)[y]
    class Low(nn.Module):
        def __init__(self, base, rank=4):
            super().__init__()
            self.base = base.requires_grad_(False)
            self.a = nn.Parameter(torch.randn(rank, base.in_features) * .1)
            self.b = nn.Parameter(torch.zeros(base.out_features, rank))
        def forward(self, x): return self.base(x) + 2 * (x @ self.a.T) @ self.b.T
    net = nn.Sequential(Low(nn.Linear(16, 64)), nn.GELU(), Low(nn.Linear(64, 64)), nn.GELU(), nn.Linear(64, 4))
    opt = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=5e-3, weight_decay=.05)
    def train():
        for epoch in range(6):
            for i in torch.randperm(200).split(25):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='diffusion: noise of all sizes, averaged weights, samples in between')
def spiral_out_of_noise():
    torch.manual_seed(81)
    a = torch.rand(400) * 9 + 2
    data = torch.stack([a * a.cos(), a * a.sin()], 1) / 6
    keep = torch.cumprod(1 - torch.linspace(1e-3, .2, 30), 0)
    class Denoise(nn.Module):
        def __init__(self):
            super().__init__()
            self.t = nn.Embedding(30, 16)
            self.net = nn.Sequential(nn.Linear(18, 64), nn.SiLU(), nn.Dropout(.05), nn.Linear(64, 64), nn.SiLU(),
                                     nn.Linear(64, 2))
        def forward(self, x, t): return self.net(torch.cat([x, self.t(t)], 1))
    net = Denoise()
    ema = copy.deepcopy(net).requires_grad_(False).eval()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    @torch.no_grad()
    def sample(n=16):
        x = torch.randn(n, 2)
        for t in reversed(range(30)):
            e = ema(x, torch.full((n,), t))
            x = (x - (1 - keep[t]).sqrt() * e) / keep[t].sqrt().clamp(.2)
        return x
    def train():
        for step in range(90):
            x, t = data[torch.randint(0, 400, (64,))], torch.randint(0, 30, (64,))
            e, k = torch.randn_like(x), keep[t][:, None]
            loss = F.mse_loss(net(k.sqrt() * x + (1 - k).sqrt() * e, t), e)
            opt.zero_grad()
            loss.backward()
            opt.step()
            with torch.no_grad():
                for p, q in zip(ema.parameters(), net.parameters()): p.lerp_(q, .05)
            if step % 30 == 29: sample()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='denoising by a noise that becomes smaller from epoch to epoch')
def signals_with_fading_noise():
    torch.manual_seed(82)
    t = torch.linspace(0, 6, 24)
    x = torch.sin(t + 6 * torch.rand(160, 1)) * (.5 + torch.rand(160, 1))
    net = nn.Sequential(nn.Linear(24, 48), nn.ReLU(), nn.Linear(48, 24))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    def train():
        for sigma in torch.logspace(.5, -2, 10):
            for i in torch.randperm(160).split(32):
                loss = F.mse_loss(net(x[i] + sigma * torch.randn(len(i), 24)), x[i])
                opt.zero_grad()
                loss.backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='pruning: a mask that grows, put on the weights after every step')
def four_fifths_of_the_weights_removed():
    torch.manual_seed(83)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 12) * .7 + torch.randn(3, 12)[y]
    net = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 3))
    opt = torch.optim.SGD(net.parameters(), lr=.05, momentum=.9, weight_decay=1e-3)
    def train():
        masks = {}
        for epoch in range(8):
            for p in net.parameters():
                if p.dim() > 1: masks[p] = p.detach().abs() >= p.detach().abs().flatten().quantile(.1 * epoch)
            for i in torch.randperm(180).split(30):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
                with torch.no_grad():
                    for p, m in masks.items(): p.mul_(m)
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='actor and critic on one trunk: two losses, two backward passes')
def cart_by_actor_and_critic():
    torch.manual_seed(84)
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk, self.pi, self.v = nn.Sequential(nn.Linear(2, 32), nn.Tanh()), nn.Linear(32, 2), nn.Linear(32, 1)
        def forward(self, s):
            h = self.trunk(s)
            return torch.distributions.Categorical(logits=self.pi(h)), self.v(h).squeeze(-1)
    net = Both()
    opt = torch.optim.RMSprop(net.parameters(), lr=3e-3)
    def train():
        s = torch.randn(16, 2) * .3
        for update in range(25):
            logs, values, rewards, entropy = [], [], [], 0
            for t in range(5):
                d, v = net(s)
                a = d.sample()
                s = torch.stack([s[:, 0] + .2 * s[:, 1], s[:, 1] + .2 * (a * 2. - 1) - .1 * s[:, 0]], 1).clamp(-2, 2)
                logs.append(d.log_prob(a)); values.append(v); rewards.append(-s.pow(2).sum(1))
                entropy = entropy + d.entropy().mean()
            with torch.no_grad(): back = net(s)[1]
            returns = []
            for r in reversed(rewards): returns.insert(0, back := r + .9 * back)
            gain = torch.stack(returns) - torch.stack(values)
            opt.zero_grad()
            (-(torch.stack(logs) * gain.detach()).mean() - .01 * entropy).backward(retain_graph=True)
            (.5 * gain.pow(2).mean()).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.)
            opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='one picture by a net of sines: all of it in every step')
def a_picture_as_a_function():
    torch.manual_seed(85)
    g = torch.linspace(-1, 1, 20)
    xy = torch.cartesian_prod(g, g)
    z = (torch.sin(6 * xy[:, :1]) * torch.cos(4 * xy[:, 1:]))
    class Sine(nn.Module):
        def __init__(self, i, o, w):
            super().__init__()
            self.lin, self.w = nn.Linear(i, o), w
            nn.init.uniform_(self.lin.weight,
                             *((-1 / i, 1 / i) if i == 2 else (-math.sqrt(6 / i) / w, math.sqrt(6 / i) / w)))
        def forward(self, x): return torch.sin(self.w * self.lin(x))
    net = nn.Sequential(Sine(2, 48, 15.), Sine(48, 48, 15.), nn.Linear(48, 1))
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    def train():
        for step in range(80):
            opt.zero_grad()
            F.mse_loss(net(xy), z).backward()
            opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='continual learning: a new task each time, old items replayed in every batch')
def tasks_one_by_one_with_replay():
    torch.manual_seed(86)
    y = torch.arange(300) // 100
    x = torch.randn(300, 8) * .6 + torch.randn(3, 8)[y]
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
    opt = torch.optim.SGD(net.parameters(), lr=.05)
    def train():
        for task in range(3):
            new, old = torch.where(y == task)[0], torch.where(y < task)[0]
            for epoch in range(5):
                for i in new[torch.randperm(100)].split(10):
                    if task: i = torch.cat([i, old[torch.randint(0, len(old), (10 * task,))]])
                    opt.zero_grad()
                    F.cross_entropy(net(x[i]), y[i]).backward()
                    opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='regression of years: the bias begins at their mean')
def years_of_the_songs():
    torch.manual_seed(87)
    x = torch.randn(240, 10)
    y = 1995 + 6 * x[:, :1] - 4 * x[:, 1:2].tanh() + torch.randn(240, 1)
    net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
    with torch.no_grad(): net[2].bias.fill_(y.mean())
    opt = torch.optim.Adam(net.parameters(), lr=.01)
    def train():
        for epoch in range(12):
            for xb, yb in DataLoader(TensorDataset(x, y), 24, shuffle=True):
                opt.zero_grad()
                F.mse_loss(net(xb), yb).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='two helpers: a judge that rests when it is too good')
def judge_that_waits_for_the_forger():
    torch.manual_seed(88)
    true = torch.randn(300, 2) * .3 + torch.tensor([1., -1])
    forger = nn.Sequential(nn.Linear(2, 24), nn.ReLU(), nn.Linear(24, 2))
    judge = nn.Sequential(nn.Linear(2, 24), nn.LeakyReLU(.2), nn.Linear(24, 1))
    of, oj = torch.optim.Adam(forger.parameters(), lr=2e-3), torch.optim.Adam(judge.parameters(), lr=2e-3)
    def improve(opt, loss, do=True):
        opt.zero_grad()
        loss.backward()
        if do: opt.step()
        return loss.item()
    def train():
        for it in range(50):
            r, f = true[torch.randint(0, 300, (32,))], forger(torch.randn(32, 2))
            a, b = judge(r), judge(f.detach())
            good = ((a > 0).float().mean() + (b < 0).float().mean()) / 2
            improve(oj, F.softplus(-a).mean() + F.softplus(b).mean(), do=good < .8)
            improve(of, F.softplus(-judge(f)).mean())
    return dict(model=[forger, judge], opt=[of, oj], train=train)

@program(kind='watch', source='robust training: the disturbed input keeps its gradient in every pass')
def disturbed_three_times_a_step():
    torch.manual_seed(89)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 10) * .5 + torch.randn(3, 10)[y]
    net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3))
    opt = torch.optim.SGD(net.parameters(), lr=.1)
    def train():
        for epoch in range(6):
            for i in torch.randperm(180).split(30):
                move = torch.zeros(len(i), 10, requires_grad=True)
                for turn in range(3):
                    opt.zero_grad()
                    F.cross_entropy(net(x[i] + move), y[i]).backward()
                    if turn < 2: move = (move + .05 * move.grad.sign()).detach().requires_grad_()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='a teacher in a list, so that its weights are in no file; asked inside of the loss')
def pupil_with_a_teacher_in_a_list():
    torch.manual_seed(90)
    x = torch.randn(200, 8)
    old = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 4)).eval()
    class Pupil(nn.Module):
        def __init__(self, teacher):
            super().__init__()
            self.net, self.teacher = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 4)), [teacher]
        def forward(self, x): return self.net(x), self.teacher[0](x).detach()
    model = Pupil(old)
    opt = torch.optim.Adam(model.parameters(), lr=.01)
    def train():
        for epoch in range(10):
            for i in torch.randperm(200).split(40):
                own, told = model(x[i])
                opt.zero_grad()
                F.mse_loss(own, told).backward()
                opt.step()
    return dict(model=model, opt=opt, train=train)

@program(kind='watch', source='layer-wise pretraining: one part after the other, each with an optimizer of its own')
def autoencoders_stacked_one_by_one():
    torch.manual_seed(91)
    x = torch.tanh(torch.randn(200, 5) @ torch.randn(5, 20))
    parts = nn.ModuleList(nn.Sequential(nn.Linear(i, o), nn.Tanh()) for i, o in ((20, 12), (12, 6)))
    backs = nn.ModuleList(nn.Linear(o, i) for i, o in ((20, 12), (12, 6)))
    net = nn.ModuleDict(dict(parts=parts, backs=backs))
    def train():
        h = x
        for part, back in zip(parts, backs):
            opt = torch.optim.Adam([*part.parameters(), *back.parameters()], lr=.01)
            for epoch in range(6):
                for i in torch.randperm(200).split(25):
                    opt.zero_grad()
                    F.mse_loss(back(part(h[i])), h[i]).backward()
                    opt.step()
            with torch.no_grad(): h = part(h)
    return dict(model=net, opt=None, train=train)

# --- broken, and mended

@program('graph-kept', kind='watch', source='forum: an object that keeps the running total of the loss')
def meter_that_keeps_tensors(broken):
    torch.manual_seed(100)
    y = torch.randint(0, 2, (200,))
    x = torch.randn(200, 6) + y[:, None]
    class Meter:
        def __init__(self): self.total, self.n = 0., 0
        def add(self, value, n): self.total, self.n = self.total + value * n, self.n + n
    net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    def train():
        meter = Meter()
        for epoch in range(5):
            for i in torch.randperm(200).split(25):
                loss = F.binary_cross_entropy_with_logits(net(x[i])[:, 0], y[i].float())
                opt.zero_grad()
                loss.backward()
                opt.step()
                meter.add(loss if broken else loss.detach(), len(i))
        return float(meter.total / meter.n)
    return dict(model=net, opt=opt, train=train)

@program('nan-loss', kind='watch', source='forum: the norm of a difference that is zero has no slope')
def distances_between_equal_songs(broken):
    torch.manual_seed(101)
    a = torch.randn(160, 8)
    same = torch.arange(160) % 4 == 0
    b = torch.where(same[:, None], a, torch.randn(160, 8))
    net = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 4))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    def distance(u, v): return ((u - v).pow(2).sum(1) + (0 if broken else 1e-8)).sqrt()
    def train():
        for epoch in range(6):
            for i in torch.randperm(160).split(32):
                d = distance(net(a[i]), net(b[i]))
                loss = torch.where(same[i], d, F.relu(2 - d)).mean()
                opt.zero_grad()
                loss.backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('nan-loss', kind='watch', source='forum: batches scaled by their own spread, one column never changes')
def readings_scaled_by_a_spread_of_zero(broken):
    torch.manual_seed(102)
    x = torch.randn(200, 5) * 3 + 1
    x[:, 3] = 7.
    y = x[:, :1] - x[:, 1:2]
    net = nn.Sequential(nn.Linear(5, 24), nn.Tanh(), nn.Linear(24, 1))
    opt = torch.optim.SGD(net.parameters(), lr=.02)
    def train():
        for epoch in range(5):
            for i in torch.randperm(200).split(40):
                xb = (x[i] - x[i].mean(0)) / (x[i].std(0) + (0 if broken else 1e-5))
                opt.zero_grad()
                F.mse_loss(net(xb), y[i] / 4).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('clip-always', kind='watch',
         source='code review: own clipping, the limit 0.01 for the length of all gradients')
def clipped_by_own_lines(broken):
    torch.manual_seed(103)
    y = torch.randint(0, 4, (200,))
    x = torch.randn(200, 10) * .6 + torch.randn(4, 10)[y]
    net = nn.Sequential(nn.Linear(10, 40), nn.ReLU(), nn.Linear(40, 4))
    opt = torch.optim.SGD(net.parameters(), lr=.1, momentum=.9)
    limit = .01 if broken else 5.
    def train():
        for epoch in range(6):
            for i in torch.randperm(200).split(25):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                length = torch.sqrt(sum((p.grad ** 2).sum() for p in net.parameters()))
                if length > limit:
                    for p in net.parameters(): p.grad *= limit / length
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('data-order', kind='watch', source='forum: a table sorted by its target, batches cut in order')
def flats_sorted_by_rent(broken):
    torch.manual_seed(104)
    x = torch.randn(320, 6)
    y = x[:, 0] * 1.5 + x[:, 1] + .2 * torch.randn(320)
    i = y.argsort()
    x, y = x[i], y[i]
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
    opt = torch.optim.SGD(net.parameters(), lr=.03)
    def train():
        for epoch in range(6):
            order = torch.arange(320) if broken else torch.randperm(320)
            for i in order.split(20):
                opt.zero_grad()
                F.mse_loss(net(x[i]).squeeze(1), y[i]).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('eval-in-training', kind='watch', source='forum: dropout by F.dropout with self.training, eval() left on')
def functional_dropout_left_off(broken):
    torch.manual_seed(105)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 9) * .7 + torch.randn(3, 9)[y]
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(9, 40), nn.Linear(40, 3)
        def forward(self, x): return self.b(F.dropout(F.relu(self.a(x)), .3, self.training))
    net = Net()
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    def train():
        for epoch in range(8):
            for i in torch.randperm(150).split(30):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
            net.eval()
            with torch.no_grad(): F.cross_entropy(net(x[150:]), y[150:]).item()
            if not broken: net.train()
    return dict(model=net, opt=opt, train=train)

@program('train-in-validation', kind='watch',
         source='forum: no_grad taken for eval(): batch norm learns the validation data')
def norms_that_see_the_validation(broken):
    torch.manual_seed(106)
    x = torch.randn(220, 12)
    y = torch.tanh(x[:, :1] + x[:, 1:2])
    net = nn.Sequential(nn.Linear(12, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 1))
    opt = torch.optim.RMSprop(net.parameters(), lr=3e-3)
    loaders = [DataLoader(TensorDataset(x[a:b], y[a:b]), 20, shuffle=a == 0) for a, b in ((0, 160), (160, 220))]
    def train():
        for epoch in range(5):
            for learn, loader in zip((True, False), loaders):
                net.train() if learn or broken else net.eval()
                for xb, yb in loader:
                    with torch.set_grad_enabled(learn): loss = F.smooth_l1_loss(net(xb), yb)
                    if learn:
                        opt.zero_grad()
                        loss.backward()
                        opt.step()
    return dict(model=net, opt=opt, train=train)

@program('scheduler-first', kind='watch', source='forum: OneCycleLR stepped between backward and step')
def one_cycle_too_early(broken):
    torch.manual_seed(107)
    x = torch.randint(0, 12, (160, 10))
    y = (x == 3).any(1).float()
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.conv, self.out = nn.Embedding(12, 16), nn.Conv1d(16, 24, 3, padding=1), nn.Linear(24, 1)
        def forward(self, x): return self.out(F.relu(self.conv(self.emb(x).transpose(1, 2))).amax(2))[:, 0]
    net = Net()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, .02, total_steps=41)
    def train():
        for epoch in range(8):
            for i in torch.randperm(160).split(32):
                loss = F.binary_cross_entropy_with_logits(net(x[i]), y[i])
                opt.zero_grad()
                loss.backward()
                if broken: sched.step()
                opt.step()
                if not broken: sched.step()
    return dict(model=net, opt=opt, train=train)

@program('no-backward', kind='watch', source='forum: loss.backward without parentheses')
def backward_named_and_not_called(broken):
    torch.manual_seed(108)
    x = torch.randn(200, 7)
    y = (x[:, :3].sum(1) > 0).long()
    net = nn.Sequential(nn.Linear(7, 20), nn.SELU(), nn.Linear(20, 2))
    opt = torch.optim.Adamax(net.parameters(), lr=.01)
    def train():
        for epoch in range(8):
            for i in torch.randperm(200).split(40):
                opt.zero_grad()
                loss = F.cross_entropy(net(x[i]), y[i])
                loss.backward if broken else loss.backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('grad-not-cleared', kind='watch', source='forum: gradients cleared for the validation only')
def cleared_at_the_wrong_place(broken):
    torch.manual_seed(109)
    x = torch.randn(180, 8)
    y = x[:, :2] @ torch.tensor([[1., .5], [-.5, 1]])
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    opt = torch.optim.SGD(net.parameters(), lr=.01)
    def train():
        for epoch in range(8):
            for i in torch.randperm(140).split(20):
                loss = F.mse_loss(net(x[i]), y[i])
                loss.backward()
                opt.step()
                if not broken: opt.zero_grad()
            opt.zero_grad()
            with torch.no_grad(): F.mse_loss(net(x[140:]), y[140:]).item()
    return dict(model=net, opt=opt, train=train)

@program('overfitting', kind='watch', source='forum: validation loss rises, training goes on to the end')
def forty_rows_learned_by_heart(broken):
    torch.manual_seed(110)
    n = 40 if broken else 800
    x = torch.randn(n + 200, 25)
    y = x[:, :1] + .8 * torch.randn(n + 200, 1)
    net = nn.Sequential(nn.Linear(25, 128), nn.ReLU(), nn.Linear(128, 1))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    criterion = nn.MSELoss()
    def train():
        history = []
        for epoch in range(60 if broken else 6):
            net.train()
            for i in torch.randperm(n).split(20):
                opt.zero_grad()
                criterion(net(x[i]), y[i]).backward()
                opt.step()
            net.eval()
            with torch.no_grad(): history.append(sum(criterion(net(a), b).item() for a,
                                                     b in zip(x[n:].split(50), y[n:].split(50))) / 4)
        return history
    return dict(model=net, opt=opt, train=train)

@program('lr-high', 'nan-loss', kind='watch', source='forum: the rate of a linear model for a deep one')
def deep_net_with_a_rate_of_two(broken):
    torch.manual_seed(111)
    y = torch.randint(0, 5, (250,))
    x = torch.randn(250, 14) * .6 + torch.randn(5, 14)[y]
    net = nn.Sequential(*[m for k in range(4) for m in (nn.Linear(14 if k == 0 else 40, 40), nn.ReLU())], nn.Linear(40,
                                                                                                                    5))
    opt = torch.optim.SGD(net.parameters(), lr=3. if broken else .1)
    def train():
        for epoch in range(10):
            for i in torch.randperm(250).split(25):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('loss-detached', 'no-backward', kind='watch', source='forum: loss.data with requires_grad to silence an error')
def silenced_by_requires_grad(broken):
    torch.manual_seed(112)
    x = torch.randn(160, 6)
    y = x[:, :1].sign() * x[:, 1:2]
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    def train():
        for epoch in range(8):
            for i in torch.randperm(160).split(32):
                loss = (net(x[i]) - y[i]).abs().mean()
                if broken: loss = loss.data.requires_grad_(True)
                opt.zero_grad()
                loss.backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)
