"""A file is written whole or not at all."""

import os
import stat
import sys
from pathlib import Path

import pytest

from common.utils.files import written_beside


def test_a_finished_block_leaves_the_file_and_nothing_else(tmp_path: Path):
    with written_beside(tmp_path / "new" / "result.json") as temporary:
        temporary.write_text("whole")
        assert not (tmp_path / "new" / "result.json").exists()
    assert (tmp_path / "new" / "result.json").read_text() == "whole"
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_a_failing_block_keeps_the_old_file_and_leaves_no_rest(tmp_path: Path):
    target = tmp_path / "result.json"
    target.write_text("old")
    with pytest.raises(RuntimeError, match="halfway"), written_beside(target) as temporary:
        temporary.write_text("ha")
        raise RuntimeError("halfway")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_interrupted_block_keeps_the_old_file(tmp_path: Path):
    target = tmp_path / "result.json"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), written_beside(target) as temporary:
        temporary.write_text("ha")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_temporary_name_lies_beside_and_ends_alike(tmp_path: Path):
    with written_beside(tmp_path / "body.glb") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".glb"
        temporary.write_bytes(b"1")


def test_a_writer_may_replace_the_temporary_file(tmp_path: Path):
    with written_beside(tmp_path / "a.txt") as temporary:
        temporary.unlink()
        temporary.write_text("new file under the same name")
    assert (tmp_path / "a.txt").read_text() == "new file under the same name"


def test_a_parent_that_is_a_file_is_one_clear_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OSError, match=r"Cannot write .*file/result.json: its folder"),
        written_beside(tmp_path / "file" / "result.json"),
    ):
        pass


def test_a_folder_of_that_name_is_one_clear_sentence(tmp_path: Path):
    (tmp_path / "result").mkdir()
    with pytest.raises(OSError, match="it is a folder"), written_beside(tmp_path / "result"):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_the_file_is_as_readable_as_any_other(tmp_path: Path):
    (tmp_path / "plain").write_text("")
    with written_beside(tmp_path / "careful") as temporary:
        temporary.write_text("")
    modes = [stat.S_IMODE(os.stat(tmp_path / name).st_mode) for name in ("plain", "careful")]
    assert modes[0] == modes[1]
