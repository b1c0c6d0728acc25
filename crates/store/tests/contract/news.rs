//! What changed since a revision: applied to the facts of that revision, it gives the facts of the current one.

use countersign_decision::{Enforcement, OrganizationFacts};
use countersign_domain::authorization::ConsentMode;
use countersign_domain::client::{Client, ClientState};
use countersign_domain::entropy::{Entropy, SeededEntropy, random_bytes};
use countersign_domain::id::{RoleId, UserId};
use countersign_domain::organization::DivisionScope;
use countersign_domain::role::Assignee;
use countersign_domain::user::UserState;
use countersign_domain::world::World;
use countersign_store::apply::ApplyOptions;
use countersign_store::authorization::GrantChange;
use countersign_store::client::ClientChange;
use countersign_store::role::{NewRole, RoleChange};
use countersign_store::user::{UserChange, UserFilter};
use countersign_store::{News, StoreError, SystemTask};

use crate::fixture::{ALL, Fixture, NOW, new_client, new_user, organization_id, scopes};

/// Written to in turn: what happens in one can touch the other.
const ORGANIZATIONS: [&str; 2] = ["acme", "globex"];
const WRITES: usize = 250;

both! {
    async fn any_sequence_of_writes_is_followed_by_what_it_touched(fixture) {
        for organization in ORGANIZATIONS {
            fixture.organization(organization).await;
        }
        let mut known = [vec![facts(fixture, "acme").await], vec![facts(fixture, "globex").await]];
        let mut writer = Writer { fixture, dice: SeededEntropy::new(7), number: 0 };
        let mut told = 0;
        for _ in 0..WRITES {
            let what = writer.write().await;
            for (organization, known) in ORGANIZATIONS.into_iter().zip(&mut known) {
                let now = facts(fixture, organization).await;
                for (since, before) in [known.last().unwrap(), &known[writer.below(known.len())]] {
                    let (revision, followed, is_told) = follow(fixture, organization, *since, before).await;
                    assert_eq!(revision, now.0, "{what}");
                    assert_eq!(sorted(followed), sorted(now.1.clone()), "{organization} since {since}, then {what}");
                    told += usize::from(is_told);
                }
                known.push(now);
            }
        }
        assert!(told > WRITES * 3, "{told}: most of it is told one by one");
    }

    async fn what_did_not_change_is_not_read_again(fixture) {
        let acme = fixture.organization("acme").await;
        for name in ["ada", "bob", "cyd"] {
            fixture.user("acme", name).await;
        }
        let (since, before) = facts(fixture, "acme").await;
        let role = fixture.role("acme", "Admin").await;
        let ada = UserId::parse(&before.users[0].id).unwrap();
        acme.assign_role(&Assignee::User(ada), &role.id, &DivisionScope::All).await.unwrap();
        let Some((_, News::Changes(changes))) = news(fixture, "acme", since).await else { panic!("told one by one") };
        assert_eq!(changes.len(), 2, "{changes:?}");
        assert!(matches!(news(fixture, "acme", since + 2).await, Some((_, News::Changes(none))) if none.is_empty()));
        assert!(news(fixture, "nowhere", 1).await.is_none());
    }

    async fn whom_a_deleted_role_or_division_leaves_is_touched_too(fixture) {
        let apply = async |text: &str| {
            let world = World::parse("world.yaml", text).unwrap();
            let options = ApplyOptions { prunes: true, ..ApplyOptions::default() };
            fixture.system(SystemTask::Apply).apply(&world, &options).await.unwrap();
        };
        let world = |divisions: &str, held: &str| format!(
            "organizations:\n- id: acme\n  divisions: {divisions}\n  roles: [{{name: Seller, permissions: [sell]}}]\n  \
             users: [{{email: ada@acme.test, name: Ada, roles: {held}}}]\n"
        );
        apply(&world("[Home, Sales]", "[{role: Seller, division: Sales}]")).await;
        let (since, before) = facts(fixture, "acme").await;
        assert_eq!(before.users[0].roles.len(), 1);

        apply(&world("[Home]", "[]")).await;
        let (_, after, is_told) = follow(fixture, "acme", since, &before).await;
        assert!(is_told && after.users[0].roles.is_empty(), "{after:?}");

        apply(&world("[Home]", "[Seller]")).await;
        let (since, before) = facts(fixture, "acme").await;
        let role = RoleId::parse(&before.roles[0].id).unwrap();
        fixture.org("acme").delete_role(&role).await.unwrap();
        let (_, after, is_told) = follow(fixture, "acme", since, &before).await;
        assert!(is_told && after.users[0].roles.is_empty() && after.roles.is_empty(), "{after:?}");
    }

    async fn what_is_not_known_precisely_is_read_whole(fixture) {
        fixture.organization("acme").await;
        fixture.user("acme", "ada").await;
        let (revision, now) = facts(fixture, "acme").await;
        let since = revision - 1;
        let is_whole = async |since: i64| match news(fixture, "acme", since).await {
            Some((at, News::Everything(facts))) => at == revision && facts == now,
            _ => false,
        };
        assert!(!is_whole(since).await);
        assert!(is_whole(revision + 1).await, "a database that was set back");
        assert!(is_whole(revision - 2_000).await, "too many changes");
        assert!(is_whole(-1).await, "there is no revision 0: a gap");

        let raw = fixture.raw().await;
        for touched in ["NULL", "'{\"groups\":[\"g\"]}'", "'nonsense'"] {
            let text = format!("UPDATE changes SET touched = {touched} WHERE revision = {revision}");
            sqlx::query(sqlx::AssertSqlSafe(text)).execute(&raw).await.unwrap();
            assert!(is_whole(since).await, "{touched}");
        }
        let text = format!("DELETE FROM changes WHERE revision = {revision}");
        sqlx::query(sqlx::AssertSqlSafe(text)).execute(&raw).await.unwrap();
        assert!(is_whole(since).await, "a gap");
    }

    async fn a_change_of_very_much_is_read_whole(fixture) {
        fixture.organization("acme").await;
        let (since, before) = facts(fixture, "acme").await;
        let users: Vec<_> = (0..1_001).map(|number| format!("{{email: u{number}@acme.test, name: U}}")).collect();
        let text = format!("organizations: [{{id: acme, users: [{}]}}]", users.join(", "));
        let world = World::parse("world.yaml", &text).unwrap();
        fixture.system(SystemTask::Apply).apply(&world, &ApplyOptions::default()).await.unwrap();
        let (_, after, is_told) = follow(fixture, "acme", since, &before).await;
        assert!(!is_told && after.users.len() == 1_001);
    }

    async fn a_burst_of_writes_is_followed_without_a_gap(fixture) {
        fixture.organization("acme").await;
        let (mut revision, mut known) = facts(fixture, "acme").await;
        let start = revision;
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let store = fixture.store.clone();
                tokio::spawn(async move {
                    let entropy = SeededEntropy::new(100 + writer);
                    for number in 0..15 {
                        let acme = store.system(SystemTask::Demo, NOW, &entropy).org(&organization_id("acme"));
                        acme.create_user(&new_user(&format!("w{writer}u{number}@acme.test"))).await.unwrap();
                    }
                })
            })
            .collect();
        loop {
            let is_over = writers.iter().all(tokio::task::JoinHandle::is_finished);
            let before = fixture.revision("acme").await;
            let (at, followed, is_told) = follow(fixture, "acme", revision, &known).await;
            assert!(at >= before && is_told, "never older than what was written before");
            (revision, known) = (at, followed);
            assert_eq!(revision - start, i64::try_from(known.users.len()).unwrap(), "each new user is one revision");
            if is_over {
                break;
            }
        }
        for writer in writers {
            writer.await.unwrap();
        }
        assert_eq!(known.users.len(), 60);
    }
}

