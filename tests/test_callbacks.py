"Callbacks are taken one by one or as one list, everything else is refused; the timeline shows what happened where."
import matplotlib, pytest
matplotlib.use('agg')
import matplotlib.pyplot as plt
from matplotlib.colors import to_hex
from nnbolts.callbacks import Callback, CancelBatch, CancelEpoch, CancelFit, Events, run_callbacks, trace_events
from nnbolts.figures import GRAY, RED

class Run(Events):
    events = ('before_fit', 'before_epoch', 'before_batch', 'after_batch', 'cleanup_batch', 'after_epoch',
              'cleanup_epoch', 'after_fit', 'cleanup_fit')
    def fit(self): self.stage('fit', CancelFit, self.epochs)
    def epochs(self):
        for self.epoch in range(2): self.stage('epoch', CancelEpoch, self.batches)
    def batches(self):
        for self.i in range(3): self.stage('batch', CancelBatch, lambda: None)

class Seen(Callback):
    order = 1
    def __init__(self): self.events = []
    def before_batch(self, run): self.events.append((run.epoch, run.i))

class Plain:
    "No Callback, but a method that is named after an event."
    def after_fit(self, run): run.plain = True

# --- what add, remove, using and run_callbacks take

def test_callbacks_one_by_one_or_as_one_list():
    a, b = Seen(), Plain()
    for given in ((a, b), ([a, b],), ((a, b),)):
        run = Run().add(*given)
        assert set(run.cbs) == {a, b}
        with run.using([Seen(), Seen()]): assert len(run.cbs) == 4
        assert run.remove(*given).cbs == ()
    assert Run().add().cbs == Run().add([]).cbs == ()
    run = Run().add([a, b])
    with run.using(without=[Seen]): assert run.cbs == (b,)

WRONG = [
    (lambda: 'a string', 'str'), (lambda: (Seen() for _ in range(1)), 'generator'), (lambda: None, 'NoneType'),
    (lambda: [[Seen()]], 'list'), (lambda: [Seen(), [Seen()]], 'list'), (lambda: {'a': Seen()}, 'dict'),
    (lambda: {Seen()}, 'set'), (lambda: 3, 'int'), (lambda: print, 'builtin'), (lambda: iter([Seen()]), 'iterator'),
    (lambda: lambda run: None, 'function'), (lambda: object(), 'object')]

@pytest.mark.parametrize('make, name', WRONG)
def test_anything_else_is_refused(make, name):
    run = Run()
    for put_on in (run.add, lambda x: run.using(x).__enter__()):
        with pytest.raises(TypeError, match=f'cbs: expected callbacks.*{name}'): put_on(make())
    with pytest.raises(TypeError, match=f'cbs: expected callbacks.*{name}'): run.add(Seen(), make())
    with pytest.raises(TypeError, match=f'cbs: expected callbacks.*{name}'): run.add([Seen(), make()])
    assert run.cbs == ()

@pytest.mark.parametrize('wrong, name', [('a string', 'str'), (None, 'NoneType'), ([[Seen()]], 'list'), (3, 'int')])
def test_remove_refuses_what_is_no_callback(wrong, name):
    with pytest.raises(TypeError, match=f'cbs: expected callbacks.*{name}'): Run().add(Seen()).remove(wrong)

@pytest.mark.parametrize('cbs, name',
                         [('abc', 'str'), ((Seen() for _ in range(1)), 'generator'), (Seen(), 'Seen'),
                          (None, 'NoneType'), ([[Seen()]], 'list'), ({}, 'dict'), (['abc'], 'str')])
def test_run_callbacks_wants_a_list(cbs, name):
    with pytest.raises(TypeError, match=f'cbs: expected .*{name}'): run_callbacks(cbs, 'before_batch', None)

def test_a_class_is_refused():
    for f in (lambda: Run().add(Seen), lambda: Run().add([Seen]), lambda: run_callbacks([Seen], 'before_batch', None)):
        with pytest.raises(TypeError, match=r'Seen is a class, expected an object: Seen\(\)'): f()

# --- the timeline

class Cancels(Callback):
    def __init__(self, event, when, error): setattr(self, event, self._raise); self.when, self.error = when, error
    def _raise(self, run):
        if self.when(run): raise self.error

