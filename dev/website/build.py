"All steps, and building again on each change."
import shutil
import time

from . import look
from .benchmarks_page import benchmarks_page
from .cards import cards
from .discovery import discovery, lost_page
from .landing import landing
from .passes import LAST, PASSES
from .process import process
from .project import (
    DOCS,
    HERE,
    NBS,
    Page,
    config,
    digest,
    inputs,
    nav,
    notebooks,
    own_address,
    reading_order,
    renderer,
    settings,
    state,
)
from .reference import add_reference, reference_page
from .render import render
from .search import index
from .stage import stage
from .stuck_page import stuck_page
from .terms import mark, read_terms, script


def finish(pages: list[Page]) -> dict[str, Page]:
    "The content of every page, by its address: the notebooks' and those that the build makes from them."
    site = {p.name: p for p in pages}
    for p in pages:
        for change in (*PASSES, add_reference): change(p, site)
    for made in (stuck_page(site), reference_page(site), benchmarks_page(site), lost_page(site)): site[made.name] = made
    landing(site['index.html'], site)
    for p in site.values():
        for change in LAST: change(p, site)
    return site


def meta(page: Page) -> dict:
    "What the document around a page's content needs to know."
    cfg, order = settings(), reading_order()
    at = next((i for i, (_, name) in enumerate(order) if name == page.name), None)
    rel = page.notebook.relative_to(NBS.parent).as_posix() if page.notebook else None
    blob = f'{cfg["git_url"]}/blob/{cfg["branch"]}/{rel}'
    return dict(
        name=page.name, title=page.title, question=page.question, kind=page.kind, nav=nav(), site_title=config()['website']['title'],
        previous=order[at - 1] if at else None, next=order[at + 1] if at is not None and at + 1 < len(order) else None,
        notebook=dict(download=f'notebooks/{page.notebook.name}', github=blob,
                      colab=blob.replace('https://github.com', 'https://colab.research.google.com/github')) if rel and page.kind != 'start' else None,
        edit=f'{cfg["git_url"]}/edit/{cfg["branch"]}/{rel}' if rel else None,
        issue=f'{cfg["git_url"]}/issues/new?title={page.title.replace(" ", "+")}:+' if rel else f'{cfg["git_url"]}/issues/new',
        canonical=f'{own_address()}/{"" if page.name == "index.html" else page.name}', card=page.card, verified=page.verified,
        own=own_address(), version=cfg['version'], markdown=page.name.removesuffix('.html') + '.md' if rel else None)


def write(site: dict[str, Page]) -> None:
    "The files of the site, all of them new."
    shutil.rmtree(DOCS, ignore_errors=True)
    DOCS.mkdir()
    shutil.copytree(HERE/'assets', DOCS/'assets')
    for p in NBS.glob('*.svg'): shutil.copy2(p, DOCS)
    (DOCS/'notebooks').mkdir()
    for p in notebooks(): shutil.copy2(p, DOCS/'notebooks')
    cards(site)
    discovery(site)
    terms = read_terms(site)
    index(site)  # before the words of the glossary are marked, and the shell puts its own marks beside headings
    mark(site, terms)
    (DOCS/'assets'/'terms.js').write_text(script(terms), encoding='utf-8')
    for page in site.values():
        out = DOCS/page.name
        out.parent.mkdir(exist_ok=True)
        out.write_text(look.page(meta(page), page.main), encoding='utf-8')


def build_site(force: bool = False) -> bool:
    "Build the site if anything that it is made from has changed, or another renderer is there; return whether it did."
    start, stamp = time.time(), DOCS/'.stamp'
    if not force and stamp.exists() and stamp.read_text() == state(): return False
    print('Processing the notebooks with nbdev ...', flush=True)
    process(force)
    print(f'Rendering with {renderer()} ...', flush=True)
    stage()
    site = finish(render())
    write(site)
    stamp.write_text(state())
    print(f'{len(site)} pages in {time.time() - start:.0f} s')
    return True


def serve(port: int = 8000) -> None:
    "Serve _docs/ on localhost and build again when a source changes."
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args): pass

    server = ThreadingHTTPServer(('127.0.0.1', port), partial(Quiet, directory=str(DOCS)))
    Thread(target=server.serve_forever, daemon=True).start()
    print(f'Open http://127.0.0.1:{port} and reload it after a change. Stop with Ctrl-C.')
    seen = digest(*inputs())
    try:
        while True:
            time.sleep(1)
            if (now := digest(*inputs())) == seen: continue
            seen = now
            try: build_site()
            except (SystemExit, Exception) as e: print(f'not built: {e}')
    except KeyboardInterrupt: server.shutdown()
