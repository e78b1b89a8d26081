"Faults of the optimizer, and what a few steps show: nothing learned, no better than a constant, leaks, overfitting."
import copy, torch, torch.nn.functional as F
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Subset, TensorDataset
from . import program


# opt-foreign
@program('opt-foreign', source='Stack Overflow: the model is made anew after its optimizer')
def model_made_anew(broken):
    torch.manual_seed(201)
    y = torch.randint(0, 3, (240,))
    x = torch.randn(3, 8)[y] + .6*torch.randn(240, 8)
    def build(): return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=.01)
    if broken: model = build()
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), opt=optimizer,
                data=DataLoader(TensorDataset(x, y), batch_size=40, shuffle=True))

@program('opt-foreign', source='forum: training goes on with a deep copy, the optimizer with the original')
def trains_the_copy(broken):
    torch.manual_seed(202)
    x = torch.randn(256, 10, 2)
    y = x[:, -2:, 0].sum(1, keepdim=True)
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru, self.fc = nn.GRU(2, 20, batch_first=True), nn.Linear(20, 1)
        def forward(self, x): return self.fc(self.gru(x)[1][-1])
    net = Net()
    opt = torch.optim.RMSprop(net.parameters(), lr=.002)
    best = copy.deepcopy(net)
    return dict(model=best if broken else net, loss_func=nn.MSELoss(), opt=opt,
                data=DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True))

@program('opt-foreign', source='load_state_dict(..., assign=True) puts new parameters in place of the old ones')
def checkpoint_assigned(broken):
    torch.manual_seed(203)
    x = torch.rand(200, 1, 6, 6)
    y = (x[:, 0, :3].mean((1, 2)) > x[:, 0, 3:].mean((1, 2))).long()
    def net(): return nn.Sequential(nn.Flatten(), nn.Linear(36, 48), nn.Tanh(), nn.Linear(48, 2))
    checkpoint, model = net().state_dict(), net()
    opt = torch.optim.Adam(model.parameters(), lr=.005)
    model.load_state_dict(checkpoint, assign=broken)
    return dict(model=model, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 50, shuffle=True), opt=opt)

@program('opt-foreign', source='parameters collected with clone(): leaves that no model uses')
def optimizer_of_clones(broken):
    torch.manual_seed(204)
    x = torch.randn(300, 5)
    y = 1.5*torch.sin(x[:, 0]) + .5*x[:, 1]
    class Regressor(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden, self.out = nn.Linear(5, 40), nn.Linear(40, 1)
        def forward(self, x): return self.out(F.softplus(self.hidden(x))).view(-1)
    reg = Regressor()
    params = [p.clone().detach().requires_grad_() if broken else p for p in reg.parameters()]
    return dict(model=reg, loss_func=nn.MSELoss(), data=(x, y), opt=torch.optim.SGD(params, lr=.02, momentum=.9))

@program('opt-foreign', 'opt-missing', source='fine-tuning questions: the head is replaced after the optimizer is made')
def head_replaced_too_late(broken):
    torch.manual_seed(205)
    y = torch.randint(0, 5, (250,))
    x = torch.randn(5, 3)[y][:, :, None, None] + .7*torch.randn(250, 3, 6, 6)
    class Net(nn.Module):
        def __init__(self, classes=10):
            super().__init__()
            self.features = nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                                          nn.Flatten())
            self.fc = nn.Linear(16, classes)
        def forward(self, x): return self.fc(self.features(x))
    net = Net()
    if not broken: net.fc = nn.Linear(16, 5)
    opt = torch.optim.Adam(net.parameters(), lr=.01)
    if broken: net.fc = nn.Linear(16, 5)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=opt)


# opt-missing
@program('opt-missing', source='tutorial of feature extraction: only the head is given, the body is fresh')
def only_the_head_is_given(broken):
    torch.manual_seed(206)
    x = torch.randn(300, 2)
    y = (x[:, 0]*x[:, 1] > 0).long()
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2, self.fc3 = nn.Linear(2, 32), nn.Linear(32, 8), nn.Linear(8, 2)
        def forward(self, x): return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x)))))
    net = Net()
    opt = torch.optim.Adam(net.fc3.parameters() if broken else net.parameters(), lr=.02)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=opt)

