"""State machines over a world of coroutines: one event loop for all the histories of a run."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Generic, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

World = TypeVar("World")


class WorldMachine(RuleBasedStateMachine, Generic[World]):
    """Its rules are plain functions that `run` what the world does."""

    runner: ClassVar[asyncio.Runner]
    new_world: ClassVar[Callable[[], Coroutine[Any, Any, Any]]]
    world: World

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(coroutine)

    def begin(self) -> World:
        world: World = self.run(type(self).new_world())
        return world


def look_for_a_breaking_history(
    machine: type[WorldMachine[World]],
    runner: asyncio.Runner,
    new_world: Callable[[], Coroutine[Any, Any, World]],
    *,
    examples: int,
    steps: int,
) -> None:
    """Each history begins in a world of its own. None is shrunk: on real databases reading it is quicker."""
    made = type(machine.__name__, (machine,), {"runner": runner, "new_world": staticmethod(new_world)})
    run_state_machine_as_test(
        made,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
