//! `countersign registration-token`: the tokens with which apps register themselves (RFC 7591).

use std::io::Write;

use clap::{Args, Subcommand};
use countersign_decision::Scope;
use countersign_domain::client::GrantType;
use countersign_domain::client_registration::{
    InitialToken, MAX_CLIENTS, MAX_TOKEN_DAYS, NewInitialToken, RegistrationPolicy, parse_host,
};
use countersign_domain::id::{InitialTokenId, OrganizationId};
use countersign_domain::time::Timestamp;
use countersign_store::{StoreError, SystemTask};

use super::failure::Failure;
use super::storage::{StorageArguments, is_there, with_store};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a token that lets apps register themselves in an organization, within a policy; it is shown once
    Create(Box<Create>),
    /// List an organization's tokens, with what they allow and how often they were used
    List(List),
    /// Take a token back; apps that it registered stay
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// Id of the organization that the apps will belong to
    #[arg(long, value_name = "ID")]
    organization: String,
    /// What the token is for, in words
    #[arg(long, value_name = "TEXT")]
    name: String,
    /// A grant type that apps may have, as in a world file; several times for several
    #[arg(long = "grant-type", value_name = "NAME", required = true)]
    grant_types: Vec<String>,
    /// A scope that apps may ask for; several times for several
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// A host that addresses of apps may have, or a scheme of their own as `com.example.app:`; several times for several
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,
    /// How many apps the token can register
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    max_clients: i64,
    /// In how many days the token ends
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    days: i64,
    #[command(flatten)]
    storage: StorageArguments,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Id of the organization
    #[arg(long, value_name = "ID")]
    organization: String,
    #[command(flatten)]
    storage: StorageArguments,
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// Id of the organization
    #[arg(long, value_name = "ID")]
    organization: String,
    /// Id of the token, as `list` shows it
    #[arg(value_name = "TOKEN")]
    token: String,
    #[command(flatten)]
    storage: StorageArguments,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Create(arguments) => create(arguments),
        Command::List(arguments) => list(arguments),
        Command::Revoke(arguments) => revoke(arguments),
    }
}

fn create(arguments: &Create) -> Result<(), Failure> {
    let organization = organization(&arguments.organization)?;
    let policy = policy(arguments)?;
    in_range("--max-clients", arguments.max_clients, MAX_CLIENTS)?;
    in_range("--days", arguments.days, MAX_TOKEN_DAYS)?;
    if arguments.name.trim().is_empty() || arguments.name.chars().any(char::is_control) {
        return Err(Failure::bad_input("`--name` must be a text on one line".to_owned()));
    }
    let made = with_store(&arguments.storage, async |store, now, entropy| {
        let new = NewInitialToken {
            name: arguments.name.clone(),
            policy: policy.clone(),
            max_clients: arguments.max_clients,
            expires_at: now.plus_seconds(arguments.days * 24 * 60 * 60),
        };
        let org = store.system(SystemTask::Registration, now, entropy).org(&organization);
        known(org.create_initial_token(&new).await)
    })?;
    let (secret, token) = made.ok_or_else(|| unknown("organization", &arguments.organization))?;
    let text = format!(
        "{}\nIt is shown this once. It ends on {} or with {} registered, whichever is first; its id is {}.\n",
        secret.expose(),
        token.expires_at.day(),
        counted(token.max_clients),
        token.id,
    );
    Ok(anstream::stdout().lock().write_all(text.as_bytes())?)
}

fn list(arguments: &List) -> Result<(), Failure> {
    let organization = organization(&arguments.organization)?;
    if !is_there(&arguments.storage.config()?) {
        return Err(unknown("organization", &arguments.organization));
    }
    let found = with_store(&arguments.storage, async |store, now, entropy| {
        let system = store.system(SystemTask::Registration, now, entropy);
        let Some(organization) = system.organization(&organization).await? else { return Ok(None) };
        Ok(Some((system.org(&organization.id).initial_tokens().await?, now)))
    })?;
    let (tokens, now) = found.ok_or_else(|| unknown("organization", &arguments.organization))?;
    let mut text = String::new();
    for token in &tokens {
        text.push_str(&line(token, now));
    }
    if tokens.is_empty() {
        text.push_str("no tokens: no app can register itself here\n");
    }
    Ok(anstream::stdout().lock().write_all(text.as_bytes())?)
}

