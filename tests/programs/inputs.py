"Faults of the inputs: holes, scale, type, nothing in them, the same items again; and sound programs with unusual ones."
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset
from . import program

# Holes

@program('input-nan', source='common: loss nan from the first batch, empty cells in the table')
def passengers_without_age(broken):
    torch.manual_seed(200)
    table = torch.randn(320, 6)
    y = (table[:, 0] - table[:, 1] + 0.5*table[:, 4] > 0).float().unsqueeze(1)
    table[torch.rand(320) < 0.1, 2] = float('nan')
    x = table if broken else torch.nan_to_num(table, nan=0.)
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))
    return dict(model=model, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=8e-3))

@program('input-nan', source='evandowning/deepreflect issue: a column of zeros divided by its maximum')
def standardized_constant_column(broken):
    torch.manual_seed(201)
    x = torch.rand(240, 8)*torch.tensor([1., 5., 20., 3., 1., 1., 2., 8.])
    x[:, 5] = 1.
    y = ((x[:, 1] / 5 + x[:, 2] / 20) > 1).long()
    std = x.std(0)
    x = (x - x.mean(0)) / (std if broken else std.clamp(min=1e-6))
    net = nn.Sequential(nn.Linear(8, 24), nn.Tanh(), nn.Linear(24, 2))
    return dict(model=net, loss_func=F.cross_entropy, data=[(x[:120], y[:120]), (x[120:], y[120:])],
                opt=torch.optim.SGD(net.parameters(), lr=0.04, momentum=0.9))

@program('input-nan', source='common: spectrogram in decibels, silence is minus infinity')
def decibels_of_silence(broken):
    torch.manual_seed(202)
    y = torch.randint(0, 3, (120,))
    t = torch.arange(64.)
    sound = torch.sin(t*torch.tensor([0.3, 0.9, 2.])[y, None] + 6*torch.rand(120, 1)) + 0.1*torch.randn(120, 64)
    sound[:, :16] = 0
    power = torch.fft.rfft(sound.unfold(1, 16, 16)).abs()**2
    x = torch.log10(power if broken else power + 1e-2).transpose(1, 2)

    class Sounds(nn.Module):
        def __init__(self): super().__init__(); self.conv, self.fc = nn.Conv1d(9, 16, 2), nn.Linear(16, 3)
        def forward(self, x): return self.fc(F.relu(self.conv(x)).mean(2))
    return dict(model=Sounds(), loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), batch_size=40),
                opt=lambda p: torch.optim.Adam(p, lr=8e-3))

@program('input-nan', source='fxia22/pointnet.pytorch issue: nan after normalizing one model')
def clouds_scaled_by_their_radius(broken):
    torch.manual_seed(203)
    y = torch.randint(0, 2, (150,))
    cloud = torch.randn(150, 12, 3)
    cloud[..., 2] *= torch.where(y == 1, 0.1, 1.)[:, None]
    cloud[[17, 80]] = torch.tensor([0.3, -0.2, 0.5])
    cloud = cloud - cloud.mean(1, keepdim=True)
    cloud[[17, 80]] = 0
    radius = cloud.norm(dim=2).amax(1).view(-1, 1, 1)
    x = 2*cloud / (radius if broken else radius.clamp(min=1e-3))

    class PointNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = nn.Linear(3, 24), nn.Linear(24, 24), nn.Linear(24, 2)

        def forward(self, x): return self.c(F.relu(self.b(F.relu(self.a(x)))).amax(1))
    return dict(model=PointNet(), loss_func=nn.CrossEntropyLoss(), data=(x, y),
                opt=lambda p: torch.optim.Adam(p, lr=6e-3))

# Scale

@program('input-scale', source='common: network does not train on pixels of 0 to 255')
def pixels_0_to_255(broken):
    torch.manual_seed(210)
    y = torch.randint(0, 4, (256,))
    img = 90*torch.rand(256, 1, 8, 8) + 150*F.one_hot(y, 4).repeat_interleave(2, 1).view(-1, 1, 8, 1)
    x = img.byte().float()
    if not broken: x = (x / 255 - 0.32) / 0.28
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2), nn.ReLU(), nn.Flatten(),
                        nn.Linear(64, 4))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9))

