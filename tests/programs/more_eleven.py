"Sound programs for a diagnosis once more, asked once after its last mends."
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset
from . import program

@program(source='multiple instance learning: a bag is positive if one of its items is')
def slides_with_one_sick_cell():
    torch.manual_seed(200)
    y = (torch.rand(200) < .5).float()
    x = torch.randn(200, 12, 6)
    x[torch.arange(200), torch.randint(0, 12, (200,)), :3] += 4 * y[:, None]
    class Bags(nn.Module):
        def __init__(self):
            super().__init__()
            self.item, self.look, self.out = nn.Sequential(nn.Linear(6, 32), nn.ReLU()), nn.Linear(32,
                                                                                                   1), nn.Linear(32, 1)
        def forward(self, x):
            h = self.item(x)
            return self.out((F.softmax(self.look(h), 1) * h).sum(1))[:, 0]
    net = Bags()
    return dict(model=net, loss_func=F.binary_cross_entropy_with_logits,
                data=DataLoader(TensorDataset(x, y), 40, shuffle=True), opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='signatures: the same writer or another, by a distance')
def signatures_in_pairs():
    torch.manual_seed(201)
    hand = torch.randn(30, 12)
    a, same = torch.randint(0, 30, (400,)), torch.rand(400) < .5
    b = torch.where(same, a, (a + torch.randint(1, 30, (400,))) % 30)
    u, v = (hand[k] + .4 * torch.randn(400, 12) for k in (a, b))
    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.net, self.scale, self.shift = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 8)), *(
                nn.Parameter(torch.tensor(v)) for v in (1., 1.))
        def forward(self, u, v): return self.shift - self.scale * (self.net(u) - self.net(v)).pow(2).sum(1)
    net = Pair()
    return dict(model=net, loss_func=nn.BCEWithLogitsLoss(), opt=torch.optim.Adam(net.parameters(), lr=3e-3),
                data=[((u[i], v[i]), same[i].float()) for i in torch.arange(400).split(50)])

@program(source='shares between 0 and 1: the two numbers of a beta distribution')
def shares_by_a_beta_distribution():
    torch.manual_seed(202)
    x = torch.randn(400, 5)
    m = torch.sigmoid(x[:, 0] - .5 * x[:, 1])
    y = torch.distributions.Beta(8 * m, 8 * (1 - m)).sample().clamp(1e-3, 1 - 1e-3)
    net = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 2))
    def nll(out, y):
        a, b = (F.softplus(out) + 1e-2).unbind(1)
        return -torch.distributions.Beta(a, b).log_prob(y).mean()
    return dict(model=net, loss_func=nll, data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='tags of films: sixty labels, three of them true for an item')
