//! The requests that every engine decides: 60 % allowed, 20 % lacking a scope, 15 % lacking a permission, 5 % other.
//! Made from a seed; paths look like those of real clients: UUIDs or short words for parameters, a query in one of
//! five.

use std::ops::Range;

use countersign_decision::{AuthorizationState, Caller, ClientRef, Method, PermissionMode, Subject};
use fixedbitset::FixedBitSet;

use crate::catalog::{Ask, Rules};
use crate::random::Random;
use crate::world::{Authorization, Organization, World, client_id, organization_id, user_id};

/// One request: who asks is in [`Requests::callers`], the path in one text for all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    pub(crate) organization: u32,
    /// The place of the user in its organization.
    pub(crate) user: u32,
    /// The place of the app's authorization in the organization; beyond the last: it has none.
    pub(crate) authorization: u32,
    pub(crate) client: u32,
    pub(crate) method: Method,
    start: u32,
    length: u16,
}

/// All requests. Callers and paths stand in memory in the order of the requests, as a stream of calls would bring them.
#[derive(Debug)]
pub(crate) struct Requests {
    pub(crate) all: Vec<Request>,
    pub(crate) callers: Vec<Caller>,
    paths: String,
}

/// What a request is made to be; crossing templates make a few of them something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Allowed,
    ScopeMissing,
    PermissionMissing,
    UnknownPath,
    WrongMethod,
    AppNotAuthorized,
    AppRefused,
    InactiveUser,
    RoleNotAllowed,
    NotStated,
}

const OTHERS: [Kind; 7] = [
    Kind::UnknownPath,
    Kind::WrongMethod,
    Kind::AppNotAuthorized,
    Kind::AppRefused,
    Kind::InactiveUser,
    Kind::RoleNotAllowed,
    Kind::NotStated,
];

/// So often a kind of request is tried before it counts as impossible.
const ATTEMPTS: usize = 20_000;
const WORDS: [&str; 8] = ["me", "default", "voice", "en-US", "1234", "active", "2024-06", "primary"];
const QUERIES: [&str; 4] =
    ["?pageSize=25&pageNumber=1", "?expand=groups%2Cskills", "?sortOrder=asc&state=active", "?q=smith"];

impl Requests {
    pub(crate) fn new(count: usize, world: &World, rules: &Rules, seed: u64) -> Self {
        let mut maker = Maker { world, rules, random: Random::new(seed), impossible: Vec::new() };
        let mut requests =
            Self { all: Vec::with_capacity(count), callers: Vec::with_capacity(count), paths: String::new() };
        for _ in 0..count {
            let (one, path) = maker.request();
            requests.push(one, &path, world);
        }
        requests
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Path and query.
    pub(crate) fn target(&self, index: usize) -> &str {
        let request = &self.all[index];
        &self.paths[request.start as usize..request.start as usize + usize::from(request.length)]
    }

    /// Reads what a call brings with it (who asks, and the target), as a server has done that just parsed it. What
    /// the world holds stays as it is.
    pub(crate) fn touch(&self, range: Range<usize>) -> u64 {
        let sum = |text: &str| text.bytes().map(u64::from).sum::<u64>();
        let one = |index: usize| {
            let caller = &self.callers[index];
            let user = match &caller.subject {
                Subject::User(user) => user.as_str(),
                Subject::Client => "",
            };
            sum(&caller.client.id) + sum(&caller.client.home_organization) + sum(user) + sum(self.target(index))
        };
        range.map(one).sum()
    }

    /// The request as a person reads it.
    pub(crate) fn describe(&self, index: usize) -> String {
        let (request, caller) = (&self.all[index], &self.callers[index]);
        format!(
            "request {index}: {} {} in organization {} ({}) by app {} for {:?}",
            request.method,
            self.target(index),
            request.organization,
            organization_id(request.organization as usize),
            caller.client.id,
            caller.subject
        )
    }

    fn push(&mut self, mut request: Request, path: &str, world: &World) {
        request.start = u32::try_from(self.paths.len()).expect("all paths are less than 4 GiB");
        request.length = u16::try_from(path.len()).expect("a path is short");
        self.paths.push_str(path);
        self.all.push(request);
        let client = request.client as usize;
        self.callers.push(Caller {
            client: ClientRef {
                id: client_id(client),
                home_organization: organization_id(world.home_of(client)),
                active: true,
            },
            subject: Subject::User(user_id(request.organization as usize, request.user as usize)),
            ceiling: None,
            actors: Vec::new(),
        });
    }
}

struct Maker<'w> {
    world: &'w World,
    rules: &'w Rules,
    random: Random,
    /// Kinds that this world has no request for.
    impossible: Vec<Kind>,
}

