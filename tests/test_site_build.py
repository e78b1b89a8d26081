"The site's build, step by step: what is staged, what folds, what the reference reads, what the files say. No browser."

import gzip
import json
import re
import xml.etree.ElementTree as ET
import zlib

import lxml.html
import notebooks as N
import pytest
from conftest import ROOT
from website import render, stage, symbols
from website.html import fragment, plain_words, text_of
from website.passes import LAST, PASSES
from website.passes.cells import first_words, only_checks
from website.passes.links import known
from website.passes.stuck import GROUPS, unmarked
from website.project import Page, nav, page_of
from website.reference import add_reference
from website.search import record
from website.stuck_page import stuck_page

SMALL = ROOT/'tests'/'fixtures'/'01_small.ipynb'


def staged_small(): return stage.staged(json.loads(SMALL.read_text(encoding='utf-8')))


@pytest.fixture(scope='module')
def small(tmp_path_factory):
    "The small page, staged, rendered by smalldocs, finished."
    from smalldocs.site import build as smalldocs
    folder = tmp_path_factory.mktemp('small')
    (folder/'small.ipynb').write_text(json.dumps(staged_small()), encoding='utf-8')
    (folder / '_quarto.yml').write_text(
        'project:\n  type: website\n  output-dir: _docs\nformat:\n  html:\n    code-copy: true\n', encoding='utf-8'
    )
    smalldocs(folder, quiet=True)
    page = Page(
        'small.html',
        'Small',
        'What is small?',
        render.content((folder / '_docs' / 'small.html').read_text(encoding='utf-8')),
        SMALL,
        None,
        'losses',
    )
    losses = Page('losses.html', 'Losses', '', lxml.html.fragment_fromstring('<main><h2 id="a">A</h2></main>'), SMALL)
    pages = {'small.html': page, 'losses.html': losses}
    for change in (*PASSES, add_reference, *LAST): change(page, pages)
    return page


# --- staging

@pytest.fixture(scope='module')
def all_staged(site):
    "Every notebook of the project as it is handed to a renderer."
    return {
        p.name: json.loads(
            (ROOT / '_site_src' / page_of(p.relative_to(N.NBS).as_posix()))
            .with_suffix('.ipynb')
            .read_text(encoding='utf-8')
        )
        for p in N.notebooks()
    }


def test_staged_sources_are_lines_with_their_newlines(all_staged):
    for name, nb in all_staged.items():
        for c in nb['cells']:
            assert isinstance(c['source'], list), f'{name}: Quarto drops the newlines of a source that is one string'
            assert all(line.endswith('\n') for line in c['source'][:-1]), (name, c['source'])


def test_staged_captions_are_in_the_figure_only(all_staged):
    for name, nb in all_staged.items():
        for c in nb['cells']:
            if c['cell_type'] != 'code': continue
            assert not re.search(
                r'^#\|\s*fig-(cap|alt)', ''.join(c['source']), re.M
            ), f'{name}: a caption that a renderer would write a second time'


def test_every_caption_of_the_notebooks_is_staged_once(all_staged):
    for p in N.notebooks():
        raw = json.loads(p.read_text(encoding='utf-8'))
        captions = [
            o['fig-cap']
            for c in raw['cells']
            if c['cell_type'] == 'code'
            and any(o.get('data') for o in c['outputs'])
            and 'fig-cap' in (o := stage.options(N.joined(c['source']))[0])
            and '#| hide\n' not in N.joined(c['source'])
        ]
        text = json.dumps(all_staged[p.name], ensure_ascii=False)
        assert text.count('<figcaption>') == len(captions), (p.name, text.count('<figcaption>'), len(captions))


def test_no_renderer_reads_a_title_of_an_answer_as_markdown():
    text = ''.join(''.join(c['source']) for c in staged_small()['cells'])
    assert '<details><summary>2. What does __enter__ give?</summary>' in text and 'callout' not in text
    assert text.count('```{=html}') == 6, 'each <details> and its end stands in a raw block'


def test_no_callout_is_staged(all_staged):
    for name, nb in all_staged.items():
        for c in nb['cells']: assert '{.callout' not in ''.join(c['source']), name


def test_a_failure_of_quarto_is_said_plainly(monkeypatch):
    class Done: returncode, stderr, stdout = 1, 'line one\nERROR: no such format', ''
    monkeypatch.setattr(render.subprocess, 'run', lambda *a, **k: Done)
    with pytest.raises(SystemExit, match='(?s)Quarto could not render.*no such format'): render.run_quarto()


