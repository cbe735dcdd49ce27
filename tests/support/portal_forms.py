"""An applicant who sends the portal's forms over HTTP, as a browser without JavaScript does."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from tests.support.portal_pages import link_to, mails_to
from tests.support.rounds import business_number


def answers(number: int, email: str) -> dict[str, dict[str, str]]:
    """A startup with a valid certificate, by step."""
    return {
        "firm": {
            "track": "general",
            "firm": f"시험기업 {number}",
            "business_number": business_number(number),
            "legal_form": "sole-proprietor",
            "started_on": "2015. 3. 2.",
            "status": "active",
            "sanctioned": "no",
            "record_won": "0",
            "record_count": "0",
        },
        "product": {
            "product": f"제품 {number}",
            "class_code": "41112201",
            "price": "1,000,000",
            "reference": f"P-{number}",
            "capacity": "10",
            "delivery_days": "30",
        },
        "certificates": {
            "certificate_kind": "nep",
            "certificate_number": "NEP-MOTIE-2017-012",
            "certificate_issued_on": "2017-05-01",
            "certificate_expires_on": "2020-04-30",
        },
        "contact": {"contact_name": "김가상", "contact_email": email},
    }


@dataclass
class Applicant:
    """Signed in at one replica of the portal."""

    client: httpx2.AsyncClient
    email: str
    form: str = ""

    @classmethod
    async def signed_in(cls, client: httpx2.AsyncClient, folder: Path, email: str) -> "Applicant":
        """By a mailed link. The client keeps the cookie."""
        before = len([text for text in mails_to(folder, email) if "/sign-in/" in text])
        answer = await client.post("/sign-in", data={"email": email})
        assert answer.status_code == 200, answer.text
        path = urlsplit(await link_to(folder, email, before)).path
        assert (await client.post(path, data={"press": ""})).status_code == 303
        one = cls(client, email)
        await one.page("/account")
        return one

    async def page(self, path: str) -> str:
        """A page that is there; its form token is kept."""
        answer = await self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.headers.get("location"))
        if found := re.search(r'name="form" value="([^"]+)"', answer.text):
            self.form = found[1]
        return answer.text

    async def post(self, path: str, typed: Mapping[str, str] | None = None) -> httpx2.Response:
        """A form of this session."""
        return await self.client.post(path, data={"form": self.form, **(typed or {})})

    async def begin(self, round_id: str) -> str:
        """The path of a new draft."""
        answer = await self.post(f"/rounds/{round_id}/drafts")
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    async def fill_in(self, draft: str, number: int) -> None:
        """Every step."""
        for step, typed in answers(number, self.email).items():
            assert (await self.save(f"{draft}/steps/{step}", typed)).status_code == 303, step

    async def save(self, step: str, typed: Mapping[str, str]) -> httpx2.Response:
        """A step, on a page that shows what is saved."""
        version = re.search(r'name="version" value="(\d+)"', (await self.client.get(step)).text)
        return await self.post(step, {"version": version[1] if version else "", "then": "next", **typed})

    async def attach(self, draft: str, name: str, content: bytes, kind: str = "specification") -> httpx2.Response:
        """A document, as a browser sends a form with a file."""
        fields = {"form": self.form, "kind": kind}
        if name:
            return await self.client.post(f"{draft}/documents", data=fields, files={"file": (name, content)})
        parts = "".join(
            f'--x\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n' for key, value in fields.items()
        )
        body = f'{parts}--x\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n\r\n--x--\r\n'
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        return await self.client.post(f"{draft}/documents", content=body.encode(), headers=headers)

    async def apply(self, round_id: str, number: int) -> str:
        """The path of the application, once it is in."""
        draft = await self.begin(round_id)
        await self.fill_in(draft, number)
        sent = await self.post(f"{draft}/submission")
        assert sent.status_code == 303, sent.text
        return urlsplit(sent.headers["location"]).path
