"""Each limit of the platform, violated once."""

import unittest

from . import requests  # noqa: F401 - it makes the launcher's modules importable
import limits

LONG = "x" * 3000


def put(path, value):
    """A change of a request: sets (or, with `None`, removes) what lies at a path of keys and numbers."""

    def change(request):
        *way, last = path
        for step in way:
            request = request.setdefault(step, {}) if isinstance(request, dict) else request[step]
        if value is None:
            del request[last]
        else:
            request[last] = value

    return change


ALGORITHM, RESOURCES, STOPPING = "AlgorithmSpecification", "ResourceConfig", "StoppingCondition"
SOURCE = ("InputDataConfig", 0, "DataSource", "S3DataSource")
# The change, and the field that the problem must name.
VIOLATIONS = [
    (put(["TrainingJobName"], "a" * 64), "TrainingJobName"),
    (put(["TrainingJobName"], "no_underscores"), "TrainingJobName"),
    (put(["TrainingJobName"], "-a"), "TrainingJobName"),
    (put(["TrainingJobName"], None), "TrainingJobName"),
    (put(["RoleArn"], "dyad-role"), "RoleArn"),
    (put([ALGORITHM, "TrainingImage"], None), "AlgorithmSpecification"),
    (put([ALGORITHM, "TrainingImage"], "x" * 256), "TrainingImage"),
    (put([ALGORITHM, "TrainingInputMode"], "Files"), "TrainingInputMode"),
    (put([ALGORITHM, "ContainerEntrypoint"], []), "ContainerEntrypoint"),
    (put([ALGORITHM, "ContainerEntrypoint"], ["x" * 257]), "ContainerEntrypoint"),
    (put([ALGORITHM, "ContainerArguments"], ["x"] * 101), "ContainerArguments"),
    (put([ALGORITHM, "MetricDefinitions"], [{"Name": "m", "Regex": "(x)"}] * 41), "MetricDefinitions"),
    (put([ALGORITHM, "MetricDefinitions"], [{"Name": "m" * 256, "Regex": "(x)"}]), "Name"),
    (put([ALGORITHM, "MetricDefinitions"], [{"Name": "", "Regex": "(x)"}]), "Name"),
    (put([ALGORITHM, "MetricDefinitions"], [{"Name": "m", "Regex": "(" + "x" * 500 + ")"}]), "Regex"),
    (put([ALGORITHM, "MetricDefinitions"], [{"Name": "m", "Regex": "(x"}]), "Regex"),
    (put([ALGORITHM, "MetricDefinitions"], [{"Name": "m", "Regex": "x"}]), "Regex"),
    (put([ALGORITHM, "MetricDefinitions"], [{"Name": "m", "Regex": "(x{99999999999})"}]), "Regex"),
    (put(["HyperParameters"], {f"k{n}": "1" for n in range(101)}), "HyperParameters"),
    (put(["HyperParameters"], {"k" * 257: "1"}), "HyperParameters"),
    (put(["HyperParameters", "label_column"], "x" * 257), "HyperParameters.label_column"),
    (put(["HyperParameters", "epochs"], 20), "HyperParameters.epochs"),
    (put(["Environment"], {f"K{n}": "1" for n in range(101)}), "Environment"),
    (put(["Environment"], {"1K": "1"}), "Environment"),
    (put(["Environment"], {"K" * 513: "1"}), "Environment"),
    (put(["Environment", "K"], "x" * 513), "Environment.K"),
    (put(["InputDataConfig"], []), "InputDataConfig"),
    (put(["InputDataConfig", 0, "ChannelName"], "a/b"), "ChannelName"),
    (put(["InputDataConfig", 0, "ChannelName"], "c" * 65), "ChannelName"),
    (put(["InputDataConfig", 0, "ChannelName"], "."), "ChannelName"),
    (put(["InputDataConfig", 0, "ChannelName"], ".."), "ChannelName"),
    (put(["InputDataConfig", 0, "ChannelName"], "sequences"), "ChannelName"),
    (put(["InputDataConfig", 0, "DataSource"], {}), "DataSource"),
    (put([*SOURCE, "S3Uri"], "s3://" + "x" * 1024), "S3Uri"),
    (put([*SOURCE, "S3Uri"], "bucket/hint/"), "S3Uri"),
    (put([*SOURCE, "S3Uri"], "s3://bucket/hint"), "FastFile"),
    (put([*SOURCE, "S3DataType"], "Prefix"), "S3DataType"),
    (put(["InputDataConfig", 0, "InputMode"], "Fast"), "InputMode"),
    (put(["OutputDataConfig", "S3OutputPath"], None), "S3OutputPath"),
    (put(["OutputDataConfig", "KmsKeyId"], LONG), "KmsKeyId"),
    (put([RESOURCES, "InstanceType"], "m5.large"), "InstanceType"),
    (put([RESOURCES, "InstanceCount"], 0), "InstanceCount"),
    (put([RESOURCES, "InstanceCount"], "1"), "InstanceCount"),
    (put([RESOURCES, "VolumeSizeInGB"], 0), "VolumeSizeInGB"),
    (put([RESOURCES, "InstanceType"], "ml.g5.xlarge"), "VolumeKmsKeyId"),
    (put([RESOURCES, "KeepAlivePeriodInSeconds"], 21601), "KeepAlivePeriodInSeconds"),
    (put([RESOURCES, "KeepAlivePeriodInSeconds"], 60), "KeepAlivePeriodInSeconds"),
    (put([RESOURCES, "InstanceGroups"], [{"InstanceType": "ml.m5.large"}]), "ResourceConfig"),
    (put([STOPPING, "MaxRuntimeInSeconds"], 28 * 86400 + 1), "MaxRuntimeInSeconds"),
    (put([STOPPING, "MaxRuntimeInSeconds"], 0), "MaxRuntimeInSeconds"),
    (put([STOPPING, "MaxWaitTimeInSeconds"], 7200), "MaxWaitTimeInSeconds"),
    (put([STOPPING, "MaxWaitTimeInSeconds"], None), "MaxWaitTimeInSeconds"),
    (put(["EnableManagedSpotTraining"], False), "MaxWaitTimeInSeconds"),
    (put([STOPPING, "MaxPendingTimeInSeconds"], 7199), "MaxPendingTimeInSeconds"),
    (put(["CheckpointConfig"], None), "CheckpointConfig"),
    (put(["CheckpointConfig", "S3Uri"], "s3://bucket/checkpoints"), "CheckpointConfig.S3Uri"),
    (put(["CheckpointConfig", "S3Uri"], "s3://bucket/models/"), "CheckpointConfig.S3Uri"),
    (put(["CheckpointConfig", "LocalPath"], "/" + "x" * 4096), "CheckpointConfig.LocalPath"),
    (put(["Tags"], [{"Key": "k", "Value": "v"}] * 51), "Tags"),
    (put(["Tags"], [{"Key": "", "Value": "v"}]), "Key"),
    (put(["Tags"], [{"Key": "k" * 129, "Value": "v"}]), "Key"),
    (put(["Tags"], [{"Key": "k", "Value": "v" * 257}]), "Value"),
    (put(["Tags"], [{"Key": "k", "Value": "a;b"}]), "Value"),
    (put(["VpcConfig", "SecurityGroupIds"], ["sg"] * 6), "SecurityGroupIds"),
    (put(["VpcConfig", "Subnets"], ["subnet"] * 17), "Subnets"),
    (put(["VpcConfig", "Subnets"], []), "Subnets"),
    (put(["RetryStrategy"], {"MaximumRetryAttempts": 31}), "MaximumRetryAttempts"),
    (put(["ProfilerConfig", "ProfilingIntervalInMilliseconds"], 150), "ProfilingIntervalInMilliseconds"),
    (put(["EnableNetworkIsolation"], "yes"), "EnableNetworkIsolation"),
    (put(["Tags"], {}), "Tags"),
    (put(["HyperParameters"], []), "HyperParameters"),
]


