-- What apps called: how often on each day, and when last, by what was answered. No person, no path and no address: what an
-- administrator needs to see what an app uses, and no more. Days are counted in UTC since 1970-01-01.
CREATE TABLE usage_counts (
    org_id          TEXT   NOT NULL,
    client_id       TEXT   NOT NULL,
    day             BIGINT NOT NULL,
    contract        TEXT   NOT NULL,
    operation       TEXT   NOT NULL,
    crosses         TEXT   NOT NULL,
    outcome         TEXT   NOT NULL,
    would_be_denied BIGINT NOT NULL,
    calls           BIGINT NOT NULL,
    last_call_at    BIGINT NOT NULL,
    PRIMARY KEY (org_id, client_id, day, contract, operation, crosses, outcome, would_be_denied)
);
CREATE INDEX usage_counts_by_day ON usage_counts (day);
