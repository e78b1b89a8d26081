"Faults of the model: what it holds, what it forgets, what it does to its inputs and outputs."
import torch, torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from . import program


# unregistered
@program('unregistered', source='docs and forum: layers in a list, not a ModuleList')
def tower_of_layers(broken):
    torch.manual_seed(1)
    x = torch.randn(256, 10)
    y = (x[:, 0]*x[:, 1] > 0).long() + 2*(x[:, 2] + .5*x[:, 3] > 0).long()
    class Tower(nn.Module):
        def __init__(self):
            super().__init__()
            layers = [nn.Linear(10, 48), nn.Linear(48, 48)]
            self.layers = layers if broken else nn.ModuleList(layers)
            self.out = nn.Linear(48, 4)
        def forward(self, x):
            for layer in self.layers: x = F.relu(layer(x))
            return self.out(x)
    model = Tower()
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), opt=torch.optim.Adam(model.parameters(), lr=3e-3),
                data=DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True))

@program('unregistered', source='forum: parallel branches kept in a dict')
def branches_by_kernel(broken):
    torch.manual_seed(2)
    wave, shift = torch.arange(24)/24*2*torch.pi, torch.rand(240, 1)*6.3
    y = torch.arange(240) % 3
    x = (torch.sin(wave*torch.tensor([1., 3., 6.])[y][:, None] + shift) * 1.2 + .4*torch.randn(240, 24)).unsqueeze(1)
    class Inception(nn.Module):
        def __init__(self):
            super().__init__()
            branches = {str(k): nn.Conv1d(1, 8, k, padding=k//2) for k in (3, 5, 9)}
            self.branches = branches if broken else nn.ModuleDict(branches)
            self.norm, self.fc = nn.BatchNorm1d(24), nn.Linear(24, 3)
        def forward(self, x):
            h = torch.cat([b(x) for b in self.branches.values()], 1)
            return self.fc(F.relu(self.norm(h)).mean(-1))
    net = Inception()
    order = torch.randperm(240)
    return dict(model=net, loss_func=F.cross_entropy, data=[(x[i], y[i]) for i in order.split(40)],
                opt=torch.optim.SGD(net.parameters(), lr=.1, momentum=.9))

@program('unregistered', source='Stack Overflow: tensor with requires_grad as an attribute, not nn.Parameter')
def positions_as_a_tensor(broken):
    torch.manual_seed(3)
    x = torch.randint(0, 12, (256, 8))
    y = (x[:, 0] > x[:, 4]).float()
    class Tagger(nn.Module):
        def __init__(self, d=24):
            super().__init__()
            self.tokens = nn.Embedding(12, d)
            self.places = torch.randn(8, d).requires_grad_() if broken else nn.Parameter(torch.randn(8, d))
            self.hidden, self.out = nn.Linear(d, 48), nn.Linear(48, 1)
        def forward(self, x):
            h = F.gelu(self.hidden(self.tokens(x) * self.places))
            return self.out(h.mean(1)).squeeze(1)
    m = Tagger()
    return dict(model=m, loss_func=nn.BCEWithLogitsLoss(), data=(x, y), opt=torch.optim.AdamW(m.parameters(), lr=5e-3))

@program('unregistered', source='Stack Overflow: a layer created inside forward')
def layer_made_in_forward(broken):
    torch.manual_seed(4)
    x = torch.randn(192, 1, 8, 8)*.6
    y = torch.randint(0, 4, (192,))
    for i, c in enumerate(y.tolist()): x[i, 0, 4*(c//2):4*(c//2)+4, 4*(c%2):4*(c%2)+4] += 1.5
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 6, 3, stride=2, padding=1)
            if not broken: self.fc = nn.Linear(96, 4)
        def forward(self, x):
            x = F.relu(self.conv(x)).flatten(1)
            fc = nn.Linear(x.shape[1], 4) if broken else self.fc
            return fc(x)
    net = Net()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 48, shuffle=True),
                opt=lambda ps: torch.optim.Adam(ps, lr=.01))

@program('unregistered', source='GitHub issues: helper function that closes over a layer of its own')
def decoder_in_a_closure(broken):
    torch.manual_seed(5)
    x = torch.tanh(torch.randn(200, 3) @ torch.randn(3, 16)) * 1.3
    def make_decoder():
        up = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 16))
        return (lambda z: up(z)) if broken else up
    class AutoEncoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 6), nn.Tanh())
            self.decoder = make_decoder()
        def forward(self, x): return self.decoder(self.encoder(x))
    ae = AutoEncoder()
    return dict(model=ae, loss_func=nn.MSELoss(), data=[(b, b) for b in x.split(50)],
                opt=torch.optim.Adam(ae.parameters(), lr=.005))


# frozen
@program('frozen', source='fine-tuning questions: the condition of the freeze is the wrong way round')
def freeze_the_wrong_end(broken):
    torch.manual_seed(6)
    means = torch.randn(9, 20)
    old, y = torch.randint(0, 9, (400,)), torch.randint(0, 5, (250,))
    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(20, 32), nn.LayerNorm(32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU())
            self.head = nn.Linear(16, 9)
        def forward(self, x): return self.head(self.body(x))
    model = Classifier()
    before = torch.optim.Adam(model.parameters(), lr=.01)
    for _ in range(30):
        before.zero_grad()
        F.cross_entropy(model(means[old] + .8*torch.randn(400, 20)), old).backward()
        before.step()
    model.zero_grad()
    model.head, x = nn.Linear(16, 5), means[y] + .8*torch.randn(250, 20)
    for name, p in model.named_parameters(): p.requires_grad = name.startswith('head') != broken
    trained = [p for p in model.parameters() if p.requires_grad]
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), opt=torch.optim.SGD(trained, lr=.02, momentum=.9),
                data=DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True))

@program('frozen', source='Stack Overflow: requires_grad=False left in the weights of a layer of one\'s own')
def weights_without_gradient(broken):
    torch.manual_seed(7)
    x = torch.randn(300, 6)
    y = x @ torch.tensor([1., -2., .5, 0., 0., 1.]) / 2.5 + .1*torch.randn(300)
    class LinearRegression(nn.Module):
        def __init__(self, n):
            super().__init__()
            self.w = nn.Parameter(torch.randn(n)*.1, requires_grad=not broken)
            self.b = nn.Parameter(torch.zeros(1))
        def forward(self, x): return x @ self.w + self.b
    model = LinearRegression(6)
    return dict(model=model, loss_func=nn.MSELoss(), opt=lambda p: torch.optim.SGD(p, lr=.1),
                data=[(a, b) for a, b in zip(x.split(60), y.split(60))])

@program('frozen', source='transfer learning tutorial followed without pretrained weights')
def body_frozen_but_never_trained(broken):
    torch.manual_seed(8)
    x = torch.randn(320, 2)*1.2
    y = (torch.atan2(x[:, 1], x[:, 0])*2).sin().gt(0).long() + 2*(x.norm(dim=1) > 1.3).long()
    features = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 6), nn.Tanh())
    if broken: features.requires_grad_(False)
    model = nn.Sequential(features, nn.Linear(6, 4))
    return dict(model=model, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=.01))

@program('frozen', source='docs of Embedding.from_pretrained: freeze is True unless told otherwise')
def ratings_from_frozen_tables(broken):
    torch.manual_seed(9)
    taste, kind = torch.randn(30, 3), torch.randn(40, 3)
    user, item = torch.randint(0, 30, (512,)), torch.randint(0, 40, (512,))
    rating = (taste[user] * kind[item]).sum(1) / 1.7
    class Factors(nn.Module):
        def __init__(self):
            super().__init__()
            self.users = nn.Embedding.from_pretrained(torch.randn(30, 8)*.3, freeze=broken)
            self.items = nn.Embedding.from_pretrained(torch.randn(40, 8)*.3, freeze=broken)
            self.bias = nn.Parameter(torch.zeros(()))
        def forward(self, u, i): return (self.users(u) * self.items(i)).sum(1) + self.bias
    net = Factors()
    return dict(model=net, loss_func=nn.MSELoss(), data=((user, item), rating),
                opt=torch.optim.Adam((p for p in net.parameters() if p.requires_grad), lr=.03))


