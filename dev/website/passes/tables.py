"Tables that keep within the page."
from ..html import put_around


def tables(page, site) -> None:
    "A table stands in a box that scrolls; a header cell says what it heads."
    for table in page.main.xpath('.//table[not(ancestor::*[contains(@class, "nb-explore")])]'):
        box = table.makeelement('div', {'class': 'nb-scroll'})
        put_around(box, table)
        for th in table.xpath('./tbody/tr/th[not(@scope)]'): th.set('scope', 'row')
        for th in table.xpath('./thead/tr/th[not(normalize-space()) and not(*)]'):
            th.tag = 'td'  # the corner above the names of the rows heads nothing
            th.attrib.pop('scope', None)
