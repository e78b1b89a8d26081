"Programs in newer disguises: adapters, diffusion, packed sequences, graphs, policies, quantiles, several heads."
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.data import DataLoader, TensorDataset
from . import program

class Adapter(nn.Module):
    "A linear layer that is kept, and a correction of low rank beside it."
    def __init__(self, layer, rank=4):
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(rank, layer.in_features) / layer.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(layer.out_features, rank))
    def forward(self, x): return self.layer(x) + x @ self.down.T @ self.up.T

def trained_body(net, x, y, steps=80):
    opt = torch.optim.Adam(net.parameters(), 5e-3)
    for _ in range(steps):
        opt.zero_grad()
        F.cross_entropy(net(x), y).backward()
        opt.step()
    return net

def two_tasks():
    x = torch.randn(256, 12)
    turned = x @ torch.randn(12, 3)
    return x, turned.argmax(1), (turned[:, 0] > turned[:, 1]).long() + (turned[:, 2] > 1.5).long()

# Broken, and mended

@program('opt-missing', 'opt-foreign', source='common: low-rank adapters put in after the optimizer was made')
def adapters_behind_the_optimizer(broken):
    torch.manual_seed(8001)
    x, before, after = two_tasks()
    net = trained_body(nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 3)), x, before)
    opt = torch.optim.AdamW(net.parameters(), 1e-2)
    net[0], net[2] = Adapter(net[0]), Adapter(net[2])
    if not broken: opt = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], 1e-2)
    return dict(model=net, loss_func=F.cross_entropy, opt=opt,
                data=DataLoader(TensorDataset(x, after), 64, shuffle=True))

@program('init-same', 'unused', source='common: both factors of the low-rank update start at zero')
def both_factors_at_zero(broken):
    torch.manual_seed(8002)
    x, before, after = two_tasks()
    net = trained_body(nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 3)), x, before)
    net[0], net[2] = Adapter(net[0]), Adapter(net[2])
    if broken:
        for m in (net[0], net[2]): nn.init.zeros_(m.down)
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, after), 64, shuffle=True),
                opt=torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], 1e-2))

@program('softmax-twice', source='common: a model that returns a dict, its "logits" are probabilities')
def logits_of_a_dict_squashed(broken):
    torch.manual_seed(8003)
    ids = torch.randint(1, 40, (160, 7))
    y = ids[:, 0] % 3
    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.mix = nn.Embedding(40, 24), nn.GRU(24, 32, batch_first=True)
            self.head = nn.Linear(56, 3)
        def forward(self, input_ids, attention_mask):
            e = self.emb(input_ids) * attention_mask.unsqueeze(-1)
            out = self.head(torch.cat([e[:, 0], self.mix(e)[1][0]], 1))
            return {'logits': out.softmax(-1) if broken else out, 'hidden': e}
    data = [dict(input_ids=i, attention_mask=torch.ones_like(i), labels=t) for i, t in zip(ids.split(40), y.split(40))]
    net = Classifier()
    return dict(model=net, loss_func=lambda out, y: F.cross_entropy(out['logits'], y), data=data,
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program('batch-mixing', source='common: pad_packed_sequence without batch_first, reshaped until it fits')
def unpacked_time_first(broken):
    torch.manual_seed(8004)
    n, steps = 120, 6
    x, lengths = torch.randn(n, steps, 3), torch.randint(3, steps + 1, (n,))
    lengths[0] = steps
    y = (x[:, 0, 0] + x[:, 1, 1] > 0).long()
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru, self.out = nn.GRU(3, 24, batch_first=True), nn.Linear(24, 2)
        def forward(self, x, lengths):
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            h, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=not broken, total_length=x.shape[1])
            if broken: h = h.reshape(x.shape[0], x.shape[1], -1)
            return self.out(h[:, 2])
    net = Encoder()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), opt=torch.optim.Adam(net.parameters(), 1e-2),
                data=[((a, b), c) for a, b, c in zip(x.split(40), lengths.split(40), y.split(40))])

