"What the page of the learner cannot show: every way to cut a fit short, batches of every form, a user's script."
import math, os, random, signal, subprocess, sys, threading, warnings
from collections import OrderedDict, UserDict, defaultdict, namedtuple
from dataclasses import dataclass, fields
from functools import partial
import numpy as np, pytest, torch, torch.nn.functional as F
from torch import nn
from nnbolts.callbacks import *
from nnbolts.guards import *
from nnbolts.learner import *
from nnbolts.losses import cross_entropy
from nnbolts.schedules import *
from nnbolts.training import Adam, DataLoader, Dataset, SGD
from small import *

# --- cut short at every event

class Watch(Callback):
    "A hook for the length of the fit, and counts of every event."
    order = -1000
    def __init__(self):
        self.counts, self.steps = dict.fromkeys(Learner.events, 0), 0
        for event in Learner.events: setattr(self, event, partial(self._count, event))

    def _count(self, event, learn):
        self.counts[event] += 1
        if event == 'before_fit': self.hook = learn.model[0].register_forward_hook(lambda *args: None)
        if event == 'cleanup_fit': self.hook.remove()

class Done(Callback):
    "What the recorder must hold: it runs right after it."
    order, batches, epochs = 31, 0, 0
    def before_fit(self, learn): self.batches, self.epochs = 0, 0
    def after_batch(self, learn): self.batches += learn.training
    def after_epoch(self, learn): self.epochs += 1

CANCELS = dict(
    CancelFit='fit', CancelEpoch='epoch', CancelTrain='train', CancelValidate='validate', CancelBatch='batch'
)
ERRORS = dict(
    ValueError=ValueError('boom'),
    KeyboardInterrupt=KeyboardInterrupt(),
    **{name: globals()[name]() for name in (*CANCELS, 'CancelStep')},
)

def running(event):
    "The stages that run when an event happens, its own included, and whether they can be canceled there."
    in_batch = ('after_pred', 'after_loss', 'after_backward', 'after_step')
    name = 'batch' if event in in_batch else event.partition('_')[2]
    chain = dict(
        fit=[], epoch=['fit'], train=['fit', 'epoch'], validate=['fit', 'epoch'], batch=['fit', 'epoch', 'train']
    )[name]
    return chain if event.startswith('cleanup') else [*chain, name]

@pytest.mark.parametrize('error', ERRORS)
@pytest.mark.parametrize('event', Learner.events)
@pytest.mark.parametrize('n', [1, 2])
def test_cut_short(event, error, n, capsys):
    m, watch, done = model(), Watch(), Done()
    learn = make(m, cbs=[watch, done])
    before, cut = learn.cbs, Raise(event, ERRORS[error], n)
    happens = n == 1 or event.partition('_')[2] != 'fit'  # a fit happens once
    caught = CANCELS.get(error) in running(event) or (
        error == 'CancelStep' and event in ('after_backward', 'after_step')
    )
    raised = None
    try:learn.fit(2, cbs=[cut, MixedPrecision()])
    except BaseException as e: raised = e
    if not happens or caught:assert raised is None
    else: assert raised is ERRORS[error]
    assert (cut.left <= 0) == happens
    # every stage that began was cleaned up, and nothing was left behind
    for stage in CANCELS.values(): assert watch.counts[f'before_{stage}'] == watch.counts[f'cleanup_{stage}']
    assert watch.counts['cleanup_fit'] == 1 and len(m[0]._forward_hooks) == 0
    assert learn.cbs == before and learn.dl is None
    assert torch.is_grad_enabled() and not torch.is_autocast_enabled('cpu') and m.training
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    # the model is whole, the record is what was done
    assert all(p.isfinite().all() for p in m.parameters())
    if error != 'CancelStep' or not caught: assert all(p.grad is None for p in m.parameters())
    assert done.batches <= len(learn.recorder.losses) <= watch.counts['after_batch']
    assert done.epochs <= len(learn.recorder.rows) <= watch.counts['after_epoch']
    assert len(learn.recorder.losses) == len(learn.recorder.lrs) and all(map(math.isfinite, learn.recorder.losses))
    # and the next fit is a whole one
    learn.fit(2)
    assert [r['epoch'] for r in learn.recorder.rows] == [1, 2] and len(learn.recorder.losses) == 8
    assert len(m[0]._forward_hooks) == 0
    capsys.readouterr()

@pytest.mark.parametrize('event', ['after_loss', 'after_backward', 'after_step', 'after_batch'])
def test_canceled_batch_leaves_no_gradient(event):
    "After a canceled batch the steps are those of a fit that never had it, up to the event's own step."
    batches = list(loaders().train)
    a, b = make(model(), dls=DataLoaders(batches), cbs=Raise(event, CancelBatch(), 2)), make(
        model(), dls=DataLoaders(batches[:1] + batches[2:])
    )
    a.remove(Progress).fit(1); b.remove(Progress).fit(1)
    same = all(torch.equal(p, q) for p, q in zip(a.model.parameters(), b.model.parameters()))
    assert same == (event in ('after_loss', 'after_backward'))

class SlowStep(SGD):
    "Ctrl-C arrives in the middle of a step: between two parameters."
    presses = 1
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.updates = {}
    def update(self, p, group, state):
        super().update(p, group, state)
        self.updates[p] = self.updates.get(p, 0) + 1
        if len(self.updates) == 2 and self.updates[p] == 1:
            for _ in range(self.presses): signal.raise_signal(signal.SIGINT)

def test_ctrl_c_waits_for_the_step(capsys):
    learn = make(opt_func=SlowStep)
    with pytest.raises(KeyboardInterrupt): learn.fit(2)
    assert set(learn.opt.updates.values()) == {1} and len(learn.opt.updates) == 4
    assert len(learn.recorder.losses) == 1
    assert 'Stopped in epoch 1 of 2: KeyboardInterrupt' in capsys.readouterr().out

def test_second_ctrl_c_does_not_wait(capsys):
    class Twice(SlowStep): presses = 2
    learn = make(opt_func=Twice)
    with pytest.raises(KeyboardInterrupt): learn.fit(2)
    assert len(learn.opt.updates) == 2 and learn.recorder.losses == []

def test_ctrl_c_in_the_last_batch_is_not_lost(capsys):
    class Press(Callback):
        order = 200
        def after_fit(self, learn): signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt): make(cbs=Press()).fit(1)

def test_ctrl_c_leaves_another_handler_alone(capsys):
    mine = lambda *args: None
    signal.signal(signal.SIGINT, mine)
    make().fit(1)
    assert signal.getsignal(signal.SIGINT) is mine
    signal.signal(signal.SIGINT, signal.default_int_handler)

def test_fit_in_a_thread(capsys):
    "Signals belong to the main thread; elsewhere a fit works without."
    learn = make()
    t = threading.Thread(target=learn.fit, args=(2,))
    t.start(); t.join()
    assert len(learn.recorder.rows) == 2

def test_error_while_another_is_handled(capsys):
    "A fit inside an except block is not taken for one that was interrupted."
    try:raise KeyboardInterrupt
    except KeyboardInterrupt: make().fit(1)
    assert 'Stopped' not in capsys.readouterr().out


