"Sound programs from other walks of life, for a diagnosis."
import math
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler
from . import program

@program(source='audio: log spectrograms of tones, a convolutional net')
def tones_by_their_spectrogram():
    torch.manual_seed(0)
    y = torch.randint(0, 4, (160,))
    t = torch.arange(512) / 512
    wave = torch.sin(2 * math.pi * (torch.tensor([20., 45, 80, 120])[y, None] * t) + 6 * torch.rand(160, 1))
    wave = wave + .3 * torch.randn(160, 512)
    spec = torch.stft(wave, 64, 32, window=torch.hann_window(64), return_complex=True).abs().clamp(1e-4).log()
    x = ((spec - spec.mean()) / spec.std())[:, None]
    net = nn.Sequential(nn.Conv2d(1, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3, 2), nn.ReLU(),
                        nn.AdaptiveAvgPool2d((4, 1)), nn.Flatten(), nn.Linear(64, 4))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program(source="finance: tomorrow's return, nearly all of it noise")
def returns_of_tomorrow():
    torch.manual_seed(1)
    x = torch.randn(1024, 12)
    y = .12 * x[:, :1] - .08 * x[:, 1:2] + torch.randn(1024, 1)
    net = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 1))
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 128, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=1e-4))

@program(source='recommender: Bayesian personalized ranking, only clicks are known')
def clicks_ranked_in_pairs():
    torch.manual_seed(2)
    taste, theme = torch.randn(80, 3), torch.randn(120, 3)
    u = torch.randint(0, 80, (1200,))
    a, b = torch.randint(0, 120, (2, 1200))
    better = (taste[u] * (theme[a] - theme[b])).sum(1) > 0
    a, b = torch.where(better, a, b), torch.where(better, b, a)
    class Rank(nn.Module):
        def __init__(self):
            super().__init__()
            self.u, self.i = nn.Embedding(80, 16), nn.Embedding(120, 16)
            for e in (self.u, self.i): nn.init.normal_(e.weight, std=.1)
        def forward(self, u, a, b): return (self.u(u) * (self.i(a) - self.i(b))).sum(1)
    net = Rank()
    def bpr(margin, y): return -F.logsigmoid(margin).mean()
    return dict(model=net, loss_func=bpr,
                data=[((u[i], a[i], b[i]), torch.ones(len(i))) for i in torch.randperm(1200).split(200)],
                opt=torch.optim.Adam(net.parameters(), lr=.02))

