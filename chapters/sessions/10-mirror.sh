# A mirror that fetches what it lacks and keeps it: docker.io is another registry on this machine.
#: stage 10
#: needs distribution
#: varies \b\d{5,7}\b
#- mkdir /root/up /root/work; mount -t overlay overlay -o lowerdir=/etc,upperdir=/root/up,workdir=/root/work /etc
#- rm -rf /etc/mini-docker /etc/docker
## hub
mini-docker registry serve --addr 127.0.0.1:5001 --root hub > hub.log 2>&1 &
#- until curl -so /dev/null 127.0.0.1:5001/v2/; do sleep 0.1; done
mini-docker image bootstrap busybox > /dev/null
mini-docker tag busybox 127.0.0.1:5001/library/busybox
mini-docker push -q 127.0.0.1:5001/library/busybox
## serve
cat > mirror.yml <<EOT
version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: /root/mirror}}
http: {addr: "127.0.0.1:5000"}
proxy: {remoteurl: "http://127.0.0.1:5001"}
EOT
docker-registry serve mirror.yml 2> log &
#- until curl -so /dev/null 127.0.0.1:5000/v2/; do sleep 0.1; done
## settings
mkdir -p /etc/mini-docker
echo '{"registry-mirrors": ["http://127.0.0.1:5000"]}' > /etc/mini-docker/daemon.json
## pull
find mirror -name data 2>/dev/null | wc -l
mini-docker --root desk1 pull busybox
find mirror -name data 2>/dev/null | wc -l
## gone
kill %1; wait %1
mini-docker --root desk2 run --rm busybox echo from the mirror
## end
kill %2; wait %2
rm /etc/mini-docker/daemon.json
