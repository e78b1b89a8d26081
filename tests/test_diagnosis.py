"One line that says why it does not learn: what it finds, what it leaves alone, and that it changes nothing."
import copy, json, random, sys, warnings, zlib
import numpy as np, pytest, torch, torch.nn.functional as F
from conftest import ROOT
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from nnbolts.checks import CHECKS, Listener, check
from nnbolts import diagnosis
from nnbolts.diagnosis import diagnose, watch
from nnbolts.findings import FINDINGS, Diagnosis, Finding
from programs import PROGRAMS
from programs import inputs, losses, models, sound, starts, steps, targets  # noqa: F401

def chosen(share):
    return [n for n, p in PROGRAMS.items() if p['kind'] == 'diagnose' and zlib.crc32(n.encode()) % share == 1]
def found(d): return [f.id for f in d if f.severity != 'note']

def asked(program, **kwargs):
    torch.manual_seed(0)
    with warnings.catch_warnings(action='ignore'):
        return diagnose(program['model'], program['loss_func'], program['data'], program.get('opt'),
                        valid=program.get('valid'), **kwargs)

HARD = {'spread_over_the_batch_as_a_feature'}  # mixes its items on purpose

@pytest.mark.parametrize('name', [n for n in chosen(7) if PROGRAMS[n]['ids']])
def test_a_broken_program_and_its_mended_twin(name):
    "Of the programs that the checks were tuned on; benchmarks/diagnosis.py asks all, and counts."
    if name in HARD: pytest.skip('not found: counted in benchmarks/diagnosis.json')
    p = PROGRAMS[name]
    assert set(found(asked(p['make'](True)))) & set(p['ids'])
    assert found(asked(p['make'](False))) == []

@pytest.mark.parametrize('name', [n for n in chosen(5) if not PROGRAMS[n]['ids']])
def test_a_sound_program_is_left_alone(name):
    if name in HARD: pytest.skip('blamed: counted in benchmarks/diagnosis.json')
    assert found(asked(PROGRAMS[name]['make']())) == []

def task(n=128, seed=0):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 20, generator=g)
    return x, (x @ torch.randn(20, 4, generator=g)).argmax(1)

def mlp(*end):
    return nn.Sequential(nn.Linear(20, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(.2), nn.Linear(32, 4), *end)

def everything(model, opt):
    state = copy.deepcopy((model.state_dict(), opt.state_dict(), [p.grad for p in model.parameters()]))
    modes = [m.training for m in model.modules()], [p.requires_grad for p in model.parameters()]
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in model.modules()]
    chance = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    return state, modes, hooks, chance, torch.is_grad_enabled()

def alike(a, b):
    if isinstance(a, torch.Tensor): return torch.equal(a, b)
    if isinstance(a, dict): return a.keys() == b.keys() and all(alike(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)): return len(a) == len(b) and all(map(alike, a, b))
    return a == b

@pytest.mark.parametrize('how', ['as it is', 'after a step', 'no copy', 'interrupted', 'no grad'])
def test_nothing_is_changed(how):
    x, y = task()
    model = mlp(nn.Softmax(1))
    if how == 'no copy': model.kept = model(x)  # a result with a graph cannot be copied
    opt = torch.optim.Adam(model.parameters(), lr=.01)
    generator = torch.Generator().manual_seed(5)
    loader = DataLoader(TensorDataset(x, y), 32, shuffle=True, generator=generator)
    if how != 'as it is':
        F.cross_entropy(model(x), y).backward()
        opt.step()
    model[0].eval()
    model[0].weight.requires_grad_(how != 'after a step')
    model[2].register_forward_hook(lambda *a: None)
    calls = []
    def loss_func(p, y):
        calls.append(1)
        if how == 'interrupted' and len(calls) > 30: raise KeyboardInterrupt
        return F.cross_entropy(p, y)
    before, data, state = everything(model, opt), (x.clone(), y.clone()), generator.get_state()
    grads = [p.grad for p in model.parameters()]
    with torch.set_grad_enabled(how != 'no grad'):
        if how == 'interrupted':
            with pytest.raises(KeyboardInterrupt): diagnose(model, loss_func, loader, opt)
        else: assert 'softmax-twice' in diagnose(model, loss_func, loader, opt).ids
        if how == 'no grad': assert not torch.is_grad_enabled()
    assert alike(before, everything(model, opt)) and torch.equal(state, generator.get_state())
    assert all(a is b for a, b in zip(grads, (p.grad for p in model.parameters())))
    assert torch.equal(x, data[0]) and torch.equal(y, data[1])

