"The document around a page's content."
from html import escape

from lxml.html import HtmlElement

from .html import serialize


def page(meta: dict, main: HtmlElement) -> str:
    "A whole HTML document (a stand-in until the shell is here)."
    up = '../'*meta['name'].count('/')
    links = ''.join(f'<link rel="stylesheet" href="{up}assets/{f}.css">' for f in ('site', 'search'))
    scripts = ''.join(f'<script src="{up}assets/{f}.js" defer></script>' for f in ('site', 'search', 'checks', 'scroll'))
    items = ''.join(f'<li><a class="sidebar-link" href="{up}{name}">{escape(text)}</a></li>' for _, es in meta['nav'] for text, name in es)
    return (f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<title>{escape(meta["title"])}</title>{links}{scripts}</head><body><header><search id="nb-search"></search><button id="nb-checks">checks</button></header>'
            f'<nav><ul>{items}</ul></nav>{serialize(main)}</body></html>')
