"`explore` in a live kernel: widgets that call the function, and an error in its place."
import os, subprocess, sys
import pytest
from conftest import ROOT

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

def test_a_live_panel_gives_the_page(client, tmp_path):
    "What a notebook file keeps of widgets is dead; `page` is the static form, `save` writes it."
    out, kinds = run(client, f'''
shown_page = panel.page()
print(type(shown_page).__name__, panel.save({str(tmp_path/'page.html')!r}).name)
shown_page''')
    assert out.strip() == '_Page page.html'
    assert 'text/html' in kinds and 'application/vnd.jupyter.widget-view+json' not in kinds
    assert (tmp_path/'page.html').read_text(encoding='utf-8').count('class="nb-explore-data"') == 1

SCRIPT = '''
import io, sys
import numpy as np, torch
from PIL import Image
from nnbolts.explore import explore
def shades(size=2, level=0.5, bright=False):
    "A gray picture"
    return Image.new('L', (size, size), int(255*level) if not bright else 255)
explore(shades, size=torch.tensor([1, 2]), level=np.linspace(0, 1, 3), bright=np.bool_(False)).save(sys.argv[1])
'''

def test_a_script_saves_a_page_that_works(tmp_path, browser):
    "Numbers of numpy and torch as controls, PIL pictures as results, no notebook, no server."
    subprocess.run([sys.executable, '-c', SCRIPT, tmp_path/'page.html'], check=True,
                   env={**os.environ, 'PYTHONPATH': str(ROOT)})
    page = browser.new_page()
    asked = []
    page.on('request', lambda r: asked.append(r.url))
    page.goto((tmp_path/'page.html').as_uri())
    page.wait_for_selector('.nb-explore input:not([disabled])')
    shown = lambda: page.get_attribute('.nb-explore-result img', 'src')
    first = shown()
    assert page.text_content('.nb-explore output >> nth=1') == '0.5'
    assert page.get_attribute('.nb-explore-result img', 'alt').startswith('A gray picture: size = 2')
    page.focus('.nb-explore input[type=range] >> nth=1')
    page.keyboard.press('ArrowRight')
    page.wait_for_function('old => document.querySelector(".nb-explore-result img").src !== old', arg=first)
    assert page.text_content('.nb-explore output >> nth=1') == '1'
    assert all(u.startswith(('file:', 'data:')) for u in asked)
    page.close()
