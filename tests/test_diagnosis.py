"One line that says why it does not learn: what it finds, what it leaves alone, and that it changes nothing."
import copy, json, random, sys, warnings, zlib
import numpy as np, pytest, torch, torch.nn.functional as F
from conftest import ROOT
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from nnbolts.checks import CHECKS, Listener, check
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
    "`benchmarks/diagnosis.py page` puts the table there."
    sys.path.insert(0, str(ROOT / 'benchmarks'))
    try: from diagnosis import quoted
    finally: sys.path.pop(0)
    page = json.loads((ROOT / 'nbs' / '20_diagnosis.ipynb').read_text(encoding='utf-8'))
    assert any(quoted() in ''.join(c['source']) for c in page['cells'])

# --- what the pages say that is not seen

def test_the_answer_inside_the_item_is_not_seen():
    x, y = task()
    told = torch.cat([x, F.one_hot(y, 4).float()], 1)
    model = nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 4))
    assert diagnose(model, F.cross_entropy, (told, y), torch.optim.Adam(model.parameters(), .01)).ids == []

@pytest.mark.parametrize('mistake', ['clip before backward', 'one batch', 'an optimizer for each epoch'])
def test_lines_in_another_order_that_still_train_are_not_told(mistake):
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
    assert seen.ids == []
