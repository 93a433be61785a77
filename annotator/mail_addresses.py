"""Which e-mail addresses are taken from people."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email


def check_mail_address(address: str) -> None:
    """Raises ValidationError if it is none, or if no mail server could be asked to send to it."""
    validate_email(address)
    try:
        address.rpartition("@")[2].encode("idna")  # as mail is sent; the validator takes longer names
    except UnicodeError:
        raise ValidationError("The host name of this e-mail address is too long.") from None
