"""The free body as the files that the `smplx` package opens: `python -m tool.free_body.export_smplx FOLDER`.

`smplx.create(FOLDER, "smplx", ext="npz")` and `smplx.create(FOLDER, "smpl")` then find it. The package reads
SMPL from pickles only.
"""

from __future__ import annotations

import argparse
import pickle
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import csc_matrix

from common.utils.errors import UserError
from common.utils.files import written_beside
from common.utils.paths import FREE

_TABLES = ("joint2num", "part2num")
_TAGS = ("topology", "license", "provenance")


def export(folder: Path) -> list[Path]:
    """Write both formats below `folder`; the files written. Raises UserError rather than replace one."""
    sources = sorted([*(FREE / "smplx").glob("SMPLX_*.npz"), *(FREE / "smpl").glob("SMPL_*.npz")])
    sources = [path for path in sources if "to_J14" not in path.name]
    templates = sorted(FREE.glob("smpl*/*_kid_template.npy"))
    targets = [folder / path.relative_to(FREE) for path in (*sources, *templates)]
    targets = [path.with_suffix(".pkl") if path.name.startswith("SMPL_") else path for path in targets]
    taken = [path for path in targets if path.exists()]
    if taken:
        raise UserError(f"{taken[0]} is there already; name another folder, or move the file away.")
    for source, target in zip((*sources, *templates), targets, strict=True):
        with written_beside(target) as temporary:
            if source.suffix == ".npy":
                shutil.copyfile(source, temporary)
            elif target.suffix == ".pkl":
                temporary.write_bytes(pickle.dumps(_smpl(source), protocol=2))
            else:
                np.savez_compressed(temporary, **_official(source))
    return targets


def _official(path: Path) -> dict[str, np.ndarray]:
    """The arrays as official files hold them: single precision, tables as dictionaries."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    for name in _TABLES:
        arrays[name] = np.array(dict(arrays[name].tolist()), dtype=object)
    return {name: a.astype(np.float32) if a.dtype == np.float16 else a for name, a in arrays.items()}


def _smpl(path: Path) -> dict[str, object]:
    arrays = _official(path)
    joints = arrays["J_regressor"] @ arrays["v_template"]
    content: dict[str, object] = {name: a for name, a in arrays.items() if name not in (*_TABLES, *_TAGS)}
    content |= {name: str(arrays[name]) for name in _TAGS}
    return content | {
        "J": joints,
        "J_regressor": csc_matrix(arrays["J_regressor"]),
        "kintree_table": arrays["kintree_table"].astype(np.uint32),
        "bs_style": "lbs",
        "bs_type": "lrotmin",
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    try:
        for path in export(parser.parse_args(arguments).folder):
            print(path)
    except UserError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
