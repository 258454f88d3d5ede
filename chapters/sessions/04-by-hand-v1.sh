# The same on cgroup v1: a tree for each controller. Recorded on a hybrid machine.
#: needs cgroup-v1
#: varies (nr_periods|nr_throttled|throttled_time) \d+
#: varies [\d.]+ [kMG]B/s
## look
cd /sys/fs/cgroup
stat -f -c '%T %n' . memory cpu unified
mkdir trap
ls trap
rmdir trap
## memory
mkdir memory/demo
cat memory/demo/memory.limit_in_bytes
echo 32M > memory/demo/memory.limit_in_bytes
echo 64M > memory/demo/memory.memsw.limit_in_bytes
echo 128M > memory/demo/memory.limit_in_bytes
echo 32M > memory/demo/memory.memsw.limit_in_bytes
(echo 0 > memory/demo/tasks; exec dd if=/dev/zero of=/dev/null bs=64M count=1 status=none)
echo $?
## cpu
mkdir cpu/demo
cat cpu/demo/cpu.shares cpu/demo/cpu.cfs_period_us cpu/demo/cpu.cfs_quota_us
echo 20000 > cpu/demo/cpu.cfs_quota_us
(echo 0 > cpu/demo/tasks; exec timeout 2 sh -c 'while :; do :; done')
cat cpu/demo/cpu.stat | head -3
## shares
mkdir cpu/a cpu/b cpuacct/a cpuacct/b
echo 3072 > cpu/a/cpu.shares
enter() { for tree in cpu cpuacct; do echo 0 > $tree/$1/tasks; done; }
spin() { enter $1; exec taskset -c 0 sh -c 'while :; do :; done'; }
(spin a & spin b & wait) &
#- sleep 1
used() { cat cpuacct/$1/cpuacct.usage; }
a=$(used a) b=$(used b); sleep 4; a=$(( $(used a) - a )) b=$(( $(used b) - b ))
echo a used $(( (a + b / 2) / b )) times as much as b
kill $(cat cpu/a/tasks cpu/b/tasks)
#- wait; sleep 0.2
rmdir cpu/a cpu/b cpuacct/a cpuacct/b
## cpuset
mkdir cpuset/demo
(echo 0 > cpuset/demo/tasks)
echo 0 > cpuset/demo/cpuset.cpus
echo 0 > cpuset/demo/cpuset.mems
(echo 0 > cpuset/demo/tasks; exec nproc)
## blkio
mkdir blkio/demo
echo '254:0 4194304' > blkio/demo/blkio.throttle.write_bps_device
(echo 0 > blkio/demo/tasks; exec dd if=/dev/zero of=/var/tmp/x bs=1M count=8 oflag=direct)
rm /var/tmp/x
## freezer
mkdir freezer/demo
sleep 1000 &
echo $! > freezer/demo/tasks
echo FROZEN > freezer/demo/freezer.state
kill -9 $!
#- sleep 0.3
ps -o stat,comm -p $!
echo THAWED > freezer/demo/freezer.state
wait $!; echo $?
#- sleep 0.3
## remove
rmdir memory/demo cpu/demo cpuset/demo blkio/demo freezer/demo
