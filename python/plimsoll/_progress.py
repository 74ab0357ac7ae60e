# SPDX-License-Identifier: Apache-2.0
"""Says how far long work is: a line in a terminal, a bar in a notebook, nothing elsewhere."""
from __future__ import annotations

import sys
import time
from typing import Any, Callable, Optional, Union

# (task, done, total, unit); total is negative when unknown.
ProgressFunction = Callable[[str, int, int, str], None]
Progress = Optional[Union[bool, ProgressFunction]]

QUIET_SECONDS = 0.5  # shorter work says nothing
_WIDTH = 30


def duration(seconds: float) -> str:
    whole = int(seconds + 0.5)
    if whole < 100:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 6000 else f"{whole // 3600} h {whole % 3600 // 60} min"


class Bar:
    """Shared by both forms: when to speak, and what the line says."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.task_started = self.started
        self.task = ""
        self.shown = False

    def __call__(self, task: str, done: int, total: int, unit: str) -> None:
        now = time.monotonic()
        if task != self.task:
            self.task, self.task_started = task, now
        if now - self.started < QUIET_SECONDS:
            return
        self.shown = True
        share = min(1.0, done / total) if total > 0 else None
        self.draw(task, share, self.words(done, total, unit, share, now - self.task_started))

    @staticmethod
    def words(done: int, total: int, unit: str, share: float | None, seconds: float) -> str:
        count = f"{done:,}" + (f" of {total:,}" if total > 0 else "") + f" {unit}"
        if seconds <= 0 or done <= 0:
            return count
        text = f"{count}, {done / seconds:,.0f} a second"
        return text + (f", {duration(seconds * (1 - share) / share)} left" if share else "")

    def draw(self, task: str, share: float | None, words: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Leaves nothing behind."""


class TerminalBar(Bar):
    def draw(self, task: str, share: float | None, words: str) -> None:
        bar = "" if share is None else "[" + "#" * round(share * _WIDTH) + "." * (_WIDTH - round(share * _WIDTH)) + "] "
        sys.stderr.write(f"\r\x1b[K{task} {bar}{words}")
        sys.stderr.flush()

    def close(self) -> None:
        if self.shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


class NotebookBar(Bar):
    def __init__(self, show: Callable[..., Any]) -> None:
        super().__init__()
        self.show = show
        self.handle: Any = None

    def draw(self, task: str, share: float | None, words: str) -> None:
        page = _Page(f"<div>{task} <progress max=1{'' if share is None else f' value={share:.4f}'}></progress> {words}</div>")
        if self.handle is None:
            self.handle = self.show(page, display_id=True)
        else:
            self.handle.update(page)

    def close(self) -> None:
        if self.handle is not None:
            self.handle.update(_Page(""))


class _Page:
    def __init__(self, html: str) -> None:
        self.html = html

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return ""


def in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None and hasattr(shell, "get_ipython") else None
    return running is not None and hasattr(running, "kernel")


def bar_for(progress: Progress) -> ProgressFunction | None:
    """None: a bar where somebody looks at one; True: always; False: never; a function: that."""
    if callable(progress):
        return progress
    if progress is False:
        return None
    if in_notebook():
        from IPython.display import display

        return NotebookBar(display)
    if progress is True or (sys.stderr is not None and sys.stderr.isatty()):
        return TerminalBar()
    return None
