-- RFC 9470: how and when the person behind a token signed in; null where nobody did, or where it was not yet remembered.
-- Until now everybody signed in with a password.
ALTER TABLE authorization_codes ADD COLUMN acr TEXT NOT NULL DEFAULT 'urn:countersign:acr:password';
ALTER TABLE device_codes        ADD COLUMN authenticated_at BIGINT;
ALTER TABLE device_codes        ADD COLUMN acr              TEXT;
ALTER TABLE token_families      ADD COLUMN authenticated_at BIGINT;
ALTER TABLE token_families      ADD COLUMN acr              TEXT;
