"""What is written in METRO's .tsv format is read back as it was, also after a stop, also as a mixture."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from common.body_models.build import body_model
from common.body_models.regressors import Regressor
from common.joints import COCO_17, H36M_17, SMPL, SMPLX, SPIN_24, BodyLayout
from common.structures import Person
from common.utils.errors import UserError
from data.formats.metro_tsv import MetroTsv
from tool.prepare import tsv
from tool.prepare.tsv import write_mixture, write_set
from tool.prepare.tsv_labels import Labels, box_of, spin_points

HIP = SPIN_24.index("left_hip_h36m")


def picture(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (30, 40, 3), np.uint8)


def jpeg(pixels: np.ndarray, orientation: int | None = None) -> bytes:
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    written = BytesIO()
    Image.fromarray(pixels).save(written, "jpeg", exif=exif)
    return written.getvalue()


def person(number: int) -> Person:
    drawn = np.random.default_rng(number)
    return Person(
        name=f"Toy/{number}",
        image=picture(number),
        box=np.array([4.0, 2.0, 14.0 + number, 26.0]),
        joint_set=SPIN_24,
        joints_2d=np.c_[drawn.uniform(0, 30, (24, 2)), drawn.integers(0, 2, 24)],
        joints_3d=np.c_[drawn.normal(0, 1, (24, 3)), drawn.integers(0, 2, 24)],
        body=SMPL,
        pose=drawn.normal(0, 1, (24, 3)),
        betas=drawn.normal(0, 1, 10),
        gender=("neutral", "female", "male")[number % 3],
    )


@dataclass(frozen=True)
class Toy:
    people: list[Person] = field(default_factory=lambda: [person(number) for number in range(4)])
    body: BodyLayout = SMPL
    name: str = "Toy"

    def __len__(self) -> int:
        return len(self.people)

    def __getitem__(self, index: int) -> Person:
        return self.people[index]


def written(root: Path, *people: Person, name: str = "toy/train", labels: Labels | None = None) -> MetroTsv:
    write_set(Toy(list(people)), root / "TSV" / f"{name}.yaml", labels or Labels())
    return MetroTsv(file=f"{name}.yaml", root=root, padding=1.0)


def test_persons_are_read_back_as_they_were(tmp_path: Path) -> None:
    people = [person(number) for number in range(4)]
    dataset = written(tmp_path, *people)
    assert len(dataset) == 4
    for index, was in enumerate(people):
        found = dataset[index]
        np.testing.assert_array_equal(found.image, was.image)
        for kind in ("joints_2d", "joints_3d"):
            known = getattr(was, kind)[:, -1:] > 0
            np.testing.assert_allclose(
                getattr(found, kind), np.where(known, getattr(was, kind), 0), atol=1e-4
            )
        np.testing.assert_allclose(found.pose, was.pose, atol=1e-6)
        np.testing.assert_allclose(found.betas, was.betas, atol=1e-6)
        assert (found.gender, found.body) == (was.gender, SMPL)
        middle, side = (was.box[:2] + was.box[2:]) / 2, (was.box[2:] - was.box[:2]).max()
        box = np.float64(found.box)
        np.testing.assert_allclose(box, [*(middle - side / 2), *(middle + side / 2)], atol=1e-3)


def test_a_box_that_is_padded_already_or_is_the_crop_stays_as_large(tmp_path: Path) -> None:
    box = np.array([0.0, 0, 100, 50])
    for padding, side in ((1.0, 120), (0.8, 96), (None, 100)):
        center, scale = box_of(Person("a", box=box, padding=padding))
        assert (center.tolist(), round(200 * scale, 9)) == ([50, 25], side)
    with pytest.raises(ValueError, match="no box"):
        box_of(Person("a"))


def test_pictures_lie_in_the_file_as_they_were_but_for_those_that_a_reader_would_turn(tmp_path: Path) -> None:
    plain, turned = jpeg(picture(0)), jpeg(picture(1), orientation=6)
    assert tsv.encoded_picture(Person("a", plain)) == (plain, (40, 30))
    path = tmp_path / "b.jpg"
    path.write_bytes(plain)
    assert tsv.encoded_picture(Person("a", path)) == (plain, (40, 30))
    unturned = jpeg(picture(1), orientation=1)
    assert tsv.encoded_picture(Person("a", unturned)) == (unturned, (40, 30))
    data, size = tsv.encoded_picture(Person("a", turned))
    assert size == (40, 30)
    found = written(tmp_path, replace(person(0), image=turned))[0].image
    assert found.shape == (30, 40, 3), "annotations are of the picture as it lies"
    np.testing.assert_array_equal(found, np.asarray(Image.open(BytesIO(data))))


def test_points_of_other_sets_stand_for_those_of_the_same_part() -> None:
    points = np.c_[np.arange(17.0), np.arange(17.0), np.ones(17)]
    points[COCO_17.index("left_knee"), 2] = 0
    found = spin_points(points, Person("a", joint_set=COCO_17))
    named = {name: row for name, row in zip(SPIN_24.names, found, strict=True) if row[2] > 0}
    assert named["left_hip_h36m"][0] == COCO_17.index("left_hip")
    assert named["nose_spin"][0] == COCO_17.index("nose")
    assert len(named) == 16 and "left_knee_h36m" not in named
    exact = np.c_[points, np.ones(17)]
    assert spin_points(exact, Person("a", joint_set=H36M_17))[HIP][0] == H36M_17.index("left_hip_h36m")
    assert spin_points(points * 0, Person("a", joint_set=COCO_17)) is None


def test_a_body_of_smplx_is_left_out_and_so_is_one_known_in_parts(tmp_path: Path) -> None:
    known = np.ones(26)
    known[24] = 0
    wide = replace(person(1), body=SMPLX, pose=np.zeros((55, 3)))
    dataset = written(tmp_path, wide, replace(person(0), known=known), replace(person(0), body=None))
    assert [dataset[index].body for index in range(3)] == [None] * 3
    assert all(dataset[index].joints_3d is not None for index in range(3))


def test_joints_of_a_body_known_in_parts_are_not_taken_for_annotated_ones(tmp_path: Path) -> None:
    fitted = replace(person(0), joints_are_fitted=True, betas=None)
    found = written(tmp_path, fitted)[0]
    assert found.joints_3d is None and found.joints_2d is not None and found.body is None


def test_bodies_of_smpl_are_asked_for_where_there_are_any() -> None:
    assert tsv.with_smpl(Toy(body=SMPLX)).body == SMPL
    bare = Toy([replace(person(0), betas=None)], body=SMPLX)
    assert tsv.with_smpl(bare).body == SMPLX
    assert tsv.with_smpl([]) == []


def test_a_set_whose_bodies_of_smpl_are_not_there_gives_what_it_has(capsys: pytest.CaptureFixture) -> None:
    class Lacking(Toy):
        def __getitem__(self, index: int) -> Person:
            if self.body == SMPL:
                raise UserError("smpl.json is missing.")
            return super().__getitem__(index)

    assert tsv.with_smpl(Lacking(body=SMPLX)).body == SMPLX
    assert "Without bodies of SMPL: smpl.json is missing." in capsys.readouterr().err


def test_points_that_are_missing_are_those_of_the_neutral_mesh(
    human_model_files: Path, tmp_path: Path
) -> None:
    lens = np.array([[50.0, 0, 20], [0, 50, 15], [0, 0, 1]])
    place = np.array([0.1, -0.2, 4])
    bare = replace(person(1), joints_2d=None, joints_3d=None, intrinsics=lens, translation=place)
    bare = replace(bare, joints_are_fitted=True, joint_set=None)
    found = written(tmp_path, bare, labels=Labels("3dpw"))[0]
    model = body_model(SMPL)
    numbers = (torch.tensor(bare.pose[None]).float(), torch.tensor(bare.betas[None]).float())
    params = model.params(*numbers, torch.zeros(1, 0), torch.tensor([False]))
    points = Regressor("smpl", "3dpw")(model(params))[0].double().numpy() + place
    where = SPIN_24.indices([name for name in SPIN_24.names if name in H36M_17.names])
    theirs = H36M_17.indices([SPIN_24.names[place] for place in where])
    np.testing.assert_allclose(found.joints_3d[list(where), :3], points[list(theirs)], atol=1e-5)
    assert (found.joints_3d[:, 3] > 0).sum() == 17
    seen = points @ lens.T
    np.testing.assert_allclose(
        found.joints_2d[list(where), :2], (seen[:, :2] / seen[:, 2:])[list(theirs)], atol=1e-3
    )


def test_what_cannot_be_used_is_named_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    lost = replace(person(1), image=tmp_path / "lost.jpg")
    dataset = written(tmp_path, person(0), lost, replace(person(2), box=np.zeros(4)), person(3))
    assert len(dataset) == 2 and dataset[1].gender == person(3).gender
    said = capsys.readouterr().err
    assert "person 1 is left out" in said and "lost.jpg" in said and "person 2 is left out" in said
    with pytest.raises(UserError, match=r"persons in a row cannot be used, the last one: .*lost\.jpg"):
        written(tmp_path, *[lost] * 30, name="none")
    with pytest.raises(UserError, match="nobody"):
        written(tmp_path, lost, name="nobody")


def test_a_set_that_was_stopped_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tsv, "SETTLED", 2)

    class Stopped(Toy):
        def __getitem__(self, index: int) -> Person:
            if index == 3:
                raise KeyboardInterrupt
            return super().__getitem__(index)

    path = tmp_path / "TSV" / "toy.yaml"
    with pytest.raises(KeyboardInterrupt):
        write_set(Stopped(), path, Labels())
    assert not path.exists() and not path.with_suffix("").exists()
    with pytest.raises(UserError, match="the beginning of another set, Toy"):
        write_set(Toy(), path, Labels(), of="another")
    asked: list[int] = []

    class Watched(Toy):
        def __getitem__(self, index: int) -> Person:
            asked.append(index)
            return super().__getitem__(index)

    assert write_set(Watched(), path, Labels()).lines == 4
    assert asked == [2, 3]
    other = written(tmp_path, *Toy().people, name="whole")
    for kind in ("img.tsv", "label.tsv", "hw.tsv", "img.lineidx", "label.lineidx", "linelist.tsv"):
        assert (path.with_suffix("") / kind).read_bytes() == (tmp_path / "TSV/whole" / kind).read_bytes()
    assert len(other) == 4 and not path.with_suffix(".part").exists()


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    written(tmp_path, person(0))
    with pytest.raises(UserError, match="is there already and is kept"):
        written(tmp_path, person(1))


def test_a_mixture_names_what_the_others_hold(tmp_path: Path) -> None:
    written(tmp_path, *Toy().people, name="a/train")
    written(tmp_path, person(2), name="b")
    path = tmp_path / "TSV" / "mix" / "train.yaml"
    sets = [(tmp_path / "TSV" / "a/train.yaml", 2), (tmp_path / "TSV" / "b.yaml", None)]
    assert write_mixture(path, sets) == 3
    dataset = MetroTsv(file="mix/train.yaml", root=tmp_path)
    for index, number in enumerate((0, 2, 2)):
        np.testing.assert_array_equal(dataset[index].image, picture(number))
    with pytest.raises(UserError, match="kept"):
        write_mixture(path, sets)
    with pytest.raises(UserError, match="is a mixture itself"):
        write_mixture(tmp_path / "TSV/other.yaml", [(path, None)])
    with pytest.raises(UserError, match="is missing; make it"):
        write_mixture(tmp_path / "TSV/other.yaml", [(tmp_path / "lost.yaml", None)])


def test_the_commands_of_the_handbook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(tsv, "data_set", lambda name, overrides: Toy(body=SMPLX))
    where = ["--root", str(tmp_path / "TSV")]
    tsv.main([*where, "set", "Toy", "toy/train.yaml", "split=train", "--regressor", "3dpw"])
    tsv.main([*where, "mix", "mix/train.yaml", "toy/train.yaml:3", "toy/train.yaml"])
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("4 persons of Toy in") and said[0].endswith("0 left out")
    assert said[1].startswith("7 persons in")
    assert len(MetroTsv(file="mix/train.yaml", root=tmp_path)) == 7
    for wrong in (["set", "Toy", "toy"], ["mix", "m.yaml", "toy/train.yaml:many"]):
        with pytest.raises(SystemExit):
            tsv.main([*where, *wrong])
    assert "toy.yaml" in (said := capsys.readouterr().err) and "YAML:COUNT" in said
