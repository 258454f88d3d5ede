# Control groups with mkdir, echo and cat: cgroup v2.
#: needs cgroup-v2
#: needs swap
#: varies [\d.]+ [kMG]B/s
#: varies ^\d+M$
## tree
cd /sys/fs/cgroup
stat -f -c %T .
mkdir shop
ls shop | grep -E '^(cpu|io|memory|pids)\.max$'
## delegate
mkdir shop/web
ls shop/web | grep -E '^(cpu|io|memory|pids)\.max$'
cat shop/cgroup.subtree_control
echo '+cpuset +cpu +io +memory +pids' > shop/cgroup.subtree_control
ls shop/web | grep -E '^(cpu|io|memory|pids)\.max$'
## inner
(echo 0 > shop/cgroup.procs)
## memory
echo 32M > shop/web/memory.max
cat shop/web/memory.max
(echo 0 > shop/web/cgroup.procs; exec dd if=/dev/zero of=/dev/null bs=64M count=1 status=none)
echo $?
## swap
(echo 0 > shop/web/cgroup.procs; head -c 64m /dev/zero | tail | sleep 999) &
#- until [ $(cat shop/web/memory.swap.current) -gt 33000000 ]; do sleep 0.2; done
numfmt --to=iec < shop/web/memory.current
numfmt --to=iec < shop/web/memory.swap.current
echo 1 > shop/web/cgroup.kill; wait
## oom
echo 0 > shop/web/memory.swap.max
(echo 0 > shop/web/cgroup.procs; exec dd if=/dev/zero of=/dev/null bs=64M count=1 status=none)
echo $?
grep -w oom_kill shop/web/memory.events
## cpu
echo max > shop/web/memory.max
echo '20000 100000' > shop/web/cpu.max
spin() { echo 0 > shop/$1/cgroup.procs; exec taskset -c 0 sh -c 'while :; do :; done'; }
used() { grep usage_usec shop/$1/cpu.stat | cut -d ' ' -f 2; }
spin web &
#- sleep 2
before=$(used web); sleep 10; echo $(( ($(used web) - before) / 1000 )) ms
echo 1 > shop/web/cgroup.kill; wait
echo max > shop/web/cpu.max
## weight
mkdir shop/a shop/b
echo 300 > shop/a/cpu.weight
cat shop/b/cpu.weight
(spin a & spin b & wait) &
#- sleep 2
a=$(used a) b=$(used b); sleep 4; a=$(( $(used a) - a )) b=$(( $(used b) - b ))
echo a: $(( a / 1000 )) ms, b: $(( b / 1000 )) ms
echo a used $(( (a + b / 2) / b )) times as much as b
kill $(cat shop/a/cgroup.procs shop/b/cgroup.procs)
#- wait; sleep 0.2
rmdir shop/a shop/b
## cpuset
nproc
echo 0 > shop/web/cpuset.cpus
(echo 0 > shop/web/cgroup.procs; exec nproc)
## pids
echo 10 > shop/web/pids.max
sh -c 'echo 0 > shop/web/cgroup.procs; for i in $(seq 12); do sleep 1 & done; wait'
cat shop/web/pids.events
## io
lsblk -ndo NAME,MAJ:MIN /dev/vda
echo '254:0 wbps=2097152' > shop/web/io.max
cat shop/web/io.max
(echo 0 > shop/web/cgroup.procs; exec dd if=/dev/zero of=/var/tmp/x bs=1M count=8 oflag=direct)
(echo 0 > shop/web/cgroup.procs; exec dd if=/dev/zero of=/var/tmp/x bs=1M count=8)
rm /var/tmp/x
## freeze
(echo 0 > shop/web/cgroup.procs; exec sleep 1000) &
#- sleep 0.5
echo 1 > shop/web/cgroup.freeze
#- sleep 0.5
cat shop/web/cgroup.events
echo 1 > shop/web/cgroup.kill; wait
#- sleep 0.2
cat shop/web/cgroup.events
## remove
rmdir shop
rmdir shop/web shop
## pages
mkdir -p shop/web; echo +memory > shop/cgroup.subtree_control
echo 1000000 > shop/web/memory.max
cat shop/web/memory.max
rmdir shop/web shop
