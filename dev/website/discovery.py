"What lets machines and people find the pages: sitemap, llms.txt with Markdown twins, objects.inv, the page for what is lost."
import json
import posixpath
import zlib
from datetime import date
from xml.sax.saxutils import escape

from .html import fragment, text_of
from .project import (
    DOCS,
    STAGE,
    Page,
    config,
    nav,
    own_address,
    page_stem,
    reading_order,
    settings,
)
from .symbols import modules
from .templates import fill

ROLES = {'function': 'function', 'class': 'class', 'method': 'method', 'constant': 'data'}


def lost_page(site: dict[str, Page]) -> Page:
    "The page for an address that is not there."
    return Page('404.html', 'This page is not here', 'It may have moved: search for it, or start from the list of pages.', fragment(fill('lost.html', nav=nav())))


def sitemap(site: dict[str, Page]) -> str:
    "Every page with the day that its numbers are of."
    day = lambda p: p.verified['date'] if p.verified else date.today().isoformat()
    rows = [f'  <url><loc>{escape(own_address())}/{"" if p.name == "index.html" else p.name}</loc><lastmod>{day(p)}</lastmod></url>' for p in site.values() if p.name != '404.html']
    return '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n' + '\n'.join(rows) + '\n</urlset>\n'


def inventory(site: dict[str, Page]) -> bytes:
    "objects.inv: where each exported name and each page is, for other projects' Sphinx to link to."
    cfg, pages = settings(), {p.module: p.name for p in site.values() if p.module}
    rows = [f'nnbolts.{m} py:module 0 {pages[m]} -' for m in modules() if m in pages]
    for m, symbols in modules().items():
        if m not in pages: continue
        for s in (x for top in symbols for x in (top, *top.members)): rows.append(f'nnbolts.{m}.{s.name} py:{ROLES[s.kind]} 1 {pages[m]}#{s.anchor} -')
    rows += [f'{p.name.removesuffix(".html")} std:doc -1 {p.name} {p.title}' for p in site.values() if p.notebook]
    head = f'# Sphinx inventory version 2\n# Project: {cfg["lib_name"]}\n# Version: {cfg["version"]}\n# The remainder of this file is compressed using zlib.\n'
    return head.encode() + zlib.compress('\n'.join(rows).encode() + b'\n', 9)


def twin(page: Page) -> str:
    "The page as Markdown: text, code and printed outputs."
    from smalldocs import llms
    nb = json.loads((STAGE/page.name).with_suffix('.ipynb').read_text(encoding='utf-8'))
    prose = llms.Prose(lambda href: twin_of(href, page), {})
    for c in nb['cells']:
        for o in c.get('outputs', []):
            o['data'] = {k: v for k, v in o['data'].items() if k != 'text/html'} if 'data' in o else {}
            if text := o['data'].get('text/markdown'): o['data']['text/markdown'] = prose.feed(''.join(text))
        if c['cell_type'] == 'markdown': c['source'] = plainly(''.join(c['source']))
    body, _ = llms.notebook(json.dumps(nb), {}, page.name, prose, lambda text: text)
    return llms.page_markdown(page.title, page.question, body)


def plainly(text: str) -> str:
    "Staged Markdown without its raw HTML: of a folded answer the question stays."
    parts = text.split('```{=html}\n')
    out = [parts[0]]
    for part in parts[1:]:
        html, _, rest = part.partition('\n```')
        summary = fragment(f'<div>{html}</div>').xpath('.//summary')
        out += [f'**{text_of(summary[0])}**' if summary else '', rest]
    return ''.join(out)


def twin_of(href: str, page: Page) -> str:
    "A link to a notebook of this site as one to the Markdown of its page."
    path = href.partition('#')[0]
    if '://' in href or not path.endswith('.ipynb'): return href
    return posixpath.join(posixpath.dirname(path), page_stem(posixpath.basename(path).removesuffix('.ipynb'))) + '.md'


def llms_txt(site: dict[str, Page]) -> str:
    "The site in one page for language models, with a link to the Markdown of each."
    web, base = config()['website'], own_address()
    rows = [f'- [{site[name].title}]({base}/{name.removesuffix(".html")}.md): {site[name].question}' for _, name in reading_order()]
    stuck = [f'- [{m.symptom}]({base}/{p.name}#{m.anchor}): {m.cause} {m.mend}' for p in site.values() for m in p.stuck]
    return '\n'.join([f'# {web["title"]}', '', f'> {web["description"]}', '', '## Pages', '', *rows, '', '## Mistakes and what mends them', '', *stuck]).rstrip() + '\n'


def discovery(site: dict[str, Page]) -> None:
    "Write all of them."
    (DOCS/'sitemap.xml').write_text(sitemap(site), encoding='utf-8')
    (DOCS/'robots.txt').write_text(f'User-agent: *\nAllow: /\nSitemap: {own_address()}/sitemap.xml\n', encoding='utf-8')
    (DOCS/'objects.inv').write_bytes(inventory(site))
    (DOCS/'llms.txt').write_text(llms_txt(site), encoding='utf-8')
    for p in site.values():
        if p.notebook:
            out = DOCS/(p.name.removesuffix('.html') + '.md')
            out.parent.mkdir(exist_ok=True)
            out.write_text(twin(p), encoding='utf-8')
