# The same for a user with a range of ids.
#: stage 5
#: needs newuidmap
#- cp -a /etc etc; mount --bind etc /etc; : > /etc/subuid; : > /etc/subgid
#- useradd --uid 12345 --no-create-home --no-log-init ann; mkdir ann; chown ann:ann ann
#- home=$PWD/ann; cd ann
#- setpriv --reuid ann --regid ann --clear-groups env HOME=$home mini-docker image bootstrap busybox
grep ann /etc/subuid
ann="setpriv --reuid ann --regid ann --clear-groups env HOME=$home"
$ann mini-docker run --rm busybox cat /proc/self/uid_map
$ann mini-docker run --rm --user www-data busybox id
$ann mini-docker run -d --name web --user www-data busybox sleep 1000
ps -o uid,args -p $($ann mini-docker inspect --format '{{.State.Pid}}' web)
#- $ann mini-docker rm -f web
