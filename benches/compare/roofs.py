"""Matrix products alone: what the processor gives at most, by our backends and by the peers'."""

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import Engine, Failed, last_line
from peers import Peers
from work import ROOF_GEMM, SIZES

OURS = [("libtorch cpu", "f32"), ("libtorch cpu", "bf16"), ("flex cpu", "f32")]


@dataclass
class Gemm:
    """GFLOP/s of one library in one number format, by shape."""

    library: str
    dtype: str
    gflops: dict[tuple[int, ...], float]


def measure(engine: Engine, peers: Peers, sizes: Iterable[str]) -> list[Gemm]:
    """All of them, at the shape that defines the roof and at those of the sizes."""
    shapes = [ROOF_GEMM, *(shape for size in SIZES if size in set(sizes) for shape in SIZES[size].gemms())]
    found = []
    for backend, dtype in OURS:
        if engine.has(backend):
            found += of_engine(engine, backend, dtype, shapes)
    if peers.python:
        script = Path(__file__).with_name("torch_roofs.py")
        command = peers.command(str(script), json.dumps(shapes))
        run = subprocess.run(command, env=peers.environment(keep_memory=True), capture_output=True, text=True)
        if run.returncode:
            print(f"left out: the peers' matrix products: {last_line(run.stderr)}", flush=True)
        else:
            found += [_gemm(f"torch, {line['library']}", line) for line in map(json.loads, run.stdout.splitlines())]
    for gemm in found:
        rates = ", ".join(f"{rate:.0f}" for rate in gemm.gflops.values())
        print(f"GEMM {gemm.library} {gemm.dtype}: {rates} GFLOP/s", flush=True)
    return found


def of_engine(engine: Engine, backend: str, dtype: str, shapes: list[list[int]]) -> list[Gemm]:
    """Ours, or nothing with the reason printed."""
    try:
        answer = engine.ask("gemm", backend=backend, precision=dtype, shapes=shapes)
    except Failed as error:
        print(f"left out: matrix products of {backend} in {dtype}: {error}", flush=True)
        return []
    return [_gemm(f"Dyad {backend}", {**answer, "dtype": dtype})]


def _gemm(library: str, answer: dict[str, Any]) -> Gemm:
    gflops = {tuple(shape): rate for shape, rate in zip(answer["shapes"], answer["gflops"])}
    return Gemm(library, answer["dtype"], gflops)


def roof(gemms: list[Gemm], dtype: str) -> float | None:
    """The best that any library reaches in a number format."""
    rates = [gemm.gflops[tuple(ROOF_GEMM)] for gemm in gemms if gemm.dtype == dtype]
    return max(rates, default=None)
