"Sound programs that look odd: each has something that a careless checker would take for a fault."
import math
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler
from . import program

# --- weights that are equal, zero or unusual, and meant to be

@program(source='statistics: softmax regression may start at zero, its problem is convex')
def softmax_regression_from_zero():
    torch.manual_seed(200)
    y = torch.randint(0, 4, (240,))
    x = torch.randn(240, 9) + torch.eye(4, 9)[y] * 2
    model = nn.Linear(9, 4)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    opt = torch.optim.SGD(model.parameters(), lr=.5)
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=(x, y), opt=opt)

@program(source='fine-tuning recipes: the last layer starts at zero, so that the first answer is an even guess')
def head_starts_at_zero():
    torch.manual_seed(201)
    y = torch.randint(0, 5, (200,))
    x = torch.randn(200, 12) * .7 + torch.eye(5, 12)[y] * 2
    net = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 5))
    for p in net[-1].parameters(): nn.init.zeros_(p)
    data = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)
    return dict(model=net, loss_func=F.cross_entropy, data=data, opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program(source='Goyal et al., ReZero: each branch of a residual net starts with a factor of zero')
def residual_branches_start_closed():
    torch.manual_seed(202)
    class Block(nn.Module):
        def __init__(self, d):
            super().__init__()
            self.f = nn.Sequential(nn.Linear(d, d), nn.ReLU(), nn.Linear(d, d))
            self.gate = nn.Parameter(torch.zeros(1))
        def forward(self, x): return x + self.gate * self.f(x)
    net = nn.Sequential(nn.Linear(6, 24), *[Block(24) for _ in range(4)], nn.Linear(24, 2))
    x = torch.randn(180, 6)
    y = (x[:, 0] * x[:, 1] > 0).long()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='LoRA: a frozen layer, and beside it a product of which one factor starts at zero')
def low_rank_adapter():
    torch.manual_seed(203)
    class LoRA(nn.Module):
        def __init__(self, base, r=4):
            super().__init__()
            self.base = base.requires_grad_(False)
            self.A = nn.Parameter(torch.randn(r, base.in_features) / base.in_features ** .5)
            self.B = nn.Parameter(torch.zeros(base.out_features, r))
        def forward(self, x): return self.base(x) + x @ self.A.T @ self.B.T
    x = torch.randn(200, 10)
    y = (x[:, 0] - x[:, 4] > 0).long() + (x[:, 2] > .5).long()
    net = nn.Sequential(LoRA(nn.Linear(10, 64)), nn.ReLU(), LoRA(nn.Linear(64, 64)), nn.ReLU(), nn.Linear(64, 3))
    trained = [p for p in net.parameters() if p.requires_grad]
    return dict(model=net, loss_func=F.cross_entropy, data=(x, y), opt=torch.optim.AdamW(trained, lr=5e-3))

@program(source='ViT: class token and position embeddings start at zero')
def patches_and_a_class_token():
    torch.manual_seed(204)
    y = torch.randint(0, 4, (96,))
    img = torch.randn(96, 1, 8, 8) * .5
    for i, c in enumerate(y.tolist()): img[i, 0, 4 * (c // 2):4 * (c // 2) + 4, 4 * (c % 2):4 * (c % 2) + 4] += 1.5
    class ViT(nn.Module):
        def __init__(self):
            super().__init__()
            self.patch = nn.Conv2d(1, 24, 4, stride=4)
            self.cls, self.pos = nn.Parameter(torch.zeros(1, 1, 24)), nn.Parameter(torch.zeros(1, 5, 24))
            self.enc = nn.TransformerEncoderLayer(24, 2, 32, dropout=0., batch_first=True, norm_first=True)
            self.norm, self.head = nn.LayerNorm(24), nn.Linear(24, 4)
        def forward(self, x):
            t = self.patch(x).flatten(2).transpose(1, 2)
            t = torch.cat([self.cls.expand(len(x), -1, -1), t], 1) + self.pos
            return self.head(self.norm(self.enc(t)[:, 0]))
    vit = ViT()
    return dict(model=vit, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(img, y), 32, shuffle=True),
                opt=torch.optim.AdamW(vit.parameters(), lr=3e-3, weight_decay=.05))

@program(source='Le et al.: a recurrent net of ReLUs that starts with the identity')
def recurrent_identity():
    torch.manual_seed(205)
    x = torch.randn(160, 15, 1) * .5
    y = x.sum(1)
    class IRNN(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.out = nn.RNN(1, 20, nonlinearity='relu', batch_first=True), nn.Linear(20, 1)
            nn.init.eye_(self.rnn.weight_hh_l0)
            nn.init.zeros_(self.rnn.bias_hh_l0)
            nn.init.zeros_(self.rnn.bias_ih_l0)
            nn.init.normal_(self.rnn.weight_ih_l0, std=.3)
        def forward(self, s): return self.out(self.rnn(s)[0][:, -1])
    net = IRNN()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    return dict(model=net, loss_func=nn.MSELoss(), data=(x, y / y.std()), opt=opt)

@program(source='SIREN: sine layers with weights that look far too large')
def sine_layers():
    torch.manual_seed(206)
    t = torch.linspace(-1, 1, 200)[:, None]
    y = torch.sin(12 * t) * torch.cos(5 * t)
    class Sine(nn.Module):
        def __init__(self, i, o, w, first=False):
            super().__init__()
            self.lin, self.w = nn.Linear(i, o), w
            bound = 1 / i if first else math.sqrt(6 / i) / w
            nn.init.uniform_(self.lin.weight, -bound, bound)
        def forward(self, v): return torch.sin(self.w * self.lin(v))
    net = nn.Sequential(Sine(1, 32, 20., True), Sine(32, 32, 20.), nn.Linear(32, 1))
    return dict(model=net, loss_func=F.mse_loss, data=(t, y), opt=torch.optim.Adam(net.parameters(), lr=2e-3))

@program(source='UMLAUT and forums: the bias of the last layer is the log-odds of a rare class')
def rare_class_with_its_log_odds():
    torch.manual_seed(207)
    y = (torch.rand(600) < .06).float()[:, None]
    x = torch.randn(600, 8) + y * torch.tensor([1.5, 1.5, -1, 0, 0, 0, 0, 0])
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
    nn.init.constant_(net[2].bias, math.log(.06 / .94))
    nn.init.normal_(net[2].weight, std=.02)
    data = DataLoader(TensorDataset(x, y), batch_size=60, shuffle=True)
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=data, opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program(source='convolutions with biases before batch norm: no gradient ever reaches those')
def biases_before_batch_norm():
    torch.manual_seed(208)
    y = torch.randint(0, 2, (96,))
    x = torch.randn(96, 3, 10, 10) * .6
    x[y == 1, :, 3:7, 3:7] += .8
    cnn = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.BatchNorm2d(16),
                        nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 2))
    return dict(model=cnn, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=torch.optim.SGD(cnn.parameters(), lr=.05, momentum=.9))

@program(source='GPT-2: input and output embeddings are one matrix, with weight decay of 0.1')
def tied_embeddings():
    torch.manual_seed(209)
    start, step = torch.randint(0, 11, (128, 1)), torch.randint(1, 4, (128, 1))
    text = (start + step * torch.arange(9)) % 11
    class LM(nn.Module):
        def __init__(self):
            super().__init__()
            self.tok, self.pos = nn.Embedding(11, 32), nn.Embedding(8, 32)
            nn.init.normal_(self.tok.weight, std=.1)
            self.block = nn.TransformerEncoderLayer(32, 2, 64, dropout=0., batch_first=True, norm_first=True)
            self.norm, self.head = nn.LayerNorm(32), nn.Linear(32, 11, bias=False)
            self.head.weight = self.tok.weight
        def forward(self, t):
            n = t.shape[1]
            mask = torch.full((n, n), -math.inf).triu(1)
            return self.head(self.norm(self.block(self.tok(t) + self.pos.weight[:n], src_mask=mask)))
    lm = LM()
    loss = lambda out, t: F.cross_entropy(out.flatten(0, 1), t.flatten())
    data = [(b[:, :-1], b[:, 1:]) for b in text.split(32)]
    return dict(model=lm, loss_func=loss, data=data, opt=torch.optim.AdamW(lm.parameters(), lr=3e-3, weight_decay=.1))

# --- zeros, and units that are mostly off

@program(source='bags of words: most inputs are zero for most items')
def sparse_bag_of_words():
    torch.manual_seed(210)
    y = torch.randint(0, 3, (240,))
    rate = torch.full((3, 60), .03)
    for c in range(3): rate[c, 20 * c:20 * c + 20] = .25
    x = torch.bernoulli(rate[y])
    net = nn.Sequential(nn.Linear(60, 32), nn.ReLU(), nn.Linear(32, 3))
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='sparse autoencoders: an L1 penalty on codes that are meant to be zero')
def autoencoder_with_sparse_codes():
    torch.manual_seed(211)
    atoms = torch.randn(12, 16)
    x = (torch.rand(256, 12) < .15).float() @ atoms * .8
    class SAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.dec = nn.Linear(16, 48), nn.Linear(48, 16)
        def forward(self, v):
            code = F.relu(self.enc(v))
            return self.dec(code), code
    sae = SAE()
    loss = lambda out, target: F.mse_loss(out[0], target) + 2e-3 * out[1].abs().mean()
    return dict(model=sae, loss_func=loss, data=(x, x), opt=torch.optim.Adam(sae.parameters(), lr=5e-3))

@program(source='mixtures of experts: each item takes one expert, the others answer nothing')
def one_expert_for_each_item():
    torch.manual_seed(212)
    x = torch.randn(240, 6)
    y = torch.where(x[:, :1] > 0, x[:, 1:2], -x[:, 2:3])
    class MoE(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate = nn.Linear(6, 3)
            self.experts = nn.ModuleList(nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 1)) for _ in range(3))
        def forward(self, v):
            p = self.gate(v).softmax(1)
            chosen = F.one_hot(p.argmax(1), 3) * p
            return sum(chosen[:, k:k + 1] * e(v) for k, e in enumerate(self.experts))
    moe = MoE()
    return dict(model=moe, loss_func=nn.MSELoss(), data=(x, y), opt=torch.optim.Adam(moe.parameters(), lr=5e-3))

