//! C26: whoever has the database has no secret.

use countersign_domain::oauth::authentication::Authentication;
use countersign_domain::oauth::grant::authorization_code::AuthorizationCode;
use countersign_domain::oauth::token::RefreshToken;
use countersign_domain::secret::{Digest, Secret, SecretHash, SecretKind};
use countersign_store::SystemTask;
use countersign_store::user::NewUser;
use sqlx::{AssertSqlSafe, Column, Row};

use crate::fixture::{Fixture, NOW, access_token, new_client, new_user, organization_id};

/// Every table of the schema; `schema_lists_every_table` keeps the list whole.
pub(crate) const TABLES: [&str; 20] = [
    "access_tokens",
    "approval_requests",
    "audit",
    "authorization_codes",
    "authorizations",
    "changes",
    "client_ids",
    "client_secrets",
    "clients",
    "consents",
    "contracts",
    "counters",
    "divisions",
    "interactions",
    "organizations",
    "refresh_tokens",
    "role_assignments",
    "roles",
    "sessions",
    "token_families",
];

/// Every value of every row, as text.
pub(crate) async fn dump(fixture: &Fixture) -> String {
    let raw = fixture.raw().await;
    let mut text = String::new();
    for table in TABLES.into_iter().chain(["users"]) {
        let rows = sqlx::query(AssertSqlSafe(format!("SELECT * FROM {table}"))).fetch_all(&raw).await.unwrap();
        for row in rows {
            text += &format!("\n{table}");
            for column in row.columns() {
                let name = column.name();
                if let Ok(value) = row.try_get::<Option<String>, _>(name) {
                    text += &format!(" {name}={}", value.unwrap_or_default());
                } else if let Ok(value) = row.try_get::<Vec<u8>, _>(name) {
                    text += &format!(" {name}={}", String::from_utf8_lossy(&value));
                }
            }
        }
    }
    text
}

both! {
    async fn c26_a_dump_of_the_database_has_no_secret(fixture) {
        let acme = fixture.organization("acme").await;
        let secret = |kind| Secret::generate(kind, &fixture.entropy);
        let [access, refresh, code, session] =
            [SecretKind::AccessToken, SecretKind::RefreshToken, SecretKind::AuthorizationCode, SecretKind::Session]
                .map(secret);
        let [first, second] = [secret(SecretKind::ClientSecret), secret(SecretKind::ClientSecret)];
        let password = "correct horse battery staple";

        let hash = SecretHash::of_password(password, &fixture.entropy);
        let ada = acme.create_user(&NewUser { password: Some(hash.clone()), ..new_user("ada@acme.test") }).await.unwrap();
        acme.set_password(&ada.id, &hash).await.unwrap();
        let kept = SecretHash::Sha256(first.digest());
        let client = acme.create_client(&new_client("App"), Some(&kept), &[]).await.unwrap();
        acme.add_client_secret(&client.id, &SecretHash::Sha256(second.digest()), None).await.unwrap();
        let family = fixture.family("acme", &client, &ada);
        let system = fixture.system(SystemTask::TokenEndpoint);
        let mut signed_in = crate::sessions::session("acme", &ada, "sid");
        signed_in.digest = session.digest();
        system.create_session(&signed_in).await.unwrap();
        system.save_code(&AuthorizationCode {
            digest: code.digest(),
            organization: organization_id("acme"),
            client: client.id.clone(),
            user: ada.id.clone(),
            family: family.id.clone(),
            redirect_uri: None,
            code_challenge: None,
            resources: Vec::new(),
            dpop_key: None,
            ceiling: None,
            session: None,
            identity: None,
            authentication: Authentication::by_password(NOW),
            issued_at: NOW,
            expires_at: NOW.plus_seconds(60),
        }).await.unwrap();
        let token = RefreshToken {
            digest: refresh.digest(),
            family: family.id.clone(),
            generation: 0,
            issued_at: NOW,
            rotated_at: None,
            expires_at: NOW.plus_seconds(60),
        };
        let claim = system.claim_code(&code.digest(), &client.id).await.unwrap().unwrap();
        claim.save(&family, &access_token(access.expose(), &family), Some(&token)).await.unwrap();

        let dump = dump(fixture).await;
        assert!(dump.contains("ada@acme.test") && dump.contains("$argon2id$"), "the dump is a dump");
        for secret in [&access, &refresh, &code, &session, &first, &second] {
            assert!(!dump.contains(secret.expose()), "{secret:?}");
            assert!(!dump.contains(&secret.expose()[10..40]), "{secret:?}");
        }
        assert!(!dump.contains(password));
        let audit: String = dump.lines().filter(|line| line.starts_with("audit ")).collect();
        assert!(!audit.contains("argon2id") && !audit.contains("sha256:"), "nor is a hash in the audit (invariant 44)");
        assert!(system.bearer(&Digest::of(access.expose().as_bytes())).await.unwrap().is_some());
    }
}
