"""Fixtures that tests of several rooms share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import standins
import standins_lookups

if TYPE_CHECKING:
    from main.experiment import Experiment

TOY = Path(__file__).parent / "toy.py"


@pytest.fixture
def toy() -> Experiment:
    """The toy experiment of tests/toy.py, loaded as a user's own config is."""
    from main.experiment import load  # most tests need no experiment, and not the second its import takes

    return load(TOY)


@pytest.fixture(scope="session")
def human_model_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Stand-ins of the official body-model files, found where the official ones would be.

    SMPL-X's male and female are not there: `standins.write` adds them where a test wants them.
    """
    folder = standins_lookups.write(standins.write(tmp_path_factory.mktemp("human_model_files")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUMAN_MODEL_FILES", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def _as_if_nothing_was_downloaded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that do not ask for official files see none, whatever ran before and whatever the user has."""
    if "human_model_files" not in request.fixturenames:
        monkeypatch.setenv("HUMAN_MODEL_FILES", os.devnull)
