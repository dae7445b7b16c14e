"""The public suite of GraphQL on FHIR; the runner is that of ``bench``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench import conformance_graphql

pytestmark = pytest.mark.suite


async def test_every_query_and_document(api: Any, suites: Path) -> None:
    folder = suites / "graphql"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent")
    total, why = await conformance_graphql.run(api.client, folder)
    assert total > 0
    assert why == {}
    read, unread = conformance_graphql.parser_failures(folder)
    assert read > 0
    assert unread == {}
