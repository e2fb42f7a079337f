"""The emulator itself, with small shell scripts for jobs: needs no engine."""

import json
import os
import unittest
from typing import Any
from unittest import mock

from scripts import Folder
from support import archived

import emulator.runner
from emulator import Faults, Image, Interruption, Options, Shape, Trigger

#: Keeps what it was in the checkpoint folder, and waits.
WAITS = 'cd "$SAGEMAKER_BASE_DIR"; cat model/* scratch checkpoints/step 2>/dev/null; echo x > scratch; '
WAITS += 'echo 1 >> checkpoints/step; echo trained; '


class Jobs(Folder):
    """How jobs end, and what is left of them."""

    def test_a_job_that_completes_leaves_its_archives_and_last_metrics(self) -> None:
        script = 'echo "$1 $TRAINING_JOB_NAME"; echo loss=0.5; echo loss=0.25; echo loss=...; '
        script += 'cd "$SAGEMAKER_BASE_DIR"; '
        outcome = self.run_script(script + "echo m > model/m; echo o > output/data/o; echo u > output/unknown")
        self.assertEqual((outcome.status, outcome.log.splitlines()[0]), ("Completed", "train job"))
        self.assertEqual((archived(outcome.model), archived(outcome.output)), ({"m": b"m\n"}, {"o": b"o\n"}))
        metrics = {metric["MetricName"]: metric["Value"] for metric in outcome.description["FinalMetricDataList"]}
        self.assertEqual(metrics, {"loss": 0.25})

    def test_the_reason_of_a_failure_is_its_first_1024_characters(self) -> None:
        script = """printf 'ä%.0s' {1..2000} > "$SAGEMAKER_BASE_DIR/output/failure"; exit 3"""
        outcome = self.run_script(script)
        self.assertEqual(outcome.description["FailureReason"], f"AlgorithmError: {'ä' * 1024}, exit code: 3")
        self.assertEqual((outcome.status, outcome.model), ("Failed", None))
        self.assertEqual(self.run_script("exit 1").description["FailureReason"], "AlgorithmError: , exit code: 1")

    def test_only_the_checkpoints_outlive_an_interruption(self) -> None:
        options = Options(Faults([Interruption(Trigger(line="trained", seconds=0.5))] * 2), sync_interval=0.02)
        # The third attempt ends by itself.
        script = WAITS + 'echo m > model/m; [ "$(wc -l < checkpoints/step)" = 3 ] || exec sleep 60'
        outcome = self.run_script(script, options)
        logs = [attempt.log.split() for attempt in outcome.attempts]
        self.assertEqual(logs, [["trained"], ["1", "trained"], ["1", "1", "trained"]])
        self.assertEqual([attempt.exit_code for attempt in outcome.attempts], [137, 137, 0])
        statuses = [step["Status"] for step in outcome.description["SecondaryStatusTransitions"]]
        attempt = ["Starting", "Downloading", "Training"]
        self.assertEqual(statuses, (attempt + ["Interrupted"]) * 2 + attempt + ["Uploading", "Completed"])

    def test_what_was_not_copied_before_an_interruption_is_lost(self) -> None:
        options = Options(Faults([Interruption(Trigger(line="trained"))]), sync_interval=30)
        outcome = self.run_script(WAITS + "sleep 0.3", options)
        self.assertEqual([attempt.restored for attempt in outcome.attempts], [0, 0])

    def test_a_clean_exit_after_the_warning_of_a_reclaim_is_no_success(self) -> None:
        options = Options(Faults([Interruption(Trigger(line="trained"), warning=30)]), sync_interval=0.02)
        outcome = self.run_script('trap "sleep 0.3; exit 0" TERM; ' + WAITS + "sleep 1 & wait", options)
        self.assertEqual([attempt.ended for attempt in outcome.attempts], ["Interrupted", "Completed"])

    def test_a_job_is_only_interrupted_on_spot(self) -> None:
        options = Options(Faults([Interruption(Trigger(seconds=0.1))]))
        stopping = {"MaxRuntimeInSeconds": 600}
        outcome = self.run_script("sleep 0.4", options, EnableManagedSpotTraining=False, StoppingCondition=stopping)
        self.assertEqual([attempt.ended for attempt in outcome.attempts], ["Completed"])
        billed = outcome.description
        self.assertEqual(billed["BillableTimeInSeconds"], billed["TrainingTimeInSeconds"])

    def test_who_ignores_a_stop_is_killed_and_keeps_its_model(self) -> None:
        script = """trap "" TERM; echo m > "$SAGEMAKER_BASE_DIR/model/m"; echo ready; while :; do sleep 0.1; done"""
        with mock.patch.object(emulator.runner, "STOP_SECONDS", 0.5):
            outcome = self.run_script(script, Options(Faults(stop=Trigger(line="ready"))))
        self.assertEqual((outcome.status, outcome.attempts[0].exit_code), ("Stopped", 137))
        self.assertEqual(archived(outcome.model), {"m": b"m\n"})
        self.assertNotIn("FailureReason", outcome.description)

    def test_no_job_outlives_the_emulator(self) -> None:
        def give_up(line: str) -> None:
            raise KeyboardInterrupt(line)

        with self.assertRaises(KeyboardInterrupt) as ended:
            self.run_script("echo $$; exec sleep 60", Options(log=give_up))
        with self.assertRaises(ProcessLookupError):
            os.kill(int(str(ended.exception)), 0)

    def test_the_time_limit_counts_all_attempts(self) -> None:
        options = Options(Faults([Interruption(Trigger(seconds=0.7))]))
        stopping = {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 2}
        outcome = self.run_script("exec sleep 30", options, StoppingCondition=stopping)
        self.assertEqual([attempt.ended for attempt in outcome.attempts], ["Interrupted", "MaxRuntimeExceeded"])
        self.assertEqual(outcome.status, "Stopped")
        self.assertLess(outcome.attempts[1].seconds, 0.7)


