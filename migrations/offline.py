"""The same steps as a script, for reading and for review: `espalier migrate --sql`."""

from dataclasses import replace
from io import StringIO

from alembic import command
from psycopg.sql import SQL, Identifier, Literal

from migrations import tenancy
from migrations.connection import OURS, Target
from migrations.contracts import goal_in_line, line_of
from migrations.revisions import configuration, plan
from orchestration.settings import Domain, Settings

_HEADER = """\
-- {title}
-- For reading and review. Applied by hand it leaves no record of what was created, so Espalier will not drop it again;
-- `espalier migrate` does the same with guards, records and the jobs role's rights.
"""


def offline_sql(settings: Settings, domain: Domain, to: str = "head") -> str:
    """Print the steps of a domain as SQL, without connecting.

    Args:
        settings: the site.
        domain: which of its domains.
        to: where to, from an empty database (to `base`: from the head); or `from:to`, each a revision, its number,
            `base` or `head`.

    Raises:
        EspalierError: there is no such revision.
    """
    if (by_name := goal_in_line(domain, to)) is not None:
        return _contract(Target(domain, settings.schema_of(domain), "extensions"), by_name)
    start, _, goal = to.rpartition(":")
    origin = plan(domain, None, start or ("head" if goal == "base" else "base")).target
    way = plan(domain, origin, goal)
    target = Target(domain, settings.schema_of(domain), "extensions")
    parts = [_HEADER.format(title=f"{domain}: {origin or 'base'} to {way.target or 'base'}")]
    if origin is None and way.revisions:
        parts += [_ground(), _script(Target(OURS, OURS, "extensions"), None, "head", "up"), _place(target)]
    if way.revisions:
        parts += [_path(target), _script(target, origin, way.target, way.direction)]
    apart = tenancy.offline_way(settings, domain, origin, goal)
    if apart:
        isolating = _path(target) + _script(tenancy.target_of(target, settings.jobs_role), *apart)
        parts.insert(1 if goal == "base" else len(parts), isolating)
    return "\n".join(parts)


def _contract(target: Target, goal: str) -> str:
    """Print the steps of a domain's contract from its base on."""
    line = str(line_of(target.domain))
    way = plan(line, None, goal)
    header = _HEADER.format(title=f"{line}: base to {way.target or 'base'}")
    script = _script(replace(target, domain=line), None, way.target, "up") if way.revisions else ""
    return "\n".join([header, _path(target), script])


def _script(target: Target, origin: str | None, goal: str | None, direction: str) -> str:
    output = StringIO()
    config = configuration(target.domain, output)
    config.attributes.update(target=target)
    run = command.upgrade if direction == "up" else command.downgrade
    run(config, f"{origin or 'base'}:{goal or 'base'}", sql=True)
    return output.getvalue()


def _ground() -> str:
    return "CREATE SCHEMA espalier;\n" + _path(Target(OURS, OURS, "extensions"))


def _place(target: Target) -> str:
    create = SQL("CREATE SCHEMA IF NOT EXISTS {};").format(Identifier(target.schema))
    record = SQL("INSERT INTO espalier.domains (domain, schema) VALUES ({}, {});")
    return create.as_string() + "\n" + record.format(Literal(target.domain), Literal(target.schema)).as_string() + "\n"


def _path(target: Target) -> str:
    return f"SET search_path = {target.search_path};\n"
