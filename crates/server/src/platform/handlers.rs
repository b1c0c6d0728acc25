//! The table from operationIds to functions.

use std::future::Future;
use std::pin::Pin;

use axum::response::Response;

use crate::http::error::ApiError;
use crate::platform::Call;

/// What a handler gives.
pub type Reply = Pin<Box<dyn Future<Output = Result<Response, ApiError>> + Send>>;
/// A handler of one operation.
pub type Handler = fn(Call) -> Reply;

macro_rules! handlers {
    ($($operation:literal => $function:path,)*) => {
        /// Every operation of our own API with its handler, by operationId.
        pub const HANDLERS: &[(&str, Handler)] = &[$(($operation, |call| Box::pin($function(call)))),*];
    };
}

handlers! {}

/// The handler of an operation.
pub fn find(operation_id: &str) -> Option<Handler> {
    HANDLERS.iter().find(|(id, _)| *id == operation_id).map(|(_, handler)| *handler)
}
