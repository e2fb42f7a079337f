"""Options of the launcher: what they become, and what is refused."""

import contextlib
import io
import json
import pathlib
import tempfile
import unittest

from . import requests
import launch


def run(*arguments):
    """Exit code, standard output and standard error of `launch.py`."""
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            code = launch.main([*requests.BASIC, *arguments])
        except SystemExit as end:
            code = end.code
    return code, out.getvalue(), errors.getvalue()


class Requests(unittest.TestCase):
    def test_spot_with_checkpoints_is_the_default(self):
        request, problems, notes = requests.build(*requests.channels(), "--checkpoints", "s3://bucket/run-1")
        self.assertEqual(problems, [])
        self.assertTrue(request["EnableManagedSpotTraining"])
        self.assertEqual(request["CheckpointConfig"], {"S3Uri": "s3://bucket/run-1/"})
        stopping = request["StoppingCondition"]
        self.assertGreater(stopping["MaxWaitTimeInSeconds"], stopping["MaxRuntimeInSeconds"])
        self.assertTrue(any("final `/`" in note for note in notes), notes)

    def test_an_encoder_by_name_needs_no_channel(self):
        channels = {name: uri for name, uri in requests.CHANNELS.items() if name != "encoder"}
        request, problems, _ = requests.build(
            *requests.channels(**channels), *requests.CHECKPOINTS, "-H", "encoder=esm2_t33_650M_UR50D"
        )
        self.assertEqual(problems, [])
        self.assertEqual(request["HyperParameters"]["encoder"], "esm2_t33_650M_UR50D")

    def test_gpu_types_compute_on_the_gpu_and_take_no_volume(self):
        request, problems, notes = requests.build(
            *requests.channels(), *requests.GPU, "--volume-kms-key", "alias/volume"
        )
        self.assertEqual(problems, [])
        self.assertEqual(request["ResourceConfig"], {"InstanceType": "ml.g4dn.xlarge", "InstanceCount": 1})
        self.assertEqual(request["HyperParameters"]["device"], "cuda")
        self.assertEqual(len(notes), 3, notes)

    def test_every_family_with_a_gpu_computes_on_it(self):
        for kind, device in (("ml.g5.xlarge", "cuda"), ("ml.gr6.4xlarge", "cuda"), ("ml.p4d.24xlarge", "cuda"),
                             ("ml.m5.large", None), ("ml.c5d.xlarge", None)):
            request, problems, _ = requests.build(*requests.channels(), *requests.CHECKPOINTS, "--instance-type", kind)
            self.assertEqual(problems, [], kind)
            self.assertEqual(request.get("HyperParameters", {}).get("device"), device, kind)

    def test_other_commands_set_entry_point_and_arguments(self):
        given = {
            "embed": {"sequences": "s3://b/s/", "encoder": "s3://b/e/"},
            "predict": {"model": "s3://b/m/", "pairs": "s3://b/p/", "sequences": "s3://b/s/"},
            "evaluate": {"model": "s3://b/m/", "pairs": "s3://b/p/", "sequences": "s3://b/s/", "encoder": "s3://b/e/"},
            "validate": requests.CHANNELS,
        }
        for command, channels in given.items():
            request, problems, _ = requests.build(
                *requests.channels(**channels), *requests.CHECKPOINTS, "--command", command, "-H", "device=cpu"
            )
            algorithm = request["AlgorithmSpecification"]
            self.assertEqual(problems, [], command)
            self.assertEqual(algorithm["ContainerEntrypoint"], ["/usr/local/bin/dyad"])
            self.assertEqual(algorithm["ContainerArguments"][0], command)
            if command == "validate":
                self.assertEqual(request["HyperParameters"], {"device": "cpu"})
                continue
            self.assertEqual(algorithm["ContainerArguments"][-2:], ["--device", "cpu"])
            self.assertNotIn("HyperParameters", request)
            for channel in channels:
                self.assertIn(f"/opt/ml/input/data/{channel}", algorithm["ContainerArguments"])

    def test_what_is_fetched_needs_no_channel(self):
        fetching = [*requests.CHECKPOINTS, "-H", "interactions=hint:HomoSapiens"]
        isolated = [*fetching, "--network-isolation", "-H", "offline=true"]
        for arguments in (fetching, isolated):
            request, problems, _ = requests.build(*requests.channels(encoder="s3://b/e/"), *arguments)
            self.assertEqual(problems, [])
            self.assertEqual([channel["ChannelName"] for channel in request["InputDataConfig"]], ["encoder"])
        _, problems, _ = requests.build(
            *requests.channels(model="s3://b/m/", pairs="s3://b/p/"), *requests.CHECKPOINTS, "--command", "predict"
        )
        self.assertEqual(problems, [])

    def test_the_file_of_hyperparameters_is_weaker_than_options(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "run.json")
            path.write_text('{"epochs": 3, "bundle_encoder": true, "hidden_sizes": [8, 4]}', encoding="utf-8")
            options = requests.options(*requests.channels(), "--hyperparameters", str(path), "-H", "epochs=5")
        expected = {"epochs": "5", "bundle_encoder": "true", "hidden_sizes": "[8, 4]"}
        self.assertEqual(options.hyperparameters, expected)


