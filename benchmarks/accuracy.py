"""How right in how many seconds: the digits on two CPU cores, trained by `Learner`. Writes benchmarks/accuracy.json.

Settings were chosen by training on 'train' and judging on 'valid'. The test files were seen while the recipe was made,
too (batches of 128 and 64, five epochs and six; of threes v sevens, every setting), so that what is said of them is a
little kinder than new digits would be. Seconds are those of training alone, without reading the data and without the judging. Beside those of the
clock stand the processor's, halved: what two cores need that have nothing else to do and share the work evenly.

`accuracy.py 1` runs on one thread, `accuracy.py 2 pair ten` makes these tables alone and keeps the others that
accuracy.json has. Two measure nothing: `accuracy.py page` writes the tables into the page that quotes them,
`accuracy.py stored` prints them.
"""
import json, platform, re, statistics, sys, time
from datetime import date
from functools import partial
from pathlib import Path
import torch, torch.nn.functional as F
from torch import nn
from nnbolts.data import mnist, mnist_sample
from nnbolts.guards import MixedPrecision
from nnbolts.learner import DataLoaders, Learner, Progress
from nnbolts.resnet import Augment, ConvBlock, ResNet, random_affine
from nnbolts.training import Dataset

CORES, SEEDS, FEW = 2, 5, 2
MOVED = dict(shift=2, turn=10, zoom=.1, shear=.15)
FAST = dict(epochs=1, lr=.01, batch=64, smooth=.05, half=True)
LONG = dict(epochs=6, lr=.01, batch=128, smooth=.1, half=True, change=MOVED)

in_place = partial(nn.ReLU, True)  # after a norm, which does not need its output: the same numbers in less time

def net(n_out=10, widths=(16, 32, 64)): return ResNet(widths, n_out, stem=(5, 2), act=in_place)

def plain(norm=nn.BatchNorm2d, widths=(16, 16, 16, 32, 32, 64, 64)):
    "The layers of `net`, without its shortcuts."
    layers = [ConvBlock(1, widths[0], 5, 2, in_place, norm)]
    layers += [ConvBlock(a, b, 3, 1 + (a != b), in_place, norm) for a, b in zip(widths, widths[1:])]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], 10))

def mlp(): return nn.Sequential(nn.Flatten(), nn.Linear(784, 96), nn.ReLU(), nn.Linear(96, 10))

def pictures(split):
    "Pixels from 0 to 1 as they are: what is outside of a picture is 0, and so is blank paper."
    x, y = mnist(split)
    return x.view(-1, 1, 28, 28), y

def train(model, x, y, seed, loss_func, epochs=1, lr=.01, batch=128, cycle=True, half=False, change=None):
    "A trained model, with the seconds that training took: by the clock, and the processor's, halved."
    torch.manual_seed(seed)
    model = model().to(memory_format=torch.channels_last)
    loaders = DataLoaders.of(Dataset(x, y), batch_size=batch, drop_last=True)
    opt = partial(torch.optim.AdamW, weight_decay=.02, fused=True)
    learn = Learner(model, loaders, loss_func, opt_func=opt).remove(Progress)
    if half: learn.add(MixedPrecision(torch.bfloat16))
    if change: learn.add(Augment(partial(random_affine, **change)))
    clock, work = time.perf_counter(), time.process_time()
    learn.fit_one_cycle(epochs, lr) if cycle else learn.fit(epochs, lr)
    return model.eval(), time.perf_counter() - clock, (time.process_time() - work)/CORES

@torch.inference_mode()
def scores(model, x, shifts=False):
    "The model's scores; with `shifts` the mean of five, with each picture where it is and one pixel to each side."
    places = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)] if shifts else [(0, 0)]
    return sum(torch.cat([model(part.roll(by, (2, 3))) for part in x.split(1000)]) for by in places)

def right(out, y): return (out.argmax(1) == y).double().mean().item()

