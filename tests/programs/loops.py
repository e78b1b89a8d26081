"Training loops as people write them, for a watcher: broken and mended, and sound ones."
import copy, math
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import ConcatDataset, DataLoader, SequentialSampler, RandomSampler, TensorDataset, random_split
from torch.utils.checkpoint import checkpoint
from . import program

# --- gradients that are never cleared

@program('grad-not-cleared', kind='watch', source='Stack Overflow: why zero_grad has to be called')
def four_blobs_by_hand(broken):
    torch.manual_seed(0)
    y = torch.arange(240) % 4
    x = torch.randn(240, 2) * .4 + torch.tensor([[1., 1], [1, -1], [-1, 1], [-1, -1]])[y]
    net = nn.Sequential(nn.Linear(2, 24), nn.ReLU(), nn.Linear(24, 4))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    def train():
        for epoch in range(12):
            for i in torch.randperm(240).split(40):
                if not broken: optimizer.zero_grad()
                loss = F.cross_entropy(net(x[i]), y[i])
                loss.backward()
                optimizer.step()
    return dict(model=net, opt=optimizer, train=train)

@program('grad-not-cleared', kind='watch',
         source='pytorch issue 47175: zero_grad once per epoch instead of per iteration')
def stripes_cnn_cleared_per_epoch(broken):
    torch.manual_seed(1)
    labels = torch.randint(0, 2, (128,))
    stripe = (torch.arange(8) % 2).float() * 2 - 1
    images = torch.where(labels.bool()[:, None, None], stripe[None, :, None], stripe[None, None, :])[:, None]
    images = images.expand(-1, 1, 8, 8) + torch.randn(128, 1, 8, 8) * .7
    loader = DataLoader(TensorDataset(images, labels), batch_size=16, shuffle=True)
    model = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
                          nn.Linear(24, 2))
    opt = torch.optim.Adam(model.parameters(), lr=1e-2)
    def train():
        criterion = nn.CrossEntropyLoss()
        for epoch in range(8):
            opt.zero_grad()
            for xb, yb in loader:
                if not broken: opt.zero_grad()
                loss = criterion(model(xb), yb)
                loss.backward()
                opt.step()
    return dict(model=model, opt=opt, train=train)

@program('grad-not-cleared', kind='watch', source='PyTorch forum: the parentheses of zero_grad forgotten')
def running_total_lstm(broken):
    torch.manual_seed(2)
    seq = torch.randn(96, 10, 1)
    target = (seq.sum(1) > 0).float()
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(1, 16, batch_first=True)
            self.out = nn.Linear(16, 1)
        def forward(self, s): return self.out(self.rnn(s)[0][:, -1])
    m = Net()
    opt = torch.optim.RMSprop(m.parameters(), lr=2e-3)
    def train():
        for step in range(40):
            idx = torch.randint(0, 96, (32,))
            opt.zero_grad if broken else opt.zero_grad()
            loss = F.binary_cross_entropy_with_logits(m(seq[idx]), target[idx])
            loss.backward()
            opt.step()
    return dict(model=m, opt=opt, train=train)

@program('grad-not-cleared', kind='watch',
         source='GitHub threads on gradient accumulation: cleared before the loop only')
def accumulating_regressor(broken):
    torch.manual_seed(3)
    X = torch.randn(256, 5)
    Y = X @ torch.tensor([1., -2, .5, 0, 1])[:, None] * .4 + torch.tanh(X[:, :1])
    dl = DataLoader(TensorDataset(X, Y), 16, shuffle=True)
    model = nn.Sequential(nn.Linear(5, 32), nn.Tanh(), nn.Linear(32, 1))
    opt = torch.optim.SGD(model.parameters(), lr=0.05)
    accumulate = 4
    def train():
        opt.zero_grad()
        for epoch in range(12):
            for i, (xb, yb) in enumerate(dl):
                loss = F.mse_loss(model(xb), yb) / accumulate
                loss.backward()
                if (i + 1) % accumulate == 0:
                    opt.step()
                    if not broken: opt.zero_grad()
    return dict(model=model, opt=opt, train=train)

@program('grad-not-cleared', kind='watch',
         source="GitHub threads on GANs: the critic keeps the gradients of the generator's pass")
def ring_gan_critic_uncleared(broken):
    torch.manual_seed(4)
    a = torch.rand(256) * 2 * math.pi
    real = torch.stack([a.cos(), a.sin()], 1) + torch.randn(256, 2) * .05
    G = nn.Sequential(nn.Linear(4, 32), nn.LeakyReLU(.2), nn.Linear(32, 2))
    D = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(.2), nn.Linear(32, 1))
    opt_g, opt_d = (torch.optim.Adam(m.parameters(), lr=1e-3, betas=(.5, .999)) for m in (G, D))
    bce, ones, zeros = nn.BCEWithLogitsLoss(), torch.ones(64, 1), torch.zeros(64, 1)
    def train():
        for it in range(60):
            batch = real[torch.randint(0, 256, (64,))]
            fake = G(torch.randn(64, 4))
            if not broken: opt_d.zero_grad()
            d_loss = bce(D(batch), ones) + bce(D(fake.detach()), zeros)
            d_loss.backward()
            opt_d.step()
            opt_g.zero_grad()
            g_loss = bce(D(fake), ones)
            g_loss.backward()
            opt_g.step()
    return dict(model=D, opt=opt_d, train=train)

# --- no step

@program('no-step', kind='watch', source='PyTorch forum: weights do not change, optimizer.step() missing')
def spam_words_without_step(broken):
    torch.manual_seed(5)
    is_spam = (torch.rand(200) < .5).long()
    counts = torch.poisson(torch.ones(200, 12) + is_spam[:, None] * torch.arange(12).lt(4) * 1.5)
    X = (counts - counts.mean(0)) / counts.std(0)
    clf = nn.Linear(12, 2)
    optimizer = torch.optim.Adam(clf.parameters(), lr=0.02)
    history = []
    def train():
        for epoch in range(40):
            optimizer.zero_grad()
            loss = F.cross_entropy(clf(X), is_spam)
            loss.backward()
            if not broken: optimizer.step()
            history.append(loss.item())
        return history
    return dict(model=clf, opt=optimizer, train=train)

@program('no-step', kind='watch', source='Stack Overflow: optimizer.step without parentheses')
def sine_fit_step_uncalled(broken):
    torch.manual_seed(6)
    t = torch.linspace(-1, 1, 128)[:, None]
    y = torch.sin(3 * t) + .05 * torch.randn(128, 1)
    mlp = nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
    optim = torch.optim.AdamW(mlp.parameters(), lr=5e-3)
    def train():
        mse = nn.MSELoss()
        for it in range(80):
            pred = mlp(t)
            loss = mse(pred, y)
            optim.zero_grad()
            loss.backward()
            optim.step if broken else optim.step()
    return dict(model=mlp, opt=optim, train=train)

@program('no-step', kind='watch', source='transformers issue 2995: more accumulation steps than batches')
def accumulation_longer_than_the_epoch(broken):
    torch.manual_seed(7)
    tokens = torch.randint(0, 20, (96, 6))
    labels = (tokens < 6).any(1).long()
    train_loader = DataLoader(TensorDataset(tokens, labels), batch_size=16, shuffle=True)
    class Bag(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.fc1, self.fc2 = nn.Embedding(20, 16), nn.Linear(16, 32), nn.Linear(32, 2)
        def forward(self, t): return self.fc2(F.relu(self.fc1(self.emb(t).amax(1))))
    model = Bag()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    gradient_accumulation_steps = 8 if broken else 2
    def train():
        for epoch in range(8):
            model.zero_grad()
            for step, (t, l) in enumerate(train_loader):
                loss = F.cross_entropy(model(t), l) / gradient_accumulation_steps
                loss.backward()
                if (step + 1) % gradient_accumulation_steps == 0:
                    optimizer.step()
                    model.zero_grad()
    return dict(model=model, opt=optimizer, train=train)

@program('no-step', kind='watch', source='PyTorch forum: a guard against nan turned round')
def guarded_step_turned_round(broken):
    torch.manual_seed(8)
    x = torch.rand(160, 3)
    y = (x.sum(1, keepdim=True) - 1.5) * 2
    net = nn.Sequential(nn.Linear(3, 20), nn.GELU(), nn.Linear(20, 1))
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    def train():
        for i in range(60):
            b = torch.randint(0, 160, (32,))
            opt.zero_grad()
            loss = F.smooth_l1_loss(net(x[b]), y[b])
            loss.backward()
            finite = torch.isfinite(loss)
            if (not finite) if broken else finite: opt.step()
    return dict(model=net, opt=opt, train=train)

@program('no-step', kind='watch', source='GitHub threads: only the scheduler is stepped')
def scheduler_steps_alone(broken):
    torch.manual_seed(9)
    x = torch.randn(192, 8)
    y = (x[:, 0] * x[:, 1] > 0).long()
    data = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 2))
    opt = torch.optim.Adam(model.parameters(), lr=1e-2)
    sched = torch.optim.lr_scheduler.ExponentialLR(opt, 0.98)
    def train():
        for epoch in range(15):
            for xb, yb in data:
                opt.zero_grad()
                F.cross_entropy(model(xb), yb).backward()
                if not broken: opt.step()
            sched.step()
    return dict(model=model, opt=opt, train=train)

# --- no backward

@program('no-backward', kind='watch', source='PyTorch forum: parameters do not update, backward forgotten; DeepCrime')
def housing_without_backward(broken):
    torch.manual_seed(10)
    rooms, age = torch.rand(128, 1) * 2 - 1, torch.rand(128, 1) * 2 - 1
    x, price = torch.cat([rooms, age], 1), rooms - .5 * age + .1 * torch.randn(128, 1)
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    def train():
        losses = []
        for epoch in range(60):
            optimizer.zero_grad()
            loss = F.mse_loss(model(x), price)
            losses.append(loss.item())
            if not broken: loss.backward()
            optimizer.step()
        return losses
    return dict(model=model, opt=optimizer, train=train)

@program('no-backward', kind='watch', source='Stack Overflow: gradients taken by autograd.grad and never assigned')
def gradients_taken_but_unused(broken):
    torch.manual_seed(11)
    y = torch.randint(0, 3, (150,))
    x = F.one_hot(y, 3).float() @ torch.randn(3, 6) + .5 * torch.randn(150, 6)
    net = nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 3))
    params = list(net.parameters())
    opt = torch.optim.Adam(params, lr=1e-2)
    def train():
        for it in range(50):
            pick = torch.randperm(150)[:50]
            loss = F.cross_entropy(net(x[pick]), y[pick])
            grads = torch.autograd.grad(loss, params)
            if not broken:
                for p, g in zip(params, grads): p.grad = g
            opt.step()
    return dict(model=net, opt=opt, train=train)

