"""The mixtures that PyMAF-X is trained on, as published, in one call each.

    h36m_coco_itw()                    # a body of SMPL-X, SMPL-X's fits where there are any
    h36m_coco_itw(SMPL, "train_eft")   # SMPL, EFT's fits

A person is drawn by weight, first the set, then, evenly, who of it. Published: an epoch is as long as its
longest set.
"""

from __future__ import annotations

from functools import partial

from common.joints import SMPLX, BodyLayout
from data.formats.spin_npz import SpinNpz
from data.loading.dataset import Dataset
from data.loading.mixture import Concat, Weighted
from data.spin_sets import (
    COCO2014,
    HRLSPET,
    COCOFull,
    COCOHandsAndFaces,
    FreiHANDLabels,
    H36MMosh,
    InterHand,
    LSPOriginal,
    MPIIFits,
    MPIINF3DHPSpin,
    PW3DSpin,
)

PW3D_SHARE = 0.2  # published: of 3DPW


def h36m_coco_itw(body: BodyLayout = SMPLX, split: str = "train") -> Dataset:
    """Half Human3.6M, three parts of ten in the wild by size, a fifth MPI-INF-3DHP."""
    return _captured_and_wild({H36MMosh: 0.5}, body, split)


def h36m_3dpw_coco_itw(body: BodyLayout = SMPLX, split: str = "train") -> Dataset:
    """The same with a fifth of 3DPW, taken from Human3.6M."""
    return _captured_and_wild({H36MMosh: 0.5 - PW3D_SHARE, PW3DSpin: PW3D_SHARE}, body, split)


def pw3d_coco_itw(body: BodyLayout = SMPLX, split: str = "train") -> Dataset:
    """The same with 3DPW in place of Human3.6M."""
    return _captured_and_wild({PW3DSpin: 0.5}, body, split)


def h36m_coco(body: BodyLayout = SMPLX, split: str = "train") -> Dataset:
    """Human3.6M and COCO, half each."""
    made = partial(_made, body=body, split=split)
    return Weighted([made(H36MMosh), made(_coco(split))], [0.5, 0.5])


def pw3d_coco(body: BodyLayout = SMPLX, split: str = "train") -> Dataset:
    """A fifth 3DPW, the rest COCO."""
    made = partial(_made, body=body, split=split)
    return Weighted([made(PW3DSpin), made(_coco(split))], [PW3D_SHARE, 1 - PW3D_SHARE])


def coco_itw(body: BodyLayout = SMPLX, split: str = "train") -> Dataset:
    """Seven parts of ten COCO, the rest sports by size."""
    made = partial(_made, body=body, split=split)
    return Weighted([_sports(body, split), made(_coco(split))], [0.3, 0.7])


def sports(body: BodyLayout = SMPLX, split: str = "train") -> Dataset:
    """LSP, MPII and LSPET by size (published: "expose")."""
    return _sports(body, split)


def sports_and_hands() -> Dataset:
    """Hands: three parts of ten in sports, a fifth FreiHAND, half InterHand (published: "expose_hand")."""
    return Weighted([_sports(SMPLX, "train"), FreiHANDLabels(), InterHand()], [0.3, 0.2, 0.5])


def inter_freihand() -> Dataset:
    """Hands: seven parts of ten InterHand, the rest FreiHAND."""
    return Weighted([InterHand(), FreiHANDLabels()], [0.7, 0.3])


def inter_freihand_itw() -> Dataset:
    """Hands: three parts of ten each of sports, InterHand and COCO's, the rest FreiHAND."""
    sets = [_sports(SMPLX, "train"), InterHand(), FreiHANDLabels(), COCOHandsAndFaces()]
    return Weighted(sets, [0.3, 0.3, 0.1, 0.3])


def _captured_and_wild(captured: dict[type[SpinNpz], float], body: BodyLayout, split: str) -> Dataset:
    made = partial(_made, body=body, split=split)
    wild = Concat(*_sports(body, split).datasets, made(_coco(split)))
    sets = [*map(made, captured), wild, made(MPIINF3DHPSpin)]
    return Weighted(sets, [*captured.values(), 0.3, 0.2])


def _sports(body: BodyLayout, split: str) -> Concat:
    made = partial(_made, body=body, split=split)
    return Concat(made(LSPOriginal), made(MPIIFits), made(HRLSPET))


def _coco(split: str) -> type[SpinNpz]:
    """Published: with EFT's fits or better, the whole of COCO; SPIN's own are fewer."""
    return COCO2014 if split == "train_spin" else COCOFull


def _made(kind: type[SpinNpz], body: BodyLayout, split: str) -> SpinNpz:
    """A set's own fits of that kind, else its usual ones."""
    return kind(split if split in kind.annotations else "train", body)
