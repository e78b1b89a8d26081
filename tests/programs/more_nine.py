"More loops for a watcher, asked once after those of more_six had been mended."
import copy
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call, grad
from torch.utils.data import DataLoader, TensorDataset
from . import program

# --- broken, and mended

@program('no-step', 'no-backward', 'lr-low', kind='watch', source='forum: zero_grad between backward and step')
def shells_cleared_too_late(broken):
    torch.manual_seed(50)
    x = torch.randn(200, 5)
    y = (x[:, :1] * 2 - x[:, 1:2]) + .1 * torch.randn(200, 1)
    net = nn.Sequential(nn.Linear(5, 24), nn.ReLU(), nn.Linear(24, 1))
    opt = torch.optim.SGD(net.parameters(), lr=.05)
    def train():
        for epoch in range(8):
            for i in torch.randperm(200).split(25):
                if not broken: opt.zero_grad()
                loss = F.mse_loss(net(x[i]), y[i])
                loss.backward()
                if broken: opt.zero_grad(set_to_none=False)
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('nan-loss', kind='watch', source='forum: the log of a probability that rounds to zero')
def own_entropy_of_fish(broken):
    torch.manual_seed(51)
    y = torch.randint(0, 3, (150,))
    x = torch.randn(150, 8) * .7 + torch.randn(3, 8)[y]
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
    opt = torch.optim.Adam(net.parameters(), lr=.01)
    def entropy(z, y):
        if not broken: return F.cross_entropy(z / .01, y)
        return -(F.one_hot(y, 3) * F.softmax(z / .01, 1).log()).sum(1).mean()
    def train():
        for step in range(60):
            i = torch.randint(0, 150, (30,))
            opt.zero_grad()
            loss = entropy(net(x[i]), y[i])
            loss.backward()
            opt.step()
    return dict(model=net, opt=opt, train=train)

@program('data-order', kind='watch', source='forum: a file sorted by class, the loader does not shuffle')
def stars_in_the_order_of_the_file(broken):
    torch.manual_seed(52)
    y = torch.arange(240) // 60
    x = torch.randn(240, 6) * .8 + torch.randn(4, 6)[y]
    net = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 4))
    opt = torch.optim.SGD(net.parameters(), lr=.1)
    loader = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=not broken)
    def train():
        for epoch in range(8):
            for xb, yb in loader:
                loss = F.nll_loss(F.log_softmax(net(xb), 1), yb)
                opt.zero_grad()
                loss.backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('graph-kept', kind='watch', source='forum: predictions collected for the report of the run')
def prices_with_collected_predictions(broken):
    torch.manual_seed(53)
    x = torch.randn(200, 12, 1).cumsum(1) * .3
    y = x[:, -1] - x[:, -3]
    class Price(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.out = nn.GRU(1, 16, batch_first=True), nn.Linear(16, 1)
        def forward(self, x): return self.out(self.rnn(x)[0][:, -1])
    net = Price()
    opt = torch.optim.Adam(net.parameters(), lr=.01)
    def train():
        report = []
        for epoch in range(5):
            for i in torch.randperm(200).split(40):
                pred = net(x[i])
                opt.zero_grad()
                F.mse_loss(pred, y[i]).backward()
                opt.step()
                report.append((i, pred if broken else pred.detach()))
        return torch.cat([p.detach() for _, p in report])
    return dict(model=net, opt=opt, train=train)

@program('unused', 'frozen', 'loss-detached', kind='watch',
         source='forum: no_grad left round the body after the first stage')
def x_rays_with_a_body_that_rests(broken):
    torch.manual_seed(54)
    y = torch.randint(0, 2, (120,))
    x = torch.randn(120, 1, 10, 10)
    x[y == 1, :, 3:7, 3:7] += .9
    body = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
                         nn.Flatten())
    head = nn.Linear(32, 2)
    opt = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=5e-3)
    def train():
        for epoch in range(6):
            for i in torch.randperm(120).split(24):
                with torch.set_grad_enabled(not broken): h = body(x[i])
                loss = F.cross_entropy(head(h), y[i])
                opt.zero_grad()
                loss.backward()
                opt.step()
    return dict(model=nn.Sequential(body, head), opt=opt, train=train)