@program('input-scale', source='common: salary beside age, the network answers the mean')
def salary_beside_age(broken):
    torch.manual_seed(211)
    age, salary = 20 + 45*torch.rand(300), 18000 + 90000*torch.rand(300)
    kids = torch.randint(0, 4, (300,)).float()
    y = ((age - 42) / 13*0.8 + (kids - 1.5)*0.4 - (salary - 63000) / 26000*0.5)[:, None]
    x = torch.stack([age, salary, kids], 1)
    if not broken: x = (x - x.mean(0)) / x.std(0)
    model = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 1))
    return dict(model=model, loss_func=F.mse_loss, data=[(x[i:i+60], y[i:i+60]) for i in range(0, 300, 60)],
                opt=torch.optim.Adam(model.parameters(), lr=8e-3))

@program('input-scale', source='common: stock prices as they are into an LSTM')
def prices_as_they_are(broken):
    torch.manual_seed(212)
    steps = torch.randn(300)
    steps[1:] += 0.8*steps[:-1]
    price = 1500 + 6*steps.cumsum(0)
    win = price.unfold(0, 9, 1)
    x, y = win[:, :8, None], (steps[8:] > 0).float()[:, None]
    if not broken: x = (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True)

    class Trend(nn.Module):
        def __init__(self): super().__init__(); self.rnn, self.fc = nn.LSTM(1, 16, batch_first=True), nn.Linear(16, 1)
        def forward(self, x): return self.fc(self.rnn(x)[1][0][-1])
    return dict(model=Trend(), loss_func=nn.BCEWithLogitsLoss(), data=[(x[:146], y[:146]), (x[146:], y[146:])],
                opt=lambda p: torch.optim.Adam(p, lr=0.012))

@program('input-scale', source='common: time stamps in seconds as a feature')
def time_stamps_in_seconds(broken):
    torch.manual_seed(213)
    stamp = 1.6e9 + 86400*14*torch.rand(280, 1, dtype=torch.float64)
    hour = (stamp % 86400) / 3600
    load = torch.sin(hour / 24*6.283) + 0.4*(hour > 18)
    temp = torch.randn(280, 1)
    x = torch.cat([stamp if broken else (hour - 12) / 7, temp], 1).float()
    y = (load + 0.3*temp).float()
    class Load(nn.Module):
        def __init__(self): super().__init__(); self.seq = nn.Sequential(nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 1))
        def forward(self, x): return self.seq(x)
    return dict(model=Load(), loss_func=nn.L1Loss(), data=DataLoader(TensorDataset(x, y), batch_size=70, shuffle=True),
                opt=lambda p: torch.optim.AdamW(p, lr=8e-3))

@program('input-scale', source='common: measured currents of some microamperes, nothing is learned')
def currents_in_amperes(broken):
    torch.manual_seed(214)
    y = torch.randint(0, 3, (180,))
    t = torch.linspace(0, 1, 20)
    shape = torch.stack([torch.exp(-3*t), t*torch.exp(-3*t)*5, torch.sin(6*t)])
    current = 2e-6*(shape[y] + 0.3*torch.randn(180, 20))
    x = (current if broken else current / 1e-6)[:, None]
    net = nn.Sequential(nn.Conv1d(1, 12, 5), nn.ReLU(), nn.Flatten(), nn.Linear(192, 3))
    return dict(model=net, loss_func=F.cross_entropy, data=(x, y), opt=torch.optim.Adam(net.parameters(), lr=4e-3))

# Whole numbers

