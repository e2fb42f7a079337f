"""What the real SDK sends is what `--print-request` says; no network."""

import contextlib
import io
import json
import os
import pathlib
import tempfile
import unittest
from unittest import mock

from . import requests
from .recorder import sent
import launch
import sdk

SDK = sdk.installed()
# Names of jobs hold the time; version 3 makes its own.
OF_CHANCE = {"TrainingJobName"}


def printed(*arguments):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        assert launch.main([*requests.BASIC, *arguments, "--print-request"]) == 0
    return json.loads(out.getvalue())


def normal(request):
    """A request without what chance or the platform's defaults decide."""
    request = {name: value for name, value in request.items() if name not in OF_CHANCE}
    defaults = {
        "EnableManagedSpotTraining": False, "EnableNetworkIsolation": False, "EnableInterContainerTrafficEncryption": False,
    }
    for name, default in defaults.items():
        if request.get(name) == default:
            del request[name]
    for section, name, default in (
        ("CheckpointConfig", "LocalPath", "/opt/ml/checkpoints"), ("OutputDataConfig", "CompressionType", "GZIP"),
    ):
        if request.get(section, {}).get(name) == default:
            del request[section][name]
    for channel in request.get("InputDataConfig", []):
        if channel.get("InputMode") == request["AlgorithmSpecification"]["TrainingInputMode"]:
            del channel["InputMode"]
    return request


@unittest.skipUnless(SDK, "skipped: no SageMaker SDK in this environment: run `make test-sagemaker`")
class Sent(unittest.TestCase):
    maxDiff = None

    def same(self, *arguments):
        code, calls, log = sent(*arguments, "--no-wait")
        self.assertEqual(code, 0, log)
        # Version 3 looks at what it has made.
        made = [name for name, _ in calls if name != "DescribeTrainingJob"]
        self.assertEqual(made, ["CreateTrainingJob"], log)
        self.assertEqual(normal(calls[0][1]), normal(printed(*arguments)))
        return calls[0][1]

    def test_every_option(self):
        request = self.same(*requests.channels(), *requests.FULL)
        self.assertEqual(request["ResourceConfig"]["VolumeKmsKeyId"], "alias/volume")
        self.assertEqual(request["HyperParameters"]["hidden_sizes"], "[512, 256]")

    def test_a_type_with_fixed_storage(self):
        request = self.same(*requests.channels(), *requests.GPU)
        self.assertNotIn("VolumeSizeInGB", request["ResourceConfig"])
        self.assertTrue(request["EnableNetworkIsolation"])

    def test_on_demand(self):
        request = self.same(*requests.channels(), "--on-demand")
        self.assertNotIn("CheckpointConfig", request)

    def test_another_command(self):
        request = self.same(
            *requests.channels(sequences="s3://b/s/", encoder="s3://b/e/"), "--command", "embed", "--on-demand"
        )
        self.assertEqual(request["AlgorithmSpecification"]["ContainerArguments"][0], "embed")

    def test_the_request_satisfies_botocore_itself(self):
        import botocore.session
        from botocore.validate import ParamValidator

        model = botocore.session.Session().get_service_model("sagemaker")
        shape = model.operation_model("CreateTrainingJob").input_shape
        for options in (requests.FULL, requests.GPU):
            report = ParamValidator().validate(printed(*requests.channels(), *options), shape)
            self.assertFalse(report.has_errors(), report.generate_report())
        algorithm = {
            "AlgorithmName": "dyad",
            "TrainingSpecification": launch.hyperparameters.schema()["training_specification"],
        }
        shape = model.operation_model("CreateAlgorithm").input_shape
        report = ParamValidator().validate(algorithm, shape)
        self.assertFalse(report.has_errors(), report.generate_report())
        known = set(model.shape_for("TrainingInstanceType").enum)
        given = algorithm["TrainingSpecification"]["SupportedTrainingInstanceTypes"]
        self.assertEqual(set(given) - known, set())

    def test_missing_region_and_credentials_are_named(self):
        arguments = [*requests.BASIC, *requests.channels(), "--on-demand"]
        without = [word for word in arguments if word not in ("--region", "us-east-1")]
        nothing = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
                   "AWS_EC2_METADATA_DISABLED": "true", "PATH": os.environ["PATH"]}
        for given, part in ((without, "no region"), (arguments, "no credentials")):
            errors = io.StringIO()
            with mock.patch.dict(os.environ, nothing, clear=True), contextlib.redirect_stderr(errors):
                self.assertEqual(launch.main(given), 2)
            self.assertIn(part, errors.getvalue())


class Local(unittest.TestCase):
    @unittest.skipUnless(SDK == 2, "the folder is one of version 2")
    def test_nothing_of_a_run_stays_in_the_temporary_folder(self):
        from sagemaker.estimator import Estimator

        seen = []
        with tempfile.TemporaryDirectory() as folder:

            def fit(estimator, *_, **__):
                root = estimator.sagemaker_session.config["local"]["container_root"]
                pathlib.Path(root, "model").mkdir()
                seen.append(pathlib.Path(root).parent)
                raise RuntimeError("the job failed")

            places = requests.channels(**{name: f"file://{folder}" for name in requests.CHANNELS})
            errors = io.StringIO()
            with (
                mock.patch.object(tempfile, "tempdir", folder), mock.patch.object(Estimator, "fit", fit),
                mock.patch.dict(os.environ), contextlib.redirect_stderr(errors),
            ):
                code = launch.main([*requests.BASIC, *places, "--instance-type", "local", "--output", f"file://{folder}"])
            self.assertEqual((code, seen), (1, [pathlib.Path(folder)]), errors.getvalue())
            self.assertEqual(list(pathlib.Path(folder).iterdir()), [])


class Absent(unittest.TestCase):
    def test_an_sdk_that_is_not_there_is_named_with_its_installation(self):
        other = "3" if SDK == 2 else "2"
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            code = launch.main([*requests.BASIC, *requests.channels(), "--on-demand", "--sdk", other])
        self.assertEqual(code, 2)
        self.assertIn(f"SDK version {other} is needed", errors.getvalue())
        self.assertIn("pip install", errors.getvalue())


if __name__ == "__main__":
    unittest.main()
