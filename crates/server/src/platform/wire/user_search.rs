//! Searches for users (`UserSearchRequest`, `UsersSearchResponse`) and the value that turns their pages (`q64`).

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};

use super::user::User;

/// A search for users.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserSearchRequest {
    /// `ASC`, `DESC` or `SCORE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort_order: Option<String>,
    /// The field to order by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort_by: Option<String>,
    /// Instead of the two fields above; one entry at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<Vec<SearchSort>>,
    /// 1 to 500.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_number: Option<u32>,
    /// Further parts of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expand: Option<Vec<String>>,
    /// What to look for; absent or empty: everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<Vec<UserSearchCriteria>>,
}

/// One order of a search.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchSort {
    /// `ASC`, `DESC` or `SCORE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort_order: Option<String>,
    /// The field to order by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort_by: Option<String>,
}

/// One criterion: one of `fields` matches one of the values.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserSearchCriteria {
    /// How a field matches a value.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Where to look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
    /// What to look for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What to look for: one of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
    /// `AND`, `OR` or `NOT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Refused.
    #[serde(skip_serializing)]
    pub group: Option<Vec<serde::de::IgnoredAny>>,
}

/// One page of what a search found.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UsersSearchResponse {
    /// How many were found.
    pub total: i64,
    /// On how many pages.
    pub page_count: u64,
    /// How many a full page holds.
    pub page_size: u32,
    /// From 1.
    pub page_number: u32,
    /// `q64` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_page: Option<String>,
    /// `q64` of this page.
    pub current_page: String,
    /// `q64` of the page after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page: Option<String>,
    /// Always `users`.
    pub types: [&'static str; 1],
    /// The users.
    pub results: Vec<User>,
}

impl UserSearchRequest {
    /// This search at another page, as `q64`.
    pub fn at_page(&self, number: u32) -> String {
        let search = Self { page_number: Some(number), ..self.clone() };
        let json = serde_json::to_vec(&search).expect("a search has only texts, numbers and lists");
        URL_SAFE_NO_PAD.encode(json)
    }

    /// The search that a `q64` stands for, in either alphabet of base64 (RFC 4648 §4, §5), padded or not.
    pub fn from_q64(text: &str) -> Option<Self> {
        let standard: String = text
            .chars()
            .map(|c| {
                if c == '-' {
                    '+'
                } else if c == '_' {
                    '/'
                } else {
                    c
                }
            })
            .collect();
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let json = GeneralPurpose::new(&STANDARD, config).decode(standard).ok()?;
        serde_json::from_slice(&json).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_q64_is_the_search_it_was_made_from_in_either_alphabet() {
        let json = r#"{"sortBy":"name","query":[{"type":"CONTAINS","fields":["name"],"value":"ö?>"}]}"#;
        let search: UserSearchRequest = serde_json::from_str(json).unwrap();
        let q64 = search.at_page(3);
        for q64 in [q64.clone(), q64.replace('-', "+").replace('_', "/")] {
            let again = UserSearchRequest::from_q64(&q64).unwrap();
            assert_eq!(serde_json::to_value(&again).unwrap()["pageNumber"], 3);
            assert_eq!(again.at_page(3), search.at_page(3));
        }
    }

    #[test]
    fn what_is_not_a_search_is_no_q64() {
        for bad in ["", "!", "bm90IGpzb24", "e30x"] {
            assert!(UserSearchRequest::from_q64(bad).is_none(), "{bad}");
        }
    }
}
