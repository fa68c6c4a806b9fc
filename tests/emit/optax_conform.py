"""Runs emitted optax modules on given values and compares with what is expected.

Reads the same file as torch_conform.py and prints the same lines. Everything is compiled, and
gradient transformations are also run under optax.inject_hyperparams.
"""

import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
from common import error, load

jax.config.update("jax_enable_x64", True)


def entries(value, dtype):
    array = jnp.asarray(value, dtype=dtype)
    return jnp.diagonal(array) if array.ndim == 2 else array


def transformation(module, case, values, dtype, inject):
    theta = entries(values[case["theta"]], dtype)
    params = {"a": theta, "b": [theta]}
    grads = jax.tree.map(lambda _: entries(values[case["gradient"]], dtype), params)
    given = {name: jax.tree.map(lambda _: entries(values[name], dtype), params) for name, _ in case["others"]}
    factory = getattr(module, case["function"])
    keywords = {key: values[name] for name, key in case["constants"]}
    made = (optax.inject_hyperparams(factory) if inject else factory)(**keywords)
    state = made.init(params)
    own = state.inner_state if inject else state
    if case["states"]:
        trees = [jax.tree.map(lambda _: entries(values[name], dtype), params) for name in case["states"]]
        own = type(own)(*trees)
    state = state._replace(inner_state=own) if inject else own
    updates, state = made.update(grads, state, params, **given)
    own = state.inner_state if inject else state
    result = {case["theta"]: optax.apply_updates(params, updates)["b"][0]}
    for at, name in enumerate(case["states"]):
        result[name] = own[at]["b"][0]
    return result


def main():
    with open(sys.argv[1]) as file:
        cases = json.load(file)
    for case in cases["modules"]:
        module = load(case["path"])
        worst = []
        for dtype in (jnp.float64, jnp.float32):
            errors = [0.0]
            if case["class"]:
                runs = [
                    jax.jit(lambda v, i=inject: transformation(module, case, v, dtype, i))
                    for inject in ((False, True) if dtype == jnp.float64 else (False,))
                ]
            else:
                runs = [jax.jit(module.step)]
            for step in case["steps"]:
                for run in runs:
                    values = {
                        name: jnp.asarray(value, dtype=dtype if np.ndim(value) else None)
                        for name, value in step["values"].items()
                    }
                    result = run(values)
                    for name, expected in step["expect"].items():
                        errors.append(error(result[name], expected, step["values"][name]))
            worst.append(max(errors))
        print(f"{worst[0]:.3e} {worst[1]:.3e} {case['path']}")


main()
