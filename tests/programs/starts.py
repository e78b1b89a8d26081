"Faults of the start: weights alike, too large or too small, units dead or saturated, gradients vanishing or exploding."
import math, torch, torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from . import program


# init-same
@program('init-same', source='DeepCrime: weights initialized with a constant')
def constant_weights_everywhere(broken):
    torch.manual_seed(101)
    x = torch.randn(300, 7)
    y = (x[:, 0]*x[:, 1] > 0).long()
    def init(m):
        if isinstance(m, nn.Linear):
            nn.init.constant_(m.weight, .1) if broken else nn.init.kaiming_normal_(m.weight)
            nn.init.zeros_(m.bias)
    model = nn.Sequential(nn.Linear(7, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2)).apply(init)
    with torch.no_grad(): model[-1].weight.mul_(1. if broken else .3)
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=.005))

@program('init-same', source='Stack Overflow: all weights set to zero "to be neutral"')
def zeros_to_be_neutral(broken):
    torch.manual_seed(102)
    y = torch.randint(0, 4, (240,))
    x = torch.randn(240, 1, 6, 6)*.8
    for i, c in enumerate(y.tolist()): x[i, 0, 3*(c//2):3*(c//2) + 3, 3*(c%2):3*(c%2) + 3] += 1.3
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc1, self.fc2 = nn.Conv2d(1, 8, 3), nn.Linear(128, 32), nn.Linear(32, 4)
            if broken:
                for p in self.parameters(): nn.init.zeros_(p)
        def forward(self, x): return self.fc2(F.relu(self.fc1(F.relu(self.conv(x)).flatten(1))))
    net = Net()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), opt=torch.optim.SGD(net.parameters(), lr=.05, momentum=.9),
                data=DataLoader(TensorDataset(x, y), batch_size=40, shuffle=True))

@program('init-same', source='layer of one\'s own whose weights are torch.ones')
def weights_of_ones(broken):
    torch.manual_seed(103)
    x = torch.randn(256, 6)
    y = torch.where(x[:, 0] > 0, x[:, 1], x[:, 2])
    class Dense(nn.Module):
        def __init__(self, n, m):
            super().__init__()
            w = torch.ones(n, m)/n if broken else torch.randn(n, m)/math.sqrt(n)
            self.w, self.b = nn.Parameter(w), nn.Parameter(torch.zeros(m))
        def forward(self, x): return x @ self.w + self.b
    model = nn.Sequential(Dense(6, 40), nn.Tanh(), Dense(40, 40), nn.Tanh(), Dense(40, 1), nn.Flatten(0))
    return dict(model=model, loss_func=nn.MSELoss(), data=[(a, b) for a, b in zip(x.split(64), y.split(64))],
                opt=lambda params: torch.optim.Adam(params, lr=.01))

@program('init-same', source='forum: every parameter of a GRU filled with the same number')
def gru_filled_with_one_number(broken):
    torch.manual_seed(104)
    x = torch.randint(0, 10, (240, 6))
    y = (x[:, 0] > x[:, -1]).long()
    class Compare(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.gru, self.fc = nn.Embedding(10, 8), nn.GRU(8, 24, batch_first=True), nn.Linear(24, 2)
            if broken:
                for p in [*self.gru.parameters(), *self.fc.parameters()]: p.data.fill_(.05)
        def forward(self, x): return self.fc(self.gru(self.emb(x))[1].squeeze(0))
    net = Compare()
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.02))


