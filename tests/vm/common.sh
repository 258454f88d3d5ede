# shellcheck shell=bash
# What the scripts in this folder share: where things lie, and what the host must be.

vm_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # used by run and build-site
checkout=$(cd "$vm_dir/../.." && pwd)
cache=${MINI_DOCKER_VM_CACHE:-/var/cache/mini-docker-course/vm}
host_python=/usr/bin/python3
guest_python=3.11 # Debian 12's; what pip chooses wheels for

say() { printf 'vm: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}

# The guest is amd64: an emulated amd64 on another processor would take an hour for the ring.
require_host() {
    [ "$(uname -s)" = Linux ] || die "the vm ring needs Linux, this is $(uname -s)"
    [ "$(uname -m)" = x86_64 ] ||
        die "the vm ring boots an amd64 guest and needs an amd64 host, this is $(uname -m); there, use a real VM (see Vagrantfile)"
    [ "$(id -u)" = 0 ] || die "the vm ring needs root; say: sudo scripts/vm ..."
    command -v apt-get >/dev/null || die "the vm ring installs its tools with apt-get, and this system has none"
}

# require_packages NAME...: install those that are missing.
require_packages() {
    local name missing=()
    for name; do
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
    done
    [ ${#missing[@]} -eq 0 ] && return
    say "installing ${missing[*]}"
    apt-get -o DPkg::Lock::Timeout=600 update -q >&2
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -q \
        --no-install-recommends "${missing[@]}" >&2
}

# lock NAME: hold the cache's lock NAME until this script ends, however it ends.
lock() {
    mkdir -p "$cache"
    local descriptor
    exec {descriptor}>"$cache/$1.lock"
    flock -n "$descriptor" && return
    say "waiting for another $1 to end"
    flock "$descriptor"
}

# contain COMMAND...: run it in process and mount namespaces of its own. When it ends, and when
# contained_end is called in the middle of it, all that it started and mounted is gone.
contained=
contain() {
    unshare --mount --pid --fork --kill-child --mount-proc "$@" &
    contained=$!
    wait "$contained"
    contained=
}
contained_end() {
    [ -n "$contained" ] || return 0
    local first=
    read -r first _ 2>/dev/null <"/proc/$contained/task/$contained/children" || true
    [ -z "$first" ] || kill -KILL "$first" || true # process 1 there takes the rest along
    wait "$contained" 2>/dev/null || true
}

# key FILE...: a name for what these files' contents make.
key() { cat "$@" | sha256sum | cut -c 1-16; }

image_path() { echo "$cache/image-$(key "$vm_dir/build-image" "$vm_dir"/guest/*)"; }

# compile DIRECTORY PREFIX FOLDER: byte code for FOLDER in DIRECTORY, which the guest will have
# at PREFIX. Made here, since Python in the guest is some sixteen times slower.
compile() {
    [ "$("$host_python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')" = "$guest_python" ] ||
        return 0 # byte code of another Python is of no use there
    "$host_python" -m compileall -q -j 2 -s "$1" -p "$2" "$1/$3" >&2 || true
}
