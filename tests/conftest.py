"What the tests share: the project's root, the built site, a browser."
import functools, http.server, os, re, shutil, subprocess, sys, threading
from pathlib import Path
import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT/'dev')]

if 'PYTEST_XDIST_WORKER' in os.environ:
    os.environ['OMP_NUM_THREADS'] = '1'  # each process is one of as many as there are cores

SECONDS = {
    'test_site_build.py': 2000,
    'test_notebooks.py': 1000,
    'test_wheel.py': 80,
    'test_site_access.py': 80,
    'test_site.py': 60,
    'test_learner.py': 60,
    'test_scaling.py': 60,
    'test_site_speed.py': 40,
}

@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    "The files that take longest start first; the first test of the site builds it."
    items.sort(key=lambda item: -SECONDS.get(item.path.name, 0))

@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    "A process takes a file of tests at a time, and of the notebooks one: its tests share a run."
    from xdist.scheduler import LoadFileScheduling
    class ByFileAndNotebook(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file, _, test = nodeid.partition('::')
            name = re.search(r'\[(nbs/.*\.ipynb)\]$', test)
            return f'{file}::{name[1]}' if name and file.endswith('test_notebooks.py') else file
    return ByFileAndNotebook(config, log)

def pytest_report_header(config):
    import torch
    return f'torch {torch.__version__}, chromium: {chromium() or "not found, so the tests in a browser are skipped"}'

def chromium():
    "The system's Chromium, or None."
    return next(
        (p for n in ('google-chrome', 'chromium', 'chrome', 'chromium-browser') if (p := shutil.which(n))), None
    )

@pytest.fixture(scope='session')
def root(): return ROOT

@pytest.fixture(scope='session')
def site(tmp_path_factory):
    "The folder of the site, built from the sources as they are, once for all processes of a run."
    made = tmp_path_factory.getbasetemp()/'site'
    if 'PYTEST_XDIST_WORKER' in os.environ: made = made.parent.parent/'site'
    with FileLock(made.with_suffix('.lock')):
        if not made.exists(): subprocess.run([sys.executable, str(ROOT/'dev'/'site.py')], check=True, cwd=ROOT)
        made.touch()
    return ROOT/'_docs'

@pytest.fixture(scope='session')
def served(site):
    "The address of a plain file server over the site."
    class Quiet(http.server.SimpleHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'  # one connection for many files
        def log_message(self, *args): pass
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()

@pytest.fixture(scope='session')
def browser():
    "Headless Chromium, the system's."
    if not chromium(): pytest.skip('no Chromium on this machine')
    sync_api = pytest.importorskip('playwright.sync_api')
    with sync_api.sync_playwright() as p:
        b = p.chromium.launch(
            executable_path=chromium(),
            args=[
                '--no-sandbox',
                '--disable-gpu',
                '--disable-quic',
                '--no-first-run',
                '--disable-background-networking',
                '--disable-component-update',
                '--disable-sync',
            ],
        )
        yield b
        b.close()

FIND = """async queries => {
    const out = [];
    for (const q of queries) out.push((await nbFind(q)).map(r => [r.url.split('#')[0], r.title.trim().split(/\\s+/).join(' ')]));
    return out;
}"""

@pytest.fixture(scope='module')
def find(browser, served):
    "Ask the search of the site: for each query the page and the heading of what it finds, best first."
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(f'{served}/404.html')
    yield lambda queries: [[tuple(r) for r in results] for results in tab.evaluate(FIND, queries)]
    context.close()

@pytest.fixture
def report(request):
    "Call it with a line that the end of the run shows: a measurement."
    return lambda line: request.node.user_properties.append(('measured', line))

MEASURED = []

def pytest_runtest_logreport(report):
    if report.when == 'call': MEASURED.extend(line for name, line in report.user_properties if name == 'measured')

def pytest_terminal_summary(terminalreporter):
    if MEASURED:
        terminalreporter.section('measured')
        for line in MEASURED: terminalreporter.write_line(line)
