"""Copy figures of the built gallery to docs/images, for the start pages: ``python docs/make_pictures.py``."""

from __future__ import annotations

import shutil
from pathlib import Path

DOCS = Path(__file__).parent
PICTURES = {
    "first-number": "first/plot_digits",
    "choose-a-model": "first/plot_rank_embeddings",
    "watch-a-training": "training/plot_watch_training",
    "which-settings": "sure/plot_how_many_points",
    "reading-a-value": "sure/plot_permutation_test",
    "when-not-to-use-it": "first/plot_released",
}
"""The start page, and the example whose first figure it shows."""


if __name__ == "__main__":
    for page, example in PICTURES.items():
        folder, name = example.split("/")
        made = DOCS / "gallery" / folder / "images" / f"sphx_glr_{name}_001.png"
        shutil.copyfile(made, DOCS / "images" / f"{page}.png")
