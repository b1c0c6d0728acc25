//! From the shape of a statements file to statements: every name must be known to the world or the contract, so that a
//! slip of the pen is not a statement about nothing. Nothing stops at the first mistake.

use std::collections::BTreeSet;

use countersign_decision::surface::Selection;
use countersign_decision::{AuthorizationState, Contract, Method};
use countersign_domain::authorization::parse_state;
use countersign_domain::client::CONSOLE_CLIENT;
use countersign_domain::id::ClientId;
use countersign_domain::user::Email;
use countersign_domain::world::{OrganizationEntry, Problem};
use countersign_domain::yaml;
use serde_saphyr::Spanned;

use super::file::{AppsShape, OperationsShape, StatementShape, StatementsFile, Texts, UsersShape};
use super::statement::{Apps, Kind, Statement, Users};
use crate::cli::files::Loaded;
use crate::cli::listing::Access;
use crate::cli::proposal::nearest;

/// The word in `states` for an app that the organization has not decided about.
const UNDECIDED: &str = "undecided";

/// Reads a statements file. `file` is its name in messages.
pub(super) fn read<'l>(
    file: &str,
    text: &str,
    loaded: &'l Loaded,
    contract: &'l Contract,
) -> Result<Vec<Statement<'l>>, Vec<Problem>> {
    let mut reader = Reader { file, loaded, contract, problems: Vec::new() };
    let shape: StatementsFile = match yaml::read(text, "statements file", "statements") {
        Ok(shape) => shape,
        Err((line, message)) => return Err(vec![Problem { file: file.to_owned(), line, message }]),
    };
    if shape.statements.is_empty() {
        reader.problem(1, "there is no statement: a file that checks nothing is none");
    }
    let statements = shape.statements.into_iter().filter_map(|shape| reader.statement(shape)).collect();
    if reader.problems.is_empty() { Ok(statements) } else { Err(reader.problems) }
}

struct Reader<'l, 'f> {
    file: &'f str,
    loaded: &'l Loaded,
    contract: &'l Contract,
    problems: Vec<Problem>,
}

