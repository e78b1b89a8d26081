"Tables that keep within the page."
from ..html import put_around


def tables(page, site) -> None:
    "A table stands in a box that scrolls; a row's first header cell says that it heads the row."
    for table in page.main.xpath('.//table[not(ancestor::*[contains(@class, "nb-explore")])]'):
        box = table.makeelement('div', {'class': 'nb-scroll'})
        put_around(box, table)
        for th in table.xpath('./tbody/tr/th[not(@scope)]'): th.set('scope', 'row')
