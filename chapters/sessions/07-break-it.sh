# A user namespace, the kernel's keys, and a reboot: without the filter, and with it.
#: stage 7
#- mini-docker image bootstrap busybox
#- mini-docker run --rm busybox true
## namespace
new='mount -t tmpfs none /tmp && grep -w /tmp /proc/mounts; grep CapEff /proc/self/status'
mini-docker run --rm --security-opt seccomp=unconfined busybox unshare -Umr sh -c "$new"
mini-docker run --rm busybox unshare -Umr sh -c "$new"
## keys
cat > keys <<'EOF'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(*words):
    result = libc.syscall(*words)
    return result if result >= 0 else sys.exit(os.strerror(ctypes.get_errno()))
call(250, 8, -4, -3)                               # keyctl: link root's keyring to our session's
if len(sys.argv) > 1:
    key = call(248, b"user", b"course", sys.argv[1].encode(), len(sys.argv[1]), -4)  # add_key
    call(250, 15, key, 5)                          # keyctl: it expires after 5 seconds
else:
    key, text = call(250, 10, -4, b"user", b"course", 0), ctypes.create_string_buffer(99)
    call(250, 11, key, text, 99)                   # keyctl: read it
    print(text.value.decode())
EOF
open="mini-docker run --rm --rootfs / --read-only --security-opt seccomp=unconfined"
$open python3 -c "$(cat keys)" 'the password is swordfish'
$open python3 -c "$(cat keys)"
mini-docker run --rm --rootfs / --read-only python3 -c "$(cat keys)"
## reboot
mini-docker run --rm busybox reboot -f
mini-docker run --rm --security-opt seccomp=unconfined busybox reboot -f
mini-docker run --rm --cap-add SYS_BOOT busybox reboot -f
echo $?