@program('clip-always', kind='watch', source='code review: max_norm=1e-3 copied from elsewhere')
def soil_clipped_to_nothing(broken):
    torch.manual_seed(55)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 9) * .7 + torch.randn(3, 9)[y]
    net = nn.Sequential(nn.Linear(9, 32), nn.LeakyReLU(), nn.Linear(32, 3))
    opt = torch.optim.SGD(net.parameters(), lr=.1, momentum=.9)
    def train():
        for epoch in range(8):
            for i in torch.randperm(180).split(30):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                nn.utils.clip_grad_norm_(net.parameters(), max_norm=1e-3 if broken else 2.)
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('lr-high', 'nan-loss', kind='watch', source="forum: Adam with SGD's learning rate")
def digits_with_adam_at_one(broken):
    torch.manual_seed(56)
    y = torch.randint(0, 4, (200,))
    x = torch.randn(200, 16) * .6 + torch.randn(4, 16)[y]
    net = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
    opt = torch.optim.Adam(net.parameters(), lr=1. if broken else 3e-3)
    def train():
        for epoch in range(8):
            for i in torch.randperm(200).split(40):
                loss = F.cross_entropy(net(x[i]), y[i])
                opt.zero_grad(); loss.backward(); opt.step()
    return dict(model=net, opt=opt, train=train)

@program('eval-in-training', kind='watch', source='forum: a function that draws examples sets eval, and it stays so')
def sketches_drawn_in_between(broken):
    torch.manual_seed(57)
    x = torch.tanh(torch.randn(160, 3) @ torch.randn(3, 20))
    net = nn.Sequential(nn.Linear(20, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(.2), nn.Linear(32, 20))
    opt = torch.optim.AdamW(net.parameters(), lr=5e-3)
    def examples():
        was = net.training
        net.eval()
        with torch.no_grad(): out = net(x[:4])
        if not broken: net.train(was)
        return out
    def train():
        for step in range(60):
            i = torch.randint(0, 160, (32,))
            opt.zero_grad()
            F.mse_loss(net(x[i] + .1 * torch.randn(32, 20)), x[i]).backward()
            opt.step()
            if step % 10 == 5: examples()
    return dict(model=net, opt=opt, train=train)

@program('opt-missing', kind='watch', source='forum: only the decoder was given to the optimizer')
def translator_with_half_an_optimizer(broken):
    torch.manual_seed(58)
    src = torch.randint(0, 8, (160, 5))
    tgt = src.flip(1)
    enc = nn.ModuleDict(dict(emb=nn.Embedding(8, 16), rnn=nn.GRU(16, 32, batch_first=True)))
    dec = nn.ModuleDict(dict(emb=nn.Embedding(9, 16), rnn=nn.GRU(16, 32, batch_first=True), out=nn.Linear(32, 8)))
    opt = torch.optim.Adam([*dec.parameters()] + ([] if broken else [*enc.parameters()]), lr=.01)
    def train():
        for step in range(50):
            i = torch.randint(0, 160, (40,))
            h = enc['rnn'](enc['emb'](src[i]))[1]
            told = torch.cat([torch.full((40, 1), 8), tgt[i][:, :-1]], 1)
            out = dec['out'](dec['rnn'](dec['emb'](told), h)[0])
            opt.zero_grad()
            F.cross_entropy(out.flatten(0, 1), tgt[i].flatten()).backward()
            opt.step()
    return dict(model=[enc, dec], opt=opt, train=train)

@program('no-step', 'grad-not-cleared', kind='watch', source='forum: accumulation, but cleared for every batch')
def paintings_accumulated_in_vain(broken):
    torch.manual_seed(59)
    y = torch.randint(0, 3, (160,))
    x = torch.randn(160, 3, 5, 5) * .5
    x[torch.arange(160), y] += .8
    net = nn.Sequential(nn.Flatten(), nn.Linear(75, 24), nn.ReLU(), nn.Linear(24, 3))
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    def train():
        for epoch in range(8):
            for n, i in enumerate(torch.randperm(160).split(10), 1):
                if broken: opt.zero_grad()
                (F.cross_entropy(net(x[i]), y[i]) / 4).backward()
                if n % 4 == 0:
                    opt.step()
                    if not broken: opt.zero_grad()
    return dict(model=net, opt=opt, train=train)

@program('train-in-validation', kind='watch', source='code review: model.train() stands inside the pass of validation')
def teeth_validated_in_train_mode(broken):
    torch.manual_seed(60)
    x = torch.randn(200, 10)
    y = (x[:, 0] * x[:, 1] > 0).float()
    net = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Dropout(.4), nn.Linear(64, 1))
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    def run(x, y, learn):
        net.train(learn or broken)
        total = 0.
        with torch.set_grad_enabled(learn):
            for xb, yb in zip(x.split(25), y.split(25)):
                loss = F.binary_cross_entropy_with_logits(net(xb)[:, 0], yb)
                if learn:
                    opt.zero_grad()
                    loss.backward()
                    opt.step()
                total += loss.item() * len(xb)
        return total / len(x)
    def train():
        for epoch in range(6):
            run(x[:150], y[:150], True)
            run(x[150:], y[150:], False)
    return dict(model=net, opt=opt, train=train)