def test_the_same_answer_twice():
    x, y = task()
    model = mlp(nn.Softmax(1))
    opt = torch.optim.SGD(model.parameters(), lr=.1)
    assert repr(diagnose(model, F.cross_entropy, (x, y), opt)) == repr(diagnose(model, F.cross_entropy, (x, y), opt))

def test_data_in_every_form():
    x, y = task()
    for data in ((x, y), [x, y], [(x, y)], [[x[:64], y[:64]], [x[64:], y[64:]]], DataLoader(TensorDataset(x, y), 64)):
        assert diagnose(mlp(nn.Softmax(1)), F.cross_entropy, data, steps=5).ids[0] == 'softmax-twice'

@pytest.mark.parametrize('args, error, said', [
    ((F.relu, F.cross_entropy, task()), TypeError, 'model: expected a Module, got '),
    ((mlp(), nn.CrossEntropyLoss, task()), TypeError,
     'loss_func: expected a function of outputs and targets, got the class'),
    ((mlp(), F.cross_entropy, iter([task()])), TypeError,
     'data: expected a batch, a list of batches or a loader, got '),
    ((mlp(), F.cross_entropy, 3), TypeError, 'data: expected a batch (x, y), a list of batches or a loader, got 3'),
    ((mlp(), F.cross_entropy, []), ValueError, 'data: expected at least one batch, got none'),
    ((mlp(), F.cross_entropy, task(), 'adam'), TypeError,
     "opt: expected an optimizer or a function that makes one, got 'adam'"),
])
def test_wrong_arguments(args, error, said):
    with pytest.raises(error) as e: diagnose(*args)
    assert str(e.value).startswith(said)

def test_an_error_of_the_program_itself_is_raised():
    with pytest.raises(RuntimeError, match='mat1 and mat2') as e:
        diagnose(mlp(), F.cross_entropy, (torch.randn(8, 3), torch.zeros(8).long()))
    assert any('diagnose: raised in model' in n for n in e.value.__notes__)

def test_an_error_that_is_a_finding_is_told():
    x, y = task()
    assert diagnose(mlp(), F.cross_entropy, (x, y + 1), steps=5).ids[0] == 'target-range'
    assert diagnose(mlp(), F.cross_entropy, (x, y.float()), steps=5).ids[0] == 'target-dtype'
    assert diagnose(mlp(), F.nll_loss, (x, y), steps=5).ids[0] == 'nll-without-log'

def test_a_check_of_ones_own():
    @check
    def many_classes(case):
        if case.pred.shape[1] > 3: yield Finding('output-size', f'{case.pred.shape[1]} outputs', severity='note')
    try: assert 'output-size' in diagnose(mlp(), F.cross_entropy, task(), steps=0).ids
    finally: CHECKS.remove(many_classes)

def test_a_check_that_fails_is_told_and_stops_nothing():
    @check
    def broken(case): yield 1 / 0
    try: d = diagnose(mlp(nn.Softmax(1)), F.cross_entropy, task(), steps=0)
    finally: CHECKS.remove(broken)
    assert d.ids == ['softmax-twice'] and any(n.startswith('broken (ZeroDivisionError') for n in d.notes)

class Shown:
    "Stands in for the view of `nnbolts.progress`, and notes what it is told."
    def __init__(self): self.lines, self.ended = [], 0
    def bar(self, done, where, figure=''): self.lines.append((done, where, figure))
    def end(self): self.ended += 1

def clock(monkeypatch, seconds):
    "A clock that goes on by so many seconds with each look at it, and the views that are made."
    now, views = [0.], []
    def tick():
        now[0] += seconds
        return now[0]
    monkeypatch.setattr(diagnosis, 'perf_counter', tick)
    monkeypatch.setattr(diagnosis, 'view', lambda: views.append(Shown()) or views[-1])
    return views

