# SIGKILL for everybody, and a /proc that tells about others.
#: stage 2
#: varies ^\d+$
## kill
sleep 1000 &
mini-docker run --rm --rootfs / sh -c '
    sleep 1000 &
    test $$ = 1 && kill -KILL -1
    wait $!
    echo the sleep in here ended with $?, and process $$ goes on'
kill -0 $! && echo out here nobody noticed
## proc
mini-docker run --rm --rootfs / sh -c 'echo I am process $$; readlink /proc/self'
mini-docker run --rm --rootfs / sh -c "cat /proc/$!/comm; kill $!"
## mend
unshare --pid --fork --mount-proc busybox ps
kill $!
