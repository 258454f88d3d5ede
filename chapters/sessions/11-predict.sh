# What a step leaves to the next; when a variable is looked up; what a file's content is.
#: stage 11
#- mini-docker image bootstrap busybox
#- mkdir predict; cd predict
## cd
mini-docker build -t moved - <<'EOT'
FROM busybox
RUN cd /tmp && export WHERE=tmp
RUN pwd; echo "WHERE=$WHERE"
EOT
## env
mini-docker build -q -t abc - <<'EOT'
FROM busybox
ENV abc=hello
ENV abc=bye def=$abc
ENV ghi=$abc
CMD echo "$abc $def $ghi"
EOT
mini-docker run --rm abc
## touch
echo hello > greeting; chmod 644 greeting
printf 'FROM busybox\nCOPY greeting /\nRUN cat greeting\n' > Dockerfile
mini-docker build -q .
touch -d tomorrow greeting; mini-docker build . | grep -c 'Using cache'
chmod 600 greeting; mini-docker build . | grep -c 'Using cache'
## end
cd
