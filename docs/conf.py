"""Settings of the site: `make docs` builds it, without the network and with warnings as errors."""

import sys
from pathlib import Path

import numpy as np

import diffspec

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

project = "diffspec"
author = "The diffspec developers"
copyright = "the diffspec developers, MIT licence"
version = release = diffspec.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinxcontrib.bibtex",
    "docstrings",  # docs/_ext: keys of references.bib in docstrings become citations
    "formulas",  # docs/_ext: formulas as MathML, which browsers draw without a script
    "recipe_cards",  # docs/_ext: one card with a picture per recipe
]
exclude_patterns = ["_ext", "_templates", "gallery/*.ipynb", "gallery/*.py", "gallery/*.zip"]
templates_path = ["_templates"]
suppress_warnings = ["config.cache"]  # of the gallery's settings, which hold an object

# Markdown. Pages read well on GitHub too, so they use what GitHub draws: tables, $formulas$ and links to files.
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
myst_dmath_double_inline = True

# Reference: one page per public name, by hand in docs/reference; tests/docs/test_reference.py holds it complete.
autosummary_generate = True
autosummary_ignore_module_all = False
default_role = "py:obj"  # `dse` in a docstring is a link where there is something to link to
autodoc_typehints = "none"  # the docstrings say it in words
autodoc_preserve_defaults = True  # ONE_TWO_FIVE, and not its 31 steps
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = False
# Where the house style has its own way (formulas in the first line, "As for `dse`"), numpydoc's is not asked for.
numpydoc_validation_checks = {
    *("GL03", "GL05", "GL06", "GL07", "GL08", "GL09", "SS01", "SS03", "SS04"),
    *("PR02", "PR05", "PR06", "PR07", "PR09", "PR10", "RT02", "RT03", "RT05"),
}
numpydoc_validation_exclude = {r"diffspec\.conventions\."}  # mappings, documented below their assignment

bibtex_bibfiles = ["../references.bib"]
bibtex_default_style = "plain"
bibtex_reference_style = "author_year"

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "subsection_order": [f"../examples/{name}" for name in ("first", "training", "sure", "scale", "large")],
    "within_subsection_order": "FileNameSortKey",
    "backreferences_dir": "gallery/backreferences",
    "doc_module": ("diffspec",),
    "abort_on_example_error": True,
    "show_memory": False,
    "write_computation_times": False,
    "image_scrapers": ("figures.loose", "matplotlib"),  # docs/_ext: figures that pyplot does not know of, first
    "show_signature": False,
    "download_all_examples": False,
    "remove_config_comments": True,
    "min_reported_time": 1,
}

html_theme = "pydata_sphinx_theme"
html_title = "diffspec"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "navigation_with_keys": False,
    "header_links_before_dropdown": 6,
}
html_sidebars = {"index": [], "start/*": [], "reproduced": [], "recipes/*": []}

np.set_printoptions(precision=4, suppress=True)


def setup(app):
    """Start pages have a style of their own."""
    app.connect("html-page-context", style_of_page)


def style_of_page(app, pagename, templatename, context, doctree):
    """The style sheet of start pages, on those alone."""
    if pagename.startswith("start/") and pagename != "start/index":
        app.add_css_file("start.css")
