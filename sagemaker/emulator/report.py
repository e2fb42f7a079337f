"""What DescribeTrainingJob would answer, as far as a job changes it."""

import math
import re
import time
from dataclasses import dataclass, field
from typing import Any

from .request import Request

#: How much of the failure file becomes the reason.
REASON_CHARACTERS = 1024
#: Messages as jobs show them; that of an interruption is ours.
_MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Interrupted": "The instance was reclaimed; the job starts again",
    "Stopping": "Stopping the training job",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}
#: Secondary statuses after which a job does nothing more, and the status of the job then.
_ENDS = {"Completed": "Completed", "Failed": "Failed", "Stopped": "Stopped", "MaxRuntimeExceeded": "Stopped"}


@dataclass
class Report:
    """The course of a job."""

    request: Request
    #: Seconds since the epoch.
    created: float = field(default_factory=time.time)
    failure: str | None = None
    artifacts: str | None = None
    _transitions: list[tuple[str, float]] = field(default_factory=list)
    _metrics: dict[str, tuple[float, float]] = field(default_factory=dict)

    def enter(self, secondary: str) -> None:
        """A secondary status begins."""
        self._transitions.append((secondary, time.time()))

    def metric_line(self, line: str) -> None:
        """Applies the metric definitions to a line of the log; a value that is no number is not recorded."""
        for definition in self.request.metrics:
            for found in re.finditer(definition["Regex"], line):
                try:
                    self._metrics[definition["Name"]] = float(found[1]), time.time()
                except ValueError:
                    continue

    def training_seconds(self) -> float:
        """From the first download of input to the end, without the time between an interruption and the next start."""
        spans = zip(self._transitions, self._transitions[1:])
        working = ("Downloading", "Training", "Stopping", "Uploading")
        return sum(until - since for (status, since), (_, until) in spans if status in working)

    def describe(self, spot_discount: float) -> dict[str, Any]:
        """The answer. The platform shows a spot discount as fewer billable seconds; how many, nobody knows before."""
        secondary, ended = self._transitions[-1]
        seconds = math.ceil(self.training_seconds())
        billable = math.ceil(round(seconds * (1 - spot_discount), 6)) if self.request.spot else seconds
        started = next((since for status, since in self._transitions if status == "Training"), None)
        answer: dict[str, Any] = {
            **self.request.given,
            "TrainingJobArn": arn(self.request.name),
            "TrainingJobStatus": _ENDS.get(secondary, "InProgress"),
            "SecondaryStatus": secondary,
            "CreationTime": self.created,
            "TrainingStartTime": started,
            "TrainingEndTime": ended,
            "LastModifiedTime": ended,
            "SecondaryStatusTransitions": self._spans(),
            "FinalMetricDataList": [
                {"MetricName": name, "Value": value, "Timestamp": when}
                for name, (value, when) in self._metrics.items()
            ],
            "TrainingTimeInSeconds": seconds,
            "BillableTimeInSeconds": billable,
        }
        if self.artifacts:
            answer["ModelArtifacts"] = {"S3ModelArtifacts": self.artifacts}
        if self.failure is not None:
            answer["FailureReason"] = self.failure
        return answer

    def _spans(self) -> list[dict[str, Any]]:
        ends = [since for _, since in self._transitions[1:]] + [self._transitions[-1][1]]
        return [
            {"Status": status, "StartTime": since, "EndTime": end, "StatusMessage": _MESSAGES[status]}
            for (status, since), end in zip(self._transitions, ends)
        ]


def failure_reason(text: str, code: int) -> str:
    """The platform's wording around what a job wrote into its failure file."""
    return f"AlgorithmError: {text[:REASON_CHARACTERS]}, exit code: {code}"


def arn(name: str) -> str:
    """The job's name as the platform writes it out."""
    return f"arn:aws:sagemaker:us-east-1:111111111111:training-job/{name}"
