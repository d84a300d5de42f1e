"""What the demo writes is read back as it was, and is never half written."""

import os
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from common.body_models.build import body_model
from common.joints import SMPLX
from common.structures import BodyParams, Person, Perspective
from common.utils.errors import UserError
from demo.exporters import npz
from demo.exporters.mesh import write_mesh
from demo.exporters.npz import SavedBodies, bodies_in_picture, joined, read_npz, write_npz


@pytest.fixture(scope="module")
def model():
    return body_model(SMPLX)


@pytest.fixture(scope="module")
def scene(model):
    """Two posed bodies before a camera."""
    dice = torch.Generator().manual_seed(0)
    pose = torch.randn(2, len(SMPLX.joints), 3, generator=dice) * 0.3
    betas, expression = torch.randn(2, 10, generator=dice), torch.randn(2, 10, generator=dice)
    params = model.params(pose, betas, expression, torch.tensor([False, True]))
    camera = Perspective(
        torch.tensor([[900.0, 910.0], [900.0, 910.0]]),
        torch.tensor([[319.5, 239.5]] * 2),
        torch.tensor([[0.1, -0.2, 3.0], [-1.0, 0.0, 5.0]]),
    )
    return params, model(params), camera


@pytest.fixture(scope="module")
def saved(model, scene) -> SavedBodies:
    people = [
        Person("a.jpg/0", box=np.array([10.0, 20, 110, 220]), score=0.75),
        Person("a.jpg/1"),
    ]
    return bodies_in_picture(people, *scene, model, "a.jpg", (640, 480), identities=[7, 3])


def test_an_npz_file_comes_back_as_it_was_written(tmp_path, saved):
    write_npz(tmp_path / "bodies.npz", saved)
    back = read_npz(tmp_path / "bodies.npz")
    assert len(back) == 2
    for field in fields(SavedBodies):
        np.testing.assert_array_equal(getattr(back, field.name), getattr(saved, field.name))
    assert os.listdir(tmp_path) == ["bodies.npz"]


def test_both_ways_of_writing_a_rotation_pose_the_same_body(tmp_path, model, scene, saved):
    write_npz(tmp_path / "bodies.npz", saved)
    back = read_npz(tmp_path / "bodies.npz")
    rotations, poses, betas, expression = (
        torch.from_numpy(getattr(back, name)) for name in ("rotations", "poses", "betas", "expression")
    )
    true = scene[1].vertices
    by_matrix = model(BodyParams(rotations, betas, expression)).vertices
    mean_hand = torch.zeros(2, dtype=torch.bool)
    by_axis_angle = model(model.params(poses.unflatten(1, (-1, 3)), betas, expression, mean_hand)).vertices
    assert (by_matrix - true).abs().max() < 1e-5
    assert (by_axis_angle - true).abs().max() < 1e-5


def test_the_camera_in_the_file_puts_the_joints_where_the_file_says(saved):
    flat = saved.joints_3d[..., :2] / saved.joints_3d[..., 2:]
    pixels = saved.focal[:, None] * flat + saved.center[:, None]
    np.testing.assert_allclose(pixels, saved.joints_2d, atol=1e-3)
    assert saved.joints_3d.shape[1] == len(saved.joint_names)


def test_what_a_detector_said_is_kept_and_what_nobody_said_is_no_number(saved):
    assert saved.person.tolist() == [7, 3]
    assert saved.score[0] == 0.75
    assert np.isnan(saved.score[1])
    assert saved.box[0].tolist() == [10, 20, 110, 220]
    assert np.isnan(saved.box[1]).all()
    assert saved.image_size.tolist() == [[640, 480]] * 2
    assert saved.body_model == "smplx"


def test_the_file_says_what_its_numbers_mean(tmp_path, saved):
    write_npz(tmp_path / "bodies.npz", saved)
    with np.load(tmp_path / "bodies.npz", allow_pickle=False) as file:
        assert str(file["units"]) == "meters"
        assert "y down" in str(file["axes"])
        assert "mean hand" in str(file["rotation_format"])
        keys = set(file.files)
    documented = {line.split()[0] for line in npz.__doc__.splitlines() if line.startswith("  ")} - {"key"}
    assert keys == documented


