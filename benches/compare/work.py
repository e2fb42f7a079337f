"""What is computed: sizes of ESM-2, the sequences, and the operations that they take."""

import math
import random
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Size:
    """A published shape of ESM-2 and how many sequences are embedded with it."""

    layers: int
    width: int
    heads: int
    inner: int
    sequences: int
    # Tokens per batch of the peers that sort; where one wins by a smaller one, it gets it.
    peers_budget: int = 4096

    def gemms(self) -> list[list[int]]:
        """Rows, inner size and columns of a layer's largest product, for one full batch."""
        return [[4096, self.width, self.inner]]

    def flops(self, lengths: list[int]) -> float:
        """Operations for sequences of so many tokens: weights and attention, no padding."""
        layers, width, inner = self.layers, self.width, self.inner
        # Four projections, the feed-forward block, two normalisations, and the last one.
        weights = layers * (4 * width**2 + 4 * width + 2 * width * inner + inner + width + 4 * width) + 2 * width
        return sum(2.0 * weights * tokens + layers * 4.0 * tokens**2 * width for tokens in lengths)


SIZES = {
    "8M": Size(6, 320, 20, 1280, 100),
    "35M": Size(12, 480, 20, 1920, 48),
    "150M": Size(30, 640, 20, 2560, 24),
    "650M": Size(33, 1280, 20, 5120, 12, peers_budget=2048),
}
# Far from any edge of caches and blocks.
ROOF_GEMM = [2048, 2560, 2560]


def sequences(count: int) -> list[str]:
    """Random proteins: lengths log-normal with median 415 and mean 540, clipped to 30 to 1022 residues.

    The generator, the seed and the order of draws are those of the peers' scripts: all embed the same.
    """
    draw = random.Random(20240)
    centre, spread = math.log(415), math.sqrt(2 * math.log(540 / 415))
    made = []
    for _ in range(count):
        length = max(30, min(1022, round(draw.lognormvariate(centre, spread))))
        made.append("".join(draw.choices("LAGVSERTIDPKQNFYMHWC", k=length)))
    return made


def token_lengths(count: int) -> list[int]:
    """Tokens of the first sequences, `<cls>` and `<eos>` included."""
    return [len(sequence) + 2 for sequence in sequences(count)]


def write_fasta(path: Path, count: int) -> None:
    """The first sequences as FASTA."""
    path.write_text("".join(f">P{number:05}\n{residues}\n" for number, residues in enumerate(sequences(count))))
