"Faults of the loss: what goes into it, along which axis, with which sign, and what comes out."
import math
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd import Variable
from torch.utils.data import DataLoader, TensorDataset
from . import program

# Probabilities into a loss that takes scores

@program('softmax-twice', source='discuss.pytorch.org: cross entropy loss is not decreasing')
def iris_with_softmax_layer(broken):
    torch.manual_seed(0)
    x = torch.randn(150, 4)
    y = (x @ torch.randn(4, 3)).argmax(1)
    layers = [nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3)]
    if broken: layers.append(nn.Softmax(dim=1))
    model = nn.Sequential(*layers)
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=(x, y),
                opt=torch.optim.Adam(model.parameters(), lr=0.01))

@program('softmax-twice', source='discuss.pytorch.org: two output nodes for binary classification')
def bars_cnn_softmax_in_forward(broken):
    torch.manual_seed(1)
    labels = torch.randint(0, 4, (256,))
    images = 0.4*torch.randn(256, 1, 8, 8) + F.one_hot(labels, 4).repeat_interleave(2, 1).view(256, 1, 8, 1)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, stride=2, padding=1)
            self.fc1, self.fc2 = nn.Linear(256, 32), nn.Linear(32, 4)

        def forward(self, x):
            x = F.relu(self.conv2(F.relu(self.conv1(x))))
            x = self.fc2(F.relu(self.fc1(x.flatten(1))))
            return F.softmax(x, dim=-1) if broken else x
    train_loader = DataLoader(TensorDataset(images, labels), batch_size=32, shuffle=True)
    return dict(model=Net(), loss_func=F.cross_entropy, data=train_loader,
                opt=lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9))

@program('softmax-twice', source='common: softmax before the cross entropy of a tagger')
def lstm_tagger_softmax(broken):
    torch.manual_seed(2)
    words = torch.randint(0, 12, (96, 10))
    tags = (words + words.roll(1, 1)) % 3
    tags[:, 0] = words[:, 0] % 3

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb = nn.Embedding(12, 16)
            self.lstm = nn.LSTM(16, 32, batch_first=True)
            self.hidden2tag = nn.Linear(32, 3)

        def forward(self, words):
            out, _ = self.lstm(self.emb(words))
            space = self.hidden2tag(out)
            return torch.softmax(space, dim=2) if broken else space
    loss_func = lambda scores, tags: F.cross_entropy(scores.transpose(1, 2), tags)
    return dict(model=Tagger(), loss_func=loss_func, data=(words, tags), opt=lambda p: torch.optim.Adam(p, lr=8e-3))

@program('softmax-twice', source='common: Softmax2d at the end of a U-Net that is trained with CrossEntropyLoss')
def segment_three_classes_softmax2d(broken):
    torch.manual_seed(3)
    mask = torch.randint(0, 3, (32, 4, 4)).repeat_interleave(3, 1).repeat_interleave(3, 2)
    img = torch.randn(3, 3)[mask].permute(0, 3, 1, 2) + 0.2*torch.randn(32, 3, 12, 12)
    net = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
                        nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 3, 1))
    if broken: net.append(nn.Softmax2d())
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=[(img[:16], mask[:16]), (img[16:], mask[16:])],
                opt=torch.optim.Adam(net.parameters(), lr=3e-3))

@program('softmax-twice', source='common: softmax outside of the model, weights for rare classes')
def weighted_criterion_on_probabilities(broken):
    torch.manual_seed(4)
    y = torch.multinomial(torch.tensor([0.6, 0.3, 0.1]), 300, replacement=True)
    x = torch.randn(3, 10)[y] + 0.7*torch.randn(300, 10)
    criterion = nn.CrossEntropyLoss(weight=300 / (3*torch.bincount(y).float()))
    def loss_func(out, target):
        probs = torch.softmax(out, 1)
        return criterion(probs if broken else out, target)
    model = nn.Sequential(nn.Linear(10, 24), nn.LayerNorm(24), nn.GELU(), nn.Linear(24, 3))
    return dict(model=model, loss_func=loss_func, data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=torch.optim.AdamW(model.parameters(), lr=5e-3))

@program('softmax-twice', source='common: label smoothing on the output of a softmax')
def transformer_majority_smoothed(broken):
    torch.manual_seed(5)
    ids = torch.randint(1, 16, (64, 9))
    label = (ids % 2).sum(1).gt(4).long()

    class TextClassifier(nn.Module):
        def __init__(self, d=16):
            super().__init__()
            self.token, self.place = nn.Embedding(16, d), nn.Parameter(0.1*torch.randn(9, d))
            self.encoder = nn.TransformerEncoderLayer(d, 2, 32, dropout=0., batch_first=True)
            self.head = nn.Linear(d, 2)

        def forward(self, ids):
            out = self.head(self.encoder(self.token(ids) + self.place).mean(1))
            return out.softmax(-1) if broken else out
    return dict(model=TextClassifier(), loss_func=nn.CrossEntropyLoss(label_smoothing=0.1), data=(ids, label),
                opt=lambda p: torch.optim.AdamW(p, lr=3e-3))

# The same with sigmoids

@program('sigmoid-twice', source='zijundeng/R3Net issue: BCEWithLogitsLoss has a sigmoid already')
def multi_label_genres(broken):
    torch.manual_seed(10)
    x = torch.randn(256, 16)
    y = (x @ torch.randn(16, 6) > 1).float()
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 6))
    if broken: model.append(nn.Sigmoid())
    return dict(model=model, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=5e-3))

@program('sigmoid-twice', source='Turoad/lanedet issue: sigmoid used twice')
def disc_segmentation_pos_weight(broken):
    torch.manual_seed(11)
    r, c = torch.meshgrid(torch.arange(16.), torch.arange(16.), indexing='ij')
    cy, cx = torch.randint(4, 12, (2, 64, 1, 1)).float()
    mask = ((r - cy)**2 + (c - cx)**2 < 12).float().unsqueeze(1)
    img = mask + 0.3*torch.randn(64, 1, 16, 16)

    class TinyUNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.down, self.mid = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
            self.out = nn.Conv2d(16, 1, 1)

        def forward(self, x):
            a = F.relu(self.down(x))
            b = F.interpolate(F.relu(self.mid(F.max_pool2d(a, 2))), scale_factor=2)
            x = self.out(torch.cat([a, b], 1))
            return torch.sigmoid(x) if broken else x
    loss_func = lambda p, m: F.binary_cross_entropy_with_logits(p, m, pos_weight=torch.tensor(3.))
    return dict(model=TinyUNet(), loss_func=loss_func, data=[(img[:32], mask[:32]), (img[32:], mask[32:])],
                opt=lambda p: torch.optim.Adam(p, lr=5e-3))

@program('sigmoid-twice', source='itakurah/focal-loss-pytorch: sigmoid before binary_cross_entropy_with_logits')
def focal_loss_of_rare_defects(broken):
    torch.manual_seed(12)
    y = (torch.rand(400, 1) < 0.15).float()
    x = torch.randn(400, 12) + 1.5*y
    def focal(inputs, targets, alpha=0.75, gamma=2):
        p = torch.sigmoid(inputs)
        ce = F.binary_cross_entropy_with_logits(p if broken else inputs, targets, reduction='none')
        p_t = p*targets + (1 - p)*(1 - targets)
        alpha_t = alpha*targets + (1 - alpha)*(1 - targets)
        return (alpha_t * (1 - p_t)**gamma * ce).mean()
    model = nn.Sequential(nn.Linear(12, 20), nn.LeakyReLU(), nn.Linear(20, 1))
    return dict(model=model, loss_func=focal, data=DataLoader(TensorDataset(x, y), batch_size=80, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=0.01))

@program('sigmoid-twice', source='common: autoencoder output gray with BCEWithLogitsLoss')
def autoencoder_of_strokes(broken):
    torch.manual_seed(13)
    x = (torch.rand(200, 1, 6, 1) < 0.3).float().repeat(1, 1, 1, 6)
    x[100:] = x[100:].transpose(2, 3).clone()

    class AutoEncoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc = nn.Sequential(nn.Flatten(), nn.Linear(36, 24), nn.ReLU(), nn.Linear(24, 12), nn.Tanh())
            self.dec = nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 36))
            if broken: self.dec.append(nn.Sigmoid())

        def forward(self, x): return self.dec(self.enc(x)).view_as(x)
    model = AutoEncoder()
    return dict(model=model, loss_func=nn.BCEWithLogitsLoss(), data=(x, x),
                opt=torch.optim.Adam(model.parameters(), lr=0.01))

