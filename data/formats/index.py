"""The index of annotation files: their numbers as columns, made once, remade when a file changes.

It lies in a folder `index` beside the first file, or in `output/index` where that folder cannot be written.
Processes that start at once make it once: the others wait. Where the file system knows no locks each makes
its own, and the last one whole takes the place of the others.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from common.utils.files import written_beside
from common.utils.paths import OUTPUT, shown
from data.formats.columns import Columns, ColumnsWriter

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

_HEAD, _TAIL = 2**20, 2**16  # bytes of a file that are hashed; an .npz keeps the checksums of all in its tail


def opened_index(
    files: Sequence[Path], reader: str, write: Callable[[ColumnsWriter], None], name: str | None = None
) -> Columns:
    """The columns that `write` makes of `files`, made now or by whoever came first.

    reader: what made them, and in which version; another one makes them anew. name: the index file's own, by
    default after the first file. Raises FileNotFoundError where a file is missing, and what `write` raises.
    """
    made_from = {"reader": reader, "files": [fingerprint(path) for path in files]}
    name = f"{name or files[0].name}.columns"
    places = [files[0].parent / "index" / name, _aside(files[0]) / name]
    for place in places:
        if (columns := _valid(place, made_from)) is not None:
            return columns
    place = next((place for place in places if _writable(place.parent)), places[-1])
    with _locked(place):
        if (columns := _valid(place, made_from)) is not None:
            return columns
        return _made(place, made_from, write)


def fingerprint(path: Path) -> dict[str, Any]:
    """What tells one state of a file from another without reading it all: size, time, hash of its ends."""
    stat = path.stat()
    digest = hashlib.sha256()
    with path.open("rb") as file:
        digest.update(file.read(_HEAD))
        file.seek(max(stat.st_size - _TAIL, 0))
        digest.update(file.read())
    return {"size": stat.st_size, "time": stat.st_mtime_ns, "hash": digest.hexdigest()}


def _valid(place: Path, made_from: dict[str, Any]) -> Columns | None:
    with suppress(OSError, ValueError):
        columns = Columns(place)
        if columns.info.get("made_from") == made_from:
            return columns
    return None


def _made(place: Path, made_from: dict[str, Any], write: Callable[[ColumnsWriter], None]) -> Columns:
    log, start = logging.getLogger(__name__), time.monotonic()
    log.warning("Indexing %s, once; it takes a while.", shown(place))
    with written_beside(place) as temporary, ColumnsWriter(temporary) as writer:
        write(writer)
        writer.info["made_from"] = made_from
    columns = Columns(place)
    seconds = time.monotonic() - start
    log.warning("Indexed %d rows in %.0f s, %d MB.", columns.rows, seconds, place.stat().st_size >> 20)
    return columns


def _aside(file: Path) -> Path:
    return OUTPUT / "index" / hashlib.sha256(str(file.resolve().parent).encode()).hexdigest()[:16]


def _writable(folder: Path) -> bool:
    while not folder.exists():
        folder = folder.parent
    return os.access(folder, os.W_OK)


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    """Only one process at a time, as far as the file system can tell."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as file:
        if fcntl is not None:
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield
