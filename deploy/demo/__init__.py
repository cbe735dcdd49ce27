"""The second round of 2018 from the announcement to the notices, over HTTP and Kafka, with what must come of it."""

from deploy.demo.runner import run

__all__ = ["run"]
