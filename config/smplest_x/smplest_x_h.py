"""SMPLest-X, ViT-H, trained on the data sets of SMPLer-X and, with hands of their own, on SynHand.

The published run: 16 GPUs with 16 persons each, and data sets besides whose loaders were never released. Its
encoder began from nothing, for none of ViTPose's names matched: that is this run without `weights`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from torch.optim import Adam

from common.joints import SMPLX, WHOLE_BODY_137
from common.losses.joints import Joints2D, Joints3D
from common.losses.objective import Term, WeightedSum
from common.losses.parameters import Betas, Expression, Pose
from common.losses.volume import PART_ROOTS
from common.losses.wrists import Wrists
from common.metrics.known_hands import known_hand_errors
from common.metrics.on_smpl import carried_errors
from common.networks.smplest_x import SMPLestX
from config.smpler_x import mixtures
from config.smpler_x.family import smpler_x
from data import arctic, egobody, renbody, synhand
from data.loading.dataset import Benchmark
from data.loading.mixture import Balanced
from data.pw3d import MEASURED
from main.schedules import cosine

agora, _, ubody, outdoors, ehf = mixtures.benchmarks()
EYES = SMPLX.joints.indices(("left_eyeball", "right_eyeball"))  # of which the network says nothing


def measured(make: Callable[..., Benchmark], *variant: str) -> Benchmark:
    """A benchmark of a HumanData file as this network's authors measure it, whose hand joints had bugs."""
    bugs = replace(make(*variant, as_published=True), metrics=known_hand_errors(as_published=True))
    return replace(make(*variant), metrics=known_hand_errors(), published=bugs)


experiment = replace(
    smpler_x("h", 32),
    name="smplest_x_h",
    model=partial(SMPLestX, encoder="huge"),
    objective=partial(
        WeightedSum,
        terms={
            "root": Term(1.0, Pose(silent=EYES, last=1, as_matrices=True)),
            "pose": Term(10.0, Pose(silent=EYES, as_matrices=True)),
            "betas": Term(1.0, Betas()),
            "expression": Term(1.0, Expression()),
            "joints_3d": Term(100.0, Joints3D(WHOLE_BODY_137, ("pelvis",), in_view=True)),
            "fitted_3d": Term(
                100.0, Joints3D(WHOLE_BODY_137, ("pelvis",), PART_ROOTS, fitted=True, in_view=True)
            ),
            "joints_2d": Term(1.0, Joints2D(pixels=32)),
            "hand_roots": Term(1.0, Wrists()),
            "hand_root_chain": Term(1.0, Wrists(chain=True)),
        },
    ),
    train=Balanced(*([part] for part in (*mixtures.of(32), synhand.SynHand("train"))), total=7_500_000),
    test=(
        agora,
        measured(egobody.benchmark, "egocentric"),
        ubody,
        replace(outdoors, metrics=carried_errors(MEASURED)),
        ehf,
    ),
    on_request=(
        synhand.benchmark(),
        measured(egobody.benchmark, "kinect"),
        measured(arctic.benchmark),
        measured(renbody.benchmark, "hires"),
    ),
    optimizer=partial(Adam, lr=1e-5),
    schedule=partial(cosine, floor=1e-6),
    epochs=20,
    batch_size=256,
)
