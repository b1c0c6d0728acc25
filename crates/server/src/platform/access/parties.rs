//! Who a question is about: users by id or e-mail address, clients by id, all looked up at once.

use std::collections::{BTreeMap, BTreeSet};

use countersign_decision::{Authority, Caller, ClientRef, Subject};
use countersign_domain::authzen::Question;
use countersign_domain::user::Email;

use crate::http::error::ApiError;
use crate::platform::Call;

/// A person, with an app.
pub(super) const USER: &str = "user";
/// An app that acts for itself.
pub(super) const CLIENT: &str = "client";

/// The users and clients that questions name.
pub(super) struct Parties {
    /// By e-mail address, as it is compared.
    users: BTreeMap<String, String>,
    clients: BTreeMap<String, ClientRef>,
}

impl Parties {
    /// Looks up everybody whom the questions name.
    pub(super) async fn look_up(call: &Call, questions: impl IntoIterator<Item = &Question>) -> Result<Self, ApiError> {
        let (mut emails, mut clients) = (BTreeSet::new(), BTreeSet::new());
        for question in questions {
            // no id has an `@`
            if question.subject.kind == USER && question.subject.id.contains('@') {
                emails.insert(question.subject.id.clone());
            }
            clients.extend(client_of(question).map(str::to_owned));
        }
        Self::of(call, &emails, &clients).await
    }

    /// Looks up these clients.
    pub(super) async fn clients(call: &Call, ids: &BTreeSet<String>) -> Result<Self, ApiError> {
        Self::of(call, &BTreeSet::new(), ids).await
    }

    async fn of(call: &Call, emails: &BTreeSet<String>, clients: &BTreeSet<String>) -> Result<Self, ApiError> {
        let users = call.org().users_with_emails(emails).await?;
        Ok(Self { users, clients: call.org().callers(clients).await? })
    }

    /// What the caller that a question names holds in the asker's organization.
    pub(super) fn with_authority<T>(
        &self,
        call: &Call,
        question: &Question,
        then: impl FnOnce(&Authority<'_>) -> T,
    ) -> T {
        let subject = match question.subject.kind.as_str() {
            USER => Subject::User(self.user(&question.subject.id)),
            CLIENT => Subject::Client,
            _ => return then(&Authority::unknown_user()),
        };
        let Some(client) = client_of(question).and_then(|id| self.clients.get(id)) else {
            return then(&Authority::unknown_client());
        };
        let caller = Caller { client: client.clone(), subject, ceiling: question.ceiling.clone(), actors: vec![] };
        then(&call.snapshot().authority(&caller))
    }

    /// The id of a user; what is no address of the organization's is taken as one, and stays unknown.
    fn user(&self, named: &str) -> String {
        self.users.get(&Email::key_of(named)).map_or_else(|| named.to_owned(), Clone::clone)
    }
}

fn client_of(question: &Question) -> Option<&str> {
    match question.subject.kind.as_str() {
        CLIENT => Some(&question.subject.id),
        _ => question.client.as_deref(),
    }
}
