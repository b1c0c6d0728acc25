use std::cmp::Reverse;

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest};

use super::*;

fn solved(demands: &[Demand], weights: &[u64]) -> Vec<u32> {
    let cover = smallest_cover(demands, weights).expect("each demand has an alternative");
    assert!(cover.is_minimal);
    cover.elements
}

fn any_of(lists: &[&[u32]]) -> Vec<Demand> {
    lists.iter().map(|list| list.iter().map(|element| vec![*element]).collect()).collect()
}

/// The best of all sets, found by looking at each of them.
fn best_of_all(demands: &[Demand], weights: &[u64]) -> Vec<u32> {
    let mask = |alternative: &Vec<u32>| alternative.iter().fold(0u32, |mask, element| mask | 1 << element);
    let demands: Vec<Vec<u32>> = demands.iter().map(|demand| demand.iter().map(mask).collect()).collect();
    let meets =
        |set: u32| demands.iter().all(|demand| demand.iter().any(|alternative| set & alternative == *alternative));
    let elements = |set: u32| (0..weights.len() as u32).filter(|element| set & 1 << element != 0).collect::<Vec<_>>();
    let weight = |set: u32| elements(set).iter().map(|element| weights[*element as usize]).sum::<u64>();
    // Of sets of one size, the one with the lowest elements in order is the greatest when read from the lowest bit.
    let best = (0..1 << weights.len()).filter(|set| meets(*set));
    let best = best.min_by_key(|set| (set.count_ones(), weight(*set), Reverse(set.reverse_bits())));
    elements(best.expect("all elements together meet everything"))
}

/// Up to 12 elements; mostly alternatives of one element, as contracts have them; weights that often tie.
fn cases() -> impl Strategy<Value = (Vec<Demand>, Vec<u64>)> {
    (2u32..=12, 0u64..4).prop_flat_map(|(elements, heaviest)| {
        let alternative = (vec(0..elements, 0..4), any::<u8>()).prop_map(|(all, choice)| match (choice, all.first()) {
            (0..180, Some(first)) => vec![*first],
            (0..3, None) => Vec::new(),
            (_, None) => vec![0],
            _ => all,
        });
        let demands = vec(vec(alternative, 1..5), 0..14);
        (demands, vec(0..=heaviest, elements as usize))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_set_at_all_is_better((demands, weights) in cases()) {
        let cover = smallest_cover(&demands, &weights).expect("each demand has an alternative");
        prop_assert!(cover.is_minimal);
        prop_assert_eq!(cover.elements, best_of_all(&demands, &weights));
    }

    #[test]
    fn a_search_that_is_cut_short_still_meets_every_demand((demands, weights) in cases(), steps in 0u64..200) {
        let cover = smallest_cover_within(&demands, &weights, steps).expect("each demand has an alternative");
        let holds = |alternative: &Vec<u32>| alternative.iter().all(|element| cover.elements.contains(element));
        prop_assert!(demands.iter().all(|demand| demand.iter().any(holds)));
        if cover.is_minimal {
            prop_assert_eq!(cover.elements, best_of_all(&demands, &weights));
        }
    }
}

#[test]
fn nothing_is_needed_where_nothing_is_asked() {
    assert!(solved(&[], &[]).is_empty());
    assert!(solved(&[vec![vec![]]], &[]).is_empty());
}

#[test]
fn a_demand_without_alternatives_is_named() {
    let error = smallest_cover(&[vec![vec![1]], vec![]], &[]).expect_err("it cannot be met");
    assert_eq!(error, Unmeetable { demand: 1 });
}

#[test]
fn few_elements_come_before_light_ones_and_light_ones_before_low_ones() {
    assert_eq!(solved(&any_of(&[&[0, 2], &[1, 2]]), &[1, 1, 100]), [2]);
    assert_eq!(solved(&any_of(&[&[0, 1]]), &[7, 3]), [1]);
    assert_eq!(solved(&any_of(&[&[1, 0]]), &[3, 3]), [0]);
    // Two rings of ties: the lowest in order wins, not the lowest sum.
    assert_eq!(solved(&any_of(&[&[0, 5], &[5, 1], &[1, 4], &[4, 0]]), &[]), [0, 1]);
}

#[test]
fn greedy_would_take_one_more() {
    // The well-known trap: the greatest set first leads to three.
    let demands = any_of(&[&[0, 1], &[0, 1], &[0, 2], &[0, 2], &[1, 2], &[2, 1]]);
    assert_eq!(solved(&demands, &[]).len(), 2);
}

#[test]
fn elements_need_not_be_numbered_without_gaps() {
    assert_eq!(solved(&[vec![vec![4_000_000_000, 7], vec![9]]], &[]), [9]);
}

#[test]
fn a_search_without_end_ends_with_what_it_has() {
    // A hard one: each demand wants one of few among many, without any structure.
    let mut seed = 1u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(seed >> 33).expect("31 bits") % 400
    };
    let demands: Vec<Demand> = (0..1_500).map(|_| (0..6).map(|_| vec![next()]).collect()).collect();
    let cover = smallest_cover_within(&demands, &[], 2_000_000).expect("each demand has an alternative");
    assert!(!cover.is_minimal);
    let holds = |alternative: &Vec<u32>| alternative.iter().all(|element| cover.elements.contains(element));
    assert!(demands.iter().all(|demand| demand.iter().any(holds)));
}
