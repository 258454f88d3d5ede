# A mode, a hard link, and a file that is gone: what each costs.
## mode
mkdir predict; cd predict
mkdir lower upper work merged
head -c 8M /dev/zero > lower/big
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged
du -sm upper; chmod 600 merged/big; du -sm upper
## gone
rm merged/big; ls merged; du -sm lower upper
umount merged
## link
echo one > lower/a; ln lower/a lower/b
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged
ls -i merged | cut -d ' ' -f 1 | uniq | wc -l
echo two >> merged/a; cat merged/b
umount merged; cd ..
