"""The disk of an instance: /opt/ml as the platform lays it out, or as the SDK's local mode does."""

import enum
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .request import Channel, Request

HOST = "algo-1"


class Shape(enum.Enum):
    """Which files the job finds: all those of the platform, or the few of local mode."""

    FULL = "full"
    SPARSE = "sparse"


@dataclass(frozen=True)
class Mount:
    """A FastFile channel: `source`, read-only at `target` below /opt/ml."""

    source: Path
    target: str


def prepare(root: Path, request: Request, shape: Shape) -> list[Mount]:
    """Lays out a fresh `root`; gives what has to be mounted into it."""
    for folder in ("input/config", "input/data", "model", "output/data"):
        (root / folder).mkdir(parents=True)
    if request.checkpoints and shape is Shape.FULL:
        (root / request.checkpoints.local).mkdir(parents=True, exist_ok=True)
    for name, content in _configuration(request, shape).items():
        (root / "input/config" / f"{name}.json").write_text(json.dumps(content))
    return [mount for channel in request.channels if (mount := _channel(root, channel, shape))]


def _channel(root: Path, channel: Channel, shape: Shape) -> Mount | None:
    """Copies a channel, or says how to mount it."""
    target = root / "input/data" / channel.name
    if channel.mode == "FastFile":
        target.mkdir()
        folder = channel.source if channel.source.is_dir() else channel.source.parent
        return Mount(folder, f"input/data/{channel.name}")
    if channel.source.is_dir():
        shutil.copytree(channel.source, target)
    else:
        target.mkdir()
        shutil.copy(channel.source, target)
    if shape is Shape.FULL:
        # A sibling that is no channel; seen in real jobs.
        names = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
        (target.parent / f"{channel.name}-manifest").write_text(json.dumps(names))
    return None


def _configuration(request: Request, shape: Shape) -> dict[str, Any]:
    """The files of input/config by name, without `.json`."""
    if shape is Shape.SPARSE:
        return {
            "hyperparameters": request.hyperparameters,
            "inputdataconfig": {channel.name: {"TrainingInputMode": "File"} for channel in request.channels},
            "resourceconfig": {"current_host": HOST, "hosts": [HOST], "network_interface_name": "ethwe"},
        }
    group, kind = "homogeneousCluster", request.instance_type
    files: dict[str, Any] = {
        "hyperparameters": request.hyperparameters,
        "inputdataconfig": {channel.name: _input_data(channel) for channel in request.channels},
        "resourceconfig": {
            "current_host": HOST,
            "current_instance_type": kind,
            "current_group_name": group,
            "hosts": [HOST],
            "instance_groups": [{"instance_group_name": group, "instance_type": kind, "hosts": [HOST]}],
            "network_interface_name": "eth0",
            "topology": None,
        },
        # Seen in real jobs and documented nowhere: a job must neither need nor refuse them.
        "init-config": {"training_job_name": request.name},
        "trainingjobconfig": {"TrainingJobName": request.name},
        "metric-definition-regex": request.metrics,
        "upstreamoutputdataconfig": [],
        "debughookconfig": {},
        "profilerconfig": {"DisableProfiler": True},
    }
    if request.checkpoints:
        local = f"/opt/ml/{request.checkpoints.local}"
        files["checkpointconfig"] = {"LocalPath": local, "S3Uri": request.checkpoints.uri}
    return files


def _input_data(channel: Channel) -> dict[str, str]:
    entry = {
        "TrainingInputMode": channel.mode,
        "S3DistributionType": channel.distribution,
        "RecordWrapperType": "None",
    }
    if channel.content_type:
        entry["ContentType"] = channel.content_type
    return entry
