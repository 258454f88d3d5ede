# The engine after lab 8: diff, commit, a stack of several layers, export, import.
#: stage 8
#: varies \d+ kB
#- mini-docker image bootstrap busybox
## diff
mini-docker run --name box busybox sh -c '
  echo "hello from a layer" > /etc/motd; rm /etc/group; rm -r /var; mkdir /var; touch /var/new'
mini-docker diff box
## upper
cd /var/lib/mini-docker/containers/$(mini-docker inspect --format '{{.Id}}' box)
ls -lR upper | grep -v total
cd
## commit
mini-docker commit -a 'A. Reader' -m 'a greeting' -c 'CMD ["cat", "/etc/motd"]' box hello
mini-docker run --rm hello
mini-docker run --rm hello ls /etc /var
## mounts
mini-docker run --name top hello sh -c 'echo louder >> /etc/motd'
mini-docker diff top
cd /var/lib/mini-docker/containers/$(mini-docker inspect --format '{{.Id}}' top)
grep -o 'lowerdir=[^"]*' config.json | tr : '\n'
cd
## five
for n in 1 2 3 4 5; do mini-docker run -d --name box$n hello sleep 1000; done > /dev/null
du -sm /var/lib/mini-docker/layers /var/lib/mini-docker/containers
grep -E '^(Rss|Pss):' /proc/$(mini-docker inspect --format '{{.State.Pid}}' box5)/smaps_rollup
mini-docker rm -f box1 box2 box3 box4 box5 > /dev/null
## export
mini-docker export top > tree.tar; tar -tf tree.tar | wc -l
tar -xOf tree.tar etc/motd; tar -tf tree.tar | grep -c '\.wh\.'
## import
mini-docker import -c 'CMD ["cat", "/etc/motd"]' tree.tar flat
mini-docker run --rm flat
## end
mini-docker rm box top
