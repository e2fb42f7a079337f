"""A CreateTrainingJob request with `file://` addresses, read into what the emulator needs."""

import json
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlparse

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
    def parse(cls, request: dict[str, Any]) -> "Request":
        """Reads a request. Raises `RequestError` with everything that is wrong with it."""
        problems = _beyond_limits(request)
        path = _Paths(problems)
        algorithm = request.get("AlgorithmSpecification", {})
        default_mode = algorithm.get("TrainingInputMode", "File")
        channels = [path.channel(channel, default_mode) for channel in request.get("InputDataConfig", [])]
        output = path.of(request.get("OutputDataConfig", {}).get("S3OutputPath"), "OutputDataConfig.S3OutputPath")
        checkpoints = path.checkpoints(request["CheckpointConfig"]) if "CheckpointConfig" in request else None
        for key, value in {**request.get("HyperParameters", {}), **request.get("Environment", {})}.items():
            if not isinstance(value, str):
                problems.append(f"`{key}` is {json.dumps(value)}: the API takes only texts, write it as one")
        if not request.get("TrainingJobName"):
            problems.append("`TrainingJobName` is missing: name the job")
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
    """Turns addresses into paths, and collects what is wrong with them."""

    def __init__(self, problems: list[str]):
        self.problems = problems

    def of(self, uri: str | None, what: str) -> Path:
        parts = urlparse(uri or "")
        if parts.scheme != "file" or not parts.path.startswith("/"):
            self.problems.append(f"`{what}` is `{uri}`: write a folder of this machine as file:///path")
        return Path(unquote(parts.path))

    def channel(self, channel: dict[str, Any], default_mode: str) -> Channel:
        name, mode = channel.get("ChannelName", ""), channel.get("InputMode", default_mode)
        source = channel.get("DataSource", {}).get("S3DataSource", {})
        path = self.of(source.get("S3Uri"), f"S3Uri of channel {name}")
        if mode not in ("File", "FastFile"):
            self.problems.append(f"channel `{name}` has input mode `{mode}`: only File and FastFile are emulated")
        if source.get("S3DataType", "S3Prefix") != "S3Prefix":
            self.problems.append(f"channel `{name}` has another S3DataType than S3Prefix: only that is emulated")
        if not path.exists():
            self.problems.append(f"channel `{name}`: there is nothing at `{path}`, check the path")
        return Channel(
            name, path, mode, channel.get("ContentType"), source.get("S3DataDistributionType", "FullyReplicated")
        )

    def checkpoints(self, config: dict[str, str]) -> Checkpoints:
        uri = config.get("S3Uri", "")
        remote = self.of(uri, "CheckpointConfig.S3Uri")
        local = PurePosixPath(config.get("LocalPath", "/opt/ml/checkpoints"))
        if not uri.endswith("/"):
            # Restoring goes by the prefix of keys: `run-1` would also bring down `run-10/`.
            self.problems.append(f"`CheckpointConfig.S3Uri` is `{uri}`: end it in `/`")
        if not local.is_relative_to(OPT_ML) or ".." in local.parts:
            self.problems.append(f"`CheckpointConfig.LocalPath` is `{local}`: only paths below /opt/ml are emulated")
            local = OPT_ML / "checkpoints"
        return Checkpoints(local.relative_to(OPT_ML), remote, uri)


def _beyond_limits(request: dict[str, Any]) -> list[str]:
    """What `limits.check` of the launcher says, where the launcher is there."""
    try:
        import limits
    except ModuleNotFoundError:
        return []
    # It checks what AWS would get.
    return list(limits.check(json.loads(json.dumps(request).replace('"file:///', '"s3://emulated/'))))
