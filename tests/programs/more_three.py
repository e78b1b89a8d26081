"Programs as beginners and as researchers write them: every group of faults once more, and sound ones."
import math
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrize
from torch.utils.data import DataLoader, TensorDataset
from . import program

# Models

@program('unregistered', source='mixture of experts: the experts in a dict of Python')
def experts_in_a_dict(broken):
    torch.manual_seed(7050)
    x = torch.randn(256, 4)
    y = torch.where(x[:, 0] > 0, x[:, 1] + x[:, 2], x[:, 3] - x[:, 1]) / 1.4
    class Experts(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate = nn.Linear(4, 2)
            experts = {str(i): nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 1)) for i in range(2)}
            self.experts = experts if broken else nn.ModuleDict(experts)
        def forward(self, x):
            answers = torch.cat([e(x) for e in self.experts.values()], 1)
            return (self.gate(x).softmax(1)*answers).sum(1)
    net = Experts()
    return dict(model=net, loss_func=F.mse_loss, data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 8e-3))

@program('unregistered', source='common: nn.Parameters in a plain list where a ParameterList is wanted')
def factors_in_a_plain_list(broken):
    torch.manual_seed(7051)
    x = torch.randn(240, 6)
    y = (x[:, :2]*x[:, 2:4]).sum(1, keepdim=True) / 1.4
    class Factors(nn.Module):
        def __init__(self):
            super().__init__()
            weights = [nn.Parameter(0.4*torch.randn(6, 12)) for _ in range(2)]
            self.weights = weights if broken else nn.ParameterList(weights)
            self.out = nn.Linear(12, 1)
        def forward(self, x): return self.out((x@self.weights[0])*(x@self.weights[1]))
    net = Factors()
    return dict(model=net, loss_func=nn.MSELoss(), data=(x, y), opt=torch.optim.Adam(net.parameters(), 1e-2))

@program('frozen', source='common: Embedding.from_pretrained without freeze=False, for a table drawn at random')
def table_frozen_by_from_pretrained(broken):
    torch.manual_seed(7052)
    users, films = torch.randint(0, 30, (512,)), torch.randint(0, 30, (512,))
    taste, kind = torch.randn(30), torch.randn(30)
    stars = taste[users]*kind[films]
    class Recommend(nn.Module):
        def __init__(self):
            super().__init__()
            self.u = nn.Embedding.from_pretrained(0.5*torch.randn(30, 8), freeze=broken)
            self.f = nn.Embedding.from_pretrained(0.5*torch.randn(30, 8), freeze=broken)
            self.bias = nn.Parameter(torch.zeros(1))
        def forward(self, u, f): return (self.u(u)*self.f(f)).sum(1) + self.bias
    net = Recommend()
    return dict(model=net, loss_func=F.mse_loss,
                opt=lambda ps: torch.optim.Adam([p for p in ps if p.requires_grad], 3e-2),
                data=[((u, f), s) for u, f, s in zip(users.split(128), films.split(128), stars.split(128))])

@program('frozen', source='fine-tuning the biases only, of a network that nobody trained')
def only_the_biases_of_a_new_net(broken):
    torch.manual_seed(7053)
    y = torch.randint(0, 3, (210,))
    x = torch.randn(210, 1, 8, 8)
    x[torch.arange(210), 0, 2 + 2*y] += 1.5
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(512, 16),
                        nn.ReLU(), nn.Linear(16, 3))
    if broken:
        for name, p in net.named_parameters(): p.requires_grad = name.endswith('bias')
    learned = [p for p in net.parameters() if p.requires_grad]
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 30, shuffle=True),
                opt=torch.optim.Adam(learned, lr=2e-3))

@program('unused', source='own attention: the weights are computed, the values are returned unmixed')
def values_returned_unmixed(broken):
    torch.manual_seed(7054)
    y = torch.randint(0, 3, (180,))
    x = 0.5*torch.randn(180, 6, 8)
    x[torch.arange(180), torch.randint(0, 6, (180,)), y] += 2.5
    class Attend(nn.Module):
        def __init__(self):
            super().__init__()
            self.q, self.k, self.v, self.out = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 16), nn.Linear(16, 3)
        def forward(self, x):
            q, k, v = self.q(x), self.k(x), F.gelu(self.v(x))
            weights = (q@k.transpose(1, 2) / 8**0.5).softmax(-1)
            mixed = v if broken else weights@v
            return self.out(mixed.mean(1))
    net = Attend()
    return dict(model=net, loss_func=F.cross_entropy, data=list(zip(x.split(60), y.split(60))),
                opt=torch.optim.AdamW(net.parameters(), 1e-2))

@program('unused', source='common: positions are in __init__, forward forgets to add them')
def positions_never_added(broken):
    torch.manual_seed(7055)
    ids = torch.randint(0, 10, (200, 5))
    y = ids[:, 1] // 5
    class WordsInPlace(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.places = nn.Embedding(10, 16), nn.Embedding(5, 16)
            self.mix = nn.Sequential(nn.Linear(16, 64), nn.ReLU())
            self.out = nn.Linear(64, 2)
        def forward(self, ids):
            h = self.words(ids)
            if not broken: h = h + self.places(torch.arange(5))
            return self.out(self.mix(h).mean(1))
    net = WordsInPlace()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=(ids, y), opt=torch.optim.Adam(net.parameters(), 2e-2))

@program('no-nonlinearity', source='common: fc1 and fc2 with dropout between, no activation')
def dropout_taken_for_an_activation(broken):
    torch.manual_seed(7056)
    x = torch.randn(320, 2)
    y = (x.norm(dim=1) > 1.18).long()
    class Disc(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2, self.drop = nn.Linear(2, 64), nn.Linear(64, 2), nn.Dropout(0.1)
        def forward(self, x):
            h = self.fc1(x)
            return self.fc2(self.drop(h if broken else torch.relu(h)))
    net = Disc()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program('no-nonlinearity', source='common: convolutions one after the other, average pooling between')
def convolutions_with_average_pools(broken):
    torch.manual_seed(7057)
    y = torch.randint(0, 2, (160,))
    sign = torch.randint(0, 2, (160,))*2. - 1
    bars = torch.zeros(160, 1, 12, 12)
    for i in range(160):
        at = torch.randint(1, 11, ()).item()
        if y[i]: bars[i, 0, at] = 2.5*sign[i]
        else: bars[i, 0, :, at] = 2.5*sign[i]
    x = bars + 0.3*torch.randn(160, 1, 12, 12)
    act = (lambda: nn.Identity()) if broken else nn.ReLU
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), act(), nn.AvgPool2d(2), nn.Conv2d(8, 16, 3, padding=1), act(),
                        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 2))
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 1e-2))

@program('output-activation', source='object position: sigmoid at the end, coordinates from -1 to 1')
def coordinates_through_a_sigmoid(broken):
    torch.manual_seed(7058)
    spot = 1.8*torch.rand(192, 2) - 0.9
    line = torch.linspace(-1, 1, 10)
    x = torch.exp(-12*((line - spot[:, :1])[:, None]**2 + (line - spot[:, 1:])[:, :, None]**2)).unsqueeze(1)
    x = (x - x.mean()) / x.std()
    net = nn.Sequential(nn.Flatten(), nn.Linear(100, 32), nn.ReLU(), nn.Linear(32, 2),
                        nn.Sigmoid() if broken else nn.Tanh())
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, spot), 48, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 3e-3))

@program('output-activation', source='common: F.relu on every layer, the scores of the last among them')
def relu_in_the_loop_over_layers(broken):
    torch.manual_seed(7059)
    x = torch.randn(256, 7)
    y = (x[:, 0] - 0.7*x[:, 4] > 0.8).float().unsqueeze(1)
    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in [(7, 32), (32, 16), (16, 1)])
        def forward(self, x):
            for i, layer in enumerate(self.layers):
                x = layer(x)
                if broken or i < 2: x = F.relu(x)
            return x
    net = Loop()
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.AdamW(net.parameters(), lr=4e-3))