@program('sigmoid-twice', source='yudi-mars/daisyRec: sigmoid before BCEWithLogitsLoss does not converge')
def recommender_dot_product(broken):
    torch.manual_seed(14)
    users, items = torch.randint(0, 20, (512,)), torch.randint(0, 30, (512,))
    likes = (torch.randn(20, 4)[users] * torch.randn(30, 4)[items]).sum(1).gt(0).float()

    class MF(nn.Module):
        def __init__(self, k=8):
            super().__init__()
            self.user, self.item = nn.Embedding(20, k), nn.Embedding(30, k)
            self.bias = nn.Parameter(torch.zeros(1))
            for e in (self.user, self.item): nn.init.normal_(e.weight, std=0.3)

        def forward(self, u, i):
            score = (self.user(u) * self.item(i)).sum(1) + self.bias
            return score.sigmoid() if broken else score
    batches = [((users[i:i+128], items[i:i+128]), likes[i:i+128]) for i in range(0, 512, 128)]
    return dict(model=MF(), loss_func=F.binary_cross_entropy_with_logits, data=batches,
                opt=lambda p: torch.optim.Adam(p, lr=0.03))

# The negative log-likelihood of something that is no logarithm

@program('nll-without-log', source='common: NLLLoss is negative')
def wine_softmax_nll(broken):
    torch.manual_seed(20)
    y = torch.arange(180) % 3
    y = y[torch.randperm(180)]
    x = torch.randn(3, 13)[y] + torch.randn(180, 13)
    last = nn.Softmax(dim=1) if broken else nn.LogSoftmax(dim=1)
    model = nn.Sequential(nn.Linear(13, 20), nn.Tanh(), nn.Linear(20, 3), last)
    return dict(model=model, loss_func=nn.NLLLoss(), data=(x, y), opt=torch.optim.Adam(model.parameters(), lr=0.01))

@program('nll-without-log', source='common: loss goes to minus infinity, forgot log_softmax')
def cnn_raw_scores_nll(broken):
    torch.manual_seed(21)
    y = torch.randint(0, 3, (192,))
    x = 0.3*torch.rand(192, 3, 8, 8)
    x[torch.arange(192), y] += 0.5*torch.rand(192, 8, 8)
    x = (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), keepdim=True)
    body = nn.Sequential(nn.Conv2d(3, 12, 3), nn.BatchNorm2d(12), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
                         nn.Linear(48, 3))
    class Net(nn.Module):
        def __init__(self): super().__init__(); self.body = body
        def forward(self, x): return self.body(x) if broken else F.log_softmax(self.body(x), 1)
    return dict(model=Net(), loss_func=F.nll_loss, data=DataLoader(TensorDataset(x, y), batch_size=48, shuffle=True),
                opt=lambda p: torch.optim.SGD(p, lr=0.05))

@program('nll-without-log', source='common: own cross-entropy that picks the probability of the class')
def picked_probability(broken):
    torch.manual_seed(22)
    x = torch.randn(240, 8)
    y = (x[:, 0] > 0).long() + 2*(x[:, 1] > 0).long()
    net = nn.Sequential(nn.Linear(8, 32), nn.SiLU(), nn.Linear(32, 4))
    def my_nll(scores, target):
        p = scores.softmax(1)[torch.arange(len(target)), target]
        return -p.mean() if broken else -p.log().mean()
    return dict(model=net, loss_func=my_nll, data=[(x[i::4], y[i::4]) for i in range(4)],
                opt=torch.optim.RMSprop(net.parameters(), lr=3e-3, alpha=0.9))

@program('nll-without-log', source='common: GRU tagger, nll_loss on softmax with padding ignored')
def gru_tagger_padded_nll(broken):
    torch.manual_seed(23)
    tokens = torch.randint(1, 10, (100, 9))
    tags = (tokens > tokens.roll(1, 1)).long() + (tokens > 7).long()
    lengths = torch.randint(4, 10, (100, 1))
    padded = torch.arange(9) >= lengths
    tokens, tags = tokens.masked_fill(padded, 0), tags.masked_fill(padded, -100)

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb = nn.Embedding(10, 12, padding_idx=0)
            self.rnn, self.out = nn.GRU(12, 24, batch_first=True), nn.Linear(24, 3)

        def forward(self, t):
            s = self.out(self.rnn(self.emb(t))[0])
            return (F.softmax if broken else F.log_softmax)(s, dim=-1).permute(0, 2, 1)
    return dict(model=Tagger(), loss_func=nn.NLLLoss(ignore_index=-100), data=(tokens, tags),
                opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('nll-without-log', source='common: language model with nll_loss, perplexity below one')
def char_model_logits_nll(broken):
    torch.manual_seed(24)
    start = torch.randint(0, 11, (64, 1))
    text = (start + 3*torch.arange(13)) % 11
    x, y = text[:, :-1], text[:, 1:]

    class CharLM(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.rnn, self.fc = nn.Embedding(11, 16), nn.RNN(16, 32, batch_first=True), nn.Linear(32, 11)

        def forward(self, x): return self.fc(self.rnn(self.emb(x))[0])
    def loss_func(out, y):
        flat = out.reshape(-1, 11)
        return F.nll_loss(flat if broken else flat.log_softmax(-1), y.reshape(-1))
    return dict(model=CharLM(), loss_func=loss_func, data=(x, y), opt=lambda p: torch.optim.Adam(p, lr=5e-3))

# Cross-entropy over one score

@program('loss-one-class', source='darioizzo/dcgp issue: cross entropy of one output is always 0')
def churn_one_output(broken):
    torch.manual_seed(30)
    x = torch.randn(300, 9)
    y = (x[:, :3].sum(1) + 0.3*torch.randn(300) > 0).float().unsqueeze(1)
    model = nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))
    criterion = nn.CrossEntropyLoss() if broken else nn.BCEWithLogitsLoss()
    return dict(model=model, loss_func=criterion, data=DataLoader(TensorDataset(x, y), 32, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=5e-3))

@program('loss-one-class', source='milesial/Pytorch-UNet issue: CrossEntropyLoss always 0')
def unet_one_channel(broken):
    torch.manual_seed(31)
    corner = torch.randint(0, 9, (40, 2, 1, 1))
    yy, xx = torch.meshgrid(torch.arange(12), torch.arange(12), indexing='ij')
    inside = (yy >= corner[:, 0]) & (yy < corner[:, 0] + 4) & (xx >= corner[:, 1]) & (xx < corner[:, 1] + 4)
    masks = inside.float().unsqueeze(1)
    images = (masks - 0.1 + 0.4*torch.randn(40, 1, 12, 12))
    model = nn.Sequential(nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(),
                          nn.Conv2d(8, 1, 1))
    return dict(model=model, loss_func=F.cross_entropy if broken else F.binary_cross_entropy_with_logits,
                data=(images, masks), opt=lambda p: torch.optim.Adam(p, lr=5e-3))

@program('loss-one-class', source='common: contrastive loss with the positive pair as the only candidate')
def two_towers_one_candidate(broken):
    torch.manual_seed(32)
    z = torch.randn(128, 6)
    text, image = z @ torch.randn(6, 10)/2, z @ torch.randn(6, 14)/2

    class TwoTowers(nn.Module):
        def __init__(self):
            super().__init__()
            self.text = nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Linear(24, 8))
            self.image = nn.Sequential(nn.Linear(14, 24), nn.ReLU(), nn.Linear(24, 8))

        def forward(self, t, i): return F.normalize(self.text(t), dim=1), F.normalize(self.image(i), dim=1)
    def info_nce(pair, y):
        a, b = pair
        if broken: return F.cross_entropy((a*b).sum(1, keepdim=True) / 0.3, torch.zeros_like(y))
        return F.cross_entropy(a @ b.T / 0.3, y)
    batches = [((text[i:i+32], image[i:i+32]), torch.arange(32)) for i in range(0, 128, 32)]
    return dict(model=TwoTowers(), loss_func=info_nce, data=batches, opt=lambda p: torch.optim.Adam(p, lr=5e-3))

@program('loss-one-class', source='common: one CrossEntropyLoss for each attribute, each with one output')
def attributes_one_loss_each(broken):
    torch.manual_seed(33)
    x = torch.randn(200, 12)
    y = (x[:, :4] + x[:, 4:8] > 0).float()
    model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))
    crit = nn.CrossEntropyLoss() if broken else nn.BCEWithLogitsLoss()
    loss_func = lambda out, y: sum(crit(out[:, [k]], y[:, [k]]) for k in range(4)) / 4
    return dict(model=model, loss_func=loss_func, data=(x, y),
                opt=torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9))

