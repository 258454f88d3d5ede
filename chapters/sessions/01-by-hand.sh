# Chapter 1, by hand: exec, fork, exit codes, signals, zombies and orphans, with a shell alone.
#: stage 1
#: varies [SRD] +(bash|python|sh)$
## exec
sh -c 'echo "a shell, pid $$"; exec sh -c "echo \"another program, pid \$\$\""'

## fork
sleep 1000 &
sleep 0.2; busybox ps -o pid,ppid,stat,comm

## wait
sh -c 'exit 3'; echo $?
no-such-program; echo $?
/etc/passwd; echo $?
sh -c 'kill -KILL $$'; echo $?
kill -l 137

## kill
kill -TERM $!; wait $!; echo $?
sh -c 'trap "echo saving; exit 7" TERM; while :; do sleep 0.1; done' &
sleep 0.5; kill -TERM $!; wait $!; echo $?

## zombie
sh -c 'sleep 0.1 & exec sleep 1000' &
sleep 1
busybox ps -o pid,ppid,stat,comm

## undead
zombie=$(cat /proc/$!/task/$!/children)
kill -KILL $zombie
busybox ps -o pid,ppid,stat,comm | grep -E "STAT|Z"
kill -KILL $!; wait $!; echo $?
busybox ps -o pid,ppid,stat,comm | grep -c Z

## orphan
sh -c 'sleep 60 & echo "child pid $!, parent pid $$"'
sleep 0.2; busybox ps -o pid,ppid,stat,comm
