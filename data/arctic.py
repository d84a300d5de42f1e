"""ARCTIC: two hands and tools, filmed from nine sides (Fan et al., 2023)."""

from __future__ import annotations

from functools import partial

from common.joints import SMPLX, SMPLX_144
from common.metrics.whole_body import joint_errors, mesh_errors
from data.formats.humandata import HumanData
from data.loading.dataset import Benchmark
from data.on_device.posed_targets import PosedTargets


class ARCTIC(HumanData):
    """See HumanData for what can be asked of it."""

    annotations = {"train": "p1_train.npz", "test": "p1_val.npz"}
    images = "ARCTIC"
    intervals = {"test": 10}
    source = "Register at https://arctic.is.tue.mpg.de; see dataset/README.md."


def benchmark(as_published: bool = False) -> Benchmark:
    """Meshes, hands, faces and joints of every tenth frame against the neutral bodies of the fits.

    Shapes with a coefficient beyond 3 are failed fits: the mean shape is the truth then (published).
    `as_published` reads the data set as HumanData says.
    """
    return Benchmark(
        name="ARCTIC",
        dataset=ARCTIC("test", as_published=as_published),
        metrics=(*mesh_errors(), *joint_errors()),
        joint_set=SMPLX_144,
        body=SMPLX,
        prepare=partial(PosedTargets, largest_beta=3.0),
    )
