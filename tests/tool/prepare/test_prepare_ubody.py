"""Videos become folders of numbered pictures."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tool.prepare import ubody

STAND_IN = """#!/bin/sh
for last; do :; done
case "$*" in *cut_off*) echo "no frames here" >&2; exit 1;; esac
folder=$(dirname "$last")
echo frame > "$folder/000001.png"; echo frame > "$folder/000002.png"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two scenes of a video each, and a program in ffmpeg's place that writes two frames."""
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(STAND_IN)
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    for name in ("Movie/one.mp4", "Talk/two.mp4"):
        path = tmp_path / "UBody" / "videos" / name
        path.parent.mkdir(parents=True)
        path.touch()
    return tmp_path / "UBody"


def test_each_video_becomes_a_folder_of_its_name(folder: Path, capsys: pytest.CaptureFixture) -> None:
    ubody.main(["--folder", str(folder), "--scenes", "Movie"])
    assert sorted(path.name for path in (folder / "images").rglob("*.png")) == ["000001.png", "000002.png"]
    ubody.main(["--folder", str(folder)])
    assert len(list((folder / "images" / "Talk" / "two").iterdir())) == 2
    assert "1 of 2 videos" in capsys.readouterr().out.splitlines()[-1]


def test_a_broken_video_leaves_nothing_behind(folder: Path, capsys: pytest.CaptureFixture) -> None:
    (folder / "videos" / "Talk" / "cut_off.mp4").touch()
    with pytest.raises(SystemExit):
        ubody.main(["--folder", str(folder), "--workers", "1"])
    assert "cut_off.mp4" in capsys.readouterr().err
    assert not (folder / "images" / "Talk" / "cut_off").exists()
    assert not list((folder / "images" / "Talk").glob(".*"))
