"""For the gallery: figures that were made without pyplot, as those of `diffspec.runs.plots` are."""

from weakref import WeakSet

from matplotlib import _pylab_helpers
from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

SHOWN = WeakSet()


def loose(block, block_vars, gallery_conf):
    """Save every Figure among the names of an example that pyplot does not manage, once."""
    SHOWN.update(each.canvas.figure for each in _pylab_helpers.Gcf.figs.values())
    paths = []
    for thing in block_vars["example_globals"].values():
        if isinstance(thing, Figure) and thing not in SHOWN:
            SHOWN.add(thing)
            paths.append(next(block_vars["image_path_iterator"]))
            thing.savefig(paths[-1], dpi=100, bbox_inches="tight")
    return figure_rst(paths, gallery_conf["src_dir"])
