"""What watching costs: training with the statistics of nnbolts.hooks over training without them, and the memory after
many steps."""
import os, subprocess, sys, time
from contextlib import ExitStack
import torch
from torch import nn
from nnbolts.data import mnist
from nnbolts.hooks import ActivationStats, GradientStats, Hooks, UpdateRatio

class KeepsTensors:
    "What the statistics would be with one small tensor kept from each step."
    def __init__(self, model):
        self.kept, self.hooks = [], Hooks([m for m in model if isinstance(m, nn.ReLU)], self.look)

    def look(self, m, args, out):
        out = out.detach()
        self.kept.append((out.mean(), out.std(), (out == 0).all(0).float().mean(), torch.histc(out, 40, -4, 4)))

    def __enter__(self): self.hooks.__enter__()
    def __exit__(self, *error): self.hooks.remove()

WATCHERS = {'nothing': lambda m, opt, every: [],
            'a small tensor kept from each step': lambda m, opt, every: [KeepsTensors(m)],
            'ActivationStats': lambda m, opt, every: [ActivationStats(m, every=every)],
            'GradientStats': lambda m, opt, every: [GradientStats(m, every=every)],
            'UpdateRatio': lambda m, opt, every: [UpdateRatio(m, every, opt)]}

def resident():
    "Megabytes of memory that this process holds."
    return int(next(line for line in open('/proc/self/status') if line.startswith('VmRSS')).split()[1]) / 1024

def grown(name, steps=(100, 500, 1000, 2000)):
    "Print the megabytes that the memory has grown by since step 50, training an MLP 64-4096-10 with batches of 32."
    torch.set_num_threads(1)
    model = nn.Sequential(nn.Linear(64, 4096), nn.ReLU(), nn.Linear(4096, 10))
    opt, x, out = torch.optim.SGD(model.parameters(), 1e-3), torch.randn(32, 64), []
    with ExitStack() as stack:
        for watcher in WATCHERS[name](model, opt, 1): stack.enter_context(watcher)
        for i in range(max(steps) + 1):
            if i == 50: start = resident()
            if i in steps: out.append(f'{resident() - start:.0f}')
            model(x).square().mean().backward()
            opt.step()
            opt.zero_grad()
    print(f'| {name} | {" | ".join(out)} |', flush=True)

def memory():
    print('\nMegabytes grown since step 50, MLP 64-4096-10, batch 32, one thread.\n\n'
          '| watching, after steps | 100 | 500 | 1000 | 2000 |\n| --- | ---: | ---: | ---: | ---: |', flush=True)
    for name in WATCHERS:
        subprocess.run([sys.executable, __file__, name], check=True, env={**os.environ, 'OMP_NUM_THREADS': '1'})

def seconds(watchers, batches):
    "Of one epoch."
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 50), nn.ReLU(), nn.Linear(50, 10))
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    with ExitStack() as stack:
        for make in watchers:
            for watcher in make(model, opt, 10): stack.enter_context(watcher)
        start = time.perf_counter()
        for x, y in batches:
            nn.functional.cross_entropy(model(x), y).backward()
            opt.step()
            opt.zero_grad()
        return time.perf_counter() - start

def main(rounds=9):
    torch.set_num_threads(1)
    batches = list(zip(*(t[:20_000].split(64) for t in mnist('train'))))
    names = ['ActivationStats', 'GradientStats', 'UpdateRatio']
    makes = {'nothing': [], **{name: [WATCHERS[name]] for name in names}, 'all three': [WATCHERS[n] for n in names]}
    took = {k: [] for k in makes}
    for _ in range(rounds):
        for k, make in makes.items(): took[k].append(seconds(make, batches))
    print('MLP 784-50-10, batch 64, one thread, every 10th batch.\n\n'
          '| watching | us a batch | over nothing |\n| --- | ---: | ---: |')
    for k, t in took.items(): print(f'| {k} | {1e6*min(t)/len(batches):.0f} | {min(t)/min(took["nothing"]):.3f} |')

if __name__ == '__main__':
    if len(sys.argv) > 1: grown(sys.argv[1])
    else:
        main()
        memory()