# --- sound, though they look odd

@program(kind='watch', source='PPO: old probabilities without gradients, several epochs on one batch')
def levers_by_clipped_ratios():
    torch.manual_seed(61)
    pays = torch.tensor([[1., 0, .2], [0, 1., .1], [.1, 0, 1.]])
    net = nn.Sequential(nn.Linear(3, 24), nn.Tanh(), nn.Linear(24, 3))
    opt = torch.optim.Adam(net.parameters(), lr=.01)
    def train():
        for it in range(12):
            s = torch.randint(0, 3, (64,))
            with torch.no_grad():
                d = torch.distributions.Categorical(logits=net(torch.eye(3)[s]))
                a = d.sample()
                old = d.log_prob(a)
            gain = pays[s, a] + .1 * torch.randn(64)
            gain = (gain - gain.mean()) / (gain.std() + 1e-8)
            for epoch in range(4):
                d = torch.distributions.Categorical(logits=net(torch.eye(3)[s]))
                ratio = torch.exp(d.log_prob(a) - old)
                loss = -torch.min(ratio * gain, ratio.clamp(.8, 1.2) * gain).mean() - .01 * d.entropy().mean()
                opt.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(net.parameters(), .5)
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='torch.func: gradients as values, no backward anywhere')
def slopes_by_torch_func():
    torch.manual_seed(62)
    x = torch.randn(120, 3)
    y = torch.sin(x[:, :1]) + x[:, 1:2] * .5
    net = nn.Sequential(nn.Linear(3, 24), nn.Tanh(), nn.Linear(24, 1))
    def train():
        def loss(w, i): return F.mse_loss(functional_call(net, w, (x[i],)), y[i])
        for step in range(60):
            w = {k: p.detach() for k, p in net.named_parameters()}
            g = grad(loss)(w, torch.randint(0, 120, (40,)))
            with torch.no_grad():
                for k, p in net.named_parameters(): p -= .1 * g[k]
    return dict(model=net, opt=None, train=train)

@program(kind='watch', source='PCGrad: the gradients of two tasks made to agree, and written into .grad')
def two_tasks_that_agree():
    torch.manual_seed(63)
    x = torch.randn(200, 6)
    a, b = x[:, :1] + .5 * x[:, 1:2], x[:, :1] - .5 * x[:, 2:3]
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2))
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    def train():
        ps = list(net.parameters())
        for step in range(60):
            i = torch.randint(0, 200, (40,))
            out = net(x[i])
            g, h = (torch.autograd.grad(F.mse_loss(out[:, k:k + 1], t[i]), ps, retain_graph=True) for k,
                    t in enumerate((a, b)))
            dot = sum((u * v).sum() for u, v in zip(g, h))
            if dot < 0: g = [u - dot / sum((v * v).sum() for v in h) * v for u, v in zip(g, h)]
            for p, u, v in zip(ps, g, h): p.grad = u + v
            opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='evolution strategies: the gradient is estimated from the answers of disturbed weights')
def kites_by_evolution():
    torch.manual_seed(64)
    x = torch.randn(64, 4)
    y = x[:, :1] - x[:, 1:2]
    net = nn.Linear(4, 1)
    opt = torch.optim.SGD(net.parameters(), lr=.1)
    def train():
        ps = list(net.parameters())
        with torch.no_grad():
            for step in range(40):
                for p in ps: p.grad = torch.zeros_like(p)
                for k in range(10):
                    e = [torch.randn_like(p) for p in ps]
                    for p, d in zip(ps, e): p.add_(.05 * d)
                    up = F.mse_loss(net(x), y)
                    for p, d in zip(ps, e): p.sub_(.1 * d)
                    down = F.mse_loss(net(x), y)
                    for p, d in zip(ps, e): p.add_(.05 * d); p.grad += (up - down) / .1 * d / 10
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='adversarial training: a backward pass for the inputs, then one for the weights')
def signs_disturbed_on_purpose():
    torch.manual_seed(65)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 12) * .4 + torch.randn(3, 12)[y]
    net = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3))
    opt = torch.optim.SGD(net.parameters(), lr=.1, momentum=.9)
    def train():
        for epoch in range(6):
            for i in torch.randperm(180).split(30):
                xb = x[i].clone().requires_grad_()
                F.cross_entropy(net(xb), y[i]).backward()
                worse = (xb + .1 * xb.grad.sign()).detach()
                opt.zero_grad()
                F.cross_entropy(net(worse), y[i]).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='cross-validation: a new model and optimizer in every fold')
