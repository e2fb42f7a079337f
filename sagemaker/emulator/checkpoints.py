"""The checkpoint folder and the S3 prefix it is synced with, which a folder stands for.

Known from the developer guide: everything is brought down once at each start; files are copied up while the job runs;
deletions are mirrored; nothing is promised at the end. Known from published containers only: the markers beside a file
and the suffix of files that stay.
"""

import os
import shutil
import threading
from pathlib import Path

UPLOADING, UPLOADED, IGNORED = ".sagemaker-uploading", ".sagemaker-uploaded", ".sagemaker-ignore"

#: Size, time of change and inode: a file that was replaced differs.
Signature = tuple[int, int, int]


class CheckpointSync:
    """Copies what changes in `local` to `remote`, in a thread of its own."""

    def __init__(self, local: Path, remote: Path, interval: float):
        self.local, self.remote, self.interval = local, remote, interval
        self._known: dict[str, Signature] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._repeat, daemon=True)

    def restore(self) -> int:
        """Brings the prefix down; the number of files."""
        self.remote.mkdir(parents=True, exist_ok=True)
        for name, path in _files(self.remote):
            target = self.local / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            self._known[name] = _signature(target)
        return len(self._known)

    def start(self) -> None:
        """Begins to copy."""
        self._thread.start()

    def end(self) -> None:
        """Ends at once, between two files: what is not in S3 by now will not get there."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def step(self) -> None:
        """Copies once what has changed, then mirrors what was deleted."""
        present = set()
        for name, path in _files(self.local):
            present.add(name)
            if self._ended.is_set():
                return
            try:
                self._upload(name, path)
            except FileNotFoundError:
                # The job has replaced or deleted it meanwhile: the next step sees what there is then.
                _marker(path, UPLOADING).unlink(missing_ok=True)
        for name in self._known.keys() - present:
            if (self.local / name).exists():
                continue
            (self.remote / name).unlink(missing_ok=True)
            for suffix in (UPLOADING, UPLOADED):
                _marker(self.local / name, suffix).unlink(missing_ok=True)
            del self._known[name]

    def _repeat(self) -> None:
        while not self._ended.wait(self.interval):
            self.step()

    def _upload(self, name: str, path: Path) -> None:
        before = _signature(path)
        if self._known.get(name) == before:
            return
        uploading, uploaded = _marker(path, UPLOADING), _marker(path, UPLOADED)
        uploaded.unlink(missing_ok=True)
        uploading.touch()
        # An object appears whole or not at all.
        incoming = self.remote.with_name(f"{self.remote.name}.incoming")
        shutil.copyfile(path, incoming)
        if _signature(path) != before:
            incoming.unlink()
            uploading.unlink(missing_ok=True)
            return
        target = self.remote / name
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(incoming, target)
        self._known[name] = before
        os.replace(uploading, uploaded)


def _files(folder: Path) -> list[tuple[str, Path]]:
    """What is synced: neither markers nor files that say they stay."""
    found = []
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if not name.endswith((UPLOADING, UPLOADED, IGNORED)) and path.is_file():
                found.append((str(path.relative_to(folder)), path))
    return sorted(found)


def _marker(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _signature(path: Path) -> Signature:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino
