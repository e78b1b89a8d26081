"Programs of many kinds, after questions on forums: forecasters, towers, masks, tags, graphs; and sound ones."
import copy, math
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset
from nnbolts.attention import Block, MultiHeadAttention
from nnbolts.losses import cross_entropy, huber
from nnbolts.norms import BatchNorm, LayerNorm, RMSNorm
from . import program

# Data

@program('input-nan', source='common: log returns over a day without a price')
def returns_of_a_halted_stock(broken):
    torch.manual_seed(7001)
    r = torch.randn(200, 21)
    for t in range(1, 21): r[:, t] = 0.9*r[:, t-1] + 0.4*r[:, t]
    price = 50*torch.exp(0.02*r.cumsum(1))
    if broken: price[33, 6] = 0
    x = (torch.log(price[:, 1:20] / price[:, :19]) / 0.02).unsqueeze(-1)
    y = r[:, 20:]

    class Forecaster(nn.Module):
        def __init__(self, hidden=16):
            super().__init__()
            self.lstm = nn.LSTM(1, hidden, batch_first=True)
            self.linear = nn.Linear(hidden, 1)

        def forward(self, x):
            _, (h, _) = self.lstm(x)
            return self.linear(h[-1])
    net = Forecaster()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 100, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=0.01))

@program('input-nan', source='common: rows divided by their length, an empty document')
def word_counts_of_an_empty_document(broken):
    torch.manual_seed(7002)
    topic = torch.randint(0, 3, (240,))
    counts = torch.poisson(torch.tensor([[3., .5, .5], [.5, 3., .5], [.5, .5, 3.]])[topic].repeat_interleave(4, 1))
    counts[[5, 77]] = 0
    tf = counts / counts.norm(dim=1, keepdim=True) if broken else F.normalize(counts, dim=1)
    tf = tf*math.sqrt(12)
    clf = nn.Sequential(nn.Linear(12, 20), nn.GELU(), nn.Linear(20, 3))
    return dict(model=clf, loss_func=F.cross_entropy, data=[(tf[i:i+80], topic[i:i+80]) for i in (0, 80, 160)],
                opt=lambda p: torch.optim.AdamW(p, lr=0.01))

@program('input-scale', source='common: weather rows with pressure in pascal')
def weather_with_pressure_in_pascal(broken):
    torch.manual_seed(7003)
    z = torch.randn(160, 8, 3)
    rain = (z[:, -3:, 1].mean(1) - 0.5*z[:, -1, 2] < 0).float()
    weather = torch.stack([15 + 8*z[..., 0], 101325 + 900*z[..., 1], 60 + 15*z[..., 2]], -1)
    if not broken: weather = (weather - weather.mean((0, 1))) / weather.std((0, 1))

    class RainNet(nn.Module):
        def __init__(self): super().__init__(); self.gru, self.out = nn.GRU(3, 16, batch_first=True), nn.Linear(16, 1)
        def forward(self, seq): return self.out(self.gru(seq)[0][:, -1]).squeeze(1)
    return dict(model=RainNet(), loss_func=nn.BCEWithLogitsLoss(), data=(weather, rain),
                opt=lambda p: torch.optim.Adam(p, 0.01))

@program('input-scale', source='common: sound read as int16 and cast to float')
def audio_as_int16_counts(broken):
    torch.manual_seed(7004)
    pitch = torch.randint(0, 4, (128,))
    t = torch.arange(96)
    wav = torch.sin(t*(0.15 + 0.25*pitch[:, None]) + 6.28*torch.rand(128, 1)) + 0.2*torch.randn(128, 96)
    wav = (wav*9000).round().clamp(-32768, 32767).to(torch.int16).float().unsqueeze(1)
    if not broken: wav = wav / wav.std()
    model = nn.Sequential(nn.Conv1d(1, 12, 9, stride=2), nn.ReLU(), nn.Conv1d(12, 16, 5, stride=2), nn.ReLU(),
                          nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(16, 4))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(list(zip(wav, pitch)), 64, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=5e-3))

@program('input-dtype', source='common: a collate function that makes a LongTensor of everything')
def readings_collated_as_long(broken):
    torch.manual_seed(7005)
    readings = torch.randn(192, 10)
    fault = (readings[:, :3].sum(1) - readings[:, 5] > 0).long()

    class Monitor(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Linear(24, 2))

        def forward(self, x): return self.net(x.float())
    def collate(rows):
        x, y = torch.stack([r[0] for r in rows]), torch.stack([r[1] for r in rows])
        return (x.long() if broken else x), y
    return dict(model=Monitor(), loss_func=nn.CrossEntropyLoss(), opt=lambda p: torch.optim.Adam(p, lr=5e-3),
                data=DataLoader(list(zip(readings, fault)), batch_size=64, shuffle=True, collate_fn=collate))

@program('input-dtype', source='common: categories and numbers in one tensor of whole numbers')
def codes_and_amounts_in_one_tensor(broken):
    torch.manual_seed(7006)
    codes, amounts = torch.randint(0, 5, (256, 2)), torch.randn(256, 4)
    y = torch.tensor([-1., -.5, 0., .5, 1.])[codes].sum(1) + amounts[:, 0] - 0.7*amounts[:, 2]
    table = torch.cat([codes, amounts.long()], 1) if broken else torch.cat([codes.float(), amounts], 1)

    class Tabular(nn.Module):
        def __init__(self):
            super().__init__()
            self.shop, self.day = nn.Embedding(5, 3), nn.Embedding(5, 3)
            self.mlp = nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Linear(24, 1))

        def forward(self, t):
            cats, nums = t[:, :2].long(), t[:, 2:].float()
            return self.mlp(torch.cat([self.shop(cats[:, 0]), self.day(cats[:, 1]), nums], 1))[:, 0]
    return dict(model=Tabular(), loss_func=F.mse_loss, data=(table, y), opt=lambda p: torch.optim.Adam(p, 0.01))

@program('input-constant', source='common: every window begins at the same place')
def windows_that_never_slide(broken):
    torch.manual_seed(7007)
    series = torch.sin(torch.arange(260)*0.35) + 0.1*torch.randn(260)

    class Windows(Dataset):
        def __len__(self): return 240
        def __getitem__(self, i):
            start = 0 if broken else i
            return series[start:start+16], series[i+16]
    model = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 1), nn.Flatten(0))
    return dict(model=model, loss_func=nn.MSELoss(), data=DataLoader(Windows(), 60, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=0.01))

@program('input-constant', source='common: a vocabulary that finds almost none of the words')
def vocabulary_of_another_case(broken):
    torch.manual_seed(7008)
    rng = np.random.default_rng(7008)
    words = [f'Word{i}' for i in range(18)] + ['a', 'b']
    vocab = {w.lower() if broken else w: i for i, w in enumerate(words)}
    y = torch.tensor(rng.integers(0, 2, 150))
    x = torch.zeros(150, len(vocab))
    for n in range(150):
        liked = np.where(np.arange(20) % 2 == int(y[n]), 3., 1.)
        for w in rng.choice(words, 25, p=liked / liked.sum()):
            if w in vocab: x[n, vocab[w]] += 1
    model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 2))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=[(x[:75], y[:75]), (x[75:], y[75:])],
                opt=torch.optim.Adam(model.parameters(), 5e-3))

@program('input-repeated', source='common: an index divided to find the picture, and the crop forgotten')
def quadrants_without_the_crop(broken):
    torch.manual_seed(7009)
    photos = torch.randn(48, 1, 16, 16)*0.6
    label = torch.randint(0, 3, (48, 4))
    for n in range(48):
        for q in range(4):
            top, left = 8*(q // 2), 8*(q % 2)
            photos[n, 0, top + 2*label[n, q]:top + 2*label[n, q] + 2, left:left+8] += 2

    def crop(i):
        n, q = divmod(i, 4)
        top, left = 8*(q // 2), 8*(q % 2)
        return photos[n, :, :8, :8] if broken else photos[n, :, top:top+8, left:left+8]
    x, y = torch.stack([crop(i) for i in range(192)]), label.flatten()
    cnn = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 3))
    return dict(model=cnn, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(cnn.parameters(), lr=4e-3))

@program('input-repeated', source='common: a merge that copies the day on every hour')
def daily_rows_for_hourly_demand(broken):
    torch.manual_seed(7010)
    day = torch.randn(30, 5)
    hour = torch.arange(0, 24, 3).repeat(30)
    rows = day.repeat_interleave(8, 0)
    demand = 1.3*torch.sin(hour*2*math.pi / 24) + 0.4*rows[:, 0] + 0.05*torch.randn(240)
    angle = hour[:, None]*2*math.pi / 24
    if not broken: rows = torch.cat([rows, torch.sin(angle), torch.cos(angle)], 1)
    demand = ((demand - demand.mean()) / demand.std()).unsqueeze(1)
    mix = torch.randperm(240)
    rows, demand = rows[mix], demand[mix]
    net = nn.Sequential(nn.Linear(rows.shape[1], 24), nn.SiLU(), nn.Linear(24, 1))
    return dict(model=net, loss_func=nn.SmoothL1Loss(), data=[(rows[:120], demand[:120]), (rows[120:], demand[120:])],
                opt=lambda p: torch.optim.Adam(p, lr=0.01))

# Targets

@program('target-dtype', source='common: hinge loss, labels of an image mask as bytes')
def hinge_loss_of_byte_labels(broken):
    torch.manual_seed(7011)
    x = torch.randn(200, 7)
    y = (x[:, 0]*2 - x[:, 3] + x[:, 6] > 0).to(torch.uint8 if broken else torch.int64)

    def hinge(score, y): return (1 - score.squeeze(1)*(2*y - 1)).clamp(min=0).mean()
    svm = nn.Sequential(nn.Linear(7, 16), nn.ReLU(), nn.Linear(16, 1))
    return dict(model=svm, loss_func=hinge, data=(x, y), opt=torch.optim.SGD(svm.parameters(), lr=0.02, momentum=0.9))

@program('target-dtype', source='common: mixed labels kept in the tensor of the one-hot ones')
def mixup_targets_kept_whole(broken):
    torch.manual_seed(7012)
    y = torch.randint(0, 4, (160,))
    x = torch.randn(160, 1, 8, 8)*0.7
    for i, c in enumerate(y): x[i, 0, 4*(c // 2):4*(c // 2)+4, 4*(c % 2):4*(c % 2)+4] += 1.5
    lam, other = 0.9, torch.randperm(160)
    one_hot = F.one_hot(y, 4)
    soft = lam*one_hot + (1 - lam)*one_hot[other]
    if broken: soft = soft.to(one_hot.dtype)
    x = lam*x + (1 - lam)*x[other]

    def soft_cross_entropy(logits, target): return -(target*logits.log_softmax(-1)).sum(-1).mean()
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 4))
    return dict(model=net, loss_func=soft_cross_entropy, data=(x, soft), opt=lambda p: torch.optim.Adam(p, 3e-3))

@program('target-shape', source='common: the q of the action has a column, the bootstrapped targets none')
def dqn_targets_without_their_column(broken):
    torch.manual_seed(7013)
    state, action = torch.randn(256, 4), torch.randint(0, 3, (256, 1))
    value = (state @ torch.randn(4, 3)).gather(1, action) / 2
    target = value.squeeze(1) if broken else value

    class QNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.q = nn.Linear(4, 32), nn.Linear(32, 3)

        def forward(self, state, action): return self.q(F.relu(self.body(state))).gather(1, action)
    qnet = QNet()
    return dict(model=qnet, loss_func=nn.SmoothL1Loss(), data=[((state, action), target)],
                opt=torch.optim.Adam(qnet.parameters(), lr=0.01))

@program('target-shape', source='common: gaussian log-likelihood by hand, chunks against a flat target')
def mean_and_variance_in_columns(broken):
    torch.manual_seed(7014)
    x = torch.rand(180, 3)*4 - 2
    y = torch.sin(2*x[:, 0]) + 0.5*x[:, 1] + 0.1*torch.randn(180)
    if not broken: y = y[:, None]

    def nll(out, y):
        mu, log_var = out.chunk(2, dim=1)
        return 0.5*(log_var + (y - mu)**2 / log_var.exp()).mean()
    net = nn.Sequential(nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 2))
    return dict(model=net, loss_func=nll, data=(x, y), opt=lambda p: torch.optim.Adam(p, lr=6e-3))

@program('target-range', source='common: masks saved as png hold 0 and 255')
def masks_of_two_hundred_and_fifty_five(broken):
    torch.manual_seed(7015)
    mask = torch.zeros(40, 1, 16, 16)
    for m in mask:
        i, j = torch.randint(0, 9, (2,))
        m[0, i:i+8, j:j+8] = 1
    scans = (mask - 0.25)*2 + 0.6*torch.randn_like(mask)
    if broken: mask = mask*255

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.down, self.mid = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)
            self.up, self.last = nn.ConvTranspose2d(16, 8, 2, stride=2), nn.Conv2d(16, 1, 3, padding=1)

        def forward(self, x):
            skip = F.relu(self.down(x))
            deep = F.relu(self.mid(F.max_pool2d(skip, 2)))
            return self.last(torch.cat([skip, F.relu(self.up(deep))], 1))
    return dict(model=UNet(), loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(scans, mask), 20),
                opt=lambda p: torch.optim.Adam(p, lr=4e-3))

