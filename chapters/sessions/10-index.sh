# An index of two platforms, made by hand; which manifest a pull takes.
#: stage 10
#: varies \b\d{5,7}\b
#: varies \d+(\.\d+)?[kM]B
#: varies "size": \d+
#- alias jq="jq -M" curl="curl --no-styled-output"
#- mini-docker image bootstrap busybox
## serve
mini-docker registry serve --root reg-index > log 2>&1 &
#- until curl -so /dev/null 127.0.0.1:5000/v2/; do sleep 0.1; done
mini-docker tag busybox 127.0.0.1:5000/box:amd64
mini-docker push -q 127.0.0.1:5000/box:amd64
## config
R=http://127.0.0.1:5000/v2/box; oci=application/vnd.oci.image
name() { echo sha256:$(sha256sum < $1 | cut -d ' ' -f 1); }
curl -s -H "Accept: $oci.manifest.v1+json" $R/manifests/amd64 > m1
curl -s $R/blobs/$(jq -r .config.digest m1) | jq -c '.architecture = "arm64"' > config
## manifest
curl -s -T config "$(curl -si -X POST $R/blobs/uploads/ |
  sed -n 's|^Location: |http://127.0.0.1:5000|p' | tr -d '\r')?digest=$(name config)"
jq -c ".config.digest = \"$(name config)\" | .config.size = $(stat -c %s config)" m1 > m2
curl -s -T m2 -H "Content-Type: $oci.manifest.v1+json" $R/manifests/arm64
## index
row() {
  echo "{\"mediaType\": \"$oci.manifest.v1+json\", \"digest\": \"$(name $1)\"," \
    "\"size\": $(stat -c %s $1), \"platform\": {\"os\": \"linux\", \"architecture\": \"$2\"}}"
}
echo "{\"schemaVersion\": 2, \"mediaType\": \"$oci.index.v1+json\"," \
  "\"manifests\": [$(row m1 amd64), $(row m2 arm64)]}" > index
jq < index
curl -s -T index -H "Content-Type: $oci.index.v1+json" $R/manifests/latest
## pull
mini-docker pull -q 127.0.0.1:5000/box
mini-docker image inspect -f '{{.Architecture}}' 127.0.0.1:5000/box
mini-docker pull -q --platform linux/arm64 127.0.0.1:5000/box
mini-docker image inspect -f '{{.Architecture}}' 127.0.0.1:5000/box
mini-docker pull -q --platform linux/s390x 127.0.0.1:5000/box
## end
kill %1; wait %1
