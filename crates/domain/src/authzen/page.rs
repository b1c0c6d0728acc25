//! Pages of search results (§8): a token says behind which result the next page begins, and for which search.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::question::{Member, Misfit, misfit};
use crate::secret::Digest;

/// Results of a page where the search does not say.
pub const DEFAULT_LIMIT: usize = 100;
/// Most results of a page.
pub const MAX_LIMIT: usize = 1_000;

/// `page` of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Results of a page.
    pub limit: usize,
    /// `next_token` of the page before; nothing for the first.
    pub token: Option<String>,
    /// What is searched, without the page: a token is for one search.
    search: Vec<u8>,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PageToken(String);

impl PageRequest {
    pub(super) fn read(body: &Map<String, Value>) -> Result<Self, Misfit> {
        let page = Member { at: "", fields: body }.object("page")?;
        let limit = match page.as_ref().and_then(|page| page.fields.get("limit")) {
            None => DEFAULT_LIMIT,
            Some(value) => {
                let limit = value.as_u64().filter(|limit| *limit > 0);
                let limit = limit.ok_or_else(|| misfit("page.limit", "must be a whole number from 1"))?;
                usize::try_from(limit).unwrap_or(MAX_LIMIT).min(MAX_LIMIT)
            }
        };
        // an empty token is what the last page says: whoever sends it begins again
        let token = page.map(|page| page.text("token")).transpose()?.flatten().filter(|token| !token.is_empty());
        let search: Map<_, _> = body
            .iter()
            .filter(|(name, _)| *name != "page")
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        Ok(Self { limit, token, search: Value::Object(search).to_string().into_bytes() })
    }

    /// The page of sorted results, and the token of the next one; an empty token: there is none.
    ///
    /// # Errors
    /// A token that is not from a page of this search in this organization.
    pub fn cut(&self, organization: &str, sorted: Vec<String>) -> Result<(Vec<String>, String), Misfit> {
        let mark = self.mark(organization);
        let after = self.token.as_deref().map(|token| PageToken::read(token, &mark)).transpose()?;
        let is_left = |id: &String| after.as_ref().is_none_or(|PageToken(last)| id > last);
        let mut page: Vec<String> = sorted.into_iter().filter(is_left).take(self.limit + 1).collect();
        let has_more = page.len() > self.limit;
        page.truncate(self.limit);
        let next = page.last().filter(|_| has_more).map(|last| PageToken(last.clone()).write(&mark));
        Ok((page, next.unwrap_or_default()))
    }

    /// What tells searches apart.
    fn mark(&self, organization: &str) -> [u8; 8] {
        let mut text = format!("{organization}\n").into_bytes();
        text.extend_from_slice(&self.search);
        let digest = Digest::of(&text);
        let mut mark = [0; 8];
        mark.copy_from_slice(&digest.as_bytes()[..8]);
        mark
    }
}

impl PageToken {
    fn write(&self, mark: &[u8; 8]) -> String {
        URL_SAFE_NO_PAD.encode([&mark[..], self.0.as_bytes()].concat())
    }

    fn read(token: &str, mark: &[u8; 8]) -> Result<Self, Misfit> {
        let wrong = || misfit("page.token", "is not the `next_token` of a page of this very search");
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| wrong())?;
        let last = bytes.strip_prefix(&mark[..]).ok_or_else(wrong)?;
        String::from_utf8(last.to_vec()).map(Self).map_err(|_| wrong())
    }
}
