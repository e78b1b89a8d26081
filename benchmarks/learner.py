"""What a training loop costs beside the arithmetic: microseconds a batch, one thread, MNIST, 784-50-10, batches of 64.

The alternatives of a table take turns, round by round, so that a slow moment of the machine hits all of them. Other
trainers are measured in `.venv-bench`, an environment of their own, each in a process beside a bare loop of its own;
what is not there is left out. `make bench-peers` makes it.
"""

import contextlib, io, logging, os, statistics, subprocess, sys, time, warnings
from pathlib import Path
import torch, torch.nn.functional as F
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
BATCH, ROUNDS = 64, 15

def data():
    "Numbers of the shapes of the 50,000 digits: the time does not depend on the values."
    g = torch.Generator().manual_seed(0)
    return torch.rand(50_000, 784, generator=g), torch.randint(0, 10, (50_000,), generator=g)

def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(784, 50), nn.ReLU(), nn.Linear(50, 10))

def bare(batches, valid=None):
    "The loop that everything is measured against; with `valid` also loss and accuracy on those batches."
    model = net()
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    def run():
        model.train()
        for xb, yb in batches:
            loss = F.cross_entropy(model(xb), yb)
            loss.backward()
            opt.step()
            opt.zero_grad()
        if valid is None: return
        model.eval()
        loss = right = n = 0
        with torch.no_grad():
            for xb, yb in valid:
                pred = model(xb)
                loss, right, n = loss + F.cross_entropy(pred, yb) * len(yb), right + accuracy(pred,
                                                                                              yb) * len(yb), n + len(yb)
        return (loss / n).item(), (right / n).item()
    return run

def accuracy(pred, y): return (pred.argmax(-1) == y).float().mean()

class Batches:
    "Batches made beforehand, so that only the loop is measured."
    def __init__(self, batches): self.batches = batches
    def __iter__(self): return iter(self.batches)
    def __len__(self): return len(self.batches)

def quiet(f):
    "Without what it prints, which is part of its work all the same."
    def run():
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()): f()
    return run

def ours():
    "Alternatives made of nnbolts, in groups that each begin with what the others are compared with, with torch's SGD."
    from nnbolts.learner import Checks, CtrlC, DataLoaders, Learner, Metrics, Progress, Recorder
    from nnbolts.training import DataLoader, Dataset
    from nnbolts.data import mnist
    (x, y), (vx, vy) = mnist('train'), mnist('valid')
    batches, valid = Batches(list(zip(x.split(BATCH), y.split(BATCH)))), Batches(list(zip(vx.split(BATCH),
                                                                                          vy.split(BATCH))))
    learner = lambda *dls, **kwargs: Learner(net(), DataLoaders(*dls), F.cross_entropy, opt_func=torch.optim.SGD,
                                             **kwargs)
    fit = lambda learn: quiet(lambda: learn.fit(1))
    plain, tensors, Theirs = (
        learner(batches).remove(Checks, Metrics, Recorder, Progress, CtrlC),
        torch.utils.data.TensorDataset(x, y),
        torch.utils.data.DataLoader,
    )
    return {'one epoch of training, batches made beforehand': {
        'bare loop': bare(batches),
        'Learner, no callbacks': fit(plain),
        'Learner as it comes: figures, record, table, bar, checks': fit(learner(batches))},
    'training and validation with accuracy': {
        'bare loop': bare(batches, valid),
        'Learner as it comes, with accuracy and bar': fit(learner(batches, valid, metrics=accuracy))},
    'one epoch of training, bare loop, data loader': {
        'batches made beforehand': bare(batches),
        'our DataLoader': bare(DataLoader(Dataset(x, y), BATCH)),
        'our DataLoader, shuffled': bare(DataLoader(Dataset(x, y), BATCH, shuffle=True)),
        "PyTorch's DataLoader": bare(Theirs(tensors, BATCH)),
        "PyTorch's DataLoader, shuffled": bare(Theirs(tensors, BATCH, shuffle=True))}}, len(batches)

# --- other trainers: a function for each, which gives something to run one epoch with

