# A service: -dit, attach, the keys that detach, exec beside it, nsenter.
#: stage 12
#- mini-docker image bootstrap busybox
#- keys() { sleep 1; for it; do sleep 1; printf "$it"; done; sleep 1; }
## start
mini-docker run -dit --name box busybox sh -c \
  'stty -echo; while read -r line; do echo "I heard: $line"; done; echo bye'
## attach
keys 'hello\r' '\020\021' | script -E never -qec 'mini-docker attach box' /dev/null; echo $?
mini-docker ps --format '{{.Names}}: {{.Status}}'
## again
keys 'me again\r' '\020\021' | script -E never -qec 'mini-docker attach box' /dev/null
mini-docker logs box
## two
mini-docker attach --no-stdin box > second &
keys 'both\r' '\020\021' | script -E never -qec 'mini-docker attach box' /dev/null
cat second
kill %1; wait %1
## exec
mini-docker exec -it box sh -c 'tty; ls /dev/pts; ps -o pid,comm'
mini-docker exec -d box sh -c 'echo nobody waited for me > /note'
#- until mini-docker exec box test -s /note; do sleep 0.1; done
mini-docker exec box cat /note
## nsenter
pid=$(mini-docker inspect -f '{{.State.Pid}}' box)
nsenter --target $pid --pid --mount --uts sh -c 'tty; ls /dev/pts'
## door
stat -c '%A %F' /run/mini-docker/*.sock
## eof
keys '\004' | script -E never -qec 'mini-docker attach box' /dev/null; echo $?
mini-docker ps -a --format '{{.Names}}: {{.Status}}'
## end
mini-docker rm box
