# What process 1 of a pid namespace is good for.
## no-fork
unshare --pid sh -c 'busybox true; echo one; busybox true; echo two'
## kill-one
unshare --pid --fork sh -c 'kill -KILL 1; echo process $$ is still here'
