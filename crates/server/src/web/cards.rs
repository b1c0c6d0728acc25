//! What several pages show: the app, its scopes, and where its forms may lead.

use std::collections::HashMap;

use countersign_decision::{Contract, Contracts, Scope};
use countersign_domain::client::document;
use countersign_domain::oauth::openid::protocol_scope::ProtocolScope;

use crate::oauth::asked::{Asked, Errand};
use crate::web::html::FormTarget;
use crate::web::pages::{App, ScopeLine};
use url::{Host, Url};

/// The app, as people see it.
pub fn app_card(asked: &Asked) -> App {
    let redirect_uri = match &asked.errand {
        Errand::Redirect(request) => request.redirect_uri.to_url(),
        // the person stays here, and goes back to the device by foot
        Errand::Device(_) => None,
        Errand::Approval => asked.client.redirect_uris.first().and_then(|uri| Url::parse(uri).ok()),
    };
    let (name, document_host) = (asked.client.name.clone(), document::host(&asked.client.id).to_owned());
    App { name, document_host, ..destination(redirect_uri.as_ref()) }
}

/// Where an app answers, which is all that is known of it when the app itself is not at hand.
pub fn destination(redirect_uri: Option<&Url>) -> App {
    let return_host = redirect_uri.map(return_host).unwrap_or_default();
    let (document_host, is_local) = (String::new(), redirect_uri.is_some_and(is_local));
    App { name: return_host.clone(), document_host, return_host, is_local }
}

/// Where the forms of a page may lead in the end.
pub fn form_target(asked: &Asked) -> FormTarget {
    match asked.request().and_then(|request| request.redirect_uri.to_url()) {
        Some(url) => FormTarget::app(&url),
        None => FormTarget::here(),
    }
}

/// Host and port, or the scheme where that is an app's own.
pub fn return_host(url: &Url) -> String {
    match (url.scheme(), url.host_str(), url.port()) {
        ("http" | "https", Some(host), Some(port)) => format!("{host}:{port}"),
        ("http" | "https", Some(host), None) => host.to_owned(),
        (scheme, ..) => scheme.to_owned(),
    }
}

/// RFC 8252 §8.6: any program of that computer can listen there.
fn is_local(url: &Url) -> bool {
    url.scheme() == "http"
        && match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

/// What the loaded contracts say about scopes.
pub struct ScopeFacts<'c> {
    contracts: &'c Contracts,
    opens: HashMap<&'c str, Opens>,
}

/// How many operations a scope can open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Opens {
    /// Operations that read.
    pub reads: usize,
    /// Operations that change something.
    pub writes: usize,
}

impl<'c> ScopeFacts<'c> {
    /// Counts over every operation of every contract.
    pub fn of(contracts: &'c Contracts) -> Self {
        let mut opens: HashMap<&str, Opens> = HashMap::new();
        for operation in contracts.iter().flat_map(Contract::operations) {
            let mut scopes: Vec<&str> =
                operation.requirement.scopes_any_of().iter().flatten().map(Scope::as_str).collect();
            scopes.sort_unstable();
            scopes.dedup();
            for scope in scopes {
                let counted = opens.entry(scope).or_default();
                if operation.method.is_mutating() { counted.writes += 1 } else { counted.reads += 1 }
            }
        }
        Self { contracts, opens }
    }

    /// How many operations it can open.
    pub fn opens(&self, scope: &str) -> Opens {
        self.opens.get(scope).copied().unwrap_or_default()
    }

    /// Whether some contract knows it.
    pub fn is_known(&self, scope: &str) -> bool {
        self.contracts.catalogue().scope_index(scope).is_some()
    }

    /// What the protocol or a contract says about it.
    pub fn description(&self, scope: &str) -> Option<String> {
        if let Some(scope) = ProtocolScope::parse(scope) {
            return Some(scope.description().to_owned());
        }
        let catalogue = self.contracts.catalogue();
        let index = usize::try_from(catalogue.scope_index(scope)?).ok()?;
        catalogue.scopes().get(index)?.description.clone()
    }

    /// Scopes to read, not to choose.
    pub fn lines(&self, scopes: &[Scope]) -> Vec<ScopeLine> {
        let line = |scope: &Scope| ScopeLine {
            id: scope.to_string(),
            description: self.description(scope.as_str()),
            is_read_only: ProtocolScope::parse(scope.as_str()).is_some()
                || (self.is_known(scope.as_str()) && self.opens(scope.as_str()).writes == 0),
        };
        scopes.iter().map(line).collect()
    }
}
