"""What a five-shot film from a sentence costs: cold (a new process of `stage film`) and warm (models loaded).

    python -m tests.benchmarks.bench_film [--shots N] [--rounds N] [--profile mini] [--json]

Prints seconds and ratios and never fails by time. Goals on two CPU cores: cold <= 40 s, a pair <= 1.5 s.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import nullcontext
from pathlib import Path

from engine import workflow
from engine.director.breakdown_director import BreakdownDirector
from engine.director.stages import direct_all
from engine.errors import StageError
from engine.profiles import get_profile
from engine.refiner import PlainRefiner
from engine.step2.painter import PairPainter, load_painter
from engine.story import Storyboard
from engine.video.animatic import AnimaticRenderer
from engine.watched import at_work

THEME = "An old fisherman finds a lost child on a stormy harbour at night"
GOAL_COLD, GOAL_PAIR = 40.0, 1.5  # seconds


def cold(folder: Path, shots: int, profile: str) -> float:
    """Seconds of `stage film` from the shell to the finished file."""
    command = [sys.executable, "-m", "studio.cli", "film", THEME, "-o", str(folder / "cold.mp4")]
    began = time.perf_counter()
    done = subprocess.run(
        [*command, "--shots", str(shots), "--profile", profile], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StageError(done.stderr.strip().splitlines()[-1])
    return time.perf_counter() - began


def warm(folder: Path, storyboard: Storyboard, painter: PairPainter) -> dict[str, float]:
    """Seconds of each part of a film: pairs, refinements, clips, and joining; `all` is their sum."""
    parts = {
        workflow.PairDrawn: "pairs",
        workflow.Refined: "refinements",
        workflow.ClipRendered: "clips",
        workflow.FilmDone: "joining",
    }
    spent: defaultdict[str, float] = defaultdict(float)
    then = time.perf_counter()
    events = workflow.shoot(
        storyboard,
        folder / "warm.mp4",
        painter=lambda: nullcontext(painter),
        refiner=lambda: nullcontext(PlainRefiner()),
        renderer=lambda: nullcontext(AnimaticRenderer()),
    )
    for event in events:
        if (name := parts.get(type(event))) is not None:
            now = time.perf_counter()
            spent[name] += now - then
            then = now
    return {**spent, "all": sum(spent.values())}


def main() -> None:
    """Print the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shots", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=2, help="warm films; the fastest one counts")
    parser.add_argument("--profile", default="mini")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    profile = get_profile(options.profile)
    storyboard = direct_all(BreakdownDirector(), THEME, shots=options.shots, profile=profile)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds = {"cold": cold(folder, options.shots, options.profile)}
        painter = at_work(lambda: load_painter(profile))
        films = [warm(folder, storyboard, painter) for _ in range(options.rounds)]
    best = min(films, key=lambda film: film["all"])
    seconds |= {f"warm {part}": value for part, value in best.items()}
    seconds["a pair"] = best["pairs"] / options.shots
    ratios = {
        "cold / goal": seconds["cold"] / GOAL_COLD,
        "pair / goal": seconds["a pair"] / GOAL_PAIR,
        "cold / warm": seconds["cold"] / best["all"],
        "film's length / warm": storyboard.rate.seconds(storyboard.length) / best["all"],
    }
    if options.json:
        print(json.dumps({"seconds": seconds, "ratios": ratios}, indent=2))
        return
    for title, figures in (("seconds", seconds), ("ratios", ratios)):
        print(title)
        for what, value in figures.items():
            print(f"  {what:<22}{value:8.2f}")


if __name__ == "__main__":
    main()
