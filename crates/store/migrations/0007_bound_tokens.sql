-- RFC 7800: what whoever presents an access token must hold, as one JSON object; null: a bearer token.
ALTER TABLE access_tokens       ADD COLUMN confirmation TEXT;
-- RFC 9449 §5: the key that a public client's refresh tokens are bound to. §10: the key that must redeem a code.
ALTER TABLE token_families      ADD COLUMN dpop_key TEXT;
ALTER TABLE authorization_codes ADD COLUMN dpop_key TEXT;

-- Random keys that all nodes of an installation share, made by the first that needs them.
CREATE TABLE server_secrets (
    name   TEXT  NOT NULL PRIMARY KEY,
    secret BYTEA NOT NULL
);
