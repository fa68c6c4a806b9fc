"""Emitted PyTorch and optax optimizers beside those of the libraries, as a user has them.

Takes a folder with gradient_descent.py, adam.py, rmsprop.py, diagonal_newton.py, natural_gradient.py
(PyTorch), adam_optax.py and rmsprop_optax.py. Every function is one claim; a claim that fails raises.
"""

import importlib
import math
import os
import shutil
import sys
import tempfile

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
import jax
import jax.numpy as jnp
import optax
import torch

torch.set_num_threads(1)
torch.manual_seed(0)
FOLDER = sys.argv[1]


sys.path.insert(0, FOLDER)


def load(name):
    return importlib.import_module(name)


def network(dtype=torch.float64):
    torch.manual_seed(1)
    layers = [torch.nn.Linear(6, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3)]
    return torch.nn.Sequential(*layers).to(dtype)


def data(count=32, dtype=torch.float64):
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(count, 6, generator=generator, dtype=dtype)
    return x, torch.randn(count, 3, generator=generator, dtype=dtype)


def train(model, optimizer, steps, before=lambda at: None):
    x, y = data()
    for at in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x), y).backward()
        before(at)
        optimizer.step()
    return torch.cat([p.detach().reshape(-1) for p in model.parameters()])


def difference(a, b):
    return float((a - b).abs().max() / b.abs().max())


# Long priors: a belief that forgets faster than its prior has a diffusion for every rate.
ADAM = {"gamma": 1.0, "kappa": 1.0, "k": 1.0, "lambda_": 1.0, "tau_m": 1e3, "tau_v": 1e5}
ADAM |= {"sigma_m": 1.0, "sigma_v": 1.0, "dt": 1.0}


def adam(params, lr, foreach=True):
    made = load("adam").Adam
    return made.from_hyper(params, lr=lr, betas=(0.9, 0.999), **ADAM, foreach=foreach)


def gradient_descent_is_sgd():
    own, other = network(), network()
    made = load("gradient_descent").GradientDescent(own.parameters(), eta=0.1, k=0.5)
    sgd = torch.optim.SGD(other.parameters(), lr=0.05)
    assert difference(train(own, made, 100), train(other, sgd, 100)) < 1e-12


def adam_with_bias_correction_by_hand_is_adam():
    for foreach in (True, False):
        own, other = network(), network()
        made = adam(own.parameters(), 1e-2, foreach)
        eta = made.param_groups[0]["eta"]

        def corrected(at):
            # The step is proportional to the root of eta.
            by = math.sqrt(1 - 0.999 ** (at + 1)) / (1 - 0.9 ** (at + 1))
            made.param_groups[0]["eta"] = eta * by**2

        torchs = torch.optim.Adam(other.parameters(), lr=1e-2, eps=0.0)
        found = train(own, made, 100, corrected)
        assert difference(found, train(other, torchs, 100)) < 1e-6


def rmsprop_is_rmsprop():
    for foreach in (True, False):
        own, other = network(), network()
        named = {"lr": 1e-2, "alpha": 0.99}
        made = load("rmsprop").Rmsprop.from_hyper(own.parameters(), **named, foreach=foreach)
        torchs = torch.optim.RMSprop(other.parameters(), **named, eps=0.0)
        assert difference(train(own, made, 100), train(other, torchs, 100)) < 1e-6


def natural_gradient_is_a_solve():
    torch.manual_seed(3)
    a, b = torch.randn(5, 5, dtype=torch.float64), torch.randn(5, dtype=torch.float64)
    metric = a @ a.T + torch.eye(5, dtype=torch.float64)
    constants = {"eta": 0.3, "k": 2.0, "gamma": 5.0, "dt": 0.1}
    values = {"theta": torch.zeros(5, dtype=torch.float64), "g": b, "G": metric, "H": metric}
    found = load("natural_gradient").step(values | constants)["theta"]
    assert difference(found, -0.3 * 2.0 * 0.1 / 5.0 * torch.linalg.solve(metric, b)) < 1e-12


def foreach_and_plain_agree_and_state_survives():
    one, two = network(), network()
    first, second = adam(one.parameters(), 1e-2), adam(two.parameters(), 1e-2, False)
    assert difference(train(one, first, 20), train(two, second, 20)) < 1e-12
    with tempfile.NamedTemporaryFile() as file:
        torch.save([one.state_dict(), first.state_dict()], file.name)
        weights, state = torch.load(file.name)
    again = network()
    again.load_state_dict(weights)
    third = adam(again.parameters(), 1.0)
    third.load_state_dict(state)
    assert difference(train(again, third, 20), train(two, second, 20)) < 1e-12