def test_pictures_of_a_video_are_joined_to_rows(saved):
    later = replace(saved, image=np.array(["b.jpg", "b.jpg"]))
    both = joined([saved, later])
    assert both.image.tolist() == ["a.jpg", "a.jpg", "b.jpg", "b.jpg"]
    assert both.rotations.shape[0] == len(both) == 4
    with pytest.raises(ValueError, match="topology"):
        joined([saved, replace(saved, topology="another")])


def test_a_picture_without_people_is_written_and_read(tmp_path, model, scene):
    params, body, camera = (record.map(lambda tensor: tensor[:0]) for record in scene)
    empty = bodies_in_picture([], params, body, camera, model, "empty.jpg", (8, 8))
    write_npz(tmp_path / "empty.npz", empty)
    assert len(read_npz(tmp_path / "empty.npz")) == 0


@pytest.mark.parametrize("damage", ["empty", "text", "truncated", "flipped", "array"])
def test_a_broken_file_is_one_clear_sentence(tmp_path, saved, damage):
    path = tmp_path / "bodies.npz"
    write_npz(path, saved)
    content = path.read_bytes()
    middle = len(content) // 2
    if damage == "array":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    else:
        turned = bytes(255 - byte for byte in content[middle : middle + 400])
        path.write_bytes(
            {
                "empty": b"",
                "text": b"not a zip",
                "truncated": content[:middle],
                "flipped": content[:middle] + turned + content[middle + 400 :],
            }[damage]
        )
    with pytest.raises(UserError, match="broken") as error:
        read_npz(path)
    assert str(path) in str(error.value)


def test_a_file_of_another_kind_or_a_newer_one_is_refused(tmp_path, saved, monkeypatch):
    np.savez(tmp_path / "other.npz", poses=np.zeros(3))
    with pytest.raises(UserError, match="schema"):
        read_npz(tmp_path / "other.npz")
    monkeypatch.setitem(npz.ABOUT, "schema_version", 2)
    write_npz(tmp_path / "newer.npz", saved)
    with pytest.raises(UserError, match="newer than 1"):
        read_npz(tmp_path / "newer.npz")
    np.savez(tmp_path / "partial.npz", schema=npz.SCHEMA, schema_version=1)
    with pytest.raises(UserError, match="lacks units"):
        read_npz(tmp_path / "partial.npz")


@pytest.mark.parametrize("kind, turn", [("obj", [1, 1, 1]), ("ply", [1, 1, 1]), ("glb", [1, -1, -1])])
def test_a_mesh_comes_back_with_its_vertices_in_order(tmp_path, model, scene, kind, turn):
    vertices = scene[1].vertices[0] + scene[2].translation[0]
    write_mesh(tmp_path / f"body.{kind}", vertices, model.faces)
    back = trimesh.load(tmp_path / f"body.{kind}", process=False, force="mesh", maintain_order=True)
    assert np.abs(back.vertices * turn - vertices.numpy()).max() < 1e-5
    assert np.array_equal(back.faces, model.faces.numpy())
    assert os.listdir(tmp_path) == [f"body.{kind}"]


def test_an_unknown_mesh_format_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UserError, match=r"\.obj, \.ply, \.glb"):
        write_mesh(tmp_path / "body.fbx", np.zeros((3, 3)), np.array([[0, 1, 2]]))
    assert os.listdir(tmp_path) == []


def test_a_failing_writer_leaves_the_old_file(tmp_path, saved, monkeypatch):
    write_npz(tmp_path / "bodies.npz", saved)
    before = (tmp_path / "bodies.npz").read_bytes()

    def fail(file, **arrays):
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(OSError, match="No space"):
        write_npz(tmp_path / "bodies.npz", saved)
    assert (tmp_path / "bodies.npz").read_bytes() == before
    assert os.listdir(tmp_path) == ["bodies.npz"]


@pytest.mark.parametrize("kind", ["npz", "obj"])
def test_an_output_that_cannot_be_made_is_one_clear_sentence(tmp_path, saved, kind):
    (tmp_path / "file").write_text("")
    path = Path(tmp_path / "file" / f"body.{kind}")
    with pytest.raises(OSError, match="its folder cannot be made or written"):
        if kind == "npz":
            write_npz(path, saved)
        else:
            write_mesh(path, np.zeros((3, 3)), np.array([[0, 1, 2]]))