@pytest.mark.parametrize(
    'ours,theirs',
    [
        (SGD, torch.optim.SGD),
        (partial(SGD, momentum=0.9, weight_decay=0.1), partial(torch.optim.SGD, momentum=0.9, weight_decay=0.1)),
        (Adam, torch.optim.Adam),
    ],
)
def test_torch_parts(ours, theirs, capsys):
    a, b = model(False), model()
    b.load_state_dict(a.state_dict())
    ds = torch.utils.data.TensorDataset(*data())
    make(a, opt_func=ours, lr=0.05).fit(3)
    make(
        b,
        opt_func=theirs,
        lr=0.05,
        dls=DataLoaders(torch.utils.data.DataLoader(ds, 5), torch.utils.data.DataLoader(ds, 5)),
    ).fit(3)
    torch.testing.assert_close(weights(a), weights(b))

def test_torch_optimizer_object(capsys):
    m = model()
    opt = torch.optim.Adam(m.parameters(), lr=0.01)
    learn = make(m, opt_func=opt)
    learn.fit(1)
    learn.fit(1)
    assert learn.opt is opt and opt.state[next(m.parameters())]['step'].item() == 8

def test_iterable_dataset_without_length(capsys):
    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self): return iter(zip(*data()))
    learn = make(dls=DataLoaders(torch.utils.data.DataLoader(Stream(), 5)))
    learn.fit(2)
    assert len(learn.recorder.losses) == 8

def test_several_inputs(capsys):
    class Two(nn.Module):
        def __init__(self): super().__init__(); self.l = nn.Linear(6, 1)
        def forward(self, a, b): return self.l(a + b)
    x, y = data()
    learn = make(Two(), dls=DataLoaders([(x, x, y)], [(x, x, y)]))
    learn.fit(1)
    assert learn.get_preds()[0].shape == (20, 1)
    assert torch.equal(learn.predict((x, x)), learn.get_preds()[0])

def test_torchmetrics(capsys):
    from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score
    seeded = lambda n: torch.Generator().manual_seed(n)
    batches = [
        (torch.randn(n, 6, generator=seeded(n)), torch.randint(0, 3, (n,), generator=seeded(n + 1))) for n in (7, 3, 1)
    ]
    torch.manual_seed(0)
    learn = make(
        nn.Linear(6, 3),
        dls=DataLoaders(batches, batches),
        loss_func=F.cross_entropy,
        metrics=[
            MulticlassF1Score(3),
            MulticlassAccuracy(3, average='micro'),
            lambda pred, y: (pred.argmax(1) == y).float().mean(),
        ],
    )
    learn.fit(2)
    x, y = (torch.cat(t) for t in zip(*batches))
    with torch.no_grad(): pred = learn.model(x)
    said = pred.argmax(1)
    f1 = [2 * ((said == k) & (y == k)).sum() / ((said == k).sum() + (y == k).sum()) for k in range(3)]
    row = learn.recorder.rows[-1]
    assert row['MulticlassF1Score'] == pytest.approx(torch.stack(f1).mean().item())
    assert (
        row['MulticlassAccuracy'] == pytest.approx((said == y).float().mean().item()) == pytest.approx(row['<lambda>'])
    )
    assert row['valid_loss'] == pytest.approx(F.cross_entropy(pred, y).item())

def test_validating_in_the_middle_of_training(capsys):
    "A pass inside a pass leaves the outer one as it was: the steps are the same."
    class Peek(Callback):
        def after_batch(self, learn):
            if learn.training: self.seen = learn.validate(), learn.get_preds()
    a, b = make(cbs=Peek()), make()
    a.fit(2); b.fit(2)
    assert torch.equal(weights(a.model), weights(b.model)) and a.recorder.losses == b.recorder.losses
    assert [r['train_loss'] for r in a.recorder.rows] == [r['train_loss'] for r in b.recorder.rows]

def test_a_failed_fit_keeps_no_batch_alive(capsys):
    "Neither a cancel nor an interrupted pass holds on to frames."
    learn = make(cbs=Raise('after_loss', CancelFit('x')))
    learn.fit(1)
    assert learn.canceled.__traceback__ is None

# --- messages

x, y = data()
MESSAGES = {
    '(20, 1)': lambda: make(dls=DataLoaders([(x, y.squeeze())])).fit(1),
    'loss_func: expected one number from it, got shape (5, 1)': lambda: make(
        loss_func=nn.MSELoss(reduction='none')
    ).fit(1),
    'Raise.after_bacth: Learner has no event of this name; did you mean after_batch?': lambda: make(
        cbs=Raise('after_bacth', None)
    ),
    'Raise.on_train_begin: Learner has no event of this name': lambda: make().fit(1, cbs=Raise('on_train_begin', None)),
    'dls.train: expected batches, got none: it is empty': lambda: make(dls=DataLoaders([])).fit(1),
    'dls.valid: expected batches, got none: it is empty': lambda: make(dls=DataLoaders([(x, y)], [])).fit(1),
    'dls.train: expected batches, got none: its data hold 20 items, and batch_size is 21': lambda: make(
        dls=DataLoaders(DataLoader(Dataset(x, y), 21, drop_last=True))
    ).fit(1),
    'n_epochs: expected a whole number of at least 1, got 0': lambda: make().fit(0),
    'n_epochs: expected a whole number of at least 1, got -1': lambda: make().fit_one_cycle(-1),
    "metrics: expected a function of (pred, y) or a torchmetrics Metric, got 'accuracy'": lambda: make(
        metrics=['accuracy']
    ),
}

@pytest.mark.parametrize('message', MESSAGES)
def test_messages(message, capsys):
    with pytest.raises((ValueError, TypeError)) as e: MESSAGES[message]()
    assert message in str(e.value)

def test_a_wrong_batch_leaves_the_learner_usable(capsys):
    learn = make()
    good, learn.dls = learn.dls, DataLoaders([(x[:5].view(5, 3, 2), y[:5])])
    with pytest.raises(RuntimeError): learn.fit(1)
    learn.dls = good
    learn.fit(2)
    assert len(learn.recorder.rows) == 2

# --- batches of every form: unpack

