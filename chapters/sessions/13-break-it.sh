# Chapter 13, break it: the monitor is killed, and then the engine, between any two steps.
#: stage 13
#: varies ^[1-9]$
#: varies json\.\d+\.tmp
#- mini-docker image bootstrap busybox
## monitor
mini-docker run -d --name web busybox sleep 1000
#- sleep 4
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
strace -f -qq -o trace -e trace=clone3 -e inject=clone3:signal=KILL mini-docker run --name whole busybox true
rename='?rename,?renameat,?renameat2'
strace -f -qq -o trace -e trace=$rename -e inject=$rename:signal=KILL:when=4 mini-docker run --name half busybox true
mini-docker ps -a --format '{{.Names}}: {{.State}}'

## repair
mini-docker start -a whole; echo $?
mini-docker system check
mini-docker run --rm --name half busybox echo the name is free again
mini-docker system check
mini-docker rm whole
