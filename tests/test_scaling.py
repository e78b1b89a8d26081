"What checkpoints and several processes promise: processes are killed, disks fill up, workers die."
import json, os, random, shutil, signal, subprocess, sys, tempfile, textwrap, time, warnings
from collections import Counter, defaultdict, deque
from functools import partial
from pathlib import Path
import numpy, pytest, torch, torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn
from nnbolts import scaling
from nnbolts.callbacks import Callback
from nnbolts.guards import DeviceCB, EarlyStopping, GradientClip, SaveBest, TerminateOnNaN
from nnbolts.learner import DataLoaders, Learner, Progress
from nnbolts.scaling import *
from nnbolts.schedules import SchedulerCB, one_cycle
from nnbolts.training import DataLoader, Dataset

ROOT = Path(__file__).parent.parent

class Broken(Exception): "What ends a fit in the middle."

class Break(Callback):
    "Ends the process, as it were, after so many batches."
    order = 2000
    def __init__(self, at): self.left = at
    def cleanup_batch(self, learn):
        self.left -= learn.training
        if not self.left: raise Broken

class Count(Callback):
    "Counts in an attribute that has the name of an argument, and in other places."
    def __init__(self, n=0, last=3):
        self.n, self.last, self.kinds, self.marks = n, deque(maxlen=last), defaultdict(int), {1: 'one', 'two': (2, [3.])}
    def after_batch(self, learn):
        self.n += 1
        self.last.append(learn.loss.item())
        self.kinds['train' if learn.training else 'valid'] += 1
        self.marks[2, learn.i] = torch.tensor(self.n)

class Noisy(torch.utils.data.Dataset):
    "Items with noise from three sources of random numbers."
    def __init__(self, x, y): self.x, self.y = x, y
    def __len__(self): return len(self.x)
    def __getitem__(self, i):
        return self.x[i] + 0.1 * torch.randn(4) + random.random() / 100 + numpy.random.rand() / 100, self.y[i]

def data(n=50):
    x = torch.randn(n, 4, generator=torch.Generator().manual_seed(0))
    return x, (x.sum(1) > 0).long()

def learner(kind='plain', **kwargs):
    torch.manual_seed(0), random.seed(0), numpy.random.seed(0)
    x, y = data()
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))
    cbs = [Count(), GradientClip(0.5), EarlyStopping(patience=3), SaveBest()]
    order = torch.Generator().manual_seed(3)
    cycle = partial(torch.optim.lr_scheduler.OneCycleLR, max_lr=0.05, total_steps=100)
    dl = dict(generator=lambda: DataLoader(Dataset(x, y), 8, shuffle=True, generator=order),
              torch=lambda: torch.utils.data.DataLoader(Noisy(x, y), 8, shuffle=True),
              items=lambda: DataLoader(Noisy(x, y), 8, shuffle=True, generator=order),
              list=lambda: list(zip(x.split(8), y.split(8))),
              accumulate=lambda: DataLoader(Dataset(x, y), 4, shuffle=True)).get(
                  kind, lambda: DataLoader(Dataset(x, y), 8, shuffle=True))()
    cbs += dict(accumulate=[GradientAccumulation(3)], schedule=[SchedulerCB(one_cycle(0.05))],
                scheduler=[SchedulerCB(cycle)]).get(kind, [])
    made = dict(lr=0.02, opt_func=torch.optim.Adam, cbs=cbs, **kwargs)
    return Learner(model, DataLoaders(dl, [(x, y)]), F.cross_entropy, **made).remove(Progress)

def broken(learn, folder, at, n=3, **kwargs):
    with pytest.raises(Broken): learn.fit(n, cbs=[Checkpoint(folder, **kwargs), Break(at)])

def carried_on(folder, kind='plain', n=3, **kwargs):
    learn = learner(kind)
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', message='.*the state of Break')
        steps = resume(learn, folder)
        learn.fit(n, cbs=Checkpoint(folder, **kwargs))
    return learn, steps

def remembered(learn):
    "All that two runs must have in common, down to the last bit."
    count, rows = learn.find(Count), [{k: v for k, v in r.items() if k != 'time'} for r in learn.recorder.rows]
    marks = {str(k): str(v) for k, v in count.marks.items()}
    return dict(weights={k: v.tolist() for k, v in learn.model.state_dict().items()}, rows=rows,
                losses=learn.recorder.losses, lrs=learn.recorder.lrs, norms=learn.find(GradientClip).norms,
                best=learn.find(SaveBest).best, count=(count.n, list(count.last), dict(count.kinds), marks))

# --- the place

