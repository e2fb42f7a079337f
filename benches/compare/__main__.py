"""Measures Dyad's engine and what people would run instead, alternating, on this machine.

    python3 benches/compare            # Markdown tables in benches/RESULTS.md
    python3 benches/compare gpu        # the engine alone on the first GPU, in benches/RESULTS-GPU.md

`docs/performance.md` lists the variables that restrict it and says what the numbers mean. Standard library only.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import gpu
import report
import roofs
from engine import BuildError, Engine
from measure import Log
from peers import Peers
from rows import Row, plan
from work import SIZES, write_fasta

# A row that takes longer is measured once.
LONG_SECONDS = 30


def main() -> int:
    """Runs the comparison."""
    try:
        engine = Engine.build()
        if sys.argv[1:] == ["gpu"]:
            return gpu.run(engine)
        return compare(engine)
    except BuildError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1


def compare(engine: Engine) -> int:
    """All rows once, then again what is short, while there is time."""
    passes = int(os.environ.get("BENCH_PASSES", "2"))
    deadline = time.monotonic() + 60 * float(os.environ.get("BENCH_MINUTES", "25"))
    out = Path(os.environ.get("BENCH_OUT", "benches/RESULTS.md"))
    peers = Peers.find()
    for reason in [*engine.left_out, *peers.left_out]:
        print(f"left out: {reason}", flush=True)
    log = Log()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        peers.link_models(place)
        write_fasta(place / "sequences.fasta", 200)
        rows = plan(engine, peers, place)
        sizes = {row.work for row in rows if row.work in SIZES}
        measured_roofs = roofs.measure(engine, peers, sizes)
        for number in range(1, passes + 1):
            for row in (row for row in rows if due(row, log, number, deadline)):
                log.measure(row, number)
                # After each row, so that nothing is lost with the last.
                out.write_text(report.render(engine, peers, rows, log, measured_roofs))
    print(f"bench: {out}")
    return 0 if any(log.rates(row) for row in rows) else 1


def due(row: Row, log: Log, number: int, deadline: float) -> bool:
    """Whether a row is measured in this pass: every one in the first, later what is short and worked."""
    if number == 1:
        return True
    took = log.seconds(row)
    return took is not None and took <= LONG_SECONDS and time.monotonic() + took < deadline


if __name__ == "__main__":
    sys.exit(main())
