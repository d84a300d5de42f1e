"""SMPLer-X in four sizes on four mixtures of data sets, and what the runs have in common.

The published runs: 16 GPUs with 32 persons each, or 16 of the largest network. Of their bugs, two took
teaching away, and one argument of each term or data set brings them back: `prepare.as_published=True` (the
2D annotations of sets without 3D taught nothing), `as_published=True` of a data set or of `train` (see
there).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from torch.optim import Adam

from common.joints import SMPLX, WHOLE_BODY_137
from common.losses.joints import Joints3D
from common.losses.objective import Term, WeightedSum
from common.losses.parameters import Betas, Expression, Pose
from common.losses.parts import JointsInParts, PartBox, Positions
from common.losses.volume import PART_ROOTS
from common.networks.smpler_x import SMPLerX
from common.preprocess.augment import Augment
from common.utils.paths import PRETRAINED
from config.smpler_x import mixtures
from data.loading.dataset import Benchmark, Dataset
from data.loading.mixture import Balanced
from data.on_device.fitted_targets import FittedTargets
from main.experiment import Experiment
from main.schedules import cosine

EYES = SMPLX.joints.indices(("left_eyeball", "right_eyeball"))  # of which the network says nothing
SIZES = {"s": "small", "b": "base", "l": "large", "h": "huge"}
TERMS = {
    "pose": Term(10.0, Pose(silent=EYES)),
    "betas": Term(1.0, Betas()),
    "expression": Term(1.0, Expression()),
    "joints_3d": Term(100.0, Joints3D(WHOLE_BODY_137, ("pelvis",))),
    "fitted_3d": Term(100.0, Joints3D(WHOLE_BODY_137, ("pelvis",), PART_ROOTS, fitted=True)),
    "left_hand_box": Term(1.0, PartBox("left_hand")),
    "right_hand_box": Term(1.0, PartBox("right_hand")),
    "face_box": Term(1.0, PartBox("face")),
    "joints_2d": Term(1.0, JointsInParts()),
    "positions": Term(1.0, Positions()),
    "fitted_positions": Term(1.0, Positions(fitted=True)),
}


def smpler_x(size: Literal["s", "b", "l", "h"], mixture: Literal[5, 10, 20, 32]) -> Experiment:
    """The network of one size, trained from ViTPose's weights on a mixture of that many data sets."""
    encoder = SIZES[size]
    return Experiment(
        name=f"smpler_x_{size}{mixture}",
        model=partial(SMPLerX, encoder=encoder),
        objective=partial(WeightedSum, terms=TERMS),
        train=Balanced(*([part] for part in mixtures.of(mixture)), total=mixtures.PERSONS[mixture]),
        test=mixtures.benchmarks(),
        prepare=partial(FittedTargets, largest_beta=3.0),
        augment=Augment(scale=0.25, rotation=30, flip=0.5, color=0.2),
        optimizer=partial(Adam, lr=2e-5 if (size, mixture) == ("l", 5) else 1e-5),
        schedule=partial(cosine, floor=1e-6),
        epochs=10,
        batch_size=16 * (16 if size == "h" else 32),
        seed=2023,
        sync_batch_norm=True,
        weights={"encoder": PRETRAINED / f"vitpose_{encoder}.pth"},
    )


def fine_tuned(name: str, train: Sequence[Dataset], test: Sequence[Benchmark]) -> Experiment:
    """The largest network, from the weights of all data sets, trained on for one benchmark."""
    return replace(
        smpler_x("h", 32),
        name=f"smpler_x_h32_{name}",
        train=Balanced(*([part] for part in train), total=1_000_000),
        test=tuple(test),
        schedule=partial(cosine, floor=5e-7),
        epochs=5,
        weights={"": PRETRAINED / "smpler_x_h32.pth.tar"},
    )
