# A store with the digest as name; in it an image made of text and one tar; the engine runs it.
#: stage 9
#: varies "size": \d+
#: varies ^BusyBox v.*
#: varies \d+(\.\d+)?[kM]B
#- alias jq='jq -M'
## store
mkdir greet; cd greet
mkdir -p shop/blobs/sha256
put() {
  h=$(sha256sum < "$1" | cut -d ' ' -f 1)
  cp "$1" shop/blobs/sha256/$h
  echo sha256:$h
}
echo 'to have and to hold' > note
put note
put note
echo 'to have and to hald' > note
put note
ls shop/blobs/sha256
## tar
rm note shop/blobs/sha256/*
mkdir -p root/bin
cp "$(command -v busybox)" root/bin/busybox
tar --sort=name --owner=0 --group=0 --mtime=@0 -C root -cf layer.tar .
tar tf layer.tar
## compress
gzip -n1 < layer.tar > fast.gz
gzip -n9 < layer.tar > small.gz
sha256sum < fast.gz
sha256sum < small.gz
zcat fast.gz | sha256sum
zcat small.gz | sha256sum
## config
diff=sha256:$(sha256sum < layer.tar | cut -d ' ' -f 1)
cat > config.json <<EOT
{"architecture": "$(dpkg --print-architecture)", "os": "linux",
 "config": {"Entrypoint": ["/bin/busybox", "echo"], "Cmd": ["hello"]},
 "rootfs": {"type": "layers", "diff_ids": ["$diff"]}}
EOT
config=$(put config.json)
## manifest
layer=$(put small.gz)
oci=application/vnd.oci.image
cat > manifest.json <<EOT
{"schemaVersion": 2, "mediaType": "$oci.manifest.v1+json",
 "config": {"mediaType": "$oci.config.v1+json",
            "digest": "$config", "size": $(stat -c %s config.json)},
 "layers": [{"mediaType": "$oci.layer.v1.tar+gzip",
             "digest": "$layer", "size": $(stat -c %s small.gz)}]}
EOT
manifest=$(put manifest.json)
## index
cat > shop/index.json <<EOT
{"schemaVersion": 2,
 "manifests": [{"mediaType": "$oci.manifest.v1+json",
                "digest": "$manifest", "size": $(stat -c %s manifest.json),
                "annotations": {"org.opencontainers.image.ref.name": "greet:1"}}]}
EOT
echo '{"imageLayoutVersion": "1.0.0"}' > shop/oci-layout
find shop -type f | sort
## walk
cd shop
blob() { echo blobs/sha256/${1#sha256:}; }
jq -c '.manifests[] | .annotations, .digest' index.json
jq -r '.config.digest, .layers[].digest' $(blob $manifest)
jq -c '.config, .rootfs' $(blob $config)
zcat $(blob $layer) | sha256sum
cd ..
## load
mini-docker load -i shop
mini-docker run --rm greet:1
mini-docker images greet
## table
mini-docker run --rm greet:1 you
mini-docker run --rm --entrypoint /bin/busybox greet:1 ls /
mini-docker run --rm --entrypoint /bin/busybox greet:1 | head -1
mini-docker run --rm --entrypoint '' greet:1 /bin/busybox ls /bin
mini-docker run --rm --entrypoint '' greet:1
## engine-store
cd /var/lib/mini-docker/oci
ls
jq -c '.manifests[] | .annotations, .digest' index.json
(cd blobs/sha256 && sha256sum *)
cd ~/greet
## byte
cd ~/greet; mini-docker rmi greet:1
cp -r shop damaged
printf X | dd of=damaged/$(blob $layer) bs=1 seek=5000 conv=notrunc status=none
mini-docker load -i damaged
## layer
echo 'who reads this?' > root/bin/backdoor
tar --sort=name --owner=0 --group=0 --mtime=@0 -C root -c . | gzip -n9 > evil.gz
evil=$(put evil.gz)
old=$(stat -c %s small.gz) new=$(stat -c %s evil.gz)
sed -i "s/$layer/$evil/; s/\"size\": $old/\"size\": $new/" manifest.json
second=$(put manifest.json)
sed -i "s/$manifest/$second/" shop/index.json
mini-docker load -i shop
## config-too
sed -i "s/$diff/sha256:$(zcat evil.gz | sha256sum | cut -d ' ' -f 1)/" config.json
sed -i "s/$config/$(put config.json)/" manifest.json
third=$(put manifest.json)
sed -i "s/$second/$third/" shop/index.json
mini-docker load -i shop
mini-docker run --rm --entrypoint /bin/busybox greet:1 ls /bin
## pin
mini-docker run --rm greet@$manifest
mini-docker run --rm greet@$third
