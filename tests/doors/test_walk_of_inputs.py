"""All public doors times all odd inputs: the right value, or one line of our own. No foreign error, no NaN, no warning.

Doors and inputs are drawn from tables. A door is walked one argument at a time, the others being good; what an argument
is decides by its name which table it is given. A quick run gives each argument every fourth input, another fourth for
every door and argument, so that all inputs and all arguments are met.
"""

import contextlib
import dataclasses
import inspect
import io
import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

import diffspec as ds
import effort
import odd_files
import odd_inputs
from diffspec import bandwidth, baselines, released, synthetic, training
from diffspec.cli import command
from diffspec.runs import log as runlog
from diffspec.spectra.times import FixedTime, Knee, ShareAbove
from odd_inputs import LABELS, ODD, SAME, TENSOR, VALUES, WRONG

KIND = {
    odd_inputs.points: "points a b others given embedding_vectors",
    odd_inputs.labels: "reference labels",
    odd_inputs.counts: "permutations resamples repeats repetitions num_repetitions",
    odd_inputs.integers: """components steps neighbors k count bins moments probes
        deflation power most rank folds first last top n d sets centres dimension ambient branches length knn
        max_N n_clusters num_bins_per_dim batch every patience batch_size longest variant""",
    odd_inputs.reals: """alpha t tol decay level share order ridge cutoff discard threshold clip separation largest
        below q factor value correlation width std noise_percent identity floor rate degrees gaussian_kernel_sigma
        ahead train_accuracy ceiling energy""",
    odd_inputs.bytes_: "memory",
    odd_inputs.seeds: "rng seed random_seed",
    odd_inputs.sigmas: "sigma scale",
    odd_inputs.kernels: "kernel reference_kernel",
    odd_inputs.solvers: "solver",
    odd_inputs.estimators: "estimator",
    odd_inputs.groupings: "groups clusters",
    odd_inputs.words: "search of reduce law run name",
    odd_inputs.flags: """standardize centered debiased regularized corrected encourage anisotropic use_knn
        chebyshev_approx classic_shannon_entropy matrix_entry_entropy verbose reference_discrete changes strict""",
    odd_inputs.several: "sigmas shares",
    odd_inputs.looks: "information",
    odd_inputs.times: "times",
    odd_inputs.sides: "box",
    odd_inputs.widths_of_layers: "hidden",
}
KINDS = {name: table for table, names in KIND.items() for name in names.split()}

# A good value where the default is None or there is none.
GOOD = {
    "points": VALUES,
    "a": VALUES,
    "b": VALUES[::-1] * 1.5,
    "embedding_vectors": VALUES,
    "reference": LABELS,
    "t": 2.0,
    "solver": ds.Exact(),
    "groups": ds.Labels(),
    "memory": 1e9,
    "share": 0.5,
    "neighbors": 4,
    "below": 1e-3,
    "threshold": 0.5,
    "last": 3,
    "top": 5,
    "ambient": 12,
    "steps": 3,
    "sigma": 2.0,
    "kernel": ds.AlphaDecay(),
    "reference_discrete": True,
}


@dataclasses.dataclass(frozen=True)
class Door:
    """A public callable with good arguments; `tables` says what odd values each of its arguments is given."""

    call: object
    good: dict
    defaults: dict
    tables: dict

    @classmethod
    def of(cls, function, *, use=lambda made: made, skip=(), only=None, tables=(), **good):
        """The door of `function`, whose result goes through `use`; `good` are what it needs or makes it fast."""
        parameters = {name: one for name, one in inspect.signature(function).parameters.items() if name not in skip}
        needed = [name for name, one in parameters.items() if one.default is inspect.Parameter.empty]
        return cls(
            lambda **values: use(function(**values)),
            {name: GOOD.get(name) for name in needed} | good,
            {name: one.default for name, one in parameters.items() if name not in needed},
            {name: dict(tables).get(name) or KINDS[name] for name in only or parameters},
        )


NUMBER_LISTS = {"reference": odd_inputs.vectors, "given": odd_inputs.vectors}  # a reference that is vectors
MANY = np.concatenate([VALUES + 0.0625 * k for k in range(5)])
MANY_LABELS = np.tile(LABELS, 5)
TRAINING = baselines.Training(steps=4, every=2, batch=8, hidden=(4,))
DRAWN = np.random.default_rng(5).normal(size=(30, 3))
NEAR = {"points": DRAWN, "reference": DRAWN[:, 1:] + np.random.default_rng(6).normal(size=(30, 2)), "neighbors": 3}