@program('opt-missing', source='forum: encoder and decoder, but the optimizer is given one of them')
def encoder_left_out(broken):
    torch.manual_seed(207)
    src = torch.randint(0, 6, (200, 5))
    class Seq2Seq(nn.Module):
        def __init__(self, d=48):
            super().__init__()
            self.encoder = nn.ModuleDict(dict(emb=nn.Embedding(6, 16), rnn=nn.GRU(16, d, batch_first=True)))
            self.decoder = nn.ModuleDict(dict(rnn=nn.GRU(d, d, batch_first=True), out=nn.Linear(d, 6)))
        def forward(self, x):
            h = self.encoder.rnn(self.encoder.emb(x))[1]
            y, _ = self.decoder.rnn(h.transpose(0, 1).expand(-1, x.shape[1], -1))
            return self.decoder.out(y).transpose(1, 2)
    model = Seq2Seq()
    params = list(model.decoder.parameters()) + ([] if broken else list(model.encoder.parameters()))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), opt=torch.optim.Adam(params, lr=.01),
                data=DataLoader(TensorDataset(src, src.flip(1)), batch_size=50, shuffle=True))

@program('opt-missing', source='groups with and without weight decay: the condition forgets the embeddings')
def groups_that_forget_some(broken):
    torch.manual_seed(208)
    x = torch.randint(0, 40, (320, 5))
    effect = torch.randn(40)
    y = (effect[x].sum(1) > 0).long()
    class Text(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.norm = nn.Embedding(40, 16), nn.LayerNorm(16)
            self.linear1, self.linear2 = nn.Linear(16, 32), nn.Linear(32, 2)
        def forward(self, x): return self.linear2(F.relu(self.linear1(self.norm(self.table(x).mean(1)))))
    net = Text()
    names = ('linear',) if broken else ('linear', 'table')
    decay = [p for n, p in net.named_parameters() if n.endswith('weight') and n.startswith(names)]
    no_decay = [p for n, p in net.named_parameters() if n.endswith('bias') or 'norm' in n]
    opt = torch.optim.AdamW([dict(params=decay, weight_decay=.01), dict(params=no_decay, weight_decay=0.)], lr=.01)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=opt)

@program('opt-missing', source='a layer appended once the optimizer stands')
def layer_appended_later(broken):
    torch.manual_seed(209)
    x = torch.randn(256, 6)
    y = torch.stack([x[:, 0] + x[:, 1], x[:, 2] - x[:, 3], x[:, 4]*1.4], 1)
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
    if not broken: net.append(nn.Linear(32, 3))
    opt = torch.optim.SGD(net.parameters(), lr=.05, momentum=.9)
    if broken: net.append(nn.Linear(32, 3))
    return dict(model=net, loss_func=nn.MSELoss(), data=[(x[i::8], y[i::8]) for i in range(8)], opt=opt)


# lr-high
@program('lr-high', source='DeepCrime: learning rate changed; Adam with lr=1')
def adam_with_lr_one(broken):
    torch.manual_seed(210)
    y = torch.randint(0, 4, (256,))
    x = torch.randn(4, 12)[y] + .7*torch.randn(256, 12)
    model = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 4))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=1. if broken else 3e-3))

@program('lr-high', source='Stack Overflow: linear regression by SGD that runs away to nan')
def sgd_regression_to_nan(broken):
    torch.manual_seed(211)
    x = torch.randn(200, 8)
    y = x @ torch.randn(8, 1)/2.8 + .1*torch.randn(200, 1)
    model = nn.Linear(8, 1)
    return dict(model=model, loss_func=nn.MSELoss(), data=(x, y),
                opt=torch.optim.SGD(model.parameters(), lr=3. if broken else .1))

@program('lr-high', source='a rate right for SGD kept after the change to Adam')
def sgd_rate_given_to_adam(broken):
    torch.manual_seed(212)
    x = torch.randint(0, 12, (256, 8))
    y = (x == 0).any(1).long() + (x == 1).any(1).long()
    class Attend(nn.Module):
        def __init__(self, d=32):
            super().__init__()
            self.emb, self.pos = nn.Embedding(12, d), nn.Parameter(torch.randn(8, d)*.3)
            self.enc = nn.TransformerEncoderLayer(d, 4, 64, dropout=0., batch_first=True)
            self.out = nn.Linear(d, 3)
        def forward(self, x): return self.out(self.enc(self.emb(x) + self.pos).mean(1))
    net = Attend()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.3 if broken else .002))

