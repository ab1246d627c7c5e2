"""Sphinx: formulas as MathML, drawn by the browser itself: no script, no font and no network."""

import re

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

APPLIED = re.compile(r"<mo>&ApplyFunction;</mo>(?!\s*(?:<mrow>\s*)?<mo[^>]*>\()")


def drawn(formula: str, *, alone: bool = False) -> str:
    """MathML of a formula, with room between the name of a function and what it is taken of."""
    return APPLIED.sub('<mspace width="0.17em"/>', tex2mathml(formula, as_block=alone))


def inline(writer, node):
    """A formula in a line."""
    writer.body.append(drawn(node.astext()))
    raise nodes.SkipNode


def block(writer, node):
    """A formula by itself."""
    writer.body.append(f'<div class="math-block">{drawn(node.astext(), alone=True)}</div>\n')
    raise nodes.SkipNode


def setup(app):
    """The renderer is called mathml."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
