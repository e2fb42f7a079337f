#!/usr/bin/env python3
"""Starts Dyad as a SageMaker training job, with version 2 or 3 of the SageMaker Python SDK.

    python sagemaker/launch.py --image IMAGE --role ROLE --output s3://BUCKET/dyad/models/ \\
        --checkpoints s3://BUCKET/dyad/checkpoints/ \\
        --channel interactions=s3://BUCKET/hint/ --channel sequences=s3://BUCKET/uniprot/ \\
        --channel encoder=s3://BUCKET/esm2_t33_650M_UR50D/ -H epochs=20

Spot instances by default. Everything that can be known without a call is checked first, and all problems are reported
at once: hyperparameters as the program checks them, channels, and the platform's limits. `--print-request` prints the
CreateTrainingJob request and calls nobody; `--instance-type local` runs the image here, with file:// places.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import sys

import hyperparameters
import job
import sdk

LOCAL_ROLE = "arn:aws:iam::000000000000:role/local"


def main(arguments=None):
    """Exit code 0, 1 for a job or call that failed, 2 for what is wrong with the options."""
    options = parser().parse_args(arguments)
    try:
        known = hyperparameters.schema()
        complete(options)
        request, problems, notes = job.build(options, known)
    except (OSError, ValueError) as error:
        return fail([str(error)], 2)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    if problems:
        return fail(problems, 2)
    if options.print_request:
        print(json.dumps(request, indent=2))
        return 0
    try:
        name, model = sdk.launch(request, options)
    except sdk.LaunchError as error:
        return fail([str(error)], 2)
    except KeyboardInterrupt:
        return fail(["interrupted; a job that was started goes on: stop it with StopTrainingJob"], 1)
    except Exception as error:  # noqa: BLE001 - whatever the SDK throws, the user needs its text and no traceback.
        if os.environ.get("DYAD_LOG") == "debug":
            raise
        return fail([f"{type(error).__name__}: {error}"], 1)
    print(f"job: {name}" + (f"\nmodel: {model}" if model else ""))
    return 0


def fail(problems, code):
    for problem in problems:
        print(f"launch: {problem}", file=sys.stderr)
    return code


def parser():
    result = argparse.ArgumentParser(
        prog="launch.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = result.add_argument
    add("--image", required=True, help="the image, in the registry or (local mode) in the Docker engine")
    add("--role", help="the execution role's ARN; none in local mode")
    add("--output", required=True, metavar="URI", help="where models go")
    add("--channel", action="append", default=[], type=pair, metavar="NAME=URI", help="input; again for each channel")
    add("-H", "--hyperparameter", action="append", default=[], type=pair, metavar="NAME=VALUE")
    add("--hyperparameters", type=pathlib.Path, metavar="FILE", help="JSON object of hyperparameters; -H wins")
    add("--storage-uri", metavar="URI", help="place in S3 that shares embeddings (the hyperparameter storage_uri)")
    add("--checkpoints", metavar="URI", help="where checkpoints are kept, the same for all jobs of a run")
    add("--command", default="train", choices=[*job.TRAINING, *job.COMMANDS])
    add("--program", default=job.PROGRAM, metavar="PATH", help="the program in the image, for other commands than train")
    compute = result.add_argument_group("machine")
    add = compute.add_argument
    add("--instance-type", default="ml.g4dn.xlarge", help="or `local`, `local_gpu` [ml.g4dn.xlarge]")
    add("--on-demand", dest="spot", action="store_false", help="no spot instance")
    add("--max-run", type=seconds, default=6 * 3600, metavar="TIME", help="such as 90m or 6h [6h]")
    add("--max-wait", type=seconds, metavar="TIME", help="running and waiting for spot capacity [twice --max-run]")
    add("--volume-size", type=int, metavar="GB", help="not for types with NVMe storage [30]")
    add("--input-mode", default="File", choices=["File", "FastFile"])
    security = result.add_argument_group("encryption and network")
    add = security.add_argument
    add("--output-kms-key", metavar="KEY", help="encrypts the model")
    add("--volume-kms-key", metavar="KEY", help="encrypts the volume; not for types with NVMe storage")
    add("--storage-kms-key", metavar="KEY", help="encrypts what goes to --storage-uri (sse_kms_key_id)")
    add("--subnet", dest="subnets", action="append", default=[])
    add("--security-group", dest="security_groups", action="append", default=[])
    add("--network-isolation", action="store_true", help="no network and no credentials in the container")
    other = result.add_argument_group("the rest")
    add = other.add_argument
    add("--env", action="append", default=[], type=pair, metavar="NAME=VALUE", help="environment of the container")
    add("--tag", action="append", default=[], type=pair, metavar="KEY=VALUE")
    add("--job-name", help="SDK version 3 takes it for the beginning of the name")
    add("--base-job-name", default="dyad")
    add("--region")
    add("--sdk", default="auto", choices=["auto", "2", "3"])
    add("--no-wait", dest="wait", action="store_false", help="start the job and go; else its log is followed")
    add("--print-request", "--dry-run", action="store_true", help="print the request as JSON and call nobody")
    return result


def complete(options):
    """Puts together what several options say."""
    values = {}
    if options.hyperparameters:
        text = options.hyperparameters.read_text(encoding="utf-8")
        try:
            values = json.loads(text)
        except ValueError as error:
            raise ValueError(f"`{options.hyperparameters}` is not valid JSON: {error}") from None
        if not isinstance(values, dict):
            raise ValueError(f"`{options.hyperparameters}` is no JSON object: write {{\"epochs\": 20}}")
    values |= unique("-H", options.hyperparameter)
    shorthands = {"storage_uri": options.storage_uri, "sse_kms_key_id": options.storage_kms_key}
    for name, value in shorthands.items():
        if value is not None and values.setdefault(name, value) != value:
            raise ValueError(f"`{name}` is given twice, as `{values[name]}` and `{value}`: leave one out")
    options.hyperparameters = {name: hyperparameters.encode(value) for name, value in values.items()}
    options.channels = unique("--channel", options.channel)
    options.environment = unique("--env", options.env)
    options.tags = unique("--tag", options.tag)
    if options.role is None and options.instance_type in job.LOCAL_TYPES:
        options.role = LOCAL_ROLE


def unique(option, pairs):
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"`{option} {name}` is given twice: leave one out")
    return dict(pairs)


def pair(text):
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"`{text}` is not of the form NAME=VALUE")
    return name, value


def seconds(text):
    found = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"`{text}` is no time: write 3600, 90m, 6h or 1d")
    return int(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]


if __name__ == "__main__":
    # A reader that has read enough, such as `head`, is no failure.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