async fn facts(fixture: &Fixture, organization: &str) -> (i64, OrganizationFacts) {
    let system = fixture.system(SystemTask::Enforcement);
    system.organization_facts(&organization_id(organization)).await.unwrap().unwrap()
}

async fn news(fixture: &Fixture, organization: &str, since: i64) -> Option<(i64, News)> {
    let system = fixture.system(SystemTask::Enforcement);
    system.organization_news(&organization_id(organization), since).await.unwrap()
}

/// The current revision, the facts that follow from `before` of revision `since`, and whether they were told one by
/// one.
async fn follow(
    fixture: &Fixture,
    organization: &str,
    since: i64,
    before: &OrganizationFacts,
) -> (i64, OrganizationFacts, bool) {
    match news(fixture, organization, since).await.unwrap() {
        (revision, News::Changes(changes)) => {
            let mut facts = before.clone();
            changes.iter().for_each(|change| facts.change(change));
            (revision, facts, true)
        }
        (revision, News::Everything(facts)) => (revision, facts, false),
    }
}

fn sorted(mut facts: OrganizationFacts) -> OrganizationFacts {
    facts.roles.sort_by(|one, other| one.id.cmp(&other.id));
    facts.users.sort_by(|one, other| one.id.cmp(&other.id));
    facts.clients.sort_by(|one, other| one.id.cmp(&other.id));
    facts.authorizations.sort_by(|one, other| one.client.cmp(&other.client));
    facts
}

/// Writes something, drawn by lot.
struct Writer<'f> {
    fixture: &'f Fixture,
    dice: SeededEntropy,
    number: usize,
}

