# More ids for an ordinary user: /etc/subuid, and the two programs that read it.
#: needs newuidmap
#- cp -a /etc etc; mount --bind etc /etc; : > /etc/subuid; : > /etc/subgid
#- useradd --uid 12345 --no-create-home --no-log-init ann
## grant
grep ann /etc/passwd /etc/subuid /etc/subgid
ls -l /usr/bin/newuidmap | cut -d ' ' -f 1,3
## programs
ann='setpriv --reuid ann --regid ann --clear-groups'
first=$(grep ^ann: /etc/subuid | cut -d : -f 2)
$ann unshare --user sleep 1000 &
sleep 0.5
$ann newuidmap $! 0 12345 1 1 0 65536
$ann newuidmap $! 0 12345 1 1 $first 65536
$ann newgidmap $! 0 12345 1 1 $first 65536
cat /proc/$!/uid_map /proc/$!/setgroups
kill $!; wait $!