@program(source='padded sentences: the mask sets most of a short sentence to zero')
def padded_sentences_with_lengths():
    torch.manual_seed(213)
    n = torch.randint(2, 12, (150,))
    words = torch.randint(1, 20, (150, 12)) * (torch.arange(12) < n[:, None])
    y = ((words > 0) & (words < 4)).any(1).long()
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.lin, self.out = nn.Embedding(20, 16, padding_idx=0), nn.Linear(16, 24), nn.Linear(24, 2)
        def forward(self, w, n):
            h = F.relu(self.lin(self.emb(w))) * (torch.arange(12) < n[:, None])[:, :, None]
            return self.out(h.amax(1))
    net = Net()
    data = [((words[i], n[i]), y[i]) for i in torch.arange(150).split(50)]
    return dict(model=net, loss_func=F.cross_entropy, data=data, opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='textbooks: dropout of one half in two layers')
def dropout_of_one_half_twice():
    torch.manual_seed(214)
    y = torch.randint(0, 3, (300,))
    x = torch.randn(300, 15) * .6 + torch.eye(3).repeat(1, 5)[y]
    net = nn.Sequential(nn.Linear(15, 96), nn.ReLU(), nn.Dropout(.5), nn.Linear(96, 96), nn.ReLU(), nn.Dropout(.5),
                        nn.Linear(96, 3))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program(source='counts: Poisson regression, most answers are zero')
def rare_counts():
    torch.manual_seed(215)
    x = torch.randn(400, 4)
    y = torch.poisson(torch.exp(-1. + .8 * x[:, :1] - .5 * x[:, 1:2]))
    net = nn.Sequential(nn.Linear(4, 24), nn.Tanh(), nn.Linear(24, 1))
    return dict(model=net, loss_func=nn.PoissonNLLLoss(), data=DataLoader(TensorDataset(x, y), 80, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

# --- inputs that look wrong and are not

@program(source='forums: word numbers up to thousands are inputs of an embedding, not features')
def large_vocabulary():
    torch.manual_seed(216)
    y = torch.randint(0, 2, (200,))
    words = torch.randint(0, 2000, (200, 8)) + y[:, None] * torch.randint(0, 2, (200, 8)) * 2000
    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.bag, self.fc = nn.EmbeddingBag(4000, 16, mode='mean'), nn.Linear(16, 2)
        def forward(self, w): return self.fc(self.bag(w))
    m = Classifier()
    opt = torch.optim.Adam(m.parameters(), lr=2e-2)
    return dict(model=m, loss_func=nn.CrossEntropyLoss(), data=(words, y), opt=opt)

@program(source='torchtext tutorial: values and offsets, so that the first axis is not that of the items')
def bag_with_offsets():
    torch.manual_seed(217)
    def batch(n=40):
        y = torch.randint(0, 3, (n,))
        sizes = torch.randint(3, 9, (n,))
        words = torch.cat([torch.randint(10 * c, 10 * c + 16, (s,)) for c, s in zip(y.tolist(), sizes.tolist())])
        return (words, torch.cat([torch.zeros(1, dtype=torch.long), sizes.cumsum(0)[:-1]])), y
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.fc = nn.EmbeddingBag(40, 16), nn.Linear(16, 3)
        def forward(self, words, offsets): return self.fc(self.emb(words, offsets))
    net = Net()
    return dict(model=net, loss_func=F.cross_entropy, data=[batch() for _ in range(5)],
                opt=torch.optim.SGD(net.parameters(), lr=1.))

@program(source='tabular data: batch norm is the first layer and takes the raw columns')
def raw_columns_into_batch_norm():
    torch.manual_seed(218)
    age, income = torch.randint(18, 80, (400, 1)).float(), torch.randn(400, 1).mul(.5).exp() * 40000
    x = torch.cat([age, income, torch.rand(400, 1)], 1)
    y = ((age - 49) / 18 + (income - 45000) / 24000 > 0).float()
    net = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 1))
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='deployed models: bytes 0..255 come in, the model divides by 255 itself')
def bytes_divided_within_the_model():
    torch.manual_seed(219)
    y = torch.randint(0, 3, (150,))
    img = torch.randint(0, 120, (150, 3, 8, 8))
    img[torch.arange(150), y] += 120
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Conv2d(3, 12, 3), nn.ReLU(), nn.Flatten(), nn.Linear(432, 3))
        def forward(self, b): return self.net(b.float() / 127.5 - 1)
    net = Net()
    data = DataLoader(TensorDataset(img.to(torch.uint8), y), 30, shuffle=True)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=data, opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program(source='exported models: mean and spread of the training data are buffers')
def standardized_by_buffers():
    torch.manual_seed(220)
    x = torch.randn(300, 3) * torch.tensor([300., 4., .01]) + torch.tensor([1000., -20., .05])
    z = (x - x.mean(0)) / x.std(0)
    y = z[:, :1] * .7 - z[:, 1:2] * z[:, 2:] * .5
    class Scaled(nn.Module):
        def __init__(self, x):
            super().__init__()
            self.register_buffer('mean', x.mean(0))
            self.register_buffer('std', x.std(0))
            self.mlp = nn.Sequential(nn.Linear(3, 48), nn.ReLU(), nn.Linear(48, 1))
        def forward(self, v): return self.mlp((v - self.mean) / self.std)
    net = Scaled(x)
    return dict(model=net, loss_func=F.mse_loss, data=(x, y), opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='calendar data: a year and an hour become sines and cosines within the model')
def hours_as_waves():
    torch.manual_seed(221)
    hour = torch.randint(0, 24 * 365, (300, 1)).float()
    load = torch.sin(2 * math.pi * hour / 24) + .5 * torch.cos(4 * math.pi * hour / 24) + .1 * torch.randn(300, 1)
    class Waves(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
        def forward(self, h):
            a = 2 * math.pi * h / 24 * torch.arange(1, 5)
            return self.out(torch.cat([a.sin(), a.cos()], 1))
    net = Waves()
    return dict(model=net, loss_func=nn.MSELoss(), data=(hour, load), opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='ToTensor: pictures in 0..1, with a frame that is always zero')
def digits_with_an_empty_frame():
    torch.manual_seed(222)
    y = torch.randint(0, 4, (200,))
    img = torch.zeros(200, 1, 12, 12)
    for i, c in enumerate(y.tolist()):
        img[i, 0, 3:9, 3:9] = torch.rand(6, 6) * .3
        img[i, 0, 4 + c, 3:9] = .7 + torch.rand(6) * .3
    net = nn.Sequential(nn.Flatten(), nn.Linear(144, 48), nn.ReLU(), nn.Linear(48, 4))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(img, y), 40, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=.1, momentum=.9))

@program(source='missing values: nan stays in x, the model fills it and adds a column that says so')
def missing_values_filled_by_the_model():
    torch.manual_seed(223)
    x = torch.randn(300, 5)
    y = (x[:, 0] + x[:, 1] > 0).long()
    x[torch.rand(300, 5) < .1] = math.nan
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.mlp = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
        def forward(self, v): return self.mlp(torch.cat([v.nan_to_num(0.), v.isnan().float()], 1))
    net = Net()
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='attention masks: minus infinity is an input, and harmless')
def mask_of_minus_infinity():
    torch.manual_seed(224)
    n = torch.randint(1, 7, (120,))
    x = torch.randn(120, 6, 8)
    mask = torch.zeros(120, 6).masked_fill(torch.arange(6) >= n[:, None], -math.inf)
    y = (x[:, 0, :4].sum(1) > 0).long()
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.k, self.v, self.out = nn.Linear(8, 1), nn.Linear(8, 24), nn.Linear(32, 2)
        def forward(self, s, m):
            a = (self.k(s).squeeze(2) + m).softmax(1)
            return self.out(torch.cat([F.relu((a[:, :, None] * self.v(s)).sum(1)), s[:, 0]], 1))
    net = Net()
    return dict(model=net, loss_func=F.cross_entropy, data=((x, mask), y),
                opt=torch.optim.AdamW(net.parameters(), lr=1e-2))

