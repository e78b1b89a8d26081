"The pages that ask: what stands below an answer, its program and what it prints, is folded with it."
import re

from ..html import HEADINGS, text_of


def fold_answers(page, site) -> None:
    "Put what follows a folded `Answer N`, up to the next heading, into its fold: a page that asks does not tell."
    for details in page.main.xpath('.//details[not(@class)][summary]'):
        if not re.fullmatch(r'Answer \d+', text_of(details.find('summary'))): continue
        details.set('class', 'nb-answer')
        for e in list(details.itersiblings()):
            if e.tag in (*HEADINGS, 'section'): break
            details.append(e)