def test_a_bar_is_shown_after_five_seconds_and_goes(monkeypatch):
    views, model = clock(monkeypatch, 1.), mlp()
    diagnose(model, F.cross_entropy, task(), torch.optim.Adam(model.parameters(), .01))
    assert len(views) == 1 and views[0].ended == 1
    done, where, figure = views[0].lines[0]
    assert done == 5 and where == 'your optimizer, step 5 of 60' and figure[:5] == 'loss '
    assert views[0].lines[-1][1].startswith('check ')

def test_below_five_seconds_nothing_is_printed(monkeypatch, capsys):
    views, model = clock(monkeypatch, 1e-3), mlp()
    diagnose(model, F.cross_entropy, task(), torch.optim.Adam(model.parameters(), .01))
    assert views == [] and capsys.readouterr() == ('', '')

def test_interrupted_with_the_bar_on(monkeypatch):
    views, model, (x, y) = clock(monkeypatch, 1.), mlp(), task()
    opt, calls = torch.optim.Adam(model.parameters(), .01), []
    def loss_func(p, y):
        calls.append(1)
        if views and len(views[0].lines) > 10: raise KeyboardInterrupt
        return F.cross_entropy(p, y)
    before = everything(model, opt)
    with pytest.raises(KeyboardInterrupt): diagnose(model, loss_func, (x, y), opt)
    assert views[0].ended == 1 and alike(before, everything(model, opt))

def test_of_large_batches_few_are_taken(monkeypatch):
    taken = []
    def batches():
        for i in range(24):
            taken.append(i)
            yield torch.zeros(10, 1_000_000).expand(10, -1), torch.arange(10) % 4
    class Loader:
        def __iter__(self): return batches()
    diagnosis._batches(Loader(), mlp())
    assert len(taken) == 2
    small = [(torch.zeros(10, 20), torch.zeros(10))] * 30
    assert len(diagnosis._batches(small, mlp())) == 24

def noisy(n, seed=0):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 20, generator=g)
    wrong = torch.rand(n, generator=g) < .2
    return x, ((x[:, 0] + x[:, 1] > 0) ^ wrong).long()

def by_heart(n, **kwargs):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 128), nn.ReLU(), nn.Linear(128, 2))
    data, valid = noisy(n), noisy(400, seed=1)
    return diagnose(model, F.cross_entropy, list(zip(data[0].split(50), data[1].split(50))), valid=valid, **kwargs)

def test_a_network_that_learns_by_heart_is_told_by_valid():
    d = by_heart(60)
    told = d.table.set_index('id').loc['overfitting']
    assert told.severity == 'warning' and 'loss of training and of valid after ' in told.evidence
    assert 'overfitting' not in by_heart(60, steps=0).ids and 'overfitting' not in by_heart(1200).ids

def test_a_network_that_has_learned_by_heart_already():
    (x, y), valid = noisy(60), noisy(400, seed=1)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 128), nn.ReLU(), nn.Linear(128, 2))
    opt = torch.optim.Adam(model.parameters(), .01)
    for _ in range(100):
        opt.zero_grad()
        F.cross_entropy(model(x), y).backward()
        opt.step()
    assert 'overfitting' in diagnose(model, F.cross_entropy, (x, y), opt, valid=valid).ids

def test_the_wholly_dead_layer_is_named():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 4))
    with torch.no_grad():
        model[0].bias[:24] = -100
        model[2].bias.fill_(-100)
    f = next(f for f in diagnose(model, F.cross_entropy, task()) if f.id == 'dead-units')
    assert f.where == '2' and f.severity == 'error' and f.evidence.startswith('100% of 32')

def test_the_best_constant_answer_is_told_where_it_is_known():
    x, y = task()
    assert 'best constant answer' in diagnose(mlp(), F.cross_entropy, (x, y), steps=0).figures
    own_kind = diagnose(mlp(), lambda p, y: p.square().mean() - p.gather(1, y[:, None]).mean(), (x, y), steps=0)
    assert 'best constant answer' not in own_kind.figures

def test_what_was_left_out_is_told_as_that():
    d = Diagnosis([], notes=['steps on copies (ValueError: odd)'])
    assert 'Left out, and no fault of yours by itself: steps on copies (ValueError: odd)' in repr(d)

