"""The one error tree.

WardbridgeError
├── Invalid        what was sent breaks a rule (400 or 422); ``problems`` say what and where
├── Unauthenticated  no valid credential (401)
├── Forbidden      who asks may not (403)
├── NotFound       no such thing (404)
├── Gone           it was deleted (410)
├── Conflict       it changed meanwhile, or exists already (409, 412)
├── TooMany        asked too often or too much (429)
├── Unavailable    cannot be done now, try again (503): disk full, database away
└── SettingsError  a setting is wrong; the process must not start
"""

from __future__ import annotations


class WardbridgeError(Exception):
    """Root of every error that Wardbridge raises on purpose. ``where`` is a path or a place name."""

    status = 500
    code = "exception"

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where


class Invalid(WardbridgeError):
    status = 400
    code = "invalid"


class Unauthenticated(WardbridgeError):
    status = 401
    code = "login"


class Forbidden(WardbridgeError):
    status = 403
    code = "forbidden"


class NotFound(WardbridgeError):
    status = 404
    code = "not-found"


class Gone(WardbridgeError):
    status = 410
    code = "deleted"


class Conflict(WardbridgeError):
    status = 409
    code = "conflict"


class TooMany(WardbridgeError):
    status = 429
    code = "throttled"


class Unavailable(WardbridgeError):
    status = 503
    code = "transient"


class SettingsError(WardbridgeError):
    status = 500
    code = "exception"
