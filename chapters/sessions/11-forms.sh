# Shell form and JSON form; RUN, CMD and ENTRYPOINT told apart.
#: stage 11
#- mini-docker image bootstrap busybox
#- mkdir forms; cd forms
## forms
mini-docker build -q -t shell - <<'EOT'
FROM busybox
ENV NAME=anna
CMD echo "hello $NAME"
EOT
mini-docker build -q -t json - <<'EOT'
FROM busybox
ENV NAME=anna
CMD ["echo", "hello $NAME"]
EOT
mini-docker run --rm shell; mini-docker run --rm json
mini-docker image inspect -f '{{json .Config.Cmd}}' shell json
## when
mini-docker build -t when - <<'EOT'
FROM busybox
RUN echo "RUN in $(hostname)" | tee /built
CMD ["sh", "-c", "cat /built; echo CMD in $(hostname)"]
EOT
mini-docker run --rm when; mini-docker run --rm when
## cmd
mini-docker build -q -t cmd - <<'EOT'
FROM busybox
CMD ["echo", "one"]
CMD ["echo", "two"]
EOT
mini-docker run --rm cmd
mini-docker run --rm cmd echo three
## entrypoint
mini-docker build -q -t entry - <<'EOT'
FROM busybox
ENTRYPOINT ["echo", "hello"]
CMD ["world"]
EOT
mini-docker run --rm entry
mini-docker run --rm entry you
mini-docker run --rm --entrypoint cat entry /etc/passwd
## shell-entrypoint
mini-docker build -q -t deaf - <<'EOT'
FROM busybox
ENTRYPOINT echo hello
CMD ["world"]
EOT
mini-docker run --rm deaf you
## broken
mini-docker build -t broken - <<'EOT'
FROM busybox
CMD ['echo', 'hello']
EOT
mini-docker run --rm broken
## end
cd
