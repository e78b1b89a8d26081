"`explore` in a live kernel: widgets that call the function, and an error in its place."
import pytest

CODE = '''
from nnbolts.explore import explore
def double(n=1, shout=False):
    "Twice a number"
    if n == 3: raise ValueError('three is out')
    return f'{2*n}' + '!' * shout
panel = explore(double, n=range(5), shout=False)
panel
'''

@pytest.fixture(scope='module')
def client():
    manager = pytest.importorskip('jupyter_client.manager')
    pytest.importorskip('ipykernel')
    km, kc = manager.start_new_kernel(kernel_name='python3')
    yield kc
    kc.stop_channels()
    km.shutdown_kernel(now=True)

def run(client, code):
    "Run code; what it shows: printed text, and the kinds of what is displayed."
    out = []
    client.execute_interactive(code, timeout=120, output_hook=lambda m: out.append(m))
    text = ''.join(m['content']['text'] for m in out if m['msg_type'] == 'stream')
    kinds = {k for m in out if m['msg_type'] in ('execute_result', 'display_data') for k in m['content']['data']}
    assert not any(m['msg_type'] == 'error' for m in out), out
    return text, kinds

def test_a_kernel_gets_a_live_panel(client):
    assert 'application/vnd.jupyter.widget-view+json' in run(client, CODE)[1]
    find = 'boxes, shown = panel.children[1].children, panel.children[2]\n'
    assert '>2<' in run(client, find + 'print(shown.value)')[0]
    assert '>8<' in run(client, 'boxes[0].value = 4; print(shown.value)')[0]
    assert '>8!<' in run(client, 'boxes[1].value = True; print(shown.value)')[0]
    assert 'ValueError: three is out' in run(client, 'boxes[0].value = 3; print(shown.value)')[0]
    assert '>4!<' in run(client, 'boxes[0].value = 2; print(shown.value)')[0]

def test_a_figure_follows_the_slider(client):
    code = '''
import matplotlib.pyplot as plt
def line(n=1):
    fig, ax = plt.subplots()
    ax.plot([0, n])
    return fig
p = explore(line, n=range(1, 4))
before = p.children[2].value
p.children[1].children[0].value = 2
print('<svg' in before, p.children[2].value != before, len(plt.get_fignums()))'''
    assert run(client, code)[0].strip() == 'True True 0'
