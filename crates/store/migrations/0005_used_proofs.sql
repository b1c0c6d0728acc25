-- What can be used once (client assertions, DPoP proofs), by the digest of kind, sender and jti; forgotten when the proof
-- itself is too old to count.
CREATE TABLE used_proofs (
    digest BYTEA  NOT NULL PRIMARY KEY,
    until  BIGINT NOT NULL
);
CREATE INDEX used_proofs_by_end ON used_proofs (until);
