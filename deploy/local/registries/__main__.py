"""`python -m deploy.local.registries --port 8790 [--records FILE]`: the local registries, until SIGTERM."""

import argparse
from pathlib import Path

from deploy.local.registries.records import Records, Shelf
from deploy.local.registries.server import create_app
from shared.service.http import serve


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m deploy.local.registries", description=__doc__)
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--records", type=Path, help="JSON as POST /records takes it")
    given = options.parse_args()
    shelf = Shelf()
    if given.records:
        shelf.add(Records.model_validate_json(given.records.read_bytes()))
    return serve(create_app(shelf), "127.0.0.1", given.port)


if __name__ == "__main__":
    raise SystemExit(main())
