"`stuck.html`: every mistake that a page mends, by what a person sees."
from .html import fragment
from .passes.stuck import GROUPS
from .project import Page
from .templates import fill


def stuck_page(site: dict[str, Page]) -> Page:
    "The page that lists the mistakes of all pages in the order of reading."
    rows = [(p.name, p.title.split(':')[0], m) for p in site.values() for m in p.stuck]
    groups = [(key, title, found) for key, title in GROUPS.items() if (found := [r for r in rows if r[2].group == key])]
    return Page('stuck.html', 'Stuck?', 'What you see, why it happens, and what to write instead.', fragment(fill('stuck.html', groups=groups)))