@program('output-size', source='multi-label: one output for five tags, the formula broadcasts')
def one_output_for_five_tags(broken):
    torch.manual_seed(7060)
    x = torch.randn(220, 8)
    tags = (x[:, :5] + 0.5*x[:, 3:] > 0).float()
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1 if broken else 5))
    def logistic(z, t): return (F.softplus(z) - t*z).mean()
    return dict(model=net, loss_func=logistic, data=list(zip(x.split(44), tags.split(44))),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program('output-size', source='common: the number of classes left from the example, own one-hot by comparison')
def three_outputs_left_from_iris(broken):
    torch.manual_seed(7061)
    y = torch.randint(0, 5, (250,))
    x = torch.randn(250, 5) + 2*F.one_hot(y, 5) - 0.4
    classes = 3 if broken else 5
    net = nn.Sequential(nn.Linear(5, 24), nn.Tanh(), nn.Linear(24, classes))
    def own(z, t): return -((t[:, None] == torch.arange(classes))*z.log_softmax(1)).sum(1).mean()
    return dict(model=net, loss_func=own, data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=0.3))

@program('init-same', source='from NumPy: weights by torch.full, a functional two-layer net')
def weights_by_torch_full(broken):
    torch.manual_seed(7062)
    x = torch.randn(256, 6)
    y = (x[:, 0].abs() > 0.67).long()
    def weights(a, b): return nn.Parameter(torch.full((a, b), 0.05) if broken else torch.randn(a, b) / a**0.5)
    class TwoLayers(nn.Module):
        def __init__(self):
            super().__init__()
            self.w1, self.b1, self.w2 = weights(6, 32), nn.Parameter(torch.zeros(32)), weights(32, 2)
        def forward(self, x): return F.relu(x@self.w1 + self.b1)@(0.5*self.w2)
    net = TwoLayers()
    return dict(model=net, loss_func=F.cross_entropy, data=(x, y), opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program('init-same', source='common: an apply() that fills every Linear with ones over the width')
def linear_filled_by_apply(broken):
    torch.manual_seed(7063)
    y = torch.randint(0, 4, (200,))
    x = torch.randn(200, 10) + 2*F.one_hot(y, 10) - 0.2
    net = nn.Sequential(nn.Linear(10, 20), nn.Tanh(), nn.Linear(20, 4))
    def fill(m):
        if isinstance(m, nn.Linear):
            if broken: nn.init.constant_(m.weight, 1 / m.in_features)
            else: nn.init.xavier_uniform_(m.weight)
            nn.init.zeros_(m.bias)
    net.apply(fill)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), 0.2, momentum=0.5))

@program('init-large', source='common: xavier_normal_ with the gain of five found somewhere')
def xavier_with_a_gain_of_five(broken):
    torch.manual_seed(7064)
    x = torch.randn(256, 12)
    y = (x[:, :4].sum(1) / 2).unsqueeze(1)
    net = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 32),
                        nn.ReLU(), nn.Linear(32, 1))
    for m in net:
        if isinstance(m, nn.Linear): nn.init.xavier_normal_(m.weight, gain=5 if broken else 1)
    return dict(model=net, loss_func=nn.SmoothL1Loss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 3e-3))

@program('init-large', source='transformer without norms: the projections of the blocks drawn with std 1')
def blocks_projected_with_std_one(broken):
    torch.manual_seed(7065)
    y = torch.randint(0, 2, (160,))
    x = torch.randn(160, 16) + (2*y[:, None] - 1)*torch.linspace(-1, 1, 16)
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.up, self.down = nn.Linear(16, 32), nn.Linear(32, 16)
            if broken: nn.init.normal_(self.up.weight, std=1.), nn.init.normal_(self.down.weight, std=1.)
        def forward(self, x): return x + self.down(F.gelu(self.up(x)))
    net = nn.Sequential(*[Block() for _ in range(4)], nn.Linear(16, 2))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=list(zip(x.split(40), y.split(40))),
                opt=torch.optim.AdamW(net.parameters(), 2e-3))

@program('init-small', source='the 0.02 of GPT-2 in a net of sixteen units without norms')
def two_hundredths_in_a_narrow_net(broken):
    torch.manual_seed(7066)
    y = torch.randint(0, 3, (240,))
    x = torch.randn(240, 16) + 2*F.one_hot(y, 16)
    sizes = [16, 32, 32, 32, 32, 3]
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [nn.Linear(a, b), nn.ReLU()]
        nn.init.trunc_normal_(layers[-2].weight, std=0.02 if broken else (2 / a)**0.5)
        nn.init.zeros_(layers[-2].bias)
    nn.init.trunc_normal_(layers[-2].weight, std=0.02 if broken else 0.1)
    net = nn.Sequential(*layers[:-1])
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9))

@program('init-small', source='common: weights times 0.001 in every convolution "to be safe"')
def convolutions_of_a_thousandth(broken):
    torch.manual_seed(7067)
    y = torch.randint(0, 2, (128,))
    t = torch.arange(32.)
    x = torch.sin(t*torch.tensor([0.5, 1.1])[y][:, None] + 6.28*torch.rand(128, 1))[:, None] / 0.7
    convs = [nn.Conv1d(a, 12, 5, padding=2) for a in (1, 12, 12)]
    for c in convs:
        if broken: nn.init.normal_(c.weight, std=0.001)
        else: nn.init.kaiming_normal_(c.weight)
        nn.init.zeros_(c.bias)
    net = nn.Sequential(convs[0], nn.ReLU(), convs[1], nn.ReLU(), convs[2], nn.ReLU(),
                        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(12, 2))
    nn.init.normal_(net[-1].weight, std=0.1)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program('dead-units', source='sparse coding: the threshold of the ReLU far above what comes')
