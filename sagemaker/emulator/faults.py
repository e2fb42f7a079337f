"""What happens to a job from outside, and when."""

import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Trigger:
    """A moment of an attempt: `seconds` after its start or, where there is a `line`, after the `nth` line of the log
    that matches it.
    """

    seconds: float = 0.0
    line: str | None = None
    nth: int = 1

    def watch(self) -> "Watch":
        """A watch of one attempt."""
        return Watch(self)


class Watch:
    """Looks out for a trigger."""

    def __init__(self, trigger: Trigger):
        self._trigger, self._seen = trigger, 0
        self._from: float | None = 0.0 if trigger.line is None else None

    def due(self, elapsed: float, line: str | None) -> bool:
        """Whether the moment has come, `elapsed` seconds after the start, now that `line` was logged."""
        wanted = self._trigger.line
        if self._from is None and line is not None and wanted is not None and re.search(wanted, line):
            self._seen += 1
            if self._seen == self._trigger.nth:
                self._from = elapsed
        return self._from is not None and elapsed >= self._from + self._trigger.seconds


@dataclass(frozen=True)
class Interruption:
    """A reclaimed spot instance. With a `warning` the job gets SIGTERM and so many seconds; without, only SIGKILL.

    Whether the platform warns is not documented, so jobs have to live with both.
    """

    when: Trigger
    warning: float = 0.0


@dataclass(frozen=True)
class Faults:
    """Interruptions, of one attempt after the other, and a StopTrainingJob in the first attempt that has none."""

    interruptions: list[Interruption] = field(default_factory=list)
    stop: Trigger | None = None
