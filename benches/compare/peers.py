"""The other side: the peers' scripts and the Python that runs them. Neither is part of Dyad."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from engine import CACHE, MODELS, ROOT, processors

# With these, glibc keeps large buffers instead of giving them back after each operation.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(16 << 30)}
PACKAGES = ["torch", "transformers", "esm-cpp"]


@dataclass
class Peers:
    """Where they are, if they are there."""

    python: Path | None
    scripts: Path | None
    left_out: list[str] = field(default_factory=list)

    @classmethod
    def find(cls) -> "Peers":
        """Scripts below DYAD_TEST_DATA, Python by PEERS_PYTHON or as `make peers` made it."""
        scripts = Path(os.environ.get("DYAD_TEST_DATA") or ROOT.parent / "shared").absolute() / "bench"
        python = Path(os.environ.get("PEERS_PYTHON") or CACHE / "peers/bin/python").absolute()
        if not (scripts / "common.py").exists():
            return cls(None, None, [f"the peers: no scripts in `{scripts}`, DYAD_TEST_DATA names another place"])
        if not python.exists():
            return cls(None, None, [f"the peers: no Python at `{python}`, `make peers` makes one"])
        return cls(python, scripts)

    def missing(self, name: str, size: str) -> str | None:
        """Why a row cannot be measured, if it cannot."""
        if self.python is None:
            return "the peers are not there"
        needed = MODELS / (f"esm2_{size}_q8.gguf" if name.startswith("esmcpp") else f"esm2_{size}/model.safetensors")
        return None if needed.exists() else f"no `{needed}`, `make peers` makes it"

    def command(self, script: str, *arguments: str) -> list[str]:
        """A script with its arguments."""
        return [str(self.python), str((self.scripts or Path()) / script), *arguments, "--threads", str(processors())]

    def environment(self, keep_memory: bool) -> dict[str, str]:
        """What a script runs with."""
        return {**os.environ, "MODELS": str(MODELS), "PYTHONDONTWRITEBYTECODE": "1", **(KEEP_MEMORY if keep_memory else {})}

    def link_models(self, place: Path) -> None:
        """One of the scripts looks for `models` where it is started."""
        (place / "models").symlink_to(MODELS)

    def versions(self) -> list[str]:
        """Theirs."""
        if self.python is None:
            return ["no peers"]
        code = f"import importlib.metadata as m\nfor p in {PACKAGES}: print(p, m.version(p))"
        asked = subprocess.run([str(self.python), "-c", code], capture_output=True, text=True)
        return asked.stdout.splitlines()
