"The commands of the package: `python -m nnbolts` says which there are."
import argparse, importlib.metadata, importlib.util, os, platform, shutil, sys
from pathlib import Path
import nnbolts

HERE = Path(nnbolts.__file__).parent
# what the notebooks need besides the package
WANTED = 'jupyterlab', 'fastcore', 'torchmetrics', 'tabulate', 'accelerate'

def sources():
    "The folder with the notebooks of this version: inside the installed package, or in the clone."
    folder = next((p for p in (HERE/'notebooks', HERE.parent/'nbs') if (p/'index.ipynb').exists()), None)
    if folder is None: sys.exit(f'There are no notebooks beside {HERE}. Install nnbolts again.')
    return folder

def notebooks(folder):
    "Copy the notebooks; files that are there already are kept."
    source, folder = sources(), Path(folder)
    if folder.exists() and not folder.is_dir(): sys.exit(f'{folder} is a file. Name a folder.')
    copied, kept = 0, []
    for path in sorted(p for p in source.rglob('*.ipynb') if '.ipynb_checkpoints' not in p.parts):
        to = folder/path.relative_to(source)
        if to.exists(): kept.append(to)
        else:
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)
            copied += 1
    print(f'{copied} notebooks of nnbolts {nnbolts.__version__} are in {folder}.')
    if kept: print(f'{len(kept)} were there already and are as they were. For a fresh copy delete or rename: {kept[0]}')
    missing = [name for name in WANTED if importlib.util.find_spec(name) is None]
    print('Open them:')
    if missing: print('    ' + ' '.join(['python -m pip install', *missing]))
    print(f'    jupyter lab {folder}')

def info():
    "What a report of a bug should hold: versions, machine, threads. No names, no paths of yours."
    print(f'nnbolts {nnbolts.__version__}' + (' (from a clone)' if (HERE.parent/'nbs').is_dir() else ''))
    print(f'Python {platform.python_version()}, {platform.platform()}, {os.cpu_count()} cores')
    for name in ('torch', 'numpy', 'matplotlib', 'pandas', 'ipywidgets', 'tqdm', 'safetensors', 'accelerate',
                 'jupyterlab', 'torchmetrics'):
        try: version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError: version = 'not installed'
        print(f'{name} {version}')
    import torch
    print(f'{torch.get_num_threads()} threads, OMP_NUM_THREADS={os.environ.get("OMP_NUM_THREADS", "not set")}')
    cuda = torch.cuda.get_device_name() + f', CUDA {torch.version.cuda}' if torch.cuda.is_available() else 'none'
    print(f'GPU {cuda}; MPS {"yes" if torch.backends.mps.is_available() else "no"}')

def main(argv=None):
    "Run one of the commands; without one say what there is."
    parser = argparse.ArgumentParser(
        'python -m nnbolts', description=f'nnbolts {nnbolts.__version__}: {nnbolts.__doc__.splitlines()[0]}',
        epilog='What is where in the package: python -c "import nnbolts; help(nnbolts)"')
    commands = parser.add_subparsers(dest='command', metavar='')
    copy = commands.add_parser('notebooks', help='copy the notebooks that belong to this version into a folder')
    copy.add_argument('folder', metavar='DIR', help='a folder, which is made if it is not there')
    commands.add_parser('info', help='print your environment, for a report of a bug')
    args = parser.parse_args(argv)
    if args.command == 'notebooks': notebooks(args.folder)
    elif args.command == 'info': info()
    else: parser.print_help()

if __name__ == '__main__': main()