@program('lr-high', source='forum: momentum 0.99 with lr 1 on a convolutional net')
def momentum_and_a_rate_of_one(broken):
    torch.manual_seed(213)
    y = torch.randint(0, 2, (160,))
    x = torch.randn(160, 1, 8, 8)*.9
    x[y == 1, :, :, 4:] += 1
    x[y == 0, :, :, :4] += 1
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, padding=1),
                        nn.ReLU(),
                        nn.Flatten(), nn.Linear(128, 2))
    lr, momentum = (1., .99) if broken else (.05, .9)
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=lr, momentum=momentum))

@program('lr-high', source='a rate of 50, right only for a loss divided by more')
def autoencoder_at_rate_fifty(broken):
    torch.manual_seed(214)
    x = torch.tanh(torch.randn(256, 3) @ torch.randn(3, 16))*1.3
    class AE(nn.Module):
        def __init__(self):
            super().__init__()
            self.e, self.d = nn.Linear(16, 5), nn.Linear(5, 16)
        def forward(self, x): return self.d(torch.tanh(self.e(x)))
    ae = AE()
    return dict(model=ae, loss_func=nn.MSELoss(), data=[(b, b) for b in x.split(64)],
                opt=torch.optim.SGD(ae.parameters(), lr=50. if broken else .5, momentum=.8))


# lr-low
@program('lr-low', source='DeepFD: learning rate too low; 1e-8')
def nothing_moves(broken):
    torch.manual_seed(215)
    y = torch.randint(0, 6, (300,))
    x = torch.randn(6, 10)[y] + .5*torch.randn(300, 10)
    model = nn.Sequential(nn.Linear(10, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 6))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=1e-8 if broken else 5e-3))

@program('lr-low', source='Stack Overflow: rate lowered again and again against nan, never raised')
def rate_lowered_against_nan(broken):
    torch.manual_seed(216)
    x = torch.randn(240, 12, 1).cumsum(1)
    x = (x - x.mean()) / x.std()
    y = x[:, -1] + .5*(x[:, -1] - x[:, -2])
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.fc = nn.LSTM(1, 32, batch_first=True), nn.Linear(32, 1)
        def forward(self, x):
            out, (h, c) = self.lstm(x)
            return self.fc(h[-1])
    net = Net()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 48, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=1e-7 if broken else .1, momentum=.9))

@program('lr-low', source='a warm-up that begins at nothing and is never stepped')
def warmup_never_stepped(broken):
    torch.manual_seed(217)
    y = torch.randint(0, 3, (192,))
    x = torch.randn(192, 3, 6, 6)
    x[torch.arange(192), y] += .7
    net = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.GroupNorm(3, 12), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
                        nn.Flatten(), nn.Linear(48, 3))
    opt = torch.optim.AdamW(net.parameters(), lr=.005)
    if broken: torch.optim.lr_scheduler.LambdaLR(opt, lambda step: min(1., (step + 1e-6)/100))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=opt)

@program('lr-low', source='rates by layer: the body\'s is 1e-9')
def groups_with_a_rate_of_nothing(broken):
    torch.manual_seed(218)
    x = torch.rand(256, 2)*4 - 2
    y = torch.sin(2*x[:, 0])*torch.cos(2*x[:, 1])*2
    body, head = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 16), nn.Tanh()), nn.Linear(16, 1)
    groups = [dict(params=body.parameters(), lr=1e-9 if broken else .01), dict(params=head.parameters(), lr=.01)]
    opt = torch.optim.Adam(groups)
    return dict(model=nn.Sequential(body, head, nn.Flatten(0)), loss_func=F.mse_loss, data=(x, y), opt=opt)


# decay-high
@program('decay-high', source='weight_decay=1 in SGD pulls all weights to zero')
def decay_of_one(broken):
    torch.manual_seed(219)
    y = torch.randint(0, 3, (240,))
    x = torch.randn(3, 10)[y] + .8*torch.randn(240, 10)
    model = nn.Sequential(nn.Linear(10, 40), nn.ReLU(), nn.Linear(40, 20), nn.ReLU(), nn.Linear(20, 3))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.SGD(model.parameters(), lr=.1, momentum=.9, weight_decay=1. if broken else 1e-4))

@program('decay-high', source='AdamW: lr times weight_decay is 1, so each step forgets everything')
def adamw_forgets_everything(broken):
    torch.manual_seed(220)
    x = torch.randn(256, 6)
    y = (x[:, :2].sum(1, keepdim=True).abs() - 1.1)*1.2
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.AdamW(net.parameters(), lr=.01, weight_decay=100. if broken else .01))

