"""Persons of METRO's .tsv files: what a label says, which lines are shown, what is said of broken ones."""

from __future__ import annotations

import base64
import json
import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from common.joints import SMPL, SPIN_24
from common.utils.errors import UserError
from data.formats.metro_tsv import MetroTsv
from data.formats.tsv import TsvWriter


def label(number: int, **changes: Any) -> dict[str, Any]:
    drawn = np.random.default_rng(number)
    points = np.concatenate([drawn.uniform(0, 40, (24, 2)), drawn.integers(0, 2, (24, 1))], 1)
    deep = np.concatenate([drawn.normal(0, 1, (24, 3)), np.ones((24, 1))], 1)
    given = {
        "center": [20.5 + number, 15.25],
        "scale": 0.125,
        "has_2d_joints": 1,
        "has_3d_joints": 1,
        "has_smpl": 1,
        "2d_joints": points.tolist(),
        "3d_joints": [deep.tolist()],  # one of both lies a list deeper
        "pose": drawn.normal(0, 1, 72).tolist(),
        "betas": drawn.normal(0, 1, 10).tolist(),
        "gender": "f" if number % 2 else "none",
    }
    return given | changes


def picture(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (30, 40, 3), np.uint8)


def write(root: Path, name: str, labels: list[Any], lines: str | None = None) -> Path:
    """A set `name`.yaml with a person a label; what is text already is written as it is."""
    folder = root / "TSV"
    folder.mkdir(parents=True, exist_ok=True)
    files = {kind: TsvWriter(folder / f"{name}.{kind}.tsv") for kind in ("img", "label")}
    for number, given in enumerate(labels):
        coded = cv2.imencode(".png", picture(number)[:, :, ::-1])[1].tobytes()
        files["img"].add(f"{name}{number}.png", base64.b64encode(coded))
        files["label"].add(f"{name}{number}.png", given if isinstance(given, str) else json.dumps([given]))
    for file in files.values():
        file.close()
    text = f"img: {name}.img.tsv\nlabel: {name}.label.tsv\nhw: {name}.hw.tsv\n"
    if lines is not None:
        (folder / f"{name}.linelist.tsv").write_text(lines)
        text += f"linelist: {name}.linelist.tsv\n"
    (folder / f"{name}.yaml").write_text(text)
    return root


def test_a_person_has_what_the_label_says(tmp_path: Path) -> None:
    root = write(tmp_path, "a", [label(0), label(1)])
    dataset = MetroTsv(file="a.yaml", root=root)
    person, given = dataset[1], label(1)
    assert len(dataset) == 2 and person.name == "MetroTsv/1"
    np.testing.assert_array_equal(person.image, picture(1))
    np.testing.assert_array_equal(person.box, [9, 2.75, 34, 27.75])
    assert person.padding is None and person.joint_set == SPIN_24 and person.body == SMPL
    np.testing.assert_allclose(person.joints_2d, given["2d_joints"])
    np.testing.assert_allclose(person.joints_3d, given["3d_joints"][0], atol=1e-6)
    np.testing.assert_allclose(person.pose, np.reshape(given["pose"], (24, 3)), atol=1e-6)
    np.testing.assert_allclose(person.betas, given["betas"], atol=1e-6)
    assert (dataset[0].gender, person.gender) == ("neutral", "female")


def test_a_network_of_another_shape_is_given_the_persons_own_box(tmp_path: Path) -> None:
    root = write(tmp_path, "a", [label(0)])
    person = MetroTsv(file="a.yaml", root=root, padding=1.0)[0]
    side = 200 * 0.125 / 1.2
    assert person.padding == 1.0
    np.testing.assert_allclose(
        np.float64(person.box), [20.5 - side / 2, 15.25 - side / 2, 20.5 + side / 2, 15.25 + side / 2]
    )


def test_what_a_flag_denies_is_not_there(tmp_path: Path) -> None:
    absent = label(0, has_2d_joints=0, has_3d_joints=0, has_smpl=0)
    root = write(tmp_path, "a", [absent])
    person = MetroTsv(file="a.yaml", root=root)[0]
    assert person.joints_2d is person.joints_3d is person.body is person.pose is person.betas is None
    assert MetroTsv(file="a.yaml", root=root, as_published=True)[0].joints_2d is not None


def test_lines_are_shown_as_listed(tmp_path: Path) -> None:
    root = write(tmp_path, "a", [label(0), label(1), label(2)], lines="2\n0\n2\n")
    dataset = MetroTsv(file="a.yaml", root=root)
    assert [dataset[i].box[0] for i in range(3)] == [10, 8, 10]
    assert len({dataset[i].name for i in range(3)}) == 3
    assert [MetroTsv(file="a.yaml", root=root, interval=2)[i].box[0] for i in range(2)] == [10, 10]


