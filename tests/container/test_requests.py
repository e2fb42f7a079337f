"""Requests as the emulator reads them, and what it answers: needs no engine."""

import unittest
from typing import Any
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
            Environment={"A": "\0"},
            InputDataConfig=[{
                "ChannelName": "train", "InputMode": "Pipe",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/train/"}},
            }],
        )
        with self.assertRaises(RequestError) as refused:
            Request.parse(wanted)
        text = "\n".join(refused.exception.problems)
        for part in ("a final `/`", "below /opt/ml", "HyperParameters.epochs", "NUL", "`Pipe`", "s3://bucket/train/"):
            self.assertIn(part, text)

    def test_parts_of_another_type_are_named_and_read_no_further(self) -> None:
        cases: list[tuple[Any, list[str]]] = [
            ([], ["JSON object"]),
            (None, ["JSON object"]),
            (self.request(AlgorithmSpecification=None), ["`AlgorithmSpecification` is `None`: expected an object"]),
            (self.request(InputDataConfig=[3], Tags="x"), ["InputDataConfig[0]", "`Tags` is `x`"]),
            (self.request(CheckpointConfig=None), ["`CheckpointConfig` is `None`"]),
            (self.request(CheckpointConfig={"S3Uri": 5, "LocalPath": 5}), ["S3Uri", "LocalPath"]),
            (self.request(OutputDataConfig={"S3OutputPath": ["x"]}), ["S3OutputPath"]),
            (self.request(OutputDataConfig={"S3OutputPath": "file://[x"}), ["file://[x"]),
            (self.request(InputDataConfig=[self.channel("a" * 300)]), ["there is nothing at"]),
            (self.request(InputDataConfig=[{**self.channel("."), "ChannelName": []}]), ["ChannelName"]),
        ]
        cases += [(self.request(InputDataConfig=[{**self.channel("."), "ChannelName": name}]), ["ChannelName"])
                  for name in (".", "..")]
        for wanted, parts in cases:
            with self.subTest(parts=parts), self.assertRaises(RequestError) as refused:
                Request.parse(wanted)
            text = "\n".join(refused.exception.problems)
            for part in parts:
                self.assertIn(part, text)

    def channel(self, name: str) -> dict[str, Any]:
        """A channel with the input of that name."""
        source = {"S3DataType": "S3Prefix", "S3Uri": f"{self.folder.as_uri()}/{name}"}
        return {"ChannelName": "train", "DataSource": {"S3DataSource": source}}

    def test_a_discount_is_shown_as_fewer_billable_seconds(self) -> None:
        report = Report(Request.parse(self.request()))
        with mock.patch("time.time", side_effect=[0, 10, 20, 110, 120, 130, 220]):
            for status in ("Starting", "Downloading", "Training", "Interrupted", "Starting", "Training", "Completed"):
                report.enter(status)
        described = report.describe(spot_discount=0.7)
        self.assertEqual((described["TrainingTimeInSeconds"], described["BillableTimeInSeconds"]), (190, 57))


if __name__ == "__main__":
    unittest.main()
