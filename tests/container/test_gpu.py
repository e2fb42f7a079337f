"""The CUDA image without a GPU. `make image-gpu` takes too long for every change: skipped where it was not made."""

import os
import subprocess
import sys
import unittest

import support
from machine import assert_nothing_of_the_machine
from support import SMALL, sample_request

import emulator

IMAGE = os.environ.get("IMAGE_GPU", "dyad:gpu")
CPU = support.IMAGE


def _reason() -> str | None:
    """Why there is nothing to test."""
    try:
        # The second makes the sample.
        found = [subprocess.run(["docker", "image", "inspect", image], capture_output=True) for image in (IMAGE, CPU)]
    except FileNotFoundError:
        return "there is no Docker"
    if any(inspected.returncode for inspected in found):
        return f"there is no image `{IMAGE}`, or none that makes the sample: run `make image image-gpu`"
    return None


class Gpu(unittest.TestCase):
    """`dyad:gpu`, or what IMAGE_GPU names."""

    @classmethod
    def setUpClass(cls) -> None:
        if reason := _reason():
            print(f"skipped: Gpu: {reason}", file=sys.stderr)
            raise unittest.SkipTest(reason)

    def run_on(self, device: str) -> emulator.Outcome:
        """A small job on a device."""
        settings = {**SMALL, "device": device}
        wanted = sample_request(f"gpu-{device}", settings, EnableNetworkIsolation=True)
        return emulator.run(emulator.Image(IMAGE, read_only=True), wanted)

    def test_it_holds_nothing_of_the_machine_that_built_it(self) -> None:
        variables = {"PATH", "LD_LIBRARY_PATH", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES"}
        assert_nothing_of_the_machine(self, IMAGE, variables)

    def test_every_library_that_the_program_names_is_there(self) -> None:
        # What `ldd` does: the loader lists what it would load.
        command = ["docker", "run", "--rm", "--env", "LD_TRACE_LOADED_OBJECTS=1", IMAGE]
        listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        self.assertIn("libtorch_cuda.so => /usr/local/libtorch/lib/libtorch_cuda.so", listed)
        self.assertIn("libcublasLt.so", listed)
        self.assertNotIn("not found", listed)

    def test_it_computes_on_the_cpu(self) -> None:
        outcome = self.run_on("cpu")
        self.assertEqual(outcome.status, "Completed", outcome.log)
        self.assertIn("device: libtorch cpu", outcome.log)

    def test_it_refuses_cuda_where_there_is_no_driver(self) -> None:
        outcome = self.run_on("cuda")
        self.assertEqual(outcome.attempts[-1].exit_code, 2)
        reason = "^AlgorithmError: UserError: `device=cuda` was asked for and no CUDA device is usable: .*driver"
        self.assertRegex(outcome.description["FailureReason"], reason)


if __name__ == "__main__":
    unittest.main()
