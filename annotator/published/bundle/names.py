"""Names that mean another thing elsewhere: files, folders, and modules that can be loaded."""

from annotator.units.models import IMPORTED, forget_imported


def forget_folder(address: str) -> str:
    """The last part of a path: the folders before it are this machine's."""
    return forget_imported(address).rstrip("/").rpartition("/")[2]


def call_imported(name: str) -> str:
    """So that nothing here loads or reads what a file has named."""
    return name if name == IMPORTED else f"{IMPORTED}:{name}"
