"The templates of what the build itself writes."
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .project import HERE


@cache
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(HERE/'templates'), autoescape=True, undefined=StrictUndefined, trim_blocks=False)


def fill(template: str, **values) -> str:
    "A template of dev/website/templates/ with its places filled."
    return _environment().get_template(template).render(**values)