@program(source='surveys: few answers, so that equal rows with different targets cannot be avoided')
def equal_rows_with_different_answers():
    torch.manual_seed(225)
    x = torch.randint(0, 3, (400, 3))
    y = (torch.rand(400) < torch.tensor([.1, .5, .9])[x[:, 0]]).float()
    net = nn.Sequential(nn.Linear(9, 16), nn.ReLU(), nn.Linear(16, 1))
    features = F.one_hot(x, 3).flatten(1).float()
    loss = lambda out, t: F.binary_cross_entropy_with_logits(out[:, 0], t)
    return dict(model=net, loss_func=loss, data=DataLoader(TensorDataset(features, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='recommenders: two columns of ids, ratings squeezed into 0.5..5.5')
def ratings_within_a_range():
    torch.manual_seed(226)
    user, film = torch.randint(0, 40, (500,)), torch.randint(0, 30, (500,))
    stars = (3 + (user % 5 - 2) * .6 + (film % 3 - 1) * .8 + .3 * torch.randn(500)).round().clamp(1, 5)
    class Dot(nn.Module):
        def __init__(self):
            super().__init__()
            self.u, self.f, self.bu, self.bf = (nn.Embedding(*s) for s in ((40, 8), (30, 8), (40, 1), (30, 1)))
            for e in (self.u, self.f, self.bu, self.bf): nn.init.normal_(e.weight, std=.1)
        def forward(self, ids):
            u, f = ids.T
            score = (self.u(u) * self.f(f)).sum(1, keepdim=True) + self.bu(u) + self.bf(f)
            return torch.sigmoid(score) * 5 + .5
    m = Dot()
    data = DataLoader(TensorDataset(torch.stack([user, film], 1), stars[:, None]), 100, shuffle=True)
    return dict(model=m, loss_func=nn.MSELoss(), data=data, opt=torch.optim.Adam(m.parameters(), lr=1e-2))

# --- targets that look wrong and are not

@program(source='token classification: -100 marks the tokens that do not count')
def tokens_that_do_not_count():
    torch.manual_seed(227)
    words = torch.randint(0, 12, (120, 6))
    y = words % 3
    y[torch.rand(120, 6) < .4] = -100
    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.rnn, self.out = nn.Embedding(12, 16), nn.GRU(16, 16, batch_first=True), nn.Linear(16, 3)
        def forward(self, w): return self.out(self.rnn(self.emb(w))[0]).transpose(1, 2)
    net = Tagger()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(words, y), 40, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='segmentation: 255 marks the rim of an object, background is nearly everything')
def rims_are_ignored():
    torch.manual_seed(228)
    img, mask = torch.randn(48, 1, 12, 12) * .4, torch.zeros(48, 12, 12, dtype=torch.long)
    for i in range(48):
        r, c, k = 2 + i % 6, 2 + i // 8 % 6, 1 + i % 2
        img[i, 0, r:r + 4, c:c + 4] += 1.2 * k
        mask[i, r:r + 4, c:c + 4] = k
        mask[i, r - 1, c - 1:c + 4] = 255
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(),
                        nn.Conv2d(8, 3, 1))
    data = [(img[i::3], mask[i::3]) for i in range(3)]
    return dict(model=net, loss_func=nn.CrossEntropyLoss(ignore_index=255), data=data,
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='cross-entropy takes probabilities as targets: mixup, distillation')
def soft_targets():
    torch.manual_seed(229)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 6) * .6 + torch.eye(3, 6)[y] * 2
    other, share = torch.randperm(180), torch.rand(180, 1) * .4
    mixed = x * (1 - share) + x[other] * share
    soft = F.one_hot(y, 3) * (1 - share) + F.one_hot(y[other], 3) * share
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=(mixed, soft),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='support vector machines: targets of -1 and 1, the hinge loss')
def hinge_with_minus_one_and_one():
    torch.manual_seed(230)
    y = torch.randint(0, 2, (200, 1)).float() * 2 - 1
    x = torch.randn(200, 7) + y * torch.tensor([1., -.8, .6, 0, 0, 0, 0])
    net = nn.Linear(7, 1)
    hinge = lambda out, t: F.relu(1 - out * t).mean() + 1e-3 * net.weight.square().sum()
    return dict(model=net, loss_func=hinge, data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=.1))

@program(source='PyTorch docs of CTC: labels start at 1, 0 is the blank; axes (T, N, C)')
def blank_is_class_zero():
    torch.manual_seed(231)
    y = torch.randint(1, 5, (32, 3))
    x = torch.randn(32, 9, 5) * .2
    for k in range(3): x[torch.arange(32), 3 * k + 1, y[:, k]] += 2
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.out = nn.GRU(5, 24, batch_first=True), nn.Linear(24, 5)
        def forward(self, s): return self.out(self.rnn(s)[0]).log_softmax(2)
    net = Net()
    full = lambda n, k: torch.full((n,), k)
    loss = lambda out, t: F.ctc_loss(out.transpose(0, 1), t, full(len(t), 9), full(len(t), 3))
    return dict(model=net, loss_func=loss, data=(x, y), opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='multi-task chemistry: nan where nothing was measured, the loss leaves it out')
def measurements_with_gaps():
    torch.manual_seed(232)
    x = torch.randn(240, 8)
    y = torch.stack([x[:, 0] - x[:, 1], x[:, 2].sin(), x[:, 3] * .5], 1)
    y[torch.rand(240, 3) < .5] = math.nan
    def masked_mse(out, t):
        known = ~t.isnan()
        return F.mse_loss(out[known], t[known])
    net = nn.Sequential(nn.Linear(8, 40), nn.SiLU(), nn.Linear(40, 3))
    return dict(model=net, loss_func=masked_mse, data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='Deep SVDD: all targets are alike, one class is known')
def one_class_description():
    torch.manual_seed(233)
    x = torch.randn(200, 3) @ torch.randn(3, 10) * .5
    center = torch.ones(4) * .6
    net = nn.Sequential(nn.Linear(10, 24, bias=False), nn.LeakyReLU(), nn.Linear(24, 4, bias=False))
    loss = lambda out, _: (out - center).square().sum(1).mean()
    return dict(model=net, loss_func=loss, data=(x, torch.zeros(200)), opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program(source='physics-informed nets: the residual of an equation shall be zero everywhere')
def residual_of_an_equation():
    torch.manual_seed(234)
    t = torch.linspace(0, 2, 64)[:, None]
    class Decay(nn.Module):
        def __init__(self):
            super().__init__()
            self.u = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1))
        def forward(self, t):
            with torch.enable_grad():
                t = t.clone().requires_grad_()
                u = self.u(t)
                du, = torch.autograd.grad(u.sum(), t, create_graph=True)
            return torch.cat([du + u, (self.u(torch.zeros_like(t)) - 1)], 1)
    net = Decay()
    return dict(model=net, loss_func=F.mse_loss, data=(t, torch.zeros(64, 2)),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='forecasting: batches in the order of time, the level rises from batch to batch')
def series_with_a_trend():
    torch.manual_seed(235)
    s = torch.linspace(-1, 1, 330) + .4 * torch.sin(torch.arange(330) * .5) + .05 * torch.randn(330)
    x, y = s.unfold(0, 10, 1)[:-1], s[10:, None]
    net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), batch_size=32),
                opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program(source='fraud: one item in fifty, so that many batches hold one class only; weighted loss')
def fraud_in_two_of_a_hundred():
    torch.manual_seed(236)
    y = (torch.rand(500) < .03).float()
    x = torch.randn(500, 6) + y[:, None] * 2.
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0))
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(pos_weight=torch.tensor(20.)),
                data=DataLoader(TensorDataset(x, y), 25, shuffle=True), opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='one batch holds all the data: its order does not matter')
def sorted_but_all_in_one_batch():
    torch.manual_seed(237)
    y = torch.arange(6).repeat_interleave(30)
    x = torch.randn(180, 8) * .6 + torch.eye(6, 8)[y] * 2
    net = nn.Sequential(nn.Linear(8, 40), nn.ReLU(), nn.Linear(40, 6))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=(x, y),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='metric learning: each batch holds four of many persons, four pictures of each')
def four_persons_a_batch():
    torch.manual_seed(238)
    faces = torch.randn(24, 10)
    def batch(k):
        who = torch.arange(4 * k, 4 * k + 4).repeat_interleave(4)
        return faces[who] + .8 * torch.randn(16, 10), who
    class Embed(nn.Module):
        def __init__(self):
            super().__init__()
            self.f = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 8))
        def forward(self, v): return F.normalize(self.f(v), dim=1)
    def hard_triplets(e, who):
        d, same = torch.cdist(e, e), who[:, None] == who
        return F.relu((d * same).amax(1) - (d + 9 * same).amin(1) + .3).mean()
    net = Embed()
    return dict(model=net, loss_func=hard_triplets, data=[batch(k) for k in range(6)],
                opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program(source='regression whose targets are whole numbers kept as such')
def whole_numbers_as_targets():
    torch.manual_seed(239)
    x = torch.randn(200, 4)
    y = (x[:, :1] * 2 + x[:, 1:2]).round().long()
    net = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1))
    return dict(model=net, loss_func=lambda out, t: F.mse_loss(out, t.float()), data=(x, y),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='quantile regression: (N,1) against (N,3) is meant to broadcast')
def three_quantiles_at_once():
    torch.manual_seed(240)
    x = torch.rand(300, 1) * 2 - 1
    y = x + (x.abs() * .5 + .1) * torch.randn(300, 1)
    q = torch.tensor([.1, .5, .9])
    pinball = lambda out, t: torch.maximum(q * (t - out), (q - 1) * (t - out)).mean()
    net = nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, 3))
    return dict(model=net, loss_func=pinball, data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='ordinal regression (CORAL): four classes, three outputs')
def fewer_outputs_than_ordered_classes():
    torch.manual_seed(241)
    x = torch.randn(240, 5)
    y = (x[:, 0] + .5 * x[:, 1] + 1.5).clamp(0, 3).round().long()
    class Coral(nn.Module):
        def __init__(self):
            super().__init__()
            self.f = nn.Sequential(nn.Linear(5, 24), nn.ReLU(), nn.Linear(24, 1))
            self.steps = nn.Parameter(torch.tensor([1., 0., -1.]))
        def forward(self, v): return self.f(v) + self.steps
    net = Coral()
    loss = lambda out, t: F.binary_cross_entropy_with_logits(out, (t[:, None] > torch.arange(3)).float())
    return dict(model=net, loss_func=loss, data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='error-correcting output codes: eight classes in three bits')
def classes_as_bits():
    torch.manual_seed(242)
    y = torch.randint(0, 8, (240,))
    x = torch.randn(240, 10) * .5 + torch.eye(8, 10)[y] * 2
    bits = torch.stack([y >> k & 1 for k in range(3)], 1)
    net = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 3))
    return dict(model=net, loss_func=lambda out, b: F.binary_cross_entropy_with_logits(out, b.float()), data=(x, bits),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='nanoGPT: the vocabulary is rounded up, some outputs never occur')
def outputs_that_never_occur():
    torch.manual_seed(243)
    text = torch.randint(0, 10, (160, 6))
    y = text[:, -2]
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.e, self.h, self.o = nn.Embedding(16, 12), nn.Linear(72, 48), nn.Linear(48, 16)
        def forward(self, t): return self.o(torch.relu(self.h(self.e(t).flatten(1))))
    net = Net()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(text, y), 40, shuffle=True),
                opt=torch.optim.AdamW(net.parameters(), lr=1e-2))

