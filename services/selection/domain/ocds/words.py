"""Texts of releases in Korean and English. docs/opendata.md names the legal sources."""

from collections.abc import Mapping
from typing import Final

from shared.contracts.policy import Method, Titled

LANGUAGE: Final = "ko"
"""The language of every field without a suffix; English fields have the suffix `_en`."""

PROGRAMME: Final = "기술개발제품 시범구매제도 (판로지원법 §14, 시행령 §13의2)"
REHEARSAL: Final = Titled(
    ko="모의 라운드(리허설)로, 실제 조달이 아님", en="A rehearsal: nothing is really procured, and its time runs faster"
)
RATIONALE: Final = Titled(
    ko="기술개발제품의 시범구매: 공공기관이 구매를 약정하고, 주관기관이 그 구매 결정에 참여하여 제품을 평가·선정함 "
    "(판로지원법 §14, §14의2)",
    en="Pilot purchases of technological products: public institutions pledge to buy, and the programme evaluates and "
    "selects products on their behalf (판로지원법 §14, §14의2)",
)
PURCHASE: Final = "시범구매 선정 제품의 구매 (판로지원법 §14)"
PURCHASE_RATIONALE: Final = Titled(
    ko="구매기관의 구매요청에 라운드가 선정한 제품을 배정함: 관련 절차의 낙찰을 볼 것",
    en="The round selected this product for the institution's request: see the award of the related process",
)
METHODS: Final[Mapping[Method, Titled]] = {
    Method.WEIGHTED_DRAW: Titled(
        ko="요건을 갖춘 신청의 가중 공개 추첨: 추첨권 수는 추첨값을 알 수 없는 때에 확정하여 공표함",
        en="A public draw among eligible applications, weighted by tickets that are committed before chance is known",
    ),
    Method.SCORE: Titled(
        ko="평가위원 점수와 납품 실적 점수의 합이 높은 순; 동점은 추첨",
        en="Highest total of panel and supply-record points; ties drawn",
    ),
}
POLICY: Final = Titled(ko="라운드의 정책: 요건, 면제, 선정 방법", en="The round's policy: conditions, waivers, method")
PLEDGES: Final = Titled(ko="기관별 약정액과 배정액", en="Pledges of institutions, and what is awarded against them")
FROZEN: Final = Titled(ko="신청과 구매요청 확정", en="Applications and purchase requests fixed")
COMMITTED: Final = Titled(ko="선정을 좌우하는 모든 것의 확정 공표", en="Everything that decides committed")
COMMITMENTS: Final = Titled(ko="추첨 전 확정값과 시점확인", en="Commitments before the draw, with their time-stamps")
EVIDENCE: Final = Titled(
    ko="선정 결과의 근거: 누구나 다시 계산 가능", en="Evidence of the result, for anyone to recompute"
)
VERIFY: Final = Titled(ko="근거를 브라우저에서 검증하는 쪽", en="The page that checks the evidence in a browser")
PURCHASES: Final = Titled(ko="낙찰별 구매 여부와 사유", en="What became of each award, and why")
LATER_RESULT: Final = Titled(
    ko="이후의 선정 결과가 이 낙찰을 바꾸었음", en="A later result of the round has replaced or dropped this award"
)
GIVEN_UP: Final = Titled(ko="기업이 선정을 포기함", en="The firm gave up its place")
DECLINED: Final = Titled(ko="담당자 두 명이 선정을 취소함", en="Two officers declined the product")
REQUEST_CANCELLED: Final = Titled(
    ko="기관이 구매요청을 취소하여 배정이 바뀜",
    en="An institution cancelled its request, which changed what is awarded",
)
BOUGHT: Final = Titled(ko="기관이 구매를 보고함", en="The institution reported a purchase")
NOT_BOUGHT: Final = Titled(ko="기관이 구매하지 않았다고 보고함", en="The institution reported that it did not buy")


def committed_root(root: str) -> Titled:
    return Titled(ko=f"확정값(SHA-256) {root}", en=f"Commitment root (SHA-256) {root}")


def frozen_counts(applications: int, requests: int) -> Titled:
    return Titled(
        ko=f"신청 {applications}건, 구매요청 {requests}건", en=f"{applications} applications, {requests} requests"
    )