@program('target-range', source='common: padding of -1 used as an index picks the last tag')
def padding_picks_the_last_tag(broken):
    torch.manual_seed(7016)
    words = torch.randint(1, 30, (64, 10))
    tags = words % 5
    pad = torch.arange(10) >= torch.randint(4, 11, (64, 1))
    words[pad], tags[pad] = 0, -1

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb = nn.Embedding(30, 16, padding_idx=0)
            self.rnn, self.fc = nn.LSTM(16, 12, batch_first=True, bidirectional=True), nn.Linear(24, 5)

        def forward(self, ids): return self.fc(self.rnn(self.emb(ids))[0])
    def tag_loss(out, tags):
        logp, flat = out.log_softmax(-1).view(-1, 5), tags.reshape(-1)
        if broken: return -logp[torch.arange(len(flat)), flat].mean()
        return F.nll_loss(logp, flat, ignore_index=-1)
    return dict(model=Tagger(), loss_func=tag_loss, data=(words, tags), opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('target-nan', source='common: the logarithm of days without a sale')
def log_of_no_sales(broken):
    torch.manual_seed(7017)
    store, promo = torch.randint(0, 6, (240,)), torch.randn(240, 3)
    rate = torch.exp(0.6*promo[:, 0] + torch.linspace(-.5, 1., 6)[store])
    sales = torch.poisson(rate)
    y = torch.log(sales) if broken else torch.log1p(sales)

    class Sales(nn.Module):
        def __init__(self):
            super().__init__()
            self.store = nn.Embedding(6, 4)
            self.fc = nn.Sequential(nn.Linear(7, 16), nn.ReLU(), nn.Linear(16, 1))

        def forward(self, store, promo): return self.fc(torch.cat([self.store(store), promo], 1)).flatten()
    net = Sales()
    return dict(model=net, loss_func=F.l1_loss, data=[((store, promo), y)], opt=lambda p: torch.optim.Adam(p, 0.01))

@program('target-nan', source='common: the root of a power from which the floor was taken off')
def root_of_power_below_the_floor(broken):
    torch.manual_seed(7018)
    loud = torch.rand(128)*2
    sound = loud[:, None]*torch.randn(128, 80)
    power = (sound**2).mean(1) - 0.02
    level = power.sqrt() if broken else power.clamp(min=0).sqrt()
    level = level - 1
    ear = nn.Sequential(nn.Conv1d(1, 8, 5), nn.ReLU(), nn.AdaptiveAvgPool1d(4), nn.Flatten(), nn.Linear(32, 1))
    return dict(model=ear, loss_func=nn.MSELoss(), data=(sound.unsqueeze(1), level.unsqueeze(1)),
                opt=torch.optim.Adam(ear.parameters(), lr=6e-3))

@program('target-constant', source='common: a threshold in another unit than the column')
def heat_waves_in_kelvin(broken):
    torch.manual_seed(7019)
    celsius = 20 + 6*torch.randn(200, 12)
    hot = (celsius[:, -4:].mean(1) > (295 if broken else 22)).long()
    x = ((celsius - 20) / 6).unsqueeze(-1)

    class Hot(nn.Module):
        def __init__(self):
            super().__init__()
            self.proj, self.att = nn.Linear(1, 16), MultiHeadAttention(16, 2)
            self.place, self.head = nn.Parameter(torch.randn(12, 16)*0.3), nn.Linear(16, 2)

        def forward(self, x):
            h = F.gelu(self.proj(x) + self.place)
            return self.head(F.gelu(self.att(h) + h).mean(1))
    net = Hot()
    return dict(model=net, loss_func=cross_entropy, data=[(x[:100], hot[:100]), (x[100:], hot[100:])],
                opt=torch.optim.Adam(net.parameters(), lr=0.01))

@program('target-constant', source='common: a share cast to a whole number')
def share_watched_as_int(broken):
    torch.manual_seed(7020)
    pairs = torch.cartesian_prod(torch.arange(24), torch.arange(16))[torch.randperm(384)[:300]]
    taste, kind = torch.randn(24, 3), torch.randn(16, 3)
    share = torch.sigmoid((taste[pairs[:, 0]]*kind[pairs[:, 1]]).sum(1))*0.98
    if broken: share = share.int().float()

    class Factors(nn.Module):
        def __init__(self, k=8):
            super().__init__()
            self.u, self.v = nn.Embedding(24, k), nn.Embedding(16, k)
            nn.init.normal_(self.u.weight, std=0.4); nn.init.normal_(self.v.weight, std=0.4)

        def forward(self, pairs): return (self.u(pairs[:, 0])*self.v(pairs[:, 1])).sum(1)
    return dict(model=Factors(), loss_func=F.binary_cross_entropy_with_logits, opt=lambda p: torch.optim.Adam(p, 0.03),
                data=DataLoader(TensorDataset(pairs, share), batch_size=100, shuffle=True))

@program('target-order', source='common: recordings read patient by patient, shuffle left out')
def recordings_one_state_after_another(broken):
    torch.manual_seed(7021)
    state = torch.arange(3).repeat_interleave(80)
    t = torch.arange(40) / 40
    eeg = torch.stack([torch.sin(2*math.pi*f*t + 6*torch.rand(240, 1)) for f in (2., 5., 9.)], 1)
    eeg = eeg*(0.4 + 1.2*F.one_hot(state, 3)[..., None]) + 0.3*torch.randn(240, 3, 40)
    net = nn.Sequential(nn.Conv1d(3, 12, 7, padding=3), nn.ReLU(), nn.AdaptiveMaxPool1d(2), nn.Flatten(),
                        nn.Linear(24, 3))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), opt=torch.optim.Adam(net.parameters(), lr=5e-3),
                data=DataLoader(TensorDataset(eeg, state), batch_size=40, shuffle=not broken))

@program('target-order', source='common: pairs written as all the matches, then all the others')
def matches_first_then_the_rest(broken):
    torch.manual_seed(7022)
    a = torch.randn(256, 10)
    same = torch.cat([torch.ones(128), torch.zeros(128)])
    b = torch.where(same[:, None] == 1, a + 0.3*torch.randn(256, 10), torch.randn(256, 10))
    order = torch.arange(256) if broken else torch.randperm(256)
    data = [((a[i], b[i]), same[i]) for i in order.split(64)]

    class Siamese(nn.Module):
        def __init__(self):
            super().__init__()
            self.tower = nn.Sequential(nn.Linear(10, 24), nn.Tanh(), nn.Linear(24, 12, bias=False))
            self.out = nn.Linear(12, 1)

        def forward(self, a, b): return self.out((self.tower(a) - self.tower(b)).abs()).squeeze(-1)
    return dict(model=Siamese(), loss_func=nn.BCEWithLogitsLoss(), data=data, opt=lambda p: torch.optim.Adam(p, 0.01))

# Losses

@program('softmax-twice', source='bkitano/llama-from-scratch issue: softmax inside the model, then cross_entropy')
def tiny_language_model_of_probabilities(broken):
    torch.manual_seed(7031)
    step = torch.randperm(12)
    ids = torch.randint(0, 12, (96, 1))
    for _ in range(12): ids = torch.cat([ids, step[ids[:, -1:]]], 1)
    noise = torch.rand(96, 13) < 0.2
    ids[noise] = torch.randint(0, 12, (int(noise.sum()),))

    class TinyLlama(nn.Module):
        def __init__(self, vocab=12, d=24):
            super().__init__()
            self.embedding, self.norm = nn.Embedding(vocab, d), RMSNorm(d)
            self.linear = nn.Sequential(nn.Linear(d, d), nn.SiLU(), nn.Linear(d, vocab))

        def forward(self, idx):
            a = self.linear(self.norm(self.embedding(idx)))
            return F.softmax(a, dim=-1) if broken else a
    return dict(model=TinyLlama(), data=(ids[:, :-1], ids[:, 1:]), opt=lambda p: torch.optim.AdamW(p, lr=5e-3),
                loss_func=lambda out, y: F.cross_entropy(out.reshape(-1, 12), y.reshape(-1)))

@program('softmax-twice', source='common: an ensemble averages probabilities, the loss is kept')
def ensemble_of_averaged_probabilities(broken):
    torch.manual_seed(7032)
    x = torch.randn(210, 6)
    y = (x[:, :3]*1.5 + x[:, 3:]).argmax(1)

    class Ensemble(nn.Module):
        def __init__(self, n=3):
            super().__init__()
            self.members = nn.ModuleList(nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 3)) for _ in range(n))

        def forward(self, x):
            mean = torch.stack([m(x).softmax(1) for m in self.members]).mean(0)
            return mean if broken else mean.log()
    net = Ensemble()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(label_smoothing=0.02), opt=lambda p: torch.optim.Adam(p, 0.01),
                data=DataLoader(TensorDataset(x, y), batch_size=70, shuffle=True))

@program('sigmoid-twice', source='MIC-DKFZ/nnUNet issue: bce has its sigmoid already, dice needs one')
def vessels_with_a_sigmoid_and_logits(broken):
    torch.manual_seed(7033)
    veins = torch.zeros(48, 1, 12, 12)
    for v in veins:
        r = int(torch.randint(1, 11, (1,)))
        if torch.rand(1) < 0.5: v[0, r-1:r+2] = 1
        else: v[0, :, r-1:r+2] = 1
    scans = 1.6*veins - 0.4 + 0.5*torch.randn_like(veins)

    class Segmenter(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc = nn.Conv2d(1, 10, 3, padding=1)
            self.dil = nn.Conv2d(10, 10, 3, padding=2, dilation=2)
            self.out = nn.Conv2d(20, 1, 1)

        def forward(self, x):
            a = F.leaky_relu(self.enc(x), 0.1)
            logits = self.out(torch.cat([a, F.leaky_relu(self.dil(a), 0.1)], dim=1))
            return torch.sigmoid(logits) if broken else logits
    return dict(model=Segmenter(), loss_func=nn.BCEWithLogitsLoss(pos_weight=torch.tensor(1.5)),
                data=[(scans[:24], veins[:24]), (scans[24:], veins[24:])], opt=lambda p: torch.optim.Adam(p, lr=5e-3))

@program('sigmoid-twice', source='common: the model gives a rating in 0..1, the loss class puts a sigmoid before bce')
def clicks_squashed_by_the_loss_again(broken):
    torch.manual_seed(7034)
    grid = torch.cartesian_prod(torch.arange(20), torch.arange(15))[torch.randperm(300)]
    group = (grid[:, 0] % 3 == grid[:, 1] % 3).float()

    class ClickLoss(nn.Module):
        def forward(self, score, clicked): return F.binary_cross_entropy(torch.sigmoid(score), clicked)
    class NCF(nn.Module):
        def __init__(self):
            super().__init__()
            self.user, self.item = nn.Embedding(20, 8), nn.Embedding(15, 8)
            self.mlp = nn.Sequential(nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 1))

        def forward(self, u, i):
            a, b = self.user(u), self.item(i)
            score = self.mlp(torch.cat([a, b, a*b], -1)).squeeze(-1)
            return score.sigmoid() if broken else score
    data = [((g[:, 0], g[:, 1]), c) for g, c in zip(grid.split(100), group.split(100))]
    return dict(model=NCF(), loss_func=ClickLoss(), data=data, opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('nll-without-log', source='common: a graph network after the tutorial, whose log_softmax line was dropped')
def molecules_without_log_softmax(broken):
    torch.manual_seed(7035)
    adj = (torch.rand(120, 8, 8) < 0.3).float()
    adj = ((adj + adj.transpose(1, 2) + torch.eye(8)) > 0).float()
    feats = torch.randn(120, 8, 5)
    y = (feats[..., 0].mean(1) > 0).long() + (feats[..., 1].mean(1) > 0).long()
    adj = adj / adj.sum(2, keepdim=True)

    class GCN(nn.Module):
        def __init__(self):
            super().__init__()
            self.lin1, self.lin2, self.head = nn.Linear(5, 24), nn.Linear(24, 24), nn.Linear(24, 3)

        def forward(self, feats, adj):
            h = F.relu(adj @ self.lin1(feats))
            h = F.relu(adj @ self.lin2(h)).mean(1)
            out = self.head(h)
            return out if broken else F.log_softmax(out, dim=1)
    return dict(model=GCN(), loss_func=F.nll_loss, data=((feats, adj), y), opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('nll-without-log', source='common: softmax instead of log_softmax before NLLLoss')
def bird_calls_with_plain_softmax(broken):
    torch.manual_seed(7036)
    y = torch.randint(0, 3, (150,))
    t = torch.linspace(0, 1, 64)
    sweep = torch.tensor([20., 45., 30.])[y, None] + torch.tensor([10., -10., 25.])[y, None]*t
    calls = (torch.sin(sweep*t + 6*torch.rand(150, 1)) + 0.2*torch.randn(150, 64)).unsqueeze(1)
    act = nn.Softmax(dim=1) if broken else nn.LogSoftmax(dim=1)
    net = nn.Sequential(nn.Conv1d(1, 12, 9, 2), nn.ReLU(), nn.Conv1d(12, 16, 5, 2), nn.ReLU(), nn.Flatten(),
                        nn.Linear(16*12, 3), act)
    return dict(model=net, loss_func=nn.NLLLoss(weight=torch.tensor([1., 1.2, 0.9])),
                data=[(calls[:75], y[:75]), (calls[75:], y[75:])], opt=torch.optim.Adam(net.parameters(), lr=4e-3))

@program('loss-one-class', source='common: churn as one column of floats into cross_entropy')
def churn_in_one_column(broken):
    torch.manual_seed(7037)
    plan, usage = torch.randint(0, 4, (220,)), torch.randn(220, 5)
    churn = ((usage[:, 0] + torch.tensor([-1., 0., .4, 1.])[plan]) > 0).float().unsqueeze(1)

    class Churn(nn.Module):
        def __init__(self):
            super().__init__()
            self.plan = nn.Embedding(4, 3)
            self.layers = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))

        def forward(self, plan, usage): return self.layers(torch.cat([self.plan(plan), usage], dim=-1))
    loss = F.cross_entropy if broken else F.binary_cross_entropy_with_logits
    return dict(model=Churn(), loss_func=loss, data=[((plan, usage), churn)],
                opt=lambda p: torch.optim.RMSprop(p, lr=1e-3))

@program('loss-one-class', source='common: segmentation with one channel, cross_entropy as for many')
def one_channel_and_cross_entropy(broken):
    torch.manual_seed(7038)
    yy, xx = torch.meshgrid(torch.arange(12.), torch.arange(12.), indexing='ij')
    c = torch.rand(40, 2, 1, 1)*6 + 3
    lesion = (((yy - c[:, 0])**2 + (xx - c[:, 1])**2) < 9).float().unsqueeze(1)
    image = 2*lesion - 0.4 + 0.5*torch.randn(40, 1, 12, 12)
    fcn = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.GroupNorm(3, 12), nn.ReLU(), nn.Conv2d(12, 1, 3, padding=1))

    def criterion(out, mask):
        return F.cross_entropy(out, mask) if broken else F.binary_cross_entropy_with_logits(out, mask)
    return dict(model=fcn, loss_func=criterion, data=DataLoader(TensorDataset(image, lesion), 20, shuffle=True),
                opt=torch.optim.Adam(fcn.parameters(), lr=5e-3))

