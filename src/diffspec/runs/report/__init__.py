"""Run log to one self-contained HTML file, drawn by plotly.js, that opens offline.

The log is read and nothing else: no entropy is computed here. Text from the log is escaped wherever it is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from diffspec._checks import path_of, paths_of
from diffspec._version import __version__
from diffspec.errors import MissingExtraError
from diffspec.files.writing import replace
from diffspec.runs.plots.looks import styles
from diffspec.runs.plots.series import Log, open_log
from diffspec.runs.report.charts import sections
from diffspec.runs.report.tables import Row, failures, final_values, how_measured, settings

__all__ = ["write"]


def write(log: Path | Sequence[Path], output: Path) -> Path:
    """Draw the run log at `log` into the HTML file `output`; the path of that file.

    Parameters
    ----------
    log : Path or sequence of Path
        A run log, of any number of runs and layers; what was not logged is left out. Several, such as one per process,
        are drawn as one (see `diffspec.runs.log.read`).
    output : Path
        The HTML file; its folder is made where it does not exist. An existing file is replaced in one step, and kept
        as it was where the log cannot be drawn. A link, pipe or device is written through.

    Returns
    -------
    Path
        `output`. The file is about 5 MB, nearly all of it the charting library.

    Raises
    ------
    InputError
        `log` is missing, no run log, or holds no measurement yet; `output` is the log, a folder, or cannot be written.
    MissingExtraError
        plotly or jinja2 is not installed.

    References
    ----------
    liao2024dse, main figures.
    """
    logs, output = paths_of(log, "log"), path_of(output, "output")
    # A name may hold what UTF-8 does not: half a surrogate pair, or bytes of a file name that were no text.
    replace(output, _page(logs, open_log(logs)).encode("utf-8", "backslashreplace"), inputs=logs)
    return output


def _page(paths: list[Path], log: Log) -> str:
    """The whole file as text."""
    try:
        from jinja2 import Environment
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise MissingExtraError("the report", "report") from None
    source = files(__package__).joinpath("page.html.j2").read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)
    looks = styles(log.runs)
    return template.render(
        name=", ".join(path.name for path in paths),
        version=__version__,
        runs=[{"name": run, "colour": looks[run].colour, "sign": looks[run].sign} for run in log.runs],
        layers=[_layer(log.at(layer), layer) for layer in log.layers],
        settings=settings(log),
        failures=failures(log),
        plotlyjs=get_plotlyjs(),
    )


def _layer(log: Log, layer: str) -> dict[str, Any]:
    """What the page shows of one layer."""
    values: list[Row] = final_values(log)
    return {"name": layer, "sections": sections(log), "values": values, "measured": how_measured(log)}