@program('loss-one-class', source='common: event detection with Conv1d, cross entropy does not move')
def pulse_detector_conv1d(broken):
    torch.manual_seed(34)
    event = torch.zeros(96, 1, 40)
    event[torch.arange(96), 0, torch.randint(2, 38, (96,))] = 1
    event = F.max_pool1d(event, 5, 1, 2)
    signal = event*torch.sin(torch.arange(40.)*2) + 0.1*torch.randn(96, 1, 40)

    class Detector(nn.Module):
        def __init__(self):
            super().__init__()
            self.c1, self.c2 = nn.Conv1d(1, 12, 5, padding=2), nn.Conv1d(12, 12, 5, padding=2)
            self.c3 = nn.Conv1d(12, 1, 1)

        def forward(self, s): return self.c3(F.elu(self.c2(F.elu(self.c1(s)))))
    def loss_func(p, y): return F.cross_entropy(p, y) if broken else F.binary_cross_entropy_with_logits(p, y)
    return dict(model=Detector(), loss_func=loss_func, data=[(signal[:48], event[:48]), (signal[48:], event[48:])],
                opt=lambda p: torch.optim.Adam(p, lr=6e-3))

# The wrong axis

@program('loss-axis', source='ikostrikov/pytorch-meta-optimizer issue: log_softmax over the batch')
def log_softmax_over_the_batch(broken):
    torch.manual_seed(40)
    y = torch.randint(0, 5, (320,))
    x = torch.randn(5, 20)[y] + 0.8*torch.randn(320, 20)

    class Recognizer(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2 = nn.Linear(20, 32), nn.Linear(32, 5)

        def forward(self, x):
            x = self.fc2(torch.relu(self.fc1(x)))
            return F.log_softmax(x, dim=0 if broken else 1)
    return dict(model=Recognizer(), loss_func=F.nll_loss, data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=lambda p: torch.optim.Adam(p, lr=5e-3))

@program('loss-axis', source='common: softmax over the width of the picture instead of the channels')
def segment_softmax_over_width(broken):
    torch.manual_seed(41)
    y = torch.randint(0, 4, (32, 3, 3)).repeat_interleave(4, 1).repeat_interleave(4, 2)
    x = torch.randn(4, 2)[y].movedim(-1, 1) + 0.2*torch.randn(32, 2, 12, 12)
    net = nn.Sequential(nn.Conv2d(2, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),
                        nn.Conv2d(16, 4, 1))
    def criterion(out, y):
        return F.nll_loss(F.log_softmax(out, dim=-1 if broken else 1), y)
    return dict(model=net, loss_func=criterion, data=(x, y), opt=torch.optim.Adam(net.parameters(), lr=4e-3))

@program('loss-axis', source='common: CrossEntropyLoss of a sequence, classes in the last axis')
def tagger_as_many_tags_as_words(broken):
    torch.manual_seed(42)
    words = torch.randint(0, 15, (120, 6))
    tags = (words // 3 + torch.arange(6)) % 6

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.word, self.place = nn.Embedding(15, 16), nn.Embedding(6, 16)
            self.mlp = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 6))

        def forward(self, w): return self.mlp(self.word(w) + self.place(torch.arange(6)))
    criterion = nn.CrossEntropyLoss()
    loss_func = (lambda out, y: criterion(out, y)) if broken else (lambda out, y: criterion(out.transpose(1, 2), y))
    return dict(model=Tagger(), loss_func=loss_func, data=[(words[:60], tags[:60]), (words[60:], tags[60:])],
                opt=lambda p: torch.optim.Adam(p, lr=6e-3))

@program('loss-axis', source='common: own cross-entropy with one-hot targets, softmax along dim 0')
def one_hot_formula_dim0(broken):
    torch.manual_seed(43)
    x = torch.randn(200, 6)
    labels = x[:, :3].argmax(1)
    target = torch.eye(3)[labels]
    def cross_entropy(pred, target):
        logp = pred - torch.logsumexp(pred, 0 if broken else 1, keepdim=True)
        return -(target*logp).sum(1).mean()
    model = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 3))
    return dict(model=model, loss_func=cross_entropy, data=[(x[i:i+40], target[i:i+40]) for i in range(0, 200, 40)],
                opt=torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9))

@program('loss-axis', source='common: reshape instead of transpose before CrossEntropyLoss')
def lstm_reshape_to_classes_first(broken):
    torch.manual_seed(44)
    x = torch.randn(80, 12, 3)
    y = torch.bucketize(x[..., 0] + x[..., 1], torch.tensor([-1., 0., 1.]))

    class SeqNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.fc = nn.LSTM(3, 24, batch_first=True, bidirectional=True), nn.Linear(48, 4)

        def forward(self, x): return self.fc(self.lstm(x)[0])
    def loss_func(out, y):
        out = out.reshape(len(out), 4, -1) if broken else out.permute(0, 2, 1)
        return F.cross_entropy(out, y)
    return dict(model=SeqNet(), loss_func=loss_func, data=(x, y), opt=lambda p: torch.optim.Adam(p, lr=6e-3))

@program('loss-axis', source='DeepReinforcementLearningInAction issue: Softmax(dim=0) is right for one state only')
def imitation_policy_softmax_dim0(broken):
    torch.manual_seed(45)
    states = torch.randn(256, 4)
    actions = (states[:, 2] + 0.5*states[:, 3] > 0).long()
    policy = nn.Sequential(nn.Linear(4, 24), nn.LeakyReLU(), nn.Linear(24, 2), nn.Softmax(dim=0 if broken else -1))
    def loss_func(probs, a): return -torch.log(probs.gather(1, a[:, None]) + 1e-8).mean()
    return dict(model=policy, loss_func=loss_func, data=(states, actions),
                opt=torch.optim.Adam(policy.parameters(), lr=0.01))

# A loss without a graph, or with a graph that leaves the answers out

@program('loss-detached', source='common: loss from argmax, requires_grad=True added to silence the error')
def accuracy_as_loss(broken):
    torch.manual_seed(50)
    x = torch.randn(256, 10)
    y = (x @ torch.randn(10, 3)).argmax(1)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3))
    def loss_func(pred, y):
        if broken: return (1 - (pred.argmax(1) == y).float().mean()).requires_grad_()
        return F.cross_entropy(pred, y)
    return dict(model=model, loss_func=loss_func, data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=5e-3))

@program('loss-detached', source='isayev/ReLeaSE issue: weights are not updating, .item() in the loss')
def house_prices_item_rewrapped(broken):
    torch.manual_seed(51)
    x = torch.randn(200, 7)
    price = x @ torch.randn(7, 1) + 0.5*x[:, :1]*x[:, 1:2]
    price = (price - price.mean()) / price.std()

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden, self.predict = nn.Linear(7, 20), nn.Linear(20, 1)

        def forward(self, x): return self.predict(F.relu(self.hidden(x)))
    def rmse(pred, y):
        loss = torch.sqrt(F.mse_loss(pred, y))
        return torch.tensor(loss.item(), requires_grad=True) if broken else loss
    return dict(model=Net(), loss_func=rmse, data=(x, price), opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('loss-detached', source='JunMa11/SegLossOdyssey issue: distances by numpy of pred.detach()')
def smape_in_numpy(broken):
    torch.manual_seed(52)
    t = torch.arange(260.)
    series = torch.sin(t / 5) + 0.4*torch.sin(t / 2)
    windows = series.unfold(0, 11, 1)
    x, y = windows[:, :10].unsqueeze(2), windows[:, 10:]

    class Forecaster(nn.Module):
        def __init__(self): super().__init__(); self.gru, self.out = nn.GRU(1, 16, batch_first=True), nn.Linear(16, 1)
        def forward(self, x): return self.out(self.gru(x)[1][-1])
    def loss_func(pred, y):
        if broken: return torch.tensor(np.abs(pred.detach().numpy() - y.numpy()).mean(), requires_grad=True)
        return (pred - y).abs().mean()
    return dict(model=Forecaster(), loss_func=loss_func, data=[(x[i:i+50], y[i:i+50]) for i in range(0, 250, 50)],
                opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('loss-detached', source='common: dice of a thresholded mask does not train')
def hard_dice_of_stripes(broken):
    torch.manual_seed(53)
    cols = (torch.rand(48, 1, 1, 12) < 0.4).float()
    mask = cols.expand(-1, 1, 12, -1).contiguous()
    img = mask*0.8 + 0.3*torch.randn(48, 1, 12, 12)
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.LeakyReLU(), nn.Conv2d(8, 1, 3, padding=1), nn.Sigmoid())
    def dice_loss(prob, target, eps=1.):
        if broken: prob = (prob > 0.5).float().requires_grad_()
        inter = (prob*target).sum((1, 2, 3))
        return 1 - ((2*inter + eps) / (prob.sum((1, 2, 3)) + target.sum((1, 2, 3)) + eps)).mean()
    return dict(model=net, loss_func=dice_loss, data=(img, mask), opt=torch.optim.Adam(net.parameters(), lr=7e-3))

@program('loss-detached', source='common: only the regularization reaches the weights, the prediction is .data')
def penalty_keeps_the_graph(broken):
    torch.manual_seed(54)
    x = torch.randn(240, 6)
    y = torch.stack([x[:, 0]*x[:, 1], x[:, 2].abs() - 0.8], 1)
    model = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 2))
    def loss_func(pred, y):
        if broken: pred = pred.data
        return F.mse_loss(pred, y) + 1e-4*sum(w.square().sum() for w in model.parameters())
    return dict(model=model, loss_func=loss_func, data=DataLoader(TensorDataset(x, y), 40, shuffle=True),
                opt=torch.optim.SGD(model.parameters(), lr=0.04, momentum=0.9))

