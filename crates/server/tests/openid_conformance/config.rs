//! oidcc-config-certification-test-plan: one module.

use serde_json::{Value, json};

use crate::relying_party::server;

#[tokio::test]
async fn oidcc_discovery_endpoint_verification() {
    let server = server().await;
    let answer = server.get("/.well-known/openid-configuration").await;
    assert!(answer.header("content-type").starts_with("application/json"));
    let document = answer.ok();
    let issuer = server.app.origin.as_str();
    assert_eq!(document["issuer"], issuer);
    for endpoint in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"] {
        assert!(document[endpoint].as_str().unwrap().starts_with(issuer), "{endpoint}");
    }
    let lists = |name: &str, value: &str| document[name].as_array().unwrap().contains(&json!(value));
    assert!(lists("response_types_supported", "code") && lists("subject_types_supported", "public"));
    assert!(lists("scopes_supported", "openid") && lists("grant_types_supported", "authorization_code"));
    assert!(lists("token_endpoint_auth_methods_supported", "client_secret_basic"));
    assert!(lists("claims_supported", "sub") && lists("response_modes_supported", "query"));
    for name in ["claims_parameter_supported", "request_parameter_supported", "request_uri_parameter_supported"] {
        assert!(document[name].is_boolean(), "{name}");
    }
    let keys = server.get("/oauth/jwks").await.ok();
    assert!(keys["keys"].as_array().unwrap().iter().all(|key| key["kid"].is_string() && key["use"] == "sig"));
    for algorithm in document["id_token_signing_alg_values_supported"].as_array().unwrap() {
        assert!(keys["keys"].as_array().unwrap().iter().any(|key| key["alg"] == *algorithm), "{algorithm}");
    }
    let other: Value = server.get("/.well-known/oauth-authorization-server").await.ok();
    assert_eq!(document, other, "one struct, two addresses");
}