def test_another_renderer_builds_the_site_again(monkeypatch):
    from website import project
    monkeypatch.setattr(project.shutil, 'which', lambda name: None)
    one = project.state()
    monkeypatch.setattr(project.shutil, 'which', lambda name: '/usr/bin/quarto')
    assert project.state() != one


# --- the finished content of the small page

def test_math_code_and_links_of_a_page(small):
    main = small.main
    assert len(main.xpath('.//math')) >= 2 and not main.xpath('.//*[contains(@class, "math ")]')
    assert main.xpath('.//p/a[@href="losses.html"]') and main.xpath(
        './/svg/a[@href="losses.html"]'
    ), 'links of the text and of figures'
    assert not main.xpath('.//button') and not main.xpath('.//script[@src]')
    code = main.xpath('.//pre[@class="sourceCode"]/code[@class="python"]')[0].text_content()
    assert code == 'x = 2\ny = x**2\nprint(y)'


def test_an_anchor_is_found_however_a_renderer_writes_it():
    ids = {'keys-in-state_dict', 'Module', 'Adam.step'}
    assert (
        known('keys-in-state-dict', 'there', ids) == known('keys-in-state_dict', 'there', ids) == 'keys-in-state_dict'
    )
    assert known('module', 'Module', ids) == 'Module' and known('elsewhere', 'there', ids) == 'elsewhere'


@pytest.mark.parametrize(
    ('math', 'said'),
    [
        ('<msup><mn>10</mn><mrow><mo>−</mo><mn>45</mn></mrow></msup>', '10⁻⁴⁵'),
        ('<msup><mi>e</mi><mi>z</mi></msup>', 'eᶻ'),
        ('<msub><mi>x</mi><mi>i</mi></msub>', 'xᵢ'),
        ('<msup><mi>e</mi><msub><mi>z</mi><mi>q</mi></msub></msup>', 'e^(z_q)'),
        ('<mfrac><mn>1</mn><mi>n</mi></mfrac>', '1/n'),
    ],
)
def test_math_in_plain_words(math, said):
    assert plain_words(fragment(f'<p>so <math>{math}</math>.</p>')) == f'so {said}.'


def test_captions_stand_once(small):
    assert [' '.join(c.text_content().split()) for c in small.main.xpath('.//figcaption')] == [
        'A line of y',
        'What the slider shows',
    ]
    assert small.main.xpath('.//figure/*[@class="nb-explore"]'), 'an HTML output keeps its caption'


def test_headings_have_the_anchors(small):
    heads = {h.text_content(): h.get('id') for h in small.main.iter('h2', 'h3')}
    assert heads['When it goes wrong'] == 'when-it-goes-wrong' and heads['Reference'] == 'reference'
    assert all(heads.values()) and len(set(small.main.xpath('.//@id'))) == len(small.main.xpath('.//@id'))


def test_answers_are_details(small):
    heads = [s.text_content() for s in small.main.xpath('.//details[not(@class)]/summary')]
    assert heads == ['1. Why is x.grad None?', '2. What does __enter__ give?']
    first = small.main.xpath('.//details[not(@class)]')[0]
    assert first.xpath('.//math') and first.xpath('.//pre')


def test_cells_that_check_are_folded(small):
    folded = [d.xpath('./summary')[0].text_content() for d in small.main.xpath('.//details[@class="nb-checked"]')]
    assert folded == ['✓ checked: assert y == 4', '✓ checked: test_eq(square(2), y)']


def test_mistakes_are_found(small):
    one, two = small.stuck
    assert (one.symptom, one.group, one.also) == (
        'RuntimeError: mat1 and mat2 shapes cannot be multiplied',
        'error',
        'linear layer input size, matmul shape',
    )
    assert one.cause == 'The last dimension of the input is not the in_features of the layer.' and two.group == 'nan'
    assert one.mend and one.mend != one.cause and one.mend[-1] in '.!' and 'Mend' not in one.mend, one.mend
    assert small.main.xpath(f'.//h3[@id="{one.anchor}"]') and not small.main.xpath('.//*[@class="nb-stuck"]')
    assert (
        two.symptom == "AttributeError: cannot assign module before Module.__init__() call: it's ... late"
    ), 'a message is no Markdown'
    assert not unmarked(small)


def test_the_words_of_a_mistake_are_searched(small):
    head = small.main.xpath('.//h3[@data-stuck="error"]')[0]
    html = record(small, head, [], set())
    assert 'linear layer input size' in html and 'data-pagefind-weight="10"' in html


