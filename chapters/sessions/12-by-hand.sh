# Chapter 12, by hand: a pipe and its end, a terminal, raw mode, Ctrl-C, jobs, a window's size.
#: stage 12
#: varies /dev/pts/\d+
#: varies \d+ +\d+ +[RST]
## pipe
mkfifo in out
sort < in > out &
exec 8> in 9< out
echo b >&8; echo a >&8
timeout 1 cat <&9; echo $?
exec 8>&-
cat <&9

## writers
sort < in > out &
exec 8> in 9< out
sleep 1000 &
echo a >&8; exec 8>&-
timeout 1 cat <&9; echo $?
kill %sleep
cat <&9; exec 9<&-

## which
ls in out
ls in out | cat
tty; tty < /dev/null

## script
script -qc tty /dev/null
script -qc 'stty -a' /dev/null < /dev/null

## cooked
keys() { sleep 1; for it; do sleep 1; printf "$it"; done; sleep 1; }
keys 'abc\177d\r' | script -E never -qc 'head -n 1 | od -c' /dev/null

## raw
keys 'abc\177d\r' | script -E never -qc 'stty raw -echo; head -c 6 | od -c' /dev/null

## interrupt
keys '\003' | script -qec 'sleep 1000' /dev/null; echo $?
keys '\003' | script -E never -qc 'stty raw -echo; head -c 1 | od -c' /dev/null

## control
sh -c 'echo I have a terminal > /dev/tty'
setsid --wait sh -c 'tty; echo I have a terminal > /dev/tty'

## job
cat & sleep 0.2
ps -o pid,pgid,tpgid,stat,comm
kill -l TTIN
kill %cat

## window
stty size
sh -c 'trap "echo another size" WINCH; stty rows 30 columns 80; stty size'
#- stty rows 40 columns 100
