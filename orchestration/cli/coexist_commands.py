"""The command for the application's developers: what their own migration tool must be told of us."""

from enum import StrEnum
from typing import Annotated

import typer

from migrations import verify
from migrations.coexistence import drizzle, prisma
from migrations.coexistence.advice import Advice
from migrations.coexistence.ours import ours
from orchestration.cli.output import Json, print_json, say
from orchestration.cli.schema_commands import chosen
from orchestration.cli.site import serving
from orchestration.settings import Domain, Settings, load_settings


class Tool(StrEnum):
    """The tools that we can write for."""

    prisma = "prisma"
    drizzle = "drizzle"


_ADVISERS = {Tool.prisma: prisma.advise, Tool.drizzle: drizzle.advise}
_WHERE = {
    Tool.prisma: ("prisma.config.ts, in defineConfig({ ... })", "schema.prisma", "the model of table"),
    Tool.drizzle: ("drizzle.config.ts, in defineConfig({ ... })", "the schema", "the pgTable of"),
}


def coexist(
    tool: Annotated[Tool, typer.Argument(help="What the application migrates its schema with.")],
    domain: Annotated[str | None, typer.Option(help="One domain; all of the site's when left out.")] = None,
    as_json: Json = False,
) -> None:
    """Print what the application's own schema must say, so that Prisma or Drizzle drops nothing of ours."""
    settings = load_settings()
    domains = chosen(settings, domain, "head")
    with serving(settings):
        found = [advice(settings, name, tool) for name in domains]
    if as_json:
        print_json([each.to_dict() for each in found])
    else:
        for each in found:
            show(each, tool)


def advice(settings: Settings, domain: Domain, tool: Tool) -> Advice:
    """Read what is ours in a domain and write it for a tool."""
    with verify.opened(settings, domain) as (database, target):
        return _ADVISERS[tool](ours(database, target))


def show(found: Advice, tool: Tool) -> None:
    """Print it as text to copy; what is not to be copied is a comment in both languages."""
    config, schema, table = _WHERE[tool]
    say(f"// {found.domain} in schema {found.schema}\n// {config}:")
    for line in found.config:
        say(f"  {line}")
    if found.definitions:
        say(f"// {schema}:")
        for line in found.definitions:
            say(line)
    for name, addition in found.additions.items():
        say(f"// {schema}, {table} {name}:")
        for line in (*addition.fields, *addition.rest):
            say(f"  {line}")
    for note in found.notes:
        say(f"// {note}")
