#!/usr/bin/env bash
# Fetches the pinned libtorch from the Python package index.
#
#   container/libtorch.sh [FOLDER] [cpu|cuda]
#
# FOLDER (default: `libtorch` in the project) becomes what the build calls LIBTORCH: `include/`, `lib/`,
# `build-version`, and the licences. `cpu` (default, 0.5 GB) is what building, testing and CPU images need; `cuda`
# (4.6 GB) is the run set of GPU images, all libraries in one flat folder, where they find each other through their
# own run path `$ORIGIN`. No Python is installed or run from the wheels.
#
# Downloads are kept in ${XDG_CACHE_HOME:-~/.cache}/dyad/wheels; one that is there already and has the right SHA-256
# is not fetched again. Needs bash, python3 with pip, and for `cpu` g++ (which the build of torch-sys needs anyway).
set -euo pipefail

# What torch-sys 0.22.0, pinned by burn-tch 0.22.1, is written for.
readonly VERSION=2.9.0
# Raise LAYOUT when the content of FOLDER changes.
readonly LAYOUT=1

# variant, requirement, SHA-256 of the wheel, its name, libraries to take. The index's Linux wheel of torch is the
# build for CUDA 12.8; its CPU library needs cudart and cupti to load, with or without a GPU. The nvidia packages are
# those that torch $VERSION requires. Left out: cuDNN's engines (only convolutions and recurrent networks use them),
# nvtx and triton.
readonly WHEELS="
cpu torch==2.9.0 51de31219c97c51cf4bf2be94d622e3deb5dcc526c6dc00e97c17eaec0fc1d67 torch-2.9.0-cp311-cp311-manylinux_2_28_x86_64.whl libc10.so,libtorch_cpu.so,libtorch.so,libgomp.so.1
cpu nvidia-cuda-runtime-cu12==12.8.90 adade8dcbd0edf427b7204d480d6066d33902cab2a4707dcfc48a2d0fd44ab90 nvidia_cuda_runtime_cu12-12.8.90-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl libcudart.so.12
cpu nvidia-cuda-cupti-cu12==12.8.90 ea0cb07ebda26bb9b29ba82cda34849e73c166c18162d3913575b0c9db9a6182 nvidia_cuda_cupti_cu12-12.8.90-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl libcupti.so.12
cuda torch==2.9.0 51de31219c97c51cf4bf2be94d622e3deb5dcc526c6dc00e97c17eaec0fc1d67 torch-2.9.0-cp311-cp311-manylinux_2_28_x86_64.whl libtorch_cuda.so,libtorch_cuda_linalg.so,libc10_cuda.so,libcaffe2_nvrtc.so,libtorch_nvshmem.so
cuda nvidia-cublas-cu12==12.8.4.1 8ac4e771d5a348c551b2a426eda6193c19aa630236b418086020df5ba9667142 nvidia_cublas_cu12-12.8.4.1-py3-none-manylinux_2_27_x86_64.whl libcublas.so.12,libcublasLt.so.12
cuda nvidia-cuda-nvrtc-cu12==12.8.93 a7756528852ef889772a84c6cd89d41dfa74667e24cca16bb31f8f061e3e9994 nvidia_cuda_nvrtc_cu12-12.8.93-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl libnvrtc.so.12,libnvrtc-builtins.so.12.8
cuda nvidia-cudnn-cu12==9.10.2.21 949452be657fa16687d0930933f032835951ef0892b37d2d53824d1a84dc97a8 nvidia_cudnn_cu12-9.10.2.21-py3-none-manylinux_2_27_x86_64.whl libcudnn.so.9
cuda nvidia-cufft-cu12==11.3.3.83 4d2dd21ec0b88cf61b62e6b43564355e5222e4a3fb394cac0db101f2dd0d4f74 nvidia_cufft_cu12-11.3.3.83-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl libcufft.so.11
cuda nvidia-cufile-cu12==1.13.1.3 1d069003be650e131b21c932ec3d8969c1715379251f8d23a1860554b1cb24fc nvidia_cufile_cu12-1.13.1.3-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl libcufile.so.0
cuda nvidia-curand-cu12==10.3.9.90 b32331d4f4df5d6eefa0554c565b626c7216f87a06a4f56fab27c3b68a830ec9 nvidia_curand_cu12-10.3.9.90-py3-none-manylinux_2_27_x86_64.whl libcurand.so.10
cuda nvidia-cusolver-cu12==11.7.3.90 4376c11ad263152bd50ea295c05370360776f8c3427b30991df774f9fb26c450 nvidia_cusolver_cu12-11.7.3.90-py3-none-manylinux_2_27_x86_64.whl libcusolver.so.11
cuda nvidia-cusparse-cu12==12.5.8.93 1ec05d76bbbd8b61b06a80e1eaf8cf4959c3d4ce8e711b65ebd0443bb0ebb13b nvidia_cusparse_cu12-12.5.8.93-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl libcusparse.so.12
cuda nvidia-cusparselt-cu12==0.7.1 f1bb701d6b930d5a7cea44c19ceb973311500847f81b634d802b7b539dc55623 nvidia_cusparselt_cu12-0.7.1-py3-none-manylinux2014_x86_64.whl libcusparseLt.so.0
cuda nvidia-nccl-cu12==2.27.5 ad730cf15cb5d25fe849c6e6ca9eb5b76db16a80f13f425ac68d8e2e55624457 nvidia_nccl_cu12-2.27.5-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl libnccl.so.2
cuda nvidia-nvjitlink-cu12==12.8.93 81ff63371a7ebd6e6451970684f916be2eab07321b73c9d244dc2b4da7f73b88 nvidia_nvjitlink_cu12-12.8.93-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl libnvJitLink.so.12
cuda nvidia-nvshmem-cu12==3.3.20 d00f26d3f9b2e3c3065be895e3059d6479ea5c638a3f38c9fec49b1b9dd7c1e5 nvidia_nvshmem_cu12-3.3.20-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl libnvshmem_host.so.3
"

