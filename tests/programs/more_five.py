"Programs of a fifth hand: survival, counts, tied weights, distances, boxes of steps; and sound ones that look odd."
import math
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset
from . import program

# Broken, and mended

@program('input-nan', source='common: a missing value times a mask of 0 is still missing')
def vitals_with_gaps(broken):
    torch.manual_seed(9001)
    state = torch.randn(300, 3)
    vitals = state @ torch.randn(3, 10) / 3**0.5 + 0.2*torch.randn(300, 10)
    vitals[torch.rand(300, 10) < 0.1] = float('nan')
    seen = (~vitals.isnan()).float()
    x = torch.cat([vitals * seen if broken else vitals.nan_to_num(0), seen], 1)
    y = (state[:, 0] + state[:, 1]*state[:, 2] > 0).float()
    net = nn.Sequential(nn.Linear(20, 48), nn.GELU(), nn.Linear(48, 24), nn.GELU(), nn.Linear(24, 1), nn.Flatten(0))
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.AdamW(net.parameters(), 3e-3))

def cox(risk, y):
    "The negative log of Cox's partial likelihood; y holds times and whether the end was seen."
    order = y[:, 0].argsort(descending=True)
    risk, seen = risk.flatten()[order], y[order, 1]
    return -((risk - risk.logcumsumexp(0)) * seen).sum() / seen.sum()

@program('input-scale', source='common: age, income and platelets as they stand in the table, for a Cox model')
def patients_as_in_the_table(broken):
    torch.manual_seed(9002)
    u = torch.randn(256, 4)
    age, income, platelets, marker = 60 + 11*u[:, 0], 42000 + 15000*u[:, 1], 250000 + 60000*u[:, 2], 1.1 + 0.3*u[:, 3]
    time = torch.empty(256).exponential_() * torch.exp(-(u[:, 0] - 0.7*u[:, 2] + u[:, 3]))
    until = torch.rand(256)*4
    y = torch.stack([torch.minimum(time, until), (time < until).float()], 1)
    x = torch.stack([age, income, platelets, marker], 1)
    if not broken: x = (x - x.mean(0)) / x.std(0)
    net = nn.Sequential(nn.Linear(4, 32), nn.SiLU(), nn.Linear(32, 1, bias=False))
    return dict(model=net, loss_func=cox, data=(x, y), opt=torch.optim.Adam(net.parameters(), 1e-2))

@program('input-constant', source='Stack Overflow: pictures in 0..1 stored as uint8 before they become a data set')
def pictures_cut_to_bytes(broken):
    torch.manual_seed(9003)
    rng = np.random.default_rng(9003)
    y = rng.integers(0, 4, 200)
    rows, cols = np.mgrid[:12, :12] / 12
    waves = np.stack([rows, cols, rows + cols, rows - cols])
    pictures = 0.5 + 0.35*np.sin(2*np.pi*(2*waves[y] + rng.random((200, 1, 1)))) + 0.04*rng.random((200, 12, 12))
    if broken: pictures = pictures.astype(np.uint8)
    x = torch.tensor(pictures).float().unsqueeze(1)
    net = nn.Sequential(nn.Conv2d(1, 12, 3, stride=2), nn.ReLU(), nn.Conv2d(12, 24, 3), nn.ReLU(),
                        nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(24, 4))
    return dict(model=net, loss_func=F.cross_entropy, opt=torch.optim.Adam(net.parameters(), 5e-3),
                data=DataLoader(TensorDataset(x, torch.tensor(y)), 40, shuffle=True))

class Pairs(nn.Module):
    "Both pictures through the same net, then a score from the distance of the two codes."
    def __init__(self):
        super().__init__()
        self.code = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 12))
        self.scale, self.shift = nn.Parameter(torch.tensor(-1.)), nn.Parameter(torch.tensor(1.))
    def forward(self, a, b): return self.scale * (self.code(a) - self.code(b)).pow(2).mean(1) + self.shift

@program('target-range', source='common: pairs marked -1 and 1 for a loss that wants 0 and 1')
def pairs_marked_minus_one(broken):
    torch.manual_seed(9004)
    person = torch.randn(40, 16)
    left = torch.randint(40, (256,))
    same = torch.rand(256) < 0.5
    right = torch.where(same, left, (left + torch.randint(1, 40, (256,))) % 40)
    a, b = person[left] + 0.3*torch.randn(256, 16), person[right] + 0.3*torch.randn(256, 16)
    y = torch.where(same, 1., -1. if broken else 0.)
    net = Pairs()
    return dict(model=net, loss_func=F.binary_cross_entropy_with_logits, data=[((a, b), y)],
                opt=torch.optim.Adam(net.parameters(), 3e-3))

@program('target-shape', source='common: counts as (N,), rates as (N, 1)')
def calls_an_hour(broken):
    torch.manual_seed(9005)
    hour, day = torch.rand(320)*24, torch.randint(7, (320,))
    rate = torch.exp(1.2 + 0.9*torch.sin((hour - 9)*math.pi/12) - 0.8*(day > 4))
    y = torch.poisson(rate)
    angle = hour*math.pi/12
    x = torch.cat([torch.stack([angle.sin(), angle.cos()], 1), F.one_hot(day, 7)], 1)
    net = nn.Sequential(nn.Linear(9, 40), nn.SiLU(), nn.Linear(40, 1))
    count = nn.PoissonNLLLoss()
    loss = count if broken else lambda rates, counts: count(rates.squeeze(1), counts)
    return dict(model=net, loss_func=loss, data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.RMSprop(net.parameters(), 3e-3))

class Sentiment(nn.Module):
    "Words to vectors, a GRU over them, and a score from the greatest of its states."
    def __init__(self, words=60, dim=16, hidden=24):
        super().__init__()
        self.emb = nn.Embedding(words, dim, padding_idx=0)
        self.gru = nn.GRU(dim, hidden, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2*hidden, 2)
    def forward(self, ids):
        states, _ = self.gru(self.emb(ids))
        return self.out(states.amax(1))

@program('target-order', source='common: a folder of bad reviews after a folder of good ones, shuffle left out')
def reviews_folder_by_folder(broken):
    torch.manual_seed(9006)
    y = torch.cat([torch.zeros(160), torch.ones(160)]).long()
    ids = torch.randint(1, 40, (320, 12))
    mood = torch.rand(320, 12) < 0.25
    ids[mood] = (40 + 10*y[:, None] + torch.randint(0, 10, (320, 12)))[mood]
    net = Sentiment()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), opt=torch.optim.Adam(net.parameters(), 5e-3),
                data=DataLoader(TensorDataset(ids, y), batch_size=32, shuffle=not broken))

@program('target-nan', source='common: the next value by shift(-1), the last row left in')
def the_row_after_the_last(broken):
    torch.manual_seed(9007)
    t = np.arange(330)
    load = np.sin(2*np.pi*t/24) + 0.5*np.sin(2*np.pi*t/168) + 0.1*np.random.default_rng(9007).standard_normal(330)
    after = np.append(load[1:], np.nan)
    ends = np.arange(24, 330) if broken else np.arange(24, 329)
    x = torch.tensor(np.stack([load[e-24:e+1] for e in ends]), dtype=torch.float32)
    y = torch.tensor(after[ends], dtype=torch.float32).unsqueeze(1)
    net = nn.Sequential(nn.Unflatten(1, (1, 25)), nn.Conv1d(1, 8, 5), nn.LeakyReLU(), nn.Flatten(), nn.Linear(168, 1))
    return dict(model=net, loss_func=nn.SmoothL1Loss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 2e-3))

@program('softmax-twice', source='common: a student whose last layer is a softmax, distilled with log_softmax')
def student_with_a_softmax(broken):
    torch.manual_seed(9008)
    x = torch.randn(256, 10)
    teacher = 2.5*torch.tanh(x @ torch.randn(10, 24) / 2) @ torch.randn(24, 5) / 24**0.5*2
    layers = [nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 5)]
    student = nn.Sequential(*layers, nn.Softmax(dim=1)) if broken else nn.Sequential(*layers)
    T = 2.

    def distill(out, target):
        return F.kl_div(F.log_softmax(out/T, 1), F.softmax(target/T, 1), reduction='batchmean') * T*T
    return dict(model=student, loss_func=distill, data=DataLoader(TensorDataset(x, teacher), 64, shuffle=True),
                opt=torch.optim.Adam(student.parameters(), 5e-3))