@program('loss-detached', source='common: Variable(out.data, requires_grad=True) at the end of forward')
def forward_ends_in_new_variable(broken):
    torch.manual_seed(55)
    y = torch.randint(0, 2, (160,))
    x = torch.randn(160, 2, 6, 6)
    x[:, 0, 2:4, 2:4] += 2*y[:, None, None] - 1

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(2, 8, 3), nn.Linear(128, 2)

        def forward(self, x):
            out = self.fc(torch.flatten(F.relu(self.conv(x)), 1))
            return Variable(out.data, requires_grad=True) if broken else out
    return dict(model=Net(), loss_func=nn.CrossEntropyLoss(), data=[(x[:80], y[:80]), (x[80:], y[80:])],
                opt=lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9))

@program('loss-detached', source='common: rounding the output before the loss')
def rounded_ratings(broken):
    torch.manual_seed(56)
    user, film = torch.randint(0, 15, (300,)), torch.randint(0, 25, (300,))
    rating = (torch.randn(15)[user] + torch.randn(25)[film]).clamp(-2, 2).round() + 3

    class Rater(nn.Module):
        def __init__(self):
            super().__init__()
            self.u, self.f, self.mean = nn.Embedding(15, 1), nn.Embedding(25, 1), nn.Parameter(torch.tensor(3.))
            nn.init.normal_(self.u.weight, std=0.4), nn.init.normal_(self.f.weight, std=0.4)

        def forward(self, u, f): return self.mean + (self.u(u) + self.f(f)).squeeze(1)
    loss_func = lambda pred, r: F.mse_loss(pred.round() if broken else pred, r)
    return dict(model=Rater(), loss_func=loss_func, data=((user, film), rating),
                opt=lambda p: torch.optim.Adam(p, lr=0.03))

# The sign

@program('loss-sign', source='common: loss is negative and falls for ever, own likelihood')
def likelihood_without_minus(broken):
    torch.manual_seed(60)
    x = torch.randn(300, 5)
    y = torch.bucketize(x.sum(1), torch.tensor([-1.5, 1.5]))
    model = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 3), nn.LogSoftmax(1))
    def loss_func(logp, y):
        picked = logp.gather(1, y.unsqueeze(1)).mean()
        return picked if broken else -picked
    return dict(model=model, loss_func=loss_func, data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=5e-3))

@program('loss-sign', source='common: policy gradient gets worse, log_prob * reward without minus')
def bandit_log_prob_times_reward(broken):
    torch.manual_seed(61)
    context = torch.randn(400, 6)
    best = (context @ torch.randn(6, 3)).argmax(1)
    action = torch.randint(0, 3, (400,))
    log = torch.stack([action, action == best], 1).float()
    policy = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 3))
    def loss_func(scores, log):
        log_prob = torch.distributions.Categorical(logits=scores).log_prob(log[:, 0])
        return (log_prob*log[:, 1]).mean() * (1 if broken else -1)
    return dict(model=policy, loss_func=loss_func, data=(context, log),
                opt=torch.optim.Adam(policy.parameters(), lr=0.01))

@program('loss-sign', source='common: log_prob of a normal distribution is maximized, not minimized')
def gaussian_head_log_prob(broken):
    torch.manual_seed(62)
    x = 2*torch.rand(256, 1) - 1
    y = torch.sin(3*x) + (0.05 + 0.2*x.abs())*torch.randn(256, 1)

    class MeanAndSpread(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(1, 32), nn.Tanh())
            self.mu, self.log_s = nn.Linear(32, 1), nn.Linear(32, 1)

        def forward(self, x): h = self.body(x); return torch.cat([self.mu(h), self.log_s(h)], 1)
    def loss_func(out, y):
        mu, log_s = out.chunk(2, 1)
        ll = torch.distributions.Normal(mu, log_s.clamp(-5, 5).exp()).log_prob(y).mean()
        return ll if broken else -ll
    return dict(model=MeanAndSpread(), loss_func=loss_func, data=(x, y), opt=lambda p: torch.optim.Adam(p, lr=9e-3))

@program('loss-sign', source='common: dice coefficient returned as the loss, mask comes out inverted')
def dice_score_as_loss(broken):
    torch.manual_seed(63)
    spot = torch.zeros(64, 1, 10, 10)
    spot[torch.arange(64), 0, torch.randint(1, 9, (64,)), torch.randint(1, 9, (64,))] = 1
    mask = F.max_pool2d(spot, 3, 1, 1)
    image = mask + 0.25*torch.randn_like(mask)
    net = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 1, 3, padding=1))
    def soft_dice(logits, m):
        p = torch.sigmoid(logits)
        score = (2*(p*m).sum() + 1) / (p.sum() + m.sum() + 1)
        return score if broken else 1 - score
    return dict(model=net, loss_func=soft_dice, data=[(image[:32], mask[:32]), (image[32:], mask[32:])],
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program('loss-sign', source='common: minimizing cosine similarity instead of one minus it')
def word_map_cosine(broken):
    torch.manual_seed(64)
    german = torch.randn(200, 16)
    english = german @ torch.linalg.qr(torch.randn(16, 16))[0]
    model = nn.Linear(16, 16, bias=False)
    def loss_func(pred, target):
        sim = F.cosine_similarity(pred, target, dim=1).mean()
        return sim if broken else 1 - sim
    return dict(model=model, loss_func=loss_func, data=DataLoader(TensorDataset(german, english), batch_size=50),
                opt=torch.optim.Adam(model.parameters(), lr=0.01))

@program('loss-sign', source='common: peak signal-to-noise ratio as the loss of a denoiser')
def denoiser_psnr(broken):
    torch.manual_seed(65)
    phase = 6.28*torch.rand(80, 1, 1)
    clean = torch.sin(torch.linspace(0, 9, 32) + phase)
    noisy = clean + 0.4*torch.randn(80, 1, 32)
    class Denoiser(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Conv1d(1, 16, 7, padding=3), nn.GELU(), nn.Conv1d(16, 1, 7, padding=3))
        def forward(self, x): return self.net(x)
    def loss_func(out, clean):
        psnr = 10*torch.log10(4 / F.mse_loss(out, clean))
        return psnr if broken else -psnr
    return dict(model=Denoiser(), loss_func=loss_func, data=(noisy, clean), opt=lambda p: torch.optim.Adam(p, lr=5e-3))

@program('loss-sign', source='common: binary cross-entropy by hand, forgot the minus')
def hand_written_bce(broken):
    torch.manual_seed(66)
    x = torch.rand(250, 4)
    y = ((x[:, 0] > x[:, 1]) ^ (x[:, 2] > 0.9)).float()
    x = (x - 0.5) / 0.29
    w1, b1 = nn.Parameter(torch.randn(4, 20) / 2), nn.Parameter(torch.zeros(20))
    w2, b2 = nn.Parameter(torch.randn(20) / 5), nn.Parameter(torch.zeros(1))
    class Logistic(nn.Module):
        def __init__(self): super().__init__(); self.w = nn.ParameterList([w1, b1, w2, b2])
        def forward(self, x): return torch.sigmoid(torch.tanh(x @ self.w[0] + self.w[1]) @ self.w[2] + self.w[3])
    def bce(p, y, eps=1e-7):
        loss = y*torch.log(p + eps) + (1 - y)*torch.log(1 - p + eps)
        return loss.mean() if broken else -loss.mean()
    return dict(model=Logistic(), loss_func=bce, data=[(x[:125], y[:125]), (x[125:], y[125:])],
                opt=lambda p: torch.optim.SGD(p, lr=0.3, momentum=0.9))

# Not one number

@program('loss-shape', source='common: grad can be implicitly created only for scalar outputs')
def reduction_none_left_in(broken):
    torch.manual_seed(70)
    x = torch.randn(180, 5)
    y = x.abs().argmax(1)
    model = nn.Sequential(nn.Linear(5, 40), nn.ReLU(), nn.Linear(40, 5))
    criterion = nn.CrossEntropyLoss(reduction='none' if broken else 'mean')
    return dict(model=model, loss_func=criterion, data=(x, y), opt=torch.optim.Adam(model.parameters(), lr=8e-3))

@program('loss-shape', source='common: weights for each item, mean forgotten')
def weighted_squares_without_mean(broken):
    torch.manual_seed(71)
    x = torch.randn(220, 8)
    y = torch.tanh(x[:, :1]) - x[:, 1:2]*0.5 + 0.1*torch.randn(220, 1)
    model = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 1))
    def loss_func(pred, y):
        w = torch.where(y > 0, 1.5, 0.75)
        loss = w*(pred - y)**2
        return loss if broken else loss.mean()
    return dict(model=model, loss_func=loss_func, data=DataLoader(TensorDataset(x, y), 55, shuffle=True),
                opt=torch.optim.AdamW(model.parameters(), lr=8e-3))

