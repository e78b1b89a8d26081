"The pictures that stand for the pages where they are linked: title, question and the first figure."
import json
import textwrap
from pathlib import Path

from lxml import etree
from markupsafe import Markup
from notebooks import joined

from .project import DOCS, Page
from .templates import fill

PLACE = dict(x=600, y=60, width=560, height=530)


def first_figure(notebook: Path) -> Markup:
    "The first figure of a notebook, to stand in its card."
    for c in json.loads(notebook.read_text(encoding='utf-8'))['cells']:
        for o in c.get('outputs', []):
            if 'image/svg+xml' not in o.get('data', {}): continue
            svg = etree.fromstring(joined(o['data']['image/svg+xml']).encode())
            for k, v in PLACE.items(): svg.set(k, str(v))
            return Markup(etree.tostring(svg, encoding='unicode'))
    return Markup('')


def card(page: Page) -> bytes:
    "The card of a page, as PNG."
    import matplotlib
    from resvg_py import svg_to_bytes
    figure = first_figure(page.notebook)
    title = textwrap.wrap(page.title.split(':')[0], 16 if figure else 34)
    question = textwrap.wrap(page.question, 34 if figure else 70)
    svg = fill('card.svg', title=title, question=question, figure=figure)
    return svg_to_bytes(svg_string=svg, skip_system_fonts=True, font_dirs=[str(Path(matplotlib.get_data_path())/'fonts'/'ttf')], sans_serif_family='DejaVu Sans')


def cards(site: dict[str, Page]) -> None:
    "Write a card for each page of a notebook."
    (DOCS/'cards').mkdir()
    for page in site.values():
        if not page.notebook: continue
        page.card = f'cards/{Path(page.name).stem}.png'
        (DOCS/page.card).write_bytes(card(page))