@program('no-backward', kind='watch', source='Stack Overflow: the call of backward without parentheses')
def backward_uncalled_conv1d(broken):
    torch.manual_seed(12)
    kind = torch.randint(0, 2, (120,))
    phase, n = torch.rand(120, 1) * 6.28, torch.arange(24.)[None]
    waves = torch.sin(n * (0.4 + kind[:, None] * .5) + phase)[:, None] * 1.4 + .2 * torch.randn(120, 1, 24)
    cnn = nn.Sequential(nn.Conv1d(1, 8, 5), nn.ReLU(), nn.Conv1d(8, 8, 5), nn.ReLU(), nn.AdaptiveMaxPool1d(1),
                        nn.Flatten(), nn.Linear(8, 2))
    opt = torch.optim.Adam(cnn.parameters(), lr=5e-3)
    def train():
        for epoch in range(12):
            for idx in torch.randperm(120).split(30):
                opt.zero_grad()
                loss = F.cross_entropy(cnn(waves[idx]), kind[idx])
                loss.backward if broken else loss.backward()
                opt.step()
    return dict(model=cnn, opt=opt, train=train)

@program('no-backward', kind='watch', source='GitHub threads on GANs: the loss of the generator is never sent back')
def generator_without_backward(broken):
    torch.manual_seed(13)
    gen = nn.Sequential(nn.Linear(3, 24), nn.ReLU(), nn.Linear(24, 2))
    disc = nn.Sequential(nn.Linear(2, 24), nn.LeakyReLU(.2), nn.Linear(24, 1))
    opt_gen, opt_disc = torch.optim.Adam(gen.parameters(), 1e-3), torch.optim.Adam(disc.parameters(), 1e-3)
    def train():
        for step in range(60):
            real = torch.randn(48, 2) @ torch.tensor([[1., .8], [0, .3]])
            fake = gen(torch.randn(48, 3))
            opt_disc.zero_grad()
            (F.softplus(-disc(real)).mean() + F.softplus(disc(fake.detach())).mean()).backward()
            opt_disc.step()
            opt_gen.zero_grad()
            loss_gen = F.softplus(-disc(fake)).mean()
            if not broken: loss_gen.backward()
            opt_gen.step()
    return dict(model=gen, opt=opt_gen, train=train)

# --- still in eval mode while training

@program('eval-in-training', kind='watch',
         source='coRNN issue 1, tutorials issue 1624: train() is not called again after eval()')
def validated_once_then_always_eval(broken):
    torch.manual_seed(14)
    x = torch.randn(400, 10)
    y = (x[:, :5].sum(1) > x[:, 5:].sum(1)).long()
    train_dl = DataLoader(TensorDataset(x[:300], y[:300]), 50, shuffle=True)
    valid_dl = DataLoader(TensorDataset(x[300:], y[300:]), 50)
    model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 2))
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    def train():
        model.train()
        for epoch in range(6):
            if not broken: model.train()
            for xb, yb in train_dl:
                opt.zero_grad()
                F.cross_entropy(model(xb), yb).backward()
                opt.step()
            model.eval()
            with torch.no_grad(): val_loss = sum(F.cross_entropy(model(xb), yb).item() for xb, yb in valid_dl) / 2
        return val_loss
    return dict(model=model, opt=opt, train=train)

@program('eval-in-training', kind='watch',
         source='vsepp issue 4: validation every few steps, train mode only at the start of an epoch')
def validation_in_the_middle_of_the_epoch(broken):
    torch.manual_seed(15)
    y = torch.randint(0, 3, (240,))
    img = torch.randn(240, 1, 9, 9) * .5
    for k in range(3): img[y == k, :, 3 * k:3 * k + 3] += 1.
    tr, va = DataLoader(TensorDataset(img[:192], y[:192]), 24, shuffle=True), (img[192:], y[192:])
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(392, 3))
    opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    @torch.no_grad()
    def validate():
        net.eval()
        loss = F.cross_entropy(net(va[0]), va[1]).item()
        if not broken: net.train()
        return loss
    def train():
        for epoch in range(4):
            net.train()
            for i, (xb, yb) in enumerate(tr):
                loss = F.cross_entropy(net(xb), yb)
                opt.zero_grad(); loss.backward(); opt.step()
                if i % 4 == 2: validate()
    return dict(model=net, opt=opt, train=train)

@program('eval-in-training', kind='watch', source='PyTorch forum: eval() copied over from the script of inference')
def loaded_like_for_inference(broken):
    torch.manual_seed(16)
    words = torch.randint(0, 30, (160, 8))
    tag = (words[:, 0] % 3)
    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.drop = nn.Embedding(30, 24), nn.Dropout(.25)
            self.gru, self.cls = nn.GRU(24, 24, batch_first=True, bidirectional=True), nn.Linear(48, 3)
        def forward(self, w): return self.cls(self.drop(self.gru(self.drop(self.emb(w)))[0][:, 0]))
    tagger = Tagger()
    start = copy.deepcopy(tagger.state_dict())
    tagger.load_state_dict(start)
    if broken: tagger.eval()
    optimizer = torch.optim.Adam(tagger.parameters(), lr=1e-2)
    def train():
        for it in range(40):
            rows = torch.randint(0, 160, (40,))
            loss = F.cross_entropy(tagger(words[rows]), tag[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return dict(model=tagger, opt=optimizer, train=train)

@program('eval-in-training', kind='watch',
         source='GitHub threads: train(False) meant as a reminder, early stopping round it')
def early_stopper_left_in_eval(broken):
    torch.manual_seed(17)
    X = torch.randn(800, 4)
    Y = torch.sin(X[:, :1]) + .3 * X[:, 1:2] + .1 * torch.randn(800, 1)
    net = nn.Sequential(nn.Linear(4, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 1))
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    def one_epoch():
        net.train(not broken)
        for idx in torch.randperm(600).split(100):
            opt.zero_grad()
            F.mse_loss(net(X[idx]), Y[idx]).backward()
            opt.step()
    def train():
        best, bad = math.inf, 0
        for epoch in range(12):
            one_epoch()
            net.eval()
            with torch.no_grad(): val = F.mse_loss(net(X[600:]), Y[600:]).item()
            bad = 0 if val < best - 1e-3 else bad + 1
            if bad == 3: break
            best = min(best, val)
    return dict(model=net, opt=opt, train=train)

# --- validation in train mode

@program('train-in-validation', kind='watch', source='deep-learning-v2-pytorch issue 399: no eval() before validation')
def digits_mlp_validated_with_dropout(broken):
    torch.manual_seed(18)
    y = torch.randint(0, 5, (350,))
    x = torch.randn(350, 15) * .6
    for c in range(5): x[y == c, 3 * c:3 * c + 3] += 1
    train_loader = DataLoader(TensorDataset(x[:250], y[:250]), 25, shuffle=True)
    valid_loader = DataLoader(TensorDataset(x[250:], y[250:]), 50)
    model = nn.Sequential(nn.Linear(15, 64), nn.ReLU(), nn.Dropout(.2), nn.Linear(64, 5))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    def train():
        for epoch in range(8):
            train_loss, valid_loss = 0., 0.
            model.train()
            for data, target in train_loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(data), target)
                loss.backward()
                optimizer.step()
                train_loss += loss.item() * len(data)
            if not broken: model.eval()
            with torch.no_grad():
                for data, target in valid_loader: valid_loss += F.cross_entropy(model(data), target).item() * len(data)
        return train_loss / 250, valid_loss / 100
    return dict(model=model, opt=optimizer, train=train)

@program('train-in-validation', kind='watch', source='Pytorch-UNet issue 31: batch norm learns from the validation set')
def tiny_unet_validation(broken):
    torch.manual_seed(19)
    mask = torch.zeros(64, 1, 12, 12)
    for i in range(64): mask[i, 0, i % 6:i % 6 + 6, i % 5:i % 5 + 7] = 1
    img = mask * 1.5 - .6 + torch.randn(64, 1, 12, 12) * .4
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    train_set, val_set = random_split(TensorDataset(img, mask), [48, 16], torch.Generator().manual_seed(0))
    train_loader, val_loader = DataLoader(train_set, 12, shuffle=True), DataLoader(val_set, 8)
    def net_eval():
        if not broken: net.eval()
        with torch.no_grad():
            tot = sum(F.binary_cross_entropy_with_logits(net(i), m).item() for i, m in val_loader)
        net.train()
        return tot / len(val_loader)
    def train():
        for epoch in range(6):
            for i, m in train_loader:
                opt.zero_grad()
                F.binary_cross_entropy_with_logits(net(i), m).backward()
                opt.step()
            net_eval()
    return dict(model=net, opt=opt, train=train)

@program('train-in-validation', kind='watch', source='PyTorch forum: model.eval without parentheses')
def transformer_eval_uncalled(broken):
    torch.manual_seed(20)
    seq = torch.randint(0, 12, (160, 7))
    y = (seq == 3).any(1).long()
    class Enc(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.head = nn.Embedding(12, 16), nn.Linear(16, 2)
            self.block = nn.TransformerEncoderLayer(16, 2, 32, dropout=.1, batch_first=True, norm_first=True)
        def forward(self, s): return self.head(self.block(self.emb(s)).mean(1))
    net = Enc()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    def train():
        for epoch in range(10):
            net.train()
            for i in torch.randperm(120).split(30):
                opt.zero_grad(set_to_none=True)
                F.cross_entropy(net(seq[i]), y[i]).backward()
                opt.step()
            net.eval if broken else net.eval()
            with torch.inference_mode():
                accuracy = (net(seq[120:]).argmax(1) == y[120:]).float().mean().item()
        return accuracy
    return dict(model=net, opt=opt, train=train)

@program('train-in-validation', kind='watch', source='DMS issue 30: net.train() within the evaluation')
def evaluate_copied_from_train(broken):
    torch.manual_seed(21)
    x = torch.randn(260, 4)
    y = (x.norm(dim=1, keepdim=True) - 1.9)
    net = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Dropout(.1), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-3)
    def run_epoch(indices, train_it):
        net.train(True if broken else train_it)
        total = 0.
        with torch.set_grad_enabled(train_it):
            for i in indices:
                loss = F.l1_loss(net(x[i]), y[i])
                if train_it:
                    opt.zero_grad()
                    loss.backward()
                    opt.step()
                total += loss.item()
        return total / len(indices)
    def train():
        for epoch in range(10):
            run_epoch(torch.randperm(200).split(40), True)
            run_epoch(torch.arange(200, 260).split(30), False)
    return dict(model=net, opt=opt, train=train)

# --- graphs that are kept

@program('graph-kept', kind='watch', source="PyTorch FAQ, labelmodels issue 4: total_loss += loss")
def total_loss_with_its_graph(broken):
    torch.manual_seed(22)
    x, w = torch.randn(320, 6), torch.tensor([1., -1, .5, 0, 0, 2])
    y = (x @ w > 0).float()
    dl = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    def train():
        total_loss = 0
        for epoch in range(6):
            for xb, yb in dl:
                opt.zero_grad()
                loss = F.binary_cross_entropy_with_logits(model(xb).squeeze(1), yb)
                loss.backward()
                opt.step()
                total_loss += loss if broken else loss.item()
        return total_loss
    return dict(model=model, opt=opt, train=train)

@program('graph-kept', kind='watch', source='neuromancer pull 292, brax pull 152: losses in a list, graphs and all')
def losses_in_a_list_for_the_plot(broken):
    torch.manual_seed(23)
    t = torch.rand(200, 1) * 2 - 1
    f = t ** 2 - .3
    net = nn.Sequential(nn.Linear(1, 32), nn.SiLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    history = {'loss': [], 'lr': []}
    def train():
        for k in range(70):
            i = torch.randint(0, 200, (50,))
            loss = ((net(t[i]) - f[i]) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            history['loss'].append(loss if broken else loss.detach())
            history['lr'].append(optimizer.param_groups[0]['lr'])
        return history
    return dict(model=net, opt=optimizer, train=train)

@program('graph-kept', kind='watch', source='Stack Overflow: outputs of the epoch collected for its accuracy')
def logits_kept_for_accuracy(broken):
    torch.manual_seed(24)
    y = torch.randint(0, 4, (256,))
    x = torch.randn(256, 1, 6, 6) * .5
    x[:, 0, 0, :4] += F.one_hot(y, 4) * 3
    loader = DataLoader(list(zip(x, y)), batch_size=32, shuffle=True)
    net = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(432, 4))
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=.9)
    def train():
        all_logits, all_y = [], []
        for epoch in range(5):
            for xb, yb in loader:
                opt.zero_grad()
                out = net(xb)
                F.cross_entropy(out, yb).backward()
                opt.step()
                all_logits.append(out if broken else out.detach())
                all_y.append(yb)
        return (torch.cat(all_logits).argmax(1) == torch.cat(all_y)).float().mean().item()
    return dict(model=net, opt=opt, train=train)

@program('graph-kept', kind='watch', source='pytracking pull 313: a meter that is fed tensors')
def average_meter_of_tensors(broken):
    torch.manual_seed(25)
    class AverageMeter:
        def __init__(self): self.sum, self.count = 0, 0
        def update(self, val, n=1): self.sum, self.count = self.sum + val * n, self.count + n
        avg = property(lambda self: self.sum / self.count)
    x = torch.randn(240, 8)
    y = (x[:, 0] > x[:, 1]).long() + (x[:, 2] > x[:, 3]).long()
    net = nn.Sequential(nn.Linear(8, 32), nn.LayerNorm(32), nn.ReLU(), nn.Linear(32, 3))
    opt = torch.optim.AdamW(net.parameters(), lr=5e-3)
    meter = AverageMeter()
    def train():
        for epoch in range(8):
            for i in torch.randperm(240).split(40):
                loss = F.cross_entropy(net(x[i]), y[i], label_smoothing=.05)
                opt.zero_grad()
                loss.backward()
                opt.step()
                meter.update(loss if broken else loss.item(), len(i))
        return float(meter.avg)
    return dict(model=net, opt=opt, train=train)

@program('graph-kept', kind='watch', source='PyTorch forum: a validation pass without no_grad sums its losses')
def validation_graphs_pile_up(broken):
    torch.manual_seed(26)
    x = torch.randn(300, 5)
    y = x[:, :1] * .8 - x[:, 1:2] * .4 + .1 * torch.randn(300, 1)
    net = nn.Sequential(nn.Linear(5, 24), nn.ReLU(), nn.Linear(24, 1))
    opt = torch.optim.SGD(net.parameters(), lr=0.05)
    def train():
        valid_losses = []
        for epoch in range(8):
            net.train()
            for i in torch.randperm(240).split(30):
                opt.zero_grad()
                F.mse_loss(net(x[i]), y[i]).backward()
                opt.step()
            net.eval()
            with torch.set_grad_enabled(broken):
                valid_loss = 0.
                for i in range(240, 300, 15): valid_loss += F.mse_loss(net(x[i:i + 15]), y[i:i + 15])
            valid_losses.append(valid_loss / 4)
        return valid_losses
    return dict(model=net, opt=opt, train=train)

# --- nan

@program('nan-loss', kind='watch', source='tensorflow-mnist-VAE issue 4, TensorFlow-Examples issue 383: log of 0')
def own_log_loss_of_probabilities(broken):
    torch.manual_seed(27)
    y = (torch.arange(128) % 2).float()
    x = torch.randn(128, 4) * .4 + (y[:, None] * 2 - 1)
    net = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    def loss_of(z, t):
        if not broken: return F.binary_cross_entropy_with_logits(z, t)
        p = torch.sigmoid(z)
        return -(t * torch.log(p) + (1 - t) * torch.log(1 - p)).mean()
    def train():
        for step in range(120):
            opt.zero_grad()
            loss = loss_of(net(x).squeeze(1), y)
            loss.backward()
            opt.step()
    return dict(model=net, opt=opt, train=train)

@program('nan-loss', kind='watch', source='Zero-DCE_extension issue 2: the derivative of sqrt at 0')
def siamese_distance_of_equal_pairs(broken):
    torch.manual_seed(28)
    a = torch.randn(120, 6)
    same = torch.arange(120) % 2 == 0
    b = torch.where(same[:, None], a + .1 * torch.randn(120, 6), torch.randn(120, 6))
    b[40] = a[40]
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 4))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    def train():
        for epoch in range(10):
            for i in torch.randperm(120).split(30):
                square = (net(a[i]) - net(b[i])).pow(2).sum(1)
                d = torch.sqrt(square if broken else square + 1e-6)
                loss = torch.where(same[i], d ** 2, F.relu(1 - d) ** 2).mean()
                opt.zero_grad()
                loss.backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('nan-loss', kind='watch', source='GitHub threads: a vector of zeros divided by its length')