class TakesTwo(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.Linear(6, 1)
    def forward(self, a, b): return self.l(a + b)

class TakesMask(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.Linear(6, 1)
    def forward(self, x, mask=None): return self.l(x if mask is None else x * mask)

@dataclass
class Output(OrderedDict):
    "Like the outputs of Hugging Face's models: a dataclass that is a dict as well."
    loss: torch.Tensor | None = None
    logits: torch.Tensor | None = None
    def __post_init__(self):
        for f in fields(self):
            if getattr(self, f.name) is not None: self[f.name] = getattr(self, f.name)

class Hugging(nn.Module):
    "Takes tokens and labels by name, gives its own loss, as Hugging Face's models do."
    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(10, 4), nn.Linear(4, 3)
    def forward(self, input_ids=None, attention_mask=None, labels=None):
        h = self.embed(input_ids)
        m = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        logits = self.head((h * m[..., None]).sum(1) / m.sum(1, keepdim=True))
        return Output(None if labels is None else F.cross_entropy(logits, labels), logits)

def tokens(n, seed=0, **kwargs):
    g = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, 10, (n, 5), generator=g)
    return dict(
        input_ids=ids,
        attention_mask=(torch.rand(n, 5, generator=g) > 0.2).long().index_fill_(1, torch.tensor([0]), 1),
        labels=ids[:, 0] % 3,
    )

X, Y = torch.ones(4, 6), torch.ones(4, 1)


@pytest.mark.parametrize(
    'batch,m,inputs,named,target',
    [
        ((X, Y), None, (X,), {}, Y),
        ([X, Y], model(), (X,), {}, Y),
        ((X, X, Y), TakesTwo(), (X, X), {}, Y),
        ((X, Y), TakesMask(), (X,), {}, Y),
        ((X,), model(), (X,), {}, None),
        (X, model(), (X,), {}, None),
        ((X, X), TakesTwo(), (X, X), {}, None),
        ((X, X), None, (X,), {}, X),
        (dict(x=X, y=Y), None, (), dict(x=X), Y),
        (dict(x=X, mask=X, y=Y), TakesMask(), (), dict(x=X, mask=X), Y),
        (dict(input_ids=X, labels=Y), Hugging(), (), dict(input_ids=X, labels=Y), Y),
        (UserDict(a=X, b=X, target=Y), TakesTwo(), (), dict(a=X, b=X), Y),
        (dict(a=X, b=X), TakesTwo(), (), dict(a=X, b=X), None),
    ],
)
def test_unpack(batch, m, inputs, named, target):
    xs, kw, y = unpack(batch, m)
    assert len(xs) == len(inputs) and all(a is b for a, b in zip(xs, inputs))
    assert list(kw) == list(named) and all(kw[k] is named[k] for k in kw) and y is target

def test_a_dict_for_a_model_of_tensors(capsys):
    with pytest.raises(
        TypeError, match=r"batch: expected a dict with what Sequential.forward takes, \['input'\], got \['pixels'\]"
    ):
        make(dls=DataLoaders([dict(pixels=x, y=y)])).fit(1)

def test_loader_of_plain_tensors(capsys):
    "Each tensor is one batch of inputs, and not a sequence of rows."
    learn = make()
    out, targets = learn.get_preds([x[:5], x[5:]])
    assert targets is None and torch.equal(out, learn.predict(x))

def test_unlabeled_loader_with_two_inputs(capsys):
    m = TakesTwo()
    learn = make(m, dls=DataLoaders([(x, x, y)]))
    want = m(x, x)
    out, targets = learn.get_preds([(x[:7], x[:7]), (x[7:], x[7:])])
    assert torch.allclose(out, want) and targets is None

def test_autoencoder(capsys):
    class Auto(Learner):
        def unpack(self, batch): return (batch,), {}, batch
    torch.manual_seed(0)
    learn = Auto(nn.Linear(6, 6), DataLoaders([x[:10], x[10:]], [x]), F.mse_loss)
    learn.fit(2, lr=0.1)
    with torch.no_grad(): assert learn.validate()['valid_loss'] == pytest.approx(F.mse_loss(learn.model(x), x).item())
    assert learn.recorder.rows[1]['valid_loss'] < learn.recorder.rows[0]['valid_loss']

def test_unpack_that_forgets_the_tuple(capsys):
    class Wrong(Learner):
        def unpack(self, batch): return batch[0], {}, batch[1]
    with pytest.raises(TypeError, match='with the inputs as a tuple, got'): Wrong(model(), loaders(), F.mse_loss).fit(1)

def test_no_target_says_so(capsys):
    with pytest.raises(AttributeError) as e: make(dls=DataLoaders([x])).fit(1)
    assert 'the batch has no target' in e.value.__notes__[0]

def test_hugging_face_batches(capsys):
    torch.manual_seed(0)
    batches = [tokens(8), tokens(3, 1)]
    accuracy = lambda out, y: (out.logits.argmax(-1) == y).float().mean()
    learn = Learner(Hugging(), DataLoaders(batches, batches), metrics=dict(accuracy=accuracy), opt_func=Adam, lr=0.1)
    learn.fit(20)
    whole = {k: torch.cat([b[k] for b in batches]) for k in batches[0]}
    with torch.no_grad(): want = learn.model(**whole)
    row = learn.recorder.rows[-1]
    assert (
        row['valid_loss'] == pytest.approx(want.loss.item())
        and row['accuracy'] == pytest.approx(accuracy(want, whole['labels']).item())
        and row['accuracy'] > 0.7
    )
    out, y = learn.get_preds()
    assert type(out) is Output and torch.equal(y, whole['labels']) and out.loss.shape == (2,)
    torch.testing.assert_close(out.logits, want.logits)
    torch.testing.assert_close(out['logits'], want.logits)
    assert type(learn.predict(batches[0])) is Output and learn.predict(
        dict(input_ids=whole['input_ids'])
    ).logits.shape == (11, 3)
    table = learn.show_results(4)
    assert len(table) == 4 and table['target'].tolist() == whole['labels'][:4].tolist() and 'input_ids' in table
    with pytest.raises(ValueError, match='worst: expected False without a loss_func'): learn.show_results(2, worst=True)
    learn.loss_func = lambda out, y: F.cross_entropy(out.logits, y)
    assert len(learn.show_results(2, worst=True)) == 2
    with pytest.raises(ValueError, match='are there labels in the batch'):
        Learner(Hugging(), DataLoaders([dict(input_ids=whole['input_ids'])])).fit(1)

Pair = namedtuple('Pair', 'first second')
@dataclass
class Parts:
    out: torch.Tensor
    hidden: torch.Tensor


@pytest.mark.parametrize(
    'wrap',
    [
        lambda p: dict(out=p, twice=2 * p),
        lambda p: Pair(p, 2 * p),
        lambda p: (p, [2 * p, None]),
        lambda p: Parts(p, 2 * p),
        lambda p: Output(p.mean(), p),
        lambda p: OrderedDict(a=dict(b=p)),
        lambda p: defaultdict(list, a=p),
    ],
)
def test_outputs_keep_their_type(wrap, capsys):
    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.l = nn.Linear(6, 1)
        def forward(self, x): return wrap(self.l(x))
    found = []
    class See(Callback):
        def after_pred(self, learn): found.append(learn.pred)
    learn = Learner(
        Wrapped(),
        loaders(),
        lambda pred, y: (tensors(pred)[0].float().mean() - y).pow(2).mean(),
        cbs=[MixedPrecision(), See()],
    )
    learn.fit(1)
    for out in (learn.get_preds()[0], learn.predict(x), found[0]):
        assert type(out) is type(wrap(torch.ones(1)))
        assert all(t.dtype == torch.float32 for t in tensors(out))
    want = tensors(wrap(learn.model.l(x)))
    if not isinstance(wrap(x), Output):
        assert all(torch.allclose(a, b, atol=0.05) for a, b in zip(tensors(learn.predict(x)), want))

def tensors(x):
    if isinstance(x, torch.Tensor): return [x]
    if isinstance(x, dict): return [t for v in x.values() for t in tensors(v)]
    if isinstance(x, (tuple, list)): return [t for v in x for t in tensors(v)]
    return tensors(list(vars(x).values())) if hasattr(x, '__dict__') else []

def test_predict_takes_a_batch_a_dataset_or_a_loader(capsys):
    learn = make()
    with torch.no_grad(): want = learn.model(x)
    ds = Dataset(x, y)
    ways = [
        x,
        (x, y),
        [x, y],
        ds,
        torch.utils.data.TensorDataset(x, y),
        torch.utils.data.Subset(torch.utils.data.TensorDataset(x), range(20)),
        DataLoader(ds, 7),
        torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), 7),
        [(x[:3], y[:3]), (x[3:], y[3:])],
        ((x[i : i + 5],) for i in range(0, 20, 5)),
        dict(input=x),
    ]
    for way in ways: torch.testing.assert_close(learn.predict(way), want)
    torch.manual_seed(0)
    masked = make(TakesMask())
    torch.testing.assert_close(masked.predict((x, torch.zeros(20, 6))), masked.model.l.bias.detach().expand(20, 1))

