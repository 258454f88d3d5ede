# The engine at stage 3: a root of its own, read-only, with masks.
#: stage 3
#- mkdir -p box/bin box/etc box/proc box/data; cp /bin/busybox box/bin/
#- chroot box /bin/busybox --install -s /bin; echo ID=box > box/etc/os-release
## root
mini-docker run --rm --rootfs box sh -c 'cat /etc/os-release; ls /; ls -C /dev'
ls box
mini-docker run --rm --rootfs box cut -d ' ' -f 2,3 /proc/mounts | head -n 5
## read-only
mini-docker run --rm --read-only --rootfs box touch /etc/new; echo $?
mini-docker run --rm --read-only --tmpfs /scratch:size=64k --rootfs box sh -c 'touch /scratch/new && df /scratch'
## hidden
grep -c CPU0 /proc/interrupts; ls -d /sys/firmware
mini-docker run --rm --rootfs box sh -c 'wc -c < /proc/interrupts; ls /sys/firmware | wc -l'
mini-docker run --rm --rootfs box sh -c 'echo 1 > /proc/sys/kernel/panic'
## witness
mini-docker run -d --name web --rootfs box sleep 1000
pid=$(mini-docker inspect --format '{{.State.Pid}}' web)
findmnt --task $pid --noheadings --output VFS-OPTIONS /proc/sys
findmnt --task 1 --noheadings --output VFS-OPTIONS /proc/sys || echo no mount of its own
nsenter --target $pid --mount --root --wd ls /
mini-docker kill web; mini-docker rm web
## escape
#- printf '%s\n' 'mkdir -p /jail/bin' 'cp /bin/busybox /jail/bin/' "nsenter --root=/jail /bin/busybox sh -c '" '  cd -P ../../../../../../../..' "  exec /bin/busybox chroot . /bin/sh -c \"grep ^ID= /etc/os-release; ls -d /boot\"'" > box/escape
mini-docker run --rm --rootfs box sh /escape
## hostile
rm -r box/proc; ln -s /etc box/proc
mini-docker run --rm --rootfs box true
