-- What may be tried only so often, as user codes (RFC 8628 section 5.1), counted for all nodes: so many since nobody tried for a
-- while. A row has ended at ends_at.
CREATE TABLE tries (
    digest  BYTEA  NOT NULL PRIMARY KEY,
    counted BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);
CREATE INDEX tries_by_end ON tries (ends_at);