# unused
@program('unused', source='Stack Overflow: a copied line calls fc1 again')
def second_layer_never_called(broken):
    torch.manual_seed(10)
    x = torch.rand(256, 12)*2 - 1
    y = (x[:, :4].sum(1) > x[:, 4:8].sum(1).abs() - .5).long()
    class MLP(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2, self.fc3 = nn.Linear(12, 12), nn.Linear(12, 12), nn.Linear(12, 2)
        def forward(self, x):
            x = torch.relu(self.fc1(x))
            x = torch.relu(self.fc1(x) if broken else self.fc2(x))
            return self.fc3(x)
    mlp = MLP()
    return dict(model=mlp, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=torch.optim.Adam(mlp.parameters(), lr=.01))

@program('unused', source='forum: no_grad copied from the evaluation into forward')
def encoder_under_no_grad(broken):
    torch.manual_seed(11)
    x = torch.randint(0, 20, (240, 10))
    y = (x < 6).sum(1).clamp(1, 5) - 1
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.gru = nn.Embedding(20, 16), nn.GRU(16, 32, batch_first=True)
            self.out = nn.Linear(32, 5)
        def forward(self, x):
            with torch.set_grad_enabled(not broken): _, h = self.gru(self.emb(x))
            return self.out(h[-1])
    net = Reader()
    return dict(model=net, loss_func=F.cross_entropy, opt=torch.optim.Adam(net.parameters(), lr=.01),
                data=DataLoader(TensorDataset(x, y), batch_size=60, shuffle=True))

@program('unused', source='GitHub issues: .data or .detach() between encoder and decoder')
def code_cut_off_by_data(broken):
    torch.manual_seed(12)
    x = torch.sin((torch.rand(256, 2)*2 - 1) @ torch.randn(2, 20)*2) * 1.4
    class AE(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc1, self.enc2 = nn.Linear(20, 24), nn.Linear(24, 2)
            self.dec1, self.dec2 = nn.Linear(2, 24), nn.Linear(24, 20)
        def encode(self, x): return torch.tanh(self.enc2(F.elu(self.enc1(x))))
        def forward(self, x):
            z = self.encode(x)
            return self.dec2(F.elu(self.dec1(z.data if broken else z)))
    ae = AE()
    return dict(model=ae, loss_func=F.mse_loss, data=(x, x), opt=torch.optim.Adam(ae.parameters(), lr=.01))

@program('unused', source='forum: argmax in the middle, gradient of the scores is None')
def hard_choice_of_an_expert(broken):
    torch.manual_seed(13)
    x = torch.randn(300, 8)
    y = torch.where(x[:, :1] > 0, x[:, 1:2], -x[:, 2:3])
    class Experts(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate = nn.Linear(8, 3)
            self.experts = nn.ModuleList(nn.Sequential(nn.Linear(8, 12), nn.ReLU(), nn.Linear(12, 1)) for _ in range(3))
        def forward(self, x):
            scores = self.gate(x)
            g = F.one_hot(scores.argmax(-1), 3).float() if broken else scores.softmax(-1)
            return (g.unsqueeze(-1) * torch.stack([e(x) for e in self.experts], 1)).sum(1)
    model = Experts()
    return dict(model=model, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.AdamW(model.parameters(), lr=.01))

@program('unused', source='code review: the result of the block is not what is returned')
def block_returns_its_input(broken):
    torch.manual_seed(14)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 3, 6, 6)
    x[torch.arange(180), y] += .8
    class Residual(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.a, self.b, self.bn = nn.Conv2d(c, c, 3, padding=1), nn.Conv2d(c, c, 3, padding=1), nn.BatchNorm2d(c)
        def forward(self, x):
            out = self.bn(self.b(F.relu(self.a(x))))
            return F.relu(x) if broken else F.relu(x + out)
    net = nn.Sequential(nn.Conv2d(3, 12, 1), nn.BatchNorm2d(12), nn.ReLU(), Residual(12),
                        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 3))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 36, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=.05, momentum=.9))


# no-nonlinearity
@program('no-nonlinearity', source='DeepCrime: activation removed')
def rings_without_activation(broken):
    torch.manual_seed(15)
    radius, angle = torch.arange(300) % 2 * 1. + .6, torch.rand(300)*2*torch.pi
    x = torch.stack([radius*angle.cos(), radius*angle.sin()], 1) + .1*torch.randn(300, 2)
    y = (radius > 1).long()
    act = [] if broken else [nn.ReLU()]
    model = nn.Sequential(nn.Linear(2, 32), *act, nn.Linear(32, 32), *act, nn.Linear(32, 2))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=(x, y),
                opt=torch.optim.Adam(model.parameters(), lr=.01))

@program('no-nonlinearity', source='Stack Overflow: F.relu(x) called, its answer not kept')
def relu_thrown_away(broken):
    torch.manual_seed(16)
    x = torch.randn(200, 1, 10, 10)
    y = torch.randint(0, 2, (200,))
    x[y == 1, :, ::2] *= 1.6
    x[y == 0, :, ::2] *= .4
    class ConvNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, stride=2, padding=1)
            self.fc = nn.Linear(16, 2)
        def forward(self, x):
            for conv in (self.conv1, self.conv2):
                x = conv(x)
                if broken: F.relu(x)
                else: x = F.relu(x)
            return self.fc(x.mean((2, 3)))
    net = ConvNet()
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program('no-nonlinearity', source='forum: only dropout between the layers of a regression')
def sine_by_linear_layers(broken):
    torch.manual_seed(17)
    x = torch.linspace(-2, 2, 256)[torch.randperm(256), None]
    y = torch.sin(3*x) * 1.4
    def hidden(n, m): return [nn.Linear(n, m)] + ([] if broken else [nn.Tanh()]) + [nn.Dropout(.02)]
    reg = nn.Sequential(*hidden(1, 64), *hidden(64, 64), nn.Linear(64, 1))
    return dict(model=reg, loss_func=nn.SmoothL1Loss(), data=DataLoader(TensorDataset(x, y), 64),
                opt=lambda p: torch.optim.Adam(p, lr=.01))

@program('no-nonlinearity', source='Humbatova: missing activation; a transformer\'s feed-forward part written by hand')
def feed_forward_without_gelu(broken):
    torch.manual_seed(18)
    x = torch.randint(0, 10, (256, 6))
    y = (x[:, 0] + x[:, 1] > 9).long() + (x[:, 2] > 4).long()
    class Block(nn.Module):
        def __init__(self, d):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
            self.attn = nn.MultiheadAttention(d, 2, batch_first=True)
            self.up, self.down = nn.Linear(d, 4*d), nn.Linear(4*d, d)
        def forward(self, x):
            h = self.norm1(x)
            x = x + self.attn(h, h, h, need_weights=False)[0]
            h = self.up(self.norm2(x))
            return x + self.down(h if broken else F.gelu(h))
    class Classifier(nn.Module):
        def __init__(self, d=16):
            super().__init__()
            self.emb, self.pos = nn.Embedding(10, d), nn.Parameter(torch.randn(6, d))
            self.blocks, self.head = nn.Sequential(Block(d), Block(d)), nn.Linear(6*d, 3)
        def forward(self, x): return self.head(self.blocks(self.emb(x) + self.pos).flatten(1))
    net = Classifier()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), opt=torch.optim.AdamW(net.parameters(), lr=3e-3),
                data=DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True))


# output-activation
@program('output-activation', source='Stack Overflow: the loop puts a ReLU after the last layer too')
def relu_after_every_layer(broken):
    torch.manual_seed(19)
    centers = torch.randn(6, 14)
    y = torch.randint(0, 6, (300,))
    x = centers[y] + .6*torch.randn(300, 14)
    layers, sizes = [], [14, 64, 32, 6]
    for n, m in zip(sizes, sizes[1:]): layers += [nn.Linear(n, m), nn.ReLU()]
    model = nn.Sequential(*(layers if broken else layers[:-1]))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(),
                opt=torch.optim.SGD(model.parameters(), lr=.1, momentum=.9),
                data=DataLoader(TensorDataset(x, y), batch_size=30, shuffle=True))

