"""How fast emitted code is: ratios measured side by side in one run.

    target/venv/bin/python tests/bench/emit.py target/release/lagrule

The PyTorch step of rules/adam.lag (regime adam) beside torch.optim.Adam, multi-tensor and fused; the
Rust step beside a copy of as many bytes as it reads and writes. The copy also fetches what it overwrites, which
the step has read anyway, so more than 1 is possible where the numbers do not fit into a cache. One thread. Medians of many steps that
alternate with those of the other side, because the machine is shared.
"""

import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import torch

torch.set_num_threads(1)
SIZES = (100_000, 1_000_000, 10_000_000)

RUST = """
mod adam;
use std::time::Instant;

fn main() {
    for n in [100_000usize, 1_000_000, 10_000_000] {
        let mut made = adam::Adam::new(
            50.0, 1.0, 1.0, 2.0, 1.0, 100.0, 1000.0, 5e-4, 1e-4, 0.1, 0.14, 0.02, n,
        );
        let mut theta = vec![1.0f32; n];
        let gradient: Vec<f32> = (0..n).map(|i| (i as f32 * 0.37).sin()).collect();
        // theta, m, v are read and written, g is read: 7 numbers of 4 bytes, as 3.5 copies move.
        let source = vec![1.0f32; n * 7 / 2];
        let mut target = vec![0.0f32; n * 7 / 2];
        let (mut steps, mut copies) = (Vec::new(), Vec::new());
        for _ in 0..(40_000_000 / n).clamp(11, 200) {
            let start = Instant::now();
            made.step(&mut theta, &gradient);
            steps.push(start.elapsed().as_secs_f64());
            let start = Instant::now();
            target.copy_from_slice(&source);
            std::hint::black_box(&mut target);
            copies.push(start.elapsed().as_secs_f64());
        }
        std::hint::black_box(&mut theta);
        steps.sort_by(f64::total_cmp);
        copies.sort_by(f64::total_cmp);
        let (step, copy) = (steps[steps.len() / 2], copies[copies.len() / 2]);
        println!("rust {n:>9} {:7.3} ms, copy {:7.3} ms, bandwidth {:.2}", step * 1e3, copy * 1e3, copy / step);
    }
}
"""


def emit(lagrule, target, path):
    arguments = ["emit", "rules/adam.lag", "--regime", "adam", "--target", target, "-o", str(path)]
    subprocess.run([lagrule, *arguments], check=True)


def torch_ratios(adam):
    for size in SIZES:
        parts = [size // 10] * 10
        own = [torch.nn.Parameter(torch.ones(n)) for n in parts]
        made = {"emitted": adam.Adam(own)}
        for name, keywords in (("foreach", {"foreach": True}), ("fused", {"fused": True})):
            params = [torch.nn.Parameter(torch.ones(n)) for n in parts]
            made[name] = torch.optim.Adam(params, **keywords)
        for optimizer in made.values():
            for p in optimizer.param_groups[0]["params"]:
                p.grad = torch.randn_like(p)
        times = {name: [] for name in made}
        for at in range(max(15, min(200, 40_000_000 // size))):
            for name, optimizer in made.items():
                start = time.perf_counter()
                optimizer.step()
                if at > 2:
                    times[name].append(time.perf_counter() - start)
        median = {name: statistics.median(all) for name, all in times.items()}
        ratios = ", ".join(f"{median['emitted'] / median[n]:.2f} of {n}" for n in ("foreach", "fused"))
        print(f"torch {size:>8} {median['emitted'] * 1e3:7.3f} ms: {ratios}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        emit(sys.argv[1], "torch", folder / "adam.py")
        emit(sys.argv[1], "rust", folder / "adam.rs")
        sys.path.insert(0, str(folder))
        import adam

        torch_ratios(adam)
        (folder / "main.rs").write_text(RUST)
        flags = ["-C", "opt-level=3", "-C", "target-cpu=native", "--edition", "2021"]
        subprocess.run(["rustc", *flags, "-o", folder / "main", folder / "main.rs"], check=True)
        subprocess.run([folder / "main"], check=True)


main()
