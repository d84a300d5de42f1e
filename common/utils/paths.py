"""Where things lie: the one place that knows the project's folders."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRETRAINED = ROOT / "pretrained_models"
FREE = PRETRAINED / "free"  # shipped: the free body, the lifter's and the detectors' weights
DATASET = ROOT / "dataset"
OUTPUT = Path(os.environ.get("HUMANMESH_OUTPUT") or ROOT / "output").absolute()


def human_model_files() -> Path:
    """The folder of the official body-model files; the variable HUMAN_MODEL_FILES points elsewhere."""
    return Path(os.environ.get("HUMAN_MODEL_FILES") or PRETRAINED / "human_model_files")


def found(path: str | Path) -> Path:
    """A path as the user typed it: as it stands, else below the project's root."""
    path = Path(path).expanduser()
    return path if path.is_absolute() or path.exists() or not (ROOT / path).exists() else ROOT / path


def shown(path: str | Path) -> str:
    """A path as a user would type it from the project's root; one outside as it is."""
    path = Path(path)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