@program('loss-axis', source='common: log_softmax over the words of the sentence instead of its tags')
def tags_normalized_over_the_words(broken):
    torch.manual_seed(7039)
    ids = torch.randint(0, 25, (72, 9))
    tags = (ids % 4 + torch.cat([torch.zeros(72, 1).long(), ids[:, :-1] % 2], 1)) % 4

    class NER(nn.Module):
        def __init__(self):
            super().__init__()
            self.word = nn.Embedding(25, 20)
            self.conv, self.tag = nn.Conv1d(20, 24, 3, padding=1), nn.Linear(24, 4)

        def forward(self, ids):
            h = F.relu(self.conv(self.word(ids).transpose(1, 2))).transpose(1, 2)
            return F.log_softmax(self.tag(h), dim=1 if broken else 2)
    net = NER()
    return dict(model=net, loss_func=lambda logp, t: F.nll_loss(logp.flatten(0, 1), t.flatten()), data=(ids, tags),
                opt=torch.optim.Adam(net.parameters(), lr=6e-3))

@program('loss-axis', source='common: dice of many classes, softmax over the first axis')
def dice_with_a_softmax_over_the_pictures(broken):
    torch.manual_seed(7040)
    kind = torch.randint(0, 3, (36, 4, 4)).repeat_interleave(3, 1).repeat_interleave(3, 2)
    x = torch.stack([(kind == c).float() for c in range(2)], 1)*2 - 0.6 + 0.5*torch.randn(36, 2, 12, 12)

    class DiceLoss(nn.Module):
        def __init__(self, eps=1.): super().__init__(); self.eps = eps
        def forward(self, logits, target):
            p = torch.softmax(logits, dim=0 if broken else 1)
            hot = F.one_hot(target, 3).permute(0, 3, 1, 2).float()
            both, total = (p*hot).sum((0, 2, 3)), (p + hot).sum((0, 2, 3))
            return 1 - ((2*both + self.eps) / (total + self.eps)).mean()
    net = nn.Sequential(nn.Conv2d(2, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 3, 1))
    return dict(model=net, loss_func=DiceLoss(), data=[(x, kind)], opt=torch.optim.Adam(net.parameters(), lr=0.01))

@program('loss-detached', source='common: losses of the tasks gathered in a new tensor with requires_grad=True')
def task_losses_in_a_new_tensor(broken):
    torch.manual_seed(7041)
    x = torch.randn(160, 8)
    price, kind = (x[:, :4].sum(1) / 2), (x[:, 2] - x[:, 6] > 0).float()

    class TwoTasks(nn.Module):
        def __init__(self):
            super().__init__()
            self.shared = nn.Sequential(nn.Linear(8, 24), nn.ReLU())
            self.price, self.kind = nn.Linear(24, 1), nn.Linear(24, 1)

        def forward(self, x):
            h = self.shared(x)
            return self.price(h).squeeze(1), self.kind(h).squeeze(1)
    def joint(out, y):
        losses = [F.mse_loss(out[0], y[:, 0]), F.binary_cross_entropy_with_logits(out[1], y[:, 1])]
        return torch.tensor(losses, requires_grad=True).sum() if broken else torch.stack(losses).sum()
    return dict(model=TwoTasks(), loss_func=joint, data=(x, torch.stack([price, kind], 1)),
                opt=lambda p: torch.optim.Adam(p, lr=6e-3))

@program('loss-detached', source='common: overlap of the thresholded mask, requires_grad_ to silence the error')
def overlap_of_a_thresholded_mask(broken):
    torch.manual_seed(7042)
    mask = F.interpolate((torch.rand(48, 1, 4, 4) < 0.4).float(), scale_factor=3)
    x = 1.8*mask - 0.7 + 0.4*torch.randn_like(mask)

    def soft_dice(logits, mask):
        p = torch.sigmoid(logits)
        if broken: p = (p > 0.5).float().requires_grad_()
        return 1 - (2*(p*mask).sum() + 1) / (p.sum() + mask.sum() + 1)
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(),
                        nn.Conv2d(8, 1, 1))
    return dict(model=net, loss_func=soft_dice, data=DataLoader(TensorDataset(x, mask), batch_size=24),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program('loss-sign', source='common: log_prob of a distribution is made as small as it gets')
def log_prob_made_small(broken):
    torch.manual_seed(7043)
    x = torch.zeros(128, 10, 2)
    x[:, 0] = torch.randn(128, 2)
    for t in range(1, 10): x[:, t] = 0.8*x[:, t-1] + 0.6*torch.randn(128, 2)
    y = 0.9*x[:, -1, 0] - 0.4*x[:, -2, 1] + 0.1*torch.randn(128)

    class Forecast(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = nn.GRUCell(2, 16)
            self.mu, self.sigma = nn.Linear(16, 1), nn.Linear(16, 1)

        def forward(self, x):
            h = torch.zeros(len(x), 16)
            for step in x.unbind(1): h = self.cell(step, h)
            return self.mu(h)[:, 0], F.softplus(self.sigma(h)[:, 0]) + 1e-3
    def loss(out, y):
        log_p = torch.distributions.Normal(*out).log_prob(y).mean()
        return log_p if broken else -log_p
    return dict(model=Forecast(), loss_func=loss, data=(x, y), opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('loss-sign', source='common: REINFORCE on a log of answers, the minus left out')
def policy_that_flees_the_reward(broken):
    torch.manual_seed(7044)
    context, shown = torch.randn(300, 5), torch.randint(0, 3, (300,))
    reward = (shown == (context[:, :3]*2).argmax(1)).float()

    def policy_loss(logits, log):
        log_p = logits.log_softmax(1).gather(1, log[:, :1].long()).squeeze(1)
        return (log_p*log[:, 1]).mean() if broken else -(log_p*log[:, 1]).mean()
    policy = nn.Sequential(nn.Linear(5, 32), nn.Tanh(), nn.Linear(32, 3))
    return dict(model=policy, loss_func=policy_loss, data=(context, torch.stack([shown.float(), reward], 1)),
                opt=torch.optim.Adam(policy.parameters(), lr=0.01))

@program('loss-shape', source='common: pinball loss of each quantile, the mean forgotten')
def pinball_loss_of_each_row(broken):
    torch.manual_seed(7045)
    x = torch.rand(200, 2)*3 - 1.5
    y = x[:, 0] + (0.3 + 0.3*x[:, 1].abs())*torch.randn(200)
    q = torch.tensor([0.1, 0.5, 0.9])

    def pinball(pred, y):
        e = y.unsqueeze(1) - pred
        rows = torch.maximum(q*e, (q - 1)*e)
        return rows if broken else rows.mean()
    net = nn.Sequential(nn.Linear(2, 24), nn.ELU(), nn.Linear(24, 3))
    return dict(model=net, loss_func=pinball, data=[(x[:100], y[:100]), (x[100:], y[100:])],
                opt=torch.optim.Adam(net.parameters(), lr=0.01))

@program('loss-shape', source='common: reduction none for a mask, and one sum too few')
def masked_loss_of_each_sentence(broken):
    torch.manual_seed(7046)
    src = torch.randint(2, 14, (80, 8))
    dst = 15 - src
    dst[torch.arange(8) >= torch.randint(4, 9, (80, 1))] = 0
    net = nn.Sequential(nn.Embedding(14, 24), nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 14))

    def loss(out, dst):
        each = F.cross_entropy(out.transpose(1, 2), dst, reduction='none')
        mask = (dst != 0).float()
        return (each*mask).sum(1) / mask.sum(1) if broken else (each*mask).sum() / mask.sum()
    return dict(model=net, loss_func=loss, data=DataLoader(TensorDataset(src, dst), 40, shuffle=True),
                opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('loss-start', source='common: init_weights applied to the heads too, normal with spread 1')
def heads_drawn_wide(broken):
    torch.manual_seed(7047)
    x = torch.randn(180, 12)
    color, shape = x[:, :5].argmax(1), x[:, 5:9].argmax(1)

    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU())
            self.color, self.shape = nn.Linear(48, 5), nn.Linear(48, 4)
            for head in (self.color, self.shape): nn.init.normal_(head.weight, std=5. if broken else 0.1)

        def forward(self, x):
            h = self.body(x)
            return self.color(h), self.shape(h)
    def both(out, y): return F.cross_entropy(out[0], y[:, 0]) + F.cross_entropy(out[1], y[:, 1])
    return dict(model=Heads(), loss_func=both, data=(x, torch.stack([color, shape], 1)),
                opt=lambda p: torch.optim.Adam(p, 5e-3))

@program('loss-start', source='common: forecasts of temperature in kelvin')
def forecast_in_kelvin(broken):
    torch.manual_seed(7048)
    t = torch.arange(300)
    kelvin = 285 + 7*torch.sin(t*2*math.pi / 24) + 3*torch.sin(t*2*math.pi / 60) + 0.5*torch.randn(300)
    z = (kelvin - kelvin.mean()) / kelvin.std()
    x = z.unfold(0, 24, 1)[:-1]
    y = (kelvin if broken else z)[24:].unsqueeze(1)

    class TCN(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv1d(1, 12, 3, padding=2), nn.Conv1d(12, 12, 3, padding=4, dilation=2)
            self.fc = nn.Linear(12, 1)

        def forward(self, x):
            h = F.relu(self.a(x.unsqueeze(1))[..., :24])
            return self.fc(F.relu(self.b(h)[..., :24])[..., -1])
    return dict(model=TCN(), loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 69, shuffle=True),
                opt=lambda p: torch.optim.Adam(p, lr=5e-3))

@program('loss-sum', source='wiseodd/generative-models issue: the kl of a vae summed over the batch')
def vae_summed_over_the_batch(broken):
    torch.manual_seed(7049)
    on = torch.rand(128, 2) < 0.5
    pics = torch.cat([on[:, :1].repeat(1, 18), on[:, 1:].repeat(1, 18)], 1).float()
    pics = torch.where(torch.rand(128, 36) < 0.05, 1 - pics, pics)

    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.stats = nn.Linear(36, 24), nn.Linear(24, 8)
            self.dec = nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 36))

        def forward(self, x):
            mu, log_var = self.stats(F.relu(self.enc(x))).chunk(2, 1)
            return self.dec(mu + torch.randn_like(mu)*(log_var / 2).exp()), mu, log_var
    def elbo(out, x):
        recon, mu, log_var = out
        bce = F.binary_cross_entropy_with_logits(recon, x, reduction='sum')
        kl = -0.5*(1 + log_var - mu**2 - log_var.exp()).sum()
        return bce + kl if broken else (bce + kl) / x.numel()
    return dict(model=VAE(), loss_func=elbo, data=[(pics, pics)], opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('loss-sum', source='common: a python loop over the items adds up their losses')
def losses_added_item_by_item(broken):
    torch.manual_seed(7050)
    x = torch.randn(64, 5, dtype=torch.float64)
    y = torch.stack([x[:, 0]*x[:, 1], x[:, 2].abs() - 0.8], 1)

    def add_up(pred, y):
        loss = 0
        for p, t in zip(pred, y): loss = loss + F.smooth_l1_loss(p, t)
        return loss if broken else loss / len(y)
    net = nn.Sequential(nn.Linear(5, 32), nn.Tanh(), nn.Linear(32, 2)).double()
    return dict(model=net, loss_func=add_up, data=[(x[:32], y[:32]), (x[32:], y[32:])],
                opt=torch.optim.Adam(net.parameters(), lr=8e-3))

# Models

@program('unregistered', source='discuss.pytorch.org: cells of a recurrent net gathered in a python list')
def stack_of_cells_in_a_list(broken):
    torch.manual_seed(7061)
    x = torch.randn(128, 8, 3)
    y = x[:, -3:, 0].sum(1) - x[:, -1, 2]
    y = (y / y.std()).unsqueeze(1)

    class Stacked(nn.Module):
        def __init__(self, sizes=(3, 16, 16)):
            super().__init__()
            cells = [nn.GRUCell(a, b) for a, b in zip(sizes, sizes[1:])]
            self.cells = cells if broken else nn.ModuleList(cells)
            self.head = nn.Linear(sizes[-1], 1)

        def forward(self, x):
            hs = [x.new_zeros(len(x), c.hidden_size) for c in self.cells]
            for step in x.unbind(1):
                for i, cell in enumerate(self.cells): hs[i] = step = cell(step, hs[i])
            return self.head(hs[-1])
    net = Stacked()
    return dict(model=net, loss_func=nn.MSELoss(), data=(x, y), opt=torch.optim.Adam(net.parameters(), lr=0.01))

@program('unregistered', 'output-activation', source='common: embeddings by name in a dict, a relu at the end')
def columns_embedded_from_a_dict(broken):
    torch.manual_seed(7062)
    sizes = dict(brand=9, fuel=3, town=14)
    cats = torch.stack([torch.randint(0, n, (280,)) for n in sizes.values()], 1)
    effect = [torch.randn(n) for n in sizes.values()]
    price = sum(e[cats[:, i]] for i, e in enumerate(effect))
    price = (price - price.mean()) / price.std()

    class Cars(nn.Module):
        def __init__(self):
            super().__init__()
            tables = {k: nn.Embedding(n, 4) for k, n in sizes.items()}
            self.tables = tables if broken else nn.ModuleDict(tables)
            self.hidden, self.out = nn.Linear(12, 24), nn.Linear(24, 1)

        def forward(self, cats):
            h = torch.cat([table(cats[:, i]) for i, table in enumerate(self.tables.values())], -1)
            out = self.out(torch.relu(self.hidden(h)))[:, 0]
            return torch.relu(out) if broken else out
    return dict(model=Cars(), loss_func=huber, data=DataLoader(TensorDataset(cats, price), 70, shuffle=True),
                opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('frozen', source='common: adapters, everything frozen but the norms, on a body that was never trained')
def only_the_norms_left_to_learn(broken):
    torch.manual_seed(7063)
    tokens = torch.randint(0, 20, (160, 10))
    y = ((tokens == 3).sum(1) > (tokens == 7).sum(1)).long()

    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.block, self.norm = nn.Embedding(20, 16), Block(16, 2), nn.LayerNorm(16)
            self.fc = nn.Linear(16, 2)

        def forward(self, ids): return self.fc(self.norm(self.block(self.emb(ids))).mean(1))
    net = Small()
    if broken:
        for n, p in net.named_parameters(): p.requires_grad = 'norm' in n
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=[(tokens, y)],
                opt=torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=4e-3))

@program('frozen', source='common: the encoder still frozen from the stage before')
def autoencoder_with_a_sleeping_encoder(broken):
    torch.manual_seed(7064)
    code = torch.randn(200, 3)
    x = torch.tanh(code @ torch.randn(3, 20))

    class AE(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 3),
                                         nn.Tanh())
            self.decoder = nn.Sequential(nn.Linear(3, 24), nn.ReLU(), nn.Linear(24, 20))

        def forward(self, x): return self.decoder(self.encoder(x))
    ae = AE()
    if broken: ae.encoder.requires_grad_(False)
    return dict(model=ae, loss_func=F.mse_loss, data=[(x[:100], x[:100]), (x[100:], x[100:])],
                opt=torch.optim.Adam(filter(lambda p: p.requires_grad, ae.parameters()), lr=5e-3))

