"""News on their way to the page: JSON text with these keys, all optional but `n`, the order of sending.

    open      ProjectView: everything, on load and on change of project
    changes   Patch since revision `since` of `project`
    trash     deleted shots
    details   takes and recorded memory of one shot
    projects  the owner's projects
    director  stages of a running direction
    select    id of the shot to select
    notice    one sentence for the user
    told      answers to questions of single panels, by name
    ack       number of the edit that this letter answers

Text, because FastAPI would go through every value of an object once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic_ns
from typing import Any

from pydantic_core import to_json

NO_NEWS = ""


def letter(news: Mapping[str, Any]) -> str:
    """News of JSON values as a letter."""
    return to_json({"n": monotonic_ns(), **news}, inf_nan_mode="null").decode()