# --- losses that look wrong and are not

@program(source='Lin et al.: the focal loss starts far below ln 2')
def focal_loss():
    torch.manual_seed(244)
    y = (torch.rand(400) < .15).float()
    x = torch.randn(400, 6) + y[:, None] * 1.3
    def focal(out, t):
        ce = F.binary_cross_entropy_with_logits(out.squeeze(1), t, reduction='none')
        return ((1 - torch.exp(-ce)) ** 2 * ce * torch.where(t == 1, .75, .25)).mean()
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
    return dict(model=net, loss_func=focal, data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='uncertainty: the Gaussian negative log-likelihood goes below zero')
def mean_and_variance():
    torch.manual_seed(245)
    x = torch.rand(300, 1) * 2 - 1
    y = torch.sin(3 * x) + .1 * torch.randn(300, 1)
    net = nn.Sequential(nn.Linear(1, 48), nn.Tanh(), nn.Linear(48, 2))
    def nll(out, t):
        mean, log_var = out.chunk(2, 1)
        return .5 * (log_var + (t - mean) ** 2 / log_var.exp()).mean()
    return dict(model=net, loss_func=nll, data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='Wasserstein GAN: the critic falls without bound, weights clipped by their norm')
def critic_of_a_gan():
    torch.manual_seed(246)
    real = torch.arange(256) % 2 == 0
    x = torch.randn(256, 4) * .7 + torch.where(real[:, None], .8, -.8)
    sn = nn.utils.parametrizations.spectral_norm
    critic = nn.Sequential(sn(nn.Linear(4, 32)), nn.LeakyReLU(.2), sn(nn.Linear(32, 1)))
    loss = lambda out, r: out[~r].mean() - out[r].mean()
    return dict(model=critic, loss_func=loss, data=DataLoader(TensorDataset(x, real), 64, shuffle=True),
                opt=torch.optim.RMSprop(critic.parameters(), lr=1e-3))

@program(source='similarity: minus the cosine, between -1 and 1')
def minus_the_cosine():
    torch.manual_seed(247)
    x = torch.randn(200, 8)
    y = x @ torch.randn(8, 5)
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 5))
    return dict(model=net, loss_func=lambda a, b: -F.cosine_similarity(a, b).mean(), data=(x, y),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='CLIP: softmax over the batch, once along each axis; the loss grows with the batch')
def pictures_and_captions():
    torch.manual_seed(248)
    z = torch.randn(128, 4)
    a, b = z @ torch.randn(4, 10) + .1 * torch.randn(128, 10), z @ torch.randn(4, 14) + .1 * torch.randn(128, 14)
    class TwoTowers(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(10, 16), nn.Linear(14, 16)
            self.scale = nn.Parameter(torch.tensor(1.5))
        def forward(self, u, v): return F.normalize(self.a(u), dim=1), F.normalize(self.b(v), dim=1), self.scale.exp()
    def clip_loss(out, index):
        logits, goal = out[2] * out[0] @ out[1].T, torch.arange(len(index))
        return (F.cross_entropy(logits, goal) + F.cross_entropy(logits.T, goal)) / 2
    net = TwoTowers()
    return dict(model=net, loss_func=clip_loss, data=[((a[i], b[i]), i) for i in torch.arange(128).split(32)],
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='ArcFace-like: cosines times 20, the first loss is far above ln C')
def cosines_times_twenty():
    torch.manual_seed(249)
    y = torch.randint(0, 4, (200,))
    x = torch.randn(200, 8) * .6 + torch.eye(4, 8)[y] * 2
    class Cosine(nn.Module):
        def __init__(self):
            super().__init__()
            self.f = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 16))
            self.w = nn.Parameter(torch.randn(4, 16))
        def forward(self, v): return 10 * F.normalize(self.f(v), dim=1) @ F.normalize(self.w, dim=1).T
    def margin_loss(cos, t): return F.cross_entropy(cos - 2 * F.one_hot(t, 4), t)
    net = Cosine()
    return dict(model=net, loss_func=margin_loss, data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='VAE tutorial: summed over the pixels, averaged over the items; noise in the forward pass')
def variational_autoencoder():
    torch.manual_seed(250)
    x = torch.sigmoid(torch.randn(200, 2) @ torch.randn(2, 20) * 4)
    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc = nn.Sequential(nn.Linear(20, 32), nn.ReLU())
            self.mu, self.lv = nn.Linear(32, 3), nn.Linear(32, 3)
            self.dec = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 20), nn.Sigmoid())
        def forward(self, v):
            h = self.enc(v)
            mu, lv = self.mu(h), self.lv(h)
            return self.dec(mu + torch.randn_like(mu) * (lv / 2).exp()), mu, lv
    def elbo(out, v):
        rec, mu, lv = out
        bce = F.binary_cross_entropy(rec, v, reduction='sum') / len(v)
        return bce - .5 * (1 + lv - mu ** 2 - lv.exp()).sum(1).mean()
    vae = VAE()
    return dict(model=vae, loss_func=elbo, data=(x, x), opt=torch.optim.Adam(vae.parameters(), lr=1e-2))

@program(source='diffusion models: the noise is drawn anew in each pass, no loss is ever near zero')
def noise_is_predicted():
    torch.manual_seed(251)
    x = torch.stack([torch.linspace(-1, 1, 256), torch.linspace(-1, 1, 256) ** 2 - .3], 1) * 1.5
    class Denoiser(nn.Module):
        def __init__(self):
            super().__init__()
            self.f = nn.Sequential(nn.Linear(3, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 2))
        def forward(self, v):
            t, noise = torch.rand(len(v), 1), torch.randn_like(v)
            noisy = torch.cos(t * math.pi / 2) * v + torch.sin(t * math.pi / 2) * noise
            return self.f(torch.cat([noisy, t], 1)) - noise
    net = Denoiser()
    return dict(model=net, loss_func=lambda err, _: err.square().mean(), data=(x, torch.zeros(256)),
                opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program(source='SimSiam: one side is detached on purpose')
def one_side_is_detached():
    torch.manual_seed(252)
    x = torch.randn(160, 10)
    pairs = torch.stack([x + .2 * torch.randn(160, 10), x + .2 * torch.randn(160, 10)], 1)
    class SimSiam(nn.Module):
        def __init__(self):
            super().__init__()
            self.f = nn.Sequential(nn.Linear(10, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 12))
            self.p = nn.Sequential(nn.Linear(12, 12), nn.ReLU(), nn.Linear(12, 12))
        def forward(self, two):
            z1, z2 = self.f(two[:, 0]), self.f(two[:, 1])
            return self.p(z1), self.p(z2), z1, z2
    def loss(out, _):
        p1, p2, z1, z2 = out
        return -(F.cosine_similarity(p1, z2.detach()).mean() + F.cosine_similarity(p2, z1.detach()).mean()) / 2
    net = SimSiam()
    return dict(model=net, loss_func=loss, data=(pairs, torch.zeros(160)),
                opt=torch.optim.SGD(net.parameters(), lr=.05, momentum=.9))

@program(source='VQ-VAE: nearest code by argmin, straight through in the backward pass')
def straight_through_codes():
    torch.manual_seed(253)
    x = torch.eye(6, 12)[torch.randint(0, 6, (200,))] * 2 + .2 * torch.randn(200, 12)
    class VQ(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.dec = nn.Linear(12, 4), nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 12))
            self.codes = nn.Parameter(torch.randn(16, 4) * .5)
        def forward(self, v):
            z = self.enc(v)
            near = self.codes[torch.cdist(z, self.codes).argmin(1)]
            return self.dec(z + (near - z).detach()), F.mse_loss(near, z.detach()) + .25 * F.mse_loss(z, near.detach())
    net = VQ()
    return dict(model=net, loss_func=lambda out, t: F.mse_loss(out[0], t) + out[1], data=(x, x),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='center loss, uncertainty weights: the loss has parameters, and the optimizer holds them')
def loss_with_parameters_of_its_own():
    torch.manual_seed(254)
    x = torch.randn(200, 6)
    y = torch.stack([x[:, 0] * .8, x[:, 1] - x[:, 2]], 1)
    class Weighted(nn.Module):
        def __init__(self):
            super().__init__()
            self.log_var = nn.Parameter(torch.zeros(2))
        def forward(self, out, t): return (((out - t) ** 2).mean(0) * (-self.log_var).exp() + self.log_var).sum()
    net, criterion = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2)), Weighted()
    opt = torch.optim.Adam([*net.parameters(), *criterion.parameters()], lr=5e-3)
    return dict(model=net, loss_func=criterion, data=DataLoader(TensorDataset(x, y), 50, shuffle=True), opt=opt)

@program(source='PyTorch docs: log-softmax with NLLLoss, weights for the classes')
def log_softmax_with_nll():
    torch.manual_seed(255)
    y = torch.multinomial(torch.tensor([.7, .2, .1]), 300, replacement=True)
    x = torch.randn(300, 5) + torch.eye(3, 5)[y] * 2
    net = nn.Sequential(nn.Linear(5, 24), nn.ReLU(), nn.Linear(24, 3), nn.LogSoftmax(dim=-1))
    return dict(model=net, loss_func=nn.NLLLoss(weight=torch.tensor([.5, 1.6, 3.])),
                data=DataLoader(TensorDataset(x, y), 60, shuffle=True), opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='Brier score: probabilities out of softmax against one-hot answers')
def softmax_and_squared_error():
    torch.manual_seed(256)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 6) + torch.eye(3, 6)[y] * 2.5
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3), nn.Softmax(dim=1))
    return dict(model=net, loss_func=nn.MSELoss(), data=(x, F.one_hot(y, 3).float()),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='deployment: softmax in eval mode only')
