"""Files written whole or not at all: beside their place, then renamed into it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def written_beside(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; it takes the name `path` once the block ends well.

    What the block writes is forced to disk before the rename, so a crash leaves the old file or the new one,
    never half of either; where the block fails, the temporary file goes and an old file stays. The temporary
    name ends as `path` does, since many writers choose their format by it. Missing folders are made.

    Raises OSError in one sentence where the folder cannot be made or written, or the name is a folder's.
    """
    path = Path(path)
    temporary = _empty_beside(path)
    try:
        yield temporary
        _settle(temporary)
        os.replace(temporary, path)
        _settle_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _empty_beside(path: Path) -> Path:
    """A new, empty file beside `path`, as readable as any other (which a private `mkstemp` file is not)."""
    if path.is_dir():
        raise IsADirectoryError(f"Cannot write {path}: it is a folder; give the name of a file.")
    temporary = path.with_name(f".{path.stem[:40]}.{secrets.token_hex(4)}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.open("xb").close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise type(error)(
            f"Cannot write {path}: its folder cannot be made or written ({reason}); choose another output."
        ) from error
    return temporary


def _settle(path: Path) -> None:
    """Force what was written to disk; the rename must not come before the contents."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _settle_folder(folder: Path) -> None:
    """Force the rename to disk too, where folders can be opened (not on Windows)."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
