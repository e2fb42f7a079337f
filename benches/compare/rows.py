"""The rows: who computes what, and by which command."""

import os
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

from engine import Engine
from peers import Peers
from work import SIZES

MLP_BATCHES = (32, 1024)


@dataclass(frozen=True)
class Row:
    """One engine on one work."""

    work: str
    name: str
    label: str
    ours: bool
    # Whose roof it works under: a number format, or none.
    dtype: str
    command: tuple[str, ...]
    environment: dict[str, str]
    place: Path
    # Why it cannot be measured.
    missing: str | None = None

    @property
    def rate_field(self) -> str:
        """Where its output has the rate."""
        return "res_per_s" if self.work in SIZES else "pairs_per_s"


# Name, label, backend and number format of ours.
OURS = [
    ("tch-bf16", "Dyad libtorch bf16", "libtorch cpu", "bf16"),
    ("tch-f32", "Dyad libtorch f32", "libtorch cpu", "f32"),
    ("flex-f32", "Dyad flex f32", "flex cpu", "f32"),
]
# Name, label, script, mode, number format, whether glibc is told to keep memory.
PEERS = [
    ("naive", "Hugging Face f32, file order", "bench_hf.py", "naive", "f32", False),
    ("sorted", "Hugging Face f32, sorted", "bench_hf.py", "sorted", "f32", False),
    ("tuned-f32", "tuned PyTorch f32", "bench_hf.py", "sorted_mkldnn_malloc", "f32", True),
    ("tuned-bf16", "tuned PyTorch bf16", "bench_hf.py", "sorted_bf16_malloc", "bf16", True),
    ("esmcpp-int8", "esm-cpp int8", "bench_esmcpp.py", "int8", "int8", False),
]
# Name, label, arguments, whether glibc is told to keep memory.
MLP_PEERS = [
    ("dict", "PyTorch, DataLoader", ("dict",), False),
    ("tensor", "PyTorch, one table", ("tensor",), False),
    ("tuned", "tuned PyTorch", ("tensor", "--fused", "1"), True),
]


def plan(engine: Engine, peers: Peers, place: Path) -> list[Row]:
    """All rows that are asked for, ours and theirs in turn."""
    works = [*SIZES, *(f"MLP {batch}" for batch in MLP_BATCHES), "scoring"]
    sizes = _named("BENCH_SIZES")
    if sizes:
        works = [work for work in works if work in sizes or work.split()[0] in sizes]
    names = _named("BENCH_ROWS")
    rows = []
    for work in works:
        if work in SIZES:
            ours, theirs = _embedding(engine, peers, place, work, names)
        elif work == "scoring":
            ours, theirs = _learning(engine, place, work, "score"), []
        else:
            batch = int(work.split()[1])
            ours, theirs = _learning(engine, place, work, "train", batch=batch), _mlp_peers(peers, place, batch)
        turns = chain.from_iterable(zip_longest(theirs, ours))
        rows += [row for row in turns if row and (not names or row.name in names)]
    for row in rows:
        if row.missing:
            print(f"left out: {row.work} {row.label}: {row.missing}", flush=True)
    return [row for row in rows if not row.missing]


def _named(variable: str) -> set[str]:
    return {name for name in os.environ.get(variable, "").split(",") if name}


def _embedding(
    engine: Engine, peers: Peers, place: Path, size: str, names: set[str]
) -> tuple[list[Row], list[Row]]:
    count, budget = SIZES[size].sequences, SIZES[size].peers_budget
    ours = []
    for name, label, backend, precision in OURS:
        # Weights are made when they are needed, for they take seconds and gigabytes.
        if not engine.has(backend) or names and name not in names:
            continue
        command = engine.command(
            "embed",
            backend=backend,
            precision=precision,
            encoder=str(engine.encoder(size)),
            sequences=str(place / "sequences.fasta"),
            count=count,
        )
        ours.append(Row(size, name, label, True, precision, tuple(command), engine.environment(), place))
    theirs = []
    for name, label, script, mode, dtype, keep_memory in PEERS:
        arguments = [size, mode, "--n", str(count), *(["--budget", str(budget)] if "sorted" in mode else [])]
        command, environment = peers.command(script, *arguments), peers.environment(keep_memory)
        missing = peers.missing(name, size)
        theirs.append(Row(size, name, label, False, dtype, tuple(command), environment, place, missing))
    return ours, theirs if peers.python else []


def _learning(engine: Engine, place: Path, work: str, kind: str, **order: int) -> list[Row]:
    rows = []
    for name, label, backend in [("tch", "Dyad libtorch", "libtorch cpu"), ("flex", "Dyad flex", "flex cpu")]:
        if engine.has(backend):
            command = tuple(engine.command(kind, backend=backend, **order))
            rows.append(Row(work, name, label, True, "f32", command, engine.environment(), place))
    return rows


def _mlp_peers(peers: Peers, place: Path, batch: int) -> list[Row]:
    rows = []
    for name, label, arguments, keep_memory in MLP_PEERS:
        command = peers.command("bench_mlp.py", *arguments, "--bs", str(batch))
        environment = peers.environment(keep_memory)
        rows.append(Row(f"MLP {batch}", name, label, False, "f32", tuple(command), environment, place))
    return rows if peers.python else []
