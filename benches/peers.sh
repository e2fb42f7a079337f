#!/usr/bin/env bash
# Makes what `make bench` compares with: a Python environment with the peers, and random weights of four sizes (8 GB).
#
#   benches/peers.sh
#
# The peers' scripts are not part of Dyad: they lie in $DYAD_TEST_DATA/bench (default: ../shared/bench). PEERS_PYTHON
# names a Python that has the peers already. What is there is not made again.
set -euo pipefail

PROJECT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly PROJECT
readonly CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/dyad
readonly MODELS=$CACHE/bench-models
readonly PACKAGES=(torch transformers safetensors numpy fair-esm esm-cpp==0.2.1)

main() {
    local scripts=${DYAD_TEST_DATA:-$PROJECT/../shared}/bench
    [[ -f $scripts/make_models.py ]] || fail "no scripts in \`$scripts\`: DYAD_TEST_DATA names another place"
    scripts=$(cd "$scripts" && pwd)
    local python
    python=$(realpath --no-symlinks "${PEERS_PYTHON:-$CACHE/peers/bin/python}")
    if [[ ! -x $python ]]; then
        [[ -z ${PEERS_PYTHON:-} ]] || fail "no Python at PEERS_PYTHON=\`$PEERS_PYTHON\`"
        python3 -m venv "$CACHE/peers"
    fi
    if ! "$python" -c 'import torch, transformers, safetensors, numpy, esm, esm_cpp' 2>/dev/null; then
        "$python" -m pip install --quiet "${PACKAGES[@]}"
    fi
    mkdir -p "$MODELS"
    # The scripts write their sequences where they are started.
    cd "$MODELS"
    export MODELS PYTHONDONTWRITEBYTECODE=1
    local size
    for size in 8M 35M 150M 650M; do
        [[ -f esm2_$size/model.safetensors ]] || rm -f .complete
    done
    if [[ ! -f .complete ]]; then
        "$python" "$scripts/make_models.py"
        "$python" "$scripts/published_names.py"
        touch .complete
    fi
    for size in 8M 35M 150M 650M; do
        [[ -f esm2_${size}_q8.gguf ]] || quantize "$python" "$size"
    done
    echo "peers: $python, weights in $MODELS"
}

# As `esm-cpp-quantize`, without the calibration, which changes no speed.
quantize() {
    "$1" - "$MODELS/esm2_$2_real/model.safetensors" "$MODELS/esm2_$2_q8.gguf" <<'PYTHON'
import os, sys
import esm_cpp

source, target = sys.argv[1:]
model = esm_cpp.Model.load_from_safetensors(source)
model.quantize_weights()
model.save_to_gguf(target + ".partial")
os.rename(target + ".partial", target)
PYTHON
}

fail() {
    echo "peers: $1" >&2
    exit 1
}

main
