#!/usr/bin/env python3
"""Runs a CreateTrainingJob request on this machine as SageMaker would, spot interruptions included.

The request is JSON as the API takes it, with `file:///folder` for each `s3://` address. The log goes to standard error,
what DescribeTrainingJob would answer to standard output. The exit code is 0 for Completed and Stopped, 1 for Failed,
2 for a request that the platform would refuse or that cannot be run here.
"""

import argparse
import json
import re
import signal
import sys
from pathlib import Path
from typing import Any

from emulator import Faults, Image, Interruption, Options, Program, RequestError, Shape, Trigger, run


def main() -> int:
    """Runs the command."""
    arguments = _arguments().parse_args()
    signal.signal(signal.SIGTERM, _terminate)
    engine = Program(arguments.binary.absolute()) if arguments.binary else Image(arguments.image, arguments.read_only)
    options = Options(
        faults=_faults(arguments),
        shape=Shape.SPARSE if arguments.sparse else Shape.FULL,
        sync_interval=arguments.sync_interval,
        spot_discount=arguments.spot_discount,
        log=lambda line: print(line, end="", file=sys.stderr, flush=True),
    )
    try:
        outcome = run(engine, _request(arguments), options)
    except RequestError as error:
        for problem in error.problems:
            print(f"ValidationException: {problem}", file=sys.stderr)
        return 2
    except (OSError, Unreadable) as error:
        print(f"emulate: {error}", file=sys.stderr)
        return 2
    attempts = [
        {"Ended": attempt.ended, "ExitCode": attempt.exit_code, "Seconds": round(attempt.seconds, 1)}
        for attempt in outcome.attempts
    ]
    json.dump({**outcome.description, "EmulatedAttempts": attempts}, sys.stdout, indent=2)
    print()
    return 1 if outcome.status == "Failed" else 0


class Unreadable(Exception):
    """A request that is no JSON text."""


def _terminate(*_: object) -> None:
    """Ends as Ctrl-C does, so that the job ends with us; who waits for that is not interrupted again."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(128 + signal.SIGTERM)


def _request(arguments: argparse.Namespace) -> Any:
    try:
        text = sys.stdin.read() if arguments.request == "-" else Path(arguments.request).read_text(encoding="utf-8")
        # So that a committed example can name folders.
        for name, folder in {"HERE": Path.cwd(), **dict(arguments.place)}.items():
            text = text.replace(f"file:///{name}/", f"{folder.as_uri()}/")
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"`{arguments.request}` is not valid JSON: {error}") from None


def _faults(arguments: argparse.Namespace) -> Faults:
    triggers = [Trigger(seconds=seconds) for seconds in arguments.interrupt_after]
    triggers += [Trigger(line=pattern) for pattern in arguments.interrupt_on]
    stop = None
    if arguments.stop_after is not None:
        stop = Trigger(seconds=arguments.stop_after)
    elif arguments.stop_on:
        stop = Trigger(line=arguments.stop_on)
    return Faults([Interruption(trigger, arguments.warning) for trigger in triggers], stop)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("request", help="file with the request, or - for standard input; `file:///HERE/` is the current folder")
    add("--place", action="append", default=[], type=_place, metavar="NAME=FOLDER", help="what `file:///NAME/` is")
    add("--image", default="dyad:cpu", help="image that runs the job (default: %(default)s)")
    add("--binary", type=Path, help="run this program instead, without a container")
    add("--read-only", action="store_true", help="give the container a read-only root file system")
    add("--sparse", action="store_true", help="the few files of the SDK's local mode, no argument, no checkpoints")
    add("--interrupt-after", default=[], type=_times, metavar="S,..", help="reclaim each attempt's instance after so long")
    add("--interrupt-on", action="append", default=[], type=_pattern, metavar="REGEX", help="the same at a line of the log")
    add("--warning", type=_seconds, default=0.0, metavar="S", help="SIGTERM so many seconds before (default: none)")
    add("--stop-after", type=_seconds, metavar="S", help="StopTrainingJob: SIGTERM, SIGKILL after 120 s")
    add("--stop-on", type=_pattern, metavar="REGEX", help="StopTrainingJob at a line of the log")
    add("--sync-interval", type=_seconds, default=0.5, metavar="S", help="delay of the checkpoint copy")
    add("--spot-discount", type=_share, default=0.7, metavar="SHARE", help="assumed (default: %(default)s)")
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    # Longer than any job; also refuses what is no number.
    if not 0 <= seconds <= 1e9:
        raise argparse.ArgumentTypeError(f"`{text}` is no time: write seconds, such as 2.5")
    return seconds


def _times(text: str) -> list[float]:
    try:
        return [_seconds(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"`{text}` is no list of times: write seconds, such as 5,2.5") from None


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"`{text}` is no share: write a number from 0 to 1")
    return share


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"`{text}` is no regular expression: {error}") from None
    return text


def _place(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    if not re.fullmatch("[A-Z]+", name) or not equals:
        raise argparse.ArgumentTypeError(f"`{text}` is not of the form NAME=FOLDER, with NAME in capitals")
    return name, Path(folder).absolute()


if __name__ == "__main__":
    sys.exit(main())