@program('output-activation', source='Humbatova: sigmoid at the end of a regression')
def temperature_through_sigmoid(broken):
    torch.manual_seed(20)
    day, hour = torch.rand(400)*2 - 1, torch.rand(400)*2 - 1
    target = torch.cos(3*day) + torch.sin(2*hour) + .1*torch.randn(400)
    target = (target - target.mean()) / target.std()
    class Weather(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(2, 50), nn.ReLU(), nn.Linear(50, 1))
        def forward(self, x):
            out = self.net(x).squeeze(-1)
            return torch.sigmoid(out) if broken else out
    w = Weather()
    return dict(model=w, loss_func=F.mse_loss, data=DataLoader(TensorDataset(torch.stack([day, hour], 1), target), 80),
                opt=torch.optim.Adam(w.parameters(), lr=.01))

@program('output-activation', source='forum: tanh kept at the end of an autoencoder for standardized data')
def standardized_data_through_tanh(broken):
    torch.manual_seed(21)
    x = torch.randn(240, 4) @ torch.randn(4, 12)
    x = (x - x.mean(0)) / x.std(0) * 1.5
    net = nn.Sequential(nn.Linear(12, 24), nn.ELU(), nn.Linear(24, 5), nn.ELU(), nn.Linear(5, 24), nn.ELU(),
                        nn.Linear(24, 12), nn.Tanh() if broken else nn.Identity())
    return dict(model=net, loss_func=nn.MSELoss(), data=[(b, b) for b in x.split(40)],
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program('output-activation', source='stats.stackexchange: ReLU as last layer, answers below zero wanted')
def returns_cannot_be_negative(broken):
    torch.manual_seed(22)
    x = torch.randn(256, 12, 3)
    y = x[:, -3:, 0].mean(1, keepdim=True) * 1.7
    class Forecast(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru, self.fc = nn.GRU(3, 24, batch_first=True), nn.Linear(24, 1)
        def forward(self, x):
            y = self.fc(self.gru(x)[0][:, -1])
            return F.relu(y) if broken else y
    f = Forecast()
    return dict(model=f, loss_func=nn.L1Loss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(f.parameters(), lr=.01))

@program('output-activation', source='forum: ReLU before BCEWithLogitsLoss')
def tags_with_relu_logits(broken):
    torch.manual_seed(23)
    x = torch.randn(280, 16)
    y = (x @ torch.randn(16, 5) > 2).float()
    class Tags(nn.Module):
        def __init__(self):
            super().__init__()
            self.l1, self.l2 = nn.Linear(16, 40), nn.Linear(40, 5)
        def forward(self, x):
            h = self.l2(F.leaky_relu(self.l1(x)))
            return h.relu() if broken else h
    tags = Tags()
    return dict(model=tags, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.RMSprop(tags.parameters(), lr=.001))

@program('output-activation', 'no-nonlinearity', source='two faults: the only activation stands after the last layer')
def activation_at_the_wrong_place(broken):
    torch.manual_seed(24)
    x = torch.rand(300, 2)*2 - 1
    y = (x[:, :1]*x[:, 1:]) * 3
    order = ['hidden', 'out', 'act'] if broken else ['hidden', 'act', 'out']
    parts = dict(hidden=nn.Linear(2, 40), out=nn.Linear(40, 1), act=nn.ReLU())
    model = nn.Sequential(*(parts[name] for name in order))
    return dict(model=model, loss_func=nn.MSELoss(), data=(x, y), opt=torch.optim.Adam(model.parameters(), lr=.015))


# output-size
@program('output-size', source='UserWarning of mse_loss: one output broadcasts over three targets')
def one_output_for_a_point_in_space(broken):
    torch.manual_seed(25)
    x = torch.rand(250, 2)*3 - 1.5
    y = torch.stack([x[:, 0].sin(), x[:, 1].cos()*1.5, x[:, 0]*x[:, 1]/1.2], 1)
    y = (y - y.mean(0)) / y.std(0)
    arm = nn.Sequential(nn.Linear(2, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 1 if broken else 3))
    return dict(model=arm, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(arm.parameters(), lr=.01))

@program('output-size', source='own mean squared error hides a decoder with one output')
def reconstruction_of_one_number(broken):
    torch.manual_seed(26)
    t = torch.rand(200, 1)*6.3
    x = torch.cat([torch.sin(t + k) for k in range(10)], 1) * 1.4
    class Compress(nn.Module):
        def __init__(self, n, code, out):
            super().__init__()
            self.down, self.mid, self.up = nn.Linear(n, code), nn.Linear(code, 30), nn.Linear(30, out)
        def forward(self, x): return self.up(F.relu(self.mid(torch.tanh(self.down(x)))))
    net = Compress(10, 3, 1 if broken else 10)
    return dict(model=net, loss_func=lambda out, x: ((out - x)**2).mean(), data=[(b, b) for b in x.split(40)],
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program('output-size', source='GitHub issues: ignore_index hides that the last class has no output')
def last_class_is_ignored(broken):
    torch.manual_seed(27)
    y = torch.randint(0, 4, (320,))
    x = torch.randn(320, 1, 8, 8)*.7
    for i, c in enumerate(y.tolist()): x[i, 0, 2*c:2*c + 2] += 1.6
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                        nn.Linear(128, 3 if broken else 4))
    loss = nn.CrossEntropyLoss(ignore_index=3) if broken else nn.CrossEntropyLoss()
    return dict(model=net, loss_func=loss, data=DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program('output-size', source='forum: labels clamped to silence "target out of bounds"')
def labels_clamped_to_fit(broken):
    torch.manual_seed(28)
    y = torch.randint(0, 7, (350,))
    x = torch.randn(7, 18)[y] + .7*torch.randn(350, 18)
    n_out = 4 if broken else 7
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden, self.drop, self.out = nn.Linear(18, 64), nn.Dropout(.1), nn.Linear(64, n_out)
        def forward(self, x): return self.out(self.drop(F.relu(self.hidden(x))))
    def criterion(pred, y): return F.cross_entropy(pred, y.clamp(max=n_out - 1))
    net = Net()
    return dict(model=net, loss_func=criterion, data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program('output-size', source='brier score with one probability broadcast against one-hot classes')
def one_probability_for_all_classes(broken):
    torch.manual_seed(29)
    y = torch.randint(0, 3, (240,))
    x = torch.randn(240, 9)
    x[torch.arange(240), y] += 2.
    model = nn.Sequential(nn.Linear(9, 30), nn.ReLU(), nn.Linear(30, 1 if broken else 3), nn.Sigmoid())
    def brier(p, y): return ((p - F.one_hot(y, 3).float())**2).mean()
    return dict(model=model, loss_func=brier, data=[(x[i::4], y[i::4]) for i in range(4)],
                opt=lambda ps: torch.optim.Adam(ps, lr=.01))


# ignores-input
@program('ignores-input', 'unused', source='Stack Overflow: the first hidden state is classified, not the last')
def classifies_the_zero_state(broken):
    torch.manual_seed(30)
    x = torch.randn(200, 9, 4)
    y = (x[:, :, 0].mean(1) > 0).long()
    class SequenceNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.fc = nn.LSTM(4, 16, batch_first=True), nn.Linear(16, 2)
        def forward(self, x):
            h, c = torch.zeros(1, len(x), 16), torch.zeros(1, len(x), 16)
            out, (hn, cn) = self.rnn(x, (h, c))
            return self.fc(h[-1] if broken else hn[-1])
    net = SequenceNet()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program('ignores-input', source='forum: pictures in 0..1 cast to bytes once more')
def pixels_cast_to_bytes(broken):
    torch.manual_seed(31)
    y = torch.randint(0, 3, (210,))
    x = torch.rand(210, 1, 9, 9)*.6
    for i, c in enumerate(y.tolist()): x[i, 0, :, 3*c:3*c + 3] += .39
    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(1, 10, 3, stride=3), nn.Linear(90, 3)
        def forward(self, x):
            if broken: x = x.byte().float() / 255
            return self.fc(F.relu(self.conv(x)).flatten(1))
    net = Small()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 30, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program('ignores-input', 'unused', source='code review: a variational decoder fed with noise alone')
def decoder_fed_with_noise(broken):
    torch.manual_seed(32)
    x = torch.randn(256, 2) @ torch.randn(2, 14)
    x = x / x.std()
    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.mu, self.logvar = nn.Linear(14, 32), nn.Linear(32, 4), nn.Linear(32, 4)
            self.dec = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 14))
        def forward(self, x):
            h = F.relu(self.enc(x))
            mu, logvar = self.mu(h), self.logvar(h) - 4
            noise = torch.randn_like(mu)
            return self.dec(noise if broken else mu + (logvar/2).exp()*noise)
    vae = VAE()
    return dict(model=vae, loss_func=nn.MSELoss(), data=(x, x), opt=torch.optim.Adam(vae.parameters(), lr=.01))

@program('ignores-input', source='forum: LayerNorm(1) over a single feature leaves only its bias')
def norm_of_a_single_feature(broken):
    torch.manual_seed(33)
    start, slope = torch.randn(200, 1), torch.randn(200, 1)*.2
    t = torch.arange(12.)
    series = (start + slope*t + .1*torch.randn(200, 12)).unsqueeze(-1)
    x, y = series[:, :10] / series.std(), series[:, 11] / series.std()
    class Forecaster(nn.Module):
        def __init__(self, d=16):
            super().__init__()
            self.norm = nn.LayerNorm(1) if broken else nn.Identity()
            self.inp, self.pos = nn.Linear(1, d), nn.Parameter(torch.randn(10, d)*.3)
            self.enc = nn.TransformerEncoderLayer(d, 2, 32, dropout=0., batch_first=True)
            self.out = nn.Linear(10*d, 1)
        def forward(self, x): return self.out(self.enc(self.inp(self.norm(x)) + self.pos).flatten(1))
    net = Forecaster()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program('ignores-input', source='normalized along the wrong axis: each row of one feature minus its own mean')
def own_mean_taken_away(broken):
    torch.manual_seed(34)
    x = torch.randn(300, 1)
    y = x**2 - x/2 - 1
    class Curve(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = nn.Linear(1, 32), nn.Linear(32, 32), nn.Linear(32, 1)
        def forward(self, x):
            if broken: x = (x - x.mean(1, keepdim=True)) / (x.std(1, keepdim=True, correction=0) + 1e-6)
            return self.c(F.silu(self.b(F.silu(self.a(x)))))
    net = Curve()
    return dict(model=net, loss_func=nn.HuberLoss(), data=[(x[:150], y[:150]), (x[150:], y[150:])],
                opt=torch.optim.Adam(net.parameters(), lr=.01))


# batch-mixing
@program('batch-mixing', source='Stack Overflow: view instead of transpose for an LSTM that wants time first')
def time_first_by_view(broken):
    torch.manual_seed(35)
    x = torch.randn(256, 8, 5)
    y = (x[:, :, 1].sum(1) > 0).long() + (x[:, :, 2].sum(1) > 0).long()
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.fc = nn.LSTM(5, 24), nn.Linear(24, 3)
        def forward(self, x):
            n, t, f = x.shape
            seq = x.view(t, n, f) if broken else x.transpose(0, 1)
            return self.fc(self.lstm(seq)[0].mean(0))
    net = Net()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.02))

@program('batch-mixing', source='"The dangers of reshaping": both directions of a GRU put side by side by view')
def two_directions_by_view(broken):
    torch.manual_seed(36)
    x = torch.randint(0, 8, (240, 7))
    y = (x[:, -1] > 3).float() * (x[:, 0] > 1).float()
    class Sentiment(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(8, 12)
            self.gru, self.out = nn.GRU(12, 16, batch_first=True, bidirectional=True), nn.Linear(32, 1)
        def forward(self, x):
            _, h = self.gru(self.embed(x))
            h = h.view(len(x), -1) if broken else h.transpose(0, 1).reshape(len(x), -1)
            return self.out(h)[:, 0]
    s = Sentiment()
    return dict(model=s, loss_func=F.binary_cross_entropy_with_logits, opt=torch.optim.Adam(s.parameters(), lr=.01),
                data=DataLoader(TensorDataset(x, y), batch_size=48, shuffle=True))

@program('batch-mixing', source='forum: softmax of the attention over axis 0')
def attention_over_the_batch(broken):
    torch.manual_seed(37)
    x = torch.randn(200, 6, 8)
    best = x[:, :, 0].argmax(1)
    y = x[torch.arange(200), best, 1] * 1.3
    class Pool(nn.Module):
        def __init__(self):
            super().__init__()
            self.score, self.value = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1)), nn.Linear(8, 16)
            self.out = nn.Sequential(nn.ReLU(), nn.Linear(16, 1))
        def forward(self, x):
            w = torch.softmax(self.score(x) * 2, dim=0 if broken else 1)
            return self.out((w * self.value(x)).sum(1)).squeeze(1)
    pool = Pool()
    return dict(model=pool, loss_func=nn.MSELoss(), data=(x, y), opt=torch.optim.Adam(pool.parameters(), lr=.02))