@program('input-dtype', source='common: standardized table cast to long')
def standardized_then_long(broken):
    torch.manual_seed(220)
    x = 0.8*torch.randn(300, 10)
    y = (x[:, :5].sum(1) > 0).long()
    x = torch.as_tensor(x.numpy(), dtype=torch.long if broken else torch.float)

    class MLP(nn.Module):
        def __init__(self): super().__init__(); self.fc1, self.fc2 = nn.Linear(10, 24), nn.Linear(24, 2)
        def forward(self, x): return self.fc2(F.relu(self.fc1(x.float())))
    return dict(model=MLP(), loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=lambda p: torch.optim.Adam(p, lr=8e-3))

@program('input-dtype', source='cm-jsw/GraphCut issue: difference of uint8 wraps')
def bytes_minus_the_mean(broken):
    torch.manual_seed(221)
    y = torch.randint(0, 3, (150,))
    base = torch.tensor([110., 127., 144.])[y].view(-1, 1, 1, 1)
    img = (base + 12*torch.randn(150, 3, 6, 6)).clamp(0, 255).byte()
    x = img if broken else img.float()

    class Net(nn.Module):
        def __init__(self): super().__init__(); self.conv, self.out = nn.Conv2d(3, 12, 3), nn.Linear(12, 3)
        def forward(self, x):
            x = (x - 127) / 18
            return self.out(F.leaky_relu(self.conv(x)).mean((2, 3)))
    return dict(model=Net(), loss_func=F.cross_entropy, data=[(x[i:i+50], y[i:i+50]) for i in (0, 50, 100)],
                opt=lambda p: torch.optim.Adam(p, lr=8e-3))

@program('input-dtype', source='common: energy of int16 samples overflows')
def energy_of_int16_samples(broken):
    torch.manual_seed(222)
    loud = torch.randint(0, 2, (160, 1))
    wav = (torch.randn(160, 1, 64)*(2500 + 5000*loud.view(-1, 1, 1))).clamp(-32768, 32767)
    x = wav.to(torch.int16) if broken else wav.round()

    class Loudness(nn.Module):
        def __init__(self): super().__init__(); self.net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
        def forward(self, x):
            power = (x*x).unflatten(2, (4, 16)).float().mean(3).squeeze(1)
            return self.net(power / 2e7 - 1.2)
    return dict(model=Loudness(), loss_func=F.binary_cross_entropy_with_logits, data=(x, loud.float()),
                opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('input-dtype', source='common: read_csv with dtype int, the fractions are gone')
def csv_read_as_int(broken):
    rng = np.random.default_rng(3)
    torch.manual_seed(223)
    table = rng.normal(0, 0.7, (220, 5))
    target = np.sin(table[:, :1]*2) + table[:, 1:2]*table[:, 2:3]
    x = torch.from_numpy(table.astype('int64' if broken else 'float32'))
    y = torch.from_numpy(target.astype('float32'))
    class Regressor(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(5, 48), nn.SiLU(), nn.Linear(48, 1))
        def forward(self, x): return self.body(x.to(torch.float32))
    return dict(model=Regressor(), loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), batch_size=55),
                opt=lambda p: torch.optim.Adam(p, lr=7e-3))

# Nothing in them

@program('input-constant', source='common: __getitem__ that always reads the first file')
def getitem_reads_the_first_file(broken):
    torch.manual_seed(230)
    labels = torch.randint(0, 3, (192,))
    files = torch.randn(3, 1, 7, 7)[labels] + 0.5*torch.randn(192, 1, 7, 7)

    class Pictures(Dataset):
        def __len__(self): return len(labels)
        def __getitem__(self, idx):
            picture = files[0] if broken else files[idx]
            return picture, labels[idx]
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(200, 3))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(Pictures(), batch_size=48, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=3e-3))