def peer_skorch(batches):
    import skorch
    def iterator(dataset, **kwargs): return batches
    model = skorch.NeuralNet(net, criterion=nn.CrossEntropyLoss, optimizer=torch.optim.SGD, lr=0.1, max_epochs=1,
                             train_split=None,
                             iterator_train=iterator, warm_start=True, verbose=0)
    x, y = batches.batches[0]
    model.initialize()
    return lambda: model.partial_fit(x, y)

def peer_lightning(batches):
    import lightning as L
    for name in ('lightning', 'lightning.pytorch', 'lightning.fabric'): logging.getLogger(name).setLevel(logging.ERROR)
    class Module(L.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = net()
        def training_step(self, batch, i): return F.cross_entropy(self.net(batch[0]), batch[1])
        def configure_optimizers(self): return torch.optim.SGD(self.parameters(), lr=0.1)
    def run():
        L.Trainer(max_epochs=1, accelerator='cpu', logger=False, enable_checkpointing=False, enable_progress_bar=False,
                  enable_model_summary=False).fit(Module(), batches)
    return run

def peer_fastai(batches):
    import fastai.callback.progress  # gives the learner no_bar
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.optimizer import OptimWrapper
    batches.device, batches.dataset, batches.to = torch.device('cpu'), [0], lambda device: batches
    learn = Learner(DataLoaders(batches, batches), net(), loss_func=nn.CrossEntropyLoss(), opt_func=lambda p, lr,
                    **kw: OptimWrapper(p, torch.optim.SGD, lr=lr), lr=0.1)
    def run():
        with learn.no_bar(), learn.no_logging():
            learn._do_epoch_validate = lambda *args: None
            learn.fit(1)
    return run

PEERS = dict(skorch=peer_skorch, lightning=peer_lightning, fastai=peer_fastai)

# --- measuring

def measure(alternatives, n, rounds=ROUNDS):
    "Microseconds a batch of each alternative, round by round."
    took = {name: [] for name in alternatives}
    for f in alternatives.values(): f()
    for _ in range(rounds):
        for name, f in alternatives.items():
            start = time.perf_counter()
            f()
            took[name].append((time.perf_counter() - start) / n * 1e6)
    return took

def rows(took):
    "For each: median, least, how much the median of the differences and the least are over the first one's, ratio."
    base = next(iter(took.values()))
    for name, t in took.items():
        over = statistics.median(a - b for a, b in zip(t, base))
        yield name, statistics.median(t), min(t), over, min(t) - min(base), statistics.median(a / b for a,
                                                                                              b in zip(t, base))

def print_rows(found):
    for name, median, least, over, over_least, ratio in found:
        print(f'| {name} | {median:.0f} | {least:.0f} | {over:+.1f} | {over_least:+.1f} | {ratio:.3f} |', flush=True)

HEAD = ('| {} | median, us a batch | least | over the first, median | least | ratio |\n'
        '| --- | ---: | ---: | ---: | ---: | ---: |')

def main():
    torch.set_num_threads(1)
    if sys.argv[1:2] == ['--peer']:
        warnings.filterwarnings('ignore')
        name, (x, y) = sys.argv[2], data()
        batches = Batches(list(zip(x.split(BATCH), y.split(BATCH))))
        took = measure({f'bare loop beside {name}': bare(batches), name: quiet(PEERS[name](batches))}, len(batches), 9)
        return print_rows(rows(took))
    groups, n = ours()
    for title, alternatives in groups.items():
        print(HEAD.format(title))
        print_rows(rows(measure(alternatives, n)))
        print()
    missing, python = [], ROOT/'.venv-bench'/'bin'/'python'
    here = [name for name in PEERS if python.exists() and not subprocess.run([python, '-c', f'import {name}'],
                                                                             capture_output=True).returncode]
    if here: print(HEAD.format('other trainers, batches made beforehand'))
    for name in here:
        done = subprocess.run([python, str(Path(__file__).resolve()), '--peer', name], capture_output=True, text=True,
                              env={**os.environ, 'CUDA_VISIBLE_DEVICES': ''}, cwd='/')
        print(
            (
                done.stdout.strip()
                if done.returncode == 0
                else f'| {name} | failed: {done.stderr.strip().splitlines()[-1][:80]} | | | | |'
            ),
            flush=True,
        )
    missing = [name for name in PEERS if name not in here]
    if missing: print(f'\nNot in .venv-bench, so left out: {", ".join(missing)}.')

if __name__ == '__main__': main()
