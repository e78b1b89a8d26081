"Step 2: the processed notebooks as any renderer can take them, in _site_src/ under the names of their pages."
import json
import re
import shutil
from html import escape

import yaml
from notebooks import joined

from .mathml import mathml
from .project import NBS, PROC, STAGE, config, notebooks, page_of

CAPTION = ('fig-cap', 'fig-alt')


def markdown_line(s: str) -> str:
    "The few marks of a caption or a title as HTML: code, emphasis, math."
    s = re.sub(r'\$([^$]+)\$', lambda m: mathml(m[1]), escape(s, quote=False))
    s = re.sub(r'`([^`]+)`', r'<code>\1</code>', s)
    return re.sub(r'\*([^*\s][^*]*)\*', r'<em>\1</em>', s)


def figure(inner: str, caption: str | None) -> str:
    "A picture, a table or an explorer with its caption."
    cap = f'<figcaption>{markdown_line(caption)}</figcaption>' if caption else ''
    return f'<figure class="nb-figure">{inner}{cap}</figure>'


def named(svg: str, alt: str) -> str:
    "An SVG to stand in the page: text and axes in the page's color, and a name for those who cannot see it."
    from nnbolts.figures import _tidy
    return _tidy(svg).replace('<svg', f'<svg role="img" aria-label="{escape(alt, quote=True)}"', 1)


def options(source: str) -> tuple[dict, list[str]]:
    "The `#|` options at the top of a cell, and its lines without the captions, which the figures have from here on."
    lines = source.split('\n')
    n = next((i for i, s in enumerate(lines) if not s.startswith('#|')), len(lines))
    opts = yaml.safe_load('\n'.join(s[2:].strip() for s in lines[:n])) if n else {}
    kept = [s for s in lines[:n] if s[2:].strip().split(':')[0] not in CAPTION]
    return opts if isinstance(opts, dict) else {}, kept + lines[n:]


def stage_code(cell: dict) -> None:
    "Put the pictures of a cell into the page itself, each with its caption once; unlink names in its Markdown's code."
    opts, lines = options(joined(cell['source']))
    cell['source'] = '\n'.join(lines)
    for o in cell.get('outputs', []):
        data = o.get('data', {})
        cap = opts.get('fig-cap')
        said = {'text/plain': f'[{cap or "Figure"}] {opts.get("fig-alt", "")}'.strip()} if cap or 'image/svg+xml' in data else {'text/plain': joined(data.get('text/plain', ''))}
        if 'image/svg+xml' in data: o['data'] = said | {'text/html': figure(named(joined(data['image/svg+xml']), opts.get('fig-alt') or cap or 'figure'), cap)}
        elif 'text/markdown' in data: data['text/markdown'] = unlinked(joined(data['text/markdown']))
        elif 'text/html' in data: o['data'] = said | {'text/html': figure(joined(data['text/html']), cap) if cap else joined(data['text/html'])}


def unlinked(text: str) -> str:
    "Markdown without the links that nbdev puts into code blocks, where they would show as text."
    return re.sub(r'```.*?```', lambda m: re.sub(r'\[(`[^`]+`)\]\([^)\s]+\)', r'\1', m[0]), text, flags=re.S)


def raw(html: str) -> list[str]:
    "Lines of a block that renderers pass through as it is."
    return ['', '```{=html}', html, '```', '']


