"""What agents are told, as text files: one a task, `$name` stands for what differs."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from string import Template


def prompt(name: str, **values: object) -> str:
    """The text `name.txt` with its values filled in. What is filled in is never read as a template itself."""
    return _template(name).substitute(values)


@lru_cache(maxsize=32)
def _template(name: str) -> Template:
    text = Path(__file__).with_name(f"{name}.txt").read_text(encoding="utf-8")
    return Template("\n".join(line for line in text.splitlines() if not line.startswith("#")).strip())
