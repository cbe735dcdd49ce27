"""The legal note of packs: what the law says about buyers of a selected product, and what it does not say.

The Korean sentence of §14③ quotes the statute (판로지원법, that article last amended by Act 17243 of 7 April 2020, in
force from 8 October 2020); the English one is our translation.
"""

from typing import Final

LEGAL_NOTE: Final = {
    "ko": {
        "title": "구매 책임자의 면책에 관한 안내",
        "statute": "「중소기업제품 구매촉진 및 판로지원에 관한 법률」 제14조제3항",
        "quoted": (
            "우선구매 대상 기술개발제품을 구매(제14조의2에 따른 기술개발제품 시범구매를 포함한다)하기로 계약한 "
            "공공기관의 구매 책임자는 고의나 중대한 과실이 입증되지 아니하면 그 제품의 구매로 생긴 손실에 대하여 "
            "책임을 지지 아니한다."
        ),
        "says": [
            "같은 법 제14조의2제1항은 중소벤처기업부장관이 별도의 평가 절차로 구매 대상을 선정하여 공공기관의 "
            "구매 의사결정을 대행하는 시범구매제도를 운영할 수 있도록 하고 있습니다.",
            "괄호 안의 시범구매에 관한 문구는 법률 제17243호(2020. 4. 7. 공포, 2020. 10. 8. 시행)에 따른 것입니다. "
            "그 전에 체결한 계약에 대해서는 해당 제품이 같은 조 제1항에 따라 지정·고시된 우선구매 대상 "
            "기술개발제품인지를 확인하시기 바랍니다.",
        ],
        "does_not_say": [
            "고의 또는 중대한 과실이 입증된 경우에는 이 조항이 적용되지 않습니다.",
            "이 조항은 ‘그 제품의 구매로 생긴 손실’에 대한 구매 책임자의 책임만을 정합니다. 계약의 방법, 예정가격, "
            "검사·검수, 대금 지급 등 다른 법령에 따른 의무를 면제한다고 정하고 있지 않으며, 공급자의 책임도 "
            "면제하지 않습니다.",
            "이 문서는 선정이 어떤 사실과 기준에 따라 이루어졌는지를 보이는 자료이며, 면책 여부를 판단하거나 법률 "
            "자문을 하지 않습니다. 적용 여부는 계약 당시 시행 중인 법령과 구체적인 사정에 따라 권한 있는 기관이 "
            "판단합니다.",
        ],
    },
    "en": {
        "title": "On the immunity of the officer in charge of the purchase",
        "statute": "Act on Facilitation of Purchase of Small and Medium Enterprise-Manufactured Products and Support "
        "for Development of Their Markets (판로지원법), Article 14(3)",
        "quoted": (
            "The person in charge of purchasing at a public institution that has contracted to purchase a technology "
            "development product subject to priority purchase (including the pilot purchase of technology development "
            "products under Article 14-2) shall not be liable for a loss caused by the purchase of that product unless "
            "intent or gross negligence is proven. (Translation of ours; the Korean text is authoritative.)"
        ),
        "says": [
            "Article 14-2(1) lets the Minister of SMEs and Startups run the pilot purchase: products are chosen by an "
            "evaluation of its own, in the place of the institutions' own decision to purchase.",
            "The words on the pilot purchase come from Act 17243 (promulgated 7 April 2020, in force from 8 October "
            "2020). For a contract made before, see whether the product is one that was designated and announced under "
            "Article 14(1).",
        ],
        "does_not_say": [
            "It does not apply where intent or gross negligence is proven.",
            "It speaks only of the officer's liability for a loss caused by the purchase of that product. It releases "
            "nobody from duties under other law, such as on the method of contract, the estimated price, inspection "
            "and payment, and it does not release the supplier.",
            "This document shows by which facts and rules the product was selected. It neither decides on immunity nor "
            "gives legal advice: that is for the competent authority, by the law in force at the contract and the "
            "circumstances of the case.",
        ],
    },
}

LIMITS: Final = {
    "ko": [
        "이 문서의 해시가 당시에 공표된 값인지: 귀 기관의 통지 토픽(outbox)으로 받은 RoundNoticed의 값 또는 "
        "시점확인(타임스탬프)과 대조하시기 바랍니다.",
        "다른 모든 신청이 올바르게 심사되고 추첨되었는지: 회차 전체의 증거 파일(GET /rounds/{회차}/evidence)을 "
        "firstbuy verify evidence 명령으로 다시 계산하면 확인됩니다.",
        "난수 출처가 실제로 그 값을 공표하였는지: 공표된 곳에서 확인하시기 바랍니다.",
        "기업이 제출한 내용이 사실인지: 등록기관 조회 결과가 적혀 있는 항목 외에는 기업의 신고에 따른 것입니다.",
    ],
    "en": [
        "That these roots are those that were published then: compare them with the RoundNoticed on your own outbox "
        "topic, or with the time-stamp.",
        "That every other application was judged and drawn rightly: `firstbuy verify evidence` computes the whole "
        "round again from GET /rounds/{round}/evidence.",
        "That the source of chance published that value: look it up where it is published.",
        "That what the firm stated is true, but for what a registry is quoted for.",
    ],
}
"""What a pack alone can't prove."""
