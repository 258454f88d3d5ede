"""the machine's own group file was read"""


def find(text: str, root: str = "/") -> User:
    name, _, group = text.partition(":")
    name = name or "0"
    row, table = pick(rows(root, PASSWD), name), rows("/", GROUP)
    if row is None and not is_number(name):
        raise ConfigError(f"unable to find user {name}: no matching entries in passwd file")
    user = User(int(row[2]), int(row[3]), [], row[5]) if row else User(int(name), 0, [], "/")
    if group:
        found = pick(table, group)
        if found is None and not is_number(group):
            raise ConfigError(f"unable to find group {group}: no matching entries in group file")
        user.gid = int(found[2] if found else group)
    elif row:
        user.groups = [int(line[2]) for line in table if row[0] in line[3].split(",")]
    return user
