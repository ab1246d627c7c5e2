"""What a log says, in words and with the numbers behind them. Each rule looks at one thing and is tested by itself."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from diffspec.results.verdicts import other_sizes
from diffspec.runs.compared.lines import Line
from diffspec.runs.compared.view import View
from diffspec.runs.plots.looks import SCALE_FREE, brief, quantity, rule_words
from diffspec.runs.report.courses import STILL, course, ends

__all__ = ["RULES", "Finding", "what_happened"]

LONG = 40  # letters of a name
FEW = 4  # conditions that are spoken of one by one

FOLLOWS, GROWS = 0.9, 1.5
"""From this rank correlation on a value follows the scale, if the scale changes by this factor at least."""

ENOUGH = 4  # looks for a rank correlation


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that the log says."""

    text: str
    evidence: str
    alarm: bool = False
    """Whether something is wrong."""
    place: str = ""
    """The key of the section that shows it."""


DOUBTS = {
    "collapsed": "One cluster is seen",
    "saturated": "Every point is seen by itself",
    "not told from chance": "No more than chance",
    "too few points": "Too few points",
    "above H(Y)": "More than the labels hold",
}
"""By the beginning of a verdict."""

Rule = Callable[[View], Iterator[Finding]]


def what_happened(view: View) -> list[Finding]:
    """What all rules say, what is wrong first."""
    found = [finding for rule in RULES for finding in rule(view)]
    return sorted(found, key=lambda finding: not finding.alarm)


def alerts(view: View) -> Iterator[Finding]:
    """What the monitor found wrong while it looked, the same words of one run and name once."""
    order = sorted(view.log.of("alert"), key=lambda r: (r["run"], r["name"]))
    for (run, name), same in groupby(order, key=lambda r: (r["run"], r["name"])):
        records = sorted(same, key=lambda r: r["step"])
        layers = dict.fromkeys(str(r["layer"]) for r in records if r.get("layer"))
        where = f" at {_names([view.short.get(layer, layer) for layer in layers])}" if layers else ""
        text = f"Alert in {_called(run)}: {name}{where}, from {view.axis} {records[0]['step']:g} on"
        yield Finding(text=text, evidence=str(records[-1]["text"]), alarm=True, place="measures")


def failed(view: View) -> Iterator[Finding]:
    """Looks and measurements that failed, per run."""
    for run in view.log.runs:
        records = view.log.of("failure", run=run)
        if records:
            steps = sorted({record["step"] for record in records})
            count = f"{len(records)} measurement{'s' * (len(records) > 1)}"
            text = f"{count} of {_called(run)} failed, {_steps(view.axis, steps)}"
            yield Finding(text=text, evidence=str(records[0]["error"]), alarm=True, place="failures")


def skipped(view: View) -> Iterator[Finding]:
    """Looks that a budget left out."""
    for run in view.log.runs:
        records = view.log.of("skipped", run=run)
        if records:
            text = f"Looks at {_called(run)} were left out, from {view.axis} {records[0]['step']:g} on"
            yield Finding(text=text, evidence=str(records[-1]["text"]), place="measures")


def verdicts(view: View) -> Iterator[Finding]:
    """Values that say nothing about the points, by what their verdicts say at the last look."""
    for rule in view.rules:
        main = any(rule == opening for _name, opening in view.opening)
        for start, text in DOUBTS.items():
            lines = [line for name in view.measures(rule) for line in view.lines(name, rule)]
            hit = [line for line in lines if line.verdicts[-1].startswith(start)]
            if hit:
                names = list(dict.fromkeys(line.name for line in hit))
                where = _share(view, hit, [line for line in lines if line.name in names])
                where = f" {where}" if where else ""
                what = f"{text}: {', '.join(names)}{where}, {rule_words(rule)}"
                evidence = f"at the last look {hit[0].verdicts[-1]}"
                yield Finding(text=what, evidence=evidence, alarm=main, place="measures")


def sizes(view: View) -> Iterator[Finding]:
    """Values that stand side by side and were measured on different numbers of points."""
    for rule in view.rules:
        told: dict[str, list[str]] = {}
        for name in view.measures(rule):
            sizes = [int(n) for line in view.lines(name, rule) for n in line.sizes if n is not None]
            if words := other_sizes(sizes):
                told.setdefault(words, []).append(name)
        for words, names in told.items():
            text = f"Not comparable: {', '.join(names)}, {rule_words(rule)}"
            yield Finding(text=text, evidence=words, alarm=True, place="measures")


