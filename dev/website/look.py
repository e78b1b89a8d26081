"The page around the text: head, bar, lists of pages and of sections, and what the text's own elements need for a look that is ours."
import copy, posixpath, re
from html import escape
from pathlib import Path
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from lxml import etree, html

HERE = Path(__file__).resolve().parent

def template(name):
    "A template of this folder's, in which text is escaped."
    env = Environment(loader=FileSystemLoader(HERE/'templates'), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return env.get_template(name)

def inner(e):
    "The HTML inside an element."
    return escape(e.text or '', quote=False) + ''.join(etree.tostring(c, encoding='unicode', method='html') for c in e)

def plain(e):
    "A heading as HTML without links and without ids: to stand in a list of sections."
    e = copy.deepcopy(e)
    for a in list(e.iter('a')): a.drop_tag()
    for x in e.iter():
        if 'id' in x.attrib: del x.attrib['id']
    return inner(e).strip()

def contents(main):
    "The sections of a page: each `<h2>` with the `<h3>` below it."
    out = []
    for h in main.iter('h2', 'h3'):
        id = h.get('id') or h.getparent().get('id')
        if not id or h.xpath('ancestor::details|ancestor::fieldset|ancestor::*[contains(@class, "nb-entry")]'): continue
        entry = dict(id=id, html=plain(h), under=[])
        if h.tag == 'h2' or not out: out.append(entry)
        else: out[-1]['under'].append(entry)
    return out

def minutes(main):
    "Reading time: 200 words a minute for what is not folded, not shown by a cell and not reference, and a line of code in two seconds."
    folded = './/*[self::details or self::script or self::style or self::fieldset or self::svg or contains(@class, "cell-output-display") or contains(@class, "nb-reference")]'
    rest = copy.deepcopy(main)
    for e in rest.xpath(folded):
        if e.getparent() is not None: e.drop_tree()
    code = sum(len(p.text_content().strip().splitlines()) for p in rest.iter('pre'))
    for e in list(rest.iter('pre')): e.drop_tree()
    return max(1, round(len(rest.text_content().split()) / 200 + code / 30))

def columns(main):
    "Tell each block of output how many columns it has, if there is a size of letters at which it fits: on a desktop up to 120, on a phone 55. A wider table does not wrap on a phone."
    for pre in main.xpath('.//*[contains(@class, "cell-output")]//pre'):
        lines = pre.text_content().splitlines()
        n = max(map(len, lines), default=0)
        apart = sum(bool(re.search(r'\S {2,}\S', line)) for line in lines)  # lines whose words stand in columns
        if n > 55 and apart > 1 and apart >= len(lines) / 2: pre.set('class', ' '.join(filter(None, [pre.get('class'), 'nb-columns'])))
        if n > 120: continue  # it wraps, at the size of other code
        pre.set('style', f'--cols:{max(n, 20)}')
        pre.set('class', ' '.join(filter(None, [pre.get('class'), 'nb-fit', 'nb-fit-phone' if n <= 55 else ''])))

def boxes(main):
    "Boxes that may scroll can be reached by keyboard, and have a name."
    for table in main.iter('table'):
        if table.xpath('ancestor::*[@class="nb-scroll"]|ancestor::fieldset'): continue
        box = html.Element('div', {'class': 'nb-scroll', 'tabindex': '0', 'role': 'region', 'aria-label': 'Table'})
        parent = table.getparent()
        parent.replace(table, box)
        box.tail, table.tail = table.tail, None
        box.append(table)
    for math in main.iter('math'):
        if math.get('display') == 'block': math.set('tabindex', '0')

def functions(main):
    "A thin space between the name of a function and what it is taken of, as in ln x; a bracket needs none."
    for mi in main.xpath('.//math//mi[string-length(text()) > 1]'):
        after = mi.getnext()
        if after is None or (after.tag == 'mo' and (after.text or '').strip() not in ('\u2211', '\u220f', '\u222b')): continue
        space = etree.Element('mspace', width='0.167em')
        mi.addnext(space)

def anchors(main):
    "Every section has its own address beside its heading, for whoever wants to send it to someone."
    for h in main.iter('h2', 'h3', 'h4'):
        if not h.get('id') or h.xpath('ancestor::details|ancestor::fieldset'): continue
        a = etree.SubElement(h, 'a', {'class': 'nb-anchor', 'href': f'#{h.get("id")}', 'aria-hidden': 'true', 'tabindex': '-1', 'data-pagefind-ignore': ''})
        a.text = '#'

def page(meta, main):
    "The whole document for the text of a page. `meta`: what the build knows about it."
    name, here = meta['name'], posixpath.dirname(meta['name'])
    root = '../' * (name.count('/'))
    toc = contents(main)
    columns(main)
    functions(main)
    boxes(main)
    anchors(main)
    own_title = bool(main.xpath('.//h1'))
    m = dict.fromkeys(('question', 'canonical', 'card', 'notebook', 'edit', 'issue', 'previous', 'next', 'verified', 'own')) | meta
    asked = m['question'] or ''
    m['question_html'] = re.sub(r'`([^`]+)`', r'<code>\1</code>', escape(asked, quote=False))
    m['question'] = asked.replace('`', '')
    return template('page.html').render(
        m=m, root=root, toc=toc if sum(1 + len(h['under']) for h in toc) > 2 else [], own_title=own_title,
        title='nnbolts: the nuts and bolts of neural networks' if name == 'index.html' else f'{m["title"]} · nnbolts',
        minutes=minutes(main) if m['notebook'] and m.get('kind') != 'list' else None,
        asks=bool(main.xpath('.//details[@class="nb-answer"]')), git_url=m.get('git_url', 'https://github.com/nnbolts/nnbolts'),
        to=lambda p: posixpath.relpath(p, here or '.'), body=inner(main))
