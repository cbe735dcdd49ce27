"""What the page and verify.py find in the same bundles."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from playwright.async_api import Page

from services.selection.verify import examine
from tests.support.serving import Served

Held = Mapping[str, Sequence[str]]
EXAMINED = """async (rounds) => {
    const { examine } = await import("/verify/verify.js");
    const { say } = await import("/verify/words.js");
    async function* once(bytes) { yield bytes; }
    const found = [];
    for (const [round, held] of rounds) {
        const answer = await fetch(`/rounds/${round}/evidence`);
        const report = await examine(once(new Uint8Array(await answer.arrayBuffer())), held);
        const { checked, differs, notChecked, more, confirmed, voided } = report;
        for (const language of ["ko", "en"]) {
            for (const one of differs) say(one, language, true);
            for (const one of [...checked, ...notChecked]) say(one, language, false);
        }
        const names = differs.map(({ what }) => what);
        found.push({ checked: checked.length, names, more, not_checked: notChecked.length, confirmed, voided });
    }
    return found;
}"""


def found_by_python(bundle: bytes, held: Held | None = None) -> dict[str, Any]:
    """What both verifiers have to agree on."""
    report = examine(io.BytesIO(bundle), held)
    counts = {"checked": len(report.checked), "not_checked": len(report.not_checked), "more": report.more}
    return counts | {"names": report.names, "confirmed": report.confirmed, "voided": report.voided}


async def in_the_browser(
    page: Page, served: Served, bundles: Sequence[bytes], held: Sequence[Held] | None = None
) -> list[dict[str, Any]]:
    """What the page finds in each bundle, in one session of it; `held`: the roots that are held of each."""
    names = [f"bundle-{number}" for number in range(len(bundles))]
    served.rounds |= dict(zip(names, bundles, strict=True))
    await page.goto(served.page(names[0]))
    found: list[dict[str, Any]] = await page.evaluate(
        EXAMINED, list(zip(names, held or [{}] * len(names), strict=True))
    )
    return found
