"""What AGORA's server is sent."""

from __future__ import annotations

import pickle
import pickletools
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from common.body_models.smplx import SMPLX
from common.structures import Crop, Perspective
from common.utils.errors import UserError
from common.utils.unpickle import unpickled
from data.formats.agora_submission import PARAMS, AgoraSubmission, check, write
from tool.check_agora import main

NAMES = ("AGORA/ag_test_0/3", "AGORA/ag_test_0/4")
TO_CROP = np.array([[0.5, 0.0, -100.0], [0.0, 0.5, -40.0]])


class Cut:
    names = NAMES

    def full_picture(self, name: str) -> np.ndarray:
        return TO_CROP


def read(path: Path, name: str) -> dict:
    with zipfile.ZipFile(path) as folder, folder.open(f"predictions/{name}") as file:
        return unpickled(file, path)


@pytest.fixture
def sent(human_model_files: Path, tmp_path: Path) -> SimpleNamespace:
    """Two persons measured in the wrong order, and the zip that came of them."""
    dice = torch.Generator().manual_seed(0)
    model = SMPLX()
    pose = 0.3 * torch.randn(2, 55, 3, generator=dice)
    pose[:, 23:25] = 0
    params = model.params(pose, torch.randn(2, 10), torch.randn(2, 10), torch.zeros(2, dtype=torch.bool))
    body = model(params)
    lens = Perspective(
        torch.full((2, 2), 1000.0), torch.full((2, 2), 200.0), torch.tensor([[0.0, 0.1, 9.0]]).repeat(2, 1)
    )
    crop = Crop(
        torch.tensor([[2.0, 0, 7], [0, 2.0, 5]]).expand(2, 2, 3),
        torch.zeros(2),
        torch.zeros(2, dtype=torch.bool),
        torch.full((2, 2), 400.0),
    )
    batch = SimpleNamespace(name=NAMES[::-1], inputs=SimpleNamespace(crops={"image": crop}))
    prediction = SimpleNamespace(body=body, params=params, camera=lens)
    metric = AgoraSubmission(Cut(), tmp_path)
    numbers = metric.summary(metric.measure(prediction, batch))
    (path,) = tmp_path.glob("*.zip")
    pixels = (lens.project(body.joints).numpy() - [7, 5]) / 2
    return SimpleNamespace(
        numbers=numbers, path=path, pose=pose, params=params, pixels=(pixels - TO_CROP[:, 2]) * 2
    )


def test_every_person_has_a_file_of_their_own(sent: SimpleNamespace) -> None:
    assert sent.numbers == {"submitted": 2.0} and check(sent.path, 2) == 2
    for row, number in enumerate((4, 3)):
        found = read(sent.path, f"ag_test_0_personId_{number}.pkl")
        assert list(found["params"]) == list(PARAMS)
        np.testing.assert_allclose(found["params"]["betas"][0], sent.params.betas[row])
        np.testing.assert_allclose(found["params"]["transl"], [[0, 0.1, 9]], atol=1e-6)
        np.testing.assert_allclose(found["joints"], sent.pixels[row], atol=1e-3)


