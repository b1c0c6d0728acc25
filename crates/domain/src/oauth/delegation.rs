//! The chain that an exchanged token acts through (RFC 8693 §4.1): at each call every link must be allowed.

use countersign_decision::Scope;
use serde::Serialize;

use crate::id::{ClientId, TokenFamilyId};
use crate::oauth::token::TokenSubject;

/// The longest chain (C52), the first client included.
pub const MAX_LINKS: usize = 4;

/// One client that a token came through, with what its own token could do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The family of its token: the exchanged one ends with it.
    pub family: TokenFamilyId,
    /// The client.
    pub client: ClientId,
    /// Whom its token acted for.
    pub subject: TokenSubject,
    /// The most that its token could ask for; `None`: it followed the authorization.
    pub ceiling: Option<Vec<Scope>>,
}

/// The `act` claim (RFC 8693 §4.1): who acts, and through whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Act {
    sub: ClientId,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Box<Act>>,
}

impl Act {
    /// `client`, through `links`, the nearest first; `None` where nobody else was on the way.
    pub fn of(client: &ClientId, links: &[Link]) -> Option<Self> {
        let clients = links.iter().map(|link| &link.client).rev();
        let through = clients.fold(None, |act, client| Some(Box::new(Self { sub: client.clone(), act })));
        through.map(|act| Self { sub: client.clone(), act: Some(act) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::samples::{ada, family};
    use serde_json::json;

    fn link(client: &str) -> Link {
        let subject = TokenSubject::User(ada());
        Link { family: family().id, client: ClientId::parse(client).unwrap(), subject, ceiling: None }
    }

    #[test]
    fn c52_the_act_claim_names_the_acting_client_first_and_keeps_the_chain() {
        let client = ClientId::parse("agent").unwrap();
        let act = Act::of(&client, &[link("orders"), link("web")]);
        let expected = json!({ "sub": "agent", "act": { "sub": "orders", "act": { "sub": "web" } } });
        assert_eq!(serde_json::to_value(act).unwrap(), expected);
        assert_eq!(Act::of(&client, &[]), None);
    }
}
