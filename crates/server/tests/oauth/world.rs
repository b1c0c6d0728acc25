//! The world that these tests begin from, and the words for what is in it.
//!
//! Hashes and generated secrets stand here where their slowness is not what is tested.

/// A web app with a secret, of acme.
pub const WEB: &str = "web-app";
pub const WEB_SECRET: &str = "web-app:cs_cs_wVwCiewtCpFn7I5loY3rvl5VMvvuopP4C8lC7pCGwXEmAXhIg";
pub const WEB_URI: &str = "https://web.example/callback";
pub const WEB_BYE: &str = "https://web.example/bye";
/// A web app of acme that needs no PKCE.
pub const LAX: &str = "lax-app";
pub const LAX_SECRET: &str = "lax-app:cs_cs_zlaXHN41WJdCHvwLEEbIvy9Tft2_vHuYZPbn_3qC8sMloa3Og";
pub const LAX_URI: &str = "https://lax.example/callback";
pub const LAX_BYE: &str = "https://lax.example/bye";
/// A web app of acme without refresh tokens and with two redirect URIs.
pub const CODE_ONLY_SECRET: &str = "code-only:cs_cs_7Y8B2-QUCx2JqYF7im9GswHdUNCm6Oucz8mrZvtkpxI2WzotA";
/// An app without a secret that answers on the user's computer, of acme.
pub const NATIVE: &str = "native-app";
pub const NATIVE_URI: &str = "http://127.0.0.1/callback";
/// A single-page app without a secret, of acme.
pub const SPA: &str = "spa";
pub const SPA_URI: &str = "https://spa.example/";
/// A service of acme.
pub const SERVICE_SECRET: &str = "service:service-secret";
/// An app of globex that acme has not decided about.
pub const FOREIGN: &str = "foreign-app";
pub const FOREIGN_SECRET: &str = "foreign-app:cs_cs_yooz4nLjc24wsJhLasZ05F-Ee478Ge_bnvjzJgzr5H0oktYwg";
pub const FOREIGN_URI: &str = "https://foreign.example/callback";

pub const ADA: (&str, &str) = ("ada@acme.test", "correct horse");
/// May authorize apps.
pub const GRACE: (&str, &str) = ("grace@acme.test", "battery staple");

pub const WORLD: &str = r#"
organizations:
  - id: acme
    name: Acme Corp
    scope_enforcement: enforce
    divisions: [Home]
    roles:
      - name: Directory admin
        permissions: ["directory:user:*"]
      - name: Security officer
        permissions: ["oauth:client:*"]
    users:
      - email: ada@acme.test
        name: Ada Lovelace
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$ZGBwvv5Sr65i6q+HXootwA$7k1clSKecZApIz91AwgAM4gVibOwObju0Q7nnOhx2G8"
        roles: [Directory admin]
      - email: grace@acme.test
        name: Grace Hopper
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$ZGBwvv5Sr65i6q+HXootwA$Ux093bM4hC+W8xQBu+vLP8xF9Jq+rKAUfdL9Frl4MJs"
        roles: [Security officer]
      - email: gone@acme.test
        name: Margaret Hamilton
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$ZGBwvv5Sr65i6q+HXootwA$CX6PcfMoka/09wg1kSplhPP5vQFL6A9UdOFj6U6b/Hw"
        state: inactive
      - email: both@example.test
        name: Both Acme
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$ZGBwvv5Sr65i6q+HXootwA$nB7aKYtL+HVsLXbWOnAeEmaHX9zbGwzQ9S9Km7/sPss"
    clients:
      - id: web-app
        name: Web App
        grant_types: [authorization_code, refresh_token]
        redirect_uris: ["https://web.example/callback"]
        secret: cs_cs_wVwCiewtCpFn7I5loY3rvl5VMvvuopP4C8lC7pCGwXEmAXhIg
        metadata: { post_logout_redirect_uris: ["https://web.example/bye"] }
        scopes: [users]
      - id: lax-app
        name: Lax App
        grant_types: [authorization_code, refresh_token]
        redirect_uris: ["https://lax.example/callback"]
        secret: cs_cs_zlaXHN41WJdCHvwLEEbIvy9Tft2_vHuYZPbn_3qC8sMloa3Og
        pkce_required: false
        metadata: { post_logout_redirect_uris: ["https://lax.example/bye"] }
        scopes: [users]
      - id: code-only
        name: Code Only
        grant_types: [authorization_code]
        redirect_uris: ["https://code.example/a", "https://code.example/b"]
        secret: cs_cs_7Y8B2-QUCx2JqYF7im9GswHdUNCm6Oucz8mrZvtkpxI2WzotA
        metadata: { id_token_signed_response_alg: RS256 }
        scopes: [users]
      - id: native-app
        name: Native App
        grant_types: [authorization_code, refresh_token]
        redirect_uris: ["http://127.0.0.1/callback", "http://[::1]/callback"]
        scopes: [users]
      - id: spa
        name: Single Page
        grant_types: [authorization_code, refresh_token]
        redirect_uris: ["https://spa.example/"]
        scopes: [users]
      - id: service
        name: Service
        grant_types: [client_credentials]
        redirect_uris: []
        secret: service-secret
        scopes: [users]
        roles: [Directory admin]
        token_ttl_seconds: 3600
    authorizations:
      - { client: Web App, scopes: [users, "users:readonly", user-basic-info], state: authorized }
      - { client: Lax App, scopes: [users, user-basic-info], state: authorized }
      - { client: Code Only, scopes: [users], state: authorized }
      - { client: Native App, scopes: [users, user-basic-info], state: authorized }
      - { client: Single Page, scopes: [users, user-basic-info], state: authorized }
      - { client: Service, scopes: [users], state: authorized }
  - id: globex
    name: Globex
    scope_enforcement: "off"
    divisions: [Home]
    users:
      - email: hedy@globex.test
        name: Hedy Lamarr
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$ZGBwvv5Sr65i6q+HXootwA$IiqV6qmH5cR6uDmcC3aVsZgbFDPxXHD0WEYpI3Z1MHA"
      - email: both@example.test
        name: Both Globex
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$ZGBwvv5Sr65i6q+HXootwA$nB7aKYtL+HVsLXbWOnAeEmaHX9zbGwzQ9S9Km7/sPss"
    clients:
      - id: foreign-app
        name: Foreign App
        grant_types: [authorization_code, refresh_token]
        redirect_uris: ["https://foreign.example/callback"]
        secret: cs_cs_yooz4nLjc24wsJhLasZ05F-Ee478Ge_bnvjzJgzr5H0oktYwg
        scopes: [users, "users:readonly"]
      - id: loner
        name: Loner
        grant_types: [client_credentials]
        redirect_uris: []
        secret: loner-secret
        scopes: [users]
"#;

/// The world with other metadata of the web app.
pub fn with_web_metadata(members: &str) -> String {
    WORLD.replacen("post_logout_redirect_uris: [\"https://web.example/bye\"]", members, 1)
}
