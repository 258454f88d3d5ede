# Chapter 12: socat holds a terminal's master behind a socket; clients come and go, the shell does not stay.
#: stage 12
#: varies /dev/pts/\d+
## serve
socat UNIX-LISTEN:door,fork EXEC:'sh',pty,setsid,ctty,stderr &
#- until [ -S door ]; do sleep 0.1; done
## client
echo 'tty; echo shell $$' | socat -t 1 - UNIX-CONNECT:door
echo 'tty; echo shell $$' | socat -t 1 - UNIX-CONNECT:door
## end
kill %1; wait %1; rm -f door
