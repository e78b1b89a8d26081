"""For which programs of tests/programs does neural_net_checklist raise? Prints JSON; `diagnosis.py peer` calls it.

It is used as its documentation does: `assert_all_for_classification_cross_entropy_loss` gets a function that makes the
model, a batch and the number of classes. It takes programs whose sound form is trained by cross-entropy of one class
for each item. Its last check, that the batch is learned to a loss of 0.0001, may take 65,536 steps (two minutes of a
small network), and is left out; all others are asked.
"""
import contextlib, io, json, sys, warnings
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
import torch, torch.nn.functional as F

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / 'tests')]
import neural_net_checklist.torch_diagnostics as peer
from programs import PROGRAMS

for file in sorted((ROOT / 'tests/programs').glob('[a-z]*.py')): import_module(f'programs.{file.stem}')
peer.assert_overfit_to_batch = lambda *args, **kwargs: None

def made(p, broken):
    torch.manual_seed(0)
    return p['make'](broken) if p['ids'] else p['make']()

def first_batch(program):
    data = program['data']
    batch = data if isinstance(data, tuple) else tuple(next(iter(data)))
    return batch if len(batch) == 2 and all(isinstance(t, torch.Tensor) for t in batch) else None

def classes(p):
    "How many classes the program has, in its sound form; None where it is no classification by cross-entropy."
    program = made(p, False)
    batch = first_batch(program)
    if batch is None or batch[1].dtype != torch.long or batch[1].dim() != 1: return None
    with torch.no_grad():
        out = program['model'](batch[0])
        if not isinstance(out, torch.Tensor) or out.dim() != 2: return None
        loss = program['loss_func'](out, batch[1])
    alike = loss.numel() == 1 and torch.isclose(loss.mean(), F.cross_entropy(out, batch[1]), 1e-4)
    return out.shape[1] if alike else None

def raises(p, broken, n):
    batch = first_batch(made(p, broken))
    if batch is None: return None
    try:
        peer.assert_all_for_classification_cross_entropy_loss(lambda: made(p, broken)['model'], batch, num_classes=n)
    except Exception as e: return type(e).__name__
    return ''

def main():
    warnings.simplefilter('ignore')
    torch.set_num_threads(1)
    told = {}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for name, p in PROGRAMS.items():
            if p['kind'] != 'diagnose': continue
            try: n = classes(p)
            except Exception: continue
            if n is None: continue
            told[name] = [raises(p, broken, n) for broken in ((True, False) if p['ids'] else (False,))]
    print(json.dumps(dict(version=version('neural_net_checklist'), programs=told)))

if __name__ == '__main__': main()