@program('input-constant', source='common: uint8 picture divided by 255 with //')
def whole_division_by_255(broken):
    torch.manual_seed(231)
    mask = F.interpolate(torch.rand(40, 1, 3, 3), size=12) > 0.6
    img = (60 + 120*mask + 20*torch.randn(40, 1, 12, 12)).clamp(0, 254).byte()
    x = (img // 255).float() if broken else img / 255
    y = mask.float()
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
    return dict(model=net, loss_func=F.binary_cross_entropy_with_logits, data=[(x[:20], y[:20]), (x[20:], y[20:])],
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program('input-constant', source='common: buffer of the table filled after it was copied into the tensor')
def columns_never_filled(broken):
    torch.manual_seed(232)
    source = torch.randn(260, 12)
    y = source[:, 2:10].sum(1, keepdim=True) / 3
    x = torch.zeros(260, 12)
    columns = range(0, 2) if broken else range(12)
    for c in columns: x[:, c] = source[:, c]
    model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 1))
    return dict(model=model, loss_func=nn.SmoothL1Loss(), data=DataLoader(TensorDataset(x, y), 65, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=8e-3))

@program('input-constant', source='common: every sentence cut to its padding')
def sentences_cut_to_padding(broken):
    torch.manual_seed(233)
    words = torch.randint(3, 30, (160, 6))
    y = (words < 10).any(1).long()
    text = torch.cat([words, torch.zeros(160, 8, dtype=torch.long)], 1)
    x = text[:, -6:] if broken else text[:, :6]

    class TextNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.fc1, self.fc2 = nn.Embedding(30, 16), nn.Linear(16, 32), nn.Linear(32, 2)

        def forward(self, ids): return self.fc2(F.relu(self.fc1(self.emb(ids))).amax(1))
    return dict(model=TextNet(), loss_func=nn.CrossEntropyLoss(), data=[(x[i::4], y[i::4]) for i in range(4)],
                opt=lambda p: torch.optim.Adam(p, lr=8e-3))

# The same items again, with other answers

@program('input-repeated', source='Li-Wanhua/POEs issue: repeat or repeat_interleave')
def repeat_against_repeat_interleave(broken):
    torch.manual_seed(240)
    scene = torch.randn(60, 10)
    label = (scene @ torch.randn(10, 4)).argmax(1)
    x = scene.repeat(4, 1)
    y = label.repeat_interleave(4) if broken else label.repeat(4)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 48, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=5e-3))

@program('input-repeated', source='common: one buffer for all batches, each list entry is the last batch')
def one_buffer_for_all_batches(broken):
    torch.manual_seed(241)
    weight = torch.randn(8, 1) / 3
    buffer, batches = torch.empty(40, 8), []
    for _ in range(6):
        buffer.normal_()
        y = torch.tanh(buffer @ weight) + 0.4*buffer[:, :1]
        batches.append((buffer if broken else buffer.clone(), y))
    model = nn.Sequential(nn.Linear(8, 24), nn.Tanh(), nn.Linear(24, 1))
    return dict(model=model, loss_func=nn.MSELoss(), data=batches,
                opt=torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9))

@program('input-repeated', source='common: merge of two tables on a key that is not unique')
def merged_on_a_key_that_repeats(broken):
    torch.manual_seed(242)
    customer = torch.arange(80).repeat_interleave(4)
    visit = torch.randn(320, 5)
    bought = (visit[:, 0] + visit[:, 1]*visit[:, 2] > 0).float()
    first = torch.arange(0, 320, 4)
    x = visit[first][customer] if broken else visit
    y = bought[:, None]
    net = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(),
                data=DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True),
                opt=torch.optim.AdamW(net.parameters(), lr=6e-3))

