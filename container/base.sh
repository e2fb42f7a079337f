#!/usr/bin/env bash
# Makes the base image debian:bookworm-slim where it is missing and cannot be pulled.
#
#   container/base.sh
#
# An image that is there is kept; one that can be pulled is pulled; else debootstrap makes one from the Debian archive
# that this machine's apt uses, or from DEBIAN_MIRROR. Needs a Docker engine, and for the last way debootstrap and root.
set -euo pipefail

readonly IMAGE=debian:bookworm-slim SUITE=bookworm PULL_SECONDS=30

main() {
    docker info >/dev/null 2>&1 || fail "no Docker engine answers: start one (\`dockerd\`)"
    if docker image inspect "$IMAGE" >/dev/null 2>&1; then return; fi
    if timeout "$PULL_SECONDS" docker pull --quiet "$IMAGE" 2>/dev/null; then return; fi
    echo "base: $IMAGE cannot be pulled; making it with debootstrap"
    command -v debootstrap >/dev/null || fail "missing: debootstrap (Debian: apt-get install debootstrap)"
    local mirror tree
    mirror=${DEBIAN_MIRROR:-$(mirror_of_host)}
    [[ -n $mirror ]] || fail "apt names no Debian archive: set DEBIAN_MIRROR to the address of one"
    tree=$(mktemp -d)
    # The path is fixed now: at exit the local variable is gone.
    # shellcheck disable=SC2064
    trap "rm -rf '$tree'" EXIT
    debootstrap --variant=minbase "$SUITE" "$tree" "$mirror" >"$tree.log" 2>&1 ||
        fail "debootstrap failed: $(tail -n 3 "$tree.log"); the log is \`$tree.log\`"
    rm -rf "$tree.log" "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/*
    tar -C "$tree" -c . | docker import -c 'CMD ["bash"]' - "$IMAGE" >/dev/null
    echo "base: $IMAGE is ready"
}

# Where apt fetches Debian itself, not its security updates or another distribution.
mirror_of_host() {
    # apt expands the names, not the shell.
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(ORIGIN)' 'Created-By: Packages' 2>/dev/null |
        awk -v suite="$SUITE" '$2 == suite && $3 == "Debian" { print $1; exit }'
}

fail() {
    echo "base: $1" >&2
    exit 1
}

main "$@"
