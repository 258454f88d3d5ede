# What the README shows: about twenty lines.
mini-docker image bootstrap busybox
mini-docker run --rm -t --hostname box busybox sh -c 'hostname; ps; ls /'
mini-docker run --rm --memory 32m --memory-swap 32m busybox sh -c 'head -c 200m /dev/zero | tail'
echo $?
mini-docker run -d --name sleeper busybox sleep 1000
mini-docker exec sleeper ps
mini-docker rm -f sleeper
