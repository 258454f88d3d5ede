# The engine after lab 6: the default, the flags, what inspect shows, what is lost.
#: stage 6
#- mini-docker image bootstrap busybox
## default
mini-docker run --rm busybox grep Cap /proc/self/status
mini-docker run --rm busybox sh -c 'mount -o remount,rw,bind /proc/sys'
## least
mini-docker run --rm --cap-drop ALL --cap-add NET_RAW busybox \
  sh -c 'ping -c 1 -q 127.0.0.1 | grep received; chown 7 /etc'
## inspect
mini-docker run -d --name box --cap-add sys_time --cap-drop mknod busybox sleep 1000
mini-docker inspect --format '{{.HostConfig.CapAdd}} {{.HostConfig.CapDrop}}' box
mini-docker inspect --format '{{range .EffectiveCaps}}{{println .}}{{end}}' box | column -c 90
grep Cap /proc/$(mini-docker inspect --format '{{.State.Pid}}' box)/status
#- mini-docker rm -f box
## typo
mini-docker run --rm --cap-add sys_admn busybox true
## lost
setpriv --bounding-set -net_raw,-sys_time mini-docker run --rm --cap-add SYS_TIME busybox \
  grep CapBnd /proc/self/status
## user
mini-docker run --rm --user 1000 --cap-add NET_ADMIN busybox grep Cap /proc/self/status
## setuid
script='cp /bin/busybox /ping; chmod 4755 /ping; su nobody -s /bin/sh -c "/ping -c 1 -q 127.0.0.1"'
mini-docker run --rm busybox sh -c "$script" | grep received
mini-docker run --rm --security-opt no-new-privileges busybox sh -c "$script" | grep received
## privileged
look='ls /dev | grep -cx kmsg; grep -c "/proc/sys proc ro" /proc/mounts'
mini-docker run --rm busybox sh -c "$look"
mini-docker run --rm --privileged busybox sh -c "$look" 2>/dev/null