@program('batch-mixing', source='docs of TransformerEncoderLayer: batch_first is False unless told otherwise')
def encoder_attends_across_items(broken):
    torch.manual_seed(38)
    x = torch.randint(0, 9, (224, 5))
    y = (x == 0).any(1).long() + (x == 1).any(1).long()
    class TextNet(nn.Module):
        def __init__(self, d=32):
            super().__init__()
            self.emb = nn.Embedding(9, d)
            layer = nn.TransformerEncoderLayer(d, 4, 64, dropout=.05, batch_first=not broken)
            self.encoder, self.fc = nn.TransformerEncoder(layer, 1), nn.Linear(d, 3)
        def forward(self, x): return self.fc(self.encoder(self.emb(x)).mean(1))
    net = TextNet()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=torch.optim.AdamW(net.parameters(), lr=2e-3))

@program('batch-mixing', source='layer_norm given the whole shape, the batch too')
def layer_norm_of_the_whole_batch(broken):
    torch.manual_seed(39)
    y = torch.randint(0, 4, (256,))
    x = torch.randn(4, 11)[y] * torch.linspace(.6, 1.4, 256)[:, None] + .4*torch.randn(256, 11)
    class Norm(nn.Module):
        def forward(self, h): return F.layer_norm(h, h.shape if broken else h.shape[1:])
    model = nn.Sequential(nn.Linear(11, 32), Norm(), nn.ReLU(), nn.Linear(32, 32), Norm(), nn.ReLU(), nn.Linear(32, 4))
    order = torch.randperm(256)
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=[(x[i], y[i]) for i in order.split(32)],
                opt=lambda p: torch.optim.SGD(p, lr=.1, momentum=.9))

@program('batch-mixing', source='permute before flatten: channels first, then the batch')
def flatten_after_permute(broken):
    torch.manual_seed(40)
    y = torch.randint(0, 2, (160,))
    x = torch.randn(160, 2, 6, 6)*.8
    x[y == 0, 0, :3] += 1.2
    x[y == 1, 1, 3:] += 1.2
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.features, self.fc = nn.Sequential(nn.Conv2d(2, 6, 3, 2, 1), nn.ReLU()), nn.Linear(54, 2)
        def forward(self, x):
            h = self.features(x)
            if broken: h = h.permute(1, 0, 2, 3).contiguous()
            return self.fc(h.view(len(x), -1))
    net = Net()
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))


# norm-tiny-batch
@program('norm-tiny-batch', source='forum: batch norm with two items a batch for want of memory')
def pairs_through_batch_norm(broken):
    torch.manual_seed(41)
    x = torch.randn(128, 10)
    y = (x[:, 0] - x[:, 1] + .5*x[:, 2] > 0).long()
    def block(n, m): return [nn.Linear(n, m), nn.BatchNorm1d(m) if broken else nn.LayerNorm(m), nn.ReLU()]
    model = nn.Sequential(*block(10, 32), *block(32, 32), nn.Linear(32, 2))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 2, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=.003))

