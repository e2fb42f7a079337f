"""The template of the bucket: private, encrypted, and tidy without losing what was computed."""

import unittest

from . import FOLDER

try:
    import yaml
except ImportError:
    yaml = None


def template():
    """The template with its short forms (`!Ref x`) as `{"Ref": "x"}`."""

    class Loader(yaml.SafeLoader):
        pass

    def construct(loader, suffix, node):
        if isinstance(node, yaml.ScalarNode):
            value = loader.construct_scalar(node)
        elif isinstance(node, yaml.SequenceNode):
            value = loader.construct_sequence(node, deep=True)
        else:
            value = loader.construct_mapping(node, deep=True)
        return {suffix: value}

    Loader.add_multi_constructor("!", construct)
    return yaml.load(FOLDER.joinpath("bucket.yaml").read_text(encoding="utf-8"), Loader)  # noqa: S506


@unittest.skipUnless(yaml, "skipped: no PyYAML in this environment: run `make test-sagemaker`")
class Bucket(unittest.TestCase):
    def setUp(self):
        self.template = template()
        self.bucket = self.template["Resources"]["Bucket"]
        self.properties = self.bucket["Properties"]

    def test_it_is_private_and_encrypted_and_outlives_its_stack(self):
        self.assertEqual(set(self.properties["PublicAccessBlockConfiguration"].values()), {True})
        self.assertEqual(len(self.properties["PublicAccessBlockConfiguration"]), 4)
        [rule] = self.properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        self.assertEqual(rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"], {"If": ["HasKey", "aws:kms", "AES256"]})
        self.assertEqual(self.bucket["DeletionPolicy"], "Retain")
        self.assertEqual(self.bucket["UpdateReplacePolicy"], "Retain")
        statement = self.template["Resources"]["TlsOnly"]["Properties"]["PolicyDocument"]["Statement"][0]
        self.assertEqual((statement["Effect"], statement["Condition"]), ("Deny", {"Bool": {"aws:SecureTransport": "false"}}))

    def test_no_rule_takes_embeddings_unasked_or_models_at_all(self):
        rules = self.properties["LifecycleConfiguration"]["Rules"]
        asked = [rule for rule in rules if "If" in rule]
        always = {rule["Id"]: rule for rule in rules if "If" not in rule}
        self.assertEqual(set(always), {"AbortUnfinishedUploads", "ExpireCheckpointsOfRuns"})
        self.assertEqual(always["AbortUnfinishedUploads"]["AbortIncompleteMultipartUpload"], {"DaysAfterInitiation": 1})
        self.assertNotIn("ExpirationInDays", always["AbortUnfinishedUploads"])
        self.assertEqual(always["ExpireCheckpointsOfRuns"]["Prefix"], {"Sub": "${CheckpointPrefix}runs/"})
        for rule in asked:
            condition, rule, otherwise = rule["If"]
            self.assertEqual((condition, otherwise), ("ExpiresCache", {"Ref": "AWS::NoValue"}))
            self.assertTrue(rule["Prefix"]["Sub"].endswith("cache/"), rule)
        self.assertEqual(self.template["Parameters"]["CacheDays"]["Default"], 0)

    def test_every_reference_leads_somewhere(self):
        known = set(self.template["Parameters"]) | set(self.template["Resources"]) | {"AWS::NoValue"}

        def walk(value):
            if isinstance(value, dict):
                if set(value) == {"Ref"}:
                    self.assertIn(value["Ref"], known)
                if set(value) == {"If"}:
                    self.assertIn(value["If"][0], self.template["Conditions"])
                for inner in value.values():
                    walk(inner)
            elif isinstance(value, list):
                for inner in value:
                    walk(inner)

        walk(self.template)


if __name__ == "__main__":
    unittest.main()
