"""What was measured, as Markdown."""

import datetime

from engine import Engine, processor
from measure import BUSY, Log
from peers import Peers
from roofs import Gemm, roof
from rows import Row
from targets import TARGETS, Target
from work import SIZES, token_lengths


def render(engine: Engine, peers: Peers, rows: list[Row], log: Log, gemms: list[Gemm]) -> str:
    """The whole page."""
    rows = [row for row in rows if log.rates(row)]
    parts = [
        "# Results of `make bench`",
        "What the columns mean is in [performance](../docs/performance.md). Rates of two machines or two runs do not "
        "compare.",
        facts([("machine", processor()), ("versions", ", ".join([*engine.versions(), *peers.versions()]))]),
        "## Embedding",
        _embedding([row for row in rows if row.work in SIZES], log, gemms),
        "## Ours beside each peer",
        _ratios(rows, log),
        "## Training and scoring",
        _learning([row for row in rows if row.work not in SIZES], log),
        "## Targets",
        _targets(rows, log),
        "## Matrix products",
        gemm_table(gemms),
    ]
    return "\n\n".join(parts) + "\n"


def facts(known: list[tuple[str, str]]) -> str:
    """When, and with what."""
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    return "\n".join(f"- {name}: {value}" for name, value in [("date", date), *known])


def table(header: list[str], lines: list[list[str]]) -> str:
    """A Markdown table."""
    if not lines:
        return "Nothing was measured."
    return "\n".join("| " + " | ".join(line) + " |" for line in [header, ["---"] * len(header), *lines])


def _embedding(rows: list[Row], log: Log, gemms: list[Gemm]) -> str:
    header = ["size", "engine", "residues/s", "passes", "spread", "GFLOP/s", "of roof", "padding", "peak MB"]
    header += ["load s", "first s", "other processors"]
    lines = []
    for row in rows:
        size, passes, rate = SIZES[row.work], log.passes(row), log.rate(row) or 0.0
        lengths = token_lengths(size.sequences)
        gflops = size.flops(lengths) / (sum(lengths) - 2 * len(lengths)) * rate / 1e9
        top = roof(gemms, row.dtype)
        first = passes[0]
        lines.append([
            row.work,
            row.label,
            f"{rate:.0f}",
            str(len(passes)),
            _spread(log.rates(row)),
            f"{gflops:.0f}",
            f"{gflops / top.top:.0%} of {top.top:.0f} ({row.dtype}{_mark(top.others)})" if top else "",
            f"{first['pad_overhead']:.2f}" if "pad_overhead" in first else "1.00",
            f"{max(found['peak_rss_mb'] for found in passes):.0f}",
            _seconds(first, "load_s"),
            _seconds(first, "first_s"),
            _others(passes),
        ])
    return table(header, lines)


def _ratios(rows: list[Row], log: Log) -> str:
    lines = []
    for work in dict.fromkeys(row.work for row in rows):
        ours = [row for row in rows if row.work == work and row.ours]
        for peer in (row for row in rows if row.work == work and not row.ours):
            theirs = log.rate(peer) or 0.0
            cells = []
            for row in ours:
                rate, clean = log.rate(row) or 0.0, log.clean(row) and log.clean(peer)
                ratio = f"{rate / theirs:.2f}x{'' if clean else ', unclean'}"
                cells.append(f"{row.label.removeprefix('Dyad ')} {rate:.0f} ({ratio})")
            lines.append([work, f"{peer.label} {theirs:.0f}", ", ".join(cells)])
    return table(["work", "peer, residues or pairs/s", "Dyad, residues or pairs/s"], lines)


def _learning(rows: list[Row], log: Log) -> str:
    header = ["work", "engine", "pairs/s", "passes", "spread", "peak MB", "other processors"]
    lines = []
    for row in rows:
        passes = log.passes(row)
        peak = f"{max(found['peak_rss_mb'] for found in passes):.0f}"
        rate, spread = f"{log.rate(row):.0f}", _spread(log.rates(row))
        lines.append([row.work, row.label, rate, str(len(passes)), spread, peak, _others(passes)])
    return table(header, lines)


def _targets(rows: list[Row], log: Log) -> str:
    return table(["work", "peer", "to reach", "reached"], [_target(target, rows, log) for target in TARGETS])


def _target(target: Target, rows: list[Row], log: Log) -> list[str]:
    named = {row.name: row for row in rows if row.work == target.work}
    ours, theirs = named.get(target.ours), [named[peer] for peer in target.peers if peer in named]
    peer = " or ".join(target.peers)
    line = [f"{target.work} {target.ours}", f"best of {peer}" if len(target.peers) > 1 else peer]
    line.append(f"{target.ratio:.1f}x")
    # The best of some peers is not known while one of them is missing.
    if ours is None or len(theirs) < len(target.peers):
        return [*line, "not measured"]
    ratio = (log.rate(ours) or 0.0) / max(log.rate(row) or 0.0 for row in theirs)
    if not all(log.clean(row) for row in [ours, *theirs]):
        return [*line, f"{ratio:.2f}x, unclean: measure again"]
    return [*line, f"{ratio:.2f}x, {'yes' if ratio >= target.ratio else 'no'}"]


def gemm_table(gemms: list[Gemm]) -> str:
    """GFLOP/s by library and shape."""
    shapes = list(dict.fromkeys(shape for gemm in gemms for shape in gemm.gflops))
    header = ["library", "format", *("x".join(map(str, shape)) for shape in shapes), "other processors"]
    lines = []
    for gemm in gemms:
        rates = [f"{gemm.gflops[shape]:.0f}" for shape in shapes]
        lines.append([gemm.library, gemm.dtype, *rates, f"{gemm.others:.2f}{_mark(gemm.others)}"])
    return table(header, lines)


def _spread(rates: list[float]) -> str:
    return f"{max(rates) / min(rates) - 1:.0%}" if len(rates) > 1 else ""


def _seconds(found: dict[str, float], name: str) -> str:
    return f"{found[name]:.2f}" if name in found else ""


def _others(passes: list[dict[str, float]]) -> str:
    most = max(found["other_cpus"] for found in passes)
    return f"{most:.2f}{_mark(most)}"


def _mark(others: float) -> str:
    return ", unclean" if others > BUSY else ""