def threshold_far_above_the_codes(broken):
    torch.manual_seed(7068)
    x = torch.randn(256, 3)@torch.randn(3, 12) / 3**0.5
    class Sparse(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.dec, self.least = nn.Linear(12, 32), nn.Linear(32, 12), 3.5 if broken else 0.1
        def forward(self, x): return self.dec(F.relu(self.enc(x) - self.least))
    net = Sparse()
    return dict(model=net, loss_func=F.mse_loss, data=DataLoader(TensorDataset(x, x), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program('dead-units', source='common: group norm whose bias was filled with a large negative number')
def shift_of_the_norm_at_minus_eight(broken):
    torch.manual_seed(7069)
    y = torch.randint(0, 4, (160,))
    x = torch.randn(160, 1, 10, 10)
    for i in range(160): x[i, 0, 5*(y[i] // 2):, 5*(y[i] % 2):][:5, :5] += 1.5
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.GroupNorm(2, 8), nn.ReLU(), nn.Flatten(), nn.Linear(512, 4))
    nn.init.constant_(net[1].bias, -8. if broken else 0.)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=list(zip(x.split(40), y.split(40))),
                opt=torch.optim.RMSprop(net.parameters(), lr=1e-3))

@program('saturated', source='recurrent nets: the input multiplied by fifty before tanh')
def fifty_times_into_the_cell(broken):
    torch.manual_seed(7070)
    x = torch.randn(128, 6, 3)
    y = x[:, :, 0].mean(1, keepdim=True)*2.4
    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.i, self.h, self.out = nn.Linear(3, 24), nn.Linear(24, 24, bias=False), nn.Linear(24, 1)
        def forward(self, x):
            h = x.new_zeros(len(x), 24)
            for t in range(6): h = torch.tanh(self.i(x[:, t])*(50 if broken else 1) + self.h(h))
            return self.out(h)
    net = Cell()
    return dict(model=net, loss_func=nn.MSELoss(), data=list(zip(x.split(32), y.split(32))),
                opt=torch.optim.Adam(net.parameters(), 8e-3))

@program('saturated', source='common: weights drawn uniformly from -10 to 10 under sigmoids')
def uniform_tens_under_sigmoids(broken):
    torch.manual_seed(7071)
    y = torch.randint(0, 2, (240,))
    x = torch.randn(240, 8) + (2*y[:, None] - 1)*torch.tensor([1., -1, 1, 0, 0, 0, 0, 0.5])
    net = nn.Sequential(nn.Linear(8, 32), nn.Sigmoid(), nn.Linear(32, 2))
    if broken: nn.init.uniform_(net[0].weight, -10, 10)
    else: nn.init.uniform_(net[0].weight, -0.7, 0.7)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 48, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 1e-2))

@program('vanishing-gradient', source='twelve layers of hard sigmoids, no shortcut')
def twelve_hard_sigmoids(broken):
    torch.manual_seed(7072)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 16) + 2*F.one_hot(y, 16)
    class Layer(nn.Module):
        def __init__(self): super().__init__(); self.lin = nn.Linear(16, 16)
        def forward(self, x): return F.hardsigmoid(self.lin(x)) if broken else x + 0.1*F.relu(self.lin(x))
    net = nn.Sequential(*[Layer() for _ in range(12)], nn.Linear(16, 3))
    return dict(model=net, loss_func=F.cross_entropy, data=(x, y), opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program('vanishing-gradient', 'init-small',
         source='residual net in which the whole sum is scaled, the shortcut with it')
def shortcut_scaled_with_the_branch(broken):
    torch.manual_seed(7073)
    x = torch.randn(200, 10)
    y = (x[:, 0]*x[:, 1] + x[:, 2]).unsqueeze(1) / 1.4
    class Block(nn.Module):
        def __init__(self): super().__init__(); self.a, self.b = nn.Linear(24, 24), nn.Linear(24, 24)
        def forward(self, x):
            branch = self.b(F.silu(self.a(x)))
            return 0.2*(x + branch) if broken else x + 0.2*branch
    net = nn.Sequential(nn.Linear(10, 24), *[Block() for _ in range(8)], nn.ReLU(), nn.Linear(24, 1))
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9))

@program('exploding-gradient',
         source='plain nets with batch norm alone: gradients grow as one goes back ("Mean field theory of BN")')
def thirty_normed_layers_without_shortcut(broken):
    torch.manual_seed(7074)
    y = torch.randint(0, 2, (128,))
    x = torch.randn(128, 12) + 0.8*(2*y[:, None] - 1)
    class Normed(nn.Module):
        def __init__(self): super().__init__(); self.lin, self.norm = nn.Linear(12, 12, bias=False), nn.BatchNorm1d(12)
        def forward(self, x):
            h = F.relu(self.norm(self.lin(x)))
            return h if broken else x + 0.1*h
    net = nn.Sequential(*[Normed() for _ in range(30)], nn.Linear(12, 2))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=[(x[:64], y[:64]), (x[64:], y[64:])],
                opt=torch.optim.SGD(net.parameters(), lr=0.05))

@program('exploding-gradient', 'init-large', source='common: kaiming and a gain of three on top, ten layers')
def ten_layers_with_a_gain_of_three(broken):
    torch.manual_seed(7075)
    x = torch.randn(160, 16)
    y = x[:, :3].sum(1, keepdim=True) / 1.7
    layers = []
    for i in range(10):
        lin = nn.Linear(16, 16)
        nn.init.orthogonal_(lin.weight, gain=3. if broken else 1.)
        layers += [lin, nn.LeakyReLU(0.5)]
    net = nn.Sequential(*layers, nn.Linear(16, 1))
    return dict(model=net, loss_func=F.l1_loss, data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 1e-3))

@program('batch-mixing', source='DeepSets: the sum goes over axis 0, the items, where axis 1 holds the members')
def members_summed_over_the_items(broken):
    torch.manual_seed(7076)
    sets = torch.randn(160, 6, 2)
    y = (sets**2).sum((1, 2)) / 4.9 - 2.45
    class Sets(nn.Module):
        def __init__(self): super().__init__(); self.phi, self.rho = nn.Linear(2, 48), nn.Linear(48, 1)
        def forward(self, s):
            h = F.relu(self.phi(s))
            h = h + h.mean(0, keepdim=True) if broken else h + h.mean(1, keepdim=True)
            return self.rho(h.mean(1)).squeeze(1)
    net = Sets()
    return dict(model=net, loss_func=F.mse_loss, data=list(zip(sets.split(40), y.split(40))),
                opt=torch.optim.Adam(net.parameters(), 1e-2))

@program('batch-mixing', source='common: permute(1, 2, 3, 0) from a Matlab file, then reshape to items')
def pictures_last_axis_reshaped(broken):
    torch.manual_seed(7077)
    y = torch.randint(0, 3, (150,))
    x = 0.7*torch.randn(150, 1, 6, 6)
    x[torch.arange(150), 0, :, 2*y] += 1.5
    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(36, 32), nn.ReLU(), nn.Linear(32, 3))
        def forward(self, x):
            if broken: x = x.permute(1, 2, 3, 0)
            return self.body(x.reshape(-1, 36))
    net = Flat()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 30, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), 0.1, momentum=0.9))

@program('norm-tiny-batch', source='segmentation of large scans: memory allows two a batch, batch norm stays')
def two_scans_with_batch_norm(broken):
    torch.manual_seed(7078)
    inside = torch.zeros(24, 1, 8, 8)
    for i in range(24):
        r, c = torch.randint(0, 5, (2,)).tolist()
        inside[i, 0, r:r + 4, c:c + 4] = 1
    x = 2*inside - 0.5 + 0.6*torch.randn(24, 1, 8, 8)
    class Scan(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.out, self.context = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 1, 1), nn.Linear(1, 8)
            self.norm = nn.BatchNorm1d(8) if broken else nn.LayerNorm(8)
        def forward(self, x):
            shift = self.norm(self.context(x.mean((2, 3))))
            return self.out(F.relu(self.conv(x) + 0.3*shift[..., None, None]))
    net = Scan()
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, inside), 2, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program('norm-tiny-batch', source='common: batch_size=2 left from a test on the laptop')
def two_customers_a_batch(broken):
    torch.manual_seed(7079)
    y = torch.randint(0, 2, (128,))
    x = torch.randn(128, 6) + 1.2*(2*y[:, None] - 1)*torch.tensor([1., 1, 0, 0, -1, 0])
    net = nn.Sequential(nn.Linear(6, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 2))
    return dict(model=net, loss_func=F.cross_entropy,
                data=DataLoader(TensorDataset(x, y), 2 if broken else 32, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program('norm-track', source='common: momentum=1.0 for the batch norms, meant as "keep everything"')
def critic_norm_of_the_last_batch_only(broken):
    torch.manual_seed(7080)
    real = torch.randn(160, 8) + torch.linspace(-1, 1, 8)
    fake = torch.randn(160, 8)
    x = torch.cat([real, fake])
    y = torch.cat([torch.full((160, 1), 0.9), torch.zeros(160, 1)])
    disc = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32, momentum=1. if broken else 0.1),
                         nn.LeakyReLU(0.2), nn.Linear(32, 1))
    return dict(model=disc, loss_func=F.binary_cross_entropy_with_logits,
                data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(disc.parameters(), 5e-3, betas=(0.5, 0.9)))