def sixty_tags_few_of_them_true():
    torch.manual_seed(203)
    z = torch.randn(300, 10)
    score = z @ torch.randn(10, 60)
    y = (score >= score.topk(3, 1).values[:, -1:]).float()
    x = z @ torch.randn(10, 24) / 3 + .1 * torch.randn(300, 24)
    net = nn.Sequential(nn.Linear(24, 96), nn.ReLU(), nn.Linear(96, 60))
    nn.init.constant_(net[2].bias, -2.9)
    return dict(model=net, loss_func=nn.MultiLabelSoftMarginLoss(), data=DataLoader(TensorDataset(x, y), 50,
                                                                                    shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='doubt that depends on the item: a mean and a variance')
def wind_with_its_own_doubt():
    torch.manual_seed(204)
    x = torch.randn(400, 4)
    y = x[:, 0] + torch.exp(.7 * x[:, 1] - 1) * torch.randn(400)
    net = nn.Sequential(nn.Linear(4, 48), nn.Tanh(), nn.Linear(48, 2))
    nll = nn.GaussianNLLLoss()
    def loss(out, y): return nll(out[:, 0], y, F.softplus(out[:, 1]) + 1e-3)
    return dict(model=net, loss_func=loss, data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='causal language model: every letter from those before it')
def bars_of_a_melody():
    torch.manual_seed(205)
    start, step = torch.randint(0, 12, (128, 1)), torch.randint(1, 4, (128, 1))
    notes = (start + step * torch.arange(13)) % 12
    class Melody(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.pos = nn.Embedding(12, 32), nn.Parameter(torch.randn(12, 32) * .1)
            self.layer, self.out = nn.TransformerEncoderLayer(32, 4, 64, 0., batch_first=True), nn.Linear(32, 12)
        def forward(self, x):
            mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
            return self.out(self.layer(self.emb(x) + self.pos[:x.shape[1]], mask, is_causal=True))
    net = Melody()
    def ce(out, y): return F.cross_entropy(out.reshape(-1, 12), y.reshape(-1))
    return dict(model=net, loss_func=ce, data=DataLoader(TensorDataset(notes[:, :-1], notes[:, 1:]), 32, shuffle=True),
                opt=torch.optim.AdamW(net.parameters(), lr=3e-3))

@program(source='choice models: one of seven offers is taken, each with features of its own')
def offers_of_which_one_is_taken():
    torch.manual_seed(206)
    x = torch.randn(300, 7, 5)
    y = (2 * x[..., 0] - x[..., 1] + torch.distributions.Gumbel(0., 1.).sample((300, 7))).argmax(1)
    net = nn.Sequential(nn.Linear(5, 24), nn.ReLU(), nn.Linear(24, 1), nn.Flatten())
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program(source='masked modeling: one letter in six is hidden, only those are asked')
def hidden_letters_of_codes():
    torch.manual_seed(207)
    code = (torch.randint(0, 10, (200, 1)) + torch.randint(1, 3, (200, 1)) * torch.arange(12)) % 10
    hide = torch.rand(200, 12) < 1 / 6
    hide[:, 0] |= ~hide.any(1)
    x, y = code.masked_fill(hide, 10), code.masked_fill(~hide, -100)
    class Codes(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.rnn = nn.Embedding(11, 24), nn.LSTM(24, 32, bidirectional=True, batch_first=True)
            self.out = nn.Linear(64, 10)
        def forward(self, x): return self.out(self.rnn(self.emb(x))[0]).transpose(1, 2)
    net = Codes()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.01))

@program(source='angles: the direction as a point on a circle, the loss is one minus the cosine')
def headings_of_ships():
    torch.manual_seed(208)
    x = torch.randn(300, 6)
    angle = torch.atan2(x[:, 0] + .3 * x[:, 2], x[:, 1]) + .1 * torch.randn(300)
    y = torch.stack([angle.cos(), angle.sin()], 1)
    class Heading(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(6, 48), nn.ReLU(), nn.Linear(48, 2))
        def forward(self, x): return F.normalize(self.net(x), dim=1)
    net = Heading()
    return dict(model=net, loss_func=lambda out, y: (1 - (out * y).sum(1)).mean(),
                data=DataLoader(TensorDataset(x, y), 50, shuffle=True), opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program(source='lasso: a hundred columns, five of them matter; a penalty on the weights in the loss')
def genes_with_a_penalty():
    torch.manual_seed(209)
    x = torch.randn(300, 100)
    y = x[:, :5] @ torch.tensor([[2.], [-1.5], [1.], [1.], [-1.]]) + .3 * torch.randn(300, 1)
    net = nn.Linear(100, 1)
    def lasso(out, y): return F.mse_loss(out, y) + .02 * net.weight.abs().sum()
    return dict(model=net, loss_func=lasso, data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=.03))

@program(source='graphs: each molecule with its own bonds, a sum over its atoms')
def molecules_as_graphs():
    torch.manual_seed(210)
    kind = torch.randint(0, 4, (240, 8))
    bond = (torch.rand(240, 8, 8) < .25).float().triu(1)
    bond = bond + bond.transpose(1, 2)
    atoms = F.one_hot(kind, 4).float()
    y = torch.einsum('nij,ni,nj->n', bond, (kind == 0).float(), (kind == 1).float())[:, None]
    y = (y - y.mean()) / y.std()
    class Graph(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c, self.out = nn.Linear(4, 32), nn.Linear(32, 32), nn.Linear(32, 32), nn.Linear(32, 1)
        def forward(self, atoms, bond):
            h = F.relu(self.a(atoms))
            for _ in range(2): h = F.relu(self.b(h) + bond @ self.c(h) / 3)
            return self.out(h.mean(1))
    net = Graph()
    return dict(model=net, loss_func=nn.MSELoss(), opt=torch.optim.Adam(net.parameters(), lr=5e-3),
                data=[((atoms[i], bond[i]), y[i]) for i in torch.arange(240).split(40)])

@program(source='heat maps: a bright spot on a dark map is the target')
def spots_on_dark_maps():
    torch.manual_seed(211)
    g = torch.arange(16.)
    at = torch.randint(2, 14, (160, 2)).float()
    spot = torch.exp(-((g[None, :, None] - at[:, :1, None]) ** 2 + (g[None, None] - at[:, 1:, None]) ** 2) / 4)[:, None]
    x = spot.clone() + .3 * torch.randn(160, 1, 16, 16)
    net = nn.Sequential(nn.Conv2d(1, 12, 5, padding=2), nn.ReLU(), nn.Conv2d(12, 12, 5, padding=2), nn.ReLU(),
                        nn.Conv2d(12, 1, 1))
    return dict(model=net, loss_func=lambda out, y: ((out - y) ** 2 * (1 + 10 * y)).mean(),
                data=DataLoader(TensorDataset(x, spot), 32, shuffle=True), opt=torch.optim.Adam(net.parameters(),
                                                                                                lr=5e-3))
