"""A CreateTrainingJob request with `file://` addresses, read into what the emulator needs."""

import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import limits

OPT_ML = PurePosixPath("/opt/ml")
#: StoppingCondition.MaxRuntimeInSeconds where the request has none: one day.
DEFAULT_MAX_RUNTIME = 86_400


class RequestError(ValueError):
    """A request that the platform would refuse, or that cannot be emulated; `problems` names each reason."""

    def __init__(self, problems: list[str]):
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Channel:
    """An input channel: a file, or a folder that stands for a key prefix."""

    name: str
    source: Path
    mode: str
    content_type: str | None = None
    distribution: str = "FullyReplicated"


@dataclass(frozen=True)
class Checkpoints:
    """Where checkpoints lie: below /opt/ml in the container, and in the folder that stands for the S3 prefix."""

    local: PurePosixPath
    remote: Path
    uri: str


@dataclass(frozen=True)
class Request:
    """The parts of a request that change what happens."""

    name: str
    channels: list[Channel]
    output: Path
    hyperparameters: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    metrics: list[dict[str, str]] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    checkpoints: Checkpoints | None = None
    instance_type: str = "ml.m5.large"
    max_runtime: float = DEFAULT_MAX_RUNTIME
    spot: bool = False
    isolated: bool = False
    #: The request itself, for the description.
    given: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, request: Any) -> "Request":
        """Reads a request. Raises `RequestError` with everything that is wrong with it."""
        problems = list(limits.check(request))
        if not limits.well_formed(request):
            raise RequestError(problems)
        path = _Paths(problems)
        algorithm = request.get("AlgorithmSpecification", {})
        default_mode = algorithm.get("TrainingInputMode", "File")
        channels = [path.channel(channel, default_mode) for channel in request.get("InputDataConfig", [])]
        output = path.of(request.get("OutputDataConfig", {}).get("S3OutputPath"), "OutputDataConfig.S3OutputPath")
        checkpoints = path.checkpoints(request["CheckpointConfig"]) if "CheckpointConfig" in request else None
        texts = [*request.get("Environment", {}).values(), *algorithm.get("ContainerArguments", [])]
        if any("\0" in text for text in [*texts, *algorithm.get("ContainerEntrypoint", [])] if isinstance(text, str)):
            problems.append("there is a NUL character in the environment or the arguments: no process can be given it")
        if request.get("ResourceConfig", {}).get("InstanceCount", 1) != 1:
            problems.append("`ResourceConfig.InstanceCount` is not 1: one instance is emulated, set it to 1")
        if problems:
            raise RequestError(problems)
        stopping = request.get("StoppingCondition", {})
        return cls(
            name=request["TrainingJobName"],
            channels=channels,
            output=output,
            hyperparameters=request.get("HyperParameters", {}),
            environment=request.get("Environment", {}),
            metrics=algorithm.get("MetricDefinitions", []),
            entrypoint=algorithm.get("ContainerEntrypoint", []),
            arguments=algorithm.get("ContainerArguments", []),
            checkpoints=checkpoints,
            instance_type=request.get("ResourceConfig", {}).get("InstanceType", "ml.m5.large"),
            max_runtime=stopping.get("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME),
            spot=request.get("EnableManagedSpotTraining", False),
            isolated=request.get("EnableNetworkIsolation", False),
            given=request,
        )


class _Paths:
    """Turns addresses into paths, and collects what is wrong with them beyond the platform's limits."""

    def __init__(self, problems: list[str]):
        self.problems = problems

    def of(self, uri: Any, what: str) -> Path:
        if not isinstance(uri, str) or not uri.startswith("file:///"):
            self.problems.append(f"`{what}` is `{uri}`: write a folder of this machine as file:///path")
            return Path("/")
        return Path(unquote(uri.removeprefix("file://")))

    def channel(self, channel: dict[str, Any], default_mode: str) -> Channel:
        name, mode = channel.get("ChannelName", ""), channel.get("InputMode", default_mode)
        source = channel.get("DataSource", {}).get("S3DataSource", {})
        path = self.of(source.get("S3Uri"), f"S3Uri of channel {name}")
        if mode not in ("File", "FastFile"):
            self.problems.append(f"channel `{name}` has input mode `{mode}`: only File and FastFile are emulated")
        if source.get("S3DataType", "S3Prefix") != "S3Prefix":
            self.problems.append(f"channel `{name}` has another S3DataType than S3Prefix: only that is emulated")
        # Unlike `Path.exists` it also takes names that no file can have.
        if not os.path.exists(path):
            self.problems.append(f"channel `{name}`: there is nothing at `{path}`, check the path")
        return Channel(
            name, path, mode, channel.get("ContentType"), source.get("S3DataDistributionType", "FullyReplicated")
        )

    def checkpoints(self, config: dict[str, Any]) -> Checkpoints:
        uri = config.get("S3Uri")
        remote = self.of(uri, "CheckpointConfig.S3Uri")
        local = PurePosixPath(str(config.get("LocalPath", "/opt/ml/checkpoints")))
        if not local.is_relative_to(OPT_ML) or ".." in local.parts:
            self.problems.append(f"`CheckpointConfig.LocalPath` is `{local}`: only paths below /opt/ml are emulated")
            local = OPT_ML / "checkpoints"
        return Checkpoints(local.relative_to(OPT_ML), remote, str(uri))
