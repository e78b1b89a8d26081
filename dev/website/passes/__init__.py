"""Step 4: what is done to the content of each page, one thing a function.

A pass takes a page and the whole site (all pages by name), and changes the page's tree.
"""
from .cells import fold_checks
from .links import relink
from .plain import anchors, plain_code, plain_math
from .stuck import mistakes
from .tables import tables

PASSES = (plain_math, plain_code, anchors, tables, mistakes, fold_checks)
LAST = (relink,)  # when all pages have their content and anchors
