"""The demo as a user calls it: what is fine, what is broken, and what is left behind."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from common.checkpoint import save_weights
from common.utils.paths import ROOT
from demo.demo import main
from demo.exporters.npz import read_npz
from main.experiment import load

PORTRAIT = ROOT / "demo" / "images" / "astronaut.jpg"
BOX = "--bbox=90,0,400,511"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained lifter's: its bodies are wrong, all else is as it should be."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "lifter.safetensors"
    save_weights(path, load("config/lifter/lifter.py").model().state_dict())
    return path


@pytest.fixture
def run(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    """Run the demo -> its exit status, what it wrote, what it said."""

    def call(*arguments: object, own_weights: bool = False) -> tuple[int, Path, str]:
        output = tmp_path / "out"
        given = [] if own_weights else ["--pretrained_model_path", str(weights)]
        try:
            status = main([*map(str, arguments), *given, "--output", str(output), "--device", "cpu"])
        except SystemExit as end:
            status = int(end.code or 0)
        said = capsys.readouterr()
        return status, output, said.out + said.err

    return call


def test_a_picture_becomes_an_overlay_parameters_and_meshes(run):
    status, output, said = run("--img_path", PORTRAIT, BOX, "--export", "npz,obj,ply,glb")
    assert status == 0 and "1 person" in said
    assert sorted(path.name for path in (output / "astronaut").iterdir()) == [
        "overlay.jpg", "person_0.glb", "person_0.obj", "person_0.ply", "persons.npz",
    ]  # fmt: skip
    saved = read_npz(output / "astronaut" / "persons.npz")
    mesh = trimesh.load(output / "astronaut" / "person_0.ply", process=False)
    assert len(saved) == 1 and saved.image_size.tolist() == [[512, 512]]
    assert mesh.vertices.shape == (10475, 3)
    assert cv2.imread(str(output / "astronaut" / "overlay.jpg")).shape == (512, 512, 3)


def test_the_saved_camera_sees_the_saved_body_where_it_was_drawn(run):
    _, output, _ = run("--img_path", PORTRAIT, BOX)
    saved = read_npz(output / "astronaut" / "persons.npz")
    x, y, z = np.moveaxis(saved.joints_3d, -1, 0)
    pixels = np.stack([x, y], -1) / z[..., None] * saved.focal[:, None] + saved.center[:, None]
    assert np.abs(pixels - saved.joints_2d).max() < 1e-2


def test_a_given_field_of_view_is_the_cameras(run):
    _, output, _ = run("--img_path", PORTRAIT, BOX, "--fov", 90)
    assert np.allclose(read_npz(output / "astronaut" / "persons.npz").focal, 256, atol=1e-3)


def broken_pictures(folder: Path) -> dict[str, Path]:
    """Files that are no pictures, each in a way of its own."""
    whole = PORTRAIT.read_bytes()
    content = {"empty.jpg": b"", "cut.jpg": whole[: len(whole) // 2], "text.png": b"no picture at all"}
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return {name: folder / name for name in content}


@pytest.mark.parametrize("name", ["empty.jpg", "cut.jpg", "text.png", "missing.jpg"])
def test_a_broken_picture_is_one_sentence_and_status_1(run, tmp_path, name):
    broken_pictures(tmp_path)
    status, output, said = run("--img_path", tmp_path / name)
    assert status == 1
    sentences = [line for line in said.splitlines() if name in line]
    assert len(sentences) == 1 and "Traceback" not in said
    assert not any(output.iterdir())


def strange_pictures(folder: Path) -> dict[str, Path]:
    """Pictures that are fine, each unusual in a way of its own."""
    picture = Image.open(PORTRAIT)
    picture.convert("L").save(folder / "grey.png")
    picture.convert("RGBA").save(folder / "rgba.png")
    picture.convert("CMYK").save(folder / "cmyk.jpg")
    cv2.imwrite(str(folder / "sixteen.png"), np.asarray(picture)[..., ::-1].astype(np.uint16) * 257)
    return {path.name: path for path in folder.glob("*.*")}


def test_grey_transparent_cmyk_and_16_bit_pictures_are_pictures(run, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    strange_pictures(folder)
    status, output, said = run("--image_folder", folder, BOX)
    assert status == 0 and said.count("1 person") == 4
    reference = cv2.imread(str(PORTRAIT)).astype(float)
    corner = cv2.imread(str(output / "rgba" / "overlay.jpg"))[:40, -40:].astype(float)  # no body there
    assert np.abs(corner - reference[:40, -40:]).mean() < 6


def test_of_a_folder_with_a_broken_file_all_others_are_done(run, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    broken_pictures(folder)
    (folder / "good.jpg").write_bytes(PORTRAIT.read_bytes())
    status, output, said = run("--image_folder", folder, BOX)
    assert status == 1 and said.count("demo.py:") == 3
    assert [path.name for path in output.iterdir()] == ["good"]


@pytest.mark.parametrize("size", [(1, 1), (64, 48)])
def test_a_picture_without_people_is_no_error(run, tmp_path, size):
    path = tmp_path / "empty_room.png"
    cv2.imwrite(str(path), np.full((*size, 3), 128, np.uint8))
    status, output, said = run("--img_path", path)
    assert status == 0 and "nobody" in said
    assert not any(output.iterdir())


def test_a_picture_of_12000_pixels_is_drawn_whole(run, tmp_path):
    path = tmp_path / "wide.jpg"
    picture = np.zeros((700, 12_000, 3), np.uint8)
    picture[100:612, 6000:6512] = cv2.imread(str(PORTRAIT))
    cv2.imwrite(str(path), picture)
    status, output, _ = run("--img_path", path, "--bbox=6090,100,6400,611", "--export", "npz")
    assert status == 0
    assert cv2.imread(str(output / "wide" / "overlay.jpg")).shape == picture.shape


def test_an_upright_picture_is_seen_as_its_camera_noted(run, tmp_path):
    path = tmp_path / "phone.jpg"
    turned = Image.open(PORTRAIT).crop((0, 0, 512, 400)).transpose(Image.Transpose.ROTATE_90)
    noted = Image.Exif()
    noted[0x0112] = 6  # turn it clockwise to see it upright
    turned.save(path, exif=noted)
    _, output, _ = run("--img_path", path, "--bbox=90,0,400,399")
    assert cv2.imread(str(output / "phone" / "overlay.jpg")).shape == (400, 512, 3)


def test_what_lies_in_the_output_already_is_kept(run):
    run("--img_path", PORTRAIT, BOX)
    status, output, said = run("--img_path", PORTRAIT, BOX)
    assert status == 1 and "holds results already" in said
    assert (output / "astronaut" / "persons.npz").exists()


def test_an_output_that_cannot_be_made_is_said_before_any_work(weights, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SystemExit) as end:
        main(["--pretrained_model_path", str(weights), "--output", str(tmp_path / "file" / "out")])
    assert end.value.code == 1
    assert "--output" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, hint",
    [
        (["--img_pth", "x.jpg"], "--img_path"),
        (["model.widht=3"], "width"),
        (["--export", "fbx"], "glb"),
        (["--bbox", "5,5,1,1"], "x0"),
        (["--config", "config/lifter/liftr.py"], "lifter.py"),
        (["--image_folder", "no/such/folder"], "no/such/folder"),
        (["--vid_file", "no_such.mp4"], "no_such.mp4"),
    ],
)
def test_a_wrong_command_is_answered_with_the_right_one(run, arguments, hint):
    status, _, said = run(*arguments)
    assert status in (1, 2) and hint in said and "Traceback" not in said


def test_a_checkpoint_of_another_model_is_refused_in_words(run, tmp_path):
    path = tmp_path / "other.safetensors"
    save_weights(path, {"encoder.weight": torch.zeros(3, 3)})
    status, _, said = run("--img_path", PORTRAIT, "--pretrained_model_path", path, own_weights=True)
    assert status == 1 and "encoder" in said and "Traceback" not in said


def test_a_file_that_is_no_checkpoint_is_refused_in_words(run, tmp_path):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(struct.pack("<Q", 1 << 40) + json.dumps({}).encode())
    status, _, said = run("--img_path", PORTRAIT, "--pretrained_model_path", path, own_weights=True)
    assert status == 1 and "broken.safetensors" in said and "Traceback" not in said


def test_a_video_becomes_a_video_and_one_file_of_bodies(run, tmp_path):
    path = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10, (512, 512))
    portrait = cv2.imread(str(PORTRAIT))
    for shift in (0, 4, 8):
        writer.write(np.roll(portrait, shift, 1))
    writer.release()
    status, output, _ = run("--vid_file", path, "--smooth", "--export", "npz")
    assert status == 0
    saved = read_npz(output / "clip" / "persons.npz")
    assert len(set(saved.image.tolist())) == 3
    first = saved.person[saved.image == "clip/000000"]
    assert set(first.tolist()) <= set(saved.person[saved.image == "clip/000002"].tolist())
    video = cv2.VideoCapture(str(output / "clip" / "overlay.mp4"))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 3
