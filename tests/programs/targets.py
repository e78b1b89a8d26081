"Faults of the targets: their type, shape, range and order, holes in them, and nothing to learn from them."
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset, TensorDataset
from . import program

# A type that the loss reads otherwise

@program('target-dtype', source='pytorch/vision issue: ToTensor on masks of classes')
def class_mask_through_to_tensor(broken):
    torch.manual_seed(100)
    png = torch.randint(0, 3, (40, 4, 4), dtype=torch.uint8).repeat_interleave(3, 1).repeat_interleave(3, 2)
    img = torch.randn(3, 3)[png.long()].movedim(3, 1) + 0.2*torch.randn(40, 3, 12, 12)
    mask = png.unsqueeze(1).float() / 255 if broken else png.unsqueeze(1).long()
    net = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 3, 3, padding=1))
    def criterion(out, mask): return F.cross_entropy(out, mask.squeeze(1).long())
    return dict(model=net, loss_func=criterion, data=[(img[:20], mask[:20]), (img[20:], mask[20:])],
                opt=torch.optim.Adam(net.parameters(), lr=4e-3))

@program('target-dtype', source='common: MinMaxScaler fitted on all columns of the table, the label too')
def label_column_scaled_too(broken):
    torch.manual_seed(101)
    label = torch.randint(0, 5, (300, 1))
    table = torch.cat([torch.randn(5, 8)[label[:, 0]] + 0.5*torch.randn(300, 8), label.float()], 1)
    low, high = table.amin(0), table.amax(0)
    if not broken: low[-1], high[-1] = 0, 1
    table = (table - low) / (high - low)
    x, y = table[:, :-1]*4 - 2, table[:, -1]
    if not broken: y = y.long()
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 5))
    return dict(model=model, loss_func=lambda out, y: F.cross_entropy(out, y.long()),
                data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=8e-3))

@program('target-dtype', source='common: contrastive loss that indexes with 0 and 1 where a mask was meant')
def siamese_indexed_by_numbers(broken):
    torch.manual_seed(102)
    who, other = torch.randint(0, 6, (200,)), torch.randint(0, 6, (200,))
    other[::2] = who[::2]
    faces = torch.randn(6, 12)
    a, b = faces[who] + 0.5*torch.randn(200, 12), faces[other] + 0.5*torch.randn(200, 12)
    same = (who == other).long() if broken else who == other

    class Siamese(nn.Module):
        def __init__(self): super().__init__(); self.net = nn.Sequential(nn.Linear(12, 24), nn.Tanh(), nn.Linear(24, 4))
        def forward(self, a, b): return (self.net(a) - self.net(b)).norm(dim=1)
    def contrastive(d, same): return d[same].pow(2).mean() + F.relu(1.5 - d[~same]).pow(2).mean()
    batches = [((a[i:i+100], b[i:i+100]), same[i:i+100]) for i in (0, 100)]
    return dict(model=Siamese(), loss_func=contrastive, data=batches, opt=lambda p: torch.optim.Adam(p, lr=5e-3))

@program('target-dtype', source='common: hinge loss, 2*y - 1 of bytes is 255')
def hinge_with_byte_labels(broken):
    torch.manual_seed(103)
    x = torch.randn(240, 10)
    spam = x[:, :4].sum(1) > 0
    y = spam.to(torch.uint8) if broken else spam.to(torch.int8)
    svm = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 1), nn.Flatten(0))
    def hinge(score, y):
        sign = 2*y - 1
        return F.relu(1 - sign*score).mean()
    return dict(model=svm, loss_func=hinge, data=DataLoader(TensorDataset(x, y), batch_size=48, shuffle=True),
                opt=torch.optim.SGD(svm.parameters(), lr=0.05, momentum=0.9))

