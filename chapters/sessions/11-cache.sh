# The cache: what is done once, what is done again, and by which change.
#: stage 11
#- mini-docker image bootstrap busybox
## file
mkdir app; cd app
echo 'flask 3.0' > packages; echo 'echo version 1' > app.sh
cat > Dockerfile <<'EOT'
FROM busybox
COPY . /app
RUN echo "installing $(cat /app/packages)"
CMD ["sh", "/app/app.sh"]
EOT
mini-docker build -q -t app .
## change
echo 'echo version 2' > app.sh
mini-docker build -t app .
## order
cat > Dockerfile <<'EOT'
FROM busybox
COPY packages /app/
RUN echo "installing $(cat /app/packages)"
COPY . /app
CMD ["sh", "/app/app.sh"]
EOT
mini-docker build -q -t app .
## spared
echo 'echo version 3' > app.sh
mini-docker build -t app .
## arg
cat > arg.Dockerfile <<'EOT'
FROM busybox
RUN echo one
ARG VERSION=1
RUN echo two
EOT
mini-docker build -q -f arg.Dockerfile .
mini-docker build -f arg.Dockerfile --build-arg VERSION=2 . | grep -A 2 Step
## no-cache
mini-docker build --no-cache -t app . | grep -c 'Using cache'
## end
cd
