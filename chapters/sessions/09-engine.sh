# The engine after lab 9: FROM scratch, names, removal, save and load.
#: stage 9
#: varies \d+(\.\d+)?[kM]?B\b
#: varies (<created>|Less than a|About an?|\d+) (second|minute|hour|day|week|month|year)s? ago
#- alias jq='jq -M'
## scratch
mini-docker image bootstrap hello-world
mini-docker run --rm hello-world | head -5
mini-docker run --name tiny hello-world > /dev/null
mini-docker export tiny | tar t
mini-docker rm tiny
## bootfs
mini-docker image bootstrap busybox
uname -r
mini-docker run --rm busybox uname -r
mini-docker run --rm busybox ls /boot
## tags
mini-docker tag busybox me/tool:1.9.1
mini-docker tag me/tool:1.9.1 me/tool:1.9
mini-docker tag me/tool:1.9.1 me/tool:1
mini-docker tag me/tool:1.9.1 me/tool
mini-docker images me/tool
## move
mini-docker run --name box busybox sh -c 'echo 1.9.2 > /version'
mini-docker commit -m 'version 1.9.2' box me/tool:1.9.2
for tag in 1.9 1 latest; do mini-docker tag me/tool:1.9.2 me/tool:$tag; done
mini-docker images me/tool
mini-docker history me/tool
## chain
cd /var/lib/mini-docker
ls layers
id=$(mini-docker image inspect --format '{{.Id}}' me/tool)
jq -r '.rootfs.diff_ids[]' oci/blobs/sha256/${id#sha256:}
printf '%s %s' $(jq -r '.rootfs.diff_ids[]' oci/blobs/sha256/${id#sha256:}) | sha256sum
cd
## rmi
mini-docker rmi me/tool:1.9 me/tool:1 me/tool
mini-docker rmi me/tool:1.9.2
mini-docker rm box
mini-docker rmi busybox
mini-docker run --rm me/tool:1.9.1 echo still here
mini-docker tag me/tool:1.9.1 busybox
mini-docker rmi me/tool:1.9.1
## inuse
mini-docker run -d --name web busybox sh -c 'echo good morning > /greeting; sleep 1000'
mini-docker rmi busybox
## dangling
mini-docker commit web draft
mini-docker commit -c 'CMD ["cat", "/greeting"]' web draft
mini-docker images --filter dangling=true
mini-docker image prune -f
mini-docker rm -f web
## save
mini-docker save -o both.tar busybox draft
tar tf both.tar | cut -c 1-25
mini-docker rmi draft
mini-docker load -i both.tar
mini-docker history draft
mini-docker run --rm draft
## export
mini-docker run --name box draft true
mini-docker export -o box.tar box
tar tf box.tar | grep -v /.
mini-docker import box.tar flat
mini-docker history flat
mini-docker run --rm flat
mini-docker rm box
## names
mini-docker tag busybox localhost:5000
mini-docker tag busybox localhost:5000/team/busybox
mini-docker images --format '{{.Repository}} | {{.Tag}}' | sort
jq -r '.manifests[].annotations[]' /var/lib/mini-docker/oci/index.json | sort
mini-docker tag busybox Busybox:2
mini-docker rmi localhost:5000 localhost:5000/team/busybox draft flat | grep Untagged
