"Loops from other walks of life, for a watcher: broken and mended, and sound ones that look odd."
import copy, math
from collections import deque
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, TensorDataset
from . import program

# --- broken, and mended

@program('grad-not-cleared', kind='watch', source='forum: zero_grad called on the averaged copy')
def film_ratings_factorized(broken):
    torch.manual_seed(0)
    p, q = torch.randn(40, 3), torch.randn(60, 3)
    who, what = torch.randint(0, 40, (800,)), torch.randint(0, 60, (800,))
    stars = (p[who] * q[what]).sum(1) * .5 + torch.randn(800) * .1
    class Factors(nn.Module):
        def __init__(self):
            super().__init__()
            self.user, self.film = nn.Embedding(40, 8), nn.Embedding(60, 8)
            for e in (self.user, self.film): nn.init.normal_(e.weight, std=.5)
        def forward(self, u, f): return (self.user(u) * self.film(f)).sum(1)
    model = Factors()
    smooth = copy.deepcopy(model)
    opt = torch.optim.SGD(model.parameters(), lr=.5)
    def train():
        for epoch in range(10):
            for i in torch.randperm(800).split(100):
                (smooth if broken else model).zero_grad()
                F.mse_loss(model(who[i], what[i]), stars[i]).backward()
                opt.step()
                with torch.no_grad():
                    for s, w in zip(smooth.parameters(), model.parameters()): s.lerp_(w, .05)
    return dict(model=model, opt=opt, train=train)

@program('no-step', 'no-backward', kind='watch', source='forum: the three lines in the wrong order')
def loan_default_steps_first(broken):
    torch.manual_seed(1)
    x = torch.randn(300, 6)
    y = (x[:, 0] - x[:, 1] * x[:, 2] > 0).float()
    net = nn.Sequential(nn.Linear(6, 32), nn.ELU(), nn.Linear(32, 1))
    opt = torch.optim.Adam(net.parameters(), lr=.01)
    def train():
        for epoch in range(10):
            for xb, yb in DataLoader(TensorDataset(x, y), 50, shuffle=True):
                loss = F.binary_cross_entropy_with_logits(net(xb).squeeze(1), yb)
                opt.zero_grad()
                if broken: opt.step()
                loss.backward()
                if not broken: opt.step()
    return dict(model=net, opt=opt, train=train)

@program('scheduler-first', kind='watch', source='PyTorch warning: lr_scheduler.step() before optimizer.step()')
def chirps_with_a_schedule(broken):
    torch.manual_seed(2)
    up = torch.randint(0, 2, (160,))
    t = torch.linspace(0, 1, 48)
    f = torch.where(up.bool()[:, None], 2 + 6 * t, 8 - 6 * t)
    wave = torch.sin(2 * math.pi * (f * t) + torch.rand(160, 1) * 6)[:, None]
    net = nn.Sequential(nn.Conv1d(1, 8, 7, stride=2), nn.GELU(), nn.Conv1d(8, 16, 5, stride=2), nn.GELU(),
                        nn.AdaptiveAvgPool1d(4), nn.Flatten(), nn.Linear(64, 2))
    opt = torch.optim.AdamW(net.parameters(), lr=3e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=12)
    def train():
        for epoch in range(12):
            if broken: sched.step()
            for i in torch.randperm(160).split(32):
                opt.zero_grad()
                F.cross_entropy(net(wave[i]), up[i]).backward()
                opt.step()
            if not broken: sched.step()
    return dict(model=net, opt=opt, train=train)

@program('lr-low', kind='watch', source='forum: StepLR stepped for every batch, meant for every epoch')
def two_spirals_stepped_to_nothing(broken):
    torch.manual_seed(3)
    a, y = torch.rand(240) * 5, torch.arange(240) % 2
    turn = a + math.pi * y
    x = torch.stack([turn.cos(), turn.sin()], 1) * (a[:, None] / 3) + torch.randn(240, 2) * .05
    net = nn.Sequential(nn.Linear(2, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 2))
    opt = torch.optim.Adam(net.parameters(), lr=.01)
    sched = torch.optim.lr_scheduler.StepLR(opt, step_size=4, gamma=.1)
    def train():
        for epoch in range(8):
            for i in torch.randperm(240).split(24):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
                if broken: sched.step()
            if not broken: sched.step()
    return dict(model=net, opt=opt, train=train)

@program('train-in-validation', kind='watch', source='forum: accuracy differs from run to run on the same weights')
def plankton_scored_in_train_mode(broken):
    torch.manual_seed(4)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 1, 12, 12) * .5
    for i in range(180): x[i, 0, 4 * y[i]:4 * y[i] + 4] += 1
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3), nn.Flatten(),
                        nn.Dropout(.3), nn.Linear(128, 3))
    opt = torch.optim.SGD(net.parameters(), lr=.05, momentum=.9)
    def accuracy(x, y):
        if not broken: net.eval()
        with torch.no_grad(): return (net(x).argmax(1) == y).float().mean().item()
    def train():
        for epoch in range(6):
            net.train()
            for i in torch.randperm(120).split(20):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
            accuracy(x[120:], y[120:])
    return dict(model=net, opt=opt, train=train)

