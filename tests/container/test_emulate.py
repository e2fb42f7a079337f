"""The command `sagemaker/emulate.py`: needs no engine."""

import contextlib
import json
import subprocess
import sys
import unittest
from typing import Any

from scripts import Folder
from support import PROJECT


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
