"""The local registries over real HTTP, for tests: what they know, how they are, how often they were asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from deploy.local.ports import free_port
from deploy.local.registries.records import Business, Certified, Mood, Records, Shelf, Told
from deploy.local.registries.server import BUSINESS_STATUS_PATH, CERTIFICATES_PATH, serving
from services.eligibility.adapters.registries.business_status import BusinessStatusRegistry
from services.eligibility.adapters.registries.certificates import CertificateRegistry
from services.intake.adapters.identity.tax_service import TaxService
from shared.contracts.facts import BusinessStatus
from shared.contracts.registries import Registry
from shared.service.registry_calls import Address

KEY = "a+secret/key=="
USES = [
    {"registry": "business-status", "authority": "국세청 (NTS)"},
    {"registry": "certificates", "authority": "국가기술표준원 (KATS)"},
]


@dataclass
class Local:
    """A server that runs; `shelf` may be changed at any time."""

    shelf: Shelf
    url: str

    @property
    def business_status_url(self) -> str:
        return self.url + BUSINESS_STATUS_PATH

    @property
    def certificates_url(self) -> str:
        return self.url + CERTIFICATES_PATH

    def business_status(self, seconds: float = 5) -> BusinessStatusRegistry:
        return BusinessStatusRegistry(Address(self.business_status_url, lambda: KEY), seconds)

    def certificates(self, seconds: float = 5) -> CertificateRegistry:
        return CertificateRegistry(Address(self.certificates_url, lambda: KEY), seconds)

    def tax_service(self, seconds: float = 5) -> TaxService:
        return TaxService(Address(self.business_status_url, lambda: KEY), seconds)

    def environment(self) -> dict[str, str]:
        """Of intake and eligibility, which then ask here and give up quickly."""
        prefix = "FIRSTBUY_ELIGIBILITY_"
        return {
            "FIRSTBUY_INTAKE_IDENTITY_URL": self.business_status_url,
            "FIRSTBUY_INTAKE_IDENTITY_KEY": KEY,
            "FIRSTBUY_INTAKE_IDENTITY_SECONDS": "1",
            f"{prefix}BUSINESS_STATUS_URL": self.business_status_url,
            f"{prefix}BUSINESS_STATUS_KEY": KEY,
            f"{prefix}CERTIFICATES_URL": self.certificates_url,
            f"{prefix}CERTIFICATES_KEY": KEY,
            f"{prefix}REGISTRY_FIRST_PAUSE_SECONDS": "0.1",
            f"{prefix}REGISTRY_OPEN_SECONDS": "0.3",
            f"{prefix}REGISTRY_CALLS_PER_SECOND": "100",
        }

    def knows(self, number: str, status: BusinessStatus = BusinessStatus.ACTIVE, closed_on: date | None = None) -> None:
        self.shelf.add(Records(businesses={number: Business(status=status, closed_on=closed_on)}))

    def certifies(self, stated: dict[str, Any], class_code: str, **said: Any) -> None:
        """A certificate as an application states it, but for what is `said`."""
        fields = {name: stated[name] for name in ("number", "issued_on", "expires_on", "grade") if stated.get(name)}
        self.shelf.add(Records(certificates=(Certified.model_validate({"class_code": class_code, **fields, **said}),)))

    def confirms(self, application: dict[str, Any]) -> None:
        """Everything an application states."""
        self.knows(application["applicant"]["business_number"])
        for stated in application["certificates"]:
            self.certifies(stated, application["product"]["class_code"])

    def is_(self, mood: Mood, *registries: Registry, seconds: float = 1) -> None:
        """Those named, or all of them, from now on."""
        for registry in registries or Registry:
            self.shelf.moods[registry] = Told(mood=mood, seconds=seconds)

    def calls(self, registry: Registry) -> list[int]:
        return self.shelf.asked[registry]


@contextmanager
def local_registries() -> Iterator[Local]:
    shelf = Shelf()
    with serving(shelf, free_port()) as url:
        yield Local(shelf, url)
