//! Applying world files.

use countersign_decision::{AuthorizationState, Enforcement};
use countersign_domain::entropy::SeededEntropy;
use countersign_domain::organization::DivisionScope;
use countersign_domain::role::Assignee;
use countersign_domain::secret::{Digest, Secret, SecretHash, SecretKind};
use countersign_domain::user::{Email, UserState};
use countersign_domain::world::World;
use countersign_store::apply::{ApplyError, ApplyOptions, Difference};
use countersign_store::user::UserFilter;
use countersign_store::{Store, SystemTask};

use crate::fixture::{ALL, Fixture, NOW, access_token, client_id, new_client, organization_id, scopes};
use crate::secrets::dump;

const WORLD: &str = r#"organizations:
  - id: acme
    name: Acme Corp
    scope_enforcement: enforce
    divisions: [Home, Sales]
    roles:
      - name: Directory admin
        permissions: ["directory:user:*", "oauth:client:authorize"]
      - name: Seller
        permissions: [sell]
    users:
      - email: ada@acme.test
        name: Ada Lovelace
        password: correct horse
        roles: [Directory admin, {role: Seller, division: Sales}]
      - email: bob@acme.test
        name: Bob
        state: inactive
    clients:
      - id: 5f0c
        name: Roster Sync
        grant_types: [client_credentials]
        secret: roster-secret
        scopes: [users]
        roles: [Seller]
      - name: Web
        grant_types: [authorization_code, refresh_token]
        redirect_uris: ["https://web.acme.test/callback"]
        scopes: [users]
    authorizations:
      - client: Roster Sync
        scopes: [users]
      - client: Web
        scopes: [users]
        roles: [Directory admin]
  - id: globex
    scope_enforcement: report
    authorizations:
      - client: 5f0c
        scopes: ["users:readonly"]
        state: denied
"#;

fn world(text: &str) -> World {
    World::parse("world.yaml", text).unwrap()
}

async fn apply_with(fixture: &Fixture, text: &str, options: ApplyOptions) -> Result<Difference, ApplyError> {
    let options = ApplyOptions { console_scopes: scopes(&["users"]), ..options };
    fixture.system(SystemTask::Apply).apply(&world(text), &options).await
}

async fn apply(fixture: &Fixture, text: &str) -> Vec<String> {
    lines(&apply_with(fixture, text, ApplyOptions::default()).await.unwrap())
}

fn lines(difference: &Difference) -> Vec<String> {
    difference.entries.iter().map(ToString::to_string).collect()
}

/// What applying says after `from` became `to` in a world that was applied before.
async fn after(fixture: &Fixture, from: &str, to: &str) -> Vec<String> {
    assert!(WORLD.contains(from), "{from}");
    apply(fixture, &WORLD.replacen(from, to, 1)).await
}

/// The world without what takes long to hash.
fn quick_world() -> String {
    let secret = Secret::generate(SecretKind::ClientSecret, &SeededEntropy::new(1));
    WORLD.replace("        password: correct horse\n", "").replace("roster-secret", secret.expose())
}

