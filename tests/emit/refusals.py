"""Emitted code that refuses what has no optimum, with a sentence, before any parameter moves.

Takes a folder with plan_constant_torch, saddle_torch, plan_symmetric_numpy, plan_symmetric_torch,
plan_symmetric_optax. Prints `ok` and what was refused, one line each.
"""

import importlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
import torch

jax.config.update("jax_enable_x64", True)
sys.path.insert(0, sys.argv[1])


def load(name):
    return importlib.import_module(name)


def refused(what, words, action):
    try:
        action()
    except ValueError as error:
        assert words in str(error), (what, error)
        print("ok", what)
    else:
        raise AssertionError(f"{what} was not refused")


def plan(**changes):
    constants = {"eta": 1.0, "k": 1.0, "gamma": 0.1, "T": 2.0, "h": -0.3, "dt": 0.1}
    load("plan_constant_torch").PlanConstant([torch.zeros(2)], **(constants | changes))


def saddle(**changes):
    constants = {"eta": 1.0, "k": 1.0, "gamma": 2.0, "h": -0.5, "dt": 0.1}
    load("saddle_torch").Saddle([torch.zeros(2)], **(constants | changes))


def symmetric(horizon):
    bend = np.diag([-40.0, 3.0])
    values = {"theta": np.zeros(2), "g": np.ones(2), "H": bend, "eta": 1.0, "k": 1.0}
    return values | {"gamma": 0.1, "T": horizon, "dt": 0.1}


def tensors(values):
    return {k: torch.as_tensor(x) if np.ndim(x) else x for k, x in values.items()}


def main():
    # h = -0.3: the plan swings, and is one until about T = 3.05. h = 1: it is one for every horizon.
    plan()
    plan(T=2.9)
    plan(T=3000.0, h=1.0)
    for horizon in (3.1, 20.0, 3000.0):
        beyond = "beyond the conjugate point"
        refused(f"T = {horizon}", beyond, lambda T=horizon: plan(T=T))
    saddle()
    refused("too steep a saddle", "gamma^2/4 + eta*k*h > 0", lambda: saddle(h=-1.5))
    # The curvature is known only where the step begins; 40/50 is a swing that ends at about 1.82.
    numpy, tensor = load("plan_symmetric_numpy"), load("plan_symmetric_torch")
    for horizon in (0.5, 1.7):
        numpy.step(symmetric(horizon))
        tensor.step(tensors(symmetric(horizon)))
    for horizon in (1.9, 5.0, 40.0):
        beyond = "beyond the conjugate point"
        values = symmetric(horizon)
        refused(f"numpy, T = {horizon}", beyond, lambda v=values: numpy.step(v))
        refused(
            f"torch, T = {horizon}", beyond, lambda v=values: tensor.step(tensors(v))
        )
        # Compiled code has no exceptions.
        found = jax.jit(load("plan_symmetric_optax").step)(values)["theta"]
        assert not jnp.isfinite(found).any(), found
    assert np.isfinite(load("plan_symmetric_optax").step(symmetric(1.7))["theta"]).all()


main()
