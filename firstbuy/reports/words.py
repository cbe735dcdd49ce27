"""Names for readers, in Korean and English."""

from typing import Final

from firstbuy.samples.firms import FirmKind

RULES: Final = {
    "business-number": "사업자등록번호 (business number)",
    "corporate-number": "법인등록번호 (corporate number)",
    "business-active": "영업 상태 (in operation)",
    "not-sanctioned": "제재 없음 (not barred)",
    "sme-confirmation": "중소기업확인서 (SME confirmation)",
    "direct-production": "직접생산확인 (own production)",
    "certificate": "기술개발제품 인증 (certificate)",
    "sales-or-credit": "매출 또는 신용 (sales or credit)",
    "product-class": "구매 품목 (product class)",
    "documents": "제출 서류 (documents)",
    "startup": "창업기업 (startup; a fact)",
    "first-timer": "첫걸음기업 (first-timer; a fact)",
}
KINDS: Final = {
    FirmKind.STARTUP: "창업기업 (startup)",
    FirmKind.FIRST_TIMER: "첫걸음기업 (first-timer)",
    FirmKind.ESTABLISHED: "일반기업 (established)",
    "without": "실적 없음 (no record)",
    "with": "실적 있음 (with a record)",
}
REASONS: Final = {
    "ineligible": "자격 미달 (not eligible)",
    "no-demand": "수요 없음 (no request it meets)",
    "firm-limit": "기업당 한도 (limit per firm)",
    "reserve-full": "예비 순위 밖 (beyond the reserve)",
    "below-threshold": "점수 미달 (below the threshold)",
}
FOUNDERS: Final = ("kepco", "lh", "ex", "krc", "kwater", "kr")


def billions(won: int) -> str:
    """In 억원, 100 million won."""
    return f"{won / 10**8:,.1f}"
