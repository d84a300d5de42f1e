"""What data sets of files have in common: a name, travelling without what was opened, numbers that exist."""

from __future__ import annotations

from dataclasses import fields
from typing import Any


class OpenedLate:
    """A dataclass of what was asked for; its files are opened at first use, by each process anew."""

    @property
    def name(self) -> str:
        """The set's name, the same for all its splits."""
        return type(self).__name__

    def __getstate__(self) -> dict[str, Any]:
        """What was asked for, without the files, which another process opens anew."""
        return {known.name: getattr(self, known.name) for known in fields(self)}  # type: ignore[arg-type]

    def __len__(self) -> int:
        raise NotImplementedError

    def check_number(self, index: int) -> None:
        """IndexError, in words, where there is no person of that number."""
        if not 0 <= index < len(self):
            raise IndexError(f"{self.name} has {len(self)} persons, not one numbered {index}.")