def test_show_results_is_of_one_pass(capsys):
    "The items shown are those that the outputs belong to, though the loader shuffles; and no target is no error."
    identity = nn.Linear(1, 1)
    identity.weight.data.fill_(1.); identity.bias.data.zero_()
    x = torch.arange(50.)[:, None]
    learn = Learner(identity, DataLoaders.of(Dataset(x, x)), F.mse_loss)
    class Two(nn.Module):
        def __init__(self): super().__init__(); self.l = nn.Linear(1, 1)
        def forward(self, a, b): return a + 0 * self.l(b)
    learn = Learner(Two(), DataLoaders([(x, x, x)]), F.mse_loss)
    table = learn.show_results(
        5, dl=torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, x, x), 8, shuffle=True)
    )
    assert table['input 1'].tolist() == table['says'].tolist() == table['target'].tolist()
    assert 'target' not in learn.show_results(5, dl=[(x, x)])


@pytest.mark.parametrize(
    'make_y',
    [
        lambda x: (x[:, :1], x[:, 1:2], x[:, 2:3]),
        lambda x: dict(a=x[:, :1], b=x[:, 1:2]),
        lambda x: Pair(x[:, :1], x[:, 1:2]),
        lambda x: [dict(box=v[:3], more=v[:2]) for v in x],
        lambda x: tuple('ab'[int(v[0] > 0)] for v in x),
    ],
)
def test_targets_of_parts_count_by_items(make_y, capsys):
    "Batches of 10 and 2 items: the mean over all 12, whatever the target is made of."
    size = lambda p, y: p.abs().mean() * 3
    learn = make(dls=DataLoaders(batches_of(make_y), batches_of(make_y)), loss_func=size, metrics=dict(size=size))
    learn.fit(1, lr=0.)
    whole = torch.cat([x for x, _ in batches_of(make_y)])
    with torch.no_grad(): want = size(learn.model(whole), None).item()
    row = learn.recorder.rows[-1]
    assert row['valid_loss'] == pytest.approx(want) == pytest.approx(row['train_loss']) == pytest.approx(row['size'])

LOSSES = dict(
    weighted=nn.CrossEntropyLoss(torch.tensor([1.0, 5.0, 0.2])),
    ignoring=nn.CrossEntropyLoss(ignore_index=1),
    functional=F.cross_entropy,
    partial=partial(F.cross_entropy, weight=torch.tensor([1.0, 5.0, 0.2]), ignore_index=0),
    nll=lambda p, y: F.nll_loss(p.log_softmax(1), y),
    both=nn.CrossEntropyLoss(torch.tensor([1.0, 5.0, 0.2]), ignore_index=-1),
    ours=partial(cross_entropy, weight=torch.tensor([1.0, 5.0, 0.2])),
)

@pytest.mark.parametrize('name', LOSSES)
def test_weighted_and_ignoring_losses(name, capsys):
    "valid_loss is the loss over the whole set, for what divides by class weights or leaves targets out."
    ignored = dict(functional=-100, both=-1).get(name)
    def make_y(x):
        y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
        return y if ignored is None else y.masked_fill(x[:, 2] > 0.3, ignored)
    torch.manual_seed(0)
    batches = batches_of(make_y, (10, 2, 7, 1))
    learn = Learner(nn.Linear(6, 3), DataLoaders(batches, batches), LOSSES[name])
    learn.fit(1, lr=0.)
    x, y = (torch.cat(t) for t in zip(*batches))
    with torch.no_grad(): want = LOSSES[name](learn.model(x), y).item()
    assert learn.validate()['valid_loss'] == pytest.approx(want) == pytest.approx(learn.recorder.rows[0]['train_loss'])

def test_sequences_count_by_tokens(capsys):
    torch.manual_seed(0)
    class Tokens(nn.Module):
        def __init__(self): super().__init__(); self.l = nn.Linear(1, 4)
        def forward(self, x): return self.l(x[..., None]).movedim(-1, 1)
    batches = [
        (torch.randn(n, t), torch.randint(0, 4, (n, t)).masked_fill(torch.rand(n, t) < 0.3, -100))
        for n, t in ((4, 7), (2, 3), (5, 1))
    ]
    learn = Learner(Tokens(), DataLoaders(batches, batches), F.cross_entropy)
    with torch.no_grad():
        total = sum(F.cross_entropy(learn.model(x), y, reduction='sum') for x, y in batches)
    assert learn.validate()['valid_loss'] == pytest.approx((total / sum((y != -100).sum() for _, y in batches)).item())

def test_a_divisor_of_ones_own(capsys):
    class Mine(Learner):
        def loss_weight(self): return self.yb.sum()
    batches = [(torch.randn(n, 6), torch.rand(n, 1)) for n in (5, 2)]
    loss = lambda p, y: (p.pow(2) * y).sum() / y.sum()
    learn = Mine(model(), DataLoaders(batches, batches), loss)
    x, y = (torch.cat(t) for t in zip(*batches))
    with torch.no_grad(): assert learn.validate()['valid_loss'] == pytest.approx(loss(learn.model(x), y).item())

def test_metric_collection(capsys):
    from torchmetrics import MeanAbsoluteError, MeanSquaredError, MetricCollection
    for metrics in (
        MetricCollection([MeanSquaredError(), MeanAbsoluteError()]),
        [MetricCollection(dict(MeanSquaredError=MeanSquaredError(), MeanAbsoluteError=MeanAbsoluteError()))],
    ):
        learn = make(metrics=metrics)
        learn.fit(1)
        x, y = data(8, 1)
        with torch.no_grad(): pred = learn.model(x)
        row = learn.recorder.rows[-1]
        assert row['MeanSquaredError'] == pytest.approx(F.mse_loss(pred, y).item()) and row[
            'MeanAbsoluteError'
        ] == pytest.approx(F.l1_loss(pred, y).item())


