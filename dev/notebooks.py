"""Run the notebooks once: as tests (nbdev's own `test_nb`), as a check of the committed outputs, or to renew them.

    python dev/notebooks.py outputs [nbs/02_losses.ipynb ...]   execute, write outputs in place
    python dev/notebooks.py check   [nbs/02_losses.ipynb ...]   execute, compare with the committed outputs
    python dev/notebooks.py visible [nbs/02_losses.ipynb ...]   execute only the cells that the page shows
    python dev/notebooks.py twice   [nbs/02_losses.ipynb ...]   execute, each cell a second time as well
    python dev/notebooks.py readme                              write README.md from nbs/index.ipynb
    python dev/notebooks.py text     nbs/02_losses.ipynb        a notebook as text, for git diff
    python dev/notebooks.py colab   [nbs/02_losses.ipynb ...]   write the cell that installs the package in Colab
"""
import os, re, ast, sys, json, math, random, select, signal, hashlib, argparse
from concurrent.futures import ProcessPoolExecutor, as_completed
from configparser import ConfigParser
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT/'nbs'
# One thread and fixed hashing: outputs do not depend on how many cores the machine has.
FIXED = dict(OMP_NUM_THREADS='1', MKL_NUM_THREADS='1', PYTHONHASHSEED='0', MPLBACKEND='agg')
RTOL, ATOL = 2e-3, 2e-5

def notebooks():
    "Every notebook of the project, in reading order: the landing page, the tools, then the chapters."
    files = [p for p in NBS.rglob('*.ipynb') if '.ipynb_checkpoints' not in p.parts]
    return sorted(files, key=lambda p: (p.name != 'index.ipynb', p.parent == NBS, p.name))

def cores():
    "How many cores this process may use."
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()

AGAIN = 0.1  # seconds of work (40 times as many of waiting) after which the second run of a cell counts as one that works

def again(shell, source):
    "Run a cell that just ran once more, in a copy of the process, so that here nothing changes; return its error, or None."
    if only_defines(source): return
    (receive, send), drawn = os.pipe(), random.getstate()
    if not (child := os.fork()):
        try:
            os.close(receive)
            random.setstate(drawn)  # Python seeds a copy anew
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in range(3): os.dup2(nothing, stream)
            shell.showtraceback = lambda *args, **kw: None  # nobody reads it, and it can take longer than the cell
            signal.setitimer(signal.ITIMER_PROF, AGAIN)  # ends the copy
            shell.run(source)
            if shell.exc is not None: os.write(send, f'{type(shell.exc).__name__}: {shell.exc}'.encode()[:4000])
        finally: os._exit(0)
    os.close(send)
    said = os.read(receive, 4000) if select.select([receive], [], [], 40*AGAIN)[0] else b''
    os.close(receive)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return said.decode(errors='replace') or None

def only_defines(source):
    "Does a cell do no more than import and define? Then it can be run as often as you like."
    try: return all(isinstance(s, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)) for s in ast.parse(source).body)
    except SyntaxError: return False  # a cell with a magic

class Run(NamedTuple):
    "What one run of a notebook says."
    passed: bool
    seconds: float
    outputs: dict      # cell id: its fresh outputs
    fails: dict        # cell id: the error of its second run
    doubts: list       # what a hidden cell may have done to visible ones, which are then to be run by themselves
    anew: list         # what visible cells read and a hidden one binds anew: then all are to be run in the same names

def execute(path, twice=False, kept_apart=True):
    """Run one notebook with nbdev's `test_nb`, and what hidden cells bind kept from the visible ones (apart.py);
    with `twice` each cell that changes what it reads a second time, in a copy of the process and for `AGAIN` seconds at most."""
    import nbdev.test
    from execnb.shell import CaptureShell
    from apart import Apart, Inputs
    seen, kept, fails = visible_ids(path), [], {}
    class Keep(CaptureShell):
        "The shell that nbdev_test uses, which also keeps the notebook that it ran."
        def run_all(self, nb, **kw):
            kept.append((nb, Apart(self.user_ns)))
            return super().run_all(nb, **kw)
        def cell(self, cell, **kw):
            if cell.cell_type == 'code': kept[0][1].run(cell, cell.get('id') in seen or not kept_apart, lambda: self.once(cell, **kw))
        def once(self, cell, **kw):
            inputs = twice and Inputs(cell.source, self.user_ns)
            super().cell(cell, **kw)
            if twice and self.exc is None and not inputs.kept() and (fault := again(self, cell.source)): fails[cell.id] = fault
            return self.exc
    nbdev.test.CaptureShell = Keep
    os.chdir(ROOT)
    passed, seconds = nbdev.test.test_nb(Path(path), skip_flags=['notest'], basepath=ROOT)
    nb, apart = kept[0]
    outputs = {c.id: plain(c.get('outputs', [])) for c in nb.cells if c.cell_type == 'code' and 'id' in c}
    return Run(passed, seconds, outputs, fails, apart.doubts, apart.anew)