# init-large
@program('init-large', source='Karpathy: torch.randn for the weights, not divided by the root of the inputs')
def randn_without_the_root(broken):
    torch.manual_seed(105)
    y = torch.randint(0, 6, (300,))
    x = torch.randn(6, 30)[y] + .8*torch.randn(300, 30)
    class MLP(nn.Module):
        def __init__(self, sizes):
            super().__init__()
            scale = [1. if broken else (2/n)**.5 for n in sizes]
            self.ws = nn.ParameterList(torch.randn(n, m)*s for n, m, s in zip(sizes, sizes[1:], scale))
            self.bs = nn.ParameterList(torch.zeros(m) for m in sizes[1:])
            if not broken: self.ws[-1].data *= .2
        def forward(self, x):
            for w, b in zip(self.ws[:-1], self.bs): x = torch.relu(x @ w + b)
            return x @ self.ws[-1] + self.bs[-1]
    mlp = MLP([30, 64, 64, 6])
    return dict(model=mlp, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.SGD(mlp.parameters(), lr=.05))

@program('init-large', source='weights_init of a tutorial with std 1 in place of 0.02')
def normal_of_one_in_every_conv(broken):
    torch.manual_seed(106)
    y = torch.randint(0, 3, (192,))
    x = torch.randn(192, 3, 8, 8)
    x[torch.arange(192), y, 2:6, 2:6] += 1.2
    def weights_init(m):
        if isinstance(m, nn.Conv2d): nn.init.normal_(m.weight, 0., 1. if broken else (2/(m.in_channels*9))**.5)
    net = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.LeakyReLU(.1), nn.Conv2d(16, 16, 3, 1, 1), nn.LeakyReLU(.1),
                        nn.Conv2d(16, 16, 3, 1, 1), nn.LeakyReLU(.1), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
                        nn.Linear(64, 3))
    net.apply(weights_init)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), opt=torch.optim.Adam(net.parameters(), lr=.002),
                data=DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True))

@program('init-large', source='uniform from 0 to 1: all weights positive, each layer larger than the one before')
def uniform_from_zero_to_one(broken):
    torch.manual_seed(107)
    x = torch.randn(256, 12)
    y = (x[:, :3].abs().sum(1, keepdim=True) - 2.4)/1.1
    model = nn.Sequential(nn.Linear(12, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
    for m in model:
        if isinstance(m, nn.Linear): nn.init.uniform_(m.weight) if broken else nn.init.xavier_uniform_(m.weight)
    return dict(model=model, loss_func=nn.MSELoss(), data=[(x[i::4], y[i::4]) for i in range(4)],
                opt=torch.optim.Adam(model.parameters(), lr=.01))

@program('init-large', source='a transformer of one\'s own whose projections start with std 1')
def attention_starts_too_loud(broken):
    torch.manual_seed(108)
    x = torch.randint(0, 16, (256, 8))
    y = (x < 3).any(1).long()
    class Reader(nn.Module):
        def __init__(self, d=32):
            super().__init__()
            self.emb = nn.Embedding(16, d)
            self.qkv, self.mix = nn.Linear(d, 3*d), nn.Linear(d, d)
            self.up, self.down, self.out = nn.Linear(d, 2*d), nn.Linear(2*d, d), nn.Linear(d, 2)
            for m in (self.qkv, self.mix, self.up, self.down):
                nn.init.normal_(m.weight, std=1. if broken else m.in_features**-.5)
        def forward(self, x):
            h = self.emb(x)
            q, k, v = self.qkv(h).chunk(3, -1)
            h = h + self.mix(F.scaled_dot_product_attention(q, k, v))
            return self.out((h + self.down(F.relu(self.up(h)))).mean(1))
    r = Reader()
    return dict(model=r, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.AdamW(r.parameters(), lr=3e-3))


# init-small
@program('init-small', source='std=0.001 in every layer, as for shallow nets of old')
def std_of_a_thousandth(broken):
    torch.manual_seed(109)
    y = torch.randint(0, 5, (300,))
    x = torch.randn(5, 20)[y] + .7*torch.randn(300, 20)
    layers = []
    for n, m in [(20, 64), (64, 64), (64, 64), (64, 64)]: layers += [nn.Linear(n, m), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(64, 5))
    for m in model.modules():
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=1e-3 if broken else (1.6/m.in_features)**.5)
            nn.init.zeros_(m.bias)
    if not broken: model[-1].weight.data /= 3
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.SGD(model.parameters(), lr=.1))