def moves(view: View) -> Iterator[Finding]:
    """How the main measures went, beyond their stated errors."""
    for name, rule in _main(view):
        lines = [line for line in view.lines(name, rule) if len(line.y) > 1]
        names = list(dict.fromkeys(line.condition for line in lines))
        if len(view.layers) == 1 or len(names) > FEW:
            groups = {"": lines}
        else:
            groups = {condition: [line for line in lines if line.condition == condition] for condition in names}
        for condition, own in groups.items():
            if own:
                subject = f"{name} of {_called(condition)}" if len(groups) > 1 else name
                yield _told(view, own, subject)


def _told(view: View, lines: Sequence[Line], subject: str) -> Finding:
    """Few lines one by one; many by how many did what, and the one that moved the most."""
    words = [course(line).words for line in lines]
    if len(lines) == 1:
        top = f" of at most {lines[0].top:.3g}" if lines[0].top else ""
        return Finding(text=f"{subject} {words[0]}", evidence=_evidence(view, lines[0]) + top, place="measures")
    several = len({line.condition for line in lines}) > 1
    shown = list(lines)
    if len(lines) > FEW:
        parts = [f"{word} in {count}" for word, count in Counter(words).most_common()]
        parts[0] += f" of {len(lines)} {_kind(view, several)}"
        shown = [max(lines, key=lambda line: abs(line.y[-1] - line.y[0]))]
    else:
        order = sorted(dict.fromkeys(words), key=lambda word: word == STILL)
        alike = {word: [line for line, own in zip(lines, words, strict=True) if own == word] for word in order}
        parts = [f"{word} in {_names([_who(view, line, several) for line in own])}" for word, own in alike.items()]
    most = "most in " if len(lines) > FEW else ""
    tops = {line.top for line in shown}
    top = f"; at most {tops.pop():.3g}" if len(tops) == 1 and all(tops) else ""
    each = "; ".join(f"{most}{_who(view, line, several)} {_evidence(view, line)}" for line in shown) + top
    return Finding(text=f"{subject} {', '.join(parts)}", evidence=each, place="measures")


def _evidence(view: View, line: Line) -> str:
    mean = f", mean of {line.seeds} seeds" if line.seeds > 1 else ""
    return f"{ends(line, course(line), view.axis)}{mean}"


def order(view: View) -> Iterator[Finding]:
    """Which conditions and layers end with the most information on the labels."""
    for name, rule in [pair for pair in view.opening if ";Y)" in pair[0]]:
        lines = sorted(view.lines(name, rule), key=lambda line: -line.y[-1])
        if len(lines) < 2:
            continue
        several = len({line.condition for line in lines}) > 1
        shown = [*lines[:3], *lines[3:][-1:]]
        parts = [f"{_who(view, line, several)} {line.y[-1]:.3g}{_plus(line.errors[-1])}" for line in shown]
        joined = ", ".join(parts[:3]) + (f" … {parts[3]}" if len(parts) > 3 else "")
        text = f"{_who(view, lines[0], several)} tells the most of the labels in the end"
        yield Finding(text=text, evidence=f"{name}: {joined} bits", place="measures")


def follows(view: View) -> Iterator[Finding]:
    """Entropies at a fixed width that go with the scale of the embedding."""
    distances = {(line.condition, line.layer): line for line in view.distance}
    for rule in view.rules:
        if rule in SCALE_FREE or not rule:
            continue
        lines = [line for line in view.lines("DSE(Z)", rule) if (line.condition, line.layer) in distances]
        found = [(line, *_together(line, distances[line.condition, line.layer])) for line in lines]
        hit = [each for each in found if each[1] >= FOLLOWS and max(each[2], 1 / each[2]) >= GROWS]
        if hit:
            line, rank, growth = max(hit, key=lambda each: max(each[2], 1 / each[2]))
            share = _share(view, [each[0] for each in hit], lines)
            text = f"DSE(Z), {rule_words(rule)}, follows the scale of the embedding {share}"
            who = _who(view, line, several=True)
            evidence = f"rank correlation {rank:.2f} with the median distance, which changes {growth:.3g}-fold ({who})"
            yield Finding(text=text, evidence=f"{evidence}; read what is free of scale instead", place="scale")