@pytest.mark.parametrize(
    'opt_func,want',
    [
        (SGD, 0.1),
        (partial(SGD, momentum=0.9), 0.1),
        (Adam, 1e-3),
        (torch.optim.AdamW, 1e-3),
        (partial(torch.optim.AdamW, lr=2e-3), 2e-3),
        (lambda params, lr: SGD(params, lr), 0.1),
        (lambda params, lr=0.7: SGD(params, lr), 0.7),
        (lambda params: Adam(params, 3e-4), 3e-4),
    ],
)
def test_no_rate_means_the_optimizers_own(opt_func, want, capsys):
    see = Rates()
    learn = make(opt_func=opt_func, cbs=see)
    learn.fit(1)
    assert see.rates[0] == [want]
    learn.fit(1, lr=0.02)
    assert see.rates[0] == [0.02]
    learn.fit_one_cycle(1)
    assert max(r[0] for r in see.rates) == pytest.approx(want, rel=0.6)
    learn.lr = 0.03
    learn.fit(1)
    assert see.rates[0] == [0.03]

def test_default_rate_of_a_class_that_hands_it_on():
    class Mine(torch.optim.AdamW):
        def __init__(self, *args, **kwargs): super().__init__(*args, **kwargs)
    assert make(opt_func=Mine).make_opt().param_groups[0]['lr'] == 1e-3

def test_gradients_that_lie_there_are_dropped(capsys):
    a, b = make(), make()
    for p in a.model.parameters(): p.grad = torch.full_like(p, 100.)
    a.fit(1); b.fit(1)
    assert torch.equal(weights(a.model), weights(b.model))

def test_an_optimizer_of_another_model(capsys):
    "The mistake of running one cell again."
    opt = torch.optim.SGD(model().parameters(), lr=0.1)
    learn = make(opt_func=opt)
    for call in (lambda: learn.fit(1), lambda: learn.lr_find(plot=False)):
        with pytest.raises(ValueError, match="opt_func: expected the model's parameters, got 4 of which 4 are not"):
            call()
    m = model()
    opt = torch.optim.SGD(m.parameters(), lr=0.1)
    m[2] = nn.Linear(5, 1)
    with pytest.raises(ValueError, match='got 4 of which 2 are not'): make(m, opt_func=opt).fit(1)
    opt = torch.optim.SGD([p := m[0].weight], lr=0.1)
    opt.param_groups.append(dict(opt.param_groups[0], params=[p]))
    with pytest.raises(ValueError, match='opt_func: expected each parameter once'): make(m, opt_func=opt).fit(1)

def test_frozen_parts_and_parameters_of_the_loss(capsys):
    m = model()
    head = make(m, opt_func=lambda params, lr: SGD(m[2].parameters(), lr))
    body = m[0].weight.clone()
    head.fit(2)
    assert torch.equal(m[0].weight, body)
    for p in m[0].parameters(): p.requires_grad_(False)
    frozen = make(m)
    frozen.fit(1)
    assert torch.equal(m[0].weight, body)
    class Scaled(nn.Module):
        def __init__(self): super().__init__(); self.scale = nn.Parameter(torch.ones(()))
        def forward(self, pred, y): return F.mse_loss(pred * self.scale, y)
    loss = Scaled()
    make(m, loss_func=loss, opt_func=lambda params, lr: SGD([*params, loss.scale], lr)).fit(1)
    assert loss.scale != 1

# --- beside a fit: nothing is left behind

class Noisy(nn.Module):
    "Draws random numbers in evaluation mode as well, and counts its calls in a buffer that state_dict leaves out."
    def __init__(self):
        super().__init__()
        self.l, self.bn = nn.Linear(6, 1), nn.BatchNorm1d(6)
        self.register_buffer('calls', torch.zeros(()), persistent=False)
    def forward(self, x):
        self.calls += self.training
        random.random(); np.random.rand()
        return self.l(self.bn(x) + 0.01 * torch.rand_like(x))

class Watcher(Callback):
    "Sets up in before_fit, and so fails where it is not called."
    def before_fit(self, learn): self.seen = 0
    def after_batch(self, learn): self.seen += 1
    def after_step(self, learn): self.seen += 1

def everything(learn):
    "All that must be as it was."
    rng = (
        random.getstate(),
        np.random.get_state()[1].tolist(),
        torch.get_rng_state().tolist(),
        learn.dls.train.sampler.generator.get_state().tolist(),
    )
    model_ = {k: v.tolist() for k, v in [*learn.model.named_parameters(), *learn.model.named_buffers()]}
    grads = [p.grad for p in learn.model.parameters()], [m.training for m in learn.model.modules()]
    opt = str(learn.opt_func.state_dict()) if hasattr(learn.opt_func, 'state_dict') else None
    value = lambda v: v.tolist() if isinstance(v, torch.Tensor) else v
    own = {
        k: value(getattr(learn, k, 'none'))
        for k in (
            'figures',
            'canceled',
            'opt',
            'loss',
            'i',
            'training',
            'epoch',
            'n_epochs',
            'dl',
            'cbs',
            'kwb',
            'upstream',
        )
    }
    cbs = [
        {
            k: list(v.kept) if hasattr(v, 'kept') else list(v) if isinstance(v, list) else v
            for k, v in vars(cb).items()
            if k not in ('view',)
        }
        for cb in learn.cbs
    ]
    return dict(rng=rng, model=model_, grads=grads, opt=opt, own=own, cbs=cbs)

@pytest.mark.parametrize('what', ['lr_find', 'validate', 'summary', 'validate train', 'get_preds'])
@pytest.mark.parametrize('fitted', [True, False])
def test_beside_a_fit_everything_is_put_back(what, fitted, capsys):
    torch.manual_seed(0)
    m = Noisy()
    opt = torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9)
    dls = DataLoaders(
        DataLoader(Dataset(*data(200)), 5, shuffle=True, generator=torch.Generator().manual_seed(1)),
        DataLoader(Dataset(*data(8, 1)), 5),
    )
    learn = make(
        m,
        dls=dls,
        opt_func=opt,
        cbs=[GradientClip(0.5), Watcher(), SaveBest(), EarlyStopping(), GradientAccumulation(2), TerminateOnNaN()],
    )
    if fitted: learn.fit(1)
    m.bn.eval()
    m.l.weight.grad = torch.ones_like(m.l.weight)
    before = everything(learn)
    call = dict(
        lr_find=lambda: learn.lr_find(plot=False),
        validate=learn.validate,
        summary=learn.summary,
        get_preds=learn.get_preds,
    )
    call['validate train'] = lambda: learn.validate(learn.dls.train)
    call[what]()
    after = everything(learn)
    for k in before:
        if k == 'rng' and what == 'get_preds': continue  # may draw: samples are to differ from call to call
        assert before[k] == after[k], k
    assert m.l.weight.grad is not None

def test_which_callbacks_sleep(capsys):
    "What has before_fit sleeps beside a fit, unless `always` says otherwise."
    seen = []
    class Plain(Callback):
        def after_pred(self, learn): seen.append('plain')
    class Fit(Callback):
        def before_fit(self, learn): pass
        def after_pred(self, learn): seen.append('fit')
    class Always(Fit):
        always = True
        def after_pred(self, learn): seen.append('always')
    class Never(Plain):
        always = False
        def after_pred(self, learn): seen.append('never')
    learn = make(cbs=[Plain(), Fit(), Always(), Never()])
    for call in (learn.validate, learn.get_preds, lambda: learn.predict(x), learn.summary):
        seen.clear()
        call()
        assert set(seen) == {'plain', 'always'}
    learn.fit(1)
    assert set(seen) == {'plain', 'fit', 'always', 'never'}

