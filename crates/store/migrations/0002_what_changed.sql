-- What each change touched, as a JSON array: "settings", {"role":"ID"}, {"user":"ID"}, {"client":"ID"}, {"authorization":"ID"}.
-- Null: more than is worth telling, or written by a binary that does not tell. Whoever follows then reads the whole organization.
ALTER TABLE changes ADD COLUMN touched TEXT;
