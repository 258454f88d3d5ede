# The same for a user with a range of ids.
#: stage 5
#: needs newuidmap
#- cp -a /etc etc; mount --bind etc /etc; : > /etc/subuid; : > /etc/subgid
#- useradd --uid 12345 --no-create-home --no-log-init ann
## run
grep ann /etc/subuid
home=$PWD/ann; install --directory --owner ann --group ann $home; cd $home
ann="setpriv --reuid ann --regid ann --clear-groups env HOME=$home"
$ann mini-docker image bootstrap busybox
$ann mini-docker run --rm busybox cat /proc/self/uid_map
$ann mini-docker run --rm --user www-data busybox id
$ann mini-docker run -d --name web --user www-data busybox sleep 1000
ps -o uid,args -p $($ann mini-docker inspect --format '{{.State.Pid}}' web)
## end
$ann mini-docker rm -f web
cd ..; sleep 1; userdel ann; sed -i /^containers:/d /etc/subuid /etc/subgid