@program('eval-in-training', kind='watch', source='forum: model.train() before the loop of epochs only')
def gas_sensor_never_back(broken):
    torch.manual_seed(5)
    x = torch.randn(200, 10)
    y = torch.tanh(x[:, :2].sum(1, keepdim=True)) + .1 * torch.randn(200, 1)
    net = nn.Sequential(nn.Linear(10, 32), nn.BatchNorm1d(32), nn.SiLU(), nn.Dropout(.1), nn.Linear(32, 1))
    opt = torch.optim.NAdam(net.parameters(), lr=5e-3)
    def train():
        net.train()
        for epoch in range(10):
            if not broken: net.train()
            for i in torch.randperm(150).split(30):
                opt.zero_grad()
                F.smooth_l1_loss(net(x[i]), y[i]).backward()
                opt.step()
            net.eval()
            with torch.inference_mode(): F.smooth_l1_loss(net(x[150:]), y[150:]).item()
    return dict(model=net, opt=opt, train=train)

@program('graph-kept', kind='watch', source='PyTorch FAQ: do not accumulate history across your training loop')
def faces_average_of_losses(broken):
    torch.manual_seed(6)
    z = torch.randn(128, 4)
    x = torch.tanh(z @ torch.randn(4, 36)) + .05 * torch.randn(128, 36)
    enc = nn.Sequential(nn.Linear(36, 24), nn.ReLU(), nn.Linear(24, 4))
    dec = nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 36))
    opt = torch.optim.Adam([*enc.parameters(), *dec.parameters()], lr=3e-3)
    def train():
        average = 0
        for step in range(60):
            i = torch.randint(0, 128, (32,))
            loss = F.mse_loss(dec(enc(x[i])), x[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
            average = .9 * average + .1 * (loss if broken else loss.item())
        return average
    return dict(model=[enc, dec], opt=opt, train=train)

@program('unused', 'frozen', 'loss-detached', 'no-backward', kind='watch',
         source='forum: encoder does not train, detach on its output')
def code_detached_before_both_heads(broken):
    torch.manual_seed(7)
    y = torch.randint(0, 3, (150,))
    x = torch.randn(150, 20) * .6
    x[torch.arange(150), y * 6] += 2
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 8), nn.ReLU())
            self.back, self.kind = nn.Linear(8, 20), nn.Linear(8, 3)
        def forward(self, x):
            code = self.encoder(x)
            if broken: code = code.detach()
            return self.back(code), self.kind(code)
    net = Net()
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    def train():
        for epoch in range(20):
            for i in torch.randperm(150).split(50):
                again, kind = net(x[i])
                loss = F.mse_loss(again, x[i]) + F.cross_entropy(kind, y[i])
                opt.zero_grad()
                loss.backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('opt-missing', 'opt-foreign', kind='watch', source='forum: head replaced after the optimizer was made')
def head_changed_after_the_optimizer(broken):
    torch.manual_seed(8)
    y = torch.randint(0, 5, (200,))
    x = torch.randn(200, 12) * .5 + torch.randn(5, 12)[y]
    class Small(nn.Module):
        def __init__(self, classes):
            super().__init__()
            self.body, self.head = nn.Sequential(nn.Linear(12, 32), nn.ReLU()), nn.Linear(32, classes)
        def forward(self, x): return self.head(self.body(x))
    net = Small(10)
    if broken: opt = torch.optim.SGD(net.parameters(), lr=.05, momentum=.9)
    net.head = nn.Linear(32, 5)
    if not broken: opt = torch.optim.SGD(net.parameters(), lr=.05, momentum=.9)
    def train():
        for epoch in range(8):
            for i in torch.randperm(200).split(40):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('lr-high', 'nan-loss', kind='watch', source='forum: accumulation without dividing diverges')
def house_prices_accumulated_whole(broken):
    torch.manual_seed(9)
    x = torch.randn(256, 8)
    y = x @ torch.randn(8, 1) + .1 * torch.randn(256, 1)
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
    opt = torch.optim.SGD(net.parameters(), lr=.05, momentum=.9)
    def train():
        for epoch in range(12):
            for n, i in enumerate(torch.randperm(256).split(8), 1):
                loss = F.mse_loss(net(x[i]), y[i])
                (loss if broken else loss / 16).backward()
                if n % 16 == 0:
                    opt.step()
                    opt.zero_grad()
    return dict(model=net, opt=opt, train=train)

@program('nan-loss', 'lr-high', 'exploding-gradient', kind='watch',
         source='forum: clip_grad_norm_ called before backward')