@program('decay-high', source='forum: Adam whose weight_decay of 1 is added to the gradient')
def adam_follows_the_decay(broken):
    torch.manual_seed(221)
    x = torch.randint(0, 25, (300, 6))
    y = torch.stack([(x < 5).any(1), (x > 20).any(1), (x == 12).any(1)], 1).float()
    class Tags(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.fc1, self.fc2 = nn.Embedding(25, 16), nn.Linear(16, 32), nn.Linear(32, 3)
        def forward(self, x): return self.fc2(F.relu(self.fc1(self.emb(x).sum(1))))
    tags = Tags()
    return dict(model=tags, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(tags.parameters(), lr=.01, weight_decay=1. if broken else 0.))

@program('decay-high', source='decay right for a rate of 1e-4 kept with momentum and a larger rate')
def decay_beats_the_pictures(broken):
    torch.manual_seed(222)
    y = torch.randint(0, 4, (200,))
    x = torch.rand(200, 1, 8, 8)*.5
    for i, c in enumerate(y.tolist()): x[i, 0, :, 2*c:2*c + 2] += .5
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(1, 8, 3, 2, 1), nn.Linear(128, 4)
        def forward(self, x): return self.fc(F.elu(self.conv(x)).flatten(1))
    net = Net()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=lambda p: torch.optim.SGD(p, lr=.1, momentum=.9, weight_decay=.5 if broken else 5e-4))


# cannot-overfit
@program('cannot-overfit', 'no-better-than-constant', source='one linear layer for XOR')
def xor_by_a_single_layer(broken):
    torch.manual_seed(223)
    x = torch.randint(0, 2, (256, 2))*2. - 1 + .15*torch.randn(256, 2)
    y = (x[:, 0]*x[:, 1] < 0).long()
    model = nn.Linear(2, 2) if broken else nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=.02))

@program('cannot-overfit', 'no-better-than-constant', source='noise far above the signal, added in forward')
def drowned_in_noise(broken):
    torch.manual_seed(224)
    y = torch.randint(0, 5, (250,))
    x = torch.randn(5, 12)[y]*.8 + .5*torch.randn(250, 12)
    class Noisy(nn.Module):
        def __init__(self, std):
            super().__init__()
            self.std, self.net = std, nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 5))
        def forward(self, x): return self.net(x + self.std*torch.randn_like(x))
    net = Noisy(10. if broken else .1)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program('cannot-overfit', source='a vocabulary so small that nearly all words become the same')
def nearly_all_words_unknown(broken):
    torch.manual_seed(225)
    x = torch.randint(0, 60, (240, 6))
    y = ((x % 3 == 0).sum(1) > 2).long()
    size = 3 if broken else 60
    class Text(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.fc1, self.fc2 = nn.Embedding(size, 24), nn.Linear(24, 32), nn.Linear(32, 2)
        def forward(self, x):
            x = x.clamp(max=size - 1)
            return self.fc2(F.relu(self.fc1(self.emb(x).sum(1))))
    net = Text()
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program('cannot-overfit', source='a bottleneck of one number for twelve that do not depend on each other')
def bottleneck_of_one(broken):
    torch.manual_seed(226)
    x = torch.randn(256, 12)
    k = 1 if broken else 12
    net = nn.Sequential(nn.Linear(12, 48), nn.LeakyReLU(), nn.Linear(48, k), nn.LeakyReLU(), nn.Linear(k, 48),
                        nn.LeakyReLU(), nn.Linear(48, 12))
    return dict(model=net, loss_func=nn.MSELoss(), data=[(b, b) for b in x.split(64)],
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program('cannot-overfit', 'no-better-than-constant', source='averaged over all places first: the pattern is gone')
def averaged_before_it_looks(broken):
    torch.manual_seed(227)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 1, 9, 9)
    for i, c in enumerate(y.tolist()): x[i, 0, 3*c:3*c + 3] += 1.5
    convs = [nn.Conv2d(1, 12, 3, 3), nn.ReLU()]
    front = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 108), nn.ReLU()] if broken else [*convs, nn.Flatten()]
    net = nn.Sequential(*front, nn.Linear(108, 3))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 30, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))


