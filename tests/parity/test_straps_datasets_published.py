"""The pose files and SSP-3D, from their official files to persons: as STRAPS's loaders return them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from standins import input_image

from common.joints import COCO_17
from common.preprocess.pictures import read_picture
from data.formats.pose_npz import Poses, read_poses
from data.ssp3d import SSP3DSilhouettes, cut_corners

PUBLISHED = np.load(Path(__file__).parent / "straps_datasets.npz")
PREFIXES = {  # by the published word for which poses are wanted
    "all": (), "h36m": ("h36m",), "up3d": ("up3d",), "3dpw": ("3dpw",),
    "not_amass": ("h36m", "up3d", "3dpw"),
}  # fmt: skip
PERSONS = 3


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The miniature files, pictures and silhouettes drawn as they were for the published loaders."""
    folder = tmp_path_factory.mktemp("straps")
    for name in PUBLISHED.files:
        if name.startswith("file/"):
            path = folder / name.removeprefix("file/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(PUBLISHED[name].tobytes())
    labels = np.load(folder / "ssp_3d" / "labels.npz")
    y, x = np.mgrid[:512, :512]
    for i, name in enumerate(labels["fnames"]):
        picture = input_image(f"straps/ssp3d/{i}", 3, 512, 512).transpose(1, 2, 0)
        (row, column), side = labels["bbox_centres"][i], labels["bbox_whs"][i]
        inside = ((y - row) / (0.5 * side)) ** 2 + ((x - column) / (0.22 * side)) ** 2 < 1
        write(folder / "ssp_3d" / "images" / str(name), (picture * 15).astype(np.uint8)[..., ::-1] * 17)
        write(folder / "ssp_3d" / "silhouettes" / str(name), inside.astype(np.uint8))
    return folder


def write(path: Path, picture: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    assert cv2.imwrite(str(path), picture)


@pytest.mark.parametrize("wanted", PREFIXES)
def test_poses_are_chosen_by_where_they_come_from(root: Path, wanted: str) -> None:
    poses: Poses = read_poses(root / "straps_train_4.npz").starting_with(*PREFIXES[wanted])
    assert len(poses) == PUBLISHED[f"train/{wanted}/len"]
    np.testing.assert_array_equal(poses.poses, PUBLISHED[f"train/{wanted}/pose"])
    np.testing.assert_array_equal(poses.shapes, PUBLISHED[f"train/{wanted}/shape"])


@pytest.mark.parametrize("place", range(PERSONS))
def test_a_person_of_ssp3d(root: Path, place: int) -> None:
    numbers = {
        name.split("/")[2]: PUBLISHED[name] for name in PUBLISHED.files if name.startswith(f"ssp3d/{place}/")
    }
    dataset = SSP3DSilhouettes(root=root)
    person = dataset[place]
    assert len(dataset) == PERSONS and person.joint_set == COCO_17
    assert person.image == root / "ssp_3d" / "images" / str(numbers["fname"])
    assert person.gender[0] == numbers["gender"]
    np.testing.assert_allclose(person.pose.ravel(), numbers["pose"], atol=1e-6)
    np.testing.assert_allclose(person.betas, numbers["shape"], atol=1e-6)
    np.testing.assert_allclose(person.translation, numbers["cam_trans"], rtol=1e-6)
    from_edge = np.add(person.joints_2d, [0.5, 0.5, 0.0])  # they count from the edge of the picture
    np.testing.assert_allclose(from_edge, numbers["joints2D"], atol=1e-4)
    assert person.mask.sum() == numbers["silhouette_sum"]


@pytest.mark.parametrize("place", range(PERSONS))
def test_pictures_of_ssp3d_are_cut_at_the_published_pixels(root: Path, place: int) -> None:
    person = SSP3DSilhouettes(root=root)[place]
    picture = read_picture(person.image)
    assert picture.shape == tuple(PUBLISHED[f"ssp3d/{place}/image_shape"])
    np.testing.assert_array_equal(picture[::64, ::64], PUBLISHED[f"ssp3d/{place}/image_sub"])
    middle, side = (person.box[:2] + person.box[2:]) / 2, person.box[2] - person.box[0]
    x0, y0, x1, y1 = cut_corners((float(middle[0]), float(middle[1])), float(side))
    cut = picture[y0:y1, x0:x1]
    assert cut.shape == tuple(PUBLISHED[f"ssp3d/{place}/cropped_image_shape"])
    np.testing.assert_array_equal(cut[::64, ::64], PUBLISHED[f"ssp3d/{place}/cropped_image_sub"])
