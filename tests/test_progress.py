"What the page of the progress cannot show: a real script, a real terminal, a real Jupyter kernel."
import math, os, struct, subprocess, sys
import pytest
from nnbolts.progress import Table, Terminal

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
    done = subprocess.run([sys.executable, '-c', SCRIPT.format(pause=0) + 'learn.fit(2)'], capture_output=True,
                          text=True, cwd=root)
    assert done.returncode == 0 and done.stderr == ''
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ['epoch', 'train_loss', 'valid_loss', 'mae', 'time']
    assert [line[0] for line in lines[1:]] == ['1', '2'] and all(len(line) == 5 for line in lines)
    ends = {len(line) for line in done.stdout.splitlines()}
    assert len(ends) == 1, 'the columns are aligned to the right'

def test_script_does_not_load_ipython_or_pandas(root):
    code = (
        SCRIPT.format(pause=0)
        + 'learn.fit(1)\nimport sys\nassert not {"IPython", "pandas", "matplotlib", "ipywidgets"} & set(sys.modules)'
    )
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, cwd=root).returncode == 0

def test_terminal(root):
    "In a terminal there is a bar, which is gone at the end."
    fcntl, pty, termios = map(pytest.importorskip, ('fcntl', 'pty', 'termios'))  # not on every system
    there, here = pty.openpty()
    fcntl.ioctl(here, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 100, 0, 0))
    p = subprocess.Popen([sys.executable, '-c', SCRIPT.format(pause=0.11) + 'learn.fit(2)'], stdout=here, stderr=here,
                         stdin=here, cwd=root, env={**os.environ, 'TERM': 'xterm'})
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
    t = Table([dict(epoch=1, train_loss=0.5, a=None, time=75.), dict(epoch=2, train_loss=1e-7, a=math.nan, time=0.1)],
              'a < b')
    assert repr(t).splitlines() == [
        '   epoch  train_loss         a      time',
        '       1      0.5000                1:15',
        '       2       1e-07       nan     0.10s',
        'a < b',
    ]
    assert t._repr_html_().count('<tr>') == 3 and 'a &lt; b' in t._repr_html_()
    assert repr(Table([])) == '' and Table([])._repr_html_() == ''

def test_a_column_that_comes_later_has_its_name(capsys):
    "Printed rows stand below the names of their columns, also where the first row had fewer."
    view = Terminal()
    rows = dict(epoch=1, time=0.1), dict(epoch=2, train_loss=0.5, time=0.1), dict(epoch=3, time=0.1)
    for row in rows: view.row(row)
    view.end()
    assert capsys.readouterr().out.splitlines() == [
        '   epoch      time',
        '       1     0.10s',
        '   epoch      time  train_loss',
        '       2     0.10s      0.5000',
        '       3     0.10s',
    ]

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
    assert {m['content']['transient']['display_id']
            for m in shown + updates} == {shown[0]['content']['transient']['display_id']}
    pages = [m['content']['data']['text/html'] for m in updates]
    assert any('<progress value=' in p and 'epoch 2 of 2' in p for p in pages) and all(
        p.count('<progress') <= 1 and p.count('<table') <= 1 for p in pages
    )
    assert '<progress' not in pages[-1] and pages[-1].count('<tr>') == 3
    assert not any('widget-view' in mime for m in shown + updates for mime in m['content']['data'])

def test_jupyter_interrupt(kernel):
    "The stop button ends the fit after the batch, and what stays says so."
    km, client = kernel
    done = []
    def press(m):
        if not done and m['msg_type'] == 'update_display_data' and 'epoch 2' in m['content']['data']['text/html']:
            done.append(km.interrupt_kernel())
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
    nbclient.NotebookClient(nb, timeout=60, kernel_name='python3',
                            resources=dict(metadata=dict(path=str(root)))).execute()
    out, = nb.cells[0].outputs
    assert set(out.data) == {'text/plain', 'text/html'}
    assert out.data['text/html'].count('<tr>') == 3 and 'progress' not in out.data['text/html']
    assert out.data['text/plain'].split()[:5] == ['epoch', 'train_loss', 'valid_loss', 'mae', 'time']