def stage_markdown(text: str) -> str:
    """Markdown whose folded answers and search words are plain HTML, which no renderer reads as anything else.

    `<details><summary>1. ...</summary>` would be a numbered list to Pandoc, `title="__enter__"` of a callout bold.
    A comment `<!-- stuck: GROUP; also: words -->` becomes an empty element that keeps both, and so does that of a term of the glossary.
    """
    out, open_divs, fenced = [], [], False
    for line in text.split('\n'):
        s = line.strip()
        if s.startswith('```'): fenced = not fenced
        if fenced: out.append(line)
        elif s.startswith('<details') and s.endswith('</summary>') or s == '</details>': out += raw(s)
        elif s.startswith('<!-- stuck:') and s.endswith('-->'):
            group, words = stuck_comment(s)
            head = max((n for n, line in enumerate(out) if line.startswith('#')), default=None)
            if head is not None: out[head] = verbatim(out[head])
            out += raw(f'<div class="nb-stuck" data-group="{escape(group)}" data-also="{escape(words)}"></div>')
        elif s.startswith('<!-- term;') and s.endswith('-->'):
            said = ' '.join(f'data-{k}="{escape(v)}"' for k, v in comment(s.replace('term;', '', 1), 9).items())
            out += raw(f'<div class="nb-term-of" {said}></div>')
        elif m := re.fullmatch(r'(:{3,})\s*\{\.callout-\w+(.*)\}', s):
            title = re.search(r'title="(.*?)"(?:\s|$)', m[2])
            folded = 'collapse="true"' in m[2]
            head = f'<summary>{markdown_line(title[1]) if title else "Note"}</summary>'
            out += raw(f'<details{"" if folded else " open"}>{head}')
            open_divs.append('</details>')
        elif re.match(r':{3,}\s*\S', s):
            out.append(line)
            open_divs.append(line)
        elif re.fullmatch(r':{3,}', s):
            end = open_divs.pop() if open_divs else line
            out += raw(end) if end == '</details>' else [line]
        else: out.append(line)
    return '\n'.join(out)


def verbatim(heading: str) -> str:
    "A heading whose underscores and stars are those of a message, not Markdown's; what is in back quotes is that anyway."
    return '`'.join(part if n % 2 else re.sub(r'(__|\*)', lambda m: ''.join('\\' + c for c in m[0]), part) for n, part in enumerate(heading.split('`')))


def stuck_comment(s: str) -> tuple[str, str]:
    "The group and the further words of a comment `<!-- stuck: GROUP; also: words -->`."
    fields = comment(s, 1)
    return fields.get('stuck', ''), fields.get('also', '')


def comment(s: str, most: int) -> dict[str, str]:
    "The fields of a comment `<!-- name: words; name: words -->`, split at so many semicolons."
    parts = s.removeprefix('<!--').removesuffix('-->').split(';', most)
    return {k.strip(): v.strip() for k, _, v in (part.partition(':') for part in parts)}


def staged(nb: dict) -> dict:
    "A processed notebook, ready for any renderer: its sources are lists of lines, each with its newline."
    for c in nb['cells']:
        if c['cell_type'] == 'code': stage_code(c)
        elif c['cell_type'] == 'markdown': c['source'] = stage_markdown(unlinked(joined(c['source'])))
        else: c['source'] = re.sub(r'^output-file:.*\n', '', joined(c['source']), flags=re.M)
        c['source'] = c['source'].splitlines(keepends=True)
    nb['cells'] = [c for c in nb['cells'] if ''.join(c['source']).strip() != '<!-- WARNING: THIS FILE WAS AUTOGENERATED! DO NOT EDIT! -->']
    return nb


def stage() -> None:
    "Write the staged notebooks and the configuration that renders them: content only, what stands around it is ours."
    shutil.rmtree(STAGE, ignore_errors=True)
    STAGE.mkdir()
    for src in notebooks():
        rel = src.relative_to(NBS)
        nb = staged(json.loads((PROC/rel).read_text(encoding='utf-8')))
        out = (STAGE/page_of(rel.as_posix())).with_suffix('.ipynb')
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(nb, ensure_ascii=False), encoding='utf-8')
    own = config()
    bare = dict(project={'type': 'website', 'output-dir': '_docs'}, format=own['format'], website={'title': own['website']['title'], 'search': False})
    (STAGE/'_quarto.yml').write_text(yaml.safe_dump(bare), encoding='utf-8')