def counts_clipped_too_early(broken):
    torch.manual_seed(10)
    x = torch.randn(200, 5)
    y = torch.poisson(torch.exp(1 + x @ torch.tensor([1., -.8, .6, 0, 0])))
    net = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 1))
    opt = torch.optim.SGD(net.parameters(), lr=.2)
    def train():
        for step in range(60):
            i = torch.randint(0, 200, (40,))
            loss = F.poisson_nll_loss(net(x[i])[:, 0], y[i])
            opt.zero_grad()
            if broken: nn.utils.clip_grad_norm_(net.parameters(), 1.)
            loss.backward()
            if not broken: nn.utils.clip_grad_norm_(net.parameters(), 1.)
            opt.step()
    return dict(model=net, opt=opt, train=train)

@program('graph-kept', kind='watch', source='center loss: backward a second time, mended with retain_graph=True')
def voices_pulled_to_their_center(broken):
    torch.manual_seed(11)
    y = torch.randint(0, 4, (160,))
    x = torch.randn(160, 10) * .5 + torch.randn(4, 10)[y]
    net = nn.Linear(10, 4)
    opt = torch.optim.Adam(net.parameters(), lr=.01)
    def train():
        center = torch.zeros(4)
        for step in range(50):
            i = torch.randint(0, 160, (32,))
            out = net(x[i])
            center = .9 * center + .1 * (out if broken else out.detach()).mean(0)
            loss = F.cross_entropy(out, y[i]) + .01 * (out - center).pow(2).mean()
            opt.zero_grad()
            loss.backward(retain_graph=broken)
            opt.step()
    return dict(model=net, opt=opt, train=train)

@program('loss-detached', 'no-backward', 'no-step', kind='watch',
         source='forum: element 0 of tensors does not require grad, "mended"')
def shoes_by_a_number_without_graph(broken):
    torch.manual_seed(12)
    y = torch.randint(0, 3, (150,))
    x = torch.randn(150, 1, 8, 8) * .5
    x[torch.arange(150), 0, y * 2] += 1.5
    net = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(216, 3))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    def train():
        for epoch in range(8):
            for i in torch.randperm(150).split(30):
                opt.zero_grad()
                loss = F.cross_entropy(net(x[i]), y[i])
                if broken: loss = torch.tensor(loss.item(), requires_grad=True)
                loss.backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('no-backward', 'loss-detached', 'unused', kind='watch',
         source='forum: generator loss stays, detach left in its step')
def moon_forger_judged_detached(broken):
    torch.manual_seed(13)
    a = torch.rand(300) * math.pi
    moon = torch.stack([a.cos(), a.sin()], 1) + .05 * torch.randn(300, 2)
    forger = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 2))
    judge = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(.2), nn.Linear(32, 1))
    opt_f, opt_j = torch.optim.Adam(forger.parameters(), lr=2e-3), torch.optim.Adam(judge.parameters(), lr=2e-3)
    def train():
        for step in range(60):
            true, made = moon[torch.randint(0, 300, (50,))], forger(torch.randn(50, 3))
            opt_j.zero_grad()
            (F.softplus(-judge(true)) + F.softplus(judge(made.detach()))).mean().backward()
            opt_j.step()
            opt_f.zero_grad()
            F.softplus(-judge(made.detach() if broken else made)).mean().backward()
            opt_f.step()
    return dict(model=[forger, judge], opt=[opt_f, opt_j], train=train)

@program('graph-kept', kind='watch', source='forum: hidden state carried over chunks, retain_graph=True')
def tide_gauge_memory_not_cut(broken):
    torch.manual_seed(14)
    t = torch.arange(0, 121) / 4.
    wave = (torch.sin(t + torch.rand(16, 1) * 6) + .5 * torch.sin(.43 * t))[..., None]
    class Tide(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.out = nn.LSTM(1, 16, batch_first=True), nn.Linear(16, 1)
        def forward(self, x, state):
            h, state = self.rnn(x, state)
            return self.out(h), state
    net = Tide()
    opt = torch.optim.Adam(net.parameters(), lr=.01)
    def train():
        for epoch in range(6):
            state = None
            opt.zero_grad()
            for s in range(0, 120, 10):
                pred, state = net(wave[:, s:s + 10], state)
                (F.mse_loss(pred, wave[:, s + 1:s + 11]) / 12).backward(retain_graph=broken)
                if not broken: state = tuple(h.detach() for h in state)
            nn.utils.clip_grad_norm_(net.parameters(), 1)
            opt.step()
    return dict(model=net, opt=opt, train=train)

@program('opt-renewed', kind='watch', source='code review: the optimizer is made anew in every step')
def wine_with_an_optimizer_a_step(broken):
    torch.manual_seed(15)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 13) + torch.randn(3, 13)[y]
    net = nn.Sequential(nn.Linear(13, 24), nn.Softplus(), nn.Linear(24, 3))
    opt = torch.optim.Adam(net.parameters(), lr=.005)
    def train():
        for step in range(60):
            i = torch.randint(0, 180, (36,))
            o = torch.optim.Adam(net.parameters(), lr=.005) if broken else opt
            o.zero_grad()
            F.cross_entropy(net(x[i]), y[i]).backward()
            o.step()
    return dict(model=net, opt=opt, train=train)