@pytest.mark.parametrize('kind', 'plain generator torch items list accumulate schedule scheduler'.split())
def test_a_fit_that_is_resumed_anywhere_is_the_unbroken_one(kind, tmp_path):
    "In mid-epoch, at its last batch, at the first of the next; every other step is saved."
    whole = learner(kind)
    whole.fit(3)
    for at in (4, 7, 8, 15):
        broken(learner(kind), tmp_path/str(at), at, every=2 if kind != 'accumulate' else 1)
        learn, steps = carried_on(tmp_path/str(at), kind)
        assert steps == (at // 2 * 2 if kind != 'accumulate' else steps)
        assert remembered(learn) == remembered(whole), (kind, at)
        assert type(learn.find(Count).kinds) is defaultdict and learn.find(Count).last.maxlen == 3

def test_a_fit_that_is_done_is_not_done_again(tmp_path):
    whole, _ = carried_on(tmp_path)
    again, steps = carried_on(tmp_path)
    assert steps == 21 and 'is done' in str(again.canceled) and remembered(again) == remembered(whole)
    assert len(carried_on(tmp_path, n=5)[0].recorder.rows) == 5  # and goes on where more is asked for
    learn = learner()
    resume(learn, tmp_path)
    with pytest.raises(ValueError, match='n_epochs: expected at least 5, .*got 2; fit counts all epochs'): learn.fit(2)

@pytest.mark.parametrize('kind', ['plain', 'generator'])
def test_a_fit_that_is_done_goes_on_as_a_longer_one(kind, tmp_path, capsys):
    "Two epochs, and then two more, with a table that is printed: the fit of four."
    whole = learner(kind).add(Progress())
    whole.fit(4)
    printed = capsys.readouterr().out.splitlines()
    for n in (2, 4):
        learn = learner(kind).add(Progress())
        resume(learn, tmp_path)
        learn.fit(n, cbs=Checkpoint(tmp_path))
    assert remembered(learn) == remembered(whole) and learn.canceled is None
    assert [list(r) for r in learn.recorder.rows] == [list(r) for r in whole.recorder.rows]
    head, *rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert head == printed[0].split() and rows[-1][:3] == printed[-1].split()[:3]

def test_the_schedule_of_a_longer_fit_is_the_longer_one(tmp_path):
    for n in (2, 4):
        learn = learner('schedule')
        resume(learn, tmp_path)
        learn.fit(n, cbs=Checkpoint(tmp_path))
    rate = one_cycle(0.05)
    assert learn.recorder.lrs == [rate(i, 14) for i in range(14)] + [rate(i, 28) for i in range(14, 28)]

plans = torch.optim.lr_scheduler
def two_plans(opt): return [plans.LinearLR(opt, 0.1, 1., 5), plans.ExponentialLR(opt, 0.9)]
PLANS = dict(step=partial(plans.StepLR, step_size=5, gamma=0.7), multi=partial(plans.MultiStepLR, milestones=[3, 17]),
             cosine=partial(plans.CosineAnnealingLR, T_max=14),
             function=partial(plans.LambdaLR, lr_lambda=lambda i: 0.9**i),
             restarts=partial(plans.CosineAnnealingWarmRestarts, T_0=6),
             cycle=partial(plans.OneCycleLR, max_lr=0.1, total_steps=28),
             pair=lambda opt: plans.SequentialLR(opt, two_plans(opt), [5]),
             chain=lambda opt: plans.ChainedScheduler(two_plans(opt)))

def planned(folder, n, *schedules, lr=0.02, **kwargs):
    learn = learner().add([SchedulerCB(s, **kwargs) for s in schedules])
    if folder: resume(learn, folder)
    learn.fit(n, lr, cbs=Checkpoint(folder) if folder else ())
    return learn

@pytest.mark.parametrize('plan', PLANS)
def test_a_scheduler_of_pytorch_goes_on_in_a_longer_fit(plan, tmp_path):
    "Made as before, its fit of two epochs and two more is the fit of four."
    by = 'epoch' if plan in ('restarts', 'pair', 'function') else 'batch'
    for n in (2, 2, 4): learn = planned(tmp_path, n, PLANS[plan], by=by)
    assert remembered(learn) == remembered(planned(None, 4, PLANS[plan], by=by))

def test_plateau_goes_on_in_a_longer_fit(tmp_path):
    plan = partial(plans.ReduceLROnPlateau, patience=0, factor=0.5, threshold=10.)  # no loss is that much lower
    for n in (2, 5): learn = planned(tmp_path, n, plan)
    whole = planned(None, 5, plan)
    assert remembered(learn) == remembered(whole) and len(set(whole.recorder.lrs)) > 2
    learn = planned(tmp_path, 8, partial(plans.ReduceLROnPlateau, patience=0, factor=0.1, threshold=10.))
    assert learn.recorder.lrs[:35] == whole.recorder.lrs
    assert learn.recorder.lrs[-1] / learn.recorder.lrs[34] == pytest.approx(0.5 * 0.1 * 0.1)  # stays down

def test_a_scheduler_that_is_planned_anew_goes_on_where_it_would_be(tmp_path):
    longer = {'T_max': partial(plans.CosineAnnealingLR, T_max=28), 'other': PLANS['step'],
              'cycle': partial(plans.OneCycleLR, max_lr=0.1, total_steps=28)}
    shorter = PLANS['cosine'], partial(plans.OneCycleLR, max_lr=0.1, total_steps=14), one_cycle(0.05)
    for (name, plan), short in zip(longer.items(), shorter):
        folder = tmp_path/name
        first, learn = planned(folder, 2, short).recorder.lrs, planned(folder, 4, plan)
        assert learn.recorder.lrs == first + planned(None, 4, plan).recorder.lrs[14:], name
    learn = planned(folder, 6, one_cycle(0.03))
    assert learn.recorder.lrs[28:] == [one_cycle(0.03)(i, 42) for i in range(28, 42)]

def test_a_plan_without_a_step_left_is_refused(tmp_path):
    plan = partial(plans.OneCycleLR, max_lr=0.1, total_steps=14)
    for n in (2, 2): planned(tmp_path, n, plan)
    shorter = partial(plans.OneCycleLR, max_lr=0.2, total_steps=9)
    for wrong in (plan, lambda opt: plans.ChainedScheduler([plan(opt)]), shorter):
        with pytest.raises(ValueError, match='cbs: expected a schedule for the steps of all 4 epochs, .* ended in '):
            planned(tmp_path, 4, wrong)
    assert [p.name for p in tmp_path.iterdir()] == ['step-00000014.safetensors']
    assert len(planned(tmp_path, 4, PLANS['cycle']).recorder.lrs) == 28

def test_a_plan_that_ended_with_its_last_batch_needs_no_step_more(tmp_path):
    "The process is killed after the last batch, before its epoch is over."
    plan = SchedulerCB(partial(plans.OneCycleLR, max_lr=0.1, total_steps=14))
    with pytest.raises(Broken): learner().add(plan).fit(2, cbs=[Checkpoint(tmp_path, every=7), Break(14)])
    with warnings.catch_warnings(action='ignore'): assert len(planned(tmp_path, 2, plan.schedule).recorder.rows) == 2

def test_without_checkpoint_in_the_fit_the_place_of_a_scheduler_is_not_known(tmp_path):
    learn = planned(None, 2, PLANS['step'])
    save_checkpoint(learn, tmp_path/'a')
    again = learner().add(SchedulerCB(PLANS['step']))
    load_checkpoint(again, tmp_path/'a')
    again.fit(2)
    load_checkpoint(again, tmp_path/'a')
    with pytest.raises(ValueError, match='cbs: expected a checkpoint of a fit that had Checkpoint, .* of SchedulerCB'):
        again.fit(4)

def test_another_rate_or_decay_of_the_script_counts(tmp_path):
    broken(learner(), tmp_path, 10, every=2)
    learn = learner()
    learn.opt_func = partial(torch.optim.Adam, weight_decay=0.3)
    resume(learn, tmp_path)
    with warnings.catch_warnings(action='ignore'): learn.fit(3, 0.001)
    assert learn.recorder.lrs == [0.02] * 10 + [0.001] * 11 and learn.opt.param_groups[0]['weight_decay'] == 0.3
    class Halves(Callback):
        def after_epoch(self, learn): learn.opt.param_groups[0]['lr'] /= 2
    for n in (2, 4):  # what the fit itself has changed stays
        learn = learner().add(Halves())
        resume(learn, tmp_path/'halves')
        learn.fit(n, cbs=Checkpoint(tmp_path/'halves'))
    assert learn.recorder.lrs[::7] == [0.02, 0.01, 0.005, 0.0025]

class Ends(Callback):
    "Changes all that it can when a fit ends."
    def before_fit(self, learn): self.sums, self.average = [], nn.Linear(2, 1)
    def after_step(self, learn):
        self.sums.append(learn.model[0].weight.sum().item())
        with torch.no_grad(): self.average.weight.mul_(0.9).add_(self.sums[-1])
    def cleanup_fit(self, learn):
        self.ended, self.sums, self.average = list(self.sums), [], None
        with torch.no_grad(): learn.model[0].weight.zero_()
        torch.rand(3)

def test_a_longer_fit_goes_on_from_before_the_end_of_the_shorter(tmp_path):
    "Where SaveBest or another callback gives the model other weights, forgets, or draws random numbers at the end."
    class Spoil(Callback):
        order = -5
        def after_epoch(self, learn): learn.figures['worst'] = learn.epoch
    def fit(n, folder=None):
        learn = learner().remove(SaveBest).add([Ends(), SaveBest('worst', better='lower'), Spoil()])
        if folder: resume(learn, folder)
        learn.fit(n, cbs=Checkpoint(folder) if folder else ())
        return learn
    whole = fit(4)
    short = fit(2, tmp_path)
    judge = learner()
    with warnings.catch_warnings(action='ignore'): load_checkpoint(judge, tmp_path/'step-00000014.safetensors')
    assert judge.model[0].weight.tolist() == short.model[0].weight.tolist()
    longer = fit(4, tmp_path)
    assert longer.recorder.losses == whole.recorder.losses and longer.find(Ends).ended == whole.find(Ends).ended
    assert all(torch.equal(v, whole.model.state_dict()[k]) for k, v in longer.model.state_dict().items())

def test_what_was_passed_over_is_no_early_end(tmp_path):
    broken(learner(), tmp_path, 16, every=2)
    assert carried_on(tmp_path)[0].canceled is None

def test_an_early_end_is_an_end(tmp_path):
    class Nan(Callback):
        order = -5
        def after_epoch(self, learn): learn.figures['valid_loss'] = float('nan')
    learn = learner().add(Nan())
    learn.fit(9, cbs=Checkpoint(tmp_path))
    assert len(learn.recorder.rows) == 3
    again, _ = carried_on(tmp_path, n=9)
    assert 'has not improved for 3 epochs' in str(again.canceled) and len(again.recorder.rows) == 3

def test_to_go_on_after_an_early_end_its_checkpoint_must_go(tmp_path):
    learn = learner().remove(EarlyStopping).add(EarlyStopping(patience=1, min_delta=100.))
    learn.fit(4, cbs=Checkpoint(tmp_path, every=5))
    learn = learner()
    resume(learn, tmp_path)
    with pytest.raises(ValueError, match='n_epochs: expected at most 4, .* got 6; .* delete step-00000014.safetensors'):
        learn.fit(6)
    (tmp_path/'step-00000014.safetensors').unlink()
    assert carried_on(tmp_path, n=6)[1] == 10

def test_a_folder_is_where_it_was_when_the_program_goes_elsewhere(tmp_path, monkeypatch):
    class Goes(Callback):
        def after_batch(self, learn): os.chdir(ROOT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('HOME', str(tmp_path/'home'))
    for folder in ('here', '~/there'): learner().fit(1, cbs=[Checkpoint(folder), Goes()])
    for folder in ('here', 'home/there'): assert (tmp_path/folder/'step-00000007.safetensors').exists()
    assert resume(learner(), '~/there') == 7

def test_another_batch_size_in_a_longer_fit(tmp_path):
    for n, size in ((2, 8), (4, 4)):
        learn = learner('schedule')
        learn.dls.train = DataLoader(Dataset(*data()), size)
        resume(learn, tmp_path)
        learn.fit(n, cbs=Checkpoint(tmp_path))
    assert learn.recorder.lrs[14:] == [one_cycle(0.05)(i, 52) for i in range(26, 52)]

def test_settings_of_the_script_count_and_what_the_fit_changed_is_kept(tmp_path):
    broken(learner(), tmp_path, 8)
    learn = learner()
    learn.find(EarlyStopping).patience = 7
    resume(learn, tmp_path)
    learn.fit(3)
    assert learn.find(EarlyStopping).patience == 7 and learn.find(Count).n == 24

def test_only_whole_checkpoints_are_there_and_as_many_as_wanted(tmp_path):
    (tmp_path/'step-00000003.safetensors.new').write_bytes(b'half')
    learner().fit(2, cbs=Checkpoint(tmp_path, every=4, keep=3))
    assert [p.name for p in sorted(tmp_path.iterdir())] == [f'step-{n:08d}.safetensors' for n in (8, 12, 14)]
    with pytest.raises(ValueError, match='folder: expected one without checkpoints, got .* with step-00000014.safetens'):
        learner().fit(1, cbs=Checkpoint(tmp_path))

def test_ctrl_c_saves(tmp_path):
    class Press(Callback):
        def after_batch(self, learn):
            if learn.epoch and learn.i == 2 and learn.training: os.kill(os.getpid(), signal.SIGINT)
    whole = learner()
    whole.fit(3)
    with pytest.raises(KeyboardInterrupt): learner().fit(3, cbs=[Checkpoint(tmp_path), Press()])
    learn, steps = carried_on(tmp_path)
    assert steps == 10 and remembered(learn) == remembered(whole)

class Own(Noisy):
    "Items with noise from generators of their own, one of them in a transform."
    class Jitter:
        def __init__(self): self.rng, self.mt = numpy.random.default_rng(1), numpy.random.RandomState(2)
        def __call__(self, x): return x + 0.1 * self.rng.random() + 0.1 * self.mt.rand()
    def __init__(self, x, y):
        super().__init__(x, y)
        self.transforms, self.draw = [self.Jitter()], random.Random(3)
    def __getitem__(self, i): return self.transforms[0](self.x[i]) + 0.1 * self.draw.random(), self.y[i]

@pytest.mark.parametrize('workers', [0, 2])
def test_generators_that_a_dataset_keeps_are_put_back(workers, tmp_path):
    def made():
        learn = learner()
        how = dict(num_workers=workers, multiprocessing_context='fork') if workers else {}
        learn.dls = DataLoaders(torch.utils.data.DataLoader(Own(*data()), 8, shuffle=True, **how), [data()])
        return learn
    whole = made()
    whole.fit(2)
    broken(made(), tmp_path, 10, every=2, n=2)
    learn = made()
    resume(learn, tmp_path)
    with warnings.catch_warnings(action='ignore'): learn.fit(2, cbs=Checkpoint(tmp_path))
    assert remembered(learn) == remembered(whole)

@pytest.mark.parametrize('ours, at', [(False, 7), (True, 5)])
def test_workers_that_live_on_change_no_order(ours, at, tmp_path):
    def made():
        learn, kind = learner(), DataLoader if ours else torch.utils.data.DataLoader
        how = dict(num_workers=1, multiprocessing_context='fork', persistent_workers=True)
        x, y = data()
        learn.dls = DataLoaders(kind(Dataset(x, y), 10, shuffle=True, **how), kind(Dataset(x, y), 25, **how))
        return learn
    whole = made()
    whole.fit(2)
    broken(made(), tmp_path, at, every=1)
    learn = made()
    resume(learn, tmp_path)
    with warnings.catch_warnings(action='ignore'): learn.fit(2)
    assert remembered(learn) == remembered(whole)

def test_a_lazy_model_gets_its_shapes_from_the_checkpoint(tmp_path):
    def made():
        learn = learner()
        learn.model[0] = nn.LazyLinear(8)
        return learn
    whole = made()
    whole.fit(3)
    broken(made(), tmp_path, 10, every=2)
    learn = made()
    resume(learn, tmp_path)
    with warnings.catch_warnings(action='ignore'): learn.fit(3)
    assert remembered(learn) == remembered(whole)

def test_a_generator_that_is_not_there_is_named(tmp_path):
    class Late(Noisy):
        def __getitem__(self, i):
            if not hasattr(self, 'rng'): self.rng = numpy.random.default_rng(0)
            return super().__getitem__(i)
    def made():
        learn = learner()
        learn.dls = DataLoaders(DataLoader(Late(*data()), 8), [data()])
        return learn
    broken(made(), tmp_path, 10, every=2)
    learn = made()
    resume(learn, tmp_path)
    with pytest.warns(UserWarning) as said: learn.fit(2)
    assert ['Late.rng, which is not there' in str(w.message) for w in said].count(True) == 1

def test_generators_are_found_in_a_loop_and_among_many_things():
    class Node: pass
    node = Node()
    node.me, node.rng, node.many, node.deep = node, random.Random(0), list(range(10**6)), {'a': [[[{}] * 300] * 300]}
    node.deep['b'] = node
    learn = learner()
    learn.dls = DataLoaders(torch.utils.data.DataLoader(Noisy(*data())), [data()])
    learn.dls.train.dataset.node = node
    began = time.perf_counter()
    assert list(scaling._all_generators(learn)) == ['Node.rng'] and time.perf_counter() - began < 5

def test_what_a_callback_keeps_and_a_checkpoint_cannot_is_named(tmp_path):
    class Rows(Callback):
        def before_fit(self, learn): self.rows, self.log = [], print
        def after_epoch(self, learn): self.rows.append(Path('a'))
    with pytest.warns(UserWarning, match=r'does not keep Rows.rows: rows.0: expected numbers, .* state_dict and'):
        learner().add(Rows()).fit(1, cbs=Checkpoint(tmp_path))
    with warnings.catch_warnings(action='error'):
        import torchmetrics
        learn = learner()
        learn.metrics = dict(f1=torchmetrics.F1Score('multiclass', num_classes=2), other=lambda p, y: p.mean())
        learn.fit(2, cbs=Checkpoint(tmp_path/'b', every=3))

def test_what_is_made_too_late_is_named(tmp_path):
    class Average(Callback):
        average = None
        def after_step(self, learn): self.average = self.average or nn.Linear(2, 1)
    broken(learner().add(Average()), tmp_path, 10, every=2)
    learn = learner().add(Average())
    resume(learn, tmp_path)
    with pytest.raises(ValueError, match='cbs: expected Average.average to be there before the first epoch'):
        with warnings.catch_warnings(action='ignore'): learn.fit(3)

# --- what is refused

def test_a_damaged_checkpoint_is_refused_and_the_one_before_it_loads(tmp_path):
    broken(learner(), tmp_path, 8, every=2)
    older, newer = sorted(tmp_path.iterdir())
    sound, draw = newer.read_bytes(), random.Random(0)
    at = sound.index(b'\\"epoch\\"') + 11
    edits = [sound[:at] + b'7' + sound[at + 1:], sound + b' ', b'']
    edits += [sound[:draw.randrange(len(sound))] for _ in range(10)]
    for _ in range(30):
        where = draw.randrange(8, len(sound))
        edits.append(sound[:where] + bytes([sound[where] ^ 1 << draw.randrange(8)]) + sound[where + 1:])
    for edit in edits:
        newer.write_bytes(edit)
        learn = learner()
        model = {k: v.clone() for k, v in learn.model.state_dict().items()}
        with pytest.raises(ValueError, match='path: expected a '): load_checkpoint(learn, newer)
        assert all(torch.equal(v, model[k]) for k, v in learn.model.state_dict().items())
        with pytest.warns(UserWarning, match='The checkpoint before it is tried'): assert resume(learn, tmp_path) == 6
    newer.write_bytes(older.read_bytes())  # swapped: sound, and of another step than its name says
    with pytest.warns(UserWarning, match='which holds another step'): assert resume(learner(), tmp_path) == 6
    older.write_bytes(b'')
    with pytest.warns(UserWarning), pytest.raises(ValueError, match='folder: expected a sound checkpoint, got 2 damag'):
        resume(learner(), tmp_path)

def test_tensors_that_changed_places_are_noticed(tmp_path):
    save_checkpoint(learner(), path := tmp_path/'a.safetensors')
    data = path.read_bytes()
    header = json.loads(data[8:8 + int.from_bytes(data[:8], 'little')])
    tensors = load_file(path)
    one, two = 'model.1.weight', 'model.1.running_var'
    tensors[one], tensors[two] = tensors[two] + 1, tensors[one]
    save_file(tensors, path, header['__metadata__'])
    with pytest.raises(ValueError, match='it was changed afterwards'): load_checkpoint(learner(), path)
    save_file(tensors, path)
    with pytest.raises(ValueError, match='a safetensors file of another program'): load_checkpoint(learner(), path)

def test_a_checkpoint_of_another_program_is_refused(tmp_path):
    broken(learner(), tmp_path, 8, every=2)
    path = sorted(tmp_path.iterdir())[-1]
    learn = learner()
    learn.model[4] = nn.Linear(8, 3)
    with pytest.raises(ValueError, match=r'with 4.bias \(2,\) for \(3,\), 4.weight'): load_checkpoint(learn, path)
    learn.model = nn.Sequential(nn.Linear(4, 8))
    with pytest.raises(ValueError, match='got .*, with 1.bias, 1.num_batches_tracked'): load_checkpoint(learn, path)
    def halves(ps, lr): return torch.optim.Adam([dict(params=ps[:3]), dict(params=ps[3:])], lr)
    for change, error in ((dict(opt_func=torch.optim.SGD), 'opt_func: expected Adam'),
                          (dict(dls=DataLoaders([data(8)], [data(8)])), 'dls.train: expected 7 batches'),
                          (dict(opt_func=halves), 'opt_func: expected 1 groups with .6. parameters, .* got .3, 3.')):
        learn = learner()
        for name, value in change.items(): setattr(learn, name, value)
        load_checkpoint(learn, path)
        with pytest.raises(ValueError, match=error): learn.fit(3)
    with pytest.warns(UserWarning, match='holds the state of Break, which this learner does not have'):
        learn = learner()
        load_checkpoint(learn, path)
        learn.fit(3)

def test_a_loss_that_became_a_function(tmp_path):
    def made(loss):
        learn = learner()
        learn.loss_func = loss
        return learn
    for loss, error in ((nn.CrossEntropyLoss(), None), (nn.CrossEntropyLoss(torch.ones(2)), 'with weight, as in')):
        folder = tmp_path/str(error)
        broken(made(loss), folder, 8, every=2)
        learn = made(F.cross_entropy)
        if not error: assert resume(learn, folder) == 8
        else:
            with pytest.raises(ValueError, match=error): resume(learn, folder)

def test_a_folder_that_cannot_be_written_to_is_refused_before_the_first_step(tmp_path):
    (tmp_path/'file').write_text('')
    for folder in (tmp_path/'file', tmp_path/'file'/'inside', Path('/proc/nnbolts')):
        learn = learner()
        with pytest.raises(ValueError, match='folder: expected one that can be written to, got '):
            learn.fit(1, cbs=Checkpoint(folder))
        assert not learn.recorder.losses
    with pytest.raises(ValueError, match='folder: expected the folder of a Checkpoint, got the file .*load_checkpoint'):
        resume(learner(), tmp_path/'file')

@pytest.mark.parametrize('overwritten', [False, True])
def test_two_runs_in_one_folder_end_with_one(overwritten, tmp_path):
    "Both began when it was empty. The second that saves is told, and the first one's checkpoints are whole."
    class Other(Callback):
        def after_step(self, learn):
            if learn.find(Checkpoint).step == (5 if overwritten else 3):
                other = learner()
                other.fit(1, cbs=Checkpoint(tmp_path/'elsewhere', every=4))
                name = 'step-00000004.safetensors'
                os.replace(tmp_path/'elsewhere'/name, tmp_path/name)
    first = learner()
    with pytest.raises(ValueError, match='folder: expected one that this fit alone writes into, .*04.safetensors of'):
        first.fit(2, cbs=[Checkpoint(tmp_path, every=4), Other()])
    assert resume(learner(), tmp_path) == 4

def test_to_go_back_to_an_older_checkpoint_the_newer_ones_must_go(tmp_path):
    broken(learner(), tmp_path, 8, every=2)
    older, newer = sorted(tmp_path.iterdir())
    learn = learner()
    load_checkpoint(learn, older)
    with pytest.raises(ValueError, match=f'folder: expected {older.name} to be the newest .* got {newer.name} as well'):
        learn.fit(3, cbs=Checkpoint(tmp_path))
    newer.unlink()
    load_checkpoint(learn, older)
    with warnings.catch_warnings(action='ignore'): learn.fit(3, cbs=Checkpoint(tmp_path))

def test_a_damaged_newer_checkpoint_does_not_push_out_a_sound_one(tmp_path):
    broken(learner(), tmp_path, 12, every=2, keep=3)
    names = sorted(p.name for p in tmp_path.iterdir())
    for name in names[1:]: (tmp_path/name).write_bytes((tmp_path/name).read_bytes()[:1000])
    class Stop(Break): "Not the one whose state is in the checkpoint."
    learn = learner()
    with warnings.catch_warnings(action='ignore'):
        assert resume(learn, tmp_path) == 8
        with pytest.raises(Broken): learn.fit(3, cbs=[Checkpoint(tmp_path, every=1, keep=1), Stop(2)])
    (tmp_path/'step-00000009-mine.safetensors').write_bytes(b'')  # a copy that somebody keeps
    with warnings.catch_warnings(action='ignore'): assert resume(learner(), tmp_path) == 9

def test_arguments():
    for wrong in (dict(every=0), dict(keep=0)):
        with pytest.raises(ValueError, match='expected a whole number of at least 1'): Checkpoint('x', **wrong)
    with pytest.raises(ValueError, match='cbs: expected Accelerate alone, got DeviceCB'):
        learner().fit(1, cbs=[Accelerate(cpu=True), DeviceCB('cpu')])
    class Now(Callback):
        def after_batch(self, learn): save_checkpoint(learn, 'x')
    with pytest.raises(ValueError, match='learn: expected one that is not in a fit'): learner().fit(1, cbs=Now())

# --- the file

@pytest.mark.parametrize('value', [
    None, True, 3, 0.1, float('inf'), 'é"', [], (), {}, {1: (2, [3, {4}])}, [0.1] * 100, {(1, 2): {'1': 0, 1: 1}},
    deque([1, 2]), Counter('aab'), numpy.float32(0.1), torch.Size([2, 3])])
def test_values_come_back_as_they_were(value):
    tensors = {}
    text = json.dumps(scaling._pack(value, '', tensors))
    back = scaling._unpack(json.loads(text), tensors)
    assert back == (list(value) if isinstance(value, deque) else value) and str(back) in (str(back), str(value))

@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.uint8, torch.bool,
                                   torch.complex64, torch.int64])
