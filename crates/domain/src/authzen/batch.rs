//! Several questions in one message (§7).

use serde_json::{Map, Value};

use super::question::{Member, Misfit, Question, misfit, top};

/// Most questions of one message.
pub const MAX_EVALUATIONS: usize = 1_000;

/// The members that a message gives all its questions.
const DEFAULTS: [&str; 4] = ["subject", "action", "resource", "context"];

/// When a message with several questions has been answered (§7.1.2.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Semantic {
    /// When all are.
    #[default]
    ExecuteAll,
    /// With the first denial.
    DenyOnFirstDeny,
    /// With the first permit.
    PermitOnFirstPermit,
}

/// A message to the evaluations endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Batch {
    /// Without `evaluations`, or with none: as at the evaluation endpoint (§7.1).
    One(Question),
    /// One entry for each question. What is wrong in one is told in its place, and the others are answered (§7.2.1).
    Many {
        /// The questions, in order.
        questions: Vec<Result<Question, Misfit>>,
        /// When to stop.
        semantic: Semantic,
    },
}

impl Semantic {
    /// Whether nothing after this decision is looked at.
    pub fn ends_with(self, is_permitted: bool) -> bool {
        match self {
            Self::ExecuteAll => false,
            Self::DenyOnFirstDeny => !is_permitted,
            Self::PermitOnFirstPermit => is_permitted,
        }
    }

    fn read(options: Option<Member<'_>>) -> Result<Self, Misfit> {
        let named = options.map(|options| options.text("evaluations_semantic")).transpose()?.flatten();
        match named.as_deref() {
            None | Some("execute_all") => Ok(Self::ExecuteAll),
            Some("deny_on_first_deny") => Ok(Self::DenyOnFirstDeny),
            Some("permit_on_first_permit") => Ok(Self::PermitOnFirstPermit),
            Some(other) => Err(misfit(
                "options.evaluations_semantic",
                &format!("`{other}` is unknown: `execute_all`, `deny_on_first_deny` and `permit_on_first_permit` are"),
            )),
        }
    }
}

impl Batch {
    /// Reads the body of a message.
    ///
    /// # Errors
    /// What is wrong with the message as a whole.
    pub fn read(body: &Value) -> Result<Self, Misfit> {
        let fields = top(body)?;
        let semantic = Semantic::read(Member { at: "", fields }.object("options")?)?;
        let entries = match fields.get("evaluations") {
            None => return Question::read(body).map(Self::One),
            Some(Value::Array(entries)) if entries.is_empty() => return Question::read(body).map(Self::One),
            Some(Value::Array(entries)) => entries,
            Some(_) => return Err(misfit("evaluations", "must be a list of evaluations")),
        };
        if entries.len() > MAX_EVALUATIONS {
            let why =
                format!("{} evaluations are too many for one message: send {MAX_EVALUATIONS} at most", entries.len());
            return Err(misfit("evaluations", &why));
        }
        // A default that is no object is wrong for everybody.
        for name in DEFAULTS {
            Member { at: "", fields }.object(name)?;
        }
        let read = |entry: &Value| Question::read_without(&merged(fields, top(entry)?), None);
        Ok(Self::Many { questions: entries.iter().map(read).collect(), semantic })
    }
}

/// An entry with what the message gives all of them. Its own members count as a whole, but for the members that name a
/// thing: an absent `type`, `id` or `name` comes from the default.
fn merged(defaults: &Map<String, Value>, entry: &Map<String, Value>) -> Map<String, Value> {
    let mut whole = Map::new();
    for name in DEFAULTS {
        let value = match (entry.get(name), defaults.get(name)) {
            (Some(Value::Object(own)), Some(Value::Object(default))) if name != "context" => {
                let mut own = own.clone();
                for part in ["type", "id", "name"] {
                    if let (None, Some(value)) = (own.get(part), default.get(part)) {
                        own.insert(part.to_owned(), value.clone());
                    }
                }
                Some(Value::Object(own))
            }
            (Some(own), _) => Some(own.clone()),
            (None, default) => default.cloned(),
        };
        whole.extend(value.map(|value| (name.to_owned(), value)));
    }
    whole
}
