# The engine while lab 8 is locked: one layer, and nobody can say what a container changed.
#: stage 7
#- mini-docker image bootstrap busybox
## before
mini-docker run --name box busybox touch /new
mini-docker diff box
mini-docker commit box
mini-docker rm box
