# One byte in the store is changed; who notices, and how to mend it.
#: stage 9
#- alias jq='jq -M'
#- mini-docker image bootstrap busybox
## verify
cd; mini-docker run --name box busybox dd if=/dev/urandom of=/data bs=1k count=99 status=none
mini-docker commit box victim
mini-docker rm box; mini-docker save -o good.tar victim
cd /var/lib/mini-docker/oci
name='"org.opencontainers.image.ref.name":"docker.io/library/victim:latest"'
doc=$(jq -r ".manifests[] | select(.annotations | contains({$name})).digest" index.json)
top=$(jq -r '.layers[-1].digest' blobs/sha256/${doc#sha256:})
printf X | dd of=blobs/sha256/${top#sha256:} bs=1 seek=5000 conv=notrunc status=none
cd
mini-docker image verify victim
mini-docker run --rm victim echo as if nothing had happened
mini-docker save -o bad.tar victim
## mend
mini-docker load -i good.tar
mini-docker image verify victim
mini-docker rmi victim | head -1; rm good.tar