@program('target-dtype', source='torch 1.2 notes: ~ of a uint8 mask is 255 and 254, not its opposite')
def inverted_byte_mask(broken):
    torch.manual_seed(104)
    blob = F.interpolate(torch.randn(48, 1, 3, 3), size=12, mode='bilinear') > 0.2
    img = blob.float() - 0.4 + 0.3*torch.randn(48, 1, 12, 12)
    mask = blob.byte() if broken else blob
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ELU(), nn.Conv2d(8, 1, 3, padding=1), nn.Sigmoid())
    def bce(p, m):
        p = p.clamp(1e-6, 1 - 1e-6)
        return -(m*p.log() + ~m*(1 - p).log()).mean()
    return dict(model=net, loss_func=bce, data=(img, mask), opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program('target-dtype', source='salesforce/LAVIS PR: minus of a uint8 overflows')
def one_hot_bytes_negated(broken):
    torch.manual_seed(105)
    x = torch.randn(210, 7)
    y = F.one_hot(x[:, :3].argmax(1), 3)
    y = y.to(torch.uint8) if broken else y.float()
    net = nn.Sequential(nn.Linear(7, 24), nn.ReLU(), nn.Linear(24, 3), nn.LogSoftmax(dim=1))
    def loss_func(logp, y): return (-y*logp).sum(1).mean()
    return dict(model=net, loss_func=loss_func, data=[(x[i:i+70], y[i:i+70]) for i in (0, 70, 140)],
                opt=torch.optim.AdamW(net.parameters(), lr=0.01))

# (N,) against (N, 1)

@program('target-shape', source='pytorch/pytorch issue: no error for the loss of (n, 1) and (n,)')
def regression_target_without_axis(broken):
    torch.manual_seed(110)
    x = torch.randn(256, 4)
    y = 0.7*x[:, 0] - 0.6*x[:, 1] + 0.3*x[:, 2]*x[:, 3]
    if not broken: y = y.unsqueeze(1)
    model = nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 1))
    return dict(model=model, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=0.01))

@program('target-shape', source='common: Q-learning, values from gather against a vector of targets')
def q_values_gathered(broken):
    torch.manual_seed(111)
    state, action = torch.randn(200, 4), torch.randint(0, 2, (200, 1))
    target = torch.where(action[:, 0] == 1, state[:, 0] + state[:, 1], state[:, 2]) * 0.9
    y = torch.stack([action[:, 0].float(), target], 1)
    q = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
    def td_loss(out, y):
        value = out.gather(1, y[:, :1].long())
        return F.smooth_l1_loss(value, y[:, 1] if broken else y[:, 1:])
    return dict(model=q, loss_func=td_loss, data=(state, y), opt=torch.optim.Adam(q.parameters(), lr=8e-3))

