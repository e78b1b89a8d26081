"Every benchmark of this folder, one after the other. Each prints a Markdown table; ratios are against an alternative in the same run."
import os, subprocess, sys
from pathlib import Path

HERE = Path(__file__).parent
for script in sorted(p for p in HERE.glob('*.py') if p.name != 'run.py'):
    print(f'\n## {script.stem}\n', flush=True)
    subprocess.run([sys.executable, str(script)], check=True, cwd=HERE.parent, env={**os.environ, 'OMP_NUM_THREADS': '1', 'MKL_NUM_THREADS': '1'})
print('\nThese are one machine\'s figures, on one thread. Compare ratios, not microseconds.')
