"""Draws, joints and mirrors of SMPLer, and its demo's squeezed picture: as published.

Crops, points and poses are held to the published ones in test_preprocess_published.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from replay import Replay
from standins import input_image

from common.joints import H36M_17, LSP_14, SMPL_24, SPIN_24
from common.preprocess.augment import Augment
from common.preprocess.views import cut
from common.structures import Person, View
from common.utils.paths import ROOT

Array = np.ndarray

SHARED = ROOT.parent / "shared" / "parity" / "smpler" / "preprocess.npz"
GOLDEN = Path(__file__).parent / "smpler_preprocess.npz"


@pytest.fixture(scope="module", params=[GOLDEN, SHARED], ids=["golden", "shared"])
def published(request: pytest.FixtureRequest) -> Mapping[str, Array]:
    if not request.param.exists():
        pytest.skip(f"{request.param} is not there: only the part that tests/parity keeps is checked")
    return np.load(request.param)


def test_samples_are_drawn_one_after_the_other_as_published(published: Mapping[str, Array]) -> None:
    augment = Augment(rotation_chance=0.4, color=0.4, flip_first=True)
    for seed in range(6):
        source = Replay(seed)
        drawn = [augment.draw(source) for _ in range(3)]
        ours = [[c.flipped, math.degrees(c.angle), c.scale, *c.color] for c in drawn]
        theirs = published[f"augment_seed{seed}/flip_rot_scale_colour"]
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


def test_joints_are_found_where_the_published_maps_say(published: Mapping[str, Array]) -> None:
    np.testing.assert_array_equal(LSP_14.taken_from(SPIN_24), published["J24_TO_J14"])
    np.testing.assert_array_equal(LSP_14.taken_from(H36M_17), published["H36M_J17_TO_J14"])
    np.testing.assert_array_equal(SPIN_24.mirrored, published["flip_joints24"])
    sources, signs = published["flip_pose_source_index"].reshape(24, 3), [1, -1, -1]
    np.testing.assert_array_equal(sources // 3, np.repeat(np.array(SMPL_24.mirrored)[:, None], 3, 1))
    np.testing.assert_array_equal(published["flip_pose_sign"].reshape(24, 3), [signs] * 24)


def test_a_box_that_is_the_picture_gives_the_squeezed_one_of_the_published_demo(
    published: Mapping[str, Array],
) -> None:
    height, width = published["demo/image_hw"]
    picture = np.round(255 * input_image(str(published["demo/image_name"]), 3, height, width))
    picture = picture.astype(np.uint8).transpose(1, 2, 0)
    person = Person("whole", picture, box=np.array([0.0, 0, width, height]), padding=None)
    view = View((224, 224), sampling="resize", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    seen, _ = cut(person, view)
    step = 6 if "demo/input_antialias_False[:, ::6, ::6]" in published else 18
    theirs = published[f"demo/input_antialias_False[:, ::{step}, ::{step}]"]
    torch.testing.assert_close(seen[:, ::step, ::step], torch.from_numpy(theirs), rtol=0, atol=1e-5)
