# Ctrl-C and signals: --sig-proxy, a deaf process 1, jobs in a container's shell.
#: stage 12
#- mini-docker image bootstrap busybox
#- keys() { sleep 1; for it; do sleep 1; printf "$it"; done; sleep 1; }
## signal
mini-docker run -d --name clock busybox sh -c \
  'trap "echo I tidy up; exit 3" INT; while :; do sleep 0.1; done'
timeout -s INT 1 mini-docker attach --sig-proxy=false clock
mini-docker ps --format '{{.Names}}: {{.Status}}'
timeout -s INT 1 mini-docker attach clock
## deaf
keys '\003' '\020\021' | script -E never -qec 'mini-docker run -it --name deaf busybox sleep 1000' /dev/null
mini-docker ps --format '{{.Names}}: {{.Status}}'
mini-docker rm -f deaf
## init
keys '\003' | script -E never -qec 'mini-docker run -it --init --rm busybox sleep 1000' /dev/null; echo $?
## jobs
keys 'sleep 1000\r' '\003' 'echo $?\r' 'cat\r' '\032' 'jobs\r' 'exit\r' 'exit\r' |
  script -E never -qec 'mini-docker run -it --rm busybox' /dev/null | sed 's/\x1b\[6n//g'
## end
mini-docker rm -f clock
