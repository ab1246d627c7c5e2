"""Figures about scale: profiles over all widths, and changes split into scale and shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from diffspec.errors import InputError
from diffspec.measures.profiles.curves import Profile
from diffspec.results.lines import as_label
from diffspec.runs.plots.looks import Style, rule_words, styles, unit_words
from diffspec.runs.plots.origins import origins
from diffspec.runs.plots.panels import canvas, caption, layer_of
from diffspec.runs.plots.series import Curve, Source

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["changes", "scale_curves"]

WIDE, GREY, INK = (4.4, 2.2), "#8b929c", "#1d2126"


def scale_curves(profiles: Profile | Mapping[str, Profile]) -> Figure:
    """DSE, and DSMI where it was measured, against sigma, which is logarithmic.

    Parameters
    ----------
    profiles : Profile or mapping of str to Profile
        What `diffspec.profile` gave; several by name are drawn over sigma / scale, since widths of different
        embeddings cannot be compared.

    Returns
    -------
    matplotlib.figure.Figure
        Bands are standard errors. Of a single profile the plateaus are shaded, where the kernel says nothing about the
        points; a vertical line marks the width that the rule of its settings chose, a dot the largest information.

    Raises
    ------
    InputError
        No profile, or something else.
    MissingExtraError
        Matplotlib is not installed.
    """
    named = {"": profiles} if isinstance(profiles, Profile) else dict(profiles)
    if not named or not all(isinstance(found, Profile) for found in named.values()):
        raise InputError(f"profiles must be a Profile or a mapping of names to them, got {profiles!r:.60}")
    informed = any(found.information for found in named.values())
    figure, axes = canvas(rows=2 if informed else 1, columns=1, panel=WIDE)
    looks, alone = styles(named), len(named) == 1
    for name, found in named.items():
        _profile(axes[:, 0], found, looks[name].colour, name, alone=alone)
    x = "sigma" if alone else "sigma / scale of the points"
    caption(axes[0, 0], "DSE", _about(next(iter(named.values()))) if alone else "", x, unit="bits")
    if informed:
        caption(axes[1, 0], "DSMI", "", x, unit="bits")
    if not alone:
        axes[0, 0].legend(frameon=False, fontsize=7.5)
    return figure


def changes(log: Source, *, layer: str | None = None) -> Figure:
    """How far DSE at a fixed sigma moved since the first look, and why: one panel per condition.

    Grey: what scale alone does; coloured: what the change of shape does; dotted: both together.

    Raises
    ------
    InputError
        No run log, an unknown layer, or a log without changes.
    MissingExtraError
        Matplotlib is not installed.
    """
    found = layer_of(log, layer)
    split, looks = found.changes(), styles(found.runs)
    if not split:
        raise InputError("the log holds no changes; observe twice with a rule of fixed sigma and Monitor(changes=True)")
    figure, axes = canvas(rows=1, columns=len(split))
    for axis, (rule, scale, shape) in zip(axes[0], split, strict=True):
        _change(axis, scale, shape, looks[scale.run])
        caption(axis, scale.run, rule_words(rule), found.axis, unit=unit_words(scale.unit))
    axes[0, 0].legend(frameon=False, fontsize=7.5)
    return figure


def _profile(axes: np.ndarray, found: Profile, colour: str, name: str, *, alone: bool) -> None:
    sigmas = np.asarray(found.sigmas) / (1.0 if alone else found.scale)
    for axis, curve in zip(axes, (found.entropy, found.information), strict=False):
        axis.set_xscale("log")
        if alone:
            axis.set_xlim(sigmas[0], sigmas[-1])
        if curve is not None:
            values, errors = np.asarray(curve.values), np.asarray(curve.stderr or [0.0])
            axis.fill_between(sigmas, values - errors, values + errors, color=colour, alpha=0.25, linewidth=0)
            axis.plot(sigmas, values, color=colour, linewidth=1.5, marker=".", markersize=4, label=as_label(name))
        if alone:
            _shaded(axis, found)
    if alone:
        axes[0].text(found.sigmas[0], 0.0, " identity", fontsize=7, color=GREY, va="bottom")
        axes[0].text(found.sigmas[-1], found.limit, "constant ", fontsize=7, color=GREY, va="top", ha="right")
    if found.information is not None:
        place = int(np.argmax(found.information.values))
        axes[1].plot(sigmas[place], found.information.values[place], "o", color=colour, markersize=5)


def _shaded(axis: Axes, found: Profile) -> None:
    """The plateaus in grey, and the width that a rule chose as a line."""
    narrow, wide = found.plateaus
    for start, stop in ((found.sigmas[0], narrow), (wide, found.sigmas[-1])):
        if start is not None and stop is not None:
            axis.axvspan(start, stop, color="#eceef1", zorder=0)
    if found.settings.sigma is not None:
        axis.axvline(found.settings.sigma, color=INK, linewidth=0.9, linestyle=(0, (3, 2)))


def _about(found: Profile) -> str:
    rule = f"{found.settings.rule} rule" if found.settings.rule else "sigma"
    return f"n = {found.n}, t = {found.settings.t:g}; dashed: {rule}, {found.settings.sigma:.3g}; shaded: plateaus"


def _change(axis: Axes, scale: Curve, shape: Curve, look: Style) -> None:
    gap = [(np.nan, np.nan, np.nan)]  # what is counted from different steps is no one curve
    stretches = [(stretch + gap) for _since, stretch in origins(scale, shape)]
    x, by_scale, rest = np.concatenate(stretches)[:-1].T if stretches else np.empty((3, 0))
    for values, colour, name in ((by_scale, GREY, "by scale"), (rest, look.colour, "by shape")):
        axis.fill_between(x, values, color=colour, alpha=0.2, linewidth=0)
        axis.plot(x, values, color=colour, linewidth=1.4, marker=".", markersize=4, label=name)
    axis.plot(x, by_scale + rest, color=INK, linewidth=1.1, linestyle=":", label="both")
