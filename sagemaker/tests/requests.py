"""Options and requests that the tests begin with."""

import copy

import hyperparameters
import job
import launch

IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/dyad:0.1.0"
BASIC = [
    "--image", IMAGE, "--role", "arn:aws:iam::000000000000:role/dyad", "--output", "s3://bucket/models/",
    "--region", "us-east-1",
]
CHANNELS = {
    "interactions": "s3://bucket/hint/", "sequences": "s3://bucket/uniprot/", "encoder": "s3://bucket/esm2/",
}
CHECKPOINTS = ["--checkpoints", "s3://bucket/checkpoints/"]
# Every option that shows in the request, on a machine without and with NVMe storage.
FULL = [
    *CHECKPOINTS, "-H", "epochs=20", "-H", "hidden_sizes=[512, 256]", "--storage-uri", "s3://bucket/shared/",
    "--instance-type", "ml.m5.2xlarge", "--volume-size", "50", "--volume-kms-key", "alias/volume",
    "--output-kms-key", "alias/models", "--subnet", "subnet-0", "--security-group", "sg-0", "--env", "DYAD_LOG=debug",
    "--tag", "project=dyad", "--max-run", "2h", "--max-wait", "5h", "--input-mode", "FastFile",
]
GPU = [*CHECKPOINTS, "--instance-type", "ml.g4dn.xlarge", "--volume-size", "50", "--network-isolation"]


def channels(**given):
    return [word for name, uri in (given or CHANNELS).items() for word in ("--channel", f"{name}={uri}")]


def options(*arguments):
    """The options as `launch.py` completes them."""
    parsed = launch.parser().parse_args([*BASIC, *arguments])
    launch.complete(parsed)
    return parsed


def build(*arguments):
    """Request, problems and notes."""
    return job.build(options(*arguments), hyperparameters.schema())


def valid():
    """A request without problems, to be spoiled."""
    request, problems, _ = build(*channels(), *FULL)
    assert not problems, problems
    return copy.deepcopy(request)
