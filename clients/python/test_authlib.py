"""Authlib, unmodified: its OAuth2Session through PKCE, refresh, introspection, revocation and private_key_jwt."""

import json
import os
import time
import unittest
from pathlib import Path

# Loopback is the one place for plain HTTP; Authlib reads this when it is imported.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwk, jwt

import countersign
import sign_in
from countersign import URL

TOKEN = f"{URL}/oauth/token"
KEY = jwk.ECKey.import_key(json.loads((Path(__file__).parent.parent / "key.json").read_text()))


def session(name="Relying Party", **more):
    """Authlib's session for the named app of the world file."""
    client = countersign.app(name)
    return OAuth2Session(
        client["id"], client.get("secret"), redirect_uri=client["redirect_uris"][0], code_challenge_method="S256", **more
    )


def with_key(key, good_for=60):
    """The same for an app that proves itself by a key, for one request: the assertion is good for so many seconds.

    Not for more: Authlib writes the `jti` of its first assertion into the claims that it was given, and then repeats it.
    """
    made = session("Key Holder", token_endpoint_auth_method="private_key_jwt")
    made.client_secret = key
    # Authlib would make them good for an hour.
    claims = {"exp": int(time.time()) + good_for}
    made.register_client_auth_method(PrivateKeyJWT(TOKEN, claims, headers={"kid": KEY.kid}, alg="ES256"))
    return made


def sent_back(oauth, verifier, **more):
    """Signs Ida in at the address that Authlib makes, and returns the address that she is sent back to."""
    address, _ = oauth.create_authorization_url(f"{URL}/oauth/authorize", code_verifier=verifier, **more)
    ida = countersign.person("ida@initech.test")
    return sign_in.follow(address, oauth.redirect_uri, ida["email"], ida["password"])


def signed_in(oauth, **more):
    """The whole code flow; returns the tokens."""
    verifier = generate_token(48)
    back = sent_back(oauth, verifier, **more)
    return oauth.fetch_token(TOKEN, authorization_response=back, code_verifier=verifier)


class AuthlibTest(unittest.TestCase):
    def refused(self, error, call):
        """Authlib reports this registered error code."""
        with self.assertRaises(AuthlibBaseError) as raised:
            call()
        self.assertEqual(raised.exception.error, error)


class CodeFlow(AuthlibTest):
    def test_a_person_signs_in_with_pkce_and_userinfo_knows_them(self):
        oauth = session(scope="openid email")
        token = signed_in(oauth, nonce="a nonce")
        keys = jwk.KeySet.import_key_set(oauth.get(f"{URL}/oauth/jwks", withhold_token=True).json())
        claims = jwt.decode(token["id_token"], keys, algorithms=["ES256"]).claims
        self.assertEqual((claims["iss"], claims["aud"], claims["nonce"]), (URL, oauth.client_id, "a nonce"))
        person = oauth.get(f"{URL}/oauth/userinfo").json()
        self.assertEqual((person["sub"], person["email"]), (claims["sub"], "ida@initech.test"))

    def test_the_challenge_is_that_of_the_verifier(self):
        # RFC 7636, appendix B
        challenge = create_s256_code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        self.assertEqual(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")

    def test_a_code_is_worth_nothing_with_another_verifier(self):
        oauth = session()
        back = sent_back(oauth, generate_token(48))
        redeem = lambda: oauth.fetch_token(TOKEN, authorization_response=back, code_verifier=generate_token(48))
        self.refused("invalid_grant", redeem)

    def test_an_answer_with_another_state_is_refused_by_the_library(self):
        oauth, verifier = session(state="ours"), generate_token(48)
        back = sent_back(oauth, verifier).replace("state=ours", "state=theirs")
        redeem = lambda: oauth.fetch_token(TOKEN, authorization_response=back, code_verifier=verifier, state="ours")
        self.refused("mismatching_state", redeem)


class Tokens(AuthlibTest):
    def test_a_refresh_token_is_worth_new_tokens(self):
        oauth = session(scope="openid email")
        old = signed_in(oauth)["access_token"]
        self.assertNotEqual(oauth.refresh_token(TOKEN)["access_token"], old)
        self.assertEqual(oauth.get(f"{URL}/oauth/userinfo").json()["email"], "ida@initech.test")
        self.refused("invalid_grant", lambda: oauth.refresh_token(TOKEN, refresh_token="unknown"))

    def test_a_revoked_token_is_no_longer_active(self):
        oauth = session()
        token = signed_in(oauth)
        ask = lambda: oauth.introspect_token(f"{URL}/oauth/introspect", token=token["access_token"]).json()
        told = ask()
        self.assertEqual((told["active"], told["client_id"]), (True, oauth.client_id))
        answer = oauth.revoke_token(f"{URL}/oauth/revoke", token=token["refresh_token"], token_type_hint="refresh_token")
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(ask(), {"active": False})
        self.refused("invalid_grant", lambda: oauth.refresh_token(TOKEN, refresh_token=token["refresh_token"]))


class ByKey(AuthlibTest):
    def test_a_service_gets_a_token_by_its_key(self):
        oauth = with_key(KEY)
        token = oauth.fetch_token(TOKEN, grant_type="client_credentials")
        told = with_key(KEY).introspect_token(f"{URL}/oauth/introspect", token=token["access_token"]).json()
        self.assertEqual((told["active"], told["client_id"]), (True, oauth.client_id))

    def test_an_assertion_counts_once(self):
        oauth = with_key(KEY)
        oauth.fetch_token(TOKEN, grant_type="client_credentials")
        self.refused("invalid_client", lambda: oauth.fetch_token(TOKEN, grant_type="client_credentials"))

    def test_a_person_signs_in_to_an_app_with_a_key(self):
        oauth = with_key(KEY)
        self.assertIn("id_token", signed_in(oauth, scope="openid"))

    def test_another_key_is_refused(self):
        other = jwk.ECKey.generate_key("P-256")
        self.refused("invalid_client", lambda: with_key(other).fetch_token(TOKEN, grant_type="client_credentials"))

    def test_an_assertion_that_is_good_for_an_hour_is_refused(self):
        # RFC 7523 §3 rule 4: unreasonably far in the future. Five minutes are the limit.
        self.refused("invalid_client", lambda: with_key(KEY, 3600).fetch_token(TOKEN, grant_type="client_credentials"))

    def test_a_wrong_secret_is_refused(self):
        oauth = session()
        oauth.client_secret = "wrong"
        self.refused("invalid_client", lambda: oauth.fetch_token(TOKEN, grant_type="client_credentials"))
