//! The story: who calls what through which app, and what must come of it. Each scene is a real call with a real token; a
//! caller keeps the token from scene to scene, so that what changes between two calls is what an administrator decided.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use countersign_domain::entropy::{Entropy, random_bytes};
use reqwest::Method;
use serde_json::{Value, json};

use super::cast::{App, Cast};
use super::client::{Answer, Request, Token, Walker};

/// One call.
struct Scene {
    /// What it shows, in a sentence.
    shows: &'static str,
    caller: Caller,
    call: Call,
    must_be: Expected,
}

/// Who calls.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Caller {
    /// A person (e-mail address) through an app (name).
    Person(&'static str, &'static str),
    /// An app on its own behalf.
    Service(&'static str),
}

/// What is called.
#[derive(Clone, Copy)]
enum Call {
    /// `postUsers`
    AddPerson,
    /// `putOauthAuthorization`: this app may use these scopes.
    Authorize(&'static str, &'static [&'static str]),
    /// `deleteOauthAuthorization`
    Revoke(&'static str),
}

/// What must come of it.
#[derive(Clone, Copy)]
enum Expected {
    Allowed,
    /// With exactly these halves missing.
    Missing {
        scopes: &'static [&'static str],
        permissions: &'static [&'static str],
    },
    /// Because the app is refused altogether.
    Refused,
}

const ADA: &str = "ada@acme.test";
const ALAN: &str = "alan@acme.test";
const HEDY: &str = "hedy@globex.test";
const KATHERINE: &str = "katherine@globex.test";
const DIRECTORY: &str = "Team Directory";
const DESK: &str = "Access Desk";
const SYNC: &str = "Roster Sync";
/// The app that nobody has approved.
pub(super) const AGENT: &str = "Onboarding Agent";

const STORY: &[Scene] = &[
    Scene {
        shows: "Ada may add people, and her organization granted the app the scope `users`",
        caller: Caller::Person(ADA, DIRECTORY),
        call: Call::AddPerson,
        must_be: Expected::Allowed,
    },
    Scene {
        shows: "the same Ada, through an app that was granted `users:readonly` only",
        caller: Caller::Person(ADA, DESK),
        call: Call::AddPerson,
        must_be: Expected::Missing { scopes: &["users"], permissions: &[] },
    },
    Scene {
        shows: "the first app again, for Alan, who may not add people",
        caller: Caller::Person(ALAN, DIRECTORY),
        call: Call::AddPerson,
        must_be: Expected::Missing { scopes: &[], permissions: &["directory:user:add"] },
    },
    Scene {
        shows: "Alan through the app that may only read: both signatures are missing",
        caller: Caller::Person(ALAN, DESK),
        call: Call::AddPerson,
        must_be: Expected::Missing { scopes: &["users"], permissions: &["directory:user:add"] },
    },
    Scene {
        shows: "a service on its own behalf: its role is its permission, and the scope is granted",
        caller: Caller::Service(SYNC),
        call: Call::AddPerson,
        must_be: Expected::Allowed,
    },
    Scene {
        shows: "an agent with the right role, in an organization that registered it but never authorized it",
        caller: Caller::Service(AGENT),
        call: Call::AddPerson,
        must_be: Expected::Missing { scopes: &["users"], permissions: &[] },
    },
    Scene {
        shows: "Hedy may authorize apps, and grants the agent the scope `users`",
        caller: Caller::Person(HEDY, DESK),
        call: Call::Authorize(AGENT, &["users"]),
        must_be: Expected::Allowed,
    },
    Scene {
        shows: "the agent's next call, with the same token",
        caller: Caller::Service(AGENT),
        call: Call::AddPerson,
        must_be: Expected::Allowed,
    },
    Scene {
        shows: "Hedy takes it back",
        caller: Caller::Person(HEDY, DESK),
        call: Call::Revoke(AGENT),
        must_be: Expected::Allowed,
    },
    Scene {
        shows: "the agent's next call, still with the same token",
        caller: Caller::Service(AGENT),
        call: Call::AddPerson,
        must_be: Expected::Refused,
    },
    Scene {
        shows: "Katherine may add people, but may not authorize apps, and tries to",
        caller: Caller::Person(KATHERINE, DESK),
        call: Call::Authorize(AGENT, &["users"]),
        must_be: Expected::Missing { scopes: &[], permissions: &["oauth:client:authorize"] },
    },
];

/// Makes every call and prints what came of it. Answers whether every answer was as it must be.
pub(super) async fn tell(origin: &str, cast: &Cast<'_>, entropy: &dyn Entropy) -> anyhow::Result<bool> {
    let walker = Walker::new(origin, entropy)?;
    let mut tokens: HashMap<Caller, Token> = HashMap::new();
    let mut is_as_it_must_be = true;
    for (scene, number) in STORY.iter().zip(1..) {
        let (token, is_new) = match tokens.entry(scene.caller) {
            Entry::Occupied(entry) => (entry.into_mut(), false),
            Entry::Vacant(entry) => (entry.insert(scene.caller.token(&walker, cast).await?), true),
        };
        let request = scene.call.request(&scene.caller, cast, entropy);
        let answer = walker.call(token, &request).await?;
        let surprise = scene.must_be.surprise(&answer);
        is_as_it_must_be &= surprise.is_none();
        let caller = scene.caller.in_words(cast, is_new);
        print(number, scene, (&caller, &request), &answer, surprise.as_deref())?;
    }
    Ok(is_as_it_must_be)
}

impl Caller {
    async fn token(&self, walker: &Walker<'_>, cast: &Cast<'_>) -> anyhow::Result<Token> {
        match self {
            Self::Person(email, app) => walker.sign_in(&cast.person(email), &cast.app(app)).await,
            Self::Service(app) => walker.client_credentials(&cast.app(app)).await,
        }
    }

