#!/bin/sh
usage='All people of a video under Slurm:

    sh main/slurm_inference.sh VIDEO FORMAT FPS CKPT [flags of demo.py]

VIDEO.FORMAT is a video, or one below demo/videos/. CKPT names a config and its published weights, such as
smpler_x_h32; for other weights: --pretrained_model_path FILE. FPS is asked for as it always was, but a video
keeps its own. Results go to output/demo_..., what the job says to output/slurm/VIDEO_NUMBER.txt.'
. "$(dirname "$0")/slurm.sh"
expect 4 $# "${1-}"
video=$1.$2 network=$4
job=$(basename "$1")
shift 4

[ -f "$video" ] || video=$root/demo/videos/$video
[ -f "$video" ] || stop "there is no $(basename "$video"), neither as given nor in demo/videos."
video=$(cd "$(dirname "$video")" && pwd)/$(basename "$video")
case " $* " in
    *" --pretrained_model_path"*) ;;
    *) set -- --pretrained_model_path "pretrained_models/$network.pth.tar" "$@" ;;
esac
submit "$output/slurm/${job}_%j.txt" 1 demo.demo --config "$network.py" --vid_file "$video" "$@"
