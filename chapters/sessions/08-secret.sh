# A file that a later layer removes is still in the earlier one.
#: stage 8
#- mini-docker image bootstrap busybox
## secret
mini-docker run --name one busybox sh -c 'echo swordfish > /password'
mini-docker commit one keyed
mini-docker run --name two keyed rm /password
mini-docker commit two clean
mini-docker run --rm clean cat /password
## layers
cd /var/lib/mini-docker/layers
find -name password -printf '%y %p\n' | sort; grep -rh swordfish
cd; mini-docker rm one two