@program('target-shape', source='common: quantile regression, the target is a column, a quantile is cut out flat')
def quantiles_against_a_column(broken):
    torch.manual_seed(8005)
    x = torch.randn(240, 4)
    y = x[:, :1] + 0.5 * x[:, 1:2] + 0.3 * torch.randn(240, 1)
    def pinball(q, y):
        y = y if broken else y.squeeze(1)
        total = 0
        for i, tau in enumerate((0.1, 0.5, 0.9)):
            off = y - q[:, i]
            total = total + torch.maximum(tau * off, (tau - 1) * off).mean()
        return total
    net = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 3))
    return dict(model=net, loss_func=pinball, data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program('unused', 'loss-detached', source='common: the detach() of the discriminator step copied to the generator step')
def fakes_detached_for_the_generator(broken):
    torch.manual_seed(8006)
    judge = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
    near = torch.randn(400, 2) * 0.3 + torch.tensor([2., -1.])
    opt = torch.optim.Adam(judge.parameters(), 5e-3)
    for _ in range(60):
        opt.zero_grad()
        scores = judge(torch.cat([near, torch.randn(400, 2)])).squeeze(1)
        F.binary_cross_entropy_with_logits(scores, (torch.arange(800) < 400).float()).backward()
        opt.step()
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.gen, self.disc = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2)), judge
        def forward(self, z):
            fake = self.gen(z)
            return self.disc(fake.detach() if broken else fake)
    both = Both()
    return dict(model=both, loss_func=nn.BCEWithLogitsLoss(), opt=torch.optim.Adam(both.gen.parameters(), 2e-3),
                data=[(torch.randn(64, 4), torch.ones(64, 1)) for _ in range(4)])

@program('output-activation', source='common: a block of norm and activation ends the net that predicts noise')
def noise_predicted_through_a_relu(broken):
    torch.manual_seed(8007)
    clean = torch.randn(256, 2).sign() * 1.2 + 0.1 * torch.randn(256, 2)
    noise, t = torch.randn(256, 2), torch.rand(256, 1)
    noisy = (1 - t).sqrt() * clean + t.sqrt() * noise
    class Denoiser(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(3, 64), nn.Linear(64, 64), nn.Linear(64, 2)])
        def forward(self, x, t):
            h = torch.cat([x, t], 1)
            for i, layer in enumerate(self.layers):
                h = layer(h)
                if broken or i < 2: h = F.relu(h)
            return h
    net = Denoiser()
    return dict(model=net, loss_func=F.mse_loss, opt=torch.optim.Adam(net.parameters(), 3e-3),
                data=[((a, b), c) for a, b, c in zip(noisy.split(64), t.split(64), noise.split(64))])

@program('batch-mixing', source='common: F.normalize(e, dim=0) before a triplet loss')
def embeddings_normalized_down_the_batch(broken):
    torch.manual_seed(8008)
    who = torch.randn(3, 10)
    label = torch.randint(0, 3, (180,))
    x = who[label] + 0.7 * torch.randn(180, 10)
    class Embed(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 8))
        def forward(self, x): return F.normalize(self.net(x), dim=0 if broken else 1)
    def hardest(e, label):
        far = torch.cdist(e, e)
        same = label[:, None] == label[None]
        pull = (far - 1e3 * ~same).amax(1)
        push = (far + 1e3 * same).amin(1)
        return (pull - push + 0.2).relu().mean()
    net = Embed()
    return dict(model=net, loss_func=hardest, data=DataLoader(TensorDataset(x, label), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 2e-3))

@program('softmax-twice', source='common: Categorical(logits=...) around a policy that ends in a softmax')
def policy_probabilities_taken_for_logits(broken):
    torch.manual_seed(8009)
    state = torch.randn(256, 4)
    best = (state @ torch.randn(4, 3)).argmax(1)
    action = torch.randint(0, 3, (256,))
    gain = torch.where(action == best, 1., -0.5)
    net = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 3), *([nn.Softmax(-1)] if broken else []))
    def surrogate(out, y):
        action, gain = y
        return -(torch.distributions.Categorical(logits=out).log_prob(action) * gain).mean()
    return dict(model=net, loss_func=surrogate, data=[(state, (action, gain))],
                opt=torch.optim.Adam(net.parameters(), 1e-2))

