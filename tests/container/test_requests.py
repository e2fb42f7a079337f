"""Requests as the emulator reads them, and what it answers: needs no engine."""

import unittest
from unittest import mock

from scripts import Folder

from emulator import Request, RequestError
from emulator.report import Report


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


if __name__ == "__main__":
    unittest.main()
