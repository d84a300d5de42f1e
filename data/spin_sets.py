"""Label files of the SPIN family, whole bodies, hands and faces: what PyMAF-X is trained on.

Every file lies in dataset/dataset_extras. Of some sets there are several: "train" names the fits that an
SMPL-X network learns from, "train_eft" those of EFT (SMPL), "train_spin" what SPIN itself was trained on.
"""

from __future__ import annotations

from data.formats.spin_npz import SpinNpz

SPIN = "Its label file comes with SPIN, https://github.com/nkolot/SPIN; see dataset/README.md."
PYMAF_X = "Its label file comes with PyMAF-X, https://github.com/HongwenZhang/PyMAF-X; see dataset/README.md."


class H36MMosh(SpinNpz):
    """Human3.6M with MoSh's bodies, which nobody gives away any more; tests p1 and p2 have points alone."""

    annotations = {
        "train": "h36m_mosh_train.npz",
        "test": "h36m_mosh_valid_p2.npz",
        "test_p1": "h36m_valid_protocol1_newpath.npz",
        "test_p2": "h36m_valid_protocol2_newpath.npz",
    }
    images = "Human36M/spin"
    source = SPIN
    detected_parts = True
    focal = 1146.8  # published: of all four cameras


class LSPOriginal(SpinNpz):
    """Leeds Sports Poses, the pictures as large as they were taken."""

    annotations = {
        "train": "lsp_dataset_original_train_expose.npz",
        "train_spin": "lsp_dataset_original_train.npz",
    }
    images = "LSP"
    source = PYMAF_X


class HRLSPET(SpinNpz):
    """Leeds Sports Poses extended, larger pictures."""

    annotations = {
        "train": "hr-lspet_train_expose.npz",
        "train_eft": "hr-lspet_train_eft.npz",
        "train_spin": "hr-lspet_train.npz",
    }
    images = "HR-LSPET"
    source = PYMAF_X


class MPIIFits(SpinNpz):
    """MPII Human Pose."""

    annotations = {
        "train": "mpii_train_expose.npz",
        "train_eft": "mpii_train_eft.npz",
        "train_spin": "mpii_train.npz",
    }
    images = "MPII"
    source = PYMAF_X


class COCO2014(SpinNpz):
    """COCO's pictures of 2014, bodies alone."""

    annotations = {"train": "coco_2014_train_eft.npz", "train_spin": "coco_2014_train.npz"}
    images = "MSCOCO/images"
    source = PYMAF_X
    parts_at_joints = True


class COCOFull(SpinNpz):
    """COCO's pictures of 2014 with hands and faces, fitted by EFT and for PyMAF-X."""

    annotations = {"train": "coco-full_train_eft.npz"}
    images = "MSCOCO/images"
    source = PYMAF_X
    parts_at_joints = True


class COCOHandsAndFaces(SpinNpz):
    """Those persons of it whose hands and faces can be seen."""

    annotations = {"train": "coco-hf_train_smplx.npz", "train_eft": "coco-hf_train_eft.npz"}
    images = "MSCOCO/images"
    source = PYMAF_X
    parts_at_joints = True


class MPIINF3DHPSpin(SpinNpz):
    """MPI-INF-3DHP; of its test, points alone."""

    annotations = {"train": "mpi_inf_3dhp_train.npz", "test": "mpi_inf_3dhp_test.npz"}
    images = "MPI_INF_3DHP/spin"
    source = SPIN


class PW3DSpin(SpinNpz):
    """3DPW, SMPL."""

    annotations = {"train": "3dpw_train.npz", "test": "3dpw_test.npz"}
    images = "PW3D/data"
    source = SPIN


class ThreeDOH50K(SpinNpz):
    """People partly hidden by things (Zhang et al., 2020)."""

    annotations = {"train": "threeDOH50K_trainset.npz", "test": "threeDOH50K_testset.npz"}
    images = "3DOH50K"
    source = PYMAF_X


class FreiHANDLabels(SpinNpz):
    """Right hands before green screens (Zimmermann et al., 2019), as they are learnt from."""

    annotations = {"train": "freihand_training.npz"}
    images = "FreiHAND"
    source = PYMAF_X
    shows = "right_hand"


class InterHand(SpinNpz):
    """Two hands at once (Moon et al., 2020): a row is a picture, either hand is learnt from it."""

    annotations = {"train": "interhand-full_train.npz"}
    images = "InterHand/images"
    source = PYMAF_X


class VGGFace2(SpinNpz):
    """Faces (Cao et al., 2018)."""

    annotations = {"train": "vggface2.npz", "test": "vggface2_test.npz"}
    images = "VGGFace2"
    source = PYMAF_X
    shows = "face"


class FFHQ(SpinNpz):
    """Faces (Karras et al., 2019)."""

    annotations = {"train": "ffhq.npz"}
    images = "FFHQ"
    source = PYMAF_X
    shows = "face"