@program(source='word2vec: skip-gram with negative samples')
def skip_gram_with_negatives():
    torch.manual_seed(3)
    word = torch.randint(0, 100, (2000,))
    near = (word // 10) * 10 + torch.randint(0, 10, (2000,))
    far = torch.randint(0, 100, (2000, 4))
    class SkipGram(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.outer = nn.Embedding(100, 20), nn.Embedding(100, 20)
            nn.init.uniform_(self.inner.weight, -.5, .5); nn.init.zeros_(self.outer.weight)
        def forward(self, w, c): return torch.einsum('nd,nkd->nk', self.inner(w), self.outer(c))
    net = SkipGram()
    c = torch.cat([near[:, None], far], 1)
    y = torch.tensor([1., 0, 0, 0, 0]).expand(2000, 5)
    return dict(model=net, loss_func=F.binary_cross_entropy_with_logits, opt=lambda p: torch.optim.Adam(p, lr=.02),
                data=[((word[i], c[i]), y[i]) for i in torch.randperm(2000).split(250)])

@program(source='energy-based: noise-contrastive estimation')
def energy_of_a_ring():
    torch.manual_seed(4)
    a = torch.rand(400) * 2 * math.pi
    ring = torch.stack([a.cos(), a.sin()], 1) * 1.5 + .1 * torch.randn(400, 2)
    noise = torch.randn(400, 2) * 1.2
    net = nn.Sequential(nn.Linear(2, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1))
    x, real = torch.cat([ring, noise]), torch.cat([torch.ones(400), torch.zeros(400)])
    def nce(energy, real):
        log_noise = -math.log(2 * math.pi)
        return F.binary_cross_entropy_with_logits(-energy[:, 0] - log_noise, real)
    return dict(model=net, loss_func=nce, data=DataLoader(TensorDataset(x, real), 100, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program(source='normalizing flow: the model returns log densities, there are no targets')
def density_by_couplings():
    torch.manual_seed(5)
    k = torch.randint(0, 2, (500,))
    x = torch.randn(500, 2) * .3 + torch.tensor([[-1., -1], [1, 1]])[k]
    class Flow(nn.Module):
        def __init__(self):
            super().__init__()
            self.nets = nn.ModuleList(nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 2)) for _ in range(4))
        def forward(self, x):
            logs = 0
            for n, net in enumerate(self.nets):
                a, b = x[:, n % 2, None], x[:, 1 - n % 2, None]
                s, t = net(a).chunk(2, 1)
                b = b * torch.exp(torch.tanh(s)) + t
                x = torch.cat([a, b] if n % 2 == 0 else [b, a], 1)
                logs = logs + torch.tanh(s)[:, 0]
            return logs - x.pow(2).sum(1) / 2 - math.log(2 * math.pi)
    net = Flow()
    return dict(model=net, loss_func=lambda logp, _: -logp.mean(),
                data=DataLoader(TensorDataset(x, torch.zeros(500)), 100),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='physics-informed: the second derivative of the answer is in the loss')
def pendulum_by_its_equation():
    torch.manual_seed(6)
    class Swing(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
        def forward(self, t):
            t = t.detach().clone().requires_grad_(True)
            u = self.net(t)
            v, = torch.autograd.grad(u.sum(), t, create_graph=True)
            w, = torch.autograd.grad(v.sum(), t, create_graph=True)
            return torch.cat([u, v, w], 1)
    net = Swing()
    t = torch.linspace(0, 2, 64)[:, None]
    def equation(out, _):
        u, v, w = out.T
        return (w + .3 * v + 4 * u).pow(2).mean() + 10 * ((u[0] - 1) ** 2 + v[0] ** 2)
    return dict(model=net, loss_func=equation,
                data=(t, torch.zeros(64, 1)), opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program(source='kernel machines: random Fourier features that stay as they are, a line on top')
def fourier_features_of_a_kernel():
    torch.manual_seed(7)
    x = torch.rand(300, 3) * 2 - 1
    y = torch.sin(3 * x[:, :1]) * x[:, 1:2] + .05 * torch.randn(300, 1)
    class Kernel(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer('w', torch.randn(3, 200) * 2)
            self.register_buffer('b', torch.rand(200) * 2 * math.pi)
            self.top = nn.Linear(200, 1)
        def forward(self, x): return self.top(torch.cos(x @ self.w + self.b) * math.sqrt(2 / 200) * 5)
    net = Kernel()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=.05, momentum=.9))

@program(source='metric learning: anchor, same and other as three inputs')
def faces_by_triplets():
    torch.manual_seed(8)
    who = torch.randn(20, 16)
    a = torch.randint(0, 20, (300,))
    other = (a + torch.randint(1, 20, (300,))) % 20
    anchor, same, diff = (who[k] + .6 * torch.randn(300, 16) for k in (a, a, other))
    class Embed(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 16))
        def forward(self, *views): return tuple(F.normalize(self.net(v), dim=1) for v in views)
    net, margin = Embed(), nn.TripletMarginLoss(margin=.3)
    return dict(model=net, loss_func=lambda out, y: margin(*out), opt=torch.optim.Adam(net.parameters(), lr=3e-3),
                data=[((anchor[i], same[i], diff[i]), a[i]) for i in torch.arange(300).split(60)])

@program(source='mixture density network: the inverse of a function with several answers')
def robot_arm_in_two_ways():
    torch.manual_seed(9)
    y = torch.rand(400, 1) * 2 - 1
    x = y ** 2 + .05 * torch.randn(400, 1)
    x = (x - x.mean()) / x.std()
    class Mixture(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.out = nn.Sequential(nn.Linear(1, 32), nn.Tanh()), nn.Linear(32, 9)
        def forward(self, x):
            w, m, s = self.out(self.body(x)).chunk(3, 1)
            return F.log_softmax(w, 1), m, s.clamp(-4, 3)
    def nll(out, y):
        w, m, s = out
        return -torch.logsumexp(w - s - ((y - m) / s.exp()) ** 2 / 2 - math.log(2 * math.pi) / 2, 1).mean()
    net = Mixture()
    return dict(model=net, loss_func=nll, data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='hypernetwork: one net writes the weights of another')
def weights_written_by_a_net():
    torch.manual_seed(10)
    task, x = torch.randn(300, 4), torch.randn(300, 3)
    y = (task[:, :3] * x).sum(1, keepdim=True) + task[:, 3:]
    class Hyper(nn.Module):
        def __init__(self):
            super().__init__()
            self.write = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 4 * 8 + 9))
        def forward(self, task, x):
            w = self.write(task) * .5
            h = torch.tanh(torch.einsum('ni,nih->nh', x, w[:, :24].view(-1, 3, 8)) + w[:, 24:32])
            return (h * w[:, 32:40]).sum(1, keepdim=True) + w[:, 40:]
    net = Hyper()
    return dict(model=net, loss_func=F.mse_loss, data=[((task[i], x[i]), y[i]) for i in torch.arange(300).split(50)],
                opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program(source='neural ODE: one field, ten Euler steps')
def moons_carried_by_a_field():
    torch.manual_seed(11)
    a, y = torch.rand(240) * math.pi, torch.arange(240) % 2
    x = torch.stack([a.cos() * (1 - 2 * y) + y, a.sin() * (1 - 2 * y) + .5 * y], 1) + .08 * torch.randn(240, 2)
    x = (x - x.mean(0)) / x.std(0)
    class Euler(nn.Module):
        def __init__(self):
            super().__init__()
            self.field, self.read = nn.Sequential(nn.Linear(5, 32), nn.Tanh(), nn.Linear(32, 4)), nn.Linear(4, 2)
        def forward(self, x):
            h = F.pad(x, (0, 2))
            for k in range(10): h = h + .1 * self.field(torch.cat([h, torch.full_like(h[:, :1], k / 10)], 1))
            return self.read(h)
    net = Euler()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 48, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program(source='DQN: the action and its target value stand in y')
def values_of_the_action_taken():
    torch.manual_seed(12)
    s = torch.randn(400, 6)
    action = torch.randint(0, 4, (400,))
    value = torch.tanh(s[torch.arange(400), action]) + .1 * torch.randn(400)
    net = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 4))
    def td(q, y): return F.smooth_l1_loss(q.gather(1, y[:, :1].long())[:, 0], y[:, 1])
    y = torch.stack([action.float(), value], 1)
    return dict(model=net, loss_func=td, data=DataLoader(TensorDataset(s, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program(source='tabular: embeddings of the categories beside scaled numbers')
def rents_with_categories():
    torch.manual_seed(13)
    town, kind, num = torch.randint(0, 30, (500,)), torch.randint(0, 4, (500,)), torch.randn(500, 3)
    base = torch.randn(30)
    y = (base[town] + .5 * kind + num[:, 0] + .2 * torch.randn(500))[:, None]
    y = (y - y.mean()) / y.std()
    class Rent(nn.Module):
        def __init__(self):
            super().__init__()
            self.town, self.kind = nn.Embedding(30, 6), nn.Embedding(4, 2)
            self.top = nn.Sequential(nn.Linear(11, 48), nn.ReLU(), nn.Dropout(.1), nn.Linear(48, 1))
        def forward(self, cats, nums):
            return self.top(torch.cat([self.town(cats[:, 0]), self.kind(cats[:, 1]), nums], 1))
    net = Rent()
    cats = torch.stack([town, kind], 1)
    return dict(model=net, loss_func=nn.L1Loss(),
                data=[((cats[i], num[i]), y[i]) for i in torch.randperm(500).split(64)],
                opt=torch.optim.AdamW(net.parameters(), lr=5e-3))

@program(source='counts: Poisson regression with the log of the rate')
def bicycles_per_hour():
    torch.manual_seed(14)
    x = torch.randn(400, 5)
    y = torch.poisson(torch.exp(1 + .5 * x[:, 0] - .4 * x[:, 1] * x[:, 2]))[:, None]
    net = nn.Sequential(nn.Linear(5, 32), nn.SiLU(), nn.Linear(32, 1))
    return dict(model=net, loss_func=nn.PoissonNLLLoss(), data=DataLoader(TensorDataset(x, y), 80, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='hurdle model: is there any rain, and if so, how much')
def rain_with_a_hurdle():
    torch.manual_seed(15)
    x = torch.randn(400, 6)
    wet = torch.rand(400) < torch.sigmoid(2 * x[:, 0])
    y = torch.where(wet, torch.exp(.5 * x[:, 1] + .3 * torch.randn(400)), torch.zeros(400))
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2))
    def hurdle(out, y):
        any_, size = out[:, 0], out[:, 1]
        rain = y > 0
        return F.binary_cross_entropy_with_logits(any_, rain.float()) + F.mse_loss(size[rain], y[rain].log())
    return dict(model=net, loss_func=hurdle, data=DataLoader(TensorDataset(x, y), 80, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='toxicity: twelve assays, most of them never measured (nan), masked in the loss')
def assays_with_gaps():
    torch.manual_seed(16)
    x = torch.randn(300, 20)
    y = (x @ torch.randn(20, 12) > 0).float()
    y[torch.rand(300, 12) < .6] = float('nan')
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 12))
    def masked(out, y):
        known = ~y.isnan()
        return F.binary_cross_entropy_with_logits(out[known], y[known])
    return dict(model=net, loss_func=masked, data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program(source='few-shot: cosine similarity to class vectors, times a scale')
def cosine_to_each_class():
    torch.manual_seed(17)
    y = torch.randint(0, 10, (400,))
    x = torch.randn(400, 24) * .6 + torch.randn(10, 24)[y]
    class Cosine(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(24, 48), nn.ReLU(), nn.Linear(48, 32))
            self.classes = nn.Parameter(torch.randn(10, 32))
            self.scale = nn.Parameter(torch.tensor(8.))
        def forward(self, x): return self.scale * F.normalize(self.body(x), dim=1) @ F.normalize(self.classes, dim=1).T
    net = Cosine()
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program(source='text: bags of words, one in fifty is not zero')
def mails_as_sparse_bags():
    torch.manual_seed(18)
    y = torch.randint(0, 3, (300,))
    p = torch.full((3, 500), .01)
    for k in range(3): p[k, 60 * k:60 * k + 60] = .06
    x = torch.bernoulli(p[y]) * (.5 + torch.rand(300, 500))
    x = x / x.norm(dim=1, keepdim=True).clamp(1e-6) * 4
    net = nn.Sequential(nn.Linear(500, 32), nn.ReLU(), nn.Dropout(.3), nn.Linear(32, 3))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='chemistry: fingerprints of zeros and ones')
def fingerprints_of_bits():
    torch.manual_seed(19)
    x = (torch.rand(300, 128) < .25).float()
    y = (x[:, :20].sum(1) - x[:, 20:40].sum(1) + .5 * torch.randn(300) > 0).float()[:, None]
    net = nn.Sequential(nn.Linear(128, 32), nn.ReLU(), nn.Linear(32, 1))
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='raw sensor counts; a batch norm stands first and scales them')
def raw_counts_after_a_norm():
    torch.manual_seed(20)
    x = (torch.rand(300, 6) * 2 - 1) * 1000
    y = (x[:, 0] * x[:, 1] > 0).long()
    net = nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 2))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program(source='fraud: one in two hundred, weighted by pos_weight')
