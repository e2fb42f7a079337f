"""The limits of a CreateTrainingJob request, checked before anything is sent.

Neither botocore nor the usual mocks check patterns, maxima or what excludes what; the platform does, after the
wait for an instance. Values are those of the API model, and its prose where that is stricter. Needs nothing but the
standard library.
"""

import re

# Instance families with local NVMe storage, whose size is fixed and whose encryption key is the platform's.
NVME_FAMILIES = {
    "g4dn", "g5", "g6", "g6e", "g7", "g7e", "gr6", "p3dn", "p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300",
    "p6e-gb200", "c5d", "m5d", "r5d", "trn1", "trn1n", "trn2",
}

MAX_RUNTIME = 28 * 24 * 3600
DEFAULT_RUNTIME = 24 * 3600
PROFILING_INTERVALS = (100, 200, 500, 1000, 5000, 60000)

NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@/-]+")
INSTANCE_TYPE = re.compile(r"ml\.[a-z0-9-]+\.[a-z0-9]+")
# The platform makes a folder of it.
CHANNEL = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9.\-_]{1,64}")
VARIABLE = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,511}")
TAG = re.compile(r"[\w\s.:/=+\-@]*")
# `file` is for the emulator and for local mode; the platform takes `s3` alone.
URI = re.compile(r"(s3|file)://.+")


def has_nvme(instance_type):
    """Whether an instance type has fixed local storage: no volume size, no volume key."""
    parts = instance_type.split(".") if isinstance(instance_type, str) else []
    return len(parts) == 3 and parts[1] in NVME_FAMILIES


def check(request):
    """Every violation in a CreateTrainingJob request, one text each; none means that it may be sent."""
    return _checked(request).problems


def well_formed(request):
    """Whether every part of a request is an object or a list where it must be one, so that it can be read."""
    return not _checked(request).malformed


def _checked(request):
    checker = _Checker(request)
    for part in (
        checker.identity, checker.algorithm, checker.hyperparameters, checker.environment, checker.channels,
        checker.output, checker.resources, checker.stopping, checker.checkpoints, checker.tags, checker.network,
        checker.others,
    ):
        part()
    return checker


