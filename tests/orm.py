"""The migration tools of applications, from npm: each pulls a schema, is told what we print, and pushes its schema."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from orchestration.settings import PROJECT

FOLDER = PROJECT / "tests" / "tools" / "orm"
Additions = dict[str, dict[str, list[str]]]


def install() -> None:
    """Install what the lock file says, unless it is there."""
    npm = shutil.which("npm")
    if npm is None:
        reason = "no npm: the tools of applications cannot be run"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    lock, done = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=FOLDER, check=True, capture_output=True)


@dataclass(frozen=True)
class Tool:
    """A tool in a folder of its own, with the schema file that it pulled."""

    folder: Path
    url: str
    # Where the work is done: Prisma leaves a connection open that keeps it from ending.
    last_lines: ClassVar[tuple[str, ...]] = ()

    def run(self, *command: str) -> str:
        """Run a program of npm's, without a terminal; give all that it printed."""
        environment = {
            **{"PATH": os.environ["PATH"], "HOME": str(self.folder), "DATABASE_URL": self.url, "NO_COLOR": "1"},
            **{"CHECKPOINT_DISABLE": "1", "PRISMA_HIDE_UPDATE_MESSAGE": "1"},
            # The query engine is what Prisma would download; nothing here queries.
            "PRISMA_QUERY_ENGINE_LIBRARY": str(self.folder / "package.json"),
        }
        program = FOLDER / "node_modules" / ".bin" / command[0]
        said = ""
        with subprocess.Popen(
            [program, *command[1:]],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            for line in process.stdout or ():
                said += line
                if any(last in line for last in self.last_lines):
                    process.kill()
        return said


def prepare(folder: Path) -> None:
    """Make a folder that sees the installed packages."""
    folder.mkdir()
    (folder / "node_modules").symlink_to(FOLDER / "node_modules")
    (folder / "package.json").write_text(json.dumps({"private": True}))


class Prisma(Tool):
    """Prisma, with its engine in WASM."""

    last_lines = ("in sync with", "Introspected", "HINT:", "Error code")

    def configure(self, lines: list[str]) -> None:
        """Write prisma.config.ts with what we print in it; the lines of the engine stand before ours."""
        ours = "\n".join(lines).replace("experimental: {", "experimental: { adapter: true,")
        text = ours or "experimental: { adapter: true },"
        (self.folder / "prisma.config.ts").write_text(
            'import { defineConfig } from "prisma/config";\n'
            f'import {{ adapter }} from "{FOLDER / "prisma-adapter.mjs"}";\n'
            f'export default defineConfig({{ engine: "js", adapter, schema: "schema.prisma",\n{text}\n}});\n'
        )

    def pull(self) -> None:
        """Write the schema that the database has now."""
        prepare(self.folder)
        self.configure([])
        (self.folder / "schema.prisma").write_text(
            'datasource db {\n  provider = "postgresql"\n  url = env("DATABASE_URL")\n}\n'
        )
        said = self.run("prisma", "db", "pull")
        assert "Introspected" in said, said

    def push(self) -> str:
        """Have the database made like the schema."""
        return self.run("prisma", "db", "push", "--skip-generate", "--accept-data-loss")

    def add(self, advice: dict[str, Any]) -> None:
        """Do what the advice says."""
        self.configure(advice["config"])
        file = self.folder / "schema.prisma"
        text = file.read_text()
        for table, addition in advice["additions"].items():
            lines = "\n".join([*addition["fields"], *addition["rest"]])
            text, count = re.subn(rf"(model {table} {{.*?)\n}}", rf"\1\n{_raw(lines)}\n}}", text, flags=re.DOTALL)
            assert count == 1, table
        file.write_text(text + "\n" + "\n".join(advice["definitions"]) + "\n")


class Drizzle(Tool):
    """drizzle-kit."""

    def configure(self, lines: list[str]) -> None:
        """Write drizzle.config.ts with what we print in it."""
        ours = "\n".join(lines)
        (self.folder / "drizzle.config.ts").write_text(
            'import { defineConfig } from "drizzle-kit";\n'
            'export default defineConfig({ dialect: "postgresql", schema: "./out/schema.ts", out: "./out",\n'
            f"dbCredentials: {{ url: process.env.DATABASE_URL! }},\n{ours}\n}});\n"
        )

    def pull(self) -> None:
        """Write the schema that the database has now, with all that it may be given in reach."""
        prepare(self.folder)
        self.configure([])
        said = self.run("drizzle-kit", "pull")
        file = self.folder / "out" / "schema.ts"
        assert file.exists(), said
        text = file.read_text()
        every = re.search(r'import \{([^}]*)\} from "drizzle-orm/pg-core"', text)
        assert every
        text = text.replace(every[0], 'import * as pg from "drizzle-orm/pg-core"')
        names = "index, uniqueIndex, foreignKey, check, pgTable, pgEnum, customType, vector, text, integer, bigint, "
        names += "smallint, doublePrecision, real, boolean, jsonb, json, uuid, date, numeric, varchar, timestamp, "
        names += "unique, primaryKey, serial, char, pgPolicy"
        file.write_text(text.replace("export const", f"const {{ {names} }} = pg;\nexport const", 1))

    def push(self) -> str:
        """Have the tool say what it would do; it asks first, which fails without a terminal."""
        return self.run("drizzle-kit", "push", "--strict", "--verbose")

    def add(self, advice: dict[str, Any]) -> None:
        """Do what the advice says."""
        self.configure(advice["config"])
        file = self.folder / "out" / "schema.ts"
        text = file.read_text()
        for table, addition in advice["additions"].items():
            text = _add_to_table(text, table, addition)
        file.write_text(text + "\n".join(advice["definitions"]) + "\n")


def _add_to_table(text: str, table: str, addition: dict[str, list[str]]) -> str:
    fields, rest = ("\n".join(addition[part]) for part in ("fields", "rest"))
    start = text.index(f'pgTable("{table}", {{') + len(f'pgTable("{table}", {{')
    end = text.index("\n}", start)
    after = text[end:]
    if after.startswith("\n}, (table) => ["):
        after = after.replace("(table) => [", f"(table) => [\n{rest}", 1)
    else:
        after = after.replace("\n}", f"\n}}, (table) => [\n{rest}\n]", 1)
    return f"{text[:start]}\n{fields}{text[start:end]}{after}"


def _raw(text: str) -> str:
    return text.replace("\\", "\\\\")
