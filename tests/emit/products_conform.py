"""Runs emitted optimizers that know matrices by products, on quadratic losses.

Reads {"modules": [{"torch", "optax", "class", "function", "theta", "gradient", "hessian", "others",
"matrices", "states", "constants", "steps"}]}. Prints one line for each module: the largest relative
error of the PyTorch and of the optax module, and the path.
"""

import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from common import error, load

torch.set_num_threads(1)
jax.config.update("jax_enable_x64", True)


def torch_step(module, case, step):
    """Two tensors of different shapes; the loss has the given gradient and second derivative."""
    values = {name: torch.tensor(v, dtype=torch.float64) for name, v in step["values"].items()}
    start = values[case["theta"]]
    params = [torch.nn.Parameter(start[:2].clone()), torch.nn.Parameter(start[2:].clone()[:, None])]
    joined = lambda parts: torch.cat([part.reshape(-1) for part in parts])
    split = lambda v: [v[:2], v[2:, None]]
    bend = values.get(case["hessian"], torch.zeros(len(start), len(start), dtype=torch.float64))

    def closure():
        away = joined(params) - start
        return values[case["gradient"]] @ away + away @ bend @ away / 2

    keywords = {key: step["values"][name] for name, key in case["constants"]}
    for name, key in case["others"]:
        if name not in case["matrices"]:
            first, second = split(values[name])
            keywords[key] = lambda p, a=first, b=second: a if p.ndim == 1 else b
        elif name != case["hessian"]:
            keywords[key] = lambda v, n=name: split(values[n] @ joined(v))
    text = open(case["torch"]).read()
    keywords |= {"rank": len(start), "tolerance": 0.0} if "rank=" in text else {}
    made = getattr(module, case["class"])(params, **keywords)
    for p, parts in zip(params, zip(*(split(values[name]) for name in case["states"]))):
        made.state[p] = dict(zip(case["states"], (part.clone() for part in parts)))
    made.step(closure)
    worst = 0.0
    for name, expected in step["expect"].items():
        state = [made.state[p].get(name) for p in params]
        found = params if name == case["theta"] else state
        worst = max(worst, error(joined([t.detach() for t in found]), expected))
    return worst


def optax_step(module, case, step):
    values = {name: jnp.array(v, dtype=float) for name, v in step["values"].items()}
    start = values[case["theta"]]
    split = lambda v: {"a": v[:2], "b": [v[2:, None]]}
    joined = lambda tree: jnp.concatenate([tree["a"], tree["b"][0].reshape(-1)])
    params = split(start)
    bend = values.get(case["hessian"], jnp.zeros((len(start), len(start))))

    def loss(tree):
        away = joined(tree) - start
        return values[case["gradient"]] @ away + away @ bend @ away / 2

    text = open(case["optax"]).read()
    keywords = {key: step["values"][name] for name, key in case["constants"]}
    keywords |= {"rank": len(start)} if "rank=" in text else {}
    made = getattr(module, case["function"])(**keywords)
    given = {"value_fn": loss} if "value_fn=None" in text else {}
    for name, _ in case["others"]:
        if name not in case["matrices"]:
            given[name] = split(values[name])
        elif name != case["hessian"]:
            given[name] = lambda v, n=name: split(values[n] @ joined(v))
    state = made.init(params)
    state = state._replace(**{name: split(values[name]) for name in case["states"]})
    update = jax.jit(lambda g, s, p: made.update(g, s, p, **given))
    updates, state = update(jax.grad(loss)(params), state, params)
    worst = 0.0
    for name, expected in step["expect"].items():
        own = name == case["theta"]
        found = optax.apply_updates(params, updates) if own else getattr(state, name)
        worst = max(worst, error(joined(found), expected))
    return worst


def main():
    with open(sys.argv[1]) as file:
        cases = json.load(file)
    for case in cases["modules"]:
        module = load(case["torch"])
        worst = max(torch_step(module, case, step) for step in case["steps"])
        module = load(case["optax"])
        other = max(optax_step(module, case, step) for step in case["steps"][:1])
        print(f"{worst:.3e} {other:.3e} {case['torch']}")


main()
