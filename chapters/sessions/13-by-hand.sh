# Chapter 13, by hand: stop, a lock that its holder's death opens, a record, a back-off, a note.
#: varies ^\d+ \d+ [0-9a-f-]{36}$
## obeys
mkdir life && cd life
sh -c 'trap "echo saving; exit 0" TERM; while :; do sleep 0.1; done' &
sleep 0.5; kill -TERM $!; wait $!; echo $?

## ignores
sh -c 'trap "" TERM; while :; do sleep 0.1; done' &
sleep 0.5; kill -TERM $!
sleep 1; kill -KILL $!; wait $!; echo $?

## lock
(flock 9; exec sleep 1000) 9> lock &
sleep 0.5; flock --nonblock lock echo free || echo somebody holds it
kill -KILL $!; wait $! 2> error; flock --nonblock lock echo free

## record
echo '{"Status": "running"}' > state.json
echo '{"Status": "exited", "ExitCode": 0}' > state.json.tmp
mv state.json.tmp state.json
cat state.json

## backoff
for delay in 0.1 0.2 0.4 0.8; do
  sh -c 'exit 1' || echo "failed, once more in $delay s"
  sleep $delay
done

## note
sleep 1000 &
cut -d ' ' -f 22 /proc/$!/stat > started
echo $! $(cat started) $(cat /proc/sys/kernel/random/boot_id)
kill $!; wait $!

## stopped
sh -c 'trap "echo heard; exit 0" TERM; while :; do sleep 0.1; done' &
sleep 0.5; kill -STOP $!; kill -TERM $!; sleep 0.5; grep State /proc/$!/status
kill -CONT $!; sleep 0.5; wait $!; echo $?
