-- What has ended is found by when it did, and a family with what hangs on it.
CREATE INDEX access_tokens_by_end          ON access_tokens (expires_at);
CREATE INDEX refresh_tokens_by_end         ON refresh_tokens (expires_at);
CREATE INDEX authorization_codes_by_end    ON authorization_codes (claims, expires_at);
CREATE INDEX authorization_codes_by_family ON authorization_codes (org_id, family_id);
CREATE INDEX token_families_by_age         ON token_families (created_at);
CREATE INDEX delegations_by_origin         ON delegations (org_id, through);
CREATE INDEX sessions_by_use               ON sessions (last_seen_at);
CREATE INDEX changes_by_age                ON changes (changed_at);
