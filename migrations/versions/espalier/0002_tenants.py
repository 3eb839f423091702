"""Which organization a transaction works for: signed, so that no session can name one for itself (docs/tenants.md).

The application's authentication signs a token over an organization and a moment of expiry. `enter_organization`
verifies it and leaves a binding in a setting that lasts as long as the transaction: signed over the organization, the
expiry, this backend and this transaction. Policies ask `current_organization`, which verifies the binding again. What a
session writes into the setting by itself, or has copied from another transaction, is no organization: policies then
show no row. The signature is HMAC-SHA256, with the sha256() of Postgres' core and the pads of RFC 2104; the keys lie
here, where no role of an application may read.

Where the authentication should not hold the key, it may be granted `sign_organization`, which needs no right on it.

`enter_every_organization` is for who owns the tables: forced row security holds for the owner too, and a trigger that
runs with its rights, or a migration, must see the rows that it is to prove something about.

The functions are there on every site; without policies they change nothing. Keys can be made again.
"""

from alembic import op

revision = "espalier_0002"
down_revision = "espalier_0001"


def upgrade() -> None:
    """Create the keys, with a first one, and the functions."""
    for statement in (*_KEYS, *_SIGNING, *_ORGANIZATION, *_EVERY_ORGANIZATION, "SELECT new_tenant_key()"):
        op.execute(statement)


def downgrade() -> None:
    """Drop the functions, then the keys."""
    for statement in (
        "DROP FUNCTION in_every_organization()",
        "DROP FUNCTION enter_every_organization()",
        "DROP FUNCTION current_organization()",
        "DROP FUNCTION enter_organization(text)",
        "DROP FUNCTION sign_organization(text, integer)",
        "DROP FUNCTION tenant_mac(integer, text)",
        "DROP FUNCTION new_tenant_key()",
    ):
        op.execute(statement)
    op.drop_table("tenant_keys")


_KEYS = (
    """
    CREATE TABLE tenant_keys (
        id integer GENERATED ALWAYS AS IDENTITY,
        secret bytea NOT NULL,
        inner_pad bytea NOT NULL,
        outer_pad bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        valid_until timestamptz,
        CONSTRAINT tenant_keys_pkey PRIMARY KEY (id)
    )
    """,
    "COMMENT ON TABLE tenant_keys IS 'Keys that sign which organization a transaction works for; the newest signs, "
    "those before it are still taken until valid_until'",
    # 244 random bits. The pads are made once, so that a signature is two calls of sha256().
    """
    CREATE FUNCTION new_tenant_key() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
    AS $new$
    DECLARE
        made bytea := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
        inside bytea := decode(repeat('36', 64), 'hex');
        outside bytea := decode(repeat('5c', 64), 'hex');
        number integer;
    BEGIN
        FOR place IN 0..31 LOOP
            inside := set_byte(inside, place, get_byte(made, place) # 54);
            outside := set_byte(outside, place, get_byte(made, place) # 92);
        END LOOP;
        DELETE FROM espalier.tenant_keys WHERE valid_until < now();
        UPDATE espalier.tenant_keys SET valid_until = now() + interval '1 hour' WHERE valid_until IS NULL;
        INSERT INTO espalier.tenant_keys (secret, inner_pad, outer_pad) VALUES (made, inside, outside)
        RETURNING id INTO number;
        RETURN number;
    END
    $new$
    """,
    "REVOKE ALL ON FUNCTION new_tenant_key() FROM PUBLIC",
)

_SIGNING = (
    """
    CREATE FUNCTION tenant_mac(key integer, message text) RETURNS text
    LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = ''
    AS $mac$
        SELECT encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(message, 'UTF8'))), 'hex')
        FROM espalier.tenant_keys AS k
        WHERE k.id = key AND (k.valid_until IS NULL OR k.valid_until > clock_timestamp())
    $mac$
    """,
    "REVOKE ALL ON FUNCTION tenant_mac(integer, text) FROM PUBLIC",
    """
    CREATE FUNCTION sign_organization(organization text, seconds integer) RETURNS text
    LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = ''
    AS $sign$
        SELECT format('%s.%s.%s.%s', s.key, s.expires, espalier.tenant_mac(
                   s.key, format('token.%s.%s.%s', s.key, s.expires, organization)), organization)
        FROM (
            SELECT k.id AS key, floor(extract(epoch FROM clock_timestamp()))::bigint + seconds AS expires
            FROM espalier.tenant_keys AS k WHERE k.valid_until IS NULL
        ) AS s
    $sign$
    """,
    "REVOKE ALL ON FUNCTION sign_organization(text, integer) FROM PUBLIC",
)

