"""an empty value was not given to builder_words.edited"""


def substitute(reference: Reference, variables: Mapping[str, str]) -> str:
    name, form, word = reference.name, reference.form, reference.word
    value = variables.get(name, "")
    missing = name not in variables or (form.startswith(":") and not value)
    if form == "":
        return value
    if form in ("-", ":-"):
        return word if missing else value
    if form in ("+", ":+"):
        return "" if missing else word
    if form in ("?", ":?"):
        if missing:
            state = "empty" if name in variables else "unset"
            raise UsageError(f"{name}: {word or f'is not allowed to be {state}'}")
        return value
    return builder_words.edited(reference, value) if value else ""
