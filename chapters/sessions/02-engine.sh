# The engine with lab 2 done: run, names, exec, top, beside nsenter and lsns.
#: stage 2
## run
mini-docker run --rm --rootfs / --hostname box sh -c 'hostname; echo process $$'
hostname
## names
mini-docker run -d --name web --hostname web --rootfs / sleep 1000
mini-docker ps
mini-docker inspect --format '{{.Id}}' web
mini-docker exec $(mini-docker ps --quiet) hostname
## exec
mini-docker exec web sh -c 'echo process $$ of $(hostname), child of $PPID'
mini-docker top web
## tools
pid=$(mini-docker inspect --format '{{.State.Pid}}' web)
nsenter --target $pid --uts hostname
lsns --noheadings --output TYPE,NS --task $pid | sort
## end
mini-docker kill web
mini-docker exec web hostname
mini-docker rm web
