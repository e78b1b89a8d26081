"Hooks come off however a fit ends, and the statistics are those taken by hand."
import pytest, torch
from torch import nn
from nnbolts.callbacks import Callback, CancelBatch, CancelEpoch, CancelFit
from nnbolts.hooks import ActivationStats, GradientStats, Hooks, UpdateRatio, layer_table
from nnbolts.learner import DataLoaders, Learner, Progress
from nnbolts.training import Dataset

def model(): return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
def count(m): return sum(len(getattr(x, a)) for x in m.modules() for a in ('_forward_hooks', '_forward_pre_hooks', '_backward_hooks', '_backward_pre_hooks'))
def learner(m, *cbs):
    torch.manual_seed(0)
    ds = Dataset(torch.randn(40, 4), torch.randint(0, 3, (40,)))
    return Learner(m, DataLoaders.of(ds, ds, batch_size=10), nn.functional.cross_entropy, lr=0.1, cbs=cbs).remove(Progress)

EVENTS = [e for e in Learner.events]

@pytest.mark.parametrize('event', EVENTS)
@pytest.mark.parametrize('error', [RuntimeError, CancelBatch, CancelEpoch, CancelFit, KeyboardInterrupt])
def test_hooks_are_off_however_a_fit_ends(event, error):
    m = model()
    cb = type('Raises', (Callback,), {event: lambda self, learn: (_ for _ in ()).throw(error('now'))})()
    learn = learner(m, ActivationStats(m), GradientStats(m), UpdateRatio(m), cb)
    try: learn.fit(1)
    except (RuntimeError, KeyboardInterrupt, CancelBatch, CancelEpoch, CancelFit): pass
    assert count(m) == 0
    learn.remove(cb).fit(1)
    assert count(m) == 0

@pytest.mark.parametrize('kind', ['forward', 'pre', 'backward'])
@pytest.mark.parametrize('error', [ValueError, CancelFit, KeyboardInterrupt])
def test_nested_hooks_come_off(kind, error):
    m = model()
    with pytest.raises(error):
        with Hooks(m.modules(), lambda *a: None, kind):
            with Hooks(m.modules(), lambda *a: None, kind):
                assert count(m) == 8
                raise error
    assert count(m) == 0

def test_every_kth_batch_is_seen_and_validation_is_not():
    m = model()
    stats = ActivationStats(m, every=3)
    learner(m, stats).fit(2)
    assert stats.steps == [0, 3, 6]

def test_training_is_the_same_with_and_without():
    a, b = model(), model()
    b.load_state_dict(a.state_dict())
    learner(a).fit(2)
    learner(b, ActivationStats(b), GradientStats(b), UpdateRatio(b)).fit(2)
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters()))

@pytest.mark.parametrize('groups, stride, dilation, padding', [(1, 1, 1, 0), (2, 2, 1, 1), (4, 1, 2, 2), (4, 3, 2, 0)])
def test_layer_table_counts_convolutions(groups, stride, dilation, padding):
    conv = nn.Conv2d(4, 8, 3, stride=stride, dilation=dilation, padding=padding, groups=groups)
    x = torch.zeros(2, 4, 17, 15)
    size = [(n + 2*padding - dilation*2 - 1)//stride + 1 for n in (17, 15)]
    t = layer_table(nn.Sequential(conv), x)
    assert t.multiply_adds.iloc[0] == 2 * 8 * size[0] * size[1] * (4//groups) * 9
    assert t.parameters.iloc[0] == 8 * (4//groups) * 9 + 8
    assert t.output.iloc[0] == (2, 8, *size)