def softmax_only_when_evaluated():
    torch.manual_seed(257)
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.f = nn.Sequential(nn.Linear(7, 32), nn.ReLU(), nn.Linear(32, 4))
        def forward(self, v):
            z = self.f(v)
            return z if self.training else z.softmax(1)
    y = torch.randint(0, 4, (200,))
    x = torch.randn(200, 7) * .8 + torch.eye(4, 7)[y] * 2
    net = Net()
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='autoencoders of pictures: BCE against grey values has a floor far above zero')
def grey_values_with_bce():
    torch.manual_seed(258)
    z = torch.rand(160, 2)
    grid = torch.linspace(0, 1, 8)
    img = torch.exp(-((grid[None, :, None] - z[:, :1, None]) ** 2 + (grid[None, None] - z[:, 1:, None]) ** 2) * 8)
    x = img.flatten(1) * .8 + .1
    ae = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 4), nn.Tanh(), nn.Linear(4, 32), nn.ReLU(),
                       nn.Linear(32, 64), nn.Sigmoid())
    return dict(model=ae, loss_func=nn.BCELoss(), data=DataLoader(TensorDataset(x, x), 40, shuffle=True),
                opt=torch.optim.Adam(ae.parameters(), lr=1e-2))

@program(source='GAN generators: tanh at the end, pictures in -1..1')
def tanh_and_pictures_from_minus_one():
    torch.manual_seed(259)
    z = torch.randn(150, 3)
    pictures = torch.tanh((z @ torch.randn(3, 49)).view(150, 1, 7, 7))
    net = nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 49), nn.Tanh(), nn.Unflatten(1, (1, 7, 7)))
    return dict(model=net, loss_func=nn.L1Loss(), data=(z, pictures), opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='label smoothing and overlapping classes: the loss cannot come near zero')
def overlapping_and_smoothed():
    torch.manual_seed(260)
    y = torch.randint(0, 3, (450,))
    x = torch.randn(450, 4) + torch.eye(3, 4)[y] * 1.6
    net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(label_smoothing=.1),
                data=DataLoader(TensorDataset(x, y), 90, shuffle=True), opt=torch.optim.SGD(net.parameters(), lr=.3))

# --- items that meet one another on purpose, and axes in an unusual order

@program(source='PyTorch docs: recurrent nets by default take (time, items, features)')
def time_comes_first():
    torch.manual_seed(261)
    x = torch.randn(9, 64, 2)
    y = (x[..., 0].cumsum(0) > 0).long()
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.out = nn.LSTM(2, 24), nn.Linear(24, 2)
        def forward(self, s): return self.out(self.rnn(s)[0])
    net = Net()
    return dict(model=net, loss_func=lambda out, t: F.cross_entropy(out.flatten(0, 1), t.flatten()), data=(x, y),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='graph convolution: the rows are the nodes of one graph, neighbors are averaged')
def nodes_of_one_graph():
    torch.manual_seed(262)
    y = torch.arange(90) % 3
    p = torch.where(y[:, None] == y, .2, .02)
    a = (torch.rand(90, 90) < p).float().triu(1)
    a = a + a.T + torch.eye(90)
    x = torch.randn(90, 6) * .8 + torch.eye(3, 6)[y]
    class GCN(nn.Module):
        def __init__(self, a):
            super().__init__()
            self.register_buffer('a', a / a.sum(1, keepdim=True))
            self.l1, self.l2 = nn.Linear(6, 16), nn.Linear(16, 3)
        def forward(self, v): return self.a @ self.l2(F.relu(self.a @ self.l1(v)))
    gcn = GCN(a)
    return dict(model=gcn, loss_func=F.cross_entropy, data=(x, y),
                opt=torch.optim.Adam(gcn.parameters(), lr=1e-2, weight_decay=5e-4))

@program(source='progressive GANs: the critic sees the spread over the batch')
def spread_over_the_batch_as_a_feature():
    torch.manual_seed(263)
    class Critic(nn.Module):
        def __init__(self):
            super().__init__()
            self.f, self.out = nn.Linear(5, 32), nn.Linear(33, 1)
        def forward(self, v):
            h = F.leaky_relu(self.f(v), .2)
            return self.out(torch.cat([h, h.std(0).mean().expand(len(h), 1)], 1))
    real = torch.randint(0, 2, (240, 1)).float()
    x = torch.randn(240, 5) * .8 + (real - .5) * torch.tensor([2., -1., 0., 1., 0.])
    c = Critic()
    return dict(model=c, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, real), 60, shuffle=True),
                opt=torch.optim.Adam(c.parameters(), lr=5e-3, betas=(.5, .99)))

@program(source='Deep Sets: each item is a set, its elements are folded into the first axis and out again')
def sets_folded_into_the_batch():
    torch.manual_seed(264)
    x = torch.randn(160, 6, 3)
    y = x[:, :, 0].amax(1, keepdim=True) - 1.2
    class Sets(nn.Module):
        def __init__(self):
            super().__init__()
            self.phi = nn.Sequential(nn.Linear(3, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 32))
            self.rho = nn.Sequential(nn.ReLU(), nn.Linear(32, 1))
        def forward(self, s):
            n, m, d = s.shape
            return self.rho(self.phi(s.reshape(n * m, d)).view(n, m, -1).amax(1))
    net = Sets()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='attention over the memory of the batch itself: softmax of scores between items, without the diagonal')
def neighbors_vote_in_the_loss():
    torch.manual_seed(265)
    y = torch.randint(0, 4, (128,))
    x = torch.randn(128, 8) * .7 + torch.eye(4, 8)[y] * 2
    net = nn.Sequential(nn.Linear(8, 24), nn.Tanh(), nn.Linear(24, 4))
    def neighbors(z, t):
        w = (-torch.cdist(z, z) ** 2 - 1e4 * torch.eye(len(z))).softmax(1)
        return -((w * (t[:, None] == t)).sum(1) + 1e-6).log().mean()
    return dict(model=net, loss_func=neighbors, data=[(x[i], y[i]) for i in torch.randperm(128).split(64)],
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

# --- norms, modes and chance

@program(source='group norm with two items in a batch')
def group_norm_with_two_items():
    torch.manual_seed(266)
    y = torch.randint(0, 2, (32,))
    x = torch.randn(32, 1, 10, 10) * .5
    x[y == 1, :, ::2] += 1
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.GroupNorm(2, 8), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
                        nn.Linear(32, 2))
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 2, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=2e-3))

@program(source='PyTorch docs: momentum=None is the plain average over all batches')
def norm_with_a_plain_average():
    torch.manual_seed(267)
    x = torch.randn(240, 7)
    y = (x[:, 0] + x[:, 1].abs() > .8).float()
    net = nn.Sequential(nn.Linear(7, 40), nn.BatchNorm1d(40, momentum=None), nn.ReLU(), nn.Linear(40, 1), nn.Flatten(0))
    return dict(model=net, loss_func=F.binary_cross_entropy_with_logits,
                data=DataLoader(TensorDataset(x, y), 60, shuffle=True), opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='style transfer: norms of the batch without running statistics')
def norm_without_running_statistics():
    torch.manual_seed(268)
    x = torch.randn(64, 2, 9, 9)
    y = F.avg_pool2d(x, 3, 1, 1)[:, :1] * 2
    net = nn.Sequential(nn.Conv2d(2, 12, 3, padding=1), nn.BatchNorm2d(12, track_running_stats=False), nn.SiLU(),
                        nn.Conv2d(12, 1, 1))
    return dict(model=net, loss_func=nn.SmoothL1Loss(), data=DataLoader(TensorDataset(x, y), 16, shuffle=True),
                opt=torch.optim.AdamW(net.parameters(), lr=5e-3))

@program(source='EfficientNet: batch norm with a momentum of 0.01 and SiLU, squeeze-and-excitation gates')
def squeezed_and_excited():
    torch.manual_seed(269)
    y = torch.randint(0, 3, (96,))
    x = torch.randn(96, 3, 8, 8) * .6
    x[torch.arange(96), y] += torch.linspace(-1, 1, 8)
    class SE(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, 4, 1), nn.SiLU(), nn.Conv2d(4, c, 1))
        def forward(self, v): return v * self.gate(v).sigmoid()
    net = nn.Sequential(nn.Conv2d(3, 16, 3, bias=False), nn.BatchNorm2d(16, momentum=.01), nn.SiLU(), SE(16),
                        nn.Flatten(), nn.Linear(576, 3))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 24, shuffle=True),
                opt=torch.optim.RMSprop(net.parameters(), lr=2e-4, momentum=.9))

@program(source='stochastic depth: a branch that is left out by chance gets no gradient in that pass')
def branches_left_out_by_chance():
    torch.manual_seed(270)
    class Block(nn.Module):
        def __init__(self, p):
            super().__init__()
            self.f, self.p = nn.Sequential(nn.LayerNorm(24), nn.Linear(24, 24), nn.GELU(), nn.Linear(24, 24)), p
        def forward(self, v):
            if not self.training: return v + self.f(v)
            return v if torch.rand(()) < self.p else v + self.f(v) / (1 - self.p)
    net = nn.Sequential(nn.Linear(5, 24), Block(.1), Block(.2), Block(.3), nn.Linear(24, 2))
    x = torch.randn(200, 5)
    y = (x[:, 0] > x[:, 1]).long()
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.AdamW(net.parameters(), lr=3e-3))

@program(source='Klambauer et al.: SELU with alpha dropout and weights drawn by LeCun')
def self_normalizing():
    torch.manual_seed(271)
    y = torch.randint(0, 3, (210,))
    x = torch.randn(210, 8) + torch.eye(3, 8)[y] * 2
    net = nn.Sequential(nn.Linear(8, 32), nn.SELU(), nn.AlphaDropout(.05), nn.Linear(32, 32), nn.SELU(),
                        nn.Linear(32, 3))
    for m in net:
        if isinstance(m, nn.Linear): nn.init.kaiming_normal_(m.weight, nonlinearity='linear')
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 42, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=.03, momentum=.9))

