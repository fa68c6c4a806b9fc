"""The momentum rule by SymPy: what `lagrule derive rules/momentum.lag` answers, without its regimes.

    python sympy_momentum.py dsolve     as a reader of its manual would
    python sympy_momentum.py roots      with the characteristic polynomial solved by hand

The second way is there so that nobody can say SymPy was asked for too much. Prints the seconds of the
import and of the derivation as JSON; the answer is compared with the known one on numbers.
"""

import json
import sys
import time

started = time.perf_counter()
import sympy as sp

imported = time.perf_counter()

t, dt = sp.symbols("t dt", positive=True)
eta, k, gamma, h = sp.symbols("eta k gamma h", positive=True)
g, start = sp.symbols("g theta_0", real=True)
theta = sp.Function("theta")
q, v = sp.symbols("q v", real=True)
omega = sp.sqrt(gamma**2 / 4 + eta * k * h)
expected = -(g / h) * (1 - sp.exp(-(omega - gamma / 2) * dt))


def motion():
    """The Euler-Lagrange equation of exp(-gamma t) (v^2/(2 eta) + k (g (q - q0) + h/2 (q - q0)^2))."""
    weight = sp.exp(-gamma * t)
    away = theta(t) - start
    lagrangian = weight * (theta(t).diff(t) ** 2 / (2 * eta) + k * (g * away + h * away**2 / 2))
    (equation,) = sp.calculus.euler.euler_equations(lagrangian, theta(t), t)
    return sp.Eq(sp.expand(sp.simplify(-equation.lhs * eta / weight)), 0)


def by_dsolve():
    """General solution, the decaying part of it, the starting value, the change over dt."""
    solution = sp.dsolve(motion(), theta(t)).rhs
    constants = sorted(solution.free_symbols - motion().free_symbols, key=str)
    # The growing exponential costs infinitely much; the other constant fits the start.
    growing = [c for c in constants if sp.limit(
        sp.simplify(solution.coeff(c)).subs({gamma: 1, eta: 1, k: 1, h: 1}), t, sp.oo) == sp.oo]
    path = solution.subs({c: 0 for c in growing})
    (free,) = [c for c in constants if c not in growing]
    path = path.subs(free, sp.solve(path.subs(t, 0) - start, free)[0])
    return sp.simplify(path.subs(t, dt) - start)


def by_roots():
    """Characteristic polynomial and particular solution without dsolve."""
    equation = motion().lhs
    root = sp.symbols("r")
    homogeneous = (equation - equation.subs(theta(t), start).doit()).doit()
    trial = sp.exp(root * t)
    characteristic = sp.expand(
        sp.simplify(homogeneous.subs(theta(t), start + trial).doit() / trial))
    roots = sp.solve(characteristic, root)
    decaying = [r for r in roots if r.subs({gamma: 1, eta: 1, k: 1, h: 1}) < 0]
    rest = sp.solve(equation.subs(theta(t), q).doit(), q)[0]
    return sp.simplify((start - rest) * (sp.exp(decaying[0] * dt) - 1))


def seconds(method):
    began = time.perf_counter()
    change = method()
    took = time.perf_counter() - began
    values = {eta: 1.1, k: 0.7, gamma: 0.5, h: 2, g: 1.3, start: 0.4, dt: 0.2}
    assert abs(float((change - expected).subs(values))) < 1e-12, change
    return took


took = seconds({"dsolve": by_dsolve, "roots": by_roots}[sys.argv[1]])
print(json.dumps({"sympy": sp.__version__, "import": imported - started, "derive": took}))