both! {
    async fn a_world_is_made_from_nothing(fixture) {
        let difference = apply_with(fixture, WORLD, ApplyOptions::default()).await.unwrap();
        let expected = [
            "acme: + organization: `Acme Corp`, enforcement `enforce`",
            "acme: + division `Sales`",
            "acme: + role `Directory admin`: `directory:user:*`, `oauth:client:authorize`",
            "acme: + role `Seller`: `sell`",
            "acme: + user `ada@acme.test`: roles `Directory admin`, `Seller in Sales`",
            "acme: + user `bob@acme.test`: roles none",
            "acme: + app `Roster Sync`: confidential, asks for `users`",
            "acme: + app `Web`: public, asks for `users`",
            "globex: + organization: `globex`, enforcement `report`",
            "acme: + authorization of `Roster Sync`: authorized, scopes `users`",
            "acme: + authorization of `Web`: authorized, scopes `users`, only for `Directory admin`",
            "globex: + authorization of `5f0c`: denied, scopes `users:readonly`",
        ];
        let mut lines = lines(&difference);
        lines[4] = lines[4].replace("`Seller in Sales`, `Directory admin`", "`Directory admin`, `Seller in Sales`");
        assert_eq!(lines, expected);
        let made: Vec<_> = difference.made_clients.iter().map(|made| made.name.as_str()).collect();
        assert_eq!(made, ["Web"], "only what had no id");

        let acme = fixture.org("acme");
        let web = acme.client(&difference.made_clients[0].id).await.unwrap().unwrap();
        assert!(!web.is_confidential && web.redirect_uris == ["https://web.acme.test/callback"]);
        let users = acme.users(&UserFilter::default(), ALL).await.unwrap().items;
        assert_eq!((users[0].name.as_str(), users[1].state), ("Ada Lovelace", UserState::Inactive));
        let sales = acme.divisions().await.unwrap()[1].id.clone();
        let held = acme.assignments_of(&Assignee::User(users[0].id.clone())).await.unwrap();
        let mut held: Vec<_> = held.into_iter().map(|one| one.division).collect();
        held.sort();
        assert_eq!(held, [DivisionScope::All, DivisionScope::Division(sales)]);
        let (grant, _) = fixture.org("globex").authorization(&client_id("5f0c")).await.unwrap().unwrap();
        assert_eq!(grant.state, AuthorizationState::Denied);
        let secrets = fixture.system(SystemTask::TokenEndpoint).client_secrets(&client_id("5f0c")).await.unwrap();
        assert!(secrets[0].verify("roster-secret"));
        let console = acme.authorization(&client_id("countersign-console")).await.unwrap().unwrap().0;
        assert_eq!(console.scopes, scopes(&["users"]));
    }

    async fn the_same_file_again_changes_nothing_at_all(fixture) {
        apply(fixture, WORLD).await;
        let before = dump(fixture).await;
        let options = ApplyOptions { prunes: true, ..ApplyOptions::default() };
        let again = apply_with(fixture, WORLD, options).await.unwrap();
        assert!(again.is_empty() && again.made_clients.is_empty(), "{again:?}");
        assert_eq!(dump(fixture).await, before, "not a hash, not a revision, not an audit record");
    }

    async fn a_dry_run_says_the_same_and_writes_nothing(fixture) {
        let before = dump(fixture).await;
        let dry = ApplyOptions { is_dry_run: true, ..ApplyOptions::default() };
        let foreseen = apply_with(fixture, WORLD, dry).await.unwrap();
        assert_eq!(dump(fixture).await, before);
        assert!(foreseen.made_clients.is_empty(), "an id that was not made is not told");
        let mut done = apply(fixture, WORLD).await;
        let mut foreseen = lines(&foreseen);
        for lines in [&mut foreseen, &mut done] {
            lines[4] = lines[4].replace("`Seller in Sales`, `Directory admin`", "`Directory admin`, `Seller in Sales`");
        }
        assert_eq!(foreseen, done);
    }

    async fn each_edit_is_said_and_done(fixture) {
        let world = quick_world();
        apply(fixture, &world).await;
        for (from, to, expected) in [
            ("name: Acme Corp", "name: Acme", "acme: ~ organization: name `Acme Corp` → `Acme`"),
            ("enforcement: enforce", "enforcement: off", "acme: ~ organization: enforcement `enforce` → `off`"),
            ("[sell]", "[buy]", "acme: ~ role `Seller`: permissions + `buy` - `sell`"),
            ("name: Ada Lovelace", "name: Ada", "acme: ~ user `ada@acme.test`: name `Ada Lovelace` → `Ada`"),
            ("email: bob@acme", "email: Bob@acme", "acme: ~ user `Bob@acme.test`: e-mail address `bob@acme.test` → `Bob@acme.test`"),
            ("state: inactive", "state: active", "acme: ~ user `bob@acme.test`: state `inactive` → `active`"),
            (", {role: Seller, division: Sales}", "", "acme: ~ user `ada@acme.test`: roles - `Seller in Sales`"),
            ("roles: [Seller]", "roles: []", "acme: ~ app `Roster Sync`: roles - `Seller`"),
            ("name: Roster Sync", "name: Roster Sync\n        token_ttl_seconds: 300", "acme: ~ app `Roster Sync`: token life in seconds `86400` → `300`"),
            ("web.acme.test/callback", "web.acme.test/cb", "acme: ~ app `Web`: redirect URIs + `https://web.acme.test/cb` - `https://web.acme.test/callback`"),
            ("roles: [Directory admin]\n  - id", "roles: []\n  - id", "acme: ~ authorization of `Web`: only for - `Directory admin`"),
            ("state: denied", "state: authorized", "globex: ~ authorization of `5f0c`: state `denied` → `authorized`"),
            ("[\"users:readonly\"]", "[users]", "globex: ~ authorization of `5f0c`: scopes + `users` - `users:readonly`"),
            ("divisions: [Home, Sales]", "divisions: [Head office, Sales]", "acme: ~ division `Home`: renamed to `Head office`"),
        ] {
            assert!(world.contains(from), "{from}");
            assert_eq!(apply(fixture, &world.replacen(from, to, 1)).await, [expected], "{from}");
            let back = apply(fixture, &world).await;
            assert_eq!(back.len(), 1, "and back: {back:?}");
        }
        assert!(apply(fixture, &world).await.is_empty());
    }

    async fn the_first_division_is_home(fixture) {
        apply(fixture, WORLD).await;
        assert_eq!(after(fixture, "[Home, Sales]", "[Sales, Home]").await, ["acme: ~ division `Sales`: is home"]);
        let divisions = fixture.org("acme").divisions().await.unwrap();
        let homes: Vec<_> = divisions.iter().filter(|division| division.is_home).map(|one| one.name.as_str()).collect();
        assert_eq!(homes, ["Sales"]);
    }

    async fn what_the_file_does_not_name_stays_unless_it_is_pruned(fixture) {
        apply(fixture, WORLD).await;
        let initech = fixture.organization("initech").await;
        fixture.user("initech", "bill").await;
        let acme = fixture.org("acme");
        let globex = fixture.org("globex");
        let eve = fixture.user("acme", "eve").await;
        let role = fixture.role("acme", "Extra role").await;
        acme.assign_role(&Assignee::User(eve.id.clone()), &role.id, &DivisionScope::All).await.unwrap();
        let extra = acme.create_client(&new_client("Extra app"), None, &[]).await.unwrap();
        globex.deny(&extra.id, "").await.unwrap();
        acme.deny(&extra.id, "").await.unwrap();
        let world = WORLD.replace("[Home, Sales]", "[Home, Sales, Temporary]");
        apply(fixture, &world).await;

        assert!(apply(fixture, &world).await.is_empty());
        let pruned = apply_with(fixture, WORLD, ApplyOptions { prunes: true, ..ApplyOptions::default() }).await.unwrap();

        let expected = [
            format!("acme: - authorization of `{}`", extra.id),
            format!("acme: - app `Extra app` ({})", extra.id),
            "acme: - user `eve@acme.test`".to_owned(),
            "acme: - role `Extra role`".to_owned(),
            "acme: - division `Temporary`".to_owned(),
        ];
        assert_eq!(lines(&pruned), expected);
        assert_eq!(acme.user(&eve.id).await.unwrap().unwrap().state, UserState::Deleted);
        assert_eq!(globex.authorization(&extra.id).await.unwrap(), None);
        for organization in [&acme, &globex] {
            let console = organization.authorization(&client_id("countersign-console")).await.unwrap();
            assert!(console.is_some(), "never the console");
        }
        assert_eq!(initech.users(&UserFilter::default(), ALL).await.unwrap().total, 1, "nor who is not in the file");
    }

    async fn an_app_that_only_an_authorization_names_is_not_pruned(fixture) {
        apply(fixture, WORLD).await;
        let kept = fixture.org("acme").create_client(&new_client("Kept"), None, &[]).await.unwrap();
        let world = WORLD.replace("- client: 5f0c\n", &format!("- client: {}\n", kept.id));
        let options = || ApplyOptions { prunes: true, ..ApplyOptions::default() };
        apply_with(fixture, &world, options()).await.unwrap();
        assert!(fixture.org("acme").client(&kept.id).await.unwrap().is_some());
        assert!(apply_with(fixture, &world, options()).await.unwrap().is_empty());
    }

    async fn nothing_is_half_applied(fixture) {
        fixture.organization("initech").await;
        let taken = countersign_store::client::NewClient { id: Some(client_id("5f0c")), ..new_client("Theirs") };
        fixture.org("initech").create_client(&taken, None, &[]).await.unwrap();
        let before = dump(fixture).await;
        let error = apply_with(fixture, WORLD, ApplyOptions::default()).await.err().unwrap();
        let expected = "app `Roster Sync` of `acme` cannot have the id `5f0c`: another client has, or had, this id";
        assert!(matches!(&error, ApplyError::Refused(what) if what == expected), "{error:?}");
        assert_eq!(dump(fixture).await, before);
    }

    async fn an_unknown_client_is_a_problem_with_its_line(fixture) {
        let before = dump(fixture).await;
        let unknown = WORLD.replace("      - client: 5f0c\n", "      - client: unknown-id\n");
        let error = apply_with(fixture, &unknown, ApplyOptions::default()).await.err().unwrap();
        assert!(error.to_string().starts_with("world.yaml:39: `unknown-id` is not a client"), "{error}");
        assert_eq!(dump(fixture).await, before);

        fixture.organization("initech").await;
        let known = countersign_store::client::NewClient { id: Some(client_id("unknown-id")), ..new_client("Theirs") };
        fixture.org("initech").create_client(&known, None, &[]).await.unwrap();
        apply_with(fixture, &unknown, ApplyOptions::default()).await.unwrap();
    }

    async fn a_name_that_several_apps_have_is_refused(fixture) {
        apply(fixture, WORLD).await;
        fixture.org("acme").create_client(&new_client("Web"), None, &[]).await.unwrap();
        let error = apply_with(fixture, WORLD, ApplyOptions::default()).await.err().unwrap();
        let expected = "`acme` has several apps named `Web`: say in the file by its `id` which one is meant";
        assert_eq!(error.to_string(), expected);
    }

    async fn a_client_turns_public_and_confidential_again(fixture) {
        apply(fixture, WORLD).await;
        let public = WORLD
            .replace("grant_types: [client_credentials]", "grant_types: [authorization_code]")
            .replace("        secret: roster-secret\n", "        redirect_uris: [\"https://r.test/cb\"]\n");
        let said = apply(fixture, &public).await;
        assert!(said[0].ends_with("public from now on"), "{said:?}");
        let roster = fixture.org("acme").client(&client_id("5f0c")).await.unwrap().unwrap();
        assert!(!roster.is_confidential);
        assert!(apply(fixture, &public).await.is_empty());
        apply(fixture, WORLD).await;
        assert!(fixture.org("acme").client(&client_id("5f0c")).await.unwrap().unwrap().is_confidential);
    }

    async fn metadata_follows_the_file_and_the_difference_names_the_members(fixture) {
        apply(fixture, WORLD).await;
        let key = "{ kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo }";
        let metadata = format!("metadata: {{ token_endpoint_auth_method: private_key_jwt, jwks: {{ keys: [{key}] }} }}");
        let by_key = WORLD.replace("secret: roster-secret", &metadata);
        let said = apply(fixture, &by_key).await;
        let how = "metadata `jwks`, `token_endpoint_auth_method`, no secret from now on";
        assert_eq!(said, [format!("acme: ~ app `Roster Sync`: {how}")]);
        let roster = fixture.org("acme").client(&client_id("5f0c")).await.unwrap().unwrap();
        assert!(roster.is_confidential && !roster.authenticates_by_secret());
        assert!(apply(fixture, &by_key).await.is_empty());
        apply(fixture, WORLD).await;
        assert!(fixture.org("acme").client(&client_id("5f0c")).await.unwrap().unwrap().authenticates_by_secret());
    }

    async fn a_secret_that_fits_is_kept_and_a_new_one_replaces_all(fixture) {
        apply(fixture, WORLD).await;
        let id = client_id("5f0c");
        let second = SecretHash::Sha256(Digest::of(b"second"));
        fixture.org("acme").add_client_secret(&id, &second, Some(NOW.plus_seconds(60))).await.unwrap();
        assert!(apply(fixture, WORLD).await.is_empty(), "a rotation under way is left alone");
        let said = after(fixture, "secret: roster-secret", "secret: other").await;
        assert_eq!(said, ["acme: ~ app `Roster Sync`: secret"]);
        let live = fixture.system(SystemTask::TokenEndpoint).client_secrets(&id).await.unwrap();
        assert!(live.len() == 1 && live[0].verify("other"));
    }

    async fn a_password_that_fits_is_kept_with_its_sessions_and_a_new_one_ends_them(fixture) {
        apply(fixture, WORLD).await;
        let acme = fixture.org("acme");
        let ada = acme.users(&UserFilter::default(), ALL).await.unwrap().items.remove(0);
        let client = fixture.client("acme", "App").await;
        let family = fixture.family("acme", &client, &ada);
        fixture.system(SystemTask::TokenEndpoint).save_tokens(&family, &access_token("t", &family)).await.unwrap();
        let is_revoked = async || {
            fixture.system(SystemTask::Enforcement).bearer(&Digest::of(b"t")).await.unwrap().unwrap().is_revoked
        };
        apply(fixture, WORLD).await;
        assert!(!is_revoked().await);
        after(fixture, "correct horse", "battery staple").await;
        assert!(is_revoked().await);

        let hash = SecretHash::of_password("hashed before", &fixture.entropy);
        let SecretHash::Argon2id(phc) = &hash else { unreachable!("passwords are argon2id") };
        let hashed = WORLD.replace("password: correct horse", &format!("password_hash: {phc}"));
        assert_eq!(apply(fixture, &hashed).await, ["acme: ~ user `ada@acme.test`: password"]);
        assert!(apply(fixture, &hashed).await.is_empty());
        let email = Email::parse("ada@acme.test").unwrap();
        let candidates = fixture.system(SystemTask::SignIn).sign_in_candidates(&email).await.unwrap();
        assert!(candidates[0].password.as_ref().unwrap().verify("hashed before"));
    }

    async fn a_server_beside_sees_the_new_revision(fixture) {
        apply(fixture, WORLD).await;
        let server = Store::open(&fixture.location, countersign_store::Options::default()).await.unwrap();
        let facts = async || {
            let system = server.system(SystemTask::Enforcement, NOW, &fixture.entropy);
            system.organization_facts(&organization_id("acme")).await.unwrap().unwrap()
        };
        let (before, _) = facts().await;
        after(fixture, "enforcement: enforce", "enforcement: off").await;
        let (now, facts) = facts().await;
        assert!(now > before && facts.enforcement == Enforcement::Off);
        let audit = fixture.org("acme").audit(ALL).await.unwrap().items;
        let record = audit.iter().find(|record| record.action == "organization.set_enforcement").unwrap();
        assert_eq!((record.actor_kind.as_str(), record.actor.as_str()), ("operator", "apply"));
    }

    async fn two_that_apply_at_once_take_turns(fixture) {
        let mut running = Vec::new();
        for number in 0..6 {
            let store = fixture.store.clone();
            running.push(tokio::spawn(async move {
                let entropy = SeededEntropy::new(number);
                let system = store.system(SystemTask::Apply, NOW, &entropy);
                system.apply(&world(WORLD), &ApplyOptions::default()).await.map(|difference| difference.entries.len())
            }));
        }
        let mut made = Vec::new();
        for one in running {
            made.push(one.await.unwrap().unwrap());
        }
        made.sort_unstable();
        assert_eq!(made.last(), Some(&12));
        assert_eq!(fixture.count("SELECT COUNT(*) FROM users WHERE org_id = 'acme'").await, 2);
    }
}
