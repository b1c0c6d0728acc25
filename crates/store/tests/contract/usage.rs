//! What apps called, counted.

use countersign_domain::id::{ClientId, OrganizationId};
use countersign_domain::usage::{Day, Outcome, UsageCount, UsageKey};
use countersign_store::{Options, Store, SystemTask};

use crate::fixture::{Fixture, NOW};

const TODAY: Day = Day::of(NOW);

fn count(organization: &str, client: &str, operation: &str, calls: u64) -> UsageCount {
    let key = UsageKey {
        organization: OrganizationId::parse(organization).unwrap(),
        client: ClientId::parse(client).unwrap(),
        day: TODAY,
        contract: "books".to_owned(),
        operation: Some(operation.to_owned()).filter(|operation| !operation.is_empty()),
        crosses: Vec::new(),
        outcome: Outcome::Allowed,
        would_be_denied: false,
    };
    UsageCount { key, calls, last: NOW }
}

fn on(count: UsageCount, day: Day) -> UsageCount {
    UsageCount { key: UsageKey { day, ..count.key }, last: day.start(), ..count }
}

async fn add(fixture: &Fixture, counts: &[UsageCount]) {
    fixture.system(SystemTask::Enforcement).add_usage(counts).await.unwrap();
}

async fn of_till(fixture: &Fixture, organization: &str) -> Vec<UsageCount> {
    let till = ClientId::parse("till").unwrap();
    let organization = OrganizationId::parse(organization).unwrap();
    fixture.system(SystemTask::Demo).org(&organization).usage(&till, TODAY.minus(30), TODAY).await.unwrap()
}

both! {
    async fn counts_are_added_up_and_keep_the_last_call(fixture) {
        fixture.organization("acme").await;
        let later = UsageCount { last: NOW.plus_seconds(5), ..count("acme", "till", "listBooks", 2) };
        add(fixture, &[later]).await;
        add(fixture, &[count("acme", "till", "listBooks", 3)]).await;
        let [books] = &of_till(fixture, "acme").await[..] else { panic!() };
        assert_eq!((books.calls, books.last), (5, NOW.plus_seconds(5)), "the later of both");
        assert_eq!(books.key, count("acme", "till", "listBooks", 0).key);
    }

    async fn whatever_differs_is_counted_apart_and_comes_back_as_it_was(fixture) {
        fixture.organization("acme").await;
        let plain = count("acme", "till", "listBooks", 1);
        let with = |change: &dyn Fn(&mut UsageKey)| {
            let mut other = plain.clone();
            change(&mut other.key);
            other
        };
        let mut counts = vec![
            plain.clone(),
            with(&|key| key.contract = "orders".to_owned()),
            with(&|key| key.operation = None),
            with(&|key| key.crosses = vec!["a b".to_owned(), "c".to_owned()]),
            with(&|key| key.outcome = Outcome::Denied("missing_scope".to_owned())),
            with(&|key| key.outcome = Outcome::TooMany),
            with(&|key| key.would_be_denied = true),
            on(plain.clone(), TODAY.minus(1)),
        ];
        add(fixture, &counts).await;
        let mut found = of_till(fixture, "acme").await;
        counts.sort_by(|one, other| one.key.cmp(&other.key));
        found.sort_by(|one, other| one.key.cmp(&other.key));
        assert_eq!(found, counts);
    }

    async fn nobody_sees_the_counts_of_another_organization_app_or_time(fixture) {
        fixture.organization("acme").await;
        fixture.organization("globex").await;
        let old = on(count("acme", "till", "listBooks", 1), TODAY.minus(31));
        add(fixture, &[old, count("globex", "till", "listBooks", 7), count("acme", "desk", "listBooks", 9)]).await;
        assert_eq!(of_till(fixture, "acme").await, []);
        assert_eq!(of_till(fixture, "globex").await.len(), 1);
    }

    async fn nodes_that_add_at_once_lose_nothing(fixture) {
        fixture.organization("acme").await;
        let other = Store::open(&fixture.location, Options::default()).await.unwrap();
        let counts: Vec<_> = (0..450).map(|number| count("acme", "till", &format!("operation {number}"), 1)).collect();
        let backwards: Vec<_> = counts.iter().rev().cloned().collect();
        let second = other.system(SystemTask::Enforcement, NOW, &fixture.entropy);
        let first = fixture.system(SystemTask::Enforcement);
        let (one, two) = tokio::join!(first.add_usage(&counts), second.add_usage(&backwards));
        one.unwrap();
        two.unwrap();
        let found = of_till(fixture, "acme").await;
        assert!(found.len() == 450 && found.iter().all(|count| count.calls == 2));
        other.close().await;
    }

    async fn what_is_too_old_is_deleted_a_few_at_a_time_the_oldest_first(fixture) {
        fixture.organization("acme").await;
        let days = [3, 2, 1, 0].map(|days| on(count("acme", "till", "listBooks", 1), TODAY.minus(days)));
        add(fixture, &days).await;
        let system = fixture.system(SystemTask::Housekeeping);
        assert_eq!(system.delete_usage_before(TODAY, 2).await.unwrap(), 2);
        let left: Vec<_> = of_till(fixture, "acme").await.iter().map(|count| count.key.day).collect();
        assert_eq!(left, [TODAY.minus(1), TODAY]);
        assert_eq!(system.delete_usage_before(TODAY, 2).await.unwrap(), 1);
        assert_eq!(system.delete_usage_before(TODAY, 2).await.unwrap(), 0);
    }
}
