# Chapter 13, break it: the monitor is killed, and then the engine, between any two steps.
#: stage 13
#: varies ^[1-9]$
#- mini-docker image bootstrap busybox
## monitor
mini-docker run -d --name web busybox sleep 1000
pid=$(mini-docker inspect -f '{{.State.Pid}}' web)
monitor=$(cut -d ' ' -f 4 /proc/$pid/stat)
tr '\0' ' ' < /proc/$monitor/cmdline | cut -d ' ' -f 2-3 | sed 's,[^ ]*/mini_docker,mini_docker,'
kill -KILL $monitor
sleep 0.5; mini-docker ps --format '{{.Names}}: {{.State}}'

## unseen
id=$(mini-docker inspect -f '{{.Id}}' web); find /sys/fs/cgroup -type d -name $id | wc -l
mini-docker kill web
mini-docker inspect -f '{{.State.Status}} {{.State.ExitCode}}: {{.State.Error}}' web
find /sys/fs/cgroup -type d -name $id | wc -l
mini-docker rm web

## between
rename='?rename,?renameat,?renameat2'
for step in 4 8; do strace -f -qq -o trace -e trace=$rename -e inject=$rename:signal=KILL:when=$step mini-docker run --name step$step busybox true; done
mini-docker ps -a --format '{{.Names}}: {{.State}}'

## repair
mini-docker system check --repair
mini-docker system check
mini-docker run --rm --name step4 busybox echo the name is free again
mini-docker rm step8