@program(source='detection with a frozen backbone: its batch norms have seen their data, and only the head learns')
def pretrained_body_and_new_head():
    torch.manual_seed(272)
    old = torch.randint(0, 4, (200,))
    x = torch.randn(200, 10) * .6 + torch.eye(4, 10)[old] * 2
    body = nn.Sequential(nn.Linear(10, 32), nn.BatchNorm1d(32), nn.ReLU())
    task = nn.Sequential(body, nn.Linear(32, 4))
    first = torch.optim.Adam(task.parameters(), 1e-2)
    for i in [j for _ in range(8) for j in torch.randperm(200).split(50)]:
        first.zero_grad()
        F.cross_entropy(task(x[i]), old[i]).backward()
        first.step()
    body.requires_grad_(False).eval()
    model = nn.Sequential(body, nn.Linear(32, 2))
    model.zero_grad()
    return dict(model=model, loss_func=F.cross_entropy, data=(x, old // 2),
                opt=torch.optim.SGD(model[1].parameters(), lr=.05, momentum=.9))

@program(source='random features (reservoirs): the first layer is drawn and never trained')
def random_features():
    torch.manual_seed(273)
    class RandomFeatures(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.randn(2, 100) * 1.5, requires_grad=False)
            self.b = nn.Parameter(torch.rand(100) * 2 * math.pi, requires_grad=False)
            self.out = nn.Linear(100, 1)
        def forward(self, v): return self.out(torch.cos(v @ self.w + self.b))
    net = RandomFeatures()
    x = torch.rand(250, 2) * 2 - 1
    y = (x[:, :1] * x[:, 1:]).sin() * 2
    return dict(model=net, loss_func=F.mse_loss, data=(x, y), opt=torch.optim.Adam(net.out.parameters(), lr=1e-2))

@program(source='GloVe vectors that stay frozen, a small classifier above')
def frozen_word_vectors():
    torch.manual_seed(274)
    vectors = torch.randn(50, 20)
    words = torch.randint(0, 50, (200, 5))
    y = (vectors[words].mean(1)[:, :3].sum(1) > 0).long()
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb = nn.Embedding.from_pretrained(vectors, freeze=True)
            self.cls = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 2))
        def forward(self, w): return self.cls(self.emb(w).mean(1))
    net = Net()
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(words, y), 40, shuffle=True),
                opt=torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=5e-3))

@program(source='fine-tuning goes on: the first loss is already low')
def goes_on_from_a_trained_model():
    torch.manual_seed(275)
    y = torch.randint(0, 4, (240,))
    x = torch.randn(240, 8) * .9 + torch.eye(4, 8)[y] * 2
    net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    for i in [j for _ in range(6) for j in torch.randperm(240).split(40)]:
        opt.zero_grad()
        F.cross_entropy(net(x[i]), y[i]).backward()
        opt.step()
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 40, shuffle=True), opt=opt)

# --- two linear layers in a row, deep nets, gates

@program(source='MobileNet: a depthwise and a pointwise convolution with nothing between')
def depthwise_then_pointwise():
    torch.manual_seed(276)
    y = torch.randint(0, 2, (96,))
    x = torch.randn(96, 4, 8, 8) * .7
    x[y == 1, :2] += torch.linspace(-.8, .8, 8)[:, None]
    def sep(i, o):
        depth, point = nn.Conv2d(i, i, 3, padding=1, groups=i, bias=False), nn.Conv2d(i, o, 1, bias=False)
        return nn.Sequential(depth, point, nn.BatchNorm2d(o), nn.ReLU())
    net = nn.Sequential(sep(4, 12), sep(12, 12), nn.AvgPool2d(4), nn.Flatten(), nn.Linear(48, 2))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 24, shuffle=True),
                opt=torch.optim.SGD(net.parameters(), lr=.05, momentum=.9, weight_decay=1e-4))

@program(source='principal components by gradient descent: a linear autoencoder')
def linear_autoencoder():
    torch.manual_seed(277)
    x = torch.randn(200, 3) @ torch.randn(3, 12) * .6 + .05 * torch.randn(200, 12)
    ae = nn.Sequential(nn.Linear(12, 3, bias=False), nn.Linear(3, 12, bias=False))
    return dict(model=ae, loss_func=nn.MSELoss(), data=(x, x), opt=torch.optim.Adam(ae.parameters(), lr=1e-2))

@program(source='word2vec: an embedding, and a linear layer right upon it')
def skip_grams():
    torch.manual_seed(278)
    center = torch.randint(0, 24, (400,))
    context = (center // 6 * 6 + torch.randint(0, 6, (400,)))
    net = nn.Sequential(nn.Embedding(24, 10), nn.Linear(10, 24, bias=False))
    data = DataLoader(TensorDataset(center, context), 80, shuffle=True)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=data, opt=torch.optim.Adam(net.parameters(), lr=2e-2))

@program(source='factored softmax: a narrow linear layer between, to save weights')
def narrow_linear_layer_between():
    torch.manual_seed(279)
    y = torch.randint(0, 12, (300,))
    x = torch.randn(300, 16) * .5 + torch.eye(12, 16)[y] * 2
    net = nn.Sequential(nn.Linear(16, 64), nn.GELU(), nn.Linear(64, 8), nn.Linear(8, 12))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='ResNets: six residual blocks, the last norm of each starts at zero')
def six_residual_blocks():
    torch.manual_seed(280)
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.l1, self.l2 = nn.Linear(16, 16), nn.Linear(16, 16)
            self.n1, self.n2 = nn.LayerNorm(16), nn.LayerNorm(16)
            nn.init.zeros_(self.n2.weight)
        def forward(self, v): return F.relu(v + self.n2(self.l2(F.relu(self.n1(self.l1(v))))))
    x = torch.randn(128, 6)
    y = x[:, :1] * .8 + x[:, 1:2].cos() - .6
    net = nn.Sequential(nn.Linear(6, 16), *[Block() for _ in range(6)], nn.Linear(16, 1))
    return dict(model=net, loss_func=nn.MSELoss(), data=(x, y), opt=torch.optim.Adam(net.parameters(), lr=2e-3))

@program(source='Jozefowicz et al.: the forget gate starts open, its sigmoid is near one')
def forget_gates_start_open():
    torch.manual_seed(281)
    x = torch.randn(96, 20, 2)
    x[:, :, 1] = 0
    x[:, 3, 1] = 1
    y = x[:, 3, :1]
    class Memory(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.out = nn.LSTM(2, 16, batch_first=True), nn.Linear(16, 1)
            for name in ('bias_ih_l0', 'bias_hh_l0'): getattr(self.rnn, name).data[16:32] = 2.
        def forward(self, s): return self.out(self.rnn(s)[0][:, -1])
    net = Memory()
    return dict(model=net, loss_func=F.mse_loss, data=(x, y), opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='binary networks: signs in the forward pass, straight through in the backward pass')
def signs_for_activations():
    torch.manual_seed(282)
    y = torch.randint(0, 3, (210,))
    x = torch.randn(210, 10) * .8 + torch.eye(3, 10)[y] * 2
    class Sign(nn.Module):
        def forward(self, v):
            soft = F.hardtanh(v)
            return soft + (torch.where(v > 0, 1., -1.) - soft).detach()
    net = nn.Sequential(nn.Linear(10, 48), nn.BatchNorm1d(48), Sign(), nn.Linear(48, 3))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 42, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='gated units: half of each layer is a sigmoid')
def gated_linear_units():
    torch.manual_seed(283)
    wave = torch.randint(0, 2, (96,))
    t = torch.arange(32.) * (.3 + .4 * wave[:, None]) + torch.rand(96, 1) * 6
    x = (t.sin() + .4 * torch.randn(96, 32))[:, None]
    net = nn.Sequential(nn.Conv1d(1, 16, 5), nn.GLU(1), nn.Conv1d(8, 16, 5, stride=2), nn.GLU(1),
                        nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(8, 2))
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, wave), 24, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

# --- optimizers and learning rates

@program(source='PyTorch docs: the learning rate of Adadelta is 1')
def adadelta_at_one():
    torch.manual_seed(284)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 6) + torch.eye(3, 6)[y] * 2
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 36, shuffle=True),
                opt=torch.optim.Adadelta(net.parameters(), lr=1.))

@program(source='basic MNIST notebooks: logistic regression on scaled data stands a rate of 1')
def logistic_regression_at_rate_one():
    torch.manual_seed(285)
    x = torch.randn(300, 12) / 12 ** .5
    y = (x.sum(1) > 0).float()
    net = nn.Sequential(nn.Linear(12, 1), nn.Flatten(0))
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=lambda params: torch.optim.SGD(params, lr=1.))

@program(source='a mean over many pixels has tiny derivatives: SGD with a rate of 4')
def rate_of_four_for_a_mean_over_pixels():
    torch.manual_seed(286)
    x = torch.randn(64, 1, 12, 12)
    y = F.conv2d(x, torch.tensor([[[[0., .5, 0.], [.5, -1., .5], [0., .5, 0.]]]]), padding=1)
    net = nn.Conv2d(1, 1, 3, padding=1)
    return dict(model=net, loss_func=lambda a, b: .05 * F.mse_loss(a, b), data=(x, y),
                opt=torch.optim.SGD(net.parameters(), lr=4.))

@program(source='warmup: OneCycleLR has set the first rate to a 25th')
def first_rate_of_a_cycle():
    torch.manual_seed(287)
    y = torch.randint(0, 4, (240,))
    x = torch.randn(240, 8) * .7 + torch.eye(4, 8)[y] * 2
    net = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 4))
    opt = torch.optim.AdamW(net.parameters(), lr=2e-2)
    torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=2e-2, total_steps=200)
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 40, shuffle=True), opt=opt)