def fraud_one_in_two_hundred():
    torch.manual_seed(21)
    y = (torch.arange(2000) % 200 == 0).float()[torch.randperm(2000)][:, None]
    x = torch.randn(2000, 8) + 1.5 * y
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(pos_weight=torch.tensor([199.])),
                data=DataLoader(TensorDataset(x, y), 400, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=1e-3))

@program(source='entity linking: five thousand classes')
def five_thousand_names():
    torch.manual_seed(22)
    y = torch.randint(0, 5000, (512,))
    x = F.normalize(torch.randn(5000, 32), dim=1)[y] * 5 + .3 * torch.randn(512, 32)
    net = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 5000))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 128, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program(source='named entities: padding marked by -100, which the loss leaves out')
def tags_with_padding():
    torch.manual_seed(23)
    x = torch.randint(1, 40, (128, 12))
    y = (x % 5)
    n = torch.randint(5, 13, (128, 1))
    pad = torch.arange(12) >= n
    x, y = x.masked_fill(pad, 0), y.masked_fill(pad, -100)
    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb = nn.Embedding(40, 16, padding_idx=0)
            self.rnn = nn.GRU(16, 16, bidirectional=True, batch_first=True)
            self.out = nn.Linear(32, 5)
        def forward(self, x): return self.out(self.rnn(self.emb(x))[0])
    net = Tagger()
    def ce(out, y): return F.cross_entropy(out.transpose(1, 2), y, ignore_index=-100)
    return dict(model=net, loss_func=ce, data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program(source='unusual nonlinearities: PReLU, Mish, ELU, in a chain')
def wheat_through_odd_bends():
    torch.manual_seed(24)
    y = torch.randint(0, 3, (210,))
    x = torch.randn(210, 7) * .7 + torch.randn(3, 7)[y]
    net = nn.Sequential(nn.Linear(7, 32), nn.PReLU(), nn.Linear(32, 32), nn.Mish(), nn.Linear(32, 32), nn.ELU(),
                        nn.Linear(32, 32), nn.Hardswish(), nn.Linear(32, 32), nn.Softsign(), nn.Linear(32, 3))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 30, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program(source='all-convolutional: strides in place of pooling, a mean as the head')
def textures_without_pooling():
    torch.manual_seed(25)
    y = torch.randint(0, 3, (128,))
    grid = torch.arange(12.)
    u, v = torch.meshgrid(grid, grid, indexing='ij')
    base = torch.stack([torch.sin(2 * u), torch.sin(2 * v), torch.sin(1.4 * (u + v))])
    x = (base[y] + .4 * torch.randn(128, 12, 12))[:, None]
    net = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, 2), nn.ReLU(),
                        nn.Conv2d(12, 24, 3, 2),
                        nn.ReLU(), nn.Conv2d(24, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='mobile nets: depthwise and pointwise convolutions, batch norm, ReLU6')
