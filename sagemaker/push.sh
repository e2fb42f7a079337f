#!/usr/bin/env bash
# Pushes the image to your private registry (ECR), under a tag that names version and revision and is never moved.
#
#   sagemaker/push.sh REPOSITORY [IMAGE]       (default image: dyad:cpu)
#
# Region and account are those of the AWS command line (AWS_PROFILE, AWS_REGION). A repository that is not there is created
# with immutable tags. A clone with uncommitted changes, or an image that was built from another revision, is refused:
# nobody could tell later what was pushed. Prints the image's URI, for launch.py --image, on standard output. What it
# needs to be allowed is iam/push.json.
set -euo pipefail

main() {
    [[ $# == 1 || $# == 2 ]] || usage
    local repository=$1 image=${2:-dyad:cpu} account region registry tag uri
    cd "$(dirname "${BASH_SOURCE[0]}")/.."
    for tool in aws docker git; do
        command -v "$tool" >/dev/null || fail "missing: $tool"
    done
    docker image inspect "$image" >/dev/null 2>&1 || fail "no image \`$image\`: run \`make image\`"
    tag=$(tag "$image")
    region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}
    [[ -n $region ]] || fail "no region: set AWS_REGION, or run \`aws configure\`"
    account=$(aws sts get-caller-identity --query Account --output text) ||
        fail "no usable credentials: set AWS_PROFILE, or run \`aws configure\`"
    registry=$account.dkr.ecr.$region.amazonaws.com
    uri=$registry/$repository:$tag

    create "$repository" "$region"
    if exists "$repository" "$tag" "$region"; then
        fail "\`$uri\` is there already and is never replaced: commit your change, or use what is there"
    fi
    aws ecr get-login-password --region "$region" | docker login --username AWS --password-stdin "$registry" >&2
    docker tag "$image" "$uri"
    docker push "$uri" >&2
    echo "$uri"
}

usage() {
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
    exit 2
}

fail() {
    echo "push: $1" >&2
    exit 1
}

# VERSION-REVISION, with the image's own tag behind it: the CPU and the GPU image of one revision are two.
tag() {
    # A colon before the last `/` is that of a registry's port.
    local version revision built name=${1##*/} flavour=image
    if [[ $name == *:* ]]; then flavour=${name##*:}; fi
    [[ -z $(git status --porcelain) ]] || fail "the clone has uncommitted changes: commit them first"
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
    revision=$(git rev-parse HEAD)
    built=$(docker image inspect --format '{{index .Config.Labels "org.opencontainers.image.revision"}}' "$1")
    [[ $built == "$revision" ]] ||
        fail "\`$1\` was built from \`${built:-unknown}\` and the clone is at \`$revision\`: build it again with \`make image\`"
    echo "$version-${revision:0:12}-$flavour"
}

create() {
    if there ecr describe-repositories --repository-names "$1" --region "$2"; then return; fi
    aws ecr create-repository --repository-name "$1" --region "$2" --image-tag-mutability IMMUTABLE \
        --image-scanning-configuration scanOnPush=true >/dev/null
}

exists() {
    there ecr describe-images --repository-name "$1" --image-ids "imageTag=$2" --region "$3"
}

# Whether AWS knows what is asked for; any other answer than yes and no ends the script.
there() {
    local errors
    errors=$(aws "$@" 2>&1 >/dev/null) && return
    [[ $errors == *"(ImageNotFoundException)"* || $errors == *"(RepositoryNotFoundException)"* ]] ||
        fail "\`aws $1 $2\` failed: $errors"
    return 1
}

main "$@"
