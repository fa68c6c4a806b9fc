"""Optimizers that know matrices by products, on a small network beside dense matrices.

Takes a folder with ballistic_torch.py, ballistic_optax.py (the exact rule) and natural_gradient_torch.py,
natural_gradient_optax.py (the regime ballistic). Every function is one claim; a claim that fails raises.
"""

import importlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

torch.set_num_threads(1)
jax.config.update("jax_enable_x64", True)
sys.path.insert(0, sys.argv[1])

CONSTANTS = {"eta": 0.8, "k": 1.1, "gamma": 0.4, "dt": 0.5}
DAMPING = 1e-2


def load(name):
    return importlib.import_module(name)


def network():
    torch.manual_seed(1)
    layers = [torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)]
    return torch.nn.Sequential(*layers).double()


def data():
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(40, 3, generator=generator, dtype=torch.float64)
    return x, torch.randint(0, 2, (40,), generator=generator)


def dense():
    """Weights, gradient, Gauss-Newton matrix and second derivative of the network's loss."""
    model, (x, y) = network(), data()
    names = [name for name, _ in model.named_parameters()]
    shapes = [p.shape for p in model.parameters()]
    flat = torch.cat([p.detach().reshape(-1) for p in model.parameters()])

    def output(w):
        parts = w.split([shape.numel() for shape in shapes])
        own = {name: part.view(shape) for name, part, shape in zip(names, parts, shapes)}
        return torch.func.functional_call(model, own, x)

    def loss(out):
        return torch.nn.functional.cross_entropy(out, y)

    jacobian = torch.func.jacrev(output)(flat).reshape(-1, len(flat))
    bend = torch.func.hessian(loss)(output(flat))
    bend = bend.reshape(jacobian.shape[0], jacobian.shape[0])
    gradient = torch.func.grad(lambda w: loss(output(w)))(flat)
    hessian = torch.func.hessian(lambda w: loss(output(w)))(flat)
    return flat, gradient, jacobian.T @ bend @ jacobian, hessian


def expected(gradient, matrix):
    """The rule of ballistic.lag by eigenvectors."""
    values, vectors = torch.linalg.eigh(matrix)
    c = CONSTANTS
    rate = torch.sqrt(c["gamma"] ** 2 / 4 + c["eta"] * c["k"] * values) - c["gamma"] / 2
    by = -torch.expm1(-rate * c["dt"]) / values
    return -vectors @ (by * (vectors.T @ gradient))


def gap(found, wanted):
    found, wanted = np.asarray(found), np.asarray(wanted)
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def one_step(rank, **keywords):
    model, (x, y) = network(), data()
    made = load("ballistic_torch").Ballistic(model.parameters(), **CONSTANTS, rank=rank, **keywords)

    def closure():
        output = model(x)
        return torch.nn.functional.cross_entropy(output, y), output

    made.step(closure)
    return torch.cat([p.detach().reshape(-1) for p in model.parameters()]), made.error


def torch_takes_the_step_of_the_gauss_newton_matrix():
    flat, gradient, matrix, _ = dense()
    eye = torch.eye(len(flat), dtype=torch.float64)
    wanted = expected(gradient, matrix + DAMPING * eye)
    after, _ = one_step(len(flat), H="gauss_newton", damping=DAMPING, tolerance=0.0)
    assert gap(after - flat, wanted) < 1e-8, gap(after - flat, wanted)


def torch_takes_the_step_of_the_second_derivative():
    flat, gradient, _, hessian = dense()
    eye = torch.eye(len(flat), dtype=torch.float64)
    damping = 0.05 - float(torch.linalg.eigvalsh(hessian).min())
    wanted = expected(gradient, hessian + damping * eye)
    after, _ = one_step(len(flat), damping=damping, tolerance=0.0)
    assert gap(after - flat, wanted) < 1e-8, gap(after - flat, wanted)


def the_error_is_known():
    flat, gradient, matrix, _ = dense()
    eye = torch.eye(len(flat), dtype=torch.float64)
    wanted = expected(gradient, matrix + DAMPING * eye)
    for rank in range(2, 12):
        after, said = one_step(rank, H="gauss_newton", damping=DAMPING, tolerance=0.0)
        true = gap(after - flat, wanted)
        assert true <= 3 * said + 1e-12 and said <= 1000 * true + 1e-9, (rank, true, said)


