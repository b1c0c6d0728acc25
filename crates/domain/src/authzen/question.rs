//! One question (§5, §6.1): who, what, on which resource. Unknown members are ignored, known ones must be of their kind.

use countersign_decision::Scope;
use serde_json::{Map, Value};

/// A member of a request that is absent or of another kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct Misfit {
    /// Where it stands, as `subject.id`.
    pub field: String,
    /// What is wrong, and what would be right.
    pub why: String,
}

/// Who acts (§5.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// `user` and `client` are known.
    pub kind: String,
    /// A user id or e-mail address, or a client id.
    pub id: String,
}

/// On what (§5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// `operation` and `route` are known.
    pub kind: String,
    /// An operationId, or a request target as it is sent.
    pub id: String,
    /// The contract, by the name of its upstream.
    pub upstream: Option<String>,
    /// The host that a target was sent to.
    pub host: Option<String>,
}

/// A question for one decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Who acts.
    pub subject: Subject,
    /// The app that acts for a user: `subject.properties.client_id`, or `context.client_id`.
    pub client: Option<String>,
    /// The scopes of the token: a ceiling, never a grant (`context.scopes`).
    pub ceiling: Option<Vec<String>>,
    /// The HTTP method of a route, or `call`.
    pub action: String,
    /// On what.
    pub resource: Resource,
}

/// What a search leaves open (§8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sought {
    /// Who may do it: the subject's id is left out, and ignored.
    Subject,
    /// On what: the resource's id is left out, and ignored.
    Resource,
    /// What may be done: the action is left out, and ignored.
    Action,
}

/// A search: a question with one part left open, which is empty here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// The rest of it.
    pub question: Question,
    /// Which page of the results.
    pub page: super::PageRequest,
}

impl Question {
    /// Reads the body of an evaluation.
    ///
    /// # Errors
    /// The first member that does not fit.
    pub fn read(body: &Value) -> Result<Self, Misfit> {
        Self::read_without(top(body)?, None)
    }

    pub(super) fn read_without(body: &Map<String, Value>, open: Option<Sought>) -> Result<Self, Misfit> {
        let id = |at: &Member<'_>, is_open: bool| if is_open { Ok(String::new()) } else { at.required_text("id") };
        let whole = Member { at: "", fields: body };
        let subject = whole.required_object("subject")?;
        let (kind, id_of_subject) = (subject.required_text("type")?, id(&subject, open == Some(Sought::Subject))?);
        let properties = subject.object("properties")?;
        let action = match open {
            Some(Sought::Action) => String::new(),
            _ => {
                let action = whole.required_object("action")?;
                let name = action.required_text("name")?;
                action.object("properties")?;
                name
            }
        };
        let resource = whole.required_object("resource")?;
        let (kind_of_resource, id_of_resource) =
            (resource.required_text("type")?, id(&resource, open == Some(Sought::Resource))?);
        let of_resource = resource.object("properties")?;
        let context = whole.object("context")?;
        let in_properties = properties.map(|properties| properties.text("client_id")).transpose()?.flatten();
        let in_context = context.as_ref().map(|context| context.text("client_id")).transpose()?.flatten();
        if let (Some(one), Some(other)) = (&in_properties, &in_context)
            && one != other
        {
            return Err(misfit("context.client_id", "is not the app that `subject.properties.client_id` names"));
        }
        Ok(Self {
            subject: Subject { kind, id: id_of_subject },
            client: in_properties.or(in_context),
            ceiling: context.as_ref().map(Member::scopes).transpose()?.flatten(),
            action,
            resource: Resource {
                kind: kind_of_resource,
                id: id_of_resource,
                upstream: of_resource.as_ref().map(|of| of.text("upstream")).transpose()?.flatten(),
                host: of_resource.as_ref().map(|of| of.text("host")).transpose()?.flatten(),
            },
        })
    }
}

impl Search {
    /// Reads the body of a search for `sought`.
    ///
    /// # Errors
    /// The first member that does not fit.
    pub fn read(body: &Value, sought: Sought) -> Result<Self, Misfit> {
        let body = top(body)?;
        let question = Question::read_without(body, Some(sought))?;
        Ok(Self { question, page: super::PageRequest::read(body)? })
    }
}

/// An object of the request with the place where it stands.
pub(super) struct Member<'v> {
    pub(super) at: &'static str,
    pub(super) fields: &'v Map<String, Value>,
}

impl<'v> Member<'v> {
    fn place(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { format!("{}.{name}", self.at) }
    }

    pub(super) fn object(&self, name: &'static str) -> Result<Option<Member<'v>>, Misfit> {
        match self.fields.get(name) {
            None => Ok(None),
            // Of members of members, the last name suffices: none of them is called the same.
            Some(Value::Object(fields)) => Ok(Some(Member { at: name, fields })),
            Some(other) => Err(misfit(&self.place(name), &format!("must be an object, not {}", kind(other)))),
        }
    }

    fn required_object(&self, name: &'static str) -> Result<Member<'v>, Misfit> {
        self.object(name)?.ok_or_else(|| misfit(&self.place(name), "is missing: an object is expected"))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Misfit> {
        match self.fields.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(misfit(&self.place(name), &format!("must be a text, not {}", kind(other)))),
        }
    }

    fn required_text(&self, name: &str) -> Result<String, Misfit> {
        self.text(name)?.ok_or_else(|| misfit(&self.place(name), "is missing: a text is expected"))
    }

    fn scopes(&self) -> Result<Option<Vec<String>>, Misfit> {
        let Some(value) = self.fields.get("scopes") else { return Ok(None) };
        let wrong =
            || misfit("context.scopes", "must be a list of scopes, or be left out where the token asks for all");
        let list = value.as_array().ok_or_else(wrong)?;
        let scopes = list.iter().map(|scope| {
            let text = scope.as_str().ok_or_else(wrong)?;
            text.parse::<Scope>().map(String::from).map_err(|error| misfit("context.scopes", &error.to_string()))
        });
        scopes.collect::<Result<_, _>>().map(Some)
    }
}

/// The whole body.
pub(super) fn top(body: &Value) -> Result<&Map<String, Value>, Misfit> {
    body.as_object().ok_or_else(|| misfit("body", &format!("must be a JSON object, not {}", kind(body))))
}

pub(super) fn misfit(field: &str, why: &str) -> Misfit {
    Misfit { field: field.to_owned(), why: why.to_owned() }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