def leaves_depthwise():
    torch.manual_seed(26)
    y = torch.randint(0, 4, (128,))
    x = torch.randn(128, 3, 10, 10) * .6
    for k in range(4): x[y == k, k % 3, 5 * (k // 2):5 * (k // 2) + 5] += 1
    def part(i, o, s):
        return nn.Sequential(nn.Conv2d(i, i, 3, s, 1, groups=i, bias=False), nn.BatchNorm2d(i), nn.ReLU6(),
                             nn.Conv2d(i, o, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU6())
    net = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1, bias=False), nn.BatchNorm2d(12), nn.ReLU6(), part(12, 24, 2),
                        part(24, 24, 1), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(96, 4))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(label_smoothing=.1),
                data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=.05, momentum=.9, weight_decay=4e-5))

@program(source='segmentation: a small U-Net, few of the pixels are cells')
def cells_by_a_small_unet():
    torch.manual_seed(27)
    y = torch.zeros(64, 1, 16, 16)
    for k in range(64):
        a, b = torch.randint(1, 11, (2,)).tolist()
        y[k, 0, a:a + 4, b:b + 4] = 1
    x = y + .5 * torch.randn(64, 1, 16, 16)
    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            def two(i, o):
                return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.ReLU(), nn.Conv2d(o, o, 3, padding=1), nn.ReLU())
            self.a, self.b, self.c = two(1, 8), two(8, 16), two(24, 8)
            self.up, self.out = nn.Upsample(scale_factor=2), nn.Conv2d(8, 1, 1)
        def forward(self, x):
            a = self.a(x)
            return self.out(self.c(torch.cat([a, self.up(self.b(F.max_pool2d(a, 2)))], 1)))
    net = UNet()
    def dice_and_bce(out, y):
        p = out.sigmoid()
        dice = 1 - (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1)
        return F.binary_cross_entropy_with_logits(out, y) + dice
    return dict(model=net, loss_func=dice_and_bce, data=DataLoader(TensorDataset(x, y), 16, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='spiking nets: steps forward, a smooth slope backward')
def spikes_with_a_surrogate():
    torch.manual_seed(28)
    class Spike(torch.autograd.Function):
        @staticmethod
        def forward(ctx, v):
            ctx.save_for_backward(v)
            return (v > 0).float()
        @staticmethod
        def backward(ctx, g):
            v, = ctx.saved_tensors
            return g / (1 + 5 * v.abs()) ** 2
    y = torch.randint(0, 3, (150,))
    rate = torch.full((150, 12), .2)
    rate[torch.arange(150)[:, None], y[:, None] * 4 + torch.arange(4)] = .7
    x = torch.bernoulli(rate[:, None].expand(-1, 15, -1))
    class Spiking(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(12, 40), nn.Linear(40, 3)
        def forward(self, x):
            v, out = 0, 0
            for t in range(x.shape[1]):
                v = .8 * v + self.a(x[:, t])
                s = Spike.apply(v - 1)
                v = v - s
                out = .9 * out + self.b(s)
            return out / 5
    net = Spiking()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='energy forecasts: three quantiles by the pinball loss')
def load_in_three_quantiles():
    torch.manual_seed(29)
    x = torch.randn(400, 4)
    y = x[:, :1] + torch.exp(.5 * x[:, 1:2]) * torch.randn(400, 1) * .5
    net = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 3))
    q = torch.tensor([.1, .5, .9])
    def pinball(out, y):
        d = y - out
        return torch.maximum(q * d, (q - 1) * d).mean()
    return dict(model=net, loss_func=pinball, data=DataLoader(TensorDataset(x, y), 80, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='robust regression: Huber, one target in twenty is far off')
def sales_with_outliers():
    torch.manual_seed(30)
    x = torch.randn(400, 6)
    y = x[:, :1] - .5 * x[:, 1:2] + .2 * torch.randn(400, 1)
    y[torch.rand(400) < .05] += 15
    net = nn.Sequential(nn.Linear(6, 32), nn.GELU(), nn.Linear(32, 1))
    return dict(model=net, loss_func=nn.HuberLoss(delta=1.), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='crowd labels: each item has shares of five votes, learned by KL')
def galaxies_by_votes():
    torch.manual_seed(31)
    x = torch.randn(300, 10)
    votes = torch.softmax(1.5 * x @ torch.randn(10, 4) / 2, 1)
    y = torch.stack([torch.bincount(torch.multinomial(v, 5, replacement=True), minlength=4) for v in votes]) / 5
    class Votes(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
        def forward(self, x): return F.log_softmax(self.net(x), dim=-1)
    net = Votes()
    return dict(model=net, loss_func=nn.KLDivLoss(reduction='batchmean'),
                data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='self-distillation: early exits learn from the last one')
def exits_taught_by_the_last():
    torch.manual_seed(32)
    y = torch.randint(0, 4, (240,))
    x = torch.randn(240, 12) * .7 + torch.randn(4, 12)[y]
    class Exits(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ModuleList(nn.Sequential(nn.Linear(i, 32), nn.ReLU()) for i in (12, 32, 32))
            self.heads = nn.ModuleList(nn.Linear(32, 4) for _ in range(3))
        def forward(self, x):
            outs = []
            for part, head in zip(self.parts, self.heads):
                x = part(x)
                outs.append(head(x))
            return outs
    def loss(outs, y):
        soft = F.softmax(outs[-1].detach() / 2, 1)
        told = sum(F.kl_div(F.log_softmax(o / 2, 1), soft, reduction='batchmean') for o in outs[:-1])
        return sum(F.cross_entropy(o, y) for o in outs) / 3 + .5 * told
    net = Exits()
    return dict(model=net, loss_func=loss, data=DataLoader(TensorDataset(x, y), 48, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program(source='speech: CTC, the answers are shorter than the inputs')
def morse_by_ctc():
    torch.manual_seed(33)
    y = torch.randint(1, 5, (96, 4))
    x = torch.randn(96, 20, 6) * .3
    for k in range(4): x[:, 5 * k + 1:5 * k + 4] += F.one_hot(y[:, k], 6)[:, None] * 1.5
    class Listen(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.out = nn.GRU(6, 24, batch_first=True), nn.Linear(24, 5)
        def forward(self, x): return F.log_softmax(self.out(self.rnn(x)[0]), -1)
    def ctc(logp, y):
        n = len(y)
        return F.ctc_loss(logp.transpose(0, 1), y, torch.full((n,), 20), torch.full((n,), 4))
    net = Listen()
    return dict(model=net, loss_func=ctc, data=DataLoader(TensorDataset(x, y), 24, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program(source='ordered answers: four thresholds, one score')
def wine_notes_in_order():
    torch.manual_seed(34)
    x = torch.randn(300, 8)
    score = x[:, 0] + .5 * x[:, 1] + .3 * torch.randn(300)
    y = torch.bucketize(score, torch.tensor([-1.2, -.4, .4, 1.2]))
    class Ordered(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 1))
            self.cuts = nn.Parameter(torch.linspace(-1, 1, 4))
        def forward(self, x): return self.net(x) - self.cuts
    def ordered(out, y): return F.binary_cross_entropy_with_logits(out, (y[:, None] > torch.arange(4)).float())
    net = Ordered()
    return dict(model=net, loss_func=ordered, data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program(source="survival: Cox's partial likelihood over the batch")
def patients_by_risk():
    torch.manual_seed(35)
    x = torch.randn(300, 6)
    time = torch.empty(300).exponential_() / torch.exp(x[:, 0] - .7 * x[:, 1])
    seen = (torch.rand(300) < .7).float()
    net = nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 1, bias=False))
    def cox(risk, y):
        order = y[:, 0].argsort(descending=True)
        r, e = risk[order, 0], y[order, 1]
        return -((r - r.logcumsumexp(0)) * e).sum() / e.sum()
    return dict(model=net, loss_func=cox,
                data=DataLoader(TensorDataset(x, torch.stack([time, seen], 1)), 100, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='sets: a mean over points, some of them padding')
def point_clouds_as_sets():
    torch.manual_seed(36)
    y = torch.randint(0, 2, (160,))
    p = torch.randn(160, 20, 3)
    p = torch.where(y[:, None, None] == 1, F.normalize(p, dim=2) * 1.5, p)
    keep = (torch.arange(20) < torch.randint(10, 21, (160, 1))).float()
    class Sets(nn.Module):
        def __init__(self):
            super().__init__()
            self.each = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
            self.all = nn.Linear(32, 2)
        def forward(self, p, keep): return self.all((self.each(p) * keep[..., None]).sum(1) / keep.sum(1, keepdim=True))
    net = Sets()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(),
                data=[((p[i], keep[i]), y[i]) for i in torch.arange(160).split(40)],
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program(source='vector quantization: a straight-through estimate inside an autoencoder')
def pictures_in_a_code_book():
    torch.manual_seed(37)
    x = torch.tanh(torch.randn(8, 30)[torch.randint(0, 8, (256,))] + .2 * torch.randn(256, 30))
    class Coded(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc = nn.Sequential(nn.Linear(30, 24), nn.ReLU(), nn.Linear(24, 4))
            self.dec = nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 30))
            self.book = nn.Parameter(torch.randn(16, 4) * .3)
        def forward(self, x):
            z = self.enc(x)
            q = self.book[torch.cdist(z, self.book).argmin(1)]
            return self.dec(z + (q - z).detach()), z, q
    def loss(out, x):
        again, z, q = out
        return F.mse_loss(again, x) + F.mse_loss(q, z.detach()) + .25 * F.mse_loss(z, q.detach())
    net = Coded()
    return dict(model=net, loss_func=loss, data=DataLoader(TensorDataset(x, x), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='image and text in one space: the other items of the batch are the negatives')
def captions_matched_in_the_batch():
    torch.manual_seed(38)
    z = torch.randn(256, 6)
    pic, words = (z @ torch.randn(6, n) * .4 + .2 * torch.randn(256, n) for n in (20, 12))
    class Clip(nn.Module):
        def __init__(self):
            super().__init__()
            self.pic, self.words, self.t = nn.Linear(20, 16), nn.Linear(12, 16), nn.Parameter(torch.tensor(1.6))
        def forward(self, a, b):
            a, b = F.normalize(self.pic(a), dim=1), F.normalize(self.words(b), dim=1)
            return self.t.exp() * a @ b.T
    def clip(s, y): return (F.cross_entropy(s, y) + F.cross_entropy(s.T, y)) / 2
    net = Clip()
    return dict(model=net, loss_func=clip,
                data=[((pic[i], words[i]), torch.arange(32)) for i in torch.randperm(256).split(32)],
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='VAE: the model returns three tensors, the loss is of a bound')
def shapes_by_a_variational_code():
    torch.manual_seed(39)
    x = torch.sigmoid(3 * torch.randn(200, 3) @ torch.randn(3, 25))
    class Vae(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.m, self.s = nn.Sequential(nn.Linear(25, 48), nn.ReLU()), nn.Linear(48, 3), nn.Linear(48, 3)
            self.dec = nn.Sequential(nn.Linear(3, 48), nn.ReLU(), nn.Linear(48, 25))
        def forward(self, x):
            h = self.enc(x)
            m, s = self.m(h), self.s(h)
            return self.dec(m + torch.randn_like(m) * torch.exp(s / 2)), m, s
    def bound(out, x):
        r, m, s = out
        bits = F.binary_cross_entropy_with_logits(r, x, reduction='sum')
        return (bits - .5 * (1 + s - m * m - s.exp()).sum()) / len(x)
    net = Vae()
    return dict(model=net, loss_func=bound, data=DataLoader(TensorDataset(x, x), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program(source='weather: a Fourier layer, the low waves are learned')
def heat_by_a_fourier_layer():
    torch.manual_seed(40)
    k = torch.arange(1, 5.)
    s = torch.linspace(0, 2 * math.pi, 33)[:-1]
    c = torch.randn(200, 4) / k
    x = (c[..., None] * torch.sin(k[:, None] * s)).sum(1)
    y = (c[..., None] * torch.exp(-.1 * k * k)[:, None] * torch.sin(k[:, None] * s)).sum(1)
    class Spectral(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.randn(8, 8, 6, dtype=torch.cfloat) * .1)
            self.lift, self.skip, self.out = nn.Conv1d(1, 8, 1), nn.Conv1d(8, 8, 1), nn.Conv1d(8, 1, 1)
        def forward(self, x):
            h = self.lift(x[:, None])
            f = torch.fft.rfft(h)
            low = torch.einsum('nik,iok->nok', f[..., :6], self.w)
            h = F.gelu(torch.fft.irfft(F.pad(low, (0, f.shape[-1] - 6)), n=h.shape[-1]) + self.skip(h))
            return self.out(h)[:, 0]
    net = Spectral()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program(source='mixture of experts: a soft choice in the middle of the model')
def experts_for_each_season():
    torch.manual_seed(41)
    x = torch.randn(400, 4)
    y = torch.where(x[:, :1] > 0, 2 * x[:, 1:2], -x[:, 2:3] + .5) + .1 * torch.randn(400, 1)
    class Experts(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate = nn.Linear(4, 3)
            self.experts = nn.ModuleList(
                nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1)) for _ in range(3))
        def forward(self, x):
            w = F.softmax(self.gate(x), 1)
            return (w * torch.cat([e(x) for e in self.experts], 1)).sum(1, keepdim=True)
    net = Experts()
    return dict(model=net, loss_func=F.mse_loss, data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program(source='balanced batches by a sampler, sequences of different lengths packed')
def reviews_packed_and_balanced():
    torch.manual_seed(42)
    y = (torch.rand(200) < .15).long()
    n = torch.randint(4, 13, (200,))
    x = torch.randint(2, 30, (200, 12))
    x[torch.arange(200), torch.randint(0, 4, (200,))] = torch.where(y == 1, 1, 2)
    x = x.masked_fill(torch.arange(12) >= n[:, None], 0)
    class Review(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.rnn = nn.Embedding(30, 16, padding_idx=0), nn.LSTM(16, 24, batch_first=True)
            self.out = nn.Linear(24, 2)
        def forward(self, x, n):
            p = nn.utils.rnn.pack_padded_sequence(self.emb(x), n, batch_first=True, enforce_sorted=False)
            return self.out(self.rnn(p)[1][0][-1])
    net = Review()
    class Set(torch.utils.data.Dataset):
        def __len__(self): return 200
        def __getitem__(self, i): return (x[i], n[i]), y[i]
    sampler = WeightedRandomSampler(torch.where(y == 1, .85, .15), 200)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(Set(), 40, sampler=sampler),
                opt=torch.optim.Adam(net.parameters(), lr=.01))
