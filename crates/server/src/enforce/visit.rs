//! One call at a door: who asks, how often, and what the decision point says. Every door does this in this order, and then
//! acts on the answer in its own way.

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use countersign_decision::{Contract, Contracts};

use crate::app::App;
use crate::config::Upstream;
use crate::enforce::check::{Allowed, Ask, Asker, Refusal, check, identify};
use crate::enforce::doors::Doors;
use crate::enforce::log::Door;
use crate::enforce::presented::Presented;
use crate::enforce::rate::RateStanding;
use crate::http::bearer::{Credentials, credentials};
use crate::http::dpop::{self, DPOP};
use crate::http::error::ApiError;
use crate::http::now::RequestContext;

/// One call at a door.
pub struct Visit<'a> {
    /// The running server.
    pub app: &'a App,
    /// When, and under which correlation id.
    pub context: &'a RequestContext,
    /// The contracts that it is decided with.
    pub contracts: Arc<Contracts>,
    /// Who asks.
    pub asker: Asker,
    /// Where it came to.
    pub door: Door,
    presented: Presented,
    resource: &'a str,
    standing: RateStanding,
}

impl<'a> Visit<'a> {
    /// Receives a call that has just come to the API called `resource` (RFC 8707), at this door: the proof that came with it counts once,
    /// and the call counts against its token.
    ///
    /// # Errors
    /// When state cannot be read: nothing is allowed.
    pub async fn receive(
        app: &'a App,
        doors: &Doors,
        context: &'a RequestContext,
        presented: Presented,
        (door, resource): (Door, &'a str),
    ) -> Result<Self, ApiError> {
        let contracts = Arc::clone(&doors.contracts);
        let mut asker = identify(app, &contracts, presented, resource, context.now).await?;
        if matches!(asker, Asker::Live(_)) && !presented.is_first_use(app, context.now).await? {
            asker = Asker::Invalid;
        }
        let standing = match &asker {
            Asker::Live(live) => app.rate_limit.count(live, &doors.limits, context.now),
            Asker::Missing | Asker::Invalid => RateStanding::uncounted(&doors.limits),
        };
        Ok(Self { app, context, contracts, asker, door, presented, resource, standing })
    }

    /// What the call presents.
    pub const fn presented(&self) -> Presented {
        self.presented
    }

    /// The API that it came to.
    pub const fn resource(&self) -> &str {
        self.resource
    }

    /// Looks again who asks: what the caller may do can be what changed.
    ///
    /// # Errors
    /// When state cannot be read: nothing is allowed.
    pub async fn look_again(&mut self) -> Result<(), ApiError> {
        self.app.remembered.look(&self.app.store).await?;
        self.contracts = self.app.contracts();
        self.asker = identify(self.app, &self.contracts, self.presented, self.resource, self.context.now).await?;
        Ok(())
    }

    /// Whether the token, its app and its organization may make this call in this minute.
    ///
    /// # Errors
    /// 429.
    pub fn check_rate(&self) -> Result<(), ApiError> {
        if self.standing.is_exceeded() {
            self.app.metrics.rate_limited[self.standing.counted as usize].add();
            self.app.usage.count_too_many(self);
            return Err(ApiError::too_many_requests(self.standing));
        }
        Ok(())
    }

    /// Decides the call, and records and counts what was decided.
    pub fn decide(&self, contract: &Contract, ask: Ask<'_>) -> Result<Allowed, Box<Refusal>> {
        let answer = check(contract, &self.asker, &self.contracts, ask, self.context.now);
        let told = answer.as_ref().map_err(|refusal| &**refusal);
        self.app.metrics.doors.decided(self.door, told);
        if let Some(trace) = &self.context.trace {
            trace.decided(self, contract, ask, told);
        }
        self.app.decisions.record(self, contract.name(), ask, told);
        self.app.usage.count(self, contract.name(), ask, told);
        answer
    }

    /// Decides a call of an upstream, whose contract may not have been imported yet.
    ///
    /// # Errors
    /// The refusal.
    pub fn decide_for(&self, upstream: &Upstream, ask: Ask<'_>) -> Result<Allowed, ApiError> {
        let Some(contract) = self.contracts.named(&upstream.name) else {
            tracing::error!(
                upstream.name,
                "no contract was imported under the name of this upstream: every call is refused"
            );
            return Err(ApiError::unavailable());
        };
        self.decide(contract, ask).map_err(|refusal| ApiError::from_refusal(&refusal, &self.app.origin))
    }

    /// What every answer says beside its own: where the token stands in its minute, and, with 401, how a proof is sent.
    pub fn finish(&self, sent: &HeaderMap, answer: &mut Response) {
        self.standing.write(answer.headers_mut());
        if answer.status() == StatusCode::UNAUTHORIZED && uses_dpop(sent) {
            dpop::challenge(answer);
        }
    }
}

/// Whether a call comes with a proof, or with the scheme that needs one.
fn uses_dpop(headers: &HeaderMap) -> bool {
    headers.contains_key(DPOP) || matches!(credentials(headers), Credentials::Dpop { .. })
}
