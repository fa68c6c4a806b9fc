"""Emitted code that refuses what has no optimum, with a sentence, before any parameter moves.

Takes a folder with plan_constant, saddle, plan_symmetric, swaying, bent, bent_plan and bent_ends for numpy,
torch and optax (NAME_TARGET.py), adam with --hyper, and newton and ballistic with --matrix-free. Prints `ok` and what was refused, one line each.
"""

import copy
import importlib
import pickle
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
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


CONSTANTS = {"eta": 1.0, "k": 1.0, "gamma": 0.1, "T": 2.0, "h": -0.3, "dt": 0.1}


def factory(**changes):
    return load("plan_constant_optax").plan_constant(**(CONSTANTS | changes))


def optax_checks_numbers():
    """What is traced has no value to look at: then the same code compiles and maps."""
    w, g = jnp.zeros(2), jnp.ones(2)
    refused("optax, eta = -1", "eta must be positive", lambda: factory(eta=-1.0))
    refused("optax, an array", "k must be positive", lambda: factory(k=jnp.zeros(())))
    refused("optax, T = 20", "beyond the conjugate point", lambda: factory(T=np.float32(20.0)))
    made = factory()
    jax.jit(lambda: factory().update(g, made.init(w), w))()

    def change(eta):
        made = factory(eta=eta)
        return made.update(g, made.init(w), w)[0]

    rates = jnp.array([0.5, 1.0])
    found = jax.vmap(change)(rates)
    assert np.allclose(found, [change(0.5), change(1.0)], rtol=1e-6, atol=0)
    assert np.allclose(jax.jit(change)(0.5), change(0.5), rtol=1e-6, atol=0)
    inject = optax.inject_hyperparams(load("plan_constant_optax").plan_constant)
    refused("optax, injected", "k must be positive", lambda: inject(**CONSTANTS | {"k": -1.0}).init(w))
    made = inject(**CONSTANTS | {"eta": optax.linear_schedule(1.0, 0.5, 2)})
    state = made.init(w)
    for eta in (1.0, 0.75, 0.5):
        updates, state = jax.jit(made.update)(g, state, w)
        assert np.allclose(updates, change(eta), rtol=1e-5, atol=0), (eta, updates, change(eta))
    own = load("adam_optax").adam_from_hyper
    refused("optax, b1 = 0.999999", "asks for D_m", lambda: own(lr=0.1, b1=0.999999, b2=0.9999))
    made = jax.jit(lambda lr: own(lr=lr, b1=0.9, b2=0.99).update(g, own(lr=1.0, b1=0.9, b2=0.99).init(w))[0])
    assert np.isfinite(made(0.1)).all()


def numpy_checks_constants():
    values = CONSTANTS | {"theta": 0.0, "g": 1.0}
    step = load("plan_constant_numpy").step
    step(values)
    refused("numpy, eta = -1", "eta must be positive", lambda: step(values | {"eta": -1.0}))
    refused("numpy, constants", "beyond the conjugate", lambda: step(values | {"T": 20.0}))
    values |= {"gamma": 2.0, "h": -1.5}
    refused("numpy, saddle", "gamma^2/4", lambda: load("saddle_numpy").step(values))


def entries_without_optimum_are_nan():
    """A curvature for each entry is not checked: an entry without optimum is NaN, the others go on."""
    h = np.array([1.0, -0.01, -0.3, -0.8, -2.0, -40.0])
    constants = {"eta": 1.0, "k": 1.0, "gamma": 1.0, "dt": 0.1}
    turn = 2.0 * np.sqrt(np.maximum(-(0.25 + h), 0.0))
    for name, kind, more, exists in (
        ("bent", "Bent", {}, h > -0.25),
        ("bent_plan", "BentPlan", {"T": 2.0}, turn < np.pi - np.arctan(turn)),
        ("bent_ends", "BentEnds", {"T": 2.0}, turn < np.pi),
    ):
        constants |= more
        found = []
        with np.errstate(invalid="ignore"):
            values = constants | {"theta": np.zeros(6), "g": np.ones(6), "h": h}
            found.append(load(f"{name}_numpy").step(values)["theta"])
        for foreach in (True, False):
            p = torch.nn.Parameter(torch.zeros(6, dtype=torch.float64))
            p.grad = torch.ones_like(p)
            made = getattr(load(f"{name}_torch"), kind)
            made([p], **constants, h=torch.tensor(h), foreach=foreach).step()
            found.append(p.detach().numpy())
        made = getattr(load(f"{name}_optax"), name)(**constants)
        w = jnp.zeros(6)
        found.append(np.asarray(made.update(jnp.ones(6), made.init(w), w, h=jnp.array(h))[0]))
        for values in found:
            assert (np.isfinite(values) == exists).all(), (name, values, exists)
            assert np.allclose(values[exists], found[0][exists], rtol=1e-12, atol=0)
        print("ok", name, exists.sum(), "of", len(h))