@program('batch-mixing', 'ignores-input', source='common: a graph read out by a mean over all nodes of the batch')
def readout_over_all_graphs(broken):
    torch.manual_seed(8010)
    n, k = 60, 5
    x = torch.randn(n, k, 3)
    y = (x[:, :, 0].mean(1) > 0).long()
    ring = torch.eye(k).roll(1, 0) + torch.eye(k).roll(-1, 0) + torch.eye(k)
    class Graphs(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two, self.out = nn.Linear(3, 32), nn.Linear(32, 32), nn.Linear(32, 2)
        def forward(self, x):
            nodes, owner = x.flatten(0, 1), torch.arange(len(x)).repeat_interleave(k)
            h = self.one(nodes).relu().view(len(x), k, -1)
            h = self.two(ring @ h / 3).relu().flatten(0, 1)
            if broken: pooled = h.mean(0).expand(len(x), -1)
            else: pooled = torch.zeros(len(x), 32).index_add(0, owner, h) / k
            return self.out(pooled)
    net = Graphs()
    return dict(model=net, loss_func=F.cross_entropy, data=(x, y), opt=torch.optim.Adam(net.parameters(), 1e-2))

@program('unused', source='common: two heads, a slip of the pen gives both losses the first')
def second_head_never_asked(broken):
    torch.manual_seed(8011)
    x = torch.randn(200, 8)
    sort, size = (x[:, 0] + x[:, 1] > 0).long(), x[:, 2] * x[:, 3]
    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(8, 48), nn.ReLU())
            self.sort, self.size = nn.Linear(48, 2), nn.Linear(48, 1)
        def forward(self, x):
            h = self.body(x)
            return self.sort(h), self.size(h).squeeze(1)
    def both(out, y):
        return F.cross_entropy(out[0], y[0]) + F.mse_loss(out[0][:, 1] if broken else out[1], y[1])
    net = Heads()
    return dict(model=net, loss_func=both, opt=torch.optim.Adam(net.parameters(), 5e-3),
                data=[(a, (b, c)) for a, b, c in zip(x.split(50), sort.split(50), size.split(50))])

@program('frozen', 'loss-detached', source='common: the loop that freezes the backbone runs after the head was replaced')
def head_frozen_by_the_order_of_lines(broken):
    torch.manual_seed(8012)
    x, before, after = two_tasks()
    net = trained_body(nn.Sequential(nn.Linear(12, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 3)), x, before)
    if not broken: net.requires_grad_(False)
    net[3] = nn.Linear(48, 3)
    if broken: net.requires_grad_(False)
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), opt=torch.optim.Adam(net[3].parameters(), 1e-2),
                data=DataLoader(TensorDataset(x, after), 32, shuffle=True))

@program('input-scale', source='common: a forecast of the return from prices and volumes as they were loaded')
def volumes_straight_into_an_lstm(broken):
    torch.manual_seed(8013)
    price = 150 + torch.randn(200, 12, 1).cumsum(1)
    volume = 2e6 + 4e5 * torch.randn(200, 12, 1)
    y = (price[:, -1] - price[:, -4]) / 2
    x = torch.cat([price, volume], 2)
    if not broken: x = (x - x.mean((0, 1))) / x.std((0, 1))
    class Forecast(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.out = nn.LSTM(2, 32, batch_first=True), nn.Linear(32, 1)
        def forward(self, x): return self.out(self.lstm(x)[0][:, -1])
    net = Forecast()
    return dict(model=net, loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 1e-2))

@program('lr-low', source='common: the rate of full fine-tuning, divided once more, for low-rank adapters')
def adapters_at_a_tiny_rate(broken):
    torch.manual_seed(8014)
    x, before, after = two_tasks()
    net = trained_body(nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 3)), x, before)
    net[0], net[2] = Adapter(net[0]), Adapter(net[2])
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, after), 64, shuffle=True),
                opt=torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], 2e-7 if broken else 1e-2))