def test_the_front_door_lists_the_mistakes_by_kind(small):
    page = stuck_page({'small.html': small})
    assert [h.text_content() for h in page.main.iter('h2')] == [GROUPS['error'], GROUPS['nan']]
    link = page.main.xpath('.//li/a')[0]
    assert (
        link.get('href') == f'small.html#{small.stuck[0].anchor}' and 'in_features' in link.getparent().text_content()
    )


def test_an_unknown_kind_of_mistake_is_refused(small):
    main = lxml.html.fragment_fromstring(
        '<main><h3 id="a">It</h3><div class="nb-stuck" data-group="errors" data-also=""></div></main>'
    )
    page = Page('x.html', 'X', '', main)
    with pytest.raises(SystemExit, match='stuck: errors'):
        for change in PASSES: change(page, {})


# --- cells that only check

FOLDS = [
    'assert x == 1',
    'test_eq(a, b)\ntest_close(a, b, 1e-6)',
    'same(f, g, x)',
    'with ExceptionExpected(ValueError): f(-1)',
    'for x in xs:\n    y = f(x)\n    test_close(y, g(x))',
    'def bad(): return f(-1)\ntest_fail(bad, contains="x")',
    'import numpy as np\ntest_eq(np.e, e)',
    'm = M()\nm.train()\nassert m.training',
    'from fastcore.test import test_eq\nfor i in (1, 2):\n    if i: assert i',
    'a, b = f(x)\nassert a is b',
]
SHOWS = [
    'x = 1',
    'print(x)\nassert x',
    'compare("a", x, y)',
    'model.train()\nassert model.training',
    'f(x)',
    'def f(x): return x',
    'for x in xs: print(x)',
    'x.grad = None\nassert x.grad is None',
    'import torch',
    '%time f()',
    'fit(model)\ntest_eq(x, 1)',
]


@pytest.mark.parametrize('code', FOLDS)
def test_a_cell_that_only_checks_folds(code): assert only_checks(code)


@pytest.mark.parametrize('code', SHOWS)
def test_a_cell_that_does_more_shows(code): assert not only_checks(code)


def test_a_cell_whose_names_are_read_later_shows():
    code = 'p = f(x)\nassert p > 0'
    assert only_checks(code, ['q = 2', 'print(q)'])
    assert not only_checks(code, ['q = p + 1'])
    assert only_checks(code, ['p = 3', 'print(p)']), 'bound again before it is read'
    assert only_checks(
        code, ['for p in ps: print(p)', 'print([p for p in ps])', 'f(lambda p: p)']
    ), 'a name of their own'


def test_a_folded_cell_says_what_it_checks():
    assert first_words('# the shift cancels\nassert x == y') == 'the shift cancels'
    assert first_words('y = f(x)\ntest_eq(y, 1)') == 'test_eq(y, 1)'
    assert (
        first_words('test_close(a_long_name + another_long_name, a_third_long_name, 1e-6)')
        == 'test_close(a_long_name + another_long_name, a_third_long_name …'
    )


# --- the reference

SOURCE = '''
__all__ = ['scale', 'Box']
def _floats(x):
    if not x: raise TypeError(f'x must be a tensor, got {type(x).__name__}')
def scale(
    x: Tensor,  # the input
    by: float = 2.0,  # the factor
    *, safe=True  # look first?
) -> Tensor:  # x times the factor
    "Make it larger."
    # a comment of the body
    _floats(x)
    if by < 0: raise ValueError('by must be positive')
    return x * by

class Box(Base):
    "A box."
    def __init__(self, size): self.size = size  # no comment of a parameter
    def grow(self, by=1):  # the box itself
        "Larger."
        return self
    def _hidden(self): pass

@patch
def shrink(self: Box,
    by  # how much
): pass
Box.default = 3
'''