def test_a_softmax_by_hand_over_the_items():
    x, y = task()
    class ByHand(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = mlp()
        def forward(self, x):
            e = self.net(x).exp()
            return (e / e.sum(0)).log()
    told = found(diagnose(ByHand(), F.nll_loss, (x, y), steps=0))
    assert told[0] == 'loss-axis' and not {'nll-without-log', 'batch-mixing'} & set(told)

def test_a_graph_with_its_softmax_over_the_nodes():
    torch.manual_seed(0)
    x, y, near = torch.randn(40, 6), torch.arange(40) % 3, torch.rand(40, 40) < .2
    class Gcn(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(6, 16), nn.Linear(16, 3)
        def forward(self, x):
            h = near.float() @ self.one(x).relu() / near.sum(1, keepdim=True).clamp(1)
            return self.two(h).log_softmax(0)
    told = found(diagnose(Gcn(), F.nll_loss, (x, y), steps=0))
    assert 'loss-axis' in told and 'batch-mixing' not in told

def test_words_as_they_are_drawn_are_named_as_the_place():
    torch.manual_seed(0)
    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.near = nn.Embedding(50, 64), nn.Embedding(50, 64)
        def forward(self, pair): return (self.words(pair[:, 0])*self.near(pair[:, 1])).sum(1)
    pair, y = torch.randint(0, 50, (200, 2)), torch.randint(0, 2, (200,)).float()
    d = diagnose(Words(), F.binary_cross_entropy_with_logits, (pair, y), steps=0)
    told = [f for f in d if f.id == 'loss-start']
    assert told[0].where == 'words, near' and 'embedding.weight' in told[0].mend

def test_a_judge_in_the_loss_is_no_error():
    torch.manual_seed(0)
    judge, gen = nn.Linear(2, 1), nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
    data = torch.randn(64, 4), torch.ones(64)
    d = diagnose(gen, lambda out, y: F.softplus(-judge(out)).mean(), data, torch.optim.Adam(gen.parameters(), 1e-3))
    assert found(d) == []

class Scores(nn.Module):
    "Scores of two items, one after the other, in one of three forms."
    def __init__(self, form):
        super().__init__()
        self.form, self.net = form, nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 1))
    def forward(self, a, b):
        a, b = self.net(a), self.net(b)
        return dict(pair=(a, b), columns=torch.cat([a, b], 1), difference=a - b)[self.form]

@pytest.mark.parametrize('form, loss_func, y', [
    ('pair', lambda out, y: F.margin_ranking_loss(*out, y, .5), torch.ones(90, 1)),
    ('columns', F.cross_entropy, torch.tensor([1., 0.]).expand(90, 2)),
    ('columns', F.binary_cross_entropy_with_logits, torch.tensor([1., 0.]).expand(90, 2)),
    ('difference', F.binary_cross_entropy_with_logits, torch.ones(90, 1))])
def test_the_better_of_two_may_always_stand_first(form, loss_func, y):
    torch.manual_seed(0)
    a, b = torch.randn(2, 90, 6)
    better = (a[:, :1] > b[:, :1])
    a, b = torch.where(better, a, b), torch.where(better, b, a)
    model = Scores(form)
    d = diagnose(model, loss_func, [((a, b), y)], torch.optim.Adam(model.parameters(), .01))
    assert found(d) == []

def test_columns_that_trade_places_do_not_hide_a_constant_target():
    torch.manual_seed(0)
    steps = nn.Sequential(nn.Unflatten(1, (7, 1)), nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten())
    d = diagnose(steps, F.mse_loss, (torch.randn(80, 7), torch.full((80, 7), .3)),
                 torch.optim.Adam(steps.parameters(), .01))
    assert d.ids[0] == 'target-constant'

def test_a_loss_that_does_not_read_y_has_no_wrong_sign():
    torch.manual_seed(0)
    model = nn.Linear(3, 3)
    d = diagnose(model, lambda out, y: (out**2).mean() + .1*out.mean(), (torch.randn(50, 3), torch.zeros(50, 3)),
                 torch.optim.SGD(model.parameters(), .1))
    assert 'loss-sign' not in found(d)

@pytest.mark.parametrize('T, told', [(1., ['softmax-twice']), (3., ['softmax-twice']), (.05, [])])
def test_a_softmax_in_the_model_and_one_with_a_temperature_in_the_loss(T, told):
    x, y = task()
    d = diagnose(mlp(nn.Softmax(1)), lambda p, y: F.nll_loss(F.log_softmax(p/T, 1), y), (x, y), steps=0)
    assert [i for i in found(d) if i == 'softmax-twice'] == told

