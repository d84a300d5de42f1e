"""The list of official files: what is here, what is missing, what is damaged; it always ends well."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tool import check_files


@pytest.fixture
def some_files(tmp_path: Path, human_model_files: Path) -> Path:
    """Most of the stand-ins; MANO's left hand cut off, FLAME missing."""
    for name in ("smplx/SMPLX_to_J14.pkl", "smplx/MANO_SMPLX_vertex_ids.pkl", "mano/MANO_RIGHT.pkl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(human_model_files / name, tmp_path / name)
    whole = (human_model_files / "mano/MANO_LEFT.pkl").read_bytes()
    (tmp_path / "mano/MANO_LEFT.pkl").write_bytes(whole[:1000])
    return tmp_path


def test_every_file_has_a_line(some_files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_files.main(["--folder", str(some_files)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("4 of 32 official files lie in ")

    def line(name: str) -> str:
        return next(one for one in lines if name in one)

    assert "778 vertices, 16 joints, 10 coefficients; 5.0 MB, sha256 " in line("MANO_RIGHT.pkl")
    assert "14 x 10475" in line("SMPLX_to_J14.pkl")
    assert "left_hand 778, right_hand 778" in line("MANO_SMPLX_vertex_ids.pkl")
    assert line("MANO_LEFT.pkl").startswith("  damaged  ") and "is cut off" in line("MANO_LEFT.pkl")
    assert line("FLAME_NEUTRAL.pkl").startswith("  missing  ")
    assert "from https://agora.is.tue.mpg.de" in line("smplx_kid_template.npy")
    for site in ("smpl-x", "smpl", "mano", "flame"):
        assert any(f"register at https://{site}.is.tue.mpg.de" in one for one in lines)


def test_no_files_at_all_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    check_files.main(["--folder", os.devnull])
    shown = capsys.readouterr().out
    assert shown.startswith("0 of 32 official files")
    assert "pretrained_models/free/smplx/SMPLX_NEUTRAL.npz: 10475 vertices, 55 joints" in shown


def test_checksums_tell_files_apart(some_files: Path) -> None:
    right = check_files.checksum(some_files / "mano/MANO_RIGHT.pkl")
    assert len(right) == 16
    assert right != check_files.checksum(some_files / "mano/MANO_LEFT.pkl")


def test_everything_that_can_be_read_off_a_mesh_is_listed() -> None:
    from common.body_models.regressors import PARTS, REGRESSORS

    listed = {name for each in check_files.wanted() for name in each.names}
    for source in (REGRESSORS | PARTS).values():
        assert not source.names or source.names[0] in listed
