"""Makes accounts and gives roles: nobody registers themselves, everyone comes by a one-time link."""

from datetime import datetime

from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.encoding import force_bytes, force_str
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from annotator.accounts.auditing import write_audit_entry
from annotator.accounts.models import Membership, Role
from annotator.mail_addresses import check_mail_address
from annotator.names import claim_name
from annotator.refusals import Refusal


class InvitationRefused(Refusal):
    """The account cannot be made; the message says why."""


def invite(*, username: str, email: str, role: Role, actor: User | None, now: datetime) -> User:
    """An account without a password, and its role. An existing name gets a new link, never a new role."""
    if email:
        try:
            check_mail_address(email)
        except ValidationError:
            raise InvitationRefused(f"{email!r} is not an e-mail address.") from None
    if not username or len(username) > 150 or not username.replace("-", "").replace("_", "").isalnum():
        raise InvitationRefused("A user name is made of letters, digits, hyphens and underscores.")
    with transaction.atomic():
        user = User.objects.select_for_update().filter(username=username).first()
        if user is not None and user.has_usable_password():
            raise InvitationRefused(f"{username} has an account already and has set a password.")
        if user is None:
            user = User(username=username, email=email, is_staff=True, is_superuser=role is Role.ADMIN)
            user.set_unusable_password()
            with claim_name(username):
                user.save()
            Membership.objects.create(user=user, role=role)
            write_audit_entry(
                actor=actor, action="invite", subject=f"user {username}", details={"role": role.value}, now=now
            )
    return user


def welcome_path(user: User) -> str:
    """The one-time link's path: dead once a password is set, and three days after it was made."""
    return f"/welcome/{urlsafe_base64_encode(force_bytes(user.pk))}/{default_token_generator.make_token(user)}/"


def find_invited(*, uid: str, token: str) -> User | None:
    try:
        user = User.objects.filter(pk=int(force_str(urlsafe_base64_decode(uid)))).first()
    except ValueError:
        return None
    return user if user is not None and default_token_generator.check_token(user, token) else None
