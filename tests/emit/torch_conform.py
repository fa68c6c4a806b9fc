"""Runs emitted PyTorch modules on given values and compares with what is expected.

Reads {"modules": [{"path", "class", "theta", "gradient", "others", "states", "constants",
"steps"}]}; a module without a class has init(values) and step(values). Prints one line for each
module: the largest relative error in double and in single precision, and its path.
"""

import json
import sys

import torch
from common import error, load

torch.set_num_threads(1)


def entries(value, dtype):
    tensor = torch.tensor(value, dtype=dtype)
    return tensor.diagonal().clone() if tensor.ndim == 2 else tensor


def optimizer(module, case, step, dtype, foreach):
    """One step on three parameters at once, so that lists have several tensors."""
    values = step["values"]
    params = []
    for _ in range(3):
        p = torch.nn.Parameter(entries(values[case["theta"]], dtype))
        p.grad = entries(values[case["gradient"]], dtype)
        params.append(p)
    keywords = {key: values[name] for name, key in case["constants"]}
    keywords |= {key: (lambda p, n=name: entries(values[n], dtype)) for name, key in case["others"]}
    made = getattr(module, case["class"])(params, foreach=foreach, **keywords)
    for p in params:
        if case["states"]:
            made.state[p] = {name: entries(values[name], dtype) for name in case["states"]}
    made.step()
    worst = 0.0
    for p in params:
        for name, expected in step["expect"].items():
            found = p.detach() if name == case["theta"] else made.state[p][name]
            worst = max(worst, error(found, expected, values[name]))
    return worst


def function(module, step, dtype):
    ends = [name for name in step["values"] if name.endswith("_end")]
    names = [*module.PARAMS, *module.GIVEN, *module.STATE, *ends]
    values = {name: torch.tensor(step["values"][name], dtype=dtype) for name in names}
    values |= {name: step["values"][name] for name in [*module.CONSTS, "dt"]}
    assert sorted(module.init(values)) == sorted(module.STATE)
    result = module.step(values)
    old = step["values"]
    return max(error(result[name], new, old[name]) for name, new in step["expect"].items())


def main():
    with open(sys.argv[1]) as file:
        cases = json.load(file)
    for case in cases["modules"]:
        module = load(case["path"])
        worst = []
        for dtype in (torch.float64, torch.float32):
            errors = [0.0]
            for step in case["steps"]:
                if case["class"]:
                    errors.append(optimizer(module, case, step, dtype, True))
                    errors.append(optimizer(module, case, step, dtype, False))
                else:
                    errors.append(function(module, step, dtype))
            worst.append(max(errors))
        print(f"{worst[0]:.3e} {worst[1]:.3e} {case['path']}")


main()