@program('opt-foreign', 'opt-missing', 'no-step', kind='watch',
         source='code review: distillation with the parameters of the teacher')
def pupil_whose_teacher_is_optimized(broken):
    torch.manual_seed(16)
    x = torch.randn(256, 6)
    y = (x[:, 0] * x[:, 1] > 0).long() + (x[:, 2] > 0).long()
    teacher = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 3))
    pupil = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
    first = torch.optim.Adam(teacher.parameters(), lr=.02)
    for _ in range(60):
        first.zero_grad()
        F.cross_entropy(teacher(x), y).backward()
        first.step()
    teacher.requires_grad_(False)
    opt = torch.optim.AdamW((teacher if broken else pupil).parameters(), lr=.01)
    def train():
        for step in range(60):
            i = torch.randint(0, 256, (64,))
            with torch.no_grad(): soft = F.softmax(teacher(x[i]) / 2, 1)
            out = pupil(x[i])
            loss = F.kl_div(F.log_softmax(out / 2, 1), soft, reduction='batchmean') * 4 + F.cross_entropy(out, y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
    return dict(model=pupil, opt=opt, train=train)

@program('input-scale', 'input-constant', 'ignores-input', kind='watch',
         source='forum: x /= 255 on a view of the data, each epoch')
def thermal_images_divided_again(broken):
    torch.manual_seed(17)
    y = torch.randint(0, 2, (120,))
    x = torch.rand(120, 1, 8, 8) * 120
    x[y == 1, :, 2:6, 2:6] += 120
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(72, 2))
    opt = torch.optim.Adam(net.parameters(), lr=.01)
    def train():
        for epoch in range(8):
            for s in range(0, 120, 24):
                xb, yb = x[s:s + 24], y[s:s + 24]
                if broken: xb.sub_(120).div_(60)
                else: xb = (xb - 120) / 60
                opt.zero_grad()
                F.cross_entropy(net(xb), yb).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('nan-loss', kind='watch', source='forum: inf in half precision, a sum of squares inside autocast')
def penalty_summed_in_half(broken):
    torch.manual_seed(18)
    y = torch.randint(0, 4, (256,))
    x = torch.randn(256, 16) * .5 + torch.randn(4, 16)[y]
    body, head = nn.Sequential(nn.Linear(16, 512), nn.ReLU(), nn.LayerNorm(512)), nn.Linear(512, 4)
    net = nn.Sequential(body, head)
    opt = torch.optim.SGD(net.parameters(), lr=.02)
    def train():
        for epoch in range(4):
            for i in torch.randperm(256).split(128):
                with torch.autocast('cpu', torch.float16):
                    h = body(x[i])
                    size = (h.half() if broken else h.float()).pow(2).sum()
                    loss = F.cross_entropy(head(h).float(), y[i]) + 1e-6 * size
                opt.zero_grad()
                loss.backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('overfitting', kind='watch', source='code review: the counter of early stopping is set back in every epoch')
def patience_that_never_ends(broken):
    torch.manual_seed(19)
    x = torch.randn(140, 30)
    y = (x[:, 0] + 1.5 * torch.randn(140) > 0).long()
    net = nn.Sequential(nn.Linear(30, 128), nn.ReLU(), nn.Linear(128, 2))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    def train():
        best, kept = math.inf, None
        bad = 0
        for epoch in range(60):
            if broken: bad = 0
            net.train()
            for i in torch.randperm(60).split(20):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
            net.eval()
            with torch.no_grad(): val = F.cross_entropy(net(x[60:]), y[60:]).item()
            if val < best: best, bad, kept = val, 0, copy.deepcopy(net.state_dict())
            else: bad += 1
            if bad == 3: break
        if not broken: net.load_state_dict(kept)
    return dict(model=net, opt=opt, train=train)

# --- sound, though they look odd

