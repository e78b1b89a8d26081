"Links: those to our own pages are relative, whoever wrote them, and lead to a heading that is there."
import posixpath
import re
from functools import cache
from textwrap import shorten
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from ..html import text_of
from ..project import LISTS, own_address, page_stem
from ..symbols import modules

PYTORCH = 'https://docs.pytorch.org/docs/stable/'
OLD = ('https://pytorch.org/docs/master/', 'https://pytorch.org/docs/stable/', 'https://docs.pytorch.org/docs/master/')
XLINK = '{http://www.w3.org/1999/xlink}href'


def relink(page, site) -> None:
    "Put every link of a page right."
    for a in page.main.xpath('.//a'):
        for key in ('href', 'xlink:href', XLINK):
            if key not in a.attrib: continue
            link = better(a, a.get(key), page, site)
            if link is None: a.drop_tag()
            else: a.set(key, link)


def name_places(page, site) -> None:
    "In a list of places each link says where it leads: the page, and its heading in the words that stand there."
    if page.name not in LISTS: return
    for a in page.main.xpath('.//table//a[contains(@href, "#")]'):
        for e in list(a): e.drop_tag()
        a.text = heading_of(a.get('href'), site)


def heading_of(place: str, site) -> str:
    "What a link to a section says: its page and its heading, cut where it is long."
    name, _, anchor = place.partition('#')
    page = site.get(name)
    if not page: return name.removesuffix('.html').capitalize()
    heads = page.main.xpath('.//*[@id=$id]/descendant-or-self::*[self::h2 or self::h3 or self::h4]', id=anchor) if anchor else []
    title = page.title.split(':')[0]
    return f'{title}: {shorten(text_of(heads[0]), 64, placeholder=" ...")}' if heads else title


def better(a: HtmlElement, href: str, page, site) -> str | None:
    "Where a link should lead; None: nowhere, as the name has no entry of its own (nbdev links private ones too)."
    for old in OLD:
        if href.startswith(old): return PYTORCH + href.removeprefix(old)
    own = own_address() + '/'
    if href.startswith(own): path, here = href.removeprefix(own), ''
    elif urlsplit(href).scheme or href.startswith('//'): return href
    else: path, here = href, posixpath.dirname(page.name)
    path, _, anchor = path.partition('#')
    if path and not re.search(r'\.(ipynb|html)$', path): return href
    target = posixpath.normpath(posixpath.join(here, path)) if path else page.name
    folder, file = posixpath.split(target)
    target = posixpath.join(folder, page_stem(file.removesuffix('.ipynb').removesuffix('.html')) + '.html')
    if target not in site: return href
    if page.notebook and target != page.name and by_name(a) and means_more(text_of(a)): return None
    anchor = known(anchor, text_of(a), site[target].ids) if anchor else ''
    if anchor.startswith('_') and anchor not in site[target].ids: return None
    link = '' if target == page.name and anchor else posixpath.relpath(target, posixpath.dirname(page.name) or '.')
    return link + ('#' + anchor if anchor else '')


def by_name(a: HtmlElement) -> bool:
    "Is a link nothing but a name in back quotes, which nbdev linked?"
    return len(a) == 1 and a[0].tag == 'code' and not (a.text or '').strip() and not (a[0].tail or '').strip()


@cache
def means_more(name: str) -> bool:
    "On a page other than its own: may a name mean something else, as it is private, a method, or PyTorch's as well?"
    import torch
    places = (torch, torch.Tensor, torch.nn, torch.nn.functional, torch.nn.utils, torch.nn.init, torch.optim)
    name = name.removesuffix('()')
    ours = any(name == m.name.rpartition('.')[2] for symbols in modules().values() for s in symbols for m in s.members)
    return name.startswith('_') or ours or any(hasattr(p, name) for p in places)


def loose(anchor: str) -> str:
    "An anchor without what the renderers write in different ways: capitals, underlines."
    return anchor.lower().replace('_', '-')


def known(anchor: str, text: str, ids: set[str]) -> str:
    "An anchor that is there: that of the name which the link says, else the given one, else that of what holds it."
    if (name := text.strip('()').split('nnbolts.')[-1]) in ids and name.lower() == anchor.lower(): return name
    lower = {loose(i): i for i in sorted(ids)}
    whole = anchor
    while anchor:
        if anchor in ids: return anchor
        if loose(anchor) in lower: return lower[loose(anchor)]
        anchor = anchor.rpartition('.')[0]
    return whole
