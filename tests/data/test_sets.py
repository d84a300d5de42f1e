"""What all data sets have in common: they need no file to exist, and say what they miss."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from common.utils.errors import UserError
from common.utils.paths import ROOT
from data.formats.humandata import HumanData
from data.formats.metro_tsv import MetroTsv
from data.formats.records import Records
from data.formats.spin_npz import SpinNpz
from data.ubody import UBody, UBodyScene

FORMATS = HumanData | MetroTsv | Records | SpinNpz
HANDBOOK = (ROOT / "dataset" / "README.md").read_text()
SECTIONS = {"EgoBodyEgocentric": "EgoBody", "EgoBodyKinect": "EgoBody", "RenBodyHiRes": "RenBody"}
SECTIONS |= {"MPIINF3DHPFrames": "MPIINF3DHP"}  # which several share
SECTIONS |= {"SSP3DSilhouettes": "SSP3D"}
SECTIONS |= dict.fromkeys(("H36MMixed", "Human36MTSV", "PW3DTSV"), "TSV")
SECTIONS |= dict.fromkeys(
    (
        "H36MMosh", "LSPOriginal", "HRLSPET", "MPIIFits", "COCO2014", "COCOFull", "COCOHandsAndFaces",
        "MPIINF3DHPSpin", "PW3DSpin", "ThreeDOH50K", "FreiHANDLabels", "InterHand", "VGGFace2", "FFHQ",
    ),
    "SPIN",
)  # fmt: skip


def data_sets() -> list[type]:
    """Every class of a file in data/ that is one of the formats'."""
    found = [UBody]
    for path in sorted((ROOT / "data").glob("*.py")):
        module = importlib.import_module(f"data.{path.stem}")
        found += [
            kind
            for _, kind in inspect.getmembers(module, inspect.isclass)
            if issubclass(kind, FORMATS) and kind.__module__ == module.__name__
        ]
    return [kind for kind in found if kind is not UBodyScene]


EVERY = pytest.mark.parametrize("kind", data_sets(), ids=lambda kind: kind.__name__)


def splits_of(kind: type) -> list[str]:
    named = getattr(kind, "splits", None)
    return list(named if isinstance(named, tuple) else getattr(kind, "annotations", ("train", "test")))


def test_all_published_data_sets_are_here() -> None:
    names = {kind.__name__ for kind in data_sets()}
    smpler_x = {
        "AGORA", "ARCTIC", "BEDLAM", "Behave", "CHI3D", "CrowdPose", "EHF", "EgoBodyEgocentric",
        "EgoBodyKinect", "FIT3D", "GTAHuman2", "Human36M", "HumanArt", "HumanSC3D", "InstaVariety", "LSPET",
        "MPII", "MPIINF3DHP", "MSCOCO", "MTP", "MuCo", "OCHuman", "PROX", "PW3D", "PoseTrack", "RICH",
        "RenBody", "RenBodyHiRes", "SHAPY", "SPEC", "SSP3D", "SynBody", "Talkshow", "UBody", "UP3D",
    }  # fmt: skip
    assert not {*smpler_x, "MPIINF3DHPFrames", "SynHand"} - names


@EVERY
def test_a_data_set_is_made_without_its_files_and_says_in_one_paragraph_what_it_misses(
    kind: Any, tmp_path: Path
) -> None:
    for split in splits_of(kind):
        dataset = kind(split=split, root=tmp_path)
        assert dataset.name and isinstance(dataset.name, str)
        with pytest.raises(UserError) as caught:
            len(dataset)
        said = str(caught.value)
        assert "\n" not in said and kind.__name__.removesuffix("Frames") in said
        assert str(tmp_path) in said, "which files were looked for"
        assert comes_from(said) and "dataset/README.md" in said


@EVERY
def test_the_handbook_has_a_section_for_every_data_set(kind: type) -> None:
    name = SECTIONS.get(kind.__name__, kind.__name__)
    section = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", HANDBOOK, re.DOTALL | re.MULTILINE)
    assert section, f"dataset/README.md has no '## {name}'"
    assert "```" in section[1] and comes_from(section[1])
    for names in getattr(kind, "annotations", {}).values():
        for path in (names,) if isinstance(names, str) else names:
            stem = Path(path).name
            assert matched(section[1], stem), f"{stem} is not named in the section '{name}'"


def comes_from(text: str) -> bool:
    """Whether a text says where a data set comes from: a site, or a command that makes it."""
    return "http" in text or "python -m tool.prepare" in text


def matched(text: str, name: str) -> bool:
    """Whether a text names a file, braces and dots of a shell allowed: train_{0 ... 9}.npz."""
    for pattern in re.findall(r"[\w{}.,-]+(?:\{[^}]*\}[\w.,{}-]*)*\.(?:npz|json|yaml)", text):
        expression = re.escape(pattern)
        expression = re.sub(r"\\\{(.*?)\\\}", lambda found: _alternatives(found[1]), expression)
        if re.fullmatch(expression, name):
            return True
    return False


def _alternatives(inside: str) -> str:
    plain = re.sub(r"\\(.)", r"\1", inside)
    first, dots, last = (part.strip() for part in plain.partition(" ... "))
    names = [str(number) for number in range(int(first), int(last) + 1)] if dots else plain.split(",")
    return f"(?:{'|'.join(map(re.escape, names))})"


@EVERY
def test_an_unknown_split_is_refused_by_name(kind: Any, tmp_path: Path) -> None:
    (tmp_path / "UBody" / "annotations" / "Talk").mkdir(parents=True)
    with pytest.raises(UserError, match="no split 'trian'"):
        len(kind("trian", root=tmp_path))
