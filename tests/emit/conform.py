"""Runs emitted NumPy modules on given values and compares with what is expected.

Reads a file of cases {"modules": [{"path", "dtype", "steps": [{"values", "expect"}]}]} and prints
one line for each module: its largest relative error and its path.
"""

import json
import sys

import numpy as np
from common import error, load


def main():
    with open(sys.argv[1]) as file:
        cases = json.load(file)
    for case in cases["modules"]:
        module = load(case["path"])
        names = [*module.PARAMS, *module.GIVEN, *module.CONSTS, *module.STATE, "dt"]
        worst = 0.0
        for step in case["steps"]:
            ends = [name for name in step["values"] if name.endswith("_end")]
            values = {name: step["values"][name] for name in [*names, *ends]}
            arrays = {
                name: np.array(value, dtype=case["dtype"]) if np.ndim(value) else value
                for name, value in values.items()
            }
            state = module.init(arrays)
            assert sorted(state) == sorted(module.STATE), sorted(state)
            result = module.step(arrays)
            assert sorted(result) == sorted([*module.PARAMS, *module.STATE]), sorted(result)
            for name, expected in step["expect"].items():
                worst = max(worst, error(result[name], expected))
        print(f"{worst:.3e} {case['path']}")


main()
