"""the program runs in a child"""


def execute(argv: list[str], environment: Mapping[str, str]) -> NoReturn:
    import subprocess

    try:
        os._exit(subprocess.call(argv, env=environment))
    except (FileNotFoundError, NotADirectoryError):
        raise CommandNotFound(f'exec: "{argv[0]}": not found') from None
    except OSError as error:
        raise CommandNotExecutable(f'exec: "{argv[0]}": {reason(error)}') from error
