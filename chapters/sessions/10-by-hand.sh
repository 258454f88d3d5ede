# The distribution protocol by curl, against Debian's docker-registry: pull, range, push, mount.
#: stage 10
#: needs distribution
#: varies \b\d{5,7}\b
#: varies _state=\S+
#: varies [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}
#- alias jq="jq -M" curl="curl --no-styled-output"
## serve
cat > open.yml <<EOT
version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: /root/store}}
http: {addr: "127.0.0.1:5000"}
EOT
docker-registry serve open.yml 2> log &
#- until curl -so /dev/null 127.0.0.1:5000/v2/; do sleep 0.1; done
## fill
mini-docker image bootstrap busybox
mini-docker tag busybox 127.0.0.1:5000/team/busybox
mini-docker push -q 127.0.0.1:5000/team/busybox
## ping
R=http://127.0.0.1:5000/v2
curl -i $R/
## tags
curl $R/_catalog
curl $R/team/busybox/tags/list
## manifest
oci=application/vnd.oci.image.manifest.v1+json
curl -s -H "Accept: $oci" $R/team/busybox/manifests/latest | tee manifest | jq
curl -sI -H "Accept: $oci" $R/team/busybox/manifests/latest | grep -iE 'type|digest'
sha256sum manifest
## blob
layer=$(jq -r '.layers[0].digest' manifest)
curl -s $R/team/busybox/blobs/$layer > layer
sha256sum layer
tar -tzf layer | head -n 3
## range
curl -s -r 0-99999 -o part $R/team/busybox/blobs/$layer; sha256sum part
curl -s -C - -o part $R/team/busybox/blobs/$layer; sha256sum part
## head
echo 'a blob like any other' > note
digest=sha256:$(sha256sum < note | cut -d ' ' -f 1)
curl -sI $R/notes/blobs/$digest | head -n 1
## post
alias curl='curl -H Expect:'
curl -si -X POST $R/notes/blobs/uploads/ | tee answer | grep -iE 'http|location' | cut -c 1-99
where=$(sed -n 's/^Location: //p' answer | tr -d '\r')
## put
curl -si -T note "$where&digest=$digest" | grep -iE 'http|digest'
## lie
where=$(curl -si -X POST $R/notes/blobs/uploads/ | sed -n 's/^Location: //p' | tr -d '\r')
echo 'something else' | curl -s -T - "$where&digest=$digest" | jq -r '.errors[] | .code, .message'
## mount
curl -si -X POST "$R/drafts/blobs/uploads/?mount=$digest&from=notes" | grep -iE 'http|location'
curl $R/drafts/blobs/$digest
## order
config=sha256:$(echo -n '{}' | sha256sum | cut -d ' ' -f 1)
cat > note.json <<EOT
{"schemaVersion": 2, "mediaType": "$oci",
 "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": "$config", "size": 2},
 "layers": [{"mediaType": "text/plain", "digest": "$digest", "size": $(stat -c %s note)}]}
EOT
curl -s -T note.json -H "Content-Type: $oci" $R/notes/manifests/1 | jq -c '.errors[].code'
where=$(curl -si -X POST $R/notes/blobs/uploads/ | sed -n 's/^Location: //p' | tr -d '\r')
echo -n '{}' | curl -s -T - "$where&digest=$config"
curl -si -T note.json -H "Content-Type: $oci" $R/notes/manifests/1 | head -n 1
curl $R/notes/tags/list
## end
kill %1; wait %1