def entries_without_gradient_stay():
    p = torch.nn.Parameter(torch.ones(4))
    made = adam([p], 0.1)
    p.grad = torch.tensor([1.0, 0.0, -1.0, 0.0])
    made.step()
    assert torch.isfinite(p).all() and p[1] == 1 and p[3] == 1 and p[0] < 1


def closures_groups_and_checks():
    p, q = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2))
    groups = [{"params": [p]}, {"params": [q], "eta": 0.2}]
    made = load("gradient_descent").GradientDescent(groups, eta=0.1, k=1.0)

    def closure():
        made.zero_grad()
        loss = (p.sum() + q.sum()) ** 2
        loss.backward()
        return loss

    assert float(made.step(closure).detach()) == 16
    assert torch.allclose(p, torch.tensor(0.2)) and torch.allclose(q, torch.tensor(-0.6))
    try:
        load("gradient_descent").GradientDescent([p], eta=-1.0, k=1.0)
    except ValueError as why:
        assert "eta must be positive" in str(why)
    else:
        raise AssertionError("a negative rate is accepted")


def what_it_cannot_use_is_refused():
    def refused(kind, words, call):
        try:
            call()
        except kind as why:
            assert words in str(why), why
        else:
            raise AssertionError(f"accepted: {words}")

    table = torch.nn.Embedding(4, 2, sparse=True)
    table(torch.tensor([1])).sum().backward()
    made = adam(table.parameters(), 0.1)
    refused(RuntimeError, "sparse or complex tensors are not supported", made.step)
    p = torch.nn.Parameter(torch.ones(2, dtype=torch.complex64))
    p.grad = torch.ones_like(p)
    refused(RuntimeError, "sparse or complex", adam([p], 0.1).step)
    # A belief forgets at least as fast as its prior, exp(-1/1000) a step.
    slow = {"lr": 0.1, "betas": (0.9995, 0.999), **ADAM}
    words = "beta1=0.9995 asks for D_m=-"
    refused(ValueError, words, lambda: load("adam").Adam.from_hyper([p], **slow))
    slow = {"lr": 0.1, "b1": 0.9995, "b2": 0.999, **ADAM}
    refused(ValueError, words, lambda: load("adam_optax").adam_from_hyper(**slow))


def curvature_is_a_number_a_function_or_an_attribute():
    found = []
    module = load("diagonal_newton")
    for given in (2.0, lambda p: torch.full_like(p, 2.0), None):
        p = torch.nn.Parameter(torch.ones(3))
        p.h = torch.full((3,), 2.0)
        p.grad = torch.ones(3)
        module.DiagonalNewton([p], eta=1.0, k=1.0, gamma=0.5, dt=0.3, h=given).step()
        found.append(p.detach().clone())
    assert torch.equal(found[0], found[1]) and torch.equal(found[0], found[2])


def steps_compile():
    x, y = data()
    compilers = ["aot_eager", "inductor"] if shutil.which("g++") else ["aot_eager"]
    for compiler in compilers:
        torch._dynamo.reset()
        model, plain = network(), network()
        made, other = adam(model.parameters(), 1e-2), adam(plain.parameters(), 1e-2)
        compiled = torch.compile(made.step, backend=compiler)
        for optimizer, own, step in ((made, model, compiled), (other, plain, other.step)):
            for _ in range(5):
                optimizer.zero_grad()
                torch.nn.functional.mse_loss(own(x), y).backward()
                step()
        flat = [torch.cat([p.detach().reshape(-1) for p in m.parameters()]) for m in (model, plain)]
        assert difference(*flat) < 1e-12, (compiler, difference(*flat))


def worker(rank, port, out, sharded):
    torch.set_num_threads(1)
    address = f"tcp://127.0.0.1:{port}"
    torch.distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    model = network()
    if sharded:
        mesh = torch.distributed.init_device_mesh("cpu", (2,))
        from torch.distributed.fsdp import fully_shard

        fully_shard(model, mesh=mesh)
    else:
        model = torch.nn.parallel.DistributedDataParallel(model)
    made = adam(model.parameters(), 1e-2)
    x, y = data()
    for _ in range(20):
        made.zero_grad()
        torch.nn.functional.mse_loss(model(x[rank::2]), y[rank::2]).backward()
        made.step()
    whole = [getattr(p, "full_tensor", lambda p=p: p)().detach() for p in model.parameters()]
    if rank == 0:
        torch.save(whole, out)
    torch.distributed.destroy_process_group()


