"""Render the website from the notebooks into _docs/.

    python dev/site.py            build what changed and say how to open it
    python dev/site.py --force    build everything
    python dev/site.py --serve    serve _docs/ and build again on each change

Four steps: nbdev exports the package and processes the notebooks (_proc/), we stage them for any renderer (_site_src/), Quarto or
smalldocs renders (_docs/), and what only smalldocs leaves open is finished (math).
"""
import argparse, hashlib, json, os, posixpath, re, shutil, subprocess, sys, time
from configparser import ConfigParser
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NBS, PROC, STAGE, DOCS = ROOT/'nbs', ROOT/'_proc', ROOT/'_site_src', ROOT/'_docs'
sys.path[:0] = [str(ROOT), str(ROOT/'dev')]
from notebooks import notebooks, joined

def settings():
    c = ConfigParser(delimiters=['='])
    c.read(ROOT/'settings.ini', encoding='utf-8')
    return c['DEFAULT']

def page_name(name):
    "The address of a notebook's page, without its ending: 02_losses -> losses."
    return re.sub(r'^\d+[a-z]?_', '', name)

def digest(*paths):
    "A hash of files' names and bytes."
    h = hashlib.sha256()
    for p in sorted(paths): h.update(str(p.relative_to(ROOT)).encode() + b'\0' + p.read_bytes())
    return h.hexdigest()

def inputs():
    "Everything that the site is made from."
    own = [ROOT/n for n in ('settings.ini', '_quarto.yml', 'constraints.txt')] + list((ROOT/'dev').glob('*.py')) + list((ROOT/'nnbolts').glob('*.py'))
    return own + notebooks() + [p for p in NBS.glob('*.*') if p.suffix in ('.css', '.svg', '.html')]

# --- 1. nbdev

def process(force=False):
    "Export the notebooks that changed, and let nbdev process them for the docs."
    from nbdev.export import nb_export
    from nbdev.serve import proc_nbs
    from nbdev.doclinks import _build_modidx
    os.chdir(ROOT)
    for p in notebooks():
        m = re.search(r'#\|\s*default_exp\s+(\w+)', p.read_text(encoding='utf-8'))
        out = ROOT/'nnbolts'/f'{m[1]}.py' if m else None
        if out and (force or not out.exists() or out.stat().st_mtime < p.stat().st_mtime):
            nb_export(str(p))
            out.touch()
    _build_modidx()
    # Links depend on which names exist: when those change, every page is processed again.
    names, seen = digest(ROOT/'nnbolts'/'_modidx.py', ROOT/'settings.ini'), PROC/'names'
    if not (seen.exists() and seen.read_text() == names): force = True
    wanted = {PROC/p.relative_to(NBS) for p in notebooks()}
    for p in PROC.rglob('*.ipynb'):
        if p not in wanted: p.unlink()
    proc_nbs(force=force, n_workers=2)
    if missing := [p for p in wanted if not p.exists()]: raise SystemExit(f'nbdev did not process {missing[0].relative_to(PROC)}: see above')
    seen.write_text(names)

# --- 2. stage

def themed(svg, alt):
    "An SVG to stand in the page: text and axes in the page's color, and a name for those who cannot see it."
    from nnbolts.figures import _tidy
    return _tidy(svg).replace('<svg', f'<svg role="img" aria-label="{escape(alt, quote=True)}"', 1)

def figure(svg, opts):
    "The picture of a cell with its caption."
    cap = opts.get('fig-cap')
    cap = f'<figcaption>{markdown_line(cap)}</figcaption>' if cap else ''
    return f'<figure class="nb-figure">{themed(svg, opts.get("fig-alt") or opts.get("fig-cap") or "figure")}{cap}</figure>'

def markdown_line(s):
    "A caption's few marks: code, emphasis, math."
    s = re.sub(r'\$([^$]+)\$', lambda m: mathml(m[1], False), escape(s, quote=False))
    s = re.sub(r'`([^`]+)`', r'<code>\1</code>', s)
    return re.sub(r'\*([^*]+)\*', r'<em>\1</em>', s)

