# The engine after lab 5: users by name and number, and containers with a user namespace.
#: stage 5
#- mini-docker image bootstrap busybox
#- mkdir etc; cp -a /etc/. etc; mount --bind etc /etc; : > /etc/subuid; : > /etc/subgid
## user
mini-docker run --rm busybox id
mini-docker run --rm --user nobody busybox id
mini-docker run --rm --user 1234:daemon --group-add 50 busybox sh -c 'id; echo $HOME'
mini-docker run --rm --user web busybox id
## exec
mini-docker run -d --name web --user www-data busybox sleep 1000
mini-docker exec web id -un
mini-docker exec --user root web id -un
## outside
mini-docker run -d --name root busybox sleep 1000
pid() { mini-docker inspect --format '{{.State.Pid}}' $1; }
ps -o uid,args -p $(pid web),$(pid root)
## auto
echo containers:300000:100000 | tee -a /etc/subuid /etc/subgid
mini-docker run -d --name one --userns auto busybox sleep 1000
mini-docker run -d --name two --userns auto busybox sleep 1000
ps -o uid,args -p $(pid one),$(pid two)
cat /proc/$(pid one)/uid_map /proc/$(pid two)/uid_map
mini-docker exec two sh -c 'id; stat -c "%u %n" /bin'
## rights
mini-docker exec root sh -c 'mknod /disk b 254 0 && echo made'
mini-docker exec two sh -c 'mknod /disk b 254 0 && echo made'
## disk
mini-docker exec two touch /new
find /var/lib/mini-docker/containers -path '*/upper/new' -printf '%U %f\n'
## refused
mini-docker run --rm --userns auto --pid host busybox true
## end
mini-docker rm -f web root one two
