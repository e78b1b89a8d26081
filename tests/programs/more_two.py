"Programs as beginners and as researchers write them: every group of faults once more, and sound ones."
import math
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrize
from torch.utils.data import DataLoader, TensorDataset
from . import program

# Inputs

@program('input-nan', source='common: churn table, charges per month of a customer who came today, 0/0')
def churn_charges_by_tenure(broken):
    torch.manual_seed(7000)
    tenure = torch.randint(0, 24, (384,)).float()
    rate, calls = 20 + 10*torch.randn(384), torch.randn(384)
    churn = ((rate - 20) / 10 + calls > 0).float()
    months = tenure if broken else tenure.clamp(min=1)
    monthly = rate*tenure / months
    x = torch.stack([(tenure - 12) / 7, (monthly - 20) / 10, calls], 1)
    net = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0))
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, churn), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program('input-nan', source='graph nets: neighbors averaged by the degree, a node with no edge')
def neighbors_of_a_lonely_node(broken):
    torch.manual_seed(7001)
    kind = torch.randint(0, 2, (160,))
    own = torch.randn(160, 6) + 1.2*(2*kind[:, None] - 1)*torch.tensor([1., 0., 1., 0., 0., -1.])
    same = kind[:, None] == kind
    edges = (torch.rand(160, 160) < torch.where(same, 0.06, 0.01)).triu(1).float()
    adjacency = edges + edges.T
    adjacency[:5], adjacency[:, :5] = 0, 0
    if not broken: adjacency = adjacency + torch.eye(160)
    x = torch.cat([own, adjacency@own / adjacency.sum(1, keepdim=True)], 1)
    net = nn.Sequential(nn.Linear(12, 24), nn.ELU(), nn.Linear(24, 2))
    return dict(model=net, loss_func=F.cross_entropy, data=(x, kind), opt=torch.optim.AdamW(net.parameters(), 3e-3))

@program('input-scale', source='remote sensing: digital numbers of a 12-bit sensor into a CNN')
def satellite_digital_numbers(broken):
    torch.manual_seed(7002)
    land = torch.randint(0, 4, (200,))
    bands = torch.tensor([[900., 2900., 1200.], [2100., 1300., 800.], [600., 900., 2500.], [1900., 2200., 2700.]])
    x = (bands[land][..., None, None] + 450*torch.randn(200, 3, 8, 8)).clamp(0, 4095)
    if not broken: x = (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), keepdim=True)
    cnn = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
    return dict(model=cnn, loss_func=nn.CrossEntropyLoss(), data=list(zip(x.split(50), land.split(50))),
                opt=torch.optim.SGD(cnn.parameters(), lr=0.05, momentum=0.9))

@program('input-scale', source='common: columns of their own units side by side, the target alone is scaled')
def flats_with_year_and_area(broken):
    torch.manual_seed(7003)
    area, year, rooms = 90 + 30*torch.randn(256), 1980 + 20*torch.randn(256), torch.randint(1, 6, (256,)).float()
    price = 2000*area + 900*(year - 1980) + 5000*rooms
    y = (price - price.mean()) / price.std()
    table = torch.stack([area, year, rooms], 1)
    if not broken: table = (table - table.mean(0)) / table.std(0)
    class Flats(nn.Module):
        def __init__(self): super().__init__(); self.a, self.b = nn.Linear(3, 16), nn.Linear(16, 1)
        def forward(self, t): return self.b(F.relu(self.a(t))).squeeze(-1)
    net = Flats()
    return dict(model=net, loss_func=F.mse_loss, data=DataLoader(TensorDataset(table, y), 32, shuffle=True),
                opt=lambda ps: torch.optim.SGD(ps, lr=0.03))

