"""How often `diagnose` and `watch` name the fault of a program, and how often they blame a sound one.

Writes benchmarks/diagnosis.json. The programs are those of tests/programs. The files that begin with `more` were
written by others after the checks were done, and asked once before anybody looked at them: FIRST holds what came out.
What was wrong then has been looked at since, so today's figures for them are no better proof than the others.
`diagnosis.py more` asks that part alone, `diagnosis.py 0.3` three tenths of `diagnose`'s programs, drawn by name,
`diagnosis.py page` puts the figures into the page, `diagnosis.py stored` prints those that diagnosis.json has.
`diagnosis.py peer` asks neural_net_checklist, and us, about those programs that it takes, in the environment of
`make bench-peers` or with the Python that is named.
"""
import contextlib, io, json, os, subprocess, sys, time, warnings, zlib
from datetime import date
from importlib import import_module
from pathlib import Path
import torch, torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parent.parent / 'tests'))
from nnbolts.diagnosis import diagnose, watch
from programs import PROGRAMS

for file in sorted(Path('tests/programs').glob('[a-z]*.py')): import_module(f'programs.{file.stem}')

# what came out when these programs were asked for the first time, on 2026-11-22
FIRST = dict(more_one=dict(broken=101, found=85.1, first=83.2, sound=130, errors=0.8, warnings=0.0),
             more_two=dict(broken=42, found=92.9, first=90.5, sound=42, errors=4.8, warnings=0.0),
             more_three=dict(broken=55, found=90.9, first=89.1, sound=82, errors=0.0, warnings=0.0),
             more_four=dict(broken=15, found=93.3, first=86.7, sound=30, errors=10.0, warnings=16.7),
             more_five=dict(broken=40, found=95.0, first=95.0, sound=73, errors=2.7, warnings=1.4),
             more_six=dict(broken=20, found=85.0, first=85.0, sound=41, errors=0.0, warnings=0.0),
             more_seven=dict(broken=0, found=0., first=0., sound=43, errors=4.7, warnings=2.3),
             more_nine=dict(broken=11, found=90.9, first=90.9, sound=25, errors=0.0, warnings=0.0),
             more_ten=dict(broken=13, found=92.3, first=92.3, sound=25, errors=0.0, warnings=0.0))
ROOT = Path(__file__).resolve().parent.parent
PAGE, JSON = ROOT / 'nbs/20_diagnosis.ipynb', ROOT / 'benchmarks/diagnosis.json'

def made(p, broken):
    torch.manual_seed(0)
    return p['make'](broken) if p['ids'] else p['make']()

def judged(p, broken):
    "The findings for one program, errors and warnings in their order, and the seconds."
    program, start = made(p, broken), time.process_time()
    if p['kind'] == 'diagnose':
        d = diagnose(program['model'], program['loss_func'], program['data'], program.get('opt'),
                     valid=program.get('valid'))
    else:
        with watch(program['model'], program['opt']) as d, contextlib.redirect_stdout(io.StringIO()): program['train']()
    return [(f.id, f.severity) for f in d if f.severity != 'note'], time.process_time() - start

