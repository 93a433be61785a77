"""Orders in which a layer may give its axes, and what may be said of its tokens. No torch: forms and commands ask."""

# Image b, unit u, row h, column w, token t.
AXES = ("buhw", "bhwu", "btu", "but", "tbu", "bu")
DROP_FIRST, DROP_LAST, KEEP = "drop-first", "drop-last", "keep"
TOKENS_PATTERN = rf"{DROP_FIRST}|{DROP_LAST}|{KEEP}|\d{{1,4}}"