@program('input-dtype', source='common: np.array(rows, dtype=int) for measurements, model.float() later')
def cloud_of_points_as_ints(broken):
    torch.manual_seed(7004)
    ring = torch.randint(0, 2, (256,))
    angle = 6.2832*torch.rand(256, 12)
    radius = (0.8 + 0.8*ring)[:, None] + 0.1*torch.randn(256, 12)
    points = torch.stack([radius*angle.cos(), radius*angle.sin()], -1)
    if broken: points = points.long()
    class DeepSet(nn.Module):
        def __init__(self):
            super().__init__()
            self.phi = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
            self.rho = nn.Linear(32, 2)
        def forward(self, p): return self.rho(self.phi(p.float()).mean(1))
    net = DeepSet()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(),
                data=DataLoader(TensorDataset(points, ring), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program('input-dtype', source='common: standardized windows cast with .to(torch.int16) to save memory')
def standardized_windows_as_int16(broken):
    torch.manual_seed(7005)
    start, speed = 6.28*torch.rand(300, 1), 0.3 + 0.5*torch.rand(300, 1)
    waves = torch.sin(start + speed*torch.arange(25.)) / 0.7
    x, y = waves[:, :24], waves[:, 24:]
    if broken: x = x.to(torch.int16)
    class Ahead(nn.Module):
        def __init__(self): super().__init__(); self.net = nn.Sequential(nn.Linear(24, 32), nn.Tanh(), nn.Linear(32, 1))
        def forward(self, w): return self.net(w.to(torch.get_default_dtype()))
    net = Ahead()
    return dict(model=net, loss_func=nn.SmoothL1Loss(), data=[(x[:150], y[:150]), (x[150:], y[150:])],
                opt=torch.optim.RMSprop(net.parameters(), 1e-3))

@program('input-constant', source='common: the crop takes the corner, the object is in the middle')
def crop_of_the_empty_corner(broken):
    torch.manual_seed(7006)
    label = torch.randint(0, 3, (192,))
    strokes = torch.zeros(3, 8, 8)
    strokes[0, 1:7, 3:5], strokes[1, 3:5, 1:7], strokes[2] = 1, 1, torch.eye(8)
    scene = torch.zeros(192, 1, 24, 24)
    scene[:, 0, 8:16, 8:16] = strokes[label] + 0.3*torch.randn(192, 8, 8)
    x = scene[:, :, :8, :8] if broken else scene[:, :, 8:16, 8:16]
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.LeakyReLU(), nn.Linear(32, 3))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, label), 32, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=2e-3))

@program('input-constant', source='common: one row is read again and again, x[0] for x[i]')
def the_first_row_for_everyone(broken):
    torch.manual_seed(7007)
    table = torch.randn(240, 7)
    weights = torch.tensor([1., -1., 0.5, 0., 0., 2., 0.])
    answers = table@weights / weights.norm()
    rows = [(table[0 if broken else i], answers[i]) for i in range(len(table))]
    net = nn.Sequential(nn.Linear(7, 24), nn.GELU(), nn.Linear(24, 1), nn.Flatten(0))
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(rows, batch_size=40, shuffle=True),
                opt=torch.optim.NAdam(net.parameters(), lr=5e-3))

@program('input-repeated', source='common: df.explode of a list of tags, one row for each tag, cross-entropy')
def one_row_for_each_tag(broken):
    torch.manual_seed(7008)
    songs = torch.randn(160, 5)
    tags = torch.cat([songs > 0, songs < 0], 1).float()
    x = songs
    net = nn.Sequential(nn.Linear(5, 40), nn.ReLU(), nn.Linear(40, 10))
    if broken:
        row, tag = tags.nonzero(as_tuple=True)
        return dict(model=net, loss_func=nn.CrossEntropyLoss(), opt=torch.optim.Adam(net.parameters(), 3e-3),
                    data=DataLoader(TensorDataset(x[row], tag), 64, shuffle=True))
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, tags), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 3e-3))

