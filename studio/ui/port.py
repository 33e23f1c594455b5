"""Where the page is served. Loads no Gradio: a port that is taken is told at once."""

from __future__ import annotations

import os
import socket

from engine.errors import StageError

FIRST_PORT = 7860


def check_port(port: int) -> None:
    """Raises StageError when somebody else listens there, before anything is started."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"), port))
        except OSError as error:
            raise StageError(no_port(port)) from error


def no_port(port: int | None) -> str:
    """What to say where no page can be served."""
    if port is None:
        return f"No port from {FIRST_PORT} on is free: close a program, or name a port with --port."
    return f"Port {port} is taken or not allowed: close its program, or name another with --port."
