\set n random(1, 2000)
INSERT INTO behavior_app.behavioral_events (id, "userId", "eventType", "eventData", "dayOfWeek", "timeOfDay")
VALUES (gen_random_uuid()::text, 'ann', 'SESSION_ENDED', '{}', 4, :n % 24);
SELECT count(*) FROM behavior_app.behavioral_events WHERE "userId" = 'ann' AND "timestamp" > now() - interval '1 second';
BEGIN;
UPDATE behavior_app.personalization_experiments SET "variants" = "variants" WHERE id = 'ann-experiment';
INSERT INTO behavior_app.experiment_assignments (id, "experimentId", "userId", "variantId")
VALUES (gen_random_uuid()::text, 'ann-experiment', gen_random_uuid()::text, 'B');
END;
UPDATE behavior_app.recommendations SET "priorityScore" = "priorityScore" WHERE "userId" = 'ann';
