#!/usr/bin/env bash
# Prepares a build stage: certificate authorities in EXTRA_CA, and a C toolchain with the Rust of rust-toolchain.toml, or
# with `python` only what container/libtorch.sh needs. Runs inside the build.
set -euo pipefail

readonly RUSTUP_VERSION=1.28.2
readonly RUSTUP_SHA256=20a06e644b0d9bd2fbdbfd52d42540bdde820ea7df86e92e533c073da0cdd43c

packages=(ca-certificates python3 python3-pip)
if [[ ${1:-} != python ]]; then packages+=(build-essential curl); fi
apt-get update -q
apt-get install -qy --no-install-recommends "${packages[@]}"
if [[ -n ${EXTRA_CA:-} ]]; then
    awk '/BEGIN CERT/ { n++ } n { print > "/usr/local/share/ca-certificates/extra-" n ".crt" }' <<<"$EXTRA_CA"
    update-ca-certificates
fi
# pip carries a bundle of its own.
printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >/etc/pip.conf
if [[ ${1:-} == python ]]; then exit; fi

cd /build
curl --proto '=https' -sSfo rustup-init \
    "https://static.rust-lang.org/rustup/archive/$RUSTUP_VERSION/x86_64-unknown-linux-gnu/rustup-init"
echo "$RUSTUP_SHA256  rustup-init" | sha256sum --check --status -
chmod +x rustup-init
version=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
./rustup-init -qy --no-modify-path --profile minimal --default-toolchain "$version"
# Its components are for developers.
rm rustup-init rust-toolchain.toml