@program('no-better-than-constant', source='common: a collate function sorts the sentences by length, not the labels')
def sorted_by_length_without_their_labels(broken):
    torch.manual_seed(8015)
    lengths = torch.randint(3, 9, (240,))
    ids = torch.randint(1, 20, (240, 8))
    ids[torch.arange(8) >= lengths[:, None]] = 0
    y = (ids[:, 0] > 10).long()
    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.gru = nn.Embedding(20, 16, padding_idx=0), nn.GRU(16, 24, batch_first=True)
            self.out = nn.Linear(24, 2)
        def forward(self, ids, lengths):
            packed = pack_padded_sequence(self.emb(ids), lengths, batch_first=True, enforce_sorted=True)
            return self.out(self.gru(packed)[1][0])
    data = []
    for part in torch.arange(240).split(40):
        order = part[lengths[part].argsort(descending=True)]
        data.append(((ids[order], lengths[order]), y[part] if broken else y[order]))
    net = Words()
    return dict(model=net, loss_func=F.cross_entropy, data=data, opt=torch.optim.Adam(net.parameters(), 1e-2))

# Sound, some of them odd

@program(source='common: the step of a generator, its judge is kept as it is and every answer shall be yes')
def generator_against_a_kept_judge():
    torch.manual_seed(8016)
    judge = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
    opt = torch.optim.Adam(judge.parameters(), 5e-3)
    near = torch.randn(400, 2) * 0.3 + torch.tensor([1.5, 1.])
    for _ in range(60):
        opt.zero_grad()
        F.softplus(-judge(near)).mean().add(F.softplus(judge(torch.randn(400, 2))).mean()).backward()
        opt.step()
    gen = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
    return dict(model=gen, loss_func=lambda fake, _: F.softplus(-judge(fake)).mean(),
                data=[(torch.randn(64, 4), torch.ones(64)) for _ in range(4)],
                opt=torch.optim.Adam(gen.parameters(), 2e-3, betas=(0.5, 0.999)))

@program(source='common: diffusion, the model draws time and noise itself and gives both')
def noise_drawn_inside_the_model():
    torch.manual_seed(8017)
    x = torch.randn(256, 2).sign() * 1.2 + 0.1 * torch.randn(256, 2)
    class Diffusion(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(3, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 2))
            self.register_buffer('kept', torch.linspace(0.99, 0.05, 20))
        def forward(self, x):
            t = torch.randint(0, 20, (len(x), 1))
            noise, a = torch.randn_like(x), self.kept[t]
            return self.net(torch.cat([a.sqrt() * x + (1 - a).sqrt() * noise, t / 10 - 1], 1)), noise
    net = Diffusion()
    return dict(model=net, loss_func=lambda out, y: F.mse_loss(*out), data=DataLoader(TensorDataset(x, x), 64),
                opt=torch.optim.AdamW(net.parameters(), 2e-3))

@program(source='common: variational autoencoder with free bits, the model draws its code')
def code_with_free_bits():
    torch.manual_seed(8018)
    x = (torch.randn(256, 3) @ torch.randn(3, 16)) / 2
    class Vae(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc = nn.Sequential(nn.Linear(16, 48), nn.GELU(), nn.Linear(48, 8))
            self.dec = nn.Sequential(nn.Linear(4, 48), nn.GELU(), nn.Linear(48, 16))
        def forward(self, x):
            mean, log = self.enc(x).chunk(2, 1)
            return self.dec(mean + torch.randn_like(mean) * (log / 2).exp()), mean, log
    def bound(out, x):
        mean, log = out[1:]
        kl = 0.5 * (mean**2 + log.exp() - 1 - log)
        return F.mse_loss(out[0], x) + 0.01 * kl.mean(0).clamp(min=0.1).sum()
    net = Vae()
    return dict(model=net, loss_func=bound, data=DataLoader(TensorDataset(x, x), 64, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 3e-3))

@program(source='common: a vector-quantized autoencoder, straight through, with its two extra losses')
def nearest_of_a_learned_codebook():
    torch.manual_seed(8019)
    kind = torch.randint(0, 6, (240,))
    x = torch.randn(6, 12)[kind] + 0.1 * torch.randn(240, 12)
    class Quantized(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))
            self.book = nn.Embedding(16, 4)
            self.dec = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 12))
        def forward(self, x):
            z = self.enc(x)
            q = self.book(torch.cdist(z, self.book.weight).argmin(1))
            extra = F.mse_loss(q, z.detach()) + 0.25 * F.mse_loss(z, q.detach())
            return self.dec(z + (q - z).detach()), extra
    net = Quantized()
    return dict(model=net, loss_func=lambda out, y: F.mse_loss(out[0], y) + out[1],
                data=DataLoader(TensorDataset(x, x), 60, shuffle=True), opt=torch.optim.Adam(net.parameters(), 3e-3))

