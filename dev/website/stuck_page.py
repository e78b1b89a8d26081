"`stuck.html`: every mistake that a page mends, by what a person sees."
from .html import fragment
from .passes.stuck import GROUPS
from .project import Page, reading_order
from .templates import fill

OF_PYTORCH = {'tools/errors.html'}  # tools whose mistakes are those of PyTorch, not of this package


def stuck_page(site: dict[str, Page]) -> Page:
    "The page that lists the mistakes of all pages in the order of reading."
    order = [name for _, name in reading_order() if name in site] + [name for name in site if name not in dict(map(reversed, reading_order()))]
    pages = sorted((site[name] for name in order), key=lambda p: p.kind != 'chapter')  # the chapters, then the tools, each in reading order
    rows = [(p.name, p.title.split(':')[0], m) for p in pages for m in p.stuck]
    own = {name for name, page in site.items() if page.kind == 'tool' and name not in OF_PYTORCH}
    groups = [(key, title, [r for r in rows if r[2].group == key and r[0] not in own]) for key, title in GROUPS.items()]
    groups = [g for g in [*groups, ('own', 'Errors of this package', [r for r in rows if r[0] in own])] if g[2]]
    return Page('stuck.html', 'Stuck?', 'What you see, why it happens, and what to write instead.', fragment(fill('stuck.html', groups=groups)))