def stage_outputs(cell):
    "Put the pictures of a cell into the page itself."
    from smalldocs.notebook import cell_options
    opts, _ = cell_options(joined(cell['source']))
    for o in cell.get('outputs', []):
        data = o.get('data', {})
        if 'image/svg+xml' in data: o['data'] = {'text/html': figure(joined(data['image/svg+xml']), opts)}
        elif 'text/html' in data and 'text/markdown' not in data: o['data'] = {'text/html': joined(data['text/html'])}

def relink(text, page, own):
    "Links to our own pages become relative, whoever wrote them; PyTorch's go to its stable pages."
    here = posixpath.dirname(page)
    # a method that has no entry of its own is found at its class
    text = re.sub(re.escape(own) + r'/([\w./-]+\.html)(#\w+)?(?:\.\w+)*', lambda m: posixpath.relpath(m[1], here or '.') + (m[2] or ''), text)
    text = text.replace('https://pytorch.org/docs/master/', 'https://docs.pytorch.org/docs/stable/').replace('https://pytorch.org/docs/stable/', 'https://docs.pytorch.org/docs/stable/')
    return re.sub(r'(\]\(|href=")((?:\.\./|tools/|\./)*)\d+[a-z]?_(\w+)\.(ipynb|html)', r'\1\2\3.\4', text)

def unlinked(text):
    "Markdown without the links that nbdev puts into code blocks, where they would show as text."
    return re.sub(r'```.*?```', lambda m: re.sub(r'\[(`[^`]+`)\]\([^)\s]+\)', r'\1', m[0]), text, flags=re.S)

def open_links(nb_path, cfg):
    "Where to open the notebook of a page."
    rel = nb_path.relative_to(ROOT)
    home = '../' * (len(rel.parts) - 2)
    colab = cfg['git_url'].replace('https://github.com', 'https://colab.research.google.com/github')
    return (f'```{{=html}}\n<p class="nb-open"><span>Open this notebook:</span> <a href="{home}notebooks/{rel.name}" download>download</a> '
            f'<a href="{colab}/blob/{cfg["branch"]}/{rel.as_posix()}">Colab</a> <a href="{cfg["git_url"]}/blob/{cfg["branch"]}/{rel.as_posix()}">GitHub</a></p>\n```')

def verified(nb):
    "The line that says what a page's numbers were made with."
    v = nb.get('metadata', {}).get('verified')
    return f'::: {{.nb-verified}}\nVerified with torch {v["torch"]} on {v["date"]}, {v["seconds"]} s on {v["cores"]} cores.\n:::' if v else None

def stage(cfg):
    "Write the processed notebooks as any renderer can take them, under the names of their pages."
    own = cfg['doc_host'] + cfg['doc_baseurl']
    shutil.rmtree(STAGE, ignore_errors=True)
    STAGE.mkdir()
    for src in notebooks():
        rel = src.relative_to(NBS)
        page = (rel.parent/page_name(rel.stem)).as_posix() + '.html'
        nb = json.loads((PROC/rel).read_text(encoding='utf-8'))
        for c in nb['cells']:
            if c['cell_type'] == 'code': stage_outputs(c)
            elif c['cell_type'] == 'raw': c['source'] = re.sub(r'^output-file:.*\n', '', joined(c['source']), flags=re.M)
        raw = json.loads(src.read_text(encoding='utf-8'))
        md = lambda s: dict(cell_type='markdown', metadata={}, source=s)
        if src.name != 'index.ipynb':
            first = next(i for i, c in enumerate(nb['cells']) if c['cell_type'] == 'markdown' or c['cell_type'] == 'code')
            nb['cells'].insert(first, md(open_links(src, cfg)))
        if v := verified(raw): nb['cells'].append(md(v))
        for c in nb['cells']:
            c['source'] = relink(joined(c['source']), page, own) if c['cell_type'] == 'markdown' else joined(c['source'])
            for o in c.get('outputs', []):
                for k in ('text/html', 'text/markdown'):
                    if k not in o.get('data', {}): continue
                    text = joined(o['data'][k])
                    text = unlinked(text) if k == 'text/markdown' else re.sub(r'(href="[^":#]*)\.ipynb"', r'\1.html"', text)
                    o['data'][k] = relink(text, page, own)
        out = (STAGE/page).with_suffix('.ipynb')
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(nb, ensure_ascii=False), encoding='utf-8')
    for p in NBS.glob('*.*'):
        if p.suffix in ('.css', '.svg', '.html'): shutil.copy2(p, STAGE/p.name)
    (STAGE/'_quarto.yml').write_text(re.sub(r'\b\d+[a-z]?_(\w+\.ipynb)', r'\1', (ROOT/'_quarto.yml').read_text(encoding='utf-8'))
, encoding='utf-8')

