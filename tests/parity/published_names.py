"""Published joint names in the words of the house, for tests that compare the two."""

import re
from collections.abc import Mapping

from common.joints import WHOLE_BODY_137

APART = {  # published names that teach none of the 137, though the same words exist among ours
    "AGORA": {"Jaw": "jaw_agora", "Head": "head_agora"},
    "Human36M": {"Head": "head_h36m"},
    "MPI_INF_3DHP": {"Head": "head_3dhp"},
}


def our_name(published: str, apart: Mapping[str, str] = {}) -> str:
    """A published joint's name in the words of the house."""
    if published in apart:
        return apart[published]
    if match := re.fullmatch(r"Face_(\d+)", published):
        number = int(match[1])
        return WHOLE_BODY_137.names[64 + number]
    name = re.sub(r"^([LR])_", lambda match: {"L": "left_", "R": "right_"}[match[1]], published)
    if match := re.fullmatch(r"(left|right)_(\w+)_4", name):
        return f"{match[1]}_{match[2].lower()}_tip"
    return re.sub(r"^spine_", "spine", name.lower())