@program(source='common: deep Q-learning, the old net is a part of the model and stands still')
def old_net_within_the_model():
    torch.manual_seed(8020)
    class Agent(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 2))
            self.old = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 2)).requires_grad_(False)
            self.old.load_state_dict(self.net.state_dict())
        def forward(self, now, then):
            with torch.no_grad(): ahead = self.old(then).amax(1)
            return self.net(now), ahead
    def td(out, y):
        q, ahead = out
        action, reward, done = y
        return F.smooth_l1_loss(q.gather(1, action[:, None]).squeeze(1), reward + 0.9 * ahead * (1 - done))
    data = []
    for _ in range(4):
        now, action = torch.randn(64, 4), torch.randint(0, 2, (64,))
        reward = torch.where(action == 1, now[:, 0], -now[:, 0])
        data.append(((now, now + 0.1 * torch.randn(64, 4)), (action, reward, (torch.rand(64) < 0.1).float())))
    net = Agent()
    return dict(model=net, loss_func=td, data=data, opt=torch.optim.Adam(net.net.parameters(), 3e-3))

@program(source='common: proximal policy optimization, clipped, with a critic and an entropy bonus')
def clipped_policy_and_critic():
    torch.manual_seed(8021)
    class ActorCritic(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(6, 32), nn.Tanh())
            self.actor, self.critic = nn.Linear(32, 3), nn.Linear(32, 1)
            nn.init.orthogonal_(self.actor.weight, 0.01)
        def forward(self, x):
            h = self.body(x)
            return self.actor(h), self.critic(h).squeeze(1)
    net, state = ActorCritic(), torch.randn(256, 6)
    with torch.no_grad():
        drawn = torch.distributions.Categorical(logits=net(state)[0])
        action = drawn.sample()
        before = drawn.log_prob(action)
    gain = torch.where(action == (state @ torch.randn(6, 3)).argmax(1), 1., -0.5)
    def objective(out, y):
        action, before, gain, back = y
        policy = torch.distributions.Categorical(logits=out[0])
        ratio = (policy.log_prob(action) - before).exp()
        actor = -torch.minimum(ratio * gain, ratio.clamp(0.8, 1.2) * gain).mean()
        return actor + 0.5 * F.mse_loss(out[1], back) - 0.01 * policy.entropy().mean()
    data = [(s, y) for s, *y in zip(state.split(64), action.split(64), before.split(64), gain.split(64),
                                    (gain + state[:, 0]).split(64))]
    return dict(model=net, loss_func=objective, data=data, opt=torch.optim.Adam(net.parameters(), 3e-3, eps=1e-5))

@program(source='common: one graph, a list of edges, the loss over the nodes whose label is known')
def labelled_nodes_along_edges():
    torch.manual_seed(8022)
    n = 150
    label = torch.randint(0, 3, (n,))
    src, dst = torch.randint(0, n, (2, 2500))
    keep = (label[src] == label[dst]) | (torch.rand(2500) < 0.1)
    edges = torch.stack([torch.cat([src[keep], torch.arange(n)]), torch.cat([dst[keep], torch.arange(n)])])
    x = F.one_hot(label, 3) + 0.8 * torch.randn(n, 3)
    known = label.clone()
    known[torch.rand(n) < 0.6] = -100
    class Gcn(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(3, 32), nn.Linear(32, 3)
        def spread(self, h, edges):
            total = torch.zeros_like(h).index_add(0, edges[1], h[edges[0]])
            return total / torch.bincount(edges[1], minlength=len(h))[:, None]
        def forward(self, x, edges):
            h = self.spread(self.one(x), edges).relu()
            return self.spread(self.two(F.dropout(h, 0.3, self.training)), edges)
    net = Gcn()
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=[((x, edges), known)],
                opt=torch.optim.Adam(net.parameters(), 1e-2, weight_decay=5e-4))

