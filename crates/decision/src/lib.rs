//! The decision engine: user permissions and app scopes, joined per API call.
