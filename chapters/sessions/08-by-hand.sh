# Lower, upper, work and merged; what a container's writes leave in upper; a new layer; an archive.
## lower
mkdir stack; cd stack
mkdir base web
echo 'Welcome to base' > base/motd; echo 'root:x:0:0' > base/passwd
echo 'Welcome to web' > web/motd; mkdir web/pages; touch web/pages/{home,news}
## mount
mkdir upper work merged
mount -t overlay overlay -o lowerdir=web:base,upperdir=upper,workdir=work merged
ls -R merged; cat merged/motd
## read
cat merged/passwd; ls upper
## add
echo hello > merged/new; ls upper
## change
echo 'web:x:33:33' >> merged/passwd
ls upper; cat base/passwd
## delete
rm merged/motd merged/pages/news; ls -R merged
ls -l upper/motd upper/pages
ls -R base web
## opaque
rm -r merged/pages; mkdir merged/pages; touch merged/pages/start
ls merged/pages; ls -A upper/pages
show='--xattrs --xattrs-include=trusted.*'
tar $show -cC upper pages | tar $show -tvv
## commit
umount merged; mv upper fix; mkdir upper
mount -t overlay overlay -o lowerdir=fix:web:base,upperdir=upper,workdir=work merged
ls -R merged; ls upper
## second
mkdir upper2 work2 merged2
mount -t overlay overlay -o lowerdir=fix:web:base,upperdir=upper2,workdir=work2 merged2
echo mine > merged2/mine; rm merged2/new
ls merged merged2
## tar
tar -cf fix.tar -C fix . ; tar -tvf fix.tar
## marks
mkdir -p oci/pages; cp -a fix/passwd fix/new oci/; cp -a fix/pages/start oci/pages/
touch oci/.wh.motd oci/pages/.wh..wh..opq
tar -cf fix.tar -C oci . ; tar -tf fix.tar
## end
umount merged merged2; cd ..
