//! Pages of lists (`Paging`), and lists that come whole.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::platform::call::{Call, Page};

/// One page of a list, with the addresses of its neighbours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntityListing<T> {
    entities: Vec<T>,
    page_size: u32,
    page_number: u32,
    total: u64,
    page_count: u64,
    first_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_uri: Option<String>,
    last_uri: String,
    self_uri: String,
}

/// A list that comes whole (`total`, `entities`, `selfUri`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WholeListing<T> {
    total: usize,
    entities: Vec<T>,
    self_uri: String,
}

impl<T> EntityListing<T> {
    /// The page that `call` asked for, of a list of `total` things.
    pub fn new(call: &Call, page: Page, total: i64, entities: Vec<T>) -> Self {
        let total = u64::try_from(total).unwrap_or(0);
        let page_count = total.div_ceil(u64::from(page.size.max(1)));
        let number = u64::from(page.number);
        let uri = |number: u64| page_uri(call, page.size, number);
        Self {
            entities,
            page_size: page.size,
            page_number: page.number,
            total,
            page_count,
            first_uri: uri(1),
            previous_uri: (number > 1).then(|| uri((number - 1).min(page_count.max(1)))),
            next_uri: (number < page_count).then(|| uri(number + 1)),
            last_uri: uri(page_count.max(1)),
            self_uri: uri(number),
        }
    }

    /// The page that `call` asked for, cut out of a list that was read whole.
    pub fn cut(call: &Call, page: Page, all: Vec<T>) -> Self {
        let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let skipped = u64::from(page.number.saturating_sub(1)) * u64::from(page.size);
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        let entities = all.into_iter().skip(skipped).take(page.size as usize).collect();
        Self::new(call, page, total, entities)
    }
}

impl<T> WholeListing<T> {
    /// Everything there is, at the address of `call`.
    pub fn new(call: &Call, entities: Vec<T>) -> Self {
        Self { total: entities.len(), entities, self_uri: call.target_path().to_owned() }
    }
}

/// The address of another page: the same filters, another `pageNumber`.
fn page_uri(call: &Call, size: u32, number: u64) -> String {
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let filters = call.query_pairs().iter().filter(|(name, _)| name != "pageSize" && name != "pageNumber");
    let filters: String = filters.map(|(name, value)| format!("&{}={}", encode(name), encode(value))).collect();
    format!("{}?pageSize={size}&pageNumber={number}{filters}", call.target_path())
}