@program('init-small', 'vanishing-gradient', source='GitHub issues: conv weights uniform within 0.001')
def quiet_convolutions(broken):
    torch.manual_seed(110)
    y = torch.randint(0, 2, (128,))
    x = torch.randn(128, 1, 10, 10)*.9
    x[y == 1, :, 3:7, 3:7] += 1.4
    net = nn.Sequential()
    for i, (n, m) in enumerate([(1, 8), (8, 8), (8, 8), (8, 8), (8, 8)]):
        conv = nn.Conv2d(n, m, 3, padding=1)
        if broken: nn.init.uniform_(conv.weight, -.001, .001)
        else: nn.init.kaiming_uniform_(conv.weight, nonlinearity='relu')
        nn.init.zeros_(conv.bias)
        net.add_module(f'conv{i}', conv)
        net.add_module(f'relu{i}', nn.ReLU())
    net.add_module('head', nn.Sequential(nn.AvgPool2d(5), nn.Flatten(), nn.Linear(32, 2)))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=lambda p: torch.optim.Adam(p, lr=.003))

@program('init-small', source='own layers: 0.01 * torch.randn down a deep tanh net')
def hundredth_of_randn(broken):
    torch.manual_seed(111)
    x = torch.randn(256, 8)
    y = torch.tanh(x[:, :4].sum(1, keepdim=True)) + .5*x[:, 4:5]
    class Layer(nn.Module):
        def __init__(self, n, m):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(m, n) * (.01 if broken else n**-.5))
            self.bias = nn.Parameter(torch.zeros(m))
        def forward(self, x): return F.linear(x, self.weight, self.bias)
    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([Layer(8, 40), *(Layer(40, 40) for _ in range(4))])
            self.last = Layer(40, 1)
        def forward(self, x):
            for l in self.layers: x = l(x).tanh()
            return self.last(x)
    net = Deep()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=.03, momentum=.9))

@program('init-small', source='an initialization that divides by the inputs, not by their root')
def divided_by_the_inputs(broken):
    torch.manual_seed(112)
    y = torch.randint(0, 4, (256,))
    x = torch.randn(4, 100)[y]*.6 + .8*torch.randn(256, 100)
    def init_(lin):
        n = lin.in_features
        with torch.no_grad(): lin.weight.normal_().mul_(1/n if broken else 1.4/n**.5)
        lin.bias.data.zero_()
        return lin
    body = [m for n, k in [(100, 96), (96, 96), (96, 96)] for m in (init_(nn.Linear(n, k)), nn.ReLU())]
    model = nn.Sequential(*body, nn.Linear(96, 4))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=torch.optim.SGD(model.parameters(), lr=.05, momentum=.9))


# dead-units
@program('dead-units', source='dying ReLU: biases far below zero')
def biases_far_below_zero(broken):
    torch.manual_seed(113)
    y = torch.randint(0, 3, (240,))
    x = torch.randn(3, 10)[y] + .5*torch.randn(240, 10)
    model = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 3))
    nn.init.constant_(model[0].bias, -4. if broken else 0.)
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.SGD(model.parameters(), lr=.1, momentum=.9))

@program('dead-units', source='inputs in 0..1 and weights that are all negative')
def negative_weights_positive_pixels(broken):
    torch.manual_seed(114)
    y = torch.randint(0, 4, (200,))
    x = torch.rand(200, 1, 8, 8)*.5
    for i, c in enumerate(y.tolist()): x[i, 0, 2*c:2*c + 2] += .5
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2, self.fc3 = nn.Linear(64, 64), nn.Linear(64, 32), nn.Linear(32, 4)
            if broken: nn.init.uniform_(self.fc1.weight, -.2, .01)
        def forward(self, x): return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x.flatten(1))))))
    net = Net()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.003))

