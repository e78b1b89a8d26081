"The benchmarks without their timings: each script is known, what fails is not kept, the page shows the last run."

import json
import shutil
import subprocess
import sys
import tomllib

import lxml.html
import pytest
from conftest import ROOT

FOLDER = ROOT/'benchmarks'
TABLES = tomllib.loads((FOLDER/'tables.toml').read_text(encoding='utf-8'))['table']
LAST = json.loads((FOLDER/'last.json').read_text(encoding='utf-8'))


def test_each_script_is_known():
    called = {'run', 'diagnosis_peer'}  # the second by diagnosis.py
    assert {t['script'] for t in TABLES} == {p.stem for p in FOLDER.glob('*.py')} - called
    for t in TABLES:
        assert set(t) <= {'script', 'title', 'says', 'sections', 'args', 'long'} and t['sections'], t['script']
        assert t['says'].endswith('.') and ('better' in t['says'] or 'wanted' in t['says']), f'{t["script"]}: which way is good?'


@pytest.fixture
def bench(tmp_path):
    "run.py in a folder of its own, with scripts that take no time."
    folder = tmp_path/'benchmarks'
    folder.mkdir()
    shutil.copy(FOLDER/'run.py', folder)
    def run(scripts, *wanted):
        rows = []
        for name, (source, extra) in scripts.items():
            (folder/f'{name}.py').write_text(source)
            rows.append(f'[[table]]\nscript = "{name}"\ntitle = "T"\nsays = "S."\nsections = []\n{extra}\n')
        (folder/'tables.toml').write_text('\n'.join(rows))
        done = subprocess.run([sys.executable, str(folder/'run.py'), *wanted], capture_output=True, text=True)
        last = folder/'last.json'
        return done, json.loads(last.read_text(encoding='utf-8')) if last.exists() else None
    return run


ECHO = 'import sys\nprint("| a |\\n| --- |\\n|", *sys.argv[1:], "|")'


def test_what_a_script_prints_is_kept(bench):
    done, last = bench({'one': (ECHO, 'args = ["3"]'), 'two': (ECHO, 'long = 20')})
    assert done.returncode == 0, done.stderr
    assert last['one']['text'].endswith('| 3 |') and last['two']['text'].endswith('| stored |')
    assert set(last['one']['about']) == {'date', 'nnbolts', 'torch', 'numpy', 'python', 'system', 'processor', 'cores'}
    assert last['one']['seconds'] >= 0 and 'python benchmarks/two.py, some 20 minutes' in done.stdout


def test_a_script_that_fails_makes_all_fail_and_changes_nothing(bench):
    bench({'one': (ECHO, ''), 'two': (ECHO, '')})
    done, last = bench({'one': ('print("half")\nraise SystemExit(3)', ''), 'two': (ECHO, '')})
    assert done.returncode != 0 and 'one' in done.stderr
    assert last['one']['text'].startswith('| a |'), 'the last good run is kept'
    assert done.stdout.count('| a |') == 1, 'the others are run all the same'


def test_some_alone_keep_the_others(bench):
    scripts = {'one': (ECHO, ''), 'two': (ECHO, '')}
    before = bench(scripts)[1]
    done, last = bench({**scripts, 'two': ('print("new")', '')}, 'two')
    assert last['one'] == before['one'] and last['two']['text'] == 'new'
    assert 'No such table: three' in bench(scripts, 'three')[0].stderr


@pytest.mark.parametrize('script', [t['script'] for t in TABLES if 'long' in t])
def test_what_takes_long_has_stored_figures(script):
    assert (FOLDER/f'{script}.json').exists()
    text = LAST[script]['text']
    assert '| ---' in text and 'Measured on' in text


def test_all_is_measured_in_a_quarter_of_an_hour():
    assert sum(made['seconds'] for made in LAST.values()) < 15*60


def test_the_page_shows_each_table(site):
    page = lxml.html.parse(site/'benchmarks.html').getroot()
    for t in TABLES:
        (head,) = page.xpath('//main//h2[@id=$id]', id=t['script'].replace('_', '-'))
        assert head.text_content().rstrip('#') == t['title']
        part = head.getparent()
        links = part.xpath('.//p[last()]/a/@href')
        assert len(links) == len(t['sections']), links
        made = LAST.get(t['script'])
        said = ' '.join(part.text_content().split())
        if not made: assert f'run.py {t["script"]}' in said
        else:
            assert len(part.xpath('.//table')) == sum(line.startswith('| --') for line in made['text'].split('\n'))
            assert made['about']['date'] in said and ('long' in t or made['about']['torch'] in said)
        if 'long' in t: assert f'python benchmarks/{t["script"]}.py' in said
