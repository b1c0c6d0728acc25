//! Which API a request from the outside means, and which target it has inside. Every door that is not our own API asks here.

use countersign_decision::{BadTarget, Canonical, canonicalise};

use crate::config::Upstream;
use crate::http::host::is_host;

/// The configured upstreams.
#[derive(Debug, Default)]
pub struct Upstreams(Vec<Upstream>);

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'u, 't> {
    /// The API.
    pub upstream: &'u Upstream,
    /// The target inside: what is decided and forwarded, byte for byte the end of what was read.
    pub target: &'t str,
}

/// A request that is refused before anybody asks what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unplaced {
    /// The target could be read in two ways.
    #[error("the request target cannot be used: {0}")]
    Target(#[from] BadTarget),
    /// RFC 9110 §7.2: what is said to be the host is none.
    #[error("the host is not `name` or `name:port`")]
    Host,
    /// RFC 9112 §3.2.2: the authority of an absolute target is not that of the request.
    #[error("the authority in the request target is not the one in Host")]
    Authority,
    /// No upstream has this host and this path.
    #[error("nothing is served here")]
    NoUpstream,
}

impl Upstreams {
    /// The most exact place is looked for first: named hosts before any, long prefixes before short ones.
    pub fn new(mut upstreams: Vec<Upstream>) -> Self {
        let exactness = |upstream: &Upstream| (!upstream.hosts.is_empty(), upstream.prefix.as_str().len());
        upstreams.sort_by_key(|upstream| std::cmp::Reverse(exactness(upstream)));
        Self(upstreams)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Upstream> {
        self.0.iter()
    }

    /// Whether tokens can be asked for an API that is called so (RFC 8707).
    pub fn has_resource(&self, name: &str) -> bool {
        self.0.iter().any(|upstream| upstream.resource.as_deref() == Some(name))
    }

    /// The place of a request whose target was read by [`read`].
    ///
    /// # Errors
    /// [`Unplaced::NoUpstream`].
    pub fn place<'t>(&self, host: &str, target: &'t Canonical<'_>) -> Result<Place<'_, 't>, Unplaced> {
        let target = target.origin_form();
        let places = self.0.iter().filter_map(|upstream| {
            let is_asked = upstream.hosts.is_empty() || upstream.hosts.iter().any(|name| name.is(host));
            let target = upstream.prefix.strip(target).filter(|_| is_asked)?;
            Some(Place { upstream, target })
        });
        { places }.next().ok_or(Unplaced::NoUpstream)
    }
}

/// Reads a raw target that was sent to `host`.
///
/// # Errors
/// When it could be read in two ways, names another authority, or the host is none.
pub fn read<'t>(target: &'t [u8], host: &str) -> Result<Canonical<'t>, Unplaced> {
    let target = canonicalise(target)?;
    if !is_host(host) {
        return Err(Unplaced::Host);
    }
    match target.authority() {
        Some(authority) if !authority.eq_ignore_ascii_case(host) => Err(Unplaced::Authority),
        _ => Ok(target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn upstreams() -> Upstreams {
        let config = Config::from_toml(
            "[[upstream]]\nname = \"all\"\n[[upstream]]\nname = \"orders\"\nprefix = \"/orders\"\n\
             [[upstream]]\nname = \"archive\"\nprefix = \"/orders/archive\"\n\
             [[upstream]]\nname = \"host\"\nhosts = [\"api.example.test\"]\n",
        );
        Upstreams::new(config.unwrap().upstream)
    }

    fn placed(host: &str, target: &str) -> Result<(String, String), Unplaced> {
        let (upstreams, target) = (upstreams(), read(target.as_bytes(), host)?);
        upstreams.place(host, &target).map(|place| (place.upstream.name.clone(), place.target.to_owned()))
    }

    #[test]
    fn the_most_exact_place_counts_and_whole_segments_are_stripped() {
        let placed = |host, target| placed(host, target).unwrap();
        let is = |name: &str, target: &str| (name.to_owned(), target.to_owned());
        assert_eq!(placed("a", "/orders/v1?x=%2F"), is("orders", "/v1?x=%2F"));
        assert_eq!(placed("a", "/orders/archive/v1"), is("archive", "/v1"));
        assert_eq!(placed("a", "/orders/"), is("orders", "/"));
        assert_eq!(placed("a", "/orders"), is("all", "/orders"));
        assert_eq!(placed("a", "/ordersx"), is("all", "/ordersx"));
        assert_eq!(placed("API.example.test:80", "/orders/v1"), is("host", "/orders/v1"));
        assert_eq!(placed("a", "/%6Frders/v1"), is("orders", "/v1"), "the canonical form is what is compared");
    }

    #[test]
    fn a_target_that_names_another_authority_or_has_no_one_reading_is_refused() {
        assert_eq!(placed("a", "http://A/v1").unwrap().1, "/v1");
        assert_eq!(placed("a", "http://b/v1"), Err(Unplaced::Authority));
        assert!(matches!(placed("a", "/orders/../v1"), Err(Unplaced::Target(_))));
        let none = Upstreams::default();
        assert_eq!(none.place("a", &read(b"/", "a").unwrap()), Err(Unplaced::NoUpstream));
    }
}
