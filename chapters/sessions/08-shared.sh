# A file of 32 MiB in a layer: two containers share it on the disk and in memory, two copies do not.
#: varies loop\d+
## make
truncate --size 200M disk.img; mke2fs -q -t ext4 disk.img
mkdir disk; mount disk.img disk; cd disk
mkdir base; head -c 32M /dev/urandom > base/library
for n in 1 2; do
  mkdir upper$n work$n box$n
  mount -t overlay overlay -o lowerdir=base,upperdir=upper$n,workdir=work$n box$n
done
cp -a base copy1; cp -a base copy2
## disk
du -sm upper1 upper2 copy1 copy2
## cold
umount box1 box2; cd ..; umount disk; mount disk.img disk; cd disk
for n in 1 2; do
  mount -t overlay overlay -o lowerdir=base,upperdir=upper$n,workdir=work$n box$n
done
fincore --bytes -o RES,FILE base/library copy1/library copy2/library
## shared
cat box1/library > /dev/null; fincore --bytes -o RES,FILE base/library
cat box2/library > /dev/null; fincore --bytes -o RES,FILE base/library
## copied
cat copy1/library copy2/library > /dev/null
fincore --bytes -o RES,FILE copy1/library copy2/library
## end
umount box1 box2; cd ..; umount disk; rmdir disk; rm disk.img
