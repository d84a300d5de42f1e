"""How experts that were trained apart are put together: what to name as `weights`."""

from __future__ import annotations

from pathlib import Path

STAGES = 3


def expert(part: str, file: str | Path) -> dict[str, Path]:
    """Where a network takes its expert of "body", "hand" or "face" from: a snapshot, or a published file.

    weights={**expert("body", BODY), **expert("hand", HAND), **expert("face", FACE)}
    learning_rates={"encoders": 0.0}      # published: encoders stay as they are
    """
    names = (f"encoders.{part}", f"alignment.{part}", *(f"regressors.{i}.{part}" for i in range(STAGES)))
    return dict.fromkeys(names, Path(file))
