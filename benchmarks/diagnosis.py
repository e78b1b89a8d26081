"""How often `diagnose` and `watch` name the fault of a program, and how often they blame a sound one.

Writes benchmarks/diagnosis.json. The programs are those of tests/programs. The files that begin with `more` were
written by others after the checks were done, and were not looked at: they are the part that counts. Where the package
neural_net_checklist is installed, its checks of a classification judge the same programs.
`diagnosis.py more` asks that part alone.
"""
import contextlib, copy, io, json, sys, time, warnings
from datetime import date
from importlib import import_module
from pathlib import Path
import torch, torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parent.parent / 'tests'))
from nnbolts.diagnosis import diagnose, watch
from programs import PROGRAMS

for file in sorted(Path('tests/programs').glob('[a-z]*.py')): import_module(f'programs.{file.stem}')

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

def peer(p, broken):
    "Does neural_net_checklist raise, in any of its checks of a classification? None where it does not apply."
    import neural_net_checklist.torch_diagnostics as peer
    program = made(p, broken)
    data = program['data']
    batch = data if isinstance(data, tuple) else tuple(next(iter(data)))
    if len(batch) != 2 or not all(isinstance(t, torch.Tensor) for t in batch) or batch[1].is_floating_point():
        return None
    def factory(): return made(p, broken)['model']
    classes = int(batch[1].max()) + 1
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            peer.assert_all_for_classification_cross_entropy_loss(factory, batch, num_classes=classes, device='cpu')
    except Exception: return True
    return False

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

def main(only=None):
    warnings.simplefilter('ignore')
    torch.set_num_threads(1)
    rows = []
    with_peer = import_module('importlib.util').find_spec('neural_net_checklist') is not None
    for name, p in PROGRAMS.items():
        if only and not p['file'].startswith(only): continue
        for broken in (True, False) if p['ids'] else (False,):
            found, seconds = judged(p, broken)
            row = dict(name=name, kind=p['kind'], held=p['file'].startswith('more'), broken=broken, ids=p['ids'],
                       found=found, seconds=seconds)
            if with_peer and row['held'] and p['kind'] == 'diagnose': row['peer'] = peer(p, broken)
            rows.append(row)
    parts = {'diagnose, tuned on': [r for r in rows if r['kind'] == 'diagnose' and not r['held']],
             'diagnose, held out': [r for r in rows if r['kind'] == 'diagnose' and r['held']],
             'watch': [r for r in rows if r['kind'] == 'watch']}
    figures = {name: table(part) for name, part in parts.items() if part}
    print('| programs | broken | found, % | named first, % | sound | with an error, % | with a warning, % | '
          'seconds (median, most) |')
    print('| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |')
    for name, f in figures.items():
        print(f"| {name} | {f['broken']} | {f['found']} | {f['first']} | {f['sound']} | {f['errors']} | "
              f"{f['warnings']} | {f['seconds']}, {f['most']} |")
    asked = [r for r in rows if r.get('peer') is not None]
    if asked:
        raised = [sum(r['peer'] for r in asked if r['broken'] is b) for b in (True, False)]
        of = [sum(r['broken'] is b for r in asked) for b in (True, False)]
        figures['neural_net_checklist'] = dict(broken=of[0], raised=raised[0], sound=of[1], raised_sound=raised[1])
        print(f'\nneural_net_checklist, where it applies: raises for {raised[0]} of {of[0]} broken, {raised[1]} of '
              f'{of[1]} sound programs')
    missed = [dict(name=r['name'], ids=r['ids'], found=[i for i, _ in r['found']]) for r in rows
              if r['broken'] and not {i for i, _ in r['found']} & set(r['ids']) or not r['broken'] and r['found']]
    if not only:
        told = dict(date=str(date.today()), torch=torch.__version__, figures=figures, wrong=missed)
        Path('benchmarks/diagnosis.json').write_text(json.dumps(told, indent=1) + '\n')

if __name__ == '__main__': main(*sys.argv[1:])
