"""How right in how many seconds: the digits on two CPU cores, trained by `Learner`. Writes benchmarks/accuracy.json.

Settings were chosen by training on 'train' and judging on 'valid'; the test files are judged once, by the three
tables. Seconds are those of training alone, without reading the data and without the judging. The processor's seconds,
shared among the threads, stand beside those of the clock: on a quiet machine the two are nearly the same.
"""
import json, platform, statistics, time
from datetime import date
from functools import partial
from pathlib import Path
import torch, torch.nn.functional as F
from torch import nn
from nnbolts.data import mnist, mnist_sample
from nnbolts.learner import DataLoaders, Learner, Progress
from nnbolts.resnet import Augment, ConvBlock, ResNet, random_affine
from nnbolts.training import Dataset

THREADS, SEEDS, FEW = 2, 5, 3
MOVED = dict(shift=2, turn=10, zoom=.1, shear=.15)
FAST = dict(epochs=1, lr=.01, batch=128, smooth=.05)
LONG = dict(epochs=6, lr=.01, batch=128, smooth=.1, change=MOVED)

def net(n_out=10, widths=(16, 32, 64)): return ResNet(widths, n_out, stem=(5, 2))

def plain(norm=nn.BatchNorm2d, widths=(16, 16, 16, 32, 32, 64, 64)):
    "The layers of `net`, without its shortcuts."
    layers = [ConvBlock(1, widths[0], 5, 2, norm=norm)]
    layers += [ConvBlock(a, b, 3, 1 + (a != b), norm=norm) for a, b in zip(widths, widths[1:])]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], 10))

def mlp(): return nn.Sequential(nn.Flatten(), nn.Linear(784, 96), nn.ReLU(), nn.Linear(96, 10))

def pictures(split):
    x, y = mnist(split)
    return scaled(x), y

def scaled(x): return ((x - .1307)/.3081).view(-1, 1, 28, 28)  # mean 0, spread 1: blank paper is -0.42

def moved(x, **by):
    "Moved and turned, with blank paper coming in from outside."
    return random_affine(x - x.min(), **by) + x.min()

def train(model, x, y, seed, loss_func, epochs=1, lr=.01, batch=128, cycle=True, change=None):
    "A trained model, with the seconds that training took: by the clock, and the processor's for each thread."
    torch.manual_seed(seed)
    model = model().to(memory_format=torch.channels_last)
    loaders = DataLoaders.of(Dataset(x, y), batch_size=batch, drop_last=True)
    opt = partial(torch.optim.AdamW, weight_decay=.02)
    learn = Learner(model, loaders, loss_func, opt_func=opt).remove(Progress)
    if change: learn.add(Augment(partial(moved, **change)))
    clock, work = time.perf_counter(), time.process_time()
    learn.fit_one_cycle(epochs, lr) if cycle else learn.fit(epochs, lr)
    return model.eval(), time.perf_counter() - clock, (time.process_time() - work)/torch.get_num_threads()

@torch.inference_mode()
def scores(model, x, shifts=False):
    "The model's scores; with `shifts` the mean of five, with each picture where it is and one pixel to each side."
    places = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)] if shifts else [(0, 0)]
    return sum(torch.cat([model(part.roll(by, (2, 3))) for part in x.split(1000)]) for by in places)

def right(out, y): return (out.argmax(1) == y).double().mean().item()

def digits(split, judge, seeds, model=net, shifts=False, smooth=0., **how):
    "(accuracy, seconds, processor's seconds) of each seed."
    (x, y), (held_out, answers) = pictures(split), pictures(judge)
    loss = nn.CrossEntropyLoss(label_smoothing=smooth)
    for seed in range(seeds):
        model_, *seconds = train(model, x, y, seed, loss, **how)
        yield right(scores(model_, held_out, shifts), answers), *seconds

def pair(seeds):
    "Threes and sevens: one score, above 0 for a three."
    x, y, held_out, answers = mnist_sample()
    for seed in range(seeds):
        make = partial(net, 1, (16, 32))
        model, *seconds = train(make, scaled(x), y, seed, F.binary_cross_entropy_with_logits, batch=64)
        yield ((scores(model, scaled(held_out)) > 0) == (answers > .5)).double().mean().item(), *seconds

def row(name, runs):
    "Mean and spread of the accuracy, mean and largest of the seconds, as they come."
    found, clock, work = zip(*runs)
    return dict(what=name, accuracy=round(statistics.mean(found), 5), spread=round(statistics.stdev(found), 5),
                worst=round(min(found), 5), seeds=len(found), seconds=round(statistics.mean(clock), 2),
                longest=round(max(clock), 2), processor=round(statistics.mean(work), 2))

def show(title, rows):
    print(f'\n{title}\n\n| | accuracy, % | worst | seeds | seconds | processor |\n| --- | ---: | ---: | ---: | ---: | ---: |')
    kept = []
    for r in rows:
        print(f'| {r["what"]} | {100*r["accuracy"]:.2f} ± {100*r["spread"]:.2f} | {100*r["worst"]:.2f} | {r["seeds"]} '
              f'| {r["seconds"]:.1f} | {r["processor"]:.1f} |', flush=True)
        kept.append(r)
    return kept

def ladder():
    "What each step buys, on 'valid': every row adds to the one before it."
    once = dict(FAST, smooth=0.)
    steps = [('MLP, 784-96-10, constant rate 0.001', mlp, dict(once, cycle=False, lr=.001)),
             ('seven convolutions', partial(plain, None), dict(once, cycle=False, lr=.001)),
             ('+ batch norm', plain, dict(once, cycle=False, lr=.001)),
             ('+ one cycle, up to 0.01', plain, once),
             ('+ shortcuts: a residual network', net, once),
             ('+ label smoothing: the recipe of the 10 seconds', net, FAST)]
    for name, model, how in steps: yield row(name, digits('train', 'valid', FEW, model, **how))
    for name, how in [('+ 6 epochs instead of one', dict(LONG, change=None)),
                      ('+ moved pictures', LONG), ('+ mean over five places: the 60 seconds', dict(LONG, shifts=True))]:
        yield row(name, digits('train', 'valid', 2, **how))

def processor():
    "The name of the processor, as far as the system tells."
    try: return next(line.split(':')[1].strip() for line in open('/proc/cpuinfo') if line.startswith('model name'))
    except (OSError, StopIteration): return platform.processor() or platform.machine()

def main():
    torch.set_num_threads(THREADS)
    next(digits('valid', 'valid', 1, **FAST))  # the first steps of a process are slow
    out = dict(
        pair=show('Threes v sevens, one epoch of 12,396, judged on 2,038', [row('ResNet((16, 32), 1)', pair(SEEDS))]),
        ten=show('Ten digits, at most 10 s of training, 10,000 test files',
                 [row('one epoch of 60,000', digits('full', 'test', SEEDS, **FAST))]),
        sixty=show('Ten digits, at most 60 s of training, 10,000 test files',
                   [row('6 epochs of 60,000', digits('full', 'test', SEEDS, shifts=True, **LONG))]),
        ladder=show('What bought it: 50,000 digits, judged on the 10,000 of valid', ladder()))
    out['about'] = dict(torch=torch.__version__, python=platform.python_version(), processor=processor(),
                        threads=THREADS, date=str(date.today()))
    Path(__file__).with_suffix('.json').write_text(json.dumps(out, indent=1) + '\n', encoding='utf-8')

if __name__ == '__main__': main()