UNSEEN = re.compile(r'^#\|\s*(?:hide|export|exporti|default_exp\b.*|include:\s*false|echo:\s*false)\s*$', re.M)

def is_visible(cell):
    "Does the page show this cell's code, folded or not?"
    return cell['cell_type'] == 'code' and not UNSEEN.search(joined(cell['source']))

def visible_ids(path):
    "The ids of the cells whose code the page shows."
    return {c['id'] for c in json.loads(Path(path).read_text(encoding='utf-8'))['cells'] if is_visible(c)}

def execute_visible(path):
    """Run only those cells of a notebook whose code its page shows, as a reader who types them along does.
    `execute` shows the same, except where it doubts it."""
    nb = json.loads(Path(path).read_text(encoding='utf-8'))
    nb['cells'] = [dict(c, outputs=[]) for c in nb['cells'] if is_visible(c)]
    for c in nb['cells']: c['source'] = re.sub(r'^#\|\s*exports\b.*$', '', joined(c['source']), flags=re.M)
    with TemporaryDirectory() as folder:
        copy = Path(folder)/Path(path).name
        copy.write_text(json.dumps(nb), encoding='utf-8')
        return execute(copy)

def execute_twice(path):
    "Run one notebook, each cell a second time, as a reader who presses Shift-Enter again does."
    return execute(path, twice=True)

def execute_together(path):
    "Run one notebook with what hidden cells bind in the same names, as Jupyter does."
    return execute(path, kept_apart=False)

def plain(o): return json.loads(json.dumps(o, default=lambda x: dict(x)))

# What every notebook imports, loaded once: each process is a copy of one that has done no more than that.
LOADED = ['torch', 'matplotlib.pyplot', 'pandas', 'fastcore.test', 'ipywidgets', 'execnb.shell', 'nbdev.test', 'apart']

def run_all(paths, run=execute):
    "Run notebooks side by side, each in a process of its own; yield the path and its `Run` as each ends."
    os.environ.update(FIXED)
    context = get_context('forkserver')
    context.set_forkserver_preload(LOADED)
    with ProcessPoolExecutor(min(cores(), len(paths), 8), mp_context=context, max_tasks_per_child=1) as pool:
        todo = {pool.submit(run, p): p for p in paths}
        for f in as_completed(todo): yield todo[f], f.result()

# --- comparing outputs

NUMBER = re.compile(r'[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|\bnan\b|\binf\b')

ROUNDING = re.compile(r'exact\b|equal to rounding \(largest difference below \S+\)')  # which of the two depends on the processor

def text_differs(old, new):
    "The first difference of two texts, or None: numbers within a tolerance, the rest alike up to white space."
    old, new = (ROUNDING.sub('equal', s) for s in (old, new))
    a, b = NUMBER.findall(old), NUMBER.findall(new)
    words = lambda s: re.sub(r'[\s\-─━]+', ' ', NUMBER.sub('0', s)).strip()
    if len(a) != len(b) or words(old) != words(new): return f'committed {short(old)}\n    fresh     {short(new)}'
    for x, y in zip(a, b):
        u, v = float(x), float(y)
        if x == y or (math.isnan(u) and math.isnan(v)): continue
        if not math.isclose(u, v, rel_tol=RTOL, abs_tol=ATOL): return f'committed {x}, fresh {y}, in {short(new)}'

def short(s, n=200):
    s = ' '.join(s.split())
    return repr(s if len(s) <= n else s[:n] + '...')

def joined(x): return ''.join(x) if isinstance(x, list) else x

def svg_size(s):
    m = re.search(r'<svg[^>]*?\bwidth="([\d.]+)[^>]*?\bheight="([\d.]+)|<svg[^>]*?\bheight="([\d.]+)[^>]*?\bwidth="([\d.]+)', s, re.S)
    return tuple(map(float, (m[1], m[2]) if m[1] else (m[4], m[3]))) if m else ()

