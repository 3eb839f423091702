"""Unsafe migrations made by machine: safe ones with one thing taken away or put in, and the rules that must see it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.tools.migration_lint.reading import Script


@dataclass(frozen=True)
class Kind:
    """What is done to a script, at one place at a time or at all at once."""

    pattern: str
    replacement: str
    caught_by: frozenset[str]
    everywhere: bool = False
    only_with: str = ""

    def mutants_of(self, script: Script) -> Iterator[str]:
        """Give the script's text, changed in this way; none if there is nothing to change."""
        text = script.text
        places = list(re.finditer(self.pattern, text)) if self.only_with in text else []
        if self.everywhere and places:
            yield re.sub(self.pattern, self.replacement, text)
        elif not self.everywhere:
            yield from (text[: p.start()] + p.expand(self.replacement) + text[p.end() :] for p in places)


def _kind(pattern: str, replacement: str, *caught_by: str, everywhere: bool = False, only_with: str = "") -> Kind:
    return Kind(pattern, replacement, frozenset(caught_by), everywhere, only_with)


_PARENTHESES = r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"
_NAME = r"""(?:"[^"]+"|\w+)"""

KINDS: dict[str, Kind] = {
    "CONCURRENTLY stripped": _kind(
        r"\bCONCURRENTLY\s|\sCONCURRENTLY(?=;)",
        "",
        "blocking-index",
        "blocking-index-drop",
        "blocking-reindex",
        "blocking-refresh",
        "blocking-detach",
    ),
    "NOT VALID stripped": _kind(r"\s+NOT VALID\b", "", "foreign-key-scans", "check-scans"),
    "lock_timeout stripped": _kind(
        r"SET (?:LOCAL )?lock_timeout = [^;]+;", "", "lock-timeout", "hurried-build", everywhere=True
    ),
    "statement_timeout stripped": _kind(
        r"SET (?:LOCAL )?statement_timeout = [^;]+;", "", "statement-timeout", "hurried-build", everywhere=True
    ),
    "the end of time-outs stripped": _kind(r"SET \w+_timeout = 0;", "", "hurried-build", everywhere=True),
    "the return of time-outs stripped": _kind(
        r"(?s)(_timeout = 0;.*?)SET lock_timeout = '300ms';", r"\1", "lock-timeout", everywhere=True
    ),
    "ENABLE ROW LEVEL SECURITY stripped": _kind(
        r"ALTER TABLE \S+ ENABLE ROW LEVEL SECURITY;|\bENABLE ROW LEVEL SECURITY, ",
        "",
        "policy-without-rls",
        "tenant-table-without-rls",
        "partition-without-rls",
    ),
    "FORCE stripped": _kind(
        r"ALTER TABLE \S+ FORCE ROW LEVEL SECURITY;|, FORCE ROW LEVEL SECURITY",
        "",
        "rls-without-force",
        "tenant-table-without-rls",
        "partition-without-rls",
    ),
    "WITH CHECK stripped": _kind(rf" WITH CHECK {_PARENTHESES}", "", "policy-without-check"),
    "search_path of a definer stripped": _kind(
        r"(?<=SECURITY DEFINER)\sSET search_path (?:FROM CURRENT|= [\w', ]+?)(?=\s+AS)", "", "definer-search-path"
    ),
    "pg_temp stripped": _kind(r', "?pg_temp"?', "", "search-path-order"),
    # `points_event` runs with its caller's rights: open to all, it gives nothing away.
    "REVOKE stripped": _kind(
        r"REVOKE ALL ON FUNCTION (?!points_event\()[^;]+;",
        "",
        "definer-open-to-public",
        only_with="SECURITY DEFINER",
    ),
    "security_invoker stripped": _kind(r" WITH \(security_invoker[^)]*\)", "", "view-not-invoker"),
    "the name of a constraint stripped": _kind(
        rf"\bCONSTRAINT {_NAME} (?=PRIMARY|UNIQUE|FOREIGN|CHECK|REFERENCES|EXCLUDE)", "", "unnamed-constraint"
    ),
    "WHERE stripped": _kind(
        r'(\bUPDATE\s+[\w."]+\s+SET\s[^;]*?|\bDELETE FROM\s+[\w."]+)\sWHERE\s[^;]*',
        r"\1",
        "full-table-update",
        "full-table-delete",
    ),
    "COMMIT before a build stripped": _kind(
        r"COMMIT;(?=\s+SET lock_timeout = 0)", "", "concurrently-in-transaction", only_with=" CONCURRENTLY "
    ),
    "a schema put in": _kind(r'\b((?:ALTER|CREATE|DROP) TABLE )(?=["\w])(?!espalier\.)', r"\1public.", "schema-named"),
    "IF NOT EXISTS put in": _kind(
        r"\b(CREATE TABLE |INDEX CONCURRENTLY )(?!IF )", r"\1IF NOT EXISTS ", "if-not-exists", "syntax-error"
    ),
    "CASCADE put in": _kind(r"(?m)^(\s*DROP (?:TABLE|TYPE|FUNCTION|TRIGGER) [^;]+);", r"\1 CASCADE;", "drop-cascade"),
}