@program(kind='watch', source='recommender: SparseAdam for the tables, AdamW for the rest')
def click_model_with_sparse_tables():
    torch.manual_seed(20)
    who, ad = torch.randint(0, 200, (1000,)), torch.randint(0, 50, (1000,))
    taste, theme = torch.randn(200, 2), torch.randn(50, 2)
    y = torch.bernoulli(torch.sigmoid(2 * (taste[who] * theme[ad]).sum(1)))
    class Click(nn.Module):
        def __init__(self):
            super().__init__()
            self.who, self.ad = nn.Embedding(200, 8, sparse=True), nn.Embedding(50, 8, sparse=True)
            self.top = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1))
        def forward(self, w, a): return self.top(torch.cat([self.who(w), self.ad(a)], 1))[:, 0]
    net = Click()
    tables = torch.optim.SparseAdam([*net.who.parameters(), *net.ad.parameters()], lr=.02)
    rest = torch.optim.AdamW(net.top.parameters(), lr=.005)
    def train():
        for epoch in range(4):
            for i in torch.randperm(1000).split(100):
                tables.zero_grad(); rest.zero_grad()
                F.binary_cross_entropy_with_logits(net(who[i], ad[i]), y[i]).backward()
                tables.step(); rest.step()
    return dict(model=net, opt=[tables, rest], train=train)

@program(kind='watch', source='Wasserstein GAN with a penalty on the gradient')
def ridge_critic_with_bounded_slopes():
    torch.manual_seed(21)
    real = torch.randn(400, 2) * torch.tensor([1., .2]) + torch.tensor([0., 1.])
    gen = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
    critic = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(.2), nn.Linear(32, 1))
    og = torch.optim.Adam(gen.parameters(), lr=1e-3, betas=(0., .9))
    oc = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0., .9))
    def train():
        for it in range(15):
            for _ in range(5):
                r = real[torch.randint(0, 400, (32,))]
                with torch.no_grad(): f = gen(torch.randn(32, 4))
                mid = torch.lerp(r, f, torch.rand(32, 1)).requires_grad_()
                slope, = torch.autograd.grad(critic(mid).sum(), mid, create_graph=True)
                loss = critic(f).mean() - critic(r).mean() + 10 * (slope.norm(dim=1) - 1).pow(2).mean()
                oc.zero_grad()
                loss.backward()
                oc.step()
            critic.requires_grad_(False)
            og.zero_grad()
            (-critic(gen(torch.randn(32, 4))).mean()).backward()
            og.step()
            critic.requires_grad_(True)
    return dict(model=[gen, critic], opt=[og, oc], train=train)

@program(kind='watch', source='PyTorch documentation: LBFGS wants a closure')
def curve_fitted_by_lbfgs():
    torch.manual_seed(22)
    x = torch.linspace(-2, 2, 100)[:, None]
    y = torch.exp(-x * x) * torch.cos(3 * x)
    net = nn.Sequential(nn.Linear(1, 20), nn.Tanh(), nn.Linear(20, 1))
    opt = torch.optim.LBFGS(net.parameters(), lr=1, max_iter=10, line_search_fn='strong_wolfe')
    def train():
        def closure():
            opt.zero_grad()
            loss = F.mse_loss(net(x), y)
            loss.backward()
            return loss
        return [opt.step(closure).item() for _ in range(8)]
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='mean teacher: averaged weights and their own judgment')
def averaged_weights_are_judged():
    torch.manual_seed(23)
    y = torch.randint(0, 3, (200,))
    x = torch.randn(200, 9) * .7 + torch.randn(3, 9)[y]
    net = nn.Sequential(nn.Linear(9, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 3))
    ema = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(.95), use_buffers=True)
    opt = torch.optim.SGD(net.parameters(), lr=.1)
    def train():
        for epoch in range(6):
            for i in torch.randperm(160).split(20):
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
                opt.zero_grad(set_to_none=False)
                ema.update_parameters(net)
            ema.eval()
            with torch.no_grad(): (ema(x[160:]).argmax(1) == y[160:]).float().mean().item()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='SAM: sharpness-aware minimization, two backward passes a step')
def sharpness_aware_two_passes():
    torch.manual_seed(24)
    x = torch.randn(200, 2)
    y = ((x * x).sum(1) > 1.4).long()
    net = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
    opt = torch.optim.SGD(net.parameters(), lr=.2, momentum=.9)
    def train():
        for step in range(50):
            i = torch.randint(0, 200, (50,))
            F.cross_entropy(net(x[i]), y[i]).backward()
            with torch.no_grad():
                size = torch.stack([p.grad.norm() for p in net.parameters()]).norm()
                moved = [(p, .05 * p.grad / (size + 1e-12)) for p in net.parameters()]
                for p, e in moved: p.add_(e)
            opt.zero_grad()
            F.cross_entropy(net(x[i]), y[i]).backward()
            with torch.no_grad():
                for p, e in moved: p.sub_(e)
            opt.step()
            opt.zero_grad()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='language models: truncated backpropagation, the loss summed over a window')