def curvature_that_has_no_rule_is_refused():
    model, (x, y) = network(), data()
    made = load("natural_gradient_torch").NaturalGradient(
        model.parameters(), **CONSTANTS, G=lambda v: v, rank=len(dense()[0])
    )
    before = [p.detach().clone() for p in model.parameters()]
    try:
        made.step(lambda: torch.nn.functional.cross_entropy(model(x), y))
    except ValueError as why:
        assert "the rule has no value where the curvature is -" in str(why), why
    else:
        raise AssertionError("a negative curvature is accepted")
    assert all(torch.equal(p, old) for p, old in zip(model.parameters(), before))


def torch_trains():
    model, (x, y) = network(), data()
    made = load("natural_gradient_torch").NaturalGradient(
        model.parameters(), **CONSTANTS | {"dt": 0.1}, H="gauss_newton", damping=1e-3
    )
    losses = []
    for _ in range(30):

        def closure():
            output = model(x)
            return torch.nn.functional.cross_entropy(output, y), output

        losses.append(float(made.step(closure)))
    assert losses[-1] < 0.8 * losses[0], losses


def parameter_groups_are_one_vector():
    wanted, _ = one_step(25, H="gauss_newton", damping=DAMPING)
    model, (x, y) = network(), data()
    groups = [{"params": layer.parameters()} for layer in model if len(list(layer.parameters()))]
    keywords = CONSTANTS | {"rank": 25, "H": "gauss_newton", "damping": DAMPING}
    made = load("ballistic_torch").Ballistic(groups, **keywords)

    def closure():
        output = model(x)
        return torch.nn.functional.cross_entropy(output, y), output

    made.step(closure)
    after = torch.cat([p.detach().reshape(-1) for p in model.parameters()])
    assert gap(after, wanted) < 1e-12, gap(after, wanted)
    made.param_groups[1]["dt"] = 0.1
    refused(ValueError, "dt must be the same in all groups", lambda: made.step(closure))


def functions_need_no_closure():
    flat, gradient, matrix, _ = dense()
    model, (x, y) = network(), data()

    def product(tensors):
        along = matrix @ torch.cat([t.reshape(-1) for t in tensors])
        sizes = [t.numel() for t in tensors]
        return [part.view_as(t) for part, t in zip(along.split(sizes), tensors)]

    keywords = CONSTANTS | {"rank": len(flat), "damping": DAMPING, "tolerance": 0.0}
    made = load("ballistic_torch").Ballistic(model.parameters(), H=product, **keywords)
    torch.nn.functional.cross_entropy(model(x), y).backward()
    assert made.step() is None
    after = torch.cat([p.detach().reshape(-1) for p in model.parameters()])
    eye = torch.eye(len(flat), dtype=torch.float64)
    assert gap(after - flat, expected(gradient, matrix + DAMPING * eye)) < 1e-8
    made = load("ballistic_torch").Ballistic(model.parameters(), **CONSTANTS)
    refused(ValueError, 'H="hessian" needs a closure', made.step)


def refused(kind, words, call):
    try:
        call()
    except kind as why:
        assert words in str(why), why
    else:
        raise AssertionError(f"accepted: {words}")


def what_it_cannot_use_is_refused():
    made, params = load("ballistic_torch").Ballistic, list(network().parameters())
    refused(TypeError, 'H must be "hessian"', lambda: made(params, H="fisher"))
    refused(ValueError, "rank must be at least 1", lambda: made(params, rank=0))
    refused(ValueError, "damping must be at least 0", lambda: made(params, damping=-1.0))
    refused(ValueError, "eta must be positive", lambda: made(params, eta=0.0))
    mixed = [torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2).double())]
    refused(RuntimeError, "of one dtype", lambda: made(mixed).step(lambda: mixed[0].sum()))
    frozen = [torch.nn.Parameter(torch.ones(2), requires_grad=False)]
    refused(ValueError, "no parameter requires a gradient", lambda: made(frozen).step())
    state = made(params, damping=0.5).state_dict()
    again = made(params)
    again.load_state_dict(state)
    assert again.param_groups[0]["damping"] == 0.5