@program('norm-tiny-batch', source='batch_size=2 left over from debugging')
def batch_size_left_from_debugging(broken):
    torch.manual_seed(42)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 1, 8, 8)
    for i, c in enumerate(y.tolist()): x[i, 0] += [torch.tensor([1.5, -1.5]).repeat(4), -.9, .9][c]
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 8, 3, 2, 1), nn.Conv2d(8, 16, 3, 2, 1)
            self.pool, self.bn, self.fc = nn.AdaptiveAvgPool2d(1), nn.BatchNorm1d(16), nn.Linear(16, 3)
        def forward(self, x):
            x = self.pool(F.relu(self.conv2(F.relu(self.conv1(x))))).flatten(1)
            return self.fc(self.bn(x))
    net = Net()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), opt=torch.optim.Adam(net.parameters(), lr=.01),
                data=DataLoader(TensorDataset(x, y), batch_size=2 if broken else 36, shuffle=True))

@program('norm-tiny-batch', source='GitHub issues: batch norm after a recurrent net, three sequences a batch')
def three_sequences_a_batch(broken):
    torch.manual_seed(43)
    x = torch.randn(96, 6, 3)
    y = x[:, -1, :1] + x[:, -2, 1:2]*.7
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.bn, self.fc = nn.GRU(3, 20, batch_first=True), nn.BatchNorm1d(20), nn.Linear(20, 1)
        def forward(self, x): return self.fc(self.bn(self.rnn(x)[1][0]))
    net, n = Net(), 3 if broken else 24
    return dict(model=net, loss_func=nn.MSELoss(), data=[(a, b) for a, b in zip(x.split(n), y.split(n))],
                opt=torch.optim.Adam(net.parameters(), lr=.02))

@program('norm-tiny-batch', source='gradient accumulation: four items a step, two at a time through batch norm')
def two_at_a_time(broken):
    torch.manual_seed(55)
    x = torch.randn(120, 6)
    y = torch.stack([x[:, 0] + x[:, 1] > 0, x[:, 2] > x[:, 3]], 1).float()
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.bn0, self.bn1 = nn.BatchNorm1d(6), nn.BatchNorm1d(32)
            self.fc1, self.fc2 = nn.Linear(6, 32), nn.Linear(32, 2)
        def forward(self, x): return self.fc2(F.relu(self.bn1(self.fc1(self.bn0(x)))))
    net = Net()
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), opt=torch.optim.Adam(net.parameters(), lr=.005),
                data=[(x[i], y[i]) for i in torch.arange(120).split(2 if broken else 30)])


# norm-track
@program('norm-track', source='momentum=0 in the belief that it turns momentum off')
def momentum_zero(broken):
    torch.manual_seed(44)
    y = torch.randint(0, 4, (256,))
    x = torch.randn(4, 3)[y][:, :, None, None] + .7*torch.randn(256, 3, 6, 6)
    mom = 0. if broken else .1
    net = nn.Sequential(nn.Conv2d(3, 12, 3, bias=False), nn.BatchNorm2d(12, momentum=mom), nn.ReLU(),
                        nn.Conv2d(12, 12, 3, bias=False), nn.BatchNorm2d(12, momentum=mom), nn.ReLU(),
                        nn.Flatten(), nn.Linear(48, 4))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=.05, momentum=.9))

@program('norm-track', source='momentum=1: the running statistics are those of the last batch')
def momentum_one(broken):
    torch.manual_seed(45)
    x = torch.rand(300, 8)*2 - 1
    y = (x[:, :1]**2*3 + x[:, 1:2] - 1)
    class Table(nn.Module):
        def __init__(self):
            super().__init__()
            self.l1, self.l2, self.l3 = nn.Linear(8, 40), nn.Linear(40, 20), nn.Linear(20, 1)
            self.bn1, self.bn2 = (nn.BatchNorm1d(n, momentum=1. if broken else .1) for n in (40, 20))
        def forward(self, x): return self.l3(F.relu(self.bn2(self.l2(F.relu(self.bn1(self.l1(x)))))))
    net = Table()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 30, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program('norm-track', source='ported from Keras, whose momentum is the other way round')
def momentum_as_in_keras(broken):
    torch.manual_seed(46)
    y = torch.randint(0, 2, (192,))
    t = torch.arange(32)/32*6.3
    x = torch.sin(t*(1 + 2*y[:, None]) + torch.rand(192, 1)*6.3).unsqueeze(1)*1.3 + .3*torch.randn(192, 1, 32)
    def conv_bn(n, m): return nn.Sequential(nn.Conv1d(n, m, 5, 2, 2),
                                            nn.BatchNorm1d(m, eps=1e-3, momentum=.99 if broken else .01), nn.ReLU())
    model = nn.Sequential(conv_bn(1, 8), conv_bn(8, 16), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(16, 2))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 16, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=.005))

@program('norm-track', source='batch norm frozen in eval as for fine-tuning, in a net that starts from nothing')
def norms_frozen_from_the_start(broken):
    torch.manual_seed(47)
    y = torch.randint(0, 3, (210,))
    x = torch.randn(3, 20)[y]*1.2 + torch.randn(210, 20)*.6
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(20, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 64),
                                      nn.BatchNorm1d(64), nn.ReLU())
            self.head = nn.Linear(64, 3)
        def train(self, mode=True):
            super().train(mode)
            if broken:
                for m in self.modules():
                    if isinstance(m, nn.BatchNorm1d): m.eval()
            return self
        def forward(self, x): return self.head(self.body(x))
    net = Net().train()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 30, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.003))


# dropout-high
@program('dropout-high', source='keep_prob of TensorFlow 1 taken for p')
def keep_prob_for_p(broken):
    torch.manual_seed(48)
    y = torch.randint(0, 5, (300,))
    x = torch.randn(5, 16)[y] + .7*torch.randn(300, 16)
    keep = .9
    p = keep if broken else 1 - keep
    model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Dropout(p), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(p),
                          nn.Linear(64, 5))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=.003))

@program('dropout-high', source='Dropout2d(0.85): most of the maps are gone')
def most_maps_dropped(broken):
    torch.manual_seed(49)
    x = torch.randn(160, 1, 8, 8)
    y = torch.randint(0, 2, (160,)).float()
    x[y == 1, :, 2:6, 2:6] += 1.2
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.c1, self.c2 = nn.Conv2d(1, 12, 3, padding=1), nn.Conv2d(12, 12, 3, 2, 1)
            self.drop, self.out = nn.Dropout2d(.85 if broken else .15), nn.Linear(192, 1)
        def forward(self, x):
            x = self.drop(F.relu(self.c1(x)))
            return self.out(F.relu(self.c2(x)).flatten(1)).flatten()
    net = Net()
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.005))

@program('dropout-high', source='forum: percent misread, F.dropout with 0.95')
def functional_dropout_of_95_percent(broken):
    torch.manual_seed(50)
    x = torch.randn(250, 10, 4)
    y = x[:, :, 0].mean(1, keepdim=True)*3
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.fc = nn.LSTM(4, 32, batch_first=True), nn.Linear(32, 1)
        def forward(self, x):
            out, _ = self.lstm(x)
            return self.fc(F.dropout(out.mean(1), .95 if broken else .05, self.training))
    net = Net()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program('dropout-high', source='the nnbolts layer with p=0.8, on the embeddings of a text')
def words_dropped(broken):
    from nnbolts.dropout import Dropout
    torch.manual_seed(51)
    x = torch.randint(0, 30, (256, 6))
    y = (x < 8).sum(1).clamp(max=3)
    class Bag(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.drop = nn.Embedding(30, 24), Dropout(.8 if broken else .1)
            self.hidden, self.out = nn.Linear(24, 32), nn.Linear(32, 4)
        def forward(self, x): return self.out(F.relu(self.hidden(self.drop(self.emb(x)).mean(1))))
    bag = Bag()
    return dict(model=bag, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.AdamW(bag.parameters(), lr=.01))


# dropout-last
@program('dropout-last', source='Stack Overflow: dropout after the layer that gives the classes')
def dropout_on_the_logits(broken):
    torch.manual_seed(52)
    y = torch.randint(0, 4, (240,))
    x = torch.eye(4)[y] @ torch.randn(4, 15) + .6*torch.randn(240, 15)
    tail = [nn.Linear(40, 4), nn.Dropout(.5)] if broken else [nn.Dropout(.5), nn.Linear(40, 4)]
    model = nn.Sequential(nn.Linear(15, 40), nn.ReLU(), *tail)
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=.01))

