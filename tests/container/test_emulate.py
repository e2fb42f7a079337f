"""The command `sagemaker/emulate.py`: needs no engine."""

import contextlib
import json
import os
import subprocess
import sys
import unittest
from typing import Any

from scripts import Folder
from support import PROJECT

EMULATE = PROJECT / "sagemaker/emulate.py"


class Command(Folder):
    """`sagemaker/emulate.py`."""

    def emulate(self, *arguments: str, **more: Any) -> tuple[int, str, str]:
        """Exit code, output and log."""
        done = subprocess.run(
            [sys.executable, str(EMULATE), "-", *arguments],
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

    def test_what_is_no_request_is_refused_without_a_traceback(self) -> None:
        for text, part in (
            ("{", "emulate: `-` is not valid JSON: "),
            ("[" * 100_000, "emulate: `-` is not valid JSON: "),
            ("[]", "ValidationException: `the request` is `list`"),
            ('{"AlgorithmSpecification": null, "InputDataConfig": [3]}', "ValidationException: `InputDataConfig[0]` is `3`"),
        ):
            self.refused(part, "-", text=text)
        self.refused("emulate: [Errno 2] No such file or directory", "/nonexistent.json")
        self.refused("emulate: [Errno 2] No such file or directory", "-", "--binary", "/nonexistent")

    def test_options_that_cannot_be_read_are_refused(self) -> None:
        for option, value, part in (
            ("--interrupt-after", "x", "write seconds"),
            ("--interrupt-after", "5,,6", "write seconds"),
            ("--interrupt-after", "nan", "write seconds"),
            ("--interrupt-on", "(", "is no regular expression"),
            ("--stop-on", "x{99999999999}", "is no regular expression"),
            ("--stop-after", "-1", "write seconds"),
            ("--warning", "soon", "--warning"),
            ("--spot-discount", "2", "from 0 to 1"),
            ("--place", "here=/tmp", "NAME=FOLDER"),
        ):
            self.refused(part, "-", f"{option}={value}")

    def refused(self, part: str, *arguments: str, text: str | None = None) -> None:
        """The command must refuse this with `part` in its message."""
        done = subprocess.run(
            [sys.executable, str(EMULATE), *arguments],
            input=json.dumps(self.request()) if text is None else text, capture_output=True, text=True,
        )
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertIn(part, done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_no_job_outlives_a_terminated_emulator(self) -> None:
        self.program('trap "" TERM; echo $$; while :; do sleep 0.1; done')
        request = self.folder / "request.json"
        request.write_text(json.dumps(self.request()))
        command = [sys.executable, str(EMULATE), str(request), "--binary", str(self.folder / "job.sh")]
        environment = {**os.environ, "TMPDIR": str(self.folder)}
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as emulating:
            assert emulating.stderr
            job = int(emulating.stderr.readline())
            emulating.terminate()
            self.addCleanup(subprocess.run, ["kill", "-KILL", str(job)], stderr=subprocess.DEVNULL)
            self.assertEqual(emulating.wait(timeout=30), 143)
        with self.assertRaises(ProcessLookupError):
            os.kill(job, 0)
        self.assertEqual(list(self.folder.glob("attempt-*")), [])

    def test_the_example_runs_on_the_folder_that_it_is_given(self) -> None:
        demo = self.folder / "else where"
        (demo / "sample").mkdir(parents=True)
        for name in ("interactions.txt", "proteins.fasta"):
            (demo / "sample" / name).touch()
        self.program('ls "$SAGEMAKER_BASE_DIR"/input/data/*/')
        example = str(PROJECT / "sagemaker/examples/sample.json")
        command = [sys.executable, str(EMULATE), example, "--binary", str(self.folder / "job.sh"), "--place", f"DEMO={demo}"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("proteins.fasta", done.stderr)
        self.assertTrue((demo / "emulated/models/dyad-sample/output/model.tar.gz").is_file())


class Make(Folder):
    """`make emulate`, with a `docker` and a `python3` that write down what they are asked."""

    def test_each_call_makes_the_sample_as_the_user_and_starts_anew(self) -> None:
        for name in ("docker", "python3"):
            program = self.folder / name
            program.write_text('#!/bin/bash\necho "$(basename "$0") $*" >> "$CALLS"\n')
            program.chmod(0o755)
        calls, demo = self.folder / "calls", self.folder / "demo"
        (demo / "emulated/checkpoints").mkdir(parents=True)
        environment = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}", "CALLS": str(calls)}
        command = ["make", "--silent", "-C", str(PROJECT), "emulate", f"DEMO={demo}", "ARGS=--stop-after 3"]
        subprocess.run(command, check=True, env=environment, capture_output=True)
        made, emulated = calls.read_text().splitlines()
        self.assertIn(f"--user {os.getuid()}:{os.getgid()} --volume {demo}:/data", made)
        self.assertIn(f"--place DEMO={demo} --stop-after 3 sagemaker/examples/sample.json", emulated)
        self.assertFalse((demo / "emulated").exists())


if __name__ == "__main__":
    unittest.main()
