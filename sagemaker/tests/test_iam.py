"""Policies grant what is needed and nothing else.

`training-storage.json` is tried by whole jobs on a server that enforces policies (the fault matrix, P1 and F7). What
only AWS can enforce is checked against the calls that the SDKs make, and in its form.
"""

import fnmatch
import json
import re
import unittest

from . import FOLDER, requests
import sdk

IAM = FOLDER / "iam"
PLACEHOLDERS = {
    "BUCKET": "bucket", "CHECKPOINT_PREFIX": "checkpoints/", "INPUT_PREFIX": "hint/", "OUTPUT_PREFIX": "models/", "PREFIX": "shared/",
    "REGION": "us-east-1", "ACCOUNT": "000000000000", "REPOSITORY": "dyad", "ROLE": "dyad", "KEY_ID": "0123", "SUBNET_ID": "subnet-0",
    "SECURITY_GROUP_ID": "sg-0",
}
# Every action that a policy grants, and what for.
EXPECTED = {
    "execution": {
        "s3:GetObject": "copying input to the instance", "s3:ListBucket": "finding input", "s3:PutObject": "the model",
        "logs:CreateLogGroup": "log", "logs:CreateLogStream": "log", "logs:PutLogEvents": "log",
        "logs:DescribeLogStreams": "log", "cloudwatch:PutMetricData": "metrics",
        "ecr:GetAuthorizationToken": "image", "ecr:BatchCheckLayerAvailability": "image",
        "ecr:GetDownloadUrlForLayer": "image", "ecr:BatchGetImage": "image",
    },
    "checkpoints": {
        "s3:GetObject": "restoring", "s3:PutObject": "keeping", "s3:DeleteObject": "the platform mirrors deletions",
        "s3:ListBucket": "restoring",
    },
    "training-storage": {
        "s3:GetObject": "reading", "s3:PutObject": "creating", "s3:ListBucket": "finding", "s3:DeleteObject": "old checkpoints",
        "s3:AbortMultipartUpload": "giving up a large upload",
    },
    "kms": {
        "kms:Decrypt": "reading", "kms:Encrypt": "the model", "kms:GenerateDataKey": "own writes", "kms:CreateGrant": "volume",
    },
    "vpc": dict.fromkeys(
        (
            "ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface",
            "ec2:DeleteNetworkInterfacePermission", "ec2:DescribeNetworkInterfaces", "ec2:DescribeVpcs",
            "ec2:DescribeDhcpOptions", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups",
        ),
        "an instance in the VPC",
    ),
    "launcher": {
        "sagemaker:CreateTrainingJob": "starting", "sagemaker:DescribeTrainingJob": "following",
        "sagemaker:StopTrainingJob": "the user's way out", "sagemaker:AddTags": "tags of a new job",
        "iam:PassRole": "the platform demands it of whoever names a role", "logs:DescribeLogStreams": "following",
        "logs:GetLogEvents": "following",
    },
    "estimate-live": {"pricing:GetProducts": "`dyad estimate --live`"},
    "push": {
        "ecr:GetAuthorizationToken": "logging in", "ecr:DescribeRepositories": "finding", "ecr:CreateRepository": "the first push",
        "ecr:DescribeImages": "a tag is never moved", "ecr:BatchCheckLayerAvailability": "pushing", "ecr:BatchGetImage": "pushing",
        "ecr:InitiateLayerUpload": "pushing", "ecr:UploadLayerPart": "pushing", "ecr:CompleteLayerUpload": "pushing",
        "ecr:PutImage": "pushing",
    },
    "trust": {"sts:AssumeRole": "the platform acts as the role"},
}
# AWS gives these no resource to name.
WITHOUT_RESOURCE = {
    "cloudwatch:PutMetricData", "ecr:GetAuthorizationToken", "ec2:DescribeNetworkInterfaces", "ec2:DescribeVpcs",
    "ec2:DescribeDhcpOptions", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups", "pricing:GetProducts",
}


def policy(name):
    """A policy with its placeholders filled in."""
    text = IAM.joinpath(f"{name}.json").read_text(encoding="utf-8")
    for placeholder, value in PLACEHOLDERS.items():
        text = re.sub(rf"(?<![A-Z_]){placeholder}(?![A-Z_])", value, text)
    return json.loads(text)


def as_list(value):
    return value if isinstance(value, list) else [value]


def actions(name):
    return {action for statement in policy(name)["Statement"] for action in as_list(statement["Action"])}


def allows(name, action, resource, **context):
    """Whether a policy allows a request, as IAM decides for statements of this form."""
    for statement in policy(name)["Statement"]:
        patterns = as_list(statement["Resource"])
        if action not in as_list(statement["Action"]) or not any(fnmatch.fnmatchcase(resource, p) for p in patterns):
            continue
        conditions = [item for kind in statement.get("Condition", {}).values() for item in kind.items()]
        if all(any(fnmatch.fnmatchcase(context.get(key, ""), p) for p in as_list(want)) for key, want in conditions):
            return True
    return False


