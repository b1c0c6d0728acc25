"""What the tests share: the world they run in, and SDK clients that are signed in one way or another.

The SDK is the published one, pointed at the server by `configuration.host` alone.
"""

import json
import os
import unittest
import uuid
from contextlib import contextmanager
from pathlib import Path

import PureCloudPlatformClientV2 as sdk
from PureCloudPlatformClientV2.api_client import ApiClient
from PureCloudPlatformClientV2.rest import ApiException

import sign_in

URL = os.environ["COUNTERSIGN_URL"]
WORLD = json.loads(Path(os.environ["COUNTERSIGN_WORLD"]).read_text())

sdk.configuration.host = URL


def _named(kind, key, name):
    return next(entry for organization in WORLD["organizations"] for entry in organization[kind] if entry[key] == name)


def app(name):
    """A client of the world file, by name."""
    return _named("clients", "name", name)


def person(email):
    """A user of the world file, by e-mail address."""
    return _named("users", "email", email)


def service(name):
    """The SDK as a service: a client-credentials token of the named app."""
    return ApiClient(URL).get_client_credentials_token(app(name)["id"], app(name)["secret"])


def authorization_code(email, app_name, **more):
    """Signs a person in to the named app as a browser would, and returns what comes back to the app."""
    client, user = app(app_name), person(email)
    return sign_in.walk(URL, client["id"], client["redirect_uris"][0], user["email"], user["password"], **more)


def portal(email, app_name="Code Portal"):
    """The SDK behind a web app: a code login without PKCE, as this SDK does it, with a refresh token."""
    client = app(app_name)
    answer = authorization_code(email, app_name)
    api, _ = ApiClient(URL).get_code_authorization_token(
        client["id"], client["secret"], answer["code"], client["redirect_uris"][0]
    )
    return api


def made(model, **fields):
    """A model of the SDK with these fields; its constructors take none."""
    made = model()
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def somebody_new():
    """A user to create, with an e-mail address that nobody has."""
    name = f"n{uuid.uuid4().hex[:12]}"
    return made(sdk.CreateUser, name=name, email=f"{name}@acme.test")


class SdkTest(unittest.TestCase):
    """Assertions about what the SDK raises."""

    @contextmanager
    def refused(self, status, code=None, message=None):
        """The block is refused with this status and, for API calls, this code and text."""
        with self.assertRaises(ApiException) as raised:
            yield raised
        refusal = raised.exception
        self.assertEqual(refusal.status, status, refusal)
        body = json.loads(refusal.body)
        if code:
            self.assertEqual(body["code"], code, body)
            self.assertEqual(body["status"], status, body)
            self.assertEqual(body["contextId"], refusal.headers["ININ-Correlation-Id"], refusal)
        if message:
            self.assertEqual(body["message"], message, body)
