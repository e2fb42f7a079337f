"""Matrix products by PyTorch's libraries, run by the peers' Python: python torch_roofs.py SHAPES --threads N

One line of JSON per library and number format: GFLOP/s (int8: GOP/s) for each shape, the best of three rounds.
"""

import json
import sys
import time
from collections.abc import Callable

import torch

SECONDS = 0.8


def rate(call: Callable[[], object], operations: float) -> float:
    """Operations per nanosecond."""
    call()
    started = time.perf_counter()
    call()
    times = max(1, round(SECONDS / 3 / (time.perf_counter() - started)))
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        for _ in range(times):
            call()
        best = min(best, time.perf_counter() - started)
    return operations * times / best / 1e9


def main() -> None:
    """Measures and prints."""
    shapes = json.loads(sys.argv[1])
    torch.set_num_threads(int(sys.argv[3]))
    torch.manual_seed(1)
    onednn = torch.ops.mkldnn._linear_pointwise  # what PyTorch's own compiler calls
    libraries = [
        ("linear", "f32", torch.float32, torch.nn.functional.linear),
        ("oneDNN linear", "f32", torch.float32, lambda x, w: onednn(x, w, None, "none", [], "")),
        ("linear", "bf16", torch.bfloat16, torch.nn.functional.linear),
        ("integer product", "int8", torch.int8, lambda x, w: torch._int_mm(x, w.t())),
    ]
    for name, dtype, kind, product in libraries:
        rates = []
        for rows, inner, columns in shapes:
            x, w = (torch.randn(size, inner).mul(20 if dtype == "int8" else 1).to(kind) for size in (rows, columns))
            with torch.no_grad():
                rates.append(rate(lambda: product(x, w), 2.0 * rows * inner * columns))
        print(json.dumps({"library": name, "dtype": dtype, "shapes": shapes, "gflops": rates}), flush=True)


if __name__ == "__main__":
    main()
