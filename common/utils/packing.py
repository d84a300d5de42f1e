"""Half-precision tensors packed without loss: a .safetensors file of two compressed planes of bytes.

The upper bytes of the numbers (sign, exponent, first digits) repeat, the lower ones hardly do; apart they
pack better. The shapes stand in the file's metadata, beside whatever else is said there.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

PLANES = ("low", "high")
STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY)


def write_packed(path: Path, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Write float16 arrays; the metadata must not hold "shapes"."""
    numbers = np.concatenate([np.ascontiguousarray(each, "<f2").ravel() for each in tensors.values()])
    octets = numbers.view(np.uint8).reshape(-1, 2)
    planes = {name: _smallest(octets[:, i].tobytes()) for i, name in enumerate(PLANES)}
    shapes = json.dumps({name: each.shape for name, each in tensors.items()})
    save_file(planes, path, metadata={**metadata, "shapes": shapes})


def read_packed(path: Path) -> dict[str, np.ndarray]:
    """The float16 arrays of such a file, by name; ValueError where it is another kind of file."""
    with safe_open(path, "np") as file:
        shapes = json.loads((file.metadata() or {}).get("shapes", "null"))
        if shapes is None or sorted(file.keys()) != sorted(PLANES):
            raise ValueError(f"{path} is no packed file; write it again with `write_packed`.")
        planes = [np.frombuffer(zlib.decompress(file.get_tensor(name)), np.uint8) for name in PLANES]
    numbers = np.stack(planes, -1).reshape(-1).view("<f2")
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
    parts = np.split(numbers, ends[:-1])
    return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}


def _smallest(content: bytes) -> np.ndarray:
    """Packed by whichever strategy does it best."""
    tries = []
    for strategy in STRATEGIES:
        packer = zlib.compressobj(9, strategy=strategy)
        tries.append(packer.compress(content) + packer.flush())
    return np.frombuffer(min(tries, key=len), np.uint8)
