"""Dockerfiles and command lines as Docker's texts print them; `docker` is our program.

The bases are what can be made without a network: busybox stands for alpine, debian and the
rest. Sources: docs.docker.com, the reference of `docker build`, "Build context", "Multi-stage",
"Build secrets", "Best practices"; the books that a class reads.
"""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from mini_docker import loopback
from tests.e2e.builds import Shell, root, shape, shell

pytestmark = pytest.mark.e2e
__all__ = ["root", "shell"]  # fixtures


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The directory "served" beside the shell's, by HTTP; the address."""
    loopback.bring_up()
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

    handler = partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


# --- from the reference of `docker build`


def test_build_with_path(shell: Shell) -> None:
    shell.ok("mkdir vieux; echo 'FROM busybox' > Dockerfile")
    out = shell.ok("docker build -t vieux/apache:2.0 .")
    assert shape(out) == [
        "Step 1/1 : FROM busybox",
        " ---> ID",
        "Successfully built ID",
        "Successfully tagged vieux/apache:2.0",
    ]
    shell.ok("docker build -t whenry/fedora-jboss:latest -t whenry/fedora-jboss:v2.1 .")
    assert shell.ok("docker images -q whenry/fedora-jboss").count("\n") == 1


def test_build_with_stdin(shell: Shell) -> None:
    shell.ok("printf 'FROM busybox\\nRUN echo hello > /x\\nCMD cat /x\\n' > Dockerfile")
    shell.ok("docker build -t hi - < Dockerfile")
    assert shell.ok("docker run --rm hi") == "hello"
    out = shell.ok("echo -e 'FROM busybox\\nRUN echo \"hello world\"' | docker build -")
    assert "hello world" in out.splitlines()
    shell.ok("docker build -t heredoc - <<EOF\nFROM busybox\nRUN echo 'hello world'\nEOF")


def test_nothing_can_be_copied_without_a_context(shell: Shell) -> None:
    shell.ok("touch somefile.txt")
    script = "docker build -t myimage:latest -<<EOF\nFROM busybox\nCOPY somefile.txt ./\nEOF"
    done = shell(script)
    assert done.code == 1 and b"COPY failed" in done.err and b"somefile.txt" in done.err, done


@pytest.mark.parametrize("flags", ["-c", "-cz", "-cj", "-cJ"])
def test_build_with_a_compressed_context(shell: Shell, flags: str) -> None:
    shell.ok("printf 'FROM busybox\\nCOPY a /a\\n' > Dockerfile; echo 1 > a")
    shell.ok(f"tar {flags}f ../context.tar .; docker build -t c - < ../context.tar")
    assert shell.ok("docker run --rm c cat /a") == "1"
    shell.ok("mkdir d; printf 'FROM busybox\\nCOPY a /b\\n' > d/Other")
    shell.ok(f"tar {flags} . | docker build -t c2 -f d/Other -")
    assert shell.ok("docker run --rm c2 cat /b") == "1"


def test_a_dockerfile_of_another_name(shell: Shell) -> None:
    shell.ok("mkdir dockerfiles; echo 'FROM busybox' > Dockerfile.debug")
    shell.ok("printf 'FROM busybox\\nCOPY x /\\n' > dockerfiles/Dockerfile.debug; touch x")
    shell.ok("docker build -f Dockerfile.debug .")
    shell.ok("docker build -f dockerfiles/Dockerfile.debug -t myapp_debug .")
    shell.ok("cd dockerfiles; docker build -f $OLDPWD/dockerfiles/Dockerfile.debug $OLDPWD")
    shell.ok("cat dockerfiles/Dockerfile.debug | docker build -f - .")
    shell.ok("docker build -t foo -f- . <<'EOF'\nFROM busybox\nCOPY x /hello.txt\nEOF")


