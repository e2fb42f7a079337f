#!/usr/bin/env bash
# Compiles the release build of the sources in /build, exactly as the lock file says. Runs inside the build.
#
#   container/compile.sh FOLDER flex|tch
set -euo pipefail

folder=$1 features=$2
cd /build
export PATH=/root/.cargo/bin:$PATH CARGO_HTTP_CAINFO=/etc/ssl/certs/ca-certificates.crt
if [[ $features == tch ]]; then
    bash container/libtorch.sh /libtorch cpu
    export LIBTORCH=/libtorch LD_LIBRARY_PATH=/libtorch/lib
fi
cargo build --release --locked --bin dyad --features "$features"
mkdir -p "$folder"
strip -o "$folder/dyad" target/release/dyad
rm -rf target /root/.cache