class _Checker:
    """The request and what was found wrong with it so far."""

    def __init__(self, request):
        self.problems = []
        self.malformed = not isinstance(request, dict)
        self.request = {} if self.malformed else request
        if self.malformed:
            self.wrong("the request", type(request).__name__, "a JSON object")

    def wrong(self, place, value, expected):
        shown = text if len(text := _text(value)) <= 80 else text[:79] + "…"
        problem = f"`{place}` is `{shown}`: expected {expected}"
        # A part that several rules look at is named once.
        if problem not in self.problems:
            self.problems.append(problem)

    def section(self, name, inside=None, of=dict):
        """A part of the request; one of another type is a problem and counts as empty."""
        value = (self.request if inside is None else inside).get(name, of())
        if not isinstance(value, of):
            self.malformed = True
            self.wrong(name, value, "an object" if of is dict else "a list")
            return of()
        return value

    def objects(self, place, items):
        for index, item in enumerate(items):
            if isinstance(item, dict):
                yield f"{place}[{index}]", item
            else:
                self.malformed = True
                self.wrong(f"{place}[{index}]", item, "an object")

    def text(self, place, value, longest, shortest=1):
        if not isinstance(value, str) or not shortest <= len(value) <= longest:
            shown = f"{value[:40]}… ({len(value)} characters)" if isinstance(value, str) and len(value) > 80 else value
            self.wrong(place, shown, f"a text of {shortest} to {longest} characters")
            return False
        return True

    def matches(self, place, value, pattern, expected):
        if not isinstance(value, str) or not pattern.fullmatch(value):
            self.wrong(place, value, expected)

    def number(self, place, value, least, most):
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.wrong(place, value, f"an integer from {least} to {most}")
            return False
        return True

    def count(self, place, items, least, most):
        if not least <= len(items) <= most:
            self.wrong(place, f"{len(items)} entries", f"{least} to {most}")

    def uri(self, place, value):
        if self.text(place, value, 1024):
            self.matches(place, value, URI, "s3://bucket/prefix")

    # The parts of the request.

    def identity(self):
        self.matches(
            "TrainingJobName", self.request.get("TrainingJobName"), NAME,
            "1 to 63 letters, digits and hyphens between them",
        )
        self.matches("RoleArn", self.request.get("RoleArn"), ROLE, "arn:aws:iam::ACCOUNT:role/NAME")

    def algorithm(self):
        algorithm = self.section("AlgorithmSpecification")
        place = "AlgorithmSpecification"
        if ("TrainingImage" in algorithm) == ("AlgorithmName" in algorithm):
            self.wrong(place, sorted(algorithm), "exactly one of TrainingImage and AlgorithmName")
        if "TrainingImage" in algorithm and self.text(f"{place}.TrainingImage", algorithm["TrainingImage"], 255):
            self.matches(f"{place}.TrainingImage", algorithm["TrainingImage"], re.compile(r"\S+"), "no spaces")
        mode = algorithm.get("TrainingInputMode")
        if mode not in ("File", "FastFile", "Pipe"):
            self.wrong(f"{place}.TrainingInputMode", mode, "File or FastFile")
        for name in ("ContainerEntrypoint", "ContainerArguments"):
            if name in algorithm:
                items = self.section(name, algorithm, list)
                self.count(f"{place}.{name}", items, 1, 100)
                for index, item in enumerate(items):
                    self.text(f"{place}.{name}[{index}]", item, 256, 0 if name == "ContainerEntrypoint" else 1)
        metrics = self.section("MetricDefinitions", algorithm, list)
        self.count(f"{place}.MetricDefinitions", metrics, 0, 40)
        for where, metric in self.objects("MetricDefinitions", metrics):
            self.text(f"{where}.Name", metric.get("Name"), 255)
            if self.text(f"{where}.Regex", metric.get("Regex"), 500):
                try:
                    groups = re.compile(metric["Regex"]).groups
                except (re.error, OverflowError, RecursionError) as error:
                    self.wrong(f"{where}.Regex", metric["Regex"], f"a regular expression ({error})")
                else:
                    if groups != 1:
                        self.wrong(f"{where}.Regex", metric["Regex"], "one group, which captures the number")

    def hyperparameters(self):
        values = self.section("HyperParameters")
        self.count("HyperParameters", values, 0, 100)
        for key, value in values.items():
            self.text("HyperParameters", key, 256)
            self.text(f"HyperParameters.{key}", value, 256, 0)

    def environment(self):
        values = self.section("Environment")
        self.count("Environment", values, 0, 100)
        for key, value in values.items():
            self.matches("Environment", key, VARIABLE, "a name of letters, digits and underscores, up to 512")
            self.text(f"Environment.{key}", value, 512, 0)

    def channels(self):
        channels = self.section("InputDataConfig", of=list)
        if "InputDataConfig" in self.request:
            self.count("InputDataConfig", channels, 1, 20)
        seen = []
        for where, channel in self.objects("InputDataConfig", channels):
            name = channel.get("ChannelName")
            self.matches(f"{where}.ChannelName", name, CHANNEL, "1 to 64 letters, digits, dots, hyphens, underscores")
            if name in seen:
                self.wrong(f"{where}.ChannelName", name, "a name that no other channel has")
            seen.append(name)
            source = self.section("DataSource", channel)
            if sum(key in source for key in ("S3DataSource", "FileSystemDataSource")) != 1:
                self.wrong(f"{where}.DataSource", sorted(source), "one of S3DataSource and FileSystemDataSource")
            elif "S3DataSource" in source:
                self.s3_source(where, channel, self.section("S3DataSource", source))

    def s3_source(self, where, channel, source):
        uri, kind = source.get("S3Uri"), source.get("S3DataType")
        self.uri(f"{where}.S3Uri", uri)
        if kind not in ("S3Prefix", "ManifestFile", "AugmentedManifestFile"):
            self.wrong(f"{where}.S3DataType", kind, "S3Prefix, ManifestFile or AugmentedManifestFile")
        mode = channel.get("InputMode", self.section("AlgorithmSpecification").get("TrainingInputMode"))
        if mode not in ("File", "FastFile", "Pipe"):
            self.wrong(f"{where}.InputMode", mode, "File or FastFile")
        if mode == "FastFile" and (kind != "S3Prefix" or not _text(uri).endswith("/")):
            self.wrong(f"{where}.S3Uri", uri, "an S3Prefix that ends in `/`, which FastFile needs")

    def output(self):
        output = self.section("OutputDataConfig")
        self.uri("OutputDataConfig.S3OutputPath", output.get("S3OutputPath"))
        if output.get("KmsKeyId"):
            self.text("OutputDataConfig.KmsKeyId", output["KmsKeyId"], 2048)

    def resources(self):
        resources = self.section("ResourceConfig")
        groups = self.section("InstanceGroups", resources, list)
        self.count("ResourceConfig.InstanceGroups", groups, 0, 5)
        single = "InstanceType" in resources or "InstanceCount" in resources
        if single == bool(groups):
            self.wrong("ResourceConfig", sorted(resources), "either InstanceType with InstanceCount or InstanceGroups")
        if single:
            kind = resources.get("InstanceType")
            self.matches("ResourceConfig.InstanceType", kind, INSTANCE_TYPE, "a type like ml.g4dn.xlarge")
            self.number("ResourceConfig.InstanceCount", resources.get("InstanceCount"), 1, 1_000_000)
        members = self.objects("ResourceConfig.InstanceGroups", groups)
        kinds = [resources.get("InstanceType")] + [group.get("InstanceType") for _, group in members]
        if resources.get("VolumeKmsKeyId"):
            self.text("ResourceConfig.VolumeKmsKeyId", resources["VolumeKmsKeyId"], 2048)
            if any(map(has_nvme, kinds)):
                self.wrong(
                    "ResourceConfig.VolumeKmsKeyId", resources["VolumeKmsKeyId"],
                    f"none: the local NVMe storage of {kinds[0]} takes no key",
                )
        if resources.get("VolumeSizeInGB") is not None:
            self.number("ResourceConfig.VolumeSizeInGB", resources["VolumeSizeInGB"], 1, 16384)
        if "KeepAlivePeriodInSeconds" in resources:
            self.number(
                "ResourceConfig.KeepAlivePeriodInSeconds", resources["KeepAlivePeriodInSeconds"], 0, 21600
            )
            if self.request.get("EnableManagedSpotTraining"):
                self.wrong("ResourceConfig.KeepAlivePeriodInSeconds", resources["KeepAlivePeriodInSeconds"],
                           "none with managed spot training")

    def stopping(self):
        stopping = self.section("StoppingCondition")
        run = stopping.get("MaxRuntimeInSeconds", DEFAULT_RUNTIME)
        run_fits = self.number("StoppingCondition.MaxRuntimeInSeconds", run, 1, MAX_RUNTIME)
        wait, spot = stopping.get("MaxWaitTimeInSeconds"), self.request.get("EnableManagedSpotTraining")
        if spot and wait is None:
            self.wrong("StoppingCondition.MaxWaitTimeInSeconds", wait, "more than MaxRuntimeInSeconds, with spot")
        if wait is not None:
            if not spot:
                self.wrong("StoppingCondition.MaxWaitTimeInSeconds", wait, "none without EnableManagedSpotTraining")
            wait_fits = self.number("StoppingCondition.MaxWaitTimeInSeconds", wait, 1, 2**31 - 1)
            # The API says at least, the guide more: more satisfies both.
            if wait_fits and run_fits and wait <= run:
                self.wrong("StoppingCondition.MaxWaitTimeInSeconds", wait, f"more than MaxRuntimeInSeconds, {run}")
        if "MaxPendingTimeInSeconds" in stopping:
            self.number(
                "StoppingCondition.MaxPendingTimeInSeconds", stopping["MaxPendingTimeInSeconds"], 7200, 2419200
            )

    def checkpoints(self):
        config = self.section("CheckpointConfig")
        if self.request.get("EnableManagedSpotTraining") and not config:
            self.wrong("CheckpointConfig", None, "one with managed spot training: an interrupted job would start over")
        if not config:
            return
        uri = config.get("S3Uri")
        self.uri("CheckpointConfig.S3Uri", uri)
        if not _text(uri).endswith("/"):
            self.wrong("CheckpointConfig.S3Uri", uri, "a final `/`: `…/run-1` also brings down `…/run-10`")
        output = _text(self.section("OutputDataConfig").get("S3OutputPath"))
        if _text(uri).rstrip("/") == output.rstrip("/"):
            self.wrong("CheckpointConfig.S3Uri", uri, "another place than OutputDataConfig.S3OutputPath")
        if "LocalPath" in config:
            self.text("CheckpointConfig.LocalPath", config["LocalPath"], 4096)

    def tags(self):
        tags = self.section("Tags", of=list)
        self.count("Tags", tags, 0, 50)
        for where, tag in self.objects("Tags", tags):
            for name, longest, shortest in (("Key", 128, 1), ("Value", 256, 0)):
                if self.text(f"{where}.{name}", tag.get(name), longest, shortest):
                    self.matches(f"{where}.{name}", tag[name], TAG, "letters, digits, spaces and _.:/=+-@")

    def network(self):
        if "VpcConfig" in self.request:
            vpc = self.section("VpcConfig")
            self.count("VpcConfig.SecurityGroupIds", self.section("SecurityGroupIds", vpc, list), 1, 5)
            self.count("VpcConfig.Subnets", self.section("Subnets", vpc, list), 1, 16)

    def others(self):
        for name in ("EnableManagedSpotTraining", "EnableNetworkIsolation"):
            if not isinstance(self.request.get(name, False), bool):
                self.wrong(name, self.request[name], "true or false")
        retry = self.section("RetryStrategy")
        if "RetryStrategy" in self.request:
            self.number("RetryStrategy.MaximumRetryAttempts", retry.get("MaximumRetryAttempts"), 1, 30)
        profiler = self.section("ProfilerConfig")
        interval = profiler.get("ProfilingIntervalInMilliseconds")
        if interval is not None and interval not in PROFILING_INTERVALS:
            self.wrong("ProfilerConfig.ProfilingIntervalInMilliseconds", interval, f"one of {PROFILING_INTERVALS}")


def _text(value):
    """A value of any type as text; Python writes no number of thousands of digits."""
    try:
        return str(value)
    except ValueError:
        return "a number of thousands of digits"
