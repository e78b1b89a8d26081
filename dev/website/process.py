"Step 1: nbdev exports the package and processes the notebooks."
import os
import re

from .project import NBS, PACKAGE, PROC, ROOT, digest, notebooks


def process(force: bool = False) -> None:
    "Export the notebooks that changed, and let nbdev process them for the docs."
    from nbdev.doclinks import _build_modidx
    from nbdev.export import nb_export
    from nbdev.serve import proc_nbs
    os.chdir(ROOT)
    for p in notebooks():
        m = re.search(r'#\|\s*default_exp\s+(\w+)', p.read_text(encoding='utf-8'))
        out = PACKAGE/f'{m[1]}.py' if m else None
        if out and (force or not out.exists() or out.stat().st_mtime < p.stat().st_mtime):
            nb_export(str(p))
            out.touch()
    _build_modidx()
    # Links depend on which names exist: when those change, every page is processed again.
    names, seen = digest(PACKAGE/'_modidx.py', ROOT/'settings.ini'), PROC/'names'
    if not (seen.exists() and seen.read_text() == names): force = True
    wanted = {PROC/p.relative_to(NBS) for p in notebooks()}
    for p in PROC.rglob('*.ipynb'):
        if p not in wanted: p.unlink()
    proc_nbs(force=force, n_workers=2)
    if missing := [p for p in wanted if not p.exists()]: raise SystemExit(f'nbdev did not process {missing[0].relative_to(PROC)}: see above')
    seen.write_text(names)
