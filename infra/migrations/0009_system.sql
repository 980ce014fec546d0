-- Up Migration

-- Why messages of the last day were rejected, of all devices together: what the System page asks every half minute.
CREATE INDEX rejected_message_received ON rejected_message (received_at DESC);