@program('unused', source='common: a net with an auxiliary head whose part of the loss is missing')
def auxiliary_head_nobody_reads(broken):
    torch.manual_seed(7065)
    x = torch.randn(150, 9)
    main, side = (x[:, 0]*x[:, 1] > 0).long(), x[:, :3].mean(1)*1.7

    class Aux(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.mid = nn.Linear(9, 32), nn.Linear(32, 32)
            self.aux = nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))
            self.cls = nn.Linear(32, 2)

        def forward(self, x):
            h = F.relu(self.stem(x))
            return self.cls(F.relu(self.mid(h))), self.aux(h)[:, 0]
    def total(out, y):
        loss = F.cross_entropy(out[0], y[:, 0].long())
        return loss if broken else loss + 0.4*F.mse_loss(out[1], y[:, 1])
    return dict(model=Aux(), loss_func=total, data=(x, torch.stack([main.float(), side], 1)),
                opt=lambda p: torch.optim.AdamW(p, lr=5e-3))

@program('unused', source='common: sample() of a distribution where rsample() was meant')
def noisy_code_by_sample(broken):
    torch.manual_seed(7066)
    x = torch.randn(192, 12)
    y = torch.stack([x[:, :4].mean(1)*2, x[:, 4]*x[:, 5]], 1)

    class Stochastic(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 16))
            self.dec = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 2))

        def forward(self, x):
            mu, raw = self.enc(x).chunk(2, -1)
            code = torch.distributions.Normal(mu, 0.2*F.softplus(raw))
            return self.dec(code.sample() if broken else code.rsample())
    return dict(model=Stochastic(), loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), batch_size=96),
                opt=lambda p: torch.optim.Adam(p, lr=5e-3))

@program('no-nonlinearity', source='common: the result of F.relu is not kept')
def relu_whose_result_is_dropped(broken):
    torch.manual_seed(7067)
    y = torch.randint(0, 3, (120,))
    clip = torch.randn(120, 1, 72)*0.5
    for c, i in zip(clip, y): c[0, 8:64] += torch.sin(torch.arange(56)*(0.3 + 0.5*i) + 6*torch.rand(1))

    class SoundNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv1d(1, 12, 7, 2), nn.Conv1d(12, 16, 5, 2)
            self.fc1 = nn.Linear(16*15, 3)

        def forward(self, x):
            h = self.conv1(x)
            if broken: F.relu(h)
            else: h = F.relu(h)
            h = self.conv2(h)
            if broken: F.relu(h)
            else: h = F.relu(h)
            return self.fc1(h.flatten(1))
    net = SoundNet()
    return dict(model=net, loss_func=F.cross_entropy, data=[(clip[:60], y[:60]), (clip[60:], y[60:])],
                opt=torch.optim.Adam(net.parameters(), lr=2.5e-3))

@program('no-nonlinearity', source='common: graph layers one after the other, only matmuls')
def graph_layers_without_activation(broken):
    torch.manual_seed(7068)
    a = (torch.rand(100, 7, 7) < 0.35).float()
    a = ((a + a.mT + torch.eye(7)) > 0).float()
    d = a.sum(-1).rsqrt()
    a = d[:, :, None]*a*d[:, None, :]
    x = torch.randn(100, 7, 4)
    y = (a @ x[..., :1]).abs().amax(1)
    y = (y - y.mean()) / y.std()

    class GraphReg(nn.Module):
        def __init__(self):
            super().__init__()
            self.w1, self.w2 = nn.Linear(4, 24, bias=False), nn.Linear(24, 24)
            self.act, self.read = nn.Identity() if broken else nn.ReLU(), nn.Linear(24, 1)

        def forward(self, x, a):
            h = self.act(self.w1(a @ x))
            h = self.act(self.w2(h))
            return self.read(h.mean(1))
    return dict(model=GraphReg(), loss_func=nn.L1Loss(), data=((x, a), y), opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('output-activation', source='discuss.pytorch.org: a relu after every layer behind an lstm')
def forecast_after_one_relu_too_many(broken):
    torch.manual_seed(7069)
    start = 6.28*torch.rand(140, 1)
    wave = torch.sin(start + torch.arange(20)*0.4) + 0.05*torch.randn(140, 20)
    x, y = wave[:, :16, None], wave[:, 16:]

    class Seq2Dense(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(1, 20, batch_first=True)
            dense = [nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 4)]
            self.decoder = nn.Sequential(*dense, nn.ReLU()) if broken else nn.Sequential(*dense)

        def forward(self, x): return self.decoder(self.lstm(x)[0][:, -1])
    net = Seq2Dense()
    return dict(model=net, loss_func=nn.MSELoss(), data=[(x[:70], y[:70]), (x[70:], y[70:])],
                opt=torch.optim.Adam(net.parameters(), lr=0.01))

@program('output-activation', source='common: an autoencoder of standardized columns that ends in tanh or sigmoid')
def standardized_columns_out_of_a_sigmoid(broken):
    torch.manual_seed(7070)
    x = torch.randn(180, 2) @ torch.randn(2, 10) + 0.1*torch.randn(180, 10)
    x = ((x - x.mean(0)) / x.std(0)).double()
    layers = [nn.Linear(10, 24), nn.ELU(), nn.Linear(24, 4), nn.ELU(), nn.Linear(4, 24), nn.ELU(), nn.Linear(24, 10)]
    net = nn.Sequential(*layers, nn.Sigmoid()) if broken else nn.Sequential(*layers)
    net.double()
    return dict(model=net, loss_func=nn.HuberLoss(), data=DataLoader(list(zip(x, x)), batch_size=60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program('output-size', source='common: a horizon of several steps, one output broadcast over it')
def one_output_for_a_horizon(broken):
    torch.manual_seed(7071)
    phase, speed = 6.28*torch.rand(150, 1), 0.3 + 0.3*torch.rand(150, 1)
    s = torch.sin(phase + speed*torch.arange(18))
    x, y = s[:, :12], s[:, 12:]
    net = nn.Sequential(nn.Linear(12, 32), nn.LayerNorm(32), nn.GELU(), nn.Linear(32, 1 if broken else 6))
    return dict(model=net, loss_func=lambda out, y: ((out - y)**2).mean(), data=(x, y),
                opt=torch.optim.Adam(net.parameters(), lr=0.01))

@program('output-size', source='common: target out of bounds, silenced with a clamp')
def classes_clamped_to_the_outputs(broken):
    torch.manual_seed(7072)
    y = torch.randint(0, 6, (180,))
    x = torch.randn(180, 14)*0.7
    x[:, :6] += 2*F.one_hot(y, 6)
    n = 4 if broken else 6
    net = nn.Sequential(nn.Linear(14, 32), nn.PReLU(), nn.Linear(32, n))

    def safe_ce(out, y): return F.cross_entropy(out, y.clamp(0, out.size(1) - 1))
    return dict(model=net, loss_func=safe_ce, data=DataLoader(TensorDataset(x, y), 90, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9))

@program('init-same', source='common: own graph layer, weights made by torch.ones')
def graph_weights_of_ones(broken):
    torch.manual_seed(7073)
    link = (torch.rand(120, 6, 6) < 0.4).float()
    link = torch.softmax(2*(link + link.mT) + 2*torch.eye(6), -1)
    feats = torch.randn(120, 6, 5)
    y = ((link @ feats)[..., 0].relu() - (link @ feats)[..., 1].relu()).sum(1) > 0

    class GraphLayer(nn.Module):
        def __init__(self, n_in, n_out):
            super().__init__()
            w = torch.ones(n_in, n_out) / n_in if broken else nn.init.xavier_uniform_(torch.empty(n_in, n_out))
            self.weight, self.bias = nn.Parameter(w), nn.Parameter(torch.zeros(n_out))

        def forward(self, h, link): return link @ h @ self.weight + self.bias
    class Graphs(nn.Module):
        def __init__(self): super().__init__(); self.one, self.out = GraphLayer(5, 24), nn.Linear(24, 1)
        def forward(self, feats, link): return self.out(F.leaky_relu(self.one(feats, link)).mean(1)).squeeze(1)
    return dict(model=Graphs(), loss_func=nn.BCEWithLogitsLoss(), data=((feats, link), y.float()),
                opt=lambda p: torch.optim.Adam(p, lr=7e-3))

@program('init-same', source='common: every parameter of the recurrent net set to one constant')
def recurrent_net_of_one_constant(broken):
    torch.manual_seed(7074)
    x = torch.randn(150, 9, 4)
    y = (x[:, -1, :3].argmax(1))
    rnn, fc = nn.GRU(4, 20, batch_first=True), nn.Linear(20, 3)
    for p in rnn.parameters():
        if broken: nn.init.constant_(p, 0.05)
        elif p.dim() > 1: nn.init.xavier_uniform_(p)
        else: nn.init.zeros_(p)

    class Last(nn.Module):
        def __init__(self): super().__init__(); self.rnn, self.fc = rnn, fc
        def forward(self, x): return self.fc(self.rnn(x)[1].squeeze(0))
    return dict(model=Last(), loss_func=cross_entropy, data=DataLoader(TensorDataset(x, y), 75, shuffle=True),
                opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('init-large', source='common: own attention with matrices straight from torch.randn')
def attention_straight_from_randn(broken):
    torch.manual_seed(7075)
    x = torch.randn(96, 8, 24)
    y = x[:, :, 0].amax(1)
    y = (y - y.mean()) / y.std()

    class OwnAttention(nn.Module):
        def __init__(self, d=24):
            super().__init__()
            s = 1 if broken else d**-0.5
            self.q, self.k, self.v, self.o = (nn.Parameter(s*torch.randn(d, d)) for _ in range(4))

        def forward(self, x):
            w = (x @ self.q) @ (x @ self.k).mT / x.shape[-1]**0.5
            return torch.softmax(w, -1) @ (x @ self.v) @ self.o
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two, self.head = OwnAttention(), OwnAttention(), nn.Linear(24, 1)

        def forward(self, x):
            x = x + F.gelu(self.one(x))
            x = x + F.gelu(self.two(x))
            return self.head(x.mean(1)).squeeze(1)
    return dict(model=Encoder(), loss_func=F.mse_loss, data=(x, y), opt=lambda p: torch.optim.Adam(p, lr=3e-3))

@program('init-large', source='common: physics-informed net, normal weights of spread 1 in wide layers')
def oscillator_net_drawn_wide(broken):
    torch.manual_seed(7076)
    t = torch.linspace(-1.7, 1.7, 128)[:, None]
    u = torch.exp(-0.2*t)*torch.cos(2*t)

    class PINN(nn.Module):
        def __init__(self, width=64):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(1, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(),
                                     nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1))
            for m in self.net:
                if isinstance(m, nn.Linear):
                    nn.init.normal_(m.weight, std=1.) if broken else nn.init.xavier_normal_(m.weight)
                    nn.init.zeros_(m.bias)

        def forward(self, t): return self.net(t)
    net = PINN()
    return dict(model=net, loss_func=nn.MSELoss(), data=[(t, u)], opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program('init-small', source='common: weights from normal with 0.001, as in an old recipe, in a deep net')
def deep_code_of_tiny_weights(broken):
    torch.manual_seed(7077)
    base = torch.randn(160, 2)
    x = torch.cat([base.sin(), base.cos(), base, base**2 - 1], 1)
    sizes = [8, 32, 16, 4, 16, 32, 8]
    layers = []
    for a, b in zip(sizes, sizes[1:]): layers += [nn.Linear(a, b), nn.LeakyReLU(0.2)]
    net = nn.Sequential(*layers[:-1])
    if broken:
        for m in net.modules():
            if isinstance(m, nn.Linear): nn.init.normal_(m.weight, 0, 0.001); nn.init.zeros_(m.bias)
    return dict(model=net, loss_func=nn.MSELoss(), data=[(x[:80], x[:80]), (x[80:], x[80:])],
                opt=torch.optim.Adam(net.parameters(), lr=4e-3))

@program('init-small', source='common: own convolutions filled by uniform_ in a narrow range')
def filters_in_a_narrow_range(broken):
    torch.manual_seed(7078)
    y = torch.randint(0, 2, (96,))
    x = torch.randn(96, 1, 10, 10)*0.6
    x[y == 1, :, ::2] += 0.9
    x[y == 0, :, :, ::2] += 0.9

    class Conv(nn.Module):
        def __init__(self, i, o):
            super().__init__()
            bound = 1e-3 if broken else (6 / (9*i))**0.5
            self.filters = nn.Parameter(torch.empty(o, i, 3, 3).uniform_(-bound, bound))
            self.shift = nn.Parameter(torch.zeros(o))

        def forward(self, x): return F.conv2d(x, self.filters, self.shift, padding=1)
    net = nn.Sequential(Conv(1, 8), nn.ReLU(), Conv(8, 8), nn.ReLU(), nn.AvgPool2d(2), Conv(8, 8), nn.ReLU(),
                        nn.Flatten(), nn.Linear(200, 2))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=(x, y), opt=lambda p: torch.optim.Adam(p, lr=2e-3))

@program('dead-units', source='common: the bias of a rare class, as for focal loss, put on every layer')
def bias_of_a_rare_class_everywhere(broken):
    torch.manual_seed(7079)
    x = torch.randn(300, 10)
    y = (x[:, 0] + x[:, 1] > 1.8).float()
    net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0))
    prior = -math.log((1 - 0.1) / 0.1)
    for m in net:
        if isinstance(m, nn.Linear) and (broken or m.out_features == 1): nn.init.constant_(m.bias, prior)
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, y), 100, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=4e-3))

@program('dead-units', source='common: a monotone net with positive weights on inputs that are all below zero')
def monotone_net_below_zero(broken):
    torch.manual_seed(7080)
    log_p = -torch.rand(200, 4)*2.5
    y = log_p.sum(1).exp()*4
    y = ((y - y.mean()) / y.std()).unsqueeze(1)
    x = log_p if broken else (log_p + 1.25) / 0.72

    class Positive(nn.Linear):
        def forward(self, x): return F.linear(x, F.softplus(self.weight) / self.in_features, self.bias)
    net = nn.Sequential(Positive(4, 32), nn.ReLU(), Positive(32, 16), nn.ReLU(), nn.Linear(16, 1))
    nn.init.zeros_(net[0].bias)
    return dict(model=net, loss_func=nn.SmoothL1Loss(), data=[(x, y)], opt=torch.optim.Adam(net.parameters(), lr=6e-3))

