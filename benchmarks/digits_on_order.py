"""A transformer that draws digits on order, and one that reads them beside a residual network.

Writes benchmarks/digits_on_order.json.

It computes on one thread, and its seconds are the processor's. The judge is the network of the chapter on residual
networks, trained for one epoch; it has never seen a drawn digit. An argument says how many seeds, 3 without it;
`digits_on_order.py stored` prints what the file has.
"""
import json, platform, statistics, sys, time
from datetime import date
from functools import partial
from pathlib import Path
import torch, torch.nn.functional as F
from torch import nn
from nnbolts.attention import Block, Transformer, generate
from nnbolts.data import mnist
from nnbolts.learner import DataLoaders, Learner, Progress
from nnbolts.guards import GradientClip
from nnbolts.optimizers import AdamW, Muon
from nnbolts.resnet import ResNet
from nnbolts.training import Dataset

PATCHES, STEPS, BATCH = 64, 1000, 64

# --- patches and their names

def patches(x): return x.view(-1, 7, 4, 7, 4).transpose(2, 3).reshape(-1, 49, 16)
def picture(t): return t.view(-1, 7, 7, 4, 4).transpose(2, 3).reshape(-1, 28, 28)

def nearest(x, book): return torch.cat([torch.cdist(part, book).argmin(-1) for part in patches(x).split(2000)])

def learn_patches(x, rounds=20):
    "The empty patch, and 63 that k-means finds among those with ink."
    ink = patches(x).flatten(0, 1)
    ink = ink[ink.sum(1) > .05][:40_000]
    book = ink[torch.randperm(len(ink))[:PATCHES - 1]]
    for _ in range(rounds):
        near = torch.cdist(ink, book).argmin(1)
        book = torch.stack([ink[near == k].mean(0) if (near == k).any() else book[k] for k in range(len(book))])
    return torch.cat([torch.zeros(1, 16), book])

# --- the writer

class Both:
    "Two optimizers as one: Muon for the matrices of the blocks, AdamW for all else."
    def __init__(self, model):
        matrices = [p for p in model.blocks.parameters() if p.dim() == 2]
        chosen = {id(p) for p in matrices}
        rest = [p for p in model.parameters() if id(p) not in chosen]
        self.opts = Float32Muon(matrices, lr=.02, weight_decay=0.), AdamW(rest, lr=.004, weight_decay=.01)
    @property
    def param_groups(self): return [g for opt in self.opts for g in opt.param_groups]
    def step(self): [opt.step() for opt in self.opts]
    def zero_grad(self): [opt.zero_grad() for opt in self.opts]

class Float32Muon(Muon):
    dtype = torch.float32  # few processors are quick at bfloat16

def train_writer(sequences, steps=STEPS):
    "A transformer that has seen steps batches of orders with their digits, and the seconds it took."
    model = Transformer(PATCHES + 10, 49, dim=64, heads=4, depth=4, n_out=PATCHES, norm=nn.LayerNorm)
    chosen = torch.randint(len(sequences), (steps, BATCH))
    batches = [(sequences[i][:, :-1], sequences[i][:, 1:]) for i in chosen]
    def loss(scores, y): return F.cross_entropy(scores.flatten(0, 1), y.flatten())
    learn = Learner(model, DataLoaders(batches), loss, opt_func=Both(model)).remove(Progress)
    start = time.process_time()
    learn.fit_one_cycle(1, .02, .15, cbs=GradientClip(1.))
    return model.eval(), time.process_time() - start, statistics.mean(learn.recorder.losses[-50:])

def draw(model, book, seed, temperature, n=100):
    "n drawn digits, and what was ordered: each class as often."
    ordered = torch.arange(n) % 10
    tokens = generate(model, PATCHES + ordered[:, None], 49, temperature, generator=torch.Generator().manual_seed(seed))
    return picture(book[tokens[:, 1:]]), ordered

# --- those who judge, and the reader

def scaled(x): return ((x - .1307)/.3081).view(-1, 1, 28, 28)

def right(model, x, y):
    with torch.inference_mode(): out = torch.cat([model(part) for part in x.split(1000)])
    return 100*(out.argmax(1) == y).double().mean().item()

def train_judge():
    x, y = mnist('full')
    loaders = DataLoaders.of(Dataset(scaled(x), y), batch_size=128, drop_last=True)
    model = ResNet((16, 32, 64), 10, stem=(5, 2)).to(memory_format=torch.channels_last)
    loss = partial(F.cross_entropy, label_smoothing=.05)
    learn = Learner(model, loaders, loss, opt_func=partial(AdamW, weight_decay=.02))
    learn.remove(Progress).fit_one_cycle(1, .01)
    return model.eval()

