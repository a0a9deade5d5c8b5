"""FHIRPath: text to tree with fhirpathpy's grammar, tree to items with its engine, both bounded.

The grammar alone accepts trailing text and recovers from errors in silence, so syntax is checked here.
Members, calls, constants and texts become tree nodes of our own: calls restore ``$this`` (the engine leaks
it), members step as :mod:`suwen.records.fhir._path_nodes` says, and both draw on one budget of steps.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from antlr4 import CommonTokenStream, InputStream, Token  # type: ignore[import-untyped]
from antlr4.error.ErrorListener import ErrorListener  # type: ignore[import-untyped]
from antlr4.tree.Tree import ParseTreeWalker  # type: ignore[import-untyped]
from fhirpathpy.engine import do_eval, doInvoke
from fhirpathpy.engine.evaluators import evaluators
from fhirpathpy.engine.invocations.constants import constants
from fhirpathpy.engine.util import get_data
from fhirpathpy.parser.ASTPathListener import ASTPathListener
from fhirpathpy.parser.generated.FHIRPathLexer import FHIRPathLexer
from fhirpathpy.parser.generated.FHIRPathParser import FHIRPathParser

from suwen.core.errors import BadInput, nearest
from suwen.records.fhir._path_functions import FUNCTIONS, NAMES, bounded, single, spend
from suwen.records.fhir._path_nodes import MODEL, Node, step

MAX_LENGTH = 2_000
MAX_NESTING = 40
MAX_STEPS = 100_000
"""Items one evaluation may visit."""
PREDEFINED: dict[str, Any] = {
    "ucum": "http://unitsofmeasure.org",
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}
CONTEXT = frozenset({"context", "resource", "rootResource", "rowIndex"})
"""Names that stand for the place a path is evaluated at."""
_CANONICAL = {"vs": "http://hl7.org/fhir/ValueSet/", "ext": "http://hl7.org/fhir/StructureDefinition/"}
"""Constants such as ``%`vs-name```, which FHIR gives every path."""
_CANONICAL_PREFIXES = tuple(f"{kind}-" for kind in _CANONICAL)
_WORDS = frozenset({"div", "mod", "and", "or", "xor", "implies"})
_SCOPE = ("$this", "$index", "$total")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_CONTROL = {"r": "\r", "n": "\n", "t": "\t", "f": "\f"}

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A path's tree, and the names of the constants it uses."""

    tree: Tree
    constants: frozenset[str]


@lru_cache(maxsize=2_048)
def parse(expression: str) -> Parsed:
    """Read a path.

    Raises
    ------
    BadInput
        Code ``bad-fhirpath``: too long, nested too deeply, not FHIRPath, or a function nobody knows.
    """
    if len(expression) > MAX_LENGTH:
        raise wrong("the path is too long", fix=f"At most {MAX_LENGTH} characters are read")
    depth = deepest = 0
    for sign in expression:
        depth += (sign in "([{") - (sign in ")]}")
        deepest = max(deepest, depth)
    if deepest > MAX_NESTING:
        raise wrong("the path is nested too deeply", expression)
    listener = _Strict()
    try:
        lexer = FHIRPathLexer(InputStream(expression))
        tokens = CommonTokenStream(lexer)
        parser = FHIRPathParser(tokens)
        for part in (lexer, parser):
            part.removeErrorListeners()
            part.addErrorListener(listener)
        _name_after_dot(tokens)
        found = parser.expression()
        if parser.getCurrentToken().type != Token.EOF:
            raise ValueError("text after the end of the path")
        builder = ASTPathListener()  # type: ignore[no-untyped-call]
        ParseTreeWalker().walk(builder, found)
        names: set[str] = set()
        tree = _own(builder.parentStack[0]["children"][0], names)
    except BadInput:
        raise
    except Exception:  # the grammar's errors have no common type
        raise wrong("this is not a FHIRPath expression", expression) from None
    return Parsed(tree, frozenset(names))


def _name_after_dot(tokens: Any) -> None:
    """Let operators be names where only a name can stand: FHIR itself writes ``Patient.text.div``."""
    tokens.fill()
    for before, token in pairwise(one for one in tokens.tokens if one.channel == Token.DEFAULT_CHANNEL):
        if before.text == "." and token.text in _WORDS:
            token.type = FHIRPathLexer.IDENTIFIER