def folds_one_after_the_other():
    torch.manual_seed(66)
    x = torch.randn(150, 6)
    y = (x[:, 0] + x[:, 1] > 0).long()
    nets = [nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(.1), nn.Linear(16, 2)) for _ in range(3)]
    opts = [torch.optim.Adam(n.parameters(), lr=.01) for n in nets]
    def train():
        scores = []
        for k, (net, opt) in enumerate(zip(nets, opts)):
            out = torch.arange(150) // 50 == k
            for epoch in range(8):
                net.train()
                for i in torch.where(~out)[0][torch.randperm(100)].split(20):
                    opt.zero_grad()
                    F.cross_entropy(net(x[i]), y[i]).backward()
                    opt.step()
            net.eval()
            with torch.no_grad(): scores.append((net(x[out]).argmax(1) == y[out]).float().mean().item())
        return scores
    return dict(model=nets, opt=opts, train=train)

@program(kind='watch', source='online learning: one item a step, as they come')
def temperature_item_by_item():
    torch.manual_seed(67)
    t = torch.arange(300.) / 10
    s = torch.sin(t) + .05 * torch.randn(300)
    net = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
    opt = torch.optim.SGD(net.parameters(), lr=.02)
    def train():
        err = 0.
        for k in range(8, 300):
            loss = (net(s[k - 8:k]) - s[k]).square().squeeze()
            opt.zero_grad()
            loss.backward()
            opt.step()
            err = .95 * err + .05 * loss.item()
        return err
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='co-teaching: each net learns from what the other finds easy')
def two_nets_choose_for_each_other():
    torch.manual_seed(68)
    y = torch.randint(0, 3, (240,))
    x = torch.randn(240, 10) * .6 + torch.randn(3, 10)[y]
    told = torch.where(torch.rand(240) < .2, torch.randint(0, 3, (240,)), y)
    a, b = (nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3)) for _ in range(2))
    oa, ob = (torch.optim.Adam(m.parameters(), lr=5e-3) for m in (a, b))
    def train():
        for epoch in range(6):
            for i in torch.randperm(240).split(40):
                la, lb = (F.cross_entropy(m(x[i]), told[i], reduction='none') for m in (a, b))
                easy_a, easy_b = la.argsort()[:30], lb.argsort()[:30]
                oa.zero_grad(); la[easy_b].mean().backward(); oa.step()
                ob.zero_grad(); lb[easy_a].mean().backward(); ob.step()
    return dict(model=[a, b], opt=[oa, ob], train=train)

@program(kind='watch', source='BYOL: the target runs in train mode without gradients, by design')
def sounds_without_negatives():
    torch.manual_seed(69)
    base = torch.randn(160, 20)
    net = nn.Sequential(nn.Linear(20, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 16))
    guess = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 16))
    aim = copy.deepcopy(net).requires_grad_(False)
    opt = torch.optim.AdamW([*net.parameters(), *guess.parameters()], lr=3e-3)
    def train():
        for epoch in range(6):
            for i in torch.randperm(160).split(40):
                a, b = (base[i] + .3 * torch.randn(40, 20) for _ in range(2))
                with torch.no_grad(): ta, tb = aim(a), aim(b)
                loss = 4 - 2 * (F.cosine_similarity(guess(net(a)), tb) + F.cosine_similarity(guess(net(b)), ta)).mean()
                opt.zero_grad()
                loss.backward()
                opt.step()
                with torch.no_grad():
                    for p, q in zip(aim.parameters(), net.parameters()): p.lerp_(q, .02)
    return dict(model=[net, guess, aim], opt=opt, train=train)

