"""The push script, with an `aws`, a `docker` and a `git` that write down what they are asked."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from . import FOLDER

FAKE = """#!/usr/bin/env bash
echo "$(basename "$0") $*" >>"$CALLS"
refuse() { echo "An error occurred ($1) when calling the $2 operation: no" >&2; exit 254; }
case "$(basename "$0") $*" in
    "git status"*) printf '%s' "${DIRTY:-}" ;;
    "git rev-parse"*) echo 0123456789abcdef0123456789abcdef01234567 ;;
    "aws sts"*) [ -z "${NOBODY:-}" ] && echo 000000000000 ;;
    "aws ecr get-login-password"*) echo secret ;;
    "aws ecr describe-repositories"*)
        [ -n "${REPOSITORY_EXISTS:-}" ] || refuse "${REPOSITORIES:-RepositoryNotFoundException}" DescribeRepositories ;;
    "aws ecr describe-images"*) [ -n "${TAG_EXISTS:-}" ] || refuse "${IMAGES:-ImageNotFoundException}" DescribeImages ;;
    "docker image inspect --format"*) echo "${BUILT-0123456789abcdef0123456789abcdef01234567}" ;;
    "docker image inspect"*) [ -z "${NO_IMAGE:-}" ] ;;
    "docker login"*) cat >>"$CALLS" ;;
esac
"""


class Push(unittest.TestCase):
    def run_script(self, *arguments, **environment):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("aws", "docker", "git"):
                path = pathlib.Path(folder, name)
                path.write_text(FAKE, encoding="utf-8")
                path.chmod(0o755)
            calls = pathlib.Path(folder, "calls")
            calls.touch()
            environment |= {"PATH": f"{folder}:{os.environ['PATH']}", "CALLS": str(calls), "AWS_REGION": "eu-west-1"}
            ran = subprocess.run(
                [FOLDER / "push.sh", *arguments], env=environment, capture_output=True, text=True, check=False
            )
            return ran, calls.read_text(encoding="utf-8")

    def test_the_tag_names_version_revision_and_kind(self):
        ran, calls = self.run_script("dyad", "dyad:gpu")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        uri = ran.stdout.strip()
        self.assertRegex(uri, r"^000000000000\.dkr\.ecr\.eu-west-1\.amazonaws\.com/dyad:\d+\.\d+\.\d+-0123456789ab-gpu$")
        self.assertIn(f"docker push {uri}", calls)
        self.assertIn("--image-tag-mutability IMMUTABLE", calls)
        self.assertNotIn("latest", calls)
        self.assertNotIn("secret", ran.stdout + ran.stderr)
        self.assertIn("docker login --username AWS --password-stdin 000000000000.dkr.ecr", calls)

    def test_the_port_of_a_registry_is_no_tag(self):
        for image, end in (
            ("localhost:5000/dyad", "-image"), ("localhost:5000/dyad:cpu", "-cpu"), ("dyad", "-image"),
        ):
            ran, _ = self.run_script("dyad", image)
            self.assertEqual(ran.returncode, 0, ran.stderr)
            self.assertTrue(ran.stdout.strip().endswith(f"-0123456789ab{end}"), ran.stdout)

    def test_what_it_refuses_before_it_pushes(self):
        for environment, part in (
            ({"DIRTY": " M x"}, "uncommitted changes"),
            ({"TAG_EXISTS": "1"}, "is never replaced"),
            ({"NO_IMAGE": "1"}, "make image"),
            ({"BUILT": "f" * 40}, "was built from `" + "f" * 40),
            ({"BUILT": "0123456789abcdef0123456789abcdef01234567-dirty"}, "-dirty` and the clone is at"),
            ({"BUILT": ""}, "was built from `unknown`"),
            ({"IMAGES": "AccessDeniedException"}, "`aws ecr describe-images` failed: An error occurred (AccessDenied"),
            ({"REPOSITORY_EXISTS": "", "REPOSITORIES": "ExpiredTokenException"}, "describe-repositories` failed: An error"),
            ({"NOBODY": "1"}, "no usable credentials"),
        ):
            ran, calls = self.run_script("dyad", **{"REPOSITORY_EXISTS": "1", **environment})
            self.assertEqual(ran.returncode, 1, environment)
            self.assertIn(part, ran.stderr)
            self.assertNotIn("docker push", calls)
            self.assertNotIn("create-repository", calls)

    def test_without_a_repository_it_says_how(self):
        ran, _ = self.run_script()
        self.assertEqual(ran.returncode, 2)
        self.assertIn("sagemaker/push.sh REPOSITORY", ran.stderr)


if __name__ == "__main__":
    unittest.main()
