-- RFC 8693: whom the tokens of an exchanged family act through, the nearest first. Each link must be allowed at each call, and the tokens end with
-- each family that they came from.
CREATE TABLE delegations (
    org_id        TEXT   NOT NULL,
    family_id     TEXT   NOT NULL,
    position      BIGINT NOT NULL,
    through       TEXT   NOT NULL,
    client_id     TEXT   NOT NULL,
    user_id       TEXT,
    ceiling       TEXT,
    PRIMARY KEY (org_id, family_id, position),
    FOREIGN KEY (org_id, family_id) REFERENCES token_families (org_id, family_id),
    FOREIGN KEY (org_id, through)   REFERENCES token_families (org_id, family_id)
);
-- So that a call with any other token asks for no chain.
ALTER TABLE token_families ADD COLUMN is_delegated BIGINT NOT NULL DEFAULT 0;
