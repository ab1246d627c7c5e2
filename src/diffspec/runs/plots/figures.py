"""The figures: measures against epoch or accuracy, spectra, pictures of the embedding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from diffspec._checks import shown
from diffspec.errors import InputError
from diffspec.results.lines import as_label
from diffspec.runs.plots.looks import Style, quantity, rule_words, styles, unit_words
from diffspec.runs.plots.panels import canvas, caption, layer_of
from diffspec.runs.plots.series import ACCURACY, DISTANCE, STEP, Curve, Log, Source, by_step, class_numbers
from diffspec.runs.plots.thinning import evenly

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["embedding", "spectra", "training_curves"]

AGAINST = (STEP, ACCURACY, DISTANCE)


def training_curves(
    log: Source, *, against: str = STEP, layer: str | None = None, names: Sequence[str] | None = None
) -> Figure:
    """The main figure of the paper: every measure of every condition, one column per bandwidth rule.

    Parameters
    ----------
    log : str or Path or sequence of records
        A run log, or what `diffspec.runs.log.read` gave.
    against : str
        Horizontal axis: ``"step"`` (default), ``"accuracy"`` (also of a name such as val_acc), another scalar of the
        log, or ``"median distance"``.
    layer : str, optional
        The layer to draw; may be left out where there is only one.
    names : sequence of str, optional
        Measures to draw, one row each; all of them by default.

    Returns
    -------
    matplotlib.figure.Figure
        Error bars are standard errors where the log holds them; hollow markers: saturated or collapsed kernels,
        whose values say nothing about the points.

    Raises
    ------
    InputError
        No run log, nothing measured, an unknown layer, measure or axis.
    MissingExtraError
        Matplotlib is not installed.

    References
    ----------
    liao2024dse, main figures.
    """
    chosen = layer_of(log, layer)
    if against not in (known := dict.fromkeys([*AGAINST, *chosen.scalars])):
        raise InputError(f"against must be one of {', '.join(known)}, got {shown(against)}")
    rules = chosen.rules()
    names = _names(chosen, names)
    figure, axes = canvas(rows=len(names), columns=len(rules))
    for row, name in zip(axes, names, strict=True):
        for axis, rule in zip(row, rules, strict=True):
            _draw(axis, chosen.curves(name, rule=rule, against=against), styles(chosen.runs), path=against == STEP)
            caption(axis, quantity(name), rule_words(rule), chosen.axis if against == STEP else against)
    if not any(axis.has_data() for axis in axes.flat):
        raise InputError(f"no step of the log has a {against}; draw against the step")
    _legend(figure, chosen.runs)
    return figure


def spectra(log: Source, *, layer: str | None = None) -> Figure:
    """The leading eigenvalues at the first (dashed) and the last step of every condition, one panel per rule.

    Parameters, errors and result are those of `training_curves`; both axes are logarithmic.
    """
    chosen = layer_of(log, layer)
    rules = chosen.rules("spectrum")
    if not rules:
        raise InputError("the log holds no spectrum; let the monitor write spectra")
    figure, axes = canvas(rows=1, columns=len(rules))
    looks = styles(chosen.runs)
    for axis, rule in zip(axes[0], rules, strict=True):
        last = {record["run"]: record["step"] for record in chosen.ends("spectrum", rule=rule)}
        for record in chosen.ends("spectrum", rule=rule):
            dash = "-" if record["step"] == last[record["run"]] else (0, (3, 2))
            ranks = range(1, len(record["values"]) + 1)
            axis.loglog(ranks, record["values"], linestyle=dash, color=looks[record["run"]].colour, linewidth=1.3)
        caption(axis, "Spectrum", rule_words(rule), "rank", unit="eigenvalue")
    _legend(figure, chosen.runs, "dashed: first step, solid: last step")
    return figure


def embedding(log: Source, *, layer: str | None = None, most: int = 4) -> Figure:
    """The embedding in the plane at up to `most` steps, one row per condition, coloured by class.

    Parameters, errors and result are those of `training_curves`.
    """
    chosen = layer_of(log, layer)
    every = {run: by_step(chosen.of("picture", run=run)) for run in chosen.runs}
    pictures = {run: [found[k] for k in evenly(len(found), most)] for run, found in every.items() if found}
    if not pictures:
        raise InputError("the log holds no picture of the embedding; let the monitor write pictures")
    figure, axes = canvas(
        rows=len(pictures), columns=max(len(found) for found in pictures.values()), panel=(1.75, 1.75)
    )
    classes = class_numbers([record for found in pictures.values() for record in found])
    for row, (run, found) in zip(axes, pictures.items(), strict=True):
        for axis in row[len(found) :]:
            axis.set_axis_off()
        for axis, record in zip(row, found, strict=False):
            _scatter(axis, record, classes, chosen.axis)
        row[0].set_ylabel(as_label(run), fontsize=9)
    return figure


def _names(log: Log, names: Sequence[str] | None) -> list[str]:
    known = log.measures
    unknown = [name for name in names or () if name not in known]
    if unknown or not known:
        raise InputError(
            f"names must be among the measures of the log ({', '.join(known) or 'none'}), got {shown(names)}"
        )
    return known if names is None else list(names)


def _draw(axis: Axes, curves: list[Curve], looks: dict[str, Style], *, path: bool) -> None:
    """The curves of one panel; without `path` the line between the points is only hinted at."""
    for curve in curves:
        look, few = looks[curve.run], len(curve.x) <= 40
        size = (6.5 if look.marker == "*" else 4.2) * (1.0 if few else 0.6)
        axis.plot(curve.x, curve.values, color=look.colour, linewidth=1.3 if path else 0.6, alpha=1.0 if path else 0.35)
        axis.errorbar(curve.x, curve.values, curve.errors, fmt="none", ecolor=look.colour, elinewidth=0.8, alpha=0.6)
        for hollow in (False, True):
            shown = [place for place, flag in enumerate(curve.uninformative) if flag is hollow]
            axis.plot(
                [curve.x[place] for place in shown],
                [curve.values[place] for place in shown],
                linestyle="",
                marker=look.marker,
                markersize=size,
                color=look.colour,
                markerfacecolor="white" if hollow else look.colour,
                markeredgewidth=0.9,
            )
        axis.set_ylabel(as_label(unit_words(curve.unit)), fontsize=8)


def _scatter(axis: Axes, record: dict[str, Any], classes: dict[str, int], when: str) -> None:
    numbers = [classes[str(name)] for name in record.get("classes") or ()]
    palette, top = ("tab10", 9) if len(classes) <= 10 else ("turbo", len(classes) - 1)
    if len(numbers) == len(record["x"]):
        axis.scatter(record["x"], record["y"], s=4, c=numbers, linewidths=0, cmap=palette, vmin=0, vmax=top)
    else:
        axis.scatter(record["x"], record["y"], s=4, c="#5f6670", linewidths=0)
    axis.set_title(as_label(f"{when} {record['step']:g}"), fontsize=8)
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_color("#c9ced5")


def _legend(figure: Figure, runs: Sequence[str], note: str = "") -> None:
    from matplotlib.lines import Line2D

    looks = styles(runs)
    handles = [Line2D([], [], color=looks[run].colour, marker=looks[run].marker, markersize=5) for run in runs]
    names = [as_label(run) for run in runs]
    legend = figure.legend(
        handles,
        names,
        loc="outside upper center",
        ncols=min(len(runs), 5),
        frameon=False,
        fontsize=8.5,
        title=note or None,
    )
    legend.get_title().set_fontsize(8)
