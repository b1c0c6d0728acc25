//! fapi2-security-profile-final-test-plan with private_key_jwt and DPoP, without the modules of country profiles; and the modules of
//! fapi2-message-signing-final that are about request objects.

mod client;
mod dpop;
mod pushed;
mod requests;
mod signed;
mod tokens;
