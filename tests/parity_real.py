"""Compare Dyad's embeddings of published ESM-2 weights with Hugging Face's.

    make parity-real ENCODER=folder/of/esm2_t33_650M_UR50D

Needs torch, transformers and safetensors. Exits 1 where the largest difference is over 2e-5 or a
cosine under 0.999999.
"""

import random
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import EsmModel, EsmTokenizer

MAX_DIFFERENCE, MIN_COSINE = 2e-5, 0.999999


def sequences():
    rng = random.Random(1)
    lengths = [1, 7, 30, 64, 127, 256, 300, 511]
    return ["".join(rng.choices("LAGVSERTIDPKQNFYMHWCXBUZO", k=n)) for n in lengths]


def ours(program, encoder, texts):
    with tempfile.TemporaryDirectory() as folder:
        fasta, out = Path(folder, "a.fasta"), Path(folder, "a.safetensors")
        fasta.write_text("".join(f">p{i}\n{text}\n" for i, text in enumerate(texts)))
        command = [program, "embed", "--sequences", fasta, "--encoder", encoder, "--out", out]
        subprocess.run([*command, "--cache", Path(folder, "cache")], check=True)
        return load_file(out)["embeddings"]


def theirs(encoder, texts):
    model = EsmModel.from_pretrained(encoder, add_pooling_layer=False).eval()
    tokenizer = EsmTokenizer.from_pretrained(encoder)
    with torch.no_grad():
        states = [model(**tokenizer(text, return_tensors="pt")).last_hidden_state for text in texts]
    return torch.stack([state[0, 1:-1].mean(0) for state in states])


def main():
    program, encoder = sys.argv[1:3]
    texts = sequences()
    a, b = ours(program, encoder, texts), theirs(encoder, texts)
    difference = (a - b).abs().max().item()
    cosine = torch.nn.functional.cosine_similarity(a.double(), b.double()).min().item()
    print(f"largest difference {difference:.2e}, smallest cosine {cosine:.8f}")
    sys.exit(difference > MAX_DIFFERENCE or cosine < MIN_COSINE)


main()