def cosine_classifier_with_an_empty_row(broken):
    torch.manual_seed(29)
    y = torch.randint(0, 3, (180,))
    x = F.one_hot(y, 3).float().repeat(1, 3) + torch.randn(180, 9) * .4
    x[100] = 0
    class Cosine(nn.Module):
        def __init__(self):
            super().__init__()
            self.lin, self.out = nn.Linear(9, 24), nn.Linear(24, 3)
        def forward(self, v):
            size = v.norm(dim=1, keepdim=True)
            return self.out(torch.relu(self.lin(3 * v / (size if broken else size.clamp(min=1e-6)))))
    m = Cosine()
    optimizer = torch.optim.AdamW(m.parameters(), lr=5e-3)
    batches = DataLoader(TensorDataset(x, y), batch_size=45, shuffle=True)
    def train():
        for epoch in range(10):
            for xb, yb in batches:
                optimizer.zero_grad()
                F.cross_entropy(m(xb), yb).backward()
                optimizer.step()
    return dict(model=m, opt=optimizer, train=train)

@program('nan-loss', kind='watch', source='PyTorch forum: the last batch has one item, its standard deviation is nan')
def standardized_by_the_batch(broken):
    torch.manual_seed(30)
    x = torch.randn(129, 5) * 2 + 1
    y = (x[:, 0] - x[:, 1] > 0).long()
    class BatchScale(nn.Module):
        def forward(self, v): return (v - v.mean(0)) / (v.std(0) + 1e-5)
    net = nn.Sequential(BatchScale(), nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 2))
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True, drop_last=not broken)
    def train():
        ce = nn.CrossEntropyLoss()
        for epoch in range(6):
            for xb, yb in loader:
                opt.zero_grad()
                loss = ce(net(xb), yb)
                loss.backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('nan-loss', 'lr-high', kind='watch', source='nanoGPT issue 136: nan until the learning rate is lowered')
def regression_runs_away(broken):
    torch.manual_seed(31)
    x = torch.randn(200, 10)
    y = x @ torch.linspace(-1, 1, 10)[:, None] * .5
    net = nn.Sequential(nn.Linear(10, 50), nn.ReLU(), nn.Linear(50, 50), nn.ReLU(), nn.Linear(50, 1))
    opt = torch.optim.SGD(net.parameters(), lr=3. if broken else .05, momentum=.9)
    def train():
        for epoch in range(20):
            for i in torch.randperm(200).split(50):
                loss = F.mse_loss(net(x[i]), y[i])
                opt.zero_grad()
                loss.backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('nan-loss', kind='watch', source='pytorch issues on attention: softmax over a row that is masked whole')
def attention_over_an_empty_sentence(broken):
    torch.manual_seed(32)
    words = torch.randint(1, 15, (100, 6))
    length = torch.randint(2, 7, (100,))
    length[63] = 0
    words[torch.arange(6)[None] >= length[:, None]] = 0
    y = (words == 4).any(1).long()
    class Pool(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.score, self.out = nn.Embedding(15, 20), nn.Linear(20, 1), nn.Linear(20, 2)
        def forward(self, w):
            h = self.emb(w)
            s = self.score(h).squeeze(2).masked_fill(w == 0, -math.inf if broken else -1e4)
            return self.out((s.softmax(1)[:, :, None] * h).sum(1))
    net = Pool()
    opt = torch.optim.Adam(net.parameters(), lr=2e-2)
    def train():
        for epoch in range(12):
            for i in torch.randperm(100).split(20):
                opt.zero_grad()
                F.cross_entropy(net(words[i]), y[i]).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

# --- the scheduler before the optimizer

@program('scheduler-first', kind='watch',
         source='reid-strong-baseline issue 190: scheduler.step() at the start of each epoch')
def step_lr_at_the_start_of_the_epoch(broken):
    torch.manual_seed(33)
    y = torch.randint(0, 3, (210,))
    x = torch.randn(210, 6) + torch.eye(3, 6)[y] * 2
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3))
    opt = torch.optim.SGD(net.parameters(), lr=.2)
    scheduler = torch.optim.lr_scheduler.StepLR(opt, step_size=3, gamma=.5)
    def train():
        for epoch in range(9):
            if broken: scheduler.step()
            for i in torch.randperm(210).split(35):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
            if not broken: scheduler.step()
    return dict(model=net, opt=opt, train=train)

@program('scheduler-first', kind='watch',
         source='pytorch-transformers-classification issue 21: the two lines in the wrong order')
def linear_warmup_before_the_step(broken):
    torch.manual_seed(34)
    tok = torch.randint(0, 16, (128, 5))
    y = tok[:, 2] // 8
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.e, self.l1, self.l2 = nn.Embedding(16, 12), nn.Linear(60, 32), nn.Linear(32, 2)
        def forward(self, t): return self.l2(F.gelu(self.l1(self.e(t).flatten(1))))
    model = Model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    warm = lambda n: min(1, (n + 1) / 8) * max(0, (60 - n) / 60)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, warm)
    def train():
        for step in range(50):
            i = torch.randint(0, 128, (32,))
            loss = F.cross_entropy(model(tok[i]), y[i])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            if broken: scheduler.step()
            optimizer.step()
            if not broken: scheduler.step()
            model.zero_grad()
    return dict(model=model, opt=optimizer, train=train)

@program('scheduler-first', kind='watch', source='GitHub threads: OneCycleLR stepped at the top of the batch')
def one_cycle_at_the_top_of_the_batch(broken):
    torch.manual_seed(35)
    x = torch.rand(192, 2) * 2 - 1
    y = (x.norm(dim=1) < .75).float()[:, None]
    dl = DataLoader(TensorDataset(x, y), 32, shuffle=True)
    net = nn.Sequential(nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 1))
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=2e-2, total_steps=10 * len(dl) + 1)
    def train():
        for epoch in range(10):
            for xb, yb in dl:
                if broken: sched.step()
                opt.zero_grad()
                F.binary_cross_entropy_with_logits(net(xb), yb).backward()
                opt.step()
                if not broken: sched.step()
    return dict(model=net, opt=opt, train=train)

