"""Handing a request to the SageMaker Python SDK, version 2 or 3, whichever is installed."""

import importlib.metadata
import os
import pathlib
import re
import shutil
import tempfile

from job import LOCAL_TYPES

DEFAULTS = pathlib.Path(__file__).with_name("sdk-defaults.yaml")
CREATE = "provide-client-params.sagemaker.CreateTrainingJob"


class LaunchError(Exception):
    """What the user can mend, in one sentence."""


def installed():
    """The major version of the SDK, 2 or 3; 0 if there is none."""
    for package, major in (("sagemaker-train", 3), ("sagemaker", 2)):
        try:
            if importlib.metadata.version(package).startswith(f"{major}." if major == 2 else ""):
                return major
        except importlib.metadata.PackageNotFoundError:
            pass
    return 0


def launch(request, options):
    """Starts the job, and waits for it if asked: its name, and where its model lies if it has one by now."""
    found = installed()
    major = found if options.sdk == "auto" else int(options.sdk)
    if found == 0 or major != found:
        wanted = "'sagemaker<3'" if major == 2 else "'sagemaker>=3'"
        there = f"version {found}" if found else "none"
        raise LaunchError(f"SDK version {major or '2 or 3'} is needed and {there} is installed: pip install {wanted}")
    local = options.instance_type in LOCAL_TYPES
    if local:
        _go_offline()
    # Version 3 would ask IAM whether the role may do more than our policies grant it.
    os.environ.setdefault("SAGEMAKER_VALIDATE_ROLE", "false")
    if options.region:
        # Version 3 makes the client of the logs from the environment.
        os.environ["AWS_DEFAULT_REGION"] = options.region
    names = [request["TrainingJobName"]]
    boto = _session(request, options, local, names)
    model = (_launch_2 if major == 2 else _launch_3)(request, options, boto, local)
    if model is None and options.wait and not local:
        model = f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{names[-1]}/output/model.tar.gz"
    return names[-1], model if options.wait else None


