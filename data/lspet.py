"""LSP extended: sports photographs (Johnson and Everingham, 2011), SMPL fitted by EFT (Joo et al., 2021)."""

from __future__ import annotations

from data.formats.humandata import HumanData


class LSPET(HumanData):
    """See HumanData for what can be asked of it."""

    annotations = {"train": "eft_lspet.npz"}
    images = "LSPET"
    source = "Get it from https://sam.johnson.io/research/lspet.html; see dataset/README.md."