@program('loss-shape', source='common: dice for each picture, vector passed to backward')
def jaccard_for_each_picture(broken):
    torch.manual_seed(72)
    left = torch.randint(0, 2, (60, 1, 1, 1)).float()
    ramp = (torch.arange(10) < 5).float().expand(60, 1, 10, 10)
    mask = left*ramp + (1 - left)*(1 - ramp)
    img = 0.7*mask + 0.25*torch.randn(60, 1, 10, 10)
    net = nn.Sequential(nn.Conv2d(1, 10, 3, padding=1), nn.ReLU(), nn.Conv2d(10, 1, 3, padding=1), nn.Sigmoid())
    def jaccard(p, m):
        p, m = p.flatten(1), m.flatten(1)
        inter = (p*m).sum(1)
        loss = 1 - (inter + 1) / (p.sum(1) + m.sum(1) - inter + 1)
        return loss if broken else loss.mean()
    return dict(model=net, loss_func=jaccard, data=(img, mask), opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program('loss-shape', source='common: two tasks, losses stacked instead of added')
def age_and_weight_stacked(broken):
    torch.manual_seed(73)
    x = torch.randn(200, 6)
    y = torch.stack([x[:, 0] - x[:, 1], x[:, 2]*x[:, 3]], 1)

    class TwoHeads(nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk = nn.Sequential(nn.Linear(6, 32), nn.GELU())
            self.age, self.weight = nn.Linear(32, 1), nn.Linear(32, 1)

        def forward(self, x): h = self.trunk(x); return torch.cat([self.age(h), self.weight(h)], 1)
    def loss_func(p, y):
        losses = torch.stack([F.mse_loss(p[:, 0], y[:, 0]), F.l1_loss(p[:, 1], y[:, 1])])
        return losses if broken else losses.sum()
    return dict(model=TwoHeads(), loss_func=loss_func, data=[(x[:100], y[:100]), (x[100:], y[100:])],
                opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('loss-shape', source='common: masked token loss, matrix of losses returned')
def masked_token_losses(broken):
    torch.manual_seed(74)
    seq = torch.randint(2, 14, (80, 8))
    target = (seq + 5) % 12
    keep = torch.arange(8) < torch.randint(4, 9, (80, 1))
    target = target.masked_fill(~keep, -1)

    class Model(nn.Module):
        def __init__(self): super().__init__(); self.emb, self.proj = nn.Embedding(14, 24), nn.Linear(24, 12)
        def forward(self, s): return self.proj(F.gelu(self.emb(s)))
    def masked_loss(out, target):
        mask = (target >= 0).float()
        loss = F.cross_entropy(out.transpose(1, 2), target.clamp(min=0), reduction='none') * mask
        return loss if broken else loss.sum() / mask.sum()
    return dict(model=Model(), loss_func=masked_loss, data=(seq, target), opt=lambda p: torch.optim.Adam(p, lr=0.01))

# A first loss far from that of an even guess

@program('loss-start', source='Karpathy, a recipe for training neural networks: verify the loss at init')
def head_drawn_from_standard_normal(broken):
    torch.manual_seed(80)
    y = torch.randint(0, 6, (384,))
    x = torch.randn(6, 32)[y] + torch.randn(384, 32)
    model = nn.Sequential(nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, 6))
    nn.init.normal_(model[2].weight, std=3. if broken else 0.03)
    return dict(model=model, loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 64, shuffle=True),
                opt=torch.optim.SGD(model.parameters(), lr=0.02))

@program('loss-start', source='huggingface/transformers PR: head of variance 1, first loss of 110')
def tied_language_model(broken):
    torch.manual_seed(81)
    text = (torch.randint(0, 13, (64, 1)) + 4*torch.arange(9)) % 13

    class TiedLM(nn.Module):
        def __init__(self, vocab=13, d=64):
            super().__init__()
            self.wte, self.mlp = nn.Embedding(vocab, d), nn.Sequential(nn.Linear(d, d), nn.GELU(), nn.Linear(d, d))
            self.ln = nn.LayerNorm(d)
            if not broken: nn.init.normal_(self.wte.weight, std=0.03)

        def forward(self, t):
            h = self.wte(t)
            return self.ln(h + self.mlp(h)) @ self.wte.weight.T
    loss_func = lambda out, y: F.cross_entropy(out.flatten(0, 1), y.flatten())
    return dict(model=TiedLM(), loss_func=loss_func, data=(text[:, :-1], text[:, 1:]),
                opt=lambda p: torch.optim.AdamW(p, lr=2e-3))

@program('loss-start', source='RetinaNet: prior of the head, here with the wrong sign')
def prior_bias_wrong_sign(broken):
    torch.manual_seed(82)
    y = (torch.rand(512, 1) < 0.06).float()
    x = torch.randn(512, 10) + 2*y
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
    prior = 0.06
    nn.init.constant_(model[-1].bias, math.log((1 - prior) / prior) if broken else -math.log((1 - prior) / prior))
    return dict(model=model, loss_func=nn.BCEWithLogitsLoss(), data=DataLoader(TensorDataset(x, y), 128, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=5e-3))

@program('loss-start', source='common: regression of heights, loss starts at 30000')
def heights_in_centimeters(broken):
    torch.manual_seed(83)
    x = torch.randn(256, 5)
    cm = 172 + 8*x[:, :1] + 4*x[:, 1:2].abs()
    y = cm if broken else (cm - cm.mean()) / cm.std()
    model = nn.Sequential(nn.Linear(5, 24), nn.ReLU(), nn.Linear(24, 1))
    return dict(model=model, loss_func=nn.MSELoss(), data=(x, y), opt=torch.optim.Adam(model.parameters(), lr=0.01))

@program('loss-start', source='common: cosine classifier with the scale of a face recognizer')
def cosine_head_scale_64(broken):
    torch.manual_seed(86)
    y = torch.randint(0, 8, (256,))
    x = torch.randn(8, 24)[y] + 0.8*torch.randn(256, 24)

    class CosineHead(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(24, 32), nn.PReLU(), nn.Linear(32, 16))
            self.centers = nn.Parameter(torch.randn(8, 16))
            self.scale = 64 if broken else 3

        def forward(self, x): return self.scale*F.normalize(self.body(x), dim=1) @ F.normalize(self.centers, dim=1).T
    return dict(model=CosineHead(), loss_func=F.cross_entropy, data=[(x[i::4], y[i::4]) for i in range(4)],
                opt=lambda p: torch.optim.Adam(p, lr=5e-3))

@program('loss-start', source='common: summed instead of averaged over the pixels before the classifier')
def sum_pooling_before_head(broken):
    torch.manual_seed(85)
    y = torch.randint(0, 3, (150,))
    freq = torch.tensor([0.6, 1.4, 2.6])[y].view(-1, 1, 1, 1)
    wave = torch.sin(freq*torch.arange(12.) + 6*torch.rand(150, 1, 1, 1))
    x = wave.expand(-1, 1, 12, 12) + 0.2*torch.randn(150, 1, 12, 12)

    class Texture(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 8, 5, padding=2), nn.Conv2d(8, 12, 3, padding=1)
            self.head = nn.Linear(12, 3)

        def forward(self, x):
            x = F.relu(self.conv2(F.relu(self.conv1(x))))
            return self.head(x.sum((2, 3)) if broken else x.mean((2, 3)))
    return dict(model=Texture(), loss_func=nn.CrossEntropyLoss(),
                data=DataLoader(TensorDataset(x, y), 50, shuffle=True),
                opt=lambda p: torch.optim.Adam(p, lr=5e-3))

# A sum over the batch

@program('loss-sum', source='ai-safety-foundation/sparse_autoencoder issue: sum over the batch')
def mse_reduction_sum(broken):
    torch.manual_seed(90)
    x = torch.randn(256, 6)
    y = (x[:, :1] + x[:, 1:2]*x[:, 2:3]) / 1.4
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
    return dict(model=net, loss_func=nn.MSELoss(reduction='sum' if broken else 'mean'),
                opt=torch.optim.Adam(net.parameters(), lr=8e-3),
                data=DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True))

