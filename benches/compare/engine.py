"""Our side: building the bench binary, its backends, its weights."""

import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from work import SIZES

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dyad"
MODELS = CACHE / "bench-models"


class BuildError(Exception):
    """There is nothing to measure."""


class Failed(Exception):
    """A measurement that gave none, with the reason."""


@dataclass
class Engine:
    """The bench binary and what it was built with."""

    binary: Path
    libtorch: Path | None
    left_out: list[str] = field(default_factory=list)

    @classmethod
    def build(cls) -> "Engine":
        """Builds it, with libtorch where that was fetched; BENCH_PROFILE names another profile than `bench`."""
        left_out = []
        libtorch = Path(os.environ.get("LIBTORCH") or ROOT / "libtorch").absolute()
        found = libtorch if (libtorch / "build-version").exists() else None
        if found is None:
            left_out.append(f"Dyad on libtorch: `{libtorch}` is not there, `make libtorch` fetches it")
        command = [os.environ.get("CARGO", "cargo"), "bench", "--no-run", "--bench", "engine", "--message-format=json"]
        command += ["--features", "tch"] if found else []
        command += ["--profile", os.environ["BENCH_PROFILE"]] if "BENCH_PROFILE" in os.environ else []
        built = subprocess.run(command, cwd=ROOT, env=_environment(found), stdout=subprocess.PIPE, text=True)
        if built.returncode:
            raise BuildError("the engine's bench does not build")
        messages = (json.loads(line) for line in built.stdout.splitlines() if line.startswith("{"))
        binaries = [m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "engine"]
        return cls(Path(binaries[-1]), found, left_out)

    def command(self, work: str, **order: Any) -> list[str]:
        """The command for a measurement."""
        return [str(self.binary), json.dumps({"work": work, **order})]

    def environment(self) -> dict[str, str]:
        """What it finds its libraries with."""
        return _environment(self.libtorch)

    def ask(self, work: str, **order: Any) -> dict[str, Any]:
        """What it answers."""
        asked = subprocess.run(self.command(work, **order), env=self.environment(), capture_output=True, text=True)
        if asked.returncode:
            raise Failed(last_line(asked.stderr) or f"it ended with {asked.returncode}")
        answer: dict[str, Any] = json.loads(asked.stdout)
        return answer

    def has(self, backend: str) -> bool:
        """Whether a backend was built in."""
        return self.libtorch is not None if backend.startswith("libtorch") else True

    def encoder(self, size: str) -> Path:
        """A folder with weights of this size: the peers' in the published layout, or random ones of our own."""
        theirs = MODELS / f"esm2_{size}_real"
        if (theirs / "model.safetensors").exists():
            return theirs
        folder = MODELS / f"esm2_{size}_random"
        if not (folder / "model.safetensors").exists():
            print(f"bench: random weights of {size} into {folder}", flush=True)
            shape = {key: value for key, value in asdict(SIZES[size]).items() if key in SHAPE}
            self.ask("weights", folder=str(folder), shape=shape)
        return folder

    def versions(self) -> list[str]:
        """Ours."""
        git = ["git", "-C", str(ROOT)]
        revision = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True).stdout.strip()
        changed = subprocess.run([*git, "status", "--porcelain", "--untracked-files=no"], capture_output=True, text=True)
        dyad = f"Dyad {revision or 'of no revision'}{' with changes' if changed.stdout.strip() else ''}"
        torch = f"libtorch {(self.libtorch / 'build-version').read_text().strip()}" if self.libtorch else "no libtorch"
        return [dyad, torch, f"profile `{os.environ.get('BENCH_PROFILE', 'bench')}`"]


SHAPE = {"layers", "width", "heads", "inner"}


def _environment(libtorch: Path | None) -> dict[str, str]:
    environment = dict(os.environ)
    # `make bench-gpu` runs with the libraries of the CUDA folder in front.
    folders = [os.environ.get("LIBTORCH_RUN"), str(libtorch / "lib") if libtorch else None]
    paths = [folder for folder in [*folders, environment.get("LD_LIBRARY_PATH")] if folder]
    if libtorch:
        environment["LIBTORCH"] = str(libtorch)
        environment["LD_LIBRARY_PATH"] = ":".join(paths)
    return environment


def last_line(text: str) -> str:
    """The last line that says something, without the mark that ours put before it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("error: ") if lines else ""


def processor() -> str:
    """Model, family and width of this machine's processors."""
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    except OSError:
        return platform.processor()
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in fields.get("flags", "").split()]
    kind = f"family {fields.get('cpu family')} model {fields.get('model')}"
    return f"{fields.get('model name', 'unknown')} ({kind}; {', '.join(flags)}), {processors()} processors"


def processors() -> int:
    """How many we may use."""
    return len(os.sched_getaffinity(0))