def worker(rank, port, out, source):
    torch.set_num_threads(1)
    address = f"tcp://127.0.0.1:{port}"
    torch.distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    weights = train(source, rank, 2, torch.distributed.group.WORLD)
    torch.save(weights, f"{out}/weights{rank}.pt")
    torch.distributed.destroy_process_group()


def train(source, rank, count, process_group):
    """Five steps, each process with its part of the batch."""
    model, (x, y) = network(), data()
    keywords = CONSTANTS | {"rank": 12, "H": source, "damping": 0.5, "process_group": process_group}
    made = load("ballistic_torch").Ballistic(model.parameters(), **keywords)

    def closure():
        output = model(x[rank::count])
        return torch.nn.functional.cross_entropy(output, y[rank::count]), output

    for _ in range(5):
        made.step(closure)
    return torch.cat([p.detach().reshape(-1) for p in model.parameters()])


def two_processes_equal_one():
    import socket

    for source in ("gauss_newton", "hessian"):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        torch.multiprocessing.spawn(worker, args=(port, sys.argv[1], source), nprocs=2)
        found = [torch.load(f"{sys.argv[1]}/weights{rank}.pt") for rank in range(2)]
        assert torch.equal(*found)
        alone = train(source, 0, 1, None)
        assert gap(found[0], alone) < 1e-10, (source, gap(found[0], alone))


def optax_takes_the_same_steps():
    flat, gradient, matrix, hessian = (np.asarray(part) for part in dense())
    x, y = (jnp.asarray(part.numpy()) for part in data())
    sizes = [(4, 3), (4,), (2, 4), (2,)]
    ends = np.cumsum([0, *(int(np.prod(size)) for size in sizes)])
    params = [jnp.asarray(flat[a:b]).reshape(s) for a, b, s in zip(ends, ends[1:], sizes)]

    def model(p):
        return jnp.tanh(x @ p[0].T + p[1]) @ p[2].T + p[3]

    def of_outputs(outputs):
        return optax.softmax_cross_entropy_with_integer_labels(outputs, y).mean()

    def loss(p):
        return of_outputs(model(p))

    module = load("ballistic_optax")
    low = float(np.linalg.eigvalsh(hessian).min())
    for damping, whole, own in ((DAMPING, matrix, True), (0.05 - low, hessian, False)):
        made = module.ballistic(**CONSTANTS, rank=len(flat), damping=damping)

        @jax.jit
        def step(p, state, made=made, own=own):
            given = {"H": module.gauss_newton(model, of_outputs, p)} if own else {}
            return made.update(jax.grad(loss)(p), state, p, value_fn=loss, **given)

        updates, state = step(params, made.init(params))
        found = np.concatenate([np.asarray(u).ravel() for u in updates])
        wanted = expected(torch.tensor(gradient), torch.tensor(whole + damping * np.eye(len(flat))))
        assert gap(found, wanted) < 1e-8, gap(found, wanted)
        assert float(state.error) < 1e-6


def optax_takes_half_precision():
    """The eigenvalues of a step are those of single precision; parameters keep their own."""
    module = load("ballistic_optax")
    curvature = np.array([1.0, 2.0, 3.0])
    wanted = expected(torch.tensor(curvature), torch.diag(torch.tensor(curvature)))
    for dtype in (jnp.bfloat16, jnp.float16, jnp.float32):
        params = jnp.ones(3, dtype)
        made = module.ballistic(**CONSTANTS)
        gradient = jnp.asarray(curvature, dtype)
        given = {"H": lambda v, h=gradient: h * v}
        updates, _ = made.update(gradient, made.init(params), params, **given)
        assert updates.dtype == dtype, updates.dtype
        assert gap(np.asarray(updates, float), wanted) < 1e-2, updates


CLAIMS = [
    optax_takes_half_precision,
    torch_takes_the_step_of_the_gauss_newton_matrix,
    torch_takes_the_step_of_the_second_derivative,
    the_error_is_known,
    curvature_that_has_no_rule_is_refused,
    torch_trains,
    parameter_groups_are_one_vector,
    functions_need_no_closure,
    what_it_cannot_use_is_refused,
    two_processes_equal_one,
    optax_takes_the_same_steps,
]

if __name__ == "__main__":
    for claim in CLAIMS:
        claim()
        print("ok", claim.__name__)