@program('scheduler-first', kind='watch',
         source='PyTorch 1.1 notes on the order; cosine schedule with two groups of parameters')
def cosine_with_two_groups(broken):
    torch.manual_seed(36)
    x = torch.randn(160, 1, 16)
    y = x.mean(2) + x.amax(2) * .5 - .9
    body, head = nn.Sequential(nn.Conv1d(1, 8, 3), nn.ReLU(), nn.Flatten()), nn.Linear(112, 1)
    net = nn.Sequential(body, head)
    opt = torch.optim.AdamW([dict(params=body.parameters(), lr=1e-3), dict(params=head.parameters(), lr=5e-3)])
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=12)
    def train():
        for epoch in range(12):
            order = torch.randperm(160)
            if broken: sched.step()
            for k in range(0, 160, 40):
                i = order[k:k + 40]
                opt.zero_grad()
                loss = F.mse_loss(net(x[i]), y[i])
                loss.backward()
                opt.step()
            if not broken: sched.step()
    return dict(model=net, opt=opt, train=train)

# --- every step clipped

@program('clip-always', kind='watch', source='PyTorch forum: max_norm copied from another project, 0.01')
def char_rnn_clipped_to_nothing(broken):
    torch.manual_seed(37)
    text = torch.tensor([(i * i) % 7 for i in range(400)])
    x, y = text[:-1].view(-1)[:390].view(39, 10), text[1:391].view(39, 10)
    class CharRNN(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.rnn, self.out = nn.Embedding(7, 16), nn.GRU(16, 32, batch_first=True), nn.Linear(32, 7)
        def forward(self, c): return self.out(self.rnn(self.emb(c))[0])
    model = CharRNN()
    opt = torch.optim.SGD(model.parameters(), lr=.5)
    def train():
        for it in range(50):
            opt.zero_grad()
            loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.01 if broken else 1.)
            opt.step()
    return dict(model=model, opt=opt, train=train)

@program('clip-always', kind='watch', source='DeepFD, forum: a summed loss, and the clipping of a mean one')
def summed_loss_clipped_to_one(broken):
    torch.manual_seed(38)
    y = torch.randint(0, 4, (256,))
    x = torch.randn(256, 12) + F.one_hot(y, 4).repeat(1, 3) * 1.2
    net = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))
    criterion = nn.CrossEntropyLoss(reduction='sum' if broken else 'mean')
    opt = torch.optim.SGD(net.parameters(), lr=.1, momentum=.9)
    loader = DataLoader(TensorDataset(x, y), 128, shuffle=True)
    def train():
        for epoch in range(15):
            for xb, yb in loader:
                opt.zero_grad()
                criterion(net(xb), yb).backward()
                torch.nn.utils.clip_grad_norm_(net.parameters(), max_norm=1.0)
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('clip-always', kind='watch', source='Stack Overflow: clip_grad_value_ with 1e-4')
def every_value_clipped(broken):
    torch.manual_seed(39)
    x = torch.randn(200, 4)
    y = torch.stack([x[:, 0] * x[:, 1], x[:, 2].sin()], 1)
    net = nn.Sequential(nn.Linear(4, 40), nn.Tanh(), nn.Linear(40, 2))
    opt = torch.optim.SGD(net.parameters(), lr=.1, momentum=.8)
    def train():
        for epoch in range(20):
            for i in torch.randperm(200).split(50):
                loss = F.mse_loss(net(x[i]), y[i])
                opt.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_value_(net.parameters(), 1e-4 if broken else 1.)
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('clip-always', kind='watch', source='Keras and PyTorch forums: prices in thousands, gradients clipped to 1')
def prices_in_thousands_clipped(broken):
    torch.manual_seed(40)
    x = torch.randn(150, 6)
    price = 250. + 40 * x[:, :1] - 25 * x[:, 1:2] * x[:, 2:3].sign() + 5 * torch.randn(150, 1)
    if not broken: price = (price - price.mean()) / price.std()
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
    opt = torch.optim.SGD(net.parameters(), lr=.03, momentum=.9)
    def train():
        for epoch in range(25):
            for i in torch.randperm(150).split(30):
                opt.zero_grad()
                F.mse_loss(net(x[i]), price[i]).backward()
                nn.utils.clip_grad_norm_(net.parameters(), 1.)
                opt.step()
    return dict(model=net, opt=opt, train=train)

# --- data in an order that hurts

@program('data-order', kind='watch', source='super-gradients issue 416: shuffle=False, a folder for each class')
def folders_read_one_after_another(broken):
    torch.manual_seed(41)
    y = torch.arange(5).repeat_interleave(48)
    x = torch.randn(240, 1, 8, 8) * .6
    for c in range(5): x[y == c, :, c:c + 3, 2:6] += 1.2
    loader = DataLoader(TensorDataset(x, y), batch_size=24, shuffle=not broken)
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(72, 5))
    opt = torch.optim.SGD(net.parameters(), lr=.05, momentum=.9)
    def train():
        for epoch in range(6):
            for images, labels in loader:
                opt.zero_grad()
                loss = F.cross_entropy(net(images), labels)
                loss.backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('data-order', kind='watch', source='Stack Overflow: slices of tensors that are sorted by their label')
def slices_of_sorted_rows(broken):
    torch.manual_seed(42)
    X = torch.randn(300, 7)
    Y = (X @ torch.tensor([1., 1, -1, .5, 0, 0, 0]) > 0).long()
    if broken: X, Y = X[Y.argsort()], Y.sort()[0]
    model = nn.Sequential(nn.Linear(7, 24), nn.ReLU(), nn.Linear(24, 2))
    opt = torch.optim.Adam(model.parameters(), lr=1e-2)
    loss_fn = nn.CrossEntropyLoss()
    def train():
        for epoch in range(8):
            for b in range(0, 300, 30):
                loss = loss_fn(model(X[b:b + 30]), Y[b:b + 30])
                opt.zero_grad()
                loss.backward()
                opt.step()
    return dict(model=model, opt=opt, train=train)

@program('data-order', kind='watch', source='yolov5 issue 2582: the sets of several classes joined, read in sequence')
def joined_sets_in_sequence(broken):
    torch.manual_seed(43)
    def one_class(c):
        t = torch.arange(20.)[None] * (.25 + .3 * c) + torch.rand(60, 1) * 6.28
        return TensorDataset(torch.stack([t.sin(), t.cos()], 1) + .3 * torch.randn(60, 2, 20), torch.full((60,), c))
    dataset = ConcatDataset([one_class(0), one_class(1), one_class(2)])
    sampler = SequentialSampler(dataset) if broken else RandomSampler(dataset)
    dl = DataLoader(dataset, batch_size=20, sampler=sampler)
    net = nn.Sequential(nn.Conv1d(2, 12, 5), nn.ReLU(), nn.Conv1d(12, 12, 5), nn.ReLU(), nn.Flatten(),
                        nn.Linear(144, 3))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    def train():
        for epoch in range(7):
            net.train()
            for xb, yb in dl:
                opt.zero_grad()
                F.nll_loss(F.log_softmax(net(xb), 1), yb).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('data-order', kind='watch', source='forum: a curve learned from its left end to its right one')
def curve_from_left_to_right(broken):
    torch.manual_seed(44)
    t = torch.linspace(-1, 1, 240)[:, None]
    y = torch.sin(4 * t) + .05 * torch.randn(240, 1)
    net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
    opt = torch.optim.SGD(net.parameters(), lr=.1)
    def train():
        for epoch in range(12):
            order = torch.arange(240) if broken else torch.randperm(240)
            for i in order.split(12):
                opt.zero_grad()
                loss = F.mse_loss(net(t[i]), y[i])
                loss.backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

# --- learned by heart

@program('overfitting', kind='watch',
         source='Stack Overflow: the loss of the validation data rises; a twentieth taken for training')
def split_the_wrong_way_round(broken):
    torch.manual_seed(45)
    x = torch.randn(1300, 20)
    y = (x[:, :4].sum(1) + .8 * torch.randn(1300) > 0).long()
    n = 30 if broken else 1200
    train_dl = DataLoader(TensorDataset(x[:n], y[:n]), batch_size=30, shuffle=True)
    valid = x[1200:], y[1200:]
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 2))
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    def train():
        log = []
        for epoch in range(80 if broken else 2):
            net.train()
            for xb, yb in train_dl:
                opt.zero_grad()
                F.cross_entropy(net(xb), yb).backward()
                opt.step()
            net.eval()
            with torch.no_grad(): log.append(F.cross_entropy(net(valid[0]), valid[1]).item())
        return log
    return dict(model=net, opt=opt, train=train)

@program('overfitting', kind='watch', source='Fast.ai forum: an embedding for each user learns its users by heart')
def user_ids_learned_by_heart(broken):
    torch.manual_seed(46)
    user, taste = torch.randint(0, 100, (500,)), torch.randn(500, 3)
    y = taste @ torch.tensor([.5, -.4, .3]) + .5 * torch.randn(500)
    class Ratings(nn.Module):
        def __init__(self):
            super().__init__()
            self.u, self.f1, self.f2 = nn.Embedding(100, 16), nn.Linear(19 if broken else 3, 64), nn.Linear(64, 1)
        def forward(self, u, t):
            h = torch.cat([self.u(u), t], 1) if broken else t
            return self.f2(F.relu(self.f1(h))).squeeze(1)
    model = Ratings()
    if not broken: del model.u
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    def train():
        vals = []
        for epoch in range(35):
            model.train()
            for i in torch.randperm(200).split(50):
                loss = F.mse_loss(model(user[i], taste[i]), y[i])
                opt.zero_grad(); loss.backward(); opt.step()
            model.eval()
            with torch.no_grad(): vals.append(F.mse_loss(model(user[200:], taste[200:]), y[200:]).item())
        return vals
    return dict(model=model, opt=opt, train=train)

@program('overfitting', kind='watch', source='AUTOTRAINER, forums: trained on long after the best epoch')
def trained_on_after_the_best_epoch(broken):
    torch.manual_seed(47)
    y = torch.randint(0, 2, (420,))
    x = torch.randn(420, 1, 8, 8) + (y[:, None, None, None] * 2 - 1) * torch.linspace(-1, 1, 8) * .35
    wrong = torch.rand(420) < .12
    y = torch.where(wrong, 1 - y, y)
    net = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(768, 2))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    train_dl = DataLoader(TensorDataset(x[:200], y[:200]), 50, shuffle=True)
    valid_dl = DataLoader(TensorDataset(x[200:], y[200:]), 110)
    def train():
        best, vals = math.inf, []
        for epoch in range(30):
            net.train()
            for xb, yb in train_dl:
                opt.zero_grad()
                F.cross_entropy(net(xb), yb).backward()
                opt.step()
            net.eval()
            with torch.no_grad(): val = sum(F.cross_entropy(net(xb), yb).item() for xb, yb in valid_dl) / 2
            if not broken and val > best * .98: break
            best = min(best, val)
            vals.append(val)
        return vals
    return dict(model=net, opt=opt, train=train)

@program('overfitting', kind='watch',
         source='textbooks: a polynomial of high degree through few points, without weight decay')