def test_tensors_come_back_as_they_were(dtype, tmp_path):
    kept = torch.arange(12).reshape(3, 4).to(dtype).T
    state = dict(a=kept, b={'a': kept[:0], 1: kept[0, 0]}, c=kept.view(-1) if kept.is_contiguous() else kept[1])
    state['d'] = {'b': {'a': kept[1:]}, 'b.a': kept[0]}  # names that would be one
    scaling._write(tmp_path/'x', dict(step=0), state)
    _, back = scaling._read(tmp_path/'x')
    for a, b in ((state['a'], back['a']), (state['b']['a'], back['b']['a']), (state['b'][1], back['b'][1]),
                 (state['d']['b']['a'], back['d']['b']['a']), (state['d']['b.a'], back['d']['b.a'])):
        assert a.dtype == b.dtype and torch.equal(a, b)

def test_what_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path):
    for value, error in ((print, 'expected numbers, texts, tensors'), (torch.ones(1).to(torch.complex128), 'complex128')):
        with pytest.raises(TypeError, match=error): scaling._write(tmp_path/'x', {}, dict(a=value))
    assert not list(tmp_path.iterdir())

def test_weights_are_there_for_other_programs(tmp_path):
    save_checkpoint(learn := learner(), path := tmp_path/'a')
    found = {k.removeprefix('model.'): v for k, v in load_file(path).items() if k.startswith('model.')}
    learn.model.load_state_dict(found)