def letters_in_windows():
    torch.manual_seed(25)
    text = torch.tensor([0, 1, 2, 0, 3, 4] * 60)
    class Letters(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.cell, self.out = nn.Embedding(5, 8), nn.GRUCell(8, 24), nn.Linear(24, 5)
        def forward(self, c, h):
            h = self.cell(self.emb(c), h)
            return self.out(h), h
    net = Letters()
    opt = torch.optim.Adam(net.parameters(), lr=.01)
    def train():
        h, loss, losses = torch.zeros(1, 24), 0, []
        for t in range(len(text) - 1):
            out, h = net(text[t:t + 1], h)
            loss = loss + F.cross_entropy(out, text[t + 1:t + 2])
            if (t + 1) % 12 == 0:
                opt.zero_grad()
                (loss / 12).backward()
                opt.step()
                losses.append(loss.item() / 12)
                h, loss = h.detach(), 0
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='fine-tuning in two stages: the body thaws half way, added to the optimizer then')
def body_thawed_half_way():
    torch.manual_seed(26)
    y = torch.randint(0, 4, (200,))
    x = torch.randn(200, 10) * .5 + torch.randn(4, 10)[y]
    body, head = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU()), nn.Linear(16, 4)
    net = nn.Sequential(body, head)
    for p in body.parameters(): p.requires_grad = False
    opt = torch.optim.Adam(head.parameters(), lr=.02)
    def train():
        for epoch in range(10):
            if epoch == 5:
                for p in body.parameters(): p.requires_grad = True
                opt.add_param_group(dict(params=list(body.parameters()), lr=2e-3))
            for i in torch.randperm(200).split(40):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='transformers: warm-up from zero by LambdaLR, then as the inverse root')
def warm_up_from_zero():
    torch.manual_seed(27)
    x = torch.randint(0, 10, (128, 8))
    y = x.flip(1)
    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.pos = nn.Embedding(10, 32), nn.Parameter(torch.randn(8, 32) * .1)
            self.layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0., batch_first=True, norm_first=True)
            self.out = nn.Linear(32, 10)
        def forward(self, x): return self.out(self.layer(self.emb(x) + self.pos))
    net = Tagger()
    opt = torch.optim.AdamW(net.parameters(), lr=5e-3, weight_decay=.01)
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(s / 20, (20 / max(s, 1)) ** .5))
    def train():
        for step in range(80):
            i = torch.randint(0, 128, (32,))
            loss = F.cross_entropy(net(x[i]).flatten(0, 1), y[i].flatten())
            opt.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.)
            opt.step()
            sched.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='REINFORCE: the loss of an episode from its log probabilities')
def walker_learns_by_reward():
    torch.manual_seed(28)
    net = nn.Sequential(nn.Linear(7, 24), nn.Tanh(), nn.Linear(24, 2))
    opt = torch.optim.Adam(net.parameters(), lr=.02)
    def train():
        returns = deque(maxlen=20)
        for episode in range(40):
            at, logs = 3, []
            for t in range(12):
                d = torch.distributions.Categorical(logits=net(F.one_hot(torch.tensor(at), 7).float()))
                go = d.sample()
                logs.append(d.log_prob(go))
                at += 2 * go.item() - 1
                if at in (0, 6): break
            reward = float(at == 6) - .02 * t
            baseline = sum(returns) / len(returns) if returns else 0.
            returns.append(reward)
            loss = -(reward - baseline) * torch.stack(logs).sum()
            opt.zero_grad()
            loss.backward()
            opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='PyTorch documentation: autocast in bfloat16 needs no scaler')
def bfloat_with_checkpoints():
    torch.manual_seed(29)
    y = torch.randint(0, 5, (160,))
    x = torch.randn(160, 12) * .6 + torch.randn(5, 12)[y]
    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Linear(12, 32), nn.Linear(32, 5)
            self.blocks = nn.ModuleList(
                nn.Sequential(nn.LayerNorm(32), nn.Linear(32, 32), nn.GELU(), nn.Dropout(.1)) for _ in range(4))
        def forward(self, x):
            x = self.first(x)
            for b in self.blocks: x = x + checkpoint(b, x, use_reentrant=False)
            return self.last(x)
    net = Deep()
    opt = torch.optim.AdamW(net.parameters(), lr=3e-3)
    def train():
        for epoch in range(5):
            for i in torch.randperm(160).split(32):
                with torch.autocast('cpu', dtype=torch.bfloat16): loss = F.cross_entropy(net(x[i]), y[i])
                loss.backward()
                opt.step()
                opt.zero_grad()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='first lessons: weights moved by hand under no_grad, no optimizer at all')
def sugar_beets_without_optimizer():
    torch.manual_seed(30)
    x = torch.randn(150, 4)
    y = x @ torch.tensor([[.5], [-1.], [0.], [2.]]) + .3 + .05 * torch.randn(150, 1)
    net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
    def train():
        for epoch in range(15):
            for i in torch.randperm(150).split(30):
                loss = F.mse_loss(net(x[i]), y[i])
                loss.backward()
                with torch.no_grad():
                    for p in net.parameters():
                        p -= .05 * p.grad
                        p.grad = None
    return dict(model=net, opt=None, train=train)

