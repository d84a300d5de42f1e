"""What was measured on people, as a table that any spreadsheet opens (.csv), and in words."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from common.body_models.measurements import Measurements
from common.utils.files import written_beside

COLUMNS = ("picture", "person", "height_m", "chest_m", "waist_m", "hips_m", "volume_l")
LITERS = 1000.0  # in a cubic meter


def write_table(
    path: str | Path, picture: str, measures: Measurements, people: Sequence[int] | None = None
) -> None:
    """A row for each person of a picture or a video, whole or not at all; meters, and liters of volume.

    People are numbered from 0 unless `people` says who they are.
    """
    numbers = range(len(measures.height)) if people is None else people
    with written_beside(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for row, person in enumerate(numbers):
            table.writerow([picture, person, *(f"{number:.4f}" for number in _numbers(measures, row))])


def in_words(measures: Measurements, row: int) -> str:
    """One person in a line."""
    height, chest, waist, hips, liters = _numbers(measures, row)
    return (
        f"height {height:.2f} m, chest {100 * chest:.0f} cm, waist {100 * waist:.0f} cm, "
        f"hips {100 * hips:.0f} cm, volume {liters:.0f} l"
    )


def _numbers(measures: Measurements, row: int) -> list[float]:
    lengths = [getattr(measures, name)[row].item() for name in ("height", "chest", "waist", "hips")]
    return [*lengths, LITERS * measures.volume[row].item()]
