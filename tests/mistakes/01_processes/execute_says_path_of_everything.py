"""one sentence for both: of a path, PATH was never asked"""


def execute(argv: list[str], environment: Mapping[str, str]) -> NoReturn:
    path = environment.get("PATH", DEFAULT_PATH)
    places = [argv[0]] if "/" in argv[0] else [f"{d or '.'}/{argv[0]}" for d in path.split(":")]
    refusal: OSError | None = None
    for place in places:
        try:
            os.execve(place, argv, environment)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            refusal = refusal or error
    if refusal:
        raise CommandNotExecutable(f'exec: "{argv[0]}": {reason(refusal).lower()}')
    raise CommandNotFound(f'exec: "{argv[0]}": executable file not found in $PATH')