@program(kind='watch', source='multi-task: each loss backward by itself, the graph of the trunk kept once')
def ripeness_weight_and_sort():
    torch.manual_seed(31)
    x = torch.randn(200, 8)
    ripe, grams, sort = (x[:, 0] > 0).float(), x[:, 1] - x[:, 2], (x[:, 3:6]).argmax(1)
    class Fruit(nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk = nn.Sequential(nn.Linear(8, 48), nn.ReLU())
            self.ripe, self.grams, self.sort = nn.Linear(48, 1), nn.Linear(48, 1), nn.Linear(48, 3)
        def forward(self, x):
            h = self.trunk(x)
            return self.ripe(h)[:, 0], self.grams(h)[:, 0], self.sort(h)
    net = Fruit()
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    def train():
        for epoch in range(8):
            for i in torch.randperm(200).split(40):
                a, b, c = net(x[i])
                opt.zero_grad()
                F.binary_cross_entropy_with_logits(a, ripe[i]).backward(retain_graph=True)
                F.mse_loss(b, grams[i]).backward(retain_graph=True)
                F.cross_entropy(c, sort[i]).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='DQN: replay, a target network, and the net itself asked without gradients')
def corridor_by_double_q():
    torch.manual_seed(32)
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2))
    target = copy.deepcopy(net).requires_grad_(False)
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    eye, memory = torch.eye(6), deque(maxlen=500)
    def train():
        at = 2
        for step in range(200):
            with torch.no_grad(): best = net(eye[at]).argmax().item()
            go = best if torch.rand(()) > .3 else torch.randint(0, 2, ()).item()
            new = max(at + 2 * go - 1, 0)
            memory.append((at, go, new, float(new == 5)))
            at = 2 if new == 5 else new
            if step < 40 or step % 2: continue
            s, a, n, r = map(torch.tensor, zip(*(memory[k] for k in torch.randint(0, len(memory), (32,)))))
            with torch.no_grad():
                choice = net(eye[n]).argmax(1, keepdim=True)
                aim = r + .9 * (1 - r) * target(eye[n]).gather(1, choice)[:, 0]
            loss = F.smooth_l1_loss(net(eye[s]).gather(1, a[:, None])[:, 0], aim)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_value_(net.parameters(), 1)
            opt.step()
            if step % 20 == 0: target.load_state_dict(net.state_dict())
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='self-supervised: two views a step, the normalized product as logits')
def bird_songs_in_two_views():
    torch.manual_seed(33)
    base = torch.randn(128, 24)
    net = nn.Sequential(nn.Linear(24, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 16))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    def train():
        for epoch in range(8):
            for i in torch.randperm(128).split(32):
                a, b = (F.normalize(net(base[i] + .3 * torch.randn(32, 24)), dim=1) for _ in range(2))
                logits, truth = a @ b.T / .2, torch.arange(32)
                loss = (F.cross_entropy(logits, truth) + F.cross_entropy(logits.T, truth)) / 2
                opt.zero_grad()
                loss.backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='MAML: an inner step with create_graph, the outer one by the optimizer')
def sines_learned_to_be_learned():
    torch.manual_seed(34)
    net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    def train():
        for it in range(30):
            outer = 0
            for task in range(4):
                size, shift = .5 + torch.rand(1), torch.rand(1) * 3
                x = torch.rand(20, 1) * 4 - 2
                y = size * torch.sin(x + shift)
                w = dict(net.named_parameters())
                inner = F.mse_loss(functional_call(net, w, (x[:10],)), y[:10])
                g = torch.autograd.grad(inner, list(w.values()), create_graph=True)
                fast = {k: p - .05 * d for (k, p), d in zip(w.items(), g)}
                outer = outer + F.mse_loss(functional_call(net, fast, (x[10:],)), y[10:])
            opt.zero_grad()
            (outer / 4).backward()
            opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='fine-tuning with batch norm kept still: train(), then eval() of the norms only')
def scans_with_still_norms():
    torch.manual_seed(35)
    y = torch.randint(0, 2, (96,))
    x = torch.randn(96, 1, 8, 8)
    x[y == 1, :, :, :4] += .8
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
                        nn.Flatten(), nn.Linear(32, 2))
    with torch.no_grad():
        for _ in range(40): net(x)
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    def train():
        for epoch in range(6):
            net.train()
            for m in net.modules():
                if isinstance(m, nn.BatchNorm2d): m.eval()
            for i in torch.randperm(80).split(16):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
            net.eval()
            with torch.no_grad(): net(x[80:]).argmax(1).eq(y[80:]).float().mean().item()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='normalizing flow: the loss is a density and falls below zero')
