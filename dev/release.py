"""A release, tried before it is published: `python dev/release.py` from a clean checkout.

It looks whether all places name the same version and the changelog has its section, builds wheel and sdist into dist/,
lets twine check them, serves them as a package index on this machine, installs from there into a fresh environment (the
requirements come from wherever pip is set to look), and runs what a user would run first. Nothing is uploaded.

    python dev/release.py           all of it
    python dev/release.py check     the versions and the changelog alone
"""
import hashlib, os, re, shutil, subprocess, sys, tempfile, threading, venv
from configparser import ConfigParser
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
import yaml

ROOT = Path(__file__).resolve().parent.parent
VERSION = r'\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?'  # what a release is called

def settings(root):
    c = ConfigParser(delimiters=['='])
    c.read(root/'settings.ini', encoding='utf-8')
    return c['DEFAULT']

def sections(changelog):
    "The sections of a changelog: `## 0.2.0`, and behind it the day of the release once there is one."
    return re.findall(r'^## (.+)$', changelog, re.M)

def problems(root=ROOT):
    "What would be wrong with a release of this folder, in sentences."
    cfg, text = settings(root), lambda name: (root/name).read_text(encoding='utf-8')
    version, cite = cfg['version'], yaml.safe_load(text('CITATION.cff'))
    heads = sections(text('CHANGELOG.md'))
    if not re.fullmatch(VERSION, version): yield f'settings.ini: {version} is no version of a release'
    for head in heads:
        if not re.fullmatch(rf'{VERSION}(?: \(\d{{4}}-\d\d-\d\d\))?', head): yield f'CHANGELOG.md: "## {head}" is not "## 0.1.0 (2026-01-31)"'
    if not heads or heads[0].split(' ')[0] != version: yield f'CHANGELOG.md does not begin with "## {version}"'
    numbers = [tuple(map(int, re.findall(r'\d+', h.split(' ')[0])[:3])) for h in heads]
    if numbers != sorted(set(numbers), reverse=True): yield 'CHANGELOG.md: the newest version comes first, and each once'
    init = re.search(r'^__version__ = "(.*)"$', text('nnbolts/__init__.py'), re.M)
    if not init or init[1] != version: yield f'nnbolts/__init__.py says {init and init[1]}: run make outputs'
    if str(cite['version']) != version: yield f'CITATION.cff says {cite["version"]}'
    if heads and '(' in heads[0] and str(cite['date-released']) not in heads[0]:
        yield f'CITATION.cff was released on {cite["date-released"]}, CHANGELOG.md says {heads[0]}'
    wanted = {'title': f'{cfg["title"]}: {cfg["description"]}', 'authors': [{'name': cfg['author']}], 'license': 'Apache-2.0',
              'repository-code': cfg['git_url'], 'url': cfg['doc_host'] + cfg['doc_baseurl'], 'keywords': cfg['keywords'].split()}
    for key, value in wanted.items():
        if cite.get(key) != value: yield f'CITATION.cff: {key} is {cite.get(key)!r}, settings.ini says {value!r}'

def run(*command, **kw):
    print('>', *map(str, command), flush=True)
    subprocess.run([str(c) for c in command], check=True, **kw)

def build(out):
    shutil.rmtree(out, ignore_errors=True)
    run(sys.executable, '-m', 'build', '--outdir', out, ROOT)
    files = sorted(out.iterdir())
    run(sys.executable, '-m', 'twine', 'check', '--strict', *files)
    return files

def index(files, folder):
    "The files as a package index: a page that lists the projects, and one for the project."
    place = folder/'simple'/'nnbolts'
    place.mkdir(parents=True)
    links = []
    for p in files:
        shutil.copy(p, place)
        links.append(f'<a href="{p.name}#sha256={hashlib.sha256(p.read_bytes()).hexdigest()}">{p.name}</a>')
    (place/'index.html').write_text('<!doctype html><title>nnbolts</title>' + '<br>'.join(links))
    (place.parent/'index.html').write_text('<!doctype html><title>simple</title><a href="nnbolts/">nnbolts</a>')

class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args): pass

def try_out(files, folder, version):
    "Install from an index on this machine into a fresh environment, and run what a user would run first."
    index(files, folder)
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    venv.create(folder/'env', with_pip=True)
    py = folder/'env'/('Scripts' if os.name == 'nt' else 'bin')/'python'
    env = {k: v for k, v in os.environ.items() if k not in ('PYTHONPATH', 'PIP_INDEX_URL', 'PIP_EXTRA_INDEX_URL')}
    ours = f'http://127.0.0.1:{server.server_port}/simple/'
    pip = py, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'
    run(*pip, '--no-deps', '--index-url', ours, f'nnbolts=={version}', cwd=folder, env=env)
    run(*pip, f'nnbolts=={version}', cwd=folder, env=dict(os.environ, PYTHONPATH=''))  # is there: what it requires is not
    run(py, '-m', 'nnbolts', 'info', cwd=folder, env=env)
    run(py, '-m', 'nnbolts', 'notebooks', 'course', cwd=folder, env=env)
    code = 'from nnbolts.losses import cross_entropy as f; import torch; print(f(torch.zeros(1, 10), torch.tensor([3])).item())'
    run(py, '-c', code, cwd=folder, env=env)
    server.shutdown()

def main(asked):
    if found := list(problems()): sys.exit('\n'.join(found))
    version = settings(ROOT)['version']
    print(f'{version}: settings, package, changelog and citation agree')
    if asked == ['check']: return
    files = build(ROOT/'dist')
    with tempfile.TemporaryDirectory() as folder: try_out(files, Path(folder), version)
    print(f'Works. In dist/: {", ".join(p.name for p in files)}. Next: step 5 of "How a release is made" in CONTRIBUTING.md')

if __name__ == '__main__': main(sys.argv[1:])
