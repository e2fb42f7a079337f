"""A Dyad job as a CreateTrainingJob request, and the rules that are Dyad's and not the platform's."""

import datetime
import random
import re

import hyperparameters
import limits

# Where the platform puts what a job reads and takes what it writes.
DATA, MODEL = "/opt/ml/input/data", "/opt/ml/model"
PROGRAM = "/usr/local/bin/dyad"

# Commands that read the channels and hyperparameters of the schema.
TRAINING = ("train", "validate")
# The others: the channels they need and may have, and their arguments. `model` holds the files of a model directory, not
# the model.tar.gz of a job.
COMMANDS = {
    "embed": (("sequences", "encoder"), (), ["--out", f"{MODEL}/embeddings.safetensors"]),
    "predict": (("model", "pairs"), ("sequences", "encoder"), ["--out", f"{MODEL}/predictions.tsv"]),
    "evaluate": (("model", "pairs"), ("sequences", "encoder"), ["--json", "--out", f"{MODEL}/evaluation.json"]),
}
LOCAL_TYPES = ("local", "local_gpu")


def build(options, known):
    """The request for `options` (an argparse namespace), the problems of the options, and notes on what was changed."""
    notes = []
    _name_the_gpu(options, notes)
    problems = hyperparameters.check(options.hyperparameters, known, "test" in options.channels)
    problems += _channel_problems(options, known) + _option_problems(options, known) + _fetching_problems(options, known)
    request = {
        "TrainingJobName": options.job_name or unique_name(options.base_job_name),
        "AlgorithmSpecification": {
            "TrainingImage": options.image,
            "TrainingInputMode": options.input_mode,
            "MetricDefinitions": known["metric_definitions"],
        },
        "RoleArn": options.role,
        "InputDataConfig": [_channel(name, uri, options.input_mode) for name, uri in options.channels.items()],
        "OutputDataConfig": {"S3OutputPath": options.output},
        "ResourceConfig": {"InstanceType": options.instance_type, "InstanceCount": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": options.max_run},
        "HyperParameters": dict(options.hyperparameters),
        "Environment": dict(options.environment),
        "EnableNetworkIsolation": options.network_isolation,
        # What it samples is of Python programs.
        "ProfilerConfig": {"DisableProfiler": True},
    }
    if options.command != "train":
        _set_command(request, options)
    _set_resources(request, options, notes)
    _set_spot(request, options, notes)
    if options.output_kms_key:
        request["OutputDataConfig"]["KmsKeyId"] = options.output_kms_key
    if options.subnets or options.security_groups:
        request["VpcConfig"] = {"SecurityGroupIds": options.security_groups, "Subnets": options.subnets}
    if options.tags:
        request["Tags"] = [{"Key": key, "Value": value} for key, value in options.tags.items()]
    for empty in ("HyperParameters", "Environment"):
        if not request[empty]:
            del request[empty]
    problems += limits.check(_as_platform_sees(request, options))
    return request, problems, notes


def unique_name(base):
    """The base name with time and chance, as the SDKs do it."""
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d-%H%M%S")
    return f"{base}-{stamp}-{random.SystemRandom().randrange(16**4):04x}"


def _name_the_gpu(options, notes):
    """With `auto` a job that finds no GPU would go on on the CPU, at the price of the GPU."""
    if _has_gpu(options.instance_type) and "device" not in options.hyperparameters:
        options.hyperparameters["device"] = "cuda"
        notes.append(f"device=cuda is set, because {options.instance_type} has a GPU")


def _has_gpu(instance_type):
    return re.fullmatch(r"ml\.(gr?|p)\d.*|local_gpu", instance_type) is not None


def _channel(name, uri, mode):
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "InputMode": mode, "DataSource": {"S3DataSource": source}}


def _set_command(request, options):
    """Both at once: arguments alone would reach the image's entry point, and local mode fails on them."""
    algorithm = request["AlgorithmSpecification"]
    algorithm["ContainerEntrypoint"] = [options.program]
    arguments = [options.command]
    if options.command in COMMANDS:
        needed, possible, fixed = COMMANDS[options.command]
        for name in (name for name in needed + possible if name in options.channels):
            arguments += [f"--{name}", f"{DATA}/{name}"]
        arguments += fixed
        for name, value in request.pop("HyperParameters").items():
            arguments += [f"--{name.replace('_', '-')}", value]
        request["HyperParameters"] = {}
        del algorithm["MetricDefinitions"]
    algorithm["ContainerArguments"] = arguments


def _set_resources(request, options, notes):
    resources = request["ResourceConfig"]
    if limits.has_nvme(options.instance_type):
        for option, given in (("--volume-size", options.volume_size), ("--volume-kms-key", options.volume_kms_key)):
            if given is not None:
                notes.append(f"{option} is left out: {options.instance_type} has fixed local NVMe storage")
        return
    if options.instance_type not in LOCAL_TYPES:
        resources["VolumeSizeInGB"] = 30 if options.volume_size is None else options.volume_size
        if options.volume_kms_key:
            resources["VolumeKmsKeyId"] = options.volume_kms_key


