"""Which official body-model files are here, what each enables, where to get it:  python tool/check_files.py

Nothing has to be here: the free body runs the demo, trains and tests. The official files are for published
checkpoints and benchmarks; whoever needs them registers at their sites and downloads them.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.io import whosmat

from common.body_models import arrays, downsampling, files, flame, regressors
from common.networks.pymaf_x.bodies import HANDS
from common.utils import paths
from common.utils.unpickle import as_array, as_sparse, read_object, read_pickle
from data.on_device import iuv_targets

GENDERED = "people annotated by gender, as in AGORA, 3DPW and SSP-3D"
KIDS = "children in AGORA"
LANDMARKS = "the landmarks that FLAME needs"
BODIES = {
    (
        "smplx",
        "neutral",
    ): "OSX, SMPLer-X, SMPLest-X, PyMAF-X; whole-body benchmarks such as EHF, AGORA, UBody",
    ("smplx", "female"): GENDERED,
    ("smplx", "male"): GENDERED,
    ("smpl", "neutral"): "SMPLer, STRAPS; body benchmarks such as 3DPW",
    ("smpl", "female"): GENDERED,
    ("smpl", "male"): GENDERED,
    ("mano", "right"): "hands alone, as in FreiHAND; the hands of PyMAF-X",
    ("mano", "left"): "left hands alone",
    ("flame", "neutral"): "faces alone; the face of PyMAF-X",
}
POINTS = {
    ("smplx", "h36m"): "Human3.6M with an SMPL-X network",
    ("smplx", "j14"): "the 14 joints of EHF",
    ("smplx", "smpl"): "SMPL benchmarks with an SMPL-X network",
    ("smplx", "hd"): "the shape errors of HBW",
    ("smplx", "left_hand"): "errors of hands",
    ("smplx", "head"): "errors of faces",
    ("smpl", "extra"): "PyMAF-X, STRAPS: nine more joints",
    ("smpl", "h36m"): "PyMAF-X, STRAPS: the joints of Human3.6M",
    ("smpl", "h36m_correct"): "SMPLer on Human3.6M",
    ("smpl", "3dpw"): "SMPLer on 3DPW",
    ("smpl", "cocoplus"): "STRAPS",
}

ANEW = "PyMAF-X trained anew; its released weights hold it"


@dataclass(frozen=True)
class Wanted:
    """A file that somebody may need."""

    family: str
    names: tuple[str, ...]  # what it may be called
    enables: str
    site: str

    def at(self, folder: Path) -> Path | None:
        """Where it lies, if it does."""
        return files.first_of(folder / self.family, self.names)


LOOKUPS = (
    Wanted("smpl", ("smpl_mean_params.npz",), ANEW, "the data of SPIN, https://github.com/nkolot/SPIN"),
    *(Wanted(family, (of.name,), ANEW, of.site) for family, of in downsampling.SAMPLES.items()),
    *(Wanted("smpl", (name,), "PyMAF-X 1.0", "its downloads (partial_mesh)") for name in HANDS),
    Wanted("smpl", (iuv_targets.CHART,), "training PyMAF-X's body", iuv_targets.SITE),
)


def wanted() -> Iterator[Wanted]:
    """Every file, by family: the bodies, then what belongs to them."""
    for family in files.FAMILIES.values():
        for variant in family.variants:
            if (family.name, variant) in BODIES:
                names = tuple(n for n in files.names_of(family.name, variant) if "_2020" not in n)
                yield Wanted(family.name, names, BODIES[family.name, variant], family.site)
        if family.name == "smplx":
            coefficients = "PyMAF-X: 300 shape and 100 expression coefficients"
            names = ("SMPLX_NEUTRAL_2020.npz", "SMPLX_NEUTRAL_2020.pkl")
            yield Wanted("smplx", names, coefficients, family.site)
        if family.name in ("smplx", "smpl"):
            yield Wanted(family.name, (f"{family.name}_kid_template.npy",), KIDS, arrays.KID_SITE)
        if family.name == "flame":
            yield Wanted("flame", (flame.LANDMARKS,), LANDMARKS, flame.LANDMARK_SITE)
            yield Wanted("flame", (flame.CONTOUR,), LANDMARKS, flame.LANDMARK_SITE)
        for (owner, name), enables in POINTS.items():
            if owner == family.name:
                source = (regressors.REGRESSORS | regressors.PARTS)[owner, name]
                yield Wanted(owner, source.names, enables, source.site)
        yield from (lookup for lookup in LOOKUPS if lookup.family == family.name)


def shapes(path: Path) -> str:
    """What a file holds, in a few words. Raises ValueError in one sentence where it is damaged."""
    if path.suffix == ".mat":
        return ", ".join(f"{name} {_times(shape)}" for name, shape, _ in whosmat(path, appendmat=False))
    if path.suffix == ".npz" and any(path.name in lookup.names for lookup in LOOKUPS):
        return ", ".join(np.load(path, allow_pickle=False).files)
    if path.suffix == ".npz":
        return _of_body(arrays.read_arrays(path, arrays.EVERY))
    if path.name == flame.CONTOUR:
        content = read_object(path)
    else:
        content = read_pickle(path) if path.suffix == ".pkl" else np.load(path, allow_pickle=False)
    if not isinstance(content, dict):
        return _times(as_sparse(content).shape)
    if "v_template" in content:
        return _of_body(arrays.read_arrays(path, arrays.EVERY))
    return ", ".join(f"{name} {_times(np.shape(as_array(values)))}" for name, values in content.items())


def _of_body(body: dict[str, np.ndarray]) -> str:
    vertices, joints = body["weights"].shape
    return f"{vertices} vertices, {joints} joints, {body['shapedirs'].shape[-1]} coefficients"


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def checksum(path: Path) -> str:
    """The start of its SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def report(folder: Path) -> Iterator[str]:
    """What is there and what is missing, line by line."""
    every = list(wanted())
    count = sum(each.at(folder) is not None for each in every)
    yield f"{count} of {len(every)} official files lie in {folder} (HUMAN_MODEL_FILES points elsewhere)."
    for family in files.FAMILIES.values():
        yield f"\n{family.name}/  register at {family.site}"
        for each in every:
            if each.family == family.name:
                yield _line(each, each.at(folder), family.site)
    yield "\nWhere SMPL-X or SMPL is missing, the free body can be used; it is here already:"
    for family in ("smplx", "smpl"):
        for variant in files.FAMILIES[family].variants:
            path = files.find(family, variant, free="only").path
            yield f"  {path.relative_to(paths.ROOT)}: {shapes(path)}"


def _line(each: Wanted, path: Path | None, site: str) -> str:
    if path is None:
        source = "" if each.site == site else f"; from {each.site}"
        return f"  missing  {each.names[0]}  for {each.enables}{source}"
    try:
        held = shapes(path)
    except ValueError as error:
        return f"  damaged  {error}"
    size = path.stat().st_size / 1e6
    return f"  here     {path.name}  {held}; {size:.1f} MB, sha256 {checksum(path)}; for {each.enables}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--folder", type=Path, help="where the files lie, in folders smplx, smpl, mano, flame"
    )
    options = parser.parse_args(arguments)
    for line in report(options.folder or paths.human_model_files()):
        print(line, flush=True)


if __name__ == "__main__":
    main()
