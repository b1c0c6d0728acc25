//! New codes and tokens, of any number of requests at once.

use countersign_domain::id::{SessionId, TokenFamilyId};
use countersign_domain::oauth::grant::authorization_code::AuthorizationCode;
use countersign_domain::oauth::token::{AccessToken, RefreshToken, TokenFamily};
use countersign_domain::time::Timestamp;
use sqlx::AnyConnection;

use crate::StoreError;
use crate::column::json_text;
use crate::rows::{Filling, Rows};
use crate::token::family::{ceiling_text, user_of};

/// A new family with its first tokens.
pub(crate) async fn insert_tokens(
    connection: &mut AnyConnection,
    family: &TokenFamily,
    access: &AccessToken,
    refresh: Option<&RefreshToken>,
    now: Timestamp,
) -> Result<(), StoreError> {
    insert_families(connection, &[(family, now)]).await?;
    insert_access_tokens(connection, &[(family, access)]).await?;
    let refresh: Vec<_> = refresh.into_iter().map(|refresh| (family, refresh)).collect();
    insert_refresh_tokens(connection, &refresh).await
}

pub(crate) async fn insert_codes(
    connection: &mut AnyConnection,
    codes: &[&AuthorizationCode],
) -> Result<(), StoreError> {
    static INSERT: Rows = Rows::new(
        "INSERT INTO authorization_codes (digest, org_id, client_id, user_id, family_id, redirect_uri, code_challenge,
                                          resources, dpop_key, ceiling, session_id, identity, authenticated_at, acr,
                                          issued_at, expires_at, claims)
         VALUES {rows}",
        17,
    );
    let fill = |insert: Filling, code: &&AuthorizationCode| {
        insert
            .bind(&code.digest.as_bytes()[..])
            .bind(code.organization.as_str())
            .bind(code.client.as_str())
            .bind(code.user.as_str())
            .bind(code.family.as_str())
            .bind(code.redirect_uri.as_deref())
            .bind(code.code_challenge.as_deref())
            .bind(json_text(&code.resources))
            .bind(code.dpop_key.map(String::from))
            .bind(ceiling_text(code.ceiling.as_deref()))
            .bind(code.session.as_ref().map(SessionId::as_str))
            .bind(code.identity.as_ref().map(json_text))
            .bind(code.authentication.at.as_micros())
            .bind(code.authentication.acr.as_str())
            .bind(code.issued_at.as_micros())
            .bind(code.expires_at.as_micros())
            .bind(0_i64)
    };
    INSERT.run(connection, codes, fill).await.map(drop)
}

pub(crate) async fn insert_families(
    connection: &mut AnyConnection,
    families: &[(&TokenFamily, Timestamp)],
) -> Result<(), StoreError> {
    static INSERT: Rows = Rows::new(
        "INSERT INTO token_families (org_id, family_id, client_id, user_id, ceiling, resources, dpop_key, session_id,
                                     identity, authenticated_at, acr, created_at, used_at)
         VALUES {rows}",
        13,
    );
    let fill = |insert: Filling, (family, now): &(&TokenFamily, Timestamp)| {
        insert
            .bind(family.organization.as_str())
            .bind(family.id.as_str())
            .bind(family.client.as_str())
            .bind(user_of(&family.subject))
            .bind(ceiling_text(family.ceiling.as_deref()))
            .bind(json_text(&family.resources))
            .bind(family.dpop_key.map(String::from))
            .bind(family.session.as_ref().map(SessionId::as_str))
            .bind(family.identity.as_ref().map(json_text))
            .bind(family.authentication.as_ref().map(|authentication| authentication.at.as_micros()))
            .bind(family.authentication.as_ref().map(|authentication| &*authentication.acr))
            .bind(family.created_at.as_micros())
            .bind(now.as_micros())
    };
    INSERT.run(connection, families, fill).await.map(drop)
}

pub(crate) async fn insert_access_tokens(
    connection: &mut AnyConnection,
    tokens: &[(&TokenFamily, &AccessToken)],
) -> Result<(), StoreError> {
    static INSERT: Rows = Rows::new(
        "INSERT INTO access_tokens (digest, org_id, family_id, ceiling, confirmation, audience, protocol_scopes, issued_at,
                                    expires_at)
         VALUES {rows}",
        9,
    );
    for (family, token) in tokens {
        check_family(family, &token.family)?;
    }
    let fill = |insert: Filling, (family, token): &(&TokenFamily, &AccessToken)| {
        insert
            .bind(&token.digest.as_bytes()[..])
            .bind(family.organization.as_str())
            .bind(family.id.as_str())
            .bind(ceiling_text(token.ceiling.as_deref()))
            .bind(token.confirmation.as_ref().map(json_text))
            .bind(json_text(&token.audience))
            .bind(json_text(&token.protocol_scopes))
            .bind(token.issued_at.as_micros())
            .bind(token.expires_at.as_micros())
    };
    INSERT.run(connection, tokens, fill).await.map(drop)
}

pub(crate) async fn insert_refresh_tokens(
    connection: &mut AnyConnection,
    tokens: &[(&TokenFamily, &RefreshToken)],
) -> Result<(), StoreError> {
    static INSERT: Rows = Rows::new(
        "INSERT INTO refresh_tokens (digest, org_id, family_id, client_id, generation, issued_at, expires_at, uses)
         VALUES {rows}",
        8,
    );
    for (family, token) in tokens {
        check_family(family, &token.family)?;
    }
    let fill = |insert: Filling, (family, token): &(&TokenFamily, &RefreshToken)| {
        insert
            .bind(&token.digest.as_bytes()[..])
            .bind(family.organization.as_str())
            .bind(family.id.as_str())
            .bind(family.client.as_str())
            .bind(token.generation)
            .bind(token.issued_at.as_micros())
            .bind(token.expires_at.as_micros())
            .bind(0_i64)
    };
    INSERT.run(connection, tokens, fill).await.map(drop)
}

/// A token of another family would die with the wrong one.
fn check_family(family: &TokenFamily, named: &TokenFamilyId) -> Result<(), StoreError> {
    if family.id == *named {
        Ok(())
    } else {
        Err(StoreError::Invalid { what: "the token names another family".to_owned() })
    }
}