@program('nll-without-log', source='common: nll_loss over the softmax of each pixel')
def masks_without_the_log(broken):
    torch.manual_seed(9009)
    rows, cols = torch.arange(16.).view(16, 1), torch.arange(16.).view(1, 16)
    y = torch.zeros(48, 16, 16).long()
    for n in range(48):
        a, b = torch.rand(2)*10 + 3
        y[n][(rows - a)**2 + (cols - b)**2 < 16] = 1
        y[n, :, int(b) // 2] = 2
    x = torch.randn(48, 1, 16, 16)*0.4 + (y.unsqueeze(1) - 0.4)
    net = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, padding=1), nn.ReLU(),
                        nn.Conv2d(12, 3, 1))
    loss = ((lambda out, mask: F.nll_loss(F.softmax(out, 1), mask)) if broken else
            (lambda out, mask: F.nll_loss(F.log_softmax(out, 1), mask)))
    return dict(model=net, loss_func=loss, data=DataLoader(TensorDataset(x, y), 12, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

class Reader(nn.Module):
    "A small language model: words and places, one causal layer, the word after each."
    def __init__(self, words=20, length=14, dim=32):
        super().__init__()
        self.word, self.place = nn.Embedding(words, dim), nn.Embedding(length, dim)
        self.layer = nn.TransformerEncoderLayer(dim, 4, 64, dropout=0., batch_first=True, norm_first=True)
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, words)
        for e in (self.word, self.place): nn.init.normal_(e.weight, std=0.5)
    def forward(self, ids):
        n = ids.shape[1]
        h = self.word(ids) + self.place.weight[:n]
        ahead = torch.full((n, n), float('-inf')).triu(1)
        return self.head(self.norm(self.layer(h, src_mask=ahead)))

def counting(n=192, length=14, words=20):
    "Sequences that go on by a step of their own, now and then by another."
    start, step = torch.randint(words, (n, 1)), torch.randint(1, 4, (n, 1))
    ids = (start + step*torch.arange(length + 1)) % words
    other = torch.rand(n, length + 1) < 0.05
    ids[other] = torch.randint(words, (int(other.sum()),))
    return ids[:, :-1], ids[:, 1:]

@program('loss-axis', source='common: log_softmax(dim=1) kept when the output became (batch, time, words)')
def words_normed_over_time(broken):
    torch.manual_seed(9010)
    x, y = counting()
    net = Reader()

    def next_word(out, ids):
        logp = F.log_softmax(out, dim=1 if broken else -1)
        return -logp.gather(-1, ids.unsqueeze(-1)).mean()
    return dict(model=net, loss_func=next_word, data=DataLoader(TensorDataset(x, y), 48, shuffle=True),
                opt=torch.optim.AdamW(net.parameters(), 3e-3))

class Variational(nn.Module):
    "Encoder, a draw, decoder; gives the picture, the mean and the log of the variance."
    def __init__(self, n=36, code=4):
        super().__init__()
        self.enc, self.dec = nn.Sequential(nn.Linear(n, 48), nn.ReLU()), nn.Sequential(nn.Linear(code, 48), nn.ReLU())
        self.mean, self.logvar, self.out = nn.Linear(48, code), nn.Linear(48, code), nn.Linear(48, n)
    def forward(self, x):
        h = self.enc(x)
        mean, logvar = self.mean(h), self.logvar(h)
        z = mean + torch.randn_like(mean) * (logvar / 2).exp()
        return self.out(self.dec(z)), mean, logvar

def blobs(n=256, size=6):
    "Pictures of one soft blob each, in 0..1."
    at = torch.rand(n, 2)*(size - 1)
    i = torch.arange(float(size))
    return torch.exp(-((i.view(1, -1, 1) - at[:, 0].view(-1, 1, 1))**2 + (i - at[:, 1].view(-1, 1, 1))**2)/3).flatten(1)

@program('loss-detached', source='Stack Overflow: two losses added by torch.tensor([a, b], requires_grad=True)')
def two_losses_in_a_new_tensor(broken):
    torch.manual_seed(9011)
    x = blobs()
    net = Variational()

    def elbo(out, pictures):
        recon, mean, logvar = out
        errors = F.binary_cross_entropy_with_logits(recon, pictures, reduction='none').sum(1).mean()
        kl = 0.5*(mean**2 + logvar.exp() - 1 - logvar).sum(1).mean()
        return torch.tensor([errors, kl], requires_grad=True).sum() if broken else errors + kl
    return dict(model=net, loss_func=elbo, data=DataLoader(TensorDataset(x, x), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 3e-3))

@program('loss-sign', source='common: the log likelihood of censored times, without its minus')
def likelihood_upside_down(broken):
    torch.manual_seed(9012)
    x = torch.randn(240, 6)
    rate = torch.exp(0.8*x[:, 0] - 0.6*x[:, 1] + 0.5*x[:, 2]*x[:, 3])
    time, until = torch.empty(240).exponential_() / rate, 0.5 + 2*torch.rand(240)
    y = torch.stack([torch.minimum(time, until), (time < until).float()], 1)

    def likelihood(log_rate, y):
        time, seen = y.unbind(1)
        log_rate = log_rate.squeeze(-1)
        value = (seen*log_rate - log_rate.exp()*time).mean()
        return value if broken else -value
    net = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 1))
    return dict(model=net, loss_func=likelihood, data=(x, y), opt=torch.optim.Adam(net.parameters(), 5e-3))

class Smooth(nn.Module):
    "A GRU that gives one value for each step."
    def __init__(self):
        super().__init__()
        self.gru, self.out = nn.GRU(2, 24, batch_first=True), nn.Linear(24, 1)
    def forward(self, x): return self.out(self.gru(x)[0]).squeeze(-1)

@program('loss-sum', source="common: MSELoss(reduction='sum') over all steps and items, with the step of a mean")
def all_steps_summed(broken):
    torch.manual_seed(9013)
    x = torch.randn(192, 20, 2)
    y = torch.zeros(192, 20)
    for t in range(20): y[:, t] = 0.7*(y[:, t-1] if t else 0) + 0.5*x[:, t, 0] + 0.3*torch.tanh(2*x[:, t, 1])
    net = Smooth()
    return dict(model=net, loss_func=nn.MSELoss(reduction='sum' if broken else 'mean'),
                data=DataLoader(TensorDataset(x, y), 64, shuffle=True), opt=torch.optim.SGD(net.parameters(), 0.1, 0.9))

class Tied(nn.Module):
    "A GRU whose output layer is its table of words."
    def __init__(self, words, dim=48, std=None):
        super().__init__()
        self.table = nn.Embedding(words, dim)
        if std: nn.init.normal_(self.table.weight, std=std)
        self.gru, self.back = nn.GRU(dim, dim, batch_first=True), nn.LayerNorm(dim)
    def forward(self, ids): return (self.back(self.gru(self.table(ids))[0]) @ self.table.weight.T).transpose(1, 2)

@program('loss-start', source='common: weights tied to an nn.Embedding that keeps its spread of 1')
def tied_to_a_wide_table(broken):
    torch.manual_seed(9014)
    x, y = counting(160, 12, 24)
    net = Tied(24, std=None if broken else 0.1)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 4e-3))

class Neighbors(nn.Module):
    "Rounds of messages over a graph that is given by its adjacency matrix."
    def __init__(self, adjacency, sizes, listed):
        super().__init__()
        a = adjacency + torch.eye(len(adjacency))
        self.register_buffer('mix', a / a.sum(1, keepdim=True))
        self.first = nn.Linear(sizes[0], sizes[1])
        rounds = [nn.Linear(sizes[1], sizes[1]) for _ in range(2)]
        self.rounds = nn.ModuleList(rounds) if listed else rounds
        self.last = nn.Linear(sizes[1], sizes[2])
    def forward(self, x):
        x = F.relu(self.first(x))
        for layer in self.rounds: x = x + F.relu(layer(self.mix @ x))
        return self.last(x)