def test_modes_are_put_back_one_by_one(capsys):
    m = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Linear(6, 1))
    learn = make(m)
    m.train(); m[1].eval()
    learn.validate()
    assert m.training and not m[1].training

def test_summary_counts_all(capsys):
    class Model(nn.Module):

        def __init__(self):
            super().__init__()
            self.a, self.l = nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 1)

        def forward(self, x, y): return self.l(self.a(x, y, y)[0])
    m, t = Model(), torch.randn(4, 3, 8)
    learn = Learner(m, DataLoaders([(t, t, t[..., :1])]), F.mse_loss)
    assert learn.summary()['parameters'].iloc[-1] == sum(p.numel() for p in m.parameters())
    assert Learner(Hugging(), DataLoaders([tokens(4)])).summary()['parameters'].iloc[-1] == sum(
        p.numel() for p in Hugging().parameters()
    )

# --- words about the end

def stopped(learn, n, capsys):
    try:learn.fit(n)
    except ValueError: pass
    return capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    'event,n,at,says',
    [
        ('after_epoch', 10, 4, 'Stopped after epoch 4 of 10'),
        ('after_epoch', 1, 1, 'Stopped after epoch 1 of 1'),
        ('after_batch', 3, 2, 'Stopped in epoch 1 of 3'),
        ('before_epoch', 3, 2, 'Stopped in epoch 2 of 3'),
        ('after_fit', 1, 1, 'Stopped after epoch 1 of 1'),
        ('before_fit', 2, 1, 'Stopped in epoch 1 of 2'),
    ],
)
def test_where_it_stopped(event, n, at, says, capsys):
    for error in (CancelFit('x'), ValueError('x')):
        cut = Raise(event, error, at)
        cut.order = 60
        assert stopped(make(cbs=cut), n, capsys).startswith(says + ': ')

# --- wrong arguments

WRONG = {
    'got the class CrossEntropyLoss; give an object, CrossEntropyLoss()': lambda: make(
        loss_func=nn.CrossEntropyLoss
    ),
    "loss_func: expected a function of (pred, y), got 'mse'": lambda: make(loss_func='mse'),
    "got 'adam'; did you mean torch.optim.Adam?": lambda: make(opt_func='adam'),
    'opt_func: expected an optimizer from it, got dict': lambda: make(opt_func=lambda params, lr: {}).fit(1),
    'train: expected a loader of batches, got a Dataset, which gives single items': lambda: DataLoaders(Dataset(x, y)),
    'valid: expected a loader of batches, got a TensorDataset, which gives single items': lambda: DataLoaders(
        [(x, y)], torch.utils.data.TensorDataset(x, y)
    ),
    'train: expected a loader or a list of batches, got a tuple of tensors, which is one batch': lambda: DataLoaders(
        (x, y)
    ),
    'train: expected a loader of batches, got a tensor of shape': lambda: DataLoaders(x),
    "train: expected a loader of batches, got 'mnist'": lambda: DataLoaders('mnist'),
    'cbs: ': lambda: make(cbs='recorder'),
    'cbs: expected': lambda: make(cbs=(c for c in [MixedPrecision()])),
    'expected': lambda: make().fit(1, cbs=[Dataset(x, y)]),
}

@pytest.mark.parametrize('message', WRONG)
def test_wrong_arguments(message, capsys):
    with pytest.raises((ValueError, TypeError)) as e: WRONG[message]()
    assert message in str(e.value)

def test_loaders_with_workers_and_collate(capsys):
    "What both loaders need reaches both; what is of training only does not."
    items = [dict(x=a, y=b) for a, b in zip(*data())]
    together = lambda batch: (torch.stack([d['x'] for d in batch]), torch.stack([d['y'] for d in batch]))
    dls = DataLoaders.of(items, items, batch_size=5, collate_fn=together, drop_last=True)
    learn = make(dls=dls)
    learn.fit(1)
    assert learn.get_preds()[0].shape == (20, 1)
    sampler = torch.utils.data.SequentialSampler(range(20))
    assert torch.equal(
        torch.cat([x for x, _ in DataLoaders.of(Dataset(*data()), batch_size=5, sampler=sampler).train]), data()[0]
    )

# --- errors name the layer

@pytest.mark.parametrize('m', [model(), model(False)])
def test_notes_name_the_layer(m, capsys):
    with pytest.raises((RuntimeError, ValueError)) as e: make(m, dls=DataLoaders([(x[:5].view(5, 3, 2), y[:5])])).fit(1)
    assert (
        e.value.__notes__[0].startswith("Raised in layer '0', Linear(")
        and 'on an input of shape (5, 3, 2), float32, on cpu' in e.value.__notes__[0]
    )
    assert not m[0]._forward_hooks and not m[0]._forward_pre_hooks

def test_notes_name_the_dtype_and_the_loss(capsys):
    with pytest.raises(RuntimeError) as e: make().predict(x.double())
    assert (
        'input of shape (20, 6), float64, on cpu; its first weights are of shape (5, 6), float32, on cpu'
        in e.value.__notes__[0]
    )
    with pytest.raises(RuntimeError) as e:
        Learner(nn.Linear(6, 3), DataLoaders([(x, y.squeeze().int())]), F.cross_entropy).fit(1)
    assert e.value.__notes__ == [
        'Raised in loss_func, on an output of shape (20, 3), float32, on cpu '
        'and a target of shape (20,), int32, on cpu.'
    ]

# --- types

def test_methods_stand_in_the_class():
    "A type checker knows a method only if the class body has it."
    for name in (
        'validate',
        'get_preds',
        'predict',
        'show_results',
        'summary',
        'fit_one_cycle',
        'lr_find',
        'unpack',
        'fit',
    ):
        assert getattr(Learner, name).__qualname__ == f'Learner.{name}'
    assert Learner.recorder.fget.__qualname__ == 'Learner.recorder'

# --- what a batch counts

def test_class_weights_with_small_whole_numbers(capsys):
    "Targets of one byte are numbers of classes, not a mask."
    w, m = torch.tensor([1., 2., 3.]), nn.Linear(6, 3)
    y = torch.arange(20) % 3
    for dtype in (torch.uint8, torch.int16):
        learn = make(m, loss_func=nn.CrossEntropyLoss(weight=w))
        learn.yb, learn.xb, learn.kwb = y.to(dtype), [x], {}
        assert learn.loss_weight() == w[y].sum()

