-- RFC 8707: which client is the resource server of an API. An API has one, whatever organization registered it first.
CREATE TABLE resource_servers (
    resource  TEXT NOT NULL PRIMARY KEY,
    org_id    TEXT NOT NULL,
    client_id TEXT NOT NULL,
    FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, client_id)
);
CREATE INDEX resource_servers_by_client ON resource_servers (org_id, client_id);
