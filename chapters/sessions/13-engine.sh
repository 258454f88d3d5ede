# Chapter 13, put it to work: the whole life of a container, on the engine at stage 13.
#: stage 13
#: varies ^[23] s$
#- mini-docker image bootstrap busybox
## states
mini-docker create --name web busybox sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done'
mini-docker inspect -f '{{.State.Status}}' web
mini-docker start web
mini-docker pause web
mini-docker start web
mini-docker unpause web
mini-docker stop web
mini-docker ps -a --format '{{.Names}}: {{.State}}'

## refused
mini-docker pause web
mini-docker start web; mini-docker rm web
mini-docker stop web; mini-docker rm web

## files
mini-docker create --name peek busybox true
cd /var/lib/mini-docker/containers/$(mini-docker inspect -f '{{.Id}}' peek); ls
cat state.json
cd; mini-docker rm peek

## deaf
mini-docker run -d --name deaf busybox sleep 1000
sleep 0.5; SECONDS=0; mini-docker stop -t 2 deaf; echo $SECONDS s
mini-docker inspect -f '{{.State.ExitCode}}' deaf
mini-docker run -d --name hears --init busybox sleep 1000
sleep 0.5; mini-docker stop hears; mini-docker inspect -f '{{.State.ExitCode}}' hears
mini-docker rm deaf hears

## signal
mini-docker run -d --name server --stop-signal QUIT busybox sh -c 'trap "echo last request done; exit 0" QUIT; while :; do sleep 0.1; done'
sleep 0.5; mini-docker stop server
mini-docker logs server
mini-docker rm server

## policy
mini-docker run -d --name crash --restart on-failure:3 busybox sh -c 'echo trying; exit 3'
#- until [ "$(mini-docker inspect -f '{{.State.Status}}{{.RestartCount}}' crash)" = exited3 ]; do sleep 0.2; done
sleep 3; mini-docker logs crash
mini-docker inspect -f '{{.State.Status}}, exit code {{.State.ExitCode}}, {{.RestartCount}} restarts' crash

## events
mini-docker events --since 1m --until 0s -f container=crash --format '{{.Action}} {{.Actor.Attributes.exitCode}}'
mini-docker rm crash

## stopped
mini-docker run -d --name loop --restart always busybox sh -c 'sleep 0.2; exit 1'
#- until [ "$(mini-docker inspect -f '{{gt .RestartCount 2}}' loop)" = true ]; do sleep 0.2; done
sleep 3; mini-docker inspect -f '{{if gt .RestartCount 2}}restarted more than twice{{end}}' loop
mini-docker stop loop; sleep 1; mini-docker ps -a --format '{{.Names}}: {{.State}}'
mini-docker rm loop

## batch
for n in 1 2 3; do mini-docker run --name job$n busybox sh -c "exit $n"; done
mini-docker ps -a -f exited=2 --format '{{.Names}}'
mini-docker rm $(mini-docker ps -aq -f status=exited) | wc -l
mini-docker create --name spare busybox true
mini-docker rename spare left; mini-docker wait left
mini-docker container prune -f

## unattended
mini-docker run -d --rm --name job busybox sleep 1
#- while mini-docker inspect -f '{{.Id}}' job > /dev/null 2>&1; do sleep 0.2; done
sleep 2; mini-docker ps -a --format '{{.Names}}: {{.State}}'
mini-docker run -d --name loop --restart always busybox sleep 1
mini-docker update --restart no loop
#- until [ "$(mini-docker inspect -f '{{.State.Status}}' loop)" = exited ]; do sleep 0.2; done
sleep 2; mini-docker ps -a --format '{{.Names}}: {{.State}}'
mini-docker system prune -f

## memory
mini-docker run -d --name tight --memory 16m --memory-swap 16m busybox sleep 1000
mini-docker exec tight tail /dev/zero
echo $?
#- until [ "$(mini-docker inspect -f '{{.State.OOMKilled}}' tight)" = true ]; do sleep 0.2; done
mini-docker inspect -f '{{.State.Status}}, OOMKilled {{.State.OOMKilled}}' tight
mini-docker events --since 1m --until 0s -f container=tight -f event=oom --format '{{.Action}}'
mini-docker rm -f tight

## health
mini-docker run -d --name shop --health-cmd 'test -f /ready' --health-interval 0.5s --health-retries 2 busybox sleep 1000
#- until [ "$(mini-docker inspect -f '{{.State.Health.Status}}' shop)" = unhealthy ]; do sleep 0.2; done
sleep 2.5; mini-docker inspect -f '{{.State.Health.Status}}' shop
mini-docker exec shop touch /ready
#- until [ "$(mini-docker inspect -f '{{.State.Health.Status}}' shop)" = healthy ]; do sleep 0.2; done
sleep 1.5; mini-docker inspect -f '{{.State.Health.Status}}' shop
mini-docker events --since 1m --until 0s -f container=shop -f event=health_status --format '{{.Action}}'
mini-docker rm -f shop