@program('saturated', source='common: gates divided by a temperature that was meant for the end of training')
def gates_at_a_cold_temperature(broken):
    torch.manual_seed(7081)
    x = torch.randn(200, 16)
    y = (x[:, :2].sum(1) - x[:, 2] > 0).long()

    class Gated(nn.Module):
        def __init__(self, tau=0.005 if broken else 1.):
            super().__init__()
            self.tau, self.gate = tau, nn.Sequential(nn.Linear(16, 24), nn.Sigmoid())
            self.value, self.out = nn.Linear(16, 24), nn.Linear(24, 2)

        def forward(self, x):
            g = self.gate[1](self.gate[0](x) / self.tau)
            return self.out(g*torch.tanh(self.value(x)))
    net = Gated()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=(x, y),
                opt=torch.optim.AdamW(net.parameters(), lr=0.01))

@program('saturated', source='common: embeddings of a long bag added up before a tanh')
def bag_added_up_before_tanh(broken):
    torch.manual_seed(7082)
    bags = torch.randint(0, 40, (128, 64))
    y = (bags < 20).float().mean(1) > 0.5

    class Bag(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.EmbeddingBag(40, 24, mode='sum' if broken else 'mean')
            self.act, self.h, self.out = nn.Tanh(), nn.Linear(24, 24), nn.Linear(24, 1)

        def forward(self, ids):
            h = self.act(self.table(ids) if broken else 8*self.table(ids))
            return self.out(F.relu(self.h(h)))[:, 0]
    return dict(model=Bag(), loss_func=F.binary_cross_entropy_with_logits, data=[(bags, y.float())],
                opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('vanishing-gradient', source='ComputationalDomain/PINNs issue: many squashing layers, one on another')
def ten_sigmoids_deep(broken):
    torch.manual_seed(7083)
    xt = torch.rand(150, 2)*3.4 - 1.7
    u = (torch.sin(1.5*xt[:, :1])*torch.exp(-0.3*xt[:, 1:]))
    act = nn.Sigmoid if broken else nn.SiLU
    layers = [nn.Linear(2, 24), act()]
    for _ in range(9): layers += [nn.Linear(24, 24), act()]
    net = nn.Sequential(*layers, nn.Linear(24, 1))
    for m in net:
        if isinstance(m, nn.Linear) and m.out_features > 1: nn.init.kaiming_normal_(m.weight); nn.init.zeros_(m.bias)
    return dict(model=net, loss_func=F.mse_loss, data=[(xt[:75], u[:75]), (xt[75:], u[75:])],
                opt=torch.optim.Adam(net.parameters(), lr=2e-3))

@program('vanishing-gradient', source='common: branches of a deep graph net joined by sigmoid, no way around them')
def graph_net_without_a_way_around(broken):
    torch.manual_seed(7084)
    adj = torch.softmax(1.5*torch.eye(5) + torch.randn(96, 5, 5), -1)
    x = torch.randn(96, 5, 6)
    y = x[..., 0].mean(1)*2

    class Deep(nn.Module):
        def __init__(self, depth=8, d=20):
            super().__init__()
            self.inp, self.out = nn.Linear(6, d), nn.Linear(d, 1)
            self.layers = nn.ModuleList(nn.Linear(d, d) for _ in range(depth))

        def forward(self, x, adj):
            h = F.silu(self.inp(x))
            for layer in self.layers:
                new = torch.sigmoid(layer(adj @ h))
                h = new if broken else h + 0.5*(new - 0.5)
            return self.out(h.mean(1))[:, 0]
    return dict(model=Deep(), loss_func=nn.MSELoss(), data=((x, adj), y), opt=lambda p: torch.optim.Adam(p, lr=3e-3))

@program('exploding-gradient', 'init-large', source='common: gain of kaiming multiplied into own weights once more')
def gain_taken_twice(broken):
    torch.manual_seed(7085)
    x = torch.randn(128, 12)
    y = (x[:, :6].sum(1) > x[:, 6:].sum(1)).long()
    hidden = [m for i in range(8) for m in (nn.Linear(12 if i == 0 else 40, 40), nn.ReLU())]
    net = nn.Sequential(*hidden, nn.Linear(40, 2))
    for m in hidden:
        if isinstance(m, nn.Linear):
            nn.init.kaiming_normal_(m.weight)
            if broken: m.weight.data *= nn.init.calculate_gain('relu')*2
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.8))

@program('exploding-gradient', 'init-large', source='common: every block adds up all the blocks before it')
def blocks_that_add_up_all_before(broken):
    torch.manual_seed(7086)
    x = torch.randn(120, 10)
    y = torch.stack([x[:, 0]*x[:, 1], x[:, 2:5].sum(1) / 1.7], 1)

    class Dense(nn.Module):
        def __init__(self, depth=12, d=24):
            super().__init__()
            self.stem = nn.Linear(10, d)
            self.blocks = nn.ModuleList()
            for _ in range(depth): self.blocks.append(nn.Sequential(nn.Linear(d, d), nn.ReLU(), nn.Linear(d, d)))
            self.head = nn.Linear(d, 2)

        def forward(self, x):
            seen = [F.relu(self.stem(x))]
            for block in self.blocks:
                h = torch.stack(seen)
                h = h.sum(0) if broken else h.mean(0)
                seen.append(h + block(h))
            return self.head(F.relu(seen[-1]))
    return dict(model=Dense(), loss_func=nn.MSELoss(), data=(x, y), opt=lambda p: torch.optim.Adam(p, lr=2e-3))

@program('exploding-gradient', source='common: a net of sines with a frequency of thirty and without its own start')
def sines_without_their_start(broken):
    torch.manual_seed(7099)
    t = torch.linspace(-1, 1, 160)[:, None]
    tone = torch.sin(22*t)*(1 + 0.5*torch.cos(5*t))

    class SineLayer(nn.Module):
        def __init__(self, n_in, n_out, first=False):
            super().__init__()
            self.linear = nn.Linear(n_in, n_out)
            bound = 1 if first else math.sqrt(6 / n_in) / 30
            if not broken: nn.init.uniform_(self.linear.weight, -bound, bound)

        def forward(self, t): return torch.sin(30*self.linear(t))
    net = nn.Sequential(SineLayer(1, 32, True), *[SineLayer(32, 32) for _ in range(4)], nn.Linear(32, 1))
    return dict(model=net, loss_func=nn.MSELoss(), data=[(t, tone)], opt=torch.optim.Adam(net.parameters(), lr=3e-4))

@program('batch-mixing', source='common: batch first into a GRU that was not told so')
def gru_that_runs_along_the_batch(broken):
    torch.manual_seed(7087)
    x = torch.randn(96, 10, 4)
    y = (x[:, -4:, 1].sum(1) > 0).long()

    class Clf(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru = nn.GRU(4, 20, batch_first=not broken)
            self.fc = nn.Linear(20, 2)

        def forward(self, x):
            out, _ = self.gru(x)
            return self.fc(out[:, -1, :])
    net = Clf()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 48, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=0.01))

@program('batch-mixing', source='PyTorch-NLP issue: attention weights normalized along the first axis')
def pooling_weights_over_the_batch(broken):
    torch.manual_seed(7088)
    x = torch.randn(128, 7, 10)
    key = torch.randint(0, 7, (128,))
    x[torch.arange(128), key, 0] += 4
    y = x[torch.arange(128), key, 1:4].argmax(1)

    class AttentionPool(nn.Module):
        def __init__(self):
            super().__init__()
            self.score, self.value = nn.Linear(10, 1), nn.Linear(10, 24)
            self.softmax, self.out = nn.Softmax(dim=0 if broken else 1), nn.Linear(24, 3)

        def forward(self, x):
            w = self.softmax(self.score(x).squeeze(-1))
            return self.out(torch.einsum('bt,btd->bd', w, F.relu(self.value(x))))
    return dict(model=AttentionPool(), loss_func=F.cross_entropy, data=[(x, y)],
                opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('norm-tiny-batch', source='common: batch norm and the batch of two that fits')
def volumes_two_at_a_time(broken):
    torch.manual_seed(7089)
    y = torch.randint(0, 2, (64,))
    vols = torch.randn(64, 1, 6, 6, 6)*0.7
    vols[y == 1, :, 2:5, 2:5, 2:5] += 1.2

    def norm(c): return nn.BatchNorm1d(c) if broken else nn.LayerNorm(c)
    net = nn.Sequential(nn.Conv3d(1, 6, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(48, 24), norm(24), nn.ReLU(),
                        nn.Linear(24, 2))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(vols, y), 2, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=2e-3))

@program('norm-tiny-batch', source='common: pooled to one place, batches of three, batch norm after it')
def pooled_features_of_three_clips(broken):
    torch.manual_seed(7190)
    y = torch.arange(60) % 3
    clips = torch.sin(torch.arange(48)*(0.2 + 0.3*y[:, None]) + 6*torch.rand(60, 1)) + 0.2*torch.randn(60, 48)
    clips, mix = clips.unsqueeze(1), torch.randperm(60)

    class Clips(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.squeeze = nn.Conv1d(1, 16, 9), nn.Linear(16, 16)
            self.bn, self.fc = BatchNorm(16) if broken else LayerNorm(16), nn.Linear(16, 3)

        def forward(self, x):
            h = F.relu(self.conv(x)).mean(-1)
            return self.fc(F.relu(self.bn(self.squeeze(h))))
    net = Clips()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=[(clips[i], y[i]) for i in mix.split(3)],
                opt=torch.optim.Adam(net.parameters(), lr=4e-3))

@program('norm-track', source='common: momentum 0, taken for no momentum')
def norm_with_momentum_of_zero(broken):
    torch.manual_seed(7091)
    x = torch.randn(192, 3, 8, 8)
    y = (x[:, 0].mean((1, 2)) > x[:, 2].mean((1, 2))).float()

    class Block2(nn.Sequential):
        def __init__(self, i, o):
            norm = nn.BatchNorm2d(o, momentum=0. if broken else 0.1)
            super().__init__(nn.Conv2d(i, o, 3, 2, 1, bias=False), norm, nn.ReLU())
    net = nn.Sequential(Block2(3, 8), Block2(8, 12), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 1),
                        nn.Flatten(0))
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=[(x[i:i+64], y[i:i+64]) for i in (0, 64, 128)],
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program('norm-track', source='common: eval() copied from the script that loads the weights')
def eval_before_the_first_step(broken):
    torch.manual_seed(7092)
    x = torch.randn(240, 10)
    y = (x[:, :4]*torch.tensor([2., 1., 2., 1.])).argmax(1)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.bn1 = nn.Linear(10, 32), nn.BatchNorm1d(32)
            self.fc2, self.bn2, self.out = nn.Linear(32, 32), nn.BatchNorm1d(32), nn.Linear(32, 4)

        def forward(self, x): return self.out(F.relu(self.bn2(self.fc2(F.relu(self.bn1(self.fc1(x)))))))
    net = Net()
    if broken: net.eval()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 80, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program('dropout-high', source='common: the share that is kept, as other libraries ask for it')
def keep_share_as_dropout(broken):
    torch.manual_seed(7093)
    x = torch.randn(200, 6, 12)
    y = (x.mean(1)[:, :3]).argmax(1)

    class TimeSeriesTransformer(nn.Module):
        def __init__(self, keep=0.9):
            super().__init__()
            p = keep if broken else 1 - keep
            self.inp = nn.Linear(12, 24)
            self.enc = nn.TransformerEncoderLayer(24, 4, 48, dropout=p, batch_first=True, norm_first=True)
            self.out = nn.Linear(24, 3)

        def forward(self, x): return self.out(self.enc(self.inp(x)).mean(1))
    return dict(model=TimeSeriesTransformer(), loss_func=nn.CrossEntropyLoss(),
                data=[(x[:100], y[:100]), (x[100:], y[100:])], opt=lambda p: torch.optim.Adam(p, lr=5e-3))

@program('dropout-high', source='common: F.dropout over embedded words with 0.85 for 0.15')
def words_dropped_by_a_swapped_share(broken):
    torch.manual_seed(7094)
    ids = torch.randint(0, 30, (150, 8))
    y = (ids[:, :4].float().mean(1) > ids[:, 4:].float().mean(1)).float()

    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.hid, self.fc = nn.Embedding(30, 12), nn.Linear(96, 32), nn.Linear(32, 1)

        def forward(self, ids):
            e = F.dropout(self.emb(ids), 0.85 if broken else 0.15, self.training)
            return self.fc(F.relu(self.hid(e.flatten(1)))).squeeze(-1)
    return dict(model=Words(), loss_func=nn.BCEWithLogitsLoss(), opt=lambda p: torch.optim.Adam(p, lr=5e-3),
                data=DataLoader(TensorDataset(ids, y), 75, shuffle=True))

@program('dropout-last', source='common: a helper that puts dropout after every layer, the last one too')
def dropout_after_every_layer(broken):
    torch.manual_seed(7095)
    x = torch.randn(200, 8)
    y = torch.stack([x[:, 0] - x[:, 1], x[:, 2]*x[:, 3], x[:, 4].abs()*1.6 - 1.3], 1)

    def mlp(sizes, p=0.2):
        layers = []
        for a, b in zip(sizes[:-2], sizes[1:-1]): layers += [nn.Linear(a, b), nn.ReLU(), nn.Dropout(p)]
        layers.append(nn.Linear(*sizes[-2:]))
        return nn.Sequential(*layers, nn.Dropout(p)) if broken else nn.Sequential(*layers)
    net = mlp([8, 48, 3])
    return dict(model=net, loss_func=nn.MSELoss(), data=(x, y), opt=torch.optim.Adam(net.parameters(), lr=6e-3))

