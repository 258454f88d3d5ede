# The engine after lab 12: -i, -t, both or none, a terminal of the container's own.
#: stage 12
#- mini-docker image bootstrap busybox
## input
echo hello | mini-docker run --rm busybox cat
echo hello | mini-docker run --rm -i busybox cat
printf 'b\na\n' | mini-docker run --rm -i busybox sort
## tool
printf 'one\ntwo\n' > text
mini-docker run --rm -i busybox gzip < text | gunzip | cmp - text; echo $?
## bytes
mini-docker run --rm busybox echo hello | od -c
mini-docker run --rm -t busybox echo hello | od -c
## streams
mini-docker run --rm busybox ls /nowhere 2> error; echo $?; cat error
mini-docker run --rm -t busybox ls /nowhere 2> error; echo $?; cat error
## tty
mini-docker run --rm -it busybox sh -c 'tty; ls /dev/pts; stty size; echo $TERM'
mini-docker run --rm -i busybox tty
## refused
echo hello | mini-docker run --rm -it busybox cat