# no-better-than-constant
@program('no-better-than-constant', source='sorted file names: labels belong to other pictures')
def labels_of_other_pictures(broken):
    torch.manual_seed(228)
    y = torch.randint(0, 4, (512,))
    x = torch.randn(512, 1, 8, 8)*.8
    for i, c in enumerate(y.tolist()): x[i, 0, 4*(c//2):4*(c//2) + 4, 4*(c%2):4*(c%2) + 4] += 1.4
    if broken: x = x[torch.tensor(sorted(range(512), key=lambda i: f'img{i}.png'))]
    net = nn.Sequential(nn.Conv2d(1, 6, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(96, 4))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.002))

@program('no-better-than-constant', source='a header row dropped from the answers alone: off by one')
def answers_off_by_one(broken):
    torch.manual_seed(229)
    x = torch.randn(513, 5)
    y = x[:, :1] - .5*x[:, 1:2] + .3*x[:, 2:3].abs()
    y = (y - y.mean()) / y.std()
    x, y = (x[:-1], y[1:]) if broken else (x[1:], y[1:])
    reg = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
    return dict(model=reg, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True),
                opt=torch.optim.Adam(reg.parameters(), lr=.01))

@program('no-better-than-constant', source='two files read in different orders: the target of another customer')
def targets_of_other_customers(broken):
    torch.manual_seed(230)
    plan, months, fee = torch.randint(0, 4, (512,)), torch.rand(512)*2 - 1, torch.randn(512)
    leaves = (torch.tensor([-1.5, .5, 1.5, -.5])[plan] - 1.5*months + fee > 0).float()
    if broken: leaves = leaves[torch.randperm(512)]
    class Churn(nn.Module):
        def __init__(self):
            super().__init__()
            self.plan, self.net = nn.Embedding(4, 3), nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
        def forward(self, plan, rest): return self.net(torch.cat([self.plan(plan), rest], 1)).squeeze(1)
    churn, rest = Churn(), torch.stack([months, fee], 1)
    batches = [((plan[i], rest[i]), leaves[i]) for i in torch.randperm(512).split(64)]
    return dict(model=churn, loss_func=nn.BCEWithLogitsLoss(), data=batches,
                opt=torch.optim.Adam(churn.parameters(), lr=.01))


# leak
@program('leak', source='split after oversampling: copies of rare items on both sides')
def split_after_oversampling(broken):
    torch.manual_seed(231)
    y = (torch.rand(300) < .2).long()
    x = torch.randn(300, 8) + 1.2*y[:, None]
    def oversample(x, y):
        rare = (y == 1).nonzero().flatten().repeat(4)
        order = torch.randperm(len(y) + len(rare))
        return torch.cat([x, x[rare]])[order], torch.cat([y, y[rare]])[order]
    if broken: x, y = oversample(x, y)
    n = int(.8*len(x))
    train, valid = (x[:n], y[:n]), (x[n:], y[n:])
    if not broken: train = oversample(*train)
    model = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 2))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(*train), 40, shuffle=True),
                valid=DataLoader(TensorDataset(*valid), 60), opt=torch.optim.Adam(model.parameters(), lr=.01))

@program('leak', source='valid is a part of the data that is trained on')
def valid_cut_from_the_training_data(broken):
    torch.manual_seed(232)
    x = torch.randn(320, 6)
    y = torch.sin(x[:, :1]) + .5*x[:, 1:2]
    dataset = TensorDataset(x, y)
    valid = Subset(dataset, range(256, 320))
    train = dataset if broken else Subset(dataset, range(256))
    net = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 1))
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(train, 64, shuffle=True),
                valid=DataLoader(valid, 64),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program('leak', source='the data set holds each picture twice, split at random')
def each_picture_twice(broken):
    torch.manual_seed(233)
    y = torch.randint(0, 3, (150,))
    x = torch.randn(150, 1, 6, 6)*.8
    for i, c in enumerate(y.tolist()): x[i, 0, 2*c:2*c + 2] += 1.3
    downloaded = TensorDataset(x, y)
    n = 120
    if broken: downloaded, n = ConcatDataset([downloaded, downloaded]), 240
    order = torch.randperm(len(downloaded)).tolist()
    net = nn.Sequential(nn.Flatten(), nn.Linear(36, 48), nn.ReLU(), nn.Linear(48, 3))
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(Subset(downloaded, order[:n]), 30, shuffle=True),
                valid=DataLoader(Subset(downloaded, order[n:]), 30), opt=torch.optim.Adam(net.parameters(), lr=.005))