def village(n=120, groups=3):
    "A graph of groups: who is in which, who knows whom, and features that tell a little."
    y = torch.randint(groups, (n,))
    known = (torch.rand(n, n) < torch.where(y[:, None] == y, 0.15, 0.01)).float().triu(1)
    return y, known + known.T, torch.randn(n, 8) + 0.8*F.one_hot(y, 8)

@program('unregistered', source='common: the rounds of a graph network in a list')
def rounds_in_a_list(broken):
    torch.manual_seed(9015)
    y, known, x = village()
    net = Neighbors(known, (8, 24, 3), listed=not broken)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=(x, y), opt=torch.optim.Adam(net.parameters(), 0.01))

class Tagged(nn.Module):
    "Words, a recurrent layer, and the class of the whole."
    def __init__(self, by_state):
        super().__init__()
        self.by_state = by_state
        self.emb, self.lstm = nn.Embedding(30, 20), nn.LSTM(20, 20, batch_first=True)
        self.norm, self.out = nn.LayerNorm(20), nn.Linear(20, 4)
    def forward(self, ids):
        e = self.emb(ids)
        states, _ = self.lstm(e)
        return self.out(self.norm((states if self.by_state else e).mean(1)))

@program('unused', source='common: the pooling takes the vectors of the words, not the states after the LSTM')
def pooled_before_the_lstm(broken):
    torch.manual_seed(9016)
    y = torch.randint(4, (240,))
    ids = torch.randint(8, 30, (240, 10))
    ids[:, 2] = 2*y + torch.randint(2, (240,))
    ids[:, 7] = 2*y + torch.randint(2, (240,))
    net = Tagged(not broken)
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(ids, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 1e-2))

class Factors(nn.Module):
    "A rating as the product of two vectors, and what user and film add by themselves."
    def __init__(self, users, films, dim, zero):
        super().__init__()
        self.user, self.film = nn.Embedding(users, dim), nn.Embedding(films, dim)
        self.user_bias, self.film_bias = nn.Embedding(users, 1), nn.Embedding(films, 1)
        for e in (self.user, self.film): nn.init.zeros_(e.weight) if zero else nn.init.normal_(e.weight, std=0.3)
        for e in (self.user_bias, self.film_bias): nn.init.zeros_(e.weight)
    def forward(self, ids):
        u, f = ids.unbind(1)
        return (self.user(u)*self.film(f)).sum(1) + self.user_bias(u).squeeze(1) + self.film_bias(f).squeeze(1)

def ratings(users=30, films=24, n=400):
    ids = torch.stack([torch.randint(users, (n,)), torch.randint(films, (n,))], 1)
    tastes, kinds = torch.randn(users, 3), torch.randn(films, 3)
    r = (tastes[ids[:, 0]]*kinds[ids[:, 1]]).sum(1) / 3**0.5 + 0.3*torch.randn(films)[ids[:, 1]]
    return ids, r + 0.1*torch.randn(n)

@program('init-same', source='common: both tables of a matrix factorization set to 0')
def tables_of_zeros(broken):
    torch.manual_seed(9017)
    ids, r = ratings()
    net = Factors(30, 24, 8, broken)
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(ids, r), 100, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 0.03))

class Steps(nn.Module):
    "A transformer over the steps of a gesture."
    def __init__(self, first):
        super().__init__()
        self.into, self.place = nn.Linear(3, 24), nn.Parameter(0.3*torch.randn(12, 24))
        layer = nn.TransformerEncoderLayer(24, 4, 48, dropout=0.1, activation='gelu', batch_first=first)
        self.body, self.out = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(24, 4)
    def forward(self, x): return self.out(self.body(self.into(x) + self.place).mean(1))

@program('batch-mixing', source='Stack Overflow: nn.TransformerEncoderLayer without batch_first')
def gestures_across_people(broken):
    torch.manual_seed(9018)
    y = torch.randint(4, (200,))
    t = torch.arange(12.)
    phase = torch.rand(200, 1)*6
    x = torch.stack([torch.sin(t*(0.4 + 0.3*y[:, None]) + phase), torch.cos(t*(0.4 + 0.3*y[:, None]) + phase),
                     torch.randn(200, 12)*0.5], -1) + 0.1*torch.randn(200, 12, 3)
    net = Steps(not broken)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 2e-3))

@program('output-activation', source='common: the sigmoid of an autoencoder for pictures, before standardized signals')
def sensors_through_a_sigmoid(broken):
    torch.manual_seed(9019)
    hidden = torch.randn(300, 4)
    x = torch.tanh(hidden @ torch.randn(4, 20)) + 0.05*torch.randn(300, 20)
    x = (x - x.mean(0)) / x.std(0)
    dec = [nn.Linear(6, 32), nn.ELU(), nn.Linear(32, 20)] + [nn.Sigmoid()]*broken
    net = nn.Sequential(nn.Sequential(nn.Linear(20, 32), nn.ELU(), nn.Linear(32, 6)), nn.Sequential(*dec))
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, x), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 3e-3))

class Headed(nn.Module):
    "A body of convolutions and a head."
    def __init__(self, classes):
        super().__init__()
        self.body = nn.Sequential(nn.Conv1d(2, 16, 5, stride=2), nn.ReLU(), nn.Conv1d(16, 16, 5), nn.ReLU(),
                                  nn.AdaptiveAvgPool1d(4), nn.Flatten())
        self.head = nn.Linear(64, classes)
    def forward(self, x): return self.head(self.body(x))

def rhythms(y, speeds):
    t = torch.arange(40.) / 40
    speed = speeds[y].unsqueeze(1)
    phase = torch.rand(len(y), 1)
    return torch.stack([torch.sin(2*math.pi*(speed*t + phase)), torch.cos(2*math.pi*(speed*t + phase))], 1) \
        + 0.2*torch.randn(len(y), 2, 40)

@program('opt-missing', 'opt-foreign', source='common: the head exchanged after the optimizer was made')
def the_old_head_in_the_optimizer(broken):
    torch.manual_seed(9020)
    net = Headed(6)
    y = torch.randint(6, (180,))
    x, fit = rhythms(y, torch.tensor([1., 2., 3., 4., 5., 6.])), torch.optim.Adam(net.parameters(), 5e-3)
    for _ in range(30):
        fit.zero_grad()
        F.cross_entropy(net(x), y).backward()
        fit.step()
    net.body.requires_grad_(False)
    opt = torch.optim.Adam(net.head.parameters(), 1e-2)
    net.head = nn.Linear(64, 3)
    if not broken: opt = torch.optim.Adam(net.head.parameters(), 1e-2)
    y = torch.randint(3, (180,))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), opt=opt,
                data=DataLoader(TensorDataset(rhythms(y, torch.tensor([1.5, 3.2, 5.1])), y), 60, shuffle=True))

@program('decay-high', source='common: weight_decay taken for the factor of a schedule')
def decay_of_a_half(broken):
    torch.manual_seed(9021)
    x = torch.randn(256, 8)
    y = torch.stack([torch.sin(x[:, 0]) + x[:, 1], x[:, 2]*x[:, 3]], 1)
    net = nn.Sequential(nn.Linear(8, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 2))
    return dict(model=net, loss_func=F.mse_loss, data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, weight_decay=0.5 if broken else 1e-4))

@program('saturated', 'init-large', source='common: weights by torch.randn, as a formula in a lecture has them')
def randn_for_a_tanh_net(broken):
    torch.manual_seed(9022)
    x = torch.randn(200, 24, dtype=torch.float64)
    y = (x[:, :3].sum(1) * x[:, 3] > 0).long()

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            sizes = [24, 60, 60, 60]
            self.w = nn.ParameterList([torch.randn(a, b, dtype=torch.float64) / (1 if broken else a**0.5)
                                       for a, b in zip(sizes, sizes[1:])])
            self.out = nn.Linear(60, 2, dtype=torch.float64)
        def forward(self, x):
            for w in self.w: x = torch.tanh(x @ w)
            return self.out(x)
    net = Net()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=(x, y),
                opt=torch.optim.SGD(net.parameters(), 0.05, 0.9))