def test_tied_weights_are_written(tmp_path):
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight = model[0].weight
    learn = Learner(model, DataLoaders([data(8)]), lambda p, y: F.cross_entropy(p, y)).remove(Progress)
    learn.fit(1)
    save_checkpoint(learn, tmp_path/'a')
    load_checkpoint(learn, tmp_path/'a')
    assert model[1].weight is model[0].weight

def test_a_write_that_fails_loses_nothing(tmp_path, monkeypatch):
    class Full:
        def __init__(self, *args): self.f, self.left = open(*args), 1000
        def __enter__(self): return self
        def __exit__(self, *error): self.f.close()
        def write(self, data):
            self.f.write(data[:self.left])
            raise OSError(28, 'No space left on device')
    broken(learner(), tmp_path, 8, every=2)
    before = {p: p.read_bytes() for p in tmp_path.iterdir()}
    monkeypatch.setattr(scaling, 'open', Full, raising=False)
    learn = learner()
    resume(learn, tmp_path)
    with pytest.raises(OSError, match='No space left') as error, warnings.catch_warnings(action='ignore'):
        learn.fit(3, cbs=Checkpoint(tmp_path, every=2))
    assert 'those before it are as they were' in error.value.__notes__[0]
    assert before == {p: p.read_bytes() for p in tmp_path.iterdir()}
    monkeypatch.undo()
    whole = learner()
    whole.fit(3)
    assert remembered(carried_on(tmp_path)[0]) == remembered(whole)