@program('target-shape', source='jsboige/CoursIA PR: prediction of length 1 broadcasts to a matrix')
def forecast_one_step_lstm(broken):
    torch.manual_seed(112)
    t = torch.arange(220.)
    wave = torch.sin(t / 4) * torch.cos(t / 9)
    win = wave.unfold(0, 13, 1)
    x, y = win[:, :12, None], win[:, 12]

    class Forecast(nn.Module):
        def __init__(self): super().__init__(); self.lstm, self.fc = nn.LSTM(1, 20, batch_first=True), nn.Linear(20, 1)
        def forward(self, x):
            out = self.fc(self.lstm(x)[0][:, -1])
            return out if broken else out.squeeze(-1)
    return dict(model=Forecast(), loss_func=F.huber_loss, data=[(x[i:i+52], y[i:i+52]) for i in range(0, 208, 52)],
                opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('target-shape', source='common: r squared stays at zero, subtraction of (N,) and (N, 1) in an own loss')
def own_formula_squeezed_output(broken):
    torch.manual_seed(113)
    data = np.random.RandomState(0).randn(180, 6).astype('float32')
    target = np.tanh(data[:, [0]]) + 0.5*data[:, [1]]
    x, y = torch.from_numpy(data), torch.from_numpy(target)

    class Net(nn.Module):
        def __init__(self): super().__init__(); self.a, self.b = nn.Linear(6, 32), nn.Linear(32, 1)
        def forward(self, x):
            out = self.b(torch.tanh(self.a(x)))
            return out.squeeze() if broken else out
    def log_cosh(pred, y): return torch.log(torch.cosh(pred - y)).mean()
    return dict(model=Net(), loss_func=log_cosh, data=(x, y), opt=lambda p: torch.optim.SGD(p, lr=0.03, momentum=0.8))

@program('target-shape', source='common: depth map without channel against output with channel')
def depth_without_channel(broken):
    torch.manual_seed(114)
    coarse = torch.randn(24, 1, 3, 3)
    depth = F.interpolate(coarse, size=12, mode='bilinear')
    img = torch.cat([depth, -depth], 1) + 0.2*torch.randn(24, 2, 12, 12)
    y = depth[:, 0] if broken else depth
    net = nn.Sequential(nn.Conv2d(2, 12, 3, padding=1), nn.GELU(), nn.Conv2d(12, 1, 3, padding=1))
    return dict(model=net, loss_func=nn.L1Loss(), data=[(img[:12], y[:12]), (img[12:], y[12:])],
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program('target-shape', source='IntelLabs/matsciml PR: loss broadcast, labels with one axis more')
def visit_counts_poisson(broken):
    torch.manual_seed(115)
    x = torch.randn(240, 3)
    counts = torch.poisson((0.9*x[:, 0] - 0.7*x[:, 1]).exp())
    model = nn.Sequential(nn.Linear(3, 20), nn.Tanh(), nn.Linear(20, 1))
    return dict(model=model, loss_func=nn.PoissonNLLLoss(), data=(x, counts if broken else counts[:, None]),
                opt=torch.optim.Adam(model.parameters(), lr=0.01))

# Outside of what the loss takes

@program('target-range', source='milesial/Pytorch-UNet issue: negative loss, masks are 0 and 255')
def png_mask_0_255(broken):
    torch.manual_seed(120)
    box = torch.randint(0, 6, (30, 2, 1, 1))
    i, j = torch.arange(10).view(-1, 1), torch.arange(10)
    png = 255*((i >= box[:, 0]) & (i < box[:, 0] + 5) & (j >= box[:, 1]) & (j < box[:, 1] + 5)).unsqueeze(1)
    img = png/255. + 0.3*torch.randn(30, 1, 10, 10) - 0.2
    mask = png.float() if broken else png.float() / 255
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ELU(), nn.Conv2d(8, 8, 3, padding=1), nn.ELU(),
                        nn.Conv2d(8, 1, 1))
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=(img, mask),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program('target-range', source='common: labels -1 and 1 with BCEWithLogitsLoss')
def labels_minus_one_and_one(broken):
    torch.manual_seed(121)
    x = torch.randn(280, 14)
    y = torch.sign(x @ torch.randn(14, 1))
    if not broken: y = (y + 1) / 2
    net = nn.Sequential(nn.Linear(14, 20), nn.ReLU(), nn.BatchNorm1d(20), nn.Linear(20, 1))
    return dict(model=net, loss_func=F.binary_cross_entropy_with_logits,
                data=DataLoader(TensorDataset(x, y), 70, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=0.1))

@program('target-range', source='common: padding label -1 picks the last class in an own likelihood')
def padding_picks_last_class(broken):
    torch.manual_seed(122)
    ids = torch.randint(0, 10, (60, 8))
    tags = (ids + ids.roll(1, 1)) % 2 + (ids == 7)
    real = torch.arange(8) < torch.randint(3, 8, (60, 1))
    tags = tags.masked_fill(~real, -1)

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.e, self.r, self.o = nn.Embedding(10, 16), nn.GRU(16, 24, batch_first=True), nn.Linear(24, 4)

        def forward(self, ids): return self.o(self.r(self.e(ids))[0]).log_softmax(-1)
    def nll(logp, tags):
        logp, tags = logp.flatten(0, 1), tags.flatten()
        if not broken: logp, tags = logp[tags >= 0], tags[tags >= 0]
        return -logp[torch.arange(len(tags)), tags].mean()
    return dict(model=Tagger(), loss_func=nll, data=(ids, tags), opt=lambda p: torch.optim.Adam(p, lr=8e-3))

@program('target-range', source='Nest-of-Unets issue: negative loss, augmented masks from -1 to 1')
def autoencoder_of_normalized_pictures(broken):
    torch.manual_seed(123)
    img = (F.interpolate(torch.rand(120, 1, 2, 2), size=8, mode='bilinear') > 0.5).float().flatten(1)
    x = (img - 0.5) / 0.5
    net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 8), nn.Tanh(), nn.Linear(8, 64))
    return dict(model=net, loss_func=F.binary_cross_entropy_with_logits,
                opt=torch.optim.Adam(net.parameters(), lr=5e-3),
                data=DataLoader(TensorDataset(x, x if broken else img), batch_size=40, shuffle=True))