main() {
    local folder=${1:-$(project_root)/libtorch} variant=${2:-cpu}
    case $variant in cpu | cuda) ;; *) fail "unknown variant \`$variant\`: expected cpu or cuda" ;; esac
    folder=$(absolute "$folder")
    local stamp="torch $VERSION, $variant, layout $LAYOUT"
    if complete "$folder" "$stamp"; then
        echo "libtorch: $folder is complete ($stamp)"
        return
    fi
    require_tools "$variant"
    require_ours "$folder"

    local cache=${XDG_CACHE_HOME:-$HOME/.cache}/dyad/wheels
    mkdir -p "$cache" "$(dirname "$folder")"
    # One at a time: whoever comes second finds the work done.
    exec 9>"$cache/.lock"
    flock 9
    if complete "$folder" "$stamp"; then return; fi

    # Everything happens beside FOLDER, which appears complete or not at all.
    local partial=$folder.partial
    rm -rf "$partial"
    mkdir -p "$partial/lib"
    local for_variant requirement sha256 wheel libraries
    while read -r for_variant requirement sha256 wheel libraries; do
        if [[ -z $for_variant || ($for_variant == cuda && $variant == cpu) ]]; then continue; fi
        fetch "$cache" "$requirement" "$sha256" "$wheel"
        unpack "$cache/$wheel" "$partial" "$libraries"
    done <<<"$WHEELS"
    # torch-sys links with -lgomp.
    ln -s libgomp.so.1 "$partial/lib/libgomp.so"
    if [[ $variant == cpu ]]; then build_cuda_stub "$partial/lib"; fi
    echo "$VERSION" >"$partial/build-version"
    echo "$stamp" >"$partial/.dyad-libtorch"
    sync -f "$partial"
    rm -rf "$folder"
    mv -T "$partial" "$folder"
    echo "libtorch: $folder is ready ($stamp); the downloads stay in $cache"
}

project_root() {
    cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd
}