def test_a_disk_that_is_full_loses_nothing(tmp_path):
    disk = tmp_path/'disk'
    disk.mkdir()
    mounted = shutil.which('mount') and subprocess.run(
        ['mount', '-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', disk], capture_output=True).returncode == 0
    if not mounted: pytest.skip('a small disk can be mounted by root alone')
    try:
        folder = disk/'run'
        broken(learner(), folder, 8, every=2)
        before = {p: p.read_bytes() for p in folder.iterdir()}
        with pytest.raises(OSError), open(disk/'other', 'wb') as f:
            while True: f.write(bytes(1024)), f.flush()
        learn = learner()
        resume(learn, folder)
        with pytest.raises(OSError, match='No space left'), warnings.catch_warnings(action='ignore'):
            learn.fit(3, cbs=Checkpoint(folder, every=2))
        assert before == {p: p.read_bytes() for p in folder.iterdir()}
        (disk/'other').unlink()
        whole = learner()
        whole.fit(3)
        assert remembered(carried_on(folder)[0]) == remembered(whole)
    finally: subprocess.run(['umount', disk], check=True)

# --- processes

def run(script, *args, folder, launch=(), limit=300):
    path = folder/'script.py'
    path.write_text(textwrap.dedent(script))
    env = dict(os.environ, OMP_NUM_THREADS='1', PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')]))
    command = [sys.executable, *launch, str(path), *map(str, args)]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=limit, cwd=folder)