def test_hands_are_given_from_the_mean_hand(sent: SimpleNamespace) -> None:
    params = read(sent.path, "ag_test_0_personId_4.pkl")["params"]
    for part, place in (
        ("global_orient", 0),
        ("body_pose", 1),
        ("jaw_pose", 22),
        ("left_hand_pose", 25),
        ("right_hand_pose", 40),
    ):
        wanted = sent.pose[0, place : place + params[part].size // 3].flatten()
        np.testing.assert_allclose(params[part][0], wanted, atol=1e-4, err_msg=part)


def test_numpy_1_reads_it(sent: SimpleNamespace) -> None:
    known = {"numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype", "_codecs encode"}
    with zipfile.ZipFile(sent.path) as folder:
        for name in folder.namelist():
            steps = list(pickletools.genops(folder.read(name)))
            assert {value for step, value, _ in steps if step.name == "GLOBAL"} <= known
            assert max(step.proto for step, _, _ in steps) <= 2


@pytest.mark.parametrize(
    ("joints", "params", "name", "reason"),
    [
        (np.zeros((1, 144, 2)), np.zeros((1, 188)), NAMES[0], "joints that are not"),
        (np.full((1, 144, 2), np.nan), np.zeros((1, 188)), NAMES[0], "joints that are not"),
        (np.zeros((1, 144, 2)), np.full((1, 188), np.inf), NAMES[0], "transl that is not"),
        (np.zeros((1, 144, 2)), np.zeros((1, 188)), "AGORA/ag/x", "is not called"),
    ],
)
def test_what_the_server_would_refuse_is_refused(
    tmp_path: Path, joints, params, name: str, reason: str
) -> None:
    path = tmp_path / "sent.zip"
    if reason.startswith("joints") and np.isfinite(joints).all():
        joints = joints[:, :20]  # too few
    write(path, [name], params, joints)
    with pytest.raises(UserError, match=reason):
        check(path)


def refused(path: Path, content: object, protocol: int = 2) -> str:
    with zipfile.ZipFile(path, "w") as folder:
        raw = pickle.dumps(content, protocol).replace(b"numpy._core", b"numpy.core")
        folder.writestr("predictions/ag_personId_0.pkl", content if isinstance(content, bytes) else raw)
    with pytest.raises(UserError) as caught:
        check(path)
    return str(caught.value)


def test_what_is_not_a_persons_numbers_is_said_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "sent.zip"
    params = {part: np.zeros((1, length)) for part, length in PARAMS.items()}
    joints = np.zeros((144, 2))
    assert "no pickle of numbers" in refused(path, b"not a pickle")
    assert "params and joints" in refused(path, [1, 2])
    assert "lacks or adds params: betas" in refused(
        path, {"params": {part: params[part] for part in params if part != "betas"}, "joints": joints}
    )
    assert "betas that is not" in refused(path, {"params": params | {"betas": [0.0] * 10}, "joints": joints})
    assert "transl that is not" in refused(
        path, {"params": params | {"transl": np.array([["a", "b", "c"]])}, "joints": joints}
    )
    published = {"params": params, "joints": joints[None]}
    assert "joints that are not (24 or more, 2)" in refused(path, published)
    path.write_bytes(b"PK")
    with pytest.raises(UserError, match="cannot be read as a zip"):
        check(path)
    with pytest.raises(UserError, match="cannot be read as a zip"):
        check(tmp_path / "nowhere.zip")


def test_a_pickle_of_numpy_2_and_missing_persons_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "sent.zip"
    for protocol in (2, 5):
        with zipfile.ZipFile(path, "w") as folder:
            raw = pickle.dumps({"joints": np.zeros(3)}, protocol)
            folder.writestr("predictions/ag_personId_0.pkl", raw)
        with pytest.raises(UserError, match="NumPy 2"):
            check(path)
    write(path, NAMES[:1], np.zeros((1, 188)), np.zeros((1, 144, 2)))
    assert check(path) == 1
    with pytest.raises(UserError, match="holds 1 persons, not 2"):
        check(path, 2)
    with zipfile.ZipFile(path, "a") as folder:
        folder.mkdir("predictions/")  # as packed by hand
    assert check(path) == 1
    with zipfile.ZipFile(path, "w"):
        pass
    with pytest.raises(UserError, match="holds 0 persons, not any"):
        check(path)


def test_a_command_checks_a_zip(sent: SimpleNamespace, capsys) -> None:
    main([str(sent.path), "--persons", "2"])
    assert "2 persons" in capsys.readouterr().out
    with pytest.raises(SystemExit) as caught:
        main([str(sent.path), "--persons", "3"])
    assert caught.value.code and "Traceback" not in capsys.readouterr().err