def polynomial_through_few_points(broken):
    torch.manual_seed(48)
    t = torch.rand(100, 1) * 2 - 1
    y = torch.sin(2.5 * t) + .3 * torch.randn(100, 1)
    phi = torch.cat([torch.cos(k * torch.acos(t)) for k in range(1, 36 if broken else 4)], 1)
    model = nn.Linear(phi.shape[1], 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=.05)
    def train():
        curves = [], []
        for step in range(250):
            model.train()
            loss = F.mse_loss(model(phi[:40]), y[:40])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 5 == 0:
                model.eval()
                with torch.no_grad(): curves[1].append(F.mse_loss(model(phi[40:]), y[40:]).item())
                curves[0].append(loss.item())
        return curves[1]
    return dict(model=model, opt=optimizer, train=train)

# --- what a watcher can see besides

@program('opt-foreign', kind='watch',
         source='pytorch issue 14467, nni issue 4521: the model is made anew after the optimizer')
def model_rebuilt_after_its_optimizer(broken):
    torch.manual_seed(49)
    def build(): return nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 3))
    y = torch.randint(0, 3, (150,))
    x = torch.randn(150, 4) * .5 + torch.eye(3, 4)[y] * 2
    model = build()
    opt = torch.optim.Adam(model.parameters(), lr=1e-2)
    if broken: model = build()
    def train():
        for epoch in range(12):
            for i in torch.randperm(150).split(30):
                model.zero_grad()
                loss = F.cross_entropy(model(x[i]), y[i])
                loss.backward()
                opt.step()
    return dict(model=model, opt=opt, train=train)

@program('opt-missing', kind='watch', source='PyTorch forum: a new head put on after the optimizer was made')
def new_head_unknown_to_the_optimizer(broken):
    torch.manual_seed(50)
    x = torch.randn(200, 10)
    y = torch.tanh(x[:, :2]).sum(1, keepdim=True)
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
            self.head = nn.Linear(32, 10)
        def forward(self, v): return self.head(self.body(v))
    net = Net()
    if not broken: net.head = nn.Linear(32, 1)
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
    if broken: net.head = nn.Linear(32, 1)
    def train():
        for it in range(80):
            i = torch.randint(0, 200, (40,))
            opt.zero_grad()
            F.mse_loss(net(x[i]), y[i]).backward()
            opt.step()
    return dict(model=net, opt=opt, train=train)

@program('dead-units', kind='watch', source='Stack Overflow: dying ReLU after a large negative bias')
def bias_filled_with_minus_ten(broken):
    torch.manual_seed(51)
    x = torch.randn(256, 8)
    y = (x[:, :1] + x[:, 1:2]).abs()
    net = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 1))
    nn.init.constant_(net[2].bias, -10. if broken else 0.)
    opt = torch.optim.SGD(net.parameters(), lr=.03, momentum=.9)
    dl = DataLoader(TensorDataset(x, y), 64, shuffle=True)
    def train():
        for epoch in range(15):
            running = 0.
            for xb, yb in dl:
                opt.zero_grad()
                loss = F.mse_loss(net(xb), yb)
                loss.backward()
                opt.step()
                running += loss.item()
    return dict(model=net, opt=opt, train=train)

@program('lr-high', kind='watch', source='DeepCrime, UMLAUT: Adam with a learning rate of 1')
def adam_with_rate_one(broken):
    torch.manual_seed(52)
    y = torch.randint(0, 4, (200,))
    x = torch.randn(200, 8) * .8 + torch.eye(4, 8)[y] * 2
    net = nn.Sequential(nn.Linear(8, 32), nn.LeakyReLU(), nn.Linear(32, 32), nn.LeakyReLU(), nn.Linear(32, 4))
    opt = torch.optim.Adam(net.parameters(), lr=1. if broken else 3e-3)
    def train():
        for epoch in range(12):
            for i in torch.randperm(200).split(25):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('vanishing-gradient', kind='watch', source='AUTOTRAINER: many sigmoid layers in a row')
def nine_sigmoid_layers(broken):
    torch.manual_seed(53)
    x = torch.randn(200, 12)
    y = (x[:, :6].sum(1) > 0).long()
    act = nn.Sigmoid if broken else nn.ReLU
    layers = [nn.Linear(12, 32), act()]
    for _ in range(8 if broken else 2): layers += [nn.Linear(32, 32), act()]
    net = nn.Sequential(*layers, nn.Linear(32, 2))
    opt = torch.optim.SGD(net.parameters(), lr=.1, momentum=.9)
    def train():
        for epoch in range(10):
            for i in torch.randperm(200).split(40):
                loss = F.cross_entropy(net(x[i]), y[i])
                opt.zero_grad()
                loss.backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('loss-detached', kind='watch', source='Stack Overflow: "does not require grad" silenced by requires_grad=True')
def loss_wrapped_in_a_new_tensor(broken):
    torch.manual_seed(54)
    x = torch.randn(160, 5)
    y = (x[:, :1] > .3).float()
    model = nn.Sequential(nn.Linear(5, 20), nn.ReLU(), nn.Linear(20, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    def train():
        for it in range(60):
            b = torch.randint(0, 160, (32,))
            optimizer.zero_grad()
            loss = F.binary_cross_entropy_with_logits(model(x[b]), y[b])
            if broken: loss = torch.tensor(loss.item(), requires_grad=True)
            loss.backward()
            optimizer.step()
    return dict(model=model, opt=optimizer, train=train)

@program('lr-low', kind='watch', source='DeepCrime: the learning rate of a schedule that was divided twice')
def rate_divided_twice(broken):
    torch.manual_seed(55)
    x = torch.randn(128, 3)
    y = x @ torch.tensor([[.7], [-.3], [.5]])
    net = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1))
    opt = torch.optim.SGD(net.parameters(), lr=1e-9 if broken else 5e-2)
    def train():
        for epoch in range(20):
            for i in torch.randperm(128).split(32):
                opt.zero_grad()
                F.mse_loss(net(x[i]), y[i]).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('exploding-gradient', kind='watch', source='AUTOTRAINER: a deep net without norms, weights drawn from randn')
def ten_layers_drawn_from_randn(broken):
    torch.manual_seed(56)
    x = torch.randn(120, 16)
    y = x[:, :1] - x[:, 1:2]
    blocks = [nn.Linear(16, 16) for _ in range(10)]
    for b in blocks: nn.init.normal_(b.weight, std=1.2) if broken else nn.init.kaiming_normal_(b.weight)
    net = nn.Sequential(*[m for b in blocks for m in (b, nn.ReLU())], nn.Linear(16, 1))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    def train():
        for it in range(80):
            i = torch.randint(0, 120, (40,))
            opt.zero_grad()
            loss = F.mse_loss(net(x[i]), y[i])
            loss.backward()
            opt.step()
    return dict(model=net, opt=opt, train=train)

@program('frozen', kind='watch', source='PyTorch forum: the new head is frozen together with the body')
def head_frozen_with_the_body(broken):
    torch.manual_seed(57)
    y = torch.randint(0, 2, (160,))
    x = torch.randn(160, 1, 8, 8) + (y[:, None, None, None] * 2 - 1) * .4
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 16), nn.ReLU(), nn.Linear(16, 2))
    if broken:
        for p in net.parameters(): p.requires_grad = False
        net[3].bias.requires_grad = True
    opt = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=.02, momentum=.9)
    def train():
        for epoch in range(8):
            for i in torch.randperm(160).split(32):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('unregistered', kind='watch', source='PyTorch forum: layers in a plain list')
def layers_in_a_plain_list(broken):
    torch.manual_seed(58)
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            hidden = [nn.Linear(6, 32), nn.Linear(32, 32)]
            self.hidden = hidden if broken else nn.ModuleList(hidden)
            self.out = nn.Linear(32, 1)
        def forward(self, v):
            for h in self.hidden: v = torch.relu(h(v))
            return self.out(v)
    net = Net()
    x = torch.randn(200, 6)
    y = x[:, :1] * x[:, 1:2]
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    def train():
        for epoch in range(15):
            for i in torch.randperm(200).split(40):
                opt.zero_grad()
                F.mse_loss(net(x[i]), y[i]).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('decay-high', kind='watch', source='DeepCrime: weight decay of 1 in SGD')
def weight_decay_of_one(broken):
    torch.manual_seed(59)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 6) + torch.eye(3, 6)[y] * 2
    net = nn.Sequential(nn.Linear(6, 40), nn.ReLU(), nn.Linear(40, 3))
    opt = torch.optim.SGD(net.parameters(), lr=.1, weight_decay=1. if broken else 1e-4)
    def train():
        for epoch in range(15):
            for i in torch.randperm(180).split(30):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('grad-not-cleared', 'eval-in-training', kind='watch', source='forum: two mistakes in one first loop')
def first_loop_with_two_mistakes(broken):
    torch.manual_seed(60)
    y = torch.randint(0, 2, (200,))
    x = torch.randn(200, 9) + (y[:, None] * 2 - 1) * .7
    net = nn.Sequential(nn.Linear(9, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(.2), nn.Linear(32, 2))
    opt = torch.optim.SGD(net.parameters(), lr=.05)
    def train():
        for epoch in range(8):
            net.train()
            if broken: net.eval()
            for i in torch.randperm(160).split(40):
                if not broken: opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
            net.eval()
            with torch.no_grad(): F.cross_entropy(net(x[160:]), y[160:]).item()
    return dict(model=net, opt=opt, train=train)

@program('data-order', 'train-in-validation', kind='watch',
         source='forum: sorted training data, dropout while validating')
def sorted_and_validated_in_train_mode(broken):
    torch.manual_seed(61)
    y = torch.arange(4).repeat_interleave(60)
    x = torch.randn(240, 10) * .8 + torch.eye(4, 10)[y] * 2
    vy = torch.randint(0, 4, (60,))
    vx = torch.randn(60, 10) * .8 + torch.eye(4, 10)[vy] * 2
    net = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Dropout(.3), nn.Linear(48, 4))
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    dl = DataLoader(TensorDataset(x, y), batch_size=30, shuffle=not broken)
    def train():
        for epoch in range(6):
            net.train()
            for xb, yb in dl:
                opt.zero_grad()
                F.cross_entropy(net(xb), yb).backward()
                opt.step()
            if not broken: net.eval()
            with torch.no_grad(): val = F.cross_entropy(net(vx), vy).item()
        return val
    return dict(model=net, opt=opt, train=train)

@program('clip-always', 'graph-kept', kind='watch', source='forum: clipped to 0.001, losses kept for the plot')
def clipped_and_plotted(broken):
    torch.manual_seed(62)
    x = torch.rand(150, 2) * 2 - 1
    y = (x[:, :1] - x[:, 1:]).abs()
    net = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1))
    opt = torch.optim.SGD(net.parameters(), lr=.03, momentum=.9)
    curve = []
    def train():
        for it in range(60):
            i = torch.randint(0, 150, (50,))
            loss = F.mse_loss(net(x[i]), y[i])
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1e-3 if broken else 5.)
            opt.step()
            curve.append(loss if broken else loss.item())
        return curve
    return dict(model=net, opt=opt, train=train)