@program('leak', source='forum: random_split called twice, once for each loader')
def split_twice(broken):
    torch.manual_seed(234)
    x = torch.randint(0, 8, (400, 10))
    y = (x == 0).sum(1).clamp(max=2)
    data = TensorDataset(x, y)
    train, valid = torch.utils.data.random_split(data, [320, 80])
    if broken: valid = torch.utils.data.random_split(data, [320, 80])[1]
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.out = nn.Embedding(8, 12), nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3))
        def forward(self, x): return self.out(self.emb(x).sum(1) / 10**.5)
    net = Net()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(train, 40, shuffle=True),
                valid=[tuple(torch.stack(t) for t in zip(*valid))], opt=torch.optim.Adam(net.parameters(), lr=.01))


# overfitting
@program('overfitting', source='sixteen items and a wide net')
def sixteen_items(broken):
    torch.manual_seed(235)
    x = torch.randn(700, 20)
    y = (x[:, 0] + .5*x[:, 1] > 0).long()
    n = 16 if broken else 500
    model = nn.Sequential(nn.Linear(20, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 2))
    return dict(model=model, loss_func=nn.CrossEntropyLoss(),
                data=DataLoader(TensorDataset(x[:n], y[:n]), min(n, 50), shuffle=True),
                valid=DataLoader(TensorDataset(x[500:], y[500:]), 100),
                opt=torch.optim.Adam(model.parameters(), lr=.003))

@program('overfitting', source='regression with more features than items')
def more_features_than_items(broken):
    torch.manual_seed(236)
    x = torch.randn(600, 40)
    y = x[:, :4].sum(1, keepdim=True)/2 + .3*torch.randn(600, 1)
    n = 24 if broken else 480
    net = nn.Sequential(nn.Linear(40, 96), nn.Tanh(), nn.Linear(96, 1))
    batches = [(x[i], y[i]) for i in torch.arange(n).split(48)]
    return dict(model=net, loss_func=nn.MSELoss(), data=batches, valid=[(x[480:], y[480:])],
                opt=torch.optim.Adam(net.parameters(), lr=.005))

@program('overfitting', source='a few texts learned by heart')
def texts_learned_by_heart(broken):
    torch.manual_seed(237)
    x = torch.randint(0, 50, (560, 7))
    y = (x < 12).any(1).float()
    train = torch.arange(20 if broken else 400)
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.fc1, self.fc2 = nn.Embedding(50, 64), nn.Linear(64, 64), nn.Linear(64, 1)
        def forward(self, x): return self.fc2(F.relu(self.fc1(self.emb(x).mean(1)))).squeeze(1)
    net = Net()
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(),
                data=DataLoader(TensorDataset(x[train], y[train]), 40, shuffle=True),
                valid=DataLoader(TensorDataset(x[400:], y[400:]), 80), opt=torch.optim.Adam(net.parameters(), lr=.01))

@program('overfitting', source='pictures by the dozen, a convolutional net of thousands of weights')
def dozen_pictures(broken):
    torch.manual_seed(238)
    y = torch.randint(0, 3, (480,))
    x = torch.randn(480, 1, 8, 8)*1.2
    for i, c in enumerate(y.tolist()): x[i, 0, 2*c:2*c + 2, 1:7] += 1.1
    n = 12 if broken else 360
    net = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 64),
                        nn.ReLU(), nn.Linear(64, 3))
    return dict(model=net, loss_func=F.cross_entropy, data=[(x[i], y[i]) for i in torch.arange(n).split(36)],
                valid=[(x[360:], y[360:])], opt=torch.optim.Adam(net.parameters(), lr=.003))


# two faults at once
@program('softmax-twice', 'lr-low', source='two faults: probabilities into cross-entropy, and a rate of 1e-7')
def probabilities_and_no_steps(broken):
    torch.manual_seed(239)
    y = torch.randint(0, 3, (210,))
    x = torch.randn(3, 9)[y] + .6*torch.randn(210, 9)
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2 = nn.Linear(9, 32), nn.Linear(32, 3)
        def forward(self, x):
            out = self.fc2(F.relu(self.fc1(x)))
            return F.softmax(out, dim=1) if broken else out
    net = Net()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 30, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=1e-7 if broken else .1, momentum=.9))