def roots_on_the_line():
    """Every target has the same optimum or none: none where a root has the real part gamma/2."""
    rng, counts = np.random.default_rng(7), [0, 0]
    step = {target: load(f"swaying_{target}").step for target in ("numpy", "torch", "optax")}
    compiled = jax.jit(step["optax"])
    for trial in range(120):
        n = 1 + trial % 4
        a, h, j = rng.normal(size=(3, n, n))
        values = {"G": a @ a.T + 0.3 * np.eye(n), "H": h + h.T + np.eye(n), "J": j / 2}
        values |= {"theta": rng.normal(size=n), "g": rng.normal(size=n), "b": rng.normal(size=n)}
        values |= {"eta": 1.0, "k": 1.0, "gamma": rng.uniform(0.1, 2.0), "dt": 0.1}
        drift, metric, half = values["J"], values["G"], values["gamma"] / 2
        # theta' = J theta + b - p/G, p' = (gamma - J^T) p - H theta - ...
        flow = np.block([[drift, -np.linalg.inv(metric)], [-values["H"], 2 * half * np.eye(n) - drift.T]])
        exists = np.abs(np.linalg.eigvals(flow).real - half).min() > 1e-9
        found = []
        for action in (lambda: step["numpy"](values), lambda: step["torch"](tensors(values))):
            try:
                found.append(np.asarray(action()["theta"]))
            except ValueError as error:
                assert "no optimum" in str(error), error
                found.append(np.full(n, np.nan))
        found.append(np.asarray(compiled(values)["theta"]))
        for theta in found:
            assert np.isfinite(theta).all() == exists, (values, found, exists)
            assert np.allclose(theta, found[0], rtol=1e-9, atol=1e-12, equal_nan=True), found
        counts[int(exists)] += 1
    assert min(counts) > 20, counts
    print("ok roots on the line", counts)


def groups_are_checked():
    own, p = load("plan_constant_torch").PlanConstant, torch.zeros(2)
    made = own([p], **CONSTANTS)
    group = lambda **more: {"params": [torch.zeros(2)], **more}
    refused("group, eta", "eta must be positive", lambda: own([group(eta=-1.0)], **CONSTANTS))
    refused("group, T", "conjugate point", lambda: made.add_param_group(group(T=20.0)))
    refused("group, lr", "no lr here", lambda: own([group(lr=0.1)], **CONSTANTS))
    made.add_param_group(group(eta=2.0, name="with a name"))
    adam = load("adam_torch").Adam.from_hyper
    betas = {"betas": (0.9, 0.999), "dt": 1.0, "tau_v": 1e4}
    adam([p], lr=0.1, **betas)
    refused("from_hyper, lr", "lr must be positive", lambda: adam([p], lr=-0.1, **betas))
    refused("from_hyper, dt", "dt must be positive", lambda: adam([p], lr=0.1, **betas | {"dt": 0.0}))
    none = betas | {"betas": (0.0, 0.999)}
    refused("from_hyper, beta1", "beta1 must be positive", lambda: adam([p], lr=0.1, **none))
    own = load("adam_optax").adam_from_hyper
    refused("optax, lr", "lr must be positive", lambda: own(lr=-0.1, b1=0.9, b2=0.99))
    single = own(lr=0.1, b1=0.9, b2=0.99999, tau_v=1e7)
    with jax.enable_x64(False):
        w = jnp.ones(1)
        assert w.dtype == jnp.float32
        step = single.update(w, single.init(w), w)[0]
    exact = load("adam_torch").Adam.from_hyper
    w = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    w.grad = torch.ones_like(w)
    exact([w], lr=0.1, betas=(0.9, 0.99999), tau_v=1e7).step()
    assert np.allclose(step, w.item() - 1.0, rtol=1e-5, atol=0), (step, w)
    print("ok from_hyper in single precision")


def by_products():
    own = load("ballistic_torch").Ballistic
    p = torch.nn.Parameter(torch.ones(3))

    def closure(p=p):
        return (p**4).sum()

    made = own([p], eta=1.0, k=1.0, dt=0.1)
    made.step(closure)
    for again in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        (own_p,) = again.param_groups[0]["params"]
        again.step(lambda q=own_p: closure(q))
        assert torch.isfinite(own_p).all() and not torch.equal(own_p, p)
    print("ok copies")
    refused("group, rank", "rank must be", lambda: own([{"params": [p], "rank": 0}], eta=1.0, k=1.0, dt=0.1))
    for name in ("newton", "ballistic"):
        made = getattr(load(f"{name}_optax"), name)(dt=0.1)
        w = jnp.zeros(3)
        for curvature in (jnp.zeros(3), -jnp.ones(3)):
            updates, state = made.update(w, made.init(w), w, H=lambda v, c=curvature: c * v)
            assert (updates == 0).all() and state.error == 0, (updates, state)
        g = jnp.ones(3)
        if name == "ballistic":
            updates, state = made.update(g, made.init(w), w, H=lambda v: -v)
            assert jnp.isnan(updates).all() and jnp.isnan(state.error), (updates, state)
    print("ok nothing stays nothing")


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
    optax_checks_numbers()
    numpy_checks_constants()
    entries_without_optimum_are_nan()
    roots_on_the_line()
    groups_are_checked()
    by_products()


main()