LAUNCH = ['-m', 'accelerate.commands.launch', '--multi_gpu', '--num_processes', '2', '--num_machines', '1',
          '--mixed_precision', 'no', '--dynamo_backend', 'no', '--main_process_port', '0']

KILLS = '''
    import os, random, signal, sys, time, torch, torch.nn.functional as F
    from torch import nn
    from nnbolts import scaling
    from nnbolts.guards import EarlyStopping, SaveBest
    from nnbolts.learner import *
    from nnbolts.scaling import *
    from nnbolts.schedules import *
    from nnbolts.training import *
    torch.set_num_threads(1)

    def train(folder):
        torch.manual_seed(0)
        x = torch.randn(64, 4)
        model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))
        dls = DataLoaders.of(Dataset(x, x[:, 0].gt(0).long()), Dataset(x, x[:, 0].gt(0).long()), batch_size=8)
        learn = Learner(model, dls, F.cross_entropy, opt_func=torch.optim.Adam,
                        cbs=[SchedulerCB(one_cycle(0.05)), SaveBest(), EarlyStopping(patience=9)]).remove(Progress)
        resume(learn, folder)
        learn.fit(2, cbs=Checkpoint(folder, every=1))

    def die(): os.kill(os.getpid(), signal.SIGKILL)

    def fatal(f, left):
        "f, or the end of the process at its call number `left`."
        def call(*args):
            nonlocal left
            left -= 1
            if not left: die()
            return f(*args)
        return call

    class HalfWritten:
        left = 0
        def __init__(self, *args): self.f = open(*args)
        def __enter__(self): return self
        def __exit__(self, *error): self.f.close()
        def flush(self): self.f.flush()
        def fileno(self): return self.f.fileno()
        def write(self, data):
            HalfWritten.left -= 1
            self.f.write(data[:len(data) // 2])
            self.f.flush()
            if not HalfWritten.left: die()
            self.f.write(data[len(data) // 2:])

    def child(folder, wait=None, where=None, at=1):
        pid = os.fork()
        if not pid:
            if where == 'write': HalfWritten.left, scaling.open = at, HalfWritten
            if where in ('fsync', 'replace'): setattr(os, where, fatal(getattr(os, where), at))
            if where == 'unlink': scaling.Path.unlink = fatal(scaling.Path.unlink, at)
            try: train(folder)
            except BaseException:
                import traceback
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        if wait is not None:
            time.sleep(wait)
            os.kill(pid, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def final(folder):
        position, state = scaling._read(scaling._checkpoints(folder)[-1])
        tensors = {}
        scaling._pack(dict(model=state['model'], opt=state['opt'], random=state['random']), '', tensors)
        return position['step'], tensors

    train('whole')  # whatever is imported at the first step is there in all children
    began = time.perf_counter()
    assert child('again') == 0
    seconds, whole, draw, tries = time.perf_counter() - began, final('whole'), random.Random(0), 0
    killed = dict(anywhere=0, saving=0)
    while killed != dict(anywhere=12, saving=8):
        tries += 1
        assert tries <= 100, killed
        folder, kind = f'run{tries}', 'anywhere' if killed['anywhere'] < 12 else 'saving'
        if kind == 'anywhere': how = dict(wait=draw.uniform(0.05, 0.95) * seconds)
        else: how = dict(where=['write', 'fsync', 'replace', 'unlink'][tries % 4], at=draw.randrange(1, 14))
        killed[kind] += child(folder, **how) == -signal.SIGKILL  # it may have been done by then
        left = len(scaling._checkpoints(folder))
        assert child(folder) == 0, folder
        step, tensors = final(folder)
        assert step == whole[0] and tensors.keys() == whole[1].keys()
        assert all(torch.equal(t, whole[1][k]) for k, t in tensors.items()), (tries, how, left)
    print(sum(killed.values()), 'killed of', tries)
'''