class Limits(unittest.TestCase):
    def test_each_violation_is_the_one_problem(self):
        for change, field in VIOLATIONS:
            request = requests.valid()
            change(request)
            problems = limits.check(request)
            with self.subTest(field=field, problems=problems):
                self.assertTrue(any(field in problem for problem in problems))
                self.assertLessEqual(len(problems), 2)

    def test_all_problems_are_reported_at_once(self):
        request = requests.valid()
        for change, _ in VIOLATIONS[:1] + VIOLATIONS[4:5] + VIOLATIONS[-3:-2]:
            change(request)
        self.assertEqual(len(limits.check(request)), 3)

    def test_what_is_no_request_is_refused_without_a_traceback(self):
        for request in ([], None, {"InputDataConfig": [1], "Tags": [None], "ResourceConfig": 5}):
            self.assertTrue(limits.check(request), request)
            self.assertFalse(limits.well_formed(request), request)
        self.assertTrue(limits.check({}))
        self.assertTrue(limits.well_formed({}))

    def test_no_part_of_another_type_ends_in_a_traceback(self):
        def parts(value, way=()):
            yield way
            inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
            for step, part in inner:
                yield from parts(part, (*way, step))

        for way in parts(requests.valid()):
            for wrong in (None, True, -1, 10**5000, 1e400, "", [], {}, [[]], {"a": []}):
                request = {"whole": requests.valid()}
                place = request
                for step in ("whole", *way)[:-1]:
                    place = place[step]
                place[("whole", *way)[-1]] = wrong
                with self.subTest(way=way, wrong=type(wrong)):
                    limits.check(request["whole"])

    def test_twenty_channels_and_forty_metrics_pass(self):
        request = requests.valid()
        channel = request["InputDataConfig"][0]
        request["InputDataConfig"] = [{**channel, "ChannelName": f"c{n}"} for n in range(20)]
        metric = {"Name": "m" * 255, "Regex": "(" + "x" * 498 + ")"}
        request["AlgorithmSpecification"]["MetricDefinitions"] = [metric] * 40
        self.assertEqual(limits.check(request), [])


if __name__ == "__main__":
    unittest.main()
