"""The words of the glossary: marked where a page uses them, with their meanings in assets/terms.js for assets/site.js to show.

A term stands in nbs/glossary.ipynb as a heading, its meaning in one paragraph, and a line whose last link leads to where it is explained.
The comment `<!-- term; also: forms; mark: early; on: pages -->` under the heading says by which other words it is found, and where it is
not marked: `mark: never` nowhere, `mark: early` (words that one knows after three chapters) on the first pages only, `on:` on these alone.
"""
import copy
import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml.html import HtmlElement

from .html import HEADINGS, has_class, sections, serialize, text_of
from .project import Page

GLOSSARY = 'glossary.html'
EARLY = ('index.html', 'basics.html', 'losses.html', 'training.html')  # where everyday words are new
BLOCKS = ('p', 'li')  # prose
PLAIN = ('strong', 'em', 'b', 'i', 'span')  # what may stand in it
BOXES = ('main', 'section', 'div', 'ul', 'ol', 'blockquote')
NOT_IN = {'cell', 'nb-reference', 'nb-hero', 'nb-explore', 'nb-stuck'}
TOGETHER, NEAR, FAR = 2, 3, 1500  # marks in a paragraph, between two headings, and how many words until a term is marked again


@dataclass
class Term:
    "A word of the glossary."
    name: str          # its heading
    anchor: str
    forms: list[str]   # what it is found by, the singular
    where: str         # 'early', 'never' or '', anywhere
    pages: list[str]   # the only pages on which it is marked, or none
    meaning: str       # as HTML without links
    home: str          # the address that explains it
    home_said: str     # the words of that link

    def fits(self, page: Page) -> bool:
        "May it be marked on a page?"
        if self.where == 'never' or self.pages and page.name.removesuffix('.html') not in self.pages: return False
        return self.where != 'early' or page.name in EARLY


def read_terms(site: dict[str, Page]) -> list[Term]:
    "The terms of the glossary, in its order. Their comments are taken from the page; the further forms go onto the headings, for the search."
    out = []
    if GLOSSARY not in site: return out
    for head, blocks in list(sections(site[GLOSSARY].main)):
        if head is None or head.tag != 'h3': continue
        own = {}
        for e in [m for b in blocks for m in b.xpath(f'descendant-or-self::*[{has_class("nb-term-of")}]')]:
            own = {k.removeprefix('data-'): v for k, v in e.attrib.items()}
            e.drop_tree()
        said = [b for b in blocks if b.tag == 'p' and text_of(b)]
        links = said[-1].xpath('.//a[@href]') if len(said) == 2 else []
        name = text_of(head)
        if not links: raise SystemExit(f'{GLOSSARY}: "{name}" needs a paragraph with its meaning, and one that ends with a link to where it is explained')
        words = lambda key: [w.strip() for w in own.get(key, '').split(',') if w.strip()]
        forms = ([name] if not re.search('[(,]', name) else []) + words('also')
        if own.get('also'): head.set('data-also', own['also'])
        out.append(Term(name, head.get('id'), forms, own.get('mark', ''), words('on'), meaning(said[0]), links[-1].get('href'), text_of(links[-1])))
    return out


def meaning(p: HtmlElement) -> str:
    "A paragraph's HTML without links."
    p = copy.deepcopy(p)
    p.tail = None
    for a in p.xpath('.//a'): a.drop_tag()
    return serialize(p).removeprefix('<p>').removesuffix('</p>').strip()


def script(terms: list[Term]) -> str:
    "All meanings, as a script that a page reads when it first shows one: that works from a disk too, where a page may not fetch a file."
    return 'window.nbTerms=' + json.dumps({t.anchor: [t.name, t.meaning, t.home, t.home_said] for t in terms}, ensure_ascii=False, separators=(',', ':')) + ';\n'


def pattern(form: str) -> str:
    "A form as a regular expression: with a capital at the start of a sentence, with hyphen or space, in the plural."
    words = re.split('[ -]', form)
    last = words[-1]
    end = re.escape(last)
    if re.search('[^aeiou]y$', last): end = re.escape(last[:-1]) + '(?:y|ies)'
    elif re.search('(?:s|x|ch|sh)$', last): end += '(?:es)?'
    elif last[-1:].isalpha(): end += 's?'
    text = r'[\s-]'.join([*map(re.escape, words[:-1]), end])
    first = form[0]
    if first.isalpha() and form[1:] == form[1:].lower(): text = f'[{first.upper()}{first.lower()}]' + text[1:]
    return text