# --- 3. render

def render():
    "Quarto where it is installed, else smalldocs: the one place that chooses."
    if shutil.which('quarto'): subprocess.run(['quarto', 'render', str(STAGE), '--no-execute'], check=True)
    else:
        from smalldocs.site import build
        site = build(STAGE, quiet=True)
        quartos = 'html-math-method', 'format.html.grid'  # options of Quarto's that smalldocs has no use for
        for w in [*site.warnings, *(f'{page}: {href} leads nowhere' for page, href in site.broken)]:
            if not any(q in w for q in quartos): print('  ' + w)
        finish()
    shutil.rmtree(DOCS, ignore_errors=True)
    shutil.move(STAGE/'_docs', DOCS)
    for css in DOCS.rglob('*.css'):  # the themes ask another host for fonts; the system's do
        css.write_text(re.sub(r'@import\s*(?:url\(["\']?https?:[^)]*\)|"https?:[^"]*"|\'https?:[^\']*\')[^;]*;', '', css.read_text(encoding='utf-8')), encoding='utf-8')
    (DOCS/'notebooks').mkdir()
    for p in notebooks(): shutil.copy2(p, DOCS/'notebooks')

# --- 4. what smalldocs leaves open

def mathml(tex, display):
    "TeX as MathML."
    from html import unescape
    from latex2mathml.converter import convert
    return convert(unescape(tex).strip(), display='block' if display else 'inline')

def finish():
    "Math as MathML, and no link to another host for showing it."
    for p in (STAGE/'_docs').rglob('*.html'):
        s = p.read_text(encoding='utf-8')
        s = re.sub(r'<span class="math inline">\\\((.*?)\\\)</span>', lambda m: mathml(m[1], False), s, flags=re.S)
        s = re.sub(r'<span class="math display">\\\[(.*?)\\\]</span>', lambda m: mathml(m[1], True), s, flags=re.S)
        s = re.sub(r'<(?:link|script)[^>]*katex[^>]*>(?:</script>)?\s*', '', s)
        p.write_text(s, encoding='utf-8')

# --- commands

def build_site(force=False):
    "Build the site if anything that it is made from has changed; return whether it did."
    start, stamp = time.time(), DOCS/'.stamp'
    if not force and stamp.exists() and stamp.read_text() == digest(*inputs()): return False
    print('Processing the notebooks with nbdev ...', flush=True)
    process(force)
    print(f'Rendering with {"Quarto" if shutil.which("quarto") else "smalldocs"} ...', flush=True)
    stage(settings())
    render()
    stamp.write_text(digest(*inputs()))
    print(f'{len(notebooks())} pages in {time.time() - start:.0f} s')
    return True

def serve(port=8000):
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
            try: build_site()
            except (SystemExit, Exception) as e: print(f'not built: {e}')
            seen = digest(*inputs())
    except KeyboardInterrupt: server.shutdown()

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--force', action='store_true', help='build everything')
    p.add_argument('--serve', action='store_true', help='serve and build on change')
    args = p.parse_args()
    if not build_site(args.force): print('The site is as the notebooks are: nothing to build.')
    if args.serve: serve()
    else: print(f'Open it: {os.path.relpath(sys.executable)} -m http.server -d {os.path.relpath(DOCS)} 8000, then http://127.0.0.1:8000\n'
                'Next: `make preview` builds again on each change, `make test` checks everything.')

if __name__ == '__main__': main()
