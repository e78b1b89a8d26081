"Tables that keep within the page."
from lxml.html import HtmlElement


def tables(page, site) -> None:
    "A table stands in a box that scrolls; a row's first header cell says that it heads the row."
    for table in page.main.xpath('.//table[not(ancestor::*[contains(@class, "nb-explore")])]'):
        box = table.makeelement('div', {'class': 'nb-scroll'})
        put_around(box, table)
        for th in table.xpath('./tbody/tr/th[not(@scope)]'): th.set('scope', 'row')


def put_around(box: HtmlElement, e: HtmlElement) -> None:
    "Put an element into a box that takes its place."
    box.tail, e.tail = e.tail, None
    e.getparent().replace(e, box)
    box.append(e)
