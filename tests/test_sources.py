"The page of sources: every source has its rows, every row a section that is there, every figure a run behind it."

import json
import re
from pathlib import Path

import lxml.html
import pytest
from conftest import ROOT

PAGE = ROOT/'nbs'/'24_sources.ipynb'
WANTED = {  # the least number of rows of each source
    'What is torch.nn really?': 30, 'Minibatch training': 25, 'Callbacks, special methods, variance': 20,
    'The digits of fastbook': 30, 'Gradient descent': 7, 'Dropout': 7, 'Batch normalization': 7,
    'Backpropagation and detach': 8, 'Losses': 7, 'register_buffer': 4, 'Groups in convolutions': 6, 'Hooks': 7,
    'Weight normalization': 7, 'Einstein summation': 8, 'Instance and layer norm': 5}
MARKS = ('kept', 'mended', 'answered', 'more')


def cells(kind): return [c for c in json.loads(PAGE.read_text(encoding='utf-8'))['cells'] if c['cell_type'] == kind]


def tables():
    "The tables of the page as it is stored: the source, and its Markdown."
    for c in cells('code'):
        if name := re.search(r"^table\('([^']+)'", ''.join(c['source']), re.M):
            yield name[1], ''.join(c['outputs'][0]['data']['text/markdown'])


TABLES = dict(tables())


def rows(source): return [re.split(r'\s*(?<!\\)\|\s*', line.strip('| ')) for line in TABLES[source].split('\n')[2:]]


def test_each_source_is_there():
    assert list(TABLES) == list(WANTED)


@pytest.mark.parametrize('source', WANTED)
def test_each_idea_has_its_row(source):
    found = rows(source)
    assert len(found) >= WANTED[source]
    assert len({r[0] for r in found}) == len(found), 'an idea stands twice'
    for r in found:
        assert re.findall(r'\]\(([\w/]+\.ipynb)#[^)\s]+\)', r[1]), r
        assert '{' not in ''.join(r), r


def test_each_source_is_linked():
    said = '\n'.join(''.join(c['source']) for c in cells('markdown'))
    addresses = set(re.findall(r'\]\((https://[^)\s]+)\)', said))
    assert sum('vinsis/understanding-neuralnetworks-pytorch/blob' in a for a in addresses) == 11
    for part in ('tutorials/beginner/nn_tutorial', '03_minibatch_training', '05a_foundations', '04_mnist_basics'):
        assert any(part in a for a in addresses), part


def test_what_was_put_right_has_its_figure():
    "At least half of the mended rows quote a figure of the page."
    mended = [r for source in WANTED for r in rows(source) if len(r) > 2 and r[2].startswith('*mended*')]
    assert len(mended) >= 40 and 2*sum('**' in r[2] for r in mended) >= len(mended)


@pytest.mark.parametrize('source', WANTED)
def test_each_link_leads_to_a_section_of_the_site(site, source):
    page, pages, dead = lxml.html.parse(site/'sources.html').getroot(), {}, []
    heads = [' '.join(h.text_content().split()).rstrip('#') for h in page.xpath('//main//h2|//main//h3')]
    assert heads
    links = {(a.get('href'), a.text_content()) for a in page.xpath('//main//table//a') if '#' in a.get('href')}
    assert links
    for line in rows(source):
        for notebook, anchor in re.findall(r'\]\(([\w/]+\.ipynb)#([^)\s]+)\)', line[1]):
            path = Path(notebook)
            name = (path.parent/re.sub(r'^\d+_', '', path.stem)).as_posix() + '.html'
            if name not in pages: pages[name] = set(lxml.html.parse(site/name).getroot().xpath('//main//@id'))
            if anchor not in pages[name]: dead.append(f'{name}#{anchor}')
            elif not any(href == f'{name}#{anchor}' for href, _ in links): dead.append(f'not linked: {name}#{anchor}')
    assert not dead, '\n'.join(dead)


def test_the_rows_are_filtered(browser, served):
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(f'{served}/sources.html')
    every = tab.locator('main tbody tr').count()
    tab.locator('#nb-rows').fill('mended dropout')
    seen = tab.locator('main tbody tr:visible').all_text_contents()
    assert 1 <= len(seen) < 10 and all('mended' in s and 'dropout' in s.lower() for s in seen)
    assert tab.locator('h2:visible', has_text='Eleven articles').count() == 1
    assert tab.locator('h2:visible', has_text='Minibatch training').count() == 0
    assert f'{len(seen)} of {every}' in tab.locator('.nb-filter').inner_text()
    tab.locator('#nb-rows').fill('')
    assert tab.locator('main tbody tr:visible').count() == every
    context.close()
