-- The installation's signing keys, of no organization. The private half is sealed with a key that is not in the database.
CREATE TABLE signing_keys (
    kid                TEXT   NOT NULL PRIMARY KEY,
    algorithm          TEXT   NOT NULL,
    public_jwk         TEXT   NOT NULL,
    sealed_private_key BYTEA  NOT NULL,
    created_at         BIGINT NOT NULL,
    active_from        BIGINT NOT NULL
);

-- Goes up with every change of the set: who makes keys says which set they were made for.
INSERT INTO counters (name, value) VALUES ('signing_keys', 0);
