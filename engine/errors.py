"""The one error a user ever reads."""


class HeedmapError(Exception):
    """Bad input or a full disk, said in one sentence, with a hint that mends it.

    `message` says what is wrong and where (file, row, column, value); `hint` says what to do about it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()
