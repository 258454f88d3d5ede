# The engine after lab 10, with a small registry of its own: push, pull, mount, search, run --pull.
#: stage 10
#: varies \b\d{5,7}\b
#: varies \d+(\.\d+)?[kM]B
#- mini-docker image bootstrap busybox
## serve
mini-docker registry serve --root reg > log 2>&1 &
#- until curl -so /dev/null 127.0.0.1:5000/v2/; do sleep 0.1; done
#- : > log
## push
mini-docker tag busybox 127.0.0.1:5000/web:1
mini-docker push 127.0.0.1:5000/web:1
sed -E 's|^[^"]*||; s|[0-9a-f]{20,}|…|g' log
## again
mini-docker push 127.0.0.1:5000/web:1
## mount
mini-docker tag 127.0.0.1:5000/web:1 127.0.0.1:5000/team/web:1
mini-docker push 127.0.0.1:5000/team/web:1
ls reg/blobs/sha256 | wc -l
## pull
alias other='mini-docker --root other'
other pull 127.0.0.1:5000/web:1
other pull 127.0.0.1:5000/web:1
## run
other run --rm 127.0.0.1:5000/team/web:1 echo hello
## never
other run --rm --pull never 127.0.0.1:5000/team/web:2 true; echo $?
other run --rm 127.0.0.1:5000/team/web:2 true; echo $?
## digest
digest=$(other images --digests --format '{{.Digest}}' 127.0.0.1:5000/web)
other pull -q 127.0.0.1:5000/web@$digest
## tags
for tag in 1.9 1.9.1 latest; do mini-docker tag 127.0.0.1:5000/web:1 127.0.0.1:5000/web:$tag; done
mini-docker push -q --all-tags 127.0.0.1:5000/web
curl http://127.0.0.1:5000/v2/web/tags/list
## search
mini-docker search 127.0.0.1:5000/web
mini-docker search --filter is-official=true --filter stars=10 127.0.0.1:5000/web
mini-docker search --filter stars=many 127.0.0.1:5000/web
## end
kill %1; wait %1