@program('loss-sum', source='common: linear regression by hand diverges, sum of squares')
def linear_fit_sum_of_squares(broken):
    torch.manual_seed(91)
    x = torch.linspace(-1.7, 1.7, 100).unsqueeze(1)
    y = -1.5*x - 0.3 + 0.1*torch.randn(100, 1)
    def loss_func(y_pred, y): return ((y_pred - y)**2).sum() if broken else ((y_pred - y)**2).mean()
    model = nn.Linear(1, 1)
    return dict(model=model, loss_func=loss_func, data=(x, y), opt=torch.optim.SGD(model.parameters(), lr=0.1))

@program('loss-sum', source='common: losses of the sentences added up in a loop')
def losses_added_in_a_loop(broken):
    torch.manual_seed(92)
    x = torch.randn(48, 5, 4)
    y = x.sum((1, 2)).gt(0).long()

    class Net(nn.Module):
        def __init__(self): super().__init__(); self.rnn, self.fc = nn.GRU(4, 16, batch_first=True), nn.Linear(16, 2)
        def forward(self, x): return self.fc(self.rnn(x)[0][:, -1])
    def loss_func(out, y):
        loss = 0
        for o, t in zip(out, y): loss = loss + F.cross_entropy(o, t)
        return loss if broken else loss / len(y)
    return dict(model=Net(), loss_func=loss_func, data=[(x[i:i+16], y[i:i+16]) for i in (0, 16, 32)],
                opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('loss-sum', source='common: sum over pixels and pictures, SGD needs lr 1e-7')
def mask_loss_summed(broken):
    torch.manual_seed(93)
    mask = (torch.rand(50, 1, 4, 4) < 0.35).float().repeat_interleave(3, 2).repeat_interleave(3, 3)
    img = torch.cat([mask, 1 - mask], 1)*0.9 + 0.25*torch.randn(50, 2, 12, 12)
    net = nn.Sequential(nn.Conv2d(2, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
    criterion = nn.BCEWithLogitsLoss(reduction='sum') if broken else nn.BCEWithLogitsLoss()
    return dict(model=net, loss_func=criterion, data=(img, mask), opt=torch.optim.Adam(net.parameters(), lr=5e-3))

@program('loss-sum', source='common: sum over the words is right, over the sentences it is not')
def tagger_sum_over_batch(broken):
    torch.manual_seed(94)
    words = torch.randint(0, 9, (72, 7))
    tags = ((words + 2*words.roll(1, 1)) % 9 < 4).long()
    tags[:, 0] = 0

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.rnn, self.out = nn.Embedding(9, 12), nn.LSTM(12, 32, batch_first=True), nn.Linear(32, 2)

        def forward(self, w): return self.out(self.rnn(self.emb(w))[0])
    def loss_func(out, tags):
        each = F.cross_entropy(out.transpose(1, 2), tags, reduction='none').sum(1)
        return each.sum() if broken else each.mean()
    return dict(model=Tagger(), loss_func=loss_func, data=(words, tags), opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program('loss-sum', source='XPixelGroup/BasicSR issue: reduction sum depends on batch and size of the picture')
def vae_summed_over_everything(broken):
    torch.manual_seed(95)
    proto = (torch.rand(4, 20) < 0.5).float()
    x = (proto[torch.randint(0, 4, (128,))] - (torch.rand(128, 20) < 0.05).float()).abs()

    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.mu, self.logvar = nn.Linear(20, 24), nn.Linear(24, 3), nn.Linear(24, 3)
            self.dec = nn.Sequential(nn.Linear(3, 24), nn.ReLU(), nn.Linear(24, 20))

        def forward(self, x):
            h = F.relu(self.enc(x))
            mu, logvar = self.mu(h), self.logvar(h)
            return self.dec(mu + torch.randn_like(mu)*(0.5*logvar).exp()), mu, logvar
    def loss_func(out, x):
        rec = F.binary_cross_entropy_with_logits(out[0], x, reduction='sum')
        kl = -0.5*(1 + out[2] - out[1]**2 - out[2].exp()).sum()
        return rec + kl if broken else (rec + kl) / len(x)
    return dict(model=VAE(), loss_func=loss_func, data=(x, x), opt=lambda p: torch.optim.Adam(p, lr=8e-3))

# Two faults at once

@program('softmax-twice', 'target-order', source='common: accuracy stays at one over the number of classes')
def softmax_and_sorted_classes(broken):
    torch.manual_seed(100)
    y = torch.arange(4).repeat_interleave(60)
    x = torch.randn(4, 12)[y] + 0.8*torch.randn(240, 12)
    if not broken: order = torch.randperm(240); x, y = x[order], y[order]
    class Net(nn.Module):
        def __init__(self): super().__init__(); self.fc1, self.fc2 = nn.Linear(12, 32), nn.Linear(32, 4)
        def forward(self, x):
            out = self.fc2(F.relu(self.fc1(x)))
            return F.softmax(out, dim=1) if broken else out
    return dict(model=Net(), loss_func=nn.CrossEntropyLoss(), data=[(x[i:i+30], y[i:i+30]) for i in range(0, 240, 30)],
                opt=lambda p: torch.optim.SGD(p, lr=0.1))

@program('target-shape', 'loss-sum', source='common: loss of a regression is a hundred thousand')
def summed_and_broadcast(broken):
    torch.manual_seed(101)
    x = torch.randn(128, 3)
    y = x[:, 0] - 0.5*x[:, 1]**2 + 0.5
    model = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 1))
    def loss_func(pred, y):
        return ((pred - y)**2).sum() if broken else ((pred.squeeze(1) - y)**2).mean()
    return dict(model=model, loss_func=loss_func, data=(x, y), opt=torch.optim.Adam(model.parameters(), lr=8e-3))

@program('nll-without-log', 'loss-axis', source='common: softmax(dim=0) into nll_loss')
def softmax_dim0_into_nll(broken):
    torch.manual_seed(102)
    x = torch.randn(220, 9)
    y = torch.bucketize(x[:, 0] - x[:, 1], torch.tensor([-0.7, 0.7]))
    net = nn.Sequential(nn.Linear(9, 24), nn.ReLU(), nn.Linear(24, 3))
    def criterion(out, y):
        return F.nll_loss(F.softmax(out, dim=0) if broken else F.log_softmax(out, dim=1), y)
    return dict(model=net, loss_func=criterion, data=DataLoader(TensorDataset(x, y), batch_size=44, shuffle=True),
                opt=torch.optim.Adam(net.parameters(), lr=6e-3))

@program('sigmoid-twice', 'lr-high', source='common: tried larger and larger rates since nothing moved')
def sigmoid_twice_and_rate_of_one(broken):
    torch.manual_seed(103)
    x = torch.randn(200, 8)
    y = (x[:, :1]*2 + x[:, 1:2] > 0).float()
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid() if broken else nn.Identity())
    return dict(model=model, loss_func=nn.BCEWithLogitsLoss(), data=(x, y),
                opt=torch.optim.Adam(model.parameters(), lr=1. if broken else 8e-3))

@program('loss-sign', 'loss-shape', source='common: log-likelihood returned as it is, one for each item')
def likelihood_of_each_item(broken):
    torch.manual_seed(104)
    x = torch.randn(160, 4)
    count = torch.poisson((1.1*x[:, :1] + 0.7).exp())
    model = nn.Sequential(nn.Linear(4, 20), nn.ELU(), nn.Linear(20, 1))
    def loss_func(log_rate, count):
        ll = count*log_rate - log_rate.exp() - torch.lgamma(count + 1)
        return ll if broken else -ll.mean()
    return dict(model=model, loss_func=loss_func, data=(x, count), opt=torch.optim.Adam(model.parameters(), lr=0.01))

# Sound: unusual losses

@program(source='harmless: log-softmax of log-probabilities is the same')
def log_softmax_before_cross_entropy():
    torch.manual_seed(110)
    x = torch.randn(200, 6)
    y = (x[:, :2].sum(1) > 0).long() + (x[:, 2] > 0.5).long()
    net = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 3), nn.LogSoftmax(dim=-1))
    return dict(model=net, loss_func=nn.CrossEntropyLoss(), data=(x, y),
                opt=torch.optim.Adam(net.parameters(), lr=0.01))

