"""How a command ends when it cannot go on."""


class CommandError(Exception):
    """One sentence for stderr, and the exit status: 1 nothing could be done, 2 wrong usage."""

    def __init__(self, sentence: str, *, status: int = 1) -> None:
        super().__init__(sentence)
        self.status = status
