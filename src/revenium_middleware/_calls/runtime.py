"""The composition root: the one object that holds what changes while a process runs."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from typing import TYPE_CHECKING, Any, Callable, FrozenSet, List, Mapping, Optional, Tuple

from .._core import scope
from .._core.diagnostics import Guard, apply_log_level, diagnostics, logger
from .._core.distributions import warn_of_others
from .._core.metadata import overlay
from .._core.record import Record
from .._core.settings import Keys, Settings, Source, ledger_path
from .._core.shared import FORK, Tally
from .call import Call, Request
from .declarations import Host
from .hooks import Hooks
from .memory import Jobs, Models, Streams
from .notices import Notices, say_local
from .streams import Watch

if TYPE_CHECKING:  # sqlite3 and the sender are loaded with the first record, not with the import
    from .._delivery.delivery import Delivery
    from .._delivery.entries import Standing
    from .carrying import Carrying
    from .status import Status
    from .termination import Termination
    from .worker import Worker


class Runtime:
    """Everything mutable: settings in force, hooks, open streams, jobs, and the delivery of records."""

    def __init__(self) -> None:
        self.hooks = Hooks()
        self._carrying: Optional[Carrying] = None
        self.shutdown_event = threading.Event()
        """Set when the process has begun to end."""
        scope.on_first_use(self._carry)
        self._exit_watched = False
        self._termination: Optional[Termination] = None
        self._inherited: List[object] = []
        """A parent's objects in a forked child: kept referenced, never used, never collected."""
        self._fresh()
        os.register_at_fork(before=self._before_fork, after_in_parent=self._after_fork_in_parent, after_in_child=self._after_fork_in_child)

    def _fresh(self) -> None:
        self._source = Source()
        self.keys = Keys()
        self._delivery: Optional[Delivery] = None
        self.jobs = Jobs()
        self.streams = Streams()
        self._models = Models()
        self.unkept = Tally()
        self._worker: Optional[Worker] = None
        self.notices = Notices(lambda work, start: self.worker.soon(work, start))
        self.delivered_before = 0
        """What was delivered when the counts were last reset."""
        diagnostics.listener = self.notices.internal

    @property
    def worker(self) -> Worker:
        """The thread for what users have done in the background."""
        if self._worker is None:
            with FORK:  # a child forked during an import could never import the same
                from .worker import Worker

                self._worker = self._worker or Worker(self.watch_exit)
        return self._worker

    # ------------------------------------------------------------------ settings and hooks

    def settings(self) -> Settings:
        settings, changed = self._source.current()
        if changed:
            with Guard("settings"):
                self._apply(settings)
        return settings

    def _apply(self, settings: Settings) -> None:
        apply_log_level(settings.log_level)
        if settings.install_signal_handlers:
            self._watch_termination()
        for fault in settings.faults:
            diagnostics.warn("settings/" + fault, "%s", fault)
        if not settings.local:
            self.keys.learn(settings.api_key)
        else:
            say_local(settings)

    def _carry(self) -> None:
        if Source().current()[0].carry_context:  # a scope is no call yet: nothing is to be said about keys
            with FORK:
                from .carrying import Carrying

                self._carrying = self._carrying or Carrying()
            self._carrying.install()

    def _watch_termination(self) -> None:
        with FORK:
            from .termination import Termination

            self._termination = self._termination or Termination(self.shutdown)
        self._termination.install()

    def give(self, **values: Optional[str]) -> None:
        self._source.give(**values)

    def activate(self, middleware: str, sdks: Mapping[str, str]) -> None:
        """``import revenium_middleware.<middleware>`` asks for its SDKs to be metered: import name -> what to install."""
        if self._carrying is None or not self._carrying.hooked:
            scope.on_first_use(self._carry)
        self.watch_exit()
        if self._source.look().install_signal_handlers:  # by the first call it may be too late: that one can come from any thread
            self._watch_termination()
        warn_of_others()
        self.hooks.ask(middleware, sdks)

    def initialized(self, middleware: str) -> Tuple[bool, str]:
        """(whether calls are metered and records kept, why not)."""
        lacking = self.hooks.lacking(middleware)
        if lacking:
            return False, lacking
        settings = self.settings()
        if settings.local and settings.ledger.lower() == "off":
            return False, "the ledger is off and no usable key is set"
        return True, ""

    def uninstall(self) -> None:
        self.hooks.uninstall()
        scope.on_first_use(None)
        for hooked in (self._carrying, self._termination):
            if hooked is not None:
                hooked.uninstall()

    # ------------------------------------------------------------------ calls

    def begin(self, request: Optional[Request], given: Optional[Mapping[str, Any]], meters: Callable[[Host, FrozenSet[str]], bool]) -> Optional[Call]:
        """The call to measure, or None when it is not ours: another layer owns it, or it is not to be metered."""
        if request is None:
            return None
        settings, around = self.settings(), scope.current()
        if around.owner is not None or (settings.selective_metering and not around.metered):
            return None
        if not meters(request.host, frozenset(self.hooks.asked)):
            return None
        host = request.host
        deployed = {**host.supposes, **settings.metadata, **host.says} if host.says or host.supposes else settings.metadata
        call = Call(self, request, overlay(overlay(deployed, around.metadata), given or {}), around)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("call to %s (%s %s), model %s", request.host.provider, request.endpoint.method, request.url.split("?")[0], request.model or "unknown")
        return call

    def commit(self, record: Record) -> None:
        """Keep ``record`` before the call returns, and let the sender know."""
        if logger.isEnabledFor(logging.DEBUG):
            from .status import shown

            logger.debug("record %s (%s): %s", record.id, record.kind, shown(record.values))
        delivery = self.delivery(bool(record.credential))
        if delivery is None:
            self.unkept.add()
        else:
            delivery.append(record)

    def delivery(self, addressed: bool = False) -> Optional[Delivery]:
        """What keeps and delivers records, begun with the first of them; None where there is nowhere to keep any."""
        delivery = self._delivery
        if delivery is None:
            settings = self.settings()
            if settings.local and settings.ledger.lower() == "off" and not addressed:
                return None
            with FORK:  # the import too: a child forked during it could never import the module
                from .._delivery.delivery import Delivery

                if self._delivery is None:
                    self._delivery = Delivery(self.settings, self.keys, self.streams.settle_dropped, self.notices.delivery_failed)
                    self.watch_exit()
                delivery = self._delivery
        return delivery

    def resolve(self, model: str, request: Request) -> str:
        return self._models.resolve(model, request, "" if request.model else self.settings().azure_deployment)

    def opened(self, call: Call) -> None:
        """A stream began: from now on somebody has to be there to settle it, should it be dropped."""
        self.streams.open.add(call)
        delivery = self.delivery()
        if delivery is not None:
            delivery.sender.wake()

    def closed(self, call: Call) -> None:
        self.streams.open.discard(call)

    def dropped(self, watch: Watch) -> None:
        """Called by a finaliser, at any point of any thread: queue, and nudge; nothing here takes a lock."""
        if self.streams.drop(watch) and self._delivery is not None:
            self._delivery.sender.nudge()

    # ------------------------------------------------------------------ what the user asks

    def flush(self, timeout: float) -> int:
        """Deliver what is pending, within ``timeout`` seconds; returns how many records still are."""
        if self._delivery is None:
            return 0
        self._delivery.flush(timeout)
        return self.status().pending

    def status(self) -> Status:
        with FORK:
            from .status import status_of

        with Guard("status"):
            return status_of(self, self._delivery, self.standing())
        from .._delivery.entries import Standing

        return status_of(self, self._delivery, Standing())

    def standing(self) -> Standing:
        """Where the records are: those of the ledger, and what only this process ever had."""
        with FORK:
            from .._delivery.intake import standing_of

        delivery, unkept = self._delivery, int(self.unkept)
        books = delivery.store.standing() if delivery is not None else standing_of(ledger_path(self.settings()))
        return books._replace(recorded=books.recorded + unkept, evicted=books.evicted + unkept)

    # ------------------------------------------------------------------ ends and forks

    def watch_exit(self) -> None:
        """From the import on: finalisers and exit functions made later then run before ours, and what they record is delivered."""
        if not self._exit_watched:
            self._exit_watched = True
            atexit.register(self.shutdown)

    def shutdown(self, ends: bool = True) -> None:
        """At exit streams still open are abandoned, unless the app's own SIGTERM handler follows; what cannot be delivered in time stays."""
        try:
            with Guard("exit"):
                self._deliver_the_last(ends)
        except KeyboardInterrupt:  # a second Ctrl-C: no more waiting
            if not ends:
                raise

    def _deliver_the_last(self, ends: bool) -> None:
        if ends:
            self.shutdown_event.set()
            if self._worker is not None and self._worker.busy:
                self._worker.finish(self.settings().shutdown_seconds / 2)  # what it records is delivered below
            for call in list(self.streams.open):
                call.abandon()
        if self._delivery is not None:
            settings = self.settings()
            self._delivery.flush(settings.shutdown_seconds if not settings.local else min(settings.shutdown_seconds, 2.0), last=ends)
        if ends and self.notices.telling:
            if self.worker.submit(self.notices.tell) is None:
                self.notices.tell()  # no thread can be started any more
            self.worker.finish(1.0)

    def _before_fork(self) -> None:
        FORK.acquire()
        if self._delivery is not None:
            self._delivery.hold()

    def _after_fork_in_parent(self) -> None:
        if self._delivery is not None:
            self._delivery.let_go()
        FORK.release()

    def _after_fork_in_child(self) -> None:
        """Start over: the parent's records are the parent's to send, its connection, loop and sockets are not touched."""
        self._inherited += [self._delivery, self.streams, self._worker]
        if self._delivery is not None:
            self._delivery.forget()
        FORK.release()
        source, keys, jobs, callbacks = self._source, self.keys, self.jobs, self.notices.callbacks
        self._fresh()
        self._source, self.keys, self.jobs, self.notices.callbacks = source, keys, jobs, callbacks

    def reset(self) -> None:
        """A pristine runtime, for tests; hooks stay."""
        if self._termination is not None:
            self._termination.uninstall()
        if self._worker is not None:
            self._worker.stop()
        if self._delivery is not None:
            self._delivery.close()
        self.shutdown_event.clear()
        self._fresh()
        diagnostics.reset()


runtime = Runtime()
