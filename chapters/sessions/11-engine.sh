# The engine after lab 11: COPY and ADD, ONBUILD, --check, other contexts.
#: stage 11
#- mini-docker image bootstrap busybox
## add
mkdir ctx; cd ctx
mkdir -p d/sub; touch d/one d/sub/two; tar -czf pack.tgz d
cat > Dockerfile <<'EOT'
FROM busybox
COPY pack.tgz /copied/
ADD pack.tgz /added/
COPY d /contents/
RUN find /copied /added /contents -type f | sort
EOT
mini-docker build . | grep '^/'
## onbuild
mini-docker build -q -t script-base - <<'EOT'
FROM busybox
ONBUILD COPY main.sh /main.sh
CMD ["sh", "/main.sh"]
EOT
echo 'echo I am main' > main.sh
echo 'FROM script-base' > Dockerfile
mini-docker build -t child . && mini-docker run --rm child
## check
mini-docker build --check - <<'EOT' | grep -A 1 ^WARNING
FROM busybox as base
ENV API_TOKEN=hunter2
CMD echo $HOME
EOT
## heredoc
mini-docker build -q -t documents - <<'EOT'
FROM busybox
COPY <<motd /etc/motd
Welcome.
motd
RUN <<script
set -e
echo "$(cat /etc/motd) And stay." > /etc/motd
script
CMD ["cat", "/etc/motd"]
EOT
mini-docker run --rm documents
## git
cd; git init -q -b main code; mkdir code/web
printf 'FROM busybox\nRUN echo from git\n' > code/web/Dockerfile
git -C code add . && git -C code -c user.name=a -c user.email=a@b commit -qm one
git daemon --export-all --base-path=. --listen=127.0.0.1 2> /dev/null &
#- until git ls-remote git://127.0.0.1/code >/dev/null 2>&1; do sleep 0.1; done
mini-docker build git://127.0.0.1/code#main:web
## tar
tar -cC code/web . | mini-docker build -q -
kill %1; wait %1
