"""The schema of policy files: stricter than what readers accept, so that editors show mistakes.

Readers pass over fields they do not know and leave parameters to the rules; whoever writes a policy wants every
misspelling named. So the published file schema closes each object and gives each rule its parameters.
"""

from copy import deepcopy
from typing import Any, Final

from shared.contracts.vocabulary import RULE_TERMS, Kind, ParameterTerms, RuleTerms

Schema = dict[str, Any]
NAME: Final = "PolicyFile"
_TITLE: Final = "A policy file of deploy/policies: docs/policy.md explains it"


def file_schema(policy: Schema) -> Schema:
    """The file schema, from the contract's schema of a policy."""
    whole: Schema = closed(deepcopy(policy))
    whole["title"] = _TITLE
    condition = whole["$defs"]["Condition"]["properties"]
    condition["rule"] = {"description": condition["rule"]["description"], "enum": list(RULE_TERMS), "type": "string"}
    whole["$defs"]["Condition"]["allOf"] = [_case(code, terms) for code, terms in RULE_TERMS.items()]
    return whole


def closed(schema: Any) -> Any:
    """The schema without additional properties, and without titles made of field names."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    members = {
        name: {each: closed(inner) for each, inner in value.items()} if name in ("properties", "$defs") else
        closed(value)
        for name, value in schema.items()
        if name != "title"
    }  # fmt: skip
    return members | {"additionalProperties": False} if "properties" in schema else members


def _case(code: str, terms: RuleTerms) -> Schema:
    needed = [name for name, each in terms.parameters.items() if each.needed]
    parameters: Schema = {
        "additionalProperties": False,
        "description": f"{terms.title}: {terms.asks}.",
        "properties": {name: _parameter(each) for name, each in terms.parameters.items()},
        "required": needed,
        "type": "object",
    }
    then: Schema = {"properties": {"parameters": parameters}}
    if needed:
        then["required"] = ["parameters"]
    return {"if": {"properties": {"rule": {"const": code}}, "required": ["rule"]}, "then": then}


def _parameter(terms: ParameterTerms) -> Schema:
    described: Schema = {"description": terms.means[0].upper() + terms.means[1:] + "."}
    match terms.kind:
        case Kind.NUMBER:
            return described | {"type": "integer", "minimum": terms.least, "maximum": terms.most}
        case Kind.TEXT:
            return described | {"type": "string", "minLength": 1}
        case Kind.LIST:
            return described | {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True}