@program('dropout-high', source="common: the share to keep, as in TensorFlow 1, given to nn.Dropout")
def share_to_keep(broken):
    torch.manual_seed(9023)
    y = (torch.rand(300, 6) < torch.tensor([.5, .4, .3, .5, .2, .3])).float()
    x = y @ torch.randn(6, 30) + 0.4*torch.randn(300, 30)
    x = x / x.std()
    p = 0.9 if broken else 0.1
    net = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Dropout(p), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(p),
                        nn.Linear(64, 6))
    return dict(model=net, loss_func=nn.MultiLabelSoftMarginLoss(), opt=torch.optim.Adam(net.parameters(), 3e-3),
                data=DataLoader(TensorDataset(x, y), 60, shuffle=True))

@program('frozen', 'unused', source='common: the encoder called under no_grad, although nobody has trained it')
def untrained_encoder_without_gradient(broken):
    torch.manual_seed(9024)
    y = torch.randint(5, (250,))
    x = torch.randn(250, 3, 10, 10)*0.3
    i = torch.arange(10)
    for n in range(250):
        k = int(torch.randint(10, (1,)))
        line = [(0, k, i), (1, i, k), (2, i, (i + k) % 10), (0, (k - i) % 10, i), (1, k, k)][int(y[n])]
        x[n, line[0], line[1], line[2]] += 1.5

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Conv2d(3, 24, 3), nn.ReLU(), nn.Conv2d(24, 24, 3), nn.ReLU(),
                                         nn.AdaptiveAvgPool2d(2), nn.Flatten())
            self.head = nn.Linear(96, 5)
        def forward(self, x):
            if broken:
                with torch.no_grad(): code = self.encoder(x)
            else: code = self.encoder(x)
            return self.head(code)
    net = Net()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(label_smoothing=0.1),
                data=DataLoader(TensorDataset(x, y), 50, shuffle=True), opt=torch.optim.Adam(net.parameters(), 3e-3))

@program('input-repeated', source='common: a join repeats every customer for each order, the amounts left behind')
def customers_for_each_order(broken):
    torch.manual_seed(9031)
    customer = torch.randn(60, 7)
    who = torch.randint(60, (300,))
    amount = torch.randn(300, 3)
    y = (customer[who, :1] + 1.5*amount[:, :1] + amount[:, 1:2]*customer[who, 1:2])
    x = customer[who] if broken else torch.cat([customer[who], amount], 1)
    net = nn.Sequential(nn.Linear(x.shape[1], 48), nn.ReLU(), nn.Linear(48, 1))
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 100, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program('target-constant', source='common: whole numbers divided before the comparison, so that no row is ever above')
def shares_in_whole_numbers(broken):
    torch.manual_seed(9032)
    x = torch.randn(280, 6)
    tries = torch.full((280,), 20)
    hits = torch.binomial(tries.float(), torch.sigmoid(1.5*x[:, 0] + x[:, 1]*x[:, 2])).long().clamp(max=19)
    share = hits // tries if broken else hits / tries
    y = (share > 0.5).float().unsqueeze(1)
    net = nn.Sequential(nn.Linear(6, 40), nn.ReLU(), nn.BatchNorm1d(40), nn.Linear(40, 1))
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, y), 70, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 3e-3))

class Parts(nn.Module):
    "An hourglass of convolutions that tells the parts of a signal."
    def __init__(self, ends):
        super().__init__()
        self.down = nn.Sequential(nn.Conv1d(1, 12, 4, 2, 1), nn.ReLU(), nn.Conv1d(12, 24, 4, 2, 1), nn.ReLU())
        self.up = nn.Sequential(nn.ConvTranspose1d(24, 12, 4, 2, 1), nn.ReLU(), nn.ConvTranspose1d(12, 1, 4, 2, 1))
        self.ends = nn.Sigmoid() if ends else nn.Identity()
    def forward(self, x): return self.ends(self.up(self.down(x)))

@program('sigmoid-twice', source='common: a U-Net that ends in a sigmoid, with BCEWithLogitsLoss and Dice')
def dice_and_two_sigmoids(broken):
    torch.manual_seed(9033)
    begin, length = torch.randint(4, 30, (120, 1)), torch.randint(8, 24, (120, 1))
    i = torch.arange(64)
    y = ((i >= begin) & (i < begin + length)).float().unsqueeze(1)
    x = torch.sin(i*(0.5 + y)) + 0.5*torch.randn(120, 1, 64)
    net = Parts(broken)

    def bce_dice(out, mask):
        p = torch.sigmoid(out)
        dice = (2*(p*mask).sum((1, 2)) + 1) / (p.sum((1, 2)) + mask.sum((1, 2)) + 1)
        return F.binary_cross_entropy_with_logits(out, mask) + 1 - dice.mean()
    return dict(model=net, loss_func=bce_dice, data=DataLoader(TensorDataset(x, y), 30, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program('loss-one-class', source='Stack Overflow: cross entropy over the one output of a yes-or-no net')
def churn_with_one_output(broken):
    torch.manual_seed(9034)
    plan, months = torch.randint(4, (260,)), torch.randint(8, (260,))
    y = ((plan == 2) | (months < 2)).long()

    class Tables(nn.Module):
        def __init__(self, outs):
            super().__init__()
            self.plan, self.months = nn.Embedding(4, 6), nn.Embedding(8, 6)
            self.net = nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, outs))
        def forward(self, plan, months): return self.net(torch.cat([self.plan(plan), self.months(months)], 1))
    net = Tables(1 if broken else 2)
    loss = nn.CrossEntropyLoss()
    return dict(model=net, loss_func=(lambda out, y: loss(out, y.unsqueeze(1).float())) if broken else loss,
                data=[((plan, months), y)], opt=torch.optim.Adam(net.parameters(), 1e-2))

@program('no-nonlinearity', source='common: the activation applied, its result thrown away')
def activations_thrown_away(broken):
    torch.manual_seed(9035)
    x = torch.rand(256, 2)*4 - 2
    y = torch.sin(2*x[:, :1])*x[:, 1:]

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = nn.Linear(2, 64), nn.Linear(64, 64), nn.Linear(64, 1)
        def forward(self, x):
            x = self.a(x)
            if broken: torch.relu(x)
            else: x = torch.relu(x)
            x = self.b(x)
            if broken: torch.relu(x)
            else: x = torch.relu(x)
            return self.c(x)
    net = Net()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program('output-size', source='common: one output for a target of two columns, which broadcasts')
def one_output_for_two_places(broken):
    torch.manual_seed(9036)
    x = torch.randn(240, 1, 12, 12)*0.1
    at = torch.randint(1, 11, (240, 2))
    for n in range(240): x[n, 0, at[n, 0]-1:at[n, 0]+2, at[n, 1]-1:at[n, 1]+2] += 1
    y = at.float() / 11
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(288, 32),
                        nn.ReLU(), nn.Linear(32, 1 if broken else 2))
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 3e-3))

@program('init-small', 'vanishing-gradient', source='common: normal_(std=0.01) for every layer of a deep net')
def a_hundredth_for_every_layer(broken):
    torch.manual_seed(9037)
    x = torch.randn(256, 20)
    y = (x[:, :10].pow(2).sum(1) > x[:, 10:].pow(2).sum(1)).long()
    layers = []
    for n in (20, 64, 64, 64, 64, 64): layers += [nn.Linear(n, 64), nn.ReLU()]
    net = nn.Sequential(*layers, nn.Linear(64, 2))
    for layer in net:
        if isinstance(layer, nn.Linear):
            if broken: nn.init.normal_(layer.weight, std=0.01)
            else: nn.init.kaiming_normal_(layer.weight, nonlinearity='relu')
            nn.init.zeros_(layer.bias)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), 0.05, momentum=0.9))

@program('dead-units', source='common: ReLU over features that are shifted far below 0 by a bias of their own')
def a_bias_far_below(broken):
    torch.manual_seed(9038)
    x = torch.randn(300, 12)
    y = torch.stack([x[:, 0]*x[:, 1], x[:, 2].abs()], 1)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two, self.out = nn.Linear(12, 64), nn.Linear(64, 64), nn.Linear(64, 2)
            nn.init.constant_(self.two.bias, -5 if broken else 0.05)
        def forward(self, x): return self.out(F.relu(self.two(F.relu(self.one(x)))))
    net = Net()
    return dict(model=net, loss_func=F.smooth_l1_loss, data=DataLoader(TensorDataset(x, y), 75, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), 0.05, momentum=0.9))