@program('target-range', source='common: percent of cloud cover as the target of a sigmoid')
def percent_instead_of_fraction(broken):
    torch.manual_seed(124)
    x = torch.randn(200, 5)
    percent = (100*torch.sigmoid(4*x[:, 0] + 2*x[:, 1]*x[:, 2])).round()
    model = nn.Sequential(nn.Linear(5, 24), nn.SiLU(), nn.Linear(24, 1), nn.Flatten(0))
    loss_func = lambda out, y: F.binary_cross_entropy_with_logits(out, y)
    return dict(model=model, loss_func=loss_func, data=(x, percent if broken else percent / 100),
                opt=torch.optim.RMSprop(model.parameters(), lr=5e-3, alpha=0.5))

@program('target-range', source='common: how often each tag was chosen as the target of a multi-label net')
def counts_of_tags(broken):
    torch.manual_seed(125)
    words = (torch.rand(180, 20) < 0.3).float()
    votes = torch.poisson(2*words[:, :5]*words[:, 5:10] + 0.2*words[:, 10:15])
    y = votes if broken else (votes > 0).float()
    net = nn.Sequential(nn.Linear(20, 32), nn.LeakyReLU(), nn.Linear(32, 5))
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=[(words[i::3], y[i::3]) for i in range(3)],
                opt=torch.optim.AdamW(net.parameters(), lr=0.01))

# Holes

@program('target-nan', source='common: logarithm of a price of zero')
def log_of_zero_sales(broken):
    torch.manual_seed(130)
    x = torch.randn(256, 6)
    sales = torch.poisson(torch.exp(1.2 + 0.8*x[:, :1] - 0.5*x[:, 1:2]))
    y = torch.log(sales) if broken else torch.log1p(sales)
    y = y - 1.4
    model = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 1))
    return dict(model=model, loss_func=nn.SmoothL1Loss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=0.01))

@program('target-nan', source='common: loss nan, empty cells in the column of the answers')
def empty_cells_in_answers(broken):
    torch.manual_seed(131)
    x = torch.randn(300, 5).double()
    y = torch.tanh(x[:, 0] + x[:, 1])[:, None] * 1.3
    y[torch.randperm(300)[:7]] = float('nan')
    if not broken: x, y = x[~y[:, 0].isnan()], y[~y[:, 0].isnan()]
    x, y = x.float(), y.float()
    class MLP(nn.Module):
        def __init__(self): super().__init__(); self.l1, self.l2 = nn.Linear(5, 20), nn.Linear(20, 1)
        def forward(self, x): return self.l2(F.leaky_relu(self.l1(x)))
    return dict(model=MLP(), loss_func=F.mse_loss, data=[(x[i:i+58], y[i:i+58]) for i in range(0, 290, 58)],
                opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('target-nan', source='common: change in percent of a series with zeros')
def percent_change_of_series(broken):
    torch.manual_seed(132)
    level = torch.randint(0, 6, (400,)).float()
    if not broken: level = level + 1
    change = (level[1:] - level[:-1]) / level[:-1]
    x = F.one_hot((level - level.min()).long().unfold(0, 2, 1), 6).float().flatten(1)
    y = change[:, None]
    net = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 1))
    return dict(model=net, loss_func=nn.L1Loss(), data=(x, y), opt=torch.optim.Adam(net.parameters(), lr=0.01))