# Whoever holds a token may enter: the token is the right. Signatures are compared by their hashes, so that the time
# that a comparison takes tells nothing. A vector index gives the nearest rows of all organizations, of which the
# policy leaves those of one: the scan has to go on until there are enough.
_ORGANIZATION = (
    """
    CREATE FUNCTION enter_organization(token text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
    AS $enter$
    DECLARE
        part text[] := regexp_match(token, '^(\\d{1,9})\\.(\\d{1,11})\\.([0-9a-f]{64})\\.(.+)$');
        mac text := espalier.tenant_mac(part[1]::integer, format('token.%s.%s.%s', part[1], part[2], part[4]));
        seconds_left numeric := part[2]::numeric - extract(epoch FROM clock_timestamp());
    BEGIN
        IF (sha256(mac::bytea) = sha256(part[3]::bytea) AND seconds_left BETWEEN 0 AND 3600) IS NOT TRUE THEN
            RAISE insufficient_privilege USING
                MESSAGE = 'the token of the organization is not signed by a valid key, or not for this hour',
                HINT = 'Have the authentication sign a new one; it may be valid for an hour at most.';
        END IF;
        mac := espalier.tenant_mac(part[1]::integer, format('bound.%s.%s.%s.%s.%s', part[1], part[2],
            pg_backend_pid(), extract(epoch FROM transaction_timestamp()), part[4]));
        PERFORM set_config('espalier.organization', format('%s.%s.%s.%s', part[1], part[2], mac, part[4]), true),
                set_config('hnsw.iterative_scan', 'relaxed_order', true),
                set_config('hnsw.max_scan_tuples', '100000', true), set_config('hnsw.scan_mem_multiplier', '8', true);
        RETURN part[4];
    END
    $enter$
    """,
    """
    CREATE FUNCTION current_organization() RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = ''
    AS $current$
    DECLARE
        entered text := nullif(current_setting('espalier.organization', true), '');
        part text[] := regexp_match(entered, '^(\\d{1,9})\\.(\\d{1,11})\\.([0-9a-f]{64})\\.(.+)$');
        mac text;
    BEGIN
        IF part IS NULL OR part[2]::numeric < extract(epoch FROM clock_timestamp()) THEN
            RETURN NULL;
        END IF;
        mac := espalier.tenant_mac(part[1]::integer, format('bound.%s.%s.%s.%s.%s', part[1], part[2],
            pg_backend_pid(), extract(epoch FROM transaction_timestamp()), part[4]));
        RETURN CASE WHEN sha256(mac::bytea) = sha256(part[3]::bytea) THEN part[4] END;
    END
    $current$
    """,
)

_EVERY_ORGANIZATION = (
    """
    CREATE FUNCTION enter_every_organization() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
    AS $enter$
    DECLARE
        key integer := (SELECT k.id FROM espalier.tenant_keys AS k WHERE k.valid_until IS NULL);
    BEGIN
        PERFORM set_config('espalier.every_organization', format('%s.%s', key, espalier.tenant_mac(key,
            format('every.%s.%s', pg_backend_pid(), extract(epoch FROM transaction_timestamp())))), true);
    END
    $enter$
    """,
    "REVOKE ALL ON FUNCTION enter_every_organization() FROM PUBLIC",
    """
    CREATE FUNCTION in_every_organization() RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = ''
    AS $every$
    DECLARE
        entered text := nullif(current_setting('espalier.every_organization', true), '');
        part text[] := regexp_match(entered, '^(\\d{1,9})\\.([0-9a-f]{64})$');
    BEGIN
        RETURN coalesce(sha256(part[2]::bytea) = sha256(espalier.tenant_mac(part[1]::integer,
            format('every.%s.%s', pg_backend_pid(), extract(epoch FROM transaction_timestamp())))::bytea), false);
    END
    $every$
    """,
)
