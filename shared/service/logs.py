"""Structured logs: one JSON object a line, verb first, ids as fields, no personal data."""

import logging
import sys

import structlog


def configure_logs(service: str, replica: str, level: str) -> None:
    """Configures logs, once per process. Library logs through `logging` get the same form."""
    shared_processors: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared_processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared_processors,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False, sort_keys=True),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # Sticky assignment and first contact with a new topic are noisy by design (aiokafka): errors are ours to log.
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    structlog.contextvars.bind_contextvars(service=service, replica=replica)
