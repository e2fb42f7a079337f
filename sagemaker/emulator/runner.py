"""A job from its first attempt to its last."""

import shutil
import signal
import tarfile
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .checkpoints import CheckpointSync
from .engine import Engine, Running, Start
from .faults import Faults, Interruption, Trigger, Watch
from .layout import Shape, prepare
from .report import Report, arn, failure_reason
from .request import Request

#: Between SIGTERM and SIGKILL of StopTrainingJob and of a job whose time is up (developer guide).
STOP_SECONDS = 120.0
#: Exit codes of `docker run` for a container that never ran the program.
_NEVER_RAN = (125, 126, 127)
_TICK = 0.02


@dataclass(frozen=True)
class Options:
    """What the request does not say."""

    faults: Faults = field(default_factory=Faults)
    shape: Shape = Shape.FULL
    #: Seconds between two looks at the checkpoint folder. That of the platform is not published.
    sync_interval: float = 0.5
    #: Share of the time that spot does not bill; an assumption.
    spot_discount: float = 0.7
    #: Gets every line of the log.
    log: Callable[[str], None] = lambda line: None
    #: Where the disks of the attempts are made; they are removed again.
    work: Path | None = None


@dataclass(frozen=True)
class Attempt:
    """How one attempt ended."""

    ended: str
    exit_code: int
    log: str
    #: Files that were restored into the checkpoint folder.
    restored: int
    #: From the start of the container to its end.
    seconds: float
    #: From the request to stop to the end of the container.
    stop_seconds: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a job."""

    #: As DescribeTrainingJob would give it.
    description: dict[str, Any]
    attempts: list[Attempt]
    #: Archives that were written, where the job got so far.
    model: Path | None
    output: Path | None

    @property
    def status(self) -> str:
        """Completed, Failed or Stopped."""
        return self.description["TrainingJobStatus"]

    @property
    def log(self) -> str:
        """The log of the last attempt."""
        return self.attempts[-1].log


def run(engine: Engine, request: Any, options: Options | None = None) -> Outcome:
    """Runs a job to its end. Raises `RequestError` for a request that the platform would refuse."""
    options = options or Options()
    job = Request.parse(request)
    report, attempts = Report(job), []
    interruptions = iter(options.faults.interruptions if job.spot else [])
    while True:
        interruption = next(interruptions, None)
        report.enter("Starting")
        with tempfile.TemporaryDirectory(prefix="attempt-", dir=options.work) as disk:
            root = Path(disk, "ml")
            attempt = _attempt(engine, job, root, interruption, report, options)
            attempts.append(attempt)
            if attempt.ended == "Interrupted":
                report.enter("Interrupted")
                continue
            return _finish(job, root, report, attempts, options)


def _attempt(
    engine: Engine, job: Request, root: Path, interruption: Interruption | None, report: Report, options: Options
) -> Attempt:
    """One attempt on an empty disk."""
    report.enter("Downloading")
    mounts = prepare(root, job, options.shape)
    sync = None
    # Local mode has no checkpoints.
    if job.checkpoints and options.shape is Shape.FULL:
        sync = CheckpointSync(root / job.checkpoints.local, job.checkpoints.remote, options.sync_interval)
    restored = sync.restore() if sync else 0
    report.enter("Training")
    started = time.monotonic()
    environment, arguments = _environment(job, options), _arguments(job, options)
    running = engine.start(Start(root, mounts, environment, job.entrypoint, arguments, job.isolated))
    try:
        if sync:
            sync.start()
        return _watch(running, job, interruption, report, options, restored, started)
    except BaseException:
        # Ctrl-C, SIGTERM, or a log that cannot be written: no job goes on without us.
        running.send(signal.SIGKILL)
        running.code()
        raise
    finally:
        # An interrupted job takes with it what was not copied; at an end nothing is promised either.
        if sync:
            sync.end()


def _watch(
    running: Running, job: Request, interruption: Interruption | None, report: Report, options: Options,
    restored: int, started: float,
) -> Attempt:
    """Follows the log, does what is due, and waits for the end."""
    left = max(job.max_runtime - report.training_seconds(), 0)
    due = _Due(interruption, options.faults.stop, left)
    log: list[str] = []
    ended, asked, grace = None, None, 0.0
    while not running.ended():
        line = running.line(_TICK)
        if line is not None:
            log.append(line)
            options.log(line)
            report.metric_line(line)
        now = time.monotonic()
        if ended is None and (found := due.now(now - started, line)):
            ended, grace = found
            asked = now
            if ended != "Interrupted":
                report.enter("Stopping")
            running.send(signal.SIGTERM if grace else signal.SIGKILL)
        if asked is not None and grace and now - asked >= grace:
            running.send(signal.SIGKILL)
            grace = 0.0
    code = running.code()
    finished = time.monotonic()
    if ended is None:
        ended = "Failed" if code else "Completed"
    stop_seconds = None if asked is None else finished - asked
    return Attempt(ended, code, "".join(log), restored, finished - started, stop_seconds)


class _Due:
    """What happens to an attempt from outside, and when."""

    def __init__(self, interruption: Interruption | None, stop: Trigger | None, left: float):
        self._grace = interruption.warning if interruption else STOP_SECONDS
        self._ended = "Interrupted" if interruption else "Stopped"
        trigger = interruption.when if interruption else stop
        self._watch: Watch | None = trigger.watch() if trigger else None
        self._left = left

    def now(self, elapsed: float, line: str | None) -> tuple[str, float] | None:
        """How the attempt ends now, and the seconds between SIGTERM and SIGKILL."""
        if self._watch and self._watch.due(elapsed, line):
            return self._ended, self._grace
        return ("MaxRuntimeExceeded", STOP_SECONDS) if elapsed >= self._left else None


def _environment(job: Request, options: Options) -> dict[str, str]:
    if options.shape is Shape.SPARSE:
        return {"TRAINING_JOB_NAME": job.name, **job.environment}
    return {
        "TRAINING_JOB_NAME": job.name,
        "TRAINING_JOB_ARN": arn(job.name),
        "AWS_REGION": "us-east-1",
        **job.environment,
    }


def _arguments(job: Request, options: Options) -> list[str]:
    """An entry point of the request means that no `train` is passed; local mode of SDK version 3 passes none at all."""
    if job.entrypoint or job.arguments:
        return job.arguments
    return [] if options.shape is Shape.SPARSE else ["train"]


def _finish(job: Request, root: Path, report: Report, attempts: list[Attempt], options: Options) -> Outcome:
    """Uploads what the job leaves, and describes it."""
    last = attempts[-1]
    report.enter("Uploading")
    folder = job.output / job.name / "output"
    folder.mkdir(parents=True, exist_ok=True)
    model = None
    if last.ended == "Failed":
        report.failure = _reason(root, last)
    else:
        model = _archive(root / "model", folder / "model.tar.gz")
        report.artifacts = model.as_uri()
    output = _archive(root / "output/data", folder / "output.tar.gz")
    report.enter(last.ended)
    return Outcome(report.describe(options.spot_discount), attempts, model, output)


def _reason(root: Path, attempt: Attempt) -> str:
    """Why a job failed: what it wrote, or that it never ran."""
    lines = attempt.log.splitlines()
    if attempt.exit_code in _NEVER_RAN and lines and "docker:" in "".join(lines[-3:]):
        return f"ClientError: the container did not start: {' '.join(lines[-3:])}"
    failure = root / "output/failure"
    text = failure.read_text(errors="replace") if failure.is_file() else ""
    return failure_reason(text.strip(), attempt.exit_code)


def _archive(folder: Path, target: Path) -> Path:
    """Packs what is in a folder; the archive appears whole."""
    incoming = target.with_name(target.name + ".incoming")
    with tarfile.open(incoming, "w:gz", compresslevel=1) as archive:
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            archive.add(path, path.name)
    shutil.move(incoming, target)
    return target
