"""Completion of what stands after a magic: a matcher of IPython's, driven by the parsers of the verbs."""

from __future__ import annotations

import re
from collections.abc import Callable

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from rlkit.notebook.magics import VerbMagic
from rlkit.notebook.scope import NotebookScope
from rlkit.verbs.completion import Completions, complete, complete_body

# A magic stands at the start of a line, or after the equals sign of an assignment.
_LINE = re.compile(r"\s*(?:[^%=\s][^%=]*=\s*)?%{1,2}(rl_\w+)[ \t](.*)", re.DOTALL)
_BODY = re.compile(r"\s*%%rl_config[ \t]+(.*)")


def make_matcher(
    magics: dict[str, VerbMagic], scope: Callable[[], NotebookScope]
) -> Callable[[CompletionContext], SimpleMatcherResult]:
    """Return a matcher for ``ip.Completer.custom_matchers``.

    Args:
        magics: The magics by name, such as ``"rl_train"``.
        scope: Returns what words mean now.
    """

    def find(context: CompletionContext) -> Completions:
        lines = context.full_text.split("\n")
        first = next((number for number, line in enumerate(lines) if line.strip()), 0)
        body = _BODY.fullmatch(lines[first])
        before = lines[context.cursor_line][: context.cursor_position]
        if body and context.cursor_line > first:
            return complete_body(body[1], "\n".join([*lines[first + 1 : context.cursor_line], before]))
        line = _LINE.fullmatch(before)
        if line is None or line[1] not in magics:
            return Completions("")
        magic = magics[line[1]]
        return complete(magic.verb, magic.prog, line[2], scope())

    @context_matcher(identifier="rlkit")  # type: ignore[untyped-decorator]
    def match(context: CompletionContext) -> SimpleMatcherResult:
        found = find(context)
        return SimpleMatcherResult(
            completions=[SimpleCompletion(text=option, type="magic") for option in found.options],
            matched_fragment=found.fragment,
            suppress=bool(found.options),
            ordered=True,
        )

    return match  # type: ignore[no-any-return]
