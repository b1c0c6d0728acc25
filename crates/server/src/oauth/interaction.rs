//! An authorization request in progress, kept on our side between the pages of one sign-in (A60).
//!
//! A page carries only the interaction's secret. What was asked for is read from the record and checked again with every
//! step, against the client as it is now; nothing that a form sends can change it. An interaction belongs to one cookie: the
//! pre-session's before sign-in, the session's after.

use countersign_domain::client::document_address;
use countersign_domain::id::{ClientId, OrganizationId, SessionId, UserId};
use countersign_domain::oauth::user_code::UserCode;
use countersign_domain::secret::{Digest, Secret, SecretKind};
use countersign_domain::time::Timestamp;
use countersign_store::interaction::Interaction;
use serde::{Deserialize, Serialize};

use crate::http::form::Form;
use crate::web::trouble::PageError;
use crate::web::visit::Visit;

/// How long somebody may take over the pages of one sign-in, in seconds.
pub const INTERACTION_SECONDS: i64 = 30 * 60;

/// Why somebody is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Wish {
    /// An app sent them (RFC 6749 §4.1.1).
    Authorize {
        /// The request as it came.
        parameters: Vec<(String, String)>,
        /// The reference that it was opened by (RFC 9126), if it was pushed: finished with the request.
        pushed: Option<Digest>,
        /// Whether the client signed it (RFC 9101).
        is_signed: bool,
    },
    /// They followed the link in the answer to a refused call, to approve an app or to ask for it.
    Approve {
        /// The app.
        client: ClientId,
        /// What it would need, as in a `scope` parameter.
        scope: Option<String>,
    },
    /// They want to connect a device (RFC 8628 §3.3) and have not entered its code yet.
    EnterCode {
        /// What a link brought (`verification_uri_complete`): only the page's field is filled with it.
        user_code: Option<String>,
    },
    /// They entered the code of a device.
    Device {
        /// The code. It is of use only to somebody who signs in, and for minutes.
        user_code: UserCode,
        /// The sign-in that said that the device is theirs (RFC 8628 §5.4); nobody else's word counts.
        confirmed_by: Option<SessionId>,
    },
}

impl Wish {
    /// Whether an app sent them that is known by a document only: whoever made it, nobody here has looked at it.
    pub fn is_of_a_stranger(&self) -> bool {
        let Self::Authorize { parameters, .. } = self else { return false };
        parameters.iter().any(|(name, value)| name == "client_id" && document_address::looks_like_one(value))
    }
}

/// A wish on its way.
#[derive(Debug, Clone)]
pub struct InProgress {
    /// Why somebody is here.
    pub wish: Wish,
    /// When they came.
    pub began_at: Timestamp,
    /// The people whose password was right, while they choose between organizations.
    pub proven: Vec<(OrganizationId, UserId)>,
    kept: Option<Kept>,
}

/// Where a wish is kept, and for which cookie.
#[derive(Debug, Clone)]
struct Kept {
    secret: Secret,
    binding: Digest,
}

#[derive(Serialize, Deserialize)]
struct Record {
    wish: Wish,
    proven: Vec<(OrganizationId, UserId)>,
}

impl InProgress {
    /// A wish that has just come.
    pub fn begin(wish: Wish, now: Timestamp) -> Self {
        Self { wish, began_at: now, proven: Vec::new(), kept: None }
    }

    /// The interaction that a form names, if it belongs to `cookie`.
    pub async fn of_form(visit: &Visit, form: &Form, cookie: &Secret) -> Result<Self, PageError> {
        let progress = Self::find(visit, form.one("interaction")?.unwrap_or_default()).await?;
        match &progress.kept {
            Some(kept) if kept.binding == cookie.digest() => Ok(progress),
            _ => Err(PageError::FormRefused),
        }
    }

    /// The interaction with this secret.
    pub async fn find(visit: &Visit, secret: &str) -> Result<Self, PageError> {
        let secret = Secret::parse(SecretKind::Interaction, secret).ok_or(PageError::InteractionOver)?;
        let record = visit.store().interaction(&secret.digest()).await?.ok_or(PageError::InteractionOver)?;
        Self::read(secret, record)
    }

    fn read(secret: Secret, record: Interaction) -> Result<Self, PageError> {
        let unreadable = |_| PageError::Internal("a kept interaction cannot be read");
        let Record { wish, proven } = serde_json::from_value(record.request).map_err(unreadable)?;
        let kept = Some(Kept { secret, binding: record.binding });
        Ok(Self { wish, began_at: record.created_at, proven, kept })
    }

    /// Whether it is kept for this cookie.
    pub fn belongs_to(&self, cookie: &Secret) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.binding == cookie.digest())
    }

    /// Keeps it for `cookie`: new, or handed over from the cookie it belonged to. Gives its secret.
    pub async fn keep_for(&mut self, visit: &Visit, cookie: &Secret) -> Result<Secret, PageError> {
        let binding = cookie.digest();
        match &self.kept {
            Some(kept) if kept.binding == binding => Ok(kept.secret.clone()),
            Some(kept) => {
                let secret = kept.secret.clone();
                if !visit.store().rebind_interaction(&secret.digest(), &kept.binding, &binding).await? {
                    return Err(PageError::InteractionOver);
                }
                self.kept = Some(Kept { secret: secret.clone(), binding });
                Ok(secret)
            }
            None => self.save(visit, binding).await,
        }
    }

    /// Replaces what is kept, under a new secret.
    pub async fn keep_changed(&mut self, visit: &Visit, cookie: &Secret) -> Result<Secret, PageError> {
        self.take(visit).await?;
        self.save(visit, cookie.digest()).await
    }

    /// Ends it, so that one decision has one outcome: whoever takes it second is told that it is over (A57).
    pub async fn take(&mut self, visit: &Visit) -> Result<(), PageError> {
        let Some(kept) = self.kept.take() else { return Ok(()) };
        let taken = visit.store().take_interaction(&kept.secret.digest()).await?;
        taken.map(|_| ()).ok_or(PageError::InteractionOver)
    }

    async fn save(&mut self, visit: &Visit, binding: Digest) -> Result<Secret, PageError> {
        let secret = visit.new_secret(SecretKind::Interaction);
        let record = Record { wish: self.wish.clone(), proven: self.proven.clone() };
        let request =
            serde_json::to_value(record).map_err(|_| PageError::Internal("an interaction has no JSON form"))?;
        let interaction = Interaction {
            digest: secret.digest(),
            binding,
            request,
            created_at: self.began_at,
            expires_at: self.began_at.plus_seconds(INTERACTION_SECONDS),
        };
        visit.store().save_interaction(&interaction).await?;
        self.kept = Some(Kept { secret: secret.clone(), binding });
        Ok(secret)
    }
}
