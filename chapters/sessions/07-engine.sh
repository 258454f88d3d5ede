# The engine after lab 7: the default filter, profiles, capabilities.
#: stage 7
#- mini-docker image bootstrap busybox
## status
mini-docker run -d --name web busybox sleep 1000
mini-docker exec web grep Seccomp /proc/self/status
## length
cd /var/lib/mini-docker/containers/$(mini-docker inspect --format '{{.Id}}' web)
echo $(( $(wc -c < seccomp.bpf) / 8 )) instructions
cd
## default
mini-docker exec web unshare -U id
mini-docker run --rm --security-opt seccomp=unconfined busybox unshare -U id
mini-docker run --rm --cap-add SYS_ADMIN busybox unshare -U id
## errno
cat > ask <<'EOF'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
for number in sys.argv[1:]:
    libc.syscall(int(number), 0, 0)
    print(number, os.strerror(ctypes.get_errno()))
EOF
mini-docker run --rm --rootfs / --read-only python3 -c "$(cat ask)" 272 435 2000
## profile
cat > no-mkdir.json <<EOF
{"defaultAction": "SCMP_ACT_ALLOW",
 "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 30}]}
EOF
mini-docker run --rm --security-opt seccomp=no-mkdir.json busybox mkdir /shop
## typo
sed 's/"mkdir"/"mkdri"/' no-mkdir.json > typo.json
mini-docker run --rm --security-opt seccomp=typo.json busybox mkdir /shop
sed 's/ERRNO/EROFS/' no-mkdir.json > typo.json
mini-docker run --rm --security-opt seccomp=typo.json busybox mkdir /shop
## end
mini-docker rm -f web