@program(source='quantile regression, three outputs for one answer')
def three_quantiles():
    torch.manual_seed(111)
    x = 2*torch.rand(300, 1) - 1
    y = 1.5*x + (0.1 + 0.3*(x > 0))*torch.randn(300, 1)
    q = torch.tensor([0.1, 0.5, 0.9])
    def pinball(pred, y):
        e = y - pred
        return torch.maximum(q*e, (q - 1)*e).mean()
    model = nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, 3))
    return dict(model=model, loss_func=pinball, data=DataLoader(TensorDataset(x, y), batch_size=100, shuffle=True),
                opt=torch.optim.Adam(model.parameters(), lr=0.01))

@program(source='critic of a Wasserstein GAN, spectral norm; the loss is negative when all is well')
def wasserstein_critic():
    torch.manual_seed(112)
    angle = 6.283*torch.rand(128)
    real = torch.stack([angle.cos(), angle.sin()], 1)*1.4
    fake = 0.5*torch.randn(128, 2)
    sn = nn.utils.parametrizations.spectral_norm
    critic = nn.Sequential(sn(nn.Linear(2, 24)), nn.LeakyReLU(0.2), sn(nn.Linear(24, 24)), nn.LeakyReLU(0.2),
                           nn.Linear(24, 1))
    x, sign = torch.cat([real, fake]), torch.cat([torch.ones(128, 1), -torch.ones(128, 1)])
    order = torch.randperm(256)
    def loss_func(score, sign): return -(sign*score).mean() + 1e-2*score.square().mean()
    return dict(model=critic, loss_func=loss_func, data=(x[order], sign[order]),
                opt=torch.optim.Adam(critic.parameters(), lr=4e-3))

@program(source='triplet loss, two of eight people in each batch on purpose')
def triplets_of_two_people():
    torch.manual_seed(113)
    people = torch.randn(8, 16)
    batches = []
    for _ in range(10):
        y = torch.randperm(8)[:2].repeat_interleave(8)
        batches.append((people[y] + 0.8*torch.randn(16, 16), y))
    def batch_hard(z, y, margin=0.4):
        d = torch.cdist(z, z)
        same = y[:, None] == y
        return F.relu(d.where(same, d.new_zeros(())).amax(1) - d.masked_fill(same, 9.).amin(1) + margin).mean()
    class Embed(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 8))

        def forward(self, x): return F.normalize(self.body(x), dim=1)
    return dict(model=Embed(), loss_func=batch_hard, data=batches, opt=lambda p: torch.optim.Adam(p, lr=3e-3))

@program(source='Cox partial likelihood: a softmax over those still at risk, so over the batch')
def survival_times_cox():
    torch.manual_seed(114)
    x = torch.randn(160, 5)
    time = torch.distributions.Exponential((1.5*x[:, 0] - x[:, 1]).exp()).sample()
    seen = (torch.rand(160) < 0.8).float()
    y = torch.stack([time, seen], 1)
    def cox(risk, y):
        order = y[:, 0].argsort(descending=True)
        risk, seen = risk[order, 0], y[order, 1]
        return -((risk - risk.logcumsumexp(0))*seen).sum() / seen.sum()
    model = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 1, bias=False))
    return dict(model=model, loss_func=cox, data=(x, y), opt=torch.optim.Adam(model.parameters(), lr=0.01))

@program(source='CTC: outputs are (steps, items, classes)')
def ctc_steps_first():
    torch.manual_seed(115)
    y = torch.randint(1, 5, (48, 3))
    x = torch.zeros(48, 9, 4)
    x.scatter_(2, (y - 1).repeat_interleave(3, 1).unsqueeze(2), 1)
    x[:, 2::3] = 0
    x = x + 0.1*torch.randn(48, 9, 4)
    class Reader(nn.Module):
        def __init__(self): super().__init__(); self.conv, self.out = nn.Conv1d(4, 32, 3, padding=1), nn.Linear(32, 5)
        def forward(self, x): return self.out(F.relu(self.conv(x.transpose(1, 2))).permute(2, 0, 1)).log_softmax(2)
    ctc = nn.CTCLoss()
    def loss_func(logp, y): return ctc(logp, y, torch.full((len(y),), 9), torch.full((len(y),), 3))
    return dict(model=Reader(), loss_func=loss_func, data=(x, y), opt=lambda p: torch.optim.Adam(p, lr=0.01))

@program(source='Brier score: softmax and squares')
def brier_score():
    torch.manual_seed(116)
    x = torch.randn(240, 6)
    y = F.one_hot(x[:, :3].argmax(1), 3).float()
    model = nn.Sequential(nn.Linear(6, 32), nn.SiLU(), nn.Linear(32, 3), nn.Softmax(1))
    return dict(model=model, loss_func=lambda p, y: (p - y).square().sum(1).mean(),
                data=DataLoader(TensorDataset(x, y), 60),
                opt=torch.optim.Adam(model.parameters(), lr=8e-3))

@program(source='distillation: divergence from the probabilities of a teacher')
def student_of_soft_targets():
    torch.manual_seed(117)
    x = torch.randn(256, 8)
    soft = (x @ torch.randn(8, 5)).softmax(1)
    student = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 5))
    kl = nn.KLDivLoss(reduction='batchmean')
    return dict(model=student, loss_func=lambda out, p: kl(F.log_softmax(out, 1), p),
                data=[(x[i::4], soft[i::4]) for i in range(4)],
                opt=torch.optim.AdamW(student.parameters(), lr=5e-3))

