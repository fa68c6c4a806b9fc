"""The exact rule of a dense quadratic by one `eigh`: what `solve::linalg::Modes` does.

    python scipy_quadratic.py N REPETITIONS

Minimising the integral of exp(-gamma t) (v.G v/(2 eta) + k (g.d + d.H d/2)) gives the change
-W diag(phi) W' eta k g over a step dt, with H W = G W diag(h), W'GW = 1. Prints JSON: medians of wall
and processor time in milliseconds, and the change's first entry, to be compared with ours.
"""

import json
import os
import statistics
import sys
import time

import numpy as np
import scipy
from scipy.linalg import eigh

ETA, K, GAMMA, DT = 1.1, 0.7, 0.5, 0.2


def numbers(seed):
    """The generator of quadratic_rule.rs, so that both see the same problem."""
    state = seed
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield (state >> 11) / 2**53 - 0.5


def problem(n):
    supply = numbers(1)
    draw = lambda count: np.array([next(supply) for _ in range(count)])
    a, b, g = draw(n * n).reshape(n, n), draw(n * n).reshape(n, n), draw(n)
    unit = np.eye(n)
    return a @ a.T / n + 0.1 * unit, b @ b.T / n + 0.5 * unit, g


def change(hessian, metric, gradient):
    h, w = eigh(hessian) if metric is None else eigh(hessian, metric)
    kappa = ETA * K * h
    growth = np.sqrt(GAMMA**2 / 4 + kappa) + GAMMA / 2
    rate = kappa / growth
    return -w @ (-np.expm1(-rate * DT) / rate / growth * (w.T @ (ETA * K * gradient)))


def measure(work, repetitions):
    wall, processor = [], []
    for _ in range(repetitions + 2):
        began, used = time.perf_counter(), time.process_time()
        result = work()
        wall.append(1e3 * (time.perf_counter() - began))
        processor.append(1e3 * (time.process_time() - used))
    return {
        "wall": statistics.median(wall[2:]),
        "best": min(wall[2:]),
        "processor": statistics.median(processor[2:]),
        "first": float(result[0]),
    }


n, repetitions = int(sys.argv[1]), int(sys.argv[2])
hessian, metric, gradient = problem(n)
print(json.dumps({
    "scipy": scipy.__version__,
    "threads": os.environ.get("OPENBLAS_NUM_THREADS", "default"),
    "identity": measure(lambda: change(hessian, None, gradient), repetitions),
    "metric": measure(lambda: change(hessian, metric, gradient), repetitions),
}))
