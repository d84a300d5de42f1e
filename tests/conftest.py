"""Fixtures that tests of several rooms share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from main.experiment import Experiment

TOY = Path(__file__).parent / "toy.py"


@pytest.fixture
def toy() -> Experiment:
    """The toy experiment of tests/toy.py, loaded as a user's own config is."""
    from main.experiment import load  # most tests need no experiment, and not the second its import takes

    return load(TOY)
