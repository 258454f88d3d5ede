# A container's life on the course's engine, in Docker's words.
## image
mini-docker image bootstrap busybox
mini-docker images
## run
mini-docker run --rm --hostname box busybox hostname
mini-docker run --rm busybox ps
mini-docker run --rm busybox sh -c 'exit 42'
echo $?
## detached
mini-docker run -d --name sleeper busybox sleep 1000
mini-docker ps
## exec
mini-docker exec sleeper ps
## inspect
mini-docker inspect --format '{{.State.Status}}, {{.Config.Image}}, {{join .Config.Cmd " "}}' sleeper
## remove
mini-docker kill sleeper
mini-docker rm sleeper
mini-docker ps -a
