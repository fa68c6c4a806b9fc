"""Time of a training step against PyTorch, in one run: `python tests/bench/train_torch.py`.

    cargo build --release
    pip install torch==2.9.1

PyTorch's configuration: f32, fused Adam, gradients clipped by `clip_grad_norm_`, for the convolutions
channels_last, and glibc's malloc told to keep big blocks (its best configuration that we found). Both
programs get the same number of threads and alternate; medians are shown. Peak memory is that of the
process. Nothing else should run.
"""

import os
import re
import statistics
import subprocess
import sys

THREADS = int(os.environ.get("THREADS", "2"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": "4000000000",
    "MALLOC_TRIM_THRESHOLD_": "8000000000",
    "MALLOC_TOP_PAD_": "268435456",
}


def torch_side(task):
    """One measurement, in a process of its own."""
    import resource
    import time

    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.set_num_threads(THREADS)
    if task == "mnist":
        net = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
        x, steps = torch.randn(128, 784), 200
    else:
        conv = lambda i, o: [nn.Conv2d(i, o, 3, padding=1), nn.ReLU()]
        net = nn.Sequential(
            *conv(3, 64), *conv(64, 64), nn.MaxPool2d(2), *conv(64, 128), *conv(128, 128), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(8192, 256), nn.ReLU(), nn.Linear(256, 10),
        ).to(memory_format=torch.channels_last)
        x, steps = torch.randn(128, 3, 32, 32).to(memory_format=torch.channels_last), 5
    y = torch.arange(128) % 10
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)

    def step():
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()

    for _ in range(2):
        step()
    began = time.perf_counter()
    for _ in range(steps):
        step()
    print(1e3 * (time.perf_counter() - began) / steps, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)


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


def main():
    print(f"{THREADS} threads, {ROUNDS} rounds; ms a step (peak MB)")
    for task in ["mnist", "cifar10"]:
        ours, theirs, memory = [], [], [0.0, 0.0]
        for _ in range(ROUNDS):
            out, peak = measure(
                ["target/release/lagrule", "train", "--task", task, "--against", "adam", "--dry-run", "--threads", str(THREADS)]
            )
            ours.append(float(re.search(r"([0-9.]+) ms a step", out)[1]))
            memory[0] = max(memory[0], peak)
            out, peak = measure([sys.executable, __file__, task], MALLOC)
            theirs.append(float(out.split()[0]))
            memory[1] = max(memory[1], float(out.split()[1]))
        a, b = statistics.median(ours), statistics.median(theirs)
        print(f"{task}: lagrule {a:.2f} ({memory[0]:.0f}), torch {b:.2f} ({memory[1]:.0f}), ratio {a / b:.2f}")


if __name__ == "__main__":
    torch_side(sys.argv[1]) if len(sys.argv) > 1 else main()
