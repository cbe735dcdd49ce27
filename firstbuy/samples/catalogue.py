"""What is offered and wanted in the demo's market: classes of product with their prices, and who buys which.

The class codes have the form of the procurement service's; their choice and all prices are invented.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ProductClass:
    code: str
    ko: str
    en: str
    cheapest_won: int
    dearest_won: int

    @property
    def usual_won(self) -> int:
        return (self.cheapest_won + self.dearest_won) // 2


STREET_LIGHT: Final = ProductClass("39111603", "LED 가로등기구", "LED street light", 300_000, 900_000)
GRID_MONITOR: Final = ProductClass("39121011", "배전 감시 장치", "Distribution-line monitor", 3_000_000, 12_000_000)
LEAK_SENSOR: Final = ProductClass("41112201", "누수 감지 센서", "Leak sensor", 500_000, 2_000_000)
VALVE: Final = ProductClass("40141602", "스마트 밸브", "Smart valve", 1_000_000, 5_000_000)
PUMP: Final = ProductClass("40151503", "고효율 펌프", "High-efficiency pump", 5_000_000, 20_000_000)
CAMERA: Final = ProductClass("46171610", "지능형 CCTV", "Intelligent camera", 1_000_000, 4_000_000)
SOFTWARE: Final = ProductClass("43232304", "시설물 관리 소프트웨어", "Facility software", 10_000_000, 60_000_000)
ROAD_REPAIR: Final = ProductClass("30121704", "도로 포장 보수재", "Road repair material", 100_000, 300_000)
RAIL_CHECK: Final = ProductClass("25174805", "선로 점검 장치", "Track inspection device", 20_000_000, 80_000_000)
SIGN: Final = ProductClass("46161504", "도로 안전표지", "Road-safety sign", 200_000, 800_000)
DUST_METER: Final = ProductClass("41113321", "미세먼지 측정기", "Fine-dust meter", 1_000_000, 6_000_000)
SOLAR: Final = ProductClass("32101514", "태양광 접속반", "Solar combiner box", 2_000_000, 6_000_000)
FIRE: Final = ProductClass("46191601", "화재 감지 시스템", "Fire detection system", 500_000, 3_000_000)
GATEWAY: Final = ProductClass("43222609", "산업용 보안 게이트웨이", "Security gateway", 2_000_000, 8_000_000)
WINDOW: Final = ProductClass("30171514", "단열 창호", "Insulated window", 300_000, 1_200_000)
TOY: Final = ProductClass("60141102", "교육용 교구", "Teaching aid", 50_000, 200_000)
SOUND: Final = ProductClass("52161512", "회의용 음향 장치", "Conference sound system", 1_000_000, 5_000_000)

CLASSES: Final = (
    STREET_LIGHT, GRID_MONITOR, LEAK_SENSOR, VALVE, PUMP, CAMERA, SOFTWARE, ROAD_REPAIR, RAIL_CHECK, SIGN, DUST_METER,
    SOLAR, FIRE, GATEWAY, WINDOW, TOY, SOUND,
)  # fmt: skip
NAMES: Final = {item.code: item for item in CLASSES}
UNWANTED: Final = (TOY, SOUND)
"""Classes that firms offer and no institution asks for."""

_POWER: Final = (GRID_MONITOR, SOLAR, FIRE, GATEWAY, DUST_METER)
_SAFETY: Final = (FIRE, CAMERA, LEAK_SENSOR, DUST_METER)
_OFFICE: Final = (SOFTWARE, GATEWAY, WINDOW, CAMERA)
WANTED: Final[Mapping[str, tuple[ProductClass, ...]]] = {
    "kepco": (GRID_MONITOR, SOLAR, GATEWAY, FIRE, SOFTWARE, STREET_LIGHT),
    "lh": (WINDOW, STREET_LIGHT, CAMERA, FIRE, LEAK_SENSOR, DUST_METER),
    "ex": (ROAD_REPAIR, SIGN, CAMERA, STREET_LIGHT, DUST_METER),
    "krc": (PUMP, VALVE, LEAK_SENSOR, SOLAR, SOFTWARE),
    "kwater": (LEAK_SENSOR, VALVE, PUMP, GATEWAY, SOFTWARE),
    "kr": (RAIL_CHECK, CAMERA, FIRE, SIGN, GATEWAY),
    "korail": (RAIL_CHECK, CAMERA, FIRE, DUST_METER),
    "iiac": (CAMERA, STREET_LIGHT, DUST_METER, GATEWAY),
    "kac": (CAMERA, STREET_LIGHT, FIRE),
    "kogas": (VALVE, LEAK_SENSOR, GATEWAY),
    "knoc": (VALVE, PUMP, FIRE),
    "khnp": (GRID_MONITOR, VALVE, FIRE, GATEWAY),
    "kdhc": (VALVE, PUMP, LEAK_SENSOR),
    "keco": (DUST_METER, LEAK_SENSOR, SOFTWARE),
    "bpa": (CAMERA, STREET_LIGHT, SIGN),
    **dict.fromkeys(("koen", "komipo", "kowepo", "kospo", "ewp", "kps"), _POWER),
    **dict.fromkeys(("kgs", "kesco"), _SAFETY),
    **dict.fromkeys(("kdn", "nhis", "nps"), _OFFICE),
}
"""By institution; one that is not here asks for `ANYTHING`."""
ANYTHING: Final = (CAMERA, FIRE, SOFTWARE)
