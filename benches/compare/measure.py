"""Running rows and keeping what they print."""

import json
import os
import resource
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

from engine import last_line
from rows import Row

# Processors that others kept busy on average; above it a pass is not clean.
BUSY = 0.2

Key = tuple[str, str]


class Others:
    """How many processors did something else while our children ran, from its making to `busy`."""

    def __init__(self) -> None:
        self._started, self._all, self._ours = time.monotonic(), _everybody(), _children()

    def busy(self) -> float:
        """On average, the hypervisor's share included; children count once they have ended."""
        others = _everybody() - self._all - (_children() - self._ours)
        return max(0.0, others / (time.monotonic() - self._started))


def _everybody() -> float:
    ticks = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    # user, nice, system, (idle, iowait,) irq, softirq, steal
    return sum(ticks[field] for field in (0, 1, 2, 5, 6, 7)) / os.sysconf("SC_CLK_TCK")


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Log:
    """Everything measured."""

    def __init__(self) -> None:
        self._passes: dict[Key, list[dict[str, Any]]] = {}
        self._seconds: dict[Key, float] = {}

    def measure(self, row: Row, number: int) -> None:
        """One process, one measurement; a row that fails says why and is not tried again."""
        started = time.monotonic()
        run = subprocess.run(row.command, cwd=row.place, env=row.environment, capture_output=True, text=True)
        took = time.monotonic() - started
        if run.returncode:
            reason = last_line(run.stderr) or f"it ended with {run.returncode}"
            print(f"left out: {row.work} {row.label}: {reason}", flush=True)
            return
        found: dict[str, Any] = json.loads(last_line(run.stdout))
        self._passes.setdefault(_key(row), []).append(found)
        self._seconds.setdefault(_key(row), took)
        rate, unit, other = found[row.rate_field], row.rate_field.split("_", maxsplit=1)[0], found["other_cpus"]
        print(f"{row.work:>8} {row.label:<30} pass {number}: {rate:9.0f} {unit}/s, others {other:.2f}", flush=True)

    def passes(self, row: Row) -> list[dict[str, Any]]:
        """The clean passes, or all if none is."""
        passes = self._passes.get(_key(row), [])
        return [found for found in passes if found["other_cpus"] <= BUSY] or passes

    def rates(self, row: Row) -> list[float]:
        """The rates of these passes."""
        return [found[row.rate_field] for found in self.passes(row)]

    def rate(self, row: Row) -> float | None:
        """Their median: a row that ran once has no advantage or disadvantage from that."""
        rates = self.rates(row)
        return statistics.median(rates) if rates else None

    def clean(self, row: Row) -> bool:
        """Whether its rate was measured on a machine that did nothing else."""
        return all(found["other_cpus"] <= BUSY for found in self.passes(row))

    def seconds(self, row: Row) -> float | None:
        """How long the first pass took with start and loading, if it worked."""
        return self._seconds.get(_key(row))


def _key(row: Row) -> Key:
    return row.work, row.name