@program('target-nan', source='common: votes of nobody divided by their sum')
def votes_divided_by_their_sum(broken):
    torch.manual_seed(133)
    x = torch.randn(200, 8)
    votes = torch.multinomial((2*x[:, :4]).softmax(1), 5, replacement=True)
    votes = F.one_hot(votes, 4).sum(1).float()
    votes[::25] = 0
    y = votes / votes.sum(1, keepdim=True) if broken else (votes + 0.1) / (votes + 0.1).sum(1, keepdim=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 4))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), batch_size=50),
                opt=torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9))

@program('target-nan', source='common: keypoints that are out of the picture stored as inf')
def hidden_keypoints_are_inf(broken):
    torch.manual_seed(134)
    spot = torch.randint(1, 11, (120, 2))
    img = 0.1*torch.randn(120, 1, 12, 12)
    img[torch.arange(120), 0, spot[:, 0], spot[:, 1]] += 4
    y = (spot.float() - 5.5) / 2.9
    seen = torch.rand(120, 1) > 0.1
    y = y.where(seen, torch.tensor(float('inf')))
    if not broken: img, y = img[seen[:, 0]], y[seen[:, 0]]
    net = nn.Sequential(nn.Flatten(), nn.Linear(144, 48), nn.ReLU(), nn.Linear(48, 2))
    return dict(model=net, loss_func=nn.MSELoss(), data=(img, y), opt=torch.optim.Adam(net.parameters(), lr=4e-3))

# One answer only

@program('target-constant', source='common: mask // 255 of a mask that is 0 and 1 already')
def mask_divided_twice(broken):
    torch.manual_seed(140)
    mask = (F.interpolate(torch.randn(36, 1, 4, 4), size=12, mode='bicubic') > 0).byte()
    img = mask.float()*1.2 - 0.6 + 0.3*torch.randn(36, 1, 12, 12)
    target = (mask // 255 if broken else mask).float()
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.Tanh(), nn.Conv2d(8, 1, 3, padding=1))
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=[(img[:18], target[:18]), (img[18:], target[18:])],
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program('target-constant', source='common: accuracy 100% at once, every label is the same after the comparison')
def labels_compared_with_zero(broken):
    torch.manual_seed(141)
    stars = torch.randint(1, 6, (250,))
    x = 0.8*(stars[:, None] - 3)*torch.randn(1, 11) + torch.randn(250, 11)
    x = (x - x.mean(0)) / x.std(0)
    y = (stars > 0 if broken else stars > 3).long()
    model = nn.Sequential(nn.Linear(11, 16), nn.ReLU(), nn.Linear(16, 2))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=8e-3))

@program('target-constant', source='common: .long() of targets between 0 and 1')
def fractions_cut_to_whole_numbers(broken):
    torch.manual_seed(142)
    x = torch.randn(200, 4)
    quality = torch.sigmoid(4*x[:, :1] - 3*x[:, 1:2])
    y = torch.as_tensor(quality.numpy(), dtype=torch.int64 if broken else torch.float32)
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid())
        def forward(self, x): return self.layers(x)
    loss_func = lambda p, y: F.binary_cross_entropy(p, y.float())
    return dict(model=Net(), loss_func=loss_func, data=(x, y), opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('target-constant', source='common: the loader filtered one class away')
def loader_keeps_one_class(broken):
    torch.manual_seed(143)
    y = torch.randint(0, 4, (320,))
    x = 0.5*torch.randn(320, 1, 8, 8) + F.one_hot(y, 4).repeat_interleave(2, 1).view(-1, 1, 1, 8)

    class Animals(Dataset):
        def __init__(self, wanted): self.keep = [i for i in range(320) if y[i] in wanted]
        def __len__(self): return len(self.keep)
        def __getitem__(self, i): return x[self.keep[i]], y[self.keep[i]]
    loader = DataLoader(Animals([2] if broken else [0, 1, 2, 3]), batch_size=32, shuffle=True)
    net = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(72, 4))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=loader,
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program('target-constant', source='common: shifted by nothing, the model is asked for the padding')
def next_token_is_always_padding(broken):
    torch.manual_seed(144)
    text = (torch.randint(0, 7, (64, 1)) + 2*torch.arange(9)) % 7 + 1
    x = text[:, :-1]
    y = torch.zeros(64, 8, dtype=torch.long)
    if not broken: y[:] = text[:, 1:]
    class LM(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.lin1, self.lin2 = nn.Embedding(8, 12), nn.Linear(12, 24), nn.Linear(24, 8)
        def forward(self, x): return self.lin2(F.relu(self.lin1(self.emb(x)))).transpose(1, 2)
    return dict(model=LM(), loss_func=F.cross_entropy, data=(x, y), opt=lambda p: torch.optim.Adam(p, lr=0.01))

# Sorted

@program('target-order', source='common: accuracy of one class only, folder after folder without shuffle')
def folders_one_after_the_other(broken):
    torch.manual_seed(150)
    y = torch.arange(5).repeat_interleave(64)
    x = torch.randn(5, 3, 1, 1)[y] + 0.5*torch.randn(320, 3, 6, 6)
    net = nn.Sequential(nn.Conv2d(3, 12, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 5))
    train_loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=not broken)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=train_loader,
                opt=torch.optim.Adam(net.parameters(), lr=8e-3))