@program('input-repeated', source='forecasting several steps ahead with one model, the step is not among the inputs')
def horizon_is_not_among_the_inputs(broken):
    torch.manual_seed(7009)
    slope, level = torch.randn(100), torch.randn(100)
    past = level[:, None] + slope[:, None]*torch.linspace(-1, 0, 8)
    step = torch.tensor([-3., -1., 1., 3.]).repeat(100)
    rows = past.repeat_interleave(4, 0)
    y = rows[:, -1] + step*slope.repeat_interleave(4)
    x = rows if broken else torch.cat([rows, step[:, None] / 2.2], 1)
    net = nn.Sequential(nn.Linear(x.shape[1], 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(),
                        nn.Linear(64, 1), nn.Flatten(0))
    return dict(model=net, loss_func=F.mse_loss, data=DataLoader(TensorDataset(x, y / y.std()), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=3e-3))

# Targets

@program('target-dtype', source='common: MinMaxScaler over the whole table, the label with it, .long() in the loss')
def label_scaled_with_the_table(broken):
    torch.manual_seed(7010)
    label = torch.randint(0, 4, (320,))
    x = torch.randn(320, 6) + 2*F.one_hot(label, 6)
    x = (x - x.mean(0)) / x.std(0)
    y = label / label.max() if broken else label
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 4))
    def hits(scores, answers): return -(F.one_hot(answers.long(), 4)*scores.log_softmax(1)).sum(1).mean()
    return dict(model=net, loss_func=hits, data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=4e-3))

@program('target-dtype', source='Siamese nets: labels as uint8, y - 1 is 255')
def same_or_not_in_uint8(broken):
    torch.manual_seed(7011)
    who = torch.randint(0, 6, (2, 256))
    who[1, ::2] = who[0, ::2]
    faces = torch.randn(6, 10)
    a, b = faces[who] + 0.2*torch.randn(2, 256, 10)
    y = (who[0] == who[1]).to(torch.uint8 if broken else torch.float32)
    class Twins(nn.Module):
        def __init__(self): super().__init__(); self.f = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 8))
        def forward(self, a, b): return (self.f(a) - self.f(b)).pow(2).sum(1)
    def contrast(d, same): return (same*d - (same - 1)*F.relu(2 - (d + 1e-6).sqrt())**2).mean()
    net = Twins()
    return dict(model=net, loss_func=contrast, data=((a, b), y), opt=torch.optim.Adam(net.parameters(), 3e-3))

@program('target-shape', source='common: windows of a series, the net gives (N, 1), the answer is (N,)')
def window_answers_without_axis(broken):
    torch.manual_seed(7012)
    t = torch.arange(340.)
    series = torch.sin(t / 6) + 0.5*torch.sin(t / 2.3)
    x = series.unfold(0, 17, 1)
    x = x[torch.randperm(len(x))]
    past, ahead = x[:, :16], x[:, 16] if broken else x[:, 16:]
    net = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 1))
    return dict(model=net, loss_func=nn.HuberLoss(), data=DataLoader(TensorDataset(past, ahead), 54, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 2e-3))

@program('target-shape', source='own logistic loss, signs (N,), scores (N, 1)')
def signs_against_a_column_of_scores(broken):
    torch.manual_seed(7013)
    x = torch.randn(256, 9)
    sign = (x[:, :3].sum(1) - x[:, 5]).sign()
    w = nn.Linear(9, 1)
    def logistic(score, s): return F.softplus(-score*s).mean()
    return dict(model=w, loss_func=logistic, data=(x, sign if broken else sign[:, None]),
                opt=torch.optim.SGD([w.weight, w.bias], 0.5))

@program('target-range', source='labels -1 and 1 as an index, both are the last of two classes')
def minus_one_is_the_last_class_too(broken):
    torch.manual_seed(7014)
    x = torch.randn(300, 4)
    y = torch.where(x[:, 0]*x[:, 1] > 0, 1, -1)
    if not broken: y = (y + 1) // 2
    net = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 2), nn.LogSoftmax(1))
    def nll(logp, t): return -logp[torch.arange(len(t)), t].mean()
    return dict(model=net, loss_func=nll, data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 1e-2))

@program('target-range', source='learning to rank: grades 0..4 straight into bce with logits')
def grades_of_relevance_as_odds(broken):
    torch.manual_seed(7015)
    query, document = torch.randn(2, 320, 8)
    grade = ((query*document).sum(1) / 2 + 2).round().clamp(0, 4)
    y = grade if broken else grade / 4
    class Scorer(nn.Module):
        def __init__(self): super().__init__(); self.net = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 1))
        def forward(self, q, d): return self.net(torch.cat([q, d, q*d], 1)).flatten()
    net = Scorer()
    data = [((q, d), g) for q, d, g in zip(query.split(64), document.split(64), y.split(64))]
    return dict(model=net, loss_func=F.binary_cross_entropy_with_logits, data=data,
                opt=torch.optim.Adam(net.parameters(), 3e-3))

