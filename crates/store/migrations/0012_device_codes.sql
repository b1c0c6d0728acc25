-- The device authorization grant (RFC 8628). A row waits for a person, who says yes (org_id and what follows are filled in) or
-- no (denied_at). The code ends at expires_at; until forget_at the device is told so. claims counts redemptions; openings how
-- often the user code was entered.
CREATE TABLE device_codes (
    digest           BYTEA  NOT NULL PRIMARY KEY,
    user_code        BYTEA  NOT NULL UNIQUE,
    client_id        TEXT   NOT NULL,
    protocol_scopes  TEXT   NOT NULL,
    scopes           TEXT,
    resources        TEXT   NOT NULL,
    dpop_key         TEXT,
    interval_seconds BIGINT NOT NULL,
    polled_at        BIGINT,
    polled_before_at BIGINT,
    openings         BIGINT NOT NULL,
    claims           BIGINT NOT NULL,
    denied_at        BIGINT,
    org_id           TEXT,
    user_id          TEXT,
    family_id        TEXT,
    ceiling          TEXT,
    identity         TEXT,
    issued_at        BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    forget_at        BIGINT NOT NULL,
    FOREIGN KEY (org_id, user_id) REFERENCES users (org_id, user_id)
);
CREATE INDEX device_codes_by_client ON device_codes (client_id, expires_at);
CREATE INDEX device_codes_by_user   ON device_codes (org_id, user_id);
CREATE INDEX device_codes_by_end    ON device_codes (forget_at);
