#!/usr/bin/env bash
# S3 servers for tests and for people, without containers, on loopback only.
#
#   tests/s3-servers.sh install [localstack] [ministack] [s3s-fs]     (default: all three)
#   tests/s3-servers.sh installed SERVER
#   tests/s3-servers.sh run SERVER PORT FOLDER
#   tests/s3-servers.sh user PORT POLICY.json
#
# `install` puts them into ${XDG_CACHE_HOME:-~/.cache}/dyad/s3-servers and does nothing for those that are there. pip
# and cargo use their own configuration. `run` prints what to export and becomes the server, which keeps its data
# below FOLDER and answers to the access key `test` with the secret `test`:
#
#   localstack     the strictest on requests; checks neither signatures nor permissions; forgets all when it ends
#   ministack      keeps objects over a kill, loses open multipart uploads; does not check signatures
#   ministack-iam  the same with signatures and IAM policies enforced; `user` makes a user with one policy
#   s3s-fs         checks signatures and the clock; races between conditional writes are not atomic
#
# Needs bash, python3 with venv (tested with 3.11), and for s3s-fs cargo.
set -euo pipefail

readonly S3S_FS=0.14.1
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
HOME_OF_SERVERS=${XDG_CACHE_HOME:-$HOME/.cache}/dyad/s3-servers
readonly HERE HOME_OF_SERVERS

main() {
    case ${1:-} in
        install) shift && install "$@" ;;
        installed) [[ $# == 2 ]] || usage; require "$2" ;;
        run) [[ $# == 4 ]] || usage; require "$2" && run "$2" "$3" "$4" ;;
        user) [[ $# == 3 ]] || usage; require ministack-iam && user "$2" "$3" ;;
        *) usage ;;
    esac
}

usage() {
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
    exit 2
}

fail() {
    echo "s3-servers: $1" >&2
    exit 1
}

# The folder of a server: its modes share one.
place() {
    case $1 in
        localstack | ministack | s3s-fs) echo "$HOME_OF_SERVERS/$1" ;;
        ministack-iam) echo "$HOME_OF_SERVERS/ministack" ;;
        *) fail "unknown server \`$1\`: expected localstack, ministack, ministack-iam or s3s-fs" ;;
    esac
}

# What lies in the folder of a server, completely; another text means another version, which is replaced.
pins() {
    case $1 in
        s3s-fs) echo "s3s-fs $S3S_FS" ;;
        *) cat "$HERE/s3-servers/${1%-iam}.txt" ;;
    esac
}

complete() {
    local stamp
    stamp=$(place "$1")/.dyad-installed
    [[ -f $stamp && $(<"$stamp") == "$(pins "$1")" ]]
}

require() {
    local folder
    folder=$(place "$1")
    complete "$1" || fail "$1 is not installed in \`$folder\`: run \`tests/s3-servers.sh install ${1%-iam}\`"
}

install() {
    local server folder
    if (($# == 0)); then set -- localstack ministack s3s-fs; fi
    mkdir -p "$HOME_OF_SERVERS"
    # One at a time: whoever comes second finds the work done.
    exec 9>"$HOME_OF_SERVERS/.lock"
    flock 9
    for server in "$@"; do
        folder=$(place "$server")
        if complete "$server"; then
            echo "s3-servers: $server is there, in $folder"
            continue
        fi
        echo "s3-servers: installing $server"
        # Virtual environments cannot be moved, so the stamp, which comes last, is what makes an installation.
        rm -rf "$folder"
        case $server in
            s3s-fs) install_crate "$folder" ;;
            *) install_environment "${server%-iam}" "$folder" ;;
        esac
        pins "$server" >"$folder/.dyad-installed"
        echo "s3-servers: $server is ready, in $folder"
    done
}

install_environment() {
    python3 -c 'import venv, ensurepip' 2>/dev/null ||
        fail "missing: python3 with venv (Debian: apt-get install python3-venv)"
    python3 -m venv "$2"
    "$2/bin/python" -m pip install --quiet --requirement "$HERE/s3-servers/$1.txt" </dev/null ||
        fail "cannot install $1 from the Python package index: check the network and pip's settings"
}

install_crate() {
    command -v cargo >/dev/null || fail "missing: cargo"
    # The target folder of whoever calls is for what they build.
    env -u CARGO_TARGET_DIR cargo install --quiet --locked --root "$1" \
        s3s-fs --version "$S3S_FS" --features binary </dev/null ||
        fail "cannot install s3s-fs from the crate registry: see cargo's message above"
}

run() {
    local server=$1 port=$2 folder=$3 home
    home=$(place "$server")
    [[ $port =~ ^[0-9]+$ ]] || fail "\`$port\` is not a port"
    mkdir -p "$folder"
    folder=$(cd "$folder" && pwd)
    echo "s3-servers: $server on loopback, data in $folder; for clients:"
    echo "  export AWS_ENDPOINT_URL=http://127.0.0.1:$port AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test" \
        "AWS_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true"
    case $server in
        localstack)
            # hypercorn, because LocalStack's default server listens on all interfaces whatever it is told.
            exec env XDG_CACHE_HOME="$folder/cache" FILESYSTEM_ROOT="$folder/localstack" SERVICES=s3 \
                STRICT_SERVICE_LOADING=1 GATEWAY_SERVER=hypercorn GATEWAY_LISTEN="127.0.0.1:$port" \
                LOCALSTACK_HOST="127.0.0.1:$port" DISABLE_EVENTS=1 SKIP_SSL_CERT_DOWNLOAD=1 DNS_ADDRESS=0 \
                "$home/bin/python" -m localstack.runtime.main
            ;;
        ministack)
            exec env BIND_HOST=127.0.0.1 GATEWAY_PORT="$port" SERVICES=s3 S3_PERSIST=1 \
                S3_DATA_DIR="$folder" LOG_LEVEL=WARNING "$home/bin/ministack"
            ;;
        ministack-iam)
            exec env BIND_HOST=127.0.0.1 GATEWAY_PORT="$port" SERVICES=s3,iam,sts S3_PERSIST=1 AUTH=true \
                S3_DATA_DIR="$folder" LOG_LEVEL=WARNING "$home/bin/ministack"
            ;;
        s3s-fs)
            exec "$home/bin/s3s-fs" --host 127.0.0.1 --port "$port" --access-key test --secret-key test "$folder"
            ;;
    esac
}

# Makes a user that may do what the policy says, and prints the keys of that user.
user() {
    AWS_ENDPOINT_URL="http://127.0.0.1:$1" AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 \
        "$(place ministack)/bin/python" - "$2" <<'PYTHON'
import os, sys, uuid
import botocore.session

policy = open(sys.argv[1]).read()
iam = botocore.session.Session().create_client(
    "iam", region_name="us-east-1", endpoint_url=os.environ["AWS_ENDPOINT_URL"],
    aws_access_key_id="test", aws_secret_access_key="test")
name = f"user-{uuid.uuid4().hex[:8]}"
iam.create_user(UserName=name)
iam.put_user_policy(UserName=name, PolicyName="only", PolicyDocument=policy)
keys = iam.create_access_key(UserName=name)["AccessKey"]
print(f"export AWS_ACCESS_KEY_ID={keys['AccessKeyId']} AWS_SECRET_ACCESS_KEY={keys['SecretAccessKey']}")
PYTHON
}

main "$@"
