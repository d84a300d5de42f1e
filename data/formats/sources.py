"""The files of a data set: what to say, in one paragraph, where they are missing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from common.utils.errors import UserError
from common.utils.paths import DATASET, shown


class MissingData(UserError, FileNotFoundError):
    """Files of a data set are not there; the text is one paragraph: which, and where they come from."""


def there(name: str, *paths: Path, site: str = "", folder: Path | None = None) -> tuple[Path, ...]:
    """The same paths, once all of them exist; MissingData otherwise.

    `site` says where the data set comes from; `folder` is its own, by default the one in `dataset/` that its
    first path lies in.
    """
    absent = [path for path in paths if not path.exists()]
    if absent:
        raise MissingData(missing(name, absent, site, folder or _folder(paths[0])))
    return paths


def missing(name: str, absent: Iterable[Path], site: str, folder: Path) -> str:
    """The paragraph for files that are not there."""
    files = ", ".join(shown(path) for path in absent)
    source = f" Get it from {site};" if site else ""
    begun = (
        f"What lies in {shown(folder)} is not complete" if folder.exists() else f"There is no {shown(folder)}"
    )
    return (
        f"The data set {name} is missing: looked for {files}. {begun}.{source} the section '{name}' of "
        "dataset/README.md says which files to download and how they lie."
    )


def _folder(path: Path) -> Path:
    """The data set's folder that a file lies in: the one just below `dataset/`, else its parent."""
    if path.is_relative_to(DATASET) and path != DATASET:
        return DATASET / path.relative_to(DATASET).parts[0]
    return path.parent
