# A hog that swaps instead of dying, and a fork bomb in a box.
#: stage 4
#: needs cgroup-v2
#: needs swap
#: varies \d+(\.\d+)?MiB
#: varies ^\d+M$
#- mini-docker image bootstrap busybox
## hog
mini-docker run -d --name hog --memory 32m busybox sh -c 'head -c 50m /dev/zero | tail | sleep 1000'
#- group=/sys/fs/cgroup/mini-docker/$(mini-docker inspect --format '{{.Id}}' hog)
#- until [ $(cat $group/memory.swap.current) -gt 17000000 ]; do sleep 0.2; done
mini-docker stats --no-stream --format '{{.MemUsage}}' hog
cd /sys/fs/cgroup/mini-docker/$(mini-docker inspect --format '{{.Id}}' hog)
numfmt --to=iec < memory.swap.current
## fixed
mini-docker run --name hog2 --memory 32m --memory-swap 32m busybox tail /dev/zero
echo $?
mini-docker inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}}' hog2
cd /; mini-docker rm -f hog hog2
## bomb
mini-docker run -d --name bomb --pids-limit 50 busybox sh -c 'b() { b | b & }; b; sleep 1000'
#- group=/sys/fs/cgroup/mini-docker/$(mini-docker inspect --format '{{.Id}}' bomb)
#- until [ $(cat $group/pids.peak) = 50 ]; do sleep 0.2; done
cd /sys/fs/cgroup/mini-docker/$(mini-docker inspect --format '{{.Id}}' bomb)
grep . pids.current pids.peak pids.max
cd /; mini-docker kill bomb
mini-docker ps -a --filter name=bomb --format '{{.Names}}: {{.Status}}'
mini-docker rm bomb
