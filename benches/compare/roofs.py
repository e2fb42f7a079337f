"""Matrix products alone: what the processor gives at most, by our backends and by the peers'."""

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import Engine, Failed, last_line
from measure import Others
from peers import Peers
from work import ROOF_GEMM, SIZES

OURS = [("libtorch cpu", "f32"), ("libtorch cpu", "bf16"), ("flex cpu", "f32")]


@dataclass
class Gemm:
    """GFLOP/s of one library in one number format, by shape."""

    library: str
    dtype: str
    gflops: dict[tuple[int, ...], float]
    # Processors that did something else meanwhile.
    others: float

    @property
    def top(self) -> float:
        """At the shape that defines the roof."""
        return self.gflops[tuple(ROOF_GEMM)]


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
        others = Others()
        run = subprocess.run(command, env=peers.environment(keep_memory=True), capture_output=True, text=True)
        busy = others.busy()
        if run.returncode:
            print(f"left out: the peers' matrix products: {last_line(run.stderr)}", flush=True)
        else:
            lines = map(json.loads, run.stdout.splitlines())
            found += [_gemm(f"torch, {line['library']}", line, busy) for line in lines]
    for gemm in found:
        rates = ", ".join(f"{rate:.0f}" for rate in gemm.gflops.values())
        print(f"GEMM {gemm.library} {gemm.dtype}: {rates} GFLOP/s, others {gemm.others:.2f}", flush=True)
    return found


def of_engine(engine: Engine, backend: str, dtype: str, shapes: list[list[int]]) -> list[Gemm]:
    """Ours, or nothing with the reason printed."""
    others = Others()
    try:
        answer = engine.ask("gemm", backend=backend, precision=dtype, shapes=shapes)
    except Failed as error:
        print(f"left out: matrix products of {backend} in {dtype}: {error}", flush=True)
        return []
    return [_gemm(f"Dyad {backend}", {**answer, "dtype": dtype}, others.busy())]


def _gemm(library: str, answer: dict[str, Any], others: float) -> Gemm:
    gflops = {tuple(shape): rate for shape, rate in zip(answer["shapes"], answer["gflops"])}
    return Gemm(library, answer["dtype"], gflops, others)


def roof(gemms: list[Gemm], dtype: str) -> Gemm | None:
    """The library that reaches most in a number format."""
    return max((gemm for gemm in gemms if gemm.dtype == dtype), key=lambda gemm: gemm.top, default=None)
