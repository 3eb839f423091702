"""The group `espalier tenants`: the key with which an application's authentication signs organizations."""

from typing import Annotated

import typer

from migrations import tenant_keys
from orchestration.cli.output import Json, print_json, say
from orchestration.cli.site import serving
from orchestration.settings import load_settings

tenants = typer.Typer(name="tenants", add_completion=False, pretty_exceptions_enable=False)


@tenants.callback(invoke_without_command=True)
def without_command(context: typer.Context) -> None:
    """The key that signs for which organization a transaction works: show it, replace it, sign with it."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@tenants.command()
def key(as_json: Json = False) -> None:
    """Print the key that signs, for the secrets of the application's authentication and nobody else's."""
    settings = load_settings()
    with serving(settings):
        number, secret = tenant_keys.show(settings)
    print_json({"key": number, "secret": secret}) if as_json else say(f"{number} {secret}")


@tenants.command("new-key")
def new_key() -> None:
    """Make a new key; tokens of the one before are taken for another hour."""
    settings = load_settings()
    with serving(settings):
        number = tenant_keys.renew(settings)
    say(f"key {number} signs from now on; tokens of the one before are taken for another hour")


@tenants.command()
def sign(
    organization: Annotated[str, typer.Argument(help="The id of the organization.")],
    seconds: Annotated[int, typer.Option(min=1, max=3600, help="For how long the token may be used.")] = 300,
) -> None:
    """Sign a token for an organization, to try by hand what its application sees."""
    settings = load_settings()
    with serving(settings):
        say(tenant_keys.sign(settings, organization, seconds))