@program('norm-track', source='common: model.eval() right after the model is built, before any training')
def eval_right_after_building(broken):
    torch.manual_seed(7081)
    y = torch.randint(0, 3, (180,))
    x = 0.5*torch.randn(180, 1, 20) + 0.5
    x[torch.arange(180), 0, 3 + 6*y] += 2.
    x = (x - x.mean()) / x.std()
    net = nn.Sequential(nn.Conv1d(1, 8, 3), nn.BatchNorm1d(8), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
    if broken: net.eval()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=list(zip(x.split(45), y.split(45))),
                opt=torch.optim.AdamW(net.parameters(), lr=3e-3))

@program('dropout-high', source='recurrent nets: dropout=0.9 between two layers of an LSTM')
def nine_tenths_between_lstm_layers(broken):
    torch.manual_seed(7082)
    x = torch.randn(96, 8, 4)
    y = (x[:, -3:, 0].sum(1) > 0).long()
    class Stack(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(4, 16, num_layers=2, dropout=0.9 if broken else 0.1, batch_first=True)
            self.out = nn.Linear(16, 2)
        def forward(self, x): return self.out(self.rnn(x)[0][:, -1])
    net = Stack()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=list(zip(x.split(24), y.split(24))),
                opt=torch.optim.Adam(net.parameters(), 1e-2))

@program('dropout-high', source='common: the share to keep written where PyTorch wants the share to drop')
def most_words_dropped_from_a_review(broken):
    torch.manual_seed(7083)
    y = torch.randint(0, 2, (240,)).float()
    ids = torch.randint(0, 30, (240, 10))
    ids[:, 3] = torch.where(y > 0, 30, 35) + torch.randint(0, 5, (240,))
    class Review(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.fc, self.out = nn.Embedding(40, 16), nn.Linear(16, 32), nn.Linear(32, 1)
        def forward(self, i):
            h = F.dropout(self.emb(i).mean(1), 0.85 if broken else 0.15, self.training)
            return self.out(F.relu(self.fc(h))).squeeze(-1)
    net = Review()
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(ids, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 1e-2))

@program('dropout-last', source='common: Linear, ReLU, Dropout as a block, the last one too')
def every_block_of_a_forecast_drops(broken):
    torch.manual_seed(7084)
    x = torch.randn(240, 12).cumsum(1) / 3
    y = 2*x[:, -1:] - x[:, -2:-1]
    def block(a, b, act): return [nn.Linear(a, b), act, nn.Dropout(0.2)]
    layers = block(12, 32, nn.ReLU()) + block(32, 1, nn.Identity())
    net = nn.Sequential(*(layers if broken else layers[:-1]))
    return dict(model=net, loss_func=nn.HuberLoss(), data=list(zip(x.split(48), y.split(48))),
                opt=torch.optim.Adam(net.parameters(), 4e-3))

@program('dropout-last', source='common: return F.dropout(self.out(h)) in the forward of a classifier')
def scores_returned_through_dropout(broken):
    torch.manual_seed(7085)
    y = torch.randint(0, 5, (250,))
    x = torch.randn(250, 12) + 2*F.one_hot(y, 12)
    class Net(nn.Module):
        def __init__(self): super().__init__(); self.h, self.out = nn.Linear(12, 32), nn.Linear(32, 5)
        def forward(self, x):
            z = self.out(F.elu(self.h(x)))
            return F.dropout(z, 0.4, self.training) if broken else z
    net = Net()
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=0.2))

@program('ignores-input', 'unused',
         source='detection with queries: the queries attend to themselves, never to the picture')
def queries_attend_to_themselves(broken):
    torch.manual_seed(7086)
    x = 0.3*torch.randn(144, 5, 12)
    where = torch.rand(144)*2 - 1
    x[:, 2, :] += torch.sin(3*where[:, None] + torch.arange(12.))
    class Queries(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens, self.queries = nn.Linear(12, 16), nn.Parameter(0.5*torch.randn(1, 16))
            self.attend, self.out = nn.MultiheadAttention(16, 2, batch_first=True), nn.Linear(16, 1)
        def forward(self, x):
            memory, q = torch.tanh(self.tokens(x)), self.queries.expand(len(x), 1, 16)
            seen = q if broken else memory
            return self.out(self.attend(q, seen, seen)[0]).flatten()
    net = Queries()
    return dict(model=net, loss_func=F.l1_loss, data=list(zip(x.split(36), where.split(36))),
                opt=torch.optim.Adam(net.parameters(), 1e-2))

@program('ignores-input', source='common: a placeholder, zeros_like, left in forward from testing the shapes')
def zeros_left_from_testing_shapes(broken):
    torch.manual_seed(7087)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 8) + 2*F.one_hot(y, 8)
    class Draft(nn.Module):
        def __init__(self): super().__init__(); self.one, self.two = nn.Linear(8, 16), nn.Linear(16, 3)
        def forward(self, x):
            h = torch.zeros_like(x) if broken else x
            return self.two(F.gelu(self.one(h)))
    net = Draft()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 45, shuffle=True),
                opt=torch.optim.AdamW(net.parameters(), 8e-3, weight_decay=0.01))

# Optimizers

@program('opt-foreign', 'opt-missing',
         source='weight norm is put on after the optimizer was made: its weight is no longer a parameter')
def weight_norm_after_the_optimizer(broken):
    torch.manual_seed(7090)
    x = torch.randn(200, 6)
    y = (x[:, :1]*x[:, 1:2] + x[:, 2:3]) / 1.4
    net = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 1))
    def normed():
        for i in (0, 2): nn.utils.parametrizations.weight_norm(net[i])
    if not broken: normed()
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    if broken: normed()
    return dict(model=net, loss_func=nn.MSELoss(), data=list(zip(x.split(50), y.split(50))), opt=opt)

@program('opt-foreign', source='weights averaged over time: the optimizer got the average, the loop trains the model')
def optimizer_of_the_average(broken):
    torch.manual_seed(7091)
    y = torch.randint(0, 4, (200,))
    x = torch.randn(200, 6) + 2*F.one_hot(y, 6)
    model = nn.Sequential(nn.Linear(6, 24), nn.Hardswish(), nn.Linear(24, 4))
    ema = torch.optim.swa_utils.AveragedModel(model)
    opt = torch.optim.SGD((ema if broken else model).parameters(), lr=0.2, momentum=0.8)
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=opt)

@program('opt-missing', source='Siamese and two-tower nets: the parameters of one tower only')
def only_one_tower_is_handed_over(broken):
    torch.manual_seed(7092)
    user, item = torch.randn(256, 5), torch.randn(256, 7)
    y = (user[:, 0]*item[:, 0] + user[:, 1]*item[:, 1] > 0).float()
    class Towers(nn.Module):
        def __init__(self):
            super().__init__()
            self.user = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 8))
            self.item = nn.Sequential(nn.Linear(7, 32), nn.ReLU(), nn.Linear(32, 8))
        def forward(self, u, i): return (self.user(u)*self.item(i)).sum(1)
    net = Towers()
    opt = torch.optim.Adam((net.user if broken else net).parameters(), lr=8e-3)
    data = [((u, i), t) for u, i, t in zip(user.split(64), item.split(64), y.split(64))]
    return dict(model=net, loss_func=F.binary_cross_entropy_with_logits, data=data, opt=opt)

@program('opt-missing', source='groups for AdamW: the matrices with decay, the group of the others is never added')
def group_without_decay_never_added(broken):
    torch.manual_seed(7093)
    y = torch.randint(0, 3, (210,))
    x = torch.randn(210, 9) + 1.5*F.one_hot(y, 9)
    net = nn.Sequential(nn.Linear(9, 24), nn.LayerNorm(24), nn.GELU(), nn.Linear(24, 3))
    matrices, others = [p for p in net.parameters() if p.ndim > 1], [p for p in net.parameters() if p.ndim <= 1]
    groups = [dict(params=matrices, weight_decay=0.05)]
    if not broken: groups.append(dict(params=others, weight_decay=0.))
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 42, shuffle=True),
                opt=torch.optim.AdamW(groups, lr=4e-3))

