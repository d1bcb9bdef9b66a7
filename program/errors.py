"""Errors that the user can correct. A program answers them with one line, and no traceback."""

from program.messages import one_line


class UserError(ValueError):
    """An error that the user can correct; the message is one line that says how."""

    def __str__(self):
        """The message; what files and servers may have put into it is shown, not obeyed."""
        return one_line(super().__str__())


class RequestError(UserError):
    """A request that cannot be met; the message names the flag and says what to do."""
