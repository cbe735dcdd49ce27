"""Sends each file as one message and waits for its answer.

pip install confluent-kafka
python send.py kepco.librdkafka.conf submit.json [more.json …]
"""

import json
import sys
import time
from pathlib import Path

from confluent_kafka import Consumer, Producer

SECONDS = 60


def handed_over(path: str) -> dict[str, str]:
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def answer_to(identifier: str, consumer: Consumer) -> str:
    """Answers quote the id of what they answer; everything else on the outbox is a notice."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        heard = consumer.poll(1)
        if heard is None:
            continue
        if heard.error():
            raise SystemExit(str(heard.error()))
        body = heard.value().decode()
        if json.loads(body).get("quotes") == identifier:
            return body
    raise SystemExit(f"no answer to {identifier} in {SECONDS} s")


def main(configuration: str, *files: str) -> None:
    settings = handed_over(configuration)
    sending = {name: value for name, value in settings.items() if name not in ("group.id", "auto.offset.reset")}
    hearing = {name: value for name, value in settings.items() if name != "enable.idempotence"}
    me = settings["group.id"].removesuffix(".1")  # the group's name begins with yours: firstbuy.institution.kepco
    producer, consumer = Producer(sending), Consumer(hearing)
    consumer.subscribe([f"{me}.outbox.v1"])
    for file in files:
        body = Path(file).read_text(encoding="utf-8")
        message = json.loads(body)
        producer.produce(f"{me}.inbox.v1", body, key=message["request"])
        if producer.flush(SECONDS):
            raise SystemExit(f"{file} could not be sent in {SECONDS} s")
        print(answer_to(message["id"], consumer))
    consumer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