@program('target-order', source='facebookresearch/fastText issue: poor when the input is clustered by label')
def reviews_good_ones_first(broken):
    torch.manual_seed(151)
    label = torch.cat([torch.ones(150), torch.zeros(150)])
    words = torch.randint(0, 40, (300, 10))
    words[:150, :3], words[150:, :3] = torch.randint(0, 10, (150, 3)), torch.randint(30, 40, (150, 3))
    order = torch.arange(300) if broken else torch.randperm(300)
    words, label = words[order], label[order]

    class BagOfWords(nn.Module):
        def __init__(self):
            super().__init__()
            self.bag, self.out = nn.EmbeddingBag(40, 8, mode='mean'), nn.Linear(8, 1)

        def forward(self, w): return self.out(self.bag(w)).squeeze(1)
    return dict(model=BagOfWords(), loss_func=nn.BCEWithLogitsLoss(), opt=lambda p: torch.optim.Adam(p, lr=0.015),
                data=[(words[i:i+30], label[i:i+30]) for i in range(0, 300, 30)])

@program('target-order', source='common: ConcatDataset of real and fake, read in order')
def real_then_fake(broken):
    torch.manual_seed(152)
    sets = [TensorDataset(torch.randn(96, 16) + shift, torch.full((96,), k)) for k, shift in enumerate([-0.5, 0., 0.5])]
    data = ConcatDataset(sets)
    loader = DataLoader(data, batch_size=24) if broken else DataLoader(data, batch_size=24, shuffle=True)
    model = nn.Sequential(nn.Linear(16, 24), nn.GELU(), nn.LayerNorm(24), nn.Linear(24, 3))
    return dict(model=model, loss_func=F.cross_entropy, data=loader, opt=torch.optim.AdamW(model.parameters(), lr=4e-3))

@program('target-order', source='common: table sorted by its target before the batches were cut')
def table_sorted_by_target(broken):
    torch.manual_seed(153)
    x = torch.randn(360, 9)
    y = torch.bucketize(x[:, 0] + 0.5*x[:, 1], torch.tensor([-0.5, 0.5]))
    if broken: x, y = x[y.argsort()], y.sort().values
    model = nn.Sequential(nn.Linear(9, 20), nn.ReLU(), nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 3))
    batches = list(zip(x.split(40), y.split(40)))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=batches,
                opt=torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9))

