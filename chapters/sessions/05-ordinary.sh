# An ordinary user makes a user namespace and maps itself: what is refused, and in which order.
#: user ordinary
## alone
id -u
unshare --user sleep 1000 &
sleep 0.5
echo '0 1000 1' > /proc/$!/uid_map
echo '0 1000 1' > /proc/$!/gid_map
echo deny > /proc/$!/setgroups
echo '0 1000 1' > /proc/$!/gid_map
nsenter --target $! --user --preserve-credentials id -u
kill $!; wait $!
## root
unshare --user --map-root-user sh -c 'id -u; touch mine; head -c 1 /etc/shadow; chown 1 mine'
stat -c '%u %n' mine
