# Two stages: what builds stays behind. --target, and a stage that nobody needs.
#: stage 11
#- mini-docker image bootstrap busybox
## file
mkdir tool; cd tool
echo 'echo "I am @NAME@"' > tool.in
cat > Dockerfile <<'EOT'
FROM busybox AS build
RUN dd if=/dev/zero of=/usr/compiler bs=1M count=20 2> /dev/null
COPY tool.in /src/
RUN sed 's/@NAME@/small/' /src/tool.in > /src/tool

FROM build AS test
RUN sh /src/tool | grep small

FROM busybox
COPY --from=build /src/tool /bin/tool
CMD ["sh", "/bin/tool"]
EOT
## build
mini-docker build -t tool .
## target
mini-docker build --target test -t tool:test . | tail -n 6
mini-docker images --format 'table {{.Repository}}:{{.Tag}}\t{{.Size}}' tool
mini-docker run --rm tool
## end
cd
