"What the page of the learner cannot show: every way to cut a fit short, a real script, a real terminal, a real Jupyter kernel."
import math, os, signal, struct, subprocess, sys, threading
from functools import partial
import pytest, torch, torch.nn.functional as F
from torch import nn
from nnbolts.callbacks import *
from nnbolts.learner import *
from nnbolts.learner import Table
from nnbolts.training import Adam, DataLoader, Dataset, Linear, Module, ReLU, SGD, Sequential

def data(n=20, seed=0):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 6, generator=g)
    return x, x[:, :1] - x[:, 1:2]

def model(torch_nn=True):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 1)) if torch_nn else Sequential(Linear(6, 5), ReLU(), Linear(5, 1))

def loaders(): return DataLoaders(DataLoader(Dataset(*data()), 5), DataLoader(Dataset(*data(8, 1)), 5))

def make(m=None, **kwargs): return Learner(m or model(), kwargs.pop('dls', None) or loaders(), kwargs.pop('loss_func', F.mse_loss), **kwargs)

@pytest.fixture(autouse=True)
def plain_sigint():
    "Each test begins and ends with Python's own handler."
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, old)

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

class Raise(Callback):
    "Raises at the n-th time that an event happens."
    def __init__(self, event, error, n=1):
        self.error, self.left = error, n
        setattr(self, event, self._raise)

    def _raise(self, learn):
        self.left -= 1
        if self.left == 0: raise self.error

class Done(Callback):
    "What the recorder must hold: it runs right after it."
    order, batches, epochs = 31, 0, 0
    def before_fit(self, learn): self.batches, self.epochs = 0, 0
    def after_batch(self, learn): self.batches += learn.training
    def after_epoch(self, learn): self.epochs += 1

CANCELS = dict(CancelFit='fit', CancelEpoch='epoch', CancelTrain='train', CancelValidate='validate', CancelBatch='batch')
ERRORS = dict(ValueError=ValueError('boom'), KeyboardInterrupt=KeyboardInterrupt(), **{name: globals()[name]() for name in (*CANCELS, 'CancelStep')})

def running(event):
    "The stages that run when an event happens, its own included, and whether they can be canceled there."
    in_batch = ('after_pred', 'after_loss', 'after_backward', 'after_step')
    name = 'batch' if event in in_batch else event.partition('_')[2]
    chain = dict(fit=[], epoch=['fit'], train=['fit', 'epoch'], validate=['fit', 'epoch'], batch=['fit', 'epoch', 'train'])[name]
    return chain if event.startswith('cleanup') else [*chain, name]

@pytest.mark.parametrize('error', ERRORS)
@pytest.mark.parametrize('event', Learner.events)
@pytest.mark.parametrize('n', [1, 2])
def test_cut_short(event, error, n, capsys):
    m, watch, done = model(), Watch(), Done()
    learn = make(m, cbs=[watch, done])
    before, cut = learn.cbs, Raise(event, ERRORS[error], n)
    happens = n == 1 or event.partition('_')[2] != 'fit'  # a fit happens once
    caught = CANCELS.get(error) in running(event) or (error == 'CancelStep' and event in ('after_backward', 'after_step'))
    raised = None
    try: learn.fit(2, cbs=[cut, MixedPrecision()])
    except BaseException as e: raised = e
    if not happens or caught: assert raised is None
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
    a, b = make(model(), dls=DataLoaders(batches), cbs=Raise(event, CancelBatch(), 2)), make(model(), dls=DataLoaders(batches[:1] + batches[2:]))
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
    try: raise KeyboardInterrupt
    except KeyboardInterrupt: make().fit(1)
    assert 'Stopped' not in capsys.readouterr().out

# --- PyTorch's parts, torchmetrics

def weights(m): return torch.cat([p.detach().flatten() for p in m.parameters()])

