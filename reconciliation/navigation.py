"""What reconciliation adds to other pages: navigation, home, search, links."""


def register() -> None:
    """Add everything; called once the applications are loaded."""
    _files()
    _results()
    _records()
    _statements()
    _partners()


def _files() -> None:
    """Add the files of vendors."""


def _results() -> None:
    """Add the results of comparing."""


def _records() -> None:
    """Add our own records."""


def _statements() -> None:
    """Add the statements of banks."""


def _partners() -> None:
    """Add what is owed by partner, and the end of the month."""
