"""3DPW as SPIN, PyMAF and PyMAF-X measure it: from SPIN's label file, on points read off SMPL's mesh."""

from __future__ import annotations

from functools import partial

from common.joints import SMPL, SMPL_45
from common.metrics.on_smpl import LSPOnSMPL, MeshOnSMPL
from common.metrics.point_error import PointError
from data.loading.dataset import Benchmark
from data.on_device.posed_targets import PosedTargets
from data.spin_sets import PW3DSpin


def benchmark() -> Benchmark:
    """14 joints of both meshes by the Human3.6M regressor, and the vertices, which are not aligned at all.

    The truth is the body of the person's gender. Published, PyMAF-X measures all against the male body
    unless it is told the genders (its ALL_GENDER).
    """
    joints = LSPOnSMPL()
    return Benchmark(
        name="3DPW_SPIN",
        dataset=PW3DSpin("test", SMPL),
        metrics=(
            PointError("mpjpe", joints),
            PointError("pa_mpjpe", joints, "procrustes"),
            PointError("pve", MeshOnSMPL(), "none"),
        ),
        joint_set=SMPL_45,
        body=SMPL,
        count=35_515,
        prepare=partial(PosedTargets, gendered=True),
    )
