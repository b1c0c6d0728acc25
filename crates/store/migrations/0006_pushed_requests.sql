-- Pushed authorization requests (RFC 9126). A reference can be opened until expires_at; whoever opened it then has until
-- forget_at to finish. The row goes when somebody does, so that a reference is finished once.
CREATE TABLE pushed_requests (
    digest     BYTEA  NOT NULL PRIMARY KEY,
    client_id  TEXT   NOT NULL,
    parameters TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    forget_at  BIGINT NOT NULL
);
CREATE INDEX pushed_requests_by_client ON pushed_requests (client_id, expires_at);
CREATE INDEX pushed_requests_by_end    ON pushed_requests (forget_at);
