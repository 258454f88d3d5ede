"""the engine's own environment leaks into the container"""


def execute(argv: list[str], environment: Mapping[str, str]) -> NoReturn:
    os.environ.update(environment)
    try:
        os.execvp(argv[0], argv)
    except (FileNotFoundError, NotADirectoryError):
        raise CommandNotFound(f'exec: "{argv[0]}": not found') from None
    except OSError as error:
        raise CommandNotExecutable(f'exec: "{argv[0]}": {reason(error)}') from error
