"""Fixtures that tests of several rooms share."""

from __future__ import annotations

from pathlib import Path

import pytest

from main.experiment import Experiment, load

TOY = Path(__file__).parent / "toy.py"


@pytest.fixture
def toy() -> Experiment:
    """The toy experiment of tests/toy.py, loaded as a user's own config is."""
    return load(TOY)
