"The two renderers' ways of writing math, code and anchors, as one."
import re

from lxml.html import HtmlElement

from ..html import HEADINGS, fragment, has_class, put_around, replace
from ..mathml import mathml


def plain_math(page, site) -> None:
    "Math that the renderer left to a script becomes MathML."
    for span in page.main.xpath(f'.//span[{has_class("math")}]'):
        tex = span.text_content().strip()
        if tex[:2] in (r'\(', r'\['): replace(span, fragment(mathml(tex[2:-2], tex[:2] == r'\[')))


def unwrap(e: HtmlElement) -> None:
    """Take the tags of lines and of operators, which stand in the color of the text, out of code, and the anchors of lines: lighter pages.
    All in one pass: `drop_tag` looks for its place among its siblings, and a long block has thousands."""
    kept = []

    def add(text: str | None) -> None:
        if kept: kept[-1].tail = (kept[-1].tail or '') + (text or '')
        else: e.text = (e.text or '') + (text or '')

    def take(around: HtmlElement) -> None:
        for child in list(around):
            tail, child.tail = child.tail, None
            if child.tag == 'span' and (child.get('id') is not None or child.get('class') in (None, 'op')):
                add(child.text)
                take(child)
            elif child.tag != 'a' or not child.get('href', '').startswith('#cb'):
                unwrap(child)
                kept.append(child)
            add(tail)

    take(e)
    e[:] = kept


def plain_code(page, site) -> None:
    "Code blocks without the renderer's boxes, line anchors and numbers: `<div><pre><code class=\"python\">`, the first two of class sourceCode."
    main = page.main
    for pre in main.iter('pre'): unwrap(pre)
    for e in main.xpath(f'.//div[{has_class("code-copy-outer-scaffold")} or {has_class("sourceCode")}]'): e.drop_tag()
    for pre in main.xpath(f'.//pre[{has_class("sourceCode")}]'):
        lang = next((c for c in pre.get('class').split() if c in ('python', 'sh', 'bash', 'html', 'toml', 'json')), 'text')
        pre.attrib.clear()
        pre.set('class', 'sourceCode')
        for code in pre.xpath('./code'):
            code.attrib.clear()
            code.set('class', lang)
        put_around(pre.makeelement('div', {'class': 'sourceCode'}), pre)
    for details in main.xpath(f'.//details[{has_class("code-fold")}]'):
        if details.get('open') is not None: details.set('open', 'open')


def light_figures(page, site) -> None:
    "Places in a figure to a hundredth of a point, which nobody sees, no turn by nothing, no empty lines."
    for e in page.main.xpath('.//svg//*[@x or @y or @transform]'):
        for key in ('x', 'y', 'transform'):
            if key not in e.attrib: continue
            value = re.sub(r'(\.\d\d)\d+', r'\1', re.sub(r'rotate\(-?0(?:\.0*)?(?: [^)]*)?\)', '', e.get(key))).strip()
            if key == 'transform' and 'scale' in e.get(key): continue
            if value: e.set(key, value)
            else: del e.attrib[key]
    for e in page.main.xpath('.//svg/descendant-or-self::*[not(self::text or self::tspan or ancestor::text)]'):
        if not (e.text or '').strip(): e.text = None
        if e.tag != 'svg' and not (e.tail or '').strip(): e.tail = None


def anchors(page, site) -> None:
    "The anchor of a section stands on its heading; cells have none."
    for section in page.main.xpath('.//section[@id]'):
        head = next((e for e in section if e.tag in HEADINGS), None)
        if head is not None:
            if not head.get('id'): head.set('id', section.get('id'))
            del section.attrib['id']
    for head in page.main.iter(*HEADINGS):
        for name in ('class', 'data-anchor-id'): head.attrib.pop(name, None)
        for a in head.xpath('./a[not(normalize-space())]'): a.drop_tree()
    for cell in page.main.xpath(f'.//div[{has_class("cell")}]'): cell.attrib.pop('id', None)
