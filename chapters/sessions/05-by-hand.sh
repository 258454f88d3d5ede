# Who a process is: numbers, names, groups, and a user namespace with its maps.
## look
id
grep -E '^(Uid|Gid|Groups)' /proc/self/status
## numbers
mkdir -m 777 open
setpriv --reuid 12345 --regid 12345 --clear-groups sh -c 'id; touch open/mine'
stat -c '%u %U %n' open/mine
## names
mkdir -p box/bin box/etc; cp /bin/busybox box/bin
echo 'queen:x:0:0::/:/bin/sh' > box/etc/passwd
chroot box /bin/busybox id -un
## setuid
cp /usr/bin/id id; chmod u+s id
setpriv --reuid 12345 --regid 12345 --clear-groups ./id
## groups
ann='setpriv --reuid 12345 --regid 12345'
echo for staff > secret; chgrp 50 secret; chmod 640 secret
$ann --clear-groups cat secret
$ann --groups 50 cat secret
## negative
echo for all but staff > notice; chgrp 50 notice; chmod 604 notice
$ann --clear-groups cat notice
$ann --groups 50 cat notice
## unmapped
unshare --user sleep 1000 & pid=$!
sleep 0.5
nsenter --target $pid --user --preserve-credentials id
nsenter --target $pid --user id
## map
echo '0 100000 65536' > /proc/$pid/uid_map
echo '0 100000 65536' > /proc/$pid/gid_map
nsenter --target $pid --user id
echo '0 200000 65536' > /proc/$pid/uid_map
## files
nsenter --target $pid --user sh -c 'touch open/inside; chown 5 open/inside; stat -c "%u %n" open/* secret'
stat -c '%u %n' open/* secret
nsenter --target $pid --user cat secret
## chown
nsenter --target $pid --user chown 70000 open/inside
## rights
nsenter --target $pid --user sh -c 'grep CapEff /proc/self/status; hostname box'
nsenter --target $pid --user unshare --uts sh -c 'hostname box; hostname'
## end
kill $pid; wait $pid
## deny
$ann --groups 50 unshare --user --map-root-user cat /proc/self/uid_map /proc/self/setgroups
$ann --groups 50 unshare --user --map-root-user setpriv --clear-groups cat notice
