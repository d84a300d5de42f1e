"""3DPW as METRO, Mesh Graphormer and SMPLer have it: neutral bodies, points regressed from them."""

from __future__ import annotations

from common.joints import H36M_17, LSP_14, SMPL
from common.metrics.point_error import PointError
from common.metrics.points import AnnotatedRegressed, MeshFrom
from data.formats.metro_tsv import MetroTsv
from data.loading.dataset import Benchmark

MEASURED = H36M_17.indices(LSP_14.names)
HIPS = H36M_17.indices(("right_hip_h36m", "left_hip_h36m"))


class PW3DTSV(MetroTsv):
    """Everybody is posed as a neutral body, whatever the gender (published)."""

    annotations = {"train": "3dpw/train.yaml", "test": "3dpw/test_has_gender.yaml"}
    source = (
        "Get 3DPW from https://virtualhumans.mpi-inf.mpg.de/3DPW and make it with "
        "`python -m tool.prepare.tsv`, see dataset/README.md."
    )


def benchmark() -> Benchmark:
    """14 annotated points against those that `J_regressor_3dpw` reads off the mesh, and the mesh itself.

    Two networks that differ in nothing but the regressor they were trained with have other numbers here; the
    regressor of this test is its own.
    """
    points = AnnotatedRegressed("3dpw", MEASURED, HIPS)
    return Benchmark(
        name="PW3D",
        dataset=PW3DTSV("test"),
        metrics=(
            PointError("mpjpe", points),
            PointError("pa_mpjpe", points, "procrustes"),
            PointError("mpvpe", MeshFrom("3dpw")),
        ),
        joint_set=H36M_17,
        body=SMPL,
        count=35_515,
    )