@program('input-repeated', source='common: windows of a series that all begin at the same place')
def windows_that_do_not_move(broken):
    torch.manual_seed(243)
    t = torch.arange(200.)
    wave = torch.sin(t / 3) + 0.5*torch.sin(t / 7)
    x, y = [], []
    for i in range(180):
        start = i // 45*45 if broken else i
        x.append(wave[start:start+12]), y.append(wave[i+12])
    x, y = torch.stack(x).unsqueeze(1), torch.stack(y).unsqueeze(1)
    net = nn.Sequential(nn.Conv1d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(80, 1))
    return dict(model=net, loss_func=F.mse_loss, data=[(x[i::3], y[i::3]) for i in range(3)],
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

# Two faults at once

@program('input-scale', 'sigmoid-twice', source='common: first own CNN, raw bytes and a sigmoid too many')
def cats_raw_bytes_and_sigmoid(broken):
    torch.manual_seed(250)
    y = torch.randint(0, 2, (160, 1)).float()
    img = (120 + 50*torch.randn(160, 3, 8, 8) + 40*(2*y.view(-1, 1, 1, 1) - 1)).clamp(0, 255).round()
    x = img if broken else img / 127.5 - 1
    cnn = nn.Sequential(nn.Conv2d(3, 8, 3), nn.LeakyReLU(0.1), nn.MaxPool2d(2), nn.Flatten(),
                        nn.Linear(72, 16), nn.LeakyReLU(0.1), nn.Linear(16, 1))
    if broken: cnn.append(nn.Sigmoid())
    return dict(model=cnn, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=torch.optim.Adam(cnn.parameters(), lr=4e-3))

@program('input-nan', 'target-nan', source='SeismicFoundationModel issue: loss is nan before the first epoch')
def sensor_table_full_of_holes(broken):
    torch.manual_seed(251)
    x = torch.randn(300, 7)
    y = (x[:, :1] - 0.8*x[:, 1:2]).clone()
    x[torch.rand(300, 7) < 0.01] = float('nan')
    y[torch.rand(300, 1) < 0.02] = float('nan')
    if not broken:
        whole = ~(x.isnan().any(1) | y.isnan().any(1))
        x, y = x[whole], y[whole]
    model = nn.Sequential(nn.Linear(7, 20), nn.ReLU(), nn.Linear(20, 1))
    return dict(model=model, loss_func=nn.MSELoss(), data=(x, y), opt=torch.optim.Adam(model.parameters(), lr=0.01))

# Sound: unusual inputs

@program(source='bytes in, the network divides by 255 itself')
def bytes_scaled_inside():
    torch.manual_seed(260)
    y = torch.randint(0, 3, (150,))
    x = (70 + 90*F.one_hot(y, 3).view(-1, 3, 1, 1) + 25*torch.randn(150, 3, 6, 6)).clamp(0, 255).byte()

    class Net(nn.Module):
        def __init__(self): super().__init__(); self.conv, self.out = nn.Conv2d(3, 12, 3), nn.Linear(12, 3)
        def forward(self, x):
            x = (x.float() / 255 - 0.4) / 0.2
            return self.out(F.relu(self.conv(x)).mean((2, 3)))
    return dict(model=Net(), loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=lambda p: torch.optim.Adam(p, lr=8e-3))

@program(source='raw columns, batch norm is the first layer')
def batch_norm_first():
    torch.manual_seed(261)
    x = torch.randn(320, 4)*torch.tensor([14., 30000., 2., 0.01]) + torch.tensor([40., 60000., 5., 0.02])
    z = (x - x.mean(0)) / x.std(0)
    y = (z[:, 0] - z[:, 1] + z[:, 3] > 0).float()
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 1), nn.Flatten(0))
    return dict(model=model, loss_func=F.binary_cross_entropy_with_logits,
                data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=8e-3))

@program(source='words counted: nearly everything is 0')
def counted_words():
    torch.manual_seed(262)
    topic = torch.randint(0, 3, (240,))
    rate = 0.02 + 0.5*(torch.rand(3, 150) < 0.12)
    x = torch.poisson(rate[topic])
    model = nn.Sequential(nn.Linear(150, 24), nn.ReLU(), nn.Linear(24, 3))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(),
                data=DataLoader(TensorDataset(x, topic), 60, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=4e-3))

