# The classic way out of a chroot, and the same steps after pivot_root.
#- mkdir -p box/bin box/etc; cp /bin/busybox box/bin/; chroot box /bin/busybox --install -s /bin
#- echo ID=box > box/etc/os-release
## script
cat > box/escape <<'END'
mkdir -p /jail/bin
cp /bin/busybox /jail/bin/
nsenter --root=/jail /bin/busybox sh -c '
  cd -P ../../../../../../../..
  exec /bin/busybox chroot . /bin/sh -c "grep ^ID= /etc/os-release; ls -d /boot"'
END
## chroot
chroot box sh -c 'cat /etc/os-release'
chroot box sh /escape
## pivot
unshare --mount sh
mount --bind box box; cd box; pivot_root . .; umount -l .; cd /
cat /etc/os-release
sh /escape
exit