def test_attributes_of_other_losses_are_not_trusted(capsys):
    class Focal(nn.Module):
        def __init__(self, weight):
            super().__init__()
            self.weight, self.ignore_index = weight, 0
        def forward(self, pred, y): return F.cross_entropy(pred, y, weight=self.weight, reduction='none').mean()
    class Sub(nn.CrossEntropyLoss):
        def forward(self, pred, y): return F.cross_entropy(pred, y, reduction='none').mean()
    def nll(pred, y): return F.cross_entropy(pred, y, reduction='none').mean()
    y = torch.arange(20) % 3
    dl = DataLoader(Dataset(x, y), 7)
    for loss in (Focal(torch.tensor([1., 2., 3.])), Sub(ignore_index=0), nll):
        learn = make(nn.Linear(6, 3), loss_func=loss, dls=DataLoaders(dl, dl))
        with torch.no_grad(): want = loss(learn.model(x), y)
        torch.testing.assert_close(learn.validate()['valid_loss'], want.item(), rtol=1e-5, atol=0)

def test_the_rate_goes_to_no_other_argument(capsys):
    "An optional second argument is not the rate; the optimizer that comes gets it all the same."
    seen = []
    def opt_func(ps, wd=1e-2):
        seen.append(wd)
        return torch.optim.AdamW(ps, lr=1e-3, weight_decay=wd)
    for lr, want in ((None, 1e-3), (0.5, 0.5)):
        learn = make(opt_func=opt_func, lr=lr)
        assert learn.make_opt().param_groups[0]['lr'] == want
    assert seen == [1e-2, 1e-2]
    assert make(opt_func=lambda ps, **kw: torch.optim.AdamW(ps, **kw)).make_opt(0.2).param_groups[0]['lr'] == 0.2
    assert make(opt_func=lambda ps, rate: SGD(ps, rate)).make_opt(0.2).param_groups[0]['lr'] == 0.2

def test_an_optimizer_that_wants_a_closure(capsys):
    with pytest.raises(TypeError, match='got LBFGS, which wants a closure'): make(opt_func=torch.optim.LBFGS).fit(1)
    class Own(Learner):
        def update(self):
            def closure():
                self.opt.zero_grad()
                loss = self.loss_func(self.model(*self.xb), self.yb)
                loss.backward()
                return loss
            self.opt.step(closure)
    Own(model(), loaders(), F.mse_loss, opt_func=torch.optim.LBFGS).fit(1)

def test_loaders_given_wrongly():
    with pytest.raises(TypeError, match='got tuple of 1; for training data only give'):
        Learner(model(), (loaders().train,), F.mse_loss)
    with pytest.raises(TypeError, match='batch_sampler: expected'):
        DataLoaders.of(Dataset(x, y), batch_sampler=[[0]])

# --- names of metrics

def test_metrics_of_one_name(capsys):
    def metric(pred, y): return 1.
    class Both(dict):
        def __call__(self): pass
        def to(self, device): return self
        def reset(self): pass
        def update(self, pred, y): pass
        def compute(self): return dict(metric=2.)
    def other(pred, y): return 3.
    other.__name__ = 'metric'
    learn = make(metrics=[metric, Both()], cbs=Metrics(other))
    found = learn.validate()
    assert sorted(v for k, v in found.items() if k.startswith('metric')) == [1., 2., 3.]

@pytest.mark.parametrize('name', ['epoch', 'train_loss', 'valid_loss', 'time'])
def test_names_of_columns_are_refused(name):
    class Inside(dict):
        def __call__(self): pass
        def to(self, device): return self
        def reset(self): pass
        def update(self, pred, y): pass
        def compute(self): return {name: 2.}
    with pytest.raises(ValueError, match=f"a name that is no column of the learner itself, got '{name}'"):
        make(metrics={name: F.l1_loss})
    with pytest.raises(ValueError, match=f"a name that is no column of the learner itself, got '{name}'"):
        make(metrics=[Inside()]).validate()

@pytest.mark.parametrize('value', [None, 'high', object()])
def test_a_metric_that_gives_no_number(value):
    with pytest.raises(TypeError, match='metrics: expected one number from mine, got'):
        make(metrics=dict(mine=lambda p, y: value)).validate()

# --- outputs

def test_a_dataset_in_place_of_a_loader(capsys):
    learn = make()
    with torch.no_grad(): want = learn.model(x)
    for ds in (Dataset(x, y), torch.utils.data.TensorDataset(x, y)):
        preds, targets = learn.get_preds(ds)
        torch.testing.assert_close(preds, want)
        assert (
            torch.equal(targets, y)
            and learn.validate(ds).keys() == {'valid_loss'}
            and len(learn.show_results(dl=ds)) == 10
        )
    with pytest.raises(TypeError, match='dl: expected a loader or a list of batches, got a tuple of tensors'):
        learn.get_preds((x, y))

def test_predict_refuses_inputs_that_look_like_a_batch(capsys):
    learn = make()
    with pytest.raises(ValueError, match='a list of 2 tensors of one kind'): learn.predict([x[:10], x[10:]])
    torch.testing.assert_close(learn.predict([x]), learn.predict(x))

def test_predict_gives_the_mask_of_a_dataset(capsys):
    "As many parts as training batches have inputs: all of them are inputs."
    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.lin = nn.Linear(6, 1)
        def forward(self, x, mask=None): return self.lin(x if mask is None else x * mask)
    mask = (x > 0).float()
    three = DataLoader(Dataset(x, mask, y), 8, shuffle=True)
    learn, plain = make(Masked(), dls=DataLoaders(three)), make(Masked())
    with torch.no_grad(): want, bare = learn.model(x, mask), plain.model(x)
    for way in (Dataset(x, mask), DataLoader(Dataset(x, mask), 7), Dataset(x, mask, y), (x, mask)):
        torch.testing.assert_close(learn.predict(way), want)
    torch.testing.assert_close(plain.predict(Dataset(x, y)), bare)

