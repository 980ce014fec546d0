-- Up Migration

-- Commands go out in the order they were made, whatever the wall clock did in between.
ALTER TABLE command ADD COLUMN seq bigint;
UPDATE command SET seq = numbered.seq
FROM (SELECT id, row_number() OVER (ORDER BY created_at, id) AS seq FROM command) numbered
WHERE command.id = numbered.id;
ALTER TABLE command ALTER COLUMN seq SET NOT NULL, ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY;
SELECT setval(pg_get_serial_sequence('command', 'seq'), coalesce(max(seq), 0) + 1, false) FROM command;

-- Pages of a device's commands.
DROP INDEX command_device;
CREATE UNIQUE INDEX command_device ON command (device_id, seq);
-- What a device is to be sent next, and how many wait for it.
DROP INDEX command_open;
CREATE INDEX command_open ON command (device_id, seq) WHERE finished_at IS NULL;
-- What runs out of time next: asked twice a second, however many wait.
CREATE INDEX command_deadline ON command
  ((CASE WHEN status IN ('queued', 'sent') THEN expires_at ELSE reply_due_at END)) WHERE finished_at IS NULL;

-- Events in the order they happened, whatever the wall clock did in between.
ALTER TABLE command_event ADD COLUMN seq bigint;
UPDATE command_event SET seq = numbered.seq
FROM (SELECT ctid, row_number() OVER (ORDER BY at, ctid) AS seq FROM command_event) numbered
WHERE command_event.ctid = numbered.ctid;
ALTER TABLE command_event ALTER COLUMN seq SET NOT NULL, ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY;
SELECT setval(pg_get_serial_sequence('command_event', 'seq'), coalesce(max(seq), 0) + 1, false) FROM command_event;
DROP INDEX command_event_command;
CREATE UNIQUE INDEX command_event_command ON command_event (command_id, seq);

-- How many replies came when it was over: they are noted, but not without end.
ALTER TABLE command ADD COLUMN late_replies smallint NOT NULL DEFAULT 0;

-- Deadlines (expires_at, reply_due_at) are in a time of their own, which does not jump: the database's wall clock plus
-- this. When the wall clock jumps, a broker notices and moves this by as much the other way. No row: nothing yet.
CREATE TABLE command_clock (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  ahead_ms bigint NOT NULL
);
