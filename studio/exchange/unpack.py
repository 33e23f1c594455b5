"""A film.zip that somebody brings: what belongs to the film is unpacked, and nothing else is looked at."""

from __future__ import annotations

import errno
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from engine.errors import BadInput
from engine.manifest import inside, read_manifest
from studio.exchange.pictures import MAX_BYTES
from studio.store.errors import clear_errors
from studio.store.home import WORK

MANIFEST = "film.json"
LARGEST_MANIFEST = 20_000_000
"""Bytes: 500 shots with the longest texts stay below it."""
LARGEST_FILM = 2_000_000_000
"""Bytes of a film.zip, and of its frames: 400 shots at 2.5 MB a frame, which no zip makes smaller."""
ENCRYPTED = 0x1  # flag of an entry
_BAD = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    UnicodeDecodeError,  # a name in another encoding than its entry says
    NotImplementedError,  # raised by zipfile for a kind of zip that Python does not read
    FileExistsError,  # a file and a folder of one name
    NotADirectoryError,
    IsADirectoryError,
    IndexError,  # an entry without a name
)
_UNREADABLE = "This file is not a whole zip that can be read"
_AGAIN = "choose the film.zip that the studio made"


@contextmanager
def unpacked(file: Path, beside: Path) -> Iterator[Path]:
    """A folder in `beside` with the film.json of a zip and the frames that it names; gone afterwards.

    The zip may hold them in a folder of its own. Raises BadInput for what is no such zip, and for frames that
    are larger than any may be, before they are unpacked.
    """
    with clear_errors(beside):
        parent = Path(tempfile.mkdtemp(prefix=WORK, dir=beside))
        folder = parent / "this zip"  # sentences about what is wrong name the folder
        try:
            _unpack(file, folder)
            yield folder
        finally:
            shutil.rmtree(parent, ignore_errors=True)


def _unpack(file: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            members = {PurePosixPath(info.filename): info for info in archive.infolist() if not info.is_dir()}
            at = _manifest_of(members)
            _write(archive, members[at], folder / MANIFEST, LARGEST_MANIFEST)
            shots = read_manifest(folder / MANIFEST).shots
            named = {name: members.get(at.parent / name) for shot in shots for name in (shot.start, shot.end)}
            # reading the film says what is wrong with a name that is not there, or outside
            frames = {n: info for n, info in named.items() if info is not None and inside(folder, n)}
            if sum(info.file_size for info in frames.values()) > LARGEST_FILM:
                raise BadInput(f"The frames in this zip are larger than any film's: {_AGAIN}.")
            for name, info in frames.items():
                _write(archive, info, folder / name, MAX_BYTES)
    except _BAD as error:
        raise BadInput(f"{_UNREADABLE}: {_AGAIN}.") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # an entry that is said to lie before the file begins
            raise
        raise BadInput(f"{_UNREADABLE}: {_AGAIN}.") from error


def _manifest_of(members: dict[PurePosixPath, zipfile.ZipInfo]) -> PurePosixPath:
    """Where film.json lies. Raises BadInput where it is not, or where there are several."""
    found = [name for name in members if name.name == MANIFEST]
    if not found:
        raise BadInput(f"There is no {MANIFEST} in this zip: {_AGAIN}.")
    if len(found) > 1:
        raise BadInput(f"There are {len(found)} films in this zip: bring one at a time.")
    return found[0]


def _write(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, most: int) -> None:
    """Unpacks one file; zipfile never gives more bytes than its entry says."""
    if info.file_size > most:
        raise BadInput(f"{info.filename} in this zip is too large: it may have {most // 1_000_000} MB.")
    if info.flag_bits & ENCRYPTED or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadInput(f"{info.filename} in this zip is encrypted or oddly compressed: {_AGAIN}.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(info) as source, target.open("wb") as out:
        shutil.copyfileobj(source, out)
