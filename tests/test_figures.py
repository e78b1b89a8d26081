"The pictures: where things are, and which colors they take. Runs without a checkout (test_wheel.py)."
import io, re
import xml.etree.ElementTree as ET
import matplotlib
matplotlib.use('agg')
import matplotlib.pyplot as plt
import pytest
import torch
from nnbolts.figures import BLUE, GRAY, GREEN, INK, ORANGE, PURPLE, RED, svg, use_style

@pytest.fixture
def style():
    before = torch.get_num_threads()
    with matplotlib.rc_context():
        use_style()
        yield
    torch.set_num_threads(before)
    torch.set_printoptions(profile='default')

def drawn():
    fig, ax = plt.subplots(figsize=(4, 2))
    for y in range(6): ax.plot([0, 1], [y, y])
    ax.text(0.25, 5, 'high'), ax.text(0.75, 0, 'low')
    ax.set(xlabel='across', ylabel='up')
    return svg(fig)

def places(picture):
    "Where each text of a picture stands."
    out = {}
    for t in ET.fromstring(picture).iter('{http://www.w3.org/2000/svg}text'):
        at = re.search(r'translate\(([\d.]+) ([\d.]+)\)', t.get('transform') or '') or re.search(r'()()', '')
        out[t.text] = (float(t.get('x') or at[1] or 'nan'), float(t.get('y') or at[2] or 'nan'))
    return out

def test_texts_stand_where_they_were_put(style):
    at = places(drawn())
    assert at['high'][0] < at['low'][0] and at['high'][1] < at['low'][1]  # in a picture y grows downwards
    assert {'across', 'up'} <= set(at)

def test_the_colors_come_in_their_order(style):
    found = [c for c in re.findall(r'stroke: (#[0-9a-f]{6})', drawn()) if c in (BLUE, ORANGE, GREEN, RED, PURPLE, GRAY)]
    assert list(dict.fromkeys(found)) == [BLUE, ORANGE, GREEN, RED, PURPLE, GRAY]

def test_text_takes_the_pages_color_and_no_box_is_drawn(style):
    picture = drawn()
    assert INK not in picture and '#000000' not in picture and 'currentColor' in picture
    assert not re.search(r'fill: (#ffffff|#fffffe|white)', picture)

def test_the_same_figure_gives_the_same_text(style): assert drawn() == drawn()

def test_two_pictures_share_no_name(style):
    a, b = drawn(), svg(plt.subplots()[0])
    ids = [set(re.findall(r' id="([^"]+)"', s)) for s in (a, b)]
    assert ids[0] and not ids[0] & ids[1]
    assert set(re.findall(r'(?:url\(|href=")#([^")]+)', a)) <= ids[0]

def test_the_figure_is_closed_and_keeps_its_size(style):
    before = plt.get_fignums()
    root = ET.fromstring(drawn())
    assert (root.get('width'), root.get('height')) == ('288pt', '144pt') and plt.get_fignums() == before

def test_threads_are_left_alone_unless_asked(style):
    torch.set_num_threads(2)
    use_style()
    assert torch.get_num_threads() == 2
    use_style(threads=1)
    assert torch.get_num_threads() == 1

def test_numbers_print_four_decimals(style): assert str(torch.tensor([1e-5, 1.])) == 'tensor([0.0000, 1.0000])'

def test_no_figure_is_refused():
    with pytest.raises(TypeError, match='fig: expected a matplotlib Figure, got int'): svg(3)

def test_nothing_of_the_machine_is_in_a_picture(style):
    file = io.StringIO(drawn())
    assert not re.search(r'\d{4}-\d\d-\d\d|matplotlib', file.read(), re.I)
