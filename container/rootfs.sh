#!/usr/bin/env bash
# Lays out the file system of an image: the program, the libraries it loads, and the few files of the system that
# they read. Runs inside the build.
#
#   container/rootfs.sh PROGRAM ROOT [LIBRARIES]
#
# LIBRARIES is a folder below ROOT with libraries that the image brings along.
set -euo pipefail

main() {
    local program=$1 root=$2 libraries=${3:-}
    check_glibc "$program"
    install -D -m 755 "$program" "$root/usr/local/bin/dyad"
    if [[ -n $libraries ]]; then export LD_LIBRARY_PATH=$root$libraries; fi
    local files
    mapfile -t files < <(find "$root" -name '*.so*' -type f)
    copy_libraries "$root" "$program" "${files[@]}"
    system_files "$root"
}

# A program built on a newer system needs versions of glibc that are not here.
check_glibc() {
    local lacking
    lacking=$(LC_ALL=C ldd "$1" 2>&1 | grep -o "version \`GLIBC_[0-9.]*' not found" | sort -Vu | tail -n 1 || true)
    [[ -z $lacking ]] ||
        fail "the program was built on a newer system: $lacking in Debian 12; build it there, or use \`make image-from-source\`"
}

# What the loader finds for the program and for libraries that are opened at run time, under the paths where it looks.
copy_libraries() {
    local root=$1 program=$2 file needed found=""
    shift
    for file in "$@"; do
        needed=$(LC_ALL=C ldd "$file" 2>/dev/null || true)
        # The driver's library comes from the host. The program itself has to start without it.
        if [[ $file != "$program" ]]; then needed=$(grep -v 'libcuda\.so\.1 => not found' <<<"$needed" || true); fi
        if grep 'not found' <<<"$needed"; then fail "\`$file\` needs libraries that are not here, see above"; fi
        found+=$needed$'\n'
    done
    grep -o '/[^ ]*' <<<"$found" | grep -v "^$root" | sort -u | while read -r library; do
        mkdir -p "$root$(dirname "$library")"
        cp --dereference --preserve=mode,timestamps "$library" "$root$library"
    done
}

system_files() {
    local root=$1
    # The NVIDIA runtime looks for this file to know where Debian's loader finds libraries.
    install -D -m 644 /etc/debian_version "$root/etc/debian_version"
    echo 'root:x:0:0:root:/root:/sbin/nologin' >"$root/etc/passwd"
    echo 'root:x:0:' >"$root/etc/group"
    echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
    mkdir -p "$root/root" "$root/opt/ml"
    install -d -m 1777 "$root/tmp"
}

fail() {
    echo "rootfs: $1" >&2
    exit 1
}

main "$@"
