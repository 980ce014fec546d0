-- Up Migration

-- A rejected message has an identity, so that storing it again after a commit whose answer was lost changes nothing.
-- Those from before have none.
ALTER TABLE rejected_message ADD COLUMN key uuid;
CREATE UNIQUE INDEX rejected_message_key ON rejected_message (key);