class Form(unittest.TestCase):
    def test_each_policy_grants_the_actions_that_have_a_reason(self):
        self.assertEqual({path.stem for path in IAM.glob("*.json")}, set(EXPECTED))
        for name, reasons in EXPECTED.items():
            self.assertEqual(actions(name), set(reasons), name)

    def test_every_statement_is_narrow_and_named(self):
        for name in EXPECTED:
            document = policy(name)
            self.assertEqual(document["Version"], "2012-10-17")
            names = [statement["Sid"] for statement in document["Statement"]]
            self.assertEqual(len(names), len(set(names)), name)
            for statement in document["Statement"]:
                self.assertEqual(statement["Effect"], "Allow")
                for action in as_list(statement["Action"]):
                    self.assertNotIn("*", action, name)
                    if name != "trust" and action not in WITHOUT_RESOURCE:
                        self.assertNotIn("*", as_list(statement["Resource"]), f"{name}: {action}")
            filled = json.dumps(document)
            self.assertEqual(re.findall(r"\b[A-Z]{2,}(?:_[A-Z]+)+\b|\b(?:BUCKET|PREFIX|ACCOUNT|REGION|ROLE)\b", filled), [], name)

    def test_no_account_of_anybody(self):
        for path in IAM.glob("*.json"):
            self.assertEqual(re.findall(r"\d{12}", path.read_text(encoding="utf-8")), [], path.name)


class Reach(unittest.TestCase):
    """What is inside a policy, and what just outside."""

    def test_objects(self):
        bucket, of = "arn:aws:s3:::bucket", "arn:aws:s3:::bucket/"
        prefix = "s3:prefix"
        for name, action, resource, context, expected in (
            ("execution", "s3:GetObject", of + "hint/a.txt", {}, True),
            ("execution", "s3:GetObject", of + "other/a.txt", {}, False),
            ("execution", "s3:PutObject", of + "models/dyad/output/model.tar.gz", {}, True),
            ("execution", "s3:PutObject", of + "hint/a.txt", {}, False),
            ("execution", "s3:DeleteObject", of + "models/x", {}, False),
            ("execution", "s3:ListBucket", bucket, {prefix: "hint/"}, True),
            ("execution", "s3:ListBucket", bucket, {prefix: ""}, False),
            ("checkpoints", "s3:DeleteObject", of + "checkpoints/runs/a", {}, True),
            ("checkpoints", "s3:DeleteObject", of + "models/a", {}, False),
            ("training-storage", "s3:DeleteObject", of + "shared/runs/0/ckpt/1", {}, True),
            ("training-storage", "s3:DeleteObject", of + "shared/cache/v1/x", {}, False),
            ("launcher", "iam:PassRole", "arn:aws:iam::000000000000:role/dyad",
             {"iam:PassedToService": "sagemaker.amazonaws.com"}, True),
            ("launcher", "iam:PassRole", "arn:aws:iam::000000000000:role/dyad", {"iam:PassedToService": "ec2.amazonaws.com"}, False),
            ("launcher", "iam:PassRole", "arn:aws:iam::000000000000:role/admin",
             {"iam:PassedToService": "sagemaker.amazonaws.com"}, False),
        ):
            self.assertEqual(allows(name, action, resource, **context), expected, (name, action, resource))


@unittest.skipUnless(sdk.installed(), "skipped: no SageMaker SDK in this environment: run `make test-sagemaker`")
class Launcher(unittest.TestCase):
    def test_the_calls_of_a_job_that_is_followed_to_its_end(self):
        from .recorder import sent

        code, calls, log = sent(*requests.channels(), *requests.FULL)
        self.assertEqual(code, 0, log)
        self.assertIn("model: s3://bucket/models/", log)
        services = {"DescribeLogStreams": "logs", "GetLogEvents": "logs"}
        made = {f"{services.get(name, 'sagemaker')}:{name}" for name, _ in calls}
        granted = actions("launcher")
        self.assertEqual(made - granted, set())
        # What the SDK never asks for by itself.
        self.assertEqual(granted - made, {"sagemaker:StopTrainingJob", "sagemaker:AddTags", "iam:PassRole"})
        created = next(body for name, body in calls if name == "CreateTrainingJob")
        job = f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{created['TrainingJobName']}"
        self.assertTrue(allows("launcher", "sagemaker:CreateTrainingJob", job))
        self.assertTrue(allows("launcher", "sagemaker:AddTags", job))


if __name__ == "__main__":
    unittest.main()
