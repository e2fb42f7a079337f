"""The build scripts, with a `docker` that writes down what it is asked, and what the Dockerfile says."""

import os
import re
import shutil
import subprocess
import unittest

from support import PROJECT, temporary_folder

DOCKERFILE = PROJECT / "container/Dockerfile"


class Labels(unittest.TestCase):
    """`container/build.sh` in a small clone."""

    def setUp(self) -> None:
        self.clone = temporary_folder() / "clone"
        shutil.copytree(PROJECT / "container", self.clone / "container")
        shutil.copy(PROJECT / "Cargo.toml", self.clone)
        programs = self.clone.parent / "programs"
        programs.mkdir()
        docker = programs / "docker"
        said = '[[ "$1 $2" != "image inspect" ]] || echo 1\n[[ "$1" != build ]] || printf "%s\\n" "$@" >&2\n'
        docker.write_text(f"#!/bin/bash\n{said}")
        docker.chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}

    def git(self, *arguments: str) -> str:
        """The output of a git command in the clone."""
        command = ["git", "-C", str(self.clone), "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def revision(self) -> str:
        """The label that an image built now would have."""
        # The folder above may be in a repository.
        environment = {**self.environment, "GIT_CEILING_DIRECTORIES": str(self.clone.parent)}
        built = subprocess.run(
            [self.clone / "container/build.sh", "cpu", "dyad:test"], env=environment, capture_output=True, text=True,
        )
        self.assertEqual(built.returncode, 0, built.stderr)
        found = re.search(r"^org\.opencontainers\.image\.revision=(.*)$", built.stderr, re.MULTILINE)
        assert found, built.stderr
        return found[1]

    def test_the_revision_says_whether_files_of_it_were_changed(self) -> None:
        self.assertEqual(self.revision(), "unknown")
        self.git("init", "--quiet")
        self.git("add", ".")
        self.git("commit", "--quiet", "--no-gpg-sign", "--message", "all")
        commit = self.git("rev-parse", "HEAD")
        (self.clone / "untracked").write_text("no part of the revision")
        self.assertEqual(self.revision(), commit)
        with (self.clone / "Cargo.toml").open("a") as manifest:
            manifest.write("# changed\n")
        self.assertEqual(self.revision(), f"{commit}-dirty")


class Authorities(unittest.TestCase):
    """Where an image's certificate authorities come from; `machine.py` looks at those of an image that was built."""

    def test_no_stage_that_trusts_what_the_machine_trusts_gives_them(self) -> None:
        stages: dict[str, list[str]] = {}
        parents: dict[str, str] = {}
        for line in DOCKERFILE.read_text().splitlines():
            if found := re.fullmatch(r"FROM (\S+) AS (\S+)", line):
                parents[found[2]] = found[1]
                stages[found[2]] = []
            elif stages:
                list(stages.values())[-1].append(line)
        source = "authorities"
        while source in parents:
            self.assertFalse([line for line in stages[source] if "EXTRA_CA" in line], source)
            source = parents[source]
        bundle = "/etc/ssl/certs/ca-certificates.crt"
        for name in ("cpu-files", "gpu-files"):
            copies = [line for line in stages[name] if bundle in line]
            self.assertEqual(copies, [f"COPY --from=authorities {bundle} /root-of-image{bundle}"])
        self.assertNotIn("ca-certificates", (PROJECT / "container/rootfs.sh").read_text())


if __name__ == "__main__":
    unittest.main()
