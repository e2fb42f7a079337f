"""What Dyad is to reach beside its peers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A row of ours, the peers of which the best counts, and how many times as fast ours is to be."""

    work: str
    ours: str
    peers: tuple[str, ...]
    ratio: float


TARGETS = [
    Target("650M", "tch-bf16", ("tuned-bf16", "esmcpp-int8"), 1.3),
    Target("650M", "tch-bf16", ("naive",), 7.5),
    Target("150M", "tch-bf16", ("tuned-bf16",), 1.5),
    Target("150M", "tch-bf16", ("naive",), 8.0),
    Target("8M", "tch-bf16", ("tuned-bf16",), 1.5),
    Target("8M", "tch-bf16", ("naive",), 6.0),
    Target("150M", "tch-f32", ("tuned-f32",), 1.0),
    Target("150M", "tch-f32", ("sorted",), 2.0),
    Target("150M", "flex-f32", ("sorted",), 1.2),
    Target("650M", "flex-f32", ("sorted",), 1.8),
    Target("MLP 32", "tch", ("tuned",), 1.0),
    Target("MLP 1024", "tch", ("tuned",), 1.2),
]