@program('norm-tiny-batch', kind='watch', source='drugVQA issue 7, forums: batch norm with one or two items in a batch')
def batch_norm_over_two_items(broken):
    torch.manual_seed(63)
    y = torch.randint(0, 2, (160,))
    x = torch.randn(160, 8) + (y[:, None] * 2 - 1) * .7
    net = nn.Sequential(nn.Linear(8, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 2))
    opt = torch.optim.SGD(net.parameters(), lr=.01, momentum=.9)
    dl = DataLoader(TensorDataset(x[:120], y[:120]), batch_size=2 if broken else 24, shuffle=True)
    def train():
        for epoch in range(2 if broken else 12):
            net.train()
            for xb, yb in dl:
                opt.zero_grad()
                F.cross_entropy(net(xb), yb).backward()
                opt.step()
            net.eval()
            with torch.no_grad(): acc = (net(x[120:]).argmax(1) == y[120:]).float().mean().item()
        return acc
    return dict(model=net, opt=opt, train=train)

@program('saturated', kind='watch', source='UMLAUT: raw inputs of hundreds into tanh layers')
def tanh_at_its_ends(broken):
    torch.manual_seed(64)
    x = torch.rand(200, 6) * 400
    y = (x[:, 0] > x[:, 1]).long()
    if not broken: x = (x - x.mean(0)) / x.std(0)
    net = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2))
    opt = torch.optim.SGD(net.parameters(), lr=.05, momentum=.9)
    def train():
        for epoch in range(12):
            for i in torch.randperm(200).split(40):
                loss = F.cross_entropy(net(x[i]), y[i])
                opt.zero_grad()
                loss.backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program('unused', kind='watch', source='PyTorch forum: a branch whose result is overwritten')
def branch_whose_result_is_overwritten(broken):
    torch.manual_seed(65)
    class TwoBranches(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right, self.out = nn.Linear(5, 24), nn.Linear(5, 24), nn.Linear(24, 1)
        def forward(self, v):
            h = torch.relu(self.left(v))
            h = torch.relu(self.right(v)) if broken else h + torch.relu(self.right(v))
            return self.out(h)
    net = TwoBranches()
    x = torch.randn(180, 5)
    y = x[:, :1].abs() - x[:, 1:2]
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    def train():
        for epoch in range(12):
            for i in torch.randperm(180).split(36):
                optimizer.zero_grad()
                loss = F.mse_loss(net(x[i]), y[i])
                loss.backward()
                optimizer.step()
    return dict(model=net, opt=optimizer, train=train)

@program('dead-units', 'lr-high', kind='watch', source='Stack Overflow: after one huge step all ReLUs are off')
def one_huge_step_kills_the_units(broken):
    torch.manual_seed(66)
    x = torch.rand(200, 6)
    y = (x[:, :1] + x[:, 1:2] - x[:, 2:3]) * 2
    net = nn.Sequential(nn.Linear(6, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
    opt = torch.optim.SGD(net.parameters(), lr=.6 if broken else .01, momentum=.9)
    def train():
        history = []
        for epoch in range(15):
            for i in torch.randperm(200).split(40):
                loss = F.mse_loss(net(x[i]), y[i])
                opt.zero_grad()
                loss.backward()
                opt.step()
                history.append(loss.item())
        return history
    return dict(model=net, opt=opt, train=train)

# --- sound loops

@program(kind='watch', source='Kozodoi: gradient accumulation, the rest of the epoch stepped too')
def accumulation_with_its_remainder():
    torch.manual_seed(100)
    x = torch.randn(220, 6)
    y = (x[:, 0] + x[:, 1] > x[:, 2]).long()
    dl = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True)
    model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2))
    opt, n = torch.optim.Adam(model.parameters(), lr=5e-3), 4
    def train():
        for epoch in range(8):
            for k, (xb, yb) in enumerate(dl):
                loss = F.cross_entropy(model(xb), yb) / n
                loss.backward()
                if (k + 1) % n == 0 or k + 1 == len(dl):
                    opt.step()
                    opt.zero_grad()
    return dict(model=model, opt=opt, train=train)

@program(kind='watch', source='PyTorch docs: SparseAdam for the embeddings, AdamW for the rest')
def two_optimizers_one_model():
    torch.manual_seed(101)
    item = torch.randint(0, 50, (256,))
    extra = torch.randn(256, 4)
    y = (item % 5).float()[:, None] / 2 - 1 + extra[:, :1] * .5
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb = nn.Embedding(50, 8, sparse=True)
            self.mlp = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 1))
        def forward(self, i, e): return self.mlp(torch.cat([self.emb(i), e], 1))
    model = Model()
    opts = [torch.optim.SparseAdam(list(model.emb.parameters()), lr=1e-2)]
    opts.append(torch.optim.AdamW(model.mlp.parameters(), lr=1e-2))
    def train():
        for epoch in range(10):
            for i in torch.randperm(256).split(32):
                for o in opts: o.zero_grad()
                F.mse_loss(model(item[i], extra[i]), y[i]).backward()
                for o in opts: o.step()
    return dict(model=model, opt=None, train=train)

@program(kind='watch', source='DCGAN tutorial: two losses for the critic, one for the generator')
def gan_of_two_models():
    torch.manual_seed(102)
    data = torch.randn(256, 2) * torch.tensor([.8, .2])
    models = nn.ModuleDict(dict(
        G=nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2)),
        D=nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(.2), nn.Linear(32, 1))))
    G, D, bce = models['G'], models['D'], F.binary_cross_entropy_with_logits
    og, od = torch.optim.Adam(G.parameters(), 1e-3), torch.optim.Adam(D.parameters(), 1e-3)
    def train():
        real, fake = torch.ones(64, 1), torch.zeros(64, 1)
        for it in range(50):
            D.zero_grad()
            err_real = bce(D(data[torch.randint(0, 256, (64,))]), real)
            err_real.backward()
            made = G(torch.randn(64, 2))
            err_fake = bce(D(made.detach()), fake)
            err_fake.backward()
            od.step()
            G.zero_grad()
            bce(D(made), real).backward()
            og.step()
    return dict(model=models, opt=None, train=train)

@program(kind='watch', source='GAN tutorials: only the generator is watched')
def generator_alone_is_watched():
    torch.manual_seed(103)
    gen = nn.Sequential(nn.Linear(4, 24), nn.LeakyReLU(), nn.Linear(24, 1))
    critic = nn.Sequential(nn.Linear(1, 24), nn.LeakyReLU(), nn.Linear(24, 1))
    opt_gen, opt_cr = torch.optim.Adam(gen.parameters(), 2e-3), torch.optim.Adam(critic.parameters(), 2e-3)
    def train():
        for it in range(60):
            for _ in range(2):
                real, fake = torch.randn(40, 1) * .5 + 1, gen(torch.randn(40, 4)).detach()
                loss = F.softplus(-critic(real)).mean() + F.softplus(critic(fake)).mean()
                opt_cr.zero_grad(); loss.backward(); opt_cr.step()
            opt_gen.zero_grad()
            F.softplus(-critic(gen(torch.randn(40, 4)))).mean().backward()
            opt_gen.step()
    return dict(model=gen, opt=opt_gen, train=train)

@program(kind='watch', source='PyTorch recipes: ReduceLROnPlateau by the validation loss')
def plateau_by_the_validation_loss():
    torch.manual_seed(104)
    x = torch.randn(900, 3)
    y = x[:, :1].sin() + .2 * torch.randn(900, 1)
    net = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 1))
    opt = torch.optim.SGD(net.parameters(), lr=.02, momentum=.9)
    sched = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, factor=.5, patience=1)
    def train():
        for epoch in range(10):
            net.train()
            for i in torch.randperm(700).split(100):
                opt.zero_grad()
                F.mse_loss(net(x[i]), y[i]).backward()
                opt.step()
            net.eval()
            with torch.no_grad(): val = F.mse_loss(net(x[700:]), y[700:])
            sched.step(val)
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='timm-like recipes: linear warmup, then cosine, stepped by the batch')
def warmup_then_cosine():
    torch.manual_seed(105)
    y = torch.randint(0, 3, (192,))
    img = torch.rand(192, 3, 8, 8)
    for c in range(3): img[y == c, c] = img[y == c, c] * .4 + .6
    net = nn.Sequential(nn.Conv2d(3, 12, 3, stride=2), nn.BatchNorm2d(12), nn.ReLU(), nn.Flatten(), nn.Linear(108, 3))
    opt = torch.optim.SGD(net.parameters(), lr=.1, momentum=.9, nesterov=True, weight_decay=5e-4)
    from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
    sched = SequentialLR(opt, [LinearLR(opt, .1, total_iters=6), CosineAnnealingLR(opt, 30)], milestones=[6])
    loader = DataLoader(TensorDataset(img, y), batch_size=32, shuffle=True, drop_last=True)
    def train():
        net.train()
        for epoch in range(6):
            for xb, yb in loader:
                opt.zero_grad(set_to_none=False)
                F.cross_entropy(net(xb), yb, label_smoothing=.1).backward()
                opt.step()
                sched.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='PyTorch docs: CosineAnnealingWarmRestarts within the epoch')
def warm_restarts():
    torch.manual_seed(106)
    t = torch.rand(160, 1) * 4 - 2
    y = torch.exp(-t ** 2) - .4
    net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
    opt = torch.optim.RMSprop(net.parameters(), lr=2e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=5, T_mult=2)
    def train():
        for epoch in range(15):
            for k, i in enumerate(torch.randperm(160).split(40)):
                opt.zero_grad()
                F.mse_loss(net(t[i]), y[i]).backward()
                opt.step()
                sched.step(epoch + k / 4)
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='PyTorch recipes: automatic mixed precision, bfloat16 on the processor')
def autocast_bfloat16():
    torch.manual_seed(107)
    y = torch.randint(0, 4, (160,))
    x = torch.randn(160, 16) + torch.eye(4, 16)[y] * 2.5
    net = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.LayerNorm(48), nn.Linear(48, 4))
    opt = torch.optim.AdamW(net.parameters(), lr=3e-3)
    def train():
        for epoch in range(10):
            for i in torch.randperm(160).split(32):
                opt.zero_grad()
                with torch.autocast('cpu', dtype=torch.bfloat16):
                    loss = F.cross_entropy(net(x[i]), y[i])
                loss.backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='PyTorch recipes: GradScaler that is switched off, clipping after unscale_')
def scaler_switched_off():
    torch.manual_seed(108)
    x = torch.randn(200, 5)
    y = (x[:, :1] * x[:, 1:2] > 0).float()
    net = nn.Sequential(nn.Linear(5, 64), nn.ReLU(), nn.Linear(64, 1))
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    scaler = torch.amp.GradScaler('cpu', enabled=False)
    def train():
        for it in range(80):
            i = torch.randint(0, 200, (50,))
            opt.zero_grad()
            loss = F.binary_cross_entropy_with_logits(net(x[i]), y[i])
            scaler.scale(loss).backward()
            scaler.unscale_(opt)
            nn.utils.clip_grad_norm_(net.parameters(), 2.)
            scaler.step(opt)
            scaler.update()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='forum: early stopping that puts the best weights back')
