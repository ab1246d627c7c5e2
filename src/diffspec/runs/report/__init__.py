"""Run log to one self-contained HTML file, drawn by plotly.js, that opens offline.

The log is read and nothing else: no entropy is computed here. Text from the log is escaped wherever it is shown.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from diffspec._checks import path_of, paths_of, shown
from diffspec._version import __version__
from diffspec.errors import InputError, MissingExtraError
from diffspec.files.writing import replace
from diffspec.runs.compared.view import View
from diffspec.runs.plots.series import Log, open_log
from diffspec.runs.report.charts.colours import of_run
from diffspec.runs.report.charts.measures import chips
from diffspec.runs.report.findings import what_happened
from diffspec.runs.report.sections import layers, opening, whole
from diffspec.runs.report.tables import failures, settings

__all__ = ["write"]

FEW_LOGS = 4  # that are named


def write(log: Path | Sequence[Path], output: Path, *, axis: str | None = None, against: str | None = None) -> Path:
    """Draw the run log at `log` into the HTML file `output`; the path of that file.

    It opens with one picture of all layers and conditions and what there is to say of them in words. Charts are drawn
    when they come into view.

    Parameters
    ----------
    log : Path or sequence of Path
        A run log, of any number of runs and layers; what was not logged is left out. Several are drawn side by side
        (see `diffspec.runs.log.read`). Runs that differ in the seed only are drawn as their mean and range.
    output : Path
        The HTML file; its folder is made where it does not exist. An existing file is replaced in one step, and kept
        as it was where the log cannot be drawn. A link, pipe or device is written through.
    axis : str, optional
        What a step is called, such as "epoch"; by default what the monitor was told, else "step".
    against : str, optional
        The number passed in by the training loop that measures are drawn against; by default an accuracy, also of a
        name such as ``val_acc``, where there is one.

    Returns
    -------
    Path
        `output`. The file is about 5 MB, nearly all of it the charting library. Of long curves as many values are drawn
        as a chart has room for, the lowest and highest of every stretch; the log keeps all.

    Raises
    ------
    InputError
        `log` is missing, no run log, or holds no measurement yet; `output` is the log, a folder, or cannot be written;
        `against` is no number of the log.
    MissingExtraError
        plotly or jinja2 is not installed.

    References
    ----------
    liao2024dse, main figures.
    """
    logs, output = paths_of(log, "log"), path_of(output, "output")
    # A name may hold what UTF-8 does not: half a surrogate pair, or bytes of a file name that were no text.
    view = _view(open_log(logs), axis, against)
    replace(output, _page(logs, view).encode("utf-8", "backslashreplace"), inputs=logs)
    return output


def _view(log: Log, axis: str | None, against: str | None) -> View:
    if against is not None and against not in log.scalars:
        known = ", ".join(map(repr, log.scalars)) or "none"
        raise InputError(f"against must be a number that was passed to observe ({known}), got {shown(against)}")
    return View(log, axis or log.axis, log.accuracy if against is None else against)


def _page(paths: list[Path], view: View) -> str:
    """The whole file as text."""
    try:
        from jinja2 import Environment
        from jinja2.utils import htmlsafe_json_dumps
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise MissingExtraError("the report", "report") from None
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template.filters["compact"] = partial(htmlsafe_json_dumps, dumps=partial(json.dumps, separators=(",", ":")))
    looks = view.looks
    return template.from_string(_text("page.html.j2")).render(
        name=", ".join(path.name for path in paths) if len(paths) <= FEW_LOGS else f"{len(paths)} logs",
        version=__version__,
        about=_about(view),
        conditions=[(name, of_run(look), look.sign) for name, look in looks.items()],
        opening=opening(view),
        chips=chips(view),
        findings=what_happened(view),
        sections=whole(view),
        layers=layers(view),
        runs=view.log.runs,
        settings=settings(view.log),
        failures=failures(view.log),
        axis=view.axis,
        css=_text("page.css"),
        js=_text("page.js"),
        plotlyjs=get_plotlyjs(),
    )


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _about(view: View) -> dict[str, Any]:
    """How much the log holds."""
    records = view.log.records
    steps = {record["step"] for record in records if "step" in record}
    return {
        "runs": len(view.log.runs),
        "conditions": len(view.conditions),
        "layers": [layer for layer in view.log.layers if layer],
        "looks": len(steps),
        "first": f"{min(steps, default=0):g}",
        "last": f"{max(steps, default=0):g}",
        "records": len(records),
        "thinned": len(steps) > 200,
    }
