"""Reference values for the linear class, made by SciPy's ordered QZ decomposition.

Run once:  python linear_class.py > linear_class.json     (SciPy 1.17.1, NumPy 2)

For each size the matrices come from a generator that the Rust tests repeat (SplitMix64), so the file
holds only results: X @ ones and the sorted roots, where M X^2 + C X + K = 0 with Re(roots) < gamma/2.
"""

import json

import numpy as np
from scipy.linalg import ordqz, solve_continuous_are, solve_continuous_lyapunov, expm, sqrtm

MASK = (1 << 64) - 1


class SplitMix:
    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        z ^= z >> 31
        return (z >> 11) / float(1 << 53) * 2.0 - 1.0

    def matrix(self, n):
        return np.array([[self.next() for _ in range(n)] for _ in range(n)])


def problem(n, seed):
    """Metric, drift, Hessian: none commutes with another."""
    rng = SplitMix(seed)
    a, b, c = rng.matrix(n), rng.matrix(n), rng.matrix(n)
    return np.eye(n) + a @ a.T / n, c / np.sqrt(n), 0.1 * np.eye(n) + b @ b.T / n


def solvent(m, c, k, gamma):
    n = len(m)
    z, one = np.zeros((n, n)), np.eye(n)
    _, _, _, _, _, basis = ordqz(
        np.block([[z, one], [-k, -c]]),
        np.block([[one, z], [z, m]]),
        sort=lambda a, b: (a / b).real < gamma / 2,
        output="complex",
    )
    x = basis[n:, :n] @ np.linalg.inv(basis[:n, :n])
    return x.real


out = []
for n in (1, 2, 3, 5, 12, 20, 30, 60):
    for gamma, eta_k in ((0.0, 1.0), (0.5, 2.0), (20.0, 1.0)):
        g, j, h = problem(n, 1000 + n)
        m = g
        c = j.T @ g - g @ j - gamma * g
        k = gamma * g @ j - j.T @ g @ j - eta_k * h
        x = solvent(m, c, k, gamma)
        a = j - gamma / 2 * np.eye(n)
        p = solve_continuous_are(a, np.eye(n), h * eta_k, g)
        roots = np.linalg.eigvals(x)
        roots = sorted(roots, key=lambda z: (round(z.real, 9), z.imag))
        out.append(
            dict(
                n=n,
                gamma=gamma,
                eta_k=eta_k,
                x_ones=list(x @ np.ones(n)),
                riccati_ones=list(p @ np.ones(n)),
                real_parts=[z.real for z in roots],
            )
        )

functions = []
for n in (2, 4, 9):
    rng = SplitMix(77 + n)
    a, q = rng.matrix(n), rng.matrix(n)
    q = q + q.T
    stable = a - 3 * np.eye(n)
    functions.append(
        dict(
            n=n,
            exp_ones=list(expm(3 * a) @ np.ones(n)),
            root_ones=list(sqrtm(a + 2 * np.eye(n)).real @ np.ones(n)),
            lyapunov_ones=list(solve_continuous_lyapunov(stable.T, -q) @ np.ones(n)),
        )
    )

print(json.dumps(dict(solvents=out, functions=functions), indent=1))