@pytest.mark.skipif(not hasattr(os, 'fork'), reason='kills processes that it forks')
def test_twenty_processes_that_are_killed_and_resumed_end_with_the_same_bits(tmp_path, report):
    "In memory, where it is fast: what a kill interrupts does not depend on the disk."
    memory = '/dev/shm' if os.access('/dev/shm', os.W_OK) else tmp_path
    with tempfile.TemporaryDirectory(dir=memory) as folder: done = run(KILLS, folder=Path(folder))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('20 killed of '), done.stdout
    report(f'killed and resumed: {done.stdout.strip()}')

TWO = '''
    import json, os, sys, torch, torch.nn.functional as F
    from torch import nn
    from nnbolts.callbacks import Callback
    from nnbolts.guards import EarlyStopping, GradientAccumulation, SaveBest
    from nnbolts.learner import *
    from nnbolts.scaling import *
    from nnbolts.training import *
    x = torch.randn(41, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    y, rank = (x.sum(1) > 0).long(), int(os.environ.get('RANK', 0))
    y[::5] = -100                         # ignored: shares of one size count differently
    valid, found = (x[:33] + 1, (x[:33].sum(1) > 0).long()), {}

    class Die(Callback):
        def after_batch(self, learn):
            if learn.epoch == 1 and learn.i == 2: raise RuntimeError('broken off')

    class Exchanges(Callback):
        "How often the gradients are exchanged while the backward pass runs, and how many steps there are."
        n = steps = 0
        def before_fit(self, learn):
            wrapped = learn.find(Accelerate).wrapped
            if learn.find(Accelerate).n > 1: wrapped.register_comm_hook(self, counted)
        def after_step(self, learn): self.steps += 1
    def counted(cb, bucket):
        cb.n += 1
        from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
        return allreduce_hook(None, bucket)

    def fit(kind, n=2, cbs=()):
        torch.manual_seed(rank)           # other weights and another order in each process, until they are made one
        layers = [nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)]
        if kind == 'dropout': layers.insert(2, nn.Dropout(0.5))
        train = dict(torch=lambda: torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), 5, shuffle=True),
                     list=lambda: list(zip(x.split(5), y.split(5))),
                     items=lambda: DataLoader(list(zip(x, y)), 5, shuffle=True)).get(
                         kind, lambda: DataLoader(Dataset(x, y), 5, shuffle=True))()
        cbs = [*cbs, Accelerate(cpu=True), EarlyStopping(patience=2), SaveBest(path='best')]
        cbs += [GradientAccumulation(4)] * (kind == 'accumulate')
        learn = Learner(nn.Sequential(*layers).double(), DataLoaders(train, DataLoader(Dataset(*valid), 8)),
                        F.cross_entropy, lr=0.05, opt_func=torch.optim.Adam, cbs=cbs,
                        metrics=dict(accuracy=lambda p, t: (p.argmax(1) == t).double().mean()))
        if cbs and isinstance(cbs[0], Checkpoint): resume(learn, cbs[0].folder)
        learn.fit(n)
        rows = [{k: v for k, v in row.items() if k != 'time'} for row in learn.recorder.rows]
        exchanges = [cb.n for cb in cbs if isinstance(cb, Exchanges)]
        return dict(weights=[v.tolist() for v in learn.model.state_dict().values()], rows=rows, exchanges=exchanges)

    for kind in ('tensors', 'torch', 'list', 'items'): found[kind] = fit(kind)
    found['accumulate'] = fit('accumulate', cbs=[Exchanges()])
    found['dropout'] = fit('dropout')
    try: fit('dropout', cbs=[Checkpoint('kept', every=4), Die()])
    except RuntimeError: pass
    import warnings
    warnings.simplefilter('ignore')
    found['resumed'] = fit('dropout', cbs=[Checkpoint('kept', every=4)])
    with open(f'{sys.argv[1]}.{rank}', 'w') as f: json.dump(found, f)
'''

