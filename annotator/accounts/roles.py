"""Which role a person has, and which permissions it has."""

from enum import StrEnum

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User

from annotator.accounts.models import Membership, Role


class Permission(StrEnum):
    """Acts that cost money or privacy. Each has a minimum role."""

    PUBLISH_WITH_REAL_MONEY = "publish with real money"
    APPROVE = "approve"
    REJECT = "reject"
    PAY_BONUSES = "pay bonuses"
    EXPORT_RAW_IDS = "export raw ids"


MIN_ROLE = {
    Permission.PUBLISH_WITH_REAL_MONEY: Role.PAYER,
    Permission.APPROVE: Role.PAYER,
    Permission.REJECT: Role.PAYER,  # of another person's proposal
    Permission.PAY_BONUSES: Role.PAYER,
    Permission.EXPORT_RAW_IDS: Role.ADMIN,
}
_RANK = {role: position for position, role in enumerate(Role)}


def role_of(user: AbstractBaseUser | AnonymousUser) -> Role | None:
    """The person's role. A superuser is an admin. None if they are signed out, inactive or without a role."""
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
