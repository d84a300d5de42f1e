"""The data sets that SMPLer-X learned from: 5, 10, 20 or 32 of them, each an equal part of an epoch."""

from __future__ import annotations

from dataclasses import replace

from common.joints import SMPLX
from data import agora, egobody, ehf, pw3d, ubody
from data.agora import AGORA
from data.arctic import ARCTIC
from data.bedlam import BEDLAM
from data.behave import Behave
from data.chi3d import CHI3D
from data.crowdpose import CrowdPose
from data.egobody import EgoBodyEgocentric, EgoBodyKinect
from data.ehf import EHF
from data.fit3d import FIT3D
from data.gta_human2 import GTAHuman2
from data.human36m import Human36M
from data.humansc3d import HumanSC3D
from data.insta_variety import InstaVariety
from data.loading.dataset import Benchmark, Dataset
from data.lspet import LSPET
from data.mpi_inf_3dhp import MPIINF3DHP
from data.mpii import MPII
from data.mscoco import MSCOCO
from data.mtp import MTP
from data.muco import MuCo
from data.ochuman import OCHuman
from data.posetrack import PoseTrack
from data.prox import PROX
from data.pw3d import PW3D
from data.renbody import RenBody, RenBodyHiRes
from data.rich import RICH
from data.spec import SPEC
from data.ssp3d import SSP3D
from data.synbody import SynBody
from data.talkshow import Talkshow
from data.ubody import UBody
from data.up3d import UP3D

PERSONS = {5: 750_000, 10: 1_500_000, 20: 3_000_000, 32: 4_500_000}  # of an epoch
CLOSER = 0.96  # of the view's 1.25 makes the published 1.2; HumanData's boxes come padded

coco = MSCOCO("train", padding=CLOSER, part_padding=1.2)
people_outdoors = PW3D("train", padding=CLOSER, body=SMPLX)
upper_bodies = UBody("train", joints_are_fitted=True)


def of(count: int) -> tuple[Dataset, ...]:
    """The data sets of a mixture, in the published order, each with every so many of its persons."""
    sets: list[Dataset] = [coco, AGORA("train")]
    if count >= 20:
        sets += [upper_bodies, people_outdoors]
    if count == 32:
        sets += [MPII("train", padding=CLOSER), Human36M("train", padding=CLOSER, joints_are_fitted=True)]
    sets += [BEDLAM(interval=5), SPEC(), GTAHuman2()]
    if count >= 10:
        sets += [SynBody(), PoseTrack(), EgoBodyEgocentric(), PROX(), CrowdPose()]
    if count >= 20:
        sets += [EgoBodyKinect(interval=10), MPIINF3DHP(interval=5), RICH(), MuCo()]
        sets += [InstaVariety(interval=10), Behave(), UP3D(), ARCTIC(interval=10)]
    if count == 32:
        sets += [OCHuman(), CHI3D(), RenBodyHiRes(interval=5), MTP(), HumanSC3D(), RenBody()]
        sets += [FIT3D(interval=10), Talkshow(interval=10), SSP3D(), LSPET()]
    return tuple(sets)


def benchmarks() -> tuple[Benchmark, ...]:
    """The five that the published mean error is taken of."""
    return (
        agora.benchmark(),
        egobody.benchmark("egocentric"),
        ubody.benchmark(),
        outdoors(),
        replace(ehf.benchmark(), dataset=EHF(padding=CLOSER, part_padding=1.2)),
    )


def outdoors() -> Benchmark:
    """3DPW as these networks are shown it."""
    return replace(pw3d.benchmark(), dataset=PW3D("test", padding=CLOSER))