class Finder:
    "Finds the words of some terms in a text; of two at one place the longer."

    def __init__(self, terms: list[Term]):
        forms = sorted(((f, n) for n, t in enumerate(terms) for f in t.forms), key=lambda f: -len(f[0]))
        self.terms, self.owner = terms, [n for _, n in forms]
        self.re = re.compile(r'(?<![\w.-])(?:' + '|'.join(f'({pattern(f)})' for f, _ in forms) + r')(?![\w(]|[-.]\w)') if forms else None

    def find(self, text: str) -> Iterator[tuple[int, int, Term]]:
        "Where each term stands: start, end, term."
        for m in self.re.finditer(text) if self.re else (): yield m.start(), m.end(), self.terms[self.owner[m.lastindex - 1]]


def prose(e: HtmlElement, block: HtmlElement | None = None) -> Iterator[tuple[str, HtmlElement, HtmlElement | None, str]]:
    "What a page says, in reading order: its headings, and each text of its paragraphs as (kind, element, paragraph, 'text' or 'tail')."
    if e.tag in HEADINGS: yield 'head', e, None, ''
    if e.tag in BLOCKS: block = e
    elif block is None and e.tag not in BOXES or block is not None and e.tag not in (*PLAIN, *BOXES) or NOT_IN & set((e.get('class') or '').split()): return
    if block is not None: yield ('bold' if e.tag in PLAIN else 'text'), e, block, 'text'
    for child in list(e):
        if isinstance(child.tag, str): yield from prose(child, block)
        if block is not None: yield ('bold' if e.tag in PLAIN else 'text'), child, block, 'tail'


def choose(page: Page, terms: list[Term]) -> list[tuple[HtmlElement, str, int, int, Term]]:
    """Which words of a page are marked: a term where the page first uses it, and again far from there, few together.

    Not where it is explained: from the section that its entry leads to on, and where the page itself sets the word off (*word*).
    """
    finder = Finder([t for t in terms if t.fits(page)])
    last, out, here = {}, [], []
    known = {t.anchor for t in finder.terms if t.home == page.name}
    words = near = 0
    paragraph = None

    def settle() -> None:
        "Of the candidates of a paragraph, the first ones; everyday words give way."
        nonlocal near, here
        some = sorted(here, key=lambda c: c[4].where == 'early')[:min(TOGETHER, NEAR - near)]
        near += len(some)
        for c in some: last[c[4].anchor] = words
        out.extend(c for c in here if c in some)
        here = []

    for kind, e, block, part in prose(page.main):
        if block is not paragraph:
            settle()
            paragraph = block
        if kind == 'head':
            near = 0
            known |= {t.anchor for t in finder.terms if t.home == f'{page.name}#{e.get("id")}'}
            continue
        text = getattr(e, part) or ''
        for start, end, term in finder.find(text):
            key = term.anchor
            if kind == 'bold': known.add(key)
            again = key in last and (term.where == 'early' or term.home.split('#')[0] == page.name or words - last[key] < FAR)
            if key in known or again or any(c[4] is term for c in here): continue
            here.append((e, part, start, end, term))
        words += len(text.split())
    settle()
    return out


def mark(site: dict[str, Page], terms: list[Term]) -> None:
    "Make links of the words of the glossary that the pages use."
    for page in site.values():
        if not page.notebook or page.name == GLOSSARY: continue
        glossary = posixpath.relpath(GLOSSARY, posixpath.dirname(page.name) or '.')
        for e, part, start, end, term in reversed(choose(page, terms)):
            a = e.makeelement('a', {'class': 'nb-term', 'href': f'{glossary}#{term.anchor}'})
            text = getattr(e, part)
            a.text, a.tail = text[start:end], text[end:]
            setattr(e, part, text[:start])
            if part == 'text': e.insert(0, a)
            else: e.getparent().insert(e.getparent().index(e) + 1, a)