def test_a_dockerfile_or_a_context_by_http(shell: Shell, server: str) -> None:
    shell.ok("printf 'FROM busybox\\nCOPY a /\\n' > Dockerfile; echo 1 > a; mkdir ctx")
    shell.ok("cp Dockerfile ctx/Dockerfile; tar cz . > ../served/ctx.tar.gz")
    shell.ok("echo 'FROM busybox' > ../served/Dockerfile")
    shell.ok(f"docker build {server}/Dockerfile")
    shell.ok(f"docker build -t t {server}/ctx.tar.gz")
    shell.ok(f"docker build -f ctx/Dockerfile {server}/ctx.tar.gz")
    assert shell.ok("docker run --rm t cat /a") == "1"
    done = shell(f"docker build {server}/nosuch")
    assert (done.code, done.out) == (1, b""), done
    assert b"cannot download" in done.err and b"404 Not Found" in done.err


def test_add_from_an_address(shell: Shell, server: str) -> None:
    name = "n" * 255
    shell.ok(f"echo 1 > ../served/{name}; echo 2 > ../served/b%20c")
    add = f"ADD {server}/{name} {server}/b%%2520c /d/\\nADD {server}/{name} /e"
    shell.ok(f"printf 'FROM busybox\\n{add}\\n' | docker build -t added -")
    assert shell.ok(f"docker run --rm added cat /d/{name} /d/b%20c /e").split() == ["1", "2", "1"]
    done = shell(f"printf 'FROM busybox\\nADD {server}/{'n' * 300} /d/\\n' | docker build -")
    assert done.code == 1 and b"longer than 255 bytes" in done.err, done
    assert b"/build/" not in done.err + done.out, "no path of the host's"


def test_flags_that_texts_print(shell: Shell) -> None:
    shell.ok("printf 'FROM busybox\\nARG HTTP_PROXY\\nRUN echo $HTTP_PROXY\\n' > Dockerfile")
    proxies = "--build-arg HTTP_PROXY=http://10.20.30.2:1234 --build-arg FTP_PROXY=http://40.50"
    assert "http://10.20.30.2:1234" in shell.ok(f"docker build {proxies} .")
    for line in (
        "docker build --no-cache --pull=false -t a .",
        "docker image build -t a .",
        "docker builder build -t a .",
        "docker buildx build --load -t a .",
        "docker buildx build --platform linux/$(uname -m | sed s/x86_64/amd64/) -t a .",
        "docker build --progress=plain --no-cache -t a .",
        "docker build --rm --force-rm -t a .",
        "docker build -m 512m --cpu-shares 512 --cpuset-cpus 0 --ulimit nofile=1024:1024 -t a .",
        "docker build --shm-size=64m --network=none -t a .",
        "docker build --network=host --label com.example.x=1 -t a .",
        "DOCKER_BUILDKIT=1 docker build -t a .",
        "DOCKER_BUILDKIT=0 docker build -t a .",
        "docker build --provenance=false --sbom=false -t a .",
        "docker build --security-opt no-new-privileges -t a .",
    ):
        shell.ok(line)
    id = shell.ok("docker build -q .")
    assert id.startswith("sha256:") and len(id) == 71
    shell.ok("docker build --iidfile id.txt .")
    assert (shell.folder / "id.txt").read_text() == id
    assert shell.ok("docker run --rm $(docker build -q .) echo $(cat id.txt)") == id


# --- multi-stage, from docs.docker.com


def test_multi_stage(shell: Shell) -> None:
    shell.ok(
        r"""cat > Dockerfile <<'EOF'
# syntax=docker/dockerfile:1
FROM busybox AS build
WORKDIR /src
COPY <<SOURCE ./main.sh
#!/bin/sh
echo "hello, world"
SOURCE
RUN chmod +x ./main.sh && mkdir -p /bin2 && cp ./main.sh /bin2/hello

FROM busybox
COPY --from=build /bin2/hello /bin/hello
CMD ["/bin/hello"]
EOF
docker build -t hello .
"""
    )
    assert shell.ok("docker run --rm hello") == "hello, world"
    out = shell.ok("docker build --target build -t hello:build .")
    assert "WORKDIR /src" in out and "CMD" not in out
    assert shell.ok("docker run --rm hello:build cat /src/main.sh").endswith('"hello, world"')


