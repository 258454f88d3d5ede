"""The flags of ``build``: docker's, those of buildx with them, and what we refuse of both."""

from __future__ import annotations

from mini_docker.cli.options import Flag
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values

FLAGS = (
    Flag("build-arg", "", "list", help="Set build-time variables"),
    Flag("cache-from", "", "list", help="Images to consider as cache sources"),
    Flag("cgroup-parent", "", "string", help="Set the parent cgroup for RUN instructions"),
    Flag("check", "", help="Report the warnings of the build checks, and build nothing"),
    Flag("cpu-period", "", "int", help="Limit the CPU CFS (Completely Fair Scheduler) period"),
    Flag("cpu-quota", "", "int", help="Limit the CPU CFS (Completely Fair Scheduler) quota"),
    Flag("cpu-shares", "c", "int", help="CPU shares (relative weight)"),
    Flag("cpuset-cpus", "", "string", help="CPUs in which to allow execution (0-3, 0,1)"),
    Flag("cpuset-mems", "", "string", help="MEMs in which to allow execution (0-3, 0,1)"),
    Flag("file", "f", "string", help="Name of the Dockerfile (default: PATH/Dockerfile)"),
    Flag("force-rm", "", help="Always remove intermediate containers; it is done anyway"),
    Flag("iidfile", "", "string", help="Write the image ID to the file"),
    Flag("label", "", "label", help="Set metadata for an image"),
    Flag("load", "", help="Keep the result as an image; it is done anyway"),
    Flag("memory", "m", "size", help="Memory limit"),
    Flag("memory-swap", "", "swap", help="Swap limit equal to memory plus swap: '-1' is unlimited"),
    Flag("network", "", "string", default="default", help="Network of RUN (default, host, none)"),
    Flag("no-cache", "", help="Do not use cache when building the image"),
    Flag("platform", "", "string", help="Set target platform for build"),
    Flag("progress", "", "string", default="auto", help="Progress type (auto, plain, tty, quiet)"),
    Flag("pull", "", help="Always attempt to pull a newer version of the image"),
    Flag("quiet", "q", help="Suppress the build output and print image ID on success"),
    Flag("rm", "", default=True, help="Remove intermediate containers after a successful build"),
    Flag("secret", "", "list", help="Secret to expose to the build (id=mysecret,src=/local/path)"),
    Flag("security-opt", "", "list", help="Security options"),
    Flag("shm-size", "", "size", help="Size of /dev/shm"),
    Flag("tag", "t", "list", help="Name and optionally a tag in the name:tag format"),
    Flag("target", "", "string", help="Set the target build stage to build"),
    Flag("ulimit", "", "ulimit", help="Ulimit options"),
    # Hidden: docker has them, and what they ask for is here anyway, or never.
    Flag("call", "", "string", default="build"),
    Flag("compress", ""),
    Flag("disable-content-trust", "", default=True),
    Flag("isolation", "", "string"),
    Flag("output", "o", "list"),
    Flag("provenance", "", "string"),
    Flag("sbom", "", "string"),
    *(
        Flag(name, "", "list")
        for name in (
            *("add-host", "allow", "annotation", "attest", "build-context", "builder"),
            *("cache-to", "metadata-file", "no-cache-filter", "ssh"),
        )
    ),
    *(Flag(name, "") for name in ("push", "squash", "stream")),
)
REFUSED = {  # what a user can do instead
    "add-host": "it belongs to chapter 16, discovery",
    "allow": "RUN --network=host and --security=insecure need a builder of their own",
    "annotation": "annotations belong to indexes, which this engine does not make; use --label",
    "attest": "this engine makes no attestations",
    "build-context": "copy from another image with COPY --from, or enlarge the context",
    "builder": "there is one builder, and it is in this program",
    "cache-to": "the cache is in this engine's store; push the image, and use --cache-from it",
    "metadata-file": "use --iidfile, and image inspect",
    "no-cache-filter": "use --no-cache with --target",
    "push": "build it, then 'mini-docker push NAME'",
    "squash": "copy what is wanted to a last stage: COPY --from",
    "ssh": "it would lend the keys of your agent to every step that asks; "
    "give one step one key with --secret",
    "stream": "it was given up by docker itself in version 20.10",
}
NETWORKS = ("default", "none", "host")
PROGRESS = ("auto", "plain", "tty", "quiet")


def check(values: Values) -> None:
    """Raise UsageError, in one line, for what this engine does not do, and for what nobody does."""
    for name, instead in REFUSED.items():
        if name in values.given and getattr(values, name.replace("-", "_")):
            raise UsageError(f"--{name} is not supported: {instead}")
    if not values.rm:
        raise UsageError(
            "--rm=false is not supported: the container of a step never stays; look into its image"
        )
    if values.isolation not in ("", "default"):
        raise UsageError(f"--isolation {values.isolation}: Linux has default alone")
    for name in ("provenance", "sbom"):
        if getattr(values, name) not in ("", "false", "0"):
            raise UsageError(f"--{name} is not supported: this engine makes no attestations")
    _check_words(values)
    _check_output(values)


def checks_only(values: Values) -> bool:
    """Say whether the Dockerfile is to be checked, and nothing to be built."""
    return bool(values.check) or values.call != "build"


def _check_words(values: Values) -> None:
    if values.network not in NETWORKS:
        raise UsageError(
            f"--network {values.network}: RUN has the networks {', '.join(NETWORKS)} in this engine"
        )
    if values.progress == "rawjson":
        raise UsageError(
            "--progress rawjson is not supported: take plain, and --iidfile for what was built"
        )
    if values.progress not in PROGRESS:
        raise UsageError(f"--progress {values.progress}: must be one of {', '.join(PROGRESS)}")
    if values.call not in ("build", "check", "lint"):
        raise UsageError(f"--call {values.call}: this engine has build and check")
    if "," in values.platform:
        raise UsageError(f"--platform {values.platform}: one build makes an image for one platform")
    if ".." in values.cgroup_parent.split("/"):
        raise UsageError(f"invalid --cgroup-parent {values.cgroup_parent}: it leads upwards")


def _check_output(values: Values) -> None:
    for text in values.output:
        if text not in ("type=docker", "type=image"):
            raise UsageError(
                f"--output {text} is not supported: build the image, then 'mini-docker save' it, "
                "or take files out with 'mini-docker export'"
            )