class Messages(unittest.TestCase):
    def refused(self, *arguments):
        code, out, errors = run(*arguments)
        self.assertEqual((code, out), (2, ""), errors)
        self.assertNotIn("Traceback", errors)
        return errors

    def test_all_problems_come_at_once(self):
        errors = self.refused(
            "--channel", "interactions=s3://b/i/", "--channel", "extra=s3://b/x/", "-H", "epochs=0", "-H", "epoch=1",
            "--checkpoints", "s3://bucket/models/", "--instance-type", "m5.large",
        )
        for part in (
            "`epochs` = `0`: expected an integer", "unknown hyperparameter `epoch`: the nearest is `epochs`",
            "channel `encoder` is missing", "reads no channel `extra`",
            "another place than OutputDataConfig", "`m5.large`: expected a type like",
        ):
            self.assertIn(part, errors)

    def test_what_excludes_what(self):
        full = [*requests.channels(), *requests.CHECKPOINTS]
        fetching = [*requests.channels(encoder="s3://b/e/"), *requests.CHECKPOINTS, "-H", "interactions=hint:HomoSapiens"]
        cases = [
            ([*full, "--network-isolation", "--storage-uri", "s3://bucket/x/"], "needs a network"),
            ([*full, "--instance-type", "ml.m5.large", "-H", "device=cuda"], "has no GPU"),
            ([*full, "--on-demand", "--max-wait", "9h"], "`--max-wait` is for spot"),
            ([*full, "--max-wait", "6h"], "expected more than MaxRuntimeInSeconds"),
            (requests.channels(), "an interrupted job would start over"),
            ([*full, "--channel", "train=s3://b/t/"], "mean the same"),
            ([*full, "-H", "interactions=hint:HomoSapiens"], "and the channel `interactions`: give one of both"),
            ([*full, "-H", "interactions=s3://b/hint.txt"], "expected `hint:SPECIES`"),
            ([*full, "-H", "missing_sequences=fetch", "--network-isolation"], "give the channel `sequences`"),
            ([*fetching, "--network-isolation"], "needs a network: give the channel `interactions`"),
            ([*fetching, "-H", "missing_sequences=drop"], "and no channel `sequences`"),
            ([*requests.channels(encoder="s3://b/e/"), "-H", "interactions=files"], "channel `interactions` is missing"),
            ([*full, "--channel", "validation=s3://b/v/"], "needs a channel `test`"),
            ([*full, "--channel", "encoder=s3://b/v/"], "is given twice"),
            ([*full, "--channel", "test=file:///tmp/x"], "s3:// only"),
            ([*full, "--hyperparameters", "/nonexistent.json"], "No such file"),
            ([*full, "--channel", "encoder"], "NAME=VALUE"),
            ([*full, "--max-run", "1x"], "is no time"),
            ([*full, "--max-run", "9" * 4300 + "d"], "is no time"),
            ([*full, "--instance-type", "ml.m5.large", "--volume-size", "9" * 4300], "VolumeSizeInGB"),
            ([*full, "-H", "epochs=" + "9" * 5000], "expected an integer"),
            ([*full, "--command", "validate", "--channel", "validation=s3://b/v/"], "needs a channel `test`"),
            ([*full, "--storage-uri", "s3://a/b/", "-H", "storage_uri=s3://a/c/"], "given twice"),
            ([*full, "-H", "test_fraction=0.6", "-H", "validation_fraction=0.5"], "a sum below 1"),
            (
                [*requests.channels(sequences="s3://b/s/", encoder="s3://b/e/"), "--command", "embed", "-H", "epochs=3"],
                "`embed` takes no hyperparameter `epochs`",
            ),
        ]
        for arguments, part in cases:
            self.assertIn(part, self.refused(*arguments))

    def test_a_test_channel_implies_given_parts(self):
        fractions = ["-H", "test_fraction=0.6", "-H", "validation_fraction=0.5"]
        _, problems, _ = requests.build(
            *requests.channels(**requests.CHANNELS, test="s3://b/t/"), *requests.CHECKPOINTS, *fractions
        )
        self.assertEqual(problems, [])

    def test_print_request_prints_json_alone_and_takes_local_places(self):
        places = requests.channels(**{name: f"file:///data/{name}" for name in requests.CHANNELS})
        code, out, _ = run(*places, "--checkpoints", "file:///data/checkpoints/", "--print-request")
        self.assertEqual(code, 0)
        request = json.loads(out)
        self.assertEqual(request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"], "file:///data/interactions")


if __name__ == "__main__":
    unittest.main()
