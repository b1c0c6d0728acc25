-- Who has yet to hear that somebody signed out (OpenID Connect Back-Channel Logout): written in the transaction that ends the sign-in, deleted when it is
-- delivered or given up. Whoever tries moves due_at first, so that nobody else tries at the same time.
CREATE TABLE logout_notices (
    org_id     TEXT   NOT NULL REFERENCES organizations (org_id),
    notice_id  TEXT   NOT NULL,
    client_id  TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    session_id TEXT   NOT NULL,
    tries      BIGINT NOT NULL,
    due_at     BIGINT NOT NULL,
    PRIMARY KEY (org_id, notice_id)
);
CREATE INDEX logout_notices_by_time ON logout_notices (due_at);
