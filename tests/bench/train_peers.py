"""Time of a training step against PyTorch and JAX, in one run: `python tests/bench/train_peers.py [TASK…]`.

    cargo build --release
    tests/emit/setup                      # installs PyTorch, JAX and optax into target/venv
    target/venv/bin/python tests/bench/train_peers.py

All: f32, Adam, gradients clipped to norm 5, batches of 128. PyTorch: `Adam(fused=True)`, for the
convolutions channels_last, and glibc's malloc told to keep big blocks (its best configuration that we
found). JAX: one jitted step with donated buffers, `optax.adam`, convolutions in NHWC; the processors a
process may use are its number of threads. The programs alternate; medians are shown. Peak memory is
that of the process. Nothing else should run.
"""

import os
import re
import statistics
import subprocess
import sys

ROUNDS = int(os.environ.get("ROUNDS", "5"))
MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": "4000000000",
    "MALLOC_TRIM_THRESHOLD_": "8000000000",
    "MALLOC_TOP_PAD_": "268435456",
}
STEPS = {"mnist": 200, "cifar10": 5}


def timed(step, steps):
    """Milliseconds of a step, and the peak memory of this process in MB."""
    import resource
    import time

    for _ in range(2):
        step()
    began = time.perf_counter()
    for _ in range(steps):
        step()
    seconds = time.perf_counter() - began
    print(1e3 * seconds / steps, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)


def torch_side(task, threads):
    """One measurement, in a process of its own."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.set_num_threads(threads)
    if task == "mnist":
        net = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
        x = torch.randn(128, 784)
    else:
        conv = lambda i, o: [nn.Conv2d(i, o, 3, padding=1), nn.ReLU()]
        net = nn.Sequential(
            *conv(3, 64), *conv(64, 64), nn.MaxPool2d(2), *conv(64, 128), *conv(128, 128), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(8192, 256), nn.ReLU(), nn.Linear(256, 10),
        ).to(memory_format=torch.channels_last)
        x = torch.randn(128, 3, 32, 32).to(memory_format=torch.channels_last)
    y = torch.arange(128) % 10
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)

    def step():
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()

    timed(step, STEPS[task])


def jax_side(task, threads):
    """The same for JAX."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    import jax
    import jax.numpy as jnp
    import optax

    relu, key = jax.nn.relu, jax.random.key(0)
    if task == "mnist":
        shapes = [(784, 512), (512, 256), (256, 10)]
        x = jax.random.normal(key, (128, 784))
    else:
        shapes = [(3, 3, 3, 64), (3, 3, 64, 64), (3, 3, 64, 128), (3, 3, 128, 128), (8192, 256), (256, 10)]
        x = jax.random.normal(key, (128, 32, 32, 3))
    params = [(0.05 * jax.random.normal(key, shape), jnp.zeros(shape[-1])) for shape in shapes]
    y = jnp.arange(128) % 10

    def pool(x):
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    def loss(params):
        h = x
        for at, (w, b) in enumerate(params):
            if w.ndim == 4:
                layout = ("NHWC", "HWIO", "NHWC")
                h = relu(jax.lax.conv_general_dilated(h, w, (1, 1), "SAME", dimension_numbers=layout) + b)
                h = pool(h) if at % 2 else h
            else:
                h = h.reshape(128, -1) @ w + b
                h = relu(h) if at + 1 < len(params) else h
        return optax.softmax_cross_entropy_with_integer_labels(h, y).mean()

    optimizer = optax.chain(optax.clip_by_global_norm(5.0), optax.adam(1e-3))

    def update(params, state):
        updates, state = optimizer.update(jax.grad(loss)(params), state)
        return optax.apply_updates(params, updates), state

    update = jax.jit(update, donate_argnums=(0, 1))
    now = (params, optimizer.init(params))

    def step():
        nonlocal now
        now = update(*now)
        jax.block_until_ready(now)

    timed(step, STEPS[task])


def measure(command, env=None):
    """Output, and the peak memory in MB."""
    script = (
        "import resource, subprocess, sys; r = subprocess.run(sys.argv[1:], capture_output=True, text=True);"
        "print(r.stdout + r.stderr); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, *command], capture_output=True, text=True, env={**os.environ, **(env or {})}
    )
    lines = run.stdout.split("\n")
    return "\n".join(lines[:-2]), float(lines[-2])


def lagrule(task, threads):
    """Milliseconds of a step and peak memory."""
    command = ["target/release/lagrule", "train", "--task", task, "--against", "adam", "--dry-run"]
    out, peak = measure([*command, "--threads", str(threads)])
    return float(re.search(r"([0-9.]+) ms a step", out)[1]), peak


def peer(name, task, threads):
    """The same of a library."""
    out, _ = measure([sys.executable, __file__, "--side", name, task, str(threads)], MALLOC)
    milliseconds, peak = out.split()[:2]
    return float(milliseconds), float(peak)


def main(tasks):
    sides = {
        "lagrule": lagrule,
        "torch": lambda *what: peer("torch", *what),
        "jax": lambda *what: peer("jax", *what),
    }
    print(f"{ROUNDS} rounds; ms a step (peak MB)")
    for task in tasks:
        for threads in [1, 2]:
            found = {name: [] for name in sides}
            for _ in range(ROUNDS):
                for name, side in sides.items():
                    found[name].append(side(task, threads))
            times = {name: statistics.median(time for time, _ in all) for name, all in found.items()}
            shown = [f"{name} {times[name]:.2f} ({max(peak for _, peak in all):.0f})" for name, all in found.items()]
            ratios = [f"of {name} {times['lagrule'] / times[name]:.2f}" for name in ["torch", "jax"]]
            print(f"{task}, {threads} threads: {', '.join(shown)}; {', '.join(ratios)}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        {"torch": torch_side, "jax": jax_side}[sys.argv[2]](sys.argv[3], int(sys.argv[4]))
    else:
        main(sys.argv[1:] or list(STEPS))
