"""JupyterLab as `make lab` starts it: a saved notebook differs from the committed one only where you changed it.

A cell whose source is the committed one keeps the committed outputs, whatever running it showed; a changed cell keeps what you see, without the
widgets, which are dead in a file. `make outputs` renews the outputs of all cells.
"""
import json, os, subprocess, sys
from pathlib import Path
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

ROOT = Path(os.environ['NNBOLTS_ROOT'])
sys.path[:0] = [str(ROOT), str(ROOT/'dev')]
import notebooks

def committed(path):
    "The notebook as it was committed last; None if it was not, or without git."
    try: name = Path(path).resolve().relative_to(ROOT).as_posix()
    except ValueError: return
    try: out = subprocess.run(['git', 'show', f'HEAD:{name}'], cwd=ROOT, capture_output=True)
    except FileNotFoundError: return
    return json.loads(out.stdout) if out.returncode == 0 else None

class Manager(AsyncLargeFileManager):
    "Saves notebooks as the project keeps them."
    async def _save_notebook(self, os_path, nb, capture_validation_error=None):
        await super()._save_notebook(os_path, nb, capture_validation_error)
        try: notebooks.save_clean(Path(os_path), committed(os_path))
        except Exception as e: self.log.warning(f'{os_path} is saved, but not cleaned: {type(e).__name__}: {e}')

c = get_config()  # noqa: F821, which Jupyter gives
c.ServerApp.contents_manager_class = Manager
c.ServerApp.root_dir = str(ROOT/'nbs')
