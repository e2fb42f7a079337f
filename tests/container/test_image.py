"""The image itself: what is in it, and what it runs as."""

import json
import subprocess
import tarfile
import unittest

from machine import assert_nothing_of_the_machine
from support import IMAGE, docker, needs_image, temporary_folder

LARGEST = 80_000_000


@needs_image
class Image(unittest.TestCase):
    """`dyad:cpu`, or what IMAGE names."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.described = json.loads(docker("image", "inspect", IMAGE))[0]
        archive = temporary_folder() / "image.tar"
        container = docker("create", IMAGE).strip()
        try:
            docker("export", "--output", str(archive), container)
        finally:
            docker("rm", container)
        with tarfile.open(archive) as members:
            cls.files = {member.name: member for member in members}

    def test_it_is_small_and_holds_no_other_program(self) -> None:
        self.assertLessEqual(self.described["Size"], LARGEST)
        programs = [
            name for name, member in self.files.items()
            if member.size and member.isfile() and member.mode & 0o111 and ".so" not in name
        ]
        self.assertEqual(programs, ["usr/local/bin/dyad"])

    def test_the_program_is_process_1_and_root(self) -> None:
        config = self.described["Config"]
        self.assertEqual(config["Entrypoint"], ["/usr/local/bin/dyad"])
        self.assertIn(config["User"], ("", "0", "root"))
        labels = config["Labels"]
        for label in ("title", "description", "version", "revision", "licenses", "base.name"):
            self.assertTrue(labels.get(f"org.opencontainers.image.{label}"), label)

    def test_it_holds_nothing_of_the_machine_that_built_it(self) -> None:
        assert_nothing_of_the_machine(self, IMAGE, {"PATH"})

    def test_without_a_job_it_explains_itself(self) -> None:
        shown = subprocess.run(["docker", "run", "--rm", IMAGE], capture_output=True, text=True)
        self.assertEqual(shown.returncode, 2)
        self.assertIn("Usage: dyad <COMMAND>", shown.stderr)

    def test_the_small_encoder_is_where_the_help_says(self) -> None:
        script = [
            "run", "--rm", "--read-only", "--network", "none", "--tmpfs", "/tmp", "--volume",
            f"{temporary_folder()}:/data", IMAGE,
        ]
        docker(*script, "sample", "--out", "/data/sample")
        docker(
            *script, "embed", "--sequences", "/data/sample/proteins.fasta", "--encoder", "models/esm2_t6_tiny",
            "--max-residues", "20", "--cache", "/tmp/cache", "--out", "/data/proteins.safetensors",
        )


if __name__ == "__main__":
    unittest.main()