def test_batches_are_joined_along_their_own_dimension(capsys):
    class Lstm(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(6, 4, num_layers=2, batch_first=True)
        def forward(self, x):
            out, (h, c) = self.rnn(x[:, None])
            return dict(out=out[:, 0], h=h, fixed=torch.zeros(3), folded=x.reshape(-1, 2))
    torch.manual_seed(0)
    m = Lstm()
    with torch.no_grad(): want = m(x)
    found = make(m).predict(DataLoader(Dataset(x, y), 8))
    for name in ('out', 'h', 'folded'): torch.testing.assert_close(found[name], want[name])
    assert isinstance(found['fixed'], list) and len(found['fixed']) == 3

def test_outputs_that_are_no_tensors(capsys):
    class Says(nn.Module):
        def __init__(self):
            super().__init__()
            self.lin = nn.Linear(6, 1)

        def forward(self, x):
            return dict(
                logits=self.lin(x), temperature=1.5, done=True, name='says', rows=len(x), cache=object(), none=None
            )

    found = make(Says()).predict(DataLoader(Dataset(x, y), 8))
    assert found['logits'].shape == (20, 1) and (found['temperature'], found['done'], found['name'], found['none']) == (
        1.5,
        True,
        'says',
        None,
    )
    assert found['rows'] == [8, 8, 4] and len(found['cache']) == 3

def test_worst_results_with_nan(capsys):
    "A loss that is nan is the worst of all."
    identity = nn.Linear(1, 1)
    identity.weight.data.fill_(1.); identity.bias.data.zero_()
    x = torch.arange(10.)[:, None]
    x[4] = math.nan
    table = make(identity, dls=DataLoaders([(x, torch.zeros(10, 1))])).show_results(
        3, worst=True, dl=[(x, torch.zeros(10, 1))]
    )
    assert list(table.index) == [4, 9, 8]

def test_inputs_of_a_compiled_model():
    class Two(nn.Module):
        def forward(self, a, b): return a + b
    m = torch.compile(Two(), backend='eager')
    assert unpack((x, x), m) == ((x, x), {}, None) or len(unpack((x, x), m)[0]) == 2

def test_a_traced_model(capsys):
    m = model()
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        traced = torch.jit.trace(m, x)
    learn = make(traced)
    learn.fit(1)
    for way in (x, (x, y), [x, y], Dataset(x, y)): torch.testing.assert_close(learn.predict(way), m(x).detach())
    assert learn.lr_find(plot=False)

# --- what was silent

class InPlace(nn.Module):
    "Edits its input, as nn.ReLU(inplace=True) in front does."
    def __init__(self):
        super().__init__()
        self.l = nn.Linear(6, 1)
    def forward(self, x): return self.l(x.mul_(0.5))

def test_a_model_that_edits_the_data():
    "What a loader hands out again in the next epoch must not be edited; a fresh copy may."
    ds = Dataset(*data())
    before = ds.tensors[0].clone()
    for dls in (DataLoaders(DataLoader(ds, 5)), DataLoaders(DataLoader(ds, 5, shuffle=True), DataLoader(ds, 5)),
                DataLoaders([(ds.tensors[0], ds.tensors[1])])):
        with pytest.raises(ValueError, match='model: expected one that leaves its input as it is'):
            make(InPlace(), dls=dls).fit(1)
        assert torch.equal(ds.tensors[0], before)
    theirs = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*ds.tensors), 5)
    make(InPlace(), dls=DataLoaders(theirs, theirs)).fit(1)
    make(InPlace(), dls=DataLoaders(DataLoader(ds, 5, shuffle=True))).fit(1)
    assert torch.equal(ds.tensors[0], before)

def test_validating_inside_a_validation_pass_leaves_the_metrics_alone():
    from torchmetrics import MeanAbsoluteError
    class Peek(Callback):
        def before_fit(self, learn): pass  # so it sleeps in the pass that it begins
        def after_batch(self, learn):
            if not learn.training: self.seen = learn.validate(learn.dls.train)
    plain, peeking = (make(metrics=MeanAbsoluteError(), cbs=cbs) for cbs in ([], Peek()))
    for learn in (plain, peeking): learn.fit(2)
    assert plain.figures['MeanAbsoluteError'] == peeking.figures['MeanAbsoluteError']
    metric = MeanAbsoluteError()
    metric.update(torch.ones(3), torch.zeros(3))
    make(metrics=metric).validate()
    assert metric.compute() == 1, 'beside a fit: all is as it was afterwards'

def test_summary_of_a_compiled_model():
    m = model()
    assert make(torch.compile(m, backend='eager')).summary().equals(make(m).summary())

@pytest.mark.parametrize('n', [7, 600])
@pytest.mark.parametrize('ignored', [-100, 1])
def test_labels_that_count(n, ignored):
    "As many labels as there are, whatever their number; those that are ignored count nothing."
    y = torch.arange(n) % 3
    learn = make(nn.Linear(6, 3), loss_func=nn.CrossEntropyLoss(ignore_index=ignored))
    for labels in (y, y.masked_fill(y == 2, ignored), y[None]):
        learn.yb, learn.xb, learn.kwb = labels, [], {}
        assert learn.loss_weight() == (labels != ignored).sum()

# --- a pass that was cut, and what a learner says of itself

class CutPass(Callback):
    "Ends a pass at batch `n`, before it is trained on."
    def __init__(self, train=None, valid=None): self.at = {True: train, False: valid}
    def before_batch(self, learn):
        if learn.i == self.at[learn.training]: raise CancelTrain if learn.training else CancelValidate

def test_a_pass_cut_short_has_the_figures_of_its_batches(capsys):
    "Each batch weighs by its items; the row, the record and the table have them, and so does early stopping."
    x, y = data(17)
    batches = list(zip(x.split([7, 4, 6]), y.split([7, 4, 6])))
    keep, metric = EarlyStopping('l1_loss', patience=5, better='lower'), dict(l1_loss=F.l1_loss)
    learn = make(dls=DataLoaders(batches, batches), lr=0., metrics=metric, cbs=[CutPass(2, 2), keep])
    learn.fit(2)
    with torch.no_grad(): pred = learn.model(x[:11])
    for row in learn.recorder.rows:
        assert row['train_loss'] == pytest.approx(F.mse_loss(pred, y[:11]).item())
        assert row['valid_loss'] == pytest.approx(row['train_loss'])
        assert row['l1_loss'] == pytest.approx(F.l1_loss(pred, y[:11]).item())
    assert list(learn.recorder.table) == ['epoch', 'train_loss', 'valid_loss', 'l1_loss', 'time']
    assert keep.best_epoch == 1
    assert 'train_loss' in capsys.readouterr().out

def test_a_pass_without_a_batch_has_no_figures(capsys):
    learn = make(cbs=CutPass(0, 0), metrics=dict(l1_loss=F.l1_loss))
    learn.fit(1)
    assert list(learn.figures) == ['epoch', 'time']
    learn.remove(CutPass).fit(1)
    assert list(learn.figures) == ['epoch', 'train_loss', 'valid_loss', 'l1_loss', 'time']

def test_a_failed_pass_after_one_that_was_cut_gives_its_own_error(capsys):
    class Fails(Callback):
        def before_batch(self, learn):
            if learn.epoch == 1 and learn.i == 1: raise OSError('the disk')
    learn = make(cbs=[CutPass(2), Fails()])
    with pytest.raises(OSError, match='the disk') as e: learn.fit(2)
    assert not getattr(e.value, '__notes__', []) and len(learn.recorder.rows) == 1

SAYS = {
    'Learner(Sequential of 41 parameters, train: 4 batches, valid: 2 batches, loss: mse_loss, SGD at 0.1, '
    'callbacks: Metrics, Checks, Recorder, Progress, CtrlC)': lambda: make(lr=0.1),
    'Learner(Sequential of 41 parameters, train: 4 batches, valid: none, loss: mse_loss, Adam, metrics: l1_loss, mean, '
    'callbacks: Metrics, Checks, Recorder, Progress, CtrlC)':
        lambda: make(dls=DataLoaders(loaders().train), loss_func=partial(F.mse_loss, reduction='mean'),
                     opt_func=partial(torch.optim.Adam, betas=(0.5, 0.9)), metrics=[F.l1_loss, torch.mean]),
    "Learner(LazyLinear of 0 parameters, train: generator, valid: none, loss: the model's own, SGD)":
        lambda: make(nn.LazyLinear(2), DataLoaders(b for b in []), None, opt_func=torch.optim.SGD(
            nn.Linear(1, 1).parameters(), lr=0.1)).remove(Metrics, Checks, Recorder, Progress, CtrlC),
}

@pytest.mark.parametrize('says', SAYS)
def test_a_learner_says_what_it_holds(says): assert repr(SAYS[says]()) == says
