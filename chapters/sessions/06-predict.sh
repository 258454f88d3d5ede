# Three questions to the kernel.
#: varies 000001fff[ef]ffffff
## shadow
setpriv --bounding-set -all sh -c 'id --user; head -c 5 /etc/shadow; echo; grep CapEff /proc/self/status'
install --owner 1000 --mode 600 /dev/null letter
setpriv --bounding-set -all cat letter
## capset
capsh --caps= -- -c 'grep CapEff /proc/self/status'
capsh --drop=cap_chown --caps= -- -c 'capsh --has-b=cap_chown; chown 7 letter'
## clock
setpriv --reuid 1000 --regid 1000 --clear-groups unshare --user --map-root-user \
  sh -c 'capsh --has-p=cap_sys_time && date --set 10:00'
