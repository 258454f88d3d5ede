# A lost last line: the reader's fault, the pump's, and the program's own buffer.
#: stage 12
#- mini-docker image bootstrap busybox
## read
printf 'one\ntwo' | while read -r line; do echo "entry: $line"; done
## buffer
cat > work.py <<EOT
import os, time
print("I work")
time.sleep(60)
EOT
timeout -s KILL 1 /usr/bin/python3 work.py
timeout -s KILL 1 /usr/bin/python3 work.py | cat
timeout -s KILL 1 /usr/bin/python3 -u work.py | cat
timeout -s KILL 1 script -qec '/usr/bin/python3 work.py' /dev/null | cat
