"""Whole jobs in containers, as the platform runs them."""

import json
import os
import shutil
import sys
import unittest
from pathlib import Path

from support import (
    ENCODER, PROJECT, SLOW, SMALL, archived, channel, needs_image, request, run, sample, sample_request, temporary_folder,
)

from emulator import Faults, Interruption, Options, Outcome, Shape, Trigger

#: How soon the first checkpoint is in S3 after it was written.
PROMPT = 0.05


@needs_image
class Jobs(unittest.TestCase):
    """From a request to what DescribeTrainingJob answers."""

    def complete(self, outcome: Outcome) -> dict[str, bytes]:
        """The files of the model of a job that must have completed."""
        self.assertEqual(outcome.status, "Completed", outcome.description.get("FailureReason", "") + outcome.log)
        model = archived(outcome.model)
        self.assertIs(json.loads(model["manifest.json"])["complete"], True)
        return model

    def test_a_job_without_network_on_a_read_only_system_completes(self) -> None:
        # S3 is asked for, and under isolation there are neither credentials nor a network.
        settings = {**SMALL, "storage_uri": "s3://bucket/prefix/"}
        outcome = run(sample_request("full", settings, EnableNetworkIsolation=True), read_only=True)
        self.complete(outcome)
        self.assertIn("working without S3", outcome.log)
        self.assertFalse({"\r", "\t"} & set(outcome.log))
        metrics = {metric["MetricName"] for metric in outcome.description["FinalMetricDataList"]}
        defined = json.loads((PROJECT / "sagemaker/metrics.json").read_text())
        self.assertEqual(metrics, {metric["Name"] for metric in defined})
        self.assertNotIn("FailureReason", outcome.description)
        statuses = [step["Status"] for step in outcome.description["SecondaryStatusTransitions"]]
        self.assertEqual(statuses, ["Starting", "Downloading", "Training", "Uploading", "Completed"])

    def test_a_job_on_hint_small_completes(self) -> None:
        data = Path(os.environ.get("DYAD_TEST_DATA", PROJECT.parent / "shared")) / "data/hint_small"
        if not data.is_dir():
            reason = f"there is no `{data}`: set DYAD_TEST_DATA; the job on the sample is its twin"
            print(f"\nskipped: test_a_job_on_hint_small_completes: {reason}", file=sys.stderr)
            self.skipTest(reason)
        pairs, fasta = next(data.glob("*.txt")), next(data.glob("*.fasta"))
        settings = {"epochs": "1", "max_residues": "100"}
        outcome = run(request("hint-small", pairs, fasta, settings, EnableNetworkIsolation=True))
        audit = json.loads(self.complete(outcome)["audit.json"])["interactions"]
        self.assertEqual(audit["rows"], 2866)

    def test_three_interruptions_change_not_a_byte(self) -> None:
        uninterrupted = run(sample_request("through", SLOW), options=Options(sync_interval=PROMPT))
        interruptions = [
            # While it embeds, while it trains, and while it trains what it went on with, this time with a warning.
            Interruption(Trigger(line="INFO run [0-9a-f]{16}:", seconds=1.0)),
            Interruption(Trigger(line="checkpoint written", nth=2)),
            Interruption(Trigger(line="checkpoint written", nth=2), warning=20.0),
        ]
        options = Options(Faults(interruptions), sync_interval=PROMPT)
        interrupted = run(sample_request("interrupted", SLOW), options=options)
        ends = [attempt.ended for attempt in interrupted.attempts]
        self.assertEqual(ends, ["Interrupted"] * 3 + ["Completed"], interrupted.log)
        for attempt in interrupted.attempts[2:]:
            self.assertRegex(attempt.log, r"resumed from step \d+")
        ours, theirs = self.complete(interrupted), self.complete(uninterrupted)
        self.assertEqual(ours.keys(), theirs.keys())
        for name, content in ours.items():
            self.assertTrue(content == theirs[name], f"{name} differs")
        description = interrupted.description
        self.assertLess(description["BillableTimeInSeconds"], description["TrainingTimeInSeconds"])

    def test_a_stop_ends_within_a_minute_with_the_model_so_far(self) -> None:
        stop = Faults(stop=Trigger(line=r"\[metric\] epoch=1 "))
        outcome = run(sample_request("stopped", SLOW), options=Options(stop))
        self.assertEqual((outcome.status, outcome.description["SecondaryStatus"]), ("Stopped", "Stopped"))
        attempt = outcome.attempts[-1]
        self.assertLess(attempt.stop_seconds or 0, 60)
        self.assertEqual(attempt.exit_code, 0, attempt.log)
        self.assertIs(json.loads(archived(outcome.model)["manifest.json"])["complete"], False)
        self.assertNotIn("FailureReason", outcome.description)

    def test_a_failure_gives_its_reason(self) -> None:
        outcome = run(sample_request("failing", {**SMALL, "epochs": "many"}))
        self.assertEqual(outcome.status, "Failed")
        reason = "^AlgorithmError: UserError: .*`epochs`.*, exit code: 2$"
        self.assertRegex(outcome.description["FailureReason"], reason)
        self.assertIsNone(outcome.model)

    def test_channels_that_cannot_be_written_to_are_enough(self) -> None:
        wanted = sample_request("read-only-channels", SMALL)
        # A mounted channel is a folder.
        folders = {"encoder": ENCODER}
        for name, file in {"sequences": "proteins.fasta", "interactions": "interactions.txt"}.items():
            folders[name] = temporary_folder()
            shutil.copy(sample() / file, folders[name])
        mounted = [channel(name, folder, "FastFile") for name, folder in folders.items()]
        outcome = run({**wanted, "InputDataConfig": mounted})
        self.complete(outcome)

    def test_local_mode_passes_no_argument_and_few_files(self) -> None:
        outcome = run(sample_request("sparse", SMALL), options=Options(shape=Shape.SPARSE))
        self.complete(outcome)

    def test_an_entry_point_of_the_request_replaces_ours(self) -> None:
        wanted = sample_request("embed", {})
        specification = {**wanted["AlgorithmSpecification"], "ContainerEntrypoint": ["dyad", "embed"]}
        specification["ContainerArguments"] = [
            "--sequences", "/opt/ml/input/data/sequences", "--encoder", "/opt/ml/input/data/encoder",
            "--out", "/opt/ml/model/proteins.safetensors", "--max-residues", "50",
        ]
        outcome = run({**wanted, "AlgorithmSpecification": specification})
        self.assertEqual(outcome.status, "Completed", outcome.log)
        self.assertEqual(list(archived(outcome.model)), ["proteins.safetensors", "proteins.safetensors.ids.txt"])

    def test_an_unknown_command_fails_and_says_so(self) -> None:
        wanted = sample_request("unknown", SMALL)
        specification = {**wanted["AlgorithmSpecification"], "ContainerArguments": ["trian"]}
        outcome = run({**wanted, "AlgorithmSpecification": specification})
        self.assertEqual(outcome.status, "Failed")
        self.assertRegex(outcome.description["FailureReason"], "^AlgorithmError: UserError: .*trian.*exit code: 2$")


if __name__ == "__main__":
    unittest.main()