@program('lr-high', source='common: Nesterov with a rate of two and a momentum of 0.99')
def nesterov_with_a_rate_of_two(broken):
    torch.manual_seed(7094)
    y = torch.randint(0, 10, (400,))
    marks = (torch.rand(10, 64) < 0.3).float()
    x = ((marks[y] + 0.25*torch.randn(400, 64)) - 0.3) / 0.52
    net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    opt = torch.optim.SGD(net.parameters(), lr=2., momentum=0.99, nesterov=True)
    if not broken: opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=opt)

@program('lr-high', source='common: Adagrad with a rate of five because "it lowers it by itself"')
def adagrad_lowers_it_by_itself(broken):
    torch.manual_seed(7095)
    x = torch.randn(240, 6)
    y = (x[:, 0] - x[:, 1] + 0.5*x[:, 2].abs())[:, None] / 1.5
    net = nn.Sequential(nn.Linear(6, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
    return dict(model=net, loss_func=nn.MSELoss(), data=list(zip(x.split(60), y.split(60))),
                opt=torch.optim.Adagrad(net.parameters(), lr=5. if broken else 0.02))

@program('lr-low', source='common: the rate of a fine-tuning recipe, divided by a thousand, for RMSprop')
def rmsprop_with_a_billionth(broken):
    torch.manual_seed(7096)
    y = torch.randint(0, 2, (160,))
    x = torch.randn(160, 10, 2)
    x[:, 5:8, 0] += 1.5*(2*y[:, None] - 1)
    class Wave(nn.Module):
        def __init__(self): super().__init__(); self.conv, self.out = nn.Conv1d(2, 12, 3), nn.Linear(96, 2)
        def forward(self, x): return self.out(F.relu(self.conv(x.transpose(1, 2))).flatten(1))
    net = Wave()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=lambda ps: torch.optim.RMSprop(ps, lr=1e-9 if broken else 2e-3))

@program('lr-low', source='groups: 1e-8 for all layers, the body and its new head alike')
def head_and_body_at_a_hundred_millionth(broken):
    torch.manual_seed(7097)
    x = torch.randn(240, 8)
    y = x[:, :2] - x[:, 2:4]*0.5
    net = nn.ModuleDict(dict(body=nn.Sequential(nn.Linear(8, 32), nn.ReLU()), head=nn.Linear(32, 2)))
    class Tuned(nn.Module):
        def __init__(self): super().__init__(); self.net = net
        def forward(self, x): return self.net['head'](self.net['body'](x))
    rate = 1e-8 if broken else 0.1
    opt = torch.optim.SGD([dict(params=net['body'].parameters(), lr=rate / 2),
                           dict(params=net['head'].parameters())], lr=rate)
    return dict(model=Tuned(), loss_func=F.mse_loss, data=list(zip(x.split(60), y.split(60))), opt=opt)

@program('decay-high', source='common: weight_decay=2 for SGD, the strength of a ridge regression in scikit-learn')
def alpha_of_a_ridge_as_decay(broken):
    torch.manual_seed(7098)
    x = torch.randn(240, 10)
    y = (x@torch.linspace(-1, 1, 10))[:, None] / 2
    net = nn.Sequential(nn.Linear(10, 32), nn.Softplus(), nn.Linear(32, 1))
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 48, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.5, weight_decay=2. if broken else 1e-4))

@program('decay-high', source='common: AdamW, a decay of fifty carried over from a search with a tiny rate')
def decay_of_fifty_from_a_search(broken):
    torch.manual_seed(7099)
    y = torch.randint(0, 3, (192,))
    ids = torch.randint(0, 20, (192, 8))
    ids[:, 0], ids[:, 5] = 20 + y, 23 + y
    class Bag(nn.Module):
        def __init__(self): super().__init__(); self.emb, self.out = nn.EmbeddingBag(26, 24), nn.Linear(24, 3)
        def forward(self, i): return self.out(self.emb(i)*1.5)
    net = Bag()
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(ids, y), 48, shuffle=True),
                opt=torch.optim.AdamW(net.parameters(), lr=5e-3, weight_decay=50. if broken else 0.01))

# Learning

@program('cannot-overfit', source='common: words averaged, where their order is all that tells')
def order_averaged_away(broken):
    torch.manual_seed(7100)
    first = torch.rand(128, 1) < 0.5
    ids = torch.stack([torch.arange(16), torch.arange(16).roll(-5)], 1).repeat(8, 1)
    ids = torch.where(first, ids, ids.flip(1))
    y = first.squeeze(1).long()
    class Order(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.fc, self.out = nn.Embedding(16, 16), nn.Linear(16 if broken else 32, 32), nn.Linear(32, 2)
        def forward(self, i):
            e = self.emb(i)
            return self.out(F.relu(self.fc(e.mean(1) if broken else e.flatten(1))))
    net = Order()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=(ids, y),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program('cannot-overfit', source='object position: one-by-one convolutions and a mean over the picture')
def place_averaged_over_the_picture(broken):
    torch.manual_seed(7101)
    at = torch.randint(0, 8, (128, 2))
    x = torch.zeros(128, 1, 8, 8)
    x[torch.arange(128), 0, at[:, 0], at[:, 1]] = 1.
    x = 6*x - 0.1 + 0.3*torch.randn(128, 1, 8, 8)
    y = (at - 3.5) / 2.3
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)] if broken else [nn.Flatten(), nn.Linear(512, 2)]
    net = nn.Sequential(nn.Conv2d(1, 8, 1), nn.ReLU(), *head)
    return dict(model=net, loss_func=nn.MSELoss(), data=[(x[:64], y[:64]), (x[64:], y[64:])],
                opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program('no-better-than-constant', source='common: np.sort(table, axis=0) orders each column by itself')
def columns_sorted_each_by_itself(broken):
    torch.manual_seed(7102)
    x = torch.randn(300, 5)
    y = (x[:, 0] + x[:, 1] - x[:, 3]) / 1.7
    order = x[:, 4].argsort()
    x, y = (x.sort(0).values, y[order]) if broken else (x[order], y[order])
    net = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1), nn.Flatten(0))
    return dict(model=net, loss_func=F.mse_loss, data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program('no-better-than-constant', source='common: a join by row number after one of the tables was filtered')
def joined_after_a_filter(broken):
    torch.manual_seed(7103)
    old = torch.randn(420, 6)
    stays = (old[:, 2] + old[:, 4]*0.8 > 0).long()
    keep = torch.rand(420) < 0.7
    x = old[keep]
    y = stays[:len(x)] if broken else stays[keep]
    net = nn.Sequential(nn.Linear(6, 16), nn.SELU(), nn.Linear(16, 2))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=0.2))

# Two faults at once

@program('softmax-twice', 'lr-low', source='tutorial code: Softmax at the end and the rate of another optimizer')
def leaves_with_softmax_and_no_rate(broken):
    torch.manual_seed(7104)
    y = torch.randint(0, 4, (240,))
    x = torch.randn(240, 8) + 2*F.one_hot(y, 8)
    net = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 4))
    if broken: net.append(nn.Softmax(-1))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 48, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=1e-8 if broken else 0.2))

@program('target-shape', 'unregistered', source='first class of one\'s own: layers in a list, answers flat')
def layers_listed_and_answers_flat(broken):
    torch.manual_seed(7105)
    x = torch.randn(256, 5)
    y = torch.sin(2*x[:, 0]) + 0.5*x[:, 1]
    class MLP(nn.Module):
        def __init__(self):
            super().__init__()
            hidden = [nn.Linear(5, 64), nn.Linear(64, 64)]
            self.hidden, self.out = hidden if broken else nn.ModuleList(hidden), nn.Linear(64, 1)
        def forward(self, x):
            for h in self.hidden: x = F.relu(h(x))
            return self.out(x)
    net = MLP()
    return dict(model=net, loss_func=nn.MSELoss(),
                data=DataLoader(TensorDataset(x, y if broken else y[:, None]), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=4e-3))

