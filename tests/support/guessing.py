"""Who can guess a subject (a firm's number, an address) finds it in no hash that others read.

The numbers of all firms are few enough to be tried within minutes, and an address is known to many: an identifier made
of one of them without a secret names it.
"""

import hashlib
import itertools
import re
import uuid
from collections.abc import Iterable, Iterator

import httpx2
from aiokafka import AIOKafkaConsumer

from deploy.local.stack import Stack
from shared.kafka.cloudevents import NAMESPACE
from tests.support.consuming import records_of

_TOKEN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{16,}", re.IGNORECASE)
_WORDS = ("application", "contact", "verdict", "registry-answered", "registry", "suppressed", "delivery", "firm")
_SEPARATORS = ("\x1f", ":", "", "/", "\x00", "|")


def guesses(subjects: Iterable[str], round_id: str, more: Iterable[str] = ()) -> dict[str, str]:
    """Each hash that somebody would try, and what it is of."""
    found: dict[str, str] = {}
    words = ("", *_WORDS)
    for subject, word, when, epoch, other in itertools.product(
        subjects, words, ("", round_id), ("", "0", "1"), ("", *more)
    ):
        parts = [part for part in (word, when, epoch, other, subject) if part]
        for text in {separator.join(parts) for separator in _SEPARATORS}:
            found |= dict.fromkeys(_hashes(text.encode()), f"{subject} in {parts}")
    return found


def _hashes(text: bytes) -> Iterator[str]:
    for name in ("sha256", "sha1", "md5"):
        yield hashlib.new(name, text, usedforsecurity=False).hexdigest()
    digest = hashlib.sha1(NAMESPACE.bytes + text, usedforsecurity=False).digest()[:16]
    yield str(uuid.UUID(bytes=digest, version=5))


async def read_by_others(stack: Stack) -> dict[str, str]:
    """By where it stands, what anybody is shown without a token, what logs hold, and names, keys and ids on Kafka. Only
    what is public is read of bodies."""
    found = {f"log of {service}": stack.log(service).read_text(errors="replace") for service in stack.services}
    async with httpx2.AsyncClient(timeout=60) as client:
        for service in stack.services:
            base = stack.url(service)
            document = (await client.get(f"{base}/openapi.json")).json()
            paths = [path for path, methods in document["paths"].items() if "get" in methods]
            rounds = [one["round"] for one in (await client.get(f"{stack.url('intake')}/rounds")).json()]
            for path, round_id in itertools.product(paths, rounds):
                url = path.replace("{round_id}", round_id).replace("{round}", round_id)
                if "{" not in url:
                    found[f"{service} {url}"] = (await client.get(base + url)).text
            for path in ("/metrics", "/health/ready", "/asyncapi"):
                found[f"{service} {path}"] = (await client.get(base + path)).text
    return found | {f"envelopes of {topic}": text for topic, text in (await _envelopes(stack)).items()}


async def _envelopes(stack: Stack) -> dict[str, str]:
    """By topic. Inboxes are their institutions' own."""
    kafka = stack.kafka.settings
    asking = AIOKafkaConsumer(**kafka.client_arguments())
    await asking.start()
    try:
        names = [name for name in await asking.topics() if name.startswith(stack.topic_prefix)]
    finally:
        await asking.stop()
    return {name: " ".join(f"{one.key!r} {one.headers!r}" for one in await records_of(kafka, name)) for name in names}


async def assert_nobody_is_named(
    stack: Stack, round_id: str, subjects: Iterable[str], more: Iterable[str] = ()
) -> None:
    tried = guesses(subjects, round_id, more)
    seen = 0
    for where, text in (await read_by_others(stack)).items():
        tokens = {token.lower() for token in _TOKEN.findall(text)}
        seen += len(tokens)
        named = {token: tried[token] for token in tokens & set(tried)}
        assert not named, (where, named)
        plain = [subject for subject in subjects if subject in text]
        assert not plain, (where, plain)
    assert seen > 100, "there was something to look at"