@pytest.mark.parametrize('ours,theirs', [(SGD, torch.optim.SGD), (partial(SGD, momentum=0.9, weight_decay=0.1), partial(torch.optim.SGD, momentum=0.9, weight_decay=0.1)), (Adam, torch.optim.Adam)])
def test_torch_parts(ours, theirs, capsys):
    a, b = model(False), model()
    b.load_state_dict(a.state_dict())
    ds = torch.utils.data.TensorDataset(*data())
    make(a, opt_func=ours, lr=0.05).fit(3)
    make(b, opt_func=theirs, lr=0.05, dls=DataLoaders(torch.utils.data.DataLoader(ds, 5), torch.utils.data.DataLoader(ds, 5))).fit(3)
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
    batches = [(torch.randn(n, 6, generator=seeded(n)), torch.randint(0, 3, (n,), generator=seeded(n + 1))) for n in (7, 3, 1)]
    torch.manual_seed(0)
    learn = make(nn.Linear(6, 3), dls=DataLoaders(batches, batches), loss_func=F.cross_entropy,
                 metrics=[MulticlassF1Score(3), MulticlassAccuracy(3, average='micro'), lambda pred, y: (pred.argmax(1) == y).float().mean()])
    learn.fit(2)
    x, y = (torch.cat(t) for t in zip(*batches))
    with torch.no_grad(): pred = learn.model(x)
    said = pred.argmax(1)
    f1 = [2 * ((said == k) & (y == k)).sum() / ((said == k).sum() + (y == k).sum()) for k in range(3)]
    row = learn.recorder.rows[-1]
    assert row['MulticlassF1Score'] == pytest.approx(torch.stack(f1).mean().item())
    assert row['MulticlassAccuracy'] == pytest.approx((said == y).float().mean().item()) == pytest.approx(row['<lambda>'])
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
    "layer '0', Linear(in_features=6, out_features=5, bias=True), got an input of shape (5, 3, 2), float32, on cpu; it wants shape (..., 6)":
        lambda: make(dls=DataLoaders([(x[:5].view(5, 3, 2), y[:5])])).fit(1),
    "layer '0', Linear(6, 5), got an input of shape (5, 3, 2), float32, on cpu; it wants shape (..., 6)":
        lambda: make(model(False), dls=DataLoaders([(x[:5].view(5, 3, 2), y[:5])])).fit(1),
    "layer '0', Linear(in_features=6, out_features=5, bias=True), got an input of shape (20, 6), float64, on cpu; it wants float32": lambda: make().predict(x.double()),
    'preds has shape (20, 1) and y (20,): a loss would broadcast them to 400 pairs. Reshape y to (20, 1)': lambda: make(dls=DataLoaders([(x, y.squeeze())])).fit(1),
    'loss_func must give one number, got shape (5, 1)': lambda: make(loss_func=nn.MSELoss(reduction='none')).fit(1),
    'Raise.after_bacth: Learner has no event of this name; did you mean after_batch?': lambda: make(cbs=Raise('after_bacth', None)),
    'Raise.on_train_begin: Learner has no event of this name': lambda: make().fit(1, cbs=Raise('on_train_begin', None)),
    'dls.train gave no batch: it is empty': lambda: make(dls=DataLoaders([])).fit(1),
    'dls.valid gave no batch: it is empty': lambda: make(dls=DataLoaders([(x, y)], [])).fit(1),
    'dls.train gave no batch: its data hold 20 items, and batch_size is 21': lambda: make(dls=DataLoaders(DataLoader(Dataset(x, y), 21, drop_last=True))).fit(1),
    'n_epochs must be at least 1, got 0': lambda: make().fit(0),
    'n_epochs must be at least 1, got -1': lambda: make().fit_one_cycle(-1),
    "metrics: expected a function of (pred, y) or a torchmetrics Metric, got 'accuracy'": lambda: make(metrics=['accuracy']),
    "device 'cuda:99' is not there; there is cpu": lambda: DeviceCB('cuda:99'),
    "device 'gpu' is not there; there is cpu": lambda: make(cbs=DeviceCB('gpu')),
}

@pytest.mark.parametrize('message', MESSAGES)
def test_messages(message, capsys):
    with pytest.raises((ValueError, TypeError)) as e: MESSAGES[message]()
    assert message in str(e.value)

def test_a_wrong_batch_leaves_the_learner_usable(capsys):
    learn = make()
    good, learn.dls = learn.dls, DataLoaders([(x[:5].view(5, 3, 2), y[:5])])
    with pytest.raises(ValueError): learn.fit(1)
    learn.dls = good
    learn.fit(2)
    assert len(learn.recorder.rows) == 2

# --- where it prints

SCRIPT = '''
import time, torch, torch.nn.functional as F
from nnbolts.learner import *
from nnbolts.training import *
class Slow(list):
    def __iter__(self):
        for b in list.__iter__(self): time.sleep({pause}); yield b
torch.manual_seed(0)
x, y = torch.randn(20, 6), torch.randn(20, 1)
batches = Slow(zip(x.split(5), y.split(5)))
learn = Learner(Linear(6, 1), DataLoaders(batches, batches), F.mse_loss, metrics={{'mae': F.l1_loss}})
'''

def test_script(root):
    "Output that goes to a file is a plain table, and no bar."
    done = subprocess.run([sys.executable, '-c', SCRIPT.format(pause=0) + 'learn.fit(2)'], capture_output=True, text=True, cwd=root)
    assert done.returncode == 0 and done.stderr == ''
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ['epoch', 'train_loss', 'valid_loss', 'mae', 'time']
    assert [line[0] for line in lines[1:]] == ['1', '2'] and all(len(line) == 5 for line in lines)
    ends = {len(line) for line in done.stdout.splitlines()}
    assert len(ends) == 1, 'the columns are aligned to the right'

def test_script_does_not_load_ipython_or_pandas(root):
    code = SCRIPT.format(pause=0) + 'learn.fit(1)\nimport sys\nassert not {"IPython", "pandas", "matplotlib", "ipywidgets"} & set(sys.modules)'
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, cwd=root).returncode == 0

