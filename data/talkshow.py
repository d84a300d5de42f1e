"""TalkSHOW: people who speak in television programs, with hands and faces (Yi et al., 2023)."""

from __future__ import annotations

from dataclasses import replace

from common.joints import SMPLX
from common.structures import Person
from data.formats.columns import Columns
from data.formats.humandata import HumanData

_HANDS = [SMPLX.joints.parts[part] for part in ("left_hand", "right_hand")]


class Talkshow(HumanData):
    """As published, the right hand has the pose of the left, unmirrored: `as_published` brings that back."""

    annotations = {
        "train": tuple(
            f"talkshow_smplx_{speaker}.npz" for speaker in ("chemistry", "conan", "oliver", "seth")
        )
    }
    images = "Talkshow"
    source = "Register at https://talkshow.is.tue.mpg.de; see dataset/README.md."

    def finish(self, person: Person, columns: Columns, row: int) -> Person:
        """The person, as it was published where that is asked for."""
        if not self.as_published or person.pose is None:
            return person
        left, right = _HANDS
        pose = person.pose.copy()
        pose[right] = pose[left]
        return replace(person, pose=pose)
