"What each mistake of a page is, from the marks that its heading has."
import re
from dataclasses import dataclass

from ..html import HEADINGS, has_class, plain_words, sections, text_of

GROUPS = {
    'error': 'An error while it runs',
    'nan': 'The loss is nan or inf',
    'stuck': 'It does not learn',
    'wrong': 'It learns, and the result is wrong',
    'slow': 'It is slow, or fills the memory',
    'differs': 'The results differ from run to run, or from training to use',
    'fine': 'It looks wrong, and is not',
    'how': 'How do I ...',
}

BOOKISH = str.maketrans({'‘': "'", '’': "'", '“': '"', '”': '"', '…': '...'})


@dataclass
class Mistake:
    "A mistake that a page mends: its symptom, where it stands, its kind, further words for it, cause and mend in a sentence."
    symptom: str
    anchor: str
    group: str
    also: str
    cause: str
    mend: str


def mistakes(page, site) -> None:
    "Find the marks `nb-stuck`, note the mistakes, and put the words on the headings."
    for head, blocks in list(sections(page.main)):
        marks = [m for b in blocks for m in b.xpath(f'descendant-or-self::*[{has_class("nb-stuck")}]')]
        if not marks: continue
        mark = marks[0]
        if head is None: raise SystemExit(f'{page.name}: a comment "stuck" stands before the first heading')
        if mark.get('data-group') not in GROUPS: raise SystemExit(f'{page.name}: "stuck: {mark.get("data-group")}" under "{text_of(head)}" is none of {", ".join(GROUPS)}')
        head.set('data-stuck', mark.get('data-group'))
        straighten(head)
        if mark.get('data-also'): head.set('data-also', mark.get('data-also'))
        page.stuck.append(Mistake(text_of(head), head.get('id'), mark.get('data-group'), mark.get('data-also') or '', *(said_after(w, blocks) for w in ('Cause', 'Mend'))))
        for m in marks: m.drop_tree()


def straighten(head) -> None:
    "A message of PyTorch's in a heading has its own quotes, not those of a book."
    for e in head.iter():
        for part in ('text', 'tail'):
            if (said := getattr(e, part)) and (part == 'text' or e is not head): setattr(e, part, said.translate(BOOKISH))


def said_after(word: str, blocks) -> str:
    "The sentence after **Cause.** or **Mend.**, or nothing."
    for b in blocks:
        for strong in b.xpath('descendant-or-self::p/strong'):
            if text_of(strong).rstrip('.:') != word: continue
            after = plain_words(strong.getparent()).partition(text_of(strong))[2].lstrip('.: ').partition(' Mend. ')[0]
            return re.sub(':$', '.', first_sentence(after))
    return ''


def first_sentence(text: str) -> str:
    "A text up to the point that ends its first sentence, not one within a name or a number."
    m = re.search(r'[.?!](?=\s+[A-Z])', text)
    return text[:m.end()] if m else text


def unmarked(page) -> list[str]:
    "The headings under \"When it goes wrong\" that are no known mistake."
    out, inside = [], False
    for head in page.main.iter(*HEADINGS):
        if head.tag == 'h2': inside = text_of(head) == 'When it goes wrong'
        elif inside and head.tag == 'h3' and not head.get('data-stuck'): out.append(text_of(head))
    return out
