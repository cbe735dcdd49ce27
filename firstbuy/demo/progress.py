"""What the demo shows while it runs: the phases of the round as they are reached, and bars that move."""

import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

BARS: Final = {
    "answered": "requests answered",
    "admitted": "applications admitted",
    "messages": "inbox messages answered",
    "judged": "verdicts",
    "results": "results published",
    "mail": "mails delivered",
    "outbox": "outbox notices",
}


class Screen(AbstractContextManager["Screen"]):
    """Bars on a terminal; where there is none, the phases alone, line by line."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.began = time.monotonic()
        self._bars = Progress(
            TextColumn("  {task.description:<26}"),
            BarColumn(bar_width=34),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self.phases: list[tuple[str, float]] = []

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def expect(self, bar: str, total: int) -> None:
        if bar not in self._tasks:
            self._tasks[bar] = self._bars.add_task(BARS[bar], total=total)
        self._bars.update(self._tasks[bar], total=total)

    def move(self, bar: str, done: int) -> None:
        if bar in self._tasks:
            self._bars.update(self._tasks[bar], completed=done)

    def note(self, line: str) -> None:
        self.console.print(f"  {line}", style="dim", markup=False, soft_wrap=True)

    def phase(self, name: str, line: str) -> None:
        """A turn of the round, with the seconds since the demo's start."""
        passed = time.monotonic() - self.began
        self.phases.append((name, passed))
        self.console.print(f"[green]✓[/] [bold]{name:<10}[/] {line}  [dim]{passed:.1f} s[/]", soft_wrap=True)
