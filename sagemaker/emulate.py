#!/usr/bin/env python3
"""Runs a CreateTrainingJob request on this machine as SageMaker would, spot interruptions included.

The request is JSON as the API takes it, with `file:///folder` for each `s3://` address. The log goes to standard error,
what DescribeTrainingJob would answer to standard output. The exit code is 0 for Completed and Stopped, 1 for Failed,
2 for a request that the platform would refuse.
"""

import argparse
import json
import sys
from pathlib import Path

from emulator import Faults, Image, Interruption, Options, Program, RequestError, Shape, Trigger, run


def main() -> int:
    """Runs the command."""
    arguments = _arguments().parse_args()
    text = sys.stdin.read() if arguments.request == "-" else Path(arguments.request).read_text()
    # So that a committed example can name folders.
    request = json.loads(text.replace("file:///HERE", Path.cwd().as_uri()))
    engine = Program(arguments.binary.absolute()) if arguments.binary else Image(arguments.image, arguments.read_only)
    options = Options(
        faults=_faults(arguments),
        shape=Shape.SPARSE if arguments.sparse else Shape.FULL,
        sync_interval=arguments.sync_interval,
        spot_discount=arguments.spot_discount,
        log=lambda line: print(line, end="", file=sys.stderr, flush=True),
    )
    try:
        outcome = run(engine, request, options)
    except RequestError as error:
        for problem in error.problems:
            print(f"ValidationException: {problem}", file=sys.stderr)
        return 2
    attempts = [
        {"Ended": attempt.ended, "ExitCode": attempt.exit_code, "Seconds": round(attempt.seconds, 1)}
        for attempt in outcome.attempts
    ]
    json.dump({**outcome.description, "EmulatedAttempts": attempts}, sys.stdout, indent=2)
    print()
    return 1 if outcome.status == "Failed" else 0


def _faults(arguments: argparse.Namespace) -> Faults:
    times = [float(text) for text in arguments.interrupt_after.split(",") if text]
    triggers = [Trigger(seconds=seconds) for seconds in times]
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
    add("request", help="file with the request, or - for standard input; `file:///HERE` is the current folder")
    add("--image", default="dyad:cpu", help="image that runs the job (default: %(default)s)")
    add("--binary", type=Path, help="run this program instead, without a container")
    add("--read-only", action="store_true", help="give the container a read-only root file system")
    add("--sparse", action="store_true", help="the few files of the SDK's local mode, no argument, no checkpoints")
    add("--interrupt-after", default="", metavar="S,..", help="reclaim each attempt's instance after so long")
    add("--interrupt-on", action="append", default=[], metavar="REGEX", help="the same at a line of the log")
    add("--warning", type=float, default=0.0, metavar="S", help="SIGTERM so many seconds before (default: none)")
    add("--stop-after", type=float, metavar="S", help="StopTrainingJob: SIGTERM, SIGKILL after 120 s")
    add("--stop-on", metavar="REGEX", help="StopTrainingJob at a line of the log")
    add("--sync-interval", type=float, default=0.5, metavar="S", help="delay of the checkpoint copy")
    add("--spot-discount", type=float, default=0.7, metavar="SHARE", help="assumed (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
