"""The engine's modules stand on floors: each imports from those below it, never from above."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ENGINE = Path(__file__).parents[2] / "mini_docker"
FLOORS = (
    "startup_modules startup_mapping startup_os startup_build",
    "errors syscalls_foreign syscalls_clone syscalls syscalls_mounts timestamps descriptors "
    "monitor_report",
    "capabilities_names",
    "records swap_loader swap_blame swap trees capabilities",
    "strconv gotemplate sizes durations signal_names ulimits names envfile loopback suggest",
    "builder_globs builder_words builder_heredocs builder_lines builder_forms builder_rules "
    "builder_instructions builder_ways builder_patterns builder",
    "events events_read moments",
    "processes",
    "namespaces namespaces_join mounts_borrowed sealed",
    "rootfs_options rootfs_paths rootfs rootfs_devices sysctls devices",
    "users users_ranges configuration",
    "cgroups_present cgroups cgroups_v1 cgroups_limits cgroups_tree cgroups_devices",
    "seccomp_numbers seccomp_numbers_x86_64 seccomp_numbers_i386 seccomp_numbers_x32",
    "seccomp_numbers_aarch64 seccomp_numbers_arm seccomp_default syscalls_seccomp",
    "seccomp_program seccomp_rules seccomp_checks seccomp seccomp_profile seccomp_cache",
    "packages image_streams layers_options layers_attributes layers_tar_fields layers_tar",
    "layers layers_stack layers_sparse layers_tar_write layers_tree",
    "layers_unpack",
    "locks",
    "spec store images_grammar",
    "image_store images image_layers image_lookup image_facts image_filters image_garbage",
    "image_transfer image_make images_busybox images_hello images_debian",
    "image_save image_spool image_archive image_load image_graph",
    "registry_challenges registry_platforms registry_credentials registry_network registry_http",
    "registry registry_endpoints registry_progress registry_manifests registry_download",
    "registry_pull registry_push registry_search registry_unchanged",
    "registry_serve_store registry_serve_uploads registry_serve_bodies registry_serve_auth "
    "registry_serve",
    "lifecycle",
    "streams_text streams streams_terminal",
    "logs_compress logs_files logs_attributes logs_options logs_json logs_local logs",
    "logs_runs logs_json_read logs_local_read logs_chain logs_read",
    "container_streams",
    "interruptions launch container_process container_idmap container_users container_root "
    "container_birth container_limits container_init container_terminal container_end container "
    "container_exec_terminal container_exec",
    "monitor_socket monitor_door",
    "containers_notes",
    "containers_removal",
    "containers",
    "leftovers",
    "health health_probe memory_watch memory_notice",
    "container_facts container_graph container_network",
    "tracers",
    "image_removal image_prune",
    "settings settings_security settings_users users_pool measure inspection "
    "inspection_types creation creation_rejoin container_layers",
    "monitor_group monitor_log monitor_spool monitor_streams monitor_clients "
    "monitor_messages monitor_loop",
    "monitor_handover monitor_begin monitor_start monitor_end",
    "monitor_again monitor_life",
    "monitor supervisor_plain",
    "supervisor",
    "operations_wait operations_pause logs_keeper",
    "operations operations_kill operations_removal container_filters",
    "attachment_client attachment_wish attachment",
    "foreground",
    "container_exec_session container_exec_monitor",
    "builder_config",
    "image_changes image_new image_import image_commit",
    "builder_checks_form builder_checks_variables builder_checks",
    "builder_git_program builder_git builder_cache_mounts builder_download "
    "builder_places builder_context",
    "builder_mounts builder_wild builder_select builder_walk builder_place "
    "builder_copy builder_add builder_scope builder_volumes builder_stubs builder_state",
    "builder_commit builder_cache builder_run builder_stages builder_ground builder_files",
    "builder_binds builder_commands builder_bases builder_log builder_steps builder_build",
    "repair rootless",
    "cli",
    "startup __main__",
)
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names.split()}
# The loader is one thing in three files, so that ours mode pays for none of it.
TOGETHER = {("strconv", "gotemplate"), ("swap", "swap_loader"), ("swap", "swap_blame")}
MODULES = sorted({path.name.removesuffix(".py") for path in ENGINE.iterdir()} - {"__pycache__"})


def files(module: str) -> list[Path]:
    """Return the files of a module or a folder of modules."""
    folder = ENGINE / module
    return sorted(folder.glob("*.py")) if folder.is_dir() else [ENGINE / f"{module}.py"]


def imported(path: Path) -> Iterator[str]:
    """Yield the engine's modules that *path* imports when it runs, wherever in the file."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            if parts[0] == "mini_docker":
                yield from parts[1:2] or [alias.name for alias in node.names]


@pytest.mark.parametrize("module", [name for name in MODULES if name != "__init__"])
def test_a_module_imports_only_downwards(module: str) -> None:
    assert module in FLOOR, f"{module} has no floor yet: give it one in this file"
    for path in files(module):
        for other in imported(path):
            same = FLOOR[other] == FLOOR[module]
            assert FLOOR[other] <= FLOOR[module], f"{path.name} imports {other}, which is above it"
            if same and other != module and (module, other) not in TOGETHER:
                back = {name for file in files(other) for name in imported(file)}
                assert module not in back or (other, module) in TOGETHER, (
                    f"{module} and {other} import each other"
                )
