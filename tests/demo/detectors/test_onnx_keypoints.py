"""Key points by the user's ONNX file: one made here, which says where a picture is bright."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from common.joints import COCO_17, COCO_WHOLE_BODY_133
from common.structures import Person
from common.utils.errors import UserError
from demo.detectors.onnx_keypoints import OnnxKeypoints, decoded

HEIGHT, WIDTH, FINER = 64, 48, 2
MISSING = [name for name in ("onnx", "onnxruntime") if importlib.util.find_spec(name) is None]
with_onnx = pytest.mark.skipif(
    bool(MISSING), reason=f"{' and '.join(MISSING)} not installed: pip install 'humanmesh[onnx]' onnx"
)


def bright_points(path: Path, points: int, people: int | str = "people", lines: int = 2) -> Path:
    """A file whose every point is the brightest column and row, on a grid twice as fine."""
    from onnx import TensorProto, checker, helper, save

    def numbers(name: str, values: list[int]):
        return helper.make_tensor(name, TensorProto.INT64, [len(values)], values)

    nodes, outputs = [], []
    for name, axes, side in (("columns", "over_rows", WIDTH), ("rows", "over_columns", HEIGHT))[:lines]:
        nodes += [
            helper.make_node("ReduceMean", ["pictures", axes], [f"{name}_mean"], keepdims=0),
            helper.make_node("Unsqueeze", [f"{name}_mean", "apart"], [f"{name}_apart"]),
            helper.make_node("Tile", [f"{name}_apart", "times"], [f"{name}_tiled"]),
            helper.make_node("Reshape", [f"{name}_tiled", f"{name}_shape"], [name]),
        ]
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [people, points, side * FINER]))
    constants = [
        numbers("over_rows", [1, 2]), numbers("over_columns", [1, 3]), numbers("apart", [1, 3]),
        numbers("times", [1, points, 1, FINER]), numbers("columns_shape", [-1, points, WIDTH * FINER]),
        numbers("rows_shape", [-1, points, HEIGHT * FINER]),
    ]  # fmt: skip
    pictures = helper.make_tensor_value_info("pictures", TensorProto.FLOAT, [people, 3, HEIGHT, WIDTH])
    graph = helper.make_graph(nodes, "bright", [pictures], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    checker.check_model(model)
    save(model, str(path))
    return path


def scene() -> tuple[np.ndarray, list[Person], np.ndarray]:
    """Two people, a bright spot in each box; the picture, the people, the spots."""
    x, y = np.meshgrid(np.arange(320), np.arange(240))
    spots = np.array([[70, 90], [240, 150]])
    glow = sum(np.exp(-((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / 128) for spot in spots)
    picture = np.repeat(np.uint8(255 * glow)[..., None], 3, -1)
    boxes = np.float32([[40, 40, 120, 200], [190, 60, 300, 220]])
    people = [Person(f"x/{i}", image=picture, box=box, score=0.9) for i, box in enumerate(boxes)]
    return picture, people, spots


@with_onnx
@pytest.mark.parametrize("people_at_once", ["people", 1, 3])
def test_points_lie_where_the_file_sees_them_in_pixels_of_the_picture(tmp_path, people_at_once):
    picture, people, spots = scene()
    file = bright_points(tmp_path / "seventeen.onnx", 17, people_at_once)
    read = OnnxKeypoints(file, lambda image, name: people)(picture, "x")
    assert [person.name for person in read] == ["x/0", "x/1"]
    for person, spot in zip(read, spots, strict=True):
        assert person.joint_set is COCO_17 and person.joints_2d.shape == (17, 3)
        assert np.hypot(*(person.joints_2d[:, :2] - spot).T).max() < 3.2  # about a pixel of the crop
        assert ((person.joints_2d[:, 2] >= 0) & (person.joints_2d[:, 2] <= 1)).all()


@with_onnx
def test_of_133_points_there_are_parts_as_well(tmp_path):
    picture, people, _ = scene()
    file = bright_points(tmp_path / "whole.onnx", 133)
    first, _ = OnnxKeypoints(file, lambda image, name: people)(picture, "x")
    assert first.joint_set is COCO_WHOLE_BODY_133 and first.joints_2d.shape == (133, 3)
    assert first.part_boxes.shape == (3, 5) and first.part_scores.shape == (3,)
    assert OnnxKeypoints(file, lambda *_: [])(picture, "x") == []


@with_onnx
@pytest.mark.parametrize(("points", "lines"), [(21, 2), (17, 1)])
def test_a_file_that_answers_otherwise_is_refused_in_words(tmp_path, points, lines):
    picture, people, _ = scene()
    detector = OnnxKeypoints(bright_points(tmp_path / "odd.onnx", points, lines=lines), lambda *_: people)
    with pytest.raises(UserError, match=r"odd\.onnx answers with arrays of shape .*17 or 133 points"):
        detector(picture, "x")


@pytest.mark.skipif(
    "onnxruntime" in MISSING, reason="onnxruntime not installed: pip install 'humanmesh[onnx]'"
)
def test_a_file_of_another_kind_is_refused_in_words(tmp_path):
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(UserError, match=r"text\.onnx is no ONNX file that onnxruntime can run"):
        OnnxKeypoints(tmp_path / "text.onnx", lambda *_: [])


def test_a_missing_file_and_a_missing_package_are_sentences(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"none\.onnx is missing"):
        OnnxKeypoints(tmp_path / "none.onnx", lambda *_: [])
    (tmp_path / "some.onnx").touch()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UserError, match=r"needs onnxruntime: pip install 'humanmesh\[onnx\]'"):
        OnnxKeypoints(tmp_path / "some.onnx", lambda *_: [])


def test_a_point_is_the_likeliest_column_and_row_and_believed_as_the_less_likely():
    columns, rows = np.zeros((1, 2, 96)), np.zeros((1, 2, 128))
    columns[0, 0, 31], rows[0, 0, 100] = 0.9, 0.4
    columns[0, 1, 5], rows[0, 1, 0] = 3.0, 1.5
    np.testing.assert_allclose(decoded(columns, rows, (64, 48)), [[[15.5, 50, 0.4], [2.5, 0, 1]]])
