"What a release must agree in, tried on copies; the whole of it is `python dev/release.py`, test_wheel.py has the files."

import re
import shutil
import urllib.request
from functools import partial
from http.server import ThreadingHTTPServer
from threading import Thread

import lxml.html
import pytest
import release
import yaml
from conftest import ROOT

CITE = yaml.safe_load((ROOT/'CITATION.cff').read_text(encoding='utf-8'))


def test_this_checkout_could_be_released(): assert list(release.problems()) == []


@pytest.fixture
def copy(tmp_path):
    (tmp_path/'nnbolts').mkdir()
    for name in ('settings.ini', 'CHANGELOG.md', 'CITATION.cff', 'nnbolts/__init__.py'): shutil.copy(ROOT/name, tmp_path/name)
    return tmp_path


def edit(folder, name, old, new):
    text = (folder/name).read_text(encoding='utf-8')
    assert old in text
    (folder/name).write_text(text.replace(old, new, 1), encoding='utf-8')


V = release.settings(ROOT)['version']
FAULTS = {
    'a version elsewhere': (('settings.ini', f'version = {V}', 'version = 9.0.0'), ['CHANGELOG', '__init__', 'CITATION']),
    'no version of a release': (('settings.ini', f'version = {V}', f'version = {V}.dev'), ['no version of a release']),
    'the changelog without its section': (('CHANGELOG.md', f'## {V}', '## 0.0.1'), [f'does not begin with "## {V}"']),
    'a section of another form': (('CHANGELOG.md', f'## {V}', f'## {V} yesterday'), ['is not "## 0.1.0 (2026-01-31)"']),
    'sections out of order': (('CHANGELOG.md', f'## {V}', f'## {V}\n\n## 99.0.0'), ['the newest version comes first']),
    'another day': (('CHANGELOG.md', f'## {V}', f'## {V} (2001-01-31)'), ['was released on']),
    'an old citation': (('CITATION.cff', f'version: {V}', 'version: 0.0.9'), ['CITATION.cff says 0.0.9']),
    'another title': (('CITATION.cff', 'nuts and bolts', 'bolts and nuts'), ['CITATION.cff: title'])}


@pytest.mark.parametrize('fault', FAULTS)
def test_what_does_not_agree_is_found(copy, fault):
    assert list(release.problems(copy)) == []
    how, wanted = FAULTS[fault]
    edit(copy, *how)
    found = '\n'.join(release.problems(copy))
    for part in wanted: assert part in found, found


def test_a_day_behind_the_version_is_fine(copy):
    edit(copy, 'CHANGELOG.md', f'## {V}', f'## {V} ({CITE["date-released"]})')
    assert list(release.problems(copy)) == []


def test_the_files_are_served_as_an_index(tmp_path):
    wheel = tmp_path/f'nnbolts-{V}-py3-none-any.whl'
    wheel.write_bytes(b'wheel')
    release.index([wheel], tmp_path/'served')
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(release.Quiet, directory=str(tmp_path/'served')))
    Thread(target=server.serve_forever, daemon=True).start()
    base = f'http://127.0.0.1:{server.server_port}/simple/nnbolts/'
    with urllib.request.urlopen(base) as page: (link,) = lxml.html.fromstring(page.read()).xpath('//a/@href')
    with urllib.request.urlopen(base + link.partition('#')[0]) as file: assert file.read() == b'wheel'
    server.shutdown()
    assert re.fullmatch(rf'{re.escape(wheel.name)}#sha256=[0-9a-f]{{64}}', link)


def test_the_site_cites_what_the_citation_file_says(site):
    text = lxml.html.parse(site/'index.html').getroot().get_element_by_id('how-to-cite').getparent().text_content()
    for part in (CITE['title'], CITE['authors'][0]['name'], f'Version {CITE["version"]}', CITE['url'], str(CITE['date-released'].year)):
        assert part in text, part


def test_each_page_says_its_version(site):
    pages = [p for p in site.rglob('*.html') if 'pagefind' not in p.parts]
    for p in pages:
        (foot,) = lxml.html.parse(p).getroot().xpath('//footer[@class="nb-foot"]')
        assert f'nnbolts {V}' in foot.text_content(), p
