"""Evaluates the `python` fields of `lagrule derive --format json` and holds them against numbers
that come from elsewhere: the reference table of the paper's equations, SciPy's Riccati solver, and
relations every rule must satisfy. Reads a JSON array of {name, values, document} from standard input;
prints what is wrong and exits with 1, or prints how much was checked.
"""

import json
import keyword
import sys

import numpy as np
from scipy.linalg import coshm, expm, fractional_matrix_power, schur, sinhm, sqrtm
from scipy.linalg import solve_continuous_are
from scipy.special import exprel

NAMES = {
    "np": np, "expm": expm, "sqrtm": sqrtm, "coshm": coshm, "sinhm": sinhm, "exprel": exprel,
    "fractional_matrix_power": fractional_matrix_power, "schur": schur, "max": max, "min": min,
    "abs": abs,
}
wrong, checked = [], 0


def evaluate(formula, values):
    return np.real_if_close(eval(formula["python"], {**NAMES, **values}))  # noqa: S307


def check(what, found, expected, tolerance=1e-8):
    global checked
    checked += 1
    found, expected = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    scale = 1 + np.max(np.abs(expected))
    if found.shape != expected.shape or not np.max(np.abs(found - expected)) < tolerance * scale:
        wrong.append(f"{what}: found {found}, expected {expected}")


def everywhere(name, document, values):
    """What holds for every rule at the values of its file."""
    if any(value is None for value in values.values()):
        return
    rule, first = document["rule"], document["first_order"]
    if document["class"] == "numeric" or not rule:
        return
    small = {**values, "dt": 1e-6}
    for parameter in rule:
        exact, linear = evaluate(rule[parameter], small), evaluate(first[parameter], small)
        if document["class"] == "single_step":
            check(f"{name}: exact and first order", exact, linear)
        else:
            check(f"{name}: exact and first order", exact / 1e-6, linear / 1e-6, 1e-4)
    if "rest_point" in document and document["class"] == "linear":
        # Without drift and horizon the path ends at the rest point.
        late = {**values, "dt": 200.0}
        start = values[next(iter(rule))]
        if "T" not in values and name not in ("linear_drift",):
            total = start + evaluate(next(iter(rule.values())), late)
            check(f"{name}: where it ends", total, evaluate(document["rest_point"], values))
    for regime in document["regimes"]:
        for parameter in regime["rule"]:
            value = evaluate(regime["rule"][parameter], values)
            if not np.all(np.isfinite(value)):
                wrong.append(f"{name}, {regime['name']}: {value}")
        if "valid_when" in regime:
            size = float(evaluate(regime["valid_when"], values))
            if not size > 0:
                wrong.append(f"{name}, {regime['name']}: condition {size}")


def momentum(document, values):
    unit = dict(eta=1.0, k=1.0, h=1.0, g=1.0, dt=1.0, theta=0.0)
    step = document["first_order"]["theta"]
    rate = lambda h, gamma: -evaluate(step, {**unit, "h": h, "g": h, "gamma": gamma})
    for gamma, expected in [(0.0, 1), (1.0, 0.6180339887), (10.0, 0.0990195136)]:
        check(f"momentum: r at gamma = {gamma}", rate(1.0, gamma), expected)
    for gamma, expected in [(0.0, 2), (1.0, 2.5266455264), (10.0, 3.8897869032)]:
        ratio = rate(4.0, gamma) / rate(1.0, gamma)
        check(f"momentum: r(4)/r(1) at gamma = {gamma}", ratio, expected)


def receding_horizon(document, values):
    unit = dict(eta=1.0, k=1.0, h=1.0, g=1.0, dt=1.0, theta=0.0, gamma=1.0)
    step = document["first_order"]["theta"]
    for horizon, expected in [(0.1, 0.0948619722), (1.0, 0.5303297566), (10.0, 0.6180339886)]:
        check(f"r_T at T = {horizon}", -evaluate(step, {**unit, "T": horizon}), expected)


