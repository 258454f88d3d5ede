# A registry of one's own, with a certificate and a password: Debian's docker-registry, our engine.
#: stage 10
#: needs distribution
#: varies \b\d{5,7}\b
#: varies \d+(\.\d+)?[kM]B
#- mkdir /root/up /root/work; mount -t overlay overlay -o lowerdir=/etc,upperdir=/root/up,workdir=/root/work /etc
#- rm -rf /etc/mini-docker /etc/docker
#- mini-docker image bootstrap busybox
## authority
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 \
  -subj '/CN=Our class' -keyout ca.key -out ca.crt 2> /dev/null
## host
ip addr add 10.0.0.1/32 dev lo
echo 10.0.0.1 reg.class >> /etc/hosts
## certificate
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=reg.class \
  -keyout reg.key -out reg.csr 2> /dev/null
echo 'subjectAltName = DNS:reg.class' > names
openssl x509 -req -in reg.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 90 \
  -extfile names -out reg.crt
## serve
htpasswd -Bbn anna secret > users
cat > private.yml <<EOT
version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: /root/store}}
http: {addr: "10.0.0.1:5000", tls: {certificate: reg.crt, key: reg.key}}
auth: {htpasswd: {realm: our class, path: users}}
EOT
docker-registry serve private.yml 2> log &
#- until curl -kso /dev/null https://reg.class:5000/v2/; do sleep 0.1; done
## trust
mini-docker tag busybox reg.class:5000/anna/busybox:1
mini-docker push reg.class:5000/anna/busybox:1
mkdir -p /etc/mini-docker/certs.d/reg.class:5000
cp ca.crt /etc/mini-docker/certs.d/reg.class:5000/
mini-docker push reg.class:5000/anna/busybox:1
## login
echo guess | mini-docker login -u anna --password-stdin reg.class:5000
echo secret | mini-docker login -u anna --password-stdin reg.class:5000
## file
ls -l ~/.mini-docker | cut -c 1-10
cat ~/.mini-docker/config.json
echo YW5uYTpzZWNyZXQ= | base64 -d
## push
mini-docker push reg.class:5000/anna/busybox:1
## pull
mini-docker rmi reg.class:5000/anna/busybox:1 busybox
mini-docker run --rm reg.class:5000/anna/busybox:1 echo from our own registry
## logout
mini-docker logout reg.class:5000
mini-docker pull reg.class:5000/anna/busybox:1
## insecure
rm -r /etc/mini-docker/certs.d
echo '{"insecure-registries": ["reg.class:5000"]}' > /etc/mini-docker/daemon.json
echo secret | mini-docker login -u anna --password-stdin reg.class:5000 2> /dev/null
## end
kill %1; wait %1
rm /etc/mini-docker/daemon.json; ip addr del 10.0.0.1/32 dev lo
