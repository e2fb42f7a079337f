"""Small shell scripts for jobs, which need no engine."""

import tempfile
import unittest
from pathlib import Path
from typing import Any

import support  # noqa: F401  (it says where the emulator lies)

import emulator
from emulator import Options, Outcome, Program


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