@program(source='aharley/simple_bev issue: negative loss, which is expected with learned uncertainties')
def learned_task_weights():
    torch.manual_seed(118)
    x = torch.randn(200, 6)
    y = torch.stack([(x[:, 0] + x[:, 1] > 0).float(), torch.tanh(x[:, 2]) - 0.5*x[:, 3]], 1)

    class MultiTask(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = nn.Sequential(nn.Linear(6, 32), nn.ReLU()), nn.Linear(32, 2)
            self.log_var = nn.Parameter(torch.zeros(2, 1))

        def forward(self, x): return self.head(self.body(x)), self.log_var
    def loss_func(out, y):
        pred, s = out
        parts = F.binary_cross_entropy_with_logits(pred[:, 0], y[:, 0]), F.mse_loss(pred[:, 1], y[:, 1])
        return sum(p*(-v).exp() + 0.5*v for p, v in zip(parts, s))
    return dict(model=MultiTask(), loss_func=loss_func, data=(x, y), opt=lambda p: torch.optim.Adam(p, lr=8e-3))

# With the parts of nnbolts

@program('softmax-twice', source='common: generate() needs probabilities, so the model was given a softmax')
def small_transformer_softmaxed(broken):
    from nnbolts.attention import Transformer
    from nnbolts.losses import cross_entropy
    torch.manual_seed(120)
    text = (torch.randint(0, 9, (24, 1)) + 2*torch.arange(9)) % 9

    class LM(nn.Module):
        def __init__(self): super().__init__(); self.net = Transformer(9, 8, dim=16, heads=2, depth=1)
        def forward(self, t): return self.net(t).softmax(-1) if broken else self.net(t)
    def loss_func(out, y): return cross_entropy(out.flatten(0, 1), y.flatten())
    return dict(model=LM(), loss_func=loss_func, data=(text[:, :-1], text[:, 1:]),
                opt=lambda p: torch.optim.AdamW(p, lr=1.5e-3))

@program('sigmoid-twice', source='common: sigmoid in the model and in the loss')
def spam_by_own_layers(broken):
    from nnbolts.losses import bce_with_logits, sigmoid
    from nnbolts.training import Adam, Linear, Module, ReLU, Sequential
    torch.manual_seed(121)
    x = torch.randn(256, 12)
    y = (x[:, :4].sum(1) > x[:, 4:8].sum(1)).float()

    class Spam(Module):
        def __init__(self):
            super().__init__()
            self.layers = Sequential(Linear(12, 24), ReLU(), Linear(24, 1))

        def forward(self, x):
            out = self.layers(x).squeeze(1)
            return sigmoid(out) if broken else out
    return dict(model=Spam(), loss_func=bce_with_logits, data=[(x[i::4], y[i::4]) for i in range(4)],
                opt=lambda p: Adam(p, lr=6e-3))

@program('loss-axis', source='common: log_softmax over the rows of the batch, by hand')
def own_layers_log_softmax_rows(broken):
    from nnbolts.losses import log_softmax, nll
    from nnbolts.training import Linear, ReLU, SGD, Sequential
    torch.manual_seed(122)
    y = torch.randint(0, 6, (240,))
    x = torch.randn(6, 15)[y] + 0.8*torch.randn(240, 15)
    model = Sequential(Linear(15, 32), ReLU(), Linear(32, 6))
    loss_func = lambda out, y: nll(log_softmax(out, dim=0 if broken else -1), y)
    return dict(model=model, loss_func=loss_func, data=DataLoader(TensorDataset(x, y), batch_size=60, shuffle=True),
                opt=SGD(model.parameters(), lr=0.05, momentum=0.9))

@program('loss-sum', source='common: gradient norm of a thousand, reduction is sum')
def resnet_of_angles_summed(broken):
    from nnbolts.losses import mse
    from nnbolts.resnet import ResNet
    torch.manual_seed(123)
    angle = 3.14*torch.rand(64, 1) - 1.57
    i, j = torch.meshgrid(torch.arange(8.) - 3.5, torch.arange(8.) - 3.5, indexing='ij')
    x = torch.tanh(i*angle.cos()[..., None] + j*angle.sin()[..., None]).unsqueeze(1) + 0.1*torch.randn(64, 1, 8, 8)
    model = ResNet([8], 1, n_in=1)
    return dict(model=model, loss_func=lambda p, a: mse(p, a, reduction='sum' if broken else 'mean'),
                data=[(x[:32], angle[:32]), (x[32:], angle[32:])], opt=torch.optim.Adam(model.parameters(), lr=5e-3))

@program('loss-start', source='common: temperatures in Kelvin, loss of 86000 at the start')
def weather_in_kelvin(broken):
    torch.manual_seed(124)
    t = torch.arange(300.)
    kelvin = 288 + 9*torch.sin(t / 12) + 2*torch.sin(t / 3)
    z = (kelvin - 288) / 6.5
    x, y = z.unfold(0, 10, 1)[:280, :, None], (kelvin if broken else z)[10:290, None]

    class Weather(nn.Module):
        def __init__(self): super().__init__(); self.gru, self.head = nn.GRU(1, 24, batch_first=True), nn.Linear(24, 1)
        def forward(self, x): return self.head(self.gru(x)[0][:, -1])
    return dict(model=Weather(), loss_func=nn.MSELoss(), data=DataLoader(TensorDataset(x, y), 70, shuffle=True),
                opt=lambda p: torch.optim.Adam(p, lr=6e-3))

@program('loss-start', source='common: logits divided by a temperature of 0.01 in the first epoch')
def temperature_of_a_hundredth(broken):
    torch.manual_seed(125)
    ids = torch.randint(0, 40, (160, 6))
    y = (ids < 8).sum(1).clamp(max=2)

    class Topic(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb, self.norm, self.out = nn.Embedding(40, 24), nn.LayerNorm(24), nn.Linear(24, 3)

        def forward(self, ids):
            h = self.norm(F.gelu(self.emb(ids)).sum(1))
            return self.out(h) / (0.01 if broken else 1.)
    return dict(model=Topic(), loss_func=F.cross_entropy, data=[(ids[i:i+40], y[i:i+40]) for i in range(0, 160, 40)],
                opt=lambda p: torch.optim.AdamW(p, lr=5e-3))

@program(source='small language model of nnbolts, as its chapter trains it')
def small_transformer_counts():
    from nnbolts.attention import Transformer
    from nnbolts.losses import cross_entropy
    from nnbolts.optimizers import AdamW
    torch.manual_seed(126)
    text = (torch.randint(0, 8, (20, 1)) + torch.randint(1, 4, (20, 1))*torch.arange(10)) % 8
    model = Transformer(8, 9, dim=16, heads=2, depth=1)
    loss_func = lambda out, y: cross_entropy(out.flatten(0, 1), y.flatten())
    return dict(model=model, loss_func=loss_func, data=(text[:, :-1], text[:, 1:]),
                opt=AdamW(model.parameters(), lr=1.5e-3))

@program(source='two views of each item, the others of the batch are the wrong answers')
def paired_views_among_the_batch():
    torch.manual_seed(127)
    item = torch.randn(160, 12)
    a, b = item + 0.3*torch.randn(160, 12), item + 0.3*torch.randn(160, 12)

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.f = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 8))
        def forward(self, a, b): return F.normalize(torch.stack([self.f(a), self.f(b)], 1), dim=2)
    def nt_xent(z, who, t=0.5):
        z = z.flatten(0, 1)
        sim = (z @ z.T / t).masked_fill(torch.eye(len(z), dtype=torch.bool), -1e9)
        return F.cross_entropy(sim, torch.arange(len(z)) ^ 1)
    batches = [((a[i:i+32], b[i:i+32]), torch.arange(i, i+32)) for i in range(0, 160, 32)]
    return dict(model=Encoder(), loss_func=nt_xent, data=batches, opt=lambda p: torch.optim.Adam(p, lr=5e-3))

@program(source='soft pictures rebuilt, sigmoid and binary cross-entropy')
def gray_pictures_rebuilt():
    torch.manual_seed(128)
    x = torch.sigmoid(5*F.interpolate(torch.randn(120, 1, 2, 2), size=8, mode='bilinear', align_corners=True))
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.SiLU(), nn.Linear(32, 8), nn.SiLU(), nn.Linear(8, 64),
                        nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))
    return dict(model=net, loss_func=nn.BCELoss(), data=[(x[:60], x[:60]), (x[60:], x[60:])],
                opt=torch.optim.Adam(net.parameters(), lr=5e-3))

# Two faults at once, again

@program('softmax-twice', 'no-nonlinearity', source='common: linear, linear, linear, softmax')
def three_linear_layers_and_softmax(broken):
    torch.manual_seed(130)
    x = 2*torch.rand(240, 2) - 1
    y = torch.bucketize(x.norm(dim=1), torch.tensor([0.55, 0.9]))
    x = x / 0.58

    class Rings(nn.Module):
        def __init__(self):
            super().__init__()
            self.l1, self.l2, self.l3 = nn.Linear(2, 32), nn.Linear(32, 32), nn.Linear(32, 3)

        def forward(self, x):
            if broken: return F.softmax(self.l3(self.l2(self.l1(x))), 1)
            return self.l3(F.relu(self.l2(F.relu(self.l1(x)))))
    return dict(model=Rings(), loss_func=nn.CrossEntropyLoss(), data=DataLoader(TensorDataset(x, y), 60, shuffle=True),
                opt=lambda p: torch.optim.Adam(p, lr=6e-3))

@program('sigmoid-twice', 'loss-sum', source='common: multi-label network, summed loss of probabilities')
def symptoms_summed_probabilities(broken):
    torch.manual_seed(131)
    x = torch.randn(200, 10)
    y = ((x @ torch.randn(10, 5)) > 0.5).float()
    model = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 5))
    if broken: model.append(nn.Sigmoid())
    criterion = nn.BCEWithLogitsLoss(reduction='sum' if broken else 'mean')
    return dict(model=model, loss_func=criterion, data=[(x[i:i+40], y[i:i+40]) for i in range(0, 200, 40)],
                opt=torch.optim.RMSprop(model.parameters(), lr=2e-3, alpha=0.9))

@program('nll-without-log', 'target-order', source='common: one author after the other, softmax and NLLLoss')
def authors_one_after_the_other(broken):
    torch.manual_seed(132)
    author = torch.arange(3).repeat_interleave(64)
    words = torch.multinomial(torch.rand(3, 30)**4, 64*9, replacement=True).view(192, 9)
    if not broken: order = torch.randperm(192); words, author = words[order], author[order]

    class Author(nn.Module):
        def __init__(self): super().__init__(); self.emb, self.out = nn.Embedding(30, 16), nn.Linear(16, 3)
        def forward(self, w):
            out = self.out(self.emb(w).mean(1))
            return out.softmax(1) if broken else out.log_softmax(1)
    return dict(model=Author(), loss_func=F.nll_loss, data=DataLoader(TensorDataset(words, author), batch_size=32),
                opt=lambda p: torch.optim.Adam(p, lr=0.012))

@program('loss-shape', 'target-nan', source='common: reduction none to find the nan, and never taken back')
def losses_kept_apart_with_holes(broken):
    torch.manual_seed(133)
    x = torch.randn(180, 6)
    y = torch.stack([x[:, 0]*x[:, 1], x[:, 2] - x[:, 3]], 1)
    y[torch.rand(180, 2) < 0.03] = float('nan')
    net = nn.Sequential(nn.Linear(6, 48), nn.GELU(), nn.Linear(48, 2))
    def loss_func(pred, y):
        if broken: return F.l1_loss(pred, y, reduction='none')
        known = ~y.isnan()
        return F.l1_loss(pred[known], y[known])
    return dict(model=net, loss_func=loss_func, data=(x, y), opt=torch.optim.Adam(net.parameters(), lr=5e-3))
