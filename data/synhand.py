"""SynHand: synthetic people whose hands are close to the camera (Yin et al., 2025)."""

from __future__ import annotations

from functools import partial

from common.joints import SMPLX, SMPLX_144
from common.metrics.known_hands import known_hand_errors
from data.formats.humandata import HumanData
from data.loading.dataset import Benchmark
from data.on_device.posed_targets import PosedTargets


class SynHand(HumanData):
    """See HumanData for what can be asked of it; `file` names another of its files."""

    annotations = {"train": "synhand_train.npz", "test": "synhand_test.npz"}
    images = "SynHand"
    flat_hand = True  # its hands are given from a flat hand
    source = "Get it from https://github.com/MotrixLab/SMPLest-X; see dataset/README.md."


def benchmark(as_published: bool = False) -> Benchmark:
    """Meshes, hands, faces and joints against the neutral bodies of the fits; hands that are known alone.

    Shapes with a coefficient beyond 3 are failed fits: the mean shape is the truth then (published).
    `as_published` reads the data set as HumanData says, and measures hand joints as PublishedHandJoints does.
    """
    return Benchmark(
        name="SynHand",
        dataset=SynHand("test", as_published=as_published),
        metrics=known_hand_errors(as_published),
        joint_set=SMPLX_144,
        body=SMPLX,
        prepare=partial(PosedTargets, largest_beta=3.0),
    )
