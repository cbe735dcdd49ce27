"""Open data as it is published."""

import json
from pathlib import Path
from typing import Any

import httpx2

from tests.support.consuming import until
from tests.support.ocds_validator import Validator


class Published:
    """What a re-user gets: releases that are the same each time they are got."""

    def __init__(self, client: httpx2.AsyncClient, url: str, validator: Validator | None, file: Path) -> None:
        """Without a validator nothing is said of validity."""
        self._client, self._url, self._validator, self._file = client, url, validator, file
        self.releases: dict[tuple[str, str], dict[str, Any]] = {}

    async def get(self) -> None:
        answer = await self._client.get(self._url)
        assert answer.status_code == 200, answer.text
        self._file.write_bytes(answer.content)
        now = {(release["ocid"], release["id"]): release for release in answer.json()["releases"]}
        assert now == now | self.releases, "a release never changes"
        self.releases = now

    def valid(self) -> None:
        if self._validator is None:
            return
        found = self._validator.examine(self._file)
        assert found.wrong == ()
        assert found.codes <= {"KR-PPS-GOODS"}
        assert found.releases == len(self.releases)

    async def wait_for(self, occasion: str) -> None:
        async def there() -> bool:
            await self.get()
            return any(identifier.startswith(f"{occasion}-") for _, identifier in self.releases)

        await until(there, f"the release of {occasion}")

    def text(self) -> str:
        return json.dumps(list(self.releases.values()), ensure_ascii=False)
