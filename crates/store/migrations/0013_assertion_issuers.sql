-- RFC 7523 §2.1: whose word an organization takes about its people. people holds the issuer's own names for users, as a JSON
-- object from name to user id.
CREATE TABLE assertion_issuers (
    org_id    TEXT NOT NULL REFERENCES organizations (org_id),
    issuer    TEXT NOT NULL,
    jwks      TEXT NOT NULL,
    person_by TEXT NOT NULL,
    people    TEXT NOT NULL,
    PRIMARY KEY (org_id, issuer)
);
