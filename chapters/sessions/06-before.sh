# The engine while lab 6 is locked: root in a container is root of the machine.
#: stage 5
#: varies 000001fff[ef]ffffff
#- mini-docker image bootstrap busybox
## before
mini-docker run --rm busybox grep CapEff /proc/self/status
mini-docker run --rm busybox sh -c 'mount -o remount,rw,bind /proc/sys
  : >> /proc/sys/kernel/core_pattern && echo one write away from a command on the host'