def test_tables_of_zeros():
    torch.manual_seed(0)
    class Product(nn.Module):
        def __init__(self, zero):
            super().__init__()
            self.a, self.b = nn.Embedding(9, 4), nn.Embedding(9, 4)
            for e, z in zip((self.a, self.b), zero): nn.init.zeros_(e.weight) if z else nn.init.normal_(e.weight)
        def forward(self, i): return (self.a(i[:, 0])*self.b(i[:, 1])).sum(1)
    i = torch.randint(9, (80, 2))
    y = torch.randn(9, 9)[i[:, 0], i[:, 1]]
    def told(*zero):
        model = Product(zero)
        return 'init-same' in found(diagnose(model, F.mse_loss, (i, y), torch.optim.SGD(model.parameters(), .1)))
    assert told(True, True) and not told(True, False) and not told(False, False)

def test_a_loss_that_jumped_once_is_asked_again():
    falls, jumped = [1 - i/60 for i in range(60)], [1 - i/60 for i in range(52)] + [2.]*8
    assert not diagnosis._jumped(falls, .3) and diagnosis._jumped(jumped, .3)
    assert not diagnosis._jumped(jumped, .05) and not diagnosis._jumped([3., 4., 5.], .3)
    assert not diagnosis._jumped(jumped, float('inf'))

def test_answers_too_sure_of_themselves_still_say_something():
    "Few and noisy items: what is learned by heart is worse for new items than the best constant answer."
    told = []
    torch.manual_seed(2)
    x = torch.randn(160, 30)
    y = x[:, :3].sum(1, keepdim=True) + 1.5*torch.randn(160, 1)
    for y in y, y[torch.randperm(160)]:
        model = nn.Sequential(nn.Linear(30, 128), nn.ReLU(), nn.Linear(128, 1))
        batches = list(zip(x.split(40), y.split(40)))
        told += [found(diagnose(model, F.mse_loss, batches, torch.optim.Adam(model.parameters(), .001)))]
    assert told == [[], ['no-better-than-constant']]

class Residue(nn.Module):
    "What a net leaves over of the noise that was put on its input."
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 32), nn.SiLU(), nn.Linear(32, 2))
    def forward(self, x):
        t, noise = torch.rand(len(x), 1), torch.randn_like(x)
        return self.net(torch.cat([(1 - t).sqrt()*x + t.sqrt()*noise, t], 1)) - noise

class Edges(nn.Module):
    "Messages along the edges of a graph, each node the mean of its neighbors."
    def __init__(self, edges):
        super().__init__()
        self.one, self.two = nn.Linear(8, 16), nn.Linear(16, 3)
        self.register_buffer('edges', edges)
    def forward(self, x): return self.edges @ self.two(F.relu(self.edges @ self.one(x)))

def noise_left_over():
    x = .1*torch.randn(192, 2) + torch.tensor([[1., 1], [-1, -1]])[torch.randint(2, (192,))]
    return Residue(), F.mse_loss, [(part, torch.zeros(64, 2)) for part in x.split(64)]

def many_neighbors():
    y = torch.randint(3, (300,))
    edges = (torch.rand(300, 300) < torch.where(y[:, None] == y, .6, .1)).float()
    return Edges(edges / edges.sum(1, keepdim=True)), F.cross_entropy, (torch.randn(300, 8) + F.one_hot(y, 8), y)

def pairs_in_the_batch():
    x = torch.randn(64, 6)
    def ranked(p, y): return F.relu(.5 - (p[:, None] - p)*torch.sign(y[:, None] - y)).mean()
    return nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0)), ranked, (x, x[:, 0])

def more_prototypes_than_items():
    y, kept = torch.randint(200, (64,)), torch.randn(200, 8)
    def nearest(z, y): return F.cross_entropy(-(z[:, None] - kept).pow(2).sum(-1) / 8, y)
    return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 8)), nearest, (kept[y] + .1*torch.randn(64, 8), y)

@pytest.mark.parametrize('made', [noise_left_over, many_neighbors, pairs_in_the_batch, more_prototypes_than_items])
def test_losses_and_models_of_ones_own_that_are_sound(made):
    torch.manual_seed(0)
    model, loss_func, data = made()
    assert found(diagnose(model, loss_func, data, torch.optim.Adam(model.parameters(), .005))) == []

