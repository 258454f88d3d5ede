# A root from one program; bind mounts; propagation; chroot; pivot_root.
#- mount --make-rshared /
## box
mkdir -p box/bin box/etc box/proc box/data
cp /bin/busybox box/bin/
chroot box /bin/busybox --install -s /bin
echo 'ID=box' > box/etc/os-release
ls -m box; ls -m box/bin | head -n 2
## chroot
chroot box /bin/sh -c 'pwd; ls; cd ..; pwd; ls'
## kernel
grep ^ID= /etc/os-release; uname -r
chroot box /bin/sh -c 'cat /etc/os-release; uname -r'
## bind
mkdir data; echo one > data/file
mount --bind data box/data
cat box/data/file
chroot box cat /data/file
## read-only
mount -o remount,bind,ro box/data
touch box/data/new
touch data/new && ls box/data
umount box/data; ls box/data
## shared
mkdir shelf
findmnt -no PROPAGATION /
unshare --mount --propagation unchanged mount -t tmpfs inside shelf
findmnt -no SOURCE shelf
umount shelf
## private
unshare --mount --propagation private mount -t tmpfs inside shelf
findmnt -no SOURCE shelf || echo nothing
## slave
unshare --mount --propagation slave sleep 1000 &
#- sleep 0.5
nsenter --target $! --mount mount -t tmpfs inside $PWD/shelf
findmnt -no SOURCE shelf || echo nothing
mount -t tmpfs outside data
nsenter --target $! --mount findmnt -no SOURCE $PWD/data
umount data; kill $!
#- wait $! 2>/dev/null
## pivot
unshare --mount sh
mount --bind box box
cd box
pivot_root . .
umount -l .
cd /
ls
mount -t proc proc /proc
cut -d ' ' -f 1-3 /proc/mounts
exit