    fn in_words(&self, cast: &Cast<'_>, is_new: bool) -> String {
        let (who, how) = match self {
            Self::Person(email, app) => {
                (format!("{} through {app}", cast.person(email).name), "signed in, code + PKCE")
            }
            Self::Service(app) => (format!("{app} on its own behalf"), "client credentials"),
        };
        let how = if is_new { how } else { "the same token" };
        format!("{who} {FAINT}({how}){FAINT:#}")
    }

    fn organization<'w>(&self, cast: &Cast<'w>) -> &'w str {
        match self {
            Self::Person(email, _) => cast.person(email).organization,
            Self::Service(app) => cast.app(app).organization,
        }
    }
}

impl Call {
    fn request(&self, caller: &Caller, cast: &Cast<'_>, entropy: &dyn Entropy) -> Request {
        let authorization = |app: &App<'_>| format!("/api/v2/oauth/authorizations/{}", app.id);
        match self {
            Self::AddPerson => {
                let number = u32::from_be_bytes(random_bytes(entropy));
                let email = format!("hire-{number:08x}@{}.test", caller.organization(cast));
                let body = json!({"name": format!("New Hire {number:08x}"), "email": email});
                Request { method: Method::POST, path: "/api/v2/users".to_owned(), body: Some(body) }
            }
            Self::Authorize(app, scopes) => {
                let body = json!({"scope": scopes, "roles": []});
                Request { method: Method::PUT, path: authorization(&cast.app(app)), body: Some(body) }
            }
            Self::Revoke(app) => Request { method: Method::DELETE, path: authorization(&cast.app(app)), body: None },
        }
    }

    fn outcome(&self, answer: &Answer) -> String {
        match self {
            Self::AddPerson => format!("{} was added", answer.body["name"].as_str().unwrap_or("nobody")),
            Self::Authorize(app, scopes) => format!("{app} is authorized for {}", scopes.join(", ")),
            Self::Revoke(app) => format!("{app} is revoked"),
        }
    }
}

impl Expected {
    /// What is not as it must be.
    fn surprise(&self, answer: &Answer) -> Option<String> {
        let is_as_it_must_be = match self {
            Self::Allowed => (200..300).contains(&answer.status),
            Self::Missing { scopes, permissions } => {
                answer.status == 403 && missing_scopes(answer) == *scopes && missing_permissions(answer) == *permissions
            }
            Self::Refused => answer.status == 403 && answer.body["missing"].is_null(),
        };
        let must_be = match self {
            Self::Allowed => "it must be allowed".to_owned(),
            Self::Missing { scopes, permissions } => {
                format!("it must be denied, with scope {scopes:?} and permission {permissions:?} missing")
            }
            Self::Refused => "it must be denied, because the app is refused".to_owned(),
        };
        (!is_as_it_must_be).then(|| format!("{must_be}; the answer is {}", answer.body))
    }
}

/// The scopes that would each do.
fn missing_scopes(answer: &Answer) -> Vec<&str> {
    let alternatives = answer.body["missing"]["scopes_any_of"].as_array().into_iter().flatten();
    alternatives
        .flat_map(|alternative| alternative.as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect()
}

fn missing_permissions(answer: &Answer) -> Vec<&str> {
    answer.body["missing"]["permissions"]["of"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

const ALLOWED: Style = AnsiColor::Green.on_default().bold();
const DENIED: Style = AnsiColor::Red.on_default().bold();
const BOLD: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

fn print(
    number: usize,
    scene: &Scene,
    (caller, request): (&str, &Request),
    answer: &Answer,
    surprise: Option<&str>,
) -> io::Result<()> {
    let Request { method, path, .. } = request;
    let status = answer.status;
    let (style, word, outcome) = match status {
        200..300 => (ALLOWED, "ALLOWED", scene.call.outcome(answer)),
        _ => (DENIED, "DENIED", what_is_missing(answer)),
    };
    let out = &mut anstream::stdout().lock();
    writeln!(out, "{number:>2}  {BOLD}{}{BOLD:#}", scene.shows)?;
    writeln!(out, "    {caller}")?;
    writeln!(out, "    {method} {path}")?;
    writeln!(out, "    {style}{word}{style:#} {status}: {outcome}")?;
    if let Some(surprise) = surprise {
        writeln!(out, "    {DENIED}NOT AS IT MUST BE{DENIED:#}: {surprise}")?;
    }
    writeln!(out)?;
    out.flush()
}

fn what_is_missing(answer: &Answer) -> String {
    let (scopes, permissions) = (missing_scopes(answer), missing_permissions(answer));
    let scopes = (!scopes.is_empty()).then(|| format!("scope {}", scopes.join(" or ")));
    let permissions = (!permissions.is_empty()).then(|| format!("permission {}", permissions.join(", ")));
    match (scopes, permissions) {
        (Some(scopes), Some(permissions)) => format!("missing {scopes}, and missing {permissions}"),
        (Some(missing), None) | (None, Some(missing)) => format!("missing {missing}"),
        (None, None) => answer.body["message"].as_str().unwrap_or_default().to_owned(),
    }
}
