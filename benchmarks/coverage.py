"""`python -m benchmarks.coverage`: how often the interval of an adjusted DSMI holds what it is said to hold.

Per data set and number of points, SEEDS fresh samples are drawn, each with its value and its interval. Counted is how
often the interval holds the mean value over fresh samples, and the stated standard error is set beside the true one,
the spread of the values. The sets: blobs, classes that overlap, labels that say nothing, digits (their pixels, without
replacement from 1797), and, where shared/data lies beside the checkout, the features of two networks (2000 test images
each). With `--spread`, the stated error over the true one alone, of many points. With `--rank`, how often a ranking
tells two representations apart that know as much. Prints a table and writes JSON lines to
`benchmarks/results/DATE-coverage.jsonl`.
"""

import argparse
import itertools
import json
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
from scipy.special import stdtrit
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from diffspec import Adjusted, AlphaDecay, adjusted_dsmi, rank
from diffspec.inference.measure import Measure
from diffspec.inference.resampling import Resamples, drawn, is_local
from diffspec.measures.asked import asked
from diffspec.points.groups import partition_of
from recipes.lab.data import folder
from recipes.lab.images import cifar, mnist

HERE = Path(__file__).resolve().parent
TRUTH = 10_000  # seeds of the samples whose mean counts as the truth start here


def around(count, d, spread, scale, seed):
    """Samples of `count` classes in R^d with fixed centres."""
    centres = spread * np.random.default_rng(seed).normal(size=(count, d))

    def draw(rng, n):
        labels = rng.integers(0, count, n)
        return scale * centres[labels] + rng.normal(size=(n, d)), labels

    return draw


def nothing(rng, n):
    return rng.normal(size=(n, 5)), rng.integers(0, 4, n)


def of_pool(points, labels):
    """Samples without replacement."""

    def draw(rng, n):
        chosen = rng.choice(len(points), n, replace=False)
        return points[chosen], labels[chosen]

    return draw


def components(images, labels):
    """50 principal components of images."""
    return PCA(50, random_state=0).fit_transform(images.reshape(len(images), -1) / 255.0), labels


def many():
    """Sets of which 2000 points can be drawn anew."""
    found = {
        "3 blobs in R^5": around(3, 5, 4.0, 0.4, 99),
        "8 classes in R^10": around(8, 10, 1.0, 1.2, 98),
        "10 classes in R^64": around(10, 64, 1.0, 0.45, 97),
        "labels that say nothing": nothing,
    }
    if (folder() / "mnist").is_dir():
        found["MNIST, 50 components"] = of_pool(*components(*mnist(folder())))
        points, labels = components(*cifar(folder()))
        found["CIFAR-10, 9 discriminants"] = of_pool(LinearDiscriminantAnalysis().fit_transform(points, labels), labels)
    return found


def spread(draw, n, *, seeds, shares, resamples, samples=8):
    """One row: what is stated by subsets of some samples, by their share, over the spread of `seeds` fresh values."""
    measure = Measure(Adjusted(), asked(AlphaDecay(), alpha=0.5, t=None))
    fresh = [adjusted_dsmi(*draw(np.random.default_rng(TRUTH + seed), n), rng=seed).value for seed in range(seeds)]
    true, row = float(np.std(fresh, ddof=1)), {"n": n, "seeds": seeds, "value": float(np.mean(fresh))}
    for share in shares:
        resampled, stated = Resamples(n, resamples, share, 0.95, is_local(Adjusted(), AlphaDecay())), []
        for seed in range(samples):
            points, labels = draw(np.random.default_rng(seed), n)
            subsets = resampled.subsets(partition_of(labels, None, n), seed)
            stated.append(resampled.stderr(drawn(partial(measure, points), subsets, together=False))[0])
        row[str(share)] = float(np.sqrt(np.mean(np.square(stated)))) / true
    return row | {"true_stderr": true}


def network(name):
    held = np.load(folder() / "networks2" / f"{name}.npz")
    return of_pool(held["points"].astype(float), held["labels"].astype(int))


def sets():
    digits = load_digits()
    found = {
        "3 blobs in R^5": around(3, 5, 4.0, 0.4, 99),
        "8 classes in R^10": around(8, 10, 1.0, 1.2, 98),
        "labels that say nothing": nothing,
        "digits, pixels": of_pool(digits.data, digits.target),
    }
    if (folder() / "networks2").is_dir():
        found["CIFAR-10 network, 91 %"] = network("c_mlperf_resnet_large")
        found["MNIST network, 98 %"] = network("m_marabou_cnn_max_mnist2")
    return found


def measured(draw, n, *, seeds, share, resamples):
    """One row: what the intervals of `seeds` samples of n points hold, and what they cost."""
    measure = Measure(Adjusted(), asked(AlphaDecay(), alpha=0.5, t=None))
    resampled = Resamples(n, resamples, share, 0.95, is_local(Adjusted(), AlphaDecay()))
    values, errors, start = [], [], time.process_time()
    for seed in range(seeds):
        points, labels = draw(np.random.default_rng(seed), n)
        partition = partition_of(labels, None, n)
        values.append(adjusted_dsmi(points, partition, rng=seed).value)
        subsets = resampled.subsets(partition, seed)
        draws = drawn(partial(measure, points), subsets, together=False)
        errors.append(resampled.stderr(draws)[0])
    seconds = (time.process_time() - start) / seeds
    fresh = [adjusted_dsmi(*draw(np.random.default_rng(TRUTH + seed), n), rng=seed).value for seed in range(seeds)]
    truth, spread = float(np.mean(fresh)), float(np.std([*values, *fresh], ddof=1))
    reach = resampled.quantile * np.array(errors)
    return {
        "n": n,
        "share": share,
        "seeds": seeds,
        "resamples": resamples,
        "value": truth,
        "true_stderr": spread,
        "stated": float(np.sqrt(np.mean(np.square(errors)))) / spread,
        "covered": float(np.mean(np.abs(np.array(values) - truth) <= reach)),
        "cpu_seconds": seconds,
    }