@program(kind='watch', source='discriminative rates: a group whose rate is zero at first, regularized heads')
def groups_with_rates_of_their_own():
    torch.manual_seed(70)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 10) * .7 + torch.randn(3, 10)[y]
    low, mid, head = (nn.Sequential(nn.Linear(i, o), nn.ReLU()) for i, o in ((10, 32), (32, 32), (32, 3)))
    head = head[0]
    net = nn.Sequential(low, mid, head)
    opt = torch.optim.AdamW([dict(params=low.parameters(), lr=0.), dict(params=mid.parameters(), lr=1e-3),
                             dict(params=head.parameters(), lr=1e-2, weight_decay=.1)])
    def train():
        for epoch in range(8):
            if epoch == 4: opt.param_groups[0]['lr'] = 3e-4
            for i in torch.randperm(180).split(30):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i], label_smoothing=.05).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='language model: a sample is written after each epoch, letter by letter')
def limericks_with_samples():
    torch.manual_seed(71)
    text = torch.tensor([0, 1, 2, 3, 4, 2, 3, 5] * 40)
    class Poet(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.rnn, self.drop = nn.Embedding(6, 12), nn.LSTM(12, 24, batch_first=True), nn.Dropout(.1)
            self.out = nn.Linear(24, 6)
        def forward(self, x, s=None):
            h, s = self.rnn(self.emb(x), s)
            return self.out(self.drop(h)), s
    net = Poet()
    opt = torch.optim.RMSprop(net.parameters(), lr=3e-3)
    @torch.no_grad()
    def sample(n=12):
        net.eval()
        c, s, out = torch.tensor([[0]]), None, []
        for _ in range(n):
            z, s = net(c, s)
            c = torch.multinomial(F.softmax(z[0], 1), 1)
            out.append(c.item())
        net.train()
        return out
    def train():
        for epoch in range(5):
            for k in torch.randint(0, 300, (12, 16)):
                x = torch.stack([text[j:j + 16] for j in k])
                opt.zero_grad()
                out, _ = net(x[:, :-1])
                F.cross_entropy(out.reshape(-1, 6), x[:, 1:].reshape(-1)).backward()
                opt.step()
            sample()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='Langevin: noise on the weights after each step; the weights of the last steps averaged')
def posterior_by_noisy_steps():
    torch.manual_seed(72)
    x = torch.rand(120, 1) * 4 - 2
    y = torch.sin(2 * x) + .1 * torch.randn(120, 1)
    net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
    opt = torch.optim.SGD(net.parameters(), lr=.05)
    def train():
        kept = []
        for step in range(120):
            i = torch.randint(0, 120, (40,))
            opt.zero_grad()
            F.gaussian_nll_loss(net(x[i]), y[i], torch.full((40, 1), .25)).backward()
            opt.step()
            with torch.no_grad():
                for p in net.parameters(): p.add_(torch.randn_like(p), alpha=.003)
            if step >= 100: kept.append([p.detach().clone() for p in net.parameters()])
        return [torch.stack(ps).mean(0) for ps in zip(*kept)]
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='a finished model, only judged')
def judged_and_never_trained():
    torch.manual_seed(73)
    x = torch.randn(100, 4)
    y = (x.sum(1) > 0).long()
    net = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
    opt = torch.optim.Adam(net.parameters(), lr=.01)
    for _ in range(60):
        opt.zero_grad()
        F.cross_entropy(net(x), y).backward()
        opt.step()
    def train():
        net.eval()
        with torch.no_grad(): return sum((net(a).argmax(1) == b).sum().item() for a, b in zip(x.split(20), y.split(20)))
    return dict(model=net, opt=None, train=train)

@program(kind='watch', source='label by label: rounds of active learning, the newest items asked for')
def questions_asked_where_in_doubt():
    torch.manual_seed(74)
    x = torch.randn(300, 2)
    y = (x[:, 0] * x[:, 1] > 0).long()
    net = nn.Sequential(nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 2))
    opt = torch.optim.Adam(net.parameters(), lr=.01)
    def train():
        known = torch.zeros(300, dtype=torch.bool)
        known[torch.randperm(300)[:40]] = True
        for rounds in range(5):
            net.train()
            for epoch in range(5):
                i = torch.where(known)[0]
                for j in i[torch.randperm(len(i))].split(20):
                    opt.zero_grad()
                    F.cross_entropy(net(x[j]), y[j]).backward()
                    opt.step()
            net.eval()
            with torch.no_grad(): doubt = -(F.softmax(net(x), 1).amax(1) - .5).abs()
            doubt[known] = -1
            known[doubt.topk(20).indices] = True
    return dict(model=net, opt=opt, train=train)
