//! The engines that Countersign is measured beside. Each is used as its documentation recommends for speed; what none
//! of them does (finding the operation, finding user and app by id) is done for all of them by [`front`].

pub(crate) mod casbin;
pub(crate) mod cedar;
pub(crate) mod front;
pub(crate) mod ordinary;
pub(crate) mod rego;
