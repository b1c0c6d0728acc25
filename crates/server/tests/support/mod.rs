//! A real server on a port of its own, with a world from YAML, a clock and a randomness of its own; and a browser without
//! scripts that follows nothing by itself.
//!
//! SQLite in a folder that goes away. `Server::start_on_postgres` uses a schema of its own where
//! `COUNTERSIGN_TEST_POSTGRES_URL` names a database, and says so loudly where it does not.

pub mod browser;
pub mod document_host;
pub mod keys;
pub mod postgres;
pub mod server;
pub mod world;

pub use browser::{Browser, Page};
pub use server::{Answer, Server};

/// RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// RFC 7636 appendix B.
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A query or form from pairs; pairs with an empty value are left out.
pub fn encode(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The value of `name` in the query of an address.
pub fn query_of(address: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(address).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Runs everything at once and gives all results, in order.
pub async fn at_once<T: Send>(work: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut pending: Vec<_> = work.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = pending.iter().map(|_| None).collect();
    std::future::poll_fn(move |context| {
        for (future, slot) in pending.iter_mut().zip(done.iter_mut()).filter(|(_, slot)| slot.is_none()) {
            if let std::task::Poll::Ready(value) = future.as_mut().poll(context) {
                *slot = Some(value);
            }
        }
        match done.iter().all(Option::is_some) {
            true => std::task::Poll::Ready(done.iter_mut().filter_map(Option::take).collect()),
            false => std::task::Poll::Pending,
        }
    })
    .await
}
