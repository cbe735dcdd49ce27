"""The programme's office over HTTP: onboards institutions, announces the round, confirms what was proposed."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx2
import yaml

from deploy.local.state import PROJECT
from firstbuy.demo.target import DemoFailedError, Target
from firstbuy.onboarding.cluster import Cluster
from shared.contracts.policy import POLICY, Policy

POLICIES: Final = PROJECT / "deploy" / "policies"
ROUNDS: Final = PROJECT / "deploy" / "rounds"


def load_yaml(path: Path) -> Any:
    """As JSON: a date becomes its text."""
    return json.loads(json.dumps(yaml.safe_load(path.read_text(encoding="utf-8")), default=str))


def load_policy(name: str) -> Policy:
    return POLICY.validate_python(load_yaml(POLICIES / f"{name}.yaml"))


class Office:
    """Two officers who act for each other, and the reader of what is public."""

    def __init__(self, target: Target) -> None:
        self._urls = target.urls
        self._kafka, self._prefix, self._users = target.client, target.topic_prefix, target.own_users
        self._operator = target.operator_token
        self._officers: list[str] = []
        self._client = httpx2.AsyncClient(timeout=30)

    async def close(self) -> None:
        await self._client.aclose()

    async def get(self, service: str, path: str) -> Any:
        return (await self._ask("GET", service, path)).json()

    async def open_office(self, names: Sequence[str]) -> None:
        for name in names:
            body = {"role": "officer", "name": name}
            answer = await self._ask("POST", "intake", "/tokens", body, self._operator)
            self._officers.append(answer.json()["token"])

    async def onboard(self, rounds: Mapping[str, Sequence[Mapping[str, Any]]]) -> Mapping[str, str]:
        """The institutions of each round, a few at a time, as people would. Each gets its two topics and a user whose
        password is told: none, where Kafka has no users."""
        pledges: dict[str, list[dict[str, Any]]] = {}
        for round_id, invited in rounds.items():
            for institution in invited:
                pledged = {"round": round_id, "won": institution["pledge_won"]}
                pledges.setdefault(institution["institution"], []).append(pledged)
        names = {
            institution["institution"]: institution["name"] for invited in rounds.values() for institution in invited
        }
        cluster = Cluster(self._kafka, self._prefix, self._users)
        await cluster.join(list(names))
        at_once = asyncio.Semaphore(6)

        async def one(code: str) -> None:
            body = {"name": names[code], "pledges": pledges[code]}
            async with at_once:
                await self._ask("PUT", "intake", f"/institutions/{code}", body, self._officers[0])

        await asyncio.gather(*map(one, names))
        return await cluster.first_passwords(names)

    async def announce(self, terms: Mapping[str, Any], policy: Any, reason: str) -> None:
        """One officer proposes the announcement, the other approves it."""
        body = {"round": terms, "policy": policy, "reason": reason}
        proposed = (await self._ask("POST", "intake", "/rounds", body, self._officers[0])).json()
        await self._ask("POST", "intake", proposed["approval"], {}, self._officers[1])

    async def confirm(self, proposal: Mapping[str, Any]) -> None:
        """One officer proposes the act with the exact roots, the other approves it."""
        terms = {key: proposal[key] for key in ("epoch", "commitment_root", "selection_root")}
        body = {"act": "confirm", "terms": terms, "reason": "the draw was recomputed and is right"}
        acts = f"/rounds/{proposal['round']}/acts"
        proposed = await self._until_read_model_has_it(acts, body)
        await self._ask("POST", "intake", f"{acts}/{proposed['act']}/approval", {}, self._officers[1])

    async def _until_read_model_has_it(self, path: str, body: Mapping[str, Any]) -> Any:
        """Intake hears of the proposal by the same topic as we do, so perhaps a moment later."""
        for attempt in range(100):
            answer = await self._send("POST", "intake", path, body, self._officers[0])
            if answer.status_code == 201:
                return answer.json()
            if answer.status_code != 409 or attempt == 99:
                break
            await asyncio.sleep(0.1)
        raise DemoFailedError(f"POST {path}: {answer.status_code} {answer.text[:500]}")

    async def _send(self, method: str, service: str, path: str, body: Any = None, token: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self._client.request(method, self._urls[service] + path, json=body, headers=headers)

    async def _ask(self, method: str, service: str, path: str, body: Any = None, token: str | None = None) -> Any:
        answer = await self._send(method, service, path, body, token)
        if answer.status_code >= 400:
            raise DemoFailedError(f"{method} {path} of {service}: {answer.status_code} {answer.text[:500]}")
        return answer


def rehearsed(
    terms: Mapping[str, Any], opens_real: datetime, window_seconds: float, seed: str, *, draws: bool = True
) -> tuple[dict[str, Any], int]:
    """The round's terms with the month mapped onto `window_seconds`, and the map's rate. Where it `draws`, a source
    that needs no officers stands before the public ones."""
    opens, closes = (datetime.fromisoformat(str(terms[key])) for key in ("opens_at", "closes_at"))
    rate = max(1, int((closes - opens).total_seconds() / window_seconds))
    rehearsal = {
        "real_anchor": opens_real.isoformat(),
        "programme_anchor": opens.isoformat(),
        "rate": rate,
        "seed": seed,
    }
    source = {
        "source": "rehearsal",
        "kind": "rehearsal",
        "period_seconds": 1,
        "description": "six numbers from the rehearsal's seed, in place of a public draw",
    }
    sources = [source, *terms["sources"]] if draws else terms["sources"]
    return {**terms, "rehearsal": rehearsal, "sources": sources}, rate
