"""An applicant's whole way through the portal on a real stack, on a phone, without JavaScript."""

import pytest
from playwright.async_api import Page

from deploy.local.stack import Stack
from tests.browser.conftest import ROUND
from tests.support.portal_pages import fill_in, sign_in

pytestmark = pytest.mark.xdist_group("portal")


async def test_a_founder_applies_changes_and_withdraws(phone: Page, portal: str, portal_stack: Stack) -> None:
    await sign_in(phone, portal, portal_stack.mail_folder, "founder@hanbit.example")
    await phone.goto(f"{portal}/rounds/{ROUND}")
    await phone.get_by_role("link", name="신청하기").click()
    await phone.get_by_role("button", name="신청서 쓰기 시작").click()
    await fill_in(phone, 11)
    await phone.get_by_role("link", name="확인하고 보내기").click()
    told = await phone.inner_text("main")
    assert "적은 대로라면 자격이 됩니다" in told
    assert "120만원" in told
    await phone.get_by_role("button", name="신청서 보내기").click()
    assert "/applications/" in phone.url
    assert "신청이 접수되었습니다" in await phone.inner_text("main")
    await phone.get_by_role("button", name="고쳐서 다시 내기").click()
    await phone.get_by_role("link", name="제품", exact=True).click()
    await phone.get_by_label("단가 (원)").fill("1,300,000")
    await phone.get_by_role("button", name="저장", exact=True).click()
    await phone.get_by_role("link", name="연락처", exact=True).click()
    await phone.get_by_label("연락받을 사람의 이름").fill("김가상")
    await phone.get_by_role("button", name="저장", exact=True).click()
    await phone.get_by_role("link", name="확인하고 보내기").click()
    await phone.get_by_role("button", name="신청서 보내기").click()
    told = await phone.inner_text("main")
    assert "130만원" in told
    await phone.get_by_role("link", name="철회하기").click()
    await phone.get_by_role("button", name="철회하기").click()
    assert "철회됨" in await phone.inner_text("main")