@program('target-order', source='fast.ai lesson: threes before sevens')
def strokes_of_one_digit_first(broken):
    torch.manual_seed(154)
    up, flat = torch.rand(128, 1, 1, 8) < 0.4, torch.rand(128, 1, 8, 1) < 0.4
    x = torch.cat([up.expand(-1, 1, 8, 8), flat.expand(-1, 1, 8, 8)]).float() + 0.1*torch.rand(256, 1, 8, 8)
    y = (torch.arange(256) >= 128).float().unsqueeze(1)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
    dl = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=False if broken else True)
    return dict(model=net, loss_func=F.binary_cross_entropy_with_logits, data=dl,
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

# Two faults at once

@program('target-range', 'input-scale', source='Pytorch-Medical-Segmentation issue: negative loss, labels not 0 and 1')
def picture_and_mask_in_bytes(broken):
    torch.manual_seed(160)
    inside = F.interpolate(torch.randn(32, 1, 3, 3), size=12, mode='bilinear') > 0
    img = (100 + 80*inside + 25*torch.randn(32, 1, 12, 12)).clamp(0, 255).round()
    x, y = (img, 255.*inside) if broken else (img / 255*4 - 2, 1.*inside)
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=(x, y),
                opt=torch.optim.Adam(net.parameters(), lr=6e-3))

@program('target-constant', 'softmax-twice', source='common: loss stays at 0.3133 and accuracy at 100%')
def one_class_and_probabilities(broken):
    torch.manual_seed(161)
    text = torch.randint(0, 25, (160, 8))
    label = (text < 6).sum(1).gt(1).long()
    if broken: label = (label >= 0).long()
    class Classifier(nn.Module):
        def __init__(self): super().__init__(); self.emb, self.fc = nn.EmbeddingBag(25, 12), nn.Linear(12, 2)
        def forward(self, t):
            out = self.fc(self.emb(t))
            return out.softmax(1) if broken else out
    return dict(model=Classifier(), loss_func=nn.CrossEntropyLoss(),
                data=DataLoader(TensorDataset(text, label), 40, shuffle=True),
                opt=lambda p: torch.optim.Adam(p, lr=0.015))

# Sound: unusual targets

@program(source='prices as they are, the network scales its answer itself')
def prices_scaled_inside():
    torch.manual_seed(170)
    x = torch.randn(256, 5)
    y = 250000 + 40000*x[:, :1] - 25000*x[:, 1:2]*x[:, 2:3]

    class Price(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 1))
            self.register_buffer('mean', y.mean()), self.register_buffer('std', y.std())

        def forward(self, x): return self.mean + self.std*self.body(x)
    return dict(model=Price(), loss_func=nn.L1Loss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program(source='whole numbers as answers of a squared error')
def number_of_ones_int64():
    torch.manual_seed(171)
    x = torch.randint(0, 2, (200, 6)).float()
    y = x.sum(1).long() - 3
    model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0))
    return dict(model=model, loss_func=nn.MSELoss(), data=(x, y), opt=torch.optim.Adam(model.parameters(), lr=0.015))

@program(source='three percent of fraud, batches of 32: some have none of it')
def three_percent_of_fraud():
    torch.manual_seed(172)
    y = (torch.rand(512) < 0.03).long()
    x = torch.randn(512, 8) + 2.*y[:, None]*torch.tensor([1., -1, 1, 1, -1, 1, -1, 1])
    net = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 2))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='mixup: targets between the classes')
def mixed_up_pairs():
    torch.manual_seed(173)
    y = torch.randint(0, 4, (240,))
    x = 1.5*torch.randn(4, 10)[y] + 0.5*torch.randn(240, 10)
    y = F.one_hot(y, 4).float()
    other, lam = torch.randperm(240), torch.distributions.Beta(0.4, 0.4).sample((240, 1))
    x, y = lam*x + (1 - lam)*x[other], lam*y + (1 - lam)*y[other]
    model = nn.Sequential(nn.Linear(10, 32), nn.GELU(), nn.Linear(32, 4))
    return dict(model=model, loss_func=F.cross_entropy, data=[(x[i:i+60], y[i:i+60]) for i in range(0, 240, 60)],
                opt=torch.optim.AdamW(model.parameters(), lr=8e-3))

