"""Background tasks: whoever starts one says what happens when it dies, and somebody always notices.

A task dies when it raises, when it returns although it must not, when somebody else cancels it, or when it makes no
progress for longer than it may. Each death is told as a condition and has one reaction, which its starter chose. Within
the block of `background` all its tasks live; none outlives it unnoticed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from controller.vitals.deaths import Act, Death, EndBlock, How, MustProgress, Reaction, Restart, TaskDied, Tell

ENDS_WITHIN_S = 10.0
"""Loop seconds that a cancelled task may take to clean up (engineering judgement: twice a connection's timeouts)."""
FIRST_PAUSE_S = 1.0
"""Loop seconds before a dead task is started again, doubled with each death up to LAST_PAUSE_S."""
LAST_PAUSE_S = 60.0
CALM_AFTER_S = 60.0
"""Loop seconds after which a task that was started again counts as well (engineering judgement)."""

Work = Callable[[], Coroutine[Any, Any, None]]


@dataclass(slots=True, eq=False)
class _Post:
    """One task's place: who works there now, and what its starter asked for."""

    name: str
    condition: str
    unit: str | None
    work: Work
    on_death: Reaction
    progress: MustProgress | None
    may_return: Callable[[], bool]
    task: asyncio.Task[None] | None = None
    deaths_s: list[float] = field(default_factory=list)
    mark: object = None
    moved_s: float = 0.0
    is_hung: bool = False
    told: set[str] = field(default_factory=set)
    look: asyncio.TimerHandle | None = None
    calm: asyncio.TimerHandle | None = None

    def forget_timers(self) -> None:
        for timer in (self.look, self.calm):
            if timer is not None:
                timer.cancel()
        self.look = self.calm = None


@dataclass(slots=True, eq=False)
class Health:
    """What is wrong with the tasks of all blocks that are open, for whoever asks from outside."""

    blocks: list[Background] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """A sentence for each task that does not run or hangs."""
        return [fault for block in self.blocks for fault in block.faults]


class Background:
    """The tasks of one block. Made by `background`."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._body = asyncio.current_task()
        self._posts: list[_Post] = []
        self._reactions: set[asyncio.Task[None]] = set()
        self._fatal: Death | None = None
        self._closing = False

    @property
    def faults(self) -> list[str]:
        """Why the tasks are not all alive, a sentence each; one that is started again, or done without, is no fault."""
        fatal = [] if self._fatal is None else [self._fatal.words]
        return fatal + [f"{post.name} hangs" for post in self._posts if post.is_hung and post.task]

    def start(
        self,
        name: str,
        work: Work,
        on_death: Reaction,
        *,
        condition: str,
        unit: str | None = None,
        progress: MustProgress | None = None,
        may_return: Callable[[], bool] = lambda: False,
    ) -> None:
        """Starts a task, which is `name` in messages; `work` makes its coroutine, once more for each start.

        Its death is the condition `<condition>_died` or `<condition>_hung` of `unit`. `may_return` is asked when it
        returns; what may return is no death.
        """
        post = _Post(name, condition, unit, work, on_death, progress, may_return)
        self._posts.append(post)
        self._begin(post)

    def run_to_its_end(self, name: str, work: Work, on_death: Reaction, *, condition: str) -> None:
        """Starts a task that ends by itself; only an exception or somebody's cancelling is a death."""
        self.start(name, work, on_death, condition=condition, may_return=lambda: True)

    # ---------------------------------------------------------------------- living

    def _begin(self, post: _Post) -> None:
        post.is_hung = False
        post.task = asyncio.create_task(post.work(), name=post.name)
        post.task.add_done_callback(partial(self._ended, post))
        if post.progress is not None:
            post.mark, post.moved_s = post.progress.mark(), _now()
            self._look_later(post, post.progress)

    def _begin_again(self, post: _Post) -> None:
        self._begin(post)
        post.calm = asyncio.get_running_loop().call_later(CALM_AFTER_S, self._calm, post)

    def _look_later(self, post: _Post, progress: MustProgress) -> None:
        due_s = _now() + progress.within_s
        post.look = asyncio.get_running_loop().call_at(due_s, self._look, post, progress, due_s)

    def _look(self, post: _Post, progress: MustProgress, due_s: float) -> None:
        """Whether a task has moved; one that could not, because the loop itself stood still, gets its time anew."""
        mark, was_late = progress.mark(), _now() - due_s > progress.within_s / 2
        if mark != post.mark or was_late:
            post.mark, post.moved_s = mark, _now()
        elif _now() >= post.moved_s + progress.within_s and post.task is not None:
            post.is_hung = True
            post.task.cancel()
            post.look = asyncio.get_running_loop().call_later(ENDS_WITHIN_S, self._stuck, post)
            return
        self._look_later(post, progress)

    def _stuck(self, post: _Post) -> None:
        words = f"{post.name} hangs and does not even end when it is cancelled"
        self._end_block(post, Death(post.name, How.HUNG, words), "everything ends")

    # ---------------------------------------------------------------------- dying

    def _ended(self, post: _Post, task: asyncio.Task[None]) -> None:
        post.task = None
        post.forget_timers()
        if task.cancelled():
            error = None
        elif (error := task.exception()) is None and not post.is_hung and (self._closing or post.may_return()):
            self._posts.remove(post)
            return
        if self._closing and error is None:
            return
        self._react(post, _death_of(post, error, was_cancelled=task.cancelled()))

    def _react(self, post: _Post, death: Death) -> None:
        match post.on_death:
            case _ if self._closing:
                self._told(post, death, "it was being ended anyway")
            case Restart(times, within_s):
                post.deaths_s = [at_s for at_s in post.deaths_s if _now() - at_s < within_s] + [_now()]
                if times is not None and len(post.deaths_s) > times:
                    self._end_block(post, death, f"it has died {len(post.deaths_s)} times, so everything ends")
                    return
                count = "" if times is None else f" ({len(post.deaths_s)} of {times})"
                self._told(post, death, f"it is started again{count}")
                pause_s = min(LAST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (len(post.deaths_s) - 1))
                post.look = asyncio.get_running_loop().call_later(pause_s, self._begin_again, post)
            case Act(act, words):
                self._posts.remove(post)
                self._told(post, death, words)
                task = asyncio.create_task(_awaited(act, death), name=f"reaction to the death of {post.name}")
                self._reactions.add(task)
                task.add_done_callback(partial(self._reacted, post))
            case EndBlock():
                self._end_block(post, death, "everything ends")

    def _reacted(self, post: _Post, task: asyncio.Task[None]) -> None:
        self._reactions.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            words = f"what was to be done about the death of {post.name} failed: {_named(error)}"
            self._end_block(post, Death(post.name, How.RAISED, words, error), "everything ends")

    def _end_block(self, post: _Post, death: Death, what: str) -> None:
        if self._fatal is None and self._body is not None and not self._closing:
            self._fatal = death
            self._body.cancel(death.words)
        self._told(post, death, what)

    def _told(self, post: _Post, death: Death, what: str) -> None:
        name = f"{post.condition}_{'hung' if death.how is How.HUNG else 'died'}"
        post.told.add(name)
        self._tell({"name": name, "unit": post.unit, "active": True, "message": f"{death.words}; {what}"})

    def _calm(self, post: _Post) -> None:
        for name in sorted(post.told):
            words = f"{post.name} has worked for {CALM_AFTER_S:g} s again"
            self._tell({"name": name, "unit": post.unit, "active": False, "message": words})
        post.told.clear()

    # ---------------------------------------------------------------------- ending

    async def _close(self) -> bool:
        """Ends every task and waits for it. Whether somebody else cancelled the block while it waited."""
        self._closing = True
        tasks = {post.task for post in self._posts if post.task is not None} | self._reactions
        for post in self._posts:
            post.forget_timers()
        for task in tasks:
            task.cancel()
        until_s, was_cancelled = _now() + ENDS_WITHIN_S, False
        while True:
            try:
                left = {task for task in tasks if not task.done()}
                await (asyncio.wait(left, timeout=max(0.0, until_s - _now())) if left else asyncio.sleep(0))
                break
            except asyncio.CancelledError:
                was_cancelled = True
        for post in self._posts:
            if post.task is not None and not post.task.done():
                self._told(post, Death(post.name, How.HUNG, f"{post.name} does not end"), "it is left behind")
        return was_cancelled

    async def _leave(self, error: BaseException | None) -> None:
        """Raises TaskDied for a death that ended the block, unless somebody else wanted it cancelled too."""
        was_cancelled = await self._close()
        fatal, body = self._fatal, self._body
        if fatal is None or body is None:
            if was_cancelled and error is None:
                raise asyncio.CancelledError
            return
        still_cancelled = body.uncancel() > 0
        if error is None or isinstance(error, asyncio.CancelledError):
            if still_cancelled:
                raise asyncio.CancelledError
            raise TaskDied(fatal) from fatal.error


@asynccontextmanager
async def background(tell: Tell, health: Health | None = None) -> AsyncIterator[Background]:
    """Tasks may be started within the block; when it is left, they are cancelled and waited for.

    `health` sees them meanwhile. Raises TaskDied for a death that ended the block. A cancellation that comes from
    outside is passed on.
    """
    tasks = Background(tell)
    blocks = [] if health is None else health.blocks
    blocks.append(tasks)
    try:
        yield tasks
    except BaseException as error:
        await tasks._leave(error)  # noqa: SLF001  its other half
        raise
    else:
        await tasks._leave(None)  # noqa: SLF001
    finally:
        blocks.remove(tasks)


async def _awaited(act: Callable[[Death], Awaitable[None]], death: Death) -> None:
    await act(death)


def _death_of(post: _Post, error: BaseException | None, *, was_cancelled: bool) -> Death:
    if post.is_hung and post.progress is not None:
        return Death(post.name, How.HUNG, f"{post.name} made no progress for {post.progress.within_s:g} s", error)
    if error is not None:
        return Death(post.name, How.RAISED, f"{post.name} died of a fault of the program: {_named(error)}", error)
    if was_cancelled:
        return Death(post.name, How.CANCELLED, f"{post.name} was cancelled by something that may not")
    return Death(post.name, How.RETURNED, f"{post.name} returned, which it must not")


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _now() -> float:
    return asyncio.get_running_loop().time()
