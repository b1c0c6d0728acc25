-- OpenID Connect: sign-ins get a name that clients know them by, and codes and tokens remember theirs.
-- A sign-in from before has no such name; people sign in again.
DELETE FROM sessions;
ALTER TABLE sessions ADD COLUMN session_id TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX sessions_by_id ON sessions (org_id, session_id);

-- identity is what was granted about the person, as a JSON object; null where nothing was asked.
ALTER TABLE authorization_codes ADD COLUMN session_id TEXT;
ALTER TABLE authorization_codes ADD COLUMN identity   TEXT;
ALTER TABLE token_families      ADD COLUMN session_id TEXT;
ALTER TABLE token_families      ADD COLUMN identity   TEXT;
CREATE INDEX authorization_codes_by_session ON authorization_codes (org_id, session_id);
CREATE INDEX token_families_by_session      ON token_families (org_id, session_id);

ALTER TABLE access_tokens ADD COLUMN protocol_scopes TEXT NOT NULL DEFAULT '[]';
