"""Measures, prints a table, and writes the numbers into docs/performance.md. See `run`."""

import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "bench"
BINARY = ROOT / "target" / "release" / "lagrule"
PYTHON = ROOT / "target" / "bench" / "venv" / "bin" / "python"
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- measured -->", "<!-- end -->"


def run(*command, **environment):
    """Standard output of a command that has to succeed."""
    # A core type forced from outside would pick the wrong kernels for this processor.
    env = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT,
                          env=env | environment).stdout


def process(*command, repetitions):
    """Median and best wall time of a whole process in milliseconds, and median processor time."""
    wall, processor = [], []
    for _ in range(repetitions + 1):
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, cwd=ROOT)
        wall.append(1e3 * (time.perf_counter() - began))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor.append(1e3 * (after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime))
    return statistics.median(wall[1:]), min(wall[1:]), statistics.median(processor[1:])


def cell(value):
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def derive_section():
    rules = sorted((ROOT / "rules").glob("*.lag"))
    rows, medians, momentum = [], [], None
    for rule in rules:
        name = f"rules/{rule.name}"
        median, best, processor = process(BINARY, "derive", name, repetitions=21)
        medians.append(median)
        if rule.stem == "momentum":
            momentum = median
        rows.append([name, cell(median), cell(best), cell(processor)])
    text = table(["`lagrule derive`", "median, ms", "best, ms", "processor, ms"], rows)

    sympy = []
    for method in ("dsolve", "roots"):
        command = (PYTHON, HERE / "sympy_momentum.py", method)
        median, _, _ = process(*command, repetitions=5)
        inner = [json.loads(run(*command))["derive"] * 1e3 for _ in range(5)]
        sympy.append((method, median, statistics.median(inner)))
    rows = [[f"SymPy 1.14, `{method}`", cell(whole), f"{whole / momentum:.0f}×",
             cell(inner), f"{inner / momentum:.0f}×"] for method, whole, inner in sympy]
    rows.insert(0, ["`lagrule derive rules/momentum.lag`", cell(momentum), "1×", "", ""])
    text += "\n" + table(["the momentum quadratic", "whole process, ms", "ratio",
                          "without its import, ms", "ratio"], rows)
    goals = [
        (f"slowest shipped rule: {max(medians):.1f} ms (goal: 20 ms)", max(medians) <= 20),
        (f"SymPy's `dsolve` / `lagrule`: {sympy[0][1] / momentum:.0f} (goal: 100)",
         sympy[0][1] / momentum >= 100),
    ]
    return text, goals


def numeric_section(n=500, repetitions=15):
    ours = json.loads(run("cargo", "bench", "--quiet", "--bench", "quadratic_rule", "--",
                          str(n), str(repetitions)))
    script = (PYTHON, HERE / "scipy_quadratic.py", str(n), str(repetitions))
    theirs = {threads: json.loads(run(*script, OPENBLAS_NUM_THREADS=str(threads)))
              for threads in sorted({1, os.cpu_count()})}
    rows, goals = [], []
    for problem in ("identity", "metric"):
        mine = ours[problem]
        rows.append([f"{problem}: lagrule, 1 thread", cell(mine["wall"]), cell(mine["best"]), ""])
        for threads, result in theirs.items():
            other = result[problem]
            assert abs(other["first"] - mine["first"]) <= 1e-9 * abs(mine["first"]), problem
            ratio = mine["wall"] / other["wall"]
            rows.append([f"{problem}: SciPy {result['scipy']}, {threads} thread(s)",
                         cell(other["wall"]), cell(other["best"]), f"{ratio:.2f}"])
            if problem == "identity":
                goals.append((f"dense quadratic, n = {n}, lagrule / SciPy with {threads} "
                              f"thread(s): {ratio:.2f} (goal: 2)", ratio <= 2))
    head = [f"exact rule, n = {n}", "median, ms", "best, ms", "lagrule / SciPy"]
    return table(head, rows), goals


def solve_section():
    ours = json.loads(run("cargo", "bench", "--quiet", "--bench", "trajectory"))
    peers = json.loads(run(PYTHON, HERE / "trajectory_peers.py"))
    mine = ours["single"]
    rows, goals = [], []
    label = {"single": "the path to the end given, as the peers do it",
             "with_text": "the same from the text of the file",
             "command": "`solve` from the text of the file: search, all ends, two roads, every check"}
    for name in label:
        error = max(abs(a - b) for a, b in zip(ours[name]["velocity"], VELOCITY))
        rows.append([label[name], cell(ours[name]["wall"]), cell(ours[name]["best"]),
                     f"{error:.0e}", ""])
    peer = {"solve_bvp": ("SciPy `solve_bvp`", 20), "casadi": ("CasADi + Ipopt", 10),
            "descent": ("gradient descent on the action, 60 000 steps", 1000)}
    for name, (label, goal) in peer.items():
        ratio = peers[name]["best"] / mine["best"]
        rows.append([label, cell(peers[name]["wall"]), cell(peers[name]["best"]),
                     f"{peers[name]['error']:.0e}", f"{ratio:.0f}×"])
        goals.append((f"double well: {label} / lagrule: {ratio:.0f} (goal: {goal})", ratio >= goal))
    head = ["double well, infinite horizon", "median, ms", "best, ms", "error of the velocity",
            "ratio of the best"]
    return table(head, rows), goals


# The velocity at the start, from the power series of the feedback to sixteen digits.
VELOCITY = (1.42362476549, -0.75080344339)


def build_section():
    target = ROOT / "target" / "bench" / "clean"
    shutil.rmtree(target, ignore_errors=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    run("cargo", "build", "--release", "--no-default-features", "--features", "cli",
        "--target-dir", str(target), "--quiet")
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    size = (target / "release" / "lagrule").stat().st_size / 1e6
    shutil.rmtree(target, ignore_errors=True)
    text = table(["release build from clean, without `train`", ""], [
        ["wall time", f"{wall:.0f} s"],
        ["processor time", f"{processor:.0f} s, half of it on each of two cores: "
                           f"{processor / 2:.0f} s"],
        ["size of the binary", f"{size:.1f} MB"],
    ])
    goals = [(f"release build: {wall:.0f} s (goal: 180 s)", wall <= 180),
             (f"binary: {size:.1f} MB (goal: 10 MB)", size <= 10)]
    return text, goals


def machine():
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":")[1].strip()
            break
    rustc = run("rustc", "--version").split()[1]
    return (f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
            f"rustc {rustc}, Python {platform.python_version()}")


def main():
    load = os.getloadavg()[0]
    sections = {"derive": derive_section, "numeric": numeric_section,
                "solve": solve_section, "build": build_section}
    wanted = sys.argv[1:] or list(sections)
    parts, goals = [], []
    for name in wanted:
        text, found = sections[name]()
        parts.append(text)
        goals += found
        print(text, flush=True)
    verdicts = table(["goal", ""], [[text, "reached" if met else "**missed**"]
                                    for text, met in goals])
    print(verdicts)
    if set(wanted) == set(sections):
        busy = f"The load of the machine at the start was {load:.1f}."
        body = "\n".join([f"{machine()}. {busy}\n", verdicts, *parts])
        page = PAGE.read_text()
        head, rest = page.split(BEGIN)
        PAGE.write_text(f"{head}{BEGIN}\n{body}{END}{rest.split(END)[1]}")


main()
