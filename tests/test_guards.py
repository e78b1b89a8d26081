"What the page of the guards cannot show: unequal batches, cuts within a group, every name of a figure, memory."
import math, os
from functools import partial
import pytest, torch, torch.nn.functional as F
from torch import nn
from nnbolts.callbacks import *
from nnbolts.guards import *
from nnbolts.learner import *
from nnbolts.schedules import SchedulerCB, one_cycle
from nnbolts.training import SGD
from small import *

x, y = data()

MESSAGES = {
    "device: expected cpu, got 'cuda:99'": lambda: DeviceCB('cuda:99'),
    "device: expected cpu, got 'gpu'": lambda: make(cbs=DeviceCB('gpu')),
    'n: expected a whole number of at least 1, got 0': lambda: GradientAccumulation(0),
    'patience: expected a whole number of at least 1, got 2.5': lambda: EarlyStopping(patience=2.5),
    "better: expected 'lower', 'higher' or None, got 'max'": lambda: SaveBest(better='max'),
}

@pytest.mark.parametrize('message', MESSAGES)
def test_messages(message):
    with pytest.raises((ValueError, TypeError)) as e: MESSAGES[message]()
    assert message in str(e.value)

# --- several batches a step

def summed(sizes, n, clip=None, **kwargs):
    "Weights, figures and norms of two epochs over batches of these sizes, n to a step."
    batches = list(zip(*(t.split(sizes) for t in data(sum(sizes)))))
    cbs = [GradientAccumulation(n), *([clip] if clip else [])] if n else [clip] if clip else []
    learn = make(dls=DataLoaders(batches), lr=0.05, cbs=cbs, opt_func=partial(SGD, momentum=0.9), **kwargs)
    learn.fit(2)
    return weights(learn.model), [r['train_loss'] for r in learn.recorder.rows], clip and clip.norms


@pytest.mark.parametrize(
    'small,n,large',
    [
        ([5] * 8, 4, [20, 20]),
        ([5, 3, 7, 2, 4, 1], 3, [15, 7]),
        ([5] * 5, 2, [10, 10, 5]),
        ([4, 4, 2, 3], 3, [10, 3]),
        ([3, 4], 5, [7]),
        ([4, 2], 1, [4, 2]),
    ],
)
@pytest.mark.parametrize('max_norm', [None, 0.3])
def test_accumulated_steps_are_those_of_large_batches(small, n, large, max_norm, capsys):
    a, b = (summed(sizes, k, max_norm and GradientClip(max_norm)) for sizes, k in ((small, n), (large, None)))
    torch.testing.assert_close(a[0], b[0])
    if max_norm: assert a[2] == pytest.approx(b[2]) and len(a[2]) == 2 * len(large)

def test_accumulation_reports_the_loss_itself(capsys):
    "At rate 0 the figures are those without accumulation; the record has each batch."
    learns = [make(lr=0., cbs=cbs) for cbs in ([], [GradientAccumulation(3)])]
    for learn in learns: learn.fit(1)
    a, b = learns
    assert (
        a.recorder.losses == b.recorder.losses and a.recorder.rows[0]['train_loss'] == b.recorder.rows[0]['train_loss']
    )
    assert all(p.grad is None for p in b.model.parameters()) and b.upstream is None

def test_accumulation_of_a_weighted_loss(capsys):
    w = torch.tensor([1., 5., 0.2])
    def run(sizes, cbs):
        batches = batches_of(lambda x: (x[:, 0] > 0).long() + (x[:, 1] > 0).long(), [sum(sizes)])
        torch.manual_seed(0)
        learn = Learner(
            nn.Linear(6, 3),
            DataLoaders(list(zip(*(t.split(sizes) for t in batches[0])))),
            nn.CrossEntropyLoss(w),
            lr=0.3,
            cbs=cbs,
        )
        learn.fit(1)
        return weights(learn.model)
    torch.testing.assert_close(run([4, 9, 2, 5], GradientAccumulation(4)), run([20], []))

def test_accumulation_of_a_loader_without_length(capsys):
    batches = list(zip(*(t.split(5) for t in data())))
    class Stream:
        def __iter__(self): return iter(batches)
    a = make(dls=DataLoaders(Stream()), cbs=GradientAccumulation(3))
    b = make(dls=DataLoaders([tuple(torch.cat(t) for t in zip(*batches[:3])), batches[3]]))
    a.fit(1); b.fit(1)
    torch.testing.assert_close(weights(a.model), weights(b.model))

@pytest.mark.parametrize('event', ['after_loss', 'after_backward', 'after_batch', 'after_step'])
@pytest.mark.parametrize('error', [CancelBatch, CancelTrain, CancelEpoch, CancelFit])
def test_accumulation_cut_short(event, error, capsys):
    learn = make(cbs=[GradientAccumulation(2), Raise(event, error(), 2)])
    learn.fit(1)
    assert all(p.grad is None for p in learn.model.parameters()) and learn.upstream is None
    assert all(p.isfinite().all() for p in learn.model.parameters())