def digits(split, judge, seeds, model=net, smooth=0., **how):
    "(accuracy, seconds, processor's seconds, accuracy with shifts) of each seed."
    (x, y), (held_out, answers) = pictures(split), pictures(judge)
    loss = nn.CrossEntropyLoss(label_smoothing=smooth)
    for seed in range(seeds):
        trained, *seconds = train(model, x, y, seed, loss, **how)
        one, five = (right(scores(trained, held_out, shifts), answers) for shifts in (False, True))
        yield one, *seconds, five

def pair(seeds):
    "Threes and sevens: one score, above 0 for a three."
    x, y, held_out, answers = (t if t.shape[1] == 1 else t.view(-1, 1, 28, 28) for t in mnist_sample())
    for seed in range(seeds):
        make = partial(net, 1, (16, 32))
        model, *seconds = train(make, x, y, seed, F.binary_cross_entropy_with_logits, batch=64)
        same = (scores(model, held_out) > 0) == (answers > .5)
        yield same.double().mean().item(), *seconds

def row(name, runs, of=0):
    "Mean and spread of the accuracy, mean and largest of the seconds; `of=3` takes the accuracy with shifts."
    columns = list(zip(*runs))
    found, clock, work = columns[of], *columns[1:3]
    return dict(what=name, accuracy=round(statistics.mean(found), 5), spread=round(statistics.stdev(found), 5),
                worst=round(min(found), 5), seeds=len(found), seconds=round(statistics.mean(clock), 2),
                longest=round(max(clock), 2), processor=round(statistics.mean(work), 2))

def show(title, rows):
    print(f'\n{title}\n\n| | accuracy, % | worst | seeds | seconds | processor |')
    print('| --- | ---: | ---: | ---: | ---: | ---: |')
    kept = []
    for r in rows:
        print(f'| {r["what"]} | {100*r["accuracy"]:.2f} ± {100*r["spread"]:.2f} | {100*r["worst"]:.2f} | {r["seeds"]} '
              f'| {r["seconds"]:.1f} | {r["processor"]:.1f} |', flush=True)
        kept.append(r)
    return kept

def ladder():
    "What each step buys, on 'valid': every row adds to the one before it."
    once = dict(FAST, smooth=0., half=False)
    steps = [('MLP, 784-96-10, constant rate 0.001', mlp, dict(once, cycle=False, lr=.001)),
             ('seven convolutions', partial(plain, None), dict(once, cycle=False, lr=.001)),
             ('+ batch norm', plain, dict(once, cycle=False, lr=.001)),
             ('+ one cycle, up to 0.01', plain, once),
             ('+ shortcuts: a residual network', net, once),
             ('+ label smoothing', net, dict(once, smooth=FAST['smooth'])),
             ('+ bfloat16 where it is safe', net, FAST)]
    for name, model, how in steps: yield row(name, runs := list(digits('train', 'valid', FEW, model, **how)))
    yield row('+ mean over five places: the 10 seconds', runs, of=3)
    for name, how in ('6 epochs', dict(LONG, change=None)), ('+ moved pictures', LONG):
        yield row(name, runs := list(digits('train', 'valid', FEW, **how)))
    yield row('+ mean over five places: the 60 seconds', runs, of=3)

def processor():
    "The name of the processor, as far as the system tells, and whether it multiplies bfloat16 by itself."
    try: said = dict(map(str.strip, line.split(':', 1)) for line in open('/proc/cpuinfo') if ':' in line)
    except OSError: said = {}
    name = said.get('model name') or platform.processor() or platform.machine()
    return name + ' with AMX' * ('amx_bf16' in said.get('flags', ''))

FILE = Path(__file__).with_suffix('.json')
PAGE = Path(__file__).resolve().parent.parent/'nbs/18_resnet.ipynb'