@program(source='common: encoder and decoder, packed, the answer is fed shifted, padding is left out')
def translated_with_packing():
    torch.manual_seed(8023)
    n, steps = 120, 6
    lengths = torch.randint(3, steps + 1, (n,))
    words = torch.randint(3, 15, (n, steps))
    words[torch.arange(steps) >= lengths[:, None]] = 0
    answer = torch.where(words > 0, 17 - words, 0)
    fed = torch.cat([torch.ones(n, 1, dtype=torch.long), answer[:, :-1]], 1)
    class Seq2Seq(nn.Module):
        def __init__(self):
            super().__init__()
            self.src, self.tgt = nn.Embedding(15, 24, padding_idx=0), nn.Embedding(15, 24, padding_idx=0)
            self.enc, self.dec = nn.GRU(24, 32, batch_first=True), nn.GRU(24 + 32, 32, batch_first=True)
            self.out = nn.Linear(64, 15)
        def forward(self, words, lengths, fed):
            packed = pack_padded_sequence(self.src(words), lengths, batch_first=True, enforce_sorted=False)
            states, last = self.enc(packed)
            states, _ = pad_packed_sequence(states, batch_first=True, total_length=words.shape[1])
            h, _ = self.dec(torch.cat([self.tgt(fed), states], 2), last)
            return self.out(torch.cat([h, states], 2))
    def tokens(out, y): return F.cross_entropy(out.flatten(0, 1), y.flatten(), ignore_index=0)
    net = Seq2Seq()
    return dict(model=net, loss_func=tokens, opt=torch.optim.Adam(net.parameters(), 5e-3),
                data=[((a, b, c), d) for a, b, c, d in zip(words.split(40), lengths.split(40), fed.split(40),
                                                           answer.split(40))])

@program(source='common: quantiles that cannot cross, each a softplus above the one below')
def quantiles_in_their_order():
    torch.manual_seed(8024)
    x = torch.randn(240, 4)
    y = (x[:, 0] + x[:, 1] * torch.randn(240) * 0.5)[:, None]
    class Ordered(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 5))
        def forward(self, x):
            out = self.net(x)
            return torch.cat([out[:, :1], F.softplus(out[:, 1:])], 1).cumsum(1) - 1.5
    tau = torch.tensor([0.05, 0.25, 0.5, 0.75, 0.95])
    def pinball(q, y): return torch.maximum(tau * (y - q), (tau - 1) * (y - q)).mean()
    net = Ordered()
    return dict(model=net, loss_func=pinball, data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 5e-3))

@program(source='common: is there an object, and where: the box counts only where there is one')
def box_only_where_there_is_one():
    torch.manual_seed(8025)
    there = torch.rand(160) < 0.5
    row, col = torch.randint(0, 7, (160,)), torch.randint(0, 7, (160,))
    x = 0.2 * torch.randn(160, 1, 8, 8)
    for i in torch.arange(160)[there]: x[i, 0, row[i]:row[i] + 2, col[i]:col[i] + 2] += 2
    box = torch.stack([row, col], 1) / 7.
    class Detector(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                                      nn.Linear(192, 48), nn.ReLU())
            self.there, self.box = nn.Linear(48, 1), nn.Linear(48, 2)
        def forward(self, x):
            h = self.body(x)
            return dict(there=self.there(h).squeeze(1), box=self.box(h).sigmoid())
    def both(out, y):
        off = F.smooth_l1_loss(out['box'], y['box'], reduction='none').sum(1)
        return F.binary_cross_entropy_with_logits(out['there'], y['there']) + (off * y['there']).sum() / y['there'].sum()
    net = Detector()
    data = [(a, dict(there=b, box=c)) for a, b, c in zip(x.split(40), there.float().split(40), box.split(40))]
    return dict(model=net, loss_func=both, data=data, opt=torch.optim.Adam(net.parameters(), 3e-3))

@program(source='common: low-rank adapters around a body that has learned another task')
def adapters_around_a_trained_body():
    torch.manual_seed(8026)
    x, before, after = two_tasks()
    net = trained_body(nn.Sequential(nn.Linear(12, 48), nn.LayerNorm(48), nn.GELU(), nn.Linear(48, 3)), x, before)
    net.requires_grad_(False)
    net[0], net[3] = Adapter(net[0], rank=2), Adapter(net[3], rank=2)
    return dict(model=net, loss_func=F.cross_entropy, data=DataLoader(TensorDataset(x, after), 64, shuffle=True),
                opt=torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], 5e-3))