def rotation(document, values):
    point = {**values, "n": 2, "theta": np.zeros(2), "h": 4.0, "g": np.array([0.0, 2.0]),
             "Q": 10.0 * np.array([[0, -1], [1, 0]]), "eta": 1.0, "k": 1.0}
    for gamma, expected in [(0.0, (0, -0.0192307692)), (1.0, (0.0018321730, -0.0190545988))]:
        at = evaluate(document["rest_point"], {**point, "gamma": gamma})
        check(f"rotation: rest point at gamma = {gamma}", at, expected)


def weight_decay(document, values):
    # One direction: h = 4, j = 10, the minimum of the loss at 1, start at 0.
    point = {**values, "n": 1, "theta": np.zeros(1), "H": np.array([[4.0]]),
             "g": np.array([-4.0]), "eta": 1.0, "k": 1.0, "j": 10.0, "dt": 1.0}
    for gamma, bias, rate in [(0.0, 0.0384615385, 10.1980390), (1.0, 0.0350877193, 10.1887792)]:
        at = {**point, "gamma": gamma}
        check("weight decay: bias", evaluate(document["rest_point"], at), [bias])
        step = evaluate(document["first_order"]["theta"], at)
        check("weight decay: rate", step / bias, [rate])


def natural_ballistic(document, values):
    metric, x = np.diag([1 / 50, 1.0]), np.array([1.0, -2.0])
    point = {**values, "n": 2, "G": metric, "H": 4 * np.eye(2), "g": 4 * x, "eta": 1.0, "k": 1.0,
             "dt": 1.0}
    for formula in (document["first_order"], document["regimes"][1]["rule"]):
        step = evaluate(formula["theta"], point)
        check("natural ballistic: rates", -step / x, [14.1421356, 2], 1e-7)


def linear_drift(document, values):
    v = values
    half = v["gamma"] / 2
    n = v["n"]
    p = solve_continuous_are(
        v["J"] - half * np.eye(n), np.eye(n), v["k"] * v["H"], v["G"] / v["eta"])
    x = v["J"] - v["eta"] * np.linalg.solve(v["G"], p)
    offset = v["theta"] - evaluate(document["rest_point"], v)
    exact = (expm(v["dt"] * x) - np.eye(n)) @ offset
    check("linear drift: exact", evaluate(document["rule"]["theta"], v), exact)
    # The cost: V = d.P d/2 + s.d with s = G f(q*)/eta.
    rest = v["theta"] - offset
    drift = v["J"] @ rest + v["b"]
    cost = offset @ p @ offset / 2 + offset @ v["G"] @ drift / v["eta"]
    check("linear drift: cost", evaluate(document["diagnosis"]["value"], v), cost)


def double_well(document, values):
    step = evaluate(document["first_order"]["x"], {**values, "dt": 1.0})
    x, top = values["x"], 1.0574538
    loss = lambda x: (x**2 - 1) ** 2 - 0.5 * x
    check("double well: speed", step, np.sqrt(2 * (loss(x) - loss(top))), 1e-6)


def levenberg_marquardt(document, values):
    v = values
    expected = -np.linalg.solve(v["H"] + np.eye(2) / (v["eta"] * v["k"]), v["g"])
    check("Levenberg-Marquardt", evaluate(document["rule"]["theta"], v), expected)
    damping = evaluate(document["hyper"]["damping"], v)
    check("Levenberg-Marquardt: damping", damping, 1 / (v["eta"] * v["k"]))


for entry in json.load(sys.stdin):
    name, document = entry["name"], entry["document"]
    values = {
        key + "_" * keyword.iskeyword(key): np.array(value) if isinstance(value, list) else value
        for key, value in entry["values"].items()
    }
    try:
        everywhere(name, document, values)
        if name in globals():
            globals()[name](document, values)
    except Exception as error:  # noqa: BLE001
        wrong.append(f"{name}: {type(error).__name__}: {error}")

if wrong:
    print("\n".join(wrong))
    sys.exit(1)
print(f"{checked} checks")
