# All eight kinds with unshare, nsenter, lsns and /proc, before any Python.
## look
ls -m /proc/self/ns
readlink /proc/$$/ns/uts /proc/self/ns/uts
lsns --noheadings --output TYPE,NS --task $$ | sort
## uts
unshare --uts sh
hostname box
hostname
readlink /proc/self/ns/uts
exit
hostname
readlink /proc/self/ns/uts
## mnt
unshare --mount sh -c 'mount -t tmpfs none /mnt && touch /mnt/secret && ls /mnt'
test -e /mnt/secret || echo nothing here
## ipc
unshare --ipc sh -c 'ipcmk --queue && ipcs --queues | grep -c 0x'
ipcs --queues | grep -c 0x
## net
unshare --net busybox ip link
## pid
unshare --pid --fork sh -c 'echo I am process $$'
## user
unshare --user id --user
unshare --user --map-root-user sh -c 'id --user; cat /proc/self/uid_map'
## time
unshare --time --boottime 864000 cat /proc/self/timens_offsets
## cgroup
group=/sys/fs/cgroup; test -d $group/pids && group=$group/pids
mkdir $group/demo
sh -c "echo 0 > $group/demo/cgroup.procs
  grep -o /demo /proc/self/cgroup
  unshare --cgroup grep -c /demo /proc/self/cgroup"
rmdir $group/demo
## nsenter
unshare --uts --pid --fork --mount-proc sh -c 'hostname box; exec sleep 1000' &
sleep 0.5
pid=$(cat /proc/$!/task/$!/children)
lsns --noheadings --output TYPE,NS --task $pid | sort
nsenter --target $pid --uts hostname
nsenter --target $pid --pid --mount busybox ps
#- kill -KILL $pid
