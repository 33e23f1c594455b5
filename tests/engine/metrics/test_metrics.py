"""The metrics: formulas, intervals, and a judge that reads the truth rightly."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from engine.errors import BadInput
from engine.metrics.bootstrap import Tally, difference, mean
from engine.metrics.consistency import agreement, all_pairs, consistency, shot_features, transitions, unit
from engine.metrics.evaluate import shuffled
from engine.metrics.held_out import Ablation, HeldOut, held_out_films, parse_arm, told, true_film
from engine.metrics.judge import as_read, pair_of, read
from engine.profiles import MINI_FOLDER
from engine.step2.conditions import PairConditions
from engine.step2.pipeline import Step2Pipeline
from engine.world.annotate import storyboard
from engine.world.layout import VALUES, layout, skin
from engine.world.render import render
from engine.world.story import SLOTS, Location, in_slot, new_shots, new_story, with_location, with_look
from studio.cli import app


def rows(*angles: float) -> np.ndarray:
    """Unit vectors in the plane, from degrees."""
    a = np.radians(angles)
    return np.stack([np.cos(a), np.sin(a)], -1)


def test_consistency_is_the_mean_cosine_with_the_frame_before_and_with_the_first() -> None:
    assert consistency(rows(0, 60)) == pytest.approx(0.5)
    assert consistency(rows(0, 60, 60)) == pytest.approx((0.5 + (1 + 0.5) / 2) / 2)
    assert consistency(rows(0, 180)) == 0  # never below zero
    assert math.isnan(consistency(rows(0)))


def test_all_pairs_counts_every_pair_once_each_way() -> None:
    assert all_pairs(rows(0, 60, 120)) == pytest.approx((0.5 + 0.5 + 0) / 3)


@given(st.integers(2, 6), st.integers(0, 999))
def test_a_film_agrees_with_its_own_transitions(shots: int, seed: int) -> None:
    film = unit(np.random.default_rng(seed).normal(size=(shots, 2, 5)))
    cuts = transitions(film)
    assert cuts.shape == (shots - 1, 5)
    assert agreement(cuts, cuts) == pytest.approx(1)
    assert agreement(cuts, -cuts) == pytest.approx(-1)
    assert np.allclose(np.linalg.norm(shot_features(film), axis=-1), 1)


def test_a_cut_without_change_has_no_direction() -> None:
    assert math.isnan(agreement(np.zeros((1, 3)), np.ones((1, 3))))


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(0, 5)), min_size=1, max_size=8))
def test_the_interval_holds_the_mean(films: list[tuple[float, int]]) -> None:
    tallies = [Tally(total if count else 0.0, count) for total, count in films]
    found = mean(tallies)
    if not sum(t.count for t in tallies):
        assert math.isnan(found.value)
    else:
        assert found.low <= found.value + 1e-9
        assert found.high >= found.value - 1e-9
        assert difference(tallies, tallies).low == 0 == difference(tallies, tallies).high


def test_a_paired_difference_is_narrower_than_the_films_are_apart() -> None:
    easy = [Tally(v, 1) for v in (0.1, 0.5, 0.9)]
    better = [Tally(t.total + 0.05, 1) for t in easy]
    found = difference(better, easy)
    assert found.low == pytest.approx(0.05)
    assert found.high == pytest.approx(0.05)
    with pytest.raises(ValueError, match="same films"):
        difference(easy, easy[:1])


@pytest.mark.slow
def test_the_judge_reads_the_truth() -> None:
    """Every fact that it reports of a rendered pair is the fact that was rendered."""
    wrong, asked = [], 0
    for seed in range(710_000, 710_003):
        story = new_story(seed)
        for shot in new_shots(story)[:3]:
            place = story.locations[shot.location]
            pair = true_film(_film(seed))[new_shots(story).index(shot)]
            truth = {
                "scale": shot.scale,
                "setting": place.setting,
                "time": story.time,
                "weather": story.weather,
                "who": shot.who,
                "movement": shot.movement,
                "palette": place.palette,
                "side": place.side,
                "variant": place.variant,
                **{f"coat {i}": story.people[i].coat for i in shot.who},
                **{f"hat {i}": story.people[i].hat for i in shot.who},
            }
            seen = read(story, shot, pair)
            asked += len(truth)
            wrong += [(seed, k) for k, v in truth.items() if k in seen and seen[k] != v]
    assert len(wrong) <= 0.02 * asked, wrong


def test_where_somebody_stands_untold_is_no_fault() -> None:
    """A figure that is drawn elsewhere is there, in its coat, doing what it does, and its crops show it."""
    film = _film(710_000)
    shot = replace(film.shots[0], who=(0,), scale="medium shot", slot="centre", action="waves")
    film = replace(film, shots=(shot,), board=storyboard(film.story, (shot,)))
    asked = film.story.people[0]
    for slot in SLOTS:
        drawn = np.stack([render(film.story, in_slot(shot, slot), t) for t in (0.0, 1.0)])
        seen = read(film.story, shot, drawn)
        assert (seen["slot"], seen["who"], seen["action"]) == (slot, (0,), "waves")
        assert (seen["coat 0"], seen["hat 0"], seen["skin 0"]) == (asked.coat, asked.hat, asked.skin)


def test_a_drawing_is_compared_with_the_picture_that_it_was_read_as() -> None:
    """Another film's place and looks are as clear as this one's; half of each is not."""
    film = _film(710_000)
    shot = replace(film.shots[0], who=(0,), scale="medium shot", slot="centre", action="waves")
    other = with_location(with_look(film.story, 0, coat="red", skin=2), shot, palette=2, side=-1, variant=0)
    another = with_location(with_look(film.story, 0, coat="red", skin=0), shot, palette=1, side=1, variant=0)
    clear, ghost = (pair_of(story, in_slot(shot, "left")).astype(float) for story in (other, another))

    def distance(drawn: np.ndarray) -> float:
        seen = read(film.story, shot, drawn)
        return float(np.square(pair_of(*as_read(film.story, shot, drawn, seen)) - drawn).mean())

    assert distance(clear) == distance(ghost) == 0
    assert distance((clear + ghost) / 2) > 50


def _film(seed: int) -> HeldOut:
    story = new_story(seed)
    shots = new_shots(story)
    return HeldOut(story, shots, storyboard(story, shots))


def test_every_second_film_returns_and_looks_are_told_once() -> None:
    films = held_out_films(6)
    assert sum(bool(film.returns) for film in films) >= 3
    for film in films:
        met: set[int] = set()
        been: set[int] = set()
        for i, shot in enumerate(film.shots):
            prompt, _ = told(film, i)
            for index in shot.who:
                assert (f"{film.story.people[index].coat} coat" in prompt) is (index not in met)
                assert (skin(film.story.people[index]) in prompt) is (index not in met)
            assert (layout(film.story.locations[shot.location]) in prompt) is (shot.location not in been)
            met |= set(shot.who)
            been.add(shot.location)


@pytest.mark.slow
def test_the_shipped_checkpoint_draws_the_layout_and_the_skin_that_it_is_told() -> None:
    """A first shot with every layout of a castle, seed for seed the same: the words alone tell them apart."""
    pipe = Step2Pipeline.from_pretrained(MINI_FOLDER)
    pipe.set_progress_bar_config(disable=True)
    story = replace(new_story(1), people=new_story(1).people[:1], time="day", weather="clear")
    shot = replace(new_shots(story)[0], scale="long shot", angle="eye level", movement="static", who=(0,))
    shot = replace(shot, action="stands", slot="left", location=0)
    hits: dict[str, list[bool]] = {fact: [] for fact in (*VALUES, "skin")}
    for number, chosen in enumerate(product(*VALUES.values())):
        look = with_look(story, 0, skin=number % 3)
        place = Location("castle", **dict(zip(VALUES, chosen, strict=True)))
        film = replace(look, locations=(place,))
        prompt, board_shot = told(HeldOut(film, (shot,), storyboard(film, (shot,))), 0)
        conditions = PairConditions(prompt=prompt, description=board_shot.description)
        pair = pipe(conditions, [torch.Generator().manual_seed(5)]).frames[0]
        seen = read(film, shot, pair)
        for fact, value in zip(VALUES, chosen, strict=True):
            hits[fact].append(seen.get(fact) == value)
        hits["skin"].append(seen.get("skin 0") == number % 3)
    assert all(sum(found) >= 9 for found in hits.values()), hits


def test_arms_are_named_by_what_is_taken_away() -> None:
    assert parse_arm("full") == frozenset()
    assert parse_arm("memory+previous") == {Ablation.MEMORY, Ablation.PREVIOUS}
    with pytest.raises(BadInput, match="colour"):
        parse_arm("colour")


def test_the_floor_is_of_other_films_each_shot_of_another() -> None:
    films = held_out_films(3)
    found = shuffled(films, 1)
    assert found.shape == true_film(films[1]).shape
    for i in range(len(films[1].shots)):
        other = films[2] if i % 2 == 0 else films[0]
        assert np.array_equal(found[i], true_film(other)[i])


@pytest.mark.slow
def test_evaluate_writes_what_it_measured(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    result = CliRunner().invoke(
        app, ["evaluate", "--films", "2", "--shots", "3", "--ablate", "pair", "--json", str(out)]
    )
    assert result.exit_code == 0, result.output
    found = json.loads(out.read_text())
    assert set(found["summary"]["scale"]) == {"value", "low", "high", "ceiling", "floor"}
    assert len(found["films"]) == 2
    assert set(found["arms"]) == {"full", "pair"}
    assert set(found["full minus ablated"]) == {"pair"}
    assert found["arms"]["full"]["setting"]["ceiling"] == 1
    assert found["arms"]["full"]["SC"]["value"] != found["arms"]["pair"]["SC"]["value"]
    assert "mini CLIP" in found["features"]
