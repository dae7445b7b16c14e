"""Texts for people go through gettext; the English source is the key. Catalogues come per locale."""

from __future__ import annotations

import gettext as _gettext
from typing import Final

CATALOGUE: Final = _gettext.NullTranslations()

_ = CATALOGUE.gettext
ngettext = CATALOGUE.ngettext