def evaluate(parsed: Parsed, expression: str, focus: Node | None, variables: Mapping[str, Any]) -> list[Any]:
    """Items a path finds from ``focus`` (nothing, when it is ``None``): nodes and computed values.

    Raises
    ------
    BadInput
        Code ``bad-fhirpath``: the path cannot be computed here. The sentence names the path and no value.
    """
    root = [] if focus is None else [focus]
    context = {
        "dataRoot": root,
        "$this": root,
        "vars": variables,
        "model": MODEL,
        "userInvocationTable": FUNCTIONS,
        "budget": MAX_STEPS,
    }
    constants.reset()  # type: ignore[no-untyped-call]
    try:
        return list(do_eval(context, root, parsed.tree))  # type: ignore[no-untyped-call]
    except BadInput:
        raise
    except (OverflowError, RecursionError):
        raise wrong(
            "the path asks for too much", expression, fix=f"It may visit {MAX_STEPS} elements"
        ) from None
    except Exception:  # the engine raises bare Exceptions that quote the data
        raise wrong("the path cannot be computed on this data", expression) from None


def wrong(what: str, expression: str | None = None, *, fix: str | None = None) -> BadInput:
    """The error of a path; ``expression`` says which."""
    return BadInput(what, where=expression, fix=fix, code="bad-fhirpath")


class _Strict(ErrorListener):  # type: ignore[misc]  # antlr4 is untyped
    def syntaxError(self, *given: Any) -> None:  # noqa: N802
        raise ValueError("syntax error")


def _own(node: Tree, names: set[str]) -> Tree:
    """The tree with members, calls, constants and texts as our own kinds."""
    children = node.get("children", [])
    match node["type"]:
        case "MemberInvocation":
            return {"type": "suwen:member", "key": _plain(children[0]["text"])}
        case "FunctionInvocation":
            name, *parameters = children[0]["children"]
            if (called := _plain(name["text"])) not in NAMES:
                raise wrong(f"there is no function '{called}'", fix=nearest(called, NAMES))
            given = [_own(one, names) for one in parameters[0]["children"]] if parameters else None
            return {"type": "suwen:call", "name": called, "children": given}
        case "ExternalConstantTerm":
            (constant,) = children
            inner = constant.get("children")
            name = _plain(inner[0]["text"] if inner else constant["terminalNodeText"][1])
            if not name.startswith(_CANONICAL_PREFIXES):
                names.add(name)
            return {"type": "suwen:constant", "name": name}
        case "PolarityExpression":
            operand = _own(children[0], names)
            return {"type": "suwen:sign", "sign": node["terminalNodeText"][0], "children": [operand]}
        case "StringLiteral":
            return {"type": "suwen:text", "value": _plain(node["text"])}
    return {**node, "children": [_own(child, names) for child in children]}


def _plain(text: str) -> str:
    """A quoted or delimited word without its quotes and escapes; any other word as it is."""
    if text[:1] not in {"'", '"', "`"}:
        return text
    return _ESCAPE.sub(
        lambda found: chr(int(found[1][1:], 16)) if len(found[1]) == 5 else _CONTROL.get(found[1], found[1]),
        text[1:-1],
    )


def _member(context: dict[str, Any], items: list[Any], node: Tree) -> list[Any]:
    spend(context, len(items) + 1)
    found: list[Any] = []
    for item in items:
        step(item, node["key"], found)
    return found


def _call(context: dict[str, Any], items: list[Any], node: Tree) -> list[Any]:
    spend(context, len(items) + 1)
    kept = {name: context[name] for name in _SCOPE if name in context}
    try:
        found: list[Any] = doInvoke(context, node["name"], items, node["children"])  # type: ignore[no-untyped-call]
    finally:
        context.update(kept)
    if found:
        bounded(found[0])
    return found


def _constant(context: dict[str, Any], items: list[Any], node: Tree) -> list[Any]:
    kind, _, name = node["name"].partition("-")
    value = _CANONICAL[kind] + name if name and kind in _CANONICAL else context["vars"][node["name"]]
    return [] if value is None else [value]


def _sign(context: dict[str, Any], items: list[Any], node: Tree) -> list[Any]:
    operand = single(do_eval(context, items, node["children"][0]))  # type: ignore[no-untyped-call]
    value = get_data(operand)  # type: ignore[no-untyped-call]
    if isinstance(value, bool):
        raise TypeError("a truth value has no sign")
    return [] if value is None else [-value if node["sign"] == "-" else +value]


def _text(context: dict[str, Any], items: list[Any], node: Tree) -> list[Any]:
    return [node["value"]]


evaluators.update(
    {
        "suwen:member": _member,
        "suwen:call": _call,
        "suwen:constant": _constant,
        "suwen:sign": _sign,
        "suwen:text": _text,
    }
)