absolute() {
    case $1 in /*) echo "${1%/}" ;; *) echo "$PWD/${1%/}" ;; esac
}

fail() {
    echo "libtorch: $1" >&2
    exit 1
}

complete() {
    [[ -f $1/.dyad-libtorch && $(<"$1/.dyad-libtorch") == "$2" ]]
}

require_tools() {
    local missing=()
    [[ $(uname -sm) == "Linux x86_64" ]] || fail "only Linux on x86_64 has this libtorch, this is $(uname -sm)"
    if ! command -v python3 >/dev/null; then
        missing+=(python3 python3-pip)
    elif ! python3 -m pip --version >/dev/null 2>&1; then
        missing+=(python3-pip)
    fi
    if [[ $1 == cpu ]] && ! command -v g++ >/dev/null; then missing+=(g++); fi
    if ((${#missing[@]})); then fail "missing: ${missing[*]} (Debian: apt-get install ${missing[*]})"; fi
}

# Only a folder that this script made, or an empty one, is ever replaced.
require_ours() {
    if [[ -e $1 && ! -f $1/.dyad-libtorch && -n $(ls -A "$1") ]]; then
        fail "\`$1\` is there and was not made by this script: move it away or name another folder"
    fi
}

verified() {
    [[ -f $1 ]] && echo "$2  $1" | sha256sum --check --status -
}

# Puts the wheel into the cache under its name only after its digest was checked.
fetch() {
    local cache=$1 requirement=$2 sha256=$3 wheel=$4 incoming=$1/incoming
    if verified "$cache/$wheel" "$sha256"; then return; fi
    echo "libtorch: fetching $requirement"
    rm -rf "$incoming" "${cache:?}/$wheel"
    # The wheels are taken as archives, so the version of the Python that runs pip does not matter. pip's own cache
    # would only hold a second copy.
    python3 -m pip download --quiet --no-cache-dir --no-deps --only-binary=:all: --python-version 3.11 \
        --dest "$incoming" "$requirement" </dev/null ||
        fail "cannot download \`$requirement\` from the Python package index: check the network and pip's settings"
    verified "$incoming/$wheel" "$sha256" ||
        fail "the index gave $(cd "$incoming" && sha256sum ./*) for \`$requirement\`, expected \`$wheel\` with $sha256"
    mv "$incoming/$wheel" "$cache/$wheel"
    rm -rf "$incoming"
}

# Takes the named libraries, torch's headers and the licences out of a wheel.
unpack() {
    python3 - "$@" <<'PYTHON'
import shutil, sys, zipfile
from pathlib import Path

wheel, folder, libraries = Path(sys.argv[1]), Path(sys.argv[2]), set(sys.argv[3].split(","))
with zipfile.ZipFile(wheel) as archive:
    for member in archive.namelist():
        parts = member.rstrip("/").split("/")
        if parts[-2:-1] == ["lib"] and parts[-1] in libraries:
            target = folder / "lib" / parts[-1]
            libraries.discard(parts[-1])
        elif parts[:2] == ["torch", "include"] and ".." not in parts:
            target = folder.joinpath(*parts[1:])
        elif parts[0].endswith((".dist-info", "nvidia")) and parts[-1].lower().startswith(("license", "notice")):
            target = folder / "licenses" / "-".join(wheel.name.split("-")[:2]) / parts[-1]
        else:
            continue
        if member.endswith("/"):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
if libraries:
    sys.exit(f"libtorch: {wheel.name} lacks {', '.join(sorted(libraries))}")
PYTHON
}

# One binary serves CPU and CUDA. burn-tch and torch-sys look for libtorch_cuda.so when they are compiled: where it is
# absent, CUDA is compiled out; where it is present, the binary needs it to start. So the CPU folder holds a stand-in of
# 15 KB with the two symbols that burn-tch refers to, only to keep the linker from dropping the library. With it
# libtorch sees no CUDA device, since no CUDA code registers itself; run against the `cuda` folder, the same binary
# finds the real library under the same name.
build_cuda_stub() {
    g++ -shared -fPIC -O2 -Wl,-soname,libtorch_cuda.so -x c++ - -o "$1/libtorch_cuda.so" <<'CPP' ||
namespace at { namespace cuda {
void *getCurrentCUDABlasHandle() { return nullptr; }
int warp_size() { return 32; }
}}
CPP
        fail "g++ cannot build the stand-in for libtorch_cuda.so: see its message above"
}

main "$@"