def test_only_the_head_learns():
    "Without requires_grad=False: sound where the body has learned before, a fault where it has not."
    torch.manual_seed(0)
    x, y = task()
    def told():
        model[2] = nn.Linear(32, 4)
        return found(diagnose(model, F.cross_entropy, (x, y), torch.optim.Adam(model[2].parameters(), .01)))
    model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 4))
    assert 'opt-missing' in told()
    opt = torch.optim.Adam(model.parameters(), .01)
    for _ in range(60):
        opt.zero_grad()
        F.cross_entropy(model(x), y).backward()
        opt.step()
    assert told() == []

def test_findings_are_told():
    some = Finding('lr-low', 'b'), Finding('softmax-twice', 'a <b>', 'f', 'mend')
    d = Diagnosis([*some, Finding('unused', 'c', severity='note')])
    assert d.ids == ['softmax-twice', 'lr-low', 'unused'] and len(d) == 3 and d[0].severity == 'error'
    assert max(len(line) for line in repr(d).splitlines() if 'http' not in line) <= 80
    assert 'a &lt;b&gt;' in d._repr_html_() and 'ERROR' in d._repr_html_()
    assert list(d.table.id) == d.ids
    with pytest.raises(RuntimeError, match='softmax-twice'): d.raise_if('error')
    with pytest.raises(ValueError, match="id: expected .*softmax-twice"): Finding('softmax_twice', '')
    with pytest.raises(ValueError, match="severity: expected "): Finding('unused', '', severity='fatal')
    Diagnosis([Finding('unused', '')]).raise_if('error')

def test_every_finding_has_a_section(request):
    "The pages are those of the built site, where there is one."
    assert all(m.page.count('#') == 1 and m.severity in ('error', 'warning', 'note') for m in FINDINGS.values())

def test_every_id_has_programs():
    ids = {i for p in PROGRAMS.values() for i in p['ids']} | LOOP
    assert set(FINDINGS) <= ids

LOOP = {'no-backward', 'no-step', 'grad-not-cleared', 'eval-in-training', 'train-in-validation', 'graph-kept',
        'nan-loss', 'scheduler-first', 'clip-always', 'clip-first', 'opt-renewed', 'data-order', 'overfitting'}

def test_the_listener_sees_what_made_a_tensor():
    x = torch.randn(3, 1, requires_grad=True)
    with Listener() as ear: out = x.sigmoid().view(-1).unsqueeze(0).float()[0]
    assert ear.made_by(out).name == 'sigmoid' and ear.made_by(x) is None

def test_the_page_quotes_the_benchmark():
    "`benchmarks/diagnosis.py page` puts the tables there."
    sys.path.insert(0, str(ROOT / 'benchmarks'))
    try: from diagnosis import against_peer, quoted
    finally: sys.path.pop(0)
    page = json.loads((ROOT / 'nbs' / '20_diagnosis.ipynb').read_text(encoding='utf-8'))
    assert all(any(table() in ''.join(c['source']) for c in page['cells']) for table in (quoted, against_peer))

# --- what the pages say that is not seen

def test_the_answer_inside_the_item_is_not_seen():
    x, y = task()
    told = torch.cat([x, F.one_hot(y, 4).float()], 1)
    model = nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 4))
    assert diagnose(model, F.cross_entropy, (told, y), torch.optim.Adam(model.parameters(), .01)).ids == []

@pytest.mark.parametrize('mistake, told', [('clip before backward', ['clip-first']), ('one batch', []),
                                           ('an optimizer for each epoch', ['opt-renewed'])])
def test_of_lines_in_another_order_that_still_train(mistake, told):
    x, y = task(320)
    model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 4))
    opt = torch.optim.SGD(model.parameters(), .1)
    with watch(model) as seen:
        for i in range(80):
            if i % 10 == 0 and mistake[:2] == 'an': opt = torch.optim.SGD(model.parameters(), .1, momentum=.9)
            at = 0 if mistake[:3] == 'one' else i % 5 * 64
            opt.zero_grad()
            loss = F.cross_entropy(model(x[at:at + 64]), y[at:at + 64])
            if mistake[:4] == 'clip': nn.utils.clip_grad_norm_(model.parameters(), .1)
            loss.backward()
            opt.step()
    assert seen.ids == told