def of_points(kernel):
    return ds.dse(VALUES, kernel=kernel)


def solved(solver):
    return ds.dse(VALUES, kernel=ds.Gaussian(), solver=solver)


def estimated(estimator):
    return ds.dsmi(VALUES, LABELS, estimator=estimator)


def grouped(grouping, reference=VALUES):
    return ds.dsmi(VALUES, reference, groups=grouping)


def ruled(rule):
    return ds.dse(VALUES, kernel=ds.Gaussian(rule))


def timed(rule):
    return ds.choose_time(SPECTRUM, rule)


def ranked(points, reference, *, resamples, level=0.95, estimator=None, rng=0):
    how = {"resamples": resamples, "level": level, "estimator": estimator, "rng": rng}
    return ds.rank({"a": points}, reference, **how).rows[0].value


def agreed(number, *, resamples, level=0.95, rng=0):
    values, against = {"a": number, "b": 2.5, "c": 0.5, "d": 3.0}, {"a": 1, "b": 3, "c": 2, "d": 4}
    return ds.agreement(values, against, resamples=resamples, level=level, rng=rng).kendall.value


OF_RANK = ["points", "reference", "resamples", "level", "estimator"]
SPECTRUM = ds.spectrum(VALUES)
JOINED = ds.spectrum(VALUES, kernel=ds.Gaussian(2.0))
AFFINITY = ds.Gaussian(2.0)(VALUES)


def as_tensor(points):
    """A plain array as a tensor; a loss takes tensors only, and is in their precision."""
    plain = isinstance(points, np.ndarray) and points.dtype.kind in "fiub" and type(points) is np.ndarray
    if not plain:
        return points
    with np.errstate(over="ignore"):
        return torch.tensor(np.array(points, dtype=float))


