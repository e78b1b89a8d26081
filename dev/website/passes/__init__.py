"""Step 4: what is done to the content of each page, one thing a function.

A pass takes a page and the whole site (all pages by name), and changes the page's tree.
"""
from .answers import fold_answers
from .cells import fold_checks, fold_imports
from .links import name_places, relink
from .plain import anchors, light_figures, plain_code, plain_math
from .stuck import mistakes
from .tables import tables

PASSES = (plain_math, plain_code, light_figures, anchors, tables, mistakes, fold_checks, fold_imports, fold_answers)
LAST = (relink, name_places)  # when all pages have their content and anchors
