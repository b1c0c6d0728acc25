//! Trace context (W3C Trace Context, Level 1): `traceparent` and `tracestate`, as they are read and written.
//!
//! What is malformed is as if it had not been sent (§3.2, §3.3): a trace is no reason to refuse a call.

use std::fmt;

use serde::{Serialize, Serializer};

/// Most members of a `tracestate` (§3.3.1.1).
const MAX_MEMBERS: usize = 32;
/// Length of a `traceparent` of version 00 (§3.2.2).
const LENGTH: usize = 55;
/// Bit 0 of the flags (§3.2.2.5.1).
const SAMPLED: u8 = 1;

/// A whole trace; not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceId(pub [u8; 16]);

/// One span of a trace; not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanId(pub [u8; 8]);

/// A span, as those hear of it that it calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace.
    pub trace: TraceId,
    /// The span that calls.
    pub span: SpanId,
    /// Whether it is recorded (§3.2.2.5.1).
    pub is_sampled: bool,
}

impl TraceParent {
    /// Reads the value of a `traceparent` (§3.2.2).
    pub fn parse(text: &str) -> Option<Self> {
        let (version, rest) = text.split_once('-')?;
        let [version] = hex(version)?;
        // §4.3: a later version begins as this one does, and may go on behind another hyphen
        let is_whole = match version {
            0 => text.len() == LENGTH,
            0xFF => false,
            _ => text.len() == LENGTH || text.as_bytes().get(LENGTH) == Some(&b'-'),
        };
        if !is_whole {
            return None;
        }
        let mut fields = rest.splitn(4, '-');
        let (trace, span, [flags]) = (hex(fields.next()?)?, hex(fields.next()?)?, hex(fields.next()?)?);
        // §3.2.2.3, §3.2.2.4: all zeros are invalid
        (trace != [0; 16] && span != [0; 8]).then_some(Self {
            trace: TraceId(trace),
            span: SpanId(span),
            is_sampled: flags & SAMPLED != 0,
        })
    }

    /// The one `traceparent` of a request: several are none (§3.2.1).
    pub fn only<'v>(mut values: impl Iterator<Item = &'v str>) -> Option<Self> {
        let first = values.next()?;
        if values.next().is_some() { None } else { Self::parse(first) }
    }
}

/// As it is sent (§3.2.2): version 00, whichever was received.
impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace, span) = (u128::from_be_bytes(self.trace.0), u64::from_be_bytes(self.span.0));
        write!(f, "00-{trace:032x}-{span:016x}-{:02x}", u8::from(self.is_sampled))
    }
}

impl Serialize for TraceParent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What is sent on of the `tracestate` headers of a request: all members in their order, or nothing where one of them is
/// malformed or doubled, or there are too many (§3.3.1).
pub fn trace_state<'v>(values: impl Iterator<Item = &'v str>) -> Option<String> {
    let members: Vec<&str> = values
        .flat_map(|value| value.split(','))
        .map(|member| member.trim_matches([' ', '\t']))
        .filter(|member| !member.is_empty())
        .collect();
    let keys: Option<Vec<&str>> = members.iter().map(|member| key_of(member)).collect();
    let keys = keys?;
    let is_distinct = keys.iter().enumerate().all(|(index, key)| !keys[..index].contains(key));
    (!members.is_empty() && members.len() <= MAX_MEMBERS && is_distinct).then(|| members.join(","))
}

/// The key of a well-formed member (§3.3.1.3).
fn key_of(member: &str) -> Option<&str> {
    let (key, value) = member.split_once('=')?;
    let is_value = |byte: u8| matches!(byte, 0x20..=0x2B | 0x2D..=0x3C | 0x3E..=0x7E);
    let is_value = !value.is_empty() && value.len() <= 256 && value.bytes().all(is_value);
    let is_key = match key.split_once('@') {
        None => is_part(key, 256, |byte| byte.is_ascii_lowercase()),
        Some((tenant, system)) => {
            is_part(tenant, 241, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
                && is_part(system, 14, |byte| byte.is_ascii_lowercase())
        }
    };
    (is_key && is_value).then_some(key)
}

fn is_part(text: &str, most: usize, is_first: impl Fn(u8) -> bool) -> bool {
    let is_later = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/".contains(&byte);
    text.len() <= most && text.bytes().next().is_some_and(is_first) && text.bytes().all(is_later)
}

/// Lower-case hexadecimal digits, exactly as many as fit (§3.2.2: HEXDIGLC).
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = (digit(pair[0])? << 4) | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_reads_and_writes_as_the_recommendation_shows() {
        let parent = TraceParent::parse(SENT).unwrap();
        assert_eq!((parent.trace.0[0], parent.span.0[7], parent.is_sampled), (0x4B, 0xB7, true));
        assert_eq!(parent.to_string(), SENT);
        assert!(!TraceParent::parse(&SENT.replace("-01", "-02")).unwrap().is_sampled, "other flags are not ours");
    }

    #[test]
    fn a_later_version_is_read_as_this_one() {
        for later in ["cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", &format!("cc{}-what-next", &SENT[2..])]
        {
            assert_eq!(TraceParent::parse(later), TraceParent::parse(SENT), "{later}");
        }
    }

    #[test]
    fn what_is_malformed_was_not_sent() {
        for bad in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-001",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
            "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-1",
        ] {
            assert_eq!(TraceParent::parse(bad), None, "{bad}");
        }
        assert_eq!(TraceParent::only([SENT, SENT].into_iter()), None);
        assert!(TraceParent::only([SENT].into_iter()).is_some());
    }

    #[test]
    fn a_tracestate_goes_on_whole_or_not_at_all() {
        let read = |values: &[&str]| trace_state(values.iter().copied());
        assert_eq!(read(&["a=1 , b=x y", "", "0t@s=2,\t"]).as_deref(), Some("a=1,b=x y,0t@s=2"));
        let many = |count| (0..count).map(|number| format!("k{number}=v")).collect::<Vec<_>>().join(",");
        assert!(read(&[&many(32)]).is_some());
        let long = format!("a={}", "v".repeat(257));
        for bad in
            ["", ",", "a", "a=", "=1", "A=1", "0a=1", "a=1,a=2", "a@0=1", "a@b@c=1", "a=b=c", "a=ü", &many(33), &long]
        {
            assert_eq!(read(&[bad]), None, "{bad}");
        }
    }
}
