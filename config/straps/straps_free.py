"""STRAPS on the free body, by a better recipe: trained on a processor from poses and shapes alone.

Against the published recipe: proxies are drawn straight into a padded crop; left and right are treated alike;
joints are lost, too; persons are seen from all sides and through real lenses; shape is taught without size;
views are 128 x 128. It begins best from the weights of straps_free_64, which learns 2.5 times as fast.
"""

from __future__ import annotations

from functools import partial

from torch.optim import AdamW

from common.joints import STRAPS_31
from common.losses.joints import Joints2D, Joints3D
from common.losses.objective import Term, WeightedSum
from common.losses.parameters import Betas, Rotations
from common.losses.vertices import Vertices
from common.networks.straps import STRAPS
from common.utils.paths import FREE
from data import synthetic
from data.on_device.proxy_errors import ProxyErrors
from data.on_device.synthetic_proxies import ProxyCameras, SyntheticProxies
from main.experiment import Experiment
from main.schedules import cosine

SIDE = 128
UNSURE = 0.3  # confidence of a detector's point below which none is drawn: the training loses points, too


def terms(side: int) -> dict[str, Term]:
    """The losses of a network whose views are so large."""
    return {
        "joints_2d": Term(2.0, Joints2D(pixels=side / 2, over="entries")),
        "joints_3d": Term(5.0, Joints3D(STRAPS_31, only=("lsp",), over="entries")),
        "vertices": Term(5.0, Vertices()),
        "rotations": Term(2.0, Rotations()),
        "shape": Term(2.5e3, Vertices(rest=True, kind="l2")),
        "betas": Term(0.3, Betas(kind="l2")),
    }


experiment = Experiment(
    name="straps_free",
    model=partial(
        STRAPS, depth=18, size=SIDE, free="only", sampling="warp", least_confidence=UNSURE, both=True
    ),
    objective=partial(WeightedSum, terms=terms(SIDE)),
    train=synthetic.SyntheticPeople(count=8192, shape=synthetic.SHAPE),
    test=(synthetic.shapes(), synthetic.shapes("unseen_subject")),
    released=FREE / "straps.safetensors",
    prepare=partial(
        SyntheticProxies,
        cameras=ProxyCameras(padding=(1.15, 1.25), aside=0.01, cut_below=0.05, cut_aside=0.03),
        errors=ProxyErrors(joints=0.012, coarse=0.1, untroubled=0.85),
        vertex_noise=0.0,
    ),
    optimizer=partial(AdamW, lr=3e-4, weight_decay=0.01, fused=True),
    schedule=partial(cosine, floor=4e-5, warmup=100),
    epochs=128,
    batch_size=32,
    clip=1.0,
    ema=0.998,
    precision="bf16",
    workers=0,
    evaluate_every=4,  # its benchmarks hold a quarter as many persons as an epoch
    best="shapes/pve_t_sc",
)
