# A disk of the host's in a container: with a device, with a capability, with both.
#: stage 6
#: varies loop\d+
#- mini-docker image bootstrap busybox
## disk
mkdir files; echo 'the salary of everybody' > files/secret
truncate --size 8M disk.img; mke2fs -q -t ext4 -d files disk.img
disk=$(losetup --find --show disk.img); echo $disk
## device
mini-docker run --rm --device $disk:/dev/disk busybox sh -c 'mkdir /m; mount /dev/disk /m'
## both
mini-docker run --rm --device $disk:/dev/disk --cap-add SYS_ADMIN busybox \
  sh -c 'mkdir /m; mount /dev/disk /m; cat /m/secret; echo mine now > /m/secret'
mount $disk /mnt; cat /mnt/secret; umount /mnt
## raw
mini-docker run --rm --device $disk:/dev/disk --cap-drop ALL busybox grep -a -o 'mine now' /dev/disk
## capability
mini-docker run --rm --cap-add SYS_ADMIN busybox sh -c 'mount -o remount,rw,bind /proc/sys
  : >> /proc/sys/kernel/core_pattern && echo one write away from a command on the host'
## mend
mini-docker run --rm busybox sh -c 'mount -o remount,rw,bind /proc/sys; : >> /proc/sys/kernel/core_pattern'
## end
losetup --detach $disk; rm -r files disk.img