def test_a_mixture_takes_lines_of_several_files(tmp_path: Path) -> None:
    root = write(tmp_path, "a", [label(0), label(1)])
    write(root, "b", [label(4)])
    folder = root / "TSV" / "mix"
    folder.mkdir()
    lists = {kind: f"[../a.{kind}.tsv, ../b.{kind}.tsv]" for kind in ("img", "label")}
    text = "composite: true\nlinelist: mix.tsv\n" + "".join(f"{k}: {v}\n" for k, v in lists.items())
    (folder / "mix.yaml").write_text(text)
    (folder / "mix.tsv").write_text("1\t0\n0\t1\n")
    dataset = MetroTsv(file="mix/mix.yaml", root=root)
    assert [dataset[i].box[0] for i in range(len(dataset))] == [12, 9]
    (folder / "images.txt").write_text("../a.img.tsv\n../b.img.tsv\n")
    (folder / "mix.yaml").write_text(text.replace(lists["img"], "images.txt"))
    assert [MetroTsv(file="mix/mix.yaml", root=root)[i].box[0] for i in range(2)] == [12, 9]
    (folder / "mix.tsv").write_text("1\t0\n1\t1\n")
    with pytest.raises(UserError, match=r"line 2 of .*mix.tsv asks for row 1 of source 1"):
        len(MetroTsv(file="mix/mix.yaml", root=root))


def test_another_process_opens_the_files_anew(tmp_path: Path) -> None:
    dataset = MetroTsv(file="a.yaml", root=write(tmp_path, "a", [label(0)]))
    assert len(dataset) == 1
    sent = pickle.dumps(dataset)
    assert len(sent) < 1000
    np.testing.assert_array_equal(pickle.loads(sent)[0].image, dataset[0].image)


def test_a_label_with_numbers_that_are_none_is_left_out_or_refused(tmp_path: Path) -> None:
    broken = label(1, betas=[float("nan")] * 10)
    root = write(tmp_path, "a", [label(0), broken, label(2), label(3, scale=0.0)])
    dataset = MetroTsv("train", file="a.yaml", root=root)
    assert [dataset[i].box[0] for i in range(len(dataset))] == [8, 10]
    with pytest.raises(UserError, match=r"1 have numbers that are none \(NaN\) \(row 1\)"):
        len(MetroTsv("test", file="a.yaml", root=root))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{"center": [1, 2], "scale": 1', "Expecting"),
        ("[]", "index out of range"),
        ('[{"scale": 1}]', "it has no 'center'"),
        (json.dumps([label(1, pose=[0.0] * 71)]), "cannot reshape"),
    ],
)
def test_a_broken_label_is_named_by_file_and_line(tmp_path: Path, text: str, said: str) -> None:
    root = write(tmp_path, "a", [label(0), text])
    with pytest.raises(UserError, match=rf"line 2 of .*a\.label\.tsv is no label.*{said}"):
        len(MetroTsv(file="a.yaml", root=root))


def test_a_broken_picture_is_named_by_file_and_line(tmp_path: Path) -> None:
    root = write(tmp_path, "a", [label(0), label(1)])
    path = root / "TSV" / "a.img.tsv"
    lines = path.read_bytes().splitlines()
    path.write_bytes(lines[0] + b"\n" + lines[1][:40] + b"!\n")
    path.with_suffix(".lineidx").unlink()
    dataset = MetroTsv(file="a.yaml", root=root)
    assert dataset[0].image is not None
    with pytest.raises(ValueError, match=r"line 2 of .*a\.img\.tsv is broken"):
        dataset[1]
    path.write_bytes(lines[0] + b"\na1.png\t" + base64.b64encode(b"GIF89a") + b"\n")
    with pytest.raises(ValueError, match=r"line 2 of .*a\.img\.tsv is damaged"):
        MetroTsv(file="a.yaml", root=root)[1]
    path.write_bytes(lines[0] + b"\n")
    with pytest.raises(UserError, match=r"has 2 lines and .* 1;"):
        len(MetroTsv(file="a.yaml", root=root))


def test_a_picture_of_another_line_is_refused_where_keys_are_the_same(tmp_path: Path) -> None:
    root = write(tmp_path, "a", [label(0), label(1), label(2)])
    path = root / "TSV" / "a.img.tsv"
    lines = path.read_bytes().splitlines()
    path.with_suffix(".lineidx").unlink()
    path.write_bytes(b"\n".join([lines[0], lines[2], lines[1]]))
    dataset = MetroTsv(file="a.yaml", root=root)
    assert dataset[0].name == "MetroTsv/0"
    with pytest.raises(ValueError, match=r"line 2 of .* is the picture 'a2.png', not that of the same line"):
        dataset[1]
    path.write_bytes(b"\n".join(b"images/" + line for line in lines))
    np.testing.assert_array_equal(MetroTsv(file="a.yaml", root=root)[1].image, picture(1))
    path.write_bytes(b"\n".join([lines[0], b"a1.png", lines[2]]))
    with pytest.raises(ValueError, match=r"line 2 of .* is broken: it has no picture"):
        MetroTsv(file="a.yaml", root=root)[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("img: [", "line 1 does not name"),
        ("img: a.img.tsv\n", "says no 'label'"),
        ("nothing", "does not name"),
        ("img: a.img.tsv\nlabel: a.label.tsv\ncomposite: true\n", "says no 'linelist'"),
    ],
)
def test_a_broken_yaml_is_named(tmp_path: Path, text: str, said: str) -> None:
    root = write(tmp_path, "a", [label(0)])
    (root / "TSV" / "a.yaml").write_text(text)
    with pytest.raises(UserError, match=said):
        len(MetroTsv(file="a.yaml", root=root))


def test_a_file_that_a_yaml_names_is_missed_by_name(tmp_path: Path) -> None:
    root = write(tmp_path, "a", [label(0)], lines="0\n")
    (root / "TSV" / "a.linelist.tsv").unlink()
    with pytest.raises(UserError, match=r"is not there: .*a\.linelist\.tsv is missing"):
        len(MetroTsv(file="a.yaml", root=root))
