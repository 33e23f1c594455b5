"""The frame rate of a film: rational, and changing it keeps lengths in seconds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from engine.errors import BadInput
from engine.story import CinematicAttributes, FrameRate
from studio.service.room import Edit

RATES = ("24000/1001", "24", "25", "30000/1001", "30", "48", "50", "60000/1001", "60")
"""What cameras and television use; any other rational rate is possible too."""
LONGEST: int = next(m.le for m in CinematicAttributes.model_fields["length"].metadata if hasattr(m, "le"))
"""Frames that a shot has at most."""
_LOWEST, _HIGHEST = 1, 240
# Not all that Fraction reads: "1e99999999" would be computed, digit by digit.
_WRITTEN = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}|/[0-9]{1,9})?")
_NTSC = {"23.976": "24000/1001", "23.98": "24000/1001", "29.97": "30000/1001", "59.94": "60000/1001"}


def parse_rate(text: str) -> FrameRate:
    """A rate as people write it: "25", "24000/1001", "23.976". Raises BadInput."""
    written = _NTSC.get(text.strip(), text.strip())
    try:
        if _WRITTEN.fullmatch(written) is None:
            raise ValueError
        rate = Fraction(written)
        if not _LOWEST <= rate <= _HIGHEST:
            raise ValueError
        return FrameRate(numerator=rate.numerator, denominator=rate.denominator)
    except (ValueError, ZeroDivisionError) as error:
        sentence = (
            f"A frame rate is a number of frames a second from {_LOWEST} to {_HIGHEST}, like 24 or 23.976"
        )
        raise BadInput(f'{sentence}, not "{text[:20]}".') from error


def converted_lengths(lengths: Sequence[int], old: FrameRate, new: FrameRate) -> list[int]:
    """Lengths of consecutive shots at another rate, in frames: each shot ends at the frame nearest to where
    it ended. So shots stay with their sound, and the film's length is off by half a frame at most, however
    many shots there are. Every shot has at least one frame.
    """
    found, end, reached = [], 0, 0
    for length in lengths:
        end += length
        found.append(max(1, new.converted(end, old) - reached))
        reached += found[-1]
    return found


def set_rate(edit: Edit, rate: FrameRate) -> bool:
    """Changes the rate, all lengths, deleted shots included, and where the sound begins, in the edit; False
    when it is the same.

    Raises BadInput for a shot that would have more frames than a shot may have.
    """
    old = edit.film.rate
    if old == rate:
        return False
    sound = rate.converted(edit.project.sound_offset, old)
    edit.recorder.set(
        edit.project,
        rate_numerator=rate.numerator,
        rate_denominator=rate.denominator,
        sound_offset=sound,
    )
    lengths = converted_lengths([shot.length for shot in edit.film.shots], old, rate)
    lengths += [max(1, rate.converted(shot.length, old)) for shot in edit.film.trash]
    for shot, length in zip((*edit.film.shots, *edit.film.trash), lengths, strict=True):
        if length > LONGEST:
            raise BadInput(
                f"{edit.number(shot).capitalize()} is too long for {rate} frames a second: shorten it."
            )
        edit.recorder.set(shot, length=length)
    return True
