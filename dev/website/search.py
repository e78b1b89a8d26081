"""The search: Pagefind's index with a record for each section of each page.

A section's words weigh by where they stand: its heading and the further words of a mistake most, then prose, captions and outputs; code that
only checks is left out and the package's source weighs least. What the search page does with the records is in assets/search.js.
"""
import copy
import json
import re
import subprocess
import tempfile
from collections import Counter
from html import escape
from pathlib import Path

from lxml.html import HtmlElement
from pagefind.service import get_executable

from .html import has_class, plain_words, sections, text_of
from .project import DOCS, LISTS, Page
from .symbols import modules

UNSAID = f'.//svg|.//script|.//style|.//math//annotation|.//*[{has_class("nb-checked")}]|.//*[{has_class("nb-source")}]|.//*[{has_class("nb-explore")}]'


def weighed(blocks: list[HtmlElement], source: set[str]) -> str:
    "The blocks of a section as HTML with the weight of their words."
    out = []
    for block in map(copy.deepcopy, blocks):
        for e in block.xpath(UNSAID):
            if e.getparent() is not None: e.drop_tree()
        for pre in block.xpath(f'descendant-or-self::div[{has_class("sourceCode")}]'):
            code = pre.text_content()
            out.append(f'<p data-pagefind-weight="{0.2 if code.strip() in source else 0.7}">{escape(code)}</p>')
            if pre is not block: pre.drop_tree()
        if 'sourceCode' in (block.get('class') or ''): continue
        for e in block.iter('summary', 'figcaption', 'td', 'th', 'li', 'p', 'pre', 'div'): e.tail = ' ' + (e.tail or '')
        out.append(f'<p>{escape(text_of(block))}</p>')
    return ''.join(out)


def parts(text: str) -> str:
    "The parts of a text's names, as one searches for them: `nn.cross_entropy` gives cross and entropy, `EarlyStopping` early and stopping."
    names = set(re.findall(r'[A-Za-z_]\w*(?:[._]\w+)+', text))
    humps = {p for n in re.findall(r'\b(?:[A-Z][a-z]+){2,}\b', text) for p in re.findall('[A-Z][a-z]+', n)}
    return ' '.join(sorted({p for n in names for p in {*n.split('.'), *re.split(r'[._]', n)} if p and p != n} | humps))


def prose(blocks: list[HtmlElement], most: int = 1200) -> str:
    "The sentences of a section, of which the list of results shows one: no code, no tables, no outputs."
    out = []
    for block in blocks:
        if 'nb-says' in (block.get('class') or ''): return plain_words(block)  # an entry of the reference: what it says of itself
        for p in block.xpath(f'descendant-or-self::*[self::p or self::li][not(ancestor-or-self::*[self::table or self::pre or self::figure or self::details or {has_class("cell")}])][not(ancestor::li)]'):
            text = plain_words(p)
            if len(text) > 20: out.append(text if text[-1] in '.?!:' else text + '.')
            if sum(map(len, out)) > most: return ' '.join(out)
    return ' '.join(out)


def record(page: Page, head: HtmlElement | None, blocks: list[HtmlElement], source: set[str]) -> str:
    "A document of one section for the index: its words, and what the list of results says of it."
    over = head.xpath('preceding::h2[1]') if head is not None and head.tag == 'h3' else []
    title = text_of(head) if head is not None else page.title
    kind = 'term' if page.kind == 'list' else 'stuck' if head is not None and head.get('data-stuck') else 'name' if head is not None and head.xpath(f'parent::*[{has_class("nb-entry")}]') else 'text'
    also = (head.get('data-also') or '') if head is not None else page.question
    anchor = f'#{head.get("id")}' if head is not None and head.get('id') else ''
    weight, words = {'stuck': 10, 'name': 6, 'text': 7, 'term': 7}[kind], weighed(blocks, source)
    cause = next((m.cause for m in page.stuck if f'#{m.anchor}' == anchor), '')
    meta = dict(title=title, page=page.title.split(':')[0], kind=kind, also=also, cause=cause, under=text_of(over[0]) if over and kind == 'text' else '', said=cause or prose(blocks), url=page.name + anchor)
    if kind == 'term': meta['home'] = next((a.get('href') for b in reversed(blocks) for a in reversed(b.xpath('.//a[@href]'))), '')
    said = ''.join(f'<meta data-pagefind-meta="{k}[content]" content="{escape(v)}">' for k, v in meta.items())
    heavy = f'{title} {parts(title)}', f'{also} {parts(also)}'
    return (f'<html lang="en"><head>{said}</head><body>{words}<p data-pagefind-weight="{weight}">{escape(heavy[0])}</p>'
            f'<p data-pagefind-weight="{weight - 2}">{escape(heavy[1])}</p><p data-pagefind-weight="3">{escape(meta["under"])}</p><p>{escape(parts(" ".join(re.findall(r">([^<]*)<", words))))}</p></body></html>')


def records(site: dict[str, Page]) -> list[str]:
    "A record for each section of each page that has words of its own."
    out = []
    for page in site.values():
        if page.kind == 'made': continue
        source = {s.source for s in modules().get(page.module or '', [])}
        for head, blocks in sections(page.main):
            if head is not None and (not head.get('id') or page.name in LISTS): continue
            if not blocks and (head is None or page.kind == 'list'): continue
            out.append(record(page, head, blocks, source))
    return out


def names(site: dict[str, Page]) -> dict[str, str]:
    "The exported names and where each is described, for queries that are a name."
    pages = {p.module: p.name for p in site.values() if p.module}
    return {s.name: f'{pages[m]}#{s.anchor}' for m, symbols in modules().items() if m in pages for top in symbols for s in (top, *top.members)}


def known(found: list[str], names: dict[str, str]) -> list[str]:
    "The words that more than one section uses, or that stand in a heading or are a name, the commonest first: for queries with a slip of the finger."
    count, heads = Counter(), {p for n in names for p in re.split(r'[._]', n.lower())}
    for html in found:
        heads |= set(re.findall(r'[a-z]\w+', ' '.join(re.findall(r'pagefind-meta="(?:title|also)\[content\]" content="([^"]*)"', html)).lower()))
        count.update(set(re.findall(r'[a-z]\w+', re.sub(r'<[^>]*>|&#?\w+;', ' ', html.partition('<body>')[2]).lower())))
    return sorted((w for w in {*count, *heads} if w.isalpha() and 3 < len(w) < 20 and (count[w] > 1 or w in heads)), key=lambda w: (-count[w], w))


def index(site: dict[str, Page]) -> None:
    "Write the index of the site."
    found = records(site)
    with tempfile.TemporaryDirectory() as folder:
        for n, html in enumerate(found): (Path(folder)/f'{n:05}.html').write_text(html, encoding='utf-8')
        run = [str(get_executable()), '--site', folder, '--output-path', str(DOCS/'pagefind'), '--force-language', 'en', '--include-characters', '_']
        done = subprocess.run(run, capture_output=True, text=True)
    if done.returncode: raise SystemExit(f'Pagefind could not index the pages: {(done.stderr or done.stdout).strip()}')
    ours = names(site)
    (DOCS/'assets'/'names.json').write_text(json.dumps(dict(names=ours, words=' '.join(known(found, ours)))), encoding='utf-8')
    for p in (DOCS/'pagefind').iterdir():  # Pagefind's own interfaces: ours is assets/search.js
        if p.is_file() and ('ui' in p.name or 'component' in p.name or 'highlight' in p.name): p.unlink()
