"""One measurement in a process of its own, for a peak of memory of its own: `python -m benchmarks.measure JSON`."""

import json
import os
import platform
import resource
import sys
import time

import numpy as np

SIGMA = 10.0
ALPHA = 0.0  # what dse-dsmi computes, so that all three give the same number


def cloud(n, d, classes):
    """`n` points around `classes` centres in R^d, in equal numbers, and the class of each."""
    r = np.random.default_rng(0)
    labels = np.arange(n) % classes
    return r.normal(size=(classes, d))[labels] + 0.5 * r.normal(size=(n, d)), labels


def diffspec_calls():
    from diffspec import Gaussian, dse, dsmi

    kernel = Gaussian(sigma=SIGMA)
    return {
        "dse": lambda x, _y: (lambda e: (e.value, e.stderr))(dse(x, kernel=kernel, alpha=ALPHA)),
        "dsmi": lambda x, y: (lambda e: (e.value, e.stderr))(dsmi(x, y, kernel=kernel, alpha=ALPHA)),
    }


def exact_calls():
    from diffspec import Exact, Gaussian, dse, dsmi

    asked = {"kernel": Gaussian(sigma=SIGMA), "alpha": ALPHA, "solver": Exact()}
    return {
        "dse": lambda x, _y: (float(dse(x, **asked)), None),
        "dsmi": lambda x, y: (lambda e: (e.value, e.stderr))(dsmi(x, y, **asked)),
    }


def released_calls():
    from diffspec import released

    return four_function_calls(released)


def dse_dsmi_calls():
    import dse_dsmi

    return four_function_calls(dse_dsmi)


def four_function_calls(module):
    return {
        "dse": lambda x, _y: (float(module.diffusion_spectral_entropy(x, SIGMA)), None),
        "dsmi": lambda x, y: (float(module.diffusion_spectral_mutual_information(x, y, None, SIGMA)[0]), None),
    }


def numpy_calls():
    from benchmarks import transcription

    return {
        "dse": lambda x, _y: (transcription.dse(x, SIGMA, ALPHA), None),
        "dsmi": lambda x, y: (transcription.dsmi(x, y, SIGMA, ALPHA), None),
    }


def eigvalsh_calls():
    """SciPy's eigenvalues of the finished matrix and nothing else: what no exact method can do without."""
    from scipy.linalg import eigvalsh

    from benchmarks import transcription

    return {
        "prepare": lambda x: transcription.operator(x, SIGMA, ALPHA),
        "dse": lambda matrix, _y: (transcription.entropy(eigvalsh(matrix)), None),
    }


CALLS = {
    "diffspec": diffspec_calls,
    "diffspec exact": exact_calls,
    "diffspec.released": released_calls,
    "numpy": numpy_calls,
    "eigvalsh alone": eigvalsh_calls,
    "dse-dsmi": dse_dsmi_calls,
}


def peak_mib():
    """The most memory this process has held; Linux counts in KiB, macOS in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def measure(who, measure, n, d, classes):
    calls = CALLS[who]()
    call, prepare = calls[measure], calls.get("prepare", lambda x: x)
    few, some = cloud(20 * classes, 8, classes)
    call(prepare(few), some)  # whatever is loaded or compiled at the first use is not timed
    points, labels = cloud(n, d, classes)
    points = prepare(points)
    before = peak_mib()
    start, cpu_start = time.perf_counter(), time.process_time()
    bits, stderr = call(points, labels)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "peak_mib": peak_mib(),
        "above_mib": peak_mib() - before,
        "bits": bits,
        "stderr": stderr,
    }


def machine():
    """Processor, memory, versions and BLAS of this interpreter."""
    from importlib.metadata import PackageNotFoundError, version

    import psutil
    import scipy.linalg  # noqa: F401 (its BLAS shows among the thread pools)
    from threadpoolctl import threadpool_info

    def version_of(name):
        try:
            return version(name)
        except PackageNotFoundError:
            return None

    pools = {f"{p['internal_api']} {p['version']} {p.get('architecture', '')}".strip(): p for p in threadpool_info()}
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version_of(name) for name in ("diffspec", "dse-dsmi", "numpy", "scipy", "scikit-learn")},
        "threads": {name: pool["num_threads"] for name, pool in pools.items()},
    }


def processor():
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    print(json.dumps(measure(**asked) if asked else machine()))
