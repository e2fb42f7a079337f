"""The schema's validator and the program give the same answers."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from . import PROJECT
import hyperparameters

# The binary under test; `make test-sagemaker` builds it.
BINARY = pathlib.Path(os.environ.get("TEST_BINARY", PROJECT / "target/debug/dyad"))

# Every key gets all of these, in every encoding that launchers send.
VALUES = [
    "", " ", "null", "None", "none", "auto", "true", "True", "TRUE", "false", "1", "0", "-1", "+1", "2", "2.0", "2.5", "1e3",
    "1E3", "1e-3", "1e400", ".5", "5.", "0.5", "1.0", "0.0", "-0", "-0.0", "nan", "inf", "1_000", "0x10", "ten", " 7 ",
    '"256"', '"0.1"', '"', '"a', '"auto"', "'2'", "[1, 2]", "[1,2,]", "(1, 2)", "(1,)", "1,2", "1,,2", "[]", "[", "]",
    "['1', '2']", '["1", "2"]', "[1.0]", "[1.5]", "512, 256", "9007199254740993", "9223372036854775807",
    "9223372036854775808", "18446744073709551616", "65536", "65537", "100000", "9" * 5000, "0" * 5000 + "7", "+007",
    "clusters", "proteins", "pairs", "given",
    '"pairs"', "Pairs", "cpu", "cuda", "cuda:0", "cuda:x", "cuda:", "gpu", "f32", "f16", "fail", "restart", "window", "s3://ab",
    "s3://bucket", "s3://bucket/", "s3://bucket/a/b/", "s3://bucket/a//b", "s3://bucket/../b", "s3://Bucket/a", "s3://bucket/a b",
    "S3://bucket/a", "ü", "x" * 300,
    "files", "hint:", "hint:HomoSapiens", '"hint:HomoSapiens"', "hint:Homo sapiens", "hint:../x", "HINT:x", "hint:" + "x" * 64,
    "hint:" + "x" * 65, "https://hint.example.org", "/data/hint.txt",
]


@unittest.skipUnless(BINARY.exists(), f"skipped: no binary at {BINARY}: set TEST_BINARY")
class Agreement(unittest.TestCase):
    """Refused here if and only if refused there."""

    def test_every_key_on_every_value(self):
        known = hyperparameters.schema()
        names = [key["name"] for key in known["hyperparameters"]]
        wrong = []
        for value in VALUES:
            # All keys with one value in one job: the program names each that it refuses.
            refused = self.refused({name: value for name in names})
            for key in known["hyperparameters"]:
                ours = not hyperparameters.parse(key, value)[0]
                if ours != (key["name"] in refused):
                    wrong.append((key["name"], value, "refused here" if ours else "refused by the program"))
        self.assertEqual(wrong, [])

    def test_rules_about_several_keys(self):
        for values in (
            {"test_fraction": "0.6", "validation_fraction": "0.5"},
            {"test_fraction": "0.6", "validation_fraction": "0.5", "split": "given"},
            {"test_fraction": "0.6", "validation_fraction": "2"},
            {"test_fraction": "0.9"},
            {"test_fraction": "0.89"},
        ):
            text = self.answer(values)
            ours = hyperparameters.check(values)
            self.assertEqual(any("a sum below 1" in problem for problem in ours), "a sum below 1" in text, values)

    def refused(self, values):
        text = self.answer(values)
        # Two that exclude each other are no refused value.
        return set(re.findall(r"`(\w+)` = `[^`]*` \(hyperparameters.json\): expected (?!a sum)", text))

    def answer(self, values):
        """What the program says of the hyperparameters, of which one is always unknown: so it stops there."""
        with tempfile.TemporaryDirectory() as root:
            config = pathlib.Path(root, "input/config")
            config.mkdir(parents=True)
            config.joinpath("hyperparameters.json").write_text(json.dumps({**values, "zzz": "1"}), encoding="utf-8")
            environment = {k: v for k, v in os.environ.items() if not k.startswith("DYAD_")}
            environment["SAGEMAKER_BASE_DIR"] = root
            ran = subprocess.run([BINARY, "validate"], env=environment, capture_output=True, text=True, check=False)
        self.assertEqual(ran.returncode, 2, ran.stderr)
        self.assertIn("zzz", ran.stderr)
        return ran.stderr


class Checks(unittest.TestCase):
    def test_all_problems_at_once_and_the_platforms_keys_ignored(self):
        problems = hyperparameters.check(
            {"epochs": "0", "lr": "0.1", "split": "random", "sagemaker_job_name": "x", "_tuning_objective_metric": "y"}
        )
        self.assertEqual(len(problems), 3, problems)
        self.assertIn("`epochs` = `0`: expected an integer from 1 to 10000", problems[0])
        self.assertIn("the nearest is `learning_rate`", problems[1])

    def test_values_are_encoded_as_the_program_reads_them(self):
        keys = {key["name"]: key for key in hyperparameters.schema()["hyperparameters"]}
        cases = [
            ("epochs", 2, 2), ("learning_rate", 1e-3, 1e-3), ("learning_rate", 1e-5, 1e-5), ("bundle_encoder", True, True),
            ("hidden_sizes", [512, 256], [512, 256]), ("hidden_sizes", (8,), [8]), ("max_pairs", None, None),
            ("split", "pairs", "pairs"),
        ]
        for name, value, expected in cases:
            self.assertEqual(hyperparameters.parse(keys[name], hyperparameters.encode(value)), (True, expected), name)

    def test_numbers_of_thousands_of_digits_are_read(self):
        keys = {key["name"]: key for key in hyperparameters.schema()["hyperparameters"]}
        for text, expected in (("9" * 5000, (False, None)), ("+" + "0" * 5000 + "7", (True, 7)), ("0" * 5000, (False, None))):
            self.assertEqual(hyperparameters.parse(keys["epochs"], text), expected)

    def test_defaults_pass(self):
        known = hyperparameters.schema()
        defaults = {key["name"]: key["default"] for key in known["hyperparameters"]}
        self.assertEqual(hyperparameters.check(defaults), [])


if __name__ == "__main__":
    unittest.main()
