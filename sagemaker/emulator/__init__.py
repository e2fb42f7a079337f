"""Runs a SageMaker training job on this machine as the platform would, interruptions included.

    request -> layout of /opt/ml -> container or process -> artifacts and description

`run` takes a CreateTrainingJob request whose S3 addresses are `file://` ones, and gives what DescribeTrainingJob would
answer. Each attempt has a disk of its own; only the checkpoint prefix outlives it. docs/container.md says what is
emulated, from which source each fact is known, and what is not.

Needs Python 3.10 and, to run images, a Docker engine. Nothing is contacted.
"""

from .engine import Image, Program
from .faults import Faults, Interruption, Trigger
from .layout import Shape
from .request import Request, RequestError
from .runner import Options, Outcome, run

__all__ = [
    "Faults", "Image", "Interruption", "Options", "Outcome", "Program", "Request", "RequestError", "Shape",
    "Trigger", "run",
]
