"""What no image may hold: anything of the machine that built it."""

import io
import json
import re
import subprocess
import tarfile
import unittest
from pathlib import Path

from support import docker

_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def assert_nothing_of_the_machine(test: unittest.TestCase, image: str, variables: set[str]) -> None:
    """Looks at history, environment and certificate authorities of an image that sets these variables."""
    history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image)
    for word in ("BEGIN CERT", "EXTRA_CA", "SECRET", "TOKEN", "PASSWORD", "AKIA", "PROXY", "proxy"):
        test.assertNotIn(word, history)
    environment = json.loads(docker("image", "inspect", image))[0]["Config"]["Env"]
    test.assertEqual({variable.split("=")[0] for variable in environment}, variables)
    trusted = set(_CERTIFICATE.findall(_file(image, "/etc/ssl/certs/ca-certificates.crt").replace("\r", "")))
    test.assertTrue(trusted)
    for own in Path("/usr/local/share/ca-certificates").glob("*.crt"):
        found = trusted.intersection(_CERTIFICATE.findall(own.read_text().replace("\r", "")))
        test.assertFalse(found, own.name)


def _file(image: str, path: str) -> str:
    """A file of an image."""
    container = docker("create", image).strip()
    try:
        copied = subprocess.run(["docker", "cp", f"{container}:{path}", "-"], check=True, capture_output=True).stdout
    finally:
        docker("rm", container)
    with tarfile.open(fileobj=io.BytesIO(copied)) as members:
        content = members.extractfile(members.getmembers()[0])
        assert content
        return content.read().decode()