def test_an_unused_stage_is_skipped(shell: Shell) -> None:
    shell.ok(
        """cat > Dockerfile <<'EOF'
FROM busybox AS base
RUN echo "base"

FROM base AS stage1
RUN exit 1

FROM base AS stage2
RUN echo "stage2"
EOF
docker build --no-cache -f Dockerfile --target stage2 .
docker build --no-cache .
"""
    )


# --- best practices, here-documents, arguments, secrets


def test_here_documents(shell: Shell) -> None:
    out = shell.ok(
        r"""docker build -t h - <<'END'
FROM busybox
RUN <<EOF
echo first
echo second
EOF
RUN <<EOT sh -x
  mkdir -p foo/bar
EOT
COPY <<-"EOF" /script.sh
	#!/bin/sh
	echo $0 ${HOME}
EOF
ARG FOO=bar
COPY <<-EOT /expanded
	hello ${FOO}
EOT
END
docker run --rm h sh /script.sh; docker run --rm h cat /expanded
"""
    )
    assert out.splitlines()[-2:] == ["/script.sh /root", "hello bar"]
    assert "first" in out and "second" in out


def test_arguments_before_from(shell: Shell) -> None:
    shell.ok(
        """cat > Dockerfile <<'EOF'
ARG  VERSION=latest
ARG  NAME
FROM busybox:${VERSION}
ARG VERSION
ENV CONT_IMG_VER=${CONT_IMG_VER:-v1.0.0}
RUN echo $VERSION > image_version
CMD cat image_version; echo $CONT_IMG_VER; echo "[$NAME]"
EOF
docker build --build-arg NAME=x -t v ."""
    )
    assert shell.ok("docker run --rm v").splitlines() == ["latest", "v1.0.0", "[]"]


def test_secrets(shell: Shell) -> None:
    shell.ok(
        """mkdir .aws; echo key > .aws/credentials; cat > Dockerfile <<'EOF'
FROM busybox
RUN --mount=type=secret,id=aws,target=/root/.aws/credentials wc -c < /root/.aws/credentials
RUN --mount=type=secret,id=token,env=TOKEN test "$TOKEN" = abcdefgh
RUN test ! -s /root/.aws/credentials
EOF"""
    )
    line = "docker build --secret id=aws,src=$HOME/.aws/credentials --secret id=token -t s ."
    out = shell.ok(line, token="abcdefgh")
    assert "4" in out.splitlines()
    found = shell.ok("docker save s > s.tar; grep -c -a -e abcdefgh s.tar || true")
    assert found == "1", "the instruction has it, and nothing else"


def test_mounts(shell: Shell) -> None:
    shell.ok("mkdir src; echo data > src/file")
    shell.ok(
        """cat > Dockerfile <<'EOF'
FROM busybox AS first
RUN --mount=type=bind,target=/ctx cp /ctx/src/file /copied
RUN --mount=type=bind,source=src,target=/in cat /in/file
RUN --mount=type=cache,target=/cache echo once >> /cache/log
FROM busybox
COPY --from=first /copied /copied
RUN --mount=type=cache,target=/cache echo twice >> /cache/log; cat /cache/log > /log
RUN --mount=type=tmpfs,target=/t mount | grep ' /t ' && touch /t/x
RUN --mount=from=first,target=/first cat /first/copied
RUN --network=none ip link
EOF
docker build -t m ."""
    )
    assert shell.ok("docker run --rm m cat /copied /log").splitlines() == ["data", "once", "twice"]