def early_stopping_with_the_best_weights():
    torch.manual_seed(109)
    x = torch.randn(400, 8)
    y = (x[:, :3].sum(1) + .5 * torch.randn(400) > 0).long()
    net = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Dropout(.2), nn.Linear(24, 2))
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    def train():
        best, best_state, waited = math.inf, None, 0
        for epoch in range(12):
            net.train()
            for i in torch.randperm(300).split(50):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
            net.eval()
            with torch.no_grad(): val = F.cross_entropy(net(x[300:]), y[300:]).item()
            if val < best: best, best_state, waited = val, copy.deepcopy(net.state_dict()), 0
            else:
                waited += 1
                if waited == 2: break
        net.load_state_dict(best_state)
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='diffusion codebases: a moving average of the weights, judged by')
def ema_copy_is_judged():
    torch.manual_seed(110)
    x = torch.randn(300, 4)
    y = torch.stack([x[:, 0] - x[:, 1], x[:, 2] * .5], 1)
    net = nn.Sequential(nn.Linear(4, 32), nn.SiLU(), nn.Linear(32, 2))
    ema = copy.deepcopy(net).requires_grad_(False).eval()
    opt = torch.optim.AdamW(net.parameters(), lr=5e-3)
    def train():
        for epoch in range(8):
            for i in torch.randperm(250).split(25):
                opt.zero_grad()
                F.mse_loss(net(x[i]), y[i]).backward()
                opt.step()
                with torch.no_grad():
                    for e, p in zip(ema.parameters(), net.parameters()): e.lerp_(p, .1)
            with torch.no_grad(): F.mse_loss(ema(x[250:]), y[250:]).item()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='PyTorch docs: stochastic weight averaging, update_bn goes over the data in train mode')
def weights_averaged_and_norms_updated():
    torch.manual_seed(111)
    y = torch.randint(0, 2, (160,))
    x = torch.randn(160, 6) + (y[:, None] * 2 - 1) * .8
    net = nn.Sequential(nn.Linear(6, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 2))
    opt = torch.optim.SGD(net.parameters(), lr=.05, momentum=.9)
    averaged = torch.optim.swa_utils.AveragedModel(net)
    swa = torch.optim.swa_utils.SWALR(opt, swa_lr=.02, anneal_epochs=2)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    def train():
        for epoch in range(8):
            net.train()
            for xb, yb in loader:
                opt.zero_grad()
                F.cross_entropy(net(xb), yb).backward()
                opt.step()
            if epoch >= 4:
                averaged.update_parameters(net)
                swa.step()
        torch.optim.swa_utils.update_bn(loader, averaged)
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='PyTorch docs: LBFGS and its closure')
def lbfgs_with_a_closure():
    torch.manual_seed(112)
    t = torch.linspace(-1, 1, 100)[:, None]
    y = torch.sin(3 * t) * .8
    net = nn.Sequential(nn.Linear(1, 12), nn.Tanh(), nn.Linear(12, 1))
    opt = torch.optim.LBFGS(net.parameters(), lr=.5, max_iter=6)
    def closure():
        opt.zero_grad()
        loss = F.mse_loss(net(t), y)
        loss.backward()
        return loss
    def train():
        for it in range(8): opt.step(closure)
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='first lessons: no optimizer, the weights are moved by hand')
def moved_by_hand():
    torch.manual_seed(113)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 5) + torch.eye(3, 5)[y] * 2
    net = nn.Sequential(nn.Linear(5, 24), nn.ReLU(), nn.Linear(24, 3))
    def train():
        for epoch in range(10):
            for i in torch.randperm(180).split(30):
                loss = F.cross_entropy(net(x[i]), y[i])
                loss.backward()
                with torch.no_grad():
                    for p in net.parameters():
                        p -= .2 * p.grad
                        p.grad.zero_()
    return dict(model=net, opt=None, train=train)

@program(kind='watch', source='performance guides: p.grad = None instead of zero_grad')
def gradients_set_to_none_by_hand():
    torch.manual_seed(114)
    x = torch.randn(200, 3)
    y = x[:, :1] * .6 - x[:, 2:].abs() + .8
    net = nn.Sequential(nn.Linear(3, 32), nn.ELU(), nn.Linear(32, 1))
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    def train():
        for it in range(80):
            for p in net.parameters(): p.grad = None
            i = torch.randint(0, 200, (40,))
            loss = F.huber_loss(net(x[i]), y[i])
            loss.backward()
            opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='transfer learning: a frozen body that stays in eval mode on purpose')
def frozen_body_in_eval():
    torch.manual_seed(115)
    y = torch.randint(0, 2, (160,))
    x = torch.randn(160, 1, 8, 8) + (y * 2. - 1)[:, None, None, None] * torch.linspace(-.6, .6, 8)
    body = nn.Sequential(nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten())
    with torch.no_grad(): [body(x[torch.randperm(160)[:40]]) for _ in range(40)]
    body.eval().requires_grad_(False)
    head = nn.Linear(576, 2)
    net = nn.Sequential(body, head)
    opt = torch.optim.Adam(head.parameters(), lr=1e-3)
    def train():
        for epoch in range(8):
            head.train()
            for i in torch.randperm(160).split(40):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='fine-tuning: batch norms kept in eval while the rest trains')
def norms_kept_in_eval():
    torch.manual_seed(116)
    x = torch.randn(200, 8)
    y = (x[:, 0] > x[:, 1]).long()
    net = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(.1), nn.Linear(32, 2))
    with torch.no_grad(): [net(x[torch.randperm(200)[:50]]) for _ in range(50)]
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    def train():
        for epoch in range(8):
            net.train()
            for m in net.modules():
                if isinstance(m, nn.BatchNorm1d): m.eval()
            for i in torch.randperm(200).split(40):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='autoencoder tutorials: encoder and decoder apart, one optimizer over both')
def encoder_and_decoder_apart():
    torch.manual_seed(117)
    z = torch.randn(200, 2)
    x = torch.tanh(z @ torch.randn(2, 12))
    both = nn.ModuleList([nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 3)),
                          nn.Sequential(nn.Linear(3, 24), nn.ReLU(), nn.Linear(24, 12))])
    encoder, decoder = both
    opt = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=5e-3)
    def train():
        for epoch in range(15):
            for i in torch.randperm(200).split(40):
                loss = F.mse_loss(decoder(encoder(x[i])), x[i])
                opt.zero_grad()
                loss.backward()
                opt.step()
    return dict(model=both, opt=opt, train=train)

@program(kind='watch', source='PyTorch docs: activations recomputed in the backward pass')
def checkpointed_blocks():
    torch.manual_seed(118)
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Linear(6, 32), nn.Linear(32, 2)
            self.blocks = nn.ModuleList(nn.Sequential(nn.LayerNorm(32), nn.Linear(32, 32), nn.GELU()) for _ in range(3))
        def forward(self, v):
            v = self.first(v)
            for b in self.blocks: v = v + checkpoint(b, v, use_reentrant=False)
            return self.last(v)
    net = Net()
    x = torch.randn(160, 6)
    y = (x[:, :2].prod(1) > 0).long()
    opt = torch.optim.AdamW(net.parameters(), lr=5e-3)
    def train():
        for epoch in range(10):
            for i in torch.randperm(160).split(40):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='test scripts: a trained model is only evaluated')
def only_evaluates():
    torch.manual_seed(119)
    x = torch.randn(200, 4)
    y = (x[:, 0] > 0).long()
    net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(.2), nn.Linear(16, 2))
    warm = torch.optim.Adam(net.parameters(), 2e-2)
    for _ in range(60):
        warm.zero_grad()
        F.cross_entropy(net(x), y).backward()
        warm.step()
    net.zero_grad()
    def train():
        net.eval()
        correct, loss = 0, 0.
        with torch.no_grad():
            for xb, yb in DataLoader(TensorDataset(x, y), batch_size=50):
                out = net(xb)
                loss += F.cross_entropy(out, yb, reduction='sum').item()
                correct += (out.argmax(1) == yb).sum().item()
        return correct / 200, loss / 200
    return dict(model=net, opt=None, train=train)

@program(kind='watch', source='nnbolts: Learner with schedule, validation and metrics')
def learner_of_nnbolts():
    torch.manual_seed(120)
    from nnbolts.learner import DataLoaders, Learner
    y = torch.randint(0, 3, (240,))
    x = torch.randn(240, 6) + torch.eye(3, 6)[y] * 2
    dls = DataLoaders(DataLoader(TensorDataset(x[:180], y[:180]), 30, shuffle=True),
                      DataLoader(TensorDataset(x[180:], y[180:]), 60))
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Dropout(.1), nn.Linear(32, 3))
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    learn = Learner(net, dls, F.cross_entropy, opt_func=opt)
    return dict(model=net, opt=opt, train=lambda: learn.fit(5))

@program(kind='watch', source='Bayesian deep learning: dropout stays on at test time on purpose')
def monte_carlo_dropout():
    torch.manual_seed(121)
    t = torch.rand(160, 1) * 2 - 1
    y = t ** 3 + .05 * torch.randn(160, 1)
    net = nn.Sequential(nn.Linear(1, 64), nn.ReLU(), nn.Dropout(.1), nn.Linear(64, 1))
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    def train():
        for it in range(60):
            i = torch.randint(0, 160, (40,))
            opt.zero_grad()
            F.mse_loss(net(t[i]), y[i]).backward()
            opt.step()
        net.eval()
        net[2].train()
        with torch.no_grad(): draws = torch.stack([net(t[:20]) for _ in range(20)])
        return draws.mean(0), draws.std(0)
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='policy gradients: actions are drawn without gradients, in train mode')
def actions_drawn_without_gradients():
    torch.manual_seed(122)
    policy = nn.Sequential(nn.Linear(3, 24), nn.Tanh(), nn.Linear(24, 3))
    opt = torch.optim.Adam(policy.parameters(), lr=1e-2)
    def train():
        rewards = []
        for it in range(50):
            state = torch.randn(48, 3)
            with torch.no_grad(): action = torch.distributions.Categorical(logits=policy(state)).sample()
            reward = (action == state.argmax(1)).float()
            logp = policy(state).log_softmax(1).gather(1, action[:, None]).squeeze(1)
            loss = -(logp * (reward - reward.mean())).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            rewards.append(reward.mean().item())
        return rewards
    return dict(model=policy, opt=opt, train=train)

@program(kind='watch', source='DQN tutorial: a target network, copied now and then')
def target_network():
    torch.manual_seed(123)
    q, target = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2)), None
    target = copy.deepcopy(q).requires_grad_(False)
    opt = torch.optim.AdamW(q.parameters(), lr=3e-3)
    s = torch.randn(300, 4)
    a = torch.randint(0, 2, (300,))
    r = torch.where(a == (s[:, 0] > 0).long(), 1., -1.)
    def train():
        for it in range(70):
            i = torch.randint(0, 300, (64,))
            with torch.no_grad(): goal = r[i] + .5 * target(s[(i + 1) % 300]).amax(1)
            loss = F.smooth_l1_loss(q(s[i]).gather(1, a[i, None]).squeeze(1), goal)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_value_(q.parameters(), 100)
            opt.step()
            if it % 20 == 19: target.load_state_dict(q.state_dict())
    return dict(model=q, opt=opt, train=train)

