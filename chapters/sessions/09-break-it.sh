# One byte in the store is changed; who notices, and how to mend it.
#: stage 9
#- alias jq='jq -M'
#- mini-docker image bootstrap busybox
## verify
mini-docker save -o good.tar busybox
cd /var/lib/mini-docker/oci
m=$(jq -r '.manifests[0].digest' index.json)
blob=$(jq -r '.layers[0].digest' blobs/sha256/${m#sha256:})
printf X | dd of=blobs/sha256/${blob#sha256:} bs=1 seek=5000 conv=notrunc status=none
cd
mini-docker image verify
mini-docker run --rm busybox echo as if nothing had happened
mini-docker save -o bad.tar busybox
## mend
mini-docker load -i good.tar
mini-docker image verify
mini-docker rmi busybox
mini-docker load -i good.tar
mini-docker image verify