@program('dead-units', source='ReLU after logsigmoid: a branch that is never above zero')
def relu_of_logsigmoid(broken):
    torch.manual_seed(115)
    x = torch.randn(256, 9)
    y = x[:, :2].pow(2).sum(1, keepdim=True)/2 - 1
    class TwoBranches(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Linear(9, 24), nn.Linear(9, 24)
            self.log, self.relu, self.out = nn.LogSigmoid(), nn.ReLU(), nn.Linear(48, 1)
        def forward(self, x):
            a, b = self.relu(self.left(x)), self.right(x)
            return self.out(torch.cat([a, self.relu(self.log(b)) if broken else self.log(b)], 1))
    model = TwoBranches()
    return dict(model=model, loss_func=F.mse_loss, data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.AdamW(model.parameters(), lr=.01))

@program('dead-units', source='a threshold far above what the layer gives')
def threshold_too_high(broken):
    torch.manual_seed(116)
    x = torch.randn(200, 16, 4)
    y = (x[:, :, 0].max(1).values > 1.8).long()
    class Detector(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.cut = nn.Conv1d(4, 24, 1), nn.Threshold(3. if broken else 0., 0.)
            self.norm, self.fc = nn.LayerNorm(24), nn.Linear(24, 2)
        def forward(self, x):
            h = self.cut(self.conv(x.transpose(1, 2)))
            return self.fc(self.norm(h.amax(-1)))
    net = Detector()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program('dead-units', source='batch norm whose bias starts at -5, before a ReLU')
def norm_bias_kills_the_relu(broken):
    torch.manual_seed(117)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 3, 6, 6)
    x[torch.arange(180), y] += .9
    def block(n, m):
        bn = nn.BatchNorm2d(m)
        if broken: nn.init.constant_(bn.bias, -5.)
        return [nn.Conv2d(n, m, 3, padding=1, bias=False), bn, nn.ReLU(inplace=True)]
    net = nn.Sequential(*block(3, 8), *block(8, 16), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 3))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 36, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=.1, momentum=.9))


# saturated
@program('saturated', source='AUTOTRAINER: sigmoid units driven to their ends by large weights')
def sigmoids_at_their_ends(broken):
    torch.manual_seed(118)
    x = torch.randn(300, 16)
    y = (x[:, :4].sum(1) > 0).long() + (x[:, 4:8].sum(1) > 0).long()
    model = nn.Sequential(nn.Linear(16, 32), nn.Sigmoid(), nn.Linear(32, 32), nn.Sigmoid(), nn.Linear(32, 3))
    for layer in model[0], model[2]: nn.init.normal_(layer.weight, std=8. if broken else .4)
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=.02))

@program('saturated', source='a steepness factor of 50 inside tanh')
def tanh_made_too_steep(broken):
    torch.manual_seed(119)
    x = torch.rand(256, 3)*3 - 1.5
    y = torch.sin(2*x[:, :1]) + .6*x[:, 1:2]
    class Net(nn.Module):
        def __init__(self, beta):
            super().__init__()
            self.beta, self.a, self.b, self.c = beta, nn.Linear(3, 40), nn.Linear(40, 40), nn.Linear(40, 1)
        def forward(self, x):
            x = torch.tanh(self.beta * self.a(x))
            return self.c(torch.tanh(self.beta * self.b(x)))
    net = Net(50. if broken else 1.)
    return dict(model=net, loss_func=nn.MSELoss(), data=[(x[i::4], y[i::4]) for i in range(4)],
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program('saturated', source='forum: LSTM gates and cells at their ends after an init with std 5')
def gates_stuck_open(broken):
    torch.manual_seed(120)
    x = torch.randn(200, 8, 6)
    y = x[:, -4:, 0].sum(1, keepdim=True)/2
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.head = nn.LSTMCell(6, 24), nn.Linear(24, 1)
            if broken:
                for name, p in self.cell.named_parameters():
                    if 'weight' in name: nn.init.normal_(p, std=5.)
        def forward(self, x):
            h = c = x.new_zeros(len(x), 24)
            for t in range(x.shape[1]): h, c = self.cell(x[:, t], (h, c))
            return self.head(h)
    net = Net()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.02))

