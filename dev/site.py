"""Render the website from the notebooks into _docs/.

    python dev/site.py            build what changed and say how to open it
    python dev/site.py --force    build everything
    python dev/site.py --serve    serve _docs/ and build again on each change

The steps are modules of dev/website/, in this order: `process` (nbdev exports the package and processes the notebooks into _proc/),
`stage` (notebooks that any renderer can take, in _site_src/), `render` (Quarto or smalldocs turns them into HTML), `passes` (what is
done to the content of each page), `look` (the document around it), then what is made from all pages: `stuck`, `reference`, `search`, `discovery`.
"""
import argparse
import os
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent)]


def main() -> None:
    from website.build import build_site, serve
    from website.project import DOCS
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--force', action='store_true', help='build everything')
    p.add_argument('--serve', action='store_true', help='serve and build on change')
    args = p.parse_args()
    if not build_site(args.force): print('The site is as the notebooks are: nothing to build.')
    if args.serve: serve()
    else: print(f'Open it: {os.path.relpath(sys.executable)} -m http.server -d {os.path.relpath(DOCS)} 8000, then http://127.0.0.1:8000\n'
                'Next: `make preview` builds again on each change, `make test` checks everything.')


if __name__ == '__main__': main()
