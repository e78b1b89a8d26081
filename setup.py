"Everything about the package stands in settings.ini; this file hands it to setuptools, with the notebooks and the docstrings of the wheel."
import re, sys
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here/'dev'))
from docstrings import with_parameters

config = ConfigParser(delimiters=['='])
config.read(here/'settings.ini', encoding='utf-8')
cfg = config['DEFAULT']
source = f"{cfg['git_url']}/blob/{cfg['branch']}/"

class Build(build_py):
    "The package as the wheel holds it: comments of parameters in the docstrings, and the notebooks beside the modules."
    def run(self):
        super().run()
        if self.editable_mode: return
        package = Path(self.build_lib)/cfg['lib_path']
        for path in package.glob('*.py'):
            path.write_text(with_parameters(path.read_text(encoding='utf-8')), encoding='utf-8')
        for path in sorted((here/cfg['nbs_path']).rglob('*.ipynb')):
            if '.ipynb_checkpoints' not in path.parts: self.copy(path, package/'notebooks'/path.relative_to(here/cfg['nbs_path']))

    def copy(self, path, to):
        to.parent.mkdir(parents=True, exist_ok=True)
        self.copy_file(str(path), str(to))

def long_description():
    "The README, with links that hold outside of the repository."
    return re.sub(r'\]\((?!https?:|#)', f']({source}', (here/'README.md').read_text(encoding='utf-8'))

setup(
    name=cfg['lib_name'],
    version=cfg['version'],
    description=cfg['description'],
    long_description=long_description(),
    long_description_content_type='text/markdown',
    author=cfg['author'],
    author_email=cfg['author_email'],
    url=cfg['git_url'],
    project_urls={
        'Documentation': cfg['doc_host'] + cfg['doc_baseurl'],
        'Source': cfg['git_url'],
        'Issues': cfg['git_url'] + '/issues',
        'Changelog': source + 'CHANGELOG.md'},
    license='Apache-2.0',
    license_files=['LICENSE', 'NOTICE'],
    keywords=cfg['keywords'].split(),
    classifiers=[
        'Development Status :: ' + {'3': '3 - Alpha', '4': '4 - Beta', '5': '5 - Production/Stable'}[cfg['status']],
        'Intended Audience :: Developers', 'Intended Audience :: Education', 'Intended Audience :: Science/Research',
        'Framework :: Jupyter', 'Natural Language :: English', 'Operating System :: OS Independent',
        'Programming Language :: Python :: 3', 'Programming Language :: Python :: 3 :: Only',
        *(f'Programming Language :: Python :: {v}' for v in cfg['pythons'].split()),
        'Topic :: Education', 'Topic :: Scientific/Engineering :: Artificial Intelligence', 'Typing :: Typed'],
    packages=find_packages(include=[cfg['lib_path'], cfg['lib_path'] + '.*']),
    package_data={cfg['lib_name']: ['py.typed', 'assets/*', 'mnist/*.gz']},
    python_requires='>=' + cfg['min_python'],
    install_requires=cfg['requirements'].split(),
    extras_require={name: cfg[f'{key}_requirements'].split() for name, key in
                    (('notebooks', 'notebook'), ('scale', 'scale'), ('dev', 'dev'))},
    entry_points={'nbdev': [f"{cfg['lib_name']}={cfg['lib_path']}._modidx:d"]},  # lets nbdev link to our names
    cmdclass={'build_py': Build},
    zip_safe=False,
)
