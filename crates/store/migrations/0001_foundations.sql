-- One text for SQLite and PostgreSQL: TEXT, BIGINT and BYTEA only. Times are microseconds since 1970, flags are 0 or 1,
-- lists are JSON arrays in TEXT. Organization first in every key, but for what is looked up before it is known:
-- clients by id, tokens, codes and sessions by digest, people who sign in by e-mail address.

CREATE TABLE organizations (
    org_id                    TEXT   NOT NULL PRIMARY KEY,
    name                      TEXT   NOT NULL,
    enforcement               TEXT   NOT NULL,
    bounds_client_credentials BIGINT NOT NULL,
    is_active                 BIGINT NOT NULL,
    revision                  BIGINT NOT NULL,
    created_at                BIGINT NOT NULL
);

-- One row for each revision: what other nodes read to follow.
CREATE TABLE changes (
    org_id     TEXT   NOT NULL REFERENCES organizations (org_id),
    revision   BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, revision)
);

CREATE TABLE audit (
    org_id         TEXT   NOT NULL,
    audit_id       TEXT   NOT NULL,
    at             BIGINT NOT NULL,
    actor_kind     TEXT   NOT NULL,
    actor          TEXT   NOT NULL,
    through_client TEXT,
    action         TEXT   NOT NULL,
    entity         TEXT   NOT NULL,
    entity_id      TEXT   NOT NULL,
    state_before   TEXT   NOT NULL,
    state_after    TEXT   NOT NULL,
    PRIMARY KEY (org_id, at, audit_id)
);

CREATE TABLE divisions (
    org_id      TEXT   NOT NULL REFERENCES organizations (org_id),
    division_id TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    description TEXT   NOT NULL,
    is_home     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (org_id, division_id),
    UNIQUE (org_id, name)
);

-- The _key columns are lower case, made by us: the databases disagree about letters beyond ASCII.
CREATE TABLE users (
    org_id         TEXT   NOT NULL REFERENCES organizations (org_id),
    user_id        TEXT   NOT NULL,
    email          TEXT   NOT NULL,
    email_key      TEXT   NOT NULL,
    name           TEXT   NOT NULL,
    name_key       TEXT   NOT NULL,
    division_id    TEXT   NOT NULL,
    department     TEXT,
    department_key TEXT,
    title          TEXT,
    title_key      TEXT,
    state          TEXT   NOT NULL,
    password_hash  TEXT,
    version        BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    modified_at    BIGINT NOT NULL,
    PRIMARY KEY (org_id, user_id),
    FOREIGN KEY (org_id, division_id) REFERENCES divisions (org_id, division_id)
);
CREATE UNIQUE INDEX users_by_email   ON users (org_id, email_key) WHERE state <> 'deleted';
CREATE        INDEX users_by_name    ON users (org_id, name_key, user_id);
CREATE        INDEX users_at_sign_in ON users (email_key);

CREATE TABLE roles (
    org_id      TEXT   NOT NULL REFERENCES organizations (org_id),
    role_id     TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    name_key    TEXT   NOT NULL,
    description TEXT   NOT NULL,
    policies    TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, role_id),
    UNIQUE (org_id, name)
);

-- division_id is `*` for all divisions.
CREATE TABLE role_assignments (
    org_id        TEXT   NOT NULL,
    assignee_kind TEXT   NOT NULL,
    assignee_id   TEXT   NOT NULL,
    role_id       TEXT   NOT NULL,
    division_id   TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (org_id, assignee_kind, assignee_id, role_id, division_id),
    FOREIGN KEY (org_id, role_id) REFERENCES roles (org_id, role_id)
);
CREATE INDEX role_assignments_by_role ON role_assignments (org_id, role_id);

-- Every client id ever given out stays with its organization: a deleted app's id cannot come back as another's app.
CREATE TABLE client_ids (
    client_id TEXT NOT NULL PRIMARY KEY,
    org_id    TEXT NOT NULL
);

CREATE TABLE clients (
    org_id            TEXT   NOT NULL REFERENCES organizations (org_id),
    client_id         TEXT   NOT NULL UNIQUE REFERENCES client_ids (client_id),
    name              TEXT   NOT NULL,
    description       TEXT   NOT NULL,
    grant_types       TEXT   NOT NULL,
    redirect_uris     TEXT   NOT NULL,
    scopes            TEXT   NOT NULL,
    is_confidential   BIGINT NOT NULL,
    pkce_required     BIGINT NOT NULL,
    token_ttl_seconds BIGINT NOT NULL,
    state             TEXT   NOT NULL,
    created_at        BIGINT NOT NULL,
    created_by        TEXT,
    modified_at       BIGINT NOT NULL,
    modified_by       TEXT,
    PRIMARY KEY (org_id, client_id)
);

CREATE TABLE client_secrets (
    org_id     TEXT   NOT NULL,
    client_id  TEXT   NOT NULL,
    hash       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    PRIMARY KEY (org_id, client_id, hash),
    FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, client_id)
);

-- org_id is the organization that decided; the client may be another's.
CREATE TABLE authorizations (
    org_id      TEXT   NOT NULL REFERENCES organizations (org_id),
    client_id   TEXT   NOT NULL REFERENCES clients (client_id),
    state       TEXT   NOT NULL,
    scopes      TEXT   NOT NULL,
    roles       TEXT   NOT NULL,
    consent     TEXT   NOT NULL,
    reason      TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    created_by  TEXT,
    modified_at BIGINT NOT NULL,
    modified_by TEXT,
    PRIMARY KEY (org_id, client_id)
);
CREATE INDEX authorizations_by_client ON authorizations (client_id);

