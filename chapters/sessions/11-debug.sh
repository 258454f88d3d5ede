# A step fails; the image before it is there, and can be run.
#: stage 11
#- mini-docker image bootstrap busybox
## fails
mkdir job; cd job
echo 'PORT = 80' > settings.conf
cat > Dockerfile <<'EOT'
FROM busybox
WORKDIR /srv
COPY settings.conf .
RUN . ./settings.conf && echo "port $PORT" > port
CMD ["cat", "port"]
EOT
mini-docker build -t job .; echo $?
## look
good=$(mini-docker build . 2>&1 | sed -n 's/^The last good image is \(\w*\).*/\1/p')
mini-docker run --rm $good cat settings.conf
mini-docker run --rm $good sh -c '. ./settings.conf'
mini-docker run --rm $good sh -c 'PORT=80; echo "port $PORT"'
## mend
sed -i 's/ //g' settings.conf
mini-docker build -q -t job . && mini-docker run --rm job
## end
cd
