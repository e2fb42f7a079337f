"""What runs a job: an image in Docker, or the program itself."""

import os
import queue
import signal
import subprocess
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from .layout import HOST, Mount


@dataclass(frozen=True)
class Start:
    """How to start a job on a disk."""

    root: Path
    mounts: list[Mount]
    environment: dict[str, str]
    entrypoint: list[str]
    arguments: list[str]
    isolated: bool


class Running:
    """A job at work: its log line by line, and signals to it."""

    def __init__(self, process: subprocess.Popen[bytes], container: str | None = None):
        self._process, self._container = process, container
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def line(self, timeout: float) -> str | None:
        """The next line of the log with its line end; nothing after `timeout` seconds, or if the log has ended."""
        if self._ended:
            return None
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            return None
        self._ended = line is None
        return line

    def ended(self) -> bool:
        """Whether the job has ended and its log was read to the end."""
        return self._ended

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to process 1; does nothing if it has ended."""
        if self._container:
            kill = ["docker", "kill", "--signal", number.name, self._container]
            # A container that is being made cannot be sent anything yet.
            while subprocess.run(kill, capture_output=True).returncode and self._process.poll() is None:
                time.sleep(0.05)
        elif self._process.poll() is None:
            self._process.send_signal(number)

    def code(self) -> int:
        """Waits for the end, removes the container, and gives the exit code, 128 + signal where one ended it."""
        code = self._process.wait()
        self._reader.join()
        if self._container:
            subprocess.run(["docker", "rm", "--force", "--volumes", self._container], capture_output=True)
        return code if code >= 0 else 128 - code

    def _read(self) -> None:
        assert self._process.stdout
        # Read as bytes: a `\r` must not pass for the end of a line.
        with self._process.stdout as log:
            for line in log:
                self._lines.put(line.decode("utf-8", "replace"))
        self._lines.put(None)


class Engine(Protocol):
    """Something that starts jobs."""

    def start(self, start: Start) -> Running:
        """Starts a job."""
        ...


@dataclass(frozen=True)
class Image:
    """An image in Docker. `read_only` gives it a root file system that nothing can be written to, `/tmp` excepted."""

    name: str
    read_only: bool = False
    #: More arguments of `docker run`, such as `--gpus all`, `--network host`.
    options: list[str] = field(default_factory=list)

    def start(self, start: Start) -> Running:
        """Starts a container."""
        container = f"emulator-{uuid.uuid4().hex[:12]}"
        command = ["docker", "run", "--name", container, "--hostname", HOST, "--volume", f"{start.root}:/opt/ml"]
        for mount in start.mounts:
            command += ["--volume", f"{mount.source}:/opt/ml/{mount.target}:ro"]
        for name, value in start.environment.items():
            command += ["--env", f"{name}={value}"]
        if start.isolated:
            command += ["--network", "none"]
        if self.read_only:
            command += ["--read-only", "--tmpfs", "/tmp"]
        if start.entrypoint:
            command += ["--entrypoint", start.entrypoint[0]]
        command += [*self.options, self.name, *start.entrypoint[1:], *start.arguments]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return Running(process, container)


@dataclass(frozen=True)
class Program:
    """The program without a container: quick, but nothing is read-only and the network is that of this machine."""

    path: Path

    def start(self, start: Start) -> Running:
        """Starts the process on a root that it is told of."""
        for mount in start.mounts:
            target = start.root / mount.target
            target.rmdir()
            target.symlink_to(mount.source)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DYAD_")}
        environment = {**kept, **start.environment, "SAGEMAKER_BASE_DIR": str(start.root)}
        command = [*start.entrypoint, *start.arguments] if start.entrypoint else [str(self.path), *start.arguments]
        process = subprocess.Popen(
            command, env=environment, cwd=start.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return Running(process)
