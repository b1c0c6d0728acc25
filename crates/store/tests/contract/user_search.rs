//! Search among users.

use countersign_domain::user::UserState;
use countersign_store::user::{NewUser, UserChange};
use countersign_store::user_search::{SearchKind, SearchOperator, SearchTerm, UserField, UserSearch};
use countersign_store::{OrgStore, Page};

use crate::fixture::{ALL, Fixture, new_user};
use crate::users::names;

async fn people(fixture: &Fixture) -> OrgStore<'_> {
    let acme = fixture.organization("acme").await;
    fixture.organization("globex").await;
    fixture.org("globex").create_user(&person("Ada Elsewhere", "ada@globex.test", None)).await.unwrap();
    for (name, email, title) in [
        ("Ada Lovelace", "ada@acme.test", Some("Countess")),
        ("Bob 100% Builder", "bob@acme.test", Some("Under_score")),
        ("Émile Zola", "emile@acme.test", None),
        ("Grace Hopper", "grace@acme.test", Some("Rear Admiral")),
        ("Adam Smith", "adam@acme.test", Some("Underscore")),
    ] {
        acme.create_user(&person(name, email, title)).await.unwrap();
    }
    acme
}

fn person(name: &str, email: &str, title: Option<&str>) -> NewUser {
    NewUser { name: name.to_owned(), title: title.map(str::to_owned), ..new_user(email) }
}

fn term(kind: SearchKind, field: UserField, value: &str) -> SearchTerm {
    SearchTerm { kind, fields: vec![field], values: vec![value.to_owned()], operator: SearchOperator::And }
}

async fn found(acme: &OrgStore<'_>, terms: &[SearchTerm]) -> Vec<String> {
    let search = UserSearch { terms: terms.to_vec(), sort_by: UserField::Name, is_descending: false };
    let listing = acme.search_users(&search, ALL).await.unwrap();
    assert_eq!(listing.total, i64::try_from(listing.items.len()).unwrap());
    listing.items.iter().map(|user| user.name.clone()).collect()
}

both! {
    async fn each_kind_of_term_matches_without_letter_case(fixture) {
        let acme = people(fixture).await;
        for (kind, value, expected) in [
            (SearchKind::Exact, "ADA lovelace", vec!["Ada Lovelace"]),
            (SearchKind::Exact, "ada", vec![]),
            (SearchKind::StartsWith, "ada", vec!["Ada Lovelace", "Adam Smith"]),
            (SearchKind::Contains, "op", vec!["Grace Hopper"]),
            (SearchKind::Term, "ada", vec!["Ada Lovelace"]),
            (SearchKind::Term, "LOVELACE", vec!["Ada Lovelace"]),
            (SearchKind::StartsWith, "ÉMILE", vec!["Émile Zola"]),
        ] {
            assert_eq!(found(&acme, &[term(kind, UserField::Name, value)]).await, expected, "{kind:?} {value}");
        }
    }

    async fn signs_of_patterns_stand_for_themselves(fixture) {
        let acme = people(fixture).await;
        for (field, value, expected) in [
            (UserField::Name, "100%", vec!["Bob 100% Builder"]),
            (UserField::Name, "%", vec!["Bob 100% Builder"]),
            (UserField::Title, "r_s", vec!["Bob 100% Builder"]),
            (UserField::Name, "!", vec![]),
            (UserField::Name, "' OR '1'='1", vec![]),
        ] {
            assert_eq!(found(&acme, &[term(SearchKind::Contains, field, value)]).await, expected, "{value}");
        }
    }

    async fn terms_join_by_and_or_and_not(fixture) {
        let acme = people(fixture).await;
        let starts_with_a = term(SearchKind::StartsWith, UserField::Name, "a");
        let is_countess = term(SearchKind::Exact, UserField::Title, "countess");
        let not = |term: &SearchTerm| SearchTerm { operator: SearchOperator::Not, ..term.clone() };
        let or = |term: &SearchTerm| SearchTerm { operator: SearchOperator::Or, ..term.clone() };
        let grace = term(SearchKind::Exact, UserField::Email, "grace@acme.test");

        assert_eq!(found(&acme, &[starts_with_a.clone(), is_countess.clone()]).await, ["Ada Lovelace"]);
        assert_eq!(found(&acme, &[starts_with_a.clone(), not(&is_countess)]).await, ["Adam Smith"]);
        assert_eq!(found(&acme, &[or(&is_countess), or(&grace)]).await, ["Ada Lovelace", "Grace Hopper"]);
        assert_eq!(found(&acme, &[or(&is_countess), or(&grace), starts_with_a]).await, ["Ada Lovelace"]);
        let untitled = found(&acme, &[not(&term(SearchKind::Contains, UserField::Title, "e"))]).await;
        assert_eq!(untitled, ["Émile Zola"], "who has no title has none with an e");
    }

    async fn one_of_several_fields_and_values_is_enough(fixture) {
        let acme = people(fixture).await;
        let mut wide = term(SearchKind::StartsWith, UserField::Name, "grace");
        wide.fields.push(UserField::Email);
        wide.values.push("bob@".to_owned());
        assert_eq!(found(&acme, &[wide]).await, ["Bob 100% Builder", "Grace Hopper"]);
        let nothing = SearchTerm { values: Vec::new(), ..term(SearchKind::Exact, UserField::Name, "") };
        assert!(found(&acme, &[nothing]).await.is_empty());
    }

    async fn without_terms_everybody_is_found_in_the_order_asked_for(fixture) {
        let acme = people(fixture).await;
        let search = UserSearch { terms: Vec::new(), sort_by: UserField::Email, is_descending: true };
        let listing = acme.search_users(&search, Page::new(1, 2)).await.unwrap();
        assert_eq!((names(&listing.items), listing.total), (vec!["Grace Hopper", "Émile Zola"], 5));
    }

    async fn states_are_searched_only_when_asked_for(fixture) {
        let acme = people(fixture).await;
        let grace = acme.search_users(&search_for_grace(), ALL).await.unwrap().items[0].clone();
        let change = UserChange { state: Some(UserState::Inactive), ..UserChange::default() };
        acme.update_user(&grace.id, 1, &change).await.unwrap();
        assert_eq!(found(&acme, &[term(SearchKind::Exact, UserField::State, "inactive")]).await, ["Grace Hopper"]);
        acme.delete_user(&grace.id).await.unwrap();
        assert_eq!(found(&acme, &[]).await.len(), 4);
        assert_eq!(found(&acme, &[term(SearchKind::Exact, UserField::State, "deleted")]).await, ["Grace Hopper"]);
    }
}

fn search_for_grace() -> UserSearch {
    let terms = vec![term(SearchKind::StartsWith, UserField::Name, "grace")];
    UserSearch { terms, sort_by: UserField::Name, is_descending: false }
}
