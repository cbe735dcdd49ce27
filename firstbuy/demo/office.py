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
from firstbuy.demo.away import AWAY_SECONDS, Patience, request
from firstbuy.demo.target import DemoFailedError, Target
from firstbuy.onboarding.cluster import Cluster
from shared.contracts.policy import POLICY, Policy
from shared.service.problems import PROBLEM

POLICIES: Final = PROJECT / "deploy" / "policies"
ROUNDS: Final = PROJECT / "deploy" / "rounds"


def load_yaml(path: Path) -> Any:
    """As JSON: a date becomes its text."""
    return json.loads(json.dumps(yaml.safe_load(path.read_text(encoding="utf-8")), default=str))


def load_policy(name: str) -> Policy:
    return POLICY.validate_python(load_yaml(POLICIES / f"{name}.yaml"))


class Office:
    """Two officers who act for each other, and the reader of what is public."""

    def __init__(self, target: Target, away_seconds: float = AWAY_SECONDS) -> None:
        """`away_seconds`: so long a service is awaited that does not answer."""
        self._away_seconds = away_seconds
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
            self._officers.append(await self._token(name))

    async def _token(self, name: str) -> str:
        """Under another name, where the answer with the token of this one was lost."""
        body = {"role": "officer", "name": name}
        answer = await self._send("POST", "intake", "/tokens", body, self._operator)
        if _code(answer) == "name-taken":
            body["name"] = f"{name}-again"
            answer = await self._ask("POST", "intake", "/tokens", body, self._operator)
        if answer.status_code >= 400:
            raise _refused("POST", "/tokens of intake", answer)
        return str(answer.json()["token"])

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
        answer = await self._send("POST", "intake", "/rounds", body, self._officers[0])
        act = answer.json()["act"] if answer.status_code < 400 else await self._waiting(str(terms["round"]), answer)
        await self._approve(f"/rounds/{terms['round']}/acts/{act}/approval")

    async def confirm(self, proposal: Mapping[str, Any]) -> None:
        """One officer proposes the act with the exact roots, the other approves it."""
        terms = {key: proposal[key] for key in ("epoch", "commitment_root", "selection_root")}
        body = {"act": "confirm", "terms": terms, "reason": "the draw was recomputed and is right"}
        acts = f"/rounds/{proposal['round']}/acts"
        act = await self._until_read_model_has_it(acts, body, proposal["round"])
        await self._approve(f"{acts}/{act}/approval")

    async def _approve(self, path: str) -> None:
        """Approved already is approved by us, in a call whose answer was lost."""
        answer = await self._send("POST", "intake", path, {}, self._officers[1])
        if answer.status_code >= 400 and _code(answer) != "already-approved":
            raise _refused("POST", path, answer)

    async def _waiting(self, round_id: str, refusal: httpx2.Response) -> str:
        """The act that waits already, which is ours, of a call whose answer was lost. Raises for any other refusal."""
        if _code(refusal) == "act-waits":
            for row in (await self._ask("GET", "intake", "/acts", token=self._officers[0])).json():
                if row["round"] == round_id:
                    return str(row["act"])
        raise _refused("POST", f"an act of {round_id}", refusal)

    async def _until_read_model_has_it(self, path: str, body: Mapping[str, Any], round_id: str) -> str:
        """The act. Intake hears of the proposal by the same topic as we do, so perhaps a moment later."""
        for attempt in range(100):
            answer = await self._send("POST", "intake", path, body, self._officers[0])
            if answer.status_code == 201:
                return str(answer.json()["act"])
            if _code(answer) == "act-waits":
                return await self._waiting(round_id, answer)
            if answer.status_code != 409 or attempt == 99:
                break
            await asyncio.sleep(0.1)
        raise _refused("POST", path, answer)

    async def _send(
        self, method: str, service: str, path: str, body: Any = None, token: str | None = None
    ) -> httpx2.Response:
        """Everything the office says may be said again: a name that is taken, an act that waits and one that was
        approved are found by the refusal."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url, patience = self._urls[service], Patience(f"{service} at {self._urls[service]}", self._away_seconds)
        return await request(self._client, method, url + path, patience=patience, json=body, headers=headers)

    async def _ask(
        self, method: str, service: str, path: str, body: Any = None, token: str | None = None
    ) -> httpx2.Response:
        answer = await self._send(method, service, path, body, token)
        if answer.status_code >= 400:
            raise _refused(method, f"{path} of {service}", answer)
        return answer


def _code(answer: httpx2.Response) -> str | None:
    """Of a refusal, by RFC 9457; None of anything else."""
    if not answer.headers.get("content-type", "").startswith(PROBLEM):
        return None
    return str(answer.json()["type"]).rpartition(":")[2]


def _refused(method: str, what: str, answer: httpx2.Response) -> DemoFailedError:
    return DemoFailedError(f"{method} {what}: {answer.status_code} {answer.text[:500]}")


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