def two_processes(sharded):
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    out = f"{FOLDER}/weights.pt"
    torch.multiprocessing.spawn(worker, args=(port, out, sharded), nprocs=2)
    found = torch.cat([p.reshape(-1) for p in torch.load(out)])
    alone = network()
    assert difference(found, train(alone, adam(alone.parameters(), 1e-2), 20)) < 1e-12


def two_processes_equal_one():
    two_processes(False)


def sharded_parameters_equal_whole_ones():
    two_processes(True)


def optax_has_the_names_of_optax():
    """Adam with eps = 0 and the bias correction taken out, and RMSprop, in double precision."""
    with jax.enable_x64(True):
        target = jnp.arange(6.0, dtype=jnp.float64).reshape(2, 3) / 3

        def run(made, scale=lambda at: 1.0, steps=100):
            w = jnp.ones((2, 3), jnp.float64)
            state = made.init(w)
            for at in range(steps):
                updates, state = made.update(2 * (w - target) + jnp.sin(3 * w), state, w)
                w = w + scale(at) * updates
            return w

        def correction(at):
            return math.sqrt(1 - 0.999 ** (at + 1)) / (1 - 0.9 ** (at + 1))

        named = {"b1": 0.9, "b2": 0.999}
        own = load("adam_optax").adam_from_hyper(lr=1e-2, **named, **ADAM)
        found = run(own, correction)
        assert jnp.abs(found - run(optax.adam(1e-2, **named, eps=0.0))).max() < 1e-6
        own = load("rmsprop_optax").rmsprop_from_hyper(lr=1e-2, alpha=0.99)
        found = run(own)
        assert jnp.abs(found - run(optax.rmsprop(1e-2, decay=0.99, eps=0.0))).max() < 1e-6


def optax_runs_on_several_devices():
    assert jax.device_count() == 2, jax.devices()
    made = load("adam_optax").adam()

    def steps(w):
        state = made.init(w)
        for _ in range(5):
            updates, state = made.update(2 * w - 1, state, w)
            w = optax.apply_updates(w, updates)
        return w

    starts = jnp.arange(8.0).reshape(2, 4)
    alone = jnp.stack([steps(start) for start in starts])
    assert jnp.allclose(jax.pmap(steps)(starts), alone, rtol=1e-6)
    mesh = jax.sharding.Mesh(jax.devices(), ("i",))
    spec = jax.sharding.PartitionSpec("i")
    sharded = jax.shard_map(steps, mesh=mesh, in_specs=spec, out_specs=spec)
    assert jnp.allclose(jax.jit(sharded)(starts), alone, rtol=1e-6)


def optax_chains_vmaps_and_injects():
    constants = ADAM | {"D_m": 0.1, "D_v": 1e-3, "eta": 1e-4}
    factory = load("adam_optax").adam
    chained = optax.chain(optax.clip_by_global_norm(1.0), factory(**constants))
    injected = optax.chain(
        optax.clip_by_global_norm(1.0), optax.inject_hyperparams(factory)(**constants)
    )

    def run(made, start):
        def loss(w):
            return jnp.sum((w - 1) ** 2)

        def step(carry, _):
            w, state = carry
            updates, state = made.update(jax.grad(loss)(w), state, w)
            return (optax.apply_updates(w, updates), state), None

        return jax.lax.scan(step, (start, made.init(start)), length=50)[0][0]

    starts = jnp.arange(12.0).reshape(4, 3)
    together = jax.jit(jax.vmap(lambda start: run(chained, start)))(starts)
    alone = jnp.stack([run(chained, start) for start in starts])
    assert jnp.allclose(together, alone, rtol=1e-6)
    assert jnp.allclose(run(injected, starts[0]), alone[0], rtol=1e-5)


CLAIMS = [
    gradient_descent_is_sgd,
    adam_with_bias_correction_by_hand_is_adam,
    rmsprop_is_rmsprop,
    natural_gradient_is_a_solve,
    foreach_and_plain_agree_and_state_survives,
    entries_without_gradient_stay,
    closures_groups_and_checks,
    what_it_cannot_use_is_refused,
    curvature_is_a_number_a_function_or_an_attribute,
    steps_compile,
    two_processes_equal_one,
    sharded_parameters_equal_whole_ones,
    optax_has_the_names_of_optax,
    optax_runs_on_several_devices,
    optax_chains_vmaps_and_injects,
]

if __name__ == "__main__":
    for claim in CLAIMS:
        claim()
        print("ok", claim.__name__)