@program(kind='watch', source='distillation tutorial: a teacher in eval mode without gradients')
def student_of_a_teacher():
    torch.manual_seed(124)
    x = torch.randn(240, 8)
    teacher = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 4))
    for p in teacher.parameters(): p.data *= 2.5
    teacher.eval()
    student = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 4))
    opt = torch.optim.Adam(student.parameters(), lr=5e-3)
    def train():
        for epoch in range(10):
            for i in torch.randperm(240).split(40):
                with torch.no_grad(): soft = (teacher(x[i]) / 2).softmax(1)
                loss = F.kl_div((student(x[i]) / 2).log_softmax(1), soft, reduction='batchmean') * 4
                opt.zero_grad()
                loss.backward()
                opt.step()
    return dict(model=student, opt=opt, train=train)

@program(kind='watch', source='language model examples: the hidden state is carried on, detached')
def hidden_state_carried_on():
    torch.manual_seed(125)
    text = torch.randint(0, 2, (400,)).cumsum(0) % 5
    rows = text[:384].view(8, 48)
    emb, rnn, out = nn.Embedding(5, 12), nn.LSTM(12, 24, batch_first=True), nn.Linear(24, 5)
    net = nn.ModuleList([emb, rnn, out])
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    def train():
        for epoch in range(8):
            hidden = None
            for k in range(0, 47, 12):
                chunk = rows[:, k:k + 12]
                h, hidden = rnn(emb(chunk[:, :-1]), hidden)
                hidden = tuple(s.detach() for s in hidden)
                opt.zero_grad()
                F.cross_entropy(out(h).flatten(0, 1), chunk[:, 1:].flatten()).backward()
                nn.utils.clip_grad_norm_(net.parameters(), .5)
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='adversarial training: a backward pass to the inputs before the one that trains')
def fast_gradient_sign_training():
    torch.manual_seed(126)
    y = torch.randint(0, 2, (160,))
    x = torch.randn(160, 6) * .6 + (y[:, None] * 2 - 1)
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2))
    opt = torch.optim.SGD(net.parameters(), lr=.1)
    def train():
        for epoch in range(8):
            for i in torch.randperm(160).split(32):
                xb = x[i].clone().requires_grad_()
                F.cross_entropy(net(xb), y[i]).backward()
                attacked = (xb + .1 * xb.grad.sign()).detach()
                opt.zero_grad()
                F.cross_entropy(net(attacked), y[i]).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='WGAN-GP: a penalty on the gradient by autograd.grad with create_graph')
def critic_with_gradient_penalty():
    torch.manual_seed(127)
    critic = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(.2), nn.Linear(32, 1))
    opt = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0., .9))
    def train():
        for it in range(50):
            real, fake = torch.randn(48, 2) * .3 + 1, torch.randn(48, 2) * .3 - 1
            mix = torch.lerp(real, fake, torch.rand(48, 1)).requires_grad_()
            slope, = torch.autograd.grad(critic(mix).sum(), mix, create_graph=True)
            loss = critic(fake).mean() - critic(real).mean() + 10 * ((slope.norm(dim=1) - 1) ** 2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
    return dict(model=critic, opt=opt, train=train)

@program(kind='watch', source='sharpness-aware minimization: two backward passes for each step')
def sharpness_aware():
    torch.manual_seed(128)
    y = torch.randint(0, 3, (150,))
    x = torch.randn(150, 5) + torch.eye(3, 5)[y] * 2
    net = nn.Sequential(nn.Linear(5, 24), nn.ReLU(), nn.Linear(24, 3))
    opt = torch.optim.SGD(net.parameters(), lr=.1, momentum=.9)
    def train():
        for epoch in range(8):
            for i in torch.randperm(150).split(30):
                F.cross_entropy(net(x[i]), y[i]).backward()
                with torch.no_grad():
                    norm = sum((p.grad ** 2).sum() for p in net.parameters()).sqrt()
                    lift = [.02 * p.grad / (norm + 1e-12) for p in net.parameters()]
                    for p, e in zip(net.parameters(), lift): p.add_(e)
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                with torch.no_grad():
                    for p, e in zip(net.parameters(), lift): p.sub_(e)
                opt.step()
                opt.zero_grad()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='PyTorch tutorial: the optimizer steps within the backward pass')
def step_within_backward():
    torch.manual_seed(129)
    x = torch.randn(160, 4)
    y = x[:, :1] - .5 * x[:, 1:2]
    net = nn.Sequential(nn.Linear(4, 24), nn.Tanh(), nn.Linear(24, 1))
    opts = {p: torch.optim.Adam([p], lr=5e-3) for p in net.parameters()}
    def now(p):
        opts[p].step()
        opts[p].zero_grad()
    for p in net.parameters(): p.register_post_accumulate_grad_hook(now)
    def train():
        for it in range(60):
            i = torch.randint(0, 160, (40,))
            F.mse_loss(net(x[i]), y[i]).backward()
    return dict(model=net, opt=None, train=train)

@program(kind='watch', source='deep supervision: the losses of several steps are summed before one backward pass')
def losses_summed_then_sent_back():
    torch.manual_seed(130)
    x = torch.randn(120, 8, 3)
    y = x[:, :, 0].cumsum(1) * .4
    cell, out = nn.GRUCell(3, 16), nn.Linear(16, 1)
    net = nn.ModuleList([cell, out])
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    def train():
        for it in range(30):
            i = torch.randint(0, 120, (40,))
            h, losses, outputs = torch.zeros(40, 16), [], []
            for t in range(8):
                h = cell(x[i, t], h)
                outputs.append(out(h).squeeze(1))
                losses.append(F.mse_loss(outputs[-1], y[i, t]))
            loss = torch.stack(losses).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='MAML: a step of the inner loop by autograd.grad, its graph kept for the outer one')
def learns_to_learn():
    torch.manual_seed(131)
    net = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 1))
    meta = torch.optim.Adam(net.parameters(), lr=5e-3)
    call = torch.func.functional_call
    def train():
        for it in range(25):
            meta.zero_grad()
            for task in range(3):
                shift, t = torch.rand(1) * 2 - 1, torch.rand(20, 1) * 2 - 1
                y = torch.sin(2 * t + shift)
                params = dict(net.named_parameters())
                grads = torch.autograd.grad(F.mse_loss(net(t[:10]), y[:10]), list(params.values()), create_graph=True)
                fast = {k: p - .1 * g for (k, p), g in zip(params.items(), grads)}
                (F.mse_loss(call(net, fast, (t[10:],)), y[10:]) / 3).backward()
            meta.step()
    return dict(model=net, opt=meta, train=train)

@program(kind='watch', source='forecasting: windows of a series in the order of time, not shuffled')
def series_in_the_order_of_time():
    torch.manual_seed(132)
    s = torch.sin(torch.arange(420) * .35) + .1 * torch.randn(420)
    x, y = s.unfold(0, 12, 1)[:-1], s[12:, None]
    net = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 1))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    loader = DataLoader(TensorDataset(x[:340], y[:340]), batch_size=34)
    def train():
        for epoch in range(8):
            net.train()
            for xb, yb in loader:
                opt.zero_grad()
                F.mse_loss(net(xb), yb).backward()
                opt.step()
            net.eval()
            with torch.no_grad(): F.mse_loss(net(x[340:]), y[340:]).item()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='ULMFiT: first the head, then the whole network by add_param_group')
def thawed_halfway():
    torch.manual_seed(133)
    y = torch.randint(0, 3, (180,))
    x = torch.randn(180, 10) + torch.eye(3, 10)[y] * 2
    body, head = nn.Sequential(nn.Linear(10, 32), nn.ReLU()), nn.Linear(32, 3)
    net = nn.Sequential(body, head)
    body.requires_grad_(False)
    opt = torch.optim.AdamW(head.parameters(), lr=1e-2)
    def train():
        for epoch in range(8):
            if epoch == 3:
                body.requires_grad_(True)
                opt.add_param_group(dict(params=list(body.parameters()), lr=2e-3))
            for i in torch.randperm(180).split(36):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='contrastive learning: two views of each picture through one network')
def two_views_of_each_item():
    torch.manual_seed(134)
    x = torch.randn(160, 12)
    net = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 8))
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    def train():
        for epoch in range(10):
            for i in torch.randperm(160).split(32):
                a, b = (F.normalize(net(x[i] + .3 * torch.randn(32, 12)), dim=1) for _ in range(2))
                loss = F.cross_entropy(a @ b.T / .2, torch.arange(32))
                opt.zero_grad()
                loss.backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='coRNN issue 1: left in eval mode, without any layer that knows modes')
def eval_mode_without_such_layers():
    torch.manual_seed(135)
    x = torch.randn(200, 5)
    y = (x.sum(1) > 0).long()
    net = nn.Sequential(nn.Linear(5, 24), nn.Tanh(), nn.LayerNorm(24), nn.Linear(24, 2))
    opt = torch.optim.SGD(net.parameters(), lr=.03, momentum=.9)
    def train():
        for epoch in range(6):
            for i in torch.randperm(160).split(40):
                opt.zero_grad()
                F.cross_entropy(net(x[i]), y[i]).backward()
                opt.step()
            net.eval()
            with torch.no_grad(): F.cross_entropy(net(x[160:]), y[160:]).item()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='object detectors: a batch without targets is left out')
def some_batches_are_skipped():
    torch.manual_seed(136)
    x = torch.randn(220, 4)
    y = x[:, :1] * 1.2
    known = torch.rand(220) < .5
    net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    def train():
        for epoch in range(12):
            for i in torch.randperm(220).split(4):
                if known[i].sum() < 2: continue
                out = net(x[i])
                loss = F.mse_loss(out[known[i]], y[i][known[i]])
                opt.zero_grad()
                loss.backward()
                opt.step()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='clipping as in transformers: at 1.0, met by the first steps only')
def clipped_at_first_only():
    torch.manual_seed(137)
    y = torch.randint(0, 3, (200,))
    x = 2 * torch.randn(200, 10) + torch.eye(3, 10)[y] * 6
    net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3))
    opt = torch.optim.SGD(net.parameters(), lr=.05, momentum=.9)
    def train():
        for epoch in range(10):
            for i in torch.randperm(200).split(25):
                F.cross_entropy(net(x[i]), y[i]).backward()
                nn.utils.clip_grad_norm_(net.parameters(), 1.)
                opt.step()
                opt.zero_grad()
    return dict(model=net, opt=opt, train=train)

@program(kind='watch', source='train and validation loss the wrong way round by dropout: no fault')
def dropout_makes_training_look_worse():
    torch.manual_seed(138)
    x = torch.randn(400, 12)
    y = (x[:, :4].sum(1) > 0).long()
    net = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Dropout(.5), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(.5),
                        nn.Linear(64, 2))
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    def train():
        record = []
        for epoch in range(6):
            net.train()
            for i in torch.randperm(300).split(30):
                loss = F.cross_entropy(net(x[i]), y[i])
                opt.zero_grad(); loss.backward(); opt.step()
            net.eval()
            with torch.inference_mode(): record.append((loss.item(), F.cross_entropy(net(x[300:]), y[300:]).item()))
        return record
    return dict(model=net, opt=opt, train=train)
