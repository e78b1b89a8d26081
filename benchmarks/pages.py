"""How long it takes to build the site, to run the notebooks and to run the tests, and what a page weighs.

The notebooks say themselves how long they took when their outputs were made. The tests take longer than a benchmark
should: `pages.py tests` runs them all as `make test` does and writes their seconds into benchmarks/pages.json, from which
this shows them; `pages.py tests FILE` takes them from the file that `PYTEST_ADDOPTS=--junitxml=FILE make test` has left.
"""
import gzip, json, os, subprocess, sys, tempfile, time
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
FILE = Path(__file__).with_suffix('.json')

def seconds(*command):
    start = time.perf_counter()
    subprocess.run([sys.executable, *map(str, command)], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start

def site():
    whole, again = seconds('dev/site.py', '--force'), seconds('dev/site.py')
    pages = [p for p in (ROOT/'_docs').rglob('*.html') if 'pagefind' not in p.parts]
    weights = sorted(len(gzip.compress(p.read_bytes()))/1024 for p in pages)
    print('| the site | |\n| --- | ---: |')
    print(f'| built from nothing, s | {whole:.0f} |\n| found to be as it was, s | {again:.1f} |\n| pages | {len(pages)} |')
    print(f'| a page, compressed, KB: median | {weights[len(weights)//2]:.0f} |\n| the heaviest | {weights[-1]:.0f} |')

def notebooks():
    sys.path.insert(0, str(ROOT/'dev'))
    from notebooks import notebooks
    told = {p.stem: json.loads(p.read_text(encoding='utf-8'))['metadata'].get('verified', {}) for p in notebooks()}
    took = {name: v['seconds'] for name, v in told.items() if v}
    print(f'\n| notebooks, when their outputs were made | s |\n| --- | ---: |\n| all {len(took)} | {sum(took.values())} |')
    for name in sorted(took, key=took.get, reverse=True)[:5]: print(f'| {name} | {took[name]} |')

def measure_tests(xml=None):
    "The seconds of all tests by the clock, and those of each file, with what files share counted where it is made."
    with tempfile.TemporaryDirectory() as folder:
        if not xml:
            xml = Path(folder)/'tests.xml'
            subprocess.run(['make', 'test'], cwd=ROOT, env=dict(os.environ, PYTEST_ADDOPTS=f'--junitxml={xml}'))
        suite = ElementTree.parse(xml).getroot()[0]
    took = {}
    for case in suite.iter('testcase'):
        name = case.get('classname').split('.')[1] if '.' in case.get('classname') else case.get('classname')
        took[name] = took.get(name, 0) + float(case.get('time'))
    told = dict(date=str(date.today()), tests=int(suite.get('tests')), failed=int(suite.get('failures')) +
                int(suite.get('errors')), seconds=round(float(suite.get('time'))),
                files={name: round(s, 1) for name, s in sorted(took.items(), key=lambda item: -item[1])})
    FILE.write_text(json.dumps(told, indent=1) + '\n', encoding='utf-8')

def tests():
    if not FILE.exists(): return print('\nThe tests were not measured yet: `python benchmarks/pages.py tests` does.')
    told = json.loads(FILE.read_text(encoding='utf-8'))
    print(f'\n| tests, {told["date"]} | s |\n| --- | ---: |')
    print(f'| all {told["tests"]:,}, {told["failed"]} of them failed, by the clock | {told["seconds"]} |')
    for name, s in list(told['files'].items())[:8]: print(f'| {name} | {s:.0f} |')

def main():
    site()
    notebooks()
    tests()

if __name__ == '__main__': measure_tests(*sys.argv[2:]) if sys.argv[1:2] == ['tests'] else main()
