"""Delivery regions: the seventeen first-level divisions of Korea (ISO 3166-2:KR), by our codes."""

from collections.abc import Mapping
from typing import Final

from shared.contracts.policy import Titled

REGIONS: Final[Mapping[str, Titled]] = {
    "seoul": Titled(ko="서울특별시", en="Seoul"),
    "busan": Titled(ko="부산광역시", en="Busan"),
    "daegu": Titled(ko="대구광역시", en="Daegu"),
    "incheon": Titled(ko="인천광역시", en="Incheon"),
    "gwangju": Titled(ko="광주광역시", en="Gwangju"),
    "daejeon": Titled(ko="대전광역시", en="Daejeon"),
    "ulsan": Titled(ko="울산광역시", en="Ulsan"),
    "sejong": Titled(ko="세종특별자치시", en="Sejong"),
    "gyeonggi": Titled(ko="경기도", en="Gyeonggi"),
    "gangwon": Titled(ko="강원특별자치도", en="Gangwon"),
    "chungbuk": Titled(ko="충청북도", en="North Chungcheong"),
    "chungnam": Titled(ko="충청남도", en="South Chungcheong"),
    "jeonbuk": Titled(ko="전북특별자치도", en="North Jeolla"),
    "jeonnam": Titled(ko="전라남도", en="South Jeolla"),
    "gyeongbuk": Titled(ko="경상북도", en="North Gyeongsang"),
    "gyeongnam": Titled(ko="경상남도", en="South Gyeongsang"),
    "jeju": Titled(ko="제주특별자치도", en="Jeju"),
}