def test_callbacks_in_a_list(capsys):
    clip = GradientClip(1.)
    learn = make()
    learn.add([clip])
    learn.fit(1)
    assert len(clip.norms) == 4

# --- memory

def resident():
    with open('/proc/self/statm') as f: return int(f.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')

def test_callbacks_keep_no_tensor_a_batch(capsys):
    "A small tensor kept from each batch would hold on to the memory around it."
    import gc
    def alive():
        gc.collect()
        return sum(issubclass(type(o), torch.Tensor) for o in gc.get_objects())
    counts = []
    class Count(Callback):
        order = 99
        def after_train(self, learn): counts.append(alive())
    batches = [(x, y)] * 50
    learn = make(
        dls=DataLoaders(batches, batches),
        metrics=dict(mae=F.l1_loss),
        lr=1e-3,
        cbs=[
            GradientClip(1.0),
            GradientAccumulation(2),
            SaveBest(),
            TerminateOnNaN(),
            SchedulerCB(one_cycle(1e-3)),
            MixedPrecision(),
            DeviceCB('cpu'),
            Count(),
        ],
    )
    learn.fit(4)
    assert counts[-1] <= counts[0] + 20
    assert len(learn.recorder.losses) == 200

# --- which figure is better


LOWER = [
    'l1', 'l2', 'huber', 'smooth_l1', 'mse', 'mae', 'rmse', 'nll', 'cross_entropy', 'bce', 'bce_with_logits',
    'kl_div', 'perplexity', 'MeanSquaredError', 'valid_loss', 'error', 'distance', 'mnist_loss', 'dice_loss',
    'nll_loss', 'l1 2']
HIGHER = [
    'accuracy', 'batch_accuracy', 'acc', 'f1', 'F1Score', 'auc', 'BinaryAUROC', 'precision', 'recall', 'r2',
    'R2Score', 'dice', 'iou', 'score', 'valid_acc']

@pytest.mark.parametrize('name,values', [*((n, (3., 1., 2.)) for n in LOWER), *((n, (3., 5., 2.)) for n in HIGHER)])
def test_a_known_name_says_what_is_better(name, values, capsys):
    "SaveBest keeps the epoch with the lowest figure of each loss, and with the highest of each score."
    said = iter(values)
    class Says(Callback):
        order = 45
        def after_epoch(self, learn): learn.figures[name] = next(said)
    make(cbs=[Says(), best := SaveBest(name)]).fit(3)
    assert best.best_epoch == 2

@pytest.mark.parametrize('min_delta,stops,best', [(0., 6, 6), (0.25, 3, 1), (0.1, 4, 2), (0.05, 6, 4)])
def test_what_is_better_by_too_little_does_not_count(min_delta, stops, best, capsys):
    "min_delta is what a figure must be better by, against the best that counted; as much as it is not enough."
    said = iter([1., 0.75, 0.75, 0.6875, 0.6875, 0.6873])
    class Says(Callback):
        order = 45
        def after_epoch(self, learn): learn.figures['error'] = next(said)
    learn = make(cbs=[Says(), keep := EarlyStopping('error', patience=2, min_delta=min_delta)])
    learn.fit(6)
    assert (len(learn.recorder.rows), keep.best_epoch) == (stops, best)

@pytest.mark.parametrize('restore', [True, False])
def test_the_best_weights_are_kept_and_given_back(restore, capsys):
    "What is kept is a copy; the model gets it back at the end only where that is asked for."
    said, seen = iter([2., 1., 3.]), []
    class Says(Callback):
        order = 45
        def after_epoch(self, learn):
            learn.figures['error'] = next(said)
            seen.append(weights(learn.model))
    learn = make(lr=0.1, cbs=[Says(), keep := SaveBest('error', restore=restore)])
    learn.fit(3)
    assert torch.equal(torch.cat([t.flatten() for t in keep.state.values()]), seen[1])
    assert torch.equal(weights(learn.model), seen[1 if restore else 2])

@pytest.mark.parametrize('values,best', [((math.nan, 2., 3.), 2), ((2., math.nan, 1.), 3), ((math.nan,) * 3, None)])
def test_nan_is_never_the_best(values, best, capsys):
    said = iter(values)
    class Says(Callback):
        order = 45
        def after_epoch(self, learn): learn.figures['error'] = next(said)
    make(cbs=[Says(), keep := SaveBest('error')]).fit(3)
    assert keep.best_epoch == best and (best is None) == (keep.state is None)

def test_better_of_an_unknown_figure_must_be_said(capsys):
    for name in ('quality', 'neg_mean_squared_error'):
        with pytest.raises(ValueError, match="better: is a lower or a higher"):
            make(cbs=SaveBest(name), metrics={name: F.l1_loss}).fit(1)
    make(cbs=SaveBest('quality', better='lower'), metrics=dict(quality=F.l1_loss)).fit(1)

def test_a_metric_says_itself_what_is_better(capsys):
    "As those of torchmetrics do, also from within a collection."
    class Streams:
        def __init__(self, higher): self.higher_is_better, self.values = higher, iter([1., 3., 2.])
        def to(self, device): return self
        def reset(self): pass
        def update(self, pred, y): pass
        def compute(self): return next(self.values)
    class Both(dict):
        def to(self, device): return self
        def reset(self): pass
        def update(self, pred, y): pass
        def compute(self): return {k: m.compute() for k, m in self.items()}
        def __call__(self): pass
    Streams.__call__ = lambda self: None
    for higher, epoch in ((True, 2), (False, 1)):
        make(cbs=(best := SaveBest('accuracy')), metrics=dict(accuracy=Streams(higher))).fit(3)
        assert best.best_epoch == epoch
        make(cbs=(best := SaveBest('what')), metrics=dict(both=Both(what=Streams(higher)))).fit(3)
        assert best.best_epoch == epoch

def test_weights_of_an_earlier_fit_do_not_come_back(capsys):
    "Where another callback stops a fit before SaveBest has begun, the model stays as it is."
    learn = make(cbs=(best := SaveBest()))
    learn.fit(2)
    with torch.no_grad(): learn.model[0].weight.fill_(7.)
    class Early(Callback):
        order = -99
        def before_fit(self, learn): raise OSError
    with pytest.raises(OSError): learn.fit(1, cbs=Early())
    assert (learn.model[0].weight == 7).all()

def test_packed_sequences(capsys):
    pack = nn.utils.rnn.pack_sequence
    class Rnn(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.lin = nn.GRU(2, 4), nn.Linear(4, 1)
        def forward(self, x): return self.lin(self.rnn(x)[1][0])
    batch = pack([torch.randn(n, 2) for n in (3, 5, 1)], enforce_sorted=False)
    moved = to_device((batch, [batch]), 'meta')
    assert moved[0].data.is_meta and moved[1][0].data.is_meta and not moved[0].batch_sizes.is_meta
    assert unpack(batch) == ((batch,), {}, None)
    dl = [(batch, torch.zeros(3, 1))] * 2
    learn = make(Rnn(), dls=DataLoaders(dl, dl), cbs=[DeviceCB('cpu'), MixedPrecision()])
    learn.fit(1)
    assert learn.get_preds()[0].shape == (6, 1) and learn.predict(batch).shape == (3, 1) and learn.batch_items() == 3

# --- what was silent, or came too late

@pytest.mark.parametrize('cls', [SaveBest, EarlyStopping])
@pytest.mark.parametrize('name', ['valid_loss', 'mae'])
def test_a_figure_of_validation_data_that_are_not_there(cls, name):
    "Said before the first batch, and not after the first epoch."
    learn = make(dls=DataLoaders(loaders().train), cbs=cls(name), metrics=dict(mae=F.l1_loss))
    with pytest.raises(ValueError, match=f"monitor: expected a figure of the training, got {name!r}"): learn.fit(1)
    assert learn.recorder.losses == []
    make(dls=DataLoaders(loaders().train), cbs=cls('train_loss')).fit(1)
    class Own(Learner):
        def one_epoch(self):
            super().one_epoch()
            self.one_pass('validate', loaders().valid)
    Own(model(), DataLoaders(loaders().train), F.mse_loss, cbs=cls(), metrics=dict(mae=F.l1_loss)).fit(1)

def test_a_worse_fit_leaves_the_file_alone(tmp_path):
    path, learn = tmp_path/'best.pt', make(lr=0.1)
    learn.add(best := SaveBest(path=path))
    learn.fit(3)
    good, first = torch.load(path), best.best
    learn.fit(1, lr=5.)
    assert best.best > first and all(torch.equal(v, good[k]) for k, v in torch.load(path).items())
    learn.model.load_state_dict(good)
    learn.fit(5, lr=0.1)
    assert best.best < first and not all(torch.equal(v, good[k]) for k, v in torch.load(path).items())

def test_sixteen_bits_leave_other_outputs_alone():
    "Only what autocast has made smaller is made larger again."
    class Double(nn.Module):
        def __init__(self):
            super().__init__()
            self.lin = nn.Linear(6, 1)
        def forward(self, x): return dict(out=self.lin(x), exact=x.double().sum(1), half=x.half())
    learn = make(Double(), loss_func=lambda p, y: F.mse_loss(p['out'], y), cbs=MixedPrecision())
    learn.fit(1)
    types = {k: v.dtype for k, v in learn.predict(x).items()}
    assert types == dict(out=torch.float32, exact=torch.float64, half=torch.float16)

def test_a_compiled_model_names_its_layer():
    m = model()
    with torch.no_grad(): m[2].weight.fill_(math.inf)
    learn = make(torch.compile(m, backend='eager'), cbs=TerminateOnNaN())
    learn.fit(1)
    assert "comes from layer '2', Linear(" in str(learn.canceled)
