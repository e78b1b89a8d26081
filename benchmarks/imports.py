"How long `import nnbolts.X` takes, against `import torch` alone: fresh processes, in turn, the median of each."
import statistics, subprocess, sys, time

def seconds(code):
    start = time.perf_counter()
    subprocess.run([sys.executable, '-c', code], check=True)
    return time.perf_counter() - start

def main(rounds=15):
    codes = {'torch': 'import torch'} | {f'nnbolts.{m}': f'import nnbolts.{m}' for m in ('losses', 'training', 'learner')}
    codes = {k: c for k, c in codes.items() if subprocess.run([sys.executable, '-c', c], capture_output=True).returncode == 0}
    took = {k: [] for k in codes}
    for _ in range(rounds):
        for k, c in codes.items(): took[k].append(seconds(c))
    base = statistics.median(took['torch'])
    print('| import | median, s | over torch |\n| --- | ---: | ---: |')
    for k, t in took.items(): print(f'| {k} | {statistics.median(t):.2f} | {statistics.median(t)/base:.3f} |')

if __name__ == '__main__': main(*map(int, sys.argv[1:]))