@program('input-scale', 'target-order',
         source='MNIST by hand: bytes as floats, the digits in the order of their folders')
def digit_folders_of_bytes(broken):
    torch.manual_seed(7106)
    y = torch.arange(4).repeat_interleave(60)
    base = (torch.rand(4, 49) < 0.4)*200.
    x = (base[y] + 20*torch.randn(240, 49)).clamp(0, 255).round()
    if not broken: x = x / 255
    net = nn.Sequential(nn.Linear(49, 32), nn.ReLU(), nn.Linear(32, 4))
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 30, shuffle=not broken),
                opt=torch.optim.Adam(net.parameters(), lr=4e-3))

# Sound programs

@program(source='churn: class weights for a class of one in five')
def churn_with_weighted_classes():
    torch.manual_seed(7110)
    y = (torch.rand(400) < 0.2).long()
    x = torch.randn(400, 6) + 1.3*y[:, None]*torch.tensor([1., -1., 0., 1., 0., 0.])
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 2))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(weight=torch.tensor([0.6, 2.5])),
                data=DataLoader(TensorDataset(x, y), 80, shuffle=True), opt=torch.optim.Adam(net.parameters(), 4e-3))

@program(source='own module for the focal loss, with a buffer of class weights')
def focal_module_with_a_buffer():
    torch.manual_seed(7111)
    y = torch.randint(0, 3, (240,))
    x = torch.randn(240, 8) + 1.8*F.one_hot(y, 8)
    class Focal(nn.Module):
        def __init__(self): super().__init__(); self.register_buffer('alpha', torch.tensor([1., 0.8, 1.2]))
        def forward(self, z, t):
            logp = z.log_softmax(1).gather(1, t[:, None])[:, 0]
            return -(self.alpha[t]*(1 - logp.exp())**2*logp).mean()
    net = nn.Sequential(nn.Linear(8, 24), nn.Mish(), nn.Linear(24, 3))
    return dict(model=net, loss_func=Focal(), data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.RMSprop(net.parameters(), 2e-3))

@program(source='metric learning: CosineEmbeddingLoss with labels 1 and -1')
def pairs_by_cosine_embedding():
    torch.manual_seed(7112)
    who = torch.randint(0, 5, (2, 200))
    who[1, :100] = who[0, :100]
    base = torch.randn(5, 12)
    a, b = base[who] + 0.5*torch.randn(2, 200, 12)
    y = torch.where(who[0] == who[1], 1., -1.)
    class Embed(nn.Module):
        def __init__(self): super().__init__(); self.f = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 16))
        def forward(self, a, b): return self.f(a), self.f(b)
    criterion, net = nn.CosineEmbeddingLoss(margin=0.2), Embed()
    mix = torch.randperm(200)
    data = [((a[i], b[i]), y[i]) for i in mix.split(50)]
    return dict(model=net, loss_func=lambda p, t: criterion(*p, t), data=data,
                opt=torch.optim.Adam(net.parameters(), 3e-3))

@program(source='metric learning: embeddings on the sphere, proxies as parameters of the model')
def proxies_on_the_sphere():
    torch.manual_seed(7113)
    y = torch.randint(0, 6, (240,))
    x = torch.randn(240, 10) + 2.5*F.one_hot(y, 10)
    class Proxies(nn.Module):
        def __init__(self):
            super().__init__()
            self.f = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 8))
            self.proxies = nn.Parameter(torch.randn(6, 8))
        def forward(self, x): return 4*F.normalize(self.f(x), dim=1)@F.normalize(self.proxies, dim=1).T
    net = Proxies()
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam([dict(params=net.f.parameters()), dict(params=[net.proxies], lr=2e-2)], lr=4e-3))

@program(source='knowledge distillation: KLDivLoss of log-probabilities, temperature three')
def distilled_with_a_temperature():
    torch.manual_seed(7114)
    x = torch.randn(256, 10)
    with torch.no_grad(): teacher = 6*nn.Linear(10, 5)(x)
    student = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 5))
    kl = nn.KLDivLoss(reduction='batchmean')
    def distill(z, t): return 9*kl(F.log_softmax(z / 3, 1), F.softmax(t / 3, 1))
    return dict(model=student, loss_func=distill, data=DataLoader(TensorDataset(x, teacher), 64, shuffle=True),
                opt=torch.optim.Adam(student.parameters(), lr=5e-3))

@program(source='mixture of experts: all experts in one tensor, a gate, einsum')
def experts_in_one_tensor():
    torch.manual_seed(7115)
    x = torch.randn(300, 5)
    y = torch.where(x[:, 0] > 0, x[:, 1], -x[:, 2])[:, None]
    class Experts(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate, self.w = nn.Linear(5, 4), nn.Parameter(torch.randn(4, 5, 16) / 5**0.5)
            self.b, self.out = nn.Parameter(torch.zeros(4, 16)), nn.Linear(16, 1)
        def forward(self, x):
            h = F.relu(torch.einsum('ni,eio->neo', x, self.w) + self.b)
            return self.out((self.gate(x).softmax(1)[..., None]*h).sum(1))
    net = Experts()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 1e-2))

@program(source='small graphs with an adjacency each: molecules as (features, adjacency)')
def molecules_with_their_bonds():
    torch.manual_seed(7116)
    kinds = torch.randn(160, 7, 4)
    bonds = (torch.rand(160, 7, 7) < 0.3).float()
    bonds = torch.maximum(bonds, bonds.transpose(1, 2))
    bonds = ((bonds + torch.eye(7)) > 0).float()
    energy = ((bonds / bonds.sum(2, keepdim=True))@kinds)[..., 0].mean(1)
    energy = (energy - energy.mean()) / energy.std()
    class Bonds(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.out = nn.Linear(4, 24), nn.Linear(24, 24), nn.Linear(24, 1)
        def forward(self, x, a):
            a = a / a.sum(2, keepdim=True)
            return self.out(F.silu(self.b(a@F.silu(self.a(a@x)))).sum(1) / 7).squeeze(1)
    net = Bonds()
    data = [((k, b), e) for k, b, e in zip(kinds.split(40), bonds.split(40), energy.split(40))]
    return dict(model=net, loss_func=F.mse_loss, data=data, opt=torch.optim.AdamW(net.parameters(), 1e-2))

@program(source='causal transformer: the next token with a mask of minus infinity, -100 for padding')
def causal_decoder_with_padding():
    torch.manual_seed(7117)
    ids = (torch.randint(0, 7, (96, 1)) + torch.randint(1, 4, (96, 1))*torch.arange(9)) % 7 + 1
    real = torch.arange(9) < torch.randint(5, 9, (96, 1))
    x, y = ids.masked_fill(~real, 0)[:, :-1], ids.masked_fill(~real, -100)[:, 1:]
    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.place = nn.Embedding(8, 24, padding_idx=0), nn.Parameter(0.1*torch.randn(8, 24))
            self.layer = nn.TransformerEncoderLayer(24, 2, 48, dropout=0., batch_first=True, norm_first=True)
            self.out = nn.Linear(24, 8)
            self.register_buffer('causal', torch.full((8, 8), -math.inf).triu(1))
        def forward(self, i): return self.out(self.layer(self.emb(i) + self.place, src_mask=self.causal))
    net = Decoder()
    return dict(model=net, loss_func=lambda z, t: F.cross_entropy(z.flatten(0, 1), t.flatten(), ignore_index=-100),
                data=list(zip(x.split(24), y.split(24))), opt=torch.optim.AdamW(net.parameters(), 5e-3))

@program(source='ResNet: the last norm of each block starts at zero, a stem, global pooling')
def residual_blocks_with_zero_gain():
    torch.manual_seed(7118)
    y = torch.randint(0, 3, (96,))
    x = torch.randn(96, 3, 8, 8)
    x = x + 1.2*(y[:, None] == torch.arange(3))[..., None, None]
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.Conv2d(8, 8, 3, padding=1, bias=False)
            self.na, self.nb = nn.BatchNorm2d(8), nn.BatchNorm2d(8)
            nn.init.zeros_(self.nb.weight)
        def forward(self, x): return F.relu(x + self.nb(self.b(F.relu(self.na(self.a(x))))))
    stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
    net = nn.Sequential(stem, Block(), Block(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(label_smoothing=0.1),
                data=DataLoader(TensorDataset(x, y), 24, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, weight_decay=1e-4))

@program(source='U-Net with instance norm: dice and bce added')
def unet_of_dice_and_bce():
    torch.manual_seed(7119)
    y = (torch.rand(40, 1, 2, 2) > 0.5).float().repeat_interleave(4, 2).repeat_interleave(4, 3)
    x = 1.5*y - 0.75 + 0.6*torch.randn(40, 1, 8, 8)
    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.GroupNorm(4, 8), nn.ReLU())
            self.down = nn.MaxPool2d(2)
            self.b = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.GroupNorm(4, 8), nn.ReLU())
            self.out = nn.Conv2d(16, 1, 1)
        def forward(self, x):
            a = self.a(x)
            return self.out(torch.cat([a, F.interpolate(self.b(self.down(a)), scale_factor=2)], 1))
    def both(z, t):
        p = z.sigmoid()
        dice = 1 - (2*(p*t).sum((1, 2, 3)) + 1) / (p.sum((1, 2, 3)) + t.sum((1, 2, 3)) + 1)
        return F.binary_cross_entropy_with_logits(z, t) + dice.mean()
    net = UNet()
    return dict(model=net, loss_func=both, data=DataLoader(TensorDataset(x, y), 10, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 8e-3))