def table(rows):
    broken, sound = [r for r in rows if r['broken']], [r for r in rows if not r['broken']]
    def share(part, of): return round(100 * len(part) / len(of), 1) if of else None
    hit = [r for r in broken if {i for i, _ in r['found']} & set(r['ids'])]
    first = [r for r in hit if r['found'][0][0] in r['ids']]
    errors = [r for r in sound if any(s == 'error' for _, s in r['found'])]
    return dict(broken=len(broken), found=share(hit, broken), first=share(first, broken), sound=len(sound),
                errors=share(errors, sound),
                warnings=share([r for r in sound if r['found'] and r not in errors], sound),
                seconds=round(sorted(r['seconds'] for r in rows)[len(rows) // 2], 2),
                most=round(max(r['seconds'] for r in rows), 1))

def show(figures):
    print('| programs | broken | found, % | named first, % | sound | with an error, % | with a warning, % | '
          'seconds (median, most) |')
    print('| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |')
    for name, f in figures.items():
        print(f"| {name} | {f['broken']} | {f['found']} | {f['first']} | {f['sound']} | {f['errors']} | "
              f"{f['warnings']} | {f['seconds']}, {f['most']} |")

def stored():
    told = kept()
    show(told['figures'])
    print(f'\nMeasured on {told["date"]} with torch {told["torch"]}, one thread.')

def main(only=''):
    warnings.simplefilter('ignore')
    torch.set_num_threads(1)
    rows, share = [], float(only) if only[:1].isdigit() else None
    for name, p in PROGRAMS.items():
        if share and (p['kind'] == 'watch' or zlib.crc32(f'x{name}'.encode()) >= share * 2**32): continue
        if only and not share and not p['file'].startswith(only): continue
        for broken in (True, False) if p['ids'] else (False,):
            found, seconds = judged(p, broken)
            row = dict(name=name, kind=p['kind'], held=p['file'].startswith('more'), broken=broken, ids=p['ids'],
                       found=found, seconds=seconds)
            rows.append(row)
    parts = {'diagnose, tuned on': [r for r in rows if r['kind'] == 'diagnose' and not r['held']],
             'diagnose, held out': [r for r in rows if r['kind'] == 'diagnose' and r['held']],
             'watch': [r for r in rows if r['kind'] == 'watch']}
    figures = {name: table(part) for name, part in parts.items() if part}
    show(figures)
    missed = [dict(name=r['name'], broken=r['broken'], ids=r['ids'], found=[i for i, _ in r['found']]) for r in rows
              if r['broken'] and not {i for i, _ in r['found']} & set(r['ids']) or not r['broken'] and r['found']]
    if share: figures['watch'] = kept()['figures']['watch']
    if share or not only:
        keep(date=str(date.today()), torch=torch.__version__, share=share or 1., figures=figures, wrong=missed)

def kept(): return json.loads(JSON.read_text(encoding='utf-8')) if JSON.exists() else {}
def keep(**what): JSON.write_text(json.dumps(kept() | what, indent=1) + '\n', encoding='utf-8')

def ask_peer(python=ROOT / '.venv-bench/bin/python'):
    "What neural_net_checklist says to those programs that it takes."
    done = subprocess.run([python, Path(__file__).with_name('diagnosis_peer.py')], capture_output=True, text=True,
                          env={**os.environ, 'CUDA_VISIBLE_DEVICES': ''})
    if done.returncode: raise SystemExit(f'{done.stderr[-500:]}\nIs it there? make bench-peers')
    theirs = json.loads(done.stdout)
    # what fails in another way than by an assertion, though it is sound, is not for it
    taken = {n: said for n, said in theirs['programs'].items() if said[-1] in ('', 'AssertionError')}
    ours = {n: [[i for i, _ in judged(PROGRAMS[n], broken)[0]] for broken in (True, False)[-len(taken[n]):]]
            for n in taken}
    keep(peer=dict(date=str(date.today()), version=theirs['version'], theirs=taken, ours=ours))
    print(against_peer())

def against_peer():
    "The table of the page: both on the programs that neural_net_checklist takes."
    peer = kept()['peer']
    theirs, ours = peer['theirs'], peer['ours']
    broken = [n for n in theirs if len(theirs[n]) == 2 and theirs[n][0] is not None]
    def count(f, names): return sum(bool(f(n)) for n in names)
    named = count(lambda n: set(ours[n][0]) & set(PROGRAMS[n]['ids']), broken)
    return (f'| | raises, or finds something, in {len(broken)} broken programs | names the fault '
            f'| blames one of {len(theirs)} sound programs |\n| --- | ---: | ---: | ---: |\n'
            f'| `diagnose` | {count(lambda n: ours[n][0], broken)} | {named} '
            f'| {count(lambda n: ours[n][-1], theirs)} |\n'
            f'| neural_net_checklist {peer["version"]} | {count(lambda n: theirs[n][0], broken)} | - '
            f'| {count(lambda n: theirs[n][-1], theirs)} |')

def quoted():
    "The table of the page, from diagnosis.json and from the first asking."
    told, share = kept()['figures'], kept().get('share', 1.)
    which = 'all programs' if share == 1 else f'{100 * share:.0f}% of all programs, drawn'
    rows = {'`diagnose`, asked for the first time': pooled('more_one', 'more_two', 'more_three'),
            '`diagnose`, odd programs, asked for the first time': pooled('more_four'),
            '`diagnose`, the newest, asked for the first time': pooled('more_five', 'more_seven'),
            f'`diagnose`, {which}, today': pooled_of([told[k] for k in told if k.startswith('diagnose')]),
            '`watch`, the newest loops, asked for the first time': pooled('more_six', 'more_nine', 'more_ten'),
            '`watch`, all loops, today': told['watch']}
    names = 'broken', 'found', 'first', 'sound', 'errors', 'warnings'
    head = ('| | broken programs | fault found, % | named first, % | sound programs | blamed with an error, % '
            '| with a warning, % |\n| --- |' + ' ---: |' * 6 + '\n')
    return head + '\n'.join(f'| {name} | ' + ' | '.join(str(r[n]) for n in names) + ' |' for name, r in rows.items())

def pooled(*names): return pooled_of([FIRST[n] for n in names])

def pooled_of(parts):
    "Shares of several sets as one."
    def mean(name, by): return round(sum(p[name] * p[by] for p in parts) / sum(p[by] for p in parts), 1)
    told = {by: sum(p[by] for p in parts) for by in ('broken', 'sound')}
    of = dict(found='broken', first='broken', errors='sound', warnings='sound')
    return told | {name: mean(name, by) for name, by in of.items()}

def write_page():
    page = json.loads(PAGE.read_text(encoding='utf-8'))
    for cell in page['cells']:
        source = ''.join(cell['source'])
        for name, table in ('programs', quoted), ('peer', against_peer):
            if f'<!-- {name} -->' not in source: continue
            a, b = source.index(f'<!-- {name} -->') + len(f'<!-- {name} -->\n'), source.index(f'<!-- end of {name} -->')
            source = source[:a] + f'\n{table()}\n\n' + source[b:]
            cell['source'] = source.splitlines(keepends=True)
    PAGE.write_text(json.dumps(page, ensure_ascii=False, indent=1, sort_keys=True) + '\n', encoding='utf-8')

ASKED = dict(page=write_page, stored=stored, peer=ask_peer)

if __name__ == '__main__':
    what, *rest = sys.argv[1:] or ['']
    ASKED[what](*rest) if what in ASKED else main(what)
