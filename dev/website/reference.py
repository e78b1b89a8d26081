"The reference of each module at the end of its page, and `reference.html` with every name."
from dataclasses import asdict
from functools import cache

from markupsafe import Markup
from smalldocs.highlight import highlight
from smalldocs.markdown import render as markdown

from .html import fragment, serialize
from .project import Page, reading_order, settings
from .symbols import Symbol, modules
from .templates import fill


def shown(s: Symbol, taken: set[str]) -> dict:
    "A symbol with what the template writes as HTML."
    cfg, out = settings(), asdict(s)
    low = s.anchor.lower()
    alias = low if low != s.anchor and low not in taken else None
    taken.add(low)
    return out | dict(
        anchor=s.anchor, bare=s.bare, alias=alias, url=f'{cfg["git_url"]}/blob/{cfg["branch"]}/nnbolts/{s.module}.py#L{s.line}',
        signature_html=code(s.signature), source_html=code(s.source), says_html=line(s.says), returns_html=line(s.returns[1]),
        params=[asdict(p) | dict(says_html=line(p.says)) for p in s.params], members=[shown(m, taken) for m in s.members])


@cache
def code(text: str) -> Markup:
    "Python as HTML with its words colored."
    tree = fragment(f'<code>{highlight(text, "python")}</code>')
    for e in tree.xpath('.//span[@class="op"]'): e.drop_tag()
    return Markup(serialize(tree).removeprefix('<code>').removesuffix('</code>'))


@cache
def line(text: str) -> Markup:
    "A docstring's Markdown, its names linked to where they are documented, without a paragraph around it."
    from nbdev.doclinks import NbdevLookup
    if not text: return Markup('')
    html = markdown(NbdevLookup().linkify(straight(text)), {}).strip()
    return Markup(html.removeprefix('<p>').removesuffix('</p>') if html.count('<p>') == 1 else html)


def straight(text: str) -> str:
    "Markdown whose quotes stay as they are: 'mean' is an argument, no quotation."
    return '`'.join(part if n % 2 else part.replace("'", "\\'").replace('"', '\\"') for n, part in enumerate(text.split('`')))


def add_reference(page: Page, site: dict[str, Page]) -> None:
    "Write the section Reference of a page: after its checks and questions, before what names the next page."
    symbols = modules().get(page.module or '', [])
    if not symbols: return
    names = {n for s in symbols for n in (s.anchor, s.anchor.lower(), *(x for m in s.members for x in (m.anchor, m.anchor.lower())))}
    for e in page.main.xpath('.//*[@id]'):  # a heading of the story gives way, so that links to a name lead to its entry
        if e.get('id') in names and e.tag in ('h2', 'h3', 'h4'): e.set('id', e.get('id') + '-section')
    taken = set(page.main.xpath('.//@id')) | {n for s in symbols for n in (s.anchor, *(m.anchor for m in s.members))}
    page.main.append(fragment(fill('reference.html', module=page.module, symbols=[shown(s, taken) for s in symbols])))


def reference_page(site: dict[str, Page]) -> Page:
    "Every exported name by module, in the order of the pages."
    rows = [(p.name, p.module, [shown(s, set()) for s in modules()[p.module]]) for p in (site[name] for _, name in reading_order()) if p.module in modules()]
    return Page('reference.html', 'Reference', 'Every exported name, by module.', fragment(fill('reference_page.html', modules=rows)))
