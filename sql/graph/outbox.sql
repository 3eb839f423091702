-- name: mark
-- Marks keys as dirty: the drain writes them to the graph as they are in Postgres when it gets there.
INSERT INTO espalier.graph_outbox (kind, key1, key2)
SELECT kind, key1, key2
FROM unnest(%(kinds)s::text[], %(keys1)s::text[], %(keys2)s::text[]) AS dirty (kind, key1, key2);

-- name: forget_all
-- Removes the marks that are there, where every key is about to be marked: else each would be written twice. What
-- somebody else has locked stays.
DELETE FROM espalier.graph_outbox
WHERE ctid = ANY (ARRAY(SELECT ctid FROM espalier.graph_outbox FOR UPDATE SKIP LOCKED));

-- name: measure
-- Tells how much is waiting and for how long. What was parked is counted by itself: it waits for something else.
SELECT count(*) FILTER (WHERE retry_at IS NULL) AS waiting,
       count(*) FILTER (WHERE retry_at IS NOT NULL) AS parked,
       coalesce(extract(epoch FROM clock_timestamp() - min(marked_at) FILTER (WHERE retry_at IS NULL)), 0)::float8
           AS lag_seconds,
       min(marked_at) FILTER (WHERE retry_at IS NULL) AS waiting_since
FROM espalier.graph_outbox;

-- name: is_anything_ready
-- Tells whether a drain would find anything to do.
SELECT EXISTS (
    SELECT FROM espalier.graph_outbox WHERE retry_at IS NULL OR retry_at <= clock_timestamp()
) AS ready;

-- name: listen
-- Asks to be told of marks, on a direct connection: a pooler would hand it to somebody else.
LISTEN espalier_graph;
