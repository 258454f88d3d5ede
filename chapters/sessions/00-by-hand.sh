# A container from the shell: files, then one process that is cut off.
## files
mkdir -p box/bin box/proc
cp /bin/busybox box/bin/
for name in sh ls ps mount hostname; do ln -s busybox box/bin/$name; done
ls box/bin
## start
unshare --mount --uts --ipc --pid --fork chroot box /bin/sh <<'END'
mount -t proc proc /proc
hostname box
hostname
ps
ls /
END
## outside
hostname
ls box/proc
