"""Trouble that a user can do something about: every message is one clear sentence for the screen."""

from __future__ import annotations


class StageError(Exception):
    """Base of all user-facing errors; `str(error)` is one sentence that says what to do."""


class CheckpointError(StageError):
    """A checkpoint is missing, corrupt, or not of the kind that was asked for."""


class Cancelled(StageError):  # noqa: N818 - it is an outcome that the user asked for, not a fault
    """The user stopped the work; nothing that was finished is lost."""

    def __init__(self, message: str = "The drawing was stopped; nothing that was finished is lost.") -> None:
        super().__init__(message)


class UnsupportedError(StageError):
    """The chosen profile, machine or file format cannot do what was asked."""


class BadInput(StageError):  # noqa: N818 - reads as the sentence "bad input: ..."
    """Something that the user gave (text, picture, number) cannot be used."""
