"""People and rights: users, sign-in, sessions of browsers, tokens of programs, signatures, and the audit of it all.

Whoever wants to know what somebody may do asks `controller.authority`; here it is found out who they are. What changes
rights is recorded in the journal's hash chain first; what the journal does not take is not done.
"""

from controller.accounts.accounts import Accounts
from controller.accounts.audit import AUDIT, Act, Audit
from controller.accounts.errors import (
    AccountsAltered,
    AccountsError,
    AuditUnwritable,
    CsrfRefused,
    LockedOut,
    NotDone,
    OpenIdRefused,
    PasswordUnacceptable,
    SignatureRefused,
    SignInRefused,
    TokenInvalid,
    TokenUnknown,
    Unacceptable,
    UserUnknown,
)
from controller.accounts.listening import ListeningRefused, listening_allowed
from controller.accounts.model import (
    Limits,
    NewToken,
    Session,
    SessionInfo,
    Signature,
    SignatureRequest,
    ToBeSigned,
    TokenInfo,
    User,
    WayIn,
)
from controller.accounts.openid import OpenId, OpenIdStart
from controller.accounts.openid_provider import OpenIdSettings
from controller.accounts.passwords import Passwords
from controller.accounts.secret import redacted
from controller.accounts.tables import TABLES

__all__ = [
    "AUDIT",
    "TABLES",
    "Accounts",
    "AccountsAltered",
    "AccountsError",
    "Act",
    "Audit",
    "AuditUnwritable",
    "CsrfRefused",
    "Limits",
    "ListeningRefused",
    "LockedOut",
    "NewToken",
    "NotDone",
    "OpenId",
    "OpenIdRefused",
    "OpenIdSettings",
    "OpenIdStart",
    "PasswordUnacceptable",
    "Passwords",
    "Session",
    "SessionInfo",
    "SignInRefused",
    "Signature",
    "SignatureRefused",
    "SignatureRequest",
    "ToBeSigned",
    "TokenInfo",
    "TokenInvalid",
    "TokenUnknown",
    "Unacceptable",
    "User",
    "UserUnknown",
    "WayIn",
    "listening_allowed",
    "redacted",
]