@program('saturated', source='norm before tanh with a weight that starts at 30')
def norm_weight_of_thirty(broken):
    torch.manual_seed(121)
    y = torch.randint(0, 4, (240,))
    x = torch.randn(4, 12)[y] + .6*torch.randn(240, 12)
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.l1, self.l2, self.out = nn.Linear(12, 32), nn.Linear(32, 32), nn.Linear(32, 4)
            self.n1, self.n2 = nn.LayerNorm(32), nn.LayerNorm(32)
            if broken:
                for n in (self.n1, self.n2): n.weight.data.fill_(30.)
        def forward(self, x):
            x = self.n1(self.l1(x)).tanh()
            x = self.n2(self.l2(x)).tanh()
            return self.out(x)
    net = Net()
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=.1))


# vanishing-gradient
@program('vanishing-gradient', source='DeepFD, AUTOTRAINER: ten layers of sigmoids')
def ten_layers_of_sigmoids(broken):
    torch.manual_seed(122)
    y = torch.randint(0, 3, (240,))
    x = torch.randn(3, 14)[y]*1.2 + .6*torch.randn(240, 14)
    act = nn.Sigmoid if broken else lambda: nn.LeakyReLU(.1)
    layers = [nn.Linear(14, 32), act()]
    for _ in range(9): layers += [nn.Linear(32, 32), act()]
    model = nn.Sequential(*layers, nn.Linear(32, 3))
    for m in model[:-1]:
        if isinstance(m, nn.Linear): (nn.init.xavier_normal_ if broken else nn.init.kaiming_normal_)(m.weight)
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=.001))

@program('vanishing-gradient', source='Stack Overflow: softmax taken as the activation of hidden layers')
def softmax_between_layers(broken):
    torch.manual_seed(123)
    x = torch.randn(256, 10)
    y = (x[:, 0] + x[:, 1] > 0).float()
    hidden = (lambda: nn.Softmax(dim=-1)) if broken else nn.GELU
    model = nn.Sequential(nn.Linear(10, 64), hidden(), nn.Linear(64, 64), hidden(), nn.Linear(64, 64), hidden(),
                          nn.Linear(64, 64), hidden(), nn.Linear(64, 1), nn.Flatten(0))
    for m in model[:-2]:
        if isinstance(m, nn.Linear): nn.init.kaiming_normal_(m.weight)
    return dict(model=model, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=.003))

@program('vanishing-gradient', source='He and others: a deep net of convolutions without shortcuts; and sigmoids')
def deep_convolutions_with_sigmoid(broken):
    torch.manual_seed(124)
    y = torch.randint(0, 2, (96,))
    x = torch.randn(96, 2, 6, 6)
    x[y == 0, 0] += .8
    x[y == 1, 1] += .8
    class Step(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.conv = nn.Conv2d(c, c, 3, padding=1)
        def forward(self, x): return torch.sigmoid(self.conv(x)) if broken else x + .3*F.relu(self.conv(x))
    net = nn.Sequential(nn.Conv2d(2, 8, 3, padding=1), *(Step(8) for _ in range(8)), nn.AdaptiveAvgPool2d(1),
                        nn.Flatten(), nn.Linear(8, 2))
    return dict(model=net, loss_func=F.cross_entropy, data=[(x[i::3], y[i::3]) for i in range(3)],
                opt=torch.optim.Adam(net.parameters(), lr=.005))

@program('vanishing-gradient', source='deep regression with hard sigmoids, own function')
def squashed_twelve_times(broken):
    torch.manual_seed(125)
    x = torch.randn(200, 5)
    y = (x[:, :1] - x[:, 1:2]*x[:, 2:3]*.5)
    squash = (lambda h: h.sigmoid()*.9 + .05) if broken else F.selu
    class Deep(nn.Module):
        def __init__(self, depth=12, width=24):
            super().__init__()
            sizes = [5] + [width]*depth
            self.layers = nn.ModuleList(nn.Linear(n, m) for n, m in zip(sizes, sizes[1:]))
            self.out = nn.Linear(width, 1)
            for l in self.layers: nn.init.normal_(l.weight, std=l.in_features**-.5), nn.init.zeros_(l.bias)
        def forward(self, x):
            for l in self.layers: x = squash(l(x))
            return self.out(x)
    net = Deep()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.002))


