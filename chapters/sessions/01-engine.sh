# Chapter 1, put it to work: exit codes and signals through the engine at stage 1.
#: stage 1
## codes
mini-docker run --rm --rootfs / sh -c 'exit 3'; echo $?
mini-docker run --rm --rootfs / no-such-program; echo $?
mini-docker run --rm --rootfs / /etc/passwd; echo $?
mini-docker run --rm --rootfs / sh -c 'kill -KILL $$'; echo $?
mini-docker run --colour blue --rm --rootfs / sh; echo $?

## signals
mini-docker run --rm --rootfs / sh -c 'trap "echo saving; exit 7" TERM; while :; do sleep 0.1; done' &
sleep 2; kill -TERM $!; wait $!; echo $?

## locked
mini-docker run --rm --rootfs / hostname
mini-docker run --rm --rootfs / --hostname box hostname