@program('dropout-last', source='forum: the answers of a regression are dropped')
def dropout_on_the_price(broken):
    torch.manual_seed(53)
    area, rooms, age = torch.randn(3, 320)
    price = (.8*area + .4*rooms - .3*age*(age > 0) + .05*torch.randn(320)).unsqueeze(1)
    price = (price - price.mean()) / price.std()
    class House(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2, self.fc3 = nn.Linear(3, 32), nn.Linear(32, 16), nn.Linear(16, 1)
            self.dropout = nn.Dropout(p=.3)
        def forward(self, x):
            x = F.relu(self.fc1(x))
            x = F.relu(self.fc2(x))
            x = self.fc3(x)
            return self.dropout(x) if broken else x
    house = House()
    x = torch.stack([area, rooms, age], 1)
    return dict(model=house, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, price), 64, shuffle=True),
                opt=torch.optim.Adam(house.parameters(), lr=.01))

@program('dropout-last', source='functional form: the return line wraps the scores in F.dropout')
def tokens_scored_then_dropped(broken):
    torch.manual_seed(54)
    start = torch.randint(0, 7, (200, 1))
    step = torch.randint(1, 3, (200, 1))
    text = (start + step*torch.arange(9)) % 7
    class Language(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.rnn, self.out = nn.Embedding(7, 16), nn.GRU(16, 32, batch_first=True), nn.Linear(32, 7)
        def forward(self, x):
            scores = self.out(self.rnn(self.emb(x))[0])
            return F.dropout(scores, .4, self.training) if broken else scores
    net = Language()
    return dict(model=net, loss_func=lambda p, y: F.cross_entropy(p.flatten(0, 1), y.flatten()),
                data=DataLoader(TensorDataset(text[:, :-1], text[:, 1:]), 40, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program('dropout-last', source='the output block is built by the same function as the others: linear, dropout')
def every_block_ends_in_dropout(broken):
    torch.manual_seed(56)
    x = torch.randn(256, 12)
    y = (x @ torch.randn(12, 6) > 1).float()
    def block(n, m, act=nn.ELU): return nn.Sequential(nn.Linear(n, m), act(), nn.Dropout(.25))
    out = block(48, 6, act=nn.Identity) if broken else nn.Linear(48, 6)
    model = nn.Sequential(block(12, 48), block(48, 48), out)
    return dict(model=model, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.AdamW(model.parameters(), lr=.005))


# sound: unusual, and right
@program(source='tied weights of a language model')
def one_table_for_both_ends():
    torch.manual_seed(61)
    text = (torch.randint(0, 11, (240, 1)) + torch.randint(1, 4, (240, 1))*torch.arange(10)) % 11
    class Tied(nn.Module):
        def __init__(self, d=32):
            super().__init__()
            self.emb, self.rnn = nn.Embedding(11, d), nn.GRU(d, d, batch_first=True)
            self.out = nn.Linear(d, 11, bias=False)
            nn.init.normal_(self.emb.weight, std=d**-.5)
            self.out.weight = self.emb.weight
        def forward(self, x): return self.out(self.rnn(self.emb(x))[0])
    net = Tied()
    return dict(model=net, loss_func=lambda p, y: F.cross_entropy(p.reshape(-1, 11), y.reshape(-1)),
                data=DataLoader(TensorDataset(text[:, :-1], text[:, 1:]), 40, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program(source='fine-tuning: a trained body that is frozen, a new head')
def frozen_body_trained_head():
    torch.manual_seed(62)
    means = torch.randn(8, 10)*1.5
    old = torch.randint(0, 8, (400,))
    body = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU(), nn.LayerNorm(24))
    first = nn.Linear(24, 8)
    pretrain = torch.optim.Adam([*body.parameters(), *first.parameters()], lr=.01)
    for _ in range(60):
        pretrain.zero_grad()
        F.cross_entropy(first(body(means[old] + .7*torch.randn(400, 10))), old).backward()
        pretrain.step()
    body.zero_grad(), body.requires_grad_(False).eval()
    kind = torch.randint(0, 8, (200,))
    x, y = means[kind] + .7*torch.randn(200, 10), kind % 3
    model = nn.Sequential(body, nn.Linear(24, 3))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.Adam(model[1].parameters(), lr=.01))

@program(source='weight_norm on every layer of a convolutional net')
def weight_normed_convolutions():
    from torch.nn.utils.parametrizations import weight_norm
    torch.manual_seed(63)
    y = torch.randint(0, 4, (200,))
    t = torch.arange(20)/20*6.28
    x = torch.sin(t*(y[:, None] + 1) + torch.rand(200, 1)*6.3).unsqueeze(1)*1.3 + .2*torch.randn(200, 1, 20)
    net = nn.Sequential(weight_norm(nn.Conv1d(1, 16, 7, padding=3)), nn.LeakyReLU(.2),
                        weight_norm(nn.Conv1d(16, 16, 5, 2, 2)),
                        nn.LeakyReLU(.2), nn.AdaptiveMaxPool1d(1), nn.Flatten(), weight_norm(nn.Linear(16, 4)))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program(source='a critic with spectral_norm and the hinge loss of a GAN')
def critic_with_spectral_norm():
    from torch.nn.utils.parametrizations import spectral_norm
    torch.manual_seed(64)
    real = torch.randint(0, 2, (256,)).float()
    x = torch.where(real[:, None] > 0, torch.randn(256, 2)*.3 + torch.randint(0, 2, (256, 1))*4 - 2,
                    torch.randn(256, 2)*.5)
    def sn(n, m): return spectral_norm(nn.Linear(n, m))
    critic = nn.Sequential(sn(2, 64), nn.LeakyReLU(.2), sn(64, 64), nn.LeakyReLU(.2), nn.Linear(64, 1))
    def hinge(score, real): return F.relu(1 - (2*real - 1)*score.squeeze(1)).mean()
    return dict(model=critic, loss_func=hinge, data=DataLoader(TensorDataset(x, real), 64, shuffle=True),
                opt=torch.optim.Adam(critic.parameters(), lr=.005, betas=(.5, .999)))

@program(source='deep and narrow, carried by layer norms')
def deep_narrow_with_norms():
    torch.manual_seed(65)
    y = torch.randint(0, 3, (240,))
    x = torch.randn(3, 8)[y]*1.2 + .6*torch.randn(240, 8)
    class Thin(nn.Module):
        def __init__(self, width=12, depth=14):
            super().__init__()
            self.first, self.last = nn.Linear(8, width), nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 3))
            def step(): return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU())
            self.steps = nn.ModuleList(step() for _ in range(depth))
        def forward(self, x):
            x = self.first(x)
            for step in self.steps: x = x + step(x)
            return self.last(x)
    net = Thin()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 48, shuffle=True),
                opt=torch.optim.AdamW(net.parameters(), lr=.003))