@program(source='PINNs and small fits: LBFGS, which wants a closure')
def fitted_by_lbfgs():
    torch.manual_seed(288)
    t = torch.linspace(-1, 1, 80)[:, None]
    y = torch.exp(-4 * t ** 2) - .4
    net = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    return dict(model=net, loss_func=F.mse_loss, data=(t, y),
                opt=torch.optim.LBFGS(net.parameters(), lr=.5, max_iter=3))

@program(source='BERT recipes: no decay for biases and norms, a smaller rate for the lower layers')
def groups_of_parameters():
    torch.manual_seed(289)
    x = torch.randn(200, 8)
    y = (x[:, 0] * 2 + x[:, 1] > x[:, 2]).long()
    net = nn.Sequential(nn.Linear(8, 32), nn.LayerNorm(32), nn.GELU(), nn.Linear(32, 2))
    decay = [p for p in net.parameters() if p.dim() > 1]
    rest = [p for p in net.parameters() if p.dim() == 1]
    opt = torch.optim.AdamW([dict(params=decay[:1], lr=2e-3, weight_decay=.1), dict(params=decay[1:], weight_decay=.1),
                             dict(params=rest, weight_decay=0.)], lr=5e-3)
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 50, shuffle=True), opt=opt)

@program(source='nnbolts: layers, loss and optimizer of this package')
def parts_of_nnbolts():
    torch.manual_seed(290)
    from nnbolts.losses import cross_entropy
    from nnbolts.optimizers import Adam
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 5) + torch.eye(3, 5)[y] * 2
    net = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 3))
    return dict(model=net, loss_func=cross_entropy, data=[(x[i], y[i]) for i in torch.randperm(180).split(45)],
                opt=Adam(net.parameters(), lr=5e-3))

# --- outputs, targets and data in unusual forms

@program(source='transformers: the model gives a dict')
def output_is_a_dict():
    torch.manual_seed(291)
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = nn.Linear(6, 32), nn.Linear(32, 3)
        def forward(self, v):
            h = torch.tanh(self.body(v))
            return {'logits': self.head(h), 'hidden': h}
    y = torch.randint(0, 3, (150,))
    x = torch.randn(150, 6) + torch.eye(3, 6)[y] * 2
    net = Net()
    return dict(model=net, loss_func=lambda out, t: F.cross_entropy(out['logits'], t), data=(x, y),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='detectors: targets of two kinds, class and box')
def class_and_box():
    torch.manual_seed(292)
    y, box = torch.randint(0, 3, (160,)), torch.rand(160, 2)
    x = torch.cat([torch.eye(3)[y] * 2 + .5 * torch.randn(160, 3), box * 2 - 1 + .05 * torch.randn(160, 2)], 1)
    class Detector(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.cls, self.box = nn.Linear(5, 48), nn.Linear(48, 3), nn.Linear(48, 2)
        def forward(self, v):
            h = F.relu(self.body(v))
            return self.cls(h), self.box(h).sigmoid()
    net = Detector()
    loss = lambda out, t: F.cross_entropy(out[0], t[0]) + 5 * F.smooth_l1_loss(out[1], t[1])
    return dict(model=net, loss_func=loss, data=[(x[i], (y[i], box[i])) for i in torch.arange(160).split(40)],
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='captchas: four letters, the sum of four cross-entropies')
def four_letters_at_once():
    torch.manual_seed(293)
    y = torch.randint(0, 5, (160, 4))
    x = (torch.eye(5)[y] * 2 + .5 * torch.randn(160, 4, 5)).flatten(1)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 20), nn.Unflatten(1, (4, 5)))
    loss = lambda out, t: sum(F.cross_entropy(out[:, k], t[:, k]) for k in range(4))
    return dict(model=net, loss_func=loss, data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='language models are measured in bits: cross-entropy over ln 2')
def bits_per_character():
    torch.manual_seed(294)
    text = torch.tensor([(i * 3 + i // 7) % 9 for i in range(600)])
    x, y = text[:595].view(-1, 5)[:, :4], text[:595].view(-1, 5)[:, 4]
    net = nn.Sequential(nn.Embedding(9, 12), nn.Flatten(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 9))
    return dict(model=net, loss_func=lambda out, t: F.cross_entropy(out, t) / math.log(2), data=(x, y),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='losses with a factor: a hundred times the squared error')
def hundred_times_the_error():
    torch.manual_seed(295)
    x = torch.randn(200, 5)
    y = x[:, 0] * .6 + torch.sin(2 * x[:, 1]) * .5
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(5, 48), nn.Linear(48, 1)
        def forward(self, v): return self.b(F.elu(self.a(v)))[:, 0]
    net = Net()
    return dict(model=net, loss_func=lambda p, t: 100 * ((p - t) ** 2).mean(), data=(x, y),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='prices in thousands: the model itself multiplies by their spread and adds their mean')
def answers_in_the_units_of_the_target():
    torch.manual_seed(296)
    x = torch.randn(240, 6)
    price = 300 + 80 * x[:, :1] + 40 * (x[:, 1:2] * x[:, 2:3]).tanh() + 8 * torch.randn(240, 1)
    class InUnits(nn.Module):
        def __init__(self, mean, std):
            super().__init__()
            self.mean, self.std = mean.item(), std.item()
            self.net = nn.Sequential(nn.Linear(6, 40), nn.ReLU(), nn.Linear(40, 1))
        def forward(self, v): return self.net(v) * self.std + self.mean
    net = InUnits(price.mean(), price.std())
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, price), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='augmentation in the data set: no item comes twice in the same form')
def augmented_on_the_way():
    torch.manual_seed(297)
    y = torch.randint(0, 2, (120,))
    img = torch.randn(120, 1, 8, 8) * .3
    img[y == 1, :, 2:6, 2:6] += 1
    class Augmented(torch.utils.data.Dataset):
        def __len__(self): return len(y)
        def __getitem__(self, i):
            v = img[i].flip(2) if torch.rand(()) < .5 else img[i]
            return v.roll(int(torch.randint(-1, 2, ())), 1) + .2 * torch.randn(1, 8, 8), y[i]
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(72, 2))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(Augmented(), 24, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='streams: a data set without a length, made as it goes')
def endless_stream():
    torch.manual_seed(298)
    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            for _ in range(256):
                v = torch.randn(4)
                yield v, (v[:2].sum() > v[2:].sum()).float()
    net = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0))
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(Stream(), batch_size=64),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='sentences of different lengths: each batch is padded to its own longest')
def batches_of_different_lengths():
    torch.manual_seed(299)
    items = []
    for _ in range(120):
        s = torch.randint(1, 12, (int(torch.randint(3, 10, ())),))
        items.append((s, int(s[0] < 6)))
    def collate(batch):
        return nn.utils.rnn.pad_sequence([s for s, _ in batch], batch_first=True), torch.tensor([t for _, t in batch])
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.rnn, self.out = nn.Embedding(12, 12, 0), nn.GRU(12, 16, batch_first=True), nn.Linear(16, 2)
        def forward(self, s): return self.out(self.rnn(self.emb(s))[0].mean(1))
    net = Net()
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(items, 24, shuffle=True, collate_fn=collate),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='rare classes are drawn more often: items come several times in an epoch')
def drawn_with_weights():
    torch.manual_seed(300)
    y = (torch.rand(400) < .1).long()
    x = torch.randn(400, 5) + y[:, None] * 1.5
    sampler = WeightedRandomSampler(torch.where(y == 1, .9, .1), 400)
    net = nn.Sequential(nn.Linear(5, 24), nn.ReLU(), nn.Linear(24, 2))
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 50, sampler=sampler),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='few kinds of items: some of the validation rows occur in the training data by necessity')
def same_rows_in_both_sets():
    torch.manual_seed(301)
    x = torch.randint(0, 2, (500, 6))
    y = (x[:, 0] ^ x[:, 1]) | (torch.rand(500) < .1).long()
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2))
    v = x.float() * 2 - 1
    data = DataLoader(TensorDataset(v[:400], y[:400]), 50, shuffle=True)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=data, valid=[(v[400:], y[400:])],
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='positions come as a second input, the same for every item')
def positions_as_an_input():
    torch.manual_seed(302)
    s = torch.randint(0, 8, (128, 5))
    y = s[torch.arange(128), s[:, 0] % 5]
    where = torch.arange(5).expand(128, 5)
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.tok, self.pos = nn.Embedding(8, 16), nn.Embedding(5, 16)
            self.f = nn.Sequential(nn.Linear(80, 64), nn.ReLU(), nn.Linear(64, 8))
        def forward(self, s, p): return self.f((self.tok(s) + self.pos(p)).flatten(1))
    net = Net()
    data = [((s[i], where[i]), y[i]) for i in torch.arange(128).split(64)]
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=data, opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='double precision: numpy data and a model in float64')
def everything_in_double():
    torch.manual_seed(303)
    x = torch.randn(200, 4, dtype=torch.float64)
    y = x[:, :1] * .5 - x[:, 1:2] * x[:, 2:3] * .5
    net = nn.Sequential(nn.Linear(4, 40), nn.Tanh(), nn.Linear(40, 1)).double()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='lazy layers: their sizes are found in the first pass, the optimizer is made afterwards')
def sizes_found_in_a_first_pass():
    torch.manual_seed(304)
    y = torch.randint(0, 2, (96,))
    x = torch.randn(96, 2, 9, 9) * .6
    x[y == 1, 0] += .6
    net = nn.Sequential(nn.LazyConv2d(8, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
    with torch.no_grad(): net(x[:2])
    return dict(model=net, loss_func=F.cross_entropy, data=(x, y), opt=torch.optim.SGD(net.parameters(), lr=.05))

@program(source='visualization: the model keeps its last attention, which cannot be copied with its graph')
def remembers_its_last_attention():
    torch.manual_seed(305)
    x = torch.randn(120, 6, 8)
    y = (x[:, :, 0].amax(1) > 1.2).long()
    class Att(nn.Module):
        def __init__(self):
            super().__init__()
            self.q, self.v, self.out, self.weights = nn.Linear(8, 1), nn.Linear(8, 16), nn.Linear(16, 2), None
        def forward(self, s):
            self.weights = self.q(s).softmax(1)
            return self.out((self.weights * self.v(s)).sum(1))
    net = Att()
    net(x[:4])
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=2e-2))

