"Step 3: HTML from the staged notebooks. Of a rendered page only its content is kept."
import functools
import json
import re
import subprocess
from pathlib import Path

import lxml.html
from lxml.html import HtmlElement
from notebooks import joined

from .project import NBS, STAGE, Page, notebooks, page_of, renderer

AROUND = ('.//header[@id="title-block-header"]', './/nav', './/*[@id="quarto-back-to-top"]', './/script[@src]', './/div[@id="quarto-appendix"]',
          './/button[contains(@class, "code-copy-button")]')


def run_quarto() -> None:
    "Quarto's own rendering; what goes wrong is said in a line."
    done = subprocess.run(['quarto', 'render', str(STAGE), '--no-execute'], capture_output=True, text=True)
    if done.returncode:
        said = '\n'.join((done.stderr or done.stdout).strip().splitlines()[-15:])
        raise SystemExit(f'Quarto could not render the pages (exit code {done.returncode}). It said:\n{said}\n'
                         'Without `quarto` on PATH the site is built by smalldocs: nothing else is needed.')


def run_smalldocs() -> None:
    "The rendering that needs only Python."
    from smalldocs import highlight
    from smalldocs.site import build
    if not hasattr(highlight.css_class, 'cache_info'):  # asked for each of 600,000 words, of which most are the same
        highlight.css_class = functools.cache(highlight.css_class)
    site = build(STAGE, quiet=True)
    quartos = 'html-math-method', 'html-table-processing', 'respect-user-color-scheme', 'format.html.grid'  # options that smalldocs has no use for
    for w in site.warnings:
        if not any(q in w for q in quartos) and 'broken link' not in w: print('  ' + w)


def render() -> list[Page]:
    "Every page of a notebook with its content as a tree, in reading order."
    run_quarto() if renderer() == 'Quarto' else run_smalldocs()
    return [read_page(p) for p in notebooks()]


def parse(text: str) -> HtmlElement:
    "A whole HTML document as a tree."
    return lxml.html.document_fromstring(text.encode(), parser=lxml.html.HTMLParser(encoding='utf-8', huge_tree=True, remove_comments=True))


def content(text: str) -> HtmlElement:
    "The content of a rendered document: the element <main> without what the renderer put around the text."
    main = parse(text).xpath('//main')[0]
    main.attrib.clear()
    for path in AROUND:
        for e in main.xpath(path): e.drop_tree()
    return main


def read_page(nb_path: Path) -> Page:
    "The page of a notebook as its renderer left it."
    rel = nb_path.relative_to(NBS).as_posix()
    nb = json.loads(nb_path.read_text(encoding='utf-8'))
    first = next(joined(c['source']) for c in nb['cells'] if c['cell_type'] == 'markdown')
    title, question = re.search(r'^# (.*)', first, re.M)[1], re.search(r'^> (.*)', first, re.M)[1]
    module = re.search(r'#\|\s*default_exp\s+(\w+)', '\n'.join(joined(c['source']) for c in nb['cells']))
    main = content((STAGE/'_docs'/page_of(rel)).read_text(encoding='utf-8'))
    return Page(page_of(rel), title, question, main, nb_path, nb['metadata'].get('verified'), module[1] if module else None)