def test_terminal(root):
    "In a terminal there is a bar, which is gone at the end."
    fcntl, pty, termios = map(pytest.importorskip, ('fcntl', 'pty', 'termios'))  # not on every system
    there, here = pty.openpty()
    fcntl.ioctl(here, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 100, 0, 0))
    p = subprocess.Popen([sys.executable, '-c', SCRIPT.format(pause=0.11) + 'learn.fit(2)'], stdout=here, stderr=here, stdin=here, cwd=root, env={**os.environ, 'TERM': 'xterm'})
    os.close(here)
    seen = b''
    while True:
        try: chunk = os.read(there, 4096)
        except OSError: break
        if not chunk: break
        seen += chunk
    assert p.wait() == 0
    text = seen.decode()
    assert 'epoch 1 of 2, training' in text and 'epoch 2 of 2, validation' in text and 'loss ' in text
    final = [line.rsplit('\r', 1)[-1].strip() for line in text.replace('\r\n', '\n').split('\n')]
    assert [line.split()[0] for line in final if line] == ['epoch', '1', '2']

def test_table():
    t = Table([dict(epoch=1, train_loss=0.5, a=None, time=75.), dict(epoch=2, train_loss=1e-7, a=math.nan, time=0.1)], 'a < b')
    assert repr(t).splitlines() == ['   epoch  train_loss         a      time', '       1      0.5000                1:15', '       2       1e-07       nan     0.10s', 'a < b']
    assert t._repr_html_().count('<tr>') == 3 and 'a &lt; b' in t._repr_html_()
    assert repr(Table([])) == '' and Table([])._repr_html_() == ''

@pytest.fixture(scope='module')
def kernel(root):
    manager = pytest.importorskip('jupyter_client.manager')
    pytest.importorskip('ipykernel')
    km, client = manager.start_new_kernel(kernel_name='python3', cwd=str(root))
    yield km, client
    client.stop_channels()
    km.shutdown_kernel(now=True)

def run(client, code, during=None):
    "Run code in the kernel; all messages of its output, in order."
    msg, out = client.execute(code), []
    while True:
        m = client.get_iopub_msg(timeout=60)
        if m['parent_header'].get('msg_id') != msg: continue
        if m['msg_type'] == 'status' and m['content']['execution_state'] == 'idle': return out
        out.append(m)
        if during: during(m)

def of_type(msgs, *types): return [m for m in msgs if m['msg_type'] in types]

def test_jupyter_live(kernel):
    "One display that is updated: a table and a bar while it runs, a table at the end."
    msgs = run(kernel[1], SCRIPT.format(pause=0.06) + 'learn.fit(2)')
    assert not of_type(msgs, 'error', 'stream')
    shown, updates = of_type(msgs, 'display_data'), of_type(msgs, 'update_display_data')
    assert len(shown) == 1 and len(updates) >= 4
    assert {m['content']['transient']['display_id'] for m in shown + updates} == {shown[0]['content']['transient']['display_id']}
    pages = [m['content']['data']['text/html'] for m in updates]
    assert any('<progress value=' in p and 'epoch 2 of 2' in p for p in pages) and all(p.count('<progress') <= 1 and p.count('<table') <= 1 for p in pages)
    assert '<progress' not in pages[-1] and pages[-1].count('<tr>') == 3
    assert not any('widget-view' in mime for m in shown + updates for mime in m['content']['data'])

def test_jupyter_interrupt(kernel):
    "The stop button ends the fit after the batch, and what stays says so."
    km, client = kernel
    done = []
    def press(m):
        if not done and m['msg_type'] == 'update_display_data' and 'epoch 2' in m['content']['data']['text/html']: done.append(km.interrupt_kernel())
    msgs = run(client, SCRIPT.format(pause=0.06) + 'learn.fit(50)', press)
    assert of_type(msgs, 'error')[0]['content']['ename'] == 'KeyboardInterrupt'
    last = of_type(msgs, 'update_display_data')[-1]['content']['data']['text/html']
    assert 'Stopped in epoch' in last and '<progress' not in last
    msgs = run(client, 'n = len(learn.recorder.losses); learn.fit(1); print(n > 0, len(learn.recorder.rows))')
    assert ''.join(m['content']['text'] for m in of_type(msgs, 'stream')) == 'True 1\n'

def test_jupyter_stored(root, tmp_path):
    "What a notebook keeps is one table, without widgets and without a bar."
    nbclient, nbformat = pytest.importorskip('nbclient'), pytest.importorskip('nbformat')
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SCRIPT.format(pause=0.03) + 'learn.fit(2)')])
    nbclient.NotebookClient(nb, timeout=60, kernel_name='python3', resources=dict(metadata=dict(path=str(root)))).execute()
    out, = nb.cells[0].outputs
    assert set(out.data) == {'text/plain', 'text/html'}
    assert out.data['text/html'].count('<tr>') == 3 and 'progress' not in out.data['text/html']
    assert out.data['text/plain'].split()[:5] == ['epoch', 'train_loss', 'valid_loss', 'mae', 'time']
