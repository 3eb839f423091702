-- name: read_state
-- Reads whose graph is meant, who may write it, and how far that writer meant to get. Held: the lease is still good.
SELECT epoch, token, holder, expires_at, intended_version, swept_until,
       coalesce(expires_at > clock_timestamp(), false) AS held
FROM espalier.graph_state;

-- name: take
-- Takes the lease with a higher token, if it still is as it was read and free. The clock is this server's alone. Who
-- seizes the graph gives it a new epoch too: a Postgres that is set back to before that moment is then a stranger.
UPDATE espalier.graph_state
SET token = greatest(token, %(above)s::bigint) + 1,
    epoch = CASE WHEN %(seize)s THEN gen_random_uuid()::text ELSE epoch END,
    holder = %(holder)s,
    expires_at = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE token = %(token)s AND (expires_at IS NULL OR expires_at <= clock_timestamp())
RETURNING token, epoch;

-- name: renew
-- Prolongs the lease and says how far its holder is about to write: before it writes, so that a graph that is further
-- than this state can only mean that Postgres was set back. Nothing is returned when the lease was taken over.
UPDATE espalier.graph_state
SET expires_at = clock_timestamp() + make_interval(secs => %(seconds)s),
    intended_version = greatest(intended_version, %(version)s)
WHERE token = %(token)s AND holder IS NOT NULL
RETURNING token;

-- name: release
-- Gives the lease back, unless it was taken over.
UPDATE espalier.graph_state
SET holder = NULL, expires_at = NULL
WHERE token = %(token)s;