impl Writer<'_> {
    fn below(&self, limit: usize) -> usize {
        usize::from(u16::from_le_bytes(random_bytes(&self.dice as &dyn Entropy))) % limit
    }

    fn pick<'a, T>(&self, all: &'a [T]) -> Option<&'a T> {
        (!all.is_empty()).then(|| &all[self.below(all.len())])
    }

    /// Says what it wrote; nothing where there is nothing to write on.
    async fn write(&mut self) -> String {
        self.number += 1;
        let (number, id) = (self.number, ORGANIZATIONS[self.below(2)]);
        let org = self.fixture.org(id);
        let users = org.users(&UserFilter::default(), ALL).await.unwrap().items;
        let roles = org.roles(None, ALL).await.unwrap().items;
        let own = org.clients(ALL).await.unwrap().items;
        let known: Vec<Client> = [own.clone(), self.fixture.org("acme").clients(ALL).await.unwrap().items].concat();
        let (user, role, client) = (self.pick(&users), self.pick(&roles), self.pick(&own));
        let decided = org.authorizations(ALL).await.unwrap().items;
        let kind = self.below(20);
        let outcome = match (kind, user, role, client, self.pick(&known)) {
            (0 | 1, ..) => org.create_user(&new_user(&format!("u{number}@{id}.test"))).await.map(drop),
            (2, Some(user), ..) => {
                let state = [UserState::Active, UserState::Inactive][self.below(2)];
                let change = UserChange { state: Some(state), ..UserChange::default() };
                org.update_user(&user.id, user.version, &change).await.map(drop)
            }
            (3, Some(user), ..) => org.delete_user(&user.id).await,
            (4, ..) => {
                let name = format!("Role {number}");
                org.create_role(&NewRole { name, description: String::new(), policies: self.policies() })
                    .await
                    .map(drop)
            }
            (5, _, Some(role), ..) => {
                let change = RoleChange { policies: Some(self.policies()), ..RoleChange::default() };
                org.update_role(&role.id, &change).await.map(drop)
            }
            (6, _, Some(role), ..) => org.delete_role(&role.id).await.map(drop),
            (7 | 8, Some(user), Some(role), ..) => {
                let assignee = Assignee::User(user.id.clone());
                org.assign_role(&assignee, &role.id, &DivisionScope::All).await
            }
            (9, Some(user), Some(role), ..) => {
                let assignee = Assignee::User(user.id.clone());
                org.unassign_role(&assignee, &role.id, &DivisionScope::All).await
            }
            (10, Some(user), Some(role), ..) => {
                org.replace_user_roles(&user.id, std::slice::from_ref(&role.id), &DivisionScope::All).await.map(drop)
            }
            (11, ..) => org.create_client(&new_client(&format!("App {number}")), None, &[]).await.map(drop),
            (12, _, role, Some(client), _) => {
                let state = [ClientState::Active, ClientState::Disabled][self.below(2)];
                let held = role.map(|role| vec![(role.id.clone(), DivisionScope::All)]);
                let change = ClientChange { state: Some(state), roles: held, ..ClientChange::default() };
                org.update_client(&client.id, &change).await.map(drop)
            }
            (13, _, _, Some(client), _) => org.delete_client(&client.id).await,
            (14 | 15, _, role, _, Some(client)) => {
                let limits = role.filter(|_| self.below(2) == 0);
                let change = GrantChange {
                    scopes: scopes(&["users", "oauth"][..=self.below(2)]),
                    roles: limits.map(|role| role.id.clone()).into_iter().collect(),
                    consent: ConsentMode::Administrator,
                    expected_version: None,
                    reason: String::new(),
                };
                org.grant(&client.id, &change).await.map(drop)
            }
            (16, _, _, _, Some(client)) => org.deny(&client.id, "").await.map(drop),
            (17, ..) if !decided.is_empty() => org.revoke(&decided[self.below(decided.len())].1.id).await.map(drop),
            (18, Some(user), _, _, Some(client)) => {
                org.request(&client.id, &user.id, &scopes(&["users"]), "").await.map(drop)
            }
            (19, ..) if self.below(2) == 0 => {
                let mode = [Enforcement::Off, Enforcement::Report, Enforcement::Enforce][self.below(3)];
                org.set_enforcement(mode, Some(self.below(2) == 0)).await.map(drop)
            }
            (19, ..) => self.apply(id).await,
            _ => Ok(()),
        };
        outcome.unwrap();
        format!("write {number}, of kind {kind} in {id}")
    }

    fn policies(&self) -> Vec<countersign_decision::PermissionPolicy> {
        let all = ["directory:user:*", "oauth:client:view", "sell"];
        all[..=self.below(3)].iter().map(|policy| policy.parse().unwrap()).collect()
    }

    /// A world that names a few things, and now and then removes what it does not name.
    async fn apply(&self, id: &str) -> Result<(), StoreError> {
        let divisions = ["[Home]", "[Home, Sales]"][self.below(2)];
        let held = ["[]", "[World]", "[{role: World, division: Home}]"][self.below(3)];
        let text = format!(
            "organizations:\n- id: {id}\n  divisions: {divisions}\n  roles: [{{name: World, permissions: [sell]}}]\n  \
             users: [{{email: world@{id}.test, name: W, roles: {held}}}]\n"
        );
        let world = World::parse("world.yaml", &text).unwrap();
        let options = ApplyOptions { prunes: self.below(3) == 0, ..ApplyOptions::default() };
        self.fixture.system(SystemTask::Apply).apply(&world, &options).await.unwrap();
        Ok(())
    }
}
