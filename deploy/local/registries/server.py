"""Speaks as the registries do: `POST /nts-businessman/v1/status`, `POST /nts-businessman/v1/validate`,
`GET /certificates/v1/list`. And is told what it knows and how it is: `POST /records`, `PUT /moods/<registry>`,
`GET /calls`. One mood is that of all the tax service says.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from threading import Thread
from typing import Any

import uvicorn
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.local.registries.records import Business, Certified, Mood, Records, Shelf, Told
from shared.contracts.facts import BusinessStatus
from shared.contracts.registries import Registry

BUSINESS_STATUS_PATH = "/nts-businessman/v1"
CERTIFICATES_PATH = "/certificates/v1/list"
AT_ONCE = 100
CLAIMED = {"b_no", "start_dt", "p_nm"}
_CODES = {
    BusinessStatus.ACTIVE: ("계속사업자", "01"),
    BusinessStatus.SUSPENDED: ("휴업자", "02"),
    BusinessStatus.CLOSED: ("폐업자", "03"),
}
_GATEWAY = (
    "<OpenAPI_ServiceResponse><cmmMsgHeader><errMsg>SERVICE ERROR</errMsg>"
    "<returnReasonCode>{}</returnReasonCode></cmmMsgHeader></OpenAPI_ServiceResponse>"
)


class Registries:
    """Routes of the tax service and of the certificates' registry, over a shelf of records."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def status(self, request: Request) -> Response:
        numbers = await asked_for(request, "b_no")
        if numbers is None:
            return JSONResponse({"status_code": "BAD_JSON_REQUEST"}, 400)
        self._shelf.asked[Registry.BUSINESS_STATUS].append(len(numbers))
        told = self._shelf.moods[Registry.BUSINESS_STATUS]
        rows = [business_row(number, self._shelf.businesses.get(number), told.mood) for number in numbers[:AT_ONCE]]
        body = {"request_cnt": len(numbers), "match_cnt": len(rows), "status_code": "OK", "data": rows}
        return await self._by_the_tax_service(request, told, numbers, body)

    async def validate(self, request: Request) -> Response:
        claimed = await asked_for(request, "businesses")
        if claimed is None or not all(
            isinstance(business, dict) and business.keys() >= CLAIMED for business in claimed
        ):
            return JSONResponse({"status_code": "BAD_JSON_REQUEST"}, 400)
        told = self._shelf.moods[Registry.BUSINESS_STATUS]
        rows = [
            validity_row(business, self._shelf.businesses.get(business["b_no"]), told.mood)
            for business in claimed[:AT_ONCE]
        ]
        valid = sum(row.get("valid") == "01" for row in rows)
        body = {"request_cnt": len(claimed), "valid_cnt": valid, "status_code": "OK", "data": rows}
        return await self._by_the_tax_service(request, told, claimed, body)

    async def _by_the_tax_service(self, request: Request, told: Told, asked: list[Any], body: Any) -> Response:
        key = request.query_params.get("serviceKey") or request.headers.get("authorization", "")[len("Infuser ") :]
        if not key:
            return JSONResponse({"code": -401, "msg": "유효하지 않은 인증키 입니다."}, 401)
        if len(asked) > AT_ONCE:
            return JSONResponse({"status_code": "TOO_LARGE_REQUEST"}, 413)
        refusals = {
            Mood.KEY: JSONResponse({"code": -401, "msg": "유효하지 않은 인증키 입니다."}, 401),
            Mood.USED_UP: JSONResponse({"code": -10, "msg": "API token quota has been exceeded"}),
        }
        return await in_mood(told, body, refusals)

    async def certificates(self, request: Request) -> Response:
        self._shelf.asked[Registry.CERTIFICATES].append(1)
        told = self._shelf.moods[Registry.CERTIFICATES]
        asked = request.query_params.get("certNo", ""), request.query_params.get("prdctClsfcNo", "")
        if not request.query_params.get("serviceKey"):
            return Response(_GATEWAY.format(30), media_type="application/xml")
        found = self._shelf.certificates.get(asked)
        items = {"item": [certificate_row(found, told.mood)]} if found else ""
        header = {"resultCode": "00" if found else "03", "resultMsg": "NORMAL SERVICE." if found else "NODATA_ERROR"}
        answer = {"header": header, "body": {"items": items, "totalCount": len(items), "pageNo": 1, "numOfRows": 10}}
        refusals: Mapping[Mood, Response] = {
            Mood.KEY: Response(_GATEWAY.format(30), media_type="application/xml"),
            Mood.USED_UP: JSONResponse({"response": {"header": {"resultCode": "22", "resultMsg": "LIMITED NUMBER"}}}),
        }
        return await in_mood(told, {"response": answer}, refusals)

    async def records(self, request: Request) -> Response:
        try:
            self._shelf.add(Records.model_validate_json(await request.body()))
        except ValidationError as error:
            return JSONResponse({"errors": error.errors(include_url=False, include_input=False)}, 422)
        return JSONResponse({"businesses": len(self._shelf.businesses), "certificates": len(self._shelf.certificates)})

    async def mood(self, request: Request) -> Response:
        try:
            self._shelf.moods[Registry(request.path_params["registry"])] = Told.model_validate_json(
                await request.body()
            )
        except ValueError as error:
            return JSONResponse({"detail": str(error)}, 422)
        return Response(status_code=204)

    async def calls(self, request: Request) -> Response:
        return JSONResponse({registry.value: asked for registry, asked in self._shelf.asked.items()})

    async def ready(self, request: Request) -> Response:
        return JSONResponse({"ready": True})