def test_the_dockerfile_of_a_python_application(shell: Shell) -> None:
    """The shape of the first Dockerfile that most people write."""
    shell.ok("echo flask > requirements.txt; echo 'print(1)' > app.py; mkdir templates")
    shell.ok(
        "echo '<html>' > templates/index.html; printf '*.pyc\\n__pycache__\\n' > .dockerignore"
    )
    shell.ok("mkdir __pycache__; touch __pycache__/app.pyc app.pyc")
    shell.ok(
        """cat > Dockerfile <<'EOF'
# our base image
FROM busybox:latest

LABEL org.opencontainers.image.authors="a@example.com" \\
      version="1.0"
ENV PYTHONUNBUFFERED=1 \\
    APP_HOME=/usr/src/app
WORKDIR $APP_HOME
COPY requirements.txt ./
RUN set -eux; \\
    cat requirements.txt; \\
    # a comment in between
    mkdir -p /var/lib/app
COPY . .
RUN echo app:x:1000:1000::/:/bin/sh >>/etc/passwd && chown -R app /var/lib/app
USER app
EXPOSE 5000/tcp
VOLUME ["/var/lib/app"]
HEALTHCHECK --interval=30s --timeout=3s CMD wget -q -O /dev/null http://localhost:5000/ || exit 1
STOPSIGNAL SIGINT
ENTRYPOINT ["ls"]
CMD ["-A"]
EOF
docker build -t app ."""
    )
    listed = shell.ok("docker run --rm app").split()
    wanted = [".dockerignore", "Dockerfile", "app.py", "requirements.txt", "templates"]
    assert sorted(listed) == wanted
    assert shell.ok("docker run --rm --entrypoint id app -un") == "app"
    text = shell.ok("docker image inspect app")
    assert '"5000/tcp"' in text and '"SIGINT"' in text and '"/usr/src/app"' in text


def test_onbuild(shell: Shell) -> None:
    shell.ok("echo x > x")
    text = "FROM busybox\\nONBUILD COPY x /x\\nONBUILD RUN cat /x\\n"
    shell.ok(f"printf '{text}' | docker build -t ob -")
    out = shell.ok("echo 'FROM ob' > Dockerfile; docker build -t ob2 .")
    assert "x" in out.splitlines()
    assert shell.ok("docker image inspect -f '{{json .Config.OnBuild}}' ob2") == "null"


def test_add_unpacks_archives_and_fetches_urls(shell: Shell, server: str, tmp_path: Path) -> None:
    shell.ok("mkdir d; echo 1 > d/one; tar czf rootfs.tgz d; cp rootfs.tgz rootfs.txt")
    (tmp_path / "served/file.txt").write_text("fetched\n")
    digest = shell.ok(f"sha256sum {tmp_path}/served/file.txt").split()[0]
    shell.ok(
        f"""cat > Dockerfile <<'EOF'
FROM busybox
ADD rootfs.tgz /a/
ADD rootfs.txt /b/
ADD {server}/file.txt /c/
ADD --checksum=sha256:{digest} {server}/file.txt /c/checked
COPY rootfs.tgz /d/
EOF
docker build -t add ."""
    )
    script = "cat /a/d/one /b/d/one /c/file.txt /c/checked; ls /d"
    out = shell.ok(f"docker run --rm add sh -c '{script}'")
    assert out.splitlines() == ["1", "1", "fetched", "fetched", "rootfs.tgz"]


def test_from_scratch(shell: Shell) -> None:
    shell.ok(
        """cp "$(command -v busybox)" ./hello
cat > Dockerfile <<'EOF'
FROM scratch
ADD hello /echo
CMD ["/echo", "from", "scratch"]
EOF
docker build --tag hello ."""
    )
    assert shell.ok("docker run --rm hello") == "from scratch"


def test_windows_line_ends_and_a_byte_order_mark(shell: Shell) -> None:
    lines = ("# escape=\\", "FROM busybox", "RUN echo a && \\", "  echo b", 'CMD ["echo", "c"]', "")
    data = b"\xef\xbb\xbf" + "\r\n".join(lines).encode()
    (shell.folder / "Dockerfile").write_bytes(data)
    out = shell.ok("docker build -t crlf .")
    assert "a" in out.splitlines() and "b" in out.splitlines()
    assert shell.ok("docker run --rm crlf") == "c"
