"""RenBody: people in many clothes, in a studio of 60 cameras (SenseTime and Shanghai AI Laboratory, 2023)."""

from __future__ import annotations

from dataclasses import replace

from common.structures import Person
from data.formats.columns import Columns
from data.formats.humandata import HumanData


class RenBody(HumanData):
    """Its annotated 3D points are not those of its bodies, which say where joints are instead (published)."""

    annotations = {
        "train": tuple(f"renbody_train_230525_399_{part}.npz" for part in range(10)),
        "test": tuple(f"renbody_test_230525_78_{part}.npz" for part in range(2)),
    }
    images = "RenBody"
    source = "Register at https://openxdlab.org.cn; see dataset/README.md."

    def finish(self, person: Person, columns: Columns, row: int) -> Person:
        """The person without its 3D points."""
        return replace(person, joints_3d=None)


class RenBodyHiRes(RenBody):
    """The pictures of its cameras of high resolution."""

    annotations = {
        "train": tuple(f"renbody_train_highrescam_230517_399_{part}_fix_betas.npz" for part in range(2)),
        "test": "renbody_test_highrescam_230517_78_0_fix_betas.npz",
    }
    intervals = {"test": 10}