def item_differs(mime, old, new):
    "Compare one piece of an output by its kind."
    old, new = joined(old), joined(new)
    if mime == 'image/svg+xml' or (mime == 'text/html' and old.lstrip().startswith('<svg')):
        a, b = svg_size(old), svg_size(new)
        if len(a) != len(b) or not all(math.isclose(u, v, rel_tol=0.01) for u, v in zip(a, b)): return f'picture: committed size {a}, fresh {b}'
    elif mime.startswith('image/'): return None
    elif mime == 'text/html' and 'nb-explore' in old:
        from nnbolts.explore import read_results
        a, b = read_results(old), read_results(new)
        if len(a) != len(b): return f'explorer: committed {len(a)} results, fresh {len(b)}'
        return next((d for x, y in zip(a, b) if (d := item_differs('text/html', x, y))), None)
    elif mime == 'text/plain' and re.fullmatch(r'<Figure size .*>', old.strip()): return None
    else: return text_differs(re.sub(r'<[^>]+>', ' ', old) if mime == 'text/html' else old, re.sub(r'<[^>]+>', ' ', new) if mime == 'text/html' else new)

def outputs_differ(old, new, timing=False):
    "The first difference between a cell's committed and fresh outputs, or None. A timing cell's text may differ."
    kinds = lambda outs: [(o['output_type'], o.get('name'), tuple(sorted(o.get('data', {})))) for o in outs]
    if kinds(old) != kinds(new): return f'committed outputs {kinds(old)}, fresh {kinds(new)}'
    if timing: return None
    for a, b in zip(old, new):
        if 'text' in a and (d := text_differs(joined(a['text']), joined(b['text']))): return d
        for mime in a.get('data', {}):
            if d := item_differs(mime, a['data'][mime], b['data'][mime]): return d

def is_timing(cell): return bool(re.search(r'^#\|\s*tags:.*\btiming\b', joined(cell['source']), re.M))

def stale_cells(nb, fresh):
    "What a fresh run shows that the committed notebook does not: a line for each cell that differs."
    out = []
    for n, c in enumerate(nb['cells']):
        if c['cell_type'] != 'code': continue
        if d := outputs_differ(c.get('outputs', []), fresh.get(c['id'], []), is_timing(c)): out.append(f'cell {n} ({c["id"]}): {d}')
    return out

# --- the commands

def clean(nb):
    "What nbdev_clean leaves of a notebook."
    from nbdev.clean import _nbdev_clean
    _nbdev_clean(nb)
    return nb

def save_clean(path, old=None):
    "Write a notebook that was just saved as the project keeps it. Cells and settings that are as in `old` get its outputs and its looks."
    from execnb.nbio import read_nb, write_nb
    nb = json.loads(path.read_text(encoding='utf-8'))
    before = {c['id']: c for c in (old or {}).get('cells', []) if c['cell_type'] == 'code'}
    for c in nb['cells']:
        if c['cell_type'] != 'code': continue
        was = before.get(c.get('id'))
        if was and joined(was['source']) == joined(c['source']): c['outputs'] = was['outputs']
        else: c['outputs'] = [o for o in c['outputs'] if not any('widget-view' in kind for kind in o.get('data', {}))]
    if old: nb['metadata'] = old['metadata']
    path.write_text(json.dumps(nb, ensure_ascii=False), encoding='utf-8')
    nb = read_nb(path)
    write_nb(clean(nb), path)

def write_outputs(path, fresh, seconds):
    "Put fresh outputs into the notebook, with the line that says what they were made with, and clean it."
    import torch
    from execnb.nbio import read_nb, write_nb
    nb = json.loads(path.read_text(encoding='utf-8'))
    for c in nb['cells']:
        if c['cell_type'] == 'code': c['outputs'], c['execution_count'] = fresh.get(c['id'], []), None
    nb['metadata']['verified'] = dict(torch=torch.__version__.split('+')[0], date=str(date.today()), seconds=max(1, round(seconds)), cores=cores())
    path.write_text(json.dumps(nb, ensure_ascii=False, indent=1, sort_keys=True) + '\n', encoding='utf-8')
    nb = read_nb(path)
    write_nb(clean(nb), path)

COLAB = """#| hide
if 'google.colab' in str(get_ipython()):  # the package as it is where this notebook comes from, released or not
    get_ipython().run_line_magic('pip', 'install -q torchmetrics fastcore git+{url}')"""

def colab_cell():
    "The cell that installs the package in Colab: from the repository, where Colab has opened the notebook, so that the two go together."
    c = ConfigParser(delimiters=['='])
    c.read(ROOT/'settings.ini', encoding='utf-8')
    return COLAB.format(url=c['DEFAULT']['git_url'])

