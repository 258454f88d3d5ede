# A file of 32 MiB in a layer: two containers share it on the disk and in memory, two copies do not.
#: varies loop\d+
#- truncate --size 200M disk.img; mke2fs -q -t ext4 disk.img; mount disk.img /mnt; cd /mnt
## make
mkdir base; head -c 32M /dev/urandom > base/library
for n in 1 2; do
  mkdir upper$n work$n box$n
  mount -t overlay overlay -o lowerdir=base,upperdir=upper$n,workdir=work$n box$n
done
cp -a base copy1; cp -a base copy2
## disk
du -sm upper1 upper2 copy1 copy2
#- cd; umount /mnt/box1 /mnt/box2; umount /mnt; mount disk.img /mnt; cd /mnt
#- for n in 1 2; do mount -t overlay overlay -o lowerdir=base,upperdir=upper$n,workdir=work$n box$n; done
## cold
fincore --bytes -o RES,FILE base/library copy1/library copy2/library
## shared
cat box1/library > /dev/null; fincore --bytes -o RES,FILE base/library
cat box2/library > /dev/null; fincore --bytes -o RES,FILE base/library
## copied
cat copy1/library copy2/library > /dev/null
fincore --bytes -o RES,FILE copy1/library copy2/library
#- cd; umount /mnt/box1 /mnt/box2 /mnt; rm disk.img