def close(a, b):
    "Lists and dicts of numbers that differ by rounding at most."
    if isinstance(a, dict): return a.keys() == b.keys() and all(close(a[k], b[k]) for k in a)
    if isinstance(a, list): return len(a) == len(b) and all(map(close, a, b))
    return abs(a - b) <= 1e-12 * max(1, abs(a))

def test_two_processes_end_with_the_parameters_of_one(tmp_path):
    "Uneven batches, the last of one item; ignored targets; any loader; accumulation; and resumed with dropout."
    for name in ('one', 'two'): (tmp_path/name).mkdir()
    one = run(TWO, 'one', folder=tmp_path/'one')
    two = run(TWO, 'two', folder=tmp_path/'two', launch=LAUNCH)
    assert one.returncode == two.returncode == 0, one.stderr + two.stderr
    one_found, first, second = (json.loads((tmp_path/p).read_text()) for p in ('one/one.0', 'two/two.0', 'two/two.1'))
    assert first == second  # to the last bit, figures too
    for kind in ('tensors', 'torch', 'list', 'items', 'accumulate'):
        assert close(one_found[kind]['weights'], first[kind]['weights']), kind
        assert close(one_found[kind]['rows'], first[kind]['rows']), kind
    assert one_found['resumed'] == one_found['dropout'] and first['resumed'] == first['dropout']
    assert one_found['dropout'] != first['dropout']  # masks are drawn by each process
    assert first['accumulate']['exchanges'] == [2 * 2]  # of nine batches in fours: one a group
    tables = two.stdout.count('train_loss')
    assert tables == one.stdout.count('train_loss') == 8, two.stdout  # one process prints
    assert not list((tmp_path/'two').glob('*.new'))

DYING = '''
    import os, signal, torch, torch.nn.functional as F
    from torch import nn
    from nnbolts.callbacks import Callback
    from nnbolts.learner import *
    from nnbolts.scaling import *
    from nnbolts.training import *
    x = torch.randn(400, 4)
    class Die(Callback):
        def after_batch(self, learn):
            if learn.i == 2 and int(os.environ['RANK']): os.kill(os.getpid(), signal.SIGKILL)
    dls = DataLoaders(DataLoader(Dataset(x, x[:, 0].gt(0).long()), 8))
    Learner(nn.Linear(4, 2), dls, F.cross_entropy, cbs=[Accelerate(cpu=True), Checkpoint('kept', every=1), Die()]).fit(1)
    print('reached the end')
'''

def test_a_worker_that_dies_ends_the_run_with_an_error(tmp_path):
    began = time.perf_counter()
    done = run(DYING, folder=tmp_path, launch=LAUNCH, limit=100)
    assert done.returncode != 0 and 'reached the end' not in done.stdout
    assert 'SIGKILL' in done.stderr and time.perf_counter() - began < 100
    learn = Learner(nn.Linear(4, 2), DataLoaders([data(8)]), F.cross_entropy).remove(Progress)
    assert resume(learn, tmp_path/'kept') >= 2

def test_shares_make_up_the_batch():
    for n in (1, 2, 3, 8):
        for size in range(20):
            parts = [scaling._share(size, r, n) for r in range(n)]
            assert [i for a, b in parts for i in range(a, b)] == list(range(size))
            assert max(b - a for a, b in parts) - min(b - a for a, b in parts) <= 1

def test_one_process_is_a_plain_fit():
    plain = learner()
    plain.fit(2)
    through = learner()
    through.fit(2, cbs=Accelerate(cpu=True))
    assert remembered(plain) == remembered(through) and 'loss_weight' not in vars(through)

def test_exports():
    from nnbolts import guards
    assert GradientAccumulation is guards.GradientAccumulation
