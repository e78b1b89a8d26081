"Small helpers for trees of HTML."
import copy
import re
from collections.abc import Iterator

import lxml.html
from lxml.html import HtmlElement

HEADINGS = ('h1', 'h2', 'h3', 'h4', 'h5', 'h6')
NESTS = ('div', 'section', 'article', 'details')  # what may hold headings


def has_class(name: str) -> str:
    "The XPath condition for a class."
    return f'contains(concat(" ", normalize-space(@class), " "), " {name} ")'


def fragment(html: str) -> HtmlElement:
    "One element from its HTML."
    return lxml.html.fragment_fromstring(html, parser=lxml.html.HTMLParser(encoding='utf-8', huge_tree=True))


def text_of(e: HtmlElement, *without: str) -> str:
    "The text of an element in one line, without that of some tags."
    if not without: return ' '.join(e.text_content().split())
    hidden = ' and '.join(f'not(ancestor::{t})' for t in without)
    return ' '.join(' '.join(e.xpath(f'.//text()[{hidden}]')).split())


RAISED = str.maketrans('0123456789+-−=()abcdefghijklmnoprstuvwxyz', '⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ')
LOWERED = str.maketrans('0123456789+-−=()aehijklmnoprstuvx', '₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ')


def set_off(text: str, high: bool) -> str:
    "A power or an index in plain text: in small letters where there are such, else behind its sign."
    text, table = ''.join(text.split()), RAISED if high else LOWERED
    if text and all(ord(c) in table for c in text): return text.translate(table)
    return ('^' if high else '_') + (text if len(text) < 2 else f'({text})')


def plain_words(e: HtmlElement) -> str:
    "The text of an element in one line in which powers, indices and fractions of its math can be told from what they stand at."
    e = copy.deepcopy(e)
    for a in e.xpath('.//math//annotation'): a.drop_tree()
    for part in reversed(e.xpath('.//msup|.//msub|.//mfrac|.//sup|.//sub')):  # the inner ones first
        kids = list(part)
        if part.tag in ('sup', 'sub'): said = set_off(part.text_content(), part.tag == 'sup')
        elif len(kids) != 2: continue
        elif part.tag == 'mfrac': said = '/'.join(t if len(t) < 2 else f'({t})' for t in (text_of(k) for k in kids))
        else: said = text_of(kids[0]) + set_off(kids[1].text_content(), part.tag == 'msup')
        for k in kids: part.remove(k)
        part.text = said
    return re.sub(r'[\u2061-\u2064]', '', text_of(e))


def serialize(e: HtmlElement) -> str:
    "An element as HTML."
    return lxml.html.tostring(e, encoding='unicode')


def replace(old: HtmlElement, new: HtmlElement) -> None:
    "Put an element in another's place; the text that follows stays."
    new.tail = old.tail
    old.getparent().replace(old, new)


def flow(e: HtmlElement) -> Iterator[HtmlElement]:
    "The blocks of a page in reading order: what only holds other blocks with headings is entered, not given."
    for child in e:
        if not isinstance(child.tag, str): continue
        if child.tag in NESTS and (child.tag == 'section' or child.xpath('.//h1|.//h2|.//h3|.//h4')): yield from flow(child)
        else: yield child


def sections(main: HtmlElement) -> Iterator[tuple[HtmlElement | None, list[HtmlElement]]]:
    "Each heading of a page with the blocks up to the next one; first, with None, what stands before any."
    head, blocks = None, []
    for block in flow(main):
        if block.tag in HEADINGS:
            yield head, blocks
            head, blocks = block, []
        else: blocks.append(block)
    yield head, blocks


def put_around(box: HtmlElement, e: HtmlElement) -> None:
    "Put an element into a box that takes its place."
    box.tail, e.tail = e.tail, None
    e.getparent().replace(e, box)
    box.append(e)
