# A container that forgets private propagation, and a host without its processes.
#: varies /proc/\d+
## host
unshare --mount sh
mount --make-rshared /
## lost
ls -d /proc/$$
unshare --mount --propagation unchanged --pid --fork sh -c 'mount -t proc proc /proc; echo I am $$'
ls -d /proc/$$
cat /proc/self/status
busybox ps
## mended
umount /proc
ls -d /proc/$$
unshare --mount --propagation private --pid --fork sh -c 'mount -t proc proc /proc; echo I am $$'
ls -d /proc/$$
exit