CREATE TABLE approval_requests (
    org_id     TEXT   NOT NULL,
    client_id  TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    request_id TEXT   NOT NULL,
    scopes     TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, client_id, user_id),
    FOREIGN KEY (org_id, client_id) REFERENCES authorizations (org_id, client_id),
    FOREIGN KEY (org_id, user_id)   REFERENCES users (org_id, user_id)
);

CREATE TABLE consents (
    org_id      TEXT   NOT NULL,
    user_id     TEXT   NOT NULL,
    client_id   TEXT   NOT NULL REFERENCES clients (client_id),
    scopes      TEXT   NOT NULL,
    accepted_at BIGINT NOT NULL,
    PRIMARY KEY (org_id, user_id, client_id),
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, user_id)
);
CREATE INDEX consents_by_client ON consents (client_id);

CREATE TABLE sessions (
    digest           BYTEA  NOT NULL PRIMARY KEY,
    org_id           TEXT   NOT NULL,
    user_id          TEXT   NOT NULL,
    authenticated_at BIGINT NOT NULL,
    last_seen_at     BIGINT NOT NULL,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, user_id)
);
CREATE INDEX sessions_by_user ON sessions (org_id, user_id);

-- Before sign-in nobody knows the organization.
CREATE TABLE interactions (
    digest     BYTEA  NOT NULL PRIMARY KEY,
    binding    BYTEA  NOT NULL,
    request    TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX interactions_by_end ON interactions (expires_at);

-- A code stays after its redemption, so that a replay is known as one.
CREATE TABLE authorization_codes (
    digest           BYTEA  NOT NULL PRIMARY KEY,
    org_id           TEXT   NOT NULL,
    client_id        TEXT   NOT NULL,
    user_id          TEXT   NOT NULL,
    family_id        TEXT   NOT NULL,
    redirect_uri     TEXT,
    code_challenge   TEXT,
    ceiling          TEXT,
    authenticated_at BIGINT NOT NULL,
    issued_at        BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    claims           BIGINT NOT NULL,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, user_id)
);
CREATE INDEX authorization_codes_by_user   ON authorization_codes (org_id, user_id);
CREATE INDEX authorization_codes_by_client ON authorization_codes (client_id);

-- user_id is null where the client acts for itself. A ceiling that is null follows the authorization as it changes.
CREATE TABLE token_families (
    org_id     TEXT   NOT NULL REFERENCES organizations (org_id),
    family_id  TEXT   NOT NULL,
    client_id  TEXT   NOT NULL,
    user_id    TEXT,
    ceiling    TEXT,
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (org_id, family_id)
);
CREATE INDEX token_families_by_user   ON token_families (org_id, user_id);
CREATE INDEX token_families_by_client ON token_families (client_id);

CREATE TABLE access_tokens (
    digest     BYTEA  NOT NULL PRIMARY KEY,
    org_id     TEXT   NOT NULL,
    family_id  TEXT   NOT NULL,
    ceiling    TEXT,
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    FOREIGN KEY (org_id, family_id) REFERENCES token_families (org_id, family_id)
);
CREATE INDEX access_tokens_by_family ON access_tokens (org_id, family_id);

-- client_id repeats the family's, so that one statement claims a token for its client only.
CREATE TABLE refresh_tokens (
    digest     BYTEA  NOT NULL PRIMARY KEY,
    org_id     TEXT   NOT NULL,
    family_id  TEXT   NOT NULL,
    client_id  TEXT   NOT NULL,
    generation BIGINT NOT NULL,
    issued_at  BIGINT NOT NULL,
    rotated_at BIGINT,
    expires_at BIGINT NOT NULL,
    uses       BIGINT NOT NULL,
    FOREIGN KEY (org_id, family_id) REFERENCES token_families (org_id, family_id)
);
CREATE INDEX refresh_tokens_by_family ON refresh_tokens (org_id, family_id, generation);

CREATE TABLE contracts (
    name     TEXT   NOT NULL PRIMARY KEY,
    source   TEXT   NOT NULL,
    saved_at BIGINT NOT NULL
);

CREATE TABLE counters (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('contracts', 0);

-- The platform's own organization and its console, an ordinary public client: as old as this schema.
INSERT INTO organizations (org_id, name, enforcement, bounds_client_credentials, is_active, revision, created_at)
VALUES ('countersign', 'Countersign', 'enforce', 1, 1, 1, 1763856000000000);

INSERT INTO divisions (org_id, division_id, name, description, is_home, created_at)
VALUES ('countersign', 'countersign-home', 'Home', '', 1, 1763856000000000);

INSERT INTO client_ids (client_id, org_id) VALUES ('countersign-console', 'countersign');

INSERT INTO clients (org_id, client_id, name, description, grant_types, redirect_uris, scopes, is_confidential,
                     pkce_required, token_ttl_seconds, state, created_at, modified_at)
VALUES ('countersign', 'countersign-console', 'Countersign Console', 'The built-in console', '["authorization_code","refresh_token"]',
        '[]', '[]', 0, 1, 3600, 'active', 1763856000000000, 1763856000000000);
