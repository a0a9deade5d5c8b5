"""Published schemas."""

from __future__ import annotations

import jsonschema
import pytest

from suwen.core.errors import NotFound, SuwenError
from suwen.core.schemas import VERBS, schema_of


def test_every_error_follows_its_schema() -> None:
    for error in (SuwenError("what"), SuwenError("what", where="w", fix="f", code="c")):
        jsonschema.validate(error.as_dict(), schema_of("error"))


def test_documents_may_gain_keys_and_never_lose_one() -> None:
    document = {"path": "p", "licence": "l", "further": 1}
    jsonschema.validate(document, schema_of("fetch"))
    for key in ("path", "licence"):
        with pytest.raises(jsonschema.ValidationError, match=key):
            jsonschema.validate({k: v for k, v in document.items() if k != key}, schema_of("fetch"))


def test_schemas_are_named_and_apart() -> None:
    assert len({schema_of(verb)["$id"] for verb in VERBS}) == len(VERBS)
    with pytest.raises(NotFound) as refused:
        schema_of("train ")
    assert refused.value.code == "no-schema"
    assert "'train'" in str(refused.value)
