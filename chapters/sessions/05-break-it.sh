# Giving up root in the wrong order, halfway, and behind a map that is no wall.
## wrong
rm -f secret; echo for root > secret; chmod 640 secret
setpriv --reuid 12345 setpriv --regid 12345 --clear-groups cat secret
## open
setpriv --reuid 12345 cat secret
## right
setpriv --regid 12345 --clear-groups setpriv --reuid 12345 cat secret
## saved
setpriv --regid 12345 --clear-groups --euid 12345 cat secret
setpriv --regid 12345 --clear-groups --euid 12345 setpriv --euid 0 cat secret
## map
unshare --user --map-root-user sh -c 'cat /proc/self/uid_map; cat secret'
