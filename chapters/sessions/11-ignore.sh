# What of the context comes into an image, with .dockerignore and without.
#: stage 11
#- mini-docker image bootstrap busybox
## context
mkdir -p ctx/.git ctx/docs/old; cd ctx
echo history > .git/pack; echo hunter2 > .env; echo 'print("hi")' > app.py
touch app.pyc docs/guide.md docs/old/notes.md README.md
printf 'FROM busybox\nCOPY . /app\nCMD ["sh", "-c", "find /app -type f | sort"]\n' > Dockerfile
mini-docker build -q -t all . && mini-docker run --rm all
## ignore
cat > .dockerignore <<'EOT'
# not for the image
.git
.env
**/*.pyc
*.md
docs
!docs/guide.md
EOT
mini-docker build -q -t some . && mini-docker run --rm some
## end
cd
