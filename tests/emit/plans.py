"""Emitted plans beside the optimum by another road, for curvatures of either sign.

Takes a folder with NAME_TARGET.py for the files plan_hill, plan_symmetric, plan_drift, plan_affine of
tests/emit/rules, NAME_near_TARGET.py for their regime `near`, and NAME_free_TARGET.py for the forms by
products. The other road is one exponential of the equations of motion with an end without momentum. Prints
the largest relative error, one line each.
"""

import pathlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
import torch
from common import error, load

torch.set_num_threads(1)
jax.config.update("jax_enable_x64", True)
FOLDER = pathlib.Path(sys.argv[1])
N = 3


def drawn(rng, name):
    """Values far below the bound of the curvature, with horizons short of the conjugate point."""
    n = 1 if name == "plan_hill" else N
    sides = rng.normal(size=(3, n, n))
    values = {
        "g": rng.normal(size=n),
        "H": 8 * (sides[0] + sides[0].T),
        "G": sides[1] @ sides[1].T + np.eye(n),
        "A": sides[2],
        "b": rng.normal(size=n),
        "theta": rng.normal(size=n),
    }
    low, high = {"eta": 0.5, "k": 0.5, "gamma": 0.1, "T": 0.5, "lam": 0.1, "dt": 0.1}, {}
    values |= {key: value * rng.uniform(1, 2) for key, value in (low | high).items()}
    return values


def optimum(name, v):
    """Change and velocity of the motion that costs least."""
    n = len(v["theta"])
    mass = 50 / v["eta"] * (v["G"] if name == "plan_affine" else np.eye(n))
    slope, drift = np.zeros((n, n)), np.zeros(n)
    if name == "plan_drift":
        slope, drift = -v["lam"] * np.eye(n), -v["lam"] * v["theta"]
    if name == "plan_affine":
        slope, drift = -v["A"] / 10, v["b"] - v["A"] @ v["theta"] / 10
    flow = np.zeros((2 * n + 1, 2 * n + 1))
    flow[:n, :n], flow[:n, n:-1], flow[:n, -1] = slope, np.linalg.inv(mass), drift
    flow[n:-1, :n], flow[n:-1, -1] = v["k"] * v["H"], v["k"] * v["g"]
    flow[n:-1, n:-1] = v["gamma"] * np.eye(n) - slope.T
    whole = scipy.linalg.expm(flow * v["T"])[n:-1]
    start = np.concatenate([np.zeros(n), -np.linalg.solve(whole[:, n:-1], whole[:, -1]), [1.0]])
    return (scipy.linalg.expm(flow * v["dt"]) @ start)[:n], (flow @ start)[:n]


def named(name, v):
    """The values by the names of the file."""
    if name != "plan_hill":
        return v
    return v | {"x": v["theta"][0], "g": v["g"][0], "h": v["H"][0, 0]}


def numpy_step(module, v, own):
    return np.atleast_1d(module.step(v)[own]) - v[own]


def torch_step(module, v, own):
    values = {k: torch.as_tensor(x) if np.ndim(x) else x for k, x in v.items()}
    if own == "theta":
        return module.step(values)[own].numpy() - v[own]
    p = torch.nn.Parameter(torch.tensor([v["x"]]))
    p.grad = torch.tensor([v["g"]])
    constants = {key: v[key] for key in ("eta", "k", "gamma", "T", "dt")}
    module.PlanHill([p], h=v["h"], **constants).step()
    return p.detach().numpy() - v["x"]


def optax_step(module, v, own):
    if own == "theta":
        return np.asarray(jax.jit(module.step)(v)[own]) - v[own]
    constants = {key: v[key] for key in ("eta", "k", "gamma", "T", "dt")}
    made = module.plan_hill(**constants)
    p = jnp.array([v["x"]])
    return np.asarray(made.update(jnp.array([v["g"]]), made.init(p), p, h=v["h"])[0])


def free_torch(module, v, own):
    p = torch.nn.Parameter(torch.tensor(v[own]))
    away = torch.tensor(v[own])
    bend, gradient = torch.tensor(v["H"]), torch.tensor(v["g"])

    def closure():
        return gradient @ (p - away) + (p - away) @ bend @ (p - away) / 2

    names = ["eta", "k", "gamma", "T", "dt"] + (["lam"] if hasattr(module, "PlanDrift") else [])
    made = getattr(module, "PlanDrift", None) or module.PlanSymmetric
    made([p], **{key: v[key] for key in names}, rank=N, tolerance=0.0).step(closure)
    return p.detach().numpy() - v[own]


def free_optax(module, v, own):
    names = ["eta", "k", "gamma", "T", "dt"] + (["lam"] if hasattr(module, "plan_drift") else [])
    made = getattr(module, "plan_drift", None) or module.plan_symmetric
    made = made(**{key: v[key] for key in names}, rank=N)
    p, bend = jnp.array(v[own]), jnp.array(v["H"])
    update = jax.jit(lambda g, p: made.update(g, made.init(p), p, H=lambda x: bend @ x)[0])
    return np.asarray(update(jnp.array(v["g"]), p))


STEPS = {"numpy": numpy_step, "torch": torch_step, "optax": optax_step}
FREE = {"torch": free_torch, "optax": free_optax}


def main():
    for path in sorted(FOLDER.glob("*.py")):
        words = path.stem.split("_")
        name, target = "_".join(words[:2]), words[-1]
        step = (FREE if "free" in words else STEPS)[target]
        module = load(path)
        rng, worst, below = np.random.default_rng(1), 0.0, 0
        for _ in range(20):
            v = named(name, drawn(rng, name))
            lowest = np.linalg.eigvalsh(v["H"])[0] * v["eta"] * v["k"] / 50
            below += bool(lowest < -(v["gamma"] ** 2) / 4)
            change, velocity = optimum(name, v)
            wanted = v["dt"] * velocity if "near" in words else change
            own = "x" if name == "plan_hill" else "theta"
            worst = max(worst, error(step(module, v, own), wanted))
        assert below >= 5, (path, below)
        print(f"{worst:.3e} {path.stem}")


main()
