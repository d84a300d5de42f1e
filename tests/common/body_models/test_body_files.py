"""Body-model files: found under every official name, and what is said where they are missing or damaged."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path

import numpy as np
import pytest

from common.body_models import files
from common.body_models.arrays import read_body
from common.body_models.smpl import SMPL
from common.body_models.smplx import SMPLX
from common.utils import paths


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("smpl/SMPL_NEUTRAL.pkl", "neutral"),
        ("smpl/SMPL_MALE.pkl", "male"),
        ("smpl/basicModel_neutral_lbs_10_207_0_v1.0.0.pkl", "neutral"),
        ("smpl/basicmodel_neutral_lbs_10_207_0_v1.1.0.pkl", "neutral"),
        ("smpl/basicmodel_m_lbs_10_207_0_v1.0.0.pkl", "male"),
        ("smpl/basicModel_f_lbs_10_207_0_v1.0.0.pkl", "female"),
        ("smpl/basicmodel_m_lbs_10_207_0_v1.1.0.pkl", "male"),
        ("smplx/SMPLX_NEUTRAL.npz", "neutral"),
        ("smplx/SMPLX_FEMALE.pkl", "female"),
        ("smplx/SMPLX_NEUTRAL_2020.npz", "neutral"),
        ("mano/MANO_RIGHT.pkl", "right"),
        ("mano/MANO_LEFT.pkl", "left"),
        ("flame/FLAME_NEUTRAL.pkl", "neutral"),
        ("flame/generic_model.pkl", "neutral"),
        ("flame/female_model.pkl", "female"),
    ],
)
def test_every_official_name_is_found(tmp_path: Path, name: str, variant: str) -> None:
    folder = touched(tmp_path, name)
    found = files.find(name.split("/")[0], variant, folder=folder)
    assert (found.path, found.is_free) == (folder / name, False)


def test_a_name_can_be_asked_for(tmp_path: Path) -> None:
    folder = touched(tmp_path, "smplx/SMPLX_NEUTRAL.npz", "smplx/SMPLX_NEUTRAL_2020.npz")
    assert files.find("smplx", "neutral", folder=folder).path.name == "SMPLX_NEUTRAL.npz"
    other = files.find("smplx", "neutral", folder=folder, file="SMPLX_NEUTRAL_2020.npz")
    assert other.path == folder / "smplx/SMPLX_NEUTRAL_2020.npz"


@pytest.mark.parametrize(("family", "variant"), [("smplx", "female"), ("mano", "left")])
def test_a_missing_file_is_one_sentence(tmp_path: Path, family: str, variant: str) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        files.find(family, variant, folder=tmp_path, free="never")
    sentence = str(caught.value)
    assert f"The {variant} {family} body model is missing" in sentence
    assert files.FAMILIES[family].site in sentence
    assert str(tmp_path / family) in sentence
    assert "\n" not in sentence


def test_a_missing_file_that_was_named_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"SMPLX_MINE\.npz"):
        files.find("smplx", "neutral", folder=tmp_path, file="SMPLX_MINE.npz")


def test_an_unknown_gender_is_answered_with_the_known() -> None:
    with pytest.raises(ValueError, match="no 'robot' smpl body model; there are neutral, female, male"):
        SMPL("robot")


def test_the_free_body_stands_in_and_says_so_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files._say_once.cache_clear()
    with caplog.at_level(logging.WARNING):
        bodies = [files.find("smplx", gender, folder=tmp_path) for gender in ("neutral", "female", "neutral")]
    assert all(body.is_free and body.path.is_relative_to(paths.FREE) for body in bodies)
    assert len(caplog.messages) == 1 and "the free body is used" in caplog.messages[0]


def test_the_free_body_is_taken_quietly_where_it_is_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files._say_once.cache_clear()
    folder = touched(tmp_path, "smplx/SMPLX_NEUTRAL.npz")
    with caplog.at_level(logging.WARNING):
        assert files.find("smplx", "neutral", folder=folder, free="only").is_free
    assert not caplog.messages


def test_there_is_no_free_hand(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"https://mano\.is\.tue\.mpg\.de"):
        files.find("mano", "right", folder=tmp_path)


def test_the_environment_says_where_the_files_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUMAN_MODEL_FILES", str(touched(tmp_path, "flame/FLAME_NEUTRAL.pkl")))
    assert files.find("flame", "neutral").path == tmp_path / "flame/FLAME_NEUTRAL.pkl"


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.9999])
def test_a_cut_off_npz_is_one_sentence(tmp_path: Path, share: float) -> None:
    whole = (paths.FREE / "smplx/SMPLX_NEUTRAL.npz").read_bytes()
    path = tmp_path / "SMPLX_NEUTRAL.npz"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"SMPLX_NEUTRAL\.npz is (cut off|damaged)"):
        SMPLX(file=path)


def test_a_damaged_npz_is_one_sentence(tmp_path: Path) -> None:
    content = bytearray((paths.FREE / "smplx/SMPLX_NEUTRAL.npz").read_bytes())
    content[len(content) // 2 : len(content) // 2 + 500] = bytes(500)
    path = tmp_path / "SMPLX_NEUTRAL.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"SMPLX_NEUTRAL\.npz is damaged: its array \w+ cannot be read"):
        SMPLX(file=path)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_cut_off_pickle_is_one_sentence(tmp_path: Path, human_model_files: Path, share: float) -> None:
    whole = (human_model_files / "mano/MANO_RIGHT.pkl").read_bytes()
    path = tmp_path / "SMPL_NEUTRAL.pkl"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"SMPL_NEUTRAL\.pkl is cut off or is no pickle"):
        SMPL(file=path)


def test_another_kind_of_file_is_one_sentence(tmp_path: Path, human_model_files: Path) -> None:
    with pytest.raises(ValueError, match="lacks hands_meanl, hands_meanr"):
        SMPLX(file=human_model_files / "smpl/SMPL_NEUTRAL.pkl")
    with pytest.raises(ValueError, match="has 778 vertices, not the 6890 of smpl"):
        SMPL(file=human_model_files / "mano/MANO_RIGHT.pkl")
    (tmp_path / "list.pkl").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(ValueError, match="holds no table of arrays"):
        SMPL(file=tmp_path / "list.pkl")


def test_too_few_coefficients_are_counted(human_model_files: Path) -> None:
    with pytest.raises(
        ValueError, match="has 10 shape and 10 expression coefficients, too few for the 11 and 10"
    ):
        SMPLX(betas=11)


def test_a_missing_kid_says_where_it_comes_from(human_model_files: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"smplx_kid_template\.npy is missing: .*agora"):
        SMPLX(kid=True)


def test_npz_and_pickle_hold_the_same_body(tmp_path: Path, human_model_files: Path) -> None:
    arrays = dict(np.load(human_model_files / "smplx/SMPLX_NEUTRAL.npz"))
    (tmp_path / "SMPLX_NEUTRAL.pkl").write_bytes(pickle.dumps(arrays, protocol=2))
    one = read_body(files.find("smplx", "neutral"), 7, 3)
    other = read_body(files.find("smplx", "neutral", file=tmp_path / "SMPLX_NEUTRAL.pkl"), 7, 3)
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name])
    np.testing.assert_array_equal(one["shapedirs"], arrays["shapedirs"][..., [*range(7), 10, 11, 12]])