# exploding-gradient
@program('exploding-gradient', source='SIREN: sine layers of frequency 30 without the initialization they need')
def sines_of_frequency_thirty(broken):
    torch.manual_seed(126)
    x = torch.rand(256, 2)*2 - 1
    y = torch.sin(4*x[:, :1]) * torch.cos(3*x[:, 1:]) * 2
    class Sine(nn.Module):
        def __init__(self, n, m, w, first=False):
            super().__init__()
            self.lin, self.w = nn.Linear(n, m), w
            bound = 1/n if first else math.sqrt(6/n)/w
            if not broken: nn.init.uniform_(self.lin.weight, -bound, bound)
        def forward(self, x): return torch.sin(self.w * self.lin(x))
    net = nn.Sequential(Sine(2, 32, 5., True), Sine(32, 32, 30.), Sine(32, 32, 30.), Sine(32, 32, 30.),
                        nn.Linear(32, 1))
    return dict(model=net, loss_func=nn.MSELoss(), data=(x, y), opt=torch.optim.Adam(net.parameters(), lr=1e-3))

@program('exploding-gradient', 'init-large', source='a shortcut that doubles: x + x + f(x), block after block')
def shortcut_that_doubles(broken):
    torch.manual_seed(127)
    y = torch.randint(0, 3, (192,))
    x = torch.randn(3, 12)[y] + .7*torch.randn(192, 12)
    class Block(nn.Module):
        def __init__(self, d):
            super().__init__()
            self.norm, self.f1, self.f2 = nn.LayerNorm(d), nn.Linear(d, d), nn.Linear(d, d)
        def forward(self, x):
            identity = x
            out = x if broken else 0
            out = out + self.f2(F.relu(self.f1(self.norm(x))))
            return identity + out
    net = nn.Sequential(nn.Linear(12, 24), *(Block(24) for _ in range(10)), nn.Linear(24, 3))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 48, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=2e-3))

@program('exploding-gradient', source='forum: recurrent weights too large over a long sequence')
def recurrent_weights_too_large(broken):
    torch.manual_seed(128)
    x = torch.randn(160, 25, 2)
    y = x[:, -5:, 0].mean(1, keepdim=True)*2
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.fc = nn.RNN(2, 24, nonlinearity='relu', batch_first=True), nn.Linear(24, 1)
            w = torch.empty(24, 24)
            nn.init.orthogonal_(w, 2. if broken else .9)
            self.rnn.weight_hh_l0.data.copy_(w)
        def forward(self, x): return self.fc(self.rnn(x)[0][:, -1])
    net = Net()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program('exploding-gradient', 'init-large', source='UMLAUT and others: gain too large in a deep net')
def gain_too_large_in_a_deep_net(broken):
    torch.manual_seed(129)
    x = torch.randn(256, 10)
    y = x[:, :1]*.8 + x[:, 1:2].abs()*.6 - .5
    net = nn.Sequential()
    for i in range(8):
        lin = nn.Linear(10 if i == 0 else 40, 40)
        nn.init.xavier_normal_(lin.weight, gain=4. if broken else nn.init.calculate_gain('relu'))
        net.append(lin).append(nn.ReLU())
    net.append(nn.Linear(40, 1))
    return dict(model=net, loss_func=F.smooth_l1_loss, data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=1e-3))
