"""Single precision of emitted optimizers over twelve decades of discount and curvature.

Takes a folder with diagonal_newton and diagonal_horizon for numpy, torch and optax (NAME_TARGET.py). Prints
the largest relative error of the change against the NumPy module in double precision, one line each.
"""

import importlib
import sys

import jax.numpy as jnp
import numpy as np
import torch

torch.set_num_threads(1)
sys.path.insert(0, sys.argv[1])


def load(name, target):
    return importlib.import_module(f"{name}_{target}")


def main():
    curvature = (10.0 ** np.arange(-6, 6.5, 0.5)).astype(np.float32)
    n = len(curvature)
    for name, further in (
        ("diagonal_newton", {}),
        ("diagonal_horizon", {"T": 50.0}),
        ("diagonal_horizon", {"T": 0.3}),
    ):
        camel = "".join(part.capitalize() for part in name.split("_"))
        worst = {}
        for decade in range(-6, 7):
            constants = {"eta": 1.3, "k": 0.7, "gamma": 10.0**decade, "dt": 0.1} | further
            values = {"theta": np.zeros(n), "g": np.ones(n), "h": curvature.astype(float)}
            wanted = load(name, "numpy").step(values | constants)["theta"]
            for foreach in (True, False):
                p = torch.nn.Parameter(torch.zeros(n))
                p.grad = torch.ones(n)
                keywords = constants | {"h": torch.tensor(curvature), "foreach": foreach}
                getattr(load(name, "torch"), camel)([p], **keywords).step()
                gap = np.abs(p.detach().numpy() - wanted) / np.abs(wanted)
                worst["torch"] = max(worst.get("torch", 0.0), gap.max())
            made = getattr(load(name, "optax"), name)(**constants)
            zeros, ones = jnp.zeros(n, jnp.float32), jnp.ones(n, jnp.float32)
            change, _ = made.update(ones, made.init(zeros), zeros, h=jnp.asarray(curvature))
            gap = np.abs(np.asarray(change) - wanted) / np.abs(wanted)
            worst["optax"] = max(worst.get("optax", 0.0), gap.max())
        for target, error in worst.items():
            print(f"{error:.3e} {name} {target}")


main()