@program('target-nan', source='common: share of clicks, no impressions, 0/0')
def clicks_of_a_page_never_shown(broken):
    torch.manual_seed(7016)
    x = torch.randn(280, 5)
    shown = torch.randint(0, 40, (280,)).float()
    clicks = torch.binomial(shown, torch.sigmoid(2*x[:, 0] - 1.5*x[:, 3]))
    if not broken: x, clicks, shown = x[shown > 0], clicks[shown > 0], shown[shown > 0]
    net = nn.Sequential(nn.Linear(5, 24), nn.SiLU(), nn.Linear(24, 1), nn.Sigmoid(), nn.Flatten(0))
    return dict(model=net, loss_func=F.mse_loss, data=DataLoader(TensorDataset(x, clicks / shown), 40, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program('target-nan', source='object pose: the angle by acos of a cosine a little above 1')
def angle_by_acos_of_more_than_one(broken):
    torch.manual_seed(7017)
    angle = 3.1416*torch.rand(240)
    spread = torch.linspace(0, 3.1416, 16)
    x = torch.exp(-4*(angle[:, None] - spread)**2) + 0.05*torch.randn(240, 16)
    cosine = angle.cos()*1.02
    y = torch.acos(cosine if broken else cosine.clamp(-1, 1)) - 1.57
    x = (x - x.mean()) / x.std()
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1))
    return dict(model=net, loss_func=nn.L1Loss(), data=(x, y[:, None]), opt=torch.optim.Adam(net.parameters(), 5e-3))

@program('target-constant', source='common: argmax over labels that are already whole numbers in one column')
def argmax_of_a_single_column(broken):
    torch.manual_seed(7018)
    label = torch.randint(0, 3, (210, 1))
    x = torch.randn(210, 2) + 3*torch.tensor([[0., 1.], [1., -0.5], [-1., -0.5]])[label[:, 0]]
    y = label.argmax(1) if broken else label.squeeze(1)
    net = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 3))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x / 2, y), 30, shuffle=True),
                opt=torch.optim.Adamax(net.parameters(), 1e-2))

@program('target-constant', source='common: the labels compared with a text that never comes, "Yes" and "yes"')
def yes_with_a_capital(broken):
    torch.manual_seed(7019)
    x = torch.randn(256, 6)
    words = np.where((x[:, 1] + x[:, 2] > 0).numpy(), 'yes', 'no')
    y = torch.tensor(words == ('Yes' if broken else 'yes')).float()
    net = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 1))
    def loss(out, t): return F.binary_cross_entropy_with_logits(out[:, 0], t)
    return dict(model=net, loss_func=loss, data=list(zip(x.split(64), y.split(64))),
                opt=torch.optim.SGD(net.parameters(), 0.3))

@program('target-order', source='common: cat positive.txt negative.txt, a loader without shuffle')
def all_praise_before_all_blame(broken):
    torch.manual_seed(7020)
    y = torch.arange(320) // 160
    words = torch.randint(2, 40, (320, 12))
    words[:, ::4] = 40 + 5*y[:, None] + torch.randint(0, 5, (320, 3))
    words[torch.arange(12) >= torch.randint(6, 13, (320, 1))] = 0
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.out = nn.Embedding(50, 16, padding_idx=0), nn.Linear(16, 2)
        def forward(self, w):
            real = (w > 0).unsqueeze(-1)
            return self.out((self.emb(w)*real).sum(1) / real.sum(1))
    net = Reader()
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(words, y), 32, shuffle=not broken),
                opt=torch.optim.Adam(net.parameters(), 1e-2))

@program('target-order', source='common: batches made by groupby over the class')
def batches_by_groupby(broken):
    torch.manual_seed(7021)
    y = torch.arange(5).repeat_interleave(48)
    x = torch.randn(240, 10) + 2.5*F.one_hot(y, 10) - 0.25
    order = torch.arange(240) if broken else torch.randperm(240)
    data = [(x[i], y[i]) for i in order.split(24)]
    net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 5))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=data,
                opt=torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, nesterov=True))