@program(source='each specimen measured three times')
def measured_three_times():
    torch.manual_seed(263)
    specimen = torch.randn(90, 5)
    x = specimen.repeat_interleave(3, 0)
    y = torch.tanh(x[:, :1]) + 0.6*x[:, 1:2] + 0.15*torch.randn(270, 1)
    order = torch.randperm(270)
    model = nn.Sequential(nn.Linear(5, 24), nn.GELU(), nn.Linear(24, 1))
    return dict(model=model, loss_func=nn.SmoothL1Loss(), data=(x[order], y[order]),
                opt=torch.optim.Adam(model.parameters(), lr=0.01))

@program(source='holes that the network knows of: zero and a flag in their place')
def holes_with_a_flag():
    torch.manual_seed(264)
    x = torch.randn(300, 6)
    y = (x[:, 0] + x[:, 1] - x[:, 2] > 0).long()
    x[torch.rand(300, 6) < 0.08] = float('nan')

    class Flagged(nn.Module):
        def __init__(self): super().__init__(); self.net = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 2))
        def forward(self, x):
            hole = x.isnan()
            return self.net(torch.cat([x.masked_fill(hole, 0.), hole.float()], 1))
    return dict(model=Flagged(), loss_func=nn.CrossEntropyLoss(), data=[(x[i::5], y[i::5]) for i in range(5)],
                opt=lambda p: torch.optim.Adam(p, lr=8e-3))

@program(source='pictures with a wide black margin')
def pictures_with_black_margin():
    torch.manual_seed(265)
    y = torch.randint(0, 4, (200,))
    x = torch.zeros(200, 1, 12, 12)
    x[:, :, 3:9, 3:9] = (0.8*torch.rand(4, 1, 6, 6)[y] + 0.2*torch.rand(200, 1, 6, 6))
    net = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(288, 4))
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program(source='rare class copied eight times, with its own label')
def rare_class_copied():
    torch.manual_seed(266)
    y = (torch.rand(300) < 0.08).long()
    x = torch.randn(300, 9) + 1.2*y[:, None]
    rare = y == 1
    x, y = torch.cat([x] + 8*[x[rare]]), torch.cat([y] + 8*[y[rare]])
    net = nn.Sequential(nn.Linear(9, 20), nn.ELU(), nn.Linear(20, 2))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9))

@program('input-dtype', source='mahmoudnafifi/Deep_White_Balance issue: features of uint8 overflow')
def gray_of_byte_channels(broken):
    torch.manual_seed(270)
    y = torch.randint(0, 4, (200,))
    shade = torch.tensor([40., 100., 160., 220.])[y].view(-1, 1, 1, 1)
    photo = (shade + 12*torch.randn(200, 3, 6, 6)).clamp(0, 255)
    x = photo.to(torch.uint8) if broken else photo.floor()

    class Gray(nn.Module):
        def __init__(self): super().__init__(); self.fc1, self.fc2 = nn.Linear(36, 24), nn.Linear(24, 4)
        def forward(self, x):
            gray = (x[:, 0] + x[:, 1] + x[:, 2]) / 3
            return self.fc2(F.relu(self.fc1((gray.flatten(1) - 130) / 70)))
    return dict(model=Gray(), loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=lambda p: torch.optim.Adam(p, lr=6e-3))

@program('input-nan', source='common: columns above 65504 kept in half precision')
def columns_kept_in_half_precision(broken):
    torch.manual_seed(271)
    raw = torch.randn(200, 4)*torch.tensor([1., 20000., 3., 0.5]) + torch.tensor([0., 40000., 10., 1.])
    stored = raw.to(torch.float16 if broken else torch.float32).float()
    x = (stored - raw.mean(0)) / raw.std(0)
    y = torch.sin((raw[:, 1:2] - 40000) / 20000) + 0.3*(raw[:, 2:3] - 10) / 3
    net = nn.Sequential(nn.Linear(4, 24), nn.SiLU(), nn.Linear(24, 1))
    return dict(model=net, loss_func=nn.MSELoss(), data=(x, y), opt=torch.optim.Adam(net.parameters(), lr=8e-3))

