# Out of the context; an index that is old; a secret that stays.
#: stage 11
#- mini-docker image bootstrap busybox
## outside
mkdir ctx; cd ctx
printf 'FROM busybox\nCOPY ../../etc/passwd /stolen\n' > Dockerfile
mini-docker build . > /dev/null
## link
ln -s /etc/shadow notes.txt
printf 'FROM busybox\nCOPY notes.txt /stolen\n' > Dockerfile
mini-docker build . 2>&1 | tail -n 1
cd
## mirror
mkdir mirror stale
echo app-1.0 > mirror/index; echo 'echo I am 1.0' > mirror/app-1.0
busybox httpd -f -p 127.0.0.1:8000 -h mirror &
#- until wget -qO /dev/null http://127.0.0.1:8000/index; do sleep 0.1; done
## stale
cat > stale/Dockerfile <<'EOT'
FROM busybox
RUN wget -qO /index http://127.0.0.1:8000/index
RUN wget -qO /app http://127.0.0.1:8000/$(cat /index)
EOT
mini-docker build -q stale
## moves
rm mirror/app-1.0; echo 'echo I am 1.1' > mirror/app-1.1; echo app-1.1 > mirror/index
sed -i '3s|$| \&\& chmod 755 /app|' stale/Dockerfile
mini-docker build stale
## mended
cat > stale/Dockerfile <<'EOT'
FROM busybox
RUN wget -qO /index http://127.0.0.1:8000/index && \
    wget -qO /app http://127.0.0.1:8000/$(cat /index) && \
    rm /index
CMD ["sh", "/app"]
EOT
mini-docker build -q -t fresh stale && mini-docker run --rm fresh
## server
kill %1; wait %1
## secret
mkdir keys; cd keys; echo hunter2 > token
cat > Dockerfile <<'EOT'
FROM busybox
COPY token /token
RUN sha256sum /token > /proof && rm /token
EOT
mini-docker build -q -t leaky .
mini-docker run --rm leaky ls /token
## found
search() {
  rm -rf out; mkdir out; mini-docker save $1 | tar -xC out
  for blob in out/blobs/sha256/*; do zcat -f $blob; done | grep -aq hunter2 && echo found || echo nothing
}
search leaky
## arg
cat > Dockerfile <<'EOT'
FROM busybox
ARG TOKEN
RUN echo "$TOKEN" | sha256sum > /proof
EOT
mini-docker build -q -t leaky --build-arg TOKEN=hunter2 .
mini-docker history --no-trunc --format '{{.CreatedBy}}' leaky
## mount
cat > Dockerfile <<'EOT'
FROM busybox
RUN --mount=type=secret,id=token sha256sum /run/secrets/token > /proof
EOT
mini-docker build -q -t tight --secret id=token,src=token .
mini-docker run --rm tight cat /proof
search tight
## end
cd
