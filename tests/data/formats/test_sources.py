"""What is said where a data set is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.utils.errors import UserError
from common.utils.paths import DATASET
from data.formats.sources import MissingData, there


def test_a_missing_data_set_is_one_paragraph_that_names_files_and_source(tmp_path: Path) -> None:
    paths = (DATASET / "Nowhere" / "one.json", DATASET / "Nowhere" / "two.json")
    with pytest.raises(MissingData) as caught:
        there("Nowhere", *paths, site="https://example.org")
    said = str(caught.value)
    assert isinstance(caught.value, UserError) and isinstance(caught.value, FileNotFoundError)
    assert "\n" not in said
    for part in (
        "dataset/Nowhere/one.json",
        "two.json",
        "https://example.org",
        "dataset/README.md",
        "no dataset/",
    ):
        assert part in said


def test_files_that_are_there_are_handed_back(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert there("Here", tmp_path / "a") == (tmp_path / "a",)
    with pytest.raises(MissingData, match="not complete"):
        there("Here", tmp_path / "a", tmp_path / "b")
