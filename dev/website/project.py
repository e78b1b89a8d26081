"Where things are, what the settings say, and what a page is."
import hashlib
import re
import shutil
from configparser import ConfigParser
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

import yaml
from lxml.html import HtmlElement
from notebooks import notebooks

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = Path(__file__).resolve().parent
NBS, PROC, STAGE, DOCS, PACKAGE = ROOT/'nbs', ROOT/'_proc', ROOT/'_site_src', ROOT/'_docs', ROOT/'nnbolts'

CITATION = ROOT/'CITATION.cff'
LISTS = {'sources.html'}  # pages whose tables point at sections of others: those sections come first in the search


@cache
def settings() -> dict:
    "The settings of the project, as settings.ini has them."
    c = ConfigParser(delimiters=['='])
    c.read(ROOT/'settings.ini', encoding='utf-8')
    return dict(c['DEFAULT'])


@cache
def config() -> dict:
    "The configuration of the site, _quarto.yml."
    return yaml.safe_load((ROOT/'_quarto.yml').read_text(encoding='utf-8'))


def own_address() -> str:
    "Where the site will stand, without a slash at its end."
    return settings()['doc_host'] + settings()['doc_baseurl']


def renderer() -> str:
    "Quarto where it is installed, else smalldocs: the one place that chooses."
    return 'Quarto' if shutil.which('quarto') else 'smalldocs'


def page_stem(stem: str) -> str:
    "The address of a notebook's page, without its ending: 02_losses -> losses."
    return re.sub(r'^\d+[a-z]?_', '', stem)


def page_of(path: str) -> str:
    "The address of the page of a notebook under nbs/: tools/data.ipynb -> tools/data.html."
    p = Path(path)
    return (p.parent/page_stem(p.stem)).as_posix() + '.html'


def nav() -> list[tuple[str, list[tuple[str, str]]]]:
    "The sidebar: sections, each with the text and the address of its pages."
    out = []
    for item in config()['website']['sidebar']['contents']:
        if isinstance(item, dict) and 'section' in item: out.append((item['section'], [_entry(e) for e in item['contents']]))
        else: out.append(('', [_entry(item)]))
    return out


def _entry(item: dict | str) -> tuple[str, str]:
    href = item if isinstance(item, str) else item['href']
    name = page_of(href)
    return (Path(href).stem.capitalize() if isinstance(item, str) else item['text'], name)


def reading_order() -> list[tuple[str, str]]:
    "The text and address of the notebooks' pages in the order in which one reads them."
    own = {page_of(p.relative_to(NBS).as_posix()) for p in notebooks()}
    return [e for _, entries in nav() for e in entries if e[1] in own]


def digest(*paths: Path) -> str:
    "A hash of files' names and bytes."
    h = hashlib.sha256()
    for p in sorted(paths): h.update(str(p.relative_to(ROOT)).encode() + b'\0' + p.read_bytes())
    return h.hexdigest()


def inputs() -> list[Path]:
    "Every file that the site is made from."
    own = [ROOT/n for n in ('settings.ini', '_quarto.yml', 'constraints.txt', 'CITATION.cff')] + [ROOT/'dev'/'site.py', ROOT/'dev'/'notebooks.py']
    ours = [p for p in HERE.rglob('*') if p.is_file() and '__pycache__' not in p.parts]
    measured = [p for p in (ROOT/'benchmarks'/'tables.toml', ROOT/'benchmarks'/'last.json') if p.exists()]
    return own + ours + measured + list(PACKAGE.glob('*.py')) + notebooks() + list(NBS.glob('*.svg'))


def state() -> str:
    "What tells one build from another: the sources and the renderer."
    return f'{renderer()} {digest(*inputs())}'


@dataclass
class Page:
    "A page of the site: its address, its words, and its content as a tree."
    name: str                                  # 'losses.html', 'tools/data.html'
    title: str
    question: str                              # the sentence under the title
    main: HtmlElement                          # the content, an element <main>
    notebook: Path | None = None               # None: made by the build
    verified: dict | None = None               # what its numbers were made with
    module: str | None = None                  # the module that its notebook exports
    card: str | None = None                    # the picture for links to it
    stuck: list = field(default_factory=list)  # the mistakes that it mends

    @property
    def kind(self) -> str:
        "What it is to a reader."
        if self.notebook is None: return 'made'
        if self.notebook.name == 'index.ipynb': return 'start'
        return 'tool' if '/' in self.name else 'chapter' if self.notebook.name[0].isdigit() else 'list'

    @cached_property
    def ids(self) -> set[str]:
        "Every anchor of the finished page."
        return set(self.main.xpath('.//@id'))