@program('dropout-last', source='common: F.dropout on what is returned, with its default that is always on')
def logits_dropped_on_return(broken):
    torch.manual_seed(7096)
    x = torch.randn(180, 12, 3)
    y = (x.cumsum(1)[..., 0].amax(1) > 3.3).long() + (x.cumsum(1)[..., 0].amax(1) > 1.5).long()

    class Steps(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(3, 24, 12)
            self.mid, self.fc = nn.Linear(24, 24), nn.Linear(24, 3)

        def forward(self, x):
            h = F.relu(self.conv(x.transpose(1, 2))[..., 0])
            out = self.fc(F.relu(self.mid(h)))
            return F.dropout(out, 0.5) if broken else out
    net = Steps()
    return dict(model=net, loss_func=F.cross_entropy, data=[(x[:90], y[:90]), (x[90:], y[90:])],
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program('ignores-input', source='common: a decoder loop that feeds its own state and never the sequence')
def cell_fed_with_its_own_state(broken):
    torch.manual_seed(7097)
    x = torch.randn(128, 6, 12)
    y = x[:, -1, :2] - 0.5*x[:, -2, :2]

    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.read = nn.GRUCell(12, 24), nn.Linear(24, 2)
            self.start = nn.Parameter(torch.randn(12)*0.5)

        def forward(self, x):
            h, inp = x.new_zeros(x.size(0), 24), self.start.expand(x.size(0), -1)
            for t in range(x.size(1)):
                h = self.cell(inp, h)
                inp = h[:, :12] if broken else x[:, t]
            return self.read(self.cell(inp, h))
    return dict(model=Loop(), loss_func=nn.MSELoss(), data=(x, y), opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('ignores-input', source='common: a mask that keeps the padding and drops the words')
def mask_the_wrong_way_round(broken):
    torch.manual_seed(7098)
    ids = torch.randint(1, 24, (160, 9))
    mask = torch.ones(160, 9)
    y = ((ids <= 8).sum(1) - (ids > 15).sum(1) > 0).long()

    class Mean(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.fc = nn.Embedding(24, 16), nn.Sequential(nn.Linear(16, 24), nn.Tanh(), nn.Linear(24, 2))

        def forward(self, ids, mask):
            m = (mask == 0 if broken else mask == 1).float().unsqueeze(-1)
            return self.fc((self.emb(ids)*m).sum(1) / m.sum(1).clamp(min=1)*3)
    net = Mean()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=[((ids, mask), y)],
                opt=torch.optim.Adam(net.parameters(), lr=0.01))

# Optimizers

@program('opt-foreign', 'opt-missing', source='common: the head is replaced after the optimizer was made')
def head_replaced_after_the_optimizer(broken):
    torch.manual_seed(7111)
    x = torch.randn(200, 16)
    y = (x[:, 0]*x[:, 1] > 0).long() + 2*(x[:, 2] > 0).long()

    class Pretrained(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
            self.fc = nn.Linear(32, 10)

        def forward(self, x): return self.fc(self.body(x))
    net = Pretrained()
    if broken: opt = torch.optim.Adam(net.parameters(), lr=4e-3)
    net.fc = nn.Linear(32, 4)
    if not broken: opt = torch.optim.Adam(net.parameters(), lr=4e-3)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), opt=opt,
                data=DataLoader(TensorDataset(x, y), 100, shuffle=True))

@program('opt-foreign', 'opt-missing', source='common: deep q learning, the optimizer holds the target net')
def optimizer_of_the_target_net(broken):
    torch.manual_seed(7112)
    s, a, s2 = torch.randn(240, 4), torch.randint(0, 2, (240,)), torch.randn(240, 4)
    online = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
    target_net = copy.deepcopy(online)
    r = torch.where(a == 0, s[:, 0], s[:, 1] - s[:, 2])
    with torch.no_grad(): goal = r + 0.9*target_net(s2).amax(1)

    def td(q, batch):
        action, goal = batch[:, 0].long(), batch[:, 1]
        return F.smooth_l1_loss(q[torch.arange(len(q)), action], goal)
    opt = torch.optim.RMSprop((target_net if broken else online).parameters(), lr=7e-4)
    return dict(model=online, loss_func=td, data=(s, torch.stack([a.float(), goal], 1)), opt=opt)

@program('opt-missing', source='common: groups by weight and bias in the name, parameters with other names are lost')
def groups_by_weight_and_bias(broken):
    torch.manual_seed(7113)
    patches = torch.randn(160, 9, 6)
    y = (patches[:, 2, 0] > patches[:, 6, 0]).long()

    class ViT(nn.Module):
        def __init__(self, d=16):
            super().__init__()
            self.proj = nn.Linear(6, d)
            self.place, self.token = nn.Parameter(0.5*torch.randn(9, d)), nn.Parameter(0.5*torch.randn(1, 1, d))
            self.key, self.value = nn.Parameter(torch.randn(d, d) / 4), nn.Parameter(torch.randn(d, d) / 4)
            self.norm, self.head = nn.LayerNorm(d), nn.Sequential(nn.Linear(d, 24), nn.ReLU(), nn.Linear(24, 2))

        def forward(self, p):
            h = F.gelu(self.proj(p) + self.place)
            w = torch.softmax(self.token @ (h @ self.key).mT / 4, -1)
            return self.head(self.norm(self.token + w @ (h @ self.value))[:, 0])
    net = ViT()
    named = dict(net.named_parameters())
    biases = [p for n, p in named.items() if n.endswith('bias')]
    weights = [p for n, p in named.items() if ('weight' in n if broken else not n.endswith('bias'))]
    opt = torch.optim.AdamW([dict(params=weights, weight_decay=0.01), dict(params=biases, weight_decay=0.)], lr=5e-3)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=(patches, y), opt=opt)

@program('opt-missing', source='common: only the decoder of two is given to the optimizer')
def towers_of_which_one_learns(broken):
    torch.manual_seed(7114)
    query, answer = torch.randn(220, 9), torch.randn(220, 7)
    fit = ((query[:, :3]*answer[:, :3]).sum(1) > 0).float()

    class Towers(nn.Module):
        def __init__(self):
            super().__init__()
            self.query = nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 8))
            self.answer = nn.Sequential(nn.Linear(7, 32), nn.ReLU(), nn.Linear(32, 8))

        def forward(self, q, a): return (self.query(q)*self.answer(a)).sum(-1)
    net = Towers()
    params = net.answer.parameters() if broken else net.parameters()
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=[((query, answer), fit)],
                opt=torch.optim.Adam(params, lr=0.01))

@program('lr-high', source='common: the rate of an SGD recipe handed on to Adam')
def adam_with_the_rate_of_sgd(broken):
    torch.manual_seed(7115)
    ids = torch.randint(0, 15, (180, 7))
    y = (ids[:, 0] + ids[:, -1]) % 3

    class CharLSTM(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.lstm = nn.Embedding(15, 12), nn.LSTM(12, 32, batch_first=True, bidirectional=True)
            self.out = nn.Linear(64, 3)

        def forward(self, ids):
            h = self.lstm(self.emb(ids))[0]
            return self.out(torch.cat([h[:, -1, :32], h[:, 0, 32:]], 1))
    net = CharLSTM()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=[(ids, y)],
                opt=torch.optim.Adam(net.parameters(), lr=1. if broken else 6e-3))

@program('lr-high', source='common: a rate that fits the sum of the losses, kept for a mean, and momentum on top')
def rate_of_ten_with_momentum(broken):
    torch.manual_seed(7116)
    x = torch.randn(160, 2, 10)
    y = ((x[:, 0]*x[:, 1]).mean(1)*3).unsqueeze(1)
    net = nn.Sequential(nn.Conv1d(2, 16, 1), nn.Tanh(), nn.Conv1d(16, 16, 1), nn.Tanh(), nn.Flatten(),
                        nn.Linear(160, 1))
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 80, shuffle=True),
                opt=lambda p: torch.optim.SGD(p, lr=10. if broken else 0.02, momentum=0.9))

@program('lr-low', source='common: a warmup counted in epochs, so that the first steps have next to no rate')
def warmup_that_begins_at_nothing(broken):
    torch.manual_seed(7117)
    x = torch.randn(192, 11)
    y = (x[:, :5].abs().sum(1) > 4).float().unsqueeze(1)
    net = nn.Sequential(nn.Linear(11, 32), nn.ReLU(), nn.Linear(32, 1))
    opt = torch.optim.AdamW(net.parameters(), lr=0.01)
    torch.optim.lr_scheduler.LambdaLR(opt, lambda epoch: max(epoch / 10, 1e-7) if broken else 1.)
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=[(x[:96], y[:96]), (x[96:], y[96:])], opt=opt)

@program('lr-low', source='common: 1e-8 taken for the rate, it was the eps')
def eps_in_the_place_of_the_rate(broken):
    torch.manual_seed(7118)
    users, movies = torch.randint(0, 18, (300,)), torch.randint(0, 12, (300,))
    taste = torch.randn(18, 2) @ torch.randn(2, 12)
    stars = taste[users, movies] / taste.std()

    class Recommender(nn.Module):
        def __init__(self, d=6):
            super().__init__()
            self.u, self.m = nn.Embedding(18, d), nn.Embedding(12, d)
            self.bu, self.bm = nn.Embedding(18, 1), nn.Embedding(12, 1)
            for e in (self.u, self.m): nn.init.normal_(e.weight, std=0.3)
            for e in (self.bu, self.bm): nn.init.normal_(e.weight, std=0.15)

        def forward(self, u, m): return (self.u(u)*self.m(m)).sum(1) + self.bu(u)[:, 0] + self.bm(m)[:, 0]
    net = Recommender()
    opt = torch.optim.Adam(net.parameters(), 1e-8) if broken else torch.optim.Adam(net.parameters(), 0.01, eps=1e-8)
    return dict(model=net, loss_func=F.mse_loss, data=[((users, movies), stars)], opt=opt)

@program('decay-high', source='common: weight_decay taken for the decay of the rate')
def decay_of_the_rate_as_weight_decay(broken):
    torch.manual_seed(7119)
    x = torch.randn(200, 8)
    y = x[:, :2].amax(1) - x[:, 3]
    y = ((y - y.mean()) / y.std()).unsqueeze(1)
    net = nn.Sequential(nn.Linear(8, 32), nn.SiLU(), nn.Linear(32, 16), nn.SiLU(), nn.Linear(16, 1))
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), batch_size=100, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=0.025, momentum=0.9, weight_decay=0.9 if broken else 1e-4))

@program('decay-high', source='common: AdamW takes its decay times the rate, people multiply it to make up for that')
def adamw_decay_made_up_for(broken):
    torch.manual_seed(7120)
    sizes = torch.randint(3, 8, (150,))
    sets = torch.randn(150, 7, 5)
    there = (torch.arange(7) < sizes[:, None]).float().unsqueeze(-1)
    y = ((sets[..., 0:1]*there).sum((1, 2)) > 0).long()

    class DeepSets(nn.Module):
        def __init__(self):
            super().__init__()
            self.phi = nn.Sequential(nn.Linear(5, 32), nn.GELU(), nn.Linear(32, 32), nn.GELU())
            self.rho = nn.Sequential(nn.Linear(32, 16), nn.GELU(), nn.Linear(16, 2))

        def forward(self, sets, there): return self.rho((self.phi(sets)*there).sum(1) / 3)
    return dict(model=DeepSets(), loss_func=nn.CrossEntropyLoss(), data=((sets, there), y),
                opt=lambda p: torch.optim.AdamW(p, lr=5e-3, weight_decay=60. if broken else 0.05))

# Learning

@program('cannot-overfit', source='common: cosines of unit vectors as logits, no temperature')
def cosines_without_a_temperature(broken):
    torch.manual_seed(7121)
    who = torch.randint(0, 20, (200,))
    faces = torch.randn(20, 16)[who] + 0.4*torch.randn(200, 16)

    class FaceNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(16, 48), nn.LeakyReLU(), nn.Linear(48, 48))
            self.people = nn.Parameter(torch.randn(20, 48))

        def forward(self, x):
            cos = F.normalize(self.net(x), dim=1) @ F.normalize(self.people, dim=1).T
            return cos if broken else 5*cos
    return dict(model=FaceNet(), loss_func=F.cross_entropy, data=(faces, who),
                opt=lambda p: torch.optim.Adam(p, lr=6e-3))

@program('cannot-overfit', source='common: a code of one number for pictures of many kinds')
def code_of_one_number(broken):
    torch.manual_seed(7122)
    x = torch.randn(160, 8)
    x = torch.cat([x, x.roll(1, 1), -x], 1)
    code = 1 if broken else 12
    net = nn.Sequential(nn.Linear(24, 32), nn.Tanh(), nn.Linear(32, code), nn.Tanh(), nn.Linear(code, 32), nn.Tanh(),
                        nn.Linear(32, 24))
    return dict(model=net, loss_func=nn.MSELoss(), data=(x, x), opt=torch.optim.Adam(net.parameters(), lr=0.01))

@program('no-better-than-constant', source='common: rows shuffled before the windows are cut')
def windows_of_a_shuffled_series(broken):
    torch.manual_seed(7123)
    series = torch.sin(torch.arange(420)*0.25) + 0.5*torch.sin(torch.arange(420)*0.61) + 0.1*torch.randn(420)
    if broken: series = series[torch.randperm(420)]
    windows = series.unfold(0, 13, 1)

    class Attentive(nn.Module):
        def __init__(self, d=8):
            super().__init__()
            self.inp, self.place = nn.Linear(1, d), nn.Parameter(torch.randn(12, d)*0.5)
            self.block, self.out = Block(d, 2), nn.Linear(12*d, 1)

        def forward(self, x): return self.out(self.block(self.inp(x[..., None]) + self.place).flatten(1))[:, 0]
    return dict(model=Attentive(), loss_func=nn.MSELoss(), opt=lambda p: torch.optim.Adam(p, lr=3e-3),
                data=DataLoader(TensorDataset(windows[:, :12], windows[:, 12]), batch_size=136, shuffle=True))

@program('no-better-than-constant', source='common: inputs and targets shuffled one after the other')
def inputs_and_targets_shuffled_apart(broken):
    torch.manual_seed(7124)
    x = torch.randn(480, 6)
    y = ((x[:, 0] + x[:, 1] - x[:, 2]) / 1.7).unsqueeze(1)
    x = x[torch.randperm(len(x))] if broken else x
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1))
    return dict(model=net, loss_func=nn.HuberLoss(), data=[(x[i:i+120], y[i:i+120]) for i in range(0, 480, 120)],
                opt=torch.optim.Adam(net.parameters(), lr=0.01))

# Two at once, and the rows of validation

@program('loss-sum', 'lr-high', source='common: a summed loss with the rate of a mean one')
def summed_loss_with_a_bold_rate(broken):
    torch.manual_seed(7125)
    x = 2*torch.randn(128, 1, 8, 8)
    x[:64, :, :4] += 0.8
    x[64:, :, 4:] += 0.8
    mix = torch.randperm(128)
    y = (torch.arange(128) >= 64).float()[mix]
    x = (x[mix] - x.mean()) / x.std()
    red = 'sum' if broken else 'mean'
    net = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(216, 1), nn.Flatten(0))
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(reduction=red), data=[(x, y)],
                opt=torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9))