def drawn(*cbs, most=80):
    "The trace, its lines as texts with their heights, the dots, and the arrows from the first to the last point."
    run = Run().add(*cbs)
    with trace_events(run) as trace:
        try: run.fit()
        except ValueError: pass
    fig = trace.draw(most)
    ax = fig.axes[0]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # time runs downwards
    texts = [(t.get_text(), *t.get_position()) for t in ax.texts]
    lines = [(to_hex(l.get_color()), l.get_marker(), list(zip(*l.get_data()))) for l in ax.lines]
    plt.close(fig)
    dots = [(c, pts[0]) for c, mark, pts in lines if mark == 'o']
    heads = [pts[0] for c, mark, pts in lines if mark == 'v']
    arrows = [pts for c, mark, pts in lines if mark == 'None' and c == to_hex(RED)]
    bars = [pts for c, mark, pts in lines if mark == 'None' and c == to_hex(GRAY) and pts[0][0] == pts[1][0]]
    return trace, texts, dots, heads, arrows, bars

EVENTS = ('before_', 'after_', 'cleanup_', '⋮')

def rows(texts): return [t for t in texts if t[0].startswith(EVENTS)]

def test_rows_stand_in_the_order_of_time_and_inside_their_stage():
    _, texts, *_ = drawn(Seen())
    events = rows(texts)
    assert [e[2] for e in events] == sorted(e[2] for e in events) and len({e[2] for e in events}) == len(events)
    assert [e[0] for e in events] == ['before_fit', 'before_epoch', 'before_batch', 'after_batch', 'cleanup_batch',
                                      '⋮ and 2 more like it', 'after_epoch', 'cleanup_epoch',
                                      '⋮ and 1 more like it', 'after_fit', 'cleanup_fit']
    x = {e[0]: e[1] for e in events}
    assert x['before_fit'] == x['cleanup_fit'] < x['before_epoch'] == x['after_epoch']
    assert x['after_epoch'] < x['before_batch'] == x['cleanup_batch']

def test_a_dot_stands_on_its_event_in_the_column_of_its_callback():
    _, texts, dots, heads, arrows, _ = drawn(Seen(), Plain())
    y = {t[0]: t[2] for t in rows(texts)}
    column = {t[0]: t[1] for t in texts if t[0] in ('Seen', 'Plain')}
    assert column['Plain'] < column['Seen']  # by order
    want = [(column['Seen'] + 3, y['before_batch']), (column['Plain'] + 3, y['after_fit'])]
    assert sorted(p for _, p in dots) == sorted(want)
    assert not heads and not arrows

@pytest.mark.parametrize('event, error, target', [
    ('before_batch', CancelBatch('x'), 'cleanup_batch'), ('after_batch', CancelBatch('x'), 'cleanup_batch'),
    ('after_batch', CancelEpoch('x'), 'cleanup_epoch'), ('after_batch', CancelFit('x'), 'cleanup_fit'),
    ('before_epoch', CancelEpoch('x'), 'cleanup_epoch'), ('after_epoch', CancelFit('x'), 'cleanup_fit'),
    ('before_fit', CancelFit('x'), 'cleanup_fit'), ('after_batch', ValueError('x'), 'cleanup_fit')])
def test_an_arrow_joins_what_was_raised_with_where_it_was_caught(event, error, target):
    "From the red dot on the line of its event, along the lane at the right, down to the last cleanup that it led to."
    at = {'epoch': lambda r: r.epoch == 1, 'batch': lambda r: r.epoch == 1 and r.i == 1,
          'fit': lambda r: True}[event.split('_')[1]]
    trace, texts, dots, heads, arrows, _ = drawn(Cancels(event, at, error), Seen())
    assert len(arrows) == len(heads) == 1
    start, corner, end = arrows[0]
    red = [p for c, p in dots if c == to_hex(RED)]
    assert red == [start] and start[1] == corner[1] and corner[0] == end[0] > start[0]
    line = {y: text for text, x, y in rows(texts)}
    assert line[start[1]] == event
    assert line[heads[0][1] + 1] == target and end[1] == heads[0][1] - 1
    at_rows = [y for y, text in line.items() if text == target and y > start[1]]
    assert heads[0][1] + 1 == at_rows[0]  # the first such line below: no later stage

def test_a_bar_spans_each_stage_from_its_first_line_to_its_last():
    _, texts, *_, bars = drawn(Seen())
    y = {t[0]: t[2] for t in rows(texts)}
    want = {(y[f'before_{s}'] - 4, y[f'cleanup_{s}'] + 4) for s in ('fit', 'epoch', 'batch')}
    assert {(a[1], b[1]) for a, b in bars} == want

def test_an_arrow_to_a_line_that_is_not_drawn_is_left_out():
    *_, heads, arrows, _ = drawn(Cancels('after_batch', lambda r: True, CancelFit('x')), most=4)
    assert not heads and not arrows

# --- names of events, cancels, cleanups

class Keras(Callback):
    def on_epoch_end(self, run): pass