def twins(count, d, spread, scale, *, shared):
    """Two representations of the same classes that know as much: of their noise the share `shared` is the same."""
    centres = scale * spread * np.random.default_rng(98).normal(size=(count, d))

    def draw(rng, n):
        labels = rng.integers(0, count, n)
        both, own, other = rng.normal(size=(3, n, d))
        noises = (np.sqrt(shared) * both + np.sqrt(1.0 - shared) * noise for noise in (own, other))
        return *(centres[labels] + noise for noise in noises), labels

    return draw


def noisy_digits():
    """Of the 10,000 test images of MNIST 50 components, with as much noise twice."""
    points, labels = components(*mnist(folder()))
    scale = 0.5 * points.std()

    def draw(rng, n):
        chosen = rng.choice(len(points), n, replace=False)
        noises = (scale * rng.normal(size=(n, 50)) for _ in range(2))
        return *(points[chosen] + noise for noise in noises), labels[chosen]

    return draw


def pairs():
    found = {
        "3 blobs in R^5": twins(3, 5, 4.0, 0.4, shared=0.0),
        "8 classes in R^10": twins(8, 10, 1.0, 1.2, shared=0.0),
        "8 classes, half of the noise shared": twins(8, 10, 1.0, 1.2, shared=0.5),
        "8 classes, nine tenths shared": twins(8, 10, 1.0, 1.2, shared=0.9),
        "labels that say nothing": twins(4, 5, 0.0, 0.0, shared=0.5),
    }
    if (folder() / "mnist").is_dir():
        found["MNIST, two noises"] = noisy_digits()
    return found


def ranked(draw, n, *, seeds, resamples):
    """One row: how often `rank` tells two representations apart that know as much, and what its intervals hold."""
    values, errors, told = [], [], []
    for seed in range(seeds):
        first, second, labels = draw(np.random.default_rng(seed), n)
        found = rank({"first": first, "second": second}, labels, resamples=resamples, rng=seed)
        values += [row.value for row in found.rows]
        errors += [row.stderr for row in found.rows]
        told.append(found.p_values[0][1])
    reach = stdtrit(resamples - 1, 0.975) * np.array(errors)
    return {
        "n": n,
        "seeds": seeds,
        "resamples": resamples,
        "value": float(np.mean(values)),
        "true_stderr": float(np.std(values, ddof=1)),
        "stated": float(np.sqrt(np.mean(np.square(errors)))) / float(np.std(values, ddof=1)),
        "covered": float(np.mean(np.abs(values - np.mean(values)) <= reach)),
        "told_apart": float(np.mean(np.array(told) < 0.05)),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, nargs="*", default=[150])
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--resamples", type=int, default=30)
    parser.add_argument("--share", type=float, nargs="*", default=[0.5])
    parser.add_argument("--only", help="sets whose name holds this")
    parser.add_argument(
        "--spread", action="store_true", help="the stated error over the true one alone, of many points"
    )
    parser.add_argument("--rank", action="store_true", help="pairs of representations that know as much, by `rank`")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    output = options.output or HERE / "results" / f"{datetime.now(UTC):%Y-%m-%d}-coverage.jsonl"
    if options.rank:
        ranks(options, output)
        return
    if options.spread:
        spreads(options, output)
        return
    with output.open("a", buffering=1) as log:
        for name, draw in sets().items():
            if options.only and options.only not in name:
                continue
            for n, share in [(n, share) for n in options.n for share in options.share]:
                row = measured(draw, n, seeds=options.seeds, share=share, resamples=options.resamples)
                print(
                    f"| {name} | {n} | {share} | {row['value']:.2f} | {row['true_stderr']:.3f} | "
                    f"{row['stated']:.2f} | {row['covered']:.1%} | {row['cpu_seconds']:.2f} |",
                    flush=True,
                )
                log.write(json.dumps({"set": name, **row}) + "\n")


def spreads(options, output):
    with output.open("a", buffering=1) as log:
        chosen = [(name, draw) for name, draw in many().items() if not options.only or options.only in name]
        for (name, draw), n in itertools.product(chosen, options.n):
            row = spread(draw, n, seeds=options.seeds, shares=options.share, resamples=options.resamples)
            print(f"| {name} | {n} |", " | ".join(f"{row[str(share)]:.2f}" for share in options.share), flush=True)
            log.write(json.dumps({"spread": name, **row}) + "\n")


def ranks(options, output):
    with output.open("a", buffering=1) as log:
        chosen = [(name, draw) for name, draw in pairs().items() if not options.only or options.only in name]
        for (name, draw), n in itertools.product(chosen, options.n):
            row = ranked(draw, n, seeds=options.seeds, resamples=options.resamples)
            print(
                f"| {name} | {n} | {row['resamples']} | {row['value']:.2f} | {row['true_stderr']:.3f} | "
                f"{row['stated']:.2f} | {row['covered']:.1%} | {row['told_apart']:.1%} |",
                flush=True,
            )
            log.write(json.dumps({"pair": name, **row}) + "\n")


if __name__ == "__main__":
    main()
