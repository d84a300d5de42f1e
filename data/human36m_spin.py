"""Human3.6M as SPIN, PyMAF and PyMAF-X measure it: from their label files, with MoSh's bodies if need be."""

from __future__ import annotations

from common.joints import SMPL, SPIN_24
from common.metrics.on_smpl import AnnotatedLSP, MeshOnSMPL
from common.metrics.point_error import PointError
from common.utils.errors import UserError
from data.loading.dataset import Benchmark
from data.spin_sets import H36MMosh

SPLITS = {"": "test", "p1": "test_p1", "p2": "test_p2"}


def benchmark(protocol: str = "") -> Benchmark:
    """14 captured points against those read off the mesh, two actors; with MoSh's bodies, vertices besides.

    protocol: "" is the second with MoSh's bodies (published: "h36m-p2-mosh"), "p1" every camera, "p2" the
    frontal one. Published: points are seen from the middle of the hips, those of the mesh from the pelvis
    that the regressor reads, and vertices are not aligned at all. Raises UserError for another.
    """
    if protocol not in SPLITS:
        raise UserError(f"Human36M_SPIN is measured by {', '.join(SPLITS)}, not by '{protocol}'.")
    joints = AnnotatedLSP(joint_set=SPIN_24)
    metrics = (PointError("mpjpe", joints), PointError("pa_mpjpe", joints, "procrustes"))
    if not protocol:
        metrics = (*metrics, PointError("pve", MeshOnSMPL(), "none"))
    return Benchmark(
        name="_".join(["Human36M_SPIN", *filter(None, [protocol])]),
        dataset=H36MMosh(SPLITS[protocol], SMPL),
        metrics=metrics,
        joint_set=SPIN_24,
        body=SMPL,
    )
