"""The calls that an SDK makes for the launcher, answered without a network."""

import contextlib
import datetime
import io
import json
import os
from unittest import mock

from . import requests
import launch
import sdk

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
JOB = {
    "TrainingJobName": "dyad", "TrainingJobArn": "arn:aws:sagemaker:us-east-1:000000000000:training-job/dyad",
    "TrainingJobStatus": "Completed", "SecondaryStatus": "Completed", "CreationTime": NOW, "LastModifiedTime": NOW,
    "TrainingStartTime": NOW, "TrainingEndTime": NOW, "TrainingTimeInSeconds": 9, "BillableTimeInSeconds": 3,
    "ModelArtifacts": {"S3ModelArtifacts": "s3://bucket/models/dyad/output/model.tar.gz"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
    "AlgorithmSpecification": {"TrainingInputMode": "File"}, "EnableManagedSpotTraining": True,
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    "SecondaryStatusTransitions": [{"Status": "Completed", "StartTime": NOW, "StatusMessage": "done"}],
}
ANSWERS = {
    "DescribeTrainingJob": JOB,
    "DescribeLogStreams": {"logStreams": [{"logStreamName": "dyad/algo-1-1"}]},
    "GetLogEvents": {"events": [], "nextForwardToken": "t"},
}


def sent(*arguments):
    """Exit code, calls as (operation, body), and what was printed."""
    import botocore.session
    from botocore.awsrequest import AWSResponse

    calls = []

    def answer(model, params, **_):
        body = params.get("body") or "{}"
        calls.append((model.name, body if isinstance(body, dict) else json.loads(body)))
        content = ANSWERS.get(model.name, {"TrainingJobArn": JOB["TrainingJobArn"]})
        return AWSResponse("", 200, {}, None), {**content, "ResponseMetadata": {"HTTPStatusCode": 200}}

    real = botocore.session.Session.create_client

    def create_client(*given, **named):
        client = real(*given, **named)
        client.meta.events.register("before-call.*.*", answer)
        return client

    environment = {
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "SAGEMAKER_USER_CONFIG_OVERRIDE": str(sdk.DEFAULTS),
    }
    log = io.StringIO()
    recorded = mock.patch.object(botocore.session.Session, "create_client", create_client)
    with mock.patch.dict(os.environ, environment), recorded:
        with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
            code = launch.main([*requests.BASIC, *arguments])
    return code, calls, log.getvalue()
