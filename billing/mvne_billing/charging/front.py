"""Charging for many clients at once: requests are decided as they come, written together, answered when on disk.

While a batch is written elsewhere, the next one fills: nobody waits for a clock, and a batch is as large as the disk is
slow. All decisions are made on one event loop, so that memory needs no locks.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Any

from mvne_billing.charging.asking import Asked, Cold, Entry, Sweep, entered
from mvne_billing.charging.charger import Charger
from mvne_billing.charging.effects import Batch, Effects
from mvne_billing.charging.handing import Handing, InThreads, Told
from mvne_billing.charging.session import Answer, Contended, Event, Request
from mvne_billing.charging.store import ChargingStore, Moved, Unwritten
from mvne_billing.charging.together import MOST_TRIES, alone

#: So many decided requests are handed to an idle writer at once: it need not wait until all others are decided too.
_EARLY = 32

#: After so many failures a request is written by itself, so that it holds up no other and no other fails it.
_TOGETHER_AT_MOST = 2


class _Lane:
    """What goes to one writer: decided entries with their effects, and whether a batch is being written.

    `ready` is a batch laid out while the writer is busy, so that it need not wait for that.
    """

    __slots__ = ("effects", "entries", "idle", "is_busy", "is_due", "number", "ready")

    def __init__(self, number: int) -> None:
        self.number = number
        self.effects = Effects()
        self.entries: list[Entry] = []
        self.ready: tuple[list[Entry], Batch] | None = None
        self.is_busy = self.is_due = False
        self.idle = asyncio.Event()


class Front:
    """The door to a charger for programs on an event loop; see `port.Charging`."""

    def __init__(self, charger: Charger) -> None:
        self._charger = charger
        self._lanes = [_Lane(number) for number in range(charger.store.lanes)]
        self._threads: InThreads | None = None
        self._begin = self._writers(charger.store)
        self._reader: Executor = ThreadPoolExecutor(1, "charging-reader")
        self._cold: deque[Entry] = deque()
        #: How many entries of a line wait for something to be read: what comes after them waits too.
        self._waiting: dict[tuple[str, str], int] = {}
        self._reading: asyncio.Task[None] | None = None
        self._is_single = False
        #: How many entries are on their way.
        self._asked = 0
        self._idle = asyncio.Event()

    def _writers(self, store: ChargingStore) -> Callable[[int, Batch, Told], None]:
        if isinstance(store, Handing):
            return store.begin
        self._threads = InThreads(store.write, store.lanes)
        return self._threads.begin

    @property
    def durability(self) -> str:
        """What was done before an answer is given."""
        return self._charger.durability

    def ask(self, asked: Request | Event) -> asyncio.Future[Answer]:
        """Answer once all that follows is on disk; the answer is a `ChargingRefused` when nothing follows.

        It is asked when this is called, in the order of the calls.
        """
        return self._through(asked)

    async def sweep(self, session: Sweep) -> None:
        """End a session whose client never came back."""
        await self._through(session)

    async def close(self) -> None:
        """Answer what was asked already, then let go of the store."""
        while self._asked:
            self._idle.clear()
            await self._idle.wait()
        if self._threads is not None:
            self._threads.close()
        self._reader.shutdown()
        self._charger.store.close()

    def _through(self, asked: Asked) -> asyncio.Future[Any]:
        entry = entered(asked)
        done = entry.done = asyncio.Future(loop=asyncio.get_running_loop())
        if entry.refusal is not None:
            done.set_exception(entry.refusal)
            return done
        self._take(entry)
        self._asked += 1
        return done

    def _take(self, entry: Entry) -> None:
        """Decide an entry if all it needs is in memory and nothing of its line waits before it."""
        if self._is_single or entry.key in self._waiting:
            self._wait(entry)
            return
        lane = self._lanes[self._charger.lane_of(entry.asked)]
        if not self._decided(lane, entry):
            self._wait(entry)
            return
        lane.entries.append(entry)
        if len(lane.entries) >= _EARLY:
            if not lane.is_busy:
                self._write(lane)
            elif lane.ready is None and lane.effects:
                lane.ready = self._laid_out(lane)
        elif not lane.is_busy and not lane.is_due:
            lane.is_due = True
            asyncio.get_running_loop().call_soon(self._write_due, lane)

    def _write_due(self, lane: _Lane) -> None:
        lane.is_due = False
        if lane.entries and not lane.is_busy:
            self._write(lane)

    def _decided(self, lane: _Lane, entry: Entry) -> bool:
        """Decide an entry; False when something must be read first.

        An error in the middle of a decision leaves memory half changed: what is not written is decided again.
        """
        is_whole = False
        try:
            self._charger.attempt(entry, lane.effects)
            is_whole = True
        except Cold:
            is_whole = True
            return False
        finally:
            if not is_whole:
                self._charger.undo([entry])
                self._again(lane, [], Unwritten("a decision failed"))
        return True

    def _write(self, lane: _Lane) -> None:
        """Hand what is decided to the writer; what is decided from now on is the next batch."""
        lane.is_busy = True
        if lane.ready is None and not lane.effects:
            entries, lane.entries = lane.entries, []
            self._answer(entries)
            self._rest(lane)
            return
        entries, batch = lane.ready or self._laid_out(lane)
        lane.ready = None
        self._begin(lane.number, batch, partial(self._written, lane, entries))

    def _laid_out(self, lane: _Lane) -> tuple[list[Entry], Batch]:
        entries, lane.entries = lane.entries, []
        return entries, lane.effects.flush()

    def _written(self, lane: _Lane, entries: list[Entry], failure: BaseException | None) -> None:
        if failure is not None:
            self._again(lane, entries, failure)
        # The writer goes on while answers are given away.
        self._rest(lane)
        if failure is None:
            self._answer(entries)

    def _rest(self, lane: _Lane) -> None:
        if lane.ready is not None or lane.entries:
            self._write(lane)
        else:
            lane.is_busy = False
            lane.idle.set()

    def _again(self, lane: _Lane, entries: Sequence[Entry], failure: BaseException) -> None:
        """Forget what was decided and not written, and let it be decided again; or give up with it."""
        undone = [*entries, *(lane.ready[0] if lane.ready is not None else ()), *lane.entries]
        lane.ready, lane.entries, lane.effects = None, [], Effects()
        self._charger.undo(undone)
        for entry in undone:
            entry.again()
            if not isinstance(failure, Moved | Unwritten):
                # Nobody fails with another's request: by itself each shows whether it is the one.
                entry.tries = max(entry.tries, _TOGETHER_AT_MOST)
            if entry.tries > MOST_TRIES:
                entry.refusal = Contended(f"line {entry.asked.subscription} is written to all the time; send it again")
                self._answer([entry])
            else:
                self._wait(entry)

    # What memory lacks is read in a thread, for all that wait together.

    def _wait(self, entry: Entry) -> None:
        self._waiting[entry.key] = self._waiting.get(entry.key, 0) + 1
        self._cold.append(entry)
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        while self._cold:
            entries = [self._cold.popleft() for _ in range(len(self._cold))]
            if not await self._learned(entries):
                continue
            stuck: set[tuple[str, str]] = set()
            for entry in entries:
                self._waited(entry)
                if entry.key in stuck:
                    self._wait(entry)
                elif entry.tries >= _TOGETHER_AT_MOST:
                    await self._alone(entry)
                else:
                    self._retake(entry, stuck)
            for lane in self._lanes:
                self._write_due(lane)
            self._charger.trim({entry.key for lane in self._lanes for entry in lane.entries} | self._waiting.keys())
        self._reading = None

    async def _learned(self, entries: Sequence[Entry]) -> bool:
        reading = asyncio.get_running_loop().run_in_executor(self._reader, self._charger.read, entries)
        await asyncio.wait([reading])
        failure = reading.exception()
        if failure is None:
            self._charger.learn(reading.result())
            return True
        for entry in entries:
            self._waited(entry)
            self._fail(entry, failure)
        return False

    def _retake(self, entry: Entry, stuck: set[tuple[str, str]]) -> None:
        lane = self._lanes[self._charger.lane_of(entry.asked)]
        if not self._decided(lane, entry):
            stuck.add(entry.key)
            self._wait(entry)
            return
        lane.entries.append(entry)
        if not lane.is_busy and len(lane.entries) >= _EARLY:
            self._write(lane)

    def _waited(self, entry: Entry) -> None:
        left = self._waiting[entry.key] - 1
        if left:
            self._waiting[entry.key] = left
        else:
            del self._waiting[entry.key]

    async def _alone(self, entry: Entry) -> None:
        """Write an entry by itself, with nothing else under way."""
        self._is_single = True
        for lane in self._lanes:
            self._write_due(lane)
            while lane.is_busy:
                lane.idle.clear()
                await lane.idle.wait()
        loop = asyncio.get_running_loop()
        working = loop.run_in_executor(self._reader, alone, self._charger, entry)
        await asyncio.wait([working])
        failure = working.exception()
        if failure is None:
            self._answer([entry])
        else:
            self._fail(entry, failure)
        self._is_single = False

    def _answer(self, entries: Sequence[Entry]) -> None:
        """Give answers away; a client that is gone gets none."""
        for entry in entries:
            done = entry.done
            if done.done():
                continue
            if entry.refusal is None:
                done.set_result(entry.answer)
            else:
                done.set_exception(entry.refusal)
        self._through_with(len(entries))

    def _fail(self, entry: Entry, failure: BaseException) -> None:
        if not entry.done.done():
            entry.done.set_exception(failure)
        self._through_with(1)

    def _through_with(self, some: int) -> None:
        self._asked -= some
        if not self._asked:
            self._idle.set()
