"""RenBody: people in many clothes, in a studio of 60 cameras (SenseTime and Shanghai AI Laboratory, 2023)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Literal

from common.joints import SMPLX, SMPLX_144
from common.metrics.whole_body import joint_errors, mesh_errors
from common.structures import Person
from common.utils.errors import UserError
from data.formats.columns import Columns
from data.formats.humandata import HumanData
from data.loading.dataset import Benchmark
from data.on_device.posed_targets import PosedTargets


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


def benchmark(resolution: Literal["", "hires"] = "", as_published: bool = False) -> Benchmark:
    """Meshes, hands, faces and joints against the neutral bodies of the fits.

    Shapes with a coefficient beyond 3 are failed fits: the mean shape is the truth then (published).
    `as_published` reads the data set as HumanData says.
    """
    kinds = {"": RenBody, "hires": RenBodyHiRes}
    if resolution not in kinds:
        raise UserError(f"There is RenBody and RenBody_HiRes, but no RenBody of '{resolution}'.")
    return Benchmark(
        name="RenBody_HiRes" if resolution == "hires" else "RenBody",
        dataset=kinds[resolution]("test", as_published=as_published),
        metrics=(*mesh_errors(), *joint_errors()),
        joint_set=SMPLX_144,
        body=SMPLX,
        prepare=partial(PosedTargets, largest_beta=3.0),
    )