@program('norm-tiny-batch', source='common: segmentation with two pictures a batch and batch norm on 1x1 maps')
def two_pictures_a_batch(broken):
    torch.manual_seed(9039)
    y = torch.randint(3, (48,))
    i = torch.arange(16.)
    x = torch.sin(i.view(1, 16, 1)*(0.5 + 0.5*(y == 1)).view(-1, 1, 1) + i*(0.5*(y == 2)).view(-1, 1, 1)
                  + 6*torch.rand(48, 1, 1)).unsqueeze(1) + 0.2*torch.randn(48, 1, 16, 16)
    norm = nn.BatchNorm2d(24) if broken else nn.GroupNorm(4, 24)
    net = nn.Sequential(nn.Conv2d(1, 16, 3, stride=2), nn.ReLU(), nn.Conv2d(16, 24, 3, stride=2), nn.ReLU(),
                        nn.AdaptiveAvgPool2d(1), norm, nn.ReLU(), nn.Flatten(), nn.Linear(24, 3))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 2, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 3e-3))

@program('dropout-last', source='common: dropout after the last layer of a regression')
def dropout_on_the_forecast(broken):
    torch.manual_seed(9040)
    x = torch.randn(256, 16, 3)
    y = x[:, -4:, 0].mean(1, keepdim=True)*2 + torch.tanh(x[:, -1, 1:2])

    class Forecast(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru, self.out, self.drop = nn.GRU(3, 32, batch_first=True), nn.Linear(32, 1), nn.Dropout(0.3)
        def forward(self, x):
            h = self.gru(x)[0][:, -1]
            return self.drop(self.out(h)) if broken else self.out(self.drop(h))
    net = Forecast()
    return dict(model=net, loss_func=nn.L1Loss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

class Attended(nn.Module):
    "One learned question, and the softmax of what each step answers to it."
    def __init__(self, broken):
        super().__init__()
        self.broken = broken
        self.into, self.ask, self.out = nn.Linear(5, 24), nn.Linear(24, 1), nn.Linear(24, 3)
        self.norm = nn.LayerNorm(1 if broken else 24)
    def forward(self, x):
        h = torch.tanh(self.into(x))
        pooled = (h*self.ask(h).softmax(1)).sum(1)
        if self.broken: return self.out(self.norm(pooled.unsqueeze(-1)).squeeze(-1))
        return self.out(self.norm(pooled))

@program('ignores-input', source='common: a layer norm over an axis of one value, which is always its bias')
def norm_over_one_value(broken):
    torch.manual_seed(9041)
    y = torch.randint(3, (210,))
    x = torch.randn(210, 9, 5)
    x[torch.arange(210), torch.randint(9, (210,)), y] += 4
    net = Attended(broken)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 70, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program('lr-high', source='common: the step of SGD kept when the optimizer became Adam')
def the_step_of_another_optimizer(broken):
    torch.manual_seed(9042)
    x, y = counting(160)
    net = Reader()
    return dict(model=net, loss_func=lambda out, ids: F.cross_entropy(out.flatten(0, 1), ids.flatten()),
                data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 0.3 if broken else 0.003))

@program('lr-low', source='common: a decaying step, saved at its end and loaded for a new training')
def a_step_from_the_end(broken):
    torch.manual_seed(9043)
    ids, r = ratings()
    net = Factors(30, 24, 8, False)
    opt = torch.optim.Adam(net.parameters(), 0.03)
    plan = torch.optim.lr_scheduler.ExponentialLR(opt, 0.5)
    for _ in range(20 if broken else 0):
        opt.step()
        plan.step()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(ids, r), 100, shuffle=True), opt=opt)

@program('no-better-than-constant', source='common: x shuffled apart from y when the splits are made')
def rows_shuffled_apart(broken):
    torch.manual_seed(9044)
    x = torch.randn(400, 5)
    y = (2*x[:, 0] - x[:, 1] + x[:, 2]*x[:, 3]).unsqueeze(1)
    order = torch.randperm(400)
    x, y = x[order], y[torch.randperm(400) if broken else order]
    net = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x[:320], y[:320]), 80, shuffle=True),
                valid=[(x[320:], y[320:])], opt=torch.optim.Adam(net.parameters(), 5e-3))

@program('leak', source='common: rows repeated to have more of them, then split at random')
def same_rows_on_both_sides(broken):
    torch.manual_seed(9045)
    x = torch.randn(200, 8)
    y = (x[:, 0] > x[:, 1]*x[:, 2]).long()
    more = torch.arange(200).repeat(3)
    train, valid = torch.arange(150), torch.arange(150, 200)
    if broken:
        more = more[torch.randperm(600)]
        train, valid = more[:450], more[450:]
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), valid=DataLoader(TensorDataset(x[valid], y[valid]), 50),
                data=DataLoader(TensorDataset(x[train], y[train]), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program('norm-track', source='common: momentum=0.99 as in Keras, where it is the share of the old')
def share_of_the_new_statistics(broken):
    torch.manual_seed(9046)
    y = torch.randint(4, (256,))
    x = torch.randn(4, 15)[y] + torch.randn(256, 15)
    net = nn.Sequential()
    for a, b in ((15, 48), (48, 48)):
        net.append(nn.Linear(a, b, bias=False))
        net.append(nn.BatchNorm1d(b, momentum=0.99 if broken else 0.1))
        net.append(nn.ReLU())
    net.append(nn.Linear(48, 4))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 3e-3))

# Sound, though they look odd

class Listener(nn.Module):
    "Frames to letters; time comes first, as the loss wants it."
    def __init__(self, letters=5):
        super().__init__()
        self.gru, self.out = nn.GRU(6, 32, batch_first=True, bidirectional=True), nn.Linear(64, letters)
    def forward(self, x): return self.out(self.gru(x)[0]).log_softmax(-1).transpose(0, 1)

@program(source='PyTorch documentation: CTCLoss')
def letters_without_their_places():
    torch.manual_seed(9101)
    sounds = torch.randn(5, 6)
    y = torch.randint(1, 5, (96, 4))
    x = torch.randn(96, 20, 6)*0.3
    for n in range(96):
        at = 0
        for letter in y[n]:
            at += int(torch.randint(1, 3, (1,)))
            x[n, at:at+2] += 1.5*sounds[letter]
            at += 2
    net, ctc = Listener(), nn.CTCLoss(zero_infinity=True)

    def loss(logp, letters):
        lengths = torch.full((logp.shape[1],), logp.shape[0]), torch.full((len(letters),), letters.shape[1])
        return ctc(logp, letters, *lengths)
    return dict(model=net, loss_func=loss, data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program(source='common: batch norm as the first layer over a table as it is')
def houses_through_a_first_batch_norm():
    torch.manual_seed(9102)
    u = torch.randn(320, 5)
    x = u*torch.tensor([40., 15000., 0.02, 8., 300.]) + torch.tensor([120., 60000., 0.3, 20., 1990.])
    y = (0.8*u[:, 0] + 0.5*u[:, 1] - 0.4*u[:, 3] + 0.3*u[:, 0]*u[:, 4]).unsqueeze(1) + 0.1*torch.randn(320, 1)
    net = nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, 40), nn.ReLU(), nn.Linear(40, 1))
    return dict(model=net, loss_func=nn.HuberLoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

class Scaled(nn.Module):
    "Knows mean and spread of its inputs, so that users hand in pictures as they are."
    def __init__(self, mean, std, net):
        super().__init__()
        self.net = net
        self.register_buffer('mean', mean)
        self.register_buffer('std', std)
    def forward(self, x): return self.net((x.float() - self.mean) / self.std)

@program(source='common: bytes go in, the model scales them')
def bytes_and_their_mean_inside():
    torch.manual_seed(9103)
    y = torch.randint(3, (180,))
    i = torch.arange(14.)
    x = 110 + 70*torch.sin(i.view(1, 14, 1)*(0.6 + 0.4*y.view(-1, 1, 1)) + 6*torch.rand(180, 1, 1)) + torch.zeros(14)
    x = (x + 15*torch.randn(180, 14, 14)).clamp(0, 255).to(torch.uint8).unsqueeze(1)
    net = Scaled(x.float().mean(), x.float().std(), nn.Sequential(
        nn.Conv2d(1, 12, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(12, 24, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(384, 3)))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 45, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 3e-3))

@program(source='common: one-hot rows of floats for cross_entropy, with mixup')
def mixed_one_hot_rows():
    torch.manual_seed(9104)
    k = torch.randint(4, (256,))
    x = torch.randn(4, 12)[k] + 0.6*torch.randn(256, 12)
    y = F.one_hot(k, 4).float()
    part, other = torch.distributions.Beta(0.4, 0.4).sample((256, 1)), torch.randperm(256)
    x, y = part*x + (1 - part)*x[other], part*y + (1 - part)*y[other]
    net = nn.Sequential(nn.Linear(12, 48), nn.Mish(), nn.Linear(48, 4))
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, nesterov=True))

