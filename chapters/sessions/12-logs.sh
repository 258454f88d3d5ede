# Logs: the file, -f, -t, --tail, --since, --until, the last line, drivers.
#: stage 12
#- mini-docker image bootstrap busybox
## start
mini-docker run -d --name count busybox sh -c 'for i in 1 2 3; do echo line $i; sleep 1; done
  echo oops >&2; sleep 1; printf "the last"'
mini-docker logs -f count; echo
## file
cat $(mini-docker inspect -f '{{.LogPath}}' count)
## streams
mini-docker logs count 2> /dev/null; echo
mini-docker logs count > /dev/null
## times
mini-docker logs -t count; echo
## since
since=$(mini-docker logs -t --tail 4 count 2> /dev/null | sed -n '1s/ .*//p'); echo $since
mini-docker logs --since $since --tail 2 count; echo
mini-docker logs --until $since count
mini-docker logs --since 10m -n 1 count; echo
## long
mini-docker run --name dots busybox sh -c 'head -c 40000 /dev/zero | tr "\0" .' > /dev/null
jq -cM '[.stream, (.log | length)]' $(mini-docker inspect -f '{{.LogPath}}' dots)
mini-docker logs dots | wc -lc
## drivers
mini-docker info --format '{{.LoggingDriver}}'
mini-docker run --name silent --log-driver none busybox echo hello
mini-docker logs silent
## end
mini-docker rm count dots silent
