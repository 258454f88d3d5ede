# What export leaves out and save keeps (ours mode: save is unlocked by lab 9).
#- mini-docker image bootstrap busybox
## export
mini-docker run --name box busybox rm /etc/group
mini-docker commit -m 'no groups' box small
mini-docker export box | tar -t | head -n 4
mini-docker export box | mini-docker import - flat
mini-docker history --format '{{.Size}} {{.Comment}}' flat
## save
mini-docker save small | tar -t
mini-docker history --format '{{.Size}} {{.Comment}}' small
mini-docker rm box
