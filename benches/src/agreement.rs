//! Every engine has to give the naive model's answers before anything is timed.

use crate::answer::Answer;
use crate::naive::Naive;
use crate::requests::Requests;

/// How much of an answer an engine can give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The reason too.
    Reason,
    /// Allow or deny.
    Decision,
}

/// The naive model's answers to all requests, from both cores.
pub(crate) fn expected(naive: &Naive<'_>, requests: &Requests) -> Vec<Answer> {
    let half = requests.len() / 2;
    std::thread::scope(|scope| {
        let later =
            scope.spawn(|| (half..requests.len()).map(|index| naive.decide(requests, index)).collect::<Vec<_>>());
        let mut all: Vec<Answer> = (0..half).map(|index| naive.decide(requests, index)).collect();
        all.extend(later.join().expect("the model does not panic"));
        all
    })
}

/// Compares an engine's answers.
///
/// # Errors
/// The first request that it answers otherwise.
pub(crate) fn compare(
    engine: &str,
    extent: Extent,
    expected: &[Answer],
    requests: &Requests,
    mut answer: impl FnMut(usize) -> Answer,
) -> Result<(), String> {
    for (index, expected) in expected.iter().enumerate() {
        let given = answer(index);
        let agrees = match extent {
            Extent::Reason => given == *expected,
            Extent::Decision => given.is_allow() == expected.is_allow(),
        };
        if !agrees {
            let request = requests.describe(index);
            return Err(format!("DISAGREEMENT: {engine} says {given}, the naive model says {expected}: {request}"));
        }
    }
    Ok(())
}