@program(source='common: learning without labels, a predictor follows a slow copy of the net')
def follows_a_slow_copy():
    torch.manual_seed(8027)
    centers = torch.randn(5, 10) * 2
    x = centers[torch.randint(0, 5, (256,))] + 0.3 * torch.randn(256, 10)
    class Byol(nn.Module):
        def __init__(self):
            super().__init__()
            def encoder(): return nn.Sequential(nn.Linear(10, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 16))
            self.net, self.slow = encoder(), encoder().requires_grad_(False)
            self.slow.load_state_dict(self.net.state_dict())
            self.guess = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 16))
        def forward(self, a, b):
            with torch.no_grad(): aim = F.normalize(self.slow(b), dim=1)
            return F.normalize(self.guess(self.net(a)), dim=1), aim
    net = Byol()
    views = [((p + 0.2 * torch.randn_like(p), p + 0.2 * torch.randn_like(p)), torch.zeros(len(p))) for p in x.split(64)]
    return dict(model=net, loss_func=lambda out, y: 2 - 2 * (out[0] * out[1]).sum(1).mean(), data=views,
                opt=torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], 2e-3))

@program(source='common: a tagger whose tags depend on their neighbors, all paths are summed')
def paths_of_tags():
    torch.manual_seed(8028)
    words = torch.randint(0, 12, (120, 6))
    tags = words % 3
    class Crf(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.rnn = nn.Embedding(12, 16), nn.GRU(16, 16, batch_first=True, bidirectional=True)
            self.out, self.move = nn.Linear(32, 3), nn.Parameter(torch.zeros(3, 3))
        def forward(self, words): return self.out(self.rnn(self.emb(words))[0])
    net = Crf()
    def negative_log_likelihood(scores, tags):
        path = scores.gather(2, tags[..., None]).sum((1, 2)) + net.move[tags[:, :-1], tags[:, 1:]].sum(1)
        every = scores[:, 0]
        for t in range(1, scores.shape[1]):
            every = (every[:, :, None] + net.move).logsumexp(1) + scores[:, t]
        return (every.logsumexp(1) - path).mean()
    return dict(model=net, loss_func=negative_log_likelihood, opt=torch.optim.Adam(net.parameters(), 5e-3),
                data=list(zip(words.split(40), tags.split(40))))

@program(source='common: a trained backbone at a hundredth of the rate of its new head, its norms in eval')
def slow_backbone_with_norms_kept():
    torch.manual_seed(8029)
    x, before, after = two_tasks()
    body = nn.Sequential(nn.Linear(12, 48), nn.BatchNorm1d(48), nn.ReLU())
    trained_body(nn.Sequential(body, nn.Linear(48, 3)), x, before)
    class Tuned(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = body, nn.Linear(48, 3)
        def train(self, mode=True):
            super().train(mode)
            self.body[1].eval()
            return self
        def forward(self, x): return self.head(self.body(x))
    net = Tuned().train()
    groups = [dict(params=net.body.parameters(), lr=1e-4), dict(params=net.head.parameters(), lr=1e-2)]
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), opt=torch.optim.AdamW(groups),
                data=DataLoader(TensorDataset(x, after), 32, shuffle=True))

@program(source='common: a hard choice drawn by gumbel softmax, its experts learn as well')
def experts_drawn_by_gumbel():
    torch.manual_seed(8030)
    x = torch.randn(240, 5)
    y = torch.where(x[:, :1] > 0, x[:, 1:2], -x[:, 2:3])
    class Choice(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate, self.experts = nn.Linear(5, 2), nn.ModuleList(nn.Linear(5, 1) for _ in range(2))
        def forward(self, x):
            pick = F.gumbel_softmax(self.gate(x), tau=1., hard=True) if self.training else self.gate(x).softmax(1)
            return (pick * torch.cat([e(x) for e in self.experts], 1)).sum(1, keepdim=True)
    net = Choice()
    return dict(model=net, loss_func=F.mse_loss, data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), 1e-2))