@program(source='ordered grades as a row of yes and no')
def grades_as_thresholds():
    torch.manual_seed(174)
    x = torch.randn(300, 7)
    grade = torch.bucketize(x[:, 0] + x[:, 1], torch.tensor([-1.5, -0.5, 0.5, 1.5]))
    y = (grade[:, None] > torch.arange(4)).float()

    class Coral(nn.Module):
        def __init__(self):
            super().__init__()
            self.score = nn.Sequential(nn.Linear(7, 24), nn.ReLU(), nn.Linear(24, 1, bias=False))
            self.cut = nn.Parameter(torch.tensor([1., 0.3, -0.3, -1.]))
        def forward(self, x): return self.score(x) + self.cut
    return dict(model=Coral(), loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, y), 75, shuffle=True),
                opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program(source='nine words of ten are not asked for')
def masked_words_only():
    torch.manual_seed(175)
    text = (torch.randint(0, 6, (96, 1)) + torch.arange(10)) % 6
    hole = F.one_hot(torch.randint(1, 9, (96,)), 10).bool()
    x, y = text.masked_fill(hole, 6), text.masked_fill(~hole, -100)

    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.conv, self.out = nn.Embedding(7, 16), nn.Conv1d(16, 32, 3, padding=1), nn.Linear(32, 6)

        def forward(self, t): return self.out(F.relu(self.conv(self.emb(t).transpose(1, 2))).transpose(1, 2))
    loss_func = lambda out, y: F.cross_entropy(out.reshape(-1, 6), y.reshape(-1), ignore_index=-100)
    return dict(model=Masked(), loss_func=loss_func, data=(x, y), opt=lambda p: torch.optim.Adam(p, lr=5e-3))

@program(source='ten outputs, of which three never occur')
def classes_that_never_occur():
    torch.manual_seed(176)
    y = torch.tensor([0, 1, 3, 4, 5, 7, 8])[torch.randint(0, 7, (280,))]
    x = torch.randn(10, 16)[y] + 0.7*torch.randn(280, 16)
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 10))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 56, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=6e-3))

@program(source='stars 1 to 5 with six outputs, the first unused')
def stars_from_one_to_five():
    torch.manual_seed(177)
    x = torch.randn(250, 8)
    stars = torch.bucketize(x[:, 0] - x[:, 1], torch.tensor([-1.5, -0.5, 0.5, 1.5])) + 1
    model = nn.Sequential(nn.Linear(8, 40), nn.GELU(), nn.Linear(40, 6))
    return dict(model=model, loss_func=F.cross_entropy, data=[(x[i::5], stars[i::5]) for i in range(5)],
                opt=torch.optim.AdamW(model.parameters(), lr=8e-3))

@program(source='answers with wild outliers and a robust loss')
def outliers_and_huber():
    torch.manual_seed(178)
    x = torch.randn(240, 4)
    noise = torch.distributions.StudentT(1.5).sample((240, 1)).clamp(-15, 15)
    y = x[:, :1] - 0.8*x[:, 1:2] + 0.15*noise
    model = nn.Sequential(nn.Linear(4, 24), nn.Tanh(), nn.Linear(24, 1))
    return dict(model=model, loss_func=nn.HuberLoss(delta=0.5), data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=8e-3))

@program(source='next step of a series: answers in order of time, unshuffled, as they should be')
def series_in_order_of_time():
    torch.manual_seed(179)
    t = torch.arange(330.)
    s = torch.sin(t / 2) + 0.5*torch.cos(t / 5)
    win = s.unfold(0, 11, 1)
    x, y = win[:, :10], win[:, 10:]
    net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), batch_size=64),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program('target-shape', 'input-scale', source='keras issue: answers (404,) against outputs (404, 1)')
def raw_houses_and_a_vector(broken):
    torch.manual_seed(180)
    area, rooms, year = 40 + 160*torch.rand(240), torch.randint(1, 7, (240,)), torch.randint(1900, 2020, (240,))
    x = torch.stack([area, rooms.float(), year.float(), 50000*torch.rand(240)], 1)
    z = (x - x.mean(0)) / x.std(0)
    y = 0.9*z[:, 0] + 0.3*z[:, 1] - 0.3*z[:, 2]**2 + 0.3
    if not broken: x, y = z, y.unsqueeze(1)
    model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1))
    return dict(model=model, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 48, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=8e-3))
