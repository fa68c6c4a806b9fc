"""The double well of the paper over an infinite horizon, by what else there is: SciPy's `solve_bvp`,
direct collocation with CasADi and Ipopt, and the paper's own method, 60 000 steps of gradient descent on
the discretised action. Prints JSON: for each the best and the median time in milliseconds, without the
import of its library, and the largest error of the velocity at the start.

Each peer gets the settings with which it first reaches 1e-8 (gradient descent can't: its 50 points are
of first order).
"""

import json
import statistics
import sys
import time

import casadi
import numpy as np
from scipy.integrate import solve_bvp

GAMMA, START = 0.1, np.array([-0.6, 0.55])
REST = np.array([1.05745377073837790, 0.0])
VELOCITY = np.array([1.42362476549, -0.75080344339])
RATES = np.array([3.01936503645, 1.36509716981])
HORIZON = 9.0


def slope(x, y):
    return 4 * x * (x * x - 1) - 0.5, 2 * y


def by_solve_bvp(tolerance=1e-9, points=30):
    def field(_, z):
        x, y, u, v = z
        gx, gy = slope(x, y)
        return np.vstack([u, v, GAMMA * u + gx, GAMMA * v + gy])

    def ends(left, right):
        return np.concatenate([left[:2] - START, right[2:] + RATES * (right[:2] - REST)])

    t = HORIZON * np.linspace(0, 1, points) ** 1.5
    fall = np.exp(-np.outer(RATES, t))
    guess = REST[:, None] + (START - REST)[:, None] * fall
    found = solve_bvp(field, ends, t, np.vstack([guess, -RATES[:, None] * (guess - REST[:, None])]),
                      tol=tolerance, max_nodes=100_000)
    assert found.success, found.message
    return found.y[2:, 0]


def by_casadi(intervals=60, degree=4):
    q, v = casadi.SX.sym("q", 2), casadi.SX.sym("v", 2)
    x, y = q[0], q[1]
    loss = (x * x - 1) ** 2 + y * y - 0.5 * x
    cost = casadi.Function("cost", [q, v], [casadi.dot(v, v) / 2 + loss])
    taus = [0.0, *casadi.collocation_points(degree, "legendre")]
    basis = [np.poly1d([1.0]) for _ in taus]
    for j, tau in enumerate(taus):
        for other in taus:
            if other != tau:
                basis[j] *= np.poly1d([1, -other]) / (tau - other)
    slopes = np.array([[np.polyder(p)(tau) for tau in taus] for p in basis])
    weights = np.array([np.polyint(p)(1.0) for p in basis])
    ends = np.array([p(1.0) for p in basis])
    grid = HORIZON * np.linspace(0, 1, intervals + 1) ** 1.5
    at = lambda t: REST + (START - REST) * np.exp(-RATES * t)
    opti = casadi.Opti()
    left = opti.variable(2)
    opti.set_initial(left, START)
    opti.subject_to(left == START)
    total, first = 0, None
    for i in range(intervals):
        h = grid[i + 1] - grid[i]
        nodes = [left]
        for tau in taus[1:]:
            node = opti.variable(2)
            opti.set_initial(node, at(grid[i] + h * tau))
            nodes.append(node)
        for j, tau in enumerate(taus):
            rate = sum(slopes[m, j] * nodes[m] for m in range(degree + 1)) / h
            first = rate if first is None else first
            weight = h * weights[j] * np.exp(-GAMMA * (grid[i] + h * tau))
            if weights[j] != 0.0:
                total += weight * cost(nodes[j], rate)
        left = opti.variable(2)
        opti.set_initial(left, at(grid[i + 1]))
        opti.subject_to(left == sum(ends[m] * nodes[m] for m in range(degree + 1)))
    tail = left - REST
    bottom = float(cost(REST, np.zeros(2)))
    total += np.exp(-GAMMA * HORIZON) * (casadi.dot(tail * RATES, tail) / 2 + bottom / GAMMA)
    opti.minimize(total)
    opti.solver("ipopt", {"print_time": False}, {"print_level": 0, "sb": "yes", "tol": 1e-11})
    return np.asarray(opti.solve().value(first)).ravel()


def by_descent(points=50, steps=60_000, rate=1e-2, horizon=4.0):
    end = np.array([1.0625, 0.0])
    path = START + np.linspace(0, 1, points)[:, None] * (end - START)
    h = horizon / (points - 1)
    weight = np.exp(-GAMMA * h * np.arange(points - 1))[:, None] / (points - 1)
    grad = np.zeros_like(path)
    for _ in range(steps):
        pull = weight * (path[1:] - path[:-1]) / h**2
        gx, gy = slope(path[:-1, 0], path[:-1, 1])
        grad[1:-1] = pull[:-1] - pull[1:] + (weight * np.stack([gx, gy], axis=1))[1:]
        path -= rate * grad
    return (path[1] - path[0]) / h


def measure(method, repetitions):
    times = []
    for _ in range(repetitions):
        began = time.perf_counter()
        velocity = method()
        times.append(1e3 * (time.perf_counter() - began))
    error = float(np.abs(velocity - VELOCITY).max())
    return {"wall": statistics.median(times), "best": min(times), "error": error}


json.dump({
    "solve_bvp": measure(by_solve_bvp, 5),
    "casadi": measure(by_casadi, 5),
    "descent": measure(by_descent, 1),
}, sys.stdout)