@program(source='common: labels from numpy as int32, cast in the loss')
def labels_of_32_bits():
    rng = np.random.default_rng(9105)
    x = rng.standard_normal((240, 9)).astype(np.float32)
    y = (x[:, 0]*x[:, 1] > 0).astype(np.int32) + (x[:, 2] > 0.8)
    net = nn.Sequential(nn.Linear(9, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 3))
    return dict(model=net, loss_func=lambda out, y: F.cross_entropy(out, y.long()),
                data=(torch.from_numpy(x), torch.from_numpy(y.astype(np.int32))),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program(source='common: exclusive or, eight rows in all')
def exclusive_or_in_eight_rows():
    torch.manual_seed(9106)
    x = torch.tensor([[a, b, c] for a in (-1., 1.) for b in (-1., 1.) for c in (-1., 1.)], dtype=torch.float64)
    y = (x.prod(1, keepdim=True) > 0).double()
    net = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1)).double()
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=(x, y), opt=torch.optim.Adam(net.parameters(), 0.05))

class Skipgram(nn.Module):
    "Two tables, as in word2vec: words drawn at random, contexts begin at 0."
    def __init__(self, words, dim=16):
        super().__init__()
        self.word, self.context = nn.Embedding(words, dim), nn.Embedding(words, dim)
        nn.init.uniform_(self.word.weight, -0.5/dim, 0.5/dim)
        nn.init.zeros_(self.context.weight)
    def forward(self, word, others): return (self.word(word).unsqueeze(1)*self.context(others)).sum(-1)

@program(source='word2vec.c: contexts begin at 0; one true neighbor, four drawn')
def neighbors_of_words():
    torch.manual_seed(9107)
    word = torch.randint(40, (400,))
    near = (word // 8)*8 + torch.randint(8, (400,))
    others = torch.cat([near.unsqueeze(1), torch.randint(40, (400, 4))], 1)
    y = torch.tensor([1., 0, 0, 0, 0]).expand(400, 5).clone()
    net = Skipgram(40)
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), opt=torch.optim.Adam(net.parameters(), 0.02),
                data=[((word[i:i+100], others[i:i+100]), y[i:i+100]) for i in range(0, 400, 100)])

class Patches(nn.Module):
    "A transformer over pieces of a picture, its head at 0 as in the code of ViT."
    def __init__(self, classes=4):
        super().__init__()
        self.cut = nn.Conv2d(1, 32, 4, stride=4)
        self.cls, self.place = nn.Parameter(torch.zeros(1, 1, 32)), nn.Parameter(0.02*torch.randn(1, 10, 32))
        layer = nn.TransformerEncoderLayer(32, 4, 64, 0.1, 'gelu', batch_first=True, norm_first=True)
        self.body, self.norm = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.LayerNorm(32)
        self.head = nn.Linear(32, classes)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
    def forward(self, x):
        x = self.cut(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.place
        return self.head(self.norm(self.body(x))[:, 0])

@program(source='the code of ViT: a head of zeros, a token of zeros')
def head_of_zeros():
    torch.manual_seed(9108)
    y = torch.randint(4, (160,))
    i = torch.arange(12.)
    x = torch.sin(i.view(1, 12, 1)*(y % 2).view(-1, 1, 1) + i*(y // 2).view(-1, 1, 1) + 6*torch.rand(160, 1, 1))
    x = (x + 0.3*torch.randn(160, 12, 12)).unsqueeze(1)
    net = Patches()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=0.05))

@program(source='RetinaNet: the last bias begins at the share of the rare class; focal loss')
def rare_things_with_a_prior():
    torch.manual_seed(9109)
    x = torch.randn(800, 10)
    y = (x[:, 0] + x[:, 1] > 2.9).float()
    net = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 1), nn.Flatten(0))
    nn.init.constant_(net[2].bias, -math.log(0.98/0.02))

    def focal(out, y, gamma=2., alpha=0.75):
        p = torch.sigmoid(out)
        right = torch.where(y > 0, p, 1 - p)
        ce = F.binary_cross_entropy_with_logits(out, y, reduction='none')
        return (torch.where(y > 0, alpha, 1 - alpha)*(1 - right)**gamma*ce).sum() / y.sum().clamp(min=1)
    return dict(model=net, loss_func=focal, data=DataLoader(TensorDataset(x, y), 200, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program(source='common: principal components by a linear autoencoder')
def components_by_gradient():
    torch.manual_seed(9110)
    x = torch.randn(300, 3) @ torch.randn(3, 16) / 3**0.5 + 0.1*torch.randn(300, 16)
    net = nn.Sequential(nn.Linear(16, 3, bias=False), nn.Linear(3, 16, bias=False))
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, x), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 0.02))

@program(source='common: a Cox model, trained on all patients at once')
def patients_by_their_risk():
    torch.manual_seed(9111)
    x = torch.randn(200, 5)
    time = torch.empty(200).exponential_()*torch.exp(-1.2*x[:, 0] + 0.8*x[:, 1]**2)
    until = 3*torch.rand(200)
    y = torch.stack([torch.minimum(time, until), (time < until).float()], 1)
    net = nn.Sequential(nn.Linear(5, 32), nn.SELU(), nn.AlphaDropout(0.1), nn.Linear(32, 1, bias=False))
    return dict(model=net, loss_func=cox, data=(x, y), opt=torch.optim.AdamW(net.parameters(), 5e-3, weight_decay=1e-3))

class Views(nn.Module):
    "Two views of each item to unit vectors."
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(14, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 16))
        self.heat = nn.Parameter(torch.tensor(math.log(5.)))
    def forward(self, a, b):
        a, b = F.normalize(self.net(a), dim=1), F.normalize(self.net(b), dim=1)
        return a @ b.T * self.heat.exp()

@program(source='common: CLIP and SimCLR; the labels are the places in the batch')
def each_view_finds_the_other():
    torch.manual_seed(9112)
    item = torch.randn(256, 5) @ torch.randn(5, 14)
    a, b = item / 2 + 0.3*torch.randn(256, 14), item / 2 + 0.3*torch.randn(256, 14)
    net = Views()

    def both_ways(logits, _):
        y = torch.arange(len(logits))
        return (F.cross_entropy(logits, y) + F.cross_entropy(logits.T, y)) / 2
    return dict(model=net, loss_func=both_ways, opt=torch.optim.Adam(net.parameters(), 3e-3),
                data=[((a[i:i+64], b[i:i+64]), torch.zeros(64)) for i in range(0, 256, 64)])

class Three(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(10, 40), nn.ReLU(), nn.Linear(40, 8))
    def forward(self, a, b, c): return self.net(a), self.net(b), self.net(c)

@program(source='PyTorch documentation: TripletMarginLoss; no targets, so zeros stand for them')
def anchors_and_others():
    torch.manual_seed(9113)
    kind = torch.randint(5, (192,))
    centers = torch.randn(5, 10)
    other = (kind + torch.randint(1, 5, (192,))) % 5
    a, p, n = (centers[k] + 0.7*torch.randn(192, 10) for k in (kind, kind, other))
    net, triplet = Three(), nn.TripletMarginLoss(margin=1.)
    return dict(model=net, loss_func=lambda codes, _: triplet(*codes), data=((a, p, n), torch.zeros(192)),
                opt=torch.optim.Adam(net.parameters(), 3e-3))

