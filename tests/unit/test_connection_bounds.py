"""As many connections as files can be opened, with some left for what a service needs beside them."""

from resource import RLIM_INFINITY

import pytest

from shared.service import connection_bounds
from shared.service.connection_bounds import FILES_BESIDE, Bounds, with_files


@pytest.mark.parametrize(
    ("soft", "hard", "connections", "raised"),
    [
        (100_000, 100_000, 2000, None),
        (RLIM_INFINITY, RLIM_INFINITY, 2000, None),
        (1024, 100_000, 2000, 2000 + FILES_BESIDE),
        (1024, RLIM_INFINITY, 2000, 2000 + FILES_BESIDE),
        (1024, 2048, 2048 - FILES_BESIDE, 2048),
        (256, 512, 128, 512),
    ],
)
def test_connections_leave_files_for_the_rest(
    soft: int, hard: int, connections: int, raised: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(connection_bounds, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(connection_bounds, "setrlimit", lambda _, limits: asked.append(limits[0]))
    assert with_files(Bounds(connections=2000)).connections == connections
    assert asked == ([] if raised is None else [raised])