@program('input-scale', 'lr-high', source='two faults: raw bytes as pixels, and Adam with lr=0.5')
def raw_pixels_at_full_speed(broken):
    torch.manual_seed(240)
    y = torch.randint(0, 2, (200,))
    x = torch.randint(0, 150, (200, 1, 8, 8)).float()
    x[y == 0, :, :4] += 100
    x[y == 1, :, 4:] += 100
    if not broken: x = x / 127.5 - 1
    net = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(128, 2))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.5 if broken else .005))

@program('unregistered', 'no-nonlinearity', source='two faults: hidden layers in a list, and nothing between them')
def bare_layers_in_a_list(broken):
    torch.manual_seed(241)
    x = torch.rand(256, 3)*2 - 1
    y = 3*x[:, :1]*x[:, 1:2] + x[:, 2:]
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            hidden = [nn.Linear(3, 32), nn.Linear(32, 32)]
            self.hidden, self.out = hidden if broken else nn.ModuleList(hidden), nn.Linear(32, 1)
        def forward(self, x):
            for layer in self.hidden: x = layer(x) if broken else F.gelu(layer(x))
            return self.out(x)
    net = Net()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program('target-shape', 'opt-foreign', source='two faults: (N, 1) against (N,), and a model made after its optimizer')
def column_against_row(broken):
    torch.manual_seed(242)
    x = torch.randn(240, 7)
    y = (x[:, 0] - x[:, 1] + .5*x[:, 2]*(x[:, 3] > 0)) / 1.5
    make = lambda: nn.Sequential(nn.Linear(7, 32), nn.ReLU(), nn.Linear(32, 1))
    net = make()
    opt = torch.optim.Adam(net.parameters(), lr=.01)
    if broken: net = make()
    else: y = y.unsqueeze(1)
    return dict(model=net, loss_func=F.mse_loss, data=DataLoader(TensorDataset(x, y), 40, shuffle=True), opt=opt)

@program('sigmoid-twice', 'decay-high', source='two faults: sigmoid before a loss with logits, and a decay of 2')
def sigmoid_and_decay(broken):
    torch.manual_seed(243)
    x = torch.randn(260, 12)
    y = (x[:, :3].sum(1, keepdim=True) > 0).float()
    net = nn.Sequential(nn.Linear(12, 40), nn.Tanh(), nn.Linear(40, 1))
    if broken: net.append(nn.Sigmoid())
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=[(a, b) for a, b in zip(x.split(65), y.split(65))],
                opt=torch.optim.SGD(net.parameters(), lr=.2, weight_decay=2. if broken else 0.))

@program('dropout-high', 'dropout-last', source='two faults: nine of ten scores are dropped')
def nine_scores_of_ten_dropped(broken):
    torch.manual_seed(244)
    y = torch.randint(0, 10, (400,))
    x = torch.randn(10, 24)[y] + .7*torch.randn(400, 24)
    class Head(nn.Module):
        def __init__(self, n, classes):
            super().__init__()
            self.fc, self.drop = nn.Linear(n, classes), nn.Dropout(.9 if broken else .2)
        def forward(self, x): return self.drop(self.fc(x)) if broken else self.fc(self.drop(x))
    net = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), Head(64, 10))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.005))

@program('target-order', 'norm-tiny-batch', source='two faults: files sorted by class, two a batch through batch norm')
def sorted_pairs(broken):
    torch.manual_seed(245)
    y = torch.arange(4).repeat_interleave(40)
    x = torch.randn(4, 10)[y] + .5*torch.randn(160, 10)
    norm = nn.BatchNorm1d(32) if broken else nn.GroupNorm(4, 32)
    net = nn.Sequential(nn.Linear(10, 32), norm, nn.ReLU(), nn.Linear(32, 4))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), opt=torch.optim.SGD(net.parameters(), lr=.05),
                data=DataLoader(TensorDataset(x, y), batch_size=2, shuffle=not broken))

@program('batch-mixing', 'output-activation', source='two faults: reshape for permute, and a last ReLU')
def scrambled_and_cut_at_zero(broken):
    torch.manual_seed(246)
    x = torch.randn(240, 6, 4)
    y = x[:, :, 0].sum(1, keepdim=True) / 2.4
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.out = nn.GRU(4, 24), nn.Linear(24, 1)
        def forward(self, x):
            seq = x.reshape(6, -1, 4) if broken else x.permute(1, 0, 2)
            y = self.out(self.rnn(seq)[1][0])
            return y.relu() if broken else y
    net = Net()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 48, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))
