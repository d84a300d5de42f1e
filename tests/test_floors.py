"""The house has floors, and imports only run downwards."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = [  # from the ground up; a room may import rooms of lower floors, and itself
    {"common.joints", "common.geometry", "common.utils"},
    {"common.structures"},
    {"common.body_models", "common.preprocess", "common.rendering"},
    {"common.networks", "common.losses", "common.metrics"},
    {"common.checkpoint", "data"},
    {"main"},
    {"config", "demo", "tool"},
]
FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(
    path for folder in {room.split(".")[0] for room in FLOOR} for path in (ROOT / folder).rglob("*.py")
)
LONGEST_FILE, LONGEST_FUNCTION = 350, 60  # lines


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room_of(module: str) -> str | None:
    parts = module.split(".")
    return next((room for room in (".".join(parts[:2]), parts[0]) if room in FLOOR), None)


def imported_by(path: Path) -> set[str]:
    """Modules, and what is imported from them, which may be modules too."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def each_file(*folders: str):
    chosen = [path for path in FILES if not folders or module_of(path).startswith(folders)]
    return pytest.mark.parametrize("path", chosen, ids=module_of)


@each_file()
def test_imports_run_downwards(path: Path) -> None:
    here = room_of(module_of(path))
    for module in imported_by(path):
        there = room_of(module)
        if here and there and here != there:
            assert FLOOR[there] < FLOOR[here], f"{here}, on floor {FLOOR[here]}, must not import {module}"


@each_file("data.")
def test_no_data_set_imports_another(path: Path) -> None:
    sets = {module_of(other) for other in (ROOT / "data").glob("*.py")} - {"data"}
    mixes = {module_of(other) for other in FILES if "mix" in other.stem}  # which are made of data sets
    if module_of(path) in sets - mixes:
        offered = {
            module for module in sets if "benchmark(" in (ROOT / f"{module.replace('.', '/')}.py").read_text()
        }
        others = imported_by(path) & (sets - {module_of(path)})
        assert not others & offered, f"{module_of(path)} imports {others}: share a format instead"


@each_file("common.networks.")
def test_no_system_imports_another(path: Path) -> None:
    systems = {folder.name for folder in (ROOT / "config").iterdir() if folder.is_dir()}
    here = module_of(path).split(".")[2]
    others = {module.split(".")[2] for module in imported_by(path) if module.startswith("common.networks.")}
    if here in systems:
        assert not others & (systems - {here}), (
            f"{here} imports {others}: share what two systems have in common"
        )
    else:
        assert not others & systems, f"{here} is shared, but imports {others & systems}"


@each_file("common.networks.layers", "common.networks.backbones")
def test_layers_and_backbones_take_tensors_alone(path: Path) -> None:
    assert not {module for module in imported_by(path) if module.startswith("common.structures")}


@each_file()
def test_nothing_touches_the_import_path(path: Path) -> None:
    source = path.read_text()
    assert "sys.path" not in source
    assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec")]  # fmt: skip


@each_file()
def test_a_file_says_its_one_idea_and_stays_short(path: Path) -> None:
    source = path.read_text()
    if source.strip():
        assert ast.get_docstring(ast.parse(source)), "its first line says what it is"
    assert len(source.splitlines()) <= LONGEST_FILE
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, f"{node.name} is too long"


def test_every_folder_of_code_is_a_package() -> None:
    folders = {path.parent for path in FILES}
    assert not [folder for folder in folders if not (folder / "__init__.py").exists()]
