"""A published checkpoint -> safetensors, which hold tensors and nothing that could run:

python tool/convert_checkpoint.py pretrained_models/osx_l.pth.tar --config config/osx/osx_l.py
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from common.checkpoint import load_weights, read_weights, save_weights, weights_file
from common.utils.errors import UserError
from main.command_line import sentences
from main.experiment import load


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 where the new file was written."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--config", help="whose network it is for: names become ours, and all must fit")
    parser.add_argument("--output", type=Path, help="default: the same name, ending in .safetensors")
    parser.add_argument("--trust", action="store_true", help="run what the file asks for")
    parser.add_argument("--half", action="store_true", help="store float16, half the size")
    found = parser.parse_args(arguments)
    with sentences():
        source = weights_file(found.checkpoint)
        output = found.output or source.with_name(source.name.split(".")[0] + ".safetensors")
        if output.exists():
            raise UserError(f"{output} exists already; delete it, or name another --output.")
        convert(source, output, found.config, found.trust, found.half)
        before, after = source.stat().st_size / 2**20, output.stat().st_size / 2**20
        print(f"{source} ({before:.1f} MiB) -> {output} ({after:.1f} MiB)", file=sys.stderr)
    return 0


def convert(
    source: Path, output: Path, config: str | None = None, trust: bool = False, half: bool = False
) -> None:
    """Write the weights of `source`, and nothing else of it, to `output`, with where they come from.

    With a config, under the names of its network, which they must fill; without, under their own names.
    `half` stores float32 as float16. Raises UserError where the file cannot be read, or does not fit.
    """
    about = {"source": source.name, "source_sha256": _sha256(source)}
    if config:
        model = load(config).model()
        load_weights(model, source, trust=trust)
        state = model.state_dict()
        about |= {
            "config": config,
            "network": type(model).__name__,
            "body_model": model.body_model.layout.name,
        }
    else:
        state = read_weights(source, trust)
        about["names"] = "published"
    if half:
        state = {name: t.half() if t.dtype == torch.float32 else t for name, t in state.items()}
    save_weights(output, state, about)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    raise SystemExit(main())
