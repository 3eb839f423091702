-- name: find_person
-- Tells of a user what may keep them out of the graph; which of it does is the policy's (graph.leave_out). The columns
-- are UTC without zone.
SELECT u."leaderboardOptOut" AS opted_out,
       u."isShadowBanned" AS shadow_banned,
       u."isSuspended"
           AND (u."suspendedUntil" IS NULL OR u."suspendedUntil" > clock_timestamp() AT TIME ZONE 'UTC') AS suspended
FROM users AS u
WHERE u.id = %(user)s;
