"""MPI-INF-3DHP as SPIN and its kin measure it: actors indoors and outdoors whom nothing is trained on."""

from __future__ import annotations

from common.joints import SMPL, SPIN_24
from common.metrics.on_smpl import LSP_17, AnnotatedLSP
from common.metrics.point_error import CorrectPoints, PointError
from data.loading.dataset import Benchmark
from data.spin_sets import MPIINF3DHPSpin

LIMITS = tuple(5.0 * step for step in range(31))  # millimeters, up to 150: of the area under the curve


def benchmark() -> Benchmark:
    """17 captured points against those read off the mesh: MPJPE, and PCK at 150 mm and its AUC in percent.

    Each before and after the best translation, scale and rotation. Higher is better for PCK and AUC. The
    points are seen from the middle of the hips, those of the mesh from the pelvis that the regressor reads.
    """
    joints = AnnotatedLSP(joints=LSP_17, joint_set=SPIN_24)
    return Benchmark(
        name="MPI_INF_3DHP_SPIN",
        dataset=MPIINF3DHPSpin("test", SMPL),
        metrics=(
            PointError("mpjpe", joints),
            CorrectPoints("pck", joints),
            CorrectPoints("auc", joints, within=LIMITS),
            PointError("pa_mpjpe", joints, "procrustes"),
            CorrectPoints("pa_pck", joints, "procrustes"),
            CorrectPoints("pa_auc", joints, "procrustes", within=LIMITS),
        ),
        joint_set=SPIN_24,
        body=SMPL,
    )