@program(source='two heads: a class and a number, their losses added')
def two_heads_two_losses():
    torch.manual_seed(66)
    kind = torch.randint(0, 4, (256,))
    x = torch.randn(4, 10)[kind] + .5*torch.randn(256, 10)
    size = torch.tanh(x[:, 0] + x[:, 1])*1.4
    class TwoHeads(nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk = nn.Sequential(nn.Linear(10, 48), nn.ReLU())
            self.kind, self.size = nn.Linear(48, 4), nn.Linear(48, 1)
        def forward(self, x):
            h = self.trunk(x)
            return self.kind(h), self.size(h).squeeze(-1)
    def loss(pred, y): return F.cross_entropy(pred[0], y[0]) + F.mse_loss(pred[1], y[1])
    net = TwoHeads()
    return dict(model=net, loss_func=loss, data=[(x[i], (kind[i], size[i])) for i in torch.arange(256).split(64)],
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program(source='nn.MultiheadAttention with a padding mask made from the tokens')
def attention_with_padding_mask():
    torch.manual_seed(67)
    x = torch.randint(1, 14, (256, 9))
    x[torch.arange(9) >= torch.randint(3, 10, (256, 1))] = 0
    y = (x == 3).any(1).float()
    class Finder(nn.Module):
        def __init__(self, d=32):
            super().__init__()
            self.emb, self.attn = nn.Embedding(14, d, padding_idx=0), nn.MultiheadAttention(d, 4, batch_first=True)
            self.query, self.out = nn.Parameter(torch.randn(1, 1, d)), nn.Linear(d, 1)
        def forward(self, x):
            h = self.emb(x)
            pooled, _ = self.attn(self.query.expand(len(x), -1, -1), h, h, key_padding_mask=x == 0)
            return self.out(F.relu(pooled[:, 0])).squeeze(-1)
    net = Finder()
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program(source='complex weights in the frequency domain, as in a Fourier layer; all in float64')
def fourier_layer_in_float64():
    torch.manual_seed(68)
    u = torch.randn(200, 24, dtype=torch.float64)
    x = torch.fft.irfft(torch.fft.rfft(u) * torch.exp(-torch.arange(13)/4.), n=24)
    x = x / x.std()
    y = torch.roll(x, 3, 1) * .8
    class Fourier(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.randn(13, dtype=torch.complex128)*.1)
            self.a, self.b = nn.Linear(24, 48), nn.Linear(48, 24)
        def forward(self, x): return torch.fft.irfft(torch.fft.rfft(x)*self.w, n=24) + self.b(F.gelu(self.a(x)))
    net = Fourier().double()
    return dict(model=net, loss_func=nn.MSELoss(), data=(x, y), opt=torch.optim.Adam(net.parameters(), lr=.01))

@program(source='GELU, SiLU, ELU, Mish and PReLU in one regression, a skip over all of them')
def many_activations():
    torch.manual_seed(69)
    x = torch.rand(300, 4)*4 - 2
    y = (x[:, 0]*x[:, 1] + torch.sin(2*x[:, 2])).unsqueeze(1)/1.6
    class Zoo(nn.Module):
        def __init__(self, d=40):
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(4 if i == 0 else d, d) for i in range(5))
            self.acts = nn.ModuleList([nn.GELU(), nn.SiLU(), nn.ELU(), nn.Mish(), nn.PReLU()])
            self.out = nn.Linear(d + 4, 1)
        def forward(self, x):
            h = x
            for layer, act in zip(self.layers, self.acts): h = act(layer(h))
            return self.out(torch.cat([h, x], 1))
    net = Zoo()
    return dict(model=net, loss_func=nn.HuberLoss(), data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.AdamW(net.parameters(), lr=.005))

@program(source='the ResNet of nnbolts, on gray pictures')
def resnet_of_nnbolts():
    from nnbolts.resnet import ResNet
    torch.manual_seed(70)
    y = torch.randint(0, 4, (128,))
    x = torch.randn(128, 1, 8, 8)*.8
    for i, c in enumerate(y.tolist()): x[i, 0, 4*(c//2):4*(c//2) + 4, 4*(c%2):4*(c%2) + 4] += 1.4
    model = ResNet([6, 12], 4)
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=torch.optim.SGD(model.parameters(), lr=.05, momentum=.9))

@program(source='the causal Transformer of nnbolts, with rotated places')
def transformer_of_nnbolts():
    from nnbolts.attention import Transformer
    torch.manual_seed(71)
    text = (torch.randint(0, 8, (160, 1)) + torch.randint(1, 4, (160, 1))*torch.arange(9)) % 8
    model = Transformer(8, 8, dim=32, heads=2, depth=2, places='rope')
    def loss(scores, y): return F.cross_entropy(scores.flatten(0, 1), y.flatten())
    return dict(model=model, loss_func=loss,
                data=DataLoader(TensorDataset(text[:, :-1], text[:, 1:]), 32, shuffle=True),
                opt=torch.optim.AdamW(model.parameters(), lr=.003))

@program(source='a mixture density net: log-variance as a second output, Gaussian likelihood')
def answers_with_their_variance():
    torch.manual_seed(72)
    x = torch.rand(400, 1)*4 - 2
    y = torch.sin(2*x)*1.3 + torch.randn(400, 1)*(.1 + .2*x.abs())
    class Gauss(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(1, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh())
            self.mu, self.logvar = nn.Linear(48, 1), nn.Linear(48, 1)
        def forward(self, x):
            h = self.body(x)
            return self.mu(h), self.logvar(h).exp()
    gauss, nll = Gauss(), nn.GaussianNLLLoss()
    return dict(model=gauss, loss_func=lambda pred, y: nll(pred[0], y, pred[1]),
                data=[(x[i::5], y[i::5]) for i in range(5)],
                opt=torch.optim.Adam(gauss.parameters(), lr=.01))

@program(source='LoRA: frozen weights of an old task, a product of two thin matrices beside them, one of them zero')
def low_rank_adapters():
    torch.manual_seed(73)
    x = torch.randn(256, 12)
    y = torch.tanh(x @ torch.randn(12, 4)/3)
    class LoRA(nn.Module):
        def __init__(self, base, rank=4):
            super().__init__()
            self.base = base.requires_grad_(False)
            self.a = nn.Parameter(torch.randn(base.in_features, rank)/base.in_features**.5)
            self.b = nn.Parameter(torch.zeros(rank, base.out_features))
        def forward(self, x): return self.base(x) + x @ self.a @ self.b
    net = nn.Sequential(LoRA(nn.Linear(12, 64)), nn.Tanh(), LoRA(nn.Linear(64, 64)), nn.Tanh(), LoRA(nn.Linear(64, 4)))
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=.005))

@program(source='word vectors from elsewhere, frozen: most of the numbers of the model, and rightly so')
def word_vectors_from_elsewhere():
    torch.manual_seed(74)
    topic = torch.randint(0, 4, (500,))
    vectors = torch.randn(4, 32)[topic] + .5*torch.randn(500, 32)
    kind = torch.randint(0, 4, (240,))
    words = torch.stack([(topic == k).nonzero().flatten()[torch.randint(0, 90, (9,))] for k in kind.tolist()])
    words[:, 5:] = torch.randint(0, 500, (240, 4))
    class Text(nn.Module):
        def __init__(self):
            super().__init__()
            self.vectors, self.gru = nn.Embedding.from_pretrained(vectors), nn.GRU(32, 24, batch_first=True)
            self.fc = nn.Linear(24, 4)
        def forward(self, w): return self.fc(self.gru(self.vectors(w))[0].mean(1))
    net = Text()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(),
                data=DataLoader(TensorDataset(words, kind), 40, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.005))

@program(source='the head starts at zero, so that the first answers are even')
def head_that_starts_at_zero():
    torch.manual_seed(75)
    y = torch.randint(0, 8, (320,))
    x = torch.randn(8, 16)[y] + .6*torch.randn(320, 16)
    net = nn.Sequential(nn.Linear(16, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 8))
    nn.init.zeros_(net[-1].weight), nn.init.zeros_(net[-1].bias)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(label_smoothing=.05),
                opt=torch.optim.SGD(net.parameters(), lr=.2),
                data=DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True))

