# Chapter 1, break it: process 1 of a pid namespace is a program that never waits.
#: stage 1
#: varies [SRD] +(bash|python[0-9.]*|sh)$
## pile
busybox unshare --fork --pid --mount-proc sh -c '
  (for i in 1 2 3 4 5; do sleep 0.1 & done)
  exec sleep 1000' &
sleep 1
busybox ps -o pid,ppid,stat,comm

## deaf
box=$(cat /proc/$!/task/$!/children)
nsenter --target $box --pid --mount sh -c 'kill -TERM 1; kill -KILL 1'
sleep 0.2; busybox ps -o pid,ppid,stat,comm | grep -E "STAT|sleep"

## outside
kill -KILL $box
wait $!; echo $?
busybox ps -o pid,ppid,stat,comm

## reaper
busybox unshare --fork --pid --mount-proc mini-docker run --rm --rootfs / sh -c '
  (for i in 1 2 3 4 5; do sleep 0.1 & done)
  exec sleep 1000' &
sleep 2
busybox ps -o pid,ppid,stat,comm

## heard
box=$(cat /proc/$!/task/$!/children)
kill -TERM $box
wait $!; echo $?