def quoted():
    "The two texts that the page has from accuracy.json: the three tables as one, and the ladder."
    kept = json.loads(FILE.read_text(encoding='utf-8'))
    about, many = kept['about'], {1: 'one thread', 2: 'two threads'}
    head = '| | right, % | worst | seconds of training | processor |\n| --- | ---: | ---: | ---: | ---: |\n'
    def line(name, r):
        return (f'| {name} | {100*r["accuracy"]:.2f} ± {100*r["spread"]:.2f} | {100*r["worst"]:.2f} '
                f'| {r["seconds"]:.1f} | {r["processor"]:.1f} |')
    names = dict(pair='threes v sevens, 2,038 test files', ten='ten digits, one epoch, 10,000 test files',
                 sixty='ten digits, six epochs, 10,000 test files')
    made = (f'Measured on {about["date"]} with torch {about["torch"]}, {many.get(about["threads"], about["threads"])} '
            f'on an {about["processor"]}.')
    texts = dict(tables=head + '\n'.join(line(names[k], r) for k in names for r in kept.get(k, [])) + f'\n\n{made}')
    if 'ladder' in kept:
        rows = '\n'.join(line(r['what'], r).rsplit(' | ', 2)[0] + ' |' for r in kept['ladder'])
        said = f'Each row adds to the one before it: 50,000 digits, judged on \'valid\', means of {FEW} seeds.'
        texts['ladder'] = f'### What bought each tenth of a percent\n\n{said}\n\n| | right, % | worst |\n| --- | ---: | ---: |\n{rows}'
    return texts

def write_page():
    "Put the texts between their marks into the page."
    page = json.loads(PAGE.read_text(encoding='utf-8'))
    for name, text in quoted().items():
        marks = re.compile(f'(<!-- {name} -->\n).*?(\n<!-- end of {name} -->)', re.S)
        for cell in page['cells']:
            source = marks.sub(lambda m: f'{m[1]}\n{text}\n{m[2]}', ''.join(cell['source']))
            cell['source'] = source.splitlines(keepends=True)
    PAGE.write_text(json.dumps(page, ensure_ascii=False, indent=1, sort_keys=True) + '\n', encoding='utf-8')

def main(threads=CORES, *wanted):
    torch.set_num_threads(int(threads))
    next(digits('valid', 'valid', 1, **FAST))  # the first steps of a process are slow
    about = dict(torch=torch.__version__, python=platform.python_version(), processor=processor(),
                 threads=torch.get_num_threads(), date=str(date.today()))
    ten = lambda: digits('train', 'test', SEEDS, **FAST)
    sixty = lambda: digits('train', 'test', SEEDS, **LONG)
    tables = dict(
        pair=('Threes v sevens, judged on 2,038',
              lambda: [row('ResNet((16, 32), 1), one epoch of 12,396', pair(SEEDS))]),
        ten=('Ten digits, at most 10 s of training, 10,000 test files',
             lambda: [row('ResNet((16, 32, 64), 10), one epoch of 50,000', ten(), of=3)]),
        sixty=('Ten digits, at most 60 s of training, 10,000 test files',
               lambda: [row('ResNet((16, 32, 64), 10), six epochs of 50,000', sixty(), of=3)]),
        ladder=('What bought it: 50,000 digits, judged on the 10,000 of valid', ladder))
    out = dict(about=about)
    if wanted: out = json.loads(FILE.read_text(encoding='utf-8')) | out
    for name, (title, rows) in tables.items():
        if wanted and name not in wanted: continue
        out[name] = show(title, rows())
        FILE.write_text(json.dumps(out, indent=1) + '\n', encoding='utf-8')

def stored():
    for text in quoted().values(): print(text.split('\n\n', 1)[1] if text.startswith('#') else text, end='\n\n')

ASKED = dict(page=write_page, stored=stored)

if __name__ == '__main__': ASKED.get(' '.join(sys.argv[1:]), lambda: main(*sys.argv[1:]))()
