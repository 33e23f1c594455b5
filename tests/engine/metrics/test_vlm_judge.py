"""What a language model may answer as a judge."""

from __future__ import annotations

import pytest

from engine.agents.answers import Misread, read_object
from engine.metrics.vlm_judge import CutForm, VerdictForm


@pytest.mark.parametrize("form", [VerdictForm, CutForm])
@pytest.mark.parametrize("score", ["true", "false"])
def test_a_yes_is_no_score(form: type[VerdictForm], score: str) -> None:
    """It would count as the best film there is."""
    with pytest.raises(Misread, match=r"score: .*a number from 0 to 1 is asked for, not true or false"):
        read_object(f'{{"evidence": "It is good.", "score": {score}, "errors": []}}', form)


@pytest.mark.parametrize(("score", "value"), [("1", 1.0), ("0", 0.0), ("0.25", 0.25), ('"0.5"', 0.5)])
def test_a_number_is(score: str, value: float) -> None:
    assert read_object(f'{{"evidence": "Fine.", "score": {score}}}', VerdictForm).score == value
