"""Keeps the drawing process alive from the page's process."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from engine.errors import StageError
from studio.jobs import presence, queue
from studio.store.home import Home
from studio.store.tables import new_id

_FIRST_DELAY, _LONGEST_DELAY = 0.2, 30.0
_HEALTHY_SECONDS = 60.0
_PATIENCE = 3  # so many workers die one after another before they begin, then people are told
_STOP_SECONDS = 8.0
_LONGEST_LOG = 4_000_000
_ROOT = Path(__file__).resolve().parents[2]
log = logging.getLogger(__name__)


class Supervisor:
    """Starts the worker, and again when it dies (slower when it dies young), and stops it at the end."""

    def __init__(self, home: Home, painter: str | None = None) -> None:
        self._home = home
        self._painter = painter
        self._closing = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """The worker's process id, while there is one."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    def start(self) -> None:
        """Starts the worker in the background; once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Lets the worker hand back its job and leave; kills it when it does not."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        delay, unstarted, told = _FIRST_DELAY, 0, False
        while not self._closing.is_set():
            began = time.monotonic()
            try:
                if unstarted >= _PATIENCE:
                    told = True
                    presence.cannot_start(self._home.database)
                unstarted += 1
                if self._run_worker(new_id()):
                    unstarted = 0
            except (StageError, OSError) as error:  # a full disk, say: the page lives, and we try again
                log.error("the drawing process cannot be started or cleared away: %s", error)
            except Exception:  # without this thread nothing would be drawn any more, and nobody told
                log.exception("the drawing process cannot be started or cleared away")
            healthy = time.monotonic() - began > _HEALTHY_SECONDS
            delay = _FIRST_DELAY if healthy else min(delay * 2, _LONGEST_DELAY)
            self._closing.wait(delay)
        if told:
            with suppress(Exception):  # a studio that is in trouble can be closed all the same
                presence.take_back(self._home.database)

    def _run_worker(self, worker_id: str) -> bool:
        """One life of a worker; what it leaves unfinished goes back to the queue at once. Whether it began to
        work, or left because it was asked to.
        """
        path = self._home.worker_log
        if path.exists() and path.stat().st_size > _LONGEST_LOG:
            path.replace(path.with_suffix(".old.log"))
        with path.open("ab") as output:
            self._child = child = self._spawn(worker_id, output.fileno())
        while child.poll() is None and not self._closing.wait(0.1):
            pass
        asked = child.poll() is None  # it lives: we are closing
        if asked:
            _stop(child)
        assert child.stdin is not None
        child.stdin.close()
        began = asked or child.returncode == 0 or presence.began(self._home.database, worker_id)
        queue.release(self._home.database, worker_id, asked=asked)
        return began

    def _spawn(self, worker_id: str, output: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "studio.jobs.worker", "--follow-stdin"]
        command += ["--home", str(self._home.root), "--id", worker_id]
        if self._painter is not None:
            command += ["--painter", self._painter]
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C in the terminal is the page's to answer
        )


def _stop(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin is not None
    child.stdin.close()
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
