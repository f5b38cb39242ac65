"""What goes wrong with people and rights. Every message may be shown to whoever asked; none names a secret.

AccountsError
  SignInRefused        name and password do not fit, or the person is disabled; which of these is never said
  LockedOut            too many tries; a retry makes sense after `retry_after_s`
  TokenInvalid         a session or a token is over, revoked or none; a retry makes sense after signing in again
    CsrfRefused        a request of a browser does not carry the word of its session
  UserUnknown          there is no such user
  TokenUnknown         there is no such token
  Unacceptable         a name, a password, a role or a time that cannot be used; a retry makes sense with another
    PasswordUnacceptable
  NotDone              the state of things forbids it, for example the last administrator; not retryable as it is
  SignatureRefused     a signature is not given or not used; the message says why
  OpenIdRefused        the provider, or what it says of somebody, is not trusted
  AuditUnwritable      the journal does not take the record, therefore nothing was done; a retry makes sense later
  AccountsAltered      the accounts are not what the audit says of them; somebody has to look
"""

from __future__ import annotations


class AccountsError(Exception):
    """Something about people and rights. Retryable where its kind says so."""


class SignInRefused(AccountsError):
    """Name and password do not fit, or the person is disabled. The message is the same for all of these."""


class LockedOut(AccountsError):
    """Too many tries from somewhere or for somebody. Retryable after retry_after_s seconds."""

    def __init__(self, retry_after_s: float) -> None:
        self.retry_after_s = max(1.0, retry_after_s)
        super().__init__(f"too many tries; try again in {self.retry_after_s:.0f} s")


class TokenInvalid(AccountsError):
    """A session or a token is over, revoked or none. Retryable with a new one."""


class CsrfRefused(TokenInvalid):
    """A request with a session's cookie does not carry the word that belongs to that session."""


class UserUnknown(AccountsError):
    """There is no such user."""


class TokenUnknown(AccountsError):
    """There is no such token or session to be ended."""


class Unacceptable(AccountsError):
    """A name, a role, a time or a text that cannot be used. Retryable with another."""


class PasswordUnacceptable(Unacceptable):
    """A new password that is too short, too common or too near to the name. Retryable with another."""


class NotDone(AccountsError):
    """The state of things forbids it: a name is taken, the last administrator would go. Not retryable as it is."""


class SignatureRefused(AccountsError):
    """A signature is not given, or not used, for the reason that the message gives."""


class OpenIdRefused(AccountsError):
    """The provider cannot be asked, or what it says is not trusted. Retryable by beginning anew."""


class AuditUnwritable(AccountsError):
    """The journal does not take the record, so nothing was done. Retryable when the journal is written again."""


class AccountsAltered(AccountsError):
    """Users or tokens are not what the audit says of them: restored from an older copy, or changed by other means."""
