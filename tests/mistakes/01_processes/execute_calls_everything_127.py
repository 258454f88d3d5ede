"""126 and 127 mixed up: a file that is there and refused is 126"""


def execute(argv: list[str], environment: Mapping[str, str]) -> NoReturn:
    path = environment.get("PATH", DEFAULT_PATH)
    places = [argv[0]] if "/" in argv[0] else [f"{d or '.'}/{argv[0]}" for d in path.split(":")]
    for place in places:
        try:
            os.execve(place, argv, environment)
        except OSError:
            continue
    raise CommandNotFound(f'exec: "{argv[0]}": executable file not found in $PATH')
