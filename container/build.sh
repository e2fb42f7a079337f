#!/usr/bin/env bash
# Builds an image of Dyad.
#
#   container/build.sh cpu|gpu TAG [PROGRAM]
#
# PROGRAM is an executable built on Debian 12 or older; without one the release build is compiled inside. Needs a Docker
# engine, and BuildKit for everything but `cpu` with a PROGRAM.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

main() {
    local target=$1 tag=$2 program=${3:-} origin=built features=flex
    container/base.sh
    if [[ $target == gpu ]]; then features=tch; fi
    rm -rf target/image
    if [[ -n $program ]]; then
        [[ -x $program ]] || fail "\`$program\` is not an executable: build it, or name another with BINARY="
        mkdir -p target/image
        strip -o target/image/dyad "$program"
        origin=given
    fi
    local docker=(docker) buildkit=0
    if docker buildx version >/dev/null 2>&1; then
        buildkit=1
    elif docker=("$(old_docker)") && [[ -n ${docker[0]} ]]; then
        buildkit=1
    else
        docker=(docker)
        [[ $target$origin == cpugiven ]] || fail "this needs BuildKit: install the Docker plugin \`buildx\`"
    fi
    DOCKER_BUILDKIT=$buildkit "${docker[@]}" build --target "$target" --file container/Dockerfile --tag "$tag" \
        --build-arg BINARY="$origin" --build-arg FEATURES="$features" \
        --build-arg EXTRA_CA="$(extra_ca "$origin$target")" \
        --label org.opencontainers.image.title=dyad \
        --label org.opencontainers.image.description="Trains protein-protein interaction classifiers ($target)" \
        --label org.opencontainers.image.version="$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)" \
        --label org.opencontainers.image.revision="$(revision)" \
        --label org.opencontainers.image.licenses="MIT OR Apache-2.0" \
        --label org.opencontainers.image.base.name=debian:bookworm-slim .
    rm -rf target/image
    docker image inspect --format "{{.Size}}" "$tag" |
        awk -v tag="$tag" '{ printf "image: %s is ready, %.1f MB unpacked\n", tag, $1 / 1e6 }'
}

# The commit that the image is built from, with `-dirty` where files of it have been changed.
revision() {
    local commit changed
    commit=$(git rev-parse HEAD 2>/dev/null) || { echo unknown; return; }
    changed=$(git status --porcelain --untracked-files=no)
    echo "$commit${changed:+-dirty}"
}

# Clients before version 23 have BuildKit built in; newer ones need the plugin.
old_docker() {
    local candidate
    hash -r # or only the docker that ran before is found
    for candidate in $(type -aP docker); do
        if [[ $("$candidate" version --format '{{.Client.Version}}' 2>/dev/null) =~ ^(1[89]|2[0-2])\. ]]; then
            echo "$candidate"
            return
        fi
    done
}

# What this machine trusts besides Debian's own bundle: behind a network that inspects TLS the build needs it too. It
# goes into stages that download, never into the image.
extra_ca() {
    if [[ $1 != givencpu ]]; then cat /usr/local/share/ca-certificates/*.crt 2>/dev/null || true; fi
}

fail() {
    echo "image: $1" >&2
    exit 1
}

main "$@"
