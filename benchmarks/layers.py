"""Our layers over PyTorch's, forward and backward, one thread: the two take turns, and the ratio is the median of the
turns' ratios."""
import statistics, time
import torch
import torch.nn.functional as F
from torch import nn
from nnbolts.convolutions import conv2d
from nnbolts.dropout import Dropout
from nnbolts.einsum import einsum
from nnbolts.norms import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RMSNorm
from nnbolts.weightnorm import add_weight_norm

def step(f, *shapes):
    "A function that runs `f` on tensors of these shapes, forward and backward."
    inputs = [torch.randn(shape, requires_grad=True) for shape in shapes]
    params = list(f.parameters()) if isinstance(f, nn.Module) else []
    g = torch.randn_like(f(*inputs))
    return lambda: torch.autograd.grad(f(*inputs), [*inputs, *params], g)

def layers():
    "(what, the most that is wanted, ours, torch's): each of the two does one step."
    image, rows, text = (64, 32, 28, 28), (256, 512), (64, 128, 256)
    for what, ours, theirs, shape in [
        ('BatchNorm', BatchNorm(32), nn.BatchNorm2d(32), image),
        ('BatchNorm', BatchNorm(512), nn.BatchNorm1d(512), rows),
        ('LayerNorm', LayerNorm(256), nn.LayerNorm(256), text),
        ('InstanceNorm', InstanceNorm(32, affine=True), nn.InstanceNorm2d(32, affine=True), image),
        ('GroupNorm, 8 groups', GroupNorm(8, 32), nn.GroupNorm(8, 32), image),
        ('RMSNorm', RMSNorm(256), nn.RMSNorm(256), text)]:
        yield f'{what} {shape}', 3, step(ours, shape), step(theirs, shape)
    for shape in [(256, 1024), image]:
        yield f'Dropout {shape}', 1.5, step(Dropout(0.5), shape), step(nn.Dropout(0.5), shape)
    for eq, *shapes in [
        ('ij,jk->ik', (256, 256), (256, 256)),
        ('ij,jk->ik', (512, 512), (512, 512)),
        ('ij,kj->ik', (256, 256), (256, 256)),
        ('bij,bjk->bik', (8, 256, 256), (8, 256, 256)),
        ('bhqd,bhkd->bhqk', (4, 8, 256, 64), (4, 8, 256, 64))]:
        ours, theirs = (lambda *ops, eq=eq, f=f: f(eq, *ops) for f in (einsum, torch.einsum))
        yield f'einsum {eq} {shapes[0]}', 1.3, step(ours, *shapes), step(theirs, *shapes)
    for x, w, options in [
        ((64, 1, 28, 28), (8, 1, 3, 3), dict(padding=1)),
        ((64, 16, 28, 28), (32, 16, 3, 3), dict(padding=1)),
        ((64, 16, 14, 14), (32, 16, 3, 3), dict(stride=2, padding=1)),
        ((64, 32, 14, 14), (32, 8, 3, 3), dict(padding=1, groups=4)),
        ((64, 32, 14, 14), (32, 1, 3, 3), dict(padding=1, groups=32)),
        ((64, 32, 14, 14), (64, 32, 1, 1), {})]:
        ours, theirs = (lambda x, w, o=options, f=f: f(x, w, **o) for f in (conv2d, F.conv2d))
        yield f'conv2d {x} by {w} {options or ""}', 4, step(ours, x, w), step(theirs, x, w)
    both = add_weight_norm, nn.utils.parametrizations.weight_norm
    yield 'Linear(512, 512) with weight norm', None, *(step(add(nn.Linear(512, 512)), rows) for add in both)

def seconds(f, times):
    start = time.perf_counter()
    for _ in range(times): f()
    return time.perf_counter() - start

def main(rounds=15):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print('| forward and backward | ours, ms | torch, ms | ratio | wanted |\n| --- | ---: | ---: | ---: | ---: |')
    for what, most, ours, theirs in layers():
        ours(), theirs()
        times = max(1, round(0.02 / max(seconds(theirs, 1), 1e-5)))
        took = [(seconds(ours, times), seconds(theirs, times)) for _ in range(rounds)]
        a, b = (statistics.median(t[i] for t in took) / times * 1e3 for i in (0, 1))
        print(f'| {what} | {a:.2f} | {b:.2f} | {statistics.median(x/y for x, y in took):.2f} | {most or ""} |',
              flush=True)

if __name__ == '__main__': main()