impl Maker<'_> {
    fn request(&mut self) -> (Request, String) {
        let kind = match self.random.below(100) {
            0..60 => Kind::Allowed,
            60..80 => Kind::ScopeMissing,
            80..95 => Kind::PermissionMissing,
            _ => *self.random.pick(&OTHERS),
        };
        // A tiny world may have no revoked app at all: then the path is one that nobody knows.
        let kind = if self.impossible.contains(&kind) { Kind::UnknownPath } else { kind };
        if let Some(made) = (0..ATTEMPTS).find_map(|_| self.attempt(kind)) {
            return made;
        }
        self.impossible.push(kind);
        (0..ATTEMPTS).find_map(|_| self.attempt(Kind::UnknownPath)).expect("a world has an active user and an app")
    }

    /// Draws organization, user and app, then operations until one fits; nothing when none of a few does.
    fn attempt(&mut self, kind: Kind) -> Option<(Request, String)> {
        let place = self.random.below(self.world.organizations.len());
        let organization = &self.world.organizations[place];
        let user = self.random.below(organization.users.len());
        let seat = organization.users[user];
        if seat.active == (kind == Kind::InactiveUser) {
            return None;
        }
        let (client, at) = self.app(kind, organization)?;
        let authorization = organization.authorizations.get(at);
        let held = self.world.permissions_of(organization, usize::from(seat.combination));
        let roles = &organization.combinations[usize::from(seat.combination)];
        for _ in 0..40 {
            let rule = self.random.pick(&self.rules.operations);
            let kind_of_rule = kind_of(&rule.ask, authorization, roles, &held);
            let fits = match kind {
                Kind::UnknownPath | Kind::WrongMethod => true,
                Kind::NotStated => matches!(rule.ask, Ask::Unstated | Ask::OtherCredential),
                Kind::AppNotAuthorized | Kind::AppRefused | Kind::InactiveUser => {
                    matches!(rule.ask, Ask::Oauth { .. })
                }
                _ => kind_of_rule == Some(kind),
            };
            if !fits {
                continue;
            }
            let (method, path) = (rule.method, rule.path.clone());
            let method = if kind == Kind::WrongMethod { Method::Options } else { method };
            let path = self.path(&path, kind == Kind::UnknownPath);
            let number = |index: usize| u32::try_from(index).expect("a world has fewer than 2^32 of each");
            let request = Request {
                organization: number(place),
                user: number(user),
                authorization: number(at),
                client: number(client),
                method,
                start: 0,
                length: 0,
            };
            return Some((request, path));
        }
        None
    }

    /// An app and the place of its authorization.
    fn app(&mut self, kind: Kind, organization: &Organization) -> Option<(usize, usize)> {
        let all = &organization.authorizations;
        if kind == Kind::AppNotAuthorized {
            let client = self.random.below(self.world.size.clients);
            let is_known = all.iter().any(|one| one.client as usize == client);
            return (!is_known).then_some((client, all.len()));
        }
        let at = self.random.below(all.len());
        let is_refused = all[at].state == AuthorizationState::Revoked;
        let fits = if kind == Kind::AppRefused { is_refused } else { all[at].state == AuthorizationState::Authorized };
        fits.then_some((all[at].client as usize, at))
    }

    fn path(&mut self, template: &str, is_unknown: bool) -> String {
        let mut path = String::with_capacity(template.len() + 64);
        for segment in template.split('/').skip(1) {
            path.push('/');
            if !segment.starts_with('{') {
                path.push_str(segment);
            } else if self.random.percent(75) {
                path.push_str(&self.random.uuid());
            } else {
                path.push_str(self.random.pick::<&str>(&WORDS));
            }
        }
        if is_unknown {
            path.push_str("/unheard-of");
        }
        if self.random.percent(20) {
            path.push_str(self.random.pick::<&str>(&QUERIES));
        }
        path
    }
}

/// What a request for this operation would be, crossing templates aside: enough to steer the mix, and no part of any
/// comparison.
fn kind_of(ask: &Ask, app: Option<&Authorization>, roles: &[u8], held: &FixedBitSet) -> Option<Kind> {
    let (Ask::Oauth { scopes, permissions }, Some(app)) = (ask, app) else {
        return None;
    };
    let is_held = |permission: &u16| held.contains(usize::from(*permission));
    let may = permissions.as_ref().is_none_or(|(mode, of)| match mode {
        PermissionMode::Any => of.iter().any(is_held),
        PermissionMode::All => of.iter().all(is_held),
    });
    Some(if !scopes.is_empty() && !scopes.iter().any(|scope| app.scopes.binary_search(scope).is_ok()) {
        Kind::ScopeMissing
    } else if !app.roles.is_empty() && !roles.iter().any(|role| app.roles.contains(role)) {
        Kind::RoleNotAllowed
    } else if may {
        Kind::Allowed
    } else {
        Kind::PermissionMissing
    })
}