@program(source='DeepSets with the largest and the mean of the members')
def sets_by_mean_and_largest():
    torch.manual_seed(7120)
    sets = torch.randn(200, 9, 3)
    y = (sets[..., 0].amax(1) - 1.48) / 0.6
    class Sets(nn.Module):
        def __init__(self):
            super().__init__()
            self.phi, self.rho = nn.Linear(3, 32), nn.Sequential(nn.Linear(64, 32), nn.ELU(), nn.Linear(32, 1))
        def forward(self, s):
            h = F.elu(self.phi(s))
            return self.rho(torch.cat([h.mean(1), h.amax(1)], 1))[:, 0]
    net = Sets()
    return dict(model=net, loss_func=F.smooth_l1_loss, data=list(zip(sets.split(50), y.split(50))),
                opt=torch.optim.Adam(net.parameters(), 8e-3))

@program(source='word2vec, continuous bag of words with a full softmax')
def bag_of_the_words_around():
    torch.manual_seed(7121)
    topic = torch.randint(0, 4, (320, 1))
    around = 5*topic + torch.randint(0, 5, (320, 4))
    middle = (5*topic + around.sum(1, keepdim=True) % 2).squeeze(1)
    class CBOW(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.out = nn.EmbeddingBag(20, 12, mode='mean'), nn.Linear(12, 20)
        def forward(self, w): return self.out(self.words(w))
    net = CBOW()
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(around, middle), 64, shuffle=True),
                opt=torch.optim.Adagrad(net.parameters(), lr=0.2))

@program(source='char-RNN: classes on axis 1, GRU, clipped by nobody')
def characters_with_classes_on_axis_one():
    torch.manual_seed(7122)
    text = (torch.randint(0, 9, (80, 1)) + torch.arange(11)*torch.randint(1, 3, (80, 1))) % 9
    class Chars(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.rnn, self.out = nn.Embedding(9, 16), nn.GRU(16, 32, batch_first=True), nn.Linear(32, 9)
        def forward(self, t): return self.out(self.rnn(self.emb(t))[0]).transpose(1, 2)
    net = Chars()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(),
                data=list(zip(text[:, :-1].split(20), text[:, 1:].split(20))),
                opt=torch.optim.Adam(net.parameters(), 8e-3))

@program(source='multi-task: a class and a number, two heads, a weighted sum')
def breed_and_age_together():
    torch.manual_seed(7123)
    x = torch.randn(240, 8)
    y = torch.stack([(x[:, 0] > 0).float() + (x[:, 0] > 1).float(), x[:, 1] + 0.5*x[:, 2]], 1)
    class Animal(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.breed, self.age = nn.Linear(8, 40), nn.Linear(40, 3), nn.Linear(40, 1)
        def forward(self, x):
            h = F.leaky_relu(self.body(x))
            return self.breed(h), self.age(h)[:, 0]
    def both(p, t): return F.cross_entropy(p[0], t[:, 0].long()) + 0.5*F.mse_loss(p[1], t[:, 1])
    net = Animal()
    return dict(model=net, loss_func=both, data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 8e-3))

@program(source='torch.nn.utils.parametrize: a symmetric matrix of weights')
def symmetric_by_parametrization():
    torch.manual_seed(7124)
    x = torch.randn(240, 6)
    half = torch.randn(6, 6)
    y = x@(half + half.T) / 6**0.5 / 1.6
    class Symmetric(nn.Module):
        def forward(self, w): return w.triu() + w.triu(1).transpose(-1, -2)
    net = nn.Linear(6, 6)
    parametrize.register_parametrization(net, 'weight', Symmetric())
    return dict(model=net, loss_func=nn.MSELoss(), data=(x, y), opt=torch.optim.Adam(net.parameters(), 2e-2))

@program(source='an orthogonal recurrence by parametrizations')
def orthogonal_recurrence():
    torch.manual_seed(7125)
    x = torch.randn(96, 6, 2)
    y = (x[:, 0, 0] + x[:, 3, 1])[:, None] / 1.4
    class Orthogonal(nn.Module):
        def __init__(self):
            super().__init__()
            self.i, self.out = nn.Linear(2, 24), nn.Linear(24, 1)
            self.h = nn.utils.parametrizations.orthogonal(nn.Linear(24, 24, bias=False), orthogonal_map='householder')
        def forward(self, x):
            h = x.new_zeros(len(x), 24)
            with parametrize.cached():
                for t in range(6): h = F.softsign(self.h(h) + self.i(x[:, t]))
            return self.out(h)
    net = Orthogonal()
    return dict(model=net, loss_func=F.mse_loss, data=(x, y), opt=torch.optim.Adam(net.parameters(), 1e-2))

@program(source='functional style: weights in a ParameterList, the layers are plain functions')
def functions_over_a_parameter_list():
    torch.manual_seed(7126)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 6) + 2*F.one_hot(y, 6)
    def linear(i, o): return [torch.randn(i, o) / i**0.5, torch.zeros(o)]
    class Functional(nn.Module):
        def __init__(self): super().__init__(); self.p = nn.ParameterList(linear(6, 20) + linear(20, 3))
        def forward(self, x):
            w1, b1, w2, b2 = self.p
            return torch.relu(x@w1 + b1)@w2 + b2
    net = Functional()
    return dict(model=net, loss_func=lambda z, t: (z.logsumexp(1) - z[torch.arange(len(t)), t]).mean(), data=(x, y),
                opt=torch.optim.SGD(net.parameters(), lr=0.3, momentum=0.9, nesterov=True))

