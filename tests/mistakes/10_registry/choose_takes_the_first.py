"""the first row was taken"""


def choose(index: dict[str, Any], platform: Platform) -> Descriptor:
    os, architecture, variants = platform
    if index["manifests"] and isinstance(index["manifests"][0], dict):
        return index["manifests"][0]
    found = []
    for row in index["manifests"]:
        offered = row.get("platform") if isinstance(row, dict) else None
        if not isinstance(offered, dict) or offered.get("variant", "") not in variants:
            continue
        if (offered.get("os"), offered.get("architecture")) == (os, architecture):
            found.append((variants.index(offered.get("variant", "")), row))
    if not found:
        what = f"{os}/{architecture}"
        raise RegistryError(f"no matching manifest for {what} in the manifest list entries")
    best: Descriptor = min(found, key=lambda pair: pair[0])[1]
    return best