def test_the_reference_reads_a_module():
    scale, box = symbols.read_module('m', SOURCE)
    assert (
        scale.signature == 'scale(x: Tensor, by: float = 2.0, *, safe=True) -> Tensor'
        and scale.says == 'Make it larger.'
    )
    assert [(p.name, p.type, p.default, p.says) for p in scale.params] == [
        ('x', 'Tensor', '', 'the input'),
        ('by', 'float', '2.0', 'the factor'),
        ('safe', '', 'True', 'look first?'),
    ]
    assert scale.returns == ('Tensor', 'x times the factor')
    assert scale.raises == [
        ('TypeError', 'x must be a tensor, got {type(x).__name__}'),
        ('ValueError', 'by must be positive'),
    ]
    assert scale.source.startswith('def scale(') and SOURCE.split('\n')[scale.line - 1].startswith('def scale')
    assert (
        box.signature == 'Box(size)' and box.says == 'A box. A kind of `Base`.' and [p.says for p in box.params] == ['']
    )
    assert [(m.name, m.signature) for m in box.members] == [('Box.grow', 'grow(by=1)'), ('Box.shrink', 'shrink(by)')]
    assert (
        box.members[0].returns[1] == 'the box itself'
        and box.members[1].params[0].says == 'how much'
        and box.members[1].source.startswith('@patch')
    )


def test_every_exported_name_has_its_entry(site):
    for module, found in symbols.modules().items():
        page = next((n for n in ('', 'tools/') if (site/f'{n}{module}.html').exists()), None)
        if page is None: continue
        tree = lxml.html.parse(site/f'{page}{module}.html').getroot()
        entries = {e.get('data-name'): e for e in tree.xpath('//*[@data-name]')}
        wanted = [s for top in found for s in (top, *top.members)]
        assert set(entries) == {s.name for s in wanted}, module
        for s in wanted:
            e = entries[s.name]
            assert e.xpath(f'.//*[@id="{s.name}"]') and e.xpath(
                f'.//a[contains(@href, "nnbolts/{module}.py#L{s.line}")]'
            ), s.name
            assert [
                r.xpath('string(.)') for r in e.xpath('./div/table[contains(@class, "nb-params")]/tbody/tr/th')
            ] == [p.name for p in s.params], s.name


def test_the_reference_page_names_all(site):
    tree = lxml.html.parse(site/'reference.html').getroot()
    hrefs = {a.get('href') for a in tree.xpath('//main//a')}
    for module, found in symbols.modules().items():
        for s in found: assert any(h.endswith(f'{module}.html#{s.name}') for h in hrefs), s.name


# --- the pages

@pytest.fixture(scope='module')
def trees(site): return {p.relative_to(site).as_posix(): lxml.html.parse(p).getroot() for p in site.rglob('*.html')}


def test_each_mistake_is_marked_and_says_its_cause(trees):
    "A heading under \"When it goes wrong\" of a page that has one mark must have its own."
    for name, tree in trees.items():
        inside, heads = False, []
        for h in tree.xpath('//main//h2|//main//h3'):
            if h.tag == 'h2': inside = ' '.join(h.text_content().split()).startswith('When it goes wrong')
            elif inside: heads.append(h)
        if not tree.xpath('//*[@data-stuck]'): continue
        assert not [h.text_content() for h in heads if not h.get('data-stuck')], name
    for li in trees['stuck.html'].xpath('//ul[@class="nb-stuck-list"]/li'):
        for part in ('nb-cause', 'nb-mend'):
            assert ''.join(li.xpath(f'./*[@class="{part}"]/text()')).strip(), (part, li.text_content())


def test_pages_weigh_little(site, report):
    weights = {p.relative_to(site).as_posix(): len(gzip.compress(p.read_bytes())) for p in site.rglob('*.html')}
    report(
        'kilobytes, compressed: '
        + ', '.join(f'{name} {n/1024:.0f}' for name, n in sorted(weights.items(), key=lambda item: -item[1]))
    )
    assert not (heavy := {name: n for name, n in weights.items() if n > 300*1024}), heavy


def test_ids_are_unique(trees):
    for name, tree in trees.items():
        ids = tree.xpath('//main//@id[not(ancestor::*[local-name()="svg"])]')
        assert len(ids) == len(set(ids)), (name, [i for i in ids if ids.count(i) > 1])


def test_scripts_wait(trees):
    for name, tree in trees.items():
        for s in tree.xpath('//script[@src]'): assert 'defer' in s.attrib, (name, s.get('src'))


# --- what machines find

def test_sitemap_lists_the_pages(site):
    locs = [e.text for e in ET.parse(site/'sitemap.xml').iter('{http://www.sitemaps.org/schemas/sitemap/0.9}loc')]
    base = 'https://nnbolts.github.io/nnbolts/'
    pages = {p.relative_to(site).as_posix() for p in site.rglob('*.html')} - {'404.html'}
    assert {loc.removeprefix(base) or 'index.html' for loc in locs} == pages and len(locs) == len(pages)


