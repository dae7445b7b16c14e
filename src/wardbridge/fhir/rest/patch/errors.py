"""What is wrong with a patch that can be read but does not fit the resource."""

from __future__ import annotations

from wardbridge.core.errors import Invalid


class Unprocessable(Invalid):
    """The patch does not fit the resource as it is now (422); nothing was changed."""

    status = 422
    code = "processing"
