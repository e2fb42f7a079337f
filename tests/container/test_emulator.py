"""The emulator itself, with small shell scripts for jobs: needs no engine."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

from support import PROJECT, archived

import emulator.runner
from emulator import Faults, Image, Interruption, Options, Outcome, Program, Request, RequestError, Shape, Trigger
from emulator.checkpoints import CheckpointSync
from emulator.report import Report

#: Keeps what it was in the checkpoint folder, and waits.
WAITS = 'cd "$SAGEMAKER_BASE_DIR"; cat model/* scratch checkpoints/step 2>/dev/null; echo x > scratch; '
WAITS += 'echo 1 >> checkpoints/step; echo trained; '


class Folder(unittest.TestCase):
    """Gives each test a folder."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def request(self, **more: Any) -> dict[str, Any]:
        """A small request."""
        return {
            "TrainingJobName": "job",
            "RoleArn": "arn:aws:iam::111111111111:role/emulated",
            "AlgorithmSpecification": {
                "TrainingImage": "111111111111.dkr.ecr.us-east-1.amazonaws.com/dyad:0.1.0",
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
            },
            "OutputDataConfig": {"S3OutputPath": f"{self.folder.as_uri()}/models/"},
            "CheckpointConfig": {"S3Uri": f"{self.folder.as_uri()}/checkpoints/"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 1200},
            "EnableManagedSpotTraining": True,
            **more,
        }

    def run_script(self, script: str, options: Options | None = None, **more: Any) -> Outcome:
        """Runs a shell script as a job."""
        return emulator.run(self.program(script), self.request(**more), options)

    def program(self, script: str) -> Program:
        """A shell script as a program."""
        path = self.folder / "job.sh"
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)
        return Program(path)


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


class Checkpoints(Folder):
    """The copy in both directions."""

    def setUp(self) -> None:
        super().setUp()
        self.local, self.remote = self.folder / "local", self.folder / "remote"
        self.local.mkdir()
        self.remote.mkdir()
        self.sync = CheckpointSync(self.local, self.remote, 1)

    def names(self, folder: Path) -> list[str]:
        """The files below a folder."""
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

    def test_files_are_copied_marked_and_deleted(self) -> None:
        (self.local / "runs").mkdir()
        (self.local / "runs/a").write_text("1")
        (self.local / "b").write_text("b")
        (self.local / "c.tmp.sagemaker-ignore").write_text("c")
        self.sync.step()
        self.assertEqual(self.names(self.remote), ["b", "runs/a"])
        marked = ["b", "b.sagemaker-uploaded", "c.tmp.sagemaker-ignore", "runs/a", "runs/a.sagemaker-uploaded"]
        self.assertEqual(self.names(self.local), marked)
        (self.local / "b").unlink()
        replaced = self.local / "other.sagemaker-ignore"
        replaced.write_text("2")
        replaced.rename(self.local / "runs/a")
        self.sync.step()
        self.assertEqual(self.names(self.remote), ["runs/a"])
        self.assertEqual((self.remote / "runs/a").read_text(), "2")
        self.assertNotIn("b.sagemaker-uploaded", self.names(self.local))

    def test_what_was_restored_is_not_copied_again_but_its_deletion_is(self) -> None:
        (self.remote / "old").write_text("old")
        (self.remote / "old.sagemaker-uploaded").write_text("")
        self.assertEqual(self.sync.restore(), 1)
        (self.remote / "old").write_text("changed by another job")
        self.sync.step()
        self.assertEqual((self.remote / "old").read_text(), "changed by another job")
        (self.local / "old").unlink()
        self.sync.step()
        self.assertFalse((self.remote / "old").exists())

    def test_objects_of_others_stay(self) -> None:
        self.sync.restore()
        (self.remote / "later").write_text("x")
        self.sync.step()
        self.assertEqual((self.names(self.remote), self.names(self.local)), (["later"], []))

    def test_after_the_end_nothing_is_copied(self) -> None:
        self.sync.end()
        (self.local / "a").write_text("1")
        self.sync.step()
        self.assertEqual(self.names(self.remote), [])


class Requests(Folder):
    """What is refused."""

    def test_all_problems_are_named_at_once(self) -> None:
        wanted = self.request(
            CheckpointConfig={"S3Uri": f"{self.folder.as_uri()}/run-1", "LocalPath": "/tmp/x"},
            HyperParameters={"epochs": 3},
            InputDataConfig=[{
                "ChannelName": "train", "InputMode": "Pipe",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/train/"}},
            }],
        )
        with self.assertRaises(RequestError) as refused:
            Request.parse(wanted)
        text = "\n".join(refused.exception.problems)
        for part in ("end it in `/`", "below /opt/ml", "`epochs`", "`Pipe`", "s3://bucket/train/"):
            self.assertIn(part, text)

    def test_a_discount_is_shown_as_fewer_billable_seconds(self) -> None:
        report = Report(Request.parse(self.request()))
        with mock.patch("time.time", side_effect=[0, 10, 20, 110, 120, 130, 220]):
            for status in ("Starting", "Downloading", "Training", "Interrupted", "Starting", "Training", "Completed"):
                report.enter(status)
        described = report.describe(spot_discount=0.7)
        self.assertEqual((described["TrainingTimeInSeconds"], described["BillableTimeInSeconds"]), (190, 57))


class Command(Folder):
    """`sagemaker/emulate.py`."""

    def emulate(self, *arguments: str, **more: Any) -> tuple[int, str, str]:
        """Exit code, output and log."""
        done = subprocess.run(
            [sys.executable, str(PROJECT / "sagemaker/emulate.py"), "-", *arguments],
            input=json.dumps(self.request(**more)), capture_output=True, text=True,
        )
        return done.returncode, done.stdout, done.stderr

    def test_it_prints_the_description_and_the_log(self) -> None:
        self.program("echo working; sleep 0.5; echo done")
        with contextlib.suppress(FileExistsError):
            (self.folder / "checkpoints").mkdir()
        code, output, log = self.emulate("--binary", str(self.folder / "job.sh"), "--interrupt-on", "working")
        description = json.loads(output)
        self.assertEqual((code, description["TrainingJobStatus"]), (0, "Completed"), log)
        ends = [attempt["Ended"] for attempt in description["EmulatedAttempts"]]
        self.assertEqual(ends, ["Interrupted", "Completed"])
        self.assertEqual(log, "working\nworking\ndone\n")

    def test_exit_codes_tell_a_failure_from_a_refusal(self) -> None:
        self.program("exit 7")
        self.assertEqual(self.emulate("--binary", str(self.folder / "job.sh"))[0], 1)
        code, _, log = self.emulate("--binary", "x", OutputDataConfig={"S3OutputPath": "s3://bucket/models/"})
        self.assertEqual((code, log.startswith("ValidationException: ")), (2, True), log)


if __name__ == "__main__":
    unittest.main()
