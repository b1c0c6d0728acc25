"""Signing in: client credentials, the code login of a web app, PKCE, refresh and its end."""

import os
import unittest
from pathlib import Path

import countersign
from countersign import URL, ApiClient, SdkTest, sdk


class ClientCredentials(SdkTest):
    def test_a_service_gets_a_token_with_a_secret_that_the_sdk_sends_raw(self):
        # The SDK does not form-encode `+`, `/` and `%` before Basic, as RFC 6749 §2.3.1 wants it.
        api = countersign.service("Directory Sync")
        self.assertEqual(sdk.OrganizationApi(api).get_organizations_me().name, "Acme Corp")

    def test_a_wrong_secret_is_refused(self):
        with self.refused(401) as refusal:
            ApiClient(URL).get_client_credentials_token(countersign.app("Directory Sync")["id"], "wrong")
        self.assertIn('"invalid_client"', refusal.exception.body)

    def test_a_service_is_not_a_user(self):
        with self.refused(400, "not.a.user"):
            sdk.UsersApi(countersign.service("Directory Sync")).get_users_me()


class CodeLogin(SdkTest):
    def test_a_person_signs_in_and_is_who_they_are(self):
        me = sdk.UsersApi(countersign.portal("ben@acme.test")).get_users_me()
        self.assertEqual((me.name, me.email), ("Ben Bitdiddle", "ben@acme.test"))

    def test_state_comes_back_to_the_app(self):
        answer = countersign.authorization_code("ben@acme.test", "Code Portal", state="x y/ä")
        self.assertEqual(answer["state"], "x y/ä")

    def test_a_code_works_once(self):
        client = countersign.app("Code Portal")
        code = countersign.authorization_code("ben@acme.test", "Code Portal")["code"]
        redeem = client["id"], client["secret"], code, client["redirect_uris"][0]
        ApiClient(URL).get_code_authorization_token(*redeem)
        with self.refused(400) as refusal:
            ApiClient(URL).get_code_authorization_token(*redeem)
        self.assertIn('"invalid_grant"', refusal.exception.body)

    def test_a_public_app_signs_in_with_pkce(self):
        client, api = countersign.app("Browser App"), ApiClient(URL)
        verifier = api.generate_pkce_code_verifier(64)
        answer = countersign.authorization_code(
            "ben@acme.test",
            "Browser App",
            code_challenge=api.compute_pkce_code_challenge(verifier),
            code_challenge_method="S256",
        )
        api.get_pkce_token(client["id"], verifier, answer["code"], client["redirect_uris"][0])
        self.assertEqual(sdk.UsersApi(api).get_users_me().email, "ben@acme.test")

    def test_a_public_app_without_pkce_gets_no_code(self):
        answer = countersign.authorization_code("ben@acme.test", "Browser App")
        self.assertEqual(answer["error"], "invalid_request")
        self.assertNotIn("code", answer)


class Refresh(SdkTest):
    def test_a_call_with_a_token_that_is_no_longer_good_is_repeated_with_a_fresh_one(self):
        # A dead token is told from an expired one by nobody: both get 401, and on 401 the SDK refreshes and repeats.
        api = countersign.portal("ben@acme.test")
        api.access_token = "no-longer-good"
        self.assertEqual(sdk.UsersApi(api).get_users_me().email, "ben@acme.test")
        self.assertNotEqual(api.access_token, "no-longer-good")

    @unittest.skipUnless("COUNTERSIGN_CLOCK" in os.environ, "needs libfaketime")
    def test_a_call_after_expiry_is_repeated_with_a_fresh_token(self):
        api = countersign.portal("ben@acme.test", "Five-minute Portal")
        expired = api.access_token
        Path(os.environ["COUNTERSIGN_CLOCK"]).write_text("+301\n")
        self.assertEqual(sdk.UsersApi(api).get_users_me().email, "ben@acme.test")
        self.assertNotEqual(api.access_token, expired)

    def test_signing_out_ends_the_refresh_loop(self):
        api = countersign.portal("ben@acme.test")
        sdk.TokensApi(api).delete_tokens_me()
        self.refresh_is_over(api)

    def test_an_administrator_ends_the_refresh_loop_of_another_person(self):
        api = countersign.portal("ben@acme.test")
        ben = sdk.UsersApi(api).get_users_me().id
        sdk.TokensApi(countersign.portal("ada@acme.test")).delete_token(ben)
        self.refresh_is_over(api)

    def refresh_is_over(self, api):
        """The SDK refreshes on every 401 without a bound of its own: only a refused refresh ends it."""
        with self.refused(400) as refusal:
            sdk.UsersApi(api).get_users_me()
        self.assertIn('"invalid_grant"', refusal.exception.body)


class NoToken(SdkTest):
    def test_an_empty_bearer_asks_for_authentication(self):
        with self.refused(401, "authentication.required"):
            sdk.UsersApi(ApiClient(URL)).get_users_me()

    def test_an_unknown_token_is_a_bad_credential(self):
        api = ApiClient(URL)
        api.access_token = "unknown"
        with self.refused(401, "bad.credentials"):
            sdk.UsersApi(api).get_users_me()
