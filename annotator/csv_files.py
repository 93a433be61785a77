"""CSV cells that no spreadsheet runs as a formula."""

# A cell that a spreadsheet would run as a formula begins with one of these.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def defuse(value: object) -> object:
    """Text that a spreadsheet would take for a formula gets an apostrophe before it; None becomes empty."""
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
