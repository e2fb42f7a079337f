"""The real SDK trains with the image in local mode: no AWS account, no call to anybody."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest

from . import FOLDER, PROJECT
import sdk

SDK = sdk.installed()
IMAGE = os.environ.get("IMAGE") or "dyad:cpu"
BINARY = pathlib.Path(os.environ.get("TEST_BINARY", PROJECT / "target/debug/dyad"))


def missing():
    """What keeps local mode from running here, or nothing."""
    if not SDK:
        return "no SageMaker SDK in this environment: run `make test-sagemaker`"
    if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        return "no Docker engine"
    if subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, check=False).returncode:
        return f"no image {IMAGE}: run `make image`"
    compose = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
    if not compose and not shutil.which("docker-compose"):
        return "no Compose (Debian: apt-get install docker-compose)"
    if not BINARY.exists():
        return f"no binary at {BINARY}, which writes the sample: set TEST_BINARY"
    return None


def containers():
    command = ["docker", "ps", "-a", "--filter", f"ancestor={IMAGE}", "--filter", "status=exited", "--format", "{{.Names}}"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


class LocalMode(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        reason = missing()
        if reason and os.environ.get("REQUIRE_ENGINE"):
            raise AssertionError(f"REQUIRE_ENGINE is set: {reason}")
        if reason:
            print(f"skipped: local mode of the SDK: {reason}")
            raise unittest.SkipTest(reason)
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="dyad-local-test-"))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DYAD_")}
        sample = cls.folder / "sample"
        subprocess.run([BINARY, "sample", "--out", sample], env=environment, capture_output=True, check=True)
        for channel, file in (("interactions", "interactions.txt"), ("sequences", "proteins.fasta")):
            cls.folder.joinpath(channel).mkdir()
            shutil.copy(sample / file, cls.folder / channel)
        shutil.copytree(PROJECT / "models/esm2_t6_tiny", cls.folder / "encoder")
        cls.before = containers()

    @classmethod
    def tearDownClass(cls):
        # The SDKs leave their containers behind.
        for name in containers() - cls.before:
            if "algo-1" in name:
                subprocess.run(["docker", "rm", name], capture_output=True, check=False)
        shutil.rmtree(cls.folder, ignore_errors=True)

    def launch(self, output, *arguments, **folders):
        """Runs the launcher with these folders as channels, or with those that train."""
        folders = folders or {name: name for name in ("interactions", "sequences", "encoder")}
        given = [
            word for name, at in folders.items() for word in ("--channel", f"{name}=file://{self.folder}/{at}")
        ]
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DYAD_", "SAGEMAKER_"))
        }
        # Whoever is called does not answer.
        dead = "http://127.0.0.1:9"
        environment |= {
            "AWS_ENDPOINT_URL": dead, "HTTPS_PROXY": dead, "HTTP_PROXY": dead, "https_proxy": dead, "http_proxy": dead,
            "AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "HOME": str(self.folder),
        }
        command = [
            sys.executable, FOLDER / "launch.py", "--image", IMAGE, "--instance-type", "local",
            "--output", f"file://{self.folder}/{output}", *given, *arguments,
        ]
        return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False, timeout=300)

    def test_a_model_comes_out(self):
        ran = self.launch("out", "-H", "epochs=1", "-H", "hidden_sizes=[8, 4]", "-H", "max_proteins=150")
        log = ran.stdout + ran.stderr
        self.assertEqual(ran.returncode, 0, log)
        self.assertIn("[metric] epoch=1 ", log)
        with tarfile.open(self.model(ran)) as archive:
            names = {pathlib.PurePosixPath(name).name: name for name in archive.getnames()}
            read = lambda name: json.load(archive.extractfile(names[name]))  # noqa: E731
            self.assertTrue(read("manifest.json")["complete"])
            config = read("config.json")
            self.assertIn("classifier.safetensors", names)
        self.assertEqual((config["epochs"], config["hidden_sizes"], config["max_proteins"]), (1, [8, 4], 150))

    def test_a_job_that_fails_ends_in_a_message(self):
        self.folder.joinpath("broken").mkdir()
        self.folder.joinpath("broken/proteins.fasta").write_text("MKV\n", encoding="utf-8")
        ran = self.launch("failed", interactions="interactions", sequences="broken", encoder="encoder")
        self.assertEqual(ran.returncode, 1, ran.stdout + ran.stderr)
        self.assertIn("text before the first header", ran.stdout + ran.stderr)
        self.assertTrue(ran.stderr.strip().splitlines()[-1].startswith("launch: "), ran.stderr)

    def test_other_commands(self):
        ran = self.launch("validated", "--command", "validate", "-H", "max_proteins=150")
        if SDK == 3:
            self.assertEqual(ran.returncode, 2, ran.stdout + ran.stderr)
            self.assertIn("local mode of SDK version 3 runs `train` alone", ran.stderr)
            return
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.assertIn("`dyad train` would embed 150 of 150 sequences", ran.stdout + ran.stderr)
        few = self.folder / "few"
        few.mkdir()
        few.joinpath("two.fasta").write_text(">A\nMKVLA\n>B\nGGHKLMN\n", encoding="utf-8")
        ran = self.launch("embedded", "--command", "embed", "-H", "token_budget=64", sequences="few", encoder="encoder")
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        with tarfile.open(self.model(ran)) as archive:
            names = {pathlib.PurePosixPath(name).name for name in archive.getnames()}
        self.assertLessEqual({"embeddings.safetensors", "embeddings.safetensors.ids.txt"}, names)

    def model(self, ran):
        return ran.stdout.strip().splitlines()[-1].removeprefix("model: ").removeprefix("file://")


if __name__ == "__main__":
    unittest.main()
