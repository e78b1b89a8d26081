"`benchmarks.html`: the tables of the last `make bench`, what each measures, and with what it was made."
import json
import tomllib

from markupsafe import Markup
from smalldocs.markdown import render as markdown

from .html import fragment
from .passes.links import heading_of
from .passes.tables import tables
from .project import ROOT, Page
from .templates import fill

TABLES, LAST = ROOT/'benchmarks'/'tables.toml', ROOT/'benchmarks'/'last.json'


def benchmarks_page(site: dict[str, Page]) -> Page:
    "The page of benchmarks. A table that was not measured yet says so."
    last = json.loads(LAST.read_text(encoding='utf-8')) if LAST.exists() else {}
    rows = []
    for t in tomllib.loads(TABLES.read_text(encoding='utf-8'))['table']:
        made = last.get(t['script'])
        rows.append(dict(id=t['script'].replace('_', '-'), script=t['script'], title=t['title'], long=t.get('long'),
                         says=Markup(markdown(t['says'], {})), about=made and made['about'], seconds=made and made['seconds'],
                         html=Markup(markdown(made['text'], {})) if made else None,
                         sections=[(place, heading_of(place, site)) for place in t['sections']]))
    page = Page('benchmarks.html', 'Benchmarks', 'How fast, how right and how large is it, beside PyTorch and other trainers?',
                fragment(fill('benchmarks.html', tables=rows)))
    tables(page, site)
    return page
