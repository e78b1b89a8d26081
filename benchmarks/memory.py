"""Does memory stay flat while a fit runs? Resident memory, epoch by epoch: an MLP 64-4096-10, 500 batches of 32.

A bare loop, the Learner as it comes, and the Learner with every callback, each in a process of its own. One small
tensor that is kept from each batch is enough for a growth of gigabytes here: it holds on to the heap around it.
"""

import contextlib, io, os, subprocess, sys
import torch, torch.nn.functional as F
from torch import nn

EPOCHS, BATCHES, BATCH = 30, 500, 32

def resident():
    "Megabytes of this process that are in memory."
    with open('/proc/self/statm') as f: return int(f.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 2**20

def setting():
    torch.manual_seed(0)
    x, y = torch.randn(BATCHES * BATCH, 64), torch.randint(0, 10, (BATCHES * BATCH,))
    return nn.Sequential(nn.Linear(64, 4096), nn.ReLU(), nn.Linear(4096, 10)), list(zip(x.split(BATCH), y.split(BATCH)))

def bare(epochs):
    model, batches = setting()
    opt, seen = torch.optim.SGD(model.parameters(), lr=0.01), []
    for _ in range(epochs):
        for x, y in batches:
            F.cross_entropy(model(x), y).backward()
            opt.step()
            opt.zero_grad()
        seen.append(resident())
    return seen

def fitted(epochs, every):
    from nnbolts.callbacks import Callback
    from nnbolts.guards import DeviceCB, EarlyStopping, GradientAccumulation, GradientClip, SaveBest, TerminateOnNaN
    from nnbolts.hooks import ActivationStats, GradientStats, UpdateRatio
    from nnbolts.learner import DataLoaders, Learner
    from nnbolts.schedules import SchedulerCB, one_cycle
    class Watch(Callback):
        order = 1000
        def after_epoch(self, learn): seen.append(resident())
    (model, batches), seen = setting(), []
    def accuracy(pred, y): return (pred.argmax(-1) == y).float().mean()
    cbs = [Watch()]
    if every == 'all':
        cbs += [DeviceCB('cpu'), GradientAccumulation(2), GradientClip(1.), SchedulerCB(one_cycle(0.01)), SaveBest(),
                EarlyStopping(patience=EPOCHS), TerminateOnNaN()]
    if every == 'hooks':
        cbs += [ActivationStats(model, every=10), GradientStats(model, every=10), UpdateRatio(model, every=10)]
    learn = Learner(model, DataLoaders(batches, batches[:50]), F.cross_entropy, lr=0.01, cbs=cbs,
                    opt_func=torch.optim.SGD, metrics=accuracy)
    with contextlib.redirect_stdout(io.StringIO()): learn.fit(epochs)
    return seen

RUNS = {'bare loop': bare, 'Learner as it comes': lambda n: fitted(n, ''),
        "Learner, with schedule and guards": lambda n: fitted(n, 'all'),
        'Learner, with the statistics of hooks': lambda n: fitted(n, 'hooks')}

def main():
    if sys.argv[1:2] == ['--one']:
        torch.set_num_threads(1)
        return print(*(f'{mb:.1f}' for mb in RUNS[sys.argv[2]](int(sys.argv[3]))))
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else EPOCHS
    print(
        '| | after 2 epochs, MB | after 10 | after '
        + f'{epochs} | growth from epoch 2 |\n| --- | ---: | ---: | ---: | ---: |'
    )
    for name in RUNS:
        done = subprocess.run([sys.executable, __file__, '--one', name, str(epochs)], capture_output=True, text=True,
                              check=True)
        seen = list(map(float, done.stdout.split()))
        print(
            f'| {name} | {seen[1]:.0f} | {seen[min(9, len(seen) - 1)]:.0f} | {seen[-1]:.0f} '
            f'| {seen[-1] - seen[1]:+.0f} |',
            flush=True,
        )

if __name__ == '__main__': main()