@program(source='microphones: samples of a hundredth, brought to size by an instance norm')
def quiet_recordings():
    torch.manual_seed(306)
    y = torch.randint(0, 2, (80,))
    t = torch.arange(64.) * (.2 + .35 * y[:, None]) + torch.rand(80, 1) * 6
    x = .01 * (t.sin() + .3 * torch.randn(80, 64))[:, None]
    net = nn.Sequential(nn.InstanceNorm1d(1), nn.Conv1d(1, 8, 9, stride=2), nn.ReLU(), nn.Conv1d(8, 8, 5, stride=2),
                        nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(8, 2))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 20, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='rates of events: the exponential of the output, gamma-like deviance')
def positive_answers_by_exp():
    torch.manual_seed(307)
    x = torch.randn(300, 4)
    y = torch.exp(.8 * x[:, 0] - .6 * x[:, 1]) * torch.rand(300).add(.5)
    class Positive(nn.Module):
        def __init__(self):
            super().__init__()
            self.f = nn.Sequential(nn.Linear(4, 24), nn.SiLU(), nn.Linear(24, 1))
        def forward(self, v): return self.f(v).exp().squeeze(1)
    net = Positive()
    return dict(model=net, loss_func=lambda mu, t: (t / mu + mu.log()).mean(), data=(x, y),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='GoogLeNet: a second head that only helps while training')
def second_head_while_training():
    torch.manual_seed(308)
    y = torch.randint(0, 3, (150,))
    x = torch.randn(150, 8) + torch.eye(3, 8)[y] * 2
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.aux, self.out = nn.Linear(8, 32), nn.Linear(32, 32), nn.Linear(32, 3), nn.Linear(32, 3)
        def forward(self, v):
            h = F.relu(self.a(v))
            out = self.out(F.relu(self.b(h)))
            return (out, self.aux(h)) if self.training else out
    def loss(out, t):
        if isinstance(out, tuple): return F.cross_entropy(out[0], t) + .3 * F.cross_entropy(out[1], t)
        return F.cross_entropy(out, t)
    net = Net()
    return dict(model=net, loss_func=loss, data=DataLoader(TensorDataset(x, y), 30, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

# --- and more losses that are read wrongly

@program(source='segmentation: one minus the Dice score, which starts near a half')
def one_minus_dice():
    torch.manual_seed(309)
    mask = torch.zeros(48, 1, 10, 10)
    for i in range(48): mask[i, 0, i % 5:i % 5 + 5, i % 4:i % 4 + 6] = 1
    img = mask * 1.4 - .4 + .5 * torch.randn(48, 1, 10, 10)
    def dice(out, m):
        p = out.sigmoid()
        return 1 - (2 * (p * m).sum((1, 2, 3)) + 1).div((p + m).sum((1, 2, 3)) + 1).mean()
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
    return dict(model=net, loss_func=dice, data=[(img[i::3], mask[i::3]) for i in range(3)],
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='VAEs with a KL term that grows from step to step: the loss may rise while all is well')
def penalty_that_grows():
    torch.manual_seed(310)
    x = torch.randn(200, 2) @ torch.randn(2, 10)
    class Annealed:
        def __init__(self): self.calls = 0
        def __call__(self, out, t):
            self.calls += 1
            rec, mu, lv = out
            kl = -.5 * (1 + lv - mu ** 2 - lv.exp()).sum(1).mean()
            return F.mse_loss(rec, t) + min(1., self.calls / 400) * .05 * kl
    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.dec = nn.Linear(10, 4), nn.Sequential(nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 10))
        def forward(self, v):
            mu, lv = self.enc(v).chunk(2, 1)
            return self.dec(mu + torch.randn_like(mu) * (lv / 2).exp()), mu, lv
    vae = VAE()
    return dict(model=vae, loss_func=Annealed(), data=(x, x), opt=torch.optim.Adam(vae.parameters(), lr=1e-2))

@program(source='perceptual losses: a frozen network within the loss')
def frozen_network_within_the_loss():
    torch.manual_seed(311)
    class Perceptual(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Conv2d(6, 6, 3)).requires_grad_(False)
        def forward(self, a, b): return F.mse_loss(self.features(a), self.features(b)) + .1 * F.mse_loss(a, b)
    clean = torch.randn(40, 1, 10, 10).cumsum(2) * .4
    noisy = clean + .5 * torch.randn(40, 1, 10, 10)
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.LeakyReLU(.1), nn.Conv2d(8, 1, 3, padding=1))
    return dict(model=net, loss_func=Perceptual(), data=(noisy, clean), opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='survival analysis: the partial likelihood of Cox compares each item with the others of its batch')
def partial_likelihood_of_cox():
    torch.manual_seed(312)
    x = torch.randn(240, 5)
    time = torch.empty(240).exponential_() * torch.exp(-x[:, 0] + .7 * x[:, 1])
    seen = torch.rand(240) < .8
    def cox(risk, target):
        order = target[:, 0].argsort(descending=True)
        r, e = risk.squeeze(1)[order], target[order, 1]
        return -((r - r.logcumsumexp(0)) * e).sum() / e.sum()
    net = nn.Sequential(nn.Linear(5, 16), nn.SELU(), nn.Linear(16, 1, bias=False))
    target = torch.stack([time, seen.float()], 1)
    return dict(model=net, loss_func=cox, data=[(x[i], target[i]) for i in torch.arange(240).split(80)],
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='learning to rank: two items through the same network, the margin between them')
def which_of_two_is_better():
    torch.manual_seed(313)
    a, b = torch.randn(200, 6), torch.randn(200, 6)
    worth = lambda v: v[:, 0] * 2 - v[:, 1] + v[:, 2].abs()
    y = torch.where(worth(a) > worth(b), 1., -1.)
    class Ranker(nn.Module):
        def __init__(self):
            super().__init__()
            self.f = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
        def forward(self, a, b): return self.f(a).squeeze(1), self.f(b).squeeze(1)
    net = Ranker()
    return dict(model=net, loss_func=lambda out, t: F.margin_ranking_loss(*out, t, margin=.5),
                data=[((a[i], b[i]), y[i]) for i in torch.arange(200).split(50)],
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='autoencoders with tied weights: the decoder is the encoder turned round')
def decoder_is_the_encoder_transposed():
    torch.manual_seed(314)
    x = torch.randn(200, 4) @ torch.randn(4, 16) * .5
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.bias = nn.Linear(16, 8), nn.Parameter(torch.zeros(16))
        def forward(self, v): return F.linear(F.leaky_relu(self.enc(v), .3), self.enc.weight.t(), self.bias)
    net = Tied()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, x), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='Guo et al.: calibration by one number, the temperature; the loss falls a little and stops')
def one_temperature():
    torch.manual_seed(315)
    y = torch.randint(0, 4, (300,))
    logits = (torch.eye(4)[y] * 1.5 + torch.randn(300, 4)) * 5
    class Temperature(nn.Module):
        def __init__(self):
            super().__init__()
            self.t = nn.Parameter(torch.tensor(1.5))
        def forward(self, z): return z / self.t
    m = Temperature()
    return dict(model=m, loss_func=nn.CrossEntropyLoss(), data=(logits, y), opt=torch.optim.Adam(m.parameters(), lr=.1))

@program(source='tags of pictures: twenty labels, each of them rare')
def many_rare_labels():
    torch.manual_seed(316)
    z = torch.randn(300, 6)
    y = (z @ torch.randn(6, 20) > 3.2).float()
    x = torch.cat([z, torch.randn(300, 4)], 1)
    net = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 20))
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='class conditional decoders: the input is nothing but the number of a class')
def picture_of_a_class():
    torch.manual_seed(317)
    c = torch.randint(0, 5, (150,))
    pictures = torch.randn(5, 1, 8, 8)[c] * .7 + .2 * torch.randn(150, 1, 8, 8)
    net = nn.Sequential(nn.Embedding(5, 16), nn.Unflatten(1, (4, 2, 2)), nn.ConvTranspose2d(4, 16, 2, stride=2),
                        nn.ReLU(), nn.ConvTranspose2d(16, 1, 2, stride=2))
    return dict(model=net, loss_func=F.mse_loss, data=DataLoader(TensorDataset(c, pictures), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=1e-2))

@program(source='weights of the items: the target is a pair of label and weight')
def label_and_weight():
    torch.manual_seed(318)
    y = torch.randint(0, 3, (200,))
    x, w = torch.randn(200, 6) * .8 + torch.eye(3, 6)[y] * 2, torch.rand(200) * 3
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3))
    def weighted(out, target):
        label, weight = target
        return (F.cross_entropy(out, label, reduction='none') * weight).sum() / weight.sum()
    return dict(model=net, loss_func=weighted, data=[(x[i], (y[i], w[i])) for i in torch.randperm(200).split(50)],
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='Jang et al.: a hard choice by Gumbel-softmax in the middle of the network')
def hard_choice_by_gumbel():
    torch.manual_seed(319)
    y = torch.randint(0, 4, (200,))
    x = torch.randn(200, 8) * .6 + torch.eye(4, 8)[y] * 2
    class Choice(nn.Module):
        def __init__(self):
            super().__init__()
            self.pick, self.out = nn.Linear(8, 6), nn.Linear(6, 4)
        def forward(self, v): return self.out(F.gumbel_softmax(3 * self.pick(v), tau=1., hard=True))
    net = Choice()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=(x, y),
                opt=torch.optim.Adam(net.parameters(), lr=2e-2))
