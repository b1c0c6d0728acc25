-- RFC 7591: initial access tokens, each bound to a policy (a JSON object). used counts the clients that it has registered.
CREATE TABLE initial_tokens (
    org_id      TEXT   NOT NULL REFERENCES organizations (org_id),
    token_id    TEXT   NOT NULL,
    digest      BYTEA  NOT NULL UNIQUE,
    name        TEXT   NOT NULL,
    policy      TEXT   NOT NULL,
    max_clients BIGINT NOT NULL,
    used        BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    revoked_at  BIGINT,
    PRIMARY KEY (org_id, token_id)
);

-- RFC 7592: what a client manages itself with, and the token whose policy it stays within.
CREATE TABLE client_registrations (
    org_id    TEXT  NOT NULL,
    client_id TEXT  NOT NULL,
    token_id  TEXT  NOT NULL,
    digest    BYTEA NOT NULL UNIQUE,
    PRIMARY KEY (org_id, client_id),
    FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, client_id),
    FOREIGN KEY (org_id, token_id)  REFERENCES initial_tokens (org_id, token_id)
);
