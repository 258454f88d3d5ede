# The five sets with /proc, getpcaps, capsh, setcap and setpriv, before any Python.
#: varies 000001fff[ef]ffffff
#: varies \d+: =ep( cap_sys_resource-ep)?
## look
grep Cap /proc/self/status
getpcaps $$
## user
user() { setpriv --reuid 1000 --regid 1000 --clear-groups "$@"; }
user grep Cap /proc/self/status
## decode
capsh --decode=00000000a80425fb | cut -d = -f 2 | tr , '\n' | column -c 90
## bounding
touch file
setpriv --bounding-set -chown sh -c 'id --user; chown 7 file'
## file
cp /bin/busybox ping
user ./ping -c 1 -q 127.0.0.1
setcap cap_net_raw+ep ping
getcap ping
user ./ping -c 1 -q 127.0.0.1 | grep received
## ceiling
user --bounding-set -net_raw ./ping -c 1 -q 127.0.0.1
## no-new
user sh -c 'setpriv --no-new-privs ./ping -c 1 -q 127.0.0.1'
user setpriv --no-new-privs grep NoNewPrivs /proc/self/status
## ambient
give='--inh-caps +net_raw --ambient-caps +net_raw'
user $give grep Cap /proc/self/status
user $give busybox ping -c 1 -q 127.0.0.1 | grep received
## namespace
user unshare --user --map-root-user grep CapEff /proc/self/status
user unshare --user --map-root-user hostname box
user unshare --user --map-root-user --uts sh -c 'hostname box; hostname'