def _go_offline():
    """Local mode calls nobody, and asks for a region and credentials all the same."""
    defaults = {
        "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true", "SAGEMAKER_USER_CONFIG_OVERRIDE": str(DEFAULTS),
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def _session(request, options, local, names):
    import boto3

    boto = boto3.Session(region_name=options.region)
    if not boto.region_name:
        raise LaunchError("no region: give --region, or set AWS_DEFAULT_REGION")
    if not local and boto.get_credentials() is None:
        raise LaunchError("no credentials: set AWS_PROFILE, or run `aws configure` or `aws sso login`")

    def complete(params, **_):
        # Neither version can leave the size out, and version 3 cannot switch the profiler off.
        if "VolumeSizeInGB" not in request["ResourceConfig"]:
            params["ResourceConfig"].pop("VolumeSizeInGB", None)
        params.setdefault("ProfilerConfig", request["ProfilerConfig"])
        # Version 3 makes a name of its own.
        names.append(params["TrainingJobName"])

    boto.events.register(CREATE, complete)
    return boto


def _launch_2(request, options, boto, local):
    if not local:
        from sagemaker.session import Session

        return _fit_2(request, options, Session(boto_session=boto), local)
    from sagemaker.local import LocalSession

    session = LocalSession(boto_session=boto)
    # What a run is given and leaves here has been moved to its output when `fit` returns.
    root = tempfile.mkdtemp(prefix="dyad-local-")
    session.config = {"local": {"local_code": True, "container_root": root}}
    try:
        return _fit_2(request, options, session, local)
    finally:
        # Without root the files of a container may stay.
        shutil.rmtree(root, ignore_errors=True)


def _fit_2(request, options, session, local):
    from sagemaker.estimator import Estimator
    from sagemaker.inputs import TrainingInput

    algorithm, resources = request["AlgorithmSpecification"], request["ResourceConfig"]
    stopping, vpc = request["StoppingCondition"], request.get("VpcConfig", {})
    spot = request.get("EnableManagedSpotTraining", False)
    estimator = Estimator(
        image_uri=algorithm["TrainingImage"],
        role=request["RoleArn"],
        instance_count=1,
        instance_type=resources["InstanceType"],
        volume_size=resources.get("VolumeSizeInGB"),
        volume_kms_key=resources.get("VolumeKmsKeyId"),
        input_mode=algorithm["TrainingInputMode"],
        output_path=request["OutputDataConfig"]["S3OutputPath"],
        output_kms_key=request["OutputDataConfig"].get("KmsKeyId"),
        hyperparameters=request.get("HyperParameters"),
        environment=request.get("Environment"),
        metric_definitions=algorithm.get("MetricDefinitions"),
        container_entry_point=algorithm.get("ContainerEntrypoint"),
        container_arguments=algorithm.get("ContainerArguments"),
        max_run=stopping["MaxRuntimeInSeconds"],
        max_wait=stopping.get("MaxWaitTimeInSeconds"),
        use_spot_instances=spot,
        checkpoint_s3_uri=request.get("CheckpointConfig", {}).get("S3Uri"),
        subnets=vpc.get("Subnets"),
        security_group_ids=vpc.get("SecurityGroupIds"),
        enable_network_isolation=request["EnableNetworkIsolation"],
        tags=request.get("Tags"),
        disable_profiler=True,
        debugger_hook_config=False,
        sagemaker_session=session,
    )
    channels = {}
    for channel in request["InputDataConfig"]:
        uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
        mode = None if local else channel["InputMode"]
        channels[channel["ChannelName"]] = TrainingInput(uri, s3_data_type="S3Prefix", input_mode=mode)
    estimator.fit(channels, wait=options.wait, logs=options.wait, job_name=request["TrainingJobName"])
    return estimator.model_data if local else None


def _launch_3(request, options, boto, local):
    if options.command != "train":
        if local:
            raise LaunchError(f"local mode of SDK version 3 runs `train` alone, not `{options.command}`: use version 2")
        return _create_3(request, options, boto)
    from sagemaker.core.helper.session_helper import Session
    from sagemaker.core.training import configs
    from sagemaker.train.model_trainer import Mode, ModelTrainer

    algorithm, stopping = request["AlgorithmSpecification"], request["StoppingCondition"]
    vpc, output = request.get("VpcConfig", {}), request["OutputDataConfig"]
    if local:
        root = pathlib.Path(output["S3OutputPath"].removeprefix("file://"))
        root.mkdir(parents=True, exist_ok=True)
        place = {"training_mode": Mode.LOCAL_CONTAINER, "local_container_root": str(root)}
    else:
        place = {
            "sagemaker_session": Session(boto_session=boto),
            "output_data_config": configs.OutputDataConfig(
                s3_output_path=output["S3OutputPath"], kms_key_id=output.get("KmsKeyId")
            ),
        }
    resources = {_snake(name): value for name, value in request["ResourceConfig"].items()}
    resources.setdefault("volume_size_in_gb", None)
    if local:
        resources["instance_type"] = {"local": "local_cpu"}.get(options.instance_type, options.instance_type)
    checkpoints = request.get("CheckpointConfig")
    trainer = ModelTrainer(
        training_image=algorithm["TrainingImage"],
        training_input_mode=algorithm["TrainingInputMode"],
        role=request["RoleArn"],
        base_job_name=re.sub(r"-\d{8}-\d{6}-[0-9a-f]{4}$", "", request["TrainingJobName"]),
        compute=configs.Compute(
            **resources, enable_managed_spot_training=request.get("EnableManagedSpotTraining")
        ),
        stopping_condition=configs.StoppingCondition(**{_snake(k): v for k, v in stopping.items()}),
        checkpoint_config=configs.CheckpointConfig(s3_uri=checkpoints["S3Uri"]) if checkpoints else None,
        networking=configs.Networking(
            enable_network_isolation=request["EnableNetworkIsolation"],
            subnets=vpc.get("Subnets"),
            security_group_ids=vpc.get("SecurityGroupIds"),
        ),
        hyperparameters=request.get("HyperParameters", {}),
        environment=request.get("Environment", {}),
        tags=[configs.Tag(key=tag["Key"], value=tag["Value"]) for tag in request.get("Tags", [])] or None,
        **place,
    ).with_metric_definitions(
        [configs.MetricDefinition(name=m["Name"], regex=m["Regex"]) for m in algorithm["MetricDefinitions"]]
    )
    inputs = [_channel_3(configs, channel, local) for channel in request["InputDataConfig"]]
    trainer.train(input_data_config=inputs, wait=options.wait, logs=options.wait)
    return f"{place['local_container_root']}/compressed_artifacts/model.tar.gz" if local else None


def _channel_3(configs, channel, local):
    name, source = channel["ChannelName"], channel["DataSource"]["S3DataSource"]
    if local:
        return configs.InputData(channel_name=name, data_source=source["S3Uri"].removeprefix("file://"))
    source = configs.S3DataSource(**{_snake(key): value for key, value in source.items()})
    return configs.Channel(
        channel_name=name,
        input_mode=channel["InputMode"],
        data_source=configs.DataSource(s3_data_source=source),
    )


def _create_3(request, options, boto):
    """Other commands: `ModelTrainer` has no place for an entry point of the image."""
    from sagemaker.core.resources import TrainingJob

    maps = ("HyperParameters", "Environment")
    fields = {_snake(k): dict(v) if k in maps else _snakes(v) for k, v in request.items()}
    job = TrainingJob.create(session=boto, region=boto.region_name, **fields)
    if options.wait:
        job.wait(logs=True)
    return None


def _snakes(value):
    if isinstance(value, dict):
        return {_snake(key): _snakes(inner) for key, inner in value.items()}
    return [_snakes(inner) for inner in value] if isinstance(value, list) else value


def _snake(name):
    """`s3_output_path` for `S3OutputPath`, `volume_size_in_gb` for `VolumeSizeInGB`."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", name)
    return name.lower()