class Reader(nn.Module):
    "A vision transformer: 49 patches, a linear map, places, blocks, the mean, ten scores."
    def __init__(self, dim=64, heads=4, depth=3):
        super().__init__()
        self.embed, self.places = nn.Linear(16, dim), nn.Parameter(.02*torch.randn(49, dim))
        self.blocks = nn.Sequential(*[Block(dim, heads, norm=nn.LayerNorm) for _ in range(depth)])
        self.out = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 10))

    def forward(self, x): return self.out(self.blocks(self.embed(patches(x)) + self.places).mean(1))

def train_for(model, opt, lr, x, y, seconds, batch=64):
    "Train until the seconds are over, at a rate that rises and falls with them."
    start, steps = time.process_time(), 0
    while (share := (time.process_time() - start)/seconds) < 1:
        for g, top in zip(opt.param_groups, lr): g['lr'] = top*min(share/.15, (1 - share)/.85)
        i = torch.randint(len(x), (batch,))
        F.cross_entropy(model(x[i]), y[i]).backward()
        opt.step(), opt.zero_grad()
        steps += 1
    return model.eval(), steps

def read(seconds, seeds):
    "(reader, residual network) of each seed: right on the 10,000 test files, in percent, and steps."
    (x, y), (held_out, answers) = ((scaled(x), y) for x, y in (mnist('full'), mnist('test')))
    for seed in range(seeds):
        torch.manual_seed(seed)
        reader, net = Reader(), ResNet((16, 32, 64), 10, stem=(5, 2))
        opts = Both(reader), AdamW(net.parameters(), lr=.01, weight_decay=.02)
        both = (reader, opts[0], (.02, .004)), (net, opts[1], (.01,))
        trained = [train_for(*how, x, y, seconds) for how in both]
        yield tuple((right(m, held_out, answers), steps) for m, steps in trained)

def show_judge(out):
    print(f'The judge: {out["judge"]:.2f}% of the test files, {out["patched"]:.2f}% of them made of {PATCHES} patches\n\n'
          '| seed | seconds | loss | recognized of 100 at temperature 1 | at 0.8 |\n'
          '| --- | ---: | ---: | ---: | ---: |', flush=True)

def show_writer(seed, w):
    cells = [f'{statistics.mean(w[k]):.1f} ({min(w[k]):.0f} to {max(w[k]):.0f})' for k in ('at_1', 'at_08')]
    print(f'| {seed} | {w["seconds"]:.0f} | {w["loss"]:.3f} | {cells[0]} | {cells[1]} |', flush=True)

def show_reading(out):
    means = [statistics.mean(out['reading'][k]) for k in ('transformer', 'resnet')]
    print(f'\nReading, {out["reading"]["seconds"]} s of training each, right on the 10,000 test files: '
          f'transformer {means[0]:.2f}%, residual network {means[1]:.2f}%')

def stored():
    out = json.loads(Path(__file__).with_suffix('.json').read_text(encoding='utf-8'))
    show_judge(out)
    for seed, w in enumerate(out['writers']): show_writer(seed, w)
    show_reading(out)
    about = out['about']
    print(f'\nMeasured on {about["date"]} with torch {about["torch"]}, one thread of an {about["processor"]}.')

def main(seeds=3):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    judge, (x, y), (test, answers) = train_judge(), mnist('train'), mnist('test')
    book = learn_patches(x)
    sequences = torch.cat([PATCHES + y[:, None], nearest(x, book)], 1)
    out = dict(judge=round(right(judge, scaled(test), answers), 2),
               patched=round(right(judge, scaled(picture(book[nearest(test, book)])), answers), 2), writers=[])
    show_judge(out)
    for seed in range(seeds):
        torch.manual_seed(seed)
        model, seconds, loss = train_writer(sequences)
        found = [[right(judge, scaled(x), y) for x, y in (draw(model, book, s, t) for s in range(5))] for t in (1., .8)]
        out['writers'].append(dict(seconds=round(seconds, 1), loss=round(loss, 4), at_1=found[0], at_08=found[1],
                                   weights=sum(p.numel() for p in model.parameters())))
        show_writer(seed, out['writers'][-1])
    seconds = 20
    both = list(read(seconds, seeds))
    out['reading'] = dict(seconds=seconds, transformer=[round(a, 2) for (a, _), _ in both],
                          resnet=[round(b, 2) for _, (b, _) in both], steps=[[a, b] for (_, a), (_, b) in both])
    show_reading(out)
    out['about'] = dict(torch=torch.__version__, python=platform.python_version(), processor=processor(),
                        threads=1, steps=STEPS, batch=BATCH, date=str(date.today()))
    Path(__file__).with_suffix('.json').write_text(json.dumps(out, indent=1) + '\n', encoding='utf-8')

def processor():
    "The name of the processor, as far as the system tells."
    try: return next(line.split(':')[1].strip() for line in open('/proc/cpuinfo') if line.startswith('model name'))
    except (OSError, StopIteration): return platform.processor() or platform.machine()

if __name__ == '__main__': stored() if sys.argv[1:] == ['stored'] else main(*map(int, sys.argv[1:]))
