"TeX as MathML."
from latex2mathml.converter import convert


def mathml(tex: str, display: bool = False) -> str:
    "TeX as MathML, with the space that TeX puts after a function's name."
    return convert(tex.strip(), display='block' if display else 'inline')
