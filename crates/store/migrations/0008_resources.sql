-- RFC 8707: the APIs that a code and its tokens are for, as JSON arrays; empty: all.
ALTER TABLE authorization_codes ADD COLUMN resources TEXT NOT NULL DEFAULT '[]';
ALTER TABLE token_families      ADD COLUMN resources TEXT NOT NULL DEFAULT '[]';
ALTER TABLE access_tokens       ADD COLUMN audience  TEXT NOT NULL DEFAULT '[]';
