-- What a client registered beyond the basics (RFC 7591 and its extensions), as one JSON object.
ALTER TABLE clients ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