# Losses

@program('softmax-twice', source='transformers with a mask: probabilities returned, cross-entropy outside')
def masked_encoder_of_probabilities(broken):
    torch.manual_seed(7022)
    y = torch.randint(0, 3, (128,))
    ids = torch.randint(4, 20, (128, 10))
    ids[:, 2] = y + 1
    ids[torch.arange(10) >= torch.randint(5, 11, (128, 1))] = 0
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.place = nn.Embedding(20, 16), nn.Parameter(0.1*torch.randn(10, 16))
            self.layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0., batch_first=True)
            self.head = nn.Linear(16, 3)
        def forward(self, ids):
            pad = ids == 0
            h = self.layer(self.emb(ids) + self.place, src_key_padding_mask=pad)
            h = h.masked_fill(pad[..., None], 0).sum(1) / (~pad).sum(1, keepdim=True)
            return self.head(h).softmax(-1) if broken else self.head(h)
    net = Encoder()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=list(zip(ids.split(32), y.split(32))),
                opt=torch.optim.AdamW(net.parameters(), 3e-3))

@program('softmax-twice', source='knowledge distillation: the student ends in softmax, soft cross-entropy follows')
def student_ends_in_probabilities(broken):
    torch.manual_seed(7023)
    x = torch.randn(256, 12)
    teacher = nn.Linear(12, 6).requires_grad_(False)
    soft = (12*teacher(x)).softmax(1)
    student = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 6))
    if broken: student.append(nn.Softmax(dim=1))
    return dict(model=student, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, soft), 64, shuffle=True),
                opt=torch.optim.Adam(student.parameters(), lr=5e-3))

@program('sigmoid-twice', source='U-Net: sigmoid as the last layer, BCEWithLogitsLoss')
def unet_with_sigmoid_and_logits(broken):
    torch.manual_seed(7024)
    y = (torch.rand(32, 1, 3, 3) > 0.5).float().repeat_interleave(4, 2).repeat_interleave(4, 3)
    x = 2*y - 1 + 0.7*torch.randn(32, 1, 12, 12)
    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.down, self.mid = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, stride=2, padding=1)
            self.up, self.out = nn.ConvTranspose2d(16, 8, 2, 2), nn.Conv2d(16, 1, 1)
        def forward(self, x):
            a = F.relu(self.down(x))
            z = self.out(torch.cat([a, F.relu(self.up(F.relu(self.mid(a))))], 1))
            return torch.sigmoid(z) if broken else z
    net = UNet()
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, y), 8, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 4e-3))