def _set_spot(request, options, notes):
    if options.instance_type in LOCAL_TYPES:
        if options.checkpoints:
            notes.append("--checkpoints is left out: local mode keeps none")
        return
    if options.spot:
        request["EnableManagedSpotTraining"] = True
        wait = 2 * options.max_run if options.max_wait is None else options.max_wait
        request["StoppingCondition"]["MaxWaitTimeInSeconds"] = wait
    if options.checkpoints:
        uri = options.checkpoints
        if not uri.endswith("/"):
            notes.append(f"--checkpoints gets a final `/`: without it {uri}-2 would be restored as well")
            uri += "/"
        request["CheckpointConfig"] = {"S3Uri": uri}


def _channel_problems(options, known):
    names = {name for channel in known["channels"] for name in channel["names"]}
    given = _given_keys(options, known)
    if options.command in TRAINING:
        required = [
            channel["names"]
            for channel in known["channels"]
            if channel["unless"] and channel["unless"] not in given
        ]
    else:
        needed, possible, _ = COMMANDS[options.command]
        required, names = [[name] for name in needed if name not in given], set(needed + possible)
    problems = [
        f"channel `{given[0]}` is missing: give `--channel {given[0]}=URI`"
        for given in required
        if not any(name in options.channels for name in given)
    ]
    all_names = [channel["names"] for channel in known["channels"]] if options.command in TRAINING else []
    same = [given for given in all_names if sum(name in options.channels for name in given) > 1]
    problems += [f"the channels {', '.join(given)} mean the same: give one of them" for given in same]
    for name in options.channels:
        if name not in names:
            problems.append(f"`{options.command}` reads no channel `{name}`: it reads {', '.join(sorted(names))}")
    if options.command in TRAINING and "validation" in options.channels and "test" not in options.channels:
        problems.append("channel `validation` needs a channel `test`: give both, or neither")
    return problems


def _given_keys(options, known):
    """The hyperparameters that are not how nothing is written."""
    keys = {key["name"]: key for key in known["hyperparameters"]}
    return {
        name for name, text in options.hyperparameters.items()
        if name in keys and not hyperparameters.nothing(keys[name], text)
    }


def _fetching_problems(options, known):
    """What is fetched, and a job that cannot."""
    problems, keys = [], options.hyperparameters
    wanted = {}
    if options.command in TRAINING and "interactions" in _given_keys(options, known):
        wanted["interactions"] = f"`interactions` = `{keys['interactions']}`"
        doubled = [name for name in ("interactions", "train", "training") if name in options.channels]
        problems += [f"{wanted['interactions']} and the channel `{name}`: give one of both" for name in doubled]
    if "encoder" in _given_keys(options, known):
        wanted["encoder"] = f"`encoder` = `{keys['encoder']}`"
        doubled = [name for name in ("encoder", "model") if name in options.channels]
        problems += [f"{wanted['encoder']} and the channel `{name}`: give one of both" for name in doubled]
    if "sequences" not in options.channels and options.command != "embed":
        if keys.get("missing_sequences") == "drop":
            problems.append("`missing_sequences` = `drop` and no channel `sequences`: give `--channel sequences=URI`")
        wanted["sequences"] = "a job without the channel `sequences`"
    elif keys.get("missing_sequences") == "fetch":
        wanted["sequences"] = "`missing_sequences` = `fetch`"
    if options.network_isolation and keys.get("offline", "false") not in ("true", "True", "1"):
        problems += [
            f"{what} needs a network: give the channel `{channel}`, or leave out --network-isolation"
            for channel, what in wanted.items()
        ]
    return problems


def _option_problems(options, known):
    problems = []
    takes = {key["name"]: key["commands"] for key in known["hyperparameters"]}
    problems += [
        f"`{options.command}` takes no hyperparameter `{name}`: it comes with the model, or does not concern it"
        for name in options.hyperparameters
        if options.command not in takes.get(name, [options.command])
    ]
    keys = options.hyperparameters
    if options.network_isolation and keys.get("storage_uri", "none") not in ("none", "", "null", "None"):
        problems.append("`storage_uri` needs a network: leave it out, or leave out --network-isolation")
    local = options.instance_type in LOCAL_TYPES
    if not _has_gpu(options.instance_type) and keys.get("device", "").startswith("cuda"):
        problems.append(f"`device` = `{keys['device']}` and {options.instance_type} has no GPU: choose one of both")
    places = [("--output", options.output), ("--checkpoints", options.checkpoints)]
    places += [(f"--channel {name}", uri) for name, uri in options.channels.items()]
    for option, uri in places:
        if uri and uri.startswith("file://") and not local and not options.print_request:
            problems.append(f"`{option}` is `{uri}`: a job on the platform reads and writes s3:// only")
    if not local and not options.spot and options.max_wait is not None:
        problems.append("`--max-wait` is for spot instances: leave it out, or leave out --on-demand")
    return problems


def _as_platform_sees(request, options):
    """The request with what local mode leaves open, so that everything else is checked."""
    if options.instance_type not in LOCAL_TYPES:
        return request
    return {**request, "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1}}
