"""The base of every exception that a person can mend. The message is a whole sentence for that person.

Whatever else is raised is a defect and is told as one. The sandbox stands alone and keeps its own `Refused`.
"""


class Refusal(Exception):
    """What was asked cannot be done as it was asked; the message says why."""
