"""Each published array is held by a test, or named here with the reason why none holds it.

An array in neither list fails, as does a line that no array fits; what both lists fit is held. The arrays of
whole networks are counted off where they are compared.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

from common.utils.paths import ROOT

SHARED = ROOT.parent / "shared" / "parity"
TASK = "(verts|joints2D|joints3D|shape_params|pose_params)"
STEP = r"(eval/weights_(init|none)/vis_[01]/step0|train/weights_init/vis_1/step[012])"
MODE = r"(full_body|(hand|face)_only(_coco)?|body_only)/(plain|flip|augmented|all)\.\d"
VARIANT = "(full_body|body_only_smpl_res50|hand_only_mano|face_only_flame)"
SAMPLE = r"(h36m|3dpw|composite)(_train_seed\d+)?/\d"
LOOP = r"w\d+\w*"
OSX = r"osx_b\.(normal|wo_decoder\.agora)"
FAMILY = r"(default|no_orient|agora_only_detach|no_boxes|smplest_x/(default|no_chain|hand_loss))"

HELD = {  # by the tests of the same names
    "straps/losses": (
        "target/(pose_axis_angle|betas|joints2D_px|vis|vertices_97|joints_h36mlsp14|rotmats)",
        f"{STEP}/(total|(weighted|raw)/{TASK}|grad_norm/.+|pred_shape|pred_joints2D_norm)",
        rf"(eval/.+/step0|train/.+/step2)/after/({TASK}_log_var|fc3\.weight_sub|bn1\.running_mean)",
    ),
    "straps/metrics": (
        "in/(pred|target)_(rotmats|shape|joints2D_norm|joints2D_px|verts_0_97|joints3D|reposed_0_97)",
        "eval/(final|per_frame|sums)/(pves|pve-ts|mpjpes)(_sc|_pa)?",
        "eval/(final|per_frame|sums)/(pose_mses|shape_mses|joints2D_l2es|silhouette_ious)",
        "eval/sums/num_(true|false)_(positives|negatives)",
        "eval/(scaled_translated_verts_97|procrustes_joints14|procrustes_of_mirrored_joints14)",
        "train_tracker/history/val_((pves|mpjpes)(_sc|_pa)?|pve-ts(_sc)?|(pose|shape)_mses|joints2D_l2es)",
        "ssp3d/pve_t_sc_(per_vertex_[mf]_97|mean_[mf]|mean_neutral_pred_vs_female_target)",
    ),
    "straps/preprocess": (
        r"pad/\d/(in_hw|out_shape|resized512_sub)",
        r"crop/\w+/(ellipse_cy_cx_ry_rx|joints_in|joints_out|mask_out_bits|image_out_sub|corners_int16)",
        r"crop/\w+/proxy_channel_sums",
        r"train_crop/\w+/(crop_hw|joints_cropped|joints_resized|seg_resized_sub|seg_resized_sum)",
        "train_crop/(ellipses|joints_in|augmented_seed7/draws_scale_then_centre_yx)",
        r"nearest/\d+_to_256_first_row",
        "heatmap/(joints|sums|max|kernel16|nonzero_x0_x1_y0_y1|joint3_corner|at64_std4_sums)",
        "labels/densepose24_to_6part",
        "camera/(points|cam_t|cam_wp|R|K256|wp_to_cam_t|perspective_(identity|R)|orthographic(_px512)?)",
        r"camera/pyrender_projection_.+",
        "rotation/(six|six_to_R|axis_angle|rodrigues)",
        "visibility/(joints|torch|numpy)",
        "augment/(cam_t_seed11|shape_(normal|uniform)_seed12|verts_noise_seed13_97|joints_noise_seed14_pm8)",
        "augment/(cam_t_seed11_draw_.+|remove_parts_seed15_.+|occlude_seed16_.+)",
        "select/(boxes|keypoint_box_index|densepose_box_index)2?",
        "select/(masks_cy_cx_ry_rx|mask_index|mask_index_without_1)",
    ),
    "straps/synth": (
        r"\w+/(betas|cam_t|vertices_97|joints2D_(256|cropped|input)|seg_labels|seg_cropped|crop_hw)",
        r"\w+/input_(mask_bits|channel_sums)",
    ),
    "straps/dataset": (
        r"train/\w+/(len|pose|shape)",
        r"ssp3d/\d/((cropped_)?image_(shape|sub)|silhouette_sum|joints2D|shape|pose|cam_trans|fname|gender)",
    ),
    "smpler/losses": (
        rf"{LOOP}/(loss_(vertices|[23]d_joints|theta|combine)|params_without_grad|bn1\.running_(mean|var))",
        rf"{LOOP}/grad_norm/.+",
        rf"{LOOP}/loaded/(gt_cam|has_gt_cam|gt_2d_joints|gt_3d_joints_minus_pelvis)",
        rf"{LOOP}/loaded/gt_vertices_minus_pelvis\[:, ::97\]",
        f"{LOOP}/unused/(loss_3djoint_PA|loss_betas)",
        "target/(joints_2d|joints_3d|pose|betas|has_2d_joints|has_3d_joints|has_smpl)",
    ),
    "smpler/metrics": (
        "pred_joints|gt_joints|has_3d_joints|seed|(mpjpe|pa_mpjpe|mpve)_per_sample|pa_aligned",
        "pa_torch_per_joint|loop_(h36m|3dpw)/(sums|mpve_mpjpe_pampjpe_mm)",
        r"loop/batch\d/(joints_3d|pose|betas|has_3d_joints|has_smpl|image_name)",
    ),
    "smpler/preprocess": (
        r"joints[23]d|pose|case\d/(center_scale_rot_flip_colour|matrix_full_to_crop|joints[23]d|pose)",
        r"case\d/(box_upper_left_lower_right|crop\[:, ::8, ::8\]|crop_mean)",
        r"augment_seed\d/flip_rot_scale_colour|demo/(image_name|image_hw)",
        r"demo/input_antialias_False\[:, ::6, ::6\]|J24_TO_J14|H36M_J17_TO_J14",
        "flip_joints24|flip_pose_(source_index|sign)",
    ),
    "smpler/dataset": (
        r"(h36m|3dpw|composite)/len",
        rf"{SAMPLE}/(image\[:, ::6, ::6\]|image_mean|ori_img\[:, ::12, ::12\]|pose|betas|joints_[23]d)",
        f"{SAMPLE}/(has_3d_joints|has_smpl|gender|augment_flip_rot_scale|augment_colour)",
    ),
    "pymaf_x/losses": (rf"{VARIANT}/(in\.\w+|loss\.[\w-]+|grad\..+)",),
    "pymaf_x/metrics": (
        r"(h36m-p2-mosh|3dpw)\.(errors(_pa|_pve)?|(mpjpe|pa-mpjpe|pve)_-\d|selection_value|pred_(kp_3d|verts_97))",
        r"in\.(pose|betas|gender|pose_3d)|procrustes\.(a|b|aligned|error)",
    ),
    "pymaf_x/preprocess": (
        r"demo\.(in\.(body|[lr]hand|face)|bboxes|scales|\d\.(img_\w+|vis_\w+|orig_(height|width)))",
        r"camera\.(in\.pred_cam|orig_cam|orig_cam_t)|crop\.\d\.(case|resized|transform|corners)",
        r"rotate\.(in|angles|out)|flip_(pose|aa|kp\.\w+)\.(in|out)|translation\.(S|J|out|out_all)",
        r"projection\.(cam|out)|full_camera\.(out_pixels|out_crop|rotation)",
        r"rot6d\.(in|matrix|back|quaternion|axis_angle)|twist\.(axis|rotation|angle)|rodrigues\.(in|out)",
        r"index\.(JOINT_MAP|SMPLX2SMPL_J45|(J24|H36M)_TO_\w+|\w+_PERM|smplx_(left|right)_(hand|foot))",
    ),
    "pymaf_x/dataset": (
        rf"{MODE}\.(img_\w+|center|scale|kps_transf|rot_transf|rot_angle|orig_shape|is_flipped|crop_ratio)",
        rf"{MODE}\.(keypoints|(lhand|rhand|face|feet)_kp[23]d(_local)?|(\w+_)?keypoints_full_img|pose_3d)",
        rf"{MODE}\.(pose|betas|global_orient|\w+_pose|expression|rhand_shape|face_shape|has_(smpl|hf))",
        rf"{MODE}\.(\w+_theta(_inv)?|cam_(focal_length|intrinsics|vfov)|gender|sample_index|smpl_2dkps)",
    ),
    "osx/preprocess": (
        r"bbox/(in|img_hw|sanitized|processed|whole_number/(in_xywh|image_hw|processed))",
        r"(get_bbox|resize_bbox|soft_argmax|sample|roi)/.+|rot6d/(in|axis_angle)|restore_bbox/.+",
        r"affine/(in_\w+|fwd|inv)|crop/\d/(in_bbox_scale_rot_flip_h_w|trans|patch(_s\d+)?)",
        r"augment/[ab]/(scale_rot_r_g_b_flip|image_s32|img2bb)|augment/first6_seed7",
        r"remap/(in_\w+|(plain|flip_rot)/(img2bb|joint_(img|cam|valid)))",
        r"model/in/.+|model/(plain|flip_rot|extrinsic)/.+|model/(R|big_beta_shape)|smpl/.+",
    ),
    "osx/metrics": (
        r"rigid/(A|B|\d/(c|R|t|aligned))|(ehf|agora|ubody)/(pa_)?mpvpe_(all|hand|face)",
        r"(ehf|ubody)/pa_mpjpe_(body|hand)|ehf/R|h36m/(pa_mpjpe|mpjpe|joint_cam_gt_mm)",
        r"agora/(in/\w+|prediction/\d/(joints|params/\w+))",
        r"ubody/(cam_trans|bb2img_trans|translation|img_hw)",
    ),
    "smpler_x/preprocess": (
        r"bbox/(in_xywh|image_hw|process_ratio_[\d.]+|whole_number/.+)|aug/(seeds|scale_rot_r_g_b_flip)",
        r"crop\d/(bbox|scale_rot_flip|patch_s16)",
        r"(restore|soft[23]|sample|align)/.+|rot6d/(in|axis_angle)|det/(in_xyxy_score|nms_[\d.]+)",
        "param/.+|smpl/.+|db/.+",
    ),
    "smpler_x/metrics": (
        r"(humandata|ehf|ubody|agora_val|smplest_x_smplx?)/(pa_)?mp(vpe|jpe)_\w+|pw3d/.+|ehf/R|ubody/in/\w+",
        r"agora_test/(in/\w+|pkl\d/(joints|params/\w+))|smplest_x_smplx/in/[lr]hand_valid",
        "shapy/(in/betas(_gt)?|v2v_t_errors|point_t_errors|mass|mass_gt)",
    ),
    "osx/losses": (rf"{OSX}/(target|meta|loss|grad_norm)/.+",),
    "smpler_x/losses": ("(smplest_x/)?(targets|meta)/.+", rf"{FAMILY}/(loss|grad_norm)/.+"),
}

UNREAD = {
    "straps/losses": {
        r"train/.+/step[01]/after/.+": "recorded by reference: the same numbers as those of step 2",
    },
    "straps/metrics": {
        r"train_tracker/history/val_(\w+_)?losses": "means of numbers that the tracker is handed",
        "train_tracker/history/val_pve-ts_pa": "empty: published, it is named and never filled",
    },
    "straps/preprocess": {
        r"pad/\d/out": "resized512_sub is this picture, resized",
        r"crop/\w+/(tight_rc_min_max|centre_hw)": "on the way to corners_int16, at which pictures are cut",
        r"crop/\w+/mask_out_sum": "how many bits of mask_out_bits are set",
        r"crop/\w+/proxy_dtype_is_float64": "what a network looks at is float32 here, as its weights are",
    },
    "straps/dataset": {r"ssp3d/\d/silhouette_values": "masks are boolean here"},
    "smpler/losses": {"target/image_(name|shape)": "how the picture was made"},
    "smpler/metrics": {
        "has_smpl": "is one for all",
        r"loop/batch\d/(has_2d_joints|joints_2d)": "read by no metric",
    },
    "smpler/preprocess": {
        "image_(name|hw)": "how the picture was made",
        r"demo/input_antialias_True\[.+": "by a torchvision later than the one that was asked for",
    },
    "smpler/dataset": {
        rf"(\w+)/image_keys|{SAMPLE}/key": "here persons are named by their set and number",
        f"{SAMPLE}/(scale|center)": "where the picture and the points, which are compared, were cut",
        f"{SAMPLE}/has_2d_joints": "read by no loss: points that nobody saw have no confidence",
    },
    "pymaf_x/losses": {
        f"{VARIANT}/(gt_camera|opt_cam_t)": "ill-conditioned; the fit is compared on points of a body",
        f"{VARIANT}/pred_cam_t": "for the log; the camera it follows from is compared with the network",
    },
    "pymaf_x/preprocess": {
        r"crop\.\d\.(size|rotation)": "on the way to the map and the pixels, which are compared",
        r"index\.mano_(order|tips)": "hands report joints by name; the network's joints are compared",
    },
    "pymaf_x/dataset": {
        rf"{MODE}\.lhand_shape": "zero: of hands alone, only right ones are looked at",
        rf"{MODE}\.cam_rotmat": "the identity: no lens of this set is turned",
        rf"{MODE}\.has_pose_3d": "joints that nobody annotated have no confidence here",
    },
    "osx/preprocess": {
        "cv2": "the version of the program that cut",
        r"crop/(image_u8|\d/inv_trans)": "how the picture was made, and the map back, the inverse of trans",
        r"augment/[ab]/bb2img": "the inverse of img2bb",
        "augment/mean_std_of_2000_scale_rot_flip": "of draws, the first of which are compared one by one",
        r"remap/\w+/joint_trunc": "the bare test of the range; bodies and whole persons hold it",
        "rot6d/axis_angle_batch3_published": "a published bug: of three, the wrong axis is crossed",
    },
    "osx/metrics": {
        r"ubody/(mesh_proj_s97/\d|valid_vertices_\w+)": "which vertices count: on the way to errors",
        r"agora/((test_)?prediction_files|prediction/params_keys)": "names, held by test_agora_submission",
    },
    "smpler_x/preprocess": {
        "bbox/sanitize": "on the way to process_ratio",
        r"affine/.+|crop\d/(img2bb|bb2img)": "maps like those of OSX, which are compared",
        r"crop\d/(patch_from_uint8_s16|patch_s16_opencv5)": "by another type of picture, another OpenCV",
        "crop/image_uint8": "how the picture was made",
        "rot6d/batch_of_three_as_published": "a published bug: of three, the wrong axis is crossed",
        "det/sorted": "largest first: which one is shown is asked for by name here",
        r"const/.+": "tables; joints are found by their names (test_joint_sets_published.py)",
    },
    "smpler_x/metrics": {
        r"agora_test/(pa_)?mpvpe_\w+": "of a split whose truth nobody has; agora_val's are compared",
        r"agora_(val|test)/files|agora_test/pkl\d/top_keys": "names, held by test_agora_submission",
        "shapy/height(_gt)?": "between a crown's and a heel's point; here from the soles to the crown",
        "ubody/valid_counts_body_lhand_rhand_mesh": "how many count: on the way to errors",
    },
    "osx/losses": {
        f"{OSX}/loss_shape/.+": "terms are means here; what they are over shows in their value",
        f"{OSX}/no_grad": "names of layers that nothing reads",
    },
    "smpler_x/losses": {
        f"{FAMILY}/total": "the sum of the losses, each of which is compared",
        "default/joint_(img_in_hand_box_space|trunc_after)": "on the way to the loss joint_img",
        f"{FAMILY}/loss_shape/.+": "terms are means here; what they are over shows in their value",
    },
}  # fmt: skip


@pytest.mark.parametrize("file", HELD)
def test_every_array_is_held_by_a_test_or_named_with_a_reason(file: str) -> None:
    path = SHARED / f"{file}.npz"
    if not path.exists():
        pytest.skip(f"{path} is not there: nothing to count off")
    with np.load(path) as stored:
        names = stored.files
    held, unread = HELD[file], tuple(UNREAD.get(file, ()))
    for pattern in held + unread:
        assert any(re.fullmatch(pattern, name) for name in names), f"no array of {file} is {pattern}"
    assert not [name for name in names if not fits(held + unread, name)]


def fits(patterns: tuple[str, ...], name: str) -> bool:
    return any(re.fullmatch(pattern, name) for pattern in patterns)
