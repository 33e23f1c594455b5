"""The size of a film, from the size of its pictures: one for all of its clips. No torch, no OpenCV."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from engine.errors import BadInput

Size = tuple[int, int]
"""Width and height in pixels."""

FILM_WIDTH = 1280


def film_size(width: int, height: int) -> Size:
    """The size of the film for native frames of `width` x `height` pixels: at least 1280 wide (high where it
    stands upright), both sides even.

    H.264 with 4:2:0 colour needs even sides. A frame that is large enough keeps its size (less an odd pixel).
    """
    factor = max(1.0, FILM_WIDTH / max(width, height))
    return 2 * round(width * factor / 2 - 1e-9), 2 * round(height * factor / 2 - 1e-9)


def check_sizes(drawn: Sequence[Size]) -> None:
    """Refuses pictures whose clips could not be joined: to be asked before anything is rendered or paid.

    `drawn` is the size of each shot's picture, in film order. Pictures of two sizes that give one size of
    film are no trouble.

    Raises:
        BadInput: says which shots have another size than most, and what to do.
    """
    sizes = [film_size(*size) for size in drawn]
    counts = Counter(sizes)
    if len(counts) < 2:
        return
    most = counts.most_common(1)[0][0]  # where two are as many, the one that comes first in the film
    others = {size: [i for i, each in enumerate(sizes, 1) if each == size] for size in counts if size != most}

    def written(size: Size) -> str:
        width, height = drawn[sizes.index(size)]
        return f"{width}x{height}"

    shots = _listed([f"{_numbered(numbers)} ({written(size)})" for size, numbers in others.items()])
    verb, them = ("was", "it") if sum(map(len, others.values())) == 1 else ("were", "them")
    raise BadInput(
        f"{shots} {verb} drawn at another size than the others ({written(most)}), and clips of two sizes "
        f"make no film: redraw {them} with the profile of the others, or use other takes."
    )


def _numbered(numbers: Sequence[int]) -> str:
    return f"{'Shot' if len(numbers) == 1 else 'Shots'} {_listed(map(str, numbers))}"


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
