# A container fills the disk with its log; then max-size and max-file.
#: stage 12
#: varies \b\d+(\.\d+)?[KM]\b
#: varies \b\d+%
#: varies ^\d{5,}$
## disk
mkdir disk; mount -t tmpfs -o size=24M tmpfs disk
alias small="mini-docker --root $PWD/disk"
small image bootstrap busybox > /dev/null
df -h disk
## fill
small run -d --name chatty busybox sh -c 'yes it still works | head -n 1000000; sleep 1000'
until df disk | grep -q 100%; do sleep 0.2; done; sleep 1
df -h disk
small run --rm busybox echo hello
small ps --format '{{.Names}}: {{.Status}}'
## empty
: > $(small inspect -f '{{.LogPath}}' chatty)
small rm -f chatty
## mend
small run -d --name chatty --log-opt max-size=1m --log-opt max-file=3 busybox sh -c \
  'yes it still works | head -n 1000000; echo the last line; sleep 1000'
until small logs --tail 1 chatty | grep -q last; do sleep 0.2; done
df -h disk
ls -sh disk/containers/*/*json.log* | sed 's/[0-9a-f]\{64\}/…/g'
small logs chatty | wc -l
small logs --tail 1 chatty
## end
small rm -f chatty; umount disk
