"""The portal as an applicant uses it: signing in by a mailed link, and filling in a whole application."""

import asyncio
import re
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from tests.support.document_files import pdf
from tests.support.rounds import business_number

KO = {
    "firm": {
        "기업 이름": "한빛",
        "창업일": "2015.03.02",
        "공공기관 납품 금액 (원)": "0",
        "공공기관 납품 건수": "0",
    },
    "product": {
        "제품 이름": "누수 감지 센서",
        "물품분류번호": "４１１１２２０１",
        "단가 (원)": "１,２００,０００",
        "우리 제품 코드": "SENSOR-2",
        "1년 안에 공급할 수 있는 수량": "10",
        "주문부터 납품까지의 일수": "30",
    },
    "certificates": {
        "인증 번호": "NEP-MOTIE-2017-012",
        "인증 발급일": "2017-05-01",
        "인증 유효기간의 끝": "2020-04-30",
    },
    "contact": {"연락받을 사람의 이름": "김가상"},
}


def mails_to(folder: Path, address: str) -> list[str]:
    """Texts of the mails to an address, oldest first."""
    found = []
    for path in sorted(folder.glob("*.eml")):
        content = path.read_bytes()
        if address.encode() in content:
            mail: Any = message_from_bytes(content, policy=default)
            found.append(mail.get_body(("plain",)).get_content())
    return found


async def link_to(folder: Path, address: str, before: int = 0) -> str:
    """The newest sign-in link that was mailed there, once there are more than `before`."""
    async with asyncio.timeout(20):
        while True:
            links = [link for text in mails_to(folder, address) for link in re.findall(r"http\S+/sign-in/\S+", text)]
            if len(links) > before:
                return str(links[-1])
            await asyncio.sleep(0.1)


async def sign_in(page: Page, portal: str, folder: Path, address: str) -> None:
    """By the pages, in Korean."""
    before = len([text for text in mails_to(folder, address) if "/sign-in/" in text])
    await page.goto(f"{portal}/sign-in")
    await page.get_by_label("메일 주소").fill(address)
    await page.get_by_role("button", name="링크 보내기").click()
    await page.get_by_role("heading", name="메일을 확인해 주십시오").wait_for()
    await page.goto(await link_to(folder, address, before))
    await page.get_by_role("button", name="로그인").click()
    await page.get_by_role("heading", name="내 신청").wait_for()


async def fill_in(page: Page, number: int, **changed: str) -> None:
    """Every step of the draft that is open, in Korean; `changed`: labels of the product's fields."""
    draft = page.url.split("?")[0]
    typed = {**KO["firm"], "사업자등록번호": business_number(number)}
    await page.get_by_role("link", name="기업", exact=True).click()
    for label, value in typed.items():
        await page.get_by_label(label).first.fill(value)
    await page.get_by_label("기업 형태").select_option("sole-proprietor")
    await page.get_by_role("button", name="저장하고 다음으로").click()
    for label, value in (KO["product"] | changed).items():
        await page.get_by_label(label, exact=False).first.fill(value)
    await page.get_by_role("button", name="저장하고 다음으로").click()
    for label, value in KO["certificates"].items():
        await page.get_by_label(label).first.fill(value)
    await page.get_by_label("인증 종류").first.select_option("nep")
    await page.get_by_role("button", name="저장하고 다음으로").click()
    await page.get_by_label("파일").set_input_files({"name": "규격서.v2.pdf", "mimeType": "", "buffer": pdf()})
    await page.get_by_role("button", name="올리기").click()
    await page.get_by_role("link", name="다음으로").click()
    for label, value in KO["contact"].items():
        await page.get_by_label(label).first.fill(value)
    await page.get_by_role("button", name="저장하고 다음으로").click()
    await page.wait_for_url(draft)