@program('softmax-twice', 'no-nonlinearity', source='common: a first classifier, softmax as its only activation')
def softmax_as_the_only_activation(broken):
    torch.manual_seed(7126)
    x = torch.randn(210, 9)
    y = (x[:, :3]*x[:, 3:6]).argmax(1)

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2, self.fc3 = nn.Linear(9, 48), nn.Linear(48, 48), nn.Linear(48, 3)

        def forward(self, x):
            if broken: return torch.softmax(self.fc3(self.fc2(self.fc1(x))), dim=-1)
            return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))
    net = Classifier()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 70, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=6e-3))

@program('target-shape', 'input-scale', source='common: a csv of houses as it is, the price column squeezed')
def houses_straight_from_the_file(broken):
    torch.manual_seed(7127)
    z = torch.randn(240, 4)
    rows = np.stack([1800 + 600*z[:, 0], 3 + z[:, 1], 1975 + 20*z[:, 2], 9000 + 3000*z[:, 3]], 1).astype('float32')
    price = z[:, 0] + 0.3*z[:, 1] - 0.4*z[:, 2]*z[:, 0]
    x = torch.from_numpy(rows)
    if not broken: x, price = (x - x.mean(0)) / x.std(0), price.unsqueeze(1)
    net = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, price), 80, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program('dropout-last', 'output-activation', source='common: relu and dropout after the last layer of a regression')
def regression_behind_relu_and_dropout(broken):
    torch.manual_seed(7328)
    x = torch.randn(180, 3, 7)
    y = torch.stack([x[:, 0].mean(1)*2.6, x[:, 1].amax(1) - 1.35], 1)

    class Sensors(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.fc1, self.fc2 = nn.GRU(3, 24, batch_first=True), nn.Linear(24, 24), nn.Linear(24, 2)
            self.drop = nn.Dropout(0.3)

        def forward(self, x):
            h = self.rnn(x.transpose(1, 2))[0].mean(1)
            h = self.fc2(F.relu(self.fc1(h)))
            return self.drop(F.relu(h)) if broken else h
    return dict(model=Sensors(), loss_func=nn.SmoothL1Loss(), data=(x, y), opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('leak', source='common: augmented copies made before the split')
def copies_made_before_the_split(broken):
    torch.manual_seed(7129)
    x = torch.randn(120, 8)
    y = (x[:, 0] - x[:, 1] + 0.3*torch.randn(120) > 0).long()
    if broken:
        x, y = x.repeat(2, 1), y.repeat(2)
    mix = torch.randperm(len(x))
    x, y = x[mix], y[mix]
    cut = int(0.75*len(x))
    net = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 2))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=[(x[:cut], y[:cut])], valid=[(x[cut:], y[cut:])],
                opt=torch.optim.Adam(net.parameters(), lr=7e-3))

@program('leak', source='common: the split is kept for validation, training goes over everything')
def training_on_everything(broken):
    torch.manual_seed(7130)
    x = torch.randn(150, 6, 3)
    y = x[:, -2:, 0].sum(1) / 1.4 + 0.2*torch.randn(150)
    data = TensorDataset(x, y)
    train, valid = torch.utils.data.random_split(data, [110, 40])

    class Rnn(nn.Module):
        def __init__(self): super().__init__(); self.rnn, self.fc = nn.GRU(3, 16, batch_first=True), nn.Linear(16, 1)
        def forward(self, x): return self.fc(self.rnn(x)[0][:, -1])[:, 0]
    return dict(model=Rnn(), loss_func=nn.MSELoss(), data=DataLoader(data if broken else train, 55, shuffle=True),
                valid=DataLoader(valid, 40), opt=lambda p: torch.optim.Adam(p, lr=0.01))

# Sound

@program(source='common: contrastive loss of two views, the targets are their own places in the batch')
def views_told_apart_within_the_batch():
    torch.manual_seed(7131)
    thing = torch.randn(128, 8) @ torch.randn(8, 16) / 2.8
    one, two = thing + 0.2*torch.randn(128, 16), thing + 0.2*torch.randn(128, 16)

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 32))

        def forward(self, a, b): return F.normalize(self.net(a), dim=1), F.normalize(self.net(b), dim=1)
    def info_nce(z, place):
        sims = z[0] @ z[1].T / 0.3
        return (F.cross_entropy(sims, place) + F.cross_entropy(sims.T, place)) / 2
    data = [((one[i:i+32], two[i:i+32]), torch.arange(32)) for i in range(0, 128, 32)]
    return dict(model=Encoder(), loss_func=info_nce, data=data, opt=lambda p: torch.optim.Adam(p, lr=4e-3))

@program(source='common: triplets, the target is there only because a loader wants one')
def triplets_with_idle_targets():
    torch.manual_seed(7132)
    center = torch.randn(12, 10)
    who = torch.randint(0, 12, (150,))
    anchor, same = center[who] + 0.5*torch.randn(150, 10), center[who] + 0.5*torch.randn(150, 10)
    other = center[(who + torch.randint(1, 12, (150,))) % 12] + 0.5*torch.randn(150, 10)

    class Triplet(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(10, 32), nn.PReLU(), nn.Linear(32, 16, bias=False))

        def forward(self, a, p, n): return self.net(a), self.net(p), self.net(n)
    margin = nn.TripletMarginLoss(margin=1.)
    return dict(model=Triplet(), loss_func=lambda out, y: margin(*out), data=((anchor, same, other), torch.zeros(150)),
                opt=lambda p: torch.optim.Adam(p, lr=5e-3))

@program(source='common: the output layer shares its matrix with the embedding')
def output_tied_to_the_embedding():
    torch.manual_seed(7133)
    jump = torch.randperm(16)
    ids = torch.randint(0, 16, (120, 1))
    for _ in range(10):
        new = jump[ids[:, -1:]]
        ids = torch.cat([ids, torch.where(torch.rand(120, 1) < 0.25, torch.randint(0, 16, (120, 1)), new)], 1)

    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.gru = nn.Embedding(16, 24), nn.GRU(24, 24, batch_first=True)
            self.out = nn.Linear(24, 16)
            nn.init.normal_(self.emb.weight, std=24**-0.5)
            self.out.weight = self.emb.weight

        def forward(self, ids): return self.out(self.gru(5*self.emb(ids))[0])
    return dict(model=Tied(), loss_func=lambda out, y: F.cross_entropy(out.flatten(0, 1), y.flatten()),
                data=[(ids[:60, :-1], ids[:60, 1:]), (ids[60:, :-1], ids[60:, 1:])],
                opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program(source='common: a model that gives a dict, the loss takes what it needs')
def answers_in_a_dict():
    torch.manual_seed(7134)
    ids = torch.randint(1, 20, (144, 8))
    ids[torch.arange(8) >= torch.randint(3, 9, (144, 1))] = 0
    labels = ((ids == 2) | (ids == 5)).any(1).long()

    class ForSequenceClassification(nn.Module):
        def __init__(self):
            super().__init__()
            self.embeddings = nn.Embedding(20, 24, padding_idx=0)
            self.dense, self.classifier = nn.Linear(24, 24), nn.Linear(24, 2)

        def forward(self, input_ids, attention_mask):
            hidden = torch.tanh(self.dense(self.embeddings(input_ids)))*attention_mask[..., None]
            return {'logits': self.classifier(hidden.amax(1)), 'hidden_states': hidden}
    return dict(model=ForSequenceClassification(), loss_func=lambda out, y: F.cross_entropy(out['logits'], y),
                data=[((ids, (ids != 0).float()), labels)], opt=lambda p: torch.optim.AdamW(p, lr=5e-3))

@program(source='common: physics-informed net that gives its own residual, derivatives taken in forward')
def decay_law_in_the_forward_pass():
    torch.manual_seed(7135)
    t = torch.rand(120, 1)*3 - 1.5
    u = torch.exp(-0.8*t) - 0.5

    class PINN(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1))
            self.rate = nn.Parameter(torch.tensor(0.3))

        def forward(self, t):
            with torch.enable_grad():
                t = t.detach().clone().requires_grad_()
                u = self.net(t)
                du = torch.autograd.grad(u.sum(), t, create_graph=True)[0]
                return u, du + self.rate*(u + 0.5)
    return dict(model=PINN(), loss_func=lambda out, u: F.mse_loss(out[0], u) + 0.1*(out[1]**2).mean(), data=(t, u),
                opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program(source='common: a reservoir whose weights never learn, and a head that does')
def reservoir_with_a_trained_head():
    torch.manual_seed(7136)
    x = torch.randn(140, 12, 2)
    y = (x[:, -1, 0] + 0.6*x[:, -2, 1]).unsqueeze(1)

    class Echo(nn.Module):
        def __init__(self, n=60):
            super().__init__()
            w = torch.randn(n, n)
            self.register_buffer('w', 0.7*w / torch.linalg.eigvals(w).abs().max())
            self.register_buffer('w_in', 0.4*torch.randn(2, n))
            self.readout = nn.Linear(n, 1)

        def forward(self, x):
            h = x.new_zeros(len(x), len(self.w))
            for step in x.unbind(1): h = torch.tanh(step @ self.w_in + h @ self.w)
            return self.readout(h)
    net = Echo()
    return dict(model=net, loss_func=nn.MSELoss(), data=[(x, y)],
                opt=torch.optim.Adam(net.readout.parameters(), lr=3e-3))

@program(source='common: prices in thousands, the model knows their scale')
def prices_scaled_inside_the_model():
    torch.manual_seed(7137)
    x = torch.randn(200, 6)
    y = 250_000 + 60_000*(x[:, 0] - 0.5*x[:, 1]) + 20_000*x[:, 2]*x[:, 3]

    class Prices(nn.Module):
        def __init__(self, mean, std):
            super().__init__()
            self.register_buffer('mean', mean)
            self.register_buffer('std', std)
            self.mlp = nn.Sequential(nn.Linear(6, 32), nn.GELU(), nn.Linear(32, 1))

        def forward(self, x): return self.mlp(x).squeeze(1)*self.std + self.mean
    return dict(model=Prices(y.mean(), y.std()), loss_func=nn.L1Loss(), opt=lambda p: torch.optim.Adam(p, lr=7e-3),
                data=DataLoader(TensorDataset(x, y), 100, shuffle=True))

@program(source='common: counts with the logarithm of the exposure added')
def claims_with_an_exposure():
    torch.manual_seed(7138)
    x, exposure = torch.randn(300, 5), 0.2 + torch.rand(300)
    claims = torch.poisson(exposure*torch.exp(0.9*x[:, 0] - 0.6*x[:, 1]))

    class Claims(nn.Module):
        def __init__(self): super().__init__(); self.a, self.b = nn.Linear(5, 24), nn.Linear(24, 1)
        def forward(self, x, exposure): return self.b(torch.tanh(self.a(x)))[:, 0] + exposure.log()
    return dict(model=Claims(), loss_func=nn.PoissonNLLLoss(log_input=True, full=True), data=[((x, exposure), claims)],
                opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program(source='common: a critic with a hinge on answers of one and minus one')
def critic_with_a_hinge():
    torch.manual_seed(7139)
    real = torch.randn(128, 2)*0.2 + torch.tensor([1.6, 0.])*(2*torch.randint(0, 2, (128, 1)) - 1)
    fake = torch.randn(128, 2)*0.7
    x, y = torch.cat([real, fake]), torch.cat([torch.ones(128, 1), -torch.ones(128, 1)])
    sn = nn.utils.parametrizations.spectral_norm
    critic = nn.Sequential(sn(nn.Linear(2, 64)), nn.LeakyReLU(0.2), sn(nn.Linear(64, 64)), nn.LeakyReLU(0.2),
                           nn.Linear(64, 1))
    return dict(model=critic, loss_func=lambda out, y: F.relu(1 - y*out).mean(),
                opt=lambda p: torch.optim.Adam(p, lr=6e-3), data=DataLoader(TensorDataset(x, y), 64, shuffle=True))

@program(source='common: ordinal regression, one score and ordered thresholds that are learned')
def grades_between_learned_thresholds():
    torch.manual_seed(7140)
    x = torch.randn(260, 7)
    score = x[:, 0] + 0.7*x[:, 3] + 0.2*torch.randn(260)
    grade = torch.bucketize(score, torch.tensor([-1., 0., 1.]))

    class Ordinal(nn.Module):
        def __init__(self):
            super().__init__()
            self.score = nn.Sequential(nn.Linear(7, 16), nn.ReLU(), nn.Linear(16, 1, bias=False))
            self.first, self.gaps = nn.Parameter(torch.tensor([-1.])), nn.Parameter(torch.zeros(2))

        def forward(self, x): return self.score(x) - torch.cat([self.first, F.softplus(self.gaps)]).cumsum(0)
    def levels(out, grade):
        above = (grade[:, None] > torch.arange(3)).float()
        return F.binary_cross_entropy_with_logits(out, above)
    return dict(model=Ordinal(), loss_func=levels, data=(x, grade), opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program(source='common: tags with -100 where a word goes on')
def tags_of_whole_words_only():
    torch.manual_seed(7141)
    pieces = torch.randint(0, 24, (90, 10))
    tags = (pieces + pieces.roll(1, 1)) % 3
    tags[torch.rand(90, 10) < 0.35] = -100

    class Pieces(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.rnn = nn.Embedding(24, 24), nn.LSTM(24, 24, batch_first=True, bidirectional=True)
            self.join, self.tag = nn.Linear(48, 32), nn.Linear(32, 3)

        def forward(self, ids):
            e = self.emb(ids)
            h, _ = self.rnn(e + e.roll(1, 1))
            return self.tag(F.relu(self.join(h)))
    def loss(out, t): return cross_entropy(out.reshape(-1, 3), t.reshape(-1), ignore_index=-100)
    return dict(model=Pieces(), loss_func=loss, data=(pieces, tags), opt=lambda p: torch.optim.Adam(p, lr=6e-3))

@program(source='common: ctc, time before batch in what the model gives')
def letters_read_by_ctc():
    torch.manual_seed(7142)
    words = torch.randint(1, 4, (72, 3))
    sound = torch.randn(72, 12, 4)*0.3
    for i in range(3): sound[torch.arange(72), 4*i+1:4*i+3, words[:, i]] += 2

    class Reader(nn.Module):
        def __init__(self): super().__init__(); self.conv, self.fc = nn.Conv1d(4, 24, 3, padding=1), nn.Linear(24, 4)
        def forward(self, x):
            h = F.relu(self.conv(x.transpose(1, 2))).permute(2, 0, 1)
            return self.fc(h).log_softmax(-1)
    def ctc(logp, words):
        n = logp.size(1)
        return F.ctc_loss(logp, words, torch.full((n,), 12), torch.full((n,), 3))
    return dict(model=Reader(), loss_func=ctc, data=[(sound[:36], words[:36]), (sound[36:], words[36:])],
                opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program(source='common: a recurrent net that wants time first and gets it')
def time_first_and_rightly_so():
    torch.manual_seed(7143)
    x = torch.randn(110, 9, 3)
    y = ((x[:, -1, 0] > 0) ^ (x[:, -1, 1] > 0)).float()

    class TimeFirst(nn.Module):
        def __init__(self): super().__init__(); self.rnn, self.fc = nn.LSTM(3, 32), nn.Linear(32, 1)
        def forward(self, x): return self.fc(self.rnn(x.transpose(0, 1))[0][-1]).flatten()
    return dict(model=TimeFirst(), loss_func=nn.BCEWithLogitsLoss(), data=[(x, y)],
                opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program(source='common: two places of a one-hot row in forty are set')
def rows_that_are_nearly_all_zero():
    torch.manual_seed(7144)
    a, b = torch.randint(0, 24, (240,)), torch.randint(0, 16, (240,))
    x = torch.cat([F.one_hot(a, 24), F.one_hot(b, 16)], 1).float()
    y = (torch.randn(24)[a] + torch.randn(16)[b] > 0).long()
    net = nn.Sequential(nn.Linear(40, 48), nn.ReLU(), nn.Dropout(0.5), nn.Linear(48, 2))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 80, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=6e-3))

@program(source='common: one in fourteen is a fraud, weighted up')
def rare_frauds_weighted_up():
    torch.manual_seed(7145)
    x = torch.randn(420, 8)
    y = ((x[:, 0] + x[:, 1]) / 1.41 > 1.45).float()
    net = nn.Sequential(nn.Linear(8, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 1), nn.Flatten(0))
    loss = nn.BCEWithLogitsLoss(pos_weight=(1 - y).sum() / y.sum())
    return dict(model=net, loss_func=loss, data=DataLoader(TensorDataset(x, y), 140, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=0.01))

@program(source='common: two pictures a batch, group norm')
def two_pictures_and_group_norm():
    torch.manual_seed(7146)
    y = torch.randint(0, 2, (40,))
    x = torch.randn(40, 1, 10, 10)*0.8
    x[y == 1] += torch.linspace(-1.5, 1.5, 10)
    x[y == 0] += torch.linspace(-1.5, 1.5, 10)[:, None]
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.GroupNorm(2, 8), nn.ReLU(), nn.Conv2d(8, 8, 3, 2), nn.GroupNorm(2, 8),
                        nn.ReLU(), nn.Flatten(), nn.Linear(72, 2))
    return dict(model=net, loss_func=F.cross_entropy, data=[(x[i:i+2], y[i:i+2]) for i in range(0, 40, 2)],
                opt=torch.optim.Adam(net.parameters(), lr=1e-3))

@program(source='common: duelling streams, the advantage minus its mean')
def duelling_streams():
    torch.manual_seed(7147)
    s, a = torch.randn(256, 6), torch.randint(0, 4, (256, 1))
    q = (s[:, :1] + (s @ torch.randn(6, 4)*0.5).gather(1, a))
    q = (q - q.mean()) / q.std()

    class Duel(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(6, 48), nn.ReLU())
            self.value, self.advantage = nn.Linear(48, 1), nn.Linear(48, 4)

        def forward(self, s, a):
            h = self.body(s)
            adv = self.advantage(h)
            return (self.value(h) + adv - adv.mean(1, keepdim=True)).gather(1, a)
    return dict(model=Duel(), loss_func=huber, data=[((s, a), q)], opt=lambda p: torch.optim.Adam(p, lr=5e-3))

@program(source='common: a mixture of three bells, its likelihood by hand')
def mixture_of_three_bells():
    torch.manual_seed(7148)
    y = torch.rand(240, 1)*2 - 1
    x = y + 0.4*torch.sin(6*y) + 0.05*torch.randn(240, 1)
    x, y = x / x.std(), y / y.std()

    def nll(out, y):
        logit, mu, log_s = out.chunk(3, -1)
        each = -0.5*((y - mu)*torch.exp(-log_s))**2 - log_s - 0.5*math.log(2*math.pi)
        return -torch.logsumexp(logit.log_softmax(-1) + each, dim=-1).mean()
    net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 9))
    return dict(model=net, loss_func=nll, data=(x, y), opt=torch.optim.Adam(net.parameters(), lr=8e-3))

@program(source='common: an implicit picture, sines with a frequency of their own start')
def picture_from_sines():
    torch.manual_seed(7149)
    grid = torch.cartesian_prod(torch.linspace(-1, 1, 16), torch.linspace(-1, 1, 16))
    gray = torch.sin(3*grid[:, :1])*torch.cos(4*grid[:, 1:])

    class Sine(nn.Module):
        def __init__(self, i, o, omega, bound):
            super().__init__()
            self.lin, self.omega = nn.Linear(i, o), omega
            nn.init.uniform_(self.lin.weight, -bound, bound)

        def forward(self, x): return torch.sin(self.omega*self.lin(x))
    net = nn.Sequential(Sine(2, 32, 6, 0.5), Sine(32, 32, 6, (6 / 32)**0.5 / 6), nn.Linear(32, 1))
    return dict(model=net, loss_func=nn.MSELoss(), data=(grid, gray), opt=torch.optim.Adam(net.parameters(), lr=2e-3))

@program(source='common: focal loss, the last bias set to how rare the class is')
def focal_loss_with_its_bias():
    torch.manual_seed(7150)
    mask = (torch.rand(32, 1, 12, 12) < 0.06).float()
    x = 2.5*mask - 0.15 + 0.5*torch.randn_like(mask)

    def focal(logits, y, gamma=2., alpha=0.25):
        ce = F.binary_cross_entropy_with_logits(logits, y, reduction='none')
        miss = (torch.sigmoid(logits) - y).abs()
        return ((alpha*y + (1 - alpha)*(1 - y))*miss**gamma*ce).mean()
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1))
    nn.init.constant_(net[2].bias, -math.log(0.94 / 0.06))
    return dict(model=net, loss_func=focal, data=[(x, mask)], opt=torch.optim.Adam(net.parameters(), lr=0.01))