OF_LABELS = ["reference", "groups", "estimator", "solver", "rng"]  # the others are walked without labels
MEASURES = {
    "dse": Door.of(ds.dse),
    "spectrum": Door.of(ds.spectrum, use=lambda found: found.shannon()),
    "dsmi": Door.of(ds.dsmi),
    "adjusted_dsmi": Door.of(ds.adjusted_dsmi, repetitions=2),
    "permutation_test": Door.of(ds.permutation_test, permutations=19),
    "shuffle_test": Door.of(
        ds.shuffle_test, estimator=baselines.ross, permutations=19, tables={"estimator": odd_inputs.callables}
    ),
    "interval": Door.of(ds.interval, resamples=10),
    "interval with labels": Door.of(
        ds.interval, reference=LABELS, resamples=10, estimator=ds.Matched(1), only=OF_LABELS
    ),
    "compare": Door.of(ds.compare, resamples=10),
    "compare with labels": Door.of(ds.compare, reference=LABELS, resamples=10, estimator=ds.Matched(1), only=OF_LABELS),
    "rank": Door.of(ranked, points=VALUES, reference=LABELS, resamples=10, estimator=ds.Matched(1), only=OF_RANK),
    "agreement": Door.of(agreed, number=1.0, resamples=10, tables={"number": odd_inputs.reals}),
    "profile": Door.of(ds.profile, sigmas=[1.0, 3.0]),
    "profile with labels": Door.of(ds.profile, reference=LABELS, sigmas=[1.0, 3.0]),
    "profile of a number of widths": Door.of(ds.profile, sigmas=4, tables={"sigmas": odd_inputs.integers}),
    "scale_and_shape": Door.of(ds.scale_and_shape),
    "diffusion_matrix": Door.of(ds.diffusion_matrix),
    "diffuse": Door.of(ds.diffuse, tables={"values": odd_inputs.points_or_none}, values=VALUES),
    "diffusion_map": Door.of(ds.diffusion_map),
    "potential_distances": Door.of(ds.potential_distances),
    "choose": Door.of(ds.choose, n=100, d=5, use=str),
    "choose_time": Door.of(ds.choose_time, spectrum=SPECTRUM, skip=["rule"], tables={"spectrum": odd_inputs.spectra}),
    "choose_time by a rule": Door.of(timed, rule="knee", tables={"rule": odd_inputs.time_rules}),
    "Spectrum.shannon": Door.of(SPECTRUM.shannon),
    "Spectrum.renyi": Door.of(SPECTRUM.renyi, q=2.0),
    "Spectrum.count": Door.of(SPECTRUM.count),
    "Spectrum.effective_rank": Door.of(SPECTRUM.effective_rank),
}
SETTINGS = {
    "AlphaDecay": Door.of(ds.AlphaDecay, use=of_points),
    "Gaussian": Door.of(ds.Gaussian, use=of_points),
    "Cosine": Door.of(ds.Cosine, use=of_points),
    "SelfTuning": Door.of(ds.SelfTuning, use=of_points),
    "NearestNeighbors": Door.of(ds.NearestNeighbors, use=of_points, k=5),
    "Thresholded": Door.of(ds.Thresholded, use=of_points, sigma=2.0),
    "Precomputed": Door.of(ds.Precomputed, use=lambda kernel: ds.dse(AFFINITY, kernel=kernel)),
    "Precomputed points": Door.of(
        lambda points: ds.dse(points, kernel=ds.Precomputed()), points=AFFINITY, tables={"points": odd_inputs.square}
    ),
    "Cosine points": Door.of(lambda points: ds.dse(points, kernel=ds.Cosine())),
    "Gaussian points": Door.of(lambda points: ds.dse(points, kernel=ds.Gaussian())),
    "SelfTuning points": Door.of(lambda points: ds.dse(points, kernel=ds.SelfTuning())),
    "NearestNeighbors points": Door.of(lambda points: ds.dse(points, kernel=ds.NearestNeighbors(1))),
    "Thresholded points": Door.of(lambda points: ds.dse(points, kernel=ds.Thresholded("knn"))),
    "the paper's points": Door.of(lambda points: ds.dse(points, **ds.paper)),
    "Lanczos points": Door.of(lambda points: ds.dse(points, kernel=ds.Gaussian(), solver=ds.Lanczos())),
    "LowRank points": Door.of(lambda points: ds.dse(points, kernel=ds.Gaussian(), solver=ds.LowRank())),
    "Chebyshev points": Door.of(lambda points: ds.dse(points, solver=ds.Chebyshev())),
    "Exact": Door.of(ds.Exact, use=solved),
    "Lanczos": Door.of(ds.Lanczos, use=solved, probes=4),
    "LowRank": Door.of(ds.LowRank, use=solved, rank=30),
    "Chebyshev": Door.of(ds.Chebyshev, use=solved),
    "Matched": Door.of(ds.Matched, use=estimated),
    "Literal": Door.of(ds.Literal, use=estimated),
    "Adjusted": Door.of(ds.Adjusted, use=estimated),
    "Labels": Door.of(ds.Labels, use=lambda labels: grouped(labels, LABELS)),
    "Labels reference": Door.of(
        lambda reference: ds.Labels()(reference), tables={"reference": odd_inputs.labels_alone}
    ),
    "Bins": Door.of(ds.Bins, use=lambda bins: grouped(bins, VALUES[:, 0])),
    "Bins reference": Door.of(lambda reference: ds.Bins(3)(reference), reference=VALUES[:, :1], tables=NUMBER_LISTS),
    "Clusters": Door.of(ds.Clusters, use=grouped, count=3),
    "Clusters reference": Door.of(lambda reference: ds.Clusters(3)(reference), reference=VALUES, tables=NUMBER_LISTS),
    "KMeans": Door.of(ds.KMeans, use=grouped, count=3),
    "KMeans reference": Door.of(lambda reference: ds.KMeans(3)(reference), reference=VALUES, tables=NUMBER_LISTS),
    "Partition": Door.of(
        ds.Partition,
        use=lambda partition: ds.dsmi(VALUES, partition),
        codes=LABELS,
        names=("cat", "dog"),
        tables={"codes": odd_inputs.codes, "names": odd_inputs.names, "origin": odd_inputs.origins},
    ),
    "FixedTime": Door.of(FixedTime, use=timed),
    "Knee": Door.of(Knee, use=timed, longest=20),
    "ShareAbove": Door.of(ShareAbove, share=0.2, use=lambda rule: ds.choose_time(JOINED, rule)),
}
RULES = {
    **{
        name: Door.of(getattr(bandwidth, name), use=ruled)
        for name in ("Fixed", "LogSum", "Median", "NeighborShare", "Neighbors", "Quantile", "RootDimension")
    },
    "Scaled": Door.of(
        bandwidth.Scaled, use=ruled, factor=0.5, rule=bandwidth.Median(), tables={"rule": odd_inputs.rules}
    ),
    "GeometricMean": Door.of(
        bandwidth.GeometricMean,
        use=ruled,
        first=bandwidth.Median(),
        second=bandwidth.Median(),
        tables={"first": odd_inputs.rules, "second": odd_inputs.rules},
    ),
    **{
        f"{type(rule).__name__} called": Door.of(lambda points, rng, rule=rule: rule(points, rng), skip=["rule"], rng=0)
        for rule in bandwidth.NAMED.values()
    },
    "resolve_sigma": Door.of(bandwidth.resolve_sigma, rng=0, sigma="median"),
    "check_sigma": Door.of(bandwidth.check_sigma),
}
BASELINES = {
    **{
        name: Door.of(getattr(baselines, name))
        for name in [
            "alpha_req",
            "binned_entropy",
            "binned_information",
            "effective_rank",
            "entry_entropy",
            "entry_information",
            "fourier_information",
            "gride",
            "gram_entropy",
            "gram_information",
            "h_score",
            "joint_information",
            "knn_probe",
            "kozachenko_leonenko",
            "leep",
            "levina_bickel",
            "lidar",
            "logme",
            "mixed_ksg",
            "nce",
            "neural_collapse",
            "participation_ratio",
            "ross",
            "stable_rank",
            "two_nn",
        ]
    },
    "label_overlap": Door.of(baselines.label_overlap, neighbors=4),
    "n_leep": Door.of(baselines.n_leep, components=4),
    "adjacency_entropy": Door.of(baselines.adjacency_entropy, tables={"graph": odd_inputs.kernels}),
    "adjacency_information": Door.of(baselines.adjacency_information, tables={"graph": odd_inputs.kernels}),
    "fourier_entropy": Door.of(baselines.fourier_entropy, tables={"values": odd_inputs.points_or_none}, values=VALUES),
    "vendi_score": Door.of(baselines.vendi_score, tables={"kernel": odd_inputs.kernels_or_none}),
    "ksg": Door.of(baselines.ksg, tables=NUMBER_LISTS, **NEAR),
    "lnc": Door.of(baselines.lnc, tables=NUMBER_LISTS, **NEAR | {"neighbors": 5}),
    "conditional_ksg": Door.of(
        baselines.conditional_ksg, tables=NUMBER_LISTS, given=np.random.default_rng(7).normal(size=(30, 1)), **NEAR
    ),
    "kl_divergence": Door.of(baselines.kl_divergence, others=VALUES * 2.0 + 0.125),
    "information_imbalance": Door.of(
        baselines.information_imbalance, tables=NUMBER_LISTS, reference=VALUES * [1.0, 2.0, 3.0]
    ),
    "mutual_neighbors": Door.of(baselines.mutual_neighbors, tables=NUMBER_LISTS, reference=VALUES * [1.0, 2.0, 3.0]),
    "linear_cka": Door.of(baselines.linear_cka, tables=NUMBER_LISTS, reference=VALUES * [1.0, 2.0, 3.0]),
    **{
        name: Door.of(
            getattr(baselines, name),
            points=MANY,
            reference=MANY_LABELS,
            training=TRAINING,
            tables={"training": odd_inputs.trainings, "reference": odd_inputs.labels_of_many},
        )
        for name in ("infonce", "mine", "nwj", "smile")
    },
    "Training": Door.of(
        baselines.Training,
        use=lambda made: baselines.infonce(MANY, MANY_LABELS, training=made),
        steps=4,
        every=2,
        batch=8,
        hidden=(4,),
        tables={"device": odd_inputs.words},
    ),
    "Nearest": Door.of(baselines.Nearest, use=lambda graph: baselines.adjacency_entropy(VALUES, graph=graph), knn=5),
}
RELEASED = {
    name: Door.of(
        getattr(released, name),
        skip=["eigval_save_path", "eigval_save_precision", "precomputed_clusters"],
        tables={
            "embedding_vectors": odd_inputs.points_of_any_rank,
            "reference_vectors": odd_inputs.labels_of_any_rank,
        },
        **({"reference_vectors": LABELS} if name.endswith("information") else {}),
    )
    for name in released.__all__
}
RELEASED["precomputed_clusters"] = Door.of(
    lambda given: released.diffusion_spectral_mutual_information(
        VALUES, VALUES[:, 0], reference_discrete=False, precomputed_clusters=given
    ),
    given=LABELS,
    tables={"given": odd_inputs.labels_or_none},
)
SYNTHETIC = {
    **{
        name: Door.of(getattr(synthetic, name), n=20)
        for name in ("additive_noise", "correlated", "student", "swiss_roll")
    },
    "blobs": Door.of(synthetic.blobs, n=20, centres=3),
    "cloud": Door.of(synthetic.cloud, n=20, dimension=3),
    "sphere": Door.of(synthetic.sphere, n=20, dimension=3),
    "torus": Door.of(synthetic.torus, n=20, dimension=3),
    "spd_mix": Door.of(synthetic.spd_mix, n=20, identity=0.5),
    "tree": Door.of(synthetic.tree, branches=3, length=4),
    "corrupt": Door.of(synthetic.corrupt, share=0.5, tables={"labels": odd_inputs.labels_alone}, labels=LABELS),
    **{
        name: Door.of(getattr(synthetic, name), tables={"values": odd_inputs.points}, values=VALUES)
        for name in ("half_cube", "spiral", "wiggly")
    },
}
TRAINED = {
    "Collapse": Door.of(
        training.Collapse, use=lambda rule: len(rule([9.0, 1.2])), tables={"rank": odd_inputs.reals}, rank=1.5
    ),
    "Collapse looks": Door.of(lambda information: len(training.Collapse()(information)), information=[9.0, 1.2]),
    "Saturation": Door.of(lambda verdict: len(training.Saturation()(verdict)), skip=["verdict"], verdict="saturated"),
    "Memorisation": Door.of(training.Memorisation, use=lambda rule: len(rule(0.6, [0.4, 0.1], ceiling=3.0))),
    "Memorisation looks": Door.of(
        lambda train_accuracy, information, ceiling: len(
            training.Memorisation()(train_accuracy, information, ceiling=ceiling)
        ),
        train_accuracy=0.6,
        information=[0.4, 0.1],
        ceiling=3.0,
    ),
    "DSELoss": Door.of(training.DSELoss, use=lambda made: made(TENSOR)),
    "DSELoss points": Door.of(
        lambda points: training.DSELoss()(as_tensor(points)), tables={"points": odd_inputs.points_for_a_loss}
    ),
    "DSMILoss points": Door.of(
        lambda points, reference: training.DSMILoss()(as_tensor(points), reference),
        tables={"points": odd_inputs.points_for_a_loss},
    ),
}


