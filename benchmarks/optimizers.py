"""Our optimizers over PyTorch's with `foreach=False`, one step, one thread: the two take turns, and the ratio is the
median of the turns' ratios. Beside the time, what the state keeps and what one step needs at its peak, in weights."""
import statistics, time, weakref
from functools import partial
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from nnbolts.optimizers import Adam, AdamW, EMA, Lion, Muon, RMSprop, SGD

T = torch.optim
MODELS = {
    'MLP 784-50-10, 4 tensors': lambda: nn.Sequential(nn.Linear(784, 50), nn.ReLU(), nn.Linear(50, 10)),
    '20 layers of 64, 40 tensors': lambda: nn.Sequential(*[nn.Linear(64, 64) for _ in range(20)]),
    'one layer, 1000 by 1000': lambda: nn.Linear(1000, 1000)}

class Peak(TorchDispatchMode):
    "How many numbers of new tensors are alive at once, at most, while operations run."
    def __init__(self):
        super().__init__()
        self.alive, self.most, self.seen = 0, 0, set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        old = {t.untyped_storage()._cdata for t in args if isinstance(t, torch.Tensor)} | self.seen
        for t in out if isinstance(out, (tuple, list)) else [out]:
            if not isinstance(t, torch.Tensor) or (key := t.untyped_storage()._cdata) in old: continue
            n = t.untyped_storage().nbytes() // t.element_size()
            self.seen.add(key)
            self.alive += n
            self.most = max(self.most, self.alive)
            weakref.finalize(t, self.gone, key, n)
        return out

    def gone(self, key, n):
        self.alive -= n
        self.seen.discard(key)

def rules(params):
    "(what, the most that is wanted, ours, torch's)."
    one = dict(foreach=False)
    yield 'SGD', 2, SGD(params, 1e-3), T.SGD(params, 1e-3, **one)
    yield 'SGD, momentum', 2, SGD(params, 1e-3, momentum=0.9), T.SGD(params, 1e-3, momentum=0.9, **one)
    yield 'RMSprop', 2, RMSprop(params, 1e-3), T.RMSprop(params, 1e-3, **one)
    full = dict(lr=1e-3, momentum=0.9, centered=True, eps=1e-2)
    yield 'RMSprop, centered, momentum', 2, RMSprop(params, **full), T.RMSprop(params, **full, **one)
    yield 'Adam', 2, Adam(params), T.Adam(params, **one)
    yield 'AdamW', 2, AdamW(params), T.AdamW(params, **one)
    yield 'Lion', None, Lion(params), None
    matrices = [p for p in params if p.ndim == 2]
    yield 'Muon', 2, Muon(matrices), T.Muon(matrices)

def seconds(f, times):
    start = time.perf_counter()
    for _ in range(times): f()
    return time.perf_counter() - start

def kept(opt): return sum(v.numel() for s in opt.state.values() for v in s.values() if isinstance(v, torch.Tensor))

def peak(opt):
    with Peak() as mode: opt.step()
    return mode.most

def main(rounds=15):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print('| a step of | model | ours, ms | torch, ms | ratio | wanted | state, ours, torch | peak, ours, torch |')
    print('| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |')
    for model, make in MODELS.items():
        params = list(make().parameters())
        for p in params: p.grad = torch.randn_like(p) / 100
        size = sum(p.numel() for p in params)
        for what, most, ours, theirs in rules(params):
            both = [opt for opt in (ours, theirs) if opt]
            for opt in both: opt.step()
            times = max(1, round(0.02 / max(seconds(both[-1].step, 1), 1e-5)))
            took = [[seconds(opt.step, times) / times * 1e3 for opt in both] for _ in range(rounds)]
            ms = [statistics.median(t[i] for t in took) for i in range(len(both))]
            ratio = f'{statistics.median(a / b for a, b in took):.2f}' if theirs else ''
            numbers = [' '.join(f'{f(opt) / size:.1f}' for opt in both) for f in (kept, peak)]
            print(f'| {what} | {model} | {ms[0]:.2f} | {f"{ms[1]:.2f}" if theirs else ""} | {ratio} | {most or ""} | '
                  f'{numbers[0]} | {numbers[1]} |', flush=True)
        ema_of = nn.ParameterList(params)
        ema, swa = EMA(ema_of), T.swa_utils.AveragedModel(ema_of, multi_avg_fn=T.swa_utils.get_ema_multi_avg_fn(0.999))
        both = ema.update, partial(swa.update_parameters, ema_of)
        for f in both: f()
        took = [[seconds(f, 20) / 20 * 1e3 for f in both] for _ in range(rounds)]
        ms = [statistics.median(t[i] for t in took) for i in (0, 1)]
        ratio = statistics.median(a / b for a, b in took)
        print(f'| EMA.update | {model} | {ms[0]:.2f} | {ms[1]:.2f} | {ratio:.2f} | | | |', flush=True)

if __name__ == '__main__': main()
