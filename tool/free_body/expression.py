"""Ten named expressions, symmetric, from MakeHuman's face units."""

from __future__ import annotations

import torch
from torch import Tensor

from tool.free_body import people
from tool.free_body.repose import t_posed
from tool.free_body.source import Source

# The jaw is a joint, so opening it is not among them.
EXPRESSIONS: dict[str, dict[str, float]] = {
    "smile": {"mouthSmileLeft": 1, "mouthSmileRight": 1, "cheekSquintLeft": 0.4, "cheekSquintRight": 0.4},
    "pucker": {"mouthPucker": 1},
    "funnel": {"mouthFunnel": 1},
    "frown": {"mouthFrownLeft": 1, "mouthFrownRight": 1, "mouthShrugLower": 0.4},
    "brows up": {"browInnerUp": 1, "browOuterUpLeft": 1, "browOuterUpRight": 1},
    "brows down": {"browDownLeft": 1, "browDownRight": 1},
    "blink": {"eyeBlinkLeft": 1, "eyeBlinkRight": 1},
    "lips apart": {
        "mouthUpperUpLeft": 0.7,
        "mouthUpperUpRight": 0.7,
        "mouthLowerDownLeft": 0.7,
        "mouthLowerDownRight": 0.7,
    },
    "cheeks puffed": {"cheekPuff": 1},
    "sneer": {"noseSneerLeft": 1, "noseSneerRight": 1, "mouthStretchLeft": 0.4, "mouthStretchRight": 0.4},
}


def expression_directions(source: Source) -> Tensor:
    """(10, N, 3) meters by which the template's skin moves when each expression is fully there."""
    names = source.labels.actions
    actions = torch.zeros(1 + len(EXPRESSIONS), len(names))  # the first is the face at rest
    for row, expression in enumerate(EXPRESSIONS.values(), start=1):
        for action, strength in expression.items():
            actions[row, names.index(action)] = strength
    vertices, _ = t_posed(source, people.template(source.labels, actions))
    return vertices[1:] - vertices[:1]