def watched(**settings):
    """What a monitor of a small network writes at its first look."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "run.jsonl"
        network = settings.pop("model", NETWORK)
        given = {"layers": "1", "probe": PROBE, "measures": (training.DSE(),), "log": log} | settings
        training.Monitor(network, **given).observe(0)
        return [record["value"] for record in runlog.read(log) if "value" in record]


def print_nothing(numbers, step):
    """A sink."""


torch.manual_seed(0)
NETWORK = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).double()
PROBE = training.Probe(TENSOR, labels=LABELS)
WATCHED = {
    "collect": Door.of(
        training.collect,
        model=NETWORK,
        layers="1",
        batches=[TENSOR],
        tables={"model": odd_inputs.networks, "layers": odd_inputs.layers, "batches": odd_inputs.batches},
    ),
    "layers": Door.of(
        training.layers,
        model=NETWORK,
        example=TENSOR,
        tables={
            "model": odd_inputs.networks,
            # One input is enough for a look at shapes.
            "example": lambda good: {k: v for k, v in odd_inputs.probe_inputs(good).items() if k != "one"},
        },
    ),
    "Layer": Door.of(
        lambda name, reduce: training.collect(NETWORK, training.Layer(name, reduce), [TENSOR]),
        name="1",
        reduce="none",
        tables={"name": odd_inputs.names_of_layers},
    ),
    "Probe": Door.of(
        training.Probe,
        use=lambda probe: watched(probe=probe, measures=(training.DSMI("X"),)),
        inputs=TENSOR,
        labels=LABELS,
        clusters=ds.Clusters(3),
        tables={
            "inputs": odd_inputs.probe_inputs,
            "labels": odd_inputs.labels_or_none,
            "clusters": odd_inputs.grouping_needed,
        },
    ),
    "DSE": Door.of(training.DSE, use=lambda measure: watched(measures=[measure])),
    "DSMI": Door.of(training.DSMI, use=lambda measure: watched(measures=[measure])),
    "Monitor axis": Door.of(lambda axis: watched(axis=axis), axis="epoch", tables={"axis": odd_inputs.axes}),
    "Monitor alerts": Door.of(
        lambda alerts, on_alert, stop_on, budget: watched(
            alerts=alerts, on_alert=on_alert, stop_on=stop_on, budget=budget, strict=True
        ),
        alerts=(training.Collapse(),),
        on_alert=print,
        stop_on="collapse",
        budget=0.5,
        tables={
            "alerts": odd_inputs.alerts,
            "on_alert": odd_inputs.listeners,
            "stop_on": odd_inputs.kinds_of_alerts,
            "budget": odd_inputs.budgets,
        },
    ),
    "Monitor": Door.of(
        lambda model, layers, probe, run, every, measures, rules, changes, pictures, settings, sinks, strict: watched(
            model=model,
            layers=layers,
            probe=probe,
            run=run,
            every=every,
            measures=measures,
            rules=rules,
            changes=changes,
            pictures=pictures,
            settings=settings,
            sinks=sinks,
            strict=strict,
        ),
        model=NETWORK,
        layers="1",
        probe=PROBE,
        run="run",
        every=1,
        measures=(training.DSE(),),
        rules=training.RULES,
        changes=True,
        pictures=(0,),
        settings={"lr": 0.1},
        sinks=(print_nothing,),
        strict=True,
        tables={
            "model": odd_inputs.networks,
            "layers": odd_inputs.layers,
            "probe": odd_inputs.probes,
            "run": odd_inputs.names_of_runs,
            "measures": odd_inputs.measures,
            "rules": odd_inputs.rules_of_monitors,
            "pictures": odd_inputs.steps_of_pictures,
            "settings": odd_inputs.settings,
            "sinks": odd_inputs.sinks,
        },
    ),
}
RECORDS = {
    f"{type(record).__name__}.from_json": Door.of(
        type(record).from_json, text=record.to_json(), tables={"text": odd_inputs.texts}
    )
    for record in (
        ds.dsmi(VALUES, LABELS),
        ds.profile(VALUES, LABELS, sigmas=[1.0, 3.0]),
        ds.interval(VALUES, resamples=10),
        ds.compare(VALUES, VALUES * [1.0, 2.0, 3.0], resamples=10),
        ds.permutation_test(VALUES, LABELS, 19),
    )
}


def commanded(file, **given):
    """What the command prints about a file, as numbers; what it refuses is raised."""
    out, err = io.StringIO(), io.StringIO()
    written = [f"--{name}={value}" for name, value in given.items() if value is not None]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = command.run(["measure", str(file), "--json", *written])
    if code == 0 and err.getvalue().count("\n") <= 1:  # a remark is one line
        return [json.loads(line)["value"] for line in out.getvalue().splitlines()]
    assert (code, out.getvalue()) == (2, ""), (code, out.getvalue(), err.getvalue())
    raise ds.InputError(err.getvalue().removesuffix("\n"))


FOLDER = tempfile.TemporaryDirectory()
FILES = odd_files.written(Path(FOLDER.name))
POINTS_FILE = FILES["float16.npy"][1]
np.save(Path(FOLDER.name) / "y.npy", LABELS)
COMMANDS = {
    "measure": Door.of(lambda file: commanded(file), file=POINTS_FILE, tables={"file": lambda good: FILES}),
    **{
        f"measure --{name}": Door.of(
            lambda file, name=name: commanded(POINTS_FILE, **{name: file}),
            skip=["name"],
            file=Path(FOLDER.name) / "y.npy",
            tables={"file": lambda good: {key: (ODD, path) for key, (_meaning, path) in FILES.items()}},
        )
        for name in ("labels", "reference")
    },
    **{
        f"measure --{name}": Door.of(
            lambda text, name=name: commanded(
                POINTS_FILE, **{name: text, "labels": Path(FOLDER.name) / "y.npy" if name == "repetitions" else None}
            ),
            skip=["name"],
            text=good,
            tables={"text": odd_inputs.options},
        )
        for name, good in (("alpha", "0.5"), ("t", "1"), ("sigma", "2"), ("neighbors", "3"), ("repetitions", "2"))
    },
    "measure --seed": Door.of(
        lambda text: commanded(POINTS_FILE, seed=text), text="0", tables={"text": odd_inputs.options}
    ),
}
DOORS = WATCHED | RECORDS | COMMANDS | MEASURES | SETTINGS | RULES | BASELINES | RELEASED | SYNTHETIC | TRAINED


@pytest.mark.parametrize("name", DOORS)
def test_every_odd_input_gives_the_right_value_or_one_line_of_our_own(name):
    faults = [f"{label}: {fault}" for label, fault in walked(name)]
    assert not faults, f"{len(faults)} of {len(list(pairs(DOORS[name])))} at {name}:\n" + "\n".join(faults)


NO_DOORS = {
    "errors": "DiffspecError InputError MissingExtraError TooLargeError RunLogWarning",
    "what doors give, not made by users; read back they are doors": """Choice Comparison Curve Estimate Group GroupTest
        Agreement Alert Correlation
        Interval PermutationTest Profile Ranked Ranking ScaleShape Settings Spectrum Pair""",
    "settings, types and constants": "paper __version__ NAMED TINY Rule Sigma RULES Measure",
    "arithmetic on what rules have computed": "median_sigma median_ranks",
}


def test_every_public_callable_is_a_door():
    public = {name for module in (ds, bandwidth, baselines, released, synthetic, training) for name in module.__all__}
    walked_through = {name.split()[0].split(".")[0] for name in DOORS} | {
        name for names in NO_DOORS.values() for name in names.split()
    }
    assert not public - walked_through


def test_the_walk_is_long():
    assert sum(len(list(pairs(door))) for door in DOORS.values()) >= 3000


def pairs(door):
    """(argument, good value, name of the odd input, what may come of it, the input)."""
    defaults = door.defaults
    for argument, table in door.tables.items():
        good = door.good.get(argument, defaults.get(argument))
        good = GOOD.get(argument) if good is None else good
        for label, (meaning, value) in table(good).items():
            yield argument, good, label, meaning, value


def walked(name):
    """(pair, in words what is wrong with its outcome) for every pair of a door that is not as it should be."""
    door, right = DOORS[name], {}
    for argument, good, label, meaning, value in pairs(door):
        if not effort.drawn(f"{name} {argument} {label}", 4):
            continue
        if argument not in right:
            right[argument] = numbers(door.call(**{**door.good, argument: good}))
        start = time.process_time()  # of work, not of waiting: the machine may be busy
        fault = outcome(lambda: door.call(**{**door.good, argument: value}), meaning, right[argument])  # noqa: B023
        if time.process_time() - start > 10.0:
            fault = f"took {time.process_time() - start:.0f} s of work"
        if fault:
            yield f"{argument} = {label}", fault


def outcome(call, meaning, right):
    """In words what is wrong with what `call` does; empty where all is well."""
    try:
        found = numbers(call())
    except ds.DiffspecError as error:
        return "" if str(error) and "\n" not in str(error) else f"not one line: {error!r}"
    except Exception as error:
        return f"{type(error).__module__}.{type(error).__name__}: {str(error)[:150]!r}"
    if meaning == WRONG:
        return f"taken for good, gives {found[:3]}"
    if np.isnan(found).any():
        return "NaN"
    if meaning == SAME and not (len(found) == len(right) and np.allclose(found, right, rtol=1e-6, atol=1e-6)):
        return f"gives {found[:3]} for {right[:3]}"
    return ""


def numbers(found):
    """All numbers in a result, in one order."""
    if isinstance(found, torch.Tensor):
        return found.detach().double().numpy().ravel().tolist()
    if hasattr(found, "toarray"):
        return numbers(found.toarray())
    if isinstance(found, np.ndarray) and found.dtype.kind in "USO":  # classes
        return np.unique(found, return_inverse=True)[1].ravel().tolist()
    if isinstance(found, np.ndarray):
        return found.astype(float).ravel().tolist() if found.dtype.kind in "fiub" else []
    if isinstance(found, Mapping):
        return [number for name, value in found.items() if name not in RECORDED for number in numbers(value)]
    if isinstance(found, list | tuple):
        return [number for value in found for number in numbers(value)]
    if dataclasses.is_dataclass(found) and not isinstance(found, type):
        return numbers({field.name: getattr(found, field.name) for field in dataclasses.fields(found)})
    return [float(found)] if isinstance(found, int | float | np.number | np.bool_) else []


RECORDED = ("settings", "first_settings", "second_settings", "seed", "spectrum", "origin")
"""What says how a number was got, and may say the same in other words."""
