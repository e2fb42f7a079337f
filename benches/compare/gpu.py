"""The engine alone on the first GPU, and how much of the device it uses."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import report
import roofs
from engine import ROOT, Engine, Failed
from measure import Log
from rows import Row
from work import ROOF_GEMM, SIZES, token_lengths, write_fasta

BACKEND = "libtorch cuda:0"
SEQUENCES = {"8M": 2000, "35M": 2000, "150M": 1000, "650M": 400}
# TFLOP/s of tensor cores in f16 without sparsity, from NVIDIA's data sheets; f32 stands with the instance types.
F16_PEAKS = {"T4": 65.0, "V100": 125.0, "A10G": 70.0, "L4": 121.0, "A100": 312.0, "H100": 989.0}
# Larger than on a CPU, or a GPU is not filled.
GEMMS = [[8192, 8192, 8192], ROOF_GEMM, *([16384, size.width, size.inner] for size in SIZES.values())]


def run(engine: Engine) -> int:
    """Both number formats on every size."""
    try:
        engine.ask("device", backend=BACKEND)
    except Failed as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    chosen = os.environ.get("BENCH_SIZES", ",".join(SIZES)).split(",")
    log, rows, gemms = Log(), [], []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_fasta(place / "sequences.fasta", max(SEQUENCES.values()))
        for precision in ("f16", "f32"):
            gemms += roofs.of_engine(engine, BACKEND, precision, GEMMS)
            rows += [_row(engine, place, size, precision) for size in SIZES if size in chosen]
        for number in range(1, int(os.environ.get("BENCH_PASSES", "2")) + 1):
            for row in rows:
                log.measure(row, number)
    device = _device_name()
    page = [
        "# Results of `make bench-gpu`",
        report.facts([("device", device), ("versions", ", ".join(engine.versions()))]),
        _table([row for row in rows if log.rates(row)], log, gemms, device),
        report.gemm_table(gemms),
    ]
    out = ROOT / "benches/RESULTS-GPU.md"
    out.write_text("\n\n".join(page) + "\n")
    print(out.read_text())
    return 0 if any(log.rates(row) for row in rows) else 1


def _row(engine: Engine, place: Path, size: str, precision: str) -> Row:
    command = engine.command(
        "embed",
        backend=BACKEND,
        precision=precision,
        encoder=str(engine.encoder(size)),
        sequences=str(place / "sequences.fasta"),
        count=SEQUENCES[size],
    )
    return Row(size, precision, f"Dyad {BACKEND} {precision}", True, precision, tuple(command), engine.environment(), place)


def _table(rows: list[Row], log: Log, gemms: list[roofs.Gemm], device: str) -> str:
    header = ["size", "format", "sequences", "residues/s", "passes", "TFLOP/s", "of its data sheet", "of its GEMM"]
    header += ["load s", "first s"]
    lines = []
    for row in rows:
        lengths, rate, found = token_lengths(SEQUENCES[row.work]), log.rate(row) or 0.0, log.passes(row)
        tflops = SIZES[row.work].flops(lengths) / (sum(lengths) - 2 * len(lengths)) * rate / 1e12
        sheet = _data_sheet(device, row.dtype)
        measured = max((max(g.gflops.values()) / 1000 for g in gemms if g.dtype == row.dtype), default=None)
        lines.append([
            row.work,
            row.dtype,
            str(len(lengths)),
            f"{rate:.0f}",
            str(len(found)),
            f"{tflops:.1f}",
            f"{tflops / sheet:.0%} of {sheet:g}" if sheet else "not known",
            f"{tflops / measured:.0%} of {measured:.1f}" if measured else "not measured",
            f"{found[0]['load_s']:.2f}",
            f"{found[0]['first_s']:.2f}",
        ])
    return report.table(header, lines)


def _device_name() -> str:
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader", "--id=0"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "a GPU that nvidia-smi does not name"


def _data_sheet(device: str, dtype: str) -> float | None:
    """TFLOP/s that the maker promises, by the model in the device's name (`Tesla T4`, `NVIDIA A100-SXM4-40GB`)."""
    words = set(device.split(",")[0].replace("-", " ").split())
    if dtype == "f16":
        return next((peak for model, peak in F16_PEAKS.items() if model in words), None)
    for instance in json.loads((ROOT / "src/estimate/instances.json").read_text()):
        gpu = instance["hardware"].get("gpu")
        if gpu and gpu["name"].split()[-1] in words:
            return float(gpu["tflops"])
    return None