class Disk(Folder):
    """What a job finds."""

    def channels(self) -> list[dict[str, Any]]:
        """One copied and one mounted channel."""
        source = self.folder / "input/below"
        source.mkdir(parents=True)
        (source / "a.txt").write_text("a")
        data = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{source.parent.as_uri()}/"}}
        return [
            {"ChannelName": "copied", "DataSource": data},
            {"ChannelName": "mounted", "DataSource": data, "InputMode": "FastFile"},
        ]

    def found(self, shape: Shape) -> list[str]:
        """The files of `input`."""
        script = 'cd "$SAGEMAKER_BASE_DIR/input"; find -L . -type f | sort; echo "arguments: $*"'
        script += '; echo x 2>/dev/null > data/copied/new; cat config/checkpointconfig.json 2>/dev/null'
        outcome = self.run_script(script, Options(shape=shape), InputDataConfig=self.channels())
        self.assertFalse((self.folder / "input/new").exists())
        return outcome.log.splitlines()

    def test_the_platform_writes_all_its_files(self) -> None:
        *files, arguments, checkpoints = self.found(Shape.FULL)
        self.assertEqual(arguments, "arguments: train")
        self.assertEqual(json.loads(checkpoints)["LocalPath"], "/opt/ml/checkpoints")
        for name in ("config/upstreamoutputdataconfig.json", "data/copied-manifest", "data/mounted/below/a.txt"):
            self.assertIn(f"./{name}", files)

    def test_local_mode_writes_few(self) -> None:
        *files, arguments = self.found(Shape.SPARSE)
        config = [f"./config/{name}.json" for name in ("hyperparameters", "inputdataconfig", "resourceconfig")]
        self.assertEqual(files, config + ["./data/copied/below/a.txt", "./data/mounted/below/a.txt"])
        self.assertEqual(arguments, "arguments: ")

    def test_docker_gets_what_the_request_says(self) -> None:
        # A stand-in that says how it was called.
        docker = self.folder / "docker"
        docker.write_text('#!/bin/bash\n[ "$1" != run ] || echo "$@"\n')
        docker.chmod(0o755)
        with mock.patch.dict(os.environ, {"PATH": f"{self.folder}:{os.environ['PATH']}"}):
            wanted = self.request(InputDataConfig=self.channels(), EnableNetworkIsolation=True)
            wanted["AlgorithmSpecification"]["ContainerEntrypoint"] = ["dyad", "embed"]
            command = emulator.run(Image("image:tag", read_only=True), wanted).log
        source = self.folder / "input"
        for part in ("--network none", "--read-only --tmpfs /tmp", f"{source}:/opt/ml/input/data/mounted:ro"):
            self.assertIn(part, command)
        self.assertTrue(command.endswith("--entrypoint dyad image:tag embed\n"), command)


if __name__ == "__main__":
    unittest.main()
