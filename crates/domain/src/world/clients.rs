//! Clients and authorizations of a world file. An authorization can be about a client of any organization.

use std::collections::{HashMap, HashSet};

use countersign_decision::AuthorizationState;
use serde_saphyr::Spanned;

use super::check::{Defined, assignments, chosen};
use super::file::{self, WorldFile};
use super::findings::{Findings, Unique, listed};
use super::{AuthorizationEntry, ClientEntry, ClientReference};
use crate::client::{
    ClientMetadata, DEFAULT_TOKEN_TTL_SECONDS, GrantType, MAX_TOKEN_TTL_SECONDS, MIN_TOKEN_TTL_SECONDS,
};
use crate::id::ClientId;
use crate::oauth::redirect_uri::validate_registered;
use crate::yaml::line;

/// The ids of all clients in the file, over all organizations.
pub(super) struct KnownClients(HashSet<String>);

impl KnownClients {
    /// Collects ids and finds those given twice, and names that another client has as its id: `client` in an
    /// authorization or in a request would mean both.
    pub(super) fn collect(shape: &WorldFile, findings: &mut Findings) -> Self {
        let clients = || {
            let organizations = shape.organizations.iter();
            organizations
                .flat_map(|organization| organization.value.clients.iter().flatten())
                .map(|client| &client.value)
        };
        let mut ids = Unique::default();
        let mut lines = HashMap::new();
        for id in clients().filter_map(|client| client.id.as_ref()) {
            ids.check(id.value.clone(), "client id", id, findings);
            lines.entry(id.value.as_str()).or_insert(line(id));
        }
        for client in clients() {
            let Some(name) = &client.name else { continue };
            let is_own_id = client.id.as_ref().is_some_and(|id| id.value == name.value);
            if let Some(at) = lines.get(name.value.as_str()).filter(|_| !is_own_id) {
                let message = format!("`{}` is also the id of another client, in line {at}: rename one", name.value);
                findings.problem(line(name), message);
            }
        }
        Self(lines.into_keys().map(str::to_owned).collect())
    }
}

pub(super) fn clients(
    shapes: Vec<Spanned<file::Client>>,
    defined: &Defined,
    findings: &mut Findings,
) -> Vec<ClientEntry> {
    let mut names = Unique::default();
    let mut clients = Vec::with_capacity(shapes.len());
    for spanned in shapes {
        if let Some(name) = findings.required(spanned.value.name.as_ref(), line(&spanned), "name") {
            names.check(name.value.clone(), "client", name, findings);
        }
        clients.extend(client(spanned, defined, findings));
    }
    clients
}

fn client(spanned: Spanned<file::Client>, defined: &Defined, findings: &mut Findings) -> Option<ClientEntry> {
    let at = line(&spanned);
    let shape = spanned.value;
    let id = shape.id.as_ref().and_then(|id| findings.parsed(id, ClientId::parse(&id.value)));
    // Client id metadata documents §6.10: what is registered can never be taken for a document.
    if id.as_ref().is_some_and(|id| id.document_address().is_some()) {
        findings.problem(
            at,
            "the `id` of a registered client cannot be an address: such a client is known by its document",
        );
    }
    let grant_types = grant_types(&shape.grant_types.unwrap_or_default(), findings);
    let redirect_uris = redirect_uris(shape.redirect_uris.unwrap_or_default(), findings);
    let secret = shape.secret.map(|secret| chosen(secret, "secret", findings));
    let scopes = findings.scopes(&shape.scopes.unwrap_or_default());
    let roles = assignments(shape.roles.unwrap_or_default(), defined, findings);

    let metadata = metadata(shape.metadata, secret.is_some(), findings);
    let is_confidential = metadata.is_confidential(secret.is_some());

    let uses = |grant_type| grant_types.contains(&grant_type);
    // RFC 6749 §4.4: the client credentials grant is for confidential clients only.
    if uses(GrantType::ClientCredentials) && !is_confidential {
        findings.problem(at, "a client with `client_credentials` needs a `secret`: without one it is a public client");
    }
    if uses(GrantType::Saml2Bearer) {
        findings.notice(at, "nothing is given for `saml2_bearer` yet: assertions as JWTs (`jwt_bearer`) are taken");
    }
    if uses(GrantType::AuthorizationCode) && redirect_uris.is_empty() {
        findings.notice(at, "a client with `authorization_code` and no `redirect_uris` gets no code");
    }
    if !roles.is_empty() && !uses(GrantType::ClientCredentials) {
        findings.notice(at, "a client without `client_credentials` has no use for `roles`");
    }
    Some(ClientEntry {
        id,
        name: findings.name(shape.name?, "name"),
        description: shape.description,
        token_ttl_seconds: token_ttl_seconds(shape.token_ttl_seconds, findings),
        pkce_required: pkce_required(shape.pkce_required, is_confidential, findings),
        metadata,
        grant_types,
        redirect_uris,
        secret,
        scopes,
        roles,
    })
}

