# An image by commit, which nobody can repeat; the same by a Dockerfile.
#: stage 11
#- mini-docker image bootstrap busybox
## commit
mini-docker run -d --name try busybox sleep 1000
mini-docker exec try mkdir /www
mini-docker exec try sh -c 'echo "<h1>hello</h1>" > /www/index.html'
mini-docker commit -c 'CMD ["httpd", "-f", "-h", "/www"]' try web:1
## works
mini-docker run -d --name web web:1
#- for n in $(seq 50); do mini-docker exec web wget -qO- 127.0.0.1 > /dev/null 2>&1 && break; sleep 0.1; done
mini-docker exec web wget -qO- 127.0.0.1
## history
mini-docker history --format '{{.Size}}  {{.CreatedBy}}' web:1
mini-docker rm -f try web
## file
mkdir site; cd site
echo '<h1>hello</h1>' > index.html
cat > Dockerfile <<EOT
FROM busybox
COPY index.html /www/
CMD ["httpd", "-f", "-h", "/www"]
EOT
## build
mini-docker build -t web:2 .
## told
mini-docker history --format '{{.Size}}  {{.CreatedBy}}' web:2
## end
cd