def test_objects_inv_is_an_inventory(site, trees):
    data = (site/'objects.inv').read_bytes()
    head, rest = data.split(b'compressed using zlib.\n', 1)
    assert head.startswith(b'# Sphinx inventory version 2\n# Project: nnbolts\n# Version: ')
    rows = [
        re.fullmatch(r'(.+?) (\S+) (-?\d+) (\S*) (.+)', r).groups() for r in zlib.decompress(rest).decode().splitlines()
    ]
    where = {name: uri for name, role, _, uri, _ in rows if role.startswith('py:')}
    assert (
        where['nnbolts.losses.cross_entropy'] == 'losses.html#cross_entropy'
        and where['nnbolts.learner.Learner.fit'] == 'learner.html#Learner.fit'
    )
    for name, uri in where.items():
        page, _, anchor = uri.partition('#')
        assert not anchor or trees[page].xpath(f'//*[@id="{anchor}"]'), (name, uri)


def test_a_name_that_torch_has_too_leads_to_no_other_page_of_ours(trees):
    "`std` on the page of norms is PyTorch's, which divides by n - 1; ours, of statistics, does not."
    meant = ('view', 'std', 'fit', 'Linear', 'clip_grad_norm_', 'cross_entropy')
    for name, tree in trees.items():
        if name == 'reference.html': continue  # there ours are meant
        links = tree.xpath('//main//a[count(*) = 1 and code]')
        wrong = [(a.text_content(), a.get('href')) for a in links if not a.get('href').startswith(('#', 'http'))]
        assert not [x for x in wrong if x[0] in meant or x[0].startswith('_')], name

def test_no_markdown_shows_as_text(trees):
    "A link with a name in back quotes, which nbdev links once more, is raw text on the page."
    for name, tree in trees.items():
        for e in tree.xpath('//main//p | //main//li'):
            assert not re.search(r'\]\([\w/.]*#', text_of(e)), (name, text_of(e)[:80])

def test_every_notebook_has_a_markdown_twin(site):
    text = (site/'llms.txt').read_text(encoding='utf-8')
    for p in N.notebooks():
        twin = page_of(p.relative_to(N.NBS).as_posix()).removesuffix('.html') + '.md'
        said = (site/twin).read_text(encoding='utf-8')
        assert (
            twin in text
            and said.startswith('# ')
            and '\n<svg' not in said
            and '{=html}' not in said
            and 'nb-stuck' not in said
            and not re.search(r'\]\((?!http)[^)]*\.ipynb', said)
        ), twin


def test_a_link_to_a_foreign_notebook_stays_in_the_twin(site):
    for page in ('questions', 'sources'):
        said = (site/f'{page}.md').read_text(encoding='utf-8')
        assert 'fastbook/blob/master/04_mnist_basics.ipynb)' in said and 'master/mnist_basics.md' not in said


def test_each_page_names_itself(trees):
    for name, tree in trees.items():
        if name == '404.html': continue
        own = 'https://nnbolts.github.io/nnbolts/' + ('' if name == 'index.html' else name)
        assert tree.xpath('//link[@rel="canonical"]/@href') == [own], name
        assert tree.xpath('//meta[@property="og:title"]/@content') and tree.xpath(
            '//meta[@name="description"]/@content'
        )


def test_each_chapter_has_a_picture_for_links_to_it(site, trees):
    from PIL import Image
    for name, tree in trees.items():
        if name in ('404.html', 'reference.html', 'stuck.html', 'benchmarks.html'): continue
        (card,) = tree.xpath('//meta[@property="og:image"]/@content')
        with Image.open(site / card.removeprefix('https://nnbolts.github.io/nnbolts/')) as picture:
            assert picture.size == (1200, 630) and picture.format == 'PNG'


def test_the_landing_page_begins_with_what_one_needs(trees):
    hero = trees['index.html'].xpath('//*[@class="nb-hero"]')[0]
    assert (
        hero.xpath('.//search')
        and hero.xpath('.//a[@href="basics.html" and @class="nb-start"]')
        and hero.xpath('.//a[@href="stuck.html"]')
    )
    assert len(hero.xpath('.//*[contains(@class, "nb-explore-controls")]')) == 1
    assert [a.get('href') for a in hero.xpath('.//nav//a')] == [n for _, n in dict(nav())['Chapters']]
    heads = [h.get('id') for h in trees['index.html'].xpath('//main//h2')]
    assert heads.index('the-chapters') < heads.index('three-ways-in'), 'how to build comes after'
