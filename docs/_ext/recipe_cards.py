"""Sphinx: one card per recipe, with its figure and what it shows, from the pages in docs/recipes."""

import re
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

TITLE = re.compile(r"^# (\S+): (.+)$", re.MULTILINE)
PICTURE = re.compile(r"^!\[[^\]]*\]\(\.\./([^)]+)\)", re.MULTILINE)


class RecipeCards(SphinxDirective):
    """All of docs/recipes as a grid, in the order of the file names."""

    def run(self):
        """The grid, parsed as Markdown."""
        folder = Path(self.env.srcdir) / "recipes"
        lines = ["::::{grid} 1 2 3 3", ":gutter: 3"]
        for page in sorted(folder.glob("*.md")):
            self.env.note_dependency(str(page))
            lines += _card(page)
        parsed = nodes.container()
        self.state.nested_parse(StringList([*lines, "::::"]), self.content_offset, parsed)
        return parsed.children


def _card(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    title, picture = TITLE.search(text), PICTURE.search(text)
    if title is None:
        return []
    card = [f":::{{grid-item-card}} {title[1]}", f":link: recipes/{page.stem}", ":link-type: doc"]
    card += [f":img-top: {picture[1]}"] if picture else []
    return [*card, title[2], ":::"]


def setup(app):
    """The directive is called recipe-cards."""
    app.add_directive("recipe-cards", RecipeCards)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
