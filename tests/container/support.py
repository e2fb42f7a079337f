"""What the tests of images share: the engine, input, requests, and the content of archives."""

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "sagemaker"))

import emulator  # noqa: E402  (found in the folder that was just named)

IMAGE = os.environ.get("IMAGE", "dyad:cpu")
ENCODER = PROJECT / "models/esm2_t6_tiny"

#: A job of seconds.
SMALL = {"max_proteins": "200", "max_residues": "100", "epochs": "2", "hidden_sizes": "[64, 32]"}
#: A job that trains long enough to be met while it does, and saves every second.
SLOW = {
    "max_proteins": "300", "epochs": "8", "batch_size": "2", "hidden_sizes": "[1024, 512]",
    "checkpoint_seconds": "1", "token_budget": "1024", "seal_seconds": "0",
}


def needs_image(test: type) -> type:
    """Skips tests with a printed reason where no image can run; with REQUIRE_ENGINE=1 that is a failure."""
    reason = _no_image()
    if reason is None:
        return test
    if os.environ.get("REQUIRE_ENGINE") == "1":
        raise RuntimeError(f"{reason}, and REQUIRE_ENGINE=1 says that there must be one")
    print(f"skipped: {test.__name__}: {reason}", file=sys.stderr)
    return unittest.skip(reason)(test)


@functools.cache
def _no_image() -> str | None:
    if shutil.which("docker") is None or subprocess.run(["docker", "info"], capture_output=True).returncode:
        return "no Docker engine answers"
    if subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True).returncode:
        return f"there is no image `{IMAGE}`: run `make image`"
    return None


def temporary_folder() -> Path:
    """A folder that is removed when the tests end."""
    folder = Path(tempfile.mkdtemp(prefix="dyad-container-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def sample() -> Path:
    """The sample data, as the image makes it: a folder with `interactions.txt` and `proteins.fasta`."""
    folder = temporary_folder()
    docker("run", "--rm", "--volume", f"{folder}:/data", IMAGE, "sample", "--out", "/data/sample")
    return folder / "sample"


def docker(*arguments: str) -> str:
    """The output of a docker command that must succeed."""
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout


def request(name: str, interactions: Path, sequences: Path, settings: dict[str, str], **more: Any) -> dict[str, Any]:
    """A request for a job with the small encoder; `more` adds or replaces fields."""
    folder = temporary_folder()
    sources = {"interactions": interactions, "sequences": sequences, "encoder": ENCODER}
    return {
        "TrainingJobName": name,
        "RoleArn": "arn:aws:iam::111111111111:role/emulated",
        "AlgorithmSpecification": {
            "TrainingImage": "111111111111.dkr.ecr.us-east-1.amazonaws.com/dyad:0.1.0",
            "TrainingInputMode": "File",
            "MetricDefinitions": json.loads((PROJECT / "sagemaker/metrics.json").read_text()),
        },
        "HyperParameters": settings,
        "InputDataConfig": [channel(name, source) for name, source in sources.items()],
        "OutputDataConfig": {"S3OutputPath": f"{folder.as_uri()}/models/"},
        "CheckpointConfig": {"S3Uri": f"{folder.as_uri()}/checkpoints/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 1200},
        "EnableManagedSpotTraining": True,
        **more,
    }


def channel(name: str, source: Path, mode: str = "File") -> dict[str, Any]:
    """An input channel."""
    uri = source.as_uri() + ("/" if source.is_dir() else "")
    return {
        "ChannelName": name,
        "InputMode": mode,
        "DataSource": {"S3DataSource": {
            "S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated",
        }},
    }


def sample_request(name: str, settings: dict[str, str], **more: Any) -> dict[str, Any]:
    """A request for a job on the sample."""
    return request(name, sample() / "interactions.txt", sample() / "proteins.fasta", settings, **more)


def run(wanted: dict[str, Any], read_only: bool = False, options: emulator.Options | None = None) -> emulator.Outcome:
    """Runs a job in the image."""
    return emulator.run(emulator.Image(IMAGE, read_only), wanted, options)


def archived(archive: Path | None) -> dict[str, bytes]:
    """The files of an archive by name."""
    assert archive is not None, "there is no archive"
    with tarfile.open(archive) as members:
        files: Callable[[tarfile.TarInfo], Any] = members.extractfile
        return {member.name: files(member).read() for member in members if member.isfile()}