@program(source='common: three quantiles at once; the answers broadcast on purpose')
def quantiles_of_the_load():
    torch.manual_seed(9114)
    x = torch.rand(300, 1)*6 - 3
    y = torch.sin(1.5*x) + (0.1 + 0.2*x.abs())*torch.randn(300, 1)
    q = torch.tensor([0.1, 0.5, 0.9])

    def pinball(out, y):
        d = y - out
        return torch.maximum(q*d, (q - 1)*d).mean()
    net = nn.Sequential(nn.Linear(1, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 3))
    return dict(model=net, loss_func=pinball, data=DataLoader(TensorDataset(x, y), 75, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 3e-3))

class Ladder(nn.Module):
    "One score and four rising thresholds: is it more than 1, 2, 3, 4 stars?"
    def __init__(self):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(7, 32), nn.SiLU(), nn.Linear(32, 1, bias=False))
        self.first, self.gaps = nn.Parameter(torch.tensor([1.5])), nn.Parameter(torch.zeros(3))
    def forward(self, x):
        rises = torch.cat([torch.zeros(1), F.softplus(self.gaps).cumsum(0)])
        return self.score(x) + self.first - rises

@program(source='common: ordinal regression by thresholds; stars 1 to 5 become rows in the loss')
def stars_by_thresholds():
    torch.manual_seed(9115)
    x = torch.randn(320, 7)
    liking = x[:, 0] - 0.7*x[:, 1] + 0.4*x[:, 2]*x[:, 3] + 0.2*torch.randn(320)
    stars = 1 + (liking.unsqueeze(1) > torch.tensor([-1.2, -0.4, 0.4, 1.2])).sum(1)

    def above(out, stars):
        return F.binary_cross_entropy_with_logits(out, (stars.unsqueeze(1) > torch.arange(1, 5)).to(out.dtype))
    net = Ladder()
    return dict(model=net, loss_func=above, data=DataLoader(TensorDataset(x, stars), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 1e-2))

@program(source='common: one fraud in fifty, weighed by pos_weight')
def frauds_weighed():
    torch.manual_seed(9116)
    x = torch.randn(1000, 8)
    y = ((x[:, 0]*x[:, 1] > 1.2) & (x[:, 2] > 0.3)).float().unsqueeze(1)
    net = nn.Sequential(nn.Linear(8, 64), nn.LeakyReLU(0.1), nn.Linear(64, 64), nn.LeakyReLU(0.1), nn.Linear(64, 1))
    weight = (1 - y.mean()) / y.mean()
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(pos_weight=weight),
                data=DataLoader(TensorDataset(x, y), 250, shuffle=True), opt=torch.optim.Adam(net.parameters(), 3e-3))

class Mixture(nn.Module):
    "Weights, centers and widths of four bells."
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, 48), nn.Tanh())
        self.weight, self.center, self.width = nn.Linear(48, 4), nn.Linear(48, 4), nn.Linear(48, 4)
    def forward(self, x):
        h = self.body(x)
        return self.weight(h).log_softmax(1), self.center(h), self.width(h).clamp(-4, 2)

@program(source='common: a mixture density network; its loss may be below 0')
def arms_seen_twice():
    torch.manual_seed(9117)
    y = torch.rand(400, 1)*2 - 1
    x = y + 0.4*torch.sin(6*y) + 0.03*torch.randn(400, 1)

    def minus_log_likelihood(out, y):
        logw, center, logs = out
        logp = logw - 0.5*((y - center) / logs.exp())**2 - logs - 0.5*math.log(2*math.pi)
        return -logp.logsumexp(1).mean()
    net = Mixture()
    return dict(model=net, loss_func=minus_log_likelihood, data=DataLoader(TensorDataset(x, y), 100, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program(source='common: mean and log variance, the Gaussian likelihood as loss')
def a_mean_and_its_doubt():
    torch.manual_seed(9118)
    x = torch.randn(300, 3)
    y = torch.sin(2*x[:, 0]) + 0.5*x[:, 1] + torch.exp(0.7*x[:, 2] - 2)*torch.randn(300)

    def gauss(out, y):
        mean, logvar = out.unbind(1)
        return 0.5*(logvar + (y - mean)**2*torch.exp(-logvar)).mean()
    net = nn.Sequential(nn.Linear(3, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2))
    return dict(model=net, loss_func=gauss, data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 3e-3))

@program(source='common: claims a year, most of them 0')
def claims_mostly_none():
    torch.manual_seed(9119)
    age, kind = torch.randn(500, 1), torch.randint(5, (500,))
    x = torch.cat([age, age**2 - 1, F.one_hot(kind, 5)], 1)
    y = torch.poisson(torch.exp(-1.8 + 0.7*age.squeeze(1) + 0.5*(kind == 2)))
    net = nn.Sequential(nn.Linear(7, 1), nn.Flatten(0))
    return dict(model=net, loss_func=nn.PoissonNLLLoss(full=True), opt=torch.optim.Adam(net.parameters(), 0.03),
                data=DataLoader(TensorDataset(x, y), 100, shuffle=True))

class Residual(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.net = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 2*dim), nn.GELU(), nn.Linear(2*dim, dim))
        nn.init.zeros_(self.net[3].weight)
    def forward(self, x): return x + self.net(x)

@program(source='common: twelve residual blocks that begin as the identity')
def twelve_blocks_from_the_identity():
    torch.manual_seed(9120)
    x = torch.randn(256, 10)
    y = (torch.sin(2*x[:, 0]) + x[:, 1]*x[:, 2] > 0.3).long() + 2*(x[:, 3].abs() > 1).long()
    net = nn.Sequential(nn.Linear(10, 32), *[Residual(32) for _ in range(12)], nn.LayerNorm(32), nn.Linear(32, 4))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.AdamW(net.parameters(), 2e-3))

@program(source='Kipf and Welling: nodes with and without labels in one graph')
def a_village_half_known():
    torch.manual_seed(9121)
    y, known, x = village()
    net = Neighbors(known, (8, 24, 3), listed=True)
    labels = torch.where(torch.rand(120) < 0.4, y, -100)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(ignore_index=-100), data=(x, labels),
                opt=torch.optim.Adam(net.parameters(), 0.01, weight_decay=5e-4))

@program(source='common: a trained body, frozen and in eval mode, and a new head')
def a_new_head_on_a_kept_body():
    torch.manual_seed(9122)
    net, y = Headed(6), torch.randint(6, (180,))
    x, fit = rhythms(y, torch.tensor([1., 2., 3., 4., 5., 6.])), torch.optim.Adam(net.parameters(), 5e-3)
    for _ in range(40):
        fit.zero_grad()
        F.cross_entropy(net(x), y).backward()
        fit.step()
    for p in net.parameters(): p.requires_grad = False
    net.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(64, 3))
    y = torch.randint(3, (150,))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(),
                data=DataLoader(TensorDataset(rhythms(y, torch.tensor([1.5, 3.2, 5.1])), y), 50, shuffle=True),
                opt=torch.optim.Adam(filter(lambda p: p.requires_grad, net.parameters()), 1e-2))

class Lion(torch.optim.Optimizer):
    "The sign of a running mean of the gradients."
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.99)): super().__init__(params, dict(lr=lr, betas=betas))
    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group['params']:
                if p.grad is None: continue
                mean = self.state[p].setdefault('mean', torch.zeros_like(p))
                p.sub_(group['lr']*torch.sign(mean.lerp(p.grad, 1 - group['betas'][0])))
                mean.lerp_(p.grad, 1 - group['betas'][1])

@program(source='common: an optimizer of their own')
def signs_of_a_running_mean():
    torch.manual_seed(9123)
    x = torch.randn(256, 16)
    y = (x[:, :4] * torch.tensor([1., -1., 2., .5])).sum(1).unsqueeze(1) + torch.relu(x[:, 4:5])
    net = nn.Sequential(nn.Linear(16, 64), nn.SiLU(), nn.LayerNorm(64), nn.Linear(64, 1))
    return dict(model=net, loss_func=nn.L1Loss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=Lion(net.parameters(), 2e-3))

