"""Which role a person has, and whether it reaches for what they want to do."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User

from annotator.accounts.models import Membership, Role

_RANK = {role: position for position, role in enumerate(Role)}


def role_of(user: AbstractBaseUser | AnonymousUser) -> Role | None:
    """The person's role; a superuser is an admin; None for who is signed out, inactive or without a role."""
    if not isinstance(user, User) or not user.is_active:
        return None
    if user.is_superuser:
        return Role.ADMIN
    try:
        return Role(user.membership.role)  # fetched along by MembershipBackend
    except Membership.DoesNotExist:
        return None


def may(role: Role | None, needed: Role) -> bool:
    return role is not None and _RANK[role] >= _RANK[needed]