def _together(line: Line, distance: Line) -> tuple[float, float]:
    """Spearman's rank correlation of a line with the scale, and how many times the scale changed."""
    at = dict(zip(distance.steps, distance.y, strict=True))
    pairs = [(value, at[step]) for step, value in zip(line.steps, line.y, strict=True) if step in at]
    if len(pairs) < ENOUGH or min(scale for _value, scale in pairs) <= 0.0:
        return 0.0, 1.0
    values, scales = (_ranks(each) for each in zip(*pairs, strict=True))
    if np.ptp(values) == 0.0 or np.ptp(scales) == 0.0:
        return 0.0, 1.0
    return float(np.corrcoef(values, scales)[0, 1]), pairs[-1][1] / pairs[0][1]


def _called(name: str) -> str:
    """A name in a sentence; one that is read from the right must not take the numbers beside it along."""
    short = brief(name, LONG)
    return (
        f"\u2068{short}\u2069" if any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in short) else short
    )


def _ranks(values: Sequence[float]) -> np.ndarray:
    """Ranks, the mean of them for equal values."""
    _sorted, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    found: np.ndarray = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return found


def scored(view: View) -> Iterator[Finding]:
    """How an accuracy that the training loop passed in ended, and where it was best."""
    lines = view.scalar(view.log.accuracy) if view.log.accuracy else []
    if not lines:
        return
    ordered = sorted(lines, key=lambda line: -line.y[-1])
    shown, rest = ordered[:FEW], ordered[FEW:]
    alone = len(lines) == 1
    parts = [f"{line.y[-1]:.3g}" + ("" if alone else f" in {_called(line.condition)}") for line in shown]
    best = [(max(range(len(line.y)), key=line.y.__getitem__), line) for line in shown]
    evidence = [f"best {line.y[k]:.3g} at {view.axis} {line.steps[k]:g}" for k, line in best]
    text = f"{quantity(lines[0].name)} ends at {', '.join(parts)}"
    if rest:
        text += f", and at {rest[0].y[-1]:.3g} or less elsewhere"
    yield Finding(text=text, evidence="; ".join(evidence), place="scale")


RULES: tuple[Rule, ...] = (alerts, failed, sizes, skipped, order, moves, scored, follows, verdicts)
"""In the order that they are told in, what is wrong before the rest."""


def _main(view: View) -> list[tuple[str, str]]:
    """The measures of the opening pictures, and what is told of the inputs beside them."""
    rules = list(dict.fromkeys(rule for _name, rule in view.opening))
    return [*view.opening, *[("DSMI(Z;X)", rule) for rule in rules if view.log.has("DSMI(Z;X)", rule)]]


def _share(view: View, hit: Sequence[Line], lines: Sequence[Line]) -> str:
    """Where: by name while there are few of them, nothing where there is one line only."""
    several = len({line.condition for line in lines}) > 1
    names = list(dict.fromkeys(_who(view, line, several) for line in hit))
    every = len({_who(view, line, several) for line in lines})
    if every == 1:
        return ""
    if len(names) == every:
        return "everywhere"
    return f"in {_names(names)}" if len(names) <= FEW else f"in {len(names)} of {every} {_kind(view, several)}"


def _kind(view: View, several: bool) -> str:
    """What lines are, in the plural."""
    return ("pairs of run and layer" if several else "layers") if len(view.layers) > 1 else "runs"


def _who(view: View, line: Line, several: bool) -> str:
    """The layer, or the condition, or both: what tells the line from others."""
    layer = view.short[line.layer] if len(view.layers) > 1 else ""
    names = [_called(name) for name in (line.condition, layer) if name]
    return ", ".join(names) if several else names[-1]


def _names(names: Sequence[str]) -> str:
    if len(names) > FEW:
        return f"{', '.join(names[:FEW])} and {len(names) - FEW} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _steps(axis: str, steps: Sequence[float]) -> str:
    return f"at {axis} {steps[0]:g}" if len(steps) == 1 else f"at {axis} {steps[0]:g} to {steps[-1]:g}"


def _plus(error: float) -> str:
    return f" ± {error:.1g}" if error else ""
