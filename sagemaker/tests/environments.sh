#!/usr/bin/env bash
# Virtual environments with the SageMaker SDKs, outside the clone: sagemaker-sdk2 and sagemaker-sdk3 in
# ${XDG_CACHE_HOME:-~/.cache}/dyad. Does nothing for those that are there. pip uses its own configuration.
set -euo pipefail
cd "$(dirname "$0")"

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/dyad

fail() {
    echo "sagemaker/tests: $1" >&2
    exit 1
}

install() {
    local folder=$CACHE/sagemaker-sdk$1 pins=requirements-sdk$1.txt
    # The stamp comes last; other pins are another environment.
    cmp -s "$pins" "$folder/.dyad-installed" && return
    echo "sagemaker/tests: installing the SageMaker SDK, version $1, in $folder"
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/python" -m pip install --quiet --requirement "$pins" </dev/null ||
        fail "cannot install the SDK from the Python package index: check the network and pip's settings"
    cp "$pins" "$folder/.dyad-installed"
}

python3 -c 'import ensurepip, venv' 2>/dev/null || fail "missing: python3 with venv (Debian: apt-get install python3-venv)"
mkdir -p "$CACHE"
exec 9>"$CACHE/.sagemaker-lock"
flock 9
install 2
install 3

# Local mode of both SDKs runs Compose; version 2 takes no Compose 5 (aws/sagemaker-python-sdk#5739), and the binary of
# Debian serves both.
if command -v docker >/dev/null && ! command -v docker-compose >/dev/null; then
    if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
        apt-get install -qy --no-install-recommends docker-compose >/dev/null ||
            { apt-get update -q >/dev/null && apt-get install -qy --no-install-recommends docker-compose >/dev/null; } ||
            echo "sagemaker/tests: cannot install docker-compose" >&2
    else
        echo "sagemaker/tests: missing: docker-compose, for local mode (Debian: apt-get install docker-compose)" >&2
    fi
fi
