# Shared by the scripts beside it, which set $repo and then read this file.
# Everything here is POSIX sh; nothing here changes the machine.
# shellcheck shell=sh disable=SC2154,SC2034 # $repo comes from there, $python goes there

say() { printf '%s\n' "$*"; }

# One line that says what is wrong, and nothing else happens.
die() {
    printf '%s: %s\n' "scripts/${0##*/}" "$*" >&2
    exit 1
}

# The clone may be a user's although we run under sudo: what we write there is the owner's.
owner=$(stat -c %u "$repo")
group=$(stat -c %g "$repo")
python=$repo/.venv/bin/python3

as_owner() {
    if [ "$(id -u)" != 0 ] || [ "$owner" = 0 ]; then
        env -u PYTHONDONTWRITEBYTECODE "$@"
    else
        home=$(getent passwd "$owner" | cut -d: -f6)
        setpriv --reuid "$owner" --regid "$group" --clear-groups \
            env -u PYTHONDONTWRITEBYTECODE "HOME=${home:-/nonexistent}" "$@"
    fi
}

need_linux() {
    [ "$(uname -s)" = Linux ] ||
        die "containers are made by the Linux kernel and this is $(uname -s): use the VM (vagrant up)"
}

need_root() {
    [ "$(id -u)" = 0 ] || die "needs root: run  sudo scripts/${0##*/}"
}

# What no package can bring: the kernel's side of a container.
need_kernel() {
    grep -qw overlay /proc/filesystems || modprobe -nq overlay 2>/dev/null ||
        die "this kernel has no overlayfs, which layers the image under a container: use the VM (vagrant up)"
    grep -Eq '^[^ ]+ [^ ]+ cgroup2? ' /proc/self/mounts ||
        die "no cgroup file system is mounted, so no limit can hold: use the VM (vagrant up)"
    unshare --mount true 2>/dev/null ||
        die "this root may not make namespaces (a container without CAP_SYS_ADMIN?): use the VM (vagrant up)"
}

# For the scripts that install nothing.
need_venv() {
    [ -e "$repo/.venv/.stamp" ] || die "the course is not set up: run  sudo scripts/setup"
}

need_machine() {
    need_linux
    need_root
    need_kernel
}

# Install the Debian packages named that are missing; ask the network for nothing otherwise.
packages() {
    missing=
    installed=$(dpkg-query -W -f '${db:Status-Status}:${Package}:\n' "$@" 2>/dev/null || :)
    for package; do
        case $installed in
        *"installed:$package:"*) ;;
        *) missing="$missing $package" ;;
        esac
    done
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null ||
        die "cannot install$missing: there is no apt-get; install them, or use the VM (vagrant up)"
    say "installing$missing"
    log=$(mktemp)
    # shellcheck disable=SC2086 # $missing is a list of words
    if ! install $missing >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        rm -f "$log"
        die "apt-get could not install$missing (its last words are above)"
    fi
    rm -f "$log"
}

install() {
    export DEBIAN_FRONTEND=noninteractive
    # Another apt at work (a fresh machine updates itself) is waited for.
    apt="apt-get -q -y -o DPkg::Lock::Timeout=600 --no-install-recommends"
    $apt update && { $apt install "$@" || { mend && $apt install "$@"; }; }
}

# An apt that was killed leaves packages half there, and the next refuses to work before they are
# configured, or unpacked again.
mend() {
    dpkg --configure -a || :
    torn=$(dpkg-query -W -f '${db:Status-Eflag}=${Package}\n' | sed -n 's/^reinstreq=//p')
    # shellcheck disable=SC2086 # one word for each package
    [ -z "$torn" ] || $apt install --reinstall $torn
}
