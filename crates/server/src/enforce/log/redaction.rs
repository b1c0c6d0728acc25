//! What a line of the log says of app, person and path. It is taken out before anything is written, and behind the calls:
//! what is not to be known of a call never reaches the file.

use countersign_decision::Contracts;
use countersign_decision::private_path::hide_values;
use countersign_domain::name_digest::NameDigests;

use super::Record;
use crate::config::{self, Naming, PathShown};

/// What stands for somebody whose name is left out.
pub const LEFT_OUT: &str = "left out";

/// What a line says.
pub(super) struct Redaction {
    user: Naming,
    client: Naming,
    path: PathShown,
    digests: NameDigests,
}

impl Redaction {
    /// As it is configured.
    pub(super) fn new(config: &config::DecisionLog, digests: NameDigests) -> Self {
        Self { user: config.user, client: config.client, path: config.path, digests }
    }

    /// Takes out of a record, made with one of `contracts`, what is not to be written.
    pub(super) fn redact(&self, record: &mut Record, contracts: &Contracts) {
        record.user = record.user.take().map(|user| self.named(self.user, user));
        record.client = record.client.take().map(|client| self.named(self.client, client));
        if self.path == PathShown::Template {
            let contract = contracts.named(&record.contract);
            let path = record.path.take().unwrap_or_default();
            record.path = contract.and_then(|contract| hide_values(contract, &record.method, path.as_bytes()));
        }
    }

    fn named(&self, naming: Naming, id: String) -> String {
        match naming {
            Naming::Id => id,
            Naming::Digest => self.digests.of(&id),
            Naming::None => LEFT_OUT.to_owned(),
        }
    }
}
