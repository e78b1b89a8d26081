"""What `nnbolts.watch` costs: training of an MLP inside of `with watch(model, opt)` over the same training without it.

Both take turns in one process, training by training, so that a slow moment of the machine hits both."""
import statistics, sys, time
import torch, torch.nn.functional as F
from torch import nn
from nnbolts.watch import watch

BATCH, EPOCHS, ROUNDS = 64, 3, 9
SIZES = {'784-50-10': (784, 50, 10), '784-512-512-10': (784, 512, 512, 10)}

def data(n):
    "Numbers of the shapes of the digits: the time does not depend on the values."
    g = torch.Generator().manual_seed(0)
    x, y = torch.randn(n, 784, generator=g), torch.randint(0, 10, (n,), generator=g)
    return list(zip(x.split(BATCH), y.split(BATCH)))

def mlp(sizes):
    torch.manual_seed(0)
    layers = [layer for a, b in zip(sizes, sizes[1:]) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1])

def train(model, opt, batches):
    for x, y in batches * EPOCHS:
        opt.zero_grad()
        F.cross_entropy(model(x), y).backward()
        opt.step()

def seconds(sizes, make, batches, watched):
    "Of a training, with the ways into and out of the block."
    model = mlp(sizes)
    opt = make(model.parameters())
    start = time.perf_counter()
    if watched:
        with watch(model, opt): train(model, opt, batches)
    else: train(model, opt, batches)
    return time.perf_counter() - start

def main(rounds=ROUNDS):
    torch.set_num_threads(1)
    makes = {'SGD': lambda ps: torch.optim.SGD(ps, 0.01), 'Adam': lambda ps: torch.optim.Adam(ps, 1e-3)}
    print('Three epochs, batches of 64, one thread.\n\n| MLP | optimizer | ratio, median | least over least | us a batch '
          '| watched | batches |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |')
    for name, sizes in SIZES.items():
        batches = data(40_000 if sizes[1] < 100 else 8_000)
        for kind, make in makes.items():
            took = {False: [], True: []}
            for i in range(rounds):
                for watched in (False, True) if i % 2 else (True, False):
                    took[watched].append(seconds(sizes, make, batches, watched))
            plain, seen = ([1e6 * t / len(batches) / EPOCHS for t in took[w]] for w in (False, True))
            ratio = statistics.median(b / a for a, b in zip(plain, seen))
            middle = ' | '.join(f'{statistics.median(t):.0f}' for t in (plain, seen))
            least = min(seen) / min(plain)
            print(f'| {name} | {kind} | {ratio:.3f} | {least:.3f} | {middle} | {len(batches)} |', flush=True)

if __name__ == '__main__': main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
