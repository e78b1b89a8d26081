"What watching costs: a Learner's fit with the statistics of nnbolts.hooks over one without them, and the memory after many steps."
import os, subprocess, sys, time
import torch
from torch import nn
from nnbolts.data import mnist
from nnbolts.hooks import ActivationStats, GradientStats, Hooks, UpdateRatio
from nnbolts.learner import DataLoaders, Learner, Progress
from nnbolts.training import Dataset

class KeepsTensors:
    "What the statistics would be with one small tensor kept from each step."
    def __init__(self, model):
        self.kept, self.hooks = [], Hooks([m for m in model if isinstance(m, nn.ReLU)], self.look)
    def look(self, m, args, out):
        out = out.detach()
        self.kept.append((out.mean(), out.std(), (out == 0).all(0).float().mean(), torch.histc(out, 40, -4, 4)))
    def __enter__(self): self.hooks.__enter__()
    def __exit__(self, *error): self.hooks.remove()

WATCHERS = {'nothing': lambda m: None, 'a small tensor kept from each step': KeepsTensors,
            'ActivationStats': ActivationStats,
            'GradientStats': GradientStats, 'UpdateRatio': UpdateRatio}

def resident():
    "Megabytes of memory that this process holds."
    return int(next(line for line in open('/proc/self/status') if line.startswith('VmRSS')).split()[1]) / 1024

def grown(name, steps=(100, 500, 1000, 2000)):
    "Print the megabytes that the memory has grown by since step 50, training an MLP 64-4096-10 with batches of 32."
    torch.set_num_threads(1)
    model = nn.Sequential(nn.Linear(64, 4096), nn.ReLU(), nn.Linear(4096, 10))
    opt, watcher, x = torch.optim.SGD(model.parameters(), 1e-3), WATCHERS[name](model), torch.randn(32, 64)
    def step():
        model(x).square().mean().backward()
        if name == 'UpdateRatio': watcher.after_backward(None)
        opt.step()
        if name == 'UpdateRatio': watcher.after_step(None)
        opt.zero_grad()
    out = []
    for i in range(max(steps) + 1):
        if i == 50: start = resident()
        if i in steps: out.append(f'{resident() - start:.0f}')
        if hasattr(watcher, '__enter__'):
            with watcher: step()
        else: step()
    print(f'| {name} | {" | ".join(out)} |', flush=True)

def memory():
    print('\nMegabytes grown since step 50, MLP 64-4096-10, batch 32, one thread.\n\n| watching, after steps | 100 | 500 | 1000 | 2000 |\n| --- | ---: | ---: | ---: | ---: |', flush=True)
    for name in WATCHERS:
        subprocess.run([sys.executable, __file__, name], check=True, env={**os.environ, 'OMP_NUM_THREADS': '1'})

def main(rounds=9):
    torch.set_num_threads(1)
    x, y = mnist('train')
    dls = DataLoaders.of(Dataset(x[:20_000], y[:20_000]), batch_size=64)
    def seconds(make):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(784, 50), nn.ReLU(), nn.Linear(50, 10))
        learn = Learner(model, dls, nn.functional.cross_entropy, lr=0.1, cbs=make(model)).remove(Progress)
        start = time.perf_counter()
        learn.fit(1)
        return time.perf_counter() - start
    makes = {'nothing': lambda m: [], 'ActivationStats': lambda m: [ActivationStats(m, every=10)],
             'GradientStats': lambda m: [GradientStats(m, every=10)],
             'UpdateRatio': lambda m: [UpdateRatio(m, every=10)],
             'all three': lambda m: [ActivationStats(m, every=10), GradientStats(m, every=10),
                                     UpdateRatio(m, every=10)]}
    took = {k: [] for k in makes}
    for _ in range(rounds):
        for k, make in makes.items(): took[k].append(seconds(make))
    batches = len(dls.train)
    print('MLP 784-50-10, batch 64, one thread, every 10th batch.\n\n| watching | us a batch | over nothing |\n| --- | ---: | ---: |')
    for k, t in took.items(): print(f'| {k} | {1e6*min(t)/batches:.0f} | {min(t)/min(took["nothing"]):.3f} |')

if __name__ == '__main__':
    if len(sys.argv) > 1: grown(sys.argv[1])
    else:
        main()
        memory()
