# The engine after lab 4: limits, their place in the tree, stats, update, pause.
#: stage 4
#: needs cgroup-v2
#: needs swap
#: varies [\d.]+ ?([kKM]i?)?B\b(/s)?
#: varies [\d.]+%
#- mini-docker image bootstrap busybox
## run
mini-docker run -d --name web -m 64m --cpus 0.5 -c 512 --cpuset-cpus 0 --pids-limit 20 busybox \
  sleep 1000
## tree
cd /sys/fs/cgroup/mini-docker/$(mini-docker inspect --format '{{.Id}}' web)
grep . memory.max memory.swap.max cpu.max cpu.weight cpuset.cpus pids.max
## inside
mini-docker exec web cat /sys/fs/cgroup/memory.max /proc/self/cgroup
## stats
mini-docker stats --no-stream web
## update
mini-docker update --memory 96m --pids-limit 40 web
grep . memory.max pids.max
## refused
mini-docker update --cpuset-cpus 7 web
## pause
mini-docker pause web
cat cgroup.events
mini-docker ps --format '{{.Names}}: {{.Status}}'
mini-docker unpause web
## network
tail -n +3 /proc/$(mini-docker inspect --format '{{.State.Pid}}' web)/net/dev | cut -c 1-60
## devices
mini-docker run --rm busybox sh -c 'mknod /tmp/disk b 254 0; ls -l /tmp/disk | cut -c 1; head -c 1 /tmp/disk'
## throttle
mkdir -p /var/tmp/throttle/bin
cp /bin/busybox /var/tmp/throttle/bin/
ln -s busybox /var/tmp/throttle/bin/dd
#- TIMEFORMAT='%0R s'
time mini-docker run --rm --device-write-bps /dev/vda:2mb --rootfs /var/tmp/throttle \
  dd if=/dev/zero of=/file bs=1M count=16 oflag=direct
rm -r /var/tmp/throttle
## end
cd /; mini-docker rm -f web
