# Attach speaks with the process that is there; exec brings a new one.
#: varies /proc/\d+
#- cd "$(mktemp -d)"
## start
mkfifo stdin
unshare --uts --pid --fork --mount-proc sh -c 'hostname box; exec sh' <stdin &
exec 9>stdin
sleep 0.5
pid=$(cat /proc/$!/task/$!/children)
## attach
echo 'echo process $$ of $(hostname), child of $PPID' >&9
sleep 0.5
## exec
nsenter --target $pid --uts --pid --mount sh -c 'echo process $$ of $(hostname), child of $PPID'
## end
echo exit 3 >&9
wait $!
echo $?
nsenter --target $pid --uts hostname
exec 9>&-; rm stdin
#- rmdir "$PWD"