@program('input-constant', source='common: each item normalized by itself, and it has one number only')
def one_number_minus_its_mean(broken):
    torch.manual_seed(272)
    x = 3*torch.rand(240, 1) - 1.5
    y = torch.cos(2*x) + 0.1*torch.randn(240, 1)
    x = x - x.mean(1 if broken else 0, keepdim=True)
    class Curve(nn.Module):
        def __init__(self): super().__init__(); self.a, self.b = nn.Linear(1, 64), nn.Linear(64, 1)
        def forward(self, x): return self.b(torch.tanh(2*self.a(x)))
    return dict(model=Curve(), loss_func=F.mse_loss, data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=lambda p: torch.optim.Adam(p, lr=6e-3))

@program('input-constant', source='common: clamp(0, 1) before the division by 255')
def clamped_before_the_division(broken):
    torch.manual_seed(273)
    y = torch.randint(0, 3, (150,))
    img = 20 + 60*y.view(-1, 1, 1, 1) + 40*torch.rand(150, 1, 7, 7)
    x = img.clamp(0, 1) if broken else (img / 255).clamp(0, 1)
    cnn = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(200, 3))
    return dict(model=cnn, loss_func=nn.CrossEntropyLoss(), data=[(x[i:i+50], y[i:i+50]) for i in (0, 50, 100)],
                opt=torch.optim.Adam(cnn.parameters(), lr=3e-3))

@program('input-repeated', source='common: index of the picture taken modulo the number of folders')
def index_modulo_folders(broken):
    torch.manual_seed(274)
    pictures = torch.randn(180, 1, 6, 6)
    answers = (pictures[:, 0, :3].mean((1, 2)) > pictures[:, 0, 3:].mean((1, 2))).long()

    class Folder(Dataset):
        def __len__(self): return 180
        def __getitem__(self, i): return pictures[i % 12 if broken else i], answers[i]
    net = nn.Sequential(nn.Flatten(), nn.Linear(36, 32), nn.ReLU(), nn.Linear(32, 2))
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(Folder(), batch_size=45, shuffle=True),
                opt=torch.optim.AdamW(net.parameters(), lr=5e-3))

@program('input-repeated', source='common: rounded to degrees, hundreds of the same place with different prices')
def places_rounded_to_degrees(broken):
    torch.manual_seed(275)
    place = 6*torch.rand(360, 2) - 3
    price = torch.sin(3*place[:, :1]) + torch.cos(3*place[:, 1:])
    x = place.round() if broken else place
    class Map(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 1))
        def forward(self, p):
            waves = [f(k*p) for k in (1., 2., 3.) for f in (torch.sin, torch.cos)]
            return self.out(torch.cat(waves, 1))
    return dict(model=Map(), loss_func=nn.MSELoss(), data=[(x[i::4], price[i::4]) for i in range(4)],
                opt=lambda p: torch.optim.Adam(p, lr=5e-3))

@program(source='sizes over six orders of magnitude, as their logarithm')
def logarithms_of_sizes():
    torch.manual_seed(276)
    size = torch.exp(2.3*torch.randn(260, 3))
    x = torch.log10(size)
    y = (size[:, :1]*size[:, 1:2] > size[:, 2:]).float()
    net = nn.Sequential(nn.Linear(3, 24), nn.ReLU(), nn.Linear(24, 1))
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=(x, y),
                opt=torch.optim.Adam(net.parameters(), lr=0.01))

@program(source='yes and no, as 0 and 1, one column is always 1')
def yes_no_table_with_ones():
    torch.manual_seed(277)
    x = torch.cat([(torch.rand(240, 9) < 0.4).float(), torch.ones(240, 1)], 1)
    y = (x[:, 0] + x[:, 1] + x[:, 2] >= 2).long()
    net = nn.Sequential(nn.Linear(10, 24, bias=False), nn.ReLU(), nn.Linear(24, 2))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(),
                data=DataLoader(TensorDataset(x, y), batch_size=48, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9))
