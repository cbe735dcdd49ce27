"""`/docs`: a service's routes for people, rendered from its OpenAPI document, without scripts or foreign resources.

FastAPI's Swagger UI and ReDoc are scripts of others, which a browser would load into the origin that officers' tokens
are sent to.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from html import escape
from typing import Any, Final

_STYLE: Final = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { font: 600 1rem/1.5 ui-monospace, monospace; margin: 2rem 0 0; border-top: 1px solid; padding-top: 1rem; }
table { border-collapse: collapse; } th, td { text-align: left; padding: 0 1rem 0 0; vertical-align: top; }
pre { overflow: auto; }
"""
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page(document: Mapping[str, Any]) -> str:
    """The page as HTML."""
    title = escape(document["info"]["title"])
    routes = "".join(
        _route(method, path, route) for path, methods in document["paths"].items() for method, route in methods.items()
    )
    schemas = "".join(
        _folded(name, schema, f"schema-{name}")
        for name, schema in sorted(document.get("components", {}).get("schemas", {}).items())
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body><main>'
        f'<h1>{title}</h1><p>For programs: <a href="openapi.json">OpenAPI</a>, <a href="asyncapi">AsyncAPI</a>.</p>'
        f"{routes}{'<h2>Schemas</h2>' if schemas else ''}{schemas}</main></body></html>"
    )


def _route(method: str, path: str, route: Mapping[str, Any]) -> str:
    parts = [f"<h2>{method.upper()} {escape(path)}</h2>"]
    parts += [f"<p>{escape(route[part])}</p>" for part in ("summary", "description") if route.get(part)]
    if parameters := route.get("parameters"):
        rows = "".join(_parameter(each) for each in parameters)
        parts.append(f"<table><tr><th>parameter</th><th>in</th><th>what</th></tr>{rows}</table>")
    for media_type, body in route.get("requestBody", {}).get("content", {}).items():
        parts.append(_folded(f"Body, {media_type}", body.get("schema", {})))
    answers = "".join(
        f"<tr><td>{escape(status)}</td><td>{escape(answer.get('description', ''))}</td></tr>"
        for status, answer in route.get("responses", {}).items()
    )
    parts.append(f"<table><tr><th>answer</th><th>what</th></tr>{answers}</table>")
    return "".join(parts)


def _parameter(parameter: Mapping[str, Any]) -> str:
    named = escape(parameter["name"]) + ("" if parameter.get("required") else " (optional)")
    schema = {key: value for key, value in parameter.get("schema", {}).items() if key != "title"}
    what = f"{escape(parameter.get('description', ''))} <code>{escape(json.dumps(schema, ensure_ascii=False))}</code>"
    return f"<tr><td>{named}</td><td>{escape(parameter['in'])}</td><td>{what}</td></tr>"


def _folded(name: str, schema: Any, anchor: str = "") -> str:
    marked = f' id="{escape(anchor)}"' if anchor else ""
    shown = escape(json.dumps(schema, indent=2, ensure_ascii=False))
    return f"<details{marked}><summary>{escape(name)}</summary><pre>{shown}</pre></details>"