class Near(Callback):
    def afterbatch(self, run): pass

class Fine(Callback):
    note = 'after_thought'
    def plot(self): pass
    def _after_thought(self): pass
    @property
    def losses(self): raise RuntimeError('a property is not read')

@pytest.mark.parametrize('cb, name, meant', [
    (Keras(), 'on_epoch_end', 'before_epoch'), (Near(), 'afterbatch', 'after_batch')])
def test_a_name_that_is_no_event_is_refused_with_a_suggestion(cb, name, meant):
    said = f'{type(cb).__name__}.{name}: Run has no event of this name; did you mean {meant}'
    with pytest.raises(ValueError, match=said): Run().add(cb)

def test_other_names_and_properties_are_left_alone():
    assert len(Run().add(Fine()).cbs) == 1

def test_an_event_that_the_class_does_not_offer():
    with pytest.raises(ValueError, match="event: expected 'before_fit'.*got 'after_bacth'; did you mean 'after_batch'"):
        Run().emit('after_bacth')

class Log(Callback):
    def __init__(self): self.seen = []
    def before_fit(self, run): self.seen.append('before_fit')
    def after_fit(self, run): self.seen.append('after_fit')
    def cleanup_fit(self, run): self.seen.append('cleanup_fit')

class Breaks(Callback):
    def __init__(self, event, error):
        setattr(self, event, self._raise)
        self.error = error
    def _raise(self, run): raise self.error

@pytest.mark.parametrize('error', [ValueError('first'), KeyboardInterrupt('first')])
def test_every_cleanup_runs_and_the_first_error_comes_out(error):
    log = Log()
    run = Run().add(Breaks('cleanup_fit', error), log, Breaks('cleanup_fit', ValueError('second')))
    with pytest.raises(type(error), match='first'): run.fit()
    assert log.seen == ['before_fit', 'after_fit', 'cleanup_fit']

def test_an_error_of_the_stage_is_not_hidden_by_one_of_a_cleanup():
    run = Run().add(Breaks('before_batch', KeyError('stage')), Breaks('cleanup_fit', ValueError('cleanup')))
    with pytest.raises(KeyError) as caught: run.fit()
    assert caught.value.__notes__ == ["cleanup_fit raised ValueError('cleanup') as well"]

def test_a_cancel_skips_the_body_and_is_kept_and_one_in_the_wrong_place_is_an_error():
    run = Run().add(Breaks('before_fit', CancelFit('no')), Log())
    run.fit()
    assert run.find(Log).seen == ['cleanup_fit'] and str(run.canceled) == 'no' and not hasattr(run, 'epoch')
    with pytest.raises(CancelBatch, match='no batch was running'): Run().add(Breaks('before_fit', CancelBatch())).fit()

def test_one_of_a_class_find_remove_and_using():
    class One(Callback): unique = True
    a, b, log, seen = One(), One(), Log(), Seen()
    run = Run().add(a, seen)
    assert run.add(b).cbs == (b, seen) and Run.cbs == () and run.find(Log) is None
    with run.using(log, without=[Seen]): assert run.cbs == (b, log)
    assert run.cbs == (b, seen)
    with pytest.raises(ValueError): run.using(Near()).__enter__()
    assert run.cbs == (b, seen) and run.remove(One).cbs == (seen,) and run.remove(seen).cbs == ()

def test_equal_orders_keep_the_order_in_which_they_were_added():
    cbs = [Log() for _ in range(3)]
    assert Run().add(*cbs).cbs == tuple(cbs) and Run().add(*cbs[::-1]).cbs == tuple(cbs[::-1])

def test_using_ends_when_its_block_fails():
    run, log = Run().add(Seen()), Log()
    with pytest.raises(KeyError):
        with run.using(log, without=[Seen]): raise KeyError
    assert [type(cb) for cb in run.cbs] == [Seen]
    run.fit()
    assert not log.seen

def test_a_method_with_a_name_of_its_own_is_left_alone():
    class Sizes(Callback):
        def batch(self): pass
        def fit_line(self): pass
    assert len(Run().add(Sizes()).cbs) == 1

def test_a_cancel_that_is_kept_holds_no_frames():
    run = Run().add(Breaks('after_batch', CancelFit('enough')))
    run.fit()
    assert str(run.canceled) == 'enough' and run.canceled.__traceback__ is None

def test_find_gives_the_first_and_remove_takes_subclasses_along():
    class More(Log): pass
    first, second = Log(), More()
    run = Run().add(first, second)
    assert run.find(Log) is first and run.find(More) is second
    assert run.remove(Log).cbs == ()