@program('sigmoid-twice', source='multi-label: sigmoid in forward, own focal loss takes the sigmoid again')
def tags_squashed_for_focal_too(broken):
    torch.manual_seed(7025)
    x = torch.randn(288, 10)
    tags = (x@torch.randn(10, 6) > 0).float()
    class Tagger(nn.Module):
        def __init__(self): super().__init__(); self.hidden, self.tags = nn.Linear(10, 32), nn.Linear(32, 6)
        def forward(self, x):
            z = self.tags(F.relu(self.hidden(x)))
            return z.sigmoid() if broken else z
    def focal(z, t):
        p = torch.sigmoid(z)
        hit = torch.where(t > 0, p, 1 - p)
        return (-(1 - hit)**1.5*torch.log(hit + 1e-8)).mean()
    net = Tagger()
    return dict(model=net, loss_func=focal, data=DataLoader(TensorDataset(x, tags), 48, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program('nll-without-log', source='graph nets by adjacency: softmax at the end, F.nll_loss')
def adjacency_net_softmax_nll(broken):
    torch.manual_seed(7026)
    kind = torch.randint(0, 3, (120,))
    adjacency = (torch.rand(120, 120) < torch.where(kind[:, None] == kind, 0.12, 0.01)).float()
    adjacency = ((adjacency + adjacency.T) > 0).float() + torch.eye(120)
    degree = adjacency.sum(1).rsqrt()
    x = 1.5*F.one_hot(kind, 8) + torch.randn(120, 8)
    class GCN(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer('a', degree[:, None]*adjacency*degree)
            self.one, self.two = nn.Linear(8, 16), nn.Linear(16, 3)
        def forward(self, x):
            z = self.a@self.two(F.relu(self.a@self.one(x)))
            return F.softmax(z, dim=1) if broken else F.log_softmax(z, dim=1)
    net = GCN()
    return dict(model=net, loss_func=F.nll_loss, data=(x, kind), opt=torch.optim.Adam(net.parameters(), 1e-2))

@program('nll-without-log', source='common: nn.NLLLoss on plain scores, the log-softmax left in a comment')
def plain_scores_of_a_set_into_nll(broken):
    torch.manual_seed(7027)
    y = torch.randint(0, 4, (200,))
    sets = torch.randn(200, 7, 3) + torch.tensor([[1., 1, 0], [-1, 1, 0], [0, -1, 1], [0, -1, -1]])[y][:, None]
    parts = nn.ModuleDict(dict(phi=nn.Linear(3, 24), rho=nn.Linear(24, 4)))
    class SetNet(nn.Module):
        def __init__(self): super().__init__(); self.parts = parts
        def forward(self, s):
            z = self.parts['rho'](F.gelu(self.parts['phi'](s)).mean(1))
            return z if broken else z.log_softmax(-1)
    net = SetNet()
    return dict(model=net, loss_func=nn.NLLLoss(), data=DataLoader(TensorDataset(sets, y), 50, shuffle=True),
                opt=torch.optim.RMSprop(net.parameters(), lr=3e-3))

@program('loss-one-class', source='common: one output and float labels (N, 1) into cross-entropy, loss is 0.000')
def verified_by_cross_entropy_of_one(broken):
    torch.manual_seed(7028)
    a = torch.randn(240, 6)
    y = torch.randint(0, 2, (240, 1)).float()
    b = torch.where(y > 0, a + 0.2*torch.randn(240, 6), torch.randn(240, 6))
    class Verify(nn.Module):
        def __init__(self): super().__init__(); self.e, self.out = nn.Linear(6, 16), nn.Linear(16, 1)
        def forward(self, a, b): return self.out((self.e(a) - self.e(b)).abs())
    net = Verify()
    return dict(model=net, loss_func=nn.CrossEntropyLoss() if broken else nn.BCEWithLogitsLoss(), data=[((a, b), y)],
                opt=torch.optim.Adam(net.parameters(), 1e-2))

@program('loss-one-class', source='discriminator: log-softmax over the one column of its answer')
def log_softmax_of_the_only_column(broken):
    torch.manual_seed(7029)
    real = torch.stack([torch.randn(128), 0.3*torch.randn(128) + 1], 1)
    x = torch.cat([real, torch.randn(128, 2)*torch.tensor([1., 0.3]) - torch.tensor([0., 1.])])
    y = torch.cat([torch.ones(128, 1), torch.zeros(128, 1)])
    disc = nn.Sequential(nn.Linear(2, 24), nn.LeakyReLU(0.2), nn.Linear(24, 1))
    def real_or_fake(z, t):
        if broken: return -(t*F.log_softmax(z, dim=1)).mean()
        return -(t*F.logsigmoid(z) + (1 - t)*F.logsigmoid(-z)).mean()
    return dict(model=disc, loss_func=real_or_fake, data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(disc.parameters(), lr=2e-3, betas=(0.5, 0.999)))

@program('loss-axis', source='char-RNN: scores (N, T, C), log-softmax over the time')
def characters_normalized_over_time(broken):
    torch.manual_seed(7030)
    start, step = torch.randint(0, 8, (96, 1)), torch.randint(1, 3, (96, 1))
    text = (start + step*torch.arange(13)) % 8
    class CharRNN(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.rnn, self.out = nn.Embedding(8, 12), nn.GRU(12, 24, batch_first=True), nn.Linear(24, 8)
        def forward(self, t): return self.out(self.rnn(self.emb(t))[0])
    def nll(z, t):
        logp = F.log_softmax(z, dim=1 if broken else 2)
        return -logp.gather(2, t[..., None]).mean()
    net = CharRNN()
    return dict(model=net, loss_func=nll, data=list(zip(text[:, :-1].split(24), text[:, 1:].split(24))),
                opt=torch.optim.Adam(net.parameters(), 1e-2))

@program('loss-axis', source='common: "Implicit dimension choice", dim=0 put in to silence it')
def dimension_zero_to_silence_the_warning(broken):
    torch.manual_seed(7031)
    y = torch.randint(0, 6, (300,))
    x = torch.randn(300, 9) + 2*F.one_hot(y, 9)
    net = nn.Sequential(nn.Linear(9, 32), nn.Sigmoid(), nn.Linear(32, 6), nn.LogSoftmax(dim=0 if broken else 1))
    return dict(model=net, loss_func=nn.NLLLoss(), data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 1e-2))

@program('loss-detached', source='common: "element 0 of tensors does not require grad", requires_grad=True put in')
def made_to_require_a_gradient(broken):
    torch.manual_seed(7032)
    x = torch.randn(200, 6)
    y = x[:, :2]*2 - x[:, 2:4]
    net = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 2))
    def distance(p, t):
        d = (p - t).pow(2).sum(1).mean()
        return torch.tensor(d.item(), requires_grad=True) if broken else d
    return dict(model=net, loss_func=distance, data=(x, y), opt=torch.optim.SGD(net.parameters(), lr=0.05))

@program('loss-detached', source='common: intersection over union by numpy within the loss')
def boxes_judged_in_numpy(broken):
    torch.manual_seed(7033)
    middle = 2*torch.rand(180, 2) - 1
    grid = torch.linspace(-1, 1, 8)
    x = torch.cat([torch.exp(-8*(middle[:, :1] - grid)**2), torch.exp(-8*(middle[:, 1:] - grid)**2)], 1)
    x = (x - x.mean()) / x.std()
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))
    def off(p, t):
        if broken: return torch.from_numpy(np.abs(p.detach().numpy() - t.numpy())).mean().requires_grad_()
        return (p - t).abs().mean()
    return dict(model=net, loss_func=off, data=list(zip(x.split(60), middle.split(60))),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program('loss-sign', source='density model: the log-likelihood itself is handed to the minimizer')
def mixture_log_likelihood_minimized(broken):
    torch.manual_seed(7034)
    x = torch.randn(256, 3)
    y = 0.8*x[:, 0] - 0.5*x[:, 1] + 0.1*torch.randn(256)
    net = nn.Sequential(nn.Linear(3, 24), nn.Tanh(), nn.Linear(24, 2))
    def likelihood(p, t):
        logp = torch.distributions.Normal(p[:, 0], F.softplus(p[:, 1]) + 0.05).log_prob(t).mean()
        return logp if broken else -logp
    return dict(model=net, loss_func=likelihood, data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program('loss-sign', source='word2vec with negative samples: the minus of the sum is missing')
def negative_sampling_without_its_minus(broken):
    torch.manual_seed(7035)
    center = torch.randint(0, 24, (300,))
    near = (center // 6)*6 + torch.randint(0, 6, (300,))
    far = (near + torch.randint(6, 19, (300,))) % 24
    words = torch.stack([near, far], 1)
    class SkipGram(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Embedding(24, 8), nn.Embedding(24, 8)
            nn.init.normal_(self.a.weight, 0, 0.3), nn.init.normal_(self.b.weight, 0, 0.3)
        def forward(self, c, w): return (self.a(c)[:, None]*self.b(w)).sum(-1)
    def negative_sampling(s, sign):
        total = F.logsigmoid(sign*s).mean()
        return total if broken else -total
    net = SkipGram()
    return dict(model=net, loss_func=negative_sampling,
                data=((center, words), torch.tensor([[1., -1.]]).repeat(300, 1)),
                opt=torch.optim.Adagrad(net.parameters(), lr=0.05))

@program('loss-shape', source='common: "grad can be implicitly created only for scalar outputs", reduction="none"')
def class_weights_one_loss_per_item(broken):
    torch.manual_seed(7036)
    y = (torch.rand(240) < 0.25).long()
    x = torch.randn(240, 6) + 1.5*y[:, None]
    x = x - x.mean(0)
    net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))
    weight = torch.tensor([0.67, 2.])
    def weighted(z, t):
        losses = weight[t]*F.cross_entropy(z, t, reduction='none')
        return losses if broken else losses.mean()
    return dict(model=net, loss_func=weighted, data=(x, y), opt=torch.optim.Adam(net.parameters(), 5e-3))

@program('loss-shape', source='multi-task: one loss for each task, stacked and never added')
def two_tasks_stacked_never_added(broken):
    torch.manual_seed(7037)
    x = torch.randn(220, 5)
    y = torch.stack([x.sum(1) / 2, (x[:, 0] > x[:, 1]).float()], 1)
    body, heads = nn.Sequential(nn.Linear(5, 32), nn.ReLU()), nn.Linear(32, 2)
    def both(p, t):
        losses = torch.stack([F.mse_loss(p[:, 0], t[:, 0]), F.binary_cross_entropy_with_logits(p[:, 1], t[:, 1])])
        return losses if broken else losses.sum()
    net = nn.Sequential(body, heads)
    return dict(model=net, loss_func=both, data=DataLoader(TensorDataset(x, y), 44, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 3e-3))

@program('loss-start', source='language model: the bias of the head set to the counts, not to their logarithms')
def head_bias_of_raw_counts(broken):
    torch.manual_seed(7038)
    share = torch.tensor([0.4, 0.2, 0.2, 0.1, 0.05, 0.05])
    y = torch.multinomial(share, 320, replacement=True)
    x = torch.randn(320, 8) + 1.5*F.one_hot(y, 8)
    x = x - x.mean(0)
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 6))
    counts = torch.bincount(y, minlength=6).float()
    with torch.no_grad(): net[2].bias.copy_(counts if broken else (counts / counts.sum()).log())
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 3e-3))

