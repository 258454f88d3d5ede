# An ordinary user runs a container: nobody is root.
#: stage 5
#: user ordinary
## run
id -u
mini-docker image bootstrap busybox
mini-docker run --rm busybox sh -c 'id -u; cat /proc/self/uid_map'
mini-docker run -d --name web busybox sleep 1000
ps -o uid,args -p $(mini-docker inspect --format '{{.State.Pid}}' web)
mini-docker run --rm --user www-data busybox id
mini-docker info | grep -i rootless
## end
mini-docker rm -f web
