"""Questions in files: one file, a folder of them, each read by the reader of its task."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from suwen.core.errors import BadInput, NotFound, SuwenError
from suwen.core.sample import Sample, Samples, Unusable
from suwen.core.target import Reference
from suwen.formats.fingerprint import fingerprint

if TYPE_CHECKING:
    from suwen.core.task import Task


class Question(Protocol):
    """What a question says of itself, whatever it asks."""

    @property
    def subject_id(self) -> str:
        """Whom it is about; empty where nobody is named: it then counts as its own."""
        ...

    @property
    def stratum(self) -> str:
        """What kind of question it is."""
        ...

    @property
    def reference(self) -> Mapping[str, float]:
        """Name to figure of what is known of the answer; often empty."""
        ...

    @property
    def simulated(self) -> bool:
        """Whether it is of a phantom."""
        ...

    def content_key(self) -> str:
        """SHA-256 (hex) of what is asked."""
        ...


Reader = Callable[[Any], Sequence[Question]]


@dataclass(frozen=True, kw_only=True)
class Questions:
    """The source of a computed task.

    Attributes
    ----------
    reader
        ``package.module:function`` that turns a path, bytes or a parsed document into questions.
    endings
        Names of files that hold questions end so; others in a folder are what questions name, and passed over.
    field
        Name of the task's one input.
    """

    reader: str
    endings: tuple[str, ...]
    field: str = "case"

    def collect(self, task: Task, source: str) -> Samples:
        """Every question of a file or folder.

        Raises
        ------
        NotFound
            No such source.
        BadInput
            ``empty-folder`` where it holds no question. A file that cannot be read is among the unusable.
        """
        path = Path(source).expanduser()
        if not path.exists():
            raise NotFound(
                "there is no such data source", where=str(path), fix="Give a case or a folder of them"
            )
        files = [path] if path.is_file() else self._files(path)
        samples: list[Sample] = []
        known: list[bool] = []
        unusable: list[Unusable] = []
        for file in files:
            name = file.name if file == path else file.relative_to(path).as_posix()
            try:
                asked = self._read(file)
            except SuwenError as error:
                if file == path:
                    raise
                unusable.append(Unusable(source=name, code=error.code, reason=error.what))
                continue
            for number, question in enumerate(asked):
                called = name if len(asked) == 1 else f"{name}[{number}]"
                samples.append(self._sample(question, called))
                known.append(bool(question.subject_id))
        if not samples and not unusable:
            raise BadInput(
                "the folder holds no questions",
                where=str(path),
                fix=f"Files that end with {', '.join(self.endings)} are read",
                code="empty-folder",
            )
        return Samples(
            samples=tuple(samples),
            fingerprint=fingerprint(samples, known),
            unusable=tuple(unusable),
            subjects_known=any(known),
            notes=() if any(known) else ("no subjects are named: every question counts as its own",),
        )

    def read(self, task: Task, item: Any) -> list[Sample]:
        """Questions of one file, of its content, or of a parsed document."""
        return [self._sample(question, "case") for question in self._read(item)]

    def _files(self, folder: Path) -> list[Path]:
        found = sorted(
            path for path in folder.rglob("*") if path.is_file() and path.name.endswith(self.endings)
        )
        return [
            path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)
        ]

    def _read(self, item: Any) -> Sequence[Question]:
        module, _, name = self.reader.partition(":")
        read: Reader = getattr(importlib.import_module(module), name)
        return read(item)

    def _sample(self, question: Question, source: str) -> Sample:
        return Sample(
            subject_id=question.subject_id or f"question-{question.content_key()[:16]}",
            inputs={self.field: question},
            target=Reference(stratum=question.stratum, values=tuple(sorted(question.reference.items()))),
            source=source,
        )
