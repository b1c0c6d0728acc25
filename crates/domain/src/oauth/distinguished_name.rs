//! Names of certificate subjects (RFC 4514), compared attribute by attribute: two texts can mean one name.

use x509_parser::x509::X509Name;

/// A name, most specific part first; the attributes of one part in a fixed order. Types are object identifiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DistinguishedName(Vec<Vec<(String, String)>>);

impl DistinguishedName {
    /// Reads a name as text (RFC 4514 §3); `None` when it is none, or uses a type that we do not know by name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        for part in split(text, ',') {
            let mut attributes = Vec::new();
            for attribute in split(part, '+') {
                let (name, value) = attribute.split_once('=')?;
                attributes.push((type_of(name.trim())?, unescape(value)?));
            }
            attributes.sort_unstable();
            parts.push(attributes);
        }
        Some(Self(parts))
    }

    /// A certificate's name; `None` when it has a value that is not text.
    pub(crate) fn of_certificate(name: &X509Name<'_>) -> Option<Self> {
        let mut parts = Vec::new();
        for part in name.iter_rdn() {
            let attribute = |attribute: &x509_parser::x509::AttributeTypeAndValue<'_>| {
                Some((attribute.attr_type().to_id_string(), attribute.as_str().ok()?.to_owned()))
            };
            let mut attributes = part.iter().map(attribute).collect::<Option<Vec<_>>>()?;
            attributes.sort_unstable();
            parts.push(attributes);
        }
        // RFC 4514 §2.1: the text begins with the last part
        parts.reverse();
        Some(Self(parts))
    }
}

/// RFC 4514 §3, and the types of RFC 5280 appendix A that certificates use.
const TYPES: [(&str, &str); 12] = [
    ("CN", "2.5.4.3"),
    ("SERIALNUMBER", "2.5.4.5"),
    ("C", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("ORGANIZATIONIDENTIFIER", "2.5.4.97"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("EMAILADDRESS", "1.2.840.113549.1.9.1"),
];

fn type_of(name: &str) -> Option<String> {
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        let is_oid = name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        return is_oid.then(|| name.to_owned());
    }
    TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, oid)| (*oid).to_owned())
}

/// The text between separators that are not escaped.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut is_escaped) = (Vec::new(), 0, false);
    for (at, character) in text.char_indices() {
        if character == separator && !is_escaped {
            parts.push(&text[start..at]);
            start = at + 1;
        }
        is_escaped = character == '\\' && !is_escaped;
    }
    parts.push(&text[start..]);
    parts
}

/// RFC 4514 §2.4: `\` before a character stands for it, before two hexadecimal digits for a byte.
fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.trim().as_bytes();
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (b'\\', [high, low, beyond @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digits = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
                beyond
            }
            (b'\\', [escaped, beyond @ ..]) => {
                bytes.push(*escaped);
                beyond
            }
            (b'\\', []) => return None,
            (plain, beyond) => {
                bytes.push(*plain);
                beyond
            }
        };
    }
    String::from_utf8(bytes).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_texts_of_one_name_are_equal() {
        let name = DistinguishedName::parse(r"CN=a\,b+UID=7,OU=x,DC=example").unwrap();
        assert_eq!(DistinguishedName::parse(r"uid=7+2.5.4.3=a\2cb, ou=x, dc=example").unwrap(), name);
        assert_ne!(DistinguishedName::parse(r"DC=example,OU=x,CN=a\,b+UID=7").unwrap(), name);
        assert_ne!(DistinguishedName::parse("CN=a,OU=x,DC=example").unwrap(), name);
    }

    #[test]
    fn what_is_not_a_name_is_none() {
        for bad in ["", "CN", "CN=", "CN=a,", "XX=a", "CN=a\\", "1.x=a", r"CN=\ff"] {
            assert_eq!(DistinguishedName::parse(bad), None, "{bad}");
        }
    }
}
