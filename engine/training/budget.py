"""A budget of minutes: the learning rate over it, and what is due every so often."""

from __future__ import annotations

import time

from engine.training.data_parallel import Team


class Budget:
    """A wall-clock budget: the learning rate is constant and decays over the last part of it."""

    def __init__(
        self, minutes: float, decay: float = 0.4, warmup: int = 40, team: Team | None = None
    ) -> None:
        self.seconds, self.decay, self.warmup = minutes * 60, decay, warmup
        self.team = team or Team()
        self.begun = time.monotonic()
        self.processed = time.process_time()
        self.steps, self.fraction = 0, 0.0

    @property
    def cpu_hours(self) -> float:
        """Hours of processor time since the budget began, over all threads and the whole team."""
        return self.team.size * (time.process_time() - self.processed) / 3600

    @property
    def spent(self) -> bool:
        """Whether the time is over, by the leader's clock; asked once a step, by the whole team."""
        elapsed = time.monotonic() - self.begun
        self.fraction = self.team.agree(elapsed / self.seconds if self.seconds > 0 else 1.0)
        return self.fraction >= 1

    def factor(self) -> float:
        """The factor on the learning rate for the next step; counts the step."""
        self.steps += 1
        rise = min(1.0, self.steps / self.warmup)
        fall = max(0.01, (1 - self.fraction) / self.decay) if self.fraction > 1 - self.decay else 1.0
        return rise * min(1.0, fall)


class Every:
    """True once in so many seconds."""

    def __init__(self, seconds: float, first: float | None = None) -> None:
        self.seconds = seconds
        self.next = time.monotonic() + (seconds if first is None else first)

    def __call__(self) -> bool:
        if time.monotonic() < self.next:
            return False
        self.next = time.monotonic() + self.seconds
        return True