def put_colab_cell(path):
    "Give a notebook that cell: in the place of the one that it has, if nothing is imported before it, else before the first one that imports."
    from execnb.nbio import read_nb, write_nb
    nb = json.loads(path.read_text(encoding='utf-8'))
    find = lambda pattern: next((n for n, c in enumerate(nb['cells']) if c['cell_type'] == 'code' and re.search(pattern, joined(c['source']), re.M)), None)
    at, first = find('google.colab'), find(r'^(from|import) ')
    if first is None: return  # nothing is imported, nothing has to be installed
    if at is not None and at <= first and joined(nb['cells'][at]['source']) == colab_cell(): return
    id = hashlib.sha256(f'colab {path.name}'.encode()).hexdigest()[:8]
    cell = nb['cells'].pop(at) if at is not None else dict(cell_type='code', id=id, metadata={}, outputs=[], execution_count=None)
    cell['source'] = colab_cell().splitlines(keepends=True)
    nb['cells'].insert(first if at is None else min(at, first), cell)
    path.write_text(json.dumps(nb, ensure_ascii=False, indent=1, sort_keys=True) + '\n', encoding='utf-8')
    nb = read_nb(path)
    write_nb(clean(nb), path)

def as_text(path):
    "A notebook as plain text: each cell's source, then what it prints."
    out = []
    for c in json.loads(Path(path).read_text(encoding='utf-8'))['cells']:
        out += [f'# --- {c["cell_type"]}', joined(c['source'])]
        for o in c.get('outputs', []): out.append('# > ' + joined(o.get('text') or o.get('data', {}).get('text/plain') or '').rstrip().replace('\n', '\n# > '))
    return '\n'.join(out)

def readme():
    "README.md from the landing page: its text and its tables, with links that hold in the repository."
    out = ['<!-- Written from nbs/index.ipynb by `make outputs`. Edit that notebook, not this file. -->\n']
    for c in json.loads((NBS/'index.ipynb').read_text(encoding='utf-8'))['cells']:
        src = joined(c['source'])
        if c['cell_type'] == 'markdown': out.append(src)
        if c['cell_type'] != 'code' or re.search(r'^#\|\s*hide\b', src, re.M): continue
        if not re.search(r'^#\|\s*echo:\s*false', src, re.M): out.append(f'```python\n{src}\n```')
        for o in c.get('outputs', []):
            data = o.get('data', {})
            if 'text' in o: out.append('```\n' + joined(o['text']).rstrip() + '\n```')
            elif 'text/markdown' in data: out.append(joined(data['text/markdown']))
            elif 'text/plain' in data and not any(k.startswith('image/') for k in data): out.append('```\n' + joined(data['text/plain']) + '\n```')
    text = re.sub(r'^:::.*\n?', '', '\n\n'.join(s.strip('\n') for s in out), flags=re.M)
    return re.sub(r'\]\(((?:tools/)?\w+\.ipynb)', r'](nbs/\1', text) + '\n'

def write_readme(): (ROOT/'README.md').write_text(readme(), encoding='utf-8')

def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('command', choices=['outputs', 'check', 'visible', 'twice', 'readme', 'text', 'colab'])
    p.add_argument('notebooks', nargs='*', type=lambda s: Path(s).resolve())
    args = p.parse_args(argv)
    if args.command == 'text': return print(as_text(args.notebooks[0]))
    if args.command == 'readme': return write_readme()
    paths = args.notebooks or notebooks()
    if args.command == 'colab': return [put_colab_cell(p) for p in paths] and None
    bad, total = [], 0
    for path, run in run_all(paths, dict(visible=execute_visible, twice=execute_twice).get(args.command, execute)):
        name, total = path.relative_to(ROOT), total + run.seconds
        stale = [f'cell {id}: {fault}' for id, fault in run.fails.items()]
        if run.passed and args.command == 'check': stale = stale_cells(json.loads(path.read_text(encoding='utf-8')), run.outputs)
        if run.passed and args.command == 'outputs': write_outputs(path, run.outputs, run.seconds)
        if not run.passed or stale: bad.append(name)
        said = 'ok' if run.passed and not stale else 'failed' if not run.passed else 'cannot be run twice:' if run.fails else 'not what a fresh run gives:'
        print(f'{name}: {said} ({run.seconds:.1f} s)', flush=True)
        for line in stale: print('  ' + line, flush=True)
        for line in run.doubts: print(f'  {line}: make test runs the visible cells by themselves as well', flush=True)
        for line in run.anew: print(f'  {line}: make test runs the notebook as Jupyter does as well', flush=True)
    if args.command == 'outputs' and (NBS/'index.ipynb') in paths: write_readme()
    print(f'{len(paths) - len(bad)} passed, {len(bad)} failed')
    if args.command == 'check' and bad: print('If the code is right, renew the outputs with `make outputs` and read what changed.')
    return 1 if bad else 0

if __name__ == '__main__':
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