class Spring(nn.Module):
    "u(t) of a net, and what is left of the equation u'' + u = 0, u(0) = 1, u'(0) = 0."
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1)).double()
    def forward(self, t):
        with torch.enable_grad():
            t = t.detach().requires_grad_()
            u = 1 + t**2*self.net(t)
            du, = torch.autograd.grad(u.sum(), t, create_graph=True)
            ddu, = torch.autograd.grad(du.sum(), t, create_graph=True)
        return ddu + u

@program(source='common: a net for a differential equation; the answers are what shall be left, 0')
def a_spring_without_data():
    torch.manual_seed(9124)
    t = torch.linspace(0, 3, 100, dtype=torch.float64).unsqueeze(1)
    net = Spring()
    return dict(model=net, loss_func=nn.MSELoss(), data=(t, torch.zeros_like(t)),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program(source='common: PPO; the answers are what was done, how likely it was then, and how well it went')
def a_policy_from_its_past():
    torch.manual_seed(9125)
    state = torch.randn(300, 6)
    net = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 3))
    with torch.no_grad(): old = torch.distributions.Categorical(logits=net(state))
    action = old.sample()
    reward = (state[:, :3].argmax(1) == action).float() + 0.1*torch.randn(300)
    y = torch.stack([action.float(), old.log_prob(action), (reward - reward.mean()) / reward.std()], 1)

    def clipped(logits, y):
        now = torch.distributions.Categorical(logits=logits)
        ratio = (now.log_prob(y[:, 0].long()) - y[:, 1]).exp()
        return -torch.minimum(ratio*y[:, 2], ratio.clamp(0.8, 1.2)*y[:, 2]).mean() - 0.01*now.entropy().mean()
    return dict(model=net, loss_func=clipped, data=DataLoader(TensorDataset(state, y), 100, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 3e-3))

class Sine(nn.Module):
    "Sines for activations, with the first weights as in SIREN."
    def __init__(self, into, out, first=False, w=15.):
        super().__init__()
        self.w, self.linear = w, nn.Linear(into, out)
        bound = 1/into if first else math.sqrt(6/into)/w
        nn.init.uniform_(self.linear.weight, -bound, bound)
    def forward(self, x): return torch.sin(self.w*self.linear(x))

@program(source='SIREN: a picture as a function of its places')
def a_picture_by_sines():
    torch.manual_seed(9126)
    i = torch.linspace(-1, 1, 20)
    x = torch.cartesian_prod(i, i)
    y = torch.sin(5*x[:, :1])*torch.cos(4*x[:, 1:]) + 0.5*(x.norm(dim=1, keepdim=True) < 0.5)
    net = nn.Sequential(Sine(2, 48, first=True), Sine(48, 48), nn.Linear(48, 1))
    return dict(model=net, loss_func=nn.MSELoss(), data=(x, y), opt=torch.optim.Adam(net.parameters(), 1e-3))

class Reservoir(nn.Module):
    "A fixed recurrent net of random weights; only what reads it is trained."
    def __init__(self, n=80):
        super().__init__()
        w = torch.randn(n, n)
        self.into = nn.Parameter(torch.rand(n, 1)*2 - 1, requires_grad=False)
        self.step = nn.Parameter(0.9*w / torch.linalg.eigvals(w).abs().max(), requires_grad=False)
        self.read = nn.Linear(n, 1)
    def forward(self, x):
        h = x.new_zeros(len(x), len(self.step))
        for t in range(x.shape[1]): h = torch.tanh(x[:, t] @ self.into.T + h @ self.step.T)
        return self.read(h)

@program(source='echo state networks: nearly all weights stay as drawn')
def an_echo_is_read():
    torch.manual_seed(9127)
    x = torch.rand(256, 15, 1)*2 - 1
    y = x[:, -1] + 0.8*x[:, -2]*x[:, -3] + 0.5*x[:, -4]
    net = Reservoir()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(net.read.parameters(), 0.01))

@program(source='common: words counted, nearly all counts 0')
def many_words_few_of_them_seen():
    torch.manual_seed(9128)
    y = torch.randint(3, (150,))
    x = torch.zeros(150, 800)
    for n in range(150):
        x[n, torch.randint(3, 800, (12,))] = 1
        x[n, 3 + 20*y[n] + torch.randint(20, (4,))] = 1
    net = nn.Sequential(nn.Linear(800, 32), nn.ReLU(), nn.Linear(32, 3))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 30, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 3e-3))

@program(source='common: LBFGS with its closure')
def a_curve_by_lbfgs():
    torch.manual_seed(9129)
    x = torch.linspace(-2, 2, 80).unsqueeze(1)
    y = torch.sin(3*x) + 0.05*torch.randn(80, 1)
    net = nn.Sequential(nn.Linear(1, 20), nn.Tanh(), nn.Linear(20, 1))
    return dict(model=net, loss_func=nn.MSELoss(), data=(x, y),
                opt=torch.optim.LBFGS(net.parameters(), lr=0.5, line_search_fn='strong_wolfe'))

class Windows(Dataset):
    "The last twelve values, and the next; in the order of time."
    def __init__(self, series): self.series = series
    def __len__(self): return len(self.series) - 12
    def __getitem__(self, i): return self.series[i:i+12].unsqueeze(-1), self.series[i+12:i+13]

@program(source='common: overlapping windows of a series in the order of time')
def windows_in_the_order_of_time():
    torch.manual_seed(9130)
    t = torch.arange(300.)
    series = torch.sin(t/4) + 0.5*torch.sin(t/11) + 0.1*torch.randn(300)

    class Next(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.out = nn.LSTM(1, 24, batch_first=True), nn.Linear(24, 1)
        def forward(self, x): return self.out(self.lstm(x)[0][:, -1])
    net = Next()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(Windows(series[:240]), 32, shuffle=False),
                valid=DataLoader(Windows(series[240:]), 32), opt=torch.optim.Adam(net.parameters(), 1e-2))

class Set(nn.Module):
    "Points of a cloud, each by itself, then the greatest of all."
    def __init__(self):
        super().__init__()
        self.point = nn.Sequential(nn.Conv1d(3, 32, 1), nn.ReLU(), nn.Conv1d(32, 64, 1), nn.ReLU())
        self.cloud = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 3))
    def forward(self, x): return self.cloud(self.point(x.transpose(1, 2)).amax(2))

@program(source='PointNet: clouds of points, one cloud at a time in the batch of 4')
def clouds_of_points():
    torch.manual_seed(9131)
    y = torch.randint(3, (120,))
    p = torch.randn(120, 40, 3)
    ball, plane, line = F.normalize(p, dim=-1), p*torch.tensor([1., 1., 0.05]), p*torch.tensor([1., .05, .05])
    x = torch.stack([ball, plane, line])[y, torch.arange(120)]
    net = Set()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 4, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 2e-3))

class Experts(nn.Module):
    "Four small nets and a gate that says whose word counts."
    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(6, 4)
        self.experts = nn.ModuleList(nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1)) for _ in range(4))
    def forward(self, x):
        share = self.gate(x).softmax(-1)
        return (torch.cat([e(x) for e in self.experts], 1)*share).sum(1, keepdim=True)

@program(source='common: a mixture of experts; amounts in thousands as they are, scaled in the loss')
def experts_for_large_amounts():
    torch.manual_seed(9132)
    x = torch.randn(300, 6)
    y = 50000 + 20000*(torch.where(x[:, :1] > 0, x[:, 1:2], -x[:, 2:3]) + 0.1*torch.randn(300, 1))
    net = Experts()
    return dict(model=net, loss_func=lambda out, y: F.smooth_l1_loss(out, (y - 50000) / 20000),
                data=DataLoader(TensorDataset(x, y), 60, shuffle=True), opt=torch.optim.Adam(net.parameters(), 5e-3))

@program(source='common: all errors of a picture summed, then the mean over pictures; loss of some tens')
def variational_in_nats():
    torch.manual_seed(9133)
    x = blobs().double()
    net = Variational().double()

    def elbo(out, pictures):
        recon, mean, logvar = out
        errors = F.binary_cross_entropy_with_logits(recon, pictures, reduction='sum') / len(pictures)
        return errors - 0.5*(1 + logvar - mean.pow(2) - logvar.exp()).sum() / len(pictures)
    return dict(model=net, loss_func=elbo, data=DataLoader(TensorDataset(x, x), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 3e-3))