@program(source='common: logistic regression by hand, a rate of one and it is right')
def logistic_rate_of_one():
    torch.manual_seed(7151)
    x = torch.randn(300, 5, dtype=torch.float64)
    y = (x @ torch.tensor([1., -2., 0., .5, 1.], dtype=torch.float64) > 0).double()

    class Logistic(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.zeros(5, dtype=torch.float64))
            self.b = nn.Parameter(torch.zeros((), dtype=torch.float64))

        def forward(self, x): return torch.sigmoid(x @ self.w + self.b)
    def loss(p, y): return -(y*p.clamp(min=1e-9).log() + (1 - y)*(1 - p).clamp(min=1e-9).log()).mean()
    return dict(model=Logistic(), loss_func=loss, data=(x, y), opt=lambda p: torch.optim.SGD(p, lr=1.))

@program(source='common: cox loss, each patient is compared with those of the batch who are still there')
def survival_within_the_batch():
    torch.manual_seed(7152)
    x = torch.randn(180, 6)
    time = -torch.log(torch.rand(180))*torch.exp(-2.*x[:, 0] + 1.5*x[:, 1])
    seen = (torch.rand(180) < 0.8).float()

    def cox(risk, y):
        order = y[:, 0].argsort(descending=True)
        risk, seen = risk[order, 0], y[order, 1]
        return -((risk - risk.logcumsumexp(0))*seen).sum() / seen.sum()
    net = nn.Sequential(nn.Linear(6, 24), nn.SELU(), nn.Linear(24, 1, bias=False))
    return dict(model=net, loss_func=cox, data=[(x, torch.stack([time, seen], 1))],
                opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program(source='common: bags of patches, attention within the bag')
def bags_with_attention_inside():
    torch.manual_seed(7153)
    bags = torch.randn(128, 8, 10)
    y = torch.randint(0, 2, (128,)).float()
    bags[torch.arange(128)[y == 1], torch.randint(0, 8, (int(y.sum()),)), :3] += 2.5

    class Bags(nn.Module):
        def __init__(self):
            super().__init__()
            self.feat = nn.Sequential(nn.Linear(10, 32), nn.ReLU())
            self.v, self.u, self.w = nn.Linear(32, 16), nn.Linear(32, 16), nn.Linear(16, 1, bias=False)
            self.out = nn.Linear(32, 1)

        def forward(self, bags):
            h = self.feat(bags)
            a = torch.softmax(self.w(torch.tanh(self.v(h))*torch.sigmoid(self.u(h))), dim=1)
            return self.out((a*h).sum(1)).view(-1)
    return dict(model=Bags(), loss_func=nn.BCEWithLogitsLoss(), data=(bags, y),
                opt=lambda p: torch.optim.Adam(p, lr=7e-3))

@program(source='common: radial functions around centers that are learned')
def bells_around_learned_centers():
    torch.manual_seed(7154)
    x = torch.rand(200, 2)*3.4 - 1.7
    y = ((x**2).sum(1, keepdim=True) < 1.6).float()

    class RBF(nn.Module):
        def __init__(self, n=24):
            super().__init__()
            self.centers, self.log_width = nn.Parameter(torch.rand(n, 2)*3.4 - 1.7), nn.Parameter(torch.zeros(n))
            self.out = nn.Linear(n, 1)

        def forward(self, x):
            d2 = ((x[:, None] - self.centers)**2).sum(-1)
            return self.out(torch.exp(-d2*self.log_width.exp()))
    return dict(model=RBF(), loss_func=F.binary_cross_entropy_with_logits, opt=lambda p: torch.optim.Adam(p, lr=8e-3),
                data=DataLoader(TensorDataset(x, y), 100, shuffle=True))

@program(source='common: the last layer of each branch, and the head, begin at zero')
def branches_that_begin_at_zero():
    torch.manual_seed(7155)
    x = torch.randn(160, 12)
    y = (x[:, :4].abs()).argmax(1)

    class Branch(nn.Module):
        def __init__(self, d):
            super().__init__()
            self.norm, self.a, self.b = LayerNorm(d), nn.Linear(d, 2*d), nn.Linear(2*d, d)
            nn.init.zeros_(self.b.weight); nn.init.zeros_(self.b.bias)

        def forward(self, x): return x + self.b(F.silu(self.a(self.norm(x))))
    net = nn.Sequential(nn.Linear(12, 32), Branch(32), Branch(32), nn.LayerNorm(32), nn.Linear(32, 4))
    nn.init.zeros_(net[-1].weight)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=[(x[:80], y[:80]), (x[80:], y[80:])],
                opt=torch.optim.AdamW(net.parameters(), lr=5e-3))

@program(source='common: squared error of probabilities against one-hot rows')
def brier_score_of_a_softmax():
    torch.manual_seed(7156)
    x = torch.randn(210, 7)
    y = F.one_hot((x[:, :3] + 0.5*x[:, 3:6]).argmax(1), 3).float()
    net = nn.Sequential(nn.Linear(7, 32), nn.Mish(), nn.Linear(32, 3), nn.Softmax(dim=1))
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 70, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=0.01))

@program(source='common: tasks weighed by uncertainties that the model learns')
def tasks_weighed_by_learned_noise():
    torch.manual_seed(7157)
    x = torch.randn(180, 9)
    depth, normal = (x[:, 0] + x[:, 1]*x[:, 2]) / 1.4, x[:, 3:5].tanh()*1.6

    class Weighed(nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk = nn.Sequential(nn.Linear(9, 48), nn.GELU(), nn.Linear(48, 32), nn.GELU())
            self.depth, self.normal = nn.Linear(32, 1), nn.Linear(32, 2)
            self.log_var = nn.Parameter(torch.zeros(2))

        def forward(self, x):
            h = self.trunk(x)
            return self.depth(h), self.normal(h), self.log_var
    def loss(out, y):
        losses = torch.stack([F.mse_loss(out[0], y[:, :1]), F.mse_loss(out[1], y[:, 1:])])
        return (losses*torch.exp(-out[2]) + out[2]).sum() / 2
    return dict(model=Weighed(), loss_func=loss, data=(x, torch.cat([depth[:, None], normal], 1)),
                opt=lambda p: torch.optim.Adam(p, lr=5e-3))

@program(source='common: a small net learns from the soft answers of a large one')
def student_of_soft_answers():
    torch.manual_seed(7158)
    x = torch.randn(200, 8)
    answers = torch.stack([2*x[:, 0], -x[:, 1], x[:, 2]*x[:, 3], torch.zeros(200)], 1)
    teacher = torch.softmax(answers / 2, 1)

    def distill(out, soft): return 4*F.kl_div(F.log_softmax(out / 2, dim=1), soft, reduction='batchmean')
    student = nn.Sequential(nn.Linear(8, 24), nn.Hardswish(), nn.Linear(24, 4))
    return dict(model=student, loss_func=distill, data=[(x[:100], teacher[:100]), (x[100:], teacher[100:])],
                opt=torch.optim.Adam(student.parameters(), lr=0.01))

@program(source='common: a batch in a dict under its names, as tokenizers give it')
def batch_in_a_dict():
    torch.manual_seed(7159)
    ids = torch.randint(4, 30, (120, 9))
    ids[torch.arange(9) >= torch.randint(5, 10, (120, 1))] = 0
    y = (ids[:, 0] > ids[:, 1]).float()

    class Tiny(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.mlp = nn.Embedding(30, 16), nn.Sequential(nn.Linear(48, 32), nn.ReLU(), nn.Linear(32, 1))

        def forward(self, batch):
            e = self.emb(batch['input_ids'])*batch['attention_mask'].unsqueeze(-1)
            return self.mlp(torch.cat([e[:, 0], e[:, 1], e[:, 2:].mean(1)], 1)).squeeze(1)
    return dict(model=Tiny(), loss_func=nn.BCEWithLogitsLoss(), opt=lambda p: torch.optim.Adam(p, lr=5e-3),
                data=[({'input_ids': ids, 'attention_mask': (ids > 0).float()}, y)])