@program('loss-start', source='common: the scores multiplied by the square root of the width where they are divided')
def scores_times_the_root_of_the_width(broken):
    torch.manual_seed(7039)
    y = torch.randint(0, 4, (256,))
    x = torch.randn(256, 16) + 1.5*F.one_hot(y, 16)
    class Prototypes(nn.Module):
        def __init__(self):
            super().__init__()
            self.f = nn.Sequential(nn.Linear(16, 64), nn.LayerNorm(64))
            self.classes = nn.Parameter(0.3*torch.randn(4, 64))
        def forward(self, x):
            s = self.f(x)@self.classes.T
            return s*8 if broken else s / 8
    net = Prototypes()
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program('loss-sum', source='autoencoder: nn.MSELoss(reduction="sum") taken from a VAE')
def autoencoder_summed_over_pictures(broken):
    torch.manual_seed(7040)
    code = torch.randn(256, 3)
    x = code@torch.randn(3, 20) / 3**0.5
    net = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 4), nn.ELU(),
                        nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 20))
    return dict(model=net, loss_func=nn.MSELoss(reduction='sum' if broken else 'mean'),
                data=DataLoader(TensorDataset(x, x), 64, shuffle=True), opt=torch.optim.Adam(net.parameters(), 5e-3))

@program('loss-sum', source='char models: the loss of every token added up, the batch enlarged later')
def every_token_added_up(broken):
    torch.manual_seed(7041)
    ids = (torch.randint(0, 6, (128, 1)) + torch.arange(9)) % 6
    class Bigram(nn.Module):
        def __init__(self): super().__init__(); self.emb, self.out = nn.Embedding(6, 16), nn.Linear(16, 6)
        def forward(self, i): return self.out(F.relu(self.emb(i)))
    def total(z, t):
        losses = [F.cross_entropy(z[:, i], t[:, i], reduction='sum' if broken else 'mean') for i in range(t.shape[1])]
        return sum(losses) if broken else sum(losses) / len(losses)
    net = Bigram()
    return dict(model=net, loss_func=total, data=list(zip(ids[:, :-1].split(32), ids[:, 1:].split(32))),
                opt=torch.optim.Adam(net.parameters(), 1e-2))
