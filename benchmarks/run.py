"""Every benchmark of this folder, one after the other, as Markdown tables; tables.toml says which, and what each measures.

`make bench` runs all and writes benchmarks/last.json, from which the site makes its page of benchmarks.
`run.py layers watch` runs these alone and keeps the other tables of last.json. What takes long is not measured here: of
that the last stored figures are shown, with the command that makes new ones. A script that fails makes this one fail.
"""
import json, os, platform, subprocess, sys, time, tomllib
from datetime import date
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
LAST, LIMIT = HERE/'last.json', 15*60
ONE_THREAD = dict(OMP_NUM_THREADS='1', MKL_NUM_THREADS='1')

def tables(): return tomllib.loads((HERE/'tables.toml').read_text(encoding='utf-8'))['table']

def processor():
    "The name of the processor, as far as the system tells."
    try: return next(line.split(':')[1].strip() for line in open('/proc/cpuinfo') if line.startswith('model name'))
    except (OSError, StopIteration): return platform.processor() or platform.machine()

def about():
    "What the figures were made with."
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    return dict(date=str(date.today()), nnbolts=version('nnbolts'), torch=version('torch'), numpy=version('numpy'),
                python=platform.python_version(), system=platform.platform(aliased=True, terse=True),
                processor=processor(), cores=cores)

def said(about):
    return (f'{about["date"]}: nnbolts {about["nnbolts"]}, torch {about["torch"]}, numpy {about["numpy"]}, Python '
            f'{about["python"]}, {about["system"]}, {about["processor"]}, {about["cores"]} cores')

def command(table):
    "How the script of a table is called."
    return [sys.executable, str(HERE/f'{table["script"]}.py'), *(['stored'] if 'long' in table else table.get('args', []))]

def run(table):
    "What a script prints, shown while it runs, and the seconds it took; None for one that fails."
    start, out = time.perf_counter(), []
    process = subprocess.Popen(command(table), stdout=subprocess.PIPE, text=True, cwd=HERE.parent,
                               env={**os.environ, **ONE_THREAD})
    for line in process.stdout:
        print(line, end='', flush=True)
        out.append(line)
    return None if process.wait() else (''.join(out).strip(), time.perf_counter() - start)

def main(wanted=()):
    known = {t['script']: t for t in tables()}
    if strange := set(wanted) - set(known): sys.exit(f'No such table: {", ".join(strange)}. There are: {", ".join(known)}')
    kept = json.loads(LAST.read_text(encoding='utf-8')) if wanted and LAST.exists() else {}
    now, found, failed = about(), {}, []
    print(said(now))
    for name, table in known.items():
        if wanted and name not in wanted:
            if name in kept: found[name] = kept[name]
            continue
        print(f'\n## {table["title"]}\n\n{table["says"]}\n', flush=True)
        if (done := run(table)) is None:
            failed.append(name)
            continue
        found[name] = dict(about=now, text=done[0], seconds=round(done[1], 1))
        if 'long' in table: print(f'\nNew figures: python benchmarks/{name}.py, some {table["long"]} minutes.')
    print('\nThese are one machine\'s figures, on one thread where nothing else is said. Compare ratios, not microseconds.')
    took = sum(found[name]['seconds'] for name in found if not wanted or name in wanted)
    print(f'{took:.0f} s' + (f', more than the {LIMIT} that are wanted' if took > LIMIT else ''))
    if failed: sys.exit(f'Failed, and {LAST.name} is as it was: {", ".join(failed)}')
    LAST.write_text(json.dumps(found, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')
    print(f'Written: benchmarks/{LAST.name}. Next: make site, and look at benchmarks.html')

if __name__ == '__main__': main(sys.argv[1:])