impl<'l> Reader<'l, '_> {
    fn statement(&mut self, shape: Spanned<StatementShape>) -> Option<Statement<'l>> {
        let line = yaml::line(&shape);
        let StatementShape { never, always, organizations, apps, users, operations, may_be_empty } = shape.value;
        let (kind, sentence) = match (never, always) {
            (Some(never), None) => (Kind::Never, never),
            (None, Some(always)) => (Kind::Always, always),
            (Some(_), Some(always)) => {
                let rule = "`never` and `always` stand in one statement: make two of it";
                self.problem(yaml::line(&always), rule);
                return None;
            }
            (None, None) => {
                self.problem(line, "a statement begins with `never` or `always` and its sentence for people");
                return None;
            }
        };
        if sentence.value.trim().is_empty() {
            let kind = kind.as_str();
            self.problem(yaml::line(&sentence), format!("`{kind}` is the sentence that people read: write one"));
        }
        let organizations = self.organizations(organizations);
        let about = self.about(organizations.as_deref());
        Some(Statement {
            kind,
            line: yaml::line(&sentence),
            sentence: sentence.value,
            apps: self.apps(apps.unwrap_or_default()),
            users: self.users(users.unwrap_or_default(), &about),
            operations: self.operations(operations.unwrap_or_default()),
            may_be_empty: may_be_empty.unwrap_or(false),
            organizations,
        })
    }

    fn organizations(&mut self, texts: Option<Texts>) -> Option<Vec<String>> {
        let known: BTreeSet<&str> = self.loaded.world.organizations.iter().map(|one| one.id.as_str()).collect();
        self.known(texts, "an organization of the world file: its organizations are", &known)
    }

    /// The organizations that a statement is about.
    fn about(&self, ids: Option<&[String]>) -> Vec<&'l OrganizationEntry> {
        let all = self.loaded.world.organizations.iter();
        let is_named = |one: &&OrganizationEntry| ids.is_none_or(|ids| ids.iter().any(|id| id == one.id.as_str()));
        all.filter(is_named).collect()
    }

    fn apps(&mut self, shape: AppsShape) -> Apps {
        let AppsShape { names, ids, with_scopes, without_scopes, states, own } = shape;
        let world = &self.loaded.world;
        let known_names: BTreeSet<&str> = world.clients().map(|(_, client)| client.name.as_str()).collect();
        let given = world.clients().filter_map(|(_, client)| client.id.as_ref().map(ClientId::as_str));
        let known_ids: BTreeSet<&str> = given.chain([CONSOLE_CLIENT]).collect();
        let catalogue = self.contract.catalogue();
        let scopes: BTreeSet<&str> = catalogue.scopes().iter().map(|entry| entry.scope.as_str()).collect();
        let of_contract = "a scope of the contract: it has";
        Apps {
            names: self.known(names, "the name of an app of the world file: there are", &known_names),
            ids: self.known(ids, "the id of an app of the world file: there are", &known_ids),
            with_scopes: self.known(with_scopes, of_contract, &scopes).unwrap_or_default(),
            without_scopes: self.known(without_scopes, of_contract, &scopes).unwrap_or_default(),
            states: states.map(|states| states.iter().filter_map(|state| self.state(state)).collect()),
            own,
        }
    }

    fn state(&mut self, text: &Spanned<String>) -> Option<Option<AuthorizationState>> {
        let state = parse_state(&text.value).filter(|state| *state != AuthorizationState::Expired);
        if state.is_none() && text.value != UNDECIDED {
            let known = "`authorized`, `requested`, `denied`, `revoked` and `undecided` are";
            self.problem(yaml::line(text), format!("`{}` is not a state: {known}", text.value));
            return None;
        }
        Some(state)
    }

    fn users(&mut self, shape: UsersShape, about: &[&OrganizationEntry]) -> Users {
        let UsersShape { emails, in_roles, outside_roles, itself } = shape;
        let narrows = emails.is_some() || in_roles.is_some() || outside_roles.is_some();
        let roles: BTreeSet<&str> = about.iter().flat_map(|one| &one.roles).map(|role| role.name.as_str()).collect();
        let of_these = "a role of an organization that the statement is about: they have";
        Users {
            emails: emails.map(|emails| emails.iter().filter_map(|email| self.email(email, about)).collect()),
            in_roles: self.known(in_roles, of_these, &roles),
            outside_roles: self.known(outside_roles, of_these, &roles),
            itself: itself.unwrap_or(!narrows),
        }
    }

    fn email(&mut self, text: &Spanned<String>, about: &[&OrganizationEntry]) -> Option<String> {
        if about.iter().any(|organization| organization.user(&text.value).is_some()) {
            return Some(Email::key_of(&text.value));
        }
        let all = about.iter().flat_map(|organization| &organization.users).map(|user| user.email.as_str());
        let known = nearest(&text.value, all);
        let rule = "a user of an organization that the statement is about: they have";
        self.problem(yaml::line(text), format!("`{}` is not {rule} {known}", text.value));
        None
    }

    fn operations(&mut self, shape: OperationsShape) -> Selection<'l> {
        let OperationsShape { ids, tags, methods, paths, access } = shape;
        let contract = self.contract;
        let known_ids: BTreeSet<&str> = contract.operations().iter().map(|one| one.id.as_str()).collect();
        let known_tags: BTreeSet<&str> =
            contract.operations().iter().flat_map(|one| &one.tags).map(String::as_str).collect();
        let ids = self.known(ids, "an operation of the contract: it has", &known_ids);
        let ids: Option<BTreeSet<String>> = ids.map(|ids| ids.into_iter().collect());
        let tags = self.known(tags, "a tag of the contract: it has", &known_tags);
        let methods: Option<Vec<Method>> = methods.map(|texts| {
            let method = |text: &Spanned<String>| {
                let method = text.value.parse::<Method>();
                method.map_err(|error| self.problem(yaml::line(text), error.to_string())).ok()
            };
            texts.iter().filter_map(method).collect()
        });
        let paths = paths.map(|texts| texts.iter().filter_map(|text| self.path(text)).collect::<Vec<String>>());
        let access = access.and_then(|text| self.access(&text));
        Selection::new(contract, |operation| {
            ids.as_ref().is_none_or(|ids| ids.contains(&operation.id))
                && tags.as_ref().is_none_or(|tags| operation.tags.iter().any(|tag| tags.contains(tag)))
                && methods.as_ref().is_none_or(|methods| methods.contains(&operation.method))
                && paths.as_ref().is_none_or(|paths| paths.iter().any(|path| is_below(path, &operation.path)))
                && access.is_none_or(|access| Access::of(operation) == access)
        })
    }

    /// A path template of the contract, or the beginning of some.
    fn path(&mut self, text: &Spanned<String>) -> Option<String> {
        let path = &text.value;
        let is_known = self.contract.operations().iter().any(|operation| is_below(path, &operation.path));
        if is_known {
            return Some(path.clone());
        }
        let known: BTreeSet<&str> = self.contract.operations().iter().map(|one| one.path.as_str()).collect();
        let rule = match path.strip_suffix('*') {
            Some(beginning) if !beginning.contains('*') => "no path of the contract begins so: it has",
            _ if path.contains('*') => "a `*` stands at the end of a path only. The contract has",
            _ => "the contract has no such path. It has",
        };
        self.problem(yaml::line(text), format!("`{path}`: {rule} {}", nearest(path, known.into_iter())));
        None
    }

    fn access(&mut self, text: &Spanned<String>) -> Option<Access> {
        match text.value.as_str() {
            "read" => Some(Access::Read),
            "write" => Some(Access::Write),
            other => {
                self.problem(yaml::line(text), format!("`{other}` is not a value of `access`: `read` and `write` are"));
                None
            }
        }
    }

    /// The texts, each of them known.
    fn known(&mut self, texts: Option<Texts>, rule: &str, known: &BTreeSet<&str>) -> Option<Vec<String>> {
        let texts = texts?;
        for text in texts.iter().filter(|text| !known.contains(text.value.as_str())) {
            let near = nearest(&text.value, known.iter().copied());
            self.problem(yaml::line(text), format!("`{}` is not {rule} {near}", text.value));
        }
        Some(texts.into_iter().map(|text| text.value).collect())
    }

    fn problem(&mut self, line: u32, message: impl Into<String>) {
        self.problems.push(Problem { file: self.file.to_owned(), line, message: message.into() });
    }
}

/// Whether a path template is this one, or begins as this does before its final `*`.
fn is_below(path: &str, template: &str) -> bool {
    match path.strip_suffix('*') {
        Some(beginning) => template.starts_with(beginning),
        None => template == path,
    }
}
