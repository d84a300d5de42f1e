"""Persons of the published .tsv files, from their lines to pictures and targets: as SMPLer has them.

smpler_datasets.npz holds the files of one of them and what the published loader made of it; the others are
checked where `../shared` is at hand.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from replay import Replay

from common.geometry.rotation import matrix_from_axis_angle
from common.joints import SMPL, SMPL_24, SPIN_24
from common.preprocess.augment import Augment, Chance
from common.preprocess.sample import make_sample
from common.structures import Sample, View
from common.utils.paths import ROOT
from data.formats.metro_tsv import MetroTsv
from data.human36m_tsv import Human36MTSV
from data.on_device.posed_targets import in_view
from data.pw3d_tsv import PW3DTSV

Array = np.ndarray

PARITY = ROOT.parent / "shared" / "parity" / "smpler"
GOLDEN = Path(__file__).parent / "smpler_datasets.npz"
VIEW = View((224, 224), sampling="resize", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
AUGMENT = Augment(rotation_chance=0.4, color=0.4, flip_first=True, whole_points=True)
CASES = [
    *((name, place, None) for name in ("h36m", "3dpw") for place in (0, 1)),
    *(("h36m", place, 100 + place) for place in (0, 1)),
    *(("composite", place, seed) for place in range(4) for seed in (None, 100 + place)),
]
KEPT = [("coco", 0, None), ("coco", 1, None), ("coco", 0, 100), ("coco", 1, 102)]  # in every clone


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mapping[str, Array]]:
    """The miniature data root, where indexes may be written, and what the published loader made of it."""
    if not PARITY.exists():
        pytest.skip(f"{PARITY} is not there: only the part that tests/parity keeps is checked")
    root = tmp_path_factory.mktemp("smpler")
    shutil.copytree(PARITY / "dataset", root / "TSV")
    return root, np.load(PARITY / "dataset.npz")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mapping[str, Array]]:
    """The same of the part that lies in every clone."""
    root, numbers = tmp_path_factory.mktemp("kept"), np.load(GOLDEN)
    for name in numbers.files:
        if name.startswith("file/"):
            path = root / "TSV" / name.removeprefix("file/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(numbers[name].tobytes())
    return root, numbers


def sets(root: Path) -> dict[str, MetroTsv]:
    return {
        "h36m": Human36MTSV("test", root=root),
        "3dpw": PW3DTSV("test", root=root),
        "composite": MetroTsv(file="Tax-mini/train.yaml", root=root),
        "coco": MetroTsv(file="coco.yaml", root=root),
    }


def check(root: Path, numbers: Mapping[str, Array], name: str, place: int, seed: int | None) -> None:
    prefix = f"{name}/{place}/" if seed is None else f"{name}_train_seed{seed}/{place}/"
    theirs = {key.removeprefix(prefix): numbers[key] for key in numbers if key.startswith(prefix)}
    assert theirs
    person = sets(root)[name][place]
    chance = Chance(whole_points=True) if seed is None else AUGMENT.draw(Replay(seed))
    batch = Sample.stack([make_sample(person, {"body": VIEW}, SPIN_24, SMPL, chance)])
    if seed is not None:
        drawn = [chance.flipped, math.degrees(chance.angle), chance.scale]
        np.testing.assert_allclose(drawn, theirs["augment_flip_rot_scale"], atol=1e-9)
        np.testing.assert_allclose(chance.color, theirs["augment_colour"], atol=1e-9)
    check_picture(batch.inputs.views["body"][0].numpy(), theirs)
    check_points(batch, theirs)
    check_body(batch, theirs)
    assert person.gender == {"m": "male", "f": "female"}.get(str(theirs["gender"]), "neutral")


def check_picture(seen: Array, theirs: Mapping[str, Array]) -> None:
    (key,) = (key for key in theirs if key.startswith("image["))
    step = int(key.split("::")[1].split(",")[0])
    np.testing.assert_allclose(seen[:, ::step, ::step], theirs[key], atol=2e-6)
    np.testing.assert_allclose(seen.mean((1, 2)), theirs["image_mean"], atol=1e-6)
    mean, std = (np.array(numbers)[:, None, None] for numbers in (VIEW.mean, VIEW.std))
    for key in (key for key in theirs if key.startswith("ori_img[")):  # before the statistics
        np.testing.assert_allclose((seen * std + mean)[:, ::12, ::12], theirs[key], atol=1e-6)


def check_points(batch: Sample, theirs: Mapping[str, Array]) -> None:
    flat, deep = batch.target.joints_2d[0].numpy(), batch.target.joints_3d[0].numpy()
    np.testing.assert_array_equal(flat[:, 2], theirs["joints_2d"][:, 2])
    seen = flat[:, 2] > 0
    np.testing.assert_allclose(2 * flat[seen, :2] / 224 - 1, theirs["joints_2d"][seen, :2], atol=1e-6)
    if not theirs["has_3d_joints"]:
        assert not deep.any()
        return
    np.testing.assert_array_equal(deep[:, 3], theirs["joints_3d"][:, 3])
    known, pelvis = deep[:, 3] > 0, SPIN_24.index("pelvis_h36m")
    assert known[pelvis]
    np.testing.assert_allclose((deep - deep[pelvis])[known, :3], theirs["joints_3d"][known, :3], atol=1e-6)


def check_body(batch: Sample, theirs: Mapping[str, Array]) -> None:
    mirrored = torch.tensor(SMPL_24.mirrored)
    target = in_view(batch.target, batch.inputs.crops["body"], mirrored)
    assert bool(target.known[0, :25].all()) == bool(theirs["has_smpl"]) == bool(target.known.any())
    if not theirs["has_smpl"]:
        return
    expected = torch.tensor(theirs["pose"].reshape(24, 3))
    np.testing.assert_allclose(target.betas[0], theirs["betas"], atol=1e-6)
    np.testing.assert_allclose(target.pose[0, 1:], expected[1:], atol=1e-6)
    ours, others = matrix_from_axis_angle(target.pose[0]), matrix_from_axis_angle(expected)
    np.testing.assert_allclose(ours, others, atol=1e-5)


@pytest.mark.parametrize(("name", "place", "seed"), KEPT)
def test_persons_are_those_of_the_published_loader(
    kept: tuple[Path, Mapping[str, Array]], name: str, place: int, seed: int | None
) -> None:
    check(*kept, name, place, seed)


@pytest.mark.parametrize(("name", "place", "seed"), CASES)
def test_persons_of_all_sets_are_those_of_the_published_loader(
    published: tuple[Path, Mapping[str, Array]], name: str, place: int, seed: int | None
) -> None:
    check(*published, name, place, seed)


def test_sets_are_as_long_as_published(published: tuple[Path, Mapping[str, Array]]) -> None:
    root, numbers = published
    found = sets(root)
    for name in ("h36m", "3dpw", "composite"):
        assert len(found[name]) == numbers[f"{name}/len"]
