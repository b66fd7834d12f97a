"""The composition root: the one object that holds what changes while a process runs."""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading
from typing import TYPE_CHECKING, Any, Callable, Dict, FrozenSet, List, Mapping, Optional, Set, Tuple
from urllib.parse import urlsplit

from .._core import scope
from .._core.diagnostics import Guard, apply_log_level, diagnostics, logger
from .._core.distributions import warn_of_others
from .._core.metadata import overlay
from .._core.record import Record
from .._core.settings import Settings, Source, ledger_path
from .call import Call, Request
from .declarations import Host
from .hooks import Hooks, available
from .jobs import Jobs
from .streams import Watch

if TYPE_CHECKING:  # sqlite3 and the sender are loaded with the first record, not with the import
    from .._delivery.delivery import Delivery
    from .status import Status


class Runtime:
    """Everything mutable: settings in force, hooks, open streams, jobs, and the delivery of records."""

    def __init__(self) -> None:
        self.hooks = Hooks()
        self._middleware: Dict[str, Tuple[str, ...]] = {}
        self._lock = threading.RLock()
        self._inherited: List[object] = []
        """A parent's objects in a forked child: kept referenced, never used, never collected."""
        self._fresh()
        os.register_at_fork(before=self._before_fork, after_in_parent=self._after_fork_in_parent, after_in_child=self._after_fork_in_child)

    def _fresh(self) -> None:
        self._source = Source()
        self._keys: Dict[str, str] = {}
        self._delivery: Optional[Delivery] = None
        self.jobs = Jobs()
        self._open: Set[Call] = set()
        self._dropped: "queue.SimpleQueue[Watch]" = queue.SimpleQueue()
        self._deployments: Dict[str, str] = {}
        self._unkept = 0

    # ------------------------------------------------------------------ settings and hooks

    def settings(self) -> Settings:
        settings, changed = self._source.current()
        if changed:
            with Guard("settings"):
                self._apply(settings)
        return settings

    def _apply(self, settings: Settings) -> None:
        apply_log_level(settings.log_level)
        for fault in settings.faults:
            diagnostics.warn("settings/" + fault, "%s", fault)
        if not settings.local:
            self._keys[settings.credential] = settings.api_key
        else:
            where = ledger_path(settings) or settings.ledger.lower() or "memory"
            level = logging.INFO if settings.malformed else logging.WARNING  # what is malformed was the one warning
            message = "no usable Revenium key: records stay in the local ledger (%s); revenium-meter report shows them"
            if where == "off":
                message = "no usable Revenium key, and the ledger is %s: records are dropped and counted"
            diagnostics.once("settings/local/%s" % where, level, message, where)

    def give(self, **values: Optional[str]) -> None:
        self._source.give(**values)

    def activate(self, middleware: str, sdks: Mapping[str, str]) -> None:
        """``import revenium_middleware.<middleware>`` asks for its SDKs to be metered: import name -> what to install."""
        self._middleware[middleware] = tuple(sdks)
        warn_of_others()
        if not any(available(sdk) for sdk in sdks):
            diagnostics.warn("hooks/absent/" + middleware, "revenium_middleware.%s has nothing to meter: install %s", middleware, " or ".join(sdks.values()))

    def initialized(self, middleware: str) -> Tuple[bool, str]:
        """(whether calls are metered and records kept, why not)."""
        sdks = [sdk for sdk in self._middleware.get(middleware, ()) if available(sdk)]
        if not sdks:
            return False, "its SDK is not installed"
        broken = [label for sdk in sdks if not self.hooks.complete(sdk) for label in self.hooks.missing.get(sdk) or [sdk]]
        if broken:
            return False, "not hooked: %s" % ", ".join(broken)
        settings = self.settings()
        if settings.local and settings.ledger.lower() == "off":
            return False, "the ledger is off and no usable key is set"
        return True, ""

    def uninstall(self) -> None:
        self.hooks.uninstall()
        self._middleware.clear()

    # ------------------------------------------------------------------ calls

    def begin(self, request: Optional[Request], given: Optional[Mapping[str, Any]], meters: Callable[[Host, FrozenSet[str]], bool]) -> Optional[Call]:
        """The call to measure, or None when it is not ours: another layer owns it, or it is not to be metered."""
        if request is None:
            return None
        settings, around = self.settings(), scope.current()
        if around.owner is not None or (settings.selective_metering and not around.metered):
            return None
        if not meters(request.host, frozenset(self._middleware)):
            return None
        call = Call(self, request, overlay(overlay(settings.metadata, around.metadata), given or {}))
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("call to %s (%s %s), model %s", request.host.provider, request.endpoint.method, request.url.split("?")[0], request.model or "unknown")
        return call

    def commit(self, record: Record) -> None:
        """Keep ``record`` before the call returns, and let the sender know."""
        if logger.isEnabledFor(logging.DEBUG):
            from .status import shown

            logger.debug("record %s (%s): %s", record.id, record.kind, shown(record.values))
        delivery = self.delivery()
        if delivery is None:
            self._unkept += 1
        else:
            delivery.append(record)

    def delivery(self) -> Optional[Delivery]:
        """What keeps and delivers records, begun with the first of them; None where there is nowhere to keep any."""
        delivery = self._delivery
        if delivery is None:
            settings = self.settings()
            if settings.local and settings.ledger.lower() == "off":
                return None
            from .._delivery.delivery import Delivery

            with self._lock:
                if self._delivery is None:
                    self._delivery = Delivery(self.settings, self._keys, self._settle_dropped)
                    atexit.unregister(self.shutdown)
                    atexit.register(self.shutdown)  # before any finaliser of ours exists, so it runs after them
                delivery = self._delivery
        return delivery

    def resolve(self, model: str, request: Request) -> str:
        """The model to record: as answered; else what this deployment last answered with; else what its name tells."""
        host = request.host
        name = host.deployment_of(request.url, request.model, self.settings().azure_deployment)
        known, why = "%s|%s" % (_address(request.url), name), "as answered"
        if not model:
            model, why = self._deployments.get(known, ""), "as it answered before"
        elif name and (known in self._deployments or len(self._deployments) < 10_000):
            self._deployments[known] = model
        if not model:
            model, why = host.family_of(name) or "unknown", "by its name"
        if logger.isEnabledFor(logging.DEBUG):
            where = urlsplit(request.url)
            logger.debug("%s at %s%s: %s -> %s (%s)", host.provider, where.hostname, where.path, name or "no model named", model, why)
        return model

    def opened(self, call: Call) -> None:
        """A stream began: from now on somebody has to be there to settle it, should it be dropped."""
        self._open.add(call)
        delivery = self.delivery()
        if delivery is not None:
            delivery.sender.wake()

    def closed(self, call: Call) -> None:
        self._open.discard(call)

    def dropped(self, watch: Watch) -> None:
        """Called by a finaliser, at any point of any thread: queue, and nudge; nothing here takes a lock."""
        if not watch.call.settled:
            self._dropped.put(watch)
            if self._delivery is not None:
                self._delivery.sender.nudge()

    def _settle_dropped(self) -> None:
        while True:
            try:
                watch = self._dropped.get_nowait()
            except queue.Empty:
                return
            watch.inside = False
            watch.closed()

    # ------------------------------------------------------------------ what the user asks

    def flush(self, timeout: float) -> int:
        """Deliver what is pending, within ``timeout`` seconds; returns how many records still are."""
        if self._delivery is None:
            return 0
        self._delivery.flush(timeout)
        return self.status().pending

    def status(self) -> Status:
        from .status import Status

        settings, delivery = self.settings(), self._delivery
        counts: Mapping[str, int] = {}
        with Guard("status"):
            counts = delivery.store.counts() if delivery is not None else {}
        return Status(
            recorded=delivery.recorded if delivery is not None else 0,
            delivered=delivery.delivered_count if delivery is not None else 0,
            refused=delivery.refused_count if delivery is not None else 0,
            dropped=self._unkept + (delivery.store.evicted if delivery is not None else 0),
            pending=counts.get("pending", 0),
            local=counts.get("local", 0),
            open_streams=len(self._open),
            failures=dict(diagnostics.failures),
            last_failure=diagnostics.last_failure,
            last_refusal=delivery.last_refusal if delivery is not None else None,
            last_delivery=delivery.last_delivery if delivery is not None else None,
            mode="local" if settings.local else "api",
            ledger=str(ledger_path(settings) or settings.ledger.lower() or "memory"),
            faults=settings.faults,
            hooked={sdk: tuple(labels) for sdk, labels in self.hooks.hooked.items()},
            missing={sdk: tuple(labels) for sdk, labels in self.hooks.missing.items() if labels},
            not_initialized={name: why for name in self._middleware for ready, why in [self.initialized(name)] if not ready},
        )

    # ------------------------------------------------------------------ ends and forks

    def shutdown(self) -> None:
        """At exit: streams still open are abandoned now; what cannot be delivered in time stays in the ledger."""
        with Guard("exit"):
            for call in list(self._open):
                call.abandon()
            settings = self.settings()
            if self._delivery is not None:
                self._delivery.flush(settings.shutdown_seconds if not settings.local else min(settings.shutdown_seconds, 2.0))

    def _before_fork(self) -> None:
        self._lock.acquire()
        if self._delivery is not None:
            self._delivery.hold()

    def _after_fork_in_parent(self) -> None:
        if self._delivery is not None:
            self._delivery.let_go()
        self._lock.release()

    def _after_fork_in_child(self) -> None:
        """Start over: the parent's records are the parent's to send, its connection, loop and sockets are not touched."""
        self._inherited += [self._delivery, self._open, self._dropped]
        if self._delivery is not None:
            self._delivery.forget()
        self._lock = threading.RLock()
        source, keys, jobs = self._source, self._keys, self.jobs
        self._fresh()
        self._source, self._keys, self.jobs = source, keys, jobs

    def reset(self) -> None:
        """A pristine runtime, for tests; hooks stay."""
        atexit.unregister(self.shutdown)
        if self._delivery is not None:
            self._delivery.close()
        self._fresh()
        diagnostics.reset()


def _address(url: str) -> str:
    """Host and port of a URL, at the price of a split: a call has no time for more."""
    parts = url.split("/", 3)
    return parts[2] if len(parts) > 2 else ""


runtime = Runtime()
