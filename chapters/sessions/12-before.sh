# The engine before lab 12: the host's terminal in the container, a raw file for -d, no keys.
#: stage 11
#: varies /dev/pts/\d+
#- mini-docker image bootstrap busybox
## terminal
mini-docker run --rm busybox sh -c 'readlink /proc/self/fd/1; ls /dev/pts'
## refused
mini-docker run --rm -t busybox