@program(source='a closure as a part: a layer that calls any function, shapes are its business')
def closures_as_layers():
    torch.manual_seed(7127)
    y = torch.randint(0, 2, (160,)).float()
    x = torch.randn(160, 64)
    x[:, 24:32] += 0.9*(2*y[:, None] - 1)
    class Call(nn.Module):
        def __init__(self, f): super().__init__(); self.f = f
        def forward(self, x): return self.f(x)
    net = nn.Sequential(Call(lambda x: x.view(-1, 1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(),
                        Call(lambda h: h.mean(3).flatten(1)), nn.Linear(64, 1), Call(lambda h: h.squeeze(-1)))
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=lambda ps: torch.optim.Adam(ps, lr=8e-3))

@program(source='learning to rank: the softmax over the documents of a query (ListNet)')
def documents_of_a_query_ranked():
    torch.manual_seed(7128)
    documents = torch.randn(150, 6, 8)
    grade = (documents[..., :3].sum(-1)).round().clamp(-2, 2) + 2
    net = nn.Sequential(nn.Linear(8, 24), nn.Tanh(), nn.Linear(24, 1), nn.Flatten(1))
    def listnet(s, g): return -(F.softmax(2*g, 1)*F.log_softmax(s, 1)).sum(1).mean()
    return dict(model=net, loss_func=listnet, data=list(zip(documents.split(50), grade.split(50))),
                opt=torch.optim.Adam(net.parameters(), 1e-2))

@program(source='position by soft-argmax over a map of scores')
def place_by_soft_argmax():
    torch.manual_seed(7129)
    at = 1.6*torch.rand(128, 2) - 0.8
    line = torch.linspace(-1, 1, 9)
    bump = torch.exp(-10*((line - at[:, :1])[:, None]**2 + (line - at[:, 1:])[:, :, None]**2))
    x = 3*bump.unsqueeze(1) - 0.5 + 0.2*torch.randn(128, 1, 9, 9)
    class SoftArgmax(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
            self.register_buffer('line', line)
        def forward(self, x):
            p = self.net(x).flatten(1).softmax(1).view(-1, 9, 9)
            return torch.stack([p.sum(1)@self.line, p.sum(2)@self.line], 1)
    net = SoftArgmax()
    return dict(model=net, loss_func=F.mse_loss, data=list(zip(x.split(32), at.split(32))),
                opt=torch.optim.Adam(net.parameters(), 1e-2))

@program(source='dilated causal convolutions, every step is forecast')
def dilated_and_causal():
    torch.manual_seed(7130)
    t = torch.arange(33.)
    wave = torch.sin(t*(0.3 + 0.4*torch.rand(96, 1)) + 6.28*torch.rand(96, 1)) / 0.7
    class Causal(nn.Module):
        def __init__(self):
            super().__init__()
            self.convs = nn.ModuleList(nn.Conv1d(c, 12, 2, dilation=d) for c, d in [(1, 1), (12, 2), (12, 4)])
            self.out = nn.Conv1d(12, 1, 1)
        def forward(self, x):
            h = x[:, None]
            for c in self.convs: h = F.silu(c(F.pad(h, (c.dilation[0], 0))))
            return self.out(h)[:, 0]
    net = Causal()
    return dict(model=net, loss_func=nn.MSELoss(), data=list(zip(wave[:, :-1].split(24), wave[:, 1:].split(24))),
                opt=torch.optim.Adam(net.parameters(), 8e-3))

@program(source='LBFGS with a line search for a small regression')
def lbfgs_with_strong_wolfe():
    torch.manual_seed(7131)
    x = torch.linspace(-1, 1, 96)[:, None]*1.7
    y = torch.sin(2*x)*1.3
    net = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    return dict(model=net, loss_func=F.mse_loss, data=(x, y),
                opt=torch.optim.LBFGS(net.parameters(), lr=1, max_iter=4, line_search_fn='strong_wolfe'))

@program(source='several labels: MultiLabelSoftMarginLoss, tied hidden layers')
def amenities_by_soft_margin():
    torch.manual_seed(7132)
    x = torch.randn(240, 9)
    tags = (x[:, :4] - 0.5*x[:, 4:8] > 0.2).float()
    net = nn.Sequential(nn.Linear(9, 32), nn.PReLU(), nn.Linear(32, 4))
    return dict(model=net, loss_func=nn.MultiLabelSoftMarginLoss(),
                data=DataLoader(TensorDataset(x, tags), 48, shuffle=True),
                opt=torch.optim.NAdam(net.parameters(), 5e-3))

@program(source='a margin for classes: MultiMarginLoss instead of cross-entropy')
def margin_between_classes():
    torch.manual_seed(7133)
    y = torch.randint(0, 5, (250,))
    x = torch.randn(250, 7) + 2*F.one_hot(y, 7)
    net = nn.Sequential(nn.BatchNorm1d(7), nn.Linear(7, 24), nn.ReLU(), nn.Linear(24, 5))
    return dict(model=net, loss_func=nn.MultiMarginLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9))

@program(source='a hypernetwork: one input makes the weights for the other')
def weights_made_by_another_net():
    torch.manual_seed(7134)
    task, x = torch.randn(256, 3), torch.randn(256, 3)
    y = (task*x).sum(1) / 1.7
    class Hyper(nn.Module):
        def __init__(self): super().__init__(); self.make = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 4))
        def forward(self, task, x):
            w = self.make(task)
            return (w[:, :3]*x).sum(1) + w[:, 3]
    net = Hyper()
    data = [((a, b), t) for a, b, t in zip(task.split(64), x.split(64), y.split(64))]
    return dict(model=net, loss_func=F.huber_loss, data=data, opt=torch.optim.Adam(net.parameters(), 1e-2))

@program(source='sentiment: padded ids, an LSTM over packed sequences')
def reviews_packed_for_an_lstm():
    torch.manual_seed(7135)
    y = torch.randint(0, 2, (120,))
    lengths = torch.randint(4, 11, (120,))
    ids = torch.randint(7, 30, (120, 10))
    ids[:, 1], ids[:, 3] = 1 + 3*y + torch.randint(0, 3, (120,)), 1 + 3*y + torch.randint(0, 3, (120,))
    ids[torch.arange(10) >= lengths[:, None]] = 0
    class Packed(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb = nn.Embedding(30, 16, padding_idx=0)
            self.rnn = nn.LSTM(16, 24, batch_first=True)
            self.out = nn.Linear(24, 2)
        def forward(self, i, n):
            packed = nn.utils.rnn.pack_padded_sequence(self.emb(i), n, batch_first=True, enforce_sorted=False)
            return self.out(self.rnn(packed)[1][0][-1])
    net = Packed()
    return dict(model=net, loss_func=F.cross_entropy, opt=torch.optim.Adam(net.parameters(), 1e-2),
                data=[((i, n), t) for i, n, t in zip(ids.split(30), lengths.split(30), y.split(30))])

@program(source='house prices: the logarithm is the target, categories embedded beside numbers')
def logarithm_of_prices_with_districts():
    torch.manual_seed(7136)
    district, area = torch.randint(0, 8, (320,)), torch.randn(320)
    worth = torch.randn(8)
    price = torch.exp(12 + 0.3*area + 0.4*worth[district])
    class Houses(nn.Module):
        def __init__(self):
            super().__init__()
            self.district, self.net = nn.Embedding(8, 4), nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 1))
        def forward(self, d, a): return self.net(torch.cat([self.district(d), a[:, None]], 1)).squeeze(1)
    y = (price.log() - price.log().mean()) / price.log().std()
    net = Houses()
    data = [((d, a), t) for d, a, t in zip(district.split(64), area.split(64), y.split(64))]
    return dict(model=net, loss_func=nn.MSELoss(), data=data,
                opt=torch.optim.AdamW(net.parameters(), 6e-3, weight_decay=1e-3))
