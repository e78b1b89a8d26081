"What each mistake of a page is, from the marks that its heading has."
from dataclasses import dataclass

from ..html import HEADINGS, has_class, sections, text_of

GROUPS = {
    'error': 'An error while it runs',
    'nan': 'The loss is nan or inf',
    'stuck': 'It does not learn',
    'wrong': 'It learns, and the result is wrong',
    'slow': 'It is slow, or fills the memory',
    'differs': 'The results differ from run to run, or from training to use',
}


@dataclass
class Mistake:
    "A mistake that a page mends: its symptom, where it stands, its kind, further words for it, its cause in one sentence."
    symptom: str
    anchor: str
    group: str
    also: str
    cause: str


def mistakes(page, site) -> None:
    "Find the marks `nb-stuck`, note the mistakes, and put the words on the headings."
    for head, blocks in list(sections(page.main)):
        marks = [m for b in blocks for m in b.xpath(f'descendant-or-self::*[{has_class("nb-stuck")}]')]
        if not marks: continue
        mark = marks[0]
        if head is None: raise SystemExit(f'{page.name}: a comment "stuck" stands before the first heading')
        if mark.get('data-group') not in GROUPS: raise SystemExit(f'{page.name}: "stuck: {mark.get("data-group")}" under "{text_of(head)}" is none of {", ".join(GROUPS)}')
        head.set('data-stuck', mark.get('data-group'))
        if mark.get('data-also'): head.set('data-also', mark.get('data-also'))
        page.stuck.append(Mistake(text_of(head), head.get('id'), mark.get('data-group'), mark.get('data-also') or '', cause(blocks)))
        for m in marks: m.drop_tree()


def cause(blocks) -> str:
    "The sentence after **Cause.**, or nothing."
    for b in blocks:
        for p in b.xpath('descendant-or-self::p[./strong]'):
            if (p.text or '').strip() == '' and text_of(p.xpath('./strong')[0]).rstrip('.:') == 'Cause':
                return text_of(p).removeprefix('Cause').lstrip('.: ')
    return ''


def unmarked(page) -> list[str]:
    "The headings under \"When it goes wrong\" that are no known mistake."
    out, inside = [], False
    for head in page.main.iter(*HEADINGS):
        if head.tag == 'h2': inside = text_of(head) == 'When it goes wrong'
        elif inside and head.tag == 'h3' and not head.get('data-stuck'): out.append(text_of(head))
    return out