fn revoke(arguments: &Revoke) -> Result<(), Failure> {
    let organization = organization(&arguments.organization)?;
    let id = InitialTokenId::parse(&arguments.token).map_err(|error| Failure::bad_input(error.to_string()))?;
    let revoked = with_store(&arguments.storage, async |store, now, entropy| {
        let org = store.system(SystemTask::Registration, now, entropy).org(&organization);
        known(org.revoke_initial_token(&id).await)
    })?;
    revoked.ok_or_else(|| unknown("live token", &arguments.token))?;
    Ok(anstream::stdout().lock().write_all(b"the token is revoked; apps that it registered stay\n")?)
}

fn policy(arguments: &Create) -> Result<RegistrationPolicy, Failure> {
    let mut grant_types: Vec<GrantType> = Vec::new();
    for name in &arguments.grant_types {
        let names = GrantType::ALL.map(|grant| format!("`{}`", grant.as_str())).join(", ");
        let rule = || Failure::bad_input(format!("`--grant-type {name}`: it is one of {names}"));
        grant_types.push(GrantType::parse(name).ok_or_else(rule)?);
    }
    grant_types.sort_unstable();
    grant_types.dedup();
    let scope =
        |text: &String| text.parse::<Scope>().map_err(|error| Failure::bad_input(format!("`--scope {text}`: {error}")));
    let host = |text: &String| parse_host(text).map_err(|error| Failure::bad_input(format!("`--host`: {error}")));
    let scopes = arguments.scopes.iter().map(scope).collect::<Result<Vec<_>, _>>()?;
    let hosts = arguments.hosts.iter().map(host).collect::<Result<Vec<_>, _>>()?;
    if grant_types.contains(&GrantType::AuthorizationCode) && hosts.is_empty() {
        let rule = "`--grant-type authorization_code` needs a `--host`: people are sent back there";
        return Err(Failure::bad_input(rule.to_owned()));
    }
    Ok(RegistrationPolicy { grant_types, scopes, hosts })
}

fn line(token: &InitialToken, now: Timestamp) -> String {
    let state = match token.revoked_at {
        Some(_) => "revoked".to_owned(),
        None if now >= token.expires_at => "ended".to_owned(),
        None if token.used >= token.max_clients => "used up".to_owned(),
        None => format!("until {}", token.expires_at.day()),
    };
    let grants: Vec<_> = token.policy.grant_types.iter().map(|grant| grant.as_str()).collect();
    format!(
        "{}  {}: {state}; {} of {} registered; {}; scopes {}; hosts {}\n",
        token.id,
        token.name,
        token.used,
        counted(token.max_clients),
        grants.join(" "),
        listed(&token.policy.scopes),
        listed(&token.policy.hosts),
    )
}

fn listed<T: ToString>(items: &[T]) -> String {
    if items.is_empty() { "none".to_owned() } else { items.iter().map(T::to_string).collect::<Vec<_>>().join(" ") }
}

fn counted(clients: i64) -> String {
    if clients == 1 { "1 app".to_owned() } else { format!("{clients} apps") }
}

fn organization(text: &str) -> Result<OrganizationId, Failure> {
    OrganizationId::parse(text).map_err(|error| Failure::bad_input(format!("`--organization`: {error}")))
}

fn in_range(option: &str, number: i64, most: i64) -> Result<(), Failure> {
    if (1..=most).contains(&number) {
        return Ok(());
    }
    Err(Failure::bad_input(format!("`{option} {number}`: it must be 1 to {most}")))
}

/// What is not there is bad input, not a failure of the store.
fn known<T>(outcome: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn unknown(what: &str, given: &str) -> Failure {
    Failure::bad_input(format!("there is no {what} `{given}`"))
}
