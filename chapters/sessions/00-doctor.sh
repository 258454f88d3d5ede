# A sound machine: the VM.
#: needs cgroup-v2
#: varies Linux \S+, \S+
#: varies Python [0-9.]+
#- PATH=/usr/local/bin:$PATH
lab doctor
