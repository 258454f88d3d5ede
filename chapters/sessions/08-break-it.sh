# An archive that writes through a symbolic link: a careless program, and ours. A decoy is hit.
#: stage 8
#- mini-docker image bootstrap busybox
## archive
mkdir -p host/etc; echo 'root:x:0:0' > host/etc/passwd
ln -s $PWD/host/etc etc; tar -cf evil.tar etc; rm etc
mkdir etc; echo 'evil::0:0' > etc/passwd; tar -rf evil.tar etc/passwd
tar -tvf evil.tar | sed 's/.*:.. //'
## careless
mkdir layer; python3 -c 'import tarfile; tarfile.open("evil.tar").extractall("layer")'
cat host/etc/passwd
## mend
echo 'root:x:0:0' > host/etc/passwd
mini-docker import evil.tar
cat host/etc/passwd; ls -A /var/lib/mini-docker/layers | wc -l
## order
mkdir base fix; echo 'root::0:0' > base/passwd; touch base/debug
echo 'root:x:0:0' > fix/passwd; mknod fix/debug c 0 0
mount -t overlay overlay -o lowerdir=base:fix /mnt; ls /mnt; cat /mnt/passwd; umount /mnt
mount -t overlay overlay -o lowerdir=fix:base /mnt; ls /mnt; cat /mnt/passwd; umount /mnt
