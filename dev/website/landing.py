"The landing page: first the search, the start and an explorer that works, then what this is, the map of the chapters, and the rest."
import copy

import yaml

from .html import HEADINGS, fragment, has_class
from .project import CITATION, Page, reading_order
from .templates import fill

EXPLORER = 'losses.html'  # whose first explorer stands on the landing page


def landing(page: Page, site: dict[str, Page]) -> None:
    "Put the first screen before the text of the landing page, and its map of the chapters before how to build it."
    chapters = [(text, name) for text, name in reading_order() if site[name].kind == 'chapter']
    hero = fragment(fill('landing.html', chapters=chapters))
    boxes = site[EXPLORER].main.xpath(f'.//*[{has_class("nb-explore")}]')
    if boxes: hero.xpath(f'.//*[{has_class("nb-hero-explorer")}]')[0].append(copy.deepcopy(boxes[0]))
    page.main.insert(0, hero)
    hero.tail, page.main.text = page.main.text, None
    head = next((h for h in page.main.iter(*HEADINGS) if h.get('id') == 'the-chapters'), None)
    if head is not None and head.getparent().tag == 'section': next(page.main.iterchildren('section')).addprevious(head.getparent())
    cite = yaml.safe_load(CITATION.read_text(encoding='utf-8'))
    page.main.append(fragment(fill('cite.html', author='{' + cite['authors'][0]['name'] + '}', title=cite['title'], year=cite['date-released'].year,
                                   version=cite['version'], url=cite['url'])))
