"""How fast the house is on this machine:  python tool/benchmark.py [body_models rasterizer detectors ...]

Each room that makes a claim of speed has a module in tool/benchmarks with one function, `measure`, that
returns rows of (what, figure). Claims are ratios measured in one run on one machine; nothing passes or fails.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import platform
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from tool import benchmarks


def rooms() -> list[str]:
    """The rooms that can be measured, by name."""
    return sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__))


def processor() -> str:
    """The processor's name as the system gives it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line
        ]
        return names[0] if names else platform.machine()
    return platform.processor() or platform.machine()


def matrix_product_rate(size: int = 2048, repeats: int = 5) -> float:
    """GFLOP/s of a float32 matrix product, the best of a few: the calibration beside every figure."""
    a, b = torch.rand(size, size), torch.rand(size, size)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        a @ b
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds) / 1e9


def machine(threads: int) -> list[str]:
    """What the figures were measured on, a line each."""
    lines = [
        f"{processor()}, {os.cpu_count()} cores, {threads} thread{'s' * (threads > 1)} used",
        f"Python {platform.python_version()}, torch {torch.__version__}, {platform.system()}",
        f"float32 matrix product of 2048: {matrix_product_rate():.0f} GFLOP/s",
    ]
    if torch.cuda.is_available():
        lines.append(f"GPU: {torch.cuda.get_device_name()}")
    return lines


def peak_memory() -> int:
    """Bytes of memory this process has held at most."""
    unit = 1 if sys.platform == "darwin" else 1024  # Linux counts kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rooms", nargs="*", default=[], help=f"which of: {', '.join(rooms())}; all without")
    parser.add_argument("--threads", type=int, default=1, help="processor threads for torch (1)")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.rooms) - set(rooms()))
    if unknown:
        parser.error(f"nothing called {', '.join(unknown)} can be measured; there are: {', '.join(rooms())}")
    torch.set_num_threads(options.threads)
    print(*machine(options.threads), sep="\n")
    for room in options.rooms or rooms():
        print(f"\n## {room}\n\n| what | figure |\n|---|---|", flush=True)
        for what, figure in importlib.import_module(f"tool.benchmarks.{room}").measure():
            print(f"| {what} | {figure} |", flush=True)
    print(f"\npeak memory of this process: {peak_memory() / 2**20:.0f} MB")


if __name__ == "__main__":
    main()