fn grant_types(texts: &[Spanned<String>], findings: &mut Findings) -> Vec<GrantType> {
    let choices = GrantType::ALL.map(|grant_type| (grant_type.as_str(), grant_type));
    let mut grant_types: Vec<_> =
        texts.iter().filter_map(|text| findings.one_of(text, "grant_types", &choices)).collect();
    grant_types.sort_unstable();
    grant_types.dedup();
    grant_types
}

fn redirect_uris(texts: Vec<Spanned<String>>, findings: &mut Findings) -> Vec<String> {
    let mut uris: Vec<String> = Vec::with_capacity(texts.len());
    for text in texts {
        if findings.parsed(&text, validate_registered(&text.value)).is_some() && !uris.contains(&text.value) {
            uris.push(text.value);
        }
    }
    uris
}

fn metadata(given: Option<Spanned<ClientMetadata>>, has_secret: bool, findings: &mut Findings) -> ClientMetadata {
    let Some(given) = given else { return ClientMetadata::default() };
    if let Err(unfit) = given.value.check(has_secret) {
        findings.problem(line(&given), unfit.to_string());
    }
    given.value
}

fn token_ttl_seconds(given: Option<Spanned<i64>>, findings: &mut Findings) -> i64 {
    let Some(given) = given else { return DEFAULT_TOKEN_TTL_SECONDS };
    if !(MIN_TOKEN_TTL_SECONDS..=MAX_TOKEN_TTL_SECONDS).contains(&given.value) {
        let range = format!("it must be {MIN_TOKEN_TTL_SECONDS} to {MAX_TOKEN_TTL_SECONDS}");
        findings.problem(line(&given), format!("`token_ttl_seconds` of {} is out of range: {range}", given.value));
    }
    given.value
}

/// RFC 9700 §2.1.1: public clients must use PKCE.
fn pkce_required(given: Option<Spanned<bool>>, is_confidential: bool, findings: &mut Findings) -> bool {
    let Some(given) = given else { return true };
    if !given.value {
        if is_confidential {
            findings.notice(line(&given), "an app that sends no PKCE challenge is open to code injection: prefer PKCE");
        } else {
            findings.problem(line(&given), "`pkce_required: false` needs a `secret`: a public client must use PKCE");
        }
    }
    given.value
}

pub(super) fn authorizations(
    shapes: Vec<Spanned<file::Authorization>>,
    own: &[ClientEntry],
    known: &KnownClients,
    defined: &Defined,
    findings: &mut Findings,
) -> Vec<AuthorizationEntry> {
    let mut decided = Unique::default();
    let mut authorizations = Vec::with_capacity(shapes.len());
    for spanned in shapes {
        let at = line(&spanned);
        let file::Authorization { client, scopes, roles, state } = spanned.value;
        let scopes = findings.scopes(&scopes.unwrap_or_default());
        let roles = role_limit(roles.unwrap_or_default(), defined, findings);
        let state = state.map_or(Some(AuthorizationState::Authorized), |text| {
            findings.one_of(
                &text,
                "state",
                &[
                    ("requested", AuthorizationState::Requested),
                    ("authorized", AuthorizationState::Authorized),
                    ("denied", AuthorizationState::Denied),
                    ("revoked", AuthorizationState::Revoked),
                ],
            )
        });
        let Some(text) = findings.required(client.as_ref(), at, "client") else { continue };
        let Some((client, key)) = reference(text, own, known, defined, findings) else { continue };
        decided.check(key, "client", text, findings);
        let Some(state) = state else { continue };
        authorizations.push(AuthorizationEntry { client, scopes, roles, state, line: line(text) });
    }
    authorizations
}

fn role_limit(texts: Vec<Spanned<String>>, defined: &Defined, findings: &mut Findings) -> Vec<String> {
    let mut roles: Vec<String> = Vec::with_capacity(texts.len());
    for text in texts {
        defined.check_role(&text.value, line(&text), findings);
        if !roles.contains(&text.value) {
            roles.push(text.value);
        }
    }
    roles
}

/// Which client is meant, and a key that is the same however it is named.
fn reference(
    text: &Spanned<String>,
    own: &[ClientEntry],
    known: &KnownClients,
    defined: &Defined,
    findings: &mut Findings,
) -> Option<(ClientReference, String)> {
    if let Some(client) = own.iter().find(|client| client.name == text.value) {
        let key = client.id.as_ref().map_or_else(|| format!("name {}", client.name), ToString::to_string);
        return Some((ClientReference::Own(client.name.clone()), key));
    }
    let Ok(id) = ClientId::parse(&text.value) else {
        let names: Vec<_> = own.iter().map(|client| client.name.clone()).collect();
        let Defined { organization, .. } = defined;
        let rule = format!("`client` is the name of one of its clients ({}) or the id of any client", listed(&names));
        findings.problem(line(text), format!("`{}` is not a client of {organization}: {rule}", text.value));
        return None;
    };
    let key = id.to_string();
    let reference = if known.0.contains(&key) { ClientReference::Id(id) } else { ClientReference::Elsewhere(id) };
    Some((reference, key))
}
