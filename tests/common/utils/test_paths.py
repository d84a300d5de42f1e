"""Where things lie."""

from __future__ import annotations

from pathlib import Path

from common.utils.paths import ROOT, found, human_model_files, shown


def test_a_path_is_found_where_the_user_stands_then_in_the_project(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert found("pyproject.toml") == ROOT / "pyproject.toml"
    (tmp_path / "pyproject.toml").write_text("")
    assert found("pyproject.toml").resolve() == tmp_path / "pyproject.toml"
    assert found("nowhere.toml") == Path("nowhere.toml")
    assert found(tmp_path / "nowhere.toml") == tmp_path / "nowhere.toml"


def test_paths_are_shown_from_the_project_s_root(tmp_path: Path) -> None:
    assert shown(ROOT / "config" / "osx") == str(Path("config/osx"))
    assert shown(tmp_path) == str(tmp_path)


def test_body_model_files_can_lie_elsewhere(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HUMAN_MODEL_FILES", str(tmp_path))
    assert human_model_files() == tmp_path
    monkeypatch.setenv("HUMAN_MODEL_FILES", "")
    assert human_model_files().is_relative_to(ROOT)
