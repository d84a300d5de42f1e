#!/bin/sh
# A real Slurm of two nodes on this one machine, for tests:  sh tests/slurm_cluster.sh start|stop FOLDER
#
# All that it writes lies in FOLDER, an empty one with a short path (sockets). Needs the packages slurm-wlm
# and munge, but no systemd, and nothing of /etc. What `start` prints is for `eval`: it points Slurm's commands
# at this cluster. Two partitions share the nodes: a job in "urgent" preempts one in "patient", which is queued
# again.
set -eu
[ $# -eq 2 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
PATH=$PATH:/usr/sbin:/sbin
verb=$1 folder=$2
export SLURM_CONF="$folder/slurm.conf"

configure() {
    user=$(id -un) host=$(hostname -s) port=$1
    cat >"$SLURM_CONF" <<END
ClusterName=humanmesh
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool.%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2
SlurmdParameters=config_overrides
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
JobRequeue=1
KillWait=20
MpiDefault=none
NodeName=n[1-2] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + 2))] CPUs=2 State=UNKNOWN
PartitionName=patient Nodes=n[1-2] Default=YES PriorityTier=1 GraceTime=60 MaxTime=INFINITE State=UP
PartitionName=urgent Nodes=n[1-2] PriorityTier=2 PreemptMode=OFF MaxTime=INFINITE State=UP
END
}

start() {
    for program in munged slurmctld slurmd; do
        command -v $program >/dev/null && continue
        echo "$program is missing: apt-get install slurm-wlm munge" >&2
        exit 1
    done
    mkdir -p "$folder/state"
    chmod 755 "$folder"
    head -c 1024 /dev/urandom >"$folder/munge.key"
    chmod 400 "$folder/munge.key"
    munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
        --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" --seed-file="$folder/munge.seed"
    configure $((20000 + $$ % 10000))
    slurmctld >&2
    slurmd -N n1 >&2
    slurmd -N n2 >&2
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        [ "$(sinfo -h -N -p patient -t idle -o %N 2>/dev/null | wc -l)" -eq 2 ] && break
        sleep 0.5
    done
    echo "export SLURM_CONF='$SLURM_CONF'"
}

stop() {
    scontrol shutdown 2>/dev/null || true
    for file in "$folder"/*.pid; do
        [ -f "$file" ] && kill "$(cat "$file")" 2>/dev/null || true
    done
}

case $verb in
    start) start ;;
    stop) stop ;;
    *) echo "slurm_cluster.sh: '$verb' is neither start nor stop." >&2; exit 2 ;;
esac