def create_app(shelf: Shelf) -> Starlette:
    served = Registries(shelf)
    return Starlette(
        routes=[
            Route(f"{BUSINESS_STATUS_PATH}/status", served.status, methods=["POST"]),
            Route(f"{BUSINESS_STATUS_PATH}/validate", served.validate, methods=["POST"]),
            Route(CERTIFICATES_PATH, served.certificates),
            Route("/records", served.records, methods=["POST"]),
            Route("/moods/{registry}", served.mood, methods=["PUT"]),
            Route("/calls", served.calls),
            Route("/health/ready", served.ready),
        ]
    )


async def asked_for(request: Request, name: str) -> list[Any] | None:
    """What a body asks about; None where it asks in another way."""
    try:
        found = (await request.json())[name]
    except (ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, list) else None


async def in_mood(told: Told, body: Any, refusals: Mapping[Mood, Response]) -> Response:
    match told.mood:
        case Mood.DOWN:
            return Response("the registry is closed", 503)
        case Mood.LIMITED:
            return Response("too many", 429, headers={"Retry-After": str(int(told.seconds))})
        case Mood.SLOW:
            await asyncio.sleep(told.seconds)
        case Mood.BROKEN:
            content = JSONResponse(body).body
            return Response(bytes(content[: len(content) // 2]), media_type="application/json")
        case Mood.HUGE:
            return Response(b" " * 2_000_000, media_type="application/json")
    return refusals.get(told.mood) or JSONResponse(body)


def business_row(number: str, known: Business | None, mood: Mood) -> dict[str, str]:
    row = {"b_no": number, "b_stt": "", "b_stt_cd": "", "tax_type": "", "tax_type_cd": "", "end_dt": ""}
    row |= {"utcc_yn": "", "tax_type_change_dt": "", "invoice_apply_dt": ""}
    if known is None:
        row |= {"tax_type": "국세청에 등록되지 않은 사업자등록번호입니다."}
    else:
        name, code = _CODES[known.status]
        row |= {"b_stt": name, "b_stt_cd": code, "tax_type": "부가가치세 일반과세자", "tax_type_cd": "01"}
        row |= {"end_dt": written(known.closed_on)}
    match mood:
        case Mood.ANOTHER:
            row["b_no"] = "0000000000"
        case Mood.UNDATED:
            row |= {"b_stt_cd": "03", "end_dt": "20180231"}
        case Mood.LACKING:
            del row["b_stt_cd"]
    return row


def validity_row(claimed: Mapping[str, Any], known: Business | None, mood: Mood) -> dict[str, str]:
    row = {"b_no": str(claimed["b_no"]), "valid": "02", "valid_msg": "확인할 수 없습니다."}
    if known and known.representative and known.started_on:
        registered = written(known.started_on), known.representative
        if registered == (claimed["start_dt"], claimed["p_nm"]):
            row |= {"valid": "01", "valid_msg": ""}
    match mood:
        case Mood.ANOTHER:
            row["b_no"] = "0000000000"
        case Mood.UNDATED:
            row["valid"] = "03"
        case Mood.LACKING:
            del row["valid"]
    return row


def certificate_row(known: Certified, mood: Mood) -> dict[str, str]:
    row = {
        "certNo": known.number,
        "prdctClsfcNo": known.class_code,
        "issuDt": written(known.issued_on),
        "vldEndDt": written(known.expires_on),
        "rvkDt": written(known.revoked_on),
        "grade": known.grade or "",
        "bizrno": known.holder or "",
    }
    match mood:
        case Mood.ANOTHER:
            row["certNo"] = "another"
        case Mood.UNDATED:
            row["vldEndDt"] = "2018-09-14"
        case Mood.LACKING:
            del row["issuDt"]
    return row


def written(day: date | None) -> str:
    return day.strftime("%Y%m%d") if day else ""


@contextmanager
def serving(shelf: Shelf, port: int) -> Iterator[str]:
    """Its address, for the block; in a thread, so that whoever tests it may block."""
    server = uvicorn.Server(uvicorn.Config(create_app(shelf), "127.0.0.1", port, log_level="warning"))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise OSError(f"nothing serves on port {port}")
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