def flow_of_two_moons():
    torch.manual_seed(36)
    a, k = torch.rand(400) * math.pi, torch.arange(400) % 2
    x = torch.stack([a.cos() * (1 - 2 * k) + k, a.sin() * (1 - 2 * k) + .5 * k], 1) * .3 + .02 * torch.randn(400, 2)
    class Coupling(nn.Module):
        def __init__(self, flip):
            super().__init__()
            self.flip, self.net = flip, nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 2))
        def forward(self, x):
            a, b = x.flip(1).chunk(2, 1) if self.flip else x.chunk(2, 1)
            s, t = self.net(a).chunk(2, 1)
            return torch.cat([a, b * torch.exp(s) + t], 1), s.sum(1)
    flow = nn.ModuleList(Coupling(i % 2) for i in range(4))
    opt = torch.optim.Adam(flow.parameters(), lr=.01)
    def train():
        for step in range(80):
            z, logs = x[torch.randint(0, 400, (64,))], 0
            for f in flow:
                z, s = f(z)
                logs = logs + s
            loss = (z.pow(2).sum(1) / 2 + math.log(2 * math.pi) - logs).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
    return dict(model=flow, opt=opt, train=train)

@program(kind='watch', source='a look before the first step, ReduceLROnPlateau, the best weights put back')
def fuel_with_plateau_and_best():
    torch.manual_seed(37)
    x = torch.randn(240, 7)
    y = x[:, :1] * 2 - x[:, 1:2].abs() + .2 * torch.randn(240, 1)
    net = nn.Sequential(nn.Linear(7, 32), nn.Hardswish(), nn.Dropout(.05), nn.Linear(32, 1))
    opt = torch.optim.RMSprop(net.parameters(), lr=3e-3)
    sched = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, patience=2, factor=.5)
    def judge():
        net.eval()
        with torch.no_grad(): return F.l1_loss(net(x[200:]), y[200:]).item()
    def train():
        best, kept = judge(), copy.deepcopy(net.state_dict())
        for epoch in range(15):
            net.train()
            for i in torch.randperm(200).split(25):
                opt.zero_grad(); F.l1_loss(net(x[i]), y[i]).backward(); opt.step()
            val = judge()
            sched.step(val)
            if val < best: best, kept = val, copy.deepcopy(net.state_dict())
        net.load_state_dict(kept)
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='domain-adversarial: a reversed gradient inside the model')
def radio_masts_of_two_towns():
    torch.manual_seed(38)
    class Turn(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x): return x.view_as(x)
        @staticmethod
        def backward(ctx, g): return -.3 * g
    town = torch.arange(240) % 2
    y = torch.randint(0, 2, (240,))
    x = torch.randn(240, 8)
    x[:, 0] += 2 * y - 1.
    x[:, 1] += 1.5 * town
    body = nn.Sequential(nn.Linear(8, 32), nn.ReLU())
    label, where = nn.Linear(32, 2), nn.Linear(32, 2)
    net = nn.ModuleDict(dict(body=body, label=label, where=where))
    opt = torch.optim.SGD(net.parameters(), lr=.05, momentum=.9, nesterov=True)
    def train():
        for epoch in range(8):
            for i in torch.randperm(240).split(40):
                h = body(x[i])
                seen = town[i] == 0
                loss = F.cross_entropy(label(h[seen]), y[i][seen]) + F.cross_entropy(where(Turn.apply(h)), town[i])
                opt.zero_grad()
                loss.backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='dropout as doubt: many passes in train mode, once the training is over')
def doubt_by_dropout_afterwards():
    torch.manual_seed(39)
    x = torch.rand(150, 1) * 4 - 2
    y = torch.sin(2 * x) + .1 * torch.randn(150, 1)
    net = nn.Sequential(nn.Linear(1, 64), nn.ReLU(), nn.Dropout(.1), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(.1),
                        nn.Linear(64, 1))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    def train():
        for step in range(100):
            i = torch.randint(0, 150, (50,))
            opt.zero_grad()
            F.mse_loss(net(x[i]), y[i]).backward()
            opt.step()
        net.eval()
        for m in net.modules():
            if isinstance(m, nn.Dropout): m.train()
        with torch.no_grad(): return torch.stack([net(x) for _ in range(20)]).std(0).mean().item()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='accumulation with a rest: the last batches of an epoch are fewer')
def leaves_accumulated_with_a_rest():
    torch.manual_seed(40)
    y = torch.randint(0, 3, (130,))
    x = torch.randn(130, 3, 6, 6) * .5
    x[torch.arange(130), y] += 1
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.ReLU(), nn.Flatten(), nn.Linear(128, 3))
    opt = torch.optim.AdamW(net.parameters(), lr=3e-3)
    def train():
        opt.zero_grad()
        for epoch in range(6):
            parts = torch.randperm(130).split(10)
            for n, i in enumerate(parts, 1):
                (F.cross_entropy(net(x[i]), y[i]) / 4).backward()
                if n % 4 == 0 or n == len(parts):
                    nn.utils.clip_grad_norm_(net.parameters(), 5)
                    opt.step()
                    opt.zero_grad()
    return dict(model=net, opt=opt, train=train)
