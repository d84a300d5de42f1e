"""Human3.6M's two test actors as METRO, Mesh Graphormer and SMPLer have them (protocol 2)."""

from __future__ import annotations

from common.joints import H36M_17, LSP_14, SMPL
from common.metrics.point_error import PointError
from common.metrics.points import AnnotatedRegressed
from data.formats.metro_tsv import MetroTsv
from data.loading.dataset import Benchmark

MEASURED = H36M_17.indices(LSP_14.names)
HIPS = H36M_17.indices(("right_hip_h36m", "left_hip_h36m"))


class Human36MTSV(MetroTsv):
    """S9 and S11 by the frontal camera, every fifth frame; points in the picture and fits mean nothing."""

    annotations = {"test": "human3.6m/valid.protocol2.yaml"}
    source = (
        "Get Human3.6M from http://vision.imar.ro/human3.6m and make it with "
        "`python -m tool.prepare.tsv`, see dataset/README.md."
    )


def benchmark() -> Benchmark:
    """14 captured points against those that `J_regressor_h36m_correct` reads off the mesh."""
    points = AnnotatedRegressed("h36m_correct", MEASURED, HIPS)
    return Benchmark(
        name="Human36M",
        dataset=Human36MTSV("test"),
        metrics=(PointError("mpjpe", points), PointError("pa_mpjpe", points, "procrustes")),
        joint_set=H36M_17,
        body=SMPL,
    )