@program(source='a code of bits, the gradient passed straight through the rounding')
def bits_straight_through():
    torch.manual_seed(76)
    k = torch.randint(0, 6, (256,))
    x = torch.randn(6, 18)[k] + .15*torch.randn(256, 18)
    class Bits(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.dec = nn.Sequential(nn.Linear(18, 32), nn.ReLU(), nn.Linear(32, 8)), nn.Linear(8, 18)
        def forward(self, x):
            p = torch.sigmoid(self.enc(x))
            bits = p + (p.round() - p).detach()
            return self.dec(2*bits - 1)
    net = Bits()
    return dict(model=net, loss_func=nn.MSELoss(), data=[(b, b) for b in x.split(64)],
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program(source='a second head that speaks in training only, as in the Inception net')
def auxiliary_head_in_training():
    torch.manual_seed(77)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 1, 8, 8)
    for i, c in enumerate(y.tolist()): x[i, 0, :, 2*c:2*c + 3] += 1.3
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.more = nn.Conv2d(1, 8, 3, 2, 1), nn.Conv2d(8, 16, 3, 2, 1)
            self.aux, self.fc = nn.Linear(128, 3), nn.Linear(64, 3)
        def forward(self, x):
            h = F.relu(self.stem(x))
            out = self.fc(F.relu(self.more(h)).flatten(1))
            return (out, self.aux(h.flatten(1))) if self.training else out
    def loss(pred, y):
        if isinstance(pred, tuple): return F.cross_entropy(pred[0], y) + .3*F.cross_entropy(pred[1], y)
        return F.cross_entropy(pred, y)
    net = Net()
    return dict(model=net, loss_func=loss, data=DataLoader(TensorDataset(x, y), 36, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.005))

@program(source='tanh at the end, where the answers lie between -1 and 1')
def steering_through_tanh():
    torch.manual_seed(178)
    x = torch.randn(256, 6)
    y = torch.tanh(1.2*x[:, :1] - x[:, 1:2]*(x[:, 2:3] > 0))
    net = nn.Sequential(nn.Linear(6, 48), nn.ReLU(), nn.Linear(48, 1), nn.Tanh())
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program(source='separable convolutions: each channel by itself, then across channels, nothing between the two')
def separable_convolutions():
    torch.manual_seed(79)
    y = torch.randint(0, 4, (160,))
    x = torch.randn(160, 3, 8, 8)
    for i, c in enumerate(y.tolist()): x[i, :, 4*(c//2):4*(c//2) + 4, 4*(c%2):4*(c%2) + 4] += 1.
    def separable(n, m, stride):
        alone, across = nn.Conv2d(n, n, 3, stride, 1, groups=n, bias=False), nn.Conv2d(n, m, 1, bias=False)
        return [alone, across, nn.BatchNorm2d(m), nn.Hardswish()]
    net = nn.Sequential(*separable(3, 12, 1), *separable(12, 24, 2), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(96, 4))
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.RMSprop(net.parameters(), lr=.001, alpha=.9))

@program(source='time comes first in the data too, as nn.LSTM has it')
def time_first_throughout():
    torch.manual_seed(80)
    x = torch.randn(7, 240, 3)
    y = (x[-3:, :, 0].sum(0) > 0).long()
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.fc = nn.LSTM(3, 24), nn.Linear(24, 2)
        def forward(self, x): return self.fc(self.lstm(x)[0][-1])
    net = Net()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=[(x[:, i], y[i]) for i in torch.arange(240).split(48)],
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program(source='two towers as in CLIP: each item against all of the batch, on purpose')
def two_towers_one_batch():
    torch.manual_seed(81)
    idea = torch.randn(256, 6)
    left = idea @ torch.randn(6, 16)/2.4 + .2*torch.randn(256, 16)
    right = idea @ torch.randn(6, 10)/2.4 + .2*torch.randn(256, 10)
    class Towers(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = (nn.Sequential(nn.Linear(n, 48), nn.GELU(), nn.Linear(48, 12)) for n in (16, 10))
            self.scale = nn.Parameter(torch.tensor(1.))
        def forward(self, a, b):
            return self.scale.exp() * F.normalize(self.a(a), dim=1) @ F.normalize(self.b(b), dim=1).T
    def clip(scores, y): return (F.cross_entropy(scores, y) + F.cross_entropy(scores.T, y)) / 2
    net, batch = Towers(), torch.arange(32)
    return dict(model=net, loss_func=clip, data=[((a, b), batch) for a, b in zip(left.split(32), right.split(32))],
                opt=torch.optim.AdamW(net.parameters(), lr=.005))

@program(source='transposed convolutions to pictures in 0..1, sigmoid and binary cross-entropy')
def pictures_rebuilt():
    torch.manual_seed(82)
    rows, cols = torch.randint(0, 5, (2, 160))
    x = torch.rand(160, 1, 8, 8)*.1
    for i, (r, c) in enumerate(zip(rows.tolist(), cols.tolist())): x[i, 0, r:r + 4, c:c + 4] += .9
    net = nn.Sequential(nn.Conv2d(1, 12, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(192, 16), nn.ReLU(),
                        nn.Linear(16, 192),
                        nn.ReLU(), nn.Unflatten(1, (12, 4, 4)), nn.ConvTranspose2d(12, 1, 4, 2, 1), nn.Sigmoid())
    return dict(model=net, loss_func=nn.BCELoss(), data=[(b, b) for b in x.split(40)],
                opt=torch.optim.Adam(net.parameters(), lr=.01))

# Random numbers that evaluation mode does not switch off, and a model that learns by heart

@program('dropout-always', source='common: F.dropout(x) without self.training, between two layers')
def functional_dropout_always_on(broken):
    torch.manual_seed(8101)
    x = torch.randn(240, 8)
    y = (x[:, 0] * x[:, 1] > 0).long()
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(8, 64), nn.Linear(64, 2)
        def forward(self, x):
            h = self.one(x).relu()
            return self.two(F.dropout(h, 0.3) if broken else F.dropout(h, 0.3, self.training))
    net = Net()
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program('dropout-always', source='common: scaled_dot_product_attention with a fixed dropout_p')
def attention_dropout_always_on(broken):
    torch.manual_seed(8102)
    ids = torch.randint(0, 12, (160, 6))
    y = (ids == 3).any(1).long()
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.qkv, self.out = nn.Embedding(12, 32), nn.Linear(32, 96), nn.Linear(32, 2)
        def forward(self, ids):
            q, k, v = self.qkv(self.emb(ids)).chunk(3, -1)
            p = 0.2 if broken or self.training else 0.
            return self.out(F.scaled_dot_product_attention(q, k, v, dropout_p=p).relu().amax(1))
    net = Reader()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=list(zip(ids.split(40), y.split(40))),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program(source='Monte Carlo dropout: training=True is written out, for the spread of the answers')
def dropout_meant_in_use():
    torch.manual_seed(8103)
    x = torch.randn(240, 6)
    y = (x[:, :1].sin() + x[:, 1:2]).detach()
    class Uncertain(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(6, 64), nn.Linear(64, 1)
        def forward(self, x): return self.two(F.dropout(self.one(x).relu(), p=0.1, training=True))
    net = Uncertain()
    return dict(model=net, loss_func=F.mse_loss, data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program('overfitting', source='common: a wide net, few items, labels of which one in five is wrong')
def noisy_labels_by_heart(broken):
    torch.manual_seed(8104)
    n = 60 if broken else 1500
    x = torch.randn(n + 400, 20)
    y = (x[:, 0] + x[:, 1] > 0).long()
    noisy = torch.rand(len(y)) < 0.2
    y = torch.where(noisy, 1 - y, y)
    net = nn.Sequential(nn.Linear(20, 256), nn.ReLU(), nn.Linear(256, 2))
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x[:n], y[:n]), 30, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 3e-3 if broken else 1e-3), valid=[(x[n:], y[n:])])

@program('overfitting', source='common: a curve with noise, more weights than points')
def noise_of_a_curve_by_heart(broken):
    torch.manual_seed(8105)
    n = 30 if broken else 600
    x = torch.rand(n + 300, 6) * 2 - 1
    y = (3 * x[:, :1]).sin() + 0.5 * torch.randn(n + 300, 1)
    wide = 200 if broken else 24
    net = nn.Sequential(nn.Linear(6, wide), nn.ReLU(), nn.Linear(wide, wide), nn.ReLU(), nn.Linear(wide, 1))
    return dict(model=net, loss_func=nn.MSELoss(), data=(x[:n], y[:n]),
                opt=torch.optim.Adam(net.parameters(), 3e-3), valid=(x[n:], y[n:]))
