# A registry that lies about a digest: curl and tar believe it, pull does not; and a tag that moves.
#: stage 10
#: varies \b\d{5,7}\b
#: varies \d+(\.\d+)?[kM]B
#- alias jq="jq -M" curl="curl --no-styled-output"
#- mini-docker image bootstrap busybox
## serve
mini-docker registry serve --root reg > log 2>&1 &
#- until curl -so /dev/null 127.0.0.1:5000/v2/; do sleep 0.1; done
mini-docker tag busybox 127.0.0.1:5000/box:1
mini-docker push -q 127.0.0.1:5000/box:1
## forge
R=http://127.0.0.1:5000/v2/box
layer=$(curl -s $R/manifests/1 | jq -r '.layers[0].digest')
mkdir forged; curl -s $R/blobs/$layer | tar -xzC forged
rm forged/bin/ls
printf '#!/bin/sh\necho "these are your files, and now they are mine as well"\n' > forged/bin/ls
chmod 755 forged/bin/ls
tar -C forged -c . | gzip -9 > layer
## swap
file=reg/blobs/sha256/${layer#sha256:}
truncate -s $(stat -c %s $file) layer
cp $file good; cp layer $file
## careless
mkdir victim; curl -s $R/blobs/$layer | tar -xzC victim 2> /dev/null
chroot victim /bin/ls
## refused
mini-docker --root victim-engine pull 127.0.0.1:5000/box:1
mini-docker --root victim-engine images
find victim-engine/layers victim-engine/oci/ingest -mindepth 1 | wc -l
## check
curl -s $R/blobs/$layer | sha256sum; echo $layer
## mend
cp good $file
mini-docker --root victim-engine run --rm 127.0.0.1:5000/box:1 echo as it was
## tag
digest=$(mini-docker --root victim-engine images --digests --format '{{.Digest}}' 127.0.0.1:5000/box)
tar -C forged -c . | mini-docker import - 127.0.0.1:5000/box:1 > /dev/null
mini-docker push -q 127.0.0.1:5000/box:1
mini-docker --root third run --rm 127.0.0.1:5000/box:1 ls
## pinned
mini-docker --root third run --rm 127.0.0.1:5000/box@$digest ls
## end
kill %1; wait %1
